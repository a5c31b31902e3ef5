//! Works: which rows share a key ([`Paper::editions`](crate::paper::Paper::editions)) and so are versions of one, and which
//! rows a key names.

use crate::error::Result;
use crate::paper::Row;

/// The works that papers are versions of. *Newest* is by [`Paper::newness`](crate::paper::Paper::newness), then by row.
pub trait Works {
    /// Every work of which there is more than one version: the rows of its versions, the newest first.
    fn works(&self) -> Result<Vec<Vec<Row>>>;

    /// For each of some rows, in their order: the rows of all versions of its work, itself included, the newest first; empty when
    /// it is not there.
    ///
    /// Two rows are versions of one work when they share a key, unless both editions have a DOI and a year and these differ
    /// in both; and so are two that are each a version of a third.
    fn versions(&self, rows: &[Row]) -> Result<Vec<Vec<Row>>>;

    /// The rows that a key names, the newest first.
    fn rows_of_key(&self, key: &str) -> Result<Vec<Row>>;

    /// Rows with titles whose [`letters`](crate::paper::letters) begin so; at most so many, the first by the alphabet. The few papers
    /// without an author whose titles name no work by themselves are not among them.
    fn rows_of_titles_beginning(&self, begin: &str, most: usize) -> Result<Vec<Row>>;

    /// The rows with exactly this title (by its [`letters`](crate::paper::letters)), the newest first; at most ten.
    fn rows_of_title(&self, title: &str) -> Result<Vec<Row>>;
}
