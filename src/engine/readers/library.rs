//! Papers of a reader's library that are not in the corpus: they teach all the same.

use crate::embed::Kind;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::error::Result;
use crate::paper::Paper;
use crate::user::UserId;

impl Readers {
    /// Vectors of papers that are not in the corpus: those that are known, else made now.
    pub(super) fn vectors_of(&self, space: &EmbeddingSpace, papers: &[&Paper]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = self.store.known_vectors(space.model(), papers)?;
        let lacking: Vec<usize> = (0..papers.len()).filter(|k| vectors[*k].is_none()).collect();
        if !lacking.is_empty() {
            let embedder = space.embedder()?;
            for window in lacking.chunks(256) {
                let texts: Vec<String> = window.iter().map(|&k| papers[k].text_joined(embedder.separator())).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let made: Vec<(&Paper, Vec<f32>)> =
                    window.iter().map(|&k| papers[k]).zip(embedder.embed(&texts, Kind::Document)?).collect();
                // So that after a move to another model a library is embedded once, and not by every process anew.
                if let Err(e) = self.store.put_vectors(space.model(), &made) {
                    tracing::warn!("vectors of a library were not kept: {e}");
                }
                for (k, (_, vector)) in window.iter().zip(made) {
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
}
