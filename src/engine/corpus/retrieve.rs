//! From what is looked for to the papers of an answer: filter, candidates, scores, rules, diversity, page. The filter is
//! applied by the index, to the rows that the store says it allows.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::answer::SearchOptions;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::candidates::{Candidate, RetrievalQuery};
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::widen::{Look, widen};
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
    /// Nor of these, which are few among those that are near.
    pub retired: RoaringBitmap,
    /// No version of these works.
    pub never: Works,
    /// At most so many papers of one author.
    pub per_author: Option<usize>,
    /// Only these rows, besides what the filter says.
    pub only: Option<RoaringBitmap>,
    /// At least so many candidates are looked at from the first page on: where it is known how many there are, so that all pages come
    /// from one order.
    pub reach: usize,
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
        let mut rows = self.allowed(&ask.filter)?;
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
        // the pool grows in steps and not with each page. Between two steps what is further down may move; not where all that can
        // come is within reach.
        let reordered = ask.diversity > 0.0 || rules.rescore.is_some();
        widen(pool(needed.max(rules.reach), reordered), space.len(), |pool| {
            let mut candidates = self.candidates(space, probe, pool + rules.without.len(), filtered)?;
            candidates.found.retain(|f| !rules.without.contains(&f.row) && !rules.retired.contains(f.row.0));
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
            let enough = chosen.len() >= needed || exhausted;
            let hits = chosen.into_iter().skip(ask.offset).take(ask.limit).collect();
            let retrieved = Retrieved { hits, plan: candidates.plan, total };
            Ok(if enough { Look::Done(retrieved) } else { Look::TooFew(retrieved) })
        })
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
        let versions = self.versions();
        let counts = |row: &u32| {
            allowed.is_none_or(|rows| rows.contains(*row))
                && !rules.without.contains(&Row(*row))
                && (ask.versions || versions.is_representative(Row(*row), allowed))
        };
        let retired = rules.retired.iter().filter(counts).count();
        all.saturating_sub(superseded).saturating_sub(retired)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::answer::Mode;
    use crate::engine::corpus::candidates::LexicalQuery;
    use crate::engine::corpus::fixture::{TOPICS, ingest, open, paper};
    use crate::index::TermVector;

    proptest! {
        #[test]
        fn a_pool_holds_a_page_and_pages_share_it(needed in 0usize..100_000, reordered in any::<bool>()) {
            let size = pool(needed, reordered);
            prop_assert!(size >= needed.max(POOL) && size.is_power_of_two());
            prop_assert!(pool(needed + 1, reordered) >= size);
            prop_assert!(pool(usize::MAX, reordered) < usize::MAX, "a page far down overflows nothing");
        }
    }

    /// What is found for a topic by its meaning.
    fn found(corpus: &Corpus, topic: &str, ask: &SearchOptions, rules: Constraints<'_>) -> (Vec<(Row, f32)>, usize) {
        let space = corpus.space();
        let vector = corpus.embed_query(&space, topic).expect("a vector");
        let terms = TermVector::default();
        let query = RetrievalQuery::new(Mode::Dense, &vector, LexicalQuery::Terms(&terms));
        let Retrieved { hits, total, .. } = corpus.retrieve(&space, &query, ask, rules).expect("an answer");
        (hits.into_iter().map(|(c, _)| (c.row, c.score)).collect(), total)
    }

    #[test]
    fn rules_are_kept_and_pages_join() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, corpus) = open(folder.path(), |_| {});
        ingest(&corpus, (0..200).map(paper));
        let of = |ask: &SearchOptions, rules| found(&corpus, TOPICS[0], ask, rules);
        let whole = SearchOptions { limit: 200, ..SearchOptions::default() };
        let (all, total) = of(&whole, Constraints::default());
        assert_eq!((all.len(), total), (200, 200));
        assert!(all.windows(2).all(|w| w[0].1 >= w[1].1), "best first");
        // Pages are cut from one order.
        let pages = (0..10).flat_map(|k| {
            of(&SearchOptions { limit: 20, offset: 20 * k, ..SearchOptions::default() }, Constraints::default()).0
        });
        assert_eq!(pages.collect::<Vec<_>>(), all);
        // Rows that are left out, that alone may come, and that come first.
        let best: Vec<Row> = all.iter().take(30).map(|f| f.0).collect();
        let without = Constraints { without: best.iter().copied().collect(), ..Constraints::default() };
        let (left, total) = of(&whole, without);
        assert_eq!((left, total), (all[30..].to_vec(), 170));
        let only: RoaringBitmap = best.iter().map(|row| row.0).collect();
        let first = vec![best[7], all[199].0];
        let rules = Constraints { only: Some(only), first, ..Constraints::default() };
        let (these, total) = of(&whole, rules);
        assert_eq!(total, 30);
        assert_eq!(these[0], (best[7], 1.0), "named first, with the greatest score; what is not allowed does not come");
        assert_eq!(these.iter().map(|f| f.0).collect::<BTreeSet<_>>(), best.iter().copied().collect());
        // So many of one author, and no version of a work.
        let (few, ..) = of(&whole, Constraints { per_author: Some(2), ..Constraints::default() });
        assert_eq!(few.len(), 14, "seven authors, two papers each");
        let best = store.papers(&[all[0].0]).expect("read");
        let (others, ..) = of(&whole, Constraints { never: Works::of([&best[0].1]), ..Constraints::default() });
        assert!(!others.contains(&all[0]) && others.len() < 200);
        // Another score, and a least one.
        let backwards = |found: &mut Vec<Candidate>| {
            found.iter_mut().for_each(|f| f.score = -f.score);
            Ok(())
        };
        let (worst, ..) = of(&whole, Constraints { rescore: Some(&backwards), ..Constraints::default() });
        assert_eq!(worst.len(), 200);
        assert!((worst[0].1 + all[199].1).abs() < 1e-6, "the furthest first");
        let (near, ..) = of(&SearchOptions { min_score: Some(all[40].1), ..whole.clone() }, Constraints::default());
        assert!(near.len() >= 41 && near.iter().all(|f| f.1 >= all[40].1));
    }
}
