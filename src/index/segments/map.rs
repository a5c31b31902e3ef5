//! Files of plain numbers, mapped into memory: opened in no time, paged in as they are read, and given back under pressure.

use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// A plain number: any bytes of its size are one.
pub trait Plain: Copy + Send + Sync + 'static {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for f32 {}

/// A file of numbers in the order of this machine's bytes, read as a slice.
pub struct Mapped<T> {
    map: Option<Mmap>,
    numbers: PhantomData<T>,
}

impl<T: Plain> Mapped<T> {
    /// Maps a file that nobody writes to any more.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::Data`] when its length is no whole number of numbers.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
        let length = file.metadata().map_err(|e| Error::io(path, "cannot read", e))?.len() as usize;
        if !length.is_multiple_of(size_of::<T>()) {
            return Err(Error::Data(format!("{} is {length} bytes long, which is no whole count", path.display())));
        }
        if length == 0 {
            return Ok(Mapped { map: None, numbers: PhantomData });
        }
        // Sound as long as nobody changes the file: index files are written once under a new name and only ever removed,
        // the data folder is locked to one process, and any bytes are valid numbers of type T.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, "cannot map", e))?;
        Ok(Mapped { map: Some(map), numbers: PhantomData })
    }

    /// Asks the system to have the pages at hand soon.
    pub fn will_need(&self) {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            let _ = map.advise(memmap2::Advice::WillNeed);
        }
    }
}

impl<T: Plain> std::ops::Deref for Mapped<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match &self.map {
            None => &[],
            // Sound: a map begins at a page, which is aligned for every T; its length was checked to be a whole count, and
            // every bit pattern is a T.
            Some(map) => unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), map.len() / size_of::<T>()) },
        }
    }
}

/// The bytes of numbers, as they stand in a file.
pub fn bytes_of<T: Plain>(numbers: &[T]) -> &[u8] {
    // Sound: plain numbers have no padding, so each of their bytes is initialised.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}
