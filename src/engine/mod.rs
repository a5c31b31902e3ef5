//! Where store, embedder, index and rank meet: four parts, each with a state of its own, and a thin face over them.
//!
//! | part | what it does | knows |
//! |---|---|---|
//! | `corpus` | papers: how they come in, how they are found, what follows the store | nobody |
//! | `themes` | what the corpus is about | `corpus` |
//! | `readers` | users, what they did, and the papers that are ranked for them | `corpus`, `themes` |
//! | `access` | who may come in: the keys | nobody |
//!
//! `answer` is the form of questions and answers that all of them share, `page` that of lists and the cursors between pages,
//! and `widen` how all of them search on until enough is left. No part sees into another: it has methods, and what the corpus
//! must tell the others it tells them as its followers. What has changed is told to whoever listens (`happened`), and what has
//! time is done when somebody calls for it: `keep_themes`, `keep_interests`, `tell_readership`, `maintain_gently`. [`Engine`]
//! hands each question to the part that answers it (`face`).

mod access;
mod answer;
mod corpus;
mod face;
mod happened;
mod open;
mod page;
mod readers;
mod themes;
mod widen;

pub use access::{
    KEY_PREFIX, KeyMade, KeyRefused, KeyView, LINK_VALID, LinkState, NewKey, Purpose, SESSION_IDLE, SESSION_LONGEST,
    Secret, SessionView, SessionsOf, SignInLink, holds_key, read_expiry,
};
pub use answer::{
    Answer, Facet, FacetValue, Facets, Hit, InterestName, MatchCount, Meta, Mode, Part, SearchOptions, SearchRequest,
    SearchSort, Suggestion, SuggestionKind, Why,
};
pub use corpus::{
    Checkup, Diagnosis, EmbeddingWish, Embeddings, Example, Exported, Incoming, Info, MAX_LISTED, MAX_QUERY_BYTES,
    MAX_WINDOW, Origin, PaperInFull, Preview, Recommend, Reembedded, Rejected, Rejection, Report, Source, Version,
    Warning,
};
pub use happened::Happened;
pub use open::Opened;
pub use page::{Listing, Page, Sort};
pub use readers::{
    Chosen, Deed, DeliveryOfWebhook, DeliveryView, Entry, EntryStatus, EventReport, ExportedUser, Feed, Filed,
    FolderList, FolderView, Format, Import, ImportAbout, ImportProgress, ImportView, Imported, InFolder, InterestPatch,
    InterestView, Kept, LibraryOptions, LibrarySort, MAX_EVENTS, Mark, Matched, Matches, NewHook, NoteView, Noted,
    OutgoingCall, Outside, PaperOpinion, QuestionsOptions, Readership, Reference, ReferenceList, RejectedEvent,
    RejectedUnit, SavedSearch, SearchHit, SearchPapers, SearchPapersOptions, SearchPatch, SearchView, Since, Subscribe,
    SubscriptionView, Testbed, Topic, TurnedDown, Undone, Unreadable, UserView, WebhookMade, WebhookView, Windows,
};
pub use themes::{
    Assigned, Example as ThemeExample, ExportedPlace, ExportedRun, ExportedTheme, ExportedThemeEvent, ExportedThemes,
    MapColumns, MapOptions, MapPaper, MapPapers, MapPoints, OneTheme, PaperOrder, Selection, SelectionThemes,
    Stability, Theme, ThemeEvent, ThemeEvents, ThemeList, ThemeMap, ThemeName, ThemeOptions, ThemeOrder, ThemesKept,
    ThemesMeta, ThemesOptions, ThemesRun,
};

use std::sync::Arc;

use self::access::Access;
use self::corpus::Corpus;
use self::readers::Readers;
use self::themes::Themes;
use crate::store::JobRecords;

/// An open data folder: everything that can be asked of it. Shared between threads, synchronous.
pub struct Engine {
    readers: Readers,
    themes: Arc<Themes>,
    corpus: Arc<Corpus>,
    // Who may come in.
    access: Access,
    // Who is told that something has changed.
    listeners: Arc<happened::Listeners>,
    // The lock on what runs without being asked, for whoever runs it.
    jobs: Arc<dyn JobRecords>,
}
