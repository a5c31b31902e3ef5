//! What can be asked of readers, and for them.

use crate::engine::Engine;
use crate::engine::answer::{Answer, SearchOptions};
use crate::engine::page::Page;
use crate::engine::readers::{
    EventReport, ExportedUser, Feed, Import, ImportProgress, ImportView, Imported, InterestPatch, InterestView, Mark,
    Outside, QuestionsOptions, ReferenceList, Since, TakeFeed, Testbed, Undone, Unreadable, UserView,
};
use crate::error::Result;
use crate::paper::PaperId;
use crate::store::EventsWritten;
use crate::user::{Event, Settings, UserId};

impl Engine {
    /// How many users there are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count_users(&self) -> Result<usize> {
        self.readers.count_users()
    }

    /// Makes the feed of every user, on all cores, and gives them to `f` in the order in which the users came. Nobody
    /// is kept in memory for it.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for what is not allowed; whatever `f` returns.
    pub fn digest(&self, feed: &Feed, f: &mut TakeFeed<'_>) -> Result<()> {
        self.readers.digest(feed, f)
    }

    /// What every answer about the corpus depends on. Costs a look into the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn corpus_mark(&self) -> Result<Mark> {
        self.readers.corpus_mark()
    }

    /// What a user's feed depends on: what they did and set, the reading of others, and the corpus. While it stays the
    /// same, so does the feed for the same question. Costs some looks into the store and computes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn feed_mark(&self, name: &str) -> Result<Mark> {
        self.readers.feed_mark(name)
    }

    /// The personal feed.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user;
    /// [`Error::Invalid`](crate::Error::Invalid) for what is not allowed.
    pub fn feed(&self, name: &str, feed: &Feed) -> Result<Answer> {
        self.readers.feed(name, feed)
    }

    /// Ranks exactly these papers for a user, all of them, seen ones included; with events that are taken as if they
    /// had happened, and are not stored.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user or paper that is not there;
    /// [`Error::Invalid`](crate::Error::Invalid) for no candidates or too many.
    pub fn rank_for(
        &self,
        name: &str,
        ids: &[PaperId],
        hypothetical_events: &[Event],
        explain: bool,
    ) -> Result<Answer> {
        self.readers.rank_for(name, ids, hypothetical_events, explain)
    }

    /// Says what [`Engine::import_history`] would make of a list, entry by entry. Nothing is written, and no user made.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name that is not allowed.
    pub fn preview_history(&self, name: &str, list: &ReferenceList, import: &Import) -> Result<Imported> {
        self.readers.preview_history(name, list, import)
    }

    /// Takes references into a user's history; the user is made if new. A paper that has an event of this kind already
    /// gets no second one, so the same list may be imported again. `progress` hears of the import before the first
    /// window and after each that is on disk.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name that is not allowed, before anything is written. Whatever
    /// model and disk fail with, and [`Error::NotFound`](crate::Error::NotFound) when the import is taken back or the
    /// user forgotten meanwhile: the windows before are in, under the import that `progress` has heard of.
    pub fn import_history(
        &self,
        name: &str,
        list: &ReferenceList,
        import: &Import,
        progress: &(dyn Fn(&ImportProgress) + Sync),
    ) -> Result<Imported> {
        self.readers.import_history(name, list, import, progress)
    }

    /// The reading lists that a user brought, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn imports(&self, name: &str) -> Result<Vec<ImportView>> {
        self.readers.imports(name)
    }

    /// A reading list that a user brought, with what came of it entry by entry.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or import.
    pub fn import(&self, name: &str, id: &str) -> Result<ImportView> {
        self.readers.import(name, id)
    }

    /// Takes an import back: exactly the events and the papers from outside the corpus that it added and that nothing
    /// else has added. One that is running ends.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or import.
    pub fn undo_import(&self, name: &str, id: &str) -> Result<Undone> {
        self.readers.undo_import(name, id)
    }

    /// A page of the papers that a user's history has learned from and that are not in the corpus, by title.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user that is not there,
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range,
    /// [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn outside(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Outside>> {
        self.readers.outside(name, limit, cursor)
    }

    /// Forgets a paper that is not in the corpus, with what the user did with it; it may be named by another form of
    /// its identifier.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or paper.
    pub fn remove_outside(&self, name: &str, id: &str) -> Result<()> {
        self.readers.remove_outside(name, id)
    }

    /// Whether [`Engine::keep_interests`] would do something.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn interests_have_work(&self) -> Result<bool> {
        self.readers.interests_have_work()
    }

    /// Finds the interests of all users of whom something has changed since that was last done, and keeps them. Gives how
    /// many users these were. It goes behind the requests.
    ///
    /// # Errors
    /// When the store cannot be read or written, or the model that papers of libraries need cannot be used.
    pub fn keep_interests(&self) -> Result<usize> {
        self.readers.keep_interests()
    }

    /// Lets answers know what enough readers did together before today; to be called once a day. Gives how many readers
    /// something is told of.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn tell_readership(&self) -> Result<usize> {
        self.readers.tell()
    }

    /// Looks for what the reading of others needs of each paper before somebody asks, as far as that is not known: the read
    /// papers near it. It goes behind the requests. Gives how many papers these were.
    ///
    /// # Errors
    /// When store or index cannot be read.
    pub fn prepare_readership(&self) -> Result<usize> {
        self.readers.prepare_others()
    }

    /// The interests of a user, the greatest first.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn interests(&self, name: &str) -> Result<Vec<InterestView>> {
        self.readers.interests(name)
    }

    /// Changes an interest: it shows in the next answer. What is said holds for the papers that are in it now.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user or interest that is not there;
    /// [`Error::Invalid`](crate::Error::Invalid) for a name or weight that is not allowed, or an interest that is to be
    /// merged into itself.
    pub fn patch_interest(&self, name: &str, id: &str, patch: &InterestPatch) -> Result<InterestView> {
        self.readers.patch_interest(name, id, patch)
    }

    /// Takes back everything that a user made of one interest, or of all, merges included.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user or interest that is not there.
    pub fn reset_interests(&self, name: &str, id: Option<&str>) -> Result<Vec<InterestView>> {
        self.readers.reset_interests(name, id)
    }

    /// Papers that a user has said nothing of, the most telling first, each with the bits of information that its
    /// answer is expected to give. They follow from the starting points and from what the user has liked and disliked;
    /// the second and later ones as if those before had not been liked. The user need not exist.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a theme, an author or a paper that is not there;
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range, a name that no user can have, an empty topic
    /// or too many starting points.
    pub fn questions(&self, name: &str, ask: &QuestionsOptions) -> Result<Answer> {
        self.readers.questions(name, ask)
    }

    /// Lays papers out. What is common is taken from those that `background` lets through, so that a part can be kept
    /// out of everything that is learned.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a paper that is not there;
    /// [`Error::Invalid`](crate::Error::Invalid) when nothing is left for the background.
    pub fn testbed(&self, ids: &[PaperId], background: impl Fn(&PaperId) -> bool) -> Result<Testbed<'_>> {
        self.readers.testbed(ids, background)
    }

    /// Papers by recent attention. Days are counted back from [`Engine::today`], those of readers' acts from the newest
    /// that counts.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a window or request that is not allowed.
    pub fn trending(&self, window_days: f32, ask: &SearchOptions) -> Result<Answer> {
        self.readers.trending(window_days, ask)
    }

    /// The newest `n` days up to today: what is dated ahead of the clock is among them when its day has come. Where no
    /// paper has a day that was, everything.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn newest_days(&self, n: i32) -> Result<Since> {
        self.readers.newest_days(n)
    }

    /// Makes a user, or gives one that is there new settings.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name or setting out of range.
    pub fn put_user(&self, name: &str, settings: &Settings) -> Result<UserView> {
        self.readers.put_user(name, settings)
    }

    /// A user.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this name.
    pub fn user(&self, name: &str) -> Result<UserView> {
        self.readers.user(name)
    }

    /// Forgets everything about a user, also what others' answers had of them.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this name.
    pub fn delete_user(&self, name: &str) -> Result<()> {
        self.access.forgetting(name, || self.readers.delete_user(name))?;
        // It may wait for others, and nobody is to wait for it who comes in.
        self.readers.settle_forgotten();
        Ok(())
    }

    /// Writes down what a user did; they are made if new. All events or none; on disk when the call returns. A paper
    /// may be named by any form of an identifier; it is written down under the id that it was given.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name, time or weight that is not allowed, for no events or more
    /// than [`MAX_EVENTS`](crate::engine::MAX_EVENTS); [`Error::NotFound`](crate::Error::NotFound) for a paper that is
    /// not there.
    pub fn add_events(&self, name: &str, events: &[Event]) -> Result<EventsWritten> {
        self.readers.add_events(name, events)
    }

    /// Writes down what can be written down of what some users did, each with their name; users are made if new and
    /// anything could. On disk when the call returns. What was no event to begin with comes as its rejection.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for no events or more than [`MAX_EVENTS`](crate::engine::MAX_EVENTS).
    pub fn add_each_event(&self, given: Vec<Result<(UserId, Event), Unreadable>>) -> Result<EventReport> {
        self.readers.add_each_event(given)
    }

    /// A page of users, in the order in which they came.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range,
    /// [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn users(&self, limit: usize, cursor: Option<&str>) -> Result<Page<UserView>> {
        self.readers.users(limit, cursor)
    }

    /// A page of a user's history, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a user that is not there,
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range,
    /// [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn events(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Event>> {
        self.readers.events(name, limit, cursor)
    }

    /// The secret that opens a user's feed to a news reader; made when first asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn feed_token(&self, name: &str) -> Result<String> {
        self.readers.feed_token(name)
    }

    /// Takes the secret of a user's feed back: the addresses with it stop at once, and the next call of
    /// [`Engine::feed_token`] makes another.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn revoke_feed_token(&self, name: &str) -> Result<()> {
        self.readers.revoke_feed_token(name)
    }

    /// Whether a secret is that of a user's feed.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn opens_feed(&self, name: &str, token: &str) -> Result<bool> {
        self.readers.opens_feed(name, token)
    }

    /// Users with all there is of them, up to `n` in the order in which they came, from the one behind `after` on.
    pub fn export_users(&self, after: Option<i64>, n: usize) -> Result<Vec<ExportedUser>> {
        self.readers.export_users(after, n)
    }

    /// Takes a user in as they were exported. Papers of their library that are not in the corpus are embedded again
    /// where no vector is known.
    pub fn import_user(&self, user: &ExportedUser) -> Result<()> {
        self.readers.import_user(user)
    }
}
