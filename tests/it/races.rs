//! Two at once on one thing, and looks that must leave no trace.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use paperkin::config::Config;
use paperkin::engine::{Engine, Incoming, Report};
use paperkin::paper::Paper;
use serde_json::{Value, json};

use crate::support::{Folder, Reply, Server};

fn topics(each: usize) -> String {
    let paper = |topic: &str, k: usize| {
        let word = |w: usize| format!("{topic}{}", (k * 3 + w * 5) % 12);
        json!({
            "id": format!("{topic}/{k}"), "title": format!("{topic} {topic} {}", word(0)),
            "abstract": format!("{topic} with {} {} {} {}, item{k}.", word(1), word(2), word(3), word(4)),
            "date": format!("2026-{:02}-{:02}", 1 + k % 6, 1 + k % 28),
        })
    };
    let all = ["whales", "quasars", "enzymes"].into_iter().flat_map(|t| (0..each).map(move |k| paper(t, k)));
    all.map(|p| format!("{p}\n")).collect()
}

fn filled() -> Folder {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", topics(40));
    folder.json(&["ingest", &file]);
    folder
}

fn likes(topic: &str, range: std::ops::Range<usize>) -> Value {
    let event = |k: usize| json!({ "paper": format!("{topic}/{k}"), "kind": "like", "at": format!("2026-07-01T00:00:{k:02}Z") });
    json!({ "events": range.map(event).collect::<Vec<_>>() })
}

fn patch(server: &Server, path: &str, body: &Value) -> Reply {
    server.request("PATCH", path, Some("application/json"), body.to_string().as_bytes())
}

/// What is exported of the users.
fn exported(folder: &Folder, name: &str) -> String {
    let out = folder.path(name);
    folder.json(&["export", &out.display().to_string()]);
    std::fs::read_to_string(out.join("users.jsonl")).expect("written")
}

#[test]
fn a_preview_leaves_no_trace() {
    let folder = filled();
    let server = Server::start(&folder);
    assert_eq!(server.post("/v1/users/ada/events", &likes("whales", 0..12)).status, 200);
    let before = server.get("/v1/users/ada/interests").body;
    drop(server);
    let export = exported(&folder, "before");
    let server = Server::start(&folder);
    let preview = server.post("/v1/users/ada/feed/preview", &likes("quasars", 0..12));
    assert_eq!(preview.status, 200, "{}", preview.body);
    let shown = preview.body["papers"].to_string();
    assert!(shown.contains("quasars/"), "the events of the preview did not count: {shown}");
    assert_eq!(server.get("/v1/users/ada/interests").body, before);
    drop(server);
    assert_eq!(exported(&folder, "after"), export);
}

#[test]
fn of_two_edits_at_once_none_is_lost() {
    let folder = filled();
    let server = Server::start(&folder);
    assert_eq!(server.post("/v1/users/ada/events", &likes("whales", 0..8)).status, 200);
    assert_eq!(server.post("/v1/users/ada/events", &likes("enzymes", 0..8)).status, 200);
    let id = server.get("/v1/users/ada/interests").body["interests"][0]["id"].as_str().expect("an id").to_string();
    let path = format!("/v1/users/ada/interests/{id}");
    for round in 0..25usize {
        let (name, weight) = (json!({ "name": format!("Round {round}") }), json!({ "weight": round % 7 + 1 }));
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(patch(&server, &path, &name).status, 200));
            scope.spawn(|| assert_eq!(patch(&server, &path, &weight).status, 200));
            // The history grows meanwhile, and the interests are found anew.
            scope.spawn(|| {
                assert_eq!(server.post("/v1/users/ada/events", &likes("quasars", round..round + 1)).status, 200);
                assert_eq!(server.get("/v1/users/ada/feed?limit=3").status, 200);
            });
        });
        let interests = server.get("/v1/users/ada/interests").body["interests"].clone();
        let own = interests.as_array().and_then(|all| all.iter().find(|i| i["id"] == *id)).expect("still there");
        assert_eq!((&own["name"], own["weight"].as_f64()), (&name["name"], Some((round % 7 + 1) as f64)), "{own}");
    }
}

/// A paper that somebody else changes between our look and our commit is rejected with its line.
#[test]
fn a_paper_that_changed_under_way_is_rejected_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { model: Some("hash".into()), ..Config::new(folder.path()) };
    let engine = Engine::open(config).expect("opens").engine;
    let paper = |id: &str, title: &str, votes: u32| {
        Paper::from_json(json!({ "id": id, "title": title, "upvotes": votes })).expect("a paper")
    };
    let incoming = |line: usize, paper: Paper| Ok(Incoming::new(line, Ok((paper, Vec::new()))));
    let one = |paper: Paper| {
        let report = engine.ingest(&mut std::iter::once(incoming(1, paper)), &|_| {}).expect("taken in");
        assert_eq!(report.rejected_total, 0);
    };
    one(paper("x", "As it was", 1));
    // The first window is longer than any; the second holds the paper with other votes; while the third is read the paper's
    // text changes, and only then is the first one's commit reported, so that the second is committed last.
    let (changed, wait) = channel::<()>();
    let wait = Mutex::new(Some(wait));
    let window = 128;
    let mut lines = (1..=2 * window + 1).map(|line| {
        if line == 2 * window + 1 {
            one(paper("x", "As somebody else would have it", 1));
            changed.send(()).expect("somebody waits");
        }
        match line {
            200 => incoming(line, paper("x", "As it was", 2)),
            _ => incoming(line, paper(&format!("p{line}"), &format!("Title {line}"), 0)),
        }
    });
    let progress = |_: &Report| {
        if let Some(wait) = wait.lock().expect("one committer").take() {
            wait.recv_timeout(Duration::from_secs(60)).expect("the paper was changed");
        }
    };
    let report = engine.ingest(&mut lines, &progress).expect("taken in");
    assert_eq!(report.accepted, 2 * window);
    let rejected: Vec<(usize, Option<&str>)> = report.rejected.iter().map(|r| (r.line, r.id.as_deref())).collect();
    assert_eq!(rejected, [(200, Some("x"))]);
}
