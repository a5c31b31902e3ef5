//! From a score to a chance: Platt, "Probabilistic outputs for support vector machines", 1999.

use crate::rank::{Candidate, Logistic, LogisticOptions, PreferenceModel, Sample, WeightedExample};

/// Likes and dislikes, each, from which on a probability is shown.
const ENOUGH: usize = 20;

/// Parts that the examples are split into: each is scored by a model of the others.
const FOLDS: usize = 5;

/// How likely a like is by the score: its log odds are `slope * score + constant`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlattCalibration {
    slope: f32,
    constant: f32,
}

impl PlattCalibration {
    /// The chance of a like, from 0 to 1.
    pub fn chance(self, score: f32) -> f32 {
        1.0 / (1.0 + (-(self.slope * score + self.constant)).exp())
    }
}

/// The calibration by scores that papers have when the model has not seen them. `fit` makes a model from some of the examples.
///
/// `None` without [`ENOUGH`] of both sides, or when the score tells nothing (the slope is not above zero).
pub fn calibration(
    weighted: &[WeightedExample<'_>],
    fit: impl Fn(&[WeightedExample<'_>]) -> Option<PreferenceModel>,
) -> Option<PlattCalibration> {
    // Views and clicks are no verdicts.
    let explicit = weighted.iter().copied().filter(|l| l.weight.abs() > 0.25);
    let (likes, dislikes): (Vec<WeightedExample<'_>>, Vec<WeightedExample<'_>>) =
        explicit.partition(|l| l.weight > 0.0);
    if likes.len() < ENOUGH || dislikes.len() < ENOUGH {
        return None;
    }
    let mut scores: Vec<([f32; 1], bool)> = Vec::with_capacity(likes.len() + dislikes.len());
    for fold in 0..FOLDS {
        let (mut train, mut test): (Vec<WeightedExample<'_>>, Vec<WeightedExample<'_>>) = (Vec::new(), Vec::new());
        for side in [&likes, &dislikes] {
            for (k, l) in side.iter().enumerate() {
                if k % FOLDS == fold { test.push(*l) } else { train.push(*l) }
            }
        }
        let preferences = fit(&train)?;
        for l in test {
            let words = preferences.word_product(l.terms);
            scores.push(([preferences.score(Candidate { vector: l.vector, words, terms: l.terms })], l.weight > 0.0));
        }
    }
    let samples: Vec<Sample<'_>> =
        scores.iter().map(|(s, positive)| Sample { dense: s, sparse: &[], positive: *positive, weight: 1.0 }).collect();
    let options = LogisticOptions { c: 10.0, balanced: false, bias: 3.0, passes: 500, tolerance: 1e-4 };
    let model = Logistic::fit(&samples, 0, options);
    (model.dense[0] > 0.0).then_some(PlattCalibration { slope: model.dense[0], constant: model.bias })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::Background;

    /// Likes around one axis, dislikes around another, some of each misplaced.
    fn examples(n: usize) -> Vec<(f32, Vec<f32>)> {
        (0..n)
            .map(|k| {
                let like = k % 2 == 0;
                let towards = if like != (k % 7 == 0) { 1.0 } else { -1.0 };
                let (a, b) = ((k as f32 * 1.3).sin(), (k as f32 * 2.1).cos());
                let v = [towards, 0.8 * a, 0.8 * b];
                let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
                (if like { 1.0 } else { -1.0 }, v.iter().map(|x| x / length).collect())
            })
            .collect()
    }

    fn measured(n: usize) -> Option<PlattCalibration> {
        let examples = examples(n);
        let corpus: Vec<Vec<f32>> = examples.iter().map(|e| e.1.clone()).collect();
        let vectors: Vec<&[f32]> = corpus.iter().map(Vec::as_slice).collect();
        let background = Background::of(&vectors).expect("a corpus");
        let weighted: Vec<WeightedExample<'_>> =
            examples.iter().map(|(weight, vector)| WeightedExample { weight: *weight, vector, terms: &[] }).collect();
        calibration(&weighted, |some| {
            let mut preferences = PreferenceModel::fit(some, &background)?;
            let sample: Vec<Candidate<'_>> =
                corpus.iter().map(|v| Candidate { vector: v, words: 0.0, terms: &[] }).collect();
            preferences.calibrate(&sample);
            Some(preferences)
        })
    }

    #[test]
    fn few_verdicts_give_no_probability() {
        assert_eq!(measured(2 * ENOUGH - 2), None);
        assert!(measured(2 * ENOUGH).is_some());
    }

    #[test]
    fn the_mean_chance_is_the_share_of_likes() {
        let calibration = measured(200).expect("enough");
        assert!(calibration.slope > 0.1);
        // Both kinds are as many, so the middle of the scores is near even odds.
        assert!((calibration.chance(0.0) - 0.5).abs() < 0.3, "{calibration:?}");
    }
}
