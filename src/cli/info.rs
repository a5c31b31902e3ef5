//! `paperkin info`

use serde::Serialize;

use super::progress::duration;
use super::show::{bytes, counted, thousands};
use super::{Context, show};
use crate::engine::Info;
use crate::jobs::{self, JobView};

/// Show what the data folder holds
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin info
  paperkin info --json | jq .papers")]
pub struct Args {}

pub fn run(context: &Context, _: &Args) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    let (mut info, jobs) = (engine.info()?, jobs::known(&engine)?);
    // The path as the caller wrote it, even if another process runs the command.
    info.data = context.config()?.data.display().to_string();
    if context.json {
        return show::document(&Told { info, jobs });
    }
    let state = &info.index.state;
    let (m, ef_construction) = (info.index.m, info.index.ef_construction);
    let graph = format!("m {m}, ef_construction {ef_construction}, ef_search {}", state.ef_search);
    let index = match info.index.kind {
        "segments" if state.points > 0 => format!(
            "segments: {} points in {} ({} dead), {} not frozen yet; {graph}{}",
            thousands(state.points),
            counted(state.segments, "segment"),
            thousands(state.dead),
            thousands(state.live),
            state.recall.map_or(String::new(), |r| format!(", recall@10 {r:.3} when frozen")),
        ),
        "hnsw_rs" if state.points > 0 => format!(
            "hnsw_rs: {} points in a graph in memory ({} dead), {} not linked yet; {graph}",
            thousands(state.points),
            thousands(state.dead),
            thousands(state.live),
        ),
        "hnsw_rs" => format!("hnsw_rs: no graph yet, every paper is scored; {graph}"),
        "segments" => "segments: exact (the corpus is small enough to score every paper)".to_string(),
        kind => format!("{kind}: every paper is scored"),
    };
    let encoder = info.device.clone().unwrap_or_else(|| format!("not loaded; kernels: {}", info.kernels));
    let lines = [
        format!("data folder  {}", info.data),
        format!(
            "model        {} ({} numbers a vector, {}; {})",
            info.model, info.dimension, info.precision, info.fingerprint
        ),
        format!("encoder      {encoder}"),
        format!("this machine {} (encoder), {} (index)", crate::embed::instruction_set(), state.kernel),
        format!("papers       {}", thousands(info.papers)),
        format!("vectors      {}", thousands(info.vectors)),
        format!("users        {}", thousands(info.users)),
        format!("index        {index}"),
        format!("words        {} different in {} papers", thousands(info.words.terms), thousands(info.words.rows)),
        format!(
            "on disk      store {}, index {}, words {}",
            bytes(info.disk.store),
            bytes(info.disk.index),
            bytes(info.disk.words)
        ),
        format!("version      {}", info.version),
    ];
    let jobs = jobs.iter().map(|job| format!("job          {}: {}", job.name, stands(job)));
    let mut trouble: Vec<String> = state.trouble.iter().map(|t| format!("TROUBLE      {t}")).collect();
    trouble.extend(info.troubles.iter().map(|t| format!("TROUBLE      {}: {}", t.code.name(), t.message)));
    show::table(lines.into_iter().chain(jobs).chain(trouble))
}

/// What the folder holds, and what became of the jobs.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    info: Info,
    jobs: Vec<JobView>,
}

/// How a job stands, in a line.
fn stands(job: &JobView) -> String {
    let now = if job.running { "runs now; " } else { "" };
    let last = match &job.last {
        None => "never ran".to_string(),
        Some(last) => {
            let did: Vec<String> = last.did.iter().map(|(name, n)| format!("{name} {n}")).collect();
            let what = last.error.as_ref().map_or_else(|| did.join(", "), |e| format!("FAILED: {e}"));
            format!("last at {}, {} ({what})", last.began, duration(last.took_s))
        }
    };
    let schedule = if job.schedule == "off" { "off".into() } else { format!("at {}", job.schedule) };
    format!("{now}{last}; {schedule}")
}
