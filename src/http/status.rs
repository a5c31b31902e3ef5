//! What the service holds, for those who watch it: told quickly, however busy the service is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::OpenFolder;
use super::error::ApiError;
use crate::engine::Info;
use crate::error::Error;
use crate::jobs::{JobView, SourceView, source_views};
use crate::store::CallCounts;

/// How old an answer may be where another can be had.
const FRESH: Duration = Duration::from_millis(500);

/// How long another is waited for where one that is not too old can be had instead, and where none can.
const PATIENCE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// How old an answer may be at all.
const OLD: Duration = Duration::from_secs(10);

/// What is told.
pub struct Look {
    /// What the folder holds.
    pub info: Info,
    /// How the jobs stand.
    pub jobs: Vec<JobView>,
    /// How the sources stand.
    pub sources: Vec<SourceView>,
    /// How many deliveries of webhooks stand how.
    pub deliveries: CallCounts,
}

type Known = Option<(Instant, Result<Arc<Look>, ApiError>)>;

/// Looks at the engine on a thread of its own, when somebody asks and the last look is not fresh.
pub struct Status {
    ask: SyncSender<()>,
    known: watch::Receiver<Known>,
}

impl Status {
    /// For a folder that may not be open yet.
    ///
    /// # Errors
    /// The system's, when there is no thread to be had.
    pub fn new(opened: Arc<OnceLock<OpenFolder>>) -> std::io::Result<Self> {
        // One question waits at most: its answer is one for all who ask meanwhile.
        let (ask, asked) = sync_channel(1);
        let (tell, known) = watch::channel(None);
        std::thread::Builder::new().name("status".into()).spawn(move || {
            while asked.recv().is_ok() {
                if let Some(OpenFolder { engine, runner }) = opened.get() {
                    // A panic must not end what tells how the service is.
                    let look = catch_unwind(AssertUnwindSafe(|| {
                        Ok::<_, Error>(Look {
                            info: engine.info()?,
                            jobs: runner.jobs()?,
                            sources: source_views(engine, engine.config())?,
                            deliveries: engine.count_webhook_deliveries()?,
                        })
                    }));
                    let look = look.map_err(|_| ApiError::internal()).and_then(|look| Ok(Arc::new(look?)));
                    tell.send_replace(Some((Instant::now(), look)));
                }
            }
        })?;
        Ok(Status { ask, known })
    }

    /// What the folder holds and how the jobs stand, at most half a second ago where that can be told, and ten seconds in any
    /// case.
    ///
    /// # Errors
    /// Those of [`Engine::info`](crate::engine::Engine::info); 503 when it takes too long.
    pub async fn look(&self) -> Result<Arc<Look>, ApiError> {
        let mut known = self.known.clone();
        let asked = Instant::now();
        let fresh = known.borrow().as_ref().is_some_and(|(at, _)| at.elapsed() < FRESH);
        if !fresh {
            let _ = self.ask.try_send(());
            let newer = |known: &Known| known.as_ref().is_some_and(|(at, _)| *at >= asked);
            let there = known.borrow().as_ref().is_some_and(|(at, _)| at.elapsed() + PATIENCE < OLD);
            let patience = if there { PATIENCE } else { LONGEST };
            let _ = tokio::time::timeout(patience, known.wait_for(newer)).await;
        }
        let last = known.borrow().clone().filter(|(at, _)| at.elapsed() < OLD);
        let too_long = || Err(ApiError::overloaded("the state of the service could not be told in time"));
        last.map_or_else(too_long, |(_, look)| look)
    }
}
