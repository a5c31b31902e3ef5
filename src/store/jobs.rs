//! Who runs which job, and what became of it the last time: the lock that lets one runner at a time have a job, over all
//! processes that share the store.
//!
//! A runner holds a job by a lease that ends by itself. It renews the lease while it works; one that died renews nothing, and
//! when its lease has lapsed another takes the job. Times are those of the runners' clocks, which have to agree to within a
//! few seconds.

use crate::error::Result;
use crate::user::Moment;

/// What is known of a job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredJob {
    /// Its name.
    pub name: String,
    /// Who took it last and has not let go; lapsed where `until` is over.
    pub held: Option<Lease>,
    /// The last time that its schedule was served.
    pub scheduled: Option<Moment>,
    /// How often it ran to an end.
    pub runs: u64,
    /// How many of these runs failed.
    pub failures: u64,
    /// Its last run that came to an end.
    pub last: Option<JobResult>,
}

/// Who holds a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The runner.
    pub holder: String,
    /// When it began.
    pub since: Moment,
    /// When the lease ends, unless it is renewed.
    pub until: Moment,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct JobResult {
    /// When it began.
    pub began: Moment,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Why it was run, as one word.
    pub why: String,
    /// Why it failed, for a person; none where it did not.
    pub error: Option<String>,
    /// What it did, in numbers by name.
    pub did: Vec<(String, u64)>,
}

/// A wish to run a job.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The job.
    pub name: &'a str,
    /// Who wants to run it; a name that no other runner has.
    pub holder: &'a str,
    /// By the clock of that runner.
    pub now: Moment,
    /// When the lease is to end, unless it is renewed.
    pub until: Moment,
    /// The time of the schedule that it is run for; none where it is run for another reason.
    pub due: Option<Moment>,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// It may be run.
    Yes,
    /// Another runner has it until then, unless that one goes on.
    Held(Lease),
    /// Another runner has served this time of the schedule already.
    Served,
}

/// The lock on jobs and the memory of their runs. Every store has one; what holds for it holds for all of them:
///
/// - of two claims to one job at most one is answered [`Claimed::Yes`] until the job is released, or its lease has lapsed;
/// - a time of a schedule is served once: by a run for it that came to a good end;
/// - who renews or ends a lease that another holds by now changes nothing and is told so.
///
/// The service shares it between the threads of its jobs without the rest of the store, so it says itself that it can be.
pub trait JobRecords: Send + Sync {
    /// Takes a job, if nobody has it.
    fn claim_job(&self, claim: &Claim<'_>) -> Result<Claimed>;

    /// Holds a job for longer. `false` when another has it by now. Where it fails, the lease is as it was.
    fn renew_job(&self, name: &str, holder: &str, until: Moment) -> Result<bool>;

    /// Lets go of a job, with what became of the run, and the time of the schedule that it was run for. Without a result it
    /// counts as if it had not been begun; a time that was not served, or by a run that failed, is to be served still. `false`
    /// when another has it by now: then nothing is noted. Where it fails, the lease ends by itself.
    fn end_job(&self, name: &str, holder: &str, result: Option<&JobResult>, due: Option<Moment>) -> Result<bool>;

    /// What is known of all jobs that ever ran, by name.
    fn jobs(&self) -> Result<Vec<StoredJob>>;
}
