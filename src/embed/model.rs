//! Finds a model and reads its files.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::adapter::{Adapter, SEPARATOR};
use super::architecture::Architecture;
use super::bert_family::Naming;
use super::candle;
use super::dimension::Dimensions;
use super::placement::Placement;
use super::{Identity, Options, Precision};
use crate::error::{Error, Result};

/// The model that is compiled into the binary (feature `bundled-model`).
pub const BUNDLED: &str = "all-MiniLM-L6-v2";

/// The files of the weights, in the order to try them, so that only one is fetched.
const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// The same for an adapter.
const ADAPTERS: [&str; 2] = ["adapter.safetensors", "pytorch_adapter.bin"];

/// How the states of the tokens become the vector of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over all tokens but padding.
    Mean,
    /// The first token.
    Cls,
}

/// The files of a model and the settings read from them. The model is not built yet.
pub struct ModelFiles {
    /// The architecture, from `config.json`.
    pub architecture: Architecture,
    /// The bytes of `tokenizer.json`.
    pub tokenizer: Cow<'static, [u8]>,
    /// The weights, or their file.
    pub weights: Weights,
    /// The adapter of SPECTER2, where the model has one.
    pub adapter: Option<Adapter>,
    /// How the states of the tokens become the vector of the text.
    pub pooling: Pooling,
    /// The greatest number of tokens of a text, special ones included.
    pub max_tokens: usize,
    /// The prefix of a query.
    pub query_prefix: String,
    /// The prefix of a document.
    pub document_prefix: String,
    dimensions: Dimensions,
    identity: Identity,
}

/// The weights, by file format.
pub enum Weights {
    /// The bytes of a safetensors file.
    Safetensors(Cow<'static, [u8]>),
    /// A PyTorch pickle.
    Pickle(PathBuf),
}

impl ModelFiles {
    /// Finds a model by name (`all-MiniLM-L6-v2`), by folder, or by hub name (`owner/model`), and reads its settings.
    ///
    /// # Errors
    /// [`Error::Model`] when there is none, a file is missing, or the architecture is not one we run.
    pub fn find(name: &str) -> Result<Self> {
        if Path::new(name).is_dir() {
            let folder = std::path::absolute(name).map_err(|e| Error::io(name, "cannot resolve", e))?;
            let short = folder.file_name().map_or_else(|| name.to_string(), |n| n.to_string_lossy().into_owned());
            return Self::read(&short, &folder.to_string_lossy(), &mut |file| read_if_there(&folder.join(file)));
        }
        // Without the model in the binary, its name at the hub leads there.
        let at_the_hub = name.strip_prefix("sentence-transformers/") == Some(BUNDLED);
        if name == BUNDLED || (at_the_hub && cfg!(feature = "bundled-model")) {
            return bundled();
        }
        match name.split('/').collect::<Vec<_>>()[..] {
            [owner, model] if !owner.is_empty() && !model.is_empty() && !owner.starts_with('.') => from_hub(name),
            _ => Err(Error::Model(format!(
                "no model {name:?}: it is neither {BUNDLED}, nor a folder, nor a hub name like BAAI/bge-small-en-v1.5"
            ))),
        }
    }

    /// The weights, if they are a part of the binary.
    pub fn compiled_in(&self) -> Option<&'static [u8]> {
        match self.weights {
            Weights::Safetensors(Cow::Borrowed(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// What a paper's title and abstract are joined by.
    pub fn separator(&self) -> &'static str {
        if self.adapter.is_some() { SEPARATOR } else { ". " }
    }

    /// The lengths of vectors that its files allow.
    pub fn dimensions(&self) -> &Dimensions {
        &self.dimensions
    }

    /// Which model this is, in f32 and at its full length.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Which model this is in the precision and at the length that the options lead to.
    ///
    /// # Errors
    /// [`Error::Model`] when it does not run in that precision or its files do not allow that length.
    pub fn identity_in(&self, options: &Options) -> Result<Identity> {
        let name = &self.identity.name;
        let precision = Placement::precision_of(self, options)?;
        let choice = self.dimensions.choose(options.dimension);
        let dimension = choice.map_err(|why| Error::Model(format!("{name} {why}")))?;
        let mut fingerprint = format!("{}-{precision}", self.identity.fingerprint);
        if dimension != self.identity.dimension {
            fingerprint.push_str(&format!("-{dimension}"));
        }
        Ok(Identity { fingerprint, precision, dimension, ..self.identity.clone() })
    }

    fn read(name: &str, source: &str, file: &mut dyn FnMut(&str) -> Result<Option<Found>>) -> Result<Self> {
        let refuse = |why: String| Error::Model(format!("the model {name} cannot be used: {why}"));
        let mut bytes = |file_name: &str| match file(file_name)? {
            Some(found) => found.bytes().map(Some),
            None => Ok(None),
        };
        let adapter_config: Option<Value> = match bytes("adapter_config.json")? {
            Some(b) => Some(json(name, "adapter_config.json", &b)?),
            None => None,
        };
        let config_bytes = bytes("config.json")?.ok_or_else(|| match &adapter_config {
            Some(config) => refuse(format!(
                "it is an adapter alone; copy its files into the folder of its model, {}, and name that folder",
                config["model_name"]
            )),
            None => refuse("config.json is missing".into()),
        })?;
        let raw: Value = json(name, "config.json", &config_bytes)?;
        let architecture = Architecture::read(&raw).map_err(refuse)?;
        let hidden = architecture.hidden();
        let tokenizer = bytes("tokenizer.json")?.ok_or_else(|| {
            refuse("tokenizer.json is missing (save the model with a fast tokenizer to get one)".into())
        })?;
        let pooling_bytes = bytes("1_Pooling/config.json")?;
        let pooling = match &pooling_bytes {
            Some(b) => pooling_of(name, &json(name, "1_Pooling/config.json", b)?, hidden)?,
            // So SPECTER2 was trained.
            None if adapter_config.is_some() => Pooling::Cls,
            None => {
                tracing::warn!("{name} has no 1_Pooling/config.json: the mean over the tokens is taken");
                Pooling::Mean
            }
        };
        if let Some(b) = bytes("modules.json")? {
            refuse_layers_after_pooling(name, &json::<Value>(name, "modules.json", &b)?)?;
        }
        let mut limits = vec![architecture.positions()];
        for (file_name, field) in
            [("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")]
        {
            if let Some(b) = bytes(file_name)? {
                // "No limit" is written as 1e30 there.
                let limit = json::<Value>(name, file_name, &b)?[field].as_u64().and_then(|n| usize::try_from(n).ok());
                limits.extend(limit.filter(|&n| n > 0));
            }
        }
        let max_tokens = limits.into_iter().min().unwrap_or(512);
        if max_tokens < 4 {
            return Err(refuse(format!("its length limit of {max_tokens} tokens leaves no room for a text")));
        }
        let settings = match bytes("config_sentence_transformers.json")? {
            Some(b) => json(name, "config_sentence_transformers.json", &b)?,
            None => Value::Null,
        };
        let (query_prefix, document_prefix) = prefixes(&settings);
        let dimensions = Dimensions::read(hidden, &[&raw, &settings]);
        let weights = match first(WEIGHTS, file)? {
            Some((found, false)) => Weights::Safetensors(found.bytes()?),
            Some((Found::Path(path), true)) => Weights::Pickle(path),
            _ if file("model.safetensors.index.json")?.is_some() => {
                return Err(refuse("its weights are in several files; join them into one model.safetensors".into()));
            }
            _ => return Err(refuse("model.safetensors is missing".into())),
        };
        let mut hash = blake3::Hasher::new();
        let adapter = match &adapter_config {
            Some(config) if !matches!(&architecture, Architecture::Bert(family) if family.naming == Naming::Bert) => {
                let adapter = config["name"].as_str().unwrap_or_default();
                return Err(refuse(format!("it has an adapter {adapter:?}, which runs with a BERT only")));
            }
            Some(config) => Some(read_adapter(config, file, &mut hash)?.map_err(refuse)?),
            None => None,
        };
        match &weights {
            Weights::Safetensors(b) => {
                hash.update(b);
            }
            Weights::Pickle(path) => hash_file(&mut hash, path)?,
        }
        hash.update(&config_bytes).update(&tokenizer);
        hash.update(format!("{pooling:?} {max_tokens} {query_prefix:?} {document_prefix:?}").as_bytes());
        let fingerprint = hash.finalize().to_hex()[..32].to_string();
        let (name, source) = (name.into(), source.into());
        let identity = Identity { name, fingerprint, dimension: hidden, source, precision: Precision::F32 };
        Ok(ModelFiles {
            architecture,
            tokenizer,
            weights,
            adapter,
            pooling,
            max_tokens,
            query_prefix,
            document_prefix,
            dimensions,
            identity,
        })
    }
}

/// The first of a safetensors file and a pickle that is there, and whether it is the pickle.
fn first(
    [safetensors, pickle]: [&str; 2],
    file: &mut dyn FnMut(&str) -> Result<Option<Found>>,
) -> Result<Option<(Found, bool)>> {
    Ok(match file(safetensors)? {
        Some(found) => Some((found, false)),
        None => file(pickle)?.map(|found| (found, true)),
    })
}

/// Adds a file to a hash without holding it in memory.
fn hash_file(hash: &mut blake3::Hasher, path: &Path) -> Result<()> {
    let read = std::fs::File::open(path).and_then(|file| hash.update_reader(file).map(drop));
    read.map_err(|e| Error::io(path, "cannot read", e))
}

/// Reads the adapter that `adapter_config.json` describes and adds it to the hash. The inner error says why it cannot
/// be used.
fn read_adapter(
    config: &Value,
    file: &mut dyn FnMut(&str) -> Result<Option<Found>>,
    hash: &mut blake3::Hasher,
) -> Result<Result<Adapter, String>> {
    let (path, pickle) = match first(ADAPTERS, file)? {
        Some((Found::Path(path), pickle)) => (path, pickle),
        _ => return Ok(Err("it has an adapter_config.json, but no pytorch_adapter.bin beside it".into())),
    };
    hash_file(hash, &path)?;
    hash.update(config.to_string().as_bytes()).update(SEPARATOR.as_bytes());
    let tensors = candle::read_all(&path, pickle).map_err(|e| format!("its adapter: {e}"));
    Ok(tensors.and_then(|tensors| Adapter::read(config, tensors)))
}

/// A file of a model, in memory or on disk.
enum Found {
    #[cfg(feature = "bundled-model")]
    Static(&'static [u8]),
    Path(PathBuf),
}

impl Found {
    fn bytes(self) -> Result<Cow<'static, [u8]>> {
        match self {
            #[cfg(feature = "bundled-model")]
            Found::Static(b) => Ok(Cow::Borrowed(b)),
            Found::Path(p) => {
                std::fs::read(&p).map(Cow::Owned).map_err(|e| Error::Model(format!("cannot read {}: {e}", p.display())))
            }
        }
    }
}

fn read_if_there(path: &Path) -> Result<Option<Found>> {
    Ok(path.is_file().then(|| Found::Path(path.to_path_buf())))
}

#[cfg(feature = "bundled-model")]
fn bundled() -> Result<ModelFiles> {
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../models/all-MiniLM-L6-v2/", $name)) as &'static [u8]
        };
    }
    ModelFiles::read(BUNDLED, BUNDLED, &mut |name| {
        Ok(match name {
            "config.json" => Some(file!("config.json")),
            "tokenizer.json" => Some(file!("tokenizer.json")),
            "sentence_bert_config.json" => Some(file!("sentence_bert_config.json")),
            "modules.json" => Some(file!("modules.json")),
            "1_Pooling/config.json" => Some(file!("1_Pooling/config.json")),
            "model.safetensors" => Some(file!("model.safetensors")),
            _ => None,
        }
        .map(Found::Static))
    })
}

#[cfg(not(feature = "bundled-model"))]
fn bundled() -> Result<ModelFiles> {
    Err(Error::Model(format!(
        "{BUNDLED} is not in this binary (it was built without the feature bundled-model). `--model sentence-transformers/{BUNDLED}` \
         fetches it once from the hub (90 MB); --model also takes a folder that holds a model, as models/{BUNDLED} of the sources does, \
         which has the very vectors of the binaries with it"
    )))
}

/// Reads a model from the local cache of the hub, and from the network only what is not there.
fn from_hub(name: &str) -> Result<ModelFiles> {
    let api = hf_hub::api::sync::ApiBuilder::from_env()
        .with_progress(false)
        .build()
        .map_err(|e| Error::Model(format!("cannot set up the model hub: {e}")))?;
    let (repo, cache) = (api.model(name.to_string()), hf_hub::Cache::from_env().model(name.to_string()));
    let fetch = |file: &str| match repo.get(file) {
        Ok(path) => Ok(Some(path)),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(e.to_string()),
    };
    read_hub(name, &|file| cache.get(file), &fetch)
}

/// Reads a model from the cache and fetches what is missing. `fetch` gives `None` for a file that the hub does not
/// have, and an error for one that could not be fetched.
pub(super) fn read_hub(
    name: &str,
    cached: &dyn Fn(&str) -> Option<PathBuf>,
    fetch: &dyn Fn(&str) -> Result<Option<PathBuf>, String>,
) -> Result<ModelFiles> {
    // A model that was fetched completely works offline: what is not in the cache does not exist on the hub. The
    // weights are fetched last, so with them the model is complete. Decided before anything is fetched: during the
    // first download, a file that the network fails to deliver may well exist.
    let complete = ["config.json", "tokenizer.json"].into_iter().all(|file| cached(file).is_some())
        && WEIGHTS.into_iter().any(|file| cached(file).is_some());
    ModelFiles::read(name, name, &mut |file| {
        if let Some(path) = cached(file) {
            return Ok(Some(Found::Path(path)));
        }
        match fetch(file) {
            Ok(path) => Ok(path.map(Found::Path)),
            Err(_) if complete => Ok(None),
            Err(e) => Err(Error::Model(format!(
                "cannot fetch {file} of {name} from the model hub: {e}. Without a network, copy the model's folder here \
                 and give its path with --model, or use {BUNDLED}, which is in the binary"
            ))),
        }
    })
}

fn is_absent(e: &hf_hub::api::sync::ApiError) -> bool {
    matches!(e, hf_hub::api::sync::ApiError::RequestError(inner) if inner.to_string().contains("404"))
}

fn json<'a, T: Deserialize<'a>>(name: &str, file: &str, bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::Model(format!("the model {name} cannot be used: {file}: {e}")))
}

/// Reads `1_Pooling/config.json`, in the old form (a flag a mode) and the new (`pooling_mode`).
fn pooling_of(name: &str, settings: &Value, hidden: usize) -> Result<Pooling> {
    if let Some(d) = settings["word_embedding_dimension"].as_u64().filter(|&d| d != hidden as u64) {
        return Err(Error::Model(format!(
            "the model {name} cannot be used: its pooling expects {d} numbers a token, its config.json says {hidden}"
        )));
    }
    let mut modes: Vec<&str> = settings
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(k, v)| k.starts_with("pooling_mode_") && v.as_bool() == Some(true))
        .map(|(k, _)| k.as_str())
        .collect();
    modes.extend(settings["pooling_mode"].as_str());
    match modes[..] {
        ["pooling_mode_mean_tokens" | "mean"] => Ok(Pooling::Mean),
        ["pooling_mode_cls_token" | "cls"] => Ok(Pooling::Cls),
        _ => Err(Error::Model(format!(
            "the model {name} cannot be used: its pooling is {modes:?}; paperkin runs mean and cls"
        ))),
    }
}

/// Refuses a model with a layer behind the pooling (Dense), which would be left out without a word.
fn refuse_layers_after_pooling(name: &str, modules: &Value) -> Result<()> {
    for module in modules.as_array().into_iter().flatten() {
        let kind = module["type"].as_str().unwrap_or_default();
        if !["Transformer", "Pooling", "Normalize"].iter().any(|known| kind.ends_with(known)) {
            return Err(Error::Model(format!(
                "the model {name} cannot be used: its modules.json has a layer {kind:?} that paperkin does not run"
            )));
        }
    }
    Ok(())
}

fn prefixes(settings: &Value) -> (String, String) {
    let prompt =
        |names: &[&str]| names.iter().find_map(|n| settings["prompts"][n].as_str()).unwrap_or_default().to_string();
    (prompt(&["query", "search_query"]), prompt(&["document", "passage", "search_document"]))
}
