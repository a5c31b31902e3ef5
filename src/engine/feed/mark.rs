//! What a feed depends on, in few bytes: whoever asks again need not be answered again while it stays the same.

use crate::engine::Engine;
use crate::error::Result;
use crate::user::Moment;

impl Engine {
    /// What every answer about the corpus depends on: the papers, the model, the day. Costs a look into the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn corpus_mark(&self) -> Result<String> {
        let model = self.space().model.fingerprint.clone();
        let (day, today) = (Moment::now().day(), self.today()?.unwrap_or(0));
        Ok(format!("{}.{day}.{today}.{model}", self.store.change()?))
    }

    /// What a user's feed depends on: what they did and set, the reading of others, and the corpus. While it stays the same,
    /// so does the feed for the same question. Costs some looks into the store and computes nothing.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when there is no such user.
    pub fn feed_mark(&self, name: &str) -> Result<String> {
        let user = self.store.user(name)?;
        Ok(format!("{}.{}.{}.{}", user.number, user.version, self.others_mark()?, self.corpus_mark()?))
    }
}
