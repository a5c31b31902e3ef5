//! Cases of search.

use serde_json::{Value, json};

use super::{input, table};
use crate::support::{Folder, Server, ids};

/// The corpus of the cases, and some papers more of the same kinds.
fn corpus() -> (Folder, Server) {
    let folder = Folder::new();
    let file = input("", "papers.jsonl").display().to_string();
    folder.json(&["ingest", &file]);
    let more: Vec<Value> = [
        ("s/1", "Porting a .NET runtime", "The .NET runtime on small devices.", "Ilya Lewis", "cs.PL"),
        ("s/2", "Catching fish with a net", "A net, a boat and patience: nets for herring.", "Ove Banks", "q-bio.PE"),
        ("s/3", "Seeding with k-means++", "We seed clusters with k-means++.", "Nils Brown", "cs.LG"),
        (
            "s/4",
            "Clusters by k-means",
            "The means of k clusters, k-means again and again k-means.",
            "Uta Jones",
            "cs.LG",
        ),
        (
            "s/5",
            "Water and what it does: H2O",
            "H2O in 2 phases; 2 H2O make 2 drops of H2O.",
            "Ann Rain",
            "physics.chem-ph",
        ),
        ("s/6", "H2O in rocks", "Rocks hold H2O in 2 ways, and 2 kinds of H2O ice.", "Ann Hail", "physics.chem-ph"),
        ("s/7", "Deep storage of CO2", "Carbon is stored below the sea.", "Bo Stone", "physics.ao-ph"),
        ("s/8", "To be or not to be a preprint", "What makes a preprint a paper.", "Tom Long", "cs.DL"),
        ("s/9", "Not to be read", "It is to be, or to be not.", "Kim Young", "cs.DL"),
        ("s/10", "Long documents", "A long text is longer than long texts.", "Eva Short", "cs.CL"),
        ("s/11", "sudo rm -rf agents", "Agents that remove what they stand on.", "Lea Root", "cs.CR"),
        ("s/12", "Category: a theory of everything", "Arrows between arrows.", "Max Functor", "math.CT"),
        ("s/13", "Servers in Node.js", "How Node.js schedules callbacks.", "Jo Event", "cs.SE"),
        ("s/14", "A node in a graph", "Each node has a js of its own.", "Ed Vertex", "cs.DS"),
        ("s/15", "Statistics in R", "We wrote the R package for it.", "Ray Hat", "stat.CO"),
        ("s/16", "Radii of discs", "A disc of radius r, with r = 1 and r = 2, and r again.", "Pi Round", "math.MG"),
        (
            "s/17",
            "Anaemia in haemodialysis",
            "Catalogue of analogue sensors; paralysed fibres.",
            "Ola Blood",
            "q-bio.TO",
        ),
        ("s/18", "Anemia in hemodialysis", "Catalog of analog sensors; paralyzed fibers.", "Ole Bloom", "q-bio.TO"),
    ]
    .into_iter()
    .map(|(id, title, summary, author, category)| {
        json!({ "id": id, "title": title, "abstract": summary, "authors": [author], "categories": [category],
                "date": "2022-02-02" })
    })
    .collect();
    let server = Server::start(&folder);
    assert_eq!(server.post("/v1/papers", &json!({ "papers": more })).body["accepted"], 18);
    (folder, server)
}

fn search(server: &Server, q: &str, mode: &str) -> Value {
    let reply = server.post("/v1/search", &json!({ "q": q, "mode": mode, "limit": 100 }));
    assert_eq!(reply.status, 200, "{q}: {}", reply.body);
    reply.body
}

fn found(body: &Value) -> Vec<String> {
    ids(body["papers"].as_array().expect("papers")).into_iter().map(str::to_string).collect()
}

fn first(server: &Server, q: &str, mode: &str) -> String {
    found(&search(server, q, mode)).into_iter().next().unwrap_or_default()
}

const MODES: [&str; 2] = ["lexical", "hybrid"];

#[test]
fn signs_belong_to_names() {
    let (_folder, server) = corpus();
    let own = [
        (".NET", "s/1"),
        (".net runtime", "s/1"),
        ("k-means++", "s/3"),
        ("Node.js", "s/13"),
        ("nodejs", "s/13"),
        ("R", "s/15"),
        ("\"C++\"", "arxiv:2302.99012"),
        ("c++", "arxiv:2302.99012"),
    ];
    let own = own.into_iter().map(|(q, id)| vec![q.to_string(), id.to_string()]);
    for row in table("search-signs", "queries.tsv").into_iter().chain(own) {
        for mode in MODES {
            assert_eq!(first(&server, &row[0], mode), row[1], "{} {mode}", row[0]);
        }
    }
}

#[test]
fn surnames_are_names() {
    let (_folder, server) = corpus();
    let own =
        [("Lewis", "s/1"), ("jones", "s/4"), ("Brown", "s/3"), ("Banks", "s/2"), ("Long", "s/8"), ("Young", "s/9")];
    let own = own.into_iter().map(|(q, id)| vec![q.to_string(), id.to_string()]);
    for row in table("search-surnames", "queries.tsv").into_iter().chain(own) {
        for mode in MODES {
            assert_eq!(first(&server, &row[0], mode), row[1], "{} {mode}", row[0]);
        }
    }
    // A given name comes behind a surname.
    let more = json!({ "id": "s/19", "title": "By somebody else", "authors": ["Lewis Other"] });
    assert_eq!(server.post("/v1/papers", &more).status, 200);
    assert_eq!(found(&search(&server, "lewis", "lexical")), ["s/1", "s/19"]);
    // In small letters it is the word.
    assert_eq!(first(&server, "long", "lexical"), "s/10");
    // Two words that are somebody's name are that, in either order.
    assert_eq!(first(&server, "Tom Long", "lexical"), "s/8");
    assert_eq!(first(&server, "long tom", "lexical"), "s/8");
}

#[test]
fn names_in_quotes_find_the_person() {
    let (_folder, server) = corpus();
    for row in table("search-quoted-names", "queries.tsv") {
        for mode in MODES {
            let mut all = found(&search(&server, &row[0], mode));
            let mut expected: Vec<&str> = row[1].split(' ').collect();
            all.sort();
            expected.sort_unstable();
            assert_eq!(all, expected, "{} {mode}", row[0]);
        }
    }
    assert_eq!(found(&search(&server, "\"Long, Tom\"", "lexical")), ["s/8"]);
    assert!(!found(&search(&server, "preprint -\"Tom Long\"", "hybrid")).contains(&"s/8".to_string()));
    // A word that is left out is no name, unless it is nothing else.
    assert!(found(&search(&server, "preprint -long", "hybrid")).contains(&"s/8".to_string()));
    assert!(!found(&search(&server, "kelp -doeling", "hybrid")).contains(&"doi:10.1000/kelp.21".to_string()));
}

#[test]
fn authors_are_found_as_citations_write_them() {
    let (_folder, server) = corpus();
    let own = [
        ("author:\"Halvorsted, G. E.\"", "arxiv:2302.99038"),
        ("author:\"G.E. Halvorsted\"", "arxiv:2302.99038"),
        ("author:\"Halvorsted G.\"", "arxiv:2302.99038"),
        ("author:\"Nordvik K\" category:q-bio.PE date:2021", "doi:10.1000/kelp.21"),
        ("author:\"Nordvik KX\" date:2021", "doi:10.1000/kelp.21"),
        ("author:Oersted", "arxiv:2302.99037"),
        ("author:Orsted", "arxiv:2302.99037"),
        ("author:\"Goedelmann and Oersted, 2023\"", "arxiv:2302.99037"),
        ("author:\"Quillmark & van Moritz (2024)\"", "arxiv:2405.99131"),
        ("author:\"Jürgen Müller-Lüdenscheidt\"", "arxiv:2401.99001"),
        ("author:\"Juergen Mueller-Luedenscheidt\"", "arxiv:2401.99001"),
        ("author:\"Wojcikowski Lukasz\"", "arxiv:2401.99001"),
        ("author: Quillmark", "arxiv:2405.99131"),
    ];
    let own = own.into_iter().map(|(q, id)| vec![q.to_string(), id.to_string()]);
    for row in table("search-author-forms", "queries.tsv").into_iter().chain(own) {
        assert_eq!(first(&server, &row[0], "hybrid"), row[1], "{}", row[0]);
    }
    assert!(found(&search(&server, "author:\"Quillmark & Nordvik\"", "hybrid")).is_empty());
}

#[test]
fn quotes_of_all_kinds_are_quotes() {
    let (_folder, server) = corpus();
    for row in table("search-curly-quotes", "queries.tsv") {
        let (open, close) = (row[0].find('"').expect("a quote"), row[0].rfind('"').expect("a quote"));
        let other =
            |a: &str, b: &str| format!("{}{a}{}{b}{}", &row[0][..open], &row[0][open + 1..close], &row[0][close + 1..]);
        let kinds =
            [row[1].clone(), other("„", "“"), other("«", "»"), other("»", "«"), other("‹", "›"), other("``", "''")];
        for mode in MODES {
            let straight = search(&server, &row[0], mode);
            for text in &kinds {
                let body = search(&server, text, mode);
                assert_eq!(found(&body), found(&straight), "{text} {mode}");
                assert_eq!(body["meta"]["total"], straight["meta"]["total"], "{text} {mode}");
            }
        }
    }
    // One that is never closed goes to the end, where that says something.
    assert_eq!(found(&search(&server, "kelp \"rising seas", "hybrid")), ["doi:10.1000/kelp.21"]);
    assert_eq!(first(&server, "kelp \"seas that rise", "lexical"), "doi:10.1000/kelp.21");
    // A phrase of function words is a phrase.
    for mode in MODES {
        assert_eq!(found(&search(&server, "\"to be or not to be\"", mode)), ["s/8"], "{mode}");
    }
}

#[test]
fn a_pasted_title_is_a_title() {
    let (_folder, server) = corpus();
    let own = [
        ("sudo rm -rf agents", "s/11"),
        ("Category: a theory of everything", "s/12"),
        ("category: A Theory of Everything.", "s/12"),
        ("To be or not to be a preprint", "s/8"),
        ("\u{feff}A no\u{ad}de in\u{a0}a gr\u{200b}aph", "s/14"),
    ];
    let own = own.into_iter().map(|(q, id)| vec![q.to_string(), id.to_string()]);
    for row in table("search-pasted-titles", "queries.tsv").into_iter().chain(own) {
        for mode in ["lexical", "hybrid", "dense"] {
            let body = search(&server, &row[0], mode);
            assert_eq!(body["papers"][0]["id"], row[1], "{} {mode}", row[0]);
            assert_eq!(body["papers"][0]["score"], 1.0, "{} {mode}", row[0]);
        }
    }
}

#[test]
fn no_text_is_an_error() {
    let (_folder, server) = corpus();
    for q in [
        "author:",
        "title:\"",
        "date:soon",
        "date:",
        "category: ",
        "DATE: unknown thing",
        "\"open",
        "open\"",
        "OR",
        "a OR",
        "OR OR OR",
        "a OR -b",
        "-",
        "--",
        "-\"",
        "???",
        "«",
        "''",
        "🦆",
        "venue:Nature",
        "date:2026..2025",
        "-kelp",
        "author:nobody",
        "\"''",
        "(",
        "a AND",
        "category:",
        "title: ",
        "x:y:z",
        "date: 9999-99",
    ] {
        for mode in ["lexical", "hybrid", "dense"] {
            search(&server, q, mode);
        }
    }
    // What holds no letter finds nothing; what only leaves out leaves the rest.
    assert_eq!(found(&search(&server, "???", "hybrid")), [] as [&str; 0]);
    let all = search(&server, "-kelp", "hybrid");
    assert_eq!(all["meta"]["total"], 39);
    assert!(!found(&all).contains(&"doi:10.1000/kelp.21".to_string()));
    // A range that is turned round is the range.
    for q in ["date: 2004", "date:2003-2005", "date:2005..2003", "date:2003 - 2005", "date:<2005 date:>2003"] {
        assert!(found(&search(&server, q, "hybrid")).contains(&"doi:10.1000/978-1-4020-0000-0_1".to_string()), "{q}");
        assert_eq!(search(&server, q, "hybrid")["meta"]["total"], 1, "{q}");
    }
}

#[test]
fn british_and_american_find_the_same() {
    let (_folder, server) = corpus();
    let own = [
        ("anaemia", "anemia"),
        ("haemodialysis", "hemodialysis"),
        ("catalogue", "catalog"),
        ("paralysed", "paralyzed"),
        ("fibres", "fibers"),
        ("analogue", "analog"),
    ];
    let own = own.into_iter().map(|(a, b)| vec![a.to_string(), b.to_string()]);
    for row in table("search-spelling", "pairs.tsv").into_iter().chain(own) {
        let (british, american) =
            (found(&search(&server, &row[0], "lexical")), found(&search(&server, &row[1], "lexical")));
        assert_eq!(british, american, "{row:?}");
        let known = !["quantisation", "summarisation"].contains(&row[0].as_str());
        assert!(!known || british.len() >= 2, "{row:?}: {british:?}");
    }
}

#[test]
fn a_typo_finds_what_was_meant_and_says_so() {
    let (folder, server) = corpus();
    let own = [("transofrmer", "transformer", "arxiv:2302.99010"), ("Segmentation of corl", "", "arxiv:2302.99046")];
    let own = own.into_iter().map(|(q, meant, id)| vec![q.to_string(), meant.to_string(), id.to_string()]);
    for row in table("search-typos", "queries.tsv").into_iter().chain(own) {
        for mode in MODES {
            let body = search(&server, &row[0], mode);
            assert_eq!(body["papers"][0]["id"], row[2], "{} {mode}", row[0]);
            let corrected = body["meta"]["corrected"].as_array().cloned().unwrap_or_default();
            assert!(
                row[1].is_empty() || corrected.iter().any(|c| c["to"] == row[1]),
                "{} {mode}: {}",
                row[0],
                body["meta"]
            );
        }
    }
    // What is there stays, and so do short words, numbers and what is near to nothing.
    for q in ["transformer", "corl", "2o24", "xylophonist", "\"transfomer\"", "author:Doelin"] {
        assert!(search(&server, q, "lexical")["meta"]["corrected"].is_null(), "{q}");
    }
    // One among many is left: most likely it is a word that only these papers lack.
    let long = "tides warm icy moons that share resonant orbits around giant planets outside the solar systen";
    assert!(search(&server, long, "lexical")["meta"]["corrected"].is_null());
    assert_eq!(search(&server, "solar systen", "lexical")["meta"]["corrected"][0]["to"], "system");
    drop(server);
    let ran = folder.run(&["search", "transfomer", "--mode", "lexical"]);
    assert!(ran.err.contains("\"transfomer\"") && ran.err.contains("\"transformer\""), "{}", ran.err);
}

#[test]
fn an_archive_stands_for_its_classes() {
    let (_folder, server) = corpus();
    for row in table("search-archives", "queries.tsv") {
        let mut expected: Vec<&str> = row[1].split(' ').chain(["s/12", "s/16"]).collect();
        expected.sort_unstable();
        let mut all = found(&search(&server, &row[0], "hybrid"));
        all.sort();
        assert_eq!(all, expected);
        let reply = server.get("/v1/search?q=the+papers&category=MATH&limit=100");
        let mut filtered = ids(reply.body["papers"].as_array().expect("papers"));
        filtered.sort_unstable();
        assert_eq!(filtered, expected, "the filter says the same");
    }
    assert_eq!(found(&search(&server, "category:math-ph", "hybrid")), ["arxiv:2302.99044"]);
    assert_eq!(found(&search(&server, "category:math.CT", "hybrid")), ["s/12"]);
}

#[test]
fn feedback_lifts_nothing_above_the_words() {
    let (_folder, server) = corpus();
    for mode in MODES {
        assert_eq!(first(&server, "CO2", mode), "s/7", "{mode}");
    }
    let body = search(&server, "CO2", "lexical");
    let scores: Vec<f64> =
        body["papers"].as_array().into_iter().flatten().filter_map(|h| h["score"].as_f64()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

/// Folders of 0.1 have another index of words: it is made again when they are opened, with a word.
#[test]
fn an_index_of_an_earlier_version_is_made_again() {
    let (folder, server) = corpus();
    drop(server);
    let meta = folder.data().join("words/words/meta.json");
    let text = std::fs::read_to_string(&meta).expect("there");
    std::fs::write(&meta, text.replace("{\\\"format\\\":3", "{\\\"format\\\":2")).expect("written");
    let ran = folder.run(&["search", "Doeling", "--json"]);
    assert!(ran.err.contains("another version"), "{}", ran.err);
    assert!(ran.out.starts_with("{\"id\":\"doi:10.1000/kelp.21\""), "{}", ran.out);
    assert!(!folder.run(&["search", "Doeling", "--json"]).err.contains("another version"));
}
