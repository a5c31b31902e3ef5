//! The preference model: what examples say of any paper. One model, whoever asks: a score, and what each example and each
//! term adds to it.
//!
//! The score is a weighted sum of five features, each in the unit of a cosine:
//!
//! - `plain`: cosine to the weighted mean of the likes, less that to the dislikes (Rocchio);
//! - `centred`: the same under the mean and metric of the [`Background`];
//! - `near`: a soft maximum of the centred cosine to single likes, which keeps separate interests apart;
//! - `words`: cosine to the terms of the examples;
//! - `nearest`: the mean over the three closest likes of both cosines, less a part of that to the closest dislike.
//!
//! The weights follow from the examples and from what is to be ranked. Of one example the plain sum of two cosines is best,
//! and from some likes on the background and single likes help; with as many dislikes as likes these already mark the border,
//! and the background adds nothing. Words weigh by how many the likes have. A handful of candidates is judged by the closest
//! likes. The constants come from a regression and a search over situations like those of `eval situations`, on a prototype
//! with all readers in sight; quality is flat around them (docs/quality.md). A [`Strategy`] takes one part of the model
//! alone. What candidates have among themselves is added by [`super::CandidateSetRanker`].

mod fit;

use super::score_parts::ScoreParts;
use super::{Background, Strategy};
use crate::vector::{add, dot, sparse_dot};

/// Sharpness of the soft maximum: the larger, the nearer to a true maximum.
const SHARPNESS: f32 = 8.0;

/// What the nearest likes weigh at most beside the vectors, the number of likes beyond the first at which it is half of that,
/// and the numbers of candidates up to which it counts in full, and from which on it does not.
const NEAREST: f32 = 1.0;
const HALF_NEAREST: f32 = 5.0;
const FEW: f32 = 10.0;
const NOT_FEW: f32 = 20.0;

/// Papers of a sample that are compared with every example.
const COMPARED: usize = 16;

/// Likes that count in `nearest`.
const CLOSEST: usize = 3;

/// A paper or text that is liked or disliked.
#[derive(Debug, Clone, Copy)]
pub struct WeightedExample<'a> {
    /// Above zero for a like, below for a dislike. Only the ratios between examples count.
    pub weight: f32,
    /// Its unit vector.
    pub vector: &'a [f32],
    /// Its terms as a sparse unit vector, sorted by term number; empty where words are not known.
    pub terms: &'a [(u32, f32)],
}

/// A paper to be scored.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its unit vector.
    pub vector: &'a [f32],
    /// The product of its terms (of unit length) with [`PreferenceModel::words`].
    pub words: f32,
    /// Its terms; read only where [`PreferenceModel::needs_terms`].
    pub terms: &'a [(u32, f32)],
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct PreferenceModel {
    strategy: Strategy,
    /// The coefficient of each example in the sums ([`shares`], or those of a regression). The examples that were given come
    /// first; behind them those that a regression was fitted against.
    shares: Vec<f32>,
    given: usize,
    /// The effective number of likes.
    effective: f32,
    /// What each example weighs.
    example_weights: Vec<f32>,
    vectors: Vec<Vec<f32>>,
    terms: Vec<Vec<(u32, f32)>>,
    /// Each example projected by the [`Background`], with its offset.
    mapped: Vec<(Vec<f32>, f32)>,
    /// The length of each example under the metric.
    lengths: Vec<f32>,
    plain: Vec<f32>,
    centred: (Vec<f32>, f32),
    /// The likes: which example, its share, and the factor that turns its product under the metric into a cosine.
    likes: Vec<(usize, f32, f32)>,
    words: Vec<(u32, f32)>,
    weights: Features,
    /// What each feature is divided by to be a cosine.
    units: Features,
    /// The part of words in `nearest`.
    words_share: f32,
    /// The mean of each feature over the papers that the scale was taken from, and their covariances.
    means: Features,
    spread: Option<[Features; 5]>,
    /// The mean vector of these papers.
    sample_mean: Vec<f32>,
    /// `plain` and `centred` with their weights as one direction, and its offset: one product a paper.
    linear: (Vec<f32>, f32),
    /// The standard deviation of the score over these papers; 1 while there is no scale.
    deviation: f32,
}

/// A number for each of the features.
type Features = [f32; 5];

/// Where each feature stands; those of vectors alone come first.
mod feature {
    pub const PLAIN: usize = 0;
    pub const CENTRED: usize = 1;
    pub const NEAR: usize = 2;
    pub const WORDS: usize = 3;
    pub const NEAREST: usize = 4;
}

impl PreferenceModel {
    /// The whole model of some examples: [`Strategy::Auto`]. `None` when none is a like. Call [`PreferenceModel::calibrate`]
    /// before use.
    pub fn fit(examples: &[WeightedExample<'_>], background: &Background) -> Option<Self> {
        Self::of(Strategy::Auto, examples, background, &[])
    }

    /// From now on scores are standard deviations above these papers, which are a sample of the corpus. With fewer than two
    /// papers, or where all are alike, a score stays in the unit of a cosine. Their terms are needed.
    pub fn calibrate(&mut self, sample: &[Candidate<'_>]) {
        if sample.len() < 2 {
            return;
        }
        let part = 1.0 / sample.len() as f32;
        // To compare a paper with every example is dear: of a part of them.
        let step = (sample.len() / COMPARED).max(1);
        let compared = sample.len().div_ceil(step) as f32;
        let features: Vec<Features> =
            sample.iter().enumerate().map(|(k, c)| self.features(*c, true, k % step == 0)).collect();
        let parts = |i: usize, j: usize| {
            if i == feature::NEAREST || j == feature::NEAREST { (step, 1.0 / compared) } else { (1, part) }
        };
        let mean = |i: usize| {
            let (step, part) = parts(i, i);
            part * features.iter().step_by(step).map(|of| of[i]).sum::<f32>()
        };
        let means: Features = std::array::from_fn(mean);
        let covariance = |i: usize, j: usize| {
            let (step, part) = parts(i, j);
            part * features.iter().step_by(step).map(|of| (of[i] - means[i]) * (of[j] - means[j])).sum::<f32>()
        };
        let spread: [Features; 5] = std::array::from_fn(|i| std::array::from_fn(|j| covariance(i, j)));
        self.sample_mean.fill(0.0);
        for c in sample {
            add(&mut self.sample_mean, part, c.vector);
        }
        (self.means, self.spread) = (means, Some(spread));
        self.combine();
    }

    /// The same model without the words.
    pub fn without_words(&self) -> Self {
        self.with(|w| w[feature::WORDS] = 0.0, 0.0)
    }

    /// The same model with nothing but the words.
    pub fn words_only(&self) -> Self {
        let nearest = self.strategy == Strategy::Nearest;
        self.with(|w| *w = [0.0, 0.0, 0.0, if nearest { 0.0 } else { 1.0 }, if nearest { 1.0 } else { 0.0 }], 1.0)
    }

    /// The same model for so many candidates, all of which are ranked: a handful is judged by the closest likes.
    pub fn among(&self, candidates: usize) -> Self {
        let few = ((NOT_FEW - candidates as f32) / (NOT_FEW - FEW)).clamp(0.0, 1.0);
        let beyond = (self.effective - 1.0).max(0.0);
        let weight = NEAREST * few * beyond / (beyond + HALF_NEAREST);
        if self.strategy != Strategy::Auto || weight <= 0.0 {
            return self.clone();
        }
        let vectors = self.weights[..feature::WORDS].iter().sum::<f32>();
        self.with(|w| w[feature::NEAREST] = weight * vectors, self.words_share)
    }

    fn with(&self, change: impl FnOnce(&mut Features), words_share: f32) -> Self {
        let mut model = PreferenceModel { words_share, ..self.clone() };
        change(&mut model.weights);
        model.weights = to_one(model.weights);
        model.combine();
        model
    }

    /// The strategy that it was made by.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// How many likes there are.
    pub fn likes(&self) -> usize {
        self.likes.len()
    }

    /// What each example weighs, in the order in which they were given: where one paper was given in several versions, these
    /// share its weight.
    pub fn example_weights(&self) -> &[f32] {
        &self.example_weights
    }

    /// Whether a score takes the terms of a paper one by one, and not only their product with [`PreferenceModel::words`].
    pub fn needs_terms(&self) -> bool {
        self.weights[feature::NEAREST] > 0.0
    }

    fn combine(&mut self) {
        let variance: f32 =
            self.spread.iter().flatten().zip(&self.weights).map(|(row, a)| a * dot(row, &self.weights)).sum();
        self.deviation = if variance > 1e-10 { variance.sqrt() } else { 1.0 };
        let [p, c, ..] = self.factors();
        let combined = self.plain.iter().zip(&self.centred.0).map(|(a, b)| p * a + c * b).collect();
        self.linear = (combined, c * self.centred.1);
    }

    /// What the raw value of each feature is multiplied with in the score.
    fn factors(&self) -> Features {
        std::array::from_fn(|k| self.weights[k] / (self.units[k] * self.deviation))
    }

    /// What the average paper has in the score.
    fn mean(&self) -> f32 {
        dot(&self.weights, &self.means) / self.deviation
    }

    /// The features of a paper, as cosines; `near` and `nearest` where they are asked for.
    fn features(&self, paper: Candidate<'_>, near: bool, nearest: bool) -> Features {
        [
            dot(&self.plain, paper.vector) / self.units[feature::PLAIN],
            (dot(&self.centred.0, paper.vector) - self.centred.1) / self.units[feature::CENTRED],
            if near { self.near(paper.vector) } else { 0.0 },
            paper.words / self.units[feature::WORDS],
            if nearest { self.nearest(paper.vector, paper.terms).iter().map(|c| c.1 * c.2).sum() } else { 0.0 },
        ]
    }

    /// The vectors of the examples, in the order in which they were given.
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors[..self.given]
    }

    /// The weight of each term of the examples, sorted by term number: multiply a paper's terms with it.
    pub fn words(&self) -> &[(u32, f32)] {
        &self.words
    }

    /// A query vector, not of unit length, whose nearest neighbours are good candidates.
    pub fn direction(&self) -> &[f32] {
        if self.weights[feature::PLAIN] + self.weights[feature::CENTRED] > 0.0 { &self.linear.0 } else { &self.plain }
    }

    /// The score without the close look: one product, enough to decide which papers to score in full. Where the average paper
    /// stands in for what is not looked at.
    fn linear_score(&self, paper: Candidate<'_>) -> f32 {
        let factors = self.factors();
        dot(&self.linear.0, paper.vector) - self.linear.1
            + factors[feature::WORDS] * paper.words
            + factors[feature::NEAR] * self.means[feature::NEAR]
            + factors[feature::NEAREST] * self.means[feature::NEAREST]
            - self.mean()
    }

    /// The score: in standard deviations above the average paper of the sample, once there is a scale; else from -1 to 1.
    pub fn score(&self, paper: Candidate<'_>) -> f32 {
        let factors = self.factors();
        let mut score = self.linear_score(paper);
        if self.weights[feature::NEAR] > 0.0 {
            score += factors[feature::NEAR] * (self.near(paper.vector) - self.means[feature::NEAR]);
        }
        if self.weights[feature::NEAREST] > 0.0 {
            let nearest: f32 = self.nearest(paper.vector, paper.terms).iter().map(|c| c.1 * c.2).sum();
            score += factors[feature::NEAREST] * (nearest - self.means[feature::NEAREST]);
        }
        score
    }

    /// Scores many papers: the best `closely` by one product in full, the rest by that product alone, which is much
    /// faster and changes nothing near the top. No paper of the rest gets a higher score than one scored in full.
    pub fn score_all(&self, papers: &[Candidate<'_>], closely: usize) -> Vec<f32> {
        if self.needs_terms() {
            return papers.iter().map(|p| self.score(*p)).collect();
        }
        let mut scores: Vec<f32> = papers.iter().map(|p| self.linear_score(*p)).collect();
        if self.weights[feature::NEAR] <= 0.0 {
            return scores;
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
        // All of them are moved behind it together, so that they keep their own order.
        let most = rest.iter().map(|&k| scores[k]).fold(f32::NEG_INFINITY, f32::max);
        let over = (most - least).max(0.0);
        for &k in rest {
            scores[k] = (scores[k] - over).min(least);
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
            exponents.iter().zip(&self.likes).map(|(e, (_, share, _))| share.max(0.0) * (e - greatest).exp()).collect();
        (exponentials.iter().sum(), greatest, exponentials)
    }

    /// The closest likes and the closest dislike: which example, its coefficient, and its similarity.
    fn nearest(&self, vector: &[f32], terms: &[(u32, f32)]) -> Vec<(usize, f32, f32)> {
        let similarity = |k: usize| {
            let meaning = if self.words_share < 1.0 { dot(&self.vectors[k], vector) } else { 0.0 };
            let words = if self.words_share > 0.0 { sparse_dot(&self.terms[k], terms) } else { 0.0 };
            (1.0 - self.words_share) * meaning + self.words_share * words
        };
        let greatest_first = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let mut likes: Vec<(usize, f32)> = self.likes.iter().map(|l| (l.0, similarity(l.0))).collect();
        likes.sort_by(greatest_first);
        likes.truncate(CLOSEST);
        let total: f32 = likes.iter().map(|l| self.shares[l.0]).sum();
        let mut out: Vec<(usize, f32, f32)> =
            likes.into_iter().map(|(k, s)| (k, self.shares[k] / total.max(f32::MIN_POSITIVE), s)).collect();
        let disliked = || (0..self.given).filter(|k| self.shares[*k] < 0.0);
        let closest = disliked().map(|k| (k, similarity(k))).min_by(greatest_first);
        // Being unlike a dislike is no reason to show a paper.
        let weight: f32 = disliked().map(|k| self.shares[k]).sum();
        out.extend(closest.filter(|c| c.1 > 0.0).map(|(k, s)| (k, weight, s)));
        out
    }

    /// The score of a paper by example and term.
    pub fn parts(&self, vector: &[f32], terms: &[(u32, f32)]) -> ScoreParts {
        // Every paper resembles every example a little. An example's part is what this paper has beyond the average
        // paper, so that the largest part is the reason why it is shown. So the features' means are split over the
        // examples, too.
        let [p, c, w, v, nearest] = self.factors();
        let beyond: Vec<f32> = vector.iter().zip(&self.sample_mean).map(|(x, m)| x - m).collect();
        let mut examples: Vec<f32> =
            self.shares.iter().zip(&self.vectors).map(|(share, e)| share * p * dot(e, &beyond)).collect();
        if c > 0.0 {
            let centred = examples.iter_mut().zip(&self.shares).zip(&self.mapped);
            centred.for_each(|((part, share), (map, _))| *part += share * c * dot(map, &beyond));
        }
        if w > 0.0 {
            let (sum, greatest, exponentials) = self.exponentials(vector);
            let near = (sum.max(f32::MIN_POSITIVE).ln() + greatest) / SHARPNESS - self.means[feature::NEAR];
            for ((k, ..), exponential) in self.likes.iter().zip(exponentials) {
                examples[*k] += w * near * exponential / sum.max(f32::MIN_POSITIVE);
            }
        }
        if nearest > 0.0 {
            for (k, share, similarity) in self.nearest(vector, terms) {
                // The shares of the likes sum to one.
                let mean = if share > 0.0 { self.means[feature::NEAREST] } else { 0.0 };
                examples[k] += nearest * share * (similarity - mean);
            }
        }
        let mut shared = Vec::new();
        let mut words = self.words.as_slice();
        for &(term, value) in terms.iter().filter(|_| v > 0.0) {
            words = &words[words.partition_point(|x| x.0 < term)..];
            if let Some((_, weight)) = words.first().filter(|x| x.0 == term) {
                shared.push((term, v * weight * value));
            }
        }
        let at_large: f32 = examples.split_off(self.given).iter().sum();
        // The first two are zero once the model is calibrated.
        let plain = p * (self.units[feature::PLAIN] * self.means[feature::PLAIN] - dot(&self.plain, &self.sample_mean));
        let centred = c
            * (self.units[feature::CENTRED] * self.means[feature::CENTRED] + self.centred.1
                - dot(&self.centred.0, &self.sample_mean));
        let words = v * self.units[feature::WORDS] * self.means[feature::WORDS];
        ScoreParts { examples, terms: shared, baseline: at_large - plain - centred - words }
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

/// Weights that sum to 1.
fn to_one(weights: Features) -> Features {
    let sum: f32 = weights.iter().sum();
    weights.map(|w| w / sum.max(1e-6))
}

#[cfg(test)]
mod tests;
