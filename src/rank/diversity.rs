//! Maximal marginal relevance: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering
//! documents and producing summaries", SIGIR 1998.

use crate::cancel;
use crate::vector::dot;

/// Picks `n` of the candidates, each time the one with the greatest
/// `(1 - diversity) * score - diversity * (greatest similarity to one that is picked already)`.
///
/// `vectors[i]` (of unit length) belongs to `scores[i]`; `diversity` goes from 0 (by score alone) to 1. Gives indices
/// in the order picked; of equal values the smaller index comes first. Gives fewer if the work is
/// [cancelled](crate::cancel).
pub fn mmr(scores: &[f32], vectors: &[Vec<f32>], diversity: f32, n: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..scores.len().min(vectors.len())).collect();
    let mut closest = vec![0f32; scores.len()];
    let mut picked: Vec<usize> = Vec::with_capacity(n.min(left.len()));
    while picked.len() < n && cancel::check().is_ok() {
        let value = |i: usize| (1.0 - diversity) * scores[i] - diversity * closest[i];
        let best = left.iter().enumerate().max_by(|(_, a), (_, b)| value(**a).total_cmp(&value(**b)).then(b.cmp(a)));
        let Some((place, &next)) = best else { break };
        left.remove(place);
        picked.push(next);
        for &i in &left {
            let similarity = dot(&vectors[i], &vectors[next]);
            // The first similarity replaces the initial 0 even if it is negative.
            closest[i] = if picked.len() == 1 { similarity } else { closest[i].max(similarity) };
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_twin_waits_for_something_else() {
        let vectors = [vec![1.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0]];
        assert_eq!(mmr(&[0.9, 0.89, 0.5], &vectors, 0.0, 3), [0, 1, 2]);
        assert_eq!(mmr(&[0.9, 0.89, 0.5], &vectors, 0.5, 3), [0, 2, 1]);
        assert_eq!(mmr(&[], &[], 0.5, 3), [] as [usize; 0]);
    }

    proptest! {
        #[test]
        fn picks_each_at_most_once(scores in prop::collection::vec(-1f32..1.0, 0..30), d in 0f32..=1.0, n in 0usize..40) {
            let vectors: Vec<Vec<f32>> = scores.iter().map(|s| vec![s.cos(), s.sin()]).collect();
            let mut picked = mmr(&scores, &vectors, d, n);
            prop_assert_eq!(picked.len(), n.min(scores.len()));
            picked.sort_unstable();
            picked.dedup();
            prop_assert_eq!(picked.len(), n.min(scores.len()));
        }

        #[test]
        fn without_diversity_it_sorts(scores in prop::collection::vec(-1f32..1.0, 1..30)) {
            let vectors = vec![vec![1.0, 0.0]; scores.len()];
            let picked = mmr(&scores, &vectors, 0.0, scores.len());
            prop_assert!(picked.windows(2).all(|w| scores[w[0]] >= scores[w[1]]));
        }
    }
}
