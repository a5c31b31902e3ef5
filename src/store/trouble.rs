//! What is wrong for now: said as long as it lasts, and read without waiting for anything.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use utoipa::ToSchema;

use crate::user::Moment;

/// What can be wrong, as one word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TroubleCode {
    /// The folder, or a file of it, was taken away or replaced while it was open: nothing is written.
    FolderGone,
    /// The database is not as it was written.
    Damaged,
    /// The disk takes nothing more: nothing is written until there is room.
    DiskFull,
    /// Changes that were acknowledged are missing from the store.
    StoreOlder,
    /// The index of words lacks changes that the store has.
    WordsBehind,
    /// The index of vectors, or what is known of versions, could not follow the store.
    IndexBehind,
}

impl TroubleCode {
    /// All of them.
    pub const ALL: [TroubleCode; 6] = [
        TroubleCode::FolderGone,
        TroubleCode::Damaged,
        TroubleCode::DiskFull,
        TroubleCode::StoreOlder,
        TroubleCode::WordsBehind,
        TroubleCode::IndexBehind,
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            TroubleCode::FolderGone => "folder_gone",
            TroubleCode::Damaged => "damaged",
            TroubleCode::DiskFull => "disk_full",
            TroubleCode::StoreOlder => "store_older",
            TroubleCode::WordsBehind => "words_behind",
            TroubleCode::IndexBehind => "index_behind",
        }
    }

    /// Whether answers cannot be relied on, or whatever is written is lost: who sends requests should send them elsewhere. With
    /// the others reading works, and most writing.
    pub fn is_grave(self) -> bool {
        matches!(self, TroubleCode::FolderGone | TroubleCode::Damaged)
    }
}

/// Something that is wrong for now.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Trouble {
    /// What it is, as one word.
    pub code: TroubleCode,
    /// What it is and what helps, for a person.
    pub message: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Moment,
    /// By how many changes something is behind, or how many are missing; where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
}

/// What is wrong for now, one of each kind. Its lock is never held while anything is read or written.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<Vec<Trouble>>);

impl Troubles {
    /// What is wrong, the gravest first.
    pub fn all(&self) -> Vec<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether this is wrong.
    pub fn has(&self, code: TroubleCode) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|t| t.code == code)
    }

    /// Something is wrong; said in the log where it was not known.
    pub fn begin(&self, code: TroubleCode, message: String, behind: Option<u64>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|t| t.code == code) {
            Some(known) => (known.message, known.behind) = (message, behind),
            None => {
                tracing::error!("{}: {message}", code.name());
                all.push(Trouble { code, message, since: Moment::now(), behind });
                all.sort_by_key(|t| t.code);
            }
        }
    }

    /// It is over; said in the log where it was known.
    pub fn end(&self, code: TroubleCode) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|t| t.code != code);
        if all.len() < before {
            tracing::warn!("{} is over", code.name());
        }
    }
}
