//! Which rows a filter allows.

use std::sync::PoisonError;

use roaring::RoaringBitmap;
use rusqlite::params_from_iter;

use super::Store;
use super::papers::fold;
use crate::error::Result;
use crate::paper::{Filter, PaperDate, PaperId, Row};

impl Store {
    /// The rows that a filter allows, its `exclude` list apart; `None` when everything is.
    pub fn allowed(&self, filter: &Filter) -> Result<Option<RoaringBitmap>> {
        let mut allowed: Option<RoaringBitmap> = None;
        let mut meet = |rows: RoaringBitmap| {
            allowed = Some(match allowed.take() {
                Some(so_far) => so_far & rows,
                None => rows,
            });
        };
        if filter.from.is_some() || filter.to.is_some() || !filter.categories.is_empty() {
            let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
            self.read(|c| columns.catch_up(c))?;
            if filter.from.is_some() || filter.to.is_some() {
                let from = filter.from.as_ref().map_or(i32::MIN, PaperDate::first_day);
                let to = filter.to.as_ref().map_or(i32::MAX, PaperDate::last_day);
                meet(columns.between(from, to));
            }
            if !filter.categories.is_empty() {
                meet(columns.in_any(filter.categories.iter().map(|name| fold(name))));
            }
        }
        if !filter.authors.is_empty() {
            let marks = vec!["?"; filter.authors.len()].join(", ");
            let sql = format!("SELECT row FROM authors WHERE name IN ({marks})");
            let names = filter.authors.iter().map(|name| fold(name));
            meet(self.read(|c| {
                let mut select = c.prepare_cached(&sql)?;
                select.query_map(params_from_iter(names), |r| r.get::<_, u32>(0))?.collect()
            })?);
        }
        Ok(allowed)
    }

    /// The rows of all papers.
    pub fn rows_of_all(&self) -> Result<RoaringBitmap> {
        self.read(|c| {
            // Through an index: the table itself holds the texts, which are a hundred times as long.
            let mut select = c.prepare_cached("SELECT row FROM papers INDEXED BY papers_by_day")?;
            let rows = select.query_map([], |r| r.get::<_, u32>(0))?;
            rows.collect::<rusqlite::Result<RoaringBitmap>>()
        })
    }

    /// The rows of some papers, in their order; `None` where there is no such paper.
    pub fn rows(&self, ids: &[&PaperId]) -> Result<Vec<Option<Row>>> {
        use rusqlite::OptionalExtension;
        self.read(|c| {
            let mut find = c.prepare_cached("SELECT row FROM papers WHERE id = ?1")?;
            ids.iter().map(|id| find.query_row([id.as_str()], |r| Ok(Row(r.get(0)?))).optional()).collect()
        })
    }
}
