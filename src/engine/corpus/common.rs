//! What is common in the corpus: the background that examples stand out from, and the scale of scores.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::engine::corpus::{Corpus, EmbeddingSpace};
use crate::error::Result;
use crate::index::{Lexical, TermVector};
use crate::paper::Row;
use crate::rank::{Background, Candidate, PreferenceModel};
use crate::themes::text::PhraseCounts;

/// Papers of the corpus that the background is taken from, and those that scores are brought to scale with.
const BACKGROUND: usize = 4000;
const SCALE: usize = 400;

/// One in so many of the latter is enough for a rough scale.
const ROUGHLY: usize = 4;

/// What is common in the corpus, and a sample of it.
pub struct Common {
    pub background: Background,
    pub sample: Vec<Row>,
    /// How frequent phrases are in the corpus, once somebody asked.
    pub phrases: OnceLock<PhraseCounts>,
    vectors: Vec<Vec<f32>>,
    terms: Vec<TermVector>,
    fingerprint: String,
    rows: usize,
}

impl Common {
    /// From rows with their vectors; none without any.
    pub fn of(known: Vec<(Row, Vec<f32>)>, lexical: &Lexical, fingerprint: &str) -> Option<Self> {
        let (rows, step) = (known.len(), (known.len() / BACKGROUND).max(1));
        let known: Vec<(Row, Vec<f32>)> = known.into_iter().step_by(step).take(BACKGROUND).collect();
        let vectors: Vec<&[f32]> = known.iter().map(|k| k.1.as_slice()).collect();
        let background = Background::of(&vectors)?;
        let step = (known.len() / SCALE).max(1);
        let (sample, vectors): (Vec<Row>, _) = known.into_iter().step_by(step).take(SCALE).unzip();
        let terms = lexical.terms(&sample).into_iter().map(Option::unwrap_or_default).collect();
        let phrases = OnceLock::new();
        Some(Common { background, sample, phrases, vectors, terms, fingerprint: fingerprint.to_string(), rows })
    }

    /// The vectors of the sample.
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }
}

/// Where it is kept.
#[derive(Default)]
pub struct KeptCommon(Mutex<Option<Arc<Common>>>);

impl Corpus {
    /// What is common in the corpus; taken again when it has grown by a tenth. None while there are no papers.
    pub fn common(&self, space: &EmbeddingSpace) -> Result<Option<Arc<Common>>> {
        let rows = space.len();
        let mut kept = self.common.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(common) = kept.as_ref() {
            let grown = rows.abs_diff(common.rows) * 10 > common.rows;
            if common.fingerprint == space.model().fingerprint && !grown {
                return Ok(Some(Arc::clone(common)));
            }
        }
        let all = self.lexical().rows();
        let step = (all.len() as usize / BACKGROUND).max(1);
        let some: Vec<Row> = all.iter().step_by(step).take(BACKGROUND).map(Row).collect();
        let found: Vec<(Row, Vec<f32>)> =
            some.iter().copied().zip(space.vectors(&some)?).filter_map(|(row, v)| Some((row, v?))).collect();
        let Some(mut common) = Common::of(found, self.lexical(), &space.model().fingerprint) else { return Ok(None) };
        common.rows = rows;
        let common = Arc::new(common);
        *kept = Some(Arc::clone(&common));
        Ok(Some(common))
    }

    /// Brings scores to standard deviations above a paper at large.
    pub fn bring_to_scale(&self, preferences: &mut PreferenceModel, common: &Common) {
        self.calibrate(preferences, common, 1);
    }

    /// The same by a part of the sample: for models that are made in passing, as those of the folds of a calibration.
    pub fn bring_roughly_to_scale(&self, preferences: &mut PreferenceModel, common: &Common) {
        self.calibrate(preferences, common, ROUGHLY);
    }

    fn calibrate(&self, preferences: &mut PreferenceModel, common: &Common, step: usize) {
        let rows: Vec<Row> = common.sample.iter().copied().step_by(step).collect();
        let words = self.word_products(preferences, &rows);
        let papers = common.vectors.iter().zip(&common.terms).step_by(step);
        let sample: Vec<Candidate<'_>> = papers
            .zip(&words)
            .map(|((vector, terms), words)| Candidate { vector, words: *words, terms: &terms.terms })
            .collect();
        preferences.calibrate(&sample);
    }

    /// The product of the preference model's words with the terms of each row.
    pub fn word_products(&self, preferences: &PreferenceModel, rows: &[Row]) -> Vec<f32> {
        if preferences.words().is_empty() {
            return vec![0.0; rows.len()];
        }
        self.lexical().cosines(&TermVector { terms: preferences.words().to_vec() }, rows)
    }
}
