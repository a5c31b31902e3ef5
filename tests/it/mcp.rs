//! The Model Context Protocol, spoken as raw JSON: over HTTP in both its eras, and over the lines of `paperkin mcp`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Folder, Reply, Server, error, ids, papers};

/// The newest version with a handshake, and the one without.
const HANDSHAKE: &str = "2025-11-25";
const STATELESS: &str = "2026-07-28";

const TOOLS: [&str; 6] = ["search_papers", "similar_papers", "recommend_papers", "daily_feed", "get_paper", "themes"];

fn filled() -> Folder {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    let list = folder.file("ids.txt", "p/3\np/10\np/17\n");
    folder.json(&["history", "import", "ada", &list, "--kind", "like"]);
    folder
}

fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn hello() -> Value {
    let client = json!({ "name": "test", "version": "1" });
    request(1, "initialize", json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client }))
}

/// A message over HTTP, as a client of the era with a handshake sends it.
fn send(server: &Server, key: Option<&str>, message: &Value) -> Reply {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", HANDSHAKE),
    ];
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    server.request_with("POST", "/mcp", &headers, message.to_string().as_bytes())
}

/// What a tool gives over HTTP.
fn tool(server: &Server, key: Option<&str>, name: &str, arguments: Value) -> Value {
    let reply = send(server, key, &request(7, "tools/call", json!({ "name": name, "arguments": arguments })));
    assert_eq!(reply.status, 200, "{name}: {}", reply.body);
    reply.body["result"].clone()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn found(result: &Value) -> Vec<&str> {
    assert_eq!(result["isError"], false, "{result}");
    ids(result["structuredContent"]["papers"].as_array().expect("papers"))
}

fn ids_of(reply: &Reply) -> Vec<&str> {
    ids(reply.body["papers"].as_array().unwrap_or_else(|| panic!("{} {}", reply.status, reply.body)))
}

#[test]
fn both_eras_are_spoken_over_http() {
    let folder = filled();
    let server = Server::start(&folder);
    let hello = send(&server, None, &hello());
    assert_eq!(hello.status, 200, "{}", hello.body);
    let result = &hello.body["result"];
    assert_eq!(result["protocolVersion"], HANDSHAKE);
    assert_eq!(result["serverInfo"]["name"], "paperkin");
    assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    let instructions = result["instructions"].as_str().expect("instructions");
    assert!(instructions.contains("300 papers") && instructions.contains("its newest day is 20"), "{instructions}");
    assert!(!hello.headers.contains_key("mcp-session-id"), "no session is kept");
    let noted = send(&server, None, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!((noted.status, noted.body), (202, Value::Null));
    let listed = send(&server, None, &request(2, "tools/list", json!({})));
    let tools = listed.body["result"]["tools"].as_array().expect("tools");
    assert_eq!(tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect::<Vec<_>>(), TOOLS);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!((&tool["inputSchema"]["type"], &tool["outputSchema"]["type"]), (&json!("object"), &json!("object")));
    }

    // Without a handshake every message says for itself what it is.
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": STATELESS,
                       "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
                       "io.modelcontextprotocol/clientCapabilities": {} });
    let alone = |method: &str, named: Option<&str>, mut params: Value| {
        params["_meta"] = meta.clone();
        let mut headers = vec![("content-type", "application/json"), ("mcp-protocol-version", STATELESS)];
        headers.extend([("accept", "application/json, text/event-stream"), ("mcp-method", method)]);
        headers.extend(named.map(|name| ("mcp-name", name)));
        server.request_with("POST", "/mcp", &headers, request(3, method, params).to_string().as_bytes())
    };
    let discovered = alone("server/discover", None, json!({}));
    assert_eq!(discovered.status, 200, "{}", discovered.body);
    assert!(discovered.body["result"]["instructions"].as_str().is_some_and(|text| text.contains("300 papers")));
    let versions = discovered.body["result"]["supportedVersions"].as_array().expect("versions");
    assert!([HANDSHAKE, STATELESS].iter().all(|version| versions.contains(&json!(version))), "{versions:?}");
    let call = json!({ "name": "get_paper", "arguments": { "id": "p/3" } });
    let got = alone("tools/call", Some("get_paper"), call);
    assert_eq!(got.body["result"]["structuredContent"]["id"], "p/3", "{}", got.body);

    // There are no streams and no sessions, and a body that is none is told in our words.
    for method in ["GET", "DELETE"] {
        let refused = server.request(method, "/mcp", None, b"");
        assert_eq!((error(&refused).0, refused.headers["allow"].as_bytes()), (405, &b"POST"[..]));
    }
    assert_eq!(server.request("POST", "/mcp", Some("text/plain"), b"{}").status, 415);
    let curl = server.post("/mcp", &request(4, "tools/list", json!({})));
    assert!(curl.status == 200 && curl.body["result"]["tools"].is_array(), "an Accept of less is no hurdle");
}

#[test]
fn every_tool_gives_what_the_api_gives_and_a_text() {
    let folder = filled();
    folder.json(&["themes"]);
    let server = Server::start(&folder);
    let ask = |name: &str, arguments: Value| tool(&server, None, name, arguments);
    let searched = ask("search_papers", json!({ "query": "topic3 words", "limit": 5, "category": ["c.1"] }));
    assert_eq!(found(&searched), ids_of(&server.get("/v1/search?q=topic3+words&limit=5&category=c.1")));
    let first = &searched["structuredContent"]["papers"][0];
    assert!(first["score"].is_number() && first["reason"].is_string() && first.get("abstract").is_none(), "{first}");
    let shown = text(&searched);
    assert!(shown.contains("“topic3 words”") && shown.contains("\n1. Paper number"), "{shown}");
    assert!(found(&searched).iter().all(|id| shown.contains(id)), "{shown}");
    let next = ask("search_papers", json!({ "query": "topic3 words", "limit": 2, "offset": 2, "abstracts": true }));
    assert!(text(&next).contains("\n3. ") && text(&next).contains("Some words about"), "{}", text(&next));

    let similar = ask("similar_papers", json!({ "id": "p/3", "limit": 4 }));
    assert_eq!(found(&similar), ids_of(&server.get("/v1/similar?id=p/3&limit=4")));
    let wanted = json!({ "like": ["p/3", "p/10"], "dislike": ["p/4"], "limit": 6, "from": "2026-02" });
    assert_eq!(found(&ask("recommend_papers", wanted.clone())), ids_of(&server.post("/v1/recommend", &wanted)));
    let wanted = json!({ "user": "ada", "limit": 6 });
    assert_eq!(found(&ask("recommend_papers", wanted.clone())), ids_of(&server.post("/v1/recommend", &wanted)));

    let day = ask("daily_feed", json!({ "date": "2026-03", "limit": 5 }));
    assert_eq!(found(&day), ids_of(&server.get("/v1/papers?date=2026-03&sort=upvotes&limit=5")));
    let narrowed = ask("daily_feed", json!({ "date": "2026-03", "category": ["C"], "limit": 2 }));
    assert_eq!(narrowed["structuredContent"]["meta"]["total"], day["structuredContent"]["meta"]["total"]);
    let narrowed = ask("daily_feed", json!({ "date": "2026-03", "author": ["author 2"], "limit": 50 }));
    let papers = narrowed["structuredContent"]["papers"].as_array().expect("papers");
    assert!(!papers.is_empty() && papers.iter().all(|p| p["authors"][0] == "Author 2"), "{papers:?}");
    let feed = ask("daily_feed", json!({ "user": "ada", "date": "2026", "limit": 5 }));
    assert_eq!(found(&feed), ids_of(&server.get("/v1/users/ada/feed?date=2026&limit=5")));
    assert!(text(&feed).contains("for ada"), "{}", text(&feed));
    let newest = ask("daily_feed", json!({}));
    assert!(!found(&newest).is_empty() && newest["structuredContent"]["meta"]["from"].is_string());

    let paper = ask("get_paper", json!({ "id": "p/3" }));
    let own = server.get("/v1/papers/p%2F3").body;
    for field in ["id", "title", "abstract", "authors", "date", "categories"] {
        assert_eq!(paper["structuredContent"][field], own[field], "{field}");
    }
    assert!(text(&paper).starts_with("# Paper number3") && text(&paper).contains("## Abstract"), "{}", text(&paper));

    let themes = ask("themes", json!({ "level": 0 }));
    let own = server.get("/v1/themes?level=0").body;
    assert_eq!(themes["structuredContent"]["themes"], own["themes"]);
    let id = own["themes"][0]["id"].as_str().expect("a theme").to_string();
    assert!(text(&themes).contains(&format!("({id})")), "{}", text(&themes));
    let one = ask("themes", json!({ "id": id, "limit": 3 }));
    assert_eq!(found(&one), ids_of(&server.get(&format!("/v1/themes/{id}?limit=3"))));
}

#[test]
fn errors_are_for_the_model_and_say_what_the_api_says() {
    let folder = filled();
    let server = Server::start(&folder);
    let message = |reply: Reply| error(&reply).2.to_string();
    for (name, arguments, wanted) in [
        ("get_paper", json!({ "id": "nobody" }), message(server.get("/v1/papers/nobody"))),
        ("similar_papers", json!({ "id": "nobody" }), message(server.get("/v1/similar?id=nobody"))),
        ("similar_papers", json!({}), message(server.get("/v1/similar"))),
        ("search_papers", json!({ "query": "" }), message(server.get("/v1/search?q="))),
        ("search_papers", json!({ "query": "x", "from": "soon" }), message(server.get("/v1/search?q=x&from=soon"))),
        (
            "search_papers",
            json!({ "query": "x", "from": "2026", "to": "2020" }),
            message(server.get("/v1/search?q=x&from=2026&to=2020")),
        ),
        ("recommend_papers", json!({}), message(server.post("/v1/recommend", &json!({})))),
        (
            "recommend_papers",
            json!({ "like": ["p/3", "nobody"] }),
            message(server.post("/v1/recommend", &json!({ "like": ["p/3", "nobody"] }))),
        ),
        ("daily_feed", json!({ "user": "nobody" }), message(server.get("/v1/users/nobody/feed"))),
        ("themes", json!({ "level": 1, "about": 3 }), message(server.get("/v1/themes?level=1&about=3"))),
    ] {
        let result = tool(&server, None, name, arguments.clone());
        assert_eq!((result["isError"].as_bool(), text(&result)), (Some(true), wanted.as_str()), "{name} {arguments}");
    }
    for (name, arguments, words) in [
        ("search_papers", json!({ "query": "x", "limit": 1000 }), "limit is 1000; it goes from 1 to 100"),
        ("search_papers", json!({ "query": "x", "limit": 0 }), "limit is 0; it goes from 1 to 100"),
        ("search_papers", json!({ "query": "x", "limit": "many" }), "limit is \"many\"; it must be a whole number"),
        ("search_papers", json!({ "q": "x" }), "there is no parameter or field `q` here; search_papers takes query"),
        ("get_paper", json!({ "id": 7 }), "id: "),
    ] {
        let result = tool(&server, None, name, arguments);
        assert!(result["isError"] == true && text(&result).contains(words), "{words}: {result}");
    }
    let unknown =
        send(&server, None, &request(5, "tools/call", json!({ "name": "delete_everything", "arguments": {} })));
    assert_eq!(unknown.body["error"]["code"], -32602, "{}", unknown.body);
    let unknown = send(&server, None, &request(5, "prompts/list", json!({})));
    assert_eq!(unknown.body["error"]["code"], -32601, "{}", unknown.body);
    let post = |body: &[u8]| server.request("POST", "/mcp", Some("application/json"), body);
    for (body, status, words) in [
        (&b"nonsense"[..], 400, "the body is not JSON"),
        (b"{\"hello\": 1}", 400, "no message of the Model Context Protocol"),
        (b"[]", 400, "no message of the Model Context Protocol"),
        (&vec![b' '; 2 << 20], 413, "longer than 1048576 bytes"),
    ] {
        let refused = post(body);
        let (found, _, message) = error(&refused);
        assert!(found == status && message.contains(words), "{status} {words}: {found} {message}");
    }
    let null = tool(&server, None, "search_papers", json!({ "query": "topic3", "from": null, "limit": null }));
    assert_eq!(found(&null).len(), 10);
}

#[test]
fn papers_and_feeds_are_resources() {
    let folder = filled();
    let server = Server::start(&folder);
    let listed = send(&server, None, &request(1, "resources/list", json!({}))).body;
    let uris: Vec<&str> =
        listed["result"]["resources"].as_array().expect("a list").iter().filter_map(|r| r["uri"].as_str()).collect();
    assert_eq!(uris, ["feed://today"]);
    let templates = send(&server, None, &request(1, "resources/templates/list", json!({}))).body;
    assert_eq!(templates["result"]["resourceTemplates"][0]["uriTemplate"], "paper://{id}");
    let read = |uri: &str| send(&server, None, &request(2, "resources/read", json!({ "uri": uri }))).body;
    for uri in ["paper://p%2F3", "paper://p/3", "paper:///p/3"] {
        let contents = &read(uri)["result"]["contents"][0];
        assert_eq!((&contents["mimeType"], &contents["uri"]), (&json!("text/markdown"), &json!(uri)));
        assert!(contents["text"].as_str().is_some_and(|text| text.starts_with("# Paper number3")), "{contents}");
    }
    let today = read("feed://today");
    assert!(today["result"]["contents"][0]["text"].as_str().is_some_and(|text| text.contains("\n1. Paper")), "{today}");
    let ada = read("feed://reader/ada");
    assert!(ada["result"]["contents"][0]["text"].as_str().is_some_and(|text| text.contains("for ada")), "{ada}");
    for uri in ["paper://nobody", "feed://reader/nobody", "feed://tomorrow", "file:///etc/passwd", ""] {
        let refused = read(uri);
        assert_eq!(refused["error"]["code"], -32002, "{uri}: {refused}");
    }
}

#[test]
fn a_key_opens_what_it_opens_elsewhere() {
    let folder = filled();
    let add =
        |args: &[&str]| folder.json(&[&["keys", "add"], args].concat())[0]["key"].as_str().expect("a key").to_string();
    let (reading, acting, ada) = (add(&["r"]), add(&["u", "--scope", "users"]), add(&["a", "--user", "ada"]));
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_AUTH_MODE", "keys");
    let server = Server::spawn(command);
    let refused = send(&server, None, &hello());
    assert_eq!(error(&refused).0, 401);
    assert!(refused.headers["www-authenticate"].to_str().is_ok_and(|how| how.starts_with("Bearer")));
    assert_eq!(error(&send(&server, Some("pk_wrong"), &hello())).0, 401);
    assert_eq!(send(&server, Some(&reading), &hello()).status, 200);

    let feed = |key: &str, arguments: Value| tool(&server, Some(key), "daily_feed", arguments);
    let own = feed(&ada, json!({ "date": "2026" }));
    assert_eq!(own["structuredContent"]["meta"]["user"], "ada");
    assert_eq!(found(&own), found(&feed(&acting, json!({ "user": "ada", "date": "2026" }))));
    assert!(feed(&acting, json!({}))["structuredContent"]["meta"].get("user").is_none());
    for result in [
        feed(&reading, json!({ "user": "ada" })),
        feed(&ada, json!({ "user": "bob" })),
        tool(&server, Some(&reading), "recommend_papers", json!({ "user": "ada" })),
    ] {
        assert!(result["isError"] == true && text(&result).contains("`users`; yours may not do that"), "{result}");
    }
    let listed = send(&server, Some(&ada), &request(1, "resources/list", json!({}))).body;
    assert_eq!(listed["result"]["resources"][1]["uri"], "feed://reader/ada");
    let read = request(2, "resources/read", json!({ "uri": "feed://reader/ada" }));
    assert!(send(&server, Some(&ada), &read).body["result"].is_object());
    let refused = send(&server, Some(&reading), &read).body;
    assert!(refused["error"]["message"].as_str().is_some_and(|m| m.contains("may not do that")), "{refused}");

    // The same rules for hosts and pages of other sites as everywhere.
    let headers = |name, value| vec![("content-type", "application/json"), (name, value)];
    let body = hello().to_string();
    let elsewhere = server.request_with("POST", "/mcp", &headers("host", "evil.example"), body.as_bytes());
    assert_eq!(error(&elsewhere).0, 421);
    let page = server.request_with("POST", "/mcp", &headers("origin", "https://evil.example"), body.as_bytes());
    assert_eq!(error(&page).0, 403);
}

/// A process that speaks the protocol in lines.
struct Spoken {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    said: std::thread::JoinHandle<String>,
}

impl Spoken {
    fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("starts");
        let (send, lines) = channel();
        let out = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut err = child.stderr.take().expect("piped");
        let said = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        Spoken { input: child.stdin.take(), child, lines, said }
    }

    fn tell(&mut self, message: &Value) {
        writeln!(self.input.as_mut().expect("open"), "{message}").expect("heard");
    }

    /// The next line, which is nothing but JSON.
    fn line(&self) -> Value {
        let line = self.lines.recv_timeout(Duration::from_secs(60)).expect("an answer");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.tell(&request(id, method, params));
        let answer = self.line();
        assert_eq!(answer["id"], id, "{answer}");
        answer["result"].clone()
    }

    fn shake_hands(&mut self) -> Value {
        self.tell(&hello());
        let answer = self.line()["result"].clone();
        self.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        answer
    }

    /// Says nothing more, and hears the end: its exit status, and what it said on stderr.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let status = self.child.wait().expect("ends");
        assert!(self.lines.recv_timeout(Duration::from_secs(5)).is_err(), "nothing is left to be said");
        (status.code(), self.said.join().expect("read"))
    }
}

/// What is asked in lines, and what came of it.
fn conversation(command: Command) -> (Vec<Value>, String) {
    let mut spoken = Spoken::start(command);
    let hello = spoken.shake_hands();
    assert_eq!(hello["serverInfo"]["name"], "paperkin", "{hello}");
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    let mut answers = vec![
        spoken.ask(2, "tools/list", json!({})),
        spoken.ask(3, "tools/call", call("search_papers", json!({ "query": "topic3 words", "limit": 3 }))),
        spoken.ask(4, "tools/call", call("daily_feed", json!({ "date": "2026", "limit": 4 }))),
        spoken.ask(5, "tools/call", call("get_paper", json!({ "id": "nobody" }))),
        spoken.ask(6, "resources/read", json!({ "uri": "paper://p/3" })),
        spoken.ask(7, "tools/call", call("themes", json!({ "level": 0 }))),
    ];
    for answer in &mut answers {
        if let Some(meta) = answer["structuredContent"]["meta"].as_object_mut() {
            ["took_ms", "run_at"].iter().for_each(|name| drop(meta.shift_remove(*name)));
        }
    }
    let (status, said) = spoken.end();
    assert_eq!(status, Some(0), "{said}");
    (answers, said)
}

#[test]
fn lines_are_answered_over_a_folder_that_nobody_serves() {
    let folder = filled();
    let (answers, said) = conversation(folder.command(&["mcp", "--user", "ada"]));
    assert_eq!(answers[0]["tools"].as_array().map(Vec::len), Some(TOOLS.len()));
    assert_eq!(found(&answers[1]).len(), 3);
    assert_eq!(answers[2]["structuredContent"]["meta"]["user"], "ada");
    assert_eq!((&answers[3]["isError"], text(&answers[3])), (&json!(true), "no paper has the id \"nobody\""));
    assert!(answers[4]["contents"][0]["text"].as_str().is_some_and(|text| text.starts_with("# Paper number3")));
    assert!(answers[5]["structuredContent"]["themes"].as_array().is_some_and(|t| !t.is_empty()), "{}", answers[5]);
    assert!(!said.contains("warning") && !said.contains("error"), "{said}");
    // Whoever says nothing is served nothing; and what is not the protocol is told where it is not in the way.
    let silent = folder.run(&["mcp"]);
    assert_eq!((silent.status, silent.out.as_str()), (Some(0), ""), "{}", silent.err);
    let nobody = folder.run(&["mcp", "--user", "somebody"]);
    assert!(nobody.err.contains("nothing is known of somebody"), "{}", nobody.err);
    let empty = Folder::new().run(&["mcp"]);
    assert!(
        empty.status == Some(1) && empty.out.is_empty() && empty.err.contains("no such data folder"),
        "{}",
        empty.err
    );
}

#[cfg(unix)]
#[test]
fn lines_are_answered_by_the_service_of_a_folder_that_is_served() {
    let folder = filled();
    folder.json(&["themes"]);
    let (alone, _) = conversation(folder.command(&["mcp"]));
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    // Its own folder needs no key: who may open it may do everything with it.
    command.env("PAPERKIN_AUTH_MODE", "keys");
    let mut server = Server::spawn(command);
    let (served, said) = conversation(folder.command(&["mcp"]));
    assert_eq!(served, alone, "{said}");
    // Who has gone leaves nothing behind, and a service that ends says so.
    let mut killed = Spoken::start(folder.command(&["mcp"]));
    killed.shake_hands();
    killed.child.kill().expect("killed");
    killed.child.wait().expect("ends");
    let mut open = Spoken::start(folder.command(&["mcp"]));
    open.shake_hands();
    let began = std::time::Instant::now();
    server.signal("TERM");
    let (status, said) = (open.child.wait().expect("ends").code(), open.said.join().expect("read"));
    assert!(status == Some(1) && said.contains("the service is ending"), "{status:?} {said}");
    server.child.wait().expect("ends");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[cfg(unix)]
#[test]
fn several_clients_and_commands_share_a_folder_that_one_has_open() {
    let folder = filled();
    let mut first = Spoken::start(folder.command(&["mcp"]));
    first.shake_hands();
    let (answers, _) = conversation(folder.command(&["mcp"]));
    assert_eq!(found(&answers[1]).len(), 3);
    let more = folder.file("more.jsonl", papers(310));
    assert_eq!(folder.json(&["ingest", &more])[0]["accepted"], 10);
    let paper = first.ask(9, "tools/call", json!({ "name": "get_paper", "arguments": { "id": "p/309" } }));
    assert_eq!(paper["structuredContent"]["id"], "p/309", "{paper}");
    let refused = folder.run(&["serve", "--addr", "127.0.0.1:0"]);
    assert!(refused.status == Some(1) && refused.err.contains("`paperkin mcp`"), "{}", refused.err);
    assert_eq!(first.end().0, Some(0));
    assert_eq!(folder.papers(), 310);
}
