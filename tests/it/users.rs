//! Users over a real socket: what they did, what they are shown, and every clear rule for bad input.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::support::{Folder, Server, error, ids, papers};

/// Papers on distinct topics, `each` of every topic; the word-counting model tells topics apart by their words.
fn topics(names: &[&str], each: usize) -> String {
    let mut lines = String::new();
    for (t, name) in names.iter().enumerate() {
        for k in 0..each {
            let words: Vec<String> = (0..6).map(|w| format!("{name}{}", (k * 3 + w * 5) % 12)).collect();
            let paper = json!({
                "id": format!("{name}/{k}"), "title": format!("{name} {name} study{t}x{k}"),
                "abstract": format!("We look at {name}. {name} with {}.", words.join(" ")),
                "authors": [format!("{name} author{}", k % 40)], "date": format!("2026-{:02}-{:02}", 1 + k % 6, 1 + k % 28),
                "upvotes": k % 9,
            });
            lines.push_str(&format!("{paper}\n"));
        }
    }
    lines
}

const TOPICS: [&str; 6] = ["whales", "quasars", "enzymes", "bridges", "sonnets", "ledgers"];

fn filled() -> (Folder, Server) {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", topics(&TOPICS, 60));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    (folder, server)
}

fn hits(body: &Value) -> &[Value] {
    body["papers"].as_array().unwrap_or_else(|| panic!("no papers: {body}"))
}

fn like(server: &Server, user: &str, papers: &[String], kind: &str) {
    let events: Vec<Value> = papers
        .iter()
        .enumerate()
        .map(|(k, p)| json!({ "paper": p, "kind": kind, "at": format!("2026-07-01T00:00:{:02}Z", k % 60) }))
        .collect();
    let reply = server.post(&format!("/v1/users/{user}/events"), &json!({ "events": events }));
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn some(topic: &str, n: usize) -> Vec<String> {
    (0..n).map(|k| format!("{topic}/{k}")).collect()
}

fn count(hits: &[Value], topic: &str) -> usize {
    ids(hits).iter().filter(|id| id.starts_with(topic)).count()
}

fn put(server: &Server, path: &str, body: &Value) -> crate::support::Reply {
    server.request("PUT", path, Some("application/json"), body.to_string().as_bytes())
}

fn patch(server: &Server, path: &str, body: &Value) -> crate::support::Reply {
    server.request("PATCH", path, Some("application/json"), body.to_string().as_bytes())
}

#[test]
fn a_user_comes_acts_and_is_forgotten() {
    let (folder, server) = filled();
    assert_eq!(error(&server.get("/v1/users/ada")).0, 404);
    let made = server.request("PUT", "/v1/users/ada", None, b"");
    assert_eq!((made.status, &made.body["id"]), (200, &json!("ada")));
    let set = put(&server, "/v1/users/ada", &json!({ "half_life_days": 90, "per_author": 2 }));
    assert_eq!((set.status, &set.body["settings"]["per_author"]), (200, &json!(2)));
    let events = json!({ "events": [
        { "paper": "whales/1", "kind": "like", "at": "2026-07-01T10:00:00Z" },
        { "paper": "whales/2", "kind": "view", "at": "2026-07-02T10:00:00+02:00", "weight": 2.5 },
        { "paper": "whales/1", "kind": "like", "at": "2026-07-01T10:00:00Z" },
    ] });
    let first = server.post("/v1/users/ada/events", &events);
    assert_eq!((first.status, &first.body), (200, &json!({ "accepted": 2, "unchanged": 1, "rejected": [] })));
    let again = server.post("/v1/users/ada/events", &events);
    assert_eq!(again.body, json!({ "accepted": 0, "unchanged": 3, "rejected": [] }));
    let history = server.get("/v1/users/ada/events?limit=1");
    let newest = &history.body["events"][0];
    assert_eq!((&newest["at"], &newest["weight"]), (&json!("2026-07-02T08:00:00Z"), &json!(2.5)));
    let next = history.body["meta"]["next"].as_str().expect("more").replace('/', "%2F");
    let rest = server.get(&format!("/v1/users/ada/events?limit=1&cursor={next}"));
    assert_eq!((&rest.body["events"][0]["kind"], &rest.body["meta"]["next"]), (&json!("like"), &Value::Null));
    assert_eq!(server.get("/v1/users/ada").body["events"], 2);

    drop(server);
    // What is exported comes back in another folder.
    let out = folder.path("out").display().to_string();
    folder.json(&["export", &out]);
    let other = Folder::new();
    other.json(&["import", &out]);
    let server = Server::start(&other);
    assert_eq!(server.get("/v1/users/ada").body["settings"]["half_life_days"], 90.0);
    assert_eq!(server.get("/v1/users/ada/events").body["meta"]["total"], 2);
    assert_eq!(server.delete("/v1/users/ada").status, 204);
    for path in ["", "/events", "/feed", "/interests"] {
        assert_eq!(error(&server.get(&format!("/v1/users/ada{path}"))).0, 404, "{path}");
    }
    assert_eq!(error(&server.delete("/v1/users/ada")).0, 404);
}

/// One preference model stands behind both: what is liked and disliked in a request orders candidates as what a stored user
/// likes and dislikes does. By the places of each pair: Kendall's tau.
#[test]
fn the_same_examples_give_the_same_order_by_both_roads() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    let mut random = fastrand::Rng::with_seed(4);
    for (round, (likes, dislikes, candidates)) in
        [(1, 0, 8), (1, 0, 120), (3, 2, 15), (12, 0, 9), (6, 6, 60), (20, 5, 200)].into_iter().enumerate()
    {
        let mut all: Vec<usize> = (0..300).collect();
        random.shuffle(&mut all);
        let ids = |part: &[usize]| part.iter().map(|k| format!("p/{k}")).collect::<Vec<_>>();
        let (liked, rest) = all.split_at(likes);
        let (disliked, rest) = rest.split_at(dislikes);
        let (liked, disliked, mut candidates) = (ids(liked), ids(disliked), ids(&rest[..candidates]));
        let named = candidates.len();
        // Who names a candidate three times has no more of them.
        candidates.extend_from_within(..named.min(8));
        candidates.extend_from_within(..named.min(8));
        let kinds = liked.iter().map(|id| (id, "like")).chain(disliked.iter().map(|id| (id, "dislike")));
        let events: Vec<Value> = kinds.map(|(id, kind)| json!({ "paper": id, "kind": kind })).collect();
        let user = format!("reader{round}");
        assert_eq!(server.post(&format!("/v1/users/{user}/events"), &json!({ "events": events })).status, 200);
        let asked = json!({ "like": liked, "dislike": disliked, "candidates": candidates, "explain": true });
        let (recommended, ranked) = (
            server.post("/v1/recommend", &asked).body,
            server.post(&format!("/v1/users/{user}/rank"), &json!({ "candidates": candidates, "explain": true })).body,
        );
        let order = |body: &Value| -> Vec<String> {
            let papers = body["papers"].as_array().expect("papers");
            for hit in papers {
                let parts = hit["why"]["parts"].as_array().expect("parts");
                let sum: f64 = parts.iter().filter_map(|p| p["value"].as_f64()).sum();
                assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4, "{hit}");
            }
            papers.iter().map(|hit| hit["id"].as_str().expect("an id").to_string()).collect()
        };
        let (a, b) = (order(&recommended), order(&ranked));
        let place = |id: &String| b.iter().position(|x| x == id).expect("the same papers");
        let pairs = || (0..a.len()).flat_map(|i| (0..i).map(move |j| (j, i)));
        let agree = pairs().filter(|(j, i)| place(&a[*j]) < place(&a[*i])).count();
        let tau = 2.0 * agree as f64 / pairs().count() as f64 - 1.0;
        assert!(a.len() == named && tau >= 0.99, "{likes} likes, {dislikes} dislikes: {tau}");
    }
}

#[test]
fn a_recommendation_for_a_user_is_their_feed() {
    let (_folder, server) = filled();
    like(&server, "ada", &some("whales", 8), "like");
    let feed = server.get("/v1/users/ada/feed?limit=12");
    let asked = server.post("/v1/recommend", &json!({ "user": "ada", "limit": 12 }));
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert_eq!(asked.body["papers"], feed.body["papers"]);
    // An example counts as if it had been given now, and leaves no trace.
    let with = server.post("/v1/recommend", &json!({ "user": "ada", "like": some("quasars", 6), "limit": 12 }));
    assert!(count(hits(&with.body), "quasars") > count(hits(&asked.body), "quasars") + 2, "{}", with.body);
    assert_eq!(server.get("/v1/users/ada").body["events"], 8);
    let candidates = ["sonnets/1", "whales/30", "ledgers/1"];
    let ranked = server.post("/v1/recommend", &json!({ "user": "ada", "candidates": candidates, "limit": 1 }));
    assert_eq!((ids(hits(&ranked.body))[0], hits(&ranked.body).len()), ("whales/30", 3));
    for (body, status, word) in [
        (json!({ "user": "nobody" }), 404, "nobody"),
        (json!({ "user": "ada", "text": ["x"] }), 422, "text"),
        (json!({ "user": "ada", "strategy": "mean" }), 422, "strategy"),
        (json!({ "user": 5 }), 400, "user"),
    ] {
        let reply = server.post("/v1/recommend", &body);
        let (got, _, message) = error(&reply);
        assert!(got == status && message.contains(word), "{body}: {got} {message}");
    }
}

#[test]
fn the_digest_is_the_feeds_of_all() {
    let (folder, server) = filled();
    for (user, topic) in [("ada", "whales"), ("bob", "ledgers"), ("eve", "sonnets")] {
        like(&server, user, &some(topic, 6), "like");
    }
    let feed = |user: &str| server.get(&format!("/v1/users/{user}/feed?limit=5&date=2026-03")).body["papers"].clone();
    let feeds: Vec<Value> = ["ada", "bob", "eve"].map(feed).into();
    drop(server);
    let lines = folder.json(&["digest", "--date", "2026-03", "-k", "5"]);
    let users: Vec<&str> = lines.iter().filter_map(|l| l["user"].as_str()).collect();
    assert_eq!(users, ["ada", "bob", "eve"]);
    for (line, feed) in lines.iter().zip(&feeds) {
        assert_eq!(ids(hits(line)), ids(feed.as_array().expect("papers")));
    }
}

#[test]
fn every_bad_event_has_its_rule() {
    let (_folder, server) = filled();
    let event = |paper: &str, kind: &str, at: &str| json!({ "events": [{ "paper": paper, "kind": kind, "at": at }] });
    let long = "x".repeat(10_000);
    for (user, body, status, word) in [
        ("ada", event("nowhere/1", "like", "2026-07-01"), 404, "nowhere/1"),
        ("ada", event("whales/1", "hug", "2026-07-01"), 400, "hug"),
        ("ada", event("whales/1", "like", "2999-01-01T00:00:00Z"), 422, "future"),
        ("ada", event("whales/1", "like", "9999-12-31T23:59:59Z"), 422, "future"),
        ("ada", event("whales/1", "like", "yesterday"), 400, "yesterday"),
        ("ada", event("", "like", "2026-07-01"), 422, "empty"),
        ("ada", json!({ "events": [] }), 422, "0 events"),
        ("ada", json!({ "events": 5 }), 400, "sequence"),
        ("ada", json!({}), 400, "events"),
        ("ada", json!({ "events": [{ "paper": "whales/1", "kind": "like", "weight": 0 }] }), 422, "weight"),
        ("ada", json!({ "events": [{ "paper": "whales/1", "kind": "like", "weight": "much" }] }), 400, "weight"),
        ("ada", json!({ "events": [{ "paper": "whales/1", "kind": "like", "when": 1 }] }), 400, "when"),
        (&long, event("whales/1", "like", "2026-07-01"), 422, "10000 bytes"),
        ("a%00b", event("whales/1", "like", "2026-07-01"), 422, "control"),
        ("%20", event("whales/1", "like", "2026-07-01"), 422, "empty"),
    ] {
        let reply = server.post(&format!("/v1/users/{user}/events?strict=true"), &body);
        let (got, _, message) = error(&reply);
        assert_eq!(got, status, "{body}: {message}");
        let message = format!("{message} {}", reply.body["error"]["detail"]);
        assert!(message.contains(word), "{body}: {message}");
    }
    assert_eq!(error(&server.get("/v1/users/ada")).0, 404, "an event that is not taken makes no user");
    // Asked for all or nothing, one bad event spoils the batch: nothing of it is kept.
    let mixed =
        json!({ "events": [{ "paper": "whales/1", "kind": "like" }, { "paper": "nowhere/1", "kind": "like" }] });
    assert_eq!(error(&server.post("/v1/users/ada/events?strict=true", &mixed)).0, 404);
    assert_eq!(error(&server.get("/v1/users/ada")).0, 404);
    for (body, status) in [
        (json!({ "half_life_days": -1 }), 422),
        (json!({ "per_author": 0 }), 422),
        (json!({ "exploration": 0.9 }), 422),
        (json!({ "colour": 1 }), 400),
        (json!({ "per_author": "x" }), 400),
        (json!([]), 400),
    ] {
        assert_eq!(error(&put(&server, "/v1/users/ada", &body)).0, status, "{body}");
    }
    // A deleted paper: what was said of it stays and counts no more; nothing new can be said of it.
    like(&server, "ada", &["whales/1".into()], "like");
    assert_eq!(server.delete("/v1/papers/whales%2F1").status, 204);
    let gone = server.post("/v1/users/ada/events", &event("whales/1", "save", "2026-07-03"));
    assert_eq!((gone.status, &gone.body["rejected"][0]["paper"]), (200, &json!("whales/1")));
    let again = server.post("/v1/users/ada/events", &event("whales/1", "like", "2026-07-01T00:00:00Z"));
    assert_eq!(
        again.body,
        json!({ "accepted": 0, "unchanged": 1, "rejected": [] }),
        "what is known already is no news"
    );
    assert_eq!(server.get("/v1/users/ada/events").body["meta"]["total"], 1);
    assert_eq!(server.get("/v1/users/ada/interests").body["interests"], json!([]));
    assert_eq!(server.get("/v1/users/ada/feed").status, 200);
    for (path, status) in [
        ("/v1/users/ada/feed?limit=0", 422),
        ("/v1/users/ada/feed?limit=501", 422),
        ("/v1/users/ada/feed?limit=x", 400),
        ("/v1/users/ada/feed?date=someday", 400),
        ("/v1/users/ada/feed?since=someday", 400),
        ("/v1/users/ada/feed?since=2026-01-01&date=2026-01-01", 422),
        ("/v1/users/ada/feed?exploration=2", 422),
        ("/v1/users/ada/feed?per_author=0", 422),
        ("/v1/users/ada/feed?diversity=2", 422),
        ("/v1/users/ada/feed?colour=red", 400),
        ("/v1/users/ada/events?limit=0", 422),
        ("/v1/users/ada/events?cursor=x", 400),
        ("/v1/users/ada/questions?limit=0", 422),
        ("/v1/users/nobody/feed", 404),
        ("/v1/trending?window=soon", 400),
        ("/v1/trending?window=9999d", 422),
    ] {
        assert_eq!(error(&server.get(path)).0, status, "{path}");
    }
}

#[test]
fn three_unequal_interests_get_their_shares() {
    let (_folder, server) = filled();
    like(&server, "ada", &some("whales", 28), "like");
    like(&server, "ada", &some("quasars", 10), "save");
    like(&server, "ada", &some("enzymes", 2), "like");
    let interests = server.get("/v1/users/ada/interests");
    let found = interests.body["interests"].as_array().expect("a list").clone();
    assert_eq!(found.len(), 3, "{}", interests.body);
    let sum: f64 = found.iter().filter_map(|i| i["share"].as_f64()).sum();
    assert!((sum - 1.0).abs() < 1e-3);
    for (interest, (topic, share)) in found.iter().zip([("whales", 0.7), ("quasars", 0.25), ("enzymes", 0.05)]) {
        assert!((interest["share"].as_f64().expect("a share") - share).abs() < 0.02, "{interest}");
        let name = interest["name"].as_str().expect("a name").to_lowercase();
        assert!(name.contains(&topic[..topic.len() - 2]), "{interest}");
        assert!(
            interest["papers"]
                .as_array()
                .expect("papers")
                .iter()
                .all(|p| p.as_str().is_some_and(|p| p.starts_with(topic)))
        );
    }
    let feed = server.get("/v1/users/ada/feed?limit=20&explain=true");
    let shown = hits(&feed.body);
    assert_eq!(shown.len(), 20);
    for (topic, due) in [("whales", 14usize), ("quasars", 5), ("enzymes", 1)] {
        assert!(count(shown, topic).abs_diff(due) <= 1, "{topic}: {:?}", ids(shown));
    }
    assert!(shown.windows(2).all(|w| w[0]["score"].as_f64() >= w[1]["score"].as_f64()));
    let names: HashMap<&str, &str> =
        found.iter().map(|i| (i["id"].as_str().expect("an id"), i["name"].as_str().expect("a name"))).collect();
    for hit in shown {
        let parts = hit["why"]["parts"].as_array().expect("parts");
        let sum: f64 = parts.iter().filter_map(|p| p["value"].as_f64()).sum();
        assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4, "{hit}");
        assert!(parts.iter().any(|p| p["kind"] == "paper"));
        assert!(parts.iter().any(|p| p["kind"] == "term"));
        if hit["explore"] != true {
            let id = hit["why"]["interest"]["id"].as_str().expect("an interest");
            assert_eq!(hit["why"]["interest"]["name"], names[id]);
        }
        assert!(hit["chance"].is_null() && hit["probability"].is_null(), "nobody has measured it");
    }
    // Muted, it is gone at once; renamed, it is called so; weighed, it gets more.
    let id = |k: usize| found[k]["id"].as_str().expect("an id");
    let path = |k: usize| format!("/v1/users/ada/interests/{}", id(k));
    assert_eq!(patch(&server, &path(1), &json!({ "muted": true, "name": "Far lights" })).body["name"], "Far lights");
    let feed = server.get("/v1/users/ada/feed?limit=20");
    assert_eq!(count(hits(&feed.body), "quasars"), 0);
    assert_eq!(hits(&feed.body).len(), 20);
    patch(&server, &path(1), &json!({ "muted": false }));
    patch(&server, &path(2), &json!({ "pinned": true, "weight": 4 }));
    let feed = server.get("/v1/users/ada/feed?limit=20");
    assert!(count(hits(&feed.body), "enzymes") >= 3 && count(hits(&feed.body), "quasars") >= 3);
    // Ids last while the history grows; a merge stays.
    like(&server, "ada", &(30..40).map(|k| format!("quasars/{k}")).collect::<Vec<_>>(), "like");
    let now = server.get("/v1/users/ada/interests").body["interests"].as_array().expect("a list").clone();
    let far = now.iter().find(|i| i["id"] == id(1)).expect("still there");
    assert_eq!((&far["name"], far["papers"].as_array().map(Vec::len)), (&json!("Far lights"), Some(20)));
    let merged = patch(&server, &path(2), &json!({ "merge_into": id(0) }));
    assert_eq!((merged.status, &merged.body["id"]), (200, &json!(id(0))));
    assert_eq!(server.get("/v1/users/ada/interests").body["interests"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.delete("/v1/users/ada/interests").status, 204);
    assert_eq!(server.get("/v1/users/ada/interests").body["interests"].as_array().map(Vec::len), Some(3));
    for (id, body, status) in [
        ("i99", json!({ "muted": true }), 404),
        (id(0), json!({ "muted": "maybe" }), 400),
        (id(0), json!({ "colour": 1 }), 400),
        (id(0), json!({ "weight": -1 }), 422),
        (id(0), json!({ "name": "" }), 422),
        (id(0), json!({ "merge_into": id(0) }), 422),
        (id(0), json!({ "merge_into": "i99" }), 404),
    ] {
        let reply = patch(&server, &format!("/v1/users/ada/interests/{id}"), &body);
        assert_eq!(error(&reply).0, status, "{body}");
    }
}

#[test]
fn what_was_seen_is_not_shown_again_in_any_dress() {
    let (_folder, server) = filled();
    like(&server, "ada", &some("whales", 8), "like");
    let first: Vec<String> =
        ids(hits(&server.get("/v1/users/ada/feed?limit=10").body)).iter().map(|s| s.to_string()).collect();
    assert!(first.iter().all(|id| !some("whales", 8).contains(id)));
    like(&server, "ada", &first[..3], "view");
    like(&server, "ada", &first[3..6], "dismiss");
    let second = server.get("/v1/users/ada/feed?limit=500");
    let shown: HashSet<&str> = ids(hits(&second.body)).into_iter().collect();
    assert!(first[..6].iter().all(|id| !shown.contains(id.as_str())));
    assert!(shown.contains(first[7].as_str()));
    // A new version of a seen paper, and the same work under another id.
    let paper = |id: &str| json!({ "id": id, "title": "Whales whales revisited", "abstract": "whales whales whales3", "authors": ["Some One"] });
    server.post("/v1/papers", &json!({ "papers": [paper("arxiv:2601.00001v1")] }));
    like(&server, "ada", &["arxiv:2601.00001v1".into()], "like");
    server.post("/v1/papers", &json!({ "papers": [paper("arxiv:2601.00001v2"), paper("doi:10.1000/xyz")] }));
    let third = server.get("/v1/users/ada/feed?limit=500");
    assert!(!ids(hits(&third.body)).iter().any(|id| id.starts_with("arxiv:2601") || id.starts_with("doi:")));
    // Filters and the pages of one list.
    let page = |offset: usize| server.get(&format!("/v1/users/ada/feed?limit=10&offset={offset}")).body;
    let (a, b) = (page(0), page(10));
    assert!(ids(hits(&a)).iter().all(|id| !ids(hits(&b)).contains(id)));
    let march = server.get("/v1/users/ada/feed?date=2026-03&limit=50");
    assert!(hits(&march.body).iter().all(|h| h["date"].as_str().is_some_and(|d| d.starts_with("2026-03"))));
    assert!(!hits(&march.body).is_empty());
    let late = server.get("/v1/users/ada/feed?since=2026-06-10T12:00:00Z&limit=50");
    assert!(hits(&late.body).iter().all(|h| h["date"].as_str() >= Some("2026-06-10")));
    let best = server.get("/v1/users/ada/feed?min_score=3&limit=500");
    assert!(hits(&best.body).iter().all(|h| h["score"].as_f64() >= Some(3.0)) && hits(&best.body).len() < 300);
    let few = server.get("/v1/users/ada/feed?per_author=1&limit=50");
    let authors: Vec<&Value> = hits(&few.body).iter().filter_map(|h| h["authors"].get(0)).collect();
    assert_eq!(authors.iter().collect::<HashSet<_>>().len(), authors.len());
    // What if: events that are not stored.
    let preview = server.post(
        "/v1/users/ada/feed/preview",
        &json!({ "events": some("sonnets", 20).iter().map(|p| json!({ "paper": p, "kind": "like" })).collect::<Vec<_>>(), "limit": 10 }),
    );
    assert!(count(hits(&preview.body), "sonnets") >= 5, "{:?}", ids(hits(&preview.body)));
    assert_eq!(count(hits(&server.get("/v1/users/ada/feed?limit=10&exploration=0").body), "sonnets"), 0);
    let ghost =
        server.post("/v1/users/ghost/feed/preview", &json!({ "events": [{ "paper": "whales/3", "kind": "like" }] }));
    assert!(count(hits(&ghost.body), "whales") >= 5);
    assert_eq!(error(&server.get("/v1/users/ghost")).0, 404, "a look ahead makes no user");
    let unknown = json!({ "events": [{ "paper": "nowhere/1", "kind": "like" }] });
    assert_eq!(error(&server.post("/v1/users/ada/feed/preview", &unknown)).0, 404);
}

#[test]
fn a_news_reader_gets_the_feed_with_the_token_alone() {
    let (_folder, server) = filled();
    like(&server, "ada", &some("whales", 5), "like");
    let token = server.post("/v1/users/ada/token", &json!({})).body;
    assert_eq!(server.post("/v1/users/ada/token", &json!({})).body, token, "it stays the same");
    let json = server.get(token["json"].as_str().expect("an address"));
    assert_eq!((json.status, &json.body["version"]), (200, &json!("https://jsonfeed.org/version/1.1")));
    assert_eq!(json.body["items"].as_array().map(Vec::len), Some(30));
    let atom = server.get(token["atom"].as_str().expect("an address"));
    assert_eq!(atom.status, 200);
    assert!(atom.headers["content-type"].to_str().is_ok_and(|t| t.starts_with("application/atom+xml")));
    for path in ["feed.atom", "feed.json", "feed.json?token=guess"] {
        assert_eq!(error(&server.get(&format!("/v1/users/ada/{path}"))).0, 401, "{path}");
    }
    assert_eq!(error(&server.get("/v1/users/nobody/feed.json?token=x")).0, 404);
    assert_eq!(error(&server.post("/v1/users/nobody/token", &json!({}))).0, 404);
}

#[test]
fn a_library_from_elsewhere_teaches() {
    let (folder, server) = filled();
    drop(server);
    let bib = folder.file("l.bib", "@article{a, title={whales whales study0x3}, author={whales author3}}\n@article{b, title={Singing whales of whales7 and whales2 waters}, doi={10.1000/w}}\n");
    let done = &folder.json(&["history", "import", "ada", &bib, "--embed-missing"])[0];
    assert_eq!((&done["matched"][0]["paper"], &done["matched"][0]["by"]), (&json!("whales/3"), &json!("title")));
    assert_eq!(
        (&done["missing"][0], &done["embedded"]),
        (&json!("Singing whales of whales7 and whales2 waters"), &json!(1))
    );
    let broken = folder.file("b.bib", "@article{a, title {x}}\n@article{b, title={whales whales study0x3}}\n");
    let ran = folder.run(&["history", "import", "eve", &broken]);
    assert!(ran.status == Some(0) && ran.err.contains("b.bib:1: rejected (a): "), "{}", ran.err);
    assert!(ran.out.contains("1 of 1 references"), "{}", ran.out);
    let items = folder.file("z.json", r#"[{"title": "whales whales study0x3"}, {"id": "x"}]"#);
    let ran = folder.run(&["history", "import", "eve", &items]);
    assert!(ran.status == Some(0) && ran.err.contains("z.json: entry 2: rejected (x): "), "{}", ran.err);
    let again = &folder.json(&["history", "import", "ada", &bib, "--embed-missing"])[0];
    assert_eq!((&again["accepted"], &again["unchanged"]), (&json!(0), &json!(2)));
    let ids_file = folder.file("ids.txt", "whales/5\nnowhere/1\n");
    let done = &folder.json(&["history", "import", "ada", &ids_file, "--kind", "like"])[0];
    assert_eq!((&done["matched"][0]["by"], &done["missing"][0]), (&json!("id"), &json!("nowhere/1")));
    let found = folder.json(&["recommend", "--user", "ada", "-k", "5", "--explain"]);
    assert!(count(&found, "whales") >= 4, "{:?}", ids(&found));
    assert_eq!(folder.json(&["history", "show", "ada"]).len(), 3);
    // What is outside comes along, and a paper that comes into the corpus later is taken from there.
    let out = folder.path("out").display().to_string();
    folder.json(&["export", &out]);
    let other = Folder::new();
    other.json(&["import", &out]);
    assert_eq!(ids(&other.json(&["recommend", "--user", "ada", "-k", "5"])), ids(&found));
    folder.json(&["history", "erase", "ada"]);
    assert_eq!(folder.run(&["history", "show", "ada"]).status, Some(1));
    let server = Server::start(&folder);
    let sent = server.post("/v1/users/bob/history", &json!({ "text": "whales/1\nwhales/2", "format": "ids" }));
    assert_eq!((sent.status, &sent.body["accepted"]), (200, &json!(2)));
    let text = "@misc{a, title {x}}\n@misc{b, title={B}}";
    let sent = server.post("/v1/users/bob/history", &json!({ "text": text }));
    assert_eq!((&sent.body["missing"], &sent.body["rejected"][0]["line"]), (&json!(["B"]), &json!(1)), "{}", sent.body);
    let text = format!("[{{\"title\": \"B\"}}{}]", ", {\"id\": \"x\"}".repeat(1001));
    let sent = server.post("/v1/users/bob/history", &json!({ "text": text })).body;
    assert_eq!((&sent["rejected"][0]["line"], &sent["rejected_unit"]), (&json!(2), &json!("entry")), "{sent}");
    assert_eq!((sent["rejected"].as_array().map(Vec::len), &sent["rejected_total"]), (Some(1000), &json!(1001)));
    for (body, status) in [
        (json!({ "text": "" }), 422),
        (json!({ "text": "[{\"id\":\"x\"}]" }), 422),
        (json!({ "text": "@misc{a, note={n}}" }), 422),
        (json!({ "text": "@article{a, title = {x", "format": "bibtex" }), 400),
        (json!({ "text": "no entry", "format": "ris" }), 400),
        (json!({ "text": "x", "format": "tex" }), 400),
        (json!({}), 400),
    ] {
        assert_eq!(error(&server.post("/v1/users/bob/history", &body)).0, status, "{body}");
    }
}

#[test]
fn candidates_are_ranked_all_of_them() {
    let (_folder, server) = filled();
    like(&server, "ada", &some("whales", 5), "like");
    like(&server, "ada", &some("ledgers", 5), "dislike");
    let candidates: Vec<String> =
        ["ledgers/9", "whales/9", "whales/1", "bridges/3", "whales/9"].iter().map(|s| s.to_string()).collect();
    let ranked = server.post("/v1/users/ada/rank", &json!({ "candidates": candidates, "explain": true }));
    let order = ids(hits(&ranked.body));
    assert_eq!(order.len(), 4);
    assert!(order[..2].iter().all(|id| id.starts_with("whales")) && order[3] == "ledgers/9", "{order:?}");
    for hit in hits(&ranked.body) {
        let sum: f64 = hit["why"]["parts"].as_array().expect("parts").iter().filter_map(|p| p["value"].as_f64()).sum();
        assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4);
    }
    for (body, status) in [
        (json!({ "candidates": [] }), 422),
        (json!({ "candidates": ["nowhere"] }), 404),
        (json!({}), 400),
        (json!({ "candidates": ["whales/1"], "colour": 1 }), 400),
    ] {
        assert_eq!(error(&server.post("/v1/users/ada/rank", &body)).0, status, "{body}");
    }
}

#[test]
fn odd_histories_are_histories_too() {
    let (_folder, server) = filled();
    // All dislikes: nothing to look for, so what others find good, without what was disliked.
    like(&server, "grump", &some("whales", 10), "dislike");
    let feed = server.get("/v1/users/grump/feed?limit=20");
    assert_eq!((feed.status, hits(&feed.body).len()), (200, 20));
    assert!(ids(hits(&feed.body)).iter().all(|id| !some("whales", 10).contains(&id.to_string())));
    assert_eq!(server.get("/v1/users/grump/interests").body["interests"], json!([]));
    // All the same paper, and one that was liked and disliked: the last word counts.
    let same: Vec<Value> = (0..500)
        .map(|k| json!({ "paper": "quasars/1", "kind": if k == 499 { "like" } else { "dislike" }, "at": format!("2026-07-01T00:{:02}:{:02}Z", k / 60, k % 60) }))
        .collect();
    server.post("/v1/users/same/events", &json!({ "events": same }));
    let feed = server.get("/v1/users/same/feed?limit=10&exploration=0");
    assert!(count(hits(&feed.body), "quasars") >= 8, "{:?}", ids(hits(&feed.body)));
    assert_eq!(server.get("/v1/users/same/interests").body["interests"][0]["papers"], json!(["quasars/1"]));
    // Without a history: attention, spread over the corpus.
    server.request("PUT", "/v1/users/new", None, b"");
    let feed = server.get("/v1/users/new/feed?limit=12&explain=true");
    let topics: HashSet<&str> = ids(hits(&feed.body)).iter().map(|id| id.split('/').next().expect("a topic")).collect();
    assert_eq!(hits(&feed.body).len(), 12);
    assert!(topics.len() >= 3, "{topics:?}");
    for hit in hits(&feed.body) {
        let sum: f64 = hit["why"]["parts"].as_array().expect("parts").iter().filter_map(|p| p["value"].as_f64()).sum();
        assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4);
    }
    // A hundred thousand events.
    for round in 0..2 {
        let many: Vec<Value> = (0..50_000)
            .map(|k| json!({ "paper": format!("{}/{}", TOPICS[k % 2], (k / 2) % 60), "kind": "click", "at": format!("2025-{:02}-{:02}T{:02}:{:02}:{:02}Z", 1 + round * 6 + k / 10_000, 1 + k % 28, k % 24, (k / 24) % 60, (k / 1440) % 60) }))
            .collect();
        let reply = server.post("/v1/users/busy/events", &json!({ "events": many }));
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let feed = server.get("/v1/users/busy/feed?limit=10");
    assert_eq!((feed.status, hits(&feed.body).len()), (200, 10));
    let too_many: Vec<Value> = (0..100_001).map(|_| json!({ "paper": "whales/1", "kind": "view" })).collect();
    assert_eq!(error(&server.post("/v1/users/busy/events", &json!({ "events": too_many }))).0, 422);
}

#[test]
fn questions_tell_and_follow_the_answers() {
    let (_folder, server) = filled();
    server.request("PUT", "/v1/users/new", None, b"");
    let asked = server.get("/v1/users/new/questions");
    let first: Vec<String> = ids(hits(&asked.body)).iter().map(|s| s.to_string()).collect();
    assert_eq!(first.len(), 10);
    let topics: HashSet<&str> = first.iter().map(|id| id.split('/').next().expect("a topic")).collect();
    assert!(topics.len() >= 5, "ten questions should cover six topics: {first:?}");
    let (yes, no): (Vec<String>, Vec<String>) = first.iter().cloned().partition(|id| id.starts_with("bridges"));
    like(&server, "new", &yes, "like");
    like(&server, "new", &no, "dislike");
    let next = server.get("/v1/users/new/questions");
    assert!(ids(hits(&next.body)).iter().all(|id| !first.iter().any(|f| f == id)));
    let feed = server.get("/v1/users/new/feed?limit=10&exploration=0");
    assert!(count(hits(&feed.body), "bridges") >= 7, "{:?}", ids(hits(&feed.body)));
}

#[test]
fn questions_begin_where_a_newcomer_says_and_store_nothing() {
    let (_folder, server) = filled();
    let first = |query: &str| {
        let asked = server.get(&format!("/v1/users/nobody/questions?limit=3{query}"));
        assert_eq!(asked.status, 200, "{query}: {}", asked.body);
        ids(hits(&asked.body)).iter().map(|id| id.to_string()).collect::<Vec<String>>()
    };
    let scores: Vec<f64> = hits(&server.get("/v1/users/nobody/questions").body)
        .iter()
        .map(|h| h["score"].as_f64().expect("bits"))
        .collect();
    assert!(scores.windows(2).all(|w| w[0] >= w[1]) && scores[0] <= 1.0, "{scores:?}");
    for topic in ["sonnets", "quasars"] {
        assert!(first(&format!("&topic={topic}"))[0].starts_with(topic));
        assert!(first(&format!("&query={topic}"))[0].starts_with(topic));
        assert!(first(&format!("&author={topic}%20author3"))[0].starts_with(topic));
    }
    // Of several starting points any may be meant.
    let either = first("&topic=whales&topic=ledgers");
    assert!(
        either.iter().any(|id| id.starts_with("whales")) && either.iter().any(|id| id.starts_with("ledgers")),
        "{either:?}"
    );
    let themes = server.get("/v1/themes?level=0").body;
    let theme = &themes["themes"][0];
    let example = theme["examples"][0]["id"].as_str().expect("a paper").split('/').next().expect("a topic").to_string();
    assert!(first(&format!("&theme={}", theme["id"].as_str().expect("an id")))[0].starts_with(&example));
    let all = first("");
    let rest = first(&format!("&passed={}", all[0].replace('/', "%2F")));
    assert!(!rest.contains(&all[0]));
    for (query, status) in
        [("theme=t99999", 404), ("author=nobody", 404), ("passed=no/such", 404), ("limit=501", 422), ("topics=x", 400)]
    {
        assert_eq!(error(&server.get(&format!("/v1/users/nobody/questions?{query}"))).0, status, "{query}");
    }
    assert_eq!(server.get("/v1/users/nobody").status, 404);
}

#[test]
fn one_early_vote_does_not_win() {
    let folder = Folder::new();
    let paper = |id: &str, listed: &str, upvotes: u32| json!({ "id": id, "title": format!("On {id}"), "listed": listed, "upvotes": upvotes });
    let mut lines = String::new();
    for k in 0..30 {
        lines.push_str(&format!("{}\n", paper(&format!("old/{k}"), &format!("2026-08-{:02}", 12 + k % 6), 4 + k)));
    }
    lines.push_str(&format!("{}\n{}\n", paper("early", "2026-08-18", 1), paper("ancient", "2020-01-01", 500)));
    let file = folder.file("p.jsonl", lines);
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    let trending = |window: &str| server.get(&format!("/v1/trending?window={window}&limit=50&explain=true"));
    let week = trending("7d");
    let order = ids(hits(&week.body));
    assert!(order[0].starts_with("old/") && order.contains(&"early") && !order.contains(&"ancient"), "{order:?}");
    assert!(order.iter().position(|id| *id == "early") > Some(5));
    for hit in hits(&week.body) {
        let sum: f64 = hit["why"]["parts"].as_array().expect("parts").iter().filter_map(|p| p["value"].as_f64()).sum();
        assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4);
    }
    assert!(ids(hits(&trending("520w").body)).contains(&"ancient"));
}

/// A burst of events from several clients; the service is killed in the middle. Whatever was acknowledged is there.
#[test]
fn an_acknowledged_event_survives_a_kill() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", topics(&TOPICS, 20));
    folder.json(&["ingest", &file]);
    let mut total = 0;
    for round in 0..3u64 {
        let server = Server::start(&folder);
        let acknowledged: Vec<u64> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4)
                .map(|client| {
                    let server = &server;
                    scope.spawn(move || {
                        let mut accepted = 0;
                        for batch in 0..10_000 {
                            let events: Vec<Value> = (0..50)
                                .map(|k| json!({ "paper": format!("whales/{}", k % 20), "kind": "view",
                                    "at": format!("2025-0{}-01T{:02}:{:02}:{:02}.{k:03}Z", 1 + round, batch / 3600 % 24, batch / 60 % 60, batch % 60) }))
                                .collect();
                            let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                                server.post(&format!("/v1/users/u{client}/events"), &json!({ "events": events }))
                            }));
                            match sent {
                                Ok(reply) if reply.status == 200 => {
                                    accepted += reply.body["accepted"].as_u64().expect("a number")
                                }
                                _ => break,
                            }
                        }
                        accepted
                    })
                })
                .collect();
            std::thread::sleep(std::time::Duration::from_millis(250 + 100 * round));
            server.signal("KILL");
            clients.into_iter().map(|c| c.join().expect("a number")).collect()
        });
        total += acknowledged.iter().sum::<u64>();
    }
    assert!(total > 500, "only {total} events came in before the kills");
    let server = Server::start(&folder);
    let kept: u64 = (0..4).filter_map(|c| server.get(&format!("/v1/users/u{c}")).body["events"].as_u64()).sum();
    assert!(kept >= total, "{total} were acknowledged, {kept} are there");
    assert!(kept <= total + 3 * 4 * 50, "more than what was under way is there");
}
