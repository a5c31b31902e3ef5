//! Vectors or words in, nearest rows out. Knows rows, vectors and texts, nothing of papers but the filter that rows came
//! from.
//!
//! [`VectorIndex`] (`vector_index`) is what the rest of the program knows of an index over vectors: a contract in words,
//! and `contract/` the same tests over every implementation. [`open`](open()) (`open`) makes the one that `[index] kind`
//! chooses:
//!
//! | kind | where | what it is |
//! |---|---|---|
//! | `segments` | `segments/` | the default: graphs in mapped files, each measured, and what came since in memory |
//! | `exact` | `exact` | every allowed row is scored; all vectors in memory |
//! | `hnsw_rs` | `hnsw_rs` | one graph in memory by the crate of that name, made from the store at each opening |
//!
//! **Another one**, for example in a vector database (qdrant, pgvector): one file here that implements [`VectorIndex`], its
//! name in [`IndexKind`](crate::config::IndexKind), one arm in `open`, one line in `contract/setups.rs`. What it will want
//! to know: `Allowed` brings the filter beside the rows, to be pushed down; `rows` and `seen` are what healing goes by
//! (keep the change number beside the vectors, and give up what is newer than the store); every call that may have to ask
//! elsewhere gives a `Result`, and callers ask for many vectors at once. [`check_by_searching`] and [`graph_by_searching`] are `check`
//! and `neighbour_graph` for it. One of a program that takes this crate needs nothing here: it is handed over at opening
//! ([`MakeIndex`]; `examples/own_index.rs`).
//!
//! Shared below: `kernel` (products on whatever the processor has), `table` (vectors in memory), `files` (checksums),
//! `background` (a thread behind the searches, which lets others go first). [`Lexical`] (`lexical/`) is the index of words.

mod background;
mod by_searching;
mod exact;
mod files;
mod hnsw_rs;
mod kernel;
mod lexical;
mod open;
mod segments;
mod table;
mod vector_index;

#[cfg(test)]
mod contract;

pub use background::behind_requests;
pub use by_searching::{check_by_searching, graph_by_searching};
pub use lexical::{
    Atom, Condition, Correction, Document, Lexical, LexicalReport, MatchedWords, QUIET, Query, QueryWords, TermVector,
    is_prose, visible,
};
pub use open::{IndexOptions, MakeIndex, OpenReport, Opening, Source, open};
pub use vector_index::{Allowed, Found, Haste, IndexCheck, IndexStatus, Neighbour, NeighbourGraph, Plan, VectorIndex};

use open::in_batches;
use vector_index::closest_first;

use crate::error::{Error, Result};

/// The inner product.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    kernel::Kernel::best().f32(a, b)
}

/// Refuses what a graph would take silently and answer wrongly for ever after.
fn check(vector: &[f32], dimension: usize) -> Result<()> {
    if vector.len() != dimension {
        return Err(Error::Internal(format!("a vector of {} numbers met an index of {dimension}", vector.len())));
    }
    if vector.iter().any(|x| !x.is_finite()) {
        return Err(Error::Internal("a vector that is not finite met the index".into()));
    }
    Ok(())
}
