//! What stands between the network and the work: bad manners cost those who have them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Folder, Server, error, papers};

/// A service over three hundred papers, with these settings.
fn serve(settings: &[(&str, &str)]) -> (Folder, Server) {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(300))]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.envs(settings.iter().map(|(name, value)| (format!("PAPERKIN_{name}"), value)));
    let server = Server::spawn(command);
    (folder, server)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    stream
}

/// A connection on which this was sent.
fn sent(server: &Server, bytes: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(bytes.as_ref()).expect("sent");
    stream
}

/// Whatever comes until the service closes.
fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The first answer on a connection that stays open: its head, and its body by its length.
fn one(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a line") > 0, "it ended in {head:?}");
    }
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|t| t.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body");
    (head, body)
}

/// A figure of `/metrics`; 0 where it was never counted.
fn figure(server: &Server, name: &str) -> f64 {
    let text = rest(sent(server, "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"));
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(series, _)| series == name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

/// Whether something comes true in twenty seconds.
fn soon(what: impl Fn() -> bool) -> bool {
    (0..200).any(|_| {
        what() || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }
    })
}

const STREAM: &str = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: 100000\r\n\r\n";

#[test]
fn streams_that_drip_hold_nothing_that_a_search_needs() {
    let (_folder, server) = serve(&[("TIMEOUT_S", "3")]);
    let lines =
        format!("{STREAM}{{\"id\": \"d/1\", \"title\": \"One\"}}\n{{\"id\": \"d/2\", \"title\": \"Two\"}}\n{{\"id\"");
    let told = sent(&server, lines);
    std::thread::sleep(Duration::from_millis(300));
    let drips: Vec<TcpStream> = (0..128).map(|_| sent(&server, format!("{STREAM}{{"))).collect();
    assert!(soon(|| figure(&server, "paperkin_uploads") == 8.0));
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(server.get("/v1/search?q=topic1&mode=lexical").status, 200);
        assert_eq!(server.get("/readyz").status, 200);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    // A byte now and then is no progress either.
    let mut drips = drips.into_iter().map(rest_dripping).collect::<Vec<_>>();
    drips.sort();
    let (late, busy) = (drips.iter().filter(|t| t.contains(" 408 ")), drips.iter().filter(|t| t.contains(" 503 ")));
    assert_eq!((late.count(), busy.count()), (7, 121), "{:?} {:?}", drips.first(), drips.last());
    assert!(drips.last().is_some_and(|t| t.to_lowercase().contains("retry-after")));
    let told = rest(told);
    let report: Value = serde_json::from_str(told.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert!(told.contains(" 408 "), "{told}");
    assert_eq!(report["error"]["detail"]["accepted"], 2, "{report}");
    assert_eq!(server.get("/v1/papers/d%2F2").status, 200);
    assert!(soon(|| figure(&server, "paperkin_uploads") == 0.0));
}

/// Sends a byte a second until there is an answer.
fn rest_dripping(mut stream: TcpStream) -> String {
    let mut reading = stream.try_clone().expect("a clone");
    reading.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let mut text = Vec::new();
    for _ in 0..20 {
        let mut some = [0; 4096];
        match reading.read(&mut some) {
            Ok(0) => break,
            Ok(n) => text.extend_from_slice(&some[..n]),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                if stream.write_all(b"x").is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
        if text.windows(4).any(|w| w == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_slow_line_is_no_attack() {
    let (_folder, server) = serve(&[("TIMEOUT_S", "2")]);
    let mut stream = connect(&server);
    let text = papers(700);
    let head = format!(
        "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    // 20 kB a second, for longer than a request may take.
    assert!(text.len() > 100_000);
    for piece in text.as_bytes().chunks(2000) {
        stream.write_all(piece).expect("sent");
        std::thread::sleep(Duration::from_millis(100));
    }
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"accepted\":400"), "{answer}");
}

#[test]
fn who_stands_still_is_closed() {
    let (_folder, server) = serve(&[("HEADER_TIMEOUT_S", "1"), ("IDLE_TIMEOUT_S", "3")]);
    let (silent, idle) = (connect(&server), sent(&server, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    let mut slow = sent(&server, "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a: ");
    assert!(one(&idle).0.starts_with("HTTP/1.1 200"));
    let began = Instant::now();
    // Its head never ends, though something comes all the time.
    let dripped = (0..100).find(|_| {
        std::thread::sleep(Duration::from_millis(100));
        slow.write_all(b"a").is_err()
    });
    assert!(dripped.is_some() && began.elapsed() < Duration::from_secs(6), "{dripped:?}");
    assert_eq!((rest(silent), rest(idle)), (String::new(), String::new()));
    assert!(began.elapsed() > Duration::from_secs(2), "between two requests there is more time");
    let closed = |reason| figure(&server, &format!("paperkin_connections_closed_total{{reason=\"{reason}\"}}"));
    assert_eq!((closed("header"), closed("idle")), (1.0, 2.0));
}

#[test]
fn answers_that_nobody_reads_are_given_up_and_never_fill_the_memory() {
    let (_folder, server) = serve(&[("WRITE_TIMEOUT_S", "2"), ("ANSWER_MEMORY", "4000000")]);
    let long = "word ".repeat(3000);
    let body: String = (0..100)
        .map(|k| json!({ "id": format!("l/{k}"), "title": format!("Long {k}"), "abstract": long }).to_string() + "\n")
        .collect();
    assert_eq!(
        server.request("POST", "/v1/papers", Some("application/x-ndjson"), body.as_bytes()).body["accepted"],
        100
    );
    // 1.5 MB each.
    let request = "GET /v1/papers?limit=100&sort=date HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let list = "/v1/search?q=long&mode=lexical&limit=100";
    let request = request.replace("/v1/papers?limit=100&sort=date", list);
    assert!(server.get(list).body["papers"].as_array().is_some_and(|p| p.len() == 100));
    let deaf: Vec<TcpStream> = (0..40).map(|_| sent(&server, request.repeat(3))).collect();
    std::thread::sleep(Duration::from_millis(500));
    assert!(figure(&server, "paperkin_answer_bytes") <= 4_000_000.0);
    assert_eq!(server.get("/v1/search?q=topic1&mode=lexical&limit=3").status, 200, "the short still have room");
    assert!(soon(|| figure(&server, "paperkin_answer_bytes") == 0.0), "they were never given up");
    let closed = |reason| figure(&server, &format!("paperkin_connections_closed_total{{reason=\"{reason}\"}}"));
    assert!(closed("unread") + closed("memory") >= 2.0);
    assert!(figure(&server, "paperkin_refused_total{reason=\"answer_memory\"}") > 0.0);
    assert!(server.get(list).body["papers"].as_array().is_some_and(|p| p.len() == 100), "and it goes on");
    drop(deaf);
}

#[test]
fn bodies_that_stand_still_fill_no_memory_and_short_ones_still_come_in() {
    let (_folder, server) = serve(&[("BODY_MEMORY", "4000000"), ("TIMEOUT_S", "4")]);
    let head = "POST /v1/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
    let mut half = head.as_bytes().to_vec();
    half.resize(half.len() + 900_000, b' ');
    let stalled: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = connect(&server);
            // Some are refused on the way.
            let _ = stream.write_all(&half);
            // All at once, each would take what another lacks.
            std::thread::sleep(Duration::from_millis(50));
            stream
        })
        .collect();
    assert!(figure(&server, "paperkin_body_bytes") <= 4_000_000.0);
    let reply = server.post("/v1/recommend", &json!({ "like": ["p/1"], "limit": 3 }));
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(server.get("/v1/search?q=topic1&mode=lexical").status, 200);
    let answers: Vec<String> = stalled.into_iter().map(rest).collect();
    let count = |status: &str| answers.iter().filter(|a| a.starts_with(&format!("HTTP/1.1 {status}"))).count();
    assert!(count("408") >= 1 && count("503") >= 10 && count("500") == 0, "{} {}", count("408"), count("503"));
    assert!(soon(|| figure(&server, "paperkin_body_bytes") == 0.0));
    // Few bytes that would be much in memory.
    let many = format!("[{}0]", "0,".repeat(200_000));
    let reply = server.request("POST", "/v1/recommend", Some("application/json"), many.as_bytes());
    assert_eq!(error(&reply).0, 413, "{}", reply.body);
}

#[test]
fn few_descriptors_are_enough() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(300))]);
    let inner = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let server = Server::spawn(command);
    let crowd: Vec<TcpStream> = (0..150)
        .map(|k| {
            // Some are silent, some have asked, some are in the middle of a head or of a body.
            let begun =
                ["", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "GET /healthz HTTP/1.1\r\nx: ", STREAM];
            sent(&server, begun[k % 4])
        })
        .collect();
    for k in 0..10 {
        assert_eq!(server.get("/healthz").status, 200);
        assert_eq!(server.get("/readyz").body["status"], "ready");
        assert_eq!(server.get("/v1/search?q=topic1&limit=100").status, 200);
        let body = json!({ "id": format!("n/{k}"), "title": format!("New {k}") });
        assert_eq!(server.post("/v1/papers", &body).body["accepted"], 1);
    }
    assert!(figure(&server, "paperkin_connections_closed_total{reason=\"room\"}") > 0.0);
    drop(crowd);
}

#[test]
fn refusing_is_quick_and_watching_does_not_stand_in_the_queue() {
    let (_folder, server) = serve(&[("WORK_THREADS", "1"), ("MAX_WAITING", "2")]);
    let ids: Vec<String> = (0..300).map(|k| format!("p/{k}")).collect();
    let body = json!({ "ids": ids, "limit": 60 }).to_string();
    let request = format!(
        "POST /v1/similar/batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut refused, mut accepted) = (Vec::new(), 0);
    let end = Instant::now() + Duration::from_secs(3);
    std::thread::scope(|scope| {
        let flood = |_| {
            scope.spawn(|| {
                let (mut refused, mut accepted) = (Vec::new(), 0);
                let stream = connect(&server);
                while Instant::now() < end {
                    let began = Instant::now();
                    (&stream).write_all(request.as_bytes()).expect("sent");
                    let (head, body) = one(&stream);
                    match &head[9..12] {
                        "200" => accepted += 1,
                        "503" => {
                            refused.push(began.elapsed());
                            let error: Value = serde_json::from_slice(&body).expect("JSON");
                            assert_eq!(error["error"]["code"], "overloaded");
                            assert!(head.to_ascii_lowercase().contains("retry-after: "), "{head}");
                        }
                        other => panic!("{other}"),
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                (refused, accepted)
            })
        };
        let clients: Vec<_> = (0..32).map(flood).collect();
        for _ in 0..20 {
            for path in ["/healthz", "/readyz", "/metrics"] {
                let began = Instant::now();
                assert_eq!(server.get(path).status, 200);
                assert!(began.elapsed() < Duration::from_secs(1), "{path}: {:?}", began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        for client in clients {
            let (some, more) = client.join().expect("a client");
            refused.extend(some);
            accepted += more;
        }
    });
    refused.sort_unstable();
    assert!(accepted > 0 && refused.len() > 100, "{accepted} {}", refused.len());
    let late = refused[refused.len() * 99 / 100];
    assert!(late < Duration::from_millis(500), "{late:?} of {}", refused.len());
}

#[test]
fn work_that_nobody_waits_for_is_not_begun() {
    let (_folder, server) = serve(&[("WORK_THREADS", "1")]);
    let ids: Vec<String> = (0..300).map(|k| format!("p/{k}")).collect();
    let body = json!({ "ids": ids, "limit": 60 }).to_string();
    let request = format!(
        "POST /v1/similar/batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let gone = soon(|| {
        let waiting: Vec<TcpStream> = (0..12).map(|_| sent(&server, &request)).collect();
        std::thread::sleep(Duration::from_millis(5));
        waiting.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        drop(waiting);
        std::thread::sleep(Duration::from_millis(300));
        figure(&server, "paperkin_dropped_total{reason=\"gone\"}") > 0.0
    });
    assert!(gone);
    assert!(soon(|| figure(&server, "paperkin_requests_waiting") == 0.0));
}

#[test]
fn wrong_tokens_are_limited_and_right_ones_are_not() {
    let (_folder, server) = serve(&[]);
    server.post("/v1/users/ada/events", &json!({ "events": [{ "paper": "p/1", "kind": "like" }] }));
    let right = server.post("/v1/users/ada/token", &json!({})).body["atom"].as_str().expect("an address").to_string();
    let (mut wrong, mut limited) = (0, 0);
    for k in 0..60 {
        let reply = server.get(&format!("/v1/users/ada/feed.atom?token={k:064x}"));
        match error(&reply).0 {
            401 => wrong += 1,
            429 => {
                assert_eq!(error(&reply).1, "rate_limited");
                let wait: u64 = reply.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
                assert!((1..=30).contains(&wait));
                limited += 1;
            }
            other => panic!("{other}"),
        }
        if k % 10 == 0 {
            assert_eq!(server.get(&right).status, 200, "the reader with the right one goes on");
        }
    }
    assert!((20..=22).contains(&wrong) && limited >= 38, "{wrong} {limited}");
    assert_eq!(error(&server.get("/v1/users/nobody/feed.atom?token=00")).0, 429, "names are guessed as well");
}

#[test]
fn the_old_ways_of_http_still_work() {
    let (_folder, server) = serve(&[]);
    let old = rest(sent(&server, "GET /healthz HTTP/1.0\r\n\r\n"));
    assert!(old.starts_with("HTTP/1.0 200") && old.contains("\"ok\""), "{old}");
    let search = "/v1/search?q=topic1&mode=lexical&limit=50";
    let both = format!(
        "GET {search} HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    );
    let both = rest(sent(&server, both));
    let (first, second) = (both.find("\"papers\"").expect("papers"), both.find("\"ok\"").expect("ok"));
    assert!(first < second && both.matches("HTTP/1.1 200").count() == 2);
    // Asks before it sends.
    let body = json!({ "q": "topic1", "limit": 2 }).to_string();
    let mut asking = sent(
        &server,
        format!(
            "POST /v1/search HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ),
    );
    let mut go = [0; 25];
    asking.read_exact(&mut go).expect("an answer");
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    asking.write_all(body.as_bytes()).expect("sent");
    assert!(rest(asking).starts_with("HTTP/1.1 200"));
    // The head alone, and packed.
    let head = rest(sent(&server, format!("HEAD {search} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")));
    let plain = sent(&server, format!("GET {search} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    let (_, body) = one(&plain);
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    for path in [search, "/openapi.json", "/web/x/page.js"] {
        let plain = sent(&server, format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
        let packed = sent(
            &server,
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccept-encoding: gzip\r\n\r\n"),
        );
        let (_, plain) = one(&plain);
        let mut bytes = Vec::new();
        let mut packed = packed;
        packed.read_to_end(&mut bytes).expect("read");
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        assert!(head.contains("content-encoding: gzip") && head.contains("vary: "), "{path}: {head}");
        assert!(bytes.len() - end < plain.len(), "{path}: {} {}", bytes.len() - end, plain.len());
    }
    assert!(body.starts_with(b"{\"papers\""));
}

/// A head holds memory until the next one comes, however many a connection brings.
#[test]
fn a_connection_that_asks_again_and_again_holds_nothing() {
    let (_folder, server) = serve(&[("BODY_MEMORY", "1048576")]);
    let mut stream = connect(&server);
    let ask = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-pad: {}\r\n\r\n", "x".repeat(6000));
    for _ in 0..400 {
        stream.write_all(ask.as_bytes()).expect("sent");
        assert!(one(&stream).0.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(figure(&server, "paperkin_body_bytes"), 0.0);
}
