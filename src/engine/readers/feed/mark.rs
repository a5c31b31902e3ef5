//! What a feed depends on, in few bytes: whoever asks again need not be answered again while it stays the same.

use crate::engine::readers::Readers;
use crate::error::Result;
use crate::user::{Follow, Moment};

/// What an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What was done: by the user, and to the corpus. Whoever did it wants to see that the answer is another one.
    pub deeds: String,
    /// The rest: the day, the model, the reading of others. It changes often, and mostly changes nothing.
    pub rest: String,
}

impl Readers {
    /// What every answer about the corpus depends on. Costs a look into the store.
    pub fn corpus_mark(&self) -> Result<Mark> {
        let model = self.corpus.space().model().fingerprint.clone();
        let (day, today) = (Moment::now().day(), self.corpus.today()?.unwrap_or(0));
        // Not how far the store is: an answer is made of what has followed it.
        let followed = self.corpus.followed();
        Ok(Mark { deeds: followed.papers.to_string(), rest: format!("{day}.{today}.{model}.{}", followed.words) })
    }

    /// What a user's feed depends on: what they did and set, the reading of others, and the corpus. While it stays the same,
    /// so does the feed for the same question. Costs some looks into the store and computes nothing.
    pub fn feed_mark(&self, name: &str) -> Result<Mark> {
        let (user, corpus) = (self.store.user(name)?, self.corpus_mark()?);
        // New papers join the themes later than they come.
        let follows = self.store.searches(user.number)?;
        let themes = match follows.iter().any(|search| matches!(search.what, Follow::Theme(_))) {
            true => self.themes.joins().to_string(),
            false => String::new(),
        };
        Ok(Mark {
            deeds: format!("{}.{}.{}", user.number, user.version, corpus.deeds),
            rest: format!("{}.{}{themes}", self.others_mark()?, corpus.rest),
        })
    }
}
