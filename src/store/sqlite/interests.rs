//! The interests of a user: as last found, and what the user made of them.

use rusqlite::{Connection, Transaction, params};

use super::users::{touch, user_at};
use super::{SqliteStore, limit, unreadable};
use crate::error::Result;
use crate::store::{FoundInterests, Interests, StoredInterest, User};

impl Interests for SqliteStore {
    fn interests(&self, user: i64) -> Result<Vec<StoredInterest>> {
        self.read(|c| interests(c, user))
    }

    fn put_found_interests(&self, user: i64, found: &[StoredInterest]) -> Result<()> {
        self.write(|t| put_found(t, user, found))
    }

    fn keep_found_interests(&self, found: &[FoundInterests]) -> Result<Vec<bool>> {
        self.write(|t| {
            let mut kept = Vec::with_capacity(found.len());
            for f in found {
                let mut mark = t.prepare_cached("UPDATE users SET found = ?2 WHERE user = ?1 AND version = ?2")?;
                kept.push(mark.execute(params![f.user, f.version])? > 0);
                if kept.last() == Some(&true) {
                    put_found(t, f.user, &f.interests)?;
                }
            }
            Ok(kept)
        })
    }

    fn any_interests_to_find(&self) -> Result<bool> {
        self.read(|c| {
            c.prepare_cached("SELECT EXISTS (SELECT 1 FROM users WHERE found < version)")?.query_row([], |r| r.get(0))
        })
    }

    fn interests_to_find(&self, after: Option<i64>, n: usize) -> Result<Vec<User>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT user, name, settings, created, version FROM users
                 WHERE found < version AND user > ?1 ORDER BY user LIMIT ?2",
            )?
            .query_map(params![after.unwrap_or(-1), limit(n)], user_at)?
            .collect()
        })
    }

    fn edit_interests(&self, user: i64, edit: &mut dyn FnMut(&mut Vec<StoredInterest>) -> Result<()>) -> Result<()> {
        self.write_or(|t| {
            let mut all = interests(t, user)?;
            if let Err(e) = edit(&mut all) {
                return Ok(Err(e));
            }
            replace(t, user, &all)?;
            touch(t, user).map(Ok)
        })
    }

    fn replace_interests(&self, user: i64, interests: &[StoredInterest]) -> Result<()> {
        self.write(|t| {
            replace(t, user, interests)?;
            touch(t, user)
        })
    }
}

fn put_found(t: &Transaction<'_>, user: i64, found: &[StoredInterest]) -> rusqlite::Result<()> {
    for i in found {
        // A user who was deleted meanwhile stays deleted.
        t.prepare_cached(
            "INSERT INTO interests (user, interest, edits, merged, papers, anchor)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)
             ON CONFLICT (user, interest) DO UPDATE SET papers = excluded.papers",
        )?
        .execute(params![
            user,
            i.number,
            edits_text(i),
            i.merged,
            ids_text(&i.papers),
            ids_text(&i.anchor)
        ])?;
    }
    Ok(())
}

fn interests(c: &Connection, user: i64) -> rusqlite::Result<Vec<StoredInterest>> {
    c.prepare_cached("SELECT interest, edits, merged, papers, anchor FROM interests WHERE user = ?1 ORDER BY interest")?
        .query_map([user], |r| {
            let (edits, papers, anchor): (String, String, String) = (r.get(1)?, r.get(3)?, r.get(4)?);
            Ok(StoredInterest {
                number: r.get(0)?,
                edits: serde_json::from_str(&edits).map_err(|e| unreadable(1, e))?,
                merged: r.get(2)?,
                papers: serde_json::from_str(&papers).map_err(|e| unreadable(3, e))?,
                anchor: serde_json::from_str(&anchor).map_err(|e| unreadable(4, e))?,
            })
        })?
        .collect()
}

fn replace(t: &Transaction<'_>, user: i64, interests: &[StoredInterest]) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM interests WHERE user = ?1")?.execute([user])?;
    for i in interests {
        t.prepare_cached(
            "INSERT INTO interests (user, interest, edits, merged, papers, anchor)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)",
        )?
        .execute(params![
            user,
            i.number,
            edits_text(i),
            i.merged,
            ids_text(&i.papers),
            ids_text(&i.anchor)
        ])?;
    }
    Ok(())
}

// Texts, numbers and lists of texts: writing them cannot fail.
fn edits_text(interest: &StoredInterest) -> String {
    serde_json::to_string(&interest.edits).unwrap_or_else(|_| "{}".into())
}

fn ids_text(ids: &[String]) -> String {
    serde_json::to_string(ids).unwrap_or_else(|_| "[]".into())
}
