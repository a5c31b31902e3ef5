//! The client that fetches: how it asks, what it bears, where it never goes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use paperkin::Error;
use paperkin::cancel::Cancel;
use paperkin::sources::{Ask, GivenBy, Manners, Patience, Reply, Web};
use ureq::http::header::AUTHORIZATION;

use crate::services::{Answer, Fault, Server};
use crate::sources::hurried;

fn hello() -> Server {
    Server::start(|request| Answer::of("text/plain", format!("hello {}", request.target)))
}

fn told(web: &Web, ask: &Ask) -> String {
    match web.ask(ask).expect_err("an error") {
        Error::Remote(text) | Error::Invalid(text) => text,
        other => panic!("{other:?}"),
    }
}

fn body(web: &Web, ask: &Ask) -> String {
    String::from_utf8(web.page(ask).expect("a page").body).expect("text")
}

#[test]
fn redirects_are_followed_within_reason_and_without_the_key() {
    let (one, other) = (hello(), hello());
    let web = Web::new(hurried());
    let with_key =
        |path: &str| Ask::get(format!("{}{path}", one.url())).secret_header(AUTHORIZATION, "Bearer ", "the-key-1234");
    // Within one host the key stays, and the address that counts is the last one.
    let inner = |n: usize| (0..n).map(|k| Some(Fault::Leads(301, format!("/{k}")))).collect::<Vec<_>>();
    one.suffers(inner(5));
    let page = web.page(&with_key("/a/b")).expect("five are followed");
    assert_eq!(page.url, format!("{}/4", one.url()));
    let seen = one.taken();
    assert_eq!(seen.iter().map(|r| r.target.as_str()).collect::<Vec<_>>(), ["/a/b", "/0", "/1", "/2", "/3", "/4"]);
    assert!(seen.iter().all(|r| r.method == "GET" && r.header("authorization") == "Bearer the-key-1234"));
    one.suffers(inner(6));
    assert!(told(&web, &with_key("/a")).contains("leads on more than 5 times"));
    one.taken();
    // Another host gets the request, and not the key; nor does the one behind it that leads back.
    one.suffers([Some(Fault::Leads(307, format!("{}/there", other.url())))]);
    other.suffers([Some(Fault::Leads(302, format!("{}/back", one.url())))]);
    assert_eq!(body(&web, &with_key("/a")), "hello /back");
    assert_eq!(other.taken()[0].header("authorization"), "");
    assert_eq!(one.taken().iter().map(|r| r.header("authorization").len()).collect::<Vec<_>>(), [19, 0]);
    // A key in the address goes nowhere else either, though the service itself hands it on.
    let in_address = Ask::get(format!("{}/works", one.url())).secret_in_address("api_key", "the/key=1234");
    one.suffers([Some(Fault::Leads(302, format!("{}/works?api_key=the%2Fkey%3D1234", other.url())))]);
    let why = told(&web, &in_address);
    assert!(why.contains("the key is not for that") && !why.contains("1234"), "{why}");
    assert_eq!((one.taken()[0].arg("api_key"), other.taken().len()), ("the/key=1234", 0));
    // What is no address of the web is not followed; nor is anything that was sent.
    for to in ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher:x"] {
        one.suffers([Some(Fault::Leads(302, to.into()))]);
        assert!(told(&web, &with_key("/a")).contains("no address of http or https"), "{to}");
    }
    one.suffers([Some(Fault::Leads(307, "/elsewhere".into()))]);
    assert!(told(&web, &with_key("/a").post(b"x".to_vec())).contains("write that address"));
}

#[test]
fn a_service_is_asked_one_at_a_time_and_at_its_pace() {
    let (one, other) = (hello(), hello());
    let web = Web::new(Manners { pace: 0.5, ..hurried() });
    let ask = |server: &Server| Ask::get(server.url()).paced(None, Duration::from_millis(300));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| web.page(&ask(&one)).expect("a page"));
        }
        scope.spawn(|| web.page(&ask(&other)).expect("a page"));
    });
    let times: Vec<Instant> = one.requests().iter().map(|r| r.at).collect();
    assert_eq!(times.len(), 3);
    // Half of 300 ms, as the manners say.
    assert!(times.windows(2).all(|two| two[1] - two[0] >= Duration::from_millis(150)), "{times:?}");
    assert!(other.requests()[0].at < times[2], "another service does not wait for this one");
    // Two hosts of one service share its pace.
    let shared = |server: &Server| Ask::get(server.url()).paced("shared", Duration::from_millis(400));
    web.page(&shared(&one)).expect("a page");
    web.page(&shared(&other)).expect("a page");
    let (first, second) = (one.requests()[3].at, other.requests()[1].at);
    assert!(second - first >= Duration::from_millis(200));
}

#[test]
fn what_fails_for_now_is_tried_again_and_not_before_its_time() {
    let server = hello();
    let web = Web::new(hurried());
    let ask = Ask::get(server.url());
    server.suffers([Some(Fault::Status(503, "busy", Some("1"))), Some(Fault::Status(429, "", None))]);
    assert_eq!(body(&web, &ask), "hello /");
    let times: Vec<Instant> = server.taken().iter().map(|r| r.at).collect();
    assert!(times[1] - times[0] >= Duration::from_secs(1));
    // What a person has to mend is not tried again.
    for status in [400, 401, 404, 410] {
        server.suffers([Some(Fault::Status(status, "no", None))]);
        assert!(told(&web, &ask).contains(&format!("it answered {status}")));
        assert_eq!(server.taken().len(), 1);
    }
    // A wait that is too long is left to the next run, and until then nobody asks.
    server.suffers([Some(Fault::Status(429, "", Some("3600")))]);
    assert!(told(&web, &ask).contains("left alone for 3600 s"));
    let why = told(&web, &ask);
    assert!(why.contains("left alone for 3600 s more") || why.contains("left alone for 3599 s more"), "{why}");
    assert_eq!(server.taken().len(), 1);
    let gone = { hello().url() };
    let why = told(&web, &Ask::get(gone));
    assert!(why.contains("nobody answers there, 3 times"), "{why}");
}

#[test]
fn an_answer_has_a_greatest_time_and_size() {
    let server = Server::start(|request| match request.path.as_str() {
        "/big" => Answer::of("text/plain", vec![b'x'; 3 << 20]),
        _ => Answer::of("text/plain", "some words that drip"),
    });
    let manners = Manners { timeout: Duration::from_millis(600), ..hurried() };
    let web = Web::new(Manners { patience: Patience { tries: 1, ..manners.patience }, ..manners });
    server.suffers([Some(Fault::Drips)]);
    let begun = Instant::now();
    let why = told(&web, &Ask::get(format!("{}/slow", server.url())));
    assert!(why.contains("took longer than 0.6 s") && begun.elapsed() < Duration::from_secs(3), "{why}");
    // Counted unpacked: three megabytes are three kilobytes on the way.
    let big = Ask::get(format!("{}/big", server.url())).at_most(1 << 20);
    for packs in [false, true] {
        server.packs(packs);
        assert!(told(&web, &big).contains("longer than 1048576 bytes"));
    }
    assert_eq!(web.page(&big.at_most(4 << 20)).expect("fits").body.len(), 3 << 20);
}

#[test]
fn what_is_known_is_not_sent_again() {
    let server = hello();
    server.validates(true);
    let web = Web::new(hurried());
    let page = web.page(&Ask::get(server.url())).expect("a page");
    let known = page.validators();
    assert!(known.etag.is_some());
    assert!(matches!(web.ask(&Ask::get(server.url()).unless(known.clone())), Ok(Reply::Unchanged)));
    assert!(matches!(web.ask(&Ask::get(format!("{}/new", server.url())).unless(known)), Ok(Reply::Page(_))));
}

#[test]
fn a_wait_ends_when_the_work_is_given_up() {
    let server = hello();
    let web = Web::new(hurried());
    server.suffers([Some(Fault::Status(503, "", Some("2")))]);
    let (cancel, begun) = (Cancel::new(), Instant::now());
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| cancel.scope(|| web.ask(&Ask::get(server.url())).map(drop)));
        // Who waits for its turn is heard as well.
        std::thread::sleep(Duration::from_millis(100));
        let waits = scope.spawn(|| cancel.scope(|| web.ask(&Ask::get(server.url())).map(drop)));
        std::thread::sleep(Duration::from_millis(100));
        cancel.cancel();
        for thread in [asks, waits] {
            assert!(matches!(thread.join().expect("no panic"), Err(Error::Cancelled)));
        }
    });
    assert!(begun.elapsed() < Duration::from_millis(1500));
}

#[test]
fn addresses_of_users_lead_to_no_private_network() {
    let server = hello();
    let port = server.port();
    let web = Web::new(hurried());
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let ask = Ask::get(format!("http://{host}:{port}/x")).given_by(GivenBy::User);
        let why = told(&web, &ask);
        // Not every system reads every form as an address.
        let refused = why.contains("no public address") && why.contains("private_addresses = true");
        assert!(
            refused || why.contains("stands for no address") || why.contains("no address to fetch from"),
            "{host}: {why}"
        );
    }
    assert_eq!(server.requests().len(), 0);
    // The settings may allow it, and what stands in them may lead anywhere.
    let lax = Web::new(Manners { private: true, ..hurried() });
    assert_eq!(body(&lax, &Ask::get(server.url()).given_by(GivenBy::User)), "hello /");
    assert_eq!(body(&web, &Ask::get(server.url())), "hello /");
}

#[test]
fn keys_stand_in_no_error_and_no_log() {
    let server = Server::start(|request| {
        let said = format!("bad key {} {}", request.arg("api_key"), request.header("authorization"));
        Answer::of("text/plain", said).with(if request.path == "/later" { 500 } else { 400 })
    });
    let web = Web::new(hurried());
    for path in ["/now", "/later"] {
        let ask = Ask::get(format!("{}{path}", server.url()))
            .secret_in_address("api_key", "query/secret")
            .secret_header(AUTHORIZATION, "Bearer ", "header-secret");
        for text in [told(&web, &ask), format!("{ask:?}")] {
            assert!(!text.contains("query") && !text.contains("header-secret"), "{text}");
        }
    }
    for (url, wanted) in [
        ("http://me:hidden@[bad/x?key=hidden", "no address to fetch from"),
        ("file:///etc/passwd", "no address to fetch from"),
        ("papers.example/feed", "no address to fetch from"),
    ] {
        let why = told(&web, &Ask::get(url));
        assert!(why.contains(wanted) && !why.contains("hidden"), "{why}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_string()]).expect("made");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            while tls.complete_io(&mut stream).is_ok() && tls.is_handshaking() {}
        }
    });
    let why = told(&Web::new(hurried()), &Ask::get(format!("https://{address}/")));
    assert!(why.contains("its certificate cannot be trusted") && !why.contains("3 times"), "{why}");
}

/// The environment belongs to the whole process: this is what the next test runs in another one.
#[test]
fn behind_the_proxy_of_the_environment() {
    let Ok(private) = std::env::var("POLITE_TEST_PRIVATE") else { return };
    let web = Web::new(hurried());
    assert_eq!(body(&web, &Ask::get("http://papers.invalid/x")), "by proxy");
    // An address of a user is looked at here, and not by the proxy.
    assert!(told(&web, &Ask::get(private).given_by(GivenBy::User)).contains("no public address"));
}

#[test]
fn the_proxy_of_the_environment_is_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = proxy.local_addr().expect("an address");
    let seen = std::thread::spawn(move || {
        let (stream, _) = proxy.accept().expect("a connection");
        let mut lines = BufReader::new(stream.try_clone().expect("cloned"));
        let mut stream = stream;
        let mut head = || {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).expect("a line") > 0 {}
            head
        };
        let mut seen = head();
        if seen.starts_with("CONNECT") {
            stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").expect("sent");
            seen.push_str(&head());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nby proxy").expect("sent");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
        seen
    });
    let private = hello();
    let child = std::process::Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "polite::behind_the_proxy_of_the_environment", "--nocapture"])
        .env("http_proxy", format!("http://{address}"))
        .env("POLITE_TEST_PRIVATE", private.url())
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("ALL_PROXY")
        .env_remove("all_proxy")
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
    let seen = seen.join().expect("no panic");
    assert!(seen.contains("papers.invalid"), "{seen}");
    assert_eq!(private.requests().len(), 0);
}
