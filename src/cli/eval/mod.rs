//! `paperkin eval`: one file for each evaluation.

mod away;
mod known;
mod recommend;
mod search;
mod similar;
mod situations;
mod themes;
mod users;

use std::path::Path;

use super::progress::Progress;
use super::{Context, show, streams};
use crate::engine::Mode;
use crate::eval::sets::Text;
use crate::eval::table::Table;

/// Measure quality on labelled sets
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data cranfield eval search --queries queries.tsv --qrels qrels.tsv
  paperkin --data hf eval known
  paperkin --data reviews eval similar --groups labels.tsv
  paperkin --data reviews eval recommend --groups labels.tsv --examples 1 5 20
  paperkin --data arxiv eval themes
  paperkin --data libraries eval users --libraries users.tsv --folds folds.tsv
  paperkin --data hf eval away --reading-log submitters.tsv
  paperkin eval situations --sets ~/sets --folders ~/folders

The papers of the set must have been ingested into the data folder (`situations` does that itself). Files are tab-separated, with the names of
their columns in the first line; each command's help says which columns it reads. A figure is a mean over the
queries with half the width of its 95% bootstrap interval.")]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

impl Args {
    /// Whether the question brings its own data folders, so that `--data` plays no part.
    pub fn has_own_folders(&self) -> bool {
        matches!(self.question, Question::Situations(_))
    }
}

#[derive(clap::Subcommand)]
enum Question {
    Search(search::Args),
    Known(known::Args),
    Similar(similar::Args),
    Recommend(recommend::Args),
    Themes(themes::Args),
    Users(users::Args),
    Away(away::Args),
    Situations(situations::Args),
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    match &args.question {
        Question::Search(args) => search::run(context, args),
        Question::Known(args) => known::run(context, args),
        Question::Similar(args) => similar::run(context, args),
        Question::Recommend(args) => recommend::run(context, args),
        Question::Themes(args) => themes::run(context, args),
        Question::Users(args) => users::run(context, args),
        Question::Away(args) => away::run(context, args),
        Question::Situations(args) => situations::run(context, args),
    }
}

/// Runs an evaluation with progress, and prints the table.
fn measure(
    context: &Context,
    run: impl FnOnce(crate::eval::Progress<'_>) -> crate::Result<Table>,
) -> anyhow::Result<()> {
    let progress = Progress::new("eval", "measurements", None);
    let table = run(&|done, all| progress.at(done, all));
    progress.finish();
    print(context, &table?)
}

fn print(context: &Context, table: &Table) -> anyhow::Result<()> {
    if context.json { show::document(&table.to_json()) } else { show::text(&table.to_text()) }
}

/// Reads a file of a labelled set.
fn text(path: &Path) -> anyhow::Result<Text> {
    let name = path.display().to_string();
    match String::from_utf8(streams::read(path)?) {
        Ok(text) => Ok(Text { name, text }),
        Err(_) => anyhow::bail!("{name}: not UTF-8"),
    }
}

/// `--mode`, repeatable; all of them by default.
const ALL_MODES: [Mode; 3] = [Mode::Hybrid, Mode::Dense, Mode::Lexical];

fn modes(asked: &[Mode]) -> Vec<Mode> {
    if asked.is_empty() { ALL_MODES.to_vec() } else { asked.to_vec() }
}
