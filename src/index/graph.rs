//! The HNSW graph itself (hnsw_rs), with its pitfalls behind one small face.
//!
//! Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
//! world graphs", 2016.

use std::sync::atomic::{AtomicUsize, Ordering};

use hnsw_rs::prelude::{AnnT, Distance, Hnsw as Library, HnswIo};
use serde::{Deserialize, Serialize};

use super::{Neighbour, dot};
use crate::paper::Row;

/// The parameters of the graph, in the words of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphOptions {
    /// Links a point on the upper layers; twice as many on the ground. 2 to 255.
    pub m: usize,
    /// Points kept in sight while building; more than `2 * m`.
    pub ef_construction: usize,
    /// Points kept in sight while searching: recall against time.
    pub ef_search: usize,
    /// Up to this many rows there is no graph: scoring all of them is as quick and never misses.
    pub exact_below: usize,
}

impl Default for GraphOptions {
    fn default() -> Self {
        GraphOptions { m: 16, ef_construction: 200, ef_search: 96, exact_below: 4000 }
    }
}

/// Layers a point can be on. The library writes a file only for exactly this number.
const LAYERS: usize = 16;

/// Points inserted one after the other before threads join in: a thread that sees no entry point links nothing.
const SERIAL: usize = 256;

/// One minus the cosine of unit vectors. Our own, because the library's asserts that rounding never goes below zero.
#[derive(Default, Clone, Copy)]
pub struct Cosine;

impl Distance<f32> for Cosine {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - dot(a, b)).max(0.0)
    }
}

/// A graph over rows. Points are never taken out; who uses it drops those that are gone from the answers.
pub struct Graph {
    hnsw: Library<'static, f32, Cosine>,
    /// Whether it came from a file. Writing a graph that was read and then grown shrinks its layers a little more
    /// each time (the library saves a scale and multiplies it again on reading), so such a one is never written.
    read: bool,
    /// Points that the files on disk hold; 0 when there are none.
    on_disk: AtomicUsize,
}

impl Graph {
    /// An empty graph for about `capacity` points.
    pub fn new(options: GraphOptions, capacity: usize) -> Self {
        let hnsw = Library::new(options.m, capacity.max(1), LAYERS, options.ef_construction, Cosine);
        Graph { hnsw, read: false, on_disk: AtomicUsize::new(0) }
    }

    /// Points added since the files on disk were written or read.
    pub fn unsaved(&self) -> usize {
        self.len().saturating_sub(self.on_disk.load(Ordering::Relaxed))
    }

    /// Whether it may be written at all; else it must be built anew first.
    pub fn writable(&self) -> bool {
        !self.read
    }

    /// Points in it, the dead ones included.
    pub fn len(&self) -> usize {
        self.hnsw.get_nb_point()
    }

    /// Adds points that are not in it yet. Searches may go on meanwhile.
    pub fn insert(&self, rows: &[(Row, &[f32])]) {
        let serial = SERIAL.saturating_sub(self.len()).min(rows.len());
        let (first, rest) = rows.split_at(serial);
        for (row, v) in first {
            self.hnsw.insert((v, row.0 as usize));
        }
        let rest: Vec<(&[f32], usize)> = rest.iter().map(|(row, v)| (*v, row.0 as usize)).collect();
        if !rest.is_empty() {
            self.hnsw.parallel_insert_slice(&rest);
        }
    }

    /// About the `k` closest points, dead ones among them.
    pub fn search(&self, query: &[f32], k: usize, ef_search: usize) -> Vec<Neighbour> {
        self.hnsw
            .search(query, k, ef_search.max(k))
            .into_iter()
            .filter_map(|n| Some(Neighbour { row: Row(u32::try_from(n.d_id).ok()?), score: 1.0 - n.distance }))
            .collect()
    }

    /// The rows of all points, the dead ones included.
    pub fn rows(&self) -> Vec<Row> {
        let points = self.hnsw.get_point_indexation().into_iter();
        points.filter_map(|p| Some(Row(u32::try_from(p.get_origin_id()).ok()?))).collect()
    }

    /// Writes `{name}.hnsw.graph` and `{name}.hnsw.data` into an existing folder.
    pub fn write(&self, folder: &std::path::Path, name: &str) -> Result<(), String> {
        let points = self.len();
        self.hnsw.file_dump(folder, name).map_err(|e| e.to_string())?;
        self.on_disk.store(points, Ordering::Relaxed);
        Ok(())
    }

    /// Reads what [`Graph::write`] wrote. Only for files whose checksums were compared before: the library ends the
    /// process on a damaged one.
    pub fn read(folder: &std::path::Path, name: &str) -> Result<Self, String> {
        // The graph borrows from the reader for good. Without memory mapping the reader is a few names, and one is
        // made per opened data folder: leaking it is cheaper than any construction that avoids it.
        let io: &'static mut HnswIo = Box::leak(Box::new(HnswIo::new(folder, name)));
        let mut hnsw: Library<'static, f32, Cosine> = io.load_hnsw().map_err(|e| e.to_string())?;
        hnsw.set_extend_candidates(false);
        let points = hnsw.get_nb_point();
        Ok(Graph { hnsw, read: true, on_disk: AtomicUsize::new(points) })
    }
}
