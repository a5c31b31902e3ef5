//! Moving a corpus to another model, and what a text's vector is kept by.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::support::{Folder, Server, ids, paper, papers};

const MINI: &str = "all-MiniLM-L6-v2";

/// A folder whose commands name no model.
fn folder() -> Folder {
    let folder = Folder { model: "default", ..Folder::new() };
    let file = folder.file("p.jsonl", papers(60));
    folder.json(&["ingest", &file, "--model", "hash"]);
    folder
}

#[test]
fn a_corpus_moves_to_another_model_and_back() {
    let folder = folder();
    let before = folder.json(&["similar", "p/3"]);
    let moved = &folder.json(&["reembed", "--model", MINI])[0];
    assert_eq!((&moved["embedded"], &moved["papers"], &moved["model"]), (&json!(60), &json!(60), &json!(MINI)));
    let info = &folder.json(&["info"])[0];
    assert_eq!((&info["dimension"], &info["vectors"]), (&json!(384), &json!(60)));
    assert_eq!(ids(&folder.json(&["search", "subject3 item42", "-k", "1"])).len(), 1);
    assert_ne!(folder.json(&["similar", "p/3"]), before);

    let back = &folder.json(&["reembed", "--model", "hash"])[0];
    assert_eq!(back["embedded"], 0, "the old vectors were thrown away");
    assert_eq!(folder.json(&["similar", "p/3"]), before);
    let again = &folder.json(&["reembed", "--model", MINI])[0];
    assert_eq!(again["embedded"], 0);
    // Another precision is another model.
    let int8 = &folder.json(&["reembed", "--precision", "int8"])[0];
    assert_eq!((&int8["embedded"], &int8["precision"]), (&json!(60), &json!("int8")));
    let refused = folder.run(&["search", "x", "--precision", "f32"]);
    assert!(refused.status == Some(1) && refused.err.contains("int8"), "{}", refused.err);

    for (args, word) in [(vec!["reembed"], "--model"), (vec!["reembed", "--model", "no-such-model"], "no-such-model")] {
        let ran = folder.run(&args);
        assert!(ran.status == Some(1) && ran.err.contains(word), "{args:?}: {}", ran.err);
    }
    assert_eq!(folder.json(&["info"])[0]["precision"], "int8", "a failed move changed the model");
}

#[test]
fn a_move_that_was_killed_goes_on() {
    let folder = Folder { model: "default", ..Folder::new() };
    let file = folder.file("p.jsonl", papers(1500));
    folder.json(&["ingest", &file, "--model", "hash"]);
    let (mut killed, mut finished) = (0, false);
    for k in 1..20 {
        let mut child = folder
            .command(&["reembed", "--model", MINI])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        // Longer each time, so that on any machine some fall into the middle.
        std::thread::sleep(Duration::from_millis(200 * k));
        let _ = child.kill();
        finished = child.wait().expect("ends").success();
        if finished {
            break;
        }
        killed += 1;
        let info = &folder.json(&["info"])[0];
        assert_eq!((&info["papers"], &info["vectors"]), (&json!(1500), &json!(1500)));
    }
    assert!(killed > 0, "no kill hit a running process");
    let moved = &folder.json(&["reembed", "--model", MINI])[0];
    assert!(finished || moved["embedded"].as_u64() < Some(1500), "it began anew");
    assert_eq!(folder.json(&["info"])[0]["dimension"], 384);
}

#[test]
fn a_service_answers_while_it_moves() {
    let folder = folder();
    let server = Server::spawn(folder.command(&["serve", "--addr", "127.0.0.1:0", "--reembed", MINI]));
    for k in 60..90 {
        assert_eq!(server.post("/v1/papers", &paper(k)).status, 200);
        assert_eq!(server.get("/v1/search?q=number7&limit=3").status, 200);
    }
    assert_eq!(server.delete("/v1/papers/p%2F1").status, 204);
    if server.get("/readyz").body["model"] != MINI {
        server.wait_for("are with");
    }
    let ready = server.get("/readyz");
    assert_eq!((&ready.body["model"], &ready.body["papers"]), (&json!(MINI), &json!(89)));
    assert_eq!(ready.body["index"]["rows"], 89, "papers that came in meanwhile were left behind");
    assert_eq!(server.post("/v1/embed", &json!({ "inputs": ["x"] })).body["dimension"], 384);
    assert_eq!(server.post("/v1/papers", &paper(100)).body["accepted"], 1);
    assert_eq!(server.get("/v1/papers/p%2F100/similar?limit=200").body["papers"].as_array().map(Vec::len), Some(89));
    drop(server);
    assert_eq!(folder.json(&["info"])[0]["model"], MINI);
}

#[test]
fn the_same_text_is_embedded_once() {
    let folder = Folder::new();
    let twice: String = (0..50)
        .map(|k| {
            let mut twin = paper(k);
            twin["id"] = json!(format!("twin/{k}"));
            format!("{twin}\n")
        })
        .collect();
    let first = folder.file("a.jsonl", papers(50));
    let second = folder.file("b.jsonl", twice);
    assert_eq!(folder.json(&["ingest", &first])[0]["embedded"], 50);
    let report = &folder.json(&["ingest", &second])[0];
    assert_eq!((&report["accepted"], &report["embedded"]), (&json!(50), &json!(0)));
    // A twin that goes does not take the vector of the other along.
    let server = Server::start(&folder);
    assert_eq!(server.delete("/v1/papers/p%2F3").status, 204);
    drop(server);
    let info = &folder.json(&["info"])[0];
    assert_eq!((&info["papers"], &info["vectors"]), (&json!(99), &json!(99)));
}
