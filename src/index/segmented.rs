//! The index that serves: frozen segments, what came since, and a thread that freezes and merges behind the searches.
//!
//! A search takes one [`View`] and reads it to the end; whoever writes puts a new view in its place. Rows that come are in
//! a block in memory at once. When enough have gathered they are sealed, frozen into a segment, and the segment takes their
//! place: first in the manifest on disk, then in the view. Nothing that is searched is ever changed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use rayon::prelude::*;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::files::{self, Manifest, Read};
use super::freeze::{self, Job, Making};
use super::graph::GraphOptions;
use super::kernel::Kernel;
use super::live::Block;
use super::segment::Segment;
use super::view::{Asked, View};
use super::{Found, Neighbour, VectorIndex, audit, check};
use crate::error::{Error, Result};
use crate::paper::Row;

/// The parameters of the index, in the words of the field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IndexOptions {
    /// Links a place on the upper layers of a graph; twice as many on the ground. 2 to 255.
    pub m: usize,
    /// Places kept in sight while building; more than `2 * m`.
    pub ef_construction: usize,
    /// Places kept in sight while searching: recall against time.
    pub ef_search: usize,
    /// The recall@10 to reach instead: `ef_search` is then read off each segment's measured curve. 0 to 1.
    pub recall: Option<f32>,
    /// Up to this many rows wait unfrozen: scoring all of them is as quick as a graph and never misses.
    pub exact_below: usize,
}

impl Default for IndexOptions {
    fn default() -> Self {
        IndexOptions { m: 16, ef_construction: 200, ef_search: 96, recall: None, exact_below: 4000 }
    }
}

impl IndexOptions {
    fn graph(&self) -> GraphOptions {
        GraphOptions { m: self.m, ef_construction: self.ef_construction }
    }
}

/// What the index is derived from: gives each of some rows, with its vector, to a function.
pub type Source = dyn Fn(&RoaringBitmap, &mut dyn FnMut(Row, &[f32]) -> Result<()>) -> Result<()> + Send + Sync;

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenReport {
    /// Why files on disk were not used; `None` when they were, or when there were none.
    pub doubt: Option<String>,
    /// Rows that were in the store and not in the files.
    pub caught_up: usize,
}

/// The state of the index, for people and dashboards.
#[derive(Debug, Clone, Default, Serialize)]
pub struct State {
    /// Rows that can be found.
    pub rows: usize,
    /// Frozen segments.
    pub segments: usize,
    /// Rows of the segments, the dead ones included.
    pub points: usize,
    /// Rows of the segments that are gone.
    pub dead: usize,
    /// Rows that are not frozen yet; all of them are scored.
    pub live: usize,
    /// recall@10 that unseen queries had when the segments were frozen, at the `ef_search` that is used now.
    pub recall: Option<f32>,
    /// The `ef_search` that is used now; the greatest of the segments'.
    pub ef_search: usize,
    /// Rows that no walk came to when the segments were frozen; they were linked in or are scored one by one.
    pub unreachable: usize,
    /// Those that are scored one by one.
    pub aside: usize,
    /// The instructions that products are taken with.
    pub kernel: &'static str,
    /// Whether something is being frozen now.
    pub freezing: bool,
    /// What went wrong last, if it still matters.
    pub trouble: Option<String>,
}

/// What an audit of the whole index found.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// Rows that were searched for.
    pub sample: usize,
    /// Share of their exact ten nearest that was found.
    pub recall: f32,
    /// Rows that could not be found by their own vector.
    pub lost: usize,
    /// Places of the graphs that no walk comes to and that are not scored aside either.
    pub unreachable: usize,
    /// Files that are not as they were written.
    pub damaged: Vec<String>,
}

/// The nearest neighbours of every row.
#[derive(Debug, Clone, Default)]
pub struct NeighbourGraph {
    /// In ascending order.
    pub rows: Vec<Row>,
    /// For each of them the nearest others, closest first.
    pub neighbours: Vec<Vec<Neighbour>>,
}

/// Frozen segments and what came since.
pub struct Segmented {
    inner: Arc<Inner>,
    // The thread that freezes, so that closing can wait for it.
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    dimension: usize,
    options: IndexOptions,
    fingerprint: String,
    folder: PathBuf,
    // Only for an index without a data folder: goes with it.
    temporary: Option<tempfile::TempDir>,
    // A lock only around the pointer: searches take a copy of it and let go at once.
    view: RwLock<Arc<View>>,
    // Held while a new view is made from the current one.
    writing: Mutex<()>,
    // Held while segments are written, by one at a time.
    freezing: Mutex<()>,
    change: AtomicU64,
    stop: AtomicBool,
    busy: AtomicBool,
    trouble: Mutex<Option<String>>,
    source: Option<Box<Source>>,
}

impl Segmented {
    /// An index over a temporary folder, which goes with it.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no place for temporary files.
    pub fn new(dimension: usize, options: IndexOptions) -> Result<Self> {
        let temporary = tempfile::tempdir().map_err(|e| Error::io("", "cannot make a temporary folder", e))?;
        let folder = temporary.path().to_path_buf();
        Ok(Self::around(Inner::new(folder, Some(temporary), String::new(), dimension, options, None)))
    }

    /// Opens the index over `rows` of the store: maps the segments in `folder` that are whole, reads what they lack from
    /// `source`, and forgets what the store no longer has. Big files are compared with their checksums in the background;
    /// one that is damaged is then replaced from `source` as well.
    ///
    /// # Errors
    /// Whatever `source` returns.
    pub fn open(
        folder: &Path,
        fingerprint: &str,
        dimension: usize,
        options: IndexOptions,
        change: u64,
        rows: &RoaringBitmap,
        source: Box<Source>,
    ) -> Result<(Self, OpenReport)> {
        let mut report = OpenReport::default();
        let mut segments = Vec::new();
        match Manifest::read(folder, fingerprint, dimension, options.graph(), change) {
            Read::Manifest(mut manifest) => {
                for segment in manifest.segments.clone() {
                    let name = segment.name.clone();
                    match Segment::open(folder, segment, dimension, options.m) {
                        Ok(segment) => segments.push(Arc::new(segment)),
                        Err(why) => {
                            report.doubt = Some(why);
                            manifest.segments.retain(|s| s.name != name);
                        }
                    }
                }
                // Said once: from now on it is as if the damaged had never been there.
                if let Some(Err(e)) = report.doubt.as_ref().map(|_| manifest.write(folder)) {
                    tracing::warn!("{e}");
                }
            }
            Read::Nothing => {}
            Read::Doubtful(why) => {
                files::forget(folder);
                report.doubt = Some(why);
            }
        }
        let inner = Inner::new(folder.to_path_buf(), None, fingerprint.to_string(), dimension, options, Some(source));
        inner.change.store(change, Ordering::Relaxed);
        let mut view = View { segments, ..View::default() };
        let there = view.rows();
        view.dead = Arc::new(&there - rows);
        view.len = there.len() as usize - view.dead.len() as usize;
        for segment in &view.segments {
            segment.warm();
        }
        inner.put(view);
        let lacking = rows - &there;
        report.caught_up = lacking.len() as usize;
        inner.read(&lacking)?;
        let index = Self::around(inner);
        index.verify();
        Ok((index, report))
    }

    fn around(inner: Inner) -> Self {
        Segmented { inner: Arc::new(inner), worker: Mutex::default() }
    }

    /// Does all freezing and merging that is due, on all cores, and waits for it.
    ///
    /// # Errors
    /// When the files cannot be written; every row is still found then, and the old files still count.
    pub fn maintain(&self, change: u64) -> Result<()> {
        self.seen(change);
        self.inner.tidy()
    }

    /// Does the same behind the searches, on one thread, and does not wait.
    pub fn maintain_soon(&self) {
        let due = Job::choose(&self.inner.view(), self.inner.options.exact_below).is_some();
        if !due || self.inner.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.spawn(|inner| {
            inner.tidy_on_one_thread();
            inner.busy.store(false, Ordering::Release);
        });
    }

    /// Waits for what is done behind the searches.
    pub fn wait(&self) {
        let worker = lock(&self.worker).take();
        if let Some(worker) = worker {
            let _ = worker.join();
        }
    }

    /// Remembers how far the store has been read.
    pub fn seen(&self, change: u64) {
        self.inner.change.fetch_max(change, Ordering::Relaxed);
    }

    /// All rows that can be found.
    pub fn rows(&self) -> RoaringBitmap {
        self.inner.view().rows()
    }

    /// The state of the index.
    pub fn state(&self) -> State {
        let view = self.inner.view();
        let points: usize = view.segments.iter().map(|s| s.len()).sum();
        let live: usize = view.sealed.iter().chain(&view.live).map(|b| b.rows.len()).sum();
        let ef = |s: &Arc<Segment>| self.inner.options.ef_for(s);
        let recall = |s: &Arc<Segment>| Some(s.manifest.audit.recall_at(ef(s))? * s.len() as f32 / points as f32);
        State {
            rows: view.len,
            segments: view.segments.len(),
            points,
            dead: (points + live).saturating_sub(view.len),
            live,
            recall: view.segments.iter().map(recall).sum::<Option<f32>>().filter(|_| points > 0),
            ef_search: view.segments.iter().map(ef).max().unwrap_or(self.inner.options.ef_search),
            unreachable: view.segments.iter().map(|s| s.manifest.audit.unreachable).sum(),
            aside: view.segments.iter().map(|s| s.manifest.aside.len()).sum(),
            kernel: Kernel::best().name(),
            freezing: self.inner.busy.load(Ordering::Relaxed),
            trouble: lock(&self.inner.trouble).clone(),
        }
    }

    /// Searches for a sample of rows and compares with the exact scan; reads every file and compares its checksum.
    pub fn audit(&self, sample: usize) -> Checked {
        let view = self.inner.view();
        let rows: Vec<u32> = view.rows().iter().collect();
        let step = (rows.len() / sample.max(1)).max(1);
        let picked: Vec<u32> = rows.iter().copied().step_by(step).take(sample).collect();
        let ef = |s: &Segment| self.inner.options.ef_for(s);
        let one = |row: &u32| -> Option<(usize, usize, bool)> {
            let query = view.vector(*row)?;
            let asked = Asked { query: &query, k: audit::K, allowed: None, from: None };
            let found = view.search(asked, ef).neighbours;
            let truth = view.search_exactly(&query, audit::K, None).neighbours;
            // Equal vectors may stand for each other: what counts is how close the answer is.
            let least = truth.last().map_or(0.0, |n| n.score);
            let hits = found.iter().filter(|n| n.score >= least - 1e-6).count().min(truth.len());
            let own = found.first().is_some_and(|n| n.score >= truth.first().map_or(0.0, |t| t.score) - 1e-6);
            Some((hits, truth.len(), own))
        };
        let outcomes: Vec<_> = picked.iter().filter_map(one).collect();
        let (hits, possible) = outcomes.iter().fold((0, 0), |(h, p), (hits, of, _)| (h + hits, p + of));
        let unreachable = |s: &Arc<Segment>| {
            let lost = audit::reached(s.graph()).iter().filter(|reached| !**reached).count();
            lost.saturating_sub(s.manifest.aside.len())
        };
        Checked {
            sample: outcomes.len(),
            recall: if possible == 0 { 1.0 } else { hits as f32 / possible as f32 },
            lost: outcomes.iter().filter(|(.., own)| !own).count(),
            unreachable: view.segments.iter().map(unreachable).sum(),
            damaged: view.segments.iter().filter_map(|s| s.is_whole().err()).collect(),
        }
    }

    /// The `k` nearest neighbours of every row, on all cores, straight from the segments.
    pub fn neighbour_graph(&self, k: usize) -> NeighbourGraph {
        let view = self.inner.view();
        let ef = (2 * k).max(32);
        let mut places: Vec<(u32, usize, u32)> = Vec::with_capacity(view.len);
        for (number, part) in view.parts().enumerate() {
            let alive = part.rows().iter().enumerate().filter(|(_, row)| !view.dead.contains(**row));
            places.extend(alive.map(|(place, row)| (*row, number, place as u32)));
        }
        let mut found: Vec<(u32, Vec<Neighbour>)> = places
            .par_iter()
            .with_min_len(64)
            .map(|(row, number, place)| (*row, view.neighbours_of((*number, *place), k, |_| ef)))
            .collect();
        found.par_sort_unstable_by_key(|(row, _)| *row);
        let (rows, neighbours) = found.into_iter().map(|(row, n)| (Row(row), n)).unzip();
        NeighbourGraph { rows, neighbours }
    }

    /// Compares big files with their checksums behind the searches.
    fn verify(&self) {
        if self.inner.view().segments.iter().all(|s| s.is_checked()) {
            return;
        }
        self.spawn(|inner| {
            for segment in inner.view().segments.clone() {
                if inner.stop.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(why) = segment.is_whole() {
                    tracing::error!("{why}; its rows are read from the store again");
                    inner.complain(Some(why));
                    if let Err(e) = inner.replace(&segment) {
                        tracing::error!("{e}");
                    }
                }
            }
        });
    }

    fn spawn(&self, work: impl FnOnce(&Inner) + Send + 'static) {
        let inner = Arc::clone(&self.inner);
        let mut worker = lock(&self.worker);
        // One after the other: the next waits for the one before.
        let before = worker.take();
        *worker = Some(std::thread::spawn(move || {
            if let Some(before) = before {
                let _ = before.join();
            }
            work(&inner);
        }));
    }
}

impl Drop for Segmented {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Relaxed);
        if let Some(worker) = lock(&self.worker).take() {
            let _ = worker.join();
        }
    }
}

impl IndexOptions {
    fn ef_for(&self, segment: &Segment) -> usize {
        self.recall.and_then(|r| segment.manifest.audit.ef_for(r)).unwrap_or(self.ef_search)
    }
}

impl Inner {
    fn new(
        folder: PathBuf,
        temporary: Option<tempfile::TempDir>,
        fingerprint: String,
        dimension: usize,
        options: IndexOptions,
        source: Option<Box<Source>>,
    ) -> Self {
        Inner {
            dimension,
            options,
            fingerprint,
            folder,
            temporary,
            view: RwLock::default(),
            writing: Mutex::default(),
            freezing: Mutex::default(),
            change: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            trouble: Mutex::default(),
            source,
        }
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, view: View) {
        let old = std::mem::replace(&mut *self.view.write().unwrap_or_else(PoisonError::into_inner), Arc::new(view));
        // Unmapping may take a while; the lock is free again by now.
        drop(old);
    }

    fn complain(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }

    /// Puts rows into blocks; who calls has checked the vectors.
    fn insert(&self, rows: &[(Row, &[f32])]) {
        let _writing = lock(&self.writing);
        let mut view = (*self.view()).clone();
        let mut seen = RoaringBitmap::new();
        let new: Vec<(Row, &[f32])> =
            rows.iter().filter(|(row, _)| seen.insert(row.0) && !view.holds(row.0)).copied().collect();
        if new.is_empty() {
            return;
        }
        view.len += new.len();
        view.live.push(Arc::new(Block::new(&new, self.dimension)));
        // Each row is moved about as often as the number of rows can be halved.
        while let [.., before, last] = &view.live[..] {
            if before.rows.len() >= 2 * last.rows.len() {
                break;
            }
            let merged = Arc::new(before.merged(last));
            view.live.truncate(view.live.len() - 2);
            view.live.push(merged);
        }
        self.put(view);
    }

    /// Reads rows from the source.
    fn read(&self, rows: &RoaringBitmap) -> Result<()> {
        let Some(source) = self.source.as_ref().filter(|_| !rows.is_empty()) else { return Ok(()) };
        let mut batch: Vec<(Row, Vec<f32>)> = Vec::new();
        let flush = |batch: &mut Vec<(Row, Vec<f32>)>| {
            self.insert(&batch.iter().map(|(row, v)| (*row, v.as_slice())).collect::<Vec<_>>());
            batch.clear();
        };
        source(rows, &mut |row, vector| {
            check(vector, self.dimension)?;
            batch.push((row, vector.to_vec()));
            if batch.len() == 4096 {
                flush(&mut batch);
            }
            Ok(())
        })?;
        flush(&mut batch);
        Ok(())
    }

    /// Takes a damaged segment out and puts what the store has of its rows in its place.
    fn replace(&self, damaged: &Arc<Segment>) -> Result<()> {
        let _freezing = lock(&self.freezing);
        let lost: RoaringBitmap = {
            let _writing = lock(&self.writing);
            let mut view = (*self.view()).clone();
            let before = view.rows();
            view.segments.retain(|s| !Arc::ptr_eq(s, damaged));
            let lost = &before - view.rows();
            view.len -= lost.len() as usize;
            self.put(view);
            lost
        };
        self.read(&lost)?;
        drop(_freezing);
        self.tidy()?;
        self.complain(None);
        Ok(())
    }

    fn tidy_on_one_thread(&self) {
        let done = match rayon::ThreadPoolBuilder::new().num_threads(1).start_handler(|_| give_way()).build() {
            Ok(pool) => pool.install(|| self.tidy()),
            Err(e) => Err(Error::Internal(format!("cannot start a thread: {e}"))),
        };
        if let Err(e) = done {
            tracing::warn!("the index was not written: {e}");
        }
    }

    /// Freezes and merges until nothing is due.
    fn tidy(&self) -> Result<()> {
        let _freezing = lock(&self.freezing);
        while !self.stop.load(Ordering::Relaxed) {
            let (job, sealed) = {
                let _writing = lock(&self.writing);
                let mut view = (*self.view()).clone();
                let Some(job) = Job::choose(&view, self.options.exact_below) else { break };
                let live = std::mem::take(&mut view.live);
                view.sealed.extend(live);
                self.put(view.clone());
                (job, view)
            };
            let began = Instant::now();
            let making = Making {
                graph: self.options.graph(),
                dimension: self.dimension,
                lasting: self.temporary.is_none(),
                stop: &self.stop,
            };
            let frozen = freeze::freeze(&self.folder, &job, &sealed, making);
            let named = match frozen {
                Ok(_) if self.stop.load(Ordering::Relaxed) => break,
                Ok(segment) => self.swap(&job, segment.map(Arc::new)),
                Err(e) => Err(e),
            };
            if let Err(e) = named {
                self.complain(Some(e.to_string()));
                // What was sealed is live again, and found as before.
                let _writing = lock(&self.writing);
                let mut view = (*self.view()).clone();
                let live = std::mem::take(&mut view.live);
                view.live = std::mem::take(&mut view.sealed);
                view.live.extend(live);
                self.put(view);
                return Err(e);
            }
            self.complain(None);
            let view = self.view();
            let sizes: Vec<usize> = view.segments.iter().map(|s| s.len()).collect();
            tracing::info!("froze the index into segments of {sizes:?} rows in {:.1} s", began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Puts a new segment in the place of what it was made from: on disk first, then for the searches.
    fn swap(&self, job: &Job, segment: Option<Arc<Segment>>) -> Result<()> {
        let _writing = lock(&self.writing);
        let mut view = (*self.view()).clone();
        let old: Vec<Arc<Segment>> = job.replaced().cloned().collect();
        view.segments.retain(|s| !old.iter().any(|o| Arc::ptr_eq(o, s)));
        view.segments.extend(segment);
        view.sealed.clear();
        let manifests = view.segments.iter().map(|s| s.manifest.clone()).collect();
        let change = self.change.load(Ordering::Relaxed);
        std::fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, "cannot make the folder", e))?;
        Manifest::new(&self.fingerprint, self.dimension, self.options.graph(), change, manifests)
            .write(&self.folder)?;
        view.dead = Arc::new(freeze::still_dead(&view));
        self.put(view);
        for segment in old {
            // Whoever still reads it keeps its map; elsewhere than on Unix the next open sweeps it.
            let _ = std::fs::remove_dir_all(&segment.folder);
        }
        Ok(())
    }
}

impl VectorIndex for Segmented {
    fn dimension(&self) -> usize {
        self.inner.dimension
    }

    fn len(&self) -> usize {
        self.inner.view().len
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        for (_, v) in rows {
            check(v, self.inner.dimension)?;
        }
        self.inner.insert(rows);
        self.maintain_soon();
        Ok(())
    }

    fn remove(&self, rows: &[Row]) {
        let _writing = lock(&self.inner.writing);
        let mut view = (*self.inner.view()).clone();
        let mut dead = (*view.dead).clone();
        let gone = rows.iter().filter(|row| view.holds(row.0) && dead.insert(row.0)).count();
        if gone > 0 {
            view.len -= gone;
            view.dead = Arc::new(dead);
            self.inner.put(view);
        }
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        check(query, self.inner.dimension)?;
        let asked = Asked { query, k, allowed, from: None };
        Ok(self.inner.view().search(asked, |s| self.inner.options.ef_for(s)))
    }

    fn vectors(&self, rows: &[Row]) -> Vec<Option<Vec<f32>>> {
        let view = self.inner.view();
        rows.iter().map(|row| view.vector(row.0)).collect()
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        check(query, self.inner.dimension)?;
        Ok(self.inner.view().search_exactly(query, k, allowed))
    }
}

/// Lets every other thread go first from now on: what is done behind the searches has time.
fn give_way() {
    // Sound: on Linux the call concerns the calling thread alone, and it touches no memory of ours. Elsewhere it would
    // concern the whole process, so it is not made.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 15);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
