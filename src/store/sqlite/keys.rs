//! Keys.

use rusqlite::{Row, Transaction, params};

use super::{SqliteStore, unreadable, users};
use crate::access::{Scope, Scopes};
use crate::error::{Error, Result};
use crate::store::{Keys, StoredKey};
use crate::user::{Moment, UserId};

impl Keys for SqliteStore {
    fn add_key(&self, key: &StoredKey) -> Result<()> {
        self.write(|t| {
            let user = key.user.as_ref().map(|name| users::ensure(t, name)).transpose()?;
            t.prepare_cached(
                "INSERT INTO keys (id, name, scopes, user, hash, created, expires, used) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                key.id,
                key.name,
                scopes_text(key.scopes),
                user,
                key.hash,
                key.created.0,
                key.expires.map(|at| at.0),
                key.last_used.map(|at| at.0),
            ])
            .map(drop)
        })
    }

    fn keys(&self) -> Result<Vec<StoredKey>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT id, keys.name, scopes, users.name, hash, keys.created, expires, used
                 FROM keys LEFT JOIN users USING (user) ORDER BY key",
            )?
            .query_map([], key_at)?
            .collect()
        })
    }

    fn delete_key(&self, id: &str) -> Result<()> {
        let delete = |t: &Transaction<'_>| {
            t.execute("DELETE FROM sessions WHERE key = ?1", [id])?;
            t.execute("DELETE FROM keys WHERE id = ?1", [id])
        };
        match self.write(delete)? {
            0 => Err(Error::NotFound { what: "key", id: crate::paper::head(id, 80) }),
            _ => Ok(()),
        }
    }

    fn signing_key(&self) -> Result<[u8; 32]> {
        self.read(|c| c.prepare_cached("SELECT signing FROM counter")?.query_row([], |r| r.get(0)))
    }

    fn note_key_uses(&self, uses: &[(String, Moment)]) -> Result<()> {
        self.write(|t| {
            let mut note = t.prepare_cached("UPDATE keys SET used = max(coalesce(used, ?2), ?2) WHERE id = ?1")?;
            uses.iter().try_for_each(|(id, at)| note.execute(params![id, at.0]).map(drop))
        })
    }
}

fn scopes_text(scopes: Scopes) -> String {
    scopes.given().map(Scope::name).collect::<Vec<_>>().join(" ")
}

fn key_at(r: &Row<'_>) -> rusqlite::Result<StoredKey> {
    let scopes: String = r.get(2)?;
    let scopes: Vec<Scope> =
        scopes.split_whitespace().map(str::parse).collect::<Result<_>>().map_err(|e| unreadable(2, e))?;
    let user: Option<String> = r.get(3)?;
    let moment = |column| Ok::<_, rusqlite::Error>(r.get::<_, Option<i64>>(column)?.map(Moment));
    Ok(StoredKey {
        id: r.get(0)?,
        name: r.get(1)?,
        scopes: Scopes::of(scopes),
        user: user.map(UserId::new).transpose().map_err(|e| unreadable(3, e))?,
        hash: r.get(4)?,
        created: Moment(r.get(5)?),
        expires: moment(6)?,
        last_used: moment(7)?,
    })
}
