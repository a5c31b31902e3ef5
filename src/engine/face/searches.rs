//! What can be asked of what readers follow.

use crate::engine::Engine;
use crate::engine::answer::Answer;
use crate::engine::readers::Matches;
use crate::error::Result;
use crate::user::Follow;

impl Engine {
    /// The papers of what is followed, best first; `meta.total` is how many there are. Versions that newer ones stand in for and
    /// papers that were taken back are none, as in every list.
    ///
    /// A **query** matches what it is really about: a paper whose score (that of `/v1/search`, without what the best results add
    /// to each other) is at least 0.25, and at least 0.7 of the way from a paper at large to the best five of the corpus. Its
    /// conditions hold as in a search; where it has no words, all that meet them match, the newest first, with a score of 1.
    /// Of a query 4,096 papers are looked at by meaning and as many by words.
    ///
    /// The papers of a **name** (author, category, organization, theme) are ordered by attention, then by day; the score is the
    /// natural logarithm of one and their votes and twice their comments. Of more than 2,000 the newest 2,000 are given.
    ///
    /// New papers join the themes some time after they came; who goes on from change to change by `arrived_after` waits for that
    /// ([`Engine::themes_are_settled`]).
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for what cannot be followed; [`Error::NotFound`](crate::Error::NotFound) for a
    /// theme that is not there (any more); [`Error::BeingMade`](crate::Error::BeingMade) for one before the first run.
    pub fn matches(&self, follow: &Follow, ask: &Matches) -> Result<Answer> {
        self.readers.matches(follow, ask)
    }

    /// The change of the papers up to which everything that came is found: whoever asks again later for what arrived behind it
    /// misses nothing.
    pub fn matched_change(&self) -> u64 {
        self.readers.matched_change()
    }
}
