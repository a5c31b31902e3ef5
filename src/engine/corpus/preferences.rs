//! Papers scored by a preference model, whoever it is of: the one road of `recommend`, `rank`, feeds and digests.

use std::collections::HashMap;

use crate::cancel;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::common::Common;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::error::Result;
use crate::paper::Row;
use crate::rank::{Candidate, CandidateSetRanker, Document, PreferenceModel, ScoreParts, kinship};

/// Products that a closer look may cost: `near` goes over every like for every paper.
const CLOSE_PRODUCTS: usize = 100_000;

/// Candidates that are looked at among themselves: enough to know what is common among them, and not so many that it takes
/// long. (How far they are of one kind is measured; see [`kinship`].)
const AMONG: std::ops::RangeInclusive<usize> = 50..=5000;

/// Papers that are scored at a time where each is compared with every example.
const PIECE: usize = 256;

/// A paper with its score.
pub struct ScoredRow {
    pub row: Row,
    pub vector: Vec<f32>,
    pub score: f32,
}

impl Corpus {
    /// The scores of papers, in the order of the rows; those that were deleted meanwhile are left out.
    pub fn scores(
        &self,
        space: &EmbeddingSpace,
        preferences: &PreferenceModel,
        rows: &[Row],
    ) -> Result<Vec<ScoredRow>> {
        let words = self.word_products(preferences, rows);
        let found = space.vectors(rows)?;
        let there: Vec<(Row, Vec<f32>, f32)> = rows
            .iter()
            .zip(found)
            .zip(words)
            .filter_map(|((row, vector), words)| Some((*row, vector?, words)))
            .collect();
        let mut scores = Vec::with_capacity(there.len());
        if preferences.needs_terms() {
            for piece in there.chunks(PIECE) {
                // Each against every example: of thousands of both that takes a while.
                cancel::check()?;
                let terms = self.lexical().terms(&piece.iter().map(|p| p.0).collect::<Vec<_>>());
                for ((_, vector, words), terms) in piece.iter().zip(&terms) {
                    let terms = terms.as_ref().map_or(&[][..], |t| &t.terms);
                    scores.push(preferences.score(Candidate { vector, words: *words, terms }));
                }
            }
        } else {
            let candidates: Vec<Candidate<'_>> =
                there.iter().map(|(_, vector, words)| Candidate { vector, words: *words, terms: &[] }).collect();
            scores = preferences.score_all(&candidates, closely(preferences.likes()));
        }
        let scored = there.into_iter().zip(scores).map(|((row, vector, _), score)| ScoredRow { row, vector, score });
        Ok(scored.collect())
    }

    /// The scores of exactly these candidates, none of them twice: by the model, which judges a handful by the closest likes,
    /// and where they are of one kind by what tells them apart from one another. `counts` says of each example of the model
    /// how often it holds each of its telling terms. Without `common` they are not looked at among themselves.
    pub fn score_candidates(
        &self,
        space: &EmbeddingSpace,
        preferences: &PreferenceModel,
        common: Option<&Common>,
        counts: &[&[(u32, u8)]],
        rows: &[Row],
    ) -> Result<ScoredCandidates> {
        let preferences = preferences.among(rows.len());
        let found = self.scores(space, &preferences, rows)?;
        let scores: Vec<f32> = found.iter().map(|f| f.score).collect();
        let ranker = match common.filter(|_| AMONG.contains(&found.len())) {
            Some(common) => self.among(space, &preferences, common, counts, (&found, &scores)),
            None => None,
        };
        let mut papers: Vec<ScoredCandidate> = found
            .into_iter()
            .map(|ScoredRow { row, vector, score }| ScoredCandidate {
                row,
                vector,
                liking: score,
                score,
                feedback: 0.0,
            })
            .collect();
        if let Some(ranker) = &ranker {
            for ((paper, score), feedback) in papers.iter_mut().zip(ranker.scores()).zip(ranker.feedback()) {
                (paper.score, paper.feedback) = (score + feedback, *feedback);
            }
        }
        let places = papers.iter().enumerate().map(|(place, paper)| (paper.row, place)).collect();
        Ok(ScoredCandidates { papers, preferences, ranker, places })
    }

    /// What tells candidates apart; none where they are no more of one kind than the papers of the corpus.
    fn among(
        &self,
        space: &EmbeddingSpace,
        preferences: &PreferenceModel,
        common: &Common,
        counts: &[&[(u32, u8)]],
        (found, scores): (&[ScoredRow], &[f32]),
    ) -> Option<CandidateSetRanker> {
        let vectors: Vec<&[f32]> = found.iter().map(|f| f.vector.as_slice()).collect();
        let kinship = kinship(&vectors, space.len(), common.background.mean());
        if kinship <= 0.0 {
            return None;
        }
        let own = self.lexical().counts(&found.iter().map(|f| f.row).collect::<Vec<_>>());
        let candidates: Vec<Document<'_>> =
            vectors.iter().zip(&own).map(|(vector, counts)| Document { vector, counts }).collect();
        let examples: Vec<(f32, Document<'_>)> = preferences
            .example_weights()
            .iter()
            .zip(preferences.vectors())
            .zip(counts)
            .map(|((weight, vector), counts)| (*weight, Document { vector, counts }))
            .collect();
        CandidateSetRanker::new(&examples, &candidates, scores, kinship)
    }
}

/// A candidate with its score.
pub struct ScoredCandidate {
    pub row: Row,
    pub vector: Vec<f32>,
    /// What the model says of it.
    pub liking: f32,
    /// The whole, feedback included.
    pub score: f32,
    /// What the best of the candidates have in common with it.
    pub feedback: f32,
}

/// Candidates with their scores, in the order in which they were given, and where these come from.
pub struct ScoredCandidates {
    pub papers: Vec<ScoredCandidate>,
    preferences: PreferenceModel,
    ranker: Option<CandidateSetRanker>,
    places: HashMap<Row, usize>,
}

impl ScoredCandidates {
    /// The score of a candidate, without the feedback, by example and term.
    pub fn parts(&self, row: Row, vector: &[f32], terms: &[(u32, f32)]) -> ScoreParts {
        let parts = self.preferences.parts(vector, terms);
        match (&self.ranker, self.places.get(&row)) {
            (Some(ranker), Some(place)) => ranker.parts(*place, parts),
            _ => parts,
        }
    }
}

/// Candidates that get a closer look by a model of so many likes.
pub fn closely(likes: usize) -> usize {
    (CLOSE_PRODUCTS / likes.max(1)).max(200)
}
