//! Papers like one in the store.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use rayon::prelude::*;
use roaring::RoaringBitmap;

use crate::bounds;
use crate::cancel;
use crate::engine::answer::AnswerBudget;
use crate::engine::answer::{Answer, Part, SearchOptions};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::candidates::{Candidate, LexicalQuery, RetrievalQuery};
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::named::WithVector;
use crate::engine::corpus::retrieve::{Constraints, pool};
use crate::engine::widen::{Look, widen};
use crate::error::{Error, Result};
use crate::index::Allowed;
use crate::paper::{PaperId, Row, Works};

/// Papers whose neighbours are looked for side by side.
const PIECE: usize = 1024;

/// Most papers in one call of [`Corpus::similar_to_each`].
const MAX_BATCH: usize = bounds::BATCH;

/// What hears a paper and its neighbours with their scores.
pub type TakeNeighbours<'a> = dyn FnMut(&PaperId, &[(PaperId, f32)]) -> Result<()> + 'a;

impl Corpus {
    /// Papers like the one that an id or identifier names: never itself, nor (unless `versions` is asked for) another version of its work.
    pub fn similar(&self, id: &str, ask: &SearchOptions) -> Result<Answer> {
        ask.check()?;
        self.similar_in(&self.space(), id, ask).map(|(_, answer)| answer)
    }

    fn similar_in(&self, space: &EmbeddingSpace, id: &str, ask: &SearchOptions) -> Result<(PaperId, Answer)> {
        let began = Instant::now();
        let example = self.with_vector(space, id)?;
        let (row, paper) = (example.row, &example.paper);
        let (mut without, mut never) = (HashSet::from([row]), Works::default());
        if !ask.versions {
            without.extend(self.versions().others(row));
            never = Works::of([paper]);
        }
        let answer =
            self.like(space, &example, ask, Constraints { without, never, ..Constraints::default() }, began)?;
        Ok((example.paper.id, answer))
    }

    /// Papers like each of some papers, with the ids that these were given, in the order of the list.
    pub fn similar_to_each(&self, ids: &[PaperId], ask: &SearchOptions) -> Result<Vec<(PaperId, Answer)>> {
        if ids.is_empty() || ids.len() > MAX_BATCH {
            return Err(Error::Invalid(format!("{} ids; 1 to {MAX_BATCH} are allowed", ids.len())));
        }
        ask.check()?;
        bounds::hits(ids.len(), ask.limit)?;
        let (space, room, asked) = (self.space(), AnswerBudget::default(), cancel::current());
        let each = |id: &PaperId| {
            let found = asked.scope(|| self.similar_in(&space, id.as_str(), ask))?;
            room.take(&found.1.papers)?;
            Ok(found)
        };
        ids.par_iter().map(each).collect()
    }

    /// Gives each paper with its neighbours to `f`, in the order the papers came in: the ids and scores of [`Corpus::similar`],
    /// without reading the papers. What the filter allows are the neighbours; every paper gets its own.
    pub fn each_neighbours(&self, ask: &SearchOptions, f: &mut TakeNeighbours<'_>) -> Result<()> {
        ask.check()?;
        if ask.diversity > 0.0 {
            return Err(Error::Invalid(
                "the neighbours of all papers come by score alone: leave diversity away".into(),
            ));
        }
        let space = self.space();
        let allowed = self.allowed(&ask.filter)?;
        let excluded = self.excluded(&ask.filter)?;
        let ids: BTreeMap<Row, PaperId> = self.store.ids_after(None, usize::MAX >> 1)?.into_iter().collect();
        let rows: Vec<Row> = ids.keys().copied().collect();
        for piece in rows.chunks(PIECE) {
            let asked = cancel::current();
            let of = |(row, vector): (&Row, Option<Vec<f32>>)| {
                // Deleted meanwhile.
                let Some(vector) = vector else { return Ok(Vec::new()) };
                asked.scope(|| self.neighbours(&space, (*row, &vector), ask, allowed.as_ref(), &excluded))
            };
            let found: Vec<Result<Vec<Candidate>>> = piece.par_iter().zip(space.vectors(piece)?).map(of).collect();
            for (row, found) in piece.iter().zip(found) {
                let named = found?.into_iter().filter_map(|n| Some((ids.get(&n.row)?.clone(), n.score)));
                f(&ids[row], &named.collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }

    /// The neighbours of a row, which has this vector.
    fn neighbours(
        &self,
        space: &EmbeddingSpace,
        (row, vector): (Row, &[f32]),
        ask: &SearchOptions,
        allowed: Option<&RoaringBitmap>,
        excluded: &RoaringBitmap,
    ) -> Result<Vec<Candidate>> {
        let terms = self.lexical().terms(&[row]).pop().flatten().unwrap_or_default();
        let probe = RetrievalQuery::new(ask.mode, vector, LexicalQuery::Terms(&terms));
        let needed = ask.offset.saturating_add(ask.limit);
        widen(pool(needed, false), space.len(), |k| {
            let filtered = allowed.map(|rows| Allowed { rows, filter: Some(&ask.filter) });
            let mut candidates = self.candidates(space, &probe, k, filtered)?;
            {
                let versions = self.versions();
                let others = if ask.versions { Vec::new() } else { versions.others(row) };
                candidates.found.retain(|n| {
                    n.row != row
                        && !excluded.contains(n.row.0)
                        && !others.contains(&n.row)
                        && (ask.versions || versions.is_representative(n.row, allowed))
                        && ask.min_score.is_none_or(|least| n.score >= least)
                });
            }
            let enough = candidates.found.len() >= needed || candidates.exhausted || ask.min_score.is_some();
            let found = candidates.found.into_iter().skip(ask.offset).take(ask.limit).collect();
            Ok(if enough { Look::Done(found) } else { Look::TooFew(found) })
        })
    }

    /// Papers like a paper, under rules of the caller's.
    pub(super) fn like(
        &self,
        space: &EmbeddingSpace,
        example: &WithVector,
        ask: &SearchOptions,
        rules: Constraints<'_>,
        began: Instant,
    ) -> Result<Answer> {
        let WithVector { row, paper, vector } = example;
        let terms = self.lexical().terms(&[*row]).pop().flatten().unwrap_or_default();
        let wanted = LexicalQuery::Terms(&terms);
        let retrieved = self.retrieve(space, &RetrievalQuery::new(ask.mode, vector, wanted), ask, rules)?;
        let meaning = |value| Part::Paper { id: paper.id.to_string(), title: paper.title.clone(), value };
        Ok(self.answer(retrieved, wanted, &meaning, ask, began))
    }
}
