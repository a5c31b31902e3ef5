//! `paperkin demo`

use std::time::Instant;

use super::{Context, ingest, say, serve, show};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::sources;

/// Try everything on a built-in corpus
///
/// Creates a temporary data folder with 252 invented papers from twelve fields of science, indexes it and serves it
/// with its web page. The folder is removed when the service stops.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin demo
  paperkin demo --addr 127.0.0.1:9000")]
pub struct Args {
    /// Address to listen on [default: 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub addr: Option<String>,
    /// Let everybody in who reaches the address, also from other machines
    #[arg(long)]
    pub insecure: bool,
}

pub fn run(context: &Context, _: &Args) -> anyhow::Result<()> {
    let asked = context.config()?;
    crate::http::check_reach(&asked)?;
    let folder = tempfile::Builder::new().prefix("paperkin-demo-").tempdir()?;
    let config = Config { data: folder.path().to_path_buf(), ..asked };
    let settings = config.clone();
    let open = move || -> crate::Result<Engine> {
        let engine = Engine::open(config)?.engine;
        say!("embedding the built-in corpus");
        let (began, lines) = (Instant::now(), sources::invented_text().lines().count());
        let report = ingest::take_in(&engine, "the built-in corpus", Some(lines), &mut sources::invented())
            .map_err(|e| e.downcast().unwrap_or_else(|e| Error::Internal(e.to_string())))?;
        let mut total = ingest::Total::default();
        total.add("the built-in corpus", report);
        say!("{}", total.summary(began));
        Ok(engine)
    };
    serve::serve(&settings, open, |address, _| {
        let hello = format!(
            "Open {address} in a browser, or ask from another terminal:

  curl '{address}/v1/search?q=how+sleep+strengthens+memory&limit=3'
  curl '{address}/v1/papers/invented:qu-001/similar?limit=3&explain=true'
  curl -H 'content-type: application/json' {address}/v1/recommend \\
       -d '{{\"like\": [\"invented:rob-001\"], \"dislike\": [\"invented:vis-001\"], \"limit\": 3}}'

API: {address}/docs   Ctrl-C stops and removes the temporary folder."
        );
        let _ = show::text(&hello);
    })
}
