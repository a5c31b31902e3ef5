//! The interests of a user: as last found, and what the user made of them.

use std::collections::HashSet;

use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};

use super::users::{touch, user_at};
use super::{Store, User, unreadable};
use crate::error::Result;
use crate::user::Edits;

/// An interest as last found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredInterest {
    /// Its number, for ever: also when the interest is gone no other gets it.
    pub number: u32,
    /// What the user made of it.
    pub edits: Edits,
    /// The interest that it was merged into.
    pub merged: Option<u32>,
    /// The ids of its papers.
    pub papers: Vec<String>,
    /// The ids of the papers that were in it when the user last said something about it: what they said holds for these,
    /// whatever is found later. Empty where nothing was said.
    #[serde(default)]
    pub anchor: Vec<String>,
}

/// What was found of a user, at a version of them.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundInterests {
    /// The user's number.
    pub user: i64,
    /// The version of the user that it was found of.
    pub version: u64,
    /// Those that are not so in the store.
    pub interests: Vec<StoredInterest>,
}

/// Gives those that the user said something about, and that have no anchor (exports of version 0.1), their papers as one.
fn anchored(all: &[StoredInterest]) -> Vec<StoredInterest> {
    let into: HashSet<u32> = all.iter().filter_map(|i| i.merged).collect();
    let said = |i: &StoredInterest| i.edits != Edits::default() || i.merged.is_some() || into.contains(&i.number);
    let one = |i: &StoredInterest| {
        let anchor = if i.anchor.is_empty() && said(i) { i.papers.clone() } else { i.anchor.clone() };
        StoredInterest { anchor, ..i.clone() }
    };
    all.iter().map(one).collect()
}

impl Store {
    /// The interests of a user in the order of their numbers.
    pub fn interests(&self, user: i64) -> Result<Vec<StoredInterest>> {
        self.read(|c| interests(c, user))
    }

    /// Keeps which papers are in each of these interests. What the user made of one that is there stays untouched: whoever
    /// found them may have read it some time ago.
    pub fn put_found(&self, user: i64, found: &[StoredInterest]) -> Result<()> {
        self.write(|t| put_found(t, user, found))
    }

    /// The same for several users, whose interests count as found from then on. Of a user who has changed meanwhile nothing
    /// is kept.
    pub fn keep_found(&self, found: &[FoundInterests]) -> Result<()> {
        self.write(|t| {
            for f in found {
                let mut mark = t.prepare_cached("UPDATE users SET found = ?2 WHERE user = ?1 AND version = ?2")?;
                if mark.execute(params![f.user, f.version])? > 0 {
                    put_found(t, f.user, &f.interests)?;
                }
            }
            Ok(())
        })
    }

    /// Whether there are users who changed since their interests were last kept.
    pub fn any_interests_to_find(&self) -> Result<bool> {
        self.read(|c| {
            c.prepare_cached("SELECT EXISTS (SELECT 1 FROM users WHERE found < version)")?.query_row([], |r| r.get(0))
        })
    }

    /// Up to `n` of these users in the order in which they came, from the one behind `after` on.
    pub fn interests_to_find(&self, after: Option<i64>, n: usize) -> Result<Vec<User>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT user, name, settings, created, version FROM users
                 WHERE found < version AND user > ?1 ORDER BY user LIMIT ?2",
            )?
            .query_map(params![after.unwrap_or(-1), n], user_at)?
            .collect()
        })
    }

    /// Lets `edit` change what the user made of their interests, read and written in one transaction, so that nothing that
    /// another call changes meanwhile is lost. What it refuses changes nothing.
    ///
    /// # Errors
    /// Whatever `edit` returns.
    pub fn edit_interests(&self, user: i64, edit: impl FnOnce(&mut Vec<StoredInterest>) -> Result<()>) -> Result<()> {
        self.write_or(|t| {
            let mut all = interests(t, user)?;
            if let Err(e) = edit(&mut all) {
                return Ok(Err(e));
            }
            replace(t, user, &all)?;
            touch(t, user).map(Ok)
        })
    }

    /// Puts these interests in the place of all that the user had. What was said of one without an anchor, as exports of
    /// version 0.1 have it, holds for its papers.
    pub fn put_interests(&self, user: i64, interests: &[StoredInterest]) -> Result<()> {
        self.write(|t| {
            replace(t, user, &anchored(interests))?;
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
