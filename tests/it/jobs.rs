//! What runs without being asked, and that a question never does such work: GET changes nothing.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use crate::services::smtp::Smtp;
use crate::subscriptions::{Links, with_mail};
use crate::support::{Folder, Reply, Server, error, paper, papers};

/// A service whose jobs run when they are asked to, and never by the clock.
fn served(folder: &Folder, jobs: &str) -> Server {
    Server::spawn(with_jobs(folder.command(&["serve", "--addr", "127.0.0.1:0"]), jobs))
}

fn with_jobs(mut command: Command, jobs: &str) -> Command {
    for name in ["MAIL", "MAINTENANCE", "THEMES", "INTERESTS", "READERSHIP", "WEBHOOKS"] {
        command.env(format!("PAPERKIN_JOBS_{name}"), jobs);
    }
    command
}

fn filled(n: usize) -> Folder {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(n));
    folder.json(&["ingest", &file]);
    folder
}

fn soon<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn job(server: &Server, name: &str) -> Value {
    let reply = server.get(&format!("/v1/jobs/{name}"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

/// Waits until a job has run so often, and does not run now.
fn ran(server: &Server, name: &str, runs: u64) -> Value {
    soon(&format!("{name} has run {runs} times"), || {
        let job = job(server, name);
        (job["runs"].as_u64() >= Some(runs) && job["running"] == false).then_some(job)
    })
}

/// Every table of the database, row by row.
fn tables(folder: &Folder) -> BTreeMap<String, Vec<Vec<Cell>>> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(folder.data().join("papers.sqlite"), flags).expect("opens");
    let mut names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("read");
    let names: Vec<String> = names.query_map([], |r| r.get(0)).expect("read").collect::<Result<_, _>>().expect("read");
    let rows = |name: &String| {
        let mut select = database.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1, 2")).or_else(|_| {
            // Of one column.
            database.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1"))
        });
        let select = select.as_mut().expect("read");
        let columns = select.column_count();
        let row = |r: &rusqlite::Row<'_>| (0..columns).map(|k| r.get(k)).collect::<Result<Vec<Cell>, _>>();
        select.query_map([], row).expect("read").collect::<Result<Vec<_>, _>>().expect("read")
    };
    names.iter().map(|name| (name.clone(), rows(name))).collect()
}

/// The paths of all GET operations, with what they need.
fn questions(server: &Server, token: &str, import: &str, of_mail: &Links, search: &str, webhook: &str) -> Vec<String> {
    let document = server.get("/openapi.json").body;
    let model = server.get("/v1/models").body["data"][0]["id"].as_str().expect("a model").to_string();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let Some(said) = item.get("get") else { continue };
        if let Some(link) = of_mail.of(path) {
            all.push(link);
            continue;
        }
        let id = match path {
            path if path.contains("/themes/") => "t1",
            path if path.contains("/searches/") => search,
            path if path.contains("/webhooks/") => webhook,
            path if path.contains("/models/") => &model,
            _ => "p%2F3",
        };
        let path = path.replace("{user}", "ada").replace("{import}", import).replace("{name}", "themes");
        let path = path.replace("{id}", id);
        let mut query = Vec::new();
        for parameter in said["parameters"].as_array().into_iter().flatten() {
            match (parameter["name"].as_str().expect("a name"), parameter["required"] == true) {
                _ if parameter["in"] == "path" => {}
                ("token", true) => query.push(format!("token={token}")),
                // Where it is not wanted it is worth asking for all the same.
                ("q", _) => query.push("q=topic3".to_string()),
                ("query", true) => query.push("query=topic3".to_string()),
                ("id", true) => query.push("id=p/3".to_string()),
                ("explain", _) => query.push("explain=true".to_string()),
                (other, true) => panic!("{path}: what is {other}?"),
                _ => {}
            }
        }
        all.push(format!("{path}?{}", query.join("&")));
    }
    let pages = [
        "/",
        "/search?q=topic3",
        "/paper/p%2F3",
        "/trending",
        "/for-you",
        "/begin",
        "/questions",
        "/turned-down",
        "/library",
    ];
    let further = ["/themes", "/theme/t1", "/map", "/subscribe", "/admin", "/reader", "/docs/", "/openapi.json"];
    all.extend(pages.into_iter().chain(further).map(String::from));
    all
}

#[test]
fn a_question_changes_nothing() {
    let folder = filled(300);
    let library = json!({ "text": "Krill that nobody has counted", "format": "titles", "embed_missing": true });
    let events = |papers: &[usize]| {
        let events: Vec<Value> = papers.iter().map(|k| json!({ "paper": format!("p/{k}"), "kind": "like" })).collect();
        json!({ "events": events })
    };
    // With all that asking used to find and write down: interests, themes, new papers, what others read. Once with jobs
    // that never run, and once with jobs that have done what there was to do.
    for (jobs, settled) in [("off", false), ("@yearly", true)] {
        let smtp = Smtp::start();
        let command = with_mail(folder.command(&["serve", "--addr", "127.0.0.1:0"]), &smtp);
        let server = Server::spawn(with_jobs(command, jobs));
        let more: Vec<Value> = (300..305).map(|k| paper(if settled { k + 5 } else { k })).collect();
        assert_eq!(server.post("/v1/papers", &json!({ "papers": more })).body["accepted"], 5);
        assert_eq!(server.post("/v1/users/ada/events", &events(&[0, 7, 14, 21, 3, 16, 29])).status, 200);
        let import = server.post("/v1/users/ada/history", &library).body["import"].as_str().expect("there").to_string();
        let token = server.post("/v1/users/ada/token", &json!({})).body["token"].as_str().expect("there").to_string();
        let id = |reply: Reply| reply.body["id"].as_str().unwrap_or_else(|| panic!("{}", reply.body)).to_string();
        let folder_of_ada = id(server.post("/v1/users/ada/folders", &json!({ "name": "Mine" })));
        let path = format!("/v1/users/ada/folders/{folder_of_ada}/papers/p%2F3");
        assert_eq!(server.request("PUT", &path, None, b"").status, 200);
        let note = json!({ "text": "Read it again." }).to_string();
        let written = server.request("PUT", "/v1/users/ada/notes/p%2F3", Some("application/json"), note.as_bytes());
        assert_eq!(written.status, 200, "{}", written.body);
        let search = id(server.post("/v1/users/ada/searches", &json!({ "query": "topic3" })));
        let hook = json!({ "url": "https://93.184.216.34/hook", "what": { "query": "no such words anywhere" } });
        let webhook = id(server.post("/v1/webhooks", &hook));
        let day = if settled { "2026-02-02" } else { "2026-01-01" };
        let of_mail = Links::made(&server, &smtp, day);
        if settled {
            for name in ["maintenance", "themes", "interests", "readership"] {
                let runs = job(&server, name)["runs"].as_u64().expect("a number");
                let asked = server.post(&format!("/v1/jobs/{name}/run"), &json!({}));
                assert_eq!(asked.status, 202, "{}", asked.body);
                ran(&server, name, runs + 1);
            }
            // Until what was set off by the writes has settled: nothing changes for longer than any job waits for more.
            let mut last = tables(&folder);
            let mut since = std::time::Instant::now();
            while since.elapsed() < Duration::from_millis(2500) {
                std::thread::sleep(Duration::from_millis(100));
                let now = tables(&folder);
                if now != last {
                    (last, since) = (now, std::time::Instant::now());
                }
            }
        }
        let (before, asked) = (tables(&folder), questions(&server, &token, &import, &of_mail, &search, &webhook));
        assert!(before.len() > 15 && asked.len() > 30, "{} tables, {} questions", before.len(), asked.len());
        for round in 0..2 {
            for path in &asked {
                // As ada, where a page asks who reads.
                let port = server.url.rsplit(':').next().expect("a port");
                let reader = format!("paperkin-choices-{port}=reader=ada");
                let reply = server.request_with("GET", path, &[("cookie", &reader)], b"");
                let known = [200, 303].contains(&reply.status) || !settled && reply.status == 409;
                assert!(known, "{path}: {} {}", reply.status, reply.body);
            }
            if round == 0 && !settled {
                // Nobody makes themes: that is said, and how to have them.
                assert!(error(&server.get("/v1/themes")).2.contains("POST /v1/themes/rebuild"));
            }
        }
        std::thread::sleep(Duration::from_millis(300));
        for (name, rows) in tables(&folder) {
            assert_eq!(rows, before[&name], "asking has changed the table {name} (jobs {jobs})");
        }
    }
}

#[test]
fn an_interest_that_was_told_can_be_edited_at_once_and_keeps_its_id() {
    let folder = filled(300);
    for jobs in ["off", "@yearly"] {
        let server = served(&folder, jobs);
        let interests = |user: &str| -> Vec<Value> {
            let reply = server.get(&format!("/v1/users/{user}/interests"));
            reply.body["interests"].as_array().unwrap_or_else(|| panic!("{}", reply.body)).clone()
        };
        for n in 0..8 {
            let user = format!("{}{n}", jobs.trim_start_matches('@'));
            let like = |k: usize| {
                let events = json!({ "events": [{ "paper": format!("p/{k}"), "kind": "like" }] });
                assert_eq!(server.post(&format!("/v1/users/{user}/events"), &events).status, 200);
            };
            (0..6).for_each(|k| like(n + 7 * k));
            let told = interests(&user);
            let id = told[0]["id"].as_str().expect("an id").to_string();
            // What comes between the two is no reason for another id.
            (0..4).for_each(|k| like(3 + n + 13 * k));
            let path = format!("/v1/users/{user}/interests/{id}");
            let patch = json!({ "name": "Mine", "pinned": true }).to_string();
            let patched = server.request("PATCH", &path, Some("application/json"), patch.as_bytes());
            assert_eq!(patched.status, 200, "{}", patched.body);
            let after = interests(&user);
            let own = after.iter().find(|i| i["id"] == *id).expect("it is there");
            assert_eq!((&own["name"], &own["pinned"]), (&json!("Mine"), &json!(true)));
            let papers = own["papers"].as_array().expect("papers");
            let before = told[0]["papers"].as_array().expect("papers");
            assert!(before.iter().any(|p| papers.contains(p)), "{own} was {}", told[0]);
        }
    }
}

#[test]
fn interests_are_kept_soon_after_what_made_them() {
    let folder = filled(100);
    let server = Server::start(&folder);
    let events = json!({ "events": [{ "paper": "p/1", "kind": "like" }, { "paper": "p/8", "kind": "like" }] });
    assert_eq!(server.post("/v1/users/ada/events", &events).status, 200);
    let kept = soon("they are in the store", || {
        let interests = tables(&folder).remove("interests").expect("a table");
        (!interests.is_empty()).then_some(interests)
    });
    let told = server.get("/v1/users/ada/interests").body;
    assert_eq!(told["interests"].as_array().map(Vec::len), Some(kept.len()));
    let job = ran(&server, "interests", 1);
    assert_eq!((&job["last"]["ok"], &job["last"]["why"]), (&json!(true), &json!("change")));
}

#[test]
fn themes_follow_new_papers_without_being_asked() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    assert_eq!(server.get("/v1/themes").body["meta"]["papers"], 0);
    let all: Vec<Value> = (0..120).map(paper).collect();
    assert_eq!(server.post("/v1/papers", &json!({ "papers": all })).body["accepted"], 120);
    let at_once = server.get("/v1/themes");
    assert_eq!((at_once.status, &at_once.body["meta"]["papers"]), (200, &json!(120)), "{}", at_once.body);
    assert_eq!(server.post("/v1/papers", &paper(200)).body["accepted"], 1);
    soon("the paper joins by itself", || (tables(&folder)["theme_papers"].len() == 121).then_some(()));
    assert_eq!(server.get("/v1/themes").body["meta"]["papers"], 121);
    // By hand, under the same lock.
    let rebuilt = server.post("/v1/themes/rebuild", &json!({}));
    assert_eq!((rebuilt.status, &rebuilt.body["papers"]), (200, &json!(121)), "{}", rebuilt.body);
    let job = job(&server, "themes");
    assert!(job["runs"].as_u64() >= Some(2) && job["failures"] == 0, "{job}");
    assert!(job["next"].is_string() && job["schedule"] == "*/30 * * * * *", "{job}");
}

#[test]
fn jobs_are_listed_run_by_hand_and_told_everywhere() {
    let folder = filled(50);
    let server = served(&folder, "@yearly");
    let list = server.get("/v1/jobs").body;
    let names: Vec<&str> = list["jobs"].as_array().expect("jobs").iter().filter_map(|j| j["name"].as_str()).collect();
    assert_eq!(names, ["interests", "mail", "maintenance", "readership", "themes", "webhooks"]);
    let runs = job(&server, "themes")["runs"].as_u64().expect("a number");
    let asked = server.post("/v1/jobs/themes/run", &json!({}));
    assert_eq!((asked.status, &asked.body["name"]), (202, &json!("themes")));
    let done = ran(&server, "themes", runs + 1);
    assert!(done["last"]["ok"] == true && done["last"]["did"].is_object(), "{done}");
    assert_eq!(error(&server.post("/v1/jobs/nothing/run", &json!({}))).0, 404);
    assert_eq!(error(&server.get("/v1/jobs/nothing")).2, "no job has the id \"nothing\"");
    // A form of another site cannot ask for it.
    let form = server.request("POST", "/v1/jobs/themes/run", Some("text/plain"), b"{}");
    assert_eq!(form.status, 415);
    let told = folder.json(&["info"]);
    let jobs = told[0]["jobs"].as_array().expect("jobs");
    assert!(jobs.iter().any(|j| j["name"] == "themes" && j["last"]["ok"] == true), "{jobs:?}");
    assert!(folder.run(&["info"]).out.contains("job          themes: last at 20"));
    let text = |path: &str| {
        let url = format!("{}{path}", server.url);
        ureq::get(&url).call().expect("answers").body_mut().read_to_string().expect("text")
    };
    let figures = text("/metrics");
    for line in ["paperkin_job_last_ok{job=\"themes\"} 1", "paperkin_job_runs_total{job=\"themes\"}"] {
        assert!(figures.contains(line), "{figures}");
    }
    // What ran is remembered where nobody serves; a command does no job.
    drop(server);
    let alone = folder.json(&["info"]);
    assert_eq!(alone[0]["jobs"].as_array().map(Vec::len), Some(6));
    let last =
        |told: &[Value]| told[0]["jobs"].as_array().expect("jobs").iter().find(|j| j["name"] == "themes").cloned();
    assert_eq!(last(&alone).expect("there")["last"], last(&told).expect("there")["last"]);
}

#[test]
fn a_schedule_that_never_comes_is_refused() {
    let folder = filled(3);
    let file = folder.file("s.toml", "[jobs]\nthemes = '0 0 31 2 *'\n");
    let ran = folder.run(&["--config", &file, "info"]);
    assert!(ran.status != Some(0) && ran.err.contains("no day ever meets it"), "{}", ran.err);
    let reply: Reply = Server::start(&folder).get("/v1/jobs");
    assert_eq!(reply.status, 200);
}

#[test]
fn a_service_with_jobs_under_way_stops_in_time() {
    let folder = filled(2500);
    let server = Server::start(&folder);
    assert_eq!(server.post("/v1/jobs/themes/run", &json!({})).status, 202);
    server.signal("TERM");
    let (mut server, began) = (server, Instant::now());
    let status = server.child.wait().expect("ends");
    assert!(status.success() && began.elapsed() < Duration::from_secs(6), "{status} after {:?}", began.elapsed());
    // And is not held up by what the one before did not finish.
    let server = Server::start(&folder);
    soon("themes are there", || (server.get("/v1/themes").status == 200).then_some(()));
}
