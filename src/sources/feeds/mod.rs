//! Services that papers come from: one file each, with all reading of its format.
//!
//! A service is asked a page at a time. A page has papers and the place to go on from once they are in; a run that ends in the
//! middle goes on there. What a place means is known to its file alone. Every file says by which document, and on which day, its
//! format was checked.

mod arxiv_rss;
mod arxiv_sets;
mod biorxiv;
pub(super) mod crossref;
mod daily_papers;
mod europe_pmc;
mod feed;
mod known;
pub(super) mod oai;
pub(super) mod openalex;
pub(super) mod paged;
pub(super) mod record;
mod registry;
pub(super) mod semantic_scholar;
#[cfg(test)]
mod tests;
mod zotero;

use serde::{Deserialize, Serialize};

pub use registry::{Asked, open, read_answer};

use super::web::Web;
use crate::engine::{Incoming, ReferenceList};
use crate::error::Result;

/// Where to go on: a text of the service's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place(pub String);

/// Some papers of a service.
#[derive(Default)]
pub struct Batch {
    /// The papers, and the entries that hold none.
    pub papers: Vec<Incoming>,
    /// The same as a reader's own list, where the source is one (a library of Zotero).
    pub library: Option<ReferenceList>,
    /// Ids of papers that the service has taken away.
    pub deleted: Vec<String>,
    /// Where to go on once these are in; `None` where only a page further on will tell.
    pub place: Option<Place>,
}

/// Something that papers come from, from a place on.
pub trait Source: Send {
    /// The next page; `None` at the end of what there is now. What came before it counts as taken.
    ///
    /// # Errors
    /// [`Error::Remote`](crate::Error::Remote) when the service does not give it, in words that a person can act on;
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    fn next(&mut self, web: &Web) -> Result<Option<Batch>>;
}
