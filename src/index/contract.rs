//! What the index must do however it is set up and whatever of it has been frozen yet.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::*;

/// Small vectors whose axes have a meaning: physics, biology, economics.
fn paper(physics: f32, biology: f32, economics: f32) -> Vec<f32> {
    let norm = (physics * physics + biology * biology + economics * economics).sqrt();
    vec![physics / norm, biology / norm, economics / norm]
}

/// An index that is settled after every few calls of `insert`, so that graphs, merges and rebuilding are what is tested; or
/// that is left to itself.
struct Tested {
    index: Box<dyn VectorIndex>,
    every: Option<usize>,
    calls: AtomicUsize,
}

impl Tested {
    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        self.index.insert(rows)?;
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        match self.every {
            Some(every) if calls.is_multiple_of(every) => self.index.settle(0, Haste::Wait),
            _ => Ok(()),
        }
    }
}

impl std::ops::Deref for Tested {
    type Target = dyn VectorIndex;
    fn deref(&self) -> &Self::Target {
        &*self.index
    }
}

/// Every index there is, in every way to set it up.
fn every_index(dimension: usize) -> Vec<(&'static str, Tested)> {
    let tested = |index: Box<dyn VectorIndex>, every| Tested { index, every, calls: AtomicUsize::new(0) };
    let options = |exact_below| IndexOptions { exact_below, ef_search: 64, ..IndexOptions::default() };
    let segments = |exact_below, every| {
        let index = SegmentedIndex::new(dimension, options(exact_below)).expect("a folder");
        tested(Box::new(index), every)
    };
    let hnsw_rs = |exact_below, every| tested(Box::new(HnswRs::new(dimension, options(exact_below))), every);
    vec![
        ("segments, live", segments(4000, None)),
        ("segments, frozen at once", segments(4, Some(1))),
        ("segments, frozen now and then", segments(4, Some(9))),
        ("segments, frozen behind the searches", segments(20, None)),
        ("exact", tested(Box::new(Exact::new(dimension)), None)),
        ("hnsw_rs, scored", hnsw_rs(4000, None)),
        ("hnsw_rs, a graph from the start", hnsw_rs(0, Some(1))),
        ("hnsw_rs, made anew now and then", hnsw_rs(20, Some(9))),
    ]
}

/// The truth: every row of `data` that `may` be found, scored here.
fn truth(data: &[(u32, Vec<f32>)], query: &[f32], k: usize, may: impl Fn(u32) -> bool) -> Vec<u32> {
    let score = |v: &[f32]| v.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let mut all: Vec<(f64, u32)> = data.iter().filter(|(row, _)| may(*row)).map(|(row, v)| (score(v), *row)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all.into_iter().take(k).map(|(_, row)| row).collect()
}

fn rows(found: &Found) -> Vec<u32> {
    found.neighbours.iter().map(|n| n.row.0).collect()
}

fn insert(index: &Tested, papers: &[(u32, Vec<f32>)]) {
    let rows: Vec<(Row, &[f32])> = papers.iter().map(|(r, v)| (Row(*r), v.as_slice())).collect();
    index.insert(&rows).expect("valid vectors");
}

#[test]
fn finds_the_closest_first() {
    for (name, index) in every_index(3) {
        insert(&index, &[(7, paper(1., 0., 0.)), (3, paper(1., 1., 0.)), (9, paper(0., 0., 1.))]);
        let found = index.search(&paper(1., 0.1, 0.), 2, None).expect("searches");
        assert_eq!(rows(&found), [7, 3], "{name}");
        assert!(found.neighbours[0].score > 0.99 && found.neighbours[0].score <= 1.0 + 1e-6, "{name}");
        assert_eq!(index.len(), 3, "{name}");
    }
}

#[test]
fn empty_and_zero_are_no_special_cases() {
    for (name, index) in every_index(3) {
        assert!(index.is_empty());
        assert_eq!(rows(&index.search(&paper(1., 0., 0.), 5, None).expect("searches")), [] as [u32; 0], "{name}");
        insert(&index, &[(1, paper(1., 0., 0.))]);
        assert_eq!(rows(&index.search(&paper(1., 0., 0.), 0, None).expect("searches")), [] as [u32; 0], "{name}");
        for all in [99, usize::MAX] {
            assert_eq!(rows(&index.search(&paper(1., 0., 0.), all, None).expect("searches")), [1], "{name}");
        }
        index.remove(&[Row(1), Row(1), Row(77)]).expect("removes");
        assert!(index.is_empty(), "{name}");
        assert_eq!(rows(&index.search(&paper(1., 0., 0.), 5, None).expect("searches")), [] as [u32; 0], "{name}");
    }
}

#[test]
fn bad_vectors_are_refused_and_nothing_is_added() {
    for (name, index) in every_index(3) {
        for bad in [vec![1., 0.], vec![f32::NAN, 0., 0.], vec![f32::INFINITY, 0., 0.]] {
            let good = paper(0., 1., 0.);
            assert!(index.insert(&[(Row(1), &good), (Row(2), &bad)]).is_err(), "{name}");
            assert!(index.is_empty(), "{name} kept half of a refused call");
            assert!(index.search(&bad, 1, None).is_err(), "{name}");
        }
    }
}

#[test]
fn a_row_keeps_its_vector() {
    for (name, index) in every_index(3) {
        insert(&index, &[(1, paper(1., 0., 0.)), (1, paper(0., 1., 0.))]);
        insert(&index, &[(1, paper(0., 0., 1.)), (2, paper(0., 1., 0.))]);
        assert_eq!(index.len(), 2, "{name}");
        assert_eq!(rows(&index.search(&paper(1., 0., 0.), 9, None).expect("searches")), [1, 2], "{name}");
        assert_eq!(
            index.vectors(&[Row(2), Row(5), Row(1)]).expect("reads"),
            [Some(paper(0., 1., 0.)), None, Some(paper(1., 0., 0.))]
        );
    }
}

/// What is gone does not come back, and leaves no hole: neither in the vectors nor among the neighbours of others.
#[test]
fn a_removed_row_leaves_no_trace() {
    let data = clustered(600, 16, 5);
    for (name, index) in every_index(16) {
        for piece in data.chunks(50) {
            insert(&index, piece);
        }
        let gone: Vec<Row> = (0..600).filter(|r| r % 3 != 0).map(Row).collect();
        index.remove(&gone).expect("removes");
        insert(&index, &data[..4]);
        for haste in [Haste::Behind, Haste::Wait] {
            index.settle(7, haste).expect("settles");
        }
        let kept: RoaringBitmap = (0..600).filter(|r| r % 3 == 0).collect();
        assert_eq!((index.rows(), index.len(), index.dimension()), (kept.clone(), 200, 16), "{name}");
        assert!(!index.is_due(), "{name}");
        let graph = index.neighbour_graph(7).expect("neighbours");
        assert_eq!(graph.rows.iter().map(|r| r.0).collect::<RoaringBitmap>(), kept, "{name}");
        for (row, neighbours) in graph.rows.iter().zip(&graph.neighbours) {
            assert!(
                neighbours.len() == 7 && neighbours.iter().all(|n| kept.contains(n.row.0) && n.row != *row),
                "{name}"
            );
            assert!(neighbours.is_sorted_by(|a, b| a.score >= b.score), "{name}");
        }
        let vectors = index.vectors(&[Row(0), Row(1), Row(599), Row(597)]).expect("reads");
        assert_eq!(vectors.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false, true], "{name}");
        let checked = index.check(50).expect("checks");
        assert!(checked.sample >= 50 && checked.recall > 0.95 && checked.lost == 0, "{name}: {checked:?}");
        assert_eq!(index.status().rows, 200, "{name}");
    }
}

/// Many queries at once are each answered as one alone.
#[test]
fn many_at_once_are_answered_as_each_alone() {
    let data = clustered(900, 16, 13);
    let allowed: RoaringBitmap = (0..900).filter(|r| r % 4 != 1).collect();
    for (name, index) in every_index(16) {
        insert(&index, &data);
        index.settle(1, Haste::Wait).expect("settles");
        let queries: Vec<&[f32]> = data.iter().step_by(30).map(|(_, v)| v.as_slice()).collect();
        for allowed in [None, Some(Allowed::from(&allowed))] {
            let together = index.search_many(&queries, 12, allowed).expect("searches");
            assert_eq!(together.len(), queries.len(), "{name}");
            for (query, found) in queries.iter().zip(together) {
                assert_eq!(index.search(query, 12, allowed).expect("searches"), found, "{name}");
            }
        }
    }
}

fn clustered(n: usize, dimension: usize, seed: u64) -> Vec<(u32, Vec<f32>)> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as f32 / (1u64 << 31) as f32) - 0.5
    };
    let centres: Vec<Vec<f32>> = (0..20).map(|_| (0..dimension).map(|_| random()).collect()).collect();
    (0..n)
        .map(|k| {
            let v: Vec<f32> = centres[k % 20].iter().map(|c| c + 0.5 * random()).collect();
            let norm = dot(&v, &v).sqrt();
            (k as u32, v.into_iter().map(|x| x / norm).collect())
        })
        .collect()
}

#[test]
fn recall_and_full_answers_under_filters_and_deletes() {
    let data = clustered(3000, 24, 7);
    for (name, index) in every_index(24) {
        insert(&index, &data);
        let dead: Vec<Row> = (0..3000).filter(|r| r % 7 == 0).map(Row).collect();
        index.remove(&dead).expect("removes");
        for every in [1u32, 2, 3, 10, 100, 1500] {
            let allowed: RoaringBitmap = (0..3000).filter(|r| r % every == 0).collect();
            let alive = allowed.iter().filter(|r| r % 7 != 0).count();
            let (mut hits, mut exact) = (0, 0);
            for (_, query) in data.iter().step_by(100) {
                let found = index.search(query, 10, Some((&allowed).into())).expect("searches");
                let scored = index.search_exactly(query, 10, Some((&allowed).into())).expect("searches");
                let truth = truth(&data, query, 10, |row| row % every == 0 && row % 7 != 0);
                assert_eq!(found.neighbours.len(), alive.min(10), "{name}, one in {every}");
                assert!(rows(&found).iter().all(|r| r % every == 0 && r % 7 != 0), "{name}, one in {every}");
                assert!(found.neighbours.is_sorted_by(|a, b| a.score >= b.score));
                hits += rows(&found).iter().filter(|r| truth.contains(r)).count();
                exact += rows(&scored).iter().filter(|r| truth.contains(r)).count();
            }
            let recall = |hits: usize| hits as f64 / (30 * alive.min(10)) as f64;
            assert!(recall(hits) >= 0.97, "{name}, one in {every}: recall {}", recall(hits));
            // Half precision may turn two round that are equally close.
            assert!(recall(exact) >= 0.99, "{name}, one in {every}: the exact scan has {}", recall(exact));
        }
    }
}

#[test]
fn searches_while_rows_come_and_go() {
    let data = clustered(2000, 16, 3);
    for (name, index) in every_index(16) {
        insert(&index, &data[..500]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for piece in data[500..].chunks(100) {
                    insert(&index, piece);
                    index.remove(&[Row(piece[0].0)]).expect("removes");
                }
            });
            for (_, query) in data[..500].iter().cycle().take(3000) {
                let found = index.search(query, 10, None).expect("searches");
                assert_eq!(found.neighbours.len(), 10, "{name}");
                assert!(found.neighbours[0].score > 0.999, "{name} lost a row that was there");
            }
        });
        assert_eq!(index.len(), 2000 - 15, "{name}");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u32),
    Remove(u32),
    Search { k: usize, modulus: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u32..80).prop_map(Step::Insert),
        1 => (0u32..80).prop_map(Step::Remove),
        2 => (0usize..30, 1u32..6).prop_map(|(k, modulus)| Step::Search { k, modulus }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any order of inserting, removing and searching gives as many hits as a plain set would, and only members of it.
    #[test]
    fn agrees_with_a_set(steps in prop::collection::vec(step(), 1..120)) {
        let data = clustered(80, 8, 11);
        for (name, index) in every_index(8) {
            let mut members = std::collections::BTreeSet::new();
            let mut gone = std::collections::BTreeSet::new();
            for step in &steps {
                match step {
                    // A row is never used twice, so one that was removed does not come back.
                    Step::Insert(r) if !gone.contains(r) => {
                        insert(&index, &data[*r as usize..][..1]);
                        members.insert(*r);
                    }
                    Step::Insert(_) => {}
                    Step::Remove(r) => {
                        index.remove(&[Row(*r)]).expect("removes");
                        if members.remove(r) { gone.insert(*r); }
                    }
                    Step::Search { k, modulus } => {
                        let allowed: RoaringBitmap = (0..80).filter(|r| r % modulus == 0).collect();
                        let found = index.search(&data[5].1, *k, Some((&allowed).into())).expect("searches");
                        let there: Vec<u32> = members.iter().copied().filter(|r| r % modulus == 0).collect();
                        prop_assert_eq!(found.neighbours.len(), there.len().min(*k), "{}", name);
                        let mut unique = rows(&found);
                        prop_assert!(unique.iter().all(|r| there.contains(r)), "{}", name);
                        unique.sort_unstable();
                        unique.dedup();
                        prop_assert_eq!(unique.len(), found.neighbours.len(), "{} listed a row twice", name);
                    }
                }
            }
            prop_assert_eq!(index.len(), members.len());
        }
    }
}
