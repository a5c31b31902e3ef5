//! Themes on their way out of one folder and into another: their ids, names and what happened to them cannot be made again.
//!
//! Outside a paper is its id, since its row is another one in another folder.

use std::collections::HashMap;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::snapshot::{RunFacts, ThemeFacts};
use super::{State, theme_id, theme_number};
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::paper::{PaperId, Row};
use crate::store::{StoredAssignment, StoredRun, StoredTheme, StoredThemeEvent};
use crate::themes::levels::{FINEST, LEVELS};
use crate::user::Moment;

/// Numbers of themes stay below this, so that the next ones find room.
const MOST_THEMES: u32 = 1 << 30;

/// Numbers of runs stay below this.
const MOST_RUNS: u64 = 1 << 50;

/// Everything that is kept of themes.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedThemes {
    /// The last run.
    pub run: ExportedRun,
    /// Every theme, by its number.
    pub themes: Vec<ExportedTheme>,
    /// Where every paper is, in the order in which the papers came.
    pub papers: Vec<ExportedPlace>,
    /// What happened, oldest first.
    pub events: Vec<ExportedThemeEvent>,
}

/// The last run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedRun {
    /// Its number, from 1.
    pub run: u64,
    /// When it was.
    pub at: Moment,
    /// Papers that it grouped.
    pub papers: usize,
    /// Fingerprint of the model whose vectors it grouped.
    pub model: String,
    /// The number of the next new theme.
    pub next: u32,
    /// By which rules themes were named; 0 before version 0.2, whose names are made anew.
    #[serde(default)]
    pub naming: u32,
    /// The resolution of every level.
    pub resolutions: [f64; LEVELS],
}

/// A theme.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedTheme {
    /// Its id, as the API tells it.
    pub id: String,
    /// 0 is the coarsest.
    pub level: usize,
    /// The theme one level up that it lies in.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// The most telling phrases with their weights.
    pub terms: Vec<(String, f64)>,
    /// The ids of its most telling papers.
    pub examples: Vec<String>,
    /// Themes of its level that are like it, with their similarity.
    pub related: Vec<(String, f32)>,
    /// When it was first seen.
    pub since: Moment,
    /// Papers that belonged to it at the end of the run.
    pub size: usize,
}

/// Where a paper is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedPlace {
    /// The paper.
    pub id: String,
    /// The finest theme it belongs to, or the nearest one.
    pub theme: Option<String>,
    /// Whether it belongs to it.
    pub member: bool,
    /// How surely, 0 to 1.
    pub strength: f32,
    /// Its place on the map.
    pub x: f32,
    /// Its place on the map.
    pub y: f32,
    /// Whether it came after the run.
    pub joined: bool,
}

/// Something that happened to a theme.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedThemeEvent {
    /// The theme it is told of.
    pub theme: String,
    /// In which run.
    pub run: u64,
    /// When.
    pub at: Moment,
    /// What: `kind`, and the facts of it.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

impl ExportedRun {
    /// # Errors
    /// [`Error::Invalid`] for numbers that no run has, or that leave none for the next.
    fn check(&self) -> Result<()> {
        let counts = self.run < MOST_RUNS && self.papers <= u32::MAX as usize && self.next <= MOST_THEMES;
        if counts && self.resolutions.iter().all(|r| r.is_finite() && *r > 0.0) {
            return Ok(());
        }
        Err(Error::Invalid("the numbers of the run are none that a run has".into()))
    }
}

impl ExportedPlace {
    fn is_sound(&self) -> bool {
        (0.0..=1.0).contains(&self.strength) && self.x.is_finite() && self.y.is_finite()
    }
}

impl ExportedTheme {
    /// # Errors
    /// [`Error::Invalid`] when an id is none, the level does not exist, or a number is none.
    fn stored(&self, rows: &HashMap<&str, Row>) -> Result<StoredTheme> {
        if self.level > FINEST {
            return Err(Error::Invalid(format!("theme {}: its level is {}, not 0 to {FINEST}", self.id, self.level)));
        }
        let numbers = self.terms.iter().map(|t| t.1).chain(self.related.iter().map(|r| f64::from(r.1)));
        if !numbers.into_iter().all(f64::is_finite) {
            return Err(Error::Invalid(format!("theme {}: a weight is no number", self.id)));
        }
        let facts = ThemeFacts {
            name: self.name.clone(),
            terms: self.terms.clone(),
            examples: self.examples.iter().filter_map(|id| rows.get(id.as_str())).map(|row| row.0).collect(),
            related: self.related.iter().map(|(id, s)| Ok((number(id)?, *s))).collect::<Result<_>>()?,
            since: seconds(self.since),
            size: self.size,
        };
        Ok(StoredTheme {
            theme: number(&self.id)?,
            level: self.level,
            parent: self.parent.as_deref().map(number).transpose()?,
            json: json(&facts)?,
        })
    }
}

impl Themes {
    /// The themes as the last run left them and papers joined them since; none before the first run.
    pub fn export_themes(&self) -> Result<Option<ExportedThemes>> {
        let Some(snapshot) = self.snapshot_of_all()? else { return Ok(None) };
        let rows: Vec<Row> = snapshot.papers.iter().map(|p| p.row).collect();
        let ids = self.store.ids(&rows)?;
        let name: HashMap<Row, &str> =
            rows.iter().zip(&ids).filter_map(|(row, id)| Some((*row, id.as_deref()?))).collect();
        let themes = snapshot.themes.iter().map(|t| ExportedTheme {
            id: theme_id(t.id),
            level: t.level,
            parent: t.parent.map(|p| theme_id(snapshot.themes[p].id)),
            name: t.facts.name.clone(),
            terms: t.facts.terms.clone(),
            examples: t.facts.examples.iter().filter_map(|row| name.get(&Row(*row))).map(|id| (*id).into()).collect(),
            related: t.facts.related.iter().map(|(theme, s)| (theme_id(*theme), *s)).collect(),
            since: moment(t.facts.since),
            size: t.facts.size,
        });
        let places = snapshot.papers.iter().filter_map(|p| {
            let stored = snapshot.stored(p);
            Some(ExportedPlace {
                id: (*name.get(&p.row)?).into(),
                theme: stored.theme.map(theme_id),
                member: p.member,
                strength: p.strength,
                x: stored.x,
                y: stored.y,
                joined: snapshot.grouped(p.row).is_none(),
            })
        });
        let events = self.store.theme_events(None, i64::MAX as usize)?.into_iter().rev().map(|e| ExportedThemeEvent {
            theme: theme_id(e.theme),
            run: e.run,
            at: moment(e.at),
            facts: serde_json::from_str(&e.json).unwrap_or_default(),
        });
        let run = &snapshot.run;
        Ok(Some(ExportedThemes {
            run: ExportedRun {
                run: run.run,
                at: moment(run.at),
                papers: run.papers,
                model: run.model.clone(),
                next: run.next,
                naming: snapshot.facts.naming,
                resolutions: snapshot.facts.resolutions,
            },
            themes: themes.collect(),
            papers: places.collect(),
            events: events.collect(),
        }))
    }

    /// Takes themes over from another folder. Papers that are not here are left out, as are places and events that name no
    /// theme or no number; papers of here that are not in them join by their neighbours. `false`, and nothing is changed,
    /// where this folder has themes of its own.
    pub fn import_themes(&self, themes: &ExportedThemes) -> Result<bool> {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        if self.store.themes()?.is_some() {
            return Ok(false);
        }
        themes.run.check()?;
        let rows = self.rows_of_places(&themes.papers)?;
        let stored: Vec<StoredTheme> = themes.themes.iter().map(|t| t.stored(&rows)).collect::<Result<_>>()?;
        let numbers = stored.iter().map(|t| t.theme);
        let next = numbers.clone().max().map_or(1, |n| n + 1).max(themes.run.next);
        let known: HashMap<u32, usize> = stored.iter().map(|t| (t.theme, t.level)).collect();
        if known.len() < stored.len() {
            return Err(Error::Invalid("a theme is there twice".into()));
        }
        for theme in &stored {
            let above = theme.parent.map(|p| known.get(&p).copied());
            if above.is_some_and(|level| level.is_none_or(|l| l + 1 != theme.level)) {
                return Err(Error::Invalid(format!(
                    "theme {}: its parent is no theme of the level above",
                    theme_id(theme.theme)
                )));
            }
        }
        let mut places = Vec::with_capacity(themes.papers.len());
        for p in themes.papers.iter().filter(|p| p.is_sound()) {
            let Some(row) = rows.get(p.id.as_str()) else { continue };
            let theme = p.theme.as_deref().and_then(|id| number(id).ok()).filter(|t| known.get(t) == Some(&FINEST));
            let member = p.member && theme.is_some();
            places
                .push((p.joined, StoredAssignment { row: *row, theme, member, strength: p.strength, x: p.x, y: p.y }));
        }
        let last_row = places.iter().filter(|(joined, _)| !joined).map(|(_, p)| p.row.0).max().unwrap_or(0);
        let run = StoredRun {
            run: themes.run.run,
            change: self.store.change()?,
            papers: themes.run.papers,
            model: themes.run.model.clone(),
            at: seconds(themes.run.at),
            next,
            json: json(&RunFacts { naming: themes.run.naming, resolutions: themes.run.resolutions, last_row })?,
        };
        let event = |e: &ExportedThemeEvent| {
            Ok(StoredThemeEvent {
                run: e.run,
                at: seconds(e.at),
                theme: theme_number(&e.theme)?,
                json: json(&e.facts)?,
            })
        };
        let events: Vec<StoredThemeEvent> = themes.events.iter().map(event).collect::<Result<_>>()?;
        let places: Vec<StoredAssignment> = places.into_iter().map(|(_, place)| place).collect();
        self.store.put_theme_run(&run, &stored, &places, &events)?;
        *state = State::Unread;
        self.fall_behind();
        Ok(true)
    }

    /// The rows of the papers that are here.
    fn rows_of_places<'a>(&self, places: &'a [ExportedPlace]) -> Result<HashMap<&'a str, Row>> {
        // What is no id names no paper.
        let ids: Vec<(&str, PaperId)> =
            places.iter().filter_map(|p| Some((p.id.as_str(), PaperId::new(&p.id).ok()?))).collect();
        let mut rows = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(512) {
            let found = self.store.rows(&chunk.iter().map(|(_, id)| id).collect::<Vec<_>>())?;
            rows.extend(chunk.iter().zip(found).filter_map(|((id, _), row)| Some((*id, row?))));
        }
        Ok(rows)
    }
}

/// The number of a theme that an export names.
fn number(id: &str) -> Result<u32> {
    let number = theme_number(id).ok().filter(|n| *n < MOST_THEMES);
    number.ok_or_else(|| Error::Invalid(format!("{id:?} is no id of a theme")))
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Internal(format!("themes: {e}")))
}

fn moment(seconds: i64) -> Moment {
    Moment(seconds.saturating_mul(1_000_000))
}

fn seconds(moment: Moment) -> i64 {
    moment.0.div_euclid(1_000_000)
}
