//! A search with all that can be asked of it: only what matches, in another order, counted.
//!
//! Everything has some score, so an order by relevance has no end and its length is no total. What *matches* is decided by the
//! function that saved searches go by (`matches`), once for a query; conditions narrow it, facets count it, and orders other than
//! relevance are orders of it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use roaring::RoaringBitmap;

use super::facets::{Matching, MatchingUnder};
use super::matches::Matcher;
use super::search::Known;
use super::{Candidate, Corpus, EmbeddingSpace};
use crate::engine::answer::{Answer, Hit, MatchCount, Meta, Part, SearchOptions, SearchRequest, SearchSort, Why};
use crate::error::Result;
use crate::index::{Allowed, Plan, visible};
use crate::paper::{Paper, Row};

impl Corpus {
    /// Papers for a query, as a request asks for them. Without a query, but with a filter that says which papers are wanted: these,
    /// all of which match.
    pub fn search_with(&self, query: &str, request: &SearchRequest) -> Result<Answer> {
        let began = Instant::now();
        request.check()?;
        let (space, ask) = (self.space(), &request.ask);
        let listing = ask.filter.narrows() && visible(query).trim().is_empty();
        if !listing && !request.is_of_matches() && request.facets.is_empty() {
            let known = Known { correct: request.correct, ..Known::default() };
            return self.search_among(&space, query, ask, &known);
        }
        let matcher = match listing {
            true => Arc::new(Matcher::of_everything()),
            false => self.search_matcher(&space, query, request.correct)?,
        };
        let under = MatchingUnder::new(self, &space, &matcher, ask);
        let matching = under.filter(&ask.filter)?;
        let facets = (!request.facets.is_empty()).then(|| self.count_facets(&request.facets, &under, &matching));
        let facets = facets.transpose()?;
        let mut answer = if request.sort != SearchSort::Relevance {
            self.in_order(&space, &matcher, &matching.rows, request, began)?
        } else if listing {
            self.listed(matching.rows.clone(), ask, began)?
        } else {
            let vector = Some(matcher.vector()).filter(|v| !v.is_empty());
            let among = request.matching.then_some(&matching.rows);
            let known = Known { correct: request.correct, vector, among };
            self.search_among(&space, query, ask, &known)?
        };
        let Matching { rows, all } = matching;
        answer.meta.matched = Some(MatchCount { papers: rows.len() as usize, all });
        answer.meta.facets = facets;
        answer.meta.took_ms = began.elapsed().as_secs_f64() * 1e3;
        Ok(answer)
    }

    /// A page of the papers that match, in an order that is not that of their scores. These are told all the same, without what the
    /// best have in common: the best are not looked for.
    fn in_order(
        &self,
        space: &EmbeddingSpace,
        matcher: &Matcher,
        rows: &RoaringBitmap,
        request: &SearchRequest,
        began: Instant,
    ) -> Result<Answer> {
        let (ask, total) = (&request.ask, rows.len() as usize);
        let rows: Vec<Row> = rows.iter().map(Row).collect();
        let votes = match request.sort {
            SearchSort::Votes => self.store.votes(&rows)?,
            SearchSort::Newest | SearchSort::Relevance => vec![0; rows.len()],
        };
        let days = self.store.list_days(&rows)?;
        let mut order: Vec<(u32, Option<i32>, Row)> =
            votes.into_iter().zip(days).zip(rows).map(|((votes, day), row)| (votes, day, row)).collect();
        order.sort_unstable_by_key(|key| Reverse(*key));
        let page: Vec<Row> = order.into_iter().skip(ask.offset).take(ask.limit).map(|(.., row)| row).collect();
        let scores = self.match_scores(space, matcher, &page, ask)?;
        let hit = |(row, paper): (Row, Paper)| {
            let found = scores.get(&row).copied().unwrap_or(Candidate { row, score: 1.0, ..Candidate::default() });
            let exact = || Why::of(vec![Part::Exact { value: found.score }]);
            let why = || if scores.contains_key(&row) { self.match_reasons(matcher, &found) } else { exact() };
            Hit { why: ask.explain.then(why), ..Hit::new(paper, found.score) }
        };
        let papers = self.store.papers(&page)?.into_iter().map(hit).collect();
        let mut meta = Meta::since(began, Plan::Exact, total, ask.mode);
        meta.corrected = matcher.corrected().to_vec();
        Ok(Answer { papers, meta })
    }

    /// The scores of some papers that match; none for those that the query names, or where its conditions decide.
    fn match_scores(
        &self,
        space: &EmbeddingSpace,
        matcher: &Matcher,
        rows: &[Row],
        ask: &SearchOptions,
    ) -> Result<HashMap<Row, Candidate>> {
        let Some(probe) = matcher.probe(ask.mode).filter(|_| !rows.is_empty()) else { return Ok(HashMap::new()) };
        let page: RoaringBitmap = rows.iter().map(|row| row.0).collect();
        let allowed = Some(Allowed { rows: &page, filter: None });
        let found = self.candidates(space, &probe, rows.len(), allowed)?.found;
        let is_named = |row: &Row| matcher.named().contains(row);
        Ok(found.into_iter().filter(|f| !is_named(&f.row)).map(|f| (f.row, f)).collect())
    }
}
