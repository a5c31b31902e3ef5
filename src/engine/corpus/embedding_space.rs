//! A model and everything made with it: the index over its vectors, and the embedder once it is needed.
//!
//! All vectors that meet are of one space. The engine holds the current one and can put another in its place at once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use roaring::RoaringBitmap;

use crate::config::{Config, Precision};
use crate::embed::{self, Embedder, Identity, Options, Pace};
use crate::engine::open::precision_named;
use crate::error::{Error, Result};
use crate::index::{self, IndexOptions, OpenReport, Opening, VectorIndex};
use crate::paper::Row;
use crate::store::{Store, StoredModel};

/// A model, the index over its vectors, and its embedder.
pub struct EmbeddingSpace {
    pub model: StoredModel,
    pub index: OldFace,
    // Opened by the first who needs it: half of the commands never embed a text.
    embedder: OnceLock<Arc<dyn Embedder>>,
    // Held while the embedder is opened, so that it happens once.
    opening: Mutex<()>,
}

impl EmbeddingSpace {
    /// Opens the index over the vectors of a model.
    pub fn open(store: &Arc<Store>, model: StoredModel, config: &Config) -> Result<(Self, OpenReport)> {
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
        let (index, report) = index::open(config.index.kind, opening)?;
        let index = OldFace(index);
        Ok((EmbeddingSpace { model, index, embedder: OnceLock::new(), opening: Mutex::default() }, report))
    }

    /// The vectors of some rows, in their order; zero for a row that was deleted meanwhile.
    pub fn vectors_or_zero(&self, rows: &[Row]) -> Vec<Vec<f32>> {
        let zero = || vec![0.0; self.model.dimension];
        self.index.vectors(rows).into_iter().map(|v| v.unwrap_or_else(zero)).collect()
    }

    /// The embedder, opened now if nobody did before.
    ///
    /// # Errors
    /// [`Error::Model`] when it cannot be opened; [`Error::Data`] when it is no longer the model that the vectors were
    /// made with.
    pub fn embedder(&self, config: &Config) -> Result<Arc<dyn Embedder>> {
        if let Some(embedder) = self.embedder.get() {
            return Ok(Arc::clone(embedder));
        }
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedder) = self.embedder.get() {
            return Ok(Arc::clone(embedder));
        }
        let embedder = embedder(&self.model, config)?;
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

/// What the store keeps of a model.
pub fn stored(identity: Identity) -> StoredModel {
    StoredModel {
        name: identity.name,
        fingerprint: identity.fingerprint,
        dimension: identity.dimension,
        source: identity.source,
        precision: identity.precision.to_string(),
    }
}

impl Config {
    /// The part of the settings that the embedder needs. `precision` and `dimension` are what counts when nobody asked for
    /// another.
    pub fn embed_options(&self, model: &str, precision: Option<Precision>, dimension: Option<usize>) -> Options {
        Options {
            model: model.to_string(),
            device: self.device,
            kernels: self.kernels,
            precision: self.precision.or(precision),
            dimension: self.dimension.or(dimension),
            threads: self.tuning.threads,
            token_budget: self.tuning.token_budget,
            max_waiting: self.tuning.max_waiting,
        }
    }
}

/// TEMPORARY
pub struct OldFace(pub Arc<dyn VectorIndex>);
impl std::ops::Deref for OldFace {
    type Target = dyn VectorIndex;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}
#[allow(missing_docs)]
impl OldFace {
    pub fn vectors(&self, rows: &[Row]) -> Vec<Option<Vec<f32>>> {
        self.0.vectors(rows).unwrap_or_default()
    }
    pub fn search(&self, q: &[f32], k: usize, a: Option<&RoaringBitmap>) -> Result<crate::index::Found> {
        self.0.search(q, k, a.map(Into::into))
    }
    pub fn search_many(&self, q: &[&[f32]], k: usize, a: Option<&RoaringBitmap>) -> Result<Vec<crate::index::Found>> {
        self.0.search_many(q, k, a.map(Into::into))
    }
    pub fn neighbour_graph(&self, k: usize) -> crate::index::NeighbourGraph {
        self.0.neighbour_graph(k).unwrap_or_default()
    }
    pub fn remove(&self, rows: &[Row]) {
        let _ = self.0.remove(rows);
    }
    pub fn state(&self) -> crate::index::IndexStatus {
        self.0.status()
    }
    pub fn audit(&self, n: usize) -> crate::index::IndexCheck {
        self.0.check(n).unwrap_or_default()
    }
    pub fn maintain(&self, change: u64) -> Result<()> {
        self.0.settle(change, crate::index::Haste::Wait)
    }
    pub fn maintain_soon(&self) {
        let _ = self.0.settle(0, crate::index::Haste::Behind);
    }
    pub fn trouble(&self) -> Option<String> {
        self.0.status().trouble
    }
}
