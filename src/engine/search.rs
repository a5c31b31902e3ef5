//! Papers for a phrase, a query or a pasted abstract.

use std::time::Instant;

use super::answer::ENOUGH;
use super::candidates::{Candidate, Probe, Wanted};
use super::retrieve::{Retrieved, Rules};
use super::{Answer, Ask, Engine, Hit, Meta, Part, Why};
use crate::error::{Error, Result};
use crate::index::{Query, is_prose};
use crate::paper::{Identifier, Paper, PaperId, Row, head, id_key, letters};

/// The longest query, in bytes of UTF-8: more than any abstract, less than what would only keep the machine busy.
pub const MAX_QUERY_BYTES: usize = 256 * 1024;

/// Bytes from which on a query is no id and no title.
const LONGEST_NAME: usize = 1024;

/// Words that are told one by one in an explanation, at least, and at most.
const TOLD: usize = 12;
const MOST_TOLD: usize = 60;

/// How much of a search's score is what the best papers have in common with a paper. Set on the even queries of cranfield
/// and cisi.
const FEEDBACK: f32 = 0.3;

impl Engine {
    /// Papers for a query: its words and its meaning, its conditions (see [`Query::parse`]), or a paper that it names. A text
    /// of many words is a query by example.
    ///
    /// # Errors
    /// [`Error::BadRequest`] with the place for a query that cannot be read; [`Error::Invalid`] for an empty or overlong query
    /// and for a request that is not allowed.
    pub fn search(&self, query: &str, ask: &Ask) -> Result<Answer> {
        let began = Instant::now();
        ask.check()?;
        check_query(query)?;
        let by_id = self.named_by_id(query)?;
        if let Some((_, paper)) = self.store.papers(&by_id)?.into_iter().next() {
            // What is like an identifier? What is like the paper that it names.
            let example = self.with_vector(&self.space(), paper.id.as_str())?;
            return self.like(&example, ask, Rules { first: by_id, ..Rules::default() }, began);
        }
        let named = self.named_by_title(query)?;
        if is_prose(query) {
            return self.by_example(query, named, ask, began);
        }
        let parsed = Query::parse(query)?;
        let only = self.lexical.meeting(&parsed.conditions)?;
        let conditions = parsed.conditions.iter().any(|c| !c.not);
        if !parsed.words.chars().any(char::is_alphanumeric) {
            return match only {
                Some(rows) if conditions => self.listed(rows, ask, began),
                Some(_) => Err(Error::Invalid("the query only leaves papers out; say what to look for as well".into())),
                None => Err(Error::Invalid("the query holds no word: no letter and no digit".into())),
            };
        }
        let space = self.space();
        let words = self.lexical.words(&parsed.words)?;
        let vector =
            if ask.mode == super::Mode::Lexical { Vec::new() } else { self.embed_query(&space, &parsed.words)? };
        let wanted = Wanted::Words(&words);
        let probe = Probe { feedback: FEEDBACK, ..Probe::new(ask.mode, &vector, wanted) };
        let retrieved = self.retrieve(&space, &probe, ask, Rules { only, first: named, ..Rules::default() })?;
        let meaning = |value| Part::Text { text: head(query.trim(), 80), value };
        Ok(self.answer(retrieved, wanted, &meaning, ask, began))
    }

    /// Papers like a text.
    fn by_example(&self, text: &str, first: Vec<Row>, ask: &Ask, began: Instant) -> Result<Answer> {
        if !text.chars().any(char::is_alphanumeric) {
            return Err(Error::Invalid("the query holds no word: no letter and no digit".into()));
        }
        let space = self.space();
        let terms = self.lexical.terms_of(text);
        let vector = if ask.mode == super::Mode::Lexical { Vec::new() } else { self.embed_query(&space, text)? };
        let wanted = Wanted::Terms(&terms);
        let probe = Probe { feedback: FEEDBACK, ..Probe::new(ask.mode, &vector, wanted) };
        let retrieved = self.retrieve(&space, &probe, ask, Rules { first, ..Rules::default() })?;
        let meaning = |value| Part::Text { text: head(text.trim(), 80), value };
        Ok(self.answer(retrieved, wanted, &meaning, ask, began))
    }

    /// Papers that meet conditions without words to rank them by: the newest first.
    fn listed(&self, rows: roaring::RoaringBitmap, ask: &Ask, began: Instant) -> Result<Answer> {
        let allowed = self.store.allowed(&ask.filter)?;
        let mut rows = allowed.map_or(rows.clone(), |a| a & rows) - self.store.excluded(&ask.filter)?;
        if !ask.versions {
            let versions = self.versions();
            rows = rows.iter().filter(|r| versions.speaks(Row(*r), Some(&rows))).collect();
        }
        let total = rows.len() as usize;
        let page = self.store.newest(&rows, ask.offset, ask.limit)?;
        let why = || Why::of(vec![Part::Exact { value: 1.0 }]);
        let hit = |(_, paper): (Row, Paper)| Hit { why: ask.explain.then(why), ..Hit::new(paper, 1.0) };
        let papers = self.store.papers(&page)?.into_iter().map(hit).collect();
        Ok(Answer { papers, meta: Meta::since(began, crate::index::Plan::Exact, total, ask.mode) })
    }

    /// The paper that a query names by its id, arXiv id, DOI or address; of several versions the newest.
    fn named_by_id(&self, query: &str) -> Result<Vec<Row>> {
        let text = query.trim();
        if text.len() > LONGEST_NAME {
            return Ok(Vec::new());
        }
        let exactly = PaperId::new(text).ok().map(|id| self.store.rows(&[&id])).transpose()?;
        if let Some(row) = exactly.into_iter().flatten().flatten().next() {
            return Ok(vec![row]);
        }
        let mut keys: Vec<String> = Identifier::parse(text).iter().map(|i| i.key().to_string()).collect();
        keys.push(id_key(text));
        for key in &keys {
            let rows = self.store.rows_of_key(key)?;
            if let Some(newest) = rows.first() {
                return Ok(vec![*newest]);
            }
        }
        Ok(Vec::new())
    }

    /// The papers that a query names by their whole title, in quotes or not.
    fn named_by_title(&self, query: &str) -> Result<Vec<Row>> {
        let title = letters(query);
        if title.len() < 4 || query.len() > LONGEST_NAME {
            return Ok(Vec::new());
        }
        let rows = self.store.rows_of_title(&title)?;
        let versions = self.versions();
        Ok(rows.into_iter().filter(|row| versions.speaks(*row, None)).collect())
    }

    /// The hits of an answer, each with its reasons when they are asked for.
    pub(super) fn answer(
        &self,
        retrieved: Retrieved,
        wanted: Wanted<'_>,
        meaning: &dyn Fn(f32) -> Part,
        ask: &Ask,
        began: Instant,
    ) -> Answer {
        let Retrieved { hits, plan, total } = retrieved;
        let why = |f: &Candidate| Why::of(self.parts(f, wanted, meaning));
        let hit =
            |(f, paper): (Candidate, Paper)| Hit { why: ask.explain.then(|| why(&f)), ..Hit::new(paper, f.score) };
        Answer { papers: hits.into_iter().map(hit).collect(), meta: Meta::since(began, plan, total, ask.mode) }
    }

    fn parts(&self, found: &Candidate, wanted: Wanted<'_>, meaning: &dyn Fn(f32) -> Part) -> Vec<Part> {
        let told = found.meaning + found.words + found.feedback;
        let mut parts = Vec::new();
        if found.meaning != 0.0 {
            parts.push(meaning(found.meaning));
        }
        if found.words > 0.0 {
            let mut words = wanted.parts(&self.lexical, found.row);
            words.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            // As parts of what they are together, whatever changed between scoring and telling.
            let scale = found.words / words.iter().map(|(_, v)| v).sum::<f32>().max(f32::MIN_POSITIVE);
            // As many as it takes until those that are named, with the meaning, are most of the score.
            let named = |n: usize| words.iter().take(n).map(|(_, v)| v * scale).sum::<f32>();
            let besides = found.meaning.abs() + found.feedback.abs();
            let enough = |n: &usize| besides + named(*n) >= ENOUGH * (besides + found.words);
            let told = (TOLD..words.len().min(MOST_TOLD)).find(enough).unwrap_or(MOST_TOLD);
            let rest: f32 = words.iter().skip(told).map(|(_, v)| v * scale).sum();
            words.truncate(told);
            parts.extend(words.into_iter().map(|(term, value)| Part::Term { term, value: value * scale }));
            if rest > 0.0 {
                parts.push(Part::Term { term: "…".into(), value: rest });
            }
        }
        if found.feedback != 0.0 {
            parts.push(Part::Feedback { value: found.feedback });
        }
        if told == 0.0 && found.score != 0.0 {
            parts.push(Part::Exact { value: found.score });
        }
        parts
    }
}

/// Refuses a text that nothing can be found with.
pub(super) fn check_query(query: &str) -> Result<()> {
    if query.trim().is_empty() {
        return Err(Error::Invalid("the text to look for is empty".into()));
    }
    if query.len() > MAX_QUERY_BYTES {
        return Err(Error::Invalid(format!(
            "the text is {} bytes long; at most {MAX_QUERY_BYTES} are allowed",
            query.len()
        )));
    }
    Ok(())
}
