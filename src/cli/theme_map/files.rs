//! The map as figures for other programs.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use csv::WriterBuilder;

use super::create;
use crate::cli::progress::Progress;
use crate::cli::show::thousands;
use crate::cli::streams::say;
use crate::deliver::citations::harmless;
use crate::engine::{Engine, ThemeMap};
use crate::error::Error;

/// Papers read at a time.
const PAGE: usize = 512;

/// The places of papers as CSV, a line a paper: its id, its finest theme (empty for none), x (to the right), y (upwards), and the name of
/// the theme. Of texts that a spreadsheet would take for a formula an apostrophe is the first character, as in references.
pub fn points(out: &mut impl Write, map: &ThemeMap) -> io::Result<()> {
    let mut lines = WriterBuilder::new().from_writer(out);
    lines.write_record(["paper", "theme", "x", "y", "theme_name"])?;
    for (k, id) in map.points.id.iter().enumerate() {
        let theme = usize::try_from(map.points.theme[k]).ok().and_then(|theme| map.themes.get(theme));
        let (of, name) = theme.map_or(("", ""), |theme| (theme.id.as_str(), theme.name.as_str()));
        let [x, y] = [map.points.x[k], map.points.y[k]].map(|place| place.to_string());
        lines.write_record([harmless(id.clone()), of.to_string(), x, y, harmless(name.to_string())])?;
    }
    lines.flush()
}

/// The vectors of the papers on the map as an array of NumPy (`<f4`, a row a paper), and beside it a text with their ids, one a line, in the
/// same order, which is also that of [`points`]; there ids stand as they are. A paper without a vector (one that is only being
/// encoded) has a row of NaN.
pub fn vectors(engine: &Engine, path: &Path, map: &ThemeMap) -> anyhow::Result<()> {
    let (ids, dimension) = (&map.points.id, engine.info()?.dimension);
    let beside = beside(path);
    let mut out = create(path)?;
    let failed = |e| Error::io(path, "cannot write", e);
    out.write_all(&head(ids.len(), dimension)).map_err(failed)?;
    let wanted: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let mut next = ids.iter();
    let mut lacking = 0;
    let mut row = |out: &mut dyn Write, vector: Option<&[f32]>| -> io::Result<()> {
        let known = vector.filter(|vector| vector.len() == dimension);
        lacking += usize::from(known.is_none());
        match known {
            Some(vector) => vector.iter().try_for_each(|x| out.write_all(&x.to_le_bytes())),
            None => (0..dimension).try_for_each(|_| out.write_all(&f32::NAN.to_le_bytes())),
        }
    };
    let progress = Progress::new("vectors", "papers", Some(ids.len()));
    let (mut after, mut done) = (None, 0);
    loop {
        let page = engine.export(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.row);
        // Both are in the order in which papers came in. One of the map that went meanwhile is passed over in the other.
        for exported in page.iter().filter(|exported| wanted.contains(exported.paper.id.as_str())) {
            for id in next.by_ref() {
                done += 1;
                let own = id == exported.paper.id.as_str();
                row(&mut out, exported.vector.as_deref().filter(|_| own)).map_err(failed)?;
                if own {
                    break;
                }
            }
        }
        progress.done(done);
    }
    for _ in next {
        row(&mut out, None).map_err(failed)?;
    }
    out.flush().map_err(failed)?;
    progress.finish();
    let mut names = create(&beside)?;
    let written = ids.iter().try_for_each(|id| writeln!(names, "{id}")).and_then(|()| names.flush());
    written.map_err(|e| Error::io(&beside, "cannot write", e))?;
    let n = thousands(ids.len());
    say!("{n} vectors of {dimension} numbers written to {}, their ids to {}", path.display(), beside.display());
    if lacking > 0 {
        say!("{} papers have no vector yet: their rows are NaN", thousands(lacking));
    }
    Ok(())
}

/// The file of the ids: `vectors.npy` has `vectors.ids.txt`.
pub(super) fn beside(path: &Path) -> PathBuf {
    path.with_extension("ids.txt")
}

/// The head of an `.npy` file, version 1.0 (NumPy's `lib.format`): what follows is `rows` times `columns` little-endian f32.
fn head(rows: usize, columns: usize) -> Vec<u8> {
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // All of it is a multiple of 64 bytes, and ends with a line feed.
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
    text.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    // Some hundred at most.
    out.extend_from_slice(&(length as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    out
}
