//! The map: papers on a plane so that neighbours stand near each other.
//!
//! The method is UMAP's (McInnes, Healy and Melville, 2018): edges of the neighbour graph pull, random pairs push, both
//! less and less. Two things are our own. It begins where the principal components of the themes put every paper, so
//! that far things are far for a reason, or at yesterday's places, so that the map does not jump; and the curve is
//! 1 / (1 + a d^2), which needs no power function. One thread and one random sequence: the same graph and start give the
//! same map.

use fastrand::Rng;

use super::graph::Knn;
use super::random_order;

/// A place on the map.
pub type Place = [f32; 2];

/// Shape of the curve: greater packs neighbours closer. About UMAP's at a least distance of 0.1.
const A: f32 = 1.6;

/// Random pairs pushed apart for every edge that pulls.
const PUSHES: usize = 5;

/// The farthest a single pull or push moves a paper, before it is scaled by the step.
const FARTHEST: f32 = 4.0;

/// How long and how far to move papers.
#[derive(Debug, Clone, Copy)]
pub struct Moves {
    /// Times that the strongest edge pulls.
    pub rounds: usize,
    /// How far at the start; falls to nothing.
    pub step: f32,
    /// Settles the random pairs.
    pub seed: u64,
}

impl Moves {
    /// A map from nothing.
    pub fn anew(n: usize) -> Self {
        // Small maps can afford to be a little better.
        let rounds = if n <= 20_000 { 500 } else { 150 };
        Moves { rounds, step: 1.0, seed: 1 }
    }

    /// A map that stays where it was but for what is new.
    pub fn onward() -> Self {
        Moves { rounds: 20, step: 0.05, seed: 1 }
    }
}

/// Edges with the weight that UMAP gives them: 1 to the nearest neighbour, falling so that all weights of a paper sum to
/// log2(k), joined from both ends by a + b - ab.
fn edges(knn: &Knn) -> Vec<(u32, u32, f32)> {
    let n = knn.len();
    let mut directed: Vec<(u32, u32, f32)> = Vec::with_capacity(n * 16);
    for i in 0..n {
        let near: Vec<(usize, f32)> = knn.of(i).map(|(j, s)| (j, (1.0 - s).max(0.0))).collect();
        let Some(&(_, first)) = near.first() else { continue };
        let wanted = (near.len() as f32).log2();
        let sum = |scale: f32| near.iter().map(|(_, d)| (-(d - first) / scale).exp()).sum::<f32>();
        let (mut low, mut high) = (1e-6f32, 4.0f32);
        for _ in 0..24 {
            let middle = (low * high).sqrt();
            if sum(middle) > wanted { high = middle } else { low = middle }
        }
        for (j, d) in near {
            let w = (-(d - first) / high).exp();
            directed.push((i.min(j) as u32, i.max(j) as u32, w));
        }
    }
    directed.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    let mut out: Vec<(u32, u32, f32)> = Vec::with_capacity(directed.len());
    for (a, b, w) in directed {
        match out.last_mut() {
            Some(last) if (last.0, last.1) == (a, b) => last.2 = last.2 + w - last.2 * w,
            _ => out.push((a, b, w)),
        }
    }
    out
}

/// Moves papers from where they start (one place each).
pub fn lay_out(knn: &Knn, mut places: Vec<Place>, moves: &Moves) -> Vec<Place> {
    let n = knn.len();
    if n < 2 || moves.rounds == 0 {
        return places;
    }
    let edges = edges(knn);
    let strongest = edges.iter().map(|e| e.2).fold(0f32, f32::max).max(f32::MIN_POSITIVE);
    let mut random = Rng::with_seed(moves.seed);
    let rounds = moves.rounds as f32;
    // Every edge pulls so often in all rounds as its weight says; when it does so next.
    let every: Vec<f32> = edges.iter().map(|e| strongest / e.2.max(strongest / rounds)).collect();
    let mut next: Vec<f32> = every.clone();
    let order = random_order(&mut random, edges.len());
    for round in 0..moves.rounds {
        let now = round as f32 + 1.0;
        let step = moves.step * (1.0 - round as f32 / rounds);
        for &e in &order {
            let e = e as usize;
            if next[e] > now {
                continue;
            }
            next[e] += every[e];
            let (i, j) = (edges[e].0 as usize, edges[e].1 as usize);
            // Both ends in turn are the head, as if each direction were an edge of its own.
            for (head, tail) in [(i, j), (j, i)] {
                let (p, q) = (places[head], places[tail]);
                let d = [p[0] - q[0], p[1] - q[1]];
                let d2 = d[0] * d[0] + d[1] * d[1];
                let pull = -2.0 * A / (1.0 + A * d2);
                let mut moved = [0f32; 2];
                for k in 0..2 {
                    let by = (pull * d[k]).clamp(-FARTHEST, FARTHEST) * step * 0.5;
                    moved[k] += by;
                    places[tail][k] -= by;
                }
                for _ in 0..PUSHES {
                    let other = random.usize(..n);
                    if other == head {
                        continue;
                    }
                    let q = places[other];
                    let d = [p[0] - q[0], p[1] - q[1]];
                    let d2 = d[0] * d[0] + d[1] * d[1];
                    let push = 2.0 / ((0.001 + d2) * (1.0 + A * d2));
                    for k in 0..2 {
                        moved[k] += (push * d[k]).clamp(-FARTHEST, FARTHEST) * step;
                    }
                }
                for k in 0..2 {
                    places[head][k] += moved[k];
                }
            }
        }
    }
    places
}

/// Where a paper stands whose neighbours are on the map already: at their middle, weighted by closeness.
pub fn between(neighbours: impl Iterator<Item = (Place, f32)>) -> Option<Place> {
    let (mut sum, mut weight) = ([0f32; 2], 0f32);
    for (place, similarity) in neighbours {
        // The nearest few say where; the far ones would pull everything to the middle.
        let w = super::levels::closeness(similarity).powi(3) + 1e-9;
        sum[0] += w * place[0];
        sum[1] += w * place[1];
        weight += w;
    }
    (weight > 0.0).then(|| [sum[0] / weight, sum[1] / weight])
}

/// The two directions in which some weighted points (`d` numbers each) spread most, and their middle: principal
/// components by power iteration.
pub fn components(points: &[f32], d: usize, weights: &[f32]) -> Option<Projection> {
    let all: f32 = weights.iter().sum();
    if d == 0 || all <= 0.0 || points.len() < 2 * d {
        return None;
    }
    let mut mean = vec![0f32; d];
    for (p, w) in points.chunks_exact(d).zip(weights) {
        mean.iter_mut().zip(p).for_each(|(m, x)| *m += w / all * x);
    }
    let mut axes: [Vec<f32>; 2] = [Vec::new(), Vec::new()];
    for k in 0..2 {
        let mut random = Rng::with_seed(k as u64 + 1);
        let mut v: Vec<f32> = (0..d).map(|_| random.f32() - 0.5).collect();
        for _ in 0..60 {
            let mut next = vec![0f32; d];
            for (p, w) in points.chunks_exact(d).zip(weights) {
                let c: f32 = p.iter().zip(&mean).zip(&v).map(|((x, m), v)| (x - m) * v).sum();
                next.iter_mut().zip(p).zip(&mean).for_each(|((n, x), m)| *n += w * c * (x - m));
            }
            if k == 1 {
                let along: f32 = next.iter().zip(&axes[0]).map(|(a, b)| a * b).sum();
                next.iter_mut().zip(&axes[0]).for_each(|(n, a)| *n -= along * a);
            }
            let length = next.iter().map(|x| x * x).sum::<f32>().sqrt();
            if length <= f32::MIN_POSITIVE {
                break;
            }
            next.iter_mut().for_each(|x| *x /= length);
            v = next;
        }
        axes[k] = v;
    }
    // A direction and its opposite are as good: the greatest number counts up.
    for axis in &mut axes {
        let most = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
        if most < 0.0 {
            axis.iter_mut().for_each(|x| *x = -*x);
        }
    }
    Some(Projection { mean, axes })
}

/// A plane through the space of vectors.
pub struct Projection {
    mean: Vec<f32>,
    axes: [Vec<f32>; 2],
}

impl Projection {
    /// Where a vector falls.
    pub fn place(&self, vector: &[f32]) -> Place {
        let along = |axis: &[f32]| vector.iter().zip(&self.mean).zip(axis).map(|((x, m), a)| (x - m) * a).sum();
        [along(&self.axes[0]), along(&self.axes[1])]
    }
}

/// Spreads places to a width of 20 around the middle, with a little noise so that no two coincide.
pub fn spread(places: &mut [Place]) {
    let n = places.len().max(1) as f32;
    let mut random = Rng::with_seed(7);
    for k in 0..2 {
        let mean = places.iter().map(|p| p[k]).sum::<f32>() / n;
        let widest = places.iter().map(|p| (p[k] - mean).abs()).fold(0f32, f32::max).max(1e-9);
        for p in places.iter_mut() {
            p[k] = (p[k] - mean) / widest * 10.0 + (random.f32() - 0.5) * 0.02;
        }
    }
}
