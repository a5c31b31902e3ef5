//! What a reader follows, in their feed: papers of its span that match a saved search, an author, a theme come as an interest of
//! a kind of its own.
//!
//! Of each the best matches count. One that the reader's model puts below the line between what is for them and what is not is
//! lifted to that line, which is told as a part of the score; all others keep their scores. Each gets a share of the places as an
//! interest does, and all together no more than half while the interests have papers.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::candidates::Eligible;
use super::score::Scorer;
use super::{Feed, LINE, Since};
use crate::engine::answer::{InterestName, Why};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::engine::readers::searches::{kind, search_id};
use crate::error::{Error, Result};
use crate::paper::Row;
use crate::store::StoredSearch;

/// The share of the places that each thing gets which is followed, and all of them together.
const EACH: f32 = 0.1;
const ALL: f32 = 0.5;

/// Matches of each that are looked at.
const MATCHES: usize = 50;

/// Days up to today that matches are looked for in where the feed is of the whole corpus: what is older is no news.
const RECENT: i32 = 30;

/// The matches of each thing that a reader follows, by its place among them: best first. Empty for who follows nothing.
pub type Alerts = Vec<Vec<Row>>;

impl Readers {
    /// What matches of what a reader follows, among the papers that may be shown.
    pub(super) fn alerts(
        &self,
        space: &EmbeddingSpace,
        reader: &Reader,
        feed: &Feed,
        eligible: &Eligible,
    ) -> Result<Alerts> {
        // A list that was asked for by name has its own order.
        if feed.whole || reader.follows.iter().all(|search| search.muted) {
            return Ok(Vec::new());
        }
        let mut rows = eligible.rows(|| self.corpus.lexical().rows());
        if let (Since::Ever, Some(today)) = (&feed.since, self.corpus.today()?) {
            rows &= self.store.listed_in(today.saturating_sub(RECENT - 1), today)?;
        }
        reader.follows.iter().map(|search| self.alerts_of(space, search, &rows)).collect()
    }

    fn alerts_of(&self, space: &EmbeddingSpace, search: &StoredSearch, rows: &RoaringBitmap) -> Result<Vec<Row>> {
        if search.muted || rows.is_empty() {
            return Ok(Vec::new());
        }
        match self.matched(space, &search.what, rows) {
            Ok(matched) => Ok(matched.papers.iter().take(MATCHES).map(|f| f.row).collect()),
            // A theme that is gone, or a query that nothing can be found with: its own list says so.
            Err(Error::NotFound { .. } | Error::BeingMade { .. } | Error::Invalid(_)) => Ok(Vec::new()),
            Err(e) => Err(e),
        }
    }

    /// Scores what matches and was not among the candidates.
    pub(super) fn score_alerts(&self, by: Scorer<'_>, alerts: &Alerts, scored: &mut Vec<Scored>) -> Result<()> {
        let mut missing: RoaringBitmap = alerts.iter().flatten().map(|row| row.0).collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing -= scored.iter().map(|s| s.row.0).collect::<RoaringBitmap>();
        let rows: Vec<Row> = missing.iter().map(Row).collect();
        scored.extend(self.score_rows(by, &rows)?);
        Ok(())
    }

    /// Why a paper is there that something brought which its reader follows.
    pub(super) fn followed_name(&self, search: &StoredSearch) -> InterestName {
        let (id, kind) = (search_id(search.number), kind(&search.what).to_string());
        InterestName { id, name: self.search_name(search), kind }
    }

    /// Says of each hit what brought it.
    pub(super) fn name_follow(&self, reader: &Reader, follow: Option<usize>, why: &mut Option<Why>) {
        if let (Some(search), Some(why)) = (follow.and_then(|k| reader.follows.get(k)), why) {
            why.interest = Some(self.followed_name(search));
        }
    }
}

/// Notes what each paper matches, and lifts to the line what lies below it.
pub fn lift(scored: &mut [Scored], alerts: &Alerts) {
    let of = best_of(alerts);
    if of.is_empty() {
        return;
    }
    for s in scored {
        s.follow = of.get(&s.row).copied();
        if s.follow.is_some() && s.score < LINE {
            s.lift = LINE - s.score;
            s.score = LINE;
        }
    }
}

/// What each paper matches best: that whose list it stands highest on.
pub fn best_of(alerts: &Alerts) -> HashMap<Row, usize> {
    let mut of: HashMap<Row, (usize, usize)> = HashMap::new();
    for (k, rows) in alerts.iter().enumerate() {
        for (place, row) in rows.iter().enumerate() {
            let best = of.entry(*row).or_insert((place, k));
            *best = (*best).min((place, k));
        }
    }
    of.into_iter().map(|(row, (_, k))| (row, k)).collect()
}

/// The shares of interests, and behind them those of what is followed and has something.
pub fn with_shares(interests: &[f32], alerts: &Alerts) -> Vec<f32> {
    let n = alerts.iter().filter(|rows| !rows.is_empty()).count();
    let all = ALL.min(EACH * n as f32);
    let each = |rows: &Vec<Row>| if rows.is_empty() { 0.0 } else { all / n as f32 };
    interests.iter().map(|share| share * (1.0 - all)).chain(alerts.iter().map(each)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_followed_has_at_most_half(
            interests in prop::collection::vec(0.0f32..1.0, 0..6), lists in prop::collection::vec(0u32..4, 0..120),
        ) {
            let sum: f32 = interests.iter().sum();
            let interests: Vec<f32> = interests.iter().map(|s| if sum > 0.0 { s / sum } else { 0.0 }).collect();
            let alerts: Alerts = lists.iter().map(|n| (0..*n).map(Row).collect()).collect();
            let shares = with_shares(&interests, &alerts);
            prop_assert_eq!(shares.len(), interests.len() + alerts.len());
            let (own, followed) = shares.split_at(interests.len());
            let all: f32 = followed.iter().sum();
            prop_assert!(all <= ALL + 1e-4 && followed.iter().all(|s| *s <= EACH + 1e-6));
            prop_assert!(sum == 0.0 || (own.iter().sum::<f32>() + all - 1.0).abs() < 1e-4);
            prop_assert!(followed.iter().zip(&alerts).all(|(share, rows)| (*share > 0.0) != rows.is_empty()));
            if alerts.iter().all(Vec::is_empty) {
                prop_assert_eq!(own, &interests[..], "who follows nothing keeps what they had");
            }
        }
    }
}
