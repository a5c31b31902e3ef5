//! Keeping the interests that are found in the histories of readers, soon after these have changed.

use std::time::Duration;

use super::{Job, Numbers, Trigger};
use crate::engine::{Engine, Happened};
use crate::error::Result;

/// What a reader does in a row is one look at them.
const SETTLES: Duration = Duration::from_secs(1);

/// The job `interests`.
pub struct Interests;

impl Job for Interests {
    fn name(&self) -> &'static str {
        "interests"
    }

    fn about(&self) -> &'static str {
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
