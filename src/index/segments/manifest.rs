//! The index folder: a folder of files for each segment, and the manifest that names those that count.
//!
//! Order of writing: the files into a new folder, synced; then the manifest beside the old one, synced, and renamed over
//! it. A crash at any point leaves the old manifest with its files, or the new one with its. What no manifest names is
//! swept at the next open. Lengths are compared before anything is read, and checksums before it is trusted for good.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::graph::GraphOptions;
use super::recall_profile::RecallProfile;
use crate::error::{Error, Result};
use crate::index::files::{Sum, sync_folder};

const MANIFEST: &str = "manifest.json";
/// What it is called while it is written.
const TEMPORARY: &str = "manifest.tmp";
const FORMAT: u32 = 2;

/// What the index folder holds, and how to know that it is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Machines differ in the order of bytes; the files are in that of the one that wrote them.
    little_endian: bool,
    /// [`crate::embed::Identity::fingerprint`] of the vectors.
    pub fingerprint: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// What the graphs were built with.
    pub graph: GraphOptions,
    /// The store's change number up to which it has read.
    pub change: u64,
    /// The segments that count.
    pub segments: Vec<SegmentManifest>,
}

/// What the folder of a segment holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentManifest {
    /// The folder.
    pub name: String,
    /// Places of each layer of the graph, from the ground up.
    pub layers: Vec<usize>,
    /// Places when the whole graph was last built at once: those that came later are on the ground only.
    pub built: usize,
    /// Places that the graph does not lead to, scored one by one.
    #[serde(rename = "aside")]
    pub unlinked: Vec<u32>,
    /// What it was found to be worth when it was frozen.
    #[serde(rename = "audit")]
    pub recall_profile: RecallProfile,
    /// Its files.
    pub files: Vec<Sum>,
}

/// What the folder's manifest says.
pub enum Read {
    /// It names segments made for these vectors with these parameters.
    Manifest(Manifest),
    /// Nothing was ever written here.
    Nothing,
    /// Something is there and cannot be trusted.
    Doubtful(String),
}

impl Manifest {
    /// For the segments of an index.
    pub fn new(
        fingerprint: &str,
        dimension: usize,
        graph: GraphOptions,
        change: u64,
        segments: Vec<SegmentManifest>,
    ) -> Self {
        let (fingerprint, little_endian) = (fingerprint.to_string(), cfg!(target_endian = "little"));
        Manifest { format: FORMAT, little_endian, fingerprint, dimension, graph, change, segments }
    }

    /// Reads it as it was written, whatever it was made for.
    fn parsed(folder: &Path) -> Read {
        let path = folder.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Read::Nothing,
            Err(e) => return Read::Doubtful(format!("{}: {e}", path.display())),
        };
        // The manifest carries its own checksum on the first line: a flipped digit in a count would still be JSON.
        let text = String::from_utf8_lossy(&bytes);
        let Some((sum, body)) = text.split_once('\n') else {
            return Read::Doubtful(format!("{} is cut off", path.display()));
        };
        if sum != blake3::hash(body.as_bytes()).to_hex().as_str() {
            return Read::Doubtful(format!("{} is damaged, or of another version of this program", path.display()));
        }
        let manifest: Manifest = match serde_json::from_str(body) {
            Ok(m) => m,
            Err(e) => return Read::Doubtful(format!("{}: {e}", path.display())),
        };
        if (manifest.format, manifest.little_endian) != (FORMAT, cfg!(target_endian = "little")) {
            return Read::Doubtful(format!("it has format {}, this program reads {FORMAT}", manifest.format));
        }
        Read::Manifest(manifest)
    }

    /// Whether it is of a later state of the store than this one.
    fn is_newer(&self, change: u64) -> bool {
        self.change > change
    }

    /// Reads it, and sweeps what it does not name.
    pub fn read(folder: &Path, fingerprint: &str, dimension: usize, graph: GraphOptions, change: u64) -> Read {
        let manifest = match Manifest::parsed(folder) {
            Read::Manifest(manifest) => manifest,
            Read::Nothing => {
                sweep(folder, &[]);
                return Read::Nothing;
            }
            doubtful => return doubtful,
        };
        if (manifest.fingerprint.as_str(), manifest.dimension) != (fingerprint, dimension) {
            return Read::Doubtful("it was made with another model".into());
        }
        if manifest.graph != graph {
            return Read::Doubtful("it was made with another m or ef_construction".into());
        }
        if manifest.is_newer(change) {
            return Read::Doubtful("it is newer than the store (an older copy of the store was put back)".into());
        }
        let named: Vec<&str> = manifest.segments.iter().map(|s| s.name.as_str()).collect();
        sweep(folder, &named);
        Read::Manifest(manifest)
    }

    /// Makes it the one that counts.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written; the old one still counts then.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let body = serde_json::to_string_pretty(self).map_err(|e| Error::Internal(e.to_string()))?;
        let text = format!("{}\n{body}", blake3::hash(body.as_bytes()).to_hex());
        let (temporary, path) = (folder.join(TEMPORARY), folder.join(MANIFEST));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            sync_folder(folder)
        };
        write().map_err(|e| Error::io(&path, "cannot write", e))
    }
}

/// Makes the folder of a new segment and gives its name.
pub fn new_segment(folder: &Path) -> Result<String> {
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, "cannot make the folder", e))?;
    let newest = segments(folder).iter().filter_map(|s| s[1..].parse::<u64>().ok()).max().unwrap_or(0);
    let name = format!("s{}", newest + 1);
    let path = folder.join(&name);
    fs::create_dir_all(&path).map_err(|e| Error::io(&path, "cannot make the folder", e))?;
    Ok(name)
}

/// Takes away segments that are newer than the store, and those of which that cannot be told, for an index of another kind over
/// the same folder: once the store has gone on, nothing would show that an older copy of it was put back, and rows mean other
/// papers since.
pub fn forget_newer(folder: &Path, change: u64) {
    let why = match Manifest::parsed(folder) {
        Read::Manifest(manifest) if manifest.is_newer(change) => "they are newer than the store".to_string(),
        Read::Manifest(_) | Read::Nothing => return,
        Read::Doubtful(why) => why,
    };
    tracing::warn!("the segments of the index were removed: {why}");
    forget(folder);
}

/// Takes away what was written here.
pub fn forget(folder: &Path) {
    let _ = fs::remove_file(folder.join(MANIFEST));
    sweep(folder, &[]);
}

fn segments(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|e| e.file_name().to_str().map(str::to_string));
    // `g` stood for the folders of an earlier format.
    let ours = |n: &String| n.starts_with(['s', 'g']) && n.len() > 1 && n[1..].bytes().all(|b| b.is_ascii_digit());
    names.filter(ours).collect()
}

/// Removes every segment that is not named. What cannot be removed is left: it does no harm.
fn sweep(folder: &Path, named: &[&str]) {
    for name in segments(folder).into_iter().filter(|n| !named.contains(&n.as_str())) {
        let _ = fs::remove_dir_all(folder.join(name));
    }
    let _ = fs::remove_file(folder.join(TEMPORARY));
}
