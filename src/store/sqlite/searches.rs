//! What readers follow.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::users::{ensure, is_there, touch};
use super::{SqliteStore, unreadable};
use crate::error::{Error, Result};
use crate::store::{NewSearch, SearchSaved, Searches, StoredSearch};
use crate::user::{Follow, Moment, UserId};

const COLUMNS: &str = "search, kind, text, name, muted, created, seen, user";

impl Searches for SqliteStore {
    fn searches(&self, user: i64) -> Result<Vec<StoredSearch>> {
        self.read(|c| {
            let sql = format!("SELECT {COLUMNS} FROM searches WHERE user = ?1 ORDER BY search");
            c.prepare_cached(&sql)?.query_map([user], search_at)?.collect()
        })
    }

    fn search(&self, number: i64) -> Result<Option<(i64, StoredSearch)>> {
        self.read(|c| {
            let sql = format!("SELECT {COLUMNS} FROM searches WHERE search = ?1");
            c.prepare_cached(&sql)?.query_row([number], |r| Ok((r.get(7)?, search_at(r)?))).optional()
        })
    }

    fn save_search(&self, user: &UserId, search: NewSearch<'_>, most: usize) -> Result<SearchSaved> {
        self.write(|t| {
            let user = ensure(t, user)?;
            if let Some(there) = same(t, user, search.what)? {
                return Ok(SearchSaved::There(there));
            }
            if count(t, user)? >= most {
                return Ok(SearchSaved::TooMany);
            }
            let made = insert(t, user, search.what, (search.name, false), (search.created, search.seen))?;
            touch(t, user)?;
            Ok(SearchSaved::Made(made))
        })
    }

    fn change_search(
        &self,
        user: i64,
        number: i64,
        name: Option<Option<&str>>,
        muted: Option<bool>,
    ) -> Result<StoredSearch> {
        let changed = self.write(|t| {
            let sql = format!(
                "UPDATE searches SET name = iif(?3, ?4, name), muted = coalesce(?5, muted) WHERE user = ?1 AND search = ?2
                 RETURNING {COLUMNS}"
            );
            let values = params![user, number, name.is_some(), name.flatten(), muted];
            let changed = t.prepare_cached(&sql)?.query_row(values, search_at).optional()?;
            if changed.is_some() {
                touch(t, user)?;
            }
            Ok(changed)
        })?;
        changed.ok_or_else(|| no_search(number))
    }

    fn see_search(&self, user: i64, number: i64, change: u64) -> Result<()> {
        let see = "UPDATE searches SET seen = max(seen, ?3) WHERE user = ?1 AND search = ?2";
        match self.write(|t| t.prepare_cached(see)?.execute(params![user, number, change]))? {
            0 => Err(no_search(number)),
            _ => Ok(()),
        }
    }

    fn delete_search(&self, user: i64, number: i64) -> Result<()> {
        self.forget_soon(|t| {
            let delete = "DELETE FROM searches WHERE user = ?1 AND search = ?2";
            match t.prepare_cached(delete)?.execute(params![user, number])? {
                0 => Ok(Err(no_search(number))),
                _ => touch(t, user).map(Ok),
            }
        })
    }

    fn restore_searches(&self, user: i64, searches: &[StoredSearch], seen: u64, most: usize) -> Result<usize> {
        if searches.is_empty() {
            return Ok(0);
        }
        self.write(|t| {
            if !is_there(t, user)? {
                return Ok(0);
            }
            let (mut known, mut over) = (count(t, user)?, 0);
            for s in searches {
                if same(t, user, &s.what)?.is_some() {
                    continue;
                }
                if known >= most {
                    over += 1;
                    continue;
                }
                insert(t, user, &s.what, (s.name.as_deref(), s.muted), (s.created, seen))?;
                known += 1;
            }
            touch(t, user)?;
            Ok(over)
        })
    }
}

/// How many things a reader follows.
fn count(c: &Connection, user: i64) -> rusqlite::Result<usize> {
    c.prepare_cached("SELECT count(*) FROM searches WHERE user = ?1")?.query_row([user], |r| r.get(0))
}

/// The saved search of a reader that follows the same.
fn same(c: &Connection, user: i64, what: &Follow) -> rusqlite::Result<Option<StoredSearch>> {
    let sql = format!("SELECT {COLUMNS} FROM searches WHERE user = ?1 AND kind = ?2 AND text = ?3");
    c.prepare_cached(&sql)?.query_row(params![user, what.kind(), what.text()], search_at).optional()
}

fn insert(
    t: &Transaction<'_>,
    user: i64,
    what: &Follow,
    (name, muted): (Option<&str>, bool),
    (created, seen): (Moment, u64),
) -> rusqlite::Result<StoredSearch> {
    let sql = format!(
        "INSERT INTO searches (user, kind, text, name, muted, created, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         RETURNING {COLUMNS}"
    );
    t.prepare_cached(&sql)?.query_row(params![user, what.kind(), what.text(), name, muted, created.0, seen], search_at)
}

fn search_at(r: &Row<'_>) -> rusqlite::Result<StoredSearch> {
    Ok(StoredSearch {
        number: r.get(0)?,
        what: follow_at(r, 1)?,
        name: r.get(3)?,
        muted: r.get(4)?,
        created: Moment(r.get(5)?),
        seen: r.get(6)?,
    })
}

/// What is followed, its kind in a column and its text in the next.
pub fn follow_at(r: &Row<'_>, column: usize) -> rusqlite::Result<Follow> {
    let (kind, text): (String, String) = (r.get(column)?, r.get(column + 1)?);
    Follow::of(&kind, text).map_err(|e| unreadable(column, e))
}

fn no_search(number: i64) -> Error {
    Error::NotFound { what: "saved search", id: format!("s{number}") }
}
