//! Readers: what they did, what they are interested in, and the papers that are ranked for them.
//!
//! The topmost part: it knows the corpus and the themes, and neither knows it.

mod agreement;
mod calibration;
mod collection;
mod coreading;
mod feed;
#[cfg(test)]
mod fixture;
mod folder_ids;
mod folders;
mod format;
mod history;
mod imports;
mod interests;
mod learned;
mod library;
mod named;
mod notes;
mod opinions;
mod pool;
mod questions;
mod reader;
mod readership;
mod recommend;
mod searches;
mod subscriptions;
mod testbed;
#[cfg(test)]
mod tests;
mod trending;
mod upkeep;
mod users;

pub use self::collection::{InFolder, Kept, LibraryOptions, LibrarySort};
pub use self::feed::{Feed, Mark, Since, TakeFeed};
pub use self::folders::{Filed, FolderList, FolderView};
pub use self::format::Format;
pub use self::history::{Reference, ReferenceList, RejectedUnit};
pub use self::imports::{
    Entry, EntryStatus, Import, ImportAbout, ImportProgress, ImportView, Imported, Matched, Outside, Undone,
};
pub use self::interests::{InterestPatch, InterestView};
pub use self::notes::{NoteView, Noted};
pub use self::opinions::{PaperOpinion, TurnedDown};
pub use self::questions::QuestionsOptions;
pub use self::searches::{
    DeliveryOfWebhook, Matches, NewHook, OutgoingCall, SavedSearch, SearchHit, SearchPapers, SearchPapersOptions,
    SearchPatch, SearchView, WebhookMade, WebhookView,
};
pub use self::subscriptions::{Chosen, Deed, DeliveryView, Subscribe, SubscriptionView, Windows};
pub use self::testbed::{Readership, Testbed, Topic};
pub use self::users::{EventReport, ExportedUser, MAX_EVENTS, RejectedEvent, Unreadable, UserView};

use std::sync::{Arc, Mutex};

use crate::engine::corpus::Corpus;
use crate::engine::happened::{Happened, Listeners};
use crate::engine::themes::Themes;
use crate::store::Store;

/// The readers of a data folder.
pub struct Readers {
    corpus: Arc<Corpus>,
    themes: Arc<Themes>,
    store: Arc<dyn Store>,
    // Users whose model is fitted, and what was scored for them; made again from the store whenever they are not here.
    kept: reader::KeptReaders,
    pools: pool::Pools,
    // What is told of all readers together, and what is made of it.
    released: readership::KeptReleased,
    others: coreading::KeptOthers,
    // Reading lists that are being taken in.
    imports: imports::Running,
    // The papers that newcomers are asked about.
    questions: questions::KeptSample,
    // Candidates of a feed up to which all are scored.
    score_all: usize,
    // Interests that are not in the store yet.
    found: interests::FoundLately,
    // How much is new of what is followed.
    counts: searches::KeptCounts,
    // The model of which all papers of libraries are known to have vectors.
    complete: Mutex<String>,
    listeners: Arc<Listeners>,
    // Held while somebody is asked whether they want mails.
    asking: Mutex<()>,
}

impl Readers {
    /// The readers over a corpus and its themes.
    pub fn new(store: Arc<dyn Store>, corpus: Arc<Corpus>, themes: Arc<Themes>, listeners: Arc<Listeners>) -> Self {
        Readers {
            corpus,
            themes,
            store,
            kept: Default::default(),
            pools: Default::default(),
            released: Default::default(),
            others: Default::default(),
            imports: Default::default(),
            questions: Default::default(),
            score_all: feed::SCORE_ALL,
            found: Default::default(),
            counts: Default::default(),
            complete: Default::default(),
            listeners,
            asking: Mutex::default(),
        }
    }

    /// Lets go of a user who is forgotten, and of all that was made of many and of them.
    fn forget(&self, user: i64) {
        self.kept.forget(user);
        if self.released.forget(user) {
            self.others.forget();
        }
        self.questions.forget(user);
        self.found.forget(user);
    }

    /// Tells whoever listens that something of a reader was written.
    fn wrote(&self) {
        self.listeners.tell(Happened::Readers);
    }
}
