//! The flags of every command that returns papers.

use serde::de::DeserializeOwned;

use crate::engine::{Mode, SearchOptions};
use crate::paper::{Filter, PaperDate, PaperId};

#[derive(clap::Args)]
pub struct AskArgs {
    /// Number of papers, 1 to 500
    #[arg(short = 'k', long = "limit", default_value_t = 10, value_parser = limit)]
    limit: usize,
    /// Number of papers to skip first
    #[arg(long, default_value_t = 0, value_name = "N")]
    offset: usize,
    #[command(flatten)]
    filter: FilterArgs,
    /// Diversity from 0 (closest first) to 1 (as different from each other as possible)
    #[arg(long, value_name = "0..1", default_value_t = 0.0, value_parser = share)]
    diversity: f32,
    /// Leave out papers with a lower score (not with --matching, --facets or --sort)
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = number)]
    min_score: Option<f32>,
    /// Explain each score
    #[arg(long)]
    explain: bool,
    /// Show all versions and duplicates of a work, not only the newest
    #[arg(long)]
    versions: bool,
    /// How texts are compared: hybrid (meaning and words), dense (meaning) or lexical (words)
    #[arg(long, default_value = "hybrid", value_parser = word::<Mode>)]
    mode: Mode,
}

/// The filter flags: which papers may be in the answer.
#[derive(clap::Args)]
pub struct FilterArgs {
    /// Papers of this date or later (YYYY, YYYY-MM or YYYY-MM-DD)
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<PaperDate>,
    /// Papers of this date or earlier
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<PaperDate>,
    /// Papers in any of these categories; an archive includes its classes, as math includes math.OC
    #[arg(long, value_name = "C", num_args = 1..)]
    category: Vec<String>,
    /// Papers by any of these authors (full name)
    #[arg(long, value_name = "NAME", num_args = 1..)]
    author: Vec<String>,
    /// Papers that any of these sources told of ("by hand": what was ingested or sent)
    #[arg(long, value_name = "NAME", num_args = 1..)]
    source: Vec<String>,
    /// Papers of any of these themes (t12)
    #[arg(long, value_name = "ID", num_args = 1..)]
    theme: Vec<String>,
    /// Leave out these papers
    #[arg(long, value_name = "ID", num_args = 1.., value_parser = id)]
    exclude: Vec<PaperId>,
}

impl FilterArgs {
    /// The filter.
    ///
    /// # Errors
    /// Wrong usage when flags contradict each other.
    pub fn filter(&self) -> anyhow::Result<Filter> {
        let filter = Filter {
            organizations: Vec::new(),
            from: self.from.clone(),
            to: self.to.clone(),
            categories: self.category.clone(),
            authors: self.author.clone(),
            sources: self.source.clone(),
            themes: self.theme.clone(),
            exclude: self.exclude.clone(),
        };
        filter.check().map_err(super::wrong_usage)?;
        Ok(filter)
    }
}

impl AskArgs {
    /// The search options.
    ///
    /// # Errors
    /// Wrong usage when flags contradict each other.
    pub fn ask(&self) -> anyhow::Result<SearchOptions> {
        let ask = SearchOptions {
            limit: self.limit,
            offset: self.offset,
            filter: self.filter.filter()?,
            mode: self.mode,
            diversity: self.diversity,
            min_score: self.min_score,
            explain: self.explain,
            versions: self.versions,
        };
        ask.check().map_err(super::wrong_usage)?;
        Ok(ask)
    }
}

pub fn limit(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=500).contains(&n) => Ok(n),
        _ => Err("it goes from 1 to 500".into()),
    }
}

/// A number that must be at least 1.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "it is a whole number from 1 on".into())
}

fn number(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|x: &f32| x.is_finite()).ok_or_else(|| "it is a number".into())
}

fn share(text: &str) -> Result<f32, String> {
    number(text).ok().filter(|x| (0.0..=1.0).contains(x)).ok_or_else(|| "it goes from 0 to 1".into())
}

pub fn days(text: &str) -> Result<f32, String> {
    number(text).ok().filter(|x| *x > 0.0).ok_or_else(|| "it is a number above 0".into())
}

pub fn date(text: &str) -> Result<PaperDate, String> {
    PaperDate::read(text).map_err(|e| e.to_string())
}

pub fn id(text: &str) -> Result<PaperId, String> {
    PaperId::new(text).map_err(|e| e.to_string())
}

/// A value by its name in requests; on the command line a hyphen may stand for an underscore.
pub fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.replace('-', "_").into()).map_err(|e| {
        // serde says: unknown variant `x`, expected one of `a`, `b`
        let e = e.to_string();
        let known = e.rsplit_once("expected").map_or("", |(_, known)| known);
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        format!("it is one of {}", known.join(", ").replace('_', "-"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::PaperOrder;

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        assert_eq!(word("dense"), Ok(Mode::Dense));
        assert_eq!((word("most-read"), word("most_read")), (Ok(PaperOrder::MostRead), Ok(PaperOrder::MostRead)));
        assert_eq!(word::<PaperOrder>("`expected`"), Err("it is one of central, newest, most-read".into()));
        assert_eq!(word::<Mode>(""), Err("it is one of hybrid, dense, lexical".into()));
    }
}
