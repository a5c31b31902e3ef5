//! Question: how many texts and tokens a second does the encoder make on the processor, and what would a peer make of the
//! same texts in the same minutes?
//! Data: the built-in corpus (252 abstracts), or with `PAPERKIN_BENCH_PAPERS=file.jsonl[.zst]` the first 512 papers of a
//! file; short queries are the first 8 words of each.
//! How to read the table: median of five runs over all texts, whole calls (tokenizing included); `batch` is texts in a call.
//! Our own kernels come first, in every precision, then the same model through candle.
//! Absolute times of a shared machine mean little: compare within one run. With `PAPERKIN_BENCH_PEERS` (a command that takes
//! `PAPERS --threads N` and prints lines like `NAME  12.3 texts/s  4567 tokens/s`) the peers are run between, and our
//! whole-corpus rates are given as multiples of theirs.
//!
//!     cargo bench --bench encoder
//!     PAPERKIN_BENCH_PAPERS=p.jsonl PAPERKIN_BENCH_PEERS="python encoder.py" cargo bench --bench encoder

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use paperkin::embed::{self, BUNDLED, DeviceChoice, Embedder, KernelChoice, Kind, Options, Precision};
use paperkin::sources;

fn main() {
    let path = std::env::var("PAPERKIN_BENCH_PAPERS").ok();
    let papers: Vec<String> = match &path {
        Some(path) => {
            let reader = sources::open(Path::new(path)).expect("a file of papers");
            sources::read(path, reader).filter_map(|l| Some(l.ok()?.paper.ok()?.text())).take(512).collect()
        }
        None => sources::invented().filter_map(|l| Some(l.ok()?.paper.ok()?.text())).collect(),
    };
    let long: Vec<&str> = papers.iter().map(String::as_str).collect();
    let short: Vec<String> =
        papers.iter().map(|p| p.split_whitespace().take(8).collect::<Vec<_>>().join(" ")).collect();
    let short: Vec<&str> = short.iter().map(String::as_str).collect();
    let tokenizer = tokenizers::Tokenizer::from_bytes(include_bytes!("../models/all-MiniLM-L6-v2/tokenizer.json"));
    let tokenizer = tokenizer.expect("the bundled tokenizer");
    let count = |texts: &[&str]| -> usize {
        texts.iter().map(|t| tokenizer.encode_fast(*t, true).expect("tokens").len().min(256)).sum()
    };
    let (long_tokens, short_tokens) = (count(&long), count(&short));
    println!("{} abstracts of {} tokens in all; {} queries of {}", long.len(), long_tokens, short.len(), short_tokens);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let theirs = path.as_deref().map(|p| peers(p, threads)).unwrap_or_default();
        for (name, tokens) in &theirs {
            println!("{threads} thread(s)  peer {name:22} {tokens:>38.0} tokens/s");
        }
        for (kernels, precision) in [
            (KernelChoice::Own, Precision::F32),
            (KernelChoice::Own, Precision::Bf16),
            (KernelChoice::Own, Precision::Int8),
            (KernelChoice::Candle, Precision::F32),
        ] {
            let device = DeviceChoice::Cpu;
            let options = Options { threads, device, kernels, precision: Some(precision), ..Options::new(BUNDLED) };
            let encoder = embed::open(&options).expect("the bundled model");
            for (kind, texts, tokens) in [("abstracts", &long, long_tokens), ("queries", &short, short_tokens)] {
                for batch in [1, 8, 32, texts.len()] {
                    let calls = || texts.chunks(batch).for_each(|t| run(&*encoder, t));
                    // Texts are split on the threads of the pool that the call comes from.
                    let seconds = median(|| pool.install(calls));
                    let rate = tokens as f64 / seconds;
                    let whole = batch == texts.len() && kind == "abstracts";
                    let ratios: Vec<String> =
                        theirs.iter().filter(|_| whole).map(|(n, t)| format!("{:.2} x {n}", rate / t)).collect();
                    println!(
                        "{threads} thread(s)  {precision:5} {kind:9} batch {batch:4} {:>10.1} texts/s {rate:>10.0} tokens/s {:>8.2} ms a call  {}",
                        texts.len() as f64 / seconds,
                        seconds * 1e3 / texts.len().div_ceil(batch) as f64,
                        ratios.join(", "),
                    );
                }
            }
            println!("             {}", encoder.runs_on());
        }
    }
}

fn run(encoder: &dyn Embedder, texts: &[&str]) {
    encoder.embed(texts, Kind::Document).expect("vectors");
}

fn median(mut f: impl FnMut()) -> f64 {
    f();
    let mut seconds: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            f();
            began.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[2]
}

/// What the peers' command says of the same papers: name and tokens a second.
fn peers(papers: &str, threads: usize) -> Vec<(String, f64)> {
    let Ok(command) = std::env::var("PAPERKIN_BENCH_PEERS") else { return Vec::new() };
    let line = format!("{command} '{papers}' --threads {threads}");
    let output = Command::new("sh").args(["-c", &line]).output().expect("sh is there");
    let text = String::from_utf8_lossy(&output.stdout).to_string();
    let rate = |l: &str| {
        let (before, _) = l.split_once(" tokens/s")?;
        let tokens = before.split_whitespace().last()?.parse().ok()?;
        let name = before.split("  ").next()?.trim().to_string();
        Some((name, tokens))
    };
    text.lines().filter_map(rate).collect()
}
