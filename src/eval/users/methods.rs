//! Methods to rank for a reader: the one that serves users, and baselines.

use std::collections::HashSet;

use fastrand::Rng;

use crate::engine::Testbed;
use crate::eval::bootstrap;
use crate::rank::{Logistic, LogisticOptions, Sample};
use crate::vector::{add, dot};

/// The logistic regression is fitted against so many random papers.
const BACKGROUND: usize = 1000;

/// A method to rank papers for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// A logistic regression against a thousand random papers and the dislikes.
    Logistic,
    /// By the number of readers: the same ranking for all.
    Popularity,
    /// In random order.
    Random,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 9] = [
        Method::Ours,
        Method::Content,
        Method::Mean,
        Method::Nearest,
        Method::Rocchio,
        Method::Words,
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
    let mean = |places: &[usize]| {
        let mut sum = vec![0f32; testbed.dimension()];
        for &k in places {
            add(&mut sum, 1.0 / places.len() as f32, testbed.vector(k));
        }
        sum
    };
    let score_all = |f: &dyn Fn(usize) -> f32| candidates.iter().map(|&k| f(k)).collect::<Vec<f32>>();
    match method {
        Method::Ours | Method::Content => match testbed.preferences(examples) {
            Some(preferences) => testbed.score(&preferences, candidates),
            None => vec![0.0; candidates.len()],
        },
        Method::Mean => {
            let m = mean(&likes);
            score_all(&|k| dot(&m, testbed.vector(k)))
        }
        Method::Rocchio => {
            let (m, d) = (mean(&likes), mean(&dislikes));
            let q: Vec<f32> = m.iter().zip(&d).map(|(a, b)| a - 0.5 * b).collect();
            score_all(&|k| dot(&q, testbed.vector(k)))
        }
        Method::Nearest => score_all(&|k| {
            let mut near: Vec<f32> = likes.iter().map(|&l| dot(testbed.vector(l), testbed.vector(k))).collect();
            near.sort_unstable_by(|a, b| b.total_cmp(a));
            near.iter().take(3).sum::<f32>() / near.len().clamp(1, 3) as f32
        }),
        Method::Words => {
            let mut weights = vec![0f32; testbed.vocabulary()];
            for (places, share) in [(&likes, 1.0), (&dislikes, -0.5)] {
                for (term, value) in places.iter().flat_map(|&k| testbed.terms(k)) {
                    weights[*term as usize] += share * value / places.len() as f32;
                }
            }
            score_all(&|k| testbed.terms(k).iter().map(|(t, v)| weights[*t as usize] * v).sum())
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
