//! Users.

use std::collections::HashMap;

use crate::error::Result;
use crate::user::{Moment, Settings, UserId};

/// A user as the store knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The number inside; used once.
    pub number: i64,
    /// The name outside.
    pub name: UserId,
    /// What they set.
    pub settings: Settings,
    /// When they were first heard of.
    pub created: Moment,
    /// Raised by whatever changes what they are shown.
    pub version: u64,
}

/// Those who read. Names are compared to the byte.
pub trait Users {
    /// A user.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this name.
    fn user(&self, name: &str) -> Result<User>;

    /// Makes a user, or gives one that is there new settings; the version rises where these are others.
    fn put_user(&self, name: &UserId, settings: &Settings) -> Result<User>;

    /// Makes a user as they were exported, or gives one that is there the settings of the export. The earlier of the two
    /// moments at which they came counts; a feed token that was given out here stays good.
    fn restore_user(&self, name: &UserId, settings: &Settings, created: Moment, feed_token: Option<&str>)
    -> Result<()>;

    /// Forgets everything about a user (events, library, folders, notes, interests, imports, token, keys), and gives their number. Where the store
    /// keeps its data nothing of it can be found any more, as soon as nobody reads a state of before; vectors of texts that
    /// no paper and no other library holds go as well. One of the same name who comes later is another.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this name.
    fn delete_user(&self, name: &str) -> Result<i64>;

    /// How many users there are.
    fn count_users(&self) -> Result<usize>;

    /// The names of all users by their numbers.
    fn user_names(&self) -> Result<HashMap<i64, String>>;

    /// Up to `n` users in the order in which they came (of their numbers), from the one behind `after` on, who may be gone.
    fn users_after(&self, after: Option<i64>, n: usize) -> Result<Vec<User>>;

    /// The token that opens a user's feed to a news reader: the one there is, else `fresh`. Of two who ask at once both get
    /// the same.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    fn feed_token(&self, name: &str, fresh: &str) -> Result<String>;

    /// The token of a user's feed; none where none was ever given out or there is no such user.
    fn known_feed_token(&self, name: &str) -> Result<Option<String>>;

    /// Takes the token of a user's feed back, where one was given out.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    fn revoke_feed_token(&self, name: &str) -> Result<()>;
}
