//! Everything that can be known of a database, looked at: its pages, what joins them, its rows, its number.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::acknowledged::{AckRecord, Acknowledged};
use super::log::Log;
use super::open::{DATABASE, beside, older};
use super::pages::{Pages, PagesState, SUMS};
use super::place::FolderLock;
use super::{SqliteStore, explain};
use crate::error::{Error, Result};
use crate::store::papers::short_hash;
use crate::store::{Finding, PagesRead};

/// Things that are named one by one.
const NAMED: usize = 10;

pub const RESTORE: &str = "put a backup of the whole folder back, or ingest into a new one; `paperkin doctor --accept` takes the \
    database as it is, where SQLite can still read all of it";

impl SqliteStore {
    /// Looks at the store of a folder that cannot be opened. Nothing is changed.
    pub fn examine_closed(folder: &Path) -> Vec<Finding> {
        let path = folder.join(DATABASE);
        let mut log = Log::new(beside(folder, "-wal"));
        let mut found = Vec::new();
        if let Err(e) = log.read_on() {
            found.push(Finding::bad("log", format!("it cannot be read: {e}"), RESTORE));
        }
        match log.cut_off() {
            Ok(0) | Err(_) => {}
            Ok(n) => found.push(Finding::bad(
                "log",
                format!("{} commits stand behind damage, and are lost", n),
                "what they wrote has to be sent again",
            )),
        }
        found.push(match Pages::read(folder) {
            Ok(PagesState::Pages(pages)) => match pages.differing(&path, 0, usize::MAX, &log.pages()) {
                Ok(damaged) => {
                    let mut finding = told_pages(&PagesRead { pages: pages.len(), damaged: damaged.clone() });
                    finding.found.push_str(&tables_of(&path, &damaged));
                    finding
                }
                Err(e) => Finding::bad("pages", format!("the database cannot be read: {e}"), RESTORE),
            },
            Ok(PagesState::Nothing) => Finding::good("pages", "nothing is known of them (no checksums yet)"),
            _ => Finding::bad("pages", "their checksums are damaged", "they are made anew when the folder is opened"),
        });
        found.extend(match unchanging(&path) {
            Ok(c) => examine_rows(&c),
            Err(e) => vec![Finding::bad("database", e.to_string(), RESTORE)],
        });
        if let Ok((file, _)) = Acknowledged::open(folder) {
            let mut said = file.said();
            if let Some(here) = commits_of(&path).filter(|here| *here < said.number && log.written().is_empty()) {
                said.missing.get_or_insert((here + 1, said.number));
            }
            found.push(told_number(said));
        }
        found
    }

    /// Takes the database of a folder that is not open as it is, with the papers that are damaged: these are named, cannot
    /// be read, and are put right when they are ingested again. Gives how many there are.
    ///
    /// # Errors
    /// [`Error::Data`] when SQLite cannot read all of it, [`Error::InUse`] when the folder is open.
    pub fn accept_closed(folder: &Path) -> Result<usize> {
        let _place = FolderLock::lock(folder)?;
        let path = folder.join(DATABASE);
        let open = |e| explain(&path, e);
        let c = Connection::open(&path).map_err(open)?;
        integrity(&c, &path)?;
        let damaged = damaged_papers(&c).map_err(open)?;
        for (row, _) in &damaged {
            // So that it is not taken for unchanged when it comes again.
            c.execute("UPDATE papers SET hash = zeroblob(16) WHERE row = ?1", [row]).map_err(open)?;
        }
        c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(open)?;
        let number: u64 = c.query_row("SELECT commits FROM counter", [], |r| r.get(0)).unwrap_or_default();
        drop(c);
        Pages::make(folder, &path, number).map_err(|e| Error::io(folder.join(SUMS), "cannot write", e))?;
        let (mut file, _) = Acknowledged::open(folder).map_err(|e| Error::io(folder, "cannot open", e))?;
        file.say(AckRecord { number, missing: None }).map_err(|e| Error::io(folder, "cannot write", e))?;
        Ok(damaged.len())
    }
}

pub fn told_pages(read: &PagesRead) -> Finding {
    if read.damaged.is_empty() {
        return Finding::good("pages", format!("{} pages of the database are as they were written", read.pages));
    }
    Finding::bad("pages", differ(&read.damaged, read.pages), RESTORE)
}

fn differ(damaged: &[u32], all: usize) -> String {
    let some: Vec<String> = damaged.iter().take(NAMED).map(u32::to_string).collect();
    let more = if damaged.len() > NAMED { ", ..." } else { "" };
    format!("{} of {all} pages are not as they were written ({}{more})", damaged.len(), some.join(", "))
}

pub fn told_number(said: AckRecord) -> Finding {
    match said.missing {
        None => Finding::good("acknowledged", format!("the store has all {} changes", said.number)),
        Some((first, last)) => Finding::bad(
            "acknowledged",
            older(first, last),
            "ingest the papers of that time again, or put a backup back; then `paperkin doctor --accept`",
        ),
    }
}

/// What SQLite and the hashes of the papers say.
pub fn examine_rows(c: &Connection) -> Vec<Finding> {
    let structure = match problems(c) {
        Ok(found) if found.is_empty() => {
            Finding::good("database", "SQLite finds its tables, indexes and references in order")
        }
        Ok(found) => Finding::bad("database", found.join("; "), RESTORE),
        Err(e) => Finding::bad("database", e.to_string(), RESTORE),
    };
    let papers = match damaged_papers(c) {
        Ok(damaged) if damaged.is_empty() => {
            let n: usize = c.query_row("SELECT count(*) FROM papers", [], |r| r.get(0)).unwrap_or_default();
            let counted: usize = c.query_row("SELECT papers FROM counter", [], |r| r.get(0)).unwrap_or_default();
            match n == counted {
                true => Finding::good("papers", format!("each of {n} papers is as its checksum says")),
                false => Finding::bad("papers", format!("there are {n} papers and should be {counted}"), RESTORE),
            }
        }
        Ok(damaged) => {
            let some: Vec<&str> = damaged.iter().take(NAMED).map(|(_, id)| id.as_str()).collect();
            let more = if damaged.len() > NAMED { ", ..." } else { "" };
            let found = format!("{} damaged: {}{more}", damaged.len(), some.join(", "));
            Finding::bad("papers", found, RESTORE)
        }
        Err(e) => Finding::bad("papers", e.to_string(), RESTORE),
    };
    let vectors =
        "SELECT count(*) FROM vectors v JOIN models m USING (model) WHERE length(v.vector) <> 4 * m.dimension";
    let vectors = match c.query_row(vectors, [], |r| r.get::<_, usize>(0)) {
        Ok(0) => Finding::good("vectors", "each has the length of its model"),
        Ok(n) => Finding::bad("vectors", format!("{n} are not as long as their model says"), RESTORE),
        Err(e) => Finding::bad("vectors", e.to_string(), RESTORE),
    };
    vec![structure, papers, vectors]
}

/// What SQLite says of a database that is not in order.
fn problems(c: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found: Vec<String> = c
        .prepare(&format!("PRAGMA integrity_check({NAMED})"))?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    found.retain(|line| line != "ok");
    let mut keys = c.prepare("PRAGMA foreign_key_check")?;
    let broken = keys.query_map([], |r| r.get::<_, String>(0))?.collect::<Result<HashSet<_>, _>>()?;
    found.extend(broken.iter().map(|table| format!("a row of `{table}` refers to one that is not there")));
    Ok(found)
}

/// The papers whose text is not what its hash says, by row and id.
fn damaged_papers(c: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut select = c.prepare("SELECT row, id, json, hash FROM papers")?;
    let mut rows = select.query([])?;
    let mut damaged = Vec::new();
    while let Some(r) = rows.next()? {
        let whole = match (r.get_ref(2)?.as_bytes(), r.get_ref(3)?.as_blob()) {
            (Ok(json), Ok(hash)) => hash == short_hash(json),
            _ => false,
        };
        if !whole {
            damaged
                .push((r.get(0)?, String::from_utf8_lossy(r.get_ref(1)?.as_bytes().unwrap_or_default()).into_owned()));
        }
    }
    Ok(damaged)
}

/// Refuses a database that is not in order.
///
/// # Errors
/// [`Error::Data`] with what SQLite says.
pub fn integrity(c: &Connection, path: &Path) -> Result<()> {
    let found = problems(c).map_err(|e| explain(path, e))?;
    match found.first() {
        None => Ok(()),
        Some(first) => Err(Error::Data(format!(
            "{}: the database is damaged ({first}). Put a copy of it back, or start a new folder with --data and ingest again",
            path.display()
        ))),
    }
}

/// The error of a database some of whose pages are not as they were written.
pub fn damaged_pages(path: &Path, damaged: &[u32], all: usize) -> Error {
    Error::Data(format!(
        "{}: the database is damaged: {}{}. Nothing was changed. `paperkin doctor` says more: {RESTORE}",
        path.display(),
        differ(damaged, all),
        tables_of(path, damaged)
    ))
}

/// The tables and indexes that some pages belong to, as far as that can be found out.
fn tables_of(path: &Path, pages: &[u32]) -> String {
    let find = || -> rusqlite::Result<Vec<String>> {
        let c = unchanging(path)?;
        let mut of = c.prepare("SELECT name, pageno FROM dbstat")?;
        let wanted: HashSet<u32> = pages.iter().copied().collect();
        let mut names: Vec<String> = Vec::new();
        let mut rows = of.query([])?;
        while let Ok(Some(r)) = rows.next() {
            let name: String = r.get(0)?;
            if r.get::<_, u32>(1).is_ok_and(|page| wanted.contains(&page)) && !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    };
    match find() {
        Ok(names) if !names.is_empty() && !pages.is_empty() => format!(", in {}", names.join(", ")),
        _ => String::new(),
    }
}

/// The number of the last commit in the database file, whatever stands in its log.
pub fn commits_of(path: &Path) -> Option<u64> {
    unchanging(path).ok()?.query_row("SELECT commits FROM counter", [], |r| r.get(0)).ok()
}

/// The file alone, as it lies there, without its log; nothing is written or locked.
pub fn unchanging(path: &Path) -> rusqlite::Result<Connection> {
    // It must be there: SQLite would take an address for a name.
    let _ = File::open(path).map_err(|e| super::unreadable(0, e))?;
    let mut address = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => address.push(char::from(byte)),
            other => address.push_str(&format!("%{other:02x}")),
        }
    }
    address.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(address, flags)
}
