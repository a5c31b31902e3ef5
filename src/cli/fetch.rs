//! `paperkin fetch`: papers from the sources of the settings, or from one named here.

use std::io::Write;
use std::time::Instant;

use jiff::civil::Date;
use serde::Serialize;

use super::ingest::{Total, finish};
use super::progress::{Intake, meanwhile};
use super::show::{counted, plain, thousands};
use super::streams::out;
use super::{Context, say, show};
use crate::config::{Config, SourceSettings};
use crate::engine::{Engine, Preview};
use crate::jobs::{self, Fetched, Span, job_of};
use crate::paper::head;
use crate::store::Lease;

/// Papers that a dry run shows of each source, where nothing else is said.
const SHOWN: usize = 20;

/// Fetch papers from the sources of the settings, or from one that is named here
///
/// Goes on where the last run ended: what was fetched before costs nothing. You can interrupt it at any time and run it again.
/// With --from or --to, it asks for these days, and the next run goes on where the last one without them ended.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin fetch                                   every source of the settings
  paperkin fetch arxiv journals                    two of them, by name
  paperkin fetch --dry-run                         what would come
  paperkin fetch arxiv:cs.LG+stat.ML --from 2026-11-01
  paperkin fetch daily-papers:2026-08-21           a day; 2026-W34 is a week, 2026-08 a month
  paperkin fetch feed:https://journal.example/rss

Kinds: arxiv[:CATEGORY+CATEGORY], arxiv-rss:CATEGORY+..., oai-pmh:URL, feed:URL, daily-papers[:DAY], biorxiv[:CATEGORY],
medrxiv[:CATEGORY], openalex[:FILTER,...], crossref[:FILTER,...], semantic-scholar[:WORDS], europe-pmc[:QUERY],
zotero:users/ID, files:PATH. A source of the settings is a table in paperkin.toml; `paperkin init` writes one:

  [[source]]
  name = \"arxiv\"
  kind = \"arxiv\"
  categories = [\"cs.LG\", \"cs.CL\"]
  schedule = \"0 6 * * *\"")]
pub struct Args {
    /// Sources: names in the settings, or KIND:ARGUMENT [default: all sources of the settings]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// The first day
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Date>,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<Date>,
    /// Show what would come, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Papers that a dry run shows of each source
    #[arg(long, value_name = "N", default_value_t = SHOWN, requires = "dry_run")]
    limit: usize,
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "write it as 2026-11-26".to_string())
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let config = context.config()?;
    let sources = chosen(&config, &args.sources)?;
    let relative = sources.iter().find(|source| source.path.as_ref().is_some_and(|path| path.is_relative()));
    if let (super::Settings::Served(..), Some(source)) = (&context.settings, relative) {
        anyhow::bail!("{}: write the path in full: the service that serves the folder reads it", source.name);
    }
    let span = Span { from: args.from, to: args.to };
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        anyhow::bail!("the range of dates is turned round: --from {from} is later than --to {to}");
    }
    let engine = context.open()?;
    let began = Instant::now();
    let (mut total, mut failed) = (Total::default(), 0);
    for source in &sources {
        let done = match args.dry_run {
            true => look(context, &engine, &config, source, span, args.limit),
            false => take(&engine, &config, source, span).map(|fetched| total.add(&source.name, fetched.report)),
        };
        if let Err(e) = done {
            if matches!(e.downcast_ref::<crate::Error>(), Some(crate::Error::Cancelled)) {
                return Err(e);
            }
            failed += 1;
            say!("{}: {}", plain(&source.name), plain(&format!("{e:#}")));
        }
    }
    if !args.dry_run {
        finish(&engine);
        total.show(context, began)?;
    }
    match failed {
        0 => Ok(()),
        n => anyhow::bail!("{} of {} failed; what the others gave is in", n, counted(sources.len(), "source")),
    }
}

/// The sources that are asked for.
fn chosen(config: &Config, asked: &[String]) -> anyhow::Result<Vec<SourceSettings>> {
    if asked.is_empty() && config.sources.is_empty() {
        anyhow::bail!(
            "no source is in the settings. `paperkin init` writes some, or name one here: `paperkin fetch arxiv:cs.LG`"
        );
    }
    if asked.is_empty() {
        return Ok(config.sources.clone());
    }
    let one = |text: &String| match config.sources.iter().find(|source| source.name == *text) {
        Some(source) => Ok(source.clone()),
        None => SourceSettings::on_the_spot(text).map_err(|e| {
            let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
            match names.is_empty() {
                true => anyhow::anyhow!("{e}"),
                false => anyhow::anyhow!("{e}. The sources of the settings are {}", names.join(", ")),
            }
        }),
    };
    asked.iter().map(one).collect()
}

/// Takes in what a source has, under the lock of its job.
fn take(engine: &Engine, config: &Config, source: &SourceSettings, span: Span) -> anyhow::Result<Fetched> {
    let name = plain(&head(&source.name, 80));
    let waiting = |lease: &Lease| say!("{name} is being read already, since {}; waiting for it…", lease.since);
    say!("{name}: asking {}", source.kind.name());
    let intake = Intake::new(&name, None);
    let fetched = jobs::once(engine, &job_of(&source.name), &waiting, || {
        let fetched = jobs::fetch(engine, config, source, span, &|so_far| intake.update(&so_far.report))?;
        let numbers = fetched.numbers();
        Ok((fetched, numbers))
    });
    intake.finish();
    let fetched = fetched?;
    let Fetched { report, deleted, kept } = &fetched;
    let mut told = format!(
        "{name}: {} new, {} changed, {} unchanged, {} rejected",
        thousands(report.accepted),
        thousands(report.updated),
        thousands(report.unchanged),
        thousands(report.rejected_total)
    );
    for (n, what) in [(*deleted, "taken away by the source"), (*kept, "kept in the reader's history")] {
        if n > 0 {
            told.push_str(&format!(", {} {what}", thousands(n)));
        }
    }
    say!("{told}");
    Ok(fetched)
}

/// A paper that would come.
#[derive(Serialize)]
struct Coming<'a> {
    source: &'a str,
    /// Whether it would be new; else it would change one that is there.
    new: bool,
    paper: &'a crate::paper::Paper,
}

/// Shows what a source would bring.
fn look(
    context: &Context,
    engine: &Engine,
    config: &Config,
    source: &SourceSettings,
    span: Span,
    limit: usize,
) -> anyhow::Result<()> {
    let name = plain(&head(&source.name, 80));
    let (mut all, mut gone) = (Preview::default(), 0);
    let asked = meanwhile(&format!("{name}: asking {}", source.kind.name()), || {
        jobs::preview(engine, config, source, span, &mut |page, deleted| {
            all.report.accepted += page.report.accepted;
            all.report.updated += page.report.updated;
            all.report.unchanged += page.report.unchanged;
            all.report.rejected_total += page.report.rejected_total;
            gone += deleted;
            let room = limit.saturating_sub(all.papers.len());
            all.papers.extend(page.papers.into_iter().take(room));
            Ok(())
        })
    });
    let mut out = out();
    if context.json {
        let papers = all.papers.iter().map(|(new, paper)| Coming { source: &source.name, new: *new, paper });
        show::lines(&mut out, papers)?;
    } else {
        for (new, paper) in &all.papers {
            let date = paper.date.as_ref().map_or("", |date| date.as_str());
            let is = if *new { "new    " } else { "changed" };
            writeln!(out, "{}", plain(&format!("{is}  {date:<10}  {}  {}", paper.id, paper.title)))?;
        }
    }
    asked?;
    let report = &all.report;
    let more = (report.accepted + report.updated).saturating_sub(all.papers.len());
    say!(
        "{name}: {} would be new, {} changed, {} unchanged, {} rejected{}{}; nothing was written",
        thousands(report.accepted),
        thousands(report.updated),
        thousands(report.unchanged),
        thousands(report.rejected_total),
        if gone > 0 { format!(", {} taken away by the source", thousands(gone)) } else { String::new() },
        if more > 0 { format!(" ({} more than shown; --limit shows them)", thousands(more)) } else { String::new() },
    );
    Ok(())
}
