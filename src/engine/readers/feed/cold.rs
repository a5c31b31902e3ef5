//! Feeds for somebody without a history: attention, spread over the corpus.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::candidates::Eligible;
use super::follows::Alerts;
use super::{Feed, Since};
use crate::engine::answer::AnswerBudget;
use crate::engine::answer::{Answer, Hit, Meta, Mode, Part, Why};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::interests::standing;
use crate::engine::readers::reader::Reader;
use crate::engine::readers::trending::{Attention, LONGEST_WINDOW, in_all};
use crate::error::Result;
use crate::index::Plan;
use crate::paper::{Row, Works};
use crate::rank::mmr;
use crate::user::Settings;

/// Days of attention that such a feed begins with, and how many times as many it looks at when there are too few papers.
const WINDOW: f32 = 14.0;
const WIDER: f32 = 4.0;

/// How diverse it is: nobody knows yet what the reader wants, so a bit of everything.
const DIVERSITY: f32 = 0.5;

/// Papers that are looked at.
const LOOKED_AT: usize = 2000;

impl Readers {
    pub(super) fn cold(
        &self,
        space: &EmbeddingSpace,
        reader: &Reader,
        feed: &Feed,
        (eligible, alerts): (&Eligible, &Alerts),
        began: Instant,
    ) -> Result<Answer> {
        let total = eligible.count(space.len());
        let needed = feed.ask.offset.saturating_add(feed.ask.limit);
        let muted = reader.interests.iter().any(|i| i.edits.muted);
        // Some of what is found is muted.
        let wanted = if muted { needed.saturating_mul(2).saturating_add(50) } else { needed };
        let mut attended = self.most_attended(reader, feed, eligible, wanted.min(total))?;
        let rows: Vec<Row> = attended.iter().map(|a| a.row).collect();
        let mut vectors = space.vectors_or_zero(&rows)?;
        // What was muted counts when nothing else is known of the reader any more.
        if let Some(common) = self.corpus.common(space)?.filter(|_| muted) {
            let length = common.background.length();
            let keep: Vec<bool> = vectors.iter().map(|v| !standing(&reader.interests, v, length).muted).collect();
            let (mut a, mut b) = (keep.iter(), keep.iter());
            attended.retain(|_| a.next().copied().unwrap_or_default());
            vectors.retain(|_| b.next().copied().unwrap_or_default());
        }
        // What they follow comes first: it is all that is known of them.
        let brought = self.followed_first(reader, feed, eligible, alerts, &mut attended)?;
        let vectors = if brought.is_empty() {
            vectors
        } else {
            space.vectors_or_zero(&attended.iter().map(|a| a.row).collect::<Vec<_>>())?
        };
        let most = attended.iter().map(|a| a.score).fold(1e-6, f32::max);
        let scores: Vec<f32> = attended.iter().map(|a| a.score / most).collect();
        let settings = &reader.user.settings;
        let diversity = feed.diversity.or(settings.diversity).unwrap_or(DIVERSITY);
        let per_author = feed.per_author.or(settings.per_author).unwrap_or(Settings::PER_AUTHOR);
        let mut authors: HashMap<&str, usize> = HashMap::new();
        let (mut works, mut chosen) = (Works::default(), Vec::new());
        let wanted = needed.saturating_mul(2).saturating_add(50 + brought.len()).min(vectors.len());
        let spread = mmr(&scores, &vectors, diversity, wanted);
        let (first, rest) = (0..brought.len(), spread.into_iter().filter(|k| *k >= brought.len()));
        for k in first.chain(rest) {
            let paper = &attended[k].paper;
            if (!feed.ask.versions && works.contains(paper))
                || paper.authors.iter().any(|n| authors.get(n.as_str()).is_some_and(|c| *c >= per_author))
            {
                continue;
            }
            for name in &paper.authors {
                *authors.entry(name).or_default() += 1;
            }
            works.insert(paper);
            chosen.push(k);
        }
        let mut page: Vec<usize> = chosen.into_iter().skip(feed.ask.offset).take(feed.ask.limit).collect();
        // What they follow was given places by turns, and is shown by attention as all else is.
        page.sort_unstable();
        let own = page.partition_point(|k| *k < brought.len());
        page[..own].sort_by(|a, b| attended[*b].score.total_cmp(&attended[*a].score).then(a.cmp(b)));
        let hit = |k: usize| {
            let a = &attended[k];
            let mut why = feed.ask.explain.then(|| a.why());
            self.name_follow(reader, brought.get(k).copied(), &mut why);
            let for_you = (!brought.is_empty()).then_some(k < brought.len());
            Hit { why, for_you, ..Hit::new(a.paper.clone(), a.score) }
        };
        let papers = page.into_iter().map(hit).collect();
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }

    /// Puts what matches something that the reader follows before the others, by turns of what they follow, each with its best
    /// matches first; gives what brought each.
    fn followed_first(
        &self,
        reader: &Reader,
        feed: &Feed,
        eligible: &Eligible,
        alerts: &Alerts,
        attended: &mut Vec<Attention>,
    ) -> Result<Vec<usize>> {
        let (mut turns, mut known) = (Vec::new(), HashSet::new());
        for place in 0..alerts.iter().map(Vec::len).max().unwrap_or_default() {
            let of = alerts.iter().enumerate().filter_map(|(k, rows)| rows.get(place).map(|row| (*row, k)));
            turns.extend(of.filter(|(row, _)| known.insert(*row)));
        }
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        // In one scale with the others.
        let rows = turns.iter().map(|(row, _)| row.0).chain(attended.iter().map(|a| a.row.0)).collect();
        let all = self.attention(LONGEST_WINDOW, Some(&rows), true)?;
        let mut scored: HashMap<Row, Attention> = all.into_iter().map(|a| (a.row, a)).collect();
        let (mut first, mut brought) = (Vec::new(), Vec::new());
        for (row, k) in turns {
            if let Some(a) = scored.remove(&row).filter(|a| self.may_be_shown(reader, feed, eligible, a)) {
                first.push(a);
                brought.push(k);
            }
        }
        let rest: Vec<Row> = attended.iter().map(|a| a.row).collect();
        first.extend(rest.iter().filter_map(|row| scored.remove(row)));
        *attended = first;
        Ok(brought)
    }

    fn may_be_shown(&self, reader: &Reader, feed: &Feed, eligible: &Eligible, a: &Attention) -> bool {
        eligible.hold(a.row.0)
            && !reader.seen.contains(a.paper.id.base())
            && !reader.works.contains(&a.paper)
            && feed.ask.min_score.is_none_or(|least| a.score >= least)
    }

    /// What may be shown and had most attention; over a longer time where a short one does not give enough.
    fn most_attended(
        &self,
        reader: &Reader,
        feed: &Feed,
        eligible: &Eligible,
        needed: usize,
    ) -> Result<Vec<Attention>> {
        let (mut window, asked_for) = match feed.since {
            Since::Ever => (WINDOW, false),
            // Everything in the span counts, whenever that was or will be.
            Since::Date(_) | Since::Moment(_) | Since::Days(..) | Since::Rows(_) => (LONGEST_WINDOW, true),
        };
        loop {
            let mut attended = self.attention(window, eligible.allowed().map(|a| a.rows), asked_for)?;
            if matches!(feed.since, Since::Rows(_)) {
                in_all(&mut attended);
            }
            attended.retain(|a| self.may_be_shown(reader, feed, eligible, a));
            if attended.len() >= needed.min(LOOKED_AT) || window >= LONGEST_WINDOW {
                attended.truncate(LOOKED_AT);
                return Ok(attended);
            }
            window = (WIDER * window).min(LONGEST_WINDOW);
        }
    }

    /// Candidates for somebody without a history: by attention alone.
    pub(super) fn rank_cold(&self, rows: Vec<Row>, explain: bool, began: Instant) -> Result<Answer> {
        let mut papers: Vec<Hit> = self
            .store
            .papers(&rows)?
            .into_iter()
            .map(|(_, paper)| {
                let score = (1.0 + paper.attention() as f32).ln();
                let why = explain.then(|| Why::of(vec![Part::Votes { value: score }]));
                Hit { why, ..Hit::new(paper, score) }
            })
            .collect();
        AnswerBudget::default().take(&papers)?;
        papers.sort_by(|a, b| b.score.total_cmp(&a.score));
        let total = papers.len();
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }
}
