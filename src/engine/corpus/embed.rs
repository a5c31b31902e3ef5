//! Texts to vectors, for those who ask for just that.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cancel;
use crate::embed::{Embedder, Kind, unit};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::error::{Error, Result};
use crate::paper::plain;
use crate::store::StoredModel;

/// The longest query, in bytes of UTF-8: more than any abstract, less than what would only keep the machine busy.
pub const MAX_QUERY_BYTES: usize = 256 * 1024;

/// How texts are to be embedded, where somebody asks for more than their vectors.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingWish {
    /// What the texts are.
    pub kind: Kind,
    /// Numbers wanted in each vector, where the model allows fewer than all (Matryoshka); none for all.
    pub dimension: Option<usize>,
    /// Whether a text that is longer than the model reads is refused; else only its beginning counts.
    pub whole: bool,
}

/// Vectors of some texts.
#[derive(Debug, Clone)]
pub struct Embeddings {
    /// Unit vectors in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens that were read of all texts together; words, for a model that knows no tokens.
    pub tokens: usize,
    /// The model.
    pub model: StoredModel,
}

/// Texts in one call of [`Corpus::embed`].
pub(super) const MAX_INPUTS: usize = crate::bounds::TEXTS;

impl Corpus {
    /// The embedder of the current model, opened now if nobody did before.
    pub fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        self.space().embedder()
    }

    /// Unit vectors of some texts, and the model they are of. Texts are embedded as those of papers are: without markup.
    pub fn embed(&self, texts: &[&str], kind: Kind) -> Result<(Vec<Vec<f32>>, StoredModel)> {
        let space = self.space();
        let bared = bared(texts)?;
        let texts: Vec<&str> = bared.iter().map(AsRef::as_ref).collect();
        Ok((space.embedder()?.embed(&texts, kind)?, space.model.clone()))
    }

    /// The same as other services give it: with what was read of each text, shortened where that is asked for.
    pub fn embed_as(&self, texts: &[&str], wish: &EmbeddingWish) -> Result<Embeddings> {
        let space = self.space();
        let embedder = space.embedder()?;
        if let Some(dimension) = wish.dimension {
            embedder.allow_dimension(dimension)?;
        }
        let bared = bared(texts)?;
        let texts: Vec<&str> = bared.iter().map(AsRef::as_ref).collect();
        let readings = embedder.readings(&texts, wish.kind)?;
        if let (true, Some(k)) = (wish.whole, readings.iter().position(|reading| !reading.whole)) {
            let most = readings[k].tokens;
            return Err(Error::Invalid(format!(
                "text {k} (counted from 0) has more than the {most} tokens that the model reads: shorten it, or allow that it is \
                 truncated"
            )));
        }
        let mut vectors = embedder.embed(&texts, wish.kind)?;
        if let Some(dimension) = wish.dimension.filter(|dimension| *dimension < space.model.dimension) {
            for vector in &mut vectors {
                vector.truncate(dimension);
                *vector = unit(std::mem::take(vector))?;
            }
        }
        let tokens = readings.iter().map(|reading| reading.tokens).sum();
        Ok(Embeddings { vectors, tokens, model: space.model.clone() })
    }

    /// The vector of one query, in a given space.
    pub fn embed_query(&self, space: &EmbeddingSpace, text: &str) -> Result<Vec<f32>> {
        let vectors = space.embedder()?.embed(&[&*bare(text)], Kind::Query)?;
        vectors.into_iter().next().ok_or_else(|| Error::Internal("the embedder gave no vector".into()))
    }
}

/// Texts without markup; refuses what [`check_texts`] does.
fn bared<'t>(texts: &[&'t str]) -> Result<Vec<Cow<'t, str>>> {
    check_texts(texts)?;
    let bared = |text: &&'t str| cancel::check().map(|()| bare(text));
    texts.iter().map(bared).collect()
}

/// A text without markup; what is nothing but markup stays.
fn bare(text: &str) -> Cow<'_, str> {
    let plain = plain(text);
    if plain.trim().is_empty() { Cow::Borrowed(text) } else { plain }
}

/// Refuses no text, too many, and those that nothing can be found with.
pub(super) fn check_texts(texts: &[&str]) -> Result<()> {
    if texts.is_empty() || texts.len() > MAX_INPUTS {
        return Err(Error::Invalid(format!("{} inputs; 1 to {MAX_INPUTS} are allowed", texts.len())));
    }
    texts.iter().try_for_each(|text| check_query(text))
}

/// Refuses a text that nothing can be found with.
pub fn check_query(query: &str) -> Result<()> {
    if query.trim().is_empty() {
        return Err(Error::Invalid("the text to look for is empty".into()));
    }
    if query.len() > MAX_QUERY_BYTES {
        return Err(Error::Invalid(format!(
            "the text is {} bytes long; at most {MAX_QUERY_BYTES} are allowed",
            query.len()
        )));
    }
    Ok(())
}
