//! Sessions and one-time links.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::{SqliteStore, unreadable, users};
use crate::error::Result;
use crate::store::{Ending, Redeemed, SecretHash, Sessions, SignedInWith, StoredLink, StoredSession};
use crate::user::{Moment, UserId};

impl Sessions for SqliteStore {
    fn add_session(&self, session: &StoredSession) -> Result<()> {
        self.write(|t| insert(t, session))
    }

    fn sessions(&self) -> Result<Vec<StoredSession>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT id, hash, key, name, sessions.created, seen, until, browser
                 FROM sessions LEFT JOIN users USING (user) ORDER BY id",
            )?
            .query_map([], session_at)?
            .collect()
        })
    }

    fn see_session(&self, id: &str, seen: Moment, until: Moment) -> Result<bool> {
        self.write(|t| {
            let mut see = t.prepare_cached("UPDATE sessions SET seen = ?2, until = ?3 WHERE id = ?1")?;
            Ok(see.execute(params![id, seen.0, until.0])? > 0)
        })
    }

    fn end_sessions(&self, which: Ending<'_>) -> Result<usize> {
        self.write(|t| match which {
            Ending::One(id) => t.execute("DELETE FROM sessions WHERE id = ?1", [id]),
            Ending::OfReader(reader) => {
                t.execute("DELETE FROM sessions WHERE user = (SELECT user FROM users WHERE name = ?1)", [reader])
            }
            Ending::OfKey(key) => t.execute("DELETE FROM sessions WHERE key = ?1", [key]),
            Ending::Lapsed(now) => t.execute("DELETE FROM sessions WHERE until <= ?1", [now.0]),
        })
    }

    fn add_link(&self, link: &StoredLink, forget: Moment) -> Result<()> {
        self.write(|t| {
            t.execute("DELETE FROM sign_in_links WHERE until <= ?1", [forget.0])?;
            let user = users::ensure(t, &link.reader)?;
            let used = link.used.map(|at| at.0);
            t.prepare_cached(
                "INSERT INTO sign_in_links (hash, user, created, until, used) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![link.hash, user, link.created.0, link.until.0, used])
            .map(drop)
        })
    }

    fn link(&self, hash: &SecretHash) -> Result<Option<StoredLink>> {
        self.read(|c| link(c, hash))
    }

    fn redeem_link(
        &self,
        hash: &SecretHash,
        now: Moment,
        session: &dyn Fn(&UserId) -> StoredSession,
    ) -> Result<Redeemed> {
        self.write(|t| {
            let Some(link) = link(t, hash)? else { return Ok(Redeemed::Unknown) };
            if link.used.is_some() {
                return Ok(Redeemed::Used);
            }
            if link.until <= now {
                return Ok(Redeemed::Expired);
            }
            t.execute("UPDATE sign_in_links SET used = ?2 WHERE hash = ?1", params![hash, now.0])?;
            insert(t, &session(&link.reader))?;
            Ok(Redeemed::Yes(link.reader))
        })
    }

    fn forget_links(&self, reader: &str) -> Result<usize> {
        self.write(|t| {
            t.execute("DELETE FROM sign_in_links WHERE user = (SELECT user FROM users WHERE name = ?1)", [reader])
        })
    }
}

fn insert(t: &Transaction<'_>, session: &StoredSession) -> rusqlite::Result<()> {
    let key = match &session.with {
        SignedInWith::Link => None,
        SignedInWith::Key(id) => Some(id),
    };
    let user = session.reader.as_ref().map(|name| users::ensure(t, name)).transpose()?;
    t.prepare_cached(
        "INSERT INTO sessions (id, hash, key, user, created, seen, until, browser)
         VALUES (:id, :hash, :key, :user, :created, :seen, :until, :browser)",
    )?
    .execute(named_params! {
        ":id": session.id, ":hash": session.hash, ":key": key, ":user": user,
        ":created": session.created.0, ":seen": session.seen.0, ":until": session.until.0, ":browser": session.browser,
    })
    .map(drop)
}

fn link(c: &Connection, hash: &SecretHash) -> rusqlite::Result<Option<StoredLink>> {
    c.prepare_cached(
        "SELECT name, l.created, until, used FROM sign_in_links AS l JOIN users USING (user) WHERE hash = ?1",
    )?
    .query_row([hash], |r| {
        let used: Option<i64> = r.get(3)?;
        Ok(StoredLink {
            hash: *hash,
            reader: reader_at(r, 0)?,
            created: Moment(r.get(1)?),
            until: Moment(r.get(2)?),
            used: used.map(Moment),
        })
    })
    .optional()
}

fn session_at(r: &Row<'_>) -> rusqlite::Result<StoredSession> {
    let key: Option<String> = r.get(2)?;
    let reader: Option<String> = r.get(3)?;
    Ok(StoredSession {
        id: r.get(0)?,
        hash: r.get(1)?,
        with: key.map_or(SignedInWith::Link, SignedInWith::Key),
        reader: reader.map(|_| reader_at(r, 3)).transpose()?,
        created: Moment(r.get(4)?),
        seen: Moment(r.get(5)?),
        until: Moment(r.get(6)?),
        browser: r.get(7)?,
    })
}

fn reader_at(r: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    let name: String = r.get(column)?;
    UserId::new(name).map_err(|e| unreadable(column, e))
}
