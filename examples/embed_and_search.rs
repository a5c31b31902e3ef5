//! Papers in, the nearest of them out: `cargo run --release --example embed_and_search -- "ice on rivers"`.

use paperkin::config::Config;
use paperkin::engine::{Engine, SearchOptions};
use paperkin::sources;

fn main() -> anyhow::Result<()> {
    let words = std::env::args().nth(1).unwrap_or_else(|| "how rivers freeze".into());
    let folder = tempfile::tempdir()?; // Any folder will do; papers that are in it stay in it.
    let engine = Engine::open(Config::new(folder.path()))?.engine;
    // Each paper becomes a vector; `sources::open` reads a file of your own.
    let report = engine.ingest(&mut sources::invented(), &|_| {})?;
    println!("{} papers; the nearest to \"{words}\":", report.accepted);
    for hit in engine.search(&words, &SearchOptions { limit: 5, ..SearchOptions::default() })?.papers {
        println!("{:.3}  {}  {}", hit.score, hit.paper.id, hit.paper.title);
    }
    Ok(())
}
