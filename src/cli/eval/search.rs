//! `paperkin eval search`

use std::path::PathBuf;

use super::{measure, modes, text};
use crate::cli::Context;
use crate::cli::ask::word;
use crate::engine::Mode;
use crate::eval::sets::Half;
use crate::eval::{search, sets};

/// Measure search on queries with judged papers
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data cranfield eval search --queries queries.tsv --qrels qrels.tsv
  paperkin --data cranfield eval search --queries queries.tsv --qrels qrels.tsv --half odd --mode hybrid --json

Columns of the queries: query_id, text, title (if there is one, it comes before the text). Columns of the
judgements: query_id, paper_id, relevant (a grade; without the column every line is a relevant paper).")]
pub struct Args {
    /// The queries
    #[arg(long, value_name = "TSV")]
    queries: PathBuf,
    /// The judgements
    #[arg(long, value_name = "TSV")]
    qrels: PathBuf,
    /// Only this mode (repeat it): hybrid, dense or lexical [default: all three]
    #[arg(long, value_parser = word::<Mode>, num_args = 1..)]
    mode: Vec<Mode>,
    /// Depth: papers of each ranking to look at
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    depth: u32,
    /// Which queries to use: all, those at even positions in the file (from 0), or those at odd ones
    #[arg(long, default_value = "all", value_parser = word::<Half>)]
    half: Half,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let (queries, judgements) =
        (args.half.of(sets::queries(&text(&args.queries)?)?), sets::judgements(&text(&args.qrels)?)?);
    let engine = context.open_filled()?;
    let depth = args.depth as usize;
    measure(context, |hear| search::run(&engine, &queries, &judgements, &modes(&args.mode), depth, hear))
}
