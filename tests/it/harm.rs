//! Small input that would do big harm: bounded, told, and given up when nobody waits.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use paperkin::Error;
use paperkin::cancel::Cancel;
use paperkin::config::Config;
use paperkin::embed::Kind;
use paperkin::engine::{Engine, Example, Feed, Import, Incoming, Recommend, SearchOptions};
use paperkin::paper::{Paper, PaperId};
use paperkin::sources::{Format, references};
use paperkin::user::{Event, EventKind, Moment};
use serde_json::{Value, json};

use crate::support::{Folder, Server, error, paper, papers};

/// Papers with something too long in each: by field what is told, and of which paper nothing is left.
fn too_long() -> Vec<Value> {
    let with = |k: usize, field: &str, value: Value| {
        let mut paper = paper(k);
        paper[field] = value;
        paper
    };
    vec![
        with(0, "title", "a ".repeat(2050).into()),
        with(1, "abstract", "words ".repeat(20_000).into()),
        with(2, "authors", vec!["A"; 10_001].into()),
        with(3, "deep", (0..200).fold(json!(1), |inner, _| json!([inner]))),
        with(4, "large", "x".repeat(70_000).into()),
        with(5, "venue", "v".repeat(2000).into()),
        paper(6),
    ]
}

#[test]
fn bounds_are_the_same_however_papers_come() {
    let lines: String = too_long().iter().map(|p| format!("{p}\n")).collect();
    let long_line = format!("{{\"id\":\"l\",\"title\":\"L\",\"x\":\"{}\"}}\n", "y".repeat(4 << 20));
    let check = |report: &Value, rejected: usize| {
        assert_eq!(report["accepted"], 6, "{report}");
        assert_eq!(report["rejected_total"], rejected);
        assert!(report["rejected"][0]["reason"].as_str().is_some_and(|r| r.contains("4096")), "{report}");
        let told: Vec<&str> =
            report["warnings"].as_array().expect("warnings").iter().map(|w| w["field"].as_str().unwrap()).collect();
        assert_eq!(told, ["abstract", "authors", "extra", "extra", "venue"]);
    };
    let folder = Folder::new();
    let file = folder.file("p.jsonl", format!("{lines}{long_line}"));
    let ran = folder.run(&["ingest", &file, "--json"]);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    check(&report, 2);
    assert_eq!(report["rejected"][1]["line"], 8);
    assert!(ran.err.contains("panicked").eq(&false) && report["rejected"][1]["reason"].to_string().contains("4194304"));
    let strict = folder.run(&["ingest", &file, "--strict", "--json"]);
    let report: Value = serde_json::from_str(&strict.out).expect("JSON");
    assert_eq!((strict.status, &report["rejected_total"], &report["unchanged"]), (Some(1), &json!(7), &json!(1)));
    // What an export holds comes back without a word.
    let out = folder.path("out").display().to_string();
    folder.json(&["export", &out]);
    let other = Folder::new();
    let back = &other.json(&["import", &out])[0];
    assert_eq!((&back["accepted"], &back["warnings_total"]), (&json!(6), &json!(0)));

    let (one, two) = (Folder::new(), Folder::new());
    let server = Server::start(&one);
    check(&server.post("/v1/papers", &json!({ "papers": too_long() })).body, 1);
    let kept = server.get("/v1/papers/p%2F1").body;
    assert_eq!(kept["abstract"].as_str().map(str::len), Some(102_400));
    assert_eq!(server.get("/v1/papers/p%2F2").body["authors"].as_array().map(Vec::len), Some(10_000));
    let refused = server.post("/v1/papers?strict=true", &json!({ "papers": too_long() })).body;
    assert_eq!((&refused["rejected_total"], &refused["unchanged"]), (&json!(6), &json!(1)));
    let server = Server::start(&two);
    let sent =
        server.request("POST", "/v1/papers", Some("application/x-ndjson"), format!("{lines}{long_line}").as_bytes());
    check(&sent.body, 2);

    // Through a reading list: what teaches is bounded as well.
    let long = |field: &str, n: usize| {
        format!("@misc{{k{n}, {field} = {{{}}}, title = {{A title of words {n}}}}}\n", "w ".repeat(n))
    };
    let list = format!(
        "{}@misc{{t, title = {{{}}}}}\n@misc{{d, doi = {{10.1000/d}}, title = {{{}}}}}\n",
        long("abstract", 60_000),
        "t ".repeat(3000),
        "u ".repeat(3000)
    );
    let path = "/v1/users/ada/history?embed_missing=true&format=bibtex";
    let told = server.request("POST", path, Some("text/plain"), list.as_bytes()).body;
    assert_eq!(
        (&told["embedded"], &told["rejected_total"], &told["warnings_total"]),
        (&json!(1), &json!(1), &json!(2)),
        "{told}"
    );
    assert!(told["rejected"][0]["reason"].as_str().is_some_and(|r| r.contains("title is 5999 bytes")), "{told}");
}

#[test]
fn numbers_are_given_back_as_they_were_written() {
    let folder = Folder::new();
    let line = r#"{"id":"n","title":"Numbers","big":123456789012345678901234567890,"far":1e400,"cut":0.10}"#;
    folder.json(&["ingest", &folder.file("p.jsonl", line)]);
    let out = folder.path("out").display().to_string();
    folder.json(&["export", &out]);
    let exported = std::fs::read_to_string(folder.path("out").join("papers.jsonl")).expect("written");
    assert!(
        exported.contains(r#""extra":{"big":123456789012345678901234567890,"far":1e400,"cut":0.10}"#),
        "{exported}"
    );
    assert_eq!(folder.json(&["ingest", &folder.file("q.jsonl", exported)])[0]["unchanged"], 1);
}

#[test]
fn a_compressed_file_unpacks_as_far_as_is_allowed() {
    let folder = Folder::new();
    let mut packer = zstd::Encoder::new(Vec::new(), 3).expect("packs");
    packer.write_all(papers(20).as_bytes()).expect("packs");
    for _ in 0..80 {
        packer.write_all(format!("{}\n", " ".repeat((1 << 20) - 1)).as_bytes()).expect("packs");
    }
    let file = folder.file("p.zst", packer.finish().expect("packs"));
    let ran = folder.run(&["ingest", &file]);
    assert!(ran.err.contains("more than 200 times its size; --max-ratio"), "{}", ran.err);
    assert_eq!(folder.papers(), 20, "what came before it is in");
    let ran = folder.run(&["ingest", &file, "--max-ratio", "1000000"]);
    assert!(ran.status == Some(0) && !ran.err.contains("rejected:"), "{}", ran.err);
    let ran = folder.run(&["ingest", &file, "--max-unpacked", "1000"]);
    assert!(ran.err.contains("more than 1000 bytes; --max-unpacked"), "{}", ran.err);
}

#[test]
fn bodies_do_not_become_trees() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let many = format!("{{\"q\":[{}1]}}", "[],".repeat(1_000_001));
    let reply = server.request("POST", "/v1/search", Some("application/json"), many.as_bytes());
    assert_eq!(error(&reply).0, 413);
    let nested = format!("{{\"papers\":[{}{}]}}", "[".repeat(500_000), "]".repeat(500_000));
    let reply = server.request("POST", "/v1/papers", Some("application/json"), nested.as_bytes());
    assert_eq!((reply.status, &reply.body["rejected_total"]), (200, &json!(1)));
    for (body, word) in [
        (r#"{"papers":[], "x":1}"#, "unknown field `x`"),
        (r#"{"papers":1}"#, "must be a list"),
        ("[1]", "a paper or"),
        (r#"{"papers":["#, "not JSON"),
    ] {
        let reply = server.request("POST", "/v1/papers", Some("application/json"), body.as_bytes());
        assert!(reply.status == 400 && error(&reply).2.contains(word), "{body}: {}", reply.body);
    }
    assert_eq!(server.get("/healthz").status, 200);
}

fn engine(folder: &Folder, n: usize) -> Engine {
    let config = Config { model: Some("hash".into()), ..Config::new(folder.data()) };
    let engine = Engine::open(config).expect("opens").engine;
    engine.ingest(&mut (0..n).map(incoming), &|_| {}).expect("goes in");
    engine
}

fn incoming(k: usize) -> paperkin::Result<Incoming> {
    Ok(Incoming::new(k + 1, Ok((Paper::from_json(paper(k)).expect("a paper"), Vec::new()))))
}

#[test]
fn work_ends_when_nobody_waits() {
    let folder = Folder::new();
    let engine = engine(&folder, 300);
    let id = |k: usize| PaperId::new(format!("p/{k}")).expect("an id");
    let like = |k: usize| Event { paper: id(k), kind: EventKind::Like, at: Moment::now(), weight: 1.0 };
    engine.add_events("ada", &(0..20).map(like).collect::<Vec<_>>()).expect("written");
    let ask = SearchOptions { diversity: 0.5, ..SearchOptions::default() };
    let example = |k: usize| Example { id: id(k), weight: 1.0 };
    let request = Recommend { like: (0..5).map(example).collect(), ask: ask.clone(), ..Recommend::default() };
    let list = references("@misc{a, title = {Some words about nothing}}", Format::Bibtex).expect("reads");
    let import = Import { kind: EventKind::Save, embed_missing: true, name: None };
    type Work<'a> = Box<dyn Fn() -> paperkin::Result<()> + 'a>;
    let all: Vec<(&str, Work<'_>)> = vec![
        ("search", Box::new(|| engine.search("words about topic3", &ask).map(drop))),
        ("similar", Box::new(|| engine.similar("p/1", &ask).map(drop))),
        ("similar to each", Box::new(|| engine.similar_to_each(&[id(1), id(2)], &ask).map(drop))),
        ("recommend", Box::new(|| engine.recommend(&request).map(drop))),
        ("feed", Box::new(|| engine.feed("ada", &Feed::default()).map(drop))),
        ("embed", Box::new(|| engine.embed(&["a text"], Kind::Query).map(drop))),
        ("themes", Box::new(|| engine.run_themes(true).map(drop))),
        ("a list", Box::new(|| references("@misc{a, title = {A}}", Format::Bibtex).map(drop))),
        ("a preview", Box::new(|| engine.preview_history("ada", &list, &import).map(drop))),
        ("papers", Box::new(|| engine.ingest(&mut (300..301).map(incoming), &|_| {}).map(drop))),
    ];
    for (name, work) in &all {
        let asked = Cancel::new();
        asked.cancel();
        assert!(matches!(asked.scope(work), Err(Error::Cancelled)), "{name}");
        work().unwrap_or_else(|e| panic!("{name}, for somebody who waits: {e}"));
    }
}

#[test]
fn an_ingest_that_is_given_up_leaves_whole_windows() {
    let folder = Folder::new();
    let engine = engine(&folder, 10);
    let (asked, committed) = (Cancel::new(), AtomicUsize::new(0));
    let ended = asked.scope(|| {
        engine.ingest(&mut (0..5000).map(incoming), &|report| {
            committed.store(report.lines(), Ordering::Relaxed);
            if report.accepted > 200 {
                asked.cancel();
            }
        })
    });
    assert!(matches!(ended, Err(Error::Cancelled)));
    let there = engine.info().expect("reads").papers;
    assert_eq!(there, committed.load(Ordering::Relaxed), "what was told is there, and no more");
    assert!((200..5000).contains(&there), "{there}");
    let last = engine
        .search(&format!("number{}", there - 1), &SearchOptions { limit: 1, ..SearchOptions::default() })
        .expect("found");
    assert_eq!(last.papers[0].paper.id.as_str(), format!("p/{}", there - 1), "and is found by its words");
    let report = engine.ingest(&mut (0..5000).map(incoming), &|_| {}).expect("goes on");
    assert_eq!((report.unchanged, report.accepted), (there, 5000 - there));
}
