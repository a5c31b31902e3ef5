//! Papers from files of every format, through the real binary.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Folder, Ran, Server, ids};

/// For each format a file that holds three entries, of which the second is no paper: its name, its text, and the line of
/// that entry. Every `№` is another paper.
const FILES: &[(&str, &str, &str, u64)] = &[
    (
        "jsonl",
        "a.jsonl",
        "{\"id\":\"№1\",\"title\":\"Tides №\"}\n{\"id\":\"№2\"}\n{\"id\":\"№3\",\"title\":\"Dunes №\"}\n",
        2,
    ),
    (
        "json",
        "a.json",
        "{\"papers\": [{\"id\":\"№1\",\"title\":\"Tides №\"},\n{\"id\":\"№2\"},{\"id\":\"№3\",\"title\":\"Dunes №\"}]}",
        2,
    ),
    ("csv", "a.csv", "Titel;Jahr;Verlag\nTides №;2021;Haus\n;2020;\nDunes №;2022;\n", 3),
    ("tsv", "a.tsv", "title\tyear\nTides №\t2021\n\t2020\nDunes №\t2022\n", 3),
    ("bibtex", "a.bib", "@misc{a, title = {Tides №}}\n\n@misc{b,\n note = {x}}\n@misc{c, title = {Dunes №}}\n", 3),
    ("ris", "a.ris", "TY  - JOUR\nTI  - Tides №\nER  - \nTY  - JOUR\nER  - \nTY  - JOUR\nTI  - Dunes №\nER  - \n", 4),
    (
        "csl",
        "a.csl.json",
        "[{\"type\":\"book\",\"title\":\"Tides №\",\"issued\":{}},\n{\"type\":\"book\"},{\"title\":\"Dunes №\"}]",
        2,
    ),
    (
        "pubmed",
        "a.xml",
        "<PubmedArticleSet>\n<PubmedArticle><ArticleTitle>Tides №</ArticleTitle></PubmedArticle>\n<PubmedArticle><x></PubmedArticle>\n\
            <PubmedArticle><ArticleTitle>Dunes №</ArticleTitle></PubmedArticle></PubmedArticleSet>\n",
        3,
    ),
    ("endnote", "a.enw", "%0 Generic\n%T Tides №\n\n%0 Generic\n%D 2020\n\n%0 Generic\n%T Dunes №\n", 4),
    ("wos", "a.ciw", "FN Clarivate\nVR 1.0\nPT J\nTI Tides №\nER\n\nPT J\nER\n\nPT J\nTI Dunes №\nER\n\nEF\n", 7),
    (
        "arxiv",
        "a.arxiv.json",
        "{\"id\":\"0704.000№\",\"title\":\"Tides №\",\"authors_parsed\":[[\"Doe\",\"Jane\",\"\"]]}\n{\"authors_parsed\":[]}\n\
            {\"id\":\"0705.000№\",\"title\":\"Dunes №\",\"authors_parsed\":[]}\n",
        2,
    ),
    (
        "acl",
        "a.acl.xml",
        "<collection id=\"202№.acl\"><volume id=\"main\">\n<paper id=\"1\"><title>Tides №</title></paper>\n<paper id=\"2\"/>\n\
            <paper id=\"3\"><title>Dunes №</title></paper></volume></collection>",
        3,
    ),
    (
        "crossref",
        "a.crossref.json",
        "{\"items\":[{\"DOI\":\"10.1000/t№\",\"title\":[\"Tides №\"],\"member\":\"1\"},{\"member\":\"1\"},\n\
            {\"DOI\":\"10.1000/d№\",\"title\":[\"Dunes №\"]}]}",
        2,
    ),
    (
        "openalex",
        "part_000",
        "{\"id\":\"https://openalex.org/W1№\",\"title\":\"Tides №\",\"authorships\":[]}\n{\"title\":\"x\",\"authorships\":[]}\n\
            {\"id\":\"https://openalex.org/W2№\",\"title\":\"Dunes №\",\"authorships\":[]}\n",
        2,
    ),
    (
        "semantic-scholar",
        "papers-part0",
        "{\"corpusid\":1№,\"title\":\"Tides №\"}\n{\"corpusid\":2№}\n{\"corpusid\":3№,\"title\":\"Dunes №\"}\n",
        2,
    ),
];

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).expect("packed");
    packer.finish().expect("packed")
}

#[test]
fn files_of_every_format_simply_work() {
    let folder = Folder::new();
    let mut args: Vec<String> = vec!["ingest".into()];
    for (format, name, text, _) in FILES {
        std::fs::create_dir_all(folder.path(format)).expect("made");
        for (k, end) in ["", ".gz", ".zst"].iter().enumerate() {
            let text = text.replace('№', &(k + 4).to_string());
            let bytes = match *end {
                ".gz" => gzip(&text),
                ".zst" => zstd::encode_all(text.as_bytes(), 1).expect("packed"),
                _ => text.into_bytes(),
            };
            args.push(folder.file(&format!("{format}/{name}{end}"), bytes));
        }
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = folder.run(&[&args[..], &["--json"]].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    // Papers without ids of their own that are called the same are the same.
    let untitled = 3 * FILES.len() as u64;
    assert_eq!(report["rejected_total"], untitled, "{report}");
    let read = ["accepted", "updated", "unchanged"].iter().map(|n| report[n].as_u64().expect("a number")).sum::<u64>();
    assert_eq!(read, 6 * FILES.len() as u64, "{report}");
    for (k, (format, name, _, line)) in FILES.iter().enumerate() {
        for (j, end) in ["", ".gz", ".zst"].iter().enumerate() {
            let of = &report["files"][3 * k + j];
            // A table is told by its head, whatever stands between its cells.
            let found = if *format == "tsv" { "csv" } else { format };
            assert_eq!(of["format"], found, "{name}{end}: {of}");
            let told = &report["rejected"][3 * k + j];
            assert!(told["file"].as_str().is_some_and(|f| f.ends_with(&format!("{format}/{name}{end}"))), "{told}");
            assert_eq!(told["line"], *line, "{name}{end}: {told}");
            assert!(ran.err.contains(&format!("{name}{end}:{line}: rejected")), "{}", ran.err);
        }
    }
    assert!(ran.err.contains("columns: title = Titel, year = Jahr; kept under extra: Verlag"), "{}", ran.err);
    assert_eq!(report["files"][6]["columns"]["fields"][0], json!(["title", "Titel"]));
    for (id, title) in [
        ("44", "Tides 4"),
        ("doi:10.1000/d6", "Dunes 6"),
        ("arxiv:0704.0005", "Tides 5"),
        ("acl:2024.acl-main.3", "Dunes 4"),
        ("openalex:W15", "Tides 5"),
        ("CorpusId:36", "Dunes 6"),
    ]
    .into_iter()
    .skip(1)
    {
        let hits = folder.json(&["search", title, "-k", "50", "--mode", "lexical"]);
        assert!(ids(&hits).contains(&id), "{id}: {:?}", ids(&hits));
    }
    // Once more changes nothing.
    let papers = folder.papers();
    let again = &folder.json(&args)[0];
    assert_eq!((&again["accepted"], &again["embedded"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(folder.papers(), papers);
}

#[test]
fn what_comes_by_a_pipe_is_told_from_its_beginning() {
    let folder = Folder::new();
    let pipe = |args: &[&str], bytes: &[u8]| {
        let mut child = folder
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        child.stdin.take().expect("piped").write_all(bytes).expect("written");
        Ran::from(child.wait_with_output().expect("ends"))
    };
    for (format, _, text, _) in FILES {
        let text = &text.replace('№', "4");
        let ran = pipe(&["ingest", "-", "--json"], &gzip(text));
        assert_eq!(ran.status, Some(0), "{format}: {}", ran.err);
        let report: Value = serde_json::from_str(&ran.out).expect("JSON");
        let found = if *format == "tsv" { "csv" } else { format };
        assert_eq!((&report["files"][0]["format"], &report["rejected_total"]), (&json!(found), &json!(1)), "{report}");
        let ran = pipe(&["ingest", "-", "--json", "--format", format, "--strict"], text.as_bytes());
        assert_eq!(ran.status, Some(1), "{format}: {}", ran.err);
    }
    let ran = pipe(&["ingest", "-"], b"%PDF-1.7 and so on");
    assert!(ran.status == Some(1) && ran.err.contains("standard input: this looks like a PDF"), "{}", ran.err);
}

#[test]
fn columns_are_named_and_what_is_wrong_is_said() {
    let folder = Folder::new();
    let table = folder.file("liste.txt", "Werk|Inhalt|Wann\nVon Gezeiten|Meer und Mond|3. Mai 2021\n");
    let map = ["--map", "title=Werk", "--map", "abstract=Inhalt", "--map", "date=Wann"];
    let report = &folder.json(&[&["ingest", &table], &map[..]].concat())[0];
    assert_eq!(report["accepted"], 1, "{report}");
    let hit = &folder.json(&["search", "Gezeiten", "-k", "1"])[0];
    assert_eq!((&hit["abstract"], &hit["title"]), (&json!("Meer und Mond"), &json!("Von Gezeiten")));
    for (args, words) in [
        (vec!["ingest", &table, "--map", "title=Work"], vec!["liste.txt", "\"Work\"", "Werk, Inhalt, Wann"]),
        (vec!["ingest", &table, "--map", "titel=Werk", "--format", "csv"], vec!["\"titel\"", "title, authors"]),
        (vec!["ingest", &table, "--map", "Werk"], vec!["FIELD=COLUMN"]),
        (vec!["ingest", &table, "--map", "title=a", "--map", "title=b"], vec!["title twice"]),
        (vec!["ingest", &table, "--format", "word"], vec!["word", "bibtex"]),
        (vec!["ingest", &table], vec!["liste.txt", "no format", "--format"]),
        (vec!["ingest", &table, "--format", "csv"], vec!["no table", "--map"]),
    ] {
        let ran = folder.run(&args);
        assert!(ran.status != Some(0), "{args:?}: {}", ran.out);
        words.iter().for_each(|word| assert!(ran.err.contains(word), "{args:?}: {}", ran.err));
    }
    // A wrong file among others stops them before anything is read.
    let good = folder.file("good.jsonl", "{\"id\":\"good\",\"title\":\"T\"}\n");
    let bad = folder.file("bad.pdf", "%PDF-1.7");
    let ran = folder.run(&["ingest", &good, &bad]);
    assert!(ran.status == Some(1) && ran.err.contains("bad.pdf: this looks like a PDF"), "{}", ran.err);
    assert_eq!(folder.papers(), 1);
}

#[test]
fn a_running_service_takes_files_in_as_well() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("a.jsonl", "{\"id\":\"first\",\"title\":\"T\"}\n")]);
    let server = Server::start(&folder);
    let table = folder.file("b.csv.gz", gzip("Titel;DOI\nVon Gezeiten;10.1000/b\n;\n"));
    let list = folder.file("c.bib", "@misc{c, title = {Dunes}, doi = {10.1000/c}}\n@misc{d, note = {x}}\n");
    let ran = folder.run(&["ingest", &table, &list, "--json"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&report["accepted"], &report["rejected_total"]), (&json!(2), &json!(1)), "{report}");
    assert!(ran.err.contains("columns: title = Titel, doi = DOI"), "{}", ran.err);
    assert_eq!(server.get("/v1/papers/doi%3A10.1000%2Fb").body["title"], "Von Gezeiten");
}

#[test]
fn abstracts_find_the_papers_that_they_come_apart_from() {
    let folder = Folder::new();
    let papers = folder.file(
        "papers",
        "{\"corpusid\":17,\"title\":\"Tides\",\"externalids\":{\"CorpusId\":\"17\"}}\n\
            {\"corpusid\":18,\"title\":\"Dunes\",\"externalids\":{\"ArXiv\":\"2405.13729\",\"CorpusId\":\"18\"}}\n",
    );
    let abstracts = folder.file(
        "abstracts",
        "{\"corpusid\":17,\"abstract\":\"Of the sea.\",\"openaccessinfo\":{\"externalids\":{}}}\n\
            {\"corpusid\":18,\"abstract\":\"Of sand.\",\"openaccessinfo\":{\"externalids\":{}}}\n{\"corpusid\":19,\"abstract\":\"x\"}\n",
    );
    let report = &folder.json(&["ingest", &papers, &abstracts])[0];
    assert_eq!(
        (&report["accepted"], &report["updated"], &report["rejected_total"]),
        (&json!(2), &json!(2), &json!(1)),
        "{report}"
    );
    assert!(report["rejected"][0]["reason"].as_str().is_some_and(|r| r.contains("`papers` first")), "{report}");
    let hit = &folder.json(&["search", "sand", "-k", "1"])[0];
    assert_eq!((&hit["id"], &hit["abstract"]), (&json!("arxiv:2405.13729"), &json!("Of sand.")));
}
