//! `paperkin embed`

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::ingest::Unpack;
use super::show::plain;
use super::{Context, say, show, streams};
use crate::embed::{self, BUNDLED, Kind, PendingEmbeddings};
use crate::engine::{Incoming, MAX_WINDOW};
use crate::paper::Paper;
use crate::sources;

/// Texts to embed together, if the model does not want more.
const WINDOW: usize = 256;

/// Embed papers and print their vectors
///
/// Prints one line of {"id", "vector"} for each paper of the file; vectors have length 1. Uses no data folder.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin embed papers.jsonl > vectors.jsonl
  paperkin embed - --model BAAI/bge-small-en-v1.5 < papers.jsonl")]
pub struct Args {
    /// JSON Lines: plain, gzip or Zstandard; `-` is standard input
    file: PathBuf,
    #[command(flatten)]
    unpack: Unpack,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let config = context.config()?;
    let name = args.file.display().to_string();
    let reader = streams::open(&args.file, args.unpack.allowed(context)?)?;
    let embedder = embed::open(&config.embed_options(config.model.as_deref().unwrap_or(BUNDLED), None, None))?;
    let pace = embedder.pace();
    let mut out = streams::out();
    let mut print = |(papers, vectors): (Vec<Paper>, PendingEmbeddings)| -> anyhow::Result<()> {
        let rows = papers.iter().zip(vectors.collect()?).map(|(paper, v)| json!({ "id": paper.id, "vector": v }));
        show::lines(&mut out, rows)?;
        Ok(out.flush()?)
    };
    let (mut window, mut read, mut rejected): (Vec<Paper>, usize, usize) = (Vec::new(), 0, 0);
    let mut under_way: VecDeque<(Vec<Paper>, PendingEmbeddings)> = VecDeque::new();
    let submit = |window: Vec<Paper>| -> anyhow::Result<(Vec<Paper>, PendingEmbeddings)> {
        let texts: Vec<String> = window.iter().map(|p| p.text_joined(embedder.separator())).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let submitted = embedder.submit(&texts, Kind::Document)?;
        Ok((window, submitted))
    };
    let mut bytes = 0;
    for incoming in sources::read(&name, reader) {
        let Incoming { line, paper, .. } = incoming?;
        match paper {
            Ok(paper) => {
                read += 1;
                bytes += paper.weight();
                window.push(paper);
            }
            Err(r) => {
                rejected += 1;
                say!("{}", plain(&format!("{name}:{line}: rejected: {}", r.reason)));
            }
        }
        if window.len() == pace.window.max(WINDOW) || bytes >= MAX_WINDOW {
            bytes = 0;
            under_way.push_back(submit(std::mem::take(&mut window))?);
            if under_way.len() > pace.ahead {
                under_way.pop_front().map_or(Ok(()), &mut print)?;
            }
        }
    }
    under_way.push_back(submit(window)?);
    under_way.into_iter().try_for_each(print)?;
    if read == 0 && rejected > 0 {
        anyhow::bail!("{name}: no line holds a paper");
    }
    Ok(())
}
