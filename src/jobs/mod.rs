//! What runs without being asked: jobs with a name, a schedule and a last result, each on a thread of its own.
//!
//! A job runs at the times of its schedule, soon after something happened that makes work for it, and when somebody asks. It
//! looks first whether there is anything to do; where there is not, nothing is written down. One runner at a time has a job,
//! over all processes that share the store: the store holds the lock ([`crate::store::JobRecords`]), as a lease that a
//! runner renews while it works and that one that died loses. A time of a schedule is served once, by whichever runner comes
//! first, and one that passed while nobody served is made up for when somebody does.
//!
//! A panic in a job is a failed run. A job ends soon after it is cancelled (the service stops, or the lease is lost), as work
//! for a request does: by [`crate::cancel`].
//!
//! To add one: implement [`Job`] in a file of its own, add it to [`own`], and give it a schedule in [`crate::config::Jobs`].

mod clock;
mod fetch;
mod interests;
mod lease;
mod mail;
mod maintenance;
mod readership;
mod runner;
mod sources;
#[cfg(test)]
mod tests;
mod themes;
mod view;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

pub use clock::Clock;
pub use fetch::{Fetched, Span, fetch, fetch_from, preview, web};
pub use interests::keep_interests;
pub use mail::{MAIL, send_mail};
pub use readership::{READERSHIP, tell_today};
pub use runner::{Runner, Stopped, Terms};
pub use sources::{SourceView, job_of, source_views};
pub use themes::{THEMES, numbers as themes_numbers};
pub use view::{JobView, LastRun};

use crate::config::{Config, Schedule, SourceSettings};
use crate::engine::{Engine, Happened};
use crate::error::{Error, Result};
use crate::store::{Claim, Claimed, Lease, StoredJob};
use crate::user::Moment;

/// Why a job is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The service has begun.
    Start,
    /// Its time has come.
    Schedule,
    /// Something happened that makes work for it.
    Change,
    /// Somebody waits for what it does.
    Reader,
    /// An operator asked for it.
    Hand,
}

/// How long a job is left alone that failed, or whose lock could not be had: at first, and at most.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What a run did, in numbers by name.
pub type Numbers = Vec<(&'static str, u64)>;

/// Something that is done without being asked.
pub trait Job: Send + Sync {
    /// Its name: that of its schedule in the settings.
    fn name(&self) -> &str;

    /// What it does, in a sentence for people.
    fn about(&self) -> &str;

    /// Whether this may have made work for it.
    fn hears_of(&self, happened: Happened) -> bool {
        let _ = happened;
        false
    }

    /// How long it waits when something happened, so that what happens together is one run.
    fn settles(&self) -> Duration {
        Duration::ZERO
    }

    /// How much later than its schedule says it may begin, by chance.
    fn jitter(&self) -> Duration {
        Duration::ZERO
    }

    /// How long it is left alone after so many failures in a row.
    fn again(&self, failures: u32) -> Duration {
        FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST)
    }

    /// Whether there is something to do. Asked before every run but those by hand; it is cheap and writes nothing.
    ///
    /// # Errors
    /// When that cannot be told.
    fn has_work(&self, engine: &Engine, trigger: Trigger) -> Result<bool>;

    /// Does it. It looks whether it was cancelled ([`crate::cancel::check`]), and what it did before stays.
    ///
    /// # Errors
    /// Whatever it failed at; it is run again later.
    fn run(&self, engine: &Engine, trigger: Trigger) -> Result<Numbers>;
}

/// The jobs of the service with their schedules.
pub fn own(config: &Config) -> Vec<(Arc<dyn Job>, Schedule)> {
    let jobs = &config.jobs;
    let mut own: Vec<(Arc<dyn Job>, Schedule)> = vec![
        (Arc::new(interests::Interests), jobs.interests.clone()),
        (Arc::new(mail::Mail::new(config)), jobs.mail.clone()),
        (Arc::new(maintenance::Maintenance::default()), jobs.maintenance.clone()),
        (Arc::new(readership::Readership::default()), jobs.readership.clone()),
        (Arc::new(themes::Themes), jobs.themes.clone()),
        (Arc::new(webhooks::Webhooks::new(config)), jobs.webhooks.clone()),
    ];
    let of = |source: &SourceSettings| {
        (Arc::new(sources::OneSource::new(config, source)) as Arc<dyn Job>, source.schedule.clone())
    };
    own.extend(config.sources.iter().map(of));
    own
}

/// What is known of the jobs from the store alone.
///
/// # Errors
/// When the store cannot be read.
pub fn known(engine: &Engine) -> Result<Vec<JobView>> {
    let (stored, now) = (engine.job_records().jobs()?, Moment::now());
    let of = |name: &str| stored.iter().find(|s: &&StoredJob| s.name == name);
    let view = |(job, schedule): (Arc<dyn Job>, Schedule)| {
        JobView::new(job.name(), job.about(), schedule.to_string(), of(job.name()), now)
    };
    Ok(own(engine.config()).into_iter().map(view).collect())
}

/// Does the work of a job here and now, under its lock: what a command asks for. It waits for whoever has the job; `waiting`
/// hears once who that is.
///
/// # Errors
/// Those of the work, and when the store cannot be read or written; [`Error::Cancelled`] when whoever waits gives up.
pub fn once<T>(
    engine: &Engine,
    name: &str,
    waiting: &dyn Fn(&Lease),
    work: impl FnOnce() -> Result<(T, Numbers)>,
) -> Result<T> {
    let (clock, holder, records) = (Clock::system(), runner::new_holder(), engine.job_records());
    let mut told = false;
    let until = loop {
        crate::cancel::check()?;
        let until = lease::until(&clock);
        match records.claim_job(&Claim { name, holder: &holder, now: clock.moment(), until, due: None })? {
            Claimed::Yes => break until,
            Claimed::Held(lease) if !told => {
                waiting(&lease);
                told = true;
            }
            Claimed::Held(_) | Claimed::Served => std::thread::sleep(AGAIN),
        }
    };
    let held = lease::Held { records, clock: &clock, name, holder: &holder, until, due: None };
    runner::run_held(&held, &crate::cancel::current(), Trigger::Hand, work)
}

/// How often whoever waits for a job looks whether it is free.
const AGAIN: Duration = Duration::from_millis(100);

/// Why a run failed, for everybody to read: it names no path and no statement. The log has it in full.
fn told(name: &str, e: &Error) -> String {
    if e.is_internal() {
        tracing::error!("the job {name:?} failed: {e}");
        return "it failed inside; the log says more".into();
    }
    tracing::warn!("the job {name:?} failed: {e}");
    crate::paper::head(&e.to_string(), 1000)
}
