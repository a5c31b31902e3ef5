//! Which read papers are near which papers: found by a search when a paper is first asked about, or before that by the job
//! `readership`, and remembered.

use std::cell::LazyCell;
use std::sync::{PoisonError, RwLock};

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::corpus::EmbeddingSpace;
use crate::error::Result;
use crate::paper::Row;
use crate::rank::{KEPT_NEIGHBOURS, Neighbours};

/// Papers that are remembered, the last that were asked about: each takes 128 bytes, and every row 4.
pub const REMEMBERED: usize = 200_000;

/// Papers that are looked for in one go.
const PIECE: usize = 256;

/// The share of the read papers that may have come since while what is near which is carried over.
const CHANGED: u64 = 50;

/// Stands for a row that is not remembered.
const NOWHERE: u32 = u32::MAX;

/// A paper as others' reading sees it.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    row: Row,
    /// Where between two steps its line lies.
    pub line: f32,
    /// The read papers near it, by their places.
    pub near: Neighbours,
}

/// The read papers near each paper that was asked about.
pub struct NearRead {
    /// The read papers, and the row at each place.
    read: RoaringBitmap,
    rows: Vec<Row>,
    /// Those of the read papers that no list can lack.
    sure: RoaringBitmap,
    fingerprint: String,
    // Held for arithmetic and for writing lists in, never while something is searched.
    lists: RwLock<Lists>,
}

/// Lists in the order in which they came; the oldest gives way.
#[derive(Default)]
struct Lists {
    /// Where the list of a row is.
    slots: Vec<u32>,
    lists: Vec<Placed>,
    /// The next to give way, once there are [`REMEMBERED`].
    next: usize,
}

impl Lists {
    fn get(&self, row: Row) -> Option<&Placed> {
        let slot = *self.slots.get(row.0 as usize)?;
        self.lists.get(slot as usize)
    }

    fn put(&mut self, placed: Placed) {
        let row = placed.row.0 as usize;
        if self.slots.len() <= row {
            self.slots.resize(row + 1, NOWHERE);
        }
        if self.slots[row] != NOWHERE {
            self.lists[self.slots[row] as usize] = placed;
        } else if self.lists.len() < REMEMBERED {
            self.slots[row] = self.lists.len() as u32;
            self.lists.push(placed);
        } else {
            let slot = self.next;
            self.slots[self.lists[slot].row.0 as usize] = NOWHERE;
            self.slots[row] = slot as u32;
            self.lists[slot] = placed;
            self.next = (slot + 1) % REMEMBERED;
        }
    }
}

impl NearRead {
    /// For these read papers, where the row at each place is `rows`. What `old` knows is carried over, as long as few
    /// papers are read that were not. A list that lost read papers is as if these had never been read, or it is looked for
    /// again.
    pub fn of(read: RoaringBitmap, rows: Vec<Row>, fingerprint: &str, old: Option<&NearRead>) -> Self {
        let mut near =
            NearRead { sure: read.clone(), read, rows, fingerprint: fingerprint.to_string(), lists: RwLock::default() };
        if let Some(old) = old.filter(|old| {
            let come = near.read.len() - near.read.intersection_len(&old.sure);
            come * CHANGED <= near.read.len() && old.fingerprint == near.fingerprint
        }) {
            let mut places = Lists::default();
            near.carry(old, &mut places);
            near.sure &= &old.sure;
            near.lists = RwLock::new(places);
        }
        near
    }

    fn carry(&self, old: &NearRead, into: &mut Lists) {
        let now = self.places();
        let number = |place: u32| {
            let row = old.rows.get(place as usize)?;
            now.get(row.0 as usize).copied().filter(|place| *place != NOWHERE)
        };
        let lists = old.lists.read().unwrap_or_else(PoisonError::into_inner);
        // In the order in which they came.
        let (newer, older) = lists.lists.split_at(lists.next);
        for placed in older.iter().chain(newer) {
            if let Some(near) = placed.near.renumbered(number) {
                into.put(Placed { near, ..*placed });
            }
        }
    }

    /// The place of each row that is read.
    fn places(&self) -> Vec<u32> {
        let mut places = vec![NOWHERE; self.read.max().map_or(0, |row| row as usize + 1)];
        for (place, row) in self.rows.iter().enumerate().filter(|(_, row)| self.read.contains(row.0)) {
            places[row.0 as usize] = place as u32;
        }
        places
    }

    /// Calls `f` with the number of each of the rows and what is near it. Rows whose vector is gone are passed over. `line`
    /// draws the line of a row that is new here.
    ///
    /// # Errors
    /// When the index cannot be asked, or nobody waits for the answer any more.
    pub fn each(
        &self,
        space: &EmbeddingSpace,
        rows: &[Row],
        line: impl Fn(Row) -> f32,
        mut f: impl FnMut(usize, &Placed),
    ) -> Result<()> {
        let unknown: Vec<usize> = {
            let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
            let known = |k: &usize| lists.get(rows[*k]).map(|placed| f(*k, placed)).is_none();
            (0..rows.len()).filter(known).collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        let places = LazyCell::new(|| self.places());
        for piece in unknown.chunks(PIECE) {
            cancel::check()?;
            // Another request may have looked for them meanwhile.
            let piece: Vec<usize> = {
                let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
                let known = |k: &usize| lists.get(rows[*k]).map(|placed| f(*k, placed)).is_none();
                piece.iter().copied().filter(known).collect()
            };
            let vectors = space.vectors(&piece.iter().map(|k| rows[*k]).collect::<Vec<_>>())?;
            let looked: Vec<(usize, &[f32])> =
                piece.iter().zip(&vectors).filter_map(|(k, v)| Some((*k, v.as_deref()?))).collect();
            if looked.is_empty() {
                continue;
            }
            let queries: Vec<&[f32]> = looked.iter().map(|(_, v)| *v).collect();
            let found = space.search_many(&queries, KEPT_NEIGHBOURS, Some((&self.read).into()))?;
            let placed: Vec<(usize, Placed)> = looked
                .iter()
                .zip(found)
                .map(|((k, _), found)| {
                    let place = |row: Row| places.get(row.0 as usize).copied().filter(|place| *place != NOWHERE);
                    let nearest: Vec<(u32, f32)> =
                        found.neighbours.iter().filter_map(|n| Some((place(n.row)?, n.score))).collect();
                    (*k, Placed { row: rows[*k], line: line(rows[*k]), near: Neighbours::of(&nearest) })
                })
                .collect();
            placed.iter().for_each(|(k, placed)| f(*k, placed));
            let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
            placed.into_iter().for_each(|(_, placed)| lists.put(placed));
        }
        Ok(())
    }

    /// Those of the rows whose neighbours are not known yet.
    pub fn lacking(&self, rows: impl Iterator<Item = Row>) -> Vec<Row> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        rows.filter(|row| lists.get(*row).is_none()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(row: u32) -> Placed {
        Placed { row: Row(row), line: 0.0, near: Neighbours::of(&[(row % 7, 0.5)]) }
    }

    #[test]
    fn a_paper_takes_what_its_docstring_says() {
        assert_eq!(std::mem::size_of::<Placed>(), 128);
    }

    #[test]
    fn the_oldest_list_gives_way() {
        let mut lists = Lists::default();
        let last = REMEMBERED as u32 + 10;
        (0..last).for_each(|row| lists.put(placed(row)));
        assert!(lists.get(Row(9)).is_none() && lists.get(Row(last)).is_none());
        assert!([10, 11, last - 1].iter().all(|row| lists.get(Row(*row)).is_some_and(|p| p.row == Row(*row))));
        assert_eq!(lists.lists.len(), REMEMBERED);
        // Who comes again takes no other's place.
        lists.put(placed(11));
        assert!(lists.get(Row(10)).is_some());
    }

    #[test]
    fn what_is_near_is_carried_over_while_little_has_come() {
        let read = |rows: std::ops::Range<u32>| (rows.clone().collect(), rows.map(Row).collect());
        let of = |rows: std::ops::Range<u32>, old: Option<&NearRead>| {
            let (read, rows) = read(rows);
            NearRead::of(read, rows, "m", old)
        };
        let near = of(0..200, None);
        // Near row 7 the rows 0 to 19, near row 8 the rows 100 to 119.
        let list = |row, first: u32| {
            let nearest: Vec<(u32, f32)> =
                (0..KEPT_NEIGHBOURS as u32).map(|k| (first + k, 0.9 - 0.01 * k as f32)).collect();
            Placed { row: Row(row), line: 0.5, near: Neighbours::of(&nearest) }
        };
        near.lists.write().expect("free").put(list(7, 0));
        near.lists.write().expect("free").put(list(8, 100));
        let lacks = |near: &NearRead| near.lacking([7, 8].into_iter().map(Row));
        // Four of the twenty are read no more: sixteen others are known. A fifth, and it is looked for again.
        assert_eq!(lacks(&of(4..200, Some(&near))), []);
        assert_eq!(lacks(&of(5..200, Some(&near))), [Row(7)]);
        let carried = of(4..200, Some(&near));
        assert_eq!(carried.lists.read().expect("free").get(Row(8)).expect("kept").near, list(8, 96).near);
        // One in fifty may come, also step by step; then all are looked for again.
        let more = of(0..203, Some(&near));
        assert_eq!(lacks(&more), []);
        assert_eq!(lacks(&of(0..206, Some(&more))), [Row(7), Row(8)]);
        assert_eq!(lacks(&NearRead::of(read(0..200).0, read(0..200).1, "another", Some(&near))), [Row(7), Row(8)]);
    }
}
