//! After a failure: the files are opened anew. And whether they are as they were written.

use std::sync::atomic::AtomicBool;
use std::sync::{PoisonError, TryLockError};

use roaring::RoaringBitmap;

use super::{Lexical, LexicalReport};
use crate::error::Result;

impl Lexical {
    /// Opens the files anew after a failure to write them, in the place of what is in memory: searches go on meanwhile. As
    /// for [`Lexical::open`], all that came behind the change number it gives is to be inserted again.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) or [`Error::Data`](crate::Error::Data) when the files cannot be read or written; then
    /// everything is as it was.
    pub fn recover(&self, rows: &RoaringBitmap, change: u64) -> Result<LexicalReport> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.inverted().close();
        let (fresh, report) = Self::open(&self.folder, rows, change)?;
        let fresh_writing = fresh.writing.into_inner().unwrap_or_else(PoisonError::into_inner);
        let fresh_inverted = fresh.inverted.into_inner().unwrap_or_else(PoisonError::into_inner);
        let fresh_state = fresh.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let old = {
            let mut state = self.state_mut();
            *self.inverted.write().unwrap_or_else(PoisonError::into_inner) = fresh_inverted;
            std::mem::replace(&mut *state, fresh_state)
        };
        drop(old);
        *writing = fresh_writing;
        Ok(report)
    }

    /// Whether something could not be written, so that nothing is taken any more; and the store's change number up to which
    /// everything is written. None while it is being written: nobody waits for that.
    pub fn standing(&self) -> Option<(bool, u64)> {
        let writing = match self.writing.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some((writing.failed, writing.change))
    }

    /// Reads every file and compares it with its checksum; gives how many there are, and what is wrong with those that are not
    /// as they were written.
    pub fn check_files(&self) -> (usize, Vec<String>) {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_words, mut damaged) = self.inverted().check_files(&self.folder.join("words"));
        let blocks = writing.files.iter().filter_map(|file| file.is_whole(&self.folder, &AtomicBool::new(false)).err());
        damaged.extend(blocks);
        (of_words + writing.files.len(), damaged)
    }
}
