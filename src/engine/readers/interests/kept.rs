//! Interests that were found, until they are in the store.
//!
//! Whoever only asks finds interests and writes nothing. What was found stays here under its numbers, and the next question
//! goes on from it; whatever writes something of the user puts it into the store first, so that an id that was told once is
//! the one that is kept. The job `interests` of the service finds and keeps them soon after a history has changed (`readers/upkeep`).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::store::StoredInterest;

/// What was found of users and is not in the store.
#[derive(Default)]
pub struct FoundLately {
    // By user: the version of them that it was found of, and what.
    of: Mutex<HashMap<i64, (u64, Vec<StoredInterest>)>>,
}

impl FoundLately {
    /// Notes what was found of a version of a user and is not so in the store; nothing where it is. What was found of a later
    /// version stays.
    pub fn note(&self, user: i64, version: u64, found: Vec<StoredInterest>) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.get(&user).is_some_and(|(later, _)| *later > version) {
            return;
        }
        if found.is_empty() {
            of.remove(&user);
        } else {
            of.insert(user, (version, found));
        }
    }

    /// Lets go of a user.
    pub fn forget(&self, user: i64) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(&user);
    }

    /// What was found of a user.
    pub fn get(&self, user: i64) -> Vec<StoredInterest> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.get(&user).map(|(_, found)| found.clone()).unwrap_or_default()
    }

    /// What was found of a version of a user; none where something was found of a later one.
    pub fn of_version(&self, user: i64, version: u64) -> Option<Vec<StoredInterest>> {
        match self.of.lock().unwrap_or_else(PoisonError::into_inner).get(&user) {
            Some((later, _)) if *later > version => None,
            Some((_, found)) => Some(found.clone()),
            None => Some(Vec::new()),
        }
    }

    fn is_empty(&self) -> bool {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Lets go of what is in the store by now, unless something else was found meanwhile.
    pub fn done(&self, user: i64, kept: &[StoredInterest]) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.get(&user).is_some_and(|(_, found)| found == kept) {
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
}
