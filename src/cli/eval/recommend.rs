//! `paperkin eval recommend`

use std::path::PathBuf;

use super::{measure, modes, text};
use crate::cli::Context;
use crate::cli::ask::{at_least_one, word};
use crate::engine::Mode;
use crate::eval::{recommend, sets};
use crate::rank::Strategy;

/// Measure recommendations from examples
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data reviews eval recommend --groups labels.tsv --examples 1 5 20
  paperkin --data libraries eval recommend --groups users.tsv --examples 5 --strategy nearest logistic --max-groups 100

Columns: as for `eval similar`. Of each group k papers are liked and, where it has papers that do not belong to it,
k of those disliked; the rest of the group is ranked (or, where all papers belong to it, the corpus).")]
pub struct Args {
    /// The groups
    #[arg(long, value_name = "TSV")]
    groups: PathBuf,
    /// Numbers of examples to try
    #[arg(long, num_args = 1.., default_values_t = [1, 5, 20], value_parser = at_least_one)]
    examples: Vec<usize>,
    /// Only this strategy (repeat it): auto, mean, nearest, rocchio or logistic [default: all]
    #[arg(long, value_parser = word::<Strategy>, num_args = 1..)]
    strategy: Vec<Strategy>,
    /// Only this mode (repeat it): hybrid, dense or lexical [default: all three]
    #[arg(long, value_parser = word::<Mode>, num_args = 1..)]
    mode: Vec<Mode>,
    /// Random draws of examples for each group
    #[arg(long, default_value_t = 8, value_parser = at_least_one)]
    draws: usize,
    /// Leave out groups with fewer papers
    #[arg(long, default_value_t = 45)]
    min_papers: usize,
    /// Use at most so many groups
    #[arg(long, default_value_t = 1000, value_parser = at_least_one)]
    max_groups: usize,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let groups = sets::groups(&text(&args.groups)?)?;
    let engine = context.open_filled()?;
    let all = [Strategy::Auto, Strategy::Mean, Strategy::Nearest, Strategy::Rocchio, Strategy::Logistic];
    let plan = recommend::Plan {
        examples: args.examples.clone(),
        strategies: if args.strategy.is_empty() { all.to_vec() } else { args.strategy.clone() },
        modes: modes(&args.mode),
        draws: args.draws,
        least: args.min_papers,
        groups: args.max_groups,
    };
    measure(context, |hear| recommend::run(&engine, &groups, &plan, hear))
}
