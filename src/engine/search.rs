//! Papers for a phrase or a pasted abstract.

use std::time::Instant;

use super::gather::Rules;
use super::{Answer, Ask, Engine, Hit, Meta, Part, Why};
use crate::error::{Error, Result};
use crate::paper::head;

/// The longest query, in bytes of UTF-8: more than any abstract, less than what would only keep the machine busy.
pub const MAX_QUERY_BYTES: usize = 256 * 1024;

impl Engine {
    /// Papers whose text means what the query means.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty or overlong query and for a request that is not allowed.
    pub fn search(&self, query: &str, ask: &Ask) -> Result<Answer> {
        let began = Instant::now();
        ask.check()?;
        check_query(query)?;
        let space = self.space();
        let vector = self.embed_query(&space, query)?;
        let gathered = self.gather(&space, &vector, ask, Rules::default())?;
        let why = |value| Why::of(vec![Part::Text { text: head(query.trim(), 80), value }]);
        let papers = gathered.hits.into_iter();
        let papers =
            papers.map(|(n, paper)| Hit { why: ask.explain.then(|| why(n.score)), ..Hit::new(paper, n.score) }).collect();
        Ok(Answer { papers, meta: Meta::since(began, gathered.plan, gathered.total) })
    }
}

/// Refuses a text that nothing can be found with.
pub(super) fn check_query(query: &str) -> Result<()> {
    if query.trim().is_empty() {
        return Err(Error::Invalid("the query is empty".into()));
    }
    if query.len() > MAX_QUERY_BYTES {
        return Err(Error::Invalid(format!(
            "the query is {} bytes long; at most {MAX_QUERY_BYTES} are allowed",
            query.len()
        )));
    }
    Ok(())
}
