//! Methods to rank for a reader: the one that serves users, and baselines.

use std::collections::HashSet;

use fastrand::Rng;

use crate::engine::Testbed;
use crate::eval::bootstrap;
use crate::rank::{Logistic, LogisticOptions, Sample};
use crate::vector::{add, dot, sparse_dot};

/// The logistic regression is fitted against so many random papers.
const BACKGROUND: usize = 1000;

/// What a dislike takes away beside what a like gives (Rocchio).
const DISLIKES: f32 = 0.5;

/// A method to rank papers for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// What serves users: [`Method::Content`] and, for libraries, co-reading.
    Ours,
    /// What serves users, without co-reading.
    Content,
    /// Similarity to the mean of the likes.
    Mean,
    /// Mean similarity to the three closest likes.
    Nearest,
    /// Mean of the likes less half the mean of the dislikes.
    Rocchio,
    /// The same on terms alone.
    Words,
    /// The plain sum of two cosines with the likes: that of the mean of vectors, and that of the mean of terms.
    Sum,
    /// The mean of that sum over the three likes for which it is greatest.
    NearestWords,
    /// [`Method::Sum`] with the mean of the likes less half the mean of the dislikes.
    RocchioWords,
    /// A logistic regression against a thousand random papers and the dislikes.
    Logistic,
    /// By the number of readers: the same ranking for all.
    Popularity,
    /// In random order.
    Random,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 12] = [
        Method::Ours,
        Method::Content,
        Method::Mean,
        Method::Nearest,
        Method::Rocchio,
        Method::Words,
        Method::Sum,
        Method::NearestWords,
        Method::RocchioWords,
        Method::Logistic,
        Method::Popularity,
        Method::Random,
    ];
}

/// The indices of the scores, greatest first.
pub fn best_first(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order
}

/// The score of each candidate by a method. Candidates and examples are indices into the testbed; the weight of an
/// example is below zero for a dislike. `readers` holds the number of readers of each paper of the testbed; empty if
/// not known.
pub fn scores(
    testbed: &Testbed<'_>,
    method: Method,
    examples: &[(usize, f32)],
    candidates: &[usize],
    readers: &[f32],
    random: &mut Rng,
) -> Vec<f32> {
    let likes: Vec<usize> = examples.iter().filter(|e| e.1 > 0.0).map(|e| e.0).collect();
    let dislikes: Vec<usize> = examples.iter().filter(|e| e.1 < 0.0).map(|e| e.0).collect();
    let score_all = |f: &dyn Fn(usize) -> f32| candidates.iter().map(|&k| f(k)).collect::<Vec<f32>>();
    match method {
        Method::Ours | Method::Content => match testbed.preferences(examples) {
            Some(preferences) => testbed.score(&preferences, candidates),
            None => vec![0.0; candidates.len()],
        },
        Method::Mean => {
            let mean = vector_less(testbed, &likes, &dislikes, 0.0);
            score_all(&|k| dot(&mean, testbed.vector(k)))
        }
        Method::Rocchio => {
            let query = vector_less(testbed, &likes, &dislikes, DISLIKES);
            score_all(&|k| dot(&query, testbed.vector(k)))
        }
        Method::Words => {
            let query = terms_less(testbed, &likes, &dislikes, DISLIKES);
            score_all(&|k| product(&query, testbed.terms(k)))
        }
        Method::Sum | Method::RocchioWords => {
            let less = if method == Method::Sum { 0.0 } else { DISLIKES };
            let (vector, terms) =
                (vector_less(testbed, &likes, &dislikes, less), terms_less(testbed, &likes, &dislikes, less));
            let (length, length_of_terms) = (length(&vector), length(&terms));
            score_all(&|k| {
                dot(&vector, testbed.vector(k)) / length + product(&terms, testbed.terms(k)) / length_of_terms
            })
        }
        Method::Nearest => {
            score_all(&|k| mean_of_greatest(likes.iter().map(|&l| dot(testbed.vector(l), testbed.vector(k)))))
        }
        Method::NearestWords => {
            let sum = |l: usize, k: usize| {
                dot(testbed.vector(l), testbed.vector(k)) + sparse_dot(testbed.terms(l), testbed.terms(k))
            };
            score_all(&|k| mean_of_greatest(likes.iter().map(|&l| sum(l, k))))
        }
        Method::Logistic => {
            let used: HashSet<usize> = examples.iter().map(|e| e.0).chain(candidates.iter().copied()).collect();
            let background: Vec<usize> = (0..testbed.len()).filter(|k| !used.contains(k)).collect();
            let background = bootstrap::draw(random, &background, BACKGROUND);
            let sample = |&k: &usize, positive| Sample { dense: testbed.vector(k), sparse: &[], positive, weight: 1.0 };
            let mut samples: Vec<Sample<'_>> = likes.iter().map(|k| sample(k, true)).collect();
            samples.extend(dislikes.iter().chain(&background).map(|k| sample(k, false)));
            let model = Logistic::fit(&samples, 0, LogisticOptions::default());
            score_all(&|k| model.score(testbed.vector(k), &[]))
        }
        Method::Popularity => score_all(&|k| readers.get(k).copied().unwrap_or(0.0)),
        Method::Random => candidates.iter().map(|_| random.u32(..1 << 24) as f32).collect(),
    }
}

/// The mean vector of the likes less a share of the mean vector of the dislikes.
fn vector_less(testbed: &Testbed<'_>, likes: &[usize], dislikes: &[usize], share: f32) -> Vec<f32> {
    let mut sum = vec![0f32; testbed.dimension()];
    for (places, weight) in [(likes, 1.0), (dislikes, -share)] {
        places.iter().for_each(|&k| add(&mut sum, weight / places.len() as f32, testbed.vector(k)));
    }
    sum
}

/// The same of terms: the weight of each term of the vocabulary.
fn terms_less(testbed: &Testbed<'_>, likes: &[usize], dislikes: &[usize], share: f32) -> Vec<f32> {
    let mut weights = vec![0f32; testbed.vocabulary()];
    for (places, weight) in [(likes, 1.0), (dislikes, -share)] {
        for (term, value) in places.iter().flat_map(|&k| testbed.terms(k)) {
            weights[*term as usize] += weight * value / places.len() as f32;
        }
    }
    weights
}

/// The inner product of the weights of all terms and the terms of a paper.
fn product(weights: &[f32], terms: &[(u32, f32)]) -> f32 {
    terms.iter().map(|(t, v)| weights[*t as usize] * v).sum()
}

/// The length of a vector; never zero.
fn length(vector: &[f32]) -> f32 {
    dot(vector, vector).sqrt().max(f32::MIN_POSITIVE)
}

/// The mean of the three greatest values, or of as many as there are.
fn mean_of_greatest(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values.iter().take(3).sum::<f32>() / values.len().clamp(1, 3) as f32
}
