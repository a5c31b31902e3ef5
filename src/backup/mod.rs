//! Backups: everything that is true of a folder in one file, as of one commit.
//!
//! The file is a tar archive packed with Zstandard, which ordinary tools read (`tar --zstd -tf FILE`). Its members, in their order:
//!
//! | member | what it is |
//! |---|---|
//! | `paperkin-backup.json` | the [`Manifest`]: format, program, time, what is in it, and each member with its length and BLAKE3 |
//! | `papers.sqlite` | the copy of the store |
//! | `paperkin.toml` | the settings, where they lie in the folder |
//! | `end.json` | the BLAKE3 of the manifest: who finds it has the whole of it |
//!
//! Papers, vectors, readers with all there is of them, themes and their history, keys and sessions are in the store, and so in
//! the backup. Not in it: the indexes, which are made again from the store (6 s for 9,602 papers, two minutes for 176,730: a backup
//! with them would be larger by more than half), and the model, which is named. Of what was deleted nothing is in it.

mod manifest;
mod read;
mod restore;
mod write;

pub use manifest::{FORMAT, Manifest, Member, ModelFacts};
pub use read::check;
pub use restore::{Restored, restore};
pub use write::{Taken, Written};
