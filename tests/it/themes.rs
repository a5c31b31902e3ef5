//! Themes, through the binary: the list, one theme, the map, selections, what changes from run to run.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::support::{Folder, Server, error};

const FIELDS: [(&str, [&str; 8]); 3] = [
    ("bees", ["honey", "pollen", "hive", "queen", "nectar", "swarm", "drone", "comb"]),
    ("tides", ["ocean", "salt", "marsh", "moon", "current", "estuary", "shore", "wave"]),
    ("looms", ["weaving", "thread", "textile", "shuttle", "cotton", "pattern", "warp", "dye"]),
];

/// Paper `k`, of field `k % fields`.
pub fn paper(k: usize, fields: usize) -> Value {
    let (field, words) = &FIELDS[k % fields];
    let word = |j: usize| words[(k / fields * 3 + j * 5 + j * j) % 8];
    json!({
        "id": format!("{field}/{k}"), "title": format!("{} {} of {field}", word(0), word(1)),
        "abstract": format!("{field} with {} and {} near {} {} {field}. The {} {} matters to {field}, item{k}.", word(2), word(3), word(4), word(5), word(6), word(7)),
        "date": format!("2026-{:02}-{:02}", 1 + k % 9, 1 + k % 28), "upvotes": k % 17, "categories": [field],
        // Papers with the same beginning by nobody would be versions of one work.
        "authors": [format!("A. Name{k}")],
    })
}

pub fn lines(papers: impl IntoIterator<Item = Value>) -> String {
    papers.into_iter().map(|p| format!("{p}\n")).collect()
}

pub fn filled(papers: impl IntoIterator<Item = Value>) -> Folder {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", lines(papers));
    folder.json(&["ingest", &file]);
    folder
}

fn field(id: &str) -> &str {
    id.split('/').next().expect("a field")
}

pub fn list<'a>(body: &'a Value, name: &str) -> &'a Vec<Value> {
    body[name].as_array().unwrap_or_else(|| panic!("no list {name} in {body}"))
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

#[test]
fn the_corpus_is_told_by_theme() {
    let folder = filled((0..180).map(|k| paper(k, 3)));
    let server = Server::start(&folder);
    let all = server.get("/v1/themes").body;
    let themes = list(&all, "themes");
    let names: HashSet<String> = themes.iter().map(|t| text(t, "name").to_lowercase()).collect();
    assert_eq!(names.len(), themes.len(), "two themes have one name");
    let by_id: HashMap<&str, &Value> = themes.iter().map(|t| (text(t, "id"), t)).collect();
    assert_eq!(all["meta"]["papers"], 180);
    for theme in themes {
        assert!(theme["size"].as_u64().is_some_and(|n| n > 0) && !list(theme, "terms").is_empty(), "{theme}");
        assert!(theme["trend"]["direction"].is_string() && theme["trend"]["weeks"].is_array());
        match (theme["level"].as_u64(), theme["parent"].as_str()) {
            (Some(0), None) => {}
            (Some(l), Some(p)) => {
                assert_eq!(by_id[p]["level"], l - 1);
                assert!(list(by_id[p], "children").contains(&theme["id"]));
            }
            _ => panic!("{theme}"),
        }
        let children = list(theme, "children").iter().map(|c| by_id[c.as_str().expect("an id")]["size"].as_u64());
        if theme["level"] != 2 {
            assert_eq!(children.map(Option::unwrap_or_default).sum::<u64>(), theme["size"].as_u64().expect("a size"));
        }
    }
    for level in 0..3 {
        let some = server.get(&format!("/v1/themes?level={level}")).body;
        let expected: Vec<&Value> = themes.iter().filter(|t| t["level"] == level).collect();
        assert_eq!(list(&some, "themes").iter().collect::<Vec<_>>(), expected);
        assert!(!expected.is_empty());
    }
    let page = server.get("/v1/themes?level=1&limit=2&offset=1").body;
    assert_eq!(list(&page, "themes")[..], list(&server.get("/v1/themes?level=1").body, "themes")[1..3]);
    let sorted = server.get("/v1/themes?sort=trend").body;
    assert_eq!(list(&sorted, "themes").len(), themes.len());
    // Coarse themes hold papers of one field each, and say which.
    let coarse = server.get("/v1/themes?level=0").body;
    for theme in list(&coarse, "themes") {
        let one = server.get(&format!("/v1/themes/{}?limit=500", text(theme, "id"))).body;
        let papers = list(&one, "papers");
        assert_eq!(papers.len() as u64, theme["size"].as_u64().expect("a size"));
        let fields: HashSet<&str> = papers.iter().map(|p| field(text(p, "id"))).collect();
        assert_eq!(fields.len(), 1, "{fields:?} in {theme}");
    }
    // The same corpus gives the same themes.
    let again = filled((0..180).map(|k| paper(k, 3)));
    let strip = |themes: &[Value]| -> Vec<(String, Value)> {
        themes.iter().map(|t| (text(t, "name").to_string(), t["size"].clone())).collect()
    };
    assert_eq!(strip(&again.json(&["themes"])), strip(themes));
}

#[test]
fn one_theme_shows_its_papers_in_the_order_asked_for() {
    let folder = filled((0..120).map(|k| paper(k, 3)));
    let server = Server::start(&folder);
    let themes = server.get("/v1/themes?level=0").body;
    let id = text(&themes["themes"][0], "id").to_string();
    let page = |query: &str| server.get(&format!("/v1/themes/{id}?limit=20{query}")).body;
    let central = page("");
    let scores: Vec<f64> = list(&central, "papers").iter().map(|p| p["score"].as_f64().expect("a score")).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores.len() == 20);
    let newest = page("&sort=newest");
    assert!(list(&newest, "papers").iter().map(|p| text(p, "date")).is_sorted_by(|a, b| a >= b));
    let read = page("&sort=most_read");
    assert!(list(&read, "papers").iter().map(|p| p["upvotes"].as_u64()).is_sorted_by(|a, b| a >= b));
    assert_eq!(list(&page("&offset=5"), "papers")[0], list(&central, "papers")[5]);
    let first = text(&list(&central, "papers")[0], "id").to_string();
    let spring = page(&format!("&from=2026-03&to=2026-05&exclude={}", first.replace('/', "%2F")));
    let dates: Vec<&str> = list(&spring, "papers").iter().map(|p| text(p, "date")).collect();
    assert!(!dates.is_empty() && dates.iter().all(|d| ("2026-03-01".."2026-06").contains(d)), "{dates:?}");
    assert!(spring["meta"]["total"] == dates.len() && list(&spring, "papers").iter().all(|p| p["id"] != first));
    assert_eq!(page("&category=nothing")["meta"]["total"], 0);
    assert!(!list(&central, "subthemes").is_empty() && !list(&central, "related").is_empty());
    assert_eq!(central["history"][0]["kind"], "born");
    // A search within finds the words, and only papers of the theme.
    let own: HashSet<String> = list(&server.get(&format!("/v1/themes/{id}?limit=500")).body, "papers")
        .iter()
        .map(|p| text(p, "id").into())
        .collect();
    let first = list(&central, "papers")[7].clone();
    let query = format!("{} {}", text(&first, "title"), text(&first, "abstract")).replace(' ', "+");
    let found = page(&format!("&q={query}"));
    assert_eq!(list(&found, "papers")[0]["title"], first["title"]);
    assert!(list(&found, "papers").iter().all(|p| own.contains(text(p, "id"))));

    for (path, status) in [
        ("/v1/themes?level=x", 400),
        ("/v1/themes?level=3", 422),
        ("/v1/themes?level=-1", 422),
        ("/v1/themes?colour=red", 400),
        ("/v1/themes?limit=0", 422),
        ("/v1/themes?sort=name", 400),
        ("/v1/themes/t999999", 404),
        ("/v1/themes/12", 404),
        ("/v1/themes/nonsense", 404),
        (&format!("/v1/themes/{id}?sort=best"), 400),
        (&format!("/v1/themes/{id}?limit=0"), 422),
        (&format!("/v1/themes/{id}?from=2026&to=2025"), 422),
        (&format!("/v1/themes/{id}?limit=501"), 422),
        ("/v1/themes/map?zoom=9", 422),
        ("/v1/themes/map?left=0", 400),
        ("/v1/themes/map?left=1&right=0&bottom=0&top=1", 422),
        ("/v1/themes/map?limit=0", 422),
        ("/v1/themes/events?limit=0", 422),
    ] {
        assert_eq!(error(&server.get(path)).0, status, "{path}");
    }
    assert_eq!(error(&server.get("/v1/themes/t999999")).2, "no theme has the id \"t999999\"");
}

#[test]
fn the_map_holds_every_paper_once() {
    let folder = filled((0..150).map(|k| paper(k, 3)));
    let server = Server::start(&folder);
    let whole = server.get("/v1/themes/map?titles=true").body;
    let (points, bounds) = (&whole["points"], list(&whole["meta"], "bounds"));
    let ids: HashSet<&str> = list(points, "id").iter().map(|i| i.as_str().expect("an id")).collect();
    assert_eq!(ids.len(), 150);
    for name in ["x", "y", "theme", "title"] {
        assert_eq!(list(points, name).len(), 150, "{name}");
    }
    let number = |v: &Value| v.as_f64().expect("a number");
    for (k, name) in ["x", "y"].iter().enumerate() {
        let values: Vec<f64> = list(points, name).iter().map(number).collect();
        assert!(values.iter().all(|v| *v >= number(&bounds[k]) - 1e-3 && *v <= number(&bounds[k + 2]) + 1e-3));
    }
    // Pages put together are the whole; a region holds what lies in it.
    let mut paged: Vec<Value> = Vec::new();
    let mut offset = 0;
    loop {
        let page = server.get(&format!("/v1/themes/map?limit=40&offset={offset}")).body;
        paged.extend(list(&page["points"], "id").iter().cloned());
        match page["meta"]["next"].as_u64() {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert_eq!(&paged, list(points, "id"));
    let middle = number(&list(points, "x")[0]);
    let half = format!("/v1/themes/map?left=-1e6&right={middle}&bottom=-1e6&top=1e6");
    let expected = list(points, "x").iter().filter(|x| number(x) <= middle).count();
    let got = list(&server.get(&half).body["points"], "id").len();
    assert!(got.abs_diff(expected) <= 1, "{got} papers, {expected} expected");
    // Names do not cover each other at any zoom; nearer views show no fewer papers.
    let mut shown = 0;
    for zoom in 0..=6 {
        let view = server.get(&format!("/v1/themes/map?zoom={zoom}")).body;
        let total = view["meta"]["total"].as_u64().expect("a number");
        assert!(total >= shown);
        shown = total;
        let labels = list(&view, "labels");
        assert!(!labels.is_empty());
        for (k, a) in labels.iter().enumerate() {
            for b in &labels[..k] {
                let apart = |at: &str, side: &str| {
                    (number(&a[at]) - number(&b[at])).abs() > (number(&a[side]) + number(&b[side])) / 2.0 - 2e-3
                };
                assert!(apart("x", "width") || apart("y", "height"), "{a} covers {b} at zoom {zoom}");
            }
        }
    }
    assert_eq!(shown, 150);
}

#[test]
fn new_papers_join_at_once_and_ids_carry_on() {
    let folder = filled((0..240).map(|k| paper(k, 2)));
    let server = Server::start(&folder);
    let before = server.get("/v1/themes?level=0").body;
    let of = |server: &Server| -> HashMap<String, String> {
        let map = server.get("/v1/themes/map").body;
        let ids = list(&map["points"], "id").iter().map(|i| i.as_str().expect("an id").to_string());
        let themes = list(&map["points"], "theme").iter().map(|t| {
            let t = usize::try_from(t.as_i64().expect("a number")).ok();
            t.map_or_else(String::new, |t| text(&map["themes"][t], "id").to_string())
        });
        ids.zip(themes).collect()
    };
    let old = of(&server);
    // One more of each field, far fewer than a run is worth.
    let posted = server.post("/v1/papers", &json!({ "papers": [paper(240, 2), paper(241, 2)] }));
    assert_eq!(posted.body["accepted"], 2);
    let now = server.get("/v1/themes?level=0").body;
    assert_eq!(now["meta"]["papers"], 242);
    assert_eq!(now["meta"]["run"], before["meta"]["run"]);
    let new = of(&server);
    assert!(old.iter().all(|(id, theme)| new[id] == *theme));
    let root = |theme: &str| {
        let one = server.get(&format!("/v1/themes/{theme}")).body;
        one["path"].as_array().and_then(|p| p.first()).map_or_else(String::new, |p| text(p, "id").to_string())
    };
    for id in ["bees/240", "tides/241"] {
        assert!(!new[id].is_empty(), "{id} belongs nowhere");
        let like = old.iter().find(|(o, t)| field(o) == field(id) && !t.is_empty()).expect("one of its field");
        assert_eq!(root(&new[id]).is_empty(), root(like.1).is_empty());
    }
    // A third field arrives: a run makes a theme of it, and the others keep their ids and names.
    let third: Vec<Value> = (0..120).map(|k| paper(3 * k + 2, 3)).collect();
    assert_eq!(server.post("/v1/papers", &json!({ "papers": third })).body["accepted"], 120);
    let run = server.request("POST", "/v1/themes/rebuild", Some("application/json"), b"{}");
    assert_eq!(run.status, 200);
    let after = server.get("/v1/themes?level=0").body;
    assert!(after["meta"]["run"].as_u64() > before["meta"]["run"].as_u64());
    let names: HashMap<&str, &str> = list(&after, "themes").iter().map(|t| (text(t, "id"), text(t, "name"))).collect();
    for theme in list(&before, "themes") {
        assert_eq!(names.get(text(theme, "id")), Some(&text(theme, "name")), "{theme} did not carry on: {names:?}");
    }
    let looms = of(&server).into_iter().filter(|(id, t)| field(id) == "looms" && !t.is_empty()).count();
    assert!(looms > 100, "{looms} of 120 papers found a theme");
    let events = server.get("/v1/themes/events?limit=500").body;
    let told =
        |kind: &str| list(&events, "events").iter().any(|e| e["kind"] == kind && e["run"] == after["meta"]["run"]);
    assert!(told("born") || told("split"), "{events}");
    // A paper that is taken away is gone from themes and map.
    assert_eq!(server.delete("/v1/papers/bees%2F240").status, 204);
    assert!(!of(&server).contains_key("bees/240"));
    let sorted = |body: &Value| -> Vec<String> {
        let mut ids: Vec<String> = list(body, "themes").iter().map(|t| text(t, "id").to_string()).collect();
        ids.sort();
        ids
    };
    drop(server);
    // And all of it is there after a restart.
    let server = Server::start(&folder);
    let again = server.get("/v1/themes?level=0").body;
    assert_eq!(sorted(&again), sorted(&after));
    assert_eq!(
        (again["meta"]["run"].clone(), again["meta"]["papers"].as_u64()),
        (after["meta"]["run"].clone(), Some(361))
    );
}

#[test]
fn a_selection_is_grouped_by_itself() {
    let folder = filled((0..150).map(|k| paper(k, 3)));
    let server = Server::start(&folder);
    let chosen: Vec<Value> = (0..90).filter(|k| k % 3 != 2).map(|k| paper(k, 3)["id"].clone()).collect();
    let of = server.post("/v1/themes/of", &json!({ "papers": chosen }));
    assert_eq!((of.status, of.body["meta"]["papers"].as_u64()), (200, Some(60)));
    let coarse: Vec<&Value> = list(&of.body, "themes").iter().filter(|t| t["level"] == 0).collect();
    assert!(coarse.len() >= 2);
    let mut seen = list(&of.body, "unassigned").len();
    for theme in &coarse {
        let fields: HashSet<&str> = list(theme, "papers").iter().map(|id| field(id.as_str().expect("an id"))).collect();
        assert_eq!(fields.len(), 1, "{theme}");
        seen += list(theme, "papers").len();
    }
    assert_eq!(seen, 60);
    let filtered = server.post("/v1/themes/of", &json!({ "filter": { "category": ["tides"] } }));
    assert_eq!(filtered.body["meta"]["papers"], 50);
    let searched = server.post("/v1/themes/of", &json!({ "q": "honey bees", "limit": 30 }));
    assert_eq!(searched.body["meta"]["papers"], 30);
    let events: Vec<Value> = (0..40)
        .map(|k| json!({ "paper": paper(k, 3)["id"], "kind": if k == 3 { "dislike" } else { "like" }, "at": format!("2026-09-01T10:00:{k:02}Z") }))
        .collect();
    assert_eq!(server.post("/v1/users/ana/events", &json!({ "events": events })).status, 200);
    let history = server.post("/v1/themes/of", &json!({ "user": "ana" }));
    assert_eq!(history.body["meta"]["papers"], 39, "{}", history.body);
    assert_eq!(error(&server.post("/v1/themes/of", &json!({ "user": "nobody" }))).0, 404);
    for (body, status) in [
        (json!({}), 422),
        (json!({ "papers": [] }), 422),
        (json!({ "papers": ["nobody/1"] }), 404),
        (json!({ "papers": "bees/0" }), 400),
        (json!({ "topics": 3 }), 400),
        (json!({ "q": "honey", "limit": 0 }), 422),
        (json!({ "filter": { "colour": "red" } }), 400),
        (json!({ "filter": { "from": "2026-05", "to": "2026-01" } }), 422),
    ] {
        assert_eq!(error(&server.post("/v1/themes/of", &body)).0, status, "{body}");
    }
}

#[test]
fn hardly_any_papers_and_strange_ones_have_sensible_themes() {
    let empty = Folder::new();
    let server = Server::start(&empty);
    for path in ["/v1/themes", "/v1/themes?level=2", "/v1/themes/map", "/v1/themes/events"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    assert!(list(&server.get("/v1/themes").body, "themes").is_empty());
    assert_eq!(server.get("/v1/themes").body["meta"]["levels"], 3);

    let themes_of = |papers: Vec<Value>| {
        let folder = filled(papers);
        let server = Server::start(&folder);
        let map = server.get("/v1/themes/map").body;
        (server.get("/v1/themes").body, map)
    };
    let (one, map) = themes_of(vec![paper(0, 1)]);
    assert!(list(&one, "themes").is_empty() && one["meta"]["unassigned"] == 1);
    assert_eq!(list(&map["points"], "id").len(), 1);
    let (two, _) = themes_of(vec![paper(0, 1), paper(1, 1)]);
    assert_eq!(two["meta"]["papers"], 2);
    let (fifty, map) = themes_of((0..50).map(|k| paper(k, 2)).collect());
    let coarse = list(&fifty, "themes").iter().filter(|t| t["level"] == 0).count();
    assert!((2..=6).contains(&coarse), "{coarse} coarse themes of 50 papers");
    assert_eq!(list(&map["points"], "id").len(), 50);
    // One text by sixty people is one theme; sixty times by nobody it is one work.
    let copy = |k: usize| json!({ "id": format!("copy/{k}"), "title": "Honey of wild bees", "abstract": "The same each time." });
    let by = |k: usize| {
        let mut paper = copy(k);
        paper["authors"] = json!([format!("A. Name{k}")]);
        paper
    };
    let (same, _) = themes_of((0..60).map(by).collect());
    assert_eq!((list(&same, "themes").len(), same["themes"][0]["size"].as_u64()), (3, Some(60)));
    let (work, _) = themes_of((0..60).map(copy).collect());
    assert_eq!((list(&work, "themes").len(), work["meta"]["papers"].as_u64()), (0, Some(1)));
    // Titles alone are enough, and signs alone do no harm.
    let titles = (0..60).map(|k| json!({ "id": format!("t/{k}"), "title": paper(k, 2)["title"] }));
    let signs = (0..5).map(|k| json!({ "id": format!("s/{k}"), "title": "!".repeat(k + 1) }));
    let (titles, _) = themes_of(titles.chain(signs).collect());
    let themes = list(&titles, "themes");
    assert!(!themes.is_empty() && themes.iter().all(|t| !text(t, "name").is_empty()));
}

#[test]
fn a_killed_ingest_leaves_no_paper_without_a_place() {
    let folder = filled((0..900).map(|k| paper(k, 3)));
    folder.json(&["themes"]);
    let file = folder.file("more.jsonl", lines((900..980).map(|k| paper(k, 3))));
    let places = || {
        let server = Server::start(&folder);
        let map = server.get("/v1/themes/map").body;
        (list(&map["points"], "id").len() as u64, map["meta"]["run"].as_u64())
    };
    for wait in [20, 60, 100, 140, 180] {
        let mut child = folder
            .command(&["ingest", &file])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let _ = child.kill();
        let _ = child.wait();
        assert_eq!(places(), (folder.papers(), Some(1)));
    }
    folder.json(&["ingest", &file]);
    assert_eq!(places(), (980, Some(1)));
}

#[test]
fn themes_are_exported_with_their_ids_and_what_happened() {
    let folder = filled((0..180).map(|k| paper(k, 3)));
    folder.json(&["themes"]);
    // A field that is new splits, shifts and is born in the next run; three papers more only join.
    let file = folder.file("more.jsonl", lines((180..260).map(|k| paper(k, 2))));
    folder.json(&["ingest", &file]);
    folder.json(&["themes", "--rebuild"]);
    let file = folder.file("few.jsonl", lines((260..263).map(|k| paper(k, 3))));
    folder.json(&["ingest", &file]);
    let (out, second) = (folder.path("out").display().to_string(), folder.path("out2").display().to_string());
    folder.json(&["export", &out]);

    let other = Folder::new();
    other.json(&["import", &out]);
    other.json(&["export", &second]);
    for name in ["themes.jsonl", "theme_papers.jsonl", "theme_events.jsonl", "about.json"] {
        let read = |dir: &str| std::fs::read_to_string(format!("{dir}/{name}")).expect("there");
        assert_eq!(read(&out), read(&second), "{name}");
    }
    assert_eq!(folder.json(&["themes"]), other.json(&["themes"]));
    let told = |folder: &Folder| folder.json(&["themes", "--events", "-k", "500"]);
    assert!(told(&folder).len() > 3 && told(&folder) == told(&other));
    // The next run goes on from there, and gives no id a second time.
    let before: HashSet<String> = told(&other).iter().map(|e| text(e, "theme").to_string()).collect();
    let file = other.file("last.jsonl", lines((300..420).map(|k| paper(k, 3))));
    other.json(&["ingest", &file]);
    let after: HashSet<String> = other.json(&["themes"]).iter().map(|t| text(t, "id").to_string()).collect();
    assert!(after.intersection(&before).count() * 2 > after.len(), "{after:?} of {before:?}");

    // Where there are themes already they stay, and a broken line costs only itself.
    let path = format!("{out}/theme_papers.jsonl");
    let places = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, places.replacen('{', "[", 1)).expect("written");
    let third = Folder::new();
    let ran = third.run(&["import", &out]);
    assert!(ran.status == Some(0) && ran.err.contains("theme_papers.jsonl:1: rejected"), "{}", ran.err);
    assert_eq!(third.json(&["themes"]).len(), folder.json(&["themes"]).len());
    let kept = third.json(&["themes"]);
    let ran = third.run(&["import", &out]);
    assert!(ran.err.contains("has themes already"), "{}", ran.err);
    assert_eq!(third.json(&["themes"]), kept);
}

#[test]
fn an_export_with_strange_themes_costs_no_more_than_these() {
    let folder = filled((0..120).map(|k| paper(k, 3)));
    folder.json(&["themes"]);
    let out = folder.path("out");
    folder.json(&["export", &out.display().to_string()]);
    let change = |name: &str, from: &str, to: &str| {
        let before = std::fs::read_to_string(out.join(name)).expect("there");
        assert!(before.contains(from), "{name} has no {from}");
        std::fs::write(out.join(name), before.replacen(from, to, 1)).expect("written");
        before
    };
    for (name, from, to) in [
        ("theme_papers.jsonl", "\"theme\":\"t", "\"theme\":\"T"),
        ("theme_papers.jsonl", "\"x\":", "\"x\":1e300,\"was\":"),
        ("theme_events.jsonl", "\"theme\":\"t", "\"theme\":\"no "),
        ("themes.jsonl", "\"id\":\"t", "\"id\":\"t429496729"),
        ("themes.jsonl", "\"level\":0", "\"level\":7"),
        ("about.json", "\"next\": ", "\"next\": 429496729"),
        ("about.json", "\"resolutions\":", "\"unknown\":"),
    ] {
        let before = change(name, from, to);
        let other = Folder::new();
        let ran = other.run(&["import", &out.display().to_string()]);
        assert_eq!(ran.status, Some(0), "{to}: {}", ran.err);
        assert_eq!(other.papers(), 120);
        assert!(!other.json(&["themes", "--rebuild"]).is_empty(), "{to}");
        std::fs::write(out.join(name), before).expect("written");
    }
    std::fs::remove_file(out.join("themes.jsonl")).expect("removed");
    let other = Folder::new();
    let ran = other.run(&["import", &out.display().to_string()]);
    assert!(ran.status == Some(0) && ran.err.contains("are left out"), "{}", ran.err);
    assert!(!other.json(&["themes"]).is_empty());
}
