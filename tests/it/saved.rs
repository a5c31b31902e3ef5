//! Saved searches and follows: counted, in the feed, as news feeds, and sent to addresses.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Folder, Server, error, ids};

const TOPICS: [&str; 4] = [
    "Quasar jets seen by telescopes",
    "Soil fungi under forests",
    "Graph colouring with few colours",
    "Vaccines against influenza",
];

/// Forty papers, ten of each topic.
fn corpus(server: &Server) {
    put(server, papers());
}

fn papers() -> Vec<Value> {
    let paper = |k: usize| {
        json!({"id": format!("p{k}"), "title": format!("{}: part {k}", TOPICS[k % 4]), "date": "2026-03-01",
            "authors": [format!("Ada Number{}", k % 5)], "upvotes": k})
    };
    (0..40).map(paper).collect()
}

fn put(server: &Server, papers: Vec<Value>) {
    let put = server.post("/v1/papers", &json!({ "papers": papers }));
    assert_eq!(put.status, 200, "{}", put.body);
}

fn new_paper(id: &str, topic: usize) -> Value {
    json!({"id": id, "title": format!("{}, anew {id}", TOPICS[topic]), "date": "2026-03-02", "authors": ["New Name"]})
}

#[test]
fn what_is_followed_is_listed_counted_and_looked_at() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    corpus(&server);
    let at = "/v1/users/ada/searches";
    let made = server.post(at, &json!({"query": "quasar jets"}));
    assert_eq!(
        (made.status, &made.body["new"], &made.body["kind"]),
        (201, &json!(0), &json!("search")),
        "{}",
        made.body
    );
    let id = made.body["id"].as_str().expect("an id").to_string();
    let again = server.post(at, &json!({"what": {"query": "quasar jets"}, "name": "Other"}));
    assert_eq!((again.status, &again.body["id"], &again.body["name"]), (200, &made.body["id"], &json!("quasar jets")));
    let author = server.post(at, &json!({"what": {"author": "New Name"}, "name": "Somebody"}));
    assert_eq!((author.status, &author.body["name"]), (201, &json!("Somebody")));
    // What cannot be followed.
    for (body, status, word) in [
        (json!({}), 400, "say what to follow"),
        (json!({"query": "a", "author": "b"}), 400, "one thing"),
        (json!({"editor": "b"}), 400, "editor"),
        (json!({"query": " "}), 422, "empty"),
        (json!({"query": "x", "name": "\u{7}"}), 422, "control"),
        (json!({"author": "x".repeat(300)}), 422, "256"),
    ] {
        let refused = server.post(at, &body);
        let (got, _, message) = error(&refused);
        assert!(got == status && message.contains(word), "{body}: {got} {message}");
    }
    put(&server, vec![new_paper("n1", 0), new_paper("n2", 2)]);
    let list = |server: &Server| -> Vec<(String, u64)> {
        let all = server.get(at).body["searches"].as_array().cloned().expect("a list");
        let one = |s: &Value| (s["id"].as_str().expect("an id").into(), s["new"].as_u64().expect("a number"));
        all.iter().map(one).collect()
    };
    let author_id = author.body["id"].as_str().expect("an id").to_string();
    assert_eq!(list(&server), [(id.clone(), 1), (author_id.clone(), 2)]);
    let papers = server.get(&format!("{at}/{id}/papers?limit=50&explain=true")).body;
    assert_eq!(papers["meta"]["total"], 11, "{papers}");
    let new: Vec<&Value> = papers["papers"].as_array().expect("hits").iter().filter(|p| p["new"] == true).collect();
    assert_eq!((new.len(), &new[0]["id"]), (1, &json!("n1")));
    for paper in papers["papers"].as_array().expect("hits") {
        let parts = paper["why"]["parts"].as_array().expect("parts");
        let sum: f64 = parts.iter().map(|p| p["value"].as_f64().expect("a number")).sum();
        assert!((sum - paper["score"].as_f64().expect("a number")).abs() < 1e-4, "{paper}");
    }
    let only = server.get(&format!("{at}/{author_id}/papers?new=true")).body;
    assert_eq!(ids(only["papers"].as_array().expect("hits")).len(), 2);
    // Looking is a deed.
    assert_eq!(list(&server)[0].1, 1);
    let seen = server.request("POST", &format!("{at}/{id}/seen"), None, b"");
    assert_eq!((seen.status, &seen.body["new"]), (200, &json!(0)), "{}", seen.body);
    drop(server);
    let server = Server::start(&folder);
    assert_eq!(list(&server), [(id.clone(), 0), (author_id.clone(), 2)]);
    let patch = |body: Value| {
        server.request("PATCH", &format!("{at}/{id}"), Some("application/json"), body.to_string().as_bytes())
    };
    let changed = patch(json!({"name": "Jets", "muted": true}));
    assert_eq!((&changed.body["name"], &changed.body["muted"]), (&json!("Jets"), &json!(true)), "{}", changed.body);
    assert_eq!(patch(json!({"name": null})).body["name"], "quasar jets");
    assert_eq!(error(&server.get("/v1/users/bob/searches")).0, 404);
    assert_eq!(error(&server.get("/v1/users/ada/searches/s99/papers")).0, 404);
    assert_eq!(server.delete(&format!("{at}/{id}")).status, 204);
    assert_eq!(error(&server.delete(&format!("{at}/{id}"))).0, 404);
    let later = server.post(at, &json!({"query": "quasar jets"}));
    assert_ne!(later.body["id"], json!(id), "an id is used once");
}

#[test]
fn what_is_followed_is_in_the_feed() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    corpus(&server);
    // Whoever has no history gets it before all else.
    let made = server.post("/v1/users/ada/searches", &json!({"query": "soil fungi"}));
    let id = made.body["id"].clone();
    let cold = server.get("/v1/users/ada/feed?limit=15&explain=true&date=2026-03").body;
    let hits = cold["papers"].as_array().expect("hits");
    for (k, hit) in hits.iter().enumerate() {
        assert_eq!(hit["for_you"], json!(k < 10), "{k}: {hit}");
        let interest = json!({"id": id, "name": "soil fungi", "kind": "search"});
        assert!(k >= 10 || hit["why"]["interest"] == interest, "{k}: {hit}");
    }
    let mark = server.get("/v1/users/ada/feed?limit=15&explain=true&date=2026-03").body;
    assert_eq!(ids(mark["papers"].as_array().expect("hits")), ids(hits));
    // With a history of something else it has a share of the places, and the parts still sum up.
    let likes: Vec<Value> = (0..5).map(|k| json!({"paper": format!("p{}", 4 * k), "kind": "like"})).collect();
    assert_eq!(server.post("/v1/users/ada/events", &json!({ "events": likes })).status, 200);
    let warm = server.get("/v1/users/ada/feed?limit=10&explain=true&date=2026-03").body;
    let hits = warm["papers"].as_array().expect("hits");
    let followed = |hits: &[Value]| hits.iter().filter(|h| h["why"]["interest"]["kind"] == "search").count();
    assert!((1..=9).contains(&followed(hits)), "{warm}");
    assert_eq!(hits[0]["why"]["interest"]["kind"], "interest", "{warm}");
    for hit in hits {
        let parts = hit["why"]["parts"].as_array().expect("parts");
        let sum: f64 = parts.iter().map(|p| p["value"].as_f64().expect("a number")).sum();
        assert!((sum - hit["score"].as_f64().expect("a number")).abs() < 1e-4, "{hit}");
        let fungi = hit["title"].as_str().expect("a title").starts_with("Soil");
        assert!(!fungi || parts.iter().any(|p| p["kind"] == "follow" && p["id"] == id), "{hit}");
        assert!(!fungi || (hit["for_you"] == true && hit["explore"].is_null()), "{hit}");
    }
    // Muted, or for somebody else, it is as if it were not there.
    let path = format!("/v1/users/ada/searches/{}", id.as_str().expect("an id"));
    let muted = server.request("PATCH", &path, Some("application/json"), br#"{"muted": true}"#);
    assert_eq!(muted.status, 200, "{}", muted.body);
    assert_eq!(server.post("/v1/users/bob/events", &json!({ "events": likes })).status, 200);
    let of = |name: &str| {
        let feed = server.get(&format!("/v1/users/{name}/feed?limit=10&date=2026-03")).body;
        ids(feed["papers"].as_array().expect("hits")).into_iter().map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of("ada"), of("bob"));
}

#[test]
fn a_saved_search_is_a_news_feed() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_PUBLIC_URL", "https://papers.example.org");
    let server = Server::spawn(command);
    corpus(&server);
    let id = server.post("/v1/users/ada/searches", &json!({"query": "quasar jets"})).body["id"].clone();
    let id = id.as_str().expect("an id");
    let token = server.request("POST", "/v1/users/ada/token", None, b"").body["token"].clone();
    let token = token.as_str().expect("a token");
    let at = |form: &str, rest: &str| format!("/v1/users/ada/searches/{id}/feed.{form}?token={token}{rest}");
    let host = [("host", "papers.example.org")];
    let json = server.request_with("GET", &at("json", "&limit=3"), &host, b"");
    assert_eq!((json.status, json.body["items"].as_array().map(Vec::len)), (200, Some(3)), "{}", json.body);
    assert!(
        json.body["feed_url"]
            .as_str()
            .expect("an address")
            .starts_with("https://papers.example.org/v1/users/ada/searches/")
    );
    assert_eq!(json.body["title"], "quasar jets");
    let atom = server.request_with("GET", &at("atom", ""), &host, b"");
    assert_eq!(atom.status, 200);
    let tag = atom.headers["etag"].to_str().expect("text").to_string();
    let known = [("host", "papers.example.org"), ("if-none-match", tag.as_str())];
    assert_eq!(server.request_with("GET", &at("atom", ""), &known, b"").status, 304);
    put(&server, vec![new_paper("n1", 0)]);
    assert_eq!(server.request_with("GET", &at("atom", ""), &known, b"").status, 200);
    let newest = server.request_with("GET", &at("json", "&limit=1"), &host, b"").body;
    assert!(newest["items"][0]["id"].as_str().expect("an id").contains("n1"), "{newest}");
    for wrong in
        [format!("/v1/users/ada/searches/{id}/feed.atom"), format!("/v1/users/ada/searches/{id}/feed.atom?token=x")]
    {
        assert_eq!(server.request_with("GET", &wrong, &host, b"").status, 401);
    }
    // With the right token nothing is guessed: what is gone is gone, however often a news reader asks.
    assert_eq!(server.delete(&format!("/v1/users/ada/searches/{id}")).status, 204);
    for _ in 0..30 {
        assert_eq!(server.request_with("GET", &at("atom", ""), &host, b"").status, 404);
    }
}

/// What a receiver was told.
#[derive(Debug, Clone)]
struct Told {
    head: String,
    body: Vec<u8>,
}

impl Told {
    fn header(&self, name: &str) -> String {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(": ")).map_or(String::new(), |(_, value)| value.trim().into())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// A receiver on loopback that answers as it is told to; 0 for not at all.
struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<Told>>>,
    answer: Arc<Mutex<(u16, String)>>,
}

impl Receiver {
    fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let answer = Arc::new(Mutex::new((status, String::new())));
        let (heard, says) = (Arc::clone(&told), Arc::clone(&answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (heard, says) = (Arc::clone(&heard), Arc::clone(&says));
                std::thread::spawn(move || hear(stream, &heard, &says));
            }
        });
        Receiver { url, told, answer }
    }

    fn says(&self, status: u16, location: &str) {
        *self.answer.lock().expect("no panic") = (status, location.into());
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().expect("no panic").clone()
    }

    /// What it was told, once that is so much.
    fn wait_for(&self, n: usize) -> Vec<Told> {
        let began = Instant::now();
        while self.told().len() < n {
            assert!(began.elapsed() < Duration::from_secs(60), "told {} of {n}", self.told().len());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.told()
    }
}

fn hear(mut stream: TcpStream, told: &Mutex<Vec<Told>>, answer: &Mutex<(u16, String)>) {
    let (mut bytes, mut piece) = (Vec::new(), [0u8; 4096]);
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut piece) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let told_of = Told { head, body: Vec::new() };
    let length: usize = told_of.header("content-length").parse().expect("a length");
    while bytes.len() < end + 4 + length {
        match stream.read(&mut piece) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
    told.lock().expect("no panic").push(Told { body: bytes[end + 4..].to_vec(), ..told_of });
    let (status, location) = answer.lock().expect("no panic").clone();
    if status == 0 {
        std::thread::sleep(Duration::from_secs(30));
        return;
    }
    let location = if location.is_empty() { String::new() } else { format!("location: {location}\r\n") };
    let _ = stream.write_all(
        format!("HTTP/1.1 {status} Said\r\n{location}content-length: 2\r\nconnection: close\r\n\r\nok").as_bytes(),
    );
}

fn serve(folder: &Folder) -> Server {
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_FETCH_PRIVATE_ADDRESSES", "true");
    Server::spawn(command)
}

fn hook(server: &Server, body: Value) -> (String, String) {
    let made = server.post("/v1/webhooks", &body);
    assert_eq!(made.status, 201, "{}", made.body);
    let text = |name: &str| made.body[name].as_str().expect("a text").to_string();
    (text("id"), text("secret"))
}

/// The newest delivery of a webhook, once it is as wanted.
fn delivery(server: &Server, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let all = server.get(&format!("/v1/webhooks/{id}/deliveries")).body;
        match all["deliveries"].get(0).filter(|d| wanted(d)) {
            Some(found) => return found.clone(),
            None => assert!(began.elapsed() < Duration::from_secs(60), "{all}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn new_papers_of_a_saved_search_go_to_an_address() {
    let folder = Folder::new();
    let server = serve(&folder);
    corpus(&server);
    let search = server.post("/v1/users/ada/searches", &json!({"query": "quasar jets"})).body["id"].clone();
    let (good, slow) = (Receiver::start(200), Receiver::start(0));
    // One that hangs keeps nobody waiting.
    hook(&server, json!({"url": slow.url, "query": "quasar jets"}));
    let (id, secret) = hook(&server, json!({"url": good.url, "user": "ada", "search": search}));
    put(&server, vec![new_paper("n1", 0), new_paper("n2", 1)]);
    let told = good.wait_for(1).remove(0);
    let body = told.json();
    assert_eq!((&body["webhook"], &body["search"], &body["left_out"]), (&json!(id), &search, &json!(0)));
    assert_eq!(ids(body["papers"].as_array().expect("papers")), ["n1"]);
    assert_eq!(body["what"], json!({"query": "quasar jets"}));
    assert_eq!(body["delivery"], told.header("x-paperkin-delivery"));
    let signature = told.header("x-paperkin-signature");
    let (time, signed) = signature.strip_prefix("t=").and_then(|s| s.split_once(",v1=")).expect("its form");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{time}.").as_bytes());
    mac.update(&told.body);
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, signed);
    assert_eq!(delivery(&server, &id, |d| d["state"] == "done")["papers"], json!(["n1"]));
    let list = server.get("/v1/webhooks").body;
    assert!(list["webhooks"].as_array().expect("a list").len() == 2 && !list.to_string().contains(&secret), "{list}");
    // It goes with its search.
    let path = format!("/v1/users/ada/searches/{}", search.as_str().expect("an id"));
    assert_eq!(server.delete(&path).status, 204);
    assert_eq!(error(&server.get(&format!("/v1/webhooks/{id}/deliveries"))).0, 404);
    let metrics = server.request("GET", "/metrics", None, b"");
    assert_eq!(metrics.status, 200);
}

#[test]
fn what_is_not_taken_is_told_again_under_the_same_id() {
    let folder = Folder::new();
    let server = serve(&folder);
    corpus(&server);
    let receiver = Receiver::start(500);
    let (id, _) = hook(&server, json!({"url": receiver.url, "author": "New Name"}));
    put(&server, vec![new_paper("n1", 0)]);
    let failed = delivery(&server, &id, |d| d["status"] == 500);
    assert_eq!((&failed["state"], &failed["tries"]), (&json!("waiting"), &json!(1)));
    assert!(failed["error"].as_str().is_some_and(|e| e.contains("500")) && !failed["next"].is_null(), "{failed}");
    // Redirects are not followed: what is told is for the address that was given.
    let other = Receiver::start(200);
    receiver.says(307, &other.url);
    let again = |server: &Server, which: &str| {
        server.request("POST", &format!("/v1/webhooks/{id}/deliveries/{which}/redeliver"), None, b"")
    };
    assert_eq!(again(&server, "all").body["redelivered"], 1);
    let failed = delivery(&server, &id, |d| d["status"] == 307);
    assert!(failed["error"].as_str().is_some_and(|e| e.contains("leads to")), "{failed}");
    assert!(other.told().is_empty());
    // Killed while the receiver holds its answer back, it is told again, by the same name.
    receiver.says(0, "");
    let before = receiver.told().len();
    again(&server, "all");
    receiver.wait_for(before + 1);
    server.signal("KILL");
    drop(server);
    receiver.says(204, "");
    let server = serve(&folder);
    let waits = delivery(&server, &id, |d| d["state"] == "waiting");
    assert_eq!((&waits["id"], &waits["tries"]), (&failed["id"], &json!(3)));
    assert_eq!(again(&server, waits["id"].as_str().expect("an id")).status, 202);
    delivery(&server, &id, |d| d["state"] == "done");
    let told = receiver.told();
    let named: std::collections::BTreeSet<String> = told.iter().map(|t| t.header("x-paperkin-delivery")).collect();
    assert_eq!((named.len(), told.len() >= 4), (1, true), "{named:?}");
    // A receiver that wants no more hears no more, until somebody says so.
    receiver.says(410, "");
    put(&server, vec![new_paper("n2", 1)]);
    assert_eq!(delivery(&server, &id, |d| d["status"] == 410)["state"], "dead");
    let began = Instant::now();
    while server.get("/v1/webhooks").body["webhooks"][0]["ended"].is_null() {
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
    let before = receiver.told().len();
    put(&server, vec![new_paper("n3", 1)]);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(receiver.told().len(), before);
    receiver.says(200, "");
    assert_eq!(again(&server, "all").body["redelivered"], 1);
    let last = |d: &Value| d["papers"] == json!(["n3"]) && d["state"] == "done";
    delivery(&server, &id, last);
}

#[test]
fn no_webhook_reaches_a_private_network_and_none_reaches_another_reader() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers().iter().map(|paper| format!("{paper}\n")).collect::<String>());
    folder.json(&["ingest", &file]);
    let keys = |args: &[&str]| folder.run(&[&["keys", "add"], args].concat()).out.trim().to_string();
    let (ada, bob) = (keys(&["a", "--user", "ada"]), keys(&["b", "--user", "bob"]));
    let (admin, read) = (keys(&["root", "--scope", "admin"]), keys(&["r"]));
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_AUTH_MODE", "keys");
    let server = Server::spawn(command);
    let ask = |key: &str, method: &str, path: &str, body: Value| {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        server.request_with(method, path, &headers, &bytes)
    };
    let receiver = Receiver::start(200);
    let search = ask(&ada, "POST", "/v1/users/ada/searches", json!({"query": "quasar jets"})).body["id"].clone();
    let body = json!({"url": receiver.url, "search": search});
    assert_eq!(ask(&bob, "POST", "/v1/webhooks", body.clone()).status, 404, "it is not bob's");
    assert_eq!(
        ask(&bob, "POST", "/v1/webhooks", json!({"url": receiver.url, "user": "ada", "search": search})).status,
        403
    );
    assert_eq!(ask(&read, "POST", "/v1/webhooks", json!({"url": receiver.url, "query": "x"})).status, 403);
    assert_eq!(ask(&read, "GET", "/v1/webhooks", Value::Null).body["webhooks"], json!([]));
    let made = ask(&ada, "POST", "/v1/webhooks", body);
    assert_eq!((made.status, &made.body["user"]), (201, &json!("ada")), "{}", made.body);
    let path = format!("/v1/webhooks/{}", made.body["id"].as_str().expect("an id"));
    assert_eq!(ask(&bob, "DELETE", &path, Value::Null).status, 404);
    assert_eq!(ask(&bob, "GET", "/v1/webhooks", Value::Null).body["webhooks"], json!([]));
    assert_eq!(ask(&admin, "GET", "/v1/webhooks", Value::Null).body["webhooks"].as_array().map(Vec::len), Some(1));
    for (url, word) in [
        ("ftp://x/", "neither"),
        ("https://a:b@x.org/", "password"),
        ("https://x.org/a b", "percent"),
        ("https:///x", "no host"),
        ("http://[::zz/x", "host"),
        ("http://h:99999/x", "port"),
    ] {
        let refused = ask(&admin, "POST", "/v1/webhooks", json!({"url": url, "query": "x"}));
        let (status, _, message) = error(&refused);
        assert!(status == 422 && message.contains(word), "{url}: {message}");
    }
    let papers = json!({"papers": [new_paper("n1", 0)]});
    assert_eq!(ask(&admin, "POST", "/v1/papers", papers).status, 200);
    let began = Instant::now();
    let why = loop {
        let list = ask(&ada, "GET", "/v1/webhooks", Value::Null).body;
        if let Some(why) = list["webhooks"][0]["error"].as_str() {
            break why.to_string();
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{list}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(why.contains("no public address") && receiver.told().is_empty(), "{why}");
    assert_eq!(ask(&ada, "DELETE", &path, Value::Null).status, 204);
}

#[test]
fn what_is_followed_goes_into_an_export_and_comes_back() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    corpus(&server);
    server.post("/v1/users/ada/searches", &json!({"query": "quasar jets", "name": "Jets"}));
    server.post("/v1/users/ada/searches", &json!({"category": "cs.LG"}));
    drop(server);
    let out = folder.path("out").display().to_string();
    assert_eq!(folder.run(&["export", &out]).status, Some(0));
    let other = Folder::new();
    assert_eq!(other.run(&["import", &out]).status, Some(0));
    let server = Server::start(&other);
    let all = server.get("/v1/users/ada/searches").body;
    let kept: Vec<(&Value, &Value, &Value)> =
        all["searches"].as_array().expect("a list").iter().map(|s| (&s["name"], &s["what"], &s["new"])).collect();
    let (jets, category) = (json!({"query": "quasar jets"}), json!({"category": "cs.LG"}));
    assert_eq!(kept, [(&json!("Jets"), &jets, &json!(0)), (&json!("cs.LG"), &category, &json!(0))]);
}
