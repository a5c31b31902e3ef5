//! Compressed files: known by how they begin, and unpacked only as far as was allowed. A file of some kilobytes can hold any
//! number of gigabytes, or ask for a window of two.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Tuning;
use crate::error::{Error, Result};

/// Bytes up to which the ratio does not count: small files may repeat themselves.
const FREE: u64 = 64 << 20;

/// How far a compressed file is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacking {
    /// Bytes in all.
    pub most: u64,
    /// How many times its size; looked at beyond 64 MB.
    pub ratio: u64,
    /// The largest window of Zstandard, as a power of two of bytes: what `zstd --long` says.
    pub long: u32,
}

impl Unpacking {
    /// What the settings say.
    pub fn of(tuning: &Tuning) -> Self {
        let long = u32::try_from(tuning.zstd_long).unwrap_or(27);
        Unpacking { most: tuning.max_unpacked as u64, ratio: tuning.max_ratio as u64, long }
    }
}

impl Default for Unpacking {
    fn default() -> Self {
        Self::of(&Tuning::default())
    }
}

/// The text of a file that was opened already, by what it holds and not by how it is called: plain, gzip or Zstandard. `path`
/// is how it is called.
///
/// # Errors
/// [`Error::Io`] when it cannot be read. What is longer than allowed, or packed with a larger window, is an error of reading
/// that names the setting.
pub fn unpacked(path: &Path, raw: Box<dyn Read + Send>, allowed: Unpacking) -> Result<Box<dyn BufRead + Send>> {
    let packed = Arc::new(AtomicU64::new(0));
    let mut raw = BufReader::with_capacity(1 << 16, Counted::new(raw, Arc::clone(&packed)));
    let magic = raw.fill_buf().map_err(|e| Error::io(path, "cannot read", e))?;
    Ok(if magic.starts_with(&[0x1f, 0x8b]) {
        let inner = flate2::bufread::MultiGzDecoder::new(raw);
        Box::new(BufReader::new(Bounded { inner, packed, out: 0, allowed }))
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut inner = zstd::Decoder::with_buffer(raw).map_err(|e| Error::io(path, "cannot unpack", e))?;
        inner.window_log_max(allowed.long).map_err(|e| Error::io(path, "cannot unpack", e))?;
        Box::new(BufReader::new(Bounded { inner, packed, out: 0, allowed }))
    } else {
        Box::new(raw)
    })
}

/// Counts what is read of a file.
pub struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Adds the bytes that are read of `inner` to these.
    pub fn new(inner: R, bytes: Arc<AtomicU64>) -> Self {
        Counted { inner, bytes }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Reads what is unpacked, as far as that is allowed.
struct Bounded<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    out: u64,
    allowed: Unpacking,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Unpacking { most, ratio, long } = self.allowed;
        let n = self.inner.read(buffer).map_err(|e| match e.to_string() {
            why if why.contains("too much memory") => io::Error::new(
                ErrorKind::OutOfMemory,
                format!(
                    "it was packed with a window of more than 2^{long} bytes (zstd --long); --long 31, or the setting \
                     zstd_long, allows it and takes 2 GB of memory"
                ),
            ),
            _ => e,
        })?;
        self.out += n as u64;
        let told = |why: String| Err(io::Error::new(ErrorKind::FileTooLarge, why));
        if self.out > most {
            return told(format!(
                "it unpacks to more than {most} bytes; --max-unpacked BYTES, or the setting max_unpacked, allows more"
            ));
        }
        if self.out > FREE.max(ratio.saturating_mul(self.packed.load(Ordering::Relaxed))) {
            return told(format!(
                "it unpacks to more than {ratio} times its size; --max-ratio R, or the setting max_ratio, allows more"
            ));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(packed: Vec<u8>, allowed: Unpacking) -> io::Result<u64> {
        let reader = unpacked(Path::new("x"), Box::new(io::Cursor::new(packed)), allowed).expect("opens");
        io::copy(&mut { reader }, &mut io::sink())
    }

    #[test]
    fn what_grows_too_far_is_given_up() {
        let allowed = Unpacking::default();
        let zeros = |n: u64| io::repeat(b'0').take(n);
        let zstd = |n: u64| zstd::encode_all(zeros(n), 1).expect("packs");
        assert_eq!(read(zstd(FREE), allowed).expect("as much as is free"), FREE);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::copy(&mut zeros(FREE + 1), &mut gzip).expect("packs");
        for packed in [zstd(FREE + 1), gzip.finish().expect("packs")] {
            let told = read(packed.clone(), allowed).expect_err("too much").to_string();
            assert!(told.contains("more than 200 times") && told.contains("--max-ratio"), "{told}");
            assert_eq!(read(packed, Unpacking { ratio: 1 << 20, ..allowed }).expect("allowed"), FREE + 1);
        }
        let told = read(zstd(1000), Unpacking { most: 999, ..allowed }).expect_err("too much").to_string();
        assert!(told.contains("999") && told.contains("--max-unpacked"), "{told}");
    }

    #[test]
    fn a_large_window_has_to_be_allowed() {
        let mut packer = zstd::Encoder::new(Vec::new(), 1).expect("packs");
        packer.long_distance_matching(true).expect("packs");
        packer.window_log(28).expect("packs");
        packer.write_all(&[b'x'; 1000]).expect("packs");
        let packed = packer.finish().expect("packs");
        let told = read(packed.clone(), Unpacking::default()).expect_err("too large").to_string();
        assert!(told.contains("2^27") && told.contains("--long 31"), "{told}");
        assert_eq!(read(packed, Unpacking { long: 28, ..Unpacking::default() }).expect("allowed"), 1000);
    }
}
