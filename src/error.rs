//! One error for the whole crate, sorted by what the caller can do about it.

use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do about it.
///
/// The message of every variant is meant for a person: it names the thing and, where there is one, the way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request could not be read at all (broken JSON, a date that is none): send it in another form.
    #[error("{0}")]
    BadRequest(String),
    /// The request was read and is not allowed (limit 501, no examples): change its values.
    #[error("{0}")]
    Invalid(String),
    /// The request was fine and names something that does not exist.
    #[error("no {what} has the id {id:?}")]
    NotFound {
        /// The kind of thing, for example `paper`.
        what: &'static str,
        /// The name that was asked for.
        id: String,
    },
    /// Too much work is waiting: try again in a moment.
    #[error("{0}")]
    Overloaded(String),
    /// What was asked for is made by a job of the service, and not done yet: ask again in a moment, or look how the job stands.
    #[error("{message}")]
    BeingMade {
        /// The job, by its name.
        job: &'static str,
        /// What is not done yet.
        message: String,
    },
    /// The model cannot be used: choose another, or mend its folder.
    #[error("{0}")]
    Model(String),
    /// The data folder cannot be used as it is (locked, damaged, made with another model).
    #[error("{0}")]
    Data(String),
    /// Another process has the data folder open.
    #[error("the data folder {} is in use by another paperkin (process {process}). Stop it first, or ask it over HTTP if it serves", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The number of the process.
        process: String,
    },
    /// The system refused a file operation (missing, no permission, disk full).
    #[error("{}: {doing}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done, for example `cannot open`.
        doing: &'static str,
        /// The system's own words.
        source: std::io::Error,
    },
    /// There is no room on the disk: make some; what was reported as stored is safe.
    #[error("{0}")]
    StorageFull(String),
    /// The data folder cannot be used for now (it was taken away or replaced while it was open): nothing was written.
    #[error("{0}")]
    Unavailable(String),
    /// What was asked for is there, and not as it was written: put a backup back.
    #[error("{0}")]
    Damaged(String),
    /// A service elsewhere did not give what was asked of it: the message names it and says what it said.
    #[error("{0}")]
    Remote(String),
    /// Whoever asked for the work has given it up, or was told that it took too long: what was finished stays, the rest is not
    /// begun.
    #[error("the work was given up: nobody waits for its answer")]
    Cancelled,
    /// A defect of this program, or something nobody foresaw.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// Whether it is nothing that whoever asked did or can mend, and may name files: its text is for the operator's log.
    pub fn is_internal(&self) -> bool {
        matches!(self, Error::Model(_) | Error::Data(_) | Error::InUse { .. } | Error::Io { .. } | Error::Internal(_))
    }

    /// A file operation that failed; `doing` reads like `cannot open`.
    pub fn io(path: impl AsRef<Path>, doing: &'static str, source: std::io::Error) -> Self {
        Error::Io { path: path.as_ref().to_path_buf(), doing, source }
    }

    /// No paper has this id.
    pub fn no_paper(id: &str) -> Self {
        Error::NotFound { what: "paper", id: crate::paper::head(id, 300) }
    }
}
