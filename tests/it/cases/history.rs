//! Cases of history.

use serde_json::{Value, json};

use super::input;
use crate::support::{Folder, Server};

/// The entries that a template gives, told apart by their number.
fn library(n: usize) -> String {
    let template = std::fs::read_to_string(input("large-library", "template.bib")).expect("a template");
    (0..n).map(|k| template.replace("{n}", &k.to_string())).collect()
}

#[test]
fn a_title_alone_is_no_match_where_something_speaks_against_it() {
    let folder = Folder::new();
    let papers = std::fs::read_to_string(input("same-title-other-work", "papers.jsonl")).expect("papers");
    let further = [
        json!({ "id": "arxiv:2305.99001", "title": "Tidal heating in résonant chains of exomoons", "authors": ["Ana Rees"], "date": "2023-05-02" }),
        json!({ "id": "doi:10.1000/kelp.1", "title": "Kelp forests under a warming sky", "authors": ["Kim Oort"], "date": "2019-03-01" }),
        json!({ "id": "arxiv:2101.99001", "title": "How the lark learned its first song", "authors": ["Lea Vogel"], "date": "2021-01-05" }),
        json!({ "id": "survey", "title": "Sparse attention: a survey", "authors": ["Mo Dahl"], "date": "2022-01-05" }),
    ];
    let further: Vec<String> = further.iter().map(Value::to_string).collect();
    let file = folder.file("p.jsonl", format!("{}\n{}\n", papers.trim_end(), further.join("\n")));
    folder.json(&["ingest", &file]);
    let list = std::fs::read_to_string(input("same-title-other-work", "library.bib")).expect("a list");
    let file = folder.file("library.bib", &list);
    let done = &folder.json(&["history", "import", "ada", &file])[0];
    assert_eq!(
        (&done["matched"], &done["missing"]),
        (&json!([]), &json!(["Deep learning: a survey of methods", "Introduction to the special issue"]))
    );
    assert_eq!((&done["total"], &done["accepted"]), (&json!(2), &json!(0)));
    for (entry, paper) in [
        // The article of a preprint, a year later, is the same work.
        (
            "title={Tidal heating in r{\\'e}sonant chains of exomoons},author={Rees, A.},year=2024,doi={10.1000/t.1}",
            Some("arxiv:2305.99001"),
        ),
        // Author and year differ, or both have a DOI of their own.
        ("title={Kelp forests under a warming sky},author={Otto Old},year=1990", None),
        ("title={Kelp forests under a warming sky},author={Kim Oort},year=2019,doi={10.1000/other}", None),
        ("title={Kelp forests under a warming sky},author={Oort, K.},year=2020", Some("doi:10.1000/kelp.1")),
        ("title={Kelp forests under a warming sky}", Some("doi:10.1000/kelp.1")),
        // Another arXiv id is another work.
        ("title={How the lark learned its first song},author={Lea Vogel},year=2021,eprint={2102.99002}", None),
        // Many works are called so: the author or the year has to agree.
        ("title={Sparse attention: a survey}", None),
        ("title={Sparse attention: a survey},author={Dahl, Mo}", Some("survey")),
        ("title={Sparse attention: a survey},year=2022", Some("survey")),
    ] {
        let file = folder.file("one.bib", format!("@article{{x,{entry}}}\n"));
        let seen = &folder.json(&["history", "import", "eve", &file, "--dry-run"])[0];
        assert_eq!(seen["matched"][0]["paper"].as_str(), paper, "{entry}: {seen}");
        assert_eq!(seen["entries"][0]["paper"].as_str(), paper, "{entry}: {seen}");
    }
}

/// Nine thousand entries go in although a request may take a second only, and a thousand simply work.
#[test]
fn a_library_of_nine_thousand_entries_goes_in() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", crate::support::papers(50))]);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_TIMEOUT_S", "1");
    let server = Server::spawn(command);
    let list = library(9000);
    assert!(list.len() > 8_000_000);
    let path = "/v1/users/ada/history?embed_missing=true&name=library.bib";
    let sent = server.request("POST", path, Some("application/x-bibtex"), list.as_bytes());
    assert!(matches!(sent.status, 200 | 202), "{} {}", sent.status, sent.body);
    if sent.status == 202 {
        let job = &sent.body["job"];
        assert_eq!((&job["status"], &job["total"]), (&json!("running"), &json!(9000)));
        let place = sent.headers["location"].to_str().expect("a place").to_string();
        assert_eq!(place, format!("/v1/users/ada/imports/{}", job["id"].as_str().expect("an id")));
        let mut before = 0;
        loop {
            let now = server.get(&place);
            assert_eq!(now.status, 200, "{}", now.body);
            let done = now.body["done"].as_u64().expect("a number");
            assert!(done >= before && now.body["status"] != "failed", "{}", now.body);
            before = done;
            if now.body["status"] == "done" {
                assert_eq!(now.body["answer"]["missing"].as_array().map(Vec::len), Some(9000));
                assert_eq!(now.body["answer"]["accepted"], 9000);
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    } else {
        assert_eq!(sent.body["accepted"], 9000);
    }
    assert_eq!(server.get("/v1/users/ada").body["events"], 9000);
    assert_eq!(server.get("/v1/users/ada/outside?limit=1").body["meta"]["total"], 9000);
    // A thousand, in JSON.
    let body = json!({ "text": library(1000), "embed_missing": true });
    let sent = server.post("/v1/users/bob/history", &body);
    assert!(matches!(sent.status, 200 | 202), "{} {}", sent.status, sent.body);
    // And as a stream: lines of progress, and last the answer.
    let path = "/v1/users/eve/history?embed_missing=true&stream=true";
    let lines = server.lines_of(path, "text/plain", library(3000).as_bytes());
    let (last, progress) = lines.split_last().expect("lines");
    assert_eq!((&last["accepted"], &last["format"]), (&json!(3000), &json!("bibtex")));
    let under_way = |l: &Value| l["done"].as_u64().is_some_and(|done| (1..3000).contains(&done));
    assert!(progress.iter().any(under_way), "{progress:?}");
    assert!(progress.iter().all(|l| l["total"] == 3000 && l["import"] == last["import"]), "{progress:?}");
    assert!(progress.windows(2).all(|w| w[0]["done"].as_u64() <= w[1]["done"].as_u64()), "{progress:?}");
    // Beyond the bound it is refused, with what to do, and nothing was taken.
    let (status, _, message) = {
        let reply = server.request("POST", "/v1/users/max/history", Some("text/plain"), library(18_000).as_bytes());
        assert_eq!(server.get("/v1/users/max").status, 404);
        let message = reply.body["error"]["message"].as_str().expect("a message").to_string();
        (reply.status, (), message)
    };
    assert!(status == 413 && message.contains("parts") && message.contains("nothing"), "{status} {message}");
}
