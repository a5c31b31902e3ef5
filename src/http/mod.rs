//! The HTTP shell around the engine. `router` is the table of contents; each resource has a file of its own.

mod access;
mod answer;
mod backup;
mod base;
mod body;
mod call;
mod channel;
mod citations;
mod clients;
mod docs;
mod door;
mod embed;
mod error;
mod extract;
mod feed;
mod fresh;
mod headers;
mod health;
mod history;
mod hsts;
mod interests;
mod jobs;
mod keys;
mod library;
mod limits;
mod metrics;
mod news;
mod papers;
mod recommend;
mod record;
mod request_fields;
mod router;
mod search;
mod searches;
mod sessions;
mod signals;
mod sources;
mod status;
mod stopping;
mod subscriptions;
mod systemd;
mod themes;
mod users;
mod web;
mod webhooks;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use crate::config::{AuthMode, Config, Server, Tuning};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::jobs::{Clock, READERSHIP, Runner, Stopped, Terms};
use crate::user::Moment;
use door::{Budget, Capacity, Connections, Guesses, Lane, Limits, Pool, Rates, Served, Tls};
use error::ApiError;
use signals::Signals;
use status::Status;
use stopping::{Asked, Stopping};

pub use access::check_reach;
pub use clients::mcp::{Lines, QUIET, serve_lines};
pub use door::{Certificate, raise_descriptor_limit};
pub use web::{MAP, MAP_STYLE};

/// The data folder, once it is open, and what runs in it without being asked.
#[derive(Clone)]
struct OpenFolder {
    engine: Arc<Engine>,
    runner: Arc<Runner>,
}

/// What every handler sees: one reference, as each layer and each handler of a request clones it.
#[derive(Clone)]
struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What the service is made of.
struct Shared {
    // Empty while the data folder is being opened: the service answers, and says that it is not ready.
    opened: Arc<OnceLock<OpenFolder>>,
    pool: Arc<Pool>,
    // Streams of papers, reading lists and a run of the themes that was asked for: each waits for others, or takes long.
    uploads: Lane,
    imports: Lane,
    rebuilding: Lane,
    // A backup has one place while it is taken and one while it is sent.
    backups: Lane,
    // What is sent is that a job was looked at.
    looked: watch::Sender<()>,
    // Bytes of bodies, and of answers that are not read yet.
    bodies: Budget,
    answers: Budget,
    connections: Connections,
    guesses: Arc<Guesses>,
    rates: Arc<Rates>,
    tls: Option<Arc<Tls>>,
    status: Arc<Status>,
    metrics: PrometheusHandle,
    tuning: Arc<Tuning>,
    settings: Arc<Server>,
    stopping: Stopping,
    // What the feeds of news readers were the last time.
    fresh: Arc<fresh::Fresh>,
    public_url: Option<Arc<str>>,
    // Who may come in, and under which names.
    rules: Arc<access::Rules>,
    local: SocketAddr,
}

impl App {
    fn opened(&self) -> Result<&OpenFolder, ApiError> {
        self.opened.get().ok_or_else(|| ApiError::overloaded("the data folder is still being opened"))
    }

    fn engine(&self) -> Result<Arc<Engine>, ApiError> {
        self.opened().map(|opened| Arc::clone(&opened.engine))
    }

    /// Whether a request has to say who asks.
    fn asks_who(&self) -> bool {
        self.rules.auth.mode == AuthMode::Keys
    }

    /// What runs the jobs.
    fn runner(&self) -> Result<Arc<Runner>, ApiError> {
        self.opened().map(|opened| Arc::clone(&opened.runner))
    }
}

/// Serves until the process is told to stop (Ctrl-C, SIGTERM), then lets what is running finish, as far as that takes seconds:
/// it returns within five of the signal, whoever is still sending. A second signal ends the process at once.
///
/// `open` opens the data folder while the service already answers `/healthz`; `ready` hears the address (with its scheme) once
/// everything works, and may go on working beside the service; `ending` is called when it is to stop, while requests finish. Blocks the
/// calling thread.
///
/// # Errors
/// [`Error::Invalid`] when the address cannot be had, or is reached from other machines and nobody has to say who they are, and for
/// a certificate that cannot be used; whatever `open` returns.
pub fn serve(
    config: &Config,
    open: impl FnOnce() -> Result<Engine> + Send + 'static,
    ready: impl FnOnce(&str, &Arc<Engine>) + Send + 'static,
    ending: impl FnOnce() + Send + 'static,
) -> Result<()> {
    let (addr, tuning, server) = (config.addr.as_str(), &config.tuning, &config.server);
    check_reach(config)?;
    check_clock(Moment::now())?;
    let tls = server.tls().map(|(certificate, key)| Tls::open(certificate, key)).transpose()?.map(Arc::new);
    raise_descriptor_limit();
    let capacity = Capacity::of(server, tuning);
    tracing::info!(
        "{} connections, {} threads for work, {} uploads",
        capacity.connections,
        capacity.threads,
        capacity.uploads
    );
    // What requests do in parallel stands behind the threads that answer as well. Fails where the process works with it already.
    let _ = rayon::ThreadPoolBuilder::new().start_handler(|_| door::behind()).build_global();
    let no_thread = |e| Error::Internal(format!("cannot start a thread: {e}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // For what goes on behind the requests: bringing the index into order, themes, opening and closing.
        .max_blocking_threads(16)
        .build()
        .map_err(no_thread)?;
    let served = runtime.block_on(async {
        let mut signals = Signals::new().map_err(|e| Error::Internal(format!("signals cannot be heard: {e}")))?;
        let listener = door::bind(addr).await.map_err(|e| cannot_listen(addr, e))?;
        let local = listener.local_addr().map_err(|e| Error::io(addr, "cannot listen", e))?;
        access::check_listening(config, local)?;
        let private = local.ip().to_canonical().is_loopback() && config.auth.mode == AuthMode::Open;
        let (stop, stopping) = Stopping::new();
        let opened: Arc<OnceLock<OpenFolder>> = Arc::default();
        let patience = Duration::from_millis(server.max_wait_ms);
        let bodies = Budget::new(server.body_memory);
        let connections = Connections::new(capacity.connections, Limits::from(server), bodies.clone());
        let app = App(Arc::new(Shared {
            status: Arc::new(Status::new(Arc::clone(&opened)).map_err(no_thread)?),
            opened,
            pool: Arc::new(Pool::new(capacity.threads, tuning.max_waiting, patience).map_err(no_thread)?),
            uploads: Lane::new("uploads", capacity.uploads),
            imports: Lane::new("imports", capacity.uploads),
            rebuilding: Lane::new("rebuilding", 1),
            backups: Lane::new("backups", 2),
            looked: watch::Sender::new(()),
            bodies,
            answers: Budget::new(server.answer_memory),
            connections: connections.clone(),
            guesses: Arc::default(),
            rates: Arc::new(Rates::new(server.rate(private))),
            tls: tls.clone(),
            settings: Arc::new(server.clone()),
            metrics: metrics::recorder(),
            tuning: Arc::new(tuning.clone()),
            stopping: stopping.clone(),
            fresh: Arc::new(fresh::Fresh::new()),
            public_url: config.public_url.as_deref().map(Arc::from),
            rules: Arc::new(access::Rules::of(config, local)),
            local,
        }));
        let address = format!("{}://{local}", server.scheme());
        let (for_requests, looked) = (Arc::clone(&app.opened), app.looked.clone());
        let mut opening = tokio::task::spawn_blocking(move || {
            // What is started here (the encoder, what writes the index) stands behind the threads that answer as well.
            door::behind();
            // The model is loaded and tried before the service calls itself ready.
            let opened = open()?;
            opened.embedder()?;
            let opened = Arc::new(opened);
            let runner = Arc::new(start_jobs(&opened, looked)?);
            let _ = for_requests.set(OpenFolder { engine: Arc::clone(&opened), runner });
            systemd::tell(systemd::READY);
            ready(&address, &opened);
            Ok(())
        });
        tokio::spawn(keys::note_uses(app.clone()));
        let opened = Arc::clone(&app.opened);
        let routes = router::router(app, &config.server.cors_origins);
        // Otherwise SIGHUP is what a terminal says that was closed.
        if tls.is_some() || systemd::asks() {
            tokio::spawn(keep_fresh(tls.clone(), Arc::clone(&opened), stopping.clone()));
        }
        let mut serving = tokio::spawn(door::listen(listener, Served { routes, connections, stopping, tls }));
        let drain = Duration::from_secs(server.drain_s);
        let asked = tokio::select! {
            opened = &mut opening => {
                opened.map_err(|e| Error::Internal(format!("opening panicked: {e}")))??;
                signals.stop(drain).await
            }
            // Nothing is answered yet, so nobody has to see it.
            asked = signals.stop(Duration::ZERO) => asked,
            _ = &mut serving => Asked::now(Duration::ZERO),
        };
        // As a warning, so that it is seen without asking for more.
        tracing::warn!("stopping: running requests finish first; once more to stop at once");
        tokio::spawn(async move {
            signals.stop(Duration::ZERO).await;
            crate::logs::flush(stopping::BACKGROUND);
            // Nothing is lost by it: what was acknowledged is on disk.
            std::process::exit(130);
        });
        systemd::tell(systemd::STOPPING);
        let _ = stop.send(Some(asked));
        let last = opened.get().cloned();
        let runner = last.as_ref().map(|opened| Arc::clone(&opened.runner));
        let jobs = tokio::task::spawn_blocking(move || runner.map(|runner| runner.stop()));
        let ending = tokio::task::spawn_blocking(ending);
        if tokio::time::timeout(stopping::DRAIN, serving).await.is_err() {
            tracing::warn!("some connections were cut: their clients had not finished in time");
        }
        let _ = ending.await;
        if let Ok(Some(Stopped::StillRunning)) = jobs.await {
            tracing::warn!("a job was cut off: what it did is kept, and it is run again later");
        }
        Ok(last.map(|opened| opened.engine))
    });
    let engine = served?;
    // What still runs in the background (maintenance, a move to another model) loses nothing by being cut short.
    runtime.shutdown_timeout(stopping::BACKGROUND);
    if let Some(engine) = &engine
        && let Err(e) = engine.note_key_uses()
    {
        tracing::warn!("when keys were used last was not written down: {e}");
    }
    engine.map_or(Ok(()), put_in_order)
}

/// Starts what runs without being asked, and waits a moment for what answers depend on from the first one on: that it was told
/// what readers did before today.
fn start_jobs(engine: &Arc<Engine>, looked: watch::Sender<()>) -> Result<Runner> {
    let config = engine.config();
    let terms = Terms {
        zone: config.zone(),
        clock: Clock::system(),
        looked: Box::new(move || {
            looked.send_replace(());
        }),
    };
    let runner = Runner::start(engine, crate::jobs::own(config), terms)?;
    runner.wait_for_first_look(READERSHIP, FIRST_LOOK);
    Ok(runner)
}

/// How long the first answer waits for what is to be told of readers.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// Writes what the index has only in memory, as far as there is time: it is made again from the store when next opened.
fn put_in_order(engine: Arc<Engine>) -> Result<()> {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let written = engine.maintain();
        // Closing waits for what the index has under way, which may be long as well.
        drop(engine);
        let _ = done.send(written);
    });
    match wait.recv_timeout(stopping::INDEX) {
        Ok(written) => written,
        Err(_) => {
            tracing::warn!("the index was not brought into order; that goes on when the folder is next opened");
            Ok(())
        }
    }
}

/// Refuses a clock with which no answer could be dated: hyper knows no time before 1970, and would die of each request.
fn check_clock(now: Moment) -> Result<()> {
    if now.0 >= 0 {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "the clock of this machine says {now}, and HTTP knows no time before 1970: set the clock, then serve. All other \
         commands work meanwhile"
    )))
}

fn cannot_listen(addr: &str, e: std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::AddrInUse => {
            Error::Invalid(format!("{addr} is in use by another program: choose another with --addr 127.0.0.1:PORT"))
        }
        _ => Error::Invalid(format!(
            "cannot listen on {addr:?}: {e}. Write it as ADDRESS:PORT, for example 127.0.0.1:7878"
        )),
    }
}

/// How often it is looked whether a certificate is near its end.
const REMIND: Duration = Duration::from_secs(86_400);

/// Reads the certificate again at every SIGHUP, and warns day by day of its end.
async fn keep_fresh(tls: Option<Arc<Tls>>, opened: Arc<OnceLock<OpenFolder>>, stopping: Stopping) {
    let reading = tls.clone();
    let reload = signals::on_hangup(move || {
        // Who is not ready yet, or is about to end, is not ready because of this.
        let is_ready = opened.get().is_some() && !stopping.has_begun();
        let tell = |what| {
            if is_ready {
                systemd::tell(what)
            }
        };
        tell(systemd::RELOADING);
        match reading.as_ref().map(|tls| tls.reload()) {
            // As warnings, so that they are seen without asking for more.
            None => tracing::warn!("SIGHUP reads the TLS certificate again, and there is none"),
            Some(Ok(until)) => tracing::warn!("the TLS certificate was read again; it expires at {until}"),
            Some(Err(e)) => tracing::error!("the TLS certificate stays as it was: {e}"),
        }
        tell(systemd::READY);
    });
    let remind = async {
        loop {
            tokio::time::sleep(REMIND).await;
            tls.iter().for_each(|tls| tls.remind());
        }
    };
    tokio::join!(reload, remind);
}
