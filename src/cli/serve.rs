//! `paperkin serve`

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::desk::Desk;
use super::{Context, say, streams};
use crate::config::{AuthMode, Config, Flags};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Serve the data folder over HTTP, with its web page
///
/// Answers /healthz at once, and everything else when the model and the index are ready. Ctrl-C or SIGTERM lets running
/// requests finish and writes the index. While it runs, it carries out every other command on the folder.
///
/// On an address of this machine everybody may do everything. On any other it asks for keys: `[auth] mode = "keys"` in the
/// settings or PAPERKIN_AUTH_MODE=keys. The first start prints a key; `paperkin keys` makes more. It answers for localhost,
/// the addresses that it listens on, and the names in `[server] hosts` or PAPERKIN_HOSTS (papers.example,...). Proxies in
/// front of it are named in `[server] trusted_proxies`. With a certificate and its key it speaks TLS alone: https. SIGHUP reads
/// both files again.
///
/// Jobs do what nobody asks for: maintenance, themes, interests, readership. Their schedules are cron expressions (or
/// `off`) under [jobs] in the settings, or PAPERKIN_JOBS_THEMES and so on, in the time zone of `time_zone`; GET /v1/jobs tells
/// how each stands.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin serve
  PAPERKIN_AUTH_MODE=keys paperkin serve --addr 0.0.0.0:80 --data /var/lib/paperkin
  paperkin serve --tls-certificate fullchain.pem --tls-key privkey.pem
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
    /// Speak TLS with this certificate (a PEM file, with those that signed it behind it); read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The key of that certificate (a PEM file, not encrypted)
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Let everybody in who reaches the address, without a key, also from other machines
    #[arg(long)]
    pub insecure: bool,
    /// Move the corpus to this model while serving, then switch to it at once
    #[arg(long, value_name = "NAME_OR_DIR")]
    reembed: Option<String>,
}

impl Args {
    /// What overrides the settings.
    pub fn flags(&self) -> Flags {
        Flags {
            addr: self.addr.clone(),
            public_url: self.public_url.clone(),
            tls_certificate: self.tls_certificate.clone(),
            tls_key: self.tls_key.clone(),
            insecure: self.insecure,
            ..Flags::default()
        }
    }
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let config = context.config()?;
    crate::http::check_reach(&config)?;
    say!("opening the data folder {}", config.data.display());
    let (settings, target) = (config.clone(), args.reembed.clone());
    let open = move || super::open(config).map_err(|e| e.downcast().unwrap_or_else(|e| Error::Internal(e.to_string())));
    serve(&settings, open, move |address, engine| {
        say!("serving on {address} (API at /docs); Ctrl-C stops");
        let Some(model) = target else { return };
        let wanted = Config { model: Some(model), ..engine.config().clone() };
        match super::reembed::move_to(engine, &wanted) {
            Ok(done) => say!("{} papers are now embedded with {} ({})", done.papers, done.model, done.precision),
            Err(e) => say!("the corpus was not moved to another model: {e}"),
        }
    })
}

/// Makes the key without which nobody could make another, where keys are asked for and there is none, and shows it: this once.
fn first_key(engine: &Engine) {
    if engine.config().auth.mode != AuthMode::Keys {
        return;
    }
    match engine.first_admin_key() {
        Ok(None) => {}
        Ok(Some(made)) => streams::here().say_text(&format!(
            "
There is no key yet that may make others, so here is the first. It is shown this once; keep it where you keep passwords:

  {key}

Send it as `Authorization: Bearer pk_...`. It may do everything; make others that may do less, then revoke it:

  paperkin keys add NAME --scope read
  paperkin keys revoke {id}
",
            key = made.key,
            id = made.id
        )),
        Err(e) => say!("warning: no first key could be made ({e}): `paperkin keys add NAME --scope admin` makes one"),
    }
}

/// Serves a folder over HTTP, and carries out commands on it. `ready` hears the address, with its scheme.
pub fn serve(
    config: &Config,
    open: impl FnOnce() -> Result<Engine> + Send + 'static,
    ready: impl FnOnce(&str, &Engine) + Send + 'static,
) -> anyhow::Result<()> {
    if let Err(e) = crate::logs::write_behind() {
        tracing::warn!("the log is written by whoever has something to tell: {e}");
    }
    // Held until the service stops: then commands no longer find it.
    let desk: Arc<Mutex<Option<Desk>>> = Arc::default();
    let (opened, closed, folder) = (Arc::clone(&desk), Arc::clone(&desk), config.data.clone());
    let ready = move |address: &str, engine: &Arc<Engine>| {
        match Desk::open(&folder, engine, address) {
            Ok(desk) => *opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(desk),
            Err(e) => say!(
                "warning: commands on {} cannot be taken while it is served ({e}); ask over HTTP instead",
                folder.display()
            ),
        }
        first_key(engine);
        ready(address, engine);
    };
    let close = move |desk: &Mutex<Option<Desk>>| drop(desk.lock().unwrap_or_else(PoisonError::into_inner).take());
    let served = crate::http::serve(config, open, ready, move || close(&closed));
    // In case the service ended by itself.
    close(&desk);
    Ok(served?)
}
