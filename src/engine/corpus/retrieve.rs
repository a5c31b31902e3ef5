//! From what is looked for to the papers of an answer: filter, candidates, scores, rules, diversity, page. The filter is
//! applied by the index, to the rows that the store says it allows.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::answer::SearchOptions;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::candidates::{Candidate, RetrievalQuery};
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::error::Result;
use crate::index::{Allowed, Plan};
use crate::paper::{Paper, Row, Works};
use crate::rank::mmr;

/// Candidates looked at for a first page; more are looked at for pages further down.
const POOL: usize = 64;

/// Papers that are read at a time.
const PIECE: usize = 500;

/// Gives candidates other scores, and drops those that have none.
pub type Rescore<'a> = dyn Fn(&mut Vec<Candidate>) -> Result<()> + 'a;

/// What an answer must not hold, besides what the filter says.
#[derive(Default)]
pub struct Constraints<'a> {
    /// None of these rows.
    pub without: HashSet<Row>,
    /// No version of these works.
    pub never: Works,
    /// At most so many papers of one author.
    pub per_author: Option<usize>,
    /// Only these rows, besides what the filter says.
    pub only: Option<RoaringBitmap>,
    /// These come first, with the greatest score there is.
    pub first: Vec<Row>,
    /// Another score for the candidates.
    pub rescore: Option<&'a Rescore<'a>>,
}

/// The papers of an answer, in order, with their scores.
pub struct Retrieved {
    pub hits: Vec<(Candidate, Paper)>,
    pub plan: Plan,
    pub total: usize,
}

/// How many candidates to look at for so many hits.
pub fn pool(needed: usize, reordered: bool) -> usize {
    needed.saturating_mul(if reordered { 8 } else { 4 }).clamp(POOL, usize::MAX >> 2).next_power_of_two()
}

impl Corpus {
    /// The page that is asked for of the papers closest to what is looked for, under the rules.
    pub(super) fn retrieve(
        &self,
        space: &EmbeddingSpace,
        probe: &RetrievalQuery<'_>,
        ask: &SearchOptions,
        mut rules: Constraints<'_>,
    ) -> Result<Retrieved> {
        ask.check()?;
        let mut rows = self.store.allowed(&ask.filter)?;
        if let Some(only) = rules.only.take() {
            rows = Some(rows.map_or(only.clone(), |a| a & only));
        }
        let allowed = rows.as_ref();
        // The index gets the filter as well: one that is elsewhere applies it there.
        let filtered = allowed.map(|rows| Allowed { rows, filter: Some(&ask.filter) });
        rules.without.extend(self.excluded(&ask.filter)?.iter().map(Row));
        rules.first.retain(|row| !rules.without.contains(row) && allowed.is_none_or(|a| a.contains(row.0)));
        let total = self.total(space, ask, allowed, &rules);
        let needed = ask.offset.saturating_add(ask.limit).min(space.len());
        // What is reordered after the search is chosen from more than is shown, and pages must come from one order: so
        // the pool grows in steps and not with each page.
        let reordered = ask.diversity > 0.0 || rules.rescore.is_some();
        let mut pool = pool(needed, reordered);
        loop {
            if pool > space.len() / 4 {
                // Then all of them are as cheap, and pages join without gap or overlap.
                pool = space.len() + 1;
            }
            let mut candidates = self.candidates(space, probe, pool + rules.without.len(), filtered)?;
            candidates.found.retain(|f| !rules.without.contains(&f.row));
            if let Some(rescore) = rules.rescore {
                rescore(&mut candidates.found)?;
                candidates.found.sort_by(Candidate::best_first);
            }
            if !ask.versions {
                let versions = self.versions();
                candidates.found.retain(|f| rules.first.contains(&f.row) || versions.is_representative(f.row, allowed));
            }
            self.put_first(&mut candidates.found, &rules);
            let before = candidates.found.len();
            candidates.found.retain(|f| ask.min_score.is_none_or(|least| f.score >= least));
            // Below the least score there is nothing more to find, however far one looks.
            let exhausted = candidates.exhausted || (candidates.found.len() < before && rules.rescore.is_none());
            let chosen = self.choose(space, candidates.found, ask.diversity, needed, &rules)?;
            if chosen.len() >= needed || exhausted {
                let hits = chosen.into_iter().skip(ask.offset).take(ask.limit).collect();
                return Ok(Retrieved { hits, plan: candidates.plan, total });
            }
            pool = pool.saturating_mul(4);
        }
    }

    /// Papers that could be in the answer.
    fn total(
        &self,
        space: &EmbeddingSpace,
        ask: &SearchOptions,
        allowed: Option<&RoaringBitmap>,
        rules: &Constraints<'_>,
    ) -> usize {
        let all = match allowed {
            Some(rows) => rows.len() as usize - rules.without.iter().filter(|r| rows.contains(r.0)).count(),
            None => space.len().saturating_sub(rules.without.len()),
        };
        let superseded = if ask.versions { 0 } else { self.versions().superseded(allowed, &rules.without) };
        all.saturating_sub(superseded)
    }

    fn put_first(&self, found: &mut Vec<Candidate>, rules: &Constraints<'_>) {
        if rules.first.is_empty() {
            return;
        }
        found.retain(|f| !rules.first.contains(&f.row));
        let first = rules.first.iter().map(|row| Candidate { row: *row, score: 1.0, ..Candidate::default() });
        found.splice(0..0, first);
    }

    /// The first `needed` papers that the rules let through, by score or by score and diversity.
    fn choose(
        &self,
        space: &EmbeddingSpace,
        found: Vec<Candidate>,
        diversity: f32,
        needed: usize,
        rules: &Constraints<'_>,
    ) -> Result<Vec<(Candidate, Paper)>> {
        cancel::check()?;
        let mut chosen = Vec::with_capacity(needed.min(found.len()));
        let mut authors: HashMap<String, usize> = HashMap::new();
        let order = if diversity > 0.0 {
            let rows: Vec<Row> = found.iter().map(|f| f.row).collect();
            let vectors = space.vectors_or_zero(&rows)?;
            let scores: Vec<f32> = found.iter().map(|f| f.score).collect();
            let wanted = if rules.per_author.is_some() { found.len() } else { needed + 16 };
            mmr(&scores, &vectors, diversity, wanted)
        } else {
            (0..found.len()).collect()
        };
        // What was given up in the middle is no order.
        cancel::check()?;
        let by_row: HashMap<Row, Candidate> = found.iter().map(|f| (f.row, *f)).collect();
        let rows: Vec<Row> = order.into_iter().map(|i| found[i].row).collect();
        // In pieces: mostly the first is enough, and papers are the dearest part of an answer.
        for piece in rows.chunks(needed.clamp(1, PIECE)) {
            cancel::check()?;
            for (row, paper) in self.store.papers(piece)? {
                if chosen.len() >= needed {
                    return Ok(chosen);
                }
                if rules.never.contains(&paper) {
                    continue;
                }
                if let Some(most) = rules.per_author {
                    if paper.authors.iter().any(|a| authors.get(a).is_some_and(|n| *n >= most)) {
                        continue;
                    }
                    for author in &paper.authors {
                        *authors.entry(author.clone()).or_default() += 1;
                    }
                }
                chosen.push((by_row[&row], paper));
            }
        }
        Ok(chosen)
    }
}
