//! Papers for a phrase, a query or a pasted abstract.

use std::borrow::Cow;
use std::time::Instant;

use roaring::RoaringBitmap;

use crate::engine::answer::{Answer, Hit, Meta, Mode, Part, SearchOptions, Why};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::candidates::{LexicalQuery, RetrievalQuery};
use crate::engine::corpus::embed::check_query;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::named::WithVector;
use crate::engine::corpus::retrieve::Constraints;
use crate::error::{Error, Result};
use crate::index::{Correction, MatchedWords, Query, QueryWords, is_prose, visible};
use crate::paper::{Paper, PaperId, Row, head, letters};

/// Bytes from which on a query is no id and no title.
const LONGEST_NAME: usize = 1024;

/// How much of a search's score is what the best papers have in common with a paper. Set on the even queries of
/// cranfield and cisi.
const FEEDBACK: f32 = 0.3;

/// Papers up to which all are looked at, where no others may come.
const REACH: usize = 4096;

/// What whoever asks knows of a query.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// Whether a word that no paper holds becomes one that is held.
    pub correct: bool,
    /// Its vector.
    pub vector: Option<&'a [f32]>,
    /// Only these papers may come.
    pub among: Option<&'a RoaringBitmap>,
}

/// What a query means.
pub(super) enum Understood {
    /// A paper, by its id or an identifier.
    Paper(WithVector),
    /// Nothing: it holds no letter and no digit.
    Nothing,
    /// A text of many words; the papers with this title.
    Text(Vec<Row>),
    /// Words and conditions.
    Words {
        /// The papers that have it as their title.
        named: Vec<Row>,
        /// What meets its conditions; none where it has none.
        only: Option<RoaringBitmap>,
        /// The words to rank by, as they are looked for; blank where it has none.
        text: String,
        /// Which of them were corrected.
        corrected: Vec<Correction>,
        /// The same, weighted.
        words: QueryWords,
    },
}

impl Corpus {
    /// Papers for a query: its words and its meaning, its conditions (see [`Query::read`]), or a paper that it names. A
    /// text of many words is a query by example.
    pub fn search(&self, query: &str, ask: &SearchOptions) -> Result<Answer> {
        self.search_in(&self.space(), query, ask)
    }

    /// The same in a given space.
    pub fn search_in(&self, space: &EmbeddingSpace, query: &str, ask: &SearchOptions) -> Result<Answer> {
        self.search_among(space, query, ask, &Known { correct: true, ..Known::default() })
    }

    /// The same, with what is known of the query, among some papers.
    pub(super) fn search_among(
        &self,
        space: &EmbeddingSpace,
        query: &str,
        ask: &SearchOptions,
        known: &Known<'_>,
    ) -> Result<Answer> {
        let began = Instant::now();
        ask.check()?;
        let query = &*visible(query);
        check_query(query)?;
        let among = |only: Option<RoaringBitmap>| match (known.among, only) {
            (Some(among), Some(only)) => Some(among & only),
            (Some(among), None) => Some(among.clone()),
            (None, only) => only,
        };
        // All that can come is known: it comes in one order, whichever page is asked for.
        let reach = known.among.map_or(0, |among| (among.len() as usize).min(REACH));
        let (named, only, text, corrected, words) = match self.understood(space, query, known.correct)? {
            Understood::Paper(example) => {
                // What is like an identifier? What is like the paper that it names.
                let first = vec![example.row];
                let rules = Constraints { first, only: among(None), reach, ..Constraints::default() };
                return self.like(space, &example, ask, rules, began);
            }
            Understood::Nothing => {
                let meta = Meta::since(began, crate::index::Plan::Exact, 0, ask.mode);
                return Ok(Answer { papers: Vec::new(), meta });
            }
            Understood::Text(first) => {
                let rules = Constraints { first, only: among(None), reach, ..Constraints::default() };
                return self.by_example(space, query, rules, ask, (known.vector, began));
            }
            Understood::Words { named, only, text, corrected, words } => (named, only, text, corrected, words),
        };
        // Without words to rank by: only conditions, or for the letter only function words, as in "to be or not to be".
        let silent = !text.chars().any(char::is_alphanumeric) || (ask.mode == Mode::Lexical && words.is_empty());
        if silent && only.is_some() {
            return self.listed(among(only).unwrap_or_default(), ask, began);
        }
        let vector = self.vector_of(space, &text, ask.mode, known.vector)?;
        let wanted = LexicalQuery::Words(&words);
        let probe = RetrievalQuery { feedback: FEEDBACK, ..RetrievalQuery::new(ask.mode, &vector, wanted) };
        let retrieved = self.retrieve(
            space,
            &probe,
            ask,
            Constraints { only: among(only), first: named, reach, ..Constraints::default() },
        )?;
        let meaning = |value| Part::Text { text: head(text.trim(), 80), value };
        let mut answer = self.answer(retrieved, wanted, &meaning, ask, began);
        answer.meta.corrected = corrected;
        Ok(answer)
    }

    /// The words of a query that papers were looked for with, and what they were corrected to. A text of many words has none: all of
    /// it would be marked.
    pub fn matched_words(&self, query: &str, corrected: &[Correction]) -> Result<MatchedWords> {
        let query = visible(query);
        if is_prose(&query) {
            return Ok(MatchedWords::of([]));
        }
        let words = self.lexical().read_query(&query)?.words;
        Ok(MatchedWords::of(std::iter::once(words.as_str()).chain(corrected.iter().map(|c| c.to.as_str()))))
    }

    /// The vector of a query, unless it is known already; none where words alone count.
    fn vector_of<'v>(
        &self,
        space: &EmbeddingSpace,
        text: &str,
        mode: Mode,
        known: Option<&'v [f32]>,
    ) -> Result<Cow<'v, [f32]>> {
        match known {
            _ if mode == Mode::Lexical => Ok(Cow::Borrowed(&[])),
            Some(vector) => Ok(Cow::Borrowed(vector)),
            None => self.embed_query(space, text).map(Cow::Owned),
        }
    }

    /// Reads a query: without what nobody sees in it, and neither empty nor too long. `correct`: whether a word that no paper
    /// holds becomes one that is held.
    pub(super) fn understood(&self, space: &EmbeddingSpace, query: &str, correct: bool) -> Result<Understood> {
        if let Some(example) = self.named_by_id(space, query)? {
            return Ok(Understood::Paper(example));
        }
        let named = self.named_by_title(query)?;
        if !query.chars().any(char::is_alphanumeric) {
            return Ok(Understood::Nothing);
        }
        if is_prose(query) {
            return Ok(Understood::Text(named));
        }
        let mut parsed = self.lexical().read_query(query)?;
        let mut only = self.lexical().meeting(&parsed.conditions)?;
        let found = |rows: &RoaringBitmap| named.iter().all(|row| rows.contains(row.0));
        if !named.is_empty() && only.as_ref().is_some_and(|rows| !parsed.is_one_phrase() || !found(rows)) {
            // Whoever pastes a title means none of its signs.
            (parsed, only) = (Query::plain(query), None);
        }
        // What is insisted on is meant as it was typed.
        let insisted = only.as_ref().is_some_and(RoaringBitmap::is_empty);
        let (text, corrected) = if correct && named.is_empty() && !insisted {
            self.lexical().corrected(&parsed.words)?
        } else {
            (parsed.words, Vec::new())
        };
        let words = self.lexical().words(&text)?;
        Ok(Understood::Words { named, only, text, corrected, words })
    }

    /// Papers like a text.
    fn by_example(
        &self,
        space: &EmbeddingSpace,
        text: &str,
        rules: Constraints<'_>,
        ask: &SearchOptions,
        (vector, began): (Option<&[f32]>, Instant),
    ) -> Result<Answer> {
        let terms = self.lexical().terms_of(text);
        let vector = self.vector_of(space, text, ask.mode, vector)?;
        let wanted = LexicalQuery::Text(&terms);
        let probe = RetrievalQuery { feedback: FEEDBACK, ..RetrievalQuery::new(ask.mode, &vector, wanted) };
        let retrieved = self.retrieve(space, &probe, ask, rules)?;
        let meaning = |value| Part::Text { text: head(text.trim(), 80), value };
        Ok(self.answer(retrieved, wanted, &meaning, ask, began))
    }

    /// Papers that meet conditions without words to rank them by: the newest first.
    pub(super) fn listed(&self, rows: RoaringBitmap, ask: &SearchOptions, began: Instant) -> Result<Answer> {
        let allowed = self.allowed(&ask.filter)?;
        let mut rows = allowed.map_or(rows.clone(), |a| a & rows) - self.excluded(&ask.filter)?;
        if !ask.versions {
            let versions = self.versions();
            rows = rows.iter().filter(|r| versions.is_representative(Row(*r), Some(&rows))).collect();
        }
        let total = rows.len() as usize;
        let page = self.store.newest(&rows, ask.offset, ask.limit)?;
        let why = || Why::of(vec![Part::Exact { value: 1.0 }]);
        let hit = |(_, paper): (Row, Paper)| Hit { why: ask.explain.then(why), ..Hit::new(paper, 1.0) };
        let papers = self.store.papers(&page)?.into_iter().map(hit).collect();
        Ok(Answer { papers, meta: Meta::since(began, crate::index::Plan::Exact, total, ask.mode) })
    }

    /// The paper that a query names by its id, or by any form of an identifier.
    fn named_by_id(&self, space: &EmbeddingSpace, query: &str) -> Result<Option<WithVector>> {
        let text = query.trim();
        if text.len() > LONGEST_NAME {
            return Ok(None);
        }
        let exactly = PaperId::new(text).ok().map(|id| self.store.rows(&[&id])).transpose()?;
        let known = exactly.into_iter().flatten().flatten().next();
        if known.is_none() && self.named_otherwise(text)?.is_none() {
            return Ok(None);
        }
        match self.with_vector(space, text) {
            // It went meanwhile.
            Err(Error::NotFound { .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// The papers that a query names by their whole title, in quotes or not.
    fn named_by_title(&self, query: &str) -> Result<Vec<Row>> {
        let title = letters(query);
        if title.len() < 4 || query.len() > LONGEST_NAME {
            return Ok(Vec::new());
        }
        let rows = self.store.rows_of_title(&title)?;
        let versions = self.versions();
        Ok(rows.into_iter().filter(|row| versions.is_representative(*row, None)).collect())
    }
}
