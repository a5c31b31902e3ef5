//! The store in a folder of this machine: one SQLite file, held by one process and shared between its threads.
//!
//! Every write is one transaction, and one of papers raises the change number; what is derived from the store (the index) remembers
//! the number up to which it has read. SQL stands nowhere else.
//!
//! What lies under it can fail, and that is told: `commit` writes, and says what a full disk did; `place` watches the folder;
//! `pages` has a checksum of every page of the database, which SQLite's `log` is read for; `acknowledged` has the number of
//! the last commit that somebody was told of; `forget` leaves nothing of what is deleted, not even in the `slack` of pages;
//! `examine` looks at everything; `upkeep` is what others see of all that.

mod acknowledged;
mod claims;
mod columns;
mod commit;
mod copies;
mod events;
mod examine;
mod filters;
#[cfg(test)]
mod fixture;
mod folders;
mod forget;
mod imports;
mod interests;
mod jobs;
mod keys;
mod library;
mod lists;
mod log;
mod named;
mod notes;
mod open;
mod pages;
mod papers;
mod place;
mod readership;
mod records;
mod rereading;
mod schema;
mod searches;
mod sessions;
mod slack;
mod subscriptions;
mod themes;
mod upkeep;
mod users;
mod vectors;
mod webhooks;
mod works;

pub use open::makes_a_folder;
pub use place::{exchange, free, hold};

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode};

use self::columns::Columns;
use self::commit::Writer;
use self::place::FolderLock;
use super::Troubles;
#[cfg(test)]
use super::contract::Failpoint;
use crate::error::{Error, Result};
use crate::paper::head;

/// The store of a data folder.
pub struct SqliteStore {
    path: PathBuf,
    // Idle readers; in WAL mode they never wait for the writer. Closed before it, since then the log is folded into the database.
    readers: Mutex<Vec<Connection>>,
    // One writer, as SQLite wants it. Never held while a text is embedded.
    writer: Mutex<Writer>,
    // Derived from the tables. Held while they catch up and while a filter reads them, which is short.
    columns: Mutex<Columns>,
    troubles: Arc<Troubles>,
    // What a person should hear of how it was opened.
    told: Vec<String>,
    // How far the database was read again to compare it with its checksums.
    scrubbed: Mutex<commit::Scrub>,
    // Since when what was deleted waits to be overwritten everywhere. Locked behind the writer, or alone.
    owed: Mutex<forget::Owed>,
    // Copies of the database that are being made.
    copies: AtomicUsize,
    // The lock, which the system frees when the process ends, however it ends.
    place: FolderLock,
    #[cfg(test)]
    failpoint: Mutex<Option<Failpoint>>,
}

impl SqliteStore {
    /// Opens the data folder, making it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process uses it; [`Error::Data`] when the database is damaged or newer than this program;
    /// [`Error::Io`] when the folder cannot be made or written to.
    pub fn open(folder: &Path) -> Result<Self> {
        open::open(folder)
    }

    fn owed(&self) -> std::sync::MutexGuard<'_, forget::Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` on an idle reader, which sees one state of the store from the first statement to the last.
    fn read<T>(&self, f: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(c) => c,
            None => self.another_reader()?,
        };
        let one_state = || {
            let transaction = connection.unchecked_transaction()?;
            let out = f(&transaction)?;
            transaction.commit()?;
            Ok(out)
        };
        let out = one_state().map_err(|e| self.explain(e));
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        out
    }

    /// Another connection for reading, to the very files that were opened: others of their names may stand there by now.
    fn another_reader(&self) -> Result<Connection> {
        self.place.check().map_err(|why| self.gone(&why))?;
        let connection = open::reader(&self.path).map_err(|e| {
            // The file is there, and the writer has it open: what is lacking is a descriptor.
            tracing::warn!("{e}");
            Error::Overloaded(
                "the database cannot be opened once more (too many open files?); try again in a moment".into(),
            )
        })?;
        self.place.check().map_err(|why| self.gone(&why))?;
        Ok(connection)
    }

    fn explain(&self, e: rusqlite::Error) -> Error {
        if matches!(e.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) {
            tracing::error!("{}: {}", self.path.display(), head(&e.to_string(), 300));
            self.damaged_too("a page that SQLite came to".into());
            return Error::Damaged(
                "the database is damaged where this was looked for: nothing was written. /readyz and `paperkin doctor` say more"
                    .into(),
            );
        }
        explain(&self.path, e)
    }
}

/// Megabytes that are said to be needed where there is no room: the log of SQLite, and a piece of the index.
const NEEDED: u64 = 64;

/// The error of a write for which there was no room. It names no path: clients hear it.
fn no_room() -> Error {
    Error::StorageFull(format!(
        "the disk is full, or takes nothing more for another reason (a quota, a limit, a fault): this was not written. What \
         was reported as stored is safe. Make room (paperkin needs about {NEEDED} MB) and send it again"
    ))
}

/// SQLite's words, made into what a person can do.
fn explain(path: &Path, e: rusqlite::Error) -> Error {
    // Of SQLite's extended codes those of a write, a sync, a length and the shared memory: what a quota (EDQUOT), a limit
    // (EFBIG) and a failing disk come to.
    const WRITES: [i32; 7] = [778, 1034, 1290, 1546, 4618, 4874, 5386];
    let extended = match &e {
        rusqlite::Error::SqliteFailure(e, _) => e.extended_code,
        _ => 0,
    };
    let code = e.sqlite_error_code();
    let out_of_descriptors = || path.parent().is_some_and(place::is_out_of_descriptors);
    let path = path.display();
    match code {
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) if out_of_descriptors() => {
            Error::Overloaded("too many files are open in this process; try again in a moment".into())
        }
        Some(ErrorCode::DiskFull) => no_room(),
        Some(ErrorCode::SystemIoFailure) if WRITES.contains(&extended) => {
            tracing::warn!("{path}: {e}");
            no_room()
        }
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

/// A limit or offset as SQLite takes it.
fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// What a column holds and this program cannot read, as an error of the query.
fn unreadable(column: usize, e: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e))
}
