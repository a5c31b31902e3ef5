//! Lists that are given out a page at a time, and the cursors that lead from one page to the next: what the store gives as a
//! place to go on from is made a text here, and read again. Nobody else knows what stands in a cursor.

use crate::error::{Error, Result};
use crate::paper::{PaperId, Row};
use crate::store::{EventPlace, ListOrder, ListPlace, Slice};
use crate::user::{EventKind, Moment};

/// By what a list of papers is ordered, greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The day listed, else the date.
    #[default]
    Date,
    /// Votes.
    Upvotes,
    /// Votes and comments against age: twice the attention is worth two days.
    Trending,
}

impl From<Sort> for ListOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Date => ListOrder::Day,
            Sort::Upvotes => ListOrder::Votes,
            Sort::Trending => ListOrder::Trending,
        }
    }
}

/// Which papers to list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Only papers listed (else dated) on one of these days, the last included; days since 1970-01-01.
    pub days: Option<(i32, i32)>,
    /// The order.
    pub sort: Sort,
    /// Papers a page.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// The cursor that leads to the next page; none on the last.
    pub next: Option<String>,
    /// Items on all pages.
    pub total: usize,
}

impl<T> Page<T> {
    /// A page of what the store gave.
    pub(super) fn of<P: Cursor>(slice: Slice<T, P>) -> Self {
        Page { items: slice.items, next: slice.next.map(|place| place.text()), total: slice.total }
    }
}

/// A place of a list that can be written as a cursor.
pub(super) trait Cursor: Sized {
    /// The cursor.
    fn text(&self) -> String;

    /// What a cursor says; none where it is not one of ours.
    fn parse(text: &str) -> Option<Self>;

    /// What a caller gave as the cursor of the page before.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is not one of ours.
    fn given(text: Option<&str>) -> Result<Option<Self>> {
        text.map(|text| Self::parse(text).ok_or_else(|| no_cursor(text))).transpose()
    }
}

/// The error for a cursor that is not one of ours.
fn no_cursor(text: &str) -> Error {
    Error::BadRequest(format!("{text:?} is no cursor; use the `next` of the page before"))
}

/// The number of the last user.
impl Cursor for i64 {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The id of the last subscription.
impl Cursor for String {
    fn text(&self) -> String {
        self.clone()
    }

    fn parse(text: &str) -> Option<Self> {
        (text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| text.to_string())
    }
}

/// How many to skip.
impl Cursor for usize {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Cursor for EventPlace {
    fn text(&self) -> String {
        format!("{}.{}.{}", self.at.0, self.kind as u8, self.paper)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let at = Moment(parts.next()?.parse().ok()?);
        let kind = *EventKind::ALL.get(parts.next()?.parse::<usize>().ok()?)?;
        Some(EventPlace { at, kind, paper: PaperId::new(parts.next()?).ok()? })
    }
}

/// A place of a list of papers, which leads on in the order that it is of: in another one it would lead anywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SortedPlace {
    sort: Sort,
    place: ListPlace,
}

/// What stands in a cursor for the key of a paper without a day.
const UNDATED: f64 = -100_000_000.0;

impl SortedPlace {
    /// The place that the cursor of a listing says.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is not one of ours, or of another order.
    pub(super) fn of(listing: &Listing) -> Result<Option<ListPlace>> {
        match SortedPlace::given(listing.cursor.as_deref())? {
            Some(found) if found.sort != listing.sort => {
                Err(Error::BadRequest("the cursor is of a list in another order; begin again without it".into()))
            }
            found => Ok(found.map(|found| found.place)),
        }
    }

    /// What the store gave of a list in an order, with places that know it.
    pub(super) fn sorted<T>(sort: Sort, slice: Slice<T, ListPlace>) -> Slice<T, SortedPlace> {
        let next = slice.next.map(|place| SortedPlace { sort, place });
        Slice { items: slice.items, next, total: slice.total }
    }
}

impl Cursor for SortedPlace {
    fn text(&self) -> String {
        let letter = match self.sort {
            Sort::Date => "d",
            Sort::Upvotes => "u",
            Sort::Trending => "t",
        };
        format!("{letter}.{:016x}.{:x}", self.place.key.unwrap_or(UNDATED).to_bits(), self.place.row.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let (letter, place) = text.split_once('.')?;
        let sort = match letter {
            "d" => Sort::Date,
            "u" => Sort::Upvotes,
            "t" => Sort::Trending,
            _ => return None,
        };
        let (key, row) = place.split_once('.')?;
        let key = Some(f64::from_bits(u64::from_str_radix(key, 16).ok()?)).filter(|key| key.is_finite())?;
        let row = i64::from_str_radix(row, 16).ok()?.clamp(0, u32::MAX.into());
        let key = Some(key).filter(|key| sort != Sort::Date || *key > UNDATED);
        Some(SortedPlace { sort, place: ListPlace { key, row: Row(u32::try_from(row).ok()?) } })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever place a cursor is of, it leads there; and whatever else is given as one is refused without a panic.
        #[test]
        fn a_cursor_says_the_place_that_it_was_made_of(
            key in prop::option::of(-50_000i32..1_000_000), row in any::<u32>(), at in any::<i64>(), kind in 0usize..8,
            paper in "[a-z0-9.:/ü-]{1,12}", other in ".{0,24}",
        ) {
            for sort in [Sort::Date, Sort::Upvotes, Sort::Trending] {
                let key = key.map(f64::from).or((sort != Sort::Date).then_some(0.5));
                let place = SortedPlace { sort, place: ListPlace { key, row: Row(row) } };
                prop_assert_eq!(SortedPlace::parse(&place.text()), Some(place));
                for wrong in [Sort::Date, Sort::Upvotes, Sort::Trending].into_iter().filter(|s| *s != sort) {
                    let listing = Listing { sort: wrong, cursor: Some(place.text()), ..Listing::default() };
                    let refused = SortedPlace::of(&listing).expect_err("another order");
                    prop_assert!(matches!(&refused, Error::BadRequest(why) if why.contains("another order")));
                }
            }
            let place = EventPlace { at: Moment(at), kind: EventKind::ALL[kind], paper: PaperId::new(paper).expect("an id") };
            prop_assert_eq!(EventPlace::parse(&place.text()), Some(place));
            prop_assert_eq!(i64::parse(&at.text()), Some(at));
            if let Err(e) = SortedPlace::given(Some(&other)) {
                prop_assert!(matches!(&e, Error::BadRequest(why) if why.contains("is no cursor")), "{}", e);
            }
            let _ = (EventPlace::given(Some(&other)), usize::given(Some(&other)));
        }
    }

    /// Cursors of earlier versions lead on.
    #[test]
    fn a_cursor_is_written_as_it_always_was() {
        let place = SortedPlace { sort: Sort::Date, place: ListPlace { key: Some(20_000.0), row: Row(255) } };
        assert_eq!(place.text(), format!("d.{:016x}.ff", 20_000f64.to_bits()));
        let undated = SortedPlace { sort: Sort::Date, place: ListPlace { key: None, row: Row(1) } };
        assert_eq!(undated.text(), format!("d.{:016x}.1", (-100_000_000f64).to_bits()));
        let event = EventPlace { at: Moment(17), kind: EventKind::Save, paper: PaperId::new("a.b.c").expect("an id") };
        assert_eq!(event.text(), "17.2.a.b.c");
    }
}
