//! `paperkin sources`: where papers come from, and how that stands.

use super::progress::duration;
use super::show::{counted, plain, thousands};
use super::streams::out;
use super::{Context, say, show};
use crate::jobs::{SourceView, source_views};

/// Show the sources of the settings: kind, last and next run, papers, last error
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin sources
  paperkin sources --json | jq -r 'select(.error) | .name'")]
pub struct Args {}

pub fn run(context: &Context, _: &Args) -> anyhow::Result<()> {
    let (engine, config) = (context.open()?, context.config()?);
    let views = source_views(&engine, &config)?;
    if context.json {
        return show::lines(&mut out(), &views);
    }
    if views.is_empty() {
        say!("no source is in the settings: `paperkin init` writes some");
        return Ok(());
    }
    show::table(views.iter().flat_map(lines))
}

/// A source in some lines.
fn lines(source: &SourceView) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<16} {:<16} {}",
        source.name,
        source.kind,
        counted(usize::try_from(source.papers).unwrap_or(usize::MAX), "paper")
    )];
    let next = match (&source.next, source.schedule.as_str()) {
        (Some(next), schedule) => format!("{next} (at {schedule}, while the folder is served)"),
        (None, _) => "only when somebody asks for it".into(),
    };
    lines.push(format!("    next  {next}"));
    lines.push(match (&source.last, source.running) {
        (_, true) => "    last  it is being read now".into(),
        (None, _) => "    last  never".into(),
        (Some(last), _) => {
            let n = |name: &str| thousands(usize::try_from(last.did.get(name).copied().unwrap_or(0)).unwrap_or(0));
            let rejected = if n("rejected") == "0" { String::new() } else { format!(", {} rejected", n("rejected")) };
            let did = format!("{} new, {} changed, {} unchanged{rejected}", n("new"), n("changed"), n("unchanged"));
            let did = if last.ok { did } else { "FAILED".into() };
            format!("    last  {}, {} ({did})", last.began, duration(last.took_s))
        }
    });
    if let Some(retry) = &source.retry {
        lines.push(format!("    again {retry}"));
    }
    if let Some(error) = &source.error {
        lines.push(format!("    error {}", plain(error)));
    }
    lines
}
