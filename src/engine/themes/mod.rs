//! Themes of the corpus: kept in the store, brought up to date as papers come and go, made anew by a run.
//!
//! A [`ThemeSnapshot`] is the state of all themes at one moment; whoever answers works with one to the end. New papers join the
//! snapshot soon after they came, by their neighbours; a run ([`run`]) puts a new one in its place. Who does either is said in
//! [`upkeep`]: never somebody who only asks, and gets the last one ([`latest`]).

mod about;
mod centres;
mod columns;
mod groups;
mod latest;
mod map;
mod of;
mod points;
mod read;
mod run;
mod snapshot;
mod stability;
mod transfer;
mod upkeep;
mod view;

pub use self::of::{Selection, SelectionThemes};
pub use columns::MapColumns;
pub use map::{MapOptions, ThemeMap};
pub use points::{MapPaper, MapPapers, MapPoints};
pub use run::ThemesRun;
pub use snapshot::Example;
pub use stability::{Assigned, Stability};
pub use transfer::{ExportedPlace, ExportedRun, ExportedTheme, ExportedThemeEvent, ExportedThemes};
pub use upkeep::ThemesKept;
pub use view::Named as ThemeName;
pub use view::{
    OneTheme, PaperOrder, Theme, ThemeEvent, ThemeEvents, ThemeList, ThemeOptions, ThemeOrder, ThemesMeta,
    ThemesOptions,
};

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use roaring::RoaringBitmap;

use self::snapshot::{Assignment, ThemeSnapshot};
use crate::engine::corpus::{Changes, Corpus, EmbeddingSpace, Follower, Groups};
use crate::engine::widen::{Look, widen_all};
use crate::error::{Error, Result};
use crate::index::Neighbour;
use crate::paper::Row;
use crate::store::Store;
use crate::themes::graph::Knn;
use crate::themes::{layout, levels};

/// Neighbours of a paper that decide where it belongs.
const NEIGHBOURS: usize = 15;

/// How far papers with a theme are looked for among the nearest of a new one.
const MOST_LOOKED_AT: usize = 1000;

/// Papers whose neighbours are looked for in one call of the index.
const AT_A_TIME: usize = 1024;

/// The rules by which themes are named and counted: a run made by others is due to be made anew, and its names go.
const NAMING: u32 = 1;

/// Share of papers that came or went since the last run from which a new one is due.
const CHANGED_SHARE: f64 = 0.1;

/// The themes of a data folder.
pub struct Themes {
    corpus: Arc<Corpus>,
    store: Arc<dyn Store>,
    // A lock around the pointer, and held while the snapshot is brought up to date, so that no paper is lost between.
    snapshot: RwLock<State>,
    // Held during a run: one at a time.
    running: Mutex<()>,
    // Raised whenever rows came to the index or went from it: a commit does no more than this.
    changed: AtomicU64,
    // What `changed` was when the snapshot last held everything; lets readers off comparing rows.
    seen: AtomicU64,
    // What is shown while the snapshot is behind.
    shown: Mutex<Option<Shown>>,
    // The whole map as it was asked for last; held while another is made, so that it is made once.
    columns: Mutex<columns::Kept>,
}

/// A snapshot, what `changed` was, and the snapshot without what was gone by then.
type Shown = (Arc<ThemeSnapshot>, u64, Arc<ThemeSnapshot>);

impl Follower for Themes {
    /// Notes that the snapshot may lack rows of the index, or hold some that are gone. Whoever keeps the themes brings it up to
    /// date; who commits does not wait for that.
    fn hear(&self, _: &Changes) {
        self.fall_behind();
    }
}

#[derive(Default, Clone)]
enum State {
    /// It was not read yet.
    #[default]
    Unread,
    /// There was no run yet.
    Nothing,
    /// What there is.
    Made(Arc<ThemeSnapshot>),
}

impl Themes {
    /// The themes of a corpus, which tells them from now on what changes in it.
    pub fn new(store: Arc<dyn Store>, corpus: Arc<Corpus>) -> Arc<Self> {
        let themes = Arc::new(Themes {
            corpus: Arc::clone(&corpus),
            store,
            snapshot: RwLock::default(),
            running: Mutex::default(),
            changed: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            shown: Mutex::default(),
            columns: Mutex::default(),
        });
        corpus.tell(&(Arc::clone(&themes) as Arc<dyn Follower>));
        corpus.ask_of_groups(&(Arc::clone(&themes) as Arc<dyn Groups>));
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
        let graph = space.neighbour_graph(NEIGHBOURS)?;
        let superseded = self.corpus.versions().superseded_rows(None);
        let is_representative = |row: &Row| !superseded.contains(row.0);
        let rows: Vec<Row> = graph.rows.iter().copied().filter(is_representative).collect();
        let number: HashMap<Row, u32> = rows.iter().zip(0..).map(|(row, i)| (*row, i)).collect();
        let allowed = bitmap(rows.iter().copied());
        let mut knn = Knn::new(rows.len(), NEIGHBOURS.min(rows.len().saturating_sub(1)));
        let found = graph.rows.iter().zip(graph.neighbours).filter(|(row, _)| is_representative(row));
        let mut lists: Vec<Vec<Neighbour>> = found.map(|(_, found)| found).collect();
        // Where versions stood among the nearest, works behind them come in their place.
        let short = |i: &usize| lists[*i].iter().any(|n| !is_representative(&n.row));
        let again: Vec<usize> = (0..lists.len()).filter(short).collect();
        for some in again.chunks(AT_A_TIME) {
            let vectors = space.vectors(&some.iter().map(|i| rows[*i]).collect::<Vec<_>>())?;
            let known: Vec<(usize, &[f32])> =
                some.iter().zip(&vectors).filter_map(|(i, v)| Some((*i, v.as_deref()?))).collect();
            let queries: Vec<&[f32]> = known.iter().map(|(_, v)| *v).collect();
            let found = space.search_many(&queries, NEIGHBOURS + 1, Some((&allowed).into()))?;
            known.iter().zip(found).for_each(|((i, _), found)| lists[*i] = found.neighbours);
        }
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
        let vectors = space.vectors(new)?;
        let mut near: Vec<Vec<(&Assignment, f32)>> = vec![Vec::new(); new.len()];
        // New papers are not in the snapshot yet, so that some of its own must be among the neighbours: those that have too
        // few look further.
        let looking: Vec<usize> = (0..new.len()).filter(|i| vectors[*i].is_some()).collect();
        let wanted = NEIGHBOURS.min(snapshot.papers.len());
        let all = space.len().min(MOST_LOOKED_AT);
        let found = widen_all(&vec![NEIGHBOURS + 1; looking.len()], all, |k, which| {
            let mut looks = Vec::with_capacity(which.len());
            for some in which.chunks(AT_A_TIME) {
                let queries: Vec<&[f32]> = some.iter().filter_map(|i| vectors[looking[*i]].as_deref()).collect();
                for found in space.search_many(&queries, k, None)? {
                    let known = found.neighbours.iter().filter_map(|n| Some((snapshot.placed(n.row)?, n.score)));
                    let known: Vec<(&Assignment, f32)> = known.take(NEIGHBOURS).collect();
                    let enough = known.len() >= wanted || found.neighbours.len() < k;
                    looks.push(if enough { Look::Done(known) } else { Look::TooFew(known) });
                }
            }
            Ok(looks)
        })?;
        looking.into_iter().zip(found).for_each(|(i, known)| near[i] = known);
        let place = |(i, fact): (usize, &Option<(Option<i32>, u32)>)| {
            let (row, day) = (new[i], fact.and_then(|f| f.0));
            if vectors[i].is_none() {
                return Assignment::nowhere(row, day);
            }
            let votes = near[i].iter().map(|(p, s)| (p.theme.filter(|_| p.member).unwrap_or(levels::NONE), *s));
            let joined = levels::join(votes);
            let at = layout::between(near[i].iter().map(|(p, s)| (p.at, *s))).unwrap_or_default();
            Assignment {
                row,
                theme: joined.map(|j| j.0),
                member: joined.is_some_and(|j| j.1),
                strength: joined.map_or(0.0, |j| j.2),
                at,
                day,
            }
        };
        Ok(facts.iter().enumerate().map(place).collect())
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
