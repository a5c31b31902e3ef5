//! What a query asks of the words: conditions that papers must meet, and words that they are ranked by.

use std::collections::HashSet;

use roaring::RoaringBitmap;
use tantivy::Term;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, PhraseQuery, Query as TantivyQuery, RangeQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::Lexical;
use super::inverted::{Inverted, View};
use super::state::State;
use super::vector::TermVector;
use super::words::{Purpose, Reader, Word};
use crate::error::Result;
use crate::index::Neighbour;
use crate::paper::Row;

/// Places that may lie between the names of a person, in all.
const NAME_SLOP: u32 = 2;

/// Terms of a text that papers are looked for with: the weightiest, at most so many.
const MAX_TERMS: usize = 24;

/// Terms that are looked for however many papers hold them.
const LEAST_TERMS: usize = 3;

/// A form that was joined from parts says the same as they do, so it weighs less.
const JOINED: f32 = 0.5;

/// A word is also looked for among the names when it is this many times as frequent there as in texts.
const NAME_LIKE: u64 = 2;

/// A query as read: what papers must meet, and what they are ranked by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// The words to rank by, those of phrases and titles included.
    pub words: String,
    /// All of these must hold.
    pub conditions: Vec<Condition>,
}

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
    /// The words stand somewhere in title, abstract or keywords, next to each other.
    Phrase(String),
    /// The same in the title alone.
    Title(String),
    /// One of its authors has this name, or part of a name.
    Author(String),
    /// It is in this category.
    Category(String),
    /// Its date lies between these days (since 1970-01-01), both included.
    Days(Option<i32>, Option<i32>),
}

/// The words of a short query, ready to score papers.
pub struct Words {
    pub(super) terms: Vec<Wanted>,
    /// What a paper would score that holds every word endlessly often.
    pub(super) ideal: f32,
}

/// A word that is looked for.
pub(super) struct Wanted {
    pub term: String,
    pub surface: String,
    /// Its number, where a paper holds it.
    pub id: Option<u32>,
    /// How much finding it is worth.
    pub weight: f32,
    /// Papers that have it as part of an author's name, and how much that is worth.
    pub names: Option<(RoaringBitmap, f32)>,
}

impl Lexical {
    /// The words of a query: each once, weighted by how telling it is.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn words(&self, text: &str) -> Result<Words> {
        let read = Reader::default().read(text, Purpose::Query);
        let (state, view) = (self.state(), self.inverted.view());
        let all = state.live.len() as f32;
        let idf = |n: f32| (1.0 + (all - n + 0.5).max(0.5) / (n + 0.5)).ln();
        let mut terms: Vec<Wanted> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        for word in read {
            if !seen.insert(word.term.clone()) {
                continue;
            }
            let id = state.dictionary.find(&word.term);
            let papers = id.map_or(0, |id| state.papers_with(id));
            let part = if word.joined { JOINED } else { 1.0 };
            let mut weight = part * idf(papers as f32);
            let name = Term::from_field_text(self.inverted.fields.author, &word.term);
            let by =
                if word.term.len() > 2 { view.searcher.doc_freq(&name).map_err(super::inverted::explain)? } else { 0 };
            let mut names = None;
            if by > NAME_LIKE * papers {
                // What tantivy counts includes what was deleted; what it finds does not.
                let rows = view.all(&TermQuery::new(name, IndexRecordOption::Basic))? & &state.live;
                if rows.len() > NAME_LIKE * papers {
                    let worth = part * idf(rows.len() as f32);
                    weight = if papers == 0 { worth } else { weight };
                    names = Some((rows, worth));
                }
            }
            terms.push(Wanted { term: word.term, surface: word.surface, id, weight, names });
        }
        let ideal = terms.iter().map(|t| t.weight).sum();
        Ok(Words { terms, ideal })
    }

    /// The `k` rows that most likely match the words best, by tantivy's BM25. The scores only order them; see
    /// [`Lexical::shares`].
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn search(&self, words: &Words, k: usize, allowed: Option<&RoaringBitmap>) -> Result<Vec<Neighbour>> {
        let fields = &self.inverted.fields;
        let mut any: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
        for wanted in &words.terms {
            if wanted.id.is_some() || wanted.names.is_none() {
                any.push((Occur::Should, Box::new(term(fields.text, &wanted.term))));
            }
            if wanted.names.is_some() {
                any.push((Occur::Should, Box::new(term(fields.author, &wanted.term))));
            }
        }
        self.best(any, k, allowed)
    }

    /// The `k` rows that most likely share the weightiest of some terms. `reach` is how many entries (a paper that holds a
    /// term) may be looked at: with few, only papers that share the rarest terms are found, and quickly.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn search_terms(
        &self,
        terms: &TermVector,
        k: usize,
        allowed: Option<&RoaringBitmap>,
        reach: u64,
    ) -> Result<Vec<Neighbour>> {
        let mut weighty: Vec<(u32, f32)> = terms.terms.iter().copied().filter(|(_, w)| *w > 0.0).collect();
        weighty.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        weighty.truncate(MAX_TERMS);
        let any = {
            let state = self.state();
            let mut entries = 0;
            let within = |(place, (id, _)): &(usize, (u32, f32))| {
                entries += state.papers_with(*id);
                *place < LEAST_TERMS || entries <= reach
            };
            let weighty: Vec<(u32, f32)> = weighty.into_iter().enumerate().take_while(within).map(|(_, t)| t).collect();
            let one = |(id, weight): &(u32, f32)| {
                let query = term(self.inverted.fields.text, state.dictionary.term(*id)?);
                let boost = weight / state.idf(*id).max(0.1);
                let query: Box<dyn TantivyQuery> = Box::new(BoostQuery::new(Box::new(query), boost));
                Some((Occur::Should, query))
            };
            weighty.iter().filter_map(one).collect()
        };
        self.best(any, k, allowed)
    }

    fn best(
        &self,
        any: Vec<(Occur, Box<dyn TantivyQuery>)>,
        k: usize,
        allowed: Option<&RoaringBitmap>,
    ) -> Result<Vec<Neighbour>> {
        let (state, view) = (self.state(), self.inverted.view());
        if any.is_empty() || state.live.is_empty() {
            return Ok(Vec::new());
        }
        let statistics = state.statistics(&self.inverted.fields, &view.searcher);
        let may = |row: Row| state.live.contains(row.0) && allowed.is_none_or(|a| a.contains(row.0));
        view.best(&BooleanQuery::new(any), &statistics, k, &may)
    }

    /// How much of what the words are worth each row has, from 0, none of them, to 1, all of them again and again: BM25
    /// (Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009) as a share of its bound.
    pub fn shares(&self, words: &Words, rows: &[Row]) -> Vec<f32> {
        let state = self.state();
        rows.iter().map(|row| share(&state, words, *row).map(|(_, value)| value).sum()).collect()
    }

    /// What each word adds to the share of a row, for a person to read.
    pub fn share_parts(&self, words: &Words, row: Row) -> Vec<(String, f32)> {
        let state = self.state();
        share(&state, words, row).map(|(wanted, value)| (wanted.surface.clone(), value)).collect()
    }

    /// What each term that a row shares with others adds to their inner product, for a person to read.
    pub fn shared_parts(&self, terms: &TermVector, row: Row) -> Vec<(String, f32)> {
        let state = self.state();
        let Some(own) = state.vector(row.0) else { return Vec::new() };
        let read = |id: u32| state.dictionary.surface(id).unwrap_or_default().to_string();
        terms.shared(&own).map(|(id, value)| (read(id), value)).collect()
    }

    /// The rows that meet all conditions; `None` when there are none to meet.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn meeting(&self, conditions: &[Condition]) -> Result<Option<RoaringBitmap>> {
        if conditions.is_empty() {
            return Ok(None);
        }
        let view = self.inverted.view();
        let mut rows = self.rows();
        for condition in conditions {
            let mut any = RoaringBitmap::new();
            let mut says_something = false;
            for atom in &condition.any {
                if let Some(met) = met(&self.inverted, &view, atom)? {
                    says_something = true;
                    any |= met;
                }
            }
            // Only function words: everything holds those.
            match (says_something, condition.not) {
                (false, _) => {}
                (true, false) => rows &= any,
                (true, true) => rows -= any,
            }
        }
        Ok(Some(rows))
    }
}

/// BM25's saturation and its share of the length, set on the even queries of cranfield and cisi.
const K1: f32 = 2.0;
const B: f32 = 0.75;
/// A name counts as a word that stands some times in a text.
const NAME: f32 = 0.7;

/// What each wanted word adds to a row's share.
fn share<'a>(state: &State, words: &'a Words, row: Row) -> impl Iterator<Item = (&'a Wanted, f32)> {
    let entries = state.get(row.0).filter(|_| state.live.contains(row.0));
    let (counts, norm) = match entries {
        Some((entries, length)) => {
            let mut counts = vec![0u8; words.terms.len()];
            for (term, count) in entries.iter() {
                for (k, wanted) in words.terms.iter().enumerate() {
                    if wanted.id == Some(term) {
                        counts[k] = count;
                    }
                }
            }
            (counts, K1 * (1.0 - B + B * length as f32 / state.mean_length()))
        }
        None => (vec![0; words.terms.len()], K1),
    };
    let ideal = words.ideal.max(f32::MIN_POSITIVE);
    words.terms.iter().zip(counts).filter_map(move |(wanted, count)| {
        let text = wanted.weight * f32::from(count) / (f32::from(count) + norm);
        let name = wanted.names.as_ref().filter(|(rows, _)| rows.contains(row.0)).map_or(0.0, |(_, w)| w * NAME);
        let value = text.max(name) / ideal;
        (value > 0.0).then_some((wanted, value))
    })
}

fn term(field: Field, text: &str) -> TermQuery {
    TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs)
}

/// The rows that meet a condition; `None` when it says nothing.
fn met(inverted: &Inverted, view: &View, atom: &Atom) -> Result<Option<RoaringBitmap>> {
    let fields = &inverted.fields;
    let query: Option<Box<dyn TantivyQuery>> = match atom {
        Atom::Phrase(text) => phrase(fields.text, text, Purpose::Text, 0),
        Atom::Title(text) => phrase(fields.title, text, Purpose::Text, 0),
        Atom::Author(name) => {
            // `LeCun, Yann` is `Yann LeCun`.
            let turned = name.split_once(',').map(|(last, first)| format!("{first} {last}"));
            phrase(fields.author, turned.as_deref().unwrap_or(name), Purpose::Name, NAME_SLOP)
        }
        Atom::Category(name) => Some(Box::new(term(fields.category, &name.trim().to_lowercase()))),
        Atom::Days(from, to) => {
            let bound = |day: &Option<i32>| match day {
                Some(day) => std::ops::Bound::Included(Term::from_field_i64(fields.day, i64::from(*day))),
                None => std::ops::Bound::Unbounded,
            };
            match (from, to) {
                (None, None) => None,
                _ => Some(Box::new(RangeQuery::new(bound(from), bound(to)))),
            }
        }
    };
    query.map(|q| view.all(&*q)).transpose()
}

/// The words of a text next to each other; `None` when it holds only function words.
fn phrase(field: Field, text: &str, purpose: Purpose, slop: u32) -> Option<Box<dyn TantivyQuery>> {
    let words: Vec<Word> = Reader::default().read(text, purpose).into_iter().filter(|w| !w.joined).collect();
    let first = words.first()?.position;
    let mut terms: Vec<(usize, Term)> =
        words.iter().map(|w| (w.position - first, Term::from_field_text(field, &w.term))).collect();
    // Chinese gives a character and the pair it begins at the same place.
    terms.dedup_by(|next, before| next.0 == before.0);
    if terms.len() == 1 {
        let (_, term) = terms.pop()?;
        return Some(Box::new(TermQuery::new(term, IndexRecordOption::Basic)));
    }
    Some(Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop)))
}
