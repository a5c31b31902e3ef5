//! The papers of a day, a month or a year as one reader has them, page by page, without scripts.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::support::{Folder, Server, paper};

/// The cookie of a browser in which somebody said who reads.
fn read_as(server: &Server, reader: &str) -> String {
    // By hand: a client that follows the way back would not show the cookie that came with it.
    let host = server.url.strip_prefix("http://").expect("an address");
    let form = format!("name={reader}&to=/");
    let head = format!(
        "POST /reader HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    let mut stream = TcpStream::connect(host).expect("a connection");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    between(&answer, "set-cookie: ", ";").first().expect("a cookie").to_string()
}

/// What stands between two texts, wherever they stand in this order.
fn between<'a>(page: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    page.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

/// The papers of a page, and the way to the next.
fn look(server: &Server, cookie: &str, path: &str) -> (Vec<String>, Option<String>) {
    let (reply, page) = server.text_of("GET", path, &[("cookie", cookie)], b"");
    assert_eq!(reply.status, 200, "{path}: {page}");
    let ids = between(&page, "data-paper=\"", "\"").into_iter().map(|id| id.replace("&#x2f;", "/")).collect();
    // Behind the papers; above them another `next` leads to a later day.
    let after = page.split("<nav class=\"after\"").nth(1).unwrap_or_default();
    let next = after.split("rel=\"next\"").nth(1).map(|rest| between(rest, "href=\"", "\"")[0].replace("&amp;", "&"));
    (ids, next.map(|way| format!("/{}", way.trim_start_matches(['.', '/']))))
}

fn served(papers: usize) -> (Folder, Server) {
    let folder = Folder::new();
    let lines: String = (0..papers).map(|k| format!("{}\n", paper(k))).collect();
    let file = folder.file("papers.jsonl", lines);
    assert_eq!(folder.run(&["ingest", &file]).status, Some(0));
    let server = Server::start(&folder);
    let events: Vec<_> = (0..4).map(|k| json!({ "paper": format!("p/{}", 7 * k), "kind": "like" })).collect();
    let written = server.post("/v1/users/ada/events", &json!({ "events": events }));
    assert_eq!(written.status, 200, "{}", written.body);
    (folder, server)
}

#[test]
fn the_pages_of_a_year_for_a_reader_hold_every_paper_once() {
    let (_folder, server) = served(640);
    let cookie = read_as(&server, "ada");
    let (mut all, mut way, mut pages) = (Vec::new(), Some("/?sort=me&span=year".to_string()), 0);
    while let Some(path) = way {
        let (ids, next) = look(&server, &cookie, &path);
        assert!(!ids.is_empty() && ids.len() <= 50, "{path} shows {}", ids.len());
        assert_ne!(next.as_deref(), Some(path.as_str()));
        (way, pages) = (next, pages + 1);
        all.extend(ids);
        assert!(pages < 40, "the pages have an end");
    }
    // All of them are of this year, more than can be put in order at once: what she has seen is left out, and the page says so.
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (636, 636));
    assert!(all.iter().all(|id| !["p/0", "p/7", "p/14", "p/21"].contains(&id.as_str())));
}

#[test]
fn a_page_that_is_full_and_the_last_leads_to_no_empty_one() {
    // Of the month of number 0 there are 50 that she has not seen, and one that she has.
    let (_folder, server) = served(51 * 12);
    let cookie = read_as(&server, "ada");
    let (ids, next) = look(&server, &cookie, "/?sort=me&span=month&date=2026-01-31");
    assert_eq!((ids.len(), ids.iter().filter(|id| *id == "p/0").count(), next), (51, 1, None));
}

#[test]
fn choices_that_there_are_not_are_refused() {
    let (_folder, server) = served(8);
    let cookie = read_as(&server, "ada");
    for path in ["/?look=huge", "/?by=colour", "/?span=decade", "/?sort=luck", "/?nothing=1", "/?date=soon"] {
        let (reply, page) = server.text_of("GET", path, &[("cookie", &cookie)], b"");
        // Told on a page, for a person.
        assert_eq!(reply.status, 400, "{path}");
        assert!(page.starts_with("<!doctype html>") && page.contains("<h1"), "{path}: {page}");
    }
}
