//! Papers by recent attention.
//!
//! Attention is votes and twice the comments, counted at the day a paper was listed, and what readers do, as far as it is told
//! at all (`engine/readers/readership`: readers with a history alone, in batches, sampled), at the day they did it: each once a paper, whatever they did. It
//! halves every half window, that of readers in whole steps. The score is a rate: attention a day, drawn towards the mean of the
//! papers in question by as much as [`PRIOR_DAYS`] days of it, so that one early vote does not win.

use std::collections::HashMap;
use std::time::Instant;

use roaring::RoaringBitmap;

use crate::engine::answer::{Answer, Hit, Meta, Mode, Part, SearchOptions, Why};
use crate::engine::readers::Readers;
use crate::engine::readers::readership::Sampled;
use crate::error::{Error, Result};
use crate::index::Plan;
use crate::paper::{Paper, PaperId, Row};
use crate::rank::mmr;
use crate::user::Moment;

/// Days of mean attention that every paper starts with.
const PRIOR_DAYS: f32 = 3.0;

/// Papers that are looked at where days say nothing.
const MOST_VOTED: usize = 2000;

/// Days that can be asked for.
const SHORTEST_WINDOW: f32 = 0.04;
pub const LONGEST_WINDOW: f32 = 3650.0;

/// A paper's attention.
pub struct Attention {
    pub row: Row,
    pub paper: Paper,
    /// Attention a day.
    pub score: f32,
    /// What votes and comments gave, and what readers did, which is a multiple of [`Sampled::WORTH`] halved some times.
    pub votes: f32,
    pub users: f32,
}

impl Readers {
    /// Papers by recent attention. Days are counted back from [`Corpus::today`](crate::engine::corpus::Corpus::today), those of readers' acts from the newest that
    /// counts.
    pub fn trending(&self, window_days: f32, ask: &SearchOptions) -> Result<Answer> {
        let began = Instant::now();
        ask.check()?;
        if !(SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&window_days) {
            return Err(Error::Invalid(format!("window is {window_days} days; it goes from 1 hour to 3650 days")));
        }
        let (allowed, excluded) = (self.corpus.allowed(&ask.filter)?, self.corpus.excluded(&ask.filter)?);
        let retired = self.store.retired()?;
        let superseded =
            if ask.versions { Default::default() } else { self.corpus.versions().superseded_rows(allowed.as_ref()) };
        let mut attended = self.attention(window_days, allowed.as_ref(), false)?;
        attended.retain(|a| {
            !superseded.contains(a.row.0)
                && !retired.contains(a.row.0)
                && !excluded.contains(a.row.0)
                && ask.min_score.is_none_or(|least| a.score >= least)
        });
        let total = attended.len();
        let order = if ask.diversity > 0.0 {
            let rows: Vec<Row> = attended.iter().map(|a| a.row).collect();
            let space = self.corpus.space();
            let vectors = space.vectors_or_zero(&rows)?;
            let greatest = attended.first().map_or(1.0, |a| a.score.max(1e-6));
            let scores: Vec<f32> = attended.iter().map(|a| a.score / greatest).collect();
            mmr(&scores, &vectors, ask.diversity, ask.offset.saturating_add(ask.limit))
        } else {
            (0..attended.len()).collect()
        };
        let page: Vec<usize> = order.into_iter().skip(ask.offset).take(ask.limit).collect();
        let mut papers: Vec<Hit> = Vec::with_capacity(page.len());
        for k in page {
            let a = &attended[k];
            papers.push(Hit { why: ask.explain.then(|| a.why()), ..Hit::new(a.paper.clone(), a.score) });
        }
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }

    /// The papers that had attention in the window, of those allowed (none for all), the most first. Papers with a day ahead
    /// of the clock are among them where they are `asked_for`, as if their day were today's.
    pub(super) fn attention(
        &self,
        window_days: f32,
        allowed: Option<&RoaringBitmap>,
        asked_for: bool,
    ) -> Result<Vec<Attention>> {
        let clock = Moment::now().day();
        let today = self.corpus.today()?.unwrap_or(clock);
        let half = window_days / 2.0;
        let first = today.saturating_sub(window_days.ceil() as i32).saturating_add(1);
        let mut listed = self.store.listed_in(first, if asked_for { i32::MAX } else { today })?;
        if listed.is_empty() && self.store.listed_in(i32::MIN, today)?.is_empty() {
            // No paper has a day that was: then days say nothing, and votes alone do.
            listed = self.store.most_voted(allowed, MOST_VOTED)?;
        }
        // Acts are counted back from the newest of them: over a corpus that is no longer fed, both kinds of attention last.
        let released = self.released()?;
        let newest = released.newest().unwrap_or(today).min(clock);
        let worth = |act: &Sampled| Sampled::WORTH * (-((newest - act.day).max(0) as f32 / half).floor()).exp2();
        let by_paper: HashMap<PaperId, f32> = released
            .attended_since(newest.saturating_sub(window_days.ceil() as i32).saturating_add(1))
            .map(|(paper, acts)| (paper.clone(), acts.iter().map(worth).sum()))
            .collect();
        let mut rows: Vec<Row> = listed.iter().map(Row).collect();
        let further: Vec<&PaperId> = by_paper.keys().collect();
        rows.extend(self.store.rows(&further)?.into_iter().flatten());
        rows.retain(|row| allowed.is_none_or(|a| a.contains(row.0)));
        rows.sort_unstable();
        rows.dedup();
        // What each paper got, and the days it had for that.
        let mut got: Vec<(Attention, f32)> = Vec::with_capacity(rows.len());
        let (mut attention, mut days) = (0.0, 0.0);
        for (row, paper) in self.store.papers(&rows)? {
            let age = paper.list_day().map_or(window_days, |day| (today - day).max(0) as f32 + 0.5);
            let votes = if age <= window_days { paper.attention() as f32 * (-age / half).exp2() } else { 0.0 };
            let users = by_paper.get(&paper.id).copied().unwrap_or(0.0);
            // What has been visible for long had longer to gather attention: days, discounted like the votes.
            let visible = half / std::f32::consts::LN_2 * (1.0 - (-age.min(window_days) / half).exp2());
            if paper.list_day().is_none_or(|day| day <= today) {
                attention += votes + users;
                days += visible;
            }
            got.push((Attention { row, paper, score: 0.0, votes, users }, visible));
        }
        let mean = if days > 0.0 { attention / days } else { 0.0 };
        let rate = |(a, visible): (Attention, f32)| Attention {
            score: (a.votes + a.users + PRIOR_DAYS * mean) / (visible + PRIOR_DAYS),
            ..a
        };
        let mut out: Vec<Attention> = got.into_iter().map(rate).collect();
        out.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.row.cmp(&a.row)));
        Ok(out)
    }
}

/// The same by what each got in all, the most first: of papers of some days that are looked at once, those of the last are no better
/// for having had less time.
pub fn in_all(attended: &mut [Attention]) {
    attended.iter_mut().for_each(|a| a.score = a.votes + a.users);
    attended.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.row.cmp(&a.row)));
}

impl Attention {
    /// Where the score comes from.
    pub fn why(&self) -> Why {
        let sum = self.votes + self.users;
        // The prior lifts or lowers what was counted; it is told apart.
        let rate = if sum > 0.0 { self.score / (sum + 1.0) } else { 0.0 };
        let (votes, users) = (self.votes * rate, self.users * rate);
        let mut parts = Vec::new();
        if votes > 0.0 {
            parts.push(Part::Votes { value: votes });
        }
        if users > 0.0 {
            parts.push(Part::Others { value: users });
        }
        parts.push(Part::Background { value: self.score - votes - users });
        Why::of(parts)
    }
}
