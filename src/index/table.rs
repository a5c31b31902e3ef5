//! Rows and their vectors in memory: every vector in f32, in blocks that never change.
//!
//! A search takes one [`Snapshot`] and reads it to the end, without a lock: what works for many queries at once may begin
//! another search on the same thread, and a lock that is held over that would wait for itself.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::kernel::Kernel;
use super::{Neighbour, check, closest_first};
use crate::error::Result;
use crate::paper::Row;

/// Rows a block has at most; one thread scores one block at a time.
const BLOCK: usize = 16_384;

/// The share of a block that may be gone before it is written anew: one in so many.
const GONE: usize = 5;

/// Rows and vectors that come and go.
pub struct VectorTable {
    dimension: usize,
    // A lock only around the pointer.
    snapshot: RwLock<Arc<Snapshot>>,
    // Held while a new snapshot is made from the current one.
    writing: Mutex<()>,
}

/// What a table held at one moment.
#[derive(Default, Clone)]
pub struct Snapshot {
    blocks: Vec<Held>,
    /// Rows that can be found.
    there: Arc<RoaringBitmap>,
    /// Rows that were removed, which never come back.
    gone: Arc<RoaringBitmap>,
}

/// A block, and how many of its rows are gone.
#[derive(Clone)]
struct Held {
    block: Arc<Block>,
    gone: usize,
}

struct Block {
    /// In ascending order.
    rows: Vec<u32>,
    /// One after the other, in the same order.
    vectors: Vec<f32>,
}

impl Block {
    /// Of rows in ascending order, each once.
    fn of<'a>(rows: impl IntoIterator<Item = (u32, &'a [f32])>) -> Arc<Self> {
        let mut block = Block { rows: Vec::new(), vectors: Vec::new() };
        for (row, vector) in rows {
            block.rows.push(row);
            block.vectors.extend_from_slice(vector);
        }
        Arc::new(block)
    }

    fn vector(&self, place: usize) -> &[f32] {
        let dimension = self.vectors.len() / self.rows.len().max(1);
        &self.vectors[place * dimension..][..dimension]
    }

    fn range(&self) -> std::ops::RangeInclusive<u32> {
        self.rows.first().copied().unwrap_or(1)..=self.rows.last().copied().unwrap_or(0)
    }

    fn place(&self, row: u32) -> Option<usize> {
        if self.range().contains(&row) { self.rows.binary_search(&row).ok() } else { None }
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &[f32])> {
        self.rows.iter().enumerate().map(|(place, row)| (*row, self.vector(place)))
    }
}

impl VectorTable {
    /// An empty one, for vectors of so many numbers.
    pub fn new(dimension: usize) -> Self {
        VectorTable { dimension, snapshot: RwLock::default(), writing: Mutex::default() }
    }

    /// Numbers in a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// What it holds now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// Adds rows, all or none; what is there already or was removed is passed over. Gives those that are new.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) for a vector of another dimension or with a number that is not finite.
    pub fn insert(&self, rows: &[(Row, &[f32])]) -> Result<RoaringBitmap> {
        for (_, vector) in rows {
            check(vector, self.dimension)?;
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = (*self.snapshot()).clone();
        let mut seen = RoaringBitmap::new();
        let is_new = |row: u32| !next.there.contains(row) && !next.gone.contains(row);
        let mut new: Vec<(u32, &[f32])> =
            rows.iter().filter(|(row, _)| is_new(row.0) && seen.insert(row.0)).map(|(row, v)| (row.0, *v)).collect();
        new.sort_unstable_by_key(|(row, _)| *row);
        for piece in new.chunks(BLOCK) {
            next.blocks.push(Held { block: Block::of(piece.iter().copied()), gone: 0 });
            next.join_small();
        }
        next.there = Arc::new(&*next.there | &seen);
        self.put(next);
        Ok(seen)
    }

    /// Takes rows away. Unknown rows are passed over.
    pub fn remove(&self, rows: &[Row]) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = (*self.snapshot()).clone();
        let going: RoaringBitmap = rows.iter().map(|row| row.0).filter(|row| next.there.contains(*row)).collect();
        if going.is_empty() {
            return;
        }
        next.there = Arc::new(&*next.there - &going);
        next.gone = Arc::new(&*next.gone | &going);
        for held in &mut next.blocks {
            held.gone += going.range(held.block.range()).filter(|row| held.block.place(*row).is_some()).count();
            if held.gone * GONE > held.block.rows.len() {
                let there = &next.there;
                *held = Held { block: Block::of(held.block.iter().filter(|(row, _)| there.contains(*row))), gone: 0 };
            }
        }
        next.blocks.retain(|held| !held.block.rows.is_empty());
        self.put(next);
    }
}

impl Snapshot {
    /// Joins blocks at the end, so that each row is moved about as often as the number of rows in a block can be halved.
    fn join_small(&mut self) {
        while let [.., before, last] = &self.blocks[..] {
            let (a, b) = (before.block.rows.len(), last.block.rows.len());
            if a >= 2 * b || a + b > BLOCK {
                return;
            }
            let mut all: Vec<(u32, &[f32])> = before.block.iter().chain(last.block.iter()).collect();
            // A stable sort sees that these are two that are in order.
            all.sort_by_key(|(row, _)| *row);
            let joined = Held { block: Block::of(all), gone: before.gone + last.gone };
            self.blocks.truncate(self.blocks.len() - 2);
            self.blocks.push(joined);
        }
    }

    /// Rows that can be found.
    pub fn rows(&self) -> &RoaringBitmap {
        &self.there
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.there.len() as usize
    }

    /// The vector of a row that can be found.
    pub fn vector(&self, row: u32) -> Option<&[f32]> {
        if !self.there.contains(row) {
            return None;
        }
        self.blocks.iter().find_map(|held| Some(held.block.vector(held.block.place(row)?)))
    }

    /// Those of some rows that can be found, scored, in any order.
    pub fn scored(&self, query: &[f32], rows: impl Iterator<Item = u32>) -> Vec<Neighbour> {
        let kernel = Kernel::best();
        rows.filter_map(|row| Some(Neighbour { row: Row(row), score: kernel.f32(query, self.vector(row)?) })).collect()
    }

    /// The `k` closest of the rows that `allowed` has (of all without); every one of them is scored.
    pub fn closest(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Vec<Neighbour> {
        if k == 0 {
            return Vec::new();
        }
        let of = |held: &Held| {
            let mut found = self.scored_of(held, query, allowed);
            if found.len() > k {
                found.select_nth_unstable_by(k, closest_first);
                found.truncate(k);
            }
            found
        };
        // A few are not worth waking other threads for.
        let count = allowed.map_or(self.len(), |rows| rows.len() as usize);
        let mut found: Vec<Neighbour> = match count >= 2 * BLOCK {
            true => self.blocks.par_iter().flat_map_iter(of).collect(),
            false => self.blocks.iter().flat_map(of).collect(),
        };
        found.sort_unstable_by(closest_first);
        found.truncate(k);
        found
    }

    fn scored_of(&self, held: &Held, query: &[f32], allowed: Option<&RoaringBitmap>) -> Vec<Neighbour> {
        let (kernel, block) = (Kernel::best(), &held.block);
        let score =
            |place: usize| Neighbour { row: Row(block.rows[place]), score: kernel.f32(query, block.vector(place)) };
        let may = |row: u32| held.gone == 0 || self.there.contains(row);
        let places = 0..block.rows.len();
        match allowed {
            None => places.filter(|p| may(block.rows[*p])).map(score).collect(),
            // Where many are allowed each row asks; where few are, each looks for its place.
            Some(a) if a.range_cardinality(block.range()) * 8 > block.rows.len() as u64 => {
                places.filter(|p| a.contains(block.rows[*p]) && may(block.rows[*p])).map(score).collect()
            }
            Some(a) => {
                let rows = a.range(block.range()).filter(|row| may(*row));
                rows.filter_map(|row| block.place(row)).map(score).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks stay few whatever comes, and give back the room of what is gone.
    #[test]
    fn blocks_are_few_and_what_is_gone_gives_its_room_back() {
        let table = VectorTable::new(2);
        let vector = [0.6, 0.8];
        for row in 0..3000u32 {
            // Two halves that come in turns, the second downwards.
            let row = if row % 2 == 0 { row } else { 9999 - row };
            table.insert(&[(Row(row), &vector)]).expect("valid");
        }
        assert!(table.snapshot().blocks.len() <= 13, "{}", table.snapshot().blocks.len());
        let before = table.snapshot();
        table.remove(&(0..3000).step_by(2).map(Row).collect::<Vec<_>>());
        let after = table.snapshot();
        let held = |s: &Snapshot| s.blocks.iter().map(|h| h.block.rows.len()).sum::<usize>();
        assert_eq!((held(&before), held(&after), after.len()), (3000, 1500, 1500));
        assert_eq!((before.vector(0), after.vector(0)), (Some(&vector[..]), None));
        // Whoever took the first sees what was there then.
        assert_eq!((before.closest(&vector, 9000, None).len(), after.closest(&vector, 9000, None).len()), (3000, 1500));
    }
}
