//! The end of the service: in time whatever is going on, told before it happens, and with nothing lost.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Folder, Server, papers};

fn serve(count: usize, settings: &[(&str, &str)]) -> (Folder, Server) {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(count))]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.envs(settings.iter().map(|(name, value)| (format!("PAPERKIN_{name}"), value)));
    let server = Server::spawn(command);
    (folder, server)
}

fn connect(server: &Server) -> TcpStream {
    let address = server.url.split("://").nth(1).expect("an address");
    let stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream
}

/// The head and the body of the next answer on a connection; empty where it is closed.
fn answer(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return Default::default(),
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|t| t.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = stream.read_exact(&mut body);
    (head, body)
}

#[test]
fn readyz_turns_before_anybody_is_sent_away() {
    let (_folder, mut server) = serve(100, &[("DRAIN_S", "2")]);
    let mut kept = connect(&server);
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("sent");
    let (head, _) = answer(&mut kept);
    assert!(head.starts_with("http/1.1 200") && !head.contains("connection: close"), "{head}");
    let began = Instant::now();
    server.signal("TERM");
    let mut told = false;
    while began.elapsed() < Duration::from_millis(1500) {
        let reply = server.get("/readyz");
        if reply.status == 503 {
            assert_eq!(reply.body["error"]["detail"]["status"], "stopping", "{}", reply.body);
            told = true;
        }
        // Everything else is answered as ever: new connections, and work.
        assert_eq!(server.get("/v1/search?q=topic1").status, 200);
        let paper = json!({ "id": format!("late/{}", began.elapsed().as_millis()), "title": "Late, and in" });
        assert_eq!(server.post("/v1/papers", &paper).status, 200);
    }
    assert!(told, "it never said that it stops");
    // A connection that is kept has one answer more, which says that it is the last.
    kept.write_all(b"GET /v1/papers/p%2F1 HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("sent");
    let (head, _) = answer(&mut kept);
    assert!(head.starts_with("http/1.1 200") && head.contains("connection: close"), "{head}");
    assert_eq!(answer(&mut kept).0, "", "and then it is closed");
    assert!(server.child.wait().expect("ends").success());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn ctrl_c_waits_for_nobody_and_a_second_signal_for_nothing() {
    let (_folder, mut server) = serve(20, &[]);
    let began = Instant::now();
    server.signal("INT");
    assert!(server.child.wait().expect("ends").success());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    for first in ["TERM", "INT"] {
        let (_folder, mut server) = serve(20, &[]);
        // It would be waited for.
        let mut stalled = connect(&server);
        let head = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
        stalled.write_all(head.as_bytes()).expect("sent");
        std::thread::sleep(Duration::from_millis(100));
        server.signal(first);
        std::thread::sleep(Duration::from_millis(300));
        assert!(server.child.try_wait().expect("asked").is_none(), "{first}: it did not wait");
        let began = Instant::now();
        server.signal("TERM");
        assert_eq!(server.child.wait().expect("ends").code(), Some(130));
        assert!(began.elapsed() < Duration::from_millis(500), "{first}: {:?}", began.elapsed());
    }
}

/// Everything at once: who asks without a pause, who uploads slowly, who reads nothing, not even a backup, who never ends a handshake or a head, a
/// job that runs, and papers that are acknowledged one by one.
fn stops_under_load(tls: bool) {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(2_000))]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    if tls {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("made");
        let certificate = folder.file("certificate.pem", made.cert.pem());
        let key = folder.file("key.pem", made.signing_key.serialize_pem());
        command.args(["--tls-certificate", &certificate, "--tls-key", &key]);
    }
    let mut server = Server::spawn(command);
    let (over, asked, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let slow = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: 90000\r\n\r\n{";
    let list = "GET /v1/search?q=words&mode=lexical&limit=100 HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(40);
    let backup = b"GET /v1/backup HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let begun: [&[u8]; 5] = [slow.as_bytes(), list.as_bytes(), b"GET / HTTP/1.1\r\nx: ", b"\x16\x03\x01\x02", backup];
    let mannered: Vec<TcpStream> = (0..60)
        .map(|k| {
            let mut stream = connect(&server);
            let _ = stream.write_all(begun[k % 5]);
            stream
        })
        .collect();
    if !tls {
        server.post("/v1/jobs/themes/run", &json!({}));
    }
    let took = std::thread::scope(|scope| {
        for k in 0..8 {
            let (over, asked, acknowledged) = (&over, &asked, &acknowledged);
            let address = server.url.split("://").nth(1).expect("an address").to_string();
            scope.spawn(move || {
                // Over TLS what floods are handshakes that break off, and HTTP without TLS.
                for n in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let Ok(mut stream) = TcpStream::connect(&address) else {
                        continue;
                    };
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    let id = format!("ack/{k}/{n}");
                    let body = json!({ "id": id, "title": format!("Acknowledged {k} {n}") }).to_string();
                    let sent = if k < 2 {
                        format!(
                            "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
                             content-length: {}\r\n\r\n{body}",
                            body.len()
                        )
                    } else {
                        "GET /v1/search?q=topic1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".into()
                    };
                    let _ = stream.write_all(sent.as_bytes());
                    let (head, _) = answer(&mut stream);
                    asked.fetch_add(1, Ordering::Relaxed);
                    if k < 2 && head.starts_with("http/1.1 200") {
                        acknowledged.lock().expect("free").push(id);
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(1200));
        let began = Instant::now();
        server.signal("TERM");
        while server.child.try_wait().expect("asked").is_none() && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        over.store(true, Ordering::Relaxed);
        began.elapsed()
    });
    let status = server.child.wait().expect("ends");
    let acknowledged = acknowledged.into_inner().expect("free");
    println!("stopped after {took:?}; {} requests, {} acknowledged", asked.into_inner(), acknowledged.len());
    assert!(status.success() && took < Duration::from_secs(5), "{status}: {took:?}");
    drop(mannered);
    assert!(tls || acknowledged.len() > 5, "{}", acknowledged.len());
    let server = Server::start(&folder);
    for id in acknowledged {
        let path = format!("/v1/papers/{}", id.replace('/', "%2F"));
        assert_eq!(server.get(&path).status, 200, "{id} was acknowledged and is gone");
    }
}

#[test]
fn it_stops_in_time_under_any_load() {
    stops_under_load(false);
}

#[test]
fn it_stops_in_time_under_any_load_over_tls() {
    stops_under_load(true);
}

/// What manages services is told how it stands.
#[test]
fn who_manages_services_hears_when_it_is_ready_and_when_it_ends() {
    let folder = Folder::new();
    let path = folder.path("notify.sock");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("bound");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let heard = || {
        let mut bytes = [0; 200];
        let length = socket.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &path);
    let mut server = Server::spawn(command);
    assert_eq!(heard(), "READY=1");
    assert_eq!(server.get("/readyz").status, 200);
    server.signal("TERM");
    assert_eq!(heard(), "STOPPING=1");
    assert!(server.child.wait().expect("ends").success());
    // Whoever is not there to hear it is no trouble.
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", folder.path("nobody.sock"));
    assert_eq!(Server::spawn(command).get("/readyz").body["status"], Value::from("ready"));
}
