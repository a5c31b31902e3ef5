//! Which paper to ask a reader about next: the one whose answer tells most.
//!
//! What the reader may want is a belief: for each of a panel of papers that stands for the corpus, how probable it is
//! that they work around it. An answer changes the belief by Bayes' rule; the next question is the one whose answer is
//! expected to lower the entropy of the belief most (Lindley, "On a measure of the information provided by an
//! experiment", 1956; MacKay, "Information-based objective functions for active data selection", 1992). While nothing
//! is known that is the paper that stands for most readers; a no takes its surroundings away, a yes makes the questions
//! closer.

use rayon::prelude::*;

use crate::vector::dot;

/// The likeness (cosine as seen from the mean of the corpus) at which a paper is liked by half of those who work around
/// another, and how softly that goes to both sides.
const HALF: f32 = 0.45;
const SOFT: f32 = 0.05;

/// The likeness below which it is turned down by half of them; between the two it is passed over.
const DOUBT: f32 = 0.25;

/// The chance that an answer says nothing: a slip, a mood.
const SLIP: f32 = 0.02;

/// The chance that somebody likes a paper for another interest than the one in question.
const ELSEWHERE: f32 = 0.03;

/// From this likeness on two papers are nearly one question: asked only when nothing else is left. From the second on
/// they are.
const ALIKE: f32 = 0.6;
const SAME: f32 = 0.95;

/// The share of the panel that a starting point speaks for.
const STARTED: f32 = 0.04;

/// The chance that a paper far from one interest is passed over, and not turned down, for the sake of another.
const SPARED: f32 = 0.25;

/// Which of some papers stand for all of them: half of `most` at even distances, so that every field has its share, and
/// half by the attention they had, so that what many know is among them. By their places, in rising order.
pub fn representatives(attention: &[f32], most: usize) -> Vec<usize> {
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

/// Which of the representatives are worth asking about: the half that had more attention. An answer about what others
/// read says more than one about what nobody knows.
pub fn known_enough(attention: &[f32]) -> Vec<bool> {
    let mut sorted = attention.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let middle = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    attention.iter().map(|a| *a >= middle).collect()
}

/// Papers that stand for a corpus, and how likely a reader around one of them likes another.
pub struct Panel {
    mean: Vec<f32>,
    /// The vectors as seen from the mean, of unit length, one after the other.
    vectors: Vec<f32>,
    /// For the paper that is asked, row by row, the chance that a reader around each likes it; and the entropy of that.
    chances: Vec<f32>,
    entropies: Vec<f32>,
    /// The belief before any answer.
    prior: Vec<f32>,
}

impl Panel {
    /// From the vectors of the papers and what each weighs (above zero): how many readers may work around it.
    pub fn of(vectors: &[&[f32]], weights: &[f32]) -> Self {
        let n = vectors.len();
        let d = vectors.first().map_or(0, |v| v.len());
        let mut mean = vec![0f32; d];
        for v in vectors {
            mean.iter_mut().zip(*v).for_each(|(m, x)| *m += x / n as f32);
        }
        // Very few papers have no background to stand out from.
        if n < 8 {
            mean.fill(0.0);
        }
        let mut panel =
            Panel { mean, vectors: Vec::new(), chances: Vec::new(), entropies: Vec::new(), prior: weights.to_vec() };
        panel.vectors = vectors.iter().flat_map(|v| panel.seen(v)).collect();
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

    /// A vector as seen from the mean.
    fn seen(&self, vector: &[f32]) -> Vec<f32> {
        let mut v: Vec<f32> = vector.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let length = dot(&v, &v).sqrt().max(1e-6);
        v.iter_mut().for_each(|x| *x /= length);
        v
    }

    fn likeness(&self, seen: &[f32]) -> Vec<f32> {
        (0..self.len()).map(|k| dot(self.vector(k), seen)).collect()
    }

    /// The chance that a reader around each paper likes this one.
    fn chances_of(&self, seen: &[f32]) -> Vec<f32> {
        self.likeness(seen).into_iter().map(liked).collect()
    }
}

/// The questions to one reader.
pub struct Questions<'a> {
    panel: &'a Panel,
    belief: Vec<f32>,
    /// The closest that each paper of the panel is to one that was asked or answered.
    nearest: Vec<f32>,
    open: Vec<bool>,
}

impl<'a> Questions<'a> {
    /// Before any answer. `open` says which papers of the panel may be asked about.
    pub fn new(panel: &'a Panel, open: Vec<bool>) -> Self {
        Questions { panel, belief: panel.prior.clone(), nearest: vec![-1.0; panel.len()], open }
    }

    /// Takes starting points, of which any may be meant: topics, authors, themes, each by a vector.
    pub fn start(&mut self, points: &[&[f32]]) {
        if points.is_empty() || self.panel.len() < 2 {
            return;
        }
        let mut most = vec![SLIP; self.panel.len()];
        for point in points {
            let likeness = self.panel.likeness(&self.panel.seen(point));
            // A phrase is further from every paper than papers are from each other, so the scale is its own.
            let mut sorted = likeness.clone();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            let n = sorted.len() as f32;
            let half = sorted[((STARTED * n) as usize).clamp(1, sorted.len() - 1)];
            let average = sorted.iter().sum::<f32>() / n;
            let spread = (sorted.iter().map(|s| (s - average).powi(2)).sum::<f32>() / n).sqrt().max(1e-3);
            for (most, s) in most.iter_mut().zip(likeness) {
                *most = most.max(SLIP + (1.0 - SLIP) * softly((s - half) / (0.3 * spread)));
            }
        }
        self.belief.iter_mut().zip(most).for_each(|(b, m)| *b *= m);
        normalise(&mut self.belief);
    }

    /// Takes an answer to any paper. `weight` is above zero for a like and below for a dislike; its size says how sure
    /// it is, up to 1.
    pub fn answer(&mut self, vector: &[f32], weight: f32) {
        let likeness = self.panel.likeness(&self.panel.seen(vector));
        let told: Vec<f32> = likeness.iter().map(|s| if weight > 0.0 { liked(*s) } else { turned_down(*s) }).collect();
        self.learn(told.into_iter(), weight.abs().min(1.0));
        self.nearest.iter_mut().zip(likeness).for_each(|(n, s)| *n = n.max(s));
    }

    /// Takes that a paper was passed over: it is not quite what the reader wants, and mostly not far from it either.
    /// Nothing like it is asked about.
    pub fn pass(&mut self, vector: &[f32]) {
        let likeness = self.panel.likeness(&self.panel.seen(vector));
        let told: Vec<f32> = likeness.iter().map(|s| (1.0 - liked(*s) - turned_down(*s)).max(0.0)).collect();
        self.learn(told.into_iter(), 1.0);
        self.nearest.iter_mut().zip(likeness).for_each(|(n, s)| *n = n.max(s));
    }

    /// Takes the chance of what was said, for each that may be meant; `sure` from 0 to 1.
    fn learn(&mut self, chances: impl Iterator<Item = f32>, sure: f32) {
        for (belief, chance) in self.belief.iter_mut().zip(chances) {
            let told = SLIP + (1.0 - 2.0 * SLIP) * chance;
            *belief *= if sure < 1.0 { told.powf(sure) } else { told };
        }
        normalise(&mut self.belief);
    }

    /// The paper of the panel to ask about, and the information that its answer is expected to give, in bits. The one
    /// after it follows as if this had not been liked, which is what mostly happens.
    pub fn ask(&mut self) -> Option<(usize, f32)> {
        let told = |k: usize| {
            let chance = dot(&self.belief, self.panel.row(&self.panel.chances, k));
            entropy(chance) - dot(&self.belief, self.panel.row(&self.panel.entropies, k))
        };
        let best = |closest: f32| {
            let may = (0..self.panel.len()).filter(|k| self.open[*k] && self.nearest[*k] < closest);
            may.map(|k| (k, told(k))).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        };
        let (best, value) = best(ALIKE).or_else(|| best(SAME))?;
        self.open[best] = false;
        let panel = self.panel;
        self.learn(panel.row(&panel.chances, best).iter().map(|c| 1.0 - c), 1.0);
        let likeness = panel.likeness(panel.vector(best));
        self.nearest.iter_mut().zip(likeness).for_each(|(n, s)| *n = n.max(s));
        Some((best, value.max(0.0) / std::f32::consts::LN_2))
    }
}

/// The chance that a reader around a paper likes one that is so like it.
fn liked(likeness: f32) -> f32 {
    ELSEWHERE + (1.0 - ELSEWHERE) * softly((likeness - HALF) / SOFT)
}

/// The chance that they turn it down.
fn turned_down(likeness: f32) -> f32 {
    (1.0 - ELSEWHERE) * (1.0 - SPARED) * softly((DOUBT - likeness) / SOFT)
}

/// From 0 to 1, one half at 0.
fn softly(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Of a yes or no with this chance, in nats.
fn entropy(chance: f32) -> f32 {
    let part = |p: f32| if p > 0.0 { -p * p.ln() } else { 0.0 };
    part(chance) + part(1.0 - chance)
}

fn normalise(belief: &mut [f32]) {
    let sum: f32 = belief.iter().sum();
    let n = belief.len() as f32;
    // Where nothing is left to believe, everything is as probable again.
    belief.iter_mut().for_each(|b| *b = if sum > f32::MIN_POSITIVE { *b / sum } else { 1.0 / n });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `per` papers around each of `fields` directions.
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

    fn panel(vectors: &[Vec<f32>], weights: &[f32]) -> Panel {
        Panel::of(&vectors.iter().map(Vec::as_slice).collect::<Vec<_>>(), weights)
    }

    #[test]
    fn the_first_questions_cover_the_fields_the_larger_first() {
        let mut vectors = corpus(6, 10);
        vectors.extend(corpus(6, 10).into_iter().enumerate().filter(|(i, _)| i % 6 == 4).map(|(_, v)| v));
        let panel = panel(&vectors, &vec![1.0; vectors.len()]);
        let mut asked = Questions::new(&panel, vec![true; vectors.len()]);
        let fields: Vec<usize> =
            std::iter::from_fn(|| asked.ask()).map(|(k, _)| if k < 60 { k % 6 } else { 4 }).collect();
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
        let mut asked = Questions::new(&panel, open.clone());
        asked.start(&[&vectors[3]]);
        assert_eq!(asked.ask().map(|(k, _)| k % 5), Some(3));
        open[3] = false;
        let mut asked = Questions::new(&panel, open);
        for field in [0, 1, 2] {
            asked.answer(&vectors[field], -1.0);
        }
        assert!(asked.ask().is_some_and(|(k, _)| k % 5 >= 3));
    }

    proptest! {
        #[test]
        fn a_belief_is_one_whatever_is_answered(answers in prop::collection::vec((0usize..40, -1.5f32..1.5), 0..60)) {
            let vectors = corpus(4, 10);
            let panel = panel(&vectors, &[1.0; 40]);
            let mut asked = Questions::new(&panel, vec![true; 40]);
            for (k, weight) in answers {
                asked.answer(&vectors[k], weight);
                prop_assert!((asked.belief.iter().sum::<f32>() - 1.0).abs() < 1e-3);
                prop_assert!(asked.belief.iter().all(|b| b.is_finite() && *b >= 0.0));
            }
            while let Some((_, bits)) = asked.ask() {
                prop_assert!((0.0..=1.01).contains(&bits));
            }
        }
    }
}
