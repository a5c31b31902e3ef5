//! Copies of a store: taken as of one commit while it is written to, and made into a store again elsewhere.
//!
//! A copy is a stream of bytes and a few words about it; what the bytes are is known to the kind of store that wrote them. It
//! holds everything that is true, and nothing of what was deleted.

use std::fs::File;

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What is known of a copy without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFacts {
    /// The kind of store whose copy it is: `sqlite`.
    pub kind: String,
    /// The name of its file in a data folder.
    pub file: String,
    /// The version of its schema.
    pub schema: usize,
    /// The number of the last commit in it.
    pub commit: u64,
    /// The number of the last change of papers in it.
    pub change: u64,
    /// Papers in it.
    pub papers: usize,
    /// Readers in it.
    pub users: usize,
    /// Their events.
    pub events: usize,
}

/// A copy that was taken, and looked at.
#[derive(Debug)]
pub struct StoreCopy {
    /// What it holds.
    pub facts: CopyFacts,
    /// Its bytes, to be read from the beginning. They lie in no folder any more where the system allows that.
    pub file: File,
    /// How many bytes these are.
    pub bytes: u64,
}

/// Copying a store.
pub trait Copies {
    /// Takes a copy as of one commit, and looks at all of it: pages, references, papers. Everything that was acknowledged before
    /// the call is in it. Writers go on meanwhile. `progress` hears how many bytes of how many are done.
    ///
    /// # Errors
    /// [`Error::StorageFull`](crate::Error::StorageFull) when there is no room for it beside the store;
    /// [`Error::Damaged`](crate::Error::Damaged) when the store is not as it was written: a copy of that would be worth nothing.
    fn copy(&self, progress: &dyn Fn(u64, u64)) -> Result<StoreCopy>;
}
