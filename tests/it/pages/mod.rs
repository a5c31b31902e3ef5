//! The pages in a real browser: read, searched, liked, filed, with and without scripts, by keyboard alone, on a phone, and looked at by
//! axe-core. What needs a browser or axe is not run where there is none, and says so loudly; `PAPERKIN_REQUIRE_CHROMIUM` makes that a
//! failure.

mod morning;
mod window;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use window::Window;

use crate::support::{Folder, Server};

/// Every page that has an address of its own and needs no reader, with the built-in corpus.
const PAGES: [&str; 12] = [
    "/",
    "/?span=month&sort=trending&look=lines&by=theme",
    "/search?q=river+ice",
    "/search",
    "/search?q=nothinglikethisword",
    "/themes",
    "/map",
    "/subscribe",
    "/reader",
    "/for-you",
    "/library",
    "/admin",
];

/// Those of a reader, who has a history.
const OF_READER: [&str; 8] =
    ["/?sort=me", "/for-you", "/for-you?by=interest", "/begin", "/questions", "/turned-down", "/library", "/reader"];

/// A service with the built-in corpus, or that of `PAPERKIN_PAGES_CORPUS`, whose themes are made.
fn demo(folder: &Folder) -> Server {
    let server = match std::env::var("PAPERKIN_PAGES_CORPUS") {
        Ok(file) => {
            assert_eq!(folder.run(&["ingest", &file]).status, Some(0));
            Server::start(folder)
        }
        Err(_) => Server::spawn(folder.command(&["demo", "--addr", "127.0.0.1:0"])),
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while server.get("/v1/themes").status != 200 {
        assert!(std::time::Instant::now() < until, "the themes were not made");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    server
}

/// The ids of some papers, those of most votes first.
fn ids(server: &Server, n: usize) -> Vec<String> {
    let listed = server.get(&format!("/v1/papers?sort=upvotes&limit={n}")).body;
    let papers = listed["papers"].as_array().expect("papers").iter();
    papers.map(|paper| paper["id"].as_str().expect("an id").to_string()).collect()
}

/// A reader who likes the first papers, and does not like the last.
fn with_history(server: &Server, reader: &str) {
    let ids = ids(server, 14);
    let events: Vec<Value> = ids
        .iter()
        .enumerate()
        .map(|(k, id)| (["like", "save", "dislike", "dismiss"][if k < 10 { k % 2 } else { 2 + k % 2 }], id))
        .map(|(kind, id)| json!({ "paper": id, "kind": kind }))
        .collect();
    let written = server.post(&format!("/v1/users/{reader}/events"), &json!({ "events": events }));
    assert_eq!(written.status, 200, "{}", written.body);
}

fn page_of(id: &str) -> String {
    format!("/paper/{}", paperkin::paper::percent::encoded(id))
}

#[test]
fn no_page_breaks_a_rule_for_who_cannot_see_or_point() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    with_history(&server, "ada");
    let paper = page_of(&ids(&server, 1)[0]);
    let theme = server.get("/v1/themes?level=0").body["themes"][0]["id"].as_str().expect("a theme").to_string();
    let theme = format!("/theme/{theme}");
    let mut faults = Vec::new();
    for dark in [false, true] {
        window.dark(dark);
        window.read_as("");
        let mut look = |path: &str, width: u32| {
            window.size(width, 900);
            window.go(path).wait_for("main h1");
            // The page may not be wider than the window.
            let wider = window.js("document.documentElement.scrollWidth > innerWidth + 1");
            assert_eq!(wider, Value::Bool(false), "{path} is wider than {width} pixels");
            let found = window.faults();
            faults.extend(found.into_iter().map(|fault| format!("{path} at {width}, dark {dark}: {fault}")));
        };
        let own = [paper.as_str(), theme.as_str(), "/paper/nothing", "/nothing"];
        for path in PAGES.iter().chain(&own) {
            look(path, 1280);
        }
        PAGES.iter().chain(&own[..1]).for_each(|path| look(path, 375));
        window.read_as("ada");
        OF_READER.iter().for_each(|path| look(path, 1280));
        OF_READER.iter().for_each(|path| look(path, 375));
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn pages_are_read_searched_and_turned_without_scripts() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    window.scripts(false);
    window.go("/").wait_for(".paper .title a");
    let first = window.texts(".paper .title a")[0].clone();
    window.click(".paper .title a");
    window.wait("location.pathname.startsWith('/paper/')");
    assert_eq!(window.texts("main h1")[0], first);
    assert!(window.count(".near .paper") >= 5);
    window.click("#q").types("river").key("Enter");
    window.wait("location.pathname === '/search'").wait_for(".paper mark");
    // A month has more than a page of papers.
    window.go("/?date=2026&span=year&sort=date").click("nav.after a[rel=next]");
    window.wait("new URLSearchParams(location.search).has('after')").wait_for(".paper .title a");
    // Who reads is asked; then a press of a button is kept.
    window.go("/?sort=votes").click(".paper .v.like");
    window.wait("location.pathname === '/reader'").click("input[name=name]").types("grace").key("Enter");
    window.wait("location.pathname === '/'").wait_for(".paper .v.like");
    let paper = window.text_of("document.querySelector('.paper').dataset.paper");
    let of_paper = |part: &str| format!(".paper[data-paper={}] {part}", json!(paper));
    // A button does what it says, and pressed once more takes that back.
    for (name, kinds) in [("like", ["like", "clear"]), ("save", ["save", "unsave"])] {
        let button = of_paper(&format!(".v.{name}"));
        for (kind, pressed) in kinds.into_iter().zip([true, false]) {
            window.click(&button).wait_for(&format!("{button}[aria-pressed={pressed}]"));
            let events = server.get("/v1/users/grace/events?limit=1").body;
            assert_eq!((&events["events"][0]["kind"], &events["events"][0]["paper"]), (&json!(kind), &json!(paper)));
        }
    }
    window.click(&of_paper(".v.dislike")).wait_for(".paper.folded");
    assert_eq!(server.get("/v1/users/grace/turned-down").body["meta"]["total"], 1);
    window
        .click(&of_paper(".fold button"))
        .wait("!document.querySelector('.paper.folded') && document.querySelector('.paper')");
    assert_eq!(server.get("/v1/users/grace/turned-down").body["meta"]["total"], 0);
    // How papers are shown is kept for the browser, and not what an address says.
    window.go("/?look=lines").wait_for(".papers.lines");
    window.go("/").wait_for(".papers:not(.lines)");
    window.click("button[name=look][value=lines]").wait_for(".papers.lines");
    window.go("/").wait_for(".papers.lines");
}

#[test]
fn as_much_is_seen_at_once_as_a_morning_needs() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    let seen = || {
        let whole = "[...document.querySelectorAll('.papers > .paper')].filter((p) => p.getBoundingClientRect().bottom <= innerHeight).length";
        window.js(whole).as_u64().expect("a number")
    };
    window.go("/?date=2026&span=year&look=cards").wait_for(".paper");
    assert!(seen() >= 5, "{} cards", seen());
    window.go("/?date=2026&span=year&look=lines").wait_for(".paper");
    assert!(seen() >= 12, "{} lines", seen());
    window.size(375, 720);
    window.go("/?date=2026&span=year&look=cards").wait_for(".paper");
    let begun = "[...document.querySelectorAll('.papers > .paper')].filter((p) => p.getBoundingClientRect().bottom <= innerHeight - 60).length";
    assert!(window.js(begun).as_u64().expect("a number") >= 2);
}

#[test]
fn a_page_is_small() {
    let folder = Folder::new();
    let server = demo(&folder);
    let html = server.text_of("GET", "/?date=2026&span=year", &[("accept", "text/html")], b"").1;
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(html.as_bytes()).expect("gzip");
    let size = packed.finish().expect("gzip").len();
    assert_eq!(html.matches("<li class=\"paper").count(), 50);
    assert!(size < 60_000, "{size} bytes");
    let scripts =
        html.split("web/").skip(1).filter_map(|rest| rest.split('"').next()).filter(|file| file.ends_with(".js"));
    let mut files: Vec<&str> = scripts.collect();
    files.sort_unstable();
    files.dedup();
    assert!(files.len() >= 4, "{files:?}");
    let all: usize = files.iter().map(|file| server.bytes_of(&format!("/web/{file}"), &[]).2.len()).sum();
    assert!(all < 60_000, "{all} bytes of scripts");
    // What has the version in its address is kept for good.
    let style = html
        .split("web/")
        .find_map(|rest| rest.split('"').next().filter(|file| file.ends_with(".css")))
        .expect("a style");
    let (status, headers, _) = server.bytes_of(&format!("/web/{style}"), &[]);
    assert_eq!(
        (status, headers["cache-control"].to_str().expect("text")),
        (200, "public, max-age=31536000, immutable")
    );
}

/// The pictures of the documentation, of the built-in corpus: `PAPERKIN_PICTURES=docs/images cargo test --release --test it -- --ignored
/// draw_the_pictures`.
#[test]
#[ignore = "writes files"]
fn draw_the_pictures() {
    let into = std::path::PathBuf::from(std::env::var_os("PAPERKIN_PICTURES").expect("a folder"));
    let folder = Folder { model: "default", ..Folder::new() };
    let server = demo(&folder);
    let window = Window::open(&server).expect("a browser");
    with_history(&server, "ada");
    let paper = page_of(&ids(&server, 1)[0]);
    const WIDE: (u32, u32) = (1280, 900);
    const PHONE: (u32, u32) = (375, 720);
    let of_all = "/?date=2026-08&span=month&sort=votes&look";
    let (cards, lines) = (format!("{of_all}=cards"), format!("{of_all}=lines"));
    let pages = [
        ("today-light", cards.as_str(), WIDE, false),
        ("today-dark", &cards, WIDE, true),
        ("today-phone", &cards, PHONE, false),
        ("lines-light", &lines, WIDE, false),
        ("paper-light", &paper, WIDE, false),
        ("search-light", "/search?q=learning", WIDE, false),
        ("for-you-light", "/for-you", WIDE, false),
        ("begin-light", "/begin", WIDE, false),
        ("map-dark", "/map", WIDE, true),
    ];
    for (name, path, (width, height), dark) in pages {
        // What the page before chose for the browser is forgotten.
        window.read_as("ada");
        window.size(width, height);
        window.dark(dark);
        window.go(path).wait_for("main h1");
        if path == "/map" {
            window.wait("document.querySelector('.map-legend li')");
        }
        std::thread::sleep(std::time::Duration::from_millis(600));
        std::fs::write(into.join(format!("{name}.png")), window.picture()).expect("written");
    }
}

#[test]
fn what_is_hostile_is_shown_as_text() {
    let folder = Folder::new();
    let bad = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">";
    let papers = [
        json!({ "id": bad, "title": bad, "abstract": format!("{bad} $\\operatorname{{{bad}}}$"), "authors": [bad, "\u{202e}desrever"], "date": "2026-08-20",
                "categories": [bad], "keywords": [bad], "venue": bad, "organization": bad, "url": "javascript:document.title='taken'", "submitted_by": bad, "upvotes": 3 }),
        json!({ "id": "long", "title": "W".repeat(4000), "abstract": "$".repeat(9000), "authors": ["A".repeat(1000)], "date": "2026-08-20" }),
        json!({ "id": "a/b:c?d#e%20", "title": "An id that needs care", "date": "2026-08-20" }),
    ];
    let lines: String = papers.iter().map(|paper| format!("{paper}\n")).collect();
    let file = folder.file("papers.jsonl", lines);
    assert_eq!(folder.run(&["ingest", &file]).status, Some(0));
    let server = Server::start(&folder);
    let Some(window) = Window::open(&server) else { return };
    window.read_as("<b>ada</b>");
    window.js("1");
    let encoded = paperkin::paper::percent::encoded;
    let paths = [
        "/".to_string(),
        "/?look=lines".to_string(),
        page_of(bad),
        page_of("long"),
        page_of("a/b:c?d#e%20"),
        format!("/search?q={}", encoded(bad)),
        format!("/search?q=x&author={}&category={}", encoded(bad), encoded(bad)),
        format!("/theme/{}", encoded(bad)),
        format!("/subscribe?query={}", encoded(bad)),
        format!("/{}", encoded(bad)),
    ];
    for path in paths {
        window.size(375, 720);
        window.go(&path).wait_for("main h1");
        assert_ne!(window.text_of("document.title"), "taken", "{path}");
        assert_eq!(window.count("main script, main img, main [onerror], a[href^='javascript']"), 0, "{path}");
        assert_eq!(window.js("document.documentElement.scrollWidth > innerWidth + 1"), Value::Bool(false), "{path}");
        window.size(1280, 900);
    }
    window.go(&page_of("a/b:c?d#e%20")).wait_for("main h1");
    assert_eq!(window.texts("main h1"), ["An id that needs care"]);
}

#[test]
fn what_is_not_there_yet_says_so_and_comes_by_itself() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let Some(window) = Window::open(&server) else { return };
    window.go("/").wait_for("main pre code");
    assert!(window.texts("main pre code")[0].contains("paperkin ingest"));
    for path in ["/search?q=x", "/themes", "/map", "/library", "/for-you"] {
        window.go(path).wait_for("main h1");
    }
    // Papers of which none has a day are there all the same.
    let paper = json!({ "id": "undated", "title": "A paper without a day" });
    assert_eq!(server.post("/v1/papers", &paper).status, 200);
    window.go("/").wait_for(".papers .paper");
    assert_eq!(window.texts(".papers .title"), ["A paper without a day"]);
    window.go("/no/such/page").wait_for("main h1");
    let (reply, html) = server.text_of("GET", "/no/such/page", &[("accept", "text/html")], b"");
    assert_eq!(reply.status, 404);
    assert!(html.contains("<main"), "{html}");
    // A program gets what programs get.
    assert_eq!(server.get("/no/such/page").body["error"]["code"], "not_found");
    let (reply, html) = server.text_of("GET", "/paper/none", &[("accept", "text/html")], b"");
    assert!(reply.status == 404 && html.contains("none"), "{html}");
}
