//! Candidates and their scores: by meaning, by words, or by both.
//!
//! The score of a paper is `(1 - share) * meaning + share * words`. Meaning is the cosine of the vectors, from -1 to 1. Words
//! are, for a short query, the part of what its words are worth that the paper has ([`Lexical::shares`]), and for a text or a
//! paper the cosine of the terms, both from 0 to 1. The share is a function of the query alone ([`LexicalQuery::share`]). None
//! of them depends on the other papers of an answer, so scores can be compared between calls.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::answer::Mode;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::error::Result;
use crate::index::{Allowed, Lexical, Plan, QueryWords, TermVector, dot};
use crate::paper::Row;
use crate::rank;

/// The least share of words where a text is the question.
const WORDS_SHARE: f32 = 0.5;

/// The words' share where a text is the question, by how many telling words it has. A few words are half of it, since a meaning
/// is what they mostly stand for; who writes many has said which. Between [`FEW`] and [`MANY`] it rises evenly.
///
/// Chosen from shares of 0.2 to 0.9 over the queries of cranfield and cisi (all of them, and these cut to their one to five
/// most telling words) and known items among the even Daily Papers; the table is in `docs/quality.md`.
fn words_share(telling: usize) -> f32 {
    let many = telling.saturating_sub(FEW) as f32 / (MANY - FEW) as f32;
    WORDS_SHARE + (MOST_WORDS - WORDS_SHARE) * many.min(1.0)
}

/// Telling words up to which words count half, and from which on they count [`MOST_WORDS`].
const FEW: usize = 4;
const MANY: usize = 12;
const MOST_WORDS: f32 = 0.7;

/// What words are looked for.
#[derive(Clone, Copy)]
pub enum LexicalQuery<'a> {
    /// Those of a short query.
    Words(&'a QueryWords),
    /// Those of a text.
    Text(&'a TermVector),
    /// Those of a paper, or several.
    Terms(&'a TermVector),
}

impl LexicalQuery<'_> {
    /// How much of a score are words, where meaning counts as well.
    pub fn share(self) -> f32 {
        match self {
            LexicalQuery::Words(words) => words_share(words.telling()),
            LexicalQuery::Text(terms) => words_share(terms.terms.len()),
            LexicalQuery::Terms(terms) => rank::words_share(terms.terms.len()),
        }
    }

    pub(super) fn scores(self, lexical: &Lexical, rows: &[Row]) -> Vec<f32> {
        match self {
            LexicalQuery::Words(words) => lexical.shares(words, rows),
            LexicalQuery::Text(terms) | LexicalQuery::Terms(terms) => lexical.cosines(terms, rows),
        }
    }

    fn search(self, lexical: &Lexical, k: usize, allowed: Option<&RoaringBitmap>, reach: u64) -> Result<Vec<Row>> {
        let found = match self {
            LexicalQuery::Words(words) => lexical.search(words, k, allowed)?,
            LexicalQuery::Text(terms) | LexicalQuery::Terms(terms) => lexical.search_terms(terms, k, allowed, reach)?,
        };
        Ok(found.into_iter().map(|n| n.row).collect())
    }

    /// What each word adds to the words' part of a row's score.
    pub fn parts(self, lexical: &Lexical, row: Row) -> Vec<(String, f32)> {
        match self {
            LexicalQuery::Words(words) => lexical.share_parts(words, row),
            LexicalQuery::Text(terms) | LexicalQuery::Terms(terms) => lexical.shared_parts(terms, row),
        }
    }
}

/// What is looked for. At least one of `vector` and `words` is there.
#[derive(Clone, Copy)]
pub struct RetrievalQuery<'a> {
    /// The meaning: a unit vector.
    pub vector: Option<&'a [f32]>,
    /// More places to look at.
    pub further: &'a [Vec<f32>],
    /// The words.
    pub words: Option<LexicalQuery<'a>>,
    /// How much of the score is what the papers found first have in common with a paper; 0 for nothing.
    pub feedback: f32,
}

impl<'a> RetrievalQuery<'a> {
    /// What a mode looks for of a meaning and words.
    pub fn new(mode: Mode, vector: &'a [f32], words: LexicalQuery<'a>) -> Self {
        RetrievalQuery {
            vector: (mode != Mode::Lexical).then_some(vector),
            further: &[],
            words: (mode != Mode::Dense).then_some(words),
            feedback: 0.0,
        }
    }

    /// The words' share of the score.
    pub fn share(&self) -> f32 {
        match (self.vector, self.words) {
            (Some(_), Some(words)) => words.share(),
            (None, Some(_)) => 1.0,
            (_, None) => 0.0,
        }
    }
}

/// A candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    pub row: Row,
    /// Greater is closer.
    pub score: f32,
    /// What meaning, words and feedback add to it.
    pub meaning: f32,
    pub words: f32,
    pub feedback: f32,
}

impl Default for Candidate {
    fn default() -> Self {
        Candidate { row: Row(0), score: 0.0, meaning: 0.0, words: 0.0, feedback: 0.0 }
    }
}

impl Candidate {
    /// The greatest score first; equal ones by row, so that answers are the same every time.
    pub fn best_first(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
        b.score.total_cmp(&a.score).then(a.row.cmp(&b.row))
    }
}

/// Candidates, best first.
pub struct Candidates {
    pub found: Vec<Candidate>,
    pub plan: Plan,
    /// Whether there are no others.
    pub exhausted: bool,
}

/// Entries of the index of words that are looked at for papers like a paper, where meaning finds candidates as well. What
/// shares only common words is found by its meaning or not worth finding.
const REACH: u64 = 3000;

/// Papers found first that feedback is taken from.
const BEST: usize = 3;

/// How far a paper stays behind one that feedback must not carry it past.
const BEHIND: f32 = 1e-6;

impl Corpus {
    /// The `k` closest by meaning and the `k` closest by words, with the scores of all. `allowed` is what `retrieve` made of the
    /// filter.
    pub(super) fn candidates(
        &self,
        space: &EmbeddingSpace,
        probe: &RetrievalQuery<'_>,
        k: usize,
        allowed: Option<Allowed<'_>>,
    ) -> Result<Candidates> {
        cancel::check()?;
        let share = probe.share();
        let (mut plan, mut exhausted) = (Plan::Exact, true);
        let mut meaning: HashMap<Row, f32> = HashMap::new();
        let mut rows: Vec<Row> = Vec::new();
        let vectors: Vec<&[f32]> = probe.vector.into_iter().chain(probe.further.iter().map(Vec::as_slice)).collect();
        for (n, found) in space.search_many(&vectors, k, allowed)?.into_iter().enumerate() {
            plan = found.plan;
            exhausted &= found.neighbours.len() < k;
            for neighbour in found.neighbours {
                if n == 0 {
                    meaning.insert(neighbour.row, neighbour.score);
                }
                rows.push(neighbour.row);
            }
        }
        cancel::check()?;
        if let Some(words) = probe.words {
            let reach = if probe.vector.is_some() { REACH } else { u64::MAX };
            let found = words.search(self.lexical(), k, allowed.map(|a| a.rows), reach)?;
            if probe.vector.is_none() {
                exhausted = found.len() < k;
            }
            rows.extend(found);
        }
        cancel::check()?;
        rows.sort_unstable();
        rows.dedup();
        if let Some(vector) = probe.vector {
            let unknown: Vec<Row> = rows.iter().copied().filter(|row| !meaning.contains_key(row)).collect();
            for (row, other) in unknown.iter().zip(space.vectors(&unknown)?) {
                meaning.extend(other.map(|v| (*row, dot(vector, &v))));
            }
        }
        let words = probe.words.map_or_else(|| vec![0.0; rows.len()], |w| w.scores(self.lexical(), &rows));
        let mut found: Vec<Candidate> = Vec::with_capacity(rows.len());
        for (row, words) in rows.into_iter().zip(words) {
            // A row that was deleted meanwhile has no vector any more.
            let meaning = match probe.vector {
                Some(_) => match meaning.get(&row) {
                    Some(m) => (1.0 - share) * m,
                    None => continue,
                },
                None if words <= 0.0 => continue,
                None => 0.0,
            };
            let words = share * words;
            found.push(Candidate { row, score: meaning + words, meaning, words, feedback: 0.0 });
        }
        found.sort_unstable_by(Candidate::best_first);
        if probe.feedback > 0.0 {
            self.feed_back(space, probe, &mut found)?;
        }
        Ok(Candidates { found, plan, exhausted })
    }

    /// Moves candidates, best first, towards what the best of them have in common: pseudo-relevance feedback as in Rocchio, "Relevance
    /// feedback in information retrieval", 1971, over the candidates alone.
    fn feed_back(&self, space: &EmbeddingSpace, probe: &RetrievalQuery<'_>, found: &mut [Candidate]) -> Result<()> {
        let best: Vec<Row> = found.iter().take(BEST).map(|f| f.row).collect();
        let rows: Vec<Row> = found.iter().map(|f| f.row).collect();
        let (share, part) = (probe.share(), 1.0 / best.len().max(1) as f32);
        let mut likeness = vec![0f32; rows.len()];
        if probe.vector.is_some() {
            let vectors = space.vectors(&rows)?;
            let mut mean = vec![0f32; space.model.dimension];
            for v in vectors.iter().take(best.len()).flatten() {
                mean.iter_mut().zip(v).for_each(|(m, x)| *m += part * x);
            }
            for (value, v) in likeness.iter_mut().zip(&vectors) {
                *value += (1.0 - share) * v.as_ref().map_or(0.0, |v| dot(&mean, v));
            }
        }
        if probe.words.is_some() {
            let terms = self.lexical().terms(&best);
            let sum = terms.iter().flatten().flat_map(|t| t.terms.iter().map(|(id, w)| (*id, part * w))).collect();
            let mean = TermVector { terms: TermVector::summed(sum) };
            for (value, cosine) in likeness.iter_mut().zip(self.lexical().cosines(&mean, &rows)) {
                *value += share * cosine;
            }
        }
        // That a paper is like itself says nothing: the best ones count by their likeness to each other.
        for (k, value) in likeness.iter_mut().enumerate().take(best.len()) {
            let own = found[k].meaning + found[k].words;
            *value = if best.len() == 1 { own } else { (*value - part) / (1.0 - part) };
        }
        let old = 1.0 - probe.feedback;
        let whole = match probe.words {
            Some(LexicalQuery::Words(words)) => self.lexical().hold_all(words, &rows),
            _ => vec![false; rows.len()],
        };
        // What is alike says what the query may have meant as well, but not that a paper with all of its words is
        // wrong: none that lacks one of them goes past it.
        let mut least = f32::INFINITY;
        for ((f, likeness), whole) in found.iter_mut().zip(likeness).zip(whole) {
            f.meaning *= old;
            f.words *= old;
            f.feedback = probe.feedback * likeness;
            f.score = f.meaning + f.words + f.feedback;
            if whole {
                least = least.min(f.score);
            } else if f.score >= least {
                let lower = least - BEHIND;
                f.feedback += lower - f.score;
                f.score = lower;
            }
        }
        found.sort_unstable_by(Candidate::best_first);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::corpus::fixture::{TOPICS, ingest, open, paper, row};

    #[test]
    fn a_mode_says_what_is_looked_for_and_how_much_words_count() {
        let (vector, terms) = ([1.0, 0.0], TermVector::default());
        let of = |mode| {
            let query = RetrievalQuery::new(mode, &vector, LexicalQuery::Terms(&terms));
            (query.vector.is_some(), query.words.is_some(), query.share())
        };
        assert_eq!(of(Mode::Hybrid), (true, true, rank::words_share(0)));
        assert_eq!(of(Mode::Dense), (true, false, 0.0));
        assert_eq!(of(Mode::Lexical), (false, true, 1.0));
    }

    #[test]
    fn words_count_more_the_more_there_are() {
        let shares: Vec<f32> = (0..100).map(words_share).collect();
        assert!(shares.windows(2).all(|w| w[0] <= w[1] && w[1] - w[0] < 0.05), "rising, without a jump: {shares:?}");
        assert!(shares[..=FEW].iter().all(|s| *s == WORDS_SHARE) && shares[MANY..].iter().all(|s| *s == MOST_WORDS));
        // A text has as many as it says; of a paper they weigh as in the preference model of one like.
        let of = |n: u32| TermVector { terms: (0..n).map(|k| (k, 1.0)).collect() };
        assert_eq!(LexicalQuery::Text(&of(20)).share(), MOST_WORDS);
        let (title, paper) = (LexicalQuery::Terms(&of(12)).share(), LexicalQuery::Terms(&of(80)).share());
        assert!(title > 0.1 && title < 0.3 && paper > 0.5 && paper < 0.6, "{title} {paper}");
    }

    #[test]
    fn candidates_come_from_meaning_and_from_words_and_their_parts_sum_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, corpus) = open(folder.path(), |_| {});
        ingest(&corpus, (0..120).map(paper));
        let space = corpus.space();
        let vector = corpus.embed_query(&space, TOPICS[1]).expect("a vector");
        let words = corpus.lexical().words("observation 7 wool").expect("read");
        let wanted = LexicalQuery::Words(&words);
        for mode in [Mode::Hybrid, Mode::Dense, Mode::Lexical] {
            for feedback in [0.0, 0.3] {
                let query = RetrievalQuery { feedback, ..RetrievalQuery::new(mode, &vector, wanted) };
                let Candidates { found, exhausted, .. } = corpus.candidates(&space, &query, 10, None).expect("found");
                assert!(found.len() >= 10 && !exhausted);
                assert!(
                    found.windows(2).all(|w| Candidate::best_first(&w[0], &w[1]).is_lt()),
                    "{mode:?}: best first, each once"
                );
                for c in &found {
                    assert!((c.meaning + c.words + c.feedback - c.score).abs() < 1e-5, "{mode:?}: {c:?}");
                    assert!((feedback > 0.0 || c.feedback == 0.0) && (mode != Mode::Dense || c.words == 0.0));
                    assert!(mode != Mode::Lexical || c.meaning == 0.0);
                }
                if mode != Mode::Dense {
                    assert!(found.iter().any(|c| c.row == row(&*store, "p7")), "{mode:?}: it holds the words");
                }
                // More than there are: all of them, and nobody looks for more.
                let all = corpus.candidates(&space, &query, 1000, None).expect("found");
                assert!(all.exhausted && (mode == Mode::Lexical || all.found.len() == 120));
                // Only what is allowed.
                let allowed = RoaringBitmap::from_iter([row(&*store, "p3").0, row(&*store, "p5").0]);
                let few = corpus.candidates(&space, &query, 10, Some((&allowed).into())).expect("found").found;
                assert!(few.len() <= 2 && few.iter().all(|c| allowed.contains(c.row.0)));
            }
        }
    }

    #[test]
    fn what_lacks_a_word_is_not_carried_past_what_holds_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, corpus) = open(folder.path(), |_| {});
        ingest(&corpus, (0..80).map(paper));
        ingest(&corpus, [serde_json::json!({ "id": "odd", "title": "Zebra ledger", "abstract": "Of quasars." })]);
        let space = corpus.space();
        let words = corpus.lexical().words("zebra ledger quasars").expect("read");
        let vector = corpus.embed_query(&space, "zebra ledger quasars").expect("a vector");
        let query =
            RetrievalQuery { feedback: 0.9, ..RetrievalQuery::new(Mode::Hybrid, &vector, LexicalQuery::Words(&words)) };
        let found = corpus.candidates(&space, &query, 81, None).expect("found").found;
        assert_eq!(found[0].row, row(&*store, "odd"), "the one with all the words: {found:?}");
    }
}
