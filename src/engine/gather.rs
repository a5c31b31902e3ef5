//! From a query vector to the papers of an answer: filter, search, rules, diversity, page.

use std::collections::{HashMap, HashSet};

use super::space::Space;
use super::{Ask, Engine};
use crate::error::Result;
use crate::index::{Neighbour, Plan, VectorIndex};
use crate::paper::{Paper, Row, Works};
use crate::rank::mmr;

/// Gives neighbours other scores, and drops those that have none.
pub type Rescore<'a> = dyn Fn(&mut Vec<Neighbour>) -> Result<()> + 'a;

/// What an answer must not hold, besides what the filter says.
#[derive(Default)]
pub struct Rules<'a> {
    /// None of these rows.
    pub without: HashSet<Row>,
    /// No record of these works.
    pub never: Works,
    /// At most so many papers of one author.
    pub per_author: Option<usize>,
    /// More places to look at than the query vector.
    pub further_queries: Vec<&'a [f32]>,
    /// Another score for some neighbours of the query.
    pub rescore: Option<&'a Rescore<'a>>,
}

/// The papers of an answer, in order, with their scores.
pub struct Gathered {
    pub hits: Vec<(Neighbour, Paper)>,
    pub plan: Plan,
    pub total: usize,
}

impl Engine {
    /// The page that is asked for of the papers closest to `query`, under the rules.
    pub(super) fn gather(&self, space: &Space, query: &[f32], ask: &Ask, mut rules: Rules<'_>) -> Result<Gathered> {
        ask.check()?;
        let allowed = self.store.allowed(&ask.filter)?;
        let excluded: Vec<_> = ask.filter.exclude.iter().collect();
        rules.without.extend(self.store.rows(&excluded)?.into_iter().flatten());
        let total = match &allowed {
            Some(rows) => rows.len() as usize - rules.without.iter().filter(|r| rows.contains(r.0)).count(),
            None => space.index.len().saturating_sub(rules.without.len()),
        };
        let needed = ask.offset.saturating_add(ask.limit).min(space.index.len());
        // What is reordered after the search is chosen from more than is shown.
        let reordered = ask.diversity > 0.0 || rules.rescore.is_some();
        let mut pool = if reordered { (5 * needed).max(100) } else { needed };
        loop {
            let k = pool + rules.without.len();
            let mut found = space.index.search(query, k, allowed.as_ref())?;
            let mut exhausted = found.neighbours.len() < k;
            for further in &rules.further_queries {
                let more = space.index.search(further, k, allowed.as_ref())?;
                exhausted &= more.neighbours.len() < k;
                found.neighbours.extend(more.neighbours);
            }
            let mut seen = HashSet::new();
            found.neighbours.retain(|n| !rules.without.contains(&n.row) && seen.insert(n.row));
            if let Some(rescore) = rules.rescore {
                rescore(&mut found.neighbours)?;
                found.neighbours.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
            }
            let before = found.neighbours.len();
            found.neighbours.retain(|n| ask.min_score.is_none_or(|least| n.score >= least));
            // Below the least score there is nothing more to find, however far one looks.
            exhausted |= found.neighbours.len() < before && rules.rescore.is_none();
            let chosen = self.choose(space, found.neighbours, ask.diversity, needed, &rules)?;
            if chosen.len() >= needed || exhausted {
                let hits = chosen.into_iter().skip(ask.offset).take(ask.limit).collect();
                return Ok(Gathered { hits, plan: found.plan, total });
            }
            pool = pool.saturating_mul(4).min(space.index.len() + 1);
        }
    }

    /// The first `needed` papers that the rules let through, by score or by score and diversity.
    fn choose(
        &self,
        space: &Space,
        neighbours: Vec<Neighbour>,
        diversity: f32,
        needed: usize,
        rules: &Rules<'_>,
    ) -> Result<Vec<(Neighbour, Paper)>> {
        let mut chosen = Vec::with_capacity(needed.min(neighbours.len()));
        let mut authors: HashMap<String, usize> = HashMap::new();
        let order = if diversity > 0.0 {
            let rows: Vec<Row> = neighbours.iter().map(|n| n.row).collect();
            let vectors: Vec<Vec<f32>> = space
                .index
                .vectors(&rows)
                .into_iter()
                .map(|v| v.unwrap_or_else(|| vec![0.0; space.model.dimension]))
                .collect();
            let scores: Vec<f32> = neighbours.iter().map(|n| n.score).collect();
            let wanted = if rules.per_author.is_some() { neighbours.len() } else { needed + 16 };
            mmr(&scores, &vectors, diversity, wanted)
        } else {
            (0..neighbours.len()).collect()
        };
        let by_row: HashMap<Row, f32> = neighbours.iter().map(|n| (n.row, n.score)).collect();
        let rows: Vec<Row> = order.into_iter().map(|i| neighbours[i].row).collect();
        // In pieces: mostly the first is enough, and papers are the dearest part of an answer.
        for piece in rows.chunks(needed.max(16)) {
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
                chosen.push((Neighbour { row, score: by_row[&row] }, paper));
            }
        }
        Ok(chosen)
    }
}
