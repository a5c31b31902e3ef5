//! Papers of a reader's library that are not in the corpus: they teach all the same.

use std::sync::{MutexGuard, PoisonError};

use crate::cancel;
use crate::embed::Kind;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::error::Result;
use crate::paper::{Paper, PaperId};
use crate::user::UserId;

/// Papers that are embedded in one go.
const PAPERS: usize = 256;

impl Readers {
    /// Vectors of papers that are not in the corpus: those that are known, else made now. They are kept with the papers, and
    /// after a move to another model by [`Readers::keep_outside_vectors`].
    pub(super) fn vectors_of(&self, space: &EmbeddingSpace, papers: &[&Paper]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = self.store.known_vectors(space.model(), papers)?;
        let lacking: Vec<usize> = (0..papers.len()).filter(|k| vectors[*k].is_none()).collect();
        if !lacking.is_empty() {
            let embedder = space.embedder()?;
            for window in lacking.chunks(256) {
                let texts: Vec<String> = window.iter().map(|&k| papers[k].text_joined(embedder.separator())).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                for (k, vector) in window.iter().zip(embedder.embed(&texts, Kind::Document)?) {
                    vectors[*k] = Some(vector);
                }
            }
        }
        Ok(vectors.into_iter().map(|v| v.unwrap_or_else(|| vec![0.0; space.model().dimension])).collect())
    }

    /// Keeps papers of a user's library that are not in the corpus, so that they teach all the same.
    pub(super) fn put_outside(&self, name: &UserId, papers: &[Paper]) -> Result<()> {
        if papers.is_empty() {
            return Ok(());
        }
        let space = self.corpus.space();
        let refs: Vec<&Paper> = papers.iter().collect();
        let vectors = self.vectors_of(&space, &refs)?;
        let kept: Vec<(&Paper, &[f32])> = papers.iter().zip(&vectors).map(|(p, v)| (p, v.as_slice())).collect();
        self.store.put_library_papers(name, &kept, &space.model().fingerprint)
    }

    /// Whether papers of libraries have no vector of the model.
    pub(super) fn library_lacks_vectors(&self) -> Result<bool> {
        let model = self.corpus.model();
        if *self.complete() == model.fingerprint {
            return Ok(false);
        }
        let lacking = !self.store.library_without_vector(&model, 1)?.is_empty();
        if !lacking {
            *self.complete() = model.fingerprint;
        }
        Ok(lacking)
    }

    /// Embeds the papers of libraries that have no vector of the model, as after a move to another one.
    pub fn keep_outside_vectors(&self) -> Result<()> {
        let space = self.corpus.space();
        let model = space.model();
        let mut first: Option<PaperId> = None;
        while *self.complete() != model.fingerprint {
            cancel::check()?;
            let lacking = self.store.library_without_vector(model, PAPERS)?;
            let next = lacking.first().map(|paper| paper.id.clone());
            // None are left; or the store takes no vector for the first, and would not another time.
            if next == first {
                self.complete().clone_from(&model.fingerprint);
                break;
            }
            first = next;
            let embedder = space.embedder()?;
            let texts: Vec<String> = lacking.iter().map(|p| p.text_joined(embedder.separator())).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let made: Vec<_> = lacking.iter().zip(embedder.embed(&texts, Kind::Document)?).collect();
            self.store.put_vectors(model, &made)?;
        }
        Ok(())
    }

    fn complete(&self) -> MutexGuard<'_, String> {
        self.complete.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
