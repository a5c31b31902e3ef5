//! The index that serves: frozen segments, what came since, and a thread that freezes and merges behind the searches.
//!
//! A search takes one [`View`] and reads it to the end; whoever writes puts a new view in its place. Rows that come are in
//! a block in memory at once. When enough have gathered they are sealed, frozen into a segment, and the segment takes their
//! place: first in the manifest on disk, then in the view. Nothing that is searched is ever changed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rayon::prelude::*;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::files::{self, Manifest, Read};
use super::freeze::Job;
use super::graph::GraphOptions;
use super::kernel::Kernel;
use super::segment::Segment;
use super::vector_index::{Allowed, Haste, VectorIndex};
use super::view::{Asked, View};
use super::writer::{Writer, lock};
use super::{Found, Neighbour, check, recall_profile};
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
    pub(super) fn graph(&self) -> GraphOptions {
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
    pub unlinked: usize,
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
    /// Places of the graphs that no walk comes to and that are not scored one by one either.
    pub unreachable: usize,
    /// Files that were read from end to end and compared with their checksums.
    pub files: usize,
    /// Segments with a file that is not as it was written.
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

/// Unit vectors by row, searched by similarity: frozen segments and what came since. Shared between threads; inserting and
/// searching may overlap.
pub struct SegmentedIndex {
    writer: Arc<Writer>,
    // The thread that freezes, so that closing can wait for it.
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl SegmentedIndex {
    /// An index over a temporary folder, which goes with it.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no place for temporary files.
    pub fn new(dimension: usize, options: IndexOptions) -> Result<Self> {
        let temporary = tempfile::tempdir().map_err(|e| Error::io("", "cannot make a temporary folder", e))?;
        let folder = temporary.path().to_path_buf();
        Ok(Self::around(Writer::new(folder, Some(temporary), String::new(), dimension, options, None)))
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
        let writer = Writer::new(folder.to_path_buf(), None, fingerprint.to_string(), dimension, options, Some(source));
        writer.change.store(change, Ordering::Relaxed);
        let mut view = View { segments, ..View::default() };
        let there = view.rows();
        view.dead = Arc::new(&there - rows);
        view.len = there.len() as usize - view.dead.len() as usize;
        for segment in &view.segments {
            segment.warm();
        }
        writer.put(view);
        let lacking = rows - &there;
        report.caught_up = lacking.len() as usize;
        writer.read(&lacking)?;
        let index = Self::around(writer);
        index.verify();
        Ok((index, report))
    }

    fn around(writer: Writer) -> Self {
        SegmentedIndex { writer: Arc::new(writer), worker: Mutex::default() }
    }

    /// Numbers in a vector.
    pub fn dimension(&self) -> usize {
        self.writer.dimension
    }

    /// Rows that can be found.
    pub fn len(&self) -> usize {
        self.writer.view().len
    }

    /// Whether nothing can be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds rows; they can be found when the call returns. A row that is there already keeps its vector, since a row
    /// names one immutable text.
    ///
    /// # Errors
    /// [`Error::Internal`] for a vector of another dimension or with a number that is not finite; nothing is added.
    pub fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        for (_, v) in rows {
            check(v, self.writer.dimension)?;
        }
        self.writer.insert(rows);
        self.maintain_soon();
        Ok(())
    }

    /// Takes rows away; they are in no later answer. Unknown rows are passed over.
    pub fn remove(&self, rows: &[Row]) {
        let _writing = lock(&self.writer.writing);
        let mut view = (*self.writer.view()).clone();
        let mut dead = (*view.dead).clone();
        let gone = rows.iter().filter(|row| view.holds(row.0) && dead.insert(row.0)).count();
        if gone > 0 {
            view.len -= gone;
            view.dead = Arc::new(dead);
            self.writer.put(view);
        }
    }

    /// The `k` rows closest to `query` among the allowed ones (all without `allowed`); fewer only when fewer exist.
    ///
    /// # Errors
    /// [`Error::Internal`] for a query of another dimension or with a number that is not finite.
    pub fn search(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        check(query, self.writer.dimension)?;
        let asked = Asked { query, k, allowed, from: None };
        Ok(self.writer.view().search(asked, |s| self.writer.options.ef_for(s)))
    }

    /// What [`SegmentedIndex::search`] finds for each of many queries, on all cores.
    ///
    /// # Errors
    /// As for one query.
    pub fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Vec<Found>> {
        // One alone is not worth waking another thread for.
        if let [query] = queries {
            return Ok(vec![self.search(query, k, allowed)?]);
        }
        queries.par_iter().map(|query| self.search(query, k, allowed)).collect()
    }

    /// Scores every allowed row with its full vector: the truth that other answers are measured by.
    ///
    /// # Errors
    /// As for [`SegmentedIndex::search`].
    pub fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Result<Found> {
        check(query, self.writer.dimension)?;
        Ok(self.writer.view().search_exactly(query, k, allowed))
    }

    /// The vectors of some rows, in their order; `None` where a row is not there.
    pub fn vectors(&self, rows: &[Row]) -> Vec<Option<Vec<f32>>> {
        let view = self.writer.view();
        rows.iter().map(|row| view.vector(row.0)).collect()
    }

    /// Does all freezing and merging that is due, on all cores, and waits for it.
    ///
    /// # Errors
    /// When the files cannot be written; every row is still found then, and the old files still count.
    pub fn maintain(&self, change: u64) -> Result<()> {
        self.seen(change);
        self.writer.tidy()
    }

    /// Whether anything is to be frozen or merged.
    pub fn is_due(&self) -> bool {
        Job::choose(&self.writer.view(), self.writer.options.exact_below).is_some()
    }

    /// Does the same behind the searches, on one thread, and does not wait.
    pub fn maintain_soon(&self) {
        if !self.is_due() || self.writer.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.spawn(|writer| {
            // Dropped by a panic as well, or nothing would ever be frozen behind the searches again.
            let _busy = Busy(&writer.busy);
            writer.tidy_on_one_thread();
        });
    }

    /// Waits for what is done behind the searches.
    pub fn wait(&self) {
        let worker = lock(&self.worker).take();
        if let Some(worker) = worker {
            let _ = worker.join();
        }
    }

    /// Remembers how far the store has come. Said before the rows of that change are inserted: they may be frozen at once,
    /// and only files that name it show that an older copy of the store was put back.
    pub fn seen(&self, change: u64) {
        self.writer.change.fetch_max(change, Ordering::Relaxed);
    }

    /// What went wrong last when files were written or read, if it still matters.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.writer.trouble).clone()
    }

    /// All rows that can be found.
    pub fn rows(&self) -> RoaringBitmap {
        self.writer.view().rows()
    }

    /// The state of the index.
    pub fn state(&self) -> State {
        let view = self.writer.view();
        let points: usize = view.segments.iter().map(|s| s.len()).sum();
        let live: usize = view.sealed.iter().chain(&view.live).map(|b| b.rows.len()).sum();
        let ef = |s: &Arc<Segment>| self.writer.options.ef_for(s);
        let recall = |s: &Arc<Segment>| Some(s.manifest.audit.recall_at(ef(s))? * s.len() as f32 / points as f32);
        State {
            rows: view.len,
            segments: view.segments.len(),
            points,
            dead: (points + live).saturating_sub(view.len),
            live,
            recall: view.segments.iter().map(recall).sum::<Option<f32>>().filter(|_| points > 0),
            ef_search: view.segments.iter().map(ef).max().unwrap_or(self.writer.options.ef_search),
            unreachable: view.segments.iter().map(|s| s.manifest.audit.unreachable).sum(),
            unlinked: view.segments.iter().map(|s| s.manifest.unlinked.len()).sum(),
            kernel: Kernel::best().name(),
            freezing: self.writer.busy.load(Ordering::Relaxed),
            trouble: self.trouble(),
        }
    }

    /// Searches for a sample of rows and compares with the exact scan; reads every file and compares its checksum.
    pub fn audit(&self, sample: usize) -> Checked {
        let view = self.writer.view();
        let rows: Vec<u32> = view.rows().iter().collect();
        let step = (rows.len() / sample.max(1)).max(1);
        let picked: Vec<u32> = rows.iter().copied().step_by(step).take(sample).collect();
        let ef = |s: &Segment| self.writer.options.ef_for(s);
        let one = |row: &u32| -> Option<(usize, usize, bool)> {
            let query = view.vector(*row)?;
            let asked = Asked { query: &query, k: recall_profile::K, allowed: None, from: None };
            let found = view.search(asked, ef).neighbours;
            let truth = view.search_exactly(&query, recall_profile::K, None).neighbours;
            // Equal vectors may stand for each other: what counts is how close the answer is.
            let least = truth.last().map_or(0.0, |n| n.score);
            let hits = found.iter().filter(|n| n.score >= least - 1e-6).count().min(truth.len());
            let own = found.first().is_some_and(|n| n.score >= truth.first().map_or(0.0, |t| t.score) - 1e-6);
            Some((hits, truth.len(), own))
        };
        let outcomes: Vec<_> = picked.iter().filter_map(one).collect();
        let (hits, possible) = outcomes.iter().fold((0, 0), |(h, p), (hits, of, _)| (h + hits, p + of));
        let unreachable = |s: &Arc<Segment>| {
            let lost = recall_profile::reached(s.graph()).iter().filter(|reached| !**reached).count();
            lost.saturating_sub(s.manifest.unlinked.len())
        };
        Checked {
            sample: outcomes.len(),
            recall: if possible == 0 { 1.0 } else { hits as f32 / possible as f32 },
            lost: outcomes.iter().filter(|(.., own)| !own).count(),
            unreachable: view.segments.iter().map(unreachable).sum(),
            files: view.segments.iter().map(|s| s.manifest.files.len()).sum(),
            damaged: view.segments.iter().filter_map(|s| s.is_whole(&self.writer.stop).err()).collect(),
        }
    }

    /// The `k` nearest neighbours of every row, on all cores, straight from the segments.
    pub fn neighbour_graph(&self, k: usize) -> NeighbourGraph {
        let view = self.writer.view();
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
        if self.writer.view().segments.iter().all(|s| s.is_checked()) {
            return;
        }
        self.spawn(|writer| {
            for segment in writer.view().segments.clone() {
                if writer.stop.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(why) = segment.is_whole(&writer.stop) {
                    tracing::error!("{why}; its rows are read from the store again");
                    writer.complain(Some(why));
                    if let Err(e) = writer.replace(&segment) {
                        tracing::error!("{e}");
                    }
                }
            }
        });
    }

    fn spawn(&self, work: impl FnOnce(&Writer) + Send + 'static) {
        let writer = Arc::clone(&self.writer);
        let mut worker = lock(&self.worker);
        // One after the other: the next waits for the one before.
        let before = worker.take();
        *worker = Some(std::thread::spawn(move || {
            if let Some(before) = before {
                let _ = before.join();
            }
            work(&writer);
        }));
    }
}

/// Says that something is being frozen, until it goes.
struct Busy<'a>(&'a AtomicBool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Drop for SegmentedIndex {
    fn drop(&mut self) {
        self.writer.stop.store(true, Ordering::Relaxed);
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

impl VectorIndex for SegmentedIndex {
    fn kind(&self) -> &'static str {
        "segments"
    }

    fn dimension(&self) -> usize {
        self.dimension()
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn rows(&self) -> RoaringBitmap {
        self.rows()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        self.insert(rows)
    }

    fn remove(&self, rows: &[Row]) -> Result<()> {
        self.remove(rows);
        Ok(())
    }

    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        self.search_many(queries, k, allowed.map(|a| a.rows))
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        self.search_exactly(query, k, allowed.map(|a| a.rows))
    }

    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        Ok(self.vectors(rows))
    }

    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        Ok(self.neighbour_graph(k))
    }

    fn seen(&self, change: u64) {
        self.seen(change);
    }

    fn settle(&self, change: u64, haste: Haste) -> Result<()> {
        match haste {
            Haste::Wait => self.maintain(change),
            Haste::Behind => {
                self.seen(change);
                self.maintain_soon();
                Ok(())
            }
        }
    }

    fn is_due(&self) -> bool {
        self.is_due()
    }

    fn status(&self) -> State {
        self.state()
    }

    fn check(&self, sample: usize) -> Result<Checked> {
        Ok(self.audit(sample))
    }
}
