//! Question: how many texts and tokens a second does the encoder make, by the tokens in a batch?
//! Data: the built-in corpus (252 abstracts, about 170 tokens each), or with `PAPERKIN_BENCH_PAPERS=file.jsonl[.zst]` the
//! first 512 papers of a file; and short queries of 8 words.
//! How to read the table: the best of three runs, whole calls (tokenizing included), all cores. To compare with PyTorch and
//! ONNX Runtime, run them on the same papers in the same minutes: absolute times of a shared machine mean little.
//!
//!     cargo bench --bench encoder

use std::path::Path;
use std::time::Instant;

use paperkin::embed::{self, BUNDLED, Embedder, Kind, Options};
use paperkin::sources;

fn main() {
    let papers: Vec<String> = match std::env::var("PAPERKIN_BENCH_PAPERS") {
        Ok(path) => {
            let reader = sources::open(Path::new(&path)).expect("a file of papers");
            sources::read(&path, reader).filter_map(|l| Some(l.ok()?.paper.ok()?.text())).take(512).collect()
        }
        Err(_) => sources::invented().filter_map(|l| Some(l.ok()?.paper.ok()?.text())).collect(),
    };
    let texts: Vec<&str> = papers.iter().map(String::as_str).collect();
    let queries: Vec<String> =
        papers.iter().map(|p| p.split_whitespace().take(8).collect::<Vec<_>>().join(" ")).collect();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    println!("{:>12} {:>14} {:>14} {:>16}", "token budget", "abstracts/s", "queries/s", "one query, ms");
    for token_budget in [256, 1024, 2048, 4096, 16384] {
        let options = Options { token_budget, ..Options::new(BUNDLED) };
        let encoder = embed::open(&options).expect("the bundled model");
        let one = best(3, || queries[..20].iter().for_each(|q| drop(run(&*encoder, &[q]))));
        println!(
            "{token_budget:>12} {:>14.1} {:>14.1} {:>16.2}   {}",
            texts.len() as f64 / best(3, || drop(run(&*encoder, &texts))),
            queries.len() as f64 / best(3, || drop(run(&*encoder, &queries))),
            one / 20.0 * 1e3,
            encoder.runs_on(),
        );
    }
}

fn run(encoder: &dyn Embedder, texts: &[&str]) -> Vec<Vec<f32>> {
    encoder.embed(texts, Kind::Document).expect("vectors")
}

fn best(runs: usize, mut f: impl FnMut()) -> f64 {
    let seconds = (0..runs).map(|_| {
        let began = Instant::now();
        f();
        began.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}
