//! `paperkin search`

use std::io::Read;
use std::path::Path;

use super::ask::{AskArgs, word};
use super::cite::FormatArg;
use super::{Context, show, streams, wrong_usage};
use crate::engine::{Facet, MAX_QUERY_BYTES, SearchRequest, SearchSort};

/// Find papers for a phrase or a pasted abstract
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin search \"robots that fold laundry\"
  paperkin search graph neural networks for proteins -k 20 --from 2026-01
  paperkin search 'author:\"Ada Lovelace\" engines -survey'
  paperkin search 'title:diffusion category:cs.CV OR category:cs.LG date:2025..2026-03 \"image editing\"'
  paperkin search 'author:\"Hinton GE\" category:cs date:2020-2024'
  paperkin search '\"Ada Lovelace\"'         a phrase, or a person
  paperkin search protein folding --facets year,category,author --matching --sort newest
  paperkin search arXiv:2405.13729 --mode lexical
  xclip -o | paperkin search -        a pasted abstract from standard input")]
pub struct Args {
    /// The query; `-` reads it from standard input
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    #[command(flatten)]
    ask: AskArgs,
    /// Count what the papers that match have in common: year, category, author, source, theme (separated by commas)
    #[arg(long, value_name = "FACET", value_delimiter = ',', value_parser = word::<Facet>)]
    facets: Vec<Facet>,
    /// The order: relevance, or of the papers that match newest or votes
    #[arg(long, default_value = "relevance", value_parser = word::<SearchSort>)]
    sort: SearchSort,
    /// Only papers that match, as a saved search would tell of them
    #[arg(long)]
    matching: bool,
    /// Search for the words as they were typed, also for those that no paper holds
    #[arg(long)]
    as_typed: bool,
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
    let mut facets = args.facets.clone();
    facets.sort_unstable();
    facets.dedup();
    let request = SearchRequest { ask, facets, sort: args.sort, matching: args.matching, correct: !args.as_typed };
    request.check().map_err(wrong_usage)?;
    if args.format.is_given() && !request.facets.is_empty() {
        return Err(wrong_usage("--format prints references alone: leave it away, or --facets"));
    }
    let answer = context.open_filled()?.search_with(&query, &request)?;
    args.format.print(context, &answer)?;
    match answer.meta.facets {
        Some(facets) => show::facets(&facets, context.json),
        None => Ok(()),
    }
}
