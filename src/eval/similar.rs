//! Quality of "more like this": papers of one group should find each other.

use std::collections::HashSet;

use fastrand::Rng;

use super::Progress;
use super::bootstrap::draw;
use super::metrics::Figures;
use super::search::row;
use super::sets::Group;
use super::table::{Table, named};
use crate::engine::{Engine, Mode, SearchOptions};
use crate::error::{Error, Result};
use crate::paper::PaperId;

/// Takes up to `seeds` papers of each group and asks for papers like each of them: the others of the group are
/// relevant. Papers that are not in the corpus are left out; a group needs two that are.
///
/// # Errors
/// Those of the engine's calls.
pub fn run(
    engine: &Engine,
    groups: &[Group],
    modes: &[Mode],
    seeds: usize,
    depth: usize,
    progress: Progress<'_>,
) -> Result<Table> {
    let mut seeded: Vec<(String, HashSet<String>)> = Vec::new();
    let mut random = Rng::with_seed(11);
    for group in groups {
        let in_corpus = present(engine, &group.relevant)?;
        if in_corpus.len() < 2 {
            continue;
        }
        for seed in draw(&mut random, &in_corpus, seeds) {
            let others = in_corpus.iter().filter(|id| **id != seed).cloned().collect();
            seeded.push((seed, others));
        }
    }
    let title = format!("{} papers, each against the others of its group; the first {depth} papers", seeded.len());
    let mut table = Table::new(title, ["mode"].into_iter().chain(Figures::NAMES));
    for mode in modes {
        let mut figures = Vec::with_capacity(seeded.len());
        for (seed, relevant) in &seeded {
            let ask = SearchOptions { limit: depth.min(500), mode: *mode, versions: true, ..SearchOptions::default() };
            let found = engine.similar(seed, &ask)?;
            let gain = |id: &str| if relevant.contains(id) { 1.0 } else { 0.0 };
            let gains: Vec<f64> = found.papers.iter().map(|h| gain(h.paper.id.as_str())).collect();
            figures.push(Figures::of(&gains, &vec![1.0; relevant.len()]));
            progress(table.rows.len() * seeded.len() + figures.len(), modes.len() * seeded.len());
        }
        table.rows.push(row(&named(mode), &figures));
    }
    Ok(table)
}

/// The ids among these that are in the corpus.
pub fn present(engine: &Engine, ids: &[String]) -> Result<Vec<String>> {
    let mut in_corpus = Vec::with_capacity(ids.len());
    for id in ids {
        match engine.paper(id) {
            Ok(_) => in_corpus.push(id.clone()),
            Err(Error::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(in_corpus)
}

/// The ids of all papers of the corpus, in the order in which they came.
pub fn all_ids(engine: &Engine) -> Result<Vec<PaperId>> {
    let mut ids: Vec<PaperId> = Vec::new();
    let mut after = None;
    loop {
        let next = engine.ids(after, 4096)?;
        let Some((last, _)) = next.last() else { return Ok(ids) };
        after = Some(*last);
        ids.extend(next.into_iter().map(|(_, id)| id));
    }
}
