//! A cut through the tree of themes with about as many themes as somebody wants, each paper in one of them.
//!
//! Below the tree's top the cut is exact: of all cuts with so many themes the one whose themes are most even, found by
//! dynamic programming from the leaves up. Above it the coarsest themes are put together, two at a time, by Ward's
//! criterion (Ward, "Hierarchical grouping to optimize an objective function", JASA 58, 1963).

/// The nodes of a tree, each with its parent (which stands anywhere) and the papers in it.
pub struct Tree<'a> {
    /// The parent of each node; none for those at the top.
    pub parents: &'a [Option<usize>],
    /// Papers of each node.
    pub sizes: &'a [usize],
}

/// What a node can be cut into: for every number of parts (from 1 on, at its place less one) the least sum of squared
/// sizes, and how many parts each child gets then; no child for the node itself.
struct Ways {
    node: usize,
    children: Vec<Ways>,
    ways: Vec<Option<(f64, Vec<usize>)>>,
}

/// The nodes of the most even cut with `wanted` parts, or with as many as there can be next to that (of two numbers
/// equally near the smaller). Nodes without papers are left out. In falling order of size.
pub fn cut(tree: &Tree<'_>, wanted: usize) -> Vec<usize> {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); tree.parents.len()];
    let mut roots = Vec::new();
    for node in (0..tree.parents.len()).filter(|n| tree.sizes[*n] > 0) {
        match tree.parents[node] {
            Some(parent) => below[parent].push(node),
            None => roots.push(node),
        }
    }
    // No cut with more parts than that can be the nearest but where there is no smaller one.
    let most = wanted.max(1) + below.iter().map(Vec::len).max().unwrap_or(0).max(roots.len());
    let children: Vec<Ways> = roots.iter().map(|r| ways(*r, tree, &below, most)).collect();
    let ways = together(&children, most);
    let possible = (0..ways.len()).filter(|k| ways[*k].is_some());
    let Some(best) = possible.min_by_key(|k| ((k + 1).abs_diff(wanted), *k)) else { return Vec::new() };
    let mut chosen = Vec::new();
    let Some((_, shares)) = &ways[best] else { return Vec::new() };
    children.iter().zip(shares).for_each(|(child, parts)| collect(child, *parts, &mut chosen));
    chosen.sort_by_key(|n| (std::cmp::Reverse(tree.sizes[*n]), *n));
    chosen
}

fn ways(node: usize, tree: &Tree<'_>, below: &[Vec<usize>], most: usize) -> Ways {
    let children: Vec<Ways> = below[node].iter().map(|c| ways(*c, tree, below, most)).collect();
    let mut ways = together(&children, most);
    let own = (tree.sizes[node] as f64).powi(2);
    if ways.is_empty() {
        ways.push(None);
    }
    // A node with one child is that child again; the node speaks for both.
    ways[0] = Some((own, Vec::new()));
    Ways { node, children, ways }
}

/// What some nodes side by side can be cut into.
fn together(children: &[Ways], most: usize) -> Vec<Option<(f64, Vec<usize>)>> {
    let mut so_far: Vec<Option<(f64, Vec<usize>)>> = Vec::new();
    for (k, child) in children.iter().enumerate() {
        if k == 0 {
            so_far =
                child.ways.iter().enumerate().map(|(parts, way)| Some((way.as_ref()?.0, vec![parts + 1]))).collect();
            continue;
        }
        let length = (so_far.len() + child.ways.len()).min(most);
        let mut next: Vec<Option<(f64, Vec<usize>)>> = vec![None; length];
        for (a, before) in so_far.iter().enumerate() {
            let Some((cost, shares)) = before else { continue };
            for (b, way) in child.ways.iter().enumerate().take_while(|(b, _)| a + b + 2 <= length) {
                let Some((more, _)) = way else { continue };
                let place = a + b + 1;
                if next[place].as_ref().is_none_or(|(least, _)| cost + more < *least) {
                    next[place] = Some((cost + more, [shares.as_slice(), &[b + 1]].concat()));
                }
            }
        }
        so_far = next;
    }
    so_far
}

fn collect(ways: &Ways, parts: usize, chosen: &mut Vec<usize>) {
    match &ways.ways[parts - 1] {
        Some((_, shares)) if !shares.is_empty() => {
            ways.children.iter().zip(shares).for_each(|(child, parts)| collect(child, *parts, chosen));
        }
        _ => chosen.push(ways.node),
    }
}

/// Puts groups together until `wanted` are left: those two at a time whose middles, weighed by their sizes, lie
/// closest. Each group by its number, in rising order.
pub fn put_together(middles: &[Vec<f32>], sizes: &[usize], wanted: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Vec<usize>, Vec<f32>, f64)> =
        (0..middles.len()).map(|k| (vec![k], middles[k].clone(), sizes[k].max(1) as f64)).collect();
    while groups.len() > wanted.max(1) {
        let apart = |a: usize, b: usize| {
            let ((_, x, m), (_, y, n)) = (&groups[a], &groups[b]);
            m * n / (m + n) * x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>()
        };
        let pairs = (0..groups.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let Some((a, b)) = pairs.min_by(|p, q| apart(p.0, p.1).total_cmp(&apart(q.0, q.1))) else { break };
        let (more, y, n) = groups.remove(b);
        let (own, x, m) = &mut groups[a];
        own.extend(more);
        own.sort_unstable();
        x.iter_mut().zip(y).for_each(|(x, y)| *x = ((f64::from(*x) * *m + f64::from(y) * n) / (*m + n)) as f32);
        *m += n;
    }
    groups.into_iter().map(|g| g.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_most_even_cut_of_a_small_tree() {
        // Two at the top: one of 60 with parts of 30, 20, 10 (the first again of 15 and 15), one of 40 with 39 and 1.
        let parents = [None, None, Some(0), Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)];
        let sizes = [60, 40, 30, 20, 10, 39, 1, 15, 15];
        let tree = Tree { parents: &parents, sizes: &sizes };
        assert_eq!(cut(&tree, 2), [0, 1]);
        assert_eq!(cut(&tree, 4), [1, 2, 3, 4]);
        assert_eq!(cut(&tree, 5), [1, 3, 7, 8, 4]);
        assert_eq!(cut(&tree, 6), [5, 3, 7, 8, 4, 6]);
        assert_eq!(cut(&tree, 100), cut(&tree, 6));
        assert_eq!(cut(&tree, 1), [0, 1]);
        assert!(cut(&Tree { parents: &[], sizes: &[] }, 3).is_empty());
    }

    #[test]
    fn neighbours_are_put_together_first() {
        let middles = [vec![0.0, 0.0], vec![5.0, 0.0], vec![0.2, 0.0], vec![5.0, 0.4]];
        assert_eq!(put_together(&middles, &[5, 5, 5, 5], 2), [vec![0, 2], vec![1, 3]]);
        assert_eq!(put_together(&middles, &[5, 5, 5, 5], 1), [vec![0, 1, 2, 3]]);
        assert_eq!(put_together(&middles, &[5, 5, 5, 5], 9).len(), 4);
    }

    proptest! {
        #[test]
        fn every_leaf_is_in_one_part(
            tops in prop::collection::vec(prop::collection::vec(prop::collection::vec(1usize..50, 1..5), 1..5), 1..6),
            wanted in 1usize..40,
        ) {
            let (mut parents, mut sizes, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
            for top in &tops {
                let root = parents.len();
                parents.push(None);
                sizes.push(top.iter().flatten().sum::<usize>());
                for middle in top {
                    let node = parents.len();
                    parents.push(Some(root));
                    sizes.push(middle.iter().sum());
                    for leaf in middle {
                        leaves.push(parents.len());
                        parents.push(Some(node));
                        sizes.push(*leaf);
                    }
                }
            }
            let chosen = cut(&Tree { parents: &parents, sizes: &sizes }, wanted);
            for leaf in &leaves {
                let path = std::iter::successors(Some(*leaf), |n| parents[*n]);
                prop_assert_eq!(path.filter(|n| chosen.contains(n)).count(), 1);
            }
            // A step from one number to the next possible is at most as wide as a node has children.
            let nearest = chosen.len().abs_diff(wanted);
            prop_assert!(nearest <= 4 || wanted < tops.len() || wanted > leaves.len());
        }
    }
}
