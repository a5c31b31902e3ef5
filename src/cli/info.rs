//! `paperkin info`

use super::show::{bytes, counted, thousands};
use super::{Context, show};

/// Show what the data folder holds
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin info
  paperkin info --json | jq .papers")]
pub struct Args {}

pub fn run(context: &Context, _: &Args) -> anyhow::Result<()> {
    let mut info = context.open_filled()?.info()?;
    // The path as the caller wrote it, even if another process runs the command.
    info.data = context.config()?.data.display().to_string();
    if context.json {
        return show::document(&info);
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
    let mut trouble: Vec<String> = state.trouble.iter().map(|t| format!("TROUBLE      {t}")).collect();
    trouble.extend(info.troubles.iter().map(|t| format!("TROUBLE      {}: {}", t.code.name(), t.message)));
    show::text(&lines.into_iter().chain(trouble).collect::<Vec<_>>().join("\n"))
}
