//! Making a backup.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use super::manifest::{END, End, FORMAT, MANIFEST, Manifest, Member, ModelFacts, SETTINGS, SMALL};
use crate::cancel;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::StoreCopy;
use crate::user::Moment;

/// How hard it is packed: vectors do not get smaller, and more takes longer than a disk does.
const LEVEL: i32 = 3;

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// Everything that goes into a backup: taken as of one commit, looked at, and ready to be written.
pub struct Taken {
    copy: StoreCopy,
    settings: Option<Vec<u8>>,
    manifest: Manifest,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Bytes of the file.
    pub bytes: u64,
    /// Its BLAKE3, in hexadecimal.
    pub blake3: String,
}

impl Taken {
    /// Takes everything as of now, and looks at it. What was acknowledged before is in it. `progress` hears how many bytes of how
    /// many are copied.
    ///
    /// # Errors
    /// Those of [`Copies::copy`](crate::store::Copies::copy).
    pub fn take(engine: &Engine, progress: &dyn Fn(u64, u64)) -> Result<Self> {
        let copy = engine.copy_store(progress)?;
        let path = engine.config().data.join(SETTINGS);
        let settings = match fs::read(&path) {
            Ok(bytes) if bytes.len() as u64 <= SMALL => Some(bytes),
            Ok(_) => return Err(Error::Invalid(format!("the settings are longer than {SMALL} bytes"))),
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io(&path, "cannot read", e)),
        };
        let hash = |mut from: &File| -> io::Result<String> {
            let (mut hasher, mut piece) = (blake3::Hasher::new(), vec![0; PIECE]);
            loop {
                match from.read(&mut piece)? {
                    0 => break,
                    n => hasher.update(&piece[..n]),
                };
            }
            from.seek(SeekFrom::Start(0))?;
            Ok(hasher.finalize().to_hex().to_string())
        };
        let blake3 = hash(&copy.file).map_err(|e| Error::Internal(format!("the copy cannot be read again: {e}")))?;
        let mut members = vec![Member { name: copy.facts.file.clone(), bytes: copy.bytes, blake3 }];
        members.extend(settings.as_ref().map(|bytes| Member {
            name: SETTINGS.into(),
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
        }));
        let model = engine.model();
        let manifest = Manifest {
            format: FORMAT,
            paperkin: env!("CARGO_PKG_VERSION").into(),
            made: Moment::now(),
            store: copy.facts.clone(),
            model: ModelFacts {
                name: model.name.clone(),
                source: model.source.clone(),
                fingerprint: model.fingerprint.clone(),
                dimension: model.dimension,
                precision: model.precision.clone(),
            },
            members,
        };
        Ok(Taken { copy, settings, manifest })
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Writes the file. `progress` hears how many bytes of how many are packed.
    ///
    /// # Errors
    /// Those of `out`; [`ErrorKind::Interrupted`] never, [`ErrorKind::ConnectionAborted`] when nobody waits for it any more.
    pub fn write(self, out: impl Write, progress: &dyn Fn(u64, u64)) -> io::Result<Written> {
        let all = self.manifest.bytes();
        let text = serde_json::to_vec_pretty(&self.manifest)?;
        let mut packer = zstd::Encoder::new(Counted::new(out), LEVEL)?;
        packer.include_checksum(true)?;
        let mut tar = tar::Builder::new(packer);
        let made = u64::try_from(self.manifest.made.0 / 1_000_000).unwrap_or(0);
        let head = |bytes: u64| {
            let mut head = tar::Header::new_gnu();
            head.set_size(bytes);
            // It holds what people read, and what opens the door.
            head.set_mode(0o600);
            head.set_mtime(made);
            head.set_entry_type(tar::EntryType::Regular);
            head
        };
        tar.append_data(&mut head(text.len() as u64), MANIFEST, &text[..])?;
        let copy = Heard { from: self.copy.file.take(self.copy.bytes), done: 0, all, progress };
        tar.append_data(&mut head(self.copy.bytes), &self.copy.facts.file, copy)?;
        if let Some(settings) = &self.settings {
            tar.append_data(&mut head(settings.len() as u64), SETTINGS, &settings[..])?;
        }
        let end = serde_json::to_vec(&End { manifest: blake3::hash(&text).to_hex().to_string() })?;
        tar.append_data(&mut head(end.len() as u64), END, &end[..])?;
        let mut out = tar.into_inner()?.finish()?;
        out.inner.flush()?;
        progress(all, all);
        Ok(Written { bytes: out.bytes, blake3: out.hasher.finalize().to_hex().to_string() })
    }
}

/// A writer that knows what went through it.
struct Counted<W> {
    inner: W,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl<W> Counted<W> {
    fn new(inner: W) -> Self {
        Counted { inner, bytes: 0, hasher: blake3::Hasher::new() }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A reader that tells how far it is, and ends when nobody waits any more.
struct Heard<'a, R> {
    from: R,
    done: u64,
    all: u64,
    progress: &'a dyn Fn(u64, u64),
}

impl<R: Read> Read for Heard<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        cancel::check().map_err(|e| io::Error::new(ErrorKind::ConnectionAborted, e.to_string()))?;
        let n = self.from.read(bytes)?;
        self.done += n as u64;
        (self.progress)(self.done, self.all);
        Ok(n)
    }
}
