//! What is answered about themes: the list, one of them, what happened.

use std::time::Instant;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::snapshot::{Counted, Example, ThemeSnapshot};
use super::{about, theme_id};
use crate::engine::answer::check_limit;
use crate::engine::corpus::check_query;
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::index::dot;
use crate::paper::{Filter, Paper, Row};
use crate::themes::levels::{FINEST, LEVELS};
use crate::themes::trend::Trend;
use crate::vector::add;

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
    /// The themes of a level, or of all.
    pub fn themes(&self, ask: &ThemesOptions) -> Result<ThemeList> {
        let began = Instant::now();
        let level = ask.level;
        ask.limit.map_or(Ok(()), check_limit)?;
        if let Some(level) = level.filter(|l| *l >= LEVELS) {
            return Err(Error::Invalid(format!("level is {level}; it goes from 0, the coarsest, to {FINEST}")));
        }
        if level.is_some() && ask.about.is_some() {
            return Err(Error::Invalid("give `level` or `about`, not both".into()));
        }
        let Some(snapshot) = self.picture_now()? else {
            let meta =
                ThemesMeta { took_ms: since(began), levels: LEVELS, sizes: vec![0; LEVELS], ..ThemesMeta::default() };
            return Ok(ThemeList { themes: Vec::new(), meta });
        };
        if let Some(wanted) = ask.about {
            return self.about(&snapshot, wanted, ask, began);
        }
        let counted = snapshot.counted();
        let mut order: Vec<usize> =
            (0..snapshot.themes.len()).filter(|t| level.is_none_or(|l| snapshot.themes[*t].level == l)).collect();
        order.sort_by_key(|t| rank(&snapshot, counted, *t));
        if ask.order == ThemeOrder::Trend {
            let surety = |t: &usize| surety(&counted.trends[*t]);
            order.sort_by(|a, b| {
                let level = |t: &usize| snapshot.themes[*t].level;
                level(a).cmp(&level(b)).then(surety(b).total_cmp(&surety(a)))
            });
        }
        let page: Vec<usize> = order.into_iter().skip(ask.offset).take(ask.limit.unwrap_or(usize::MAX)).collect();
        let themes = self.show(&snapshot, &page)?;
        Ok(ThemeList { themes, meta: meta(&snapshot, began) })
    }

    /// One theme with a page of its papers, or the papers of a search within it.
    pub fn theme(&self, id: &str, ask: &ThemeOptions) -> Result<OneTheme> {
        let began = Instant::now();
        check_limit(ask.limit)?;
        ask.filter.check()?;
        if let Some(q) = &ask.q {
            check_query(q)?;
        }
        let snapshot = self.picture_now()?.ok_or_else(|| Error::NotFound { what: "theme", id: id.to_string() })?;
        let parts = about::named(&snapshot, id)?;
        let counted = snapshot.counted();
        // Of one theme what lies in it; of some put together these themselves.
        let alone = Some(parts[0]).filter(|_| parts.len() == 1);
        let mut children: Vec<usize> = match alone {
            Some(theme) => (0..snapshot.themes.len()).filter(|t| snapshot.themes[*t].parent == Some(theme)).collect(),
            None => parts.clone(),
        };
        children.sort_by_key(|t| rank(&snapshot, counted, *t));
        let related = alone.iter().flat_map(|t| &snapshot.themes[*t].facts.related).filter_map(|(id, score)| {
            let t = snapshot.find(*id)?;
            let name = snapshot.themes[t].facts.name.clone();
            Some(Related { id: theme_id(*id), name, size: counted.members[t].len(), score: *score })
        });
        let mut path: Vec<Named> = alone
            .iter()
            .flat_map(|t| snapshot.upward(*t).skip(1))
            .map(|t| Named { id: theme_id(snapshot.themes[t].id), name: snapshot.themes[t].facts.name.clone() })
            .collect();
        path.reverse();
        let members = about::members_of(&snapshot, &parts);
        let members = members.iter().map(|k| snapshot.papers[*k as usize].row).collect();
        let rows = self.allowed_of(members, &ask.filter)?;
        let history = match alone {
            Some(theme) => self.store.theme_events(Some(snapshot.themes[theme].id), 100)?,
            None => Vec::new(),
        };
        Ok(OneTheme {
            theme: self.joined(&snapshot, &parts)?,
            papers: self.theme_papers(&snapshot, &rows, ask)?,
            subthemes: self.show(&snapshot, &children)?,
            related: related.collect(),
            path,
            history: history.into_iter().map(event).collect(),
            meta: OneMeta { took_ms: since(began), total: rows.len(), sort: ask.order },
        })
    }

    /// What happened to the themes, newest first.
    pub fn theme_events(&self, limit: usize) -> Result<ThemeEvents> {
        check_limit(limit)?;
        Ok(ThemeEvents { events: self.store.theme_events(None, limit)?.into_iter().map(event).collect() })
    }

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

    /// Those of some rows that a filter lets through.
    fn allowed_of(&self, mut rows: Vec<Row>, filter: &Filter) -> Result<Vec<Row>> {
        if let Some(allowed) = self.store.allowed(filter)? {
            rows.retain(|row| allowed.contains(row.0));
        }
        let excluded = self.corpus.excluded(filter)?;
        rows.retain(|row| !excluded.contains(row.0));
        Ok(rows)
    }

    /// A page of the papers of a theme, which are in these rows.
    fn theme_papers(&self, snapshot: &ThemeSnapshot, rows: &[Row], ask: &ThemeOptions) -> Result<Vec<ThemePaper>> {
        let space = self.corpus.space();
        let scored: Vec<(Row, Option<f32>)> = if let Some(q) = &ask.q {
            let vector = self.corpus.embed_query(&space, q)?;
            let allowed: RoaringBitmap = rows.iter().map(|r| r.0).collect();
            let wanted = ask.offset.saturating_add(ask.limit).min(rows.len());
            let found = space.search(&vector, wanted, Some(&allowed))?;
            found.neighbours.into_iter().map(|n| (n.row, Some(n.score))).collect()
        } else if ask.order == PaperOrder::Central {
            let vectors = space.vectors(rows);
            let mut middle = vec![0f32; space.model().dimension];
            for v in vectors.iter().flatten() {
                add(&mut middle, 1.0, v);
            }
            let length = middle.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
            middle.iter_mut().for_each(|x| *x /= length);
            let score = |v: &Option<Vec<f32>>| v.as_ref().map(|v| dot(v, &middle));
            let mut all: Vec<(Row, Option<f32>)> = rows.iter().zip(&vectors).map(|(r, v)| (*r, score(v))).collect();
            all.sort_by(|a, b| b.1.unwrap_or(-2.0).total_cmp(&a.1.unwrap_or(-2.0)).then(a.0.cmp(&b.0)));
            all
        } else {
            let facts = self.store.days_and_votes(rows)?;
            let mut all: Vec<(i64, i64, Row)> = rows
                .iter()
                .zip(facts)
                .map(|(row, fact)| {
                    let (day, votes) = fact.unwrap_or_default();
                    let (day, votes) = (day.map_or(i64::MIN, i64::from), i64::from(votes));
                    if ask.order == PaperOrder::Newest { (day, votes, *row) } else { (votes, day, *row) }
                })
                .collect();
            all.sort_by(|a, b| b.cmp(a));
            all.into_iter().map(|(_, _, row)| (row, None)).collect()
        };
        let page: Vec<(Row, Option<f32>)> = scored.into_iter().skip(ask.offset).take(ask.limit).collect();
        let rows: Vec<Row> = page.iter().map(|(row, _)| *row).collect();
        let scores: std::collections::HashMap<Row, Option<f32>> = page.into_iter().collect();
        let show = |(row, paper): (Row, Paper)| ThemePaper {
            score: scores.get(&row).copied().flatten(),
            strength: snapshot.placed(row).map_or(0.0, |p| p.strength),
            paper,
        };
        Ok(self.store.papers(&rows)?.into_iter().map(show).collect())
    }
}

/// The order of lists: by level, greatest first, of equal ones the older first.
fn rank(snapshot: &ThemeSnapshot, counted: &Counted, t: usize) -> (usize, std::cmp::Reverse<usize>, u32) {
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

fn event(stored: crate::store::StoredThemeEvent) -> ThemeEvent {
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
