//! From a score to a chance that the reader likes a paper, measured on the reader's own verdicts: likes, saves, dislikes and
//! dismissals. The curve is in `rank/calibration`.
//!
//! What the chance means: of papers like those that the reader gave verdicts on, as much as this one is liked by the preference
//! model, so many were liked. Somebody who gives verdicts on few papers of a kind that they never like has greater chances than
//! they would find among all papers.
//!
//! The curve is one of what the preference model says of a paper among papers at large, the same in every call: only of that it
//! is known what it says of a verdict that the model has not seen. The score that a call shows has more in it: age, the reading
//! of others, what tells the candidates apart. So the chances of a call are those of the curve, brought into the order of the
//! scores: the nearest numbers that never rise while the score falls ([`never_rising`]). A chance is thus a function of the
//! score that is shown, in that call; the mean of all chances is the one by the curve, and where the two orders agree nothing
//! is changed. Papers in whose order they disagree have one chance together.

use crate::engine::readers::pool::Scored;
use crate::rank::{Candidate, PlattCalibration, PreferenceModel, WeightedExample, never_rising};

/// Verdicts from which on a chance is shown.
pub const ENOUGH: usize = 30;

/// Verdicts of each side from which on it is: with fewer one of the [`FOLDS`] would have none of a side, and what tells likes from
/// dislikes would be known of too few.
pub const EACH_SIDE: usize = FOLDS;

/// Parts that the verdicts are split into: each is scored by a model of the others.
const FOLDS: usize = 5;

/// The calibration by scores that papers have when the model has not seen them. `fit` makes a model from some of the examples.
/// `verdicts` says which of the examples are verdicts; views and clicks are none, and are left to every model.
///
/// `None` without [`ENOUGH`] verdicts and [`EACH_SIDE`] of both sides.
pub fn calibration(
    weighted: &[WeightedExample<'_>],
    verdicts: &[bool],
    fit: impl Fn(&[WeightedExample<'_>]) -> Option<PreferenceModel>,
) -> Option<PlattCalibration> {
    // Each with the fold in which it is held back; the sides are dealt out one after the other.
    let (mut likes, mut dislikes) = (0, 0);
    let dealt: Vec<(WeightedExample<'_>, Option<usize>)> = weighted
        .iter()
        .zip(verdicts)
        .map(|(example, verdict)| {
            let side = if example.weight > 0.0 { &mut likes } else { &mut dislikes };
            // What is muted weighs nothing, and is no verdict.
            if !verdict || example.weight == 0.0 {
                return (*example, None);
            }
            *side += 1;
            (*example, Some((*side - 1) % FOLDS))
        })
        .collect();
    if likes + dislikes < ENOUGH || likes.min(dislikes) < EACH_SIDE {
        return None;
    }
    let mut scored: Vec<(f32, bool)> = Vec::with_capacity(likes + dislikes);
    for fold in 0..FOLDS {
        let train: Vec<WeightedExample<'_>> = dealt.iter().filter(|d| d.1 != Some(fold)).map(|d| d.0).collect();
        let preferences = fit(&train)?;
        for (example, _) in dealt.iter().filter(|d| d.1 == Some(fold)) {
            let words = preferences.word_product(example.terms);
            let paper = Candidate { vector: example.vector, words, terms: example.terms };
            scored.push((preferences.score(paper), example.weight > 0.0));
        }
    }
    PlattCalibration::fit(&scored)
}

/// Notes the chance of each paper of a call, which are in the order of their scores, the greatest first.
pub fn foresee(calibration: Option<PlattCalibration>, scored: &mut [Scored]) {
    let Some(calibration) = calibration else { return };
    let order: Vec<f32> = scored.iter().map(|s| s.score).collect();
    let chances: Vec<f32> = scored.iter().map(|s| calibration.chance(s.liking)).collect();
    scored.iter_mut().zip(never_rising(&order, &chances)).for_each(|(s, chance)| s.chance = Some(chance));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::Background;

    /// Likes around one axis, dislikes around another, some of each misplaced; three in `of` are likes.
    fn examples(n: usize, of: usize) -> Vec<(f32, Vec<f32>)> {
        let mut random = fastrand::Rng::with_seed(n as u64);
        (0..n)
            .map(|k| {
                let like = k % of < 3;
                let towards = if like == (random.f32() < 0.8) { 1.0 } else { -1.0 };
                let v = [towards, 3.0 * random.f32() - 1.5, 3.0 * random.f32() - 1.5];
                let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
                (if like { 1.0 } else { -1.0 }, v.iter().map(|x| x / length).collect())
            })
            .collect()
    }

    /// The calibration by examples, and the model of all of them.
    fn measured(examples: &[(f32, Vec<f32>)], verdicts: &[bool]) -> (Option<PlattCalibration>, PreferenceModel) {
        let vectors: Vec<&[f32]> = examples.iter().map(|e| e.1.as_slice()).collect();
        let background = Background::of(&vectors).expect("a corpus");
        let weighted: Vec<WeightedExample<'_>> =
            examples.iter().map(|(weight, vector)| WeightedExample { weight: *weight, vector, terms: &[] }).collect();
        let fit = |some: &[WeightedExample<'_>]| {
            let mut preferences = PreferenceModel::fit(some, &background)?;
            let sample: Vec<Candidate<'_>> =
                vectors.iter().map(|vector| Candidate { vector, words: 0.0, terms: &[] }).collect();
            preferences.calibrate(&sample);
            Some(preferences)
        };
        (calibration(&weighted, verdicts, fit), fit(&weighted).expect("likes"))
    }

    #[test]
    fn thirty_verdicts_with_five_of_each_side_are_enough() {
        let of = |likes: usize, dislikes: usize, views: usize| {
            let mut examples = examples(likes + dislikes + views, 4);
            examples.iter_mut().enumerate().for_each(|(k, e)| e.0 = if k < likes { 1.0 } else { -1.0 });
            examples.iter_mut().skip(likes + dislikes).for_each(|e| e.0 = 0.2);
            let verdicts: Vec<bool> = (0..examples.len()).map(|k| k < likes + dislikes).collect();
            measured(&examples, &verdicts).0.is_some()
        };
        assert!(of(25, 5, 0) && of(5, 25, 0) && of(15, 15, 3));
        assert!(!of(24, 5, 50), "views are no verdicts");
        assert!(!of(60, 4, 0) && !of(4, 60, 0), "of one side too little is known");
    }

    #[test]
    fn what_is_muted_is_no_verdict() {
        let mut examples = examples(30, 6);
        let all = [true; 30];
        assert!(measured(&examples, &all).0.is_some());
        examples[0].0 = 0.0;
        assert!(measured(&examples, &all).0.is_none());
    }

    #[test]
    fn the_mean_chance_is_the_share_of_likes() {
        for of in [4, 6, 12] {
            let all = examples(1200, of);
            let (known, new) = all.split_at(300);
            let (calibration, preferences) = measured(known, &[true; 300]);
            let calibration = calibration.expect("enough");
            let foreseen: Vec<(f32, bool)> = new
                .iter()
                .map(|(weight, vector)| {
                    (calibration.chance(preferences.score(Candidate { vector, words: 0.0, terms: &[] })), *weight > 0.0)
                })
                .collect();
            // Over all papers that the model has not seen, and over each half of them.
            let mut halves = foreseen.clone();
            halves.sort_by(|a, b| a.0.total_cmp(&b.0));
            for part in [&foreseen[..], &halves[..450], &halves[450..]] {
                let mean = part.iter().map(|f| f.0).sum::<f32>() / part.len() as f32;
                let share = part.iter().filter(|f| f.1).count() as f32 / part.len() as f32;
                // Two standard errors: of the share, and of what 300 verdicts can say of it.
                let error = 2.0 * (share * (1.0 - share) * (1.0 / 300.0 + 1.0 / part.len() as f32)).sqrt();
                assert!((mean - share).abs() < error, "{of}: {mean} foreseen, {share} liked");
            }
        }
    }
}
