//! Webhooks and their deliveries.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::searches::follow_at;
use super::{SqliteStore, limit, unreadable};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::store::{CallCounts, CallState, CallTried, NewCall, NewWebhook, StoredCall, StoredWebhook, Webhooks};
use crate::user::Moment;

const WEBHOOK: &str = "webhook, user, search, kind, text, url, created, told, ended,
    (SELECT name FROM users WHERE users.user = webhooks.user)";
const CALL: &str = "call, webhook, papers, left_out, made, since, state, tries, tried, due, status, error";

impl Webhooks for SqliteStore {
    fn add_webhook(&self, webhook: NewWebhook<'_>, most: usize) -> Result<Option<StoredWebhook>> {
        self.write(|t| {
            let count = "SELECT count(*) FROM webhooks WHERE user IS ?1";
            let known: usize = t.prepare_cached(count)?.query_row([webhook.user], |r| r.get(0))?;
            if known >= most {
                return Ok(None);
            }
            let sql = format!(
                "INSERT INTO webhooks (user, search, kind, text, url, created, told) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
                 WHERE (?1 IS NULL OR EXISTS (SELECT 1 FROM users WHERE user = ?1))
                   AND (?2 IS NULL OR EXISTS (SELECT 1 FROM searches WHERE search = ?2 AND user IS ?1))
                 RETURNING {WEBHOOK}"
            );
            let (kind, text) = (webhook.what.kind(), webhook.what.text());
            let values =
                params![webhook.user, webhook.search, kind, text, webhook.url, webhook.created.0, webhook.told];
            t.prepare_cached(&sql)?.query_row(values, webhook_at).optional()
        })
    }

    fn webhooks(&self, user: Option<i64>) -> Result<Vec<StoredWebhook>> {
        self.read(|c| {
            let sql = format!("SELECT {WEBHOOK} FROM webhooks WHERE ?1 IS NULL OR user = ?1 ORDER BY webhook");
            c.prepare_cached(&sql)?.query_map([user], webhook_at)?.collect()
        })
    }

    fn webhook(&self, number: i64) -> Result<Option<StoredWebhook>> {
        self.read(|c| {
            let sql = format!("SELECT {WEBHOOK} FROM webhooks WHERE webhook = ?1");
            c.prepare_cached(&sql)?.query_row([number], webhook_at).optional()
        })
    }

    fn delete_webhook(&self, number: i64) -> Result<()> {
        self.forget_soon(|t| match t.execute("DELETE FROM webhooks WHERE webhook = ?1", [number])? {
            0 => Ok(Err(Error::NotFound { what: "webhook", id: format!("w{number}") })),
            _ => Ok(Ok(())),
        })
    }

    fn make_calls(&self, webhook: i64, from: u64, to: u64, calls: &[NewCall], now: Moment) -> Result<bool> {
        self.write(|t| {
            let told = "UPDATE webhooks SET told = ?3 WHERE webhook = ?1 AND told = ?2 AND ended IS NULL";
            if t.prepare_cached(told)?.execute(params![webhook, from, to])? == 0 {
                return Ok(false);
            }
            for d in calls {
                // Texts in a list: writing them cannot fail.
                let papers = serde_json::to_string(&d.papers).unwrap_or_else(|_| "[]".into());
                t.prepare_cached(
                    "INSERT INTO webhook_calls (webhook, papers, left_out, made, since, state, due)
                     VALUES (?1, ?2, ?3, ?4, ?4, 'waiting', ?4)",
                )?
                .execute(params![webhook, papers, d.left_out, now.0])?;
            }
            Ok(true)
        })
    }

    fn due_calls(&self, now: Moment, n: usize) -> Result<Vec<StoredCall>> {
        self.read(|c| {
            let sql = format!("SELECT {CALL} FROM webhook_calls WHERE call IN (SELECT min(call) FROM webhook_calls WHERE due <= ?1 GROUP BY webhook)
                 ORDER BY tries > 0, due, call LIMIT ?2");
            c.prepare_cached(&sql)?.query_map(params![now.0, limit(n)], call_at)?.collect()
        })
    }

    fn next_call(&self) -> Result<Option<Moment>> {
        self.read(|c| {
            let next = "SELECT min(due) FROM webhook_calls WHERE due IS NOT NULL";
            c.prepare_cached(next)?.query_row([], |r| Ok(r.get::<_, Option<i64>>(0)?.map(Moment)))
        })
    }

    fn begin_call(&self, number: i64, now: Moment, again: Moment) -> Result<Option<StoredCall>> {
        self.write(|t| {
            let sql = format!(
                "UPDATE webhook_calls SET tries = tries + 1, tried = ?2, due = ?3 WHERE call = ?1 AND due <= ?2
                 RETURNING {CALL}"
            );
            t.prepare_cached(&sql)?.query_row(params![number, now.0, again.0], call_at).optional()
        })
    }

    fn end_call(&self, number: i64, tried: &CallTried, keep: usize) -> Result<()> {
        self.write(|t| {
            let sql = "UPDATE webhook_calls SET status = ?2, error = ?3, state = ?4, due = ?5
                       WHERE call = ?1 AND state = 'waiting' RETURNING webhook";
            let due = tried.due.filter(|_| tried.state == CallState::Waiting).map(|due| due.0);
            let values = params![number, tried.status, tried.error, tried.state.word(), due];
            let webhook: Option<i64> = t.prepare_cached(sql)?.query_row(values, |r| r.get(0)).optional()?;
            let Some(webhook) = webhook else { return Ok(()) };
            if let Some(due) = due.filter(|_| tried.is_down) {
                // What else waits for the same receiver waits as long.
                t.prepare_cached("UPDATE webhook_calls SET due = max(due, ?2) WHERE webhook = ?1 AND due IS NOT NULL")?
                    .execute(params![webhook, due])?;
            }
            keep_newest(t, webhook, keep)
        })
    }

    fn end_webhook(&self, number: i64, at: Moment) -> Result<()> {
        self.write(|t| {
            t.prepare_cached("UPDATE webhooks SET ended = ?2 WHERE webhook = ?1 AND ended IS NULL")?
                .execute(params![number, at.0])?;
            let dead = "UPDATE webhook_calls SET state = 'dead', due = NULL WHERE webhook = ?1 AND state = 'waiting'";
            t.prepare_cached(dead)?.execute([number]).map(drop)
        })
    }

    fn calls(&self, webhook: i64, n: usize) -> Result<Vec<StoredCall>> {
        self.read(|c| {
            let sql = format!("SELECT {CALL} FROM webhook_calls WHERE webhook = ?1 ORDER BY call DESC LIMIT ?2");
            c.prepare_cached(&sql)?.query_map(params![webhook, limit(n)], call_at)?.collect()
        })
    }

    fn last_error(&self, webhook: i64) -> Result<Option<String>> {
        self.read(|c| {
            let last = "SELECT error FROM webhook_calls WHERE webhook = ?1 AND tried IS NOT NULL
                        ORDER BY tried DESC, call DESC LIMIT 1";
            let error = c.prepare_cached(last)?.query_row([webhook], |r| r.get::<_, Option<String>>(0)).optional()?;
            Ok(error.flatten())
        })
    }

    fn count_calls(&self, webhook: Option<i64>) -> Result<CallCounts> {
        self.read(|c| {
            let of = if webhook.is_some() { "webhook = ?1" } else { "?1 IS NULL" };
            let sql = format!(
                "SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'dead')
                 FROM webhook_calls WHERE {of}"
            );
            let counts = |r: &Row<'_>| Ok(CallCounts { waiting: r.get(0)?, dead: r.get(1)? });
            c.prepare_cached(&sql)?.query_row([webhook], counts)
        })
    }

    fn revive_calls(&self, webhook: i64, call: Option<i64>, now: Moment) -> Result<usize> {
        self.write(|t| {
            let sql = "UPDATE webhook_calls SET due = ?3, since = iif(state = 'dead', ?3, since),
                           tries = iif(state = 'dead', 0, tries), state = 'waiting'
                       WHERE webhook = ?1 AND state <> 'done' AND (?2 IS NULL OR call = ?2)";
            let revived = t.prepare_cached(sql)?.execute(params![webhook, call, now.0])?;
            if revived > 0 {
                t.prepare_cached("UPDATE webhooks SET ended = NULL WHERE webhook = ?1")?.execute([webhook])?;
            }
            Ok(revived)
        })
    }
}

/// Of the deliveries of a webhook that do not wait the newest stay.
fn keep_newest(t: &Transaction<'_>, webhook: i64, n: usize) -> rusqlite::Result<()> {
    t.prepare_cached(
        "DELETE FROM webhook_calls WHERE webhook = ?1 AND state <> 'waiting' AND call <=
             (SELECT call FROM webhook_calls WHERE webhook = ?1 AND state <> 'waiting' ORDER BY call DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![webhook, limit(n)])
    .map(drop)
}

fn webhook_at(r: &Row<'_>) -> rusqlite::Result<StoredWebhook> {
    Ok(StoredWebhook {
        number: r.get(0)?,
        user: r.get(1)?,
        owner: r.get(9)?,
        search: r.get(2)?,
        what: follow_at(r, 3)?,
        url: r.get(5)?,
        created: Moment(r.get(6)?),
        told: r.get(7)?,
        ended: r.get::<_, Option<i64>>(8)?.map(Moment),
    })
}

fn call_at(r: &Row<'_>) -> rusqlite::Result<StoredCall> {
    let (papers, state): (String, String) = (r.get(2)?, r.get(6)?);
    let moment = |column| Ok::<_, rusqlite::Error>(r.get::<_, Option<i64>>(column)?.map(Moment));
    let known = CallState::ALL.iter().find(|(word, _)| *word == state);
    Ok(StoredCall {
        number: r.get(0)?,
        webhook: r.get(1)?,
        papers: serde_json::from_str::<Vec<PaperId>>(&papers).map_err(|e| unreadable(2, e))?,
        left_out: r.get(3)?,
        made: Moment(r.get(4)?),
        since: Moment(r.get(5)?),
        state: known.map(|(_, state)| *state).ok_or_else(|| unreadable(6, Error::Internal("no such state".into())))?,
        tries: r.get(7)?,
        tried: moment(8)?,
        due: moment(9)?,
        status: r.get(10)?,
        error: r.get(11)?,
    })
}
