//! Interests that were found, until they are in the store.
//!
//! Whoever only asks finds interests and writes nothing. What was found stays here under its numbers, and the next question
//! goes on from it; whatever writes something of the user puts it into the store first, so that an id that was told once is
//! the one that is kept. The job `interests` of the service finds and keeps them soon after a history has changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::cancel;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::index::behind_requests;
use crate::store::{FoundInterests, StoredInterest, User};

/// Users looked at, and kept in one go.
const USERS: usize = 32;

/// What was found of users and is not in the store.
#[derive(Default)]
pub struct FoundLately {
    of: Mutex<HashMap<i64, Vec<StoredInterest>>>,
}

impl FoundLately {
    /// Notes what was found of a user and is not so in the store; nothing where it is.
    pub fn note(&self, user: i64, found: Vec<StoredInterest>) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_empty() {
            of.remove(&user);
        } else {
            of.insert(user, found);
        }
    }

    /// Lets go of a user.
    pub fn forget(&self, user: i64) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(&user);
    }

    fn get(&self, user: i64) -> Vec<StoredInterest> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).get(&user).cloned().unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Lets go of what is in the store by now, unless something else was found meanwhile.
    fn done(&self, user: i64, kept: &[StoredInterest]) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.get(&user).is_some_and(|found| found == kept) {
            of.remove(&user);
        }
    }
}

impl Readers {
    /// The interests of a user as they were last found, in the order of their numbers.
    pub(in crate::engine::readers) fn known_interests(&self, user: i64) -> Result<Vec<StoredInterest>> {
        // Looked at first: it leaves here when it is in the store.
        let lately = self.found.get(user);
        let mut known = self.store.interests(user)?;
        for found in lately {
            match known.iter_mut().find(|k| k.number == found.number) {
                Some(k) => k.papers = found.papers,
                None => known.push(found),
            }
        }
        known.sort_by_key(|k| k.number);
        Ok(known)
    }

    /// Puts what was found of a user into the store, before something is written that may change it.
    pub(in crate::engine::readers) fn keep_found(&self, user: i64) -> Result<()> {
        let found = self.found.get(user);
        if !found.is_empty() {
            self.store.put_found_interests(user, &found)?;
            self.found.done(user, &found);
        }
        Ok(())
    }

    /// The same for users by name, whether they are there or not.
    pub(in crate::engine::readers) fn keep_found_of<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        for name in names.collect::<BTreeSet<&str>>() {
            match self.store.user(name) {
                Ok(user) => self.keep_found(user.number)?,
                Err(Error::NotFound { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Whether [`Readers::keep_interests`] would do something.
    pub fn interests_have_work(&self) -> Result<bool> {
        Ok(self.store.any_interests_to_find()? || self.library_lacks_vectors()?)
    }

    /// Finds the interests of all users whose histories, settings or edits have changed since that was last done, and keeps
    /// them. Gives how many users these were. It goes behind the requests.
    pub fn keep_interests(&self) -> Result<usize> {
        let asked = cancel::current();
        behind_requests(1, || asked.scope(|| self.find_and_keep()))?
    }

    fn find_and_keep(&self) -> Result<usize> {
        match self.keep_outside_vectors() {
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            // Answers embed them each time.
            Err(e) => tracing::warn!("papers of libraries have no vectors yet: {e}"),
            Ok(()) => {}
        }
        let (mut after, mut done) = (None, 0);
        loop {
            let users = self.store.interests_to_find(after, USERS)?;
            let Some(last) = users.last() else { return Ok(done) };
            after = Some(last.number);
            let space = self.corpus.space();
            let mut all = Vec::new();
            for user in users {
                cancel::check()?;
                let (number, version) = (user.number, user.version);
                match self.find_now(&space, user) {
                    Ok(()) => all.push(FoundInterests { user: number, version, interests: self.found.get(number) }),
                    Err(Error::Cancelled) => return Err(Error::Cancelled),
                    // One whose history cannot be read must not stand before all others.
                    Err(e) => tracing::warn!("the interests of a reader could not be found: {e}"),
                }
            }
            self.store.keep_found_interests(&all)?;
            done += all.len();
            all.iter().for_each(|kept| self.found.done(kept.user, &kept.interests));
        }
    }

    /// Finds the interests of a user, unless that was done for an answer.
    fn find_now(&self, space: &EmbeddingSpace, user: User) -> Result<()> {
        if self.is_ready(space, &user) { Ok(()) } else { self.read(space, user, &[]).map(drop) }
    }
}
