//! How the service ends: within five seconds of the first signal, whatever is streaming, and with an answer for everybody.
//!
//! `/readyz` says so at once, and every answer closes its connection. For `drain_s` seconds of a SIGTERM everybody is still let in, so
//! that whoever sends requests here has time to see it; then the service closes: nobody new is let in, and connections that
//! rest are closed. Running requests go on and mostly finish. A stream of papers that stands still, or is not through after
//! [`CUT`], is read no further: what has come is written and reported. Who has no answer by [`PATIENCE`] hears that the
//! service is stopping.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::ApiError;
use crate::engine::Report;

/// How long the bodies of requests are read on.
pub const CUT: Duration = Duration::from_millis(1000);

/// How long a body may stand still.
pub const STILL: Duration = Duration::from_millis(300);

/// How long requests have for their answers, from the signal on.
pub const PATIENCE: Duration = Duration::from_millis(3200);

/// How long what still comes of a body is read and dropped once it was answered: a client that is sending would otherwise
/// find its connection gone before it reads the answer.
pub const LINGER: Duration = Duration::from_millis(700);

/// How long the connections have to close, from the signal on.
pub const DRAIN: Duration = Duration::from_millis(3800);

/// How long what runs in the background, and the index, have at the end. Nothing is lost when they are cut short.
pub const BACKGROUND: Duration = Duration::from_millis(300);
pub const INDEX: Duration = Duration::from_millis(600);

/// Whether the service was asked to stop.
#[derive(Clone)]
pub struct Stopping(watch::Receiver<Option<Asked>>);

/// That it was.
#[derive(Clone, Copy)]
pub struct Asked {
    at: Instant,
    drain: Duration,
}

impl Asked {
    /// Now; who is new is let in for so long.
    pub fn now(drain: Duration) -> Self {
        Asked { at: Instant::now(), drain }
    }
}

impl Stopping {
    /// What asks, and what hears of it.
    pub fn new() -> (watch::Sender<Option<Asked>>, Self) {
        let (stop, stopped) = watch::channel(None);
        (stop, Stopping(stopped))
    }

    /// Whether it was.
    pub fn has_begun(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Returns once it was.
    pub async fn begun(&self) {
        self.asked().await;
    }

    async fn asked(&self) -> Asked {
        let mut stopped = self.0.clone();
        if let Ok(asked) = stopped.wait_for(Option::is_some).await
            && let Some(asked) = *asked
        {
            return asked;
        }
        std::future::pending().await
    }

    /// Returns once nobody new is let in.
    pub async fn closing(&self) {
        let asked = self.asked().await;
        tokio::time::sleep_until(asked.at + asked.drain).await;
    }

    /// Returns so long after it was, or (where it was before) after now.
    pub async fn since(&self, time: Duration) {
        self.begun().await;
        tokio::time::sleep(time).await;
    }

    /// Returns so long after it was, however late this is asked.
    pub async fn over(&self, time: Duration) {
        let asked = self.asked().await;
        tokio::time::sleep_until(asked.at + time).await;
    }
}

/// The answer for a request that is given up.
pub fn given_up() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping; send the request again once it is back")
}

/// The answer for papers of which these were written down.
pub fn so_far(report: &Report) -> ApiError {
    let message = format!(
        "the service is stopping; {}. Send the rest, or all of them again, once it is back: what is in costs nothing",
        written(report)
    );
    let mut detail = serde_json::to_value(report).unwrap_or_default();
    detail["stopping"] = json!(true);
    ApiError { detail: Some(detail), ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message) }
}

/// What became of the papers that came before a stream of them broke off.
pub fn written(report: &Report) -> String {
    format!(
        "of the papers that had come, {} are new, {} updated, {} unchanged and {} rejected, and what is counted is on disk",
        report.accepted, report.updated, report.unchanged, report.rejected_total
    )
}
