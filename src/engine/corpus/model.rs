//! Which model a folder belongs to, and which one the settings ask for.

use crate::config::{Config, Precision};
use crate::embed::{self, BUNDLED, Identity, Options};
use crate::engine::corpus::Corpus;
use crate::error::{Error, Result};
use crate::store::{Store, StoredModel};

impl Corpus {
    /// Whether the open folder has the model that `config` asks for, if it asks for one.
    pub fn check_model(&self, config: &Config) -> Result<()> {
        if config.model.is_none() && config.precision.is_none() && config.dimension.is_none() {
            return Ok(());
        }
        let own = self.space().model.clone();
        let asked = asked_model(Some(&own), config)?;
        if own.fingerprint == asked.fingerprint { Ok(()) } else { Err(another_model(&own, &asked, config)) }
    }
}

/// The folder's own model, or for a folder without papers the one asked for.
pub fn choose_model(store: &dyn Store, config: &Config) -> Result<StoredModel> {
    let stored = store.current_model()?.filter(|_| store.count_papers().is_ok_and(|n| n > 0));
    if let (Some(model), None, None, None) = (&stored, &config.model, config.precision, config.dimension) {
        // Nobody asked for another, so nothing needs to be read now.
        return Ok(model.clone());
    }
    let model = asked_model(stored.as_ref(), config)?;
    match stored {
        Some(old) if old.fingerprint != model.fingerprint => Err(another_model(&old, &model, config)),
        Some(old) if old == model => Ok(model),
        _ => {
            store.set_current_model(&model)?;
            Ok(model)
        }
    }
}

/// The model that the settings ask for of a folder that has perhaps one already.
fn asked_model(of_folder: Option<&StoredModel>, config: &Config) -> Result<StoredModel> {
    let source = config.model.as_deref().or(of_folder.map(|m| m.source.as_str())).unwrap_or(BUNDLED);
    let own = of_folder.map(|m| (precision_named(&m.precision), m.dimension));
    let as_it_comes = || embed::identify(&config.embed_options(source, None, None));
    let identity = match own {
        Some((precision, dimension)) => {
            let same = embed::identify(&config.embed_options(source, precision, Some(dimension)));
            // What the folder was made with may be nothing that the model asked for knows: then that one as it comes, so
            // that the answer is that it is another.
            if same.is_err() && config.model.is_some() { as_it_comes()? } else { same? }
        }
        None => as_it_comes()?,
    };
    Ok(stored(identity))
}

fn another_model(own: &StoredModel, asked: &StoredModel, config: &Config) -> Error {
    Error::Data(format!(
        "the folder {} was made with the model {} ({} numbers a vector, {}), not with {} ({}, {}). Leave --model, \
         --precision and --dimension away to go on with it, move it with `paperkin reembed`, or ingest into a new folder with --data",
        config.data.display(),
        own.source,
        own.dimension,
        own.precision,
        asked.source,
        asked.dimension,
        asked.precision
    ))
}

/// The precision of this name.
pub fn precision_named(name: &str) -> Option<embed::Precision> {
    use embed::Precision;
    [Precision::F32, Precision::Bf16, Precision::F16, Precision::Int8].into_iter().find(|p| p.to_string() == name)
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
