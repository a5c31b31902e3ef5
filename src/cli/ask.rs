//! The flags of every command that returns papers.

use crate::engine::{Ask, Mode};
use crate::error::Result;
use crate::paper::{Filter, PaperDate, PaperId};

#[derive(clap::Args)]
pub struct AskArgs {
    /// Hits wanted, 1 to 500
    #[arg(short = 'k', long = "limit", default_value_t = 10, value_parser = limit)]
    limit: usize,
    /// Hits to pass over first
    #[arg(long, default_value_t = 0, value_name = "N")]
    offset: usize,
    /// Papers of this date or later (YYYY, YYYY-MM or YYYY-MM-DD)
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<PaperDate>,
    /// Papers of this date or earlier
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<PaperDate>,
    /// Papers in any of these categories
    #[arg(long, value_name = "C", num_args = 1..)]
    category: Vec<String>,
    /// Papers by any of these authors (full name)
    #[arg(long, value_name = "NAME", num_args = 1..)]
    author: Vec<String>,
    /// None of these papers
    #[arg(long, value_name = "ID", num_args = 1.., value_parser = id)]
    exclude: Vec<PaperId>,
    /// From 0, closest first, to 1, as unlike each other as can be
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    diversity: f32,
    /// Leave out hits with a smaller score
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    min_score: Option<f32>,
    /// Say where each score comes from
    #[arg(long)]
    explain: bool,
    /// Show all versions and duplicates of a work, not only the newest
    #[arg(long)]
    versions: bool,
    /// How texts are compared: hybrid by meaning and words, dense by meaning, lexical by words
    #[arg(long, default_value = "hybrid", value_parser = mode)]
    mode: Mode,
}

impl AskArgs {
    pub fn ask(&self) -> Result<Ask> {
        let ask = Ask {
            limit: self.limit,
            offset: self.offset,
            filter: Filter {
                from: self.from.clone(),
                to: self.to.clone(),
                categories: self.category.clone(),
                authors: self.author.clone(),
                exclude: self.exclude.clone(),
            },
            mode: self.mode,
            diversity: self.diversity,
            min_score: self.min_score,
            explain: self.explain,
            versions: self.versions,
        };
        ask.check()?;
        Ok(ask)
    }
}

fn limit(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=500).contains(&n) => Ok(n),
        _ => Err("it goes from 1 to 500".into()),
    }
}

fn date(text: &str) -> std::result::Result<PaperDate, String> {
    PaperDate::parse(text).map_err(|e| e.to_string())
}

pub fn id(text: &str) -> std::result::Result<PaperId, String> {
    PaperId::new(text).map_err(|e| e.to_string())
}

pub fn mode(text: &str) -> std::result::Result<Mode, String> {
    match text {
        "hybrid" => Ok(Mode::Hybrid),
        "dense" => Ok(Mode::Dense),
        "lexical" => Ok(Mode::Lexical),
        _ => Err("it is hybrid, dense or lexical".into()),
    }
}
