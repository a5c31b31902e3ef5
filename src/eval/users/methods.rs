//! Ways to rank for a reader: what serves, and what it is compared with.

use std::collections::HashSet;

use fastrand::Rng;

use crate::engine::Testbed;
use crate::eval::bootstrap;
use crate::rank::{Logistic, LogisticOptions, Sample};
use crate::vector::{add, dot};

/// Papers at large that the logistic regression is fitted against.
const AT_LARGE: usize = 1000;

/// A way to rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// What serves: [`Method::Content`] and, for libraries, the reading of others.
    Ours,
    /// What serves, without the reading of others.
    Content,
    /// Similarity to the mean of the likes.
    Mean,
    /// Mean similarity to the three closest likes.
    Nearest,
    /// Mean of the likes less half the mean of the dislikes.
    Rocchio,
    /// The same on terms alone.
    Words,
    /// A logistic regression against a thousand papers at large and the dislikes.
    Logistic,
    /// By the number of readers, the same for all.
    Popularity,
    /// By chance.
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

/// The places of the greatest scores first.
pub fn best_first(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order
}

/// What candidates are worth to a method, in their order; examples are places of the testbed with their weights, below zero
/// for a dislike. `readers` counts the readers of each place of the testbed; empty where nobody is known.
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
    let by = |f: &dyn Fn(usize) -> f32| candidates.iter().map(|&k| f(k)).collect::<Vec<f32>>();
    match method {
        Method::Ours | Method::Content => match testbed.preferences(examples) {
            Some(preferences) => testbed.score(&preferences, candidates),
            None => vec![0.0; candidates.len()],
        },
        Method::Mean => {
            let m = mean(&likes);
            by(&|k| dot(&m, testbed.vector(k)))
        }
        Method::Rocchio => {
            let (m, d) = (mean(&likes), mean(&dislikes));
            let q: Vec<f32> = m.iter().zip(&d).map(|(a, b)| a - 0.5 * b).collect();
            by(&|k| dot(&q, testbed.vector(k)))
        }
        Method::Nearest => by(&|k| {
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
            by(&|k| testbed.terms(k).iter().map(|(t, v)| weights[*t as usize] * v).sum())
        }
        Method::Logistic => {
            let used: HashSet<usize> = examples.iter().map(|e| e.0).chain(candidates.iter().copied()).collect();
            let at_large: Vec<usize> = (0..testbed.len()).filter(|k| !used.contains(k)).collect();
            let at_large = bootstrap::draw(random, &at_large, AT_LARGE);
            let sample = |&k: &usize, positive| Sample { dense: testbed.vector(k), sparse: &[], positive, weight: 1.0 };
            let mut samples: Vec<Sample<'_>> = likes.iter().map(|k| sample(k, true)).collect();
            samples.extend(dislikes.iter().chain(&at_large).map(|k| sample(k, false)));
            let model = Logistic::fit(&samples, 0, LogisticOptions::default());
            by(&|k| model.score(testbed.vector(k), &[]))
        }
        Method::Popularity => by(&|k| readers.get(k).copied().unwrap_or(0.0)),
        Method::Random => candidates.iter().map(|_| random.u32(..1 << 24) as f32).collect(),
    }
}
