//! The papers of a labelled set, laid out.

use std::collections::HashSet;

use crate::engine::{Engine, Testbed};
use crate::error::Result;
use crate::eval::similar::all_ids;
use crate::paper::PaperId;
use crate::vector::{dot, sparse_dot};

/// All papers of a data folder, by their places in a testbed.
pub struct Ground<'a> {
    /// The folder.
    pub engine: &'a Engine,
    /// Its papers.
    pub testbed: Testbed<'a>,
    ids: Vec<PaperId>,
}

impl<'a> Ground<'a> {
    /// Lays out the papers of a folder.
    ///
    /// # Errors
    /// When they cannot be read, or when there are none.
    pub fn of(engine: &'a Engine) -> Result<Self> {
        let ids = all_ids(engine)?;
        Ok(Ground { engine, testbed: engine.testbed(&ids, |_| true)?, ids })
    }

    /// The ids of papers.
    pub fn ids(&self, places: &[usize]) -> Vec<PaperId> {
        places.iter().map(|k| self.ids[*k].clone()).collect()
    }

    /// Where papers stand, each once; those that are not in the folder are left out.
    pub fn places(&self, ids: &[String]) -> Vec<usize> {
        let mut seen = HashSet::new();
        ids.iter().filter_map(|id| self.testbed.place(id)).filter(|k| seen.insert(*k)).collect()
    }

    /// Of these papers the nearest to a paper, nearest first, without itself.
    pub fn nearest(&self, to: usize, among: impl Iterator<Item = usize>, most: usize) -> Vec<usize> {
        best(to, among, most, |k| dot(self.testbed.vector(to), self.testbed.vector(k)))
    }

    /// The same by words.
    pub fn nearest_by_words(&self, to: usize, among: impl Iterator<Item = usize>, most: usize) -> Vec<usize> {
        best(to, among, most, |k| sparse_dot(self.testbed.terms(to), self.testbed.terms(k)))
    }
}

fn best(to: usize, among: impl Iterator<Item = usize>, most: usize, score: impl Fn(usize) -> f32) -> Vec<usize> {
    let mut scored: Vec<(f32, usize)> = among.filter(|k| *k != to).map(|k| (score(k), k)).collect();
    let better = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if scored.len() > most {
        scored.select_nth_unstable_by(most, better);
        scored.truncate(most);
    }
    scored.sort_unstable_by(better);
    scored.into_iter().map(|s| s.1).collect()
}
