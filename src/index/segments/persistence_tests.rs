//! What must last: an index that is closed, damaged or cut off at any moment, and opened again over the same rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use roaring::RoaringBitmap;

use super::SegmentedIndex;
use crate::error::Result;
use crate::index::{Haste, IndexOptions, OpenReport, Opening, VectorIndex, dot};
use crate::paper::Row;

/// What the index is derived from: every row that is alive, with its vector.
type Oracle = Arc<Mutex<BTreeMap<u32, Vec<f32>>>>;

const DIMENSION: usize = 16;

fn vector(row: u32) -> Vec<f32> {
    let mut random = {
        let mut rng = fastrand::Rng::with_seed(row.into());
        move || rng.f32() - 0.5
    };
    let v: Vec<f32> = (0..DIMENSION).map(|_| random()).collect();
    let norm = dot(&v, &v).sqrt();
    v.into_iter().map(|x| x / norm).collect()
}

fn open(folder: &Path, oracle: &Oracle, change: u64) -> (SegmentedIndex, OpenReport) {
    let options = IndexOptions { exact_below: 50, checked_at_once: 8 << 10, ..IndexOptions::default() };
    let rows: RoaringBitmap = oracle.lock().expect("whole").keys().copied().collect();
    let from = Arc::clone(oracle);
    let source = move |rows: &RoaringBitmap, f: &mut dyn FnMut(Row, &[f32]) -> Result<()>| {
        let all = from.lock().expect("whole").clone();
        all.iter().filter(|(row, _)| rows.contains(**row)).try_for_each(|(row, v)| f(Row(*row), v))
    };
    let source = Box::new(source);
    let opening =
        Opening { folder, fingerprint: "a model", dimension: DIMENSION, options, change, rows: &rows, source };
    SegmentedIndex::open(opening).expect("opens")
}

/// Every row of the oracle is found by its own vector, and no other row is there.
fn agrees(index: &SegmentedIndex, oracle: &Oracle) {
    let oracle = oracle.lock().expect("whole");
    assert_eq!(index.rows(), oracle.keys().copied().collect::<RoaringBitmap>());
    assert_eq!(index.len(), oracle.len());
    for (row, v) in oracle.iter() {
        let found = index.search(v, 1, None).expect("searches");
        assert_eq!(found.neighbours.first().map(|n| n.row), Some(Row(*row)), "row {row} is lost");
    }
}

fn filled(folder: &Path, rows: std::ops::Range<u32>) -> (SegmentedIndex, Oracle) {
    let oracle: Oracle = Arc::default();
    oracle.lock().expect("whole").extend(rows.map(|row| (row, vector(row))));
    let (index, report) = open(folder, &oracle, 1);
    assert_eq!(report.doubt, None);
    index.settle(1, Haste::Wait).expect("frozen");
    (index, oracle)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("readable")
        .flatten()
        .flat_map(|e| if e.path().is_dir() { files(&e.path()) } else { vec![e.path()] })
        .collect();
    found.sort();
    found
}

#[test]
fn what_was_frozen_is_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (index, oracle) = filled(folder.path(), 1..800);
    let state = index.status();
    assert_eq!((state.segments, state.points, state.live), (1, 799, 0));
    assert!(state.recall.is_some_and(|r| r > 0.9), "{state:?}");
    drop(index);
    let (index, report) = open(folder.path(), &oracle, 1);
    assert_eq!(report, OpenReport::default());
    agrees(&index, &oracle);
    // The store went on without the index: rows came and went.
    drop(index);
    oracle.lock().expect("whole").retain(|row, _| row % 3 != 0);
    oracle.lock().expect("whole").extend((900..940).map(|row| (row, vector(row))));
    let (index, report) = open(folder.path(), &oracle, 2);
    assert_eq!((report.doubt, report.caught_up), (None, 40));
    agrees(&index, &oracle);
    index.settle(2, Haste::Wait).expect("frozen");
    agrees(&index, &oracle);
    // A third was dead: that is too much to keep.
    assert_eq!(index.status().dead, 0);
    let checked = index.check(1000).expect("checks");
    assert_eq!((checked.lost, checked.unreachable, checked.damaged.len()), (0, Some(0), 0), "{checked:?}");
    assert!(checked.recall > 0.98);
}

#[test]
fn a_store_that_was_put_back_is_not_mixed_with_a_newer_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let (index, oracle) = filled(folder.path(), 1..300);
    index.settle(7, Haste::Wait).expect("in order");
    drop(index);
    let older = oracle.lock().expect("whole").clone();
    // As in an ingest that is killed: frozen behind the searches, and nobody maintains anything.
    let (index, _) = open(folder.path(), &oracle, 7);
    index.seen(9);
    insert(&index, &oracle, 400..500);
    index.wait();
    assert_eq!(index.status().live, 0);
    drop(index);
    *oracle.lock().expect("whole") = older;
    // The older copy has given a row to another paper meanwhile.
    oracle.lock().expect("whole").insert(400, vector(9999));
    let (index, report) = open(folder.path(), &oracle, 8);
    assert!(report.doubt.expect("a doubt").contains("newer than the store"));
    agrees(&index, &oracle);
}

/// Any damage to any file: found at once or behind the searches, said, and healed; the answers are never wrong after that.
#[test]
fn damage_is_found_and_healed() {
    let whole = tempfile::tempdir().expect("a folder");
    let (index, oracle) = filled(whole.path(), 1..1200);
    drop(index);
    let names: Vec<PathBuf> =
        files(whole.path()).iter().map(|p| p.strip_prefix(whole.path()).expect("inside").to_path_buf()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        for (k, damage) in ["truncate", "extend", "flip", "flip", "flip", "empty", "remove"].iter().enumerate() {
            let folder = tempfile::tempdir().expect("a folder");
            for file in files(whole.path()) {
                let to = folder.path().join(file.strip_prefix(whole.path()).expect("inside"));
                std::fs::create_dir_all(to.parent().expect("a parent")).expect("made");
                std::fs::copy(&file, to).expect("copied");
            }
            let path = folder.path().join(&name);
            let mut bytes = std::fs::read(&path).expect("there");
            match *damage {
                "truncate" => bytes.truncate(bytes.len() - 4),
                "extend" => bytes.extend([0; 4]),
                // The top of a number, so that links lead far outside and scales are far off.
                "flip" => {
                    let at = (bytes.len() * k / 5) | 3;
                    bytes[at] ^= 0xd5;
                }
                _ => bytes.clear(),
            }
            std::fs::write(&path, bytes).expect("written");
            if *damage == "remove" {
                std::fs::remove_file(&path).expect("removed");
            }
            let (index, report) = open(folder.path(), &oracle, 1);
            let what = format!("{damage} {}", name.display());
            // Whatever was not found yet must not bring a search down.
            for row in (1..1200).step_by(50) {
                index.search(&vector(row), 10, None).expect("searches");
                let allowed: RoaringBitmap = (0..1200).filter(|r| r % 2 == 0).collect();
                index.search(&vector(row), 10, Some((&allowed).into())).expect("searches");
            }
            index.wait();
            index.settle(1, Haste::Wait).expect("frozen");
            agrees(&index, &oracle);
            assert_eq!(index.status().segments, 1, "{what}");
            drop(index);
            let (index, after) = open(folder.path(), &oracle, 1);
            index.wait();
            assert_eq!(after.doubt, None, "{what} was not healed (it said {:?})", report.doubt);
            let checked = index.check(10).expect("checks");
            assert!(checked.damaged.is_empty(), "{what}: {checked:?}");
        }
    }
}

#[test]
fn every_row_has_its_neighbours() {
    let folder = tempfile::tempdir().expect("a folder");
    let (index, oracle) = filled(folder.path(), 1..1500);
    // Three kinds of parts: a big segment, a small one, and rows that wait.
    for (from, to) in [(2000, 2060), (3000, 3020)] {
        insert(&index, &oracle, from..to);
        if from == 2000 {
            index.settle(2, Haste::Wait).expect("frozen");
        }
    }
    index.remove(&[Row(7), Row(2001)]).expect("removes");
    let graph = index.neighbour_graph(8).expect("neighbours");
    assert_eq!(graph.rows.len(), 1499 + 80 - 2);
    assert!(graph.rows.is_sorted() && !graph.rows.contains(&Row(7)));
    let (mut hits, mut possible) = (0, 0);
    for (row, neighbours) in graph.rows.iter().zip(&graph.neighbours) {
        assert_eq!(neighbours.len(), 8);
        assert!(neighbours.iter().all(|n| n.row != *row && n.row != Row(7) && n.row != Row(2001)));
        assert!(neighbours.is_sorted_by(|a, b| a.score >= b.score));
        let truth = index.search_exactly(&vector(row.0), 9, None).expect("searches").neighbours;
        hits += truth.iter().filter(|t| t.row != *row && neighbours.iter().any(|n| n.row == t.row)).count();
        possible += 8;
    }
    assert!(hits as f64 / possible as f64 > 0.95, "{hits} of {possible}");
    // Many queries at once are as many queries one by one.
    let queries: Vec<Vec<f32>> = (1..60).map(vector).collect();
    let queries: Vec<&[f32]> = queries.iter().map(Vec::as_slice).collect();
    let many = index.search_many(&queries, 5, None).expect("searches");
    for (query, found) in queries.iter().zip(many) {
        assert_eq!(found, index.search(query, 5, None).expect("searches"));
    }
}

fn insert(index: &SegmentedIndex, oracle: &Oracle, rows: std::ops::Range<u32>) {
    let new: Vec<(Row, Vec<f32>)> = rows.map(|r| (Row(r), vector(r))).collect();
    oracle.lock().expect("whole").extend(new.iter().map(|(r, v)| (r.0, v.clone())));
    index.insert(&new.iter().map(|(r, v)| (*r, v.as_slice())).collect::<Vec<_>>()).expect("inserted");
}

/// A segment that is built anew spans the rows of another; the dead among those are not its own, or it would be built anew
/// for ever.
#[test]
fn maintenance_ends_where_the_ranges_of_segments_overlap() {
    let folder = tempfile::tempdir().expect("a folder");
    let (index, oracle) = filled(folder.path(), 1..2001);
    for rows in [2001..2061, 2061..2221] {
        insert(&index, &oracle, rows);
        index.settle(2, Haste::Wait).expect("frozen");
    }
    assert_eq!(index.status().segments, 3);
    // More than a fifth of the first small one, less of the second.
    let gone: Vec<Row> = (2001..2014).chain(2061..2091).map(Row).collect();
    oracle.lock().expect("whole").retain(|row, _| !gone.contains(&Row(*row)));
    index.remove(&gone).expect("removes");
    insert(&index, &oracle, 2221..2241);
    let (done, ended) = std::sync::mpsc::channel();
    let index = Arc::new(index);
    let at_work = Arc::clone(&index);
    std::thread::spawn(move || done.send(at_work.settle(3, Haste::Wait).is_ok()));
    assert_eq!(ended.recv_timeout(std::time::Duration::from_secs(60)), Ok(true), "it never ends");
    let state = index.status();
    assert_eq!((state.segments, state.live, state.dead), (3, 0, 30));
    agrees(&index, &oracle);
}

#[test]
fn a_recall_asked_for_sets_how_far_to_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let (index, oracle) = filled(folder.path(), 1..1500);
    drop(index);
    let rows: RoaringBitmap = oracle.lock().expect("whole").keys().copied().collect();
    let ef = |recall: Option<f32>| {
        let options = IndexOptions { exact_below: 50, ef_search: 77, recall, ..IndexOptions::default() };
        let none = Box::new(|_: &RoaringBitmap, _: &mut dyn FnMut(Row, &[f32]) -> Result<()>| Ok(()));
        let opening = Opening {
            folder: folder.path(),
            fingerprint: "a model",
            dimension: DIMENSION,
            options,
            change: 1,
            rows: &rows,
            source: none,
        };
        let (index, _) = SegmentedIndex::open(opening).expect("opens");
        index.status().ef_search
    };
    assert_eq!(ef(None), 77);
    assert!(ef(Some(0.5)) < ef(Some(0.999)), "{} {}", ef(Some(0.5)), ef(Some(0.999)));
}
