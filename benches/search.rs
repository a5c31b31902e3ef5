//! Question: what does an answer by words and meaning cost, beside its parts alone?
//!
//! Data: a data folder of your own, named in `PAPERKIN_BENCH_DATA` (ingest it first; it must not be served meanwhile). The
//! queries are 2 to 8 words in a row from titles all over it; the papers to compare with are those of the same titles.
//!
//! How to read the table: milliseconds of one caller (the middle one of all calls, and the 99th of 100), and answers a
//! second of 16 callers. "encoder" is the query's vector alone and "tantivy" the ten best by BM25 alone; the modes are
//! whole answers of ten papers, read from the store. What the index of vectors costs alone, `cargo bench --bench index`
//! says.
//!
//!     PAPERKIN_BENCH_DATA=paperkin-data cargo bench --bench search

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use paperkin::config::Config;
use paperkin::embed::Kind;
use paperkin::engine::{Engine, Mode, SearchOptions};

const QUERIES: usize = 400;
const CALLERS: usize = 16;
const SPAN: Duration = Duration::from_secs(5);

fn main() {
    let Some(data) = std::env::var_os("PAPERKIN_BENCH_DATA") else {
        println!("set PAPERKIN_BENCH_DATA to a data folder with papers");
        return;
    };
    let began = Instant::now();
    let engine = Engine::open(Config::new(data)).expect("opens").engine;
    println!("{} papers, opened in {:.2} s", engine.info().expect("info").papers, began.elapsed().as_secs_f64());
    let embedder = engine.embedder().expect("a model");
    let (queries, ids) = questions(&engine);
    println!("{:<22} {:>10} {:>10} {:>10}", "", "middle ms", "99% ms", "16 callers, a second");
    let ask = |mode| SearchOptions { mode, ..SearchOptions::default() };
    measure("encoder", |k| drop(embedder.embed(&[&queries[k % queries.len()]], Kind::Query).expect("embeds")));
    measure("tantivy", |k| {
        let words = engine.lexical().words(&queries[k % queries.len()]).expect("read");
        drop(engine.lexical().search(&words, 10, None).expect("searches"));
    });
    for mode in [Mode::Lexical, Mode::Dense, Mode::Hybrid] {
        let name = format!("search {mode:?}").to_lowercase();
        measure(&name, |k| drop(engine.search(&queries[k % queries.len()], &ask(mode)).expect("searches")));
    }
    for mode in [Mode::Lexical, Mode::Dense, Mode::Hybrid] {
        let name = format!("similar {mode:?}").to_lowercase();
        measure(&name, |k| drop(engine.similar(&ids[k % ids.len()], &ask(mode)).expect("searches")));
    }
}

/// Words in a row from titles, and the papers of these titles.
fn questions(engine: &Engine) -> (Vec<String>, Vec<String>) {
    let papers = engine.info().expect("info").papers;
    let (mut after, mut queries, mut ids) = (None, Vec::new(), Vec::new());
    let mut seen = 0;
    loop {
        let page = engine.export(after, 1024).expect("reads");
        let Some(last) = page.last() else { break };
        after = Some(last.row);
        for item in &page {
            seen += 1;
            if seen % (papers / QUERIES).max(1) == 0 {
                let words: Vec<&str> = item.paper.title.split_whitespace().collect();
                let (n, begin) = (2 + seen % 7, seen % words.len().max(1));
                let part: Vec<&str> = words.into_iter().skip(begin.saturating_sub(1)).take(n).collect();
                // Nothing that could be read as an operator.
                queries.push(part.join(" ").replace(['"', '-', ':'], " "));
                ids.push(item.paper.id.to_string());
            }
        }
    }
    queries.iter_mut().filter(|q| !q.chars().any(char::is_alphanumeric)).for_each(|q| *q = "networks".into());
    (queries, ids)
}

fn measure(name: &str, call: impl Fn(usize) + Sync) {
    (0..50).for_each(&call);
    let mut times: Vec<f64> = Vec::new();
    let began = Instant::now();
    while began.elapsed() < SPAN && times.len() < 2000 {
        let one = Instant::now();
        call(times.len());
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_unstable_by(f64::total_cmp);
    let (done, began) = (AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (done, call) = (&done, &call);
            scope.spawn(move || {
                let mut k = caller * 37;
                while began.elapsed() < SPAN {
                    call(k);
                    k += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let rate = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    println!("{name:<22} {:>10.2} {:>10.2} {rate:>10.0}", times[times.len() / 2], times[times.len() * 99 / 100]);
}
