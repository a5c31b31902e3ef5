//! Opening a data folder: the store, and the parts over it.

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::engine::Engine;
use crate::engine::access::Access;
use crate::engine::corpus::{Corpus, OpenedCorpus};
use crate::engine::happened::Listeners;
use crate::engine::readers::Readers;
use crate::engine::themes::Themes;
use crate::error::Result;
use crate::index::{MakeIndex, OpenReport};
use crate::store::{self, JobRecords};

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
        store::is_made(folder)
    }

    /// Opens a data folder, making it if it is not there. An index that is missing, damaged or behind is healed from
    /// the store.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when the folder is in use, damaged, or was made with another model than the one
    /// asked for; [`Error::Model`](crate::Error::Model) when a new folder's model cannot be found.
    pub fn open(config: Config) -> Result<Opened> {
        Self::open_telling(config, &|_, _| {})
    }

    /// The same. Where the folder was made by an earlier version, `progress` hears how many papers of how many were brought up to
    /// date: those whose text is read in another way now are embedded again.
    ///
    /// # Errors
    /// As for [`Engine::open`]; [`Error::Model`](crate::Error::Model) when the folder's model is needed for that and cannot
    /// be opened.
    pub fn open_telling(config: Config, progress: &dyn Fn(usize, usize)) -> Result<Opened> {
        Self::open_over(config, None, progress)
    }

    /// The same over an index of one's own in place of that of the settings: `make` is called at opening, and whenever the papers are
    /// moved to another model.
    ///
    /// # Errors
    /// As for [`Engine::open`], and whatever `make` gives.
    pub fn open_with_index(config: Config, make: Arc<MakeIndex>) -> Result<Opened> {
        Self::open_over(config, Some(make), &|_, _| {})
    }

    fn open_over(config: Config, make: Option<Arc<MakeIndex>>, progress: &dyn Fn(usize, usize)) -> Result<Opened> {
        let store = store::open(&config.data)?;
        let told = store.told().to_vec();
        let OpenedCorpus { corpus, index, words_doubt, renewed } =
            Corpus::open(Arc::clone(&store), config, make, progress)?;
        let corpus = Arc::new(corpus);
        let themes = Themes::new(Arc::clone(&store), Arc::clone(&corpus));
        // Behind the themes, so that these know already when others are told.
        let listeners = Listeners::over(&corpus);
        let jobs: Arc<dyn JobRecords> = Arc::clone(&store) as _;
        let access = Access::open(Arc::clone(&store))?;
        let readers = Readers::new(store, Arc::clone(&corpus), Arc::clone(&themes), Arc::clone(&listeners));
        let engine = Engine { readers, themes, corpus, access, listeners, jobs };
        Ok(Opened { engine, index, words_doubt, renewed, told })
    }
}
