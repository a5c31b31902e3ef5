//! What users did: written in one transaction a batch, read by user or by time.

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params, params_from_iter};

use super::claims::disclaim;
use super::named::{names, present};
use super::users::{ensure, find, touch};
use super::{SqliteStore, limit, unreadable};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::store::{EventPlace, Events, EventsWritten, Follows, Slice};
use crate::user::{Event, EventKind, Moment, UserId};

const COLUMNS: &str = "at, paper, kind, weight";

/// The same, with the id that the paper has now where the event names it by one that it had before.
fn columns_by_present_ids() -> String {
    format!("at, {}, kind, weight", present("events"))
}

impl Events for SqliteStore {
    fn add_events(&self, name: &UserId, events: &[Event]) -> Result<EventsWritten> {
        self.write_or(|t| {
            let user = ensure(t, name)?;
            let (mut added, today) = (EventsWritten::default(), Moment::now().day());
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
            }
            Ok(Ok(added))
        })
    }

    fn add_following(&self, name: &UserId, paper: &PaperId, follows: &Follows<'_>) -> Result<usize> {
        self.write_or(|t| {
            let before = find(t, name)?.map_or_else(|| Ok(Vec::new()), |user| done_with(t, user, paper))?;
            let events = follows(paper, &before);
            if events.is_empty() {
                return Ok(Ok(0));
            }
            let user = ensure(t, name)?;
            if !known(t, user, paper)? {
                return Ok(Err(Error::no_paper(paper.as_str())));
            }
            insert_now(t, user, &events).map(Ok)
        })
    }

    fn add_known_events(&self, of: &[(&UserId, &[Event])]) -> Result<(EventsWritten, Vec<Vec<usize>>)> {
        self.write(|t| {
            let (mut added, mut unknown) = (EventsWritten::default(), Vec::with_capacity(of.len()));
            for (name, events) in of {
                unknown.push(add_known(t, name, events, &mut added)?);
            }
            Ok((added, unknown))
        })
    }

    fn restore_events(&self, name: &UserId, events: &[Event], received: &[i32]) -> Result<EventsWritten> {
        self.write(|t| {
            let user = ensure(t, name)?;
            let (mut added, today) = (EventsWritten::default(), Moment::now().day());
            for (k, event) in events.iter().enumerate() {
                let came = received.get(k).copied().unwrap_or(event.at.day()).min(today);
                let n = insert(t, user, event, came)?;
                added.accepted += n;
                added.unchanged += 1 - n;
            }
            touch(t, user)?;
            Ok(added)
        })
    }

    fn events_back(&self, user: i64, after: Option<&EventPlace>, n: usize) -> Result<Slice<Event, EventPlace>> {
        let mut values: Vec<Value> = vec![user.into()];
        let behind = match after {
            None => "",
            Some(EventPlace { at, paper, kind }) => {
                let kind = Value::from(i64::from(*kind as u8));
                values.extend([Value::from(at.0), Value::from(paper.to_string()), kind]);
                " AND (at, paper, kind) < (?, ?, ?)"
            }
        };
        values.push(limit(n.saturating_add(1)).into());
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE user = ?{behind} ORDER BY at DESC, paper DESC, kind DESC LIMIT ?"
        );
        self.read(|c| {
            let total =
                c.prepare_cached("SELECT count(*) FROM events WHERE user = ?1")?.query_row([user], |r| r.get(0))?;
            let mut select = c.prepare_cached(&sql)?;
            let mut items: Vec<Event> =
                select.query_map(params_from_iter(values), |r| event_at(r, 0))?.collect::<rusqlite::Result<_>>()?;
            let more = items.len() > n;
            items.truncate(n);
            let place = |e: &Event| EventPlace { at: e.at, paper: e.paper.clone(), kind: e.kind };
            let next = items.last().filter(|_| more).map(place);
            Ok(Slice { items, next, total })
        })
    }

    fn history(&self, user: i64) -> Result<Vec<Event>> {
        self.read(|c| {
            let columns = columns_by_present_ids();
            c.prepare_cached(&format!("SELECT {columns} FROM events WHERE user = ?1 ORDER BY at, events.paper, kind"))?
                .query_map([user], |r| event_at(r, 0))?
                .collect()
        })
    }

    fn events_on(&self, user: i64, papers: &[&PaperId]) -> Result<Vec<Vec<Event>>> {
        self.read(|c| papers.iter().map(|paper| done_with(c, user, paper)).collect())
    }

    fn count_events(&self, user: i64) -> Result<usize> {
        self.read(|c| c.prepare_cached("SELECT count(*) FROM events WHERE user = ?1")?.query_row([user], |r| r.get(0)))
    }

    fn received(&self, user: i64) -> Result<Vec<i32>> {
        self.read(|c| {
            c.prepare_cached("SELECT received FROM events WHERE user = ?1 ORDER BY at, paper, kind")?
                .query_map([user], |r| r.get(0))?
                .collect()
        })
    }

    fn each_event_before(&self, day: i32, f: &mut dyn FnMut(i64, Event, i32)) -> Result<()> {
        self.read(|c| {
            let columns = columns_by_present_ids();
            let sql = format!(
                "SELECT {columns}, user, received FROM events WHERE received <> ?1 ORDER BY user, at, events.paper, kind"
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
}

/// What a user did with a paper, under all ids that it has had: oldest first, and as done with the id that is given.
pub fn done_with(c: &Connection, user: i64, paper: &PaperId) -> rusqlite::Result<Vec<Event>> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE user = ?1 AND paper = ?2 ORDER BY at, kind");
    let mut select = c.prepare_cached(&sql)?;
    let (mut of, names): (Vec<Event>, _) = (Vec::new(), names(c, paper)?);
    for name in &names {
        for event in select.query_map(params![user, name], |r| event_at(r, 0))? {
            of.push(Event { paper: paper.clone(), ..event? });
        }
    }
    if names.len() > 1 {
        of.sort_by_key(|event| (event.at, event.kind));
    }
    Ok(of)
}

/// Writes events that came now; gives how many are new. The user's version rises where any is.
pub fn insert_now(t: &Transaction<'_>, user: i64, events: &[Event]) -> rusqlite::Result<usize> {
    let (mut written, today) = (0, Moment::now().day());
    for event in events {
        written += insert(t, user, event, today)?;
    }
    if written > 0 {
        touch(t, user)?;
    }
    Ok(written)
}

/// Writes what can be written of a user's events; gives the places of the others.
fn add_known(
    t: &Transaction<'_>,
    name: &UserId,
    events: &[Event],
    added: &mut EventsWritten,
) -> rusqlite::Result<Vec<usize>> {
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

/// Whether a paper is known to a user.
pub fn known(t: &Transaction<'_>, user: i64, paper: &PaperId) -> rusqlite::Result<bool> {
    t.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM papers WHERE id = ?1) OR EXISTS (SELECT 1 FROM outside WHERE user = ?2 AND id = ?1)
             OR EXISTS (SELECT 1 FROM former_ids WHERE id = ?1)",
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
