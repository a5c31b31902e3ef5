//! Which papers a query is about: a search always gives something, and whoever follows one wants to hear of a paper only where
//! it is really about what they look for.
//!
//! The score of a paper is that of a search without feedback (`candidates`), so it depends on the paper and the query alone. A
//! paper matches when its score lies above a bar: [`PART`] of the way from the score of a paper at large to that of the best
//! [`BEST`] of the whole corpus, and never below [`FLOOR`]. So a query that the corpus has much about asks for much, in a corpus of
//! any size, and one that it has nothing about matches nothing. Conditions hold as in a search; a query of conditions alone
//! matches what meets them, and one that names a paper what is like that one.
//!
//! `find` asks the same of searches: what their total and their facets count is what a saved search would tell of.
//!
//! Set on the even queries of cranfield and cisi, whole and cut to their two or three most telling words, with the queries of each
//! over the papers of the other as what must not match; measured on the odd ones. The table is in `docs/following.md`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use roaring::RoaringBitmap;

use super::candidates::{Candidate, LexicalQuery, RetrievalQuery};
use super::follow::Followed;
use super::search::Understood;
use super::{Corpus, EmbeddingSpace, check_query};
use crate::cancel;
use crate::engine::answer::{Mode, Part, Why};
use crate::error::Result;
use crate::index::{Allowed, Correction, QueryWords, TermVector, dot, visible};
use crate::paper::{Row, head};

/// How far above a paper at large the bar lies, as a part of how far the best do.
const PART: f32 = 0.7;

/// The best: a few, since one of them may be the very paper that the query was made of.
const BEST: usize = 5;

/// The score below which nothing matches. On the two sets the best papers for their own queries have 0.3 to 0.6, and those for
/// queries of the other set 0.1 to 0.25.
const FLOOR: f32 = 0.25;

/// Candidates by meaning and by words that the best are looked for among, and how many are looked at for matches at first and at
/// most: papers that match without being among so many nearest are not found.
const FOR_THE_BEST: usize = 32;
const FIRST_LOOK: usize = 256;
const LONGEST_LOOK: usize = 4096;

/// Queries that are kept ready.
const KEPT: usize = 512;

/// Queries of searches that are kept ready: for the next page, and for another condition.
const SEARCHED: usize = 64;

/// A query, ready to be matched with papers.
pub struct Matcher {
    wanted: Wanted,
    vector: Vec<f32>,
    /// What its conditions allow; none where there are none.
    only: Option<RoaringBitmap>,
    /// The papers that it names, by an id or a title.
    named: Vec<Row>,
    /// Words that were corrected.
    corrected: Vec<Correction>,
    bar: f32,
}

enum Wanted {
    /// Nothing can match.
    Nothing,
    /// What meets the conditions; as they were written.
    Conditions(String),
    /// A short query.
    Words(QueryWords, String),
    /// A text of many words.
    Text(TermVector, String),
    /// What is like a paper, and not that one.
    Like(TermVector, Row, Part),
}

impl Matcher {
    /// Whether conditions alone decide, so that all matches are equally good.
    pub fn is_of_conditions(&self) -> bool {
        matches!(self.wanted, Wanted::Conditions(_))
    }

    /// Everything that other conditions allow.
    pub(super) fn of_everything() -> Self {
        let wanted = Wanted::Conditions(String::new());
        Matcher { wanted, vector: Vec::new(), only: None, named: Vec::new(), corrected: Vec::new(), bar: FLOOR }
    }

    /// What is looked for, in a mode; nothing where conditions alone decide.
    pub(super) fn probe(&self, mode: Mode) -> Option<RetrievalQuery<'_>> {
        let words = match &self.wanted {
            Wanted::Nothing | Wanted::Conditions(_) => return None,
            Wanted::Words(words, _) => LexicalQuery::Words(words),
            Wanted::Text(terms, _) => LexicalQuery::Text(terms),
            Wanted::Like(terms, ..) => LexicalQuery::Terms(terms),
        };
        Some(RetrievalQuery::new(mode, &self.vector, words))
    }

    /// The words of a short query.
    pub(super) fn words(&self) -> Option<&QueryWords> {
        if let Wanted::Words(words, _) = &self.wanted { Some(words) } else { None }
    }

    /// The papers that the query names.
    pub(super) fn named(&self) -> &[Row] {
        &self.named
    }

    /// What its own conditions allow; none where it has none.
    pub(super) fn only(&self) -> Option<&RoaringBitmap> {
        self.only.as_ref()
    }

    /// The query's vector; empty where it has none.
    pub(super) fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// Words of the query that no paper holds, and what was looked for in their place.
    pub(super) fn corrected(&self) -> &[Correction] {
        &self.corrected
    }
}

/// What a query finds among some papers.
pub struct Among {
    /// The papers, best first.
    pub found: Vec<Candidate>,
    /// What it means, as a unit vector; empty where that is not asked for.
    pub vector: Vec<f32>,
    /// How much of a score are words.
    pub share: f32,
    /// The score from which on a paper is found.
    pub bar: f32,
    /// Whether it has no conditions, which nothing outside the corpus can be held to.
    pub plain: bool,
}

/// A query that is kept ready: made when the corpus had followed so far, with the model of this fingerprint.
type Kept = (Followed, String, Arc<Matcher>);

/// The queries that are kept ready, by their texts and whether their words may be corrected.
#[derive(Default)]
pub struct KeptMatchers(Mutex<HashMap<(String, bool), Kept>>);

impl Corpus {
    /// Makes a query ready, or gives it as it was made of the corpus as it is.
    ///
    /// # Errors
    /// For an empty or overlong query, and when the model or an index cannot be asked.
    pub fn matcher(&self, space: &EmbeddingSpace, query: &str) -> Result<Arc<Matcher>> {
        self.kept_matcher((&self.matchers, KEPT), space, query, true)
    }

    /// The same for a search; `correct`: whether a word that no paper holds is looked for as one that is held.
    ///
    /// # Errors
    /// As [`Corpus::matcher`].
    pub(super) fn search_matcher(&self, space: &EmbeddingSpace, query: &str, correct: bool) -> Result<Arc<Matcher>> {
        // Apart: whoever types must not drive out what others follow.
        self.kept_matcher((&self.searched, SEARCHED), space, query, correct)
    }

    fn kept_matcher(
        &self,
        (matchers, most): (&KeptMatchers, usize),
        space: &EmbeddingSpace,
        query: &str,
        correct: bool,
    ) -> Result<Arc<Matcher>> {
        let (followed, model) = (self.followed(), &space.model().fingerprint);
        let key = (query.to_string(), correct);
        {
            let kept = matchers.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, _, matcher)) = kept.get(&key).filter(|k| k.0 == followed && k.1 == *model) {
                return Ok(Arc::clone(matcher));
            }
        }
        let matcher = Arc::new(self.make_matcher(space, query, correct)?);
        let mut kept = matchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= most {
            kept.retain(|_, k| k.0 == followed);
        }
        if kept.len() >= most {
            kept.clear();
        }
        kept.insert(key, (followed, model.clone(), Arc::clone(&matcher)));
        Ok(matcher)
    }

    fn make_matcher(&self, space: &EmbeddingSpace, query: &str, correct: bool) -> Result<Matcher> {
        let query = &*visible(query);
        check_query(query)?;
        let (mut named, mut corrected) = (Vec::new(), Vec::new());
        let (wanted, vector, only) = match self.understood(space, query, correct)? {
            Understood::Nothing => (Wanted::Nothing, Vec::new(), None),
            Understood::Paper(example) => {
                let terms = self.lexical().terms(&[example.row]).pop().flatten().unwrap_or_default();
                let (id, title) = (example.paper.id.to_string(), example.paper.title);
                named.push(example.row);
                (Wanted::Like(terms, example.row, Part::Paper { id, title, value: 0.0 }), example.vector, None)
            }
            Understood::Text(titled) => {
                named = titled;
                let terms = self.lexical().terms_of(query);
                (Wanted::Text(terms, head(query.trim(), 80)), self.embed_query(space, query)?, None)
            }
            Understood::Words { text, only, .. } if !text.chars().any(char::is_alphanumeric) => {
                let written = || Wanted::Conditions(head(query.trim(), 80));
                (only.as_ref().map_or(Wanted::Nothing, |_| written()), Vec::new(), only)
            }
            Understood::Words { named: titled, text, only, words, corrected: changed } => {
                (named, corrected) = (titled, changed);
                let vector = self.embed_query(space, &text)?;
                (Wanted::Words(words, head(text.trim(), 80)), vector, only)
            }
        };
        let mut matcher = Matcher { wanted, vector, only, named, corrected, bar: FLOOR };
        if let Some(probe) = matcher.probe(Mode::Hybrid) {
            matcher.bar = self.bar(space, &probe, matcher.only.as_ref())?;
        }
        Ok(matcher)
    }

    /// The score from which on papers match.
    fn bar(&self, space: &EmbeddingSpace, probe: &RetrievalQuery<'_>, only: Option<&RoaringBitmap>) -> Result<f32> {
        let Some(common) = self.common(space)? else { return Ok(FLOOR) };
        let allowed = only.map(|rows| Allowed { rows, filter: None });
        let best = self.candidates(space, probe, FOR_THE_BEST, allowed)?.found;
        let best: Vec<f32> = best.iter().take(BEST).map(|f| f.score).collect();
        if best.is_empty() {
            return Ok(FLOOR);
        }
        let share = probe.share();
        let meaning = probe.vector.map_or(0.0, |v| mean(common.vectors().iter().map(|other| dot(v, other))));
        let words = probe.words.map_or(0.0, |w| mean(w.scores(self.lexical(), &common.sample).into_iter()));
        let at_large = (1.0 - share) * meaning + share * words;
        Ok(FLOOR.max(at_large + PART * (mean(best.into_iter()) - at_large)))
    }

    /// The papers among some that a query matches, best first; of those that conditions alone decide about, in no order. Looks at
    /// the 4,096 nearest by meaning and as many by words at most.
    ///
    /// # Errors
    /// When an index cannot be asked.
    pub fn matching(&self, space: &EmbeddingSpace, matcher: &Matcher, among: &RoaringBitmap) -> Result<Vec<Candidate>> {
        self.matching_or_best(space, matcher, among).map(|(found, _)| found)
    }

    /// The same, and whether these are all: not where more match than are looked at.
    ///
    /// # Errors
    /// When an index cannot be asked.
    pub(super) fn matching_or_best(
        &self,
        space: &EmbeddingSpace,
        matcher: &Matcher,
        among: &RoaringBitmap,
    ) -> Result<(Vec<Candidate>, bool)> {
        let rows = matcher.only.as_ref().map_or_else(|| among.clone(), |only| among & only);
        let Some(probe) = matcher.probe(Mode::Hybrid) else {
            let met = if matcher.is_of_conditions() { rows } else { RoaringBitmap::new() };
            let one = |row| Candidate { row: Row(row), score: 1.0, ..Candidate::default() };
            return Ok((met.iter().map(one).collect(), true));
        };
        if rows.is_empty() {
            return Ok((Vec::new(), true));
        }
        let own = if let Wanted::Like(_, row, _) = &matcher.wanted { Some(*row) } else { None };
        let mut look = FIRST_LOOK;
        loop {
            cancel::check()?;
            let allowed = Some(Allowed { rows: &rows, filter: None });
            let mut found = self.candidates(space, &probe, look, allowed)?.found;
            found.retain(|f| f.score >= matcher.bar && Some(f.row) != own);
            // With so few of them among the nearest, none lies further away.
            let all = found.len() < look / 2 || look as u64 >= rows.len();
            if all || look >= LONGEST_LOOK {
                return Ok((found, all));
            }
            look *= 4;
        }
    }

    /// The papers among some few that a query finds, best first: those that hold all of its words (in `dense` these say nothing), and
    /// those with a score above a bar that lies as for [`Corpus::matching`], but measured against the best of these few alone. Of a
    /// query of conditions those that meet them.
    ///
    /// # Errors
    /// For an empty or overlong query, and when the model or an index cannot be asked.
    pub fn found_among(&self, space: &EmbeddingSpace, query: &str, mode: Mode, rows: &RoaringBitmap) -> Result<Among> {
        let matcher = self.matcher(space, query)?;
        let plain = matcher.only.is_none();
        let rows = matcher.only.as_ref().map_or_else(|| rows.clone(), |only| rows & only);
        let Some(whole) = matcher.probe(Mode::Hybrid) else {
            let found = self.matching(space, &matcher, &rows)?;
            return Ok(Among { found, vector: Vec::new(), share: 1.0, bar: 1.0, plain: false });
        };
        let probe = RetrievalQuery {
            vector: whole.vector.filter(|_| mode != Mode::Lexical),
            words: whole.words.filter(|_| mode != Mode::Dense),
            ..whole
        };
        let bar = self.bar(space, &probe, Some(&rows))?;
        let mut found = match rows.is_empty() {
            true => Vec::new(),
            false => {
                self.candidates(space, &probe, rows.len() as usize, Some(Allowed { rows: &rows, filter: None }))?.found
            }
        };
        let whole: Vec<bool> = match probe.words {
            Some(LexicalQuery::Words(words)) if !words.is_empty() => {
                self.lexical().hold_all(words, &found.iter().map(|f| f.row).collect::<Vec<_>>())
            }
            _ => vec![false; found.len()],
        };
        let mut whole = whole.into_iter();
        found.retain(|f| whole.next().is_some_and(|whole| whole && f.words > 0.0) || f.score >= bar);
        Ok(Among { found, vector: probe.vector.unwrap_or_default().to_vec(), share: probe.share(), bar, plain })
    }

    /// Where the score of a match comes from.
    pub fn match_reasons(&self, matcher: &Matcher, found: &Candidate) -> Why {
        let Some(probe) = matcher.probe(Mode::Hybrid) else {
            let text = if let Wanted::Conditions(text) = &matcher.wanted { text.clone() } else { String::new() };
            return Why::of(vec![Part::Text { text, value: found.score }]);
        };
        let meaning = |value| match &matcher.wanted {
            Wanted::Like(_, _, Part::Paper { id, title, .. }) => {
                Part::Paper { id: id.clone(), title: title.clone(), value }
            }
            Wanted::Words(_, text) | Wanted::Text(_, text) => Part::Text { text: text.clone(), value },
            _ => Part::Vector { value },
        };
        match probe.words {
            Some(words) => Why::of(self.parts(found, words, &meaning)),
            None => Why::of(vec![meaning(found.score)]),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let n = values.len().max(1) as f32;
    values.sum::<f32>() / n
}
