//! The book under `docs/` and the README: every page stands in the summary, every link leads somewhere, every command can be typed, and
//! those that a reader is told to type are run, page by page, in a folder of their own.
//!
//! A block of the kind `sh`, `console` or `text` with commands is run. `sh,not-run=REASON` says why one is not; its commands are still
//! held against the command line that there is. On the stage of a page `paperkin` is the real program with the model that counts words,
//! `curl` reaches the service that the page has started (or one that is started for it), arXiv and the server of mail are played on
//! loopback, and nothing else is reached. `PAPERKIN_PAGE=tutorial` runs the pages alone whose names hold that.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};
use serde_json::json;

use crate::services::{self, smtp::Smtp};
use crate::subscriptions;
use crate::support::{Folder, files_below};

/// Blocks that are not run, all pages together. Each says why; whoever adds one looks first whether it can be run after all.
const NOT_RUN: usize = 12;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page, by its path in the repository.
struct Page {
    name: String,
    text: String,
}

/// All pages of the book, and the README.
fn pages() -> Vec<Page> {
    let mut files = vec![root().join("README.md")];
    files.extend(files_below(&root().join("docs")).into_iter().filter(|f| f.extension().is_some_and(|e| e == "md")));
    let name = |path: &Path| path.strip_prefix(root()).expect("below").to_string_lossy().into_owned();
    files.iter().map(|f| Page { name: name(f), text: std::fs::read_to_string(f).expect("read") }).collect()
}

/// The anchor of a heading, as GitHub and mdBook make it.
pub fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A block of code.
struct Block {
    /// The line of its first line, from 1.
    line: usize,
    /// What stands behind the fence; none where it is indented.
    info: Option<String>,
    text: String,
}

impl Block {
    fn kind(&self) -> &str {
        self.info.as_deref().unwrap_or_default().split(',').next().unwrap_or_default()
    }

    /// Why it is not run.
    fn not_run(&self) -> Option<&str> {
        self.info.as_deref()?.split(',').find_map(|part| part.strip_prefix("not-run="))
    }
}

/// What matters of a page.
#[derive(Default)]
struct Parts {
    links: Vec<String>,
    images: Vec<String>,
    anchors: HashSet<String>,
    blocks: Vec<Block>,
    /// Code in the text.
    spans: Vec<String>,
}

impl Page {
    fn parts(&self) -> Parts {
        let mut parts = Parts::default();
        let (mut heading, mut block): (Option<String>, Option<Block>) = (None, None);
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let options = pulldown_cmark::Options::ENABLE_TABLES;
        for (event, range) in Parser::new_ext(&self.text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let before = taken.entry(slug.clone()).or_default();
                    parts.anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
                    *before += 1;
                }
                Event::Start(Tag::Link { dest_url, .. }) => parts.links.push(dest_url.to_string()),
                Event::Start(Tag::Image { dest_url, .. }) => parts.images.push(dest_url.to_string()),
                Event::Start(Tag::CodeBlock(kind)) => {
                    let line = self.text[..range.start].matches('\n').count() + 1;
                    let (info, line) = match kind {
                        CodeBlockKind::Fenced(info) => (Some(info.to_string()), line + 1),
                        CodeBlockKind::Indented => (None, line),
                    };
                    block = Some(Block { line, info, text: String::new() });
                }
                Event::End(TagEnd::CodeBlock) => parts.blocks.extend(block.take()),
                Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                    parts.spans.push(text.to_string());
                }
                Event::Text(text) => {
                    if let Some(block) = &mut block {
                        block.text.push_str(&text);
                    } else if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        parts
    }

    /// The path that a link on it means, in the repository, and the anchor there.
    fn target(&self, link: &str) -> Option<(PathBuf, Option<String>)> {
        if link.contains("://") || link.starts_with("mailto:") {
            return None;
        }
        let (path, anchor) =
            link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor.to_string())));
        let here = Path::new(&self.name);
        let mut whole =
            if path.is_empty() { here.to_path_buf() } else { here.parent().expect("a folder").to_path_buf() };
        for part in Path::new(path).components() {
            match part {
                std::path::Component::ParentDir => assert!(whole.pop(), "{}: {link}", self.name),
                std::path::Component::Normal(part) => whole.push(part),
                _ => {}
            }
        }
        Some((whole, anchor))
    }
}

#[test]
fn every_page_stands_in_the_summary_once_and_every_part_has_pages() {
    let pages = pages();
    let summary = pages.iter().find(|p| p.name == "docs/SUMMARY.md").expect("a summary");
    let (mut seen, mut parts) = (BTreeSet::new(), Vec::new());
    let mut in_title = false;
    for event in Parser::new(&summary.text) {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => in_title = true,
            Event::End(TagEnd::Heading(_)) => in_title = false,
            Event::Text(text) if in_title => parts.push((text.to_string(), 0)),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let (path, anchor) = summary.target(&dest_url).expect("a page of the book");
                assert_eq!(anchor, None, "{dest_url}");
                assert!(root().join(&path).is_file(), "the summary names {dest_url}, which is not there");
                assert!(seen.insert(path), "{dest_url} stands twice");
                parts.last_mut().expect("a part").1 += 1;
            }
            _ => {}
        }
    }
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[1..], ["Tutorial", "How-to", "Reference", "Explanation"]);
    assert!(parts.iter().all(|(_, pages)| *pages > 0), "{parts:?}");
    let unlisted: Vec<&str> = pages
        .iter()
        .map(|page| page.name.as_str())
        .filter(|name| name.starts_with("docs/") && *name != "docs/SUMMARY.md" && !seen.contains(Path::new(name)))
        .collect();
    assert!(unlisted.is_empty(), "not in docs/SUMMARY.md: {unlisted:?}");
}

#[test]
fn every_link_leads_somewhere_and_every_picture_is_there() {
    let pages = pages();
    let parts: BTreeMap<&str, Parts> = pages.iter().map(|p| (p.name.as_str(), p.parts())).collect();
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for page in &pages {
        let of = &parts[page.name.as_str()];
        for link in of.links.iter().chain(&of.images) {
            let Some((path, anchor)) = page.target(link) else { continue };
            looked_at += 1;
            let name = path.to_string_lossy().into_owned();
            if !root().join(&path).exists() {
                wrong.push(format!("{}: {link}: there is no {name}", page.name));
            } else if let Some(anchor) = anchor
                && let Some(there) = parts.get(name.as_str())
                && !there.anchors.contains(&anchor)
            {
                wrong.push(format!("{}: {link}: {name} has no heading of that name", page.name));
            }
        }
    }
    assert!(looked_at > 100, "the test has gone blind: {looked_at} links");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let used: HashSet<PathBuf> = pages
        .iter()
        .flat_map(|page| parts[page.name.as_str()].images.iter().filter_map(|image| Some(page.target(image)?.0)))
        .collect();
    for picture in files_below(&root().join("docs/images")) {
        let name = picture.strip_prefix(root()).expect("below").to_path_buf();
        assert!(used.contains(&name), "{} is shown nowhere", name.display());
    }
}

/// The words of a command line up to the first sign of the shell; what stands in quotes is one word.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quote): (Vec<String>, Option<String>, Option<char>) = (Vec::new(), None, None);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, '|' | ';' | '>' | '<' | '&') => break,
            (None, '#') if word.is_none() => break,
            (None, ' ') => {
                // What is set off by three spaces is a remark.
                if word.is_some() && letters.clone().take_while(|c| *c == ' ').count() > 1 {
                    break;
                }
                out.extend(word.take());
            }
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    out.extend(word);
    out
}

/// The commands of `paperkin` that a text tells, with what is asked of them.
fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        let line = line.trim().trim_start_matches("$ ");
        for piece in line.split(" | ").flat_map(|piece| piece.split("$(")) {
            let mut words = words(piece.trim_end_matches(')'));
            let set =
                words.iter().take_while(|w| w.starts_with(|c: char| c.is_ascii_uppercase()) && w.contains('=')).count();
            words.drain(..set);
            if words.first().is_some_and(|w| w == "paperkin") {
                found.push(words.split_off(1));
            }
        }
    }
    found
}

/// What the command line says against a command. `--help` lets nothing happen, and words before it that it does not know are errors.
fn refused(command: &[String]) -> Option<String> {
    let mut run = Command::new(env!("CARGO_BIN_EXE_paperkin"));
    let output = run.args(command).arg("--help").stdin(Stdio::null()).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // In the text capitals stand for values, and an option is told of without one.
    let placeholder = said.contains("invalid value") || said.contains("a value is required");
    (!output.status.success() && !placeholder).then_some(said)
}

#[test]
fn every_command_that_is_told_of_is_one_that_there_is() {
    let mut told: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for page in pages() {
        let parts = page.parts();
        let blocks = parts.blocks.iter().flat_map(|block| commands(&block.text));
        let spans = parts.spans.iter().flat_map(|span| commands(span));
        for command in blocks.chain(spans) {
            told.entry(command).or_insert_with(|| page.name.clone());
        }
    }
    assert!(told.len() > 120, "the test has gone blind: {} commands", told.len());
    let wrong = Mutex::new(Vec::new());
    let told: Vec<(Vec<String>, String)> =
        told.into_iter().filter(|(command, _)| command.first().is_none_or(|word| word != "COMMAND")).collect();
    std::thread::scope(|scope| {
        for part in told.chunks(told.len().div_ceil(2)) {
            let wrong = &wrong;
            scope.spawn(move || {
                for (command, page) in part {
                    // `...` stands for something, or for more of the same.
                    let plain = command.iter().map(|w| match w.trim_end_matches("...") {
                        "" | "…" => "x".to_string(),
                        word => word.to_string(),
                    });
                    let plain: Vec<String> = plain.collect();
                    if let Some(said) = refused(&plain) {
                        wrong.lock().expect("no panic").push(format!("{page}: paperkin {}\n{said}", command.join(" ")));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_settings_file_that_is_shown_can_be_read() {
    let (folder, mut read) = (tempfile::tempdir().expect("a folder"), 0);
    for page in pages() {
        for block in page.parts().blocks.iter().filter(|b| b.kind() == "toml" && b.not_run().is_none()) {
            let path = folder.path().join("paperkin.toml");
            std::fs::write(&path, &block.text).expect("written");
            let flags = paperkin::config::Flags { config: Some(path), ..Default::default() };
            if let Err(e) = paperkin::config::Config::load(flags, &|_| None) {
                panic!("{}:{}: {e}", page.name, block.line);
            }
            read += 1;
        }
    }
    assert!(read > 15, "the test has gone blind: {read} files");
}

/// What is typed of a block: of a session the lines behind `$`.
fn script(block: &Block) -> Option<String> {
    let typed = |line: &str| line.strip_prefix("$ ").map(str::to_string);
    match block.kind() {
        "sh" => Some(block.text.clone()),
        "console" | "text" if block.text.lines().any(|line| line.starts_with("$ ")) => {
            let mut lines = Vec::new();
            let mut goes_on = false;
            for line in block.text.lines() {
                let line = if goes_on { Some(line.to_string()) } else { typed(line) };
                goes_on = line.as_ref().is_some_and(|l| l.ends_with('\\'));
                lines.extend(line);
            }
            Some(lines.join("\n"))
        }
        "text" if block.text.starts_with("paperkin ") => Some(block.text.clone()),
        _ => None,
    }
}

const PAPERKIN: &str = include_str!("book/paperkin.sh");
const CURL: &str = include_str!("book/curl.sh");

/// The corpus of the stage: the built-in one, and the papers that pages name.
fn corpus() -> String {
    let named = [
        ("arxiv:2405.13729", "Robots that fold laundry by watching people fold it", "2024-05-22", "cs.RO"),
        ("arxiv:2406.01234", "A survey of invented citation habits", "2024-06-03", "cs.DL"),
        ("arxiv:2604.01234", "Sparse attention for whales that sing in protein folding", "2026-04-02", "q-bio.BM"),
        ("doi:10.1000/x", "Whale songs and graph neural networks", "2026-03-01", "cs.LG"),
    ];
    let mut out = paperkin::sources::invented_text().to_string();
    for (id, title, date, category) in named {
        let paper = json!({
            "id": id, "title": title, "date": date, "categories": [category, "cs.LG"], "authors": ["Ada Lovelace", "G. Hinton"],
            "abstract": format!("{title}. We invent a protein language model and say what it does."), "upvotes": 7,
        });
        out.push_str(&format!("{paper}\n"));
    }
    out
}

/// Files that pages name, in a folder where a page begins.
fn provide(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 1).expect("packed");
    let gzip = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, text.as_bytes()).expect("packed");
        packed.finish().expect("packed")
    };
    let corpus = corpus();
    let bib = "@article{a1, title={Surface codes for invented qubits}, author={Person, Ann}, year={2026}, doi={10.1000/a1}}\n\
               @misc{a2, title={Robots that fold laundry by watching people fold it}, eprint={2405.13729}, archivePrefix={arXiv}}\n\
               @misc{a3, title={Whale songs and graph neural networks}, doi={10.1000/x}, year={2026}}\n";
    let table = "title,authors,year,doi\nA table of invented papers,\"Person, Ann\",2026,10.1000/t1\n";
    let werke = "Werk;Inhalt;Verlag\nErfundene Arbeit;Worum es geht;Haus\n";
    let ris =
        "TY  - JOUR\nTI  - An invented paper on whales\nAU  - Person, Ann\nPY  - 2026\nDO  - 10.1000/r1\nER  - \n";
    write("papers.jsonl", corpus.as_bytes());
    write("more.jsonl", crate::support::papers(20).as_bytes());
    write("papers.jsonl.zst", &zstd(&corpus));
    write("dump.jsonl.zst", &zstd(&crate::support::papers(20)));
    write("refs.bib", bib.as_bytes());
    write("library.bib", bib.as_bytes());
    write("papers.csv.gz", &gzip(table));
    write("liste.txt", werke.as_bytes());
    write("export.ris", ris.as_bytes());
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let names = vec!["localhost".to_string(), "papers.example".to_string()];
    let certificate = rcgen::CertificateParams::new(names).expect("names").self_signed(&key).expect("signed");
    write("fullchain.pem", certificate.pem().as_bytes());
    write("privkey.pem", key.serialize_pem().as_bytes());
}

/// Pages that begin with no data folder. Everywhere else there is one, with papers, the reader ada, and [`SETTINGS`].
const FROM_NOTHING: &[&str] = &["README.md", "docs/tutorial.md", "docs/sources.md"];

const SETTINGS: &str =
    "public_url = \"https://papers.example\"\n\n[mail]\nsmtp = \"smtp://127.0.0.1\"\nfrom = \"papers@lab.example\"\n";

/// A data folder with papers, and a reader who has read.
fn prepared() -> Folder {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("papers.jsonl", corpus())]);
    let events = ["invented:qu-001", "invented:qu-002", "invented:neuro-001", "invented:neuro-002", "arxiv:2405.13729"];
    let reading = events.map(|id| format!("{id}\n")).concat();
    let list = folder.file("read.txt", reading);
    let ran = folder.run(&["history", "import", "ada", &list]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    std::fs::write(folder.data().join("paperkin.toml"), SETTINGS).expect("written");
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for file in files_below(from) {
        let place = to.join(file.strip_prefix(from).expect("below"));
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        std::fs::copy(&file, &place).expect("copied");
    }
}

/// Whoever has subscribed says yes to what comes by mail, until the page is done.
fn confirms(smtp: &Smtp, stage: &Path, done: &AtomicBool) {
    let mut answered = 0;
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(50));
        let mails = smtp.mails();
        for mail in mails.iter().skip(answered) {
            let text = subscriptions::text(mail);
            let link = text.split_whitespace().find(|word| word.contains("/confirm?"));
            let address = std::fs::read_to_string(stage.join("address")).unwrap_or_default();
            if let Some(path) = link.and_then(|link| link.find("/v1/").map(|at| &link[at..])) {
                let sent =
                    Command::new("curl").args(["-sS", "-X", "POST", &format!("{}{path}", address.trim())]).output();
                assert!(sent.expect("curl is there").status.success(), "{path}");
            }
            answered += 1;
        }
    }
}

/// Ends the service of a page with it.
struct Service<'a>(&'a Path);

impl Drop for Service<'_> {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.0.join("pid")) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).stderr(Stdio::null()).status();
        }
    }
}

/// Runs what a page tells to type, so many blocks; what it said where something failed.
fn run(page: &Page, prepared: &Path) -> Result<usize, String> {
    let mut text = String::from("set -eu -o pipefail\n");
    let mut typed_blocks = 0;
    for block in page.parts().blocks.iter().filter(|b| b.not_run().is_none()) {
        if let Some(typed) = script(block) {
            text.push_str(&format!(": '{}:{}'\n{typed}\n", page.name, block.line));
            typed_blocks += 1;
        }
    }
    if typed_blocks == 0 {
        return Ok(0);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (stage, place) = (folder.path().join("stage"), folder.path().join("page"));
    std::fs::create_dir_all(stage.join("bin")).expect("made");
    std::fs::create_dir_all(&place).expect("made");
    for (name, script) in [("paperkin", PAPERKIN), ("curl", CURL)] {
        use std::os::unix::fs::PermissionsExt;
        let path = stage.join("bin").join(name);
        std::fs::write(&path, script).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
    }
    provide(&place);
    if !FROM_NOTHING.contains(&page.name.as_str()) {
        copy(prepared, &place.join("paperkin-data"));
    }
    let smtp = Smtp::start();
    if FROM_NOTHING.contains(&page.name.as_str()) {
        // As the settings that the page makes sign in.
        smtp.edit(|s| s.users.push(("papers".into(), "the password".into())));
    }
    let (arxiv, daily) =
        (services::Oai::start(services::papers(60)), services::DailyPapers::start(services::papers(60)));
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("timeout");
    shell.args(["--kill-after=5", "300", "bash", "-x", "-c", &text]).current_dir(&place).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAPERKIN_")) {
        shell.env_remove(name);
    }
    shell
        .env("PATH", format!("{}:{path}", stage.join("bin").display()))
        .env("HOME", &place)
        .env("TMPDIR", folder.path())
        .env("STAGE", &stage)
        .env("STAGE_PAPERKIN", env!("CARGO_BIN_EXE_paperkin"))
        .env("STAGE_PATH", &path)
        .env("STAGE_ARXIV", arxiv.url())
        .env("STAGE_DAILY", daily.url())
        .env("STAGE_SMTP", smtp.url())
        .env("PAPERKIN_MODEL", "hash");
    let _service = Service(&stage);
    let done = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| confirms(&smtp, &stage, &done));
        let output = shell.output().expect("bash is there");
        done.store(true, Ordering::Relaxed);
        output
    });
    if output.status.success() {
        return Ok(typed_blocks);
    }
    let tail = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    };
    let said = std::fs::read(stage.join("said")).unwrap_or_default();
    Err(format!(
        "{} ended with {}:\n{}\n--- it printed\n{}\n--- the service said\n{}",
        page.name,
        output.status,
        tail(&output.stderr),
        tail(&output.stdout),
        tail(&said)
    ))
}

#[test]
fn what_the_pages_tell_to_type_can_be_typed() {
    if Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("PAPERKIN_REQUIRE_CURL").is_none(), "curl is not there");
        eprintln!("NOT TRIED: the commands of the book, since curl is not there");
        return;
    }
    let only = std::env::var("PAPERKIN_PAGE").unwrap_or_default();
    let prepared = prepared();
    let pages: Vec<Page> = pages().into_iter().filter(|p| p.name.contains(&only)).collect();
    let (next, typed, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match run(page, &prepared.data()) {
                        Ok(blocks) => {
                            typed.fetch_add(blocks, Ordering::Relaxed);
                        }
                        Err(said) => failed.lock().expect("no panic").push(said),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(!only.is_empty() || typed.into_inner() > 50, "the test has gone blind");
}

#[test]
fn what_is_not_run_says_why_and_is_little() {
    let mut not_run = Vec::new();
    let how_to = |name: &str| name == "docs/tutorial.md" || name.starts_with("docs/howto/");
    for page in pages() {
        for block in page.parts().blocks {
            if let Some(why) = block.not_run() {
                assert!(why.len() > 3, "{}:{}: say why", page.name, block.line);
                not_run.push(format!("{}:{}: {why}", page.name, block.line));
            }
            let told = block.text.contains("paperkin ") || block.text.contains("curl ");
            let is_run = script(&block).is_some() || block.not_run().is_some();
            assert!(!(how_to(&page.name) && told && !is_run && block.kind() != "toml"), "{}:{}", page.name, block.line);
        }
    }
    assert!(not_run.len() <= NOT_RUN, "{} blocks are not run:\n{}", not_run.len(), not_run.join("\n"));
}

/// What [`words`] and [`commands`] make of lines.
#[test]
fn commands_are_found_as_a_shell_finds_them() {
    let found = commands(
        "PAPERKIN_X=1 paperkin search \"a b\" -k 5   # some\ncurl x | paperkin ingest -\n    paperkin info      what it has",
    );
    let found: Vec<String> = found.iter().map(|words| words.join("·")).collect();
    assert_eq!(found, ["search·a b·-k·5", "ingest·-", "info"]);
    assert_eq!(slug("`GET /v1/papers/{id}`, and *more*"), "get-v1papersid-and-more");
}
