//! `paperkin similar`

use std::io::{BufWriter, Write};

use anyhow::Context as _;
use rayon::prelude::*;
use serde_json::json;

use super::ask::AskArgs;
use super::{Context, show};
use crate::engine::Ask;

/// Papers a piece while the neighbours of all are written.
const PIECE: usize = 512;

/// Papers like one in the store, or the neighbours of every paper
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin similar arxiv:2405.13729
  paperkin similar arxiv:2405.13729 -k 5 --from 2026 --category cs.CV cs.LG
  paperkin similar arxiv:2405.13729 --json | jq .title
  paperkin similar --all -k 10 > neighbours.jsonl     {\"id\", \"neighbours\": [{\"id\", \"score\"}]} a line")]
pub struct Args {
    /// The paper's id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// The neighbours of every paper, as JSON Lines
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    ask: AskArgs,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let ask = args.ask.ask()?;
    match &args.id {
        Some(id) => show::answer(&context.open_filled()?.similar(id, &ask)?, context.json),
        None => all(context, &ask),
    }
}

fn all(context: &Context, ask: &Ask) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut after = None;
    loop {
        let page = engine.ids(after, PIECE)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        let answers: Vec<_> = page.par_iter().map(|(_, id)| engine.similar(id.as_str(), ask)).collect();
        for ((_, id), answer) in page.iter().zip(answers) {
            let answer = answer.with_context(|| format!("the neighbours of {id}"))?;
            let neighbours: Vec<_> =
                answer.papers.iter().map(|h| json!({ "id": h.paper.id, "score": h.score })).collect();
            show::lines(&mut out, [json!({ "id": id, "neighbours": neighbours })])?;
        }
    }
    Ok(out.flush()?)
}
