//! `paperkin eval known`

use super::{measure, modes};
use crate::cli::Context;
use crate::cli::ask::word;
use crate::engine::Mode;
use crate::eval::known::{self, Clue};
use crate::eval::sets::Half;

/// Measure whether search finds a paper from a part of what it says
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data hf eval known
  paperkin --data hf eval known --papers 0 --by abstract part-of-title --half odd
  paperkin --data hf eval known --by abstract --mode hybrid --misses

Needs no labels: the queries are made from papers of the corpus, the same ones every time, and the first ten papers of
each answer are looked at. Ways to look for a paper: title, all of it; typo, the title in small letters with two letters
swapped; part-of-title, without three of its words (titles of seven words or more); words, three to five of its ten most
telling ones; sentence, the first of the abstract; abstract, without the title. Another version of the work counts as the
paper.")]
pub struct Args {
    /// At most so many papers, at even distances; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    papers: usize,
    /// Which of these to use: all, those at even positions (from 0), or those at odd ones
    #[arg(long, default_value = "all", value_parser = word::<Half>)]
    half: Half,
    /// Only by this (repeat it): title, typo, part-of-title, words, sentence or abstract [default: all]
    #[arg(long, value_parser = word::<Clue>, num_args = 1..)]
    by: Vec<Clue>,
    /// Only this mode (repeat it): hybrid, dense or lexical [default: all three]
    #[arg(long, value_parser = word::<Mode>, num_args = 1..)]
    mode: Vec<Mode>,
    /// List the papers that are not found first, and what is, instead of the figures
    #[arg(long)]
    misses: bool,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    let plan = known::Plan {
        papers: args.papers,
        half: args.half,
        clues: if args.by.is_empty() { Clue::ALL.to_vec() } else { args.by.clone() },
        modes: modes(&args.mode),
        misses: args.misses,
    };
    measure(context, |hear| known::run(&engine, &plan, hear))
}
