//! `paperkin search`

use std::io::Read;
use std::path::Path;

use super::ask::AskArgs;
use super::cite::FormatArg;
use super::{Context, streams, wrong_usage};
use crate::engine::MAX_QUERY_BYTES;

/// Find papers for a phrase or a pasted abstract
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin search \"robots that fold laundry\"
  paperkin search graph neural networks for proteins -k 20 --from 2026-01
  paperkin search 'author:\"Ada Lovelace\" engines -survey'
  paperkin search 'title:diffusion category:cs.CV OR category:cs.LG date:2025..2026-03 \"image editing\"'
  paperkin search 'author:\"Hinton GE\" category:cs date:2020-2024'
  paperkin search '\"Ada Lovelace\"'         a phrase, or a person
  paperkin search arXiv:2405.13729 --mode lexical
  xclip -o | paperkin search -        a pasted abstract from standard input")]
pub struct Args {
    /// The query; `-` reads it from standard input
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    #[command(flatten)]
    ask: AskArgs,
    #[command(flatten)]
    format: FormatArg,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let ask = args.ask.ask()?;
    let mut query = args.words.join(" ");
    if query == "-" {
        query.clear();
        streams::input(Path::new("-"))?.take(MAX_QUERY_BYTES as u64 + 1).read_to_string(&mut query)?;
    }
    if query.trim().is_empty() {
        return Err(wrong_usage("the words to search for are empty"));
    }
    args.format.print(context, &context.open_filled()?.search(&query, &ask)?)
}
