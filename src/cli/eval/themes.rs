//! `paperkin eval themes`

use std::path::PathBuf;

use super::{print, text};
use crate::cli::Context;
use crate::cli::progress::meanwhile;
use crate::eval::themes::OtherGrouping;
use crate::eval::{sets, themes};

/// Measure how well themes agree with labels, and how stable they are
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin --data arxiv eval themes                       beside the first category of every paper
  paperkin --data arxiv eval themes --label venue
  paperkin --data arxiv eval themes --other groups.tsv --other-terms terms.tsv
  paperkin --data arxiv eval themes --newest 200          what stays when the 200 newest papers come

NMI, ARI and purity count papers in no theme as one group of their own; the columns \"nearest\" put them where they
are nearest. NPMI says how often the terms of a theme (and their single words) are in the same papers. Columns of
--other: paper_id, group (-1 for none); only its papers count then. Of --other-terms: group, term, best first.")]
pub struct Args {
    /// The field whose first value is the label
    #[arg(long, default_value = "categories")]
    label: String,
    /// Another grouping of the papers to compare with
    #[arg(long, value_name = "TSV")]
    other: Option<PathBuf>,
    /// The terms of its groups
    #[arg(long, value_name = "TSV", requires = "other")]
    other_terms: Option<PathBuf>,
    /// Measure stability: how many papers keep their theme when so many newest ones are added
    #[arg(long, value_name = "N", conflicts_with = "other")]
    newest: Option<usize>,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    if let Some(newest) = args.newest {
        return print(context, &meanwhile("making the themes twice", || themes::stability(&engine, newest))?);
    }
    if engine.themes_have_work(true)? {
        meanwhile("making the themes", || engine.keep_themes(true))?;
    }
    let other = match &args.other {
        None => None,
        Some(path) => {
            let groups = sets::pairs(&text(path)?, &["paper_id"], &["group"])?.into_iter().collect();
            let mut other = OtherGrouping { groups, ..OtherGrouping::default() };
            for (group, term) in args
                .other_terms
                .iter()
                .map(|p| Ok(sets::pairs(&text(p)?, &["group"], &["term"])?))
                .collect::<anyhow::Result<Vec<_>>>()?
                .concat()
            {
                other.words.entry(group).or_default().push(term);
            }
            Some(other)
        }
    };
    print(context, &meanwhile("measuring", || themes::run(&engine, &args.label, other.as_ref()))?)
}
