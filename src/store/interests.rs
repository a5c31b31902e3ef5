//! The interests of a user: as last found, and what the user made of them.

use rusqlite::params;

use super::users::touch;
use super::{Store, unreadable};
use crate::error::Result;
use crate::user::Edits;

/// An interest as last found.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredInterest {
    /// Its number, for ever: also when the interest is gone no other gets it.
    pub number: u32,
    /// What the user made of it.
    pub edits: Edits,
    /// The interest that it was merged into.
    pub merged: Option<u32>,
    /// The ids of its papers.
    pub papers: Vec<String>,
}

impl Store {
    /// The interests of a user in the order of their numbers.
    pub fn interests(&self, user: i64) -> Result<Vec<StoredInterest>> {
        self.read(|c| {
            c.prepare_cached("SELECT interest, edits, merged, papers FROM interests WHERE user = ?1 ORDER BY interest")?
                .query_map([user], |r| {
                    let (edits, papers): (String, String) = (r.get(1)?, r.get(3)?);
                    Ok(StoredInterest {
                        number: r.get(0)?,
                        edits: serde_json::from_str(&edits).map_err(|e| unreadable(1, e))?,
                        merged: r.get(2)?,
                        papers: serde_json::from_str(&papers).map_err(|e| unreadable(3, e))?,
                    })
                })?
                .collect()
        })
    }

    /// Puts these interests in the place of all that the user had. With `edited` what the user is shown may have changed.
    pub fn put_interests(&self, user: i64, interests: &[StoredInterest], edited: bool) -> Result<()> {
        self.write(|t| {
            t.prepare_cached("DELETE FROM interests WHERE user = ?1")?.execute([user])?;
            for i in interests {
                let edits = serde_json::to_string(&i.edits).unwrap_or_else(|_| "{}".into());
                let papers = serde_json::to_string(&i.papers).unwrap_or_else(|_| "[]".into());
                // A user who was deleted meanwhile stays deleted.
                t.prepare_cached(
                    "INSERT INTO interests (user, interest, edits, merged, papers)
                     SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)",
                )?
                .execute(params![user, i.number, edits, i.merged, papers])?;
            }
            if edited {
                touch(t, user)?;
            }
            Ok(())
        })
    }
}
