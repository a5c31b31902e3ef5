//! Copies of the database.
//!
//! SQLite's backup of its pages, under one transaction that reads: it sees one commit from the first page to the last, and those who
//! write wait for nothing. It lies beside the database until it is looked at, and then only in this process.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tempfile::TempDir;

use super::acknowledged::{ACKNOWLEDGED, AckRecord, Acknowledged};
use super::commit::full_or;
use super::examine::{examine_rows, unchanging};
use super::open::{DATABASE, MADE, reader};
use super::pages::Pages;
use super::place::free;
use super::schema::MIGRATIONS;
use super::slack::{Layout, TOO_MANY};
use super::{SqliteStore, explain, no_room};
use crate::cancel;
use crate::error::{Error, Result};
use crate::paper::head;
use crate::store::{Copies, CopyFacts, StoreCopy, Upkeep};

/// What the folder begins with in which a copy lies while it is made.
const ASIDE: &str = ".copy-";

/// Pages copied at a time, between two looks whether anybody still waits.
const STEP: i32 = 2048;

/// Bytes that must stay free beside the copy.
const LEFT: u64 = 32 << 20;

/// The kind of copy.
const KIND: &str = "sqlite";

impl Copies for SqliteStore {
    fn copy(&self, progress: &dyn Fn(u64, u64)) -> Result<StoreCopy> {
        let folder = self.place.folder();
        self.place.check().map_err(|why| self.gone(&why))?;
        let read = self.check_pages()?;
        if !read.damaged.is_empty() {
            return Err(Error::Damaged(format!(
                "the database is damaged ({} of its pages are not as they were written), and a copy of it would be worth nothing; \
                 `paperkin doctor` says more",
                read.damaged.len()
            )));
        }
        if free(folder).is_some_and(|free| free < self.bytes() + LEFT) {
            return Err(no_room());
        }
        let io = |e| full_or(folder, "cannot write the copy", e);
        // Until it has no name any more, what is deleted meanwhile still stands in it.
        let _under_way = UnderWay::new(&self.copies);
        let aside = tempfile::Builder::new().prefix(ASIDE).tempdir_in(folder).map_err(io)?;
        let path = aside.path().join(DATABASE);
        self.copy_pages(&path, progress)?;
        let file = File::options().read(true).write(true).open(&path).map_err(io)?;
        clear(&file).map_err(io)?;
        let facts = examined(&path)?;
        leave(aside);
        let bytes = file.metadata().map_err(io)?.len();
        let mut from = &file;
        from.seek(SeekFrom::Start(0)).map_err(io)?;
        Ok(StoreCopy { facts, file, bytes })
    }
}

/// A copy that is being made, as it is counted.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        UnderWay(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl SqliteStore {
    fn copy_pages(&self, path: &Path, progress: &dyn Fn(u64, u64)) -> Result<()> {
        let from = reader(&self.path)?;
        self.place.check().map_err(|why| self.gone(&why))?;
        let copy = || -> rusqlite::Result<Result<()>> {
            // As long as this lasts it sees the commit that was the last when it began.
            let one_state = from.unchecked_transaction()?;
            one_state.query_row("SELECT commits FROM counter", [], |r| r.get::<_, i64>(0))?;
            let page: u64 = one_state.pragma_query_value(None, "page_size", |r| r.get(0))?;
            let mut to = Connection::open(path)?;
            // It is thrown away when anything comes between.
            to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000")?;
            let backup = Backup::new(&one_state, &mut to)?;
            loop {
                let step = backup.step(STEP)?;
                let at = backup.progress();
                let (all, left) = (u64::from(at.pagecount.unsigned_abs()), u64::from(at.remaining.unsigned_abs()));
                progress(all.saturating_sub(left) * page, all * page);
                match step {
                    StepResult::Done => break,
                    _ => {
                        if let Err(given_up) = cancel::check() {
                            return Ok(Err(given_up));
                        }
                    }
                }
            }
            drop(backup);
            to.close().map_err(|(_, e)| e)?;
            Ok(Ok(()))
        };
        let done = copy().map_err(|e| self.explain(e)).and_then(|done| done);
        self.note_room(&done);
        done
    }
}

/// Clears the slack of all pages of a database that nobody has open.
fn clear(file: &File) -> std::io::Result<()> {
    let Some(layout) = Layout::of(file)?.filter(|layout| layout.pages < TOO_MANY) else { return Ok(()) };
    let mut page = Vec::new();
    for number in 1..=layout.pages {
        layout.read(file, number, &mut page)?;
        if layout.clear(number, &mut page) {
            layout.write(file, number, &page)?;
        }
    }
    Ok(())
}

/// Removes the folder of a copy. Where files that are open cannot be removed it goes when the folder is next opened.
fn leave(aside: TempDir) {
    if let Err(e) = aside.close() {
        tracing::debug!("a copy is still there: {e}");
    }
}

/// Removes what copies left that were not finished.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(ASIDE)
            && let Err(e) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!("{}: cannot be removed: {e}", entry.path().display());
        }
    }
}

/// Looks at a database that nobody has open, and says what it holds.
fn examined(path: &Path) -> Result<CopyFacts> {
    let c = unchanging(path).map_err(|e| explain(path, e))?;
    let schema: usize = c.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(|e| explain(path, e))?;
    if schema > MIGRATIONS.len() {
        return Err(Error::Data(format!(
            "it was made by a newer paperkin (schema {schema}, this program knows {}). Use that one",
            MIGRATIONS.len()
        )));
    }
    if let Some(wrong) = examine_rows(&c).into_iter().find(|finding| !finding.ok) {
        return Err(Error::Damaged(format!(
            "the copy is not sound ({}: {}); `paperkin doctor` says more",
            wrong.check, wrong.found
        )));
    }
    let facts = || -> rusqlite::Result<CopyFacts> {
        let count = |sql: &str| c.query_row(sql, [], |r| r.get::<_, usize>(0));
        Ok(CopyFacts {
            kind: KIND.into(),
            file: DATABASE.into(),
            schema,
            commit: c.query_row("SELECT commits FROM counter", [], |r| r.get(0))?,
            change: c.query_row("SELECT change FROM counter", [], |r| r.get(0))?,
            papers: count("SELECT count(*) FROM papers")?,
            users: count("SELECT count(*) FROM users")?,
            events: count("SELECT count(*) FROM events")?,
        })
    };
    facts().map_err(|e| explain(path, e))
}

impl SqliteStore {
    /// Makes a store of the copy that lies in a folder, where nothing else of a store is. Gives what it holds.
    pub fn settle_copy(folder: &Path, facts: &CopyFacts) -> Result<CopyFacts> {
        if facts.kind != KIND || facts.file != DATABASE {
            return Err(Error::Data(format!("it is the copy of another kind of store ({})", head(&facts.kind, 40))));
        }
        let path = folder.join(DATABASE);
        let facts = examined(&path)?;
        let io = |e| full_or(folder, "cannot write", e);
        File::open(&path).and_then(|file| file.sync_all()).map_err(io)?;
        Pages::make(folder, &path, facts.commit).map_err(io)?;
        let (mut file, _) = Acknowledged::open(folder).map_err(io)?;
        file.say(AckRecord { number: facts.commit, missing: None }).map_err(io)?;
        for name in [ACKNOWLEDGED, MADE] {
            File::options().append(true).create(true).open(folder.join(name)).and_then(|f| f.sync_all()).map_err(io)?;
        }
        Ok(facts)
    }
}
