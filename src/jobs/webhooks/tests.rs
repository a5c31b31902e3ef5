//! What the job that tells receivers promises, tried with receivers on loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::{Incoming, NewHook, Rejection};
use crate::paper::Paper;
use crate::user::Follow;

#[test]
fn the_signature_is_that_of_rfc_4231() {
    // Test case 2, with its data cut where the time ends.
    let signed = signature("Jefe", 7, b"x");
    assert!(signed.starts_with("t=7,v1=") && signed.len() == "t=7,v1=".len() + 64);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").expect("a key");
    mac.update(b"what do ya want for nothing?");
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_ne!(signature("Jefe", 7, b"x"), signature("Jefe", 8, b"x"));
    assert_ne!(signature("Jefe", 7, b"x"), signature("Jeff", 7, b"x"));
}

fn call(tries: u32) -> OutgoingCall {
    let (id, webhook_id, url) = ("d1".into(), "w1".into(), String::new());
    OutgoingCall { number: 1, webhook: 1, id, webhook_id, url, body: None, since: Moment(0), tries }
}

#[test]
fn what_is_never_taken_is_tried_for_a_day() {
    let (mut now, mut tries) = (Moment(0), 0);
    loop {
        tries += 1;
        let tried = became(&call(tries), Err(Unheard::Now("no".into())), now);
        match tried.due {
            Some(due) => now = due,
            None => break assert_eq!(tried.state, CallState::Dead),
        }
    }
    let hours = now.0 as f64 / 3.6e9;
    assert!((22.0..=24.0).contains(&hours) && (15..=25).contains(&tries), "{tries} tries in {hours} hours");
    assert_eq!(became(&call(3), Ok(Receipt { status: 204, refused: None, wanted: None }), now).state, CallState::Done);
    let gone = Ok(Receipt { status: GONE, refused: Some("gone".into()), wanted: None });
    assert_eq!(became(&call(1), gone, Moment(0)).state, CallState::Dead);
}

proptest! {
    #[test]
    fn a_wait_is_never_shorter_than_the_one_before(tries in 0u32..10_000) {
        prop_assert!(wait(tries) <= wait(tries + 1) && wait(tries) >= FIRST && wait(tries) <= LONGEST);
    }
}

#[test]
fn what_a_receiver_says_decides_what_waits() {
    let said = |status, wanted: Option<u64>| {
        let refused = Some("no".into());
        became(&call(1), Ok(Receipt { status, refused, wanted: wanted.map(Duration::from_secs) }), Moment(0))
    };
    let (minute, hour) = (later(Moment(0), FIRST), later(Moment(0), Duration::from_secs(3600)));
    for (status, down) in [(408, true), (429, true), (500, true), (503, true), (413, false), (422, false), (307, false)]
    {
        let tried = said(status, None);
        assert_eq!((tried.is_down, tried.due), (down, Some(minute)), "{status}");
    }
    assert!(became(&call(1), Err(Unheard::Now("hangs".into())), Moment(0)).is_down);
    // What it wishes is the least, up to the longest wait.
    assert_eq!((said(429, Some(3600)).due, said(503, Some(1)).due), (Some(hour), Some(minute)));
    assert_eq!(said(503, Some(1_000_000)).due, Some(later(Moment(0), LONGEST)));
    let barred = became(&call(1), Err(Unheard::Ever("private".into())), Moment(0));
    assert_eq!((barred.state, barred.due), (CallState::Dead, None));
}

/// What a receiver heard, by the ids of the papers.
type Heard = Arc<Mutex<Vec<String>>>;

/// A receiver that answers some time after it heard something: with 422 where that is of a paper named `bad`.
fn receiver(takes: Duration) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(std::result::Result::ok) {
            hear(stream, takes, &hears);
        }
    });
    (url, heard)
}

fn hear(mut stream: TcpStream, takes: Duration, heard: &Mutex<Vec<String>>) {
    let (mut bytes, mut piece) = (Vec::new(), [0u8; 4096]);
    // Its last field is the number of papers left out.
    while !String::from_utf8_lossy(&bytes).trim_end().ends_with('}') {
        match stream.read(&mut piece) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = &text[text.find("\r\n\r\n").expect("a head") + 4..];
    let told: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let first = told["papers"][0]["id"].as_str().expect("an id").to_string();
    let status = if first == "bad" { 422 } else { 204 };
    heard.lock().expect("no panic").push(first);
    std::thread::sleep(takes);
    let _ = stream
        .write_all(format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes());
}

fn open(folder: &std::path::Path) -> Engine {
    let config = Config { model: Some("hash".into()), ..Config::new(folder) };
    Engine::open(config).expect("opens").engine
}

fn job() -> Webhooks {
    Webhooks { web: Web::new(Manners { private: true, timeout: PATIENCE, ..Manners::default() }) }
}

fn put(engine: &Engine, author: &str, ids: &[String]) {
    let paper = |id: &String| serde_json::json!({"id": id, "title": format!("On marmots {id}"), "authors": [author]});
    let unread = |_| Rejection { id: None, reason: "the test's own papers are papers".into() };
    let mut all =
        ids.iter().enumerate().map(|(k, id)| Ok(Incoming::new(k + 1, Paper::read(paper(id)).map_err(unread))));
    let report = engine.ingest(&mut all, &|_| {}).expect("goes in");
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
}

fn hook(engine: &Engine, author: &str, url: &str) -> String {
    let what = Some(Follow::Author(author.into()));
    engine.add_webhook(&NewHook { user: None, search: None, what, url: url.into() }).expect("made").webhook.id
}

fn until(heard: &Heard, n: usize) {
    let began = Instant::now();
    while heard.lock().expect("no panic").len() < n {
        assert!(began.elapsed() < Duration::from_secs(30), "{heard:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_slow_receiver_keeps_no_new_papers_from_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    let ((slow_url, slow), (fast_url, fast)) = (receiver(Duration::from_secs(3)), receiver(Duration::ZERO));
    hook(&engine, "Slow Name", &slow_url);
    hook(&engine, "Fast Name", &fast_url);
    // Four deliveries, twelve seconds.
    put(&engine, "Slow Name", &(0..200).map(|k| format!("s{k}")).collect::<Vec<_>>());
    let (job, cancel) = (job(), cancel::Cancel::new());
    std::thread::scope(|scope| {
        let run = scope.spawn(|| cancel.scope(|| job.run(&engine, Trigger::Start)));
        until(&slow, 1);
        put(&engine, "Fast Name", &["f1".into()]);
        until(&fast, 1);
        let told = slow.lock().expect("no panic").len();
        cancel.cancel();
        assert!(matches!(run.join().expect("no panic"), Err(Error::Cancelled)));
        assert!(told < 4, "the slow one was told {told} of 4 things first");
    });
}

#[test]
fn a_delivery_that_is_refused_for_good_holds_nothing_else_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    let (url, heard) = receiver(Duration::ZERO);
    let id = hook(&engine, "A B", &url);
    for paper in ["bad", "good"] {
        put(&engine, "A B", &[paper.into()]);
        assert_eq!(engine.make_webhook_calls(Moment::now()).expect("made"), 1);
    }
    let did = job().run(&engine, Trigger::Start).expect("run");
    assert_eq!(did, vec![("made", 0), ("delivered", 1), ("failed", 1), ("dead", 0)]);
    assert_eq!(*heard.lock().expect("no panic"), ["bad", "good"]);
    let list = engine.webhooks(None).expect("listed");
    assert_eq!((list[0].id.as_str(), list[0].waiting, &list[0].problem), (id.as_str(), 1, &None));
}

#[test]
fn what_may_not_be_called_is_given_up_and_tells_no_inner_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    let (url, heard) = receiver(Duration::ZERO);
    let id = hook(&engine, "A B", &url.replace("127.0.0.1", "localhost"));
    put(&engine, "A B", &["p1".into()]);
    let job = Webhooks { web: Web::new(Manners { timeout: PATIENCE, ..Manners::default() }) };
    job.run(&engine, Trigger::Start).expect("run");
    let told = engine.webhook_deliveries(&id).expect("listed").remove(0);
    let why = told.error.expect("it failed");
    assert!(told.state == CallState::Dead && heard.lock().expect("no panic").is_empty());
    assert!(why.contains("no public address") && !why.contains("127.") && !why.contains("::1"), "{why}");
}
