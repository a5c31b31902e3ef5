//! What a graph is worth: recall against the exact scan, and whether every place can be reached.

use std::collections::VecDeque;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::codes::{CodedQuery, Codes, ScoringBuffers};
use super::graph::Graph;
use super::view::numbers;
use super::walk::{NOBODY, Pool};
use crate::index::kernel::Kernel;

/// Neighbours that recall is counted over.
pub const K: usize = 10;

/// The values of `ef_search` that are measured.
const STEPS: [usize; 11] = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384];

/// The values of `ef_search` that are measured under a filter.
const FILTERED_STEPS: [usize; 9] = [32, 48, 64, 96, 128, 192, 256, 384, 512];

/// Shares of allowed places, at random, that are measured.
const SHARES: [f32; 5] = [0.9, 0.5, 0.2, 0.07, 0.03];

/// What a graph was found to be worth.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecallProfile {
    /// Vectors that were searched for.
    pub sample: usize,
    /// `ef_search` and the recall@10 it gave, ascending.
    pub curve: Vec<(usize, f32)>,
    /// The same under filters that allow a share of all, at random: the share, and its curve.
    pub filtered: Vec<(f32, Vec<(usize, f32)>)>,
    /// Places that no walk could come to before they were linked in or put unlinked.
    pub unreachable: usize,
}

impl RecallProfile {
    /// The least `ef_search` that reached a recall; the greatest that was measured when none did. None without a curve.
    pub fn ef_for(&self, recall: f32) -> Option<usize> {
        let reached = self.curve.iter().find(|(_, r)| *r >= recall);
        reached.or(self.curve.last()).map(|(ef, _)| *ef)
    }

    /// The least `ef_search` that is as good under a filter that allows a share of all as `ef` is without one. None when
    /// none that was measured is, and scoring each allowed row is what is left.
    pub fn ef_under(&self, share: f64, ef: usize) -> Option<usize> {
        let Some(wanted) = self.recall_at(ef) else { return Some(ef) };
        // The rarer the allowed the harder it is: what was measured below this share holds for it.
        let (_, curve) = self.filtered.iter().find(|(measured, _)| f64::from(*measured) <= share)?;
        // Two hundred queries tell recall to some thousandths.
        curve.iter().find(|(_, recall)| *recall >= wanted - 0.003).map(|(ef, _)| *ef)
    }

    /// The recall that an `ef_search` can be expected to have, between the measured ones by proportion.
    pub fn recall_at(&self, ef: usize) -> Option<f32> {
        let above = self.curve.iter().position(|(e, _)| *e >= ef);
        match above {
            None => self.curve.last().map(|(_, r)| *r),
            Some(0) => self.curve.first().map(|(_, r)| *r),
            Some(k) => {
                let ((e0, r0), (e1, r1)) = (self.curve[k - 1], self.curve[k]);
                Some(r0 + (r1 - r0) * (ef - e0) as f32 / (e1 - e0).max(1) as f32)
            }
        }
    }
}

/// Full vectors by place, to score the best few again: half-precision bits, `dimension` a place.
#[derive(Clone, Copy)]
pub struct Full<'a> {
    /// `places * dimension` numbers.
    pub vectors: &'a [u16],
    /// Numbers in a vector.
    pub dimension: usize,
}

impl Full<'_> {
    fn at(&self, place: u32) -> &[u16] {
        &self.vectors[place as usize * self.dimension..][..self.dimension]
    }

    fn numbers(&self, place: u32) -> Vec<f32> {
        numbers(self.at(place))
    }

    /// The best `K` of some places for a query.
    fn best(&self, query: &[f32], places: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut scored: Vec<(f32, u32)> = places.map(|p| (Kernel::best().f16(query, self.at(p)), p)).collect();
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.into_iter().take(K).map(|(_, p)| p).collect()
    }
}

/// Recall@10 by `ef_search`, for places that the graph does not hold yet: what a query that was never seen can expect.
/// `held_out` are places behind the `graph`'s.
pub fn curve(graph: Graph<'_>, codes: Codes<'_>, full: Full<'_>, held_out: std::ops::Range<u32>) -> RecallProfile {
    let n = graph.layers[0];
    let seen = Codes { bytes: &codes.bytes[..n * codes.stride], scales: &codes.scales[..n], stride: codes.stride };
    let sample = held_out.len();
    if n == 0 || sample == 0 {
        return RecallProfile::default();
    }
    let random: Vec<f32> = (0..n as u32).map(|p| super::freeze::scatter(p) as f32 / u64::MAX as f32).collect();
    let all: Vec<u32> = (0..n as u32).collect();
    let one = |(pools, room): &mut (Vec<Pool>, ScoringBuffers), place: u32| {
        let query = full.numbers(place);
        let mut coded = CodedQuery::default();
        coded.take(codes, place);
        // The truth, without a filter and under each.
        pools.resize_with(SHARES.len() + 1, Pool::default);
        pools.iter_mut().for_each(|pool| pool.reset(8 * K));
        for piece in all.chunks(1024) {
            seen.scores(&coded, piece, &mut room.products, &mut room.scores);
            for (score, p) in room.scores.iter().zip(piece) {
                pools[SHARES.len()].offer(*score, *p);
                // The shares fall, so the first that forbids is followed by others that do.
                let allows = |(share, _): &(&f32, &mut Pool)| random[*p as usize] < **share;
                SHARES.iter().zip(pools.iter_mut()).take_while(allows).for_each(|(_, pool)| pool.offer(*score, *p));
            }
        }
        let truths: Vec<Vec<u32>> =
            pools.iter().map(|pool| full.best(&query, pool.closest().map(|(_, p)| p))).collect();
        let hits = |pool: &Pool, truth: &[u32]| {
            let found = full.best(&query, pool.closest().take(2 * K + 8).map(|(_, p)| p));
            truth.iter().filter(|t| found.contains(t)).count()
        };
        let mut pool = Pool::default();
        let plain = STEPS.map(|ef| {
            graph.search(seen, &coded, ef, &mut pool, room);
            hits(&pool, &truths[SHARES.len()])
        });
        let filtered: Vec<Vec<usize>> = SHARES
            .iter()
            .zip(&truths)
            .map(|(share, truth)| {
                let at = |p: u32| random.get(p as usize).is_some_and(|r| r < share);
                let step = |ef: &usize| {
                    graph.search_allowed(seen, &coded, *ef, (at, f64::from(*share)), &mut pool, room);
                    hits(&pool, truth)
                };
                FILTERED_STEPS.iter().map(step).collect()
            })
            .collect();
        let possible: Vec<usize> = truths.iter().map(Vec::len).collect();
        (plain, filtered, possible)
    };
    let outcomes: Vec<_> = held_out.into_par_iter().map_init(Default::default, one).collect();
    let share_of = |hits: usize, possible: usize| hits as f32 / possible.max(1) as f32;
    let possible = |k: usize| outcomes.iter().map(|(.., p)| p[k]).sum::<usize>();
    let curve = STEPS.iter().enumerate().map(|(step, ef)| {
        (*ef, share_of(outcomes.iter().map(|(plain, ..)| plain[step]).sum(), possible(SHARES.len())))
    });
    let filtered = SHARES.iter().enumerate().map(|(k, share)| {
        let recall = |step: usize| share_of(outcomes.iter().map(|(_, f, _)| f[k][step]).sum(), possible(k));
        (*share, FILTERED_STEPS.iter().enumerate().map(|(step, ef)| (*ef, recall(step))).collect())
    });
    RecallProfile { sample, curve: curve.collect(), filtered: filtered.collect(), unreachable: 0 }
}

/// Which places of the ground a walk can come to from the topmost layer.
pub fn reached(graph: Graph<'_>) -> Vec<bool> {
    let n = graph.layers[0];
    let top = graph.layers[graph.layers.len() - 1].min(n);
    let mut reached = vec![false; n];
    reached[..top].fill(true);
    spread(graph.links, 2 * graph.m, (0..top as u32).collect(), &mut reached);
    reached
}

fn spread(links: &[u32], degree: usize, mut front: VecDeque<u32>, reached: &mut [bool]) {
    while let Some(place) = front.pop_front() {
        let start = place as usize * degree;
        for next in links[start..start + degree].iter().take_while(|l| **l != NOBODY) {
            if let Some(seen) = reached.get_mut(*next as usize).filter(|seen| !**seen) {
                *seen = true;
                front.push_back(*next);
            }
        }
    }
}

/// Gives each place that no walk can come to a link from one of its own neighbours that has room for it. What is left, and
/// how many there were.
pub fn link_in(layers: &[usize], links: &mut [u32], m: usize) -> (Vec<u32>, usize) {
    let degree = 2 * m;
    let mut reached = reached(Graph { layers, links, m });
    let lost: Vec<u32> = (0..layers[0] as u32).filter(|p| !reached[*p as usize]).collect();
    let mut unlinked = Vec::new();
    for place in &lost {
        if reached[*place as usize] {
            continue;
        }
        let own: Vec<u32> =
            links[*place as usize * degree..][..degree].iter().copied().take_while(|l| *l != NOBODY).collect();
        let room = own.iter().filter(|v| reached[**v as usize]).find_map(|v| {
            let start = *v as usize * degree;
            links[start..start + degree].iter().position(|l| *l == NOBODY).map(|k| start + k)
        });
        match room {
            Some(slot) => {
                links[slot] = *place;
                reached[*place as usize] = true;
                spread(links, degree, VecDeque::from([*place]), &mut reached);
            }
            None => unlinked.push(*place),
        }
    }
    unlinked.retain(|p| !reached[*p as usize]);
    (unlinked, lost.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_reached_is_linked_in_or_put_aside() {
        // Five places in one layer of at most 256 would all be entries, so the layers are given by hand: one entry.
        let (m, layers) = (1, [5usize, 1]);
        // 0 <-> 1; 2 -> 1 and nobody to 2; 3 -> 4 and 4 -> 3, an island without a way in.
        let mut links = vec![1, NOBODY, 0, NOBODY, 1, NOBODY, 4, NOBODY, 3, NOBODY];
        assert_eq!(reached(Graph { layers: &layers, links: &links, m }), [true, true, false, false, false]);
        let (unlinked, lost) = link_in(&layers, &mut links, m);
        assert_eq!((unlinked, lost), (vec![3, 4], 3));
        assert_eq!(links[2..4], [0, 2], "1 had room for 2");
    }

    #[test]
    fn a_curve_answers_both_ways() {
        let filtered = vec![(0.5, vec![(32, 0.7), (64, 0.95)]), (0.1, vec![(32, 0.5), (64, 0.88)])];
        let profile =
            RecallProfile { sample: 9, curve: vec![(10, 0.8), (20, 0.9), (40, 0.99)], filtered, unreachable: 0 };
        assert_eq!([0.9, 0.5, 0.4, 0.05].map(|share| profile.ef_under(share, 20)), [Some(64), Some(64), None, None]);
        assert_eq!(profile.ef_under(0.4, 10), Some(64));
        assert_eq!([0.5, 0.9, 0.95, 0.999].map(|r| profile.ef_for(r)), [Some(10), Some(20), Some(40), Some(40)]);
        assert_eq!(profile.recall_at(30), Some(0.945));
        assert_eq!((profile.recall_at(5), profile.recall_at(90)), (Some(0.8), Some(0.99)));
        assert_eq!((RecallProfile::default().ef_for(0.9), RecallProfile::default().recall_at(10)), (None, None));
    }
}
