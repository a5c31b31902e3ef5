//! Question: what does the index cost beside the ones a user would pick instead, and what does it miss?
//!
//! Data: clustered unit vectors made here from a seed (real abstracts are harder), or, with
//! `PAPERKIN_BENCH_VECTORS=file.npy`, real ones (n x d, f16 or f32); about 1,000 of them (200 of more than 200,000),
//! evenly spread, become queries and leave the index. `PAPERKIN_BENCH_ROWS=1000000` makes so many of them by small
//! random turns. `PAPERKIN_BENCH_PEERS="python ann.py"` runs a script that measures others on the same file.
//! `PAPERKIN_BENCH_ONLY=kinds` leaves away what only the default index is asked.
//!
//! How to read the table: recall@10 is the share of the exact ten found; queries/s are sent one at a time from one thread,
//! the best of three passes; resident is the growth of memory that is not the vectors' own file; filtered lines give the
//! time of a query beside the same search without a filter and beside scoring each allowed row.
//!
//!     cargo bench --bench index
//!     PAPERKIN_BENCH_VECTORS=vectors.npy taskset -c 1 cargo bench --bench index

use std::sync::Arc;
use std::time::Instant;

use paperkin::config::IndexKind;
use paperkin::index::{self, Haste, IndexOptions, Opening, VectorIndex};
use paperkin::paper::Row;
use roaring::RoaringBitmap;

const K: usize = 10;

fn main() {
    let path = std::env::var("PAPERKIN_BENCH_VECTORS");
    let all = path.as_ref().map_or_else(|_| clustered(20_000, 384), |path| npy(path));
    let wanted = std::env::var("PAPERKIN_BENCH_ROWS").ok().and_then(|n| n.parse().ok());
    let (data, queries) = split(turned(all, wanted));
    let dimension = data[0].len();
    println!("{} vectors of {dimension}, {} queries, k = {K}", data.len(), queries.len());
    let rows: Vec<(Row, &[f32])> = data.iter().enumerate().map(|(k, v)| (Row(k as u32), v.as_slice())).collect();

    // Not frozen yet: every row is scored.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let unfrozen = IndexOptions { exact_below: usize::MAX, ..IndexOptions::default() };
    let whole = open(SEGMENTS, elsewhere.path(), &rows[..0], dimension, unfrozen);
    let began = Instant::now();
    for block in rows.chunks(1000) {
        whole.insert(block).expect("valid");
    }
    println!("insert        {:8.0} rows/s in calls of 1,000", rows.len() as f64 / began.elapsed().as_secs_f64());
    let truth: Vec<Vec<Row>> = queries.iter().map(|q| exact(&*whole, q, None)).collect();
    let (recall, speed) = measure(&*whole, &queries[..queries.len() / 4], &truth, None);
    println!("not frozen    recall@10 {recall:.4}  {speed:8.0} queries/s");
    drop(whole);
    if std::env::var("PAPERKIN_BENCH_ONLY").as_deref() == Ok("kinds") {
        return kinds(&data, &rows, &queries, &truth);
    }

    let options = IndexOptions { exact_below: 0, ..IndexOptions::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let seconds = {
        let index = open(SEGMENTS, folder.path(), &rows, dimension, options);
        let began = Instant::now();
        index.settle(1, Haste::Wait).expect("frozen");
        began.elapsed().as_secs_f64()
    };
    let (before, began) = (resident(), Instant::now());
    let index = open(SEGMENTS, folder.path(), &rows, dimension, options);
    index.search(&queries[0], K, None).expect("valid");
    let grown = resident().saturating_sub(before);
    let opened = began.elapsed().as_secs_f64();
    let disk: u64 = files(folder.path());
    println!(
        "paperkin      build {seconds:7.1} s  {:6.0} B/vector on disk  open {:.3} s",
        disk as f64 / rows.len() as f64,
        opened
    );
    let state = index.status();
    println!(
        "              its own audit: recall@10 {:?} at ef {}, {} unreachable",
        state.recall, state.ef_search, state.unreachable
    );
    let mut reference = 0.0;
    for ef_search in [10, 16, 24, 32, 48, 64, 96, 128, 192, 256] {
        let index = open(SEGMENTS, folder.path(), &rows, dimension, IndexOptions { ef_search, ..options });
        let (recall, speed) = measure(&*index, &queries, &truth, None);
        println!("              ef {ef_search:4}  recall@10 {recall:.4}  {speed:8.0} queries/s");
        if reference == 0.0 && recall >= 0.98 {
            reference = 1e6 / speed;
        }
    }
    let mapped = ["codes", "scales", "links", "rows"].map(|name| named(folder.path(), name)).iter().sum::<u64>();
    let each = |bytes: u64| bytes as f64 / rows.len() as f64;
    println!(
        "              {:6.0} B/vector resident: {:.0} of mapped files (vectors apart), {:.0} of memory",
        each(mapped + grown as u64),
        each(mapped),
        each(grown as u64)
    );

    println!("filtered: microseconds a query (without a filter, at recall .98: {reference:.0})");
    for share in [1.0, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001, 0.00001] {
        for alike in [false, true] {
            let allowed = allowed(&data, share, alike);
            let some = &queries[..queries.len() / 4];
            let truth: Vec<Vec<Row>> = some.iter().map(|q| exact(&*index, q, Some(&allowed))).collect();
            let (recall, speed) = measure(&*index, some, &truth, Some(&allowed));
            let plan = index.search(&some[0], K, Some((&allowed).into())).expect("valid").plan;
            println!(
                "  {share:8} {:9} recall@10 {recall:.4}  {:8.0}  {plan:?}",
                if alike { "one topic" } else { "at random" },
                1e6 / speed
            );
        }
    }

    writing(&rows, &queries, options);
    let began = Instant::now();
    let graph = index.neighbour_graph(15).expect("neighbours");
    println!("neighbours of every row (15): {:.0} rows/s", graph.rows.len() as f64 / began.elapsed().as_secs_f64());
    let began = Instant::now();
    let many: Vec<&[f32]> = queries.iter().map(Vec::as_slice).collect();
    index.search_many(&many, K, None).expect("valid");
    println!("many at once: {:.0} queries/s", many.len() as f64 / began.elapsed().as_secs_f64());

    drop(index);
    kinds(&data, &rows, &queries, &truth);
    if let (Ok(peers), Ok(path)) = (std::env::var("PAPERKIN_BENCH_PEERS"), &path) {
        let mut words = peers.split_whitespace();
        let program = words.next().expect("a program");
        let ran = std::process::Command::new(program).args(words).arg(path).status();
        println!("{peers}: {ran:?}");
    }
}

const SEGMENTS: IndexKind = IndexKind::Segments;

/// An index over a folder, reading from the rows what the folder lacks.
fn open(
    kind: IndexKind,
    folder: &std::path::Path,
    rows: &[(Row, &[f32])],
    dimension: usize,
    options: IndexOptions,
) -> Arc<dyn VectorIndex> {
    let all: RoaringBitmap = rows.iter().map(|(row, _)| row.0).collect();
    // The source outlives nothing: it is only asked while the index is opened.
    let vectors: Vec<f32> = if kind == SEGMENTS && folder.join("manifest.json").exists() {
        Vec::new()
    } else {
        rows.iter().flat_map(|(_, v)| v.iter().copied()).collect()
    };
    let source = Box::new(move |wanted: &RoaringBitmap, f: &mut dyn FnMut(Row, &[f32]) -> paperkin::Result<()>| {
        wanted.iter().try_for_each(|row| f(Row(row), &vectors[row as usize * dimension..][..dimension]))
    });
    let opening = Opening { folder, fingerprint: "bench", dimension, options, change: 1, rows: &all, source };
    index::open(kind, opening).expect("opens").0
}

/// The kinds side by side, through the trait alone: what they take to open and to settle, what they find and how fast, without
/// a filter and under filters.
fn kinds(data: &[Vec<f32>], rows: &[(Row, &[f32])], queries: &[Vec<f32>], truth: &[Vec<Row>]) {
    println!(
        "kinds: open + settle; recall@10 and queries/s by ef_search; microseconds under a filter by share allowed"
    );
    for kind in [SEGMENTS, IndexKind::HnswRs, IndexKind::Exact] {
        let folder = tempfile::tempdir().expect("a folder");
        let (before, began) = (resident(), Instant::now());
        let open = |ef_search| {
            let options = IndexOptions { ef_search, ..IndexOptions::default() };
            open(kind, folder.path(), rows, rows[0].1.len(), options)
        };
        let index = open(96);
        let opened = began.elapsed().as_secs_f64();
        let began = Instant::now();
        index.settle(1, Haste::Wait).expect("settled");
        let settled = began.elapsed().as_secs_f64();
        let memory = resident().saturating_sub(before) as f64 / rows.len() as f64;
        println!("{kind:9} open {opened:.2} s, settle {settled:.1} s, {memory:.0} B/vector of memory");
        drop(index);
        let steps: &[usize] = if kind == IndexKind::Exact { &[96] } else { &[32, 64, 96, 128, 256] };
        for ef_search in steps {
            let index = open(*ef_search);
            index.settle(1, Haste::Wait).expect("settled");
            let (recall, speed) = measure(&*index, queries, truth, None);
            println!("          ef {ef_search:4}  recall@10 {recall:.4}  {speed:8.0} queries/s");
            if *ef_search != 96 {
                continue;
            }
            for share in [0.9, 0.5, 0.2, 0.1, 0.05, 0.01] {
                let allowed = allowed(data, share, false);
                let some = &queries[..queries.len() / 4];
                let truth: Vec<Vec<Row>> = some.iter().map(|q| exact(&*index, q, Some(&allowed))).collect();
                let (recall, speed) = measure(&*index, some, &truth, Some(&allowed));
                let plan = index.search(&some[0], K, Some((&allowed).into())).expect("valid").plan;
                println!("          {share:6} allowed  recall@10 {recall:.4}  {:8.0} us  {plan:?}", 1e6 / speed);
            }
        }
    }
}

fn exact(index: &dyn VectorIndex, query: &[f32], allowed: Option<&RoaringBitmap>) -> Vec<Row> {
    index.search_exactly(query, K, allowed.map(Into::into)).expect("valid").neighbours.iter().map(|n| n.row).collect()
}

/// Recall, and queries a second: the best of three passes.
fn measure(
    index: &dyn VectorIndex,
    queries: &[Vec<f32>],
    truth: &[Vec<Row>],
    allowed: Option<&RoaringBitmap>,
) -> (f64, f64) {
    let (mut best, mut hits) = (f64::MAX, 0);
    for _ in 0..3 {
        let began = Instant::now();
        let found: Vec<Vec<Row>> = queries
            .iter()
            .map(|q| {
                index.search(q, K, allowed.map(Into::into)).expect("valid").neighbours.iter().map(|n| n.row).collect()
            })
            .collect();
        best = best.min(began.elapsed().as_secs_f64());
        hits = found.iter().zip(truth).map(|(f, t)| t.iter().filter(|r| f.contains(r)).count()).sum();
    }
    let possible: usize = truth.iter().take(queries.len()).map(Vec::len).sum();
    (hits as f64 / possible.max(1) as f64, queries.len() as f64 / best)
}

/// So many rows at random, or those closest to the first of them, as a category or a year would be.
fn allowed(data: &[Vec<f32>], share: f64, alike: bool) -> RoaringBitmap {
    let n = ((data.len() as f64 * share).round() as usize).max(1);
    let mut order: Vec<(f32, u32)> = data
        .iter()
        .enumerate()
        .map(|(k, v)| {
            let random = (k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            (if alike { -paperkin::index::dot(&data[0], v) } else { random as f32 }, k as u32)
        })
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    order.into_iter().take(n).map(|(_, row)| row).collect()
}

/// Two clients search while rows come at 500 a second: what the slowest searches take, beside the same in quiet.
fn writing(rows: &[(Row, &[f32])], queries: &[Vec<f32>], options: IndexOptions) {
    let options = IndexOptions { exact_below: 4000, ..options };
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(SEGMENTS, folder.path(), &rows[..0], rows[0].1.len(), options);
    let (there, coming) = rows.split_at(rows.len() / 2);
    index.insert(there).expect("valid");
    index.settle(1, Haste::Wait).expect("frozen");
    let seconds = 20.0;
    let clients = |seconds: f64| -> Vec<f64> {
        let one = |c: usize| {
            let began = Instant::now();
            let mut times = Vec::new();
            for query in queries.iter().cycle().skip(c * 100) {
                if began.elapsed().as_secs_f64() > seconds {
                    break;
                }
                let one = Instant::now();
                index.search(query, K, None).expect("valid");
                times.push(one.elapsed().as_secs_f64() * 1e6);
                // A client that does not think would leave no core to the writer.
                std::thread::sleep(std::time::Duration::from_micros(500));
            }
            times
        };
        let mut times = std::thread::scope(|scope| {
            let others = scope.spawn(|| one(1));
            let mut times = one(0);
            times.extend(others.join().expect("ends"));
            times
        });
        times.sort_by(f64::total_cmp);
        times
    };
    let at = |times: &[f64], share: f64| times[(times.len() as f64 * share) as usize];
    let quiet = clients(seconds / 4.0);
    let (busy, written) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let began = Instant::now();
            let mut written = 0;
            for block in coming.chunks(50) {
                index.insert(block).expect("valid");
                written += block.len();
                let due = written as f64 / 500.0;
                if due > seconds {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_secs_f64((due - began.elapsed().as_secs_f64()).max(0.0)));
            }
            written as f64 / began.elapsed().as_secs_f64()
        });
        (clients(seconds), writer.join().expect("ends"))
    });
    println!(
        "2 clients: p50 {:.0}, p99 {:.0} us in quiet; p50 {:.0}, p99 {:.0} us while {written:.0} rows/s come ({} segments)",
        at(&quiet, 0.5),
        at(&quiet, 0.99),
        at(&busy, 0.5),
        at(&busy, 0.99),
        index.status().segments
    );
}

/// Resident memory in bytes without the pages of files (0 where the system does not tell).
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let page = |k: usize| text.split_whitespace().nth(k).and_then(|p| p.parse::<usize>().ok()).unwrap_or(0) * 4096;
    page(1).saturating_sub(page(2))
}

/// Bytes of the files of this name.
fn named(folder: &std::path::Path, name: &str) -> u64 {
    let segments = std::fs::read_dir(folder).into_iter().flatten().flatten();
    segments.filter_map(|s| std::fs::metadata(s.path().join(name)).ok()).map(|m| m.len()).sum()
}

fn files(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| e.metadata().map_or(0, |m| if m.is_dir() { files(&e.path()) } else { m.len() })).sum()
}

/// As many vectors as wanted: the same again and again, each time with another small random turn.
fn turned(all: Vec<Vec<f32>>, wanted: Option<usize>) -> Vec<Vec<f32>> {
    let Some(wanted) = wanted else { return all };
    let mut random = {
        let mut rng = fastrand::Rng::with_seed(7);
        move || rng.f32() - 0.5
    };
    let size = 0.3 * (12.0 / all[0].len() as f32).sqrt();
    (0..wanted)
        .map(|k| match &all[k % all.len()] {
            first if k < all.len() => first.clone(),
            again => unit(again.iter().map(|x| x + size * random()).collect()),
        })
        .collect()
}

fn split(all: Vec<Vec<f32>>) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let step = (all.len() / if all.len() > 200_000 { 200 } else { 1000 }).max(2);
    let (mut data, mut queries) = (Vec::new(), Vec::new());
    for (k, v) in all.into_iter().enumerate() {
        if k % step == 0 { queries.push(v) } else { data.push(v) }
    }
    (data, queries)
}

fn unit(mut v: Vec<f32>) -> Vec<f32> {
    let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt();
    v.iter_mut().for_each(|x| *x /= norm);
    v
}

fn clustered(n: usize, dimension: usize) -> Vec<Vec<f32>> {
    let mut random = {
        let mut rng = fastrand::Rng::with_seed(1);
        move || rng.f32() - 0.5
    };
    let centres: Vec<Vec<f32>> = (0..200).map(|_| (0..dimension).map(|_| random()).collect()).collect();
    (0..n).map(|k| unit(centres[k % 200].iter().map(|c| c + 0.7 * random()).collect())).collect()
}

/// A plain reader of NumPy's format: version 1 or 2, C order, two dimensions, f16 or f32.
fn npy(path: &str) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(path).expect("readable");
    assert_eq!(&bytes[..6], b"\x93NUMPY", "not a .npy file");
    let (start, length) = match bytes[6] {
        1 => (10, usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
        _ => (12, u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize),
    };
    let header = String::from_utf8_lossy(&bytes[start..start + length]).to_string();
    let shape = &header[header.find('(').expect("a shape") + 1..header.find(')').expect("a shape")];
    let dimension: usize = shape.split(',').nth(1).expect("two dimensions").trim().parse().expect("a number");
    let body = &bytes[start + length..];
    let numbers: Vec<f32> = if header.contains("f2") {
        body.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
    } else {
        body.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    numbers.chunks_exact(dimension).map(|v| unit(v.to_vec())).collect()
}
