//! The default index: frozen segments on disk that are mapped, each with a graph that was measured, and what came since.
//!
//! Everything in this room is private but [`SegmentedIndex`] (`segmented`), which the rest knows as a
//! [`VectorIndex`](super::VectorIndex). The road of a search: it takes the current `view`, which asks each frozen `segment`
//! and each `live` block; a segment is walked (`graph`, `walk`) over its `codes`, or scored row by row where few rows are
//! allowed (`view` decides, from what `recall_profile` measured); the best few are scored again with their full vectors.
//! The road of a row: the `writer` puts it into a `live` block, and with others through `freeze` into the files of a segment
//! (`writing`, `map`), which counts once the `manifest` names it. What lasts on disk is held by `persistence_tests`.

mod codes;
mod freeze;
mod graph;
mod live;
mod manifest;
mod map;
mod recall_profile;
mod segment;
mod segmented;
mod view;
mod walk;
mod writer;
mod writing;

#[cfg(test)]
mod persistence_tests;

pub use manifest::forget_newer;
pub use segmented::SegmentedIndex;
