//! Which rows a filter allows.

use roaring::RoaringBitmap;

use super::SqliteStore;
use crate::error::Result;
use crate::paper::{Filter, PaperDate, Row, unaccented};
use crate::store::Filters;

impl Filters for SqliteStore {
    fn allowed(&self, filter: &Filter) -> Result<Option<RoaringBitmap>> {
        let mut allowed: Option<RoaringBitmap> = None;
        let mut meet = |rows: RoaringBitmap| {
            allowed = Some(match allowed.take() {
                Some(so_far) => so_far & rows,
                None => rows,
            });
        };
        if filter.from.is_some() || filter.to.is_some() || !filter.categories.is_empty() {
            let columns = self.columns()?;
            if filter.from.is_some() || filter.to.is_some() {
                let from = filter.from.as_ref().map_or(i32::MIN, PaperDate::first_day);
                let to = filter.to.as_ref().map_or(i32::MAX, PaperDate::last_day);
                meet(columns.between(from, to));
            }
            if !filter.categories.is_empty() {
                meet(columns.in_any(filter.categories.iter().map(|name| unaccented(name))));
            }
        }
        for (table, names) in [("authors", &filter.authors), ("organizations", &filter.organizations)] {
            if names.is_empty() {
                continue;
            }
            // One statement, whatever their number: SQLite takes no more than so many values at once.
            meet(self.read(|c| {
                let mut select = c.prepare_cached(&format!("SELECT row FROM {table} WHERE name = ?1"))?;
                let mut rows = RoaringBitmap::new();
                for name in names {
                    for row in select.query_map([unaccented(name)], |r| r.get::<_, u32>(0))? {
                        rows.insert(row?);
                    }
                }
                Ok(rows)
            })?);
        }
        Ok(allowed)
    }

    fn retired(&self) -> Result<RoaringBitmap> {
        Ok(self.columns()?.retired().clone())
    }

    fn listed_in(&self, first: i32, last: i32) -> Result<RoaringBitmap> {
        Ok(self.columns()?.listed(first, last))
    }

    fn today(&self, clock: i32) -> Result<Option<i32>> {
        Ok(self.columns()?.today(clock))
    }

    fn list_days(&self, rows: &[Row]) -> Result<Vec<Option<i32>>> {
        let columns = self.columns()?;
        Ok(rows.iter().map(|row| columns.list_day(row.0)).collect())
    }
}
