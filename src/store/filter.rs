//! Which rows a filter allows.

use roaring::RoaringBitmap;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Store;
use super::papers::fold;
use crate::error::Result;
use crate::paper::{Filter, PaperId, Row};

impl Store {
    /// The rows that a filter allows, its `exclude` list apart; `None` when everything is.
    pub fn allowed(&self, filter: &Filter) -> Result<Option<RoaringBitmap>> {
        let mut conditions: Vec<String> = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        if let Some(from) = &filter.from {
            conditions.push("day >= ?".into());
            values.push(from.first_day().into());
        }
        if let Some(to) = &filter.to {
            conditions.push("day <= ?".into());
            values.push(to.last_day().into());
        }
        for (table, names) in [("categories", &filter.categories), ("authors", &filter.authors)] {
            if !names.is_empty() {
                let marks = vec!["?"; names.len()].join(", ");
                conditions.push(format!("row IN (SELECT row FROM {table} WHERE name IN ({marks}))"));
                values.extend(names.iter().map(|n| Value::from(fold(n))));
            }
        }
        if conditions.is_empty() {
            return Ok(None);
        }
        let sql = format!("SELECT row FROM papers WHERE {}", conditions.join(" AND "));
        self.read(|c| {
            let mut select = c.prepare_cached(&sql)?;
            let rows = select.query_map(params_from_iter(values), |r| r.get::<_, u32>(0))?;
            rows.collect::<rusqlite::Result<RoaringBitmap>>().map(Some)
        })
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
