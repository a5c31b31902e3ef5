//! Papers from a service that paperkin does not know: `cargo run --release --example own_source`.
//!
//! A source is asked page by page, and says where to go on. What it says is kept: the second run begins where the first one ended.

use paperkin::Result;
use paperkin::config::Config;
use paperkin::engine::{Engine, Incoming, Origin};
use paperkin::jobs;
use paperkin::sources::{self, Batch, Place, Source, Web};
use serde_json::json;

/// The reports of an institute, by number. A real one would ask `web`, which waits, tries again and is polite.
struct Reports {
    next: usize,
}

/// Reports that there are.
const REPORTS: usize = 25;

impl Source for Reports {
    fn next(&mut self, _web: &Web) -> Result<Option<Batch>> {
        let page = self.next..REPORTS.min(self.next + 10);
        if page.is_empty() {
            return Ok(None);
        }
        self.next = page.end;
        let report = |number: usize| {
            let sent = json!({
                "id": format!("report:{number}"),
                "title": format!("Report {number}: water levels of the upper lake"),
                "abstract": format!("What the gauges of station {} said in week {number}.", number % 7),
                "authors": [{ "name": "The Institute" }],
                "date": "2026",
            });
            // What cannot be read is counted and told, and costs no other paper its place.
            Incoming::new(number, sources::one(sent.to_string().as_bytes()))
        };
        let papers = page.map(report).collect();
        Ok(Some(Batch { papers, place: Some(Place(self.next.to_string())), ..Batch::default() }))
    }
}

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = Config::new(folder.path());
    let engine = Engine::open(config.clone())?.engine;
    let origin = Origin { source: "reports".into(), kind: "institute".into() };
    let open = |place: Option<Place>| {
        let next = place.and_then(|place| place.0.parse().ok()).unwrap_or(0);
        println!("asks from number {next} on");
        Ok(Box::new(Reports { next }) as Box<dyn Source>)
    };
    for _ in 0..2 {
        let fetched = jobs::fetch_from(&engine, &config, &origin, &open, &|so_far| {
            println!("  {} papers so far", so_far.report.accepted);
        })?;
        println!("{} new, {} rejected", fetched.report.accepted, fetched.report.rejected_total);
    }
    Ok(())
}
