//! Opening a data folder: the store, the model it belongs to, and the index over it.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use super::Engine;
use crate::config::Config;
use crate::embed::{self, BUNDLED};
use crate::engine::corpus::embedding_space::{self, EmbeddingSpace};
use crate::engine::corpus::follow::{Follow, Watcher};
use crate::engine::corpus::reading::bring_up_to_date;
use crate::engine::corpus::versions::Versions;
use crate::engine::corpus::words::{WORDS, catch_up};
use crate::error::{Error, Result};
use crate::index::{Lexical, OpenReport};
use crate::store::{Store, StoredModel};

/// An engine, and what a person should hear about how it was opened.
pub struct Opened {
    /// The engine.
    pub engine: Engine,
    /// What was found of the index.
    pub index: OpenReport,
    /// Why the index of words on disk was not used and was built again; none when it was.
    pub words_doubt: Option<String>,
    /// Papers of a folder of an earlier version whose text is read in another way now.
    pub renewed: usize,
    /// What else is to be told: of damage, and of what is missing.
    pub told: Vec<String>,
}

impl Engine {
    /// Whether a folder is a data folder, so that [`Engine::open`] would make nothing.
    pub fn is_made(folder: &Path) -> bool {
        Store::is_made(folder)
    }

    /// Opens a data folder, making it if it is not there. An index that is missing, damaged or behind is healed from
    /// the store.
    ///
    /// # Errors
    /// [`Error::Data`] when the folder is in use, damaged, or was made with another model than the one asked for;
    /// [`Error::Model`] when a new folder's model cannot be found.
    pub fn open(config: Config) -> Result<Opened> {
        Self::open_telling(config, &|_, _| {})
    }

    /// The same. Where the folder was made by an earlier version, `progress` hears how many papers of how many were brought up to
    /// date: those whose text is read in another way now are embedded again.
    ///
    /// # Errors
    /// As for [`Engine::open`]; [`Error::Model`] when the folder's model is needed for that and cannot be opened.
    pub fn open_telling(config: Config, progress: &dyn Fn(usize, usize)) -> Result<Opened> {
        let store = Arc::new(Store::open(&config.data)?);
        let model = choose_model(&store, &config)?;
        let renewed = bring_up_to_date(&store, &model, &config, progress)?;
        let (space, report) = EmbeddingSpace::open(&store, model, &config)?;
        renewed.embedder.into_iter().for_each(|embedder| space.adopt(embedder));
        let papers = store.count()?;
        if space.index.len() != papers {
            return Err(Error::Data(format!(
                "{}: {papers} papers, but {} vectors of {}. Put a copy of the database back, or ingest into a new folder",
                store.path().display(),
                space.index.len(),
                space.model.name
            )));
        }
        sweep(&config.data.join("index"), &space.model.fingerprint);
        let (lexical, words) = Lexical::open(&config.data.join(WORDS), &space.index.rows(), store.change()?)?;
        let caught_up = catch_up(&store, &lexical, words.change);
        let (space, lexical) = (Arc::new(RwLock::new(Arc::new(space))), Arc::new(lexical));
        let versions = Arc::new(RwLock::new(Versions::read(&store)?));
        let committing: Arc<Mutex<()>> = Arc::default();
        let follow = Arc::new(Follow {
            store: Arc::clone(&store),
            space: Arc::clone(&space),
            lexical: Arc::clone(&lexical),
            versions: Arc::clone(&versions),
            committing: Arc::clone(&committing),
            late: Mutex::default(),
            healer: Mutex::default(),
        });
        // With a full disk the rest works all the same.
        caught_up.unwrap_or_else(|e| follow.words_missed(&e));
        let told = store.told().to_vec();
        let engine = Engine {
            _watcher: Watcher::start(&follow)?,
            follow,
            folder: config.data.clone(),
            config,
            store,
            space,
            lexical,
            readers: crate::engine::readers::reader::Readers::default(),
            versions,
            committing,
            themes: super::themes::ThemeState::default(),
            imports: crate::engine::readers::imports::Running::default(),
            questions: crate::engine::readers::questions::Kept::default(),
        };
        Ok(Opened { engine, index: report, words_doubt: words.doubt, renewed: renewed.papers, told })
    }
}

/// Removes the indexes over the vectors of other models. What cannot be removed is left: it does no harm.
pub fn sweep(folder: &Path, keep: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name() != keep {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Engine {
    /// Whether the open folder has the model that `config` asks for, if it asks for one.
    ///
    /// # Errors
    /// [`Error::Data`] when it has another, [`Error::Model`] when the one asked for cannot be found.
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
fn choose_model(store: &Store, config: &Config) -> Result<StoredModel> {
    let stored = store.current_model()?.filter(|_| store.count().is_ok_and(|n| n > 0));
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
fn asked_model(stored: Option<&StoredModel>, config: &Config) -> Result<StoredModel> {
    let source = config.model.as_deref().or(stored.map(|m| m.source.as_str())).unwrap_or(BUNDLED);
    let own = stored.map(|m| (precision_named(&m.precision), m.dimension));
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
    Ok(embedding_space::stored(identity))
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
