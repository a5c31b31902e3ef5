//! What every index must do, of whatever kind, however it is set up and whatever of it has been settled yet.

mod opening;
mod sequences;
mod setups;

use roaring::RoaringBitmap;

use super::*;
use crate::paper::Row;
use setups::{Tested, every_index};

/// Small vectors whose axes have a meaning: physics, biology, economics.
fn paper(physics: f32, biology: f32, economics: f32) -> Vec<f32> {
    let norm = (physics * physics + biology * biology + economics * economics).sqrt();
    vec![physics / norm, biology / norm, economics / norm]
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
    let mut random = {
        let mut rng = fastrand::Rng::with_seed(seed);
        move || rng.f32() - 0.5
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
