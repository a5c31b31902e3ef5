//! What a transaction leaves that did not come to its end: nothing. What came to its end is there.

use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Failpoint, Fixture, Kind, MODEL, event, model, titled, user, vector};
use crate::error::Result;
use crate::paper::Paper;
use crate::store::{
    ImportStatus, ImportWindow, MergedPaper, ReadershipRelease, SourceRecord, Store, StoredAssignment, StoredInterest,
    StoredRun, StoredTheme,
};
use crate::user::{Edits, Event, EventKind, Moment, Settings};

type Write = (&'static str, fn(&Fixture) -> Result<()>);

/// Everything that can be written, each as one call; run on what [`prepared`] has made.
fn writes() -> Vec<Write> {
    vec![
        ("put_papers", |s| {
            let papers = [titled("a", "another text"), titled("new", "N"), titled("b", "Two")];
            let vectors: Vec<[f32; 2]> = papers.iter().map(vector).collect();
            let all: Vec<(&Paper, Option<&[f32]>)> =
                papers.iter().zip(&vectors).map(|(p, v)| (p, Some(v.as_slice()))).collect();
            s.put_papers(&all, MODEL).map(drop)
        }),
        ("put_merged", |s| {
            let merged = titled("one", "One");
            let records = [SourceRecord {
                source: "arxiv".into(),
                kind: "arxiv".into(),
                key: "one".into(),
                since: Moment(1),
                gone: false,
                paper: merged.clone(),
            }];
            let (vector, absorbs) = (vector(&merged), [super::id("a"), super::id("b")]);
            let merged =
                MergedPaper { paper: &merged, vector: Some(&vector), records: &records, absorbs: &absorbs, seen: &[] };
            s.put_merged(&[merged], MODEL).map(drop)
        }),
        ("set_source_place", |s| s.set_source_place("arxiv", "2026-11-20")),
        ("set_source_succeeded", |s| s.set_source_succeeded("arxiv", Moment(5))),
        ("delete_paper", |s| s.delete_paper(&super::id("a")).map(drop)),
        ("set_current_model", |s| s.set_current_model(&model("other"))),
        ("put_vectors", |s| s.put_vectors(&model("other"), &[(&titled("a", "One"), vec![0.6, 0.8])])),
        ("put_user", |s| s.put_user(&user("new"), &Settings::default()).map(drop)),
        ("restore_user", |s| s.restore_user(&user("ada"), &Settings::default(), Moment(1), Some("t"))),
        ("delete_user", |s| s.delete_user("ada").map(drop)),
        ("feed_token", |s| s.feed_token("ada", "fresh").map(drop)),
        ("add_events", |s| s.add_events(&user("ada"), &[event("b", EventKind::Save, 77)]).map(drop)),
        ("add_known_events", |s| {
            let events: &[Event] = &[event("b", EventKind::Save, 77)];
            s.add_known_events(&[(&user("new"), events)]).map(drop)
        }),
        ("restore_events", |s| s.restore_events(&user("new"), &[event("gone", EventKind::Save, 7)], &[]).map(drop)),
        ("put_library_papers", |s| s.put_library_papers(&user("new"), &[(&titled("y", "Why"), &[1.0, 0.0])], MODEL)),
        ("remove_library_paper", |s| s.remove_library_paper(ada(s), "x")),
        ("put_found_interests", |s| s.put_found_interests(ada(s), &[interest(1, "b"), interest(9, "b")])),
        ("edit_interests", |s| {
            s.edit_interests(ada(s), &mut |all| {
                all.clear();
                Ok(())
            })
        }),
        ("replace_interests", |s| s.replace_interests(ada(s), &[])),
        ("begin_import", |s| s.begin_import(&user("ada"), 3, "{}").map(drop)),
        ("add_to_import", |s| {
            let (paper, events) =
                (titled("z", "Zed"), [event("b", EventKind::Dislike, 9), event("z", EventKind::Like, 9)]);
            let window =
                ImportWindow { papers: vec![(&paper, &[1.0, 0.0])], fingerprint: MODEL, events: &events, done: 2 };
            s.add_to_import(ada(s), 1, &window, &|_| "more".into()).map(drop)
        }),
        ("end_import", |s| s.end_import(ada(s), 1, ImportStatus::Failed, "no", None)),
        ("undo_import", |s| s.undo_import(ada(s), 1).map(drop)),
        ("restore_imports", |s| {
            let mut all = s.imports_with_claims(ada(s))?;
            all.iter_mut().for_each(|i| i.import.begun = Moment(3));
            s.restore_imports(&user("ada"), &all)
        }),
        ("put_release", |s| s.put_release(ReadershipRelease { before: Some(4), batches: 2 })),
        ("put_theme_run", |s| s.put_theme_run(&run(2), &[], &[], &[])),
        ("join_themes", |s| s.join_themes(&[], &[s.row("a")])),
        ("set_reread", |s| s.set_reread()),
        ("replace_texts", |s| s.replace_texts(&model(MODEL), &[(titled("a", "read anew"), vec![1.0, 0.0])])),
    ]
}

fn ada(store: &Fixture) -> i64 {
    store.user("ada").expect("there").number
}

fn interest(number: u32, paper: &str) -> StoredInterest {
    StoredInterest { number, edits: Edits::default(), merged: None, papers: vec![paper.into()], anchor: Vec::new() }
}

fn run(run: u64) -> StoredRun {
    StoredRun { run, change: 1, papers: 2, model: MODEL.into(), at: 0, next: 3, json: "{}".into() }
}

/// A little of everything.
fn prepared(kind: Kind) -> Fixture {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "One"), titled("b", "Two")]);
    store.put_library_papers(&user("ada"), &[(&titled("x", "Ex"), &[1.0, 0.0])], MODEL).expect("written");
    store.add_events(&user("ada"), &[event("x", EventKind::Like, 1), event("a", EventKind::Like, 2)]).expect("written");
    store.replace_interests(ada(&store), &[interest(1, "a")]).expect("written");
    let (_, import) = store.begin_import(&user("ada"), 3, "{}").expect("begun");
    let events = [event("b", EventKind::Like, 5)];
    let window = ImportWindow { papers: Vec::new(), fingerprint: MODEL, events: &events, done: 1 };
    store.add_to_import(ada(&store), import, &window, &|_| "some".into()).expect("added");
    store.end_import(ada(&store), import, ImportStatus::Done, "some", None).expect("ended");
    let place = StoredAssignment { row: store.row("a"), theme: Some(1), member: true, strength: 1.0, x: 0.0, y: 0.0 };
    let theme = StoredTheme { theme: 1, level: 0, parent: None, json: "{}".into() };
    store.put_theme_run(&run(1), &[theme], &[place], &[]).expect("written");
    store
}

/// All that can be read, as one text.
fn whole(store: &dyn Store) -> String {
    let mut text = String::new();
    let mut say = |what: &dyn std::fmt::Debug| text.push_str(&format!("{what:?}\n"));
    say(&store.change());
    let papers = store.papers_after(None, 999).expect("read");
    let each: Vec<&Paper> = papers.iter().map(|(_, p)| p).collect();
    for fingerprint in [MODEL, "other"] {
        say(&store.known_vectors(&model(fingerprint), &each));
    }
    say(&(store.count_papers(), &papers, store.current_model(), store.release(), store.is_reread()));
    let ids: Vec<_> = papers.iter().map(|(_, p)| &p.id).collect();
    for id in ids {
        say(&(store.records_of(&[id]), store.source_state("arxiv")));
    }
    say(&(store.themes(), store.theme_assignments(), store.theme_events(None, 99)));
    for user in store.users_after(None, 99).expect("read") {
        let (n, name) = (user.number, user.name.as_str());
        say(&(store.history(n), store.received(n), store.library(n), store.interests(n), store.imports_with_claims(n)));
        say(&(&user, store.known_feed_token(name), store.events_back(n, None, 99), store.library_slice(n, 0, 99)));
    }
    text
}

pub fn what_fails_before_its_commit_leaves_nothing(kind: Kind) {
    let mut store = prepared(kind);
    let before = whole(&*store);
    for (name, write) in writes() {
        (store.opened.fail_next_commit)(Failpoint::Error);
        assert!(write(&store).is_err(), "{name} did not come to its commit");
        assert_eq!(whole(&*store), before, "{name} left something");
        store = store.reopened();
        assert_eq!(whole(&*store), before, "{name} left something on the disk");
    }
    // And each goes on where it failed.
    for (name, write) in writes() {
        let store = prepared(kind);
        let before = whole(&*store);
        (store.opened.fail_next_commit)(Failpoint::Error);
        assert!(write(&store).is_err(), "{name}");
        write(&store).unwrap_or_else(|e| panic!("{name}: {e}"));
        let after = whole(&*store);
        assert_ne!(after, before, "{name} wrote nothing");
        // Only nobody goes on with an import that was running.
        let later = after.replace("status: Running", "status: Interrupted");
        assert_eq!(whole(&*store.reopened()), later, "{name}");
    }
}

pub fn what_panics_leaves_nothing(kind: Kind) {
    let mut store = prepared(kind);
    let before = whole(&*store);
    for (name, write) in writes() {
        (store.opened.fail_next_commit)(Failpoint::Panic);
        let ended = catch_unwind(AssertUnwindSafe(|| write(&store)));
        assert!(ended.is_err(), "{name} did not come to its commit");
        assert_eq!(whole(&*store), before, "{name} left something");
    }
    // So does what is given to it.
    let edit = catch_unwind(AssertUnwindSafe(|| {
        store.edit_interests(ada(&store), &mut |all| {
            all.clear();
            std::panic::panic_any("in an edit")
        })
    }));
    assert!(edit.is_err());
    store = store.reopened();
    assert_eq!(whole(&*store), before);
}

/// Set in a process that is to be ended: what it does (the number of a write, or `puts`), and the folder.
const CHILD: &str = "PAPERKIN_CONTRACT_CHILD";

/// Runs a test of this file again, in a process of its own that comes to [`child`].
fn spawn(kind: Kind, test: &str, what: &str, folder: &Path) -> std::process::Child {
    let name = format!("store::contract::{}::crash::{test}", kind.name);
    Command::new(std::env::current_exe().expect("this test"))
        .args([&name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{what} {}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

/// What the other process does; none in the one that started it.
fn child(kind: Kind) -> Option<()> {
    let told = std::env::var(CHILD).ok()?;
    let (what, folder) = told.split_once(' ').expect("two words");
    let opened = (kind.open)(Path::new(folder)).expect("opens");
    // Not removed behind it: it is not this one's.
    let fixture = Fixture { kind, folder: tempfile::tempdir().expect("a folder"), opened };
    if let Ok(number) = what.parse::<usize>() {
        (fixture.opened.fail_next_commit)(Failpoint::Abort);
        let _ = writes()[number].1(&fixture);
        panic!("it did not come to its commit");
    }
    for n in 0.. {
        let batch: Vec<Paper> =
            (0..4).map(|k| titled(&format!("p{}", (n + k * 3) % 20), &format!("text {n}"))).collect();
        fixture.put(&batch);
        fixture.add_events(&user("ada"), &[event(batch[0].id.as_str(), EventKind::View, n)]).expect("written");
        println!("done {n}");
    }
    Some(())
}

pub fn what_ends_with_the_process_leaves_nothing(kind: Kind) {
    if child(kind).is_some() {
        return;
    }
    let mut store = prepared(kind);
    let before = whole(&*store);
    for (number, (name, _)) in writes().iter().enumerate().step_by(2) {
        let Fixture { kind, folder, opened } = store;
        drop(opened);
        let mut child = spawn(kind, "what_ends_with_the_process_leaves_nothing", &number.to_string(), folder.path());
        let status = child.wait().expect("ends");
        assert!(!status.success() && status.code() != Some(101), "{name} did not come to its commit: {status}");
        let opened = (kind.open)(folder.path()).expect("opens again");
        store = Fixture { kind, folder, opened };
        assert_eq!(whole(&*store), before, "{name} left something");
    }
}

/// Whatever the moment at which a process is killed: what it was told to be done is there, and what was not told is there as a
/// whole or not at all.
pub fn what_was_acknowledged_survives_a_kill(kind: Kind) {
    if child(kind).is_some() {
        return;
    }
    for round in 0..5u32 {
        let Fixture { kind, folder, opened } = Fixture::new(kind);
        drop(opened);
        let mut child = spawn(kind, "what_was_acknowledged_survives_a_kill", "puts", folder.path());
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (began, mut last) = (Instant::now(), None);
        for line in lines.by_ref() {
            let line = line.expect("text");
            last = line.rsplit_once("done ").map_or(last, |(_, n)| n.parse().ok());
            if last >= Some(i64::from(round)) && began.elapsed() > Duration::from_millis(u64::from(37 * round)) {
                break;
            }
        }
        child.kill().expect("killed");
        let rest = lines
            .map_while(std::io::Result::ok)
            .filter_map(|l| l.rsplit_once("done ").and_then(|(_, n)| n.parse().ok()));
        let last: i64 = rest.last().or(last).expect("something was done");
        child.wait().expect("ends");
        let opened = (kind.open)(folder.path()).expect("opens again");
        let store = Fixture { kind, folder, opened };
        // One more batch may be in, and its event behind it.
        let change = i64::try_from(store.change().expect("read")).expect("small");
        assert!(change == last + 1 || change == last + 2, "{change} changes, and {last} was told");
        let batch = store.changes_since(u64::try_from(change - 1).expect("some")).expect("read").came;
        assert_eq!(batch.len(), 4, "half of a batch");
        let events = store.count_events(store.user("ada").expect("made").number).expect("read");
        assert!(events as i64 == last + 1 || events as i64 == last + 2, "{events} events, and {last} was told");
        assert!(events as i64 <= change);
        assert_eq!(store.rows_of_all().expect("read").len() as usize, store.count_papers().expect("read"));
        assert_eq!(store.count_without_vector(&model(MODEL)).expect("read"), 0);
    }
}
