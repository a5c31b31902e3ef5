//! Themes of the corpus: kept in the store, brought up to date as papers come and go, made anew by a run.
//!
//! A [`ThemeSnapshot`] is the state of all themes at one moment; whoever answers works with one to the end. New papers join the
//! snapshot soon after they came, by their neighbours; a run ([`run`]) puts a new one in its place. Who does either is said in
//! [`upkeep`]: never somebody who only asks.

mod about;
mod centres;
mod map;
mod of;
mod read;
mod run;
mod snapshot;
mod steady;
mod transfer;
mod upkeep;
mod view;

pub use self::of::{Selection, SelectionThemes};
pub use map::{MapLabel, MapOptions, ThemeMap};
pub use run::ThemesRun;
pub use snapshot::Example;
pub use steady::{Assigned, Stability};
pub use transfer::{ExportedPlace, ExportedRun, ExportedTheme, ExportedThemeEvent, ExportedThemes};
pub use upkeep::ThemesKept;
pub use view::{
    OneTheme, PaperOrder, Theme, ThemeEvent, ThemeEvents, ThemeList, ThemeOptions, ThemeOrder, ThemesMeta,
    ThemesOptions,
};

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use rayon::prelude::*;
use roaring::RoaringBitmap;

use self::snapshot::{Assignment, ThemeSnapshot};
use crate::engine::corpus::{Changes, Corpus, EmbeddingSpace, Follower};
use crate::error::{Error, Result};
use crate::index::Neighbour;
use crate::paper::Row;
use crate::store::Store;
use crate::themes::graph::Knn;
use crate::themes::{layout, levels};

/// Neighbours of a paper that decide where it belongs.
const NEIGHBOURS: usize = 15;

/// The rules by which themes are named and counted: a run made by others is due to be made anew, and its names go.
const NAMING: u32 = 1;

/// Share of papers that came or went since the last run from which a new one is due.
const CHANGED_SHARE: f64 = 0.1;

/// The themes of a data folder.
pub struct Themes {
    corpus: Arc<Corpus>,
    store: Arc<Store>,
    // A lock around the pointer, and held while the snapshot is brought up to date, so that no paper is lost between.
    snapshot: RwLock<State>,
    // Held during a run: one at a time.
    running: Mutex<()>,
    // Raised whenever rows came to the index or went from it: a commit does no more than this.
    changed: AtomicU64,
    // What `changed` was when the snapshot last held everything; lets readers off comparing rows.
    seen: AtomicU64,
    // A snapshot, what `changed` was, and the snapshot without what was gone by then.
    shown: Mutex<Option<(Arc<ThemeSnapshot>, u64, Arc<ThemeSnapshot>)>>,
}

impl Follower for Themes {
    /// Notes that the snapshot may lack rows of the index, or hold some that are gone. Whoever keeps the themes brings it up to
    /// date; who commits does not wait for that.
    fn hear(&self, _: &Changes) {
        self.fall_behind();
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
    ThemeSnapshot(Arc<ThemeSnapshot>),
}

impl Themes {
    /// The themes of a corpus, which tells them from now on what changes in it.
    pub fn new(store: Arc<Store>, corpus: Arc<Corpus>) -> Arc<Self> {
        let themes = Arc::new(Themes {
            corpus: Arc::clone(&corpus),
            store,
            snapshot: RwLock::default(),
            running: Mutex::default(),
            changed: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            shown: Mutex::default(),
        });
        corpus.tell(&(Arc::clone(&themes) as Arc<dyn Follower>));
        themes
    }

    fn fall_behind(&self) {
        self.changed.fetch_add(1, Ordering::AcqRel);
    }

    fn is_up_to_date(&self) -> bool {
        self.seen.load(Ordering::Acquire) == self.changed.load(Ordering::Acquire)
    }

    /// The rows that themes are made of: of the versions of a work only the newest, as everywhere.
    fn works(&self, space: &EmbeddingSpace) -> RoaringBitmap {
        space.rows() - self.corpus.versions().superseded_rows(None)
    }

    /// These rows, and their nearest neighbours among each other.
    fn neighbour_lists(&self, space: &EmbeddingSpace) -> Result<(Vec<Row>, Knn)> {
        let graph = space.neighbour_graph(NEIGHBOURS);
        let superseded = self.corpus.versions().superseded_rows(None);
        let is_representative = |row: &Row| !superseded.contains(row.0);
        let rows: Vec<Row> = graph.rows.iter().copied().filter(is_representative).collect();
        let number: HashMap<Row, u32> = rows.iter().zip(0..).map(|(row, i)| (*row, i)).collect();
        let allowed = bitmap(rows.iter().copied());
        let mut knn = Knn::new(rows.len(), NEIGHBOURS.min(rows.len().saturating_sub(1)));
        let found = graph.rows.iter().zip(graph.neighbours).filter(|(row, _)| is_representative(row));
        // Where versions stood among the nearest, works behind them come in their place.
        let lists: Vec<Vec<Neighbour>> = found
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|(own, found)| {
                let vector =
                    if found.iter().all(|n| is_representative(&n.row)) { None } else { space.vectors(&[*own]).pop() };
                match vector.flatten() {
                    Some(vector) => Ok(space.search(&vector, NEIGHBOURS + 1, Some(&allowed))?.neighbours),
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

    /// Where new papers belong, by their neighbours among the papers of a snapshot.
    fn join(&self, space: &EmbeddingSpace, snapshot: &ThemeSnapshot, new: &[Row]) -> Result<Vec<Assignment>> {
        let facts = self.store.days_and_votes(new)?;
        let place = |(row, fact): (&Row, &Option<(Option<i32>, u32)>)| -> Result<Assignment> {
            let day = fact.and_then(|f| f.0);
            let Some(vector) = space.vectors(&[*row]).pop().flatten() else {
                return Ok(Assignment::nowhere(*row, day));
            };
            // New papers are not in the snapshot yet, so that some of its own must be among the neighbours.
            let mut k = NEIGHBOURS + 1;
            loop {
                let found = space.search(&vector, k, None)?.neighbours;
                let known: Vec<(&Assignment, f32)> =
                    found.iter().filter_map(|n| Some((snapshot.placed(n.row)?, n.score))).take(NEIGHBOURS).collect();
                if known.len() < NEIGHBOURS.min(snapshot.papers.len()) && found.len() >= k && k < 1000 {
                    k *= 4;
                    continue;
                }
                let votes = known.iter().map(|(p, s)| (p.theme.filter(|_| p.member).unwrap_or(levels::NONE), *s));
                let joined = levels::join(votes);
                let at = layout::between(known.iter().map(|(p, s)| (p.at, *s))).unwrap_or_default();
                return Ok(Assignment {
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
}

/// The id of a theme.
fn theme_id(theme: u32) -> String {
    format!("t{theme}")
}

/// The number of a theme by its id.
fn theme_number(id: &str) -> Result<u32> {
    let number = id.strip_prefix('t').and_then(|n| n.parse().ok()).filter(|n| theme_id(*n) == id);
    number.ok_or_else(|| Error::NotFound { what: "theme", id: id.to_string() })
}

fn bitmap(rows: impl Iterator<Item = Row>) -> RoaringBitmap {
    rows.map(|r| r.0).collect()
}
