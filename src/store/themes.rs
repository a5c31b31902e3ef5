//! Themes as the last run left them: who is in which, what they are called, and what happened to them.
//!
//! All of it but the events is derived from papers and vectors and can be made again; the events are the memory of the
//! runs. What a theme is, apart from its place in the tree, is text (JSON) to this floor.

use rusqlite::{OptionalExtension, Transaction, params};

use super::Store;
use crate::error::Result;
use crate::paper::Row;

/// The last run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// Its number, from 1.
    pub run: u64,
    /// The store's change number that it had read up to.
    pub change: u64,
    /// Papers that it grouped.
    pub papers: usize,
    /// Fingerprint of the model whose vectors it grouped.
    pub model: String,
    /// Seconds since 1970-01-01, UTC.
    pub at: i64,
    /// The number that the next new theme gets; numbers are never used twice.
    pub next: u32,
    /// Everything else.
    pub json: String,
}

/// A theme.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTheme {
    /// Its number for ever.
    pub theme: u32,
    /// 0 is the coarsest.
    pub level: usize,
    /// The theme one level up that it lies in.
    pub parent: Option<u32>,
    /// Everything else.
    pub json: String,
}

/// Where a paper is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredPlace {
    /// Which paper.
    pub row: Row,
    /// The finest theme, or the nearest one; none where there is none.
    pub theme: Option<u32>,
    /// Whether it belongs to it.
    pub member: bool,
    /// How surely, 0 to 1.
    pub strength: f32,
    /// Its place on the map.
    pub x: f32,
    /// Its place on the map.
    pub y: f32,
}

/// Something that happened to a theme.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredThemeEvent {
    /// In which run.
    pub run: u64,
    /// When, in seconds since 1970-01-01, UTC.
    pub at: i64,
    /// The theme it is told of.
    pub theme: u32,
    /// What.
    pub json: String,
}

/// The day of a paper, in days since 1970, if it has one, and its votes.
pub type DayAndVotes = (Option<i32>, u32);

impl Store {
    /// The last run and its themes; none before the first.
    pub fn themes(&self) -> Result<Option<(StoredRun, Vec<StoredTheme>)>> {
        self.read(|c| {
            let run = c
                .query_row("SELECT run, change, papers, model, at, next, json FROM theme_run", [], |r| {
                    Ok(StoredRun {
                        run: r.get(0)?,
                        change: r.get(1)?,
                        papers: r.get(2)?,
                        model: r.get(3)?,
                        at: r.get(4)?,
                        next: r.get(5)?,
                        json: r.get(6)?,
                    })
                })
                .optional()?;
            let Some(run) = run else { return Ok(None) };
            let mut select = c.prepare("SELECT theme, level, parent, json FROM themes ORDER BY theme")?;
            let themes = select.query_map([], |r| {
                Ok(StoredTheme { theme: r.get(0)?, level: r.get(1)?, parent: r.get(2)?, json: r.get(3)? })
            })?;
            Ok(Some((run, themes.collect::<rusqlite::Result<_>>()?)))
        })
    }

    /// Where every paper is, by row; papers that are gone are left out.
    pub fn theme_places(&self) -> Result<Vec<StoredPlace>> {
        self.read(|c| {
            let mut select = c.prepare(
                "SELECT row, theme, member, strength, x, y FROM theme_papers
                 WHERE row IN (SELECT row FROM papers) ORDER BY row",
            )?;
            let places = select.query_map([], |r| {
                Ok(StoredPlace {
                    row: Row(r.get(0)?),
                    theme: r.get(1)?,
                    member: r.get(2)?,
                    strength: r.get(3)?,
                    x: r.get(4)?,
                    y: r.get(5)?,
                })
            })?;
            places.collect()
        })
    }

    /// Puts the outcome of a run in the place of the one before, and adds what happened, at once.
    pub fn put_themes(
        &self,
        run: &StoredRun,
        themes: &[StoredTheme],
        places: &[StoredPlace],
        events: &[StoredThemeEvent],
    ) -> Result<()> {
        self.write(|t| {
            t.execute_batch("DELETE FROM theme_run; DELETE FROM themes; DELETE FROM theme_papers;")?;
            t.execute(
                "INSERT INTO theme_run (run, change, papers, model, at, next, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![run.run, run.change, run.papers, run.model, run.at, run.next, run.json],
            )?;
            let mut insert =
                t.prepare_cached("INSERT INTO themes (theme, level, parent, json) VALUES (?1, ?2, ?3, ?4)")?;
            for theme in themes {
                insert.execute(params![theme.theme, theme.level, theme.parent, theme.json])?;
            }
            insert_places(t, places)?;
            let mut insert =
                t.prepare_cached("INSERT INTO theme_events (run, at, theme, json) VALUES (?1, ?2, ?3, ?4)")?;
            for event in events {
                insert.execute(params![event.run, event.at, event.theme, event.json])?;
            }
            Ok(())
        })
    }

    /// Adds papers to the themes of the last run, and forgets those that are gone.
    pub fn join_themes(&self, places: &[StoredPlace], gone: &[Row]) -> Result<()> {
        self.write(|t| {
            insert_places(t, places)?;
            let mut delete = t.prepare_cached("DELETE FROM theme_papers WHERE row = ?1")?;
            for row in gone {
                delete.execute([row.0])?;
            }
            Ok(())
        })
    }

    /// What happened, newest first: to one theme, or to all.
    pub fn theme_events(&self, theme: Option<u32>, limit: usize) -> Result<Vec<StoredThemeEvent>> {
        self.read(|c| {
            // Two statements: one for both would read every event that ever was.
            let of = if theme.is_some() { "theme = ?2" } else { "?2 IS NULL" };
            let mut select = c.prepare_cached(&format!(
                "SELECT run, at, theme, json FROM theme_events WHERE {of} ORDER BY event DESC LIMIT ?1"
            ))?;
            let events = select.query_map(params![limit, theme], |r| {
                Ok(StoredThemeEvent { run: r.get(0)?, at: r.get(1)?, theme: r.get(2)?, json: r.get(3)? })
            })?;
            events.collect()
        })
    }

    /// The day and the votes of some rows, in their order; none where a row is gone.
    pub fn days_and_votes(&self, rows: &[Row]) -> Result<Vec<Option<DayAndVotes>>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT day, upvotes FROM papers WHERE row = ?1")?;
            rows.iter().map(|row| find.query_row([row.0], |r| Ok((r.get(0)?, r.get(1)?))).optional()).collect()
        })
    }

    /// The ids of some rows, in their order; none where a row is gone.
    pub fn ids(&self, rows: &[Row]) -> Result<Vec<Option<String>>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT id FROM papers WHERE row = ?1")?;
            rows.iter().map(|row| find.query_row([row.0], |r| r.get(0)).optional()).collect()
        })
    }
}

fn insert_places(t: &Transaction<'_>, places: &[StoredPlace]) -> rusqlite::Result<()> {
    let mut insert = t.prepare_cached(
        "INSERT OR REPLACE INTO theme_papers (row, theme, member, strength, x, y) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for p in places {
        insert.execute(params![p.row.0, p.theme, p.member, p.strength, p.x, p.y])?;
    }
    Ok(())
}
