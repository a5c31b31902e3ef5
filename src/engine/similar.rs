//! Papers like one in the store.

use std::time::Instant;

use super::gather::Rules;
use super::{Answer, Ask, Engine, Hit, Meta, Mode, Part, Why};
use crate::error::{Error, Result};
use crate::paper::Works;

impl Engine {
    /// Papers like the one with this id: never itself, nor another record of the same work.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such paper; [`Error::Invalid`] for a request that is not allowed.
    pub fn similar(&self, id: &str, ask: &Ask) -> Result<Answer> {
        let began = Instant::now();
        ask.check()?;
        let (row, paper) = self.store.paper(id)?.ok_or_else(|| Error::no_paper(id))?;
        let space = self.space();
        let vector = space.vector(row, id)?;
        let rules = Rules { without: [row].into(), never: Works::of([&paper]), ..Rules::default() };
        let gathered = self.gather(&space, &vector, ask, rules)?;
        let why = |value| Why::of(vec![Part::Paper { id: id.to_string(), title: paper.title.clone(), value }]);
        let papers = gathered.hits.into_iter();
        let papers =
            papers.map(|(n, paper)| Hit { why: ask.explain.then(|| why(n.score)), ..Hit::new(paper, n.score) }).collect();
        Ok(Answer { papers, meta: Meta::since(began, gathered.plan, gathered.total) })
    }
}

impl Meta {
    pub(super) fn since(began: Instant, plan: crate::index::Plan, total: usize) -> Self {
        Meta { took_ms: began.elapsed().as_secs_f64() * 1e3, plan, total, mode: Mode::Dense }
    }
}
