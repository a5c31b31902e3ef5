//! Question: how many formulas of real titles and abstracts are shown as formulas, what of TeX is left, and what does it cost?
//!
//! Data: papers of your own, JSON lines with `title` and `abstract`, plain or in zstd, named in `PAPERKIN_BENCH_PAPERS`. With
//! `PAPERKIN_BENCH_SHOW` that many abstracts in which TeX is left are printed.
//!
//! How to read it: formulas are those in LaTeX between their signs; "as they came" is what no parser reads. Microseconds are for a paper:
//! its title; its title and a passage of 300 characters with three words marked; its abstract. Bytes are of HTML.
//!
//!     PAPERKIN_BENCH_PAPERS=papers.jsonl.zst cargo bench --bench typeset

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read};
use std::time::Instant;

use paperkin::index::MatchedWords;
use paperkin::paper::{Source, Span, spans};
use paperkin::typeset;

fn main() {
    let Some(path) = std::env::var_os("PAPERKIN_BENCH_PAPERS") else {
        println!("set PAPERKIN_BENCH_PAPERS to a file of papers in JSON lines");
        return;
    };
    let mut show: usize = std::env::var("PAPERKIN_BENCH_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let file = std::fs::File::open(&path).expect("a file");
    let reader: Box<dyn Read> = match path.to_string_lossy().ends_with(".zst") {
        true => Box::new(zstd::Decoder::new(file).expect("zstd")),
        false => Box::new(file),
    };
    let papers: Vec<(String, String)> = BufReader::new(reader)
        .lines()
        .map(|line| {
            let paper: serde_json::Value = serde_json::from_str(&line.expect("text")).expect("JSON");
            let field = |name: &str| paper[name].as_str().unwrap_or_default().to_string();
            (field("title"), field("abstract"))
        })
        .collect();
    let (mut made, mut signs, mut raw, mut left) = (0, 0, 0, 0);
    let mut reasons: HashMap<String, usize> = HashMap::new();
    for (title, summary) in &papers {
        let mut papers_left = false;
        for span in [title, summary].iter().flat_map(|text| spans(text)) {
            match span {
                Span::Formula { source: Source::Latex(source), .. } => {
                    made += 1;
                    signs += usize::from(!typeset::title(&format!("${source}$"), None).contains("<math"));
                }
                Span::Text(text) => {
                    let commands =
                        text.match_indices('\\').filter(|(k, _)| text[k + 1..].starts_with(char::is_alphabetic));
                    for (k, _) in commands {
                        papers_left = true;
                        let name: String = text[k..].chars().take(16).collect();
                        *reasons
                            .entry(
                                name.split_inclusive(|c: char| !c.is_alphabetic() && c != '\\')
                                    .next()
                                    .unwrap_or_default()
                                    .into(),
                            )
                            .or_default() += 1;
                    }
                    raw += text.matches('$').count() / 2 * usize::from(text.contains('\\'));
                }
                _ => {}
            }
        }
        left += usize::from(papers_left);
        if papers_left && show > 0 {
            show -= 1;
            println!("{summary}\n  -> {}\n", typeset::summary(summary, None));
        }
    }
    println!(
        "{} papers: {made} formulas, {signs} of them as signs; about {raw} as they came, TeX left in {left} papers",
        papers.len()
    );
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), name.clone()));
    for (name, n) in reasons.iter().take(if std::env::var_os("PAPERKIN_BENCH_SHOW").is_some() { 60 } else { 0 }) {
        println!("  {n:>6} {name}");
    }
    let words = MatchedWords::of(["graph learning models"]);
    let matched = |text: &str| words.ranges(text);
    let cards = |(title, summary): &(String, String)| {
        typeset::title(title, Some(&matched)).len() + typeset::lead(summary, 300, Some(&matched)).len()
    };
    println!("{:<42} {:>8} {:>8} {:>8}", "", "µs", "99%", "bytes");
    report("title", &papers, &|(title, _)| typeset::title(title, None).len());
    report("title and passage", &papers, &|(title, summary)| {
        typeset::title(title, None).len() + typeset::lead(summary, 300, None).len()
    });
    report("title and passage, marked", &papers, &cards);
    report("abstract", &papers, &|(_, summary)| typeset::summary(summary, None).len());
}

/// The mean time of all papers and the time that one in a hundred is above, and the mean bytes.
fn report(name: &str, papers: &[(String, String)], make: &dyn Fn(&(String, String)) -> usize) {
    let (mut times, mut bytes) = (Vec::with_capacity(papers.len()), 0);
    for paper in papers {
        let began = Instant::now();
        bytes += black_box(make(paper));
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    times.sort_by(f64::total_cmp);
    let (rare, bytes) = (times[times.len() * 99 / 100], bytes / papers.len());
    println!("{name:<42} {mean:>8.1} {rare:>8.1} {bytes:>8}");
}
