//! The contract of every index over vectors, whoever keeps them, and what is said over it. `contract/` holds it over all.

use roaring::RoaringBitmap;
use serde::Serialize;

use crate::error::Result;
use crate::paper::{Filter, Row};

/// Unit vectors by row, searched by similarity. Shared between threads; every method may be called at any time from any of
/// them, inserting and searching at once included.
///
/// - A score is the cosine of two unit vectors, from -1 to 1 but for rounding. Closest first; equal scores by row, the
///   smaller first.
/// - A row can be found once [`insert`](Self::insert) has returned, and never again once [`remove`](Self::remove) has.
/// - An answer has `k` hits whenever `k` allowed rows exist, each once, and nothing but allowed rows. Which rows are the
///   closest may be missed by a few ([`check`](Self::check) measures it); that there are `k` may not.
/// - A row names one immutable text. Inserted again it keeps its vector; removed it never comes back.
/// - Once opened, an index holds exactly the rows of the store: it is derived from there and can be made anew at any time.
///   Where the two have come apart later, [`rows`](Self::rows) says by which.
///
/// An index in this process never fails but for bad vectors and its files; one elsewhere fails whenever it cannot be reached,
/// so all that may ask it gives a `Result`.
pub trait VectorIndex: Send + Sync {
    /// What the setting `[index] kind` and `paperkin info` call it.
    fn name(&self) -> &'static str;

    /// Numbers in a vector.
    fn dimension(&self) -> usize;

    /// Rows that can be found.
    fn len(&self) -> usize;

    /// Whether nothing can be found.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows that can be found; what they lack beside the store, or have too many, is healed from there.
    fn rows(&self) -> RoaringBitmap;

    /// Adds rows with their vectors, all or none. A row that is there, or was removed, is passed over.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) for a vector of another dimension or with a number that is not finite.
    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()>;

    /// Takes rows away. Unknown rows are passed over.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn remove(&self, rows: &[Row]) -> Result<()>;

    /// For each query, in their order, the `k` closest of the allowed rows (of all rows without `allowed`). Many are worked
    /// on at once. `k` may be anything; nobody gets more than there is.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) for a query of another dimension or with a number that is not finite.
    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>>;

    /// The same for one query.
    ///
    /// # Errors
    /// As for [`Self::search_many`].
    fn search(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        let mut found = self.search_many(&[query], k, allowed)?;
        found.pop().ok_or_else(|| crate::Error::Internal("an index answered one query with nothing".into()))
    }

    /// The same with nothing missed: every allowed row is scored with its full vector. The truth that [`Self::check`]
    /// measures by.
    ///
    /// # Errors
    /// As for [`Self::search_many`].
    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found>;

    /// The vectors of some rows, in their order; none where a row is not there. Numbers may have been rounded to half
    /// precision. Ask for many at once: elsewhere each call is a way there and back.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>>;

    /// The `k` nearest others of every row, on all cores of the pool that it is called in.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph>;

    /// Remembers how far the store has come. Said before the rows of that change are inserted: what lasts may be written at
    /// once, and only what names its change shows that an older copy of the store was put back.
    fn seen(&self, change: u64) {
        let _ = change;
    }

    /// Does what makes it quicker and, where it lasts, puts it on disk, with the change up to which the store was read.
    /// Answers are the same before, meanwhile and after.
    ///
    /// # Errors
    /// When its files cannot be written; every row is still found then.
    fn settle(&self, change: u64, haste: Haste) -> Result<()>;

    /// Whether [`Self::settle`] would have something long to do.
    fn is_due(&self) -> bool;

    /// Whether what [`Self::settle`] does outlasts the process. Otherwise nobody who is about to leave need wait for it.
    fn lasts(&self) -> bool;

    /// How it stands, for people and dashboards. It asks nobody and is quick.
    fn status(&self) -> IndexStatus;

    /// Searches for a sample of its rows and compares with the exact scan; reads every file and compares its checksum.
    ///
    /// # Errors
    /// When an index elsewhere cannot be reached.
    fn check(&self, sample: usize) -> Result<IndexCheck>;
}

/// Which rows may be in an answer: the rows themselves, and the filter that they came from. An index in this process takes
/// the rows; one elsewhere that keeps the fields of papers pushes the filter down and drops what is not among the rows.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    /// Every row that may be found, and no other.
    pub rows: &'a RoaringBitmap,
    /// What all of them match, its `exclude` list apart, which is taken off the answer later. Rows that match it too may be
    /// missing (another span of days, one author's, chosen candidates). None where they were chosen one by one.
    pub filter: Option<&'a Filter>,
}

impl<'a> From<&'a RoaringBitmap> for Allowed<'a> {
    fn from(rows: &'a RoaringBitmap) -> Self {
        Allowed { rows, filter: None }
    }
}

/// How [`VectorIndex::settle`] goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// On all cores, and the call waits until all is done.
    Wait,
    /// Behind the searches, on one thread; the call returns at once.
    Behind,
}

/// A row and its similarity to the query: the cosine, from -1 to 1, greater is closer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Which one.
    pub row: Row,
    /// How close.
    pub score: f32,
}

/// Closest first; equal scores by row, so that answers are the same every time.
pub fn closest_first(a: &Neighbour, b: &Neighbour) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.row.cmp(&b.row))
}

/// How an answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Every allowed row was scored.
    Exact,
    /// A graph was walked.
    Hnsw,
    /// A graph was walked, passing over what a filter forbids.
    Filtered,
}

/// The rows found, closest first (equal scores: smaller row first), and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The hits.
    pub neighbours: Vec<Neighbour>,
    /// The way they were found.
    pub plan: Plan,
}

/// The nearest neighbours of every row.
#[derive(Debug, Clone, Default)]
pub struct NeighbourGraph {
    /// In ascending order.
    pub rows: Vec<Row>,
    /// For each of them the nearest others, closest first.
    pub neighbours: Vec<Vec<Neighbour>>,
}

/// The state of an index, for people and dashboards. What a kind does not have is 0 or none.
#[derive(Debug, Clone, Default, Serialize)]
pub struct IndexStatus {
    /// Rows that can be found.
    pub rows: usize,
    /// Frozen segments.
    pub segments: usize,
    /// Rows that graphs hold, the dead ones included.
    pub points: usize,
    /// Rows that graphs hold and that are gone.
    pub dead: usize,
    /// Rows that no graph holds yet; all of them are scored.
    pub live: usize,
    /// recall@10 that unseen queries had when the segments were frozen, at the `ef_search` that is used now.
    pub recall: Option<f32>,
    /// The `ef_search` that is used now; the greatest of the segments'.
    pub ef_search: usize,
    /// Rows that no walk came to when the segments were frozen; they were linked in or are scored one by one.
    pub unreachable: usize,
    /// Those that are scored one by one.
    pub unlinked: usize,
    /// The instructions that products are taken with.
    pub kernel: &'static str,
    /// Whether something is being settled now.
    pub freezing: bool,
    /// What went wrong last, if it still matters.
    pub trouble: Option<String>,
}

/// What [`VectorIndex::check`] found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct IndexCheck {
    /// Rows that were searched for.
    pub sample: usize,
    /// Share of their exact ten nearest that was found.
    pub recall: f32,
    /// Rows that could not be found by their own vector.
    pub lost: usize,
    /// Places of the graphs that no walk comes to and that are not scored one by one either. None where that cannot be told.
    pub unreachable: Option<usize>,
    /// Files that were read from end to end and compared with their checksums.
    pub files: usize,
    /// Segments with a file that is not as it was written.
    pub damaged: Vec<String>,
}
