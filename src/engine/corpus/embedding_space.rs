//! A model and everything made with it: the index over its vectors, and the embedder once it is needed.
//!
//! All vectors that meet are of one space. The engine holds the current one and can put another in its place at once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use roaring::RoaringBitmap;

use crate::config::Config;
use crate::embed::{self, Embedder, Pace};
use crate::engine::corpus::model::precision_named;
use crate::error::{Error, Result};
use crate::index::{self, Allowed, Found, IndexOptions, MakeIndex, NeighbourGraph, OpenReport, Opening, VectorIndex};
use crate::paper::Row;
use crate::store::{Store, StoredModel};

/// A model, the index over its vectors, and its embedder.
pub struct EmbeddingSpace {
    pub(super) model: StoredModel,
    pub(super) index: Arc<dyn VectorIndex>,
    config: Config,
    // Opened by the first who needs it: half of the commands never embed a text.
    embedder: OnceLock<Arc<dyn Embedder>>,
    // Held while the embedder is opened, so that it happens once.
    opening: Mutex<()>,
}

impl EmbeddingSpace {
    /// Opens the index over the vectors of a model: the one that is made, else that of the settings. Says up to which change of the store it holds everything that has one.
    pub fn open(
        store: &Arc<dyn Store>,
        model: StoredModel,
        config: &Config,
        make: Option<&MakeIndex>,
    ) -> Result<(Self, OpenReport, u64)> {
        // Read first: what changes meanwhile is then read again, never missed.
        let change = store.change()?;
        let rows = store.rows_of_all()?;
        let t = &config.tuning;
        let options = IndexOptions {
            m: t.m,
            ef_construction: t.ef_construction,
            ef_search: t.ef_search,
            recall: t.recall,
            exact_below: t.exact_below,
            ..IndexOptions::default()
        };
        let folder = folder(&config.data, &model);
        let (from, of) = (Arc::clone(store), model.clone());
        let source = Box::new(move |rows: &RoaringBitmap, f: &mut dyn FnMut(Row, &[f32]) -> Result<()>| {
            from.vectors_of(&of, rows, f)
        });
        let (fingerprint, dimension) = (&model.fingerprint, model.dimension);
        let opening = Opening { folder: &folder, fingerprint, dimension, options, change, rows: &rows, source };
        let (index, report) = match make {
            Some(make) => make(opening)?,
            None => index::open(config.index.kind, opening)?,
        };
        let config = config.clone();
        Ok((
            EmbeddingSpace { model, index, config, embedder: OnceLock::new(), opening: Mutex::default() },
            report,
            change,
        ))
    }

    /// The same over another index.
    #[cfg(test)]
    pub fn with_index(&self, index: Arc<dyn VectorIndex>) -> Self {
        let (model, config) = (self.model.clone(), self.config.clone());
        EmbeddingSpace { model, index, config, embedder: self.embedder.clone(), opening: Mutex::default() }
    }

    /// The model whose vectors these are.
    pub fn model(&self) -> &StoredModel {
        &self.model
    }

    /// How many papers it holds.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The rows of the papers.
    pub fn rows(&self) -> RoaringBitmap {
        self.index.rows()
    }

    /// The `k` papers nearest to a unit vector among the allowed ones, nearest first.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub fn search(&self, vector: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        self.index.search(vector, k, allowed)
    }

    /// The same for each of many vectors, in their order. Ask so where it can be: elsewhere than in this process each call is
    /// a way there and back.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub fn search_many(&self, vectors: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        self.index.search_many(vectors, k, allowed)
    }

    /// The nearest neighbours of every paper among all papers.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        self.index.neighbour_graph(k)
    }

    /// The vectors of some rows, in their order; none for a row that is not there (any more).
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        self.index.vectors(rows)
    }

    /// The vectors of some rows, in their order; zero for a row that was deleted meanwhile.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub fn vectors_or_zero(&self, rows: &[Row]) -> Result<Vec<Vec<f32>>> {
        let zero = || vec![0.0; self.model.dimension];
        Ok(self.index.vectors(rows)?.into_iter().map(|v| v.unwrap_or_else(zero)).collect())
    }

    /// The embedder, opened now if nobody did before.
    ///
    /// # Errors
    /// [`Error::Model`] when it cannot be opened; [`Error::Data`] when it is no longer the model that the vectors were
    /// made with.
    pub fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        if let Some(embedder) = self.embedder.get() {
            return Ok(Arc::clone(embedder));
        }
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedder) = self.embedder.get() {
            return Ok(Arc::clone(embedder));
        }
        let embedder = embedder(&self.model, &self.config)?;
        let _ = self.embedder.set(Arc::clone(&embedder));
        Ok(embedder)
    }

    /// Takes over an embedder that is open already.
    pub fn adopt(&self, embedder: Arc<dyn Embedder>) {
        let _ = self.embedder.set(embedder);
    }

    /// How texts should come; while the model is not loaded, as for a processor.
    pub fn pace(&self) -> Pace {
        self.embedder.get().map_or_else(Pace::default, |e| e.pace())
    }

    /// Where and how the model runs; none while it is not loaded.
    pub fn runs_on(&self) -> Option<String> {
        self.embedder.get().map(|e| e.runs_on())
    }
}

/// Opens the embedder of a model.
///
/// # Errors
/// As for [`EmbeddingSpace::embedder`].
pub fn embedder(model: &StoredModel, config: &Config) -> Result<Arc<dyn Embedder>> {
    let options = config.embed_options(&model.source, precision_named(&model.precision), Some(model.dimension));
    let embedder: Arc<dyn Embedder> = Arc::from(embed::open(&options)?);
    if embedder.identity().fingerprint != model.fingerprint {
        return Err(Error::Data(format!(
            "the model {:?} is not the one that the vectors in {} were made with: its files have changed. Put them \
             back, or move the papers to it with `paperkin reembed --model`",
            model.source,
            config.data.display()
        )));
    }
    Ok(embedder)
}

/// Where the index over the vectors of a model is kept.
pub fn folder(data: &Path, model: &StoredModel) -> PathBuf {
    data.join("index").join(&model.fingerprint)
}

/// Removes the indexes over the vectors of other models. What cannot be removed is left: it does no harm.
pub fn sweep(folder: &Path, keep: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name() != keep {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
