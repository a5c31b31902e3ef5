//! A graph over codes, flat: fixed lists of links in one array a layer, built by many threads at once.
//!
//! Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
//! world graphs", 2016. Layer `l` holds the places below `layers[l]`: who calls puts a random sample first, so that a layer
//! is a prefix and needs no list of its members. The layers are built from the top, each complete before the next begins,
//! so that only one array is being written while it is walked. The places of the topmost layer have no links: they are few,
//! and all of them are scored.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::codes::{CodedQuery, Codes, ScoringBuffers};
use super::walk::{NOBODY, Pool, walk, walk_allowed};
use crate::index::kernel::Kernel;

/// The parameters of the graph, in the words of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphOptions {
    /// Links a place on the upper layers; twice as many on the ground. 2 to 255.
    pub m: usize,
    /// Places kept in sight while building; more than `2 * m`.
    pub ef_construction: usize,
}

/// Places that the topmost layer may have at most.
const TOP: usize = 256;

/// Places kept in sight on the way down.
const EF_DOWN: usize = 4;

/// Entries to the ground.
const ENTRIES: usize = 3;

/// Places linked before anybody looks whether it should stop.
const PIECE: usize = 2048;

/// Locks over the lists of links; a list has the one its place falls to.
const LOCKS: usize = 4096;

/// Places of each layer, from the ground up, for `n` of them.
pub fn layers(n: usize, m: usize) -> Vec<usize> {
    let mut layers = vec![n];
    let mut above = n / m.max(2);
    while layers.last().is_some_and(|l| *l > TOP) {
        layers.push(above.max(1));
        above /= m.max(2);
    }
    layers
}

/// A finished graph, borrowed from wherever it lies.
#[derive(Debug, Clone, Copy)]
pub struct Graph<'a> {
    /// Places of each layer, from the ground up.
    pub layers: &'a [usize],
    /// Links of the ground, `2 * m` a place, then of each layer above it but the topmost, `m` a place.
    pub links: &'a [u32],
    /// Links a place on the upper layers.
    pub m: usize,
}

/// Where the links of a layer begin, and how many a place has.
fn span(layers: &[usize], layer: usize, m: usize) -> (usize, usize) {
    if layer == 0 { (0, 2 * m) } else { (2 * m * layers[0] + m * layers[1..layer].iter().sum::<usize>(), m) }
}

/// How many links a graph of these layers has.
pub fn links(layers: &[usize], m: usize) -> usize {
    if layers.len() == 1 { 2 * m * layers[0] } else { span(layers, layers.len() - 1, m).0 }
}

impl Graph<'_> {
    /// Fills the pool with about the `pool.ef` closest places of the ground.
    pub fn search(&self, codes: Codes<'_>, query: &CodedQuery, ef: usize, pool: &mut Pool, room: &mut ScoringBuffers) {
        descend(codes, query, (self.layers, self.m), 0, |k| self.links[k], pool, room);
        enter(pool, ef);
        self.walk_ground(codes, query, pool, room);
    }

    /// Fills the pool with about the `ef` closest allowed places of the ground; `share` of all are allowed, about.
    pub fn search_allowed(
        &self,
        codes: Codes<'_>,
        query: &CodedQuery,
        ef: usize,
        (allowed, share): (impl Fn(u32) -> bool, f64),
        pool: &mut Pool,
        room: &mut ScoringBuffers,
    ) {
        descend(codes, query, (self.layers, self.m), 0, |k| self.links[k], pool, room);
        let entries: Vec<u32> = pool.closest().map(|(_, place)| place).collect();
        pool.reset(ef);
        let degree = 2 * self.m;
        let links = &self.links[..self.layers[0] * degree];
        // Where many are allowed the links lead on by themselves; measured at shares of 0.07 to 0.9.
        let enough = if share > 0.3 { self.m } else { degree };
        walk_allowed(codes, query, (links, degree), allowed, (&entries, enough), pool, room);
    }

    /// As [`Graph::search`], beginning at a place of the graph instead of the top: for its own neighbours.
    pub fn search_from(
        &self,
        codes: Codes<'_>,
        query: &CodedQuery,
        place: u32,
        ef: usize,
        pool: &mut Pool,
        room: &mut ScoringBuffers,
    ) {
        pool.reset(ef);
        pool.offer(codes.score(query, place), place);
        self.walk_ground(codes, query, pool, room);
    }

    fn walk_ground(&self, codes: Codes<'_>, query: &CodedQuery, pool: &mut Pool, room: &mut ScoringBuffers) {
        let degree = 2 * self.m;
        let (links, n) = (&self.links[..self.layers[0] * degree], self.layers[0]);
        let fetch = |k: usize| {
            Kernel::prefetch(links, k);
            Kernel::prefetch(links, k + 16);
        };
        walk(codes, query, (n, degree), |k| links[k], fetch, pool, room);
    }
}

/// Fills the pool with the closest places of the layer above `layer`.
fn descend(
    codes: Codes<'_>,
    query: &CodedQuery,
    (layers, m): (&[usize], usize),
    layer: usize,
    link: impl Fn(usize) -> u32,
    pool: &mut Pool,
    room: &mut ScoringBuffers,
) {
    let top = layers.len() - 1;
    pool.reset(EF_DOWN);
    room.places.clear();
    room.places.extend(0..layers[top] as u32);
    codes.scores(query, &room.places, &mut room.products, &mut room.scores);
    for (score, place) in room.scores.iter().zip(&room.places) {
        pool.offer(*score, *place);
    }
    for above in (layer + 1..top).rev() {
        let (start, degree) = span(layers, above, m);
        enter(pool, EF_DOWN);
        walk(codes, query, (layers[above], degree), |k| link(start + k), |_| (), pool, room);
    }
}

/// Makes what was found on one layer the entries to the next.
fn enter(pool: &mut Pool, ef: usize) {
    let mut entries = [(0f32, NOBODY); ENTRIES];
    let found = pool.len().min(ENTRIES);
    for (entry, closest) in entries.iter_mut().zip(pool.closest()) {
        *entry = closest;
    }
    pool.reset(ef);
    for (score, place) in &entries[..found] {
        pool.offer(*score, *place);
    }
}

/// A graph on its way.
pub struct Building<'a> {
    options: GraphOptions,
    codes: Codes<'a>,
    layers: Vec<usize>,
    links: Vec<AtomicU32>,
    locks: Vec<Mutex<()>>,
    /// Set by who wants it to stop.
    stop: &'a AtomicBool,
    /// Places linked on the ground so far.
    done: AtomicUsize,
}

#[derive(Default)]
struct Worker {
    query: CodedQuery,
    other: CodedQuery,
    pool: Pool,
    room: ScoringBuffers,
    candidates: Vec<(f32, u32)>,
    kept: Vec<u32>,
}

impl<'a> Building<'a> {
    /// Over all `codes`. With `base`, a finished graph over the first places, only the others are linked.
    pub fn new(options: GraphOptions, codes: Codes<'a>, base: Option<Graph<'_>>, stop: &'a AtomicBool) -> Self {
        let m = options.m;
        let mut shape = base.map_or_else(|| layers(codes.len(), m), |b| b.layers.to_vec());
        shape[0] = codes.len();
        let mut flat: Vec<AtomicU32> = Vec::new();
        flat.resize_with(links(&shape, m), || AtomicU32::new(NOBODY));
        if let Some(base) = base {
            let ground = 2 * m * base.layers[0];
            let (old_ground, old_above) = base.links.split_at(ground);
            let new = flat.iter().zip(old_ground).chain(flat[2 * m * shape[0]..].iter().zip(old_above));
            // A big base may be damaged and nobody know it yet: a link that leads outside is none.
            for (new, old) in new.filter(|(_, old)| (**old as usize) < base.layers[0]) {
                new.store(*old, Ordering::Relaxed);
            }
        }
        let locks = (0..LOCKS).map(|_| Mutex::default()).collect();
        let done = AtomicUsize::new(base.map_or(0, |b| b.layers[0]));
        Building { options, codes, layers: shape, links: flat, locks, stop, done }
    }

    /// Links everything up to place `end` that is not linked yet. `false` when it was told to stop.
    pub fn link(&self, end: usize) -> bool {
        let begin = self.done.load(Ordering::Relaxed);
        if begin == 0 {
            for layer in (1..self.layers.len().saturating_sub(1)).rev() {
                if !self.link_layer(layer, 0, self.layers[layer]) {
                    return false;
                }
            }
        }
        self.link_layer(0, begin, end)
    }

    fn link_layer(&self, layer: usize, begin: usize, end: usize) -> bool {
        // The places that the walk down can end at come first, one after the other: who finds nobody links to nobody.
        let above = self.layers.get(layer + 1).map_or(TOP.min(end), |a| (*a).min(end));
        let mut worker = Worker::default();
        let serial = begin..above.max(begin);
        for place in serial.clone() {
            if place % PIECE == 0 && self.stop.load(Ordering::Relaxed) {
                return false;
            }
            self.insert(layer, place as u32, &mut worker);
        }
        let mut from = serial.end;
        while from < end {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let to = (from + PIECE).min(end);
            (from..to).into_par_iter().with_min_len(64).for_each_init(Worker::default, |worker, place| {
                self.insert(layer, place as u32, worker);
            });
            if layer == 0 {
                self.done.store(to, Ordering::Relaxed);
            }
            from = to;
        }
        if layer == 0 {
            self.done.store(end.max(begin), Ordering::Relaxed);
        }
        true
    }

    fn link_at(&self, k: usize) -> u32 {
        self.links[k].load(Ordering::Relaxed)
    }

    fn insert(&self, layer: usize, place: u32, w: &mut Worker) {
        let (start, degree) = span(&self.layers, layer, self.options.m);
        w.query.take(self.codes, place);
        let Worker { query, pool, room, .. } = w;
        let codes = self.codes;
        descend(codes, query, (&self.layers, self.options.m), layer, |k| self.link_at(k), pool, room);
        let entries: Vec<(f32, u32)> = pool.closest().filter(|(_, p)| *p < place).collect();
        pool.reset(self.options.ef_construction);
        for (score, p) in &entries {
            pool.offer(*score, *p);
        }
        if entries.is_empty() {
            if place == 0 {
                return;
            }
            pool.offer(codes.score(query, 0), 0);
        }
        let links = &self.links[start..start + self.layers[layer] * degree];
        let fetch = |k: usize| {
            Kernel::prefetch(links, k);
            Kernel::prefetch(links, k + 16);
        };
        let n = self.layers[layer];
        walk(codes, query, (n, degree), |k| links[k].load(Ordering::Relaxed), fetch, pool, room);
        w.candidates.clear();
        w.candidates.extend(w.pool.closest().filter(|(_, p)| *p != place));
        self.select(degree.min(self.options.m), w);
        let chosen = w.kept.clone();
        let at = start + place as usize * degree;
        for (k, neighbour) in chosen.iter().enumerate() {
            self.links[at + k].store(*neighbour, Ordering::Relaxed);
        }
        for neighbour in chosen {
            self.link_back(start, degree, neighbour, place, w);
        }
    }

    /// Adds a link, and where the list is full keeps the best.
    fn link_back(&self, start: usize, degree: usize, from: u32, to: u32, w: &mut Worker) {
        let at = start + from as usize * degree;
        let _lock = self.locks[from as usize % LOCKS].lock().unwrap_or_else(PoisonError::into_inner);
        w.room.places.clear();
        for k in at..at + degree {
            match self.link_at(k) {
                NOBODY => {
                    self.links[k].store(to, Ordering::Relaxed);
                    return;
                }
                there if there == to => return,
                there => w.room.places.push(there),
            }
        }
        w.room.places.push(to);
        w.query.take(self.codes, from);
        let Worker { query, room, candidates, .. } = &mut *w;
        self.codes.scores(query, &room.places, &mut room.products, &mut room.scores);
        candidates.clear();
        candidates.extend(room.scores.iter().copied().zip(room.places.iter().copied()));
        candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.select(degree, w);
        for k in 0..degree {
            self.links[at + k].store(w.kept.get(k).copied().unwrap_or(NOBODY), Ordering::Relaxed);
        }
    }

    /// Algorithm 4 of the paper: a candidate is kept when it is closer to the place than to all that were kept before it.
    fn select(&self, most: usize, w: &mut Worker) {
        let Worker { other, room, candidates, kept, .. } = w;
        kept.clear();
        for (score, candidate) in candidates.iter() {
            if kept.len() >= most {
                break;
            }
            other.take(self.codes, *candidate);
            self.codes.scores(other, kept, &mut room.products, &mut room.scores);
            if room.scores.iter().all(|to_kept| to_kept < score) {
                kept.push(*candidate);
            }
        }
    }

    /// Lets something look at the graph over the first `n` places, which are linked, before the others are.
    pub fn so_far<T>(&self, n: usize, look: impl FnOnce(Graph<'_>) -> T) -> T {
        let m = self.options.m;
        let read = |k: usize| self.link_at(k);
        let ground = (0..2 * m * n).map(read);
        let above = (2 * m * self.layers[0]..self.links.len()).map(read);
        let links: Vec<u32> = ground.chain(above).collect();
        let mut layers: Vec<usize> = self.layers.iter().map(|l| (*l).min(n)).collect();
        layers[0] = n;
        // A layer that reaches behind `n` has links that are not over the first `n` places: those of the topmost count for
        // nothing, and there is no other where places are held out of more than a few.
        look(Graph { layers: &layers, links: &links, m })
    }

    /// The finished graph: places of each layer, and links.
    pub fn finish(self) -> (Vec<usize>, Vec<u32>) {
        (self.layers, self.links.into_iter().map(AtomicU32::into_inner).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::codes::{encode, stride};
    use super::*;

    /// Links over a base whose file was damaged and not compared yet.
    #[test]
    fn a_damaged_base_brings_nothing_down() {
        let (options, n, more) = (GraphOptions { m: 4, ef_construction: 20 }, 600, 900);
        let (mut bytes, mut scales) = (Vec::new(), Vec::new());
        for place in 0..more as u32 {
            let number = |k| super::super::freeze::scatter(place * 8 + k) as f32 / u64::MAX as f32 - 0.5;
            scales.push(encode(&std::array::from_fn::<f32, 8, _>(|k| number(k as u32)), stride(8), &mut bytes));
        }
        let codes = |n: usize| Codes { bytes: &bytes[..n * stride(8)], scales: &scales[..n], stride: stride(8) };
        let go = AtomicBool::new(false);
        let base = Building::new(options, codes(n), None, &go);
        assert!(base.link(n));
        let (layers, mut links) = base.finish();
        for (k, link) in links.iter_mut().enumerate().step_by(3) {
            *link = [u32::MAX - 1, more as u32, 1 << 31][k / 3 % 3];
        }
        let base = Graph { layers: &layers, links: &links, m: options.m };
        let building = Building::new(options, codes(more), Some(base), &go);
        assert!(building.link(more));
        let (layers, mut links) = building.finish();
        super::super::recall_profile::link_in(&layers, &mut links, options.m);
        assert!(links.iter().all(|l| *l == NOBODY || (*l as usize) < more));
    }
}
