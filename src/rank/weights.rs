//! What examples weigh beside one another, and words beside vectors.

use super::WeightedExample;
use crate::vector::dot;

/// What words weigh beside the vectors where the likes have [`TERMS`] terms and more. A title has a dozen terms, an abstract
/// eighty.
const WORDS: f32 = 1.2;
const TERMS: f32 = 60.0;

/// The cosine from which on two examples are one paper: versions of a work, or records of it from two sources.
const TWIN: f32 = 0.97;

/// What words weigh beside the vectors, where the likes have so many terms on average.
pub(super) fn words_weight(terms: f32) -> f32 {
    WORDS * (terms / TERMS).min(1.0)
}

/// The share of words in the score of one like with so many terms, from 0 to 1: the rest is the cosine of the vectors. A title
/// says little by its words, an abstract more than half.
pub fn words_share(terms: usize) -> f32 {
    let words = words_weight(terms as f32);
    words / (1.0 + words)
}

/// Of each example, how many of its side are the same paper: one that was liked in several versions counts once.
pub(super) fn twins(examples: &[WeightedExample<'_>]) -> Vec<f32> {
    let mut twins = vec![1.0; examples.len()];
    for (k, a) in examples.iter().enumerate() {
        for (j, b) in examples[..k].iter().enumerate() {
            if a.weight * b.weight > 0.0 && dot(a.vector, b.vector) > TWIN {
                twins[k] += 1.0;
                twins[j] += 1.0;
            }
        }
    }
    twins
}

/// The effective number of likes, where twins together are one: of each the weight that it was left, and how many they are.
pub(super) fn effective_likes(weights: &[f32], twins: &[f32]) -> f32 {
    let liked = || weights.iter().zip(twins).filter(|(w, _)| **w > 0.0);
    // Only ratios count; divided by the greatest weight, the squares stay within the range of f32.
    let greatest = liked().map(|(w, _)| *w).fold(f32::MIN_POSITIVE, f32::max);
    let sum: f32 = liked().map(|(w, _)| w / greatest).sum();
    let squares: f32 = liked().map(|(w, twins)| (w / greatest).powi(2) * twins).sum();
    sum * sum / squares.max(f32::MIN_POSITIVE)
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
