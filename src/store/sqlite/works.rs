//! Works: which rows share a key and so are versions of one, and which rows a key names.

use rusqlite::{Connection, Transaction, params};

use super::papers::paper_at;
use super::{SqliteStore, limit};
use crate::error::Result;
use crate::paper::{Paper, Row};
use crate::store::Works;

/// Papers a transaction while keys are added to a folder that has none yet.
const BATCH: usize = 4096;

impl Works for SqliteStore {
    fn works(&self) -> Result<Vec<Vec<Row>>> {
        self.read(|c| {
            let mut select = c.prepare(
                "SELECT DISTINCT row FROM works WHERE key IN (SELECT key FROM works GROUP BY key HAVING count(*) > 1)
                 ORDER BY row",
            )?;
            let rows: Vec<u32> = select.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
            let mut seen = std::collections::HashSet::new();
            let mut works = Vec::new();
            for row in rows {
                if !seen.contains(&Row(row)) {
                    let versions = versions(c, row)?;
                    seen.extend(versions.iter().copied());
                    works.push(versions);
                }
            }
            Ok(works)
        })
    }

    fn versions(&self, rows: &[Row]) -> Result<Vec<Vec<Row>>> {
        self.read(|c| rows.iter().map(|row| versions(c, row.0)).collect())
    }

    fn rows_of_key(&self, key: &str) -> Result<Vec<Row>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT row FROM works WHERE key = ?1 ORDER BY newness DESC, row DESC")?;
            find.query_map([key], |r| Ok(Row(r.get(0)?)))?.collect()
        })
    }

    fn rows_of_title(&self, title: &str) -> Result<Vec<Row>> {
        self.read(|c| {
            let mut find = c.prepare_cached(
                "SELECT DISTINCT row FROM works WHERE key >= 'title:' || ?1 || '|' AND key < 'title:' || ?1 || '}'
                 ORDER BY newness DESC, row DESC LIMIT 10",
            )?;
            find.query_map([title], |r| Ok(Row(r.get(0)?)))?.collect()
        })
    }

    fn rows_of_titles_beginning(&self, begin: &str, most: usize) -> Result<Vec<Row>> {
        self.read(|c| {
            // Behind the last character that there is stands nothing.
            let mut find = c.prepare_cached(
                "SELECT DISTINCT row FROM (SELECT key, row FROM works
                 WHERE key >= 'title:' || ?1 AND key < 'title:' || ?1 || char(1114111) ORDER BY key) LIMIT ?2",
            )?;
            find.query_map(params![begin, limit(most)], |r| Ok(Row(r.get(0)?)))?.collect()
        })
    }
}

fn versions(c: &Connection, row: u32) -> rusqlite::Result<Vec<Row>> {
    let mut of = c.prepare_cached(
        // Of the same title, unless the editions say that they are two works (`Edition::is_another_than`).
        "SELECT DISTINCT other.row, other.newness FROM works own JOIN works other ON other.key = own.key
         WHERE own.row = ?1 AND (own.doi IS NULL OR other.doi IS NULL OR own.doi = other.doi
             OR own.year IS NULL OR other.year IS NULL OR own.year = other.year)",
    )?;
    let (mut found, mut next): (Vec<(u32, i64)>, usize) = (Vec::new(), 0);
    let mut ask = Some(row);
    // A work may be known here by its id and there by its title; so on until nothing is added.
    while let Some(row) = ask {
        let shared: Vec<(u32, i64)> =
            of.query_map([row], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
        for one in shared {
            if !found.contains(&one) {
                found.push(one);
            }
        }
        ask = found.get(next).map(|(row, _)| *row);
        next += 1;
    }
    found.sort_by_key(|(row, newness)| std::cmp::Reverse((*newness, *row)));
    Ok(found.into_iter().map(|(row, _)| Row(row)).collect())
}

/// Writes the keys of a row anew.
pub fn put(t: &Transaction<'_>, row: u32, paper: &Paper) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM works WHERE row = ?1")?.execute([row])?;
    let mut insert =
        t.prepare_cached("INSERT OR IGNORE INTO works (key, row, newness, doi, year) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (key, edition) in paper.editions() {
        insert.execute(params![key, row, paper.newness(), edition.doi, edition.year])?;
    }
    Ok(())
}

/// Writes the keys of a record of a paper beside the paper's own.
pub fn also(t: &Transaction<'_>, row: u32, record: &Paper, of: &Paper) -> rusqlite::Result<()> {
    let mut insert =
        t.prepare_cached("INSERT OR IGNORE INTO works (key, row, newness, doi, year) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (key, edition) in record.editions() {
        insert.execute(params![key, row, of.newness(), edition.doi, edition.year])?;
    }
    Ok(())
}

/// Gives keys to the papers of a folder that was made before there were any.
pub fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    loop {
        let transaction = connection.transaction()?;
        let papers: Vec<(u32, Paper)> = {
            let mut select = transaction.prepare_cached(
                "SELECT row, json FROM papers p WHERE NOT EXISTS (SELECT 1 FROM works w WHERE w.row = p.row)
                 ORDER BY row LIMIT ?1",
            )?;
            select.query_map([BATCH], |r| Ok((r.get(0)?, paper_at(r, 1)?)))?.collect::<rusqlite::Result<_>>()?
        };
        for (row, paper) in &papers {
            put(&transaction, *row, paper)?;
        }
        transaction.commit()?;
        if papers.len() < BATCH {
            return Ok(());
        }
    }
}
