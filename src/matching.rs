//! Who goes with whom: the pairs of two sets that share most in all.

use std::collections::BTreeMap;

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;
use pathfinding::undirected::connected_components::separate_components;

/// What a weight of 1 counts: weights are compared to a millionth, and whole numbers exactly.
const UNIT: f64 = (1u64 << 20) as f64;

/// The greatest weight that is told from greater ones; sums of a million such fit into the numbers that are added.
const MAX_WEIGHT: f64 = (1u64 << 22) as f64;

/// The pairs of greatest total weight, each number of either side in one pair at most (Kuhn, 1955; Munkres, 1957).
/// `weights` are `(left, right, weight)`, each pair once; only pairs of a weight above zero are taken. Sorted by the left
/// number.
pub fn best(weights: &[(u32, u32, f64)]) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for group in connected(weights) {
        let numbers = |of: fn(&(u32, u32, f64)) -> u32| {
            let mut numbers: Vec<u32> = group.iter().map(of).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let (left, right) = (numbers(|w| w.0), numbers(|w| w.1));
        // There must not be more rows than columns.
        let turned = left.len() > right.len();
        let (rows, columns) = if turned { (&right, &left) } else { (&left, &right) };
        let mut matrix = Matrix::new(rows.len(), columns.len(), 0i64);
        for (l, r, weight) in &group {
            let (row, column) = if turned { (r, l) } else { (l, r) };
            if let (Ok(row), Ok(column)) = (rows.binary_search(row), columns.binary_search(column)) {
                matrix[(row, column)] = (weight.min(MAX_WEIGHT) * UNIT).round() as i64;
            }
        }
        for (row, column) in kuhn_munkres(&matrix).1.into_iter().enumerate() {
            if matrix[(row, column)] > 0 {
                let (row, column) = (rows[row], columns[column]);
                pairs.push(if turned { (column, row) } else { (row, column) });
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

/// The weights in groups that have no number in common: small matrices in place of a huge one. Those that count for nothing
/// are in none.
fn connected(weights: &[(u32, u32, f64)]) -> Vec<Vec<(u32, u32, f64)>> {
    let weights: Vec<(u32, u32, f64)> = weights.iter().copied().filter(|w| w.2 > 0.0 && w.2.is_finite()).collect();
    // A number of the one side is not that of the other.
    let pairs: Vec<Vec<(bool, u32)>> = weights.iter().map(|w| vec![(false, w.0), (true, w.1)]).collect();
    let (_, group_of) = separate_components(&pairs);
    let mut groups: BTreeMap<usize, Vec<(u32, u32, f64)>> = BTreeMap::new();
    for (weight, group) in weights.into_iter().zip(group_of) {
        groups.entry(group).or_default().push(weight);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_shared_in_all_decides_and_not_the_greatest_share() {
        assert_eq!(best(&[(0, 0, 10.0), (0, 1, 9.0), (1, 0, 9.0)]), [(0, 1), (1, 0)]);
        assert_eq!(best(&[(3, 7, 0.5), (4, 7, 0.25), (9, 7, 0.125)]), [(3, 7)]);
        assert_eq!(best(&[(0, 0, 0.0), (0, 1, -1.0), (1, 1, f64::NAN)]), []);
        assert_eq!(best(&[]), []);
    }

    /// What hangs together by a chain of pairs is one group, and a number of one side is not that of the other.
    #[test]
    fn groups_share_no_number() {
        let weights = [(0, 1, 1.0), (1, 0, 1.0), (2, 1, 1.0), (9, 9, 0.0), (3, 4, 1.0), (2, 5, 1.0), (3, 0, 1.0)];
        let groups = connected(&weights);
        assert_eq!(groups, [[weights[0], weights[2], weights[5]], [weights[1], weights[4], weights[6]]]);
        assert!(connected(&[(0, 0, -1.0)]).is_empty());
    }

    /// Tries every assignment.
    fn most(weights: &[(u32, u32, f64)], row: u32, rows: u32, used: u32) -> f64 {
        if row == rows {
            return 0.0;
        }
        let skipped = most(weights, row + 1, rows, used);
        let taken = weights.iter().filter(|(l, r, _)| *l == row && used & (1 << r) == 0);
        taken.map(|(_, r, w)| w + most(weights, row + 1, rows, used | (1 << r))).fold(skipped, f64::max)
    }

    proptest! {
        #[test]
        fn no_assignment_shares_more(cells in prop::collection::btree_map((0u32..6, 0u32..5), 1u32..50, 0..20)) {
            let weights: Vec<(u32, u32, f64)> = cells.iter().map(|((l, r), w)| (*l, *r, f64::from(*w))).collect();
            let pairs = best(&weights);
            let total: f64 = pairs.iter().map(|p| f64::from(cells[p])).sum();
            prop_assert_eq!(total, most(&weights, 0, 6, 0));
            prop_assert!(pairs.is_sorted());
            for k in 0..pairs.len() {
                for l in 0..k {
                    prop_assert!(pairs[k].0 != pairs[l].0 && pairs[k].1 != pairs[l].1);
                }
            }
        }
    }
}
