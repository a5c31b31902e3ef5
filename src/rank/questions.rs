//! Onboarding: which paper to ask a new reader about next, namely the one with the greatest expected information gain.
//!
//! A panel of papers represents the corpus. The belief about a reader is a probability for each paper of the panel:
//! that the reader works near it. An answer updates the belief by Bayes' rule; the next question is the paper whose
//! answer lowers the expected entropy of the belief most (Lindley, "On a measure of the information provided by an
//! experiment", 1956; MacKay, "Information-based objective functions for active data selection", 1992). Before any
//! answer that is the paper near which most readers work. After a no, the questions avoid its neighbourhood; after a
//! yes, they move closer to it.

use rayon::prelude::*;

use crate::vector::dot;

/// The similarity (cosine centred on the mean of the corpus) at which half of the readers who work near one paper like
/// the other, and the width of the logistic curve around it.
const LIKED_BY_HALF: f32 = 0.45;
const CURVE_WIDTH: f32 = 0.05;

/// The similarity below which half of them dislike it. Between the two they skip it.
const DISLIKED_BY_HALF: f32 = 0.25;

/// The probability that an answer is noise.
const NOISE: f32 = 0.02;

/// The probability that a reader likes a paper because of another interest.
const OTHER_INTEREST: f32 = 0.03;

/// Papers at least this similar to one that was asked about are asked only when no other is left; at the second value
/// they count as the same paper and are never planner.
const SIMILAR: f32 = 0.6;
const SAME: f32 = 0.95;

/// The share of the panel that a starting point covers.
const START_SHARE: f32 = 0.04;

/// The probability that a reader skips a paper far from their interest instead of disliking it.
const SKIPPED: f32 = 0.25;

/// Chooses at most about `most` papers to represent a corpus: half of them at even distances, so that every field is
/// present by its size, and half by attention, so that the well-known papers are present. Gives indices into
/// `attention`, sorted.
pub fn choose_panel(attention: &[f32], most: usize) -> Vec<usize> {
    let n = attention.len();
    if n <= most {
        return (0..n).collect();
    }
    let step = n.div_ceil((most / 2).max(1));
    let mut order: Vec<usize> = (0..n).filter(|k| attention[*k] > 0.0).collect();
    order.sort_by(|a, b| attention[*b].total_cmp(&attention[*a]).then(a.cmp(b)));
    let mut some: Vec<usize> = (0..n).step_by(step).chain(order.into_iter().take(most / 2)).collect();
    some.sort_unstable();
    some.dedup();
    some
}

/// Which papers of a panel are worth a question: those with at least the median attention. People can judge a
/// well-known paper better.
pub fn well_known(attention: &[f32]) -> Vec<bool> {
    let mut sorted = attention.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let middle = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    attention.iter().map(|a| *a >= middle).collect()
}

/// Papers that represent a corpus, with the probability that a reader who works near one of them likes another.
pub struct QuestionPanel {
    mean: Vec<f32>,
    /// The centred unit vectors, row by row.
    vectors: Vec<f32>,
    /// Row k: the probability that a reader near each paper likes paper k.
    chances: Vec<f32>,
    /// The entropies of these, in nats.
    entropies: Vec<f32>,
    /// The belief before any answer.
    prior: Vec<f32>,
}

impl QuestionPanel {
    /// Builds a panel from unit vectors and weights above zero: how many readers may work near each paper. Takes
    /// `n * n` products and numbers for `n` papers.
    pub fn of(vectors: &[&[f32]], weights: &[f32]) -> Self {
        let n = vectors.len();
        let d = vectors.first().map_or(0, |v| v.len());
        let mut mean = vec![0f32; d];
        for v in vectors {
            mean.iter_mut().zip(*v).for_each(|(m, x)| *m += x / n as f32);
        }
        // The mean of very few papers is no background.
        if n < 8 {
            mean.fill(0.0);
        }
        let mut panel = QuestionPanel {
            mean,
            vectors: Vec::new(),
            chances: Vec::new(),
            entropies: Vec::new(),
            prior: weights.to_vec(),
        };
        panel.vectors = vectors.iter().flat_map(|v| panel.centred(v)).collect();
        let chances: Vec<Vec<f32>> = (0..n).into_par_iter().map(|k| panel.chances_of(panel.vector(k))).collect();
        panel.chances = chances.concat();
        panel.entropies = panel.chances.par_iter().map(|c| entropy(*c)).collect();
        normalise(&mut panel.prior);
        panel
    }

    /// How many papers there are.
    pub fn len(&self) -> usize {
        self.prior.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.prior.is_empty()
    }

    fn vector(&self, k: usize) -> &[f32] {
        let d = self.mean.len();
        &self.vectors[k * d..(k + 1) * d]
    }

    fn row<'a>(&self, of: &'a [f32], k: usize) -> &'a [f32] {
        &of[k * self.len()..(k + 1) * self.len()]
    }

    /// A vector centred on the mean of the panel, of unit length.
    fn centred(&self, vector: &[f32]) -> Vec<f32> {
        let mut v: Vec<f32> = vector.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let length = dot(&v, &v).sqrt().max(1e-6);
        v.iter_mut().for_each(|x| *x /= length);
        v
    }

    /// The cosine of each paper of the panel to a centred vector.
    fn similarities(&self, centred: &[f32]) -> Vec<f32> {
        (0..self.len()).map(|k| dot(self.vector(k), centred)).collect()
    }

    /// The probability that a reader near each paper likes this one.
    fn chances_of(&self, centred: &[f32]) -> Vec<f32> {
        self.similarities(centred).into_iter().map(liked).collect()
    }
}

/// Plans the questions to one reader.
pub struct QuestionPlanner<'a> {
    panel: &'a QuestionPanel,
    belief: Vec<f32>,
    /// For each paper of the panel, its greatest similarity to a paper that was asked about or answered.
    nearest: Vec<f32>,
    /// Which papers may still be asked about.
    open: Vec<bool>,
}

impl<'a> QuestionPlanner<'a> {
    /// Starts with the prior. `open` says which papers of the panel may be asked about.
    pub fn new(panel: &'a QuestionPanel, open: Vec<bool>) -> Self {
        QuestionPlanner { panel, belief: panel.prior.clone(), nearest: vec![-1.0; panel.len()], open }
    }

    /// Takes starting points as vectors: topics, authors, themes. The reader may work near any of them.
    pub fn start(&mut self, points: &[&[f32]]) {
        if points.is_empty() || self.panel.len() < 2 {
            return;
        }
        let mut most = vec![NOISE; self.panel.len()];
        for point in points {
            let similarities = self.panel.similarities(&self.panel.centred(point));
            // A phrase is further from every paper than papers are from each other, so each point gets its own scale.
            let mut sorted = similarities.clone();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            let n = sorted.len() as f32;
            let half = sorted[((START_SHARE * n) as usize).clamp(1, sorted.len() - 1)];
            let average = sorted.iter().sum::<f32>() / n;
            let spread = (sorted.iter().map(|s| (s - average).powi(2)).sum::<f32>() / n).sqrt().max(1e-3);
            for (most, s) in most.iter_mut().zip(similarities) {
                *most = most.max(NOISE + (1.0 - NOISE) * logistic((s - half) / (0.3 * spread)));
            }
        }
        self.belief.iter_mut().zip(most).for_each(|(b, m)| *b *= m);
        normalise(&mut self.belief);
    }

    /// Takes an answer about any paper. `weight` is above zero for a like and below for a dislike; its size, up to 1,
    /// is the confidence.
    pub fn answer(&mut self, vector: &[f32], weight: f32) {
        let similarities = self.panel.similarities(&self.panel.centred(vector));
        let likelihoods: Vec<f32> =
            similarities.iter().map(|s| if weight > 0.0 { liked(*s) } else { disliked(*s) }).collect();
        self.learn(likelihoods.into_iter(), weight.abs().min(1.0));
        self.nearest.iter_mut().zip(similarities).for_each(|(n, s)| *n = n.max(s));
    }

    /// Takes that a paper was skipped: it is neither near the reader's work nor, mostly, far from it. Similar papers
    /// are not asked about.
    pub fn skip(&mut self, vector: &[f32]) {
        let similarities = self.panel.similarities(&self.panel.centred(vector));
        let likelihoods: Vec<f32> = similarities.iter().map(|s| (1.0 - liked(*s) - disliked(*s)).max(0.0)).collect();
        self.learn(likelihoods.into_iter(), 1.0);
        self.nearest.iter_mut().zip(similarities).for_each(|(n, s)| *n = n.max(s));
    }

    /// Updates the belief with the likelihood of an answer under each paper of the panel; `confidence` from 0 to 1.
    fn learn(&mut self, likelihoods: impl Iterator<Item = f32>, confidence: f32) {
        for (belief, chance) in self.belief.iter_mut().zip(likelihoods) {
            let likelihood = NOISE + (1.0 - 2.0 * NOISE) * chance;
            *belief *= if confidence < 1.0 { likelihood.powf(confidence) } else { likelihood };
        }
        normalise(&mut self.belief);
    }

    /// The paper of the panel to ask about next, and its expected information gain in bits; `None` when none is left.
    /// The belief is then updated as if the paper was not liked, the likelier answer, so that calling again gives the
    /// next question of a batch.
    pub fn ask(&mut self) -> Option<(usize, f32)> {
        let gain = |k: usize| {
            let chance = dot(&self.belief, self.panel.row(&self.panel.chances, k));
            entropy(chance) - dot(&self.belief, self.panel.row(&self.panel.entropies, k))
        };
        let best = |closest: f32| {
            let candidates = (0..self.panel.len()).filter(|k| self.open[*k] && self.nearest[*k] < closest);
            candidates.map(|k| (k, gain(k))).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        };
        let (best, value) = best(SIMILAR).or_else(|| best(SAME))?;
        self.open[best] = false;
        let panel = self.panel;
        self.learn(panel.row(&panel.chances, best).iter().map(|c| 1.0 - c), 1.0);
        let similarities = panel.similarities(panel.vector(best));
        self.nearest.iter_mut().zip(similarities).for_each(|(n, s)| *n = n.max(s));
        Some((best, value.max(0.0) / std::f32::consts::LN_2))
    }
}

/// The probability that a reader near one paper likes another of this similarity.
fn liked(similarities: f32) -> f32 {
    OTHER_INTEREST + (1.0 - OTHER_INTEREST) * logistic((similarities - LIKED_BY_HALF) / CURVE_WIDTH)
}

/// The probability that they dislike it.
fn disliked(similarities: f32) -> f32 {
    (1.0 - OTHER_INTEREST) * (1.0 - SKIPPED) * logistic((DISLIKED_BY_HALF - similarities) / CURVE_WIDTH)
}

/// The logistic function.
fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The entropy of a yes or no with this probability, in nats.
fn entropy(chance: f32) -> f32 {
    let part = |p: f32| if p > 0.0 { -p * p.ln() } else { 0.0 };
    part(chance) + part(1.0 - chance)
}

fn normalise(belief: &mut [f32]) {
    let sum: f32 = belief.iter().sum();
    let n = belief.len() as f32;
    // When rounding leaves no probability at all, every paper is equally probable again.
    belief.iter_mut().for_each(|b| *b = if sum > f32::MIN_POSITIVE { *b / sum } else { 1.0 / n });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `per` papers near each of `fields` directions.
    fn corpus(fields: usize, per: usize) -> Vec<Vec<f32>> {
        let paper = |i: usize| {
            let mut v: Vec<f32> = (0..16).map(|d| 0.05 * ((i * 31 + d * 17) % 13) as f32 / 13.0).collect();
            v[i % fields] += 1.0;
            let length = dot(&v, &v).sqrt();
            v.iter_mut().for_each(|x| *x /= length);
            v
        };
        (0..fields * per).map(paper).collect()
    }

    fn panel(vectors: &[Vec<f32>], weights: &[f32]) -> QuestionPanel {
        QuestionPanel::of(&vectors.iter().map(Vec::as_slice).collect::<Vec<_>>(), weights)
    }

    #[test]
    fn the_first_questions_cover_the_fields_the_larger_first() {
        let mut vectors = corpus(6, 10);
        vectors.extend(corpus(6, 10).into_iter().enumerate().filter(|(i, _)| i % 6 == 4).map(|(_, v)| v));
        let panel = panel(&vectors, &vec![1.0; vectors.len()]);
        let mut planner = QuestionPlanner::new(&panel, vec![true; vectors.len()]);
        let fields: Vec<usize> =
            std::iter::from_fn(|| planner.ask()).map(|(k, _)| if k < 60 { k % 6 } else { 4 }).collect();
        assert_eq!(fields[0], 4);
        // All papers of a field are nearly the same, so that each is asked about once.
        let mut sorted = fields.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_yes_or_a_start_brings_questions_closer() {
        let vectors = corpus(5, 12);
        let panel = panel(&vectors, &[1.0; 60]);
        let mut open = vec![true; 60];
        let mut planner = QuestionPlanner::new(&panel, open.clone());
        planner.start(&[&vectors[3]]);
        assert_eq!(planner.ask().map(|(k, _)| k % 5), Some(3));
        open[3] = false;
        let mut planner = QuestionPlanner::new(&panel, open);
        for field in [0, 1, 2] {
            planner.answer(&vectors[field], -1.0);
        }
        assert!(planner.ask().is_some_and(|(k, _)| k % 5 >= 3));
    }

    proptest! {
        #[test]
        fn a_belief_is_one_whatever_is_answered(answers in prop::collection::vec((0usize..40, -1.5f32..1.5), 0..60)) {
            let vectors = corpus(4, 10);
            let panel = panel(&vectors, &[1.0; 40]);
            let mut planner = QuestionPlanner::new(&panel, vec![true; 40]);
            for (k, weight) in answers {
                planner.answer(&vectors[k], weight);
                prop_assert!((planner.belief.iter().sum::<f32>() - 1.0).abs() < 1e-3);
                prop_assert!(planner.belief.iter().all(|b| b.is_finite() && *b >= 0.0));
            }
            while let Some((_, bits)) = planner.ask() {
                prop_assert!((0.0..=1.01).contains(&bits));
            }
        }
    }
}
