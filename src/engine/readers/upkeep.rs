//! Keeping what was found of readers: what the job `interests` of the service does. Nobody's question does.

use crate::cancel;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::index::behind_requests;
use crate::store::{FoundInterests, User};

/// Users looked at, and kept in one go.
const USERS: usize = 32;

impl Readers {
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
                    Ok(()) => all.extend(
                        // Of one who did something meanwhile it is found again.
                        self.found.of_version(number, version).map(|interests| FoundInterests {
                            user: number,
                            version,
                            interests,
                        }),
                    ),
                    Err(Error::Cancelled) => return Err(Error::Cancelled),
                    // One whose history cannot be read must not stand before all others.
                    Err(e) => tracing::warn!("the interests of a reader could not be found: {e}"),
                }
            }
            let kept = self.store.keep_found_interests(&all)?;
            for (found, _) in all.iter().zip(kept).filter(|(_, kept)| *kept) {
                self.found.done(found.user, &found.interests);
                done += 1;
            }
        }
    }

    /// Finds the interests of a user, unless that was done for an answer.
    fn find_now(&self, space: &EmbeddingSpace, user: User) -> Result<()> {
        if self.is_ready(space, &user) { Ok(()) } else { self.read(space, user, &[]).map(drop) }
    }
}
