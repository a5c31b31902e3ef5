//! Folders of readers: names of their own under which they put papers.

use serde::{Deserialize, Serialize};

use super::Follows;
use crate::error::Result;
use crate::paper::PaperId;
use crate::user::{Moment, UserId};

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFolder {
    /// Its number; used once, over all readers.
    pub number: i64,
    /// What its reader calls it; no two of a reader are called the same, to the byte.
    pub name: String,
    /// When it was made.
    pub created: Moment,
}

/// A paper in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiledPaper {
    /// The paper.
    pub paper: PaperId,
    /// When it was put there.
    pub at: Moment,
}

/// What became of papers that were put into a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FiledNow {
    /// Papers that were not in it before.
    pub added: usize,
    /// Events that were written with that.
    pub events: usize,
}

/// A folder with what is in it, on its way out of a store and into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderWithPapers {
    /// What its reader calls it.
    pub name: String,
    /// When it was made.
    pub created: Moment,
    /// What is in it.
    #[serde(default)]
    pub papers: Vec<FiledPaper>,
}

/// What became of a folder that was to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderMade {
    /// It was not there before.
    Made(StoredFolder),
    /// The reader has one of this name; it stays as it is.
    There(StoredFolder),
    /// The reader has as many as they may.
    TooMany,
}

/// What readers put where. A paper stands in any number of a reader's folders, named by its id as in events: it may be in the corpus
/// or in their [library](super::Library), what is said of it outlives it, and where it became one with another it is that one.
/// All of it goes with its reader ([`Users::delete_user`](super::Users::delete_user)), and with a paper that is taken out of a library
/// ([`Library::remove_library_paper`](super::Library::remove_library_paper)).
pub trait Folders {
    /// The folders of a reader, in the order in which they were made.
    fn folders(&self, user: i64) -> Result<Vec<StoredFolder>>;

    /// Makes one where the reader has fewer than `most`. The reader is made if new.
    fn make_folder(&self, user: &UserId, name: &str, created: Moment, most: usize) -> Result<FolderMade>;

    /// Gives one another name; nothing where another of the reader has it. The name that it had is soon in no file any more
    /// ([`Upkeep::settle_forgotten`](super::Upkeep::settle_forgotten)).
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the reader has none of this number.
    fn rename_folder(&self, user: i64, number: i64, name: &str) -> Result<Option<StoredFolder>>;

    /// Forgets one: its name is in no file when this returns. What was in it is done nothing else with.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the reader has none of this number.
    fn delete_folder(&self, user: i64, number: i64) -> Result<()>;

    /// What a reader has in folders, with the number of each: by paper, then by folder.
    fn filed(&self, user: i64) -> Result<Vec<(i64, FiledPaper)>>;

    /// The folders of a reader that each of some papers is in, in the order of the papers.
    fn folders_of(&self, user: i64, papers: &[&PaperId]) -> Result<Vec<Vec<i64>>>;

    /// Puts papers into a folder and writes with that what follows from what was done with each before, once for each, as
    /// [`Events::add_following`](super::Events::add_following) does; what an import had brought of a save of one of them is no longer
    /// the import's to take back. Nothing is written, and none given, where the reader would have more than `most` papers in folders,
    /// one counted in each. The reader's version rises where an event was written.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the reader has no folder of this number, and for the first paper that is not
    /// known to them.
    fn file_papers(
        &self,
        user: i64,
        number: i64,
        papers: &[&PaperId],
        follows: &Follows<'_>,
        at: Moment,
        most: usize,
    ) -> Result<Option<FiledNow>>;

    /// Takes papers out of a folder; gives how many were in it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the reader has no folder of this number.
    fn unfile_papers(&self, user: i64, number: i64, papers: &[&PaperId]) -> Result<usize>;

    /// Takes folders in as they were exported, into those of the same name where there are such. Of a reader who is not there (any
    /// more) nothing is kept, nor what goes beyond so many folders, and so many papers in them. Gives how many that leaves out.
    fn restore_folders(
        &self,
        user: i64,
        folders: &[FolderWithPapers],
        most: usize,
        most_papers: usize,
    ) -> Result<usize>;
}
