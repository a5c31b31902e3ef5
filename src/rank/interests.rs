//! A history split into interests, interests that keep their name as it grows, and a fair share of a list for each.

use crate::assignment;

/// Most examples that are clustered; the rest falls to the closest cluster.
pub const MAX_CLUSTERED: usize = 600;

/// Most interests of a reader.
const MAX_INTERESTS: usize = 20;

/// Examples that a reader has said something about together: one group, whatever is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// Which examples; at least one.
    pub members: Vec<usize>,
    /// The mean affinity to these from which on others join them.
    pub joins: f32,
}

/// Groups `n` examples by average linkage: the two groups that are closest on average become one, as long as they are
/// closer than `least` (or too many are left). `affinity` is symmetric.
///
/// Gives the group of each example; groups are numbered by their first example. Groups of one example that are at least
/// half as close to another group as groups must be fall to it when there are ten examples or more: among many papers a
/// single one is no interest yet.
pub fn cluster(n: usize, affinity: impl Fn(usize, usize) -> f32, least: f32) -> Vec<usize> {
    cluster_around(n, affinity, least, &[])
}

/// The same around seeds: what was parted stays parted. A seed stays one group and no two become one; others join a seed by
/// their affinity to its own members and not to what joined before, so that it cannot drift from one topic to another.
pub fn cluster_around(n: usize, affinity: impl Fn(usize, usize) -> f32, least: f32, seeds: &[Seed]) -> Vec<usize> {
    let mut groups = Groups::new(n, affinity, least, seeds);
    groups.join(&|groups, value| value >= least && groups.alive.len() > 1);
    groups.apart();
    groups.join(&|groups, _| groups.alive.len() + seeds.len() > MAX_INTERESTS);
    groups.adopt(seeds);
    let mut numbers = std::collections::HashMap::new();
    groups
        .of
        .iter()
        .map(|g| {
            let next = numbers.len();
            *numbers.entry(*g).or_insert(next)
        })
        .collect()
}

/// Groups that become fewer. A group has the number of one of its examples.
struct Groups {
    n: usize,
    least: f32,
    /// Sums of affinities between groups, so that the average of a union is a division away.
    sums: Vec<f32>,
    /// How many examples these sums are over: of a seed its own members.
    sizes: Vec<f32>,
    /// By how much closer than others one must be to join: of seeds alone.
    seed: Vec<Option<f32>>,
    of: Vec<usize>,
    alive: Vec<usize>,
    /// The closest neighbour of each group, looked up again only where it may have changed.
    best: Vec<Option<(usize, f32)>>,
}

impl Groups {
    fn new(n: usize, affinity: impl Fn(usize, usize) -> f32, least: f32, seeds: &[Seed]) -> Self {
        let mut sums = vec![0f32; n * n];
        for i in 0..n {
            for j in 0..i {
                let a = affinity(i, j);
                sums[i * n + j] = a;
                sums[j * n + i] = a;
            }
        }
        let (of, alive) = ((0..n).collect(), (0..n).collect());
        let mut groups =
            Groups { n, least, sums, sizes: vec![1.0; n], seed: vec![None; n], of, alive, best: vec![None; n] };
        for seed in seeds {
            let Some((&first, others)) = seed.members.split_first() else { continue };
            others.iter().for_each(|&k| groups.unite(first, k));
            groups.seed[first] = Some(seed.joins - least);
        }
        for i in groups.alive.clone() {
            groups.best[i] = groups.closest(i);
        }
        groups
    }

    /// How close two groups are; none where they may not become one.
    fn average(&self, i: usize, j: usize) -> Option<f32> {
        let extra = match (self.seed[i], self.seed[j]) {
            (Some(_), Some(_)) => return None,
            (a, b) => a.or(b).unwrap_or(0.0),
        };
        Some(self.sums[i * self.n + j] / (self.sizes[i] * self.sizes[j]) - extra)
    }

    fn closest(&self, i: usize) -> Option<(usize, f32)> {
        let others = self.alive.iter().copied().filter(|j| *j != i);
        others.filter_map(|j| Some((j, self.average(i, j)?))).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    /// Puts the examples of one group into another. What joins a seed leaves the seed's sums as they are.
    fn unite(&mut self, keep: usize, gone: usize) {
        if self.seed[keep].is_none() {
            for &k in self.alive.iter().filter(|k| **k != keep && **k != gone) {
                let sum = self.sums[keep * self.n + k] + self.sums[gone * self.n + k];
                self.sums[keep * self.n + k] = sum;
                self.sums[k * self.n + keep] = sum;
            }
            self.sizes[keep] += self.sizes[gone];
        }
        self.alive.retain(|k| *k != gone);
        self.of.iter_mut().filter(|g| **g == gone).for_each(|g| *g = keep);
    }

    /// Makes the two closest groups one, as long as `go_on` says so of how close they are.
    fn join(&mut self, go_on: &dyn Fn(&Self, f32) -> bool) {
        loop {
            let of = |i: &usize| self.best[*i].map_or(f32::NEG_INFINITY, |b| b.1);
            let Some(&i) = self.alive.iter().max_by(|a, b| of(a).total_cmp(&of(b)).then(b.cmp(a))) else { break };
            let Some((j, value)) = self.best[i] else { break };
            if !go_on(self, value) {
                break;
            }
            let (keep, gone) = if self.seed[j].is_some() { (j, i) } else { (i.min(j), i.max(j)) };
            let (keep, gone) = if self.seed[gone].is_some() { (gone, keep) } else { (keep, gone) };
            self.unite(keep, gone);
            for k in self.alive.clone() {
                if k == keep || self.best[k].is_some_and(|b| b.0 == keep || b.0 == gone) {
                    self.best[k] = self.closest(k);
                } else if let Some(value) = self.average(k, keep)
                    && self.best[k].is_none_or(|b| value > b.1)
                {
                    self.best[k] = Some((keep, value));
                }
            }
        }
    }

    /// Leaves the seeds out of what is joined from now on: only what is close enough joins them, however many are left.
    fn apart(&mut self) {
        if self.seed.iter().all(Option::is_none) {
            return;
        }
        self.alive.retain(|k| self.seed[*k].is_none());
        for i in self.alive.clone() {
            self.best[i] = self.closest(i);
        }
    }

    /// Gives single examples to a group that they are halfway close to, where there are enough examples.
    fn adopt(&mut self, seeds: &[Seed]) {
        self.alive.extend(seeds.iter().filter_map(|s| s.members.first()));
        self.alive.sort_unstable();
        if self.n < 10 {
            return;
        }
        for i in self.alive.clone() {
            if self.sizes[i] > 1.0 || self.seed[i].is_some() {
                continue;
            }
            if let Some((j, value)) = self.closest(i)
                && value > 0.5 * self.least
                && self.sizes[j] > 1.0
            {
                self.of.iter_mut().filter(|g| **g == i).for_each(|g| *g = j);
                self.alive.retain(|k| *k != i);
            }
        }
    }
}

/// Which of the old groups each new one goes on with, each at most once: so that most is shared in all, and of two that grew out of
/// one the other can still go on with another.
///
/// `overlap(new, old)` is the weight of the papers that are in both.
pub fn follow(new: usize, old: usize, overlap: impl Fn(usize, usize) -> f32) -> Vec<Option<usize>> {
    let pairs = (0..new).flat_map(|i| (0..old).map(move |j| (i, j)));
    let weights: Vec<(u32, u32, f64)> = pairs.map(|(i, j)| (i as u32, j as u32, f64::from(overlap(i, j)))).collect();
    let mut out = vec![None; new];
    for (i, j) in assignment::best(&weights) {
        out[i as usize] = Some(j as usize);
    }
    out
}

/// Deals places to groups by their shares (at least zero): each place goes to the group that is furthest behind its share.
/// Gives the group of each place; however far one looks, every group is within a place or so of its share. No group gets
/// more than it has, and what one cannot fill goes to the others.
pub fn allocate_slots(shares: &[f32], have: &[usize], places: usize) -> Vec<usize> {
    let mut given = vec![0usize; shares.len()];
    // What a group is owed; when a group is used up its part of later places is owed to the others.
    let mut owed = vec![0f32; shares.len()];
    let mut out = Vec::new();
    while out.len() < places {
        let open: Vec<usize> = (0..shares.len()).filter(|k| given[*k] < have[*k] && shares[*k] > 0.0).collect();
        let sum: f32 = open.iter().map(|k| shares[*k]).sum();
        for &k in &open {
            owed[k] += shares[k] / sum;
        }
        let behind = |k: &usize| owed[*k] - given[*k] as f32;
        let Some(&next) = open
            .iter()
            .max_by(|a, b| behind(a).total_cmp(&behind(b)).then(shares[**a].total_cmp(&shares[**b])).then(b.cmp(a)))
        else {
            break;
        };
        given[next] += 1;
        out.push(next);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(sizes: &[usize]) -> Vec<usize> {
        sizes.iter().enumerate().flat_map(|(k, n)| vec![k; *n]).collect()
    }

    #[test]
    fn finds_as_many_groups_as_there_are() {
        let truth = blocks(&[14, 5, 2]);
        let noise = |i: usize, j: usize| ((i * 31 + j * 17 + i * j) % 13) as f32 / 130.0;
        let affinity = |i: usize, j: usize| if truth[i] == truth[j] { 0.4 + noise(i, j) } else { noise(i, j) };
        assert_eq!(cluster(truth.len(), affinity, 0.2), truth);
        assert_eq!(cluster(0, |_, _| 0.0, 0.2), [] as [usize; 0]);
        assert_eq!(cluster(3, |_, _| 0.9, 0.2), [0, 0, 0]);
        assert_eq!(cluster(3, |_, _| 0.0, 0.2), [0, 1, 2], "three papers, three interests");
    }

    #[test]
    fn a_single_paper_among_many_is_no_interest_yet() {
        let truth = blocks(&[9, 5, 1]);
        let affinity = |i: usize, j: usize| match (truth[i], truth[j]) {
            (a, b) if a == b => 0.5,
            (2, 1) | (1, 2) => 0.15,
            _ => 0.0,
        };
        assert_eq!(cluster(truth.len(), affinity, 0.2), blocks(&[9, 6]));
    }

    #[test]
    fn many_strangers_are_still_few_groups() {
        let groups = cluster(100, |_, _| 0.0, 0.2);
        assert!(groups.iter().max().is_some_and(|m| *m < MAX_INTERESTS));
    }

    #[test]
    fn what_was_parted_stays_parted_and_does_not_drift() {
        // A chain: each example is close to the next, so that linkage would put all into one group.
        let affinity = |i: usize, j: usize| 0.6 - 0.1 * i.abs_diff(j) as f32;
        assert_eq!(cluster(8, affinity, 0.1), [0; 8]);
        let seed = |members: &[usize], joins| Seed { members: members.to_vec(), joins };
        let parted = cluster_around(8, affinity, 0.1, &[seed(&[0, 1], 0.1), seed(&[6, 7], 0.1)]);
        assert!(parted[0] == parted[1] && parted[6] == parted[7] && parted[0] != parted[6], "{parted:?}");
        // The rest is close to itself first, and then too far from the seed as a whole.
        let strict = cluster_around(8, affinity, 0.1, &[seed(&[0], 0.45)]);
        assert_eq!(strict, [0, 1, 1, 1, 1, 1, 1, 1]);
        // Many strangers do not fall to a seed because there are too many of them.
        let strangers = cluster_around(60, |_, _| 0.0, 0.2, &[seed(&[3, 9], 0.2)]);
        assert_eq!(strangers.iter().filter(|g| **g == strangers[3]).count(), 2);
        assert!(strangers.iter().max().is_some_and(|m| *m < MAX_INTERESTS));
    }

    fn counts(shares: &[f32], have: &[usize], places: usize) -> Vec<usize> {
        let dealt = allocate_slots(shares, have, places);
        (0..shares.len()).map(|k| dealt.iter().filter(|g| **g == k).count()).collect()
    }

    #[test]
    fn shares_are_kept_within_one_place() {
        assert_eq!(counts(&[0.7, 0.25, 0.05], &[99, 99, 99], 20), [14, 5, 1]);
        assert_eq!(counts(&[0.7, 0.25, 0.05], &[99, 2, 99], 20).iter().sum::<usize>(), 20);
        assert_eq!(counts(&[0.7, 0.3, 0.0], &[5, 1, 99], 20), [5, 1, 0]);
        assert_eq!(allocate_slots(&[], &[], 5), [] as [usize; 0]);
        assert_eq!(
            allocate_slots(&[0.7, 0.3], &[9, 9], 3),
            allocate_slots(&[0.7, 0.3], &[9, 9], 8)[..3],
            "a longer list begins alike"
        );
    }

    proptest! {
        #[test]
        fn seeds_hold_whatever_the_rest_is(
            values in prop::collection::vec(-1f32..1.0, 30 * 30), n in 4usize..30, joins in 0.0f32..0.5
        ) {
            let affinity = |i: usize, j: usize| values[i.min(j) * 30 + i.max(j)];
            let seeds = [Seed { members: vec![1], joins }, Seed { members: vec![0, 3], joins }];
            let groups = cluster_around(n, affinity, 0.08, &seeds);
            prop_assert_eq!(groups.len(), n);
            prop_assert!(groups[0] == groups[3] && groups[0] != groups[1]);
        }

        #[test]
        fn what_can_be_filled_is_filled(
            groups in prop::collection::vec((0.01f32..1.0, 0usize..30), 0..8), places in 0usize..60
        ) {
            let (shares, have): (Vec<f32>, Vec<usize>) = groups.into_iter().unzip();
            let got = counts(&shares, &have, places);
            prop_assert!(got.iter().zip(&have).all(|(g, h)| g <= h));
            prop_assert_eq!(got.iter().sum::<usize>(), places.min(have.iter().sum()));
            let sum: f32 = shares.iter().sum();
            if have.iter().all(|h| *h >= places) {
                for (g, s) in got.iter().zip(&shares) {
                    let due = places as f32 * s / sum;
                    prop_assert!((*g as f32 - due).abs() <= 1.5, "{g} of {places}, due {due}");
                }
            }
        }

        #[test]
        fn groups_follow_at_most_one(new in 0usize..6, old in 0usize..6, seed in 0usize..1000) {
            let overlap = |i: usize, j: usize| ((i * 7 + j * 13 + seed) % 5) as f32;
            let mut followed: Vec<usize> = follow(new, old, overlap).into_iter().flatten().collect();
            let n = followed.len();
            followed.sort_unstable();
            followed.dedup();
            prop_assert_eq!(followed.len(), n);
        }

        #[test]
        fn a_growing_history_keeps_its_groups(extra in 1usize..10) {
            let old = blocks(&[6, 4]);
            let mut new = old.clone();
            new.extend(vec![1; extra]);
            let overlap = |i: usize, j: usize| (0..old.len()).filter(|k| new[*k] == i && old[*k] == j).count() as f32;
            prop_assert_eq!(follow(2, 2, overlap), vec![Some(0), Some(1)]);
        }
    }
}
