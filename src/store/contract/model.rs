//! The papers against a model of them in memory.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use roaring::RoaringBitmap;

use super::{Fixture, Kind, MODEL, id, paper, vector};
use crate::paper::{Paper, Row};
use crate::store::{Fingerprints, ListOrder, PaperWritten};

#[derive(Debug, Clone)]
enum Step {
    /// Papers with a number, a text, votes and perhaps a day; without a vector where the last is false.
    Put(Vec<(u8, u8, u8, Option<u8>, bool)>),
    Delete(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let one = (0u8..10, 0u8..3, 0u8..4, prop::option::of(0u8..20), prop::bool::weighted(0.9));
    prop_oneof![
        6 => prop::collection::vec(one, 1..6).prop_map(Step::Put),
        3 => (0u8..10).prop_map(Step::Delete),
        1 => Just(Step::Reopen),
    ]
}

fn made(id: u8, text: u8, votes: u8, day: Option<u8>) -> Paper {
    let mut value = serde_json::json!({ "id": format!("p{id}"), "title": format!("t{text}"), "upvotes": votes });
    if let Some(day) = day {
        value["date"] = format!("2026-02-{:02}", day + 1).into();
    }
    paper(value)
}

/// A paper as it should be there, with its row and the number of its last change.
type There = BTreeMap<String, (Paper, Row, u64)>;

fn play(kind: Kind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut store = Fixture::new(kind);
    let (mut there, mut change, mut greatest) = (There::new(), 0u64, Row(0));
    for step in steps {
        match step {
            Step::Put(all) => {
                let papers: Vec<(Paper, bool)> =
                    all.into_iter().map(|(i, t, v, d, with)| (made(i, t, v, d), with)).collect();
                let vectors: Vec<[f32; 2]> = papers.iter().map(|(p, _)| vector(p)).collect();
                let given: Vec<(&Paper, Option<&[f32]>)> =
                    papers.iter().zip(&vectors).map(|((p, with), v)| (p, with.then_some(v.as_slice()))).collect();
                let written = store.put_papers(&given, MODEL).expect("written");
                let mut changed = false;
                for ((paper, with), outcome) in papers.iter().zip(written.papers) {
                    let known = there.get(paper.id.as_str()).cloned();
                    let next = change + 1;
                    let row = match (&known, outcome) {
                        (Some((old, row, _)), PaperWritten::Unchanged(r)) if old == paper && r == *row => continue,
                        (None, PaperWritten::NeedsVector) if !with => continue,
                        (Some((old, ..)), PaperWritten::NeedsVector) if !with && old.text() != paper.text() => continue,
                        (None, PaperWritten::New(row)) if *with && row > greatest => row,
                        (Some((old, row, _)), PaperWritten::Updated(r))
                            if r == *row && old.text() == paper.text() && old != paper =>
                        {
                            r
                        }
                        (Some((old, row, _)), PaperWritten::Replaced { old: o, new })
                            if *with && o == *row && new > greatest && old.text() != paper.text() =>
                        {
                            new
                        }
                        (known, outcome) => {
                            return Err(TestCaseError::fail(format!("{outcome:?} of {paper:?}, known {known:?}")));
                        }
                    };
                    (greatest, changed) = (greatest.max(row), true);
                    there.insert(paper.id.to_string(), (paper.clone(), row, next));
                }
                change += u64::from(changed);
                prop_assert_eq!(written.change, change);
            }
            Step::Delete(k) => {
                let name = format!("p{k}");
                let gone = there.remove(&name).map(|(_, row, _)| row);
                prop_assert_eq!(store.delete(&name), gone);
                change += u64::from(gone.is_some());
            }
            Step::Reopen => store = store.reopened(),
        }
        compare(&store, &there, change)?;
    }
    Ok(())
}

fn compare(store: &Fixture, there: &There, change: u64) -> Result<(), TestCaseError> {
    let rows: RoaringBitmap = there.values().map(|(_, row, _)| row.0).collect();
    prop_assert_eq!(store.change().expect("read"), change);
    prop_assert_eq!(store.count_papers().expect("read"), there.len());
    prop_assert_eq!(&store.rows_of_all().expect("read"), &rows);
    for since in [0, change.saturating_sub(1), change] {
        let expected: RoaringBitmap = there.values().filter(|(.., n)| *n > since).map(|(_, row, _)| row.0).collect();
        let changes = store.changes_since(since).expect("read");
        prop_assert_eq!((changes.to, &changes.came), (change, &expected), "since {}", since);
        prop_assert!(changes.gone.is_disjoint(&rows) && (since < change || changes.gone.is_empty()));
    }
    let mut by_row: Vec<(Row, Paper)> = there.values().map(|(paper, row, _)| (*row, paper.clone())).collect();
    by_row.sort_by_key(|(row, _)| *row);
    prop_assert_eq!(&store.papers_after(None, 100).expect("read"), &by_row);
    let papers: Vec<&Paper> = by_row.iter().map(|(_, paper)| paper).collect();
    let vectors: Vec<Option<Vec<f32>>> = papers.iter().map(|p| Some(vector(p).to_vec())).collect();
    prop_assert_eq!(store.known_vectors(&super::model(MODEL), &papers).expect("read"), vectors);
    let ids: Vec<_> = (0..10).map(|k| id(&format!("p{k}"))).collect();
    let prints = store.fingerprints(&ids.iter().collect::<Vec<_>>()).expect("read");
    prop_assert_eq!(prints.len(), there.len());
    prop_assert!(papers.iter().all(|p| prints.get(&p.id) == Some(&Fingerprints::of(p))));
    let mut by_day = by_row.clone();
    by_day.sort_by_key(|(row, p)| std::cmp::Reverse((p.list_day().unwrap_or(i32::MIN), *row)));
    let listed = store.list(ListOrder::Day, None, None, 100).expect("read");
    prop_assert_eq!(listed.items, by_day.iter().map(|(_, p)| p.clone()).collect::<Vec<_>>());
    // Of texts that are gone no vector is left.
    let texts: HashSet<_> = papers.iter().map(|p| p.text()).collect();
    for text in 0..3 {
        let one = made(0, text, 0, None);
        let known = store.known_vectors(&super::model(MODEL), &[&one]).expect("read");
        prop_assert_eq!(known[0].is_some(), texts.contains(&one.text()), "t{}", text);
    }
    Ok(())
}

/// Whatever is put, changed and deleted, and in whatever order: what is there is what was put last and not deleted.
pub fn papers_are_what_was_put_and_not_deleted(kind: Kind) {
    let config = Config { cases: 32, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..24), |steps| play(kind, steps))
        .unwrap_or_else(|e| panic!("{e}"));
}
