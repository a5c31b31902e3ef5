//! `paperkin serve`

use super::Context;

/// Serve the data folder over HTTP, with its web page
///
/// Answers /healthz at once and everything else when the model and the index are up. Ctrl-C or SIGTERM lets running
/// requests finish and writes the index.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin serve
  paperkin serve --addr 0.0.0.0:80 --data /var/lib/paperkin
  curl 'http://127.0.0.1:7878/v1/search?q=protein+design&limit=3'")]
pub struct Args {
    /// Where to listen [default: 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub addr: Option<String>,
}

pub fn run(context: &Context, _: &Args) -> anyhow::Result<()> {
    let config = context.config()?;
    let (addr, tuning) = (config.addr.clone(), config.tuning.clone());
    crate::http::serve(
        &addr,
        &tuning,
        move || super::open(config).map_err(|e| e.downcast().unwrap_or_else(|e| crate::Error::Internal(e.to_string()))),
        |local| eprintln!("serving on http://{local} (API at /docs); Ctrl-C stops"),
    )?;
    Ok(())
}
