//! What can be asked of what readers follow.

use crate::engine::Engine;
use crate::engine::answer::Answer;
use crate::engine::readers::{Matches, SavedSearch, SearchPapers, SearchPapersOptions, SearchPatch, SearchView};
use crate::error::Result;
use crate::paper::Paper;
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

    /// What a reader follows, in the order in which it was saved, each with how much of it is new.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn searches(&self, name: &str) -> Result<Vec<SearchView>> {
        self.readers.searches(name)
    }

    /// What one of them is called and follows; nothing is counted for that.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user, or saved search.
    pub fn saved_search(&self, name: &str, id: &str) -> Result<SavedSearch> {
        self.readers.saved_search(name, id)
    }

    /// Saves what a reader follows; they are made if new. Says whether it was not there before: the same thing is followed once,
    /// and stays as it is.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for what cannot be followed, for a name that is not allowed, and when the reader
    /// follows [`bounds::SEARCHES`](crate::bounds::SEARCHES) things; [`Error::NotFound`](crate::Error::NotFound) for a theme that
    /// is not there.
    pub fn save_search(&self, name: &str, what: &Follow, own_name: Option<&str>) -> Result<(SearchView, bool)> {
        self.readers.save_search(name, what, own_name)
    }

    /// Renames or mutes one.
    ///
    /// # Errors
    /// As [`Engine::saved_search`]; [`Error::Invalid`](crate::Error::Invalid) for a name that is not allowed.
    pub fn change_search(&self, name: &str, id: &str, patch: &SearchPatch) -> Result<SearchView> {
        self.readers.change_search(name, id, patch)
    }

    /// Forgets one, with the webhooks of it.
    ///
    /// # Errors
    /// As [`Engine::saved_search`].
    pub fn delete_search(&self, name: &str, id: &str) -> Result<()> {
        self.readers.delete_search(name, id)
    }

    /// Notes that its reader has looked at one: of all that is there nothing is new from then on.
    ///
    /// # Errors
    /// As [`Engine::saved_search`].
    pub fn see_search(&self, name: &str, id: &str) -> Result<SearchView> {
        self.readers.see_search(name, id)
    }

    /// The papers of one, best first.
    ///
    /// # Errors
    /// As [`Engine::saved_search`] and [`Engine::matches`]; [`Error::Invalid`](crate::Error::Invalid) for a limit out of range.
    pub fn search_papers(&self, name: &str, id: &str, ask: &SearchPapersOptions) -> Result<SearchPapers> {
        self.readers.search_papers(name, id, ask)
    }

    /// The newest papers of one, by the day they were listed (else dated): of a query those of its 500 best matches, of a name of all.
    /// None where its theme is gone or not there yet.
    ///
    /// # Errors
    /// As [`Engine::saved_search`]; [`Error::Invalid`](crate::Error::Invalid) for a limit out of range.
    pub fn search_news(&self, name: &str, id: &str, limit: usize) -> Result<Vec<Paper>> {
        self.readers.search_news(name, id, limit)
    }
}
