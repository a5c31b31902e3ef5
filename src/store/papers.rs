//! Papers in and out, and the number that orders their changes.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::paper::{Paper, PaperId, Row};

/// Two hashes of a paper: of what is embedded, and of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints {
    /// Of [`Paper::text`]: when it differs, the paper needs a new row and vector.
    pub text: [u8; 16],
    /// Of all fields: when it is equal, there is nothing to do.
    pub all: [u8; 16],
}

impl Fingerprints {
    /// The hashes of a paper.
    pub fn of(paper: &Paper) -> Self {
        Fingerprints { text: short_hash(paper.text().as_bytes()), all: short_hash(to_json(paper).as_bytes()) }
    }
}

/// What became of a paper that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperWritten {
    /// It was not there before.
    New(Row),
    /// Its text changed: the old row is gone, and the new one has its own vector.
    Replaced {
        /// Gone.
        old: Row,
        /// In its place.
        new: Row,
    },
    /// Something else about it changed.
    Updated(Row),
    /// It was there already, the same in every field.
    Unchanged(Row),
    /// Its text changed and no vector came with it, so nothing was written.
    NeedsVector,
}

/// What [`Papers::put_papers`] did.
#[derive(Debug, Clone)]
pub struct PapersWritten {
    /// One for each paper, in order.
    pub papers: Vec<PaperWritten>,
    /// The change number after it.
    pub change: u64,
}

/// The rows that changed behind a change number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangedRows {
    /// The number up to which this is all.
    pub to: u64,
    /// Rows that are new, or whose paper has other fields now, and that are there.
    pub came: RoaringBitmap,
    /// Rows that are gone. A row never comes back.
    pub gone: RoaringBitmap,
}

/// The day of a paper, in days since 1970, if it has one, and its votes.
pub type DayAndVotes = (Option<i32>, u32);

/// The papers of the corpus, each with a row: the number of one text.
pub trait Papers {
    /// The number of the last change of the papers; 0 before the first.
    ///
    /// Every transaction that writes or removes papers raises it by one, and no other does. Numbers are handed out in the order
    /// of the commits: who reads `n` here sees whatever was written under the numbers up to `n`, and what others commit from
    /// then on gets greater ones. So who follows from `n` to `m` with [`Papers::changes_since`] misses nothing.
    fn change(&self) -> Result<u64>;

    /// What was written and what went under numbers greater than `change`, in one state of the store.
    fn changes_since(&self, change: u64) -> Result<ChangedRows>;

    /// Writes papers with vectors of a model. Of each what comes with it decides ([`PaperWritten`]): one that is there, the same
    /// in every field, is left alone; one whose text is the same keeps its row and needs no vector; one of another text
    /// gets a new row, which is greater than any that ever was, and the old row is gone with what was known of it. The same
    /// id twice is written twice. One that has records of sources is not written, as if it lacked a vector: what it is with these is
    /// written by [`Records::put_merged`](super::Records::put_merged). Vectors of texts that no paper and no library holds any more are forgotten.
    ///
    /// `fingerprint` names the model, which is known ([`Vectors::set_current_model`](super::Vectors::set_current_model)); a
    /// vector has its dimension.
    fn put_papers(&self, papers: &[(&Paper, Option<&[f32]>)], fingerprint: &str) -> Result<PapersWritten>;

    /// Takes a paper away with its vectors, and gives its row; `None` when there is none, and then nothing changes. Events that
    /// name it stay, and speak of it again when it comes back. What sources say of it is forgotten, but for that they do: they do
    /// not bring it back.
    fn delete_paper(&self, id: &PaperId) -> Result<Option<Row>>;

    /// The paper of an id, or of one that it had before ([`Records::put_merged`](super::Records::put_merged)), and its row.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) when it is not what was written.
    fn paper(&self, id: &str) -> Result<Option<(Row, Paper)>>;

    /// The papers of some rows, in their order; rows that are gone are passed over, and so are papers that are damaged, which
    /// is told ([`Upkeep::troubles`](super::Upkeep::troubles)).
    fn papers(&self, rows: &[Row]) -> Result<Vec<(Row, Paper)>>;

    /// Up to `n` papers in the order of their rows, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) when one is not what was written: a copy without it would not be whole.
    fn papers_after(&self, after: Option<Row>, n: usize) -> Result<Vec<(Row, Paper)>>;

    /// The ids of up to `n` papers in the order of their rows, from the one behind `after` on.
    fn ids_after(&self, after: Option<Row>, n: usize) -> Result<Vec<(Row, PaperId)>>;

    /// The hashes of those papers that are there.
    fn fingerprints(&self, ids: &[&PaperId]) -> Result<HashMap<PaperId, Fingerprints>>;

    /// How many papers there are.
    fn count_papers(&self) -> Result<usize>;

    /// The rows of all papers.
    fn rows_of_all(&self) -> Result<RoaringBitmap>;

    /// The rows of some papers, in their order, also by an id that one had before; `None` where there is no such paper.
    fn rows(&self, ids: &[&PaperId]) -> Result<Vec<Option<Row>>>;

    /// The ids of some rows, in their order; `None` where a row is gone.
    fn ids(&self, rows: &[Row]) -> Result<Vec<Option<String>>>;

    /// The days of some rows ([`Paper::day`]), where known, and the newest of all papers that is not after `clock`; `clock`
    /// where there are only such, none where no paper has a day.
    fn days(&self, rows: &[Row], clock: i32) -> Result<(HashMap<Row, i32>, Option<i32>)>;

    /// The day ([`Paper::day`]) and the votes of some rows, in their order; `None` where a row is gone.
    fn days_and_votes(&self, rows: &[Row]) -> Result<Vec<Option<DayAndVotes>>>;

    /// The first category of every paper that was written under a number greater than `since`, as it was given; and the number up
    /// to which that is. A paper that is damaged has none here.
    fn first_categories(&self, since: u64) -> Result<(u64, Vec<FirstCategory>)>;
}

/// A paper, and the first of its categories; none where it has none.
pub type FirstCategory = (Row, Option<String>);

/// The first half of a BLAKE3 hash.
pub(in crate::store) fn short_hash(bytes: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    out
}

/// The text that a store keeps of a paper; [`Fingerprints::all`] is its hash.
pub(in crate::store) fn to_json(paper: &Paper) -> String {
    // A paper holds texts, numbers and JSON values under text keys: writing it cannot fail.
    serde_json::to_string(paper).unwrap_or_default()
}
