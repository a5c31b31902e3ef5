//! One example and a pool.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;
use rayon::prelude::*;

use super::case::Case;
use super::ground::Ground;
use super::{Plan, Review, seed};
use crate::eval::bootstrap::draw;
use crate::eval::sets::{Group, evenly};

/// Included and excluded papers of a review in a pool.
const INCLUDED: usize = 30;
const EXCLUDED: usize = 90;

/// An example of libraries has at least so many readers; so many of these share a paper that is relevant to it, with a
/// cosine of the sets of readers of at least so much; and there are at least so many such papers.
const READERS: usize = 4;
const SHARED_BY: usize = 3;
const ALIKE: f64 = 0.3;
const RELEVANT: usize = 3;

/// Papers that are much like the example, by vectors and by words, in a pool.
const NEAR: usize = 50;

/// Draws for each review, for every one that was asked for.
const TIMES: usize = 3;

/// From reviews: an included paper is the example, the pool is of the same review.
pub fn reviews(reviews: &[Review], plan: &Plan) -> Vec<Case> {
    let mut cases = Vec::new();
    for (of, review) in reviews.iter().enumerate() {
        for n in 0..TIMES * plan.draws {
            let mut random = Rng::with_seed(seed("one", &review.name, n));
            let mut included = draw(&mut random, &review.included, INCLUDED + 1);
            let example = included.split_off(included.len() - 1);
            let excluded = draw(&mut random, &review.excluded, EXCLUDED);
            cases.push(Case::new(of, example, &included, &excluded, &mut random));
        }
    }
    cases
}

/// From libraries: papers that many who have the example have too, beside papers that are much like it.
pub fn libraries(ground: &Ground<'_>, libraries: &[Group], plan: &Plan) -> Vec<Case> {
    let libraries: Vec<Vec<usize>> = libraries.iter().map(|l| ground.places(&l.relevant)).collect();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); ground.testbed.len()];
    for (reader, library) in libraries.iter().enumerate() {
        library.iter().for_each(|k| readers[*k].push(reader));
    }
    let relevant = |example: usize| -> Vec<usize> {
        let mut shared_by: BTreeMap<usize, usize> = BTreeMap::new();
        for k in readers[example].iter().flat_map(|r| &libraries[*r]).filter(|k| **k != example) {
            *shared_by.entry(*k).or_default() += 1;
        }
        let alike = |k: usize, n: usize| n as f64 / ((readers[example].len() * readers[k].len()) as f64).sqrt();
        shared_by.into_iter().filter(|(k, n)| *n >= SHARED_BY && alike(*k, *n) >= ALIKE).map(|s| s.0).collect()
    };
    let examples: Vec<(usize, Vec<usize>)> = (0..readers.len())
        .filter(|k| readers[*k].len() >= READERS)
        .map(|k| (k, relevant(k)))
        .filter(|(_, relevant)| relevant.len() >= RELEVANT)
        .collect();
    let some = evenly(plan.half.of(examples), plan.readers);
    let one = |(of, (example, relevant)): (usize, &(usize, Vec<usize>))| {
        let all = || 0..ground.testbed.len();
        let mut seen: HashSet<usize> = relevant.iter().copied().collect();
        let mut others = ground.nearest(*example, all(), NEAR);
        others.extend(ground.nearest_by_words(*example, all(), NEAR));
        others.retain(|k| seen.insert(*k));
        Case::new(of, vec![*example], relevant, &others, &mut Rng::with_seed(seed("one", "libraries", *example)))
    };
    some.par_iter().enumerate().map(one).collect()
}
