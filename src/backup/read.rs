//! Reading a backup: every byte of it is compared with what it should be, whatever is done with it.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::manifest::{END, End, MANIFEST, Manifest, Member, SMALL};
use crate::cancel;
use crate::error::{Error, Result};
use crate::store;

/// The largest window that is read, as a power of two: 128 MB.
const WINDOW: u32 = 27;

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// Zeros that may follow the last member: tar fills up its last record.
const FILLED: u64 = 1 << 20;

/// How Zstandard begins.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Bytes that must stay free beside what is unpacked.
const LEFT: u64 = 32 << 20;

/// Reads all of a backup and compares each member with its checksum; nothing is written. `progress` hears how many bytes of how
/// many are read.
///
/// # Errors
/// [`Error::Damaged`] for what is damaged, cut off or no backup, [`Error::Data`] for one of a newer program.
pub fn check(input: impl Read, progress: &dyn Fn(u64, u64)) -> Result<Manifest> {
    unpack(input, None, progress)
}

/// The same, and the members are written into a folder, readable by the owner alone.
///
/// # Errors
/// Besides [`Error::StorageFull`] when there is no room, [`Error::Io`] when it cannot be written.
pub fn unpack(input: impl Read, into: Option<&Path>, progress: &dyn Fn(u64, u64)) -> Result<Manifest> {
    let mut input = BufReader::with_capacity(PIECE, input);
    if !begins(&mut input, &MAGIC).map_err(damaged)? {
        return Err(Error::Damaged("this is no backup of paperkin (it does not begin as one does)".into()));
    }
    let mut decoder = zstd::Decoder::with_buffer(input).map_err(damaged)?;
    decoder.window_log_max(WINDOW).map_err(damaged)?;
    let mut archive = tar::Archive::new(decoder);
    // Raw: our names are short, and a long one would be read whole before anybody sees how long it is.
    let mut entries = archive.entries().map_err(damaged)?.raw(true);
    let mut next = |name: &str| -> Result<tar::Entry<'_, _>> {
        let entry = entries.next().ok_or_else(|| Error::Damaged(format!("the backup is cut off before `{name}`")))?;
        let entry = entry.map_err(damaged)?;
        let is = entry.path_bytes() == name.as_bytes() && entry.header().entry_type() == tar::EntryType::Regular;
        let other = || match name == MANIFEST {
            true => "this is no backup of paperkin: it says nothing of itself".to_string(),
            false => format!("the backup is damaged: `{name}` is not where it should be"),
        };
        if is { Ok(entry) } else { Err(Error::Damaged(other())) }
    };
    let text = small(next(MANIFEST)?)?;
    let manifest = Manifest::read(&text)?;
    if let Some(folder) = into {
        room(folder, manifest.bytes())?;
    }
    let (mut done, all) = (0, manifest.bytes());
    for member in &manifest.members {
        let entry = next(&member.name)?;
        let to = into.map(|folder| create(folder.join(&member.name))).transpose()?;
        one(entry, member, to, &mut |n| {
            done += n;
            progress(done, all);
        })?;
    }
    let end: End = serde_json::from_slice(&small(next(END)?)?)
        .map_err(|e| Error::Damaged(format!("the end of the backup cannot be read ({e})")))?;
    if end.manifest != blake3::hash(&text).to_hex().to_string() {
        return Err(Error::Damaged("the backup is damaged: what it says of itself is not as it was written".into()));
    }
    // To the last byte, where Zstandard's own checksum stands.
    let (mut rest, mut piece, mut filled) = (archive.into_inner(), vec![0; PIECE], 0);
    loop {
        match rest.read(&mut piece).map_err(damaged)? {
            0 => return Ok(manifest),
            n => filled += n as u64,
        }
        if filled > FILLED || piece.iter().any(|byte| *byte != 0) {
            return Err(Error::Damaged("the backup is damaged: something follows its end".into()));
        }
    }
}

/// Compares a member with its length and checksum; writes it where it is to be.
fn one(mut entry: impl Read, member: &Member, to: Option<(File, PathBuf)>, heard: &mut dyn FnMut(u64)) -> Result<()> {
    let (mut hasher, mut piece, mut length) = (blake3::Hasher::new(), vec![0; PIECE], 0u64);
    let differs = || Error::Damaged(format!("the backup is damaged: `{}` is not as it was written", member.name));
    loop {
        cancel::check()?;
        let n = entry.read(&mut piece).map_err(damaged)?;
        if n == 0 {
            break;
        }
        length += n as u64;
        if length > member.bytes {
            return Err(differs());
        }
        hasher.update(&piece[..n]);
        if let Some((file, path)) = &to {
            let mut file = file;
            file.write_all(&piece[..n]).map_err(|e| full_or(path, e))?;
        }
        heard(n as u64);
    }
    if length != member.bytes || hasher.finalize().to_hex().as_str() != member.blake3 {
        return Err(differs());
    }
    match to {
        Some((file, path)) => file.sync_all().map_err(|e| full_or(&path, e)),
        None => Ok(()),
    }
}

fn small(entry: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(SMALL + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > SMALL {
        return Err(Error::Damaged("the backup says more of itself than any does".into()));
    }
    Ok(bytes)
}

fn begins(input: &mut impl io::BufRead, magic: &[u8; 4]) -> io::Result<bool> {
    Ok(input.fill_buf()?.starts_with(magic))
}

fn create(path: PathBuf) -> Result<(File, PathBuf)> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok((options.open(&path).map_err(|e| full_or(&path, e))?, path))
}

fn room(folder: &Path, bytes: u64) -> Result<()> {
    match store::free(folder) {
        Some(free) if free < bytes.saturating_add(LEFT) => Err(Error::StorageFull(format!(
            "the disk has no room for it: {} MB are needed and {} MB free. Nothing was written",
            (bytes.saturating_add(LEFT)) >> 20,
            free >> 20
        ))),
        _ => Ok(()),
    }
}

/// The error of reading: bytes that were cut off or changed.
fn damaged(e: io::Error) -> Error {
    match e.kind() {
        ErrorKind::UnexpectedEof => Error::Damaged("the backup is cut off".into()),
        ErrorKind::ConnectionAborted => Error::Cancelled,
        _ => Error::Damaged(format!("the backup cannot be read, or is damaged ({e})")),
    }
}

fn full_or(path: &Path, e: io::Error) -> Error {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::StorageFull("the disk is full: nothing was restored. Make room and run it again".into())
        }
        _ => Error::io(path, "cannot write", e),
    }
}
