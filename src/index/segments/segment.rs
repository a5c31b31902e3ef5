//! A frozen part of the index: files that are mapped and never change.
//!
//! `codes` and `scales` are what the walk reads, `links` is the graph, `vectors` (half precision) score the best few again
//! and stay on disk until they are read, `rows` says which row stands at a place.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use roaring::RoaringBitmap;

use super::codes::{Codes, stride};
use super::graph::{self, Graph};
use super::manifest::SegmentManifest;
use super::map::Mapped;
use super::walk::NOBODY;

/// A frozen segment.
pub struct Segment {
    /// What the folder holds.
    pub manifest: SegmentManifest,
    /// Where its files are.
    pub folder: PathBuf,
    /// The row at each place.
    pub rows: Mapped<u32>,
    bytes: Mapped<u8>,
    scales: Mapped<f32>,
    links: Mapped<u32>,
    vectors: Mapped<u16>,
    /// Whether opening it compared all checksums.
    checked: bool,
    m: usize,
    dimension: usize,
    /// Places by row, from the smallest row on.
    places: Vec<u32>,
    first: u32,
    /// The same rows as a set, to be counted against others quickly.
    members: RoaringBitmap,
}

impl Segment {
    /// Maps the files that a manifest names. Lengths are compared, and all checksums where they come to no more than `quick`
    /// bytes ([`Segment::is_whole`] for the rest).
    ///
    /// # Errors
    /// Why they cannot be trusted.
    pub fn open(
        index: &Path,
        manifest: SegmentManifest,
        dimension: usize,
        m: usize,
        quick: u64,
    ) -> Result<Self, String> {
        let folder = index.join(&manifest.name);
        for file in &manifest.files {
            file.has_length(&folder)?;
        }
        let checked = manifest.files.iter().map(|f| f.bytes()).sum::<u64>() <= quick;
        for file in manifest.files.iter().filter(|f| checked || ["rows", "scales"].contains(&f.name.as_str())) {
            file.is_whole(&folder, &AtomicBool::new(false))?;
        }
        let said = |e: crate::Error| e.to_string();
        let segment = Segment {
            rows: Mapped::open(&folder.join("rows")).map_err(said)?,
            bytes: Mapped::open(&folder.join("codes")).map_err(said)?,
            scales: Mapped::open(&folder.join("scales")).map_err(said)?,
            links: Mapped::open(&folder.join("links")).map_err(said)?,
            vectors: Mapped::open(&folder.join("vectors")).map_err(said)?,
            manifest,
            folder,
            checked,
            m,
            dimension,
            places: Vec::new(),
            first: 0,
            members: RoaringBitmap::new(),
        };
        segment.measured()?.placed()
    }

    /// Whether the files fit together: everything after this may index without asking.
    fn measured(self) -> Result<Self, String> {
        let n = self.rows.len();
        let layers = &self.manifest.layers;
        let falling = layers.first() == Some(&n) && layers.is_sorted_by(|a, b| a >= b) && layers.iter().all(|l| *l > 0);
        let fits = falling
            && self.scales.len() == n
            && self.bytes.len() == n * stride(self.dimension)
            && self.vectors.len() == n * self.dimension
            && self.links.len() == graph::links(layers, self.m)
            && self.manifest.unlinked.iter().all(|p| (*p as usize) < n);
        if fits { Ok(self) } else { Err(format!("the files in {} do not fit together", self.folder.display())) }
    }

    fn placed(mut self) -> Result<Self, String> {
        let (first, last) = (self.rows.iter().min().copied(), self.rows.iter().max().copied());
        if let (Some(first), Some(last)) = (first, last) {
            self.first = first;
            self.places = vec![NOBODY; (last - first) as usize + 1];
            for (place, row) in self.rows.iter().enumerate() {
                self.places[(row - first) as usize] = place as u32;
            }
            let standing = self.places.iter().zip(first..=last).filter(|(place, _)| **place != NOBODY);
            self.members = standing.map(|(_, row)| row).collect();
        }
        Ok(self)
    }

    /// Whether every byte is as it was written; else why not. Reads everything, until `stop` is set.
    pub fn is_whole(&self, stop: &AtomicBool) -> Result<(), String> {
        self.manifest.files.iter().try_for_each(|f| f.is_whole(&self.folder, stop))
    }

    /// Whether opening it compared all checksums.
    pub fn is_checked(&self) -> bool {
        self.checked
    }

    /// Places, the dead ones included.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The codes, by place.
    pub fn codes(&self) -> Codes<'_> {
        Codes { bytes: &self.bytes, scales: &self.scales, stride: stride(self.dimension) }
    }

    /// The graph over the places.
    pub fn graph(&self) -> Graph<'_> {
        Graph { layers: &self.manifest.layers, links: &self.links, m: self.m }
    }

    /// The vector at a place, as the bits of half-precision numbers.
    pub fn vector(&self, place: u32) -> &[u16] {
        &self.vectors[place as usize * self.dimension..][..self.dimension]
    }

    /// Where a row stands.
    pub fn place(&self, row: u32) -> Option<u32> {
        let at = row.checked_sub(self.first)? as usize;
        self.places.get(at).copied().filter(|p| *p != NOBODY)
    }

    /// Smallest and greatest row.
    pub fn range(&self) -> std::ops::RangeInclusive<u32> {
        self.first..=self.first.saturating_add((self.places.len() as u32).saturating_sub(1))
    }

    /// How many of some rows stand here. Not those in its range: once segments were built anew, others' rows lie there too.
    pub fn count(&self, rows: &RoaringBitmap) -> usize {
        self.members.intersection_len(rows) as usize
    }

    /// Has the system read ahead what every walk needs.
    pub fn warm(&self) {
        self.bytes.will_need();
        self.links.will_need();
    }
}
