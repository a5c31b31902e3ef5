//! Which papers are one interest: groups in what is liked, around what the reader has said something about.
//!
//! What a reader says of an interest (mute, pin, name, weight, merge) holds for the papers that were in it then: its anchor.
//! These stay together under its number, apart from all others, whatever is read later; what is read later joins them by
//! its affinity to the anchor alone. Interests of which nothing was said go on under their numbers as long as they share
//! papers with what was found before.

use std::collections::{HashMap, HashSet};

use crate::rank::{ClusterSeed, MAX_CLUSTERED, cluster_around, match_groups};
use crate::store::StoredInterest;
use crate::user::Edits;

/// Mean affinity, as seen against the background, from which on two groups of papers are one interest.
/// Two papers at random have 0 (standard deviation 0.07), two of one topic 0.15 to 0.35 (MiniLM, daily papers).
pub const ONE_INTEREST: f32 = 0.08;

/// The same for what joins a muted one: what is liked after the muting is muted only where it clearly belongs to it.
const JOINS_MUTED: f32 = 0.16;

/// Papers of an anchor by which it is known what joins it: the heaviest.
const CORE: usize = 64;

/// Papers of a group that those beyond the clustered ones are compared with.
const COMPARED: usize = 16;

/// An interest that the reader has said something about.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedInterest {
    /// Its number.
    pub number: u32,
    /// Whether nothing of it is to be shown.
    pub muted: bool,
    /// The papers that it was said of, those of interests merged into it included.
    pub anchor: Vec<String>,
}

/// The interests that the reader has said something about. A paper stands in one anchor: of muted ones first.
pub fn said(stored: &[StoredInterest]) -> Vec<EditedInterest> {
    let into: HashSet<u32> = stored.iter().filter_map(|s| s.merged).collect();
    let spoken = |s: &&StoredInterest| s.merged.is_none() && (s.edits != Edits::default() || into.contains(&s.number));
    let mut all: Vec<EditedInterest> = stored
        .iter()
        .filter(spoken)
        .map(|s| {
            let parts = stored.iter().filter(|p| p.number == s.number || p.merged == Some(s.number));
            let anchor = parts.flat_map(|p| p.anchor.iter().cloned()).collect();
            EditedInterest { number: s.number, muted: s.edits.muted, anchor }
        })
        .collect();
    all.sort_by_key(|s| (!s.muted, s.number));
    let mut taken = HashSet::new();
    for s in &mut all {
        s.anchor.retain(|id| taken.insert(id.clone()));
    }
    all
}

/// Groups what is liked (places of examples, the heaviest first; `ids` are those of all examples), and brings what is known
/// of the interests up to date. Gives each interest's number and its examples. `affinity` is that of two examples.
pub fn find(
    liked: &[usize],
    ids: &[String],
    affinity: &dyn Fn(usize, usize) -> f32,
    stored: &mut Vec<StoredInterest>,
) -> Vec<(u32, Vec<usize>)> {
    let said = said(stored);
    let anchored: HashMap<&str, usize> =
        said.iter().enumerate().flat_map(|(k, s)| s.anchor.iter().map(move |id| (id.as_str(), k))).collect();
    let mut own: Vec<Vec<usize>> = vec![Vec::new(); said.len()];
    let mut free = Vec::new();
    for &k in liked {
        match anchored.get(ids[k].as_str()) {
            Some(&s) => own[s].push(k),
            None => free.push(k),
        }
    }
    let (mut groups, free) = grouped(&own, &free, &said, affinity);
    // The rest of the anchors stands where the anchors do.
    for (group, members) in groups.iter_mut().zip(&own) {
        group.extend(members.iter().skip(CORE));
    }
    let known: HashSet<u32> = said.iter().map(|s| s.number).collect();
    let numbers = go_on_with(&free, ids, &known, stored);
    let all = said.iter().map(|s| s.number).chain(numbers).zip(groups.into_iter().chain(free));
    let all: Vec<(u32, Vec<usize>)> = all.filter(|(_, members)| !members.is_empty()).collect();
    for (number, members) in &all {
        if let Some(s) = stored.iter_mut().find(|s| s.number == *number) {
            s.papers = sorted(members, ids);
        }
    }
    all
}

/// The groups around the anchors (one for each, perhaps empty), and those of the others. The heaviest examples are
/// clustered; each of the rest falls to the closest group.
fn grouped(
    own: &[Vec<usize>],
    free: &[usize],
    said: &[EditedInterest],
    affinity: &dyn Fn(usize, usize) -> f32,
) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let joins = |s: &EditedInterest| if s.muted { JOINS_MUTED } else { ONE_INTEREST };
    let mut first: Vec<usize> = Vec::new();
    let mut seeds = Vec::new();
    for (members, s) in own.iter().zip(said).filter(|(members, _)| !members.is_empty()) {
        let core = &members[..members.len().min(CORE)];
        seeds.push(ClusterSeed { members: (first.len()..first.len() + core.len()).collect(), joins: joins(s) });
        first.extend(core);
    }
    let (clustered, rest) = free.split_at(free.len().min(MAX_CLUSTERED.saturating_sub(first.len())));
    first.extend(clustered);
    let numbers = cluster_around(first.len(), |a, b| affinity(first[a], first[b]), ONE_INTEREST, &seeds);
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); numbers.iter().max().map_or(0, |m| m + 1)];
    for (k, g) in first.iter().zip(&numbers) {
        groups[*g].push(*k);
    }
    let mut seeded = seeds.iter().map(|s| numbers[s.members[0]]);
    let places: Vec<Option<usize>> = own.iter().map(|m| if m.is_empty() { None } else { seeded.next() }).collect();
    let least = |g: usize| {
        let of = places.iter().position(|p| *p == Some(g));
        of.map_or(f32::NEG_INFINITY, |s| joins(&said[s]))
    };
    let compared: Vec<Vec<usize>> = groups.iter().map(|g| g.iter().copied().take(COMPARED).collect()).collect();
    let mut alone = Vec::new();
    for &k in rest {
        let mean =
            |g: &usize| compared[*g].iter().map(|&m| affinity(m, k)).sum::<f32>() / compared[*g].len().max(1) as f32;
        let near = (0..groups.len()).map(|g| (g, mean(&g))).filter(|(g, value)| *value >= least(*g));
        match near.max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((g, _)) => groups[g].push(k),
            None => alone.push(k),
        }
    }
    let around = places.iter().map(|p| p.map_or_else(Vec::new, |g| std::mem::take(&mut groups[g]))).collect();
    groups.push(alone);
    groups.retain(|g| !g.is_empty());
    (around, groups)
}

/// Gives each group of which nothing was said the number of the interest that it goes on with, else the next one.
fn go_on_with(
    groups: &[Vec<usize>],
    ids: &[String],
    said: &HashSet<u32>,
    stored: &mut Vec<StoredInterest>,
) -> Vec<u32> {
    let open: Vec<u32> =
        stored.iter().filter(|s| s.merged.is_none() && !said.contains(&s.number)).map(|s| s.number).collect();
    let papers = |number: u32| stored.iter().find(|s| s.number == number).map(|s| &s.papers);
    let known: Vec<HashSet<&str>> =
        open.iter().map(|n| papers(*n).into_iter().flatten().map(String::as_str).collect()).collect();
    let overlap = |g: usize, s: usize| groups[g].iter().filter(|k| known[s].contains(ids[**k].as_str())).count() as f32;
    let followed = match_groups(groups.len(), open.len(), overlap);
    let mut next = stored.iter().map(|s| s.number).max().unwrap_or(0);
    let mut numbers = Vec::new();
    for (members, follows) in groups.iter().zip(followed) {
        numbers.push(follows.map_or_else(
            || {
                next += 1;
                let papers = sorted(members, ids);
                stored.push(StoredInterest {
                    number: next,
                    edits: Edits::default(),
                    merged: None,
                    papers,
                    anchor: Vec::new(),
                });
                next
            },
            |s| open[s],
        ));
    }
    numbers
}

fn sorted(members: &[usize], ids: &[String]) -> Vec<String> {
    let mut papers: Vec<String> = members.iter().map(|&k| ids[k].clone()).collect();
    papers.sort_unstable();
    papers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Papers `a0`, `a1`, ... of topics named by their first letter.
    fn ids(of: &str) -> Vec<String> {
        of.split_whitespace().map(str::to_string).collect()
    }

    fn by_topic(ids: &[String]) -> impl Fn(usize, usize) -> f32 {
        let topics: Vec<String> = ids.iter().map(|id| id[..1].to_string()).collect();
        move |a, b| if topics[a] == topics[b] { 0.4 } else { 0.0 }
    }

    fn run(
        papers: &[String],
        affinity: &dyn Fn(usize, usize) -> f32,
        stored: &mut Vec<StoredInterest>,
    ) -> Vec<(u32, Vec<String>)> {
        let all: Vec<usize> = (0..papers.len()).collect();
        let mut found: Vec<(u32, Vec<String>)> =
            find(&all, papers, affinity, stored).into_iter().map(|(n, m)| (n, sorted(&m, papers))).collect();
        found.sort();
        found
    }

    fn say(stored: &mut [StoredInterest], number: u32, edits: Edits) {
        let own = stored.iter_mut().find(|s| s.number == number).expect("there");
        own.anchor = own.papers.clone();
        own.edits = edits;
    }

    #[test]
    fn an_interest_keeps_its_number_while_it_grows() {
        let mut stored = Vec::new();
        let papers = ids("a0 a1 a2 b0 b1");
        let found = run(&papers, &by_topic(&papers), &mut stored);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 2]);
        let papers = ids("b0 b1 b2 b3 b4 c0 c1 a0 a1 a2 a3");
        let found = run(&papers, &by_topic(&papers), &mut stored);
        assert_eq!(found[0], (1, ids("a0 a1 a2 a3")));
        assert_eq!((found[1].0, found[2].0), (2, 3));
        // One that is gone leaves its number free of others, and comes back under it.
        let papers = ids("b0 b1 d0");
        assert_eq!(run(&papers, &by_topic(&papers), &mut stored)[1], (4, ids("d0")));
        let papers = ids("a0 a1 b0");
        assert_eq!(run(&papers, &by_topic(&papers), &mut stored)[0], (1, ids("a0 a1")));
    }

    #[test]
    fn what_was_merged_stays_together_and_what_was_said_of_stays_apart() {
        let mut stored = Vec::new();
        let papers = ids("a0 a1 b0 b1 c0 c1");
        run(&papers, &by_topic(&papers), &mut stored);
        let papers_of = |stored: &[StoredInterest], k: usize| stored[k].papers.clone();
        (stored[0].anchor, stored[1].anchor) = (papers_of(&stored, 0), papers_of(&stored, 1));
        stored[1].merged = Some(1);
        say(&mut stored, 3, Edits { pinned: true, ..Edits::default() });
        // Now all are alike.
        let papers = ids("a0 a1 b0 b1 c0 c1 d0");
        let found = run(&papers, &|_, _| 0.5, &mut stored);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 3]);
        assert!(ids("a0 a1 b0 b1").iter().all(|id| found[0].1.contains(id)), "{found:?}");
        assert!(ids("c0 c1").iter().all(|id| found[1].1.contains(id)), "{found:?}");
    }

    #[test]
    fn more_papers_than_are_clustered_find_their_place() {
        let papers: Vec<String> = (0..900).map(|k| format!("{}{k}", ["a", "b", "c"][k % 3])).collect();
        let mut stored = Vec::new();
        let found = run(&papers, &by_topic(&papers), &mut stored);
        assert_eq!(found.iter().map(|f| f.1.len()).collect::<Vec<_>>(), [300, 300, 300]);
        say(&mut stored, found[1].0, Edits { muted: true, ..Edits::default() });
        let more: Vec<String> = papers.iter().cloned().chain((0..90).map(|k| format!("b9{k:03}"))).collect();
        let again = run(&more, &by_topic(&more), &mut stored);
        assert_eq!((again.len(), again[1].0, again[1].1.len()), (3, found[1].0, 390));
    }

    proptest! {
        /// Whatever is read afterwards, and however alike it is to what: what was said stays with the papers it was said of.
        #[test]
        fn what_was_said_follows_its_papers(
            values in prop::collection::vec(-0.3f32..0.8, 40 * 40),
            order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle(),
            said in prop::collection::vec((0usize..8, 0usize..4), 1..5),
        ) {
            let papers: Vec<String> = (0..40).map(|k| format!("p{k}")).collect();
            let affinity = |a: usize, b: usize| values[a.min(b) * 40 + a.max(b)];
            let mut stored = Vec::new();
            let mut read: Vec<usize> = order[..12].to_vec();
            find(&read, &papers, &affinity, &mut stored);
            let mut promised: Vec<(u32, Edits, Vec<String>)> = Vec::new();
            for (step, &next) in order[12..].iter().enumerate() {
                if let Some(&(which, what)) = said.get(step) {
                    let k = which % stored.len();
                    let number = stored[k].number;
                    // Said of what is shown, and of each once.
                    if !stored[k].papers.is_empty() && !promised.iter().any(|p| p.0 == number)
                        && !stored[k].papers.iter().any(|id| promised.iter().any(|p| p.2.contains(id))) {
                        let edits = Edits {
                            muted: what == 0, pinned: what == 1,
                            name: (what == 2).then(|| "Mine".to_string()),
                            weight: (what == 3).then_some(2.0),
                        };
                        say(&mut stored, number, edits.clone());
                        promised.push((number, edits, stored[k].papers.clone()));
                    }
                }
                read.push(next);
                let found = find(&read, &papers, &affinity, &mut stored);
                let mut all: Vec<usize> = found.iter().flat_map(|f| f.1.iter().copied()).collect();
                all.sort_unstable();
                let mut expected = read.clone();
                expected.sort_unstable();
                prop_assert_eq!(all, expected, "each paper is in one interest");
                let numbers: HashSet<u32> = found.iter().map(|f| f.0).collect();
                prop_assert_eq!(numbers.len(), found.len());
                for (number, edits, anchor) in &promised {
                    let (_, members) = found.iter().find(|f| f.0 == *number).expect("it is still there");
                    prop_assert!(anchor.iter().all(|id| members.iter().any(|k| papers[*k] == *id)));
                    let own = stored.iter().find(|s| s.number == *number).expect("known");
                    prop_assert_eq!(&own.edits, edits);
                }
            }
        }
    }
}
