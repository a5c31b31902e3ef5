//! What is forgotten is in no file of the folder, raw or unpacked, from the moment that this was answered.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Folder, Server, files_below, papers};

const READERS: usize = 24;

fn name(k: usize) -> String {
    format!("zq-reader-{k:02}-qz")
}

/// What of a reader can be looked for: the name, the words of their library, of an interest, of a venue.
fn marks(k: usize) -> Vec<String> {
    ["zq-reader-", "zq-title-", "zq-author-", "zq-interest-", "zq-folder-", "zq-note-"]
        .iter()
        .map(|start| format!("{start}{k:02}-qz"))
        .collect()
}

fn library(k: usize) -> String {
    (0..12)
        .map(|n| {
            let filler = format!("word{} ", n * 7 % 5).repeat(30 + n * 11 + k * 5);
            format!(
                "@article{{e{n}, title={{zq-title-{k:02}-qz number {n} of its kind}}, author={{zq-author-{k:02}-qz, Ann}}, \
                 abstract={{{filler} zq-title-{k:02}-qz}}}}\n"
            )
        })
        .collect()
}

fn fill(folder: &Folder, server: &Server) -> Vec<String> {
    let mut tokens = Vec::new();
    for k in 0..READERS {
        let user = name(k);
        // By command and over HTTP, in turn.
        if k % 2 == 0 {
            let file = folder.file("l.bib", library(k));
            folder.json(&["history", "import", &user, &file, "--embed-missing"]);
        } else {
            let path = format!("/v1/users/{user}/history?embed_missing=true");
            let reply = server.request("POST", &path, Some("application/x-bibtex"), library(k).as_bytes());
            assert!([200, 202].contains(&reply.status), "{}", reply.body);
        }
        for round in 0..4 {
            let events: Vec<Value> = (0..40)
                .map(|n| {
                    json!({ "paper": format!("p/{}", (n * 3 + k + round * 40) % 300), "kind": "like",
                    "at": format!("2026-0{}-{:02}T10:00:00Z", 1 + round, 1 + (n + k) % 28) })
                })
                .collect();
            let reply = server.post(&format!("/v1/users/{user}/events"), &json!({ "events": events }));
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
        let interests = server.get(&format!("/v1/users/{user}/interests"));
        if let Some(id) = interests.body["interests"][0]["id"].as_str() {
            let body = json!({ "name": format!("zq-interest-{k:02}-qz") }).to_string();
            let path = format!("/v1/users/{user}/interests/{id}");
            assert_eq!(server.request("PATCH", &path, Some("application/json"), body.as_bytes()).status, 200);
        }
        for n in 0..3 {
            let folder = server
                .post(&format!("/v1/users/{user}/folders"), &json!({ "name": format!("zq-folder-{k:02}-qz {n}") }));
            let id = folder.body["id"].as_str().expect("a folder");
            let papers: Vec<String> = (0..50).map(|m| format!("p/{}", (m * 5 + n) % 300)).collect();
            let filed = server.post(&format!("/v1/users/{user}/folders/{id}/papers"), &json!({ "papers": papers }));
            assert_eq!(filed.status, 200, "{}", filed.body);
            // Written, and written anew.
            for words in [400, 30] {
                let text =
                    json!({ "text": format!("zq-note-{k:02}-qz {}", "and more ".repeat(words + n * 40)) }).to_string();
                let path = format!("/v1/users/{user}/notes/p%2F{n}");
                let written = server.request("PUT", &path, Some("application/json"), text.as_bytes());
                assert_eq!(written.status, 200, "{}", written.body);
            }
        }
        let token = server.request("POST", &format!("/v1/users/{user}/token"), None, b"");
        tokens.push(token.body["token"].as_str().expect("a token").to_string());
    }
    tokens
}

/// The vectors of the papers that only these readers have, as bytes.
fn vectors(folder: &Folder, gone: &[usize]) -> Vec<Vec<u8>> {
    let out = folder.path("before.tar.zst");
    let ran = folder.run(&["backup", &out.display().to_string()]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let unpacked = folder.path("before");
    unpack(&out, &unpacked);
    let c = rusqlite::Connection::open(unpacked.join("papers.sqlite")).expect("opens");
    let mut all = Vec::new();
    for k in gone {
        let mut find = c
            .prepare(
                "SELECT vector FROM vectors JOIN outside USING (text_hash) JOIN users USING (user) WHERE name = ?1",
            )
            .expect("a statement");
        let found = find.query_map([name(*k)], |r| r.get::<_, Vec<u8>>(0)).expect("read");
        all.extend(found.map(|v| v.expect("a vector")));
    }
    assert!(!all.is_empty());
    std::fs::remove_dir_all(unpacked).expect("removed");
    all
}

fn unpack(file: &Path, to: &Path) {
    let file = std::fs::File::open(file).expect("there");
    tar::Archive::new(zstd::Decoder::new(file).expect("packed")).unpack(to).expect("unpacked");
}

/// Where something is found in the files of a folder.
fn found(folder: &Path, wanted: &[Vec<u8>]) -> Vec<String> {
    let mut hits = Vec::new();
    for path in files_below(folder) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for mark in wanted {
            if memchr(&bytes, mark) {
                hits.push(format!("{} in {}", String::from_utf8_lossy(&mark[..mark.len().min(24)]), path.display()));
            }
        }
    }
    hits
}

fn memchr(bytes: &[u8], mark: &[u8]) -> bool {
    let first = mark[0];
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|b| *b == first) {
        at += next;
        if bytes[at..].starts_with(mark) {
            return true;
        }
        at += 1;
    }
    false
}

#[test]
fn nothing_of_a_reader_is_left_in_any_file() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    let tokens = fill(&folder, &server);
    let gone: Vec<usize> = (0..READERS).filter(|k| k % 3 != 0).collect();
    let vectors = vectors(&folder, &gone);
    // That it would be found.
    let marks_of = |k: usize| marks(k).into_iter().map(String::into_bytes);
    let all: Vec<Vec<u8>> = gone.iter().flat_map(|k| marks_of(*k)).collect();
    assert!(found(&folder.data(), &all).len() >= 3 * gone.len());
    let mut wanted: Vec<Vec<u8>> = vectors;
    for (n, k) in gone.iter().enumerate() {
        if n % 2 == 0 {
            assert_eq!(server.delete(&format!("/v1/users/{}", name(*k))).status, 204);
        } else {
            let ran = folder.run(&["history", "erase", &name(*k)]);
            assert_eq!(ran.status, Some(0), "{}", ran.err);
        }
        let own: Vec<Vec<u8>> = marks_of(*k).chain([tokens[*k].clone().into_bytes()]).collect();
        assert_eq!(found(&folder.data(), &own), [] as [String; 0], "right after reader {k}");
        wanted.extend(own);
        // Others go on.
        let other = json!({ "events": [{ "paper": format!("p/{n}"), "kind": "view" }] });
        assert_eq!(server.post(&format!("/v1/users/{}/events", name(0)), &other).status, 200);
    }
    let nothing = |when: &str| assert_eq!(found(&folder.data(), &wanted), [] as [String; 0], "{when}");
    nothing("served");
    let last = name(gone[0]);
    assert_eq!(server.get(&format!("/v1/users/{last}")).status, 404);
    let backup = folder.path("later.tar.zst");
    assert_eq!(folder.run(&["backup", &backup.display().to_string()]).status, Some(0));
    unpack(&backup, &folder.path("later"));
    assert_eq!(found(&folder.path("later"), &wanted), [] as [String; 0], "in a later backup");
    // One more, and killed right behind the answer.
    assert_eq!(server.delete(&format!("/v1/users/{}", name(3))).status, 204);
    server.signal("KILL");
    drop(server);
    wanted.extend(marks_of(3));
    assert_eq!(found(&folder.data(), &wanted), [] as [String; 0], "killed");
    let ran = folder.run(&["doctor"]);
    assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
    assert_eq!(found(&folder.data(), &wanted), [] as [String; 0], "opened again");
    let left: Vec<Vec<u8>> = marks_of(0).take(2).collect();
    assert!(found(&folder.data(), &left).len() >= 2, "others are there");
}

/// What a paper said is gone from the database soon after it is taken away, and when it is next opened in any case.
#[test]
fn the_text_of_a_paper_that_is_taken_away_goes_soon() {
    let folder = Folder::new();
    let mut lines = papers(200);
    for k in 0..40 {
        // Not among the words that a theme could be named by: the history of themes keeps their names.
        lines += &json!({ "id": format!("zq/{k}"), "title": "Some words about more words",
            "abstract": format!("{} zq-title-{k:02}-qz {}", "and more words ".repeat(3), "and more words ".repeat(5 + k * 9)) })
        .to_string();
        lines.push('\n');
    }
    let file = folder.file("p.jsonl", lines);
    folder.json(&["ingest", &file]);
    let database = |folder: &Folder| {
        let mut hits =
            found(&folder.data(), &(0..40).map(|k| format!("zq-title-{k:02}-qz").into_bytes()).collect::<Vec<_>>());
        hits.retain(|hit| hit.contains("papers.sqlite"));
        hits.len()
    };
    let server = Server::start(&folder);
    assert!(database(&folder) >= 40);
    for k in (0..40).rev() {
        assert_eq!(server.delete(&format!("/v1/papers/zq%2F{k}")).status, 204);
    }
    let gone = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        // And nothing is owed any more: what stood in no slack is gone before that is known.
        database(&folder) == 0 && !folder.data().join("forgetting").exists()
    });
    assert!(gone, "{} are still there, or still owed", database(&folder));
    drop(server);
}

/// A note or folder that is deleted is in no file when that is answered; what was written over goes soon.
#[test]
fn notes_and_names_of_folders_go() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(60))]);
    let server = Server::start(&folder);
    let send = |method: &str, path: &str, body: &Value| {
        let path = format!("/v1/users/ada/{path}");
        let reply = server.request(method, &path, Some("application/json"), body.to_string().as_bytes());
        assert!([200, 201].contains(&reply.status), "{path}: {}", reply.body);
        reply.body
    };
    let write = |n: usize, start: &str| {
        let text = format!("{start}-{n:02}-qz {}", "and more ".repeat(20 + n * 50));
        send("PUT", &format!("notes/p%2F{n}"), &json!({ "text": text }));
    };
    let folders: Vec<String> = (0..12)
        .map(|n| {
            write(n, "zq-note");
            let made = send("POST", "folders", &json!({ "name": format!("zq-name-{n:02}-qz") }));
            made["id"].as_str().expect("an id").to_string()
        })
        .collect();
    let of = |n: usize| ["zq-note", "zq-name"].map(|start| format!("{start}-{n:02}-qz").into_bytes());
    for (n, id) in folders.iter().enumerate().take(4) {
        assert!(found(&folder.data(), &of(n)).len() >= 2);
        assert_eq!(server.delete(&format!("/v1/users/ada/notes/p%2F{n}")).status, 204);
        assert_eq!(found(&folder.data(), &of(n)[..1]), [] as [String; 0], "right after note {n}");
        assert_eq!(server.delete(&format!("/v1/users/ada/folders/{id}")).status, 204);
        assert_eq!(found(&folder.data(), &of(n)), [] as [String; 0], "right after folder {n}");
    }
    for (n, id) in folders.iter().enumerate().skip(4).take(4) {
        write(n, "zq-other");
        send("PATCH", &format!("folders/{id}"), &json!({ "name": format!("another {n}") }));
    }
    let before: Vec<Vec<u8>> = (4..8).flat_map(of).collect();
    let gone = (0..150).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        found(&folder.data(), &before).is_empty() && !folder.data().join("forgetting").exists()
    });
    assert!(gone, "{:?}", found(&folder.data(), &before));
    let left: Vec<Vec<u8>> = (8..12).flat_map(of).chain([b"zq-other-05-qz".to_vec()]).collect();
    assert!(found(&folder.data(), &left).len() >= left.len(), "others are there");
}
