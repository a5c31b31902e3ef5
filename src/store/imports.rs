//! Reading lists that users brought: what each is, how far it has come, and what it added, so that it can be taken back.
//!
//! An import holds a claim on every event and every paper of the library that it named and that no one but imports has added.
//! What the last import with a claim on it is taken back from goes; what a user did by hand stays.

use serde::{Deserialize, Serialize};

use super::EventsWritten;
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
    /// All, in the order of their numbers in a store.
    pub(in crate::store) const ALL: [ImportStatus; 4] =
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
    /// Papers of the library that it claims.
    pub papers: Vec<PaperId>,
}

/// A piece of an import: written as a whole or not at all.
#[derive(Debug, Clone, Default)]
pub struct ImportWindow<'a> {
    /// Papers that are not in the corpus, with their vectors.
    pub papers: Vec<(&'a Paper, &'a [f32])>,
    /// The model of the vectors, which is known.
    pub fingerprint: &'a str,
    /// What the references of the piece count as. A paper that has an event of the kind gets no second one.
    pub events: &'a [Event],
    /// Entries that are dealt with after it.
    pub done: usize,
}

/// What went with an import that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportUndone {
    /// Events.
    pub events: usize,
    /// Papers of the library.
    pub papers: usize,
}

/// Imports by user and number. One whose program ended before it did is told as [`ImportStatus::Interrupted`], once the store
/// knows that nobody goes on with it.
pub trait Imports {
    /// Begins an import; the user is made if new. Gives the numbers of the user and of the import.
    fn begin_import(&self, name: &UserId, total: usize, about: &str) -> Result<(i64, i64)>;

    /// Writes a piece of an import, and claims what it names; `about` says what the import has come to with what was added
    /// (JSON).
    ///
    /// # Errors
    /// [`Error::NotFound`] when the import was taken back meanwhile, or the user forgotten.
    fn add_to_import(
        &self,
        user: i64,
        number: i64,
        window: &ImportWindow<'_>,
        about: &dyn Fn(&EventsWritten) -> String,
    ) -> Result<EventsWritten>;

    /// Notes how an import ended.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was taken back meanwhile, or the user forgotten.
    fn end_import(&self, user: i64, number: i64, status: ImportStatus, about: &str, answer: Option<&str>)
    -> Result<()>;

    /// The imports of a user without their answers, the newest first.
    fn imports(&self, user: i64) -> Result<Vec<StoredImport>>;

    /// An import, with its answer.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the user has none of this number.
    fn import(&self, user: i64, number: i64) -> Result<StoredImport>;

    /// Takes an import back: the events and the papers of the library on which nothing else has a claim, and of these papers
    /// only those with which nothing else was done, which are in no folder and have no note. One that is running ends. Where the
    /// store keeps its data nothing of it can be found any more, as with [`Users::delete_user`](super::Users::delete_user).
    ///
    /// # Errors
    /// [`Error::NotFound`] when the user has none of this number.
    fn undo_import(&self, user: i64, number: i64) -> Result<ImportUndone>;

    /// The imports of a user with their answers and with what each claims, the oldest first.
    fn imports_with_claims(&self, user: i64) -> Result<Vec<ImportWithClaims>>;

    /// Takes imports in as they were exported, behind the events and papers that they claim; claims on what is not there are
    /// left out. One that is there already (it was begun at the same moment) is put in its place; another that has its number
    /// keeps it, and it gets a new one. Nobody goes on with one that was running. The user is made if new.
    fn restore_imports(&self, name: &UserId, imports: &[ImportWithClaims]) -> Result<()>;
}

/// The error for an import that is not there.
pub(in crate::store) fn no_import(number: i64) -> Error {
    Error::NotFound { what: "import", id: number.to_string() }
}
