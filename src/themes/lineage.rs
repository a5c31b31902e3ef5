//! From the themes of one run to those of the next: who carries whose name on, and what happened.
//!
//! Themes are matched by the papers they share, by an assignment that shares most in all.

use std::collections::HashMap;

use crate::matching;

/// What happened to a theme from one run to the next. Themes before are numbered as `before`, after as `after`.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A theme of papers that were new or scattered before.
    Born {
        /// The new theme.
        after: u32,
    },
    /// More papers than before, by a tenth or more.
    Grown {
        /// The theme.
        after: u32,
        /// Its papers before.
        was: usize,
        /// Its papers now.
        is: usize,
    },
    /// Fewer papers than before, by a tenth or more.
    Shrunk {
        /// The theme.
        after: u32,
        /// Its papers before.
        was: usize,
        /// Its papers now.
        is: usize,
    },
    /// A new theme that came out of one that was there.
    Split {
        /// The new theme.
        after: u32,
        /// What it came out of.
        before: u32,
    },
    /// A theme that is gone, its papers in another now.
    Merged {
        /// The theme that is gone.
        before: u32,
        /// The theme that has its papers.
        after: u32,
    },
    /// A theme that is gone, its papers scattered or gone.
    Died {
        /// The theme.
        before: u32,
    },
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lineage {
    /// For every theme of now the one of before whose name it carries on.
    pub heir_of: Vec<Option<u32>>,
    /// How much of the papers of either the two share (Jaccard), 0 to 1; 0 without one.
    pub likeness: Vec<f64>,
    /// What happened, in the order of the themes.
    pub events: Vec<Event>,
}

/// A theme carries a name on when it shares at least this part of the papers that either of the two has.
const LEAST_JACCARD: f64 = 0.15;

/// Change of size worth telling.
const TOLD: f64 = 0.1;

/// Compares two groupings of the same papers: for every paper its theme before and after, `None` where it had none.
/// `before` holds how many papers each theme had then, those that are gone since among them; `after` is the number of
/// themes now.
pub fn compare(pairs: &[(Option<u32>, Option<u32>)], before: &[usize], after: usize) -> Lineage {
    let (mut old, mut new) = (vec![0usize; before.len()], vec![0usize; after]);
    let mut shared: HashMap<(u32, u32), usize> = HashMap::new();
    for (b, a) in pairs {
        if let Some(b) = b {
            old[*b as usize] += 1;
        }
        if let Some(a) = a {
            new[*a as usize] += 1;
        }
        if let (Some(b), Some(a)) = (b, a) {
            *shared.entry((*b, *a)).or_default() += 1;
        }
    }
    old.iter_mut().zip(before).for_each(|(seen, told)| *seen = (*seen).max(*told));
    let mut shared: Vec<(u32, u32, usize)> = shared.into_iter().map(|((b, a), n)| (b, a, n)).collect();
    shared.sort_unstable();
    let likely: Vec<(u32, u32, f64)> = shared
        .iter()
        .filter(|(b, a, n)| {
            let union = old[*b as usize] + new[*a as usize] - n;
            *n as f64 >= LEAST_JACCARD * union as f64
        })
        .map(|(b, a, n)| (*b, *a, *n as f64))
        .collect();
    let (mut heir_of, mut likeness) = (vec![None; after], vec![0.0; after]);
    for (b, a) in matching::best(&likely) {
        heir_of[a as usize] = Some(b);
        let both = shared.iter().find(|s| (s.0, s.1) == (b, a)).map_or(0, |s| s.2);
        likeness[a as usize] = both as f64 / (old[b as usize] + new[a as usize] - both).max(1) as f64;
    }
    let events = tell(&heir_of, &old, &new, &shared);
    Lineage { heir_of, likeness, events }
}

fn tell(heir_of: &[Option<u32>], old: &[usize], new: &[usize], shared: &[(u32, u32, usize)]) -> Vec<Event> {
    let mut events = Vec::new();
    for (a, heir) in heir_of.iter().enumerate() {
        let after = a as u32;
        match heir {
            Some(b) => {
                let (was, is) = (old[*b as usize], new[a]);
                let change = (is as f64 - was as f64) / was.max(1) as f64;
                if change >= TOLD {
                    events.push(Event::Grown { after, was, is });
                } else if change <= -TOLD {
                    events.push(Event::Shrunk { after, was, is });
                }
            }
            None => {
                let from =
                    shared.iter().filter(|(_, x, _)| *x == after).max_by_key(|(b, _, n)| (*n, std::cmp::Reverse(*b)));
                match from {
                    Some((b, _, n)) if 2 * n >= new[a] => events.push(Event::Split { after, before: *b }),
                    _ => events.push(Event::Born { after }),
                }
            }
        }
    }
    let mut carried = vec![false; old.len()];
    heir_of.iter().flatten().for_each(|b| carried[*b as usize] = true);
    for b in (0..old.len()).filter(|b| !carried[*b]) {
        let before = b as u32;
        let into = shared.iter().filter(|(x, ..)| *x == before).max_by_key(|(_, a, n)| (*n, std::cmp::Reverse(*a)));
        match into {
            Some((_, a, n)) if 2 * n >= old[b] => events.push(Event::Merged { before, after: *a }),
            _ => events.push(Event::Died { before }),
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(spec: &[(Option<u32>, Option<u32>, usize)]) -> Vec<(Option<u32>, Option<u32>)> {
        spec.iter().flat_map(|(b, a, n)| std::iter::repeat_n((*b, *a), *n)).collect()
    }

    #[test]
    fn names_are_carried_on_and_what_happened_is_told() {
        let lineage = compare(
            &pairs(&[
                (Some(0), Some(1), 50),
                (None, Some(1), 20),
                (Some(1), Some(0), 40),
                (Some(1), Some(2), 25),
                (Some(2), Some(3), 30),
                (Some(3), Some(3), 20),
                (Some(4), None, 10),
                (None, Some(4), 8),
                (Some(5), Some(5), 30),
                (Some(5), None, 10),
            ]),
            &[50, 65, 30, 20, 10, 40],
            6,
        );
        assert_eq!(lineage.heir_of, [Some(1), Some(0), None, Some(2), None, Some(5)]);
        for event in [
            Event::Grown { after: 1, was: 50, is: 70 },
            Event::Shrunk { after: 0, was: 65, is: 40 },
            Event::Split { after: 2, before: 1 },
            Event::Merged { before: 3, after: 3 },
            Event::Died { before: 4 },
            Event::Born { after: 4 },
            Event::Shrunk { after: 5, was: 40, is: 30 },
        ] {
            assert!(lineage.events.contains(&event), "{event:?} is missing from {:?}", lineage.events);
        }
    }

    #[test]
    fn nothing_happens_when_nothing_changes() {
        let lineage = compare(&pairs(&[(Some(0), Some(0), 5), (Some(1), Some(1), 7), (None, None, 3)]), &[5, 7], 2);
        assert_eq!((lineage.heir_of, lineage.likeness), (vec![Some(0), Some(1)], vec![1.0, 1.0]));
        assert_eq!(lineage.events, []);
        // Papers that are gone count with what they were in.
        let lost = compare(&pairs(&[(Some(0), Some(0), 5)]), &[9], 1);
        assert_eq!(lost.events, [Event::Shrunk { after: 0, was: 9, is: 5 }]);
        assert_eq!(compare(&[], &[], 0), Lineage::default());
    }
}
