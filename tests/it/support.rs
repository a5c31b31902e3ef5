//! Running the binary, as a user would.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A data folder of one test, with the word-counting model unless said otherwise.
pub struct Folder {
    pub dir: TempDir,
    pub model: &'static str,
}

/// What a command printed.
pub struct Ran {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Folder {
    pub fn new() -> Self {
        Folder { dir: tempfile::tempdir().expect("a folder"), model: "hash" }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file beside the data folder.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("written");
        path.display().to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_paperkin"));
        command.arg("--data").arg(self.data()).args(args).stdin(Stdio::null());
        if !args.contains(&"--model") && self.model != "default" {
            command.args(["--model", self.model]);
        }
        // The demo's folder goes with the test's, even when the service is killed.
        command.env("TMPDIR", self.dir.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAPERKIN_")) {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().expect("runs"))
    }

    /// Runs a command that must succeed, and reads its JSON Lines.
    pub fn json(&self, args: &[&str]) -> Vec<Value> {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.status, Some(0), "{args:?}: {}", ran.err);
        serde_json::Deserializer::from_str(&ran.out).into_iter().map(|v| v.expect("JSON")).collect()
    }

    pub fn papers(&self) -> u64 {
        self.json(&["info"])[0]["papers"].as_u64().expect("a number")
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let ran = Ran { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }
}

/// `n` papers as JSON Lines, each about its own words.
pub fn papers(n: usize) -> String {
    (0..n).map(|k| format!("{}\n", paper(k))).collect()
}

pub fn paper(k: usize) -> Value {
    json!({
        "id": format!("p/{k}"), "title": format!("Paper number{k} on topic{}", k % 7),
        "abstract": format!("Some words about subject{} and item{k}.", k % 13),
        "authors": [format!("Author {}", k % 5)], "date": format!("2026-{:02}-{:02}", 1 + k % 12, 1 + k % 28),
        "categories": [format!("c.{}", k % 3)], "upvotes": k % 50,
    })
}

/// Whether an operation of the document is one of another service, whose clients are told of what is not allowed in its words and with
/// its statuses (`clients.rs` tries them).
pub fn is_of_another_service(operation: &Value) -> bool {
    let tag = operation["tags"][0].as_str().unwrap_or_default();
    ["semantic scholar", "hugging face", "openai", "text-embeddings-inference"].contains(&tag)
}

pub fn ids(hits: &[Value]) -> Vec<&str> {
    hits.iter().map(|h| h["id"].as_str().expect("an id")).collect()
}

/// A service that ends with the test.
pub struct Server {
    pub child: Child,
    pub url: String,
    lines: std::sync::Mutex<Receiver<String>>,
    said: Arc<std::sync::Mutex<String>>,
    agent: ureq::Agent,
}

/// A status, and a body that is JSON (or null).
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub headers: ureq::http::HeaderMap,
}

impl Server {
    pub fn start(folder: &Folder) -> Self {
        Self::spawn(folder.command(&["serve", "--addr", "127.0.0.1:0"]))
    }

    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let (send, lines) = channel();
        let said: Arc<std::sync::Mutex<String>> = Arc::default();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for stream in streams {
            let (send, said) = (send.clone(), Arc::clone(&said));
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    said.lock().expect("one line").push_str(&format!("{line}\n"));
                    let _ = send.send(line);
                }
            });
        }
        // A connection of its own for each request: one that is kept may be closed by the service just when it is taken again.
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(Duration::from_secs(60)));
        let mut server = Server { child, url: String::new(), lines: lines.into(), said, agent: config.build().into() };
        let line = server.wait_for("://");
        let rest = &line[line.find("http").expect("there")..];
        server.url = rest.split_whitespace().next().expect("an address").to_string();
        server
    }

    /// The first line from now on that holds a text.
    pub fn wait_for(&self, text: &str) -> String {
        let mut seen = String::new();
        while let Ok(line) = self.lines.lock().expect("one test").recv_timeout(Duration::from_secs(120)) {
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        panic!("the service never said {text:?}; it said:\n{seen}");
    }

    /// Everything that it has printed.
    pub fn said(&self) -> String {
        self.said.lock().expect("one line").clone()
    }

    pub fn request(&self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Reply {
        let headers: Vec<(&str, &str)> = content_type.iter().map(|t| ("content-type", *t)).collect();
        self.request_with(method, path, &headers, body)
    }

    pub fn request_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.text_of(method, path, headers, body).0
    }

    /// What is answered to a request, as text.
    pub fn text_of(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (Reply, String) {
        let mut builder = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let sent = if body.is_empty() && headers.is_empty() {
            self.agent.run(builder.body(()).expect("a request"))
        } else {
            self.agent.run(builder.body(body.to_vec()).expect("a request"))
        };
        let mut response = sent.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        (Reply { status: response.status().as_u16(), body, headers: response.headers().clone() }, text)
    }

    /// What is answered to a GET, as bytes.
    pub fn bytes_of(&self, path: &str, headers: &[(&str, &str)]) -> (u16, ureq::http::HeaderMap, Vec<u8>) {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.call().unwrap_or_else(|e| panic!("GET {path}: {e}"));
        let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap_or_default();
        (response.status().as_u16(), response.headers().clone(), bytes)
    }

    /// Posts a body, and reads the lines of JSON that come back.
    pub fn lines_of(&self, path: &str, content_type: &str, body: &[u8]) -> Vec<Value> {
        let request = ureq::http::Request::builder().method("POST").uri(format!("{}{path}", self.url));
        let request = request.header("content-type", content_type).header("accept", "application/x-ndjson");
        let sent = self.agent.run(request.body(body.to_vec()).expect("a request"));
        let mut response = sent.unwrap_or_else(|e| panic!("POST {path}: {e}"));
        let text = response.body_mut().read_to_string().unwrap_or_default();
        assert_eq!(response.status().as_u16(), 200, "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, None, b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.request("POST", path, Some("application/json"), body.to_string().as_bytes())
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path, None, b"")
    }

    /// What it said that nobody has waited for, until it ends.
    pub fn rest(&self) -> String {
        let (mut said, lines) = (String::new(), self.lines.lock().expect("one test"));
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(30)) {
            said.push_str(&line);
            said.push('\n');
        }
        said
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill is there").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The error of a reply, in the one shape that all have.
pub fn error(reply: &Reply) -> (u16, &str, &str) {
    let text =
        |name: &str| reply.body["error"][name].as_str().unwrap_or_else(|| panic!("{} {}", reply.status, reply.body));
    (reply.status, text("code"), text("message"))
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}
