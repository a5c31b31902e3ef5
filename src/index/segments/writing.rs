//! A file of a segment on its way to the disk, with its checksum taken on the way.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::map::{Plain, bytes_of};
use crate::error::{Error, Result};
use crate::index::files::Sum;

/// Bytes gathered before they are written and added to the checksum.
const BLOCK: usize = 1 << 20;

/// Writes one file of a segment, taking its checksum on the way.
pub struct Writing {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    block: Vec<u8>,
    bytes: u64,
}

impl Writing {
    /// A new file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(|e| Error::io(&path, "cannot write", e))?;
        Ok(Writing { path, file, hasher: blake3::Hasher::new(), block: Vec::with_capacity(BLOCK), bytes: 0 })
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
        self.file.sync_all().map_err(|e| Error::io(&self.path, "cannot write", e))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Sum::written(name, self.bytes, self.hasher.finalize()))
    }
}
