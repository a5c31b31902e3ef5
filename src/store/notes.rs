//! What readers wrote on papers.

use serde::{Deserialize, Serialize};

use super::Slice;
use crate::error::Result;
use crate::paper::PaperId;
use crate::user::{Moment, UserId};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNote {
    /// The paper that it is on.
    pub paper: PaperId,
    /// Plain text.
    pub text: String,
    /// When it was first written.
    pub created: Moment,
    /// When it was changed last.
    pub changed: Moment,
}

/// Notes of readers: one of each on a paper, named by its id as in events. A note outlives its paper; where papers became one, their
/// notes are one text. A reader's notes go with the reader ([`Users::delete_user`](super::Users::delete_user)), and with a paper that
/// is taken out of a library ([`Library::remove_library_paper`](super::Library::remove_library_paper)).
pub trait Notes {
    /// The notes of a reader on some papers, in their order.
    fn notes_on(&self, user: i64, papers: &[&PaperId]) -> Result<Vec<Option<StoredNote>>>;

    /// Some of a reader's notes, one on each paper, those changed last first: up to `n` behind the first `skip`. `next` is how many to
    /// skip then.
    fn notes(&self, user: i64, skip: usize, n: usize) -> Result<Slice<StoredNote, usize>>;

    /// Gives every note of a reader to `f`, one on each paper, in no order.
    fn each_note(&self, user: i64, f: &mut dyn FnMut(StoredNote)) -> Result<()>;

    /// Writes a note in the place of the one that is there; none is given, and nothing written, where the reader has `most`. The reader
    /// is made if new. The text that was there is soon in no file any more
    /// ([`Upkeep::settle_forgotten`](super::Upkeep::settle_forgotten)).
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a paper that is not known to them and that they have no note on.
    fn put_note(
        &self,
        user: &UserId,
        paper: &PaperId,
        text: &str,
        at: Moment,
        most: usize,
    ) -> Result<Option<StoredNote>>;

    /// Forgets a note: it is in no file when this returns.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none.
    fn delete_note(&self, user: i64, paper: &PaperId) -> Result<()>;

    /// Takes notes in as they were exported, whether their papers are known or not; of two on one paper the one that was changed last
    /// stays. Of a reader who is not there (any more) nothing is kept, nor what goes beyond so many. Gives how many that leaves out.
    fn restore_notes(&self, user: i64, notes: &[StoredNote], most: usize) -> Result<usize>;
}
