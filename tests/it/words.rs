//! Words and meaning together, over the binary: modes, query syntax, identifiers, versions, batches, odd input.

use serde_json::{Value, json};

use crate::support::{Folder, Server, error, files_below, ids, papers};

fn hits(body: &Value) -> &[Value] {
    body["papers"].as_array().expect("papers")
}

/// A few papers whose words are known.
fn library() -> (Folder, Server) {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let lines = [
        json!({ "id": "arxiv:2401.00001v1", "title": "Residual ducks", "abstract": "We train ResNet-50 on ducks with $\\alpha$-stable noise.",
                "authors": ["Ada Lovelace", "Yann LeCun"], "date": "2024-01-05", "categories": ["cs.CV"] }),
        json!({ "id": "doi:10.1234/geese", "title": "Geese: a survey", "abstract": "A survey of geese and large language models (LLMs).",
                "authors": ["Ada M. Lovelace"], "date": "2025-06-01", "categories": ["cs.CL"], "keywords": ["waterfowl"] }),
        json!({ "id": "c", "title": "Swans in the state of the art", "abstract": "Swans of Schrödinger, graph neural networks.",
                "authors": ["José Núñez"], "date": "2026-02-01", "categories": ["cs.LG", "cs.CV"], "url": "https://example.org/swans" }),
        json!({ "id": "d", "title": "深度学习综述", "abstract": "", "authors": ["王伟"], "date": "2025-01-01" }),
        json!({ "id": "e", "title": "Turbines", "abstract": "Wind, steam and the models of neural turbines." , "date": "2023" }),
    ];
    let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let reply = server.request("POST", "/v1/papers", Some("application/x-ndjson"), text.as_bytes());
    assert_eq!(reply.body["accepted"], 5, "{}", reply.body);
    (folder, server)
}

fn search(server: &Server, q: &str, more: &str) -> Value {
    let reply = server.get(&format!("/v1/search?q={}{more}", encode(q)));
    assert_eq!(reply.status, 200, "{q}: {}", reply.body);
    reply.body
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[test]
fn every_spelling_finds_its_paper_by_words() {
    let (_folder, server) = library();
    for (q, id) in [
        ("resnet50", "arxiv:2401.00001v1"),
        ("ResNet 50", "arxiv:2401.00001v1"),
        ("alpha-stable", "arxiv:2401.00001v1"),
        ("$\\alpha$ stable noises", "arxiv:2401.00001v1"),
        ("LLM", "doi:10.1234/geese"),
        ("waterfowl", "doi:10.1234/geese"),
        ("schrodinger", "c"),
        ("Nunez", "c"),
        ("深度学习", "d"),
        ("王伟", "d"),
        ("turbine", "e"),
    ] {
        for mode in ["lexical", "hybrid"] {
            let body = search(&server, q, &format!("&mode={mode}&explain=true"));
            assert_eq!(body["meta"]["mode"], mode);
            // What this model means by a text is noise, so only its words can be relied on.
            let own = hits(&body).iter().find(|h| h["id"] == id).unwrap_or_else(|| panic!("{q} {mode}: {body}"));
            let kinds = own["why"]["parts"].as_array().expect("parts");
            let named = own["score"] == 1.0;
            assert!(named || kinds.iter().any(|p| p["kind"] == "term"), "{q} {mode}: {own}");
            assert!(mode == "hybrid" || hits(&body)[0]["id"] == id, "{q} {mode}: {body}");
        }
        let body = search(&server, q, "&mode=lexical");
        assert!(hits(&body).iter().all(|h| h["score"].as_f64().is_some_and(|s| s > 0.0 && s <= 1.0)), "{q}: {body}");
    }
    assert!(hits(&search(&server, "of the and", "&mode=lexical")).is_empty(), "function words find nothing by letter");
    assert_eq!(hits(&search(&server, "of the and", "")).len(), 5, "and something by meaning");
}

#[test]
fn what_is_named_comes_first() {
    let (_folder, server) = library();
    for (q, id) in [
        ("2401.00001", "arxiv:2401.00001v1"),
        ("arXiv:2401.00001v1", "arxiv:2401.00001v1"),
        ("https://arxiv.org/abs/2401.00001", "arxiv:2401.00001v1"),
        ("10.1234/geese", "doi:10.1234/geese"),
        ("https://doi.org/10.1234/GEESE", "doi:10.1234/geese"),
        ("\"Geese: a survey\"", "doi:10.1234/geese"),
        ("swans in the State of the Art", "c"),
        ("c", "c"),
        ("深度学习综述", "d"),
    ] {
        for mode in ["hybrid", "dense", "lexical"] {
            let body = search(&server, q, &format!("&mode={mode}&explain=true"));
            let first = &hits(&body)[0];
            assert_eq!((&first["id"], &first["score"]), (&json!(id), &json!(1.0)), "{q} {mode}: {body}");
        }
    }
    // The filter counts for what is named as well.
    assert!(hits(&search(&server, "2401.00001", "&from=2025")).iter().all(|h| h["id"] != "arxiv:2401.00001v1"));
}

#[test]
fn conditions_are_met() {
    let (_folder, server) = library();
    for (q, expected) in [
        ("author:\"Ada Lovelace\" birds", vec!["arxiv:2401.00001v1", "doi:10.1234/geese"]),
        ("author:lecun", vec!["arxiv:2401.00001v1"]),
        ("author:\"Lovelace, A.\"", vec!["arxiv:2401.00001v1", "doi:10.1234/geese"]),
        ("title:survey", vec!["doi:10.1234/geese"]),
        ("category:cs.cv -author:lecun", vec!["c"]),
        ("category:cs.CL OR category:cs.LG neural", vec!["c", "doi:10.1234/geese"]),
        ("date:2025..2026-02 birds", vec!["c", "d", "doi:10.1234/geese"]),
        ("date:..2023", vec!["e"]),
        ("\"graph neural networks\"", vec!["c"]),
        ("\"neural graph\"", vec![]),
        ("\"state of the art\"", vec!["c"]),
        ("models -survey", vec!["arxiv:2401.00001v1", "c", "d", "e"]),
        ("geese OR swans", vec!["c", "doi:10.1234/geese"]),
        ("models -\"large language\" date:2023..2025", vec!["arxiv:2401.00001v1", "d", "e"]),
    ] {
        let body = search(&server, q, "");
        let mut found = ids(hits(&body));
        found.sort_unstable();
        assert_eq!(found, expected, "{q}");
        assert_eq!(body["meta"]["total"], expected.len(), "{q}");
    }
    // A quote that nobody closes is no phrase where no paper holds it.
    assert!(ids(hits(&search(&server, "ducks \"and geese", ""))).contains(&"doi:10.1234/geese"));
}

#[test]
fn nothing_that_is_typed_breaks_it() {
    let (_folder, server) = library();
    let long = "word ".repeat(10_000);
    for q in [
        "2399.99999",
        "Ada Lovelace",
        "LLM",
        "$\\frac{\\alpha}{x_{ij}^2}$",
        "中文",
        "-",
        "--",
        "- -",
        "OR",
        "\"",
        "\"\"",
        "a\"b",
        "author:",
        "author:\"",
        "date:2025..",
        "date:....",
        "the of and",
        "\0",
        "a\0b",
        "\u{202e}abc",
        "🦆",
        "\\",
        "%",
        "%%%",
        "*",
        "title:*",
        "(",
        ")",
        "a AND b",
        "NOT a",
        "+a",
        "a:b:c",
        "field:value",
        "[1 TO 5]",
        "~",
        "^",
        "a^2",
        "'",
        "''",
        "...",
        "1",
        "-1",
        "1e999",
        "NaN",
        "<script>",
        "SELECT * FROM papers; --",
        "\u{feff}",
        "e\u{301}",
        "ﬁ",
        "１２３",
        "ß",
        "İ",
        &long,
        &"\"".repeat(999),
        &"-a ".repeat(20),
        &"OR ".repeat(20),
        &"x".repeat(5000),
        &"中".repeat(3000),
    ] {
        for mode in ["hybrid", "lexical", "dense"] {
            let body = json!({ "q": q, "mode": mode, "explain": true });
            let texts = json!({ "text": [q], "mode": mode, "explain": true });
            for (searched, reply) in
                [(true, server.post("/v1/search", &body)), (false, server.post("/v1/recommend", &texts))]
            {
                // A search box knows one error: that there is nothing in it.
                let blank = q.chars().all(|c| c.is_whitespace() || matches!(c, '\u{feff}'));
                let allowed: &[u16] = if searched && !blank { &[200] } else { &[200, 400, 422] };
                assert!(
                    allowed.contains(&reply.status),
                    "{:?} {mode}: {} {}",
                    q.chars().take(40).collect::<String>(),
                    reply.status,
                    reply.body
                );
                if reply.status == 200 {
                    for hit in hits(&reply.body) {
                        let parts = hit["why"]["parts"].as_array().expect("parts");
                        let sum: f64 = parts.iter().filter_map(|p| p["value"].as_f64()).sum();
                        assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4, "{q}: {hit}");
                    }
                } else {
                    error(&reply);
                }
            }
        }
    }
}

#[test]
fn scores_can_be_compared_and_add_up() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(300));
    folder.json(&["ingest", &file]);
    for mode in ["hybrid", "dense", "lexical"] {
        let alone = folder.json(&["search", "number42 topic3", "-k", "1", "--mode", mode]);
        let many = folder.json(&["search", "number42 topic3", "-k", "100", "--mode", mode, "--explain"]);
        assert_eq!(alone[0]["score"], many[0]["score"], "{mode}: a score depends on how many are asked for");
        assert!(many.is_sorted_by(|a, b| a["score"].as_f64() >= b["score"].as_f64()), "{mode}");
        let like = folder.json(&["similar", "p/3", "-k", "50", "--mode", mode, "--explain"]);
        for hit in many.iter().chain(&like) {
            let parts = hit["why"]["parts"].as_array().expect("parts");
            let sum: f64 = parts.iter().filter_map(|p| p["value"].as_f64()).sum();
            assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 1e-4, "{mode}: {hit}");
            let kinds: Vec<&str> = parts.iter().filter_map(|p| p["kind"].as_str()).collect();
            assert!(mode != "dense" || !kinds.contains(&"term"), "{hit}");
            assert!(mode != "lexical" || !kinds.contains(&"text") && !kinds.contains(&"paper"), "{hit}");
        }
        let least = many[20]["score"].as_f64().expect("a score");
        let above =
            folder.json(&["search", "number42 topic3", "-k", "100", "--mode", mode, "--min-score", &least.to_string()]);
        assert!(above.len() >= 20 && above.iter().all(|h| h["score"].as_f64() >= Some(least - 1e-6)), "{mode}");
    }
}

#[test]
fn versions_are_shown_once_and_the_newest_speaks() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let put = |id: &str, title: &str, author: &str, date: &str| {
        let body = json!({ "id": id, "title": title, "abstract": "Quantum ducks paddle in superposed ponds.",
                           "authors": [author, "B. Teal"], "date": date });
        assert_eq!(server.post("/v1/papers", &body).status, 200);
    };
    put("arxiv:2601.00001v1", "Quantum ducks", "Anna Drake", "2026-01-01");
    put("arxiv:2601.00001v2", "Quantum ducks, revised", "Anna Drake", "2026-03-01");
    put("doi:10.1000/ducks", "Quantum Ducks.", "Drake, A.", "2026-02-01");
    put("other", "Quantum geese", "C. Goose", "2026-01-15");
    let found = search(&server, "quantum ponds", "");
    assert_eq!(ids(hits(&found)).iter().filter(|id| id.contains("ducks") || id.contains("2601")).count(), 1, "{found}");
    assert!(ids(hits(&found)).contains(&"arxiv:2601.00001v2") && found["meta"]["total"] == 2, "{found}");
    assert_eq!(hits(&search(&server, "quantum ponds", "&versions=true")).len(), 4);
    // Before March the version of February is the newest.
    assert!(ids(hits(&search(&server, "quantum ponds", "&to=2026-02-15"))).contains(&"doi:10.1000/ducks"));
    let one = server.get("/v1/papers/arxiv:2601.00001v1").body;
    assert_eq!(one["title"], "Quantum ducks");
    assert_eq!(ids(one["versions"].as_array().expect("versions")), ["arxiv:2601.00001v2", "doi:10.1000/ducks"]);
    assert!(server.get("/v1/papers/other").body["versions"].is_null());
    for id in ["arxiv:2601.00001v1", "doi:10.1000%2Fducks"] {
        let similar = server.get(&format!("/v1/papers/{id}/similar")).body;
        assert_eq!((ids(hits(&similar)), &similar["meta"]["total"]), (vec!["other"], &json!(1)));
        assert_eq!(hits(&server.get(&format!("/v1/papers/{id}/similar?versions=true")).body).len(), 3);
    }
    assert_eq!(ids(hits(&server.post("/v1/recommend", &json!({ "like": ["other"] })).body)), ["arxiv:2601.00001v2"]);
    // When the newest goes, the next one speaks; a title that changes leaves the work.
    assert_eq!(server.delete("/v1/papers/arxiv:2601.00001v2").status, 204);
    assert!(ids(hits(&search(&server, "quantum ponds", ""))).contains(&"doi:10.1000/ducks"));
    put("doi:10.1000/ducks", "Something else entirely", "Anna Drake", "2026-02-01");
    assert_eq!(hits(&search(&server, "quantum ponds", "")).len(), 3);
    drop(server);
    let hits = folder.json(&["search", "quantum ponds"]);
    assert_eq!(hits.len(), 3, "it is the same after opening again");
}

#[test]
fn batches_say_what_single_calls_say() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(120));
    folder.json(&["ingest", &file]);
    let all = folder.run(&["similar", "--all", "-k", "4"]);
    let lines: Vec<Value> = all.out.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!((all.status, lines.len()), (Some(0), 120), "{}", all.err);
    let server = Server::start(&folder);
    let reply = server.post("/v1/similar/batch", &json!({ "ids": ["p/7", "p/3"], "limit": 4, "category": ["c.1"] }));
    assert_eq!(reply.status, 200, "{}", reply.body);
    for (k, id) in ["p/7", "p/3"].into_iter().enumerate() {
        let single = server.get(&format!("/v1/similar?id={id}&limit=4&category=c.1"));
        assert_eq!(reply.body["results"][k]["id"], id);
        assert_eq!(reply.body["results"][k]["papers"], single.body["papers"]);
        let plain = server.get(&format!("/v1/similar?id={id}&limit=4")).body;
        let line = lines.iter().find(|l| l["id"] == id).expect("a line for each");
        assert_eq!(ids(hits(&plain)), ids(line["neighbours"].as_array().expect("neighbours")));
    }
}

#[test]
fn the_index_of_words_heals() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(200));
    folder.json(&["ingest", &file]);
    let query = ["search", "number42 subject3", "--mode", "lexical", "--json"];
    let truth = folder.run(&query);
    assert!(!truth.err.contains("built again"), "{}", truth.err);
    let words = folder.data().join("words");
    for path in files_below(&words).into_iter().filter(|p| p.to_string_lossy().contains("terms-")) {
        let mut bytes = std::fs::read(&path).expect("there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).expect("written");
        let ran = folder.run(&query);
        assert!(ran.err.contains("the index of words could not be used"), "{}", ran.err);
        assert_eq!(ran.out, truth.out);
    }
    std::fs::remove_dir_all(&words).expect("removed");
    assert_eq!(folder.run(&query).out, truth.out);
    let again = folder.run(&query);
    assert_eq!((again.out, again.err.contains("built again")), (truth.out, false));
    assert_eq!(folder.json(&["info"])[0]["words"]["rows"], 200);
}

#[test]
fn a_labelled_set_is_evaluated() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(120));
    folder.json(&["ingest", &file]);
    let queries = folder.file("q.tsv", "query_id\ttext\n1\tnumber42 topic0\n2\tsubject5 item5\n3\tno judgement\n");
    let qrels = folder.file("r.tsv", "query_id\tpaper_id\trelevant\n1\tp/42\t1\n1\tp/43\t0\n2\tp/5\t1\n2\tnobody\t1\n");
    let table = &folder.json(&["eval", "search", "--queries", &queries, "--qrels", &qrels])[0];
    let rows = table["rows"].as_array().expect("rows");
    let of = |mode: &str| rows.iter().find(|r| r["mode"] == mode).expect("a row").clone();
    for mode in ["hybrid", "dense", "lexical"] {
        let (map, mrr) = (of(mode)["MAP"]["mean"].clone(), of(mode)["MRR"]["mean"].clone());
        assert_eq!(mrr, 1.0, "{mode}: {table}");
        assert_eq!(map, 0.75, "{mode}: a relevant paper that is not there counts as not found");
    }
    let groups: String = (0..120).map(|k| format!("g{}\tp/{k}\t1\n", k % 7)).collect();
    let groups = folder.file("g.tsv", format!("group\tpaper_id\tbelongs\n{groups}"));
    let similar = &folder.json(&["eval", "similar", "--groups", &groups, "--seeds", "3"])[0];
    assert!(similar["rows"][0]["nDCG@10"]["mean"].as_f64().is_some_and(|v| v > 0.5), "{similar}");
    let args = ["eval", "recommend", "--groups", &groups, "--examples", "3", "--min-papers", "10", "--draws", "2"];
    let recommend = &folder.json(&args)[0];
    assert_eq!(recommend["rows"].as_array().map(Vec::len), Some(15), "five strategies in three modes");
    let ran = folder.run(&["eval", "search", "--queries", &qrels, "--qrels", &qrels]);
    assert!(ran.status == Some(1) && ran.err.contains("no column text"), "{}", ran.err);
    let help = folder.run(&["eval", "--help"]);
    assert!(help.out.contains("Examples:"));
}

#[test]
fn a_part_of_what_a_paper_says_finds_it() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", include_str!("../../src/sources/invented.jsonl"));
    folder.json(&["ingest", &file]);
    let table = &folder.json(&["eval", "known", "--papers", "100", "--mode", "hybrid", "lexical"])[0];
    let rows = table["rows"].as_array().expect("rows");
    // What the model for tests means by a text is noise; all the more is left to the words.
    for (by, least) in
        [("title", 1.0), ("typo", 0.98), ("part-of-title", 0.98), ("words", 0.9), ("sentence", 0.98), ("abstract", 1.0)]
    {
        for mode in ["hybrid", "lexical"] {
            let row = rows.iter().find(|r| r["looked for by"] == by && r["mode"] == mode).expect("a row");
            let first = row["first"]["mean"].as_f64().expect("a mean");
            assert!(first >= least && row["papers"].as_u64().is_some_and(|n| n > 50), "{by} {mode}: {row}");
            assert!(row["among ten"]["mean"].as_f64().is_some_and(|ten| ten >= first), "{row}");
        }
    }
    // The same queries every time, those of a half among them; what was missed is named.
    let args = ["eval", "known", "--papers", "100", "--mode", "hybrid", "--by", "words", "--misses"];
    let missed = |half: &str| folder.json(&[&args[..], &["--half", half]].concat())[0]["rows"].clone();
    let papers = |rows: &Value| -> Vec<Value> {
        let mut papers: Vec<Value> = rows.as_array().expect("rows").iter().map(|r| r["paper"].clone()).collect();
        papers.sort_by_key(ToString::to_string);
        papers
    };
    let mut halves = [papers(&missed("even")), papers(&missed("odd"))].concat();
    halves.sort_by_key(ToString::to_string);
    assert_eq!(papers(&missed("all")), halves);
}
