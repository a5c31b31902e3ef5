//! `paperkin recommend`

use super::Context;
use super::ask::{AskArgs, at_least_one, days, id, word};
use super::cite::FormatArg;
use crate::engine::{Example, Recommend};
use crate::paper::PaperId;
use crate::rank::Strategy;

/// Recommend papers for examples, or for a user
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("positive").args(["like", "text", "user"]).multiple(true).required(true)))]
#[command(after_help = "Examples:
  paperkin recommend --like arxiv:2405.13729 arxiv:2406.01234
  paperkin recommend --like arxiv:2405.13729 --dislike arxiv:2401.00001 --explain
  paperkin recommend --user ada --from 2026-08 --explain
  paperkin recommend --text \"learning to walk on ice\" --half-life-days 90 --diversity 0.3")]
pub struct Args {
    /// Papers to be close to
    #[arg(long, value_name = "ID", num_args = 1.., value_parser = id)]
    like: Vec<PaperId>,
    /// Papers to be far from
    #[arg(long, value_name = "ID", num_args = 1.., value_parser = id)]
    dislike: Vec<PaperId>,
    /// Phrases or abstracts to be close to
    #[arg(long, value_name = "WORDS")]
    text: Vec<String>,
    /// A stored user: their feed over all papers; examples count as if the user had given them now
    #[arg(long, value_name = "U", conflicts_with_all = ["text", "strategy", "half_life_days", "include_liked"])]
    user: Option<String>,
    /// How examples become a score: auto, mean, nearest, rocchio or logistic
    #[arg(long, default_value = "auto", value_parser = word::<Strategy>)]
    strategy: Strategy,
    /// Age in days at which a paper counts half
    #[arg(long, value_name = "DAYS", value_parser = days)]
    half_life_days: Option<f32>,
    /// At most so many papers of one author
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    per_author: Option<usize>,
    /// Let liked papers appear in the answer
    #[arg(long)]
    include_liked: bool,
    #[command(flatten)]
    ask: AskArgs,
    #[command(flatten)]
    format: FormatArg,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let example = |id: &PaperId| Example { id: id.clone(), weight: 1.0 };
    let request = Recommend {
        like: args.like.iter().map(example).collect(),
        dislike: args.dislike.iter().map(example).collect(),
        text: args.text.clone(),
        user: args.user.clone(),
        strategy: args.strategy,
        half_life_days: args.half_life_days,
        per_author: args.per_author,
        exclude_liked: !args.include_liked,
        ask: args.ask.ask()?,
        ..Recommend::default()
    };
    args.format.print(context, &context.open_filled()?.recommend(&request)?)
}
