//! The index folder: generations of graph files, and the manifest that names the one that counts.
//!
//! Order of writing: the files into a new folder, synced; then the manifest beside the old one, synced, and renamed over
//! it. A crash at any point leaves the old manifest with its files, or the new one with its. What no manifest names is
//! swept at the next open. Before anything is read, every length and checksum is compared.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::graph::{Graph, GraphOptions};
use crate::error::{Error, Result};

const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
const NAME: &str = "graph";

/// What the files of a generation hold, and how to know that they are whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    generation: u64,
    /// [`crate::embed::Identity::fingerprint`] of the vectors.
    pub fingerprint: String,
    dimension: usize,
    m: usize,
    ef_construction: usize,
    points: usize,
    /// The store's change number up to which it has read.
    pub change: u64,
    files: Vec<Checked>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Checked {
    name: String,
    bytes: u64,
    blake3: String,
}

/// A graph from the folder, or why there is none.
pub enum Opened {
    /// Whole, and made for these vectors with these parameters.
    Graph(Box<Graph>),
    /// Nothing was ever written here.
    Nothing,
    /// Something is there and cannot be trusted.
    Doubtful(String),
}

/// Reads the generation that the manifest names, if every byte is as it was written.
pub fn open(folder: &Path, fingerprint: &str, dimension: usize, options: GraphOptions, change: u64) -> Opened {
    let path = folder.join(MANIFEST);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Opened::Nothing,
        Err(e) => return Opened::Doubtful(format!("{}: {e}", path.display())),
    };
    let manifest: Manifest = match serde_json::from_slice(&bytes) {
        Ok(m) => m,
        Err(e) => return Opened::Doubtful(format!("{}: {e}", path.display())),
    };
    sweep(folder, Some(manifest.generation));
    if manifest.format != FORMAT {
        return Opened::Doubtful(format!("it has format {}, this program reads {FORMAT}", manifest.format));
    }
    if manifest.fingerprint != fingerprint || manifest.dimension != dimension {
        return Opened::Doubtful("it was made with another model".into());
    }
    if (manifest.m, manifest.ef_construction) != (options.m, options.ef_construction) {
        return Opened::Doubtful("it was made with another m or ef_construction".into());
    }
    if manifest.change > change {
        return Opened::Doubtful("it is newer than the store (an older copy of the store was put back)".into());
    }
    let generation = generation_folder(folder, manifest.generation);
    for file in &manifest.files {
        if let Err(why) = file.check(&generation) {
            return Opened::Doubtful(why);
        }
    }
    match Graph::read(&generation, NAME) {
        Ok(graph) if graph.len() == manifest.points => Opened::Graph(Box::new(graph)),
        Ok(graph) => Opened::Doubtful(format!("it holds {} points and should hold {}", graph.len(), manifest.points)),
        Err(why) => Opened::Doubtful(why),
    }
}

/// Writes a graph as a new generation and makes the manifest name it.
pub fn save(
    folder: &Path,
    graph: &Graph,
    fingerprint: &str,
    dimension: usize,
    options: GraphOptions,
    change: u64,
) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, "cannot make the folder", e))?;
    let generation = newest_generation(folder) + 1;
    let target = generation_folder(folder, generation);
    fs::create_dir_all(&target).map_err(|e| Error::io(&target, "cannot make the folder", e))?;
    // The library truncates, and explains nothing: its words alone would not help anybody.
    if let Err(why) = graph.write(&target, NAME) {
        let _ = fs::remove_dir_all(&target);
        return Err(Error::Data(format!(
            "{}: cannot write the index ({why}; is the disk full?). The papers are safe; it is built again when next opened",
            target.display()
        )));
    }
    let mut files = Vec::new();
    for suffix in ["graph", "data"] {
        files.push(Checked::of(&target, format!("{NAME}.hnsw.{suffix}"))?);
    }
    let (m, ef_construction, points) = (options.m, options.ef_construction, graph.len());
    let fingerprint = fingerprint.to_string();
    let manifest =
        Manifest { format: FORMAT, generation, fingerprint, dimension, m, ef_construction, points, change, files };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| Error::Internal(e.to_string()))?;
    let (aside, path) = (folder.join("manifest.tmp"), folder.join(MANIFEST));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&aside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        sync_folder(&target)?;
        fs::rename(&aside, &path)?;
        sync_folder(folder)
    };
    write().map_err(|e| Error::io(&path, "cannot write", e))?;
    sweep(folder, Some(generation));
    Ok(())
}

/// Takes away what was written here.
pub fn forget(folder: &Path) {
    let _ = fs::remove_file(folder.join(MANIFEST));
    sweep(folder, None);
}

impl Checked {
    fn of(folder: &Path, name: String) -> Result<Self> {
        let path = folder.join(&name);
        let (bytes, blake3) = digest(&path).map_err(|e| Error::io(&path, "cannot read back", e))?;
        File::open(&path).and_then(|f| f.sync_all()).map_err(|e| Error::io(&path, "cannot sync", e))?;
        Ok(Checked { name, bytes, blake3 })
    }

    fn check(&self, folder: &Path) -> Result<(), String> {
        let path = folder.join(&self.name);
        let length = fs::metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?.len();
        if length != self.bytes {
            return Err(format!("{} is {length} bytes long and should be {}", path.display(), self.bytes));
        }
        match digest(&path) {
            Ok((_, blake3)) if blake3 == self.blake3 => Ok(()),
            Ok(_) => Err(format!("{} is damaged: its checksum differs", path.display())),
            Err(e) => Err(format!("{}: {e}", path.display())),
        }
    }
}

fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let bytes = std::io::copy(&mut file, &mut hasher)?;
    Ok((bytes, hasher.finalize().to_hex().to_string()))
}

fn generation_folder(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("g{generation}"))
}

fn generations(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().to_str()?.strip_prefix('g')?.parse().ok()).collect()
}

fn newest_generation(folder: &Path) -> u64 {
    generations(folder).into_iter().max().unwrap_or(0)
}

/// Removes every generation but one. What cannot be removed is left: it does no harm.
fn sweep(folder: &Path, keep: Option<u64>) {
    for generation in generations(folder).into_iter().filter(|g| Some(*g) != keep) {
        let _ = fs::remove_dir_all(generation_folder(folder, generation));
    }
    let _ = fs::remove_file(folder.join("manifest.tmp"));
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Only Unix lets a folder be opened and synced; elsewhere the rename alone has to do.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
