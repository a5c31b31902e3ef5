//! What a data folder holds.

use std::path::Path;

use serde::Serialize;

use crate::embed;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::model::precision_named;
use crate::error::Result;
use crate::index::IndexStatus;
use crate::store::Trouble;

/// What a data folder holds, for people and dashboards.
#[derive(Debug, Clone, Serialize)]
pub struct Info {
    /// This program's version.
    pub version: &'static str,
    /// The data folder.
    pub data: String,
    /// The model's name.
    pub model: String,
    /// Which weights and settings, in hexadecimal.
    pub fingerprint: String,
    /// How the model's products are taken.
    pub precision: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// Where and how the model runs (device, precision of the arithmetic, kernels, threads); none while it is not
    /// loaded.
    pub device: Option<String>,
    /// What runs a model by the settings, loaded or not: `candle`, or our own kernels and their instruction set. int8
    /// and adapters run on our own kernels only, architectures other than BERT's family through candle only.
    pub kernels: String,
    /// Papers in the store.
    pub papers: usize,
    /// Papers that have a vector of this model.
    pub vectors: usize,
    /// Users that something is known of.
    pub users: usize,
    /// How many changes the store has seen.
    pub change: u64,
    /// The state of the index.
    pub index: IndexInfo,
    /// The state of the index of words.
    pub words: WordsInfo,
    /// Bytes on disk.
    pub disk: DiskInfo,
    /// What is wrong for now; empty while all is well.
    pub troubles: Vec<Trouble>,
}

/// The state of the index.
#[derive(Debug, Clone, Serialize)]
pub struct IndexInfo {
    /// What the setting `[index] kind` says: `segments`, `exact` or `hnsw_rs`.
    pub kind: &'static str,
    /// What it holds, and what it was found to be worth.
    #[serde(flatten)]
    pub state: IndexStatus,
    /// Links a point.
    pub m: usize,
    /// Points in sight while building.
    pub ef_construction: usize,
}

/// The state of the index of words.
#[derive(Debug, Clone, Serialize)]
pub struct WordsInfo {
    /// Papers that can be found.
    pub rows: usize,
    /// Different words.
    pub terms: usize,
}

/// Bytes on disk.
#[derive(Debug, Clone, Serialize)]
pub struct DiskInfo {
    /// Papers and vectors.
    pub store: u64,
    /// The index.
    pub index: u64,
    /// The index of words.
    pub words: u64,
}

impl Corpus {
    /// What the folder holds.
    pub fn info(&self) -> Result<Info> {
        let space = self.space();
        let state = space.index.status();
        let t = &self.config.tuning;
        Ok(Info {
            version: env!("CARGO_PKG_VERSION"),
            data: self.folder.display().to_string(),
            model: space.model.name.clone(),
            fingerprint: space.model.fingerprint.clone(),
            precision: space.model.precision.clone(),
            dimension: space.model.dimension,
            device: space.runs_on(),
            kernels: embed::kernels(&self.config.embed_options(
                &space.model.source,
                precision_named(&space.model.precision),
                None,
            )),
            papers: self.store.count_papers()?,
            vectors: space.index.len(),
            users: self.store.count_users()?,
            change: self.store.change()?,
            index: IndexInfo { kind: space.index.name(), state, m: t.m, ef_construction: t.ef_construction },
            words: WordsInfo { rows: self.lexical().len(), terms: self.lexical().vocabulary() },
            disk: DiskInfo {
                store: self.store.bytes(),
                index: size(&self.folder.join("index")),
                words: size(&self.folder.join(super::words::WORDS)),
            },
            troubles: self.troubles(),
        })
    }
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => size(&e.path()),
            Ok(m) => m.len(),
            Err(_) => 0,
        })
        .sum()
}
