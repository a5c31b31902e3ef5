//! `paperkin eval similar`

use std::path::PathBuf;

use super::{measure, modes, text};
use crate::cli::Context;
use crate::cli::ask::{at_least_one, word};
use crate::engine::Mode;
use crate::eval::{sets, similar};

/// Measure "more like this" on papers that belong together
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data reviews eval similar --groups labels.tsv
  paperkin --data libraries eval similar --groups users.tsv --seeds 1

Columns: group (or user, or review), paper_id, and any number of columns of 0 and 1: a paper belongs to the group
when one of them is 1, or when there are none. Up to --seeds papers of each group are asked for what is like
them; the others of the group count as relevant.")]
pub struct Args {
    /// The groups
    #[arg(long, value_name = "TSV")]
    groups: PathBuf,
    /// Papers of each group to start from
    #[arg(long, default_value_t = 10, value_parser = at_least_one)]
    seeds: usize,
    /// Depth: papers of each ranking to look at, 1 to 500
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=500))]
    depth: u32,
    /// Only this mode (repeat it): hybrid, dense or lexical [default: all three]
    #[arg(long, value_parser = word::<Mode>, num_args = 1..)]
    mode: Vec<Mode>,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let groups = sets::groups(&text(&args.groups)?)?;
    let engine = context.open_filled()?;
    measure(context, |hear| similar::run(&engine, &groups, &modes(&args.mode), args.seeds, args.depth as usize, hear))
}
