//! Reading lists over a real socket: looked at, taken in, listed, taken back.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Folder, Server, error, papers};

fn filled() -> (Folder, Server) {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(40))]);
    let server = Server::start(&folder);
    (folder, server)
}

/// Entries about papers that no corpus has.
fn strangers(range: std::ops::Range<usize>) -> String {
    range
        .map(|k| format!("@misc{{s{k}, title={{Strange things number{k} beyond topic{k}}}, author={{Nil, N{k}}}}}\n"))
        .collect()
}

fn send(server: &Server, user: &str, query: &str, list: &str) -> Value {
    let path = format!("/v1/users/{user}/history?{query}");
    let reply = server.request("POST", &path, Some("text/plain"), list.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

fn history(server: &Server, user: &str) -> HashSet<(String, String)> {
    let body = server.get(&format!("/v1/users/{user}/events?limit=500")).body;
    let text = |v: &Value| v.as_str().expect("a text").to_string();
    body["events"].as_array().expect("events").iter().map(|e| (text(&e["paper"]), text(&e["kind"]))).collect()
}

fn outside(server: &Server, user: &str) -> Vec<String> {
    let body = server.get(&format!("/v1/users/{user}/outside?limit=500")).body;
    body["papers"].as_array().expect("papers").iter().filter_map(|p| p["title"].as_str().map(str::to_string)).collect()
}

const MIXED: &str = "@misc{a, title={Paper number3 on topic3}, author={Author 3}}\n\
    @misc{b, title {no sign}}\n\
    @misc{c, title={Strange things beyond any topic}, author={Nil, N.}, year=2020}\n\
    @misc{d, title={Paper number3 on topic3}, author={Author 3}}\n\
    @misc{e, note={nothing}}\n";

#[test]
fn a_dry_run_says_everything_and_writes_nothing() {
    let (folder, server) = filled();
    let seen = send(&server, "ada", "dry_run=true&embed_missing=true", MIXED);
    assert_eq!(error(&server.get("/v1/users/ada")).0, 404, "nobody was made");
    assert_eq!((&seen["dry_run"], &seen["format"], &seen["import"]), (&json!(true), &json!("bibtex"), &Value::Null));
    let counts = ["total", "accepted", "unchanged", "embedded", "rejected_total"].map(|name| seen[name].as_u64());
    assert_eq!(counts, [5, 2, 1, 1, 2].map(Some), "{seen}");
    let entries = seen["entries"].as_array().expect("entries");
    let told: Vec<(u64, &str, &str)> = entries
        .iter()
        .map(|e| {
            (
                e["line"].as_u64().expect("a line"),
                e["key"].as_str().unwrap_or_default(),
                e["status"].as_str().expect("a status"),
            )
        })
        .collect();
    let wanted =
        [(1, "a", "matched"), (2, "b", "rejected"), (3, "c", "missing"), (4, "d", "matched"), (5, "e", "rejected")];
    assert_eq!(told, wanted);
    assert_eq!((&entries[0]["paper"], &entries[0]["by"]), (&json!("p/3"), &json!("title")));
    assert_eq!(
        (&entries[2]["title"], &entries[2]["teaches"]),
        (&json!("Strange things beyond any topic"), &json!(true))
    );
    assert!(entries[4]["reason"].as_str().is_some_and(|r| r.contains("neither")), "{}", entries[4]);
    // The real thing comes to the same, and matched, missing and rejected are all there is.
    let done = send(&server, "ada", "embed_missing=true", MIXED);
    for name in ["matched", "missing", "rejected", "total", "accepted", "unchanged", "embedded", "format"] {
        assert_eq!(done[name], seen[name], "{name}");
    }
    let n = |name: &str| done[name].as_array().expect("a list").len() as u64;
    assert_eq!(Some(n("matched") + n("missing") + n("rejected")), done["total"].as_u64());
    assert!(done["import"].is_string() && done["entries"].is_null(), "{done}");
    let again = send(&server, "ada", "dry_run=true&embed_missing=true", MIXED);
    assert_eq!((&again["accepted"], &again["unchanged"]), (&json!(0), &json!(3)));
    assert_eq!(server.get("/v1/users/ada/imports").body["imports"].as_array().map(Vec::len), Some(1));
    drop(server);
    let file = folder.file("l.bib", MIXED);
    let ran = folder.run(&["history", "import", "eve", &file, "--dry-run"]);
    assert!(ran.status == Some(0) && ran.out.contains("Nothing was written"), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("p/3 (by title)") && ran.out.contains("neither"), "{}", ran.out);
    assert_eq!(folder.run(&["history", "show", "eve"]).status, Some(1));
}

#[test]
fn an_import_is_taken_back_as_a_whole_and_nothing_else_is() {
    let (_folder, server) = filled();
    let by_hand = json!({ "events": [{ "paper": "p/1", "kind": "save" }, { "paper": "p/2", "kind": "like" }] });
    server.post("/v1/users/ada/events", &by_hand);
    let ids = |range: std::ops::Range<usize>| range.map(|k| format!("p/{k}\n")).collect::<String>();
    let first = send(&server, "ada", "name=first.txt", &ids(1..6));
    assert_eq!((&first["accepted"], &first["unchanged"]), (&json!(4), &json!(1)));
    let second = send(&server, "ada", "embed_missing=true", &strangers(0..4).to_string());
    let third = send(
        &server,
        "ada",
        "embed_missing=true",
        &format!("{}{}", strangers(2..6), "@misc{z, title={Paper number5 on topic5}, author={Author 0}}"),
    );
    let listed = server.get("/v1/users/ada/imports").body["imports"].as_array().expect("a list").clone();
    assert_eq!(
        listed.iter().map(|i| i["id"].clone()).collect::<Vec<_>>(),
        [&third, &second, &first].map(|d| d["import"].clone())
    );
    let one = &listed[2];
    assert_eq!((&one["name"], &one["status"], &one["accepted"]), (&json!("first.txt"), &json!("done"), &json!(4)));
    assert_eq!(
        (&one["done"], &one["total"], &one["kind"], &one["answer"]),
        (&json!(5), &json!(5), &json!("save"), &Value::Null)
    );
    let path = |done: &Value| format!("/v1/users/ada/imports/{}", done["import"].as_str().expect("an id"));
    let in_full = server.get(&path(&first)).body;
    assert_eq!(in_full["answer"]["matched"].as_array().map(Vec::len), Some(5), "{in_full}");
    assert_eq!(outside(&server, "ada").len(), 6);
    assert_eq!(server.get("/v1/users/ada/outside").body["papers"][2]["imports"].as_array().map(Vec::len), Some(2));

    // p/5 is named by the third as well, and p/1 was saved by hand before.
    assert_eq!(server.delete(&path(&first)).status, 204);
    let left = history(&server, "ada");
    let has = |paper: &str| left.contains(&(paper.to_string(), "save".to_string()));
    assert!(has("p/1") && has("p/5") && !has("p/2") && !has("p/3") && !has("p/4"), "{left:?}");
    assert!(left.contains(&("p/2".to_string(), "like".to_string())));
    assert_eq!(error(&server.get(&path(&first))).0, 404);
    assert_eq!(error(&server.delete(&path(&first))).0, 404);
    // What two lists brought goes with the last of them.
    assert_eq!(server.delete(&path(&second)).status, 204);
    assert_eq!(outside(&server, "ada").len(), 4);
    assert_eq!(server.delete(&path(&third)).status, 204);
    assert_eq!(outside(&server, "ada"), Vec::<String>::new());
    let left = history(&server, "ada");
    assert_eq!(left.len(), 2, "{left:?}");
    // A number is not given twice, and an event that came by hand as well stays.
    let fourth = send(&server, "ada", "", &ids(7..9));
    assert!(![&first, &second, &third].iter().any(|d| d["import"] == fourth["import"]));
    let events = server.get("/v1/users/ada/events").body["events"].as_array().expect("events").clone();
    let same = events.iter().find(|e| e["paper"] == "p/7").expect("there");
    server.post("/v1/users/ada/events", &json!({ "events": [same] }));
    assert_eq!(server.delete(&path(&fourth)).status, 204);
    let left = history(&server, "ada");
    assert!(
        left.contains(&("p/7".into(), "save".into())) && !left.contains(&("p/8".into(), "save".into())),
        "{left:?}"
    );
    for path in ["/v1/users/ada/imports/99", "/v1/users/ada/imports/x", "/v1/users/nobody/imports/1"] {
        assert_eq!((error(&server.get(path)).0, error(&server.delete(path)).0), (404, 404), "{path}");
    }
    assert_eq!(error(&server.get("/v1/users/nobody/imports")).0, 404);
}

#[test]
fn a_paper_from_outside_can_be_looked_at_and_removed() {
    let (_folder, server) = filled();
    let done = send(&server, "ada", "embed_missing=true&kind=like", &strangers(0..30));
    assert_eq!(done["embedded"], 30);
    let page = server.get("/v1/users/ada/outside?limit=20");
    let next = page.body["meta"]["next"].as_str().expect("more");
    let rest = server.get(&format!("/v1/users/ada/outside?limit=20&cursor={next}"));
    assert_eq!((rest.body["papers"].as_array().map(Vec::len), &rest.body["meta"]["next"]), (Some(10), &Value::Null));
    let id = page.body["papers"][0]["id"].as_str().expect("an id");
    let path = format!("/v1/users/ada/outside/{}", id.replace('/', "%2F"));
    assert_eq!(server.delete(&path).status, 204);
    assert_eq!(error(&server.delete(&path)).0, 404);
    assert_eq!(outside(&server, "ada").len(), 29);
    assert!(!history(&server, "ada").iter().any(|(paper, _)| paper == id));
    // It may come again, and be taken back again.
    assert_eq!(send(&server, "ada", "embed_missing=true&kind=like", &strangers(0..30))["accepted"], 1);
    for (path, status) in [
        ("/v1/users/ada/outside?limit=0", 422),
        ("/v1/users/ada/outside?cursor=x", 400),
        ("/v1/users/nobody/outside", 404),
    ] {
        assert_eq!(error(&server.get(path)).0, status, "{path}");
    }
}

#[test]
fn imports_go_with_the_user_in_and_out() {
    let (folder, server) = filled();
    let first = send(&server, "ada", "embed_missing=true&name=l.bib", &strangers(0..5));
    send(&server, "ada", "embed_missing=true", &strangers(3..8));
    drop(server);
    let out = folder.path("out").display().to_string();
    folder.json(&["export", &out]);
    let other = Folder::new();
    other.json(&["import", &out]);
    // Twice is once.
    other.json(&["import", &out]);
    let listed = other.json(&["history", "imports", "ada"]);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed, folder.json(&["history", "imports", "ada"]));
    let undone = &other.json(&["history", "undo", "ada", first["import"].as_str().expect("an id")])[0];
    assert_eq!((&undone["events"], &undone["papers"]), (&json!(3), &json!(3)));
    assert_eq!(other.json(&["history", "outside", "ada"]).len(), 5);
    assert_eq!(other.run(&["history", "undo", "ada", "1"]).status, Some(1));
    other.json(&["history", "erase", "ada"]);
    let server = Server::start(&other);
    assert_eq!(error(&server.get("/v1/users/ada/imports")).0, 404);
    server.request("PUT", "/v1/users/ada", None, b"");
    assert_eq!(server.get("/v1/users/ada/imports").body["imports"], json!([]));
}

#[test]
fn the_body_may_be_the_list_itself() {
    let (_folder, server) = filled();
    let bib = "@misc{a, title={Käfer über Föhr und Amrum im Herbst}}\n";
    let latin: Vec<u8> = bib.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(bib.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let utf16_bare: Vec<u8> = bib.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (media, bytes) in [
        ("text/plain", bib.as_bytes()),
        ("text/plain; charset=utf-8", bib.as_bytes()),
        ("text/plain; charset=iso-8859-1", &latin),
        ("text/plain", &latin),
        ("application/x-bibtex", &utf16),
        ("application/octet-stream; charset=\"UTF-16LE\"", &utf16_bare),
    ] {
        let reply = server.request("POST", "/v1/users/ada/history?dry_run=1&kind=like", Some(media), bytes);
        assert_eq!(reply.body["missing"], json!(["Käfer über Föhr und Amrum im Herbst"]), "{media}: {}", reply.body);
    }
    let csl = json!([{ "title": "Paper number3 on topic3", "author": [{ "family": "3", "given": "Author" }] }]);
    for body in [csl.clone(), json!({ "items": csl })] {
        let reply = server.post("/v1/users/ada/history?dry_run=true", &body);
        assert_eq!(
            (&reply.body["format"], &reply.body["matched"][0]["paper"]),
            (&json!("csl"), &json!("p/3")),
            "{}",
            reply.body
        );
    }
    let ris = "TY  - JOUR\nTI  - Paper number3 on topic3\nAU  - Author 3\nER  - \n";
    let reply = server.request(
        "POST",
        "/v1/users/ada/history?format=ris&dry_run=true",
        Some("application/x-research-info-systems"),
        ris.as_bytes(),
    );
    assert_eq!((&reply.body["format"], &reply.body["matched"][0]["paper"]), (&json!("ris"), &json!("p/3")));
    let post = |query: &str, headers: &[(&str, &str)], body: &str| {
        server.request_with("POST", &format!("/v1/users/ada/history?{query}"), headers, body.as_bytes())
    };
    for (query, headers, body, status, word) in [
        ("", &[("content-type", "multipart/form-data; boundary=x")][..], "x", 415, "--data-binary"),
        ("", &[("content-type", "application/x-www-form-urlencoded")], "x", 415, "text/plain"),
        ("", &[("content-type", "text/plain; charset=klingon")], "x", 415, "klingon"),
        ("", &[("content-type", "text/plain"), ("origin", "https://elsewhere.example")], "p/1", 403, "another site"),
        ("", &[("content-type", "text/plain")], " ", 422, "no reference"),
        ("colour=red", &[("content-type", "text/plain")], "p/1", 400, "colour"),
        ("kind=hug", &[("content-type", "text/plain")], "p/1", 400, "hug"),
        ("format=tex", &[("content-type", "text/plain")], "p/1", 400, "tex"),
        ("dry_run=maybe", &[("content-type", "text/plain")], "p/1", 400, "dry_run"),
        ("", &[("content-type", "application/json")], "{\"format\": \"ids\"}", 400, "text"),
        ("", &[("content-type", "application/json")], "{\"text\": 5}", 400, "text"),
        ("", &[("content-type", "application/json")], "5", 400, "object"),
    ] {
        let reply = post(query, headers, body);
        let (got, _, message) = error(&reply);
        assert!(got == status && message.contains(word), "{query} {headers:?} {body}: {got} {message}");
    }
    assert_eq!(error(&server.get("/v1/users/ada")).0, 404, "nothing of all that was written");
    // The page itself may, whatever it is called from outside.
    let host = server.url.trim_start_matches("http://").to_string();
    let reply =
        post("dry_run=true", &[("content-type", "text/plain"), ("origin", &server.url), ("host", &host)], "p/1");
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// Kills a long import at several moments: the folder opens, what is in belongs to the import, and it can be taken back or
/// sent again.
#[test]
fn an_import_that_is_killed_is_listed_and_can_be_taken_back_or_sent_again() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(10))]);
    let text: String =
        (0..20_000).map(|k| format!("@misc{{s{k}, title={{Strange things number{k} beyond topic{k}}}}}\n")).collect();
    let file = folder.file("l.bib", text);
    let import = ["history", "import", "ada", &file, "--embed-missing"];
    let mut hit = 0;
    // The machine may be fast or slow: later and later, until two have hit.
    for wait in (0..60).map(|k| 150 + 100 * k) {
        let mut child = folder.command(&import).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(wait));
        let _ = child.kill();
        let finished = child.wait().expect("ends").success();
        if folder.run(&["history", "show", "ada"]).status == Some(1) {
            // It had not begun.
            continue;
        }
        let listed = folder.json(&["history", "imports", "ada"]);
        let events = folder.json(&["history", "show", "ada"]).len() as u64;
        let outside = folder.json(&["history", "outside", "ada"]).len() as u64;
        assert_eq!((listed.len(), events), (1, outside), "{listed:?}");
        assert_eq!((listed[0]["accepted"].as_u64(), listed[0]["embedded"].as_u64()), (Some(events), Some(outside)));
        if finished {
            assert_eq!(listed[0]["status"], "done");
        } else {
            hit += 1;
            assert_eq!(listed[0]["status"], "interrupted", "{listed:?}");
            assert_eq!(listed[0]["done"].as_u64(), Some(events), "{listed:?}");
        }
        if hit == 2 && !finished {
            break;
        }
        let undone = &folder.json(&["history", "undo", "ada", listed[0]["id"].as_str().expect("an id")])[0];
        assert_eq!((undone["events"].as_u64(), undone["papers"].as_u64()), (Some(events), Some(outside)));
        assert_eq!(folder.json(&["history", "show", "ada"]).len(), 0);
        folder.json(&["history", "erase", "ada"]);
    }
    assert!(hit > 0, "no kill hit a running import");
    // Sent again it goes on; what was there is not learned twice.
    let done = &folder.json(&import)[0];
    assert_eq!(done["accepted"].as_u64().zip(done["unchanged"].as_u64()).map(|(a, u)| a + u), Some(20_000));
    assert_eq!(folder.json(&["history", "show", "ada"]).len(), 20_000);
}

/// Taken back while it runs, an import ends and leaves nothing; so does one of a user who is forgotten.
#[test]
fn a_running_import_can_be_taken_back() {
    let (_folder, server) = filled();
    let list = strangers(0..20_000);
    for user in ["ada", "eve"] {
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let path = format!("/v1/users/{user}/history?embed_missing=true");
                server.request("POST", &path, Some("text/plain"), list.as_bytes())
            });
            let import = (0..2000).find_map(|_| {
                std::thread::sleep(Duration::from_millis(5));
                let body = server.get(&format!("/v1/users/{user}/imports")).body;
                let one = &body["imports"][0];
                (one["done"].as_u64() > Some(0)).then(|| one["id"].as_str().map(str::to_string)).flatten()
            });
            let import = import.expect("it began");
            let path = if user == "ada" { format!("/v1/users/ada/imports/{import}") } else { "/v1/users/eve".into() };
            assert_eq!(server.delete(&path).status, 204);
            let reply = sending.join().expect("an answer");
            // It may have been over before.
            assert!(reply.status == 404 || reply.status == 200, "{} {}", reply.status, reply.body);
        });
    }
    assert_eq!(server.get("/v1/users/ada").body["events"], 0);
    assert_eq!(outside(&server, "ada"), Vec::<String>::new());
    assert_eq!(error(&server.get("/v1/users/eve")).0, 404);
}
