//! Scores every row. The oracle for recall, the way for rare filters, and the quickest up to some thousand rows.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::{Found, Neighbour, Plan, VectorIndex, check, closest_first, dot};
use crate::error::Result;
use crate::paper::Row;

/// Rows a thread scores at a time; below two such blocks one thread does it all.
const BLOCK: usize = 8192;

/// All vectors in one array.
pub struct Exact {
    dimension: usize,
    // One lock over three fields that must agree; held for reading during a scan.
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    /// `rows.len() * dimension` numbers.
    vectors: Vec<f32>,
    rows: Vec<Row>,
    places: HashMap<Row, usize>,
}

impl Table {
    fn vector(&self, place: usize, dimension: usize) -> &[f32] {
        &self.vectors[place * dimension..(place + 1) * dimension]
    }
}

impl Exact {
    /// An empty index.
    pub fn new(dimension: usize) -> Self {
        Exact { dimension, table: RwLock::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a row can be found.
    pub fn contains(&self, row: Row) -> bool {
        self.read().places.contains_key(&row)
    }

    /// All rows that can be found.
    pub fn rows(&self) -> RoaringBitmap {
        self.read().rows.iter().map(|r| r.0).collect()
    }

    /// Keeps those neighbours that can be found and are allowed.
    pub fn keep(&self, neighbours: &mut Vec<Neighbour>, allowed: Option<&RoaringBitmap>) {
        let table = self.read();
        neighbours.retain(|n| table.places.contains_key(&n.row) && allowed.is_none_or(|a| a.contains(n.row.0)));
    }

    /// How many rows could be found under a filter.
    pub fn count(&self, allowed: Option<&RoaringBitmap>) -> usize {
        let table = self.read();
        match allowed {
            None => table.rows.len(),
            Some(a) => a.iter().filter(|r| table.places.contains_key(&Row(*r))).count(),
        }
    }
}

impl VectorIndex for Exact {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn len(&self) -> usize {
        self.read().rows.len()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        for (_, v) in rows {
            check(v, self.dimension)?;
        }
        let mut table = self.write();
        for (row, v) in rows {
            let place = table.rows.len();
            if let std::collections::hash_map::Entry::Vacant(entry) = table.places.entry(*row) {
                entry.insert(place);
                table.rows.push(*row);
                table.vectors.extend_from_slice(v);
            }
        }
        Ok(())
    }

    fn remove(&self, rows: &[Row]) {
        let (d, mut table) = (self.dimension, self.write());
        for row in rows {
            let Some(place) = table.places.remove(row) else { continue };
            // The last row moves into the gap.
            let last = table.rows.len() - 1;
            let moved = table.rows[last];
            table.rows.swap_remove(place);
            table.vectors.copy_within(last * d..(last + 1) * d, place * d);
            table.vectors.truncate(last * d);
            if place != last {
                table.places.insert(moved, place);
            }
        }
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        check(query, self.dimension)?;
        let table = self.read();
        let score =
            |place: usize| Neighbour { row: table.rows[place], score: dot(query, table.vector(place, self.dimension)) };
        let mut neighbours: Vec<Neighbour> = match allowed {
            Some(a) => a.iter().filter_map(|r| table.places.get(&Row(r))).map(|&place| score(place)).collect(),
            None if table.rows.len() < 2 * BLOCK => (0..table.rows.len()).map(score).collect(),
            None => (0..table.rows.len()).into_par_iter().with_min_len(BLOCK).map(score).collect(),
        };
        drop(table);
        if k < neighbours.len() {
            if k > 0 {
                neighbours.select_nth_unstable_by(k - 1, closest_first);
            }
            neighbours.truncate(k);
        }
        neighbours.sort_unstable_by(closest_first);
        Ok(Found { neighbours, plan: Plan::Exact })
    }

    fn vectors(&self, rows: &[Row]) -> Vec<Option<Vec<f32>>> {
        let table = self.read();
        rows.iter()
            .map(|row| table.places.get(row).map(|&place| table.vector(place, self.dimension).to_vec()))
            .collect()
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        self.search(query, k, allowed)
    }
}
