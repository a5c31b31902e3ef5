//! How often somebody may ask.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Folder, Reply, Server, error, papers};

fn serve(settings: &[(&str, &str)]) -> (Folder, Server) {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(100))]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.envs(settings.iter().map(|(name, value)| (format!("PAPERKIN_{name}"), value)));
    let server = Server::spawn(command);
    (folder, server)
}

fn wait(reply: &Reply) -> u64 {
    reply.headers["retry-after"].to_str().expect("text").parse().expect("seconds")
}

#[test]
fn who_asks_more_often_than_agreed_waits_and_is_told_how_long() {
    let (_folder, server) = serve(&[("RATE_LIMIT", "1"), ("RATE_BURST", "30")]);
    let began = Instant::now();
    let refused = (0..60).map(|_| server.get("/v1/search?q=topic1&mode=lexical")).find(|reply| reply.status != 200);
    let refused = refused.expect("thirty at once, and one a second");
    assert_eq!((error(&refused).0, error(&refused).1), (429, "rate_limited"), "{}", refused.body);
    assert_eq!(wait(&refused), 1, "{}", refused.body);
    assert_eq!(refused.body["error"]["detail"]["retry_after"], 1);
    // What nobody may be kept from.
    for _ in 0..40 {
        assert_eq!((server.get("/healthz").status, server.get("/readyz").status), (200, 200));
    }
    // After the wait there is one more; what is large counts for five, and waits for them.
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(server.get("/v1/papers/p%2F1").status, 200);
    let large = server.post("/v1/similar/batch", &json!({ "ids": ["p/1"] }));
    assert_eq!(error(&large).0, 429);
    assert!((3..=5).contains(&wait(&large)), "{}", wait(&large));
    std::thread::sleep(Duration::from_secs(wait(&large)));
    let large = server.post("/v1/similar/batch", &json!({ "ids": ["p/1"] }));
    assert_eq!(large.status, 200, "{}", large.body);
    // Refused before the body is read: nothing of it was sent.
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    let head = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9000000\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    let asked = Instant::now();
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 429");
    assert!(asked.elapsed() < Duration::from_millis(500));
    assert_eq!(server.get("/v1/papers/p%2F1").status, 429, "metrics count as well");
    std::thread::sleep(Duration::from_millis(1100));
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    let line = text.lines().find(|line| line.starts_with("paperkin_refused_total{reason=\"rate\"}")).expect("counted");
    assert!(line.rsplit(' ').next().and_then(|n| n.parse::<f64>().ok()) >= Some(4.0), "{line}");
    assert!(began.elapsed() > Duration::from_secs(5));
}

#[test]
fn this_machine_alone_asks_as_often_as_it_likes() {
    let (_folder, server) = serve(&[]);
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    for _ in 0..100 {
        assert_eq!(server.get("/v1/papers/p%2F1").status, 200);
    }
    for _ in 0..1500 {
        stream.write_all(b"HEAD /v1/papers/p%2F1 HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("sent");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 200"));
    }
}
