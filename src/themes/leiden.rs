//! Communities of a weighted graph: the Leiden algorithm for modularity with a resolution.
//!
//! Traag, Waltman and van Eck, "From Louvain to Leiden: guaranteeing well-connected communities", 2019. Local moves with
//! a queue, refinement within the communities found, the graph put together along the refinement, and again. Our own,
//! because a run must be the same for the same graph and seed on any number of threads, start from yesterday's
//! communities, and put 200,000 papers in order within seconds (docs/themes.md has the measurements).

use fastrand::Rng;

use super::graph::Graph;
use super::random_order;

/// How to look for communities.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The resolution, gamma: greater values make smaller communities. Above 0.
    pub resolution: f64,
    /// Settles the order of visits and the random merges.
    pub seed: u64,
    /// Whole passes (move, refine, put together until nothing changes) at most. Each starts from the result of the one
    /// before; two or three find nearly all there is.
    pub passes: usize,
}

/// How random the merges of the refinement are (theta of the paper): greater explores more.
const RANDOMNESS: f64 = 0.01;

/// The community of every node, numbered from 0 by falling weight, and how many there are. `start` is the partition to
/// begin with; without it every node begins alone.
pub fn communities(graph: &Graph, options: &Options, start: Option<&[u32]>) -> (Vec<u32>, usize) {
    let n = graph.len();
    let mut part: Vec<u32> = match start {
        Some(start) => compact(start).0,
        None => (0..n as u32).collect(),
    };
    let mut random = Rng::with_seed(options.seed);
    for _ in 0..options.passes {
        if !pass(graph, options.resolution, &mut random, &mut part) {
            break;
        }
    }
    by_weight(graph, &part)
}

/// Communities that grow out of those of `start`: single nodes move, and the whole is looked through anew, but that counts
/// only when it raises modularity by at least the part `worth` of it. Groupings of nearly one quality are many, and
/// changing from one to the next with every new node would tell of nothing.
pub fn onward(graph: &Graph, options: &Options, start: &[u32], worth: f64) -> (Vec<u32>, usize) {
    let mut near = compact(start).0;
    let known = near.clone();
    move_nodes(graph, options.resolution, &mut Rng::with_seed(options.seed), &mut near, Some(&known));
    let far = communities(graph, options, Some(&near));
    let quality = |part: &[u32]| modularity(graph, part, options.resolution);
    let (kept, found) = (quality(&near), quality(&far.0));
    if found - kept >= worth * kept.abs() { far } else { by_weight(graph, &near) }
}

/// One pass. Whether anything changed.
fn pass(graph: &Graph, resolution: f64, random: &mut Rng, part: &mut [u32]) -> bool {
    let mut any = false;
    let mut owned: Option<Graph> = None;
    // The node of the present graph that every node of the first one is in, and the communities of the present ones.
    let mut node_of: Vec<u32> = (0..graph.len() as u32).collect();
    let mut current: Vec<u32> = part.to_vec();
    loop {
        let g = owned.as_ref().unwrap_or(graph);
        let moved = move_nodes(g, resolution, random, &mut current, None);
        any |= moved;
        let (compacted, parts) = compact(&current);
        current = compacted;
        if parts == g.len() {
            break;
        }
        let refined = refine(g, resolution, random, &current);
        let (refined, nodes) = compact(&refined);
        if nodes == g.len() {
            break;
        }
        let mut next = vec![0u32; nodes];
        for (i, r) in refined.iter().enumerate() {
            next[*r as usize] = current[i];
        }
        for node in &mut node_of {
            *node = refined[*node as usize];
        }
        owned = Some(g.put_together(&refined, nodes));
        current = next;
    }
    for (p, node) in part.iter_mut().zip(&node_of) {
        *p = current[*node as usize];
    }
    any
}

/// What staying in the community of before is worth to a node, as a part of its weight.
const STAYING: f64 = 0.04;

/// Moves nodes to the neighbouring community where modularity gains most, until no move gains. Whether any moved. A node
/// leaves the community it has in `known` only for a gain that is worth it.
fn move_nodes(g: &Graph, resolution: f64, random: &mut Rng, part: &mut [u32], known: Option<&[u32]>) -> bool {
    let n = g.len();
    let volume = g.volume();
    if volume <= 0.0 {
        return false;
    }
    let mut total = vec![0f64; n];
    let mut sizes = vec![0u32; n];
    for i in 0..n {
        total[part[i] as usize] += g.degree(i);
        sizes[part[i] as usize] += 1;
    }
    let mut empty: Vec<u32> = (0..n as u32).rev().filter(|c| sizes[*c as usize] == 0).collect();
    let mut queue: std::collections::VecDeque<u32> = random_order(random, n).into();
    let mut queued = vec![true; n];
    let mut links = Links::new(n);
    let mut any = false;
    while let Some(i) = queue.pop_front() {
        let i = i as usize;
        queued[i] = false;
        let own = part[i];
        links.gather(g.neighbours(i).map(|(j, w)| (part[j], w)));
        let degree = g.degree(i);
        total[own as usize] -= degree;
        let staying = |c: u32| if known.is_some_and(|k| k[i] == c) { STAYING * degree } else { 0.0 };
        let gain = |c: u32, w: f64| w - resolution * degree * total[c as usize] / volume + staying(c);
        let mut best = (gain(own, links.to(own)), own);
        for &c in &links.touched {
            let g = gain(c, links.to(c));
            if g > best.0 + 1e-12 {
                best = (g, c);
            }
        }
        // Alone may be better than any.
        if best.0 < -1e-12
            && sizes[own as usize] > 1
            && let Some(&c) = empty.last()
        {
            best = (0.0, c);
        }
        let new = best.1;
        total[new as usize] += degree;
        if new != own {
            any = true;
            if sizes[new as usize] == 0 {
                empty.pop();
            }
            sizes[own as usize] -= 1;
            sizes[new as usize] += 1;
            if sizes[own as usize] == 0 {
                empty.push(own);
            }
            part[i] = new;
            for (j, _) in g.neighbours(i) {
                if part[j] != new && !queued[j] {
                    queued[j] = true;
                    queue.push_back(j as u32);
                }
            }
        }
        links.clear();
    }
    any
}

/// Splits every community into well-connected pieces: nodes begin alone and merge, at random but preferring gain, with
/// pieces of their own community that are well connected to the rest of it.
fn refine(g: &Graph, resolution: f64, random: &mut Rng, part: &[u32]) -> Vec<u32> {
    let n = g.len();
    let volume = g.volume().max(f64::MIN_POSITIVE);
    let mut pieces: Vec<u32> = (0..n as u32).collect();
    let mut total: Vec<f64> = (0..n).map(|i| g.degree(i)).collect();
    let mut alone = vec![true; n];
    let mut weight = vec![0f64; n];
    for i in 0..n {
        weight[part[i] as usize] += g.degree(i);
    }
    // The weight from every piece to the rest of its community.
    let mut outward: Vec<f64> =
        (0..n).map(|i| g.neighbours(i).filter(|(j, _)| part[*j] == part[i]).map(|(_, w)| f64::from(w)).sum()).collect();
    let mut links = Links::new(n);
    let mut chances: Vec<(f64, u32)> = Vec::new();
    for i in random_order(random, n) {
        let i = i as usize;
        let community = weight[part[i] as usize];
        let degree = g.degree(i);
        if !alone[i] || outward[pieces[i] as usize] < resolution * degree * (community - degree) / volume {
            continue;
        }
        links.gather(g.neighbours(i).filter(|(j, _)| part[*j] == part[i]).map(|(j, w)| (pieces[j], w)));
        let own = pieces[i];
        chances.clear();
        let mut sum = 0.0;
        for &c in &links.touched {
            let t = total[c as usize];
            let connected = outward[c as usize] >= resolution * t * (community - t) / volume;
            let gain = links.to(c) - resolution * degree * t / volume;
            if c != own && connected && gain > 0.0 {
                // Gains are in units of the node's own weight, so that the randomness does not depend on the scale.
                sum += (gain / degree.max(f64::MIN_POSITIVE) / RANDOMNESS).min(500.0).exp();
                chances.push((sum, c));
            }
        }
        let draw = random.f64() * sum;
        if let Some(&(_, c)) = chances.iter().find(|(s, _)| *s >= draw) {
            let c_index = c as usize;
            let inner = links.to(c);
            outward[c_index] += outward[own as usize] - 2.0 * inner;
            total[c_index] += degree;
            total[own as usize] = 0.0;
            pieces[i] = c;
            // Whoever began the piece that was joined is no longer alone.
            alone[c_index] = false;
            alone[i] = false;
        }
        links.clear();
    }
    pieces
}

/// The weight from one node to each community around it.
struct Links {
    weight: Vec<f64>,
    seen: Vec<bool>,
    touched: Vec<u32>,
}

impl Links {
    fn new(n: usize) -> Self {
        Links { weight: vec![0.0; n], seen: vec![false; n], touched: Vec::new() }
    }

    fn gather(&mut self, links: impl Iterator<Item = (u32, f32)>) {
        for (c, w) in links {
            if !self.seen[c as usize] {
                self.seen[c as usize] = true;
                self.touched.push(c);
            }
            self.weight[c as usize] += f64::from(w);
        }
    }

    fn to(&self, c: u32) -> f64 {
        self.weight[c as usize]
    }

    fn clear(&mut self) {
        for c in self.touched.drain(..) {
            self.weight[c as usize] = 0.0;
            self.seen[c as usize] = false;
        }
    }
}

/// The same partition, its parts numbered from 0 without gaps in the order of their first nodes, and how many.
pub fn compact(part: &[u32]) -> (Vec<u32>, usize) {
    let most = part.iter().max().map_or(0, |m| *m as usize + 1);
    let mut name = vec![u32::MAX; most];
    let mut next = 0;
    let out = part
        .iter()
        .map(|p| {
            let name = &mut name[*p as usize];
            if *name == u32::MAX {
                *name = next;
                next += 1;
            }
            *name
        })
        .collect();
    (out, next as usize)
}

/// The same partition, its parts numbered by falling weight (equal ones by their first node).
fn by_weight(graph: &Graph, part: &[u32]) -> (Vec<u32>, usize) {
    let (part, parts) = compact(part);
    let mut weight = vec![0f64; parts];
    for (i, p) in part.iter().enumerate() {
        weight[*p as usize] += graph.degree(i);
    }
    let mut order: Vec<usize> = (0..parts).collect();
    order.sort_by(|a, b| weight[*b].total_cmp(&weight[*a]).then(a.cmp(b)));
    let mut rank = vec![0u32; parts];
    for (r, p) in order.iter().enumerate() {
        rank[*p] = r as u32;
    }
    (part.iter().map(|p| rank[*p as usize]).collect(), parts)
}

/// Modularity of a partition at a resolution: the share of weight inside communities less what chance would put there.
pub fn modularity(graph: &Graph, part: &[u32], resolution: f64) -> f64 {
    let volume = graph.volume();
    if volume <= 0.0 {
        return 0.0;
    }
    let parts = part.iter().max().map_or(0, |m| *m as usize + 1);
    let (mut inside, mut total) = (0f64, vec![0f64; parts]);
    for i in 0..graph.len() {
        total[part[i] as usize] += graph.degree(i);
        inside += 2.0 * graph.inside(i);
        inside += graph.neighbours(i).filter(|(j, _)| part[*j] == part[i]).map(|(_, w)| f64::from(w)).sum::<f64>();
    }
    inside / volume - resolution * total.iter().map(|t| (t / volume).powi(2)).sum::<f64>()
}
