//! What a search says of all that it found: how much that is, what it has in common, and its other orders; and suggestions.

use std::collections::{BTreeMap, BTreeSet};

use paperkin::bounds;
use paperkin::config::Config;
use paperkin::engine::{
    Answer, Engine, Facet, FacetValue, Facets, Matches, Mode, SearchOptions, SearchRequest, SearchSort, Suggestion,
    SuggestionKind,
};
use paperkin::paper::{Filter, PaperDate};
use paperkin::sources;
use paperkin::user::Follow;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Folder, Server, error, ids, papers};

const ALL: [Facet; 5] = [Facet::Year, Facet::Category, Facet::Author, Facet::Source, Facet::Theme];

/// Short queries, one with conditions, conditions alone, a paper, and a pasted text.
const QUERIES: [&str; 7] = [
    "error correction of qubits",
    "ocean circulation",
    "learning",
    "models category:cs",
    "category:physics",
    "invented:qu-006",
    "We ask how much can be learnt from few measurements of a changing ocean, from moorings and from ships, and which of \
     them could be spared.\nWe compare them with a model of the circulation, and find that some depths matter much more.",
];

/// The built-in corpus, with themes.
fn invented() -> (TempDir, Engine) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { model: Some("hash".into()), ..Config::new(folder.path()) };
    let engine = Engine::open(config).expect("opens").engine;
    engine.ingest(&mut sources::invented(), &|_| {}).expect("goes in");
    engine.rebuild_themes(false).expect("made");
    (folder, engine)
}

fn values(facets: &Facets, facet: Facet) -> &[FacetValue] {
    let values = match facet {
        Facet::Year => &facets.year,
        Facet::Category => &facets.category,
        Facet::Author => &facets.author,
        Facet::Source => &facets.source,
        Facet::Theme => &facets.theme,
    };
    values.as_deref().expect("it was asked for")
}

/// A filter with this value as its only condition of a kind.
fn with(filter: &Filter, facet: Facet, value: &str) -> Filter {
    let (mut filter, one) = (filter.clone(), vec![value.to_string()]);
    match facet {
        Facet::Year => {
            let year = PaperDate::parse(value).ok();
            (filter.from, filter.to) = (year.clone(), year);
        }
        Facet::Category => filter.categories = one,
        Facet::Author => filter.authors = one,
        Facet::Source => filter.sources = one,
        Facet::Theme => filter.themes = one,
    }
    filter
}

fn request(mode: Mode, filter: Filter, facets: &[Facet]) -> SearchRequest {
    let ask = SearchOptions { mode, filter, limit: 500, ..SearchOptions::default() };
    SearchRequest { facets: facets.to_vec(), matching: true, ..ask.into() }
}

fn matched(answer: &Answer) -> usize {
    let matched = answer.meta.matched.expect("it was asked for");
    assert!(matched.all, "so few are all");
    matched.papers
}

#[test]
fn a_count_is_the_total_of_the_search_that_it_leads_to() {
    let (_folder, engine) = invented();
    let modes = [Mode::Hybrid, Mode::Dense, Mode::Lexical];
    let picks = prop::collection::vec((0usize..5, 0usize..6), 0..3);
    let runner = Cases { cases: 24, failure_persistence: None, ..Cases::default() };
    let mut seen = 0;
    let seen = &mut seen;
    let tried = std::cell::RefCell::new(seen);
    TestRunner::new(runner)
        .run(&(0..QUERIES.len(), 0..modes.len(), picks), |(query, mode, picks)| {
            let (query, mode) = (QUERIES[query], modes[mode]);
            let ask = |filter: &Filter, facets: &[Facet]| {
                engine.search_with(query, &request(mode, filter.clone(), facets)).expect("answered")
            };
            // Conditions as somebody chooses them: one of the values that are shown, one after the other.
            let mut filter = Filter::default();
            for (facet, nth) in picks {
                let shown = ask(&filter, &ALL).meta.facets.expect("asked for");
                let shown = values(&shown, ALL[facet]);
                if let Some(value) = shown.get(nth % shown.len().max(1)) {
                    filter = with(&filter, ALL[facet], &value.value);
                }
            }
            let answer = ask(&filter, &ALL);
            let total = matched(&answer);
            prop_assert_eq!((answer.papers.len(), answer.meta.total), (total, total), "{} {:?}", query, filter);
            let facets = answer.meta.facets.as_ref().expect("asked for");
            for facet in ALL {
                for FacetValue { value, count, .. } in values(facets, facet) {
                    let leads_to = ask(&with(&filter, facet, value), &[]);
                    prop_assert_eq!(matched(&leads_to), *count, "{} {:?} {:?}={}", query, filter, facet, value);
                    **tried.borrow_mut() += 1;
                }
            }
            // Everything is dated here, so that the years of a search without a year make up its total.
            let undated = Filter { from: None, to: None, ..filter.clone() };
            let years: usize = values(facets, Facet::Year).iter().map(|v| v.count).sum();
            prop_assert_eq!(years, matched(&ask(&undated, &[])), "{} {:?}", query, filter);
            let by_hand = values(facets, Facet::Source).iter().map(|v| v.count).sum::<usize>();
            prop_assert_eq!(by_hand, total);
            Ok(())
        })
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(*tried.into_inner() > 100, "blind");
}

#[test]
fn what_matches_is_what_a_saved_search_tells_of() {
    let (_folder, engine) = invented();
    let mut any = 0;
    for query in &QUERIES[..5] {
        let all = Matches { limit: 500, ..Matches::default() };
        let saved = engine.matches(&Follow::Query((*query).into()), &all).expect("answered");
        let found = engine.search_with(query, &request(Mode::Hybrid, Filter::default(), &[])).expect("answered");
        let of = |answer: &Answer| answer.papers.iter().map(|h| h.paper.id.to_string()).collect::<BTreeSet<_>>();
        assert_eq!(of(&saved), of(&found), "{query}");
        assert_eq!(saved.meta.total, matched(&found), "{query}");
        assert!(found.papers.len() < 252, "{query}: {}", found.papers.len());
        any += found.papers.len();
    }
    assert!(any > 0, "nothing matches any of the queries");
    // Without asking, a search goes on to the last paper, and says nothing of what matches.
    let plain = engine.search("learning", &SearchOptions { limit: 500, ..SearchOptions::default() }).expect("answered");
    assert_eq!((plain.papers.len(), plain.meta.total, plain.meta.matched), (252, 252, None));
    // With facets alone it does as well, and says it.
    let ask = SearchRequest { matching: false, ..request(Mode::Hybrid, Filter::default(), &ALL) };
    let told = engine.search_with("learning", &ask).expect("answered");
    assert_eq!((told.papers.len(), told.meta.total), (252, 252));
    assert!(matched(&told) < 252);
    let same = |a: &Answer, b: &Answer| a.papers.iter().zip(&b.papers).all(|(a, b)| a.paper.id == b.paper.id);
    assert!(same(&plain, &told));
}

#[test]
fn other_orders_are_orders_of_what_matches() {
    let (_folder, engine) = invented();
    for (query, mode) in QUERIES.iter().flat_map(|q| [(q, Mode::Hybrid), (q, Mode::Lexical)]) {
        let of = |sort: SearchSort, limit: usize, offset: usize| {
            let mut ask = request(mode, Filter::default(), &[]);
            (ask.sort, ask.ask.limit, ask.ask.offset, ask.matching) =
                (sort, limit, offset, sort == SearchSort::Relevance);
            ask.ask.explain = true;
            engine.search_with(query, &ask).expect("answered")
        };
        let by_relevance = of(SearchSort::Relevance, 500, 0);
        let ids = |answer: &Answer| answer.papers.iter().map(|h| h.paper.id.to_string()).collect::<Vec<_>>();
        for sort in [SearchSort::Newest, SearchSort::Votes] {
            let all = of(sort, 500, 0);
            let mut same = (ids(&all), ids(&by_relevance));
            same.0.sort();
            same.1.sort();
            assert_eq!(same.0, same.1, "{query} {sort:?}");
            assert_eq!((all.meta.total, matched(&all)), (all.papers.len(), all.papers.len()));
            let key = |h: &paperkin::engine::Hit| match sort {
                SearchSort::Votes => (h.paper.upvotes, h.paper.list_day()),
                _ => (None, h.paper.list_day()),
            };
            assert!(all.papers.windows(2).all(|w| key(&w[0]) >= key(&w[1])), "{query} {sort:?}");
            let pages: Vec<String> = (0..all.papers.len()).step_by(7).flat_map(|k| ids(&of(sort, 7, k))).collect();
            assert_eq!(pages, ids(&all), "{query} {sort:?}");
            for hit in &all.papers {
                let why = serde_json::to_value(&hit.why).expect("JSON");
                let parts = why["parts"].as_array().expect("parts");
                let sum: f64 = parts.iter().filter_map(|p| p["value"].as_f64()).sum();
                assert!((sum - f64::from(hit.score)).abs() < 1e-4, "{query}: {sum} is not {}", hit.score);
            }
        }
    }
    let mut ask = request(Mode::Hybrid, Filter::default(), &[]);
    (ask.sort, ask.ask.diversity) = (SearchSort::Newest, 0.5);
    assert!(engine.search_with("learning", &ask).is_err());
}

#[test]
fn pages_of_what_matches_are_the_whole_each_once() {
    let folder = Folder::new();
    // Papers that are alike in many ways, so that what the best have in common moves those further down.
    let mut lines = String::new();
    let mut state = 7u32;
    for k in 0..300 {
        let mut word = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("matter{}", (state >> 16) % 40)
        };
        let title = format!("A model of {} and {}", word(), word());
        let text: Vec<String> = (0..4 + k % 9).map(|_| word()).collect();
        let model = "model ".repeat(k % 4);
        let paper = json!({ "id": format!("m/{k}"), "title": title, "abstract": format!("{model}{}", text.join(" ")) });
        lines += &format!("{paper}\n");
    }
    folder.json(&["ingest", &folder.file("p.jsonl", lines)]);
    let server = Server::start(&folder);
    for query in ["q=model&mode=lexical", "q=model+matter3+matter7&mode=lexical", "q=model+matter3"] {
        let (mut seen, mut all) = (BTreeSet::new(), 0);
        let mut pages = 0;
        for offset in (0..300).step_by(10) {
            let body = server.get(&format!("/v1/search?{query}&matching=true&limit=10&offset={offset}")).body;
            all = body["meta"]["matched"]["papers"].as_u64().expect("a number") as usize;
            let page = hits(&body);
            pages += page.len();
            seen.extend(ids(page).into_iter().map(str::to_string));
        }
        assert_eq!((seen.len(), pages), (all, all), "{query}");
        assert!(query.ends_with("matter3") || all == 300, "{query}: {all}");
    }
}

#[test]
fn a_chosen_value_is_written_as_papers_write_it() {
    let (_folder, engine) = invented();
    let all = engine.search("learning", &SearchOptions { limit: 500, ..SearchOptions::default() }).expect("answered");
    let mut papers: BTreeMap<&String, usize> = BTreeMap::new();
    for author in all.papers.iter().flat_map(|hit| &hit.paper.authors) {
        *papers.entry(author).or_default() += 1;
    }
    // The last of those who have the fewest: not among the twelve of most papers.
    let (rare, _) = papers.iter().rev().min_by_key(|(_, n)| **n).expect("somebody");
    let filter = Filter { authors: vec![rare.to_uppercase()], ..Filter::default() };
    let answer = engine.search_with("", &request(Mode::Hybrid, filter, &[Facet::Author])).expect("answered");
    let facets = answer.meta.facets.expect("asked for");
    let shown = values(&facets, Facet::Author);
    assert_eq!((shown.len(), shown[..12].iter().all(|v| !v.chosen)), (13, true), "{shown:?}");
    assert_eq!((&shown[12].value, shown[12].count, shown[12].chosen), (*rare, papers[*rare], true));
}

#[test]
fn what_was_typed_can_be_insisted_on() {
    let (_folder, engine) = invented();
    let ask = |correct| SearchRequest { correct, ..request(Mode::Lexical, Filter::default(), &[Facet::Year]) };
    let corrected = engine.search_with("syndrmoe", &ask(true)).expect("answered");
    assert_eq!(corrected.meta.corrected[0].to, "syndrome");
    assert!(matched(&corrected) > 0 && corrected.papers.len() == matched(&corrected));
    let typed = engine.search_with("syndrmoe", &ask(false)).expect("answered");
    assert!(typed.meta.corrected.is_empty() && typed.papers.is_empty() && matched(&typed) == 0);
    let plain = SearchRequest { correct: false, ..SearchOptions::default().into() };
    assert!(engine.search_with("syndrmoe", &plain).expect("answered").meta.corrected.is_empty());
    // And the other way round, whatever was asked before.
    assert!(!engine.search_with("syndrmoe", &ask(true)).expect("answered").papers.is_empty());
}

#[test]
fn an_author_has_a_list_without_a_query() {
    let (_folder, engine) = invented();
    let all = engine.search_with("", &SearchRequest::default());
    assert!(all.is_err(), "nothing is asked for");
    let filter = Filter { authors: vec!["naveen kripalanka".into()], ..Filter::default() };
    let of = |sort| {
        let ask = SearchRequest { sort, ..request(Mode::Hybrid, filter.clone(), &ALL) };
        engine.search_with("  ", &ask).expect("answered")
    };
    let answer = of(SearchSort::Relevance);
    assert!(
        !answer.papers.is_empty()
            && answer.papers.iter().all(|h| h.paper.authors.contains(&"Naveen Kripalanka".into()))
    );
    assert_eq!(matched(&answer), answer.papers.len());
    assert_eq!(matched(&of(SearchSort::Votes)), answer.papers.len());
    let facets = answer.meta.facets.expect("asked for");
    let own = values(&facets, Facet::Author).iter().find(|v| v.chosen).expect("the chosen one is there");
    assert_eq!(own.count, answer.papers.len());
}

#[test]
fn suggestions_begin_as_what_was_typed() {
    let (_folder, engine) = invented();
    let suggest = |text: &str| engine.suggest(text, 8).expect("answered");
    let of = |all: &[Suggestion], kind| -> Vec<String> {
        all.iter().filter(|s| s.kind == kind).map(|s| s.value.clone()).collect()
    };
    for text in ["krip", "Naveen Krip", "naveen k", "KRIPALANKA"] {
        let authors = of(&suggest(text), SuggestionKind::Author);
        assert!(authors.contains(&"Naveen Kripalanka".into()), "{text}: {authors:?}");
    }
    let own = engine.suggest("kripalanka", 8).expect("answered").remove(0);
    let filter = Filter { authors: vec![own.value], ..Filter::default() };
    let by = engine.search_with("", &request(Mode::Hybrid, filter, &[])).expect("answered");
    assert_eq!(own.papers, Some(matched(&by)));
    let title = "Learning the noise of a logical qubit from its own syndrome record";
    for text in [
        "learning the noi",
        "Learning the noise of a logical qubit from its own syn",
        "syndrome rec",
        "logical qub",
        "logical qubit from",
        "noise of a logical qubit from its",
    ] {
        let titles = of(&suggest(text), SuggestionKind::Title);
        assert!(titles.contains(&title.into()), "{text}: {titles:?}");
    }
    assert_eq!(of(&suggest("learning the noi"), SuggestionKind::Title)[0], title);
    assert_eq!(of(&suggest("\u{201c}Learning: the noi"), SuggestionKind::Title)[0], title, "from the first letter on");
    assert_eq!(of(&suggest("quant-p"), SuggestionKind::Category), ["quant-ph"]);
    assert_eq!(of(&suggest("sr"), SuggestionKind::Category), ["astro-ph.SR"]);
    let theme = engine.themes(&Default::default()).expect("there are some").themes.remove(0);
    let themes: Vec<Suggestion> = suggest(&theme.name);
    let themes: Vec<&Suggestion> = themes.iter().filter(|s| s.kind == SuggestionKind::Theme).collect();
    assert!(themes.iter().any(|s| s.value == theme.name && s.id.is_some()), "{}: {themes:?}", theme.name);
    // Whatever is typed, there is an answer, and a short one.
    let long = "a b ".repeat(500);
    let hostile = [
        "",
        " ",
        "\u{202e}",
        "<script>alert(1)</script>",
        "\"",
        "'; DROP TABLE papers; --",
        "%",
        "*",
        "a",
        "..",
        "=x",
        ".k",
        "\u{0}",
        "\u{feff}\u{200b}",
        "((((((",
        "AND OR NOT",
        "深",
        "ａ",
        "🦀🦀",
        "author:\"",
        long.as_str(),
    ];
    for text in hostile {
        for limit in [1, 8, bounds::SUGGESTIONS] {
            let all = engine.suggest(text, limit).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert!(all.len() <= limit, "{text:?}: {all:?}");
        }
    }
    assert!(engine.suggest("x", 0).is_err() && engine.suggest("x", bounds::SUGGESTIONS + 1).is_err());
    assert!(engine.suggest(&"x".repeat(300_000), 8).is_err());
}

#[test]
fn a_title_that_begins_so_comes_before_those_of_more_votes() {
    let folder = Folder::new();
    let mut lines = String::new();
    for k in 0..90 {
        let title = format!("What {k} large herds of camels can carry");
        lines +=
            &format!("{}\n", json!({ "id": format!("c/{k}"), "title": title, "abstract": "x", "upvotes": 50 + k }));
    }
    let short = ["\"Can large\" camels swim?", "Canlargeous: a game", "Can large camels fly?"];
    for (k, title) in short.iter().enumerate() {
        let paper =
            json!({ "id": format!("q/{k}"), "title": title, "authors": ["Ann Author"], "abstract": "x", "upvotes": 1 });
        lines += &format!("{paper}\n");
    }
    folder.json(&["ingest", &folder.file("p.jsonl", lines)]);
    let server = Server::start(&folder);
    let body = server.get("/v1/suggest?limit=8&q=Can%20Large").body;
    let titles = body["suggestions"].as_array().expect("suggestions").iter().filter(|s| s["kind"] == "title");
    let found: Vec<&str> = titles.filter_map(|s| s["id"].as_str()).collect();
    let mut first = found[..2].to_vec();
    first.sort_unstable();
    assert_eq!(first, ["q/0", "q/2"], "{found:?}");
    assert!(found.len() > 2 && found[2..].iter().all(|id| id.starts_with("c/")), "{found:?}");
}

#[test]
fn searches_over_http_are_counted_and_say_what_is_wrong() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(60));
    folder.json(&["ingest", &file]);
    let server = Server::start(&folder);
    let get = |query: &str| {
        let reply = server.get(&format!("/v1/search?{query}"));
        assert_eq!(reply.status, 200, "{query}: {}", reply.body);
        reply.body
    };
    let body = get("q=%22topic3%22&mode=lexical&facets=year,category&facets=author&matching=true&limit=3");
    let count = papers(60).lines().filter(|line| line.contains("topic3")).count();
    assert_eq!(body["meta"]["matched"], json!({ "papers": count, "all": true }));
    assert_eq!(body["meta"]["total"], count);
    let facets = body["meta"]["facets"].as_object().expect("facets");
    assert_eq!(facets.keys().collect::<Vec<_>>(), ["year", "category", "author"]);
    assert_eq!(facets["year"], json!([{ "value": "2026", "count": count }]));
    let sum = |of: &Value| of.as_array().expect("values").iter().filter_map(|v| v["count"].as_u64()).sum::<u64>();
    assert_eq!(sum(&facets["category"]), count as u64);
    // One that is chosen stays among the others.
    let chosen = get("q=%22topic3%22&mode=lexical&facets=category,source&category=C.1&sort=votes");
    let values = chosen["meta"]["facets"]["category"].as_array().expect("values");
    assert_eq!(values.len(), 3);
    let own = values.iter().find(|v| v["chosen"] == true).expect("the chosen one");
    assert_eq!((&own["value"], &own["count"]), (&json!("c.1"), &chosen["meta"]["total"]));
    assert_eq!(chosen["meta"]["facets"]["source"], json!([{ "value": "by hand", "count": own["count"] }]));
    // The same in a body.
    let ask = json!({ "q": "\"topic3\"", "mode": "lexical", "facets": ["category", "source"], "sort": "votes", "filter": { "category": "C.1" } });
    let sent = server.post("/v1/search", &ask).body;
    assert_eq!((ids(hits(&sent)), &sent["meta"]["facets"]), (ids(hits(&chosen)), &chosen["meta"]["facets"]));
    // Conditions alone, by whatever calls.
    let listed = get("category=c.1&from=2026-06&facets=author");
    assert_eq!(listed["meta"]["matched"]["papers"], listed["meta"]["total"]);
    assert!(get("q=topic3&source=nobody&matching=true")["papers"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(get("q=topic3&source=by%20hand")["meta"]["total"], 60);
    let theme = server.get("/v1/themes").body["themes"][0].clone();
    let id = theme["id"].as_str().expect("an id");
    for path in ["/v1/search?q=number5&", "/v1/papers/p%2F3/similar?", "/v1/trending?window=3650d&"] {
        let reply = server.get(&format!("{path}theme={id}&limit=500"));
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        assert!(hits(&reply.body).len() as u64 <= theme["size"].as_u64().expect("a size"), "{path}");
        assert_eq!(server.get(&format!("{path}theme=t99999")).status, 404, "{path}");
    }
    for (query, status) in [
        ("q=x&facets=wat", 400),
        ("q=x&facets=year&facets=year&facets=year&facets=year&facets=year&facets=year", 422),
        ("q=x&facet=year", 400),
        ("q=x&sort=best", 400),
        ("q=x&sort=newest&diversity=0.5", 422),
        ("q=x&min_score=0.5&matching=true", 422),
        ("q=x&min_score=0.5&sort=votes", 422),
        ("q=x&min_score=0.5&facets=year", 422),
        ("q=x&matching=perhaps", 400),
        ("q=x&correct=2", 400),
        ("q=x&theme=t1%27", 404),
        ("", 422),
        ("q=%20&exclude=p/1", 422),
    ] {
        assert_eq!(error(&server.get(&format!("/v1/search?{query}"))).0, status, "{query}");
    }
    let reply = server.get("/v1/suggest?q=topi&limit=5");
    assert_eq!((reply.status, reply.body["suggestions"].as_array().map(Vec::len)), (200, Some(5)), "{}", reply.body);
    assert_eq!(server.get("/v1/suggest").body, json!({ "suggestions": [] }));
    for (query, status) in
        [("q=x&limit=0", 422), ("q=x&limit=51", 422), ("q=x&limit=x", 400), ("q=x&more=1", 400), ("q=x&q=y", 400)]
    {
        assert_eq!(error(&server.get(&format!("/v1/suggest?{query}"))).0, status, "{query}");
    }
    // And on the command line.
    drop(server);
    let ran = folder.run(&[
        "search",
        "topic3",
        "--mode",
        "lexical",
        "--facets",
        "year,category",
        "--sort",
        "newest",
        "-k",
        "2",
    ]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains("\nyear\n") && ran.out.contains("2026") && ran.err.contains(" match"),
        "{}{}",
        ran.out,
        ran.err
    );
    let lines = folder.json(&["search", "topic3", "--facets", "category", "-k", "2"]);
    assert!(lines.len() == 3 && lines[2]["facets"]["category"].is_array(), "{lines:?}");
    assert_eq!(folder.run(&["search", "x", "--facets", "wat"]).status, Some(2));
    // References have no place for counts, and what matches no least score.
    let refused = folder.run(&["search", "topic3", "--facets", "category", "--format", "bibtex"]);
    assert!(refused.status == Some(2) && refused.err.contains("--facets"), "{}", refused.err);
    let refused = folder.run(&["search", "topic3", "--matching", "--min-score", "0.5"]);
    assert!(refused.status == Some(2) && refused.err.contains("min_score"), "{}", refused.err);
}

fn hits(body: &Value) -> &[Value] {
    body["papers"].as_array().expect("papers")
}
