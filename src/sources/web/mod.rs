//! One client for everything that is fetched from elsewhere: polite to whom it asks, and safe from where it is sent.
//!
//! To each service one request goes at a time, and the next not before its pace allows it. What fails for now (429, 5xx, a
//! connection that breaks) is tried again, later each time, and not before `Retry-After`. An answer has a greatest size and a
//! greatest time. Addresses that users gave never lead to private networks ([`guard`]).

mod guard;
mod waiting;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::{HeaderMap, HeaderValue, Response, Uri};
pub use ureq::http::{HeaderName, header};
use ureq::unversioned::transport::DefaultConnector;

use crate::cancel;
use crate::error::{Error, Result};
use crate::paper::{head, shown};
use guard::Guard;
use waiting::{Patience, pause, retry_after};

/// Bytes that an answer may have, unpacked, where nothing else is said.
const MOST: u64 = 64 << 20;

/// Redirects that are followed.
const REDIRECTS: u32 = 5;

/// Bytes of an error's own words that are told.
const TOLD: usize = 200;

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Whom a service can write to: an address of mail, or of a page. It stands in `User-Agent`.
    pub contact: Option<String>,
    /// Whether addresses that users gave may lead to private networks.
    pub private: bool,
    /// How long one request may take, its answer included.
    pub timeout: Duration,
    /// How long is waited before the first retry, and how long a wait may be at most.
    pub patience: Patience,
}

impl Default for Manners {
    fn default() -> Self {
        Manners {
            contact: None,
            private: false,
            timeout: Duration::from_secs(120),
            patience: Patience { first: Duration::from_secs(2), longest: Duration::from_secs(600), tries: 5 },
        }
    }
}

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
#[derive(Debug, Clone)]
pub struct Ask {
    url: String,
    service: Option<&'static str>,
    pace: Duration,
    headers: Vec<(HeaderName, HeaderValue)>,
    known: Validators,
    body: Option<Vec<u8>>,
    given_by: GivenBy,
    most: u64,
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
    headers: HeaderMap,
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
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
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

    /// Sends a body: a POST.
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
}

impl Page {
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

/// The client. Its methods may be called from any thread.
pub struct Web {
    manners: Manners,
    open: Agent,
    guarded: Agent,
    // When each service may be asked again; held while it is asked.
    services: Mutex<HashMap<String, Arc<Mutex<Option<Instant>>>>>,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").field("manners", &self.manners).finish_non_exhaustive()
    }
}

/// What one try came to.
enum Tried {
    Done(Reply),
    /// It may go better later; the service says when, if it does.
    Later(String, Option<Duration>),
}

impl Web {
    /// A client with these manners.
    pub fn new(manners: Manners) -> Self {
        let contact = manners.contact.as_deref().map(|contact| format!(" ({contact})")).unwrap_or_default();
        let name = format!("paperkin/{}{contact}", env!("CARGO_PKG_VERSION"));
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(REDIRECTS)
                .timeout_global(Some(manners.timeout))
                .timeout_connect(Some(manners.timeout.min(Duration::from_secs(20))))
                .user_agent(&name)
        };
        let open = Agent::new_with_config(config().build());
        // A proxy would be asked in place of the resolver that looks where an address leads.
        let guarded =
            Agent::with_parts(config().proxy(None).build(), DefaultConnector::default(), Guard::new(manners.private));
        Web { open, guarded, services: Mutex::default(), manners }
    }

    /// Asks, and asks again where that helps.
    ///
    /// # Errors
    /// [`Error::Remote`] in words that a person can act on; [`Error::Invalid`] for an address that is none;
    /// [`Error::Cancelled`].
    pub fn ask(&self, ask: &Ask) -> Result<Reply> {
        let host = host_of(&ask.url)?;
        let service = {
            let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(services.entry(ask.service.map_or_else(|| host.clone(), str::to_string)).or_default())
        };
        // One at a time: who else asks this service waits here.
        let mut next = service.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tries = 0;
        loop {
            if let Some(at) = *next {
                pause(at.saturating_duration_since(Instant::now()))?;
            }
            cancel::check()?;
            let tried = self.once(ask, &host);
            *next = Some(Instant::now() + ask.pace);
            match tried? {
                Tried::Done(reply) => return Ok(reply),
                Tried::Later(why, wanted) => {
                    tries += 1;
                    let Some(wait) = self.manners.patience.wait(tries, wanted) else {
                        return Err(Error::Remote(gave_up(&host, &why, tries, wanted)));
                    };
                    tracing::info!("{host}: {why}; asked again in {:.0} s", wait.as_secs_f64());
                    pause(wait)?;
                }
            }
        }
    }

    /// The same, for who has nothing yet.
    ///
    /// # Errors
    /// Those of [`Web::ask`].
    pub fn page(&self, ask: &Ask) -> Result<Page> {
        match self.ask(ask)? {
            Reply::Page(page) => Ok(page),
            Reply::Unchanged => {
                Err(Error::Remote("the service says that nothing changed, though nothing was known".into()))
            }
        }
    }

    fn once(&self, ask: &Ask, host: &str) -> Result<Tried> {
        let agent = if ask.given_by == GivenBy::User { &self.guarded } else { &self.open };
        let mut headers = ask.headers.clone();
        let mut known = |name: HeaderName, value: &Option<String>| {
            if let Some(value) = value.as_deref().and_then(|v| HeaderValue::from_str(v).ok()) {
                headers.push((name, value));
            }
        };
        known(header::IF_NONE_MATCH, &ask.known.etag);
        known(header::IF_MODIFIED_SINCE, &ask.known.modified);
        let answered = match &ask.body {
            None => {
                let request = headers.into_iter().fold(agent.get(&ask.url), |r, (name, value)| r.header(name, value));
                request.call()
            }
            Some(body) => {
                let request = headers.into_iter().fold(agent.post(&ask.url), |r, (name, value)| r.header(name, value));
                request.send(&body[..])
            }
        };
        match answered {
            Ok(answer) => read(answer, ask, host),
            Err(e) => failed(&e, host, ask.most),
        }
    }
}

/// What an answer came to.
fn read(answer: Response<ureq::Body>, ask: &Ask, host: &str) -> Result<Tried> {
    let (parts, mut body) = answer.into_parts();
    let status = parts.status.as_u16();
    if status == 304 {
        return Ok(Tried::Done(Reply::Unchanged));
    }
    let limit = if parts.status.is_success() { ask.most } else { 4 << 10 };
    let bytes = match body.with_config().limit(limit).read_to_vec() {
        Ok(bytes) => bytes,
        Err(_) if !parts.status.is_success() => Vec::new(),
        Err(e) => return failed(&e, host, ask.most),
    };
    if parts.status.is_success() {
        return Ok(Tried::Done(Reply::Page(Page { body: bytes, headers: parts.headers })));
    }
    let said = words_of(&bytes);
    let why = format!("it answered {} {}{said}", status, parts.status.canonical_reason().unwrap_or_default());
    match status {
        408 | 425 | 429 | 500 | 502 | 503 | 504 => Ok(Tried::Later(why, retry_after(&parts.headers))),
        401 | 403 => Err(Error::Remote(format!("{host}: {why}; is the key right, and may it do this?"))),
        _ => Err(Error::Remote(format!("{host}: {why}"))),
    }
}

/// What became of a request without an answer.
fn failed(e: &ureq::Error, host: &str, most: u64) -> Result<Tried> {
    use ureq::Error as E;
    match e {
        E::BodyExceedsLimit(_) => Err(Error::Remote(format!("{host}: the answer is longer than {most} bytes"))),
        E::TooManyRedirects => Err(Error::Remote(format!("{host}: it leads on more than {REDIRECTS} times"))),
        E::BadUri(_) | E::Http(_) => Err(Error::Invalid(format!("{host}: the address cannot be asked: {e}"))),
        E::Other(inner) if inner.is::<guard::Private>() => Err(Error::Remote(format!("{host}: {inner}"))),
        E::HostNotFound => Ok(Tried::Later("its name stands for no address; is there a network?".into(), None)),
        E::Timeout(_) => Ok(Tried::Later("it took too long".into(), None)),
        // Breaks off, certificates, protocols: some pass.
        e => Ok(Tried::Later(head(&shown(&e.to_string()), TOLD), None)),
    }
}

/// The words of an error, where it has some.
fn words_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.is_empty() || text.starts_with('<') {
        true => String::new(),
        false => format!(" ({})", head(&shown(&text), TOLD)),
    }
}

fn gave_up(host: &str, why: &str, tries: u32, wanted: Option<Duration>) -> String {
    match wanted {
        Some(wait) => format!("{host}: {why}; it wants to be left alone for {} s", wait.as_secs()),
        None => format!("{host}: {why}, {tries} times"),
    }
}

/// The host of an address that can be asked.
fn host_of(url: &str) -> Result<String> {
    let wrong = |why: &str| Error::Invalid(format!("{:?} is no address to fetch from: {why}", head(url, TOLD)));
    let uri: Uri = url.parse().map_err(|_| wrong("write it like https://papers.example/feed.xml"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("it begins with http:// or https://"));
    }
    uri.host().map(str::to_ascii_lowercase).ok_or_else(|| wrong("it names no host"))
}
