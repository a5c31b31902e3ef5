//! The index folder: a folder of files for each segment, and the manifest that names those that count.
//!
//! Order of writing: the files into a new folder, synced; then the manifest beside the old one, synced, and renamed over
//! it. A crash at any point leaves the old manifest with its files, or the new one with its. What no manifest names is
//! swept at the next open. Lengths are compared before anything is read, and checksums before it is trusted for good.

use std::fs::{self, File};
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::graph::GraphOptions;
use super::map::{Plain, bytes_of};
use super::recall_profile::RecallProfile;
use crate::error::{Error, Result};

const MANIFEST: &str = "manifest.json";
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
    pub audit: RecallProfile,
    /// Its files.
    pub files: Vec<Sum>,
}

/// A file, and how to know that it is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// Its name in the folder.
    pub name: String,
    bytes: u64,
    blake3: String,
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

    /// Reads it, and sweeps what it does not name.
    pub fn read(folder: &Path, fingerprint: &str, dimension: usize, graph: GraphOptions, change: u64) -> Read {
        let path = folder.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                sweep(folder, &[]);
                return Read::Nothing;
            }
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
        let here = Manifest::new(fingerprint, dimension, graph, change, Vec::new());
        if (manifest.format, manifest.little_endian) != (FORMAT, here.little_endian) {
            return Read::Doubtful(format!("it has format {}, this program reads {FORMAT}", manifest.format));
        }
        if (&manifest.fingerprint, manifest.dimension) != (&here.fingerprint, dimension) {
            return Read::Doubtful("it was made with another model".into());
        }
        if manifest.graph != graph {
            return Read::Doubtful("it was made with another m or ef_construction".into());
        }
        if manifest.change > change {
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
        let (unlinked, path) = (folder.join("manifest.tmp"), folder.join(MANIFEST));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&unlinked)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unlinked, &path)?;
            sync_folder(folder)
        };
        write().map_err(|e| Error::io(&path, "cannot write", e))
    }
}

/// Bytes gathered before they are written and added to the checksum, and read at a time when it is compared.
const BLOCK: usize = 1 << 20;

/// Writes one file of a segment, taking its checksum on the way.
pub struct Writing {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    block: Vec<u8>,
    bytes: u64,
    /// Whether it must outlast a loss of power.
    lasting: bool,
}

impl Writing {
    /// A new file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(folder: &Path, name: &str, lasting: bool) -> Result<Self> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(|e| Error::io(&path, "cannot write", e))?;
        Ok(Writing { path, file, hasher: blake3::Hasher::new(), block: Vec::with_capacity(BLOCK), bytes: 0, lasting })
    }

    /// Appends numbers.
    ///
    /// # Errors
    /// [`Error::Io`], for example when the disk is full.
    pub fn put<T: Plain>(&mut self, numbers: &[T]) -> Result<()> {
        self.block.extend_from_slice(bytes_of(numbers));
        if self.block.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.hasher.update(&self.block);
        self.bytes += self.block.len() as u64;
        self.file.write_all(&self.block).map_err(|e| Error::io(&self.path, "cannot write", e))?;
        self.block.clear();
        Ok(())
    }

    /// Has the system put it on the disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<Sum> {
        self.flush()?;
        if self.lasting {
            self.file.sync_all().map_err(|e| Error::io(&self.path, "cannot write", e))?;
        }
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Sum { name, bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() })
    }
}

impl Sum {
    /// Of a file that holds these bytes.
    pub fn of(name: String, bytes: &[u8]) -> Self {
        Sum { name, bytes: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() }
    }

    /// Whether the file has its length; else why not.
    pub fn has_length(&self, folder: &Path) -> std::result::Result<(), String> {
        let path = folder.join(&self.name);
        match fs::metadata(&path) {
            Ok(m) if m.len() == self.bytes => Ok(()),
            Ok(m) => Err(format!("{} is {} bytes long and should be {}", path.display(), m.len(), self.bytes)),
            Err(e) => Err(format!("{}: {e}", path.display())),
        }
    }

    /// Whether every byte is as it was written; else why not. Reads the whole file, a block at a time, until `stop` is set:
    /// then nothing is said against it.
    pub fn is_whole(&self, folder: &Path, stop: &AtomicBool) -> std::result::Result<(), String> {
        let path = folder.join(&self.name);
        let digest = || -> std::io::Result<Option<blake3::Hash>> {
            let (mut file, mut hasher, mut block) = (File::open(&path)?, blake3::Hasher::new(), vec![0; BLOCK]);
            while !stop.load(Ordering::Relaxed) {
                match file.read(&mut block) {
                    Ok(0) => return Ok(Some(hasher.finalize())),
                    Ok(n) => {
                        hasher.update(&block[..n]);
                    }
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(None)
        };
        match digest() {
            Ok(sum) if sum.is_none_or(|sum| sum.to_hex().as_str() == self.blake3) => Ok(()),
            Ok(_) => Err(format!("{} is damaged: its checksum differs", path.display())),
            Err(e) => Err(format!("{}: {e}", path.display())),
        }
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
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

/// Has the system remember the names in a folder.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Only Unix lets a folder be opened and synced; elsewhere the rename alone has to do.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
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
    let _ = fs::remove_file(folder.join("manifest.tmp"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_stop_reads_no_further() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writing = Writing::create(folder.path(), "x", false).expect("created");
        writing.put(&vec![7u8; BLOCK + 5]).expect("written");
        let file = writing.finish().expect("written");
        let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
        assert_eq!(file.is_whole(folder.path(), &go), Ok(()));
        let mut bytes = fs::read(folder.path().join("x")).expect("there");
        bytes[BLOCK + 2] = 8;
        fs::write(folder.path().join("x"), bytes).expect("written");
        assert!(file.is_whole(folder.path(), &go).is_err());
        assert_eq!(file.is_whole(folder.path(), &stop), Ok(()));
    }
}
