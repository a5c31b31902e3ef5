//! Moving the corpus to another model while the old one goes on answering.
//!
//! Vectors of the new model are put beside the old ones a batch at a time, so an interruption loses nothing; the index
//! over them is built; then, under the lock that commits take, what came in meanwhile is added, and the new space takes
//! the place of the old one at once. The old vectors stay: going back embeds nothing.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use serde::Serialize;

use crate::config::Config;
use crate::embed::{self, Embedder, Kind, PendingEmbeddings};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::{EmbeddingSpace, sweep};
use crate::engine::corpus::model::stored;
use crate::error::Result;
use crate::paper::{Paper, Row};
use crate::store::StoredModel;

/// Papers embedded and kept together.
const BATCH: usize = 128;

/// What a move did.
#[derive(Debug, Clone, Serialize)]
pub struct Reembedded {
    /// The model that serves now.
    pub model: String,
    /// How its products are taken.
    pub precision: String,
    /// Papers that have a vector of it.
    pub papers: usize,
    /// Texts that went through it; the others had a vector from before.
    pub embedded: usize,
}

impl Corpus {
    /// Moves all papers to the model that `wanted` names (its `model`, `precision` and `dimension`; what it leaves out is chosen as
    /// for a new folder). Searches and ingests go on meanwhile with the old one. `progress` hears how many papers of how
    /// many have been embedded.
    pub fn reembed(&self, wanted: &Config, progress: &dyn Fn(usize, usize)) -> Result<Reembedded> {
        let source = wanted.model.clone().unwrap_or_else(|| self.model().source);
        let options = wanted.embed_options(&source, None, None);
        let model = stored(embed::identify(&options)?);
        let mut embedded = 0;
        if model.fingerprint != self.model().fingerprint {
            let embedder: Arc<dyn Embedder> = Arc::from(embed::open(&options)?);
            // What came by now has a vector when the new index is opened; what comes later it is given behind that.
            let had_all = self.store.change()?;
            self.embed_lacking(&model, &*embedder, &mut embedded, progress)?;
            let (space, ..) =
                EmbeddingSpace::open(&self.store, model.clone(), &self.config, self.make_index.as_deref())?;
            // Nothing comes in with vectors of the old model from here on.
            let _moving = self.moving.write().unwrap_or_else(PoisonError::into_inner);
            self.embed_lacking(&model, &*embedder, &mut embedded, progress)?;
            space.adopt(embedder);
            self.derived.move_to(space, had_all, || self.store.set_current_model(&model))?;
            sweep(&self.folder.join("index"), &model.fingerprint);
        }
        Ok(Reembedded { model: model.name, precision: model.precision, papers: self.store.count_papers()?, embedded })
    }

    fn embed_lacking(
        &self,
        model: &StoredModel,
        embedder: &dyn Embedder,
        embedded: &mut usize,
        progress: &dyn Fn(usize, usize),
    ) -> Result<()> {
        let total = *embedded + self.store.count_without_vector(model)?;
        let (mut after, mut done, pace) = (None, false, embedder.pace());
        let mut under_way: VecDeque<(Vec<(Row, Paper)>, PendingEmbeddings)> = VecDeque::new();
        loop {
            // The next ones are read and split while the model works on those before.
            while !done && under_way.len() <= pace.ahead {
                let batch = self.store.papers_without_vector(model, after, pace.window.max(BATCH))?;
                let Some((last, _)) = batch.last() else {
                    done = true;
                    break;
                };
                after = Some(*last);
                let texts: Vec<String> =
                    batch.iter().map(|(_, paper)| paper.text_joined(embedder.separator())).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let submitted = embedder.submit(&texts, Kind::Document)?;
                under_way.push_back((batch, submitted));
            }
            let Some((batch, submitted)) = under_way.pop_front() else { return Ok(()) };
            let vectors = submitted.collect()?;
            let vectors: Vec<(&Paper, Vec<f32>)> = batch.iter().map(|(_, paper)| paper).zip(vectors).collect();
            self.store.put_vectors(model, &vectors)?;
            *embedded += batch.len();
            progress(*embedded, total.max(*embedded));
        }
    }
}
