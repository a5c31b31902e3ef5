//! Papers as platforms send them: dates, markup, accents, fields in other forms; folders of earlier versions.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{input, table};
use crate::support::{Folder, Server, ids};

/// The papers of the table of dates, one a line, and what may become of the date of each.
fn dates() -> (String, Vec<(String, Vec<String>)>) {
    let rows = table("dates", "forms.tsv");
    let line =
        |(k, row): (usize, &Vec<String>)| format!("{{\"id\": \"d{k}\", \"title\": \"T{k}\", \"date\": {}}}\n", row[0]);
    let allowed = |(k, row): (usize, &Vec<String>)| {
        (format!("d{k}"), row[1].split(" or ").map(|form| form.trim().to_string()).collect())
    };
    (rows.iter().enumerate().map(line).collect(), rows.iter().enumerate().map(allowed).collect())
}

fn check_dates(report: &Value, allowed: &[(String, Vec<String>)], date_of: &dyn Fn(&str) -> Value) {
    assert_eq!(report["accepted"], allowed.len(), "{report}");
    assert_eq!(report["rejected_total"], 0);
    let warnings = report["warnings"].as_array().expect("a list");
    let mut undated = 0;
    for (k, (id, allowed)) in allowed.iter().enumerate() {
        let date = date_of(id);
        assert!(allowed.contains(&date.as_str().unwrap_or("none").to_string()), "{id}: {date} is none of {allowed:?}");
        let told: Vec<&Value> = warnings.iter().filter(|w| w["id"] == id.as_str()).collect();
        assert_eq!(told.len(), usize::from(date.is_null()), "{id}: {told:?}");
        if let Some(warning) = told.first() {
            undated += 1;
            assert_eq!((&warning["line"], &warning["field"]), (&json!(k + 1), &json!("date")));
            assert!(warning["reason"].as_str().is_some_and(|r| !r.is_empty()));
        }
    }
    assert!(undated > 0);
    assert_eq!(report["warnings_total"], undated);
}

#[test]
fn a_date_costs_no_paper_its_place() {
    let (lines, allowed) = dates();
    let folder = Folder::new();
    let file = folder.file("dates.jsonl", &lines);
    let report = folder.json(&["ingest", &file]).remove(0);
    let listed = folder.json(&["export", &folder.path("out").display().to_string()]);
    drop(listed);
    let out = std::fs::read_to_string(folder.path("out/papers.jsonl")).expect("exported");
    let papers: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    check_dates(&report, &allowed, &|id| papers.iter().find(|p| p["id"] == id).expect("there")["date"].clone());
    // The same file again changes nothing, and is told again.
    let again = folder.json(&["ingest", &file]).remove(0);
    assert_eq!((&again["unchanged"], &again["warnings_total"]), (&json!(allowed.len()), &report["warnings_total"]));
    // What came out goes in and comes out the same, to the byte.
    let other = Folder::new();
    let report = other.json(&["ingest", &folder.path("out/papers.jsonl").display().to_string()]).remove(0);
    assert_eq!((&report["accepted"], &report["warnings_total"]), (&json!(allowed.len()), &json!(0)));
    other.json(&["export", &other.path("out").display().to_string()]);
    assert_eq!(std::fs::read_to_string(other.path("out/papers.jsonl")).expect("exported"), out);
    // For people, with the way out; strictly, they are rejected.
    let ran = Folder::new().run(&["ingest", &file]);
    assert!(ran.status == Some(0) && ran.err.contains("warning (d") && ran.err.contains("YYYY-MM-DD"), "{}", ran.err);
    assert!(ran.out.contains(" warning"), "{}", ran.out);
    let strict = Folder::new();
    let ran = strict.run(&["ingest", &file, "--strict", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    let warned = allowed.len() - told["accepted"].as_u64().expect("a number") as usize;
    assert_eq!((ran.status, &told["rejected_total"], &told["warnings_total"]), (Some(1), &json!(warned), &json!(0)));
}

#[test]
fn a_date_costs_no_paper_its_place_over_http() {
    let (lines, allowed) = dates();
    let folder = Folder::new();
    let server = Server::start(&folder);
    let date_of = |id: &str| server.get(&format!("/v1/papers/{id}")).body["date"].clone();
    let report = server.request("POST", "/v1/papers", Some("application/x-ndjson"), lines.as_bytes());
    check_dates(&report.body, &allowed, &date_of);
    (0..allowed.len()).for_each(|k| assert_eq!(server.delete(&format!("/v1/papers/d{k}")).status, 204));
    let papers: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let report = server.post("/v1/papers", &json!({ "papers": papers }));
    check_dates(&report.body, &allowed, &date_of);
    let one =
        json!({ "id": "one", "title": "One", "date": "n.d.", "authors": [{ "name": "Jane Doe" }, 5], "upvotes": "7" });
    let strict = server.post("/v1/papers?strict=true", &one).body;
    assert_eq!(
        (&strict["accepted"], &strict["rejected_total"], &strict["warnings_total"]),
        (&json!(0), &json!(1), &json!(0))
    );
    let reason = strict["rejected"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("`date`") && reason.contains("`authors`"), "{reason}");
    let report = server.post("/v1/papers", &one).body;
    assert_eq!((&report["accepted"], &report["warnings_total"]), (&json!(1), &json!(2)));
    let paper = server.get("/v1/papers/one").body;
    assert_eq!((&paper["authors"], &paper["upvotes"], &paper["date"]), (&json!(["Jane Doe"]), &json!(7), &Value::Null));
    // Filters take the same spellings, and what is no date is an error there.
    assert_eq!(server.get("/v1/search?q=T1&from=2024/05/22&to=22%20May%202024").status, 200);
    assert_eq!(server.get("/v1/search?q=T1&from=n.d.").status, 400);
}

fn marked() -> Vec<Value> {
    let text = std::fs::read_to_string(input("marked-up-abstracts", "papers.jsonl")).expect("there");
    text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).expect("JSON")).collect()
}

/// How many of the marked papers have the plain one on their subject as their nearest neighbour, with the real model.
fn found(file: &str) -> (Folder, usize) {
    let folder = Folder { model: "default", ..Folder::new() };
    folder.json(&["ingest", &input("marked-up-abstracts", file).display().to_string()]);
    let near = |paper: &Value| {
        let id = paper["id"].as_str().expect("an id");
        let hits = folder.json(&["similar", id, "-k", "1"]);
        ids(&hits) == [id.replace("-marked", "-plain")]
    };
    let marked = marked();
    let found = marked
        .iter()
        .filter(|p| p["id"].as_str().is_some_and(|id| id.ends_with("-marked")))
        .filter(|p| near(p))
        .count();
    (folder, found)
}

#[test]
fn markup_is_not_text() {
    let (folder, with) = found("papers.jsonl");
    let (_, without) = found("papers-without-markup.jsonl");
    assert!(with >= without, "{with} found their kin, {without} without markup");
    let words = std::fs::read_to_string(input("marked-up-abstracts", "words-of-markup.txt")).expect("there");
    for word in words.split_whitespace() {
        let hits = folder.json(&["search", word, "--mode", "lexical"]);
        assert!(hits.is_empty(), "{word} finds {:?}", ids(&hits));
    }
    assert_eq!(ids(&folder.json(&["search", "bacteria oysters", "--mode", "lexical", "-k", "1"])), ["oysters-marked"]);
    for sent in marked() {
        let back = folder.json(&["search", sent["id"].as_str().expect("an id"), "-k", "1"]).remove(0);
        assert_eq!((&back["title"], &back["abstract"]), (&sent["title"], &sent["abstract"]));
    }
    let themes = folder.run(&["themes", "--json"]);
    for word in ["jats", "mml", "italic", "sub-", "xmlns"] {
        let named = themes.out.lines().filter(|l| l.contains("\"name\"")).any(|l| l.contains(word));
        assert!(!named, "{}", themes.out);
    }
}

#[test]
fn a_formula_is_found_however_it_is_written() {
    let folder = Folder::new();
    let titles = [
        "Capture of CO$_2$ in clay",
        "Capture of CO<sub>2</sub> in sand",
        "Capture of CO₂ in salt",
        "Capture of CO2 in ice",
        r"$\alpha$-stable laws",
        "α-stable noise",
        "Schr\\\"odinger bridges",
        "Schrödinger operators",
    ];
    let lines: String =
        titles.iter().enumerate().map(|(k, t)| format!("{}\n", json!({"id": format!("f{k}"), "title": t}))).collect();
    folder.json(&["ingest", &folder.file("f.jsonl", lines)]);
    let find = |words: &str| {
        let hits = folder.json(&["search", words, "--mode", "lexical"]);
        let mut found: Vec<String> = ids(&hits).iter().map(ToString::to_string).collect();
        found.sort();
        found
    };
    for words in ["CO2", "CO₂", "CO$_2$", "CO<sub>2</sub>"] {
        assert_eq!(find(words), ["f0", "f1", "f2", "f3"], "{words}");
    }
    for words in ["alpha-stable", "α-stable", r"$\alpha$-stable"] {
        assert_eq!(find(words), ["f4", "f5"], "{words}");
    }
    for words in ["Schrödinger", "schrodinger", "Schro\u{308}dinger", "Schr\\\"odinger"] {
        assert_eq!(find(words), ["f6", "f7"], "{words}");
    }
}

#[test]
fn accents_in_one_letter_or_in_two_are_the_same() {
    let folder = Folder::new();
    folder.json(&["ingest", &input("composed-accents", "papers.jsonl").display().to_string()]);
    let server = Server::start(&folder);
    let list = |path: &str| -> Vec<String> {
        let body = server.get(path).body;
        ids(body["papers"].as_array().unwrap_or_else(|| panic!("{path}: {body}")))
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(list("/v1/search?q=for%C3%AAt"), ["decomposed"]);
    let mut both = list("/v1/search?q=for%C3%AAt&versions=true");
    both.sort();
    assert_eq!(both, ["composed", "decomposed"]);
    for name in ["Jos%C3%A9%20%C3%81lvarez", "Jose%CC%81%20A%CC%81lvarez", "JOS%C3%89%20%C3%81LVAREZ", "jose%20alvarez"]
    {
        let mut both = list(&format!("/v1/search?q=for%C3%AAt&versions=true&author={name}"));
        both.sort();
        assert_eq!(both, ["composed", "decomposed"], "{name}");
    }
    assert_eq!(list("/v1/search?q=for%C3%AAt&author=Somebody%20Else"), [] as [&str; 0]);
    let versions = &server.get("/v1/papers/composed").body["versions"];
    assert_eq!(versions[0]["id"], "decomposed");
}

#[test]
fn a_title_alone_makes_no_work_of_two_articles() {
    let folder = Folder::new();
    let issue = |id: &str, doi: Option<&str>, date: &str| {
        let mut paper = json!({"id": id, "title": "Introduction to the special issue", "authors": ["Edi Tor"], "date": date,
            "abstract": format!("What is in this one of {date}.")});
        if let Some(doi) = doi {
            paper["doi"] = doi.into();
        }
        format!("{paper}\n")
    };
    let lines = [
        issue("vol/3", Some("10.1000/issue.3"), "2020-01-01"),
        issue("vol/4", Some("10.1000/issue.4"), "2021-01-01"),
        format!(
            "{}\n",
            json!({"id": "arxiv:2401.00001", "title": r"On $\alpha$-things", "authors": ["José Doe"], "date": "2024-01-01"})
        ),
        format!(
            "{}\n",
            json!({"id": "doi:10.1000/things", "title": "On α-things", "authors": ["Doe, Jose"], "date": "2025"})
        ),
    ];
    folder.json(&["ingest", &folder.file("w.jsonl", lines.concat())]);
    let mut found: Vec<String> =
        ids(&folder.json(&["search", "introduction to the special issue", "--mode", "lexical"]))
            .iter()
            .map(ToString::to_string)
            .collect();
    found.sort();
    assert_eq!(found, ["vol/3", "vol/4"]);
    assert_eq!(ids(&folder.json(&["search", "things", "--mode", "lexical"])), ["doi:10.1000/things"]);
}

/// Makes a folder what an earlier version left: hashes of texts as they were sent, keys and names by older rules. Gives how many
/// papers have a text that is read in another way now.
fn age(data: &Path) -> usize {
    let c = rusqlite::Connection::open(data.join("papers.sqlite")).expect("opens");
    let hash = |text: &str| blake3::hash(text.as_bytes()).as_bytes()[..16].to_vec();
    let papers: Vec<(u32, Vec<u8>, String)> = {
        let mut all = c.prepare("SELECT row, text_hash, json FROM papers").expect("SQL");
        let rows = all.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).expect("reads");
        rows.map(|r| r.expect("a row")).collect()
    };
    let mut changed = 0;
    c.execute_batch("BEGIN").expect("begins");
    for (row, text, json) in papers {
        let paper: Value = serde_json::from_str(&json).expect("JSON");
        let (title, summary) =
            (paper["title"].as_str().unwrap_or_default(), paper["abstract"].as_str().unwrap_or_default());
        let old = hash(&if summary.is_empty() { title.to_string() } else { format!("{title}. {summary}") });
        if old != text {
            changed += 1;
            c.execute("UPDATE papers SET text_hash = ?1 WHERE row = ?2", rusqlite::params![old, row]).expect("written");
            c.execute("UPDATE OR REPLACE vectors SET text_hash = ?1 WHERE text_hash = ?2", [&old, &text])
                .expect("written");
        }
        c.execute("DELETE FROM works WHERE row = ?1", [row]).expect("written");
        let key = format!("id:{}", paper["id"].as_str().unwrap_or_default());
        c.execute("INSERT INTO works (key, row, newness) VALUES (?1, ?2, 0)", rusqlite::params![key, row])
            .expect("written");
    }
    c.execute("DELETE FROM authors", []).expect("written");
    c.execute("UPDATE counter SET reading = 0", []).expect("written");
    c.execute_batch("COMMIT").expect("commits");
    drop(c);
    // Earlier versions kept no checksums of the pages.
    let _ = std::fs::remove_file(data.join("papers.sums"));
    let _ = std::fs::remove_dir_all(data.join("words"));
    changed
}

#[test]
fn a_folder_of_an_earlier_version_is_brought_up_to_date() {
    let folder = Folder::new();
    for (kind, file) in [("marked-up-abstracts", "papers.jsonl"), ("composed-accents", "papers.jsonl")] {
        folder.json(&["ingest", &input(kind, file).display().to_string()]);
    }
    let export = |name: &str| {
        folder.json(&["export", &folder.path(name).display().to_string()]);
        ["papers.jsonl", "vectors.jsonl"].map(|file| {
            let text = std::fs::read_to_string(folder.path(name).join(file)).expect("exported");
            let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
            lines.sort();
            lines
        })
    };
    let before = export("before");
    let changed = age(&folder.data());
    assert_eq!(changed, 7, "six are marked up, one has its accents in two letters");
    let ran = folder.run(&["info"]);
    assert!(ran.status == Some(0) && ran.err.contains("7 papers re-read with better rules"), "{}", ran.err);
    // Once.
    assert!(!folder.run(&["info"]).err.contains("earlier version"));
    assert_eq!(export("after"), before, "the papers, each with the vector of its text");
    assert_eq!(ids(&folder.json(&["search", "forêt", "--mode", "lexical"])), ["decomposed"]);
    let by = folder.json(&["search", "forêt", "--author", "José Álvarez", "--mode", "lexical"]);
    assert_eq!(ids(&by), ["decomposed"]);
}

/// Whatever the moment at which it is killed, the folder is brought up to date by those that follow.
#[test]
fn a_folder_that_is_killed_on_the_way_is_whole() {
    let folder = Folder::new();
    let lines: String = (0..1500)
        .map(|k| {
            format!(
                "{}\n",
                json!({"id": format!("k{k}"), "title": format!("<i>Paper</i> number {k} of topic {}", k % 7)})
            )
        })
        .collect();
    folder.json(&["ingest", &folder.file("k.jsonl", lines)]);
    assert_eq!(age(&folder.data()), 1500);
    for k in 0..12u64 {
        let mut child = folder
            .command(&["info", "--json"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(Duration::from_millis(3 + 7 * k));
        let _ = child.kill();
        let _ = child.wait();
    }
    let info = folder.json(&["info"]).remove(0);
    assert_eq!((&info["papers"], &info["vectors"], &info["index"]["rows"]), (&json!(1500), &json!(1500), &json!(1500)));
    assert_eq!(folder.json(&["search", "<i>Paper</i> number 7", "-k", "500"]).len(), 500);
}

/// What the cleaning of a corpus costs, and how much of it changes: `PAPERKIN_BENCH_DATA=papers.jsonl.zst`.
#[test]
#[ignore = "reads a corpus that is not in the repository"]
fn how_many_texts_are_marked_up() {
    let path = std::env::var("PAPERKIN_BENCH_DATA").expect("a file of papers");
    let reader = paperkin::sources::open(Path::new(&path)).expect("opens");
    let (mut papers, mut changed, mut titles, mut left) = (0, 0, 0, 0);
    let (mut plain, mut keys) = (Duration::ZERO, Duration::ZERO);
    for incoming in paperkin::sources::read("corpus", reader) {
        let Ok(paper) = incoming.expect("readable").paper else { continue };
        let began = std::time::Instant::now();
        let text = paper.text();
        plain += began.elapsed();
        let began = std::time::Instant::now();
        let _ = paper.work_keys();
        keys += began.elapsed();
        papers += 1;
        let sent = match paper.summary.trim() {
            "" => paper.title.trim().to_string(),
            summary => format!("{}. {summary}", paper.title.trim()),
        };
        changed += usize::from(text != sent);
        titles += usize::from(paperkin::paper::plain(&paper.title) != paper.title.as_str());
        if text.contains(['$', '\\']) {
            left += 1;
            if left % 100 == 1 {
                println!("{}: {text}", paper.id);
            }
        }
        if changed % 4000 == 1 && text != sent {
            println!("--- {}\n{sent}\n+++\n{text}", paper.id);
        }
    }
    println!("{papers} papers, {changed} texts change, {titles} titles; {left} keep a dollar or a backslash");
    println!("texts took {plain:?}, keys {keys:?}");
}
