//! What sources say of papers: records, of which papers are made.

use std::collections::HashMap;

use super::{PaperWritten, papers};
use crate::error::Result;
use crate::paper::{Paper, PaperId, Row};
use crate::user::Moment;

/// The source of what was given by hand, of a paper of which others say something as well.
pub const BY_HAND: &str = "";

/// What a source says of a paper.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRecord {
    /// The source by its name in the settings, or [`BY_HAND`].
    pub source: String,
    /// Its kind, as in the settings.
    pub kind: String,
    /// What the source calls the paper.
    pub key: String,
    /// When it was changed last.
    pub since: Moment,
    /// Whether the source has taken it away.
    pub gone: bool,
    /// What it says.
    pub paper: Paper,
}

impl SourceRecord {
    /// A hash of what it says.
    pub fn hash(&self) -> [u8; 16] {
        papers::short_hash(papers::to_json(&self.paper).as_bytes())
    }
}

/// What is known of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRecord {
    /// The paper it is of; none where that was taken away by hand.
    pub paper: Option<PaperId>,
    /// [`SourceRecord::hash`]
    pub hash: [u8; 16],
    /// Whether the source has taken it away.
    pub gone: bool,
}

/// A paper that was made of records.
#[derive(Debug)]
pub struct MergedPaper<'a> {
    /// The paper.
    pub paper: &'a Paper,
    /// Its vector, where its text is new.
    pub vector: Option<&'a [f32]>,
    /// All of its records; none for one that is as it was given by hand, whose records stay as they are.
    pub records: &'a [SourceRecord],
    /// Papers that are one with it: they are no more, and their ids are other names of it. The first lends it its row, where it
    /// is not there yet.
    pub absorbs: &'a [PaperId],
    /// What the paper, and each of those that it absorbs, was when the records were read ([`Fingerprints::all`](super::Fingerprints));
    /// none for one that was not there. Where one is another by now nothing is written of this paper. Not compared where this is
    /// empty.
    pub seen: &'a [(PaperId, Option<[u8; 16]>)],
}

/// What [`Records::put_merged`] did.
#[derive(Debug, Clone)]
pub struct MergedWritten {
    /// One for each paper, in order; [`PaperWritten::NeedsVector`] also for one that was changed by another meanwhile.
    pub papers: Vec<PaperWritten>,
    /// Rows of absorbed papers that are gone.
    pub gone: Vec<Row>,
    /// The change number after it.
    pub change: u64,
}

/// What is known of a source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceState {
    /// Where to go on; a text of the source's own.
    pub place: Option<String>,
    /// Records that it has given.
    pub records: u64,
    /// When it was last read to its end.
    pub succeeded: Option<Moment>,
}

/// Records of sources, the papers made of them, and how far each source was read.
pub trait Records {
    /// What is known of those records of a source that are there, by their keys.
    fn known_records(&self, source: &str, keys: &[&str]) -> Result<HashMap<String, KnownRecord>>;

    /// Whether one of these is the key of a record, of whichever source, whose paper was taken away by hand.
    fn any_is_buried(&self, keys: &[&str]) -> Result<bool>;

    /// The records of some papers, each in the order of sources and keys. A paper that has none is not among them.
    fn records_of(&self, ids: &[&PaperId]) -> Result<HashMap<PaperId, Vec<SourceRecord>>>;

    /// Writes papers that were made of records, with these, as [`Papers::put_papers`](super::Papers::put_papers) writes papers.
    /// An id that a paper had before it was absorbed still names the paper that absorbed it ([`Papers::rows`](super::Papers::rows),
    /// [`Papers::paper`](super::Papers::paper)), until another paper has it. It is a version of the works that any of its records is
    /// one of ([`Works`](super::Works)).
    fn put_merged(&self, papers: &[MergedPaper<'_>], fingerprint: &str) -> Result<MergedWritten>;

    /// What is known of a source; nothing of one that was never read.
    fn source_state(&self, name: &str) -> Result<SourceState>;

    /// Where to go on with a source.
    fn set_source_place(&self, name: &str, place: &str) -> Result<()>;

    /// A source was read to its end.
    fn set_source_succeeded(&self, name: &str, at: Moment) -> Result<()>;
}
