//! The feeds of all users at once: what a service sends out in the morning.

use std::time::Instant;

use rayon::prelude::*;

use super::Feed;
use crate::engine::answer::Answer;
use crate::engine::readers::Readers;
use crate::error::Result;
use crate::user::UserId;

/// Users whose feeds are made side by side.
const PIECE: usize = 256;

/// What hears a user and their feed.
pub type TakeFeed<'a> = dyn FnMut(&UserId, Answer) -> Result<()> + 'a;

impl Readers {
    /// How many users there are.
    pub fn count_users(&self) -> Result<usize> {
        self.store.count_users()
    }

    /// Makes the feed of every user, on all cores, and gives them to `f` in the order in which the users came. Nobody is
    /// kept in memory for it.
    pub fn digest(&self, feed: &Feed, f: &mut TakeFeed<'_>) -> Result<()> {
        feed.check()?;
        let space = self.corpus.space();
        let mut after = None;
        loop {
            let users = self.store.users_after(after, PIECE)?;
            let Some(last) = users.last() else { return Ok(()) };
            after = Some(last.number);
            let one = |user: &crate::store::User| {
                let began = Instant::now();
                let reader = self.read(&space, user.clone(), &[])?;
                self.feed_for(&space, &reader, feed, began)
            };
            let feeds: Vec<Result<Answer>> = users.par_iter().map(one).collect();
            for (user, feed) in users.iter().zip(feeds) {
                f(&user.name, feed?)?;
            }
        }
    }
}
