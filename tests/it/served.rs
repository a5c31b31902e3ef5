//! Commands on a folder that is being served: the service carries them out, with the same answer.
#![cfg(unix)]

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Folder, Ran, Server, papers};

/// Copies a data folder that nobody has open.
fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copied(&path, &to),
            false => drop(std::fs::copy(path, to).expect("copied")),
        }
    }
}

/// Two folders with the same papers, themes and readers; the first is served.
fn pair() -> (Folder, Folder, Server) {
    let (served, alone) = (Folder::new(), Folder::new());
    let file = served.file("p.jsonl", papers(300));
    served.json(&["ingest", &file]);
    let list = served.file("ids.txt", "p/3\np/10\np/17\nnobody\n");
    served.json(&["history", "import", "ada", &list, "--kind", "like"]);
    served.json(&["themes"]);
    copied(&served.data(), &alone.data());
    let server = Server::start(&served);
    (served, alone, server)
}

/// What stderr says that does not depend on how long something took.
fn steady(err: &str) -> String {
    let lines =
        err.lines().filter(|line| !line.contains(" ms") && !line.contains(" in 0 s") && !line.contains(" in 1 s"));
    lines.collect::<Vec<_>>().join("\n")
}

/// JSON with nothing in it that says when or how fast.
fn timeless(text: &str) -> String {
    let mut lines = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let Ok(mut value) = value else { return text.to_string() };
        if let Some(fields) = value.as_object_mut() {
            ["data", "disk", "at", "device", "jobs"].iter().for_each(|name| drop(fields.shift_remove(*name)));
        }
        lines.push(value.to_string());
    }
    lines.join("\n")
}

#[test]
fn every_command_answers_as_on_a_folder_that_is_not_served() {
    let (served, alone, server) = pair();
    let file = served.file("more.jsonl", papers(305));
    let bad = served.file("bad.jsonl", "{\"id\": \"ok\", \"title\": \"fine\"}\nnonsense\n");
    let queries = served.file("q.tsv", "query_id\ttext\n1\tnumber3 topic3\n2\tsubject5\n");
    let judged = served.file("j.tsv", "query_id\tpaper_id\n1\tp/3\n2\tp/5\n");
    let groups = served.file("g.tsv", "group\tpaper_id\na\tp/1\na\tp/8\na\tp/15\nb\tp/2\nb\tp/9\nb\tp/16\n");
    let missing = served.path("missing.jsonl").display().to_string();
    for args in [
        &["search", "topic3", "words"][..],
        &["search", "topic3", "--json", "--explain"],
        &["search", "author:\"Author 1\"", "-k", "3"],
        &["search", ""],
        &["search", "x", "--from", "2026", "--to", "2020"],
        &["search"],
        &["search", "deep \"learning"],
        &["similar", "p/3"],
        &["similar", "p/3", "--json"],
        &["similar", "nobody"],
        &["similar", "--all", "-k", "3"],
        &["recommend", "--like", "p/3", "p/10", "--dislike", "p/4", "--explain"],
        &["recommend", "--user", "ada", "--json"],
        &["recommend"],
        &["themes"],
        &["themes", "--json"],
        &["themes", "t1"],
        &["themes", "--events"],
        &["history", "show", "ada", "--json"],
        &["history", "show", "nobody"],
        &["digest", "--date", "2026-05"],
        &["info", "--json"],
        &["index", "check"],
        &["eval", "search", "--queries", &queries, "--qrels", &judged, "--mode", "lexical"],
        &["eval", "similar", "--groups", &groups],
        &["eval", "similar", "--groups", &missing],
        &["embed", &file],
        &["ingest", &missing],
        &["ingest", &bad, "--strict"],
        &["ingest", &file, "--json"],
        &["history", "erase", "ada"],
        &["recommend", "--user", "ada"],
        &["--help"],
        &["nonsense"],
    ] {
        let (a, b) = (served.run(args), alone.run(args));
        assert_eq!(a.status, b.status, "{args:?}: {} {}", a.err, b.err);
        let own = |text: &str, folder: &Folder| text.replace(&folder.data().display().to_string(), "DATA");
        let (out, wanted) = (own(&a.out, &served), own(&b.out, &alone));
        let same = match args[0] {
            "info" | "history" => timeless(&out) == timeless(&wanted),
            // How long it took stands behind.
            "ingest" => out.split(" in ").next() == wanted.split(" in ").next(),
            _ => out == wanted,
        };
        assert!(same, "{args:?}:\n{out}\n---\n{wanted}");
        assert_eq!(steady(&own(&a.err, &served)), steady(&own(&b.err, &alone)), "{args:?}");
    }
    assert_eq!(server.get("/readyz").body["papers"], alone.papers());
    // An export of both is the same to the byte, and either can be taken in again.
    let (one, two) = (served.path("one"), served.path("two"));
    assert_eq!(served.run(&["export", one.to_str().expect("UTF-8")]).status, Some(0));
    assert_eq!(alone.run(&["export", two.to_str().expect("UTF-8")]).status, Some(0));
    for name in ["papers.jsonl", "vectors.jsonl"] {
        assert_eq!(
            std::fs::read(one.join(name)).expect("there"),
            std::fs::read(two.join(name)).expect("there"),
            "{name}"
        );
    }
    let again = served.run(&["export", one.to_str().expect("UTF-8")]);
    assert!(again.status == Some(1) && again.err.contains("not empty"), "{}", again.err);
    let import = served.run(&["import", two.to_str().expect("UTF-8")]);
    assert_eq!(import.status, Some(0), "{}", import.err);
}

#[test]
fn files_are_those_of_whoever_asks() {
    let (served, _alone, _server) = pair();
    // A path from the folder of whoever asks, and standard input.
    served.file("here.jsonl", "{\"id\": \"here/1\", \"title\": \"Kelp in the dark\"}\n");
    let mut relative = served.command(&["ingest", "here.jsonl"]);
    let ran = Ran::from(relative.current_dir(served.dir.path()).output().expect("runs"));
    assert!(ran.status == Some(0) && ran.out.starts_with("1 new"), "{} {}", ran.out, ran.err);
    let mut piped =
        served.command(&["ingest", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    let line = "{\"id\": \"here/2\", \"title\": \"Kelp in the light\"}\n";
    piped.stdin.take().expect("piped").write_all(line.as_bytes()).expect("written");
    assert!(piped.wait_with_output().expect("ends").status.success());
    let mut map = served.command(&["themes", "--map", "map.svg"]);
    assert!(map.current_dir(served.dir.path()).status().expect("runs").success());
    assert!(served.path("map.svg").is_file());
    let mut words = served
        .command(&["search", "-", "-k", "2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    words.stdin.take().expect("piped").write_all(b"kelp").expect("written");
    let out = String::from_utf8(words.wait_with_output().expect("ends").stdout).expect("UTF-8");
    assert!(out.contains("here/1") && out.contains("here/2"), "{out}");
}

#[test]
fn what_cannot_be_done_says_what_can() {
    let (served, alone, server) = pair();
    let again = served.run(&["serve", "--addr", "127.0.0.1:0"]);
    assert!(
        again.status == Some(1) && again.err.contains(&server.url) && again.err.contains("reembed"),
        "{}",
        again.err
    );
    let other = served.run(&["search", "topic3", "--model", "all-MiniLM-L6-v2"]);
    assert!(other.status == Some(1) && other.err.contains("was made with the model hash"), "{}", other.err);
    let other = alone.run(&["search", "topic3", "--model", "all-MiniLM-L6-v2"]);
    assert!(other.status == Some(1) && other.err.contains("was made with the model hash"), "{}", other.err);
    let tuned = served.command(&["search", "topic3"]).env("PAPERKIN_EF_SEARCH", "300").output().expect("runs");
    let tuned = Ran::from(tuned);
    assert!(tuned.status == Some(0) && tuned.err.contains("not heeded: ef_search"), "{}", tuned.err);
    let same = served.run(&["reembed", "--model", "hash"]);
    assert!(same.status == Some(0) && same.out.contains("hash"), "{} {}", same.out, same.err);
    // Where it is in use and cannot be asked, the call that does the same is named.
    std::fs::remove_file(served.data().join("serve.sock")).expect("there");
    let hidden = served.run(&["search", "topic3"]);
    assert!(hidden.status == Some(1) && hidden.err.contains("GET /v1/search"), "{}", hidden.err);
}

#[test]
fn only_the_own_user_may_ask_and_nothing_stays_behind() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let (served, _alone, mut server) = pair();
    let socket = served.data().join("serve.sock");
    let found = std::fs::metadata(&socket).expect("there");
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    // Killed, it leaves its socket, which is in nobody's way.
    server.signal("KILL");
    server.child.wait().expect("ends");
    assert!(socket.exists());
    assert_eq!(served.papers(), 300);
    let mut server = Server::start(&served);
    assert_eq!(served.papers(), 300);
    server.signal("TERM");
    server.child.wait().expect("ends");
    assert!(!socket.exists());
    let left: Vec<String> = std::fs::read_dir(served.data())
        .expect("a folder")
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("serve"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn many_ask_at_once_while_papers_come_in_and_whoever_loses_the_service_hears_so() {
    let (served, _alone, mut server) = pair();
    let file = served.file("many.jsonl", papers(60_000));
    let mut ingest =
        served.command(&["ingest", &file]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let begun = Instant::now();
    while server.get("/readyz").body["papers"].as_u64() < Some(1_000) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing went in");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::scope(|scope| {
        for k in 0..8 {
            let served = &served;
            scope.spawn(move || {
                let id = format!("p/{k}");
                for hit in served.json(&["similar", &id, "-k", "5"]) {
                    assert_ne!(hit["id"], json!(id));
                }
            });
        }
    });
    server.signal("KILL");
    server.child.wait().expect("ends");
    let ran = Ran::from({
        let status = ingest.wait().expect("ends");
        let read = |stream: &mut dyn std::io::Read| {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).expect("read");
            bytes
        };
        let (mut out, mut err) = (ingest.stdout.take().expect("piped"), ingest.stderr.take().expect("piped"));
        std::process::Output { status, stdout: read(&mut out), stderr: read(&mut err) }
    });
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("ended before the command was done"), "{}", ran.err);
    assert!(served.papers() >= 1_000, "what was told is there");
}

#[test]
fn a_command_that_nobody_waits_for_ends() {
    let (served, _alone, server) = pair();
    let mut endless =
        served.command(&["ingest", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    let mut stdin = endless.stdin.take().expect("piped");
    for k in 1_000..1_300 {
        writeln!(stdin, "{}", crate::support::paper(k)).expect("written");
    }
    std::thread::sleep(Duration::from_millis(500));
    endless.kill().expect("killed");
    endless.wait().expect("ends");
    // The pipe stays open, so that only the end of who asked can have ended it.
    std::thread::sleep(Duration::from_millis(500));
    let _ = writeln!(stdin, "{}", crate::support::paper(5_000));
    drop(stdin);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.get("/v1/papers/p%2F5000").status, 404);
    assert_eq!(served.run(&["info"]).status, Some(0));
}
