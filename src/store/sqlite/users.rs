//! Users.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::{SqliteStore, limit, subscriptions, unreadable, vectors};
use crate::error::{Error, Result};
use crate::store::{User, Users};
use crate::user::{Moment, Settings, UserId};

impl Users for SqliteStore {
    fn user(&self, name: &str) -> Result<User> {
        self.read(|c| {
            let mut find =
                c.prepare_cached("SELECT user, name, settings, created, version FROM users WHERE name = ?1")?;
            find.query_row([name], user_at).optional()
        })?
        .ok_or_else(|| no_user(name))
    }

    fn put_user(&self, name: &UserId, settings: &Settings) -> Result<User> {
        self.write(|t| {
            t.prepare_cached(
                "INSERT INTO users (name, settings, created, version) VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT (name) DO UPDATE SET settings = ?2, version = version + (settings <> ?2)
                 RETURNING user, name, settings, created, version",
            )?
            .query_row(params![name.as_str(), settings_text(settings), Moment::now().0], user_at)
        })
    }

    fn restore_user(&self, name: &UserId, settings: &Settings, created: Moment, token: Option<&str>) -> Result<()> {
        self.write(|t| {
            t.prepare_cached(
                "INSERT INTO users (name, settings, token, created, version) VALUES (?1, ?2, ?3, ?4, 1)
                 ON CONFLICT (name) DO UPDATE SET settings = ?2, token = coalesce(token, ?3),
                     created = min(created, ?4), version = version + 1",
            )?
            .execute(params![name.as_str(), settings_text(settings), token, created.0])
            .map(drop)
        })
    }

    fn delete_user(&self, name: &str) -> Result<i64> {
        self.forget_soon(|t| {
            let Some(number) =
                t.query_row("SELECT user FROM users WHERE name = ?1", [name], |r| r.get::<_, i64>(0)).optional()?
            else {
                return Ok(Err(no_user(name)));
            };
            let texts: Vec<[u8; 16]> = t
                .prepare_cached("SELECT text_hash FROM outside WHERE user = ?1")?
                .query_map([number], |r| r.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            t.execute("DELETE FROM users WHERE user = ?1", [number])?;
            subscriptions::forget_strangers(t)?;
            for text in &texts {
                vectors::drop_unused(t, text)?;
            }
            Ok(Ok(number))
        })
    }

    fn count_users(&self) -> Result<usize> {
        self.read(|c| c.query_row("SELECT count(*) FROM users", [], |r| r.get(0)))
    }

    fn user_names(&self) -> Result<HashMap<i64, String>> {
        self.read(|c| {
            c.prepare_cached("SELECT user, name FROM users")?.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
        })
    }

    fn users_after(&self, after: Option<i64>, n: usize) -> Result<Vec<User>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT user, name, settings, created, version FROM users WHERE user > ?1 ORDER BY user LIMIT ?2",
            )?
            .query_map(params![after.unwrap_or(-1), limit(n)], user_at)?
            .collect()
        })
    }

    fn feed_token(&self, name: &str, fresh: &str) -> Result<String> {
        self.write(|t| {
            t.query_row(
                "UPDATE users SET token = coalesce(token, ?2) WHERE name = ?1 RETURNING token",
                params![name, fresh],
                |r| r.get(0),
            )
            .optional()
        })?
        .ok_or_else(|| no_user(name))
    }

    fn known_feed_token(&self, name: &str) -> Result<Option<String>> {
        self.read(|c| {
            c.prepare_cached("SELECT token FROM users WHERE name = ?1")?.query_row([name], |r| r.get(0)).optional()
        })
        .map(Option::flatten)
    }

    fn revoke_feed_token(&self, name: &str) -> Result<()> {
        match self.write(|t| t.execute("UPDATE users SET token = NULL WHERE name = ?1", [name]))? {
            0 => Err(no_user(name)),
            _ => Ok(()),
        }
    }
}

/// The user's number; made if new.
pub fn ensure(t: &Transaction<'_>, name: &UserId) -> rusqlite::Result<i64> {
    match find(t, name)? {
        Some(user) => Ok(user),
        None => t
            .prepare_cached(
                "INSERT INTO users (name, settings, created, version) VALUES (?1, '{}', ?2, 1) RETURNING user",
            )?
            .query_row(params![name.as_str(), Moment::now().0], |r| r.get(0)),
    }
}

/// The number of a user who is there.
pub fn find(t: &Transaction<'_>, name: &UserId) -> rusqlite::Result<Option<i64>> {
    t.prepare_cached("SELECT user FROM users WHERE name = ?1")?.query_row([name.as_str()], |r| r.get(0)).optional()
}

/// Whether there is a user of this number.
pub fn is_there(t: &Transaction<'_>, user: i64) -> rusqlite::Result<bool> {
    t.prepare_cached("SELECT EXISTS (SELECT 1 FROM users WHERE user = ?1)")?.query_row([user], |r| r.get(0))
}

/// Notes that what the user is shown may have changed.
pub fn touch(t: &Transaction<'_>, user: i64) -> rusqlite::Result<()> {
    t.prepare_cached("UPDATE users SET version = version + 1 WHERE user = ?1")?.execute([user])?;
    Ok(())
}

/// The error for a user that is not there.
fn no_user(name: &str) -> Error {
    Error::NotFound { what: "user", id: crate::paper::head(name, 80) }
}

fn settings_text(settings: &Settings) -> String {
    // Numbers under text keys: writing it cannot fail.
    serde_json::to_string(settings).unwrap_or_else(|_| "{}".into())
}

pub fn user_at(r: &rusqlite::Row<'_>) -> rusqlite::Result<User> {
    let name: String = r.get(1)?;
    let settings: String = r.get(2)?;
    Ok(User {
        number: r.get(0)?,
        name: UserId::new(name).map_err(|e| unreadable(1, e))?,
        settings: serde_json::from_str(&settings).map_err(|e| unreadable(2, e))?,
        created: Moment(r.get(3)?),
        version: r.get(4)?,
    })
}
