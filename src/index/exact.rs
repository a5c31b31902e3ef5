//! Every row is scored: no graph, no files, nothing to tune, and never a miss. Its time grows with the corpus. It is also
//! what other indexes are held against.

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::kernel::Kernel;
use super::table::{Snapshot, VectorTable};
use super::{
    Allowed, Found, Haste, IndexCheck, IndexStatus, NeighbourGraph, Plan, VectorIndex, check, check_by_searching,
    graph_by_searching,
};
use crate::config::IndexKind;
use crate::error::Result;
use crate::paper::Row;

/// All vectors in memory, in f32.
pub struct Exact {
    table: VectorTable,
}

impl Exact {
    /// An empty one, for vectors of so many numbers.
    pub fn new(dimension: usize) -> Self {
        Exact { table: VectorTable::new(dimension) }
    }
}

/// The `k` closest for each of many queries, all allowed rows scored.
pub fn score_all(held: &Snapshot, queries: &[&[f32]], k: usize, allowed: Option<&RoaringBitmap>) -> Vec<Found> {
    let found = |query: &&[f32]| Found { neighbours: held.closest(query, k, allowed), plan: Plan::Exact };
    // One alone is not worth waking another thread for.
    if queries.len() == 1 { queries.iter().map(found).collect() } else { queries.par_iter().map(found).collect() }
}

impl VectorIndex for Exact {
    fn name(&self) -> &'static str {
        IndexKind::Exact.name()
    }

    fn dimension(&self) -> usize {
        self.table.dimension()
    }

    fn len(&self) -> usize {
        self.table.snapshot().len()
    }

    fn rows(&self) -> RoaringBitmap {
        self.table.snapshot().rows().clone()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        self.table.insert(rows).map(|_| ())
    }

    fn remove(&self, rows: &[Row]) -> Result<()> {
        self.table.remove(rows);
        Ok(())
    }

    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        queries.iter().try_for_each(|query| check(query, self.dimension()))?;
        Ok(score_all(&self.table.snapshot(), queries, k, allowed.map(|a| a.rows)))
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        self.search(query, k, allowed)
    }

    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        let held = self.table.snapshot();
        Ok(rows.iter().map(|row| held.vector(row.0).map(<[f32]>::to_vec)).collect())
    }

    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        graph_by_searching(self, k)
    }

    fn settle(&self, _: u64, _: Haste) -> Result<()> {
        Ok(())
    }

    fn is_due(&self) -> bool {
        false
    }

    fn lasts(&self) -> bool {
        false
    }

    fn status(&self) -> IndexStatus {
        let rows = self.len();
        IndexStatus { rows, live: rows, kernel: Kernel::best().name(), ..IndexStatus::default() }
    }

    fn check(&self, sample: usize) -> Result<IndexCheck> {
        check_by_searching(self, sample)
    }
}
