use std::io::{BufReader, Write};

use proptest::prelude::*;

use super::*;
use crate::paper::Paper;

const JSONL: &str = "{\"id\": \"a\", \"title\": \"On Tides\", \"date\": 2021}\n\n{\"id\": \"b\"\n{\"id\": \"c\", \"title\": \"On Dunes\"}\n";
const JSON: &str = "{\"total\": 3, \"papers\": [\n{\"id\": \"a\", \"title\": \"On Tides\", \"abstract\": \"with ] and \\\" and {\"},\n\
    {\"id\": \"b\"}, 5, {\"id\": \"c\", \"title\": \"On Dunes\"}\n], \"next\": {\"x\": []}}";
const CSV: &str = "Titel;Autoren;Jahr;Schlagw\u{f6}rter;Verlag\n\"Von Gezeiten;\nund Monden\";M\u{fc}ller, J\u{f6}rg;2021;Meer, Mond;Haus\n;;2020;;\n\
    Von D\u{fc}nen;\"Roe, Max; Poe, Ann\";2022;;\n";
const BIBTEX: &str = "@string{jt = {Journal of Tides}}\n@article{a, title = {On {T}ides}, author = {Doe, Jane}, journal = jt, year = 2021,\n\
    doi = {10.1000/a}, keywords = {sea, moon}, url = {https://example.org/a}}\n\n@misc{b, note = {nothing}}\n\
    @misc{c, title = {On Dunes}, journal = jt}\n";
const RIS: &str = "TY  - JOUR\nTI  - On Tides\nAU  - Doe, Jane\nKW  - sea\nKW  - moon\nPY  - 2021\nUR  - https://example.org/a\nER  - \n\n\
    TY  - JOUR\nPY  - 2020\nER  - \nTY  - JOUR\nTI  - On Dunes\nER  - \n";
const CSL: &str = "[{\"type\": \"article\", \"title\": \"On Tides\", \"DOI\": \"10.1000/a\", \"keyword\": \"sea, moon\",\n\
    \"author\": [{\"family\": \"Doe\", \"given\": \"Jane\"}], \"issued\": {\"date-parts\": [[2021]]}},\n{\"id\": \"x\", \"type\": \"book\"},\n\
    {\"type\": \"book\", \"title\": \"On Dunes\"}]";
const MEDLINE: &str = "PMID- 99000001\nOWN - NLM\nTI  - On tides.\nAB  - First\n      and second.\nFAU - Doe, Jane\nOT  - sea\n\
    PT  - Retracted Publication\n\nPMID- bad\nOWN - NLM\nDP  - 2020\n\nPMID- 99000002\nOWN - NLM\nTI  - On dunes.\n";
const PUBMED: &str = "<?xml version=\"1.0\"?>\n<PubmedArticleSet>\n<PubmedArticle><MedlineCitation><PMID>99000001</PMID><Article>\
    <ArticleTitle>On tides &amp; <i>moons</i>.</ArticleTitle></Article><KeywordList><Keyword>sea</Keyword></KeywordList></MedlineCitation></PubmedArticle>\n\
    <PubmedArticle><MedlineCitation><PMID>2</PMID><Article><ArticleTitle>Broken</Article></PubmedArticle>\n\
    <PubmedArticle><MedlineCitation><PMID>99000002</PMID><Article><ArticleTitle>On dunes</ArticleTitle></Article></MedlineCitation></PubmedArticle>\n</PubmedArticleSet>\n";
const ENDNOTE: &str = "%0 Journal Article\n%T On tides\n%A Doe, Jane\n%K sea\n%X Of the sea.\n\n%0 Generic\n%D 2020\n\n%0 Generic\n%T On dunes\n";
const ENDNOTE_XML: &str = "<xml><records><record><titles><title>On tides</title></titles></record>\n<record><titles><title>B</titles></record>\n\
    <record><titles><title>On dunes</title></titles></record></records></xml>";
const WOS: &str = "FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nAU Doe, J\nTI On Tides\nDE sea; moon\nER\n\nPT J\nPY 2020\nER\n\nPT J\nTI On Dunes\nER\n\nEF\n";
const ARXIV: &str = "{\"id\":\"0704.0001\",\"submitter\":\"Jane Doe\",\"authors\":\"Jane Doe (Somewhere), Max Roe Jr\",\"title\":\"On tides\\n  and moons\",\
    \"comments\":\"37 pages\",\"journal-ref\":\"J. Tides 1 (2008)\",\"doi\":\"10.1000/a\",\"report-no\":null,\"categories\":\"physics.ao-ph stat.ML\",\
    \"license\":null,\"abstract\":\"  Of the sea.\\n\",\"versions\":[{\"version\":\"v1\",\"created\":\"Mon, 2 Apr 2007 19:18:42 GMT\"},\
    {\"version\":\"v2\",\"created\":\"Tue, 24 Jul 2007 20:10:27 GMT\"}],\"update_date\":\"2008-11-26\",\
    \"authors_parsed\":[[\"Doe\",\"Jane\",\"\"],[\"Roe\",\"Max\",\"Jr\"]]}\n{\"id\":\"0704.0002\",\"authors_parsed\":[]}\n\
    {\"id\":\"0704.0003\",\"title\":\"On dunes\",\"authors\":\"Ann Poe and Max Roe\",\"authors_parsed\":[]}\n";
const ACL: &str = "<?xml version='1.0' encoding='UTF-8'?>\n<collection id=\"2020.acl\">\n<volume id=\"main\" type=\"proceedings\">\n\
    <meta><booktitle>Proceedings of <fixed-case>ACL</fixed-case></booktitle><publisher>ACL</publisher><month>July</month><year>2020</year></meta>\n\
    <frontmatter><url>2020.acl-main.0</url></frontmatter>\n\
    <paper id=\"1\"><title><fixed-case>BERT</fixed-case> and <tex-math>x^2</tex-math></title><author><first>Jane</first><last>Doe</last></author>\
    <author><last>Plato</last></author><abstract>Of <i>words</i> &amp; more.</abstract><url hash=\"1\">2020.acl-main.1</url><doi>10.18653/v1/a.1</doi></paper>\n\
    <paper id=\"2\"><title>Broken</paper>\n\
    <paper id=\"3\"><title>On dunes</title><retracted date=\"2021-01-01\">why</retracted></paper>\n</volume>\n</collection>\n\
    <collection id=\"P19\"><volume id=\"1\"><meta><year>2019</year></meta><paper id=\"1001\"><title>Old</title></paper></volume></collection>\n";
const CROSSREF: &str = "{\"items\": [{\"indexed\": {}, \"DOI\": \"10.1000/A\", \"title\": [\"On tides\"], \"reference-count\": 1, \"member\": \"1\"},\n\
    {\"indexed\": {}, \"title\": [\"No DOI\"]},\n{\"DOI\": \"10.1000/b\", \"title\": [\"On dunes\"], \"references\": []}]}";
const OPENALEX: &str = "{\"id\": \"https://openalex.org/W1\", \"doi\": \"https://doi.org/10.1000/a\", \"title\": \"On tides\", \"authorships\": [],\
    \"abstract_inverted_index\": {\"the\": [1], \"Of\": [0], \"sea\": [2]}}\n{\"title\": \"No id\", \"authorships\": []}\n\
    {\"id\": \"https://openalex.org/W3\", \"title\": \"On dunes\", \"authorships\": []}\n";
const SEMANTIC: &str = "{\"corpusid\": 7, \"externalids\": {\"ArXiv\": \"2405.13729\", \"DOI\": null, \"CorpusId\": \"7\"}, \"title\": \"On tides\",\
    \"authors\": [{\"authorId\": \"1\", \"name\": \"Jane Doe\"}], \"venue\": \"Tides\", \"year\": 2021, \"publicationdate\": \"2021-03-15\",\
    \"s2fieldsofstudy\": [{\"category\": \"Physics\", \"source\": \"x\"}]}\n{\"corpusid\": 8, \"title\": null}\n\
    {\"corpusid\": 9, \"title\": \"On dunes\", \"externalids\": {}}\n";

/// Each format with a list of it: the first entry is good, the second is not, the third is.
fn lists() -> Vec<(PaperFormat, &'static str, &'static str, usize)> {
    use PaperFormat::*;
    vec![
        (Jsonl, "x.jsonl", JSONL, 3),
        (Json, "x.json", JSON, 2),
        (Csv, "x.csv", CSV, 4),
        (Bibtex, "x.bib", BIBTEX, 5),
        (Ris, "x.ris", RIS, 10),
        (Csl, "x.json", CSL, 2),
        (Pubmed, "x.nbib", MEDLINE, 10),
        (Pubmed, "x.xml", PUBMED, 4),
        (Endnote, "x.enw", ENDNOTE, 7),
        (Endnote, "x.xml", ENDNOTE_XML, 2),
        (Wos, "x.txt", WOS, 9),
        (Arxiv, "x.json", ARXIV, 2),
        (Acl, "x.xml", ACL, 7),
        (Crossref, "x.json", CROSSREF, 2),
        (Openalex, "x.jsonl", OPENALEX, 2),
        (SemanticScholar, "x.jsonl", SEMANTIC, 2),
    ]
}

/// A reader that gives a few bytes at a time.
struct Drip(Cursor<Vec<u8>>, usize);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(buffer.len());
        self.0.read(&mut buffer[..n])
    }
}

/// A reader that fails at its end.
struct Breaks(Cursor<Vec<u8>>);

impl Read for Breaks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cut")),
            n => Ok(n),
        }
    }
}

fn open(name: &str, bytes: impl Into<Vec<u8>>, how: &PaperReading<'static>) -> Result<PaperFile<'static>> {
    read_papers(name, Box::new(Cursor::new(bytes.into())), how)
}

type Told = Vec<(usize, std::result::Result<Paper, String>)>;

fn all(papers: PaperFile<'_>) -> Told {
    papers
        .map(|incoming| incoming.expect("goes on"))
        .map(|incoming| (incoming.line, incoming.paper.map_err(|r| r.reason)))
        .collect()
}

fn read(name: &str, bytes: impl Into<Vec<u8>>) -> Told {
    all(open(name, bytes, &PaperReading::default()).expect("opens"))
}

fn titles(told: &Told) -> Vec<&str> {
    told.iter().filter_map(|(_, paper)| Some(paper.as_ref().ok()?.title.as_str())).collect()
}

#[test]
fn every_format_is_told_and_read_and_its_bad_entry_has_its_line() {
    for (format, name, text, line) in lists() {
        for name in [name, "-", "x.dat"] {
            let papers = open(name, text, &PaperReading::default()).unwrap_or_else(|e| panic!("{name}: {text}: {e}"));
            assert_eq!(papers.format(), format, "{name}: {text}");
            let told = all(papers);
            let good = titles(&told);
            assert!(
                good.len() >= 2 && good[1].to_lowercase().contains("d\u{fc}nen")
                    || good[1].to_lowercase() == "on dunes",
                "{told:?}"
            );
            let bad: Vec<usize> = told.iter().filter(|(_, paper)| paper.is_err()).map(|(line, _)| *line).collect();
            assert_eq!(bad.first(), Some(&line), "{format:?}: {told:?}");
            assert_eq!(bad.len(), if format == PaperFormat::Json { 2 } else { 1 }, "{format:?}: {told:?}");
            assert!(told.is_sorted_by_key(|(line, _)| *line), "{format:?}: {told:?}");
        }
        assert_eq!(PaperFormat::parse(format.name()).expect("its name"), format);
        let said = PaperReading { format: Some(format), ..PaperReading::default() };
        assert_eq!(all(open("x", text, &said).expect("opens")), read(name, text), "{format:?}");
    }
}

/// A paper as JSON, without what is not asked for.
fn first(name: &str, text: &str) -> serde_json::Value {
    let told = read(name, text);
    serde_json::to_value(told[0].1.as_ref().expect("a paper")).expect("JSON")
}

#[test]
fn fields_come_to_their_places() {
    let paper = first("x.json", ARXIV);
    for (field, value) in [
        ("id", json("\"arxiv:0704.0001\"")),
        ("title", json("\"On tides and moons\"")),
        ("abstract", json("\"Of the sea.\"")),
        ("authors", json("[\"Jane Doe\", \"Max Roe Jr\"]")),
        ("date", json("\"2007-04-02\"")),
        ("categories", json("[\"physics.ao-ph\", \"stat.ML\"]")),
        ("venue", json("\"J. Tides 1 (2008)\"")),
        ("url", json("\"https://arxiv.org/abs/0704.0001\"")),
    ] {
        assert_eq!(paper[field], value, "{paper}");
    }
    assert_eq!((&paper["extra"]["doi"], &paper["extra"]["updated"]), (&json("\"10.1000/a\""), &json("\"2007-07-24\"")));
    let paper = first("x.xml", ACL);
    for (field, value) in [
        ("id", json("\"acl:2020.acl-main.1\"")),
        ("title", json("\"BERT and $x^2$\"")),
        ("abstract", json("\"Of words & more.\"")),
        ("authors", json("[\"Jane Doe\", \"Plato\"]")),
        ("date", json("\"2020-07\"")),
        ("venue", json("\"Proceedings of ACL\"")),
        ("url", json("\"https://aclanthology.org/2020.acl-main.1/\"")),
    ] {
        assert_eq!(paper[field], value, "{paper}");
    }
    let told = read("x.xml", ACL);
    let last = told.last().and_then(|(_, paper)| paper.as_ref().ok()).expect("a paper");
    assert_eq!((last.id.as_str(), last.date.as_ref().map(|d| d.as_str())), ("acl:p19-1001", Some("2019")));
    let retracted = told[2].1.as_ref().expect("a paper");
    assert!(retracted.extra.as_json().contains("\"status\":\"retracted\""), "{retracted:?}");
    let paper = first("x.csv", CSV);
    assert_eq!(paper["title"], "Von Gezeiten; und Monden");
    assert_eq!((&paper["authors"], &paper["date"]), (&json("[\"J\u{f6}rg M\u{fc}ller\"]"), &json("\"2021\"")));
    assert_eq!((&paper["keywords"], &paper["extra"]["Verlag"]), (&json("[\"Meer\", \"Mond\"]"), &json("\"Haus\"")));
    let columns = open("x.csv", CSV, &PaperReading::default()).expect("opens").columns().cloned().expect("a table");
    assert_eq!(columns.fields[0], ("title", "Titel".to_string()));
    assert_eq!(columns.others, ["Verlag"]);
    for (name, text) in [("x.bib", BIBTEX), ("x.ris", RIS)] {
        let paper = first(name, text);
        assert_eq!(
            (&paper["keywords"], &paper["url"]),
            (&json("[\"sea\", \"moon\"]"), &json("\"https://example.org/a\""))
        );
        assert_eq!((&paper["title"], &paper["authors"]), (&json("\"On Tides\""), &json("[\"Jane Doe\"]")));
    }
    assert_eq!(first("x.bib", BIBTEX)["venue"], "Journal of Tides");
    assert_eq!(first("x.nbib", MEDLINE)["extra"]["status"], "retracted");
    assert_eq!(first("x.xml", PUBMED)["keywords"], json("[\"sea\"]"));
    let paper = first("x.jsonl", OPENALEX);
    assert_eq!((&paper["id"], &paper["abstract"]), (&json("\"doi:10.1000/a\""), &json("\"Of the sea\"")));
    let paper = first("x.jsonl", SEMANTIC);
    assert_eq!((&paper["id"], &paper["categories"]), (&json("\"arxiv:2405.13729\""), &json("[\"Physics\"]")));
    assert_eq!((&paper["date"], &paper["authors"]), (&json("\"2021-03-15\""), &json("[\"Jane Doe\"]")));
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn columns_and_fields_are_named_by_hand() {
    let how = |pairs: &[(&str, &str)], format| PaperReading {
        format,
        map: pairs.iter().map(|(field, column)| (field.to_string(), column.to_string())).collect(),
        corpus: None,
    };
    let table = "Werk,Inhalt,title\nVon Gezeiten,Meer,x\n";
    let told = all(open("x", table, &how(&[("title", "Werk"), ("abstract", "inhalt")], None)).expect("opens"));
    let paper = told[0].1.as_ref().expect("a paper");
    assert_eq!((paper.title.as_str(), paper.summary.as_str()), ("Von Gezeiten", "Meer"));
    let refused =
        |text: &str, how: &PaperReading<'static>| open("x.csv", text, how).err().expect("refused").to_string();
    let told = refused(table, &how(&[("title", "Work")], None));
    assert!(told.contains("\"Work\"") && told.contains("Werk, Inhalt, title"), "{told}");
    let told = refused(table, &how(&[("titel", "Werk")], None));
    assert!(told.contains("\"titel\"") && told.contains("title, authors"), "{told}");
    assert!(refused(BIBTEX, &how(&[("title", "x")], None)).contains("bibtex"));
    let told = refused("a,b\n1,2\n", &how(&[], Some(PaperFormat::Csv)));
    assert!(told.contains("--map"), "{told}");
    for text in
        ["{\"Nr\": 5, \"meta\": {\"name\": \"On tides\"}}\n", "[{\"Nr\": 5, \"meta\": {\"name\": \"On tides\"}}]"]
    {
        let told = all(open("x", text, &how(&[("id", "Nr"), ("title", "meta.name")], None)).expect("opens"));
        assert_eq!(titles(&told), ["On tides"], "{told:?}");
    }
}

#[test]
fn what_holds_no_papers_is_named() {
    for (bytes, word) in [
        (b"%PDF-1.7".as_slice(), "a PDF"),
        (b"PK\x03\x04....word/document.xml", "a Word file"),
        (b"<html><body>x</body></html>", "an HTML page"),
        (b"<rss version='2.0'></rss>", "a feed"),
        (b"Dear all,\nhere they are", "no format"),
        // A blank of another encoding: not nothing.
        (b"\xa0 \n", "no format"),
    ] {
        let told = open("x", bytes, &PaperReading::default()).err().expect("refused").to_string();
        assert!(told.contains(word) && told.contains("BibTeX"), "{told}");
    }
    assert_eq!(read("x.jsonl", ""), []);
    assert_eq!(read("x.json", "[]"), []);
    for (format, text) in [(PaperFormat::Bibtex, "nothing"), (PaperFormat::Acl, "<x/>"), (PaperFormat::Ris, "{}")] {
        let how = PaperReading { format: Some(format), ..PaperReading::default() };
        let told = all(open("x", text, &how).expect("opens"));
        assert!(told.len() == 1 && told[0].1.is_err(), "{format:?}: {told:?}");
    }
}

#[test]
fn a_file_that_breaks_off_loses_its_last_entry_and_no_other() {
    for (format, name, text, _) in lists() {
        let whole = read(name, text);
        // Cut in the middle of the last entry.
        let cut = text.to_lowercase().rfind(if format == PaperFormat::Csv { "von d" } else { "dunes" });
        let cut = cut.map(|at| text[..at].rfind(['\n', ' ', '"', '>']).map_or(at, |k| k.max(at - 3))).expect("there");
        let part = text[..cut + 2].to_string();
        let reader = BufReader::new(Breaks(Cursor::new(part.clone().into_bytes())));
        let told = all(read_papers(name, Box::new(reader), &PaperReading::default()).expect("opens"));
        let (last, before) = told.split_last().expect("something");
        assert!(last.1.as_ref().is_err_and(|r| r.contains("cannot be read from here on")), "{format:?}: {told:?}");
        assert_eq!(before[..1], whole[..1], "{format:?}");
        assert!(titles(&told).len() < titles(&whole).len(), "{format:?}: {told:?}");
        // The same without an error of the disk.
        let lenient = matches!(
            (format, name),
            (PaperFormat::Ris | PaperFormat::Wos, _)
                | (PaperFormat::Endnote, "x.enw")
                | (PaperFormat::Pubmed, "x.nbib")
        ) || format == PaperFormat::Csv;
        let told = read(name, part);
        assert!(lenient || told.last().is_some_and(|(_, last)| last.is_err()), "{format:?}: {told:?}");
    }
    let quoted = read("x.csv", "title,doi\nA,10.1000/a\n\"B and mo");
    assert!(quoted.len() == 2 && quoted[1].0 == 3 && quoted[1].1.is_err(), "{quoted:?}");
}

#[test]
fn files_come_in_every_encoding_and_with_any_line_end() {
    for (format, name, text, _) in lists() {
        let whole = read(name, text);
        assert_eq!(read(name, text.replace('\n', "\r\n")), whole, "{format:?}");
        let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
        assert_eq!(read(name, marked), whole, "{format:?}");
        let wide: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(name, wide), whole, "{format:?}");
    }
    let latin = encoding_rs::WINDOWS_1252.encode(CSV).0.into_owned();
    assert_eq!(read("x.csv", latin), read("x.csv", CSV));
    // Far behind what was looked at.
    let long = format!("{}@misc{{z, title = {{On caf\u{e9}s}}}}\n", BIBTEX.repeat(400));
    let latin = encoding_rs::WINDOWS_1252.encode(&long).0.into_owned();
    assert_eq!(titles(&read("x.bib", latin)).last(), Some(&"On caf\u{e9}s"));
}

#[test]
fn parts_say_what_the_whole_says() {
    for (format, name, text, _) in lists() {
        // More than a part, so that it is cut in the middle.
        let times = 2 + (if format == PaperFormat::Bibtex { lines::MAX_BIBTEX } else { MAX_PART }) * 5 / 4 / text.len();
        if matches!(format, PaperFormat::Json | PaperFormat::Csl | PaperFormat::Crossref) {
            continue;
        }
        let (head, body) = match format {
            PaperFormat::Csv => text.split_at(text.find('\n').expect("a head") + 1),
            _ => ("", text),
        };
        let long = format!("{head}{}", body.repeat(times));
        let lines = body.matches('\n').count();
        let once = read(name, text);
        let told = read(name, long.clone());
        assert_eq!(told.len(), once.len() * times, "{format:?}");
        for (k, (line, paper)) in told.iter().enumerate() {
            let (of, by) = (&once[k % once.len()], k / once.len());
            assert!(*line == of.0 + by * lines && *paper == of.1, "{format:?}, {k}: {line} {paper:?} and not {of:?}");
        }
    }
}

#[test]
fn what_is_too_long_costs_no_other() {
    let long = "x".repeat(MAX_LINE + 10);
    for (name, text, bad) in [
        (
            "x.jsonl",
            format!(
                "{{\"id\":\"a\",\"title\":\"A\"}}\n{{\"id\":\"b\",\"title\":\"{long}\"}}\n{{\"id\":\"c\",\"title\":\"C\"}}\n"
            ),
            2,
        ),
        (
            "x.json",
            format!(
                "[{{\"id\":\"a\",\"title\":\"A\"}},{{\"id\":\"b\",\"title\":\"{long}\"}},{{\"id\":\"c\",\"title\":\"C\"}}]"
            ),
            2,
        ),
        (
            "x.ris",
            format!(
                "TY  - JOUR\nTI  - A\nER  - \nTY  - JOUR\nTI  - B\nAB  - {long}\nER  - \nTY  - JOUR\nTI  - C\nER  - \n"
            ),
            4,
        ),
        (
            "x.bib",
            format!(
                "@misc{{a, title={{A}}}}\n@misc{{b, title={{B}}, note = {{{long}{long}}}}}\n@misc{{c, title={{C}}}}\n"
            ),
            2,
        ),
        ("x.csv", format!("title,doi\nA,\n\"B\n{long}\"\nC,10.1000/c\n"), 3),
        (
            "x.xml",
            format!(
                "<PubmedArticleSet><PubmedArticle><ArticleTitle>A</ArticleTitle></PubmedArticle>\n<PubmedArticle><x>{long}</x>\
                <ArticleTitle>B</ArticleTitle></PubmedArticle>\n<PubmedArticle><ArticleTitle>C</ArticleTitle></PubmedArticle></PubmedArticleSet>"
            ),
            2,
        ),
    ] {
        let told = read(name, text);
        assert_eq!(titles(&told).first(), Some(&"A"), "{name}");
        assert_eq!(titles(&told).last(), Some(&"C"), "{name}: {} entries", told.len());
        let first_bad = told.iter().find(|(_, paper)| paper.is_err()).map(|(line, _)| *line);
        assert_eq!(first_bad, Some(bad), "{name}");
    }
}

#[test]
fn a_missing_bracket_costs_one_entry_of_a_list_in_lines() {
    let mut text = String::from("[\n");
    for k in 0..60_000 {
        let open = if k == 3 { "{\"x\":" } else { "" };
        text += &format!(
            "{open}{{\"id\":\"p{k}\",\"title\":\"On tides {k}, and what they do to the moon and its light\"}},\n"
        );
    }
    text += "{\"id\":\"z\",\"title\":\"Z\"}]";
    let told = read("x.json", text);
    assert_eq!((titles(&told).len(), told.iter().filter(|(_, paper)| paper.is_err()).count()), (60_000, 1));
}

#[test]
fn compressed_files_are_read_by_what_they_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    for (format, name, text, _) in lists() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).expect("packs");
        for (end, bytes) in [
            ("", text.as_bytes().to_vec()),
            (".gz", gzip.finish().expect("packs")),
            (".zst", zstd::encode_all(text.as_bytes(), 1).expect("packs")),
        ] {
            let path = folder.path().join(format!("{name}{end}"));
            std::fs::write(&path, bytes).expect("written");
            let papers = open_papers(&path, &PaperReading::default()).expect("opens");
            assert_eq!(papers.format(), format);
            assert_eq!(all(papers), read(name, text), "{format:?}");
        }
    }
}

/// How many cases the properties below try: some by default, and as many as PAPERKIN_CASES says.
fn cases() -> ProptestConfig {
    let said = std::env::var("PAPERKIN_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: said.unwrap_or(48), ..ProptestConfig::default() }
}

/// What a list becomes when somebody has changed it: pieces are taken out, doubled, put in, turned over.
fn mutated(text: &str, changes: &[(u16, u16, u8, String)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, length, what, piece) in changes {
        let at = usize::from(*at) % (bytes.len() + 1);
        let end = (at + usize::from(*length) % 64).min(bytes.len());
        match what % 5 {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, piece.bytes())),
            2 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            3 => bytes[at..end].reverse(),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_add(*length as u8)),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(u16, u16, u8, String)>> {
    let piece = "([{}\\[\\]\",:;<>&@%\\\\\n\r\t =-]|TY  - |ER  - |PMID- |@misc\\{a,|<PubmedArticle>|</paper>|<meta>|\"title\":|\\PC){0,6}";
    prop::collection::vec((any::<u16>(), any::<u16>(), any::<u8>(), piece), 0..6)
}

proptest! {
    #![proptest_config(cases())]

    /// Whatever somebody did to a file: every entry comes out or is told, in the order of the file, and the same however few bytes
    /// come at a time.
    #[test]
    fn nothing_panics_or_hangs_and_buffers_change_nothing(which in 0..16usize, named: bool, changes in changes(), step in 1..40usize) {
        let (format, name, text, _) = lists()[which];
        let bytes = mutated(text, &changes);
        let how = PaperReading { format: named.then_some(format), ..PaperReading::default() };
        let began = std::time::Instant::now();
        let whole = open(name, bytes.clone(), &how).map(all);
        // The head that is looked at may be shorter where few bytes come at a time; the format is that of the whole.
        let how = PaperReading { format: whole.is_ok().then(|| open(name, bytes.clone(), &how).expect("opens").format()), ..how };
        let drip = BufReader::with_capacity(step, Drip(Cursor::new(bytes.clone()), step));
        let dripped = read_papers(name, Box::new(drip), &how).map(all);
        prop_assert!(began.elapsed() < std::time::Duration::from_secs(1), "{:?}", began.elapsed());
        match (whole, dripped) {
            (Ok(whole), Ok(dripped)) => prop_assert_eq!(whole, dripped, "{:?}", String::from_utf8_lossy(&bytes)),
            (whole, dripped) => prop_assert!(whole.is_err() == dripped.is_err() || how.format.is_none()),
        }
    }

    /// A list in one piece says the same as in parts of any length.
    #[test]
    fn lists_of_references_and_papers_are_read_alike(which in prop::sample::select(vec![3usize, 4, 6, 7, 8, 9, 10]), changes in changes()) {
        let (format, _, text, _) = lists()[which];
        let text = String::from_utf8_lossy(&mutated(text, &changes)).replace('\r', "\n");
        let how = PaperReading { format: Some(format), ..PaperReading::default() };
        let said = match format {
            PaperFormat::Bibtex => super::super::Format::Bibtex,
            PaperFormat::Ris => super::super::Format::Ris,
            PaperFormat::Wos => super::super::Format::Wos,
            PaperFormat::Pubmed => super::super::Format::Pubmed,
            _ => super::super::Format::Endnote,
        };
        if let (Ok(list), Ok(papers)) = (super::super::references(&text, said), open("x", text.clone(), &how)) {
            let told = all(papers);
            prop_assume!(list.format == said);
            let named = list.references.iter().filter(|r| r.titled).map(|r| r.paper.title.clone());
            // Of an entry that breaks off at the end of a file a list keeps what there is.
            let named: Vec<String> = named.collect();
            let read = titles(&told);
            prop_assert!(
                read == named.iter().map(String::as_str).collect::<Vec<_>>() || read.len() + 1 == named.len(),
                "{:?}: {:?} and {:?}", text, read, named
            );
        }
    }
}
