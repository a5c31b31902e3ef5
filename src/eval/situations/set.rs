//! A set of candidates with likes and dislikes: so many included and excluded papers of a review; the rest of it is
//! ordered.

use fastrand::Rng;

use super::case::Case;
use super::{Plan, Review, seed};

/// Numbers of likes, and of dislikes.
pub const EXAMPLES: [usize; 3] = [1, 5, 20];

/// Draws so many likes and as many dislikes.
pub fn reviews(reviews: &[Review], examples: usize, plan: &Plan) -> Vec<Case> {
    let mut cases = Vec::new();
    for (of, review) in reviews.iter().enumerate() {
        for n in 0..plan.draws {
            let mut random = Rng::with_seed(seed("set", &review.name, n));
            let (mut likes, mut dislikes) = (review.included.clone(), review.excluded.clone());
            random.shuffle(&mut likes);
            random.shuffle(&mut dislikes);
            let (relevant, others) = (likes.split_off(examples), dislikes.split_off(examples));
            cases.push(Case::new(of, likes, &relevant, &others, &mut random).with_dislikes(dislikes));
        }
    }
    cases
}
