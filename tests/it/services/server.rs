//! A small HTTP/1.1 server for the tests: one thread a connection, and every way in which a service misbehaves.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A request that came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// The path, unescaped.
    pub path: String,
    /// What stands behind the question mark, unescaped, in its order.
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// As it was written in the first line.
    pub target: String,
    pub at: Instant,
}

impl Request {
    /// An argument of the query; blank for none.
    pub fn arg(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A header, whose name is in lower case; blank for none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn of(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Answer { status: 200, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
    }

    pub fn json(value: &serde_json::Value) -> Self {
        Answer::of("application/json", value.to_string())
    }

    pub fn xml(text: impl Into<Vec<u8>>) -> Self {
        Answer::of("text/xml; charset=utf-8", text)
    }

    pub fn with(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What happens to one answer in place of going out as it is.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Another status, with a word of the service, and perhaps `Retry-After`.
    Status(u16, &'static str, Option<&'static str>),
    /// A page of HTML with status 200, as proxies and services that are down send.
    Html,
    /// The connection ends in the middle of the answer.
    BreaksOff,
    /// The answer is cut in the middle, and ends as if it were whole.
    Cut,
    /// Some bytes, then one every 100 ms.
    Drips,
    /// It leads to this address.
    Leads(u16, String),
    /// Another body.
    Says(Vec<u8>),
}

#[derive(Default)]
struct Behaviour {
    /// What the next answers suffer, one each; `None` for nothing.
    faults: VecDeque<Option<Fault>>,
    /// Whether every answer has an ETag, and one that is known already is a 304.
    validators: bool,
    gzip: bool,
    seen: Vec<Request>,
}

/// A server that ends with the test.
pub struct Server {
    address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let behaviour: Arc<Mutex<Behaviour>> = Arc::default();
        let stopped: Arc<AtomicBool> = Arc::default();
        let (shared, ends, answer) = (Arc::clone(&behaviour), Arc::clone(&stopped), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (shared, ends, answer) = (Arc::clone(&shared), Arc::clone(&ends), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &shared, &ends, &*answer));
            }
        });
        Server { address, behaviour, stopped }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().seen.clone()
    }

    /// The requests since the last call of this.
    pub fn taken(&self) -> Vec<Request> {
        std::mem::take(&mut self.lock().seen)
    }

    /// What becomes of the next answers, in their order.
    pub fn suffers(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.lock().faults = faults.into_iter().collect();
    }

    pub fn validates(&self, on: bool) {
        self.lock().validators = on;
    }

    pub fn packs(&self, on: bool) {
        self.lock().gzip = on;
    }

    fn lock(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().expect("no panic")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, behaviour: &Mutex<Behaviour>, ends: &AtomicBool, answer: &dyn Fn(&Request) -> Answer) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.set_nodelay(true);
    let Some(request) = read(&stream) else { return };
    let (fault, validators, gzip) = {
        let mut behaviour = behaviour.lock().expect("no panic");
        behaviour.seen.push(request.clone());
        (behaviour.faults.pop_front().flatten(), behaviour.validators, behaviour.gzip)
    };
    let mut out = match &fault {
        Some(Fault::Status(status, said, after)) => {
            let said = Answer::of("text/plain", *said).with(*status);
            after.iter().fold(said, |said, after| said.header("Retry-After", *after))
        }
        Some(Fault::Html) => Answer::of("text/html", "<!DOCTYPE html><html><body>We are down</body></html>"),
        Some(Fault::Leads(status, to)) => Answer::of("text/plain", "").with(*status).header("Location", to),
        Some(Fault::Says(body)) => Answer { body: body.clone(), ..answer(&request) },
        _ => answer(&request),
    };
    if validators && out.status == 200 {
        let tag = format!("\"{:08x}\"", crc32fast::hash(&out.body));
        if request.header("if-none-match") == tag {
            out = Answer { status: 304, headers: Vec::new(), body: Vec::new() };
        }
        out = out.header("ETag", tag);
    }
    if gzip && request.header("accept-encoding").contains("gzip") && out.status == 200 {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&out.body).expect("packs");
        out.body = packer.finish().expect("packs");
        out = out.header("Content-Encoding", "gzip");
    }
    if matches!(fault, Some(Fault::Cut)) {
        out.body.truncate(out.body.len() * 2 / 3);
    }
    let mut stream = stream;
    let reason = ureq::http::StatusCode::from_u16(out.status).ok().and_then(|s| s.canonical_reason()).unwrap_or("?");
    let mut head = format!("HTTP/1.1 {} {reason}\r\nConnection: close\r\n", out.status);
    out.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    if out.status != 304 {
        head.push_str(&format!("Content-Length: {}\r\n", out.body.len()));
    }
    head.push_str("\r\n");
    let mut send = |bytes: &[u8]| stream.write_all(bytes).and_then(|()| stream.flush()).is_ok();
    match fault {
        Some(Fault::BreaksOff) => drop(send(head.as_bytes()) && send(&out.body[..out.body.len() / 2])),
        Some(Fault::Drips) => {
            let mut going = send(head.as_bytes());
            for byte in &out.body {
                if !going || ends.load(Ordering::Relaxed) {
                    return;
                }
                going = send(std::slice::from_ref(byte));
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        _ => drop(send(head.as_bytes()) && send(&out.body)),
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    let mut next = |line: &mut String| {
        line.clear();
        lines.read_line(line).ok().filter(|n| *n > 0).map(|_| line.trim_end().to_string())
    };
    let first = next(&mut line)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_string(), words.next()?.to_string());
    let mut headers = Vec::new();
    while let Some(header) = next(&mut line).filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, n)| n.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    lines.read_exact(&mut body).ok()?;
    // A proxy is asked with a whole address.
    let inner = target.split_once("://").map_or(target.as_str(), |(_, rest)| &rest[rest.find('/').unwrap_or(0)..]);
    let (path, query) = inner.split_once('?').unwrap_or((inner, ""));
    let unescaped = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Some(Request { method, path: unescaped, query, headers, target, at: Instant::now() })
}
