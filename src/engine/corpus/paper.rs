//! A paper with the other versions of its work.

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::corpus::Corpus;
use crate::error::Result;
use crate::paper::{Paper, Row};

/// Another version of a work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// When it appeared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// A paper, and the other versions of its work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PaperInFull {
    /// The paper.
    #[serde(flatten)]
    pub paper: Paper,
    /// The other versions of its work, duplicates among them, the newest first. In answers only the newest of all is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
}

impl Corpus {
    /// The paper that an id or identifier names, with the other versions of its work.
    pub fn paper_in_full(&self, id: &str) -> Result<PaperInFull> {
        let (row, paper) = self.named(id)?;
        let others = self.versions().others(row);
        let version = |(_, p): (Row, Paper)| Version {
            id: p.id.to_string(),
            title: p.title.clone(),
            date: p.date.as_ref().map(ToString::to_string),
        };
        Ok(PaperInFull { paper, versions: self.store.papers(&others)?.into_iter().map(version).collect() })
    }
}
