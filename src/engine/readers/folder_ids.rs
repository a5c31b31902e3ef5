//! What folders are called outside, and which one is meant.

use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::paper::head;
use crate::store::StoredFolder;

/// The id of a folder.
pub fn folder_id(number: i64) -> String {
    format!("f{number}")
}

/// The number of a folder by its id.
///
/// # Errors
/// [`Error::NotFound`] for what is no id of one.
pub fn folder_number(id: &str) -> Result<i64> {
    let number = id.strip_prefix('f').and_then(|n| n.parse().ok()).filter(|n| folder_id(*n) == id);
    number.ok_or_else(|| no_folder(id))
}

/// The error for a folder that is not there.
pub fn no_folder(id: &str) -> Error {
    Error::NotFound { what: "folder", id: head(id, 80) }
}

impl Readers {
    /// The folder of a reader by its number.
    pub(super) fn folder_of(&self, user: i64, number: i64) -> Result<StoredFolder> {
        let found = self.store.folders(user)?.into_iter().find(|folder| folder.number == number);
        found.ok_or_else(|| no_folder(&folder_id(number)))
    }
}
