//! Papers laid out to be ranked for many readers one after the other: for evaluation and for whoever ranks in bulk.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::corpus::Common;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::index::dot;
use crate::paper::{PaperId, Row};
use crate::rank::{
    Candidate, CoreadingMatrix, KEPT_NEIGHBOURS, Neighbours, PreferenceModel, QuestionPanel, WeightedExample,
    choose_panel, cluster, quantize, well_known,
};

/// Papers with their vectors, terms and days.
pub struct Testbed<'a> {
    readers: &'a Readers,
    space: Arc<EmbeddingSpace>,
    common: Common,
    rows: Vec<Row>,
    places: HashMap<String, usize>,
    vectors: Vec<Vec<f32>>,
    terms: Vec<Vec<(u32, f32)>>,
    days: Vec<Option<i32>>,
}

impl Readers {
    /// Lays papers out. What is common is taken from those that `background` lets through, so that a part can be kept
    /// out of everything that is learned.
    pub fn testbed(&self, ids: &[PaperId], background: impl Fn(&PaperId) -> bool) -> Result<Testbed<'_>> {
        let space = self.corpus.space();
        let refs: Vec<&PaperId> = ids.iter().collect();
        let mut rows = Vec::with_capacity(ids.len());
        for (id, row) in ids.iter().zip(self.store.rows(&refs)?) {
            rows.push(row.ok_or_else(|| Error::no_paper(id.as_str()))?);
        }
        let vectors = space.vectors_or_zero(&rows)?;
        let terms = self.corpus.lexical().terms(&rows).into_iter().map(|t| t.unwrap_or_default().terms).collect();
        let known: Vec<(Row, Vec<f32>)> = ids
            .iter()
            .zip(&rows)
            .zip(&vectors)
            .filter(|((id, _), _)| background(id))
            .map(|((_, row), v)| (*row, v.clone()))
            .collect();
        let common = Common::of(known, self.corpus.lexical(), &space.model().fingerprint)
            .ok_or_else(|| Error::Invalid("no paper is left that could say what is common".into()))?;
        let places = ids.iter().enumerate().map(|(k, id)| (id.to_string(), k)).collect();
        let days = self.store.list_days(&rows)?;
        Ok(Testbed { readers: self, space, common, rows, places, vectors, terms, days })
    }
}

impl Testbed<'_> {
    /// Where a paper stands; none when it does not.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// How many papers there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The unit vector of a paper.
    pub fn vector(&self, place: usize) -> &[f32] {
        &self.vectors[place]
    }

    /// The terms of a paper.
    pub fn terms(&self, place: usize) -> &[(u32, f32)] {
        &self.terms[place]
    }

    /// The day a paper was listed.
    pub fn day(&self, place: usize) -> Option<i32> {
        self.days[place]
    }

    /// Terms have numbers below this.
    pub fn vocabulary(&self) -> usize {
        self.readers.corpus.lexical().vocabulary()
    }

    /// The model of a reader with these examples (place and weight; below zero for a dislike), as it serves.
    pub fn preferences(&self, examples: &[(usize, f32)]) -> Option<PreferenceModel> {
        self.preferences_from(None, examples)
    }

    /// The same with a topic that was typed, which counts as an example.
    pub fn preferences_from(&self, topic: Option<&Topic>, examples: &[(usize, f32)]) -> Option<PreferenceModel> {
        let mut weighted: Vec<WeightedExample<'_>> = examples
            .iter()
            .map(|&(k, weight)| WeightedExample { weight, vector: &self.vectors[k], terms: &self.terms[k] })
            .collect();
        weighted.extend(topic.map(|t| WeightedExample { weight: 1.0, vector: &t.vector, terms: &t.terms }));
        let mut preferences = PreferenceModel::fit(&weighted, &self.common.background)?;
        self.readers.corpus.bring_to_scale(&mut preferences, &self.common);
        Some(preferences)
    }

    /// A topic as somebody types it.
    ///
    /// # Errors
    /// When the model cannot be opened.
    pub fn topic(&self, text: &str) -> Result<Topic> {
        let vector = self.readers.corpus.embed_query(&self.space, text)?;
        Ok(Topic { vector, terms: self.readers.corpus.lexical().terms_of(text).terms })
    }

    /// Papers of some places that stand for these places, as for newcomers; where they stand; and which of them may be
    /// asked about. `attention` is by place.
    pub fn panel(&self, places: &[usize], attention: &[f32]) -> (QuestionPanel, Vec<usize>, Vec<bool>) {
        let theirs: Vec<f32> = places.iter().map(|k| attention[*k]).collect();
        let some: Vec<usize> = choose_panel(&theirs, crate::engine::readers::questions::LOOKED_AT)
            .into_iter()
            .map(|k| places[k])
            .collect();
        let vectors: Vec<&[f32]> = some.iter().map(|k| self.vectors[*k].as_slice()).collect();
        let theirs: Vec<f32> = some.iter().map(|k| attention[*k]).collect();
        let weights: Vec<f32> = theirs.iter().map(|a| crate::engine::readers::questions::weight(*a)).collect();
        (QuestionPanel::of(&vectors, &weights), some, well_known(&theirs))
    }

    /// The scores of candidates under a model, as it serves.
    pub fn score(&self, preferences: &PreferenceModel, candidates: &[usize]) -> Vec<f32> {
        let rows: Vec<Row> = candidates.iter().map(|&k| self.rows[k]).collect();
        let words = self.readers.corpus.word_products(preferences, &rows);
        let papers: Vec<Candidate<'_>> = candidates
            .iter()
            .zip(words)
            .map(|(&k, words)| Candidate { vector: &self.vectors[k], words, terms: &self.terms[k] })
            .collect();
        preferences.score_all(&papers, crate::engine::corpus::closely(preferences.likes()))
    }

    /// What readers of these libraries (places of the testbed) read besides, and the nearest read papers of each
    /// candidate.
    pub fn readership(&self, libraries: &[Vec<u32>], candidates: &[usize]) -> Readership {
        let matrix = CoreadingMatrix::of(libraries, self.len());
        let read: Vec<u32> = matrix.papers().collect();
        let nearest = |k: &usize| {
            let mut near: Vec<(u32, f32)> =
                read.iter().map(|r| (*r, dot(&self.vectors[*r as usize], &self.vectors[*k]))).collect();
            if KEPT_NEIGHBOURS < near.len() {
                near.select_nth_unstable_by(KEPT_NEIGHBOURS, |a, b| b.1.total_cmp(&a.1));
                near.truncate(KEPT_NEIGHBOURS);
            }
            near.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
            Neighbours::of(&near)
        };
        Readership { near: candidates.iter().map(nearest).collect(), matrix }
    }

    /// The interests among examples that are all likes, as the service finds them: the group of each.
    pub fn interests(&self, preferences: &PreferenceModel, examples: usize) -> Vec<usize> {
        cluster(examples, |a, b| preferences.affinity(a, b), crate::engine::readers::interests::ONE_INTEREST)
    }

    /// The dimension of the vectors.
    pub fn dimension(&self) -> usize {
        self.space.model().dimension
    }
}

/// A topic, read.
pub struct Topic {
    /// Its unit vector.
    pub vector: Vec<f32>,
    terms: Vec<(u32, f32)>,
}

/// Who read what, laid out for some candidates.
pub struct Readership {
    matrix: CoreadingMatrix,
    near: Vec<Neighbours>,
}

impl Readership {
    /// What the reading of others adds to each candidate for the reader of this number with these papers; nothing when
    /// too few read the same.
    pub fn add(&self, reader: Option<u32>, library: &[u32]) -> Option<Vec<f32>> {
        let pull = self.matrix.pull(library, reader)?;
        // A line for each paper, as it serves, where a secret draws them.
        let line = |k: usize| (k as f32 * 0.618_034).fract();
        let add = |(k, near): (usize, &Neighbours)| {
            quantize(crate::engine::readers::coreading::WEIGHT * pull.of(near).unwrap_or(0.0), line(k))
        };
        Some(self.near.iter().enumerate().map(add).collect())
    }
}
