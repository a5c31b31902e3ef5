use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Fixture, Kind, MODEL, event, id, titled, user};
use crate::error::Error;
use crate::paper::Paper;
use crate::store::{ImportStatus, ImportUndone, ImportWindow, ImportWithClaims, StoredImport};
use crate::user::{Event, EventKind, Moment};

fn is_missing<T>(done: crate::Result<T>) -> bool {
    matches!(done, Err(Error::NotFound { what: "import", .. }))
}

fn saved(paper: u8) -> Event {
    event(&format!("p{paper}"), EventKind::Save, 7)
}

#[derive(Debug, Clone)]
enum Deed {
    Import(BTreeSet<u8>),
    ByHand(u8),
    Undo(usize),
    Remove(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        prop::collection::btree_set(0u8..8, 1..5).prop_map(Deed::Import),
        (0u8..8).prop_map(Deed::ByHand),
        (0usize..6).prop_map(Deed::Undo),
        (0u8..8).prop_map(Deed::Remove),
    ]
}

fn play(kind: Kind, deeds: Vec<Deed>) -> Result<(), TestCaseError> {
    let store = Fixture::new(kind);
    let (name, number) = (user("ada"), store.made("ada"));
    // By paper: the imports that named it, or nothing of them where it was (also) done by hand.
    let mut there: BTreeMap<u8, Option<BTreeSet<i64>>> = BTreeMap::new();
    let mut imports: Vec<i64> = Vec::new();
    for deed in deeds {
        match deed {
            Deed::Import(papers) => {
                let (_, import) = store.begin_import(&name, papers.len(), "{}").expect("begun");
                prop_assert!(!imports.contains(&import));
                let all: Vec<Paper> = papers.iter().map(|k| titled(&format!("p{k}"), &format!("Title {k}"))).collect();
                // All at one moment, as imports are; by hand the same is done again.
                let events: Vec<Event> = papers.iter().map(|k| saved(*k)).collect();
                let window = ImportWindow {
                    papers: all.iter().map(|p| (p, &[1.0, 0.0][..])).collect(),
                    fingerprint: MODEL,
                    events: &events,
                    done: papers.len(),
                };
                let added = store.add_to_import(number, import, &window, &|_| "{}".into()).expect("added");
                prop_assert_eq!(added.accepted, papers.iter().filter(|k| !there.contains_key(k)).count());
                for k in papers {
                    if let Some(claims) = there.entry(k).or_insert_with(|| Some(BTreeSet::new())) {
                        claims.insert(import);
                    }
                }
                imports.push(import);
            }
            Deed::ByHand(k) => {
                if there.contains_key(&k) {
                    store.add_events(&name, &[saved(k)]).expect("written");
                    there.insert(k, None);
                }
            }
            Deed::Undo(at) => {
                if at < imports.len() {
                    let import = imports[at];
                    let alone =
                        |c: &Option<BTreeSet<i64>>| c.as_ref().is_some_and(|c| c.len() == 1 && c.contains(&import));
                    let gone = there.values().filter(|c| alone(c)).count();
                    match store.undo_import(number, import) {
                        Ok(undone) => prop_assert_eq!(undone, ImportUndone { events: gone, papers: gone }),
                        Err(_) => prop_assert_eq!(gone, 0),
                    }
                    there.retain(|_, c| !alone(c));
                    for claims in there.values_mut().flatten() {
                        claims.remove(&import);
                    }
                }
            }
            Deed::Remove(k) => {
                let known = there.remove(&k).is_some();
                prop_assert_eq!(store.remove_library_paper(number, &format!("p{k}")).is_ok(), known);
            }
        }
        let wanted: Vec<String> = there.keys().map(|k| format!("p{k}")).collect();
        let mut events: Vec<String> =
            store.history(number).expect("read").iter().map(|e| e.paper.to_string()).collect();
        events.sort();
        prop_assert_eq!(&events, &wanted);
        let library: Vec<String> = store.library(number).expect("read").iter().map(|p| p.id.to_string()).collect();
        prop_assert_eq!(&library, &wanted);
    }
    Ok(())
}

/// Whatever is imported, done by hand, taken back and removed, and in which order: what is there is what somebody added who
/// has not taken it back.
pub fn an_import_takes_back_what_it_alone_has_added(kind: Kind) {
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(deed(), 1..14), |deeds| play(kind, deeds))
        .unwrap_or_else(|e| panic!("{e}"));
}

pub fn imports_are_numbered_and_end(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "1")]);
    let (ada, first) = store.begin_import(&user("ada"), 9, "{\"about\":1}").expect("begun");
    assert_eq!(ada, store.user("ada").expect("made").number);
    let (_, second) = store.begin_import(&user("ada"), 1, "{}").expect("begun");
    assert_eq!((first, second), (1, 2));
    assert_eq!(store.begin_import(&user("bob"), 1, "{}").expect("begun").1, 1, "each user counts from 1");
    let begun = store.import(ada, first).expect("there");
    assert_eq!((begun.status, begun.done, begun.total), (ImportStatus::Running, 0, 9));
    let events = [event("a", EventKind::Like, 1), event("a", EventKind::Like, 2)];
    let window = ImportWindow { papers: Vec::new(), fingerprint: MODEL, events: &events, done: 4 };
    let said = |added: &crate::store::EventsWritten| format!("{} {}", added.accepted, added.unchanged);
    store.add_to_import(ada, first, &window, &said).expect("added");
    let now = store.import(ada, first).expect("there");
    assert_eq!((now.about.as_str(), now.done), ("1 1", 4), "a paper that has an event of the kind gets no second one");
    store.end_import(ada, first, ImportStatus::Done, "done", Some("[]")).expect("ended");
    let ended = StoredImport { status: ImportStatus::Done, about: "done".into(), answer: Some("[]".into()), ..now };
    assert_eq!(store.import(ada, first).expect("there"), ended);
    let all = store.imports(ada).expect("read");
    assert_eq!(all.iter().map(|i| i.number).collect::<Vec<_>>(), [2, 1], "the newest first");
    assert!(all.iter().all(|i| i.answer.is_none()), "without their answers");
    // What was taken back is not gone on with, and its number is not used again.
    store.undo_import(ada, second).expect("taken back");
    assert!(is_missing(store.import(ada, second)) && is_missing(store.undo_import(ada, second)));
    assert!(is_missing(store.add_to_import(ada, second, &window, &said)));
    assert!(is_missing(store.end_import(ada, second, ImportStatus::Done, "", None)));
    let third = store.begin_import(&user("ada"), 1, "{}").expect("begun").1;
    assert_eq!(third, 3);
    // Nobody goes on with one that was running when the program ended.
    let store = store.reopened();
    assert_eq!(store.import(ada, third).expect("there").status, ImportStatus::Interrupted);
    assert_eq!(store.import(ada, first).expect("there"), ended);
    store.delete_user("ada").expect("deleted");
    assert!(is_missing(store.import(ada, first)) && store.imports(ada).expect("read").is_empty());
}

pub fn imports_are_restored(kind: Kind) {
    let store = Fixture::new(kind);
    let (papers, name) = ([titled("x", "1"), titled("y", "2")], user("ada"));
    let (ada, import) = store.begin_import(&name, 2, "{}").expect("begun");
    let events = [event("x", EventKind::Save, 5), event("y", EventKind::Save, 5)];
    let window = ImportWindow {
        papers: papers.iter().map(|p| (p, &[1.0, 0.0][..])).collect(),
        fingerprint: MODEL,
        events: &events,
        done: 2,
    };
    store.add_to_import(ada, import, &window, &|_| "{}".into()).expect("added");
    store.end_import(ada, import, ImportStatus::Done, "{}", Some("[1]")).expect("ended");
    let claimed = store.library_slice(ada, 0, 9).expect("read").items;
    assert!(claimed.iter().all(|p| p.imports == [import]));
    let exported = store.imports_with_claims(ada).expect("read");
    assert_eq!(exported[0].events, events);
    assert_eq!(exported[0].papers, [id("x"), id("y")]);
    // Into another store, behind what they claim, some of which is not there.
    let other = Fixture::new(kind);
    let (there, _) = other.begin_import(&name, 1, "its own").expect("begun");
    other.put_library_papers(&name, &[(&papers[0], &[1.0, 0.0])], MODEL).expect("written");
    other.restore_events(&name, &events[..1], &[]).expect("written");
    let running = ImportWithClaims {
        import: StoredImport {
            number: 6,
            begun: Moment(9),
            status: ImportStatus::Running,
            ..exported[0].import.clone()
        },
        events: Vec::new(),
        papers: Vec::new(),
    };
    let both = [exported[0].clone(), running];
    other.restore_imports(&name, &both).expect("written");
    // Again: those that are there already are put in their own place.
    other.restore_imports(&name, &both).expect("written");
    let all = other.imports_with_claims(there).expect("read");
    let stands: Vec<_> =
        all.iter().map(|i| (i.import.number, i.import.status, i.events.len(), i.papers.len())).collect();
    assert_eq!(
        stands,
        [(1, ImportStatus::Running, 0, 0), (2, ImportStatus::Done, 1, 1), (6, ImportStatus::Interrupted, 0, 0)]
    );
    assert_eq!(all[1].import.answer.as_deref(), Some("[1]"));
    assert_eq!(other.undo_import(there, 2).expect("taken back"), ImportUndone { events: 1, papers: 1 });
    assert_eq!(other.begin_import(&name, 1, "{}").expect("begun").1, 7);
}
