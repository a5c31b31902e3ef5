//! What sources of papers need: taking in what they say, and where to go on with them.

use crate::engine::Engine;
use crate::engine::corpus::{Incoming, Origin, Preview, Report};
use crate::error::Result;
use crate::store::SourceState;
use crate::user::Moment;

impl Engine {
    /// Takes in what a source says of papers, and which it has taken away. What several sources say of one paper makes one paper,
    /// whichever came first. `progress` hears the report so far after each committed window.
    ///
    /// # Errors
    /// When the model or the store fails: what was reported is safe, and the same again costs nothing.
    pub fn ingest_from(
        &self,
        origin: &Origin,
        incoming: Vec<Incoming>,
        deleted: &[String],
        progress: &dyn Fn(&Report),
    ) -> Result<Report> {
        self.corpus.ingest_from(origin, incoming, deleted, progress)
    }

    /// What [`Engine::ingest_from`] would do. Nothing is written.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn preview_from(&self, origin: &Origin, incoming: Vec<Incoming>, deleted: &[String]) -> Result<Preview> {
        self.corpus.preview_from(origin, incoming, deleted)
    }

    /// What is known of a source, by its name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn source_state(&self, name: &str) -> Result<SourceState> {
        self.corpus.source_state(name)
    }

    /// Where to go on with a source.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn set_source_place(&self, name: &str, place: &str) -> Result<()> {
        self.corpus.set_source_place(name, place)
    }

    /// A source was read to its end now.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn source_succeeded(&self, name: &str) -> Result<()> {
        self.corpus.source_succeeded(name, Moment::now())
    }
}
