//! `paperkin similar`

use super::ask::AskArgs;
use super::{Context, show};
use crate::engine::Mode;

/// Papers like one in the store
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin similar arxiv:2405.13729
  paperkin similar arxiv:2405.13729 -k 5 --from 2026 --category cs.CV cs.LG
  paperkin similar arxiv:2405.13729 --json | jq .title")]
pub struct Args {
    /// The paper's id
    id: String,
    #[command(flatten)]
    ask: AskArgs,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let ask = args.ask.ask(Mode::Dense)?;
    show::answer(&context.open_filled()?.similar(&args.id, &ask)?, context.json)
}
