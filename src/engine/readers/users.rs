//! Users, their settings and what they did.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::answer::check_limit;
use crate::engine::page::{Cursor, Page};
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::store::{EventsWritten, Slice, StoredInterest, User};
use crate::user::{Edits, Event, Moment, Settings, UserId};

/// Events in one call.
pub const MAX_EVENTS: usize = crate::bounds::EVENTS;

/// A user as they see themselves.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UserView {
    /// The name.
    #[schema(value_type = String, max_length = 256)]
    pub id: UserId,
    /// When they were first heard of.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// How many events they have.
    pub events: usize,
    /// What they set.
    pub settings: Settings,
}

/// An event that could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// The paper that it names, where that could be read.
    pub paper: Option<String>,
    /// The reason, for a person.
    pub reason: String,
}

/// An event that was not written down.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RejectedEvent {
    /// Its place among the events that were sent, from 0.
    pub index: usize,
    /// The paper as it was named; null where that could not be read.
    pub paper: Option<String>,
    /// The reason.
    pub reason: String,
}

/// What became of some events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct EventReport {
    /// Events that were not there before.
    pub accepted: usize,
    /// Events that were there already: the same user, paper, kind and time.
    pub unchanged: usize,
    /// Events that were not written down, in their order.
    pub rejected: Vec<RejectedEvent>,
}

impl From<EventsWritten> for EventReport {
    fn from(added: EventsWritten) -> Self {
        EventReport { accepted: added.accepted, unchanged: added.unchanged, rejected: Vec::new() }
    }
}

impl Readers {
    /// Makes a user, or gives one that is there new settings.
    pub fn put_user(&self, name: &str, settings: &Settings) -> Result<UserView> {
        settings.check()?;
        let name = UserId::new(name)?;
        self.keep_found_of(std::iter::once(name.as_str()))?;
        let user = self.store.put_user(&name, settings)?;
        self.wrote();
        self.view(user)
    }

    /// A user.
    pub fn user(&self, name: &str) -> Result<UserView> {
        let user = self.store.user(name)?;
        self.view(user)
    }

    fn view(&self, user: User) -> Result<UserView> {
        let events = self.store.count_events(user.number)?;
        Ok(UserView { id: user.name, created: user.created, events, settings: user.settings })
    }

    /// Waits until nothing of who was forgotten stands in any file, as long as that takes seconds.
    pub fn settle_forgotten(&self) {
        self.store.settle_forgotten();
    }

    /// Forgets everything about a user, also what others' answers had of them.
    pub fn delete_user(&self, name: &str) -> Result<()> {
        let number = self.store.delete_user(name)?;
        self.forget(number);
        self.wrote();
        Ok(())
    }

    /// Writes down what a user did; they are made if new. All events or none; on disk when the call returns. A paper may be
    /// named by any form of an identifier; it is written down under the id that it was given.
    pub fn add_events(&self, name: &str, events: &[Event]) -> Result<EventsWritten> {
        let name = UserId::new(name)?;
        if events.is_empty() || events.len() > MAX_EVENTS {
            return Err(Error::Invalid(format!("{} events; 1 to {MAX_EVENTS} are allowed in one call", events.len())));
        }
        let now = Moment::now();
        events.iter().try_for_each(|event| event.check(now))?;
        let events = self.events_of_given_ids(name.as_str(), events)?;
        self.keep_found_of(std::iter::once(name.as_str()))?;
        let added = self.store.add_events(&name, &events)?;
        self.wrote();
        Ok(added)
    }

    /// Writes down what can be written down of what some users did, each with their name; users are made if new and anything
    /// could. On disk when the call returns. What was no event to begin with comes as its rejection.
    pub fn add_each_event(&self, given: Vec<Result<(UserId, Event), Unreadable>>) -> Result<EventReport> {
        if given.is_empty() || given.len() > MAX_EVENTS {
            return Err(Error::Invalid(format!("{} events; 1 to {MAX_EVENTS} are allowed in one call", given.len())));
        }
        let now = Moment::now();
        // By user, in the order in which they come first: the events, and their places among all.
        let mut of: Vec<(UserId, Vec<Event>, Vec<usize>)> = Vec::new();
        let mut known: HashMap<UserId, usize> = HashMap::new();
        let mut rejected = Vec::new();
        for (index, one) in given.into_iter().enumerate() {
            let checked = one.and_then(|(user, event)| match event.check(now) {
                Ok(()) => Ok((user, event)),
                Err(e) => Err(Unreadable { paper: Some(event.paper.to_string()), reason: e.to_string() }),
            });
            match checked {
                Ok((user, event)) => {
                    let place = *known.entry(user).or_insert_with_key(|user| {
                        of.push((user.clone(), Vec::new(), Vec::new()));
                        of.len() - 1
                    });
                    of[place].1.push(event);
                    of[place].2.push(index);
                }
                Err(Unreadable { paper, reason }) => rejected.push(RejectedEvent { index, paper, reason }),
            }
        }
        let named: Vec<Cow<'_, [Event]>> = of
            .iter()
            .map(|(user, events, _)| self.events_of_given_ids(user.as_str(), events))
            .collect::<Result<_>>()?;
        let written: Vec<(&UserId, &[Event])> =
            of.iter().zip(&named).map(|(of, events)| (&of.0, &events[..])).collect();
        self.keep_found_of(written.iter().map(|(user, _)| user.as_str()))?;
        let (added, unknown) = self.store.add_known_events(&written)?;
        self.wrote();
        for ((_, events, places), unknown) in of.iter().zip(unknown) {
            rejected.extend(unknown.into_iter().map(|k| {
                let paper = events[k].paper.as_str();
                let reason = Error::no_paper(paper).to_string();
                RejectedEvent { index: places[k], paper: Some(paper.to_string()), reason }
            }));
        }
        rejected.sort_by_key(|r| r.index);
        Ok(EventReport { accepted: added.accepted, unchanged: added.unchanged, rejected })
    }

    /// A page of users, in the order in which they came.
    pub fn users(&self, limit: usize, cursor: Option<&str>) -> Result<Page<UserView>> {
        check_limit(limit)?;
        let mut users = self.store.users_after(Cursor::given(cursor)?, limit + 1)?;
        let more = users.len() > limit;
        users.truncate(limit);
        let next = users.last().filter(|_| more).map(|user| user.number);
        let items = users.into_iter().map(|user| self.view(user)).collect::<Result<_>>()?;
        Ok(Page::of(Slice { items, next, total: self.store.count_users()? }))
    }

    /// A page of a user's history, newest first.
    pub fn events(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Event>> {
        check_limit(limit)?;
        let after = Cursor::given(cursor)?;
        Ok(Page::of(self.store.events_back(self.store.user(name)?.number, after.as_ref(), limit)?))
    }

    /// The secret that opens a user's feed to a news reader; made when first asked for.
    pub fn feed_token(&self, name: &str) -> Result<String> {
        let mut secret = [0u8; 32];
        getrandom::fill(&mut secret).map_err(|e| Error::Internal(format!("the system gave no randomness: {e}")))?;
        let fresh: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        self.store.feed_token(name, &fresh)
    }

    /// Takes the secret of a user's feed back: the addresses with it stop at once, and the next call of
    /// [`Readers::feed_token`] makes another.
    pub fn revoke_feed_token(&self, name: &str) -> Result<()> {
        self.store.revoke_feed_token(name)
    }

    /// Whether a secret is that of a user's feed.
    pub fn opens_feed(&self, name: &str, token: &str) -> Result<bool> {
        self.store.user(name)?;
        // Compared by hash, so that the time it takes tells nothing of where the two differ.
        let known = self.store.known_feed_token(name)?;
        Ok(known.is_some_and(|known| blake3::hash(known.as_bytes()) == blake3::hash(token.as_bytes())))
    }

    /// Users with all there is of them, up to `n` in the order in which they came, from the one behind `after` on.
    pub fn export_users(&self, after: Option<i64>, n: usize) -> Result<Vec<ExportedUser>> {
        let users = self.store.users_after(after, n)?;
        users
            .into_iter()
            .map(|user| {
                Ok(ExportedUser {
                    number: user.number,
                    events: self.store.history(user.number)?,
                    received: self.store.received(user.number)?,
                    outside: self.store.library(user.number)?,
                    interests: self.known_interests(user.number)?,
                    imports: self.store.imports_with_claims(user.number)?,
                    searches: self.store.searches(user.number)?,
                    folders: self.exported_folders(user.number)?,
                    notes: self.exported_notes(user.number)?,
                    token: self.store.known_feed_token(user.name.as_str())?,
                    name: user.name,
                    settings: user.settings,
                    created: user.created,
                })
            })
            .collect()
    }

    /// Takes a user in as they were exported. Papers of their library that are not in the corpus are embedded again where
    /// no vector is known.
    pub fn import_user(&self, user: &ExportedUser) -> Result<()> {
        self.store.restore_user(&user.name, &user.settings, user.created, user.token.as_deref())?;
        self.put_outside(&user.name, &user.outside)?;
        self.store.restore_events(&user.name, &user.events, &user.received)?;
        self.store.restore_imports(&user.name, &user.imports)?;
        let stored = self.store.user(user.name.as_str())?;
        let number = stored.number;
        self.store.replace_interests(number, &anchored(&user.interests))?;
        self.restore_searches(&stored, &user.searches)?;
        self.restore_folders(&stored, &user.folders)?;
        self.restore_notes(&stored, &user.notes)?;
        // What was found of them before is found again.
        self.kept.forget(number);
        self.found.forget(number);
        self.wrote();
        Ok(())
    }
}

/// A user with everything that is known of them.
#[derive(Debug, Clone)]
pub struct ExportedUser {
    /// Where to go on from.
    pub number: i64,
    /// The name.
    pub name: UserId,
    /// What they set.
    pub settings: Settings,
    /// When they were first heard of.
    pub created: Moment,
    /// The secret that opens their feed to a news reader, where one was given out.
    pub token: Option<String>,
    /// Every event, oldest first.
    pub events: Vec<Event>,
    /// The day on which each of them came; days since 1970-01-01. Empty where that is not known.
    pub received: Vec<i32>,
    /// Papers of their library that are not in the corpus.
    pub outside: Vec<crate::paper::Paper>,
    /// Their interests.
    pub interests: Vec<crate::store::StoredInterest>,
    /// The reading lists that they brought, with what each has added.
    pub imports: Vec<crate::store::ImportWithClaims>,
    /// What they follow.
    pub searches: Vec<crate::store::StoredSearch>,
    /// Their folders, with what is in each.
    pub folders: Vec<crate::store::FolderWithPapers>,
    /// What they wrote on papers.
    pub notes: Vec<crate::store::StoredNote>,
}

/// Gives those that the user said something about, and that have no anchor (exports of version 0.1), their papers as one: what
/// was said holds for these.
fn anchored(all: &[StoredInterest]) -> Vec<StoredInterest> {
    let into: HashSet<u32> = all.iter().filter_map(|i| i.merged).collect();
    let said = |i: &StoredInterest| i.edits != Edits::default() || i.merged.is_some() || into.contains(&i.number);
    let one = |i: &StoredInterest| {
        let anchor = if i.anchor.is_empty() && said(i) { i.papers.clone() } else { i.anchor.clone() };
        StoredInterest { anchor, ..i.clone() }
    };
    all.iter().map(one).collect()
}
