//! Cases of mornings: two weeks of reading around what a reader said of their interests, and what each day brings.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::support::{Folder, Server, ids};

/// The built-in corpus with the model that serves.
fn invented() -> (Folder, Server) {
    let folder = Folder { model: "default", ..Folder::new() };
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sources/invented.jsonl");
    folder.json(&["ingest", corpus]);
    let server = Server::start(&folder);
    (folder, server)
}

fn field(id: &str) -> &str {
    id.trim_start_matches("invented:").rsplit_once('-').map_or("", |f| f.0)
}

fn of(name: &str, numbers: std::ops::RangeInclusive<usize>) -> Vec<String> {
    numbers.map(|k| format!("invented:{name}-{k:03}")).collect()
}

fn like(server: &Server, user: &str, papers: &[String], day: usize) {
    let events: Vec<Value> =
        papers.iter().map(|p| json!({ "paper": p, "kind": "like", "at": format!("2026-06-{day:02}") })).collect();
    let reply = server.post(&format!("/v1/users/{user}/events"), &json!({ "events": events }));
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn interests(server: &Server, user: &str) -> Vec<Value> {
    server.get(&format!("/v1/users/{user}/interests")).body["interests"].as_array().expect("a list").clone()
}

fn papers(interest: &Value) -> HashSet<String> {
    let papers = interest["papers"].as_array().expect("papers").iter();
    papers.map(|p| p.as_str().expect("an id").to_string()).collect()
}

fn patch(server: &Server, user: &str, id: &str, body: &Value) {
    let path = format!("/v1/users/{user}/interests/{id}");
    let reply = server.request("PATCH", &path, Some("application/json"), body.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// The one interest that holds a paper.
fn holding(all: &[Value], paper: &str) -> Value {
    let found: Vec<&Value> = all.iter().filter(|i| papers(i).contains(paper)).collect();
    assert_eq!(found.len(), 1, "{paper} in {all:?}");
    found[0].clone()
}

/// What was said of three interests, one of them of two papers and muted, holds through two weeks of reading, in every
/// morning's feed, and in another folder.
#[test]
fn what_was_said_of_an_interest_holds_for_its_papers() {
    let (folder, server) = invented();
    let muted = MUTED;
    let start = [of(muted, 1..=2), of("qu", 1..=4), of("gen", 1..=4), of("neuro", 1..=4)];
    start.iter().for_each(|papers| like(&server, "ada", papers, 1));
    let found = interests(&server, "ada");
    let mut said: HashMap<String, (Value, HashSet<String>)> = HashMap::new();
    for (paper, edit) in [
        (&start[0][0], json!({ "muted": true })),
        (&start[2][0], json!({ "pinned": true })),
        (&start[3][0], json!({ "name": "Heads and what is in them" })),
    ] {
        let interest = holding(&found, paper);
        let id = interest["id"].as_str().expect("an id");
        patch(&server, "ada", id, &edit);
        said.insert(id.to_string(), (edit, papers(&interest)));
    }
    let holds = |server: &Server, day: usize| {
        let now = interests(server, "ada");
        for (id, (edit, anchor)) in &said {
            let own =
                now.iter().find(|i| i["id"] == id.as_str()).unwrap_or_else(|| panic!("day {day}: {id} in {now:?}"));
            for (name, value) in edit.as_object().expect("fields") {
                assert_eq!(&own[name], value, "day {day}: {own}");
            }
            assert!(anchor.is_subset(&papers(own)), "day {day}: {anchor:?} left {own}");
        }
        let names: HashSet<&str> = now.iter().filter_map(|i| i["name"].as_str()).collect();
        assert_eq!(names.len(), now.len(), "day {day}: names that differ in {now:?}");
    };
    // Two papers a day, of one of six fields in turn.
    let reading = ["gen", "neuro", "qu", "rob", "astro", "lm"];
    for day in 2..=15 {
        let k = day - 2;
        like(&server, "ada", &of(reading[k % 6], 5 + k / 6..=6 + k / 6), day);
        holds(&server, day);
        let month = format!("?date=2026-{:02}&limit=100", 1 + k % 6);
        for query in ["?limit=20".to_string(), format!("?limit=20&since=2026-{:02}-01", 1 + k % 6), month] {
            let feed = server.get(&format!("/v1/users/ada/feed{query}")).body;
            let shown = ids(feed["papers"].as_array().expect("papers"));
            assert!(!shown.is_empty());
            let leaked: Vec<&&str> = shown.iter().filter(|id| field(id) == muted).collect();
            assert!(leaked.is_empty(), "day {day}, {query}: {leaked:?}");
        }
    }
    // Nothing that is muted is a reason either.
    let feed = server.get("/v1/users/ada/feed?limit=50&explain=true").body;
    for part in feed["papers"]
        .as_array()
        .expect("papers")
        .iter()
        .flat_map(|h| h["why"]["parts"].as_array().into_iter().flatten())
    {
        assert!(part["id"].as_str().is_none_or(|id| field(id) != muted), "{part}");
    }
    drop(server);
    let out = folder.path("out").display().to_string();
    folder.json(&["export", &out]);
    let other = Folder { model: "default", ..Folder::new() };
    other.json(&["import", &out]);
    let server = Server::start(&other);
    holds(&server, 16);
    like(&server, "ada", &of("vis", 1..=6), 17);
    holds(&server, 17);
    // Taken back, it is shown again.
    let id = said.iter().find(|s| s.1.0["muted"] == true).expect("one").0;
    patch(&server, "ada", id, &json!({ "muted": false }));
    let feed = server.get("/v1/users/ada/feed?limit=100").body;
    assert!(ids(feed["papers"].as_array().expect("papers")).iter().any(|id| field(id) == muted));
}

/// The field of the muted interest.
const MUTED: &str = "clim";

/// A reader who takes back every like, or mutes all there is, still sees nothing of what they muted.
#[test]
fn a_mute_outlives_its_likes() {
    let (_folder, server) = invented();
    like(&server, "ada", &of("rob", 1..=6), 1);
    let found = interests(&server, "ada");
    for interest in &found {
        patch(&server, "ada", interest["id"].as_str().expect("an id"), &json!({ "muted": true }));
    }
    let rob = |server: &Server| {
        let feed = server.get("/v1/users/ada/feed?limit=40").body;
        let shown = ids(feed["papers"].as_array().expect("papers")).iter().map(|id| id.to_string()).collect::<Vec<_>>();
        assert!(!shown.is_empty());
        shown.iter().filter(|id| field(id) == "rob").count()
    };
    let muted_all = rob(&server);
    let events: Vec<Value> =
        of("rob", 1..=6).iter().map(|p| json!({ "paper": p, "kind": "clear", "at": "2026-06-02" })).collect();
    server.post("/v1/users/ada/events", &json!({ "events": events }));
    let now = interests(&server, "ada");
    let ids = |of: &[Value]| of.iter().map(|i| i["id"].to_string()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids(&now), ids(&found));
    assert!(now.iter().all(|i| i["muted"] == true && i["name"].as_str().is_some_and(|n| !n.is_empty())), "{now:?}");
    assert!(muted_all <= 1 && rob(&server) <= 1, "{muted_all} {}", rob(&server));
}

/// A day comes in order of score, the line drawn once; exploring is the share that is documented, and above the line.
#[test]
fn a_day_has_one_line_and_little_exploring() {
    let (_folder, server) = invented();
    for (user, fields) in
        [("ada", vec!["qu", "math"]), ("bob", vec!["epi"]), ("eve", vec!["vis", "rob", "lm", "astro"])]
    {
        fields.iter().for_each(|f| like(&server, user, &of(f, 1..=4), 1));
        for query in ["date=2026-02&limit=60", "date=2026-03&limit=30", "since=2026-03-01&limit=40", "limit=100"] {
            let feed = server.get(&format!("/v1/users/{user}/feed?{query}&explain=true")).body;
            let shown = feed["papers"].as_array().expect("papers");
            let scores: Vec<f64> = shown.iter().map(|h| h["score"].as_f64().expect("a score")).collect();
            let line = shown.iter().filter(|h| h["for_you"] == true).count();
            let ordered = |scores: &[f64]| scores.windows(2).all(|w| w[0] >= w[1]);
            assert!(ordered(&scores[..line]) && ordered(&scores[line..]), "{user} {query}: {scores:?}");
            let day = query.starts_with("date");
            assert!(!day || ordered(&scores), "{user} {query}: a day comes in the order of its scores: {scores:?}");
            assert!(shown[..line].iter().all(|h| h["for_you"] == true), "{user} {query}: the line is drawn once");
            assert!(shown[line..].iter().all(|h| h["for_you"] == false && h["explore"].is_null()));
            assert!(scores[line..].iter().all(|s| *s < 0.5) && (!day || scores[..line].iter().all(|s| *s >= 0.5)));
            assert!(shown.iter().filter(|h| h["explore"] == true).all(|h| h["score"].as_f64() >= Some(0.5)));
            let exploring = shown.iter().filter(|h| h["explore"] == true).count();
            assert!(exploring as f64 <= 0.05 * line as f64 + 1e-6, "{user} {query}: {exploring} of {line} explore");
            for hit in shown {
                explained(hit, &interests(&server, user));
            }
        }
    }
}

/// What is named comes to two thirds, and an interest is named where its papers brought the hit.
fn explained(hit: &Value, interests: &[Value]) {
    let parts = hit["why"]["parts"].as_array().expect("parts");
    let value = |p: &Value| p["value"].as_f64().expect("a value");
    let score = hit["score"].as_f64().expect("a score");
    assert!((parts.iter().map(value).sum::<f64>() - score).abs() < 1e-4, "{hit}");
    let all: f64 = parts.iter().map(|p| value(p).abs()).sum();
    let rest: f64 = parts.iter().filter(|p| p["kind"] == "rest").map(|p| value(p).abs()).sum();
    assert!(rest <= all / 3.0 + 1e-6, "{rest} of {all}: {hit}");
    if let Some(id) = hit["why"]["interest"]["id"].as_str() {
        let own = papers(interests.iter().find(|i| i["id"] == id).expect("an interest"));
        let brought = parts.iter().filter(|p| p["id"].as_str().is_some_and(|id| own.contains(id)) && value(p) > 0.0);
        let positive: f64 = parts.iter().map(value).filter(|v| *v > 0.0).sum();
        assert!(brought.map(value).sum::<f64>() >= 0.1 * positive, "{hit}");
    }
}

/// Further words are told one by one until those that are named are most of it.
#[test]
fn words_are_named_until_they_are_most_of_a_score() {
    let (_folder, server) = invented();
    for path in ["/v1/papers/invented:qu-003/similar?limit=20", "/v1/search?q=sulfur+dioxide+planets&limit=20"] {
        for mode in ["hybrid", "lexical"] {
            let answer = server.get(&format!("{path}&explain=true&mode={mode}")).body;
            for hit in answer["papers"].as_array().expect("papers") {
                let parts = hit["why"]["parts"].as_array().expect("parts");
                let value = |p: &Value| p["value"].as_f64().expect("a value").abs();
                let rest: f64 = parts.iter().filter(|p| p["term"] == "…").map(value).sum();
                assert!(rest <= parts.iter().map(value).sum::<f64>() / 3.0 + 1e-6, "{hit}");
            }
        }
    }
}
