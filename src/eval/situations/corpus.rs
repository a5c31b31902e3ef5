//! A whole corpus: the papers of a fold are hidden, and ordered for the rest of each library.

use std::collections::HashMap;

use fastrand::Rng;

use super::case::Case;
use super::ground::Ground;
use super::{Plan, seed};
use crate::eval::sets::{Group, evenly};

/// The fold that is hidden.
const FOLD: usize = 0;

/// All papers of the fold are candidates. Statistics of terms, and what is common in the corpus, know them: unlike in
/// `eval users`, the papers are where they are when the service answers.
pub fn libraries(ground: &Ground<'_>, libraries: &[Group], folds: &HashMap<String, usize>, plan: &Plan) -> Vec<Case> {
    let mut candidates: Vec<usize> =
        folds.iter().filter(|f| *f.1 == FOLD).filter_map(|f| ground.testbed.place(f.0)).collect();
    candidates.sort_unstable();
    let hidden = |k: &usize| candidates.binary_search(k).is_ok();
    let split: Vec<(&str, Vec<usize>, Vec<usize>)> = libraries
        .iter()
        .map(|l| {
            let (hidden, rest): (Vec<usize>, Vec<usize>) = ground.places(&l.relevant).into_iter().partition(hidden);
            (l.name.as_str(), hidden, rest)
        })
        .filter(|(_, hidden, rest)| !hidden.is_empty() && !rest.is_empty())
        .collect();
    let some = evenly(plan.half.of(split), plan.readers);
    let one = |(of, (name, own, rest)): (usize, (&str, Vec<usize>, Vec<usize>))| {
        let others: Vec<usize> = candidates.iter().copied().filter(|k| !own.contains(k)).collect();
        Case::new(of, rest, &own, &others, &mut Rng::with_seed(seed("corpus", name, FOLD)))
    };
    some.into_iter().enumerate().map(one).collect()
}
