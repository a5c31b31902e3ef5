//! Signing in with a browser: sessions, one-time links, changes from other origins, the headers of pages, and a proxy that signs
//! people in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Folder, Server, files_below, paper};

const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const OWN: (&str, &str) = ("Sec-Fetch-Site", "same-origin");

/// A service where people sign in, with some papers, and its first key.
struct Service {
    folder: Folder,
    server: Server,
    admin: String,
}

/// An answer as it came: no redirect is followed.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Service {
    fn new() -> Self {
        Self::with(&[])
    }

    /// With some settings more, by the environment.
    fn with(settings: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let file = folder.file("p.jsonl", (0..20).map(|k| format!("{}\n", paper(k))).collect::<String>());
        folder.json(&["ingest", &file]);
        let admin = key(&folder, &["boss", "--scope", "admin"]);
        let mut service = Service { server: Server::spawn(command(&folder, settings)), folder, admin };
        // The address alone, whatever was printed behind it.
        service.server.url = service.server.url.split('/').take(3).collect::<Vec<_>>().join("/");
        service
    }

    fn host(&self) -> &str {
        self.server.url.trim_start_matches("http://")
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.host()).expect("connects");
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head.push_str(&format!("Host: {}\r\n", self.host()));
        }
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        if !body.is_empty() || method != "GET" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        let mut lines = head.lines();
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
            .collect();
        Answer { status, headers, body: body.to_string() }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers, "")
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
        self.ask("POST", path, &[&[FORM, OWN], headers].concat(), form)
    }

    /// Signs in by a key; the cookie, as it is sent back.
    fn sign_in(&self, key: &str) -> String {
        let answer = self.post("/sign-in", &[], &format!("key={key}"));
        assert_eq!((answer.status, answer.header("location")), (303, "./"), "{}", answer.body);
        answer.cookie()
    }

    /// A one-time link for a reader: its path.
    fn link(&self, reader: &str) -> String {
        let bearer = format!("Bearer {}", self.admin);
        let path = format!("/v1/users/{reader}/sign-in-link");
        let answer = self.ask("POST", &path, &[("Authorization", &bearer)], "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let told = answer.json();
        assert_eq!(told["valid_for_s"], 900);
        let url = told["url"].as_str().expect("an address").to_string();
        url.strip_prefix(&self.server.url).expect("below the service").to_string()
    }

    fn key(&self, args: &[&str]) -> String {
        key(&self.folder, args)
    }

    fn me(&self, cookie: &str) -> Answer {
        self.get("/v1/me", &[("Cookie", cookie)])
    }
}

/// A command that serves a folder where people sign in.
fn command(folder: &Folder, settings: &[(&str, &str)]) -> Command {
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("PAPERKIN_AUTH_MODE", "keys");
    command.envs(settings.iter().copied());
    command
}

fn key(folder: &Folder, args: &[&str]) -> String {
    let ran = folder.run(&[&["keys", "add"], args].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    ran.out.split_whitespace().find(|word| word.starts_with("pk_")).expect("a key").to_string()
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap_or_default().to_string()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

#[test]
fn a_cookie_is_made_at_every_sign_in_and_none_that_was_brought_is_taken_over() {
    let service = Service::new();
    let ada = service.key(&["Ada's laptop", "--user", "ada"]);
    let answer = service.post("/sign-in", &[], &format!("key={ada}&to=%2Ffor-you%3Fspan%3Dday"));
    assert_eq!((answer.status, answer.header("location")), (303, "./for-you?span=day"));
    let sent = answer.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(sent.split("; ").any(|part| part == attribute), "{sent} has no {attribute}");
    }
    assert!(!sent.contains("Secure") && !sent.starts_with("__Host-") && !sent.contains("Domain"), "{sent}");
    let first = answer.cookie();
    let me = service.me(&first).json();
    assert_eq!((&me["mode"], &me["identity"], &me["reader"]), (&json!("keys"), &json!("session"), &json!("ada")));
    assert_eq!((&me["scopes"], &me["session"]["current"]), (&json!(["read"]), &json!(true)));
    // Fixation: a secret that somebody else chose, or knows, opens nothing afterwards.
    let name = first.split('=').next().expect("a name");
    let chosen = format!("{name}={}", "ab".repeat(32));
    for brought in [&chosen, &first] {
        let answer = service.post("/sign-in", &[("Cookie", brought)], &format!("key={ada}"));
        assert!(answer.status == 303 && answer.cookie() != *brought);
        assert_eq!(service.me(brought).status, 401);
        assert_eq!(service.me(&answer.cookie()).status, 200);
    }
    // By https the cookie is for https alone, and for this host alone: a proxy on this machine is believed.
    let https = ("X-Forwarded-Proto", "https");
    let answer = service.post("/sign-in", &[https], &format!("key={ada}"));
    let sent = answer.header("set-cookie");
    assert!(sent.starts_with("__Host-paperkin=") && sent.split("; ").any(|part| part == "Secure"), "{sent}");
    assert_eq!(service.get("/v1/me", &[https, ("Cookie", &answer.cookie())]).status, 200);
    let renamed = answer.cookie().replace("__Host-paperkin", name);
    assert_eq!(service.get("/v1/me", &[https, ("Cookie", &renamed)]).status, 401, "by https no other name counts");
    // It is the reader's and nobody else's.
    let of = |path: &str| service.get(path, &[("Cookie", &first)]).status;
    let now = service.sign_in(&ada);
    let of_now = |path: &str| service.get(path, &[("Cookie", &now)]).status;
    assert_eq!((of("/v1/users/ada"), of_now("/v1/users/ada"), of_now("/v1/users/bob")), (401, 200, 403));
    assert_eq!((of_now("/v1/users"), of_now("/v1/keys"), of_now("/v1/search?q=words")), (403, 403, 200));
}

#[test]
fn a_link_signs_in_once_and_only_when_its_button_is_pressed() {
    let service = Service::new();
    let path = service.link("ada");
    // Whatever follows links changes nothing.
    for _ in 0..3 {
        let page = service.get(&path, &[HTML, ("Sec-Purpose", "prefetch")]);
        assert_eq!((page.status, page.header("set-cookie")), (200, ""));
        assert!(page.body.contains("Sign in as ada") && page.header("cache-control").contains("no-store"));
    }
    assert_eq!(service.ask("HEAD", &path, &[HTML], "").status, 200);
    let signed_in = service.post(&path, &[("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")], "");
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "../"));
    let cookie = signed_in.cookie();
    let me = service.me(&cookie).json();
    assert_eq!((&me["reader"], &me["session"]["browser"]), (&json!("ada"), &json!("Firefox on Linux")));
    assert_eq!(me["session"]["key"], Value::Null);
    // Replayed, by whichever method.
    for again in [service.post(&path, &[], ""), service.get(&path, &[HTML])] {
        assert_eq!((again.status, again.header("set-cookie")), (410, ""));
        assert!(again.body.contains("This link was used"), "{}", again.body);
    }
    assert_eq!(service.me(&cookie).status, 200);
    // Forged, cut off, not even one: each counts as a guess, and after some of them the next has to wait.
    let mut statuses = Vec::new();
    for k in 0..25 {
        let forged =
            ["/sign-in/00", &format!("/sign-in/{}", "0".repeat(64)), &path[..path.len() - 1]][k % 3].to_string();
        statuses.push(if k % 2 == 0 { service.post(&forged, &[], "") } else { service.get(&forged, &[HTML]) }.status);
    }
    assert_eq!((statuses[0], statuses[19], statuses[24]), (401, 401, 429), "{statuses:?}");
    // Who has the right one is let in all the same.
    let other = service.link("bob");
    assert_eq!(service.post(&other, &[("Cookie", &cookie)], "").status, 303);
    assert_eq!(service.me(&cookie).status, 401, "the new session took the place of the old one");
    // The command line prints one as well.
    let told = service.folder.json(&["users", "link", "ada"]).remove(0);
    let path =
        told["url"].as_str().and_then(|url| url.strip_prefix(&service.server.url)).expect("an address").to_string();
    assert_eq!(service.post(&path, &[], "").status, 303);
    let known = service.folder.json(&["users", "sessions", "ada"]);
    assert_eq!((known.len(), &known[0]["reader"]), (1, &json!("ada")));
    // Without `users` nobody makes one, for themselves neither: it would outlast the key.
    let own = format!("Bearer {}", service.key(&["x", "--user", "ada"]));
    assert_eq!(service.ask("POST", "/v1/users/ada/sign-in-link", &[("Authorization", &own)], "").status, 403);
}

#[test]
fn a_session_ends_at_once_with_its_key_its_reader_or_when_it_is_ended() {
    let service = Service::new();
    let boss = service.sign_in(&service.admin);
    let ada = service.key(&["a", "--user", "ada"]);
    let sessions = [service.sign_in(&ada), service.sign_in(&ada), service.sign_in(&ada)];
    let status = |cookie: &str| service.me(cookie).status;
    let own = service.get("/v1/sessions", &[("Cookie", &sessions[0])]).json();
    let list = own["sessions"].as_array().expect("sessions");
    assert_eq!((list.len(), list.iter().filter(|s| s["current"] == true).count()), (3, 1));
    let all = service.get("/v1/sessions", &[("Cookie", &boss)]).json();
    assert_eq!(all["sessions"].as_array().map(Vec::len), Some(4));
    let bosses = all["sessions"].as_array().and_then(|all| all.iter().find(|s| s["current"] == true)).expect("hers");
    // Nobody ends another's.
    let end = |cookie: &str, id: &Value| {
        let path = format!("/v1/sessions/{}", id.as_str().expect("an id"));
        service.ask("DELETE", &path, &[("Cookie", cookie), OWN], "").status
    };
    assert_eq!((end(&sessions[0], &bosses["id"]), status(&boss)), (404, 200));
    let id_of = |cookie: &str| service.me(cookie).json()["session"]["id"].clone();
    assert_eq!((end(&sessions[0], &id_of(&sessions[1])), status(&sessions[1])), (204, 401));
    assert_eq!((end(&boss, &id_of(&sessions[2])), status(&sessions[2])), (204, 401));
    // Signing out.
    let asked = service.get("/sign-out", &[HTML, ("Cookie", &sessions[0])]);
    assert_eq!((asked.status, status(&sessions[0])), (200, 200), "asking changes nothing");
    let out = service.post("/sign-out", &[("Cookie", &sessions[0])], "");
    assert_eq!((out.status, status(&sessions[0])), (303, 401));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    // Everywhere.
    let more = [service.sign_in(&ada), service.sign_in(&ada)];
    let page = service.get("/sessions", &[HTML, ("Cookie", &more[0])]);
    assert!(page.body.contains("Sign out everywhere") && page.body.contains("this browser"), "{}", page.body);
    assert_eq!(service.post("/sessions", &[("Cookie", &more[0])], "everywhere=yes").status, 303);
    assert_eq!((status(&more[0]), status(&more[1]), status(&boss)), (401, 401, 200));
    // With the key.
    let last = service.sign_in(&ada);
    let id = ada.split('_').nth(1).expect("an id");
    assert_eq!(service.folder.run(&["keys", "revoke", id]).status, Some(0));
    assert_eq!(status(&last), 401);
    // With the reader.
    let path = service.link("ada");
    let cookie = service.post(&path, &[], "").cookie();
    assert_eq!(status(&cookie), 200);
    assert_eq!(service.ask("DELETE", "/v1/users/ada", &[("Cookie", &boss), OWN], "").status, 204);
    assert_eq!(status(&cookie), 401);
    // Opened again it is the same.
    drop(service.server);
    let server = Server::spawn(command(&service.folder, &[]));
    let reopened = Service { server, folder: service.folder, admin: service.admin };
    assert_eq!(reopened.get("/v1/me", &[("Cookie", &cookie)]).status, 401);
}

#[test]
fn changes_are_taken_from_programs_and_own_pages_alone() {
    let service = Service::with(&[("PAPERKIN_CORS_ORIGINS", "https://portal.example")]);
    let cookie = service.sign_in(&service.admin);
    let own = format!("http://{}", service.host());
    let port = format!("http://{}", service.host().replace("127.0.0.1:", "127.0.0.1:1"));
    let sites = [("", true), ("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)];
    // Without `Sec-Fetch-Site` the origin decides.
    let origins: [(&str, bool); 7] = [
        ("", true),
        (&own, true),
        (&port, false),
        ("null", false),
        ("http://localhost", false),
        ("https://evil.example", false),
        ("https://portal.example", true),
    ];
    let (body, json) = ("{\"events\":[{\"paper\":\"p/1\",\"kind\":\"view\"}]}", ("Content-Type", "application/json"));
    for (method, path, body, media) in [
        ("PUT", "/v1/users/ada", "{}", json),
        ("POST", "/v1/users/ada/events", body, json),
        ("POST", "/v1/users/ada/history", "p/1", ("Content-Type", "text/plain")),
        ("DELETE", "/v1/users/ada/token", "", json),
        ("POST", "/sign-in", "key=x", FORM),
        ("POST", "/nowhere", "", FORM),
    ] {
        for (site, by_site) in sites {
            for (origin, by_origin) in origins {
                let mut headers = vec![("Cookie", cookie.as_str()), media];
                headers.extend((!site.is_empty()).then_some(("Sec-Fetch-Site", site)));
                headers.extend((!origin.is_empty()).then_some(("Origin", origin)));
                let allowed = if site.is_empty() || origin == "https://portal.example" { by_origin } else { by_site };
                let answer = service.ask(method, path, &headers, body);
                assert_eq!(answer.status != 403, allowed, "{method} {path} {site:?} {origin:?}: {}", answer.body);
                if !allowed {
                    assert_eq!(answer.json()["error"]["code"], "forbidden");
                }
            }
        }
    }
    // To ask is no change, and no answer lets a page of another origin use the cookie.
    for (site, _) in sites {
        let headers = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", site), ("Origin", "https://evil.example")];
        let answer = service.get("/v1/search?q=words", &headers);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ""));
    }
    let let_in = service.get("/v1/search?q=words", &[("Cookie", &cookie), ("Origin", "https://portal.example")]);
    assert_eq!(let_in.header("access-control-allow-origin"), "https://portal.example");
    assert_eq!(let_in.header("access-control-allow-credentials"), "");
    // Where nobody signs in it is the same.
    let folder = Folder::new();
    let server = Server::start(&folder);
    let post = |headers: &[(&str, &str)]| {
        let all = [&[("content-type", "text/plain")], headers].concat();
        server.request_with("POST", "/v1/users/ada/history", &all, b"p/1").status
    };
    assert_eq!(post(&[("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(post(&[("origin", "https://evil.example")]), 403);
    assert_eq!((post(&[("origin", &server.url)]), post(&[])), (200, 200));
}

#[test]
fn pages_and_answers_say_what_a_browser_may_do_with_them() {
    let service = Service::new();
    let cookie = service.sign_in(&service.key(&["a", "--user", "<script>alert(1)</script>"]));
    for path in ["/", "/sign-in", "/sign-in/00", "/sessions", "/sign-out", "/web/x/page.js", "/web/x/page.css"] {
        let page = service.get(path, &[HTML, ("Cookie", &cookie)]);
        assert!([200, 401].contains(&page.status), "{path}: {}", page.status);
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        if !path.starts_with("/web/") {
            for part in
                ["script-src 'self'", "form-action 'self'", "base-uri 'none'", "require-trusted-types-for 'script'"]
            {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            let said = ["referrer-policy", "cross-origin-opener-policy"].map(|name| page.header(name));
            assert_eq!(said, ["same-origin", "same-origin"], "{path}");
            for inline in ["<script>", "<style", " style=", " onclick=", " onload="] {
                assert!(!page.body.contains(inline), "{path} holds {inline}");
            }
        }
    }
    let page = service.get("/sessions", &[HTML, ("Cookie", &cookie)]);
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;&#x2f;script&gt;"), "{}", page.body);
    let named = service.get(&service.link("%3Cscript%3E"), &[HTML]);
    assert!(named.status == 200 && named.body.contains("&lt;script&gt;"), "{}", named.body);
    let scripts = service.get("/docs/", &[]).header("content-security-policy").to_string();
    assert!(scripts.contains("script-src 'self';"), "{scripts}");
    // What is of somebody stays in no cache.
    for path in ["/v1/me", "/v1/sessions", "/v1/users/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/v1/search?q=words"] {
        let answer = service.get(path, &[("Cookie", &cookie)]);
        let said = (answer.status, answer.header("cache-control"), answer.header("x-content-type-options"));
        assert_eq!(said, (200, "private, no-store", "nosniff"), "{path}");
    }
}

#[test]
fn browsers_are_led_to_the_sign_in_page_and_back_and_nowhere_else() {
    let service = Service::new();
    let led = service.get("/v1/users/ada/feed?limit=3", &[HTML]);
    let to = "../../../sign-in?to=%2Fv1%2Fusers%2Fada%2Ffeed%3Flimit%3D3";
    assert_eq!((led.status, led.header("location")), (303, to));
    let page = service.get(&to.replace("../../../", "/"), &[HTML]);
    assert!(page.body.contains("value=\"&#x2f;v1&#x2f;users&#x2f;ada&#x2f;feed?limit=3\""), "{}", page.body);
    let program = service.get("/v1/users/ada/feed?limit=3", &[]);
    assert_eq!((program.status, &program.json()["error"]["code"]), (401, &json!("unauthorized")));
    let ada = service.key(&["a", "--user", "ada"]);
    let denied = service.get("/v1/jobs", &[HTML, ("Cookie", &service.sign_in(&ada))]);
    assert!(denied.status == 403 && denied.body.contains("This is not for you"), "{}", denied.body);
    for (to, wanted) in [
        ("%2Fv1%2Fusers%2Fada%2Ffeed%3Flimit%3D3", "./v1/users/ada/feed?limit=3"),
        ("https%3A%2F%2Fevil.example", "./"),
        ("%2F%2Fevil.example", "./"),
        ("%2F%5Cevil.example", "./"),
        ("%2F%09%2Fevil.example", "./"),
        ("javascript%3Aalert(1)", "./"),
        ("%2Fa%0D%0ASet-Cookie%3A%20x%3D1", "./"),
        ("", "./"),
    ] {
        let answer = service.post("/sign-in", &[], &format!("key={ada}&to={to}"));
        assert_eq!((answer.status, answer.header("location")), (303, wanted), "{to}");
    }
    let wrong = service.post("/sign-in", &[], "key=pk_1_2&to=%2Fx");
    assert!(
        wrong.status == 401 && wrong.body.contains("no key of this service") && wrong.header("set-cookie").is_empty()
    );
    assert!(!wrong.body.contains("pk_1_2"), "what was typed is not shown again");
    let json = service.ask("POST", "/sign-in", &[("Content-Type", "application/json"), OWN], "{}");
    assert_eq!(json.status, 415);
}

#[test]
fn a_proxy_signs_in_where_it_is_trusted_and_nobody_else_can() {
    let service = Service::with(&[("PAPERKIN_AUTH_TRUSTED_USER_HEADER", "X-Forwarded-User")]);
    // Whoever comes from this machine is trusted.
    let ada = [("X-Forwarded-User", "ada")];
    let me = service.get("/v1/me", &ada).json();
    assert_eq!((&me["identity"], &me["reader"], &me["session"]), (&json!("proxy"), &json!("ada"), &Value::Null));
    let status = |path: &str| service.get(path, &ada).status;
    assert_eq!((status("/v1/users/bob"), status("/v1/keys"), status("/v1/search?q=words")), (403, 403, 200));
    // A token that the proxy passes on is no key of ours, and no guess; alone it opens nothing.
    let token = ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30.");
    for _ in 0..25 {
        assert_eq!(service.get("/v1/me", &[ada[0], token]).status, 200);
    }
    assert_eq!(service.get("/v1/me", &[token]).status, 401);
    // Made by the first event.
    assert_eq!(status("/v1/users/ada"), 404);
    let like = "{\"events\":[{\"paper\":\"p/1\",\"kind\":\"like\"}]}";
    let json = ("Content-Type", "application/json");
    let liked = service.ask("POST", "/v1/users/ada/events", &[ada[0], json, OWN], like);
    assert_eq!((liked.status, status("/v1/users/ada")), (200, 200), "{}", liked.body);
    assert_eq!(service.ask("POST", "/v1/users/bob/events", &[ada[0], json, OWN], like).status, 403);
    // A proxy's user is no program: a page of another site can use it no more than a cookie.
    let cross = [ada[0], json, ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(service.ask("POST", "/v1/users/ada/events", &cross, like).status, 403);
    for wrong in
        [vec![("X-Forwarded-User", "")], vec![ada[0], ("x-forwarded-user", "bob")], vec![("X-Forwarded-User", "\u{1}")]]
    {
        assert_eq!(service.get("/v1/me", &wrong).status, 400, "{wrong:?}");
    }
    assert_eq!(service.get("/v1/me", &[]).status, 401);
    // Where no such header is named it says nothing.
    let other = Service::new();
    assert_eq!(other.get("/v1/me", &ada).status, 401);
    // A name that is no header is a setting that cannot be.
    let mut wrong = command(&service.folder, &[("PAPERKIN_AUTH_TRUSTED_USER_HEADER", "X User")]);
    let output = wrong.output().expect("runs");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("trusted_user_header"));
}

#[test]
fn no_secret_stands_in_a_table_or_a_log() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", format!("{}\n", paper(1)));
    folder.json(&["ingest", &file]);
    let admin = key(&folder, &["boss", "--scope", "admin"]);
    let log = folder.path("log.txt");
    let mut serve = command(&folder, &[]);
    serve.arg("-vv");
    let mut server = Server::spawn(serve);
    server.url = server.url.split('/').take(3).collect::<Vec<_>>().join("/");
    let service = Service { folder, server, admin };
    let cookie = service.sign_in(&service.admin);
    let path = service.link("ada");
    let unused = service.link("bob");
    let by_link = service.post(&path, &[("Referer", &format!("{}{path}", service.server.url))], "").cookie();
    assert_eq!((service.me(&cookie).status, service.me(&by_link).status), (200, 200));
    let secrets = [&cookie, &by_link].map(|c| c.split('=').nth(1).expect("a secret").to_string());
    let links = [&path, &unused].map(|p| p.rsplit('/').next().expect("a token").to_string());
    service.server.signal("TERM");
    let said = service.server.rest();
    std::fs::write(&log, &said).expect("written");
    assert!(said.contains("/sign-in"), "the log has gone blind: {said}");
    let files: Vec<_> = files_below(service.folder.dir.path());
    assert!(files.len() > 3);
    for secret in secrets.iter().chain(&links).chain([&service.admin]) {
        let bytes: Vec<u8> =
            (0..secret.len() / 2).filter_map(|k| u8::from_str_radix(secret.get(2 * k..2 * k + 2)?, 16).ok()).collect();
        for file in &files {
            let held = std::fs::read(file).unwrap_or_default();
            let holds = |what: &[u8]| what.len() > 8 && held.windows(what.len()).any(|w| w == what);
            assert!(!holds(secret.as_bytes()) && !holds(&bytes), "{} holds a secret", file.display());
        }
    }
}
