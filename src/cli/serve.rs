//! `paperkin serve`

use super::Context;
use crate::config::Config;

/// Serve the data folder over HTTP, with its web page
///
/// Answers /healthz at once and everything else when the model and the index are up. Ctrl-C or SIGTERM lets running
/// requests finish and writes the index.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin serve
  paperkin serve --addr 0.0.0.0:80 --data /var/lib/paperkin
  paperkin serve --reembed BAAI/bge-small-en-v1.5
  curl 'http://127.0.0.1:7878/v1/search?q=protein+design&limit=3'")]
pub struct Args {
    /// Where to listen [default: 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub addr: Option<String>,
    /// Move the corpus to this model while serving, then switch to it at once
    #[arg(long, value_name = "NAME_OR_DIR")]
    reembed: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let config = context.config()?;
    eprintln!("opening the data folder {}", config.data.display());
    let (addr, tuning, target) = (config.addr.clone(), config.tuning.clone(), args.reembed.clone());
    crate::http::serve(
        &addr,
        &tuning,
        move || super::open(config).map_err(|e| e.downcast().unwrap_or_else(|e| crate::Error::Internal(e.to_string()))),
        move |local, engine| {
            eprintln!("serving on http://{local} (API at /docs); Ctrl-C stops");
            let Some(model) = target else { return };
            let wanted = Config { model: Some(model), ..engine.config().clone() };
            match super::reembed::move_to(engine, &wanted) {
                Ok(done) => eprintln!("{} papers are with {} ({}) now", done.papers, done.model, done.precision),
                Err(e) => eprintln!("the corpus was not moved to another model: {e}"),
            }
        },
    )?;
    Ok(())
}
