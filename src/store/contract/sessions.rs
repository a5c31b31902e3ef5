//! Sessions and one-time links, against a model of them in memory too.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Fixture, Kind, user};
use crate::store::{Ending, Redeemed, SecretHash, SignedInWith, StoredLink, StoredSession};
use crate::user::{Moment, UserId};

fn hash(n: u8) -> SecretHash {
    [n; 32]
}

fn session(id: &str, n: u8, key: Option<&str>, reader: Option<&str>) -> StoredSession {
    StoredSession {
        id: id.into(),
        hash: hash(n),
        with: key.map_or(SignedInWith::Link, |key| SignedInWith::Key(key.into())),
        reader: reader.map(user),
        created: Moment(1),
        seen: Moment(2),
        until: Moment(100),
        browser: "Firefox on Linux".into(),
    }
}

fn link(n: u8, reader: &str, until: i64) -> StoredLink {
    StoredLink { hash: hash(n), reader: user(reader), created: Moment(1), until: Moment(until), used: None }
}

pub fn sessions_are_kept_seen_and_ended(kind: Kind) {
    let store = Fixture::new(kind);
    let all = [
        session("a", 1, Some("k"), None),
        session("b", 2, None, Some("😀 ü'\"%")),
        session("c", 3, Some("k"), Some("ada")),
        session("d", 4, None, Some("ada")),
    ];
    for one in all.iter().rev() {
        store.add_session(one).expect("written");
    }
    assert!(store.add_session(&all[0]).is_err(), "an id is used once");
    assert_eq!(store.sessions().expect("read"), all);
    assert!(store.see_session("b", Moment(7), Moment(200)).expect("written"));
    assert!(!store.see_session("x", Moment(7), Moment(200)).expect("asked"));
    let seen = StoredSession { seen: Moment(7), until: Moment(200), ..all[1].clone() };
    let store = store.reopened();
    assert_eq!(store.sessions().expect("read")[1], seen);
    let ids = || store.sessions().expect("read").into_iter().map(|s| s.id).collect::<String>();
    assert_eq!((store.end_sessions(Ending::One("x")).expect("asked"), ids()), (0, "abcd".into()));
    assert_eq!((store.end_sessions(Ending::OfReader("Ada")).expect("asked"), ids()), (0, "abcd".into()));
    assert_eq!((store.end_sessions(Ending::Lapsed(Moment(99))).expect("asked"), ids()), (0, "abcd".into()));
    assert_eq!((store.end_sessions(Ending::OfKey("k")).expect("ended"), ids()), (2, "bd".into()));
    assert_eq!((store.end_sessions(Ending::Lapsed(Moment(100))).expect("ended"), ids()), (1, "b".into()));
    assert_eq!((store.end_sessions(Ending::OfReader("😀 ü'\"%")).expect("ended"), ids()), (1, String::new()));
}

pub fn a_link_is_good_once(kind: Kind) {
    let store = Fixture::new(kind);
    store.add_link(&link(1, "ada", 100), Moment(0)).expect("written");
    store.add_link(&link(2, "ada", 100), Moment(0)).expect("written");
    assert_eq!(store.link(&hash(1)).expect("read"), Some(link(1, "ada", 100)));
    assert_eq!(store.link(&hash(9)).expect("read"), None);
    // Of many who follow it at once one is let in.
    let redeem = |n: u8, now: i64, id: String| {
        let made = |reader: &UserId| StoredSession { id: id.clone(), ..session("", n, None, Some(reader.as_str())) };
        store.redeem_link(&hash(n), Moment(now), &made).expect("asked")
    };
    let outcomes: Vec<Redeemed> = std::thread::scope(|scope| {
        let redeem = &redeem;
        let threads: Vec<_> = (0..8).map(|k| scope.spawn(move || redeem(1, 50, format!("s{k}")))).collect();
        threads.into_iter().map(|t| t.join().expect("ends")).collect()
    });
    assert_eq!(outcomes.iter().filter(|o| **o == Redeemed::Yes(user("ada"))).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|o| **o == Redeemed::Used).count(), 7, "{outcomes:?}");
    let begun = store.sessions().expect("read");
    assert_eq!((begun.len(), begun[0].reader.clone(), begun[0].hash), (1, Some(user("ada")), hash(1)));
    assert_eq!(redeem(2, 100, "late".into()), Redeemed::Expired);
    assert_eq!(redeem(9, 1, "forged".into()), Redeemed::Unknown);
    assert_eq!(store.sessions().expect("read"), begun, "who is refused writes nothing");
    assert_eq!(store.link(&hash(1)).expect("read").expect("there").used, Some(Moment(50)));
    // What is long over goes when another is made.
    store.add_link(&link(3, "bob", 500), Moment(100)).expect("written");
    assert_eq!((store.link(&hash(1)).expect("read"), store.link(&hash(2)).expect("read")), (None, None));
    assert_eq!(store.forget_links("bob").expect("forgotten"), 1);
    assert_eq!(redeem(3, 1, "gone".into()), Redeemed::Unknown);
}

#[derive(Debug, Clone)]
enum Step {
    /// A session of a number, perhaps with a key, perhaps for a reader, until then.
    Add(u8, Option<u8>, Option<u8>, u8),
    See(u8, u8),
    One(u8),
    OfReader(u8),
    OfKey(u8),
    Lapsed(u8),
    /// Everything of a reader.
    Delete(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let some = || prop::option::of(0u8..3);
    prop_oneof![
        5 => (0u8..12, some(), some(), 0u8..20).prop_map(|(n, key, reader, until)| Step::Add(n, key, reader, until)),
        2 => (0u8..12, 0u8..20).prop_map(|(n, until)| Step::See(n, until)),
        1 => (0u8..12).prop_map(Step::One),
        1 => (0u8..3).prop_map(Step::OfReader),
        1 => (0u8..3).prop_map(Step::OfKey),
        1 => (0u8..20).prop_map(Step::Lapsed),
        1 => (0u8..3).prop_map(Step::Delete),
        1 => Just(Step::Reopen),
    ]
}

fn play(kind: Kind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut store = Fixture::new(kind);
    let mut there: BTreeMap<String, StoredSession> = BTreeMap::new();
    let (name, key_name) = (|k: u8| format!("reader {k}"), |k: u8| format!("key {k}"));
    for step in steps {
        let before = there.len();
        let end = |which| store.end_sessions(which).expect("ended");
        match step {
            Step::Add(n, key, reader, until) => {
                let one = StoredSession {
                    until: Moment(until.into()),
                    ..session(&format!("s{n}"), n, key.map(key_name).as_deref(), reader.map(name).as_deref())
                };
                let known = there.contains_key(&one.id);
                prop_assert_eq!(store.add_session(&one).is_err(), known);
                there.entry(one.id.clone()).or_insert(one);
            }
            Step::See(n, until) => {
                let seen = store.see_session(&format!("s{n}"), Moment(9), Moment(until.into())).expect("asked");
                let known = there.get_mut(&format!("s{n}"));
                prop_assert_eq!(seen, known.is_some());
                if let Some(known) = known {
                    (known.seen, known.until) = (Moment(9), Moment(until.into()));
                }
            }
            Step::One(n) => {
                let id = format!("s{n}");
                there.remove(&id);
                prop_assert_eq!(end(Ending::One(&id)), before - there.len());
            }
            Step::OfReader(k) => {
                there.retain(|_, s| s.reader.as_ref().is_none_or(|r| r.as_str() != name(k)));
                prop_assert_eq!(end(Ending::OfReader(&name(k))), before - there.len());
            }
            Step::OfKey(k) => {
                there.retain(|_, s| s.with != SignedInWith::Key(key_name(k)));
                prop_assert_eq!(end(Ending::OfKey(&key_name(k))), before - there.len());
            }
            Step::Lapsed(at) => {
                let now = Moment(at.into());
                there.retain(|_, s| s.until > now);
                prop_assert_eq!(end(Ending::Lapsed(now)), before - there.len());
            }
            Step::Delete(k) => {
                store.made(&name(k));
                store.delete_user(&name(k)).expect("deleted");
                there.retain(|_, s| s.reader.as_ref().is_none_or(|r| r.as_str() != name(k)));
            }
            Step::Reopen => store = store.reopened(),
        }
        prop_assert_eq!(store.sessions().expect("read"), there.values().cloned().collect::<Vec<_>>());
    }
    Ok(())
}

/// Whatever is begun, seen and ended, and in whatever order: what is there is what was begun and has not been ended.
pub fn sessions_are_what_was_begun_and_not_ended(kind: Kind) {
    let config = Config { cases: 32, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..24), |steps| play(kind, steps))
        .unwrap_or_else(|e| panic!("{e}"));
}
