//! The health of a store: what is wrong with it for now, what a look at everything finds, and what keeps it in order.
//!
//! What a store needs of it differs: one in a folder watches the folder, compares what it reads with checksums and folds a log
//! in. One that has nothing of the kind does nothing, finds nothing, and says so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Troubles;
use crate::error::Result;

/// How something that was looked at is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it by day.
    Warning,
    /// Not as it should be.
    Bad,
}

/// What one look found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// Whether it works: a warning does.
    pub ok: bool,
    /// How it is.
    pub status: Health,
    /// What was found.
    pub found: String,
    /// What to do, where something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn good(check: &str, found: impl Into<String>) -> Self {
        Finding { check: check.into(), ok: true, status: Health::Ok, found: found.into(), help: None }
    }

    /// It works, and somebody should look at it by day.
    pub fn warning(check: &str, found: impl Into<String>, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Finding { check: check.into(), ok: true, status: Health::Warning, found: found.into(), help }
    }

    /// Not as it should be.
    pub fn bad(check: &str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Finding { check: check.into(), ok: false, status: Health::Bad, found: found.into(), help: Some(help.into()) }
    }
}

/// How many pages of a database were compared with their checksums, and which differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PagesRead {
    /// Pages that were read; 0 in a store that keeps no checksums of its own.
    pub pages: usize,
    /// Those that are not as they were written, from 1.
    pub damaged: Vec<u32>,
}

/// Looking after a store.
pub trait Upkeep {
    /// Where it is, for the operator: a file, say, or a host and a database. It goes into no answer to a client.
    fn location(&self) -> String;

    /// How many bytes it takes, as far as it knows.
    fn bytes(&self) -> u64;

    /// What a person should hear of how it was opened.
    fn told(&self) -> &[String];

    /// What is wrong for now; whoever follows the store adds its own.
    fn troubles(&self) -> &Arc<Troubles>;

    /// Looks after what lies under the store, quickly, and tells what is wrong and what no longer is
    /// ([`Upkeep::troubles`]); to be called twice a second.
    fn watch(&self);

    /// Tries whether something can be written for now; where there is no room, that is told.
    fn has_room(&self) -> bool;

    /// Puts in order what many writes have left, if there is enough of it; to be called when there is little else to do. It
    /// adds nothing to what is safe: every write is, before it returns.
    fn tidy(&self) -> Result<()>;

    /// Waits until nothing that was taken away for good stands in any file of the store any more, as long as ten seconds; what
    /// cannot be done by then (something old is being read, a copy is being made) is done as soon as it can be, also by another
    /// process that opens the store.
    fn settle_forgotten(&self);

    /// Compares everything that has a checksum of the store's own with it.
    ///
    /// # Errors
    /// When it cannot be read.
    fn check_pages(&self) -> Result<PagesRead>;

    /// Looks at everything there is of the store. It may take minutes.
    fn examine(&self) -> Vec<Finding>;

    /// Takes the store as it is: acknowledged writes that are missing are told of no more. Gives what was accepted, none where
    /// nothing was missing.
    ///
    /// # Errors
    /// When that cannot be written down.
    fn accept(&self) -> Result<Option<String>>;
}
