//! `paperkin info`

use super::show::{bytes, thousands};
use super::{Context, show};

/// What the data folder holds
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin info
  paperkin info --json | jq .papers")]
pub struct Args {}

pub fn run(context: &Context, _: &Args) -> anyhow::Result<()> {
    let info = context.open_filled()?.info()?;
    if context.json {
        return show::document(&info);
    }
    let index = match info.index.kind {
        "hnsw" => format!(
            "hnsw over {} points ({} dead), m {}, ef_construction {}, ef_search {}",
            thousands(info.index.points),
            thousands(info.index.dead),
            info.index.m,
            info.index.ef_construction,
            info.index.ef_search
        ),
        _ => "exact (the corpus is small enough to score every paper)".to_string(),
    };
    let lines = [
        format!("data folder  {}", info.data),
        format!(
            "model        {} ({} numbers a vector, {}; {})",
            info.model, info.dimension, info.precision, info.fingerprint
        ),
        format!("this machine {}", crate::embed::instruction_set()),
        format!("papers       {}", thousands(info.papers)),
        format!("vectors      {}", thousands(info.vectors)),
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
    show::text(&lines.join("\n"))
}
