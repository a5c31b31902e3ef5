//! The map as compact arrays: papers of a region and zoom, regions of themes, names that do not cover each other.

use std::time::Instant;

use serde::Serialize;
use utoipa::ToSchema;

use super::snapshot::ThemeSnapshot;
use super::theme_id;
use super::view::{since, time};
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::paper::{Row, head, plain, shown};
use crate::themes::labels::{self, DEEPEST, Wish};
use crate::themes::layout::Place;
use crate::themes::levels::FINEST;

/// Papers a page of the map holds at most.
const MOST: usize = 50_000;

/// Characters of a title.
const TITLE: usize = 300;

/// What part of the map is wanted.
#[derive(Debug, Clone)]
pub struct MapOptions {
    /// Only papers in this box: left, bottom, right, top.
    pub region: Option<[f32; 4]>,
    /// Only an even sample that suits this zoom, 0 to 6; without it every paper.
    pub zoom: Option<usize>,
    /// Papers wanted: 1 to 50,000.
    pub limit: usize,
    /// Papers to pass over first: the `next` of the page before.
    pub offset: usize,
    /// Whether titles come with the papers.
    pub titles: bool,
}

/// A title as it stands beside a point, where no markup is read. One that is nothing but markup is better than none.
pub(super) fn title(sent: &str) -> String {
    let line = |text: &str| shown(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let read = line(&plain(sent));
    head(&if read.is_empty() { line(sent) } else { read }, TITLE)
}

impl Default for MapOptions {
    fn default() -> Self {
        MapOptions { region: None, zoom: None, limit: 10_000, offset: 0, titles: false }
    }
}

/// A part of the map.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThemeMap {
    /// The papers, in arrays of one length.
    pub points: Points,
    /// The themes of all levels.
    pub themes: Vec<MapTheme>,
    /// Names for the zoom asked for (without one, for zoom 0), placed so that none covers another.
    pub labels: Vec<MapLabel>,
    /// Where the page stands.
    pub meta: MapMeta,
}

/// Papers as arrays of one length.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Points {
    /// Their ids.
    pub id: Vec<String>,
    /// Places, to the right.
    pub x: Vec<f32>,
    /// Places, upwards.
    pub y: Vec<f32>,
    /// The place of their finest theme in `themes`; -1 where they belong to none.
    pub theme: Vec<i32>,
    /// Their titles, when asked for: each on one line, without LaTeX and markup; of long ones the first 300 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Vec<String>>,
}

/// A theme on the map.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MapTheme {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// 0 is the coarsest.
    pub level: usize,
    /// The place of its parent in this list; null on level 0.
    pub parent: Option<usize>,
    /// Papers that belong to it.
    pub size: usize,
    /// The middle of its papers.
    pub x: f32,
    /// The middle of its papers.
    pub y: f32,
    /// Its outline: the corners around the four fifths of its papers nearest to the middle.
    #[schema(value_type = Vec<Vec<f32>>)]
    pub region: Vec<Place>,
}

/// A name on the map.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MapLabel {
    /// The place of its theme in `themes`.
    pub theme: usize,
    /// The level of its theme.
    pub level: usize,
    /// What is written.
    pub text: String,
    /// The middle of its box.
    pub x: f32,
    /// The middle of its box.
    pub y: f32,
    /// The width of its box.
    pub width: f32,
    /// The height of its box.
    pub height: f32,
    /// The size of the letters in pixels, on a map that is 1200 pixels wide at zoom 0 and twice as wide at each one more.
    pub letters: f32,
}

/// Where a page of the map stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MapMeta {
    /// Milliseconds inside the engine.
    pub took_ms: f64,
    /// Papers of the region and zoom on all pages.
    pub total: usize,
    /// Give it as `offset` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
    /// The whole map: left, bottom, right, top.
    #[schema(value_type = Vec<f32>)]
    pub bounds: [f32; 4],
    /// The zoom from which on every paper is shown.
    pub deepest: usize,
    /// Number of the run it was drawn in; 0 before the first.
    pub run: u64,
    /// When that was, as an RFC 3339 time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub run_at: Option<String>,
}

impl Themes {
    /// A part of the map.
    pub fn themes_map(&self, ask: &MapOptions) -> Result<ThemeMap> {
        let began = Instant::now();
        check(ask)?;
        let Some(snapshot) = self.snapshot_now()? else {
            let meta = MapMeta {
                took_ms: since(began),
                total: 0,
                next: None,
                bounds: [0.0; 4],
                deepest: DEEPEST + 1,
                run: 0,
                run_at: None,
            };
            let points = Points { title: ask.titles.then(Vec::new), ..Points::default() };
            return Ok(ThemeMap { points, themes: Vec::new(), labels: Vec::new(), meta });
        };
        let counted = snapshot.counted();
        let in_region =
            |at: &Place| ask.region.is_none_or(|[l, b, r, t]| (l..=r).contains(&at[0]) && (b..=t).contains(&at[1]));
        let shown: Vec<usize> = (0..snapshot.papers.len())
            .filter(|k| ask.zoom.is_none_or(|z| usize::from(snapshot.zooms()[*k]) <= z))
            .filter(|k| in_region(&snapshot.papers[*k].at))
            .collect();
        let page: Vec<usize> = shown.iter().skip(ask.offset).take(ask.limit).copied().collect();
        let rows: Vec<Row> = page.iter().map(|k| snapshot.papers[*k].row).collect();
        let mut points = Points { title: ask.titles.then(Vec::new), ..Points::default() };
        let names: Vec<Option<(String, String)>> = if ask.titles {
            let mut papers = self.store.papers(&rows)?.into_iter().peekable();
            let of = |row: &Row| papers.next_if(|(r, _)| r == row).map(|(_, p)| (p.id.to_string(), title(&p.title)));
            rows.iter().map(of).collect()
        } else {
            self.store.ids(&rows)?.into_iter().map(|id| id.map(|id| (id, String::new()))).collect()
        };
        for (k, name) in page.iter().zip(names) {
            // Gone since the snapshot was taken.
            let Some((id, title)) = name else { continue };
            let p = &snapshot.papers[*k];
            points.id.push(id);
            points.x.push(rounded(p.at[0]));
            points.y.push(rounded(p.at[1]));
            points.theme.push(p.theme.filter(|_| p.member).map_or(-1, |t| t as i32));
            points.title.iter_mut().for_each(|titles| titles.push(title.clone()));
        }
        let end = ask.offset + page.len();
        let [low, high] = counted.corners;
        let meta = MapMeta {
            took_ms: since(began),
            total: shown.len(),
            next: (end < shown.len()).then_some(end),
            bounds: [low[0], low[1], high[0], high[1]],
            deepest: DEEPEST + 1,
            run: snapshot.run.run,
            run_at: Some(time(snapshot.run.at)),
        };
        let labels = labels_at(&snapshot, ask.zoom.unwrap_or(0));
        Ok(ThemeMap { points, themes: map_themes(&snapshot), labels, meta })
    }
}

fn check(ask: &MapOptions) -> Result<()> {
    if !(1..=MOST).contains(&ask.limit) {
        return Err(Error::Invalid(format!("limit is {}; it goes from 1 to {MOST}", ask.limit)));
    }
    if let Some(zoom) = ask.zoom.filter(|z| *z > DEEPEST + 1) {
        return Err(Error::Invalid(format!("zoom is {zoom}; it goes from 0 to {}", DEEPEST + 1)));
    }
    match ask.region {
        Some([l, b, r, t]) if ![l, b, r, t].iter().all(|x| x.is_finite()) || l > r || b > t => {
            Err(Error::Invalid("the region is turned round: it is left, bottom, right, top".into()))
        }
        _ => Ok(()),
    }
}

fn map_themes(snapshot: &ThemeSnapshot) -> Vec<MapTheme> {
    let counted = snapshot.counted();
    let one = |(t, known): (usize, &super::snapshot::SnapshotTheme)| {
        let places: Vec<Place> = counted.members[t].iter().map(|k| snapshot.papers[*k as usize].at).collect();
        MapTheme {
            id: theme_id(known.id),
            name: known.facts.name.clone(),
            level: known.level,
            parent: known.parent,
            size: places.len(),
            x: rounded(counted.middles[t][0]),
            y: rounded(counted.middles[t][1]),
            region: labels::region(&places).into_iter().map(|p| [rounded(p[0]), rounded(p[1])]).collect(),
        }
    };
    snapshot.themes.iter().enumerate().map(one).collect()
}

/// The names of the level that belongs to a zoom, and those of the next finer one where there is room.
fn labels_at(snapshot: &ThemeSnapshot, zoom: usize) -> Vec<MapLabel> {
    let counted = snapshot.counted();
    let level = labels::level_at(zoom, FINEST);
    let (mut taken, mut out) = (Vec::new(), Vec::new());
    for (level, letters) in [(level, labels::LETTERS), (level + 1, labels::SMALL_LETTERS)] {
        let own: Vec<usize> = (0..snapshot.themes.len())
            .filter(|t| snapshot.themes[*t].level == level && !counted.members[*t].is_empty())
            .collect();
        let wish = |t: &usize| Wish {
            name: &snapshot.themes[*t].facts.name,
            at: counted.middles[*t],
            size: counted.members[*t].len(),
        };
        let wishes: Vec<Wish<'_>> = own.iter().map(wish).collect();
        let placed = labels::place(&wishes, letters, zoom, &counted.corners, &taken);
        out.extend(placed.iter().map(|l| MapLabel {
            theme: own[l.wish],
            level,
            text: labels::written(wishes[l.wish].name),
            x: rounded(l.at[0]),
            y: rounded(l.at[1]),
            width: l.width,
            height: l.height,
            letters: l.letters,
        }));
        taken.extend(placed);
    }
    out
}

/// To a thousandth: finer than a pixel at any zoom.
pub(super) fn rounded(x: f32) -> f32 {
    (x * 1000.0).round() / 1000.0
}
