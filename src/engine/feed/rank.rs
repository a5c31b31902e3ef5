//! Exactly these papers, ranked for a user. Candidates that are all of one kind are judged by what tells them apart.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::score::Scored;
use crate::engine::recommend::MAX_CANDIDATES;
use crate::engine::space::Space;
use crate::engine::{Answer, Engine, Meta, Mode};
use crate::error::{Error, Result};
use crate::index::{Plan, VectorIndex};
use crate::paper::{PaperId, Row};
use crate::rank::{Candidate, Taste};
use crate::user::Event;

/// Candidates from which on they themselves say what is common among them, and so many of them at most.
const ENOUGH_CANDIDATES: usize = 50;
const ADAPT_TO: usize = 4000;

/// What the best candidates say of the others, beside what one example says.
const FEEDBACK: f32 = 3.0;

impl Engine {
    /// Ranks exactly these papers for a user, all of them, seen ones included; with events that are taken as if they had
    /// happened, and are not stored.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a user or paper that is not there; [`Error::Invalid`] for no candidates or too many.
    pub fn rank_for(&self, name: &str, ids: &[PaperId], further: &[Event], explain: bool) -> Result<Answer> {
        let began = Instant::now();
        if ids.is_empty() || ids.len() > MAX_CANDIDATES {
            return Err(Error::Invalid(format!("{} candidates; 1 to {MAX_CANDIDATES} are allowed", ids.len())));
        }
        let space = self.space();
        let reader = self.reader_for(&space, name, further)?;
        let refs: Vec<&PaperId> = ids.iter().collect();
        let (mut rows, mut known) = (Vec::with_capacity(ids.len()), HashSet::new());
        for (id, row) in ids.iter().zip(self.store.rows(&refs)?) {
            let row = row.ok_or_else(|| Error::no_paper(id.as_str()))?;
            if known.insert(row) {
                rows.push(row);
            }
        }
        let total = rows.len();
        let (Some(own), Some(common)) = (&reader.taste, self.common(&space)?) else {
            return self.rank_cold(rows, explain, began);
        };
        let adapted = self.adapt(&space, own, &rows);
        let taste = adapted.as_ref().unwrap_or(own);
        let mut scored = self.score_rows(&space, &reader, taste, &common, &rows)?;
        if adapted.is_some() {
            if reader.calibration.is_some() {
                // A probability is read off the score among papers at large, which is what it was calibrated on.
                let at_large = self.score_rows(&space, &reader, own, &common, &rows)?;
                scored.iter_mut().zip(at_large).for_each(|(s, l)| s.liking = l.liking);
            }
            self.learn_from_best(&space, taste, &mut scored);
        }
        self.ask_others(&space, &reader, &mut scored)?;
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        let order: Vec<Row> = scored.iter().map(|s| s.row).collect();
        let papers = self.store.papers(&order)?;
        let by_row: HashMap<Row, &Scored> = scored.iter().map(|s| (s.row, s)).collect();
        let page = papers.into_iter().map(|(row, paper)| (by_row[&row], paper, false)).collect();
        let papers = self.hits(&space, &reader, taste, page, explain);
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }

    /// The taste as it looks among these papers: scores in their standard deviations, and words by how telling they are
    /// here. A word that all candidates hold tells nothing of them, however rare it is elsewhere. Only with enough
    /// candidates to know.
    fn adapt(&self, space: &Space, taste: &Taste, rows: &[Row]) -> Option<Taste> {
        if rows.len() < ENOUGH_CANDIDATES {
            return None;
        }
        let mut taste = taste.clone();
        let step = (rows.len() / ADAPT_TO).max(1);
        let some: Vec<Row> = rows.iter().copied().step_by(step).collect();
        let terms: Vec<_> = self.lexical.terms(&some).into_iter().map(Option::unwrap_or_default).collect();
        let mut held: HashMap<u32, f32> = HashMap::new();
        for (term, _) in terms.iter().flat_map(|t| &t.terms) {
            *held.entry(*term).or_default() += 1.0;
        }
        let n = some.len() as f32;
        taste.reweigh(|term| {
            let here = ((n + 1.0) / (held.get(&term).copied().unwrap_or(0.0) + 1.0)).ln();
            here / self.lexical.idf(term).max(0.1)
        });
        let step = (some.len() / 400).max(1);
        let sample: Vec<Row> = some.into_iter().step_by(step).collect();
        let words = self.word_products(&taste, &sample);
        let vectors = space.index.vectors(&sample);
        let sample: Vec<Candidate<'_>> =
            vectors.iter().zip(words).filter_map(|(v, words)| Some(Candidate { vector: v.as_ref()?, words })).collect();
        taste.calibrate(&sample);
        Some(taste)
    }

    /// Adds what each paper has of the best ones (pseudo-relevance feedback): much while few examples say what is wanted,
    /// little later.
    fn learn_from_best(&self, space: &Space, taste: &Taste, scored: &mut [Scored]) {
        let weight = FEEDBACK / (1.0 + taste.likes() as f32 / 4.0);
        let best = (scored.len() / 8).min(100);
        let mut order: Vec<usize> = (0..scored.len()).collect();
        order.sort_by(|a, b| scored[*b].score.total_cmp(&scored[*a].score).then(a.cmp(b)));
        let top: Vec<Row> = order.iter().take(best).map(|&k| scored[k].row).collect();
        let mut mean = vec![0f32; space.model.dimension];
        for v in space.index.vectors(&top).into_iter().flatten() {
            mean.iter_mut().zip(&v).for_each(|(m, x)| *m += x);
        }
        let terms = self.lexical.terms(&top).into_iter().flatten().flat_map(|t| t.terms).collect();
        let terms = crate::index::TermVector::from_weights(terms);
        let rows: Vec<Row> = scored.iter().map(|s| s.row).collect();
        let by_words = standard(self.lexical.cosines(&terms, &rows));
        let vectors = space.index.vectors(&rows);
        let by_vector =
            standard(vectors.iter().map(|v| v.as_ref().map_or(0.0, |v| crate::index::dot(v, &mean))).collect());
        let own = standard(scored.iter().map(|s| s.score).collect());
        // On the scale of the score itself, whatever that is among these papers.
        let spread = own.1;
        for ((s, a), b) in scored.iter_mut().zip(by_words.0).zip(by_vector.0) {
            s.feedback = weight * spread * 0.25 * (a + b);
            s.score += s.feedback;
        }
    }
}

/// Values less their mean, by their standard deviation; and that deviation.
fn standard(values: Vec<f32>) -> (Vec<f32>, f32) {
    let n = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt().max(1e-6);
    (values.into_iter().map(|v| (v - mean) / deviation).collect(), deviation)
}
