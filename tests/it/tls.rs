//! TLS by the service itself: what it is served with, what is wrong with a certificate, and bad manners before the first request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::support::{Folder, Server, papers};

/// A certificate for this machine and its key, as files beside the data folder; and what trusts it.
struct Made {
    certificate: PathBuf,
    key: PathBuf,
    der: CertificateDer<'static>,
}

fn made(folder: &Folder) -> Made {
    let names = vec!["localhost".to_string(), "127.0.0.1".into(), "papers.example".into()];
    let made = rcgen::generate_simple_self_signed(names).expect("made");
    let certificate = folder.file("certificate.pem", made.cert.pem()).into();
    let key: PathBuf = folder.file("key.pem", made.signing_key.serialize_pem()).into();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("set");
    }
    Made { certificate, key, der: made.cert.der().clone() }
}

/// A service over so many papers that speaks TLS, with these settings.
fn serve(count: usize, settings: &[(&str, &str)]) -> (Folder, Made, Server) {
    let folder = Folder::new();
    if count > 0 {
        folder.json(&["ingest", &folder.file("p.jsonl", papers(count))]);
    }
    let made = made(&folder);
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.arg("--tls-certificate").arg(&made.certificate).arg("--tls-key").arg(&made.key);
    command.envs(settings.iter().map(|(name, value)| (format!("PAPERKIN_{name}"), value)));
    let server = Server::spawn(command);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    (folder, made, server)
}

fn bare(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("https://")).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    stream.set_nodelay(true).expect("set");
    stream
}

type Line = StreamOwned<ClientConnection, TcpStream>;

fn client(
    trusted: &CertificateDer<'static>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

fn line_of(server: &Server, config: &Arc<ClientConfig>) -> Line {
    let name = ServerName::try_from("localhost").expect("a name");
    StreamOwned::new(ClientConnection::new(Arc::clone(config), name).expect("a client"), bare(server))
}

fn line(server: &Server, made: &Made) -> Line {
    line_of(server, &client(&made.der, rustls::ALL_VERSIONS))
}

/// Sends a request on a connection that stays open, and reads its answer: the head, and the body by its length.
fn ask(line: &mut Line, request: &str, body: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
    let head = match body.len() {
        0 => format!("{request}\r\n\r\n"),
        length => format!("{request}\r\ncontent-length: {length}\r\n\r\n"),
    };
    line.write_all(head.as_bytes())?;
    line.write_all(body)?;
    line.flush()?;
    let mut reader = BufReader::new(line);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let low = head.to_ascii_lowercase();
    let length = low.split("content-length: ").nth(1).and_then(|t| t.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

fn get(line: &mut Line, path: &str) -> (String, Value) {
    let (head, body) = ask(line, &format!("GET {path} HTTP/1.1\r\nhost: localhost"), b"").expect("an answer");
    (head, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// A figure of `/metrics`; 0 where it was never counted.
fn figure(server: &Server, made: &Made, name: &str) -> f64 {
    let (_, text) = ask(&mut line(server, made), "GET /metrics HTTP/1.1\r\nhost: localhost", b"").expect("an answer");
    let text = String::from_utf8(text).expect("text");
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(series, _)| series == name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

fn soon(what: impl Fn() -> bool) -> bool {
    (0..100).any(|_| {
        what() || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }
    })
}

#[test]
fn everything_is_served_over_tls() {
    let (folder, made, server) = serve(0, &[("HOSTS", "papers.example")]);
    let mut kept = line(&server, &made);
    // One connection: papers in, a search, and what the document says of the address.
    let lines = papers(400);
    let request = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson";
    let (head, body) = ask(&mut kept, request, lines.as_bytes()).expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON")["accepted"], 400);
    assert_eq!(kept.conn.alpn_protocol(), Some(&b"http/1.1"[..]), "the first of the client is not spoken");
    assert_eq!(kept.conn.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let (head, found) = get(&mut kept, "/v1/search?q=topic3&limit=100");
    assert_eq!(found["papers"].as_array().map(Vec::len), Some(100));
    assert!(!head.to_lowercase().contains("strict-transport-security"), "localhost has other ports: {head}");
    let (_, document) = get(&mut kept, "/openapi.json");
    assert_eq!(document["servers"][0]["url"], "https://localhost");
    let (_, ready) = get(&mut kept, "/readyz");
    assert!(
        ready["tls"]["expires"].as_str().is_some_and(|at| at > "2027") && ready["tls"]["stale"] == false,
        "{ready}"
    );
    let request = "GET /healthz HTTP/1.1\r\nhost: papers.example";
    let (head, _) = ask(&mut kept, request, b"").expect("an answer");
    assert!(head.to_lowercase().contains("strict-transport-security: max-age=31536000\r\n"), "{head}");
    // The version before, too.
    let mut old = line_of(&server, &client(&made.der, &[&rustls::version::TLS12]));
    assert!(get(&mut old, "/healthz").0.starts_with("HTTP/1.1 200"));
    assert_eq!(old.conn.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    // A session is taken up again.
    let config = client(&made.der, rustls::ALL_VERSIONS);
    let kinds: Vec<_> = (0..3)
        .map(|_| {
            let mut again = line_of(&server, &config);
            get(&mut again, "/healthz");
            again.conn.handshake_kind()
        })
        .collect();
    assert_eq!(kinds.last(), Some(&Some(rustls::HandshakeKind::Resumed)), "{kinds:?}");
    // Commands on the folder name the address.
    let again = folder.run(&["serve", "--addr", "127.0.0.1:0"]);
    assert!(again.status == Some(1) && again.err.contains(&server.url), "{}", again.err);
    assert!(figure(&server, &made, "paperkin_tls_handshakes_total{result=\"done\"}") >= 5.0);
    assert!(figure(&server, &made, "paperkin_tls_certificate_expiry_seconds") > 1.8e9);
}

#[cfg(unix)]
#[test]
fn a_new_certificate_is_taken_without_dropping_anybody() {
    let (folder, before, server) = serve(50, &[]);
    let mut kept = line(&server, &before);
    assert!(get(&mut kept, "/healthz").0.starts_with("HTTP/1.1 200"));
    let resuming = client(&before.der, rustls::ALL_VERSIONS);
    get(&mut line_of(&server, &resuming), "/healthz");
    // A file that is half there changes nothing, and says so.
    std::fs::write(&before.certificate, "-----BEGIN CERTIFICATE-----\nMIIB").expect("written");
    server.signal("HUP");
    let told = server.wait_for("stays as it was");
    assert!(told.contains("certificate.pem"), "{told}");
    assert_eq!(get(&mut line(&server, &before), "/readyz").1["tls"]["stale"], true);
    // The right one.
    let after = made(&folder);
    server.signal("HUP");
    server.wait_for("was read again");
    assert_eq!(get(&mut line(&server, &after), "/readyz").1["tls"]["stale"], false);
    assert!(get(&mut kept, "/v1/search?q=topic1").0.starts_with("HTTP/1.1 200"), "the old connection goes on");
    // Whoever trusts the one of before alone is served no more, also not by a session of before.
    for config in [client(&before.der, rustls::ALL_VERSIONS), resuming] {
        let refused = ask(&mut line_of(&server, &config), "GET /healthz HTTP/1.1\r\nhost: localhost", b"");
        assert!(refused.is_err_and(|e| e.to_string().contains("certificate")));
    }
    let count = |result| figure(&server, &after, &format!("paperkin_tls_reloads_total{{result=\"{result}\"}}"));
    assert_eq!((count("done"), count("failed")), (1.0, 1.0));
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_at_the_start() {
    let folder = Folder::new();
    let first = made(&folder);
    let key = std::fs::read_to_string(&first.key).expect("read");
    let certificate = first.certificate.display().to_string();
    let other = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    let file = |name: &str, text: &str| folder.file(name, text);
    let own = first.key.display().to_string();
    for (certificate, key, words) in [
        (certificate.as_str(), file("other.pem", &other).as_str(), "does not match the first certificate"),
        (&certificate, &file("locked.pem", &key.replace("PRIVATE", "ENCRYPTED PRIVATE")), "encrypted"),
        (&certificate, "/nowhere/key.pem", "/nowhere/key.pem"),
        (&own, &certificate, "wrong way round"),
        (&file("empty.pem", ""), &own, "holds no certificate"),
        (&folder.dir.path().display().to_string(), &own, "cannot be read"),
    ] {
        let ran = folder.run(&["serve", "--addr", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key]);
        assert!(ran.status == Some(1) && ran.err.contains(words), "{words}: {:?} {}", ran.status, ran.err);
    }
    let half = folder.run(&["serve", "--addr", "127.0.0.1:0", "--tls-key", &own]);
    assert!(half.status == Some(1) && half.err.contains("tls_certificate is not"), "{}", half.err);
    assert!(!folder.data().exists(), "nothing was made");
}

#[test]
fn who_dawdles_over_a_handshake_is_cut_off_and_others_are_served() {
    let (_folder, made, server) = serve(100, &[("HEADER_TIMEOUT_S", "1"), ("IDLE_TIMEOUT_S", "20")]);
    let began = Instant::now();
    // Some say nothing; some begin a first message of 512 bytes and send a byte now and then.
    let silent: Vec<TcpStream> = (0..20).map(|_| bare(&server)).collect();
    let mut dripping: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = bare(&server);
            stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).expect("sent");
            stream
        })
        .collect();
    for _ in 0..30 {
        dripping.iter_mut().for_each(|stream| drop(stream.write_all(&[0])));
        let asked = Instant::now();
        assert!(get(&mut line(&server, &made), "/v1/search?q=topic1&mode=lexical").0.starts_with("HTTP/1.1 200"));
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    let cut = silent.into_iter().chain(dripping).all(|mut stream| {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        rest.is_empty()
    });
    assert!(cut && began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(figure(&server, &made, "paperkin_connections_closed_total{reason=\"handshake\"}"), 40.0);
    assert!(soon(|| figure(&server, &made, "paperkin_connections") <= 1.0));
    assert_eq!(figure(&server, &made, "paperkin_body_bytes"), 0.0);
    // A head is cut as without TLS.
    let mut slow = line(&server, &made);
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").expect("sent");
    slow.flush().expect("sent");
    let mut rest = Vec::new();
    let began = Instant::now();
    let _ = slow.read_to_end(&mut rest);
    assert!(rest.is_empty() && began.elapsed() < Duration::from_secs(5));
    assert_eq!(figure(&server, &made, "paperkin_connections_closed_total{reason=\"header\"}"), 1.0);
}

#[test]
fn who_does_not_speak_tls_is_told_and_costs_nothing() {
    let (_folder, made, server) = serve(100, &[]);
    let mut kept = line(&server, &made);
    for k in 0..200 {
        let mut plain = bare(&server);
        let method = ["GET / HTTP/1.1", "POST /v1/papers HTTP/1.1", "get /x HTTP/1.0"][k % 3];
        plain.write_all(format!("{method}\r\nhost: x\r\n\r\n").as_bytes()).expect("sent");
        let mut said = String::new();
        plain.read_to_string(&mut said).expect("an answer, and the end");
        let version = &method[method.len() - 8..];
        assert!(said.starts_with(&format!("{version} 400")) && said.contains("https://"), "{said}");
        assert!(said.contains("\"code\":\"bad_request\""), "{said}");
    }
    assert_eq!(figure(&server, &made, "paperkin_tls_handshakes_total{result=\"plain\"}"), 200.0);
    // What is neither is closed; TLS says why.
    for bytes in
        [&b"\x00\x01\x02\x03"[..], b"\x16\x03\x01\xff\xff", b"\x15\x03\x01\x00\x02\x02\x28", b"\x80\x2e\x01\x00\x02"]
    {
        let mut odd = bare(&server);
        odd.write_all(&[bytes, &[0; 600]].concat()).expect("sent");
        let mut said = Vec::new();
        let _ = odd.read_to_end(&mut said);
        assert!(said.is_empty() || said[0] == 0x15, "{said:?}");
    }
    // A client that only speaks what is not offered.
    let mut other = client(&made.der, rustls::ALL_VERSIONS);
    Arc::make_mut(&mut other).alpn_protocols = vec![b"h2".to_vec()];
    assert!(ask(&mut line_of(&server, &other), "GET / HTTP/1.1\r\nhost: localhost", b"").is_err());
    assert!(soon(|| figure(&server, &made, "paperkin_tls_handshakes_total{result=\"failed\"}") == 5.0));
    assert!(get(&mut kept, "/v1/search?q=topic1").0.starts_with("HTTP/1.1 200"), "others never noticed");
    assert!(soon(|| figure(&server, &made, "paperkin_connections") <= 2.0));
}

#[cfg(unix)]
#[test]
fn few_descriptors_are_enough_for_handshakes_that_never_end() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(300))]);
    let made = made(&folder);
    let inner = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.arg("--tls-certificate").arg(&made.certificate).arg("--tls-key").arg(&made.key);
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let server = Server::spawn(command);
    let crowd: Vec<TcpStream> = (0..150)
        .map(|k| {
            let mut stream = bare(&server);
            let begun: [&[u8]; 3] = [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nx: "];
            stream.write_all(begun[k % 3]).expect("sent");
            stream
        })
        .collect();
    for _ in 0..10 {
        assert!(get(&mut line(&server, &made), "/healthz").0.starts_with("HTTP/1.1 200"));
        assert_eq!(get(&mut line(&server, &made), "/readyz").1["status"], "ready");
        let (_, found) = get(&mut line(&server, &made), "/v1/search?q=topic1&limit=100");
        assert!(found["papers"].as_array().is_some_and(|p| p.len() == 100));
    }
    assert!(figure(&server, &made, "paperkin_connections_closed_total{reason=\"room\"}") > 0.0);
    drop(crowd);
}

#[test]
fn answers_that_nobody_reads_are_given_up_over_tls_as_well() {
    let (_folder, made, server) = serve(0, &[("WRITE_TIMEOUT_S", "2"), ("ANSWER_MEMORY", "4000000")]);
    let long = "word ".repeat(3000);
    let body: String = (0..100)
        .map(|k| json!({ "id": format!("l/{k}"), "title": format!("Long {k}"), "abstract": long }).to_string() + "\n")
        .collect();
    let request = "POST /v1/papers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson";
    ask(&mut line(&server, &made), request, body.as_bytes()).expect("an answer");
    let list = "/v1/search?q=long&mode=lexical&limit=100";
    let deaf: Vec<Line> = (0..20)
        .map(|_| {
            let mut line = line(&server, &made);
            let request = format!("GET {list} HTTP/1.1\r\nhost: localhost\r\n\r\n").repeat(3);
            line.write_all(request.as_bytes()).and_then(|()| line.flush()).expect("sent");
            line
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    assert!(figure(&server, &made, "paperkin_answer_bytes") <= 4_000_000.0);
    assert!(soon(|| figure(&server, &made, "paperkin_answer_bytes") == 0.0), "they were never given up");
    let closed = |reason| figure(&server, &made, &format!("paperkin_connections_closed_total{{reason=\"{reason}\"}}"));
    assert!(closed("unread") + closed("memory") >= 2.0);
    assert!(get(&mut line(&server, &made), list).1["papers"].as_array().is_some_and(|p| p.len() == 100));
    drop(deaf);
}

#[test]
fn doctor_looks_at_the_certificate() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(5))]);
    let made = made(&folder);
    let look = |certificate: &std::path::Path| {
        let mut command = folder.command(&["doctor", "--json"]);
        command.env("PAPERKIN_TLS_CERTIFICATE", certificate).env("PAPERKIN_TLS_KEY", &made.key);
        let ran = command.output().expect("runs");
        let told: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        let checks = told["checks"].as_array().expect("checks").clone();
        let own = checks.into_iter().find(|check| check["check"] == "certificate").expect("the check");
        (ran.status.code(), own["status"].clone(), own["found"].as_str().unwrap_or_default().to_string())
    };
    let (status, health, found) = look(&made.certificate);
    assert_eq!((status, health), (Some(0), json!("ok")), "{found}");
    let (status, health, found) = look(&folder.path("nowhere.pem"));
    assert_eq!((status, health), (Some(1), json!("bad")), "{found}");
    assert!(found.contains("tls_certificate") && found.contains("nowhere.pem"), "{found}");
}
