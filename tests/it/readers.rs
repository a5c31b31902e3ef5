//! What one reader learns of others: nothing of few, something of many, and nothing of who was forgotten.

use serde_json::{Value, json};

use crate::support::{Folder, Server, papers};

/// What a reader did: a paper, what, and days ago (both when it was done and when it came).
type Deed = (usize, &'static str, i64);

/// Takes readers with a past into a folder, as an export of another one brings them.
fn bring(folder: &Folder, name: &str, readers: &[(String, Vec<Deed>)]) {
    let dir = folder.path(name);
    std::fs::create_dir(&dir).expect("made");
    let today = jiff::Timestamp::now().as_second().div_euclid(86_400);
    let line = |(id, deeds): &(String, Vec<Deed>)| {
        let at = |ago: i64| jiff::Timestamp::from_second((today - ago) * 86_400).expect("a time").to_string();
        let events: Vec<Value> = deeds
            .iter()
            .map(|(paper, kind, ago)| json!({ "paper": format!("p/{paper}"), "kind": kind, "at": at(*ago), "weight": 1.0 }))
            .collect();
        let received: Vec<i64> = deeds.iter().map(|(.., ago)| today - ago).collect();
        let user = json!({
            "id": id, "settings": {}, "events": events, "received": received, "library": [], "interests": [],
        });
        format!("{user}\n")
    };
    let users: String = readers.iter().map(line).collect();
    let about = json!({
        "paperkin": "0", "papers": 0, "users": readers.len(), "model": "none", "fingerprint": "none", "dimension": 1,
        "source": "hash",
    });
    for (file, text) in [("about.json", about.to_string()), ("papers.jsonl", String::new()), ("users.jsonl", users)] {
        std::fs::write(dir.join(file), text).expect("written");
    }
    let ran = folder.run(&["import", &dir.display().to_string()]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
}

/// A reader who has come for weeks, and liked some papers some days ago.
fn patient(name: String, liked: &[usize], ago: i64) -> (String, Vec<Deed>) {
    let views = (0..10).map(|k| (180 + k, "view", 30 - k as i64));
    (name, views.chain(liked.iter().map(|k| (*k, "like", ago))).collect())
}

/// Everything that some readers can ask, but for the time it took.
fn answers(server: &Server, askers: &[&str]) -> Vec<(String, Value)> {
    let mut asked: Vec<(String, Option<Value>)> = Vec::new();
    for explain in ["", "&explain=true"] {
        for window in ["1d", "7d", "520w"] {
            asked.push((format!("/v1/trending?window={window}&limit=200{explain}"), None));
        }
        for asker in askers {
            asked.push((format!("/v1/users/{asker}/feed?limit=100{explain}"), None));
            asked.push((format!("/v1/users/{asker}/feed?limit=100&date=2026{explain}"), None));
        }
    }
    for asker in askers {
        let candidates: Vec<String> = (0..170).map(|k| format!("p/{k}")).collect();
        for explain in [false, true] {
            let body = json!({ "candidates": candidates, "explain": explain });
            asked.push((format!("/v1/users/{asker}/rank"), Some(body)));
        }
        asked.push((format!("/v1/users/{asker}/questions?limit=50"), None));
        asked.push((format!("/v1/users/{asker}/interests"), None));
        let preview = json!({
            "events": [{ "paper": "p/150", "kind": "like", "at": "2026-03-01" }], "explain": true, "limit": 100,
        });
        asked.push((format!("/v1/users/{asker}/feed/preview"), Some(preview)));
        asked.push(("/v1/recommend".into(), Some(json!({ "user": asker, "explain": true, "limit": 100 }))));
    }
    asked.push(("/v1/users/newcomer/questions?limit=50".into(), None));
    for path in
        ["/v1/themes", "/v1/themes/t1?sort=most_read", "/v1/papers?sort=trending&limit=200", "/v1/search?q=topic3"]
    {
        asked.push((path.into(), None));
    }
    let ask = |(path, body): (String, Option<Value>)| {
        let reply = match &body {
            Some(body) => server.post(&path, body),
            None => server.get(&path),
        };
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        let mut answer = reply.body;
        if let Some(meta) = answer.get_mut("meta").and_then(Value::as_object_mut) {
            meta.remove("took_ms");
        }
        (path, answer)
    };
    asked.into_iter().map(ask).collect()
}

fn compare(before: &[(String, Value)], after: &[(String, Value)]) {
    for ((path, a), (_, b)) in before.iter().zip(after) {
        let (a, b) = (a.to_string(), b.to_string());
        let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        let near = |text: &str| text.chars().skip(at.saturating_sub(200)).take(300).collect::<String>();
        assert!(a == b, "{path}\n{}\n{}", near(&a), near(&b));
    }
}

/// The attack of the report: readers invented a minute ago, one real one, and everything asked before and after.
#[test]
fn invented_readers_see_nothing_of_a_real_one() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(200));
    folder.json(&["ingest", &file]);
    // Real readers with a past, and one attacker who has been patient.
    let mut readers: Vec<_> = (0..30).map(|n| patient(format!("real{n}"), &[n, n + 40, 100 + n], 3)).collect();
    readers.push(patient("mole".into(), &[1, 2, 3, 150], 2));
    bring(&folder, "past", &readers);
    let server = Server::start(&folder);
    let event = |kind: &str| json!({ "events": [{ "paper": "p/150", "kind": kind, "at": "2026-01-05" }] });
    for user in ["i1", "i2", "i3", "i4", "i5"] {
        for kind in ["like", "view", "click"] {
            assert_eq!(server.post(&format!("/v1/users/{user}/events"), &event(kind)).status, 200);
        }
        // Ten events of as many days, all of them sent now.
        let many: Vec<Value> = (0..40)
            .map(|k| json!({ "paper": format!("p/{k}"), "kind": "like", "at": format!("2026-02-{:02}", 1 + k % 28) }))
            .collect();
        assert_eq!(server.post(&format!("/v1/users/{user}/events"), &json!({ "events": many })).status, 200);
    }
    let askers = ["i1", "mole"];
    let before = answers(&server, &askers);
    for (user, kind) in [("real1", "like"), ("real2", "view"), ("real3", "click"), ("new", "like")] {
        assert_eq!(server.post(&format!("/v1/users/{user}/events"), &event(kind)).status, 200);
        compare(&before, &answers(&server, &askers));
    }
    drop(server);
    // Nor does it show to who makes the service begin anew.
    let server = Server::start(&folder);
    compare(&before, &answers(&server, &askers));
}

#[test]
fn a_crowd_is_heard_and_who_is_forgotten_is_not() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(200));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    let trending =
        |server: &Server| server.get("/v1/trending?window=7d&limit=200&explain=true").body["papers"].to_string();
    let before = trending(&server);
    drop(server);
    let of = |n: usize, k: usize| (n % 2) + 2 * ((n / 2 + 3 * k) % 30);
    let readers: Vec<_> =
        (0..240).map(|n| patient(format!("r{n}"), &[150, of(n, 0), of(n, 1), of(n, 2), of(n, 3)], 2)).collect();
    bring(&folder, "past", &readers);
    let server = Server::start(&folder);
    let likes: Vec<Value> = (0..6).map(|k| json!({ "paper": format!("p/{}", 2 * k), "kind": "like" })).collect();
    assert_eq!(server.post("/v1/users/ada/events", &json!({ "events": likes })).status, 200);
    let others = |body: &Value| -> Vec<f64> {
        let parts =
            body["papers"].as_array().expect("papers").iter().filter_map(|h| h["why"]["parts"].as_array()).flatten();
        parts.filter(|p| p["kind"] == "others").filter_map(|p| p["value"].as_f64()).collect()
    };
    assert_ne!(trending(&server), before);
    let feed = |server: &Server| server.get("/v1/users/ada/feed?limit=100&explain=true").body;
    let said = feed(&server);
    let told = others(&said);
    assert!(!told.is_empty() && told.iter().all(|v| (v * 8.0).fract() == 0.0), "{told:?}");
    for body in [said, server.get("/v1/trending?window=7d&limit=200&explain=true").body] {
        for hit in body["papers"].as_array().expect("papers") {
            let parts = hit["why"]["parts"].as_array().expect("parts");
            let sum: f64 = parts.iter().filter_map(|p| p["value"].as_f64()).sum();
            assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4);
        }
    }
    (0..240).for_each(|n| assert_eq!(server.delete(&format!("/v1/users/r{n}")).status, 204));
    assert_eq!(trending(&server), before);
    assert!(others(&feed(&server)).is_empty(), "who is forgotten adds nothing any more");
}
