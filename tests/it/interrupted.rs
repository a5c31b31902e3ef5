//! Kills at any moment: nothing acknowledged is lost, nothing is there twice.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Folder, Ran, Server, papers};

/// Kills an ingest at moments spread over its whole length, then lets it finish.
#[test]
fn an_ingest_goes_on_where_it_was_killed() {
    let file_text = papers(3000);
    let whole = {
        let folder = Folder::new();
        let file = folder.file("p.jsonl", &file_text);
        let began = Instant::now();
        let status = folder
            .command(&["ingest", &file])
            .env("PAPERKIN_EXACT_BELOW", "500")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("runs").success());
        began.elapsed()
    };
    let (mut folder, mut killed) = (Folder::new(), 0);
    let mut file = folder.file("p.jsonl", &file_text);
    // What was committed before a kill is not done again, so a folder is full after some kills; then the next one begins.
    for k in 0..200u32 {
        if killed == 25 {
            break;
        }
        let mut child = folder
            .command(&["ingest", &file])
            .env("PAPERKIN_EXACT_BELOW", "500")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(whole.mul_f64(f64::from(k % 20) / 50.0) + Duration::from_millis(u64::from(k % 3)));
        let _ = child.kill();
        if child.wait().expect("ends").success() {
            assert_eq!(folder.papers(), 3000);
            folder = Folder::new();
            file = folder.file("p.jsonl", &file_text);
            continue;
        }
        killed += 1;
        // Whatever the moment, the folder opens, and every paper in it can be found.
        if killed % 5 == 0 {
            let info = &folder.json(&["info"])[0];
            assert_eq!(info["papers"], info["vectors"]);
            assert_eq!(info["papers"], info["index"]["rows"]);
        }
    }
    assert_eq!(killed, 25, "kills that hit a running process");
    let report = &folder.json(&["ingest", &file])[0];
    let sum = |names: &[&str]| names.iter().filter_map(|n| report[*n].as_u64()).sum::<u64>();
    assert_eq!(sum(&["accepted", "unchanged"]), 3000);
    assert_eq!(folder.papers(), 3000);
    let again = &folder.json(&["ingest", &file])[0];
    assert_eq!(again["embedded"], 0);
    let mut all: Vec<Value> = Vec::new();
    for offset in (0..3000).step_by(500) {
        all.extend(folder.json(&["search", "words", "-k", "500", "--offset", &offset.to_string()]));
    }
    let mut ids: Vec<&str> = all.iter().filter_map(|h| h["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3000, "a paper is lost or listed twice");
}

/// What a service has acknowledged is there after a kill.
#[test]
fn an_acknowledged_paper_survives_the_service() {
    let folder = Folder::new();
    for round in 0..5 {
        let server = Server::start(&folder);
        let body = papers(40).lines().map(|l| l.replace("p/", &format!("r{round}/"))).collect::<Vec<_>>().join("\n");
        let reply = server.request("POST", "/v1/papers", Some("application/x-ndjson"), body.as_bytes());
        assert_eq!((reply.status, &reply.body["accepted"]), (200, &40.into()));
        assert_eq!(server.delete(&format!("/v1/papers/r{round}%2F0")).status, 204);
        server.signal("KILL");
    }
    assert_eq!(folder.papers(), 5 * 39);
}

/// SIGTERM lets what is running finish, or says how far it came where that would take more than seconds.
#[test]
fn stopping_finishes_what_is_running() {
    let folder = Folder::new();
    let mut server = Server::start(&folder);
    let body = papers(4_000);
    let reply = std::thread::scope(|scope| {
        let posting =
            scope.spawn(|| server.request("POST", "/v1/papers", Some("application/x-ndjson"), body.as_bytes()));
        std::thread::sleep(Duration::from_millis(150));
        server.signal("TERM");
        posting.join().expect("an answer")
    });
    assert!(server.child.wait().expect("ends").success());
    let papers = folder.papers();
    if reply.status == 200 {
        assert_eq!((&reply.body["accepted"], papers), (&4_000.into(), 4_000));
    } else {
        // A machine with much else to do: nothing that was counted is missing.
        let told = reply.body["error"]["detail"]["accepted"].as_u64().expect("a report");
        assert!(reply.status == 503 && told <= papers && papers < 4_000, "{} {}: {papers}", reply.status, reply.body);
    }
}

/// SIGTERM ends the service within five seconds, whoever is still sending; and each of them hears how far it came.
#[test]
fn stopping_waits_for_nobody_who_stands_still() {
    let folder = Folder::new();
    let mut server = Server::start(&folder);
    let address = server.url.trim_start_matches("http://").to_string();
    // Three send a paper every 50 ms and would go on for a minute, one stands still in the middle of a line, one in the middle
    // of a document.
    let slow = |name: &'static str, pause: u64, lines: usize| {
        let address = address.clone();
        std::thread::spawn(move || {
            let mut stream = TcpStream::connect(&address).expect("connected");
            let head = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).expect("sent");
            let mut chunk = |text: &str| stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
            let mut sent = 0;
            for k in 0..lines {
                let line = format!("{{\"id\": \"{name}/{k}\", \"title\": \"Paper {k} of {name}\"}}\n");
                if chunk(&line).is_err() {
                    break;
                }
                sent += 1;
                std::thread::sleep(Duration::from_millis(pause));
            }
            if lines < 100 {
                let _ = chunk("{\"id\": \"half a li");
            }
            (answer(stream), sent)
        })
    };
    let clients = [slow("a", 50, 1200), slow("b", 50, 1200), slow("c", 50, 1200), slow("still", 0, 5)];
    let mut half = TcpStream::connect(&address).expect("connected");
    let head = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"papers\": [";
    half.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(700));
    let began = Instant::now();
    server.signal("TERM");
    assert!(server.child.wait().expect("ends").success());
    let took = began.elapsed();
    println!("stopped after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let mut accepted = 0;
    for client in clients {
        let ((status, body), sent) = client.join().expect("an answer");
        let report = &body["error"]["detail"];
        assert_eq!(
            (status, &body["error"]["code"], &report["stopping"]),
            (503, &"overloaded".into(), &true.into()),
            "{body}"
        );
        let written = report["accepted"].as_u64().expect("a number");
        assert!((5..=sent as u64).contains(&written) && report["rejected_total"] == 0, "{sent} sent: {body}");
        accepted += written;
    }
    let (status, body) = answer(half);
    assert_eq!((status, &body["error"]["code"]), (503, &"overloaded".into()), "{body}");
    assert_eq!(folder.papers(), accepted, "what was reported is what is there");
}

/// Status and body of an answer.
fn answer(mut stream: TcpStream) -> (u16, Value) {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {text:?}")))
}

/// Kills at two hundred moments while the index freezes, merges and swaps without a pause: it opens whole every time, and
/// holds what the store holds.
#[test]
fn the_index_survives_any_moment() {
    let folder = Folder::new();
    let small = |args: &[&str]| {
        let mut command = folder.command(args);
        // Frozen every twenty papers, so that no moment is without work on the files.
        command.env("PAPERKIN_EXACT_BELOW", "20");
        command
    };
    let (mut killed, mut random) = (0, fastrand::Rng::with_seed(12345));
    // Some come too late; those do not count.
    for k in 0..600u32 {
        if killed == 200 {
            break;
        }
        // New texts under old names: rows die as fast as they come, so that segments are built anew as well.
        let text: String = papers(1500)
            .lines()
            .map(|l| l.replace("\"title\":\"", &format!("\"title\":\"{} ", k / 4)) + "\n")
            .collect();
        let file = folder.file("p.jsonl", text);
        let mut child = small(&["ingest", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(random.u64(10..100)));
        let _ = child.kill();
        killed += usize::from(!child.wait().expect("ends").success());
        if k % 10 == 9 {
            let ran = Ran::from(small(&["index", "check", "--sample", "1000", "--json"]).output().expect("runs"));
            assert_eq!(ran.status, Some(0), "after {k} kills: {} {}", ran.out, ran.err);
            assert!(!ran.err.contains("could not be used"), "after {k} kills: {}", ran.err);
            let checked: Value = serde_json::from_str(&ran.out).expect("JSON");
            assert!(checked["recall"].as_f64().is_some_and(|r| r > 0.95), "{checked}");
            let info = &folder.json(&["info"])[0];
            assert_eq!(info["papers"], info["vectors"]);
            assert_eq!(info["papers"], info["index"]["rows"]);
        }
    }
    assert!(killed >= 100, "only {killed} of 600 kills hit a running process");
}
