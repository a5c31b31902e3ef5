//! Mails to subscribers: what is due is chosen, noted, sent, and noted again.
//!
//! Before a mail is given to the server it is in the store, with its Message-ID and the papers in it; behind the server's answer it
//! is noted as sent. So a process that ends anywhere loses none. SMTP has no way to ask a server whether it has a message: a mail
//! that was given to it when the process ended, and whose answer was not noted, is sent once more under the same Message-ID. That
//! window is as long as the server takes to answer and one commit takes; at most as many mails are in it as there are senders.

mod compose;
mod counts;
mod due;
mod links;
mod notes;
mod outbox;
mod preview;
#[cfg(test)]
mod tests;

pub use self::compose::{cadence, message_id, title};
pub use self::counts::Sent;
pub use self::due::When;
pub use self::links::{Links, Opened};
pub use self::outbox::Outbox;
pub use self::preview::{Preview, TakeMail, Without};
