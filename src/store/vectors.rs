//! Vectors and the models that made them.

use rusqlite::{OptionalExtension, params};

use super::Store;
use crate::error::{Error, Result};
use crate::paper::Row;

/// A model as the store knows it. The same facts as `embed::Identity`, which this floor does not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredModel {
    /// The name a person knows it by.
    pub name: String,
    /// Which weights and settings, in hexadecimal.
    pub fingerprint: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// What opens it again.
    pub source: String,
    /// How its products were taken: `f32`, `bf16`, `int8`.
    pub precision: String,
}

impl Store {
    /// The model whose vectors the papers have; none before the first paper.
    pub fn current_model(&self) -> Result<Option<StoredModel>> {
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

    /// Makes a model the current one. Where it can be found may have changed since it was first used.
    pub fn set_current_model(&self, model: &StoredModel) -> Result<()> {
        self.write(|t| {
            t.execute("UPDATE models SET current = 0", [])?;
            t.execute(
                "INSERT INTO models (fingerprint, name, dimension, source, precision, current) VALUES (?1, ?2, ?3, ?4, ?5, 1)
                 ON CONFLICT (fingerprint) DO UPDATE SET name = ?2, source = ?4, current = 1",
                params![model.fingerprint, model.name, model.dimension, model.source, model.precision],
            )?;
            Ok(())
        })
    }

    /// How many vectors of a model there are.
    pub fn count_vectors(&self, fingerprint: &str) -> Result<usize> {
        self.read(|c| {
            c.query_row(
                "SELECT count(*) FROM vectors JOIN models USING (model) WHERE fingerprint = ?1",
                [fingerprint],
                |r| r.get(0),
            )
        })
    }

    /// Gives every vector of a model to `f`, in the order of the rows.
    ///
    /// # Errors
    /// [`Error::Data`] when a vector does not have `dimension` finite numbers; whatever `f` returns.
    pub fn each_vector(&self, model: &StoredModel, mut f: impl FnMut(Row, Vec<f32>) -> Result<()>) -> Result<()> {
        let mut failed = None;
        self.read(|c| {
            let mut select = c.prepare(
                "SELECT row, vector FROM vectors JOIN models USING (model) WHERE fingerprint = ?1 ORDER BY row",
            )?;
            let mut rows = select.query([&model.fingerprint])?;
            while let Some(r) = rows.next()? {
                let row = Row(r.get(0)?);
                let given = match from_bytes(r.get_ref(1)?.as_blob().unwrap_or_default(), model.dimension) {
                    Some(v) => f(row, v),
                    None => Err(Error::Data(format!(
                        "{}: the vector of row {} is damaged. Put a copy of the database back, or ingest into a new folder",
                        self.path.display(),
                        row.0
                    ))),
                };
                if let Err(e) = given {
                    failed = Some(e);
                    break;
                }
            }
            Ok(())
        })?;
        failed.map_or(Ok(()), Err)
    }
}

/// Little-endian f32.
pub fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8], dimension: usize) -> Option<Vec<f32>> {
    let v: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    (bytes.len() == 4 * dimension && v.iter().all(|x| x.is_finite())).then_some(v)
}
