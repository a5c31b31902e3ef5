//! Users.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::claims::rewrite_claims;
use super::{Store, unreadable, vectors};
use crate::error::{Error, Result};
use crate::user::{Moment, Settings, UserId};

/// A user as the store knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The number inside.
    pub number: i64,
    /// The name outside.
    pub name: UserId,
    /// What they set.
    pub settings: Settings,
    /// When they were first heard of.
    pub created: Moment,
    /// Raised by whatever changes what they are shown.
    pub version: u64,
}

impl Store {
    /// A user.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of this name.
    pub fn user(&self, name: &str) -> Result<User> {
        self.read(|c| {
            let mut find =
                c.prepare_cached("SELECT user, name, settings, created, version FROM users WHERE name = ?1")?;
            find.query_row([name], user_at).optional()
        })?
        .ok_or_else(|| no_user(name))
    }

    /// Makes a user, or gives one that is there new settings.
    pub fn put_user(&self, name: &UserId, settings: &Settings) -> Result<User> {
        self.write(|t| {
            t.prepare_cached(
                "INSERT INTO users (name, settings, created, version) VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT (name) DO UPDATE SET settings = ?2, version = version + (settings <> ?2)
                 RETURNING user, name, settings, created, version",
            )?
            .query_row(params![name.as_str(), settings_text(settings), Moment::now().0], user_at)
        })
    }

    /// Makes a user as they were exported, or gives one that is there the settings of the export. The earlier of the two
    /// days on which they came counts; a secret that was given out here stays good.
    pub fn restore_user(&self, name: &UserId, settings: &Settings, created: Moment, token: Option<&str>) -> Result<()> {
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

    /// Forgets everything about a user.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of this name.
    pub fn delete_user(&self, name: &str) -> Result<i64> {
        let gone = self.write_or(|t| {
            let Some(number) =
                t.query_row("SELECT user FROM users WHERE name = ?1", [name], |r| r.get::<_, i64>(0)).optional()?
            else {
                return Ok(Err(no_user(name)));
            };
            let imports: i64 = t.query_row("SELECT imports FROM users WHERE user = ?1", [number], |r| r.get(0))?;
            let texts: Vec<[u8; 16]> = t
                .prepare_cached("SELECT text_hash FROM outside WHERE user = ?1")?
                .query_map([number], |r| r.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            t.execute("DELETE FROM users WHERE user = ?1", [number])?;
            if imports > 0 {
                rewrite_claims(t)?;
            }
            for text in &texts {
                vectors::drop_unused(t, text)?;
            }
            t.execute("UPDATE counter SET events = events + 1", [])?;
            Ok(Ok(number))
        })?;
        // What is deleted is overwritten in the database, and may still stand in its log.
        self.empty_log();
        Ok(gone)
    }

    /// How many users there are.
    pub fn count_users(&self) -> Result<usize> {
        self.read(|c| c.query_row("SELECT count(*) FROM users", [], |r| r.get(0)))
    }

    /// The names of all users by their numbers.
    pub fn user_names(&self) -> Result<HashMap<i64, String>> {
        self.read(|c| {
            c.prepare_cached("SELECT user, name FROM users")?.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
        })
    }

    /// Up to `n` users in the order in which they came, from the one behind `after` on.
    pub fn users_after(&self, after: Option<i64>, n: usize) -> Result<Vec<User>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT user, name, settings, created, version FROM users WHERE user > ?1 ORDER BY user LIMIT ?2",
            )?
            .query_map(params![after.unwrap_or(-1), n], user_at)?
            .collect()
        })
    }

    /// The secret that opens a user's feed to a news reader: the one there is, else `fresh`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub fn token(&self, name: &str, fresh: &str) -> Result<String> {
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

    /// The secret of a user's feed, where one was ever given out.
    pub fn known_token(&self, name: &str) -> Result<Option<String>> {
        self.read(|c| {
            c.prepare_cached("SELECT token FROM users WHERE name = ?1")?.query_row([name], |r| r.get(0)).optional()
        })
        .map(Option::flatten)
    }

    /// Takes the secret of a user's feed back, where one was given out.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub fn drop_token(&self, name: &str) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use crate::paper::Paper;
    use crate::store::{StoredInterest, fixture};
    use crate::user::{Edits, Event, EventKind, Moment, UserId};

    #[test]
    fn of_a_deleted_user_nothing_is_left_in_the_file() {
        let (folder, store) = fixture::store();
        let fill = |name: &str, secret: &str| {
            let name = UserId::new(name).expect("a name");
            let paper = |k: usize| {
                let value = serde_json::json!({
                    "id": format!("{secret}-{k}"), "title": format!("{secret} {k}"), "abstract": "x".repeat(k * 40),
                });
                Paper::from_json(value).expect("a paper")
            };
            let papers: Vec<Paper> = (0..200).map(paper).collect();
            let kept: Vec<(&Paper, &[f32])> = papers.iter().map(|p| (p, &[1.0][..])).collect();
            store.put_outside(&name, &kept, fixture::MODEL).expect("written");
            let event =
                |p: &Paper| Event { paper: p.id.clone(), kind: EventKind::Like, at: Moment::now(), weight: 1.0 };
            store.add_events(&name, &papers.iter().map(event).collect::<Vec<_>>()).expect("written");
            let number = store.user(name.as_str()).expect("there").number;
            for round in 0..5 {
                let interest = |number| StoredInterest {
                    number,
                    edits: Edits { name: Some(format!("{secret} {round}")), ..Edits::default() },
                    merged: None,
                    papers: papers.iter().take(100).map(|p| p.id.to_string()).collect(),
                    anchor: vec![format!("{secret}-1")],
                };
                let all: Vec<StoredInterest> = (1..10 - round).map(interest).collect();
                store.put_interests(number, &all).expect("written");
            }
            let about = format!("{{\"name\":\"{secret}\"}}");
            let (user, import) = store.begin_import(&name, 1, &about).expect("begun");
            // In no order of the table, so that its pages are split in their middle.
            let seen: Vec<Event> =
                (0..200).map(|k| Event { kind: EventKind::View, ..event(&papers[k * 77 % 200]) }).collect();
            let window = crate::store::ImportWindow {
                papers: kept.clone(),
                fingerprint: fixture::MODEL,
                events: &seen,
                done: 1,
            };
            store.add_to_import(user, import, &window, &|_| about.clone()).expect("written");
            let answer = format!("[\"{}\"]", secret.repeat(5000));
            store.end_import(user, import, crate::store::ImportStatus::Done, &about, Some(&answer)).expect("written");
        };
        fill("stays", "KEPT");
        fill("zebra-user", "QUIXOTIC");
        fill("other", "OTHER");
        store.delete_user("zebra-user").expect("deleted");
        for file in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
            let bytes = std::fs::read(file.path()).expect("readable");
            for word in ["QUIXOTIC", "zebra-user"] {
                let found = bytes.windows(word.len()).filter(|w| *w == word.as_bytes()).count();
                assert_eq!(found, 0, "{word} is still in {:?}", file.file_name());
            }
        }
        assert_eq!(store.history(store.user("stays").expect("there").number).expect("read").len(), 400);
    }
}
