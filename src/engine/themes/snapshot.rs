//! All themes and the place of every paper at one moment.

use std::collections::HashMap;
use std::sync::OnceLock;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::bitmap;
use crate::error::{Error, Result};
use crate::paper::Row;
use crate::store::{Store, StoredAssignment, StoredRun, StoredTheme};
use crate::themes::labels;
use crate::themes::layout::Place;
use crate::themes::levels::{FINEST, LEVELS};
use crate::themes::trend::{self, PAST_WEEKS, RECENT_WEEKS, Trend};
use crate::user::Moment;

/// What is kept of a run besides its numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// By which rules it named themes; 0 before version 0.2.
    #[serde(default)]
    pub naming: u32,
    /// The resolution of every level.
    pub resolutions: [f64; LEVELS],
    /// The last row that it grouped; later ones joined.
    pub last_row: u32,
}

/// What is kept of a theme besides its place in the tree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ThemeFacts {
    /// Its name.
    pub name: String,
    /// The most telling phrases with their weights.
    pub terms: Vec<(String, f64)>,
    /// The rows of its most telling papers.
    pub examples: Vec<u32>,
    /// Themes of its level that are like it, with their similarity.
    pub related: Vec<(u32, f32)>,
    /// When it was first seen, in seconds since 1970-01-01.
    pub since: i64,
    /// Papers that belonged to it at the end of the run.
    pub size: usize,
}

/// A telling paper.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Example {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// A theme of the snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotTheme {
    /// Its number for ever.
    pub id: u32,
    /// 0 is the coarsest.
    pub level: usize,
    /// The place of its parent among the themes of the snapshot.
    pub parent: Option<usize>,
    /// The rest.
    pub facts: ThemeFacts,
}

/// A paper of the snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    /// Which.
    pub row: Row,
    /// The finest theme it belongs to or is nearest to, by its place among the themes.
    pub theme: Option<u32>,
    /// Whether it belongs to it.
    pub member: bool,
    /// How surely.
    pub strength: f32,
    /// Where it stands on the map.
    pub at: Place,
    /// The day it appeared.
    pub day: Option<i32>,
}

impl Assignment {
    /// A paper of which nothing is known.
    pub fn nowhere(row: Row, day: Option<i32>) -> Self {
        Assignment { row, theme: None, member: false, strength: 0.0, at: [0.0, 0.0], day }
    }
}

/// All themes and papers at one moment.
pub struct ThemeSnapshot {
    /// The run that made it.
    pub run: StoredRun,
    /// The same run's findings.
    pub facts: RunFacts,
    /// Coarse ones first, each level by falling size at the time of the run.
    pub themes: Vec<SnapshotTheme>,
    /// By row.
    pub papers: Vec<Assignment>,
    /// The rows of the papers.
    pub rows: RoaringBitmap,
    /// Papers that came or went since the run.
    pub changed: usize,
    // What follows from the papers, once somebody asks.
    counted: OnceLock<Counted>,
    zooms: OnceLock<Vec<u8>>,
}

/// What follows from where papers are.
pub struct Counted {
    /// For every theme the places (among the papers) of those that belong to it.
    pub members: Vec<Vec<u32>>,
    /// For every theme how many papers are only nearest to it.
    pub nearby: Vec<usize>,
    /// For every theme where it goes.
    pub trends: Vec<Trend>,
    /// For every theme the middle of its papers on the map.
    pub middles: Vec<Place>,
    /// Papers that belong to no theme.
    pub unassigned: usize,
    /// The lower left and upper right corner of the map.
    pub corners: [Place; 2],
}

impl ThemeSnapshot {
    /// Puts a snapshot together.
    pub fn new(run: StoredRun, facts: RunFacts, themes: Vec<SnapshotTheme>, mut papers: Vec<Assignment>) -> Self {
        papers.sort_unstable_by_key(|p| p.row);
        let rows = bitmap(papers.iter().map(|p| p.row));
        ThemeSnapshot { run, facts, themes, papers, rows, changed: 0, counted: OnceLock::new(), zooms: OnceLock::new() }
    }

    /// Reads the last run from the store; none when there was none, or when it cannot be read (it is derived: another
    /// run makes it anew).
    pub fn read(store: &dyn Store) -> Result<Option<Self>> {
        let Some((run, themes)) = store.themes()? else { return Ok(None) };
        let parsed: std::result::Result<Vec<ThemeFacts>, _> =
            themes.iter().map(|t| serde_json::from_str(&t.json)).collect();
        let (Ok(facts), Ok(all)) = (serde_json::from_str(&run.json), parsed) else {
            tracing::warn!("the themes in the store cannot be read; the next run makes them anew");
            return Ok(None);
        };
        let number: HashMap<u32, usize> = themes.iter().enumerate().map(|(k, t)| (t.theme, k)).collect();
        let known = |(t, facts): (&StoredTheme, ThemeFacts)| SnapshotTheme {
            id: t.theme,
            level: t.level.min(FINEST),
            parent: t.parent.and_then(|p| number.get(&p).copied()),
            facts,
        };
        let themes: Vec<SnapshotTheme> = themes.iter().zip(all).map(known).collect();
        let stored = store.theme_assignments()?;
        let rows: Vec<Row> = stored.iter().map(|p| p.row).collect();
        let days = store.days_and_votes(&rows)?;
        let papers: Vec<Assignment> = stored
            .iter()
            .zip(days)
            .map(|(p, day)| Assignment {
                row: p.row,
                theme: p.theme.and_then(|t| number.get(&t)).and_then(|t| u32::try_from(*t).ok()),
                member: p.member,
                strength: p.strength,
                at: [p.x, p.y],
                day: day.and_then(|d| d.0),
            })
            .collect();
        let changed = papers.len().abs_diff(run.papers);
        Ok(Some(ThemeSnapshot { changed, ..ThemeSnapshot::new(run, facts, themes, papers) }))
    }

    /// The snapshot with some papers more and others gone.
    pub fn with(&self, joined: Vec<Assignment>, gone: &[Row]) -> Self {
        let gone_rows = bitmap(gone.iter().copied());
        let changed = self.changed + joined.len().max(gone.len());
        let mut papers: Vec<Assignment> =
            self.papers.iter().filter(|p| !gone_rows.contains(p.row.0)).copied().collect();
        papers.extend(joined);
        let next = ThemeSnapshot::new(self.run.clone(), self.facts.clone(), self.themes.clone(), papers);
        ThemeSnapshot { changed, ..next }
    }

    /// A paper by its row.
    pub fn placed(&self, row: Row) -> Option<&Assignment> {
        self.papers.binary_search_by_key(&row, |p| p.row).ok().map(|k| &self.papers[k])
    }

    /// A paper by its row, if the run grouped it.
    pub fn grouped(&self, row: Row) -> Option<&Assignment> {
        self.placed(row).filter(|_| row.0 <= self.facts.last_row)
    }

    /// A theme and those above it, the theme itself first.
    pub fn upward(&self, theme: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(theme), |t| self.themes[*t].parent).take(LEVELS)
    }

    /// The theme of a level that a finest theme lies in.
    pub fn at_level(&self, finest: u32, level: usize) -> Option<usize> {
        self.upward(finest as usize).find(|t| self.themes[*t].level == level)
    }

    /// The share of papers that are in a finest theme in both snapshots and in the same one.
    pub fn stayed_since(&self, before: &ThemeSnapshot) -> Option<f64> {
        let id = |snapshot: &ThemeSnapshot, p: &Assignment| {
            p.theme.filter(|_| p.member).map(|t| snapshot.themes[t as usize].id)
        };
        let both = self.papers.iter().filter_map(|p| Some((id(before, before.placed(p.row)?)?, id(self, p)?)));
        let (same, all) = both.fold((0usize, 0usize), |(same, all), (b, a)| (same + usize::from(a == b), all + 1));
        (all > 0).then(|| same as f64 / all as f64)
    }

    /// The place of a theme among the themes by its number.
    pub fn find(&self, id: u32) -> Option<usize> {
        self.themes.iter().position(|t| t.id == id)
    }

    /// What is kept of a paper.
    pub fn stored(&self, p: &Assignment) -> StoredAssignment {
        StoredAssignment {
            row: p.row,
            theme: p.theme.map(|t| self.themes[t as usize].id),
            member: p.member,
            strength: p.strength,
            x: p.at[0],
            y: p.at[1],
        }
    }

    /// What is kept of the themes.
    pub fn stored_themes(&self) -> Result<Vec<StoredTheme>> {
        let one = |t: &SnapshotTheme| {
            let json = serde_json::to_string(&t.facts).map_err(|e| Error::Internal(format!("a theme: {e}")))?;
            Ok(StoredTheme { theme: t.id, level: t.level, parent: t.parent.map(|p| self.themes[p].id), json })
        };
        self.themes.iter().map(one).collect()
    }

    /// What follows from where papers are; counted once.
    pub fn counted(&self) -> &Counted {
        self.counted.get_or_init(|| self.count())
    }

    /// For every paper the zoom from which on it is shown; found once.
    pub fn zooms(&self) -> &[u8] {
        self.zooms.get_or_init(|| {
            let corners = self.counted().corners;
            let places: Vec<Place> = self.papers.iter().map(|p| p.at).collect();
            labels::zoom_levels(&places, corners[0], labels::extent(&corners))
        })
    }

    fn count(&self) -> Counted {
        let n = self.themes.len();
        let (mut members, mut nearby) = (vec![Vec::new(); n], vec![0; n]);
        for (k, p) in self.papers.iter().enumerate() {
            let Some(theme) = p.theme else { continue };
            for t in self.upward(theme as usize) {
                if p.member {
                    members[t].push(k as u32);
                } else {
                    nearby[t] += 1;
                }
            }
        }
        let middles = members
            .iter()
            .map(|m| {
                let places: Vec<Place> = m.iter().map(|k| self.papers[*k as usize].at).collect();
                labels::middle(&places).unwrap_or_default()
            })
            .collect();
        let corners = self.corners();
        let unassigned = self.papers.iter().filter(|p| !p.member).count();
        Counted { trends: self.trends_of_levels(&members), members, nearby, middles, unassigned, corners }
    }

    fn corners(&self) -> [Place; 2] {
        let mut corners = [[f32::INFINITY; 2], [f32::NEG_INFINITY; 2]];
        for p in &self.papers {
            let [least, most] = &mut corners;
            for ((least, most), at) in least.iter_mut().zip(most).zip(p.at) {
                *least = least.min(at);
                *most = most.max(at);
            }
        }
        if self.papers.is_empty() { [[0.0; 2]; 2] } else { corners }
    }

    /// Where groups of papers (by their places) go, as one family of tests.
    pub fn trends(&self, groups: &[Vec<u32>]) -> Vec<Trend> {
        let (weeks, corpus) = self.by_week(groups);
        trend::trends(&weeks, &corpus)
    }

    /// The papers of each group and of the corpus, week by week, the newest last.
    fn by_week(&self, groups: &[Vec<u32>]) -> (Vec<Vec<u32>>, Vec<u32>) {
        // Papers dated ahead of the clock do not decide what "now" is.
        let clock = Moment::now().day();
        let mut days: Vec<i32> = self.papers.iter().filter_map(|p| p.day.filter(|day| *day <= clock)).collect();
        days.sort_unstable();
        // Nor do a few slips of the pen that are not ahead of it.
        let last = days.len().checked_sub(1 + days.len() / 2000).map(|k| days[k]);
        let most = RECENT_WEEKS + PAST_WEEKS;
        let weeks = match (last, days.first()) {
            (Some(last), Some(first)) => most.min(((last - first) / 7 + 1).max(1) as usize),
            _ => 0,
        };
        let week = |day: i32| {
            let back = last? - day;
            // The newest week is the last; what is dated behind it counts with it.
            (weeks as i32 - 1).checked_sub((back.max(0)) / 7).filter(|w| *w >= 0).map(|w| w as usize)
        };
        let by_week = |papers: &mut dyn Iterator<Item = &Assignment>| {
            let mut counts = vec![0u32; weeks];
            papers.filter_map(|p| week(p.day?)).for_each(|w| counts[w] += 1);
            counts
        };
        let corpus = by_week(&mut self.papers.iter());
        let of = groups.iter().map(|m| by_week(&mut m.iter().map(|k| &self.papers[*k as usize]))).collect();
        (of, corpus)
    }

    fn trends_of_levels(&self, members: &[Vec<u32>]) -> Vec<Trend> {
        let (of, corpus) = self.by_week(members);
        // Each level is a family of tests of its own.
        let mut out: Vec<Option<Trend>> = vec![None; of.len()];
        for level in 0..LEVELS {
            let own: Vec<usize> = (0..of.len()).filter(|t| self.themes[*t].level == level).collect();
            let weeks: Vec<Vec<u32>> = own.iter().map(|t| of[*t].clone()).collect();
            for (t, trend) in own.iter().zip(trend::trends(&weeks, &corpus)) {
                out[*t] = Some(trend);
            }
        }
        out.into_iter().flatten().collect()
    }
}
