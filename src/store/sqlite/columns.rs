//! What filters ask about most, in memory: the day, the votes, the categories and the sources of every row.
//!
//! A date range over the whole corpus is some milliseconds of SQL and some microseconds of a column. Derived from the
//! tables by change number, read when first asked for. Authors stay with SQL: they are many, and each wrote little.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use roaring::RoaringBitmap;
use rusqlite::Connection;

use super::{SqliteStore, records};
use crate::error::Result;
use crate::paper::category::classes;
use crate::paper::{GIVEN_BY_HAND, Row, year_of};
use crate::store::{BY_HAND, Counted};

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
    votes: Vec<u32>,
    /// Rows that are there.
    rows: RoaringBitmap,
    /// Rows of papers that were taken back.
    retired: RoaringBitmap,
    /// Folded names, and the rows of each.
    categories: BTreeMap<String, RoaringBitmap>,
    /// The rows that each source has a record of.
    sources: BTreeMap<String, RoaringBitmap>,
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
                c.prepare_cached("SELECT row, day, list_day, retired <> 0, upvotes FROM papers WHERE change > ?1")?;
            let mut rows = select.query([self.change])?;
            while let Some(r) = rows.next()? {
                let row: u32 = r.get(0)?;
                let day = |column| Ok::<_, rusqlite::Error>(r.get::<_, Option<i32>>(column)?.unwrap_or(NONE));
                self.set(row, day(1)?, day(2)?, r.get(4)?);
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
                note(&mut self.categories, r.get_ref(0)?.as_str().unwrap_or_default(), r.get(1)?);
            }
        } else {
            self.categories.values_mut().for_each(|rows| *rows -= &changed);
            let mut select = c.prepare_cached("SELECT name FROM categories WHERE row = ?1")?;
            for row in &changed {
                let mut names = select.query([row])?;
                while let Some(r) = names.next()? {
                    note(&mut self.categories, r.get_ref(0)?.as_str().unwrap_or_default(), row);
                }
            }
        }
        self.follow_sources(c, &changed, fresh)?;
        self.rows |= &changed;
        // Last: a row that was read above and is gone by now is among these. Who read for the first time has met nothing
        // that went before.
        let mut select = c.prepare_cached("SELECT row FROM removed WHERE change > ?1")?;
        let gone: RoaringBitmap = select
            .query_map([if fresh { now } else { self.change }], |r| r.get::<_, u32>(0))?
            .collect::<rusqlite::Result<_>>()?;
        for row in &gone {
            self.set(row, NONE, NONE, 0);
        }
        self.categories.values_mut().chain(self.sources.values_mut()).for_each(|rows| *rows -= &gone);
        self.rows -= &gone;
        self.retired -= &gone;
        self.change = now;
        Ok(())
    }

    /// Reads anew which sources have a record of the rows that changed.
    fn follow_sources(&mut self, c: &Connection, changed: &RoaringBitmap, fresh: bool) -> rusqlite::Result<()> {
        self.sources.values_mut().for_each(|rows| *rows -= changed);
        // Most folders have none.
        if !records::any(c)? {
            return Ok(());
        }
        if fresh {
            let mut select = c.prepare("SELECT r.source, p.row FROM records r JOIN papers p ON p.id = r.paper")?;
            let mut rows = select.query([])?;
            while let Some(r) = rows.next()? {
                note(&mut self.sources, r.get_ref(0)?.as_str().unwrap_or_default(), r.get(1)?);
            }
            return Ok(());
        }
        let mut select =
            c.prepare_cached("SELECT r.source FROM papers p JOIN records r ON r.paper = p.id WHERE p.row = ?1")?;
        for row in changed {
            let mut names = select.query([row])?;
            while let Some(r) = names.next()? {
                note(&mut self.sources, r.get_ref(0)?.as_str().unwrap_or_default(), row);
            }
        }
        Ok(())
    }

    fn set(&mut self, row: u32, day: i32, listed: i32, votes: u32) {
        let place = row as usize;
        if place >= self.days.len() {
            self.days.resize(place + 1, NONE);
            self.listed.resize(place + 1, NONE);
            self.votes.resize(place + 1, 0);
        }
        self.days[place] = day;
        self.listed[place] = listed;
        self.votes[place] = votes;
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

    /// The votes of a row.
    pub fn votes(&self, row: u32) -> u32 {
        self.votes.get(row as usize).copied().unwrap_or(0)
    }

    /// The rows of any of these sources.
    pub fn of_sources(&self, names: &[String]) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        for name in names {
            match name.as_str() {
                GIVEN_BY_HAND => all |= self.given_by_hand(),
                // What is given by hand beside sources is noted under a name that nobody can ask for.
                BY_HAND => {}
                name => all |= self.sources.get(name).cloned().unwrap_or_default(),
            }
        }
        all
    }

    fn given_by_hand(&self) -> RoaringBitmap {
        let mut rows = self.rows.clone();
        self.sources.values().for_each(|of| rows -= of);
        rows | self.sources.get(BY_HAND).cloned().unwrap_or_default()
    }

    /// How many of some rows are of each source.
    pub fn sources_among(&self, rows: &RoaringBitmap) -> Vec<Counted> {
        let by_hand = self.given_by_hand();
        let named = self.sources.iter().filter(|(name, _)| *name != BY_HAND);
        named
            .map(|(name, of)| (name.as_str(), of))
            .chain([(GIVEN_BY_HAND, &by_hand)])
            .filter_map(|(name, of)| counted(name, &(of & rows), None))
            .collect()
    }

    /// How many of some rows are of each year.
    pub fn years_among(&self, rows: &RoaringBitmap) -> Vec<Counted> {
        // By days first: there are fewer of them than rows, and a calendar costs more than a sum.
        let mut days: BTreeMap<i32, (u64, u32)> = BTreeMap::new();
        for row in rows {
            if let Some(day) = self.days.get(row as usize).filter(|day| **day != NONE) {
                days.entry(*day).or_insert((0, row)).0 += 1;
            }
        }
        let mut years: BTreeMap<String, (u64, u32)> = BTreeMap::new();
        for (day, (n, row)) in days {
            years.entry(year_of(day)).or_insert((0, row)).0 += n;
        }
        let year = |(value, (papers, row)): (String, (u64, u32))| Counted { value, papers, row: Row(row) };
        years.into_iter().rev().map(year).collect()
    }

    /// How many of some rows are in each category that begins so, or whose class does.
    pub fn categories_among(&self, begin: &str, rows: &RoaringBitmap) -> Vec<Counted> {
        let begins = |name: &str| {
            name.starts_with(begin) || name.split_once('.').is_some_and(|(_, class)| class.starts_with(begin))
        };
        let of = |(name, own): (&String, &RoaringBitmap)| {
            let own = own & rows;
            let mut classes = self.categories.range(classes(name)).peekable();
            if classes.peek().is_none() {
                return counted(name, &own, None);
            }
            let example = own.min();
            counted(name, &classes.fold(own, |all, (_, class)| all | (class & rows)), example)
        };
        self.categories.iter().filter(|(name, _)| begin.is_empty() || begins(name)).filter_map(of).collect()
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

fn note(names: &mut BTreeMap<String, RoaringBitmap>, name: &str, row: u32) {
    match names.get_mut(name) {
        Some(rows) => drop(rows.insert(row)),
        None => drop(names.insert(name.to_string(), RoaringBitmap::from_iter([row]))),
    }
}

/// A value that some rows have; none where no row has it.
fn counted(value: &str, rows: &RoaringBitmap, example: Option<u32>) -> Option<Counted> {
    let row = Row(example.or_else(|| rows.min())?);
    Some(Counted { value: value.to_string(), papers: rows.len(), row })
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
