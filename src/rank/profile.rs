//! From examples to a score for any paper, and the share of each example in it.

use serde::{Deserialize, Serialize};

/// How examples become a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Whichever suits the examples. At present: `rocchio`.
    #[default]
    Auto,
    /// Similarity to the weighted mean of the likes; dislikes only keep themselves out.
    Mean,
    /// The mean similarity to the three closest likes, less a part of that to the closest dislike.
    Nearest,
    /// Similarity to the mean of the likes less half the mean of the dislikes.
    Rocchio,
    /// A logistic regression over the examples.
    Logistic,
}

/// Share of the dislikes' mean in Rocchio's query, and of the closest dislike in `nearest`.
///
/// Rocchio, "Relevance feedback in information retrieval", 1971; 0.5 is between the usual 0.15 and 1.
const GAMMA: f32 = 0.5;

/// Likes that count in `nearest`.
const NEAREST: usize = 3;

/// What a reader likes and dislikes, ready to score papers.
#[derive(Debug, Clone)]
pub struct Profile {
    likes: Vec<(f32, Vec<f32>)>,
    dislikes: Vec<(f32, Vec<f32>)>,
    nearest: bool,
    query: Vec<f32>,
    /// Share of each like and then of each dislike in `query`.
    shares: Vec<f32>,
}

impl Profile {
    /// A profile from examples: weight (above zero) and unit vector of each, at least one like.
    ///
    /// `None` when there is no like, or when likes and dislikes cancel out and no direction is left.
    pub fn new(strategy: Strategy, likes: Vec<(f32, Vec<f32>)>, dislikes: Vec<(f32, Vec<f32>)>) -> Option<Self> {
        let dimension = likes.first()?.1.len();
        let gamma = if strategy == Strategy::Mean { 0.0 } else { GAMMA };
        let total = |side: &[(f32, Vec<f32>)]| side.iter().map(|(w, _)| w).sum::<f32>();
        let (up, down) = (total(&likes), total(&dislikes));
        let mut shares: Vec<f32> = likes.iter().map(|(w, _)| w / up).collect();
        shares.extend(dislikes.iter().map(|(w, _)| -gamma * w / down));
        let mut query = vec![0f32; dimension];
        for (share, (_, v)) in shares.iter().zip(likes.iter().chain(&dislikes)) {
            for (q, x) in query.iter_mut().zip(v) {
                *q += share * x;
            }
        }
        let norm = dot(&query, &query).sqrt();
        if !norm.is_finite() || norm < 1e-6 {
            return None;
        }
        query.iter_mut().for_each(|q| *q /= norm);
        shares.iter_mut().for_each(|s| *s /= norm);
        Some(Profile { likes, dislikes, nearest: strategy == Strategy::Nearest, query, shares })
    }

    /// The unit vector whose neighbours are the candidates.
    pub fn query(&self) -> &[f32] {
        &self.query
    }

    /// Vectors whose neighbours are candidates besides those of [`Profile::query`]: each like, for `nearest`.
    pub fn further_queries(&self) -> impl Iterator<Item = &[f32]> {
        self.likes.iter().filter(|_| self.nearest).map(|(_, v)| v.as_slice())
    }

    /// The score of a paper.
    pub fn score(&self, paper: &[f32]) -> f32 {
        if self.nearest { self.parts(paper).iter().sum() } else { dot(&self.query, paper) }
    }

    /// The share of each like, then of each dislike, in the score of a paper: they sum to it.
    pub fn parts(&self, paper: &[f32]) -> Vec<f32> {
        let examples = self.likes.iter().chain(&self.dislikes);
        if !self.nearest {
            return self.shares.iter().zip(examples).map(|(share, (_, v))| share * dot(v, paper)).collect();
        }
        let mut parts: Vec<f32> = examples.map(|(_, v)| dot(v, paper)).collect();
        let (likes, dislikes) = parts.split_at_mut(self.likes.len());
        keep_greatest(likes, NEAREST);
        let weights: Vec<f32> =
            self.likes.iter().zip(&*likes).map(|((w, _), v)| if *v == 0.0 { 0.0 } else { *w }).collect();
        let sum: f32 = weights.iter().sum();
        likes.iter_mut().zip(&weights).for_each(|(v, w)| *v *= if sum > 0.0 { w / sum } else { 0.0 });
        keep_greatest(dislikes, 1);
        // A dislike that points away is no reason to show a paper.
        dislikes.iter_mut().for_each(|v| *v = -GAMMA * v.max(0.0));
        parts
    }
}

/// Sets all but the `n` greatest values to zero.
fn keep_greatest(values: &mut [f32], n: usize) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    for &i in order.iter().skip(n) {
        values[i] = 0.0;
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prop_assert, prop_assert_eq, proptest};

    const X: [f32; 3] = [1.0, 0.0, 0.0];
    const Y: [f32; 3] = [0.0, 1.0, 0.0];
    const Z: [f32; 3] = [0.0, 0.0, 1.0];

    fn side(vectors: &[[f32; 3]]) -> Vec<(f32, Vec<f32>)> {
        vectors.iter().map(|v| (1.0, v.to_vec())).collect()
    }

    #[test]
    fn dislikes_push_away() {
        for strategy in [Strategy::Rocchio, Strategy::Nearest] {
            let p = Profile::new(strategy, side(&[X]), side(&[Y])).expect("a direction");
            assert!(p.score(&X) > p.score(&Z) && p.score(&Z) > p.score(&Y), "{strategy:?}");
        }
        let p = Profile::new(Strategy::Mean, side(&[X]), side(&[Y])).expect("a direction");
        assert!((p.score(&Y)).abs() < 1e-6);
    }

    #[test]
    fn nearest_keeps_separate_interests() {
        let likes = side(&[X, X, X, Y, Y, Y]);
        let between = [0.5f32.sqrt(), 0.5f32.sqrt(), 0.0];
        let of = |strategy| Profile::new(strategy, likes.clone(), vec![]).expect("a direction");
        assert!(
            of(Strategy::Mean).score(&between) > of(Strategy::Mean).score(&X),
            "the mean prefers what lies between"
        );
        assert!(of(Strategy::Nearest).score(&between) < of(Strategy::Nearest).score(&X));
    }

    #[test]
    fn no_likes_or_no_direction_is_no_profile() {
        assert!(Profile::new(Strategy::Rocchio, vec![], side(&[X])).is_none());
        assert!(Profile::new(Strategy::Mean, side(&[X, [-1.0, 0.0, 0.0]]), vec![]).is_none());
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_score(
            likes in vec((0.1f32..5.0, vec(-1f32..1.0, 6)), 1..8),
            dislikes in vec((0.1f32..5.0, vec(-1f32..1.0, 6)), 0..6),
            paper in vec(-1f32..1.0, 6),
            which in 0usize..3,
        ) {
            let strategy = [Strategy::Mean, Strategy::Nearest, Strategy::Rocchio][which];
            if let Some(p) = Profile::new(strategy, likes.clone(), dislikes.clone()) {
                let parts = p.parts(&paper);
                prop_assert_eq!(parts.len(), likes.len() + dislikes.len());
                prop_assert!((parts.iter().sum::<f32>() - p.score(&paper)).abs() < 1e-3 * (1.0 + p.score(&paper).abs()));
            }
        }
    }
}
