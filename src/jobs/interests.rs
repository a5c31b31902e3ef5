//! Keeping the interests that are found in the histories of readers, soon after these have changed.

use std::time::Duration;

use super::{Job, Numbers, Trigger};
use crate::engine::{Engine, Happened};
use crate::error::Result;

/// What a reader does in a row is one look at them.
const SETTLES: Duration = Duration::from_secs(1);

/// The name of the job.
const INTERESTS: &str = "interests";

/// Does the job, where there is something to do: for a command that hands on what is kept.
///
/// # Errors
/// When the store cannot be read or written.
pub fn keep_interests(engine: &Engine) -> Result<()> {
    if engine.interests_have_work()? {
        super::once(engine, INTERESTS, &|_| {}, || Ok(((), vec![("readers", engine.keep_interests()? as u64)])))?;
    }
    Ok(())
}

/// The job `interests`.
pub struct Interests;

impl Job for Interests {
    fn name(&self) -> &str {
        INTERESTS
    }

    fn about(&self) -> &str {
        "keeps the interests that are found in the histories of readers"
    }

    fn hears_of(&self, happened: Happened) -> bool {
        happened == Happened::Readers
    }

    fn settles(&self) -> Duration {
        SETTLES
    }

    fn has_work(&self, engine: &Engine, _: Trigger) -> Result<bool> {
        engine.interests_have_work()
    }

    fn run(&self, engine: &Engine, _: Trigger) -> Result<Numbers> {
        Ok(vec![("readers", engine.keep_interests()? as u64)])
    }
}
