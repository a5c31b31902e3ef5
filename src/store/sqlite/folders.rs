//! Folders of readers.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::events::{done_with, insert_now, known};
use super::named::{names, present};
use super::users::{ensure, is_there};
use super::{SqliteStore, unreadable};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::store::{FiledNow, FiledPaper, FolderMade, FolderWithPapers, Folders, Follows, StoredFolder};
use crate::user::{EventKind, Moment, UserId};

const COLUMNS: &str = "folder, name, created";

impl Folders for SqliteStore {
    fn folders(&self, user: i64) -> Result<Vec<StoredFolder>> {
        self.read(|c| {
            let sql = format!("SELECT {COLUMNS} FROM folders WHERE user = ?1 ORDER BY folder");
            c.prepare_cached(&sql)?.query_map([user], folder_at)?.collect()
        })
    }

    fn make_folder(&self, user: &UserId, name: &str, created: Moment, most: usize) -> Result<FolderMade> {
        self.write(|t| {
            let user = ensure(t, user)?;
            if let Some(there) = called(t, user, name)? {
                return Ok(FolderMade::There(there));
            }
            if count(t, user)? >= most {
                return Ok(FolderMade::TooMany);
            }
            insert(t, user, name, created).map(FolderMade::Made)
        })
    }

    fn rename_folder(&self, user: i64, number: i64, name: &str) -> Result<Option<StoredFolder>> {
        self.forget_soon(|t| {
            if !has(t, user, number)? {
                return Ok(Err(no_folder(number)));
            }
            if called(t, user, name)?.is_some_and(|other| other.number != number) {
                return Ok(Ok(None));
            }
            let sql = format!("UPDATE folders SET name = ?2 WHERE folder = ?1 RETURNING {COLUMNS}");
            t.prepare_cached(&sql)?.query_row(params![number, name], folder_at).map(Some).map(Ok)
        })
    }

    fn delete_folder(&self, user: i64, number: i64) -> Result<()> {
        self.forget(|t| {
            let delete = "DELETE FROM folders WHERE user = ?1 AND folder = ?2";
            match t.prepare_cached(delete)?.execute([user, number])? {
                0 => Ok(Err(no_folder(number))),
                _ => Ok(Ok(())),
            }
        })
    }

    fn filed(&self, user: i64) -> Result<Vec<(i64, FiledPaper)>> {
        self.read(|c| {
            let sql = format!(
                "SELECT folder, {} AS present, at FROM folder_papers WHERE user = ?1 ORDER BY present, folder",
                present("folder_papers")
            );
            c.prepare_cached(&sql)?
                .query_map([user], |r| Ok((r.get(0)?, FiledPaper { paper: id_at(r, 1)?, at: Moment(r.get(2)?) })))?
                .collect()
        })
    }

    fn folders_of(&self, user: i64, papers: &[&PaperId]) -> Result<Vec<Vec<i64>>> {
        self.read(|c| {
            let mut select = c.prepare_cached("SELECT folder FROM folder_papers WHERE user = ?1 AND paper = ?2")?;
            papers
                .iter()
                .map(|paper| {
                    let mut of = BTreeSet::new();
                    for name in names(c, paper)? {
                        for folder in select.query_map(params![user, name], |r| r.get(0))? {
                            of.insert(folder?);
                        }
                    }
                    Ok(of.into_iter().collect())
                })
                .collect()
        })
    }

    fn file_papers(
        &self,
        user: i64,
        number: i64,
        papers: &[&PaperId],
        follows: &Follows<'_>,
        at: Moment,
        most: usize,
    ) -> Result<Option<FiledNow>> {
        self.write_or(|t| {
            if !has(t, user, number)? {
                return Ok(Err(no_folder(number)));
            }
            let (mut once, mut fresh): (BTreeSet<&PaperId>, BTreeSet<&PaperId>) = Default::default();
            for paper in papers.iter().filter(|paper| once.insert(**paper)) {
                if !known(t, user, paper)? {
                    return Ok(Err(Error::no_paper(paper.as_str())));
                }
                let mut there = false;
                for name in names(t, paper)? {
                    there |= is_in(t, user, number, &name)?;
                    // A save that an import brought is the reader's own now.
                    t.prepare_cached("DELETE FROM import_events WHERE user = ?1 AND paper = ?2 AND kind = ?3")?
                        .execute(params![user, name, EventKind::Save as u8])?;
                }
                if !there {
                    fresh.insert(paper);
                }
            }
            if !fresh.is_empty() && count_filed(t, user)? + fresh.len() > most {
                return Ok(Ok(None));
            }
            for paper in &fresh {
                insert_filed(t, user, number, paper, at)?;
            }
            let mut events = Vec::new();
            for paper in once {
                events.extend(follows(paper, &done_with(t, user, paper)?));
            }
            Ok(Ok(Some(FiledNow { added: fresh.len(), events: insert_now(t, user, &events)? })))
        })
    }

    fn unfile_papers(&self, user: i64, number: i64, papers: &[&PaperId]) -> Result<usize> {
        self.write_or(|t| {
            if !has(t, user, number)? {
                return Ok(Err(no_folder(number)));
            }
            let mut out = 0;
            for paper in papers {
                let mut was_in = false;
                for name in names(t, paper)? {
                    let delete = "DELETE FROM folder_papers WHERE user = ?1 AND paper = ?2 AND folder = ?3";
                    was_in |= t.prepare_cached(delete)?.execute(params![user, name, number])? > 0;
                }
                out += usize::from(was_in);
            }
            Ok(Ok(out))
        })
    }

    fn restore_folders(
        &self,
        user: i64,
        folders: &[FolderWithPapers],
        most: usize,
        most_papers: usize,
    ) -> Result<usize> {
        if folders.is_empty() {
            return Ok(0);
        }
        self.write(|t| {
            if !is_there(t, user)? {
                return Ok(0);
            }
            let (mut over, mut filed) = (0, count_filed(t, user)?);
            for FolderWithPapers { name, created, papers } in folders {
                let folder = match called(t, user, name)? {
                    Some(there) => there,
                    None if count(t, user)? >= most => {
                        over += 1 + papers.len();
                        continue;
                    }
                    None => insert(t, user, name, *created)?,
                };
                for FiledPaper { paper, at } in papers {
                    if is_in(t, user, folder.number, paper.as_str())? {
                        continue;
                    }
                    if filed >= most_papers {
                        over += 1;
                        continue;
                    }
                    insert_filed(t, user, folder.number, paper, *at)?;
                    filed += 1;
                }
            }
            Ok(over)
        })
    }
}

/// Takes a paper of a reader out of every folder.
pub fn drop_paper(t: &Transaction<'_>, user: i64, paper: &str) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM folder_papers WHERE user = ?1 AND paper = ?2")?.execute(params![user, paper])?;
    Ok(())
}

/// The ids of the papers that a reader has in folders or a note on.
pub fn kept_by_hand(t: &Transaction<'_>, user: i64) -> rusqlite::Result<Vec<String>> {
    t.prepare_cached("SELECT paper FROM folder_papers WHERE user = ?1 UNION SELECT paper FROM notes WHERE user = ?1")?
        .query_map([user], |r| r.get(0))?
        .collect()
}

fn has(c: &Connection, user: i64, number: i64) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT EXISTS (SELECT 1 FROM folders WHERE user = ?1 AND folder = ?2)")?
        .query_row([user, number], |r| r.get(0))
}

fn called(c: &Connection, user: i64, name: &str) -> rusqlite::Result<Option<StoredFolder>> {
    let sql = format!("SELECT {COLUMNS} FROM folders WHERE user = ?1 AND name = ?2");
    c.prepare_cached(&sql)?.query_row(params![user, name], folder_at).optional()
}

fn count(c: &Connection, user: i64) -> rusqlite::Result<usize> {
    c.prepare_cached("SELECT count(*) FROM folders WHERE user = ?1")?.query_row([user], |r| r.get(0))
}

fn count_filed(c: &Connection, user: i64) -> rusqlite::Result<usize> {
    c.prepare_cached("SELECT count(*) FROM folder_papers WHERE user = ?1")?.query_row([user], |r| r.get(0))
}

fn is_in(c: &Connection, user: i64, folder: i64, paper: &str) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT EXISTS (SELECT 1 FROM folder_papers WHERE user = ?1 AND paper = ?2 AND folder = ?3)")?
        .query_row(params![user, paper, folder], |r| r.get(0))
}

fn insert(t: &Transaction<'_>, user: i64, name: &str, created: Moment) -> rusqlite::Result<StoredFolder> {
    let sql = format!("INSERT INTO folders (user, name, created) VALUES (?1, ?2, ?3) RETURNING {COLUMNS}");
    t.prepare_cached(&sql)?.query_row(params![user, name, created.0], folder_at)
}

fn insert_filed(t: &Transaction<'_>, user: i64, folder: i64, paper: &PaperId, at: Moment) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT OR IGNORE INTO folder_papers (user, paper, folder, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![user, paper.as_str(), folder, at.0])?;
    Ok(())
}

fn folder_at(r: &Row<'_>) -> rusqlite::Result<StoredFolder> {
    Ok(StoredFolder { number: r.get(0)?, name: r.get(1)?, created: Moment(r.get(2)?) })
}

/// The id of a paper in a column.
pub fn id_at(r: &Row<'_>, column: usize) -> rusqlite::Result<PaperId> {
    PaperId::new(r.get::<_, String>(column)?).map_err(|e| unreadable(column, e))
}

fn no_folder(number: i64) -> Error {
    Error::NotFound { what: "folder", id: format!("f{number}") }
}
