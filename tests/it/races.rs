//! Two at once on one thing, and looks that must leave no trace.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use paperkin::config::Config;
use paperkin::engine::{
    Answer, Engine, Example, Feed, Incoming, QuestionsOptions, Recommend, Report, SearchOptions, Selection,
};
use paperkin::paper::{Paper, PaperId};
use paperkin::user::{Event, EventKind, Moment};
use serde_json::{Value, json};

use crate::support::{Folder, Reply, Server};

const MINI: &str = "all-MiniLM-L6-v2";

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

/// Answers asked while the corpus moves between two models are of one of them, whole: their vectors differ in length.
#[test]
fn an_answer_is_of_one_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = |model: &str| Config { model: Some(model.into()), ..Config::new(folder.path()) };
    let engine = Engine::open(config("hash")).expect("opens").engine;
    let papers: Vec<Paper> = topics(20)
        .lines()
        .map(|l| Paper::from_json(serde_json::from_str(l).expect("JSON")).expect("a paper"))
        .collect();
    let incoming = |(k, paper): (usize, &Paper)| {
        Ok(Incoming { line: k + 1, paper: Ok(paper.clone()), vector: None, warnings: Vec::new() })
    };
    engine.ingest(&mut papers.iter().enumerate().map(incoming), &|_| {}).expect("taken in");
    let at = Moment::parse("2026-07-01").expect("a day");
    let like = |k: usize| Event { paper: papers[k].id.clone(), kind: EventKind::Like, at, weight: 1.0 };
    engine.add_events("ada", &[like(0), like(1), like(2), like(25)]).expect("written");

    let ids: Vec<PaperId> = papers.iter().take(30).map(|p| p.id.clone()).collect();
    let told = |answer: &Answer| answer.papers.iter().map(|h| (h.paper.id.to_string(), h.score)).collect::<Vec<_>>();
    let ask = SearchOptions { limit: 5, explain: true, ..SearchOptions::default() };
    let example = |id: &str| Example { id: PaperId::new(id).expect("an id"), weight: 1.0 };
    // Every call that compares vectors.
    type Told = Vec<(String, f32)>;
    type Call<'a> = Box<dyn Fn() -> paperkin::Result<Told> + Sync + Send + 'a>;
    let calls: Vec<(&str, Call<'_>)> = vec![
        ("similar", Box::new(|| engine.similar("whales/3", &ask).map(|a| told(&a)))),
        ("search by id", Box::new(|| engine.search("whales/3", &ask).map(|a| told(&a)))),
        ("search", Box::new(|| engine.search("whales and enzymes", &ask).map(|a| told(&a)))),
        (
            "batch",
            Box::new(|| {
                let all = engine.similar_to_each(&ids, &ask)?;
                Ok(all.iter().flat_map(|(_, a)| told(a)).collect())
            }),
        ),
        (
            "recommend",
            Box::new(|| {
                let like = vec![example("whales/3"), example("quasars/4")];
                engine.recommend(&Recommend { like, ask: ask.clone(), ..Recommend::default() }).map(|a| told(&a))
            }),
        ),
        ("feed", Box::new(|| engine.feed("ada", &Feed { ask: ask.clone(), ..Feed::default() }).map(|a| told(&a)))),
        ("rank", Box::new(|| engine.rank_for("ada", &ids, &[], true).map(|a| told(&a)))),
        (
            "questions",
            Box::new(|| {
                engine.questions("ada", &QuestionsOptions { limit: 5, ..QuestionsOptions::default() }).map(|a| told(&a))
            }),
        ),
        (
            "themes of",
            Box::new(|| {
                let selection =
                    Selection { papers: ids.clone(), q: Some("whales/3".into()), hits: 20, ..Selection::default() };
                Ok(engine.themes_of(&selection)?.themes.iter().map(|t| (t.papers.join(" "), t.size as f32)).collect())
            }),
        ),
    ];
    let all = || calls.iter().map(|(name, call)| call().unwrap_or_else(|e| panic!("{name}: {e}"))).collect::<Vec<_>>();
    let by_words = all();
    engine.reembed(&config(MINI), &|_, _| {}).expect("moved");
    let by_meaning = all();
    assert!(by_words.iter().zip(&by_meaning).any(|(a, b)| a != b), "the models give the same answers");
    let moving = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for (k, (name, call)) in calls.iter().enumerate() {
            let (moving, models) = (&moving, [&by_words[k], &by_meaning[k]]);
            scope.spawn(move || {
                let mut asked = 0;
                while moving.load(Ordering::Relaxed) {
                    let answer = call().unwrap_or_else(|e| panic!("{name}: {e}"));
                    assert!(models.contains(&&answer), "{name} is of neither model: {answer:?}\n{models:?}");
                    asked += 1;
                }
                assert!(asked > 0, "{name} was never asked");
            });
        }
        for k in 0..12 {
            let model = if k % 2 == 0 { "hash" } else { MINI };
            engine.reembed(&config(model), &|_, _| {}).expect("moved");
        }
        moving.store(false, Ordering::Relaxed);
    });
}

/// The doors take the space and hand it on: within one of the engine's functions it is asked for at most once, and those that
/// are handed one ask for none.
#[test]
fn the_space_is_taken_at_the_door() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let mut doors = 0;
    for path in crate::support::files_below(&root) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for function in code
            .split("\n    pub fn ")
            .flat_map(|part| part.split("\n    fn "))
            .flat_map(|part| part.split("\n    pub(super) fn "))
        {
            let name = function.split('(').next().unwrap_or_default();
            let taken = function.matches("self.space()").count();
            let handed = function.split(" {\n").next().unwrap_or_default().contains("space: &Space");
            // `with_vector` looks whether the corpus has moved on, to say so.
            let most = if handed && name != "with_vector" { 0 } else { 1 };
            assert!(taken <= most, "{}: {name} takes the space {taken} times", path.display());
            doors += taken;
        }
    }
    assert!(doors > 10, "nobody takes the space");
}
