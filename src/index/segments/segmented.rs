//! The index that serves by default: frozen segments, what came since, and a thread that freezes and merges behind the
//! searches.
//!
//! A search takes one [`View`] and reads it to the end; whoever writes puts a new view in its place. Rows that come are in
//! a block in memory at once. When enough have gathered they are sealed, frozen into a segment, and the segment takes their
//! place: first in the manifest on disk, then in the view. Nothing that is searched is ever changed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::freeze::FreezeTask;
use super::manifest::{self, Manifest, Read};
use super::recall_profile;
use super::segment::Segment;
use super::view::{Asked, View};
use super::writer::Writer;
use crate::config::IndexKind;
use crate::error::Result;
use crate::index::background::{Worker, lock};
use crate::index::kernel::Kernel;
use crate::index::{
    Allowed, Found, Haste, IndexCheck, IndexStatus, Neighbour, NeighbourGraph, OpenReport, Opening, VectorIndex, check,
    check_by_searching,
};
use crate::paper::Row;

/// Frozen segments and what came since.
pub struct SegmentedIndex {
    writer: Arc<Writer>,
    // The thread that freezes; closing waits for it.
    worker: Worker,
}

impl SegmentedIndex {
    /// Opens the index over the rows of the store: maps the segments in its folder that are whole, reads what they lack from
    /// the source, and forgets what the store no longer has. Big files are compared with their checksums in the background;
    /// one that is damaged is then replaced from the source as well.
    ///
    /// # Errors
    /// Whatever the source returns.
    pub fn open(opening: Opening<'_>) -> Result<(Self, OpenReport)> {
        let Opening { folder, dimension, options, change, rows, .. } = opening;
        let writer = Writer::new(opening);
        let mut report = OpenReport::default();
        let mut segments = Vec::new();
        match Manifest::read(folder, &writer.fingerprint, dimension, writer.graph_options(), change) {
            Read::Manifest(mut manifest) => {
                for segment in manifest.segments.clone() {
                    let name = segment.name.clone();
                    match Segment::open(folder, segment, dimension, options.m, options.checked_at_once) {
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
                manifest::forget(folder);
                report.doubt = Some(why);
            }
        }
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
        let worker = Worker::new("segments", Arc::clone(&writer.state));
        let index = SegmentedIndex { writer: Arc::new(writer), worker };
        index.verify();
        Ok((index, report))
    }

    /// Freezes and merges what is due behind the searches, on one thread, and does not wait.
    fn tidy_soon(&self) {
        if self.is_due() {
            let writer = Arc::clone(&self.writer);
            self.worker.start_unless_busy(move || writer.tidy_on_one_thread());
        }
    }

    /// Waits for what is done behind the searches.
    #[cfg(test)]
    pub fn wait(&self) {
        self.worker.wait();
    }

    /// Compares big files with their checksums behind the searches.
    fn verify(&self) {
        if self.writer.view().segments.iter().all(|s| s.is_checked()) {
            return;
        }
        let writer = Arc::clone(&self.writer);
        self.worker.start(move || {
            for segment in writer.view().segments.clone() {
                if writer.state.is_stopped() {
                    break;
                }
                if let Err(why) = segment.is_whole(writer.state.stop()) {
                    tracing::error!("{why}; its rows are read from the store again");
                    writer.state.complain(Some(why));
                    if let Err(e) = writer.replace(&segment) {
                        tracing::error!("{e}");
                    }
                }
            }
            Ok(())
        });
    }
}

impl VectorIndex for SegmentedIndex {
    fn name(&self) -> &'static str {
        IndexKind::Segments.name()
    }

    fn dimension(&self) -> usize {
        self.writer.dimension
    }

    fn len(&self) -> usize {
        self.writer.view().len
    }

    fn rows(&self) -> RoaringBitmap {
        self.writer.view().rows()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        for (_, v) in rows {
            check(v, self.writer.dimension)?;
        }
        self.writer.insert(rows);
        self.tidy_soon();
        Ok(())
    }

    fn remove(&self, rows: &[Row]) -> Result<()> {
        let _writing = lock(&self.writer.writing);
        let mut view = (*self.writer.view()).clone();
        let mut dead = (*view.dead).clone();
        let gone = rows.iter().filter(|row| view.holds(row.0) && dead.insert(row.0)).count();
        if gone > 0 {
            view.len -= gone;
            view.dead = Arc::new(dead);
            self.writer.put(view);
        }
        Ok(())
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        check(query, self.writer.dimension)?;
        let rows_a_step = self.writer.options.rows_a_step;
        let asked = Asked { query, k, allowed: allowed.map(|a| a.rows), rows_a_step, from: None };
        Ok(self.writer.view().search(asked, |s| self.writer.ef_for(s)))
    }

    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        // One alone is not worth waking another thread for.
        if let [query] = queries {
            return Ok(vec![self.search(query, k, allowed)?]);
        }
        queries.par_iter().map(|query| self.search(query, k, allowed)).collect()
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        check(query, self.writer.dimension)?;
        Ok(self.writer.view().search_exactly(query, k, allowed.map(|a| a.rows)))
    }

    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        let view = self.writer.view();
        Ok(rows.iter().map(|row| view.vector(row.0)).collect())
    }

    /// Straight from the segments: a walk begins at the row's own place.
    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
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
        Ok(NeighbourGraph { rows, neighbours })
    }

    fn seen(&self, change: u64) {
        self.writer.change.fetch_max(change, Ordering::Relaxed);
    }

    fn settle(&self, change: u64, haste: Haste) -> Result<()> {
        self.seen(change);
        match haste {
            Haste::Wait => self.writer.tidy(),
            Haste::Behind => {
                self.tidy_soon();
                Ok(())
            }
        }
    }

    fn is_due(&self) -> bool {
        FreezeTask::choose(&self.writer.view(), self.writer.options.exact_below).is_some()
    }

    fn lasts(&self) -> bool {
        true
    }

    fn status(&self) -> IndexStatus {
        let view = self.writer.view();
        let points: usize = view.segments.iter().map(|s| s.len()).sum();
        let live: usize = view.sealed.iter().chain(&view.live).map(|b| b.rows.len()).sum();
        let ef = |s: &Arc<Segment>| self.writer.ef_for(s);
        let recall =
            |s: &Arc<Segment>| Some(s.manifest.recall_profile.recall_at(ef(s))? * s.len() as f32 / points as f32);
        IndexStatus {
            rows: view.len,
            segments: view.segments.len(),
            points,
            dead: (points + live).saturating_sub(view.len),
            live,
            recall: view.segments.iter().map(recall).sum::<Option<f32>>().filter(|_| points > 0),
            ef_search: view.segments.iter().map(ef).max().unwrap_or(self.writer.options.ef_search),
            unreachable: view.segments.iter().map(|s| s.manifest.recall_profile.unreachable).sum(),
            unlinked: view.segments.iter().map(|s| s.manifest.unlinked.len()).sum(),
            kernel: Kernel::best().name(),
            freezing: self.writer.state.is_busy(),
            trouble: self.writer.state.trouble(),
        }
    }

    fn check(&self, sample: usize) -> Result<IndexCheck> {
        let view = self.writer.view();
        let unreachable = |s: &Arc<Segment>| {
            let lost = recall_profile::reached(s.graph()).iter().filter(|reached| !**reached).count();
            lost.saturating_sub(s.manifest.unlinked.len())
        };
        Ok(IndexCheck {
            unreachable: Some(view.segments.iter().map(unreachable).sum()),
            files: view.segments.iter().map(|s| s.manifest.files.len()).sum(),
            damaged: view.segments.iter().filter_map(|s| s.is_whole(self.writer.state.stop()).err()).collect(),
            ..check_by_searching(self, sample)?
        })
    }
}
