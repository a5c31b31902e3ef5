//! Few candidates and a varied history: some papers that somebody took up later, beside papers much like them that they
//! did not take up.

use std::collections::HashSet;

use fastrand::Rng;
use rayon::prelude::*;

use super::case::Case;
use super::ground::Ground;
use super::{Library, Plan, read_log, seed};
use crate::eval::bootstrap::draw;
use crate::eval::sets::{Group, LogEntry, evenly};
use crate::eval::users::by_day;

/// Papers of a history.
const HISTORY: usize = 20;

/// Readers of libraries have at least so many papers.
const LEAST: usize = 25;

/// A history from a log has at least so many papers.
const LEAST_PAST: usize = 4;

/// Candidates, and those among them that the reader has.
const CANDIDATES: std::ops::RangeInclusive<usize> = 5..=10;
const OWN: std::ops::RangeInclusive<usize> = 2..=4;

/// The others are drawn from so many papers nearest to each of the reader's: of the whole corpus, or of a day. With the
/// 30 nearest of the corpus every method is close to a random order: who has which of two papers on one question,
/// nothing that a paper says can tell.
const NEAR: usize = 300;
const NEAR_OF_DAY: usize = 10;

/// From libraries: 20 random papers of a library are the history. Every candidate has another reader, so that it says
/// nothing that somebody has it.
pub fn libraries(ground: &Ground<'_>, all: &[Group], half: &[Library], plan: &Plan) -> Vec<Case> {
    let mut readers = vec![0u32; ground.testbed.len()];
    all.iter().flat_map(|l| ground.places(&l.relevant)).for_each(|k| readers[k] += 1);
    let large: Vec<&Library> = half.iter().filter(|l| l.papers.len() >= LEAST).collect();
    let some = evenly(large, plan.readers);
    let of_reader = |(of, Library { name, papers: own, .. }): (usize, &&Library)| {
        let others = |k: &usize| readers[*k] > 0 && !own.contains(k);
        let one = |n| {
            let mut random = Rng::with_seed(seed("few", name, n));
            let mut own = own.clone();
            random.shuffle(&mut own);
            let rest = own.split_off(HISTORY);
            let shared: Vec<usize> = rest.into_iter().filter(|k| readers[*k] > 1).collect();
            let n = random.usize(OWN);
            let hidden = draw(&mut random, &shared, n);
            let near: Vec<Vec<usize>> =
                hidden.iter().map(|k| ground.nearest(*k, (0..ground.testbed.len()).filter(others), NEAR)).collect();
            case(of, own, &hidden, &near, &mut random)
        };
        (0..plan.draws.div_ceil(2)).filter_map(one).collect::<Vec<Case>>()
    };
    some.par_iter().enumerate().flat_map_iter(of_reader).collect()
}

/// From a log: up to 20 random papers of the time before are the history, and the others are of the days on which the
/// reader's own were listed.
pub fn log(ground: &Ground<'_>, log: &[LogEntry], plan: &Plan) -> Vec<Case> {
    let days = by_day(&ground.testbed);
    let mut readers = read_log(ground, log, plan);
    for (_, taken) in &mut readers {
        taken.sort_unstable();
        let mut seen = HashSet::new();
        taken.retain(|(_, k)| seen.insert(*k));
    }
    readers.retain(|(_, taken)| taken.len() >= LEAST_PAST + OWN.start());
    let mut cases = Vec::new();
    for (of, (name, taken)) in evenly(readers, plan.readers).iter().enumerate() {
        for n in 0..plan.draws.div_ceil(2) {
            let mut random = Rng::with_seed(seed("few of a log", name, n));
            let cut = random.usize(LEAST_PAST..=taken.len() - OWN.start());
            let past: Vec<(i32, usize)> = taken[..cut].iter().filter(|t| t.0 < taken[cut].0).copied().collect();
            if past.len() < LEAST_PAST {
                continue;
            }
            let (dated, history): (Vec<i32>, Vec<usize>) = draw(&mut random, &past, HISTORY).into_iter().unzip();
            let hidden: Vec<usize> = taken[cut..].iter().take(random.usize(OWN)).map(|t| t.1).collect();
            let near: Vec<Vec<usize>> = hidden
                .iter()
                .map(|k| {
                    let same_day = ground.testbed.day(*k).and_then(|day| days.get(&day));
                    let others = same_day.into_iter().flatten().copied();
                    ground.nearest(*k, others.filter(|o| !taken.iter().any(|t| t.1 == *o)), NEAR_OF_DAY)
                })
                .collect();
            cases.extend(case(of, history, &hidden, &near, &mut random).map(|case| case.with_days(dated)));
        }
    }
    cases
}

/// Hidden papers beside papers that are near to each of them in turn; none when there are too few of either.
fn case(of: usize, history: Vec<usize>, hidden: &[usize], near: &[Vec<usize>], random: &mut Rng) -> Option<Case> {
    if !OWN.contains(&hidden.len()) {
        return None;
    }
    let all = random.usize(CANDIDATES).max(hidden.len() + OWN.start());
    let mut near = near.to_vec();
    let mut others: Vec<usize> = Vec::new();
    while hidden.len() + others.len() < all && near.iter().any(|n| !n.is_empty()) {
        for near in near.iter_mut().filter(|n| !n.is_empty()) {
            let k = near.swap_remove(random.usize(..near.len()));
            if hidden.len() + others.len() < all && !others.contains(&k) && !hidden.contains(&k) {
                others.push(k);
            }
        }
    }
    let enough = hidden.len() + others.len() >= *CANDIDATES.start();
    enough.then(|| Case::new(of, history, hidden, &others, random))
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn few_candidates_are_own_and_others(of in 0usize..9, own in 0usize..6, each in 0usize..12, seed in 0u64..99) {
            let hidden: Vec<usize> = (0..own).collect();
            // Neighbours are shared, and one is hidden itself.
            let near: Vec<Vec<usize>> = hidden.iter().map(|k| (k + 3..k + 3 + each).collect()).collect();
            let made = case(of, vec![100], &hidden, &near, &mut Rng::with_seed(seed));
            let there: HashSet<usize> = near.concat().into_iter().filter(|k| *k >= own).collect();
            prop_assert_eq!(made.is_some(), OWN.contains(&own) && own + there.len() >= *CANDIDATES.start());
            if let Some(case) = made {
                prop_assert!(CANDIDATES.contains(&case.candidates.len()), "{:?}", case);
                let different: HashSet<&usize> = case.candidates.iter().collect();
                prop_assert_eq!(different.len(), case.candidates.len());
                for (k, gain) in case.candidates.iter().zip(&case.gains) {
                    prop_assert_eq!(*gain > 0.0, hidden.contains(k));
                }
            }
        }
    }
}
