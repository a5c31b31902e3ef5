//! Where store, embedder, index and rank meet. One file for each thing the engine does.

mod corpus;
mod doctor;
mod info;
mod open;
mod readers;
mod testbed;
mod themes;

pub use corpus::answer::{Answer, Hit, InterestName, Meta, Mode, Part, SearchOptions, Why};
pub use corpus::ingest::{Incoming, MAX_WINDOW, Rejected, Rejection, Report, Source, Warning};
pub use corpus::recommend::{Example, Recommend};
pub use corpus::reembed::Reembedded;
pub use corpus::search::MAX_QUERY_BYTES;
pub use corpus::versions::{PaperInFull, Version};
pub use doctor::{Checkup, Diagnosis};
pub use info::Info;
pub use open::Opened;
pub use readers::feed::{Feed, Mark, Since};
pub use readers::format::Format;
pub use readers::history::{Reference, ReferenceList, RejectedUnit};
pub use readers::imports::{
    Entry, EntryStatus, Import, ImportAbout, ImportProgress, ImportView, Imported, Matched, Outside, Undone,
};
pub use readers::interests::{InterestPatch, InterestView};
pub use readers::questions::QuestionsOptions;
pub use readers::users::{EventReport, ExportedUser, MAX_EVENTS, RejectedEvent, Unreadable, UserView};
pub use testbed::{Readership, Testbed, Topic};
pub use themes::{
    Assigned, Example as ThemeExample, ExportedPlace, ExportedRun, ExportedTheme, ExportedThemeEvent, ExportedThemes,
    MapOptions, OneTheme, PaperOrder, Selection, SelectionThemes, Stability, Theme, ThemeEvent, ThemeEvents, ThemeList,
    ThemeMap, ThemeOptions, ThemeOrder, ThemesMeta, ThemesOptions, ThemesRun,
};

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use self::corpus::embedding_space::EmbeddingSpace;
use self::corpus::versions::Versions;
use crate::cancel;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::index::Lexical;
use crate::paper::{Paper, PaperId};
use crate::store::{Listing, Page, Store, StoredModel};

/// An open data folder: everything that can be asked of it. Shared between threads, synchronous.
pub struct Engine {
    // First, so that it ends before what it watches is closed.
    _watcher: corpus::follow::Watcher,
    folder: PathBuf,
    config: Config,
    // Shared with the index, which reads from it what its files lack.
    store: Arc<Store>,
    // A lock only around the pointer: whoever asks takes a copy of it and works in one space to the end.
    space: Arc<RwLock<Arc<EmbeddingSpace>>>,
    // The words of the papers, which no model changes.
    lexical: Arc<Lexical>,
    // Users whose model is fitted; made again from the store whenever they are not here.
    readers: readers::reader::Readers,
    // Which rows are versions of one work; written by commits alone.
    versions: Arc<RwLock<Versions>>,
    // Held from a commit until the index has followed, so that rows reach the index in the order of the commits.
    committing: Arc<Mutex<()>>,
    // What could not follow the store, and is tried again.
    follow: Arc<corpus::follow::Follow>,
    // What the corpus is about; it has locks of its own.
    themes: themes::ThemeState,
    // Reading lists that are being taken in.
    imports: readers::imports::Running,
    // The papers that newcomers are asked about.
    questions: readers::questions::Kept,
}

impl Engine {
    /// The paper that a text names: its id, or any form of its arXiv id, DOI and the like.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn paper(&self, id: &str) -> Result<Paper> {
        self.named(id).map(|(_, paper)| paper)
    }

    /// A page of papers without a query.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit out of range, [`Error::BadRequest`] for a broken cursor.
    pub fn list(&self, listing: &Listing) -> Result<Page<Paper>> {
        corpus::answer::check_limit(listing.limit)?;
        self.store.list(listing)
    }

    /// Takes a paper away: it is in no later answer. It is named by its id, or by an identifier that no second paper has.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::Invalid`] when the identifier names several.
    pub fn delete(&self, id: &str) -> Result<()> {
        let known = self.named_beyond_doubt(id)?;
        let _committing = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for it may be gone.
        cancel::check()?;
        let row = self.store.delete(&known)?.ok_or_else(|| Error::no_paper(id))?;
        self.space().index.remove(&[row]);
        let followed = self.follow_versions(std::iter::empty(), &[row]);
        // Behind the versions, which say what themes count.
        self.themes.fall_behind();
        // It is gone from the store and from every answer, whatever could be written down of that.
        followed.unwrap_or_else(|e| self.follow.index_missed(&e));
        self.lexical.remove(&[row]).unwrap_or_else(|e| self.follow.words_missed(&e));
        Ok(())
    }

    /// Papers in the order they came in, up to `n` from the one behind `after` on, with their vectors.
    pub fn export(&self, after: Option<crate::paper::Row>, n: usize) -> Result<Vec<Exported>> {
        let papers = self.store.papers_after(after, n)?;
        // From the store, where they stand to the last bit.
        let each: Vec<&Paper> = papers.iter().map(|(_, paper)| paper).collect();
        let vectors = self.store.known_vectors(&self.space().model, &each)?;
        Ok(papers.into_iter().zip(vectors).map(|((row, paper), vector)| Exported { row, paper, vector }).collect())
    }

    /// Ids in the order the papers came in, up to `n` from the one behind `after` on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn ids(&self, after: Option<crate::paper::Row>, n: usize) -> Result<Vec<(crate::paper::Row, PaperId)>> {
        self.store.ids_after(after, n)
    }

    /// The model whose vectors the papers have.
    pub fn model(&self) -> StoredModel {
        self.space().model.clone()
    }

    fn space(&self) -> Arc<EmbeddingSpace> {
        Arc::clone(&self.space.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The settings it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Brings the indexes into good order and on disk. Searches go on meanwhile; it may take minutes.
    ///
    /// # Errors
    /// When the index files cannot be written. Nothing is lost then: they are built again from the store.
    pub fn maintain(&self) -> Result<()> {
        self.maintain_words()?;
        let change = self.store.change()?;
        self.space().index.maintain(change)
    }

    /// Whether [`Engine::maintain`] would have something long to do.
    pub fn maintenance_is_due(&self) -> bool {
        self.space().index.is_due()
    }

    /// Does the same beside requests: the vectors' part behind them, on one thread, without waiting for it.
    ///
    /// What cannot be written is told by [`Engine::troubles`] and tried again.
    ///
    /// # Errors
    /// None so far.
    pub fn maintain_gently(&self) -> Result<()> {
        self.space().index.maintain_soon();
        self.store.fold_log().unwrap_or_else(|e| tracing::warn!("the log of the store was not folded in: {e}"));
        self.maintain_words().unwrap_or_else(|e| self.follow.words_missed(&e));
        Ok(())
    }

    /// The words of the papers: which hold a word, and which words each holds.
    pub fn lexical(&self) -> &Lexical {
        &self.lexical
    }
}

/// A paper on its way out of the store.
pub struct Exported {
    /// Where to go on from.
    pub row: crate::paper::Row,
    /// The paper.
    pub paper: Paper,
    /// Its unit vector.
    pub vector: Option<Vec<f32>>,
}
