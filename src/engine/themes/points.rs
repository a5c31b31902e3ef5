//! What stands behind points of the map.

use std::time::Instant;

use serde::Serialize;
use utoipa::ToSchema;

use super::Themes;
use super::map::title;
use super::view::since;
use crate::bounds;
use crate::engine::corpus::check_query;
use crate::error::Result;
use crate::paper::{Filter, PaperId, Row};

/// Which points.
#[derive(Debug, Clone, PartialEq)]
pub enum MapPoints {
    /// These, by the numbers of their papers; at most 1,000.
    Rows(Vec<Row>),
    /// Those of these papers; at most 1,000.
    Ids(Vec<PaperId>),
    /// Those of the best hits for a phrase: which, and how many (1 to 5,000).
    Found(String, usize),
}

/// The papers of some points.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MapPapers {
    /// In the order asked for, hits with the best first. A paper that is gone, or not on the map yet, is left out.
    pub papers: Vec<MapPaper>,
    /// How it went.
    pub meta: MapPapersMeta,
}

/// The paper of a point.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MapPaper {
    /// Its number on the map. It stands for this text of the paper: a paper whose text was changed has another.
    #[schema(value_type = u32)]
    pub row: u32,
    /// Its id.
    pub id: String,
    /// Its title on one line, without LaTeX and markup; of a long one the first 300 characters.
    pub title: String,
    /// When it appeared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// How papers of points were found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MapPapersMeta {
    /// Milliseconds inside the engine.
    pub took_ms: f64,
}

impl Themes {
    /// The papers of some points.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for too many, and for a phrase that is none;
    /// [`Error::BeingMade`](crate::Error::BeingMade) before the first run.
    pub fn map_papers(&self, points: &MapPoints) -> Result<MapPapers> {
        let began = Instant::now();
        let snapshot = self.snapshot_now()?;
        let mut rows = match points {
            MapPoints::Rows(rows) => {
                bounds::at_most("row", rows.len(), bounds::of_list("row"))?;
                rows.clone()
            }
            MapPoints::Ids(ids) => {
                bounds::at_most("id", ids.len(), bounds::of_list("id"))?;
                self.store.rows(&ids.iter().collect::<Vec<_>>())?.into_iter().flatten().collect()
            }
            MapPoints::Found(q, limit) => {
                check_query(q)?;
                self.best_hits(&self.corpus.space(), q, *limit, Filter::default())?
            }
        };
        rows.retain(|row| snapshot.as_ref().is_some_and(|snapshot| snapshot.placed(*row).is_some()));
        let paper = |(row, paper): (Row, crate::paper::Paper)| MapPaper {
            row: row.0,
            id: paper.id.to_string(),
            title: title(&paper.title),
            date: paper.date.map(|date| date.to_string()),
        };
        let papers = self.store.papers(&rows)?.into_iter().map(paper).collect();
        Ok(MapPapers { papers, meta: MapPapersMeta { took_ms: since(began) } })
    }
}
