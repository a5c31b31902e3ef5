//! A whole corpus: the papers of a fold are hidden, and ordered for the rest of each library.

use std::collections::{HashMap, HashSet};

use fastrand::Rng;

use super::case::Case;
use super::ground::Ground;
use super::{Library, Plan, seed};
use crate::eval::sets::evenly;

/// The fold that is hidden.
pub const FOLD: usize = 0;

/// All papers of the fold are candidates. Statistics of terms, and what is common in the corpus, know them: unlike in
/// `eval users`, the papers are where they are when the service answers.
pub fn libraries(ground: &Ground<'_>, libraries: &[Library], folds: &HashMap<String, usize>, plan: &Plan) -> Vec<Case> {
    let mut candidates: Vec<usize> =
        folds.iter().filter(|f| *f.1 == FOLD).filter_map(|f| ground.testbed.place(f.0)).collect();
    candidates.sort_unstable();
    let one = |(of, library): (usize, &Library)| {
        let own: HashSet<&usize> = library.hidden.iter().collect();
        let rest = library.papers.iter().copied().filter(|k| !own.contains(k)).collect();
        let others: Vec<usize> = candidates.iter().copied().filter(|k| !own.contains(k)).collect();
        let mut random = Rng::with_seed(seed("corpus", &library.name, FOLD));
        Case::new(of, rest, &library.hidden, &others, &mut random)
    };
    evenly(libraries.iter().collect(), plan.readers).into_iter().enumerate().map(one).collect()
}
