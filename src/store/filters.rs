//! Which rows a condition allows.

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::paper::{Filter, Row};

/// What papers can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The year of [`Paper::day`](crate::paper::Paper::day).
    Year,
    /// Categories.
    Category,
    /// Authors.
    Author,
    /// Sources, [`GIVEN_BY_HAND`](crate::paper::GIVEN_BY_HAND) among them.
    Source,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// As filters compare it.
    pub value: String,
    /// How many of the rows have it.
    pub papers: u64,
    /// One of them.
    pub row: Row,
}

impl Counted {
    /// Those of most papers first, equal ones by name; at most so many.
    pub(in crate::store) fn most_first(mut all: Vec<Counted>, most: usize) -> Vec<Counted> {
        let order = |a: &Counted, b: &Counted| b.papers.cmp(&a.papers).then_with(|| a.value.cmp(&b.value));
        if all.len() > most {
            all.select_nth_unstable_by(most, order);
            all.truncate(most);
        }
        all.sort_unstable_by(order);
        all
    }
}

/// Conditions of days, categories, authors and sources, answered with rows. Asked with every search: some microseconds, whatever the
/// number of papers.
///
/// The way of a filter: `http/request_fields` reads the parameters, [`Filter`] is what they come to, [`Filters::allowed`]
/// says which rows it allows, and the engine hands rows and filter to the index (`engine/corpus/retrieve` for searches and
/// `similar` for the papers like each of many, `readers/feed/candidates` for feeds, `readers/trending`), which finds among
/// these alone. A search of conditions without words is a list, in `engine/corpus/search`. Conditions inside of a query
/// (`category:cs.LG`) are words, and met in `index/lexical/conditions`.
pub trait Filters {
    /// The rows that a filter allows, its `exclude` list and its themes apart; `None` when everything is.
    ///
    /// `from` and `to` are of [`Paper::day`](crate::paper::Paper::day), both ends included, and allow no paper without one.
    /// A paper is in a category when it has one that is the same by [`unaccented`](crate::paper::unaccented), or that of an
    /// archive which the name is: `math` is `math.oc` as well, but not `math-ph`. Authors and organizations are compared in the
    /// same way. A paper is of a source that has a record of it, and given by hand where none has one or one was given beside theirs.
    /// Of several categories, authors or organizations, one is enough.
    fn allowed(&self, filter: &Filter) -> Result<Option<RoaringBitmap>>;

    /// The rows of papers that were taken back ([`Paper::retirement`](crate::paper::Paper::retirement)).
    fn retired(&self) -> Result<RoaringBitmap>;

    /// The rows of papers listed (else dated) in a span of days, both ends included.
    fn listed_in(&self, first: i32, last: i32) -> Result<RoaringBitmap>;

    /// The newest day on which a paper was listed, as far as it is not after `clock`; `clock` where all are, none while no
    /// paper has a day.
    fn today(&self, clock: i32) -> Result<Option<i32>>;

    /// The values of a column that some rows have, each with how many of them have it; at most so many, those of most rows first
    /// (years the newest first), equal ones by name. A row without a value counts nowhere, one of several in each. Names are as
    /// filters compare them, and a value has as many rows as a filter of it allows among these: an archive counts its classes.
    fn values_among(&self, column: Column, rows: &RoaringBitmap, most: usize) -> Result<Vec<Counted>>;

    /// The categories that begin so, or whose class behind the dot does, as [`Filters::values_among`] gives them.
    fn categories_beginning(&self, begin: &str, rows: &RoaringBitmap, most: usize) -> Result<Vec<Counted>>;

    /// The votes of some rows, in their order; those of papers that were taken back count as none.
    fn votes(&self, rows: &[Row]) -> Result<Vec<u32>>;

    /// The days of some rows ([`Paper::list_day`](crate::paper::Paper::list_day)), in their order.
    fn list_days(&self, rows: &[Row]) -> Result<Vec<Option<i32>>>;
}
