//! The HTTP shell around the engine. `router` is the table of contents; each resource has a file of its own.

mod ask;
mod base;
mod channel;
mod docs;
mod embed;
mod error;
mod extract;
mod feed;
mod fresh;
mod health;
mod history;
mod interests;
mod limits;
mod news;
mod papers;
mod recommend;
mod router;
mod search;
mod stopping;
mod themes;
mod users;
mod web;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::{Config, Tuning};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::user::Moment;
use error::ApiError;
use stopping::Stopping;

pub use web::MAP;

/// What every handler sees.
#[derive(Clone)]
struct App {
    // Empty while the data folder is being opened: the service answers, and says that it is not ready.
    engine: Arc<OnceLock<Arc<Engine>>>,
    // One permit a request that is running or waiting; without one it is refused.
    permits: Arc<Semaphore>,
    maintaining: Arc<AtomicBool>,
    // Whether the themes are being made anew because somebody asked.
    rebuilding: Arc<AtomicBool>,
    metrics: PrometheusHandle,
    tuning: Arc<Tuning>,
    stopping: Stopping,
    // What the feeds of news readers were the last time.
    fresh: Arc<fresh::Fresh>,
    public_url: Option<Arc<str>>,
    local: SocketAddr,
}

impl App {
    fn engine(&self) -> Result<Arc<Engine>, ApiError> {
        self.engine.get().cloned().ok_or_else(|| ApiError::overloaded("the data folder is still being opened"))
    }

    /// Runs synchronous work on a thread where it may take its time. Refused when too much waits already: work that was
    /// begun cannot be called back, so the queue is what has to be bounded.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let engine = self.engine()?;
        let permit = Arc::clone(&self.permits)
            .try_acquire_owned()
            .map_err(|_| ApiError::overloaded("too many requests are waiting"))?;
        let task = tokio::task::spawn_blocking(move || {
            let out = work(&engine);
            drop(permit);
            out
        });
        match task.await {
            Ok(out) => out.map_err(ApiError::from),
            Err(e) if e.is_panic() => {
                tracing::error!("a request panicked: {e}");
                Err(ApiError::internal())
            }
            Err(_) => Err(ApiError::overloaded("the service is stopping")),
        }
    }

    /// Lets the indexes be brought into order behind the requests, one such job at a time.
    fn maintain_soon(&self) {
        let Ok(engine) = self.engine() else { return };
        if self.maintaining.swap(true, Ordering::AcqRel) {
            return;
        }
        let maintaining = Arc::clone(&self.maintaining);
        tokio::spawn(async move {
            match tokio::task::spawn_blocking(move || engine.maintain_gently()).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => tracing::warn!("the index was not written: {e}"),
                Err(e) => tracing::error!("bringing the index into order failed: {e}"),
            }
            maintaining.store(false, Ordering::Release);
        });
    }
}

/// Serves until the process is told to stop (Ctrl-C, SIGTERM), then lets what is running finish, as far as that takes seconds:
/// it returns within five of the signal, whoever is still sending.
///
/// `open` opens the data folder while the service already answers `/healthz`; `ready` hears the address once everything
/// works, and may go on working beside the service; `ending` is called when it is to stop, while requests finish. Blocks the
/// calling thread.
///
/// # Errors
/// [`Error::Io`] when the address cannot be had; whatever `open` returns.
pub fn serve(
    config: &Config,
    open: impl FnOnce() -> Result<Engine> + Send + 'static,
    ready: impl FnOnce(SocketAddr, &Arc<Engine>) + Send + 'static,
    ending: impl FnOnce() + Send + 'static,
) -> Result<()> {
    let (addr, tuning) = (config.addr.as_str(), &config.tuning);
    check_clock(Moment::now())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(tuning.max_waiting + 8)
        .build()
        .map_err(|e| Error::Internal(format!("cannot start the runtime: {e}")))?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(addr).await.map_err(|e| cannot_listen(addr, e))?;
        let local = listener.local_addr().map_err(|e| Error::io(addr, "cannot listen", e))?;
        let (stop, stopping) = Stopping::new();
        let app = App {
            engine: Arc::default(),
            permits: Arc::new(Semaphore::new(tuning.max_waiting)),
            maintaining: Arc::default(),
            rebuilding: Arc::default(),
            metrics: health::recorder(),
            tuning: Arc::new(tuning.clone()),
            stopping: stopping.clone(),
            fresh: Arc::new(fresh::Fresh::new()),
            public_url: config.public_url.as_deref().map(Arc::from),
            local,
        };
        let (engine, opened_app) = (Arc::clone(&app.engine), app.clone());
        let mut opening = tokio::task::spawn_blocking(move || {
            // The model is loaded and tried before the service calls itself ready.
            let opened = open()?;
            opened.embedder()?;
            let opened = Arc::new(opened);
            let _ = engine.set(Arc::clone(&opened));
            // What the index caught up with waits to be frozen, and perhaps nothing comes in that would set it off.
            opened_app.maintain_soon();
            ready(local, &opened);
            Ok(())
        });
        let last = Arc::clone(&app.engine);
        tokio::spawn(themes::keep_up(app.clone()));
        let mut serving = tokio::spawn(run(listener, router::router(app, &config.server.cors_origins), stopping));
        let stop_asked = tokio::select! {
            opened = &mut opening => {
                opened.map_err(|e| Error::Internal(format!("opening panicked: {e}")))??;
                false
            }
            () = stop_signal() => true,
            _ = &mut serving => true,
        };
        if !stop_asked {
            stop_signal().await;
        }
        // As a warning, so that it is seen without asking for more.
        tracing::warn!("stopping: running requests finish first; once more to stop at once");
        tokio::spawn(async {
            stop_signal().await;
            // Nothing is lost by it: what was acknowledged is on disk.
            std::process::exit(130);
        });
        let _ = stop.send(true);
        let ending = tokio::task::spawn_blocking(ending);
        if tokio::time::timeout(stopping::DRAIN, serving).await.is_err() {
            tracing::warn!("some connections were cut: their clients had not finished in time");
        }
        let _ = ending.await;
        Ok(last.get().cloned())
    });
    let engine = served?;
    // What still runs in the background (maintenance, a move to another model) loses nothing by being cut short.
    runtime.shutdown_timeout(stopping::BACKGROUND);
    engine.map_or(Ok(()), put_in_order)
}

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

async fn run(listener: TcpListener, routes: axum::Router, stopping: Stopping) {
    let shutdown = async move { stopping.begun().await };
    if let Err(e) = axum::serve(listener, routes).with_graceful_shutdown(shutdown).await {
        tracing::error!("the service failed: {e}");
    }
}

/// Refuses a clock with which no answer could be dated: HTTP has no time before 1970, and the server would die of each request.
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

async fn stop_signal() {
    let interrupt = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
