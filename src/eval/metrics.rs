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

/// The weighted loss of Kendall's tau: of all pairs of different gains, the share that stands in the wrong order, each
/// pair weighed by the difference of its gains. 0 when all are in order, 1 when all are reversed, about a half for a
/// random order. Takes the square of the number of ranks.
pub fn wrong_pairs(gains: &[f64]) -> f64 {
    let (mut wrong, mut all) = (0.0, 0.0);
    for (k, first) in gains.iter().enumerate() {
        for behind in &gains[k + 1..] {
            wrong += (behind - first).max(0.0);
            all += (behind - first).abs();
        }
    }
    ratio(wrong, all)
}

/// Kendall's tau between two orders of the same items, each given by the places of the items: 1 for the same order, -1
/// for the reverse. 1 for fewer than two.
pub fn kendall_tau(a: &[usize], b: &[usize]) -> f64 {
    let n = a.len();
    if n < 2 {
        return 1.0;
    }
    let mut rank = vec![0; n];
    b.iter().enumerate().for_each(|(at, item)| rank[*item] = at);
    // For each item of the first order, how many before it stand behind it in the second: counted in a Fenwick tree.
    let (mut tree, mut discordant) = (vec![0usize; n + 1], 0usize);
    for (before, item) in a.iter().enumerate() {
        let (mut at, mut ahead) = (rank[*item] + 1, 0);
        let place = at;
        while at > 0 {
            ahead += tree[at];
            at &= at - 1;
        }
        discordant += before - ahead;
        at = place;
        while at <= n {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    1.0 - 4.0 * discordant as f64 / (n as f64 * (n as f64 - 1.0))
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

    #[test]
    fn pairs_worked_out_by_hand() {
        assert_eq!(wrong_pairs(&[1.0, 1.0, 0.0]), 0.0);
        assert_eq!(wrong_pairs(&[0.0, 1.0]), 1.0);
        // Of the pairs (2, 1), (2, 0) and (1, 0) with weights 1, 2 and 1 only the last is in order.
        assert!((wrong_pairs(&[1.0, 0.0, 2.0]) - 0.75).abs() < 1e-12);
        assert_eq!((wrong_pairs(&[1.0, 1.0]), wrong_pairs(&[])), (0.0, 0.0));
        assert_eq!(kendall_tau(&[2, 0, 1], &[2, 0, 1]), 1.0);
        assert_eq!(kendall_tau(&[0, 1, 2, 3], &[3, 2, 1, 0]), -1.0);
        assert!((kendall_tau(&[0, 1, 2], &[0, 2, 1]) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(kendall_tau(&[0], &[0]), 1.0);
    }

    proptest! {
        #[test]
        fn tau_counts_pairs(seed in 0u64..1000, n in 2usize..30) {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut a, mut b): (Vec<usize>, Vec<usize>) = ((0..n).collect(), (0..n).collect());
            random.shuffle(&mut a);
            random.shuffle(&mut b);
            let at = |order: &[usize], item| order.iter().position(|o| *o == item).unwrap_or(n);
            let mut sum = 0.0;
            for x in 0..n {
                for y in 0..x {
                    sum += if (at(&a, x) < at(&a, y)) == (at(&b, x) < at(&b, y)) { 1.0 } else { -1.0 };
                }
            }
            prop_assert!((kendall_tau(&a, &b) - sum / (n * (n - 1) / 2) as f64).abs() < 1e-9);
        }

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
