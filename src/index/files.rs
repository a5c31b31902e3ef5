//! Files that are written once: their lengths and checksums, and folders that last.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

/// Bytes read at a time when a checksum is compared.
const BLOCK: usize = 1 << 20;

/// A file, and how to know that it is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// Its name in the folder.
    pub name: String,
    bytes: u64,
    blake3: String,
}

impl Sum {
    /// Of a file that holds these bytes.
    pub fn of(name: String, bytes: &[u8]) -> Self {
        Sum::written(name, bytes.len() as u64, blake3::hash(bytes))
    }

    /// Of a file of so many bytes with this checksum.
    pub fn written(name: String, bytes: u64, checksum: blake3::Hash) -> Self {
        Sum { name, bytes, blake3: checksum.to_hex().to_string() }
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

/// Has the system remember the names in a folder.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Only Unix lets a folder be opened and synced; elsewhere the rename alone has to do.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_stop_reads_no_further() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bytes = vec![7u8; BLOCK + 5];
        std::fs::write(folder.path().join("x"), &bytes).expect("written");
        let file = Sum::of("x".into(), &bytes);
        let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
        assert_eq!(file.is_whole(folder.path(), &go), Ok(()));
        bytes[BLOCK + 2] = 8;
        std::fs::write(folder.path().join("x"), bytes).expect("written");
        assert!(file.is_whole(folder.path(), &go).is_err());
        assert_eq!(file.is_whole(folder.path(), &stop), Ok(()));
    }
}
