//! One graph in memory by the crate `hnsw_rs` (Malkov and Yashunin, <https://arxiv.org/abs/1603.09320>): a user's choice of
//! the plain thing, and a second opinion on our own.
//!
//! Vectors are in a table in memory, and come from the store each time the folder is opened; the crate's own files are never
//! read, since a damaged one ends the process. Rows wait outside the graph, scored one by one, until more than `exact_below`
//! have gathered; then a thread links them in behind the searches. So the index answers rightly as soon as it is opened, and
//! quickly once it is linked.
//!
//! The crate has no deletion, and searches slowly under a filter. What is gone stays in the graph until it is too much, when
//! another graph is made. An answer is taken from more neighbours than were asked for, of which those drop out that are gone
//! or not allowed; where that would be too many, or too few are left, every allowed row is scored instead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use ::hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::background::behind_requests;
use super::exact::score_all;
use super::kernel::Kernel;
use super::table::{Snapshot, VectorTable};
use super::{
    Allowed, Found, Haste, IndexCheck, IndexOptions, IndexStatus, NeighbourGraph, Plan, VectorIndex, check,
    check_by_searching, closest_first, graph_by_searching,
};
use crate::config::IndexKind;
use crate::error::Result;
use crate::paper::Row;

/// Layers; the crate knows no other number.
const LAYERS: usize = 16;

/// Points that go in one after the other first: those that come at once to an empty graph may stay without a link.
const ALONE: usize = 256;

/// Rows linked in before anybody looks whether it should stop, and before they are found through the graph.
const PIECE: usize = 2048;

/// The share of a graph that may be gone before another is made: one in so many.
const GONE: usize = 5;

/// How many times as dear a step is here as one of our own graphs: the crate reads whole vectors from all over memory.
const DEARER: usize = 2;

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
    // The thread that links rows in, so that closing can wait for it.
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    options: IndexOptions,
    /// The truth: which rows there are, and their vectors.
    table: VectorTable,
    // A lock only around the pointer.
    linked: RwLock<Arc<Linked>>,
    // Held by who changes the graph. Never by who searches: the crate inserts on the threads that searches use.
    linking: Mutex<()>,
    busy: AtomicBool,
    stop: AtomicBool,
    trouble: Mutex<Option<String>>,
}

/// A graph, and the rows that were put into it, those included that are gone since. It may hold more already.
struct Linked {
    graph: Arc<Graph>,
    rows: RoaringBitmap,
}

/// Which rows may be in an answer, and how far to look for them.
struct Reach<'a> {
    held: &'a Snapshot,
    linked: &'a Linked,
    /// Rows that wait outside the graph and may be found.
    waiting: RoaringBitmap,
    allowed: Option<&'a RoaringBitmap>,
    k: usize,
    /// Neighbours to take from the graph.
    wanted: usize,
}

impl HnswRs {
    /// An empty one. Of the options all but `recall` and `checked_at_once` count.
    pub fn new(dimension: usize, options: IndexOptions) -> Self {
        let linked = Linked { graph: Arc::new(empty(&options, 0)), rows: RoaringBitmap::new() };
        let inner = Inner {
            options,
            table: VectorTable::new(dimension),
            linked: RwLock::new(Arc::new(linked)),
            linking: Mutex::default(),
            busy: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            trouble: Mutex::default(),
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

    /// Links in what is due behind the searches, and does not wait.
    fn link_soon(&self) {
        if !self.inner.is_due() || self.inner.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.wait();
        let inner = Arc::clone(&self.inner);
        let work = move || {
            // Put back by a panic as well, or nothing would ever be linked in again.
            let _busy = Busy(&inner.busy);
            // The crate inserts on the threads of the pool that it is called from: one, behind the searches.
            let done = behind_requests(1, || inner.link());
            inner.complain(done.err().map(|e| e.to_string()));
        };
        match std::thread::Builder::new().name("hnsw_rs".into()).spawn(work) {
            Ok(thread) => *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread),
            Err(e) => {
                self.inner.busy.store(false, Ordering::Release);
                self.inner.complain(Some(format!("cannot start a thread: {e}")));
            }
        }
    }
}

/// Says that rows are being linked in, until it goes.
struct Busy<'a>(&'a AtomicBool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Drop for HnswRs {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Relaxed);
        self.wait();
    }
}

impl Inner {
    fn linked(&self) -> Arc<Linked> {
        Arc::clone(&self.linked.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, linked: Linked) {
        let mut current = self.linked.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::new(linked));
        drop(current);
        // A graph takes its time to go; the lock is free again by now.
        drop(old);
    }

    fn complain(&self, trouble: Option<String>) {
        if let Some(why) = &trouble {
            tracing::warn!("the index was not brought into order: {why}");
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Points of the graph, and how many of them are gone.
    fn points(&self) -> (usize, usize) {
        let (linked, held) = (self.linked(), self.table.snapshot());
        let points = linked.rows.len();
        (points as usize, (points - linked.rows.intersection_len(held.rows())) as usize)
    }

    fn is_rotten(&self) -> bool {
        let (points, gone) = self.points();
        gone * GONE > points
    }

    fn is_due(&self) -> bool {
        let waiting = self.table.snapshot().rows().difference_len(&self.linked().rows);
        waiting as usize > self.options.exact_below || self.is_rotten()
    }

    /// Links in what waits, or makes another graph of the rows that there are, while searches go on.
    fn link(&self) {
        let _linking = self.linking.lock().unwrap_or_else(PoisonError::into_inner);
        while self.is_due() && !self.stop.load(Ordering::Relaxed) {
            let held = self.table.snapshot();
            if self.is_rotten() {
                let graph = Arc::new(empty(&self.options, held.len()));
                // Nobody sees it before it is whole.
                let is_whole = self.add(&graph, &held, RoaringBitmap::new(), held.rows(), |_| ());
                if is_whole {
                    self.put(Linked { graph, rows: held.rows().clone() });
                }
            } else {
                let linked = self.linked();
                let waiting = held.rows() - &linked.rows;
                let seen = |rows: &RoaringBitmap| {
                    self.put(Linked { graph: Arc::clone(&linked.graph), rows: rows.clone() });
                };
                self.add(&linked.graph, &held, linked.rows.clone(), &waiting, seen);
            }
        }
    }

    /// Puts rows into a graph that has `before`; `seen` hears after each piece which are in it. Whether it came to the end.
    fn add(
        &self,
        graph: &Graph,
        held: &Snapshot,
        before: RoaringBitmap,
        rows: &RoaringBitmap,
        seen: impl Fn(&RoaringBitmap),
    ) -> bool {
        let (mut inside, rows) = (before, rows.iter().collect::<Vec<u32>>());
        for piece in rows.chunks(PIECE) {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let there: Vec<(&[f32], usize)> =
                piece.iter().filter_map(|row| Some((held.vector(*row)?, *row as usize))).collect();
            let (alone, together) = there.split_at(ALONE.saturating_sub(inside.len() as usize).min(there.len()));
            alone.iter().for_each(|point| graph.insert(*point));
            // A few are not worth all threads.
            match together.len() < ALONE {
                true => together.iter().for_each(|point| graph.insert(*point)),
                false => graph.parallel_insert_slice(&together.to_vec()),
            }
            inside.extend(piece.iter().copied());
            seen(&inside);
        }
        true
    }

    /// How to look for the `k` closest in the graph; none where scoring the allowed rows is quicker.
    fn reach<'a>(
        &self,
        held: &'a Snapshot,
        linked: &'a Linked,
        k: usize,
        allowed: Option<&'a RoaringBitmap>,
    ) -> Option<Reach<'a>> {
        let points = linked.rows.len() as usize;
        if points == 0 || k == 0 {
            return None;
        }
        let waiting = held.rows() - &linked.rows;
        let (among, waiting) = match allowed {
            None => (held.len(), waiting),
            Some(allowed) => (held.rows().intersection_len(allowed) as usize, waiting & allowed),
        };
        let standing = among.saturating_sub(waiting.len() as usize);
        if standing == 0 {
            return None;
        }
        // As many more as there are points for each that may be found, and some to spare.
        let wanted = k.saturating_mul(points).saturating_mul(3) / (2 * standing) + 8;
        let ef = wanted.max(self.options.ef_search);
        let costs = ef.saturating_mul(DEARER * self.options.rows_a_step);
        (wanted < points / 4 && costs < standing).then_some(Reach { held, linked, waiting, allowed, k, wanted })
    }

    /// What a walk finds, and what waits; fewer than `k` where the walk did not come to enough.
    fn walk(&self, query: &[f32], reach: &Reach<'_>) -> Found {
        let Reach { held, linked, waiting, allowed, k, wanted } = reach;
        let found = linked.graph.search(query, *wanted, self.options.ef_search.max(*wanted));
        // The graph may hold what waits by now: it would be there twice.
        let may = |row: &u32| !waiting.contains(*row) && allowed.is_none_or(|a| a.contains(*row));
        let walked = found.into_iter().filter_map(|n| u32::try_from(n.d_id).ok()).filter(may);
        // Scored again, as those that wait are; what is gone drops out here.
        let mut neighbours = held.scored(query, walked);
        if !waiting.is_empty() {
            neighbours.extend(held.closest(query, *k, Some(waiting)));
        }
        neighbours.sort_unstable_by(closest_first);
        neighbours.truncate(*k);
        Found { neighbours, plan: if allowed.is_some() { Plan::Filtered } else { Plan::Hnsw } }
    }
}

fn empty(options: &IndexOptions, rows: usize) -> Graph {
    Hnsw::new(options.m, rows.max(1024), LAYERS, options.ef_construction, Cosine)
}

impl VectorIndex for HnswRs {
    fn kind(&self) -> IndexKind {
        IndexKind::HnswRs
    }

    fn dimension(&self) -> usize {
        self.inner.table.dimension()
    }

    fn len(&self) -> usize {
        self.inner.table.snapshot().len()
    }

    fn rows(&self) -> RoaringBitmap {
        self.inner.table.snapshot().rows().clone()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        self.inner.table.insert(rows).map(|_| ())
    }

    fn remove(&self, rows: &[Row]) -> Result<()> {
        self.inner.table.remove(rows);
        Ok(())
    }

    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        queries.iter().try_for_each(|query| check(query, self.dimension()))?;
        let allowed = allowed.map(|a| a.rows);
        // The graph first: what is put into it meanwhile is then among those that wait, and scored.
        let (linked, held) = (self.inner.linked(), self.inner.table.snapshot());
        let k = k.min(held.len());
        let Some(reach) = self.inner.reach(&held, &linked, k, allowed) else {
            return Ok(score_all(&held, queries, k, allowed));
        };
        let enough = k.min(allowed.map_or(held.len(), |a| held.rows().intersection_len(a) as usize));
        let one = |query: &&[f32]| {
            let found = self.inner.walk(query, &reach);
            // What the walk did not come to is there all the same.
            if found.neighbours.len() < enough { score_all(&held, &[*query], k, allowed) } else { vec![found] }
        };
        // One alone is not worth waking another thread for.
        Ok(if queries.len() == 1 {
            queries.iter().flat_map(one).collect()
        } else {
            queries.par_iter().flat_map_iter(one).collect()
        })
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        check(query, self.dimension())?;
        let held = self.inner.table.snapshot();
        Ok(Found { neighbours: held.closest(query, k, allowed.map(|a| a.rows)), plan: Plan::Exact })
    }

    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        let held = self.inner.table.snapshot();
        Ok(rows.iter().map(|row| held.vector(row.0).map(<[f32]>::to_vec)).collect())
    }

    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        graph_by_searching(self, k)
    }

    fn settle(&self, _: u64, haste: Haste) -> Result<()> {
        match haste {
            Haste::Wait => {
                self.wait();
                self.inner.link();
                self.inner.complain(None);
            }
            Haste::Behind => self.link_soon(),
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.inner.is_due()
    }

    fn lasts(&self) -> bool {
        false
    }

    fn status(&self) -> IndexStatus {
        let (rows, (points, dead)) = (self.len(), self.inner.points());
        IndexStatus {
            rows,
            points,
            dead,
            live: (rows + dead).saturating_sub(points),
            ef_search: self.inner.options.ef_search,
            kernel: Kernel::best().name(),
            freezing: self.inner.busy.load(Ordering::Relaxed),
            trouble: self.inner.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            ..IndexStatus::default()
        }
    }

    fn check(&self, sample: usize) -> Result<IndexCheck> {
        check_by_searching(self, sample)
    }
}
