//! The map of themes in files: as a picture (SVG, PNG), as a page with everything that the map of the service has (HTML), and as
//! figures (the places of papers as CSV, their vectors as `.npy`).

mod files;
mod page;
mod png;
mod svg;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::show::thousands;
use super::streams::{self, CreateMode, Handled, say};
use crate::engine::{Engine, MapOptions, ThemeMap};
use crate::error::Error;

/// Papers taken at a time.
const PAGE: usize = 50_000;

/// The margin in pixels.
const MARGIN: f32 = 30.0;

/// The width in pixels, for which the labels were placed.
const WIDTH: f32 = 1200.0;

/// Colours of the coarsest themes, far apart for the eye and seen on white and black. `map_data.js` has the same.
const COLOURS: [&str; 16] = [
    "#4e79c4", "#e0803a", "#3f9e5a", "#cf4b52", "#8a64c9", "#a07445", "#d96fb0", "#6e8b2f", "#1fa3b5", "#c79a1b",
    "#5a5fd0", "#d8577c", "#2f8f86", "#b0622a", "#9a4fb0", "#5f7fa0",
];

/// The colour of papers in no theme.
const NONE: &str = "#b5b5b5";

/// How a map is drawn.
#[derive(Clone, Copy)]
enum Drawing {
    Svg,
    Png,
    Html,
}

/// A file to draw the map into; its ending says how.
#[derive(Clone)]
pub struct MapFile {
    path: PathBuf,
    drawing: Drawing,
}

impl MapFile {
    /// Reads the ending.
    ///
    /// # Errors
    /// A sentence, for an ending that is none of these.
    pub fn of(name: &str) -> Result<Self, String> {
        let path = PathBuf::from(name);
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let drawing = match ending.as_deref() {
            Some("svg") => Drawing::Svg,
            Some("png") => Drawing::Png,
            Some("html" | "htm") => Drawing::Html,
            _ => return Err("the map is drawn as .svg, .png or .html".into()),
        };
        Ok(MapFile { path, drawing })
    }
}

/// A file for the places of papers.
///
/// # Errors
/// A sentence, for another ending than `.csv`.
pub fn points_file(name: &str) -> Result<PathBuf, String> {
    ending(name, "csv", "places are written as .csv")
}

/// A file for vectors.
///
/// # Errors
/// A sentence, for another ending than `.npy`.
pub fn vectors_file(name: &str) -> Result<PathBuf, String> {
    ending(name, "npy", "vectors are written as .npy (NumPy)")
}

fn ending(name: &str, wanted: &str, otherwise: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    let is = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(wanted));
    if is { Ok(path) } else { Err(otherwise.to_string()) }
}

/// What is to be written.
pub struct Wanted<'a> {
    /// The map, drawn.
    pub map: Option<&'a MapFile>,
    /// Where the papers are on it.
    pub points: Option<&'a Path>,
    /// What places them there.
    pub vectors: Option<&'a Path>,
}

impl Wanted<'_> {
    /// What was written of so many papers, for programs.
    pub fn written(&self, papers: usize) -> impl Serialize {
        #[derive(Serialize)]
        struct Written {
            papers: usize,
            #[serde(skip_serializing_if = "Option::is_none")]
            map: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            points: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            vectors: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            ids: Option<String>,
        }
        let name = |path: &Path| path.display().to_string();
        Written {
            papers,
            map: self.map.map(|file| name(&file.path)),
            points: self.points.map(name),
            vectors: self.vectors.map(name),
            ids: self.vectors.map(|path| name(&files::beside(path))),
        }
    }
}

/// Writes what is wanted. Gives how many papers are on the map.
///
/// # Errors
/// When the map cannot be had, or a file cannot be written.
pub fn write(engine: &Engine, wanted: &Wanted<'_>) -> anyhow::Result<usize> {
    let map = whole(engine)?;
    if let Some(file) = wanted.map {
        draw(engine, &map, file)?;
    }
    if let Some(path) = wanted.points {
        let mut out = create(path)?;
        files::points(&mut out, &map).and_then(|()| out.flush()).map_err(|e| Error::io(path, "cannot write", e))?;
        say!("places of {} papers written to {}", thousands(map.points.id.len()), path.display());
    }
    if let Some(path) = wanted.vectors {
        files::vectors(engine, path, &map)?;
    }
    Ok(map.points.id.len())
}

/// All papers on the map, in the order in which they came in.
fn whole(engine: &Engine) -> anyhow::Result<ThemeMap> {
    let mut map = engine.themes_map(&MapOptions { limit: PAGE, ..MapOptions::default() })?;
    while let Some(next) = map.meta.next {
        let page = engine.themes_map(&MapOptions { limit: PAGE, offset: next, ..MapOptions::default() })?;
        map.points.id.extend(page.points.id);
        map.points.x.extend(page.points.x);
        map.points.y.extend(page.points.y);
        map.points.theme.extend(page.points.theme);
        map.meta.next = page.meta.next;
    }
    Ok(map)
}

fn create(path: &Path) -> anyhow::Result<BufWriter<Handled>> {
    Ok(BufWriter::new(streams::create(path, CreateMode::Replace)?))
}

fn draw(engine: &Engine, map: &ThemeMap, MapFile { path, drawing }: &MapFile) -> anyhow::Result<()> {
    let bytes = match drawing {
        Drawing::Svg => svg::picture(map).into_bytes(),
        Drawing::Html => page::page(engine, map)?.into_bytes(),
        Drawing::Png => {
            let (bytes, left_out) = png::picture(map)?;
            if left_out > 0 {
                say!(
                    "{left_out} names are not in the picture: its font has Latin, Greek and Cyrillic; .svg has them all"
                );
            }
            bytes
        }
    };
    let mut drawn = streams::create(path, CreateMode::Replace)?;
    drawn.write_all(&bytes).map_err(|e| Error::io(path, "cannot write", e))?;
    say!("{} papers drawn into {}", thousands(map.points.id.len()), path.display());
    Ok(())
}

/// From places to pixels of a picture that is as wide as the labels were placed for.
struct Scale {
    /// Pixels of one unit.
    unit: f32,
    /// Pixels of the picture.
    width: f32,
    height: f32,
    left: f32,
    top: f32,
}

impl Scale {
    fn of(map: &ThemeMap) -> Self {
        let [left, bottom, right, top] = map.meta.bounds;
        let unit = WIDTH / (right - left).max(top - bottom).max(1e-3);
        let (width, height) = ((right - left) * unit + 2.0 * MARGIN, (top - bottom) * unit + 2.0 * MARGIN);
        Scale { unit, width, height, left, top }
    }

    fn x(&self, value: f32) -> f32 {
        (value - self.left) * self.unit + MARGIN
    }

    fn y(&self, value: f32) -> f32 {
        (self.top - value) * self.unit + MARGIN
    }

    /// The middle of something so that nothing of it is over the edge.
    fn inside(&self, x: f32, half: f32) -> f32 {
        x.clamp(half.min(self.width / 2.0), (self.width - half).max(self.width / 2.0))
    }
}

/// How wide the dots of so many papers are, in pixels, and how much covers what is below: with more papers they are smaller and
/// paler.
fn dots(n: usize) -> (f32, f32) {
    let n = n.max(1) as f32;
    ((260.0 / n.sqrt()).clamp(0.9, 6.0), (1.6 - 0.11 * n.ln()).clamp(0.35, 0.85))
}

/// For every theme the number of the coarsest theme that it lies in, by size: that of its colour.
fn colours(map: &ThemeMap) -> Vec<usize> {
    let mut roots: Vec<usize> = (0..map.themes.len()).filter(|t| map.themes[*t].parent.is_none()).collect();
    roots.sort_by_key(|t| std::cmp::Reverse(map.themes[*t].size));
    let root = |t: usize| std::iter::successors(Some(t), |t| map.themes[*t].parent).last().unwrap_or(t);
    (0..map.themes.len()).map(|t| roots.iter().position(|r| *r == root(t)).unwrap_or(0) % COLOURS.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::MAP;

    #[test]
    fn the_picture_and_the_page_have_the_same_colours() {
        let list = MAP[1].text.split("COLOURS = [").nth(1).and_then(|rest| rest.split(']').next()).expect("a list");
        let quoted: Vec<&str> = list.split('"').filter(|text| text.starts_with('#')).collect();
        assert_eq!(quoted, COLOURS);
    }
}
