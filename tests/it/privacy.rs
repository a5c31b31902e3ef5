//! What others did shows in no answer of a reader, whatever they ask and however: a road each.

use serde_json::{Value, json};

use crate::support::{Folder, Server, papers};

/// An answer without what tells the time that it took, and with numbers to five places: sums that several threads take differ in the
/// last digit of an f32 from one call to the next, whatever anybody did.
fn told(mut body: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("took_ms");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Number(number) if number.is_f64() => {
                *value = json!(number.as_f64().map(|x| (x * 1e5).round()));
            }
            _ => {}
        }
    }
    strip(&mut body);
    body
}

/// Everything that can be asked by somebody who reads, and of one reader of their own.
fn ask_all(server: &Server) -> Vec<(String, Value)> {
    let gets = [
        "/v1/trending?limit=100&explain=true",
        "/v1/trending?limit=5&window=1d&explain=true",
        "/v1/papers?sort=trending&limit=100",
        "/v1/papers/p%2F7/similar?limit=20&explain=true",
        "/v1/search?q=topic3+subject5&limit=50&explain=true",
        "/v1/users/ada/feed?limit=100&explain=true",
        "/v1/users/ada/feed?limit=100&diversity=0.3&explain=true",
        "/v1/users/ada/questions?limit=20",
        "/v1/users/ada/interests",
        "/v1/users/ada/events",
        "/v1/users/ada/library?sort=newest",
        "/v1/users/ada/folders",
        "/v1/users/ada/turned-down",
        "/v1/users/newcomer/questions?limit=20",
        "/v1/users/newcomer/feed?limit=100&explain=true",
        "/v1/themes",
        "/v1/themes/events",
        "/v1/feed.json",
    ];
    let ranked: Vec<String> = (0..100).map(|k| format!("p/{k}")).collect();
    let posts = [
        ("/v1/recommend", json!({ "like": ["p/1", "p/8"], "limit": 50, "explain": true })),
        ("/v1/users/ada/rank", json!({ "candidates": ranked, "explain": true })),
        ("/v1/users/ada/feed/preview", json!({ "events": [{ "paper": "p/7", "kind": "like" }], "limit": 50 })),
    ];
    let mut all: Vec<(String, Value)> = Vec::new();
    for path in gets {
        let reply = server.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        all.push((path.to_string(), told(json!([reply.status, reply.body]))));
    }
    for (path, body) in posts {
        let reply = server.post(path, &body);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        all.push((path.to_string(), told(json!([reply.status, reply.body]))));
    }
    all
}

fn act(server: &Server, user: &str, papers: impl Iterator<Item = usize>) {
    let events: Vec<Value> =
        papers.map(|k| json!({ "paper": format!("p/{k}"), "kind": "like", "at": "2026-07-01T10:00:00Z" })).collect();
    assert_eq!(server.post(&format!("/v1/users/{user}/events"), &json!({ "events": events })).status, 200);
}

#[test]
fn what_others_did_today_shows_on_no_road() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    assert_eq!(folder.run(&["themes", "--rebuild"]).status, Some(0));
    let server = Server::start(&folder);
    assert_eq!(server.request("PUT", "/v1/users/newcomer", None, b"").status, 200);
    act(&server, "ada", (0..25).map(|k| k * 7));
    // Whoever asks may invent readers.
    for k in 0..30 {
        act(&server, &format!("invented{k}"), (0..20).map(|n| (n * 7 + k) % 300));
    }
    // What is kept of ada is kept before it is compared.
    ask_all(&server);
    let before = ask_all(&server);
    // One reader does much, and one is forgotten.
    act(&server, "victim", (0..120).map(|k| k * 2));
    let during = ask_all(&server);
    assert_eq!(server.delete("/v1/users/invented3").status, 204);
    assert_eq!(server.delete("/v1/users/victim").status, 204);
    let after = ask_all(&server);
    for ((road, before), (during, after)) in before.into_iter().zip(during.into_iter().zip(after)) {
        assert_eq!(before, during.1, "{road} tells of somebody else's acts");
        assert_eq!(before, after.1, "{road} tells that somebody was forgotten");
    }
}
