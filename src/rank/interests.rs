//! Interests: groups of a reader's examples found by clustering, matched to the groups of earlier runs, and their slots
//! in a list.

use crate::matching;

/// At most so many examples are clustered; the caller puts the others into the closest group.
pub const MAX_CLUSTERED: usize = 600;

/// A reader has at most so many interests.
const MAX_INTERESTS: usize = 20;

/// A group that is given before clustering, because the reader has edited that interest: its members stay together.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSeed {
    /// Which examples; at least one.
    pub members: Vec<usize>,
    /// The least mean affinity to the members at which another example joins.
    pub joins: f32,
}

/// Clusters `n` examples by average linkage: the two groups with the greatest mean affinity merge, as long as that is
/// at least `least` or there are more than 20 groups. `affinity` is symmetric.
///
/// Gives the group of each example; groups are numbered by their first example. With ten examples or more, a group of
/// one example joins the closest larger group if its affinity to it is above half of `least`: a single paper among many
/// is not an interest yet.
pub fn cluster(n: usize, affinity: impl Fn(usize, usize) -> f32, least: f32) -> Vec<usize> {
    cluster_around(n, affinity, least, &[])
}

/// [`cluster`] around given groups. A seed stays one group, and two seeds never merge. Others join a seed by their
/// affinity to its own members only, not to those that joined before, so that a seed cannot drift from topic to topic.
pub fn cluster_around(
    n: usize,
    affinity: impl Fn(usize, usize) -> f32,
    least: f32,
    seeds: &[ClusterSeed],
) -> Vec<usize> {
    let mut groups = Groups::new(n, affinity, least, seeds);
    groups.merge_while(&|groups, value| value >= least && groups.alive.len() > 1);
    groups.set_seeds_aside();
    groups.merge_while(&|groups, _| groups.alive.len() + seeds.len() > MAX_INTERESTS);
    groups.absorb_single(seeds);
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

/// The groups while they merge. A group is named by the index of one of its examples.
struct Groups {
    n: usize,
    least: f32,
    /// Sums of affinities between groups, `n` by `n`: a mean is one division away.
    sums: Vec<f32>,
    /// The number of examples in these sums; for a seed, its own members only.
    sizes: Vec<f32>,
    /// For seeds: how much more affinity than between other groups is needed to join.
    seed: Vec<Option<f32>>,
    of: Vec<usize>,
    alive: Vec<usize>,
    /// The closest other group of each group, updated only where it may have changed.
    best: Vec<Option<(usize, f32)>>,
}

impl Groups {
    fn new(n: usize, affinity: impl Fn(usize, usize) -> f32, least: f32, seeds: &[ClusterSeed]) -> Self {
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

    /// The mean affinity of two groups; `None` for two seeds, which never merge.
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

    /// Moves the examples of one group into another. A seed's sums stay those of its own members.
    fn unite(&mut self, keep: usize, absorbed: usize) {
        if self.seed[keep].is_none() {
            for &k in self.alive.iter().filter(|k| **k != keep && **k != absorbed) {
                let sum = self.sums[keep * self.n + k] + self.sums[absorbed * self.n + k];
                self.sums[keep * self.n + k] = sum;
                self.sums[k * self.n + keep] = sum;
            }
            self.sizes[keep] += self.sizes[absorbed];
        }
        self.alive.retain(|k| *k != absorbed);
        self.of.iter_mut().filter(|g| **g == absorbed).for_each(|g| *g = keep);
    }

    /// Merges the two closest groups as long as `go_on` agrees, given their mean affinity.
    fn merge_while(&mut self, go_on: &dyn Fn(&Self, f32) -> bool) {
        loop {
            let of = |i: &usize| self.best[*i].map_or(f32::NEG_INFINITY, |b| b.1);
            let Some(&i) = self.alive.iter().max_by(|a, b| of(a).total_cmp(&of(b)).then(b.cmp(a))) else { break };
            let Some((j, value)) = self.best[i] else { break };
            if !go_on(self, value) {
                break;
            }
            let (keep, absorbed) = if self.seed[j].is_some() { (j, i) } else { (i.min(j), i.max(j)) };
            let (keep, absorbed) = if self.seed[absorbed].is_some() { (absorbed, keep) } else { (keep, absorbed) };
            self.unite(keep, absorbed);
            for k in self.alive.clone() {
                if k == keep || self.best[k].is_some_and(|b| b.0 == keep || b.0 == absorbed) {
                    self.best[k] = self.closest(k);
                } else if let Some(value) = self.average(k, keep)
                    && self.best[k].is_none_or(|b| value > b.1)
                {
                    self.best[k] = Some((keep, value));
                }
            }
        }
    }

    /// Excludes the seeds from further merging: nothing joins a seed only because there are too many groups.
    fn set_seeds_aside(&mut self) {
        if self.seed.iter().all(Option::is_none) {
            return;
        }
        self.alive.retain(|k| self.seed[*k].is_none());
        for i in self.alive.clone() {
            self.best[i] = self.closest(i);
        }
    }

    /// Moves single examples into a group that they are at least halfway close to, if there are ten examples or more.
    fn absorb_single(&mut self, seeds: &[ClusterSeed]) {
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

/// Matches new groups to old ones: for each new group the old one that it continues, each old group at most once. The
/// matching has the greatest total overlap, so that of two groups that grew out of one the other can still continue
/// another.
///
/// `overlap(new, old)` is the total weight of the papers in both.
pub fn match_groups(new: usize, old: usize, overlap: impl Fn(usize, usize) -> f32) -> Vec<Option<usize>> {
    let pairs = (0..new).flat_map(|i| (0..old).map(move |j| (i, j)));
    let weights: Vec<(u32, u32, f64)> = pairs.map(|(i, j)| (i as u32, j as u32, f64::from(overlap(i, j)))).collect();
    let mut out = vec![None; new];
    for (i, j) in matching::best(&weights) {
        out[i as usize] = Some(j as usize);
    }
    out
}

/// Allocates the slots of a list to groups by their shares (at least zero): each slot goes to the group that is
/// furthest behind its share. Gives the group of each slot. In every prefix of the list each group is within about one
/// slot of its share. No group gets more slots than it has papers (`have`); the slots that it cannot fill go to the
/// others.
pub fn allocate_slots(shares: &[f32], have: &[usize], slots: usize) -> Vec<usize> {
    let mut given = vec![0usize; shares.len()];
    // The slots that a group is due so far. When a group has no papers left, the others share its part of later slots.
    let mut owed = vec![0f32; shares.len()];
    let mut out = Vec::new();
    while out.len() < slots {
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
        let seed = |members: &[usize], joins| ClusterSeed { members: members.to_vec(), joins };
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
        let slots = allocate_slots(shares, have, places);
        (0..shares.len()).map(|k| slots.iter().filter(|g| **g == k).count()).collect()
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
            let seeds = [ClusterSeed { members: vec![1], joins }, ClusterSeed { members: vec![0, 3], joins }];
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
            let mut matched: Vec<usize> = match_groups(new, old, overlap).into_iter().flatten().collect();
            let n = matched.len();
            matched.sort_unstable();
            matched.dedup();
            prop_assert_eq!(matched.len(), n);
        }

        #[test]
        fn a_growing_history_keeps_its_groups(extra in 1usize..10) {
            let old = blocks(&[6, 4]);
            let mut new = old.clone();
            new.extend(vec![1; extra]);
            let overlap = |i: usize, j: usize| (0..old.len()).filter(|k| new[*k] == i && old[*k] == j).count() as f32;
            prop_assert_eq!(match_groups(2, 2, overlap), vec![Some(0), Some(1)]);
        }
    }
}
