//! The lock on jobs and the memory of their runs.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{SqliteStore, unreadable};
use crate::error::Result;
use crate::store::{Claim, Claimed, JobRecords, JobResult, Lease, StoredJob};
use crate::user::Moment;

const COLUMNS: &str = "name, holder, since, until, scheduled, runs, failures, began, took_us, why, error, did";

/// How far the clocks of two runners may be apart, in microseconds.
const AHEAD: i64 = 60_000_000;

impl JobRecords for SqliteStore {
    fn claim_job(&self, claim: &Claim<'_>) -> Result<Claimed> {
        self.write(|t| {
            let known = t
                .prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE name = ?1"))?
                .query_row([claim.name], job_at)
                .optional()?;
            if let Some(job) = known {
                if let Some(lease) = job.held.filter(|lease| lease.until > claim.now) {
                    return Ok(Claimed::Held(lease));
                }
                // One that lies far ahead was noted by a clock that had run ahead, and serves nothing.
                let ahead = claim.now.0.saturating_add(AHEAD);
                let serves = |due: Moment| job.scheduled.is_some_and(|served| served >= due && served.0 <= ahead);
                if claim.due.is_some_and(serves) {
                    return Ok(Claimed::Served);
                }
            }
            t.prepare_cached(
                "INSERT INTO jobs (name, holder, since, until) VALUES (:name, :holder, :now, :until)
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, since = excluded.since, until = excluded.until",
            )?
            .execute(named_params! {
                ":name": claim.name, ":holder": claim.holder, ":now": claim.now.0, ":until": claim.until.0,
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

    fn end_job(&self, name: &str, holder: &str, result: Option<&JobResult>, due: Option<Moment>) -> Result<bool> {
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
                     took_us = :took, why = :why, error = :error, did = :did,
                     scheduled = iif(:served IS NULL, scheduled, max(:served, :began)) WHERE name = :name",
            )?
            .execute(named_params! {
                ":name": name, ":began": result.began.0, ":took": result.took_us, ":why": result.why,
                ":error": result.error, ":did": serde_json::Value::from(did).to_string(),
                ":served": due.filter(|_| result.error.is_none()).map(|due| due.0),
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
    use crate::store::sqlite::fixture;

    fn claim(holder: &str, now: i64) -> Claim<'_> {
        Claim { name: "themes", holder, now: Moment(now), until: Moment(now + 10), due: None }
    }

    #[test]
    fn who_had_the_folder_open_before_holds_nothing() {
        let (folder, store) = fixture::store();
        assert_eq!(store.claim_job(&claim("a", i64::MAX - 20)).expect("asked"), Claimed::Yes);
        drop(store);
        let store = SqliteStore::open(folder.path()).expect("opens");
        assert_eq!(store.claim_job(&claim("b", 0)).expect("asked"), Claimed::Yes);
    }
}
