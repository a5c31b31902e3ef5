//! Papers: how they come in, how they are found, and what follows the store.
//!
//! This part knows neither themes nor readers. What they have to hear of it, they hear as [`Follower`]s.

mod candidates;
mod common;
mod doctor;
mod embed;
mod embedding_space;
mod explain;
mod facets;
mod fetched;
mod find;
#[cfg(test)]
mod fixture;
mod follow;
mod followers;
mod groups;
mod info;
mod ingest;
mod matches;
mod merge;
mod model;
mod named;
mod open;
mod paper;
mod preferences;
mod reading;
mod reasons;
mod recommend;
mod reembed;
mod report;
mod retrieve;
mod search;
mod similar;
mod suggest;
mod versions;
mod words;

#[cfg(test)]
mod tests;

pub use self::candidates::Candidate;
pub use self::common::Common;
pub use self::doctor::{Checkup, Diagnosis};
pub use self::embed::{EmbeddingWish, Embeddings, MAX_QUERY_BYTES, check_query};
pub use self::embedding_space::EmbeddingSpace;
pub use self::fetched::Preview;
pub use self::follow::Followed;
pub use self::followers::{Changes, Follower};
pub use self::groups::Groups;
pub use self::info::Info;
pub use self::ingest::{MAX_WINDOW, Source};
pub use self::matches::Matcher;
pub use self::merge::Origin;
pub use self::open::OpenedCorpus;
pub use self::paper::{PaperInFull, Version};
pub use self::preferences::{ScoredCandidate, ScoredRow, closely};
pub use self::reasons::Besides;
pub use self::recommend::{Example, MAX_CANDIDATES, Recommend};
pub use self::reembed::Reembedded;
pub use self::report::{Incoming, MAX_LISTED, Rejected, Rejection, Report, Warning};
pub use self::similar::TakeNeighbours;
pub use self::versions::Versions;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};

use self::follow::{Derived, Handed};
use crate::config::Config;
use crate::engine::answer::check_limit;
use crate::engine::page::{Listing, Page, SortedPlace};
use crate::error::{Error, Result};
use crate::index::{Haste, Lexical, MakeIndex};
use crate::paper::{Paper, PaperId, Row};
use crate::store::{Store, StoredModel, Trouble};
use crate::user::Moment;

/// The papers of a data folder, and what is derived from them.
pub struct Corpus {
    // First, so that it ends before what it watches is closed.
    _watcher: follow::Watcher,
    folder: PathBuf,
    config: Config,
    // The index of whoever brought one of their own.
    make_index: Option<Arc<MakeIndex>>,
    // Shared with the index, which reads from it what its files lack.
    store: Arc<dyn Store>,
    // The index of vectors, the words, the versions: everything that follows the store.
    derived: Arc<Derived>,
    // Held for reading from a look at the present space until a write with vectors of it has been followed; for writing while
    // the papers move to another.
    moving: RwLock<()>,
    // Held while what a source says is made one with what others say.
    merging: Mutex<()>,
    // What is common among its papers.
    common: common::KeptCommon,
    // Queries that somebody follows, and those that were searched for last.
    matchers: matches::KeptMatchers,
    searched: matches::KeptMatchers,
    // Who knows which papers belong together.
    groups: groups::KnownGroups,
}

impl Corpus {
    /// The paper that a text names: its id, or any form of its arXiv id, DOI and the like.
    pub fn paper(&self, id: &str) -> Result<Paper> {
        self.named(id).map(|(_, paper)| paper)
    }

    /// A page of papers without a query.
    pub fn list(&self, listing: &Listing) -> Result<Page<Paper>> {
        check_limit(listing.limit)?;
        let papers = self.store.list(listing.sort.into(), listing.days, SortedPlace::of(listing)?, listing.limit)?;
        Ok(Page::of(SortedPlace::sorted(listing.sort, papers)))
    }

    /// Takes a paper away: it is in no later answer.
    pub fn delete(&self, id: &str) -> Result<()> {
        let known = self.named_beyond_doubt(id)?;
        let row = self.store.delete_paper(&known)?.ok_or_else(|| Error::no_paper(id))?;
        self.derived.follow(&Handed { gone: vec![row], ..Handed::default() });
        Ok(())
    }

    /// Papers in the order they came in, up to `n` from the one behind `after` on, with their vectors.
    pub fn export(&self, after: Option<Row>, n: usize) -> Result<Vec<Exported>> {
        let papers = self.store.papers_after(after, n)?;
        // From the store, where they stand to the last bit.
        let each: Vec<&Paper> = papers.iter().map(|(_, paper)| paper).collect();
        let vectors = self.store.known_vectors(&self.space().model, &each)?;
        Ok(papers.into_iter().zip(vectors).map(|((row, paper), vector)| Exported { row, paper, vector }).collect())
    }

    /// Ids in the order the papers came in, up to `n` from the one behind `after` on.
    pub fn ids(&self, after: Option<Row>, n: usize) -> Result<Vec<(Row, PaperId)>> {
        self.store.ids_after(after, n)
    }

    /// Tells somebody from now on what changes, for as long as it lives.
    pub fn tell(&self, follower: &Arc<dyn Follower>) {
        self.derived.followers().add(follower);
    }

    /// The day that counts as today.
    pub fn today(&self) -> Result<Option<i32>> {
        self.store.today(Moment::now().day())
    }

    /// The model whose vectors the papers have.
    pub fn model(&self) -> StoredModel {
        self.space().model.clone()
    }

    /// The present space. Whoever answers takes it once, at the door, and works in it to the end.
    pub fn space(&self) -> Arc<EmbeddingSpace> {
        self.derived.space()
    }

    /// Which rows are versions of one work. They stand still while this is held, so nobody holds it for long.
    pub fn versions(&self) -> RwLockReadGuard<'_, Versions> {
        self.derived.versions()
    }

    /// How far what answers are made of has followed the store: an answer that is begun now has at least that.
    pub fn followed(&self) -> Followed {
        self.derived.followed()
    }

    /// What is wrong for now, the gravest first; empty while all is well. It waits for nothing.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.store.troubles().all()
    }

    /// The settings it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Brings the indexes into good order and on disk, as far as they are kept there. Searches go on meanwhile; it may take
    /// minutes.
    pub fn maintain(&self) -> Result<()> {
        self.derived.commit_words()?;
        self.derived.lexical().join()?;
        let (space, change) = (self.space(), self.store.change()?);
        if space.index.lasts() { space.index.settle(change, Haste::Wait) } else { Ok(()) }
    }

    /// The number of the last change of the papers.
    pub fn change(&self) -> Result<u64> {
        self.store.change()
    }

    /// Whether [`Corpus::maintain`] would have something long to do.
    pub fn maintenance_is_due(&self) -> bool {
        self.space().index.is_due()
    }

    /// Does the same beside requests: the vectors' part behind them, on one thread, without waiting for it.
    pub fn maintain_gently(&self) -> Result<()> {
        let change = self.store.change()?;
        self.space().index.settle(change, Haste::Behind).unwrap_or_else(|e| self.derived.index_missed(&e));
        self.store.tidy().unwrap_or_else(|e| tracing::warn!("the log of the store was not folded in: {e}"));
        let words = self.derived.commit_words().and_then(|()| self.derived.lexical().join());
        words.unwrap_or_else(|e| self.derived.words_missed(&e));
        Ok(())
    }

    /// The words of the papers: which hold a word, and which words each holds.
    pub fn lexical(&self) -> &Lexical {
        self.derived.lexical()
    }
}

/// A paper on its way out of the store.
pub struct Exported {
    /// Where to go on from.
    pub row: Row,
    /// The paper.
    pub paper: Paper,
    /// Its unit vector.
    pub vector: Option<Vec<f32>>,
}
