//! Neighbour lists, and the weighted graphs made of them.

use crate::vector::dot;

/// The nearest neighbours of every paper: paper `i` has `k` places, of which the unused hold [`Knn::NONE`].
///
/// Papers are numbered 0 to n - 1; what row a number stands for is the caller's business.
#[derive(Debug, Clone, Default)]
pub struct Knn {
    n: usize,
    k: usize,
    ids: Vec<u32>,
    scores: Vec<f32>,
}

impl Knn {
    /// Marks a place without a neighbour.
    pub const NONE: u32 = u32::MAX;

    /// An empty table for `n` papers with up to `k` neighbours each.
    pub fn new(n: usize, k: usize) -> Self {
        Knn { n, k, ids: vec![Self::NONE; n * k], scores: vec![0.0; n * k] }
    }

    /// Papers.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no papers.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The places of every paper, for filling in.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = (&mut [u32], &mut [f32])> {
        let k = self.k.max(1);
        self.ids.chunks_exact_mut(k).zip(self.scores.chunks_exact_mut(k))
    }

    /// The neighbours of a paper and their similarity, closest first.
    pub fn of(&self, i: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let at = i * self.k..(i + 1) * self.k;
        let ids = &self.ids[at.clone()];
        ids.iter().zip(&self.scores[at]).take_while(|(id, _)| **id != Self::NONE).map(|(id, s)| (*id as usize, *s))
    }

    /// Whether `j` is among the neighbours of `i`.
    pub fn lists(&self, i: usize, j: usize) -> bool {
        self.of(i).any(|(id, _)| id == j)
    }

    /// All neighbours of exact vectors (`n` of `d` numbers each, of unit length): for sets small enough to compare
    /// every pair. Equal scores go by the smaller number.
    pub fn exact(vectors: &[f32], d: usize, k: usize) -> Self {
        use rayon::prelude::*;
        let n = vectors.len() / d.max(1);
        let k = k.min(n.saturating_sub(1));
        let mut knn = Knn::new(n, k);
        if k == 0 {
            return knn;
        }
        knn.ids.par_chunks_exact_mut(k).zip(knn.scores.par_chunks_exact_mut(k)).enumerate().for_each(
            |(i, (ids, scores))| {
                let own = &vectors[i * d..(i + 1) * d];
                let mut all: Vec<(f32, u32)> = (0..n)
                    .filter(|j| *j != i)
                    .map(|j| (dot(own, &vectors[j * d..(j + 1) * d]), u32::try_from(j).unwrap_or(Self::NONE)))
                    .collect();
                let closest = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
                if k < all.len() {
                    all.select_nth_unstable_by(k - 1, closest);
                    all.truncate(k);
                }
                all.sort_unstable_by(closest);
                for ((id, score), (s, j)) in ids.iter_mut().zip(scores.iter_mut()).zip(all) {
                    (*id, *score) = (j, s);
                }
            },
        );
        knn
    }
}

/// An undirected weighted graph in compressed rows: every edge stands with both its ends.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    offsets: Vec<usize>,
    targets: Vec<u32>,
    weights: Vec<f32>,
    /// Weight inside a node: the edges that vanished when nodes were put together.
    loops: Vec<f64>,
    degrees: Vec<f64>,
}

impl Graph {
    /// A graph of `n` nodes from edges, each given once in either direction, and weights inside the nodes. Parallel
    /// edges add up; edges of a node with itself go to its inside.
    pub fn new(n: usize, edges: &[(u32, u32, f32)], mut loops: Vec<f64>) -> Self {
        loops.resize(n, 0.0);
        let mut offsets = vec![0usize; n + 1];
        for &(a, b, w) in edges {
            if a == b {
                loops[a as usize] += f64::from(w);
            } else {
                offsets[a as usize + 1] += 1;
                offsets[b as usize + 1] += 1;
            }
        }
        for i in 0..n {
            offsets[i + 1] += offsets[i];
        }
        let mut at = offsets.clone();
        let (mut targets, mut weights) = (vec![0u32; offsets[n]], vec![0f32; offsets[n]]);
        for &(a, b, w) in edges.iter().filter(|(a, b, _)| a != b) {
            for (from, to) in [(a, b), (b, a)] {
                let place = at[from as usize];
                at[from as usize] += 1;
                (targets[place], weights[place]) = (to, w);
            }
        }
        let mut graph = Graph { offsets, targets, weights, loops, degrees: Vec::new() };
        graph.fold();
        graph
    }

    /// Sorts every row by target and adds up parallel edges, so that results depend on no order of input.
    fn fold(&mut self) {
        let n = self.len();
        let (mut row, mut kept) = (Vec::new(), 0);
        let mut offsets = vec![0usize; n + 1];
        for i in 0..n {
            row.clear();
            row.extend(self.row_range(i).map(|e| (self.targets[e], self.weights[e])));
            row.sort_unstable_by(|a: &(u32, f32), b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let start = kept;
            for &(t, w) in &row {
                if kept > start && self.targets[kept - 1] == t {
                    self.weights[kept - 1] += w;
                } else {
                    (self.targets[kept], self.weights[kept]) = (t, w);
                    kept += 1;
                }
            }
            offsets[i + 1] = kept;
        }
        self.targets.truncate(kept);
        self.weights.truncate(kept);
        self.offsets = offsets;
        self.degrees =
            (0..n).map(|i| self.neighbours(i).map(|(_, w)| f64::from(w)).sum::<f64>() + 2.0 * self.loops[i]).collect();
    }

    fn row_range(&self, i: usize) -> std::ops::Range<usize> {
        self.offsets[i]..self.offsets[i + 1]
    }

    /// Nodes.
    pub fn len(&self) -> usize {
        self.loops.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.loops.is_empty()
    }

    /// The neighbours of a node with the weight of the edge, by number.
    pub fn neighbours(&self, i: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        self.row_range(i).map(|e| (self.targets[e] as usize, self.weights[e]))
    }

    /// The weight of all edges at a node, its inside counted twice.
    pub fn degree(&self, i: usize) -> f64 {
        self.degrees[i]
    }

    /// The weight inside a node.
    pub fn inside(&self, i: usize) -> f64 {
        self.loops[i]
    }

    /// Twice the weight of all edges.
    pub fn volume(&self) -> f64 {
        self.degrees.iter().sum()
    }

    /// The graph of the parts of a partition (numbered 0 to `parts` - 1): edges between parts add up, those within go
    /// inside. Modularity of a partition of parts is then that of the same partition of nodes.
    pub fn put_together(&self, part: &[u32], parts: usize) -> Graph {
        let mut loops = vec![0f64; parts];
        let mut members: Vec<(u32, u32)> =
            part.iter().enumerate().map(|(i, p)| (*p, u32::try_from(i).unwrap_or(u32::MAX))).collect();
        members.sort_unstable();
        let mut sums = vec![0f64; parts];
        let mut touched: Vec<u32> = Vec::new();
        let mut edges = Vec::new();
        for group in members.chunk_by(|a, b| a.0 == b.0) {
            let own = group[0].0;
            for &(_, i) in group {
                loops[own as usize] += self.loops[i as usize];
                for (j, w) in self.neighbours(i as usize) {
                    let other = part[j];
                    if other == own {
                        // Seen from both ends.
                        loops[own as usize] += f64::from(w) / 2.0;
                    } else if other > own {
                        if sums[other as usize] == 0.0 {
                            touched.push(other);
                        }
                        sums[other as usize] += f64::from(w);
                    }
                }
            }
            touched.sort_unstable();
            for other in touched.drain(..) {
                edges.push((own, other, sums[other as usize] as f32));
                sums[other as usize] = 0.0;
            }
        }
        Graph::new(parts, &edges, loops)
    }
}
