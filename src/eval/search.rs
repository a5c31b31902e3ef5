//! Quality of search on queries with judged papers.

use super::Progress;
use super::bootstrap;
use super::metrics::Figures;
use super::sets::{Judgements, LabelledQuery};
use super::table::{Table, named};
use crate::engine::{Engine, Mode, SearchOptions};
use crate::error::Result;

/// The most papers that one call gives.
const PAGE: usize = 500;

/// Runs every query that has a relevant paper in each mode, down to rank `depth`, and compares the modes.
///
/// # Errors
/// Those of [`Engine::search`], also for a query that cannot be parsed.
pub fn run(
    engine: &Engine,
    queries: &[LabelledQuery],
    judgements: &Judgements,
    modes: &[Mode],
    depth: usize,
    progress: Progress<'_>,
) -> Result<Table> {
    let judged: Vec<&LabelledQuery> = queries.iter().filter(|q| judgements.contains_key(&q.id)).collect();
    let mut table = Table::new(
        format!("{} queries, the first {depth} papers of each", judged.len()),
        ["mode"].into_iter().chain(Figures::NAMES),
    );
    let mut by_mode: Vec<Vec<f64>> = Vec::new();
    for mode in modes {
        let mut figures = Vec::with_capacity(judged.len());
        for query in &judged {
            let relevant = &judgements[&query.id];
            let found = ranked(engine, &query.text, *mode, depth)?;
            let gains: Vec<f64> = found.iter().map(|id| relevant.get(id).copied().unwrap_or(0.0)).collect();
            figures.push(Figures::of(&gains, &relevant.values().copied().collect::<Vec<_>>()));
            progress(by_mode.len() * judged.len() + figures.len(), modes.len() * judged.len());
        }
        table.rows.push(row(&named(mode), &figures));
        by_mode.push(figures.iter().map(|f| f.map).collect());
    }
    // Paired differences between the first mode and each other one.
    for (mode, values) in modes.iter().zip(&by_mode).skip(1) {
        let mut cells = vec![format!("{} over {}, MAP", named(&modes[0]), named(mode)).as_str().into()];
        cells.push(bootstrap::difference(&by_mode[0], values).into());
        cells.resize(table.columns.len(), "".into());
        table.rows.push(cells);
    }
    Ok(table)
}

/// A table row: the name of a mode and the means of its metrics.
pub fn row(name: &str, figures: &[Figures]) -> Vec<super::table::Cell> {
    let mut cells = vec![name.into()];
    for k in 0..Figures::NAMES.len() {
        cells.push(bootstrap::mean(&figures.iter().map(|f| f.values()[k]).collect::<Vec<_>>()).into());
    }
    cells
}

fn ranked(engine: &Engine, text: &str, mode: Mode, depth: usize) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    while ids.len() < depth {
        let limit = PAGE.min(depth - ids.len());
        let ask = SearchOptions { limit, offset: ids.len(), mode, versions: true, ..SearchOptions::default() };
        let answer = engine.search(text, &ask)?;
        ids.extend(answer.papers.iter().map(|h| h.paper.id.to_string()));
        if answer.papers.len() < limit {
            break;
        }
    }
    Ok(ids)
}
