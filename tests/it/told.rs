//! What the service tells its operator: the log and the ids of requests. Figures are in `figures`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Folder, papers};

/// A service whose standard error goes into a file.
struct Logged {
    child: Child,
    url: String,
    log: std::path::PathBuf,
}

impl Logged {
    fn start(folder: &Folder, args: &[&str], env: &[(&str, &str)]) -> Self {
        let log = folder.path("log");
        let mut command = folder.command(&[&["serve", "--addr", "127.0.0.1:0"], args].concat());
        command.envs(env.iter().copied()).stderr(std::fs::File::create(&log).expect("a file")).stdout(Stdio::null());
        let child = command.spawn().expect("starts");
        let mut server = Logged { child, url: String::new(), log };
        let line = server.wait_for("serving on http://");
        server.url = line.split("http://").nth(1).expect("an address").split(' ').next().expect("one").to_string();
        server
    }

    fn log(&self) -> String {
        String::from_utf8(std::fs::read(&self.log).expect("the log")).expect("UTF-8")
    }

    /// The first line with a text.
    fn wait_for(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.split_inclusive('\n').find(|l| l.contains(text) && l.ends_with('\n')) {
                return line.trim_end_matches('\n').to_string();
            }
            assert!(began.elapsed() < Duration::from_secs(60), "never said {text:?}:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends bytes, and reads the answer to its end.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.url).expect("connects");
        stream.write_all(bytes).expect("sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str, headers: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n").as_bytes())
    }

    fn post(&self, path: &str, body: &Value) -> String {
        let body = body.to_string();
        let head = "host: localhost\r\nconnection: close\r\ncontent-type: application/json\r\nx-request-id: posted\r\n";
        self.send(format!("POST {path} HTTP/1.1\r\n{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a header of an answer.
fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().expect("a head");
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Whether a line of bytes could be more than a line, or steer what shows it.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[test]
fn every_request_has_an_id_and_one_line_that_names_nobody() {
    let folder = Folder::new();
    let server = Logged::start(&folder, &["--log", "json"], &[]);
    server.post("/v1/users/secretreader/events", &json!({ "events": [] }));
    let answers = [
        server.get("/v1/search?q=secretsearch", "x-request-id: given-1\r\n"),
        server.get("/v1/papers/secretpaper", "x-request-id: not this one\r\n"),
        server.get("/no/secretplace", "x-request-id: \"[2J\r\n"),
        server.send(b"BREW /v1/users/secretreader/feed HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        server.get("/healthz", &format!("x-request-id: {}\r\n", "a".repeat(129))),
    ];
    let ids: Vec<&str> = answers.iter().map(|a| header(a, "x-request-id").unwrap_or_else(|| panic!("{a}"))).collect();
    assert_eq!(ids[0], "given-1");
    assert!(ids[1..].iter().all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())), "{ids:?}");
    ids.iter().for_each(|id| drop(server.wait_for(id)));
    let lines: Vec<Value> = server
        .log()
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let wanted = [
        ("GET", "/v1/search", 200),
        ("GET", "/v1/papers/{id}", 404),
        ("GET", "none", 404),
        ("other", "/v1/users/{user}/feed", 405),
        ("GET", "/healthz", 200),
    ];
    for ((id, answer), (method, route, status)) in ids.iter().zip(&answers).zip(wanted) {
        let own: Vec<&Value> = lines.iter().filter(|line| line["request_id"] == *id).collect();
        let [line] = own[..] else { panic!("{id}: {own:?}") };
        assert_eq!((&line["method"], &line["route"], &line["status"]), (&json!(method), &json!(route), &json!(status)));
        assert_eq!((&line["level"], &line["message"]), (&json!("INFO"), &json!("request")));
        assert_eq!((&line["who"], &line["client"]), (&json!("-"), &json!("127.0.0.1")));
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        assert_eq!(line["bytes"], json!(body.len()), "{answer}");
        assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0));
        let time = line["time"].as_str().expect("a time");
        assert!(time.len() == 27 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    }
    assert!(!server.log().contains("secret"), "{}", server.log());
}

#[test]
fn a_path_is_told_at_debug_alone_and_never_what_was_searched() {
    let folder = Folder::new();
    let server = Logged::start(&folder, &["-vv"], &[]);
    server.get("/v1/papers/a%0Ab?fields=secretsearch", "x-request-id: one\r\n");
    let line = server.wait_for("request_id=one");
    assert!(line.contains(" path=/v1/papers/a%0Ab ") && !server.log().contains("secretsearch"), "{line}");
    drop(server);
    let silent = Logged::start(&folder, &[], &[("PAPERKIN_LOG_REQUESTS", "false")]);
    silent.get("/v1/search?q=a", "x-request-id: two\r\n");
    // What grave things belong to is told all the same.
    silent.get("/healthz", "");
    std::thread::sleep(Duration::from_millis(100));
    assert!(!silent.log().contains("request_id"), "{}", silent.log());
}

#[test]
fn a_client_that_goes_before_its_answer_has_a_line_as_well() {
    let folder = Folder::new();
    let server = Logged::start(&folder, &[], &[]);
    let mut stream = TcpStream::connect(&server.url).expect("connects");
    // The rest of the body never comes.
    let head =
        "POST /v1/search HTTP/1.1\r\nhost: localhost\r\nx-request-id: gone\r\ncontent-type: application/json\r\n";
    stream.write_all(format!("{head}content-length: 100\r\n\r\n{{").as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(200));
    drop(stream);
    let line = server.wait_for("request_id=gone");
    assert!(
        line.contains(" route=/v1/search ") && (line.contains("status=499") || line.contains("status=400")),
        "{line}"
    );
}

/// Lines that a thread of the pool writes while it works on a request carry its id, and so does the answer of an error inside.
#[test]
fn what_goes_wrong_inside_is_found_by_the_id_of_the_answer() {
    let folder = Folder::new();
    folder.run(&["ingest", &folder.file("p.jsonl", papers(5))]);
    // No job is to come to the paper before the request does.
    let off = ["THEMES", "INTERESTS", "READERSHIP", "MAINTENANCE"].map(|job| format!("PAPERKIN_JOBS_{job}"));
    let off = [0, 1, 2, 3].map(|k| (off[k].as_str(), "off"));
    let server = Logged::start(&folder, &["--log", "json"], &off);
    // The disk changes a title behind the back of the service.
    let store = folder.data().join("papers.sqlite");
    let mut bytes = std::fs::read(&store).expect("the store");
    let (title, mut changed) = (b"number3", 0);
    for at in 0..bytes.len() - title.len() {
        if bytes[at..].starts_with(title) {
            bytes[at + 5] = b'x';
            changed += 1;
        }
    }
    assert!(changed > 0);
    let mut file = std::fs::File::options().write(true).open(&store).expect("opens");
    file.write_all(&bytes).expect("written");
    // What was read before stays in memory until something is written.
    server.post("/v1/users/ada/events", &json!({ "events": [{ "paper": "p/1", "kind": "like" }] }));
    let answer = server.get("/v1/papers/p%2F3", "x-request-id: damage\r\n");
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    assert_eq!(body["error"]["detail"]["request_id"], "damage");
    let line: Value = serde_json::from_str(&server.wait_for("\"ERROR\"")).expect("JSON");
    assert_eq!((&line["request_id"], &line["target"]), (&json!("damage"), &json!("paperkin::store::trouble")));
}

#[test]
fn whatever_is_sent_a_line_stays_a_line() {
    let folder = Folder::new();
    for format in ["text", "json"] {
        let server = Logged::start(&folder, &["-vv", "--log", format], &[]);
        let hostile = "%0a%1b%5b2J%c2%9b%e2%80%ae%e2%80%a8";
        server.get(&format!("/v1/papers/{hostile}?{hostile}"), "user-agent: \u{202e}a\r\nreferer: \u{9b}31m\r\n");
        server.get(&format!("/{hostile}"), "x-request-id: a\u{2028}b\r\nx-forwarded-for: \u{9b}[31m\r\n");
        server.post(
            "/v1/users/a%e2%80%aeb%1b/events",
            &json!({ "events": [{ "paper": "\n\u{1b}[2J", "kind": "like" }] }),
        );
        server.post("/v1/papers", &json!({ "papers": [{ "id": "x\u{1b}[2J\n", "title": "\u{202e}\n2026 ERROR" }] }));
        server.get("/healthz", "x-request-id: last\r\n");
        server.wait_for("last");
        let log = server.log();
        for line in log.lines() {
            assert!(!line.chars().any(steers), "{line:?}");
            let ours = line.starts_with("opening") || line.starts_with("serving");
            let whole = if format == "json" { line.starts_with('{') } else { line.starts_with("20") };
            assert!(ours || whole, "{line:?}");
            if line.starts_with('{') {
                assert!(serde_json::from_str::<Value>(line).is_ok_and(|v| v["time"].is_string()), "{line:?}");
            }
        }
    }
}

/// Whoever starts the service need not read what it says.
#[test]
#[cfg(unix)]
fn a_log_that_nobody_reads_holds_nothing_up() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut unread = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("http://") {
        line.clear();
        assert!(unread.read_line(&mut line).expect("a line") > 0, "it ended");
    }
    let url = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address").to_string();
    let mut server = Logged { child, url, log: Default::default() };
    let began = Instant::now();
    // Some times what a pipe holds.
    for _ in 0..1500 {
        assert!(server.get("/v1/papers/none", "").starts_with("HTTP/1.1 404"));
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let asked = Instant::now();
    let told = Command::new("kill").arg(server.child.id().to_string()).status();
    assert!(told.expect("kill is there").success());
    while server.child.try_wait().expect("its status").is_none() {
        assert!(asked.elapsed() < Duration::from_secs(5), "it does not stop");
        std::thread::sleep(Duration::from_millis(20));
    }
}
