//! `paperkin reembed`

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::progress::duration;
use super::show::thousands;
use super::streams::here;
use super::{Context, ingest, show};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Result;

/// Move the corpus to another model
///
/// You can interrupt it and run it again: vectors that are made are kept. The vectors of the old model are kept as
/// well, so going back embeds nothing. A folder that is being served is moved while the service goes on answering.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin reembed --model BAAI/bge-small-en-v1.5
  paperkin reembed --model /models/e5-small --precision f32
  paperkin reembed --precision int8               the same model, other arithmetic")]
pub struct Args {}

pub fn run(context: &Context, _: &Args) -> anyhow::Result<()> {
    let wanted = context.config()?;
    if wanted.model.is_none() && wanted.precision.is_none() && wanted.dimension.is_none() {
        anyhow::bail!("say which model to move to with --model (or --precision, or --dimension)");
    }
    let engine = context.open_as_it_is()?;
    let began = Instant::now();
    let done = move_to(&engine, &wanted)?;
    ingest::finish(&engine);
    if context.json {
        return show::document(&done);
    }
    show::table([format!(
        "{} papers are with {} ({}) now; {} embedded in {}",
        thousands(done.papers),
        done.model,
        done.precision,
        thousands(done.embedded),
        duration(began.elapsed().as_secs_f64())
    )])
}

/// Moves the corpus and shows progress: every second on a terminal, every five elsewhere.
pub fn move_to(engine: &Engine, wanted: &Config) -> Result<crate::engine::Reembedded> {
    let streams = here();
    let every = Duration::from_secs(if streams.err_term().is_term() { 1 } else { 5 });
    let (began, spoke) = (Instant::now(), Cell::new(Instant::now()));
    engine.reembed(wanted, &|embedded, total| {
        if spoke.get().elapsed() < every {
            return;
        }
        spoke.set(Instant::now());
        let rate = embedded as f64 / began.elapsed().as_secs_f64().max(1e-3);
        let left = duration((total - embedded) as f64 / rate.max(1e-3));
        let (done, all) = (thousands(embedded), thousands(total));
        streams.say(format_args!("reembed: {done} of {all} papers, {rate:.0}/s, {left} left"));
    })
}
