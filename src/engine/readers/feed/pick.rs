//! Which of the scored papers are shown, and where.
//!
//! First come those that are for this reader ([`Feed::is_for`]): each interest gets its share of the places, and papers outside all interests
//! get the share for exploration and no more. When the interests have no more, what else is above the line follows, and
//! behind it the others, both by score: nothing of these was brought by an interest, and nothing of it is called so.

use std::collections::{HashMap, HashSet};

use super::{Feed, PER_AUTHOR, Since};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::interests::shares;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::error::Result;
use crate::paper::{Paper, Row, Works};
use crate::rank::{allocate_slots, mmr};

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

/// The share of the feed outside the interests, and how diverse it is, where nobody says otherwise.
const EXPLORATION: f32 = 0.05;
const DIVERSITY: f32 = 0.1;

/// Papers that are spread at once: a group's order is made window by window, so that it does not hang on how far a page
/// reaches.
const WINDOW: usize = 64;

impl Readers {
    /// The papers to show, in the order in which places are given: the place in `scored`, the paper, and whether it is
    /// there to explore.
    pub(super) fn pick(
        &self,
        space: &EmbeddingSpace,
        reader: &Reader,
        feed: &Feed,
        scored: &[Scored],
        needed: usize,
    ) -> Result<Vec<(usize, Paper, bool)>> {
        let exploration = feed.exploration.or(reader.user.settings.exploration).unwrap_or(EXPLORATION);
        let weights = shares(&reader.interests);
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); weights.len()];
        let (mut outside, mut below) = (Vec::new(), Vec::new());
        for (k, s) in scored.iter().enumerate() {
            match s.standing.interest {
                _ if !feed.is_for(s) => below.push(k),
                Some(interest) => groups[interest].push(k),
                None => outside.push(k),
            }
        }
        let diversity = feed.diversity.or(reader.user.settings.diversity).unwrap_or(DIVERSITY);
        if diversity > 0.0 {
            for (group, share) in groups.iter_mut().zip(&weights) {
                // Far down the list nobody sees the order.
                let head = (2.0 * share * needed as f32) as usize + 10;
                self.spread(space, scored, group, diversity, head)?;
            }
        }
        let mut chooser = Chooser {
            readers: self,
            reader,
            per_author: feed.per_author.or(reader.user.settings.per_author).unwrap_or(PER_AUTHOR),
            versions: feed.ask.versions,
            authors: HashMap::new(),
            works: Works::default(),
            papers: HashMap::new(),
        };
        let mut heads = vec![0usize; groups.len()];
        let mut open = outside.clone().into_iter();
        let mut explored: HashSet<usize> = HashSet::new();
        let mut out: Vec<(usize, Paper, bool)> = Vec::new();
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        // First one of each, the greatest shares first, where none is to be left out.
        let mut covered: Vec<usize> =
            (0..groups.len()).filter(|k| feed.cover && sizes[*k] > 0 && weights[*k] > 0.0).collect();
        covered.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
        for &group in &covered {
            while out.len() < needed && heads[group] < groups[group].len() {
                let upcoming = &groups[group][heads[group]..];
                heads[group] += 1;
                if let Some(paper) = chooser.take(scored, upcoming, needed)? {
                    out.push((upcoming[0], paper, false));
                    break;
                }
            }
        }
        // What these have had counts towards their shares.
        let mut had = vec![0usize; groups.len()];
        out.iter().for_each(|(k, ..)| had[scored[*k].standing.interest.unwrap_or_default()] += 1);
        for group in allocate_slots(&weights, &sizes, scored.len()) {
            if had[group] > 0 {
                had[group] -= 1;
                continue;
            }
            // However far one looks, exploration has no more than its share.
            while explored.len() < (exploration * (out.len() + 1) as f32 + 1e-4) as usize {
                let Some(next) = open.next() else { break };
                if let Some(paper) = chooser.take(scored, &[&[next][..], open.as_slice()].concat(), needed)? {
                    explored.insert(next);
                    out.push((next, paper, true));
                }
            }
            if out.len() >= needed {
                break;
            }
            while heads[group] < groups[group].len() {
                let upcoming = &groups[group][heads[group]..];
                heads[group] += 1;
                if let Some(paper) = chooser.take(scored, upcoming, needed)? {
                    out.push((upcoming[0], paper, false));
                    break;
                }
            }
        }
        outside.retain(|k| !explored.contains(k));
        for rest in [outside, below] {
            for k in 0..rest.len() {
                if out.len() >= needed {
                    break;
                }
                if let Some(paper) = chooser.take(scored, &rest[k..], needed)? {
                    out.push((rest[k], paper, false));
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
}

impl Chooser<'_> {
    /// The first of the upcoming papers, if it may be shown.
    fn take(&mut self, scored: &[Scored], upcoming: &[usize], needed: usize) -> Result<Option<Paper>> {
        let Some(&first) = upcoming.first() else { return Ok(None) };
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
        Ok(Some(paper))
    }
}
