//! The whole of it on corpora whose themes are known.

use proptest::prelude::*;

use super::graph::{Graph, Knn};
use super::layout::{self, Moves, Place};
use super::leiden::{self, Options};
use super::levels::{self, FINEST, Grouping, LEVELS, NONE, Start};

const D: usize = 16;

/// `per` papers around each of `fields` directions, with some noise; paper i is of field i % fields.
fn corpus(fields: usize, per: usize, noise: f32, seed: u64) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut out = Vec::new();
    for i in 0..fields * per {
        let mut v: Vec<f32> = (0..D).map(|_| (random.f32() - 0.5) * noise).collect();
        v[i % fields] += 1.0;
        let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
        out.extend(v.iter().map(|x| x / length));
    }
    out
}

fn grouped(vectors: &[f32]) -> Grouping {
    levels::group(&Knn::exact(vectors, D, 15), 1, None)
}

fn check_nesting(g: &Grouping) {
    assert_eq!(g.levels.len(), LEVELS);
    for l in 1..LEVELS {
        let mut parent = vec![None; g.themes(l)];
        for c in 0..g.themes(FINEST) {
            let (own, above) = (g.levels[l][c] as usize, g.levels[l - 1][c]);
            assert_eq!(*parent[own].get_or_insert(above), above, "theme {own} of level {l} lies in two");
        }
    }
    for i in 0..g.nearest.len() {
        assert!((0.0..=1.0).contains(&g.strength[i]));
        assert!(!g.member[i] || g.nearest[i] != NONE);
    }
    for level in 0..LEVELS {
        let mut sizes = vec![0; g.themes(level)];
        (0..g.nearest.len()).filter_map(|i| g.theme(level, i)).for_each(|t| sizes[t as usize] += 1);
        assert!(sizes.iter().all(|s| *s > 0), "a theme of level {level} has no papers");
    }
}

#[test]
fn no_paper_has_no_theme() {
    let g = grouped(&[]);
    assert_eq!((g.nearest.len(), g.themes(0), g.themes(FINEST)), (0, 0, 0));
}

#[test]
fn one_paper_is_no_theme() {
    let g = grouped(&corpus(1, 1, 0.1, 1));
    assert_eq!((g.member.as_slice(), g.nearest[0], g.themes(0)), ([false].as_slice(), NONE, 0));
}

#[test]
fn two_papers_are_a_theme_when_they_are_alike() {
    let alike = grouped(&corpus(1, 2, 0.2, 1));
    assert_eq!((alike.themes(0), alike.themes(FINEST), alike.member), (1, 1, vec![true, true]));
    let strange = grouped(&corpus(2, 1, 0.0, 1));
    assert_eq!((strange.themes(0), strange.member), (0, vec![false, false]));
}

#[test]
fn fifty_papers_have_a_few_themes() {
    let g = grouped(&corpus(3, 17, 0.6, 1)[..50 * D]);
    check_nesting(&g);
    assert!((2..=4).contains(&g.themes(0)), "{} themes", g.themes(0));
    let members = g.member.iter().filter(|m| **m).count();
    assert!(members >= 45, "only {members} of 50 belong to a theme");
}

#[test]
fn copies_of_one_text_are_one_theme() {
    let one: Vec<f32> = corpus(1, 1, 0.3, 1);
    let g = grouped(&one.repeat(60));
    check_nesting(&g);
    assert_eq!((g.themes(0), g.themes(FINEST)), (1, 1));
    assert!(g.member.iter().all(|m| *m));
    // And beside others they stay one.
    let mut mixed = one.repeat(40);
    mixed.extend(corpus(3, 20, 0.6, 2));
    let g = grouped(&mixed);
    let own = g.theme(FINEST, 0);
    assert!(own.is_some() && (0..40).all(|i| g.theme(FINEST, i) == own));
}

#[test]
fn fields_that_share_nothing_share_no_theme() {
    let mut vectors = vec![0f32; 80 * D];
    let mut random = fastrand::Rng::with_seed(5);
    for (i, v) in vectors.chunks_exact_mut(D).enumerate() {
        // The first field lives in the first eight directions, the other in the rest.
        let own = if i < 40 { &mut v[..8] } else { &mut v[8..] };
        own.iter_mut().for_each(|x| *x = random.f32() * 0.4);
        own[0] = 1.0;
        let length = own.iter().map(|x| x * x).sum::<f32>().sqrt();
        own.iter_mut().for_each(|x| *x /= length);
    }
    let g = grouped(&vectors);
    check_nesting(&g);
    assert!(g.themes(0) >= 2);
    for i in 0..40 {
        for j in 40..80 {
            assert!(g.theme(0, i).is_none() || g.theme(0, i) != g.theme(0, j));
        }
    }
}

#[test]
fn fields_are_found_and_the_same_again() {
    let vectors = corpus(8, 50, 0.9, 3);
    let g = grouped(&vectors);
    check_nesting(&g);
    assert_eq!(grouped(&vectors), g);
    // Nearly all pairs of one coarse theme are of one field.
    let (mut same, mut all) = (0, 0);
    for i in 0..400 {
        for j in 0..i {
            if g.theme(0, i).is_some() && g.theme(0, i) == g.theme(0, j) {
                all += 1;
                same += usize::from(i % 8 == j % 8);
            }
        }
    }
    assert!(same * 10 >= all * 9, "{same} of {all} pairs");
}

/// The stranger lies in a direction that no paper has any part in, and hardly nearer to one field than to another. Counted
/// over many corpora, not in one that suits.
#[test]
fn a_stranger_belongs_to_no_theme() {
    let mut left_out = 0;
    for seed in 1..=36 {
        let mut vectors = corpus(4, 40, 0.5, seed);
        for v in vectors.chunks_exact_mut(D) {
            v[D - 1] = 0.0;
            let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
            v.iter_mut().for_each(|x| *x /= length);
        }
        let mut stranger = [0f32; D];
        stranger[..4].fill(0.1);
        stranger[D - 1] = 0.96f32.sqrt();
        vectors.extend(stranger);
        let g = grouped(&vectors);
        left_out += usize::from(!g.member[160]);
        assert_ne!(g.nearest[160], NONE, "what it is nearest to is told all the same");
    }
    assert!(left_out >= 34, "{left_out} of 36");
}

/// Counted over twelve corpora together: of one alone, where it is 88 to 99 %, the share says as much of the draw as of the
/// themes.
#[test]
fn themes_grow_out_of_those_before() {
    let (mut kept, mut all) = (0, 0);
    for seed in 1..=12 {
        let vectors = corpus(8, 125, 1.1, seed);
        let n = 980;
        let before = grouped(&vectors[..n * D]);
        let theme = |g: &Grouping, l: usize, i: usize| g.theme(l, i).unwrap_or(NONE);
        let start = Start {
            themes: (0..LEVELS)
                .map(|l| (0..1000).map(|i| if i < n { theme(&before, l, i) } else { NONE }).collect())
                .collect(),
            resolutions: Some(before.resolutions),
        };
        let after = levels::group(&Knn::exact(&vectors, D, 15), 1, Some(&start));
        check_nesting(&after);
        let pairs: Vec<_> = (0..n).map(|i| (before.theme(FINEST, i), after.theme(FINEST, i))).collect();
        let lineage = super::lineage::compare(&pairs, &vec![0; before.themes(FINEST)], after.themes(FINEST));
        let both: Vec<(u32, u32)> = pairs.iter().filter_map(|(b, a)| Some(((*b)?, (*a)?))).collect();
        kept += both.iter().filter(|(b, a)| lineage.heir_of[*a as usize] == Some(*b)).count();
        all += both.len();
    }
    assert!(kept * 100 >= all * 95, "{kept} of {all} papers are where they were");
}

#[test]
fn communities_beat_what_a_single_pass_of_moves_finds_and_hang_together() {
    // A ring of twelve cliques of six, each tied to the next by one edge.
    let mut edges = Vec::new();
    for c in 0..12u32 {
        for i in 0..6 {
            for j in 0..i {
                edges.push((c * 6 + i, c * 6 + j, 1.0));
            }
        }
        edges.push((c * 6, (c + 1) % 12 * 6 + 1, 1.0));
    }
    let graph = Graph::new(72, &edges, Vec::new());
    let options = Options { resolution: 1.0, seed: 1, passes: 3 };
    let (part, parts) = leiden::communities(&graph, &options, None);
    assert_eq!(parts, 12);
    assert!((0..72).all(|i| part[i] == part[i / 6 * 6]));
    let q = leiden::modularity(&graph, &part, 1.0);
    let cliques: Vec<u32> = (0..72).map(|i| i / 6).collect();
    assert!((q - leiden::modularity(&graph, &cliques, 1.0)).abs() < 1e-9);
    // The weights of a graph put together are those of the graph.
    let together = graph.put_together(&part, parts);
    let whole: Vec<u32> = (0..12).collect();
    assert!((leiden::modularity(&together, &whole, 1.0) - q).abs() < 1e-9);
    assert!((together.volume() - graph.volume()).abs() < 1e-6);
}

proptest! {
    #[test]
    fn communities_are_connected_and_no_worse_than_each_alone(
        edges in prop::collection::vec((0u32..40, 0u32..40, 0.1f32..2.0), 0..160), seed in 0u64..9, resolution in 0.2f64..4.0,
    ) {
        let graph = Graph::new(40, &edges, Vec::new());
        let options = Options { resolution, seed, passes: 2 };
        let (part, parts) = leiden::communities(&graph, &options, None);
        prop_assert_eq!(&leiden::communities(&graph, &options, None).0, &part);
        prop_assert_eq!(part.iter().collect::<std::collections::HashSet<_>>().len(), parts);
        let alone: Vec<u32> = (0..40).collect();
        let (q, base) = (leiden::modularity(&graph, &part, resolution), leiden::modularity(&graph, &alone, resolution));
        prop_assert!(q >= base - 1e-9, "{} < {}", q, base);
        for p in 0..parts as u32 {
            let members: Vec<usize> = (0..40).filter(|i| part[*i] == p).collect();
            let mut reached = vec![members[0]];
            let mut next = 0;
            while next < reached.len() {
                for (j, _) in graph.neighbours(reached[next]) {
                    if part[j] == p && !reached.contains(&j) {
                        reached.push(j);
                    }
                }
                next += 1;
            }
            prop_assert_eq!(reached.len(), members.len(), "community {} is in pieces", p);
        }
    }

    #[test]
    fn any_neighbour_lists_can_be_grouped(n in 0usize..60, seed in 0u64..50, noise in 0f32..3.0) {
        let vectors = corpus(3, 20, noise, seed);
        let g = grouped(&vectors[..n * D]);
        check_nesting(&g);
        prop_assert_eq!(g.nearest.len(), n);
    }
}

fn distance(a: Place, b: Place) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

#[test]
fn the_map_puts_neighbours_near_and_stays_where_it_was() {
    let vectors = corpus(5, 60, 0.9, 8);
    let knn = Knn::exact(&vectors, D, 15);
    let plane = layout::components(&vectors, D, &vec![1.0; 300]).expect("points");
    let mut start: Vec<Place> = vectors.chunks_exact(D).map(|v| plane.place(v)).collect();
    layout::spread(&mut start);
    let map = layout::lay_out(&knn, start.clone(), &Moves::anew(300));
    assert_eq!(layout::lay_out(&knn, start, &Moves::anew(300)), map);
    assert!(map.iter().flatten().all(|x| x.is_finite()));
    let near: f32 =
        (0..300).map(|i| knn.of(i).map(|(j, _)| distance(map[i], map[j])).sum::<f32>() / 15.0).sum::<f32>() / 300.0;
    let any: f32 = (0..300).map(|i| distance(map[i], map[(i * 7 + 91) % 300])).sum::<f32>() / 300.0;
    assert!(near * 3.0 < any, "neighbours are {near} apart, any two {any}");
    let next = layout::lay_out(&knn, map.clone(), &Moves::onward());
    let moved: f32 = map.iter().zip(&next).map(|(a, b)| distance(*a, *b)).sum::<f32>() / 300.0;
    assert!(moved * 10.0 < any, "papers moved by {moved} on a map where any two are {any} apart");
}

#[test]
fn maps_of_hardly_anything_are_maps() {
    let one = Knn::exact(&corpus(1, 1, 0.0, 1), D, 15);
    assert_eq!(layout::lay_out(&one, vec![[1.0, 2.0]], &Moves::anew(1)), [[1.0, 2.0]]);
    assert!(layout::components(&[], D, &[]).is_none());
    let copies = corpus(1, 1, 0.3, 1).repeat(30);
    let mut start = vec![[0.0, 0.0]; 30];
    layout::spread(&mut start);
    let map = layout::lay_out(&Knn::exact(&copies, D, 15), start, &Moves::anew(30));
    assert!(map.iter().flatten().all(|x| x.is_finite()));
}

#[test]
fn communities_are_no_worse_than_those_of_another_implementation() {
    let vectors = corpus(6, 50, 1.2, 11);
    let graph = levels::paper_graph(&Knn::exact(&vectors, D, 15));
    let mut builder = leiden_rs::GraphDataBuilder::new(graph.len());
    for i in 0..graph.len() {
        for (j, w) in graph.neighbours(i).filter(|(j, _)| *j > i) {
            builder.add_edge(i, j, f64::from(w)).expect("an edge");
        }
    }
    let data = builder.build().expect("a graph");
    for resolution in [0.5, 1.0, 3.0] {
        let config = leiden_rs::LeidenConfig::builder().resolution(resolution).seed(1).build();
        let theirs = leiden_rs::Leiden::new(config).run(&data).expect("runs").partition;
        let theirs: Vec<u32> = theirs.as_slice().iter().map(|c| *c as u32).collect();
        let ours = leiden::communities(&graph, &Options { resolution, seed: 1, passes: 2 }, None).0;
        let (q, other) =
            (leiden::modularity(&graph, &ours, resolution), leiden::modularity(&graph, &theirs, resolution));
        assert!(q >= other - 1e-3, "modularity {q} at resolution {resolution}, theirs is {other}");
    }
}
