//! What a reader keeps: folders, notes, what is found among it, what was turned down, and the marks beside a list.

use serde_json::{Value, json};

use crate::support::{Folder, Reply, Server, error, ids, papers};

const ODD: &str = "<script>alert(\"1\")</script> \u{202e}ü 'quoted' & so on";

fn served(n: usize) -> (Folder, Server) {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(n));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    (folder, server)
}

fn send(server: &Server, method: &str, path: &str, body: &Value) -> Reply {
    server.request(method, path, Some("application/json"), body.to_string().as_bytes())
}

fn ok(reply: Reply) -> Value {
    assert!([200, 201, 204].contains(&reply.status), "{} {}", reply.status, reply.body);
    reply.body
}

fn act(server: &Server, user: &str, kind: &str, of: &[usize]) {
    let events: Vec<Value> = of.iter().map(|k| json!({ "paper": format!("p/{k}"), "kind": kind })).collect();
    assert_eq!(
        ok(server.post(&format!("/v1/users/{user}/events"), &json!({ "events": events })))["rejected"],
        json!([])
    );
}

fn make(server: &Server, name: &str) -> String {
    ok(server.post("/v1/users/ada/folders", &json!({ "name": name })))["id"].as_str().expect("an id").to_string()
}

fn library(server: &Server, query: &str) -> Vec<String> {
    let body = ok(server.get(&format!("/v1/users/ada/library?limit=500&{query}")));
    let papers = body["papers"].as_array().expect("papers");
    assert_eq!(body["meta"]["total"].as_u64(), Some(papers.len() as u64));
    ids(papers).into_iter().map(str::to_string).collect()
}

fn opinion(server: &Server, paper: &str) -> Value {
    ok(server.post("/v1/users/ada/opinions", &json!({ "ids": [paper] })))["opinions"][0].clone()
}

#[test]
fn papers_are_put_into_folders_and_stay_there() {
    let (folder, server) = served(60);
    act(&server, "ada", "like", &[1, 2]);
    let first = server.post("/v1/users/ada/folders", &json!({ "name": format!("  {ODD} ") }));
    assert_eq!((first.status, &first.body["name"], &first.body["papers"]), (201, &json!(ODD), &json!(0)));
    let again = server.post("/v1/users/ada/folders", &json!({ "name": ODD }));
    assert_eq!((again.status, &again.body["id"]), (200, &first.body["id"]));
    let one = first.body["id"].as_str().expect("an id").to_string();
    let two = make(&server, "two");
    // Put into a folder, a paper is saved; named in any form, in any number of folders.
    let put =
        |id: &str, paper: &str| server.request("PUT", &format!("/v1/users/ada/folders/{id}/papers/{paper}"), None, b"");
    let filed = ok(put(&one, "P%2F5"));
    let wanted = (&json!("p/5"), &json!(true), &json!([one]), &json!(false));
    assert_eq!((&filed["paper"], &filed["saved"], &filed["folders"], &filed["note"]), wanted);
    assert_eq!(ok(put(&two, "p%2F5"))["folders"], json!([one, two]));
    let path = format!("/v1/users/ada/folders/{one}/papers");
    let many = ok(server.post(&path, &json!({ "papers": ["p/1", "p/5", "p/6", "p/6"] })));
    assert_eq!(many, json!({ "added": 2, "unchanged": 1, "saved": 2 }));
    assert_eq!(opinion(&server, "p/1")["liked"], json!(true), "it is liked and saved");
    let events = ok(server.get("/v1/users/ada/events"))["meta"]["total"].clone();
    ok(server.post(&path, &json!({ "papers": ["p/1", "p/6"] })));
    assert_eq!(ok(server.get("/v1/users/ada/events"))["meta"]["total"], events, "what is saved is saved once");
    let counts = |server: &Server| {
        let body = ok(server.get("/v1/users/ada/folders"));
        let of: Vec<u64> =
            body["folders"].as_array().expect("folders").iter().filter_map(|f| f["papers"].as_u64()).collect();
        (of, body["papers"].as_u64(), body["unfiled"].as_u64())
    };
    assert_eq!(counts(&server), (vec![3, 1], Some(4), Some(1)));
    assert_eq!(library(&server, &format!("folder={one}")).len(), 3);
    assert_eq!(library(&server, "folder=none"), ["p/2"]);
    assert_eq!(library(&server, "kind=like"), ["p/2"]);
    assert_eq!(library(&server, &format!("folder={two}&kind=save")), ["p/5"]);
    // What is no longer kept is not shown; saved again, it is where it was.
    act(&server, "ada", "dismiss", &[5]);
    assert_eq!(counts(&server), (vec![2, 0], Some(3), Some(1)));
    act(&server, "ada", "save", &[5]);
    assert_eq!(counts(&server), (vec![3, 1], Some(4), Some(1)));
    // A folder comes as references as well.
    let (reply, text) = server.text_of("GET", &format!("/v1/users/ada/library?format=bibtex&folder={two}"), &[], b"");
    assert_eq!((reply.status, text.matches("@").count()), (200, 1), "{text}");
    // Renamed, emptied, gone.
    let rename =
        |id: &str, name: &str| send(&server, "PATCH", &format!("/v1/users/ada/folders/{id}"), &json!({ "name": name }));
    let taken = rename(&two, ODD);
    assert_eq!((error(&taken).0, error(&taken).2.contains("choose another name")), (422, true), "{}", taken.body);
    assert_eq!(ok(rename(&two, "zwei"))["papers"], json!(1));
    assert_eq!(server.delete(&format!("/v1/users/ada/folders/{one}/papers/p%2F1")).status, 204);
    let not_in_it = server.delete(&format!("/v1/users/ada/folders/{one}/papers/p%2F1"));
    assert_eq!(error(&not_in_it).0, 404);
    assert!(opinion(&server, "p/1")["saved"] == true, "it stays saved");
    // A paper that is taken away is shown no more, and is there again with it.
    assert_eq!(server.delete("/v1/papers/p%2F6").status, 204);
    assert_eq!(library(&server, &format!("folder={one}")), ["p/5"]);
    server.signal("KILL");
    drop(server);
    let server = Server::start(&folder);
    let paper = crate::support::paper(6);
    assert_eq!(server.post("/v1/papers", &json!({ "papers": [paper] })).body["accepted"], 1);
    assert_eq!(library(&server, &format!("folder={one}")), ["p/6", "p/5"]);
    assert_eq!(server.delete(&format!("/v1/users/ada/folders/{one}")).status, 204);
    assert_eq!(counts(&server), (vec![1], Some(4), Some(3)));
    assert_ne!(make(&server, ODD), one, "an id is used once");
    for (path, body) in [
        ("/v1/users/ada/folders", json!({ "name": " \u{200b}" })),
        ("/v1/users/ada/folders", json!({ "name": "a\nb" })),
        ("/v1/users/ada/folders", json!({ "name": "x".repeat(10_000) })),
    ] {
        let refused = server.post(path, &body);
        assert_eq!((error(&refused).0, error(&refused).2.contains("1 to 200 bytes")), (422, true), "{}", refused.body);
    }
    for id in [one.as_str(), "%3Cscript%3E", "f-1", "f+2", "f99999999999999999999"] {
        assert_eq!(error(&server.get(&format!("/v1/users/ada/library?folder={id}"))).0, 404, "{id}");
    }
    let nowhere = server.request("PUT", &format!("/v1/users/ada/folders/{two}/papers/nowhere"), None, b"");
    assert_eq!(error(&nowhere).0, 404);
    assert_eq!(error(&server.get("/v1/users/nobody/folders")).0, 404);
    // As many as there may be.
    for k in 0..198 {
        make(&server, &format!("folder {k}"));
    }
    let over = server.post("/v1/users/ada/folders", &json!({ "name": "one too many" }));
    assert_eq!((error(&over).0, error(&over).2.contains("delete one")), (422, true), "{}", over.body);
}

#[test]
fn a_note_is_kept_as_text_and_outlives_its_paper() {
    let (folder, server) = served(30);
    let put = |server: &Server, paper: &str, text: &str| {
        send(server, "PUT", &format!("/v1/users/ada/notes/{paper}"), &json!({ "text": text }))
    };
    // Nobody has to be there yet; line breaks are one kind, other control characters go.
    let written = ok(put(&server, "p%2F1", &format!(" \r\n{ODD}\r\nsecond\rthird\u{0}\u{c}\tend \n")));
    assert_eq!(written["text"], json!(format!("{ODD}\nsecond\nthird\tend")));
    assert_eq!(ok(server.get("/v1/users/ada/notes/P%2F1"))["text"], written["text"]);
    assert!(opinion(&server, "p/1")["note"] == true && opinion(&server, "p/1")["saved"] == false);
    let long = "ü".repeat(10_000);
    assert_eq!(ok(put(&server, "p%2F2", &long))["text"], json!(long));
    let refused = put(&server, "p%2F2", &format!("{long}ü"));
    assert_eq!((error(&refused).0, error(&refused).2.contains("shorten it by 1")), (422, true), "{}", refused.body);
    let empty = put(&server, "p%2F2", " \n\u{200b}");
    assert_eq!((error(&empty).0, error(&empty).2.contains("DELETE")), (422, true), "{}", empty.body);
    assert_eq!(error(&put(&server, "nowhere", "x")).0, 404);
    let none = server.get("/v1/users/ada/notes/p%2F3");
    assert_eq!((error(&none).0, error(&none).2.contains("no note has the id")), (404, true), "{}", none.body);
    let changed = ok(put(&server, "p%2F1", "of krill and whales"));
    assert_eq!(changed["created"], written["created"]);
    assert_ne!(changed["changed"], written["changed"]);
    // It is with the paper in the library, and found by its words.
    act(&server, "ada", "save", &[1, 2, 3]);
    let body = ok(server.get("/v1/users/ada/library"));
    assert_eq!(body["papers"][0]["note"]["text"], json!("of krill and whales"));
    assert!(body["papers"][2].get("note").is_none());
    assert_eq!(library(&server, "q=whales+KRILL&mode=lexical"), ["p/1"]);
    assert_eq!(library(&server, "q=walrus+krill&mode=lexical"), [] as [&str; 0]);
    // What a query leaves out is not what it looks for; its conditions hold for papers of the corpus, and notes are none.
    assert_eq!(library(&server, "q=krill&mode=lexical"), ["p/1"]);
    let mut all = library(&server, "q=-krill&mode=lexical");
    all.sort();
    assert_eq!(all, ["p/1", "p/2", "p/3"], "no paper holds it");
    for query in ["whales+-krill", "title:krill", "%22of+krill%22", "krill+OR+walrus"] {
        assert_eq!(library(&server, &format!("q={query}&mode=lexical")), [] as [&str; 0], "{query}");
    }
    // The paper goes, the note stays.
    assert_eq!(server.delete("/v1/papers/p%2F1").status, 204);
    server.signal("KILL");
    drop(server);
    let server = Server::start(&folder);
    assert_eq!(ok(server.get("/v1/users/ada/notes/p%2F1"))["text"], json!("of krill and whales"));
    let all = ok(server.get("/v1/users/ada/notes?limit=1"));
    assert_eq!((&all["notes"][0]["id"], &all["notes"][0]["paper"]), (&json!("p/1"), &json!(null)));
    let next = all["meta"]["next"].as_str().expect("there is more");
    let rest = ok(server.get(&format!("/v1/users/ada/notes?cursor={next}")));
    assert_eq!((&rest["notes"][0]["paper"]["id"], rest["meta"].get("next")), (&json!("p/2"), None));
    assert_eq!(server.delete("/v1/users/ada/notes/p%2F1").status, 204);
    let none = server.delete("/v1/users/ada/notes/p%2F1");
    assert_eq!((error(&none).0, error(&none).2.contains("no note has the id")), (404, true), "{}", none.body);
    assert_eq!(error(&server.get("/v1/users/nobody/notes")).0, 404);
}

#[test]
fn a_library_is_ordered_and_searched() {
    let (_folder, server) = served(80);
    let list = "@article{a, title={Krill that nobody has counted}, author={Abel, Ann}, year=2031, doi={10.1000/k}}\n\
        @article{z, title={a whale of topic3}, author={Zuse, Zoe}, year=1990, doi={10.1000/w}}";
    let path = "/v1/users/ada/history?embed_missing=true";
    assert_eq!(server.request("POST", path, Some("application/x-bibtex"), list.as_bytes()).status, 200);
    act(&server, "ada", "save", &[3, 10, 17, 24, 5, 6]);
    let oldest = library(&server, "");
    let mut newest = library(&server, "sort=newest");
    newest.reverse();
    assert_eq!((oldest.len(), &oldest), (8, &newest));
    let field = |query: &str, name: &str| -> Vec<Value> {
        let body = ok(server.get(&format!("/v1/users/ada/library?limit=500&{query}")));
        body["papers"].as_array().expect("papers").iter().map(|p| p[name].clone()).collect()
    };
    let titles: Vec<String> =
        field("sort=title", "title").iter().map(|t| t.as_str().expect("a title").to_lowercase()).collect();
    assert!(titles.is_sorted() && titles[0].starts_with("a whale"), "{titles:?}");
    let dates: Vec<String> =
        field("sort=date", "date").iter().map(|d| d.as_str().expect("a date").to_string()).collect();
    assert!(dates.is_sorted_by(|a, b| a >= b) && dates[0] == "2031", "{dates:?}");
    let authors = field("sort=author", "authors");
    assert!(authors[0][0] == "Author 0" && authors[6][0].as_str().expect("a name").contains("Abel"), "{authors:?}");
    assert!(authors[7][0].as_str().expect("a name").contains("Zuse"), "{authors:?}");
    // By words and by meaning, from outside the corpus as well; nothing that is not kept.
    for mode in ["hybrid", "lexical", "dense"] {
        let found = library(&server, &format!("q=topic3&mode={mode}"));
        for paper in ["p/3", "p/10", "p/17", "p/24"] {
            assert!(found.iter().any(|id| id == paper), "{mode}: {found:?}");
        }
        assert!(!found.iter().any(|id| id == "p/31" || id == "p/5"), "{mode}: {found:?}");
    }
    let whale = library(&server, "q=whale+topic3");
    assert!(whale[0].contains("10.1000/w"), "{whale:?}");
    assert_eq!(library(&server, "q=Zuse"), [whale[0].clone()]);
    let scored = ok(server.get("/v1/users/ada/library?q=number17"));
    assert_eq!((&scored["papers"][0]["id"], scored["papers"][0]["score"].is_number()), (&json!("p/17"), true));
    assert_eq!(library(&server, "q=topic3&sort=newest&mode=lexical")[0], "p/3", "said at one moment: by id");
    assert_eq!(library(&server, "q=author:%22Author+3%22"), ["p/3"], "conditions hold");
    assert_eq!(library(&server, "q=p/10")[0], "p/10");
    assert_eq!(library(&server, "q=zebras"), [] as [&str; 0]);
    // Pages, by either way.
    let page = |query: &str| -> Vec<String> {
        let body = ok(server.get(&format!("/v1/users/ada/library?{query}")));
        ids(body["papers"].as_array().expect("papers")).into_iter().map(str::to_string).collect()
    };
    assert_eq!([page("limit=5"), page("limit=5&cursor=5")].concat(), oldest);
    assert_eq!([page("limit=5"), page("limit=5&offset=5")].concat(), oldest);
    for (query, status) in [
        ("limit=5&offset=5&cursor=5", 400),
        ("cursor=x", 400),
        ("sort=color", 400),
        ("kind=view", 422),
        ("limit=0", 422),
        ("q=%20&limit=1", 422),
        ("shelf=1", 400),
    ] {
        assert_eq!(error(&server.get(&format!("/v1/users/ada/library?{query}"))).0, status, "{query}");
    }
}

#[test]
fn what_was_turned_down_is_listed_and_taken_back() {
    let (_folder, server) = served(40);
    act(&server, "ada", "save", &[7]);
    act(&server, "ada", "like", &[7, 8]);
    act(&server, "ada", "dislike", &[7]);
    act(&server, "ada", "dismiss", &[9]);
    let body = ok(server.get("/v1/users/ada/turned-down"));
    let of = |p: &Value| (p["id"].clone(), p["kind"].clone(), p["at"].is_string(), p["title"].is_string());
    let all: Vec<_> = body["papers"].as_array().expect("papers").iter().map(of).collect();
    let wanted = [("p/9", "dismiss"), ("p/7", "dislike")].map(|(id, kind)| (json!(id), json!(kind), true, true));
    assert_eq!((all, &body["meta"]["total"]), (wanted.to_vec(), &json!(2)));
    assert_eq!(opinion(&server, "p/7")["against"], json!("dislike"));
    let first = ok(server.get("/v1/users/ada/turned-down?limit=1"));
    let next = first["meta"]["next"].as_str().expect("there is more");
    assert_eq!(ok(server.get(&format!("/v1/users/ada/turned-down?cursor={next}")))["papers"][0]["id"], json!("p/7"));
    let (reply, text) = server.text_of("GET", "/v1/users/ada/turned-down?format=csv", &[], b"");
    assert_eq!((reply.status, text.lines().count()), (200, 3), "{text}");
    // What was said before stands again.
    let back = ok(server.delete("/v1/users/ada/turned-down/p%2F7"));
    assert_eq!((&back["liked"], &back["saved"], &back["against"]), (&json!(true), &json!(true), &json!(null)));
    let events = ok(server.get("/v1/users/ada/events"))["meta"]["total"].clone();
    assert_eq!(ok(server.delete("/v1/users/ada/turned-down/p%2F7")), back);
    assert_eq!(ok(server.get("/v1/users/ada/events"))["meta"]["total"], events, "once is enough");
    let back = ok(server.delete("/v1/users/ada/turned-down/p%2F9"));
    assert_eq!((&back["liked"], &back["saved"], &back["at"]), (&json!(false), &json!(false), &json!(null)));
    assert_eq!(ok(server.get("/v1/users/ada/turned-down"))["meta"]["total"], json!(0));
    assert_eq!(library(&server, "sort=newest")[0], "p/7");
    assert_eq!(error(&server.get("/v1/users/nobody/turned-down")).0, 404);
}

#[test]
fn marks_of_a_list_come_in_one_call() {
    let (_folder, server) = served(40);
    act(&server, "ada", "view", &[1, 2]);
    act(&server, "ada", "like", &[2]);
    let asked = ["p/2", "nowhere", "p/1", "p/3", "p/2"];
    let of_nobody = ok(server.post("/v1/users/nobody/opinions", &json!({ "ids": asked })));
    assert!(of_nobody["opinions"].as_array().expect("opinions").iter().all(|o| o["viewed"] == false));
    assert_eq!(server.get("/v1/users/nobody").status, 404, "nobody is made by asking");
    let of_ada = ok(server.post("/v1/users/ada/opinions", &json!({ "ids": asked })));
    let of = |o: &Value| (o["paper"].clone(), o["liked"] == true, o["viewed"] == true);
    let of_ada: Vec<_> = of_ada["opinions"].as_array().expect("opinions").iter().map(of).collect();
    let wanted = [
        ("p/2", true, true),
        ("nowhere", false, false),
        ("p/1", false, true),
        ("p/3", false, false),
        ("p/2", true, true),
    ];
    assert_eq!(of_ada, wanted.map(|(id, liked, viewed)| (json!(id), liked, viewed)));
    let many: Vec<String> = (0..1001).map(|k| format!("x{k}")).collect();
    let refused = server.post("/v1/users/ada/opinions", &json!({ "ids": many }));
    assert_eq!((error(&refused).0, error(&refused).2.contains("at most 1000")), (422, true), "{}", refused.body);
    // Nothing is asked about where none is named.
    assert_eq!(ok(server.post("/v1/users/ada/opinions", &json!({ "ids": [] })))["opinions"], json!([]));
    let folder = format!("/v1/users/ada/folders/{}/papers", make(&server, "one"));
    for (path, field) in [("/v1/users/ada/opinions", "`ids` is missing"), (folder.as_str(), "`papers` is missing")] {
        let refused = server.post(path, &json!({}));
        assert_eq!((error(&refused).0, error(&refused).2.contains(field)), (400, true), "{}", refused.body);
    }
    // What was said of a paper outlives it.
    assert_eq!(server.delete("/v1/papers/p%2F2").status, 204);
    assert!(opinion(&server, "p/2")["liked"] == true && opinion(&server, "p/2")["viewed"] == true);
}

#[test]
fn folders_and_notes_go_out_and_come_in_with_a_folder_of_data() {
    let (folder, server) = served(30);
    act(&server, "ada", "save", &[1]);
    let list = json!({ "text": "Krill that nobody has counted", "format": "titles", "embed_missing": true });
    let import = ok(server.post("/v1/users/ada/history", &list))["import"].as_str().expect("an import").to_string();
    let krill = ok(server.get("/v1/users/ada/outside"))["papers"][0]["id"].as_str().expect("a paper").to_string();
    let id = make(&server, ODD);
    let papers = json!({ "papers": ["p/1", "p/2", krill] });
    assert_eq!(ok(server.post(&format!("/v1/users/ada/folders/{id}/papers"), &papers))["added"], json!(3));
    let path = format!("/v1/users/ada/notes/{}", krill.replace('/', "%2F").replace(':', "%3A"));
    ok(send(&server, "PUT", &path, &json!({ "text": ODD })));
    // What was put into a folder stays when the list that brought it is taken back.
    assert_eq!(server.delete(&format!("/v1/users/ada/imports/{import}")).status, 204);
    let told = |server: &Server| {
        let mut folders = ok(server.get("/v1/users/ada/folders"));
        folders["folders"][0]["id"].take();
        let mut library = ok(server.get("/v1/users/ada/library?sort=title"));
        library["papers"].as_array_mut().expect("papers").iter_mut().for_each(|p| drop(p["folders"].take()));
        (folders, library, ok(server.get("/v1/users/ada/notes")))
    };
    let before = told(&server);
    assert_eq!((&before.0["folders"][0]["papers"], &before.2["meta"]["total"]), (&json!(3), &json!(1)));
    let out = folder.path("out").display().to_string();
    assert_eq!(folder.run(&["export", &out]).status, Some(0));
    let other = Folder::new();
    let taken = other.run(&["import", &out]);
    assert_eq!(taken.status, Some(0), "{}", taken.err);
    let again = Server::start(&other);
    assert_eq!(told(&again), before);
    // Taken out of the library, a paper goes with what was said of it.
    let path = format!("/v1/users/ada/outside/{}", krill.replace('/', "%2F").replace(':', "%3A"));
    assert_eq!(again.delete(&path).status, 204);
    assert_eq!(ok(again.get("/v1/users/ada/notes"))["meta"]["total"], json!(0));
    assert_eq!(ok(again.get("/v1/users/ada/folders"))["folders"][0]["papers"], json!(2));
}
