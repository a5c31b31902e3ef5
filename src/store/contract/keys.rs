//! Keys: against a model of them in memory, and what goes with a reader.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Fixture, Kind, user};
use crate::access::{Scope, Scopes};
use crate::error::Error;
use crate::store::StoredKey;
use crate::user::Moment;

fn key(number: u8, reader: Option<&str>) -> StoredKey {
    StoredKey {
        id: format!("id{number}"),
        name: format!("key ü {number}"),
        scopes: Scopes::of(Scope::ALL.into_iter().filter(|scope| number & 1 << *scope as u8 != 0)),
        user: reader.map(user),
        hash: [number; 32],
        created: Moment(i64::from(number)),
        expires: number.is_multiple_of(3).then_some(Moment(1_000)),
        last_used: None,
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A key of this number, and of the reader of this number where one is named.
    Add(u8, Option<u8>),
    Delete(u8),
    /// Some are used at these times, which may go back.
    Use(Vec<(u8, i64)>),
    Forget(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0u8..12, prop::option::of(0u8..3)).prop_map(|(number, reader)| Step::Add(number, reader)),
        2 => (0u8..12).prop_map(Step::Delete),
        3 => prop::collection::vec((0u8..12, 0i64..100), 0..4).prop_map(Step::Use),
        1 => (0u8..3).prop_map(Step::Forget),
        1 => Just(Step::Reopen),
    ]
}

fn play(kind: Kind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut store = Fixture::new(kind);
    let mut model: Vec<StoredKey> = Vec::new();
    for step in steps {
        match step {
            Step::Add(number, reader) => {
                let name = reader.map(|n| format!("reader{n}"));
                let new = key(number, name.as_deref());
                if model.iter().any(|known| known.id == new.id) {
                    prop_assert!(store.add_key(&new).is_err(), "an id is used once");
                    continue;
                }
                store.add_key(&new).expect("written");
                if let Some(name) = &name {
                    prop_assert!(store.user(name).is_ok(), "the reader is made");
                }
                model.push(new);
            }
            Step::Delete(number) => {
                let id = format!("id{number}");
                let known = model.iter().position(|key| key.id == id);
                match (known, store.delete_key(&id)) {
                    (Some(at), Ok(())) => drop(model.remove(at)),
                    (None, Err(Error::NotFound { what: "key", .. })) => {}
                    (_, done) => return Err(TestCaseError::fail(format!("{id}: {done:?}"))),
                }
            }
            Step::Use(uses) => {
                let given: Vec<(String, Moment)> = uses.iter().map(|(n, at)| (format!("id{n}"), Moment(*at))).collect();
                store.note_key_uses(&given).expect("written");
                for (id, at) in given {
                    model.iter_mut().filter(|key| key.id == id).for_each(|k| k.last_used = k.last_used.max(Some(at)));
                }
            }
            Step::Forget(reader) => {
                let name = format!("reader{reader}");
                if store.delete_user(&name).is_ok() {
                    model.retain(|key| key.user != Some(user(&name)));
                } else {
                    prop_assert!(model.iter().all(|key| key.user != Some(user(&name))));
                }
            }
            Step::Reopen => store = store.reopened(),
        }
        prop_assert_eq!(&store.keys().expect("read"), &model);
    }
    Ok(())
}

pub fn keys_are_what_was_added_and_not_taken_back(kind: Kind) {
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..20), |steps| play(kind, steps))
        .unwrap_or_else(|e| panic!("{e}"));
}

/// Of a reader who is forgotten no key is left, by whatever name, and no byte of one: also where there were so many that pages of
/// the store were split.
pub fn keys_of_a_forgotten_reader_leave_nothing(kind: Kind) {
    let store = Fixture::new(kind);
    for number in 0..200 {
        let reader = if number % 2 == 0 { "zebra-user" } else { "stays" };
        let name = if number % 2 == 0 { format!("QUIXOTIC {number}") } else { format!("kept {number}") };
        let more = StoredKey { id: format!("{:x}", number * 7919 % 211), name, ..key(1, Some(reader)) };
        store.add_key(&more).expect("written");
    }
    store.delete_user("zebra-user").expect("deleted");
    store.settle_forgotten();
    let left = store.keys().expect("read");
    assert!(left.len() == 100 && left.iter().all(|key| key.name.starts_with("kept")));
    for file in std::fs::read_dir(store.folder.path()).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).expect("readable");
        for word in ["QUIXOTIC", "zebra-user"] {
            assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()), "{word} in {:?}", file.file_name());
        }
    }
}

pub fn each_store_signs_with_a_key_of_its_own(kind: Kind) {
    let store = Fixture::new(kind);
    let key = store.signing_key().expect("read");
    assert_ne!(key, Fixture::new(kind).signing_key().expect("read"));
    assert_eq!(store.reopened().signing_key().expect("read"), key);
}
