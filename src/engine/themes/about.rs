//! About so many themes, and themes put together.

use std::time::Instant;

use super::snapshot::ThemeSnapshot;
use super::view::{Theme, ThemeList, ThemeOrder, ThemesOptions, meta, surety};
use super::{theme_id, theme_number};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::paper::Row;
use crate::themes::cut::{Tree, cut, put_together};
use crate::vector::add;

/// The most themes that can be asked for.
pub const MOST: usize = 10_000;

/// Papers that say where the middle of a theme lies.
const MIDDLE: usize = 300;

/// Themes put together are named by so many of their largest.
const IN_NAME: usize = 3;

/// What stands between the themes of an id.
const AND: char = '-';

impl Themes {
    /// About so many themes, each paper in one of them: a cut through the tree, or coarsest themes put together.
    pub(super) fn about(
        &self,
        snapshot: &ThemeSnapshot,
        wanted: usize,
        ask: &ThemesOptions,
        began: Instant,
    ) -> Result<ThemeList> {
        if !(1..=MOST).contains(&wanted) {
            return Err(Error::Invalid(format!("about is {wanted}; it goes from 1 to {MOST}")));
        }
        let counted = snapshot.counted();
        let parents: Vec<Option<usize>> = snapshot.themes.iter().map(|t| t.parent).collect();
        let sizes: Vec<usize> = counted.members.iter().map(Vec::len).collect();
        let top: Vec<usize> = (0..sizes.len()).filter(|t| parents[*t].is_none() && sizes[*t] > 0).collect();
        let mut themes = if wanted < top.len() {
            let space = self.corpus.space();
            let middle = |t: &usize| middle(&space, snapshot, &counted.members[*t]);
            let middles: Vec<Vec<f32>> = top.iter().map(middle).collect::<Result<_>>()?;
            let own: Vec<usize> = top.iter().map(|t| sizes[*t]).collect();
            let groups = put_together(&middles, &own, wanted);
            let groups = groups.into_iter().map(|g| g.into_iter().map(|k| top[k]).collect::<Vec<usize>>());
            groups.map(|g| self.joined(snapshot, &g)).collect::<Result<Vec<Theme>>>()?
        } else {
            self.show(snapshot, &cut(&Tree { parents: &parents, sizes: &sizes }, wanted))?
        };
        themes.sort_by(|a, b| {
            b.size.cmp(&a.size).then_with(|| a.id.len().cmp(&b.id.len())).then_with(|| a.id.cmp(&b.id))
        });
        if ask.order == ThemeOrder::Trend {
            themes.sort_by(|a, b| surety(&b.trend).total_cmp(&surety(&a.trend)));
        }
        let page = themes.into_iter().skip(ask.offset).take(ask.limit.unwrap_or(usize::MAX));
        Ok(ThemeList { themes: page.collect(), meta: meta(snapshot, began) })
    }

    /// The papers of a theme, or of some put together.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of this id.
    pub fn rows_of_theme(&self, id: &str) -> Result<Vec<Row>> {
        let snapshot = self.snapshot_now()?.ok_or_else(|| Error::NotFound { what: "theme", id: id.to_string() })?;
        let parts = named(&snapshot, id)?;
        Ok(members_of(&snapshot, &parts).iter().map(|k| snapshot.papers[*k as usize].row).collect())
    }

    /// Themes of the top put together, as one that goes out.
    pub(super) fn joined(&self, snapshot: &ThemeSnapshot, parts: &[usize]) -> Result<Theme> {
        let shown = self.show(snapshot, parts)?;
        let mut largest: Vec<&Theme> = shown.iter().collect();
        largest.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.id.cmp(&b.id)));
        let Some(first) = largest.first().filter(|_| shown.len() > 1) else {
            return shown.into_iter().next().ok_or_else(|| Error::NotFound { what: "theme", id: String::new() });
        };
        let head = |name: &str| name.split(", ").next().unwrap_or_default().to_string();
        let heads: Vec<String> = largest.iter().take(IN_NAME).map(|t| head(&t.name)).collect();
        // The best of each in turn.
        let longest = shown.iter().map(|t| t.terms.len()).max().unwrap_or(0);
        let turns = |k: usize| largest.iter().filter_map(move |t| t.terms.get(k).cloned());
        let mut terms: Vec<String> = Vec::new();
        for term in (0..longest).flat_map(turns) {
            if !terms.contains(&term) && terms.len() < 10 {
                terms.push(term);
            }
        }
        let members = members_of(snapshot, parts);
        Ok(Theme {
            id: together(snapshot, parts),
            level: 0,
            parent: None,
            children: largest.iter().map(|t| t.id.clone()).collect(),
            name: heads.join(", "),
            terms,
            size: members.len(),
            nearby: shown.iter().map(|t| t.nearby).sum(),
            trend: snapshot.trends(&[members]).pop().unwrap_or_else(|| first.trend.clone()),
            examples: largest.iter().filter_map(|t| t.examples.first().cloned()).take(IN_NAME).collect(),
            since: shown.iter().map(|t| t.since.clone()).min().unwrap_or_default(),
        })
    }
}

/// The papers (by their places) of some themes that hold none in common.
pub(super) fn members_of(snapshot: &ThemeSnapshot, parts: &[usize]) -> Vec<u32> {
    let counted = snapshot.counted();
    let mut members: Vec<u32> = parts.iter().flat_map(|t| counted.members[*t].iter().copied()).collect();
    members.sort_unstable();
    members
}

/// The id of themes put together: theirs, in order.
fn together(snapshot: &ThemeSnapshot, parts: &[usize]) -> String {
    let mut numbers: Vec<u32> = parts.iter().map(|t| snapshot.themes[*t].id).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(theme_id).collect::<Vec<_>>().join(&AND.to_string())
}

/// The themes (by their places) that an id names: one, or some of the top put together.
pub(super) fn named(snapshot: &ThemeSnapshot, id: &str) -> Result<Vec<usize>> {
    let missing = || Error::NotFound { what: "theme", id: id.to_string() };
    let one = |part: &str| theme_number(part).ok().and_then(|number| snapshot.find(number)).ok_or_else(missing);
    let parts: Vec<usize> = id.split(AND).map(one).collect::<Result<_>>()?;
    let top = |t: &usize| snapshot.themes[*t].parent.is_none();
    if parts.len() > 1 && (!parts.iter().all(top) || together(snapshot, &parts) != id) {
        return Err(missing());
    }
    Ok(parts)
}

/// The middle of some papers.
fn middle(space: &EmbeddingSpace, snapshot: &ThemeSnapshot, members: &[u32]) -> Result<Vec<f32>> {
    let step = members.len().div_ceil(MIDDLE).max(1);
    let rows: Vec<Row> = members.iter().step_by(step).map(|k| snapshot.papers[*k as usize].row).collect();
    let mut sum = vec![0f32; space.model().dimension];
    space.vectors(&rows)?.iter().flatten().for_each(|v| add(&mut sum, 1.0, v));
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    sum.iter_mut().for_each(|x| *x /= length);
    Ok(sum)
}
