//! What services with pages of JSON have in common: days to ask for, a cursor within them, and where to go on.
//!
//! The place is the days that a run asks for and its cursor, as `2026-11-20/2026-11-26/CURSOR`: a run that ends in the middle
//! goes on with the same days. Once they are through, it is the last of them alone, and the next run begins some days before
//! it, as services write papers down late. A cursor that the service has forgotten since costs no more than asking for these
//! days from their beginning.

use std::collections::HashSet;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

use super::super::web::{Ask, Web};
use super::{Batch, Place, Source};
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::head;

/// Days, both included, and where within them to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// What the service called the next page; none for the first.
    pub cursor: Option<String>,
}

/// What a page holds.
#[derive(Default)]
pub struct Entries {
    /// Its papers, and the entries that hold none.
    pub papers: Vec<Incoming>,
    /// The next page; none behind the last one.
    pub next: Option<String>,
    /// How many entries the service says there are of these days, where it can be trusted.
    pub total: Option<u64>,
}

/// A service that answers with pages of JSON.
pub trait Service: Send {
    /// The request for a page.
    fn request(&self, days: &Days) -> Ask;

    /// What its answer says. `entry` is the number of the first entry of this page.
    ///
    /// # Errors
    /// [`Error::Remote`] for an answer that says no page, in its own words.
    fn read(&mut self, days: &Days, answer: &Value, entry: usize) -> Result<Entries>;

    /// Days before the last one that the next run asks for again.
    fn overlap(&self) -> i32;

    /// Whether pages without papers are usual (a page is a day).
    fn may_be_empty(&self) -> bool {
        false
    }

    /// Whether two pages may have one cursor: the service remembers where it was.
    fn cursors_repeat(&self) -> bool {
        false
    }
}

/// A service, from a place on.
pub struct Paged<S> {
    service: S,
    days: Option<Days>,
    entries: usize,
    /// Pages in a row without an entry.
    empty: u32,
    /// Cursors of this run: a service that leads in a circle is left.
    seen: HashSet<String>,
    /// Whether the next page is the first of a run that goes on with another's cursor.
    resumed: bool,
    /// Entries since the beginning of the days; none where a part of them came in another run.
    counted: Option<u64>,
    /// Whether the days were begun anew already.
    again: bool,
}

/// Pages in a row without an entry that are borne.
const EMPTY: u32 = 20;

/// Answers in a row that may end in the middle.
const CUT: u32 = 3;

impl<S: Service> Paged<S> {
    /// From a place on, else from the first day on, up to the last one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a place that none of these is, or a span that is turned round.
    pub fn new(service: S, place: Option<&Place>, from: Date, to: Date) -> Result<Self> {
        let mut days = match place {
            None => Days { from, to, cursor: None },
            Some(place) => Days::after(place, service.overlap(), to)?,
        };
        // A service that remembers where its cursor stands is behind what was taken in: its days begin anew.
        days.cursor = days.cursor.filter(|_| !service.cursors_repeat());
        if days.from > days.to {
            return Err(Error::Invalid(format!("the days are turned round: from {} to {}", days.from, days.to)));
        }
        let resumed = days.cursor.is_some();
        let counted = (!resumed).then_some(0);
        let seen = HashSet::new();
        Ok(Paged { service, days: Some(days), entries: 0, empty: 0, seen, resumed, counted, again: false })
    }

    /// A page of these days.
    fn page(&mut self, web: &Web, days: &Days) -> Result<Entries> {
        let ask = self.service.request(days);
        let mut cut = 0;
        loop {
            let page = web.page(&ask)?;
            match serde_json::from_slice::<Value>(&page.body) {
                Ok(answer) => {
                    let read = self.service.read(days, &answer, self.entries + 1);
                    return read.map_err(|e| ask.without_secrets(e));
                }
                Err(e) if e.is_eof() && cut < CUT => cut += 1,
                Err(e) => return Err(ask.without_secrets(not_json(&page.body, &e))),
            }
        }
    }

    /// Begins the days from their first page.
    fn begin_again(&mut self, days: Days) {
        self.seen.clear();
        self.counted = Some(0);
        self.days = Some(Days { cursor: None, ..days });
    }
}

impl Days {
    /// Where to go on behind a place.
    fn after(place: &Place, overlap: i32, to: Date) -> Result<Self> {
        let wrong = || Error::Invalid(format!("{:?} is no place of this source", head(&place.0, 80)));
        let day = |text: &str| text.parse::<Date>().map_err(|_| wrong());
        let mut parts = place.0.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(last), None, None) => {
                let from = day(last)?.saturating_sub(overlap.days()).min(to);
                Ok(Days { from, to, cursor: None })
            }
            (Some(from), Some(to), cursor) => {
                let cursor = cursor.filter(|cursor| !cursor.is_empty()).map(Into::into);
                Ok(Days { from: day(from)?, to: day(to)?, cursor })
            }
            _ => Err(wrong()),
        }
    }

    fn place(&self, next: Option<&str>) -> Place {
        Place(match next {
            Some(cursor) => format!("{}/{}/{cursor}", self.from, self.to),
            None => self.to.to_string(),
        })
    }
}

impl<S: Service> Source for Paged<S> {
    fn next(&mut self, web: &Web) -> Result<Option<Batch>> {
        let Some(days) = self.days.take() else { return Ok(None) };
        let read = self.page(web, &days);
        let Entries { papers, next, total } = match read {
            Err(Error::Remote(why)) if std::mem::take(&mut self.resumed) => {
                tracing::info!(
                    "where the last run stopped is not known any more ({why}); its days are asked for again"
                );
                self.begin_again(days);
                return self.next(web);
            }
            read => read?,
        };
        self.resumed = false;
        self.entries += papers.len();
        self.counted = self.counted.map(|counted| counted + papers.len() as u64);
        self.empty = if papers.is_empty() && !self.service.may_be_empty() { self.empty + 1 } else { 0 };
        let round = next.as_ref().is_some_and(|next| !self.service.cursors_repeat() && !self.seen.insert(next.clone()));
        if round || (self.empty > EMPTY && next.is_some()) {
            return Err(Error::Remote("its pages lead in a circle; what came before stays".into()));
        }
        if let (None, Some(total), Some(counted)) = (&next, total, self.counted)
            && counted < total
        {
            if std::mem::replace(&mut self.again, true) {
                return Err(Error::Remote(format!(
                    "it has {total} entries from {} to {} and gave {counted} of them, twice; what came is in",
                    days.from, days.to
                )));
            }
            tracing::warn!(
                "{counted} of {total} entries came from {} to {}; they are asked for again",
                days.from,
                days.to
            );
            let place = Place(format!("{}/{}/", days.from, days.to));
            self.begin_again(days);
            return Ok(Some(Batch { papers, place: Some(place), ..Batch::default() }));
        }
        let place = days.place(next.as_deref());
        self.days = next.map(|cursor| Days { cursor: Some(cursor), ..days });
        Ok(Some(Batch { papers, place: Some(place), ..Batch::default() }))
    }
}

/// The papers of an answer by itself.
///
/// # Errors
/// [`Error::Remote`] where it is no page.
pub fn answer(mut service: impl Service, body: &[u8]) -> Result<Vec<Incoming>> {
    let day = Date::constant(2000, 1, 1);
    let answer: Value = serde_json::from_slice(body).map_err(|e| not_json(body, &e))?;
    Ok(service.read(&Days { from: day, to: day, cursor: None }, &answer, 1)?.papers)
}

fn not_json(body: &[u8], e: &serde_json::Error) -> Error {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    let begins = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Error::Remote(format!("the answer is not JSON ({e}); it begins with {:?}", head(&begins, 80)))
}

/// The text at the end of a path of names and places; blank for none.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// What is at the end of a path: `primary_location.source`, `title.0`.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    })
}

/// The list at the end of a path; empty for none.
pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The list at the end of a path, which has to be there.
///
/// # Errors
/// [`Error::Remote`], naming the service and what is there instead: an answer of another shape is no day without papers.
pub fn listed<'a>(service: &str, value: &'a Value, path: &str) -> Result<&'a [Value]> {
    if let Some(list) = at(value, path).and_then(Value::as_array) {
        return Ok(list);
    }
    let found = match value {
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().take(8).map(|name| format!("`{}`", head(name, 30))).collect();
            if names.is_empty() { "nothing".into() } else { names.join(", ") }
        }
        Value::Array(_) => "a list".into(),
        other => head(&other.to_string(), 80),
    };
    Err(Error::Remote(format!(
        "{service}: the answer has no list `{path}`; it has {found}. Is the address that of its interface? It may have changed, too"
    )))
}

/// A number that may be written as a text.
pub fn number(value: &Value, path: &str) -> Option<u64> {
    match at(value, path)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_it_stopped_and_the_next_one_looks_back() {
        let day = |text: &str| text.parse::<Date>().expect(text);
        let days = Days { from: day("2026-11-20"), to: day("2026-11-26"), cursor: None };
        let within = days.place(Some("a/b=="));
        let on = Days::after(&within, 2, day("2026-12-01")).expect("a place");
        assert_eq!(on, Days { cursor: Some("a/b==".into()), ..days.clone() });
        let next = Days::after(&days.place(None), 2, day("2026-12-01")).expect("a place");
        assert_eq!(next, Days { from: day("2026-11-24"), to: day("2026-12-01"), cursor: None });
        for text in ["", "yesterday", "2026-11-20/x", "x/2026-11-20/y"] {
            assert!(Days::after(&Place(text.into()), 2, day("2026-12-01")).is_err(), "{text}");
        }
    }
}
