//! Versions of one work: they are shown once, the newest speaking for all.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLockReadGuard};

use roaring::RoaringBitmap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::corpus::Corpus;
use crate::error::Result;
use crate::paper::{Paper, Row};
use crate::store::Store;

/// The works of which there is more than one version.
#[derive(Default)]
pub struct Versions {
    /// All rows of the work by each of them, the newest first.
    of: HashMap<Row, Arc<[Row]>>,
    /// How many rows do not speak when all are allowed.
    superseded: usize,
}

impl Versions {
    /// Reads them from the store.
    pub fn read(store: &dyn Store) -> Result<Self> {
        let mut versions = Versions::default();
        for rows in store.works()? {
            versions.set(rows);
        }
        Ok(versions)
    }

    fn set(&mut self, rows: Vec<Row>) {
        for row in &rows {
            if let Some(old) = self.of.remove(row) {
                self.superseded -= usize::from(old.first() != Some(row));
            }
        }
        if rows.len() < 2 {
            return;
        }
        self.superseded += rows.len() - 1;
        let rows: Arc<[Row]> = rows.into();
        for row in rows.iter() {
            self.of.insert(*row, Arc::clone(&rows));
        }
    }

    /// Whether a row is the newest of its work among the allowed ones.
    pub fn is_representative(&self, row: Row, allowed: Option<&RoaringBitmap>) -> bool {
        match self.of.get(&row) {
            None => true,
            Some(rows) => {
                rows.iter().find(|r| allowed.is_none_or(|a| a.contains(r.0))).is_none_or(|first| *first == row)
            }
        }
    }

    /// The newest row of a row's work: itself where there is no other.
    pub fn newest(&self, row: Row) -> Row {
        self.of.get(&row).and_then(|rows| rows.first().copied()).unwrap_or(row)
    }

    /// How many of the allowed rows do not speak, those of `without` not counted.
    pub fn superseded(&self, allowed: Option<&RoaringBitmap>, without: &HashSet<Row>) -> usize {
        let Some(rows) = allowed else {
            return self.superseded - without.iter().filter(|row| !self.is_representative(**row, None)).count();
        };
        let counts =
            |row: &&Row| rows.contains(row.0) && !without.contains(row) && !self.is_representative(**row, allowed);
        self.of.keys().filter(counts).count()
    }

    /// The allowed rows that stand behind a newer allowed version of their work.
    pub fn superseded_rows(&self, allowed: Option<&RoaringBitmap>) -> RoaringBitmap {
        let behind = |row: &&Row| allowed.is_none_or(|a| a.contains(row.0)) && !self.is_representative(**row, allowed);
        self.of.keys().filter(behind).map(|row| row.0).collect()
    }

    /// The other rows of a row's work, the newest first.
    pub fn others(&self, row: Row) -> Vec<Row> {
        self.of.get(&row).map_or_else(Vec::new, |rows| rows.iter().copied().filter(|r| *r != row).collect())
    }
}

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

    pub fn versions(&self) -> RwLockReadGuard<'_, Versions> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows what a commit has changed.
    pub(super) fn follow_versions(&self, changed: impl Iterator<Item = Row>, gone: &[Row]) -> Result<()> {
        let left: Vec<Row> = {
            let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
            let of_gone = gone.iter().flat_map(|row| versions.others(*row)).collect();
            gone.iter().for_each(|row| versions.set(vec![*row]));
            of_gone
        };
        // A changed paper may leave one work and come to another: both are looked at again.
        let changed: Vec<Row> = changed.collect();
        let before: Vec<Row> = changed.iter().flat_map(|row| self.versions().others(*row)).collect();
        for row in changed.into_iter().chain(before).chain(left) {
            let rows = self.store.versions(row)?;
            if rows.len() > 1 || self.versions().of.contains_key(&row) {
                let rows = if rows.is_empty() { vec![row] } else { rows };
                self.versions.write().unwrap_or_else(PoisonError::into_inner).set(rows);
            }
        }
        Ok(())
    }
}
