//! Which rows a condition allows.

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::paper::{Filter, Row};

/// Conditions of days, categories and authors, answered with rows. Asked with every search: some microseconds, whatever the
/// number of papers.
///
/// The way of a filter: `http/request_fields` reads the parameters, [`Filter`] is what they come to, [`Filters::allowed`]
/// says which rows it allows, and the engine hands rows and filter to the index (`engine/corpus/retrieve` for searches and
/// `similar` for the papers like each of many, `readers/feed/candidates` for feeds, `readers/trending`), which finds among
/// these alone. A search of conditions without words is a list, in `engine/corpus/search`. Conditions inside of a query
/// (`category:cs.LG`) are words, and met in `index/lexical/conditions`.
pub trait Filters {
    /// The rows that a filter allows, its `exclude` list apart; `None` when everything is.
    ///
    /// `from` and `to` are of [`Paper::day`](crate::paper::Paper::day), both ends included, and allow no paper without one.
    /// A paper is in a category when it has one that is the same by [`unaccented`](crate::paper::unaccented), or that of an
    /// archive which the name is: `math` is `math.oc` as well, but not `math-ph`. Authors and organizations are compared in the
    /// same way. Of several categories, authors or organizations, one is enough.
    fn allowed(&self, filter: &Filter) -> Result<Option<RoaringBitmap>>;

    /// The rows of papers that were taken back ([`Paper::retirement`](crate::paper::Paper::retirement)).
    fn retired(&self) -> Result<RoaringBitmap>;

    /// The rows of papers listed (else dated) in a span of days, both ends included.
    fn listed_in(&self, first: i32, last: i32) -> Result<RoaringBitmap>;

    /// The newest day on which a paper was listed, as far as it is not after `clock`; `clock` where all are, none while no
    /// paper has a day.
    fn today(&self, clock: i32) -> Result<Option<i32>>;

    /// The days of some rows ([`Paper::list_day`](crate::paper::Paper::list_day)), in their order.
    fn list_days(&self, rows: &[Row]) -> Result<Vec<Option<i32>>>;
}
