//! Papers in and out.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, unreadable, vectors, works};
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId, Row, unaccented};
use crate::user::Moment;

/// Two hashes of a paper: of what is embedded, and of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints {
    /// Of [`Paper::text`]: when it differs, the paper needs a new row and vector.
    pub text: [u8; 16],
    /// Of all fields: when it is equal, there is nothing to do.
    pub all: [u8; 16],
}

impl Fingerprints {
    /// The hashes of a paper.
    pub fn of(paper: &Paper) -> Self {
        Fingerprints { text: short_hash(paper.text().as_bytes()), all: short_hash(to_json(paper).as_bytes()) }
    }
}

/// What became of a paper that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before.
    New(Row),
    /// Its text changed: the old row is gone, and the new one has its own vector.
    Replaced {
        /// Gone.
        old: Row,
        /// In its place.
        new: Row,
    },
    /// Something else about it changed.
    Updated(Row),
    /// It was there already, the same in every field.
    Unchanged(Row),
    /// Its text changed and no vector came with it, so nothing was written.
    NeedsVector,
}

/// What [`Store::put`] did.
#[derive(Debug, Clone)]
pub struct Written {
    /// One for each paper, in order.
    pub outcomes: Vec<Outcome>,
    /// The change number after it.
    pub change: u64,
}

/// The rows that changed between a change number and another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangedRows {
    /// The number up to which this is all.
    pub to: u64,
    /// Rows that are new, or whose paper has other fields now.
    pub came: RoaringBitmap,
    /// Rows that are gone. A row never comes back.
    pub gone: RoaringBitmap,
}

impl Store {
    /// Writes papers with the vectors of a model in one transaction. A paper whose text is as it was needs no vector.
    ///
    /// Changes are numbered in the order of their commits: the number is taken inside the transaction, and one transaction
    /// writes at a time. Whoever has read up to a number has read everything that was committed before it.
    pub fn put(&self, papers: &[(&Paper, Option<&[f32]>)], fingerprint: &str) -> Result<Written> {
        self.write(|t| {
            let model: i64 =
                t.query_row("SELECT model FROM models WHERE fingerprint = ?1", [fingerprint], |r| r.get(0))?;
            let mut outcomes = Vec::with_capacity(papers.len());
            let mut change: u64 = t.query_row("SELECT change FROM counter", [], |r| r.get(0))?;
            let next = change + 1;
            for (paper, vector) in papers {
                let outcome = put_one(t, paper, *vector, model, next)?;
                if !matches!(outcome, Outcome::Unchanged(_) | Outcome::NeedsVector) && change < next {
                    change = next;
                    t.execute("UPDATE counter SET change = ?1", [next])?;
                }
                outcomes.push(outcome);
            }
            Ok(Written { outcomes, change })
        })
    }

    /// The hashes of those papers that are there.
    pub fn fingerprints(&self, ids: &[&PaperId]) -> Result<HashMap<PaperId, Fingerprints>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT text_hash, hash FROM papers WHERE id = ?1")?;
            let mut found = HashMap::new();
            for id in ids {
                let prints = |r: &rusqlite::Row<'_>| Ok(Fingerprints { text: r.get(0)?, all: r.get(1)? });
                if let Some(f) = find.query_row([id.as_str()], prints).optional()? {
                    found.insert((*id).clone(), f);
                }
            }
            Ok(found)
        })
    }

    /// A paper and its row.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its text is not what was written.
    pub fn paper(&self, id: &str) -> Result<Option<(Row, Paper)>> {
        let found = self.read(|c| {
            let mut find = c.prepare_cached("SELECT row, json, hash, id FROM papers WHERE id = ?1")?;
            find.query_row([id], |r| Ok((Row(r.get(0)?), whole_paper_at(r, 1)?))).optional()
        })?;
        match found {
            None => Ok(None),
            Some((row, Ok(paper))) => Ok(Some((row, paper))),
            Some((_, Err(id))) => Err(self.damaged_paper(&id)),
        }
    }

    /// The papers of some rows, in their order; rows that are gone are passed over, and so are those that are damaged, which
    /// is told ([`Store::troubles`]).
    pub fn papers(&self, rows: &[Row]) -> Result<Vec<(Row, Paper)>> {
        let found = self.read(|c| {
            let mut find = c.prepare_cached("SELECT json, hash, id FROM papers WHERE row = ?1")?;
            let mut papers = Vec::with_capacity(rows.len());
            for row in rows {
                if let Some(paper) = find.query_row([row.0], |r| whole_paper_at(r, 0)).optional()? {
                    papers.push((*row, paper));
                }
            }
            Ok(papers)
        })?;
        Ok(self.whole(found))
    }

    /// Those that are whole; of the others it is remembered that they are not.
    pub(super) fn whole(&self, found: Vec<(Row, Checked)>) -> Vec<(Row, Paper)> {
        let one = |(row, paper): (Row, Checked)| match paper {
            Ok(paper) => Some((row, paper)),
            Err(id) => {
                self.damaged_paper(&id);
                None
            }
        };
        found.into_iter().filter_map(one).collect()
    }

    fn damaged_paper(&self, id: &str) -> Error {
        self.damaged_too(format!("the paper {id:?}"));
        Error::Damaged(format!("the paper {id:?} is damaged in the database; /readyz and `paperkin doctor` say more"))
    }

    /// The rows of all papers.
    pub fn rows_of_all(&self) -> Result<RoaringBitmap> {
        self.read(|c| {
            // Through an index: the table itself holds the texts, which are a hundred times as long.
            let mut select = c.prepare_cached("SELECT row FROM papers INDEXED BY papers_by_day")?;
            let rows = select.query_map([], |r| r.get::<_, u32>(0))?;
            rows.collect::<rusqlite::Result<RoaringBitmap>>()
        })
    }

    /// The rows of some papers, in their order; `None` where there is no such paper.
    pub fn rows(&self, ids: &[&PaperId]) -> Result<Vec<Option<Row>>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT row FROM papers WHERE id = ?1")?;
            ids.iter().map(|id| find.query_row([id.as_str()], |r| Ok(Row(r.get(0)?))).optional()).collect()
        })
    }

    /// The days of some rows ([`Paper::day`]), where known, and the newest of all papers that is not after `clock`; `clock`
    /// where there are only such.
    pub fn days(&self, rows: &[Row], clock: i32) -> Result<(HashMap<Row, i32>, Option<i32>)> {
        self.read(|c| {
            let mut newest = c.prepare_cached(
                "SELECT coalesce((SELECT max(day) FROM papers WHERE day <= ?1), min(?1, (SELECT max(day) FROM papers)))",
            )?;
            let newest = newest.query_row([clock], |r| r.get(0))?;
            let mut find = c.prepare_cached("SELECT day FROM papers WHERE row = ?1")?;
            let mut days = HashMap::new();
            for row in rows {
                if let Some(Some(day)) = find.query_row([row.0], |r| r.get::<_, Option<i32>>(0)).optional()? {
                    days.insert(*row, day);
                }
            }
            Ok((days, newest))
        })
    }

    /// Up to `n` papers in the order of their rows, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::Damaged`] when one is not what was written: a copy without it would not be whole.
    pub fn papers_after(&self, after: Option<Row>, n: usize) -> Result<Vec<(Row, Paper)>> {
        self.read(|c| {
            let sql = "SELECT row, json, hash, id FROM papers WHERE row > ?1 ORDER BY row LIMIT ?2";
            let mut select = c.prepare_cached(sql)?;
            let after = after.map_or(-1, |r| i64::from(r.0));
            let found: Vec<(Row, Checked)> = select
                .query_map(params![after, n], |r| Ok((Row(r.get(0)?), whole_paper_at(r, 1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(found)
        })
        .and_then(|found| match found.iter().find_map(|(_, paper)| paper.as_ref().err()) {
            Some(id) => Err(self.damaged_paper(id)),
            None => Ok(self.whole(found)),
        })
    }

    /// The ids of up to `n` papers in the order of their rows, from the one behind `after` on.
    pub fn ids_after(&self, after: Option<Row>, n: usize) -> Result<Vec<(Row, PaperId)>> {
        self.read(|c| {
            let mut select = c.prepare_cached("SELECT row, id FROM papers WHERE row > ?1 ORDER BY row LIMIT ?2")?;
            let after = after.map_or(-1, |r| i64::from(r.0));
            let id = |r: &rusqlite::Row<'_>| PaperId::new(r.get::<_, String>(1)?).map_err(|e| unreadable(1, e));
            select.query_map(params![after, n], |r| Ok((Row(r.get(0)?), id(r)?)))?.collect()
        })
    }

    /// What came, changed and went since a change number. What is committed meanwhile may be in it, and is in the next one
    /// all the same: nothing is missed.
    pub fn changes_since(&self, from: u64) -> Result<ChangedRows> {
        self.read(|c| {
            let to = c.prepare_cached("SELECT change FROM counter")?.query_row([], |r| r.get(0))?;
            let rows = |sql: &str| -> rusqlite::Result<RoaringBitmap> {
                c.prepare_cached(sql)?.query_map([from], |r| r.get::<_, u32>(0))?.collect()
            };
            // From the index alone: the table holds the texts, and mostly little has changed.
            let came = rows("SELECT row FROM papers INDEXED BY papers_by_change WHERE change > ?1")?;
            // Last: a row that was read above and is gone by now is among these.
            let gone = rows("SELECT row FROM removed WHERE change > ?1")?;
            Ok(ChangedRows { to, came: came - &gone, gone })
        })
    }

    /// Takes a paper away with its vectors. `None` when there is none.
    pub fn delete(&self, id: &PaperId) -> Result<Option<Row>> {
        self.write(|t| {
            let found: Option<u32> =
                t.query_row("SELECT row FROM papers WHERE id = ?1", [id.as_str()], |r| r.get(0)).optional()?;
            if let Some(row) = found {
                let change: u64 =
                    t.query_row("UPDATE counter SET change = change + 1 RETURNING change", [], |r| r.get(0))?;
                remove(t, row, change)?;
            }
            Ok(found.map(Row))
        })
    }
}

fn put_one(
    t: &Transaction<'_>,
    paper: &Paper,
    vector: Option<&[f32]>,
    model: i64,
    change: u64,
) -> rusqlite::Result<Outcome> {
    let prints = Fingerprints::of(paper);
    let old: Option<(u32, [u8; 16], [u8; 16])> = t
        .prepare_cached("SELECT row, text_hash, hash FROM papers WHERE id = ?1")?
        .query_row([paper.id.as_str()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    let old = match old {
        Some((row, _, all)) if all == prints.all => return Ok(Outcome::Unchanged(Row(row))),
        old => old.map(|(row, text, _)| (row, text == prints.text)),
    };
    // Only a changed text needs another row.
    let (kept, gone) = match old {
        Some((row, true)) => (Some(row), None),
        Some((row, false)) => (None, Some(row)),
        None => (None, None),
    };
    if kept.is_none() && vector.is_none() {
        return Ok(Outcome::NeedsVector);
    }
    if let Some(row) = gone {
        remove(t, row, change)?;
    }
    let row = Row(write_one(t, paper, &prints, kept, change)?);
    if let Some(vector) = vector.filter(|_| kept.is_none()) {
        vectors::put(t, model, &prints.text, vector)?;
    }
    Ok(match (kept, gone) {
        (Some(_), _) => Outcome::Updated(row),
        (None, Some(old)) => Outcome::Replaced { old: Row(old), new: row },
        (None, None) => Outcome::New(row),
    })
}

/// Writes a paper in the row that it keeps, or in a new one; gives the row.
pub fn write_one(
    t: &Transaction<'_>,
    paper: &Paper,
    prints: &Fingerprints,
    kept: Option<u32>,
    change: u64,
) -> rusqlite::Result<u32> {
    t.prepare_cached(if kept.is_some() { UPDATE } else { INSERT })?.execute(params![
        paper.id.as_str(),
        prints.text,
        prints.all,
        to_json(paper),
        paper.day(),
        paper.list_day(),
        paper.upvotes.unwrap_or(0),
        trending(paper, today(t, paper)?),
        change
    ])?;
    let row = match kept {
        Some(row) => row,
        None => u32::try_from(t.last_insert_rowid()).map_err(|e| unreadable(0, e))?,
    };
    put_names(t, row, paper)?;
    works::put(t, row, paper)?;
    Ok(row)
}

const INSERT: &str = "INSERT INTO papers (id, text_hash, hash, json, day, list_day, upvotes, trending, change)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const UPDATE: &str = "UPDATE papers SET hash = ?3, json = ?4, day = ?5, list_day = ?6, upvotes = ?7, trending = ?8,
    change = ?9 WHERE id = ?1 AND text_hash = ?2";

pub fn remove(t: &Transaction<'_>, row: u32, change: u64) -> rusqlite::Result<()> {
    let text = t
        .prepare_cached("DELETE FROM papers WHERE row = ?1 RETURNING text_hash")?
        .query_row([row], |r| r.get::<_, [u8; 16]>(0))?;
    vectors::drop_unused(t, &text)?;
    t.prepare_cached("INSERT INTO removed (row, change) VALUES (?1, ?2)")?.execute(params![row, change])?;
    Ok(())
}

/// Writes the names of a row anew.
pub fn put_names(t: &Transaction<'_>, row: u32, paper: &Paper) -> rusqlite::Result<()> {
    for (table, names) in [("authors", &paper.authors), ("categories", &paper.categories)] {
        t.prepare_cached(&format!("DELETE FROM {table} WHERE row = ?1"))?.execute([row])?;
        let mut insert = t.prepare_cached(&format!("INSERT OR IGNORE INTO {table} (name, row) VALUES (?1, ?2)"))?;
        for name in names {
            insert.execute(params![folded(name), row])?;
        }
    }
    Ok(())
}

/// How names of authors and categories are compared: lower case, single spaces, without accents.
pub fn folded(name: &str) -> String {
    unaccented(name)
}

/// Attention weighed against age: twice the votes and comments are worth two days. It needs no "now", so it is stored
/// once and the order it gives never has to be brought up to date (the idea of Reddit's "hot", with our own constants).
/// A day after `today` counts as today.
pub fn trending(paper: &Paper, today: i32) -> f64 {
    (1.0 + paper.attention()).log2() + f64::from(paper.list_day().unwrap_or(0).min(today)) / 2.0
}

/// The day that counts as today for a paper that is written: for one that is ahead of the clock the newest day of the corpus
/// that is not. Only those ask for it.
fn today(t: &Transaction<'_>, paper: &Paper) -> rusqlite::Result<i32> {
    let clock = Moment::now().day();
    if paper.list_day().is_none_or(|day| day <= clock) {
        return Ok(clock);
    }
    let newest: Option<i32> =
        t.prepare_cached("SELECT max(list_day) FROM papers WHERE list_day <= ?1")?.query_row([clock], |r| r.get(0))?;
    Ok(newest.unwrap_or(clock))
}

pub fn short_hash(bytes: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    out
}

pub fn to_json(paper: &Paper) -> String {
    // A paper holds texts, numbers and JSON values under text keys: writing it cannot fail.
    serde_json::to_string(paper).unwrap_or_default()
}

/// A paper, or the id of one whose text is not what was written.
pub type Checked = std::result::Result<Paper, String>;

/// A paper whose text stands in a column, with its hash and its id in the two behind; compared with its hash.
pub fn whole_paper_at(r: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Checked> {
    let (text, hash) = (r.get_ref(column)?.as_bytes(), r.get_ref(column + 1)?.as_blob());
    if matches!((text, hash), (Ok(text), Ok(hash)) if hash == short_hash(text)) {
        return paper_at(r, column).map(Ok);
    }
    let id = r.get_ref(column + 2)?.as_bytes().unwrap_or_default();
    Ok(Err(crate::paper::head(&String::from_utf8_lossy(id), 80)))
}

pub fn paper_at(r: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Paper> {
    let text = r.get_ref(column)?.as_str().map_err(|e| unreadable(column, e))?;
    Paper::stored(text).map_err(|e| unreadable(column, e))
}
