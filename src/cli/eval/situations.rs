//! `paperkin eval situations`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{measure, text};
use crate::cli::ask::{at_least_one, word};
use crate::cli::{Context, ingest, streams};
use crate::config::Config;
use crate::engine::Engine;
use crate::eval::sets::{self, Half};
use crate::eval::situations::{self, Plan, SetName, Sets, Situation};

/// Measure every situation in which somebody asks for papers
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin eval situations --sets ~/sets --folders ~/folders
  paperkin eval situations --sets ~/sets --folders ~/folders --only few one --half even --json

few: few candidates and a varied history. one: one example and a pool. set: a set of candidates with likes and
dislikes. corpus: a whole corpus. day: the papers of a day. Each is ordered by `recommend` and by `rank` as they
serve, for somebody who is not stored, and by plain methods. \"first\" and \"second\" are the figures that \"figures\"
names; of wrong pairs less is better. \"better by\" says how much better a road is than the plain method that is best
on the same cases: the mean of the paired differences of the first figure, with its standard error. \"tau\" is
Kendall's, between the orders of the two roads.

Files of --sets, papers plain or as .zst: libraries/papers.jsonl, users.tsv (columns user, paper_id), folds.tsv
(paper_id, fold); screening/papers.jsonl, labels.tsv (review, paper_id and labels of 0 and 1); hf_daily.jsonl,
hf_daily_submitters.tsv (user, paper_id, day). The data folders are DIR/libraries, DIR/screening and DIR/hf_daily: one
that is not there is made first, one that is there is used as it is. No user is written into them, and --data plays
no part.

Settings that were tuned on one half (--half even) are reported on the other. Cases are drawn with fixed seeds.")]
pub struct Args {
    /// The folder with the labelled sets
    #[arg(long, value_name = "DIR")]
    sets: PathBuf,
    /// The folder with their data folders
    #[arg(long, value_name = "DIR")]
    folders: PathBuf,
    /// Only this situation (repeat it): few, one, set, corpus or day [default: all]
    #[arg(long, value_parser = word::<Situation>, num_args = 1..)]
    only: Vec<Situation>,
    /// Which readers, reviews and examples to use: all, those at even positions (from 0), or those at odd ones
    #[arg(long, default_value = "odd", value_parser = word::<Half>)]
    half: Half,
    /// Random draws for each review: three times as many in `one`, and half as many for each reader in `few`
    #[arg(long, default_value_t = 8, value_parser = at_least_one)]
    draws: usize,
    /// At most so many readers or examples of a situation, at even distances
    #[arg(long, default_value_t = 300, value_parser = at_least_one)]
    readers: usize,
    /// Measure `recommend` with each of its strategies too
    #[arg(long)]
    parts: bool,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let chosen = if args.only.is_empty() { Situation::ALL.to_vec() } else { args.only.clone() };
    let plan =
        Plan { situations: chosen, half: args.half, draws: args.draws, readers: args.readers, parts: args.parts };
    let needed = |set: SetName| plan.situations.iter().any(|s| s.sets().contains(&set));
    let file = |name: &str| text(&args.sets.join(name));
    // Labels are read first, so that a wrong file fails before anything is ingested.
    let libraries = needed(SetName::Libraries)
        .then(|| {
            anyhow::Ok((sets::groups(&file("libraries/users.tsv")?)?, sets::folds(&file("libraries/folds.tsv")?)?))
        })
        .transpose()?;
    let screening =
        needed(SetName::Screening).then(|| anyhow::Ok(sets::groups(&file("screening/labels.tsv")?)?)).transpose()?;
    let hf_daily =
        needed(SetName::HfDaily).then(|| anyhow::Ok(sets::log(&file("hf_daily_submitters.tsv")?)?)).transpose()?;
    let folder = |name: &str, papers: &str| open(context, &args.folders.join(name), &args.sets.join(papers));
    let of_libraries = libraries.as_ref().map(|_| folder("libraries", "libraries/papers.jsonl")).transpose()?;
    let of_screening = screening.as_ref().map(|_| folder("screening", "screening/papers.jsonl")).transpose()?;
    let of_hf_daily = hf_daily.as_ref().map(|_| folder("hf_daily", "hf_daily.jsonl")).transpose()?;
    let sets = Sets {
        libraries: of_libraries
            .as_deref()
            .zip(libraries)
            .map(|(engine, (libraries, folds))| (engine, libraries, folds)),
        screening: of_screening.as_deref().zip(screening),
        hf_daily: of_hf_daily.as_deref().zip(hf_daily),
    };
    measure(context, |hear| situations::run(&sets, &plan, hear))
}

/// Opens a data folder. One that is not there is made from the papers under another name, which it loses when it is
/// complete: what was interrupted goes on the next time.
fn open(context: &Context, folder: &Path, papers: &Path) -> anyhow::Result<Arc<Engine>> {
    let config = context.config()?;
    if !Engine::is_made(folder) {
        let mut name = folder.file_name().unwrap_or_default().to_os_string();
        name.push(".incomplete");
        let incomplete = folder.with_file_name(name);
        let packed = papers.with_extension("jsonl.zst");
        let papers = if streams::look(&packed).is_some() { &packed } else { papers };
        ingest::fill(context, Config { data: incomplete.clone(), ..config.clone() }, papers)?;
        streams::rename_data(&incomplete, folder)?;
    }
    context.open_with(Config { data: folder.to_path_buf(), ..config })
}
