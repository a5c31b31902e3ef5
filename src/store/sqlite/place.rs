//! The folder under the open store: held against other processes, and watched, since files can be taken away under it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

const LOCK: &str = "lock";

/// Bytes that must be free, and by which the longest file must be allowed to grow, for a full disk to count as full no longer.
const ROOM: u64 = 2 << 20;

/// Which file stands at a path: another one of the same name is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64, u64);

impl Identity {
    /// Of a file.
    pub fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Identity(metadata.dev(), metadata.ino())
        }
        #[cfg(not(unix))]
        {
            let _ = metadata;
            Identity(0, 0)
        }
    }

    fn at(path: &Path) -> std::io::Result<Self> {
        fs::metadata(path).map(|m| Self::of(&m))
    }
}

/// Whether there is room on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskSpace {
    /// There is.
    Enough,
    /// There is not.
    Full,
    /// Something else keeps this process from writing: no descriptors, say.
    Unknown,
}

/// Whether the system had no room: a full disk, a quota, or the limit of a file's length.
pub fn is_full(e: &std::io::Error) -> bool {
    use ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// A data folder that this process holds.
pub struct FolderLock {
    folder: PathBuf,
    // Held for their locks, which the system frees when the process ends, however it ends. The folder's own lock cannot go
    // away alone, as the file's does when somebody removes it.
    _folder: Option<File>,
    _lock: File,
    // The files that must be what they were when they were opened.
    watched: Mutex<Vec<(PathBuf, Identity)>>,
}

impl FolderLock {
    /// Locks a folder.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process holds it, [`Error::Io`] when it cannot be locked.
    pub fn lock(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let in_use = || {
            let process = fs::read_to_string(&path).unwrap_or_default().trim().to_string();
            let process = if process.is_empty() { "unknown".to_string() } else { process };
            Error::InUse { folder: folder.to_path_buf(), process }
        };
        let whole = match File::open(folder) {
            Ok(handle) => match handle.try_lock() {
                Ok(()) => Some(handle),
                Err(TryLockError::WouldBlock) => return Err(in_use()),
                // A file system that knows no locks of folders: then the file's has to do.
                Err(TryLockError::Error(_)) => None,
            },
            Err(_) => None,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| Error::io(&path, "cannot open (is the data folder writable?)", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use()),
            Err(TryLockError::Error(e)) => return Err(Error::io(&path, "cannot lock", e)),
        }
        let write = |file: &mut File| {
            let mut before = String::new();
            file.read_to_string(&mut before)?;
            file.rewind()?;
            let own = format!("{}\n", std::process::id());
            file.write_all(own.as_bytes())?;
            file.set_len(own.len() as u64)
        };
        // The number is for people; a full disk must not keep the folder from being read.
        if let Err(e) = write(&mut file) {
            tracing::warn!("{}: the number of this process could not be written: {e}", path.display());
        }
        let place = FolderLock { folder: folder.to_path_buf(), _folder: whole, _lock: file, watched: Mutex::default() };
        place.watch(&path);
        Ok(place)
    }

    /// From now on the file at this path has to stay the one it is.
    pub fn watch(&self, path: &Path) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.iter().all(|(known, _)| known != path)
            && let Ok(identity) = Identity::at(path)
        {
            watched.push((path.to_path_buf(), identity));
        }
    }

    /// Whether all files are what they were when they were opened; else what has become of the first that is not.
    pub fn check(&self) -> std::result::Result<(), String> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (path, identity) in watched {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match Identity::at(&path) {
                Ok(now) if now == identity => {}
                Ok(_) => return Err(format!("`{name}` of the data folder was replaced by another file")),
                // A file may stand where the folder stood.
                Err(e)
                    if [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::StaleNetworkFileHandle]
                        .contains(&e.kind()) =>
                {
                    return Err(match self.folder.is_dir() {
                        true => format!("`{name}` of the data folder is gone"),
                        false => "the data folder is gone".to_string(),
                    });
                }
                // Out of descriptors and the like says nothing of the file.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the disk has some megabytes, and the system lets the files grow by as much: nothing is written to find out.
    pub fn may_grow(&self) -> bool {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let longest =
            watched.iter().filter_map(|(path, _)| fs::metadata(path).ok()).map(|m| m.len()).max().unwrap_or(0);
        free(&self.folder).is_none_or(|free| free >= ROOM)
            && longest_allowed().is_none_or(|most| longest + ROOM <= most)
    }

    /// Tries whether something can be written.
    pub fn room(&self) -> DiskSpace {
        if !self.may_grow() {
            return DiskSpace::Full;
        }
        let path = self.folder.join(".room");
        let probe = || -> std::io::Result<()> {
            let mut file = File::create(&path)?;
            file.write_all(&[1; 64 << 10])?;
            file.sync_all()
        };
        let written = probe();
        let _ = fs::remove_file(&path);
        match written {
            Ok(()) => DiskSpace::Enough,
            Err(e) if is_full(&e) => DiskSpace::Full,
            Err(_) => DiskSpace::Unknown,
        }
    }
}

/// Keeps a data folder from being opened by anybody else.
///
/// # Errors
/// [`Error::InUse`] when it is open.
pub fn hold(folder: &Path) -> Result<Box<dyn std::any::Any>> {
    Ok(Box::new(FolderLock::lock(folder)?))
}

/// Puts each of two folders into the place of the other, at once.
///
/// # Errors
/// [`Error::Io`] where the system cannot do that; then nothing was done.
pub fn exchange(one: &Path, other: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    let done = {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(std::io::Error::from)
    };
    #[cfg(not(target_os = "linux"))]
    let done: std::io::Result<()> = Err(ErrorKind::Unsupported.into());
    done.map_err(|e| Error::io(one, "cannot exchange", e))
}

/// Bytes that are free on the disk of a folder; none where the system does not say.
pub fn free(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// How long this process may make a file (`ulimit -f`); none where nothing limits it.
fn longest_allowed() -> Option<u64> {
    #[cfg(unix)]
    {
        rustix::process::getrlimit(rustix::process::Resource::Fsize).current
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// Whether this process has no descriptor left: then nothing can be opened, whatever it is.
pub fn is_out_of_descriptors(folder: &Path) -> bool {
    match File::open(folder) {
        Ok(_) => false,
        Err(e) => matches!(e.raw_os_error(), Some(23 | 24)),
    }
}
