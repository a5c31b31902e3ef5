//! In which format a list is written, or what it is instead of a list.

use std::borrow::Cow;

use super::{bibtex, endnote, lines, pubmed, ris, table, wos, xml};
use crate::engine::Format;
use crate::error::{Error, Result};
use crate::paper::{Identifier, head};

/// What is read, for those who came with something else.
const READS: &str = "paperkin reads BibTeX, RIS, CSL-JSON, Zotero (JSON, CSV), PubMed (.nbib, XML), EndNote (.enw, XML), Web of \
    Science (text, tab-delimited), CSV with a column `title` or `DOI` (Scopus and others), and ids or addresses, one a line";

/// Files that are no text, by how they begin.
const BINARY: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF"),
    (b"\x1f\x8b", "a compressed file (gzip); unpack it first"),
    (b"BZh", "a compressed file (bzip2); unpack it first"),
    (b"\xfd7zXZ", "a compressed file (xz); unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a compressed file (Zstandard); unpack it first"),
    (b"7z\xbc\xaf", "a compressed folder (7z); unpack it first"),
    (b"Rar!", "a compressed folder (RAR); unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Word or Excel file (.doc, .xls)"),
    (
        b"SQLite format 3\0",
        "a database (SQLite), as EndNote libraries (.enl) and Zotero's folder hold; export the list from the program",
    ),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"bplist00", "a property list of macOS"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
];

/// What stands in a ZIP says what it is.
const ZIPPED: &[(&[u8], &str)] = &[
    (b"word/", "a Word file (.docx)"),
    (b"xl/", "an Excel file (.xlsx); save it as CSV"),
    (b"ppt/", "a PowerPoint file (.pptx)"),
    (b"opendocument.text", "a document of LibreOffice (.odt)"),
    (b"opendocument.spreadsheet", "a spreadsheet of LibreOffice (.ods); save it as CSV"),
    (b"application/epub", "an e-book (EPUB)"),
    (b"sdb/", "a packed EndNote library (.enlx); export the list from EndNote"),
];

/// XML that is no list of references, by its root.
const XML: &[(&str, &str)] = &[
    ("html", "an HTML page"),
    ("opml", "an OPML file (subscriptions of a news reader)"),
    ("rss", "a feed (RSS)"),
    ("feed", "a feed (Atom)"),
    ("RDF", "an RDF file (Zotero RDF or the like)"),
    ("modsCollection", "a MODS file"),
    ("mods", "a MODS file"),
    ("TEI", "a TEI file"),
    ("collection", "a MARCXML file"),
    ("Sources", "a Word bibliography (XML)"),
    ("plist", "a property list of macOS"),
    ("svg", "a picture (SVG)"),
    ("article", "an article (JATS XML)"),
];

fn refused(what: &str) -> Error {
    Error::BadRequest(format!("this looks like {what}; {READS}"))
}

/// Refuses bytes that are no text.
///
/// # Errors
/// [`Error::BadRequest`] that names what they look like.
pub fn binary(bytes: &[u8]) -> Result<()> {
    what_bytes(bytes).map_or(Ok(()), |what| Err(refused(what)))
}

/// What bytes are that are no text.
pub fn what_bytes(bytes: &[u8]) -> Option<&'static str> {
    let begin = &bytes[..bytes.len().min(1024)];
    if let Some((_, what)) = BINARY.iter().find(|(magic, _)| begin.starts_with(magic)) {
        return Some(what);
    }
    if begin.starts_with(b"PK\x03\x04") || begin.starts_with(b"PK\x05\x06") {
        // The names stand at the beginning and at the end.
        let ends = [&bytes[..bytes.len().min(1 << 16)], &bytes[bytes.len().saturating_sub(1 << 16)..]];
        let holds = |name: &[u8]| ends.iter().any(|end| end.windows(name.len()).any(|window| window == name));
        return Some(ZIPPED.iter().find(|(name, _)| holds(name)).map_or("a ZIP; unpack it first", |(_, what)| what));
    }
    begin.windows(5).any(|window| window == b"%PDF-").then_some("a PDF")
}

/// Refuses a text that is certainly no list.
///
/// # Errors
/// [`Error::BadRequest`] that names what it looks like.
pub fn strange(text: &str) -> Result<()> {
    what_text(text).map_or(Ok(()), |what| Err(refused(&what)))
}

/// What a text is that is certainly no list.
pub fn what_text(text: &str) -> Option<Cow<'static, str>> {
    let plain = |what: &'static str| Some(Cow::Borrowed(what));
    if let Some(what) = what_bytes(text.as_bytes()) {
        return plain(what);
    }
    let begin = text.trim_start();
    let sample = head_of(begin, 4096);
    let odd =
        sample.chars().filter(|c| *c == '\0' || *c == '\u{fffd}' || (c.is_control() && !c.is_whitespace())).count();
    if odd * 20 > sample.chars().count() {
        return plain("a file that is no text (if it is an EndNote library (.enl), export the list from EndNote)");
    }
    if begin.starts_with("{\\rtf") {
        return plain("a rich text file (RTF)");
    }
    let has = |sign: &str| sample.contains(sign);
    if (has("\\documentclass") || has("\\begin{document}") || has("\\begin{thebibliography}") || has("\\bibitem"))
        && !begin.lines().take(500).any(|line| bibtex::begins(line.trim_start()))
    {
        return plain("a LaTeX document; its .bib file is what is wanted");
    }
    if begin.starts_with('<') {
        // Addresses are pasted in angle brackets.
        if ["<http:", "<https:", "<doi:", "<arxiv:"].iter().any(|sign| sample.to_lowercase().starts_with(sign)) {
            return None;
        }
        let lower = sample.to_lowercase();
        let root = xml::root(begin);
        let known = root.as_ref().and_then(|root| XML.iter().find(|(name, _)| name == root));
        let is_list = root.as_ref().is_some_and(|root| xml_format(root, begin).is_some());
        match (known, root) {
            _ if lower.starts_with("<!doctype html") => return plain("an HTML page"),
            (Some((_, what)), _) => return plain(what),
            _ if is_list => {}
            _ if lower.contains("<html") || lower.contains("<body") => return plain("an HTML page"),
            (None, Some(root)) => {
                return Some(format!("an XML file of another kind (`<{}>`)", head(&root, 40)).into());
            }
            (None, None) => {}
        }
    }
    let mail = |name: &str| begin.lines().take(40).any(|line| line.starts_with(name));
    if (mail("From: ") || mail("From ")) && mail("Subject: ") && (mail("To: ") || mail("Date: ")) {
        return plain("an e-mail");
    }
    None
}

fn head_of(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The format of an XML file.
fn xml_format(root: &str, text: &str) -> Option<Format> {
    match root {
        "PubmedArticleSet" | "PubmedArticle" | "PubmedBookArticle" | "PubmedBookArticleSet" => Some(Format::Pubmed),
        "xml" | "records" | "record" | "XML" if head_of(text, 65_536).contains("<record") => Some(Format::Endnote),
        _ => None,
    }
}

/// The format that a text has by its own signs; none for lists of lines.
pub fn structured(text: &str) -> Option<Format> {
    let begin = text.trim_start();
    if begin.starts_with('<') {
        return xml_format(&xml::root(begin)?, begin);
    }
    if is_json(begin) {
        return Some(Format::Csl);
    }
    if pubmed::looks(begin) {
        return Some(Format::Pubmed);
    }
    if wos::looks(begin) || table::is_wos(begin) {
        return Some(Format::Wos);
    }
    // Whichever begins first: an abstract may quote the other.
    let at = |is: &dyn Fn(&str) -> bool| begin.lines().take(5000).position(is);
    let (bib, ris_at) = (at(&|line| bibtex::begins(line.trim_start())), at(&ris::begins));
    match (bib, ris_at) {
        (Some(bib), Some(ris)) => return Some(if bib < ris { Format::Bibtex } else { Format::Ris }),
        (Some(_), None) => return Some(Format::Bibtex),
        (None, Some(_)) => return Some(Format::Ris),
        (None, None) => {}
    }
    if endnote::looks(begin) {
        return Some(Format::Endnote);
    }
    if ris::looks(begin) {
        return Some(Format::Ris);
    }
    table::looks(begin).then_some(Format::Csv)
}

/// The format of a text.
///
/// # Errors
/// [`Error::BadRequest`] when it has none that is read.
pub fn recognise(text: &str) -> Result<Format> {
    if let Some(format) = structured(text) {
        return Ok(format);
    }
    if text.trim().is_empty() {
        return Err(Error::Invalid("the file holds no reference: it is empty".into()));
    }
    if lines::looks(text) {
        return Ok(Format::Ids);
    }
    // One word that starts an entry in the middle of a line is enough where nothing else is known.
    if text.contains('@') && text.match_indices('@').take(10_000).any(|(at, _)| bibtex::begins(&text[at..])) {
        return Ok(Format::Bibtex);
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    Err(Error::BadRequest(format!(
        "this is in no format that is known (it begins {:?}); {READS}. If each line is a title, say so with the format `titles`",
        head(first, 60)
    )))
}

/// Whether a text begins as JSON does; lists of lines may begin with a bracket, too.
fn is_json(begin: &str) -> bool {
    if begin.starts_with('{') {
        return !begin.starts_with("{\\");
    }
    let Some(rest) = begin.strip_prefix('[') else { return false };
    let inside = rest.trim_start();
    if inside.is_empty() || inside.starts_with(['{', '[', ']', '"']) {
        return true;
    }
    // `[5]` is JSON, `[2405.13729] Title` and `[1] Doe, J.` are lines.
    let Some((word, behind)) = rest.split_once(']') else {
        return inside.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    };
    let value = word.split(',').all(|part| part.trim().parse::<f64>().is_ok() || part.trim() == "null");
    value && behind.trim().is_empty() && Identifier::parse(word).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_is_named() {
        for (bytes, word) in [
            (b"%PDF-1.7\n%\xe2\xe3".as_slice(), "a PDF"),
            (b"PK\x03\x04....word/document.xml", "a Word file"),
            (b"PK\x03\x04....xl/workbook.xml", "an Excel file"),
            (b"PK\x03\x04....data.bib", "a ZIP"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"SQLite format 3\0....", ".enl"),
            (b"\xd0\xcf\x11\xe0\xa1", "Word"),
        ] {
            let told = binary(bytes).expect_err("refused").to_string();
            assert!(told.contains(word) && told.contains("reads BibTeX, RIS"), "{told}");
        }
        for (text, word) in [
            ("<!DOCTYPE html>\n<title>x</title>", "an HTML page"),
            ("<?xml version='1.0'?><html xmlns='x'><body/></html>", "an HTML page"),
            ("<?xml version='1.0'?>\n<opml version='2.0'><body/></opml>", "OPML"),
            ("<rss version='2.0'><channel/></rss>", "a feed"),
            ("<rdf:RDF xmlns:rdf='x'>", "RDF"),
            ("<invoice><n>1</n></invoice>", "`<invoice>`"),
            ("{\\rtf1\\ansi Text}", "RTF"),
            ("\\documentclass{article}\n\\begin{document}", "LaTeX"),
            ("From: a@b.c\nTo: d@e.f\nSubject: papers\n\nread this", "e-mail"),
            ("RSFT\0\0\u{1}\u{2}\0\0\0END", "no text"),
        ] {
            let told = strange(text).expect_err(text).to_string();
            assert!(told.contains(word), "{told}");
        }
        for text in ["<https://arxiv.org/abs/2405.13729>", "@misc{a, title={\\documentclass}}", "TY  - JOUR\n"] {
            assert!(strange(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn each_format_is_known_by_its_signs() {
        use Format::{Bibtex, Csl, Csv, Endnote, Ids, Pubmed, Ris, Wos};
        for (text, format) in [
            ("% Encoding: UTF-8\n\n@Article{a,", Bibtex),
            ("By hand.\n@misc (a, title=\"x\")", Bibtex),
            ("\n\nTY  - JOUR\nAB  - we wrote\n@article{x,\nER  - ", Ris),
            ("TI  - A\nAU  - B\nPY  - 2021\nER  - \n", Ris),
            ("[{\"title\": \"A\"}]", Csl),
            (" {\"items\": []}", Csl),
            ("[]", Csl),
            ("[5]", Csl),
            ("[2405.13729] A title\n", Ids),
            ("[1] Doe, J.: A title. doi:10.1000/a", Ids),
            ("PMID- 1\nOWN - NLM\nTI  - A\n", Pubmed),
            ("<?xml version=\"1.0\"?><!DOCTYPE x><PubmedArticleSet>", Pubmed),
            ("<xml><records><record></record></records></xml>", Endnote),
            ("%0 Journal Article\n%T A\n%A B", Endnote),
            ("FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nAU A\n", Wos),
            ("PT\tAU\tTI\tSO\tPY\tDI\nJ\tA\tB", Wos),
            ("\"Key\",\"Title\",\"DOI\"\n", Csv),
            ("Authors;Title;Year\n", Csv),
            ("2405.13729\nhttps://doi.org/10.1000/a\n", Ids),
            ("whales/5\nnowhere/1", Ids),
        ] {
            assert_eq!(recognise(text).expect(text), format, "{text}");
        }
        for text in ["Attention and more\nOn things", "Dear all,\nhere is my list:", "plain"] {
            let told = recognise(text).expect_err(text).to_string();
            assert!(told.contains("titles") && told.contains("PubMed"), "{told}");
        }
    }
}
