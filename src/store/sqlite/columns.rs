//! What filters ask about most, in memory: the day and the categories of every row.
//!
//! A date range over the whole corpus is some milliseconds of SQL and some microseconds of a column. Derived from the
//! tables by change number, read when first asked for. Authors stay with SQL: they are many, and each wrote little.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use roaring::RoaringBitmap;
use rusqlite::Connection;

use super::SqliteStore;
use crate::error::Result;
use crate::paper::category::classes;

/// A row without a day, or without a paper.
const NONE: i32 = i32::MIN;

/// Days and categories by row.
#[derive(Default)]
pub struct Columns {
    /// The store's change number up to which they have read.
    change: u64,
    /// Days since 1970 by row: when it appeared, and when it was listed.
    days: Vec<i32>,
    listed: Vec<i32>,
    /// Rows of papers that were taken back.
    retired: RoaringBitmap,
    /// Folded names, and the rows of each.
    categories: BTreeMap<String, RoaringBitmap>,
}

impl Columns {
    /// Reads what came and went since they last did.
    pub fn catch_up(&mut self, c: &Connection) -> rusqlite::Result<()> {
        // Read first: what is committed meanwhile is then read again, never missed.
        let now: u64 = c.prepare_cached("SELECT change FROM counter")?.query_row([], |r| r.get(0))?;
        if now == self.change {
            return Ok(());
        }
        let fresh = self.change == 0;
        let mut changed = RoaringBitmap::new();
        {
            let mut select =
                c.prepare_cached("SELECT row, day, list_day, retired <> 0 FROM papers WHERE change > ?1")?;
            let mut rows = select.query([self.change])?;
            while let Some(r) = rows.next()? {
                let row: u32 = r.get(0)?;
                let day = |column| Ok::<_, rusqlite::Error>(r.get::<_, Option<i32>>(column)?.unwrap_or(NONE));
                self.set(row, day(1)?, day(2)?);
                match r.get(3)? {
                    true => self.retired.insert(row),
                    false => self.retired.remove(row),
                };
                changed.insert(row);
            }
        }
        if fresh {
            let mut select = c.prepare("SELECT name, row FROM categories")?;
            let mut rows = select.query([])?;
            while let Some(r) = rows.next()? {
                self.categorise(r.get_ref(0)?.as_str().unwrap_or_default(), r.get(1)?);
            }
        } else {
            self.categories.values_mut().for_each(|rows| *rows -= &changed);
            let mut select = c.prepare_cached("SELECT name FROM categories WHERE row = ?1")?;
            for row in &changed {
                let mut names = select.query([row])?;
                while let Some(r) = names.next()? {
                    self.categorise(r.get_ref(0)?.as_str().unwrap_or_default(), row);
                }
            }
        }
        // Last: a row that was read above and is gone by now is among these. Who read for the first time has met nothing
        // that went before.
        let mut select = c.prepare_cached("SELECT row FROM removed WHERE change > ?1")?;
        let gone: RoaringBitmap = select
            .query_map([if fresh { now } else { self.change }], |r| r.get::<_, u32>(0))?
            .collect::<rusqlite::Result<_>>()?;
        for row in &gone {
            self.set(row, NONE, NONE);
        }
        self.categories.values_mut().for_each(|rows| *rows -= &gone);
        self.retired -= &gone;
        self.change = now;
        Ok(())
    }

    fn set(&mut self, row: u32, day: i32, listed: i32) {
        let place = row as usize;
        if place >= self.days.len() {
            self.days.resize(place + 1, NONE);
            self.listed.resize(place + 1, NONE);
        }
        self.days[place] = day;
        self.listed[place] = listed;
    }

    fn categorise(&mut self, name: &str, row: u32) {
        match self.categories.get_mut(name) {
            Some(rows) => drop(rows.insert(row)),
            None => drop(self.categories.insert(name.to_string(), RoaringBitmap::from_iter([row]))),
        }
    }

    /// The rows of these days, the last included; those without a day are not among them.
    pub fn between(&self, from: i32, to: i32) -> RoaringBitmap {
        within(&self.days, from, to)
    }

    /// The rows listed on these days, the last included.
    pub fn listed(&self, from: i32, to: i32) -> RoaringBitmap {
        within(&self.listed, from, to)
    }

    /// The rows of papers that were taken back.
    pub fn retired(&self) -> &RoaringBitmap {
        &self.retired
    }

    /// The day a row was listed.
    pub fn list_day(&self, row: u32) -> Option<i32> {
        self.listed.get(row as usize).copied().filter(|day| *day != NONE)
    }

    /// The newest day on which a row was listed, those after `clock` not counted; `clock` where there are only such.
    pub fn today(&self, clock: i32) -> Option<i32> {
        // One pass without a branch: what lies ahead counts as the oldest day there is.
        let ahead = NONE + 1;
        let newest = self.listed.iter().map(|day| if *day > clock { ahead } else { *day }).max()?;
        match newest {
            NONE => None,
            day if day == ahead => Some(clock),
            day => Some(day),
        }
    }

    /// The rows in any of these categories (folded names). An archive stands for its classes: `math` is `math.oc` as
    /// well, but not `math-ph`; the search for `category:math` has the same rule.
    pub fn in_any(&self, names: impl Iterator<Item = String>) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        for name in names {
            let classes = self.categories.range(classes(&name));
            let own = self.categories.get(&name).into_iter();
            own.chain(classes.map(|(_, rows)| rows)).for_each(|rows| all |= rows);
        }
        all
    }
}

impl SqliteStore {
    /// The columns, up to date.
    pub(super) fn columns(&self) -> Result<MutexGuard<'_, Columns>> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(|c| columns.catch_up(c))?;
        Ok(columns)
    }
}

/// The rows whose day is one of these.
fn within(days: &[i32], from: i32, to: i32) -> RoaringBitmap {
    let from = from.max(NONE + 1);
    // Eight rows a byte, as the bitmap takes them: without a branch a row, this is a few instructions for sixteen.
    let byte = |days: &[i32]| {
        days.iter().enumerate().fold(0u8, |byte, (k, day)| byte | (u8::from(from <= *day && *day <= to) << k))
    };
    let bytes: Vec<u8> = days.chunks(8).map(byte).collect();
    RoaringBitmap::from_lsb0_bytes(0, &bytes)
}
