//! Lists of papers without a query: the daily list, the newest, the most read.

use std::sync::PoisonError;

use roaring::RoaringBitmap;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Store;
use super::papers::paper_at;
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperDate, Row};

/// By what a list is ordered, greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The day listed, else the date.
    #[default]
    Date,
    /// Votes.
    Upvotes,
    /// Votes and comments against age: twice the attention is worth two days.
    Trending,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Only papers listed (else dated) in this span.
    pub date: Option<PaperDate>,
    /// The order.
    pub sort: Sort,
    /// Papers a page.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The papers.
    pub papers: Vec<Paper>,
    /// What leads to the next page; none on the last.
    pub next: Option<String>,
    /// Papers on all pages.
    pub total: usize,
}

impl Store {
    /// Some of the given rows, the newest first: `n` from the one at `offset` on.
    pub fn newest(&self, rows: &RoaringBitmap, offset: usize, n: usize) -> Result<Vec<Row>> {
        self.read(|c| {
            // Along the index of days, so that it ends as soon as the page is full.
            let mut select = c.prepare_cached("SELECT row FROM papers ORDER BY day DESC, row DESC")?;
            let all = select.query_map([], |r| r.get::<_, u32>(0))?;
            let wanted = all.filter(|row| row.as_ref().map_or(true, |row| rows.contains(*row)));
            // A page beyond the last of them must not cost a walk through all the others.
            let n = n.min((rows.len() as usize).saturating_sub(offset));
            wanted.skip(offset).take(n).map(|row| row.map(Row)).collect()
        })
    }

    /// A page of papers. Paging is by the last paper seen, so papers that arrive meanwhile shift nothing.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the cursor is not one of ours.
    pub fn list(&self, listing: &Listing) -> Result<Page> {
        let key = match listing.sort {
            Sort::Date => "coalesce(list_day, -100000000)",
            Sort::Upvotes => "upvotes",
            Sort::Trending => "trending",
        };
        let mut conditions = vec!["1".to_string()];
        let mut values: Vec<Value> = Vec::new();
        if let Some(date) = &listing.date {
            conditions.push("list_day BETWEEN ? AND ?".into());
            values.extend([Value::from(date.first_day()), Value::from(date.last_day())]);
        }
        let total_sql = format!("SELECT count(*) FROM papers WHERE {}", conditions.join(" AND "));
        let total_values = values.clone();
        if let Some(cursor) = &listing.cursor {
            let (last_key, last_row) = read_cursor(cursor)?;
            conditions.push(format!("({key}, row) < (?, ?)"));
            values.extend([Value::from(last_key), Value::from(last_row)]);
        }
        values.push(i64::try_from(listing.limit + 1).unwrap_or(i64::MAX).into());
        let sql = format!(
            "SELECT row, json, CAST({key} AS REAL) FROM papers WHERE {} ORDER BY {key} DESC, row DESC LIMIT ?",
            conditions.join(" AND ")
        );
        self.read(|c| {
            let total = c.prepare_cached(&total_sql)?.query_row(params_from_iter(total_values), |r| r.get(0))?;
            let mut select = c.prepare_cached(&sql)?;
            let mut found: Vec<(i64, Paper, f64)> = select
                .query_map(params_from_iter(values), |r| Ok((r.get(0)?, paper_at(r, 1)?, r.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let more = found.len() > listing.limit;
            found.truncate(listing.limit);
            let last = found.last().map(|(row, _, key)| format!("{:016x}.{row:x}", key.to_bits()));
            let next = last.filter(|_| more);
            Ok(Page { papers: found.into_iter().map(|(_, paper, _)| paper).collect(), next, total })
        })
    }
}

impl Store {
    /// The rows of papers listed (else dated) in a span of days, both ends included.
    pub fn listed_in(&self, first: i32, last: i32) -> Result<RoaringBitmap> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(|c| columns.catch_up(c))?;
        Ok(columns.listed(first, last))
    }

    /// The newest day on which a paper was listed; none while none has a day.
    pub fn newest_day(&self) -> Result<Option<i32>> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(|c| {
            columns.catch_up(c)?;
            Ok(columns.newest_listed())
        })
    }

    /// The days of some rows ([`Paper::list_day`]), in their order.
    pub fn list_days(&self, rows: &[Row]) -> Result<Vec<Option<i32>>> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(|c| columns.catch_up(c))?;
        Ok(rows.iter().map(|row| columns.list_day(row.0)).collect())
    }
}

fn read_cursor(cursor: &str) -> Result<(f64, i64)> {
    let parse = || {
        let (key, row) = cursor.split_once('.')?;
        let key = f64::from_bits(u64::from_str_radix(key, 16).ok()?);
        Some((key, i64::from_str_radix(row, 16).ok()?)).filter(|_| key.is_finite())
    };
    parse().ok_or_else(|| Error::BadRequest(format!("{cursor:?} is no cursor; use the `next` of the page before")))
}
