//! The disk under a data folder: full, taken away, damaged. What is wrong is said, and heals when its cause is gone.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Folder, Server, error, ids, paper, papers};

/// A service whose files may not grow beyond so many blocks of 1 KB, until [`grow`].
fn within(folder: &Folder, blocks: u32) -> Server {
    let serve = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    let mut command = Command::new("bash");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$@\""), "bash"]);
    command.arg(serve.get_program()).args(serve.get_args()).stdin(Stdio::null());
    command.env("PAPERKIN_LOG", "warn");
    Server::spawn(command)
}

/// Lets the files of a service grow again; whether this system can.
fn grow(server: &Server) -> bool {
    let lifted = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &server.child.id().to_string()]).status();
    lifted.is_ok_and(|s| s.success())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn has_trouble(server: &Server, code: &str) -> bool {
    let body = server.get("/readyz").body;
    let troubles = body["troubles"].as_array().or(body["error"]["detail"]["troubles"].as_array()).cloned();
    troubles.unwrap_or_default().iter().any(|t| t["code"] == code)
}

fn is_found(server: &Server, k: usize) -> bool {
    let found = server.get(&format!("/v1/search?q=number{k}&mode=lexical&limit=3")).body;
    found["papers"].as_array().is_some_and(|hits| ids(hits).first() == Some(&format!("p/{k}").as_str()))
}

#[test]
fn writes_come_back_by_themselves_when_there_is_room_again() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(50))]);
    let server = within(&folder, 700);
    let mut refused = Vec::new();
    let mut k = 1000;
    while refused.len() < 3 {
        let papers: Vec<Value> = (k..k + 20).map(paper).collect();
        let reply = server.post("/v1/papers", &json!({ "papers": papers }));
        match reply.status {
            200 => assert_eq!(reply.body["accepted"], 20),
            _ => {
                let (status, code, message) = error(&reply);
                assert_eq!((status, code), (507, "insufficient_storage"), "{message}");
                assert!(message.contains("was not written") && !message.contains('/'), "{message}");
                refused.push(k);
            }
        }
        k += 20;
        assert!(k < 20_000, "the disk never was full");
    }
    // Whole in or whole out.
    for first in &refused {
        (*first..first + 20).for_each(|k| assert_eq!(server.get(&format!("/v1/papers/p%2F{k}")).status, 404));
    }
    assert!(has_trouble(&server, "disk_full"), "{}", server.get("/readyz").body);
    assert_eq!(server.get("/readyz").body["status"], "degraded");
    let event = json!({ "events": [{ "paper": "p/1", "kind": "like" }] });
    assert!([200, 507].contains(&server.post("/v1/users/u/events", &event).status));
    assert!([200, 204, 507].contains(&server.delete("/v1/papers/p%2F7").status));
    let gone = server.get("/v1/papers/p%2F7").status == 404;
    let found = server.get("/v1/search?q=number7&mode=lexical").body.to_string().contains("\"p/7\"");
    assert!(!(gone && found), "a paper that is gone is found");
    assert!(grow(&server), "the limit of the process cannot be lifted: `prlimit` of util-linux does it");
    until("writes stay dead", || server.post("/v1/papers", &json!({ "papers": [paper(90_000)] })).status == 200);
    until("words stay dead", || is_found(&server, 90_000));
    until("trouble does not end", || server.get("/readyz").body["status"] == "ready");
    for first in &refused {
        let papers: Vec<Value> = (*first..first + 20).map(paper).collect();
        assert_eq!(server.post("/v1/papers", &json!({ "papers": papers })).status, 200);
        until("a paper is not found by its words", || is_found(&server, first + 3));
    }
    drop(server);
    let ran = folder.run(&["doctor"]);
    assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
}

#[test]
fn a_folder_that_is_taken_away_takes_no_writes() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(30))]);
    let server = Server::start(&folder);
    let event = |k: usize| json!({ "events": [{ "paper": format!("p/{k}"), "kind": "like" }] });
    assert_eq!(server.post("/v1/users/u/events", &event(1)).status, 200);
    let away = folder.path("away");
    fs::rename(folder.data(), &away).expect("renamed");
    let refused = server.post("/v1/users/u/events", &event(2));
    assert_eq!(refused.status, 503, "{}", refused.body);
    std::thread::sleep(Duration::from_millis(1000));
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.body["error"]["detail"]["troubles"][0]["code"], "folder_gone");
    fs::rename(&away, folder.data()).expect("renamed");
    until("the same folder does not heal", || server.get("/readyz").status == 200);
    assert_eq!(server.post("/v1/users/u/events", &event(2)).status, 200);
    // Without its file the lock still holds.
    fs::remove_file(folder.data().join("lock")).expect("removed");
    assert_eq!(server.post("/v1/users/u/events", &event(3)).status, 503);
    let mut second = folder.command(&["ingest", &folder.file("q.jsonl", papers(40))]);
    fs::remove_file(folder.data().join("serve.sock")).unwrap_or_default();
    let second = second.output().expect("runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use"), "{second:?}");
    drop(server);
    let history = folder.path("x");
    folder.json(&["export", &history.display().to_string()]);
    let users = fs::read_to_string(history.join("users.jsonl")).expect("exported");
    assert!(users.contains("p/1") && users.contains("p/2") && !users.contains("p/3"), "{users}");
}

#[test]
fn a_database_that_was_replaced_takes_no_writes_and_gives_no_answers_of_another() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(30))]);
    let server = Server::start(&folder);
    let path = folder.data().join("papers.sqlite");
    let whole = fs::read(&path).expect("there");
    fs::remove_file(&path).expect("removed");
    fs::write(&path, whole).expect("written");
    assert_eq!(server.post("/v1/papers", &json!({ "papers": [paper(77)] })).status, 503);
    until("it is not said", || server.get("/readyz").status == 503);
    assert!(server.get("/metrics").status == 200);
}

/// Whatever happens to a page, it is told when the folder is opened.
#[test]
fn a_damaged_page_is_told() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(300))]);
    let path = folder.data().join("papers.sqlite");
    let whole = fs::read(&path).expect("there");
    let page = 4096;
    let n = whole.len() / page;
    assert!(n > 40);
    for k in 0..12 {
        let mut bytes = whole.clone();
        let (one, other) = (k * 31 % n * page, (k * 17 + 5) % n * page);
        match k % 3 {
            0 => bytes[one + 100 + 321 * k] ^= 4,
            1 => bytes[one..one + page].fill(0),
            _ => bytes[one..one + page].copy_from_slice(&whole[other..other + page]),
        }
        if bytes == whole {
            continue;
        }
        fs::write(&path, &bytes).expect("written");
        for command in [&["info"][..], &["search", "number7"], &["index", "check"]] {
            let ran = folder.run(command);
            assert_eq!(ran.status, Some(1), "{k} {command:?}: {}", ran.out);
            assert!(ran.err.contains("damaged") && ran.err.contains("papers.sqlite"), "{k}: {}", ran.err);
        }
        let ran = folder.run(&["doctor"]);
        assert!(ran.status == Some(1) && ran.out.contains("not as they were written"), "{k}: {}", ran.out);
    }
    // One text, whose page is accepted as it is: the paper is named, and put right when it comes again.
    let mut bytes = whole.clone();
    let at =
        bytes.windows(9).position(|w| w == b"\"Paper num").or_else(|| bytes.windows(8).position(|w| w == b"number77"));
    let at = at.expect("a title");
    bytes[at + 2] ^= 2;
    fs::write(&path, &bytes).expect("written");
    assert_eq!(folder.run(&["info"]).status, Some(1));
    let ran = folder.run(&["doctor", "--accept"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(folder.papers(), 300);
    let ran = folder.run(&["doctor"]);
    assert!(ran.status == Some(1) && ran.out.contains("1 damaged: p/"), "{}{}", ran.out, ran.err);
    folder.json(&["ingest", &folder.file("p.jsonl", papers(300))]);
    let ran = folder.run(&["doctor"]);
    assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
}

/// A log that is cut takes acknowledged commits with it: that is said until somebody accepts it.
#[test]
fn a_store_that_comes_back_older_is_told() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(30))]);
    let mut server = Server::start(&folder);
    for k in 100..140 {
        assert_eq!(server.post("/v1/papers", &json!({ "papers": [paper(k)] })).status, 200);
    }
    server.child.kill().expect("killed");
    server.child.wait().expect("ended");
    drop(server);
    let log = folder.data().join("papers.sqlite-wal");
    let whole = fs::read(&log).expect("a log");
    let kept: Vec<(std::path::PathBuf, Vec<u8>)> = fs::read_dir(folder.data())
        .expect("there")
        .flatten()
        .filter(|e| e.path().is_file())
        .map(|e| (e.path(), fs::read(e.path()).expect("readable")))
        .collect();
    for share in [0, 1, 30, 55, 80, 99] {
        for file in fs::read_dir(folder.data()).expect("there").flatten().filter(|e| e.path().is_file()) {
            fs::remove_file(file.path()).expect("removed");
        }
        kept.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("written"));
        let mut bytes = whole.clone();
        bytes[whole.len() * share / 100 + 5] ^= 0x20;
        fs::write(&log, bytes).expect("written");
        let ran = folder.run(&["info", "--json"]);
        assert_eq!(ran.status, Some(0), "{share}: {}", ran.err);
        let info: Value = serde_json::from_str(&ran.out).expect("JSON");
        if info["papers"] == 70 {
            // What was cut off had been folded in.
            assert_eq!(info["troubles"], json!([]), "{share}");
            continue;
        }
        assert!(ran.err.contains("missing, though they were acknowledged"), "{share}: {}", ran.err);
        assert_eq!(info["troubles"][0]["code"], "store_older", "{share}");
        // New changes do not hide it.
        folder.json(&["ingest", &folder.file("q.jsonl", papers(20))]);
        assert!(folder.run(&["info"]).out.contains("store_older"), "{share}");
        let ran = folder.run(&["doctor"]);
        assert!(ran.status == Some(1) && ran.out.contains("acknowledged"), "{share}: {}", ran.out);
        let other = ran.out.lines().filter(|l| l.starts_with("BAD")).count();
        assert_eq!(other, 2, "{share}: {}", ran.out);
        assert_eq!(folder.run(&["doctor", "--accept"]).status, Some(0));
        let ran = folder.run(&["doctor"]);
        assert_eq!(ran.status, Some(0), "{share}: {}{}", ran.out, ran.err);
    }
}
