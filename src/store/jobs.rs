//! Who runs which job, and what became of it the last time: the lock that lets one runner at a time have a job, over all
//! processes that share the store.
//!
//! A runner holds a job by a lease that ends by itself. It renews the lease while it works; one that died renews nothing, and
//! when its lease has lapsed another takes the job. Times are those of the runners' clocks, which have to agree to within a
//! few seconds.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{Store, unreadable};
use crate::error::Result;
use crate::user::Moment;

/// What is known of a job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredJob {
    /// Its name.
    pub name: String,
    /// Who runs it, and since when; none where nobody does, or the lease has lapsed unnoticed (see `until`).
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
/// - a time of a schedule is served once;
/// - who renews or ends a lease that another holds by now changes nothing and is told so.
pub trait JobRecords: Send + Sync {
    /// Takes a job, if nobody has it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    fn claim_job(&self, claim: &Claim<'_>) -> Result<Claimed>;

    /// Holds a job for longer. `false` when another has it by now.
    ///
    /// # Errors
    /// When the store cannot be written; the lease is as it was then.
    fn renew_job(&self, name: &str, holder: &str, until: Moment) -> Result<bool>;

    /// Lets go of a job, with what became of the run; without a result it counts as if it had not been begun. `false` when
    /// another has it by now: then nothing is noted.
    ///
    /// # Errors
    /// When the store cannot be written; the lease ends by itself then.
    fn end_job(&self, name: &str, holder: &str, result: Option<&JobResult>) -> Result<bool>;

    /// What is known of all jobs that ever ran, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn jobs(&self) -> Result<Vec<StoredJob>>;
}

const COLUMNS: &str = "name, holder, since, until, scheduled, runs, failures, began, took_us, why, error, did";

impl JobRecords for Store {
    fn claim_job(&self, claim: &Claim<'_>) -> Result<Claimed> {
        self.write(|t| {
            let known = t
                .prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE name = ?1"))?
                .query_row([claim.name], job_at)
                .optional()?;
            if let Some(job) = known {
                // First: who runs it now may have begun it for this very time.
                if claim.due.is_some_and(|due| job.scheduled.is_some_and(|served| served >= due)) {
                    return Ok(Claimed::Served);
                }
                if let Some(lease) = job.held.filter(|lease| lease.until > claim.now) {
                    return Ok(Claimed::Held(lease));
                }
            }
            t.prepare_cached(
                "INSERT INTO jobs (name, holder, since, until, scheduled)
                 VALUES (:name, :holder, :now, :until, iif(:due IS NULL, NULL, max(:due, :now)))
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, since = excluded.since,
                     until = excluded.until, scheduled = coalesce(excluded.scheduled, scheduled)",
            )?
            .execute(named_params! {
                ":name": claim.name, ":holder": claim.holder, ":now": claim.now.0, ":until": claim.until.0,
                ":due": claim.due.map(|due| due.0),
            })?;
            Ok(Claimed::Yes)
        })
    }

    fn renew_job(&self, name: &str, holder: &str, until: Moment) -> Result<bool> {
        self.write(|t| {
            let mut renew = t.prepare_cached("UPDATE jobs SET until = ?3 WHERE name = ?1 AND holder = ?2")?;
            Ok(renew.execute((name, holder, until.0))? > 0)
        })
    }

    fn end_job(&self, name: &str, holder: &str, result: Option<&JobResult>) -> Result<bool> {
        self.write(|t| {
            let own = "UPDATE jobs SET holder = NULL, since = NULL, until = NULL WHERE name = ?1 AND holder = ?2";
            if t.prepare_cached(own)?.execute((name, holder))? == 0 {
                return Ok(false);
            }
            let Some(result) = result else { return Ok(true) };
            // Numbers under names: writing them cannot fail.
            let did: serde_json::Map<String, serde_json::Value> =
                result.did.iter().map(|(name, n)| (name.clone(), (*n).into())).collect();
            t.prepare_cached(
                "UPDATE jobs SET runs = runs + 1, failures = failures + (:error IS NOT NULL), began = :began,
                     took_us = :took, why = :why, error = :error, did = :did WHERE name = :name",
            )?
            .execute(named_params! {
                ":name": name, ":began": result.began.0, ":took": result.took_us, ":why": result.why,
                ":error": result.error, ":did": serde_json::Value::from(did).to_string(),
            })?;
            Ok(true)
        })
    }

    fn jobs(&self) -> Result<Vec<StoredJob>> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs ORDER BY name"))?.query_map([], job_at)?.collect()
        })
    }
}

/// Frees the jobs of whoever had the folder open before: it has it no more, since one process at a time can.
pub fn free(c: &Connection) -> rusqlite::Result<()> {
    c.execute("UPDATE jobs SET holder = NULL, since = NULL, until = NULL WHERE holder IS NOT NULL", []).map(drop)
}

fn job_at(r: &Row<'_>) -> rusqlite::Result<StoredJob> {
    let holder: Option<String> = r.get(1)?;
    let moment = |column| Ok::<_, rusqlite::Error>(r.get::<_, Option<i64>>(column)?.map(Moment));
    let held = match (holder, moment(2)?, moment(3)?) {
        (Some(holder), Some(since), Some(until)) => Some(Lease { holder, since, until }),
        _ => None,
    };
    let last = match moment(7)? {
        Some(began) => {
            let did: String = r.get(11)?;
            let did: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&did).map_err(|e| unreadable(11, e))?;
            let did = did.into_iter().map(|(name, n)| (name, n.as_u64().unwrap_or(0))).collect();
            Some(JobResult { began, took_us: r.get(8)?, why: r.get(9)?, error: r.get(10)?, did })
        }
        None => None,
    };
    Ok(StoredJob { name: r.get(0)?, held, scheduled: moment(4)?, runs: r.get(5)?, failures: r.get(6)?, last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture;

    fn claim<'a>(holder: &'a str, now: i64, due: Option<i64>) -> Claim<'a> {
        Claim { name: "themes", holder, now: Moment(now), until: Moment(now + 10), due: due.map(Moment) }
    }

    fn result(error: Option<&str>) -> JobResult {
        JobResult {
            began: Moment(5),
            took_us: 7,
            why: "schedule".into(),
            error: error.map(Into::into),
            did: vec![("papers".into(), 3)],
        }
    }

    #[test]
    fn one_holder_at_a_time_until_the_lease_has_lapsed() {
        let (_folder, store) = fixture::store();
        assert_eq!(store.claim_job(&claim("a", 0, None)).expect("asked"), Claimed::Yes);
        let held = Lease { holder: "a".into(), since: Moment(0), until: Moment(10) };
        assert_eq!(store.claim_job(&claim("b", 9, None)).expect("asked"), Claimed::Held(held));
        // Renewed, it is held for longer; lapsed, it is not.
        assert!(store.renew_job("themes", "a", Moment(20)).expect("renewed"));
        assert!(matches!(store.claim_job(&claim("b", 19, None)).expect("asked"), Claimed::Held(_)));
        assert_eq!(store.claim_job(&claim("b", 20, None)).expect("asked"), Claimed::Yes);
        // Who lost it changes nothing.
        assert!(!store.renew_job("themes", "a", Moment(99)).expect("asked"));
        assert!(!store.end_job("themes", "a", Some(&result(None))).expect("asked"));
        assert_eq!(store.jobs().expect("read")[0].runs, 0);
        assert!(store.end_job("themes", "b", Some(&result(Some("no")))).expect("ended"));
        let known = store.jobs().expect("read").remove(0);
        assert_eq!((known.held, known.runs, known.failures), (None, 1, 1));
        assert_eq!(known.last, Some(result(Some("no"))));
    }

    #[test]
    fn a_time_of_the_schedule_is_served_once() {
        let (_folder, store) = fixture::store();
        assert_eq!(store.claim_job(&claim("a", 100, Some(95))).expect("asked"), Claimed::Yes);
        assert_eq!(store.claim_job(&claim("b", 99, Some(95))).expect("asked"), Claimed::Served, "while it runs");
        assert!(store.end_job("themes", "a", Some(&result(None))).expect("ended"));
        assert_eq!(store.claim_job(&claim("b", 99, Some(95))).expect("asked"), Claimed::Served);
        // For another reason, or for the next time, it may run.
        assert_eq!(store.claim_job(&claim("b", 101, None)).expect("asked"), Claimed::Yes);
        assert!(store.end_job("themes", "b", None).expect("ended"));
        assert_eq!(store.claim_job(&claim("b", 126, Some(125))).expect("asked"), Claimed::Yes);
        assert_eq!(store.jobs().expect("read")[0].runs, 1);
    }

    #[test]
    fn who_had_the_folder_open_before_holds_nothing() {
        let (folder, store) = fixture::store();
        assert_eq!(store.claim_job(&claim("a", i64::MAX - 20, None)).expect("asked"), Claimed::Yes);
        drop(store);
        let store = Store::open(folder.path()).expect("opens");
        assert_eq!(store.claim_job(&claim("b", 0, None)).expect("asked"), Claimed::Yes);
    }
}
