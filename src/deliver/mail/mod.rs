//! Mail: what one looks like, as plain text and as HTML, and how it leaves.
//!
//! [`Digest`] and [`Confirmation`] are what there is to say; [`Digest::render`] makes a subject and both texts of it, and
//! [`Mailer`] a message (RFC 5322, signed where a key is set) that it hands to a server. What is said may hold anything: whatever
//! comes from outside is made plain and safe here, once, before it stands in a header, in HTML or in a text.
//!
//! ```
//! use paperkin::deliver::mail::Confirmation;
//!
//! let mail = Confirmation {
//!     what: "Papers for “protein design”".into(),
//!     cadence: "daily at 7:00 Europe/Berlin".into(),
//!     link: "https://papers.example/confirm?token=1".into(),
//!     site: None,
//! };
//! let rendered = mail.render()?;
//! assert_eq!(rendered.subject, "Please confirm: papers by mail");
//! assert!(rendered.text.contains("https://papers.example/confirm?token=1"));
//! # Ok::<(), paperkin::Error>(())
//! ```

mod message;
mod plain;
mod refusal;
mod render;
mod smtp;
#[cfg(test)]
mod tests;
mod why;

pub use message::Envelope;
pub use refusal::SendError;
pub use smtp::Mailer;
pub use why::why_sentence;

use crate::config::mail_address;
use crate::error::{Error, Result};

/// One paper of a digest, as the mail shows it. Texts are as they are in the corpus, with whatever markup they hold: the mail makes
/// them plain and safe, and cuts what is too long for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DigestPaper {
    /// The title.
    pub title: String,
    /// Full names, in order; the first three are shown, and how many more there are.
    pub authors: Vec<String>,
    /// When it appeared: `2026-11-24`, which is shown as `24 November 2026`, or as it is to be read.
    pub day: Option<String>,
    /// Where it appeared.
    pub venue: Option<String>,
    /// Why it is here, as [`why_sentence`] says it.
    pub why: Option<String>,
    /// The abstract; about two lines of it are shown.
    pub abstract_text: String,
    /// Where the title leads: `https://` or `http://`, at most 900 bytes. Any other address is left out.
    pub link: String,
    /// Where `Like` leads.
    pub like: Option<String>,
    /// Where `Save` leads.
    pub save: Option<String>,
    /// Where `Hide` leads.
    pub hide: Option<String>,
}

/// Some papers of a digest, perhaps with a name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// What they have in common: an interest, an author who is followed; none for all papers of a mail that has no sections.
    pub title: Option<String>,
    /// The papers, the best first.
    pub papers: Vec<DigestPaper>,
}

/// A mail with papers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Digest {
    /// What it is: `Your papers`, `Daily papers`, `Papers for “protein design”`.
    pub title: String,
    /// Of when: `26 November 2026`, or `14 to 26 November 2026`.
    pub period: String,
    /// What is to be said before them: of a catch-up `You were away for 12 days: the best 15 of 431 papers.`
    pub intro: Option<String>,
    /// The papers.
    pub sections: Vec<Section>,
    /// The address of the service, where it has one.
    pub site: Option<String>,
    /// Where the subscription is changed.
    pub manage: String,
    /// Where it is ended: a page that asks.
    pub unsubscribe: String,
    /// Why somebody gets it: `You get this because ada@lab.example asked for it, daily at 7:00 Europe/Berlin.`
    pub because: String,
}

/// The mail that asks whether somebody wants a subscription.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Confirmation {
    /// What it is about: `Papers for “protein design”`.
    pub what: String,
    /// How often: `daily at 7:00 Europe/Berlin`.
    pub cadence: String,
    /// Where it is confirmed: a page that asks.
    pub link: String,
    /// The address of the service, where it has one.
    pub site: Option<String>,
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// One line of at most 120 characters that says what is in it.
    pub subject: String,
    /// As plain text, at most 72 columns wide but for addresses.
    pub text: String,
    /// As HTML that loads nothing.
    pub html: String,
}

/// Checks an address as a person types it: one mailbox in ASCII, without a name, quotes or comments.
///
/// Gives it as it is to be used, its domain in lower case. At most 254 bytes.
///
/// # Errors
/// [`Error::Invalid`] with what is wrong with it.
pub fn checked_address(text: &str) -> Result<String> {
    mail_address(text).map_err(Error::Invalid)
}
