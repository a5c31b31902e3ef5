//! The graph for speed, the exact table for truth.
//!
//! Every live row stands in an [`Exact`] table; most also in a [`Graph`]. A point of the graph that is not in the table
//! is dead. That single rule makes inserting (graph first, then table), removing (table only) and healing after a crash
//! (compare the two) safe in any order.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use roaring::RoaringBitmap;

use super::files::{self, Opened};
use super::graph::{Graph, GraphOptions};
use super::{Exact, Found, Plan, VectorIndex, check};
use crate::error::Result;
use crate::paper::Row;

/// Share of dead points from which the graph is built anew.
const DEAD_SHARE: f64 = 0.2;

/// Share of points that are in no file from which a graph that was read is built anew.
const GROWN_SHARE: f64 = 0.1;

/// Share of points that are in no file from which a graph is written again; below, the next open adds them.
const UNSAVED_SHARE: f64 = 0.02;

/// Allowed rows up to which scoring each is quicker than walking the graph and dropping most of what it finds.
const FEW_ALLOWED: usize = 10_000;

/// A graph over most rows and a table of all.
pub struct Hnsw {
    options: GraphOptions,
    fingerprint: String,
    table: Exact,
    // A lock only around the pointer: searches take a copy of it and let go at once.
    graph: RwLock<Option<Arc<Graph>>>,
    // Held while the graph is written to or replaced, so that no row is added to the old one meanwhile.
    writing: Mutex<()>,
    folder: Option<PathBuf>,
}

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenReport {
    /// Why the files on disk were not used; `None` when they were, or when there were none.
    pub doubt: Option<String>,
    /// Rows that were in the store and not in the graph's files.
    pub caught_up: usize,
    /// Whether the whole graph was built.
    pub built: bool,
}

impl Hnsw {
    /// An index in memory only.
    pub fn new(dimension: usize, options: GraphOptions) -> Self {
        Hnsw {
            options,
            fingerprint: String::new(),
            table: Exact::new(dimension),
            graph: RwLock::default(),
            writing: Mutex::default(),
            folder: None,
        }
    }

    /// Opens the index over the rows of the store: reads the graph from `folder` when every byte of it is whole, adds
    /// what it lacks, and builds it when there is nothing to trust.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when a vector has another dimension.
    pub fn open(
        folder: &Path,
        fingerprint: &str,
        table: Exact,
        options: GraphOptions,
        change: u64,
    ) -> Result<(Self, OpenReport)> {
        let mut report = OpenReport::default();
        let graph = match files::open(folder, fingerprint, table.dimension(), options, change) {
            Opened::Graph(graph) => Some(Arc::new(*graph)),
            Opened::Nothing => None,
            Opened::Doubtful(why) => {
                report.doubt = Some(why);
                None
            }
        };
        let index = Hnsw {
            options,
            fingerprint: fingerprint.to_string(),
            table,
            graph: RwLock::new(graph),
            writing: Mutex::default(),
            folder: Some(folder.to_path_buf()),
        };
        let lacking = index.lacking();
        report.caught_up = lacking.len() as usize;
        if index.needs_building() {
            report.built = true;
            index.build();
        } else if let Some(graph) = index.graph() {
            let rows: Vec<Row> = lacking.iter().map(Row).collect();
            index.link(&graph, &rows);
        }
        Ok((index, report))
    }

    /// Brings the graph into good order (builds it anew when much of it is dead or it is missing) and writes it to its
    /// folder when that is worth it. Searches go on meanwhile; call it off the path of requests.
    ///
    /// # Errors
    /// [`crate::Error::Io`] or [`crate::Error::Data`] when the files cannot be written; the old ones still count then.
    pub fn maintain(&self, change: u64) -> Result<()> {
        if self.needs_building() {
            self.build();
        }
        let Some(folder) = &self.folder else { return Ok(()) };
        match self.graph() {
            None => {
                files::forget(folder);
                Ok(())
            }
            Some(graph) if graph.writable() && graph.unsaved() as f64 > UNSAVED_SHARE * graph.len() as f64 => {
                let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
                files::save(folder, &graph, &self.fingerprint, self.table.dimension(), self.options, change)
            }
            Some(_) => Ok(()),
        }
    }

    /// All rows that can be found.
    pub fn rows(&self) -> RoaringBitmap {
        self.table.rows()
    }

    /// Points of the graph and how many of them are dead.
    pub fn graph_points(&self) -> (usize, usize) {
        let points = self.graph().map_or(0, |g| g.len());
        let live = self.table.len();
        (points, points.saturating_sub(live))
    }

    fn graph(&self) -> Option<Arc<Graph>> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Live rows that no point of the graph stands for.
    fn lacking(&self) -> RoaringBitmap {
        let mut rows = self.table.rows();
        if let Some(graph) = self.graph() {
            rows -= graph.rows().into_iter().map(|r| r.0).collect::<RoaringBitmap>();
        }
        rows
    }

    fn needs_building(&self) -> bool {
        let live = self.table.len();
        let Some(graph) = self.graph() else { return live > self.options.exact_below };
        let points = graph.len();
        let dead = points.saturating_sub(live);
        let unlinked = live.saturating_sub(points);
        let grown = if graph.writable() { 0 } else { graph.unsaved() };
        dead as f64 > DEAD_SHARE * points as f64
            || (grown + unlinked) as f64 > GROWN_SHARE * live as f64
            || live <= self.options.exact_below / 2
    }

    fn build(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let rows: Vec<Row> = self.table.rows().iter().map(Row).collect();
        let graph = (rows.len() > self.options.exact_below).then(|| {
            let began = Instant::now();
            let graph = Graph::new(self.options, rows.len() + rows.len() / 4);
            self.link(&graph, &rows);
            tracing::info!("built the graph over {} rows in {:.1} s", rows.len(), began.elapsed().as_secs_f64());
            Arc::new(graph)
        });
        let old = std::mem::replace(&mut *self.graph.write().unwrap_or_else(PoisonError::into_inner), graph);
        // Dropping a graph takes a while; the lock is free again by now.
        drop(old);
    }

    fn link(&self, graph: &Graph, rows: &[Row]) {
        // In pieces, so that the vectors need not be in memory a third time.
        for piece in rows.chunks(8192) {
            let vectors = self.table.vectors(piece);
            let points: Vec<(Row, &[f32])> =
                piece.iter().zip(&vectors).filter_map(|(row, v)| Some((*row, v.as_deref()?))).collect();
            graph.insert(&points);
        }
    }
}

impl VectorIndex for Hnsw {
    fn dimension(&self) -> usize {
        self.table.dimension()
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        for (_, v) in rows {
            check(v, self.dimension())?;
        }
        {
            let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut seen = RoaringBitmap::new();
            let new: Vec<(Row, &[f32])> =
                rows.iter().filter(|(row, _)| !self.table.contains(*row) && seen.insert(row.0)).copied().collect();
            if let Some(graph) = self.graph() {
                graph.insert(&new);
            }
            self.table.insert(&new)?;
        }
        // A corpus that outgrows the scan gets its graph here, so that a long ingest is not slow to search meanwhile.
        if self.graph().is_none() && self.needs_building() {
            self.build();
        }
        Ok(())
    }

    fn remove(&self, rows: &[Row]) {
        self.table.remove(rows);
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        check(query, self.dimension())?;
        let Some(graph) = self.graph() else { return self.table.search(query, k, allowed) };
        let live = self.len();
        let wanted = match allowed {
            Some(a) if a.len() as usize <= FEW_ALLOWED.min(live / 2) => return self.table.search(query, k, allowed),
            Some(_) => self.table.count(allowed),
            None => live,
        };
        let enough = k.min(wanted);
        // Walk far enough that, after the dead and the forbidden are dropped, `enough` are left on average.
        let share = (wanted as f64 / graph.len().max(1) as f64).clamp(1e-9, 1.0);
        let reach = ((enough as f64 / share * 1.2) as usize + 8).max(enough);
        if reach > graph.len() / 8 {
            return self.table.search(query, k, allowed);
        }
        let mut neighbours = graph.search(query, reach, self.options.ef_search);
        self.table.keep(&mut neighbours, allowed);
        if neighbours.len() < enough {
            // The forbidden lay closer than the average, or points could not be reached: the scan misses nothing.
            return self.table.search(query, k, allowed);
        }
        neighbours.sort_unstable_by(super::closest_first);
        neighbours.truncate(k);
        Ok(Found { neighbours, plan: Plan::Hnsw })
    }

    fn vectors(&self, rows: &[Row]) -> Vec<Option<Vec<f32>>> {
        self.table.vectors(rows)
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        self.table.search(query, k, allowed)
    }
}
