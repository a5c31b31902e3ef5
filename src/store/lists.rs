//! Lists of papers without a query: the daily list, the newest, the most read.

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::paper::{Paper, Row};

/// By what a list is ordered, greatest first; among equals the greater row first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    /// The day listed, else the date ([`Paper::list_day`]); papers without a day are last.
    Day,
    /// Votes.
    Votes,
    /// Votes and comments against age (by `trending`, below).
    Trending,
}

/// The last paper that was seen of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ListPlace {
    /// What the list is ordered by: its day, votes or trending number. None of a paper without a day, in the order of days.
    pub key: Option<f64>,
    /// Its row.
    pub row: Row,
}

/// Some of a list, from a place on.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T, P> {
    /// What is there.
    pub items: Vec<T>,
    /// Where to go on from; none at the end.
    pub next: Option<P>,
    /// Items of the whole list, wherever this begins.
    pub total: usize,
}

/// Papers in an order that no query gives.
pub trait Lists {
    /// Up to `n` papers in an order, from the one behind `after` on; with a span of days (the last included) only those
    /// listed, else dated, on these. Going on is by the last paper seen, so papers that arrive meanwhile shift nothing, and
    /// that paper may be gone. Papers that are damaged are passed over, which is told
    /// ([`Upkeep::troubles`](super::Upkeep::troubles)).
    fn list(
        &self,
        order: ListOrder,
        days: Option<(i32, i32)>,
        after: Option<ListPlace>,
        n: usize,
    ) -> Result<Slice<Paper, ListPlace>>;

    /// Some of the given rows, the newest first (by [`Paper::day`], then by row; without a day last): `n` from the one at
    /// `offset` on.
    fn newest(&self, rows: &RoaringBitmap, offset: usize, n: usize) -> Result<Vec<Row>>;

    /// The rows of the papers that first came with a change behind this one, whatever was changed of them since. Of two papers
    /// that became one the earlier arrival counts.
    fn arrived_after(&self, change: u64) -> Result<RoaringBitmap>;

    /// The rows of the `n` papers with the most votes, of those allowed (none for all); among equals the greater rows.
    fn most_voted(&self, allowed: Option<&RoaringBitmap>, n: usize) -> Result<RoaringBitmap>;
}

/// Attention weighed against age: twice the votes and comments are worth two days. It needs no "now", so it is stored
/// once and the order it gives never has to be brought up to date (the idea of Reddit's "hot", with our own constants).
/// A day after `today` counts as today: the clock's day, and for a paper that is ahead of it the newest day of the corpus
/// that is not, when it is written.
pub(in crate::store) fn trending(paper: &Paper, today: i32) -> f64 {
    if paper.retirement().is_some() {
        return 0.0;
    }
    (1.0 + paper.attention()).log2() + f64::from(paper.list_day().unwrap_or(0).min(today)) / 2.0
}
