//! What every index over vectors does, whoever keeps them: the contract that `contract.rs` holds over all of them.

use roaring::RoaringBitmap;

use super::{Checked, Found, NeighbourGraph, State};
use crate::error::Result;
use crate::paper::{Filter, Row};

/// Which rows may be in an answer: the rows themselves, and the filter that they came from. An index in this process takes
/// the rows; one elsewhere, which keeps the fields of papers too, may push the filter down instead.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    /// Every row that may be found.
    pub rows: &'a RoaringBitmap,
    /// What they have in common; none where they were chosen one by one.
    pub filter: Option<&'a Filter>,
}

impl<'a> From<&'a RoaringBitmap> for Allowed<'a> {
    fn from(rows: &'a RoaringBitmap) -> Self {
        Allowed { rows, filter: None }
    }
}

/// How [`VectorIndex::settle`] goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// On all cores, and the call waits until all is done.
    Wait,
    /// Behind the searches, on one thread; the call returns at once.
    Behind,
}

/// Unit vectors by row, searched by similarity. Shared between threads; inserting and searching may overlap.
///
/// - A score is the cosine, from -1 to 1. Closest first; equal scores by row, the smaller first.
/// - A row can be found once `insert` has returned, and never again once `remove` has.
/// - An answer has `k` hits whenever `k` allowed rows exist.
/// - A row names one immutable text: inserted again it keeps its vector; removed it never comes back.
/// - Opened, an index holds what the store holds: it is derived from there and can be made anew at any time.
pub trait VectorIndex: Send + Sync {
    /// What the setting `[index] kind` calls it.
    fn kind(&self) -> &'static str;

    /// Numbers in a vector.
    fn dimension(&self) -> usize;

    /// Rows that can be found.
    fn len(&self) -> usize;

    /// Whether nothing can be found.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows that can be found; what it lacks beside the store is healed from there.
    fn rows(&self) -> RoaringBitmap;

    /// Adds rows with their vectors.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) for a vector of another dimension or with a number that is not finite;
    /// nothing is added.
    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()>;

    /// Takes rows away. Unknown rows are passed over.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn remove(&self, rows: &[Row]) -> Result<()>;

    /// For each query the `k` closest of the allowed rows (all without `allowed`).
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) for a query of another dimension or with a number that is not finite.
    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>>;

    /// The same for one query.
    ///
    /// # Errors
    /// As for [`Self::search_many`].
    fn search(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        let mut found = self.search_many(&[query], k, allowed)?;
        found.pop().ok_or_else(|| crate::Error::Internal("an index answered one query with nothing".into()))
    }

    /// Scores every allowed row with its full vector: the truth that other answers are measured by.
    ///
    /// # Errors
    /// As for [`Self::search_many`].
    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found>;

    /// The vectors of some rows, in their order; none where a row is not there.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>>;

    /// The `k` nearest others of every row, on all cores.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph>;

    /// Remembers how far the store has come. Said before the rows of that change are inserted: what lasts may be written at
    /// once, and only what names its change shows that an older copy of the store was put back.
    fn seen(&self, change: u64) {
        let _ = change;
    }

    /// Brings it into good order and on disk, with the change up to which the store was read.
    ///
    /// # Errors
    /// When its files cannot be written; every row is still found then.
    fn settle(&self, change: u64, haste: Haste) -> Result<()>;

    /// Whether [`Self::settle`] would have something to do.
    fn is_due(&self) -> bool;

    /// How it stands, for people and dashboards.
    fn status(&self) -> State;

    /// Searches for a sample of its rows and compares with the exact scan; reads every file and compares its checksum.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn check(&self, sample: usize) -> Result<Checked>;
}

/// What [`VectorIndex::check`] finds of an index without files: the share of the exact nearest that is found.
pub fn check_by_searching(index: &dyn VectorIndex, sample: usize) -> Result<Checked> {
    const K: usize = 10;
    let rows: Vec<u32> = index.rows().iter().collect();
    let step = (rows.len() / sample.max(1)).max(1);
    let picked: Vec<Row> = rows.into_iter().step_by(step).take(sample).map(Row).collect();
    let mut checked = Checked { sample: 0, recall: 1.0, lost: 0, unreachable: 0, files: 0, damaged: Vec::new() };
    let (mut hits, mut possible) = (0, 0);
    for vector in index.vectors(&picked)?.into_iter().flatten() {
        let found = index.search(&vector, K, None)?.neighbours;
        let truth = index.search_exactly(&vector, K, None)?.neighbours;
        // Equal vectors may stand for each other: what counts is how close the answer is.
        let least = truth.last().map_or(0.0, |n| n.score);
        hits += found.iter().filter(|n| n.score >= least - 1e-6).count().min(truth.len());
        possible += truth.len();
        let best = |of: &[super::Neighbour]| of.first().map_or(0.0, |n| n.score);
        checked.lost += usize::from(best(&found) < best(&truth) - 1e-6);
        checked.sample += 1;
    }
    if possible > 0 {
        checked.recall = hits as f32 / possible as f32;
    }
    Ok(checked)
}

/// The neighbours of every row by searching for each vector, for an index that has no shorter way.
pub fn graph_by_searching(index: &dyn VectorIndex, k: usize) -> Result<NeighbourGraph> {
    const AT_ONCE: usize = 1024;
    let rows: Vec<Row> = index.rows().iter().map(Row).collect();
    let mut graph = NeighbourGraph::default();
    for rows in rows.chunks(AT_ONCE) {
        let vectors = index.vectors(rows)?;
        let there: Vec<(Row, &[f32])> =
            rows.iter().zip(&vectors).filter_map(|(row, v)| Some((*row, v.as_deref()?))).collect();
        let queries: Vec<&[f32]> = there.iter().map(|(_, v)| *v).collect();
        for ((row, _), found) in there.iter().zip(index.search_many(&queries, k + 1, None)?) {
            let mut others = found.neighbours;
            others.retain(|n| n.row != *row);
            others.truncate(k);
            graph.rows.push(*row);
            graph.neighbours.push(others);
        }
    }
    Ok(graph)
}
