//! What it means when a mail is not taken.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;

use super::plain;

/// Characters of an answer that are told.
pub const TOLD: usize = 240;

/// What became of a mail that was not taken, by what can be done about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SendError {
    /// It will never be taken: the recipient or the message was refused for good (`5xx`).
    #[error("{0}")]
    Bounced(String),
    /// Not now: the server put it off (`4xx`), or the connection broke before the message was on its way. Nothing was taken.
    #[error("{0}")]
    Later(String),
    /// The server cannot be reached, or does not take mail from us: this has nothing to do with the recipient. Nothing was taken.
    #[error("{0}")]
    Unreachable(String),
    /// The connection broke behind the message, before the server said whether it has it: it may have been taken.
    #[error("{0}")]
    InDoubt(String),
}

/// How far a mail got.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    From,
    To,
    Data,
    Content,
}

/// What a session broke off with.
pub struct Failure {
    pub stage: Stage,
    pub error: SmtpError,
}

impl Failure {
    /// What it means. `told` says what went wrong, of what was done.
    pub fn judged(&self, told: impl Fn(&str) -> String) -> SendError {
        let Failure { stage, error } = self;
        match (stage, error.status().map(u16::from)) {
            (Stage::From, _) => SendError::Unreachable(told("it takes no mail from this sender")),
            (Stage::To | Stage::Data | Stage::Content, Some(code)) if error.is_permanent() => {
                match is_ours(code, &answer(error)) {
                    true => SendError::Unreachable(told("it takes no mail from us")),
                    false => SendError::Bounced(told("refused")),
                }
            }
            (Stage::To | Stage::Data | Stage::Content, Some(_)) => SendError::Later(told("put off")),
            (Stage::To | Stage::Data, None) => {
                SendError::Later(told("the connection broke before the message was sent"))
            }
            // What could not be written has no end, and no server takes half a message.
            (Stage::Content, None) if unwritten(error) => {
                SendError::Later(told("the connection broke before the message was sent"))
            }
            (Stage::Content, None) => {
                SendError::InDoubt(told("the connection broke before it said whether it has the message"))
            }
        }
    }
}

/// What went wrong, for a person. `speaks_tls` where the port is one at which TLS begins with the first byte, and we do not.
pub fn said(error: &SmtpError, speaks_tls: bool, patience: Duration) -> String {
    match error.status() {
        Some(code) => format!("it said {code} {}", answer(error)),
        None => match (io_kind(error), chain(error)) {
            (Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), _) => {
                let hint = match speaks_tls {
                    true => "; at that port TLS begins with the first byte, which is written as smtps://",
                    false => "",
                };
                format!("it did not answer in {} s{hint}", patience.as_secs())
            }
            (_, text) if text.contains("certificate") => {
                format!(
                    "its certificate is not right ({text}); a certificate of its own is named by ca_file under [mail]"
                )
            }
            (_, text) if text.contains("corrupt message") || text.contains("InvalidContentType") => {
                "it speaks no TLS there; smtp:// begins in the clear and goes on with STARTTLS".into()
            }
            (_, text) if text.contains("incomplete response") => "it closed the connection".into(),
            (_, text) if text.contains("No compatible authentication") => {
                "it offers no way to sign in that is known (PLAIN, LOGIN); some offer it behind TLS alone".into()
            }
            (_, text) => text,
        },
    }
}

/// Whether a refusal, at whatever stage, speaks of us and not of the recipient or the message: that we are not signed in, that this
/// server passes nothing on for us, that it does not like our name, address or sender, or that we have sent enough for today. Many
/// servers say at the recipient what they think of the sender. By the enhanced code (RFC 3463) where it is one of these, else by words
/// that servers use.
fn is_ours(code: u16, answer: &str) -> bool {
    let answer = answer.to_ascii_lowercase();
    let begins = |codes: &[&str]| codes.iter().any(|code| answer.starts_with(code));
    // The address of the sender. All others of 5.1 are about that of the recipient: `5.1.1 unknown in relay recipient table`.
    if begins(&["5.1."]) {
        return begins(&["5.1.7", "5.1.8"]);
    }
    // A mailbox that is full, and a message that is too large.
    if begins(&["5.2.", "5.3.4", "5.6."]) {
        return false;
    }
    let words = [
        "relay",
        "authenticat",
        "sender address",
        "sender rejected",
        "client host",
        "helo command",
        "blocked using",
        "blacklist",
        "blocklist",
        "sending limit",
        "sending quota",
        "rate limit",
        "too many messages",
    ];
    matches!(code, 504 | 530 | 534 | 535 | 538)
        || begins(&["5.4.5", "5.7.8", "5.7.9", "5.7.20", "5.7.23", "5.7.25", "5.7.26", "5.7.27"])
        || words.iter().any(|words| answer.contains(words))
}

/// What the server said, on one line.
fn answer(error: &SmtpError) -> String {
    error.source().map(|said| plain::typed(&said.to_string(), TOLD)).unwrap_or_default()
}

/// An error with what caused it, each said once.
pub fn chain(error: &SmtpError) -> String {
    let mut said = error.source().map_or_else(|| error.to_string(), |cause| cause.to_string());
    let mut cause = error.source().and_then(|cause| cause.source());
    while let Some(next) = cause {
        let text = next.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = next.source();
    }
    said
}

fn io_kind(error: &SmtpError) -> Option<io::ErrorKind> {
    error.source()?.downcast_ref::<io::Error>().map(io::Error::kind)
}

/// Whether the last byte can not have gone out: only a write says so.
fn unwritten(error: &SmtpError) -> bool {
    matches!(io_kind(error), Some(io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero))
}
