//! Reading lists that users brought, and what they have a claim on.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::claims::{claim_event, claim_paper};
use super::events::insert;
use super::folders::kept_by_hand;
use super::users::{ensure, touch};
use super::{SqliteStore, library, unreadable};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::store::imports::no_import;
use crate::store::{EventsWritten, ImportStatus, ImportUndone, ImportWindow, ImportWithClaims, Imports, StoredImport};
use crate::user::{Moment, UserId};

const COLUMNS: &str = "import, begun, status, done, total, about";

impl Imports for SqliteStore {
    fn begin_import(&self, name: &UserId, total: usize, about: &str) -> Result<(i64, i64)> {
        self.write(|t| {
            let user = ensure(t, name)?;
            let number = next_number(t, user)?;
            put(
                t,
                user,
                &StoredImport {
                    number,
                    begun: Moment::now(),
                    status: ImportStatus::Running,
                    done: 0,
                    total,
                    about: about.to_string(),
                    answer: None,
                },
            )?;
            Ok((user, number))
        })
    }

    fn add_to_import(
        &self,
        user: i64,
        number: i64,
        window: &ImportWindow<'_>,
        about: &dyn Fn(&EventsWritten) -> String,
    ) -> Result<EventsWritten> {
        self.write_or(|t| {
            let there = t
                .prepare_cached("UPDATE imports SET done = ?3 WHERE user = ?1 AND import = ?2")?
                .execute(params![user, number, window.done])?;
            if there == 0 {
                return Ok(Err(no_import(number)));
            }
            library::put(t, user, &window.papers, window.fingerprint, Some(number))?;
            let mut known = done_with(t, user)?;
            let (mut added, today) = (EventsWritten::default(), Moment::now().day());
            for event in window.events {
                let there = !known.insert((event.paper.to_string(), event.kind as u8));
                if there {
                    added.unchanged += 1;
                    // What other imports added stays when they are taken back: this one names it as well.
                    t.prepare_cached(
                        "INSERT OR IGNORE INTO import_events (user, paper, kind, at, import)
                         SELECT user, paper, kind, at, ?4 FROM import_events WHERE user = ?1 AND paper = ?2 AND kind = ?3",
                    )?
                    .execute(params![user, event.paper.as_str(), event.kind as u8, number])?;
                } else {
                    added.accepted += insert(t, user, event, today)?;
                    claim_event(t, user, event, number)?;
                }
            }
            t.prepare_cached("UPDATE imports SET about = ?3 WHERE user = ?1 AND import = ?2")?
                .execute(params![user, number, about(&added)])?;
            if added.accepted > 0 || !window.papers.is_empty() {
                touch(t, user)?;
            }
            Ok(Ok(added))
        })
    }

    fn end_import(
        &self,
        user: i64,
        number: i64,
        status: ImportStatus,
        about: &str,
        answer: Option<&str>,
    ) -> Result<()> {
        self.write_or(|t| {
            let there = t
                .prepare_cached(
                    "UPDATE imports SET status = ?3, about = ?4, answer = ?5 WHERE user = ?1 AND import = ?2",
                )?
                .execute(params![user, number, status as u8, about, answer])?;
            Ok(if there == 0 { Err(no_import(number)) } else { Ok(()) })
        })
    }

    fn imports(&self, user: i64) -> Result<Vec<StoredImport>> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {COLUMNS}, NULL FROM imports WHERE user = ?1 ORDER BY import DESC"))?
                .query_map([user], import_at)?
                .collect()
        })
    }

    fn import(&self, user: i64, number: i64) -> Result<StoredImport> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {COLUMNS}, answer FROM imports WHERE user = ?1 AND import = ?2"))?
                .query_row([user, number], import_at)
                .optional()
        })?
        .ok_or_else(|| no_import(number))
    }

    fn undo_import(&self, user: i64, number: i64) -> Result<ImportUndone> {
        self.forget(|t| {
            // What this import alone claims: looked up before its claims go with it.
            let events: Vec<(String, u8, i64)> = t
                .prepare_cached(
                    "SELECT paper, kind, at FROM import_events own WHERE user = ?1 AND import = ?2 AND NOT EXISTS
                       (SELECT 1 FROM import_events other WHERE other.user = own.user AND other.paper = own.paper
                        AND other.kind = own.kind AND other.at = own.at AND other.import <> ?2)",
                )?
                .query_map([user, number], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let papers: Vec<String> = t
                .prepare_cached(
                    "SELECT id FROM import_papers own WHERE user = ?1 AND import = ?2 AND NOT EXISTS
                       (SELECT 1 FROM import_papers other WHERE other.user = own.user AND other.id = own.id
                        AND other.import <> ?2)",
                )?
                .query_map([user, number], |r| r.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            if t.execute("DELETE FROM imports WHERE user = ?1 AND import = ?2", [user, number])? == 0 {
                return Ok(Err(no_import(number)));
            }
            let (mut gone_events, mut gone_papers) = (0, 0);
            for (paper, kind, at) in events {
                gone_events += t
                    .prepare_cached("DELETE FROM events WHERE user = ?1 AND at = ?2 AND paper = ?3 AND kind = ?4")?
                    .execute(params![user, at, paper, kind])?;
            }
            let mut left: HashSet<String> = done_with(t, user)?.into_iter().map(|(paper, _)| paper).collect();
            left.extend(kept_by_hand(t, user)?);
            for id in papers {
                // Something that was done with it by hand would point at nothing.
                let wanted = left.contains(&id);
                if !wanted {
                    gone_papers += usize::from(library::drop_paper(t, user, &id)?);
                }
            }
            touch(t, user)?;
            Ok(Ok(ImportUndone { events: gone_events, papers: gone_papers }))
        })
    }

    fn imports_with_claims(&self, user: i64) -> Result<Vec<ImportWithClaims>> {
        self.read(|c| {
            let imports: Vec<StoredImport> = c
                .prepare_cached(&format!("SELECT {COLUMNS}, answer FROM imports WHERE user = ?1 ORDER BY import"))?
                .query_map([user], import_at)?
                .collect::<rusqlite::Result<_>>()?;
            let mut events = c.prepare_cached(
                "SELECT at, paper, kind, 1.0 FROM import_events WHERE user = ?1 AND import = ?2 ORDER BY at, paper, kind",
            )?;
            let mut papers =
                c.prepare_cached("SELECT id FROM import_papers WHERE user = ?1 AND import = ?2 ORDER BY id")?;
            let id = |r: &rusqlite::Row<'_>| PaperId::new(r.get::<_, String>(0)?).map_err(|e| unreadable(0, e));
            imports
                .into_iter()
                .map(|import| {
                    let of = [user, import.number];
                    let events = events.query_map(of, |r| super::events::event_at(r, 0))?.collect::<Result<_, _>>()?;
                    let papers = papers.query_map(of, id)?.collect::<Result<_, _>>()?;
                    Ok(ImportWithClaims { import, events, papers })
                })
                .collect()
        })
    }

    fn restore_imports(&self, name: &UserId, imports: &[ImportWithClaims]) -> Result<()> {
        self.write(|t| {
            let user = ensure(t, name)?;
            for ImportWithClaims { import, events, papers } in imports {
                let same = t
                    .query_row(
                        "SELECT import FROM imports WHERE user = ?1 AND begun = ?2",
                        params![user, import.begun.0],
                        |r| r.get::<_, i64>(0),
                    )
                    .optional()?;
                let taken: bool = t.query_row(
                    "SELECT EXISTS (SELECT 1 FROM imports WHERE user = ?1 AND import = ?2)",
                    [user, import.number],
                    |r| r.get(0),
                )?;
                let number = match same {
                    Some(number) => number,
                    None if taken => next_number(t, user)?,
                    None => import.number,
                };
                // Nobody goes on with it here.
                let status = match import.status {
                    ImportStatus::Running => ImportStatus::Interrupted,
                    status => status,
                };
                put(t, user, &StoredImport { number, status, ..import.clone() })?;
                t.execute("UPDATE users SET imports = max(imports, ?2) WHERE user = ?1", [user, number])?;
                for event in events {
                    let there: bool = t
                        .prepare_cached(
                            "SELECT EXISTS (SELECT 1 FROM events WHERE user = ?1 AND at = ?2 AND paper = ?3 AND kind = ?4)",
                        )?
                        .query_row(params![user, event.at.0, event.paper.as_str(), event.kind as u8], |r| r.get(0))?;
                    if there {
                        claim_event(t, user, event, number)?;
                    }
                }
                for id in papers {
                    let there: bool = t
                        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outside WHERE user = ?1 AND id = ?2)")?
                        .query_row(params![user, id.as_str()], |r| r.get(0))?;
                    if there {
                        claim_paper(t, user, id.as_str(), number)?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// The papers that a user has done something with, and what.
fn done_with(t: &Transaction<'_>, user: i64) -> rusqlite::Result<HashSet<(String, u8)>> {
    t.prepare_cached("SELECT paper, kind FROM events WHERE user = ?1")?
        .query_map([user], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect()
}

/// What was running when the program ended was interrupted.
pub fn settle(c: &Connection) -> rusqlite::Result<()> {
    let (running, interrupted) = (ImportStatus::Running as u8, ImportStatus::Interrupted as u8);
    // A folder that cannot be written to is to be opened all the same.
    let any = c.query_row("SELECT EXISTS (SELECT 1 FROM imports WHERE status = ?1)", [running], |r| r.get(0))?;
    if any {
        c.execute("UPDATE imports SET status = ?2 WHERE status = ?1", [running, interrupted])?;
    }
    Ok(())
}

fn next_number(t: &Transaction<'_>, user: i64) -> rusqlite::Result<i64> {
    t.query_row("UPDATE users SET imports = imports + 1 WHERE user = ?1 RETURNING imports", [user], |r| r.get(0))
}

fn put(t: &Transaction<'_>, user: i64, import: &StoredImport) -> rusqlite::Result<()> {
    let StoredImport { number, begun, status, done, total, about, answer } = import;
    t.prepare_cached(
        "INSERT INTO imports (user, import, begun, status, done, total, about, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (user, import) DO UPDATE SET status = ?4, done = ?5, total = ?6, about = ?7, answer = ?8",
    )?
    .execute(params![user, number, begun.0, *status as u8, done, total, about, answer])?;
    Ok(())
}

fn import_at(r: &rusqlite::Row<'_>) -> rusqlite::Result<StoredImport> {
    let status: usize = r.get(2)?;
    let unknown = || unreadable(2, Error::Internal(format!("{status} is no status of an import")));
    Ok(StoredImport {
        number: r.get(0)?,
        begun: Moment(r.get(1)?),
        status: ImportStatus::ALL.get(status).copied().ok_or_else(unknown)?,
        done: r.get(3)?,
        total: r.get(4)?,
        about: r.get(5)?,
        answer: r.get(6)?,
    })
}
