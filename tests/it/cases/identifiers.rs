//! Ids in all their forms, in every call that takes one; and a date ahead of the clock.

use paperkin::paper::Identifier;
use serde_json::{Value, json};

use super::{input, table};
use crate::support::{Folder, Server, error, ids};

/// The corpus of the cases, served.
fn served() -> (Folder, Server) {
    let folder = Folder::new();
    folder.json(&["ingest", &input("", "papers.jsonl").display().to_string()]);
    let server = Server::start(&folder);
    (folder, server)
}

/// For a path or query string.
fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn hits(body: &Value) -> Vec<&str> {
    ids(body["papers"].as_array().unwrap_or_else(|| panic!("no papers: {body}")))
}

/// A form of an id, in every call that takes one.
fn everywhere(server: &Server, form: &str, paper: &str) {
    let got = server.get(&format!("/v1/papers/{}", escaped(form)));
    assert_eq!((got.status, &got.body["id"]), (200, &json!(paper)), "{form}: {}", got.body);
    let own = server.get(&format!("/v1/papers/{}/similar", escaped(paper)));
    for path in [format!("/v1/papers/{}/similar", escaped(form)), format!("/v1/similar?id={}", escaped(form))] {
        assert_eq!(server.get(&path).body["papers"], own.body["papers"], "{path}");
    }
    let batch = server.post("/v1/similar/batch", &json!({ "ids": [form] }));
    assert_eq!(batch.body["results"][0]["id"], paper, "{form}: {}", batch.body);
    assert_eq!(hits(&server.get(&format!("/v1/search?q={}", escaped(form))).body)[0], paper, "{form}");

    let ask = |id: &str| json!({ "like": [id], "explain": true });
    let (like, known) = (server.post("/v1/recommend", &ask(form)), server.post("/v1/recommend", &ask(paper)));
    assert_eq!(like.body["papers"], known.body["papers"], "{form}: {}", like.body);
    let other = "doi:10.1000/j.fjord.2020.01.001";
    let dislike = server.post("/v1/recommend", &json!({ "like": [other], "dislike": [form], "limit": 100 }));
    assert!(dislike.status == 200 && !hits(&dislike.body).contains(&paper), "{form}: {}", dislike.body);
    let among = server.post("/v1/recommend", &json!({ "like": [other], "candidates": [form, other] }));
    assert_eq!(hits(&among.body).len(), 2, "{form}: {}", among.body);
    assert!(hits(&among.body).contains(&paper), "{form}");
    let without = server.get(&format!("/v1/search?q=tides+kelp&limit=100&exclude={}", escaped(form)));
    assert!(!hits(&without.body).contains(&paper), "{form} was not excluded");
    let both = server.post("/v1/recommend", &json!({ "like": [paper], "dislike": [form] }));
    assert_eq!(both.status, 422, "{form} is both liked and disliked: {}", both.body);

    let event = json!({ "events": [{ "paper": form, "kind": "like", "at": "2026-07-01T10:00:00Z" }] });
    let user = format!("/v1/users/{}", escaped(&format!("reader of {form}")));
    let told = server.post(&format!("{user}/events"), &event);
    assert_eq!((told.status, &told.body), (200, &json!({ "accepted": 1, "unchanged": 0, "rejected": [] })), "{form}");
    let again = json!({ "events": [{ "paper": paper, "kind": "like", "at": "2026-07-01T10:00:00Z" }] });
    assert_eq!(server.post(&format!("{user}/events"), &again).body["unchanged"], 1, "{form} is another event");
    assert_eq!(server.get(&format!("{user}/events")).body["events"][0]["paper"], paper, "{form}");
    let ranked = server.post(&format!("{user}/rank"), &json!({ "candidates": [form, other] }));
    assert_eq!(hits(&ranked.body).len(), 2, "{form}: {}", ranked.body);
    let preview = json!({ "events": [{ "paper": form, "kind": "like" }] });
    assert_eq!(server.post("/v1/users/nobody/feed/preview", &preview).status, 200, "{form}");
    let themes = server.post("/v1/themes/of", &json!({ "papers": [form, other] }));
    assert_eq!((themes.status, &themes.body["meta"]["papers"]), (200, &json!(2)), "{form}: {}", themes.body);
}

#[test]
fn a_form_of_an_id_works_in_every_call() {
    let (_folder, server) = served();
    let forms = table("bare-ids", "forms.tsv");
    assert!(forms.len() >= 6);
    for row in &forms {
        everywhere(&server, &row[0], &row[1]);
    }
    for (form, paper) in [
        ("https://arxiv.org/pdf/2405.99131v3.pdf#page=2", "arxiv:2405.99131"),
        ("arXiv:2405.99131v1 [astro-ph.EP] 22 May 2024", "arxiv:2405.99131"),
        ("https://onlinelibrary.wiley.com/doi/full/10.1000/KELP.21?journalCode=x", "doi:10.1000/kelp.21"),
        ("10.1000%2Fkelp.21", "doi:10.1000/kelp.21"),
        ("10.1000/978-1-4020-0000-0\\_1", "doi:10.1000/978-1-4020-0000-0_1"),
        ("HEP-TH/9901999v2", "arxiv:hep-th/9901999"),
    ] {
        everywhere(&server, form, paper);
    }
    let long = format!("https://arxiv.org/abs/2405.99131?{}", "utm_source=a&".repeat(40));
    everywhere(&server, &long, "arxiv:2405.99131");
    assert_eq!(error(&server.get("/v1/papers/2405.00001")).0, 404);
    let unknown = server.post("/v1/recommend", &json!({ "like": ["2405.00001"] }));
    assert!(error(&unknown).0 == 404 && error(&unknown).2.contains("2405.00001"), "{}", unknown.body);
}

#[test]
fn commands_take_every_form() {
    let folder = Folder::new();
    folder.json(&["ingest", &input("", "papers.jsonl").display().to_string()]);
    for row in table("bare-ids", "forms.tsv") {
        let (form, paper) = (row[0].as_str(), row[1].as_str());
        assert_eq!(folder.json(&["similar", form]), folder.json(&["similar", paper]), "{form}");
        assert_eq!(folder.json(&["recommend", "--like", form]), folder.json(&["recommend", "--like", paper]), "{form}");
        assert_eq!(ids(&folder.json(&["search", form]))[0], paper);
    }
}

#[test]
fn a_pasted_line_names_its_paper() {
    let (_folder, server) = served();
    let lines = table("pasted-ids", "lines.tsv");
    for row in &lines {
        let (line, paper) = (row[0].as_str(), row[1].as_str());
        assert_eq!(Identifier::parse(line).as_ref().map(Identifier::key), Some(paper), "{line}");
        let user = escaped(line);
        let reply = server.post(&format!("/v1/users/{user}/history"), &json!({ "text": line, "format": "ids" }));
        assert_eq!((reply.status, &reply.body["matched"][0]["paper"]), (200, &json!(paper)), "{line}: {}", reply.body);
    }
    // As one list.
    let text: String = lines.iter().map(|row| format!("{}\n", row[0])).collect();
    let reply = server.post("/v1/users/all/history", &json!({ "text": text, "format": "ids" }));
    assert_eq!(reply.body["missing"], json!([]), "{}", reply.body);
}

#[test]
fn a_version_that_is_named_is_the_one_that_is_given() {
    let folder = Folder::new();
    let paper = |id: &str, date: &str| json!({ "id": id, "title": format!("On {id}"), "date": date }).to_string();
    let lines = [
        paper("arxiv:2405.13729v1", "2024-05-22"),
        paper("arxiv:2405.13729v2", "2024-06-22"),
        paper("2401.00001", "2024-01-01"),
        paper("2401.00001v3", "2024-03-01"),
        json!({ "id": "W5", "title": "Of another collection", "doi": "10.1000/OTHER", "externalIds": { "PubMed": "123456" } })
            .to_string(),
        paper("Opaque", "2024-01-01"),
    ];
    folder.json(&["ingest", &folder.file("p.jsonl", lines.join("\n"))]);
    let server = Server::start(&folder);
    for (form, given) in [
        ("arXiv:2405.13729v1", "arxiv:2405.13729v1"),
        ("https://arxiv.org/abs/2405.13729v2", "arxiv:2405.13729v2"),
        ("2405.13729", "arxiv:2405.13729v2"),
        ("2405.13729v7", "arxiv:2405.13729v2"),
        ("arXiv:2401.00001", "2401.00001"),
        ("2401.00001v3", "2401.00001v3"),
        ("https://doi.org/10.1000/other", "W5"),
        ("PMID: 123456", "W5"),
        ("opaque", "Opaque"),
    ] {
        assert_eq!(server.get(&format!("/v1/papers/{}", escaped(form))).body["id"], given, "{form}");
        assert_eq!(hits(&server.get(&format!("/v1/search?q={}", escaped(form))).body)[0], given, "{form}");
    }
    // What cannot be taken back wants to be sure.
    let delete = |form: &str| server.delete(&format!("/v1/papers/{}", escaped(form)));
    let several = delete("2405.13729");
    assert!(error(&several).0 == 422 && error(&several).2.contains("arxiv:2405.13729v1"), "{}", several.body);
    for form in ["2405.13729v7", "opaque", "2401.00001v1"] {
        assert_eq!(error(&delete(form)).0, 404, "{form}");
    }
    for form in ["arXiv:2405.13729v1", "https://doi.org/10.1000/OTHER", "2405.13729", "arXiv:2401.00001"] {
        assert_eq!(delete(form).status, 204, "{form}");
    }
    assert_eq!(server.get("/v1/papers/2401.00001v3").status, 200);
}

#[test]
fn one_wrong_event_costs_itself_alone() {
    let (_folder, server) = served();
    let events = json!({ "events": [
        { "paper": "2405.99131", "kind": "like", "at": "2026-07-01" },
        { "paper": "nobody/1", "kind": "like" },
        { "paper": "doi:10.1000/kelp.21", "kind": "adore" },
        { "paper": "doi:10.1000/kelp.21", "kind": "like", "at": "the day before" },
        { "paper": "doi:10.1000/kelp.21", "kind": "like", "at": "2099-01-01" },
        { "paper": "doi:10.1000/kelp.21", "kind": "like", "weight": -1 },
        { "paper": "doi:10.1000/kelp.21", "kind": "like", "note": "x" },
        { "paper": "", "kind": "like" },
        { "kind": "like" },
        7,
        { "paper": "10.1000/KELP.21", "kind": "save", "at": "2026-07-01" },
        { "paper": "arxiv:2405.99131", "kind": "like", "at": "2026-07-01" },
    ] });
    let reply = server.post("/v1/users/ada/events", &events);
    assert_eq!((reply.status, &reply.body["accepted"], &reply.body["unchanged"]), (200, &json!(2), &json!(1)));
    let rejected = reply.body["rejected"].as_array().expect("a list");
    let told: Vec<(u64, &Value)> =
        rejected.iter().map(|r| (r["index"].as_u64().expect("a place"), &r["paper"])).collect();
    let (kelp, null) = (json!("doi:10.1000/kelp.21"), Value::Null);
    let (nobody, empty) = (json!("nobody/1"), json!(""));
    let wanted =
        [(1, &nobody), (2, &kelp), (3, &kelp), (4, &kelp), (5, &kelp), (6, &kelp), (7, &empty), (8, &null), (9, &null)];
    assert_eq!(told, wanted, "{}", reply.body);
    for (place, word) in
        [(0, "nobody/1"), (1, "adore"), (2, "the day before"), (3, "future"), (4, "weight"), (5, "note")]
    {
        assert!(rejected[place]["reason"].as_str().is_some_and(|r| r.contains(word)), "{}", rejected[place]);
    }
    // Nothing is left, so nothing is made.
    let none = server.post("/v1/users/eve/events", &json!({ "events": [{ "paper": "nobody/1", "kind": "like" }] }));
    assert_eq!((none.status, &none.body["accepted"]), (200, &json!(0)));
    assert_eq!(error(&server.get("/v1/users/eve")).0, 404);
    // All or nothing, for those who want it.
    for path in ["/v1/users/eve/events?strict=true", "/v1/users/eve/events?strict=1"] {
        let mixed =
            json!({ "events": [{ "paper": "2405.99131", "kind": "like" }, { "paper": "nobody/1", "kind": "like" }] });
        let reply = server.post(path, &mixed);
        assert!(error(&reply).0 == 404 && error(&reply).2.contains("nobody/1"), "{}", reply.body);
        assert_eq!(error(&server.get("/v1/users/eve")).0, 404);
    }
    let strict = server
        .post("/v1/users/eve/events?strict=true", &json!({ "events": [{ "paper": "2405.99131", "kind": "like" }] }));
    assert_eq!(strict.body, json!({ "accepted": 1, "unchanged": 0, "rejected": [] }));
    for (body, status) in [(json!({ "events": [] }), 422), (json!({ "events": "x" }), 400), (json!({}), 400)] {
        assert_eq!(error(&server.post("/v1/users/eve/events", &body)).0, status, "{body}");
    }
    assert_eq!(server.request("POST", "/v1/users/eve/events", Some("application/json"), b"{\"events\": [").status, 400);
}

/// Everything that reasons about days.
fn days(server: &Server) -> Vec<Value> {
    let lists = [
        "/v1/trending?window=7d",
        "/v1/trending?window=2d",
        "/v1/papers?sort=trending&limit=100",
        "/v1/papers?sort=upvotes&limit=100",
    ];
    let mut all: Vec<Value> = lists.iter().map(|path| json!(hits(&server.get(path).body))).collect();
    assert_eq!(server.request("PUT", "/v1/users/new", None, b"").status, 200);
    let token = server.post("/v1/users/new/token", &json!({})).body["json"].as_str().expect("an address").to_string();
    let items = server.get(&token).body["items"].clone();
    all.push(items.as_array().expect("items").iter().map(|i| i["id"].clone()).collect());
    all.push(json!(hits(&server.get("/v1/users/new/feed?limit=50").body)));
    let half_life = json!({ "text": ["robots and lips"], "half_life_days": 5, "limit": 100, "mode": "dense" });
    let scored = server.post("/v1/recommend", &half_life).body["papers"].clone();
    let scored = scored.as_array().expect("papers").iter();
    let ahead = |id: &Value| id.as_str().is_some_and(|id| id.starts_with("ahead"));
    let scored = scored.filter(|h| !ahead(&h["id"])).map(|h| json!([h["id"], h["score"]]));
    all.push(scored.collect());
    all
}

/// The same lists, but for papers ahead.
fn without_ahead(lists: &[Value]) -> Vec<Vec<Value>> {
    let told = |v: &&Value| !v.as_str().is_some_and(|id| id.starts_with("ahead"));
    lists.iter().map(|list| list.as_array().expect("a list").iter().filter(told).cloned().collect()).collect()
}

#[test]
fn a_date_ahead_moves_nothing() {
    let papers = input("a-date-ahead", "papers.jsonl").display().to_string();
    let folder = Folder::new();
    folder.json(&["ingest", &papers]);
    let before = days(&Server::start(&folder));
    assert!(before.iter().all(|list| list.as_array().is_some_and(|l| l.len() >= 8)), "{before:?}");
    let in_days = |n: i64| {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * n);
        then.to_string()[..10].to_string()
    };
    let (soon, tomorrow) = (in_days(180), in_days(2));
    let one = |id: &str, date: &str| {
        json!({ "id": id, "title": format!("Glaciers of {id}"), "date": date, "upvotes": 500, "comments": 9 })
            .to_string()
    };
    let slip = std::fs::read_to_string(input("a-date-ahead", "ahead.jsonl")).expect("a case");
    let many: Vec<String> = (0..40).map(|k| one(&format!("ahead{k}"), &soon)).collect();
    for (name, lines, most) in [
        ("years", slip, 1),
        ("half a year", one("ahead-soon", &soon), 1),
        ("two days", one("ahead-tomorrow", &tomorrow), 1),
        ("many", many.join("\n"), 40),
    ] {
        let folder = Folder::new();
        folder.json(&["ingest", &papers]);
        folder.json(&["ingest", &folder.file("ahead.jsonl", lines)]);
        let server = Server::start(&folder);
        let after = days(&server);
        assert_eq!(without_ahead(&after), without_ahead(&before), "{name}");
        for (a, b) in after.iter().zip(&before) {
            let (a, b) = (a.as_array().map_or(0, Vec::len), b.as_array().map_or(0, Vec::len));
            assert!(a <= b + most, "{name}: {a} of {b}");
        }
        // It is kept and shown.
        let first = &server.get("/v1/papers?limit=1").body["papers"][0];
        assert!(first["id"].as_str().is_some_and(|id| id.starts_with("ahead")), "{name}: {first}");
        let day = server.get(&format!("/v1/papers?date={}", first["date"].as_str().expect("a date")));
        assert!(!hits(&day.body).is_empty(), "{name}");
    }
}

/// Where no day is past, or none is known, readers still have something to read.
#[test]
fn a_corpus_without_a_day_that_was_is_read_by_votes() {
    for date in [Some("2099-06-01"), None] {
        let folder = Folder::new();
        let paper = |k: usize| {
            let mut paper = json!({ "id": format!("p{k}"), "title": format!("Paper number{k}"), "upvotes": k });
            if let Some(date) = date {
                paper["date"] = date.into();
            }
            paper.to_string()
        };
        folder.json(&["ingest", &folder.file("p.jsonl", (0..20).map(paper).collect::<Vec<_>>().join("\n"))]);
        let server = Server::start(&folder);
        let trending = server.get("/v1/trending?limit=3").body;
        assert_eq!(hits(&trending), ["p19", "p18", "p17"], "{date:?}");
        assert_eq!(server.request("PUT", "/v1/users/new", None, b"").status, 200);
        assert_eq!(hits(&server.get("/v1/users/new/feed?limit=20").body).len(), 20, "{date:?}");
        assert_eq!(hits(&server.get("/v1/papers?sort=trending&limit=1").body), ["p19"], "{date:?}");
    }
}

#[test]
fn events_of_many_users_go_in_at_once() {
    let (_folder, server) = served();
    let event = |user: Value, paper: &str| json!({ "user": user, "paper": paper, "kind": "like", "at": "2026-07-01" });
    let body = json!({ "events": [
        event(json!("ada"), "2405.99131"), event(json!("bob"), "10.1000/KELP.21"), event(json!("ada"), "nobody/1"),
        event(json!(""), "2405.99131"), event(json!(5), "2405.99131"), json!({ "paper": "2405.99131", "kind": "like" }),
        event(json!("ada"), "arxiv:2405.99131"), event(json!("eve"), "nobody/2"),
    ] });
    let reply = server.post("/v1/events", &body);
    assert_eq!((reply.status, &reply.body["accepted"], &reply.body["unchanged"]), (200, &json!(2), &json!(1)));
    let rejected = reply.body["rejected"].as_array().expect("a list");
    let places: Vec<u64> = rejected.iter().filter_map(|r| r["index"].as_u64()).collect();
    assert_eq!(places, [2, 3, 4, 5, 7], "{}", reply.body);
    let first = server.get("/v1/users?limit=1").body;
    assert_eq!((&first["users"][0]["id"], &first["meta"]["total"]), (&json!("ada"), &json!(2)));
    let next = first["meta"]["next"].as_str().expect("more");
    let last = server.get(&format!("/v1/users?limit=1&cursor={next}")).body;
    assert_eq!((&last["users"][0]["id"], &last["users"][0]["events"]), (&json!("bob"), &json!(1)));
    assert_eq!(last["meta"]["next"], Value::Null);
    for path in ["/v1/users?limit=0", "/v1/users?limit=501"] {
        assert_eq!(error(&server.get(path)).0, 422);
    }
    for path in ["/v1/users?cursor=x", "/v1/users?page=2"] {
        assert_eq!(error(&server.get(path)).0, 400);
    }
    assert_eq!(error(&server.post("/v1/events", &json!({ "events": [] }))).0, 422);
}
