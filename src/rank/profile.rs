//! The profile behind `recommend`: from examples to a score for any paper, and the part of each example in it.

use serde::{Deserialize, Serialize};

use super::logistic::{Logistic, Options, Sample};
use crate::vector::{add, dot, sparse, sparse_dot};

/// How examples become a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Whichever suits the examples: see [`Profile::new`].
    #[default]
    Auto,
    /// Likeness to the weighted mean of the likes; dislikes only keep themselves out.
    Mean,
    /// The mean similarities to the three closest likes, less the same part of that to the closest dislike.
    Nearest,
    /// Likeness to the mean of the likes less a part of the mean of the dislikes: a tenth of one, up to half of many.
    Rocchio,
    /// A logistic regression that tells the likes from the dislikes and from papers of the corpus at large.
    Logistic,
}

/// The weight of the dislikes' mean in Rocchio's query, and of the closest dislike in `nearest`, when there are many
/// dislikes.
///
/// Rocchio, "Relevance feedback in information retrieval", 1971; 0.5 is between the usual 0.15 and 1.
const GAMMA: f32 = 0.5;

/// The number of dislikes at which they have half of that weight: a single one says little about what else is not
/// liked.
const HALF_GAMMA: f32 = 4.0;

/// Likes that count in `nearest`.
const NEAREST: usize = 3;

/// The number of likes from which `auto` takes the regression if nothing is disliked. Measured on libraries of readers:
/// the regression is best from there on, and with dislikes Rocchio at every number (`paperkin eval recommend`,
/// docs/quality.md).
const ENOUGH: usize = 3;

/// Below this mean similarity of the likes to their own mean they are too far apart for one direction. Two papers with
/// nothing in common have 0.71.
const SPREAD: f32 = 0.74;

/// A paper or text that is liked or disliked, as vector and terms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Example {
    /// Its weight, above zero. Only the ratios between examples count.
    pub weight: f32,
    /// Its unit vector; empty when vectors are not used.
    pub dense: Vec<f32>,
    /// Its terms as a sparse unit vector, sorted by term number; empty when words are not used or not known.
    pub words: Vec<(u32, f32)>,
}

/// What a reader likes and dislikes, ready to score papers.
///
/// The similarity of two papers is `(1 - share) * cosine of the vectors + share * cosine of the terms`. All strategies
/// but `nearest` are linear: a score is the sum over the examples of coefficient times similarity, with vectors and
/// words each brought to the scale of a cosine, so it lies between -1 and 1.
#[derive(Debug, Clone)]
pub struct Profile {
    strategy: Strategy,
    /// Likes, then dislikes, then the sample of the corpus that a regression was fitted against.
    examples: Vec<Example>,
    likes: usize,
    given: usize,
    share: f32,
    /// The coefficients of each example, for vectors and for words.
    coefficients: Vec<(f32, f32)>,
    dense: Vec<f32>,
    words: Vec<(u32, f32)>,
}

impl Profile {
    /// A profile from at least one like. `share` is the share of the words, from 0 to 1. `background` gives a sample of
    /// the corpus and is called only for a regression.
    ///
    /// `auto` takes Rocchio if something is disliked or there is one like, the regression from three likes on, and for
    /// two likes `nearest` if they are far apart, else Rocchio.
    ///
    /// `None` when there is no like, or when likes and dislikes cancel out and no direction is left.
    pub fn new(
        strategy: Strategy,
        likes: Vec<Example>,
        dislikes: Vec<Example>,
        share: f32,
        background: impl FnOnce() -> Vec<Example>,
    ) -> Option<Self> {
        let (up, down) = (likes.len(), dislikes.len());
        if up == 0 {
            return None;
        }
        let mut examples = likes;
        examples.extend(dislikes);
        let share = if examples.iter().all(|e| e.words.is_empty()) { 0.0 } else { share };
        let strategy = match strategy {
            Strategy::Auto => automatic(&examples[..up], down, share),
            chosen => chosen,
        };
        let total = |side: &[Example]| side.iter().map(|e| e.weight).sum::<f32>();
        let own: Vec<f32> = if strategy == Strategy::Logistic {
            examples.extend(background());
            fitted(&examples, up, share)
        } else {
            let (up_total, down_total) = (total(&examples[..up]), total(&examples[up..]));
            let gamma = if strategy == Strategy::Mean { 0.0 } else { gamma(down) };
            let sides = examples.iter().enumerate();
            sides.map(|(k, e)| if k < up { e.weight / up_total } else { -gamma * e.weight / down_total }).collect()
        };
        let (dense, words) = (sum_dense(&examples, &own), sum_words(&examples, &own));
        let (dense_norm, words_norm) = (dot(&dense, &dense).sqrt(), sparse_dot(&words, &words).sqrt());
        let scale = |part: f32, norm: f32| if norm > 1e-6 && norm.is_finite() { part / norm } else { 0.0 };
        let (dense_scale, words_scale) = if strategy == Strategy::Logistic {
            let norm = ((1.0 - share) * dense_norm.powi(2) + share * words_norm.powi(2)).sqrt();
            (scale(1.0 - share, norm), scale(share, norm))
        } else {
            (scale(1.0 - share, dense_norm), scale(share, words_norm))
        };
        if dense_scale == 0.0 && words_scale == 0.0 {
            return None;
        }
        Some(Profile {
            strategy,
            likes: up,
            given: up + down,
            share,
            coefficients: own.iter().map(|c| (c * dense_scale, c * words_scale)).collect(),
            dense: dense.iter().map(|x| x * dense_scale).collect(),
            words: words.iter().map(|(t, w)| (*t, w * words_scale)).collect(),
            examples,
        })
    }

    /// The strategy in use, never `auto`.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Whether a score needs the similarity to each example ([`Profile::parts`]), and not only [`Profile::dense`] and
    /// [`Profile::words`].
    pub fn is_nearest(&self) -> bool {
        self.strategy == Strategy::Nearest
    }

    /// The direction of a linear score: its inner product with a paper's vector is the dense part of the score.
    pub fn dense(&self) -> &[f32] {
        &self.dense
    }

    /// The weights of the terms in a linear score, sorted by term number.
    pub fn words(&self) -> &[(u32, f32)] {
        &self.words
    }

    /// Likes and dislikes, in this order.
    pub fn examples(&self) -> &[Example] {
        &self.examples[..self.given]
    }

    /// The likes.
    pub fn likes(&self) -> &[Example] {
        &self.examples[..self.likes]
    }

    /// The similarity of a paper to an example, by vector and by terms.
    fn similarity(&self, example: &Example, dense: &[f32], words: &[(u32, f32)]) -> (f32, f32) {
        let meaning = if example.dense.is_empty() { 0.0 } else { dot(&example.dense, dense) };
        (meaning, sparse_dot(&example.words, words))
    }

    /// The part of each like, then of each dislike, in the score of a paper, and last that of the sample of the corpus.
    /// They sum to the score.
    pub fn parts(&self, dense: &[f32], words: &[(u32, f32)]) -> Vec<f32> {
        let similarities = self.examples.iter().map(|e| self.similarity(e, dense, words));
        if self.is_nearest() {
            let mut parts: Vec<f32> = similarities.map(|(m, w)| (1.0 - self.share) * m + self.share * w).collect();
            nearest(&mut parts, self.likes, &self.examples);
            parts.push(0.0);
            return parts;
        }
        let mut parts: Vec<f32> =
            similarities.zip(&self.coefficients).map(|((m, w), (by_m, by_w))| m * by_m + w * by_w).collect();
        let corpus_part = parts.split_off(self.given).iter().sum();
        parts.push(corpus_part);
        parts
    }
}

/// The weight of the dislikes, by their number.
fn gamma(dislikes: usize) -> f32 {
    GAMMA * dislikes as f32 / (dislikes as f32 + HALF_GAMMA)
}

/// The strategy that `auto` stands for.
fn automatic(likes: &[Example], dislikes: usize, share: f32) -> Strategy {
    if dislikes > 0 || likes.len() == 1 {
        return Strategy::Rocchio;
    }
    if likes.len() >= ENOUGH {
        return Strategy::Logistic;
    }
    let part = vec![1.0 / likes.len() as f32; likes.len()];
    let (dense, words) = (sum_dense(likes, &part), sum_words(likes, &part));
    let middle = (1.0 - share) * dot(&dense, &dense).sqrt() + share * sparse_dot(&words, &words).sqrt();
    if middle < SPREAD { Strategy::Nearest } else { Strategy::Rocchio }
}

/// The coefficients of a logistic regression: likes against all the others.
fn fitted(examples: &[Example], likes: usize, share: f32) -> Vec<f32> {
    let (dense_root, words_root) = ((1.0 - share).sqrt(), share.sqrt());
    let dense: Vec<Vec<f32>> = examples.iter().map(|e| e.dense.iter().map(|x| x * dense_root).collect()).collect();
    // Term numbers of the index may be large, so features are numbered by the terms that occur.
    let mut known: Vec<u32> = examples.iter().flat_map(|e| e.words.iter().map(|(t, _)| *t)).collect();
    known.sort_unstable();
    known.dedup();
    let place = |t: &u32| known.binary_search(t).unwrap_or(0) as u32;
    let words: Vec<Vec<(u32, f32)>> =
        examples.iter().map(|e| e.words.iter().map(|(t, w)| (place(t), w * words_root)).collect()).collect();
    let samples: Vec<Sample<'_>> = examples
        .iter()
        .enumerate()
        .map(|(k, e)| Sample { dense: &dense[k], sparse: &words[k], positive: k < likes, weight: e.weight })
        .collect();
    Logistic::fit(&samples, known.len(), Options::default()).shares
}

fn sum_dense(examples: &[Example], coefficients: &[f32]) -> Vec<f32> {
    let mut sum = vec![0f32; examples.iter().map(|e| e.dense.len()).max().unwrap_or(0)];
    for (e, c) in examples.iter().zip(coefficients) {
        add(&mut sum, *c, &e.dense);
    }
    sum
}

fn sum_words(examples: &[Example], coefficients: &[f32]) -> Vec<(u32, f32)> {
    let weighted = examples.iter().zip(coefficients);
    sparse(weighted.flat_map(|(e, c)| e.words.iter().map(move |(t, w)| (*t, c * w))).collect())
}

/// Turns similarities into the parts of the examples in the mean similarity to the closest likes, less that to the
/// closest dislike.
fn nearest(similarities: &mut [f32], likes: usize, examples: &[Example]) {
    let (likes, dislikes) = similarities.split_at_mut(likes);
    let closest = greatest(likes, NEAREST);
    let sum: f32 = closest.iter().map(|k| examples[*k].weight).sum();
    for (k, value) in likes.iter_mut().enumerate() {
        *value *= if closest.contains(&k) { examples[k].weight / sum } else { 0.0 };
    }
    let (closest, total) = (greatest(dislikes, 1), dislikes.len());
    for (k, value) in dislikes.iter_mut().enumerate() {
        // Being unlike a dislike is no reason to show a paper.
        *value = if closest.contains(&k) { -gamma(total) * value.max(0.0) } else { 0.0 };
    }
}

/// The indices of the `n` greatest values; of equal ones the first.
fn greatest(values: &[f32], n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    order.truncate(n);
    order
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::strategy::Strategy as Strategy_;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    const X: [f32; 3] = [1.0, 0.0, 0.0];
    const Y: [f32; 3] = [0.0, 1.0, 0.0];
    const Z: [f32; 3] = [0.0, 0.0, 1.0];

    fn side(vectors: &[[f32; 3]]) -> Vec<Example> {
        vectors.iter().map(|v| Example { weight: 1.0, dense: v.to_vec(), words: vec![] }).collect()
    }

    fn profile(strategy: Strategy, likes: &[[f32; 3]], dislikes: &[[f32; 3]]) -> Option<Profile> {
        Profile::new(strategy, side(likes), side(dislikes), 0.5, || side(&[X, Y, Z]))
    }

    fn score(p: &Profile, paper: &[f32]) -> f32 {
        p.parts(paper, &[]).iter().sum()
    }

    #[test]
    fn dislikes_push_away() {
        for strategy in [Strategy::Rocchio, Strategy::Nearest, Strategy::Logistic] {
            let p = profile(strategy, &[X], &[Y]).expect("a direction");
            assert!(score(&p, &X) > score(&p, &Z) && score(&p, &Z) > score(&p, &Y), "{strategy:?}");
        }
        let p = profile(Strategy::Mean, &[X], &[Y]).expect("a direction");
        assert!(score(&p, &Y).abs() < 1e-6);
    }

    #[test]
    fn nearest_keeps_separate_interests() {
        let likes = [X, X, X, Y, Y, Y];
        let between = [0.5f32.sqrt(), 0.5f32.sqrt(), 0.0];
        let of = |strategy, paper: &[f32]| score(&profile(strategy, &likes, &[]).expect("a direction"), paper);
        assert!(of(Strategy::Mean, &between) > of(Strategy::Mean, &X), "the mean prefers what lies between");
        assert!(of(Strategy::Nearest, &between) < of(Strategy::Nearest, &X));
    }

    #[test]
    fn auto_looks_at_number_and_spread() {
        let of =
            |likes: &[[f32; 3]], dislikes: &[[f32; 3]]| profile(Strategy::Auto, likes, dislikes).map(|p| p.strategy());
        assert_eq!(of(&[X], &[]), Some(Strategy::Rocchio));
        assert_eq!(of(&[X, X], &[]), Some(Strategy::Rocchio));
        assert_eq!(of(&[X, Y], &[]), Some(Strategy::Nearest));
        assert_eq!(of(&[X, X, Y], &[]), Some(Strategy::Logistic));
        assert_eq!(of(&[X, X, Y], &[Z]), Some(Strategy::Rocchio));
    }

    #[test]
    fn no_likes_or_no_direction_is_no_profile() {
        assert!(profile(Strategy::Rocchio, &[], &[X]).is_none());
        assert!(profile(Strategy::Mean, &[X, [-1.0, 0.0, 0.0]], &[]).is_none());
    }

    fn example() -> impl Strategy_<Value = Example> {
        (0.1f32..5.0, vec(-1f32..1.0, 6), btree_map(0u32..9, 0.1f32..1.0, 0..5))
            .prop_map(|(weight, dense, words)| Example { weight, dense, words: words.into_iter().collect() })
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_score(
            likes in vec(example(), 1..8),
            dislikes in vec(example(), 0..6),
            paper in example(),
            which in 0usize..3,
            share in 0f32..=1.0,
        ) {
            let strategy = [Strategy::Mean, Strategy::Logistic, Strategy::Rocchio][which];
            let background = vec![Example { weight: 1.0, ..paper.clone() }];
            if let Some(p) = Profile::new(strategy, likes.clone(), dislikes.clone(), share, || background) {
                let parts = p.parts(&paper.dense, &paper.words);
                prop_assert_eq!(parts.len(), likes.len() + dislikes.len() + 1);
                let score = dot(p.dense(), &paper.dense) + sparse_dot(p.words(), &paper.words);
                prop_assert!((parts.iter().sum::<f32>() - score).abs() < 2e-3 * (1.0 + score.abs()));
            }
        }
    }
}
