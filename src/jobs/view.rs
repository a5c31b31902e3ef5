//! A job as people and programs see it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Trigger;
use crate::store::{JobResult, StoredJob};
use crate::user::Moment;

/// What the service does without being asked.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobView {
    /// Its name, as in the settings.
    pub name: String,
    /// What it does.
    pub about: String,
    /// The cron expression of the settings, or `off`.
    pub schedule: String,
    /// When it next looks for work; null where it runs by hand alone, and in `paperkin info`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Moment>,
    /// Whether it runs now.
    pub running: bool,
    /// Since when it runs; null where it does not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Moment>,
    /// Runs that came to an end, ever.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// The last of them; null before the first.
    pub last: Option<LastRun>,
}

/// A run that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LastRun {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub began: Moment,
    /// Seconds that it took.
    pub took_s: f64,
    /// Why it was run.
    pub why: String,
    /// Whether it did what it was to do.
    pub ok: bool,
    /// Why it failed; null where it did not.
    pub error: Option<String>,
    /// What it did, in numbers by name.
    #[schema(value_type = Object)]
    pub did: BTreeMap<String, u64>,
}

impl JobView {
    /// A job of which no more is known than the store has, and `now`, by which a lease may have lapsed.
    pub(super) fn new(name: &str, about: &str, schedule: String, stored: Option<&StoredJob>, now: Moment) -> Self {
        let held = stored.and_then(|s| s.held.as_ref()).filter(|lease| lease.until > now);
        JobView {
            name: name.into(),
            about: about.into(),
            schedule,
            next: None,
            running: held.is_some(),
            since: held.map(|lease| lease.since),
            runs: stored.map_or(0, |s| s.runs),
            failures: stored.map_or(0, |s| s.failures),
            last: stored.and_then(|s| s.last.as_ref()).map(LastRun::from),
        }
    }
}

impl From<&JobResult> for LastRun {
    fn from(result: &JobResult) -> Self {
        LastRun {
            began: result.began,
            took_s: result.took_us as f64 / 1e6,
            why: result.why.clone(),
            ok: result.error.is_none(),
            error: result.error.clone(),
            did: result.did.iter().cloned().collect(),
        }
    }
}

impl Trigger {
    /// As one word.
    pub fn word(self) -> &'static str {
        match self {
            Trigger::Start => "start",
            Trigger::Schedule => "schedule",
            Trigger::Change => "change",
            Trigger::Reader => "reader",
            Trigger::Hand => "asked",
        }
    }
}
