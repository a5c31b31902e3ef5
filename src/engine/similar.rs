//! Papers like one in the store.

use std::collections::HashSet;
use std::time::Instant;

use super::gather::Rules;
use super::probe::{Probe, Wanted};
use super::{Answer, Ask, Engine, Part};
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId, Row, Works};

/// Most papers in one call of [`Engine::similar_to_each`].
const MAX_BATCH: usize = 1000;

impl Engine {
    /// Papers like the one with this id: never itself, nor (unless `versions` is asked for) another record of its work.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such paper; [`Error::Invalid`] for a request that is not allowed.
    pub fn similar(&self, id: &str, ask: &Ask) -> Result<Answer> {
        let began = Instant::now();
        ask.check()?;
        let (row, paper) = self.store.paper(id)?.ok_or_else(|| Error::no_paper(id))?;
        let (mut without, mut never) = (HashSet::from([row]), Works::default());
        if !ask.versions {
            without.extend(self.editions().others(row));
            never = Works::of([&paper]);
        }
        self.like(row, &paper, ask, Rules { without, never, ..Rules::default() }, began)
    }

    /// Papers like each of some papers.
    ///
    /// # Errors
    /// As [`Engine::similar`]; [`Error::Invalid`] also for no id or too many.
    pub fn similar_to_each(&self, ids: &[PaperId], ask: &Ask) -> Result<Vec<Answer>> {
        if ids.is_empty() || ids.len() > MAX_BATCH {
            return Err(Error::Invalid(format!("{} ids; 1 to {MAX_BATCH} are allowed", ids.len())));
        }
        ids.iter().map(|id| self.similar(id.as_str(), ask)).collect()
    }

    /// Papers like a paper, under rules of the caller's.
    pub(super) fn like(&self, row: Row, paper: &Paper, ask: &Ask, rules: Rules<'_>, began: Instant) -> Result<Answer> {
        let space = self.space();
        let vector = space.vector(row, paper.id.as_str())?;
        let terms = self.lexical.terms(&[row]).pop().flatten().unwrap_or_default();
        let wanted = Wanted::Terms(&terms);
        let gathered = self.gather(&space, &Probe::new(ask.mode, &vector, wanted), ask, rules)?;
        let meaning = |value| Part::Paper { id: paper.id.to_string(), title: paper.title.clone(), value };
        Ok(self.answer(gathered, wanted, &meaning, ask, began))
    }
}
