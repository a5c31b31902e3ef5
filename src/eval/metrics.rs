//! Metrics of one ranking.
//!
//! A ranking is given as the gains of its ranks, best first: 0 for a paper that is not relevant, 1 (or a higher grade)
//! for one that is. A relevant paper that the ranking does not contain counts as not found.

/// The metrics of one ranking, or their means over many.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Average precision: the mean, over the relevant papers, of the precision at their ranks.
    pub map: f64,
    /// Normalised discounted cumulative gain of the first ten.
    pub ndcg_10: f64,
    /// Share of the relevant papers among the first ten.
    pub recall_10: f64,
    /// Share of the relevant papers among the first hundred.
    pub recall_100: f64,
    /// Reciprocal rank: 1 divided by the rank of the first relevant paper; 0 if there is none.
    pub mrr: f64,
}

impl Figures {
    /// The names of the metrics, in the order of [`Figures::values`].
    pub const NAMES: [&'static str; 5] = ["MAP", "nDCG@10", "recall@10", "recall@100", "MRR"];

    /// The metrics of a ranking. `all` holds the gains of every relevant paper, found or not, in any order. If it is
    /// empty, all metrics are 0.
    pub fn of(gains: &[f64], all: &[f64]) -> Self {
        Figures {
            map: average_precision(gains, all.len()),
            ndcg_10: ndcg(gains, all, 10),
            recall_10: recall(gains, all.len(), 10),
            recall_100: recall(gains, all.len(), 100),
            mrr: reciprocal_rank(gains),
        }
    }

    /// The metrics in the order of [`Figures::NAMES`].
    pub fn values(&self) -> [f64; 5] {
        [self.map, self.ndcg_10, self.recall_10, self.recall_100, self.mrr]
    }
}

/// Average precision, from 0 to 1. `relevant` is the number of relevant papers, found or not.
pub fn average_precision(gains: &[f64], relevant: usize) -> f64 {
    let (mut found, mut sum) = (0.0, 0.0);
    for (k, _) in gains.iter().enumerate().filter(|(_, g)| **g > 0.0) {
        found += 1.0;
        sum += found / (k + 1) as f64;
    }
    ratio(sum, relevant as f64)
}

/// Normalised discounted cumulative gain of the first `k` ranks, from 0 to 1: Järvelin and Kekäläinen, "Cumulated
/// gain-based evaluation of IR techniques", 2002, with linear gains and the discount `1 / log2(rank + 1)`.
pub fn ndcg(gains: &[f64], all: &[f64], k: usize) -> f64 {
    let discounted = |gains: &[f64]| -> f64 {
        gains.iter().take(k).enumerate().map(|(k, gain)| gain / (k as f64 + 2.0).log2()).sum()
    };
    let mut ideal = all.to_vec();
    ideal.sort_by(|a, b| b.total_cmp(a));
    ratio(discounted(gains), discounted(&ideal))
}

/// Share of the relevant papers among the first `k`.
pub fn recall(gains: &[f64], relevant: usize, k: usize) -> f64 {
    ratio(gains.iter().take(k).filter(|g| **g > 0.0).count() as f64, relevant as f64)
}

/// 1 divided by the rank of the first relevant paper; 0 if there is none.
pub fn reciprocal_rank(gains: &[f64]) -> f64 {
    gains.iter().position(|g| *g > 0.0).map_or(0.0, |k| 1.0 / (k + 1) as f64)
}

fn ratio(value: f64, whole: f64) -> f64 {
    if whole > 0.0 { value / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ranking_worked_out_by_hand() {
        // Relevant at ranks 1 and 4 of five; a third one is not found.
        let gains = [1.0, 0.0, 0.0, 1.0, 0.0];
        let f = Figures::of(&gains, &[1.0, 1.0, 1.0]);
        assert!((f.map - (1.0 + 0.5) / 3.0).abs() < 1e-12);
        assert!((f.recall_10 - 2.0 / 3.0).abs() < 1e-12);
        assert!((f.mrr - 1.0).abs() < 1e-12);
        let (dcg, ideal) = (1.0 + 1.0 / 5f64.log2(), 1.0 + 1.0 / 3f64.log2() + 0.5);
        assert!((f.ndcg_10 - dcg / ideal).abs() < 1e-12);
        assert_eq!(Figures::of(&[0.0, 0.0], &[]), Figures::default());
    }

    proptest! {
        #[test]
        fn perfect_is_one_and_nothing_is_better(mut gains in prop::collection::vec(0u8..3, 1..40)) {
            let of = |gains: &[u8], all: &[f64]| Figures::of(&gains.iter().map(|g| f64::from(*g)).collect::<Vec<_>>(), all);
            let all: Vec<f64> = gains.iter().filter(|g| **g > 0).map(|g| f64::from(*g)).collect();
            let any = of(&gains, &all);
            gains.sort_unstable_by(|a, b| b.cmp(a));
            let best = of(&gains, &all);
            for (a, b) in any.values().into_iter().zip(best.values()) {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&a) && a <= b + 1e-12);
            }
            prop_assert!(all.is_empty() || (best.map - 1.0).abs() < 1e-12 && (best.ndcg_10 - 1.0).abs() < 1e-12);
        }
    }
}
