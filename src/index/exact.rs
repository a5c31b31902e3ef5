//! Every row is scored: no graph, no files, nothing to tune, and never a miss. For up to some ten thousand papers it is as
//! quick as a graph; beyond, its time grows with the corpus. It is also what other indexes are held against.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::kernel::Kernel;
use super::vector_index::{Allowed, Haste, VectorIndex, check_by_searching, graph_by_searching};
use super::{Checked, Found, Neighbour, NeighbourGraph, Plan, State, check, closest_first};
use crate::error::Result;
use crate::paper::Row;

/// Rows that one thread scores at a time; of fewer than two such blocks one thread scores all.
const BLOCK: usize = 16_384;

/// All vectors in memory, in f32.
pub struct Exact {
    dimension: usize,
    held: RwLock<Held>,
}

/// The rows and their vectors. What is removed leaves its place to the last, so that there are no holes.
#[derive(Default)]
struct Held {
    rows: Vec<u32>,
    /// One after the other, in the order of `rows`.
    vectors: Vec<f32>,
    places: HashMap<u32, usize>,
    /// Rows that were removed, which never come back.
    gone: RoaringBitmap,
}

impl Held {
    fn vector(&self, place: usize, dimension: usize) -> &[f32] {
        &self.vectors[place * dimension..][..dimension]
    }
}

impl Exact {
    /// An empty one, for vectors of so many numbers.
    pub fn new(dimension: usize) -> Self {
        Exact { dimension, held: RwLock::default() }
    }

    /// Whether a row can be found.
    pub fn holds(&self, row: Row) -> bool {
        self.read().places.contains_key(&row.0)
    }

    /// Those of some rows that are neither here nor gone, each once.
    pub fn unknown<'a>(&self, rows: &[(Row, &'a [f32])]) -> Vec<(Row, &'a [f32])> {
        let held = self.read();
        let mut seen = RoaringBitmap::new();
        let new = |row: &Row| !held.places.contains_key(&row.0) && !held.gone.contains(row.0);
        rows.iter().filter(|(row, _)| new(row) && seen.insert(row.0)).copied().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The closest of the rows at some places.
    fn best(&self, held: &Held, query: &[f32], k: usize, places: &[usize]) -> Vec<Neighbour> {
        let kernel = Kernel::best();
        let score = |&place: &usize| Neighbour {
            row: Row(held.rows[place]),
            score: kernel.f32(query, held.vector(place, self.dimension)),
        };
        let of = |places: &[usize]| {
            let mut found: Vec<Neighbour> = places.iter().map(score).collect();
            if found.len() > k {
                found.select_nth_unstable_by(k, closest_first);
                found.truncate(k);
            }
            found
        };
        let mut found = match places.len() >= 2 * BLOCK {
            true => places.par_chunks(BLOCK).flat_map_iter(of).collect(),
            false => of(places),
        };
        found.sort_unstable_by(closest_first);
        found.truncate(k);
        found
    }
}

impl VectorIndex for Exact {
    fn kind(&self) -> &'static str {
        "exact"
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn len(&self) -> usize {
        self.read().rows.len()
    }

    fn rows(&self) -> RoaringBitmap {
        self.read().rows.iter().copied().collect()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        for (_, vector) in rows {
            check(vector, self.dimension)?;
        }
        let new = self.unknown(rows);
        let mut held = self.write();
        for (row, vector) in new {
            let place = held.rows.len();
            // Another thread may have brought it meanwhile.
            if let std::collections::hash_map::Entry::Vacant(free) = held.places.entry(row.0) {
                free.insert(place);
                held.rows.push(row.0);
                held.vectors.extend_from_slice(vector);
            }
        }
        Ok(())
    }

    fn remove(&self, rows: &[Row]) -> Result<()> {
        let (mut held, dimension) = (self.write(), self.dimension);
        for row in rows {
            let Some(place) = held.places.remove(&row.0) else { continue };
            held.gone.insert(row.0);
            let last = held.rows.len() - 1;
            held.rows.swap_remove(place);
            if place != last {
                let moved = held.rows[place];
                held.places.insert(moved, place);
                held.vectors.copy_within(last * dimension..(last + 1) * dimension, place * dimension);
            }
            held.vectors.truncate(last * dimension);
        }
        Ok(())
    }

    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        for query in queries {
            check(query, self.dimension)?;
        }
        let held = self.read();
        let places: Vec<usize> = match allowed {
            None => (0..held.rows.len()).collect(),
            Some(allowed) => allowed.rows.iter().filter_map(|row| held.places.get(&row).copied()).collect(),
        };
        let found = |query: &&[f32]| Found { neighbours: self.best(&held, query, k, &places), plan: Plan::Exact };
        // One alone is not worth waking another thread for.
        Ok(if queries.len() == 1 {
            queries.iter().map(found).collect()
        } else {
            queries.par_iter().map(found).collect()
        })
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        self.search(query, k, allowed)
    }

    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        let held = self.read();
        let vector = |row: &Row| held.places.get(&row.0).map(|&place| held.vector(place, self.dimension).to_vec());
        Ok(rows.iter().map(vector).collect())
    }

    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        graph_by_searching(self, k)
    }

    fn settle(&self, _: u64, _: Haste) -> Result<()> {
        Ok(())
    }

    fn is_due(&self) -> bool {
        false
    }

    fn status(&self) -> State {
        let rows = self.len();
        State { rows, live: rows, kernel: Kernel::best().name(), ..State::default() }
    }

    fn check(&self, sample: usize) -> Result<Checked> {
        check_by_searching(self, sample)
    }
}
