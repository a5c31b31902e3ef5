//! Feeds for news readers, and pages of other origins.

use std::time::Duration;

use serde_json::{Value, json};

use super::{input, table};
use crate::support::{Folder, Reply, Server, error};

fn served(kind: &str, extra: &[&str]) -> (Folder, Server) {
    let folder = Folder::new();
    let papers = match input(kind, "papers.jsonl") {
        own if own.exists() => own,
        _ => input(".", "papers.jsonl"),
    };
    folder.json(&["ingest", papers.to_str().expect("UTF-8")]);
    let server = Server::spawn(folder.command(&[&["serve", "--addr", "127.0.0.1:0"], extra].concat()));
    (folder, server)
}

/// The first paper of the corpus, liked by ada; the token of her feed.
fn liked(server: &Server) -> Value {
    let first = server.get("/v1/papers?limit=1").body["papers"][0]["id"].clone();
    let event = json!({ "events": [{ "paper": first, "kind": "like" }] });
    assert_eq!(server.post("/v1/users/ada/events", &event).status, 200);
    server.post("/v1/users/ada/token", &json!({})).body
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).unwrap_or_else(|| panic!("no {name}: {}", reply.status)).to_str().expect("a text")
}

#[test]
fn a_feed_that_has_not_changed_is_not_sent_again() {
    let (_folder, server) = served("conditional-feeds", &[]);
    let token = liked(&server);
    let theme = server.get("/v1/themes").body["themes"][0]["id"].as_str().expect("an id").to_string();
    let addresses = [
        token["atom"].as_str().expect("a path").to_string(),
        token["json"].as_str().expect("a path").to_string(),
        "/v1/feed.atom".into(),
        "/v1/feed.json?limit=5".into(),
        "/v1/search.atom?q=robots".into(),
        format!("/v1/themes/{theme}/feed.atom"),
    ];
    for at in &addresses {
        let ask = |name: &str, value: &str| server.request_with("GET", at, &[(name, value)], b"");
        let first = server.get(at);
        let (tag, date) = (header(&first, "etag").to_string(), header(&first, "last-modified").to_string());
        assert_eq!((first.status, header(&first, "cache-control")), (200, "private, no-cache"), "{at}");
        let bare = tag.trim_start_matches("W/");
        for known in [tag.as_str(), bare, "*", &format!("\"x\", {tag}"), &format!("\"a,b\",{bare}")] {
            let again = ask("if-none-match", known);
            assert_eq!((again.status, header(&again, "etag")), (304, tag.as_str()), "{at} {known}");
            assert!(!again.headers.contains_key("content-type"), "{at}");
        }
        for other in ["\"x\"", "W/\"\"", "x"] {
            assert_eq!(ask("if-none-match", other).status, 200, "{at} {other}");
        }
        assert_eq!(ask("if-modified-since", &date).status, 304, "{at}");
        assert_eq!(ask("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT").status, 200, "{at}");
        assert_eq!(ask("if-modified-since", "yesterday").status, 200, "{at}");
        let both = [("if-none-match", "\"x\""), ("if-modified-since", date.as_str())];
        assert_eq!(server.request_with("GET", at, &both, b"").status, 200, "{at}: a tag goes before a date");
        let head = server.request_with("HEAD", at, &[("if-none-match", tag.as_str())], b"");
        assert_eq!(head.status, 304, "{at}");
    }
    let feed = &addresses[0];
    let tag_of = |reply: &Reply| header(reply, "etag").to_string();
    let changed = |what: &str, tag: &str| {
        let reply = server.request_with("GET", feed, &[("if-none-match", tag)], b"");
        assert_eq!(reply.status, 200, "{what}");
        let now = tag_of(&reply);
        assert_ne!(now, tag, "{what}");
        assert_eq!(server.request_with("GET", feed, &[("if-none-match", &now)], b"").status, 304, "{what}");
        now
    };
    let (tag, date) = (tag_of(&server.get(feed)), header(&server.get(feed), "last-modified").to_string());
    let newest = server.get("/v1/papers?limit=1").body["papers"][0].clone();
    let day = newest["listed"].as_str().or(newest["date"].as_str()).expect("a day");
    let late = json!({
        "id": "late/1", "title": "Another one, of the evening", "abstract": newest["abstract"], "listed": day,
        "authors": ["Lena Abendroth"],
    });
    assert_eq!(server.post("/v1/papers", &late).status, 200);
    let tag = changed("a paper listed later", &tag);
    assert_eq!(server.request_with("GET", feed, &[("if-modified-since", &date)], b"").status, 200);
    let event = json!({ "events": [{ "paper": "late/1", "kind": "like" }] });
    assert_eq!(server.post("/v1/users/ada/events", &event).status, 200);
    let tag = changed("a like", &tag);
    let interest = server.get("/v1/users/ada/interests").body["interests"][0]["id"].as_str().expect("one").to_string();
    let path = format!("/v1/users/ada/interests/{interest}");
    let muted = server.request("PATCH", &path, Some("application/json"), b"{\"muted\": true}");
    assert_eq!(muted.status, 200);
    changed("an edit of an interest", &tag);
}

#[test]
fn a_secret_can_be_taken_back() {
    let (_folder, server) = served("conditional-feeds", &[]);
    let old = liked(&server);
    let path = old["json"].as_str().expect("a path");
    let tag = header(&server.get(path), "etag").to_string();
    assert_eq!(server.delete("/v1/users/ada/token").status, 204);
    assert_eq!(error(&server.get(path)).0, 401);
    assert_eq!(server.request_with("GET", path, &[("if-none-match", &tag)], b"").status, 401, "the mark opens nothing");
    assert_eq!(server.delete("/v1/users/ada/token").status, 204, "there is none to take back");
    let new = server.post("/v1/users/ada/token", &json!({})).body;
    assert_ne!(new["token"], old["token"]);
    assert_eq!(server.get(new["json"].as_str().expect("a path")).status, 200);
    assert_eq!(error(&server.get(path)).0, 401);
    assert_eq!(error(&server.delete("/v1/users/nobody/token")).0, 404);
}

/// The links of a feed, by id.
fn links(feed: &Value) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_string();
    feed["items"].as_array().expect("items").iter().map(|i| (text(i, "id"), text(i, "url"))).collect()
}

#[test]
fn every_entry_of_a_feed_leads_to_its_paper() {
    let (_folder, server) = served("feed-links", &["--public-url", "https://papers.example/lab/"]);
    let feed = server.get("/v1/feed.json").body;
    let found = links(&feed);
    let wanted = table("feed-links", "expected.tsv");
    assert_eq!(found.len(), wanted.len());
    for row in &wanted {
        let (_, link) = found.iter().find(|(id, _)| *id == row[0]).expect("in the feed");
        match row[1].strip_prefix("https://") {
            Some(_) => assert_eq!(link, &row[1]),
            None => assert!(link.starts_with("https://papers.example/lab/paper/"), "{link}"),
        }
    }
    assert_eq!(feed["feed_url"], "https://papers.example/lab/v1/feed.json");
    assert_eq!(feed["home_page_url"], "https://papers.example/lab/");
    // The personal feed says where it is, and is there.
    let token = liked(&server);
    assert!(token["atom_url"].as_str().is_some_and(|url| url.starts_with("https://papers.example/lab/v1/users/ada/")));
    let mine = server.get(token["json"].as_str().expect("a path")).body;
    let own =
        mine["feed_url"].as_str().expect("an address").strip_prefix("https://papers.example/lab").expect("public");
    assert_eq!((own, server.get(own).status), (token["json"].as_str().expect("a path"), 200));
    assert!(links(&mine).iter().all(|(_, link)| link.starts_with("https://")), "{mine}");
    let document = server.get("/openapi.json").body;
    assert_eq!(document["servers"], json!([{ "url": "https://papers.example/lab" }]));
}

#[test]
fn without_a_setting_the_way_of_the_request_says_where_the_service_is() {
    let (_folder, server) = served("feed-links", &[]);
    let home = |headers: &[(&str, &str)]| {
        let feed = server.request_with("GET", "/v1/feed.json", headers, b"").body;
        let (_, link) = links(&feed).into_iter().find(|(id, _)| id == "house/17").expect("in the feed");
        let home = feed["home_page_url"].as_str().expect("an address").trim_end_matches('/').to_string();
        assert!(link.starts_with(&format!("{home}/paper/")), "{link}");
        home
    };
    assert_eq!(home(&[]), server.url);
    let proxy = [("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example"), ("x-forwarded-prefix", "/p")];
    assert_eq!(home(&proxy), "https://a.example/p");
    assert_eq!(home(&[("forwarded", "proto=https;host=b.example")]), "https://b.example");
    assert_eq!(home(&[("x-forwarded-host", "\"><script>")]), server.url);
    let document = server.request_with("GET", "/openapi.json", &proxy, b"").body;
    assert_eq!(document["servers"][0]["url"], "https://a.example/p");
    let docs = server.request_with("HEAD", "/docs/", &proxy, b"");
    assert_eq!(docs.status, 200);
}

#[test]
fn a_page_of_another_origin_is_let_in_by_name() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.data()).expect("made");
    let settings = std::fs::read(input("cross-origin", "paperkin.toml")).expect("settings");
    std::fs::write(folder.data().join("paperkin.toml"), settings).expect("written");
    let server = Server::start(&folder);
    let (closed_folder, portal) = (Folder::new(), "https://portal.example");
    let closed = Server::start(&closed_folder);
    let preflight = std::fs::read_to_string(input("cross-origin", "preflight.http")).expect("a request");
    let asked: Vec<(&str, &str)> = preflight
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| *name != "Host")
        .collect();
    let ask = |server: &Server, origin: &str| {
        let headers: Vec<_> =
            asked.iter().map(|(name, value)| (*name, if *name == "Origin" { origin } else { value })).collect();
        server.request_with("OPTIONS", "/v1/recommend", &headers, b"")
    };
    let allowed = ask(&server, portal);
    assert!([200, 204].contains(&allowed.status));
    assert_eq!(header(&allowed, "access-control-allow-origin"), portal);
    assert!(header(&allowed, "access-control-allow-methods").contains("POST"));
    assert!(header(&allowed, "access-control-allow-headers").to_lowercase().contains("content-type"));
    let origin_of = |reply: &Reply| reply.headers.contains_key("access-control-allow-origin");
    for (method, path) in [("GET", "/healthz"), ("HEAD", "/healthz"), ("GET", "/v1/papers/nobody")] {
        let answer = server.request_with(method, path, &[("origin", portal)], b"");
        assert_eq!(header(&answer, "access-control-allow-origin"), portal, "{method} {path}");
        let varies = answer.headers.get_all("vary").iter().any(|v| v.to_str().is_ok_and(|v| v.contains("origin")));
        assert!(varies, "{method} {path}");
        for other in ["https://evil.example", "https://portal.example.evil.example", "http://portal.example", "null"] {
            assert!(!origin_of(&server.request_with(method, path, &[("origin", other)], b"")), "{other}");
            assert!(!origin_of(&ask(&server, other)), "{other}");
        }
        assert!(!origin_of(&closed.request_with(method, path, &[("origin", portal)], b"")));
    }
    assert!(!origin_of(&ask(&closed, portal)));
    let ran = Folder::new().command(&["serve"]).env("PAPERKIN_CORS_ORIGINS", "*").output().expect("runs");
    assert!(!ran.status.success() && String::from_utf8_lossy(&ran.stderr).contains("cors_origins"));
}

/// HEAD says what GET says, without the body, on every route that the document names.
#[test]
fn head_works_wherever_get_does() {
    let (_folder, server) = served("feed-links", &[]);
    let token = liked(&server)["token"].as_str().expect("a token").to_string();
    let document = server.get("/openapi.json").body;
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        if !item["get"].is_object() {
            continue;
        }
        let id = if path.contains("themes") { "t1" } else { "house%2F17" };
        let mut path = path.replace("{user}", "ada").replace("{id}", id);
        match path.as_str() {
            "/v1/search" | "/v1/search.atom" => path += "?q=robots",
            "/v1/similar" => path += "?id=house/17",
            feed if feed.contains("/users/") && feed.contains("/feed.") => path += &format!("?token={token}"),
            _ => {}
        }
        let get = server.get(&path);
        // Of backups one is made at a time, and the one before may just be ending.
        let busy = |head: &Reply| path == "/v1/backup" && head.status == 503;
        let mut heads = (0..100).map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            server.request("HEAD", &path, None, b"")
        });
        let head = heads.find(|head| !busy(head)).expect("an answer");
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.headers.get("content-type"), get.headers.get("content-type"), "{path}");
        seen += 1;
    }
    for path in ["/", "/docs/", "/openapi.json", "/web/x/page.js"] {
        assert_eq!(server.request("HEAD", path, None, b"").status, 200, "{path}");
    }
    assert!(seen > 20, "{seen}");
}
