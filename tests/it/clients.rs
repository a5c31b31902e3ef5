//! Other people's clients: their shapes and their errors, from every layer. The clients themselves are in `tests/clients`.

use serde_json::{Value, json};

use crate::support::{Folder, Reply, Server, ids, papers};

const JSON: &str = "application/json";

/// Papers with identifiers of every kind.
fn known() -> String {
    let paper = |id: &str, k: usize, further: Value| {
        let mut paper = json!({ "id": id, "title": format!("Kite number{k} on topic1"), "abstract": format!("Lines of item{k}."),
            "authors": ["Ada Testwell"], "date": "2026-03-04", "listed": "2026-03-05", "categories": ["cs.RO"] });
        paper.as_object_mut().expect("a paper").extend(further.as_object().expect("fields").clone());
        format!("{paper}\n")
    };
    [
        paper("arxiv:2603.00001", 901, json!({ "doi": "10.5555/Kite.1", "submitted_by": "ada" })),
        paper("arxiv:2603.00001v2", 901, json!({ "date": "2026-03-06", "listed": "2026-03-06" })),
        paper("pmid:1234567", 902, json!({ "pmcid": "PMC765432", "date": "1974", "listed": "1974" })),
        paper("https://kites.example/a/7", 903, json!({ "corpus_id": 987654, "acl_id": "P19-1001" })),
    ]
    .concat()
}

fn served(settings: &[(&str, &str)]) -> (Folder, Server) {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(120) + &known())]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.envs(settings.iter().map(|(name, value)| (format!("PAPERKIN_{name}"), value)));
    let server = Server::spawn(command);
    (folder, server)
}

fn ok(reply: Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

fn own(server: &Server, path: &str) -> Vec<String> {
    ids(ok(server.get(path))["papers"].as_array().expect("papers")).into_iter().map(str::to_string).collect()
}

/// The ids of papers of Semantic Scholar's shape.
fn scholar_ids(papers: &Value) -> Vec<String> {
    let id = |paper: &Value| paper["paperId"].as_str().expect("an id").to_string();
    papers.as_array().expect("papers").iter().map(id).collect()
}

#[test]
fn semantic_scholar_answers_what_we_answer() {
    let (_folder, server) = served(&[]);
    let found = ok(server.get("/recommendations/v1/papers/forpaper/p/3?limit=7&from=recent&fields=title,_score"));
    assert_eq!(scholar_ids(&found["recommendedPapers"]), own(&server, "/v1/papers/p%2F3/similar?limit=7"));
    assert!(found["recommendedPapers"][0]["_score"].is_number());
    let lists = json!({ "positivePaperIds": ["p/3", "p/10"], "negativePaperIds": null, "_to": "2026-06" });
    let asked = json!({ "like": ["p/3", "p/10"], "limit": 100, "to": "2026-06" });
    let expected = ok(server.post("/v1/recommend", &asked));
    for path in ["/recommendations/v1/papers/", "/recommendations/v1/papers"] {
        let found = scholar_ids(&ok(server.post(path, &lists))["recommendedPapers"]);
        assert_eq!(found, ids(expected["papers"].as_array().expect("papers")), "{path}");
    }
    // What is asked for by nobody is not there: an id and a title are.
    assert_eq!(ok(server.get("/graph/v1/paper/p/3")), json!({ "paperId": "p/3", "title": "Paper number3 on topic3" }));
    let page = ok(server.get("/graph/v1/paper/search?query=topic1&limit=2&offset=2"));
    let all = own(&server, "/v1/search?q=topic1&matching=true&limit=500");
    assert_eq!(
        (page["total"].as_u64(), page["offset"].as_u64(), page["next"].as_u64()),
        (Some(all.len() as u64), Some(2), Some(4))
    );
    assert_eq!(scholar_ids(&page["data"]), all[2..4]);
    let last = ok(server.get(&format!("/graph/v1/paper/search?query=topic1&limit=100&offset={}", all.len() - 1)));
    assert!(last.get("next").is_none() && last["data"].as_array().expect("data").len() == 1, "{last}");
    let batch = ok(server.post("/graph/v1/paper/batch?fields=year", &json!({ "ids": ["nobody", "p/3"] })));
    assert_eq!(batch, json!([null, { "paperId": "p/3", "year": 2026 }]));
}

#[test]
fn a_paper_is_named_in_every_form_and_never_recommended_with_itself() {
    let (_folder, server) = served(&[]);
    for (name, id) in [
        ("ARXIV:2603.00001", "arxiv:2603.00001"),
        ("arXiv:2603.00001v2", "arxiv:2603.00001v2"),
        ("URL:https://arxiv.org/abs/2603.00001v2", "arxiv:2603.00001v2"),
        ("DOI:10.5555/KITE.1", "arxiv:2603.00001"),
        ("DOI%3A10.5555%2Fkite.1", "arxiv:2603.00001"),
        ("PMID:1234567", "pmid:1234567"),
        ("PMCID:765432", "pmid:1234567"),
        ("CorpusId:987654", "https://kites.example/a/7"),
        ("ACL:P19-1001", "https://kites.example/a/7"),
        ("URL:https://kites.example/a/7", "https://kites.example/a/7"),
        ("https://kites.example/a/7", "https://kites.example/a/7"),
        ("p/3", "p/3"),
        ("p%2F3", "p/3"),
    ] {
        assert_eq!(ok(server.get(&format!("/graph/v1/paper/{name}")))["paperId"], id, "{name}");
        let path = format!("/recommendations/v1/papers/forpaper/{name}?limit=500");
        let found = scholar_ids(&ok(server.get(&path))["recommendedPapers"]);
        let work = |id: &str| id.trim_end_matches("v2").to_string();
        assert!(found.len() > 100 && found.iter().all(|other| work(other) != work(id)), "{name}: {found:?}");
        assert!(
            server.get(&format!("/api/papers/{name}")).status == 200 || name.starts_with("URL:https://kites"),
            "{name}"
        );
    }
    for name in ["649def34f8be52c8b66281af98ae884c09aef38b", "MAG:112218234", "DOI:10.5555/nothing", "search/nothing"] {
        let missing = server.get(&format!("/graph/v1/paper/{name}"));
        assert_eq!(
            (missing.status, &missing.body),
            (404, &json!({ "error": format!("Paper with id {name} not found") }))
        );
    }
}

#[test]
fn hugging_face_answers_what_we_answer() {
    let (_folder, server) = served(&[]);
    let listed = |path: &str| -> Vec<String> {
        let body = ok(server.get(path));
        let own = |item: &Value| item["_id"].as_str().or(item["id"].as_str()).expect("an id").to_string();
        body.as_array().expect("a list").iter().map(own).collect()
    };
    assert_eq!(listed("/api/daily_papers?date=2026-03-05"), own(&server, "/v1/papers?date=2026-03-05"));
    assert_eq!(
        listed("/api/daily_papers?month=2026-03&limit=4&p=1"),
        own(&server, "/v1/papers?date=2026-03&limit=8")[4..]
    );
    assert_eq!(listed("/api/daily_papers?p=9"), Vec::<String>::new());
    assert_eq!(listed("/api/daily_papers?submitter=ada"), ["arxiv:2603.00001"]);
    assert_eq!(listed("/api/papers/search?q=topic3&limit=9"), own(&server, "/v1/search?q=topic3&limit=9"));
    let day = ok(server.get("/api/daily_papers?date=2026-03-05"));
    let kite =
        day.as_array().expect("a list").iter().find(|item| item["_id"] == "arxiv:2603.00001").expect("it is there");
    assert_eq!((&kite["title"], &kite["title"]), (&kite["paper"]["title"], &json!("Kite number901 on topic1")));
    assert_eq!(kite["paper"]["id"], "2603.00001");
    assert_eq!(kite["submittedBy"]["user"], "ada");
    assert_eq!(kite["publishedAt"], "2026-03-04T00:00:00.000Z");
    let (reply, text) = server.text_of("GET", "/papers/2603.00001.md", &[], b"");
    assert_eq!(reply.headers["content-type"], "text/markdown; charset=utf-8");
    assert!(text.starts_with("# Kite number901 on topic1\n\nAda Testwell\n"), "{text}");
}

#[test]
fn embeddings_are_ours_under_every_name() {
    let (_folder, server) = served(&[]);
    let texts = ["one kite", "two kites"];
    let own = ok(server.post("/v1/embed", &json!({ "inputs": texts })))["vectors"].clone();
    let openai = ok(server.post("/v1/embeddings", &json!({ "model": "hash", "input": texts })));
    assert_eq!(openai["data"][1]["embedding"], own[1]);
    assert_eq!(openai["usage"], json!({ "prompt_tokens": 4, "total_tokens": 4 }));
    for path in ["/embed", "/"] {
        assert_eq!(ok(server.post(path, &json!({ "inputs": texts }))), own, "{path}");
    }
    let one = ok(server.post("/embed", &json!({ "inputs": texts[0], "more": "is not looked at" })));
    assert_eq!(one, json!([own[0]]));
    let similar = json!({ "inputs": { "source_sentence": texts[0], "sentences": texts }, "parameters": {} });
    let said = ok(server.post("/similarity", &similar));
    assert!((said[0].as_f64().expect("a number") - 1.0).abs() < 1e-4 && said[1].as_f64() < said[0].as_f64(), "{said}");
    assert_eq!(ok(server.get("/v1/models"))["data"][0]["id"], "hash");
    assert_eq!(ok(server.get("/info"))["model_id"], "hash");
}

/// A call of each client.
const CALLS: [(&str, &str, &str); 8] = [
    ("scholar", "GET", "/graph/v1/paper/p/3"),
    ("scholar", "POST", "/recommendations/v1/papers/"),
    ("hub", "GET", "/api/daily_papers"),
    ("hub", "GET", "/papers/p/3.md"),
    ("openai", "POST", "/v1/embeddings"),
    ("openai", "GET", "/v1/models"),
    ("tei", "POST", "/embed"),
    ("tei", "POST", "/"),
];

/// Whether an error has the shape that a client reads.
fn fits(client: &str, reply: &Reply) -> bool {
    let text = |name: &str| reply.body[name].as_str().is_some_and(|text| !text.is_empty());
    let fields = reply.body.as_object().map_or(0, serde_json::Map::len);
    match client {
        "scholar" if [400, 404, 405].contains(&reply.status) => text("error") && fields == 1,
        "scholar" => text("message") && fields == 1,
        "hub" => text("error") && fields == 1 && reply.headers.contains_key("x-error-message"),
        "openai" => {
            let error = &reply.body["error"];
            let names = ["message", "type", "param", "code"];
            error["message"].is_string()
                && error["type"].is_string()
                && names.iter().all(|name| error.get(name).is_some())
        }
        _ => text("error") && text("error_type") && fields == 2,
    }
}

fn assert_shape(client: &str, what: &str, status: u16, reply: &Reply) {
    assert_eq!(reply.status, status, "{what}: {}", reply.body);
    assert!(fits(client, reply), "{what}: {}", reply.body);
    assert_eq!(reply.headers["content-type"], JSON, "{what}");
    assert!(reply.headers.contains_key("x-request-id"), "{what}");
}

#[test]
fn what_a_layer_refuses_is_said_in_the_words_of_whose_client_asked() {
    let (folder, server) = served(&[("AUTH_MODE", "keys"), ("HOSTS", "papers.example"), ("RATE_LIMIT", "1000")]);
    let made = folder.json(&["keys", "add", "reads"]).remove(0);
    let reads = made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_string();
    let ask = |method: &str, path: &str, key: Option<&str>, further: &[(&str, &str)], body: &[u8]| {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let mut headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        headers.extend(further);
        server.request_with(method, path, &headers, body)
    };
    let json_type = ("content-type", JSON);
    for (client, method, path) in CALLS {
        let status = |of_scholar: u16, of_hub: u16, of_openai: u16, of_tei: u16| match client {
            "scholar" => of_scholar,
            "hub" => of_hub,
            "openai" => of_openai,
            _ => of_tei,
        };
        let what = format!("{method} {path}");
        let nobody = ask(method, path, None, &[json_type], b"{}");
        assert_shape(client, &format!("{what} without a key"), status(403, 401, 401, 401), &nobody);
        let host = ask(method, path, Some(&reads), &[json_type, ("host", "other.example")], b"{}");
        assert_shape(client, &format!("{what} of another host"), status(400, 421, 421, 421), &host);
        let method_there_is_not = ask("DELETE", path, Some(&reads), &[], b"");
        // The first path is a page as well, so what is wrong there is ours to say.
        if path != "/" {
            assert_shape(client, &format!("DELETE {path}"), 405, &method_there_is_not);
        }
        let two_keys =
            ask(method, path, Some(&reads), &[json_type, ("x-api-key", "pk_0a1b2c3d4e5f_0011223344556677")], b"{}");
        assert_shape(client, &format!("{what} with two keys"), status(400, 400, 400, 422), &two_keys);
        if method == "POST" {
            let site = [json_type, ("origin", "https://other.example"), ("sec-fetch-site", "cross-site")];
            let other = ask(method, path, Some(&reads), &site, b"{}");
            assert_shape(client, &format!("{what} from a page of another site"), 403, &other);
            let broken = ask(method, path, Some(&reads), &[json_type], b"{\"broken");
            assert_shape(client, &format!("{what} with broken JSON"), status(400, 400, 400, 422), &broken);
            let text = ask(method, path, Some(&reads), &[("content-type", "text/plain")], b"text");
            assert_shape(client, &format!("{what} with text"), status(400, 415, 415, 422), &text);
            let long = ask(method, path, Some(&reads), &[json_type], &vec![b' '; (16 << 20) + 1]);
            assert_shape(client, &format!("{what} with a long body"), status(400, 413, 413, 413), &long);
        }
    }
    for (client, path) in [
        ("scholar", "/graph/v1/author/1"),
        ("scholar", "/recommendations/v2"),
        ("hub", "/api/agent-harnesses"),
        ("openai", "/v1/models/nothing"),
    ] {
        assert_shape(client, path, 404, &ask("GET", path, Some(&reads), &[], b""));
        // Errors of pages of ours stay as they are.
        let ours = ask("GET", "/v1/nothing", Some(&reads), &[], b"");
        assert_eq!((ours.status, &ours.body["error"]["code"]), (404, &json!("not_found")));
    }
    // A packed answer is said anew as well.
    let packed = ask("GET", "/graph/v1/paper/nothing", Some(&reads), &[("accept-encoding", "gzip")], b"");
    assert_shape("scholar", "a packed answer", 404, &packed);
    assert!(!packed.headers.contains_key("content-encoding"));
}

#[test]
fn who_asks_too_often_is_told_so_in_their_words() {
    let (_folder, server) = served(&[("RATE_LIMIT", "1"), ("RATE_BURST", "5")]);
    for (client, method, path) in CALLS {
        let mut asked = (0..60).map(|_| server.request_with(method, path, &[("content-type", JSON)], b"{}"));
        let refused = asked.find(|reply| reply.status == 429).expect("five at once, and one a second");
        assert_shape(client, path, 429, &refused);
        assert!(refused.headers.contains_key("retry-after"), "{path}");
    }
}

#[test]
fn what_is_not_allowed_is_said_with_the_status_that_their_clients_know() {
    let (_folder, server) = served(&[]);
    for (client, status, path) in [
        ("scholar", 400, "/graph/v1/paper/p/3?fields=colour,title"),
        ("scholar", 400, "/graph/v1/paper/search?query=a&limit=101"),
        ("scholar", 400, "/graph/v1/paper/search?query=a&offset=901"),
        ("scholar", 400, "/graph/v1/paper/search?query=a&openAccessPdf"),
        ("scholar", 400, "/graph/v1/paper/search?query=a&year=soon"),
        ("scholar", 400, "/graph/v1/paper/search"),
        ("scholar", 404, "/graph/v1/paper/search/match?query=zzyzxqq+vlkjwq"),
        ("scholar", 404, "/graph/v1/paper/p/3/citations"),
        ("scholar", 400, "/recommendations/v1/papers/forpaper/p/3?limit=501"),
        ("scholar", 400, "/recommendations/v1/papers/forpaper/p/3?_colour=red"),
        ("hub", 400, "/api/daily_papers?date=2026-13-01"),
        ("hub", 400, "/api/daily_papers?week=2026-9"),
        ("hub", 400, "/api/daily_papers?date=2026-03-01&month=2026-03"),
        ("hub", 400, "/api/daily_papers?limit=101"),
        ("hub", 400, "/api/daily_papers?p=-1"),
        ("hub", 400, "/api/papers/search"),
        ("hub", 404, "/api/papers/1706.03762"),
        ("hub", 404, "/papers/1706.03762.md"),
    ] {
        assert_shape(client, path, status, &server.get(path));
    }
    let unknown = server.get("/graph/v1/paper/p/3?fields=colour,title").body;
    assert_eq!(unknown, json!({ "error": "Unrecognized or unsupported fields: [colour]" }));
    for (client, status, path, body) in [
        ("openai", 400, "/v1/embeddings", json!({ "input": [1, 2] })),
        ("openai", 400, "/v1/embeddings", json!({ "input": "a", "dimensions": 12 })),
        ("openai", 404, "/v1/embeddings", json!({ "input": "a", "model": "another" })),
        ("tei", 400, "/embed", json!({ "inputs": [] })),
        ("tei", 422, "/", json!({ "inputs": "a", "dimensions": 12 })),
        ("tei", 413, "/embed", json!({ "inputs": vec!["a"; 1_025] })),
    ] {
        assert_shape(client, &format!("{path} {body:.60}"), status, &server.post(path, &body));
    }
}
