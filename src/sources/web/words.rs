//! What is told of a request that failed.

use std::io::ErrorKind;
use std::time::Duration;

use ureq::Error as E;

use super::guard::Private;
use crate::paper::{head, shown};

/// Characters of an error's own words that are told.
const TOLD: usize = 200;

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// It may go better later.
    Passes(String),
    /// It will be the same again.
    Stays(String),
    /// The address may not be asked.
    Barred(String),
}

/// What an error of the library means. `most` bytes and `time` are what was allowed.
pub fn failure(e: &E, most: u64, time: Duration) -> Failure {
    let text = shown(&e.to_string());
    match e {
        E::BodyExceedsLimit(_) => Failure::Stays(format!("the answer is longer than {most} bytes")),
        // Their own words hold the address, and that may hold a key.
        E::BadUri(_) | E::Http(_) => Failure::Stays("the address cannot be asked".into()),
        E::Other(inner) if inner.is::<Private>() => Failure::Barred(inner.to_string()),
        E::InvalidProxyUrl => {
            Failure::Stays("the proxy of the environment (https_proxy, http_proxy) is no address".into())
        }
        E::HostNotFound => Failure::Passes("its name stands for no address; is there a network?".into()),
        E::Timeout(_) => Failure::Passes(format!("it took longer than {} s", time.as_secs_f64())),
        _ if text.contains("certificate") => Failure::Stays(format!(
            "its certificate cannot be trusted ({}); is this the right address, and no proxy between that reads along?",
            head(&text, TOLD)
        )),
        E::Io(inner) => match inner.kind() {
            ErrorKind::ConnectionRefused => Failure::Passes("nobody answers there".into()),
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => Failure::Passes("the connection broke off".into()),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                Failure::Passes(format!("it took longer than {} s", time.as_secs_f64()))
            }
            _ => Failure::Passes(head(&text, TOLD)),
        },
        _ => Failure::Passes(head(&text, TOLD)),
    }
}

/// The words of an error page, where it has some: none of a page of HTML.
pub fn words_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.is_empty() || text.starts_with('<') {
        true => String::new(),
        false => format!(" ({})", head(&shown(&text), TOLD)),
    }
}
