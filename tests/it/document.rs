//! The OpenAPI document: what it says is what the service does.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::schema::wrong;
use crate::services::smtp::Smtp;
use crate::subscriptions::{Links, with_mail};
use crate::support::{Folder, Reply, Server, error, is_of_another_service, paper, papers};

/// A service with a document, and what its addresses need.
struct Served {
    server: Server,
    links: Links,
    search: String,
    webhook: String,
    _smtp: Smtp,
    _folder: Folder,
}

/// A service with papers, themes and a reader, and its document.
fn served() -> (Served, Value) {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    let source = format!("[[source]]\nname = \"mine\"\nkind = \"files\"\npath = {file:?}\nschedule = \"off\"\n");
    std::fs::write(folder.data().join("paperkin.toml"), source).expect("written");
    let smtp = Smtp::start();
    let server = Server::spawn(with_mail(folder.command(&["serve", "--addr", "127.0.0.1:0"]), &smtp));
    let events: Vec<Value> = (0..12).map(|k| json!({ "paper": format!("p/{}", k * 7), "kind": "like" })).collect();
    assert_eq!(server.post("/v1/users/ada/events", &json!({ "events": events })).status, 200);
    assert_eq!(server.get("/v1/themes").status, 200);
    let links = Links::made(&server, &smtp, "2026-01-01");
    let search =
        server.post("/v1/users/ada/searches", &body("save_search")).body["id"].as_str().expect("an id").to_string();
    let webhook = server.post("/v1/webhooks", &body("make_webhook"));
    let webhook = webhook.body["id"].as_str().unwrap_or_else(|| panic!("{}", webhook.body)).to_string();
    let document = server.get("/openapi.json").body;
    (Served { server, links, search, webhook, _smtp: smtp, _folder: folder }, document)
}

const JSON: Option<&str> = Some("application/json");

struct Operation<'a> {
    method: String,
    path: &'a str,
    id: &'a str,
    said: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().expect("a path").iter().map(move |(method, said)| Operation {
                method: method.to_uppercase(),
                path,
                id: said["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name")),
                said,
            })
        })
        .collect()
}

/// A body with which an operation does something.
fn body(id: &str) -> Value {
    match id {
        "embed" => json!({ "inputs": ["whales"], "kind": "query" }),
        "put_papers" => json!({ "papers": [paper(900), { "id": "x" }] }),
        "recommend" => json!({ "like": ["p/1", { "id": "p/8", "weight": 2.0 }], "text": ["number5"], "explain": true }),
        "search_long" => json!({ "q": "topic3 number10", "explain": true }),
        "similar_papers_of_each" => json!({ "ids": ["p/1", "p/2"], "explain": true }),
        "themes_of_selection" => json!({ "q": "topic3" }),
        "put_user" => json!({ "per_author": 2 }),
        "add_events" => json!({ "events": [{ "paper": "p/5", "kind": "save", "at": "2026-01-02", "weight": 1.0 }] }),
        "preview_feed" => json!({ "events": [{ "paper": "p/6", "kind": "like" }], "explain": true }),
        "rank_for_user" => json!({ "candidates": ["p/1", "p/2"], "explain": true }),
        "add_events_of_many" => json!({ "events": [{ "user": "ada", "paper": "p/7", "kind": "like" }] }),
        "import_history" => json!({ "text": "p/9\nnobody/1\n", "format": "ids" }),
        "patch_interest" => json!({ "weight": 2.0 }),
        "subscribe" => json!({ "email": "a@x.example", "what": { "daily": true } }),
        "patch_subscription" => json!({ "state": "paused" }),
        "bounced" => json!({ "email": "nobody@x.example" }),
        "save_search" => json!({ "query": "topic3" }),
        "change_search" => json!({ "name": "Mine" }),
        "make_webhook" => json!({ "url": "https://93.184.216.34/hook", "what": { "query": "topic3" } }),
        "make_folder" => json!({ "name": "Mine" }),
        "rename_folder" => json!({ "name": "Ours" }),
        "file_papers" => json!({ "papers": ["p/3", "p/4"] }),
        "put_note" => json!({ "text": "Read it again." }),
        "get_opinions" => json!({ "ids": ["p/3", "p/7", "nowhere"] }),
        "make_key" => json!({ "name": "another", "scopes": ["read"] }),
        "scholar_papers" => json!({ "ids": ["p/3", "nowhere"] }),
        "scholar_recommend" => json!({ "positivePaperIds": ["p/3"] }),
        "openai_embeddings" => json!({ "input": ["a text"], "model": "hash" }),
        "tei_embed" => json!({ "inputs": ["a text"] }),
        "tei_similarity" => json!({ "inputs": { "source_sentence": "a text", "sentences": ["another"] } }),
        _ => json!({}),
    }
}

/// The address of an operation, with what its path and its required parameters want.
fn address(served: &Served, operation: &Operation<'_>) -> String {
    let server = &served.server;
    if let Some(link) = served.links.of(operation.path) {
        return link;
    }
    let user = if operation.id.contains("delete") { "gone" } else { "ada" };
    if operation.path.contains("/notes") {
        let written =
            server.request("PUT", &format!("/v1/users/{user}/notes/p%2F3"), JSON, b"{\"text\": \"Read it.\"}");
        assert_eq!(written.status, 200, "{}", written.body);
    }
    let id = match operation.path {
        path if path.contains("/interests/") => {
            server.get("/v1/users/ada/interests").body["interests"][0]["id"].as_str().unwrap_or("i1").to_string()
        }
        path if path.contains("/themes/") => "t1".into(),
        _ if operation.id == "delete_search" => {
            let made = server.post("/v1/users/gone/searches", &json!({ "query": "not for long" }));
            made.body["id"].as_str().unwrap_or_else(|| panic!("{}", made.body)).to_string()
        }
        path if path.contains("/folders/") => folder(server, user),
        path if path.contains("/searches/") => served.search.clone(),
        _ if operation.id == "delete_webhook" => {
            let made = server.post("/v1/webhooks", &body("make_webhook"));
            made.body["id"].as_str().unwrap_or_else(|| panic!("{}", made.body)).to_string()
        }
        path if path.contains("/webhooks/") => served.webhook.clone(),
        _ if operation.id == "delete_paper" => "p%2F250".into(),
        path if path.contains("/keys/") => {
            server.post("/v1/keys", &body("make_key")).body["id"].as_str().expect("a key").to_string()
        }
        path if path.contains("/models/") => "hash".into(),
        "/papers/{id}" => "p%2F3.md".into(),
        _ => "p%2F3".into(),
    };
    let id = if operation.path.contains("/outside/") { outside(server) } else { id };
    let import = if operation.path.contains("{import}") { import(server) } else { String::new() };
    let path = operation
        .path
        .replace("{user}", user)
        .replace("{id}", &id)
        .replace("{import}", &import)
        .replace("{paper}", "p%2F3")
        .replace("{delivery}", "1");
    let path = path.replace("{name}", if operation.path.contains("/sources/") { "mine" } else { "interests" });
    let mut query = vec![("explain", "true")];
    let parameters: Vec<&Value> = operation.said["parameters"].as_array().into_iter().flatten().collect();
    query.retain(|(name, _)| parameters.iter().any(|p| p["in"] == "query" && p["name"] == *name));
    let token = server.post("/v1/users/ada/token", &json!({})).body["token"].as_str().unwrap_or_default().to_string();
    for parameter in parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true) {
        match parameter["name"].as_str().expect("a name") {
            "token" => query.push(("token", &token)),
            name @ ("q" | "query") => query.push((name, "topic3")),
            "id" => query.push(("id", "p/3")),
            other => panic!("{}: what is {other}?", operation.id),
        }
    }
    let mut query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // A map tells of its points, or of those that a text finds.
    if operation.id == "theme_map_papers" {
        query.push("q=topic3".into());
    }
    if operation.id == "search" {
        query.push("q=topic3&facets=year,category,author,source,theme".into());
    }
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// A folder of a reader with a paper in it.
fn folder(server: &Server, user: &str) -> String {
    let path = format!("/v1/users/{user}/folders");
    let made = server.post(&path, &json!({ "name": "Kept" }));
    let id = made.body["id"].as_str().unwrap_or_else(|| panic!("{}", made.body)).to_string();
    assert_eq!(server.request("PUT", &format!("{path}/{id}/papers/p%2F3"), None, b"").status, 200);
    id
}

/// An import of a paper that is not in the corpus.
fn import(server: &Server) -> String {
    let list = json!({ "text": "Krill that nobody has counted", "format": "titles", "embed_missing": true });
    server.post("/v1/users/ada/history", &list).body["import"].as_str().expect("an import").to_string()
}

/// A paper from outside the corpus.
fn outside(server: &Server) -> String {
    import(server);
    let papers = server.get("/v1/users/ada/outside").body;
    papers["papers"][0]["id"].as_str().expect("a paper").replace('/', "%2F").replace(':', "%3A")
}

fn send(server: &Server, operation: &Operation<'_>, address: &str, body: &Value) -> Reply {
    let form = "application/x-www-form-urlencoded";
    if operation.said["requestBody"]["content"][form].is_object() {
        return server.request(&operation.method, address, Some(form), b"deed=resume");
    }
    match operation.said["requestBody"].is_object() {
        true => server.request(&operation.method, address, Some("application/json"), body.to_string().as_bytes()),
        false => server.request(&operation.method, address, None, b""),
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let (_served, document) = served();
    let mut seen = HashSet::new();
    for operation in operations(&document) {
        assert!(seen.insert(operation.id), "two operations are called {}", operation.id);
        assert!(operation.id.len() > 4, "{} says nothing", operation.id);
    }
    let parts = &document["components"]["schemas"]["Part"];
    assert_eq!(parts["discriminator"]["propertyName"], "kind");
    let choices = parts["oneOf"].as_array().expect("kinds");
    assert_eq!(parts["discriminator"]["mapping"].as_object().map(serde_json::Map::len), Some(choices.len()));
    assert!(choices.iter().all(|choice| choice["$ref"].is_string()), "{parts}");
}

/// Every `$ref` of a document.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_client_can_be_made_from_the_document() {
    let (_served, document) = served();
    for at in references(&document) {
        assert!(document.pointer(at.trim_start_matches('#')).is_some(), "{at} is nowhere");
    }
    // What is no JSON is bytes: a stream, a reading list in whatever characters, an archive.
    let bytes = json!({ "type": "string", "format": "binary" });
    for (path, method, end, media_type) in [
        ("/v1/papers", "post", "requestBody", "application/x-ndjson"),
        ("/v1/users/{user}/history", "post", "requestBody", "application/octet-stream"),
        ("/v1/backup", "get", "responses/200", "application/zstd"),
    ] {
        let operation = &document["paths"][path][method];
        let content = operation.pointer(&format!("/{end}")).expect("it is there");
        assert_eq!(content["content"][media_type]["schema"], bytes, "{method} {path}");
    }
}

#[test]
fn every_answer_is_as_the_document_says() {
    let (served, document) = served();
    let server = &served.server;
    server.request("PUT", "/v1/users/gone", None, b"");
    let mut done = 0;
    for operation in operations(&document) {
        let at = address(&served, &operation);
        let reply = send(server, &operation, &at, &body(operation.id));
        let what = format!("{} {} {}", operation.id, at, reply.status);
        let said = &operation.said["responses"][reply.status.to_string()];
        assert!(said.is_object(), "{what}: not documented: {}", reply.body);
        // Nobody is signed in, or can be, where nobody has to say who they are.
        let refused = match operation.id {
            "end_session" => Some(404),
            "make_sign_in_link" => Some(409),
            // Nothing was told yet.
            "redeliver" => Some(404),
            _ => None,
        };
        if let Some(status) = refused {
            assert_eq!(error(&reply).0, status, "{what}");
            continue;
        }
        assert!(reply.status < 400, "{what}: {}", reply.body);
        let content = reply.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let media_type = content.split(';').next().unwrap_or_default();
        match said["content"].as_object() {
            None => assert!(media_type.is_empty(), "{what}: an answer of {media_type} is not documented"),
            Some(types) => {
                let schema = &types.get(media_type).unwrap_or_else(|| panic!("{what}: {media_type}"))["schema"];
                if media_type.ends_with("json") {
                    let wrong = wrong(&document, schema, &reply.body);
                    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
                }
            }
        }
        done += 1;
    }
    assert!(done > 40, "{done}");
    // And those that fail.
    for (path, status) in [("/v1/papers/nobody", 404), ("/v1/search", 422), ("/v1/search?q=x&limit=x", 400)] {
        let reply = server.get(path);
        let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
        assert_eq!((reply.status, wrong(&document, &schema, &reply.body)), (status, Vec::new()), "{path}");
    }
}

/// Numbers just beyond what a schema of a number allows; far out where it names no end.
fn beyond(schema: &Value) -> (Vec<Value>, Option<Value>) {
    let whole = schema["type"] == "integer" || schema["type"].as_array().is_some_and(|t| t.contains(&json!("integer")));
    let number = |x: f64| if whole { json!(x as i64) } else { json!(x) };
    let mut out = Vec::new();
    out.extend(schema["minimum"].as_f64().map(|least| number(least - 1.0)));
    out.extend(schema["exclusiveMinimum"].as_f64().map(number));
    out.extend(schema["maximum"].as_f64().map(|most| number(most + 1.0)));
    let far = (schema["maximum"].is_null() && schema["exclusiveMaximum"].is_null()).then(|| number(1_000_000.0));
    (out, far)
}

fn is_number(schema: &Value) -> bool {
    let is = |name: &Value| name == "integer" || name == "number";
    is(&schema["type"]) || schema["type"].as_array().is_some_and(|types| types.iter().any(is))
}

#[test]
fn every_bound_that_is_enforced_is_documented_and_the_other_way_round() {
    let (served, document) = served();
    let server = &served.server;
    let mut tried = 0;
    let own =
        |o: &&Operation<'_>| !(o.id.contains("delete") || o.id.contains("reset") || is_of_another_service(o.said));
    for operation in operations(&document).iter().filter(own) {
        let at = address(&served, operation);
        let with = |name: &str, value: &Value| {
            // What matches has a bar of its own, so facets and a least score do not go together.
            let at = if name == "min_score" {
                at.replace("&facets=year,category,author,source,theme", "")
            } else {
                at.clone()
            };
            format!("{at}{}{name}={value}", if at.contains('?') { '&' } else { '?' })
        };
        for parameter in operation.said["parameters"].as_array().into_iter().flatten() {
            let (name, schema) = (parameter["name"].as_str().expect("a name"), &parameter["schema"]);
            // The sides of the map go together.
            let of_four = ["left", "bottom", "right", "top"].contains(&name);
            if parameter["in"] != "query" || !is_number(schema) || of_four {
                continue;
            }
            let (out, far) = beyond(schema);
            for value in out {
                let reply = send(server, operation, &with(name, &value), &body(operation.id));
                assert_eq!(error(&reply).0, 422, "{} {name}={value}", operation.id);
                tried += 1;
            }
            if let Some(value) = far {
                let reply = send(server, operation, &with(name, &value), &body(operation.id));
                assert!(reply.status < 400, "{} {name}={value}: {}", operation.id, reply.body);
            }
        }
        let content = &operation.said["requestBody"]["content"]["application/json"]["schema"];
        let schema = content["$ref"].as_str().and_then(|at| document.pointer(at.trim_start_matches('#')));
        for (name, schema) in schema.and_then(|s| s["properties"].as_object()).into_iter().flatten() {
            if !is_number(schema) {
                continue;
            }
            let (out, far) = beyond(schema);
            let with = |value: &Value| {
                let mut body = body(operation.id);
                body[name.as_str()] = value.clone();
                send(server, operation, &at, &body)
            };
            for value in out {
                assert_eq!(error(&with(&value)).0, 422, "{} {name}: {value}", operation.id);
                tried += 1;
            }
            if let Some(value) = far {
                let reply = with(&value);
                assert!(reply.status < 400, "{} {name}: {value}: {}", operation.id, reply.body);
            }
        }
    }
    assert!(tried > 60, "{tried}");
    // What a whole answer is bounded by.
    let many: Vec<String> = (0..100).map(|k| format!("p/{k}")).collect();
    let batch = |limit: usize| server.post("/v1/similar/batch", &json!({ "ids": many, "limit": limit }));
    assert_eq!(batch(200).status, 200);
    let refused = batch(201);
    let (status, _, message) = error(&refused);
    assert!(status == 422 && message.contains("20100 hits") && message.contains("at most 20000"), "{message}");
}

/// The greatest length of a list, where a schema is one of a list.
fn longest(document: &Value, schema: &Value) -> Option<Option<u64>> {
    let is_list =
        |kind: &Value| kind == "array" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("array")));
    if let Some(at) = schema["$ref"].as_str() {
        return longest(document, document.pointer(at.trim_start_matches('#'))?);
    }
    is_list(&schema["type"]).then(|| schema["maxItems"].as_u64())
}

#[test]
fn every_list_of_a_request_has_a_longest_length() {
    let (served, document) = served();
    let server = &served.server;
    let mut tried = 0;
    for operation in operations(&document).into_iter().filter(|operation| !is_of_another_service(operation.said)) {
        let at = address(&served, &operation);
        for parameter in operation.said["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let Some(most) = longest(&document, &parameter["schema"]) else { continue };
            let most = most.unwrap_or_else(|| panic!("{} {name}: how many?", operation.id)) as usize;
            // Of the longest lists a query string does not hold one too many.
            let wanted = (most + 1).min(5_000);
            let list = vec![format!("{name}=a"); wanted].join("&");
            let reply = send(
                server,
                &operation,
                &format!("{at}{}{list}", if at.contains('?') { '&' } else { '?' }),
                &body(operation.id),
            );
            assert_eq!(error(&reply).0, 422, "{} {wanted} of {name}: {}", operation.id, reply.body);
            tried += 1;
        }
        let content = &operation.said["requestBody"]["content"]["application/json"]["schema"];
        let schema = content["$ref"].as_str().and_then(|at| document.pointer(at.trim_start_matches('#')));
        for (name, schema) in schema.and_then(|s| s["properties"].as_object()).into_iter().flatten() {
            let Some(most) = longest(&document, schema) else { continue };
            let most = most.unwrap_or_else(|| panic!("{} {name}: how many?", operation.id)) as usize;
            let item = match name.as_str() {
                "events" => json!({ "paper": "p/1", "kind": "view" }),
                "vector" => json!(1.0),
                "scopes" => json!("read"),
                _ => json!("p/1"),
            };
            let mut body = body(operation.id);
            body[name.as_str()] = vec![item; most + 1].into();
            let reply = send(server, &operation, &at, &body);
            let (status, _, message) = error(&reply);
            assert!(status == 422 && message.contains(&most.to_string()), "{} {name}: {message}", operation.id);
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    // The case of the report: nothing of SQL, and the bound.
    for path in ["/v1/search", "/v1/recommend"] {
        let body = json!({ "q": "x", "like": ["p/1"], "author": vec!["a"; 33_000] });
        let mut body = body;
        body.as_object_mut().expect("an object").remove(if path == "/v1/search" { "like" } else { "q" });
        let reply = server.post(path, &body);
        let (status, _, message) = error(&reply);
        assert_eq!((status, message), (422, "`author` has 33000 values; at most 1000 are allowed in one call"));
        body["author"] = vec!["a"; 1_000].into();
        assert_eq!(server.post(path, &body).status, 200);
    }
}
