//! Telling somebody something, once: who is told is asked in nobody's turn, and is told again by whoever keeps what is to be told.

use std::time::{Duration, Instant};

use super::address::host_of;
use super::waiting::retry_after;
use super::words::{Failure, failure, words_of};
use super::{Ask, GivenBy, Web, leads_to, send};
use crate::error::{Error, Result};

/// Bytes of an answer that are looked at.
const ANSWER: u64 = 4 << 10;

/// What a receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The status of its answer.
    pub status: u16,
    /// Why it did not take what it was told, in words for a person; none where it did.
    pub refused: Option<String>,
    /// How long it wants to be left alone, where it is too busy (429, 503) and says so.
    pub wanted: Option<Duration>,
}

impl Web {
    /// Sends a body once, and follows nowhere: what is told is for the address that was given.
    ///
    /// # Errors
    /// [`Error::Remote`] where there is no answer, in words for a person; [`Error::Invalid`] for an address that is none, or that may
    /// not be called.
    pub fn tell(&self, ask: &Ask) -> Result<Receipt> {
        let host = host_of(&ask.url)?;
        let agent = if ask.given_by == GivenBy::User { &self.guarded } else { &self.open };
        let began = Instant::now();
        let left = self.manners.timeout.saturating_sub(began.elapsed());
        let answer =
            send(agent, ask, &ask.url, true, left).map_err(|e| match failure(&e, ANSWER, self.manners.timeout) {
                Failure::Passes(why) | Failure::Stays(why) => Error::Remote(format!("{host}: {why}")),
                Failure::Barred(why) => Error::Invalid(format!("{host}: {why}")),
            })?;
        let status = answer.status();
        let wanted = matches!(status.as_u16(), 429 | 503).then(|| retry_after(answer.headers())).flatten();
        let leads = match leads_to(&answer, &ask.url) {
            Ok(Some(next)) => Some(format!("it leads to {}; write that address", host_of(&next)?)),
            Ok(None) => None,
            Err(why) => Some(why),
        };
        let refused = match leads {
            Some(why) => Some(format!("{host}: {why}")),
            None if status.is_success() => None,
            None => {
                // Whatever comes of reading its words, it did not take it.
                let words = answer.into_body().with_config().limit(ANSWER).read_to_vec().unwrap_or_default();
                let reason = status.canonical_reason().unwrap_or_default();
                Some(format!("{host}: it answered {} {reason}{}", status.as_u16(), words_of(&words)))
            }
        };
        Ok(Receipt { status: status.as_u16(), refused, wanted })
    }
}
