//! Vectors and the models that made them.

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::paper::{Paper, Row};

/// A model as the store knows it. The same facts as `embed::Identity`, which this floor does not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredModel {
    /// The name a person knows it by.
    pub name: String,
    /// Which weights and settings, in hexadecimal. Names the model: vectors of two fingerprints never meet.
    pub fingerprint: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// What opens it again.
    pub source: String,
    /// How its products were taken: `f32`, `bf16`, `int8`.
    pub precision: String,
}

/// Vectors by model and text, so that no text goes through a model twice: papers of one text share one. They come back to the
/// last bit.
pub trait Vectors {
    /// The model whose vectors the papers have; none before one was made the current one.
    fn current_model(&self) -> Result<Option<StoredModel>>;

    /// Makes a model the current one, and known where it was not. Vectors of others stay.
    fn set_current_model(&self, model: &StoredModel) -> Result<()>;

    /// Keeps vectors of a model, current or not, which it makes known, for the texts of some papers. Of one that is neither in
    /// the corpus nor in a library nothing is kept; of a text that has a vector of this model the one that is there stays.
    fn put_vectors(&self, model: &StoredModel, vectors: &[(&Paper, Vec<f32>)]) -> Result<()>;

    /// The vectors of a model for the texts of some papers, in their order, where there are any.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when one does not have the model's dimension of finite numbers.
    fn known_vectors(&self, model: &StoredModel, papers: &[&Paper]) -> Result<Vec<Option<Vec<f32>>>>;

    /// Gives the vectors that some rows have of a model to `f`, in the order of the rows; those without one, or without a
    /// paper, are passed over.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when a vector does not have the model's dimension of finite numbers; whatever `f`
    /// returns, which ends it.
    fn vectors_of(
        &self,
        model: &StoredModel,
        rows: &RoaringBitmap,
        f: &mut dyn FnMut(Row, &[f32]) -> Result<()>,
    ) -> Result<()>;

    /// How many papers have no vector of a model.
    fn count_without_vector(&self, model: &StoredModel) -> Result<usize>;

    /// Up to `n` papers that have no vector of a model, in the order of their rows, from the one behind `after` on.
    fn papers_without_vector(&self, model: &StoredModel, after: Option<Row>, n: usize) -> Result<Vec<(Row, Paper)>>;
}
