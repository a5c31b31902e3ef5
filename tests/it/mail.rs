//! Mail through the public face: read back by Python's `email`, sent, signed, looked after by `doctor`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use paperkin::config::{Config, Flags, MailSettings};
use paperkin::deliver::mail::{Confirmation, Digest, DigestPaper, Envelope, Mailer, Section, why_sentence};
use paperkin::engine::{Engine, Feed, Since};
use paperkin::paper::{Paper, PaperDate};
use paperkin::user::{Event, EventKind, Moment};

use crate::services::smtp::{At, Rule, Smtp};
use crate::support::Folder;

fn shown(paper: &Paper, why: Option<String>) -> DigestPaper {
    let link = |what: &str| format!("https://papers.example/{what}?t=hpkxXo2c3tQ6k5s1");
    DigestPaper {
        title: paper.title.clone(),
        authors: paper.authors.clone(),
        day: paper.date.as_ref().map(ToString::to_string),
        venue: paper.venue.clone(),
        why,
        abstract_text: paper.summary.clone(),
        link: format!("https://papers.example/#paper={}", paper.id),
        like: Some(link("like")),
        save: Some(link("save")),
        hide: Some(link("hide")),
    }
}

fn invented(title: &str, authors: &[&str], summary: &str) -> DigestPaper {
    let paper =
        serde_json::json!({"id": "x", "title": title, "authors": authors, "abstract": summary, "date": "2026-08-28"});
    shown(&Paper::from_json(paper).expect("a paper"), None)
}

fn digest(sections: Vec<Section>) -> Digest {
    Digest {
        title: "Your papers".into(),
        period: "28 August 2026".into(),
        intro: None,
        sections,
        site: Some("https://papers.example".into()),
        manage: "https://papers.example/subscriptions/5?t=hpkxXo2c3tQ6k5s1".into(),
        unsubscribe: "https://papers.example/subscriptions/5/unsubscribe?t=hpkxXo2c3tQ6k5s1".into(),
        because: "You get this because ada@lab.example asked for it, daily at 7:00 Europe/Berlin.".into(),
    }
}

/// Papers that are hard to set.
fn hard() -> Vec<DigestPaper> {
    let long = "On the surprisingly robust and entirely unreasonable effectiveness of exceptionally long titles in the literature of \
                computational linguistics: a pre-registered, multi-site replication with forty-one corpora, nine languages and one \
                very patient annotator";
    let many: Vec<String> = (1..=48).map(|k| format!("Invented Person {k}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        invented(long, &many, "It is robust. It is also unreasonable, and we say by how much. We then say it again."),
        invented(
            "الانتباه المتناثر في نماذج اللغة العربية الكبيرة",
            &["ليلى القاسم", "يوسف النجار"],
            "ندرس الانتباه المتناثر في النماذج الكبيرة. يقلل الأسلوب المقترح الكلفة إلى النصف دون خسارة في الدقة.",
        ),
        invented(
            "面向蛋白质设计的扩散模型：从序列到结构的统一框架",
            &["李明", "王芳", "Zhang Wei"],
            "我们提出一种统一的扩散模型，用于同时生成蛋白质的序列与结构。在三个基准上，该方法优于现有的最好结果，并且速度提高了四倍。",
        ),
        invented(
            "Sampling from $\\pi_\\theta \\propto e^{-\\beta H}$ in $O(n \\log n)$ steps, when $\\|\\nabla H\\|_2 \\le L$",
            &["Ana Sofía Núñez", "Łukasz Ørsted"],
            "We show that $\\mathbb{E}[\\tau] \\leq C n \\log n$ for all $\\beta < \\beta_c$. The proof couples two chains.",
        ),
        invented(
            "<script>alert('x')</script> considered harmful & \"other\" tags",
            &["O'Neil, \"Bob\" <b@x.example>"],
            "a<b and c>d. A word: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsvorsitzender.",
        ),
    ]
}

fn confirmation() -> Confirmation {
    Confirmation {
        what: "Papers for “protein design”".into(),
        cadence: "daily at 7:00 Europe/Berlin, at most 15 papers".into(),
        link: "https://papers.example/v1/subscriptions/5/confirm?token=hpkxXo2c3tQ6k5s1Zr9Tq4".into(),
        site: Some("https://papers.example".into()),
    }
}

/// Settings as a file says them.
fn settings(folder: &Folder, more: &str) -> MailSettings {
    let text =
        format!("public_url = 'https://papers.example'\n[mail]\nfrom = 'Pàpers, daily <papers@lab.example>'\n{more}");
    let config = Some(PathBuf::from(folder.file("mail.toml", text)));
    Config::load(Flags { config, ..Flags::default() }, &|_| None).expect("settings").mail.expect("mail")
}

fn envelope<'a>(to: &'a str, message_id: &'a str) -> Envelope<'a> {
    Envelope {
        to,
        message_id,
        date: "2026-08-28T05:00:00Z".parse().expect("a time"),
        list_id: Some("feed.papers.lab.example"),
        unsubscribe: Some("https://papers.example/v1/subscriptions/5/unsubscribe?token=hpkxXo2c3tQ6k5s1"),
    }
}

fn all() -> Vec<DigestPaper> {
    let corpus = paperkin::sources::invented().filter_map(|read| read.ok()?.paper.ok());
    corpus
        .take(10)
        .map(|paper| shown(&paper, Some("Close to “Another paper of yours”.".into())))
        .chain(hard())
        .collect()
}

/// Reads messages by another hand, and tells what it found.
const PYTHON: &str = r#"
import sys, json, email, email.policy
for path in sys.argv[1:]:
    raw = open(path, 'rb').read()
    m = email.message_from_bytes(raw, policy=email.policy.default)
    parts = list(m.iter_parts())
    defects = [str(d) for p in [m] + parts for d in p.defects] + [str(d) for h in m.values() for d in getattr(h, 'defects', [])]
    print(json.dumps({'type': m.get_content_type(), 'subject': str(m['subject']), 'from': [[a.display_name, a.addr_spec] for a in m['from'].addresses],
        'to': [a.addr_spec for a in m['to'].addresses], 'id': str(m['message-id']), 'date': m['date'].datetime.isoformat(),
        'names': m.keys(), 'parts': [[p.get_content_type(), p.get_content()] for p in parts], 'defects': defects,
        'longest': max(map(len, raw.split(b'\r\n'))), 'bare': raw.replace(b'\r\n', b'').count(b'\n')}))
"#;

#[test]
fn pythons_email_reads_what_was_said() {
    let folder = Folder::new();
    let mailer = Mailer::open(&settings(&folder, "smtp = 'smtp://127.0.0.1:9'")).expect("opens");
    let rendered = digest(vec![Section { title: None, papers: all() }]).render().expect("rendered");
    let mails = [rendered, confirmation().render().expect("rendered")];
    let paths: Vec<String> = mails
        .iter()
        .enumerate()
        .map(|(k, mail)| {
            let id = format!("{k}.ada@lab.example");
            folder
                .file(&format!("{k}.eml"), mailer.message(&envelope("ada@lab.example", &id), mail).expect("a message"))
        })
        .collect();
    let Ok(ran) = Command::new("python3").arg("-c").arg(PYTHON).args(&paths).output() else { return };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let told: Vec<serde_json::Value> = String::from_utf8(ran.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(told.len(), 2);
    for (k, (told, mail)) in told.iter().zip(&mails).enumerate() {
        assert_eq!(told["defects"], serde_json::json!([]), "{told}");
        assert_eq!(told["subject"], mail.subject);
        assert_eq!(told["from"], serde_json::json!([["Pàpers, daily", "papers@lab.example"]]));
        assert_eq!(told["to"], serde_json::json!(["ada@lab.example"]));
        assert_eq!(told["id"], format!("<{k}.ada@lab.example>"));
        assert_eq!(told["date"], "2026-08-28T05:00:00+00:00");
        assert_eq!(told["type"], "multipart/alternative");
        let parts = serde_json::json!([["text/plain", mail.text], ["text/html", mail.html]]);
        assert_eq!(told["parts"], parts);
        assert!(told["longest"].as_u64().is_some_and(|n| n <= 998) && told["bare"] == 0);
    }
}

#[test]
fn doctor_asks_the_server_of_mail() {
    let (folder, server) = (Folder::new(), Smtp::start());
    folder.json(&["ingest", &folder.file("p.jsonl", crate::support::papers(3))]);
    let text = |from: &str| {
        format!("public_url = 'https://papers.example'\n[mail]\nsmtp = '{}'\nfrom = '{from}'\n", server.url())
    };
    std::fs::write(folder.data().join("paperkin.toml"), text("papers@lab.example")).expect("written");
    let check = || {
        let told = folder.run(&["doctor", "--json"]).out;
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        told["checks"].as_array().expect("checks").iter().find(|c| c["check"] == "mail").expect("mail").clone()
    };
    let told = check();
    assert!(told["ok"] == true && told["found"].to_string().contains("papers@lab.example"), "{told}");
    server.edit(|state| state.rules.push(Rule::refuse(At::From, "", "553 5.7.1 sender not owned")));
    let told = check();
    assert!(told["ok"] == false && told["found"].to_string().contains("553 5.7.1 sender not owned"), "{told}");
    assert!(server.mails().is_empty());
}

/// Where hand checks put their files: `PAPERKIN_MAILS=FOLDER`, with `--ignored`.
fn out() -> PathBuf {
    std::env::var_os("PAPERKIN_MAILS").map(PathBuf::from).expect("PAPERKIN_MAILS names a folder")
}

/// Mails to look at, from the invented corpus as the bundled model sees it. The pictures of docs/mail.md are of these.
#[test]
#[ignore = "writes files to look at"]
fn mails_to_look_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(Config::new(folder.path())).expect("opens").engine;
    engine.ingest(&mut paperkin::sources::invented(), &|_| {}).expect("ingested");
    let event = |id: &str| Event {
        paper: id.parse_id(),
        kind: EventKind::Like,
        at: Moment::parse("2026-08-20T10:00:00Z").expect("a time"),
        weight: 1.0,
    };
    let liked =
        ["invented:astro-001", "invented:astro-004", "invented:astro-007", "invented:clim-003", "invented:clim-001"];
    engine.add_events("ada", &liked.map(event)).expect("taken");
    let mut feed = Feed { since: Since::Date(PaperDate::parse("2026-08").expect("a month")), ..Feed::default() };
    (feed.ask.limit, feed.ask.explain) = (8, true);
    let answer = engine.feed("ada", &feed).expect("a feed");
    let mut papers: Vec<DigestPaper> = answer.papers.iter().map(|hit| shown(&hit.paper, why_sentence(hit))).collect();
    let later = papers.split_off(3);
    let sections = vec![
        Section { title: Some("exoplanet atmospheres".into()), papers },
        Section { title: Some("ice sheets".into()), papers: later },
    ];
    let digest = Digest {
        intro: Some("You were away for 12 days: the best 8 of 74 papers.".into()),
        period: "17 to 28 August 2026".into(),
        ..digest(sections)
    };
    let hard = self::digest(vec![Section { title: None, papers: hard() }]);
    let found = engine.search("melting ice", &feed.ask).expect("found");
    let found = found.papers.iter().map(|hit| shown(&hit.paper, why_sentence(hit))).collect();
    let search = Digest {
        title: "Papers for “melting ice”".into(),
        ..self::digest(vec![Section { title: None, papers: found }])
    };
    let mails = [("digest", digest.render()), ("hard", hard.render()), ("search", search.render())];
    for (name, mail) in mails.into_iter().chain([("confirmation", confirmation().render())]) {
        let mail = mail.expect("rendered");
        std::fs::write(out().join(format!("{name}.html")), &mail.html).expect("written");
        std::fs::write(out().join(format!("{name}.txt")), format!("{}\n\n{}", mail.subject, mail.text))
            .expect("written");
    }
}

trait ParseId {
    fn parse_id(&self) -> paperkin::paper::PaperId;
}

impl ParseId for str {
    fn parse_id(&self) -> paperkin::paper::PaperId {
        paperkin::paper::PaperId::new(self).expect("an id")
    }
}

/// How many mails a second go to `PAPERKIN_SMTP` (our own server where it is not set) over 8 connections; with `dkim.pem` in
/// `PAPERKIN_MAILS` they are signed, and one is written there.
#[test]
#[ignore = "measures"]
fn mails_a_second() {
    let folder = Folder::new();
    let own = Smtp::start();
    let url = std::env::var("PAPERKIN_SMTP").unwrap_or_else(|_| own.url());
    let key = out().join("dkim.pem");
    for signed in [false, true] {
        let dkim = format!("dkim_key_file = '{}'\ndkim_selector = 'papers'\n", key.display());
        let settings = settings(&folder, &format!("smtp = '{url}'\n{}", if signed { &dkim } else { "" }));
        let mailer = Mailer::open(&settings).expect("opens");
        let rendered = digest(vec![Section { title: None, papers: all() }]).render().expect("rendered");
        let (began, next, bytes) = (Instant::now(), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..mailer.senders() {
                scope.spawn(|| {
                    loop {
                        let k = next.fetch_add(1, Ordering::Relaxed);
                        if k >= 1000 {
                            return;
                        }
                        let (to, id) = (format!("r{k}@lab.example"), format!("{k}.{signed}@lab.example"));
                        let message = mailer.message(&envelope(&to, &id), &rendered).expect("a message");
                        bytes.fetch_add(message.len(), Ordering::Relaxed);
                        mailer.send(&to, &message).expect("sent");
                        if k == 0 {
                            write(&out().join(format!("signed-{signed}.eml")), &message);
                        }
                    }
                });
            }
        });
        let (took, bytes) = (began.elapsed().as_secs_f64(), bytes.into_inner());
        println!("signed {signed}: 1000 mails of {} kB in {took:.2} s: {:.0}/s", bytes / 1_000_000, 1000.0 / took);
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("written");
}
