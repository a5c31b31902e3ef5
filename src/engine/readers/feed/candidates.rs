//! Which papers a feed may show, and which of them are worth scoring.

use roaring::RoaringBitmap;

use super::score::Scorer;
use super::{Feed, Since, step};
use crate::engine::answer::Mode;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::interests::shares;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::engine::widen::{Look, widen_all};
use crate::error::Result;
use crate::index::{Allowed, Found, Plan};
use crate::paper::{Filter, Row};

/// Candidates up to which all are scored where nothing else is said; of more, those that a search finds near the user's interests.
pub const SCORE_ALL: usize = 12_000;

/// Papers that a search for the whole preference model looks for, and those that the searches for its interests share, each at least
/// some.
const PER_SEARCH: usize = 200;
const PER_INTEREST: std::ops::RangeInclusive<usize> = 200..=800;

/// The newest papers are candidates too: of the longest of these spans of days that has not more than so many.
const FRESH_DAYS: [i32; 6] = [60, 30, 14, 7, 3, 1];
const FRESH: u64 = 2000;

/// The rows that may be shown.
pub struct Eligible {
    /// What filter and span allow; none for everything.
    allowed: Option<RoaringBitmap>,
    /// The filter.
    filter: Filter,
    /// What was seen, is excluded, was taken back, or stands behind a newer version of its work.
    gone: RoaringBitmap,
}

impl Eligible {
    /// How many there are, of so many rows in all.
    pub fn count(&self, all: usize) -> usize {
        match &self.allowed {
            Some(rows) => (rows.len() - rows.intersection_len(&self.gone)) as usize,
            None => all.saturating_sub(self.gone.len() as usize),
        }
    }

    /// Whether a row is one.
    pub fn hold(&self, row: u32) -> bool {
        self.allowed.as_ref().is_none_or(|rows| rows.contains(row)) && !self.gone.contains(row)
    }

    /// All of them; `all` gives those of the corpus.
    pub fn rows(&self, all: impl FnOnce() -> RoaringBitmap) -> RoaringBitmap {
        self.allowed.clone().unwrap_or_else(all) - &self.gone
    }

    /// What filter and span allow; none for everything.
    pub fn allowed(&self) -> Option<Allowed<'_>> {
        self.allowed.as_ref().map(|rows| Allowed { rows, filter: Some(&self.filter) })
    }
}

impl Readers {
    /// The rows that may be shown at all.
    pub(super) fn eligible(&self, feed: &Feed, reader: &Reader) -> Result<Eligible> {
        let ask = &feed.ask;
        let span = match &feed.since {
            Since::Ever | Since::Rows(_) => None,
            Since::Date(date) => Some((date.first_day(), date.last_day())),
            Since::Moment(at) => Some((at.day(), i32::MAX)),
            Since::Days(first, last) => Some((*first, *last)),
        };
        let listed = match &feed.since {
            Since::Rows(rows) => Some(rows.clone()),
            _ => span.map(|(first, last)| self.store.listed_in(first, last)).transpose()?,
        };
        let allowed = match (self.corpus.allowed(&ask.filter)?, listed) {
            (Some(a), Some(b)) => Some(a & b),
            (a, b) => a.or(b),
        };
        let mut gone = &reader.gone | self.corpus.excluded(&ask.filter)?;
        gone |= self.store.retired()?;
        if !ask.versions {
            gone |= self.corpus.versions().superseded_rows(allowed.as_ref());
        }
        Ok(Eligible { allowed, filter: ask.filter.clone(), gone })
    }

    /// The papers that are worth scoring, scored. Over the whole corpus they are kept for the next page and the next visit.
    pub(super) fn scored(
        &self,
        by: Scorer<'_>,
        feed: &Feed,
        eligible: &Eligible,
        needed: usize,
    ) -> Result<(Vec<Scored>, Plan)> {
        let whole = feed.since == Since::Ever
            && feed.ask.filter == Filter::default()
            && feed.ask.mode == Mode::Hybrid
            && !feed.ask.versions;
        // Read first: what is committed meanwhile is then looked at by the next feed.
        let (followed, step) = (self.corpus.followed(), step(needed));
        if whole && let Some(kept) = by.reader.pool.get(followed, step) {
            return Ok(kept);
        }
        let (rows, plan) = self.pool(by, eligible, step)?;
        let scored = self.score_rows(by, &rows)?;
        if whole {
            self.pools.keep(&by.reader.pool, followed, step, (scored.clone(), plan));
        }
        Ok((scored, plan))
    }

    /// The rows worth scoring.
    fn pool(&self, by: Scorer<'_>, eligible: &Eligible, step: usize) -> Result<(Vec<Row>, Plan)> {
        let Scorer { space, reader, preferences, .. } = by;
        if eligible.count(space.len()) <= self.score_all {
            let all = eligible.rows(|| self.corpus.lexical().rows());
            return Ok((all.iter().map(Row).collect(), Plan::Exact));
        }
        let mut found = RoaringBitmap::new();
        let (least, most) = PER_INTEREST.into_inner();
        let mut looks = vec![(preferences.direction(), PER_SEARCH.max(step))];
        for (interest, share) in reader.interests.iter().zip(shares(&reader.interests)).filter(|i| i.1 > 0.0) {
            let k = (8.0 * share * step as f32) as usize;
            looks.push((interest.direction(), k.clamp(least, most.max(step))));
        }
        let plan = self.look(space, &looks, eligible, &mut found)?;
        if let Some(today) = self.corpus.today()? {
            for days in FRESH_DAYS {
                let mut fresh = self.store.listed_in(today - days, today)?;
                if let Some(allowed) = &eligible.allowed {
                    fresh &= allowed;
                }
                if fresh.len() <= FRESH {
                    found |= fresh;
                    break;
                }
            }
        }
        found -= &eligible.gone;
        Ok((found.iter().map(Row).collect(), plan))
    }

    /// Adds for each direction the `k` candidates that lie furthest along it. What a reader has seen lies just there, so it
    /// is searched on until enough is left without it. How the last of them was found.
    fn look(
        &self,
        space: &EmbeddingSpace,
        directions: &[(&[f32], usize)],
        eligible: &Eligible,
        found: &mut RoaringBitmap,
    ) -> Result<Plan> {
        let length = |direction: &[f32]| direction.iter().map(|x| x * x).sum::<f32>().sqrt();
        let units: Vec<(Vec<f32>, usize)> = directions
            .iter()
            .map(|(direction, k)| (*direction, length(direction), *k))
            .filter(|(_, length, _)| *length >= 1e-9)
            .map(|(direction, length, k)| (direction.iter().map(|x| x / length).collect(), k))
            .collect();
        let first: Vec<usize> = units.iter().map(|(_, k)| k + (*k).min(eligible.gone.len() as usize)).collect();
        let mut plan = Plan::Exact;
        let fit = widen_all(&first, space.len(), |wanted, which| {
            let queries: Vec<&[f32]> = which.iter().map(|i| units[*i].0.as_slice()).collect();
            let near = space.search_many(&queries, wanted, eligible.allowed())?;
            let look = |(i, near): (&usize, Found)| {
                plan = near.plan;
                let (k, all) = (units[*i].1, near.neighbours.len() < wanted);
                let rows = near.neighbours.iter().map(|n| n.row.0);
                let fit: Vec<u32> = rows.filter(|row| eligible.hold(*row)).take(k).collect();
                if fit.len() >= k || all { Look::Done(fit) } else { Look::TooFew(fit) }
            };
            Ok(which.iter().zip(near).map(look).collect())
        })?;
        found.extend(fit.into_iter().flatten());
        Ok(plan)
    }
}
