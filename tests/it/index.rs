//! The kinds of index, chosen as a user would.

use serde_json::{Value, json};

use crate::support::{Folder, Ran, Server, files_below, ids, papers};

const KINDS: [&str; 3] = ["segments", "exact", "hnsw_rs"];

/// Rankings may differ where papers are equally close in half precision and in full.
fn scores(hits: &[Value]) -> Vec<f64> {
    hits.iter().map(|h| h["score"].as_f64().expect("a score")).collect()
}

fn alike(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && scores(a).iter().zip(scores(b)).all(|(a, b)| (a - b).abs() < 1e-3)
}

/// A folder goes from one kind to the next and back; every kind holds the same papers and finds the same.
#[test]
fn a_folder_is_searched_by_any_kind_and_changes_it_freely() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    // So few wait that a graph is made.
    std::fs::create_dir_all(folder.data()).expect("made");
    let settings = |kind: &str| {
        let text = format!("[index]\nkind = \"{kind}\"\n[tuning]\nexact_below = 30\nef_search = 20\n");
        std::fs::write(folder.data().join("paperkin.toml"), text).expect("written");
    };
    settings("segments");
    folder.json(&["ingest", &file]);
    let first = folder.json(&["similar", "p/3", "-k", "9", "--mode", "dense"]);
    let filtered = folder.json(&["search", "topic4", "-k", "20", "--category", "c.1", "--mode", "dense"]);
    assert_eq!((first.len(), filtered.len()), (9, 20));
    for (n, kind) in ["exact", "hnsw_rs", "segments", "hnsw_rs", "exact", "segments"].into_iter().enumerate() {
        settings(kind);
        let info = folder.json(&["info"]).remove(0);
        assert_eq!((&info["index"]["kind"], &info["vectors"]), (&json!(kind), &json!(300 + n)));
        let again = folder.json(&["similar", "p/3", "-k", "9", "--mode", "dense"]);
        assert!(alike(&first, &again), "{kind}: {first:?} {again:?}");
        let again = folder.json(&["search", "topic4", "-k", "20", "--category", "c.1", "--mode", "dense"]);
        assert!(alike(&filtered, &again) && again.iter().all(|h| h["categories"] == json!(["c.1"])), "{kind}");
        let checked = folder.json(&["index", "check"]).remove(0);
        assert_eq!((&checked["lost"], &checked["sample"]), (&json!(0), &json!(300 + n)), "{kind}: {checked}");
        // What one kind took in the next one has.
        let new = json!({"id": format!("new/{n}"), "title": format!("Zebra{n} of its own")});
        let file = folder.file("new.jsonl", new.to_string());
        folder.json(&["ingest", &file]);
        for other in KINDS {
            settings(other);
            assert_eq!(ids(&folder.json(&["search", &format!("zebra{n}"), "-k", "1"])), [format!("new/{n}")]);
        }
    }
}

/// File, environment, flag; a kind that nobody knows is refused with those that there are.
#[test]
fn the_kind_is_a_setting_like_the_others() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(20));
    folder.json(&["ingest", &file]);
    let kind = |env: Option<&str>, flags: &[&str]| {
        let mut command = folder.command(&[&["info", "--json"], flags].concat());
        env.map(|kind| command.env("PAPERKIN_INDEX_KIND", kind));
        let ran = Ran::from(command.output().expect("runs"));
        (ran.status, serde_json::from_str::<Value>(&ran.out).map(|v| v["index"]["kind"].clone()).ok(), ran.err)
    };
    assert_eq!(kind(None, &[]).1, Some(json!("segments")));
    std::fs::write(folder.data().join("paperkin.toml"), "[index]\nkind = 'exact'\n").expect("written");
    assert_eq!(kind(None, &[]).1, Some(json!("exact")));
    assert_eq!(kind(Some("hnsw_rs"), &[]).1, Some(json!("hnsw_rs")));
    assert_eq!(kind(Some("hnsw_rs"), &["--index-kind", "segments"]).1, Some(json!("segments")));
    for (env, flags, status) in [(Some("faiss"), &[][..], 1), (None, &["--index-kind", "faiss"], 2)] {
        let (found, _, err) = kind(env, flags);
        assert!(found == Some(status) && KINDS.iter().all(|kind| err.contains(kind)), "{err}");
    }
    std::fs::write(folder.data().join("paperkin.toml"), "[index]\nkind = 'faiss'\n").expect("written");
    let (status, _, err) = kind(None, &[]);
    assert!(status == Some(1) && err.contains("faiss") && err.contains("hnsw_rs"), "{err}");
    let help = folder.run(&["--help"]).out;
    assert!(help.contains("--index-kind") && KINDS.iter().all(|kind| help.contains(kind)), "{help}");
}

/// A service over a graph in memory: papers come and go while it runs, and nothing of it is left on disk.
#[test]
fn a_service_serves_from_memory() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(250));
    folder.json(&["ingest", &file]);
    std::fs::write(folder.data().join("paperkin.toml"), "[tuning]\nexact_below = 20\n").expect("written");
    for kind in ["hnsw_rs", "exact"] {
        let server = Server::spawn(folder.command(&["serve", "--addr", "127.0.0.1:0", "--index-kind", kind]));
        let ready = server.get("/readyz");
        assert_eq!((ready.status, &ready.body["index"]["kind"]), (200, &json!(kind)), "{}", ready.body);
        if kind == "hnsw_rs" {
            // Linked behind the searches.
            let linked = (0..200).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(50));
                server.get("/readyz").body["index"]["points"].as_u64() >= Some(250)
            });
            assert!(linked, "{}", server.get("/readyz").body);
        }
        let new = json!({"id": "fresh", "title": "Wombats dig cubic tunnels"}).to_string();
        assert_eq!(server.request("POST", "/v1/papers", Some("application/x-ndjson"), new.as_bytes()).status, 200);
        let found = server.get("/v1/search?q=wombats%20dig%20cubic%20tunnels&mode=dense&limit=1").body;
        assert_eq!(found["papers"][0]["id"], "fresh", "{found}");
        assert_eq!(server.delete("/v1/papers/fresh").status, 204);
        let found = server.get("/v1/search?q=wombats%20dig%20cubic%20tunnels&mode=dense&limit=300").body;
        let left: Vec<&str> = ids(found["papers"].as_array().expect("papers"));
        assert!(left.len() == 250 && !left.contains(&"fresh"), "{kind}: {}", left.len());
        drop(server);
        assert_eq!(files_below(&folder.data().join("index")), [] as [std::path::PathBuf; 0], "{kind}");
    }
}
