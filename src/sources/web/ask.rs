//! What is asked for, and what comes back.

use std::fmt;
use std::time::Duration;

use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::address::host_of;
use crate::error::Error;
use crate::paper::percent::encoded;

/// Bytes that an answer may have, unpacked, where nothing else is said.
const MOST: u64 = 64 << 20;

/// Who gave an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GivenBy {
    /// The settings: it may lead anywhere, through the proxy of the environment.
    #[default]
    Settings,
    /// A user of the service.
    User,
}

/// What a client has of an answer already, so that it need not be sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub modified: Option<String>,
}

/// A request.
#[derive(Clone)]
pub struct Ask {
    pub(super) url: String,
    pub(super) service: Option<&'static str>,
    pub(super) pace: Duration,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) known: Validators,
    pub(super) body: Option<Vec<u8>>,
    pub(super) given_by: GivenBy,
    pub(super) most: u64,
    pub(super) refusal: Option<u16>,
    secrets: Vec<String>,
}

/// What came back.
#[derive(Debug)]
pub enum Reply {
    /// As it was the last time.
    Unchanged,
    /// A page.
    Page(Page),
}

/// An answer with its body.
#[derive(Debug)]
pub struct Page {
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// Where it came from in the end: behind redirects another address than the one that was asked for.
    pub url: String,
    /// Whether its status was the one that [`Ask::or_refusal`] named.
    pub refused: bool,
    pub(super) headers: HeaderMap,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = host_of(&self.url).unwrap_or_default();
        f.debug_struct("Ask").field("host", &host).field("service", &self.service).finish_non_exhaustive()
    }
}

impl Ask {
    /// A GET of an address. The pace is one second.
    pub fn get(url: impl Into<String>) -> Self {
        Ask {
            url: url.into(),
            service: None,
            pace: Duration::from_secs(1),
            headers: Vec::new(),
            known: Validators::default(),
            body: None,
            given_by: GivenBy::Settings,
            most: MOST,
            refusal: None,
            secrets: Vec::new(),
        }
    }

    /// Names whose pace counts where a service has several hosts, and how long it wants between two requests.
    #[must_use]
    pub fn paced(mut self, service: impl Into<Option<&'static str>>, pace: Duration) -> Self {
        self.service = service.into();
        self.pace = pace;
        self
    }

    /// A header more. One whose value cannot stand in a header is left out, with a line in the log.
    #[must_use]
    pub fn header(self, name: HeaderName, value: &str) -> Self {
        self.with_header(name, value, false)
    }

    /// A header that opens something: it goes to the host of the address alone, wherever that leads on to, and `secret` stands
    /// in no error and no log.
    #[must_use]
    pub fn secret_header(mut self, name: HeaderName, before: &str, secret: &str) -> Self {
        self.secrets.push(secret.to_string());
        self.with_header(name, &format!("{before}{secret}"), true)
    }

    /// The same as a part of the address.
    #[must_use]
    pub fn secret_in_address(mut self, name: &str, secret: &str) -> Self {
        let sign = if self.url.contains('?') { '&' } else { '?' };
        self.url.push_str(&format!("{sign}{name}={}", encoded(secret)));
        self.secrets.push(secret.to_string());
        self
    }

    fn with_header(mut self, name: HeaderName, value: &str, secret: bool) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(secret);
                self.headers.push((name, value));
            }
            Err(_) => tracing::warn!("the header {name} is left out: its value holds control characters"),
        }
        self
    }

    /// Asks only for what is not known yet.
    #[must_use]
    pub fn unless(mut self, known: Validators) -> Self {
        self.known = known;
        self
    }

    /// Sends a body: a POST. Where that leads on to another address, it is not followed.
    #[must_use]
    pub fn post(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    /// The address comes from a user.
    #[must_use]
    pub fn given_by(mut self, whom: GivenBy) -> Self {
        self.given_by = whom;
        self
    }

    /// Bytes that the answer may have.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.most = bytes;
        self
    }

    /// An answer of this status is a page as well: the service says in it what is wrong.
    #[must_use]
    pub fn or_refusal(mut self, status: u16) -> Self {
        self.refusal = Some(status);
        self
    }

    /// An error of what came back, without the secrets that were sent: services quote what they refuse.
    pub fn without_secrets(&self, e: Error) -> Error {
        match e {
            Error::Remote(text) => Error::Remote(self.scrubbed(text)),
            Error::Invalid(text) => Error::Invalid(self.scrubbed(text)),
            other => other,
        }
    }

    /// A text without the secrets.
    pub(super) fn scrubbed(&self, text: String) -> String {
        // What is shorter is no key, and stands in many a word.
        self.secrets.iter().filter(|secret| secret.len() >= 4).fold(text, |text, secret| {
            text.replace(secret.as_str(), "(the key)").replace(&encoded(secret), "(the key)")
        })
    }

    /// Whether a text holds one of them.
    pub(super) fn tells_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|s| !s.is_empty() && (text.contains(s.as_str()) || text.contains(&encoded(s))))
    }
}

impl Page {
    /// A page as if it had come from an address: one that somebody has kept.
    pub fn of(url: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Self {
        let header = |(name, value): &(&str, &str)| {
            Some((HeaderName::try_from(*name).ok()?, HeaderValue::try_from(*value).ok()?))
        };
        let headers = headers.iter().filter_map(header).collect();
        Page { body, url: url.into(), refused: false, headers }
    }

    /// The value of a header.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref())?.to_str().ok()
    }

    /// What to send the next time.
    pub fn validators(&self) -> Validators {
        let text = |name: HeaderName| self.header(name.as_str()).map(str::to_string);
        Validators { etag: text(header::ETAG), modified: text(header::LAST_MODIFIED) }
    }
}
