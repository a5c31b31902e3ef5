//! Stores of earlier versions, whose texts were read by other rules ([`READING`](crate::paper::READING)): their hashes, keys
//! and names are brought up to date, and papers whose text has become another get a row and a vector of it.
//!
//! Each step is whole, and doing it again does no harm: a store that is left half way is gone on with.

use roaring::RoaringBitmap;

use super::StoredModel;
use crate::error::Result;
use crate::paper::Paper;

/// Reading anew what is stored.
pub trait Rereading {
    /// Whether all texts were read by the rules of this version.
    fn is_reread(&self) -> Result<bool>;

    /// Notes that they were. Until then everything is looked through again when the store is next opened.
    fn set_reread(&self) -> Result<()>;

    /// Reads some rows by the rules of this version: their keys and names are written anew. Gives the papers whose text has
    /// become another; they stay as they are until [`Rereading::replace_texts`].
    fn reread_papers(&self, rows: &RoaringBitmap) -> Result<Vec<Paper>>;

    /// Gives papers the row and the vector of what their text is by the rules of this version, as one change. Each stays in
    /// its theme. The model is made known.
    fn replace_texts(&self, model: &StoredModel, papers: &[(Paper, Vec<f32>)]) -> Result<()>;

    /// Reads the papers of all libraries by the rules of this version. They have no rows: their vectors are made when they are
    /// next needed.
    fn reread_libraries(&self) -> Result<()>;
}
