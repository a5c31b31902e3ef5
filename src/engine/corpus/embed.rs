//! Texts to vectors, for those who ask for just that.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cancel;
use crate::embed::{Embedder, Kind};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::error::{Error, Result};
use crate::paper::plain;
use crate::store::StoredModel;

/// The longest query, in bytes of UTF-8: more than any abstract, less than what would only keep the machine busy.
pub const MAX_QUERY_BYTES: usize = 256 * 1024;

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
        check_texts(texts)?;
        let mut bared: Vec<Cow<'_, str>> = Vec::with_capacity(texts.len());
        for text in texts {
            cancel::check()?;
            bared.push(bare(text));
        }
        let texts: Vec<&str> = bared.iter().map(AsRef::as_ref).collect();
        Ok((space.embedder()?.embed(&texts, kind)?, space.model.clone()))
    }

    /// The vector of one query, in a given space.
    pub fn embed_query(&self, space: &EmbeddingSpace, text: &str) -> Result<Vec<f32>> {
        let vectors = space.embedder()?.embed(&[&*bare(text)], Kind::Query)?;
        vectors.into_iter().next().ok_or_else(|| Error::Internal("the embedder gave no vector".into()))
    }
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
