//! A job for each source of the settings, and how the sources stand.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Job, JobView, LastRun, Numbers, Span, Trigger, fetch, runner};
use crate::config::{Config, SourceSettings};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::StoredJob;
use crate::user::Moment;

/// How long a service is left alone that did not give its papers: at first, and at most.
const FIRST: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// The name of the job that fetches from a source.
pub fn job_of(source: &str) -> String {
    format!("source:{source}")
}

/// The job of a source.
pub struct OneSource {
    name: String,
    about: String,
    config: Config,
    settings: SourceSettings,
}

impl OneSource {
    /// The job of a source of these settings.
    pub fn new(config: &Config, settings: &SourceSettings) -> Self {
        OneSource {
            name: job_of(&settings.name),
            about: format!("fetches papers from the source {} ({})", settings.name, settings.kind.name()),
            config: config.clone(),
            settings: settings.clone(),
        }
    }
}

impl Job for OneSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn jitter(&self) -> Duration {
        Duration::from_secs(self.config.fetch.jitter_s)
    }

    fn again(&self, failures: u32) -> Duration {
        FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST)
    }

    fn has_work(&self, engine: &Engine, trigger: Trigger) -> Result<bool> {
        Ok(match trigger {
            Trigger::Schedule | Trigger::Hand => true,
            // Who starts with a new source need not wait for the morning.
            Trigger::Start => engine.source_state(&self.settings.name)?.succeeded.is_none(),
            Trigger::Change | Trigger::Reader => false,
        })
    }

    fn run(&self, engine: &Engine, _: Trigger) -> Result<Numbers> {
        fetch(engine, &self.config, &self.settings, Span::default(), &|_| {}).map(|fetched| fetched.numbers())
    }
}

/// Where papers come from, and how that stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SourceView {
    /// Its name in the settings.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The cron expression of the settings, or `off`.
    pub schedule: String,
    /// When it is asked next by its schedule, up to `[fetch] jitter_s` later; null where it is asked by hand alone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Moment>,
    /// When it is tried again because the last run failed; null where that is not so.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry: Option<Moment>,
    /// Whether it is being read now.
    pub running: bool,
    /// Since when; null where it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Moment>,
    /// Papers that it has given, ever: those that others have as well, and those that it has taken away, among them.
    pub papers: u64,
    /// Runs that came to an end, ever.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// When it was last read to its end; null where it never was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub succeeded: Option<Moment>,
    /// Seconds since then: how far the corpus may be behind the source; null where it never was.
    pub lag_s: Option<u64>,
    /// Why the last run failed, and what to do; null where it did not.
    pub error: Option<String>,
    /// The last run, with what it did: papers that were `new`, `changed`, `unchanged`, `rejected`, `deleted`, and that were `kept` in
    /// a reader's history; null before the first.
    pub last: Option<LastRun>,
}

/// How the sources of the settings stand, in their order.
///
/// # Errors
/// When the store cannot be read.
pub fn source_views(engine: &Engine, config: &Config) -> Result<Vec<SourceView>> {
    let (stored, now) = (engine.job_records().jobs()?, Timestamp::now());
    let view = |source: &SourceSettings| {
        let (name, moment) = (job_of(&source.name), Moment(now.as_microsecond()));
        let known = stored.iter().find(|s: &&StoredJob| s.name == name);
        let job = runner::live(engine, &name)
            .unwrap_or_else(|| JobView::new(&name, "", source.schedule.to_string(), known, moment));
        let state = engine.source_state(&source.name)?;
        let next = source.schedule.next(now, &config.zone()).map(|at| Moment(at.as_microsecond()));
        let error = job.last.as_ref().and_then(|last| last.error.clone());
        Ok(SourceView {
            name: source.name.clone(),
            kind: source.kind.name().into(),
            schedule: job.schedule,
            next,
            retry: job.next.filter(|at| error.is_some() && next.is_none_or(|next| *at < next)),
            running: job.running,
            since: job.since,
            papers: state.records,
            runs: job.runs,
            failures: job.failures,
            succeeded: state.succeeded,
            lag_s: state.succeeded.map(|at| u64::try_from((moment.0 - at.0) / 1_000_000).unwrap_or(0)),
            error,
            last: job.last,
        })
    };
    config.sources.iter().map(view).collect::<Result<_, Error>>()
}
