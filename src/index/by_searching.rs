//! What an index can be asked in terms of its own searches, for those that have no shorter way.

use super::{IndexCheck, Neighbour, NeighbourGraph, VectorIndex};
use crate::error::Result;
use crate::paper::Row;

/// Neighbours that recall is counted over.
const K: usize = 10;

/// Rows whose neighbours are looked for in one call.
const AT_ONCE: usize = 1024;

/// What [`VectorIndex::check`] finds by searching alone: which share of the exact nearest is found, and whether rows are
/// found by their own vectors.
pub fn check_by_searching(index: &dyn VectorIndex, sample: usize) -> Result<IndexCheck> {
    let rows: Vec<u32> = index.rows().iter().collect();
    let step = (rows.len() / sample.max(1)).max(1);
    let picked: Vec<Row> = rows.into_iter().step_by(step).take(sample).map(Row).collect();
    let mut checked = IndexCheck { recall: 1.0, ..IndexCheck::default() };
    let (mut hits, mut possible) = (0, 0);
    for vector in index.vectors(&picked)?.into_iter().flatten() {
        let found = index.search(&vector, K, None)?.neighbours;
        let truth = index.search_exactly(&vector, K, None)?.neighbours;
        // Equal vectors may stand for each other: what counts is how close the answer is.
        let least = truth.last().map_or(0.0, |n| n.score);
        hits += found.iter().filter(|n| n.score >= least - 1e-6).count().min(truth.len());
        possible += truth.len();
        let best = |of: &[Neighbour]| of.first().map_or(0.0, |n| n.score);
        checked.lost += usize::from(best(&found) < best(&truth) - 1e-6);
        checked.sample += 1;
    }
    if possible > 0 {
        checked.recall = hits as f32 / possible as f32;
    }
    Ok(checked)
}

/// The neighbours of every row by searching for each vector.
pub fn graph_by_searching(index: &dyn VectorIndex, k: usize) -> Result<NeighbourGraph> {
    let rows: Vec<Row> = index.rows().iter().map(Row).collect();
    let mut graph = NeighbourGraph::default();
    for rows in rows.chunks(AT_ONCE) {
        let vectors = index.vectors(rows)?;
        let there: Vec<(Row, &[f32])> =
            rows.iter().zip(&vectors).filter_map(|(row, v)| Some((*row, v.as_deref()?))).collect();
        let queries: Vec<&[f32]> = there.iter().map(|(_, v)| *v).collect();
        for ((row, _), found) in there.iter().zip(index.search_many(&queries, k.saturating_add(1), None)?) {
            let mut others = found.neighbours;
            others.retain(|n| n.row != *row);
            others.truncate(k);
            graph.rows.push(*row);
            graph.neighbours.push(others);
        }
    }
    Ok(graph)
}
