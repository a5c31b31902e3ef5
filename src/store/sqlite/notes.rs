//! What readers wrote on papers.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::events::known;
use super::folders::id_at;
use super::named::{names, present};
use super::users::{ensure, is_there};
use super::{SqliteStore, limit};
use crate::error::{Error, Result};
use crate::paper::{PaperId, head};
use crate::store::{Notes, Slice, StoredNote};
use crate::user::{Moment, UserId};

/// What stands between the notes of papers that became one.
const BETWEEN: &str = "\n\n";

impl Notes for SqliteStore {
    fn notes_on(&self, user: i64, papers: &[&PaperId]) -> Result<Vec<Option<StoredNote>>> {
        self.read(|c| papers.iter().map(|paper| note_on(c, user, paper)).collect())
    }

    fn notes(&self, user: i64, skip: usize, n: usize) -> Result<Slice<StoredNote, usize>> {
        self.read(|c| {
            let id = present("notes");
            let total = c
                .prepare_cached(&format!("SELECT count(DISTINCT {id}) FROM notes WHERE user = ?1"))?
                .query_row([user], |r| r.get(0))?;
            let sql = format!(
                "SELECT {id} AS present FROM notes WHERE user = ?1 GROUP BY present ORDER BY max(changed) DESC, present
                 LIMIT ?2 OFFSET ?3"
            );
            let ids: Vec<PaperId> = c
                .prepare_cached(&sql)?
                .query_map(params![user, limit(n), limit(skip)], |r| id_at(r, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut items = Vec::with_capacity(ids.len());
            for id in &ids {
                items.extend(note_on(c, user, id)?);
            }
            let end = skip.saturating_add(items.len());
            Ok(Slice { items, next: (end < total).then_some(end), total })
        })
    }

    fn each_note(&self, user: i64, f: &mut dyn FnMut(StoredNote)) -> Result<()> {
        self.read(|c| {
            // Those of papers that became one stand behind each other, in the order in which they are joined.
            let sql = format!(
                "SELECT {} AS present, text, created, changed FROM notes WHERE user = ?1
                 ORDER BY present, created, notes.paper",
                present("notes")
            );
            let mut select = c.prepare_cached(&sql)?;
            let mut last: Option<StoredNote> = None;
            for note in select.query_map([user], note_at)? {
                let note = note?;
                last = Some(match last.take() {
                    Some(first) if first.paper == note.paper => joined(first, note),
                    other => {
                        other.into_iter().for_each(&mut *f);
                        note
                    }
                });
            }
            last.into_iter().for_each(f);
            Ok(())
        })
    }

    fn put_note(
        &self,
        user: &UserId,
        paper: &PaperId,
        text: &str,
        at: Moment,
        most: usize,
    ) -> Result<Option<StoredNote>> {
        // None where one is there that is not to be written over.
        let put = |t: &Transaction<'_>, over: bool| -> rusqlite::Result<Result<Option<Option<StoredNote>>>> {
            let user = ensure(t, user)?;
            let before = note_on(t, user, paper)?;
            if before.is_some() && !over {
                return Ok(Ok(None));
            }
            if before.is_none() && !known(t, user, paper)? {
                return Ok(Err(Error::no_paper(paper.as_str())));
            }
            if before.is_none() && count(t, user)? >= most {
                return Ok(Ok(Some(None)));
            }
            delete(t, user, paper)?;
            let created = before.map_or(at, |note| note.created);
            let note = StoredNote { paper: paper.clone(), text: text.to_string(), created, changed: at.max(created) };
            insert(t, user, &note)?;
            Ok(Ok(Some(Some(note))))
        };
        // Only a text that is written over leaves something that is to be forgotten.
        match self.write_or(|t| put(t, false))? {
            Some(written) => Ok(written),
            None => self.forget_soon(|t| put(t, true)).map(Option::flatten),
        }
    }

    fn delete_note(&self, user: i64, paper: &PaperId) -> Result<()> {
        self.forget(|t| match delete(t, user, paper)? {
            0 => Ok(Err(Error::NotFound { what: "note", id: head(paper.as_str(), 80) })),
            _ => Ok(Ok(())),
        })
    }

    fn restore_notes(&self, user: i64, notes: &[StoredNote], most: usize) -> Result<usize> {
        if notes.is_empty() {
            return Ok(0);
        }
        self.forget_soon(|t| {
            if !is_there(t, user)? {
                return Ok(Ok(0));
            }
            let (mut known, mut over) = (count(t, user)?, 0);
            for note in notes {
                match note_on(t, user, &note.paper)? {
                    Some(here) if here.changed >= note.changed => continue,
                    Some(_) => known = known.saturating_sub(delete(t, user, &note.paper)?),
                    None if known >= most => {
                        over += 1;
                        continue;
                    }
                    None => {}
                }
                insert(t, user, note)?;
                known += 1;
            }
            Ok(Ok(over))
        })
    }
}

/// Forgets what a reader wrote on a paper, under this id alone.
pub fn drop_note(t: &Transaction<'_>, user: i64, paper: &str) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM notes WHERE user = ?1 AND paper = ?2")?.execute(params![user, paper])?;
    Ok(())
}

fn count(c: &Connection, user: i64) -> rusqlite::Result<usize> {
    c.prepare_cached("SELECT count(*) FROM notes WHERE user = ?1")?.query_row([user], |r| r.get(0))
}

/// What a reader wrote on a paper, under all ids that it has had.
fn note_on(c: &Connection, user: i64, paper: &PaperId) -> rusqlite::Result<Option<StoredNote>> {
    let mut find =
        c.prepare_cached("SELECT paper, text, created, changed FROM notes WHERE user = ?1 AND paper = ?2")?;
    let mut all: Vec<StoredNote> = Vec::new();
    for name in names(c, paper)? {
        all.extend(find.query_row(params![user, name], note_at).optional()?);
    }
    all.sort_by(|a, b| (a.created, &a.paper).cmp(&(b.created, &b.paper)));
    Ok(all.into_iter().reduce(joined).map(|note| StoredNote { paper: paper.clone(), ..note }))
}

/// What stands on papers that became one: the note that was written first, and the next behind it.
fn joined(first: StoredNote, next: StoredNote) -> StoredNote {
    StoredNote {
        text: format!("{}{BETWEEN}{}", first.text, next.text),
        changed: first.changed.max(next.changed),
        ..first
    }
}

fn delete(t: &Transaction<'_>, user: i64, paper: &PaperId) -> rusqlite::Result<usize> {
    let mut delete = t.prepare_cached("DELETE FROM notes WHERE user = ?1 AND paper = ?2")?;
    let mut gone = 0;
    for name in names(t, paper)? {
        gone += delete.execute(params![user, name])?;
    }
    Ok(gone)
}

fn insert(t: &Transaction<'_>, user: i64, note: &StoredNote) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT INTO notes (user, paper, text, created, changed) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![user, note.paper.as_str(), note.text, note.created.0, note.changed.0])?;
    Ok(())
}

fn note_at(r: &Row<'_>) -> rusqlite::Result<StoredNote> {
    Ok(StoredNote { paper: id_at(r, 0)?, text: r.get(1)?, created: Moment(r.get(2)?), changed: Moment(r.get(3)?) })
}
