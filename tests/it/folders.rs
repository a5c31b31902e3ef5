//! Folders of released versions (`folders/make.py`) open in this one, with everything that their own version knew.

use std::path::Path;

use serde_json::Value;

use crate::support::{Folder, Server, files_below, ids};

/// A folder of a version, as it was left, with what that version exported and answered.
fn of_version(name: &str) -> Folder {
    let folder = Folder::new();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/folders").join(format!("{name}.tar.zst"));
    let file = std::fs::File::open(&packed).unwrap_or_else(|e| panic!("{}: {e}", packed.display()));
    tar::Archive::new(zstd::Decoder::new(file).expect("packed")).unpack(folder.dir.path()).expect("unpacked");
    std::fs::rename(folder.path("folder"), folder.data()).expect("renamed");
    folder
}

/// Whether everything of `old` is in `new`; what is new may stand beside it.
fn holds(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => old.iter().all(|(k, v)| new.get(k).is_some_and(|n| holds(n, v))),
        (Value::Array(new), Value::Array(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(n, o)| holds(n, o))
        }
        (Value::Number(new), Value::Number(old)) => {
            let (new, old) = (new.as_f64().expect("a number"), old.as_f64().expect("a number"));
            (new - old).abs() <= 1e-6 * old.abs().max(1.0)
        }
        _ => new == old,
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Papers, readers with all there is of them, and themes are what the version that made the folder said they are.
fn is_all_there(name: &str) {
    let folder = of_version(name);
    let out = folder.path("again");
    let ran = folder.run(&["export", &out.display().to_string()]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for file in
        ["papers.jsonl", "vectors.jsonl", "users.jsonl", "themes.jsonl", "theme_papers.jsonl", "theme_events.jsonl"]
    {
        let (old, new) = (lines(&folder.path("export").join(file)), lines(&out.join(file)));
        assert!(!old.is_empty() && old.len() == new.len(), "{file}: {} and {}", old.len(), new.len());
        for (old, new) in old.iter().zip(&new) {
            assert!(holds(new, old), "{file}:\nwas {old}\nis  {new}");
        }
    }
    let ran = folder.run(&["doctor"]);
    assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
    let answers: Value =
        serde_json::from_slice(&std::fs::read(folder.path("answers.json")).expect("there")).expect("JSON");
    let server = Server::start(&folder);
    for question in ["similar", "search"] {
        let reply = server.get(answers["asked"][question].as_str().expect("a path"));
        let papers = |body: &Value| ids(body["papers"].as_array().expect("papers")).join(" ");
        assert_eq!(papers(&reply.body), papers(&answers[question]), "{question}");
    }
    for question in ["events", "user"] {
        let reply = server.get(answers["asked"][question].as_str().expect("a path"));
        assert!(holds(&reply.body["events"], &answers[question]["events"]), "{question}: {}", reply.body);
    }
}

#[test]
fn a_folder_of_0_1_0_is_all_there() {
    is_all_there("0.1.0");
}

#[test]
fn a_folder_of_a_newer_schema_is_refused_and_stays_as_it_is() {
    let folder = of_version("0.1.0");
    let database = folder.data().join("papers.sqlite");
    let c = rusqlite::Connection::open(&database).expect("opens");
    c.pragma_update(None, "user_version", 9999).expect("written");
    c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("folded");
    drop(c);
    let contents = || std::fs::read(&database).expect("there");
    let before = (contents(), files_below(&folder.data().join("words")));
    for command in [&["info"][..], &["backup", "x"], &["doctor"], &["serve", "--addr", "127.0.0.1:0"]] {
        let ran = folder.run(command);
        assert_eq!(ran.status, Some(1), "{command:?}: {}", ran.err);
        assert!(
            format!("{}{}", ran.out, ran.err).contains("made by a newer paperkin (schema 9999"),
            "{command:?}: {}",
            ran.err
        );
    }
    assert!((contents(), files_below(&folder.data().join("words"))) == before);
}
