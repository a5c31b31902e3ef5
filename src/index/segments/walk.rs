//! The best-first walk over a flat graph: what searching and building have in common.
//!
//! Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
//! world graphs", 2016, algorithm 2; the pool of candidates is one sorted array, as in Fu et al., "Fast approximate
//! nearest neighbor search with the navigating spreading-out graph", 2019.

use super::codes::{CodedQuery, Codes, ScoringBuffers};
use crate::index::kernel::Kernel;

/// The end of a list of links that is not full.
pub const NOBODY: u32 = u32::MAX;

/// In a pool: the links of this one were followed.
const FOLLOWED: u64 = 1 << 31;

/// A score and a place in one number that sorts closest first. Places are below 2^31.
fn key(score: f32, place: u32) -> u64 {
    let bits = score.to_bits();
    let ordered = bits ^ (((bits as i32 >> 31) as u32) | 0x8000_0000);
    (u64::from(!ordered) << 32) | u64::from(place)
}

fn place_of(key: u64) -> u32 {
    (key & (FOLLOWED - 1)) as u32
}

fn score_of(key: u64) -> f32 {
    let ordered = !((key >> 32) as u32);
    f32::from_bits(if ordered & 0x8000_0000 != 0 { ordered ^ 0x8000_0000 } else { !ordered })
}

/// The closest places seen so far, closest first, at most `ef` of them.
#[derive(Default)]
pub struct Pool {
    keys: Vec<u64>,
    ef: usize,
    /// Everything before was followed.
    next: usize,
}

impl Pool {
    /// Empties it for a new walk.
    pub fn reset(&mut self, ef: usize) {
        self.keys.clear();
        self.ef = ef.max(1);
        self.next = 0;
    }

    /// Offers a place; it is taken if it is among the `ef` closest.
    pub fn offer(&mut self, score: f32, place: u32) {
        let key = key(score, place);
        if self.keys.len() == self.ef {
            if self.keys.last().is_some_and(|last| key >= *last) {
                return;
            }
            self.keys.pop();
        }
        let at = self.keys.partition_point(|k| *k < key);
        self.keys.insert(at, key);
        self.next = self.next.min(at);
    }

    /// The closest whose links were not followed yet; it counts as followed from now on.
    fn follow(&mut self) -> Option<u32> {
        while let Some(key) = self.keys.get_mut(self.next) {
            self.next += 1;
            if *key & FOLLOWED == 0 {
                *key |= FOLLOWED;
                return Some(place_of(*key));
            }
        }
        None
    }

    /// The next that will be followed if nothing closer turns up.
    fn peek(&self) -> Option<u32> {
        self.keys[self.next..].iter().find(|k| *k & FOLLOWED == 0).map(|k| place_of(*k))
    }

    /// Score and place, closest first.
    pub fn closest(&self) -> impl ExactSizeIterator<Item = (f32, u32)> + '_ {
        self.keys.iter().map(|k| (score_of(*k), place_of(*k)))
    }

    /// How many it holds.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Keeps the places that something is true of.
    pub fn keep(&mut self, at: impl Fn(u32) -> bool) {
        self.keys.retain(|k| at(place_of(*k)));
    }
}

/// The closest of many places, in no order. Unlike a [`Pool`] it costs the same for each that is offered however many are
/// kept, which is what a deep page needs.
#[derive(Default)]
pub struct Best {
    keys: Vec<u64>,
    most: usize,
    /// What is not below it is not among the closest.
    limit: u64,
}

impl Best {
    /// Empties it, to keep `most` from now on.
    pub fn reset(&mut self, most: usize) {
        self.keys.clear();
        self.most = most.max(1);
        self.limit = u64::MAX;
    }

    /// Offers a place; it is taken if it may be among the closest.
    pub fn offer(&mut self, score: f32, place: u32) {
        let key = key(score, place);
        if key < self.limit {
            self.keys.push(key);
            if self.keys.len() >= 2 * self.most {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if self.keys.len() > self.most {
            let (_, last, _) = self.keys.select_nth_unstable(self.most - 1);
            self.limit = *last;
            self.keys.truncate(self.most);
        }
    }

    /// Score and place of the closest.
    pub fn closest(&mut self) -> impl Iterator<Item = (f32, u32)> + '_ {
        self.cut();
        self.keys.iter().map(|k| (score_of(*k), place_of(*k)))
    }
}

/// Which places a walk has seen. Forgets all at once, without touching each.
#[derive(Default)]
pub struct Visited {
    marks: Vec<u8>,
    now: u8,
}

impl Visited {
    /// Forgets everything; places below `n` can be marked.
    pub fn reset(&mut self, n: usize) {
        self.now = self.now.wrapping_add(1);
        if self.now == 0 {
            self.marks.fill(0);
            self.now = 1;
        }
        if self.marks.len() < n {
            self.marks.resize(n, 0);
        }
    }

    /// Marks a place; whether it was new.
    pub fn mark(&mut self, place: u32) -> bool {
        match self.marks.get_mut(place as usize) {
            Some(mark) if *mark != self.now => {
                *mark = self.now;
                true
            }
            // Seen, or behind the end: a link that damage made up leads nowhere.
            _ => false,
        }
    }

    /// Whether a place was marked.
    pub fn is_marked(&self, place: u32) -> bool {
        self.marks.get(place as usize) == Some(&self.now)
    }
}

/// Walks from what is in the pool to the closest places of the graph that `link` gives: `link(place * degree + k)` is the
/// k-th link of a place, [`NOBODY`] behind the last. Only places below `n` are entered.
pub fn walk(
    codes: Codes<'_>,
    query: &CodedQuery,
    (n, degree): (usize, usize),
    link: impl Fn(usize) -> u32,
    fetch: impl Fn(usize),
    pool: &mut Pool,
    room: &mut ScoringBuffers,
) {
    room.visited.reset(n);
    for (_, place) in pool.closest() {
        room.visited.mark(place);
    }
    while let Some(place) = pool.follow() {
        let start = place as usize * degree;
        room.places.clear();
        for k in start..start + degree {
            let neighbour = link(k);
            if neighbour == NOBODY {
                break;
            }
            if room.visited.mark(neighbour) {
                room.places.push(neighbour);
            }
        }
        if let Some(next) = pool.peek() {
            fetch(next as usize * degree);
        }
        codes.scores(query, &room.places, &mut room.products, &mut room.scores);
        for (score, place) in room.scores.iter().zip(&room.places) {
            pool.offer(*score, *place);
        }
    }
}

/// As [`walk`] over `links`, `degree` a place, entering only allowed places: what is forbidden is stepped over, to the links
/// of its links, until `enough` places are there to be scored, so that a step costs about what it costs without a filter.
///
/// Patel et al., "ACORN: performant and predicate-agnostic search over vector embeddings and structured data", 2024.
pub fn walk_allowed(
    codes: Codes<'_>,
    query: &CodedQuery,
    (links, degree): (&[u32], usize),
    allowed: impl Fn(u32) -> bool,
    (entries, enough): (&[u32], usize),
    pool: &mut Pool,
    room: &mut ScoringBuffers,
) {
    let n = links.len() / degree;
    room.visited.reset(n);
    let list = |place: u32| links[place as usize * degree..][..degree].iter().copied().take_while(|l| *l != NOBODY);
    let mut entries = entries.iter().copied();
    let mut over = Vec::with_capacity(degree);
    loop {
        room.places.clear();
        let Some(place) = pool.follow().or_else(|| entries.next()) else { break };
        if room.visited.mark(place) && allowed(place) {
            room.places.push(place);
        }
        over.clear();
        for neighbour in list(place) {
            if allowed(neighbour) {
                if room.visited.mark(neighbour) {
                    room.places.push(neighbour);
                }
            } else if (neighbour as usize) < n && !room.visited.is_marked(neighbour) {
                Kernel::prefetch(links, neighbour as usize * degree);
                Kernel::prefetch(links, neighbour as usize * degree + 16);
                over.push(neighbour);
            }
        }
        for bridge in &over {
            if room.places.len() >= enough {
                break;
            }
            room.visited.mark(*bridge);
            for neighbour in list(*bridge) {
                if allowed(neighbour) && room.visited.mark(neighbour) {
                    room.places.push(neighbour);
                }
            }
        }
        codes.scores(query, &room.places, &mut room.products, &mut room.scores);
        for (score, place) in room.scores.iter().zip(&room.places) {
            pool.offer(*score, *place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the order of the offers, both keep what sorting all of them would.
        #[test]
        fn the_closest_are_kept(scores in prop::collection::vec(-9i32..9, 0..300), most in 1usize..40) {
            let offers: Vec<(f32, u32)> = scores.iter().enumerate().map(|(p, s)| (*s as f32 / 8.0, p as u32)).collect();
            let mut truth = offers.clone();
            truth.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            truth.truncate(most);
            let (mut pool, mut best) = (Pool::default(), Best::default());
            // Twice, so that what is left of the first time shows.
            for _ in 0..2 {
                pool.reset(most);
                best.reset(most);
                for (score, place) in &offers {
                    pool.offer(*score, *place);
                    best.offer(*score, *place);
                }
                prop_assert_eq!(pool.closest().collect::<Vec<_>>(), truth.clone());
                let mut kept: Vec<(f32, u32)> = best.closest().collect();
                kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                prop_assert_eq!(kept, truth.clone());
            }
        }
    }
}
