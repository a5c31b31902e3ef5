//! Vectors and the models that made them.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, Transaction, params};

use super::papers::paper_at;
use super::{SqliteStore, limit};
use crate::error::{Error, Result};
use crate::paper::{Paper, Row};
use crate::store::{Fingerprints, Papers, StoredModel, Vectors};

/// A paper `p` whose text has no vector of the model with this fingerprint.
const LACKING: &str = "NOT EXISTS (SELECT 1 FROM vectors v WHERE v.text_hash = p.text_hash
    AND v.model = (SELECT model FROM models WHERE fingerprint = ?1))";

impl Vectors for SqliteStore {
    fn current_model(&self) -> Result<Option<StoredModel>> {
        self.read(|c| {
            c.query_row(
                "SELECT name, fingerprint, dimension, source, precision FROM models WHERE current = 1",
                [],
                |r| {
                    Ok(StoredModel {
                        name: r.get(0)?,
                        fingerprint: r.get(1)?,
                        dimension: r.get(2)?,
                        source: r.get(3)?,
                        precision: r.get(4)?,
                    })
                },
            )
            .optional()
        })
    }

    fn set_current_model(&self, model: &StoredModel) -> Result<()> {
        self.write(|t| {
            add(t, model)?;
            t.execute("UPDATE models SET current = (fingerprint = ?1)", [&model.fingerprint])?;
            Ok(())
        })
    }

    fn put_vectors(&self, model: &StoredModel, vectors: &[(&Paper, Vec<f32>)]) -> Result<()> {
        self.write(|t| {
            let number = add(t, model)?;
            let mut wanted = t.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM papers WHERE text_hash = ?1)
                 OR EXISTS (SELECT 1 FROM outside WHERE text_hash = ?1)",
            )?;
            for (paper, vector) in vectors {
                let text = Fingerprints::of(paper).text;
                if wanted.query_row([text], |r| r.get(0))? {
                    put(t, number, &text, vector)?;
                }
            }
            Ok(())
        })
    }

    fn known_vectors(&self, model: &StoredModel, papers: &[&Paper]) -> Result<Vec<Option<Vec<f32>>>> {
        let bytes: Vec<Option<Vec<u8>>> = self.read(|c| {
            let mut find = c.prepare_cached(
                "SELECT vector FROM vectors JOIN models USING (model) WHERE fingerprint = ?1 AND text_hash = ?2",
            )?;
            let one = |p: &&Paper| {
                find.query_row(params![model.fingerprint, Fingerprints::of(p).text], |r| r.get(0)).optional()
            };
            papers.iter().map(one).collect()
        })?;
        let read = |(bytes, paper): (Option<Vec<u8>>, &&Paper)| match bytes {
            None => Ok(None),
            Some(b) => from_bytes(&b, model.dimension).map(Some).ok_or_else(|| self.damaged(paper.id.as_str())),
        };
        bytes.into_iter().zip(papers).map(read).collect()
    }

    fn count_without_vector(&self, model: &StoredModel) -> Result<usize> {
        self.read(|c| {
            let sql = format!("SELECT count(*) FROM papers p WHERE {LACKING}");
            c.query_row(&sql, [&model.fingerprint], |r| r.get(0))
        })
    }

    fn papers_without_vector(&self, model: &StoredModel, after: Option<Row>, n: usize) -> Result<Vec<(Row, Paper)>> {
        let sql = format!("SELECT p.row, p.json FROM papers p WHERE {LACKING} AND p.row > ?2 ORDER BY p.row LIMIT ?3");
        self.read(|c| {
            let mut select = c.prepare_cached(&sql)?;
            let after = after.map_or(-1, |r| i64::from(r.0));
            let papers = select
                .query_map(params![model.fingerprint, after, limit(n)], |r| Ok((Row(r.get(0)?), paper_at(r, 1)?)))?;
            papers.collect()
        })
    }

    fn vectors_of(
        &self,
        model: &StoredModel,
        rows: &RoaringBitmap,
        f: &mut dyn FnMut(Row, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let all = self.count_papers()? as u64;
        let mut give = |row: u32, bytes: &[u8], id: &str| match from_bytes(bytes, model.dimension) {
            Some(vector) => f(Row(row), &vector),
            None => Err(self.damaged(id)),
        };
        // Many are read faster in the order they lie in.
        let many = rows.len() * 4 > all;
        let spans: Vec<(u32, u32)> =
            if many { vec![(0, u32::MAX)] } else { rows.iter().map(|row| (row, row)).collect() };
        self.read(|c| {
            let mut select = c.prepare_cached(&joined(many))?;
            for (first, last) in spans {
                let mut found = select.query(params![model.fingerprint, first, last])?;
                while let Some(r) = found.next()? {
                    let row: u32 = r.get(0)?;
                    if !rows.contains(row) {
                        continue;
                    }
                    let id = r.get_ref(2)?.as_str().unwrap_or_default();
                    if let Err(e) = give(row, r.get_ref(1)?.as_blob().unwrap_or_default(), id) {
                        return Ok(Err(e));
                    }
                }
            }
            Ok(Ok(()))
        })?
    }
}

impl SqliteStore {
    fn damaged(&self, id: &str) -> Error {
        Error::Data(format!(
            "{}: the vector of {id:?} is damaged. Put a copy of the database back, or ingest into a new folder",
            self.path.display()
        ))
    }
}

/// The statement that gives vectors of a span of rows. Of few rows each is found on its own: CROSS is SQLite's word for
/// going through the rows first; without it all vectors of the model are read for every one.
fn joined(many: bool) -> String {
    let join = if many { "JOIN" } else { "CROSS JOIN" };
    format!(
        "SELECT p.row, v.vector, p.id FROM papers p {join} vectors v USING (text_hash)
         WHERE v.model = (SELECT model FROM models WHERE fingerprint = ?1) AND p.row BETWEEN ?2 AND ?3 ORDER BY p.row"
    )
}

/// Makes a model known (where it can be found may have changed) and gives its number.
pub fn add(t: &Transaction<'_>, model: &StoredModel) -> rusqlite::Result<i64> {
    t.query_row(
        "INSERT INTO models (fingerprint, name, dimension, source, precision, current) VALUES (?1, ?2, ?3, ?4, ?5, 0)
         ON CONFLICT (fingerprint) DO UPDATE SET name = ?2, source = ?4 RETURNING model",
        params![model.fingerprint, model.name, model.dimension, model.source, model.precision],
        |r| r.get(0),
    )
}

/// Keeps the vector of a text. The same text gives the same vector, so one that is there stays.
pub fn put(t: &Transaction<'_>, model: i64, text_hash: &[u8; 16], vector: &[f32]) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT OR IGNORE INTO vectors (model, text_hash, vector) VALUES (?1, ?2, ?3)")?
        .execute(params![model, text_hash, to_bytes(vector)])?;
    Ok(())
}

/// Drops the vectors of a text that no paper has any more, nor a library.
pub fn drop_unused(t: &Transaction<'_>, text_hash: &[u8; 16]) -> rusqlite::Result<()> {
    t.prepare_cached(
        "DELETE FROM vectors WHERE model IN (SELECT model FROM models) AND text_hash = ?1
         AND NOT EXISTS (SELECT 1 FROM papers WHERE text_hash = ?1)
         AND NOT EXISTS (SELECT 1 FROM outside WHERE text_hash = ?1)",
    )?
    .execute([text_hash])?;
    Ok(())
}

fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8], dimension: usize) -> Option<Vec<f32>> {
    let v: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    (bytes.len() == 4 * dimension && v.iter().all(|x| x.is_finite())).then_some(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::fixture;

    /// A few rows are found by themselves, however many vectors there are.
    #[test]
    fn a_row_is_not_looked_for_among_all_vectors() {
        let (_folder, store) = fixture::store();
        let plan: Vec<String> = store
            .read(|c| {
                let mut explain = c.prepare(&format!("EXPLAIN QUERY PLAN {}", joined(false)))?;
                explain.query_map(params![fixture::MODEL, 7, 7], |r| r.get(3))?.collect()
            })
            .expect("a plan");
        let plan = plan.join("; ");
        assert!(plan.contains("SEARCH p USING INTEGER PRIMARY KEY"), "{plan}");
        assert!(plan.contains("(model=? AND text_hash=?)") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}
