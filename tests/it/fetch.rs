//! Papers come in by themselves: `paperkin fetch`, `sources`, `init` and `serve`, against services on loopback.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::services::{self, Fault, Plays, Service};
use crate::support::{Folder, Server, ids};

/// A folder whose settings have these sources, and ask services of our own as fast as they answer.
fn folder(sources: &[(&str, &str, &str, &str)]) -> Folder {
    let folder = Folder::new();
    settings(&folder, "", sources);
    folder
}

/// Name, kind, address, and further lines.
fn settings(folder: &Folder, head: &str, sources: &[(&str, &str, &str, &str)]) {
    let mut text = format!(
        "{head}\n[fetch]\ncontact = \"someone@lab.example\"\npace = 0\njitter_s = 0\ntries = 1\ntimeout_s = 5\n"
    );
    for (name, kind, url, more) in sources {
        text += &format!("[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\n{more}\n");
    }
    std::fs::create_dir_all(folder.data()).expect("a folder");
    std::fs::write(folder.data().join("paperkin.toml"), text).expect("written");
}

const SPAN: [&str; 4] = ["--from", "2026-11-16", "--to", "2026-11-26"];

fn fetched(folder: &Folder, more: &[&str]) -> Value {
    folder.json(&[&["fetch"], more].concat()).remove(0)
}

fn counts(report: &Value) -> (u64, u64, u64) {
    let n = |name: &str| report[name].as_u64().expect("a number");
    (n("accepted"), n("updated"), n("unchanged"))
}

/// All papers, by id.
fn exported(folder: &Folder) -> Vec<Value> {
    let dir = folder.path(&format!("export-{:x}", fastrand()));
    let ran = folder.run(&["export", &dir.display().to_string()]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let text = std::fs::read_to_string(dir.join("papers.jsonl")).expect("read");
    let mut papers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    papers.sort_by_key(|paper| paper["id"].to_string());
    papers
}

/// A number that no other call of this process gives.
fn fastrand() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn from_of(service: &Service<impl Plays>) -> Vec<String> {
    service.taken().iter().map(|request| request.arg("from").to_string()).filter(|from| !from.is_empty()).collect()
}

#[test]
fn a_second_run_asks_only_for_what_is_new() {
    let oai = services::Oai::start(services::papers(300));
    let folder = folder(&[("mine", "arxiv", &oai.url(), "categories = [\"cs.LG\"]\nfrom = \"2026-11-01\"")]);
    let shown = folder.run(&["fetch", "--dry-run", "--limit", "2"]);
    assert_eq!((shown.status, shown.out.lines().count()), (Some(0), 2), "{}", shown.err);
    assert!(shown.out.contains("arxiv:2611.00001") && shown.err.contains("300 would be new"), "{}", shown.err);
    assert_eq!(folder.papers(), 0, "a dry run writes nothing");
    oai.taken();
    assert_eq!(counts(&fetched(&folder, &[])), (300, 0, 0));
    let requests = oai.taken();
    assert_eq!((requests.len(), requests[0].arg("from"), requests[0].arg("set")), (3, "2026-11-01", "cs:cs:LG"));
    assert!(requests.iter().all(|r| r.header("user-agent").contains("someone@lab.example")));
    // The day of the last record is asked for once more.
    assert_eq!(counts(&fetched(&folder, &[])).0, 0);
    assert_eq!(from_of(&oai), ["2026-11-25"]);
    // A new one and a changed one.
    oai.edit_paper(3, |paper| paper.change(services::TODAY));
    oai.edit(|s| s.papers().extend(services::papers(301).pop()));
    let report = fetched(&folder, &["mine"]);
    assert_eq!((counts(&report).0, counts(&report).1), (1, 1), "{report}");
    // With other categories it goes on from there.
    let other = [("mine", "arxiv", &*oai.url(), "categories = [\"stat.ML\"]\nfrom = \"2026-11-02\"")];
    settings(&folder, "", &other);
    oai.taken();
    assert_eq!(counts(&fetched(&folder, &[])).0, 0);
    assert_eq!(from_of(&oai), ["2026-11-26"]);
    // At another address it begins anew, and what it knows of the papers says that none is new.
    let moved = services::Oai::start(services::papers(301));
    settings(&folder, "", &[("mine", "arxiv", &*moved.url(), "from = \"2026-11-02\"")]);
    assert_eq!(counts(&fetched(&folder, &[])).0, 0);
    assert_eq!(from_of(&moved), ["2026-11-02"]);
    let source = folder.json(&["sources"]).remove(0);
    assert_eq!((&source["papers"], &source["runs"], &source["failures"]), (&json!(301), &json!(5), &json!(0)));
    assert_eq!(source["last"]["did"]["new"], 0);
    assert!(source["next"].as_str().is_some_and(|next| next.contains("06:00:00") || next.contains("T")), "{source}");
    let table = folder.run(&["sources"]);
    assert!(table.out.contains("301 papers") && table.out.contains("0 new, "), "{}", table.out);
}

#[test]
fn a_run_that_is_killed_goes_on_and_loses_nothing() {
    let oai = services::Oai::start(services::papers(1500));
    oai.edit(|s| s.page = 150);
    let folder = folder(&[("mine", "arxiv", &oai.url(), "from = \"2026-11-01\"")]);
    for stop_at in [4, 2] {
        // It stands still behind some pages, and is killed there.
        oai.suffers((0..stop_at).map(|_| None).chain([Some(Fault::Drips)]));
        let mut child = folder.command(&["fetch"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
        let began = Instant::now();
        while oai.requests().len() <= stop_at && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(300));
        child.kill().expect("killed");
        child.wait().expect("ended");
        oai.taken();
    }
    oai.suffers([]);
    assert!((1..1500).contains(&folder.papers()), "{}", folder.papers());
    fetched(&folder, &[]);
    let first = from_of(&oai);
    assert_ne!(first, ["2026-11-01"], "it went on where it had come to");
    assert_eq!(folder.papers(), 1500);
    let papers = exported(&folder);
    assert_eq!(papers.len(), 1500);
    assert_eq!(folder.json(&["sources"])[0]["papers"], 1500);
    assert_eq!(counts(&fetched(&folder, &[])).0, 0);
}

#[test]
fn three_sources_with_the_same_papers_have_one_of_each_in_any_order() {
    let n = 1000;
    let (arxiv, crossref) = (services::Oai::start(services::papers(n)), services::Crossref::start(services::papers(n)));
    let (openalex, daily) =
        (services::OpenAlex::start(services::papers(n)), services::DailyPapers::start(services::papers(n)));
    let sources = [
        ("one", "arxiv", arxiv.url(), ""),
        ("two", "crossref", crossref.url(), ""),
        ("three", "openalex", openalex.url(), ""),
        ("four", "daily-papers", daily.url(), ""),
    ];
    let sources: Vec<(&str, &str, &str, &str)> = sources.iter().map(|(n, k, u, m)| (*n, *k, u.as_str(), *m)).collect();
    let mut seen: Option<Vec<Value>> = None;
    for order in [["one", "two", "three", "four"], ["four", "three", "two", "one"], ["two", "four", "one", "three"]] {
        let folder = folder(&sources);
        fetched(&folder, &[&order[..], &SPAN].concat());
        let papers = exported(&folder);
        assert_eq!(papers.len(), n, "{order:?}");
        // Nothing flips back and forth.
        let again = fetched(&folder, &[&order[..], &SPAN].concat());
        assert_eq!(counts(&again), (0, 0, 4 * n as u64), "{order:?}");
        assert_eq!(exported(&folder), papers);
        match &seen {
            None => seen = Some(papers),
            Some(seen) => assert_eq!(seen, &papers, "{order:?}"),
        }
    }
    let paper = &seen.expect("papers")[4];
    assert_eq!(paper["id"], "arxiv:2611.00005");
    assert_eq!(paper["extra"]["doi"].as_str().map(str::to_lowercase).as_deref(), Some("10.99999/paper.5"));
    assert!(
        paper["upvotes"].is_number() && paper["organization"] == "A Publisher" && paper["categories"][0] == "cs.LG",
        "{paper}"
    );
}

#[test]
fn what_was_retracted_leaves_the_feeds_and_is_found() {
    let (arxiv, crossref) =
        (services::Oai::start(services::papers(40)), services::Crossref::start(services::papers(40)));
    let folder = folder(&[("a", "arxiv", &arxiv.url(), ""), ("c", "crossref", &crossref.url(), "")]);
    fetched(&folder, &SPAN);
    folder.file("list.txt", "arxiv:2611.00003\narxiv:2611.00011\n");
    let list = folder.path("list.txt").display().to_string();
    assert_eq!(folder.run(&["history", "import", "ada", &list, "--format", "ids"]).status, Some(0));
    let server = Server::start(&folder);
    let lists = |server: &Server| {
        let day = server.get("/v1/papers?sort=date&limit=100&date=2026-11-20").body["papers"].clone();
        let feed = server.get("/v1/users/ada/feed?limit=100").body["papers"].clone();
        let trending = server.get("/v1/trending?window=30d&limit=100").body["papers"].clone();
        let like = json!({ "like": ["arxiv:2611.00003"], "limit": 100 });
        let recommended = server.post("/v1/recommend", &like).body["papers"].clone();
        [day, feed, trending, recommended].map(|list| {
            list.as_array()
                .unwrap_or_else(|| panic!("{list}"))
                .iter()
                .map(|p| p["id"].as_str().expect("an id").to_string())
                .collect::<Vec<_>>()
        })
    };
    let before = lists(&server);
    let gone =
        before[0].iter().find(|id| before.iter().all(|list| list.contains(id))).expect("one on all lists").clone();
    let number: usize = gone.trim_start_matches("arxiv:2611.").parse().expect("a number");
    crossref.edit_paper(number - 1, |paper| {
        paper.retracted = true;
        paper.changed = services::TODAY;
    });
    let ran = folder.run(&[&["fetch", "c"], &SPAN[..]].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for (list, was) in lists(&server).iter().zip(&before) {
        assert!(was.contains(&gone) && !list.contains(&gone), "{list:?}");
    }
    let found = server.get(&format!("/v1/search?q=number{number}"));
    let found = found.body["papers"].as_array().expect("papers").clone();
    assert_eq!(ids(&found)[0], gone);
    assert_eq!(found[0]["extra"]["status"], "retracted");
}

#[test]
fn a_library_becomes_a_readers_history() {
    let zotero = services::Zotero::start(services::papers(12));
    let folder = folder(&[("library", "zotero", &zotero.url(), "library = \"users/12\"\nuser = \"ada\"")]);
    assert_eq!(counts(&fetched(&folder, &[])), (12, 0, 0));
    let server = Server::start(&folder);
    let events = server.get("/v1/users/ada/events").body;
    let events = events["events"].as_array().unwrap_or_else(|| panic!("{events}")).clone();
    assert_eq!(events.len(), 12);
    assert!(events.iter().all(|event| event["kind"] == "save"), "{}", events[0]);
    assert!(!server.get("/v1/users/ada/interests").body["interests"].as_array().expect("interests").is_empty());
}

#[test]
fn the_service_reads_its_sources_and_says_how_they_stand() {
    let (oai, feed) = (services::Oai::start(services::papers(50)), services::Feed::start(services::papers(5)));
    feed.suffers([Some(Fault::Status(503, "busy", None)), Some(Fault::Status(503, "busy", None))]);
    let folder = Folder::new();
    settings(
        &folder,
        "time_zone = \"Europe/Berlin\"",
        &[
            ("mine", "arxiv", &oai.url(), "from = \"2026-11-01\"\nschedule = \"*/1 * * * * *\""),
            ("journal", "feed", &format!("{}/rss", feed.url()), "schedule = \"30 7 * * *\""),
            ("never", "feed", "http://127.0.0.1:9/rss", "schedule = \"off\""),
        ],
    );
    let server = Server::start(&folder);
    let sources = || server.get("/v1/sources").body["sources"].as_array().expect("sources").clone();
    let until = |what: &str, is: &dyn Fn(&[Value]) -> bool| {
        let began = Instant::now();
        loop {
            let all = sources();
            if is(&all) {
                return all;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{what}: {all:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    // One goes on each second; the other was tried at once, failed, and says why.
    let all = until("runs", &|all| all[0]["runs"].as_u64() >= Some(2) && all[1]["error"].is_string());
    assert_eq!(
        all.iter().map(|s| s["name"].as_str().expect("a name")).collect::<Vec<_>>(),
        ["mine", "journal", "never"]
    );
    assert_eq!((&all[0]["papers"], &all[0]["error"], &all[0]["kind"]), (&json!(50), &Value::Null, &json!("arxiv")));
    let error = all[1]["error"].as_str().expect("words");
    assert!(error.contains("503") && error.contains("busy"), "{error}");
    assert!(
        all[1]["retry"].is_string()
            && all[1]["lag_s"].is_null()
            && all[2]["next"].is_null()
            && all[2]["last"].is_null()
    );
    // Half past seven in Berlin.
    let next = all[1]["next"].as_str().expect("a time");
    assert!(next.ends_with("T06:30:00Z") || next.ends_with("T05:30:00Z"), "{next}");
    // By hand.
    feed.suffers([]);
    let asked = server.post("/v1/sources/journal/run", &json!({}));
    assert_eq!((asked.status, &asked.body["name"]), (202, &json!("journal")));
    let all = until("the journal", &|all| all[1]["error"].is_null());
    assert!(
        all[1]["papers"].as_u64() > Some(0) && all[1]["lag_s"].as_u64() < Some(30) && all[1]["failures"] == 1,
        "{}",
        all[1]
    );
    assert_eq!(server.post("/v1/sources/nobody/run", &json!({})).status, 404);
    let jobs = server.get("/v1/jobs").body;
    assert!(jobs["jobs"].as_array().expect("jobs").iter().any(|job| job["name"] == "source:mine"));
    let metrics = ureq::get(format!("{}/metrics", server.url))
        .call()
        .expect("answers")
        .into_body()
        .read_to_string()
        .expect("text");
    for line in [
        "paperkin_source_papers{source=\"mine\"} 50",
        "paperkin_source_ok{source=\"journal\"} 1",
        "paperkin_source_lag_seconds{source=\"mine\"}",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    // A command on the folder is carried out by the service.
    let ran = folder.run(&["fetch", "mine"]);
    assert!(ran.status == Some(0) && ran.err.contains("0 new"), "{}", ran.err);
    assert!(folder.run(&["sources"]).out.contains("mine"));
}

#[test]
fn a_command_that_is_given_up_lets_go_of_its_source() {
    let oai = services::Oai::start(services::papers(100));
    oai.edit(|s| s.page = 10);
    let folder = folder(&[("mine", "arxiv", &oai.url(), "from = \"2026-11-01\"\nschedule = \"off\"")]);
    let server = Server::start(&folder);
    // It stands still at the third page, and whoever asked for it goes.
    oai.suffers([None, None, Some(Fault::Drips)]);
    let mut child = folder.command(&["fetch"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
    let began = Instant::now();
    while oai.requests().len() < 3 && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let running = || server.get("/v1/sources").body["sources"][0]["running"] == true;
    let began = Instant::now();
    while running() {
        assert!(began.elapsed() < Duration::from_secs(15), "the source is held by nobody");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(oai.requests().len() <= 3, "nobody asks on");
    oai.suffers([]);
    let ran = folder.run(&["fetch"]);
    assert_eq!((ran.status, folder.papers()), (Some(0), 100), "{}", ran.err);
}

#[test]
fn what_fails_is_said_and_what_others_gave_is_in() {
    let oai = services::Oai::start(services::papers(20));
    let folder = folder(&[
        ("mine", "arxiv", &oai.url(), "from = \"2026-11-01\""),
        ("gone", "feed", "http://127.0.0.1:9/rss", ""),
        ("secret", "openalex", "http://127.0.0.1:9", "key_env = \"NO_SUCH_KEY\""),
    ]);
    let ran = folder.run(&["fetch"]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("2 of 3 sources failed") && ran.err.contains("NO_SUCH_KEY"), "{}", ran.err);
    assert_eq!(folder.papers(), 20);
    let sources = folder.json(&["sources"]);
    assert!(sources[1]["error"].as_str().is_some_and(|e| e.contains("127.0.0.1")), "{}", sources[1]);
    for (args, word) in [
        (&["fetch", "dblp:x"][..], "no kind of source"),
        (&["fetch", "mine", "--from", "2026-12-01", "--to", "2026-11-01"], "turned round"),
        (&["fetch", "feed:"], "url"),
        (&["fetch", "--from", "soon"], "2026-11-26"),
    ] {
        let ran = folder.run(args);
        assert!(ran.status != Some(0) && ran.err.contains(word), "{args:?}: {}", ran.err);
    }
    let none = Folder::new().run(&["fetch"]);
    assert!(none.status == Some(1) && none.err.contains("paperkin init"), "{}", none.err);
}

#[test]
fn a_folder_is_watched_that_is_named_from_the_settings() {
    let folder = Folder::new();
    let inbox = folder.data().join("inbox");
    std::fs::create_dir_all(&inbox).expect("a folder");
    let source = "[[source]]\nname = \"inbox\"\nkind = \"files\"\npath = \"inbox\"\nschedule = \"off\"\n";
    std::fs::write(folder.data().join("paperkin.toml"), source).expect("written");
    let put = |name: &str, text: &str| {
        let path = inbox.join(name);
        std::fs::write(&path, text).expect("written");
        // One that was written just now may be written on.
        let then = std::time::SystemTime::now() - Duration::from_secs(3600);
        std::fs::File::options().write(true).open(&path).expect("opens").set_modified(then).expect("set");
    };
    put("a.bib", "@article{a, title = {On the tides of small seas}, doi = {10.1000/tides}}\n");
    put("b.csv", "title,doi\nOn the wool trade of old towns,10.1000/wool\n");
    let server = Server::start(&folder);
    assert_eq!(counts(&fetched(&folder, &["inbox"])), (2, 0, 0));
    put("c.ris", "TY  - JOUR\nTI  - On marmots in the high north\nDO  - 10.1000/marmot\nER  - \n");
    put("d.jsonl", "{broken\n");
    // Only the new ones are read.
    let report = fetched(&folder, &["inbox"]);
    assert_eq!((counts(&report), &report["rejected_total"]), ((1, 0, 0), &json!(1)), "{report}");
    let source = server.get("/v1/sources").body["sources"][0].clone();
    assert_eq!((&source["papers"], &source["last"]["did"]["rejected"]), (&json!(3), &json!(1)));
}

#[test]
fn five_answers_make_settings_that_fetch_reads() {
    let folder = Folder::new();
    let mut child = folder
        .command(&["init", "--contact", "someone@lab.example"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let answers = "cs.LG, protein design\narxiv, europe-pmc, https://journal.example/rss\n7:30\nno\nusers/1245\n";
    child.stdin.take().expect("stdin").write_all(answers.as_bytes()).expect("written");
    let ran = crate::support::Ran::from(child.wait_with_output().expect("ended"));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let sources = folder.json(&["sources"]);
    let names: Vec<&str> = sources.iter().map(|s| s["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["arxiv", "europe-pmc", "feed-1", "zotero"]);
    assert!(sources.iter().all(|s| s["schedule"] == "30 7 * * *" && s["next"].is_string()));
    // Settings that are there stay, unless somebody says so.
    let again = folder.run(&["init", "--yes"]);
    assert!(again.status == Some(1) && again.err.contains("--force"), "{}", again.err);
    assert_eq!(folder.run(&["init", "--yes", "--force", "--fields", "math"]).status, Some(0));
    assert_eq!(folder.json(&["sources"]).len(), 1);
    let wrong = folder.run(&["init", "--yes", "--force", "--schedule", "25:99"]);
    assert!(wrong.status == Some(1) && wrong.err.contains("25:99"), "{}", wrong.err);
    assert_eq!(folder.json(&["sources"]).len(), 1, "what was there is there");
}
