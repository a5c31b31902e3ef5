//! `paperkin serve`

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::desk::Desk;
use super::{Context, say};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Serve the data folder over HTTP, with its web page
///
/// Answers /healthz at once, and everything else when the model and the index are ready. Ctrl-C or SIGTERM lets running
/// requests finish and writes the index. While it runs, it carries out every other command on the folder.
///
/// Jobs do what nobody asks for: maintenance, themes, interests, readership. Their schedules are cron expressions (or
/// `off`) under [jobs] in the settings, or PAPERKIN_JOBS_THEMES and so on, in the time zone of `time_zone`; GET /v1/jobs tells
/// how each stands.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin serve
  paperkin serve --addr 0.0.0.0:80 --data /var/lib/paperkin
  paperkin serve --reembed BAAI/bge-small-en-v1.5
  PAPERKIN_JOBS_THEMES='30 2 * * *' paperkin serve        themes are made anew at half past two
  curl 'http://127.0.0.1:7878/v1/search?q=protein+design&limit=3'")]
pub struct Args {
    /// Address to listen on [default: 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub addr: Option<String>,
    /// Public address of the service, for links in feeds [default: the address that each request was sent to]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Move the corpus to this model while serving, then switch to it at once
    #[arg(long, value_name = "NAME_OR_DIR")]
    reembed: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let config = context.config()?;
    say!("opening the data folder {}", config.data.display());
    let (settings, target) = (config.clone(), args.reembed.clone());
    let open = move || super::open(config).map_err(|e| e.downcast().unwrap_or_else(|e| Error::Internal(e.to_string())));
    serve(&settings, open, move |local, engine| {
        say!("serving on http://{local} (API at /docs); Ctrl-C stops");
        let Some(model) = target else { return };
        let wanted = Config { model: Some(model), ..engine.config().clone() };
        match super::reembed::move_to(engine, &wanted) {
            Ok(done) => say!("{} papers are now embedded with {} ({})", done.papers, done.model, done.precision),
            Err(e) => say!("the corpus was not moved to another model: {e}"),
        }
    })
}

/// Serves a folder over HTTP, and carries out commands on it.
pub fn serve(
    config: &Config,
    open: impl FnOnce() -> Result<Engine> + Send + 'static,
    ready: impl FnOnce(SocketAddr, &Engine) + Send + 'static,
) -> anyhow::Result<()> {
    if let Err(e) = crate::logs::write_behind() {
        tracing::warn!("the log is written by whoever has something to tell: {e}");
    }
    // Held until the service stops: then commands no longer find it.
    let desk: Arc<Mutex<Option<Desk>>> = Arc::default();
    let (opened, closed, folder) = (Arc::clone(&desk), Arc::clone(&desk), config.data.clone());
    let ready = move |local: SocketAddr, engine: &Arc<Engine>| {
        match Desk::open(&folder, engine, &format!("http://{local}")) {
            Ok(desk) => *opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(desk),
            Err(e) => say!(
                "warning: commands on {} cannot be taken while it is served ({e}); ask over HTTP instead",
                folder.display()
            ),
        }
        ready(local, engine);
    };
    let close = move |desk: &Mutex<Option<Desk>>| drop(desk.lock().unwrap_or_else(PoisonError::into_inner).take());
    let served = crate::http::serve(config, open, ready, move || close(&closed));
    // In case the service ended by itself.
    close(&desk);
    Ok(served?)
}
