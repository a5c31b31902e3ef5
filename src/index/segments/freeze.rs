//! From segments and blocks to one new segment: files written, graph built, measured, and mended where it leaks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use roaring::RoaringBitmap;

use super::codes::{Codes, stride};
use super::graph::{self, Building, GraphOptions};
use super::manifest::{self, SegmentManifest};
use super::map::Mapped;
use super::recall_profile::{self, Full, RecallProfile};
use super::segment::Segment;
use super::view::{Part, View};
use super::writing::Writing;
use crate::error::{Error, Result};
use crate::index::files;

/// Places that are linked last, so that the graph can be measured with vectors it has not seen.
const HELD_OUT: usize = 200;

/// Share of a segment's places that are dead from which it is built anew.
const DEAD_SHARE: f64 = 0.2;

/// A segment at least this many times the rest is added to, rather than built anew with it, when its turn comes.
const TURN: usize = 8;

/// Small segments that may stand beside the big one.
const SMALL_SEGMENTS: usize = 3;

/// Growth of a graph, all of it on the ground, from which it is built anew.
const GROWTH: usize = 4;

/// What becomes one segment.
pub struct FreezeTask {
    /// Its places come first, with their links.
    pub base: Option<Arc<Segment>>,
    /// Their live rows follow.
    pub others: Vec<Arc<Segment>>,
}

impl FreezeTask {
    /// What to do with a view whose blocks hold more than `exact_below` rows (or that is to be brought into order
    /// anyway); none when nothing needs doing.
    pub fn choose(view: &View, exact_below: usize) -> Option<FreezeTask> {
        let waiting: usize = view.sealed.iter().chain(&view.live).map(|b| b.rows.len()).sum();
        let dead = |s: &Segment| s.count(&view.dead) as f64 / s.len().max(1) as f64;
        let (rotten, mut sound): (Vec<_>, Vec<_>) =
            view.segments.iter().cloned().partition(|s| dead(s) > DEAD_SHARE || s.len() > GROWTH * s.manifest.built);
        let due = waiting > exact_below && view.len > exact_below;
        if !due && rotten.is_empty() {
            return None;
        }
        // The biggest first.
        sound.sort_by_key(|s| std::cmp::Reverse(s.len()));
        let small = sound.split_off(sound.len().min(1));
        let big = sound.pop();
        let moving: usize = waiting + small.iter().chain(&rotten).map(|s| s.len()).sum::<usize>();
        let mut others = rotten;
        let base = match big {
            // Enough has gathered to be added to the big one.
            Some(big) if moving * TURN >= big.len() => {
                others.extend(small);
                // One without layers above the ground has nothing to enter a greater one by.
                if big.manifest.layers.len() > 1 {
                    Some(big)
                } else {
                    others.push(big);
                    None
                }
            }
            _ if small.len() >= SMALL_SEGMENTS => {
                let mut small = small.into_iter();
                let base = small.next();
                others.extend(small);
                base
            }
            _ => None,
        };
        Some(FreezeTask { base, others })
    }

    /// The segments that the new one takes the place of.
    pub fn replaced(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.base.iter().chain(&self.others)
    }
}

/// How a segment is made.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// What its graph is built with.
    pub graph: GraphOptions,
    /// Numbers in a vector.
    pub dimension: usize,
    /// Bytes up to which its checksums are compared at once when it is opened.
    pub checked_at_once: u64,
    /// Set by who wants it to stop.
    pub stop: &'a AtomicBool,
}

/// Writes the segment that a job and the sealed blocks of a view make. `Ok(None)` when there are no rows for one, or it was
/// told to stop; nothing is left in the folder then. The graph is built on the threads of the pool it is called in.
///
/// # Errors
/// [`Error::Io`] when it cannot be written, [`Error::Data`] when it cannot be read back.
pub fn freeze(folder: &Path, job: &FreezeTask, view: &View, making: Making<'_>) -> Result<Option<Segment>> {
    let order = order(job, view, making.graph.m);
    if order.total == 0 {
        return Ok(None);
    }
    let name = manifest::new_segment(folder)?;
    let target = folder.join(&name);
    match write(&name, &target, job, &order, making) {
        Ok(Some(manifest)) => {
            let opened = Segment::open(folder, manifest, making.dimension, making.graph.m, making.checked_at_once);
            opened.map(Some).map_err(|why| Error::Data(format!("the index was written and is not as it was: {why}")))
        }
        other => {
            // What was half-written means nothing to anybody.
            let _ = std::fs::remove_dir_all(&target);
            other.map(|_| None)
        }
    }
}

/// Which row comes from where, place by place.
struct Order<'a> {
    /// The places of the base come as they are.
    base: Option<Part<'a>>,
    /// Then these.
    new: Vec<(Part<'a>, u32)>,
    total: usize,
    /// How many of the last are held out of the graph while it is measured.
    held_out: usize,
}

fn order<'a>(job: &'a FreezeTask, view: &'a View, m: usize) -> Order<'a> {
    let base = job.base.as_ref().map(|s| Part::Segment(s));
    let others = job.others.iter().map(|s| Part::Segment(s));
    let mut new: Vec<(u64, u32, Part<'_>, u32)> = Vec::new();
    for part in others.chain(view.sealed.iter().map(|b| Part::Block(b))) {
        let alive = part.rows().iter().enumerate().filter(|(_, row)| !view.dead.contains(**row));
        new.extend(alive.map(|(place, row)| (scatter(*row), *row, part, place as u32)));
    }
    // At random, but the same for the same rows: the first are the layers above the ground of a new graph, the last are
    // held out. Between them in the order they came, which neighbours in time share.
    new.sort_unstable_by_key(|(random, ..)| *random);
    let sample = if base.is_none() { graph::layers(new.len(), m).get(1).copied().unwrap_or(0) } else { 0 };
    let held_out = HELD_OUT.min(new.len() / 8);
    let end = new.len() - held_out;
    new[sample.min(end)..end].sort_unstable_by_key(|(_, row, ..)| *row);
    let total = base.map_or(0, |b| b.rows().len()) + new.len();
    Order { base, new: new.into_iter().map(|(_, _, part, place)| (part, place)).collect(), total, held_out }
}

/// A number for a row that has nothing to do with its neighbours'. Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014.
pub fn scatter(row: u32) -> u64 {
    let mut z = u64::from(row).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn write(
    name: &str,
    target: &Path,
    job: &FreezeTask,
    order: &Order<'_>,
    making: Making<'_>,
) -> Result<Option<SegmentManifest>> {
    let Making { graph: options, dimension, stop, .. } = making;
    let mut files = Vec::new();
    {
        let mut codes = Writing::create(target, "codes")?;
        let mut scales = Writing::create(target, "scales")?;
        let mut vectors = Writing::create(target, "vectors")?;
        let mut rows = Writing::create(target, "rows")?;
        let mut put = |part: Part<'_>, place: u32| -> Result<()> {
            let from = part.codes();
            codes.put(from.record(place))?;
            scales.put(&from.scales[place as usize..=place as usize])?;
            vectors.put(part.vector(place))?;
            rows.put(&part.rows()[place as usize..=place as usize])
        };
        if let Some(base) = order.base {
            for place in 0..base.rows().len() as u32 {
                put(base, place)?;
            }
        }
        for (part, place) in &order.new {
            put(*part, *place)?;
        }
        for file in [codes, scales, vectors, rows] {
            files.push(file.finish()?);
        }
    }
    let bytes: Mapped<u8> = Mapped::open(&target.join("codes"))?;
    let scales: Mapped<f32> = Mapped::open(&target.join("scales"))?;
    let vectors: Mapped<u16> = Mapped::open(&target.join("vectors"))?;
    let codes = Codes { bytes: &bytes, scales: &scales, stride: stride(dimension) };
    let base = job.base.as_ref().map(|s| s.graph());
    let building = Building::new(options, codes, base, stop);
    let seen = order.total - order.held_out;
    if !building.link(seen) {
        return Ok(None);
    }
    let full = Full { vectors: &vectors, dimension };
    let measured =
        building.so_far(seen, |graph| recall_profile::curve(graph, codes, full, seen as u32..order.total as u32));
    if !building.link(order.total) {
        return Ok(None);
    }
    let (layers, mut links) = building.finish();
    let (unlinked, unreachable) = recall_profile::link_in(&layers, &mut links, options.m);
    let mut writing = Writing::create(target, "links")?;
    writing.put(&links)?;
    files.push(writing.finish()?);
    files::sync_folder(target).map_err(|e| Error::io(target, "cannot write", e))?;
    let before = job.base.as_ref().map(|s| &s.manifest);
    let measured = match before {
        // Too few are new to measure anything by.
        Some(before) if measured.sample < HELD_OUT / 2 => before.recall_profile.clone(),
        _ => measured,
    };
    Ok(Some(SegmentManifest {
        name: name.to_string(),
        built: before.map_or(layers[0], |b| b.built),
        layers,
        unlinked,
        recall_profile: RecallProfile { unreachable, ..measured },
        files,
    }))
}

/// The dead rows that still stand somewhere.
pub fn still_dead(view: &View) -> RoaringBitmap {
    view.dead.iter().filter(|row| view.holds(*row)).collect()
}
