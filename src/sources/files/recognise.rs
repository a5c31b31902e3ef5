//! In which format a file of papers is: by what it holds, and where that leaves it open by how it is called.

use std::path::Path;

use super::super::references::{recognise, table, xml};
use super::PaperFormat;
use super::json::LISTS;
use crate::engine::Format;
use crate::error::{Error, Result};
use crate::paper::head;

/// What is read, for those who came with something else.
const READS: &str = "paperkin reads papers from JSON Lines, JSON, CSV and TSV with a head, BibTeX, RIS, CSL-JSON, PubMed \
    (XML, .nbib), EndNote, Web of Science, arXiv's metadata, ACL Anthology XML, and the dumps of Crossref, OpenAlex and Semantic \
    Scholar, plain or packed with gzip or Zstandard";

/// The format that a name ends in, be it packed: `papers.csv.gz` is a table.
pub fn by_name(name: &str) -> Option<PaperFormat> {
    let name = name.to_lowercase();
    let packed = [".gz", ".gzip", ".zst", ".zstd"].iter().find_map(|end| name.strip_suffix(end));
    let extension = Path::new(packed.unwrap_or(&name)).extension()?.to_str()?;
    Some(match extension {
        "jsonl" | "ndjson" | "jsonlines" => PaperFormat::Jsonl,
        "json" => PaperFormat::Json,
        "csv" => PaperFormat::Csv,
        "tsv" | "tab" => PaperFormat::Tsv,
        "bib" | "bibtex" => PaperFormat::Bibtex,
        "ris" => PaperFormat::Ris,
        "csl" => PaperFormat::Csl,
        "nbib" => PaperFormat::Pubmed,
        "enw" => PaperFormat::Endnote,
        "ciw" => PaperFormat::Wos,
        _ => return None,
    })
}

/// The format of a file from its first bytes, as text, and its name.
///
/// # Errors
/// [`Error::BadRequest`] when it has none that is read, naming what it looks like.
pub fn recognise(name: &str, sample: &str) -> Result<PaperFormat> {
    let named = by_name(name);
    let begin = sample.trim_start_matches('\u{feff}').trim_start();
    // By the bytes of blanks alone: others are what some encoding makes of something else.
    if sample.trim_start_matches('\u{feff}').trim_ascii_start().is_empty() {
        return Ok(named.unwrap_or(PaperFormat::Jsonl));
    }
    if begin.starts_with('{') && !begin.starts_with("{\\rtf") || begin.starts_with('[') {
        return Ok(json(begin, named));
    }
    if let Some(format) = xml_format(begin) {
        return Ok(format);
    }
    // Lines that are no JSON are told one by one where the name says that they should be.
    let lines = named == Some(PaperFormat::Jsonl);
    if let Some(what) = recognise::what_text(begin).filter(|_| !lines) {
        return Err(Error::BadRequest(format!("this looks like {what}; {READS}")));
    }
    match recognise::structured(begin) {
        Some(Format::Bibtex) => return Ok(PaperFormat::Bibtex),
        Some(Format::Ris) => return Ok(PaperFormat::Ris),
        Some(Format::Pubmed) => return Ok(PaperFormat::Pubmed),
        Some(Format::Endnote) => return Ok(PaperFormat::Endnote),
        Some(Format::Wos) if table::is_wos(begin) => return Ok(PaperFormat::Tsv),
        Some(Format::Wos) => return Ok(PaperFormat::Wos),
        Some(Format::Csv) if !lines => return Ok(PaperFormat::Csv),
        _ => {}
    }
    named.ok_or_else(|| {
        let first = begin.lines().next().unwrap_or_default();
        Error::BadRequest(format!(
            "this is in no format that is known (it begins {:?}); {READS}. --format says which it is",
            head(first, 60)
        ))
    })
}

/// Refuses bytes that are no text.
///
/// # Errors
/// [`Error::BadRequest`] that names what they look like.
pub fn text(bytes: &[u8]) -> Result<()> {
    let refused = |what| Err(Error::BadRequest(format!("this looks like {what}; {READS}")));
    recognise::what_bytes(bytes).map_or(Ok(()), refused)
}

fn xml_format(begin: &str) -> Option<PaperFormat> {
    if !begin.starts_with('<') {
        return None;
    }
    match xml::root(begin)?.as_str() {
        // MARCXML calls its root the same.
        "collection" if begin.contains("<volume") || begin.contains("<paper") => Some(PaperFormat::Acl),
        "volume" if begin.contains("<paper") => Some(PaperFormat::Acl),
        _ => match recognise::structured(begin)? {
            Format::Pubmed => Some(PaperFormat::Pubmed),
            Format::Endnote => Some(PaperFormat::Endnote),
            _ => None,
        },
    }
}

/// Whether JSON is an object a line, and not one over several lines, a list, or an object around one.
pub fn in_lines(begin: &str) -> bool {
    let first = begin.lines().next().unwrap_or_default().trim_end();
    let whole = !begin.contains('\n') || serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok();
    // No more than the first line: more of it may not have come yet.
    let fields = Fields::of(first);
    let own = ["title", "DOI", "id", "corpusid", "paperId"].iter().any(|name| fields.has(name));
    begin.starts_with('{') && whole && (own || !LISTS.iter().chain(&["message"]).any(|list| fields.has(list)))
}

/// Which JSON it is.
fn json(begin: &str, named: Option<PaperFormat>) -> PaperFormat {
    let first = begin.lines().next().unwrap_or_default().trim_end();
    let cut = !begin.contains('\n');
    let whole = serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok();
    // A line that is longer than what is looked at is a line, where the name says so.
    let lines = begin.starts_with('{') && (whole || (cut && named != Some(PaperFormat::Json)));
    let mut fields = Fields::of(begin);
    let mut in_list = begin.starts_with('[');
    if !fields.has("title") {
        for list in LISTS.iter().chain(&["message"]) {
            if fields.has(list)
                && let Some(inside) = fields.inside(begin, list)
            {
                let inner = Fields::of(inside);
                // An entry may hold lists of its own.
                if inner.has("title") || inner.has("DOI") || inner.has("data") || inner.has("items") || inner.has("id")
                {
                    let deeper = LISTS.iter().find_map(|list| Some(Fields::of(inner.inside(inside, list)?)));
                    fields = deeper.filter(|_| *list == "message").unwrap_or(inner);
                    in_list = true;
                    break;
                }
            }
        }
    }
    let has = |name: &str| fields.has(name);
    match () {
        () if has("authors_parsed") || (has("submitter") && has("versions")) => PaperFormat::Arxiv,
        () if has("abstract_inverted_index") || (has("authorships") && has("id")) => PaperFormat::Openalex,
        () if has("corpusid") || (has("paperId") && has("externalIds")) => PaperFormat::SemanticScholar,
        () if has("DOI") && (has("indexed") || has("reference-count") || has("member")) => PaperFormat::Crossref,
        () if has("itemType") || has("creators") || fields.text.contains("\"itemType\"") => PaperFormat::Csl,
        () if has("issued") || has("container-title") || has("DOI") => PaperFormat::Csl,
        // Papers as they are sent have an id; what has none is called by what it says of itself.
        () if !has("id") && !lines && has("title") => PaperFormat::Csl,
        () if lines && !in_list => PaperFormat::Jsonl,
        () if named == Some(PaperFormat::Jsonl) && !in_list && begin.starts_with('{') => PaperFormat::Jsonl,
        () if named == Some(PaperFormat::Csl) => PaperFormat::Csl,
        () => PaperFormat::Json,
    }
}

/// The names of the fields of the first object of a text, as far as the text goes.
struct Fields<'a> {
    names: Vec<(&'a str, usize)>,
    /// The object.
    text: &'a str,
}

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        let start = text.find('{').unwrap_or(text.len());
        let text = &text[start..];
        let bytes = text.as_bytes();
        let (mut names, mut depth, mut at) = (Vec::new(), 0usize, 0);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let begin = at + 1;
                    at = begin;
                    while let Some(byte) = bytes.get(at).filter(|b| **b != b'"') {
                        at += if *byte == b'\\' { 2 } else { 1 };
                    }
                    let behind = bytes.get(at + 1..).unwrap_or_default().trim_ascii_start();
                    if depth == 1
                        && behind.starts_with(b":")
                        && let Some(name) = text.get(begin..at)
                    {
                        names.push((name, start + at + 1));
                    }
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Fields { names, text: &text[..at] };
                    }
                }
                _ => {}
            }
            at += 1;
        }
        Fields { names, text }
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| *known == name)
    }

    /// What begins as the value of a field, where that is a list or an object.
    fn inside<'t>(&self, whole: &'t str, name: &str) -> Option<&'t str> {
        let (_, at) = self.names.iter().find(|(known, _)| *known == name)?;
        let value = whole.get(*at..)?.trim_start().strip_prefix(':')?.trim_start();
        value.starts_with(['[', '{']).then(|| &value[usize::from(value.starts_with('['))..])
    }
}
