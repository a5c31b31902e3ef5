//! Bringing the indexes into order and on disk, behind the requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Job, Numbers, Trigger};
use crate::engine::{Engine, Happened};
use crate::error::Result;

/// Papers that come one by one are one round of maintenance.
const SETTLES: Duration = Duration::from_millis(250);

/// The job `maintenance`.
pub struct Maintenance {
    // The change of the store that it last looked at.
    seen: AtomicU64,
}

impl Default for Maintenance {
    fn default() -> Self {
        Maintenance { seen: AtomicU64::new(u64::MAX) }
    }
}

impl Job for Maintenance {
    fn name(&self) -> &str {
        "maintenance"
    }

    fn about(&self) -> &str {
        "brings the indexes into order and on disk"
    }

    fn hears_of(&self, happened: Happened) -> bool {
        happened == Happened::Papers
    }

    fn settles(&self) -> Duration {
        SETTLES
    }

    fn has_work(&self, engine: &Engine, _: Trigger) -> Result<bool> {
        Ok(engine.change()? != self.seen.load(Ordering::Relaxed) || engine.maintenance_is_due())
    }

    fn run(&self, engine: &Engine, _: Trigger) -> Result<Numbers> {
        // Read before: what comes meanwhile is looked after again.
        let (change, before) = (engine.change()?, self.seen.load(Ordering::Relaxed));
        engine.maintain_gently()?;
        self.seen.store(change, Ordering::Relaxed);
        let changes = if before == u64::MAX { 0 } else { change.saturating_sub(before) };
        Ok(vec![("change", change), ("changes", changes)])
    }
}
