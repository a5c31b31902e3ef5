//! What users did: written in one transaction a batch, read by user or by time.

use rusqlite::types::Value;
use rusqlite::{Transaction, params, params_from_iter};
use serde::Serialize;

use super::claims::disclaim;
use super::list::{Page, no_cursor};
use super::users::{ensure, find, touch};
use super::{Store, unreadable};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::user::{Event, EventKind, Moment, UserId};

/// What became of a batch of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Added {
    /// Events that were not there before.
    pub accepted: usize,
    /// Events that were there already: the same paper, kind and time.
    pub unchanged: usize,
}

const COLUMNS: &str = "at, paper, kind, weight";

impl Store {
    /// Writes events of a user, who is made if new: all of them or, when one names a paper that is not there, none. When
    /// the call returns they are on disk.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the first paper that is neither in the corpus nor in the user's library. An event that is
    /// there already may name a paper that is gone.
    pub fn add_events(&self, name: &UserId, events: &[Event]) -> Result<Added> {
        self.write_or(|t| {
            let user = ensure(t, name)?;
            let (mut added, today) = (Added::default(), Moment::now().day());
            for event in events {
                if insert(t, user, event, today)? == 0 {
                    added.unchanged += 1;
                    disclaim(t, user, event)?;
                } else if known(t, user, &event.paper)? {
                    added.accepted += 1;
                } else {
                    return Ok(Err(Error::no_paper(event.paper.as_str())));
                }
            }
            if added.accepted > 0 {
                touch(t, user)?;
                t.prepare_cached("UPDATE counter SET events = events + 1")?.execute([])?;
            }
            Ok(Ok(added))
        })
    }

    /// Writes, in one transaction, those events of some users that name a paper that is there, or are there already; gives for
    /// each user the places of the others. A user is made if new and any of their events is written.
    pub fn add_known_events(&self, of: &[(&UserId, &[Event])]) -> Result<(Added, Vec<Vec<usize>>)> {
        self.write(|t| {
            let (mut added, mut unknown) = (Added::default(), Vec::with_capacity(of.len()));
            for (name, events) in of {
                unknown.push(add_known(t, name, events, &mut added)?);
            }
            if added.accepted > 0 {
                t.prepare_cached("UPDATE counter SET events = events + 1")?.execute([])?;
            }
            Ok((added, unknown))
        })
    }

    /// Writes events as they were exported, whether their papers are there or not, with the days on which they came; where
    /// such a day is not known, or has not come yet, with that of the event, and today at the latest.
    pub fn restore_events(&self, name: &UserId, events: &[Event], received: &[i32]) -> Result<Added> {
        self.write(|t| {
            let user = ensure(t, name)?;
            let (mut added, today) = (Added::default(), Moment::now().day());
            for (k, event) in events.iter().enumerate() {
                let came = received.get(k).copied().unwrap_or(event.at.day()).min(today);
                let n = insert(t, user, event, came)?;
                added.accepted += n;
                added.unchanged += 1 - n;
            }
            touch(t, user)?;
            t.prepare_cached("UPDATE counter SET events = events + 1")?.execute([])?;
            Ok(added)
        })
    }

    /// A page of a user's history, newest first.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the cursor is not one of ours.
    pub fn event_page(&self, user: i64, limit: usize, cursor: Option<&str>) -> Result<Page<Event>> {
        let mut values: Vec<Value> = vec![user.into()];
        let behind = match cursor {
            None => "",
            Some(cursor) => {
                let (at, kind, paper) = read_cursor(cursor)?;
                values.extend([Value::from(at), Value::from(paper), Value::from(kind)]);
                " AND (at, paper, kind) < (?, ?, ?)"
            }
        };
        values.push(i64::try_from(limit + 1).unwrap_or(i64::MAX).into());
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE user = ?{behind} ORDER BY at DESC, paper DESC, kind DESC LIMIT ?"
        );
        self.read(|c| {
            let total =
                c.prepare_cached("SELECT count(*) FROM events WHERE user = ?1")?.query_row([user], |r| r.get(0))?;
            let mut select = c.prepare_cached(&sql)?;
            let mut events: Vec<Event> =
                select.query_map(params_from_iter(values), |r| event_at(r, 0))?.collect::<rusqlite::Result<_>>()?;
            let more = events.len() > limit;
            events.truncate(limit);
            let next = events.last().filter(|_| more).map(|e| format!("{}.{}.{}", e.at.0, e.kind as u8, e.paper));
            Ok(Page { items: events, next, total })
        })
    }

    /// Every event of a user, oldest first.
    pub fn history(&self, user: i64) -> Result<Vec<Event>> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE user = ?1 ORDER BY at"))?
                .query_map([user], |r| event_at(r, 0))?
                .collect()
        })
    }

    /// How many events a user has.
    pub fn count_events(&self, user: i64) -> Result<usize> {
        self.read(|c| c.prepare_cached("SELECT count(*) FROM events WHERE user = ?1")?.query_row([user], |r| r.get(0)))
    }

    /// The days (since 1970, UTC) on which the events of a user came, in the order of [`Store::history`].
    pub fn received(&self, user: i64) -> Result<Vec<i32>> {
        self.read(|c| {
            c.prepare_cached("SELECT received FROM events WHERE user = ?1 ORDER BY at")?
                .query_map([user], |r| r.get(0))?
                .collect()
        })
    }

    /// Gives every event of every user that came before a day to `f`, user by user, with the day on which it came. What came
    /// later by a clock that was wrong counts as of the day before it.
    pub fn each_event_before(&self, day: i32, mut f: impl FnMut(i64, Event, i32)) -> Result<()> {
        self.read(|c| {
            let sql = format!(
                "SELECT {COLUMNS}, user, received FROM events WHERE received <> ?1 ORDER BY user, at, paper, kind"
            );
            let mut select = c.prepare_cached(&sql)?;
            let mut rows = select.query([day])?;
            while let Some(r) = rows.next()? {
                let received: i32 = r.get(5)?;
                f(r.get(4)?, event_at(r, 0)?, if received > day { day.saturating_sub(1) } else { received });
            }
            Ok(())
        })
    }

    /// The first day (since 1970) whose acts are not told yet, none while nothing is, and how many batches were told.
    pub fn told_through(&self) -> Result<(Option<i32>, usize)> {
        self.read(|c| {
            c.prepare_cached("SELECT told, batches FROM counter")?.query_row([], |r| Ok((r.get(0)?, r.get(1)?)))
        })
    }

    /// Notes what is told from now on.
    pub fn tell_through(&self, day: i32, batches: usize) -> Result<()> {
        self.write(|t| t.execute("UPDATE counter SET told = ?1, batches = ?2", params![day, batches]).map(drop))
    }

    /// Sets what nobody outside this folder knows, so that a test says the same every time.
    #[cfg(test)]
    pub fn set_secret(&self, secret: &[u8; 32]) -> Result<()> {
        self.write(|t| t.execute("UPDATE counter SET secret = ?1", [secret]).map(drop))
    }

    /// What nobody outside this folder knows.
    pub fn secret(&self) -> Result<[u8; 32]> {
        self.read(|c| c.prepare_cached("SELECT secret FROM counter")?.query_row([], |r| r.get(0)))
    }

    /// A number that is raised with every change of the events.
    pub fn event_change(&self) -> Result<u64> {
        self.read(|c| c.prepare_cached("SELECT events FROM counter")?.query_row([], |r| r.get(0)))
    }
}

/// Writes what can be written of a user's events; gives the places of the others.
fn add_known(t: &Transaction<'_>, name: &UserId, events: &[Event], added: &mut Added) -> rusqlite::Result<Vec<usize>> {
    let user = find(t, name)?.unwrap_or(NOBODY);
    let (mut written, mut unknown) = (Vec::new(), Vec::new());
    for (place, event) in events.iter().enumerate() {
        let there = known(t, user, &event.paper)? || is_there(t, user, event)?;
        if there { written.push(event) } else { unknown.push(place) }
    }
    if written.is_empty() {
        return Ok(unknown);
    }
    let (user, before, today) = (ensure(t, name)?, added.accepted, Moment::now().day());
    for event in written {
        let n = insert(t, user, event, today)?;
        added.accepted += n;
        added.unchanged += 1 - n;
        if n == 0 {
            // What an import brought is now said by hand as well.
            disclaim(t, user, event)?;
        }
    }
    if added.accepted > before {
        touch(t, user)?;
    }
    Ok(unknown)
}

/// A number that no user has.
const NOBODY: i64 = -1;

fn is_there(t: &Transaction<'_>, user: i64, event: &Event) -> rusqlite::Result<bool> {
    t.prepare_cached("SELECT EXISTS (SELECT 1 FROM events WHERE user = ?1 AND at = ?2 AND paper = ?3 AND kind = ?4)")?
        .query_row(params![user, event.at.0, event.paper.as_str(), event.kind as u8], |r| r.get(0))
}

/// Writes an event that came on a day (since 1970); 1 when it is new.
pub fn insert(t: &Transaction<'_>, user: i64, event: &Event, received: i32) -> rusqlite::Result<usize> {
    t.prepare_cached(
        "INSERT OR IGNORE INTO events (user, at, paper, kind, weight, received) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![user, event.at.0, event.paper.as_str(), event.kind as u8, event.weight, received])
}

fn known(t: &Transaction<'_>, user: i64, paper: &PaperId) -> rusqlite::Result<bool> {
    t.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM papers WHERE id = ?1) OR EXISTS (SELECT 1 FROM outside WHERE user = ?2 AND id = ?1)",
    )?
    .query_row(params![paper.as_str(), user], |r| r.get(0))
}

pub fn event_at(r: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Event> {
    let kind: usize = r.get(first + 2)?;
    let unknown = || unreadable(first + 2, Error::Internal(format!("{kind} is no kind of event")));
    Ok(Event {
        at: Moment(r.get(first)?),
        paper: PaperId::new(r.get::<_, String>(first + 1)?).map_err(|e| unreadable(first + 1, e))?,
        kind: EventKind::ALL.get(kind).copied().ok_or_else(unknown)?,
        weight: r.get(first + 3)?,
    })
}

fn read_cursor(cursor: &str) -> Result<(i64, i64, String)> {
    let parse = || {
        let mut parts = cursor.splitn(3, '.');
        let at = parts.next()?.parse().ok()?;
        let kind = parts.next()?.parse().ok()?;
        Some((at, kind, parts.next()?.to_string()))
    };
    parse().ok_or_else(|| no_cursor(cursor))
}
