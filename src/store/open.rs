//! Opening a data folder: the lock, the checks, the migrations.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema::MIGRATIONS;
use super::{Store, explain, imports, works};
use crate::error::{Error, Result};

const DATABASE: &str = "papers.sqlite";
/// Pages of the log from which on a commit folds it into the database: 32 MB.
const LOG_PAGES: i64 = 8192;
const LOCK: &str = "lock";
/// Exists once the database was made, so that a database that vanished is not taken for a new folder.
const MADE: &str = "made";

impl Store {
    /// Whether a folder is a data folder already.
    pub fn is_made(folder: &Path) -> bool {
        [MADE, DATABASE].iter().any(|name| folder.join(name).exists())
    }
}

pub fn open(folder: &Path) -> Result<Store> {
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, "cannot make the data folder", e))?;
    let lock = lock(folder)?;
    let path = folder.join(DATABASE);
    let made = folder.join(MADE);
    let log = folder.join(format!("{DATABASE}-wal"));
    // With a log beside it (after a kill, or a full disk) the file alone may rightly be short; SQLite puts the two
    // together first.
    let logged = fs::metadata(&log).is_ok_and(|m| m.len() > 0);
    if made.exists() && !logged {
        check_whole(&path)?;
    }
    let mut writer = connect(&path, OpenFlags::default())?;
    let prepare = |c: &Connection| {
        c.pragma_update(None, "journal_mode", "WAL")?;
        // In WAL mode NORMAL can lose the last transactions when the power fails, not when the process is killed.
        // What was acknowledged must last, so every commit is synced.
        c.pragma_update(None, "synchronous", "FULL")?;
        // What is deleted is overwritten: of a user who asked to be forgotten nothing may be left in free pages.
        c.pragma_update(None, "secure_delete", true)?;
        // Folding costs the commit that does it some tens of milliseconds; mostly `fold_log` has done it before.
        c.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)
    };
    prepare(&writer).map_err(|e| explain(&path, e))?;
    if logged {
        let folded = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get::<_, i64>(0));
        match folded {
            Ok(0) => check_whole(&path)?,
            // No room to put them together: reading works all the same.
            _ => tracing::warn!("{}: its log could not be folded in (is the disk full?)", path.display()),
        }
    }
    migrate(&mut writer, &path)?;
    works::fill(&mut writer).map_err(|e| explain(&path, e))?;
    imports::settle(&writer).map_err(|e| explain(&path, e))?;
    if !made.exists() {
        File::create(&made).and_then(|f| f.sync_all()).map_err(|e| Error::io(&made, "cannot write", e))?;
    }
    Ok(Store {
        path,
        writer: Mutex::new(writer),
        readers: Mutex::default(),
        columns: Mutex::default(),
        logged: AtomicUsize::new(0),
        _lock: lock,
    })
}

/// Folds what stands in the log into the database, as far as no reader still needs it, on a connection of its own: commits
/// go on meanwhile.
pub fn fold(path: &Path) -> Result<()> {
    let c = connect(path, OpenFlags::default())?;
    c.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(|e| explain(path, e))
}

/// Another connection, for reading.
pub fn reader(path: &Path) -> Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|e| explain(path, e))
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| Error::io(&path, "cannot open (is the data folder writable?)", e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(Error::InUse { folder: folder.to_path_buf(), process: pid.trim().to_string() });
        }
        Err(TryLockError::Error(e)) => return Err(Error::io(&path, "cannot lock", e)),
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut file).map_err(|e| Error::io(&path, "cannot write", e))?;
    Ok(file)
}

/// Refuses a database file that is shorter than its own header says: SQLite would notice only when it comes to a page
/// that is not there, and take an empty file for a new database.
fn check_whole(path: &Path) -> Result<()> {
    let length = fs::metadata(path).map_or(0, |m| m.len());
    let damaged = |why: String| {
        Err(Error::Data(format!(
            "{}: the database is damaged: {why}. Put a copy of it back, or start a new folder with --data and ingest again",
            path.display()
        )))
    };
    if length < 100 {
        return damaged(format!("it is {length} bytes long, less than a header"));
    }
    let mut header = [0; 100];
    File::open(path).and_then(|mut f| f.read_exact(&mut header)).map_err(|e| Error::io(path, "cannot read", e))?;
    if &header[..16] != b"SQLite format 3\0" {
        return damaged("it does not begin as an SQLite file does".into());
    }
    let u32_at = |k: usize| u32::from_be_bytes([header[k], header[k + 1], header[k + 2], header[k + 3]]);
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        n => u64::from(n),
    };
    // The number of pages counts only when it was written together with the change counter (file format, 1.3.8).
    let expected = u64::from(u32_at(28)) * page;
    if u32_at(24) == u32_at(92) && length < expected {
        return damaged(format!("it is {length} bytes long and should be {expected} (truncated)"));
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let version: usize =
        connection.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(|e| explain(path, e))?;
    if version > MIGRATIONS.len() {
        return Err(Error::Data(format!(
            "{}: made by a newer paperkin (schema {version}, this program knows {}). Use that one",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    for (k, script) in MIGRATIONS.iter().enumerate().skip(version) {
        let mut run = || {
            let transaction = connection.transaction()?;
            transaction.execute_batch(script)?;
            transaction.pragma_update(None, "user_version", k + 1)?;
            transaction.commit()
        };
        run().map_err(|e| explain(path, e))?;
    }
    Ok(())
}
