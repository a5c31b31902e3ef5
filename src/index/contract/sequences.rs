//! Any order of calls, held against a plain set.

use std::collections::BTreeSet;

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::setups::{Tested, every_index};
use super::{clustered, insert, rows};
use crate::index::{Allowed, Haste, dot};
use crate::paper::{Filter, Row};

const ROWS: u32 = 80;

#[derive(Debug, Clone)]
enum Step {
    Insert { first: u32, count: u32 },
    Remove { first: u32, count: u32 },
    Search { like: u32, k: usize, modulus: u32 },
    Settle(bool),
    Reopen,
}

/// Calls in a process; and now and then another process.
fn step(reopening: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..ROWS, 1u32..12).prop_map(|(first, count)| Step::Insert { first, count }),
        3 => (0..ROWS, 1u32..5).prop_map(|(first, count)| Step::Remove { first, count }),
        6 => (0..ROWS, 0usize..30, 1u32..6).prop_map(|(like, k, modulus)| Step::Search { like, k, modulus }),
        1 => any::<bool>().prop_map(Step::Settle),
        reopening => Just(Step::Reopen),
    ]
}

/// A row is never used twice, so one that was removed does not come back.
#[derive(Default)]
struct Model {
    members: BTreeSet<u32>,
    gone: BTreeSet<u32>,
}

fn run(name: &str, index: &mut Tested, steps: &[Step], data: &[(u32, Vec<f32>)]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Insert { first, count } => {
                let new = (*first..(first + count).min(ROWS)).filter(|r| !model.gone.contains(r));
                let new: Vec<(u32, Vec<f32>)> = new.map(|r| data[r as usize].clone()).collect();
                insert(index, &new);
                model.members.extend(new.iter().map(|(r, _)| *r));
            }
            Step::Remove { first, count } => {
                let going: Vec<Row> = (*first..first + count).map(Row).collect();
                index.remove(&going).expect("removes");
                model.gone.extend(going.iter().filter(|r| model.members.remove(&r.0)).map(|r| r.0));
            }
            Step::Search { like, k, modulus } => searched(name, index, &model, &data[*like as usize].1, *k, *modulus)?,
            Step::Settle(wait) => {
                let haste = if *wait { Haste::Wait } else { Haste::Behind };
                index.settle(index.change(), haste).expect("settles");
                prop_assert!(!wait || !index.is_due(), "{} settled and has more to do", name);
            }
            Step::Reopen => {
                let report = index.reopen(|_| ());
                prop_assert_eq!(report.doubt, None, "{}", name);
            }
        }
        prop_assert_eq!(index.len(), model.members.len(), "{}", name);
    }
    prop_assert_eq!(index.rows(), model.members.iter().copied().collect::<RoaringBitmap>(), "{}", name);
    let there: Vec<u32> = model.members.into_iter().collect();
    let vectors = index.vectors(&there.iter().copied().map(Row).collect::<Vec<_>>()).expect("reads");
    for (row, vector) in there.iter().zip(vectors) {
        let own = &data[*row as usize].1;
        // Half precision is what some keep.
        prop_assert!(vector.is_some_and(|v| v.iter().zip(own).all(|(a, b)| (a - b).abs() < 1e-3)), "{} {}", name, row);
    }
    Ok(())
}

/// As many hits as a plain set would give, only members of it, each once, in order, and with their true scores.
fn searched(
    name: &str,
    index: &Tested,
    model: &Model,
    query: &[f32],
    k: usize,
    modulus: u32,
) -> Result<(), TestCaseError> {
    let allowed: RoaringBitmap = (0..ROWS).filter(|r| r % modulus == 0).collect();
    let filter = Filter::default();
    let some = Allowed { rows: &allowed, filter: Some(&filter) };
    let found = index.search(query, k, (modulus > 1).then_some(some)).expect("searches");
    let there: Vec<u32> = model.members.iter().copied().filter(|r| r % modulus == 0).collect();
    prop_assert_eq!(found.neighbours.len(), there.len().min(k), "{}", name);
    let mut unique = rows(&found);
    prop_assert!(unique.iter().all(|r| there.contains(r)), "{}", name);
    unique.sort_unstable();
    unique.dedup();
    prop_assert_eq!(unique.len(), found.neighbours.len(), "{} listed a row twice", name);
    let data = index.stored();
    for pair in found.neighbours.windows(2) {
        prop_assert!((-pair[0].score, pair[0].row) <= (-pair[1].score, pair[1].row), "{} is out of order", name);
    }
    for n in &found.neighbours {
        prop_assert!((n.score - dot(query, &data[&n.row.0])).abs() < 2e-3, "{} has a score that is no cosine", name);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_set(steps in prop::collection::vec(step(1), 1..60)) {
        let data = clustered(ROWS as usize, 8, 11);
        for (name, mut index) in every_index(8) {
            run(name, &mut index, &steps, &data)?;
        }
    }
}
