//! `paperkin similar`

use serde_json::json;

use super::ask::AskArgs;
use super::cite::FormatArg;
use super::progress::Progress;
use super::{Context, show, streams, wrong_usage};
use crate::engine::SearchOptions;

/// Find papers like a given paper, or the neighbours of every paper
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin similar arxiv:2405.13729
  paperkin similar arxiv:2405.13729 -k 5 --from 2026 --category cs.CV cs.LG
  paperkin similar arxiv:2405.13729 --json | jq .title
  paperkin similar --all -k 10 > neighbours.jsonl     {\"id\", \"neighbours\": [{\"id\", \"score\"}]} a line")]
pub struct Args {
    /// The paper: its id, or its arXiv id, DOI or address in any form
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// The neighbours of every paper, as JSON Lines
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    ask: AskArgs,
    #[command(flatten)]
    format: FormatArg,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let ask = args.ask.ask()?;
    match &args.id {
        Some(id) => args.format.print(context, &context.open_filled()?.similar(id, &ask)?),
        None if args.format.is_given() => Err(wrong_usage("the neighbours of all papers come as JSON Lines alone")),
        None if ask.diversity > 0.0 => {
            Err(wrong_usage("the neighbours of all papers come by score alone: leave --diversity away"))
        }
        None => all(context, &ask),
    }
}

fn all(context: &Context, ask: &SearchOptions) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    // On a terminal the lines themselves show the progress.
    let progress =
        if streams::here().out_term().is_term() { None } else { Some(Progress::new("neighbours", "papers", None)) };
    let (papers, mut done, mut out) = (engine.info()?.papers, 0, show::JsonLines::new());
    let told = engine.each_neighbours(ask, &mut |id, neighbours| {
        done += 1;
        progress.iter().for_each(|p| p.at(done, papers));
        let neighbours: Vec<_> = neighbours.iter().map(|(id, score)| json!({ "id": id, "score": score })).collect();
        out.line(json!({ "id": id, "neighbours": neighbours }))
    });
    progress.iter().for_each(Progress::finish);
    out.finish(told)
}
