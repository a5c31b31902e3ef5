//! Telling, once a day, what enough readers did together.

use std::sync::atomic::{AtomicI32, Ordering};

use super::{Job, Numbers, Trigger};
use crate::engine::Engine;
use crate::error::Result;
use crate::user::Moment;

/// The name of the job.
pub const READERSHIP: &str = "readership";

/// Does the job, unless that was done today: for a command on a folder that nobody serves.
///
/// # Errors
/// When the store cannot be read or written.
pub fn tell_today(engine: &Engine) -> Result<()> {
    let today = Moment::now().day();
    let jobs = engine.job_records().jobs()?;
    let last = jobs.iter().find(|job| job.name == READERSHIP).and_then(|job| job.last.as_ref());
    if last.is_some_and(|last| last.error.is_none() && last.began.day() == today) {
        return Ok(());
    }
    super::once(engine, READERSHIP, || Ok(((), vec![("readers", engine.tell_readership()? as u64)])))
}

/// The job `readership`.
pub struct Readership {
    // The day on which it last looked: within a day nothing may change, whatever anybody does.
    day: AtomicI32,
}

impl Default for Readership {
    fn default() -> Self {
        Readership { day: AtomicI32::new(i32::MIN) }
    }
}

impl Job for Readership {
    fn name(&self) -> &'static str {
        READERSHIP
    }

    fn about(&self) -> &'static str {
        "lets answers know, once a day, what enough readers did together"
    }

    fn has_work(&self, _: &Engine, _: Trigger) -> Result<bool> {
        Ok(self.day.load(Ordering::Relaxed) != Moment::now().day())
    }

    fn run(&self, engine: &Engine, _: Trigger) -> Result<Numbers> {
        let day = Moment::now().day();
        let readers = engine.tell_readership()?;
        self.day.store(day, Ordering::Relaxed);
        Ok(vec![("readers", readers as u64)])
    }
}
