//! Who may do what: hosts, keys, and the proof for every reader.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Folder, Reply, Server, error, is_of_another_service, paper, papers};

/// The command of a service that asks for keys.
fn asking_for_keys(folder: &Folder) -> Command {
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_AUTH_MODE", "keys");
    command
}

fn add_key(folder: &Folder, args: &[&str]) -> Value {
    folder.json(&[&["keys", "add"], args].concat()).remove(0)
}

fn text<'a>(key: &'a Value, name: &str) -> &'a str {
    key[name].as_str().unwrap_or_else(|| panic!("{name}: {key}"))
}

/// A request with a key, or none, of a client that has never guessed: a proxy of this machine says so.
fn ask_anew(server: &Server, key: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Reply {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let client = std::net::Ipv4Addr::from((203 << 24) + NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    asked(server, key, method, path, body, &[("x-forwarded-for", &client.to_string())])
}

/// A request with a key, or none.
fn ask(server: &Server, key: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Reply {
    asked(server, key, method, path, body, &[])
}

fn asked(
    server: &Server,
    key: Option<&str>,
    method: &str,
    path: &str,
    body: Option<&Value>,
    further: &[(&str, &str)],
) -> Reply {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    headers.extend(body.map(|_| ("content-type", "application/json")));
    headers.extend(further);
    let body = body.map(Value::to_string).unwrap_or_default();
    server.request_with(method, path, &headers, body.as_bytes())
}

/// What a raw request is answered with.
fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// The name of the reader whose data nobody else may see.
const ADA: &str = "ada-quixotic";

/// Papers, a reader with everything that a reader can have, and one key of each kind.
struct Group {
    folder: Folder,
    server: Server,
    admin: String,
    ada: String,
    bob: String,
    reading: String,
    writing: String,
    acting: String,
    revoked: String,
    expired: String,
}

fn group() -> Group {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(120));
    folder.json(&["ingest", &file]);
    let add = |args: &[&str]| text(&add_key(&folder, args), "key").to_string();
    let admin = add(&["root", "--scope", "admin"]);
    let server = Server::spawn(asking_for_keys(&folder));
    // Made while it is served.
    let revoked = add_key(&folder, &["gone", "--scope", "admin"]);
    assert_eq!(ask(&server, Some(text(&revoked, "key")), "GET", "/v1/keys", None).status, 200);
    assert_eq!(folder.run(&["keys", "revoke", text(&revoked, "id")]).status, Some(0));
    let group = Group {
        admin,
        ada: add(&["hers", "--user", ADA]),
        bob: add(&["his", "--user", "bob", "--scope", "write"]),
        reading: add(&["reads", "--scope", "read"]),
        writing: add(&["writes", "--scope", "write"]),
        acting: add(&["acts", "--scope", "users"]),
        revoked: text(&revoked, "key").to_string(),
        expired: {
            let body = json!({ "name": "short", "scopes": ["admin"], "expires": soon() });
            let admin = folder.json(&["keys", "list"]);
            assert!(admin.len() > 3);
            add_by(&server, &folder, &body)
        },
        server,
        folder,
    };
    let events: Vec<Value> = (0..12).map(|k| json!({ "paper": format!("p/{}", k * 7), "kind": "like" })).collect();
    let as_ada = |method: &str, path: &str, body: &Value| {
        let reply = ask(&group.server, Some(&group.ada), method, &format!("/v1/users/{ADA}/{path}"), Some(body));
        assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.body);
        reply.body
    };
    as_ada("POST", "events", &json!({ "events": events }));
    let list = json!({ "text": "Quixotic krill that nobody has counted", "format": "titles", "embed_missing": true });
    as_ada("POST", "history", &list);
    as_ada("POST", "token", &json!({}));
    std::thread::sleep(Duration::from_millis(2500));
    group
}

/// A moment that is over when the group is made.
fn soon() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_micros();
    paperkin::user::Moment(i64::try_from(now).expect("small") + 2_000_000).to_string()
}

/// A key by a call over HTTP, with an admin key of its own.
fn add_by(server: &Server, folder: &Folder, body: &Value) -> String {
    let maker = add_key(folder, &["maker", "--scope", "admin"]);
    let made = ask(server, Some(text(&maker, "key")), "POST", "/v1/keys", Some(body));
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.headers["cache-control"], "no-store");
    text(&made.body, "key").to_string()
}

impl Group {
    /// Everything that a refused call could have changed.
    fn state(&self) -> Vec<Value> {
        let paths = [
            "/v1/papers?limit=200".to_string(),
            "/v1/users".into(),
            format!("/v1/users/{ADA}/events?limit=500"),
            format!("/v1/users/{ADA}/imports"),
            format!("/v1/users/{ADA}/outside"),
            format!("/v1/users/{ADA}/interests"),
        ];
        let mut state: Vec<Value> =
            paths.iter().map(|path| ask(&self.server, Some(&self.admin), "GET", path, None).body).collect();
        let mut keys = ask(&self.server, Some(&self.admin), "GET", "/v1/keys", None).body;
        keys["keys"].as_array_mut().expect("keys").iter_mut().for_each(|key| drop(key["last_used"].take()));
        state.push(keys);
        state
    }
}

/// An operation of the document.
struct Operation {
    method: String,
    path: String,
    id: String,
    takes_body: bool,
    /// The scope that the document names; none where nothing is needed.
    needs: Option<String>,
    is_of_another_service: bool,
}

impl Operation {
    fn is_of_a_reader(&self) -> bool {
        // A link to sign in outlasts whatever it was made with, so no reader makes one.
        self.path.contains("{user}") && self.needs.is_some() && self.id != "make_sign_in_link"
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, said) in item.as_object().expect("a path") {
            let security = said["security"].as_array().unwrap_or_else(|| panic!("{method} {path} says nothing"));
            let needs = security.iter().find_map(|way| Some(way["key"].as_array()?[0].as_str()?.to_string()));
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                id: said["operationId"].as_str().expect("a name").to_string(),
                takes_body: said["requestBody"].is_object(),
                needs,
                is_of_another_service: is_of_another_service(said),
            });
        }
    }
    all
}

/// A body with which an operation would do something.
fn body(id: &str) -> Value {
    match id {
        "embed" => json!({ "inputs": ["whales"], "kind": "query" }),
        "put_papers" => json!({ "papers": [paper(900)] }),
        "recommend" => json!({ "like": ["p/1"] }),
        "search_long" => json!({ "q": "topic3" }),
        "similar_papers_of_each" => json!({ "ids": ["p/1"] }),
        "themes_of_selection" => json!({ "q": "topic3" }),
        "put_user" => json!({ "per_author": 2 }),
        "add_events" => json!({ "events": [{ "paper": "p/5", "kind": "save" }] }),
        "preview_feed" => json!({ "events": [] }),
        "rank_for_user" => json!({ "candidates": ["p/1", "p/2"] }),
        "add_events_of_many" => json!({ "events": [{ "user": ADA, "paper": "p/7", "kind": "like" }] }),
        "import_history" => json!({ "text": "p/9\n", "format": "ids" }),
        "patch_interest" => json!({ "weight": 2.0 }),
        "make_folder" | "rename_folder" => json!({ "name": "quixotic" }),
        "file_papers" => json!({ "papers": ["p/3"] }),
        "put_note" => json!({ "text": "quixotic" }),
        "get_opinions" => json!({ "ids": ["p/3"] }),
        "make_key" => json!({ "name": "another" }),
        _ => json!({}),
    }
}

fn address(operation: &Operation, reader: &str) -> String {
    let id = match () {
        () if operation.path.contains("/interests/") => "i1",
        () if operation.path.contains("/themes/") => "t1",
        // Without it the page is led to, and who is led takes no key along.
        () if operation.path == "/papers/{id}" => "p%2F3.md",
        () => "p%2F3",
    };
    let path = operation.path.replace("{user}", reader).replace("{id}", id).replace("{import}", "1");
    let path = path.replace("{paper}", "p%2F3");
    let query = match operation.path.as_str() {
        "/v1/search" if operation.method == "GET" => "?q=topic3",
        "/v1/search.atom" => "?q=topic3",
        "/v1/similar" => "?id=p/3",
        "/v1/users/{user}/feed.atom" | "/v1/users/{user}/feed.json" => "?token=wrong",
        _ => "",
    };
    format!("{}{query}", path.replace("{name}", "interests"))
}

#[test]
fn every_route_lets_in_whom_the_table_names_and_nobody_else() {
    let group = group();
    let server = &group.server;
    let document = server.get("/openapi.json").body;
    let all = operations(&document);
    assert!(all.len() > 45, "blind: {}", all.len());
    let before = group.state();
    let mut refusals = 0;
    for operation in &all {
        let body = operation.takes_body.then(|| body(&operation.id));
        let path = address(operation, ADA);
        let call = |key: Option<&str>, path: &str| ask_anew(server, key, &operation.method, path, body.as_ref());
        let needs = operation.needs.as_deref();
        for (who, key, allowed) in [
            ("nobody", None, needs.is_none()),
            ("revoked", Some(&group.revoked), needs.is_none()),
            ("expired", Some(&group.expired), needs.is_none()),
            ("bob", Some(&group.bob), matches!(needs, None | Some("read" | "write")) && !operation.is_of_a_reader()),
            ("reading", Some(&group.reading), matches!(needs, None | Some("read")) && !operation.is_of_a_reader()),
            ("writing", Some(&group.writing), matches!(needs, None | Some("read" | "write"))),
            ("acting", Some(&group.acting), matches!(needs, None | Some("read" | "users"))),
        ] {
            // What is allowed is tried below, where it may change something.
            if allowed {
                continue;
            }
            let wanted = if ["nobody", "revoked", "expired"].contains(&who) { 401 } else { 403 };
            let what = format!("{who}: {} {path}", operation.method);
            let reply = call(key.map(String::as_str), &path);
            if operation.is_of_another_service {
                // Some of their clients know no 401.
                assert!([wanted, 403].contains(&reply.status), "{what}: {} {}", reply.status, reply.body);
            } else {
                let code = if wanted == 401 { "unauthorized" } else { "forbidden" };
                assert_eq!((error(&reply).0, error(&reply).1), (wanted, code), "{what}: {}", reply.body);
                assert_eq!(reply.headers.contains_key("www-authenticate"), wanted == 401, "{what}");
            }
            assert!(!reply.body.to_string().to_lowercase().contains("quixotic"), "{what}: {}", reply.body);
            if operation.is_of_a_reader() {
                let of_none = call(key.map(String::as_str), &address(operation, "nobody-of-this-name"));
                assert_eq!((of_none.status, of_none.body), (reply.status, reply.body), "{what}");
            }
            refusals += 1;
        }
    }
    assert!(refusals > 150, "blind: {refusals}");
    assert_eq!(group.state(), before, "something that was refused was done");
    // Whom the table names gets through: with the key of the reader, and with one that may do everything.
    for operation in all.iter().filter(|o| !o.id.starts_with("delete_") && o.needs.is_some()) {
        let body = operation.takes_body.then(|| body(&operation.id));
        let path = address(operation, ADA);
        let mut keys = vec![&group.admin];
        keys.extend(operation.is_of_a_reader().then_some(&group.ada));
        keys.extend((operation.needs.as_deref() == Some("read")).then_some(&group.reading));
        keys.extend((operation.needs.as_deref() == Some("write")).then_some(&group.writing));
        keys.extend((operation.needs.as_deref() == Some("users")).then_some(&group.acting));
        for key in keys {
            let reply = ask(server, Some(key), &operation.method, &path, body.as_ref());
            let is_refused = [401, 403, 421, 429].contains(&reply.status) || reply.status >= 500 && reply.status != 503;
            assert!(!is_refused, "{} {path}: {} {}", operation.method, reply.status, reply.body);
        }
    }
}

#[test]
fn readers_that_a_body_names_are_behind_the_same_proof() {
    let group = group();
    let server = &group.server;
    let recommend = |key: &str, user: &str| {
        ask(server, Some(key), "POST", "/v1/recommend", Some(&json!({ "user": user, "limit": 3 })))
    };
    assert_eq!(recommend(&group.ada, ADA).status, 200);
    assert_eq!(recommend(&group.acting, ADA).status, 200);
    assert_eq!(recommend(&group.acting, "nobody-of-this-name").status, 404);
    for key in [&group.bob, &group.reading, &group.writing] {
        let (ada, none) = (recommend(key, ADA), recommend(key, "nobody-of-this-name"));
        assert_eq!(error(&ada).0, 403);
        assert_eq!(ada.body, none.body, "it does not show who there is");
    }
    // Names are compared to the byte, whatever way they are written.
    let feed = |name: &str| ask(server, Some(&group.bob), "GET", &format!("/v1/users/{name}"), None).status;
    assert_eq!((feed("bob"), feed("b%6Fb"), feed("Bob"), feed("bob%2F..%2Fada-quixotic")), (200, 200, 403, 403));
    assert_eq!((feed("bob%00"), feed("%20bob")), (403, 403));
    // Nobody hears by the token of a feed who there is.
    let atom = |name: &str| ask(server, None, "GET", &format!("/v1/users/{name}/feed.atom?token=x"), None);
    assert_eq!(atom(ADA).body, atom("nobody-of-this-name").body);
    let token = ask(server, Some(&group.ada), "POST", &format!("/v1/users/{ADA}/token"), None).body;
    let path = text(&token, "atom").to_string();
    assert_eq!(ask(server, None, "GET", &path, None).status, 200, "the token alone opens the feed");
    // Whoever forgets themselves loses their key with the rest.
    assert_eq!(ask(server, Some(&group.ada), "DELETE", &format!("/v1/users/{ADA}"), None).status, 204);
    assert_eq!(ask(server, Some(&group.ada), "GET", "/v1/papers", None).status, 401);
    let listed = group.folder.run(&["keys", "list"]);
    assert!(!listed.out.contains("quixotic") && listed.out.contains("acts"), "{}", listed.out);
}

#[test]
fn keys_are_made_listed_used_and_taken_back() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(5));
    folder.json(&["ingest", &file]);
    // The first start that needs a key prints one, and the next does not.
    let mut child = asking_for_keys(&folder).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut said = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("piped"));
    while !said.contains("serving on") {
        assert_ne!(std::io::BufRead::read_line(&mut stderr, &mut said).expect("readable"), 0, "{said}");
    }
    child.kill().expect("killed");
    let _ = child.wait();
    let key =
        said.split_whitespace().find(|word| word.starts_with("pk_") && word.len() == 80).expect("a key").to_string();
    assert_eq!(said.matches(&key).count(), 1, "{said}");
    let server = Server::spawn(asking_for_keys(&folder));
    let call = |key: &str, method: &str, path: &str, body: Option<&Value>| ask(&server, Some(key), method, path, body);
    let list = |key: &str| call(key, "GET", "/v1/keys", None).body["keys"].as_array().cloned().unwrap_or_default();
    assert_eq!(list(&key).len(), 1);
    for (body, status) in [
        (json!({ "name": "x", "scopes": ["admin"], "user": "ada" }), 422),
        (json!({ "name": "", "scopes": ["read"] }), 422),
        (json!({ "name": "x", "scopes": ["everything"] }), 400),
        (json!({ "name": "x", "expires": "yesterday" }), 400),
        (json!({ "name": "x", "expires": "2020-01-01" }), 422),
        (json!({ "name": "x", "secret": "y" }), 400),
        (json!({ "scopes": ["read"] }), 400),
    ] {
        assert_eq!(call(&key, "POST", "/v1/keys", Some(&body)).status, status, "{body}");
    }
    let wanted = json!({ "name": "crawler", "scopes": ["write", "read"], "user": null, "expires": "30d" });
    let made = call(&key, "POST", "/v1/keys", Some(&wanted)).body;
    let names: Vec<&str> = made.as_object().expect("a key").keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "name", "scopes", "user", "created", "expires", "key"]);
    assert_eq!((&made["scopes"], &made["user"]), (&json!(["read", "write"]), &Value::Null));
    let (id, crawler) = (text(&made, "id"), text(&made, "key"));
    assert!(crawler.starts_with(&format!("pk_{id}_")));
    // Over each of the headers, in whatever case.
    for (name, value) in [
        ("authorization", format!("Bearer {crawler}")),
        ("Authorization", format!("bEARER {crawler}")),
        ("x-api-key", crawler.to_string()),
    ] {
        let reply = server.request_with("GET", "/v1/papers", &[(name, &value)], b"");
        assert_eq!(reply.status, 200, "{name}: {}", reply.body);
    }
    let listed = list(&key);
    assert!(listed[1]["last_used"].is_string() && listed[1].get("key").is_none(), "{listed:?}");
    assert!(!json!(listed).to_string().contains(&crawler[20..]));
    // In an address it is refused, whether it is right or not.
    for query in
        [format!("key={crawler}"), format!("api_key={crawler}"), format!("q={crawler}"), "access_token=x".into()]
    {
        let reply = call(&key, "GET", &format!("/v1/search?{query}"), None);
        assert!(error(&reply).0 == 400 && error(&reply).2.contains("revoked"), "{}", reply.body);
    }
    // Taken back, it opens nothing from the next request on; and its use is known after an end of the service.
    assert_eq!(call(&key, "DELETE", &format!("/v1/keys/{id}"), None).status, 204);
    assert_eq!(call(&key, "DELETE", &format!("/v1/keys/{id}"), None).status, 404);
    assert_eq!(call(crawler, "GET", "/v1/papers", None).status, 401);
    server.signal("TERM");
    let mut server = server;
    assert!(server.child.wait().expect("ends").success());
    let keys = folder.json(&["keys", "list"]);
    assert!(keys.len() == 1 && keys[0]["last_used"].is_string(), "{keys:?}");
    assert!(folder.run(&["keys", "list"]).out.contains("first admin key"));
    assert_eq!(folder.run(&["keys", "revoke", "none"]).status, Some(1));
    assert_eq!(folder.run(&["keys", "add", "x", "--scope", "root"]).status, Some(2));
    let stored = std::fs::read(folder.data().join("papers.sqlite")).expect("there");
    let secret = key.rsplit('_').next().expect("a secret").as_bytes();
    assert!(!stored.windows(secret.len()).any(|window| window == secret), "the secret itself is nowhere");
}

#[test]
fn whoever_guesses_keys_waits_and_whoever_has_one_does_not() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(3))]);
    let key = add_key(&folder, &["reads"]);
    let server = Server::spawn(asking_for_keys(&folder));
    let guess = || ask(&server, Some("pk_0123456789ab_00"), "GET", "/v1/papers", None);
    let statuses: Vec<u16> = (0..25).map(|_| guess().status).collect();
    assert_eq!((statuses[0], statuses[24]), (401, 429), "{statuses:?}");
    assert!(guess().headers.contains_key("retry-after"));
    assert_eq!(ask(&server, Some(text(&key, "key")), "GET", "/v1/papers", None).status, 200);
    // Clients behind a proxy of this machine are told apart by what it says of them.
    let of = |client: &str| {
        let headers = [("authorization", "Bearer pk_0123456789ab_00"), ("x-forwarded-for", client)];
        server.request_with("GET", "/v1/papers", &headers, b"").status
    };
    assert_eq!(of("203.0.113.7"), 401);
    assert_eq!(of("1.1.1.1, 127.0.0.1"), 401);
    assert_eq!(guess().status, 429);
}

#[test]
fn an_open_service_takes_a_key_for_what_it_is() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(3))]);
    let key = add_key(&folder, &["reads"]);
    let server = Server::start(&folder);
    let delete = |key: Option<&str>| ask(&server, key, "DELETE", "/v1/papers/p%2F1", None).status;
    assert_eq!(delete(Some("pk_0123456789ab_00")), 401, "nobody believes in a key that does nothing");
    assert_eq!(delete(Some(text(&key, "key"))), 403);
    // What is no key of ours is not for us: clients of other services have to send something.
    assert_eq!(ask(&server, Some("hf_abc"), "GET", "/v1/papers", None).status, 200);
    assert_eq!(delete(None), 204);
}

#[test]
fn no_host_is_answered_but_its_own() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(3))]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0", "--public-url", "https://papers.example/lab"]);
    command.env("PAPERKIN_HOSTS", "Lab.local, box");
    let server = Server::spawn(command);
    let status = |request: &str| {
        let answer = raw(&server, request);
        answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap_or_else(|| panic!("{answer}"))
    };
    let of = |host: &str| status(&format!("GET /v1/papers HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"));
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]", "lab.local", "box:7878", "papers.example"] {
        assert_eq!(of(host), 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io:80",
        "192.168.1.1",
        "0.0.0.0",
        "evil.example:127.0.0.1",
    ] {
        assert!([421, 400].contains(&of(host)), "{host}: {}", of(host));
    }
    // In whatever way it is said, whatever is asked for, whoever asks.
    for (request, wanted) in [
        ("GET http://evil.example/v1/papers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 421),
        ("GET http://localhost/v1/papers HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 421),
        ("GET http://localhost/v1/papers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 200),
        ("GET /v1/papers HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 400),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\nhost: evil.example\r\n\r\n", 421),
        ("GET /healthz HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 421),
        ("GET /nothing/here HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 421),
        ("BREW /v1/papers HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 421),
        ("OPTIONS /v1/papers HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 421),
        ("DELETE /v1/papers/p%2F1 HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 421),
        ("GET /web/x/page.js HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 421),
        (
            "GET /v1/papers HTTP/1.1\r\nhost: evil.example\r\nauthorization: Bearer pk_x_y\r\nconnection: close\r\n\r\n",
            421,
        ),
    ] {
        assert_eq!(status(request), wanted, "{request}");
    }
    let told = raw(&server, "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    assert!(told.contains("\"misdirected\"") && told.contains("`hosts`"), "{told}");
    // Nothing that a stranger sends is on a line of its own.
    let told = raw(&server, "GET / HTTP/1.1\r\nhost: \"><script>\r\nconnection: close\r\n\r\n");
    assert!(told.starts_with("HTTP/1.1 400") && !told.contains("script"), "{told}");
    assert_eq!(of("localhost"), 200);
}

#[test]
fn no_service_is_open_to_other_machines_unless_somebody_says_so() {
    let folder = Folder::new();
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7878"] {
        for command in ["serve", "demo"] {
            let ran = folder.run(&[command, "--addr", addr]);
            let words = [addr, "mode = \"keys\"", "--insecure", "127.0.0.1"];
            assert!(ran.status == Some(1) && words.iter().all(|word| ran.err.contains(word)), "{}", ran.err);
            assert!(!folder.data().exists(), "{command} made something");
        }
    }
    folder.json(&["ingest", &folder.file("p.jsonl", papers(3))]);
    // Said, it is so; a literal address is nobody's name, and every name has to be given.
    let server = Server::spawn(folder.command(&["serve", "--addr", "0.0.0.0:0", "--insecure"]));
    let port = server.url.rsplit(':').next().expect("a port").to_string();
    let of = |host: &str| {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("connects");
        write!(stream, "GET /v1/papers HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.split(' ').nth(1).unwrap_or_default().to_string()
    };
    assert_eq!((of("192.168.1.7"), of("localhost"), of("evil.example")), ("200".into(), "200".into(), "421".into()));
    drop(server);
    let mut command = folder.command(&["serve", "--addr", "0.0.0.0:0"]);
    command.env("PAPERKIN_AUTH_MODE", "keys");
    let mut server = Server::spawn(command);
    server.url = server.url.replace("0.0.0.0", "127.0.0.1");
    assert_eq!(server.get("/v1/papers").status, 401);
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn readers_are_listed_and_forgotten_on_the_command_line() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(5))]);
    let list = folder.file("ids.txt", "p/1\np/2\n");
    assert_eq!(folder.run(&["history", "import", "ada", &list]).status, Some(0));
    let key = add_key(&folder, &["hers", "--user", "bob"]);
    let server = Server::start(&folder);
    for _ in 0..2 {
        let users = folder.json(&["users"]);
        let said: Vec<(&str, u64)> = users.iter().map(|u| (text(u, "id"), u["events"].as_u64().expect("n"))).collect();
        assert_eq!(said, [("ada", 2), ("bob", 0)]);
    }
    let ran = folder.run(&["users"]);
    assert!(
        ran.out.contains("2 events") && ran.out.lines().count() == 2 && ran.err.contains("2 readers"),
        "{}",
        ran.out
    );
    assert_eq!(folder.run(&["users", "delete", "bob"]).status, Some(0));
    assert_eq!(ask(&server, Some(text(&key, "key")), "GET", "/v1/papers", None).status, 401, "the key went with them");
    drop(server);
    assert_eq!(folder.run(&["users", "delete", "bob"]).status, Some(1));
    assert_eq!(folder.json(&["users"]).len(), 1);
}
