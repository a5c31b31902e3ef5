//! The embedder, opened when first needed.

use std::sync::{Arc, PoisonError};

use super::Engine;
use super::open::precision_named;
use super::search::check_query;
use crate::embed::{self, Embedder, Kind};
use crate::error::{Error, Result};

/// Texts in one call of [`Engine::embed`].
const MAX_INPUTS: usize = 1024;

impl Engine {
    /// The embedder, opened now if nobody did before.
    ///
    /// # Errors
    /// [`Error::Model`] when it cannot be opened; [`Error::Data`] when it is no longer the model that the papers'
    /// vectors were made with.
    pub fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        if let Some(embedder) = self.embedder.get() {
            return Ok(Arc::clone(embedder));
        }
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedder) = self.embedder.get() {
            return Ok(Arc::clone(embedder));
        }
        let (precision, dimension) = (precision_named(&self.model.precision), Some(self.model.dimension));
        let options = self.config.embed_options(&self.model.source, precision, dimension);
        let embedder: Arc<dyn Embedder> = Arc::from(embed::open(&options)?);
        if embedder.identity().fingerprint != self.model.fingerprint {
            return Err(Error::Data(format!(
                "the model {:?} is not the one that the vectors in {} were made with: its files have changed. Put them \
                 back, or ingest into a new folder with --data",
                self.model.source,
                self.folder.display()
            )));
        }
        let _ = self.embedder.set(Arc::clone(&embedder));
        Ok(embedder)
    }

    /// Unit vectors of some texts.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no text, too many, an empty or an overlong one.
    pub fn embed(&self, texts: &[&str], kind: Kind) -> Result<Vec<Vec<f32>>> {
        if texts.is_empty() || texts.len() > MAX_INPUTS {
            return Err(Error::Invalid(format!("{} inputs; 1 to {MAX_INPUTS} are allowed", texts.len())));
        }
        for text in texts {
            check_query(text)?;
        }
        self.embedder()?.embed(texts, kind)
    }

    pub(super) fn embed_one(&self, text: &str, kind: Kind) -> Result<Vec<f32>> {
        let vectors = self.embedder()?.embed(&[text], kind)?;
        vectors.into_iter().next().ok_or_else(|| Error::Internal("the embedder gave no vector".into()))
    }
}
