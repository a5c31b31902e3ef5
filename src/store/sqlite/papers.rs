//! Papers in and out.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{SqliteStore, limit, records, unreadable, vectors, works};
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId, Row, unaccented};
use crate::store::lists::trending;
use crate::store::papers::{short_hash, to_json};
use crate::store::{ChangedRows, DayAndVotes, Fingerprints, FirstCategory, PaperWritten, Papers, PapersWritten};
use crate::user::Moment;

impl Papers for SqliteStore {
    fn change(&self) -> Result<u64> {
        self.read(|c| c.prepare_cached("SELECT change FROM counter")?.query_row([], |r| r.get(0)))
    }

    fn count_papers(&self) -> Result<usize> {
        self.read(|c| c.prepare_cached("SELECT papers FROM counter")?.query_row([], |r| r.get(0)))
    }

    fn put_papers(&self, papers: &[(&Paper, Option<&[f32]>)], fingerprint: &str) -> Result<PapersWritten> {
        self.write(|t| {
            let model: i64 =
                t.query_row("SELECT model FROM models WHERE fingerprint = ?1", [fingerprint], |r| r.get(0))?;
            let mut written = Vec::with_capacity(papers.len());
            let mut change: u64 = t.query_row("SELECT change FROM counter", [], |r| r.get(0))?;
            let next = change + 1;
            let any = records::any(t)?;
            for (paper, vector) in papers {
                let one = match any && records::has(t, paper.id.as_str())? {
                    true => PaperWritten::NeedsVector,
                    false => put_one(t, paper, *vector, model, next)?,
                };
                if !matches!(one, PaperWritten::Unchanged(_) | PaperWritten::NeedsVector) && change < next {
                    change = next;
                    t.execute("UPDATE counter SET change = ?1", [next])?;
                }
                written.push(one);
            }
            Ok(PapersWritten { papers: written, change })
        })
    }

    fn fingerprints(&self, ids: &[&PaperId]) -> Result<HashMap<PaperId, Fingerprints>> {
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

    fn paper(&self, id: &str) -> Result<Option<(Row, Paper)>> {
        let found = self.read(|c| {
            let mut find = c.prepare_cached("SELECT row, json, hash, id FROM papers WHERE id = ?1")?;
            let mut of = |id: &str| find.query_row([id], |r| Ok((Row(r.get(0)?), whole_paper_at(r, 1)?))).optional();
            match of(id)? {
                None => records::of_former(c, id)?.map_or(Ok(None), |id| of(&id)),
                found => Ok(found),
            }
        })?;
        match found {
            None => Ok(None),
            Some((row, Ok(paper))) => Ok(Some((row, paper))),
            Some((_, Err(id))) => Err(self.damaged_paper(&id)),
        }
    }

    fn papers(&self, rows: &[Row]) -> Result<Vec<(Row, Paper)>> {
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

    fn rows_of_all(&self) -> Result<RoaringBitmap> {
        self.read(|c| {
            // Through an index: the table itself holds the texts, which are a hundred times as long.
            let mut select = c.prepare_cached("SELECT row FROM papers INDEXED BY papers_by_day")?;
            let rows = select.query_map([], |r| r.get::<_, u32>(0))?;
            rows.collect::<rusqlite::Result<RoaringBitmap>>()
        })
    }

    fn rows(&self, ids: &[&PaperId]) -> Result<Vec<Option<Row>>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT row FROM papers WHERE id = ?1")?;
            let mut of = |id: &str| find.query_row([id], |r| Ok(Row(r.get(0)?))).optional();
            let one = |id: &&PaperId| match of(id.as_str())? {
                None => records::of_former(c, id.as_str())?.map_or(Ok(None), |id| of(&id)),
                found => Ok(found),
            };
            ids.iter().map(one).collect()
        })
    }

    fn days(&self, rows: &[Row], clock: i32) -> Result<(HashMap<Row, i32>, Option<i32>)> {
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

    fn papers_after(&self, after: Option<Row>, n: usize) -> Result<Vec<(Row, Paper)>> {
        self.read(|c| {
            let sql = "SELECT row, json, hash, id FROM papers WHERE row > ?1 ORDER BY row LIMIT ?2";
            let mut select = c.prepare_cached(sql)?;
            let after = after.map_or(-1, |r| i64::from(r.0));
            let found: Vec<(Row, Checked)> = select
                .query_map(params![after, limit(n)], |r| Ok((Row(r.get(0)?), whole_paper_at(r, 1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(found)
        })
        .and_then(|found| match found.iter().find_map(|(_, paper)| paper.as_ref().err()) {
            Some(id) => Err(self.damaged_paper(id)),
            None => Ok(self.whole(found)),
        })
    }

    fn ids_after(&self, after: Option<Row>, n: usize) -> Result<Vec<(Row, PaperId)>> {
        self.read(|c| {
            let mut select = c.prepare_cached("SELECT row, id FROM papers WHERE row > ?1 ORDER BY row LIMIT ?2")?;
            let after = after.map_or(-1, |r| i64::from(r.0));
            let id = |r: &rusqlite::Row<'_>| PaperId::new(r.get::<_, String>(1)?).map_err(|e| unreadable(1, e));
            select.query_map(params![after, limit(n)], |r| Ok((Row(r.get(0)?), id(r)?)))?.collect()
        })
    }

    fn days_and_votes(&self, rows: &[Row]) -> Result<Vec<Option<DayAndVotes>>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT day, upvotes FROM papers WHERE row = ?1")?;
            rows.iter().map(|row| find.query_row([row.0], |r| Ok((r.get(0)?, r.get(1)?))).optional()).collect()
        })
    }

    fn first_categories(&self, since: u64) -> Result<(u64, Vec<FirstCategory>)> {
        self.read(|c| {
            let to = c.prepare_cached("SELECT change FROM counter")?.query_row([], |r| r.get(0))?;
            // All of them in the order in which they lie; a few by the index.
            let mut select = c.prepare_cached(match since {
                0 => "SELECT row, json FROM papers NOT INDEXED WHERE change > ?1",
                _ => "SELECT row, json FROM papers INDEXED BY papers_by_change WHERE change > ?1",
            })?;
            let first = |r: &rusqlite::Row<'_>| {
                Ok((Row(r.get(0)?), first_category(r.get_ref(1)?.as_bytes().unwrap_or_default())))
            };
            Ok((to, select.query_map([since], first)?.collect::<rusqlite::Result<_>>()?))
        })
    }

    fn ids(&self, rows: &[Row]) -> Result<Vec<Option<String>>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT id FROM papers WHERE row = ?1")?;
            rows.iter().map(|row| find.query_row([row.0], |r| r.get(0)).optional()).collect()
        })
    }

    fn changes_since(&self, change: u64) -> Result<ChangedRows> {
        self.read(|c| {
            let rows = |sql: &str| -> rusqlite::Result<RoaringBitmap> {
                c.prepare_cached(sql)?.query_map([change], |r| r.get::<_, u32>(0))?.collect()
            };
            let to = c.prepare_cached("SELECT change FROM counter")?.query_row([], |r| r.get(0))?;
            // From the index alone: the table holds the texts, and mostly little has changed.
            let came = rows("SELECT row FROM papers INDEXED BY papers_by_change WHERE change > ?1")?;
            let gone = rows("SELECT row FROM removed WHERE change > ?1")?;
            Ok(ChangedRows { to, came, gone })
        })
    }

    fn delete_paper(&self, id: &PaperId) -> Result<Option<Row>> {
        self.forget_soon(|t| {
            let found: Option<u32> =
                t.query_row("SELECT row FROM papers WHERE id = ?1", [id.as_str()], |r| r.get(0)).optional()?;
            if let Some(row) = found {
                let change: u64 =
                    t.query_row("UPDATE counter SET change = change + 1 RETURNING change", [], |r| r.get(0))?;
                remove(t, row, change)?;
                records::bury(t, id)?;
            }
            Ok(Ok(found.map(Row)))
        })
    }
}

impl SqliteStore {
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
}

/// Writes a paper, or finds that there is nothing to write.
pub fn put_one(
    t: &Transaction<'_>,
    paper: &Paper,
    vector: Option<&[f32]>,
    model: i64,
    change: u64,
) -> rusqlite::Result<PaperWritten> {
    let prints = Fingerprints::of(paper);
    let old: Option<(u32, [u8; 16], [u8; 16], u64)> = t
        .prepare_cached("SELECT row, text_hash, hash, arrived FROM papers WHERE id = ?1")?
        .query_row([paper.id.as_str()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .optional()?;
    let arrived = old.map_or(change, |(.., arrived)| arrived);
    let old = match old {
        Some((row, _, all, _)) if all == prints.all => return Ok(PaperWritten::Unchanged(Row(row))),
        old => old.map(|(row, text, ..)| (row, text == prints.text)),
    };
    // Only a changed text needs another row.
    let (kept, gone) = match old {
        Some((row, true)) => (Some(row), None),
        Some((row, false)) => (None, Some(row)),
        None => (None, None),
    };
    if kept.is_none() && vector.is_none() {
        return Ok(PaperWritten::NeedsVector);
    }
    if let Some(row) = gone {
        remove(t, row, change)?;
    }
    let row = Row(write_one(t, paper, &prints, kept, (change, arrived))?);
    if let Some(vector) = vector.filter(|_| kept.is_none()) {
        vectors::put(t, model, &prints.text, vector)?;
    }
    Ok(match (kept, gone) {
        (Some(_), _) => PaperWritten::Updated(row),
        (None, Some(old)) => PaperWritten::Replaced { old: Row(old), new: row },
        (None, None) => PaperWritten::New(row),
    })
}

/// Writes a paper in the row that it keeps, or in a new one; gives the row. `changes` are the one that this is, and the one with
/// which the paper first came.
pub fn write_one(
    t: &Transaction<'_>,
    paper: &Paper,
    prints: &Fingerprints,
    kept: Option<u32>,
    changes: (u64, u64),
) -> rusqlite::Result<u32> {
    t.prepare_cached(if kept.is_some() { UPDATE } else { INSERT })?.execute(params![
        paper.id.as_str(),
        prints.text,
        prints.all,
        to_json(paper),
        paper.day(),
        paper.list_day(),
        // One that was taken back leads no list of votes.
        paper.upvotes.filter(|_| paper.retirement().is_none()).unwrap_or(0),
        trending(paper, today(t, paper)?),
        changes.0,
        paper.retirement().is_some(),
        changes.1
    ])?;
    let row = match kept {
        Some(row) => row,
        None => u32::try_from(t.last_insert_rowid()).map_err(|e| unreadable(0, e))?,
    };
    put_names(t, row, paper)?;
    works::put(t, row, paper)?;
    Ok(row)
}

const INSERT: &str = "INSERT INTO papers (id, text_hash, hash, json, day, list_day, upvotes, trending, change, retired,
    arrived) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const UPDATE: &str = "UPDATE papers SET hash = ?3, json = ?4, day = ?5, list_day = ?6, upvotes = ?7, trending = ?8,
    change = ?9, retired = ?10, arrived = ?11 WHERE id = ?1 AND text_hash = ?2";

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
    let organization: Vec<String> = paper.organization.iter().cloned().collect();
    let of = [("authors", &paper.authors), ("categories", &paper.categories), ("organizations", &organization)];
    for (table, names) in of {
        t.prepare_cached(&format!("DELETE FROM {table} WHERE row = ?1"))?.execute([row])?;
        let mut insert = t.prepare_cached(&format!("INSERT OR IGNORE INTO {table} (name, row) VALUES (?1, ?2)"))?;
        for name in names {
            insert.execute(params![unaccented(name), row])?;
        }
    }
    Ok(())
}

/// The first category in the text of a paper, without reading the rest of it into anything.
fn first_category(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Categories {
        #[serde(default)]
        categories: Vec<String>,
    }
    serde_json::from_slice::<Categories>(json).ok()?.categories.into_iter().next()
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
