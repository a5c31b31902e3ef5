//! Vector or words in, nearest rows out. Knows rows, vectors and texts, nothing of papers.
//!
//! The road of a search: [`SegmentedIndex`] takes the current `view`, which asks each frozen `segment` and each `live` block; a
//! segment is walked (`graph`, `walk`) over its `codes` with the `kernel`'s products, or scored row by row where few rows
//! are allowed; the best few are scored again with their full vectors. The road of a row: into a `live` block, with others
//! through `freeze` into the `files` of a segment, measured by `audit`. What holds however it is set up and whatever has
//! been frozen yet is in `contract.rs`, what lasts on disk in `lasting.rs`.

mod codes;
mod exact;
mod files;
mod freeze;
mod graph;
mod hnsw_rs;
mod kernel;
mod lexical;
mod live;
mod map;
mod recall_profile;
mod segment;
mod segmented;
mod vector_index;
mod view;
mod walk;
mod writer;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod persistence_tests;

pub use exact::Exact;
pub use hnsw_rs::HnswRs;
pub use lexical::{
    Atom, Condition, Correction, Document, Lexical, LexicalReport, QUIET, Query, QueryWords, TermVector, is_prose,
    visible,
};
pub use segmented::{Checked, IndexOptions, NeighbourGraph, OpenReport, SegmentedIndex, Source, State};
pub use vector_index::{Allowed, Haste, VectorIndex};
pub use writer::behind_requests;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::paper::Row;

/// A row and its similarity to the query: the cosine, from -1 to 1, greater is closer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Which one.
    pub row: Row,
    /// How close.
    pub score: f32,
}

/// How an answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Every allowed row was scored.
    Exact,
    /// The graphs were walked.
    Hnsw,
    /// The graphs were walked, stepping over what a filter forbids.
    Filtered,
}

/// The rows found, closest first (equal scores: smaller row first), and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The hits.
    pub neighbours: Vec<Neighbour>,
    /// The way they were found.
    pub plan: Plan,
}

/// The inner product.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    kernel::Kernel::best().f32(a, b)
}

/// Refuses what the graph would take silently and answer wrongly for ever after.
fn check(vector: &[f32], dimension: usize) -> Result<()> {
    if vector.len() != dimension {
        return Err(Error::Internal(format!("a vector of {} numbers met an index of {dimension}", vector.len())));
    }
    if vector.iter().any(|x| !x.is_finite()) {
        return Err(Error::Internal("a vector that is not finite met the index".into()));
    }
    Ok(())
}

/// Closest first; equal scores by row, so that answers are the same every time.
fn closest_first(a: &Neighbour, b: &Neighbour) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.row.cmp(&b.row))
}
