//! Themes as they go out: what is told of one, of a list, of what happened.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::snapshot::{Counted, Example, ThemeSnapshot};
use super::theme_id;
use crate::engine::themes::Themes;
use crate::error::Result;
use crate::paper::{Filter, Paper, Row};
use crate::themes::levels::LEVELS;
use crate::themes::trend::Trend;

/// Telling papers shown with a theme.
const EXAMPLES: usize = 3;

/// A theme.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Theme {
    /// Its id; it stays the same from run to run while enough of its papers stay together.
    pub id: String,
    /// 0 is the coarsest level, 2 the finest.
    pub level: usize,
    /// The theme one level up that it lies in; null on level 0.
    pub parent: Option<String>,
    /// Its themes one level down, largest first.
    pub children: Vec<String>,
    /// What it is called; no two themes have one name.
    pub name: String,
    /// Its most telling words and phrases, best first.
    pub terms: Vec<String>,
    /// Papers that belong to it; of the versions of one work only the newest, as everywhere with themes.
    pub size: usize,
    /// Papers that belong to no theme and are nearest to this one.
    pub nearby: usize,
    /// Whether it rises.
    pub trend: Trend,
    /// Its most telling papers.
    pub examples: Vec<Example>,
    /// The day it was first seen.
    #[schema(format = Date)]
    pub since: String,
}

/// Themes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThemeList {
    /// By level, then by falling size.
    pub themes: Vec<Theme>,
    /// Where they come from.
    pub meta: ThemesMeta,
}

/// Where themes come from.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ThemesMeta {
    /// Milliseconds inside the engine.
    pub took_ms: f64,
    /// Levels there are; 0 is the coarsest.
    pub levels: usize,
    /// Themes of each level.
    pub sizes: Vec<usize>,
    /// Papers.
    pub papers: usize,
    /// Papers that belong to no theme.
    pub unassigned: usize,
    /// Number of the last run; 0 before the first.
    pub run: u64,
    /// When it was, as an RFC 3339 time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub run_at: Option<String>,
    /// Papers that joined or left since.
    pub changed_since: usize,
}

/// Which themes are wanted.
#[derive(Debug, Clone, Default)]
pub struct ThemesOptions {
    /// Only this level.
    pub level: Option<usize>,
    /// About so many, each paper in one of them; not with a level.
    pub about: Option<usize>,
    /// Their order within a level.
    pub order: ThemeOrder,
    /// At most so many, 1 to 500; all without it.
    pub limit: Option<usize>,
    /// Themes to pass over first.
    pub offset: usize,
}

/// How themes are ordered within a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThemeOrder {
    /// Largest first.
    #[default]
    Size,
    /// Those that rise most surely first, those that fall most surely last.
    Trend,
}

/// How the papers of a theme are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaperOrder {
    /// Closest to the middle of the theme first.
    #[default]
    Central,
    /// Newest first.
    Newest,
    /// Most votes first.
    MostRead,
}

/// What is asked of one theme.
#[derive(Debug, Clone)]
pub struct ThemeOptions {
    /// The order of its papers.
    pub order: PaperOrder,
    /// Papers wanted: 1 to 500.
    pub limit: usize,
    /// Papers to pass over first.
    pub offset: usize,
    /// Search for this within the theme.
    pub q: Option<String>,
    /// Which of its papers.
    pub filter: Filter,
}

impl Default for ThemeOptions {
    fn default() -> Self {
        ThemeOptions { order: PaperOrder::default(), limit: 10, offset: 0, q: None, filter: Filter::default() }
    }
}

/// One theme with what is in it and around it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OneTheme {
    /// The theme.
    #[serde(flatten)]
    pub theme: Theme,
    /// A page of its papers, in the order asked for.
    pub papers: Vec<ThemePaper>,
    /// The themes one level down in it, largest first.
    pub subthemes: Vec<Theme>,
    /// Themes of its level that are like it, most alike first.
    pub related: Vec<Related>,
    /// The themes it lies in, coarsest first.
    pub path: Vec<Named>,
    /// What happened to it, newest first.
    pub history: Vec<ThemeEvent>,
    /// Where the page stands.
    pub meta: OneMeta,
}

/// Where a page of papers stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OneMeta {
    /// Milliseconds inside the engine.
    pub took_ms: f64,
    /// Papers of the theme that the filter lets through (with `q`: all of these, since all are ranked).
    pub total: usize,
    /// The order of the papers.
    pub sort: PaperOrder,
}

/// A paper of a theme.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThemePaper {
    /// The paper.
    #[serde(flatten)]
    pub paper: Paper,
    /// Similarity to the middle of the theme, or with `q` to the query; absent in other orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The share of its neighbours' closeness that lies in its finest theme, 0 to 1.
    pub strength: f32,
}

/// A theme by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A theme like another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Related {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Papers that belong to it.
    pub size: usize,
    /// Similarity of the middles, greater is closer.
    pub score: f32,
}

/// Something that happened to a theme.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThemeEvent {
    /// The theme.
    pub theme: String,
    /// When, as an RFC 3339 time.
    #[schema(format = DateTime)]
    pub at: String,
    /// In which run.
    pub run: u64,
    /// `born`, `grown`, `shrunk`, `split`, `merged` or `died`.
    pub kind: String,
    /// The same as a sentence.
    pub text: String,
    /// `level`, `name`; `was` and `is` (papers) of what grew or shrank; `other` (id and name) of what it split from or
    /// was merged into.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub facts: Map<String, Value>,
}

/// What happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThemeEvents {
    /// Newest first.
    pub events: Vec<ThemeEvent>,
}

impl Themes {
    /// Themes as they go out.
    pub(super) fn show(&self, snapshot: &ThemeSnapshot, themes: &[usize]) -> Result<Vec<Theme>> {
        let counted = snapshot.counted();
        let wanted: Vec<Row> = themes
            .iter()
            .flat_map(|t| snapshot.themes[*t].facts.examples.iter().take(EXAMPLES).map(|r| Row(*r)))
            .collect();
        let papers: std::collections::HashMap<Row, Paper> = self.store.papers(&wanted)?.into_iter().collect();
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); snapshot.themes.len()];
        for t in 0..snapshot.themes.len() {
            if let Some(parent) = snapshot.themes[t].parent {
                below[parent].push(t);
            }
        }
        let mut one = |t: &usize| {
            let known = &snapshot.themes[*t];
            below[*t].sort_by_key(|c| rank(snapshot, counted, *c));
            let example = |r: &u32| {
                papers.get(&Row(*r)).map(|p| Example { id: p.id.to_string(), title: p.title.trim().to_string() })
            };
            Theme {
                id: theme_id(known.id),
                level: known.level,
                parent: known.parent.map(|p| theme_id(snapshot.themes[p].id)),
                children: below[*t].iter().map(|c| theme_id(snapshot.themes[*c].id)).collect(),
                name: known.facts.name.clone(),
                terms: known.facts.terms.iter().map(|(term, _)| term.clone()).collect(),
                size: counted.members[*t].len(),
                nearby: counted.nearby[*t],
                trend: counted.trends[*t].clone(),
                examples: known.facts.examples.iter().take(EXAMPLES).filter_map(example).collect(),
                since: time(known.facts.since).chars().take(10).collect(),
            }
        };
        Ok(themes.iter().map(&mut one).collect())
    }
}

/// The order of lists: by level, greatest first, of equal ones the older first.
pub(super) fn rank(snapshot: &ThemeSnapshot, counted: &Counted, t: usize) -> (usize, std::cmp::Reverse<usize>, u32) {
    (snapshot.themes[t].level, std::cmp::Reverse(counted.members[t].len()), snapshot.themes[t].id)
}

/// How surely a theme rises: 1 for certain, -1 when it falls for certain, 0 where nothing can be said.
pub(super) fn surety(trend: &Trend) -> f64 {
    let sign = if trend.ratio.unwrap_or(1.0) >= 1.0 { 1.0 } else { -1.0 };
    trend.p_value.map_or(0.0, |p| sign * (1.0 - p))
}

/// What a snapshot says of itself.
pub(super) fn meta(snapshot: &ThemeSnapshot, began: Instant) -> ThemesMeta {
    ThemesMeta {
        took_ms: since(began),
        levels: LEVELS,
        sizes: (0..LEVELS).map(|l| snapshot.themes.iter().filter(|t| t.level == l).count()).collect(),
        papers: snapshot.papers.len(),
        unassigned: snapshot.counted().unassigned,
        run: snapshot.run.run,
        run_at: Some(time(snapshot.run.at)),
        changed_since: snapshot.changed,
    }
}

pub(super) fn since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// Seconds since 1970-01-01 as an RFC 3339 time.
pub(super) fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|t| t.to_string()).unwrap_or_default()
}

pub(super) fn event(stored: crate::store::StoredThemeEvent) -> ThemeEvent {
    // A memory that cannot be read is told as one without facts.
    let mut facts: Map<String, Value> = serde_json::from_str(&stored.json).unwrap_or_default();
    let kind = facts.remove("kind").and_then(|k| k.as_str().map(str::to_string)).unwrap_or_default();
    let text = {
        let name = facts.get("name").and_then(Value::as_str).unwrap_or_default();
        let other = facts.get("other").and_then(|o| o["name"].as_str()).unwrap_or_default();
        let number = |field: &str| facts.get(field).and_then(Value::as_u64).unwrap_or(0);
        match kind.as_str() {
            "born" => format!("“{name}” is new"),
            "grown" => format!("“{name}” grew from {} to {} papers", number("was"), number("is")),
            "shrunk" => format!("“{name}” shrank from {} to {} papers", number("was"), number("is")),
            "split" => format!("“{name}” split from “{other}”"),
            "merged" => format!("“{name}” is part of “{other}” now"),
            "died" => format!("“{name}” is no theme any more"),
            _ => name.to_string(),
        }
    };
    ThemeEvent { theme: theme_id(stored.theme), at: time(stored.at), run: stored.run, kind, text, facts }
}
