//! Themes as the last run left them.

use rusqlite::{OptionalExtension, Transaction, params};

use super::SqliteStore;
use crate::error::Result;
use crate::paper::Row;
use crate::store::{StoredAssignment, StoredRun, StoredTheme, StoredThemeEvent, Themes};

impl Themes for SqliteStore {
    fn themes(&self) -> Result<Option<(StoredRun, Vec<StoredTheme>)>> {
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

    fn theme_assignments(&self) -> Result<Vec<StoredAssignment>> {
        self.read(|c| {
            let mut select = c.prepare(
                "SELECT row, theme, member, strength, x, y FROM theme_papers
                 WHERE row IN (SELECT row FROM papers) ORDER BY row",
            )?;
            let assignments = select.query_map([], |r| {
                Ok(StoredAssignment {
                    row: Row(r.get(0)?),
                    theme: r.get(1)?,
                    member: r.get(2)?,
                    strength: r.get(3)?,
                    x: r.get(4)?,
                    y: r.get(5)?,
                })
            })?;
            assignments.collect()
        })
    }

    fn put_theme_run(
        &self,
        run: &StoredRun,
        themes: &[StoredTheme],
        assignments: &[StoredAssignment],
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
            insert_assignments(t, assignments)?;
            let mut insert =
                t.prepare_cached("INSERT INTO theme_events (run, at, theme, json) VALUES (?1, ?2, ?3, ?4)")?;
            for event in events {
                insert.execute(params![event.run, event.at, event.theme, event.json])?;
            }
            Ok(())
        })
    }

    fn join_themes(&self, assignments: &[StoredAssignment], gone: &[Row]) -> Result<()> {
        self.write(|t| {
            insert_assignments(t, assignments)?;
            let mut delete = t.prepare_cached("DELETE FROM theme_papers WHERE row = ?1")?;
            for row in gone {
                delete.execute([row.0])?;
            }
            Ok(())
        })
    }

    fn theme_events(&self, theme: Option<u32>, limit: usize) -> Result<Vec<StoredThemeEvent>> {
        self.read(|c| {
            // Two statements: one for both would read every event that ever was.
            let of = if theme.is_some() { "theme = ?2" } else { "?2 IS NULL" };
            let mut select = c.prepare_cached(&format!(
                "SELECT run, at, theme, json FROM theme_events WHERE {of} ORDER BY event DESC LIMIT ?1"
            ))?;
            let events = select.query_map(params![super::limit(limit), theme], |r| {
                Ok(StoredThemeEvent { run: r.get(0)?, at: r.get(1)?, theme: r.get(2)?, json: r.get(3)? })
            })?;
            events.collect()
        })
    }
}

fn insert_assignments(t: &Transaction<'_>, assignments: &[StoredAssignment]) -> rusqlite::Result<()> {
    let mut insert = t.prepare_cached(
        "INSERT OR REPLACE INTO theme_papers (row, theme, member, strength, x, y) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for p in assignments {
        insert.execute(params![p.row.0, p.theme, p.member, p.strength, p.x, p.y])?;
    }
    Ok(())
}
