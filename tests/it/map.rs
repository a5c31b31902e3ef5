//! The map as it goes out: columns of bytes, the papers behind its points, and files, each read back by other means than it was
//! written.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::support::{Folder, Server, error};
use crate::themes::{filled, list, paper, text};

/// A paper that would like to be more than text.
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=\"alert(2)\"> & \u{202e}seeb {{script}}";

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

/// 150 papers of three fields, one with a hostile title and id, one without a date or category.
fn corpus() -> Vec<Value> {
    let mut papers: Vec<Value> = (0..150).map(|k| paper(k, 3)).collect();
    papers[7]["title"] = HOSTILE.into();
    papers[8]["id"] = "=1+1,\"x\"'<b>".into();
    papers[9].as_object_mut().expect("an object").retain(|name, _| name != "date" && name != "categories");
    papers
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
        assert_eq!(papers[at]["title"], paper["title"]);
        assert_eq!(papers[at].get("date"), paper.get("date"), "{id}");
        match paper.get("categories") {
            Some(categories) => assert_eq!(names[columns.category[at] as usize], categories[0], "{id}"),
            None => assert_eq!((columns.category[at], columns.day[at]), (u16::MAX, i32::MIN), "{id}"),
        }
    }
    let first = &sent[text(&papers[0], "id")];
    let day = jiff::civil::Date::strptime("%Y-%m-%d", text(first, "date")).expect("a date");
    assert_eq!(columns.day[0], (day - jiff::civil::date(1970, 1, 1)).get_days());
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
    assert!(by_accept.2 == plain && by_accept.1.get_all("vary").iter().any(|v| v == "accept"));
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
    for line in &lines {
        let k = known[&line[0]];
        for (column, name) in [(2, "x"), (3, "y")] {
            let value: f32 = line[column].parse().expect("a number");
            assert_eq!(Some(value), whole["points"][name][k].as_f64().map(|v| v as f32), "{}", &line[0]);
        }
        let theme = usize::try_from(whole["points"]["theme"][k].as_i64().expect("a number")).ok();
        let theme = theme.map_or(("", ""), |t| (text(&whole["themes"][t], "id"), text(&whole["themes"][t], "name")));
        assert_eq!((&line[1], &line[4]), theme);
    }
    assert_eq!(lines.iter().map(|line| &line[0]).collect::<Vec<_>>(), ids);
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
    assert!(titles.contains(HOSTILE));
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
