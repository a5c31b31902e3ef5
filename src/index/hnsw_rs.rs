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

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ::hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::background::{Worker, WorkerState, behind_requests, caught, lock};
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

/// How many times as dear a step is taken to be as one of our own graphs, where a walk and scoring the allowed rows are weighed
/// against each other. An estimate, not measured: the crate reads whole vectors from all over memory, ours reads codes.
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
    // The thread that links rows in; closing waits for it.
    worker: Worker,
}

struct Inner {
    options: IndexOptions,
    /// The truth: which rows there are, and their vectors.
    table: VectorTable,
    // A lock only around the pointer.
    linked: RwLock<Arc<Linked>>,
    // Held by who changes the graph. Never by who searches: the crate inserts on the threads that searches use.
    linking: Mutex<()>,
    /// Of the thread that links.
    state: Arc<WorkerState>,
}

/// A graph, and the rows that were put into it, those included that are gone since. It may hold more already.
struct Linked {
    graph: Arc<Graph>,
    rows: RoaringBitmap,
}

impl Linked {
    fn nothing(options: &IndexOptions) -> Self {
        Linked { graph: Arc::new(empty(options, 0)), rows: RoaringBitmap::new() }
    }
}

/// Which rows may be in an answer, and how far to look for them.
struct Reach<'a> {
    held: &'a Snapshot,
    linked: &'a Linked,
    /// Rows that wait outside the graph and may be found.
    waiting: RoaringBitmap,
    allowed: Option<&'a RoaringBitmap>,
    /// How many rows may be in an answer.
    among: usize,
    k: usize,
    /// Neighbours to take from the graph.
    wanted: usize,
}

impl HnswRs {
    /// An empty one. Of the options all but `recall` and `checked_at_once` count.
    pub fn new(dimension: usize, options: IndexOptions) -> Self {
        let (linked, state) = (Linked::nothing(&options), Arc::<WorkerState>::default());
        let inner = Inner {
            options,
            table: VectorTable::new(dimension),
            linked: RwLock::new(Arc::new(linked)),
            linking: Mutex::default(),
            state: Arc::clone(&state),
        };
        HnswRs { inner: Arc::new(inner), worker: Worker::new("hnsw_rs", state) }
    }

    /// Links in what is due behind the searches, and does not wait.
    fn link_soon(&self) {
        if self.inner.is_due() {
            let inner = Arc::clone(&self.inner);
            // The crate inserts on the threads of the pool that it is called from: one, behind the searches.
            self.worker.start_unless_busy(move || behind_requests(1, || inner.link())?);
        }
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
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) where that panicked. Nobody knows what the graph holds then: it goes, and
    /// all rows wait for another.
    fn link(&self) -> Result<()> {
        let _linking = lock(&self.linking);
        let done = caught("linking rows into the graph", || {
            self.link_what_is_due();
            Ok(())
        });
        if done.is_err() {
            self.put(Linked::nothing(&self.options));
        }
        self.state.complain(done.as_ref().err().map(ToString::to_string));
        done
    }

    fn link_what_is_due(&self) {
        while self.is_due() && !self.state.is_stopped() {
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
            if self.state.is_stopped() {
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
        let among = allowed.map_or(held.len(), |allowed| held.rows().intersection_len(allowed) as usize);
        // Counted first: mostly nothing waits, and then no set is made.
        let waiting = match (held.rows().difference_len(&linked.rows), allowed) {
            (0, _) => RoaringBitmap::new(),
            (_, None) => held.rows() - &linked.rows,
            (_, Some(allowed)) => (held.rows() - &linked.rows) & allowed,
        };
        let standing = among.saturating_sub(waiting.len() as usize);
        if standing == 0 {
            return None;
        }
        // As many more as there are points for each that may be found, and some to spare.
        let wanted = k.saturating_mul(points).saturating_mul(3) / (2 * standing) + 8;
        let ef = wanted.max(self.options.ef_search);
        let costs = ef.saturating_mul(DEARER * self.options.rows_a_step);
        (wanted < points / 4 && costs < standing).then_some(Reach { held, linked, waiting, allowed, among, k, wanted })
    }

    /// What a walk finds, and what waits; fewer than `k` where the walk did not come to enough.
    fn walk(&self, query: &[f32], reach: &Reach<'_>) -> Found {
        let Reach { held, linked, waiting, allowed, k, wanted, .. } = reach;
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
        // A row that was put in twice has two points of one score.
        neighbours.dedup_by_key(|n| n.row);
        neighbours.truncate(*k);
        Found { neighbours, plan: if allowed.is_some() { Plan::Filtered } else { Plan::Hnsw } }
    }
}

fn empty(options: &IndexOptions, rows: usize) -> Graph {
    Hnsw::new(options.m, rows.max(1024), LAYERS, options.ef_construction, Cosine)
}

impl VectorIndex for HnswRs {
    fn name(&self) -> &'static str {
        IndexKind::HnswRs.name()
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
        let enough = k.min(reach.among);
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
                self.worker.wait();
                self.inner.link()
            }
            Haste::Behind => {
                self.link_soon();
                Ok(())
            }
        }
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
            freezing: self.inner.state.is_busy(),
            trouble: self.inner.state.trouble(),
            ..IndexStatus::default()
        }
    }

    fn check(&self, sample: usize) -> Result<IndexCheck> {
        check_by_searching(self, sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(row: u32) -> Vec<f32> {
        let angle = row as f32 / 100.0;
        vec![angle.cos(), angle.sin()]
    }

    fn insert(index: &HnswRs, rows: std::ops::Range<u32>) {
        let vectors: Vec<Vec<f32>> = rows.clone().map(vector).collect();
        let rows: Vec<(Row, &[f32])> = rows.zip(&vectors).map(|(row, v)| (Row(row), v.as_slice())).collect();
        index.insert(&rows).expect("inserts");
    }

    fn found(index: &HnswRs, row: u32) -> (Vec<u32>, Plan) {
        let found = index.search(&vector(row), 5, None).expect("searches");
        (found.neighbours.iter().map(|n| n.row.0).collect(), found.plan)
    }

    /// The crate panics while rows go in: it is told, every row is found once, and another graph is made.
    #[test]
    fn a_graph_that_failed_is_told_and_made_anew() {
        let options = IndexOptions { exact_below: 10, rows_a_step: 0, ef_search: 16, ..IndexOptions::default() };
        for haste in [Haste::Behind, Haste::Wait] {
            let index = HnswRs::new(2, options);
            insert(&index, 0..300);
            index.settle(1, Haste::Wait).expect("settles");
            assert_eq!((found(&index, 150).1, index.status().points), (Plan::Hnsw, 300));
            // A point that no other can be compared with.
            let graph = Arc::new(empty(&options, 0));
            graph.insert((&[1.0, 0.0, 0.0], 0));
            index.inner.put(Linked { graph, rows: RoaringBitmap::from_iter([0]) });
            let settled = index.settle(2, haste);
            index.worker.wait();
            assert_eq!(settled.is_err(), haste == Haste::Wait, "{settled:?}");
            let status = index.status();
            assert!(status.trouble.is_some_and(|t| t.contains("failed inside")) && !status.freezing);
            assert_eq!((status.points, status.live), (0, 300), "nothing of that graph is used");
            assert_eq!(found(&index, 150), (vec![150, 149, 151, 148, 152], Plan::Exact));
            index.settle(3, Haste::Wait).expect("settles");
            let status = index.status();
            assert_eq!((status.trouble, status.points, status.live), (None, 300, 0));
            assert_eq!(found(&index, 150).1, Plan::Hnsw);
        }
    }

    #[test]
    fn a_row_that_was_put_in_twice_is_found_once() {
        let options = IndexOptions { exact_below: 10, rows_a_step: 0, ef_search: 64, ..IndexOptions::default() };
        let index = HnswRs::new(2, options);
        insert(&index, 0..300);
        index.settle(1, Haste::Wait).expect("settles");
        let again = vector(150);
        index.inner.linked().graph.insert((&again, 150));
        let (mut rows, plan) = found(&index, 150);
        assert_eq!((plan, rows.len()), (Plan::Hnsw, 5));
        rows.dedup();
        assert_eq!(rows.len(), 5, "{rows:?}");
    }
}
