//! Which of the scored papers are shown, and where.
//!
//! First come those that are for this reader ([`Feed::is_for`]): each interest gets its share of the places, and papers outside all interests
//! get the share for exploration and no more. When the interests have no more, what else is above the line follows, and
//! behind it the others, both by score: nothing of these was brought by an interest, and nothing of it is called so. What the
//! reader follows has places of its own, as an interest has (`follows`).

use std::collections::{HashMap, HashSet};

use super::follows::{Alerts, with_shares};
use super::{Feed, Shown, Since};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::interests::shares;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::error::Result;
use crate::paper::{Paper, Row, Works};
use crate::rank::{allocate_slots, mmr};
use crate::user::Settings;

/// The score from which on a paper is for this reader: half a standard deviation above a paper at large. On daily papers, of
/// those that people put on the next list 76% had as much, and of the others of the day 23%.
pub(super) const LINE: f32 = 0.5;

impl Feed {
    /// Whether a paper is for the reader, and not one of those that a list is filled up with. Of a day, by its score alone.
    /// Where the whole corpus is looked at, so is the best of a small interest, which is little of all that is liked: what is
    /// squarely of it and no worse than a paper at large but for its age.
    pub(super) fn is_for(&self, s: &Scored) -> bool {
        let small = s.standing.interest.is_some() && s.standing.squarely && s.score - s.age >= 0.0;
        s.score >= LINE || (small && !matches!(self.since, Since::Date(_)))
    }
}

/// Papers of an interest that are looked at for one that it brought.
const LOOKED_AT: usize = 24;

/// Papers that are spread at once: a group's order is made window by window, so that it does not hang on how far a page
/// reaches.
const WINDOW: usize = 64;

impl Readers {
    /// The papers to show, in the order in which places are given.
    pub(super) fn pick<'a>(
        &self,
        space: &EmbeddingSpace,
        reader: &Reader,
        feed: &Feed,
        (scored, alerts): (&'a [Scored], &Alerts),
        needed: usize,
    ) -> Result<Vec<Shown<'a>>> {
        let exploration = feed.exploration.or(reader.user.settings.exploration).unwrap_or(Settings::EXPLORATION);
        let interests = reader.interests.len();
        let weights = with_shares(&shares(&reader.interests), alerts);
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); interests];
        let (mut outside, mut followed, mut below) = (Vec::new(), Vec::new(), Vec::new());
        for (k, s) in scored.iter().enumerate() {
            match s.standing.interest {
                _ if !feed.is_for(s) => below.push(k),
                // What is there because it is followed is of no interest that was found, and nothing to explore.
                Some(interest) if s.lift == 0.0 && !feed.whole => groups[interest].push(k),
                _ if s.follow.is_some() => followed.push(k),
                _ => outside.push(k),
            }
        }
        // Of an interest that has nothing else, what is squarely of it and was brought by it: it had papers, if no good ones.
        let empty: Vec<usize> =
            (0..interests).filter(|k| feed.cover && groups[*k].is_empty() && weights[*k] > 0.0).collect();
        for interest in empty {
            let squarely = |k: &&usize| {
                let s = &scored[**k];
                s.standing.interest == Some(interest) && s.standing.squarely && s.lift == 0.0
            };
            let own: Vec<usize> = below.iter().filter(squarely).take(LOOKED_AT).copied().collect();
            let looked: Vec<&Scored> = own.iter().map(|&k| &scored[k]).collect();
            let brought = self.are_brought(space, reader, &looked)?;
            groups[interest].extend(own.iter().zip(brought).find(|(_, brought)| *brought).map(|(k, _)| *k));
        }
        if !alerts.is_empty() {
            let places: HashMap<Row, usize> = scored.iter().enumerate().map(|(k, s)| (s.row, k)).collect();
            let of = |rows: &Vec<Row>| rows.iter().filter_map(|row| places.get(row).copied()).collect();
            groups.extend(alerts.iter().map(of));
        }
        let diversity = feed.diversity.or(reader.user.settings.diversity).unwrap_or(Settings::DIVERSITY);
        if diversity > 0.0 {
            for (group, share) in groups.iter_mut().zip(&weights).take(interests) {
                // Far down the list nobody sees the order.
                let head = (2.0 * share * needed as f32) as usize + 10;
                self.spread(space, scored, group, diversity, head)?;
            }
        }
        let mut chooser = Chooser {
            readers: self,
            reader,
            per_author: feed.per_author.or(reader.user.settings.per_author).unwrap_or(Settings::PER_AUTHOR),
            versions: feed.ask.versions,
            authors: HashMap::new(),
            works: Works::default(),
            papers: HashMap::new(),
            taken: HashSet::new(),
        };
        let shown = |k: usize, paper: Paper, explore: bool, follow: Option<usize>| Shown {
            scored: &scored[k],
            paper,
            explore,
            follow,
        };
        let follow = |group: usize| group.checked_sub(interests);
        let mut heads = vec![0usize; groups.len()];
        let mut open = outside.clone().into_iter();
        let mut explored: HashSet<usize> = HashSet::new();
        let mut out: Vec<Shown<'_>> = Vec::new();
        // What a group has had before its turn counts towards its share.
        let mut had = vec![0usize; groups.len()];
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        // First one of each, the greatest shares first, where none is to be left out.
        let mut covered: Vec<usize> =
            (0..groups.len()).filter(|k| feed.cover && sizes[*k] > 0 && weights[*k] > 0.0).collect();
        covered.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
        // The first that its interest brought stands for it: the reason that is told names the interest.
        for &group in covered.iter().filter(|group| **group < interests) {
            let head: Vec<&Scored> = groups[group].iter().take(LOOKED_AT).map(|&k| &scored[k]).collect();
            if let Some(first) = self.are_brought(space, reader, &head)?.into_iter().position(|brought| brought) {
                groups[group][..=first].rotate_right(1);
            }
        }
        let found = sizes[..interests].iter().any(|n| *n > 0);
        for &group in &covered {
            // What is followed has no more than half of the places here either.
            let followed = out.iter().filter(|shown| shown.follow.is_some()).count();
            if found && follow(group).is_some() && 2 * (followed + 1) > needed {
                continue;
            }
            while out.len() < needed && heads[group] < groups[group].len() {
                let upcoming = &groups[group][heads[group]..];
                heads[group] += 1;
                if let Some(paper) = chooser.take(scored, upcoming, needed)? {
                    out.push(shown(upcoming[0], paper, false, follow(group)));
                    had[group] += 1;
                    break;
                }
            }
        }
        // Where each has its place, the others go to what is worth most.
        let allocated = if feed.cover { Vec::new() } else { allocate_slots(&weights, &sizes, scored.len()) };
        let by_score: Vec<usize> = (0..scored.len()).filter(|k| feed.cover && feed.is_for(&scored[*k])).collect();
        for group in allocated {
            if had[group] > 0 {
                had[group] -= 1;
                continue;
            }
            // However far one looks, exploration has no more than its share.
            while explored.len() < (exploration * (out.len() + 1) as f32 + 1e-4) as usize {
                let Some(next) = open.next() else { break };
                if let Some(paper) = chooser.take(scored, &[&[next][..], open.as_slice()].concat(), needed)? {
                    explored.insert(next);
                    out.push(shown(next, paper, true, None));
                }
            }
            if out.len() >= needed {
                break;
            }
            while heads[group] < groups[group].len() {
                let upcoming = &groups[group][heads[group]..];
                heads[group] += 1;
                if let Some(paper) = chooser.take(scored, upcoming, needed)? {
                    out.push(shown(upcoming[0], paper, false, follow(group)));
                    break;
                }
            }
        }
        outside.retain(|k| !explored.contains(k));
        for rest in [by_score, outside, followed, below] {
            for k in 0..rest.len() {
                if out.len() >= needed {
                    break;
                }
                if let Some(paper) = chooser.take(scored, &rest[k..], needed)? {
                    out.push(shown(rest[k], paper, false, None));
                }
            }
        }
        out.truncate(needed);
        Ok(out)
    }

    /// Brings the first windows of a group into an order in which good papers that are unlike the ones before come first
    /// (MMR on scores between 0 and 1), until `head` papers are in place.
    fn spread(
        &self,
        space: &EmbeddingSpace,
        scored: &[Scored],
        group: &mut [usize],
        diversity: f32,
        head: usize,
    ) -> Result<()> {
        let head = head.next_multiple_of(WINDOW).min(group.len());
        let rows: Vec<Row> = group[..head].iter().map(|&k| scored[k].row).collect();
        let vectors = space.vectors_or_zero(&rows)?;
        for (window, vectors) in group[..head].chunks_mut(WINDOW).zip(vectors.chunks(WINDOW)) {
            let (greatest, least) = (scored[window[0]].score, scored[window[window.len() - 1]].score);
            let span = (greatest - least).max(1e-6);
            let scores: Vec<f32> = window.iter().map(|&k| (scored[k].score - least) / span).collect();
            let spread: Vec<usize> =
                mmr(&scores, vectors, diversity, window.len()).into_iter().map(|k| window[k]).collect();
            window.copy_from_slice(&spread);
        }
        Ok(())
    }
}

/// Lets papers through, one at a time: nothing seen, no second version of a work, not too many of one author.
struct Chooser<'a> {
    readers: &'a Readers,
    reader: &'a Reader,
    per_author: usize,
    versions: bool,
    authors: HashMap<String, usize>,
    works: Works,
    papers: HashMap<Row, Paper>,
    /// Places in the scored papers that were let through.
    taken: HashSet<usize>,
}

impl Chooser<'_> {
    /// The first of the upcoming papers, if it may be shown.
    fn take(&mut self, scored: &[Scored], upcoming: &[usize], needed: usize) -> Result<Option<Paper>> {
        let Some(&first) = upcoming.first().filter(|first| !self.taken.contains(first)) else { return Ok(None) };
        if !self.papers.contains_key(&scored[first].row) {
            // In pieces: papers are the dearest part of an answer.
            let rows: Vec<Row> = upcoming.iter().take((needed / 3).clamp(4, 64)).map(|&k| scored[k].row).collect();
            self.papers.extend(self.readers.store.papers(&rows)?);
        }
        let Some(paper) = self.papers.remove(&scored[first].row) else { return Ok(None) };
        let seen = self.reader.seen.contains(paper.id.base()) || self.reader.works.contains(&paper);
        let full = |name: &String| self.authors.get(name).is_some_and(|n| *n >= self.per_author);
        if seen || (!self.versions && self.works.contains(&paper)) || paper.authors.iter().any(full) {
            return Ok(None);
        }
        for name in &paper.authors {
            *self.authors.entry(name.clone()).or_default() += 1;
        }
        self.works.insert(&paper);
        self.taken.insert(first);
        Ok(Some(paper))
    }
}
