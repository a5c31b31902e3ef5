//! What users did.

use super::Slice;
use crate::error::Result;
use crate::paper::PaperId;
use crate::user::{Event, EventKind, Moment, UserId};

/// What became of a batch of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventsWritten {
    /// Events that were not there before.
    pub accepted: usize,
    /// Events that were there already: the same paper, kind and time.
    pub unchanged: usize,
}

/// The last event that was seen of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlace {
    /// When it was.
    pub at: Moment,
    /// What it was about.
    pub paper: PaperId,
    /// What was done.
    pub kind: EventKind,
}

/// What follows on a paper from what a user did with it before (oldest first): events on it that are to be written then.
pub type Follows<'a> = dyn Fn(&PaperId, &[Event]) -> Vec<Event> + 'a;

/// Acts of users. An event is its user, time, paper and kind: the same one again changes nothing, whatever its weight. Each
/// keeps the day on which it came (by the store's own clock), which nobody can choose.
///
/// A paper is known to a user when it is in the corpus or in their [library](super::Library).
pub trait Events {
    /// Writes events of a user, who is made if new: all of them or, when one names a paper that is not known, none. What an
    /// import had brought and is done by hand now is no longer the import's to take back.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for the first paper that is not known. An event that is there already may name
    /// a paper that is gone.
    fn add_events(&self, name: &UserId, events: &[Event]) -> Result<EventsWritten>;

    /// Writes what follows from what a user did with a paper ([`Events::events_on`]), in one transaction with the look at that: of
    /// two who say the same at one time the second sees what the first has written. The user is made if new and anything follows.
    /// Gives how many events were not there before.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) where something follows and the paper is not known.
    fn add_following(&self, name: &UserId, paper: &PaperId, follows: &Follows<'_>) -> Result<usize>;

    /// Writes, in one transaction, those events of some users that name a paper that is known, or are there already; gives for
    /// each user the places of the others. A user is made if new and any of their events is written.
    fn add_known_events(&self, of: &[(&UserId, &[Event])]) -> Result<(EventsWritten, Vec<Vec<usize>>)>;

    /// Writes events as they were exported, whether their papers are known or not, with the days on which they came (as many as
    /// there are events, or fewer); where such a day is not known, or has not come yet, with that of the event, and today
    /// at the latest. The user is made if new.
    fn restore_events(&self, name: &UserId, events: &[Event], received: &[i32]) -> Result<EventsWritten>;

    /// Every event of a user, oldest first: by time, then paper, then kind.
    fn history(&self, user: i64) -> Result<Vec<Event>>;

    /// The events of a user on some papers, in the order of the papers; each list oldest first.
    fn events_on(&self, user: i64, papers: &[&PaperId]) -> Result<Vec<Vec<Event>>>;

    /// The days on which the events of a user came, in the order of [`Events::history`].
    fn received(&self, user: i64) -> Result<Vec<i32>>;

    /// Up to `n` events of a user, newest first (the order of [`Events::history`] from its end), from the one behind `after`
    /// on. That one may be gone.
    fn events_back(&self, user: i64, after: Option<&EventPlace>, n: usize) -> Result<Slice<Event, EventPlace>>;

    /// How many events a user has.
    fn count_events(&self, user: i64) -> Result<usize>;

    /// Gives every event of every user that came before a day to `f` (user, event, day on which it came), user by user, each
    /// in the order of [`Events::history`]. What came later by a clock that was wrong counts as of the day before it.
    fn each_event_before(&self, day: i32, f: &mut dyn FnMut(i64, Event, i32)) -> Result<()>;
}
