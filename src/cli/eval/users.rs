//! `paperkin eval users`

use std::path::PathBuf;

use super::{measure, text};
use crate::cli::Context;
use crate::cli::ask::{at_least_one, word};
use crate::eval::sets;
use crate::eval::sets::Half;
use crate::eval::users::{self, ColdStart, Method, Onboarding, Reliability, Replay, Screening};

/// Measure personal ranking
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data libraries eval users --libraries users.tsv --folds folds.tsv
  paperkin --data libraries eval users --libraries users.tsv --folds folds.tsv --examples 1 2 5 10 20 50 100 --half odd
  paperkin --data screening eval users --reviews labels.tsv --examples 1 5 20 --draws 20
  paperkin --data hf eval users --reading-log submitters.tsv
  paperkin --data libraries eval users --onboarding --libraries users.tsv --folds folds.tsv --half odd
  paperkin --data libraries eval users --calibration --libraries users.tsv --readers 300

One of five questions. --libraries with --folds: the papers of a fold are hidden, a reader is made from the rest of
each library, the hidden papers are ranked (columns user, paper_id; paper_id, fold). --reviews: k likes and k dislikes
of each review, the rest of it is ranked (columns review, paper_id and labels of 0 and 1). --reading-log: each reader's past
ranks the papers of the next day on which they took something up (columns user, paper_id, day). --onboarding: the same readers
as newcomers who answer truly, and how the papers that were hidden are ranked then. --calibration, with --libraries or --reviews: the
`chance` that is foreseen of verdicts that were held back, beside what came. The papers must have been ingested into the data folder.")]
pub struct Args {
    /// Libraries of readers
    #[arg(long, value_name = "TSV")]
    libraries: Option<PathBuf>,
    /// The fold of each paper
    #[arg(long, value_name = "TSV", requires = "libraries", required_unless_present_any = ["reviews", "reading_log", "calibration"])]
    folds: Option<PathBuf>,
    /// The fold to hide
    #[arg(long, default_value_t = 0)]
    fold: usize,
    /// Rank all papers instead of only the hidden ones, to measure the cost
    #[arg(long)]
    everything: bool,
    /// Simulate new readers who answer questions: quality after 0, 5 and 10 answers, compared with asking about popular
    /// and random papers. With --libraries and --folds, or with --reading-log
    #[arg(long, group = "sampled", conflicts_with_all = ["reviews", "examples", "method", "everything", "draws", "days"])]
    onboarding: bool,
    /// Measure how honest the chances are: readers give 30, 60 and 120 verdicts (or --examples so many), and the `chance` of
    /// papers on which theirs are held back is compared with these. Of libraries, likes are own papers and dislikes papers near
    /// them; of reviews, verdicts are the labels
    #[arg(long, group = "sampled", conflicts_with_all = ["folds", "fold", "reading_log", "method", "everything", "days"])]
    calibration: bool,
    /// With --onboarding or --calibration: at most so many readers, at even distances; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0, requires = "sampled")]
    readers: usize,
    /// Reviews with included and excluded papers
    #[arg(long, value_name = "TSV", conflicts_with = "libraries")]
    reviews: Option<PathBuf>,
    /// A log of the papers that readers took up, by day
    #[arg(long, value_name = "TSV", conflicts_with_all = ["libraries", "reviews"], required_unless_present_any = ["libraries", "reviews"])]
    reading_log: Option<PathBuf>,
    /// Numbers of examples; 0 for the whole library [default: 0 for libraries; 1, 5 and 20 for reviews; 30, 60 and 120 verdicts
    /// with --calibration]
    #[arg(long, num_args = 1..)]
    examples: Vec<usize>,
    /// Only this method (repeat it): ours, content, mean, nearest, rocchio, words, sum, nearest-words, rocchio-words,
    /// logistic, popularity or random [default: all]
    #[arg(long, value_parser = word::<Method>, num_args = 1..)]
    method: Vec<Method>,
    /// Random draws of examples for each review
    #[arg(long, default_value_t = 20, value_parser = at_least_one)]
    draws: usize,
    /// Leave out readers of the log with fewer papers
    #[arg(long, default_value_t = 5)]
    least: usize,
    /// How many of the last days of each reader of the log to test
    #[arg(long, default_value_t = 20, value_parser = at_least_one)]
    days: usize,
    /// Which readers or reviews to use: all, those at even positions in the file (from 0), or those at odd ones
    #[arg(long, default_value = "all", value_parser = word::<Half>)]
    half: Half,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let methods = if args.method.is_empty() { Method::ALL.to_vec() } else { args.method.clone() };
    let examples = |default: &[usize]| if args.examples.is_empty() { default.to_vec() } else { args.examples.clone() };
    // The files are read first, so that a wrong one fails at once.
    let newcomers = Onboarding { fold: args.fold, least: args.least, half: args.half, readers: args.readers };
    let honesty =
        Reliability { verdicts: examples(&[30, 60, 120]), draws: args.draws, readers: args.readers, half: args.half };
    match (&args.libraries, &args.folds, &args.reviews, &args.reading_log) {
        (Some(libraries), ..) if args.calibration => {
            let groups = sets::groups(&text(libraries)?)?;
            let engine = context.open_filled()?;
            measure(context, |hear| users::reliability_of_libraries(&engine, &groups, &honesty, hear))
        }
        (_, _, Some(reviews), _) if args.calibration => {
            let groups = sets::groups(&text(reviews)?)?;
            let engine = context.open_filled()?;
            measure(context, |hear| users::reliability_of_screening(&engine, &groups, &honesty, hear))
        }
        (Some(libraries), Some(folds), ..) if args.onboarding => {
            let (groups, folds) = (sets::groups(&text(libraries)?)?, sets::folds(&text(folds)?)?);
            let engine = context.open_filled()?;
            measure(context, |hear| users::onboard_libraries(&engine, &groups, &folds, &newcomers, hear))
        }
        (.., Some(log)) if args.onboarding => {
            let log = sets::log(&text(log)?)?;
            let engine = context.open_filled()?;
            measure(context, |hear| users::onboard_log(&engine, &log, &newcomers, hear))
        }
        (Some(libraries), Some(folds), ..) => {
            let (groups, folds) = (sets::groups(&text(libraries)?)?, sets::folds(&text(folds)?)?);
            let plan = ColdStart {
                fold: args.fold,
                examples: examples(&[0]),
                methods,
                half: args.half,
                everything: args.everything,
            };
            let engine = context.open_filled()?;
            measure(context, |hear| users::libraries(&engine, &groups, &folds, &plan, hear))
        }
        (_, _, Some(reviews), _) => {
            let reviews = sets::groups(&text(reviews)?)?;
            let plan = Screening { examples: examples(&[1, 5, 20]), draws: args.draws, methods, half: args.half };
            let engine = context.open_filled()?;
            measure(context, |hear| users::screening(&engine, &reviews, &plan, hear))
        }
        (.., Some(log)) => {
            let log = sets::log(&text(log)?)?;
            let plan = Replay { least: args.least, days: args.days, methods, half: args.half };
            let engine = context.open_filled()?;
            measure(context, |hear| users::replay(&engine, &log, &plan, hear))
        }
        _ => anyhow::bail!("give --libraries and --folds, --reviews, or --reading-log"),
    }
}
