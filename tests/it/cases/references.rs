//! Reading lists as reference managers, databases and people write them.

use serde_json::{Value, json};

use super::{input, table};
use crate::support::{Folder, Ran, Server};

fn corpus() -> Folder {
    let folder = Folder::new();
    folder.json(&["ingest", &input("", "papers.jsonl").display().to_string()]);
    folder
}

fn import(folder: &Folder, file: &str, more: &[&str]) -> Value {
    let args = [&["history", "import", "ada", file], more].concat();
    folder.json(&args).remove(0)
}

/// The papers that a list led to, if nothing of it is missing or rejected.
fn led_to(done: &Value) -> Vec<&str> {
    assert_eq!((&done["missing"], &done["rejected_total"]), (&json!([]), &json!(0)), "{done}");
    done["matched"].as_array().expect("a list").iter().map(|m| m["paper"].as_str().expect("an id")).collect()
}

fn refused(folder: &Folder, name: &str, bytes: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    let file = folder.file(name, bytes);
    let ran = folder.run(&[&["history", "import", "eve", &file, "--embed-missing"], more].concat());
    assert_eq!(ran.status, Some(1), "{name}: {}{}", ran.out, ran.err);
    assert_eq!(folder.run(&["history", "show", "eve"]).status, Some(1), "{name}: something was learned");
    ran
}

#[test]
fn lists_of_the_field_lead_to_their_papers() {
    let folder = corpus();
    let kinds =
        ["bib-abbreviations", "bib-entry-types", "bib-round-brackets", "ris-wrapped-lines", "pubmed", "zotero-json"];
    for kind in kinds {
        for row in table(kind, "expected.tsv") {
            let done = import(&folder, &input(kind, &row[0]).display().to_string(), &["--embed-missing"]);
            assert_eq!(led_to(&done), row[1].split(' ').collect::<Vec<_>>(), "{kind}/{}", row[0]);
            assert_eq!(done["embedded"], 0, "{kind}/{}", row[0]);
        }
    }
    // Under another name it is the same list.
    let text = std::fs::read(input("pubmed", "export.nbib")).expect("an input");
    assert_eq!(led_to(&import(&folder, &folder.file("export.txt", text), &[])), ["doi:10.1000/kelp.21"]);
}

#[test]
fn an_identifier_is_found_wherever_bibtex_has_it() {
    let folder = corpus();
    for kind in ["bib-doi", "bib-arxiv"] {
        for row in table(kind, "forms.tsv") {
            let entry = format!("@misc{{k, title={{A title that is not the one in the corpus}},{}}}\n", row[0]);
            assert_eq!(led_to(&import(&folder, &folder.file("f.bib", &entry), &[])), [row[1].as_str()], "{entry}");
        }
    }
}

#[test]
fn pasted_lines_name_their_papers() {
    let folder = corpus();
    let rows = table("pasted-ids", "lines.tsv");
    for row in &rows {
        let done = import(&folder, &folder.file("f.txt", format!("{}\n", row[0])), &[]);
        assert_eq!(led_to(&done), [row[1].as_str()], "{}", row[0]);
    }
    let all: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let done = import(&folder, &folder.file("f.txt", all.join("\r\n\r\n")), &[]);
    assert_eq!(led_to(&done), rows.iter().map(|row| row[1].as_str()).collect::<Vec<_>>());
}

/// One list of each format, as its program writes it, with what users' files have: marks, odd line ends, wrapped values.
#[test]
fn every_format_is_read_for_what_it_is() {
    let folder = corpus();
    let (kelp, moons) = ("doi:10.1000/kelp.21", "arxiv:2405.99131");
    for (name, text) in [
        (
            "jabref.bib",
            "% Encoding: UTF-8\r\n\r\n@Article{Doeling2021,\r\n  author  = {Doeling, Jane and Nordvik, Kari},\r\n  \
            title   = {Kelp as breakwater},\r\n  doi     = {10.1000/kelp.21},\r\n  groups  = {sea},\r\n}\r\n\r\n@Online{q,\r\n  \
            title = {Moons}, eprinttype = {arXiv}, eprint = {2405.99131},\r\n}\r\n\r\n@Comment{jabref-meta: databaseType:biblatex;}\r\n",
        ),
        (
            "scopus.ris",
            "\u{feff}TY  - JOUR\nAU  - Doeling, J.\nTI  - Kelp as breakwater\nPY  - 2021\nDO  - 10.1000/kelp.21\n\
            UR  - https://www.scopus.com/inward/record.uri?eid=2-s2.0-1\nER  -\n\nTY  - UNPB\nT1  - Moons\nUR  - http://arxiv.org/abs/2405.99131\nER  -\n",
        ),
        (
            "csl.json",
            r#"[{"id":"doeling2021","type":"article-journal","title":"Kelp as breakwater","DOI":"10.1000/kelp.21"},
            {"id":"q","type":"article","title":"Moons","number":"arXiv:2405.99131","publisher":"arXiv"}]"#,
        ),
        (
            "pubmed.xml",
            "<?xml version=\"1.0\" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC \"-//NLM//DTD PubMedArticle//EN\" \"https://dtd.nlm.nih.gov/x.dtd\">\n\
            <PubmedArticleSet>\n<PubmedArticle><MedlineCitation><PMID>99000001</PMID><Article><ArticleTitle>Kelp &amp; <i>waves</i>.</ArticleTitle>\
            </Article></MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType=\"doi\">10.1000/kelp.21</ArticleId></ArticleIdList></PubmedData></PubmedArticle>\n\
            <PubmedArticle><MedlineCitation><Article><ArticleTitle>Tidal heating in resonant chains of exomoons.</ArticleTitle></Article></MedlineCitation></PubmedArticle>\n</PubmedArticleSet>\n",
        ),
        (
            "endnote.enw",
            "%0 Journal Article\n%A Doeling, Jane\n%T Kelp as breakwater\n%D 2021\n%R 10.1000/kelp.21\n\n%0 Unpublished Work\n%T Moons\n%U https://arxiv.org/abs/2405.99131\n",
        ),
        (
            "endnote.xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><xml><records><record><titles><title><style face=\"normal\">Kelp as breakwater</style></title></titles>\
            <electronic-resource-num><style>10.1000/kelp.21</style></electronic-resource-num></record><record><titles><title>Moons</title></titles>\
            <urls><related-urls><url>https://arxiv.org/abs/2405.99131</url></related-urls></urls></record></records></xml>",
        ),
        (
            "savedrecs.txt",
            "\u{feff}FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nAU Doeling, J\n   Nordvik, K\nTI Kelp as\n   breakwater\nDI 10.1000/kelp.21\nER\n\n\
            PT J\nTI Tidal heating in resonant chains\n   of exomoons\nER\n\nEF",
        ),
        (
            "savedrecs.tsv",
            "PT\tAU\tTI\tSO\tPY\tDI\tAR\nJ\tDoeling, J\tKelp \"breakwater\tSEA J\t2021\t10.1000/kelp.21\t\nJ\tQuillmark, A\tMoons\tarXiv\t2024\t\tarXiv:2405.99131\n",
        ),
        (
            "zotero.csv",
            "\u{feff}\"Key\",\"Item Type\",\"Author\",\"Title\",\"DOI\",\"Url\",\"Abstract Note\",\"Extra\"\n\"A\",\"journalArticle\",\"Doeling, Jane\",\"Kelp as breakwater\",\
            \"10.1000/kelp.21\",\"\",\"Two\nlines, \"\"quoted\"\"\",\"\"\n\"B\",\"preprint\",\"\",\"Moons\",\"\",\"\",\"\",\"arXiv:2405.99131 [astro-ph]\"\n",
        ),
        ("ids.txt", "# mine\n10.1000/kelp.21\n\n* https://arxiv.org/abs/2405.99131v2\n"),
    ] {
        assert_eq!(led_to(&import(&folder, &folder.file(name, text), &[])), [kelp, moons], "{name}");
        // Somebody saved it with Notepad, or had it from an old Mac.
        let wide: Vec<u8> = text.trim_start_matches('\u{feff}').encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(led_to(&import(&folder, &folder.file(name, wide), &[])), [kelp, moons], "{name} in UTF-16");
        let old = text.replace("\r\n", "\n").replace('\n', "\r");
        assert_eq!(led_to(&import(&folder, &folder.file(name, old), &[])), [kelp, moons], "{name} with CR");
    }
}

#[test]
fn old_encodings_are_read() {
    let folder = corpus();
    let head = "% Encoding: ISO8859_1\n";
    for head in [head, ""] {
        let mut bytes = head.as_bytes().to_vec();
        bytes.extend(
            b"@article{a, title = {Schr\xf6dinger operators on \xe9tale groupoids}, author = {M\xfcller-L\xfcdenscheidt, J\xfcrgen}}\n",
        );
        let done = import(&folder, &folder.file("latin.bib", bytes), &[]);
        assert_eq!(led_to(&done), ["arxiv:2401.99001"]);
    }
}

#[test]
fn what_is_no_list_is_named_and_teaches_nothing() {
    let folder = corpus();
    for (name, bytes, word) in [
        ("paper.pdf", b"%PDF-1.5\n%\xd0\xd4\xc5\xd8\n1 0 obj".as_slice(), "a PDF"),
        ("page.html", b"<!DOCTYPE html>\n<html><body>\n<p>One\n<p>Two\n", "an HTML page"),
        ("list.docx", b"PK\x03\x04\x14\0\x06\0[Content_Types].xml word/document.xml", "a Word file"),
        ("bundle.zip", b"PK\x03\x04\x14\0list.bib", "a ZIP"),
        ("feeds.opml", b"<?xml version=\"1.0\"?>\n<opml version=\"2.0\"><body/></opml>", "OPML"),
        ("library.enl", b"SQLite format 3\0\x10\0\x01\x01", ".enl"),
        ("notes.txt", b"Papers to read\nThe one about kelp\nThe other one about moons\n", "titles"),
        ("empty.txt", b"\n\n", "no reference"),
    ] {
        let told = refused(&folder, name, bytes, &[]).err;
        assert!(told.contains(word), "{name}: {told}");
        assert!(name == "empty.txt" || told.contains("reads BibTeX"), "{name}: {told}");
    }
    // Not even when its lines are said to be titles.
    let text = std::fs::read(input("pubmed", "export.nbib")).expect("an input");
    assert!(refused(&folder, "export.nbib", text, &["--format", "titles"]).err.contains("pubmed"));
    refused(&folder, "page.html", "<!DOCTYPE html>\n<p>One\n", &["--format", "titles"]);
    let titles = folder.file(
        "t.txt",
        "Kelp forests as breakwaters under rising seas\n\n2. Tidal heating in resonant chains of exomoons\n",
    );
    let done = import(&folder, &titles, &["--format", "titles"]);
    assert_eq!(led_to(&done), ["doi:10.1000/kelp.21", "arxiv:2405.99131"]);
    // A line without an id in a list of ids is told with its number.
    let done = import(&folder, &folder.file("i.txt", "2405.99131\n\nThe one about kelp\n10.1000/kelp.21\n"), &[]);
    assert_eq!(
        (done["matched"].as_array().map(Vec::len), &done["rejected"][0]["line"]),
        (Some(2), &json!(3)),
        "{done}"
    );
    let server = Server::start(&folder);
    let sent =
        server.post("/v1/users/bob/history", &json!({ "text": "A title\nAnother title", "embed_missing": true }));
    assert_eq!(sent.status, 400, "{}", sent.body);
    let sent = server.post(
        "/v1/users/bob/history",
        &json!({ "text": "Kelp forests as breakwaters under rising seas", "format": "titles" }),
    );
    assert_eq!((sent.status, &sent.body["matched"][0]["by"]), (200, &json!("title")), "{}", sent.body);
}

/// Whatever is wrong with entries, they are counted.
#[test]
fn nothing_vanishes() {
    let folder = corpus();
    let text = "@web_page{w, title={One}}\n@misc{w, title={Two}}\n@article(x, title=\"Three\")\n@misc{y, note={nothing}}\n\
        @misc{z, title {no sign}}\n@misc{title = {Four}}\n@misc{v, title = {Five}, abstract = {never closed}\n\
        @online{u, crossref = {x}}\n@misc{t, title = undefined}\n@set{s, entryset={w, x}}\n@comment{@misc{no, title={No}}}\n";
    let done = import(&folder, &folder.file("l.bib", text), &[]);
    let count = |name: &str| done[name].as_array().map_or(0, Vec::len);
    assert_eq!(count("matched") + count("missing") + count("rejected"), 9, "{done}");
    let lines: Vec<u64> =
        done["rejected"].as_array().expect("a list").iter().filter_map(|r| r["line"].as_u64()).collect();
    assert_eq!(lines, [4, 5, 9], "{done}");
}
