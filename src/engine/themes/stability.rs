//! What evaluation asks of themes: who is where, and what stays when papers come.

use std::time::Instant;

use super::snapshot::ThemeSnapshot;
use super::theme_id;
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::paper::{Paper, Row};
use crate::themes::graph::Knn;
use crate::themes::levels::{self, FINEST, LEVELS, NONE, Start};
use crate::themes::lineage;

/// Papers read at a time.
const PAGE: usize = 2_000;

/// Where a paper is.
#[derive(Debug, Clone, Default)]
pub struct Assigned {
    /// The themes it is in or nearest to, coarsest first; empty where none is near.
    pub path: Vec<String>,
    /// Whether it belongs to them.
    pub member: bool,
}

/// What stayed when papers came.
#[derive(Debug, Clone, Default)]
pub struct Stability {
    /// Papers before.
    pub before: usize,
    /// Papers that came.
    pub new: usize,
    /// For every level, of the papers that had a theme before and after, those that have the same one, and how many
    /// they are.
    pub kept: Vec<(usize, usize)>,
    /// Seconds of the grouping with the new papers.
    pub took_s: f64,
}

impl Themes {
    /// Gives every paper and where it is to `f`.
    pub fn each_assignment(&self, f: &mut dyn FnMut(&Paper, &Assigned)) -> Result<()> {
        let snapshot = self.snapshot_now()?;
        let mut last: Option<Row> = None;
        loop {
            let page = self.store.papers_after(last, PAGE)?;
            let Some((row, _)) = page.last() else { return Ok(()) };
            last = Some(*row);
            for (row, paper) in &page {
                // An older version is where the newest of its work is.
                let newest = self.corpus.versions().newest(*row);
                f(paper, &snapshot.as_ref().map_or_else(Assigned::default, |p| assigned(p, newest)));
            }
        }
    }

    /// Takes the newest papers away, groups the rest from nothing, and groups all again as the next run would. Nothing
    /// of it is kept.
    pub fn theme_stability(&self, newest: usize) -> Result<Stability> {
        let (rows, knn) = self.neighbour_lists(&self.corpus.space())?;
        if newest == 0 || newest >= rows.len() {
            return Err(Error::Invalid(format!("{newest} of {} papers cannot be held back", rows.len())));
        }
        let days = self.store.days_and_votes(&rows)?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|i| (days[*i].and_then(|d| d.0), rows[*i]));
        let mut old = order[..rows.len() - newest].to_vec();
        old.sort_unstable();
        let before = levels::group(&among(&knn, &old), 1, None);
        let themes = |level: usize| {
            let mut all = vec![NONE; rows.len()];
            for (k, i) in old.iter().enumerate() {
                all[*i] = before.theme(level, k).unwrap_or(NONE);
            }
            all
        };
        let start = Start { themes: (0..LEVELS).map(themes).collect(), resolutions: Some(before.resolutions) };
        let began = Instant::now();
        let after = levels::group(&knn, 1, Some(&start));
        let took_s = began.elapsed().as_secs_f64();
        let kept = (0..LEVELS).map(|level| {
            let pairs: Vec<(Option<u32>, Option<u32>)> =
                old.iter().enumerate().map(|(k, i)| (before.theme(level, k), after.theme(level, *i))).collect();
            let sizes = vec![0; before.themes(level)];
            let lineage = lineage::compare(&pairs, &sizes, after.themes(level));
            let both: Vec<(u32, u32)> = pairs.iter().filter_map(|(b, a)| Some(((*b)?, (*a)?))).collect();
            (both.iter().filter(|(b, a)| lineage.heir_of[*a as usize] == Some(*b)).count(), both.len())
        });
        let kept = kept.collect();
        debug_assert_eq!(before.levels.len(), FINEST + 1);
        Ok(Stability { before: old.len(), new: newest, kept, took_s })
    }
}

fn assigned(snapshot: &ThemeSnapshot, row: Row) -> Assigned {
    let Some(p) = snapshot.placed(row) else { return Assigned::default() };
    let Some(theme) = p.theme else { return Assigned::default() };
    let mut path: Vec<String> = snapshot.upward(theme as usize).map(|t| theme_id(snapshot.themes[t].id)).collect();
    path.reverse();
    Assigned { path, member: p.member }
}

/// The neighbour lists of some papers among each other.
fn among(knn: &Knn, some: &[usize]) -> Knn {
    let mut number = vec![Knn::NONE; knn.len()];
    for (k, i) in some.iter().enumerate() {
        number[*i] = k as u32;
    }
    let mut out = Knn::new(some.len(), super::NEIGHBOURS.min(some.len().saturating_sub(1)));
    for ((ids, scores), i) in out.rows_mut().zip(some) {
        let known = knn.of(*i).map(|(j, s)| (number[j], s)).filter(|(j, _)| *j != Knn::NONE);
        for ((id, score), (j, s)) in ids.iter_mut().zip(scores.iter_mut()).zip(known) {
            (*id, *score) = (j, s);
        }
    }
    out
}
