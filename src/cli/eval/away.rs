//! `paperkin eval away`

use std::path::PathBuf;

use super::{measure, text};
use crate::cli::Context;
use crate::cli::ask::{at_least_one, word};
use crate::eval::away::{self, Away};
use crate::eval::sets::{self, Half};

/// Measure the mail that comes behind a pause
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data hf eval away --reading-log hf_daily_submitters.tsv
  paperkin --data hf eval away --reading-log hf_daily_submitters.tsv --days 30 --budget 20 --half even

Readers of the log (columns user, paper_id, day) are away for some days. The mail behind that is chosen from all papers of these
days, by what the reader had taken up before; beside it stand the best of the single days' mails. What a paper is worth is its
score by the whole of the log, the later part included. The papers must have been ingested into the data folder; nothing is
written into it.")]
pub struct Args {
    /// A log of the papers that readers took up, by day
    #[arg(long, value_name = "TSV")]
    reading_log: PathBuf,
    /// Readers with fewer papers are left out
    #[arg(long, default_value_t = 15, value_parser = at_least_one)]
    least: usize,
    /// Days of an absence
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(2..=60))]
    days: u16,
    /// Papers of a mail
    #[arg(long, default_value_t = 15, value_parser = at_least_one)]
    budget: usize,
    /// Absences of each reader
    #[arg(long, default_value_t = 3, value_parser = at_least_one)]
    absences: usize,
    /// Which readers to use: all, those at even positions (from 0), or those at odd ones
    #[arg(long, default_value = "odd", value_parser = word::<Half>)]
    half: Half,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let log = sets::log(&text(&args.reading_log)?)?;
    let engine = context.open_filled()?;
    let &Args { least, days, budget, absences, half, .. } = args;
    let plan = Away { least, days: i32::from(days), budget, absences, half };
    measure(context, |hear| away::away(&engine, &log, &plan, hear))
}
