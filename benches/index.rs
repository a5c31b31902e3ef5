//! Question: what do the two indexes cost, and what does the graph miss?
//! Data: clustered unit vectors made here from a seed (real abstracts are harder), or, with
//! `PAPERKIN_BENCH_VECTORS=file.npy`, real ones (n x d, f16 or f32); 500 of them become queries and leave the index.
//! How to read the table: recall@10 is the share of the exact ten found; queries/s are sent one at a time from one thread;
//! bytes a vector are the growth of resident memory while building.
//!
//!     cargo bench --bench index
//!     PAPERKIN_BENCH_VECTORS=vectors.npy cargo bench --bench index

use std::time::Instant;

use paperkin::index::{Exact, GraphOptions, Hnsw, VectorIndex};
use paperkin::paper::Row;
use roaring::RoaringBitmap;

const QUERIES: usize = 500;

fn main() {
    let (data, queries) = split(match std::env::var("PAPERKIN_BENCH_VECTORS") {
        Ok(path) => npy(&path),
        Err(_) => clustered(20_000, 384),
    });
    let dimension = data[0].len();
    println!("{} vectors of {dimension}, {} queries, k = 10", data.len(), queries.len());
    let rows: Vec<(Row, &[f32])> = data.iter().enumerate().map(|(k, v)| (Row(k as u32), v.as_slice())).collect();

    let exact = Exact::new(dimension);
    let built = measure(|| exact.insert(&rows).expect("valid"));
    let truth: Vec<Vec<Row>> = queries.iter().map(|q| search(&exact, q, None)).collect();
    line("exact", &exact, built, &queries, &truth, None);

    for ef_search in [32, 96, 256] {
        let hnsw = Hnsw::new(dimension, GraphOptions { ef_search, exact_below: 0, ..GraphOptions::default() });
        let built = measure(|| hnsw.insert(&rows).expect("valid"));
        line(&format!("hnsw ef {ef_search}"), &hnsw, built, &queries, &truth, None);
        if ef_search == 96 {
            for every in [2, 10, 100, 1000] {
                let allowed: RoaringBitmap = (0..data.len() as u32).filter(|r| r % every == 0).collect();
                let truth: Vec<Vec<Row>> = queries.iter().map(|q| search(&exact, q, Some(&allowed))).collect();
                line(&format!("  1 in {every} allowed"), &hnsw, built, &queries, &truth, Some(&allowed));
            }
        }
    }
}

fn search(index: &dyn VectorIndex, query: &[f32], allowed: Option<&RoaringBitmap>) -> Vec<Row> {
    index.search(query, 10, allowed).expect("valid").neighbours.iter().map(|n| n.row).collect()
}

fn line(
    name: &str,
    index: &dyn VectorIndex,
    built: (f64, f64),
    queries: &[Vec<f32>],
    truth: &[Vec<Row>],
    allowed: Option<&RoaringBitmap>,
) {
    let began = Instant::now();
    let found: Vec<Vec<Row>> = queries.iter().map(|q| search(index, q, allowed)).collect();
    let seconds = began.elapsed().as_secs_f64();
    let hits: usize = found.iter().zip(truth).map(|(f, t)| t.iter().filter(|r| f.contains(r)).count()).sum();
    let recall = hits as f64 / truth.iter().map(Vec::len).sum::<usize>() as f64;
    println!(
        "{name:20} build {:7.1} s  {:6.0} B/vector  recall@10 {recall:.4}  {:8.0} queries/s",
        built.0,
        built.1 / index.len() as f64,
        queries.len() as f64 / seconds
    );
}

/// Seconds, and growth of resident memory in bytes (0 where the system does not tell).
fn measure(f: impl FnOnce()) -> (f64, f64) {
    let resident = || -> f64 {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split_whitespace().nth(1).and_then(|p| p.parse::<f64>().ok()).unwrap_or(0.0) * 4096.0
    };
    let (before, began) = (resident(), Instant::now());
    f();
    (began.elapsed().as_secs_f64(), (resident() - before).max(0.0))
}

fn split(all: Vec<Vec<f32>>) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let step = (all.len() / QUERIES).max(2);
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
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as f32 / (1u64 << 31) as f32) - 0.5
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
