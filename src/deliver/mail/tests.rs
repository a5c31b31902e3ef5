//! Mails as a whole: what they hold, whatever was put into them, and what becomes of them on the way.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::{Dkim, MailSettings, MailTls, Sender, SmtpServer};
use crate::deliver::smtp::{self, At, Deed, Rule, Smtp, header};

fn settings(url: &str) -> MailSettings {
    let smtp = SmtpServer::parse(url).expect(url);
    let tls = if smtp.implicit_tls { MailTls::Implicit } else { MailTls::Off };
    MailSettings {
        smtp,
        password_file: None,
        from: Sender::parse("Päpers, daily <papers@lab.example>").expect("a sender"),
        reply_to: None,
        tls,
        ca_file: None,
        dkim: None,
        senders: 4,
        timeout_s: 2,
    }
}

fn digest() -> Digest {
    let paper = |k: usize| DigestPaper {
        title: format!("Paper {k}: $\\alpha$ & <b>bold</b> \"claims\""),
        authors: (0..k).map(|a| format!("Author {a} Ünal")).collect(),
        day: Some("2026-11-04".into()),
        venue: Some("Journal of <i>Things</i>".into()),
        why: Some("Close to “Another paper”.".into()),
        abstract_text: "We show that something holds. It holds everywhere, and always did; nobody had looked. "
            .repeat(5),
        link: format!("https://papers.example/p?id={k}&a=1&é"),
        like: Some(format!("https://papers.example/like?t={k}")),
        save: Some(format!("https://papers.example/save?t={k}")),
        hide: Some("javascript:alert(1)".into()),
    };
    Digest {
        title: "Your papers".into(),
        period: "26 November 2026".into(),
        intro: Some("You were away for 12 days: the best 15 of 431 papers.".into()),
        sections: vec![
            Section { title: Some("protein design".into()), papers: vec![paper(1), paper(2)] },
            Section { title: None, papers: vec![paper(5)] },
            Section { title: Some("nothing in it".into()), papers: vec![] },
        ],
        site: Some("https://papers.example/lab".into()),
        manage: "https://papers.example/manage?t=1".into(),
        unsubscribe: "https://papers.example/unsubscribe?t=1".into(),
        because: "You get this because ada@lab.example asked for it, daily at 7:00 Europe/Berlin.".into(),
    }
}

fn envelope<'a>(to: &'a str, message_id: &'a str) -> Envelope<'a> {
    Envelope {
        to,
        message_id,
        date: "2026-11-26T06:00:00Z".parse().expect("a time"),
        list_id: Some("daily.lab.example"),
        unsubscribe: Some("https://papers.example/unsubscribe?token=abc-DEF_123"),
    }
}

fn short() -> Rendered {
    Rendered { subject: "Papers".into(), text: "Hi.\n.\n..dots\n".into(), html: "<p>Hi.</p>\n".into() }
}

/// The body of a part, decoded, by its type.
fn part(message: &[u8], kind: &str) -> String {
    let text = std::str::from_utf8(message).expect("ASCII");
    let boundary = header(message, "Content-Type");
    let boundary = boundary.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a boundary");
    let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 4, "two parts and an end");
    let part = parts.into_iter().find(|part| part.contains(kind)).expect(kind).trim_start();
    let (_, body) = part.split_once("\r\n\r\n").expect("a body");
    // The last line's end belongs to the boundary.
    let body = body.strip_suffix("\r\n").expect("an end");
    let bytes = match header(part.as_bytes(), "Content-Transfer-Encoding").as_str() {
        "quoted-printable" => unquoted(body),
        "base64" => smtp::decoded(body),
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

fn unquoted(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(b) = bytes.next() {
        if b != b'=' {
            out.push(b);
            continue;
        }
        let hex = [bytes.next().expect("a digit"), bytes.next().expect("a digit")];
        out.push(u8::from_str_radix(std::str::from_utf8(&hex).expect("ASCII"), 16).expect("a number"));
    }
    out
}

/// The names of the headers; panics where a line is none, too long, or ends otherwise than with CR LF.
fn headers(message: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(message).expect("ASCII");
    assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text}");
    let head = text.split("\r\n\r\n").next().expect("a head");
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{line:?} is no header")).0.to_string()).collect()
}

const HEADERS: [&str; 12] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
];

fn mailer() -> Mailer {
    Mailer::open(&settings("smtp://127.0.0.1:9")).expect("opens")
}

#[test]
fn a_digest_says_the_same_in_both_texts() {
    let rendered = digest().render().expect("rendered");
    assert_eq!(rendered.subject, "Your papers: Paper 1: α & bold \"claims\", and 2 more");
    let (text, html) = (&rendered.text, &rendered.html);
    for said in [
        "Paper 2: α & bold",
        "Author 0 Ünal, Author 1 Ünal and 3 more",
        "You were away for 12 days",
        "Journal of Things",
        "Close to “Another paper”.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
        assert!(html.contains(&said.replace('&', "&amp;")), "{said}: {html}");
    }
    for link in ["p?id=1&a=1&%C3%A9", "like?t=2", "save?t=5", "manage?t=1", "unsubscribe?t=1"] {
        assert!(text.contains(link) && html.replace("&#x2f;", "/").contains(&link.replace('&', "&amp;")), "{link}");
    }
    assert!(text.contains("4 November 2026") && html.contains("4\u{a0}November\u{a0}2026"));
    assert!(!text.contains("nothing in it") && !text.contains("javascript") && !html.contains("javascript"));
    assert!(text.lines().all(|line| line.chars().count() <= 72 || line.contains("https://")), "{text}");
    // Nothing is loaded, and nothing runs.
    for word in ["<img", "<script", "<link", "url(", "@import", "src=", "<form", "onclick"] {
        assert!(!html.contains(word), "{word}: {html}");
    }
    assert!(html.len() < 30_000, "{}", html.len());
}

#[test]
fn a_confirmation_has_one_thing_to_do() {
    let mail = Confirmation {
        what: "Papers for “<script>”\r\nBcc: x".into(),
        cadence: "daily at 7:00 Europe/Berlin".into(),
        link: "https://papers.example/confirm?token=1".into(),
        site: Some("https://papers.example".into()),
    };
    let rendered = mail.render().expect("rendered");
    assert_eq!(rendered.subject, "Please confirm: papers by mail");
    assert!(!rendered.html.contains("<script") && rendered.html.contains("&lt;script"));
    assert!(rendered.text.contains("https://papers.example/confirm?token=1") && rendered.text.contains("do nothing"));
}

#[test]
fn a_message_is_read_back_as_it_was_made() {
    let rendered = digest().render().expect("rendered");
    let (mailer, envelope) = (mailer(), envelope("ada@lab.example", "d1.ada@lab.example"));
    let message = mailer.message(&envelope, &rendered).expect("a message");
    assert_eq!(headers(&message), HEADERS);
    assert_eq!(message, mailer.message(&envelope, &rendered).expect("again"));
    assert_eq!(part(&message, "text/plain"), rendered.text);
    assert_eq!(part(&message, "text/html"), rendered.html);
    assert_eq!(header(&message, "Message-ID"), "<d1.ada@lab.example>");
    assert_eq!(header(&message, "Date"), "Thu, 26 Nov 2026 06:00:00 +0000");
    assert_eq!(header(&message, "List-Unsubscribe"), "<https://papers.example/unsubscribe?token=abc-DEF_123>");
    assert_eq!(header(&message, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(header(&message, "To"), "ada@lab.example");
    for wrong in ["no at", "a@b\r\nBcc: x@y.z", "<a@b>", "a@", "é@b.c"] {
        assert!(mailer.message(&Envelope { message_id: wrong, ..envelope }, &rendered).is_err(), "{wrong}");
        assert!(mailer.message(&Envelope { to: wrong, ..envelope }, &rendered).is_err(), "{wrong}");
        assert!(mailer.message(&Envelope { list_id: Some(wrong), ..envelope }, &rendered).is_err(), "{wrong}");
        assert!(mailer.message(&Envelope { unsubscribe: Some(wrong), ..envelope }, &rendered).is_err(), "{wrong}");
    }
}

/// What somebody may have put into a title or a name.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        Just("\r\nBcc: eve@evil.example\r\n\r\nbody".to_string()),
        Just("<script>alert(1)</script>".to_string()),
        Just("\" onmouseover=\"x".to_string()),
        Just("\u{202e}\u{2066}\u{0}\u{1b}[2J".to_string()),
        Just("\n.\r\nMAIL FROM:<eve@evil.example>\r\n".to_string()),
        Just("{{ 7*7 }}{% raw %}".to_string()),
        Just("=?utf-8?q?=0d=0aBcc:?=".to_string()),
        Just("蛋白质".repeat(300)),
        Just("x".repeat(10_000)),
        Just("שלום עולם".to_string()),
    ];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_put_into_a_digest_leaves_its_place(texts in prop::collection::vec(nasty(), 12)) {
        let text = |k: usize| texts[k].clone();
        let paper = DigestPaper {
            title: text(0), authors: vec![text(1), text(2)], day: Some(text(3)), venue: Some(text(4)), why: Some(text(5)),
            abstract_text: text(6), link: text(7), like: Some(text(7)), save: None, hide: None,
        };
        let digest = Digest {
            title: text(8), period: text(9), intro: Some(text(10)), because: text(11), site: Some(text(7)), manage: text(7),
            unsubscribe: text(7), sections: vec![Section { title: Some(text(1)), papers: vec![paper; 2] }],
        };
        let plain = Digest { sections: vec![Section { title: Some("s".into()), papers: vec![DigestPaper {
            title: "t".into(), authors: vec!["a".into()], day: Some("d".into()), venue: Some("v".into()), why: Some("w".into()),
            abstract_text: "a".into(), ..DigestPaper::default() }; 2] }], title: "t".into(), period: "p".into(), intro: Some("i".into()),
            because: "b".into(), ..Digest::default() };
        let tags = |html: &str| html.matches('<').count();
        let (rendered, plain) = (digest.render().expect("rendered"), plain.render().expect("rendered"));
        prop_assert!(tags(&rendered.html) <= tags(&plain.html), "{}", rendered.html);
        let quotes = |html: &str| html.matches('"').count();
        prop_assert!(quotes(&rendered.html) <= quotes(&plain.html));
        let hides = |c: char| crate::paper::hides(c) && c != '\u{200c}' && c != '\u{200d}';
        prop_assert!(rendered.subject.chars().count() <= 120);
        let shown = [rendered.subject.as_str(), &rendered.text.replace('\n', "")].concat();
        prop_assert!(!shown.chars().any(hides));
        prop_assert!(!rendered.html.contains("49") || texts.iter().any(|t| t.contains("49")));
        prop_assert!(rendered.text.lines().all(|l| plain::columns(l) <= 72 || !l.trim().contains(' ') || l.contains("> ") || l.starts_with("1.") || l.starts_with("2.")), "{}", rendered.text);
        let message = mailer().message(&envelope("ada@lab.example", "1@lab.example"), &rendered).expect("a message");
        prop_assert_eq!(headers(&message), HEADERS);
        prop_assert_eq!(part(&message, "text/plain"), rendered.text);
        prop_assert_eq!(part(&message, "text/html"), rendered.html);
    }

    #[test]
    fn what_is_an_address_here_is_one_for_the_library(text in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]{1,66}@[a-zA-Z0-9.-]{1,70}") {
        if let Ok(address) = checked_address(&text) {
            prop_assert!(message::address(&address).is_ok(), "{address}");
        }
    }
}

#[test]
fn what_the_server_says_decides_what_became_of_a_mail() {
    let bounced = |e: &SendError| matches!(e, SendError::Bounced(_));
    let later = |e: &SendError| matches!(e, SendError::Later(_));
    let unreachable = |e: &SendError| matches!(e, SendError::Unreachable(_));
    let doubtful = |e: &SendError| matches!(e, SendError::InDoubt(_));
    type Is = fn(&SendError) -> bool;
    let say = |at, text: &str| Rule::refuse(at, "", text);
    let cases: Vec<(Rule, Is, usize)> = vec![
        (say(At::Greeting, "554 go away"), unreachable, 0),
        (say(At::Hello, "550 who are you"), unreachable, 0),
        (say(At::From, "550 5.1.8 bad sender"), unreachable, 0),
        (say(At::From, "451 4.3.0 not now"), unreachable, 0),
        (say(At::To, "550 5.1.1 no such user"), bounced, 0),
        (say(At::To, "550 5.1.1 <x>: User unknown in relay recipient table"), bounced, 0),
        (say(At::To, "554 5.7.1 <x>: Relay access denied"), unreachable, 0),
        (say(At::To, "530 5.7.0 Authentication required"), unreachable, 0),
        (say(At::To, "550 5.1.8 <p@lab.example>: Sender address rejected: Domain not found"), unreachable, 0),
        (say(At::To, "553 5.7.1 <p@lab.example>: Sender address rejected: not owned by user"), unreachable, 0),
        (say(At::To, "504 5.5.2 <lab>: Helo command rejected: need fully-qualified hostname"), unreachable, 0),
        (say(At::To, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a list"), unreachable, 0),
        (say(At::To, "552 5.2.2 Mailbox full"), bounced, 0),
        (say(At::To, "550 5.7.1 the recipient does not want this"), bounced, 0),
        (say(At::Data, "550 5.4.5 Daily user sending limit exceeded"), unreachable, 0),
        (say(At::Content, "550 5.4.5 Daily user sending limit exceeded"), unreachable, 0),
        (say(At::Content, "554 5.7.1 spam message rejected"), bounced, 0),
        (say(At::To, "450 4.2.0 greylisted"), later, 0),
        (say(At::To, "421 4.3.2 closing"), later, 0),
        (say(At::Data, "554 5.6.0 no"), bounced, 0),
        (say(At::Data, "451 4.3.0 not now"), later, 0),
        (say(At::Content, "552 5.3.4 too big"), bounced, 0),
        (say(At::Content, "451 4.3.0 disk full"), later, 0),
        (Rule::new(At::Greeting, "", Deed::Die), unreachable, 0),
        (Rule::new(At::From, "", Deed::Die), unreachable, 0),
        (Rule::new(At::To, "", Deed::Die), later, 0),
        (Rule::new(At::Data, "", Deed::Die), later, 0),
        (Rule::new(At::Content, "", Deed::Die), doubtful, 0),
        (Rule::new(At::Content, "", Deed::TakeAndDie), doubtful, 1),
        (say(At::Content, "what?"), doubtful, 0),
    ];
    for (rule, is, taken) in cases {
        let server = Smtp::start();
        let mailer = Mailer::open(&settings(&server.url())).expect("opens");
        let message = mailer.message(&envelope("ada@lab.example", "1@lab.example"), &short()).expect("made");
        server.edit(|state| state.rules.push(rule.clone().times(1)));
        let told = mailer.send("ada@lab.example", &message).expect_err("refused");
        assert!(is(&told), "{rule:?}: {told:?}");
        assert_eq!(server.mails().len(), taken, "{rule:?}");
        // What comes next is as good as ever.
        mailer.send("ada@lab.example", &message).unwrap_or_else(|e| panic!("{rule:?}: {e}"));
        assert_eq!(server.mails().len(), taken + 1);
    }
    let nobody = Mailer::open(&settings("smtp://127.0.0.1:9")).expect("opens");
    let told = nobody.send("ada@lab.example", b"x\r\n").expect_err("nobody there");
    assert!(unreachable(&told) && told.to_string().contains("127.0.0.1:9"), "{told}");
    assert!(nobody.check().is_err());
}

#[test]
fn a_server_that_is_too_slow_leaves_a_mail_in_doubt() {
    let server = Smtp::start();
    server.edit(|s| s.rules.push(Rule::new(At::Content, "", Deed::Wait(Duration::from_secs(3))).times(1)));
    let mailer = Mailer::open(&MailSettings { timeout_s: 1, ..settings(&server.url()) }).expect("opens");
    let message = mailer.message(&envelope("ada@lab.example", "1@lab.example"), &short()).expect("made");
    let told = mailer.send("ada@lab.example", &message).expect_err("too slow");
    assert!(matches!(&told, SendError::InDoubt(text) if text.contains("did not answer in 1 s")), "{told:?}");
}

#[test]
fn wherever_a_connection_dies_no_mail_is_said_to_be_lost_or_sent_that_is_not() {
    let rendered = Rendered { text: "line\n".repeat(40), ..short() };
    let mut seen = [0; 4];
    for bytes in (0..1700).step_by(13) {
        let server = Smtp::start();
        let mailer = Mailer::open(&settings(&server.url())).expect("opens");
        let message = mailer.message(&envelope("ada@lab.example", "1@lab.example"), &rendered).expect("made");
        server.edit(|state| state.dies_after = Some(bytes));
        let told = mailer.send("ada@lab.example", &message);
        let taken = server.mails().len();
        seen[match told {
            Ok(()) => 0,
            Err(SendError::Unreachable(_)) => 1,
            Err(SendError::Later(_)) => 2,
            Err(_) => 3,
        }] += 1;
        match told {
            Ok(()) => assert_eq!(taken, 1, "at byte {bytes}"),
            Err(SendError::InDoubt(_)) => {}
            Err(told) => assert_eq!(taken, 0, "at byte {bytes}: {told:?}"),
        }
    }
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
}

#[test]
fn connections_are_few_and_used_again() {
    let server = Smtp::start();
    let mailer = Mailer::open(&settings(&server.url())).expect("opens");
    server.edit(|state| {
        state.rules.push(Rule::refuse(At::To, "7@", "550 5.1.1 no such user"));
        state.greylists = true;
    });
    let send = |k: usize| {
        let (to, id) = (format!("r{k}@lab.example"), format!("{k}@lab.example"));
        let message = mailer.message(&envelope(&to, &id), &short()).expect("made");
        mailer.send(&to, &message)
    };
    for wanted in ["put off", ""] {
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let send = &send;
                scope.spawn(move || {
                    for k in (thread..120).step_by(8) {
                        let told = send(k).err().map(|e| e.to_string()).unwrap_or_default();
                        let wanted = if k % 10 == 7 { "no such user" } else { wanted };
                        assert!(told.contains(wanted) && told.is_empty() == wanted.is_empty(), "{k}: {told}");
                    }
                });
            }
        });
    }
    assert_eq!(server.accepted().len(), 108);
    assert!(server.accepted().values().all(|times| *times == 1));
    assert!((1..=4).contains(&server.connections()), "{}", server.connections());
    let dots = server.mails().pop().expect("one");
    assert_eq!(part(&dots.bytes, "text/plain"), short().text);
    // A server that wants no more over one connection is left and called again.
    server.edit(|state| (state.mails_a_connection, state.greylists) = (Some(3), false));
    (200..212).filter(|k| k % 10 != 7).for_each(|k| send(k).unwrap_or_else(|e| panic!("{k}: {e}")));
}

fn secret(folder: &std::path::Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_password_goes_to_the_server_that_it_is_for_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("made");
    let other = rcgen::generate_simple_self_signed(vec!["mail.example".into()]).expect("made");
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let url = |server: &Smtp| server.url().replace("://", "://ada%40lab.example@");
    let with = |server: &Smtp, tls, password: &str, ca: Option<&str>| MailSettings {
        tls,
        password_file: Some(secret(folder.path(), "password", &format!("{password}\n"))),
        ca_file: ca.map(|ca| secret(folder.path(), "ca.pem", ca)),
        ..settings(&url(server))
    };
    let send = |settings: MailSettings| {
        let mailer = Mailer::open(&settings).expect("opens");
        assert!(!format!("{mailer:?}").contains("hunter2"));
        let message = mailer.message(&envelope("ada@lab.example", "1@lab.example"), &short()).expect("made");
        let told = mailer.send("ada@lab.example", &message);
        assert_eq!(mailer.check().is_ok(), told.is_ok());
        told.map_err(|e| {
            assert!(matches!(e, SendError::Unreachable(_)), "{e:?}");
            e.to_string()
        })
    };
    let users = |server: &Smtp| server.edit(|s| s.users.push(("ada@lab.example".into(), "hunter2".into())));
    let starttls = Smtp::with_starttls(&pem, &key);
    users(&starttls);
    send(with(&starttls, MailTls::Required, "hunter2", Some(&pem))).expect("sent");
    let taken = starttls.mails().pop().expect("one");
    assert!(taken.tls && taken.user.as_deref() == Some("ada@lab.example"));
    let told = send(with(&starttls, MailTls::Required, "hunter3", Some(&pem))).expect_err("a wrong password");
    assert!(told.contains("535") && told.contains("lets nobody in"), "{told}");
    // Whoever repeats the password does not get it into our log.
    starttls
        .edit(|s| s.rules.push(Rule::refuse(At::Auth, "", "535 hunter2 AGFkYUBsYWIuZXhhbXBsZQBodW50ZXIy is wrong")));
    let told = send(with(&starttls, MailTls::Required, "hunter2", Some(&pem))).expect_err("refused");
    assert!(told.contains("535") && !told.contains("hunter2") && !told.contains("AGFk"), "{told}");
    let implicit = Smtp::with_tls(&pem, &key);
    users(&implicit);
    send(with(&implicit, MailTls::Implicit, "hunter2", Some(&pem))).expect("sent");
    for (server, tls) in [(&starttls, MailTls::Required), (&implicit, MailTls::Implicit)] {
        for ca in [None, Some(other.cert.pem())] {
            let told = send(with(server, tls, "hunter2", ca.as_deref())).expect_err("a certificate of its own");
            assert!(told.contains("certificate") && told.contains("ca_file"), "{told}");
        }
    }
    let bare = Smtp::start();
    users(&bare);
    let told = send(with(&bare, MailTls::Required, "hunter2", None)).expect_err("in the clear");
    assert!(told.contains("STARTTLS"), "{told}");
    assert!(bare.edit(|s| s.lines.iter().all(|line| !line.starts_with("AUTH"))));
    let told = send(MailSettings { tls: MailTls::Implicit, ..with(&bare, MailTls::Implicit, "hunter2", None) });
    assert!(told.expect_err("no TLS there").contains("no TLS"));
    send(with(&bare, MailTls::Off, "hunter2", None)).expect("sent");
    let empty = MailSettings { password_file: Some(secret(folder.path(), "none", "\n")), ..settings(&url(&bare)) };
    assert!(Mailer::open(&empty).expect_err("no password").to_string().contains("one line"));
}

#[test]
fn a_key_of_another_kind_is_said_to_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = |text: &str| {
        let key_file = secret(folder.path(), "dkim.pem", text);
        let dkim = Some(Dkim { key_file, selector: "papers".into() });
        Mailer::open(&MailSettings { dkim, ..settings("smtp://127.0.0.1:9") })
    };
    let told =
        opened("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").expect_err("PKCS#8").to_string();
    assert!(told.contains("openssl rsa -traditional"), "{told}");
    let told =
        opened("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n").expect_err("cut").to_string();
    assert!(told.contains("cannot be read") && !told.contains("AAAA"), "{told}");
}
