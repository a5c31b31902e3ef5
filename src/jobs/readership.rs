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
    if was_told_today(engine)? {
        return Ok(());
    }
    super::once(engine, READERSHIP, &|_| {}, || Ok(((), numbers(engine)?)))
}

/// Within a day nothing may change, whatever anybody does.
fn was_told_today(engine: &Engine) -> Result<bool> {
    let jobs = engine.job_records().jobs()?;
    let last = jobs.iter().find(|job| job.name == READERSHIP).and_then(|job| job.last.as_ref());
    Ok(last.is_some_and(|last| last.error.is_none() && last.began.day() == Moment::now().day()))
}

fn numbers(engine: &Engine) -> Result<Numbers> {
    Ok(vec![("readers", engine.tell_readership()? as u64)])
}

/// The job `readership`.
pub struct Readership {
    // The day on which this process last looked. Who starts it anew is heard at once: history may have been brought in
    // meanwhile, and of today's acts nothing is told before the day ends.
    day: AtomicI32,
}

impl Default for Readership {
    fn default() -> Self {
        Readership { day: AtomicI32::new(i32::MIN) }
    }
}

impl Job for Readership {
    fn name(&self) -> &str {
        READERSHIP
    }

    fn about(&self) -> &str {
        "lets answers know, once a day, what enough readers did together"
    }

    fn has_work(&self, _: &Engine, _: Trigger) -> Result<bool> {
        Ok(self.day.load(Ordering::Relaxed) != Moment::now().day())
    }

    fn run(&self, engine: &Engine, _: Trigger) -> Result<Numbers> {
        let day = Moment::now().day();
        let mut numbers = numbers(engine)?;
        // A command does without: it asks about few papers.
        numbers.push(("papers prepared", engine.prepare_readership()? as u64));
        self.day.store(day, Ordering::Relaxed);
        Ok(numbers)
    }
}
