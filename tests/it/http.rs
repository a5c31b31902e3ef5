//! The service, over a real socket.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Folder, Server, error, ids, is_of_another_service, paper, papers};

fn filled() -> (Folder, Server) {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    (folder, server)
}

fn hits(body: &Value) -> &[Value] {
    body["papers"].as_array().expect("papers")
}

#[test]
fn the_routes_of_the_contract_answer() {
    let (_folder, server) = filled();
    assert_eq!(server.get("/healthz").status, 200);
    let ready = server.get("/readyz");
    assert_eq!((ready.status, &ready.body["papers"]), (200, &json!(300)));
    let document = server.get("/openapi.json");
    assert!(document.body["openapi"].as_str().is_some_and(|v| v.starts_with("3.1")));
    for path in ["/v1/papers", "/v1/papers/{id}", "/v1/papers/{id}/similar", "/v1/search", "/v1/recommend", "/v1/embed"]
    {
        assert!(document.body["paths"][path].is_object(), "{path} is not in the document");
    }
    for body in ["RecommendBody", "SearchBody", "BatchBody", "PreviewBody"] {
        for parameter in ["limit", "from", "category", "mode", "min_score", "versions"] {
            let known = &document.body["components"]["schemas"][body]["properties"][parameter];
            assert!(known.is_object(), "{body} does not document {parameter}");
        }
    }
    assert_eq!(server.get("/docs/").status, 200);
    let page = server.get("/");
    assert!(page.headers["content-type"].to_str().is_ok_and(|t| t.starts_with("text/html")));

    let similar = server.get("/v1/papers/p%2F3/similar?limit=4&explain=true");
    assert_eq!((similar.status, hits(&similar.body).len()), (200, 4));
    let meta = &similar.body["meta"];
    assert!(meta["took_ms"].is_f64() && meta["plan"].is_string() && meta["total"] == 299, "{meta}");
    for hit in hits(&similar.body) {
        let sum: f64 = hit["why"]["parts"].as_array().expect("parts").iter().filter_map(|p| p["value"].as_f64()).sum();
        assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4);
    }
    assert_eq!(server.get("/v1/similar?id=p/3&limit=4&explain=true").body["papers"], similar.body["papers"]);

    let got = server.get("/v1/search?q=number42+subject3&limit=1");
    let posted = server.post("/v1/search", &json!({ "q": "number42 subject3", "limit": 1 }));
    assert_eq!(ids(hits(&got.body)), ["p/42"]);
    assert_eq!(got.body["papers"], posted.body["papers"]);
    let nested = server.post("/v1/search", &json!({ "q": "words", "limit": 500, "filter": { "category": ["c.1"] } }));
    assert_eq!(hits(&nested.body).len(), 100);
    let repeated = server.get("/v1/search?q=words&limit=500&category=c.1&category=c.2&author=Author+0&exclude=p/5");
    assert_eq!(hits(&repeated.body).len(), 39);
    let february = server.get("/v1/search?q=number42&limit=500&from=2026-02&to=2026-02").body;
    assert_eq!(hits(&february).len(), 25, "every twelfth paper");
    assert!(hits(&february).iter().all(|h| h["date"].as_str().is_some_and(|d| d.starts_with("2026-02"))));
    let score = |hit: &Value| hit["score"].as_f64().expect("a score");
    let least = score(&hits(&february)[9]);
    let best = server.get(&format!("/v1/search?q=number42&limit=500&from=2026-02&to=2026-02&min_score={least}")).body;
    let expected: Vec<&Value> = hits(&february).iter().filter(|h| score(h) >= least).collect();
    assert!((10..25).contains(&expected.len()));
    assert_eq!(hits(&best).iter().collect::<Vec<_>>(), expected);

    let one = server.get("/v1/papers/p%2F3");
    assert_eq!((one.status, &one.body["id"]), (200, &json!("p/3")));
    let embedded = server.post("/v1/embed", &json!({ "inputs": ["one", "two"], "kind": "query" }));
    assert_eq!(
        (embedded.body["dimension"].as_u64(), embedded.body["vectors"][1].as_array().map(Vec::len)),
        (Some(64), Some(64))
    );
    let metrics = ureq::get(format!("{}/metrics", server.url)).call().expect("answers");
    let figures = metrics.into_body().read_to_string().expect("text");
    let counted = |route: &str| -> f64 {
        let parts =
            ["paperkin_http_requests_total{", "method=\"GET\"", "status=\"200\"", &format!("route=\"{route}\"")];
        let lines = figures.lines().filter(|line| parts.iter().all(|part| line.contains(part)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    let routes = ["/v1/papers/{id}", "/v1/papers/{id}/similar", "/v1/similar", "/v1/search"];
    assert_eq!(routes.map(counted), [1.0, 1.0, 1.0, 4.0], "{figures}");
}

/// Each route of the document: method, path and what is said of it.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("a path").iter();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

#[test]
fn the_document_says_of_every_route_what_it_is_and_what_can_come() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let document = server.get("/openapi.json").body;
    let operations = operations(&document);
    assert!(operations.len() > 35, "{}", operations.len());
    for (method, path, operation) in operations {
        let says = |value: &Value, what: &str| {
            let text = value[what].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{method} {path}: {value} has no {what}");
        };
        says(operation, "summary");
        operation["parameters"].as_array().into_iter().flatten().for_each(|p| says(p, "description"));
        let responses = operation["responses"].as_object().expect("responses");
        responses.values().for_each(|response| says(response, "description"));
        let mut wanted = vec!["default"];
        if path.starts_with("/v1/") {
            wanted.extend(["400", "408", "500", "503"]);
        }
        if operation["requestBody"].is_object() {
            wanted.extend(["413", "415", "422"]);
        }
        if path.contains('{') {
            // A user is made by these.
            let makes = (path == "/v1/users/{user}" && method == "put")
                || (["/v1/users/{user}/folders", "/v1/users/{user}/opinions"].contains(&path) && method == "post")
                || ["/history", "/sign-in-link"].iter().any(|end| path.ends_with(end));
            // Links in mails: one of a subscription that is forgotten is told from one that was never signed.
            let is_link = path.starts_with("/v1/subscriptions/{id}/");
            wanted.push(if makes {
                "200"
            } else if is_link {
                "410"
            } else {
                "404"
            });
        }
        let missing = wanted.into_iter().find(|status| !responses.contains_key(*status));
        assert!(missing.is_none(), "{method} {path} does not list {missing:?}");
    }
}

#[test]
fn a_body_that_is_compressed_is_refused_on_every_route_with_the_way_out() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let document = server.get("/openapi.json").body;
    let mut seen = 0;
    for (method, path, operation) in operations(&document) {
        let types = operation["requestBody"]["content"].as_object();
        for media_type in types.into_iter().flatten().map(|(name, _)| name) {
            seen += 1;
            let path = path.replace("{user}", "ada").replace("{id}", "i1");
            let send = |encoding: &str| {
                let headers = [("content-type", media_type.as_str()), ("content-encoding", encoding)];
                server.request_with(&method.to_uppercase(), &path, &headers, b"{}")
            };
            for encoding in ["gzip", "identity, zstd"] {
                let reply = send(encoding);
                if is_of_another_service(operation) {
                    assert!((400..500).contains(&reply.status), "{method} {path} {encoding}: {}", reply.status);
                    continue;
                }
                let (status, code, message) = error(&reply);
                assert_eq!((status, code), (415, "unsupported_media_type"), "{method} {path} {encoding}: {message}");
                assert!(message.contains(encoding) && message.contains("Content-Encoding"), "{message}");
            }
            assert_ne!(send("identity").status, 415, "{method} {path}");
        }
    }
    assert!(seen >= 12, "{seen}");
    assert_eq!(server.get("/readyz").body["papers"], 0, "nothing went in");
}

#[test]
fn papers_can_be_found_at_once_and_are_gone_at_once() {
    let (_folder, server) = filled();
    let report = server.post("/v1/papers", &json!({ "id": "new/1", "title": "Wombats in orbit" }));
    assert_eq!((report.status, &report.body["accepted"]), (200, &json!(1)));
    let find = || server.get("/v1/search?q=wombats+in+orbit&limit=1").body["papers"][0]["id"].clone();
    assert_eq!(find(), "new/1");
    let report = server
        .post("/v1/papers", &json!({ "papers": [{ "id": "new/1", "title": "Wombats in orbit" }, { "id": "x" }, 5] }));
    assert_eq!((&report.body["unchanged"], report.body["rejected"].as_array().map(Vec::len)), (&json!(1), Some(2)));
    assert_eq!((&report.body["rejected"][0]["line"], &report.body["rejected"][0]["id"]), (&json!(2), &json!("x")));
    let lines = format!("{}\nbroken\n{}\n", json!({ "id": "new/2", "title": "Kelp forests" }), paper(3));
    let report = server.request("POST", "/v1/papers", Some("application/x-ndjson; charset=utf-8"), lines.as_bytes());
    assert_eq!(
        (&report.body["accepted"], &report.body["unchanged"], &report.body["rejected"][0]["line"]),
        (&json!(1), &json!(1), &json!(2))
    );

    assert_eq!(server.delete("/v1/papers/new%2F1").status, 204);
    assert_ne!(find(), "new/1");
    for path in ["/v1/papers/new%2F1", "/v1/papers/new%2F1/similar"] {
        assert_eq!(error(&server.get(path)).0, 404);
    }
    assert_eq!(error(&server.delete("/v1/papers/new%2F1")).0, 404);
    assert_eq!(error(&server.post("/v1/recommend", &json!({ "like": ["new/1"] }))).0, 404);
}

#[test]
fn the_daily_list_pages_without_gap() {
    let (_folder, server) = filled();
    for (sort, key) in [("date", "date"), ("upvotes", "upvotes"), ("trending", "")] {
        let (mut seen, mut cursor): (Vec<Value>, _) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("/v1/papers?sort={sort}&limit=70&cursor={cursor}"));
            assert_eq!((page.status, &page.body["meta"]["total"]), (200, &json!(300)));
            seen.extend(hits(&page.body).iter().cloned());
            match page.body["meta"]["next"].as_str() {
                Some(next) => cursor = next.to_string(),
                None => break,
            }
        }
        let mut all = ids(&seen);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 300, "{sort}");
        let (date, votes) = (|p: &Value| p["date"].to_string(), |p: &Value| p["upvotes"].as_u64());
        match key {
            "date" => assert!(seen.is_sorted_by(|a, b| date(a) >= date(b)), "{sort}"),
            "upvotes" => assert!(seen.is_sorted_by(|a, b| votes(a) >= votes(b)), "{sort}"),
            // Days ahead of the clock count as today: of the others none stands before one that is newer and has more votes.
            _ => {
                let past: Vec<&Value> = seen.iter().filter(|p| date(p).as_str() < "\"2026-11").collect();
                assert!(past.len() > 200, "{}", past.len());
                for (k, first) in past.iter().enumerate() {
                    let above = |p: &&&Value| date(p) > date(first) && votes(p) > votes(first);
                    assert_eq!(past[k + 1..].iter().find(above), None, "behind {first}");
                }
            }
        }
    }
    server.post(
        "/v1/papers",
        &json!({ "id": "late", "title": "Listed later", "date": "2026-01-02", "listed": "2026-06-30" }),
    );
    let day = server.get("/v1/papers?date=2026-06-30");
    assert_eq!(ids(hits(&day.body)), ["late"]);
    for bad in ["cursor=xyz", "sort=best", "date=soon", "colour=red"] {
        assert_eq!(error(&server.get(&format!("/v1/papers?{bad}"))).0, 400, "{bad}");
    }
    assert_eq!(error(&server.get("/v1/papers?limit=0")).0, 422);
}

#[test]
fn recommendations_follow_the_contract() {
    let (_folder, server) = filled();
    let ask = |body: Value| server.post("/v1/recommend", &body);
    let liked = ask(
        json!({ "like": ["p/1", { "id": "p/8", "weight": 2.0 }], "dislike": ["p/2"], "explain": true, "limit": 20 }),
    );
    assert_eq!((liked.status, hits(&liked.body).len()), (200, 20));
    assert!(ids(hits(&liked.body)).iter().all(|id| !["p/1", "p/8", "p/2"].contains(id)));
    for strategy in ["auto", "mean", "nearest", "rocchio", "logistic"] {
        for extra in [json!({}), json!({ "half_life_days": 30 }), json!({ "diversity": 0.5 })] {
            let mut body = json!({ "like": ["p/1", "p/2", "p/3", "p/4"], "dislike": ["p/9"], "text": ["number5"], "strategy": strategy, "explain": true });
            body.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
            let answer = ask(body);
            assert_eq!((answer.status, hits(&answer.body).len()), (200, 10), "{strategy} {extra} {}", answer.body);
            for hit in hits(&answer.body) {
                let sum: f64 =
                    hit["why"]["parts"].as_array().expect("parts").iter().filter_map(|p| p["value"].as_f64()).sum();
                assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4, "{strategy} {extra} {hit}");
            }
        }
    }
    let capped = ask(json!({ "like": ["p/1"], "per_author": 2, "limit": 10 }));
    assert_eq!(hits(&capped.body).len(), 10, "five authors with two papers each are enough for ten");
    for author in 0..5 {
        let name = format!("Author {author}");
        assert!(hits(&capped.body).iter().filter(|h| h["authors"][0] == json!(name)).count() <= 2);
    }
    let candidates: Vec<String> = (0..60).map(|k| format!("p/{k}")).collect();
    let ranked = ask(json!({ "like": ["p/1"], "candidates": candidates, "limit": 3 }));
    assert_eq!((hits(&ranked.body).len(), ids(hits(&ranked.body))[0]), (60, "p/1"));
    let own = ask(json!({ "like": ["p/1"], "exclude_liked": false, "limit": 1 }));
    assert_eq!(ids(hits(&own.body)), ["p/1"]);
    let vector = server.post("/v1/embed", &json!({ "inputs": ["number77"] })).body["vectors"][0].clone();
    assert_eq!(ids(hits(&ask(json!({ "vector": vector, "limit": 1 })).body)), ["p/77"]);

    for (body, status, word) in [
        (json!({}), 422, "example"),
        (json!({ "like": [] }), 422, "example"),
        (json!({ "like": ["nobody"] }), 404, "nobody"),
        (json!({ "like": ["p/1"], "candidates": ["nobody"] }), 404, "nobody"),
        (json!({ "like": ["p/1"], "dislike": ["p/1"] }), 422, "both"),
        (json!({ "like": [{ "id": "p/1", "weight": -1 }] }), 422, "weight"),
        (json!({ "like": [{ "id": "p/1", "wait": 1 }] }), 400, "example"),
        (json!({ "like": "p/1" }), 400, ""),
        (json!({ "vector": [1.0, 2.0] }), 422, "64"),
        (json!({ "vector": vec![0.0; 64] }), 422, "direction"),
        (json!({ "text": [""] }), 422, "empty"),
        (json!({ "like": ["p/1"], "strategy": "magic" }), 400, "magic"),
        (json!({ "like": ["p/1"], "half_life_days": 0 }), 422, "half_life_days"),
        (json!({ "like": ["p/1"], "per_author": 0 }), 422, "per_author"),
        (json!({ "like": ["p/1"], "from": "2026", "to": "2025" }), 422, "turned round"),
        (json!({ "lik": ["p/1"] }), 400, "lik"),
    ] {
        let reply = ask(body.clone());
        let (got, _, message) = error(&reply);
        assert_eq!(got, status, "{body}: {message}");
        assert!(message.contains(word), "{body}: {message}");
    }
}

#[test]
fn versions_of_a_paper_are_not_like_it() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let text = "Quantum ducks paddle in superposed ponds.";
    for (id, title, author) in [
        ("arxiv:2601.00001v1", "Quantum ducks", "A. Drake"),
        ("arxiv:2601.00001v2", "Quantum ducks, revised", "A. Drake"),
        ("doi:10.1/ducks", "Quantum Ducks.", "A. Drake"),
        ("other", "Quantum geese", "B. Goose"),
    ] {
        server.post("/v1/papers", &json!({ "id": id, "title": title, "abstract": text, "authors": [author] }));
    }
    let similar = server.get("/v1/papers/arxiv:2601.00001v1/similar");
    assert_eq!(ids(hits(&similar.body)), ["other"]);
}

#[test]
fn every_error_has_the_one_shape() {
    let (_folder, server) = filled();
    let long = "x".repeat(300 * 1024);
    let json_type = Some("application/json");
    for (method, path, content_type, body, status, code) in [
        ("GET", "/nothing", None, "", 404, "not_found"),
        ("GET", "/v1/papers/p/3", None, "", 404, "not_found"),
        ("GET", "/v1/papers/nobody", None, "", 404, "not_found"),
        ("GET", "/v1/papers/%FF/similar", None, "", 400, "bad_request"),
        ("PUT", "/v1/search", json_type, "{}", 405, "method_not_allowed"),
        ("DELETE", "/healthz", None, "", 405, "method_not_allowed"),
        ("GET", "/v1/search", None, "", 422, "invalid"),
        ("GET", "/v1/search?q=", None, "", 422, "invalid"),
        ("GET", "/v1/search?q=x&limit=0", None, "", 422, "invalid"),
        ("GET", "/v1/search?q=x&limit=501", None, "", 422, "invalid"),
        ("GET", "/v1/search?q=x&limit=-1", None, "", 422, "invalid"),
        ("GET", "/v1/search?q=x&limit=ten", None, "", 400, "bad_request"),
        ("GET", "/v1/search?q=x&colour=red", None, "", 400, "bad_request"),
        ("GET", "/v1/search?q=x&from=yesterday", None, "", 400, "bad_request"),
        ("GET", "/v1/search?q=x&from=2026&to=2025", None, "", 422, "invalid"),
        ("GET", "/v1/search?q=x&mode=magic", None, "", 400, "bad_request"),
        ("GET", "/v1/search?q=x&versions=maybe", None, "", 400, "bad_request"),
        ("POST", "/v1/similar/batch", json_type, "{\"ids\": []}", 422, "invalid"),
        ("POST", "/v1/similar/batch", json_type, "{\"ids\": [\"nobody\"]}", 404, "not_found"),
        ("POST", "/v1/similar/batch", json_type, "{\"id\": [\"p/1\"]}", 400, "bad_request"),
        ("POST", "/v1/search", json_type, "{\"q\": ", 400, "bad_request"),
        ("POST", "/v1/search", json_type, "[]", 400, "bad_request"),
        ("POST", "/v1/search", json_type, "{\"q\": 5}", 400, "bad_request"),
        ("POST", "/v1/search", json_type, "{\"q\": \"x\", \"colour\": 1}", 400, "bad_request"),
        ("POST", "/v1/search", Some("text/plain"), "x", 415, "unsupported_media_type"),
        ("POST", "/v1/search", json_type, &format!("{{\"q\": \"{long}\"}}"), 422, "invalid"),
        ("POST", "/v1/search", json_type, &format!("{{\"q\": \"{}\"}}", long.repeat(60)), 413, "payload_too_large"),
        ("POST", "/v1/papers", Some("text/csv"), "a,b", 415, "unsupported_media_type"),
        ("POST", "/v1/papers", json_type, "5", 400, "bad_request"),
        ("POST", "/v1/papers", json_type, "{\"papers\": 5}", 400, "bad_request"),
        ("POST", "/v1/embed", json_type, "{\"inputs\": []}", 422, "invalid"),
        ("POST", "/v1/embed", json_type, "{\"inputs\": [\"\"]}", 422, "invalid"),
        ("POST", "/v1/embed", json_type, "{\"inputs\": [\"x\"], \"kind\": \"poem\"}", 400, "bad_request"),
        ("POST", "/v1/embed", json_type, "{}", 400, "bad_request"),
    ] {
        let reply = server.request(method, path, content_type, body.as_bytes());
        let (got, name, message) = error(&reply);
        assert_eq!((got, name), (status, code), "{method} {path}: {message}");
        assert!(!message.is_empty());
        assert_eq!(status == 405, reply.headers.contains_key("allow"), "{method} {path}");
    }
    let found = server.post("/v1/search", &json!({ "q": "word ".repeat(40_000), "limit": 3 }));
    assert_eq!(hits(&found.body).len(), 3, "a long text is a query like any other");
    let nobody = server.get("/v1/papers/nobody");
    assert_eq!(nobody.body["error"]["detail"]["id"], "nobody");
}

#[test]
fn a_parameter_that_nobody_takes_is_refused_everywhere() {
    let (_folder, server) = filled();
    server.request("PUT", "/v1/users/ada", None, b"");
    for path in [
        "/v1/papers",
        "/v1/papers/p%2F3",
        "/v1/papers/p%2F3/similar",
        "/v1/search",
        "/v1/similar",
        "/v1/themes",
        "/v1/themes/t1",
        "/v1/themes/map",
        "/v1/themes/events",
        "/v1/trending",
        "/v1/users/ada",
        "/v1/users/ada/events",
        "/v1/users/ada/feed",
        "/v1/users/ada/interests",
        "/v1/users/ada/questions",
    ] {
        for value in ["red", ""] {
            let reply = server.get(&format!("{path}?q=x&id=p/3&colour={value}"));
            let (status, code, message) = error(&reply);
            assert_eq!((status, code), (400, "bad_request"), "{path}: {message}");
        }
    }
    for (path, body) in [
        ("/v1/recommend", json!({ "like": ["p/3"] })),
        ("/v1/search", json!({ "q": "x" })),
        ("/v1/similar/batch", json!({ "ids": ["p/3"] })),
        ("/v1/embed", json!({ "inputs": ["x"] })),
        ("/v1/users/ada/rank", json!({ "candidates": ["p/3"] })),
        ("/v1/users/ada/feed/preview", json!({})),
        ("/v1/papers", json!({ "id": "x", "title": "y" })),
    ] {
        assert_eq!(error(&server.post(&format!("{path}?colour=red"), &body)).0, 400, "{path}");
    }
    for path in ["/docs/nope", "/docs/%ff", "/nowhere"] {
        let reply = server.get(path);
        assert!([400, 404].contains(&error(&reply).0), "{path}");
    }
    // One that is taken counts, wherever it stands; the body has the last word.
    let body = json!({ "like": ["p/3"] });
    assert_eq!(hits(&server.post("/v1/recommend?limit=3", &body).body).len(), 3);
    let body = json!({ "like": ["p/3"], "limit": 4 });
    assert_eq!(hits(&server.post("/v1/recommend?limit=3", &body).body).len(), 4);
    assert_eq!(error(&server.get("/v1/search?q=x&limit=99999999999999999999")).0, 422);
}

#[test]
fn what_is_not_http_harms_nobody() {
    let (_folder, server) = filled();
    let address = server.url.trim_start_matches("http://").to_string();
    for bytes in [&b"\x00\x01\x02\x03"[..], b"GET / HTTP/1.1\r\n", b"POST /v1/papers HTTP/1.1\r\ncontent-type: application/x-ndjson\r\ncontent-length: 500\r\nhost: localhost\r\n\r\n{\"id\":"] {
        let mut stream = TcpStream::connect(&address).expect("connects");
        stream.write_all(bytes).expect("sent");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(server.get("/healthz").status, 200);
    }
    assert_eq!(server.get("/readyz").body["papers"], 300, "half a paper went in");
}

#[test]
fn who_brings_a_body_slowly_holds_no_place_and_hears_when_it_took_too_long() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_MAX_WAITING", "1").env("PAPERKIN_TIMEOUT_S", "2");
    let server = Server::spawn(command);
    // A stream that never ends holds none of the places for work, and there is one.
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    let head = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(server.get("/v1/search?q=x").status, 200);
    assert_eq!(server.get("/healthz").status, 200);
    drop(stream);
    // A body that does not come in time is 408.
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    let head = "POST /v1/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; 4096];
    let n = stream.read(&mut answer).expect("an answer");
    let text = String::from_utf8_lossy(&answer[..n]);
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("\"timeout\""), "{text}");
}

#[test]
fn a_port_in_use_is_said() {
    let (folder, server) = filled();
    let other = Folder { model: folder.model, ..Folder::new() };
    let ran = other.run(&["serve", "--addr", server.url.trim_start_matches("http://")]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("in use") && ran.err.contains("--addr"), "{}", ran.err);
}
