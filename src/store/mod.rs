//! What is true: papers, vectors and the models that made them, users and what they did, themes, and keys.
//!
//! The truth stands behind [`Store`], which is one trait a resource; each says in words what its methods promise, and holds
//! the plain types that they take and give. [`open`] is the one place where a kind of store is chosen. `sqlite` is the store
//! inside this process, and SQL stands nowhere else. Another one (a server that several nodes share, say) implements the
//! same traits and passes `contract`, which knows none of them.
//!
//! # What every method promises
//!
//! - **Whole.** A method is one transaction. What an `Ok` speaks of outlasts the process and a loss of power; of what an error
//!   speaks of nothing is there. [`Error::Unavailable`](crate::Error::Unavailable) alone may leave it open: the place where
//!   it was written went away at that moment. Closures that a method is given may be called again, when the transaction has to
//!   be; they do nothing but answer.
//! - **One state.** A method that reads sees one state of the store, with everything that was written before it was called,
//!   and never half of a transaction. It waits for no writer.
//! - **In order.** Writers go one behind the other, whichever threads or nodes they are on: [`Papers::change`] says how.
//! - **Given up.** A writer whose caller is gone ([`cancel`](crate::cancel)) by the time that it is its turn writes nothing.
//! - **Numbers.** Days are days since 1970-01-01, UTC. Limits may be of any size. Numbers of users, rows of papers, numbers
//!   of imports, interests, themes, folders, saved searches, webhooks and deliveries are used once.
//! - **Errors.** [`Error::NotFound`](crate::Error::NotFound) and what a method names besides are answers. With any method:
//!   [`Error::StorageFull`](crate::Error::StorageFull) when there is no room (reading goes on),
//!   [`Error::Unavailable`](crate::Error::Unavailable) when the store cannot be reached or must not be written,
//!   [`Error::Overloaded`](crate::Error::Overloaded) when trying again helps, [`Error::Damaged`](crate::Error::Damaged) when
//!   what was asked for is not as it was written, [`Error::Internal`](crate::Error::Internal) for what nobody foresaw. No
//!   message that a client may hear holds a path or a statement.

#[cfg(test)]
mod contract;
mod copies;
mod events;
mod filters;
mod folders;
mod imports;
mod interests;
mod jobs;
mod keys;
mod library;
mod lists;
mod notes;
mod papers;
mod readership;
mod records;
mod rereading;
mod searches;
mod sessions;
mod sqlite;
mod subscriptions;
mod themes;
mod trouble;
mod upkeep;
mod users;
mod vectors;
mod webhooks;
mod works;

pub use copies::{Copies, CopyFacts, StoreCopy};
pub use events::{EventPlace, Events, EventsWritten, Follows};
pub use filters::{Column, Counted, Filters};
pub use folders::{FiledNow, FiledPaper, FolderMade, FolderWithPapers, Folders, StoredFolder};
pub use imports::{ImportStatus, ImportUndone, ImportWindow, ImportWithClaims, Imports, StoredImport};
pub use interests::{FoundInterests, Interests, StoredInterest};
pub use jobs::{Claim, Claimed, JobRecords, JobResult, Lease, StoredJob};
pub use keys::{Keys, StoredKey};
pub use library::{Library, LibraryPaper};
pub use lists::{ListOrder, ListPlace, Lists, Slice};
pub use notes::{Notes, StoredNote};
pub use papers::{ChangedRows, DayAndVotes, Fingerprints, FirstCategory, PaperWritten, Papers, PapersWritten};
pub use readership::{Readership, ReadershipRelease};
pub use records::{BY_HAND, KnownRecord, MergedPaper, MergedWritten, Records, SourceRecord, SourceState};
pub use rereading::Rereading;
pub use searches::{NewSearch, SearchSaved, Searches, StoredSearch};
pub use sessions::{Ending, Redeemed, SecretHash, Sessions, SignedInWith, StoredLink, StoredSession};
pub use sqlite::free;
pub use subscriptions::{
    Attempt, DeliveryNote, DeliveryState, Issue, Looked, NewDelivery, StoredDelivery, StoredSubscription,
    SubscriptionState, Subscriptions,
};
pub use themes::{StoredAssignment, StoredRun, StoredTheme, StoredThemeEvent, Themes};
pub use trouble::{Trouble, TroubleCode, Troubles};
pub use upkeep::{Finding, Health, PagesRead, Upkeep};
pub use users::{User, Users};
pub use vectors::{StoredModel, Vectors};
pub use webhooks::{CallCounts, CallState, CallTried, NewCall, NewWebhook, StoredCall, StoredWebhook, Webhooks};
pub use works::Works;

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;

/// The truth of a corpus and its readers, by resource.
pub trait Store:
    Papers
    + Vectors
    + Works
    + Lists
    + Filters
    + Users
    + Events
    + Library
    + Folders
    + Notes
    + Interests
    + Imports
    + JobRecords
    + Keys
    + Readership
    + Records
    + Themes
    + Rereading
    + Searches
    + Sessions
    + Subscriptions
    + Upkeep
    + Webhooks
    + Copies
    + Send
    + Sync
{
}

impl<T> Store for T where
    T: Papers
        + Vectors
        + Works
        + Lists
        + Filters
        + Users
        + Events
        + Library
        + Folders
        + Notes
        + Interests
        + Imports
        + JobRecords
        + Keys
        + Readership
        + Records
        + Themes
        + Rereading
        + Searches
        + Sessions
        + Subscriptions
        + Upkeep
        + Webhooks
        + Copies
        + Send
        + Sync
{
}

/// Opens the store of a data folder, making it if it is not there, and brings its schema up to date.
///
/// # Errors
/// [`Error::InUse`](crate::Error::InUse) when another process holds a folder that only one may;
/// [`Error::Data`](crate::Error::Data) when the store is damaged or newer than this program;
/// [`Error::Io`](crate::Error::Io) when the folder cannot be made or written to.
pub fn open(folder: &Path) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(sqlite::SqliteStore::open(folder)?))
}

/// Whether a folder has a store already, so that [`open`] would make none.
pub fn is_made(folder: &Path) -> bool {
    sqlite::SqliteStore::is_made(folder)
}

/// Looks at the store of a folder that cannot be opened. Nothing is changed.
pub fn examine_closed(folder: &Path) -> Vec<Finding> {
    sqlite::SqliteStore::examine_closed(folder)
}

/// Keeps a data folder from being opened by anybody else, until what is given is dropped.
///
/// # Errors
/// [`Error::InUse`](crate::Error::InUse) when it is open.
pub fn hold(folder: &Path) -> Result<Box<dyn std::any::Any>> {
    sqlite::hold(folder)
}

/// Whether a file of this name makes a folder a data folder.
pub fn makes_a_folder(name: &std::ffi::OsStr) -> bool {
    sqlite::makes_a_folder(name)
}

/// Puts each of two folders into the place of the other, at once.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) where the system cannot do that; then nothing was done.
pub fn exchange(one: &Path, other: &Path) -> Result<()> {
    sqlite::exchange(one, other)
}

/// Makes a store of a copy: its file lies in a folder that holds nothing else of a store, under the name that its facts give. All of
/// it is looked at. Gives what it holds.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) when it is not sound, [`Error::Data`](crate::Error::Data) when it is of another kind
/// of store or made by a newer program, [`Error::StorageFull`](crate::Error::StorageFull) when there is no room.
pub fn settle_copy(folder: &Path, facts: &CopyFacts) -> Result<CopyFacts> {
    sqlite::SqliteStore::settle_copy(folder, facts)
}

/// Takes the store of a folder that is not open as it is, with the papers that are damaged: these are named, cannot be read,
/// and are put right when they are ingested again. Gives how many there are.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) when not all of it can be read, [`Error::InUse`](crate::Error::InUse) when the folder is
/// open.
pub fn accept_closed(folder: &Path) -> Result<usize> {
    sqlite::SqliteStore::accept_closed(folder)
}
