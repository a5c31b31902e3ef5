//! Subscriptions by mail, from being asked for to being ended, over a server of mail on loopback.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::services::smtp::{At, Deed, Rule, Smtp, Taken};
use crate::support::{Folder, Reply, Server, error};

/// Where the service is said to be; nobody asks there.
pub const SITE: &str = "https://papers.lab.example";

/// A subscription that has had a mail: where its links lead.
pub struct Links {
    pub id: String,
    confirm: String,
    manage: String,
    unsubscribe: String,
    act: String,
}

impl Links {
    /// Subscribes, confirms and gets a mail of a day that has papers.
    pub fn made(server: &Server, smtp: &Smtp, day: &str) -> Self {
        let email = format!("links.{day}@x.example");
        let body = json!({ "email": email, "daily": true, "budget": 3, "time_zone": "UTC" });
        assert_eq!(server.post("/v1/subscriptions", &body).status, 202);
        // The mail that asks waits for no job.
        send(server, day);
        confirm(server, smtp, &email);
        send(server, day);
        let asks = |m: &Taken| m.to == [email.as_str()] && m.message_id().contains(".confirm");
        let asked = smtp.mails().into_iter().find(asks).expect("asked");
        let mail = digests(smtp, &email).pop().expect("a mail");
        Links {
            id: states(server)[&email]["id"].as_str().expect("an id").to_string(),
            confirm: address(&asked, "/confirm?"),
            manage: address(&mail, "/manage?"),
            unsubscribe: address(&mail, "/unsubscribe?"),
            act: address(&mail, "kind=like&"),
        }
    }

    /// The address of a route of the document, where it is one of a subscription.
    pub fn of(&self, route: &str) -> Option<String> {
        let links = [
            ("/confirm", &self.confirm),
            ("/manage", &self.manage),
            ("/unsubscribe", &self.unsubscribe),
            ("/act", &self.act),
        ];
        let rest = route.strip_prefix("/v1/subscriptions/{id}")?;
        let link = links.into_iter().find(|(end, _)| *end == rest).map(|(_, link)| link.clone());
        Some(link.unwrap_or_else(|| format!("/v1/subscriptions/{}{rest}", self.id)))
    }
}

/// A paper of a day.
fn paper(k: usize, day: &str) -> Value {
    json!({
        "id": format!("arxiv:2601.{k:05}"), "title": format!("Observation number{k} on topic{}", k % 4),
        "abstract": format!("Some words about topic{} and item{k}. More of them follow here.", k % 4),
        "authors": [format!("Author {}", k % 11)], "date": day, "listed": day, "categories": [format!("c.{}", k % 3)],
        "upvotes": k % 10,
    })
}

pub fn filled(papers: &[Value]) -> Folder {
    let folder = Folder::new();
    let lines: String = papers.iter().map(|p| format!("{p}\n")).collect();
    let file = folder.file("p.jsonl", lines);
    folder.json(&["ingest", &file]);
    folder
}

/// The same command with mail set up.
pub fn with_mail(mut command: Command, smtp: &Smtp) -> Command {
    command.env("PAPERKIN_MAIL_SMTP", smtp.url()).env("PAPERKIN_MAIL_FROM", "Papers <papers@lab.example>");
    command.env("PAPERKIN_PUBLIC_URL", SITE).env("PAPERKIN_MAIL_TIMEOUT_S", "10");
    command
}

/// A service with mail that sends what is asked for, and nothing at its time.
pub fn served(folder: &Folder, smtp: &Smtp) -> Server {
    Server::spawn(with_mail(folder.command(&["serve", "--addr", "127.0.0.1:0"]), smtp))
}

fn soon<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The text of a mail, decoded.
pub fn text(mail: &Taken) -> String {
    part(mail, "text/plain")
}

/// A part of a mail, decoded.
fn part(mail: &Taken, media_type: &str) -> String {
    let raw = String::from_utf8(mail.bytes.clone()).expect("ASCII");
    let (_, boundary) = raw.split_once("boundary=\"").expect("parts");
    let boundary = format!("\r\n--{}", boundary.split('"').next().expect("a boundary"));
    let begin = raw.find(&format!("Content-Type: {media_type}")).expect("a part of this type");
    let (head, body) = raw[begin..].split_once("\r\n\r\n").expect("a head");
    let body = body.split(&boundary).next().expect("an end");
    if !head.contains("quoted-printable") {
        return body.to_string();
    }
    let mut bytes = Vec::new();
    let joined = body.replace("=\r\n", "");
    let mut rest = joined.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| first == b'=').and_then(|c| std::str::from_utf8(c).ok());
        match code.and_then(|c| u8::from_str_radix(c, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The paths of all addresses of the service in a mail.
pub fn addresses(mail: &Taken) -> Vec<String> {
    let text = text(mail);
    let all = text.match_indices(SITE).map(|(at, _)| {
        let rest = &text[at + SITE.len()..];
        rest[..rest.find(|c: char| c.is_whitespace() || c == '>' || c == ')').unwrap_or(rest.len())].to_string()
    });
    all.collect()
}

/// The one with this in it.
pub fn address(mail: &Taken, part: &str) -> String {
    addresses(mail).into_iter().find(|path| path.contains(part)).unwrap_or_else(|| panic!("{part}: {}", text(mail)))
}

/// Mails of a day or the last that arrived to somebody, the ones that ask apart.
fn digests(smtp: &Smtp, to: &str) -> Vec<Taken> {
    let mails = smtp.mails();
    mails.into_iter().filter(|m| m.to == [to] && !m.message_id().contains(".confirm")).collect()
}

/// The ids of the papers of a mail, by their numbers.
fn numbers(mail: &Taken) -> BTreeSet<usize> {
    let text = text(mail).replace("\r\n", " ");
    let all = text.match_indices("number").map(|(at, _)| {
        let digits: String = text[at + 6..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    all.flatten().collect()
}

/// Follows the link of the last mail that asks, as somebody with a browser does.
pub fn confirm(server: &Server, smtp: &Smtp, email: &str) {
    confirm_behind(server, smtp, email, 0);
}

/// The same once more than so many were sent.
fn confirm_behind(server: &Server, smtp: &Smtp, email: &str, before: usize) {
    let mail = soon("the mail that asks", || asked(smtp, email).into_iter().skip(before).next_back());
    let reply = form(server, &address(&mail, "/confirm?"), "confirm=yes");
    assert_eq!(reply.status, 200);
}

/// The mails that ask somebody.
fn asked(smtp: &Smtp, email: &str) -> Vec<Taken> {
    smtp.mails().into_iter().filter(|m| m.to == [email] && m.message_id().contains(".confirm")).collect()
}

fn form(server: &Server, path: &str, body: &str) -> Reply {
    server.request("POST", path, Some("application/x-www-form-urlencoded"), body.as_bytes())
}

/// An hour of the day that does not come while a test runs: by then the service would send what is due by itself.
fn far_hour() -> i64 {
    (jiff::Timestamp::now().as_second() / 3600 + 12) % 24
}

fn subscribe(server: &Server, smtp: &Smtp, email: &str, body: Value) {
    let mut whole = json!({ "email": email, "time_zone": "UTC", "hour": far_hour() });
    whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    let before = asked(smtp, email).len();
    let reply = server.post("/v1/subscriptions", &whole);
    assert_eq!(reply.status, 202, "{}", reply.body);
    confirm_behind(server, smtp, email, before);
}

fn send(server: &Server, date: &str) -> Value {
    let reply = server.post("/v1/digests", &json!({ "date": date, "send": true }));
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

fn states(server: &Server) -> BTreeMap<String, Value> {
    let list = server.get("/v1/subscriptions?limit=500").body;
    let all = list["subscriptions"].as_array().expect("a list").iter();
    all.map(|s| (s["email"].as_str().expect("an address").to_string(), s.clone())).collect()
}

fn days(from: usize, of_a_day: usize, days: &[&str]) -> Vec<Value> {
    let one =
        |(k, day): (usize, &&str)| (0..of_a_day).map(move |n| paper(from + k * of_a_day + n, day)).collect::<Vec<_>>();
    days.iter().enumerate().flat_map(one).collect()
}

#[test]
fn nothing_is_sent_before_the_link_was_followed_and_the_button_pressed() {
    let (folder, smtp) = (filled(&days(1, 6, &["2026-03-02"])), Smtp::start());
    let server = served(&folder, &smtp);
    let ask = json!({ "email": "ada@X.example", "what": { "daily": true }, "hour": 7, "time_zone": "Europe/Berlin" });
    let reply = server.post("/v1/subscriptions", &ask);
    assert_eq!((reply.status, &reply.body["state"]), (202, &json!("pending")), "{}", reply.body);
    let mail = soon("the mail that asks", || smtp.mails().pop());
    assert_eq!(mail.to, ["ada@x.example"]);
    // Asked for once more it is the same, and no second mail.
    assert_eq!(server.post("/v1/subscriptions", &ask).status, 202);
    let nothing = send(&server, "2026-03-02");
    assert_eq!((nothing["sent"].as_u64(), smtp.mails().len()), (Some(0), 1));
    // Whatever looks at mail follows links: nothing changes by that.
    let link = address(&mail, "/confirm?");
    for _ in 0..3 {
        assert_eq!(server.get(&link).status, 200);
    }
    assert_eq!(states(&server)["ada@x.example"]["state"], "pending");
    let broken = link.replace("token=", "token=0");
    assert_eq!((server.get(&broken).status, form(&server, &broken, "").status), (401, 401));
    assert_eq!(states(&server)["ada@x.example"]["state"], "pending");
    assert_eq!(form(&server, &link, "confirm=yes").status, 200);
    let active = states(&server)["ada@x.example"].clone();
    assert_eq!((&active["state"], &active["hour"], &active["budget"]), (&json!("active"), &json!(7), &json!(15)));
    assert!(active["next"].is_string() && active["confirmed"].is_string());
    // By the button once more nothing happens.
    assert_eq!(form(&server, &link, "confirm=yes").status, 200);
    assert_eq!(server.get("/v1/subscriptions").body["total"], 1);
    let sent = send(&server, "2026-03-02");
    assert_eq!((sent["sent"].as_u64(), smtp.mails().len()), (Some(1), 2), "{sent}");
    let mail = smtp.mails().pop().expect("a mail");
    assert_eq!(numbers(&mail), (1..=6).collect());
    let id = active["id"].as_str().expect("an id");
    assert_eq!(mail.message_id(), format!("<{id}.20260302@lab.example>"));
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let unsubscribe = mail.header("List-Unsubscribe");
    assert!(unsubscribe.starts_with(&format!("<{SITE}/v1/subscriptions/{id}/unsubscribe?token=")), "{unsubscribe}");
    assert!(mail.header("List-Id").contains("lab.example") && !mail.header("Date").is_empty());
    // The most noticed first.
    let text = text(&mail);
    let at = |k: usize| text.find(&format!("number{k} ")).expect("there");
    assert!(at(6) < at(5) && at(5) < at(1), "{text}");
}

#[test]
fn one_click_ends_it_and_looking_does_not() {
    let (folder, smtp) = (filled(&days(1, 4, &["2026-03-02", "2026-03-03"])), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true }));
    send(&server, "2026-03-02");
    let mail = digests(&smtp, "ada@x.example").pop().expect("a mail");
    let header = mail.header("List-Unsubscribe");
    let path = header.trim_matches(['<', '>']).strip_prefix(SITE).expect("the service").to_string();
    assert_eq!(path, address(&mail, "/unsubscribe?"));
    assert_eq!((server.get(&path).status, &states(&server)["ada@x.example"]["state"]), (200, &json!("active")));
    // With what programs add to addresses that they pass on.
    assert_eq!(server.get(&format!("{path}&utm_source=mail&fbclid=x")).status, 200);
    let wrong = path.replace("token=", "token=0");
    assert_eq!(form(&server, &wrong, "List-Unsubscribe=One-Click").status, 401);
    // As mail clients send it (RFC 8058), in either form of a body, and with none.
    assert_eq!(form(&server, &path, "List-Unsubscribe=One-Click").status, 200);
    assert_eq!(states(&server)["ada@x.example"]["state"], "ended");
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let again = server.request("POST", &path, Some("multipart/form-data; boundary=x"), multipart.as_bytes());
    assert_eq!((again.status, server.request("POST", &path, None, b"").status), (200, 200));
    assert_eq!(send(&server, "2026-03-03")["sent"], 0);
    // The link that asked begins nothing again.
    let asked = smtp.mails().into_iter().find(|m| m.message_id().contains(".confirm")).expect("it was asked");
    assert_eq!(form(&server, &address(&asked, "/confirm?"), "confirm=yes").status, 200);
    assert_eq!(states(&server)["ada@x.example"]["state"], "ended");
}

#[test]
fn what_was_in_a_mail_is_in_no_other_whatever_version_it_is() {
    let mut all = days(1, 5, &["2026-03-02", "2026-03-03"]);
    // A newer version under an id of its own, and one that is known to be the same by its DOI.
    let mut version = paper(2, "2026-03-03");
    version["id"] = json!("arxiv:2601.00002v2");
    all.push(version);
    let (folder, smtp) = (filled(&all), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true }));
    subscribe(&server, &smtp, "bob@x.example", json!({ "daily": true, "budget": 2 }));
    for day in ["2026-03-02", "2026-03-03", "2026-03-04"] {
        send(&server, day);
        send(&server, day);
    }
    let ada: Vec<BTreeSet<usize>> = digests(&smtp, "ada@x.example").iter().map(numbers).collect();
    assert_eq!(ada, [(1..=5).collect::<BTreeSet<_>>(), (6..=10).collect()], "the version of 2 is no other paper");
    let bob: Vec<BTreeSet<usize>> = digests(&smtp, "bob@x.example").iter().map(numbers).collect();
    assert_eq!(bob, [BTreeSet::from([4, 5]), BTreeSet::from([8, 9])]);
    // What comes late is not lost: it stands on the list of a day that was looked at.
    server.post("/v1/papers", &paper(77, "2026-03-03"));
    send(&server, "2026-03-05");
    assert_eq!(numbers(&digests(&smtp, "ada@x.example")[2]), BTreeSet::from([77]));
    // And a version of what was sent, that comes later.
    let mut version = paper(77, "2026-03-06");
    version["id"] = json!("arxiv:2601.00077v3");
    server.post("/v1/papers", &version);
    assert_eq!(send(&server, "2026-03-06")["nothing"].as_u64(), Some(2));
    // The same address in another subscription has had them too.
    subscribe(&server, &smtp, "ada@x.example", json!({ "category": "c.2" }));
    assert_eq!(digests(&smtp, "ada@x.example").len(), 3);
    let previewed = server.post("/v1/digests", &json!({ "date": "2026-03-03" })).body;
    assert!(previewed["mails"].as_array().expect("a list").is_empty(), "{previewed}");
}

#[test]
fn each_kind_of_subscription_brings_its_own() {
    let (folder, smtp) = (filled(&days(1, 12, &["2026-03-02"])), Smtp::start());
    let server = served(&folder, &smtp);
    let events: Vec<Value> = (1..=12)
        .filter(|k| k % 4 == 3)
        .map(|k| json!({ "paper": format!("arxiv:2601.{k:05}"), "kind": "view" }))
        .collect();
    server.post("/v1/papers", &paper(100, "2026-01-01"));
    server.post("/v1/users/rose/events", &json!({ "events": [{ "paper": "arxiv:2601.00100", "kind": "like" }] }));
    server.post("/v1/users/gus/events", &json!({ "events": events }));
    for (name, what) in [
        ("author", json!({ "author": "author 3" })),
        ("category", json!({ "what": { "category": "c.1" }, "budget": 3 })),
        ("query", json!({ "query": "topic2" })),
        ("user", json!({ "what": { "user": "rose" }, "budget": 4 })),
        ("short", json!({ "user": "gus" })),
        ("min", json!({ "daily": true, "min_score": 1e9 })),
    ] {
        subscribe(&server, &smtp, &format!("{name}@x.example"), what);
    }
    let sent = send(&server, "2026-03-02");
    assert_eq!((sent["sent"].as_u64(), sent["nothing"].as_u64()), (Some(5), Some(1)), "{sent}");
    let of = |name: &str| -> BTreeSet<usize> {
        let mail = digests(&smtp, &format!("{name}@x.example")).pop().expect(name);
        // A reason may name a paper that was read.
        numbers(&mail).into_iter().filter(|k| *k <= 12).collect()
    };
    assert_eq!(of("author"), BTreeSet::from([3]));
    assert_eq!(of("category"), BTreeSet::from([1, 4, 7]), "the three with most votes");
    assert_eq!(of("query"), BTreeSet::from([2, 6, 10]));
    assert_eq!((of("user").len(), of("user").contains(&4)), (4, true), "what rose likes is of topic0");
    assert!(of("short").is_disjoint(&BTreeSet::from([3, 7, 11])), "what was seen is not sent");
    let subjects: HashMap<String, String> =
        smtp.mails().iter().map(|m| (m.to[0].clone(), m.header("Subject"))).collect();
    assert!(subjects["author@x.example"].contains("author 3"), "{subjects:?}");
    // What cannot be subscribed to is told.
    for (body, status, word) in [
        (json!({ "email": "a@x.example" }), 400, "what is missing"),
        (json!({ "email": "a@x.example", "what": { "editor": "x" } }), 400, "what"),
        (json!({ "email": "a@x.example", "daily": true, "author": "x" }), 422, "one subscription"),
        (json!({ "email": "a@x.example\r\nBcc: b@x.example", "daily": true }), 422, ""),
        (json!({ "email": "Ada <a@x.example>", "daily": true }), 422, ""),
        (json!({ "email": "nobody", "daily": true }), 422, ""),
        (json!({ "email": "a@x.example", "daily": true, "hour": 24 }), 422, "0 to 23"),
        (json!({ "email": "a@x.example", "daily": true, "budget": 0 }), 422, "1 to 100"),
        (json!({ "email": "a@x.example", "daily": true, "time_zone": "Mars" }), 422, "Europe/Berlin"),
        (json!({ "email": "a@x.example", "daily": true, "cadence": "hourly" }), 400, "cadence"),
        (json!({ "email": "a@x.example", "daily": true, "colour": "red" }), 400, "colour"),
    ] {
        let reply = server.post("/v1/subscriptions", &body);
        assert_eq!(reply.status, status, "{body}: {}", reply.body);
        assert!(error(&reply).2.contains(word), "{body}: {}", reply.body);
    }
}

#[test]
fn what_comes_back_pauses_and_what_it_held_is_sent_when_it_goes_on() {
    let (folder, smtp) = (filled(&days(1, 4, &["2026-03-02", "2026-03-03"])), Smtp::start());
    let server = served(&folder, &smtp);
    for name in ["ada", "bob", "eve"] {
        subscribe(&server, &smtp, &format!("{name}@x.example"), json!({ "daily": true, "budget": 5 }));
    }
    smtp.edit(|s| s.rules.push(Rule::refuse(At::To, "bob@", "550 5.1.1 no such user here").times(1)));
    smtp.edit(|s| s.rules.push(Rule::refuse(At::To, "eve@", "451 4.7.1 try again later")));
    let sent = send(&server, "2026-03-02");
    assert_eq!((&sent["sent"], &sent["failed"], &sent["later"]), (&json!(1), &json!(1), &json!(1)), "{sent}");
    let bob = states(&server)["bob@x.example"].clone();
    assert_eq!(bob["state"], "paused");
    assert!(bob["reason"].as_str().expect("a reason").contains("no such user here"), "{bob}");
    assert_eq!((&bob["last"]["state"], &bob["last"]["attempts"]), (&json!("failed"), &json!(1)));
    let eve = states(&server)["eve@x.example"].clone();
    assert_eq!(
        (&eve["state"], &eve["failures"], &eve["last"]["state"]),
        (&json!("active"), &json!(1), &json!("waiting"))
    );
    assert!(eve["last"]["retry"].is_string() && eve["last"]["error"].as_str().expect("told").contains("try again"));
    // Nothing of what bob was to have is lost.
    assert_eq!(send(&server, "2026-03-03")["sent"], 1);
    let id = bob["id"].as_str().expect("an id");
    let reply =
        server.request("PATCH", &format!("/v1/subscriptions/{id}"), Some("application/json"), br#"{"state":"active"}"#);
    assert_eq!((reply.status, &reply.body["state"], &reply.body["failures"]), (200, &json!("active"), &json!(0)));
    send(&server, "2026-03-03");
    let bob: Vec<BTreeSet<usize>> = digests(&smtp, "bob@x.example").iter().map(numbers).collect();
    assert_eq!(bob.len(), 1);
    assert!(bob[0].len() == 5 && bob[0].contains(&4) && bob[0].contains(&8), "of both days: {bob:?}");
}

#[test]
fn when_the_server_was_down_one_mail_makes_up_for_it() {
    let (folder, smtp) = (filled(&days(1, 4, &["2026-03-02", "2026-03-03", "2026-03-04"])), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true, "budget": 20 }));
    smtp.edit(|s| s.rules.push(Rule::refuse(At::Greeting, "", "421 4.3.2 closed for now")));
    for day in ["2026-03-02", "2026-03-03"] {
        let reply = server.post("/v1/digests", &json!({ "date": day, "send": true }));
        assert_eq!(reply.status, 503, "{}", reply.body);
        let ada = states(&server)["ada@x.example"].clone();
        assert_eq!((&ada["state"], &ada["failures"]), (&json!("active"), &json!(0)), "it is nobody's fault: {ada}");
    }
    smtp.edit(|s| s.rules.clear());
    send(&server, "2026-03-04");
    let mails: Vec<BTreeSet<usize>> = digests(&smtp, "ada@x.example").iter().map(numbers).collect();
    assert_eq!(mails, [(1..=12).collect::<BTreeSet<_>>()]);
}

#[test]
fn changing_the_plan_and_ending_it_lose_nothing_that_waited() {
    let (folder, smtp) = (filled(&days(1, 4, &["2026-03-02", "2026-03-03"])), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true, "budget": 5 }));
    subscribe(&server, &smtp, "bob@x.example", json!({ "daily": true }));
    smtp.edit(|s| s.rules.push(Rule::refuse(At::Greeting, "", "421 4.3.2 closed for now")));
    assert_eq!(server.post("/v1/digests", &json!({ "date": "2026-03-02", "send": true })).status, 503);
    smtp.edit(|s| s.rules.clear());
    // The plan that is confirmed last takes the place of the one before.
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true, "budget": 9 }));
    let list = server.get("/v1/subscriptions").body["subscriptions"].as_array().expect("a list").clone();
    let active = |s: &&Value| s["email"] == "ada@x.example" && s["state"] == "active";
    let budgets: Vec<Value> = list.iter().filter(active).map(|s| s["budget"].clone()).collect();
    assert_eq!(budgets, [json!(9)]);
    let bob = states(&server)["bob@x.example"]["id"].as_str().expect("an id").to_string();
    let (path, body) = (format!("/v1/subscriptions/{bob}"), br#"{"state":"ended"}"#);
    assert_eq!(server.request("PATCH", &path, Some("application/json"), body).status, 200);
    send(&server, "2026-03-03");
    let ada: Vec<BTreeSet<usize>> = digests(&smtp, "ada@x.example").iter().map(numbers).collect();
    assert_eq!(ada, [(1..=8).collect::<BTreeSet<_>>()], "both days, once");
    assert!(digests(&smtp, "bob@x.example").is_empty());
}

#[test]
fn who_was_away_gets_the_best_of_all_days() {
    let missed = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"];
    let (folder, smtp) = (filled(&days(1, 10, &missed)), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true, "budget": 5 }));
    send(&server, missed[0]);
    let mail = digests(&smtp, "ada@x.example").pop().expect("a mail");
    let manage = address(&mail, "/manage?");
    assert_eq!(server.get(&manage).status, 200);
    assert_eq!(form(&server, &manage, "deed=pause&days=14").status, 200);
    let paused = states(&server)["ada@x.example"].clone();
    assert_eq!(paused["state"], "paused");
    assert!(paused["until"].is_string());
    for day in &missed[1..4] {
        assert_eq!(send(&server, day)["sent"], 0);
    }
    assert_eq!(form(&server, &manage, "deed=pause&days=0").status, 422);
    assert_eq!(form(&server, &manage, "deed=resume").status, 200);
    assert_eq!(send(&server, missed[4])["sent"], 1);
    let mail = digests(&smtp, "ada@x.example").pop().expect("a mail");
    let found = numbers(&mail);
    // Votes are 0 to 9 each day: the best of four days, and not the last day's list.
    assert_eq!(found.len(), 5);
    assert!(found.iter().filter(|k| *k % 10 == 9).count() == 4, "{found:?}");
    assert!(text(&mail).contains("4 days went by"), "{}", text(&mail));
}

#[test]
fn the_mail_for_many_days_leaves_no_interest_out() {
    let missed = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"];
    let mut all = days(1, 12, &missed);
    all.extend((100..200).map(|k| paper(k, "2026-01-01")));
    let (folder, smtp) = (filled(&all), Smtp::start());
    let server = served(&folder, &smtp);
    // Much of topic0, less of topic1, little of topic2, none of topic3.
    let of = |topic: usize, n: usize| (100..200).filter(move |k| k % 4 == topic).take(n);
    let likes: Vec<usize> = of(0, 20).chain(of(1, 8)).chain(of(2, 4)).collect();
    let event = |k: &usize| json!({ "paper": format!("arxiv:2601.{k:05}"), "kind": "like" });
    let events: Vec<Value> = likes.iter().map(event).collect();
    assert_eq!(server.post("/v1/users/rose/events", &json!({ "events": events })).status, 200);
    subscribe(&server, &smtp, "rose@x.example", json!({ "what": { "user": "rose" }, "budget": 5 }));
    send(&server, missed[0]);
    send(&server, missed[3]);
    let mails = digests(&smtp, "rose@x.example");
    assert_eq!(mails.len(), 2);
    let topics: Vec<usize> = numbers(&mails[1]).into_iter().filter(|k| *k < 100).map(|k| k % 4).collect();
    let each: BTreeSet<usize> = topics.iter().copied().collect();
    assert!(topics.len() == 5 && each.is_superset(&BTreeSet::from([0, 1, 2])), "{topics:?}: {}", text(&mails[1]));
}

#[test]
fn what_is_tapped_in_a_mail_teaches() {
    let (folder, smtp) = (filled(&days(1, 8, &["2026-03-02", "2026-03-03"])), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true }));
    server.post("/v1/users/rose/events", &json!({ "events": [{ "paper": "arxiv:2601.00001", "kind": "view" }] }));
    subscribe(&server, &smtp, "rose@x.example", json!({ "user": "rose" }));
    send(&server, "2026-03-02");
    for (email, reader) in [("rose@x.example", Some("rose")), ("ada@x.example", None)] {
        let mail = digests(&smtp, email).pop().expect("a mail");
        let reader = reader.map_or_else(
            || format!("mail:{}", states(&server)[email]["id"].as_str().expect("an id")).replace(':', "%3A"),
            str::to_string,
        );
        let events = |server: &Server| server.get(&format!("/v1/users/{reader}/events")).body["events"].clone();
        let before = events(&server).as_array().map_or(0, Vec::len);
        for (word, kind) in [("like", "like"), ("save", "save"), ("hide", "dismiss")] {
            let link = address(&mail, &format!("kind={word}&"));
            assert_eq!(server.get(&link).status, 200);
            let now = events(&server);
            assert!(now.as_array().map_or(0, |all| all.iter().filter(|e| e["kind"] == kind).count()) == 0, "{now}");
            assert_eq!(form(&server, &link, "act=yes").status, 200);
            assert_eq!(events(&server)[0]["kind"], kind);
            // Signed for this, and for nothing else. (Who guesses on is told to wait.)
            let others = [
                link.replace(&format!("kind={word}"), "kind=clear"),
                link.replace("paper=arxiv%3A2601", "paper=arxiv%3A2602"),
                link.replace("date=2026", "date=2027"),
            ];
            for other in others.iter().filter(|_| word == "save") {
                assert_eq!((server.get(other).status, form(&server, other, "").status), (401, 401), "{other}");
            }
            assert_eq!(form(&server, &link, "undo=yes").status, 200);
            assert_eq!(events(&server)[0]["kind"], "clear");
        }
        assert_eq!(events(&server).as_array().expect("a list").len(), before + 6);
    }
    // What was ended hears of nothing more.
    let mail = digests(&smtp, "ada@x.example").pop().expect("a mail");
    assert_eq!(server.request("POST", &address(&mail, "/unsubscribe?"), None, b"").status, 200);
    let link = address(&mail, "kind=like&");
    assert_eq!((server.get(&link).status, form(&server, &link, "").status), (410, 410));
    // Who is forgotten is not made again by an old link.
    let mail = digests(&smtp, "rose@x.example").pop().expect("a mail");
    assert_eq!(server.delete("/v1/users/rose").status, 204);
    assert!(!states(&server).contains_key("rose@x.example"));
    let link = address(&mail, "kind=like&");
    assert_eq!((server.get(&link).status, form(&server, &link, "").status), (410, 410));
    assert_eq!(server.get("/v1/users/rose").status, 404);
    assert_eq!(server.get(&address(&mail, "/unsubscribe?")).status, 410);
    assert_eq!(server.request("POST", &address(&mail, "/unsubscribe?"), None, b"").status, 410);
}

#[test]
fn a_kill_in_the_middle_loses_nobody_and_repeats_only_what_was_in_doubt() {
    const READERS: usize = 60;
    let (folder, smtp) = (filled(&days(1, 4, &["2026-03-02"])), Smtp::start());
    let server = served(&folder, &smtp);
    for k in 0..READERS {
        let body = json!({ "email": format!("r{k}@x.example"), "daily": true, "time_zone": "UTC" });
        assert_eq!(server.post("/v1/subscriptions", &body).status, 202);
    }
    (0..READERS).for_each(|k| confirm(&server, &smtp, &format!("r{k}@x.example")));
    drop(server);
    // The server takes its time, so that there is a middle.
    smtp.edit(|s| s.rules.push(Rule::new(At::Content, "", Deed::Wait(Duration::from_millis(15)))));
    let sent = || smtp.mails().iter().filter(|m| !m.message_id().contains(".confirm")).count();
    let command = || with_mail(folder.command(&["digest", "--date", "2026-03-02", "--send"]), &smtp);
    let mut kills = 0;
    while sent() + 12 < READERS {
        let (mut child, before) = (command().stderr(std::process::Stdio::null()).spawn().expect("starts"), sent());
        while sent() <= before && child.try_wait().expect("asked").is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(7 * (kills % 4)));
        let _ = child.kill();
        child.wait().expect("gone");
        kills += 1;
        assert!(kills < 60);
    }
    assert!(kills >= 2, "{kills}");
    assert!(command().output().expect("runs").status.success());
    assert!(command().output().expect("runs").status.success(), "there is nothing left to do");
    let mut of: HashMap<String, usize> = HashMap::new();
    for mail in smtp.mails().iter().filter(|m| !m.message_id().contains(".confirm")) {
        *of.entry(mail.message_id()).or_default() += 1;
        assert_eq!(numbers(mail), (1..=4).collect());
    }
    assert_eq!(of.len(), READERS, "nobody is lost");
    let again: usize = of.values().map(|n| n - 1).sum();
    // What was given to the server and not answered when the process ended: one for each sender, at most.
    assert!(again <= kills as usize * 8, "{again} repeated in {kills} kills");
}

#[test]
fn nothing_that_anybody_writes_leaves_its_place() {
    let nasty = "<script>alert(1)</script> \"quoted\" & 'more' \u{202e}right\u{202c}\r\nBcc: eve@x.example\r\n\r\nbody";
    let mut one = paper(1, "2026-03-02");
    one["title"] = json!(format!("number1 {nasty}"));
    one["authors"] = json!([nasty, "Zoë Müller-Łukasz", "a".repeat(900)]);
    one["abstract"] = json!(format!("{nasty} {}", "word ".repeat(2000)));
    let (folder, smtp) = (filled(&[one]), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "a@x.example", json!({ "daily": true }));
    subscribe(&server, &smtp, "b@x.example", json!({ "query": format!("number1 script {}", &nasty[..60]) }));
    send(&server, "2026-03-02");
    for mail in smtp.mails() {
        let raw = String::from_utf8(mail.bytes.clone()).expect("ASCII");
        let head = raw.split("\r\n\r\n").next().expect("a head");
        assert!(!head.to_ascii_lowercase().contains("\r\nbcc:"), "{head}");
        assert!(raw.lines().all(|line| line.len() <= 998), "a line is too long");
        assert!(head.lines().all(|line| line.len() <= 200), "{head}");
        assert_eq!(mail.to.len(), 1);
        let html = part(&mail, "text/html");
        assert!(!html.contains("<script") && !html.contains("\u{202e}"), "{html}");
        assert!(!text(&mail).contains('\u{202e}'));
    }
    let page = address(&digests(&smtp, "a@x.example")[0], "kind=like&");
    assert_eq!(server.get(&page).status, 200);
    let shown = String::from_utf8(with_mail(folder.command(&["subscriptions"]), &smtp).output().expect("runs").stdout);
    assert!(!shown.expect("UTF-8").contains('\u{202e}'));
}

#[test]
fn mails_are_shown_and_written_without_being_sent() {
    let (folder, smtp) = (filled(&days(1, 4, &["2026-03-02"])), Smtp::start());
    let server = served(&folder, &smtp);
    subscribe(&server, &smtp, "ada@x.example", json!({ "daily": true, "budget": 2 }));
    let shown = server.post("/v1/digests", &json!({ "date": "2026-03-02" })).body;
    let mail = &shown["mails"][0];
    assert_eq!((&mail["email"], &mail["date"]), (&json!("ada@x.example"), &json!("2026-03-02")), "{shown}");
    assert_eq!(mail["papers"], json!(["arxiv:2601.00004", "arxiv:2601.00003"]));
    // By the command, which the service carries out.
    let out = folder.path("mails");
    let write = || {
        let args = ["digest", "--date", "2026-03-02", "--out", out.to_str().expect("UTF-8"), "--json"];
        let ran = crate::support::Ran::from(with_mail(folder.command(&args), &smtp).output().expect("runs"));
        assert_eq!(ran.status, Some(0), "{}", ran.err);
        serde_json::from_str::<Value>(ran.out.trim()).expect("one line")
    };
    let (first, second) = (write(), write());
    assert_eq!((&first, &first["papers"]), (&second, &mail["papers"]), "it notes nothing");
    let eml = std::fs::read(first["file"].as_str().expect("a file")).expect("written");
    let written = Taken { from: String::new(), to: Vec::new(), bytes: eml, user: None, tls: false, at: Instant::now() };
    assert_eq!(numbers(&written), BTreeSet::from([3, 4]));
    assert!(digests(&smtp, "ada@x.example").is_empty());
    for (body, status) in
        [(json!({ "date": "2999-01-01" }), 422), (json!({ "date": "soon" }), 400), (json!({ "when": 1 }), 400)]
    {
        assert_eq!(server.post("/v1/digests", &body).status, status, "{body}");
    }
    send(&server, "2026-03-02");
    assert_eq!(numbers(&digests(&smtp, "ada@x.example")[0]), BTreeSet::from([3, 4]));
    let sent = server.get("/v1/digests").body;
    assert_eq!(
        (&sent["mails"][0]["state"], &sent["mails"][0]["date"]),
        (&json!("sent"), &json!("2026-03-02")),
        "{sent}"
    );
    assert_eq!(sent["mails"].as_array().expect("a list").len(), 2, "the mail that asks, too");
    let paused =
        server.post("/v1/subscriptions/bounces", &json!({ "email": "ADA@x.example", "reason": "mailbox full" }));
    assert_eq!((paused.status, &paused.body["paused"]), (200, &json!(1)), "in whatever case its letters are");
    let ada = states(&server)["ada@x.example"].clone();
    assert_eq!((&ada["state"], &ada["reason"]), (&json!("paused"), &json!("a mail came back: mailbox full")));
    // A service without mail says so.
    let silent = filled(&days(1, 1, &["2026-03-02"]));
    let server = Server::start(&silent);
    let reply = server.post("/v1/subscriptions", &json!({ "email": "a@x.example", "daily": true }));
    assert_eq!(error(&reply).0, 409);
    let reply = server.post("/v1/digests", &json!({ "send": true }));
    assert!(error(&reply).2.contains("[mail]"), "{}", reply.body);
}

#[test]
fn who_may_subscribe_whom() {
    let (folder, smtp) = (filled(&days(1, 3, &["2026-03-02"])), Smtp::start());
    let key = |args: &[&str]| {
        let ran = folder.run(&[&["keys", "add", "k"], args].concat());
        ran.out.trim().to_string()
    };
    let (ada, reads, admin) = (key(&["--user", "ada"]), key(&["--scope", "read"]), key(&["--scope", "admin"]));
    let mut command = with_mail(folder.command(&["serve", "--addr", "127.0.0.1:0"]), &smtp);
    command.env("PAPERKIN_AUTH_MODE", "keys");
    let server = Server::spawn(command);
    let ask = |key: Option<&str>, method: &str, path: &str, body: Value| {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let mut headers: Vec<(&str, &str)> = bearer.iter().map(|b| ("authorization", b.as_str())).collect();
        let body = if method == "GET" { Vec::new() } else { body.to_string().into_bytes() };
        if method != "GET" {
            headers.push(("content-type", "application/json"));
        }
        server.request_with(method, path, &headers, &body)
    };
    let body = |what: Value| json!({ "email": "a@x.example", "what": what });
    let post = |key: Option<&str>, what: Value| ask(key, "POST", "/v1/subscriptions", body(what)).status;
    assert_eq!(post(None, json!({ "daily": true })), 401);
    assert_eq!(post(Some(&reads), json!({ "daily": true })), 202);
    assert_eq!(post(Some(&reads), json!({ "user": "ada" })), 403, "a feed is its reader's own");
    assert_eq!(post(Some(&ada), json!({ "user": "bob" })), 403);
    assert_eq!(post(Some(&ada), json!({ "user": "ada" })), 202);
    for (method, path) in [
        ("GET", "/v1/subscriptions"),
        ("POST", "/v1/digests"),
        ("GET", "/v1/digests"),
        ("POST", "/v1/subscriptions/bounces"),
    ] {
        assert_eq!(ask(Some(&ada), method, path, json!({})).status, 403, "{path}");
        assert_eq!(ask(None, method, path, json!({})).status, 401, "{path}");
    }
    let list = ask(Some(&admin), "GET", "/v1/subscriptions", Value::Null).body;
    let users: Vec<&Value> = list["subscriptions"].as_array().expect("a list").iter().map(|s| &s["user"]).collect();
    assert!(users.contains(&&json!("ada")) && users.contains(&&Value::Null), "{list}");
    // What stands in a mail opens without a key.
    let mail = soon("the mail that asks", || smtp.mails().pop());
    let link = address(&mail, "/confirm?");
    assert_eq!((server.get(&link).status, form(&server, &link, "").status), (200, 200));
}
