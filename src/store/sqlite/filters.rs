//! Which rows a filter allows, and what some rows have in common.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::SqliteStore;
use crate::error::Result;
use crate::paper::{Filter, PaperDate, Row, unaccented};
use crate::store::{Column, Counted, Filters};

impl Filters for SqliteStore {
    fn allowed(&self, filter: &Filter) -> Result<Option<RoaringBitmap>> {
        let mut allowed: Option<RoaringBitmap> = None;
        let mut meet = |rows: RoaringBitmap| {
            allowed = Some(match allowed.take() {
                Some(so_far) => so_far & rows,
                None => rows,
            });
        };
        let dated = filter.from.is_some() || filter.to.is_some();
        if dated || !filter.categories.is_empty() || !filter.sources.is_empty() {
            let columns = self.columns()?;
            if dated {
                let from = filter.from.as_ref().map_or(i32::MIN, PaperDate::first_day);
                let to = filter.to.as_ref().map_or(i32::MAX, PaperDate::last_day);
                meet(columns.between(from, to));
            }
            if !filter.categories.is_empty() {
                meet(columns.in_any(filter.categories.iter().map(|name| unaccented(name))));
            }
            if !filter.sources.is_empty() {
                meet(columns.of_sources(&filter.sources));
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

    fn values_among(&self, column: Column, rows: &RoaringBitmap, most: usize) -> Result<Vec<Counted>> {
        Ok(match column {
            Column::Year => {
                let mut years = self.columns()?.years_among(rows);
                years.truncate(most);
                years
            }
            Column::Category => Counted::most_first(self.columns()?.categories_among("", rows), most),
            Column::Source => Counted::most_first(self.columns()?.sources_among(rows), most),
            Column::Author => Counted::most_first(self.authors_among(rows)?, most),
        })
    }

    fn categories_beginning(&self, begin: &str, rows: &RoaringBitmap, most: usize) -> Result<Vec<Counted>> {
        Ok(Counted::most_first(self.columns()?.categories_among(&unaccented(begin), rows), most))
    }

    fn votes(&self, rows: &[Row]) -> Result<Vec<u32>> {
        let columns = self.columns()?;
        Ok(rows.iter().map(|row| columns.votes(row.0)).collect())
    }

    fn list_days(&self, rows: &[Row]) -> Result<Vec<Option<i32>>> {
        let columns = self.columns()?;
        Ok(rows.iter().map(|row| columns.list_day(row.0)).collect())
    }
}

/// From so many rows on all names are read in their order, and not those of each row: one walk costs less than as many looks.
const ALL_NAMES: u64 = 60_000;

impl SqliteStore {
    /// How many of some rows each author wrote.
    fn authors_among(&self, rows: &RoaringBitmap) -> Result<Vec<Counted>> {
        self.read(|c| {
            if rows.len() >= ALL_NAMES {
                let mut counted: Vec<Counted> = Vec::new();
                let mut select = c.prepare_cached("SELECT name, row FROM authors ORDER BY name, row")?;
                let mut all = select.query([])?;
                while let Some(r) = all.next()? {
                    let row: u32 = r.get(1)?;
                    if !rows.contains(row) {
                        continue;
                    }
                    let name = r.get_ref(0)?.as_str().unwrap_or_default();
                    match counted.last_mut().filter(|last| last.value == name) {
                        Some(last) => last.papers += 1,
                        None => counted.push(Counted { value: name.to_string(), papers: 1, row: Row(row) }),
                    }
                }
                return Ok(counted);
            }
            let mut counted: HashMap<String, (u64, u32)> = HashMap::new();
            let mut select = c.prepare_cached("SELECT name FROM authors WHERE row = ?1")?;
            for row in rows {
                let mut names = select.query([row])?;
                while let Some(r) = names.next()? {
                    let name = r.get_ref(0)?.as_str().unwrap_or_default();
                    match counted.get_mut(name) {
                        Some((n, _)) => *n += 1,
                        None => drop(counted.insert(name.to_string(), (1, row))),
                    }
                }
            }
            let one = |(value, (papers, row))| Counted { value, papers, row: Row(row) };
            Ok(counted.into_iter().map(one).collect())
        })
    }
}
