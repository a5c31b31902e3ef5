//! Papers scored by a preference model, whoever it is of: the one road of `recommend`, `rank`, feeds and digests.

use crate::cancel;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::common::Common;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::error::Result;
use crate::paper::Row;
use crate::rank::{Candidate, CandidateSetRanker, Document, PreferenceModel, kinship};

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

    /// What tells candidates apart from one another, added to their scores; none where they are too few or too many, or no
    /// more of one kind than the papers of the corpus. `counts` says of each example of the model how often it holds each of
    /// its telling terms.
    pub fn among(
        &self,
        space: &EmbeddingSpace,
        preferences: &PreferenceModel,
        common: &Common,
        counts: &[&[(u32, u8)]],
        (rows, scores): (&[Row], &[f32]),
    ) -> Result<Option<CandidateSetRanker>> {
        if !AMONG.contains(&rows.len()) {
            return Ok(None);
        }
        let (vectors, own) = (space.vectors_or_zero(rows)?, self.lexical().counts(rows));
        let document = |(vector, counts)| Document { vector, counts };
        let candidates: Vec<Document<'_>> =
            vectors.iter().map(Vec::as_slice).zip(own.iter().map(Vec::as_slice)).map(document).collect();
        let kinship = kinship(&candidates, space.len(), common.background.mean());
        let examples: Vec<(f32, Document<'_>)> = preferences
            .example_weights()
            .iter()
            .zip(preferences.vectors())
            .zip(counts)
            .map(|((weight, vector), counts)| (*weight, Document { vector, counts }))
            .collect();
        Ok(CandidateSetRanker::new(&examples, &candidates, scores, kinship))
    }
}

/// Candidates that get a closer look by a model of so many likes.
pub fn closely(likes: usize) -> usize {
    (CLOSE_PRODUCTS / likes.max(1)).max(200)
}
