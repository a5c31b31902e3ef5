//! What sources say of papers, and the papers made of it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::papers::{paper_at, put_one, remove};
use super::{SqliteStore, unreadable, works};
use crate::error::Result;
use crate::paper::PaperId;
use crate::paper::Row;
use crate::store::papers::to_json;
use crate::store::{
    BY_HAND, KnownRecord, MergedPaper, MergedWritten, PaperWritten, Records, SourceRecord, SourceState,
};
use crate::user::Moment;

impl Records for SqliteStore {
    fn known_records(&self, source: &str, keys: &[&str]) -> Result<HashMap<String, KnownRecord>> {
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT paper, hash, gone FROM records WHERE source = ?1 AND key = ?2")?;
            let mut known = HashMap::new();
            for key in keys {
                let one = |r: &rusqlite::Row<'_>| {
                    let paper: Option<String> = r.get(0)?;
                    let paper = paper.map(|id| PaperId::new(id).map_err(|e| unreadable(0, e))).transpose()?;
                    Ok(KnownRecord { paper, hash: r.get(1)?, gone: r.get(2)? })
                };
                if let Some(record) = find.query_row([source, key], one).optional()? {
                    known.insert((*key).to_string(), record);
                }
            }
            Ok(known)
        })
    }

    fn any_is_buried(&self, keys: &[&str]) -> Result<bool> {
        self.read(|c| {
            let sql = "SELECT EXISTS (SELECT 1 FROM records WHERE key = ?1 AND paper IS NULL)";
            let mut find = c.prepare_cached(sql)?;
            for key in keys {
                if find.query_row([key], |r| r.get(0))? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    fn records_of(&self, ids: &[&PaperId]) -> Result<HashMap<PaperId, Vec<SourceRecord>>> {
        self.read(|c| {
            let mut all = HashMap::new();
            // Most folders have none.
            if !any(c)? {
                return Ok(all);
            }
            let mut find = c.prepare_cached(
                "SELECT r.source, r.kind, r.key, r.since, r.gone, coalesce(r.json, p.json)
                 FROM records r JOIN papers p ON p.id = r.paper WHERE r.paper = ?1 ORDER BY r.source, r.key",
            )?;
            for id in ids {
                let one = |r: &rusqlite::Row<'_>| {
                    Ok(SourceRecord {
                        source: r.get(0)?,
                        kind: r.get(1)?,
                        key: r.get(2)?,
                        since: Moment(r.get(3)?),
                        gone: r.get(4)?,
                        paper: paper_at(r, 5)?,
                    })
                };
                let records: Vec<SourceRecord> =
                    find.query_map([id.as_str()], one)?.collect::<rusqlite::Result<_>>()?;
                if !records.is_empty() {
                    all.insert((*id).clone(), records);
                }
            }
            Ok(all)
        })
    }

    fn put_merged(&self, papers: &[MergedPaper<'_>], fingerprint: &str) -> Result<MergedWritten> {
        self.write(|t| {
            let model: i64 =
                t.query_row("SELECT model FROM models WHERE fingerprint = ?1", [fingerprint], |r| r.get(0))?;
            let before: u64 = t.query_row("SELECT change FROM counter", [], |r| r.get(0))?;
            let mut written =
                MergedWritten { papers: Vec::with_capacity(papers.len()), gone: Vec::new(), change: before };
            for merged in papers {
                let (one, touched) = put_merged(t, merged, model, before + 1, &mut written.gone)?;
                let changed = touched || !matches!(one, PaperWritten::Unchanged(_) | PaperWritten::NeedsVector);
                if (changed || !written.gone.is_empty()) && written.change == before {
                    written.change = before + 1;
                    t.execute("UPDATE counter SET change = ?1", [written.change])?;
                }
                written.papers.push(one);
            }
            Ok(written)
        })
    }

    fn source_state(&self, name: &str) -> Result<SourceState> {
        self.read(|c| {
            let of = |r: &rusqlite::Row<'_>| {
                let succeeded: Option<i64> = r.get(2)?;
                Ok(SourceState { place: r.get(0)?, records: r.get(1)?, succeeded: succeeded.map(Moment) })
            };
            let mut find = c.prepare_cached("SELECT place, records, succeeded FROM sources WHERE name = ?1")?;
            Ok(find.query_row([name], of).optional()?.unwrap_or_default())
        })
    }

    fn set_source_place(&self, name: &str, place: &str) -> Result<()> {
        self.write(|t| {
            t.prepare_cached(
                "INSERT INTO sources (name, place) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET place = excluded.place",
            )?
            .execute([name, place])
            .map(drop)
        })
    }

    fn set_source_succeeded(&self, name: &str, at: Moment) -> Result<()> {
        self.write(|t| {
            t.prepare_cached(
                "INSERT INTO sources (name, succeeded) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET succeeded = excluded.succeeded",
            )?
            .execute(params![name, at.0])
            .map(drop)
        })
    }
}

/// Whether there is any record.
pub fn any(c: &Connection) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT EXISTS (SELECT 1 FROM records)")?.query_row([], |r| r.get(0))
}

/// Whether a paper has records.
pub fn has(c: &Connection, id: &str) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE paper = ?1)")?.query_row([id], |r| r.get(0))
}

/// The paper that had this id before.
pub fn of_former(c: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    c.prepare_cached("SELECT paper FROM former_ids WHERE id = ?1")?.query_row([id], |r| r.get(0)).optional()
}

/// What sources say of a paper that is taken away by hand is forgotten, but for that they do.
pub fn bury(t: &Transaction<'_>, id: &PaperId) -> rusqlite::Result<()> {
    let id = id.as_str();
    t.prepare_cached("DELETE FROM records WHERE paper = ?1 AND source = ?2")?.execute([id, BY_HAND])?;
    t.prepare_cached("UPDATE records SET paper = NULL, json = NULL WHERE paper = ?1")?.execute([id])?;
    t.prepare_cached("DELETE FROM former_ids WHERE paper = ?1")?.execute([id]).map(drop)
}

/// Writes a paper with its records; also gives whether a paper that stays as it is has other sources now.
fn put_merged(
    t: &Transaction<'_>,
    merged: &MergedPaper<'_>,
    model: i64,
    change: u64,
    gone: &mut Vec<Row>,
) -> rusqlite::Result<(PaperWritten, bool)> {
    let nothing = Ok((PaperWritten::NeedsVector, false));
    let mut find = t.prepare_cached("SELECT row, hash, text_hash FROM papers WHERE id = ?1")?;
    let mut of = |id: &str| {
        let found =
            |r: &rusqlite::Row<'_>| Ok((r.get::<_, u32>(0)?, r.get::<_, [u8; 16]>(1)?, r.get::<_, [u8; 16]>(2)?));
        find.query_row([id], found).optional()
    };
    for (id, seen) in merged.seen {
        if of(id.as_str())?.map(|(_, hash, _)| hash) != *seen {
            return nothing;
        }
    }
    let id = merged.paper.id.as_str();
    if merged.records.is_empty() && has(t, id)? {
        return nothing;
    }
    // The row that it would keep has another text: looked at before anything is changed.
    let mut lends = of(id)?;
    for other in merged.absorbs {
        if lends.is_none() {
            lends = of(other.as_str())?;
        }
    }
    let text = crate::store::Fingerprints::of(merged.paper).text;
    if merged.vector.is_none() && lends.is_none_or(|(_, _, known)| known != text) {
        return nothing;
    }
    for other in merged.absorbs {
        let other = other.as_str();
        match (of(id)?, of(other)?) {
            (None, Some(_)) => {
                t.prepare_cached("UPDATE papers SET id = ?2 WHERE id = ?1")?.execute([other, id])?;
            }
            (Some(_), Some((row, ..))) => {
                // It is as old as the oldest of what it was made of.
                t.prepare_cached(
                    "UPDATE papers SET arrived = min(arrived, (SELECT arrived FROM papers WHERE row = ?2)) WHERE id = ?1",
                )?
                .execute(params![id, row])?;
                remove(t, row, change)?;
                gone.push(Row(row));
            }
            (_, None) => {}
        }
        t.prepare_cached("UPDATE former_ids SET paper = ?2 WHERE paper = ?1")?.execute([other, id])?;
        t.prepare_cached("INSERT OR REPLACE INTO former_ids (id, paper) VALUES (?1, ?2)")?.execute([other, id])?;
        t.prepare_cached("UPDATE records SET paper = ?2 WHERE paper = ?1")?.execute([other, id])?;
        t.prepare_cached("UPDATE OR REPLACE had_papers SET paper = ?2 WHERE paper = ?1")?.execute([other, id])?;
    }
    t.prepare_cached("DELETE FROM former_ids WHERE id = ?1")?.execute([id])?;
    let written = put_one(t, merged.paper, merged.vector, model, change)?;
    if let PaperWritten::New(row)
    | PaperWritten::Replaced { new: row, .. }
    | PaperWritten::Updated(row)
    | PaperWritten::Unchanged(row) = written
    {
        let others = put_records(t, merged, change)? || !merged.absorbs.is_empty();
        merged.records.iter().try_for_each(|record| works::also(t, row.0, &record.paper, merged.paper))?;
        if others && matches!(written, PaperWritten::Unchanged(_)) {
            // Its sources are a part of what is known of it: whoever follows looks at it again.
            t.prepare_cached("UPDATE papers SET change = ?1 WHERE row = ?2")?.execute(params![change, row.0])?;
            return Ok((written, true));
        }
    }
    Ok((written, false))
}

/// Writes the records of a paper; gives whether one of them is new to it. One that says what the paper says has no text of its own.
/// Whoever follows looks again at a paper that one of them was of before: it has other sources now.
fn put_records(t: &Transaction<'_>, merged: &MergedPaper<'_>, change: u64) -> rusqlite::Result<bool> {
    let own = to_json(merged.paper);
    let mut new = false;
    for record in merged.records {
        let json = to_json(&record.paper);
        let of: Option<Option<String>> = t
            .prepare_cached("SELECT paper FROM records WHERE source = ?1 AND key = ?2")?
            .query_row([&record.source, &record.key], |r| r.get(0))
            .optional()?;
        let known = of.is_some();
        let of = of.flatten();
        let is_new = of.as_deref() != Some(merged.paper.id.as_str());
        if let Some(other) = of.filter(|_| is_new) {
            t.prepare_cached("UPDATE papers SET change = ?1 WHERE id = ?2")?.execute(params![change, other])?;
        }
        new |= is_new;
        if !known && record.source != BY_HAND {
            t.prepare_cached(
                "INSERT INTO sources (name, records) VALUES (?1, 1)
                 ON CONFLICT (name) DO UPDATE SET records = records + 1",
            )?
            .execute([&record.source])?;
        }
        t.prepare_cached(
            "INSERT INTO records (source, key, kind, paper, hash, since, gone, json)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (source, key) DO UPDATE SET kind = excluded.kind, paper = excluded.paper, hash = excluded.hash,
                 since = excluded.since, gone = excluded.gone, json = excluded.json",
        )?
        .execute(params![
            record.source,
            record.key,
            record.kind,
            merged.paper.id.as_str(),
            record.hash(),
            record.since.0,
            record.gone,
            (json != own).then_some(json)
        ])?;
    }
    Ok(new)
}
