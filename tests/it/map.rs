//! The map as it goes out: columns of bytes, the papers behind its points, and files, each read back by other means than it was
//! written.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::support::{Folder, Server, error};
use crate::themes::{filled, list, paper, text};

/// A paper that would like to be more than text.
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=\"alert(2)\"> & \u{202e}seeb {{script}}";

/// What that is as a line of text, which the map has instead.
const HOSTILE_TEXT: &str = "</script><img src=x onerror=\"alert(2)\"> & seeb script";

/// A title with LaTeX and markup, and the same as a line of text.
const MARKED: (&str, &str) = (r"A bound of $\alpha_1$ on <i>Apis</i> \textbf{hives}", "A bound of α₁ on Apis hives");

/// An id that a spreadsheet would take for a formula, and a page for its own.
const FORMULA: &str = "=1+1,\"x\"'</script><script>{{script}}";

/// The binary form, taken apart by the description in docs/themes.md.
struct Columns {
    head: Value,
    x: Vec<f32>,
    y: Vec<f32>,
    theme: Vec<i32>,
    day: Vec<i32>,
    row: Vec<u32>,
    category: Vec<u16>,
}

impl Columns {
    fn read(bytes: &[u8]) -> Self {
        assert_eq!(&bytes[..8], b"pkmap\0\0\x01");
        let long = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let (h, n) = (long(8) as usize, long(12) as usize);
        assert!((16 + h).is_multiple_of(4) && bytes.len() == 16 + h + 22 * n);
        let column = |k: usize| (0..n).map(move |i| long(16 + h + 4 * (k * n + i)));
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        Columns {
            head: serde_json::from_slice(&bytes[16..16 + h]).expect("JSON"),
            x: column(0).map(f32::from_bits).collect(),
            y: column(1).map(f32::from_bits).collect(),
            theme: column(2).map(|x| x as i32).collect(),
            day: column(3).map(|x| x as i32).collect(),
            row: column(4).collect(),
            category: (0..n).map(|i| short(16 + h + 20 * n + 2 * i)).collect(),
        }
    }
}

/// 150 papers of three fields, one with a hostile title, one with a hostile id, one without a date or category, one with a title in
/// LaTeX and HTML.
fn corpus() -> Vec<Value> {
    let mut papers: Vec<Value> = (0..150).map(|k| paper(k, 3)).collect();
    papers[7]["title"] = HOSTILE.into();
    papers[8]["id"] = FORMULA.into();
    papers[10]["title"] = MARKED.0.into();
    papers[9].as_object_mut().expect("an object").retain(|name, _| name != "date" && name != "categories");
    papers
}

/// The title that the map has of a paper.
fn plain(paper: &Value) -> &str {
    match text(paper, "title") {
        HOSTILE => HOSTILE_TEXT,
        title if title == MARKED.0 => MARKED.1,
        title => title,
    }
}

/// The corpus with its themes made.
fn themed() -> Folder {
    let folder = filled(corpus());
    folder.json(&["themes"]);
    folder
}

#[test]
fn the_binary_map_is_the_json_map() {
    let folder = themed();
    let server = Server::start(&folder);
    let whole = server.get("/v1/themes/map?limit=50000").body;
    let (status, headers, bytes) = server.bytes_of("/v1/themes/map?format=binary", &[]);
    assert!(status == 200 && headers["content-type"] == "application/octet-stream");
    let columns = Columns::read(&bytes);
    let n = columns.x.len();
    assert_eq!(n, 150);
    assert_eq!(columns.head["bounds"], whole["meta"]["bounds"]);
    assert_eq!(columns.head["run"], whole["meta"]["run"]);
    for (theme, other) in list(&columns.head, "themes").iter().zip(list(&whole, "themes")) {
        for name in ["id", "name", "level", "parent", "size", "x", "y"] {
            assert_eq!(theme[name], other[name], "{name}");
        }
    }
    assert_eq!(list(&columns.head, "themes").len(), list(&whole, "themes").len());
    // Which paper each point is, is told by its number.
    let rows: Vec<String> = columns.row.iter().map(|row| format!("row={row}")).collect();
    let papers = server.get(&format!("/v1/themes/map/papers?{}", rows.join("&"))).body;
    let papers = list(&papers, "papers");
    assert_eq!(
        papers.iter().map(|p| p["row"].as_u64()).collect::<Vec<_>>(),
        columns.row.iter().map(|row| Some(u64::from(*row))).collect::<Vec<_>>()
    );
    let place: HashMap<&str, usize> = papers.iter().enumerate().map(|(k, p)| (text(p, "id"), k)).collect();
    let sent: HashMap<String, Value> = corpus().into_iter().map(|p| (text(&p, "id").to_string(), p)).collect();
    let names: Vec<&str> = list(&columns.head, "categories").iter().map(|c| c.as_str().expect("a name")).collect();
    assert_eq!(names.len(), 3);
    for (k, id) in list(&whole["points"], "id").iter().map(|id| id.as_str().expect("an id")).enumerate() {
        let at = place[id];
        let number = |name: &str| whole["points"][name][k].as_f64().expect("a number");
        assert_eq!((columns.x[at], columns.y[at]), (number("x") as f32, number("y") as f32), "{id}");
        assert_eq!(i64::from(columns.theme[at]), whole["points"]["theme"][k].as_i64().expect("a number"), "{id}");
        let paper = &sent[id];
        assert_eq!(papers[at]["title"], plain(paper));
        assert_eq!(papers[at].get("date"), paper.get("date"), "{id}");
        match paper.get("categories") {
            Some(categories) => assert_eq!(names[columns.category[at] as usize], categories[0], "{id}"),
            None => assert_eq!((columns.category[at], columns.day[at]), (u16::MAX, i32::MIN), "{id}"),
        }
    }
    let first = &sent[text(&papers[0], "id")];
    let day = jiff::civil::Date::strptime("%Y-%m-%d", text(first, "date")).expect("a date");
    assert_eq!(columns.day[0], (day - jiff::civil::date(1970, 1, 1)).get_days());
    // The JSON form says the same of titles.
    let titled = server.get("/v1/themes/map?limit=50000&titles=true").body;
    for (id, title) in list(&titled["points"], "id").iter().zip(list(&titled["points"], "title")) {
        assert_eq!(title, plain(&sent[id.as_str().expect("an id")]), "{id}");
    }
    // Each sample holds the one before and is as long as the JSON form says.
    let levels: Vec<u64> = list(&columns.head, "levels").iter().map(|l| l.as_u64().expect("a number")).collect();
    for (zoom, level) in levels.iter().enumerate() {
        assert_eq!(server.get(&format!("/v1/themes/map?zoom={zoom}&limit=1")).body["meta"]["total"], *level);
    }
    assert_eq!((levels.len(), levels.last()), (7, Some(&150)));
}

#[test]
fn the_binary_map_is_sent_once_and_follows_what_changes() {
    let folder = themed();
    let server = Server::start(&folder);
    let path = "/v1/themes/map?format=binary";
    let (_, headers, plain) = server.bytes_of(path, &[("accept-encoding", "identity")]);
    let tag = headers["etag"].to_str().expect("a tag").to_string();
    assert_eq!(headers["cache-control"], "private, no-cache");
    let (_, packed, again) = server.bytes_of(path, &[("accept-encoding", "gzip")]);
    // The client unpacks.
    assert!(packed["etag"] == tag && again == plain);
    let (status, kept, none) = server.bytes_of(path, &[("if-none-match", &tag)]);
    assert!(status == 304 && none.is_empty() && kept["etag"] == tag);
    let by_accept = server.bytes_of("/v1/themes/map", &[("accept", "application/octet-stream")]);
    assert!(by_accept.2 == plain);
    // Whoever keeps one of the answers to this address keeps no other for it, whatever it was.
    for (path, accept, tag, status) in [
        ("/v1/themes/map", "application/octet-stream", "\"none\"", 200),
        ("/v1/themes/map", "application/octet-stream", &tag, 304),
        ("/v1/themes/map", "application/json", "\"none\"", 200),
        ("/v1/themes/map?limit=0", "application/json", "\"none\"", 422),
    ] {
        let (answered, headers, _) = server.bytes_of(path, &[("accept", accept), ("if-none-match", tag)]);
        let varies: Vec<&str> = headers.get_all("vary").iter().filter_map(|v| v.to_str().ok()).collect();
        assert_eq!(answered, status, "{path} {accept}");
        assert!(varies.contains(&"accept") && varies.contains(&"accept-encoding"), "{path} {accept}: {varies:?}");
    }
    assert!(server.get("/v1/themes/map?format=json&limit=1").body["points"].is_object());
    // A category that changes under the same text, and a paper that goes.
    let changed = Value::Object(
        paper(0, 3)
            .as_object()
            .expect("an object")
            .clone()
            .into_iter()
            .chain([("categories".into(), json!(["new"]))])
            .collect(),
    );
    assert_eq!(server.post("/v1/papers", &changed).body["updated"], 1);
    let (_, headers, bytes) = server.bytes_of(path, &[("if-none-match", &tag)]);
    assert_ne!(headers["etag"], tag);
    assert!(list(&Columns::read(&bytes).head, "categories").contains(&json!("new")));
    assert_eq!(server.delete("/v1/papers/bees%2F3").status, 204);
    let after = Columns::read(&server.bytes_of(path, &[]).2);
    assert_eq!(after.row.len(), 149);
    let gone = Columns::read(&bytes).row.into_iter().find(|row| !after.row.contains(row)).expect("one went");
    assert!(list(&server.get(&format!("/v1/themes/map/papers?row={gone}")).body, "papers").is_empty());
    for (path, status) in [
        ("/v1/themes/map?format=png", 400),
        ("/v1/themes/map?format=binary&zoom=1", 400),
        ("/v1/themes/map/papers", 400),
        ("/v1/themes/map/papers?row=x", 400),
        ("/v1/themes/map/papers?row=-1", 400),
        ("/v1/themes/map/papers?row=1&q=bees", 400),
        ("/v1/themes/map/papers?row=1&limit=3", 400),
        ("/v1/themes/map/papers?id=bees/0&q=bees", 400),
        ("/v1/themes/map/papers?id=bees/0&row=1", 400),
        ("/v1/themes/map/papers?id=bees/0&limit=3", 400),
        (&format!("/v1/themes/map/papers?{}", "id=a&".repeat(1_001)), 422),
        ("/v1/themes/map/papers?q=bees&limit=0", 422),
        ("/v1/themes/map/papers?q=bees&limit=5001", 422),
        (&format!("/v1/themes/map/papers?{}", "row=1&".repeat(1_001)), 422),
    ] {
        assert_eq!(error(&server.get(path)).0, status, "{path}");
    }
}

#[test]
fn a_search_finds_points() {
    let folder = themed();
    let server = Server::start(&folder);
    let found = server.get("/v1/themes/map/papers?q=shuttle+cotton+weaving&limit=20").body;
    let papers = list(&found, "papers");
    assert_eq!(papers.len(), 20);
    assert!(papers.iter().filter(|p| text(p, "id").starts_with("looms/")).count() > 10, "{found}");
    let columns = Columns::read(&server.bytes_of("/v1/themes/map?format=binary", &[]).2);
    assert!(papers.iter().all(|p| columns.row.iter().any(|row| p["row"] == *row)));
    // By their ids, in the order asked for.
    let named = server.get("/v1/themes/map/papers?id=tides/10&id=nobody&id=bees/0").body;
    let named: Vec<&str> = list(&named, "papers").iter().flat_map(|p| [text(p, "id"), text(p, "title")]).collect();
    assert_eq!(named, ["tides/10", MARKED.1, "bees/0", text(&corpus()[0], "title")]);
}

#[test]
fn an_empty_corpus_has_an_empty_map() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let columns = Columns::read(&server.bytes_of("/v1/themes/map?format=binary", &[]).2);
    assert!(columns.x.is_empty() && list(&columns.head, "themes").is_empty());
}

/// Writes a file with `themes`, and gives its bytes.
fn written(folder: &Folder, option: &str, name: &str) -> Vec<u8> {
    let path = folder.path(name).display().to_string();
    let ran = folder.run(&["themes", option, &path]);
    assert_eq!(ran.status, Some(0), "{option} {name}: {}", ran.err);
    std::fs::read(&path).expect("written")
}

#[test]
fn places_and_vectors_are_read_back() {
    let folder = filled(corpus());
    let table = written(&folder, "--points", "map.csv");
    let vectors = written(&folder, "--vectors", "map.npy");
    let ids = std::fs::read_to_string(folder.path("map.ids.txt")).expect("written");
    let ids: Vec<&str> = ids.lines().collect();
    let server = Server::start(&folder);
    let whole = server.get("/v1/themes/map?limit=50000").body;
    let known: HashMap<&str, usize> =
        list(&whole["points"], "id").iter().enumerate().map(|(k, id)| (id.as_str().expect("an id"), k)).collect();
    let mut lines = csv::Reader::from_reader(&table[..]);
    assert_eq!(lines.headers().expect("a head"), vec!["paper", "theme", "x", "y", "theme_name"]);
    let lines: Vec<csv::StringRecord> = lines.records().map(|line| line.expect("a line")).collect();
    assert_eq!(lines.len(), 150);
    for (line, id) in lines.iter().zip(&ids) {
        // What a spreadsheet would take for a formula is told apart; beside the vectors it stands as it is.
        assert_eq!(&line[0], if *id == FORMULA { format!("'{id}") } else { id.to_string() });
        let k = known[id];
        for (column, name) in [(2, "x"), (3, "y")] {
            let value: f32 = line[column].parse().expect("a number");
            assert_eq!(Some(value), whole["points"][name][k].as_f64().map(|v| v as f32), "{}", &line[0]);
        }
        let theme = usize::try_from(whole["points"]["theme"][k].as_i64().expect("a number")).ok();
        let theme = theme.map_or(("", ""), |t| (text(&whole["themes"][t], "id"), text(&whole["themes"][t], "name")));
        assert_eq!((&line[1], &line[4]), theme);
    }
    assert!(ids.len() == 150 && ids.contains(&FORMULA));
    // The array: a head of Python, then the numbers, each row of unit length and the vector that is stored.
    assert_eq!(&vectors[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([vectors[8], vectors[9]]));
    let head = std::str::from_utf8(&vectors[10..10 + length]).expect("text");
    assert!((10 + length).is_multiple_of(64) && head.ends_with('\n'), "{head:?}");
    assert!(head.contains("'descr': '<f4'") && head.contains("'fortran_order': False"), "{head}");
    let numbers: Vec<f32> =
        vectors[10 + length..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let dimension = numbers.len() / 150;
    assert!(head.contains(&format!("'shape': (150, {dimension})")) && numbers.len() == 150 * dimension, "{head}");
    for k in 0..150 {
        let row = &numbers[k * dimension..(k + 1) * dimension];
        let square: f32 = row.iter().map(|x| x * x).sum();
        assert!((square - 1.0).abs() < 1e-3, "{}: {square}", ids[k]);
    }
    // Two papers of one field are nearer to each other than those of two.
    let dot = |a: usize, b: usize| -> f32 {
        (0..dimension).map(|k| numbers[a * dimension + k] * numbers[b * dimension + k]).sum()
    };
    let at = |id: &str| ids.iter().position(|known| *known == id).expect("there");
    assert!(dot(at("bees/0"), at("bees/24")) > dot(at("bees/0"), at("tides/1")));
    // Each is what the store holds for that paper, which an export writes out in words.
    drop(server);
    let out = folder.path("out");
    assert_eq!(folder.run(&["export", out.to_str().expect("UTF-8")]).status, Some(0));
    let stored = std::fs::read_to_string(out.join("vectors.jsonl")).expect("written");
    let mut compared = 0;
    for line in stored.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let (k, vector) = (at(text(&line, "id")), list(&line, "vector"));
        assert_eq!(vector.len(), dimension);
        for (j, x) in vector.iter().enumerate() {
            let (stored, written) = (x.as_f64().expect("a number"), numbers[k * dimension + j]);
            assert!((stored - f64::from(written)).abs() < 1e-6, "{}: {written}, not {stored}", ids[k]);
        }
        compared += 1;
    }
    assert_eq!(compared, 150);
}

#[test]
fn options_that_say_nothing_together_are_refused() {
    let folder = filled(corpus());
    let file = folder.path("map.svg").display().to_string();
    let points = folder.path("map.csv").display().to_string();
    for (args, said) in [
        (vec!["t1", "--map", &file], "cannot be used with"),
        (vec!["--map", &file, "--level", "1"], "cannot be used with"),
        (vec!["--points", &points, "--level", "1"], "cannot be used with"),
        (vec!["--events", "--level", "1"], "cannot be used with"),
        (vec!["t1", "--level", "1"], "cannot be used with"),
        (vec!["t1", "--search", "pollen", "--sort", "newest"], "cannot be used with"),
        (vec!["--map", &file, "-k", "3"], "--limit is how many papers"),
        (vec!["--about", "3", "--limit", "3"], "--limit is how many papers"),
        (vec!["--map", &file, "--from", "2026-01"], "name one"),
    ] {
        let ran = folder.run(&[vec!["themes"], args.clone()].concat());
        assert!(ran.status == Some(2) && ran.err.contains(said), "{args:?}: {:?} {}", ran.status, ran.err);
    }
    assert!(!folder.path("map.svg").exists() && !folder.path("map.csv").exists());
    // As JSON the command says what it wrote where, whatever case an ending is in.
    let (picture, vectors) = (folder.path("MAP.SVG").display().to_string(), folder.path("v.npy").display().to_string());
    let told = folder.json(&["themes", "--map", &picture, "--points", &points, "--vectors", &vectors]);
    let ids = folder.path("v.ids.txt").display().to_string();
    assert_eq!(told, [json!({ "papers": 150, "map": picture, "points": points, "vectors": vectors, "ids": ids })]);
    for file in [picture, points, vectors, ids] {
        assert!(std::path::Path::new(&file).exists(), "{file}");
    }
}

#[test]
fn the_picture_is_drawn() {
    let folder = filled(corpus());
    let svg = String::from_utf8(written(&folder, "--map", "map.svg")).expect("text");
    assert!(svg.contains("Map of 150 papers") && svg.contains("<text"));
    let png = written(&folder, "--map", "map.png");
    let picture = tiny_skia::Pixmap::decode_png(&png).expect("a picture");
    let side = |name: &str| -> f32 {
        let rest = svg.split(&format!(" {name}=\"")).nth(1).expect("a side");
        rest.split('"').next().and_then(|n| n.parse().ok()).expect("a number")
    };
    assert!((picture.width() as f32 - 2.0 * side("width")).abs() <= 3.0, "{} of {svg:.200}", picture.width());
    assert!((picture.height() as f32 - 2.0 * side("height")).abs() <= 3.0);
    let colours: Vec<[u8; 3]> = picture.pixels().iter().map(|p| [p.red(), p.green(), p.blue()]).collect();
    let white = colours.iter().filter(|c| **c == [255; 3]).count();
    let coloured = colours.iter().filter(|[r, g, b]| r.abs_diff(*g).max(g.abs_diff(*b)) > 40).count();
    let dark = colours.iter().filter(|c| c.iter().all(|x| *x < 60)).count();
    assert!(white > colours.len() / 2, "it has a ground");
    assert!(coloured > 500, "{coloured} pixels of dots");
    assert!(dark > 300, "{dark} pixels of names");
    for (option, name) in [("--map", "map.gif"), ("--points", "map.tsv"), ("--vectors", "map.parquet")] {
        assert_eq!(folder.run(&["themes", option, name]).status, Some(2), "{name}");
    }
    assert_eq!(folder.run(&["themes", "t1", "--points", "map.csv"]).status, Some(2));
}

#[test]
fn titles_are_text_in_the_page() {
    let folder = filled(corpus());
    let page = String::from_utf8(written(&folder, "--map", "map.html")).expect("text");
    assert!(page.contains("<title>Map of 150 papers</title>") && !page.contains("{{title}}"));
    // The scripts are the three of the page, whatever the titles say.
    assert_eq!(page.matches("<script").count(), 3, "a title began a script");
    assert_eq!(page.matches("</script>").count(), 3, "a title ended one");
    assert!(!page.contains("<img"), "a title became a picture");
    let between = |from: &str| {
        let rest = page.split(from).nth(1).unwrap_or_else(|| panic!("no {from}"));
        rest.split("</script>").next().expect("a beginning").to_string()
    };
    let papers: Value =
        serde_json::from_str(&between("<script id=\"papers\" type=\"application/json\">")).expect("JSON");
    let titles: HashSet<&str> = list(&papers, "title").iter().map(|t| t.as_str().expect("a title")).collect();
    assert!(titles.contains(HOSTILE_TEXT) && titles.contains(MARKED.1));
    assert!(list(&papers, "id").contains(&json!(FORMULA)));
    use base64::Engine as _;
    let text = between("<script id=\"columns\" type=\"text/plain\">");
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    let columns = Columns::read(&bytes);
    assert_eq!(
        list(&papers, "row").iter().map(|r| r.as_u64()).collect::<Vec<_>>(),
        columns.row.iter().map(|row| Some(u64::from(*row))).collect::<Vec<_>>()
    );
    // One file: nothing is loaded from anywhere.
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("import "));
}
