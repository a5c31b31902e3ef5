//! The map of themes as an image (SVG) or as a page with pan and zoom (HTML), each as one file.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::show::thousands;
use super::streams::{self, CreateMode, say};
use crate::engine::{Engine, MapOptions, ThemeMap};
use crate::error::Error;
use crate::http::MAP;
use crate::paper::shown;

/// With up to so many papers the page contains their titles.
const TITLES: usize = 50_000;

/// Papers taken at a time.
const PAGE: usize = 50_000;

/// The margin in pixels.
const MARGIN: f32 = 30.0;

/// The width in pixels, for which the labels were placed.
const WIDTH: f32 = 1200.0;

/// Colours of the coarsest themes, far apart for the eye and readable on white. `map.js` has the same.
const COLOURS: [&str; 16] = [
    "#3366cc", "#dc3912", "#109618", "#ff9900", "#990099", "#0099c6", "#dd4477", "#66aa00", "#b82e2e", "#316395",
    "#994499", "#22aa99", "#8a8a00", "#6633cc", "#e67300", "#8b0707",
];

/// A file to draw the map into; its ending says how.
#[derive(Clone)]
pub struct MapFile {
    path: PathBuf,
    html: bool,
}

impl MapFile {
    /// Reads the ending.
    pub fn of(name: &str) -> Result<Self, String> {
        let path = PathBuf::from(name);
        match path.extension().and_then(|e| e.to_str()) {
            Some("svg") => Ok(MapFile { path, html: false }),
            Some("html" | "htm") => Ok(MapFile { path, html: true }),
            _ => Err("the map is drawn as .svg or .html".into()),
        }
    }
}

/// Draws the map.
pub fn draw(engine: &Engine, MapFile { path: file, html }: &MapFile) -> anyhow::Result<()> {
    let html = *html;
    let mut map = engine.themes_map(&MapOptions { limit: PAGE, titles: html, ..MapOptions::default() })?;
    let titles = html && map.meta.total <= TITLES;
    while let Some(next) = map.meta.next {
        let page = engine.themes_map(&MapOptions { limit: PAGE, offset: next, titles, ..MapOptions::default() })?;
        map.points.id.extend(page.points.id);
        map.points.x.extend(page.points.x);
        map.points.y.extend(page.points.y);
        map.points.theme.extend(page.points.theme);
        map.meta.next = page.meta.next;
    }
    if !titles {
        map.points.title = None;
    }
    let text = if html { page(engine, &map)? } else { picture(&map) };
    let mut drawn = streams::create(file, CreateMode::Replace)?;
    drawn.write_all(text.as_bytes()).map_err(|e| Error::io(file, "cannot write", e))?;
    say!("{} papers drawn into {}", thousands(map.points.id.len()), file.display());
    Ok(())
}

/// The coarsest theme that every theme lies in, numbered by size.
fn colours(map: &ThemeMap) -> Vec<usize> {
    let mut roots: Vec<usize> = (0..map.themes.len()).filter(|t| map.themes[*t].parent.is_none()).collect();
    roots.sort_by_key(|t| std::cmp::Reverse(map.themes[*t].size));
    let root = |t: usize| std::iter::successors(Some(t), |t| map.themes[*t].parent).last().unwrap_or(t);
    (0..map.themes.len()).map(|t| roots.iter().position(|r| *r == root(t)).unwrap_or(0) % COLOURS.len()).collect()
}

/// The map as SVG: a dot a paper, coloured by its coarsest theme, and the names.
fn picture(map: &ThemeMap) -> String {
    let [left, bottom, right, top] = map.meta.bounds;
    let unit = WIDTH / (right - left).max(top - bottom).max(1e-3);
    let (width, height) = ((right - left) * unit + 2.0 * MARGIN, (top - bottom) * unit + 2.0 * MARGIN);
    let x = |value: f32| (value - left) * unit + MARGIN;
    let y = |value: f32| (top - value) * unit + MARGIN;
    let colours = colours(map);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\">\n<title>Map of {} papers</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        thousands(map.points.id.len())
    );
    // With more papers, dots are smaller and paler.
    let n = map.points.id.len().max(1) as f32;
    let dot = (260.0 / n.sqrt()).clamp(0.9, 6.0);
    let opacity = (1.6 - 0.11 * n.ln()).clamp(0.35, 0.85);
    let none = COLOURS.len();
    for colour in (0..=none).rev() {
        let own = map.points.theme.iter().enumerate().filter(|(_, t)| match usize::try_from(**t) {
            Ok(t) => colours.get(t) == Some(&colour),
            Err(_) => colour == none,
        });
        let mut path = String::new();
        for (k, _) in own {
            // Writing into a String cannot fail.
            let _ = write!(path, "M{:.1} {:.1}h0", x(map.points.x[k]), y(map.points.y[k]));
        }
        if !path.is_empty() {
            let stroke = COLOURS.get(colour).unwrap_or(&"#b5b5b5");
            let _ = writeln!(
                out,
                "<path d=\"{path}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{dot:.1}\" stroke-linecap=\"round\" stroke-opacity=\"{opacity:.2}\"/>"
            );
        }
    }
    out.push_str("<g text-anchor=\"middle\" dominant-baseline=\"central\" stroke=\"#fff\" stroke-linejoin=\"round\" paint-order=\"stroke\">\n");
    for label in map.labels.iter().rev() {
        let (weight, halo) = if label.level == 0 { ("bold", 4.0) } else { ("normal", 2.5) };
        let fill = if label.level == 0 { "#111" } else { "#444" };
        // A label at the edge is moved inside.
        let half = label.width * unit / 2.0;
        let at = x(label.x).clamp(half.min(width / 2.0), (width - half).max(width / 2.0));
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{:.1}\" font-size=\"{}\" font-weight=\"{weight}\" stroke-width=\"{halo}\" fill=\"{fill}\">{}</text>",
            y(label.y),
            label.letters,
            escaped(&label.text)
        );
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(shown(text)).into_owned()
}

/// The map as a page: the script of the service's own page with all papers, and titles under the pointer.
fn page(engine: &Engine, map: &ThemeMap) -> anyhow::Result<String> {
    let data = json!({
        "points": map.points, "themes": map.themes, "labels": engine.map_labels()?, "meta": { "bounds": map.meta.bounds },
    });
    // Inside a script element this could end it, or begin what does not end.
    let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
    let title = format!("Map of {} papers", thousands(map.points.id.len()));
    let page = include_str!("theme_map.html").replace("{{title}}", &title).replace("{{script}}", MAP);
    // Last: a title of a paper may hold anything.
    Ok(page.replace("{{data}}", &data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_and_the_page_have_the_same_colours() {
        let quoted: Vec<&str> = MAP.split('"').filter(|text| text.starts_with('#') && text.len() == 7).collect();
        assert_eq!(quoted, COLOURS);
    }
}
