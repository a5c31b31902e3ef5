//! One graph in memory by the crate `hnsw_rs` (Malkov and Yashunin, <https://arxiv.org/abs/1603.09320>): a user's choice of
//! the plain thing, and a second opinion on our own.
//!
//! The crate has no deletion, and searches slowly under a filter. So what is gone stays in the graph until it is too much,
//! an answer is taken from more neighbours than were asked for, and where that would be too many every allowed row is scored
//! instead. The graph is made from the store each time the folder is opened, and never read from the crate's own files, of
//! which a damaged one ends the process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use ::hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::exact::Exact;
use super::kernel::Kernel;
use super::vector_index::{Allowed, Haste, VectorIndex, check_by_searching, graph_by_searching};
use super::{Checked, Found, IndexOptions, Neighbour, NeighbourGraph, Plan, State, check, closest_first};
use crate::error::Result;
use crate::paper::Row;

/// Layers; the crate knows no other number in its files.
const LAYERS: usize = 16;

/// Points that go in one after the other first: those that come at once to an empty graph may stay without a link.
const ALONE: usize = 256;

/// The share of a graph that may be gone before it is made anew: one in so many.
const GONE: usize = 5;

/// Neighbours that are looked at, as a multiple of those asked for, beyond which scoring the allowed rows is quicker.
const WIDEST: usize = 64;

/// One minus the cosine of unit vectors. The crate's own distance fails where rounding makes it fall below zero.
#[derive(Default, Clone, Copy)]
struct Cosine;

impl Distance<f32> for Cosine {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - Kernel::best().f32(a, b)).max(0.0)
    }
}

type Graph = Hnsw<'static, f32, Cosine>;

/// A graph of the crate `hnsw_rs`, with the vectors beside it.
pub struct HnswRs {
    inner: Arc<Inner>,
    // The thread that makes the graph anew, so that closing can wait for it.
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    options: IndexOptions,
    /// The truth: which rows there are, and their vectors.
    exact: Exact,
    // A lock only around the pointer.
    graph: RwLock<Arc<Graph>>,
    /// Points of the graph, those of rows that are gone included.
    points: AtomicUsize,
    // Held by who changes the graph. Never by who searches: the crate inserts on the threads that searches use.
    changing: Mutex<()>,
    rebuilding: AtomicBool,
}

impl HnswRs {
    /// An empty one. Of the options `m`, `ef_construction`, `ef_search` and `exact_below` count.
    pub fn new(dimension: usize, options: IndexOptions) -> Self {
        let inner = Inner {
            options,
            exact: Exact::new(dimension),
            graph: RwLock::new(Arc::new(empty(&options, 0))),
            points: AtomicUsize::new(0),
            changing: Mutex::default(),
            rebuilding: AtomicBool::new(false),
        };
        HnswRs { inner: Arc::new(inner), worker: Mutex::default() }
    }

    /// Waits for what is done behind the searches.
    fn wait(&self) {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(worker) = worker {
            let _ = worker.join();
        }
    }
}

impl Drop for HnswRs {
    fn drop(&mut self) {
        self.wait();
    }
}

impl Inner {
    fn graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many neighbours to take so that `k` allowed ones should be among them; none where scoring is quicker.
    fn wanted(&self, k: usize, allowed: Option<&RoaringBitmap>) -> Option<usize> {
        let (points, there) = (self.points.load(Ordering::Acquire), self.exact.len());
        let allowed = allowed.map_or(there, |rows| (rows.len() as usize).min(there));
        if there <= self.options.exact_below || k == 0 || allowed <= k {
            return None;
        }
        // As many more as there are points for each allowed row, and some to spare.
        let wanted = k.saturating_mul(points.div_ceil(allowed)).saturating_mul(3) / 2 + 8;
        (wanted <= WIDEST * self.options.ef_search.max(k) / 8 && wanted < points / 4).then_some(wanted)
    }

    fn through_the_graph(
        &self,
        query: &[f32],
        k: usize,
        wanted: usize,
        allowed: Option<&RoaringBitmap>,
    ) -> Vec<Neighbour> {
        let ef = self.options.ef_search.max(wanted);
        let found = self.graph().search(query, wanted, ef);
        let row = |id: usize| u32::try_from(id).ok().map(Row);
        let may = |row: &Row| allowed.is_none_or(|a| a.contains(row.0)) && self.exact.holds(*row);
        let mut neighbours: Vec<Neighbour> = found
            .into_iter()
            .filter_map(|n| Some(Neighbour { row: row(n.d_id).filter(may)?, score: 1.0 - n.distance }))
            .collect();
        neighbours.sort_unstable_by(closest_first);
        neighbours.truncate(k);
        neighbours
    }

    fn is_due(&self) -> bool {
        let points = self.points.load(Ordering::Acquire);
        points.saturating_sub(self.exact.len()) * GONE > points
    }

    /// Makes a graph of the rows that there are, while the old one serves and takes in what comes.
    fn rebuild(&self) -> Result<()> {
        let known = self.exact.rows();
        let graph = empty(&self.options, known.len() as usize);
        let mut points = self.put_into(&graph, 0, &known)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        points += self.put_into(&graph, points, &(self.exact.rows() - known))?;
        let mut current = self.graph.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::new(graph));
        self.points.store(points, Ordering::Release);
        drop(current);
        // It takes its time to go.
        drop(old);
        Ok(())
    }

    /// How many of the rows were there to be put in.
    fn put_into(&self, graph: &Graph, points: usize, rows: &RoaringBitmap) -> Result<usize> {
        let rows: Vec<Row> = rows.iter().map(Row).collect();
        let vectors = self.exact.vectors(&rows)?;
        let there: Vec<(Row, &[f32])> =
            rows.iter().zip(&vectors).filter_map(|(row, v)| Some((*row, v.as_deref()?))).collect();
        add(graph, points, &there);
        Ok(there.len())
    }
}

fn empty(options: &IndexOptions, rows: usize) -> Graph {
    Hnsw::new(options.m, rows.max(1024), LAYERS, options.ef_construction, Cosine)
}

/// Puts rows into a graph that has so many points.
fn add(graph: &Graph, points: usize, rows: &[(Row, &[f32])]) {
    let (alone, together) = rows.split_at(ALONE.saturating_sub(points).min(rows.len()));
    for (row, vector) in alone {
        graph.insert((vector, row.0 as usize));
    }
    // A few are not worth all threads.
    if together.len() < ALONE {
        together.iter().for_each(|(row, vector)| graph.insert((vector, row.0 as usize)));
    } else {
        graph.parallel_insert_slice(&together.iter().map(|(row, vector)| (*vector, row.0 as usize)).collect());
    }
}

impl VectorIndex for HnswRs {
    fn kind(&self) -> &'static str {
        "hnsw_rs"
    }

    fn dimension(&self) -> usize {
        self.inner.exact.dimension()
    }

    fn len(&self) -> usize {
        self.inner.exact.len()
    }

    fn rows(&self) -> RoaringBitmap {
        self.inner.exact.rows()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        for (_, vector) in rows {
            check(vector, self.inner.exact.dimension())?;
        }
        let _changing = self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.inner.exact.unknown(rows);
        // First the graph: what is not in `exact` is in no answer yet.
        add(&self.inner.graph(), self.inner.points.load(Ordering::Acquire), &new);
        self.inner.exact.insert(&new)?;
        self.inner.points.fetch_add(new.len(), Ordering::AcqRel);
        Ok(())
    }

    fn remove(&self, rows: &[Row]) -> Result<()> {
        self.inner.exact.remove(rows)
    }

    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        for query in queries {
            check(query, self.inner.exact.dimension())?;
        }
        let rows = allowed.map(|a| a.rows);
        let Some(wanted) = self.inner.wanted(k, rows) else { return self.inner.exact.search_many(queries, k, allowed) };
        let plan = if rows.is_some() { Plan::Filtered } else { Plan::Hnsw };
        let one = |query: &&[f32]| {
            let neighbours = self.inner.through_the_graph(query, k, wanted, rows);
            match neighbours.len() < k {
                // What the walk did not come to is there all the same.
                true => self.inner.exact.search(query, k, allowed),
                false => Ok(Found { neighbours, plan }),
            }
        };
        if queries.len() == 1 { queries.iter().map(one).collect() } else { queries.par_iter().map(one).collect() }
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        self.inner.exact.search(query, k, allowed)
    }

    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        self.inner.exact.vectors(rows)
    }

    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        graph_by_searching(self, k)
    }

    fn settle(&self, _: u64, haste: Haste) -> Result<()> {
        if haste == Haste::Wait {
            self.wait();
        }
        if !self.inner.is_due() || self.inner.rebuilding.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let done = inner.rebuild();
            inner.rebuilding.store(false, Ordering::Release);
            done
        };
        if haste == Haste::Wait {
            return work();
        }
        // The crate inserts on the threads of the pool that it is called from: one, behind the searches.
        let behind = move || {
            if let Err(e) = super::behind_requests(1, work).and_then(|done| done) {
                tracing::warn!("the graph was not made anew: {e}");
            }
        };
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::spawn(behind));
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.inner.is_due()
    }

    fn status(&self) -> State {
        let (points, rows) = (self.inner.points.load(Ordering::Acquire), self.inner.exact.len());
        State {
            rows,
            segments: usize::from(points > 0),
            points,
            dead: points.saturating_sub(rows),
            ef_search: self.inner.options.ef_search,
            kernel: Kernel::best().name(),
            freezing: self.inner.rebuilding.load(Ordering::Relaxed),
            ..State::default()
        }
    }

    fn check(&self, sample: usize) -> Result<Checked> {
        check_by_searching(self, sample)
    }
}
