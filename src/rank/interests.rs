//! A history split into interests, interests that keep their name as it grows, and a fair share of a list for each.

/// Most examples that are clustered; the rest falls to the closest cluster.
pub const MAX_CLUSTERED: usize = 600;

/// Most interests of a reader.
const MAX_INTERESTS: usize = 20;

/// Groups `n` examples by average linkage: the two groups that are closest on average become one, as long as they are
/// closer than `least` (or too many are left). `affinity` is symmetric.
///
/// Gives the group of each example; groups are numbered by their first example. Groups of one example that are at least
/// half as close to another group as groups must be fall to it when there are ten examples or more: among many papers a
/// single one is no interest yet.
pub fn cluster(n: usize, affinity: impl Fn(usize, usize) -> f32, least: f32) -> Vec<usize> {
    // Sums of affinities between groups, so that the average of a union is a division away.
    let mut sums = vec![0f32; n * n];
    for i in 0..n {
        for j in 0..i {
            let a = affinity(i, j);
            sums[i * n + j] = a;
            sums[j * n + i] = a;
        }
    }
    let mut sizes = vec![1f32; n];
    let mut group: Vec<usize> = (0..n).collect();
    let mut alive: Vec<usize> = (0..n).collect();
    let average = |sums: &[f32], sizes: &[f32], i: usize, j: usize| sums[i * n + j] / (sizes[i] * sizes[j]);
    // The closest neighbour of each group, looked up again only where it may have changed.
    let closest = |sums: &[f32], sizes: &[f32], alive: &[usize], i: usize| {
        let others = alive.iter().copied().filter(|j| *j != i);
        others.map(|j| (j, average(sums, sizes, i, j))).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    };
    let mut best: Vec<Option<(usize, f32)>> = (0..n).map(|i| closest(&sums, &sizes, &alive, i)).collect();
    while alive.len() > 1 {
        let of = |i: &usize| best[*i].map_or(f32::NEG_INFINITY, |b| b.1);
        let Some(&i) = alive.iter().max_by(|a, b| of(a).total_cmp(&of(b)).then(b.cmp(a))) else { break };
        let Some((j, value)) = best[i] else { break };
        if value < least && alive.len() <= MAX_INTERESTS {
            break;
        }
        let (keep, gone) = (i.min(j), i.max(j));
        for &k in alive.iter().filter(|k| **k != keep && **k != gone) {
            let sum = sums[keep * n + k] + sums[gone * n + k];
            sums[keep * n + k] = sum;
            sums[k * n + keep] = sum;
        }
        sizes[keep] += sizes[gone];
        alive.retain(|k| *k != gone);
        group.iter_mut().filter(|g| **g == gone).for_each(|g| *g = keep);
        for &k in &alive {
            if k == keep || best[k].is_some_and(|b| b.0 == keep || b.0 == gone) {
                best[k] = closest(&sums, &sizes, &alive, k);
            } else if best[k].is_none_or(|b| average(&sums, &sizes, k, keep) > b.1) {
                best[k] = Some((keep, average(&sums, &sizes, k, keep)));
            }
        }
    }
    if n >= 10 {
        for i in alive.clone() {
            if sizes[i] > 1.0 {
                continue;
            }
            if let Some((j, value)) = closest(&sums, &sizes, &alive, i)
                && value > 0.5 * least
                && sizes[j] > 1.0
            {
                group.iter_mut().filter(|g| **g == i).for_each(|g| *g = j);
                alive.retain(|k| *k != i);
            }
        }
    }
    let mut numbers = std::collections::HashMap::new();
    group
        .iter()
        .map(|g| {
            let next = numbers.len();
            *numbers.entry(*g).or_insert(next)
        })
        .collect()
}

/// Which of the old groups each new one goes on with: those that share most papers first, each at most once.
///
/// `overlap(new, old)` is the weight of the papers that are in both.
pub fn follow(new: usize, old: usize, overlap: impl Fn(usize, usize) -> f32) -> Vec<Option<usize>> {
    let mut pairs: Vec<(f32, usize, usize)> = (0..new)
        .flat_map(|i| (0..old).map(move |j| (i, j)))
        .map(|(i, j)| (overlap(i, j), i, j))
        .filter(|p| p.0 > 0.0)
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut out, mut taken) = (vec![None; new], vec![false; old]);
    for (_, i, j) in pairs {
        if out[i].is_none() && !taken[j] {
            out[i] = Some(j);
            taken[j] = true;
        }
    }
    out
}

/// Deals places to groups by their shares (at least zero): each place goes to the group that is furthest behind its share.
/// Gives the group of each place; however far one looks, every group is within a place or so of its share. No group gets
/// more than it has, and what one cannot fill goes to the others.
pub fn deal(shares: &[f32], have: &[usize], places: usize) -> Vec<usize> {
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

    fn counts(shares: &[f32], have: &[usize], places: usize) -> Vec<usize> {
        let dealt = deal(shares, have, places);
        (0..shares.len()).map(|k| dealt.iter().filter(|g| **g == k).count()).collect()
    }

    #[test]
    fn shares_are_kept_within_one_place() {
        assert_eq!(counts(&[0.7, 0.25, 0.05], &[99, 99, 99], 20), [14, 5, 1]);
        assert_eq!(counts(&[0.7, 0.25, 0.05], &[99, 2, 99], 20).iter().sum::<usize>(), 20);
        assert_eq!(counts(&[0.7, 0.3, 0.0], &[5, 1, 99], 20), [5, 1, 0]);
        assert_eq!(deal(&[], &[], 5), [] as [usize; 0]);
        assert_eq!(deal(&[0.7, 0.3], &[9, 9], 3), deal(&[0.7, 0.3], &[9, 9], 8)[..3], "a longer list begins alike");
    }

    proptest! {
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
