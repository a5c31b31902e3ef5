//! What changes the index: rows come in, gather, are frozen and merged, and a new view takes the old one's place.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use roaring::RoaringBitmap;

use super::freeze::{self, FreezeTask, Making};
use super::graph::GraphOptions;
use super::live::Block;
use super::manifest::Manifest;
use super::segment::Segment;
use super::view::View;
use crate::error::{Error, Result};
use crate::index::background::{WorkerState, behind_requests, lock};
use crate::index::{IndexOptions, Opening, Source, in_batches};
use crate::paper::Row;

/// The current view, and everything that puts another in its place.
pub struct Writer {
    pub dimension: usize,
    pub options: IndexOptions,
    pub fingerprint: String,
    pub folder: PathBuf,
    // A lock only around the pointer: searches take a copy of it and let go at once.
    pub view: RwLock<Arc<View>>,
    // Held while a new view is made from the current one.
    pub writing: Mutex<()>,
    // Held while segments are written, by one at a time.
    pub freezing: Mutex<()>,
    pub change: AtomicU64,
    /// Of the thread that freezes.
    pub state: Arc<WorkerState>,
    pub source: Box<Source>,
}

impl Writer {
    pub fn new(opening: Opening<'_>) -> Self {
        Writer {
            dimension: opening.dimension,
            options: opening.options,
            fingerprint: opening.fingerprint.to_string(),
            folder: opening.folder.to_path_buf(),
            view: RwLock::default(),
            writing: Mutex::default(),
            freezing: Mutex::default(),
            change: AtomicU64::new(opening.change),
            state: Arc::default(),
            source: opening.source,
        }
    }

    /// What the graphs are built with.
    pub fn graph_options(&self) -> GraphOptions {
        GraphOptions { m: self.options.m, ef_construction: self.options.ef_construction }
    }

    /// The `ef_search` of a segment: the one set, or the least that was measured to reach the recall asked for.
    pub fn ef_for(&self, segment: &Segment) -> usize {
        self.options.recall.and_then(|r| segment.manifest.recall_profile.ef_for(r)).unwrap_or(self.options.ef_search)
    }

    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn put(&self, view: View) {
        let old = std::mem::replace(&mut *self.view.write().unwrap_or_else(PoisonError::into_inner), Arc::new(view));
        // Unmapping may take a while; the lock is free again by now.
        drop(old);
    }

    /// Puts rows into blocks; who calls has checked the vectors.
    pub fn insert(&self, rows: &[(Row, &[f32])]) {
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
    pub fn read(&self, rows: &RoaringBitmap) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        in_batches(&*self.source, rows, self.dimension, &mut |batch| {
            self.insert(batch);
            Ok(())
        })
    }

    /// Takes a damaged segment out and puts what the store has of its rows in its place.
    pub fn replace(&self, damaged: &Arc<Segment>) -> Result<()> {
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
        self.state.complain(None);
        Ok(())
    }

    /// Freezes and merges until nothing is due, on one thread that lets all others go first.
    pub fn tidy_on_one_thread(&self) -> Result<()> {
        behind_requests(1, || self.tidy())?
    }

    /// Freezes and merges until nothing is due.
    pub fn tidy(&self) -> Result<()> {
        let _freezing = lock(&self.freezing);
        while !self.state.is_stopped() {
            let (job, sealed) = {
                let _writing = lock(&self.writing);
                let mut view = (*self.view()).clone();
                let Some(job) = FreezeTask::choose(&view, self.options.exact_below) else { break };
                let live = std::mem::take(&mut view.live);
                view.sealed.extend(live);
                self.put(view.clone());
                (job, view)
            };
            let began = Instant::now();
            let making = Making {
                graph: self.graph_options(),
                dimension: self.dimension,
                checked_at_once: self.options.checked_at_once,
                stop: self.state.stop(),
            };
            let frozen = freeze::freeze(&self.folder, &job, &sealed, making);
            let named = match frozen {
                Ok(_) if self.state.is_stopped() => break,
                Ok(segment) => self.swap(&job, segment.map(Arc::new)),
                Err(e) => Err(e),
            };
            if let Err(e) = named {
                self.state.complain(Some(e.to_string()));
                // What was sealed is live again, and found as before.
                let _writing = lock(&self.writing);
                let mut view = (*self.view()).clone();
                let live = std::mem::take(&mut view.live);
                view.live = std::mem::take(&mut view.sealed);
                view.live.extend(live);
                self.put(view);
                return Err(e);
            }
            self.state.complain(None);
            let view = self.view();
            let sizes: Vec<usize> = view.segments.iter().map(|s| s.len()).collect();
            tracing::info!("froze the index into segments of {sizes:?} rows in {:.1} s", began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Puts a new segment in the place of what it was made from: on disk first, then for the searches.
    pub fn swap(&self, job: &FreezeTask, segment: Option<Arc<Segment>>) -> Result<()> {
        let _writing = lock(&self.writing);
        let mut view = (*self.view()).clone();
        let old: Vec<Arc<Segment>> = job.replaced().cloned().collect();
        view.segments.retain(|s| !old.iter().any(|o| Arc::ptr_eq(o, s)));
        view.segments.extend(segment);
        view.sealed.clear();
        let manifests = view.segments.iter().map(|s| s.manifest.clone()).collect();
        let change = self.change.load(Ordering::Relaxed);
        std::fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, "cannot make the folder", e))?;
        Manifest::new(&self.fingerprint, self.dimension, self.graph_options(), change, manifests)
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
