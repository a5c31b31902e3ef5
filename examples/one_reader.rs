//! A feed for one reader, with its reasons: `cargo run --release --example one_reader`.

use paperkin::config::Config;
use paperkin::engine::{Engine, Feed, Part, SearchOptions};
use paperkin::paper::PaperId;
use paperkin::sources;
use paperkin::user::{Event, EventKind, Moment};

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let engine = Engine::open(Config::new(folder.path()))?.engine;
    engine.ingest(&mut sources::invented(), &|_| {})?;

    // What Ada did so far: four papers that she saved, found by words, and one that she does not want more of.
    let found = |words: &str, n| engine.search(words, &SearchOptions { limit: n, ..SearchOptions::default() });
    let event = |paper: &PaperId, kind| Event { paper: paper.clone(), kind, at: Moment::now(), weight: 1.0 };
    let mut events = Vec::new();
    for words in ["ice on rivers", "quantum error correction"] {
        events.extend(found(words, 2)?.papers.iter().map(|hit| event(&hit.paper.id, EventKind::Save)));
    }
    events.extend(found("soil bacteria", 1)?.papers.iter().map(|hit| event(&hit.paper.id, EventKind::Dislike)));
    engine.add_events("ada", &events)?;

    // Her feed: none of what she knows, the best first, each with what its score is made of.
    let ask = SearchOptions { limit: 5, explain: true, ..SearchOptions::default() };
    for hit in engine.feed("ada", &Feed { ask, ..Feed::default() })?.papers {
        println!("{:+.2}  {}", hit.score, hit.paper.title);
        let Some(why) = hit.why else { continue };
        let papers = why.parts.iter().filter_map(|part| match part {
            Part::Paper { title, value, .. } => Some((title, value)),
            _ => None,
        });
        if let Some((title, value)) = papers.max_by(|a, b| a.1.total_cmp(b.1)) {
            println!("       {value:+.2} of it for its likeness to \"{title}\"");
        }
    }
    Ok(())
}
