//! How a model is made of examples: their sums, and what each feature weighs.

use super::{PreferenceModel, WeightedExample, to_one};
use crate::rank::weights::{effective_likes, shares, twins, words_weight};
use crate::rank::{Background, Strategy, logistic};
use crate::vector::{add, dot, sparse, sparse_dot};

/// The excess of the squared number of likes over one at which the background has half of its weight.
const HALF_BACKGROUND: f32 = 15.0;

/// The part of `centred` in what the background weighs; the rest is `near`.
const CENTRED: f32 = 0.3;

impl PreferenceModel {
    /// The model of a strategy. `at_large` are papers that a regression tells the likes from; the others need none.
    ///
    /// `None` when none is a like, or for a part of the model when likes and dislikes cancel out and nothing is left.
    pub fn of(
        strategy: Strategy,
        examples: &[WeightedExample<'_>],
        background: &Background,
        at_large: &[WeightedExample<'_>],
    ) -> Option<Self> {
        let twins = twins(examples);
        let example_weights: Vec<f32> = examples.iter().zip(&twins).map(|(e, n)| e.weight / n).collect();
        let (_, m, mut own) = shares(&example_weights)?;
        let n = effective_likes(&example_weights, &twins);
        let given = examples.len();
        let all: Vec<WeightedExample<'_>> =
            examples.iter().chain(at_large.iter().filter(|_| strategy == Strategy::Logistic)).copied().collect();
        match strategy {
            Strategy::Mean => own.iter_mut().for_each(|share| *share = share.max(0.0)),
            Strategy::Logistic => own = logistic::shares(&all, given),
            _ => {}
        }
        let mapped: Vec<(Vec<f32>, f32)> = examples.iter().map(|e| background.project(e.vector)).collect();
        let length = |(e, (map, offset)): (&WeightedExample<'_>, &(Vec<f32>, f32))| {
            (dot(map, e.vector) - offset).max(0.0).sqrt().max(1e-6)
        };
        let lengths: Vec<f32> = examples.iter().zip(&mapped).map(length).collect();
        let d = background.dimension();
        let (mut plain, mut centred) = (vec![0f32; d], (vec![0f32; d], 0f32));
        let mut words: Vec<(u32, f32)> = Vec::new();
        for (share, e) in own.iter().zip(&all) {
            add(&mut plain, *share, e.vector);
            words.extend(e.terms.iter().map(|(t, w)| (*t, share * w)));
        }
        let words = sparse(words);
        let mut length = 0.0;
        for (share, (map, offset)) in own.iter().zip(&mapped) {
            add(&mut centred.0, *share, map);
            centred.1 += share * offset;
        }
        for (share, e) in own.iter().zip(examples) {
            length += share * (dot(&centred.0, e.vector) - centred.1);
        }
        let likes = examples.iter().enumerate().filter(|(_, e)| e.weight > 0.0);
        let likes: Vec<(usize, f32, f32)> =
            likes.map(|(k, _)| (k, own[k], 1.0 / (lengths[k] * background.length()))).collect();
        let (plain_length, words_length) = (dot(&plain, &plain).sqrt(), sparse_dot(&words, &words).sqrt());
        if strategy != Strategy::Auto && plain_length.max(words_length) < 1e-6 {
            return None;
        }
        let joint = ((plain_length.powi(2) + words_length.powi(2)) / 2.0).sqrt();
        let unit = |length: f32| if strategy == Strategy::Logistic { joint } else { length.max(1e-6) };
        let units =
            [unit(plain_length), length.max(0.0).sqrt().max(1e-6) * background.length(), 1.0, unit(words_length), 1.0];
        let liked_terms: f32 =
            own.iter().zip(examples).filter(|(_, e)| e.weight > 0.0).map(|(s, e)| s * e.terms.len() as f32).sum();
        let weights = match strategy {
            Strategy::Auto => {
                let beyond = n * n - 1.0;
                let b = beyond / (beyond + HALF_BACKGROUND) * n / (n + 10.0 * m);
                let v = words_weight(liked_terms);
                [1.0 - b, b * CENTRED, b * (1.0 - CENTRED), v, 0.0]
            }
            Strategy::Nearest => [0.0, 0.0, 0.0, 0.0, 1.0],
            _ if words.is_empty() => [1.0, 0.0, 0.0, 0.0, 0.0],
            _ => [0.5, 0.0, 0.0, 0.5, 0.0],
        };
        let words_share = if all.iter().all(|e| e.terms.is_empty()) { 0.0 } else { 0.5 };
        let mut model = PreferenceModel {
            strategy,
            given,
            effective: n,
            example_weights,
            likes,
            lengths,
            vectors: all.iter().map(|e| e.vector.to_vec()).collect(),
            terms: examples.iter().map(|e| e.terms.to_vec()).collect(),
            shares: own,
            mapped,
            plain,
            centred,
            words,
            weights: to_one(weights),
            units,
            words_share,
            means: [0.0; 5],
            spread: None,
            sample_mean: vec![0.0; d],
            linear: (Vec::new(), 0.0),
            deviation: 1.0,
        };
        model.combine();
        Some(model)
    }
}
