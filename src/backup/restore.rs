//! Making a data folder of a backup: beside the place where it is to be, and put there when it is whole.

use std::any::Any;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::read::unpack;
use crate::error::{Error, Result};
use crate::store;
use crate::user::Moment;

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup said of itself.
    pub manifest: Manifest,
    /// Where the folder lies that stood there before, if one did.
    pub aside: Option<PathBuf>,
}

/// Makes the data folder `folder` of a backup. It is there as a whole or not at all, whenever this process ends. With `replace` a
/// data folder that stands there is moved aside, and never deleted. `progress` hears how many bytes of how many are unpacked.
///
/// # Errors
/// [`Error::Invalid`] when something stands there that must not be moved, [`Error::InUse`] when it is open; those of
/// [`check`](super::check); [`Error::StorageFull`] and [`Error::Io`] when it cannot be written.
pub fn restore(input: impl Read, folder: &Path, replace: bool, progress: &dyn Fn(u64, u64)) -> Result<Restored> {
    let folder = std::path::absolute(folder).map_err(|e| Error::io(folder, "cannot find", e))?;
    let stands = Stands::look(&folder, replace)?;
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(Error::Invalid(format!("{}: this is no place for a data folder", folder.display())));
    };
    let within = matches!(stands, Stands::Mounted);
    let place = if within { folder.as_path() } else { parent };
    fs::create_dir_all(place).map_err(|e| Error::io(place, "cannot make the folder", e))?;
    let prefix = prefix(name);
    sweep(place, &prefix);
    let mut made = tempfile::Builder::new();
    // Closed to others, as every new data folder is: it holds what people read.
    #[cfg(unix)]
    made.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let made = made.prefix(&prefix).tempdir_in(place);
    let made = made.map_err(|e| Error::io(place, "cannot write", e))?;
    // Held, so that nobody sweeps it.
    let _held = File::open(made.path()).ok().filter(|file| file.try_lock().is_ok());
    let manifest = unpack(input, Some(made.path()), progress)?;
    let holds = store::settle_copy(made.path(), &manifest.store)?;
    if holds != manifest.store {
        return Err(Error::Damaged("the backup is damaged: it does not hold what it says".into()));
    }
    sync(made.path())?;
    // From here on nothing is removed that somebody may have put there.
    let made = made.keep();
    let aside = stands.put(&made, &folder).inspect_err(|_| drop(fs::remove_dir_all(&made)))?;
    if within {
        let _ = fs::remove_dir(made);
    }
    sync(place)?;
    Ok(Restored { manifest, aside })
}

/// What stands where the folder is to be.
enum Stands {
    Nothing,
    /// An empty folder.
    Empty,
    /// An empty folder that is a disk of its own.
    Mounted,
    /// A data folder that may be moved aside, held.
    Folder(Box<dyn Any>),
}

impl Stands {
    fn look(folder: &Path, replace: bool) -> Result<Self> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Stands::Nothing),
            Err(e) => return Err(Error::io(folder, "cannot read the folder", e)),
        };
        let prefix = prefix(folder.file_name().unwrap_or_default());
        let own = |name: &OsString| name.to_string_lossy().starts_with(&*prefix) || name == "lost+found";
        if entries.flatten().all(|entry| own(&entry.file_name())) {
            sweep(folder, &prefix);
            return Ok(if is_mounted(folder) { Stands::Mounted } else { Stands::Empty });
        }
        let shown = folder.display();
        if !replace {
            return Err(Error::Invalid(format!(
                "{shown}: the folder is not empty. Name another with --data, or let it be moved aside with --force"
            )));
        }
        if !store::is_made(folder) {
            return Err(Error::Invalid(format!("{shown}: this is no data folder, and is not moved aside")));
        }
        Ok(Stands::Folder(store::hold(folder)?))
    }

    /// Puts the folder that was made into its place; gives where the one before it lies.
    fn put(self, made: &Path, folder: &Path) -> Result<Option<PathBuf>> {
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(|e| Error::io(to, "cannot rename to", e));
        match self {
            Stands::Nothing => rename(made, folder).map(|()| None),
            Stands::Empty => {
                fs::remove_dir(folder).map_err(|e| Error::io(folder, "cannot remove the empty folder", e))?;
                rename(made, folder).map(|()| None)
            }
            Stands::Mounted => {
                let names = fs::read_dir(made).map_err(|e| Error::io(made, "cannot read the folder", e))?;
                let mut names: Vec<OsString> = names.flatten().map(|entry| entry.file_name()).collect();
                // What makes it a data folder comes last.
                names.sort_by_key(|name| store::makes_a_folder(name));
                names.iter().try_for_each(|name| rename(&made.join(name), &folder.join(name)))?;
                Ok(None)
            }
            Stands::Folder(held) => {
                let aside = aside(folder);
                // First under the name of the one that goes, so that this one has it the moment that both change places.
                rename(made, &aside)?;
                if store::exchange(&aside, folder).is_err() {
                    rename(&aside, made)?;
                    rename(folder, &aside)?;
                    // Where the second fails, the first is taken back.
                    rename(made, folder).inspect_err(|_| drop(fs::rename(&aside, folder)))?;
                }
                drop(held);
                Ok(Some(aside))
            }
        }
    }
}

/// Whether a folder is a disk of its own, which has to stay.
fn is_mounted(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
        device(folder) != folder.parent().and_then(device)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

/// How folders begin in which this one is made.
fn prefix(name: &std::ffi::OsStr) -> String {
    format!(".{}.restoring-", name.to_string_lossy())
}

/// Removes what was left of others that did not come to their end.
fn sweep(place: &Path, prefix: &str) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix)
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A name that is free, for the folder that was there.
fn aside(folder: &Path) -> PathBuf {
    let now = Moment::now().to_string();
    let day: String = now.chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    let name = |k: usize| {
        let mut name = folder.as_os_str().to_os_string();
        name.push(if k == 0 { format!(".before-{day}") } else { format!(".before-{day}-{k}") });
        PathBuf::from(name)
    };
    (0..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

/// Puts the names in a folder on disk.
fn sync(folder: &Path) -> Result<()> {
    // Only Unix lets a folder be opened and synced.
    if cfg!(unix) {
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| Error::io(folder, "cannot write", e))?;
    }
    Ok(())
}
