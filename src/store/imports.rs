//! Reading lists that users brought: what each is, how far it has come, and what it added, so that it can be taken back.
//!
//! An import holds a claim on every event and every paper from outside the corpus that it named and that no one but imports
//! has added. What the last import with a claim on it is taken back from goes; what a user did by hand stays.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::claims::{claim_event, claim_paper};
use super::events::insert;
use super::outside::{drop_outside, put_outside};
use super::users::{ensure, touch};
use super::{Added, Store, unreadable};
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId};
use crate::user::{Event, Moment, UserId};

/// How an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportStatus {
    /// It is being taken in.
    Running,
    /// All of it is in.
    Done,
    /// It broke off with an error; what came before is in.
    Failed,
    /// The program ended meanwhile; what came before is in.
    Interrupted,
}

impl ImportStatus {
    const ALL: [ImportStatus; 4] =
        [ImportStatus::Running, ImportStatus::Done, ImportStatus::Failed, ImportStatus::Interrupted];
}

/// An import as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredImport {
    /// Its number among those of the user, from 1; used once.
    pub number: i64,
    /// When it was begun.
    pub begun: Moment,
    /// How it stands.
    pub status: ImportStatus,
    /// Entries that are dealt with.
    pub done: usize,
    /// Entries in all.
    pub total: usize,
    /// What it is and what came of it so far (JSON).
    pub about: String,
    /// What came of it entry by entry (JSON), where it is done and was asked for.
    pub answer: Option<String>,
}

/// An import with what it claims, on its way out of the store and into another.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportWithClaims {
    /// The import.
    pub import: StoredImport,
    /// Events that it claims, by paper, kind and time.
    pub events: Vec<Event>,
    /// Papers from outside the corpus that it claims.
    pub papers: Vec<PaperId>,
}

/// A piece of an import: written as a whole or not at all.
#[derive(Debug, Clone, Default)]
pub struct ImportWindow<'a> {
    /// Papers that are not in the corpus, with their vectors.
    pub papers: Vec<(&'a Paper, &'a [f32])>,
    /// The model of the vectors.
    pub fingerprint: &'a str,
    /// What the references of the piece count as. A paper that has an event of the kind gets no second one.
    pub events: &'a [Event],
    /// Entries that are dealt with after it.
    pub done: usize,
}

const COLUMNS: &str = "import, begun, status, done, total, about";

impl Store {
    /// Begins an import; the user is made if new. Gives the numbers of the user and of the import.
    pub fn begin_import(&self, name: &UserId, total: usize, about: &str) -> Result<(i64, i64)> {
        self.write(|t| {
            let user = ensure(t, name)?;
            let number = next_number(t, user)?;
            put(
                t,
                user,
                &StoredImport {
                    number,
                    begun: Moment::now(),
                    status: ImportStatus::Running,
                    done: 0,
                    total,
                    about: about.to_string(),
                    answer: None,
                },
            )?;
            Ok((user, number))
        })
    }

    /// Writes a piece of an import, and claims what it names; `about` says what the import has come to with what was added
    /// (JSON).
    ///
    /// # Errors
    /// [`Error::NotFound`] when the import was taken back meanwhile, or the user forgotten.
    pub fn add_to_import(
        &self,
        user: i64,
        number: i64,
        window: &ImportWindow<'_>,
        about: &dyn Fn(&Added) -> String,
    ) -> Result<Added> {
        self.write_or(|t| {
            let there = t
                .prepare_cached("UPDATE imports SET done = ?3 WHERE user = ?1 AND import = ?2")?
                .execute(params![user, number, window.done])?;
            if there == 0 {
                return Ok(Err(no_import(number)));
            }
            put_outside(t, user, &window.papers, window.fingerprint, Some(number))?;
            let mut known = done_with(t, user)?;
            let (mut added, today) = (Added::default(), Moment::now().day());
            for event in window.events {
                let there = !known.insert((event.paper.to_string(), event.kind as u8));
                if there {
                    added.unchanged += 1;
                    // What other imports added stays when they are taken back: this one names it as well.
                    t.prepare_cached(
                        "INSERT OR IGNORE INTO import_events (user, paper, kind, at, import)
                         SELECT user, paper, kind, at, ?4 FROM import_events WHERE user = ?1 AND paper = ?2 AND kind = ?3",
                    )?
                    .execute(params![user, event.paper.as_str(), event.kind as u8, number])?;
                } else {
                    added.accepted += insert(t, user, event, today)?;
                    claim_event(t, user, event, number)?;
                }
            }
            t.prepare_cached("UPDATE imports SET about = ?3 WHERE user = ?1 AND import = ?2")?
                .execute(params![user, number, about(&added)])?;
            if added.accepted > 0 || !window.papers.is_empty() {
                touch(t, user)?;
            }
            if added.accepted > 0 {
                t.prepare_cached("UPDATE counter SET events = events + 1")?.execute([])?;
            }
            Ok(Ok(added))
        })
    }

    /// Notes how an import ended.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was taken back meanwhile, or the user forgotten.
    pub fn end_import(
        &self,
        user: i64,
        number: i64,
        status: ImportStatus,
        about: &str,
        answer: Option<&str>,
    ) -> Result<()> {
        self.write_or(|t| {
            let there = t
                .prepare_cached(
                    "UPDATE imports SET status = ?3, about = ?4, answer = ?5 WHERE user = ?1 AND import = ?2",
                )?
                .execute(params![user, number, status as u8, about, answer])?;
            Ok(if there == 0 { Err(no_import(number)) } else { Ok(()) })
        })
    }

    /// The imports of a user without their answers, the newest first.
    pub fn imports(&self, user: i64) -> Result<Vec<StoredImport>> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {COLUMNS}, NULL FROM imports WHERE user = ?1 ORDER BY import DESC"))?
                .query_map([user], import_at)?
                .collect()
        })
    }

    /// An import.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the user has none of this number.
    pub fn import(&self, user: i64, number: i64) -> Result<StoredImport> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {COLUMNS}, answer FROM imports WHERE user = ?1 AND import = ?2"))?
                .query_row([user, number], import_at)
                .optional()
        })?
        .ok_or_else(|| no_import(number))
    }

    /// Takes an import back: the events and the papers from outside the corpus on which nothing else has a claim. One that
    /// is running ends. Gives how many events and papers are gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the user has none of this number.
    pub fn undo_import(&self, user: i64, number: i64) -> Result<(usize, usize)> {
        let gone = self.write_or(|t| {
            // What this import alone claims: looked up before its claims go with it.
            let events: Vec<(String, u8, i64)> = t
                .prepare_cached(
                    "SELECT paper, kind, at FROM import_events own WHERE user = ?1 AND import = ?2 AND NOT EXISTS
                       (SELECT 1 FROM import_events other WHERE other.user = own.user AND other.paper = own.paper
                        AND other.kind = own.kind AND other.at = own.at AND other.import <> ?2)",
                )?
                .query_map([user, number], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let papers: Vec<String> = t
                .prepare_cached(
                    "SELECT id FROM import_papers own WHERE user = ?1 AND import = ?2 AND NOT EXISTS
                       (SELECT 1 FROM import_papers other WHERE other.user = own.user AND other.id = own.id
                        AND other.import <> ?2)",
                )?
                .query_map([user, number], |r| r.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            if t.execute("DELETE FROM imports WHERE user = ?1 AND import = ?2", [user, number])? == 0 {
                return Ok(Err(no_import(number)));
            }
            let (mut gone_events, mut gone_papers) = (0, 0);
            for (paper, kind, at) in events {
                gone_events += t
                    .prepare_cached("DELETE FROM events WHERE user = ?1 AND at = ?2 AND paper = ?3 AND kind = ?4")?
                    .execute(params![user, at, paper, kind])?;
            }
            let left: HashSet<String> = done_with(t, user)?.into_iter().map(|(paper, _)| paper).collect();
            for id in papers {
                // Something that was done with it by hand would point at nothing.
                let wanted = left.contains(&id);
                if !wanted {
                    gone_papers += usize::from(drop_outside(t, user, &id)?);
                }
            }
            touch(t, user)?;
            t.execute("UPDATE counter SET events = events + 1", [])?;
            Ok(Ok((gone_events, gone_papers)))
        })?;
        self.empty_log();
        Ok(gone)
    }

    /// The imports of a user with what each claims, the oldest first.
    pub fn imports_with_claims(&self, user: i64) -> Result<Vec<ImportWithClaims>> {
        self.read(|c| {
            let imports: Vec<StoredImport> = c
                .prepare_cached(&format!("SELECT {COLUMNS}, answer FROM imports WHERE user = ?1 ORDER BY import"))?
                .query_map([user], import_at)?
                .collect::<rusqlite::Result<_>>()?;
            let mut events = c.prepare_cached(
                "SELECT at, paper, kind, 1.0 FROM import_events WHERE user = ?1 AND import = ?2 ORDER BY at, paper, kind",
            )?;
            let mut papers =
                c.prepare_cached("SELECT id FROM import_papers WHERE user = ?1 AND import = ?2 ORDER BY id")?;
            let id = |r: &rusqlite::Row<'_>| PaperId::new(r.get::<_, String>(0)?).map_err(|e| unreadable(0, e));
            imports
                .into_iter()
                .map(|import| {
                    let of = [user, import.number];
                    let events = events.query_map(of, |r| super::events::event_at(r, 0))?.collect::<Result<_, _>>()?;
                    let papers = papers.query_map(of, id)?.collect::<Result<_, _>>()?;
                    Ok(ImportWithClaims { import, events, papers })
                })
                .collect()
        })
    }

    /// Takes imports in as they were exported, behind the events and papers that they claim. One that is there already (it
    /// was begun at the same moment) is put in its place; another that has its number keeps it.
    pub fn restore_imports(&self, name: &UserId, imports: &[ImportWithClaims]) -> Result<()> {
        self.write(|t| {
            let user = ensure(t, name)?;
            for ImportWithClaims { import, events, papers } in imports {
                let same = t
                    .query_row(
                        "SELECT import FROM imports WHERE user = ?1 AND begun = ?2",
                        params![user, import.begun.0],
                        |r| r.get::<_, i64>(0),
                    )
                    .optional()?;
                let taken: bool = t.query_row(
                    "SELECT EXISTS (SELECT 1 FROM imports WHERE user = ?1 AND import = ?2)",
                    [user, import.number],
                    |r| r.get(0),
                )?;
                let number = match same {
                    Some(number) => number,
                    None if taken => next_number(t, user)?,
                    None => import.number,
                };
                // Nobody goes on with it here.
                let status = match import.status {
                    ImportStatus::Running => ImportStatus::Interrupted,
                    status => status,
                };
                put(t, user, &StoredImport { number, status, ..import.clone() })?;
                t.execute("UPDATE users SET imports = max(imports, ?2) WHERE user = ?1", [user, number])?;
                for event in events {
                    let there: bool = t
                        .prepare_cached(
                            "SELECT EXISTS (SELECT 1 FROM events WHERE user = ?1 AND at = ?2 AND paper = ?3 AND kind = ?4)",
                        )?
                        .query_row(params![user, event.at.0, event.paper.as_str(), event.kind as u8], |r| r.get(0))?;
                    if there {
                        claim_event(t, user, event, number)?;
                    }
                }
                for id in papers {
                    let there: bool = t
                        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outside WHERE user = ?1 AND id = ?2)")?
                        .query_row(params![user, id.as_str()], |r| r.get(0))?;
                    if there {
                        claim_paper(t, user, id.as_str(), number)?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// The papers that a user has done something with, and what.
fn done_with(t: &Transaction<'_>, user: i64) -> rusqlite::Result<HashSet<(String, u8)>> {
    t.prepare_cached("SELECT paper, kind FROM events WHERE user = ?1")?
        .query_map([user], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect()
}

/// What was running when the program ended was interrupted.
pub fn settle(c: &Connection) -> rusqlite::Result<()> {
    let (running, interrupted) = (ImportStatus::Running as u8, ImportStatus::Interrupted as u8);
    // A folder that cannot be written to is to be opened all the same.
    let any = c.query_row("SELECT EXISTS (SELECT 1 FROM imports WHERE status = ?1)", [running], |r| r.get(0))?;
    if any {
        c.execute("UPDATE imports SET status = ?2 WHERE status = ?1", [running, interrupted])?;
    }
    Ok(())
}

fn next_number(t: &Transaction<'_>, user: i64) -> rusqlite::Result<i64> {
    t.query_row("UPDATE users SET imports = imports + 1 WHERE user = ?1 RETURNING imports", [user], |r| r.get(0))
}

fn put(t: &Transaction<'_>, user: i64, import: &StoredImport) -> rusqlite::Result<()> {
    let StoredImport { number, begun, status, done, total, about, answer } = import;
    t.prepare_cached(
        "INSERT INTO imports (user, import, begun, status, done, total, about, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (user, import) DO UPDATE SET status = ?4, done = ?5, total = ?6, about = ?7, answer = ?8",
    )?
    .execute(params![user, number, begun.0, *status as u8, done, total, about, answer])?;
    Ok(())
}

fn no_import(number: i64) -> Error {
    Error::NotFound { what: "import", id: number.to_string() }
}

fn import_at(r: &rusqlite::Row<'_>) -> rusqlite::Result<StoredImport> {
    let status: usize = r.get(2)?;
    let unknown = || unreadable(2, Error::Internal(format!("{status} is no status of an import")));
    Ok(StoredImport {
        number: r.get(0)?,
        begun: Moment(r.get(1)?),
        status: ImportStatus::ALL.get(status).copied().ok_or_else(unknown)?,
        done: r.get(3)?,
        total: r.get(4)?,
        about: r.get(5)?,
        answer: r.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::store::fixture;
    use crate::user::EventKind;

    fn event(paper: u8, at: i64) -> Event {
        let paper = PaperId::new(format!("p{paper}")).expect("an id");
        Event { paper, kind: EventKind::Save, at: Moment(at), weight: 1.0 }
    }

    fn paper(k: u8) -> Paper {
        Paper::from_json(serde_json::json!({ "id": format!("p{k}"), "title": format!("Title {k}") })).expect("a paper")
    }

    #[derive(Debug, Clone)]
    enum Deed {
        Import(BTreeSet<u8>),
        ByHand(u8),
        Undo(usize),
        Remove(u8),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            prop::collection::btree_set(0u8..8, 1..5).prop_map(Deed::Import),
            (0u8..8).prop_map(Deed::ByHand),
            (0usize..6).prop_map(Deed::Undo),
            (0u8..8).prop_map(Deed::Remove),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whatever is imported, done by hand, taken back and removed, and in which order: what is there is what somebody
        /// added who has not taken it back.
        #[test]
        fn an_import_takes_back_what_it_alone_has_added(deeds in prop::collection::vec(deed(), 1..14)) {
            let (_folder, store) = fixture::store();
            let name = UserId::new("ada").expect("a name");
            let user = store.put_user(&name, &crate::user::Settings::default()).expect("made").number;
            // By paper: the imports that named it, or nothing of them where it was (also) done by hand.
            let mut there: BTreeMap<u8, Option<BTreeSet<i64>>> = BTreeMap::new();
            let mut imports: Vec<i64> = Vec::new();
            for deed in deeds {
                match deed {
                    Deed::Import(papers) => {
                        let (_, number) = store.begin_import(&name, papers.len(), "{}").expect("begun");
                        prop_assert!(!imports.contains(&number));
                        let all: Vec<Paper> = papers.iter().map(|k| paper(*k)).collect();
                        // All at one moment, as imports are; by hand the same is done again.
                        let events: Vec<Event> = papers.iter().map(|k| event(*k, 7)).collect();
                        let window = ImportWindow {
                            papers: all.iter().map(|p| (p, &[1.0][..])).collect(),
                            fingerprint: fixture::MODEL,
                            events: &events,
                            done: papers.len(),
                        };
                        let added = store.add_to_import(user, number, &window, &|_| "{}".into()).expect("added");
                        prop_assert_eq!(added.accepted, papers.iter().filter(|k| !there.contains_key(k)).count());
                        for k in papers {
                            if let Some(claims) = there.entry(k).or_insert_with(|| Some(BTreeSet::new())) {
                                claims.insert(number);
                            }
                        }
                        imports.push(number);
                    }
                    Deed::ByHand(k) => {
                        if there.contains_key(&k) {
                            store.add_events(&name, &[event(k, 7)]).expect("written");
                            there.insert(k, None);
                        }
                    }
                    Deed::Undo(at) => {
                        if at < imports.len() {
                            let number = imports[at];
                            let alone = |c: &Option<BTreeSet<i64>>| c.as_ref().is_some_and(|c| c.len() == 1 && c.contains(&number));
                            let gone = there.values().filter(|c| alone(c)).count();
                            match store.undo_import(user, number) {
                                Ok(undone) => prop_assert_eq!(undone, (gone, gone)),
                                Err(_) => prop_assert_eq!(gone, 0),
                            }
                            there.retain(|_, c| !alone(c));
                            for claims in there.values_mut().flatten() {
                                claims.remove(&number);
                            }
                        }
                    }
                    Deed::Remove(k) => {
                        let known = there.remove(&k).is_some();
                        prop_assert_eq!(store.remove_outside(user, &format!("p{k}")).is_ok(), known);
                    }
                }
                let wanted: Vec<String> = there.keys().map(|k| format!("p{k}")).collect();
                let mut events: Vec<String> =
                    store.history(user).expect("read").iter().map(|e| e.paper.to_string()).collect();
                events.sort();
                prop_assert_eq!(&events, &wanted);
                let outside: Vec<String> = store.outside(user).expect("read").iter().map(|p| p.id.to_string()).collect();
                prop_assert_eq!(&outside, &wanted);
            }
        }
    }
}
