//! What the process is told from outside.

use std::time::Duration;

use super::stopping::Asked;

/// Signals, heard from the moment this is made: none is lost between two waits.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// # Errors
    /// The system's, when signals cannot be heard.
    pub fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        }
        #[cfg(not(unix))]
        Ok(Signals {})
    }

    /// Returns once the service is to stop. On SIGTERM, which comes from what manages the service, who is new is let in for
    /// `drain`; on Ctrl-C nobody is.
    pub async fn stop(&mut self, drain: Duration) -> Asked {
        #[cfg(unix)]
        {
            let drain = tokio::select! {
                _ = self.interrupt.recv() => Duration::ZERO,
                _ = self.terminate.recv() => drain,
            };
            Asked::now(drain)
        }
        #[cfg(not(unix))]
        {
            let _ = (tokio::signal::ctrl_c().await, drain);
            Asked::now(Duration::ZERO)
        }
    }
}

/// Calls this at every SIGHUP, which then ends the process no more; on systems without it never.
pub async fn on_hangup(mut deed: impl FnMut()) {
    #[cfg(unix)]
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        Ok(mut hangup) => {
            while hangup.recv().await.is_some() {
                deed();
            }
        }
        Err(e) => tracing::warn!("SIGHUP is not heard: {e}"),
    }
    #[cfg(not(unix))]
    let _ = &mut deed;
    std::future::pending::<()>().await;
}
