//! Writing: one transaction after the other, each with a number, and what is done with the log behind them.
//!
//! A write is refused before it begins where the folder is no longer what was opened, and not acknowledged where that was so
//! when it ended. What fails after a commit (reading the log again, folding it in) fails no write: it is tried again later.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;
use rusqlite::{Connection, Transaction};

use super::acknowledged::{AckRecord, Acknowledged};
use super::log::{self, Log, Written};
use super::pages::Pages;
use super::place::is_full;
use super::slack::{Layout, TOO_MANY};
use super::{SqliteStore, no_room};
use crate::cancel;
use crate::error::{Error, Result};
use crate::store::TroubleCode;
#[cfg(test)]
use crate::store::contract::Failpoint;

/// Commits from which on the log is worth folding: of single papers they come to about a thousand pages.
const FOLD_AFTER: usize = 32;

/// Pages of the log from which on a commit folds it into the database: 32 MB.
const LOG_PAGES: usize = 8192;

/// Pages that are read again at a time, to be compared with their checksums.
const SCRUB_PAGES: usize = 1024;

/// From the end of one look at all pages to the next.
const SCRUB_EVERY: Duration = Duration::from_secs(600);

/// Pages that are overwritten at a time, once that is written down: 16 MB.
const CLEARED: usize = 4096;

/// Things that are damaged and named one by one; more are only counted.
const NAMED: usize = 10;

/// The connection that writes, and what is known of the files it writes to.
pub struct Writer {
    pub connection: Connection,
    pub log: Log,
    /// None while the checksums could not be made.
    pub pages: Option<Pages>,
    /// None where the file cannot be written.
    pub acknowledged: Option<Acknowledged>,
    /// The number of the last commit.
    pub commits: u64,
    /// What of the log is in the database already.
    folded: usize,
    /// Up to where it was announced that it will be.
    announced: usize,
    /// How many commits and how much of the log there were when it could last be folded in only in part.
    tried: (usize, usize),
    /// Whether the last commit failed: what stands in the file behind the one before may not be SQLite's.
    unsettled: bool,
    /// How long the log was after a commit, and the number of that.
    ends: Vec<(usize, u64)>,
    /// The pages that were written since their slack was cleared; none where that is not known.
    loose: Option<RoaringBitmap>,
}

/// How far the database was read again.
#[derive(Default)]
pub struct Scrub {
    next: usize,
    not_before: Option<Instant>,
    found: BTreeSet<String>,
}

/// How much of the log is to be folded in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// What no reader still needs.
    Passive,
    /// All of it, and the file is emptied.
    Whole,
}

impl Writer {
    pub fn new(connection: Connection, log: Log, pages: Option<Pages>) -> Self {
        Writer {
            connection,
            log,
            pages,
            acknowledged: None,
            commits: 0,
            folded: 0,
            announced: 0,
            tried: (0, 0),
            unsettled: false,
            ends: Vec::new(),
            loose: None,
        }
    }

    /// Reads what the last commit wrote.
    pub fn follow_log(&mut self) -> std::io::Result<()> {
        let (before, known) = (self.log.mark().salt, self.log.written().len());
        let read = self.log.read_on();
        // One that began anew may be longer already than what was folded in of the one before.
        let anew = self.log.mark().salt != before || self.log.written().len() < self.folded;
        if let Some(loose) = &mut self.loose {
            let from = if anew { 0 } else { known.min(self.log.written().len()) };
            loose.extend(self.log.written()[from..].iter().map(|(page, _)| *page));
        }
        if anew {
            (self.folded, self.announced, self.tried) = (0, 0, (0, 0));
            self.ends.clear();
        }
        read?;
        let end = (self.log.written().len(), self.commits);
        if self.ends.last() != Some(&end) {
            self.ends.push(end);
        }
        Ok(())
    }

    /// Whether enough commits stand in the log that folding it is worth it.
    pub fn is_worth_folding(&self) -> bool {
        self.ends.len() >= self.tried.0 + FOLD_AFTER
    }

    /// Folds the log into the database, each page with its checksum. `false` when something of it had to stay.
    pub fn fold(&mut self, how: Fold, folder: &std::path::Path, database: &std::path::Path) -> Result<bool> {
        let io = |e| full_or(folder, "cannot write the checksums of the database", e);
        if !self.unsettled {
            self.follow_log().map_err(|e| full_or(folder, "cannot read the log of the database", e))?;
        }
        let all = self.log.written().len();
        if self.folded == all && (how == Fold::Passive || all == 0) && self.pages.is_some() {
            return Ok(true);
        }
        let coming = &self.log.written()[self.announced.max(self.folded).min(all)..];
        if let Some(pages) = self.pages.as_mut().filter(|_| !coming.is_empty()) {
            pages.announce(coming, self.log.mark()).map_err(io)?;
            self.announced = all;
        }
        let sql = match how {
            Fold::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Fold::Whole => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        let (busy, logged, done) = self
            .connection
            .query_row(sql, [], |r| Ok((r.get::<_, i64>(0)? != 0, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?)))
            .map_err(|e| super::explain(database, e))?;
        // Of a log that is folded in only in part, for a reader, SQLite writes the newest of each page that the reader may
        // see, and passes over the pages that a later commit wrote as well: what the pages are is known when all of it is.
        let whole = !busy && (how == Fold::Whole || (logged == done && usize::try_from(done) == Ok(all)));
        if !whole {
            self.tried = (self.ends.len(), all);
            return Ok(false);
        }
        let commits = self.ends.last().map_or(0, |(_, number)| *number);
        if let Some(pages) = self.pages.as_mut().filter(|_| all > self.folded) {
            pages.done(&self.log.written()[self.folded..], commits.max(pages.commits()), self.log.mark());
        }
        (self.folded, self.tried) = (all, (0, 0));
        self.ends.clear();
        if self.pages.is_none() {
            self.pages = Some(Pages::make(folder, database, self.commits).map_err(io)?);
        }
        Ok(true)
    }

    /// Makes zero what stands in the slack of pages that were written since it was done last: copies of rows that moved. `false`
    /// when something of the log had to stay.
    ///
    /// # Errors
    /// When it cannot be written. Nothing is lost then.
    pub fn clear_slack(&mut self, folder: &std::path::Path, database: &std::path::Path) -> Result<bool> {
        if !self.fold(Fold::Whole, folder, database)? {
            return Ok(false);
        }
        let io = |e| full_or(folder, "cannot overwrite what is left of what was deleted", e);
        self.follow_log().map_err(io)?;
        let file = File::options().read(true).write(true).open(database).map_err(io)?;
        let Some(layout) = Layout::of(&file).map_err(io)? else { return Ok(true) };
        if layout.pages >= TOO_MANY {
            tracing::warn!("{}: too large for the slack of its pages to be cleared", database.display());
            return Ok(true);
        }
        let all = || (1..=layout.pages).collect();
        let loose = self.loose.take().unwrap_or_else(all);
        let cleared = self.clear_pages(&file, layout, &loose);
        // What failed is tried again with everything.
        self.loose = cleared.is_ok().then(RoaringBitmap::new);
        // Pages that the connection remembers have their slack as it was, and would be written with it.
        self.connection.execute_batch("PRAGMA shrink_memory").map_err(|e| super::explain(database, e))?;
        cleared.map_err(io).map(|()| true)
    }

    fn clear_pages(&mut self, file: &File, layout: Layout, loose: &RoaringBitmap) -> std::io::Result<()> {
        let mut pages = loose.iter().filter(|page| (1..=layout.pages).contains(page));
        let mut page = Vec::new();
        loop {
            let mut batch: Vec<(u32, Vec<u8>)> = Vec::new();
            for number in pages.by_ref() {
                layout.read(file, number, &mut page)?;
                if layout.clear(number, &mut page) {
                    batch.push((number, page.clone()));
                }
                if batch.len() >= CLEARED {
                    break;
                }
            }
            if batch.is_empty() {
                return Ok(());
            }
            let written: Vec<Written> = batch.iter().map(|(number, page)| (*number, log::sum(page))).collect();
            let mark = self.log.mark();
            if let Some(sums) = &mut self.pages {
                sums.announce(&written, mark)?;
            }
            batch.iter().try_for_each(|(number, page)| layout.write(file, *number, page))?;
            file.sync_data()?;
            if let Some(sums) = &mut self.pages {
                let commits = sums.commits();
                sums.done(&written, commits, mark);
            }
        }
    }

    /// Writes down that the last commit is being told of.
    fn acknowledge(&mut self) {
        let number = self.commits;
        if let Some(file) = &mut self.acknowledged
            && let Err(e) = file.say(AckRecord { number, ..file.said() })
        {
            tracing::warn!("the number of the last commit could not be written down: {e}");
        }
    }
}

#[cfg(test)]
impl SqliteStore {
    /// Lets the next transaction that would commit end in another way.
    pub fn fail_next_commit(&self, how: Failpoint) {
        *self.failpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(how);
    }

    fn failpoint(&self) -> rusqlite::Result<()> {
        let how = self.failpoint.lock().unwrap_or_else(PoisonError::into_inner).take();
        match how {
            None => Ok(()),
            Some(Failpoint::Error) => Err(rusqlite::Error::InvalidQuery),
            Some(Failpoint::Panic) => std::panic::panic_any("as the test asked"),
            Some(Failpoint::Abort) => std::process::abort(),
        }
    }
}

/// The error of a file operation, by whether there was no room.
pub fn full_or(path: &std::path::Path, doing: &'static str, e: std::io::Error) -> Error {
    if is_full(&e) { no_room() } else { Error::io(path, doing, e) }
}

impl SqliteStore {
    pub(super) fn fold(&self, writer: &mut Writer, how: Fold) -> Result<bool> {
        // Beside another database the checksums of this one would only do harm.
        self.place.check().map_err(|why| self.gone(&why))?;
        let folded = writer.fold(how, self.place.folder(), &self.path);
        self.note_room(&folded);
        folded
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic inside a transaction rolls it back when it is dropped, so the connection is still good.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` as one transaction: all of it counts, or nothing.
    pub(super) fn write<T>(&self, f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        self.write_or(|t| f(t).map(Ok))
    }

    /// The same for work that may be refused: then nothing of it counts.
    pub(super) fn write_or<T>(&self, f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T>>) -> Result<T> {
        self.place.check().map_err(|why| self.gone(&why))?;
        let mut writer = self.writer();
        // Whoever waited for it may be gone.
        cancel::check()?;
        let before = writer.connection.total_changes();
        let (mut number, mut unsettled) = (None, writer.unsettled);
        let run = || {
            let transaction = writer.connection.transaction()?;
            let out = f(&transaction)?;
            // Dropped without a commit it is rolled back.
            if out.is_err() {
                return Ok(out);
            }
            if transaction.total_changes() > before {
                let next = "UPDATE counter SET commits = commits + 1 RETURNING commits";
                number = Some(transaction.prepare_cached(next)?.query_row([], |r| r.get(0))?);
            }
            #[cfg(test)]
            self.failpoint()?;
            if let Err(why) = self.place.check() {
                return Ok(Err(self.gone(&why)));
            }
            // One that wrote nothing settles nothing.
            let still = unsettled && number.is_none();
            unsettled = true;
            transaction.commit()?;
            unsettled = still;
            Ok(out)
        };
        let out = run();
        writer.unsettled = unsettled;
        let out = out.map_err(|e| self.explain(e)).and_then(|out| out);
        self.note_room(&out);
        let out = out?;
        let Some(number) = number else { return Ok(out) };
        writer.commits = number;
        if let Err(e) = writer.follow_log() {
            tracing::warn!("{}: its log could not be read: {e}", self.path.display());
        }
        self.place.watch(writer.log.path());
        // Whatever was taken away before this moment may have taken this commit with it.
        self.place.check().map_err(|why| self.gone(&why))?;
        writer.acknowledge();
        if writer.log.written().len().saturating_sub(writer.folded.max(writer.tried.1)) >= LOG_PAGES
            && let Err(e) = self.fold(&mut writer, Fold::Passive)
        {
            tracing::warn!("the log of the database could not be folded in: {e}");
        }
        Ok(out)
    }

    /// Remembers whether there was room.
    pub(super) fn note_room<T>(&self, done: &Result<T>) {
        match done {
            Err(Error::StorageFull(message)) => self.troubles.begin(TroubleCode::DiskFull, message.clone(), None),
            // What is small may still have found a place.
            Ok(_) if self.troubles.has(TroubleCode::DiskFull) && self.place.may_grow() => {
                self.troubles.end(TroubleCode::DiskFull);
            }
            Ok(_) => {}
            Err(_) => {}
        }
    }

    /// The error of a store whose folder is no longer the one that was opened.
    pub(super) fn gone(&self, why: &str) -> Error {
        let message = format!(
            "{why} while it was open: nothing is written. Put the same files back, or stop this process and start it again"
        );
        self.troubles.begin(TroubleCode::FolderGone, message.clone(), None);
        Error::Unavailable(message)
    }

    /// Compares some pages of the database with their checksums, when it is time, and tells which are no longer as they were
    /// written.
    pub(super) fn scrub(&self) {
        let mut scrub = self.scrubbed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // Opening has read all of them.
        if *scrub.not_before.get_or_insert(now + SCRUB_EVERY / 10) > now {
            return;
        }
        // Whoever writes goes first.
        let Ok(writer) = self.writer.try_lock() else { return };
        let Some(pages) = &writer.pages else { return };
        let found = pages.differing(&self.path, scrub.next, SCRUB_PAGES, &HashSet::new());
        scrub.next += SCRUB_PAGES;
        if scrub.next >= pages.len() {
            (scrub.next, scrub.not_before) = (0, Some(now + SCRUB_EVERY));
        }
        drop(writer);
        match found {
            Ok(found) if found.is_empty() => {}
            Ok(found) => self.note_damaged(&mut scrub, found.iter().map(|page| format!("page {page} of the database"))),
            Err(e) => tracing::warn!("{}: {e}", self.path.display()),
        }
    }

    /// Remembers that something is not as it was written, and says so.
    pub(super) fn damaged_too(&self, what: String) {
        self.note_damaged(&mut self.scrubbed.lock().unwrap_or_else(PoisonError::into_inner), [what].into_iter());
    }

    fn note_damaged(&self, scrub: &mut Scrub, what: impl Iterator<Item = String>) {
        scrub.found.extend(what);
        let some: Vec<&str> = scrub.found.iter().take(NAMED).map(String::as_str).collect();
        let more = scrub.found.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!(
            "not as it was written: {}{more}. Stop paperkin, look with `paperkin doctor`, and put a backup back",
            some.join(", ")
        );
        self.troubles.begin(TroubleCode::Damaged, message, None);
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut writer = self.writer();
        // What cannot be folded in now is when it is next opened, and what is owed is done then.
        if self.place.check().is_ok()
            && let Err(e) = writer.fold(Fold::Whole, self.place.folder(), &self.path)
        {
            tracing::warn!("the log of the database stays beside it: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Upkeep;

    /// For a reader that stays where it was SQLite folds in some pages and passes over others. Nothing of that is damage, and
    /// what comes later is held all the same.
    #[test]
    fn a_log_that_is_folded_in_only_in_part_is_no_damage() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path()).expect("opens");
        let commit =
            |n: i64| store.write(|t| t.execute("UPDATE counter SET batches = ?1", [n]).map(drop)).expect("writes");
        let differing = || {
            let writer = store.writer();
            let pages = writer.pages.as_ref().expect("checksums");
            pages.differing(&store.path, 0, usize::MAX, &HashSet::new()).expect("reads")
        };
        commit(1);
        let reader = Connection::open(&store.path).expect("opens");
        reader.execute_batch("BEGIN").expect("begins");
        let seen: i64 = reader.query_row("SELECT batches FROM counter", [], |r| r.get(0)).expect("reads");
        assert_eq!(seen, 1);
        for n in 2..40 {
            commit(n);
            assert!(!store.fold(&mut store.writer(), Fold::Passive).expect("folds what it may"));
            assert_eq!(differing(), [] as [u32; 0], "after {n} commits");
        }
        drop(reader);
        assert!(store.fold(&mut store.writer(), Fold::Passive).expect("folds"));
        assert_eq!(differing(), [] as [u32; 0]);
        // The log begins anew, and a long commit is longer than all that was folded in before.
        store
            .write(|t| {
                (0..500).try_for_each(|k| {
                    t.execute(
                        "INSERT INTO users (name, settings, created, version) VALUES (?1, '{}', 0, 0)",
                        [format!("{k}{}", "x".repeat(900))],
                    )
                    .map(drop)
                })
            })
            .expect("writes");
        assert!(store.fold(&mut store.writer(), Fold::Passive).expect("folds"));
        assert_eq!(differing(), [] as [u32; 0]);
        drop(store);
        let store = SqliteStore::open(folder.path()).expect("opens again, and finds every page as it was written");
        assert!(store.told().is_empty(), "{:?}", store.told());
    }
}
