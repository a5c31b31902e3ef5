//! The addresses in a mail. What each of them may do is signed; nothing else opens it, and following one does nothing: the page
//! there asks first.

use crate::engine::{Engine, Purpose};
use crate::error::Result;
use crate::paper::percent::encoded;
use crate::user::EventKind;

/// What can be said of a paper out of a mail, by the word in its address.
const ACTS: [(&str, EventKind); 3] =
    [("like", EventKind::Like), ("save", EventKind::Save), ("hide", EventKind::Dismiss)];

/// The addresses of the mails of a subscription.
pub struct Links<'a> {
    engine: &'a Engine,
    /// The address of the service, without a slash at its end.
    base: &'a str,
    id: &'a str,
}

/// What an address of a mail opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What is said of the paper.
    pub kind: EventKind,
    /// The word for it.
    pub word: &'static str,
}

impl<'a> Links<'a> {
    /// The addresses of the subscription of this id.
    pub fn new(engine: &'a Engine, base: &'a str, id: &'a str) -> Self {
        Links { engine, base, id }
    }

    fn of(&self, deed: &str, purpose: Purpose) -> Result<String> {
        let token = self.engine.signature(purpose, &[self.id])?;
        Ok(format!("{}/v1/subscriptions/{}/{deed}?token={token}", self.base, self.id))
    }

    /// Where it is confirmed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn confirm(&self) -> Result<String> {
        self.of("confirm", Purpose::Confirm)
    }

    /// Where it is looked at, paused and resumed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn manage(&self) -> Result<String> {
        self.of("manage", Purpose::Subscription)
    }

    /// Where it is ended: by a page, and with one click (RFC 8058).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn unsubscribe(&self) -> Result<String> {
        self.of("unsubscribe", Purpose::Subscription)
    }

    /// Where something is said of a paper, which was in the mail of a day (`2026-11-26`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn act(&self, word: &str, paper: &str, date: &str) -> Result<String> {
        let token = self.engine.signature(Purpose::Act, &[self.id, word, paper, date])?;
        let paper = encoded(paper);
        Ok(format!(
            "{}/v1/subscriptions/{}/act?kind={word}&paper={paper}&date={date}&token={token}",
            self.base, self.id
        ))
    }

    /// What such an address opens; none where it is not one of ours.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn opened(
        engine: &Engine,
        id: &str,
        word: &str,
        paper: &str,
        date: &str,
        token: &str,
    ) -> Result<Option<Opened>> {
        let Some((word, kind)) = ACTS.into_iter().find(|(known, _)| *known == word) else { return Ok(None) };
        let signed = engine.is_signature(token, Purpose::Act, &[id, word, paper, date])?;
        Ok(signed.then_some(Opened { kind, word }))
    }
}
