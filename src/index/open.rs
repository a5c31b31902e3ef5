//! Opening an index of the kind that the settings choose, over what the store holds. The one place where kinds are made.

use std::path::Path;
use std::sync::Arc;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::exact::Exact;
use super::hnsw_rs::HnswRs;
use super::segments::{self, SegmentedIndex};
use super::{VectorIndex, check};
use crate::config::IndexKind;
use crate::error::{Error, Result};
use crate::paper::Row;

/// The parameters of an index, in the words of the field. What a kind has no use for it passes over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IndexOptions {
    /// Links a place on the upper layers of a graph; twice as many on the ground. 2 to 255.
    pub m: usize,
    /// Places kept in sight while building; more than `2 * m`.
    pub ef_construction: usize,
    /// Places kept in sight while searching: recall against time.
    pub ef_search: usize,
    /// The recall@10 to reach instead: `ef_search` is then read off each segment's measured curve. 0 to 1. `segments` alone.
    pub recall: Option<f32>,
    /// Up to this many rows wait outside a graph: scoring all of them is as quick as a walk and never misses.
    pub exact_below: usize,
    /// Rows whose scoring costs as much as one more place in sight of a walk under a filter: few allowed rows are scored
    /// instead. 75 was measured at 80 over 59,000 vectors and over a million.
    pub rows_a_step: usize,
    /// Bytes of a segment up to which all its checksums are compared before it is used; a bigger one is compared behind the
    /// searches. `segments` alone.
    pub checked_at_once: u64,
}

impl Default for IndexOptions {
    fn default() -> Self {
        IndexOptions {
            m: 16,
            ef_construction: 200,
            ef_search: 96,
            recall: None,
            exact_below: 4000,
            rows_a_step: 75,
            checked_at_once: 128 << 20,
        }
    }
}

impl IndexOptions {
    fn check(&self) -> Result<()> {
        // Beyond these a crate that builds graphs ends the process.
        let fits = (2..=255).contains(&self.m) && self.ef_construction > 2 * self.m && self.ef_search > 0;
        let wrong =
            || Error::Invalid(format!("m {} or ef_construction {} is out of range", self.m, self.ef_construction));
        if fits { Ok(()) } else { Err(wrong()) }
    }
}

/// What an index is derived from: gives each of some rows, with its vector, to a function.
pub type Source = dyn Fn(&RoaringBitmap, &mut dyn FnMut(Row, &[f32]) -> Result<()>) -> Result<()> + Send + Sync;

/// What an index is opened over.
pub struct Opening<'a> {
    /// Where it may keep files.
    pub folder: &'a Path,
    /// Which vectors: those of another fingerprint never meet them.
    pub fingerprint: &'a str,
    /// Numbers in a vector.
    pub dimension: usize,
    /// Its parameters.
    pub options: IndexOptions,
    /// The store's change number.
    pub change: u64,
    /// The rows of the store as of that change.
    pub rows: &'a RoaringBitmap,
    /// Gives their vectors.
    pub source: Box<Source>,
}

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenReport {
    /// Why files on disk were not used; `None` when they were, or when there were none.
    pub doubt: Option<String>,
    /// Rows that were in the store and not in the files.
    pub caught_up: usize,
}

/// Makes an index of a kind of one's own, for [`Engine::open_with_index`](crate::engine::Engine::open_with_index). What it gives holds
/// [`Opening::rows`], and keeps the contract of [`VectorIndex`].
pub type MakeIndex = dyn Fn(Opening<'_>) -> Result<(Arc<dyn VectorIndex>, OpenReport)> + Send + Sync;

/// Opens an index; it holds the rows of the store then. A folder goes from one kind to another freely: what another kind left
/// there is passed over.
///
/// # Errors
/// [`Error::Invalid`] for parameters out of range; whatever the source returns.
pub fn open(kind: IndexKind, opening: Opening<'_>) -> Result<(Arc<dyn VectorIndex>, OpenReport)> {
    opening.options.check()?;
    match kind {
        IndexKind::Segments => {
            let (index, report) = SegmentedIndex::open(opening)?;
            Ok((Arc::new(index), report))
        }
        IndexKind::Exact => filled(Exact::new(opening.dimension), opening),
        IndexKind::HnswRs => filled(HnswRs::new(opening.dimension, opening.options), opening),
    }
}

/// Fills an index in memory from the store.
fn filled<I: VectorIndex + 'static>(index: I, opening: Opening<'_>) -> Result<(Arc<dyn VectorIndex>, OpenReport)> {
    segments::forget_newer(opening.folder, opening.change);
    in_batches(&*opening.source, opening.rows, opening.dimension, &mut |batch| index.insert(batch))?;
    // Nothing was on disk that it could lack.
    Ok((Arc::new(index), OpenReport::default()))
}

/// Rows and their vectors, as they are inserted.
pub type Batch<'a> = [(Row, &'a [f32])];

/// Reads rows from a source, checks their vectors, and hands them on some thousands at a time.
///
/// # Errors
/// Whatever the source or `insert` returns, and [`Error::Internal`] for a vector that does not fit.
pub fn in_batches(
    source: &Source,
    rows: &RoaringBitmap,
    dimension: usize,
    insert: &mut dyn FnMut(&Batch<'_>) -> Result<()>,
) -> Result<()> {
    const AT_ONCE: usize = 4096;
    let mut batch: Vec<(Row, Vec<f32>)> = Vec::new();
    let mut flush = |batch: &mut Vec<(Row, Vec<f32>)>| {
        let done = insert(&batch.iter().map(|(row, v)| (*row, v.as_slice())).collect::<Vec<_>>());
        batch.clear();
        done
    };
    source(rows, &mut |row, vector| {
        check(vector, dimension)?;
        batch.push((row, vector.to_vec()));
        if batch.len() == AT_ONCE { flush(&mut batch) } else { Ok(()) }
    })?;
    flush(&mut batch)
}
