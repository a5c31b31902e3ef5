//! The words of a query that papers are ranked by, names of persons among them.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;
use tantivy::Term;
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query as TantivyQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::Lexical;
use super::analyzer::{Analyzer, Form, Purpose, Word, spelled_out, surname_term};
use super::conditions::name_query;
use super::inverted::View;
use super::spelling::american;
use super::vector::TermVector;
use crate::error::Result;
use crate::index::Neighbour;
use crate::paper::Row;

/// Places that may lie between a given name and a surname: one more name.
const BETWEEN: u32 = 1;

/// Terms of a text that papers are looked for with: the weightiest, at most so many.
const MAX_TERMS: usize = 24;

/// Terms that are looked for however many papers hold them.
const LEAST_TERMS: usize = 3;

/// A form that was joined from parts says the same as they do, so it weighs less.
const JOINED: f32 = 0.5;

/// A word that is somebody's name and all that was typed: who has it comes before what mentions it.
const MENTIONED: f32 = 0.3;

/// A given name, where others have it as their surname.
const GIVEN: f32 = 0.7;

/// The letters of a name whose sign says which one is meant.
const LETTERS: f32 = 0.1;

/// A word is also looked for among the names when it is this many times as frequent there as in texts.
const NAME_LIKE: u64 = 2;

/// The words of a short query, ready to score papers.
pub struct QueryWords {
    pub(super) terms: Vec<QueryTerm>,
    /// What a paper would score that holds every word endlessly often.
    pub(super) ideal: f32,
    /// For each place of the query that any paper can fill, the words of which one fills it.
    pub(super) places: Vec<Vec<usize>>,
    /// The papers whose titles fill all of these places.
    pub(super) titled: RoaringBitmap,
}

impl QueryWords {
    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// How many telling words it has: places that a word of some paper fills. Function words are none.
    pub fn telling(&self) -> usize {
        self.places.len()
    }
}

/// A word that is looked for.
pub(super) struct QueryTerm {
    pub term: String,
    pub surface: String,
    /// Its number, where a paper holds it.
    pub id: Option<u32>,
    /// How much finding it is worth.
    pub weight: f32,
    /// Whether to be there once is all that can be said of it: a name with a sign.
    pub name: bool,
    /// How much less it is worth than a word as rare, since another says the same better.
    pub part: f32,
    /// Papers that have it as part of an author's name.
    pub by: Option<AuthorMatch>,
}

/// Papers by persons of a name.
pub(super) struct AuthorMatch {
    pub rows: RoaringBitmap,
    /// Those whose authors have it as their surname, where the query is this one word.
    surnames: RoaringBitmap,
    /// How much finding one is worth.
    pub worth: f32,
    /// How much of that the name comes to: all where the query is nothing but a name.
    pub(super) share: f32,
    /// What finds them; whether by the surname.
    queries: Vec<(Box<dyn TantivyQuery>, bool)>,
}

impl AuthorMatch {
    /// What a paper has of it.
    pub(super) fn value(&self, row: Row) -> f32 {
        if self.rows.contains(row.0) { self.score(self.surnames.contains(row.0)) } else { 0.0 }
    }

    fn score(&self, surname: bool) -> f32 {
        self.worth * self.share * if surname || self.surnames.is_empty() { 1.0 } else { GIVEN }
    }
}

impl Lexical {
    /// The words of a query: each once, weighted by how telling it is.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn words(&self, text: &str) -> Result<QueryWords> {
        let read = Analyzer::default().read(text, Purpose::Query);
        let mut persons = self.persons(text, &read)?;
        let alone = |w: &Word| w.form == Form::Alone || (w.form == Form::Function && read.len() == 1);
        let only_names = read.iter().enumerate().filter(|(_, w)| alone(w)).all(|(k, _)| persons.contains_key(&k));
        let share = if only_names { 1.0 } else { NAME };
        let state = self.state();
        let all = state.live.len() as f32;
        let idf = |n: f32| (1.0 + (all - n + 0.5).max(0.5) / (n + 0.5)).ln();
        let held = |word: &Word| state.dictionary.find(&word.term).filter(|id| state.papers_with(*id) > 0);
        // Where a name stands with its sign, the letters alone say little.
        let signs: Vec<&Word> = read.iter().filter(|w| w.form == Form::Sign && held(w).is_some()).collect();
        let signed = |at: usize| signs.iter().any(|s| s.position <= at && at < s.position + s.places);
        let mut terms: Vec<QueryTerm> = Vec::new();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (k, word) in read.iter().enumerate() {
            let names = persons.remove(&k);
            let known = held(word);
            if (!word.counts() && names.is_none()) || (word.form == Form::Sign && known.is_none()) {
                continue;
            }
            let key = if word.counts() { word.term.as_str() } else { word.whole.as_str() };
            let place = *seen.entry(key).or_insert_with(|| {
                let part = match word.form {
                    Form::Sign => 1.0,
                    _ if signed(word.position) => LETTERS,
                    Form::Joined => JOINED,
                    _ => 1.0,
                };
                let papers = known.map_or(0, |id| state.papers_with(id));
                let mut weight = if word.counts() { part * idf(papers as f32) } else { 0.0 };
                let rare = weight;
                if only_names && names.is_some() {
                    weight *= MENTIONED;
                }
                let by = names.map(|Persons { rows, surnames, queries }| {
                    let worth = part * idf(rows.len() as f32);
                    // Who is as known by name as this is not worth less than who is written about.
                    let worth = worth.max(if papers == 0 { 0.0 } else { rare });
                    AuthorMatch { rows, surnames, worth, share, queries }
                });
                if let (0, Some(by)) = (papers, &by) {
                    weight = by.worth;
                }
                let (term, surface) = (key.to_string(), word.surface.clone());
                terms.push(QueryTerm { term, surface, id: known, weight, name: word.form == Form::Sign, part, by });
                terms.len() - 1
            });
            let wanted = &terms[place];
            if wanted.id.is_some() || wanted.by.is_some() {
                for at in word.position..word.position + word.places {
                    if wanted.name || !signed(at) {
                        places.entry(at).or_default().push(place);
                    }
                }
            }
        }
        let ideal = terms.iter().map(|t| t.by.as_ref().map_or(t.weight, |by| by.worth.max(t.weight))).sum();
        let places: Vec<Vec<usize>> = places.into_values().collect();
        let titled = self.titled(&terms, &places)?;
        Ok(QueryWords { terms, ideal, places, titled })
    }

    /// The papers whose titles fill every place of a query of two or more.
    fn titled(&self, terms: &[QueryTerm], places: &[Vec<usize>]) -> Result<RoaringBitmap> {
        let filled = |place: &Vec<usize>| -> (Occur, Box<dyn TantivyQuery>) {
            let held = place.iter().filter(|k| terms[**k].id.is_some());
            let any = held.map(|k| -> (Occur, Box<dyn TantivyQuery>) {
                (Occur::Should, Box::new(term(self.fields.title, &terms[*k].term)))
            });
            (Occur::Must, Box::new(BooleanQuery::new(any.collect())))
        };
        if places.len() < 2 {
            return Ok(RoaringBitmap::new());
        }
        self.inverted().view().all(&BooleanQuery::new(places.iter().map(filled).collect()))
    }

    /// The papers by persons whose names stand in a query, by the place of the word.
    ///
    /// A word is a name when it is [`NAME_LIKE`] times as frequent among authors as in texts; when it is all that was
    /// typed, like a name with a capital, and somebody's surname; or when together with the next one it is somebody's
    /// name.
    fn persons(&self, text: &str, read: &[Word]) -> Result<HashMap<usize, Persons>> {
        let (view, author) = (self.inverted().view(), self.fields.author);
        let lone = text.split_whitespace().count() == 1;
        let mut persons: HashMap<usize, Persons> = HashMap::new();
        let mut before: Option<(usize, &Word)> = None;
        for (k, word) in read.iter().enumerate().filter(|(_, w)| !w.whole.is_empty()) {
            let forms = name_forms(word);
            let mut known = 0;
            for form in &forms {
                known += view.frequency(author, form)?;
            }
            if known == 0 || word.whole.chars().count() < 2 {
                before = None;
                continue;
            }
            let mut add = |k: usize, query: Box<dyn TantivyQuery>, surname: bool| -> Result<()> {
                let rows = view.all(&*query)? & &self.state().live;
                if !rows.is_empty() {
                    let person = persons.entry(k).or_default();
                    if surname {
                        person.surnames |= &rows;
                    }
                    person.rows |= rows;
                    person.queries.push((query, surname));
                }
                Ok(())
            };
            let term = |text: &str| -> Box<dyn TantivyQuery> {
                Box::new(TermQuery::new(Term::from_field_text(author, text), IndexRecordOption::Basic))
            };
            let is_name = word.form == Form::Alone && self.is_name(&view, &word.whole, known)?;
            for form in &forms {
                if lone && (is_name || like_a_name(&word.surface)) {
                    add(k, term(&surname_term(form)), true)?;
                }
                if is_name {
                    add(k, term(form), false)?;
                }
            }
            if let Some((other, first)) = before.filter(|(_, b)| b.position + 1 == word.position) {
                for pair in [[first, word], [word, first]] {
                    for query in name_pairs(author, pair) {
                        add(other, query.box_clone(), false)?;
                        add(k, query, false)?;
                    }
                }
            }
            before = Some((k, word));
        }
        Ok(persons)
    }

    /// Whether a word is a name before it is a word, with so many papers by people of that name.
    fn is_name(&self, view: &View, whole: &str, by: u64) -> Result<bool> {
        let fields = &self.fields;
        let spelled = american(whole);
        let written = view.frequency(fields.whole, &spelled)?;
        if by == 0 || view.is_clean() {
            return Ok(by > NAME_LIKE * written);
        }
        // What is gone and not yet merged away must leave no trace.
        let live = self.rows();
        let count = |field, text: &str| -> Result<u64> {
            let query = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
            Ok((view.all(&query)? & &live).len())
        };
        Ok(count(fields.author, whole)? > NAME_LIKE * count(fields.whole, &spelled)?)
    }

    /// The papers by people of a name that is a name before it is a word.
    pub(super) fn named(&self, text: &str) -> Result<RoaringBitmap> {
        let (view, author) = (self.inverted().view(), self.fields.author);
        let mut rows = RoaringBitmap::new();
        for word in Analyzer::default().read(text, Purpose::Query).iter().filter(|w| w.form == Form::Alone) {
            let by = view.frequency(author, &word.whole)?;
            if word.whole.chars().count() > 1 && self.is_name(&view, &word.whole, by)? {
                rows |=
                    view.all(&TermQuery::new(Term::from_field_text(author, &word.whole), IndexRecordOption::Basic))?;
            }
        }
        Ok(rows)
    }

    /// The rows that hold at least one of the words, or are by somebody of a name among them.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn holding(&self, words: &QueryWords) -> Result<RoaringBitmap> {
        let view = self.inverted().view();
        let mut rows = RoaringBitmap::new();
        for wanted in &words.terms {
            if wanted.id.is_some() {
                rows |= view.all(&term(self.fields.text, &wanted.term))?;
            }
            if let Some(by) = &wanted.by {
                rows |= &by.rows;
            }
        }
        Ok(rows & &self.state().live)
    }

    /// The `k` rows that most likely match the words best, by tantivy's BM25. The scores only order them; see
    /// [`Lexical::shares`].
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn search(&self, words: &QueryWords, k: usize, allowed: Option<&RoaringBitmap>) -> Result<Vec<Neighbour>> {
        let fields = &self.fields;
        let mut any: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
        for wanted in &words.terms {
            if wanted.id.is_some() || wanted.by.is_none() {
                let query: Box<dyn TantivyQuery> = Box::new(term(fields.text, &wanted.term));
                // A boost for all would keep tantivy from passing over what cannot win.
                let less = wanted.part < JOINED;
                any.push((Occur::Should, if less { Box::new(BoostQuery::new(query, wanted.part)) } else { query }));
            }
            if let Some(by) = &wanted.by {
                for (query, surname) in &by.queries {
                    let score = by.score(*surname) * TANTIVYS_BOUND;
                    any.push((Occur::Should, Box::new(ConstScoreQuery::new(query.box_clone(), score))));
                }
            }
        }
        self.best(any, k, allowed)
    }

    /// The `k` rows that most likely share the weightiest of some terms. `reach` is how many entries (a paper that
    /// holds a term) may be looked at: with few, only papers that share the rarest terms are found, and quickly.
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
                let query = term(self.fields.text, state.dictionary.term(*id)?);
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
        let (state, view) = (self.state(), self.inverted().view());
        if any.is_empty() || state.live.is_empty() {
            return Ok(Vec::new());
        }
        let statistics = state.statistics(&self.fields, &view.searcher);
        let may = |row: Row| state.live.contains(row.0) && allowed.is_none_or(|a| a.contains(row.0));
        view.best(&BooleanQuery::new(any), &statistics, k, &may)
    }

    /// What each term that a row shares with others adds to their inner product, for a person to read.
    pub fn shared_parts(&self, terms: &TermVector, row: Row) -> Vec<(String, f32)> {
        let state = self.state();
        let Some(own) = state.vector(row.0) else { return Vec::new() };
        let read = |id: u32| state.dictionary.surface(id).unwrap_or_default().to_string();
        terms.shared(&own).map(|(id, value)| (read(id), value)).collect()
    }
}

/// A name counts as a word that stands some times in a text.
pub(super) const NAME: f32 = 0.7;
/// What a word endlessly often comes to in tantivy's BM25, times its idf.
const TANTIVYS_BOUND: f32 = 2.2;

fn term(field: Field, text: &str) -> TermQuery {
    TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs)
}

/// Rows, which of them by a surname, and the queries that find them.
#[derive(Default)]
struct Persons {
    rows: RoaringBitmap,
    surnames: RoaringBitmap,
    queries: Vec<(Box<dyn TantivyQuery>, bool)>,
}

/// A word as it may stand among the names.
pub(super) fn name_forms(word: &Word) -> Vec<String> {
    let mut forms = vec![word.whole.clone()];
    forms.extend(spelled_out(&word.surface.to_lowercase()));
    forms
}

/// Two words as the name of a person.
fn name_pairs(author: Field, pair: [&Word; 2]) -> Vec<Box<dyn TantivyQuery>> {
    let [first, second] = pair.map(name_forms);
    // Both plain, or both spelled out.
    let spelled = |forms: &[String]| forms.last().cloned().unwrap_or_default();
    let mut names = vec![format!("{} {}", first[0], second[0])];
    if first.len() + second.len() > 2 {
        names.push(format!("{} {}", spelled(&first), spelled(&second)));
    }
    names.iter().filter_map(|name| name_query(author, name, BETWEEN)).collect()
}

/// Whether a word is written as names are: a capital, and not only capitals. Scripts without capitals say nothing.
fn like_a_name(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase)
}
