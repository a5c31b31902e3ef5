//! Themes at several levels that nest: communities of papers, communities of those, and so on up.
//!
//! The finest level is found on the graph of papers; every level above on the graph of the themes below it, so a finer
//! theme lies within one coarser theme by construction. Modularity of a grouping of themes is that of the same grouping
//! of papers, so nothing is lost by it.

use super::graph::{Graph, Knn};
use super::leiden::{self, Options};

/// How many levels there are: 0 is the coarsest.
pub const LEVELS: usize = 3;

/// The finest level.
pub const FINEST: usize = LEVELS - 1;

/// Marks a paper without a theme.
pub const NONE: u32 = u32::MAX;

/// How much an edge counts that only one of its papers lists among its neighbours.
const ONE_SIDED: f32 = 0.5;

/// From this similarity on two papers are one text, and counted as one node.
const SAME_TEXT: f32 = 0.9999;

/// A paper whose neighbours lie in its theme with a smaller share of their closeness belongs to none.
const LEAST_STRENGTH: f32 = 0.25;

/// The same for a paper that none of its neighbours lists in turn.
const LEAST_STRENGTH_UNLISTED: f32 = 0.5;

/// Themes are regrouped from the ground up only when that is better than moving single papers by this part of modularity:
/// below, another grouping is as good, and the one that people know is kept.
const WORTH: f64 = 0.004;

/// What a run starts from, so that tomorrow's themes grow out of today's.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// For every level and paper the theme it had, by any numbering; [`NONE`] for a new one.
    pub themes: Vec<Vec<u32>>,
    /// The resolutions of every level that were found then; none searches for them anew.
    pub resolutions: Option<[f64; LEVELS]>,
}

/// Papers in themes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grouping {
    /// For every paper its finest theme, or the nearest one where it belongs to none; [`NONE`] where none is near.
    pub nearest: Vec<u32>,
    /// Whether it belongs to it.
    pub member: Vec<bool>,
    /// The share of the closeness of its neighbours that lies in this theme: 0 to 1.
    pub strength: Vec<f32>,
    /// `levels[l][c]`: the theme of level `l` that the finest theme `c` lies in. The last level is the finest itself.
    pub levels: Vec<Vec<u32>>,
    /// The resolution of every level.
    pub resolutions: [f64; LEVELS],
}

impl Grouping {
    /// Themes of a level.
    pub fn themes(&self, level: usize) -> usize {
        self.levels.get(level).and_then(|l| l.iter().max()).map_or(0, |m| *m as usize + 1)
    }

    /// The theme of a paper at a level, if it belongs to one.
    pub fn theme(&self, level: usize, paper: usize) -> Option<u32> {
        self.member[paper].then(|| self.levels[level][self.nearest[paper] as usize])
    }
}

/// The closeness that an edge of a similarity stands for.
pub fn closeness(similarity: f32) -> f32 {
    similarity.clamp(0.0, 1.0).powi(2)
}

/// About how many finest themes suit `n` papers.
pub fn finest_wanted(n: usize) -> usize {
    let n = n as f64;
    (1.4 * n.sqrt()).min(n / 8.0).round().max(1.0) as usize
}

/// The fewest papers that make a theme.
pub fn fewest(n: usize) -> usize {
    ((n as f64).sqrt() / 6.0).round().clamp(2.0, 10.0) as usize
}

/// The weighted graph of neighbour lists: an edge counts fully when both papers list each other, half when one does.
pub fn paper_graph(knn: &Knn) -> Graph {
    let n = knn.len();
    let mut edges = Vec::with_capacity(n * 12);
    for i in 0..n {
        for (j, s) in knn.of(i) {
            let mutual = knn.lists(j, i);
            if mutual && j < i {
                continue;
            }
            let w = closeness(s) * if mutual { 1.0 } else { ONE_SIDED };
            if w > 0.0 {
                edges.push((i as u32, j as u32, w));
            }
        }
    }
    Graph::new(n, &edges, Vec::new())
}

/// Puts papers into themes. The same neighbours, seed and start give the same themes.
pub fn group(knn: &Knn, seed: u64, start: Option<&Start>) -> Grouping {
    let n = knn.len();
    let graph = paper_graph(knn);
    let texts = same_texts(knn);
    let fine = finest(&graph, &texts, seed, start);
    let (kept, themes) = keep_large(&fine.part, fewest(n));
    let mut grouping = Grouping { resolutions: [0.0, 0.0, fine.resolution], ..Grouping::default() };
    place(knn, &kept, &texts, &mut grouping);
    upward(&graph, themes, seed, start, &mut grouping);
    grouping
}

/// For every paper the number of its text: papers that are all but identical share one.
fn same_texts(knn: &Knn) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..knn.len() as u32).collect();
    fn root(parent: &mut [u32], mut i: u32) -> u32 {
        while parent[i as usize] != i {
            parent[i as usize] = parent[parent[i as usize] as usize];
            i = parent[i as usize];
        }
        i
    }
    for i in 0..knn.len() {
        for (j, s) in knn.of(i).take_while(|(_, s)| *s >= SAME_TEXT) {
            debug_assert!(s >= SAME_TEXT);
            let (a, b) = (root(&mut parent, i as u32), root(&mut parent, j as u32));
            parent[a.max(b) as usize] = a.min(b);
        }
    }
    let roots: Vec<u32> = (0..knn.len() as u32).map(|i| root(&mut parent, i)).collect();
    leiden::compact(&roots).0
}

struct Fine {
    part: Vec<u32>,
    resolution: f64,
}

/// The finest communities: at the resolution of the run before, else at one that makes about as many as are wanted.
fn finest(graph: &Graph, texts: &[u32], seed: u64, start: Option<&Start>) -> Fine {
    let n = graph.len();
    let distinct = texts.iter().max().map_or(0, |m| *m as usize + 1);
    // Copies of a text are one node: their number says nothing of what the corpus is about, and their edges among each
    // other nothing of what they are close to.
    let merged = if distinct == n { None } else { Some(without_insides(&graph.put_together(texts, distinct))) };
    let g = merged.as_ref().unwrap_or(graph);
    let spread = |part: Vec<u32>| -> Vec<u32> { texts.iter().map(|t| part[*t as usize]).collect() };
    let of_texts = |per_paper: &[u32]| -> Vec<u32> {
        // Those that had no theme begin alone, behind all others.
        let most = per_paper.iter().filter(|t| **t != NONE).max().map_or(0, |m| m + 1);
        let mut out: Vec<u32> = (0..distinct as u32).map(|i| most + i).collect();
        for (paper, t) in per_paper.iter().enumerate().rev().filter(|(_, t)| **t != NONE) {
            out[texts[paper] as usize] = *t;
        }
        out
    };
    let begin = start.and_then(|s| s.themes.get(FINEST)).filter(|t| t.len() == n).map(|t| of_texts(t));
    let run = |resolution, passes| leiden::communities(g, &Options { resolution, seed, passes }, begin.as_deref());
    if let (Some(known), Some(begin)) = (start.and_then(|s| s.resolutions), &begin) {
        let resolution = known[FINEST].max(f64::MIN_POSITIVE);
        let options = Options { resolution, seed, passes: 2 };
        return Fine { part: spread(leiden::onward(g, &options, begin, WORTH).0), resolution };
    }
    let (resolution, part) = search(distinct, fewest(n), &|resolution| run(resolution, 2).0);
    Fine { part: spread(part), resolution }
}

/// The share of nodes that communities large enough to be themes should hold: above a certain resolution a graph falls
/// apart into single nodes.
const HELD: f64 = 0.85;

/// The resolution at which about as many communities are large enough to be themes as are wanted, and these communities.
fn search(nodes: usize, least: usize, run: &dyn Fn(f64) -> Vec<u32>) -> (f64, Vec<u32>) {
    let wanted = finest_wanted(nodes) as f64;
    // How many communities are large enough, and which share of the nodes they hold.
    let measure = |part: &[u32]| {
        let mut sizes = vec![0usize; nodes];
        part.iter().for_each(|p| sizes[*p as usize] += 1);
        let large: Vec<usize> = sizes.into_iter().filter(|s| *s >= least).collect();
        (large.len().max(1) as f64, large.iter().sum::<usize>() as f64 / nodes.max(1) as f64)
    };
    let mut resolution = (wanted / 25.0).powf(1.35).max(1.0);
    let (mut low, mut high): (Option<f64>, Option<f64>) = (None, None);
    let mut best: Option<((bool, f64), f64, Vec<u32>)> = None;
    for _ in 0..if nodes < 20_000 { 10 } else { 5 } {
        let part = run(resolution);
        let (count, held) = measure(&part);
        let ratio = wanted / count;
        let apart = held < HELD;
        // Of those that fall apart the one that holds most; of the others the one nearest to what is wanted.
        let worth = (!apart, if apart { held } else { -ratio.ln().abs() });
        if best.as_ref().is_none_or(|(w, ..)| worth > *w) {
            best = Some((worth, resolution, part));
        }
        // Below 1 communities would be put together that modularity itself keeps apart.
        if !apart && ((0.87..1.15).contains(&ratio) || (ratio < 1.0 && resolution <= 1.0)) || apart && resolution <= 1.0
        {
            break;
        }
        if apart || ratio < 1.0 {
            high = Some(resolution)
        } else {
            low = Some(resolution)
        }
        resolution = match (low, high) {
            (Some(low), Some(high)) => (low * high).sqrt(),
            _ if apart => (resolution / 3.0).max(1.0),
            _ => (resolution * ratio.powf(1.3).clamp(0.2, 5.0)).max(1.0),
        };
    }
    best.map_or_else(|| (1.0, run(1.0)), |(_, resolution, part)| (resolution, part))
}

fn without_insides(graph: &Graph) -> Graph {
    let mut edges = Vec::new();
    for i in 0..graph.len() {
        edges.extend(graph.neighbours(i).filter(|(j, _)| *j > i).map(|(j, w)| (i as u32, j as u32, w)));
    }
    Graph::new(graph.len(), &edges, Vec::new())
}

/// Communities of at least so many papers, renumbered from 0; the rest are [`NONE`]. And how many are kept.
fn keep_large(part: &[u32], least: usize) -> (Vec<u32>, usize) {
    let parts = part.iter().max().map_or(0, |m| *m as usize + 1);
    let mut sizes = vec![0usize; parts];
    part.iter().for_each(|p| sizes[*p as usize] += 1);
    let mut order: Vec<usize> = (0..parts).filter(|p| sizes[*p] >= least).collect();
    order.sort_by(|a, b| sizes[*b].cmp(&sizes[*a]).then(a.cmp(b)));
    let mut name = vec![NONE; parts];
    order.iter().enumerate().for_each(|(new, old)| name[*old] = new as u32);
    (part.iter().map(|p| name[*p as usize]).collect(), order.len())
}

/// Decides for every paper whether it belongs to a theme, or which is the nearest.
fn place(knn: &Knn, kept: &[u32], texts: &[u32], out: &mut Grouping) {
    let n = kept.len();
    (out.nearest, out.member, out.strength) = (vec![NONE; n], vec![false; n], vec![0.0; n]);
    let copies = {
        let mut copies = vec![0u32; n];
        texts.iter().for_each(|t| copies[*t as usize] += 1);
        copies
    };
    let mut waiting = Vec::new();
    for i in 0..n {
        // One of several copies stands with them, whatever else is near.
        let crowd = copies[texts[i] as usize] as usize > 1 && knn.of(i).all(|(j, _)| texts[j] == texts[i]);
        let votes = vote(knn.of(i).map(|(j, s)| (kept[j], s)));
        let own = kept[i];
        let listed = knn.of(i).any(|(j, _)| knn.lists(j, i));
        let share = votes.share(own);
        let least = if listed { LEAST_STRENGTH } else { LEAST_STRENGTH_UNLISTED };
        let belongs = own != NONE && (crowd || share >= least);
        if belongs {
            (out.nearest[i], out.member[i], out.strength[i]) = (own, true, if crowd { 1.0 } else { share });
        } else if let Some((near, share)) = votes.best() {
            (out.nearest[i], out.strength[i]) = (near, share);
        } else {
            waiting.push(i);
        }
    }
    // Papers among papers without a theme: the nearest theme of the neighbours, from the inside out.
    while !waiting.is_empty() {
        let found: Vec<(usize, u32)> = waiting
            .iter()
            .filter_map(|&i| Some((i, vote(knn.of(i).map(|(j, s)| (out.nearest[j], s))).best()?.0)))
            .collect();
        if found.is_empty() {
            break;
        }
        found.iter().for_each(|(i, near)| out.nearest[*i] = *near);
        waiting.retain(|i| out.nearest[*i] == NONE);
    }
    // Every theme keeps at least one paper that belongs to it: the one that fits it best.
    let themes = kept.iter().filter(|k| **k != NONE).max().map_or(0, |m| *m as usize + 1);
    let mut has = vec![false; themes];
    (0..n).filter(|i| out.member[*i]).for_each(|i| has[out.nearest[i] as usize] = true);
    for t in (0..themes).filter(|t| !has[*t]) {
        for i in (0..n).filter(|i| kept[*i] == t as u32) {
            (out.nearest[i], out.member[i]) = (t as u32, true);
            out.strength[i] = vote(knn.of(i).map(|(j, s)| (kept[j], s))).share(t as u32);
        }
    }
}

/// The themes around a paper, by the closeness of the neighbours in them.
pub struct NeighbourVotes {
    shares: Vec<(u32, f32)>,
    all: f32,
}

/// Counts the votes of neighbours, given as their theme (or [`NONE`]) and similarity.
pub fn vote(neighbours: impl Iterator<Item = (u32, f32)>) -> NeighbourVotes {
    let mut vote = NeighbourVotes { shares: Vec::new(), all: 0.0 };
    for (theme, s) in neighbours {
        let w = closeness(s);
        vote.all += w;
        if theme == NONE || w <= 0.0 {
            continue;
        }
        match vote.shares.iter_mut().find(|(t, _)| *t == theme) {
            Some((_, sum)) => *sum += w,
            None => vote.shares.push((theme, w)),
        }
    }
    vote
}

impl NeighbourVotes {
    /// The share of a theme, 0 to 1.
    pub fn share(&self, theme: u32) -> f32 {
        let own = self.shares.iter().find(|(t, _)| *t == theme).map_or(0.0, |(_, w)| *w);
        if self.all > 0.0 { (own / self.all).min(1.0) } else { 0.0 }
    }

    /// The theme with the greatest share (of equal ones the one with the closest neighbour), and that share.
    pub fn best(&self) -> Option<(u32, f32)> {
        let mut best: Option<(u32, f32)> = None;
        for &(theme, w) in &self.shares {
            if best.is_none_or(|(_, b)| w > b) {
                best = Some((theme, w));
            }
        }
        best.map(|(theme, w)| (theme, (w / self.all).min(1.0)))
    }
}

/// Where a new paper belongs by its neighbours (their theme or [`NONE`], and similarity): the theme, whether it belongs
/// to it or is only nearest to it, and the strength.
pub fn join(neighbours: impl Iterator<Item = (u32, f32)>) -> Option<(u32, bool, f32)> {
    vote(neighbours).best().map(|(theme, share)| (theme, share >= LEAST_STRENGTH, share))
}

/// Groups the finest themes, and the groups again.
fn upward(graph: &Graph, themes: usize, seed: u64, start: Option<&Start>, out: &mut Grouping) {
    let identity: Vec<u32> = (0..themes as u32).collect();
    out.levels = vec![identity; LEVELS];
    if themes == 0 {
        return;
    }
    // Papers that are only near a theme connect it as its own do.
    let part: Vec<u32> = out.nearest.iter().map(|t| if *t == NONE { themes as u32 } else { *t }).collect();
    let whole = graph.put_together(&part, themes + 1);
    let mut g = first_nodes(&whole, themes);
    for level in (0..FINEST).rev() {
        let below = g.len();
        let begin = start.and_then(|s| s.themes.get(level)).filter(|t| t.len() == part.len()).map(|before| {
            let of_papers: Vec<u32> = part
                .iter()
                .map(|t| if *t as usize == themes { NONE } else { out.levels[level + 1][*t as usize] })
                .collect();
            majority(&of_papers, before, below)
        });
        let run = |resolution| {
            let options = Options { resolution, seed, passes: 3 };
            match &begin {
                Some(begin) => leiden::onward(&g, &options, begin, WORTH),
                None => leiden::communities(&g, &options, None),
            }
        };
        let wanted = if level == 0 { COARSEST } else { (below as f64 * COARSEST as f64).sqrt().round() as usize };
        let known = start.and_then(|s| s.resolutions).map(|r| r[level]);
        let (resolution, (part_of, parts)) = match known {
            Some(resolution) => (resolution, run(resolution)),
            None => at_most(wanted.max(1), &run),
        };
        out.resolutions[level] = resolution;
        for l in 0..=level {
            out.levels[l] = out.levels[level + 1].iter().map(|t| part_of[*t as usize]).collect();
        }
        g = g.put_together(&part_of, parts);
    }
}

/// Coarsest themes at most, so that they fit on a page.
const COARSEST: usize = 16;

/// The result at resolution 1, or at the greatest one below that makes no more than `most` communities; above 1 when
/// more are wanted than 1 gives.
fn at_most(most: usize, run: &dyn Fn(f64) -> (Vec<u32>, usize)) -> (f64, (Vec<u32>, usize)) {
    let (mut low, mut high) = (1.0 / 64.0, 64.0);
    let mut best = (1.0, run(1.0));
    let enough = |parts: usize| most > COARSEST && parts < most;
    if best.1.1 <= most && !enough(best.1.1) {
        return best;
    }
    if best.1.1 > most {
        high = 1.0
    } else {
        low = 1.0
    }
    let mut within = (best.1.1 <= most).then(|| best.clone());
    for _ in 0..12 {
        let middle = f64::sqrt(low * high);
        let found = run(middle);
        if found.1 <= most {
            low = middle;
            if within.as_ref().is_none_or(|w| found.1 >= w.1.1) {
                within = Some((middle, found));
            }
        } else {
            high = middle;
            best = if found.1 < best.1.1 { (middle, found) } else { best };
        }
    }
    within.unwrap_or(best)
}

/// The graph of the first `n` nodes of another.
fn first_nodes(graph: &Graph, n: usize) -> Graph {
    let mut edges = Vec::new();
    for i in 0..n {
        edges.extend(graph.neighbours(i).filter(|(j, _)| *j > i && *j < n).map(|(j, w)| (i as u32, j as u32, w)));
    }
    Graph::new(n, &edges, (0..n).map(|i| graph.inside(i)).collect())
}

/// For every one of `n` groups the value that most of its papers had; groups whose papers had none get one of their own.
fn majority(groups: &[u32], before: &[u32], n: usize) -> Vec<u32> {
    let mut pairs: Vec<(u32, u32)> =
        groups.iter().zip(before).filter(|(g, b)| **g != NONE && **b != NONE).map(|(g, b)| (*g, *b)).collect();
    pairs.sort_unstable();
    let most = before.iter().filter(|b| **b != NONE).max().map_or(0, |m| m + 1);
    let mut out: Vec<u32> = (0..n as u32).map(|g| most + g).collect();
    let mut times = vec![0usize; n];
    for same in pairs.chunk_by(|a, b| a == b) {
        let (group, value) = same[0];
        if same.len() > times[group as usize] {
            times[group as usize] = same.len();
            out[group as usize] = value;
        }
    }
    out
}
