//! Opening the papers of a data folder: the model they belong to, and the indexes over them.

use std::sync::{Arc, Mutex, RwLock};

use crate::config::Config;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::{EmbeddingSpace, sweep};
use crate::engine::corpus::follow::{Derived, Watcher};
use crate::engine::corpus::model::choose_model;
use crate::engine::corpus::reading::bring_up_to_date;
use crate::engine::corpus::words::WORDS;
use crate::error::{Error, Result};
use crate::index::{Lexical, MakeIndex, OpenReport};
use crate::store::Store;

/// A corpus, and what a person should hear about how it was opened.
pub struct OpenedCorpus {
    pub corpus: Corpus,
    /// What was found of the index.
    pub index: OpenReport,
    /// Why the index of words on disk was not used and was built again; none when it was.
    pub words_doubt: Option<String>,
    /// Papers of a folder of an earlier version whose text is read in another way now.
    pub renewed: usize,
}

impl Corpus {
    /// Opens what is derived from a store. An index that is missing, damaged or behind is healed from it. `progress` hears how
    /// many papers of how many of a folder of an earlier version were brought up to date.
    pub fn open(
        store: Arc<dyn Store>,
        config: Config,
        make_index: Option<Arc<MakeIndex>>,
        progress: &dyn Fn(usize, usize),
    ) -> Result<OpenedCorpus> {
        let model = choose_model(&*store, &config)?;
        let renewed = bring_up_to_date(&*store, &model, &config, progress)?;
        let (space, report, change) = EmbeddingSpace::open(&store, model, &config, make_index.as_deref())?;
        renewed.embedder.into_iter().for_each(|embedder| space.adopt(embedder));
        let papers = store.count_papers()?;
        if space.index.len() != papers {
            return Err(Error::Data(format!(
                "{}: {papers} papers, but {} vectors of {}. Put a copy of the database back, or ingest into a new folder",
                store.location(),
                space.index.len(),
                space.model.name
            )));
        }
        sweep(&config.data.join("index"), &space.model.fingerprint);
        let (lexical, words) = Lexical::open(&config.data.join(WORDS), &space.index.rows(), store.change()?)?;
        let derived = Derived::open(Arc::clone(&store), (space, change), (lexical, words.change))?;
        let corpus = Corpus {
            _watcher: Watcher::start(&derived)?,
            folder: config.data.clone(),
            config,
            make_index,
            store,
            derived,
            moving: RwLock::default(),
            merging: Mutex::default(),
            common: Default::default(),
            matchers: Default::default(),
            searched: Default::default(),
            groups: Default::default(),
        };
        Ok(OpenedCorpus { corpus, index: report, words_doubt: words.doubt, renewed: renewed.papers })
    }
}
