//! The papers of what is followed: what a query is about (`engine/corpus/matches`), what an author wrote, what lies in a theme.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use roaring::RoaringBitmap;

use crate::engine::answer::{Answer, Hit, Meta, Mode, Part, Why};
use crate::engine::corpus::{Candidate, EmbeddingSpace, Matcher, Versions};
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::index::Plan;
use crate::paper::{Filter, Paper, PaperId, Row};
use crate::user::Follow;

/// Papers of a name that are put in order: of more the newest.
const ORDERED: usize = 2_000;

/// What is asked of the papers that match.
#[derive(Debug, Clone)]
pub struct Matches {
    /// Only those listed (else dated) on these days, the last included; days since 1970-01-01.
    pub days: Option<(i32, i32)>,
    /// Only works that came behind this change of the papers ([`Engine::matched_change`](crate::engine::Engine::matched_change)
    /// gives the one to go on from): a new version of what was there before is none.
    pub arrived_after: Option<u64>,
    /// Neither these papers nor other versions of their works.
    pub without: Vec<PaperId>,
    /// How many to give, of any number, and how many to pass over first.
    pub limit: usize,
    pub offset: usize,
    /// Those with a smaller score do not count.
    pub min_score: Option<f32>,
    /// Whether each says where its score comes from.
    pub explain: bool,
}

impl Default for Matches {
    fn default() -> Self {
        Matches {
            days: None,
            arrived_after: None,
            without: Vec::new(),
            limit: 10,
            offset: 0,
            min_score: None,
            explain: false,
        }
    }
}

/// The papers that match, best first.
pub(in crate::engine::readers) struct Matched {
    pub papers: Vec<Candidate>,
    /// How many there are; more than these where a name has very many.
    pub total: usize,
    // What the scores of a query come from.
    matcher: Option<Arc<Matcher>>,
}

impl Readers {
    /// The papers of what is followed.
    pub fn matches(&self, follow: &Follow, ask: &Matches) -> Result<Answer> {
        self.matched_page(follow, ask).map(|(answer, _)| answer)
    }

    /// The same, with the rows of the papers.
    pub(super) fn matched_page(&self, follow: &Follow, ask: &Matches) -> Result<(Answer, Vec<Row>)> {
        let began = Instant::now();
        follow.check()?;
        if ask.min_score.is_some_and(|least| !least.is_finite()) {
            return Err(Error::Invalid("min_score must be a finite number".into()));
        }
        let space = self.corpus.space();
        let rows = self.rows_to_match(ask)?;
        let mut found = self.matched(&space, follow, &rows)?;
        if let Some(least) = ask.min_score {
            found.papers.retain(|f| f.score >= least);
            found.total = found.papers.len();
        }
        let page: Vec<Candidate> = found.papers.iter().skip(ask.offset).take(ask.limit).copied().collect();
        let rows: Vec<Row> = page.iter().map(|f| f.row).collect();
        let mut papers: HashMap<Row, Paper> = self.store.papers(&rows)?.into_iter().collect();
        let hit = |f: &Candidate| {
            let why = ask.explain.then(|| self.match_why(&found, f));
            Some((Hit { why, ..Hit::new(papers.remove(&f.row)?, f.score) }, f.row))
        };
        let (papers, rows) = page.iter().filter_map(hit).unzip();
        Ok((Answer { papers, meta: Meta::since(began, Plan::Exact, found.total, Mode::Hybrid) }, rows))
    }

    /// Where the score of a match comes from.
    pub(in crate::engine::readers) fn match_why(&self, found: &Matched, f: &Candidate) -> Why {
        match &found.matcher {
            Some(matcher) => self.corpus.match_reasons(matcher, f),
            None if f.score > 0.0 => Why::of(vec![Part::Votes { value: f.score }]),
            None => Why::of(Vec::new()),
        }
    }

    /// The change of the papers up to which everything that came is found by what follows.
    pub fn matched_change(&self) -> u64 {
        let followed = self.corpus.followed();
        followed.papers.min(followed.words)
    }

    /// The rows that may match.
    fn rows_to_match(&self, ask: &Matches) -> Result<RoaringBitmap> {
        let listed = ask.days.map(|(first, last)| self.store.listed_in(first, last)).transpose()?;
        let without = Filter { exclude: ask.without.clone(), ..Filter::default() };
        let without = self.corpus.excluded(&without)? | self.store.retired()?;
        let arrived = ask.arrived_after.map(|change| self.store.arrived_after(change)).transpose()?;
        let versions = self.corpus.versions();
        let mut rows = listed.clone().unwrap_or_else(|| self.corpus.lexical().rows());
        rows -= versions.superseded_rows(listed.as_ref());
        rows -= &without;
        rows -= without.iter().flat_map(|row| versions.others(Row(row))).map(|row| row.0).collect::<RoaringBitmap>();
        if let Some(arrived) = arrived {
            rows = (rows & &arrived).iter().filter(|row| came_anew(&versions, *row, &arrived)).collect();
        }
        Ok(rows)
    }

    /// Those of some rows that match.
    pub(in crate::engine::readers) fn matched(
        &self,
        space: &EmbeddingSpace,
        follow: &Follow,
        rows: &RoaringBitmap,
    ) -> Result<Matched> {
        let Follow::Query(query) = follow else {
            return self.most_attended_first(self.rows_of_name(follow, rows)?);
        };
        let matcher = self.corpus.matcher(space, query)?;
        let mut papers = self.corpus.matching(space, &matcher, rows)?;
        if matcher.is_of_conditions() {
            self.newest_first(&mut papers)?;
        }
        Ok(Matched { total: papers.len(), papers, matcher: Some(matcher) })
    }

    /// Those of some rows that have a name. Of a query there are none: what it matches is no matter of having it.
    fn rows_of_name(&self, name: &Follow, rows: &RoaringBitmap) -> Result<RoaringBitmap> {
        let one = |name: &String| vec![name.clone()];
        let filter = match name {
            Follow::Query(_) => return Ok(RoaringBitmap::new()),
            Follow::Theme(theme) => return Ok(rows & self.themes.rows_of(theme)?),
            Follow::Author(name) => Filter { authors: one(name), ..Filter::default() },
            Follow::Category(name) => Filter { categories: one(name), ..Filter::default() },
            Follow::Organization(name) => Filter { organizations: one(name), ..Filter::default() },
        };
        Ok(rows & self.store.allowed(&filter)?.unwrap_or_default())
    }

    /// The newest papers of what is followed, by the day they were listed (else dated): of a query those of its best `best` matches,
    /// of a name of all that have it.
    pub(super) fn newest_matches(&self, follow: &Follow, best: usize, limit: usize) -> Result<Vec<Paper>> {
        if let Follow::Query(_) = follow {
            let (found, _) = self.matched_page(follow, &Matches { limit: best, ..Matches::default() })?;
            let mut papers: Vec<Paper> = found.papers.into_iter().map(|hit| hit.paper).collect();
            papers.sort_by_key(|paper| std::cmp::Reverse(paper.list_day()));
            papers.truncate(limit);
            return Ok(papers);
        }
        follow.check()?;
        let rows = self.rows_of_name(follow, &self.rows_to_match(&Matches::default())?)?;
        let newest = self.store.newest(&rows, 0, limit)?;
        let mut papers: HashMap<Row, Paper> = self.store.papers(&newest)?.into_iter().collect();
        Ok(newest.iter().filter_map(|row| papers.remove(row)).collect())
    }

    /// Checks that something can be followed: that its text is one, and its theme one that there is. While there are no themes nobody
    /// can tell.
    pub(super) fn check_follow(&self, follow: &Follow) -> Result<()> {
        let nothing = Matches { arrived_after: Some(self.matched_change()), limit: 0, ..Matches::default() };
        match self.matched_page(follow, &nothing) {
            Ok(_) | Err(Error::BeingMade { .. }) => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn newest_first(&self, papers: &mut [Candidate]) -> Result<()> {
        let rows: Vec<Row> = papers.iter().map(|f| f.row).collect();
        let days: HashMap<Row, Option<i32>> = rows.iter().copied().zip(self.store.list_days(&rows)?).collect();
        papers.sort_by_key(|f| std::cmp::Reverse((days.get(&f.row).copied().flatten(), f.row)));
        Ok(())
    }

    /// Papers of a name: those with most attention first, among equals the newest.
    fn most_attended_first(&self, rows: RoaringBitmap) -> Result<Matched> {
        let total = rows.len() as usize;
        let some: Vec<Row> =
            if total > ORDERED { self.store.newest(&rows, 0, ORDERED)? } else { rows.iter().map(Row).collect() };
        let mut papers: Vec<(f32, Option<i32>, Row)> = self
            .store
            .papers(&some)?
            .into_iter()
            .map(|(row, paper)| ((1.0 + paper.attention() as f32).ln(), paper.list_day(), row))
            .collect();
        papers.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(b.2.cmp(&a.2)));
        let candidate = |(score, _, row)| Candidate { row, score, ..Candidate::default() };
        Ok(Matched { papers: papers.into_iter().map(candidate).collect(), total, matcher: None })
    }
}

/// Whether no version of the work of a row was there before those that arrived.
pub(super) fn came_anew(versions: &Versions, row: u32, arrived: &RoaringBitmap) -> bool {
    versions.others(Row(row)).iter().all(|other| arrived.contains(other.0))
}
