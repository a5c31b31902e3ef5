//! What papers must meet: words next to each other, persons, categories, days.

use std::ops::Bound;

use roaring::RoaringBitmap;
use tantivy::Term;
use tantivy::query::{
    BooleanQuery, InvertedIndexRangeQuery, Occur, PhraseQuery, Query as TantivyQuery, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::analyzer::{Analyzer, Form, Purpose};
use super::inverted::View;
use super::{Lexical, names};
use crate::error::Result;
use crate::paper::category;

/// Places that may lie between the names of a person, in all.
const NAME_SLOP: u32 = 2;

/// Any of these must hold; or, turned round, none.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The alternatives.
    pub any: Vec<Atom>,
    /// Whether papers that meet it are left out.
    pub not: bool,
}

/// One thing that a paper can meet.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// The words stand next to each other in title, abstract or a keyword, or are the name of an author.
    Phrase(String),
    /// The word stands there; where it is a name before it is a word, an author may have it.
    Word(String),
    /// The words stand next to each other in the title.
    Title(String),
    /// One of its authors has this name, or part of a name.
    Author(String),
    /// It is in this category, or in a class of this archive: `math` is `math.OC` as well, but not `math-ph`.
    Category(String),
    /// Its date lies between these days (since 1970-01-01), both included.
    Days(Option<i32>, Option<i32>),
}

impl Lexical {
    /// The rows that meet all conditions; `None` when there are none to meet, or none that says anything.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn meeting(&self, conditions: &[Condition]) -> Result<Option<RoaringBitmap>> {
        if conditions.is_empty() {
            return Ok(None);
        }
        let mut rows = self.rows();
        let mut said = false;
        for condition in conditions {
            let mut any = RoaringBitmap::new();
            let mut says_something = false;
            for atom in &condition.any {
                if let Some(met) = self.met(atom)? {
                    says_something = true;
                    any |= met;
                }
            }
            // Only function words: everything holds those.
            said |= says_something;
            match (says_something, condition.not) {
                (false, _) => {}
                (true, false) => rows &= any,
                (true, true) => rows -= any,
            }
        }
        Ok(said.then_some(rows))
    }

    /// The rows that meet a condition, rows that are gone among them; `None` when it says nothing.
    pub(super) fn met(&self, atom: &Atom) -> Result<Option<RoaringBitmap>> {
        let (view, fields) = (self.inverted().view(), &self.fields);
        let query: Option<Box<dyn TantivyQuery>> = match atom {
            Atom::Phrase(text) => {
                let named = self.by_person(&view, text)?;
                let texts = phrase(fields.text, text).map(|q| view.all(&*q)).transpose()?;
                return Ok(match (texts, named) {
                    (None, named) if named.is_empty() => None,
                    (texts, named) => Some(texts.unwrap_or_default() | named),
                });
            }
            Atom::Word(text) => {
                let texts = phrase(fields.text, text).map(|q| view.all(&*q)).transpose()?;
                let named = self.named(text)?;
                return Ok(texts.map(|texts| texts | named));
            }
            Atom::Title(text) => phrase(fields.title, text),
            Atom::Author(name) => return self.by_person(&view, name).map(Some),
            Atom::Category(name) => Some(category(fields.category, name)),
            Atom::Days(from, to) => {
                let bound = |day: &Option<i32>| match day {
                    Some(day) => Bound::Included(Term::from_field_i64(fields.day, i64::from(*day))),
                    None => Bound::Unbounded,
                };
                match (from, to) {
                    (None, None) => None,
                    _ => Some(Box::new(RangeQuery::new(bound(from), bound(to)))),
                }
            }
        };
        query.map(|q| view.all(&*q)).transpose()
    }

    /// The papers by the persons of a text, all of them together; none when it names nobody.
    fn by_person(&self, view: &View, text: &str) -> Result<RoaringBitmap> {
        let mut all: Option<RoaringBitmap> = None;
        for readings in names::readings(text) {
            let mut rows = RoaringBitmap::new();
            for names in readings {
                for query in names.iter().filter_map(|name| name_query(self.fields.author, name, NAME_SLOP)) {
                    rows |= view.all(&*query)?;
                }
                // The next reading is less likely.
                if !rows.is_empty() {
                    break;
                }
            }
            all = Some(all.map_or(rows.clone(), |all| all & rows));
        }
        Ok(all.unwrap_or_default())
    }
}

/// The words of a name behind one another.
pub fn name_query(field: Field, name: &str, slop: u32) -> Option<Box<dyn TantivyQuery>> {
    let words = Analyzer::default().read(name, Purpose::Name).into_iter().filter(|w| w.form == Form::Alone);
    in_a_row(words.map(|w| (w.position, Term::from_field_text(field, &w.term))).collect(), slop)
}

/// The words of a text next to each other; `None` when it holds only one function word, or nothing.
fn phrase(field: Field, text: &str) -> Option<Box<dyn TantivyQuery>> {
    let words = Analyzer::default().read(text, Purpose::Text);
    let of = |form: Form| -> Vec<(usize, Term)> {
        let of = words.iter().filter(|w| w.form == form);
        of.map(|w| (w.position, Term::from_field_text(field, &w.term))).collect()
    };
    let (alone, mut signs) = (of(Form::Alone), of(Form::Sign));
    // A capital that stands alone is looked for like any word.
    signs.retain(|(_, term)| term.value().as_str().is_some_and(|t| t.len() > 1));
    if signs.is_empty() {
        return in_a_row(if alone.is_empty() { of(Form::Pair) } else { alone }, 0);
    }
    let signs = signs.into_iter().map(|(_, term)| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<_>);
    let all = in_a_row(alone, 0).into_iter().chain(signs).map(|q| (Occur::Must, q)).collect();
    Some(Box::new(BooleanQuery::new(all)))
}

/// Terms in their places.
fn in_a_row(mut terms: Vec<(usize, Term)>, slop: u32) -> Option<Box<dyn TantivyQuery>> {
    let first = terms.first()?.0;
    terms.iter_mut().for_each(|(at, _)| *at -= first);
    // Chinese gives a character and the pair it begins at the same place.
    terms.dedup_by(|next, before| next.0 == before.0);
    if terms.len() == 1 {
        let (_, term) = terms.pop()?;
        return Some(Box::new(TermQuery::new(term, IndexRecordOption::Basic)));
    }
    Some(Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop)))
}

/// A category, or the classes of an archive.
fn category(field: Field, name: &str) -> Box<dyn TantivyQuery> {
    let name = category::folded(name.trim().trim_end_matches('*').trim_end_matches('.'));
    let term = |text: &str| Term::from_field_text(field, text);
    let own: Box<dyn TantivyQuery> = Box::new(TermQuery::new(term(&name), IndexRecordOption::Basic));
    let classes = category::classes(&name);
    let classes =
        InvertedIndexRangeQuery::new(Bound::Included(term(&classes.start)), Bound::Excluded(term(&classes.end)));
    Box::new(BooleanQuery::new(vec![(Occur::Should, own), (Occur::Should, Box::new(classes))]))
}
