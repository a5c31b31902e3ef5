//! Papers of users' libraries that are not in the corpus: they teach, and are never shown.

use super::{Slice, StoredModel};
use crate::error::Result;
use crate::paper::Paper;
use crate::user::UserId;

/// A paper of a user's library.
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryPaper {
    /// The paper.
    pub paper: Paper,
    /// The imports that claim it; none where it came in another way.
    pub imports: Vec<i64>,
}

/// What users have read beside the corpus, by user and id. A paper of the corpus may have the same id, and is another.
pub trait Library {
    /// Keeps papers of a user's library with vectors of a model that is known, in the place of those of the same id; the user
    /// is made if new.
    fn put_library_papers(&self, name: &UserId, papers: &[(&Paper, &[f32])], fingerprint: &str) -> Result<()>;

    /// The papers of a user's library, by id.
    fn library(&self, user: i64) -> Result<Vec<Paper>>;

    /// Up to `n` papers of a user's library by title (ASCII letters alike, else to the byte), then id, behind the first `skip`.
    /// `next` is how many to skip then.
    fn library_slice(&self, user: i64, skip: usize, n: usize) -> Result<Slice<LibraryPaper, usize>>;

    /// Up to `n` papers of libraries whose text has no vector of a model; one of each text.
    fn library_without_vector(&self, model: &StoredModel, n: usize) -> Result<Vec<Paper>>;

    /// Takes a paper out of a user's library, with what the user did with it, wrote on it, and put it into. Where a paper of the corpus
    /// has the same id by now, that is what all this speaks of, and it stays. Where the store keeps its data nothing of it can
    /// be found any more, as with [`Users::delete_user`](super::Users::delete_user).
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the library holds none of this id.
    fn remove_library_paper(&self, user: i64, id: &str) -> Result<()>;
}

/// The error for a paper that no library holds.
pub(in crate::store) fn not_in_library(id: &str) -> crate::Error {
    crate::Error::NotFound { what: "paper from outside the corpus", id: crate::paper::head(id, 80) }
}
