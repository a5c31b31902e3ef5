//! Forgetting: what is deleted here is in no file of the folder when the call returns.
//!
//! A deletion overwrites rows where they stand (`secure_delete`). Copies of them may stand in the log, and in the slack of pages
//! that they were moved away from ([`slack`](super::slack)). So the log is emptied and the slack cleared behind a deletion; and
//! that this is owed is noted in a file of the folder before the deletion is committed, so that whatever comes between the two,
//! it is done when the folder is next opened.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Transaction;

use super::SqliteStore;
use super::commit::{Writer, full_or};
use crate::error::{Error, Result};

/// Is there as long as something is owed.
const OWED: &str = "forgetting";

/// How long a call waits for readers of what was before.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long writers wait at a time for those readers, and how long the readers are then left alone.
const HELD: Duration = Duration::from_millis(50);

/// How long a connection waits otherwise.
pub const BUSY: Duration = Duration::from_secs(10);

/// From one attempt in the background to the next.
const AGAIN: Duration = Duration::from_secs(2);

/// What is owed.
#[derive(Debug, Default)]
pub struct Owed {
    /// Deletions that are under way: their note stays.
    coming: usize,
    /// When what was deleted is to be overwritten in the background, where something was.
    due: Option<Instant>,
}

impl Owed {
    /// What a folder owes that is being opened.
    pub fn of(folder: &Path) -> Self {
        Owed { coming: 0, due: is_owed(folder).then(Instant::now) }
    }
}

fn marker(folder: &Path) -> PathBuf {
    folder.join(OWED)
}

/// Whether a folder that is being opened owes something.
pub fn is_owed(folder: &Path) -> bool {
    marker(folder).exists()
}

/// Does what is owed, where nobody reads.
pub fn settle(writer: &mut Writer, folder: &Path, database: &Path) {
    match writer.clear_slack(folder, database) {
        Ok(true) => drop(fs::remove_file(marker(folder))),
        Ok(false) => tracing::warn!("{}: its log could not be emptied yet", database.display()),
        Err(e) => tracing::warn!("what was deleted is not overwritten everywhere yet: {e}"),
    }
}

impl SqliteStore {
    /// Runs `f` as one transaction that takes something away for good: when this returns, no file has it.
    pub(super) fn forget<T>(&self, f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T>>) -> Result<T> {
        let out = self.forget_soon(f)?;
        self.settle_everything_owed();
        Ok(out)
    }

    /// Waits until nothing is owed any more, for a while.
    pub(super) fn settle_everything_owed(&self) {
        let began = Instant::now();
        while !self.settle_owed() {
            if began.elapsed() > PATIENCE {
                // A reader or a backup that takes longer. What is owed is done as soon as it can be.
                tracing::warn!("what was deleted is not overwritten everywhere yet: something is being read or copied");
                break;
            }
            std::thread::sleep(HELD);
        }
    }

    /// The same for what may stand in the slack of pages for a moment longer: many may come one behind the other.
    pub(super) fn forget_soon<T>(&self, f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T>>) -> Result<T> {
        self.owe()?;
        let out = self.write_or(f);
        let mut owed = self.owed();
        owed.coming -= 1;
        // Not later because of each that follows.
        owed.due.get_or_insert(Instant::now() + AGAIN);
        out
    }

    /// Does in the background what is owed.
    pub(super) fn settle_soon(&self) {
        let due = self.owed().due.is_some_and(|due| due <= Instant::now());
        if due && !self.settle_owed() {
            self.owed().due = Some(Instant::now() + AGAIN);
        }
    }

    /// Notes that something will be owed.
    fn owe(&self) -> Result<()> {
        let mut owed = self.owed();
        if owed.coming == 0 && owed.due.is_none() {
            let folder = self.place.folder();
            self.place.check().map_err(|why| self.gone(&why))?;
            let note = || -> io::Result<()> {
                File::create(marker(folder))?.sync_all()?;
                // Only Unix lets a folder be opened and synced.
                if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
            };
            note().map_err(|e| full_or(folder, "cannot note what is to be forgotten", e))?;
        }
        owed.coming += 1;
        Ok(())
    }

    /// Does what is owed, if no reader needs what was before; whether nothing is owed any more.
    fn settle_owed(&self) -> bool {
        // A copy of the database has what it was made of until it is done with.
        if self.place.check().is_err() || self.copies.load(Ordering::Acquire) > 0 {
            return false;
        }
        let mut writer = self.writer();
        if self.owed().due.is_none() {
            return true;
        }
        // Others want to write.
        let _ = writer.connection.busy_timeout(HELD);
        let cleared = writer.clear_slack(self.place.folder(), &self.path);
        let _ = writer.connection.busy_timeout(BUSY);
        self.note_room(&cleared);
        match cleared {
            Ok(true) => {
                let mut owed = self.owed();
                owed.due = None;
                // Of a deletion that is under way the note stays: it writes behind this, or did before.
                if owed.coming == 0 {
                    let _ = fs::remove_file(marker(self.place.folder()));
                }
                true
            }
            Ok(false) => false,
            Err(e) => {
                if !matches!(e, Error::StorageFull(_)) {
                    tracing::warn!("what was deleted is not overwritten everywhere yet: {e}");
                }
                false
            }
        }
    }
}
