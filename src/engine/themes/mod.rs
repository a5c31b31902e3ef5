//! Themes of the corpus: kept in the store, brought up to date as papers come and go, made anew by a run.
//!
//! A [`Picture`] is the state of all themes at one moment; whoever answers works with one to the end. New papers join the
//! picture when somebody next asks for it, by their neighbours; a run ([`run`]) puts a new one in its place.

mod about;
mod centres;
mod map;
mod of;
mod picture;
mod read;
mod run;
mod steady;
mod transfer;

pub use map::{MapAsk, ThemeMap};
pub use of::{Selection, SelectionThemes};
pub use picture::Example;
pub use read::{
    OneTheme, PaperOrder, Theme, ThemeAsk, ThemeEvent, ThemeEvents, ThemeList, ThemeOrder, ThemesAsk, ThemesMeta,
};
pub use run::ThemesRun;
pub use steady::{Assigned, Stability};
pub use transfer::{ExportedPlace, ExportedRun, ExportedTheme, ExportedThemeEvent, ExportedThemes};

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use rayon::prelude::*;
use roaring::RoaringBitmap;

use self::picture::{Picture, Placed};
use super::Engine;
use super::space::Space;
use crate::error::{Error, Result};
use crate::index::Neighbour;
use crate::paper::Row;
use crate::store::StoredPlace;
use crate::themes::graph::Knn;
use crate::themes::{layout, levels};

/// Neighbours of a paper that decide where it belongs.
const NEIGHBOURS: usize = 15;

/// Up to so many papers the first run is made while the one who asked waits.
const AT_ONCE: usize = 20_000;

/// Up to so many papers this holds for every run that is due.
const ALWAYS_AT_ONCE: usize = 2_000;

/// The rules by which themes are named and counted: a run made by others is due to be made anew, and its names go.
const NAMING: u32 = 1;

/// Share of papers that came or went since the last run from which a new one is due.
const CHANGED_SHARE: f64 = 0.1;

/// The themes of an engine.
#[derive(Default)]
pub struct Board {
    // A lock around the pointer, and held while the picture is brought up to date, so that no paper is lost between.
    picture: RwLock<State>,
    // Held during a run: one at a time.
    running: Mutex<()>,
    // Raised whenever rows came to the index or went from it: a commit does no more than this.
    changed: AtomicU64,
    // What `changed` was when the picture last held everything; lets readers off comparing rows.
    seen: AtomicU64,
}

impl Board {
    /// Notes that the picture may lack rows of the index, or hold some that are gone. Who next asks for themes, or looks
    /// whether they are due, brings it up to date; who commits does not wait for that.
    pub fn fall_behind(&self) {
        self.changed.fetch_add(1, Ordering::AcqRel);
    }

    fn is_up_to_date(&self) -> bool {
        self.seen.load(Ordering::Acquire) == self.changed.load(Ordering::Acquire)
    }
}

#[derive(Default, Clone)]
enum State {
    /// Nobody asked yet.
    #[default]
    Unread,
    /// There was no run yet.
    Nothing,
    /// What there is.
    Picture(Arc<Picture>),
}

impl Engine {
    /// The present picture, with every paper of the index in it; none before the first run.
    fn picture(&self) -> Result<Option<Arc<Picture>>> {
        {
            // Looked at under the lock, so that a run that puts a new picture here cannot come between.
            let state = self.themes.picture.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = self.known(&state) {
                return Ok(known);
            }
        }
        self.catch_up()
    }

    /// What is there, if somebody looked before and nothing has changed since.
    fn known(&self, state: &State) -> Option<Option<Arc<Picture>>> {
        match state {
            _ if !self.themes.is_up_to_date() => None,
            State::Unread => None,
            State::Nothing => Some(None),
            State::Picture(picture) => Some(Some(Arc::clone(picture))),
        }
    }

    /// Brings the picture up to date with the index: papers that it lacks join, those that are gone leave.
    fn catch_up(&self) -> Result<Option<Arc<Picture>>> {
        let mut state = self.themes.picture.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.known(&state) {
            // Somebody else did it while this one waited.
            return Ok(known);
        }
        // Read before the rows: what comes to the index meanwhile is then looked for again, never missed.
        let changed = self.themes.changed.load(Ordering::Acquire);
        if let State::Unread = *state {
            *state = Picture::read(&self.store)?.map_or(State::Nothing, |p| State::Picture(Arc::new(p)));
        }
        let space = self.space();
        let seen = || self.themes.seen.store(changed, Ordering::Release);
        let State::Picture(picture) = &*state else {
            seen();
            return Ok(None);
        };
        let rows = self.works(&space);
        if picture.rows == rows {
            seen();
            return Ok(Some(Arc::clone(picture)));
        }
        let began = Instant::now();
        let gone: Vec<Row> = (&picture.rows - &rows).iter().map(Row).collect();
        let new: Vec<Row> = (&rows - &picture.rows).iter().map(Row).collect();
        let joined = self.join(&space, picture, &new)?;
        let stored: Vec<StoredPlace> = joined.iter().map(|p| picture.stored(p)).collect();
        // What cannot be kept now (a full disk) is found again when the folder is next opened; reading goes on.
        self.store
            .join_themes(&stored, &gone)
            .unwrap_or_else(|e| tracing::warn!("places in themes were not kept: {e}"));
        let next = Arc::new(picture.with(joined, &gone));
        *state = State::Picture(Arc::clone(&next));
        seen();
        tracing::info!(
            "{} papers joined the themes, {} left, in {:.3} s",
            new.len(),
            gone.len(),
            began.elapsed().as_secs_f64()
        );
        Ok(Some(next))
    }

    /// The rows that themes are made of: of the versions of a work only the newest, as everywhere.
    fn works(&self, space: &Space) -> RoaringBitmap {
        space.index.rows() - self.versions().silent_rows(None)
    }

    /// These rows, and their nearest neighbours among each other.
    fn neighbour_lists(&self, space: &Space) -> Result<(Vec<Row>, Knn)> {
        let graph = space.index.neighbour_graph(NEIGHBOURS);
        let silent = self.versions().silent_rows(None);
        let speaks = |row: &Row| !silent.contains(row.0);
        let rows: Vec<Row> = graph.rows.iter().copied().filter(speaks).collect();
        let number: HashMap<Row, u32> = rows.iter().zip(0..).map(|(row, i)| (*row, i)).collect();
        let allowed = bitmap(rows.iter().copied());
        let mut knn = Knn::new(rows.len(), NEIGHBOURS.min(rows.len().saturating_sub(1)));
        let found = graph.rows.iter().zip(graph.neighbours).filter(|(row, _)| speaks(row));
        // Where versions stood among the nearest, works behind them come in their place.
        let lists: Vec<Vec<Neighbour>> = found
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|(own, found)| {
                let vector =
                    if found.iter().all(|n| speaks(&n.row)) { None } else { space.index.vectors(&[*own]).pop() };
                match vector.flatten() {
                    Some(vector) => Ok(space.index.search(&vector, NEIGHBOURS + 1, Some(&allowed))?.neighbours),
                    None => Ok(found),
                }
            })
            .collect::<Result<_>>()?;
        for (((ids, scores), found), own) in knn.rows_mut().zip(lists).zip(rows.iter().copied()) {
            let others = found.iter().filter(|n| n.row != own);
            let known = others.filter_map(|n| Some((*number.get(&n.row)?, n.score)));
            for ((id, score), (other, s)) in ids.iter_mut().zip(scores.iter_mut()).zip(known) {
                (*id, *score) = (other, s);
            }
        }
        Ok((rows, knn))
    }

    /// Where new papers belong, by their neighbours among the papers of a picture.
    fn join(&self, space: &Space, picture: &Picture, new: &[Row]) -> Result<Vec<Placed>> {
        let facts = self.store.days_and_votes(new)?;
        let place = |(row, fact): (&Row, &Option<(Option<i32>, u32)>)| -> Result<Placed> {
            let day = fact.and_then(|f| f.0);
            let Some(vector) = space.index.vectors(&[*row]).pop().flatten() else {
                return Ok(Placed::nowhere(*row, day));
            };
            // New papers are not in the picture yet, so that some of its own must be among the neighbours.
            let mut k = NEIGHBOURS + 1;
            loop {
                let found = space.index.search(&vector, k, None)?.neighbours;
                let known: Vec<(&Placed, f32)> =
                    found.iter().filter_map(|n| Some((picture.placed(n.row)?, n.score))).take(NEIGHBOURS).collect();
                if known.len() < NEIGHBOURS.min(picture.papers.len()) && found.len() >= k && k < 1000 {
                    k *= 4;
                    continue;
                }
                let votes = known.iter().map(|(p, s)| (p.theme.filter(|_| p.member).unwrap_or(levels::NONE), *s));
                let joined = levels::join(votes);
                let at = layout::between(known.iter().map(|(p, s)| (p.at, *s))).unwrap_or_default();
                return Ok(Placed {
                    row: *row,
                    theme: joined.map(|j| j.0),
                    member: joined.is_some_and(|j| j.1),
                    strength: joined.map_or(0.0, |j| j.2),
                    at,
                    day,
                });
            }
        };
        new.par_iter().zip(&facts).map(place).collect()
    }

    /// The picture to answer from. A first run over few papers is made now; over many it belongs into the background.
    fn picture_now(&self) -> Result<Option<Arc<Picture>>> {
        let picture = self.picture()?;
        let papers = self.space().index.len();
        let at_once = match &picture {
            None => papers > 0 && papers <= AT_ONCE,
            Some(p) => papers <= ALWAYS_AT_ONCE && self.is_due(p),
        };
        if at_once {
            self.run_themes_if_due()?;
            return self.picture();
        }
        if picture.is_none() && papers > 0 {
            return Err(Error::Overloaded(format!(
                "the themes of {papers} papers are being made for the first time; it takes about a minute"
            )));
        }
        Ok(picture)
    }

    /// Whether a run is worth it: there was none, much has changed since, or the model is another.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn themes_due(&self) -> Result<bool> {
        Ok(match self.picture()? {
            None => !self.space().index.is_empty(),
            Some(picture) => self.is_due(&picture),
        })
    }

    /// Lets new papers join the themes, and makes these anew if that is due, for whoever looks from time to time.
    ///
    /// # Errors
    /// As [`Engine::run_themes`].
    pub fn keep_themes(&self) -> Result<()> {
        if self.themes_due()? { self.run_themes_if_due() } else { Ok(()) }
    }

    fn is_due(&self, picture: &Picture) -> bool {
        picture.run.model != self.space().model.fingerprint
            || picture.facts.naming != NAMING
            || picture.changed as f64 > CHANGED_SHARE * picture.run.papers as f64
    }
}

/// The name of a theme outside.
fn outside(theme: u32) -> String {
    format!("t{theme}")
}

/// The number of a theme by its name outside.
fn inside(id: &str) -> Result<u32> {
    let number = id.strip_prefix('t').and_then(|n| n.parse().ok()).filter(|n| outside(*n) == id);
    number.ok_or_else(|| Error::NotFound { what: "theme", id: id.to_string() })
}

fn bitmap(rows: impl Iterator<Item = Row>) -> RoaringBitmap {
    rows.map(|r| r.0).collect()
}
