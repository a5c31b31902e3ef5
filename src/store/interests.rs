//! The interests of a user: as last found, and what the user made of them.

use serde::{Deserialize, Serialize};

use super::User;
use crate::error::Result;
use crate::user::Edits;

/// An interest as last found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredInterest {
    /// Its number, for ever: also when the interest is gone no other gets it.
    pub number: u32,
    /// What the user made of it.
    pub edits: Edits,
    /// The interest that it was merged into.
    pub merged: Option<u32>,
    /// The ids of its papers.
    pub papers: Vec<String>,
    /// The ids of the papers that were in it when the user last said something about it: what they said holds for these,
    /// whatever is found later. Empty where nothing was said.
    #[serde(default)]
    pub anchor: Vec<String>,
}

/// What was found of a user, at a version of them.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundInterests {
    /// The user's number.
    pub user: i64,
    /// The version of the user that it was found of.
    pub version: u64,
    /// Those that are not so in the store.
    pub interests: Vec<StoredInterest>,
}

/// What users are interested in. Of a user who is not there (any more) nothing is kept, and that is no error.
pub trait Interests {
    /// The interests of a user in the order of their numbers.
    fn interests(&self, user: i64) -> Result<Vec<StoredInterest>>;

    /// Keeps which papers are in each of these interests, and makes those that are new. What the user made of one that is there
    /// stays untouched: whoever found them may have read it some time ago. The user's version stays.
    fn put_found_interests(&self, user: i64, found: &[StoredInterest]) -> Result<()>;

    /// The same for several users, whose interests count as found from then on. Of a user who has changed meanwhile nothing is
    /// kept. Gives for each, in order, whether it was kept.
    fn keep_found_interests(&self, found: &[FoundInterests]) -> Result<Vec<bool>>;

    /// Whether there are users who changed since their interests were last kept.
    fn any_interests_to_find(&self) -> Result<bool>;

    /// Up to `n` of these users in the order in which they came, from the one behind `after` on.
    fn interests_to_find(&self, after: Option<i64>, n: usize) -> Result<Vec<User>>;

    /// Lets `edit` change the interests of a user, read and written in one transaction, so that nothing that another call
    /// changes meanwhile is lost. The user's version rises.
    ///
    /// # Errors
    /// Whatever `edit` returns; then nothing is changed.
    fn edit_interests(&self, user: i64, edit: &mut dyn FnMut(&mut Vec<StoredInterest>) -> Result<()>) -> Result<()>;

    /// Puts these interests in the place of all that the user had. The user's version rises.
    fn replace_interests(&self, user: i64, interests: &[StoredInterest]) -> Result<()>;
}
