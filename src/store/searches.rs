//! What readers follow: searches and names that were saved.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::user::{Follow, Moment, UserId};

/// A saved search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSearch {
    /// Its number; used once, over all readers.
    pub number: i64,
    /// What is followed.
    #[serde(flatten)]
    pub what: Follow,
    /// What its reader calls it; none where they gave it no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether nothing is told of it.
    #[serde(default)]
    pub muted: bool,
    /// When it was saved.
    pub created: Moment,
    /// The change of the papers up to which its reader has looked.
    #[serde(default)]
    pub seen: u64,
}

/// A search that is to be saved.
#[derive(Debug, Clone, Copy)]
pub struct NewSearch<'a> {
    /// What is followed.
    pub what: &'a Follow,
    /// What its reader calls it.
    pub name: Option<&'a str>,
    /// When.
    pub created: Moment,
    /// The change of the papers up to which nothing is new.
    pub seen: u64,
}

/// What became of one that was to be saved.
#[derive(Debug, Clone, PartialEq)]
pub enum SearchSaved {
    /// It was not there before.
    Made(StoredSearch),
    /// The reader follows the same already; it stays as it is.
    There(StoredSearch),
    /// The reader has as many as they may.
    TooMany,
}

/// What readers follow. A reader follows the same thing once. The searches of a reader go with the reader
/// ([`Users::delete_user`](super::Users::delete_user)), and nothing of them can be found any more.
pub trait Searches {
    /// What a reader follows, in the order in which it was saved.
    fn searches(&self, user: i64) -> Result<Vec<StoredSearch>>;

    /// A saved search of any reader, with the number of the reader.
    fn search(&self, number: i64) -> Result<Option<(i64, StoredSearch)>>;

    /// Saves one where the reader has fewer than `most`. The reader is made if new; their version rises where something was made.
    fn save_search(&self, user: &UserId, search: NewSearch<'_>, most: usize) -> Result<SearchSaved>;

    /// Gives one of a reader another name, and mutes it or not; `None` leaves it. The reader's version rises.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the reader has none of this number.
    fn change_search(
        &self,
        user: i64,
        number: i64,
        name: Option<Option<&str>>,
        muted: Option<bool>,
    ) -> Result<StoredSearch>;

    /// Notes that a reader has looked at one up to a change of the papers; a later look that is known stays. Their version stays.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the reader has none of this number.
    fn see_search(&self, user: i64, number: i64, change: u64) -> Result<()>;

    /// Forgets one of a reader, with the webhooks of it. The reader's version rises.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the reader has none of this number.
    fn delete_search(&self, user: i64, number: i64) -> Result<()>;

    /// Saves what a reader followed elsewhere, under new numbers, as looked at up to a change of the papers here; what they follow
    /// already stays as it is. The reader's version rises. Of a reader who is not there (any more) nothing is kept, and nothing where
    /// they have `most`. Gives how many that leaves out.
    fn restore_searches(&self, user: i64, searches: &[StoredSearch], seen: u64, most: usize) -> Result<usize>;
}
