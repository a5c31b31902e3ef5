//! Opening a data folder: the store, the model it belongs to, and the index over it.

use std::sync::{Mutex, OnceLock};

use super::Engine;
use crate::config::{Config, Device, Precision};
use crate::embed::{self, BUNDLED, DeviceChoice, Options};
use crate::error::{Error, Result};
use crate::index::{Exact, GraphOptions, Hnsw, OpenReport, VectorIndex};
use crate::store::{Store, StoredModel};

/// An engine, and what a person should hear about how it was opened.
pub struct Opened {
    /// The engine.
    pub engine: Engine,
    /// What was found of the index.
    pub index: OpenReport,
}

impl Engine {
    /// Opens a data folder, making it if it is not there. An index that is missing, damaged or behind is healed from
    /// the store.
    ///
    /// # Errors
    /// [`Error::Data`] when the folder is in use, damaged, or was made with another model than the one asked for;
    /// [`Error::Model`] when a new folder's model cannot be found.
    pub fn open(config: Config) -> Result<Opened> {
        let store = Store::open(&config.data)?;
        let model = choose_model(&store, &config)?;
        let table = Exact::new(model.dimension);
        let change = store.change()?;
        let mut block = Vec::with_capacity(BLOCK);
        store.each_vector(&model, |row, v| {
            block.push((row, v));
            if block.len() == BLOCK { move_into(&table, &mut block) } else { Ok(()) }
        })?;
        move_into(&table, &mut block)?;
        let papers = store.count()?;
        if table.len() != papers {
            return Err(Error::Data(format!(
                "{}: {papers} papers, but {} vectors of {}. Put a copy of the database back, or ingest into a new folder",
                store.path().display(),
                table.len(),
                model.name
            )));
        }
        let t = &config.tuning;
        let options = GraphOptions {
            m: t.m,
            ef_construction: t.ef_construction,
            ef_search: t.ef_search,
            exact_below: t.exact_below,
        };
        let (index, report) = Hnsw::open(&config.data.join("index"), &model.fingerprint, table, options, change)?;
        let engine = Engine {
            folder: config.data.clone(),
            config,
            store,
            index,
            model,
            embedder: OnceLock::new(),
            opening: Mutex::default(),
            committing: Mutex::default(),
        };
        Ok(Opened { engine, index: report })
    }
}

/// Vectors read before they are handed to the index together.
const BLOCK: usize = 1024;

fn move_into(table: &Exact, block: &mut Vec<(crate::paper::Row, Vec<f32>)>) -> Result<()> {
    let rows: Vec<_> = block.iter().map(|(row, v)| (*row, v.as_slice())).collect();
    table.insert(&rows)?;
    block.clear();
    Ok(())
}

/// The folder's own model, or for a folder without papers the one asked for.
fn choose_model(store: &Store, config: &Config) -> Result<StoredModel> {
    let stored = store.current_model()?.filter(|_| store.count().is_ok_and(|n| n > 0));
    if let (Some(model), None, None) = (&stored, &config.model, config.precision) {
        // Nobody asked for another, so nothing needs to be read now.
        return Ok(model.clone());
    }
    let source = config.model.as_deref().or(stored.as_ref().map(|m| m.source.as_str())).unwrap_or(BUNDLED);
    let own_precision = stored.as_ref().and_then(|m| precision_named(&m.precision));
    let identity = embed::identify(&config.embed_options(source, own_precision))?;
    let model = StoredModel {
        name: identity.name,
        fingerprint: identity.fingerprint,
        dimension: identity.dimension,
        source: identity.source,
        precision: identity.precision.to_string(),
    };
    match stored {
        Some(old) if old.fingerprint != model.fingerprint => Err(Error::Data(format!(
            "the folder {} was made with the model {} ({} numbers a vector, {}), not with {} ({}, {}). Leave --model and \
             --precision away to go on with it, or ingest into a new folder with --data",
            config.data.display(),
            old.source,
            old.dimension,
            old.precision,
            model.source,
            model.dimension,
            model.precision
        ))),
        Some(old) if old == model => Ok(model),
        _ => {
            store.set_current_model(&model)?;
            Ok(model)
        }
    }
}

/// The precision of this name.
pub fn precision_named(name: &str) -> Option<embed::Precision> {
    use embed::Precision;
    [Precision::F32, Precision::Bf16, Precision::F16, Precision::Int8].into_iter().find(|p| p.to_string() == name)
}

impl Config {
    /// The part of the settings that the embedder needs. `precision` is what counts when nobody asked for another.
    pub fn embed_options(&self, model: &str, precision: Option<embed::Precision>) -> Options {
        let device = match self.device {
            Device::Auto => DeviceChoice::Auto,
            Device::Cpu => DeviceChoice::Cpu,
            Device::Cuda => DeviceChoice::Cuda,
            Device::Metal => DeviceChoice::Metal,
        };
        Options {
            model: model.to_string(),
            device,
            precision: match self.precision {
                Some(Precision::F32) => Some(embed::Precision::F32),
                Some(Precision::Bf16) => Some(embed::Precision::Bf16),
                Some(Precision::F16) => Some(embed::Precision::F16),
                Some(Precision::Int8) => Some(embed::Precision::Int8),
                None => precision,
            },
            threads: self.tuning.threads,
            token_budget: self.tuning.token_budget,
            max_waiting: self.tuning.max_waiting,
        }
    }
}
