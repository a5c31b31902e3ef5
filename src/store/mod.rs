//! What is true: papers, vectors and the models that made them, users and what they did, in one SQLite file.
//!
//! Every write is one transaction, and one of papers raises the change number; what is derived from the store (the index) remembers
//! the number up to which it has read. SQL stands nowhere else.

mod claims;
mod columns;
mod events;
mod filter;
#[cfg(test)]
mod fixture;
mod imports;
mod interests;
mod list;
mod open;
mod outside;
mod papers;
mod reading;
mod schema;
mod themes;
mod users;
mod vectors;
mod works;

pub use events::Added;
pub use imports::{ImportStatus, ImportWindow, ImportWithClaims, StoredImport};
pub use interests::StoredInterest;
pub use list::{Listing, Page, Sort};
pub use outside::OutsidePaper;
pub use papers::{Fingerprints, Outcome, Written};
pub use themes::{StoredPlace, StoredRun, StoredTheme, StoredThemeEvent};
pub use users::User;
pub use vectors::StoredModel;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode};

use self::columns::Columns;
use crate::error::{Error, Result};
use crate::paper::head;

/// Commits from which on the log is worth folding: of single papers they come to about a thousand pages.
const FOLD_AFTER: usize = 32;

/// The papers of a data folder. One process at a time; shared between its threads.
pub struct Store {
    path: PathBuf,
    // Idle readers; in WAL mode they never wait for the writer. Closed before it, since the last connection to close
    // folds the log into the database and a reader may not.
    readers: Mutex<Vec<Connection>>,
    // One writer, as SQLite wants it. Never held while a text is embedded.
    writer: Mutex<Connection>,
    // Derived from the tables. Held while they catch up and while a filter reads them, which is short.
    columns: Mutex<Columns>,
    // Commits since the log was last folded into the database.
    logged: AtomicUsize,
    // Held for its lock, which the system frees when the process ends, however it ends.
    _lock: File,
}

impl Store {
    /// Opens the data folder, making it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process uses it; [`Error::Data`] when the database is damaged or newer than this program;
    /// [`Error::Io`] when the folder cannot be made or written to.
    pub fn open(folder: &Path) -> Result<Self> {
        open::open(folder)
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the last change; 0 before the first.
    pub fn change(&self) -> Result<u64> {
        self.read(|c| c.query_row("SELECT change FROM counter", [], |r| r.get(0)))
    }

    /// How many papers there are.
    pub fn count(&self) -> Result<usize> {
        self.read(|c| c.prepare_cached("SELECT papers FROM counter")?.query_row([], |r| r.get(0)))
    }

    /// Folds the log into the database if some commits stand in it, so that none of them has to. It adds nothing to what is
    /// safe: every commit is, before it returns.
    pub fn fold_log(&self) -> Result<()> {
        if self.logged.load(Ordering::Relaxed) < FOLD_AFTER {
            return Ok(());
        }
        self.logged.store(0, Ordering::Relaxed);
        open::fold(&self.path)
    }

    /// Leaves nothing in the log, neither of what was written before nor of what that overwrote.
    fn empty_log(&self) {
        let emptied = self.writer().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get::<_, i64>(0));
        if !matches!(emptied, Ok(0)) {
            // A reader that takes longer than a connection waits. The next commits overwrite the log.
            tracing::warn!("{}: its log could not be emptied yet", self.path.display());
        }
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction rolls it back when it is dropped, so the connection is still good.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` on an idle reader.
    fn read<T>(&self, f: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(c) => c,
            None => open::reader(&self.path)?,
        };
        let out = f(&connection).map_err(|e| self.explain(e));
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        out
    }

    /// Runs `f` as one transaction: all of it counts, or nothing.
    fn write<T>(&self, f: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        self.write_or(|t| f(t).map(Ok))
    }

    /// The same for work that may be refused: then nothing of it counts.
    fn write_or<T>(&self, f: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<Result<T>>) -> Result<T> {
        let mut connection = self.writer();
        let run = || {
            let transaction = connection.transaction()?;
            let out = f(&transaction)?;
            // Dropped without a commit it is rolled back.
            if out.is_ok() {
                transaction.commit()?;
                self.logged.fetch_add(1, Ordering::Relaxed);
            }
            Ok(out)
        };
        run().map_err(|e| self.explain(e))?
    }

    fn explain(&self, e: rusqlite::Error) -> Error {
        explain(&self.path, e)
    }
}

/// SQLite's words, made into what a person can do.
fn explain(path: &Path, e: rusqlite::Error) -> Error {
    let path = path.display();
    match e.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Data(format!(
            "{path}: the disk is full. What was reported as stored is safe; make room and run the command again"
        )),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Data(format!(
            "{path}: the database is damaged ({e}). Put a copy of it back, or start a new folder with --data and ingest again"
        )),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::Data(format!("{path}: cannot be opened for writing ({e}). Check the folder's permissions"))
        }
        Some(ErrorCode::SystemIoFailure) => Error::Data(format!("{path}: the system failed to read or write it ({e})")),
        // It may hold the whole statement.
        _ => Error::Internal(format!("{path}: {}", head(&e.to_string(), 300))),
    }
}

/// What a column holds and this program cannot read, as an error of the query.
fn unreadable(column: usize, e: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e))
}
