//! Opening a data folder: the lock, the checks, the migrations.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::acknowledged::{self, AckRecord, Acknowledged};
use super::commit::{Fold, Scrub, Writer};
use super::log::Log;
use super::pages::{self, Pages, PagesCheck};
use super::place::FolderLock;
use super::schema::MIGRATIONS;
use super::{SqliteStore, copies, examine, explain, forget, imports, jobs, works};
use crate::error::{Error, Result};
use crate::store::{TroubleCode, Troubles};

pub const DATABASE: &str = "papers.sqlite";
/// Exists once the database was made, so that a database that vanished is not taken for a new folder.
pub const MADE: &str = "made";

/// Whether a file of this name makes a folder a data folder.
pub fn makes_a_folder(name: &std::ffi::OsStr) -> bool {
    [MADE, DATABASE].iter().any(|known| name == *known)
}

impl SqliteStore {
    /// Whether a folder is a data folder already.
    pub fn is_made(folder: &Path) -> bool {
        [MADE, DATABASE].iter().any(|name| folder.join(name).exists())
    }
}

/// Makes a folder that only its owner may enter, where none is: it holds what people read.
fn make(folder: &Path) -> std::io::Result<()> {
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(_) if folder.is_dir() => Ok(()),
        made => made,
    }
}

/// A file beside the database.
pub fn beside(folder: &Path, end: &str) -> PathBuf {
    folder.join(format!("{DATABASE}{end}"))
}

pub fn open(folder: &Path) -> Result<SqliteStore> {
    make(folder).map_err(|e| Error::io(folder, "cannot make the data folder", e))?;
    let place = FolderLock::lock(folder)?;
    copies::sweep(folder);
    let path = folder.join(DATABASE);
    let made = folder.join(MADE);
    let before = made.exists();
    let mut log = Log::new(beside(folder, "-wal"));
    // With a log beside it (after a kill, or a full disk) the file alone may rightly be short; SQLite puts the two
    // together first.
    let logged = fs::metadata(log.path()).is_ok_and(|m| m.len() > 0);
    if before && !logged {
        check_whole(&path)?;
    }
    log.read_on().map_err(|e| Error::io(log.path(), "cannot read", e))?;
    let cut_off = log.cut_off().map_err(|e| Error::io(log.path(), "cannot read", e))?;
    let mut told = Vec::new();
    let (pages, doubt) = check_pages(folder, &path, &mut log, before)?;
    let connection = connect(&path, OpenFlags::default())?;
    let prepare = |c: &Connection| {
        c.pragma_update(None, "journal_mode", "WAL")?;
        // In WAL mode NORMAL can lose the last transactions when the power fails, not when the process is killed.
        // What was acknowledged must last, so every commit is synced.
        c.pragma_update(None, "synchronous", "FULL")?;
        // What is deleted is overwritten: of a user who asked to be forgotten nothing may be left in free pages.
        c.pragma_update(None, "secure_delete", true)?;
        // The pages are changed where their checksums are: `Writer::fold`.
        c.pragma_update(None, "wal_autocheckpoint", 0)
    };
    prepare(&connection).map_err(|e| explain(&path, e))?;
    let mut version: usize =
        connection.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(|e| explain(&path, e))?;
    // Whether it is of a version under which pages have checksums and commits numbers.
    let numbered = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('counter') WHERE name = 'commits')";
    let summed: bool = connection.query_row(numbered, [], |r| r.get(0)).map_err(|e| explain(&path, e))?;
    let number = |c: &Connection| c.query_row("SELECT commits FROM counter", [], |r| r.get(0));
    let unsummed = pages.is_none();
    let mut writer = Writer::new(connection, log, pages);
    if summed {
        writer.commits = number(&writer.connection).map_err(|e| explain(&path, e))?;
    }
    if before && unsummed {
        // Nothing says what the pages were, so all that can be known of them is looked at.
        examine::integrity(&writer.connection, &path)?;
        told.extend(doubt.filter(|_| summed));
    }
    if logged {
        // Before the tables are changed: what was told of is safe then.
        match writer.fold(Fold::Whole, folder, &path) {
            Ok(true) => check_whole(&path)?,
            // No room to put them together: reading works all the same.
            Ok(false) | Err(Error::StorageFull(_)) => {
                tracing::warn!("{}: its log could not be folded in (is the disk full?)", path.display());
            }
            Err(e) => return Err(e),
        }
    }
    migrate(&mut writer.connection, &path, &mut version)?;
    works::fill(&mut writer.connection).map_err(|e| explain(&path, e))?;
    imports::settle(&writer.connection).map_err(|e| explain(&path, e))?;
    // Where there is no room for it, their leases end by themselves.
    jobs::free(&writer.connection).unwrap_or_else(|e| tracing::warn!("jobs are held for a while: {e}"));
    writer.commits = number(&writer.connection).map_err(|e| explain(&path, e))?;
    if writer.pages.is_none()
        && let Err(e) = writer.fold(Fold::Whole, folder, &path)
    {
        tracing::warn!("the checksums of the database could not be made: {e}");
    }
    writer.log.settle();
    writer.follow_log().map_err(|e| Error::io(&path, "cannot read the log", e))?;
    if forget::is_owed(folder) {
        forget::settle(&mut writer, folder, &path);
    }
    if !before {
        File::create(&made).and_then(|f| f.sync_all()).map_err(|e| Error::io(&made, "cannot write", e))?;
    }
    let troubles = Arc::new(Troubles::default());
    if let Some(why) = remember(&mut writer, folder, summed, cut_off)? {
        told.push(why.1.clone());
        troubles.begin(TroubleCode::StoreOlder, why.1, why.0);
    }
    for file in [path.clone(), beside(folder, "-wal"), beside(folder, "-shm")] {
        place.watch(&file);
    }
    Ok(SqliteStore {
        path,
        writer: Mutex::new(writer),
        readers: Mutex::default(),
        columns: Mutex::default(),
        troubles,
        told,
        scrubbed: Mutex::new(Scrub::default()),
        owed: Mutex::new(forget::Owed::of(folder)),
        copies: AtomicUsize::new(0),
        place,
        #[cfg(test)]
        failpoint: Mutex::default(),
    })
}

/// Compares the database with the checksums of its pages, those apart that the log overwrites; without such checksums gives
/// what to say of that.
fn check_pages(folder: &Path, path: &Path, log: &mut Log, before: bool) -> Result<(Option<Pages>, Option<String>)> {
    let mut known = match Pages::read(folder).map_err(|e| Error::io(folder.join(pages::SUMS), "cannot read", e))? {
        pages::PagesState::Pages(known) if before => known,
        pages::PagesState::Damaged => {
            return Ok((
                None,
                Some("the checksums of the database were damaged; they were made anew of what is there".into()),
            ));
        }
        _ => {
            return Ok((
                None,
                Some("the checksums of the database were gone; they were made anew of what is there".into()),
            ));
        }
    };
    match known.meets(path, log.mark()).map_err(|e| Error::io(path, "cannot read", e))? {
        PagesCheck::Fits => {}
        PagesCheck::LogBehind => {
            // SQLite would put what is left of it over pages that are newer. Kept for whoever wants to look.
            let aside = beside(folder, "-wal-damaged");
            fs::rename(log.path(), &aside).map_err(|e| Error::io(&aside, "cannot write", e))?;
            tracing::warn!("{}: the log of the database was damaged, and is not used", aside.display());
            *log = Log::new(beside(folder, "-wal"));
        }
        PagesCheck::HalfDone => {
            return Err(Error::Data(format!(
                "{}: the database is damaged: its log was being folded in, and is damaged as well. Put a backup back, or ingest \
                 into a new folder",
                path.display()
            )));
        }
    }
    let differing =
        known.differing(path, 0, usize::MAX, &log.pages()).map_err(|e| Error::io(path, "cannot read", e))?;
    if differing.is_empty() {
        return Ok((Some(known), None));
    }
    if known.is_doubtful() {
        let why = "the checksums of the database are not as they were written; they were made anew of what is there";
        return Ok((None, Some(why.into())));
    }
    // A copy of another time has another number in it, and no fewer than two pages can differ.
    let another = differing.len() > 1 && examine::commits_of(path).is_some_and(|number| number != known.commits());
    if another {
        let why = "the database is of another time than its checksums (a copy was put back); they were made anew of what is there";
        return Ok((None, Some(why.into())));
    }
    Err(examine::damaged_pages(path, &differing, known.len()))
}

/// Opens the number of the last commit that was told of. Where the store is older gives how many commits are missing, if that
/// is known, and the sentence.
fn remember(writer: &mut Writer, folder: &Path, summed: bool, cut_off: usize) -> Result<Option<(Option<u64>, String)>> {
    let (mut file, found) = match Acknowledged::open(folder) {
        Ok(opened) => opened,
        Err(e) => {
            tracing::warn!("{}: {e}", folder.join(acknowledged::ACKNOWLEDGED).display());
            return Ok(None);
        }
    };
    let (here, before) = (writer.commits, file.said());
    let missing = match (found, before.missing) {
        (acknowledged::AckState::AckRecord(said), known) if said.number > here => {
            // What was missing already, and is told of still.
            Some((known.map_or(here + 1, |(first, _)| first.min(here + 1)), said.number))
        }
        (_, known) => known,
    };
    let unknown = summed && !matches!(found, acknowledged::AckState::AckRecord(_)) && cut_off > 0;
    let stale =
        before.number != here || before.missing != missing || !matches!(found, acknowledged::AckState::AckRecord(_));
    if stale && let Err(e) = file.say(AckRecord { number: here, missing }) {
        tracing::warn!("the number of the last commit could not be written down: {e}");
    }
    writer.acknowledged = Some(file);
    Ok(match missing {
        Some((first, last)) => Some((Some(last - first + 1), older(first, last))),
        None if unknown => Some((
            None,
            format!(
                "the log of the database is damaged: at least one of the {cut_off} commits behind the damage may have been told of. \
             {WAY_OUT}"
            ),
        )),
        None => None,
    })
}

const WAY_OUT: &str = "What they wrote has to be sent again (running an ingest again costs nothing for what is there), or a backup \
    put back; `paperkin doctor --accept` takes the store as it is";

/// What is said of a store that is older than what was told of.
pub fn older(first: u64, last: u64) -> String {
    let changes =
        if first == last { format!("the change {last} is") } else { format!("the changes {first} to {last} are") };
    format!("{changes} missing, though they were acknowledged: the store is older than it was. {WAY_OUT}")
}

/// Another connection, for reading.
pub fn reader(path: &Path) -> Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(forget::BUSY)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is sorted aside needs no file: neither the disk of temporary files nor a descriptor may run out.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        // Closing folds nothing in: `SqliteStore` does, with the checksums.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|e| explain(path, e))
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

fn migrate(connection: &mut Connection, path: &Path, version: &mut usize) -> Result<()> {
    let version = std::mem::replace(version, MIGRATIONS.len());
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
    fold_organizations(connection).map_err(|e| explain(path, e))
}

/// Folds the organizations of the papers of a folder that was made before they could be asked for: SQL has no words for that.
fn fold_organizations(connection: &mut Connection) -> rusqlite::Result<()> {
    let left = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'organizations_to_fold')";
    if !connection.query_row(left, [], |r| r.get::<_, bool>(0))? {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    {
        let mut select =
            transaction.prepare("SELECT row, name FROM organizations_to_fold WHERE typeof(name) = 'text'")?;
        let mut rows = select.query([])?;
        let mut insert = transaction.prepare("INSERT OR IGNORE INTO organizations (name, row) VALUES (?1, ?2)")?;
        while let Some(r) = rows.next()? {
            insert
                .execute((crate::paper::unaccented(r.get_ref(1)?.as_str().unwrap_or_default()), r.get::<_, u32>(0)?))?;
        }
    }
    transaction.execute_batch("DROP TABLE organizations_to_fold")?;
    transaction.commit()
}
