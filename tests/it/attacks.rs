//! Attacks of those who were not let in, and of those who were: over the real binary, which asks for keys.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Folder, Reply, Server, papers};

/// A service that asks for keys, and the key that may do everything.
struct Attacked {
    folder: Folder,
    server: Server,
    key: String,
}

fn attacked(settings: &[(&str, &str)]) -> Attacked {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(30))]);
    let made = folder.json(&["keys", "add", "operator", "--scope", "admin"]);
    let key = made[0]["key"].as_str().expect("a key").to_string();
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    // What one test asks in a second would be too often.
    command.env("PAPERKIN_AUTH_MODE", "keys").env("PAPERKIN_RATE_LIMIT", "0");
    command.envs(settings.iter().map(|(name, value)| (format!("PAPERKIN_{name}"), value)));
    let server = Server::spawn(command);
    Attacked { folder, server, key }
}

impl Attacked {
    fn ask(&self, method: &str, path: &str, key: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.server.request_with(method, path, &headers, &body)
    }

    fn own(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(method, path, &self.key, body)
    }

    /// A new key with these scopes, for one reader or for any.
    fn make(&self, scopes: &[&str], user: Option<&str>) -> Value {
        let made = self.own("POST", "/v1/keys", &json!({ "name": "made", "scopes": scopes, "user": user }));
        assert!(made.status < 300, "{}", made.body);
        made.body
    }

    /// Sends bytes, and gives back whatever comes until the service closes or says nothing for a second.
    fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.server.url.trim_start_matches("http://")).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
        let _ = stream.write_all(bytes.as_ref());
        let mut said = Vec::new();
        let mut part = [0; 4096];
        while let Ok(length) = stream.read(&mut part) {
            said.extend_from_slice(&part[..length]);
            if length == 0 {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// One request that closes its connection, with these lines in its head.
    fn lines(&self, request: &str, headers: &[&str]) -> String {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.raw(format!("{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"))
    }
}

fn status(said: &str) -> u16 {
    said.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Every operation that the document lists.
fn operations(attacked: &Attacked) -> Vec<(String, String)> {
    let document = attacked.server.get("/openapi.json").body;
    let paths = document["paths"].as_object().expect("paths");
    let methods = ["get", "post", "put", "patch", "delete"];
    let of_path = |(path, operations): (&String, &Value)| {
        let there = methods.iter().filter(|method| operations[**method].is_object());
        there.map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn nobody_reaches_another_reader_by_any_name() {
    let a = attacked(&[]);
    for user in ["ada", "eve"] {
        assert_eq!(a.own("PUT", &format!("/v1/users/{user}"), &json!({ "per_author": 3 })).status, 200);
    }
    a.own("POST", "/v1/users/ada/events", &json!({ "events": [{ "paper": "p/1", "kind": "like" }] }));
    let eve = a.make(&[], Some("eve"))["key"].as_str().expect("a key").to_string();
    let gone = a.make(&["admin"], None);
    assert_eq!(a.own("DELETE", &format!("/v1/keys/{}", gone["id"].as_str().expect("an id")), &Value::Null).status, 204);
    let gone = gone["key"].as_str().expect("a key").to_string();
    assert_eq!(a.ask("GET", "/v1/users/eve", &eve, &Value::Null).status, 200, "their own");
    let names = ["ada", "%61da", "Ada", "ada%00", "ada%20", "eve%2F..%2Fada", "..%2Fada", "*"];
    let mut tried = 0;
    for (method, path) in operations(&a).iter().filter(|(_, path)| path.contains("{user}")) {
        for name in names {
            let path = path.replace("{user}", name).replace("{id}", "p%2F1").replace("{import}", "1");
            let own_secret = path.ends_with("/feed.atom") || path.ends_with("/feed.json");
            for (who, key) in [("eve", eve.as_str()), ("revoked", &gone), ("nobody", "")] {
                let body = if ["GET", "DELETE"].contains(&method.as_str()) { Value::Null } else { json!({}) };
                let reply = a.ask(method, &path, key, &body);
                let refused = [401, 403, 404, 429].contains(&reply.status) || own_secret && reply.status == 400;
                assert!(refused && reply.body["error"]["code"].is_string(), "{who}: {method} {path}: {}", reply.status);
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
    assert_eq!(a.own("GET", "/v1/users/ada/events", &Value::Null).body["events"].as_array().map(Vec::len), Some(1));
}

#[test]
fn keys_of_every_size_and_shape_open_nothing() {
    let a = attacked(&[]);
    let id = a.key.split('_').nth(1).expect("an id");
    let mut wrong: Vec<String> =
        ["", "pk_", "pk__", "x", "null", "{}", "' or 1=1 --", "../../etc/passwd", "%00", "\u{e9}"]
            .map(String::from)
            .to_vec();
    wrong.extend([
        format!("pk_{id}_"),
        format!("pk_{id}_{}", "0".repeat(64)),
        format!("{}0", a.key),
        a.key[..a.key.len() - 1].to_string(),
        a.key.to_uppercase(),
        a.key.replace("pk_", "sk_"),
        "a".repeat(7_000),
        "a".repeat(90_000),
        "pk_".repeat(20_000),
    ]);
    let cookie = format!("cookie: paperkin-{}=", a.server.url.rsplit(':').next().expect("a port"));
    let headers = ["authorization: Bearer ", "authorization: Basic ", "authorization: ", "x-api-key: ", &cookie];
    let mut n = 0;
    for key in &wrong {
        for header in headers {
            n += 1;
            // As a client that never guessed before, so that each is looked at.
            let client = format!("x-forwarded-for: 192.0.2.{}", n % 250 + 1);
            let said = a.lines("GET /v1/keys", &[&format!("{header}{key}"), &client]);
            assert!([400, 401, 403, 431].contains(&status(&said)), "{header}{}: {said}", &key[..key.len().min(80)]);
        }
    }
    // Whoever has the right one was not slowed down by all that.
    let bearer = format!("authorization: Bearer {}", a.key);
    assert_eq!(status(&a.lines("GET /v1/keys", &[&bearer])), 200);
    let two = a.lines("GET /v1/keys", &[&bearer, "authorization: Bearer pk_a_b"]);
    assert_eq!(status(&two), 400, "{two}");
}

#[test]
fn a_key_in_an_address_opens_nothing_and_is_written_nowhere() {
    let a = attacked(&[("LOG", "paperkin=trace,info")]);
    let key = &a.key;
    for path in [
        format!("/v1/search?key={key}"),
        format!("/v1/search?q=topic1&access_token={key}"),
        format!("/v1/search?api_key={key}"),
        format!("/v1/users/ada/feed.atom?token={key}"),
        format!("/v1/keys/{key}"),
        format!("http://{key}@localhost/v1/keys"),
        format!("http://x:{key}@localhost/v1/keys"),
    ] {
        let said = a.lines(&format!("GET {path}"), &[]);
        assert!((400..500).contains(&status(&said)), "{said}");
    }
    a.lines("GET /v1/search?q=the-last-one", &[]);
    std::thread::sleep(Duration::from_millis(300));
    let (secret, log) = (key.rsplit('_').next().expect("a secret"), a.server.said());
    assert!(!log.contains(secret), "{log}");
    for file in crate::support::files_below(&a.folder.data()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{}", file.display());
    }
}

#[test]
fn no_path_climbs_out_of_where_it_begins() {
    let a = attacked(&[]);
    let steps = ["..", "%2e%2e", "..%2f", "%2e%2e%2f", "..%5c", "%c0%ae%c0%ae/", "....//", "..;/", "%252e%252e%252f"];
    for place in ["/", "/web/", "/docs/", "/v1/papers/", "/v1/users/", "/v1/keys/", "/v1/jobs/", "//", "/."] {
        for step in steps {
            for goal in ["etc/passwd", "papers.sqlite", "v1/keys", "proc/self/environ", "%00", "healthz"] {
                let path = format!("{place}{}{goal}", format!("{step}/").repeat(6));
                let said = a.lines(&format!("GET {path}"), &[&format!("authorization: Bearer {}", a.key)]);
                assert!((400..500).contains(&status(&said)), "{path}: {said}");
                assert!(
                    !said.contains("root:") && !said.contains("PATH=") && !said.contains("SQLite"),
                    "{path}: {said}"
                );
            }
        }
    }
}

/// A request that hides in what one of two readers takes for a body.
#[test]
fn one_request_is_never_two() {
    let a = attacked(&[]);
    let bearer = format!("authorization: Bearer {}\r\n", a.key);
    let hidden = |n: usize| {
        format!(
            "PUT /v1/users/smuggled-{n} HTTP/1.1\r\nhost: localhost\r\n{bearer}content-type: application/json\r\n\
             content-length: 2\r\n\r\n{{}}"
        )
    };
    let long = hidden(10).len();
    let ambiguous = [
        format!("content-length: 0\r\ncontent-length: {long}\r\n\r\n"),
        format!("content-length: {long}\r\ncontent-length: 0\r\n\r\n"),
        format!("content-length: 0, {long}\r\n\r\n"),
        format!("content-length: +{long}\r\n\r\n"),
        format!("content-length: -{long}\r\n\r\n"),
        format!("content-length: 0x{long:x}\r\n\r\n"),
        format!("content-length : {long}\r\n\r\n"),
        format!("x: y\r\n content-length: {long}\r\n\r\n"),
        format!("content-length: {long}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {long}\r\n\r\n0\r\n\r\n"),
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n".into(),
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n".into(),
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n".into(),
        "transfer-encoding: chunked\r\n\r\n-1\r\n\r\n".into(),
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n".into(),
        "content-length: 0\rx: y\r\n\r\n".into(),
        format!("x\0: y\r\ncontent-length: {long}\r\n\r\n"),
    ];
    let head = format!("POST /v1/search HTTP/1.1\r\nhost: localhost\r\n{bearer}content-type: application/json\r\n");
    for (n, lines) in ambiguous.iter().enumerate() {
        let said = a.raw(format!("{head}{lines}{}", hidden(10 + n)));
        assert!(said.matches("HTTP/1.1 ").count() <= 1, "{lines:?}: {said}");
        assert!(said.is_empty() || (400..500).contains(&status(&said)), "{lines:?}: {said}");
        let there = a.own("GET", &format!("/v1/users/smuggled-{}", 10 + n), &Value::Null);
        assert_eq!(there.status, 404, "{lines:?}: the hidden request was carried out");
    }
    // What is a body stays one.
    for (n, lines) in [
        format!("content-length: {long}\r\n\r\n{}", hidden(50)),
        format!("transfer-encoding: chunked\r\n\r\n{long:x}\r\n{}\r\n0\r\n\r\n", hidden(51)),
    ]
    .iter()
    .enumerate()
    {
        let said = a.raw(format!("{head}connection: close\r\n{lines}"));
        assert_eq!((status(&said), said.matches("HTTP/1.1 ").count()), (400, 1), "{said}");
        assert_eq!(a.own("GET", &format!("/v1/users/smuggled-{}", 50 + n), &Value::Null).status, 404);
    }
}

#[test]
fn nothing_that_is_sent_begins_a_line_or_a_header() {
    let a = attacked(&[("LOG", "paperkin=trace,info")]);
    let text = "%0d%0a%1b%5b31m%e2%80%ae%07FORGED%20200%0d%0aset-cookie:%20a=b";
    let (bearer, began) = (format!("authorization: Bearer {}", a.key), a.server.said().len());
    for path in [
        format!("/{text}"),
        format!("/v1/papers/{text}"),
        format!("/v1/users/{text}/feed"),
        format!("/v1/search?q={text}&mode={text}"),
        format!("/v1/keys/{text}"),
        format!("/v1/jobs/{text}/run"),
        format!("/docs/{text}"),
        format!("/web/{text}/{text}"),
        format!("/paper/{text}"),
        format!("/search?q={text}"),
        format!("/theme/{text}"),
        format!("/v1/users/ada/feed.atom?token={text}"),
    ] {
        for method in ["GET", "POST", "DELETE", "FORGED"] {
            let said = a.lines(
                &format!("{method} {path}"),
                &[
                    &bearer,
                    "x-request-id: a\tFORGED",
                    "user-agent: \tFORGED",
                    "x-forwarded-for: \tFORGED",
                    "content-length: 0",
                ],
            );
            let head = said.split("\r\n\r\n").next().unwrap_or_default();
            assert!(status(&said) > 0 && !head.contains('\u{1b}'), "{method} {path}: {said}");
            assert!(!head.lines().skip(1).any(|l| l.starts_with("FORGED") || l.starts_with("set-cookie: a")), "{head}");
        }
    }
    let name = "a\r\n\u{1b}[31mFORGED\u{202e}";
    a.own("POST", "/v1/keys", &json!({ "name": name, "scopes": ["read"] }));
    a.own("POST", "/v1/papers", &json!({ "id": name, "title": name }));
    std::thread::sleep(Duration::from_millis(300));
    let said = a.server.said();
    let log = &said[began..];
    assert!(!log.lines().any(|line| line.trim_start().starts_with("FORGED")), "{log}");
    let odd: Vec<char> = log.chars().filter(|c| c.is_control() && *c != '\n' || *c == '\u{202e}').collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn requests_of_other_times_are_answered_or_refused() {
    let a = attacked(&[]);
    let here = a.server.url.trim_start_matches("http://").to_string();
    for (request, wanted) in [
        ("GET /healthz HTTP/1.0\r\n\r\n".to_string(), 200),
        (format!("GET http://{here}/healthz HTTP/1.1\r\nhost: {here}\r\nconnection: close\r\n\r\n"), 200),
        (format!("GET http://evil.example/healthz HTTP/1.1\r\nhost: {here}\r\n\r\n"), 421),
        ("GET /healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n".into(), 421),
        ("GET /healthz HTTP/1.1\r\nhost: localhost.evil.example\r\n\r\n".into(), 421),
        ("GET /healthz HTTP/1.1\r\n\r\n".into(), 400),
        (format!("GET /healthz HTTP/1.1\r\nhost: {here}\r\nhost: evil.example\r\n\r\n"), 400),
        (
            format!(
                "GET /healthz HTTP/1.1\r\nhost: {here}\r\nx-forwarded-host: evil.example\r\nconnection: close\r\n\r\n"
            ),
            0,
        ),
        (format!("TRACE /healthz HTTP/1.1\r\nhost: {here}\r\nx-secret: hush-hush\r\n\r\n"), 405),
        (format!("CONNECT {here} HTTP/1.1\r\nhost: {here}\r\n\r\n"), 0),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 0),
        (format!("OPTIONS * HTTP/1.1\r\nhost: {here}\r\nconnection: close\r\n\r\n"), 0),
        ("GET /healthz\r\n\r\n".into(), 0),
        ("\u{16}\u{3}\u{1}\u{2}".into(), 0),
    ] {
        let said = a.raw(&request);
        assert!(status(&said) < 500 && !said.contains("hush-hush"), "{request:?}: {said}");
        assert!(wanted == 0 || status(&said) == wanted, "{request:?}: {said}");
    }
}

/// A page of another site gets nothing done, whatever it has the browser send.
#[test]
fn pages_of_other_sites_change_nothing() {
    let a = attacked(&[]);
    let bearer = format!("authorization: Bearer {}", a.key);
    for headers in [
        &["origin: https://evil.example"][..],
        &["origin: null", "sec-fetch-site: cross-site"],
        &["sec-fetch-site: cross-site"],
        &["host: evil.example"],
    ] {
        let said = a.lines("GET /v1/search?q=topic1", &[headers, &[bearer.as_str()]].concat());
        assert!(!said.to_lowercase().contains("access-control-allow-origin"), "{headers:?}: {said}");
        let asked = [headers, &["access-control-request-method: PUT", "access-control-request-headers: authorization"]];
        let said = a.lines("OPTIONS /v1/users/ada", &asked.concat());
        assert!(!said.to_lowercase().contains("access-control-allow"), "{headers:?}: {said}");
    }
    // Nothing a browser sends along by itself is a key.
    for headers in [&["cookie: key=1"][..], &["authorization: Basic YWRhOmFkYQ=="]] {
        let said = a.lines("DELETE /v1/papers/p%2F1", headers);
        assert_eq!(status(&said), 401, "{said}");
    }
}
