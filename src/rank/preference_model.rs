//! The preference model of a reader, learned from weighted examples: a score for any paper, and what each example and
//! each term adds to it.
//!
//! The score is a weighted sum of four features, each in standard deviations among a sample of the corpus:
//!
//! - `plain`: cosine to the weighted mean of the likes, less that to the dislikes (Rocchio);
//! - `centred`: the same under the mean and metric of the [`Background`];
//! - `near`: a soft maximum of the centred cosine to single likes, which keeps separate interests apart;
//! - `words`: the product with the terms of the examples.
//!
//! The weights follow from the examples: with one or two likes, or as many dislikes as likes, the plain mean is best;
//! from five likes on the background helps; words weigh by how many terms the likes have. All measured with `eval
//! users`.

use super::Background;
use crate::vector::{add, dot, sparse, sparse_dot};

/// Sharpness of the soft maximum: the larger, the nearer to a true maximum.
const SHARPNESS: f32 = 8.0;

/// A paper that the reader likes or dislikes.
#[derive(Debug, Clone, Copy)]
pub struct WeightedExample<'a> {
    /// Above zero for a like, below for a dislike. Only the ratios between examples count.
    pub weight: f32,
    /// Its unit vector.
    pub vector: &'a [f32],
    /// Its terms as a sparse unit vector, sorted by term number.
    pub terms: &'a [(u32, f32)],
}

/// A paper to be scored.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its unit vector.
    pub vector: &'a [f32],
    /// The product of its terms (of unit length) with [`PreferenceModel::words`].
    pub words: f32,
}

/// A fitted model of one reader.
#[derive(Debug, Clone)]
pub struct PreferenceModel {
    /// The coefficient of each example in the means ([`shares`]).
    shares: Vec<f32>,
    vectors: Vec<Vec<f32>>,
    /// Each example projected by the [`Background`], with its offset.
    mapped: Vec<(Vec<f32>, f32)>,
    /// The length of each example under the metric.
    lengths: Vec<f32>,
    plain: Vec<f32>,
    centred: (Vec<f32>, f32),
    /// The likes for `near`: which example, its share, and the factor that turns its product into a cosine.
    likes: Vec<(usize, f32, f32)>,
    words: Vec<(u32, f32)>,
    weights: Weights,
    scales: Scales,
    /// The mean vector of the papers that the scales were taken from.
    sample_mean: Vec<f32>,
    /// `plain` and `centred` with their weights and scales as one direction, and its offset: one product a paper.
    linear: (Vec<f32>, f32),
}

/// The weight of each feature; they sum to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Weights {
    plain: f32,
    centred: f32,
    near: f32,
    words: f32,
}

/// Mean and standard deviation of each feature among a sample of the corpus.
#[derive(Debug, Clone, Copy)]
struct Scales {
    plain: (f32, f32),
    centred: (f32, f32),
    near: (f32, f32),
    words: (f32, f32),
}

/// A score by what adds to it. All parts together sum to the score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreParts {
    /// What each example adds, beyond what it adds to the average paper.
    pub examples: Vec<f32>,
    /// What each term adds that the paper shares with the examples: term number and part.
    pub terms: Vec<(u32, f32)>,
    /// The rest: mostly the average paper's word score, which is subtracted.
    pub baseline: f32,
}

impl ScoreParts {
    /// The score.
    pub fn sum(&self) -> f32 {
        self.examples.iter().sum::<f32>() + self.terms.iter().map(|t| t.1).sum::<f32>() + self.baseline
    }
}

impl PreferenceModel {
    /// Fits a model to the examples; `None` when none is a like. Call [`PreferenceModel::calibrate`] before use.
    pub fn fit(examples: &[WeightedExample<'_>], background: &Background) -> Option<Self> {
        let (n, m, shares) = shares(&examples.iter().map(|e| e.weight).collect::<Vec<_>>())?;
        let mapped: Vec<(Vec<f32>, f32)> = examples.iter().map(|e| background.project(e.vector)).collect();
        let length = |(e, (map, offset)): (&WeightedExample<'_>, &(Vec<f32>, f32))| {
            (dot(map, e.vector) - offset).max(0.0).sqrt().max(1e-6)
        };
        let lengths: Vec<f32> = examples.iter().zip(&mapped).map(length).collect();
        let d = background.dimension();
        let (mut plain, mut centred) = (vec![0f32; d], (vec![0f32; d], 0f32));
        let mut words: Vec<(u32, f32)> = Vec::new();
        for ((share, e), (map, offset)) in shares.iter().zip(examples).zip(&mapped) {
            add(&mut plain, *share, e.vector);
            add(&mut centred.0, *share, map);
            centred.1 += share * offset;
            words.extend(e.terms.iter().map(|(t, w)| (*t, share * w)));
        }
        let words = sparse(words);
        let likes = examples.iter().enumerate().filter(|(_, e)| e.weight > 0.0);
        let likes = likes.map(|(k, _)| (k, shares[k], 1.0 / (lengths[k] * background.length())));
        // With one or two likes the background would outweigh them; with as many dislikes as likes these already mark
        // the border, and the background adds nothing.
        let b = n * n / (n * n + 6.0) * n / (n + 10.0 * m);
        // A title has a dozen terms of weight, an abstract eighty.
        let liked_terms: f32 = shares.iter().zip(examples).map(|(s, e)| s.max(0.0) * e.terms.len() as f32).sum();
        let v = (liked_terms / 80.0).clamp(0.1, 1.0);
        let weights = Weights { plain: 1.0 - b, centred: b / 2.0, near: b / 2.0, words: v };
        let sum = 1.0 + v;
        let weights = Weights {
            plain: weights.plain / sum,
            centred: weights.centred / sum,
            near: weights.near / sum,
            words: weights.words / sum,
        };
        let unit = (0.0, 1.0);
        let mut preferences = PreferenceModel {
            sample_mean: vec![0.0; d],
            likes: likes.collect(),
            lengths: lengths.clone(),
            vectors: examples.iter().map(|e| e.vector.to_vec()).collect(),
            shares,
            mapped,
            plain,
            centred,
            words,
            weights,
            scales: Scales { plain: unit, centred: unit, near: unit, words: unit },
            linear: (Vec::new(), 0.0),
        };
        preferences.combine();
        Some(preferences)
    }

    /// Brings the features to one scale: standard deviations among these papers, which are a sample of the corpus or
    /// the papers to be ranked. With fewer than two papers nothing changes; a feature that is equal on all keeps scale
    /// 1.
    pub fn calibrate(&mut self, sample: &[Candidate<'_>]) {
        if sample.len() < 2 {
            return;
        }
        let scale = |f: &dyn Fn(&Candidate<'_>) -> f32| scale(&sample.iter().map(f).collect::<Vec<_>>(), 1e-6);
        let scales = Scales {
            plain: scale(&|c| dot(&self.plain, c.vector)),
            centred: scale(&|c| dot(&self.centred.0, c.vector) - self.centred.1),
            near: scale(&|c| self.near(c.vector)),
            words: scale(&|c| c.words),
        };
        self.scales = scales;
        self.sample_mean.fill(0.0);
        for c in sample {
            add(&mut self.sample_mean, 1.0 / sample.len() as f32, c.vector);
        }
        self.combine();
    }

    /// The same model without the words.
    pub fn without_words(&self) -> Self {
        let Weights { plain, centred, near, .. } = self.weights;
        let sum = plain + centred + near;
        self.with_weights(Weights { plain: plain / sum, centred: centred / sum, near: near / sum, words: 0.0 })
    }

    /// The same model with nothing but the words.
    pub fn words_only(&self) -> Self {
        self.with_weights(Weights { plain: 0.0, centred: 0.0, near: 0.0, words: 1.0 })
    }

    fn with_weights(&self, weights: Weights) -> Self {
        let mut preferences = PreferenceModel { weights, ..self.clone() };
        preferences.combine();
        preferences
    }

    /// The number of likes that the model was fitted to.
    pub fn likes(&self) -> usize {
        self.likes.len()
    }

    fn combine(&mut self) {
        let (p, c) = (self.weights.plain / self.scales.plain.1, self.weights.centred / self.scales.centred.1);
        let combined = self.plain.iter().zip(&self.centred.0).map(|(a, b)| p * a + c * b).collect();
        let offset = c * self.centred.1
            + p * self.scales.plain.0
            + c * self.scales.centred.0
            + self.weights.words * self.scales.words.0 / self.scales.words.1;
        self.linear = (combined, offset);
    }

    /// The vectors of the examples, in the order in which they were given.
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }

    /// The weight of each term of the examples, sorted by term number: multiply a paper's terms with it.
    pub fn words(&self) -> &[(u32, f32)] {
        &self.words
    }

    /// A query vector, not of unit length, whose nearest neighbours are good candidates.
    pub fn direction(&self) -> &[f32] {
        &self.linear.0
    }

    /// The score without `near`: one product, enough to decide which papers to score in full.
    fn linear_score(&self, paper: Candidate<'_>) -> f32 {
        dot(&self.linear.0, paper.vector) - self.linear.1 + self.weights.words * paper.words / self.scales.words.1
    }

    /// The score, in standard deviations above the average paper of the sample.
    pub fn score(&self, paper: Candidate<'_>) -> f32 {
        let (mean, deviation) = self.scales.near;
        let near = if self.weights.near > 0.0 { self.near(paper.vector) } else { mean };
        self.linear_score(paper) + self.weights.near * (near - mean) / deviation
    }

    /// Scores many papers: the best `closely` by one product in full, the rest by that product alone, which is much
    /// faster and changes nothing near the top. No paper of the rest gets a higher score than one scored in full.
    pub fn score_all(&self, papers: &[Candidate<'_>], closely: usize) -> Vec<f32> {
        let mut scores: Vec<f32> = papers.iter().map(|p| self.linear_score(*p)).collect();
        if self.weights.near <= 0.0 {
            return papers.iter().map(|p| self.score(*p)).collect();
        }
        let mut order: Vec<usize> = (0..papers.len()).collect();
        let greatest_first = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
        if closely < order.len() {
            order.select_nth_unstable_by(closely, greatest_first);
        }
        let (close, rest) = order.split_at(closely.min(papers.len()));
        for &k in close {
            scores[k] = self.score(papers[k]);
        }
        let least = close.iter().map(|&k| scores[k]).fold(f32::INFINITY, f32::min);
        for &k in rest {
            scores[k] = scores[k].min(least);
        }
        scores
    }

    /// The soft maximum of the cosines to the likes: the log of the weighted mean of their exponentials, over
    /// sharpness.
    fn near(&self, vector: &[f32]) -> f32 {
        let (sum, greatest, _) = self.exponentials(vector);
        (sum.max(f32::MIN_POSITIVE).ln() + greatest) / SHARPNESS
    }

    /// The sum of the weighted exponentials, the greatest exponent, and each exponential as a multiple of
    /// `exp(greatest)`.
    fn exponentials(&self, vector: &[f32]) -> (f32, f32, Vec<f32>) {
        let exponent = |(k, _, divisor): &(usize, f32, f32)| {
            let (map, offset) = &self.mapped[*k];
            SHARPNESS * (dot(map, vector) - offset) * divisor
        };
        let exponents: Vec<f32> = self.likes.iter().map(exponent).collect();
        let greatest = exponents.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponentials: Vec<f32> =
            exponents.iter().zip(&self.likes).map(|(e, (_, share, _))| share * (e - greatest).exp()).collect();
        (exponentials.iter().sum(), greatest, exponentials)
    }

    /// The score of a paper by example and term.
    pub fn parts(&self, vector: &[f32], terms: &[(u32, f32)]) -> ScoreParts {
        // Every paper resembles every example a little. An example's part is what this paper has beyond the average
        // paper, so that the largest part is the reason why it is shown. So the features' means are split over the
        // examples, too.
        let (p, c) = (self.weights.plain / self.scales.plain.1, self.weights.centred / self.scales.centred.1);
        let beyond: Vec<f32> = vector.iter().zip(&self.sample_mean).map(|(x, m)| x - m).collect();
        let mut examples: Vec<f32> = self
            .shares
            .iter()
            .zip(&self.vectors)
            .zip(&self.mapped)
            .map(|((share, v), (map, _))| share * (p * dot(v, &beyond) + c * dot(map, &beyond)))
            .collect();
        let (w, v) = (self.weights.near / self.scales.near.1, self.weights.words / self.scales.words.1);
        if self.weights.near > 0.0 {
            let (sum, greatest, exponentials) = self.exponentials(vector);
            let near = (sum.max(f32::MIN_POSITIVE).ln() + greatest) / SHARPNESS - self.scales.near.0;
            for ((k, ..), exponential) in self.likes.iter().zip(exponentials) {
                examples[*k] += w * near * exponential / sum.max(f32::MIN_POSITIVE);
            }
        }
        let mut shared = Vec::new();
        let mut words = self.words.as_slice();
        for &(term, value) in terms {
            words = &words[words.partition_point(|x| x.0 < term)..];
            if let Some((_, weight)) = words.first().filter(|x| x.0 == term) {
                shared.push((term, v * weight * value));
            }
        }
        // Zero once the model is calibrated.
        let plain = self.scales.plain.0 - dot(&self.plain, &self.sample_mean);
        let centred = self.scales.centred.0 + self.centred.1 - dot(&self.centred.0, &self.sample_mean);
        ScoreParts { examples, terms: shared, baseline: -(p * plain + c * centred + v * self.scales.words.0) }
    }

    /// The cosine of two examples under the background's mean and metric, from -1 to 1.
    pub fn affinity(&self, a: usize, b: usize) -> f32 {
        (dot(&self.mapped[a].0, &self.vectors[b]) - self.mapped[a].1) / (self.lengths[a] * self.lengths[b])
    }

    /// The centroid of some examples under the metric, to find the papers near them: `centroid.0 . x - centroid.1` is
    /// the mean of their cosines with x, times the length of x.
    pub fn centroid(&self, examples: &[usize]) -> (Vec<f32>, f32) {
        let mut centroid = (vec![0f32; self.plain.len()], 0f32);
        for &k in examples {
            let share = 1.0 / (self.lengths[k] * examples.len() as f32);
            add(&mut centroid.0, share, &self.mapped[k].0);
            centroid.1 += share * self.mapped[k].1;
        }
        centroid
    }

    /// The product of a paper's terms with [`PreferenceModel::words`]: the `words` of a [`Candidate`].
    pub fn word_product(&self, terms: &[(u32, f32)]) -> f32 {
        sparse_dot(&self.words, terms)
    }
}

/// The effective number of likes and of dislikes (weights above and below zero; unequal weights count as fewer), and
/// the coefficient of each example in the weighted mean: those of likes sum to 1, those of dislikes to minus their
/// joint weight, which grows with their number to at most 0.4. `None` without a like.
pub fn shares(weights: &[f32]) -> Option<(f32, f32, Vec<f32>)> {
    // Only ratios count; divided by the greatest weight, the squares stay within the range of f32.
    let greatest = weights.iter().map(|w| w.abs()).fold(0.0, f32::max);
    let weights: Vec<f32> = weights.iter().map(|w| w / greatest).collect();
    let total = |side: f32| weights.iter().map(|w| (w * side).max(0.0)).sum::<f32>();
    let squares = |side: f32| weights.iter().map(|w| (w * side).max(0.0).powi(2)).sum::<f32>();
    let (up, down) = (total(1.0), total(-1.0));
    // A like may be too small beside the others for f32.
    if !(up > 1e-12 && squares(1.0) > 0.0) {
        return None;
    }
    let effective = |sum: f32, squares: f32| if squares > 0.0 { sum * sum / squares } else { 0.0 };
    let (n, m) = (effective(up, squares(1.0)), effective(down, squares(-1.0)));
    let gamma = 0.4 * m / (m + 4.0);
    let share = |w: &f32| match *w {
        w if w > 0.0 => w / up,
        w if down > 0.0 => gamma * w / down,
        _ => 0.0,
    };
    Some((n, m, weights.iter().map(share).collect()))
}

/// Mean and standard deviation of some values. A deviation up to `rounding` counts as no difference and gives 1.
pub fn scale(values: &[f32], rounding: f32) -> (f32, f32) {
    let n = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
    (mean, if deviation > rounding { deviation } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (f32, Vec<f32>, Vec<(u32, f32)>);

    fn unit(v: Vec<f32>) -> Vec<f32> {
        let n = dot(&v, &v).sqrt().max(1e-6);
        v.into_iter().map(|x| x / n).collect()
    }

    fn of(examples: &[Owned], corpus: &[Vec<f32>]) -> Option<PreferenceModel> {
        let vectors: Vec<&[f32]> = corpus.iter().map(Vec::as_slice).collect();
        let background = Background::of(&vectors).expect("a corpus");
        let examples: Vec<WeightedExample<'_>> =
            examples.iter().map(|(weight, vector, terms)| WeightedExample { weight: *weight, vector, terms }).collect();
        let mut preferences = PreferenceModel::fit(&examples, &background)?;
        let sample: Vec<Candidate<'_>> = corpus.iter().map(|v| Candidate { vector: v, words: 0.1 * v[0] }).collect();
        preferences.calibrate(&sample);
        Some(preferences)
    }

    fn vector() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1f32..1.0, 8).prop_map(unit)
    }

    fn terms() -> impl Strategy<Value = Vec<(u32, f32)>> {
        prop::collection::btree_map(0u32..30, 0.05f32..1.0, 0..12).prop_map(|m| m.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
        #[test]
        fn parts_sum_to_the_score(
            examples in prop::collection::vec((prop_oneof![0.01f32..3.0, -3f32..-0.01], vector(), terms()), 1..25),
            corpus in prop::collection::vec(vector(), 2..20),
            paper in vector(), paper_terms in terms(),
        ) {
            let Some(preferences) = of(&examples, &corpus) else {
                prop_assert!(examples.iter().all(|e| e.0 < 0.0));
                return Ok(());
            };
            let words = preferences.word_product(&paper_terms);
            let score = preferences.score(Candidate { vector: &paper, words });
            let parts = preferences.parts(&paper, &paper_terms);
            prop_assert!(score.is_finite());
            prop_assert!((parts.sum() - score).abs() < 1e-4 * (1.0 + score.abs()), "{} {}", parts.sum(), score);
            prop_assert_eq!(parts.examples.len(), examples.len());
        }
    }

    proptest! {
        #[test]
        fn a_closer_look_changes_no_order_at_the_top(
            examples in prop::collection::vec((0.01f32..3.0, vector(), terms()), 3..12),
            corpus in prop::collection::vec(vector(), 20..60), closely in 1usize..80,
        ) {
            let preferences = of(&examples, &corpus).expect("likes");
            let papers: Vec<Candidate<'_>> = corpus.iter().map(|v| Candidate { vector: v, words: 0.0 }).collect();
            let scores = preferences.score_all(&papers, closely);
            let close = scores.iter().zip(&papers).filter(|(s, p)| (**s - preferences.score(**p)).abs() < 1e-5).count();
            prop_assert!(close >= closely.min(papers.len()));
            if closely >= papers.len() {
                prop_assert!(scores.iter().zip(&papers).all(|(s, p)| (s - preferences.score(*p)).abs() < 1e-5));
            }
        }
    }

    #[test]
    fn separate_interests_do_not_blur() {
        let axis = |k: usize| (0..6).map(|j| if j == k { 1.0 } else { 0.05 }).collect::<Vec<f32>>();
        let corpus: Vec<Vec<f32>> = (0..60).map(|k| unit(axis(k % 6))).collect();
        let likes: Vec<Owned> = (0..8).map(|k| (1.0, unit(axis(k % 2)), vec![])).collect();
        let preferences = of(&likes, &corpus).expect("likes");
        let score = |v: Vec<f32>| preferences.score(Candidate { vector: &unit(v), words: 0.0 });
        let between = vec![0.7, 0.7, 0.05, 0.05, 0.05, 0.05];
        assert!(score(axis(0)) > score(axis(3)) && score(axis(1)) > score(axis(3)));
        // The mean of two interests lies between them; the papers do not.
        let near = |v: Vec<f32>| preferences.near(&unit(v));
        assert!(near(axis(0)) > near(between));
    }

    #[test]
    fn dislikes_push_away_and_alone_say_nothing() {
        let corpus: Vec<Vec<f32>> = (0..40).map(|k| unit(vec![(k as f32).sin(), (k as f32).cos(), 0.5])).collect();
        let (x, y) = (unit(vec![1.0, 0.0, 0.3]), unit(vec![0.0, 1.0, 0.3]));
        let dislikes: Vec<Owned> = (0..6).map(|_| (-1.0, y.clone(), vec![])).collect();
        assert!(of(&dislikes, &corpus).is_none());
        let mut both = dislikes;
        let alone = of(&[(1.0, x.clone(), vec![])], &corpus).expect("a like");
        both.push((1.0, x, vec![]));
        let preferences = of(&both, &corpus).expect("a like");
        let y = Candidate { vector: &y, words: 0.0 };
        assert!(preferences.score(y) < alone.score(y));
    }
}
