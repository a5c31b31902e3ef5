//! Readers: what they did, what they are interested in, and the papers that are ranked for them.
//!
//! The topmost part: it knows the corpus and the themes, and neither knows it.

mod agreement;
mod calibration;
mod coreading;
mod feed;
mod format;
mod history;
mod imports;
mod interests;
mod named;
mod questions;
mod reader;
mod readership;
mod recommend;
mod testbed;
mod trending;
mod users;

pub use self::feed::{Feed, Mark, Since, TakeFeed};
pub use self::format::Format;
pub use self::history::{Reference, ReferenceList, RejectedUnit};
pub use self::imports::{
    Entry, EntryStatus, Import, ImportAbout, ImportProgress, ImportView, Imported, Matched, Outside, Undone,
};
pub use self::interests::{InterestPatch, InterestView};
pub use self::questions::QuestionsOptions;
pub use self::testbed::{Readership, Testbed, Topic};
pub use self::users::{EventReport, ExportedUser, MAX_EVENTS, RejectedEvent, Unreadable, UserView};

use std::sync::Arc;

use crate::engine::corpus::Corpus;
use crate::engine::themes::Themes;
use crate::store::Store;

/// The readers of a data folder.
pub struct Readers {
    corpus: Arc<Corpus>,
    themes: Arc<Themes>,
    store: Arc<Store>,
    // Users whose model is fitted; made again from the store whenever they are not here.
    kept: reader::KeptReaders,
    // Reading lists that are being taken in.
    imports: imports::Running,
    // The papers that newcomers are asked about.
    questions: questions::Kept,
    // Candidates of a feed up to which all are scored.
    score_all: usize,
}

impl Readers {
    /// The readers over a corpus and its themes.
    pub fn new(store: Arc<Store>, corpus: Arc<Corpus>, themes: Arc<Themes>) -> Self {
        Readers {
            corpus,
            themes,
            store,
            kept: reader::KeptReaders::default(),
            imports: imports::Running::default(),
            questions: questions::Kept::default(),
            score_all: feed::SCORE_ALL,
        }
    }

    /// Lets go of a user who is forgotten, and of all that was made of many and of them.
    fn forget(&self, user: i64) {
        self.kept.forget(user);
        self.questions.forget(user);
    }
}
