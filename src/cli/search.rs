//! `paperkin search`

use std::io::Read;

use super::ask::AskArgs;
use super::{Context, show};
use crate::engine::{MAX_QUERY_BYTES, Mode};

/// Papers for a phrase or a pasted abstract
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin search \"robots that fold laundry\"
  paperkin search graph neural networks for proteins -k 20 --from 2026-01
  xclip -o | paperkin search -        a pasted abstract from standard input")]
pub struct Args {
    /// The words; `-` reads them from standard input
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// How texts are compared: dense by meaning; hybrid is answered as dense in this version, lexical refused
    #[arg(long, default_value = "hybrid", value_parser = mode)]
    mode: Mode,
    #[command(flatten)]
    ask: AskArgs,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let ask = args.ask.ask(args.mode)?;
    let mut query = args.words.join(" ");
    if query == "-" {
        query.clear();
        std::io::stdin().take(MAX_QUERY_BYTES as u64 + 1).read_to_string(&mut query)?;
    }
    show::answer(&context.open_filled()?.search(&query, &ask)?, context.json)
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "hybrid" => Ok(Mode::Hybrid),
        "dense" => Ok(Mode::Dense),
        "lexical" => Ok(Mode::Lexical),
        _ => Err("it is hybrid, dense or lexical".into()),
    }
}
