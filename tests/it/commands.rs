//! Every command, on good input and on bad.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Folder, Ran, Server, ids, paper, papers};

#[test]
fn papers_go_in_and_come_out_by_likeness() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    let report = &folder.json(&["ingest", &file])[0];
    assert_eq!((&report["accepted"], &report["embedded"]), (&json!(300), &json!(300)));

    let hits = folder.json(&["similar", "p/3", "-k", "20"]);
    assert_eq!(hits.len(), 20);
    assert!(!ids(&hits).contains(&"p/3"), "a paper is not like itself");
    assert!(hits.is_sorted_by(|a, b| a["score"].as_f64() >= b["score"].as_f64()));
    // The words decide with this model: the nearest share topic and subject.
    assert_eq!(ids(&hits)[0].trim_start_matches("p/").parse::<usize>().map(|k| k % 7), Ok(3));

    let found = folder.json(&["search", "number42", "subject3", "-k", "1"]);
    assert_eq!(ids(&found), ["p/42"]);

    let liked = folder.json(&["recommend", "--like", "p/1", "p/8", "--dislike", "p/2", "-k", "5", "--explain"]);
    assert!(liked.iter().all(|h| !["p/1", "p/8", "p/2"].contains(&h["id"].as_str().expect("an id"))));
    for hit in &liked {
        let parts = hit["why"]["parts"].as_array().expect("parts");
        let sum: f64 = parts.iter().map(|p| p["value"].as_f64().expect("a value")).sum();
        assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4, "{hit}");
        let examples = parts.iter().filter(|p| p["kind"] == "paper").map(|p| p["id"].as_str().expect("an id"));
        assert_eq!(examples.collect::<std::collections::BTreeSet<_>>(), ["p/1", "p/2", "p/8"].into());
        assert!(parts.iter().any(|p| p["kind"] == "term"), "{hit}");
    }
    let table = folder.run(&["similar", "p/3", "-k", "2"]);
    assert!(table.out.contains("Paper number") && table.err.contains("2 of 299 papers"), "{}{}", table.out, table.err);
}

#[test]
fn filters_hold_and_answers_are_full() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    for (flags, expected) in [
        (vec!["--category", "C.1"], 100),
        (vec!["--author", "author  2"], 60),
        (vec!["--from", "2026-03", "--to", "2026-03"], 25),
        (vec!["--category", "c.0", "c.1", "--author", "Author 0"], 40),
        (vec!["--to", "2025"], 0),
    ] {
        let hits = folder.json(&[&["search", "words", "-k", "500"], &flags[..]].concat());
        assert_eq!(hits.len(), expected, "{flags:?}");
    }
    let excluded = folder.json(&["search", "number5", "-k", "299", "--exclude", "p/5", "p/6", "nobody"]);
    assert_eq!(excluded.len(), 298);
    assert!(!ids(&excluded).contains(&"p/5"));
    let march = folder.json(&["search", "words", "-k", "500", "--from", "2026-03-01", "--to", "2026-03-31"]);
    assert!(march.iter().all(|h| h["date"].as_str().is_some_and(|d| d.starts_with("2026-03"))));
    // Pages join without gap or overlap.
    let whole = folder.json(&["search", "topic4", "-k", "30"]);
    let second = folder.json(&["search", "topic4", "-k", "10", "--offset", "10"]);
    assert_eq!(ids(&whole)[10..20], ids(&second)[..]);
    let spread = folder.json(&["search", "topic4", "-k", "30", "--diversity", "0.7"]);
    assert_ne!(ids(&whole), ids(&spread));
}

#[test]
fn a_second_run_costs_nothing_and_a_change_only_itself() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(200));
    folder.json(&["ingest", &file]);
    let again = &folder.json(&["ingest", &file])[0];
    assert_eq!((&again["unchanged"], &again["embedded"]), (&json!(200), &json!(0)));

    let mut votes = paper(7);
    votes["upvotes"] = json!(999);
    let mut text = paper(8);
    text["abstract"] = json!("Entirely different zebras.");
    let file = folder.file("q.jsonl", format!("{votes}\n{text}\n{}", paper(9)));
    let report = &folder.json(&["ingest", &file])[0];
    assert_eq!(
        (&report["updated"], &report["unchanged"], &report["embedded"], &report["accepted"]),
        (&json!(2), &json!(1), &json!(1), &json!(0))
    );
    assert_eq!(ids(&folder.json(&["search", "zebras", "-k", "1"])), ["p/8"]);
    assert_eq!(folder.papers(), 200);
    assert_eq!(folder.json(&["search", "zebras", "-k", "500"]).len(), 200, "the old text is still found");
}

#[test]
fn bad_lines_are_told_and_the_rest_goes_in() {
    let folder = Folder::new();
    let mut text = Vec::new();
    let mut line = |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        text.push(b'\n');
    };
    line(br#"{"id":"a","title":"First"}"#);
    line(b"{\"id\": \"broken\", ");
    line(br#"{"title":"No id"}"#);
    line(br#"{"id":"no title"}"#);
    line(br#"{"id":"blank","title":"  "}"#);
    line(b"{\"id\":\"latin\",\"title\":\"caf\xe9\"}");
    line(format!("{{\"id\":\"{}\",\"title\":\"long id\"}}", "i".repeat(10_000)).as_bytes());
    line(br#"{"id":"date","title":"T","date":"2026-02-30"}"#);
    line(br#"{"id":"nul\u0000","title":"T"}"#);
    line(br#"[1,2]"#);
    line(br#"{"id":"votes","title":"T","upvotes":-1}"#);
    line(br#"{"id":"empty abstract","title":"Only a title","abstract":""}"#);
    line(br#"{"id":"extra","title":"T","colour":{"deep":[1]}}"#);
    line(br#"{"id":"a","title":"Second, of the same id"}"#);
    line(format!("{{\"id\":\"big\",\"title\":\"T\",\"abstract\":\"{}\"}}", "word ".repeat(400_000)).as_bytes());
    let file = folder.file("bad.jsonl", &text);

    let ran = folder.run(&["ingest", &file, "--json"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&report["accepted"], &report["updated"], &report["rejected_total"]), (&json!(6), &json!(1), &json!(8)));
    let told: Vec<(u64, &str)> = report["rejected"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| (r["line"].as_u64().expect("a line"), r["reason"].as_str().expect("a reason")))
        .collect();
    for (expected, word) in
        [(2, "JSON"), (3, "id"), (4, "title"), (5, "title"), (6, "UTF-8"), (7, "256"), (9, "control"), (10, "object")]
    {
        let (_, reason) =
            told.iter().find(|(line, _)| *line == expected).unwrap_or_else(|| panic!("line {expected}: {told:?}"));
        assert!(reason.contains(word), "line {expected}: {reason}");
        assert!(ran.err.contains(&format!("bad.jsonl:{expected}: ")), "{}", ran.err);
    }
    // Any other field costs no paper its place.
    let warned: Vec<(u64, &str)> = report["warnings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|w| (w["line"].as_u64().expect("a line"), w["field"].as_str().expect("a field")))
        .collect();
    assert_eq!((warned, &report["warnings_total"]), (vec![(8, "date"), (11, "upvotes"), (15, "abstract")], &json!(3)));
    assert_eq!(folder.papers(), 6);
    let hit = &folder.json(&["search", "Second", "-k", "1"])[0];
    assert_eq!((&hit["id"], &hit["title"]), (&json!("a"), &json!("Second, of the same id")));
    let extra = folder.json(&["search", "T", "-k", "9"]).into_iter().find(|h| h["id"] == "extra").expect("kept");
    assert_eq!(extra["extra"], json!({ "colour": { "deep": [1] } }));

    let strict = folder.run(&["ingest", &file, "--strict"]);
    assert_eq!(strict.status, Some(1));
    let none = folder.file("none.jsonl", "nothing\nhere\n");
    assert_eq!(folder.run(&["ingest", &none]).status, Some(1));
    // Of several files each line says whose it is.
    let both = &folder.json(&["ingest", &none, &file])[0];
    let named = |k: usize| both["rejected"][k]["file"].as_str().unwrap_or_default();
    assert!(named(0).ends_with("none.jsonl") && named(2).ends_with("bad.jsonl"), "{both}");
}

#[test]
fn what_papers_hold_does_not_steer_the_terminal() {
    let folder = Folder::new();
    let evil = "Cle\u{1b}]0;owned\u{7}an \u{9b}2Jscreens";
    let one =
        |id: &str| json!({ "id": id, "title": evil, "authors": [evil], "categories": [evil], "date": "2026-01-02" });
    let bad = json!({ "id": "\u{1b}[31mred", "title": "T" });
    let file = folder.file("p.jsonl", format!("{}\n{}\n{bad}\n", one("a"), one("b")));
    let ran = folder.run(&["ingest", &file]);
    assert!(ran.err.contains("p.jsonl:3: rejected ([31mred)"), "{:?}", ran.err);
    let clean = |ran: &Ran| !format!("{}{}", ran.out, ran.err).contains(|c: char| c.is_control() && c != '\n');
    assert!(clean(&ran), "{:?}", ran.err);
    for args in [vec!["search", "screens", "--explain"], vec!["similar", "a", "--explain"], vec!["themes"]] {
        let ran = folder.run(&args);
        assert!(ran.status == Some(0) && clean(&ran), "{args:?}: {:?} {:?}", ran.out, ran.err);
    }
    assert!(folder.run(&["search", "screens"]).out.contains("Cle]0;ownedan 2Jscreens"));
    // Programs get what there is.
    assert_eq!(folder.json(&["search", "screens"])[0]["title"], evil);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(20));
    folder.json(&["ingest", &file]);
    let plain = folder.file("plain", "x");
    for (args, status, words) in [
        (vec!["ingest", "/no/such/file.jsonl"], 1, "/no/such/file.jsonl"),
        (vec!["ingest", "/"], 1, "directory"),
        (vec!["similar", "nobody"], 1, "nobody"),
        (vec!["recommend", "--like", "p/1", "nobody"], 1, "nobody"),
        (vec!["recommend", "--like", "p/1", "--dislike", "p/1"], 1, "both"),
        (vec!["recommend"], 2, "--like"),
        (vec!["search", ""], 2, "empty"),
        (vec!["search", "  "], 2, "empty"),
        (vec!["search", "x", "-k", "0"], 2, "1 to 500"),
        (vec!["search", "x", "-k", "501"], 2, "1 to 500"),
        (vec!["search", "x", "-k", "-1"], 2, "-1"),
        (vec!["search", "x", "--from", "soon"], 2, "soon"),
        (vec!["search", "x", "--from", "2026", "--to", "2025"], 2, "turned round"),
        (vec!["search", "x", "--diversity", "2"], 2, "0 to 1"),
        (vec!["search", "x", "--diversity", "NaN"], 2, "0 to 1"),
        (vec!["search", "x", "--min-score", "inf"], 2, "number"),
        (vec!["search", "x", "--mode", "fuzzy"], 2, "hybrid, dense, lexical"),
        (vec!["similar", "--all", "--diversity", "0.5"], 2, "diversity"),
        (vec!["recommend", "--like", "p/1", "--per-author", "0"], 2, "from 1"),
        (vec!["recommend", "--like", "p/1", "--half-life-days", "0"], 2, "above 0"),
        (vec!["recommend", "--like", "p/1", "--strategy", "guess"], 2, "rocchio"),
        (vec!["themes", "t1", "-k", "501"], 2, "1 to 500"),
        (vec!["themes", "t1", "--sort", "size"], 2, "most-read"),
        (vec!["themes", "--level", "7"], 2, "0, the coarsest, to 2"),
        (vec!["themes", "--map", "x.gif"], 2, ".svg"),
        (vec!["history", "import", "ada", "x", "--format", "tex"], 2, "bibtex"),
        (vec!["history", "import", "ada", "x", "--kind", "hate"], 2, "dismiss"),
        (vec!["eval", "users", "--reading-log", "x", "--method", "best"], 2, "content"),
        (vec!["eval", "similar", "--groups", "x", "--seeds", "0"], 2, "from 1"),
        (vec!["frobnicate"], 2, "frobnicate"),
        (vec!["similar", "p/1", "--data", "/nowhere"], 1, "/nowhere"),
        (vec!["ingest", &file, "--data", "/proc/paperkin"], 1, "/proc/paperkin"),
        (vec!["ingest", &file, "--data", &plain], 1, "plain"),
        (vec!["info", "--config", "/no/config.toml"], 1, "/no/config.toml"),
        (vec!["info", "--model", "no-such-model"], 1, "no-such-model"),
        (vec!["info", "--model", "all-MiniLM-L6-v2"], 1, "made with the model hash"),
        (vec!["serve", "--addr", "nonsense"], 1, "nonsense"),
        (vec!["import", "/nowhere"], 1, "/nowhere"),
    ] {
        let ran = folder.run(&args);
        assert_eq!(ran.status, Some(status), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
        assert!(ran.out.is_empty(), "{args:?}: {}", ran.out);
    }
    assert_eq!(folder.papers(), 20);
}

#[test]
fn every_help_has_examples() {
    let folder = Folder::new();
    for command in [
        "demo",
        "ingest",
        "serve",
        "similar",
        "search",
        "recommend",
        "themes",
        "history",
        "embed",
        "info",
        "index",
        "reembed",
        "eval",
        "export",
        "import",
    ] {
        let help = folder.run(&[command, "--help"]);
        assert_eq!(help.status, Some(0));
        assert!(help.out.contains("Examples:") && help.out.contains(&format!("paperkin {command}")), "{}", help.out);
    }
}

#[test]
fn standard_input_is_a_file_and_a_pasted_abstract() {
    let folder = Folder::new();
    let pipe = |args: &[&str], text: &str| {
        let mut child = folder
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        // Who refuses an endless text stops reading it.
        let _ = child.stdin.take().expect("piped").write_all(text.as_bytes());
        Ran::from(child.wait_with_output().expect("ends"))
    };
    let ran = pipe(&["ingest", "-", "--json"], &papers(30));
    assert_eq!((ran.status, ran.out.contains("\"accepted\": 30")), (Some(0), true), "{}", ran.err);
    let ran = pipe(&["search", "-", "-k", "1", "--json"], "number11,\nnumber11 and\nnumber11");
    assert!(ran.out.contains("p/11"), "{}", ran.out);
    let ran = pipe(&["search", "-"], &"long ".repeat(200_000));
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("at most"), "{}", ran.err);
}

#[test]
fn a_named_pipe_is_read_to_its_end() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let file = folder.file("more.jsonl", papers(35).lines().skip(30).map(|l| format!("{l}\n")).collect::<String>());
    let name = pipe.display().to_string();
    let child =
        folder.command(&["ingest", &name, &file, "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    // One writer, as `<(...)` has: who opens the pipe a second time would wait for ever.
    let writer = std::thread::spawn(move || std::fs::write(pipe, papers(30)));
    let ran = Ran::from(child.expect("starts").wait_with_output().expect("ends"));
    writer.join().expect("ends").expect("the pipe was read to its end");
    assert!(ran.status == Some(0) && ran.out.contains("\"accepted\": 35"), "{}{}", ran.out, ran.err);
}

#[test]
fn what_is_exported_comes_back_to_the_last_bit() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(150));
    folder.json(&["ingest", &file]);
    let (out, second) = (folder.path("out").display().to_string(), folder.path("out2").display().to_string());
    assert_eq!(folder.run(&["export", &out]).status, Some(0));
    assert_eq!(folder.run(&["export", &out]).status, Some(1), "a folder with something in it was written over");

    let other = Folder::new();
    let report = &other.json(&["import", &out])[0];
    assert_eq!((&report["accepted"], &report["embedded"]), (&json!(150), &json!(0)));
    assert_eq!(other.run(&["export", &second]).status, Some(0));
    for name in ["papers.jsonl", "vectors.jsonl", "about.json"] {
        let read = |dir: &str| std::fs::read(format!("{dir}/{name}")).expect("there");
        assert_eq!(read(&out), read(&second), "{name}");
    }
    assert_eq!(folder.json(&["similar", "p/3"]), other.json(&["similar", "p/3"]));

    // A damaged export is refused where it is damaged, and what came before it is kept.
    let vectors = std::fs::read_to_string(format!("{out}/vectors.jsonl")).expect("there");
    let cut: String = vectors.lines().take(130).map(|l| format!("{l}\n")).collect();
    std::fs::write(format!("{out}/vectors.jsonl"), cut).expect("written");
    let third = Folder::new();
    let ran = third.run(&["import", &out]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("vectors.jsonl:131"), "{}", ran.err);
    assert!(third.papers() <= 130);
}

#[test]
fn users_are_exported_with_all_there_is_of_them() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(40));
    folder.json(&["ingest", &file]);
    let bib = folder.file("x.bib", "@article{a, title = {Whales of the far north}, year = 2020}\n");
    folder.json(&["history", "import", "bob", &bib, "--embed-missing"]);
    let server = Server::start(&folder);
    let event = |k: usize| json!({ "paper": format!("p/{k}"), "kind": "like", "at": "2026-01-02T03:04:05.678901Z" });
    let ada = server.request("PUT", "/v1/users/ada", Some("application/json"), br#"{"half_life_days":90}"#);
    assert_eq!(ada.status, 200);
    let events = json!({ "events": (0..6).map(event).collect::<Vec<_>>() });
    assert_eq!(server.post("/v1/users/ada/events", &events).status, 200);
    let feed = server.post("/v1/users/ada/token", &json!({})).body["json"].as_str().expect("an address").to_string();
    assert_eq!(server.get("/v1/users/ada/interests").status, 200);
    drop(server);

    let (out, second) = (folder.path("out").display().to_string(), folder.path("out2").display().to_string());
    folder.json(&["export", &out]);
    let other = Folder::new();
    other.json(&["import", &out]);
    other.json(&["export", &second]);
    for name in ["papers.jsonl", "vectors.jsonl", "users.jsonl", "about.json"] {
        let read = |dir: &str| std::fs::read_to_string(format!("{dir}/{name}")).expect("there");
        assert_eq!(read(&out), read(&second), "{name}");
    }
    let server = Server::start(&other);
    assert_eq!(server.get("/v1/users/ada").body["created"], ada.body["created"]);
    assert_eq!(server.get(&feed).status, 200, "the news reader's address no longer holds");
}

#[test]
fn an_export_may_be_edited() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(60));
    folder.json(&["ingest", &file]);
    for user in ["ada", "bob"] {
        let ids = folder.file("ids.txt", "p/30\n");
        folder.json(&["history", "import", user, &ids]);
    }
    let out = folder.path("out");
    folder.json(&["export", &out.display().to_string()]);
    let edit = |name: &str, change: &dyn Fn(usize, &str) -> String| {
        let text = std::fs::read_to_string(out.join(name)).expect("there");
        let text: String = text.lines().enumerate().map(|(k, line)| change(k, line)).collect();
        std::fs::write(out.join(name), text).expect("written");
    };
    edit("papers.jsonl", &|k, line| match k {
        // Broken, taken out, under another name, and with another text.
        10 => "{\"id\": \"p/10\", ".to_string() + "\n",
        20 => String::new(),
        25 => line.replace("p/25", "mine") + "\n",
        28 => line.replace("\"title\":\"", "\"title\":\"Corrected: ") + "\n",
        _ => format!("{line}\n"),
    });
    edit("users.jsonl", &|k, line| if k == 0 { "{}\n".into() } else { format!("{line}\n") });
    let other = Folder::new();
    let ran = other.run(&["import", &out.display().to_string(), "--json"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&report["accepted"], &report["embedded"]), (&json!(58), &json!(2)), "{report}");
    for (k, file, line) in [(0, "papers.jsonl", 11), (1, "users.jsonl", 1)] {
        let told = &report["rejected"][k];
        assert!(told["line"] == line && told["file"].as_str().is_some_and(|f| f.ends_with(file)), "{report}");
        assert!(ran.err.contains(&format!("{file}:{line}: rejected")), "{}", ran.err);
    }
    assert_eq!(other.json(&["history", "show", "bob"]).len(), 1);
    let again = folder.path("again");
    other.json(&["export", &again.display().to_string()]);
    let before = std::fs::read_to_string(out.join("vectors.jsonl")).expect("there");
    let after = std::fs::read_to_string(again.join("vectors.jsonl")).expect("there");
    let strange = after.lines().filter(|line| !before.lines().any(|l| l == *line)).count();
    assert_eq!((after.lines().count(), strange), (58, 2), "a paper has another's vector");

    edit("papers.jsonl", &|_, _| "nothing\n".into());
    assert_eq!(Folder::new().run(&["import", &out.display().to_string()]).status, Some(1));
}

#[test]
fn a_data_folder_has_one_owner() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(20));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    // Commands are carried out by the owner; nobody else opens the folder.
    assert_eq!(folder.papers(), 20);
    let ran = folder.run(&["serve", "--addr", "127.0.0.1:0"]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains(&format!("process {}", server.child.id())), "{}", ran.err);
    drop(server);
    assert_eq!(folder.papers(), 20, "the lock outlived its owner");
}

#[test]
fn settings_reach_the_engine() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(20));
    folder.json(&["ingest", &file]);
    std::fs::write(folder.data().join("paperkin.toml"), "[tuning]\nef_search = 33\n").expect("written");
    assert_eq!(folder.json(&["info"])[0]["index"]["ef_search"], 33);
    let ran = Ran::from(folder.command(&["info"]).env("PAPERKIN_EF_SEARCH", "44").output().expect("runs"));
    assert!(ran.out.contains("ef_search") || ran.out.contains("exact"), "{}", ran.out);
    let ran = Ran::from(folder.command(&["info", "--json"]).env("PAPERKIN_EF_SEARCH", "44").output().expect("runs"));
    assert!(ran.out.contains("\"ef_search\": 44"), "{}", ran.out);
    std::fs::write(folder.data().join("paperkin.toml"), "[tuning]\nef_sarch = 33\n").expect("written");
    let ran = folder.run(&["info"]);
    assert!(ran.status == Some(1) && ran.err.contains("ef_sarch"), "{}", ran.err);
}

/// A file that was cut off gives what it has, and does not keep the others out.
#[test]
fn a_file_that_breaks_off_stops_no_other() {
    let folder = Folder::new();
    let packed = |lines: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packer, lines.as_bytes()).expect("packed");
        packer.finish().expect("packed")
    };
    let whole = packed(&papers(2000));
    let cut = folder.file("cut.jsonl.gz", &whole[..whole.len() / 2]);
    let other = papers(30).replace("p/", "q/");
    let other = folder.file("other.jsonl", other);
    let ran = folder.run(&["ingest", &cut, &other, "--json"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let report: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let accepted = report["accepted"].as_u64().expect("a number");
    assert!((31..2030).contains(&accepted), "{report}");
    let reason = report["rejected"].as_array().and_then(|r| r.last()).map(|r| r["reason"].to_string());
    assert!(reason.is_some_and(|r| r.contains("cannot be read")), "{report}");
    assert_eq!(folder.papers(), accepted);
    let ran = folder.run(&["ingest", &cut, "--strict"]);
    assert_eq!(ran.status, Some(1), "{}", ran.err);
}

#[test]
fn asking_makes_no_data_folder() {
    let folder = Folder::new();
    std::fs::create_dir(folder.data()).expect("made");
    folder.file("data/notes.txt", "not papers");
    for command in [&["info"][..], &["search", "words"], &["similar", "p/1"], &["themes"], &["export", "out"]] {
        let ran = folder.run(command);
        assert!(ran.status == Some(1) && ran.err.contains("no papers in this folder"), "{command:?}: {}", ran.err);
    }
    assert_eq!(std::fs::read_dir(folder.data()).expect("there").count(), 1, "something was written into it");
}

#[test]
fn a_flag_that_takes_every_word_says_so() {
    let folder = Folder::new();
    let ran = folder.run(&["search", "--category", "cs.CV", "sleep"]);
    assert!(ran.status == Some(2) && ran.err.contains("--category takes every word behind it"), "{}", ran.err);
    let ran = folder.run(&["search", "sleep", "--from", "2026", "--to", "2025"]);
    assert!(ran.status == Some(2) && ran.err.contains("paperkin search"), "{}", ran.err);
    let ran = folder.run(&["recommend"]);
    assert!(ran.status == Some(2) && ran.err.contains("--text") && ran.err.contains("--user"), "{}", ran.err);
}
