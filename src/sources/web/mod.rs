//! One client for everything that is fetched from elsewhere: polite to whom it asks, and safe from where it is sent.
//!
//! To each service one request goes at a time, and the next not before its pace allows it. What fails for now (429, 5xx, a
//! connection that breaks) is tried again, later each time, and not before `Retry-After`. An answer has a greatest size and a
//! greatest time. Addresses that users gave never lead to private networks (`web/guard`). A key goes to the host that it is for,
//! and stands in no error and no log ([`Ask::without_secrets`]).
//!
//! Redirects are followed here and not in the library, which knows no key but `Authorization`, and takes `file:///x` for a path.

mod address;
mod ask;
mod guard;
mod tell;
mod waiting;
mod words;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use ureq::Agent;
pub use ureq::http::{HeaderName, header};
use ureq::http::{HeaderValue, Response};
use ureq::unversioned::transport::DefaultConnector;

pub use address::join;
pub use ask::{Ask, GivenBy, Page, Reply, Validators};
pub use tell::Receipt;
pub use waiting::Patience;

use crate::cancel;
use crate::error::{Error, Result};
use address::{host_of, same_service};
use guard::Guard;
use waiting::{pause, retry_after, seconds_of};
use words::{Failure, failure, words_of};

/// Redirects that are followed.
const REDIRECTS: u32 = 5;

/// How often whoever waits for another's request looks.
const TURN: Duration = Duration::from_millis(10);

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Whom a service can write to: an address of mail, or of a page. It stands in `User-Agent`.
    pub contact: Option<String>,
    /// Whether addresses that users gave may lead to private networks.
    pub private: bool,
    /// How long one request may take, its answer and all redirects included.
    pub timeout: Duration,
    /// How long is waited before the first retry, and how long a wait may be at most.
    pub patience: Patience,
    /// What the pace of every service is multiplied with. One, but for services that are one's own.
    pub pace: f64,
}

impl Default for Manners {
    fn default() -> Self {
        Manners {
            contact: None,
            private: false,
            timeout: Duration::from_secs(120),
            patience: Patience { first: Duration::from_secs(2), longest: Duration::from_secs(600), tries: 5 },
            pace: 1.0,
        }
    }
}

/// When a service may be asked.
#[derive(Default)]
struct Turn {
    /// Not before, by its pace.
    next: Option<Instant>,
    /// Not before, by its own word: longer than anybody waits.
    closed: Option<Instant>,
}

/// The client. Its methods may be called from any thread.
pub struct Web {
    manners: Manners,
    open: Agent,
    guarded: Agent,
    // A turn is held while its service is asked.
    services: Mutex<HashMap<String, Arc<Mutex<Turn>>>>,
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
                .max_redirects(0)
                .max_redirects_will_error(false)
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
        self.in_turn(ask, &host).map_err(|e| ask.without_secrets(e))
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

    fn in_turn(&self, ask: &Ask, host: &str) -> Result<Reply> {
        let service = {
            let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(services.entry(ask.service.unwrap_or(host).to_string()).or_default())
        };
        // One at a time: who else asks this service waits here, and may give up.
        let mut turn = loop {
            match service.try_lock() {
                Ok(turn) => break turn,
                Err(TryLockError::Poisoned(turn)) => break turn.into_inner(),
                Err(TryLockError::WouldBlock) => pause(TURN)?,
            }
        };
        if let Some(left) = turn.closed.map(|until| until.saturating_duration_since(Instant::now()))
            && !left.is_zero()
        {
            return Err(Error::Remote(format!("{host}: it wants to be left alone for {} s more", left.as_secs() + 1)));
        }
        let pace = ask.pace.mul_f64(self.manners.pace.max(0.0));
        let mut tries = 0;
        loop {
            if let Some(at) = turn.next {
                pause(at.saturating_duration_since(Instant::now()))?;
            }
            cancel::check()?;
            let tried = self.once(ask, host);
            turn.next = Some(Instant::now() + pace);
            match tried? {
                Tried::Done(Reply::Page(page)) => {
                    // Zotero's word for: go on, but more slowly.
                    if let Some(wait) = page.header("backoff").and_then(seconds_of) {
                        turn.next = Some(Instant::now() + pace.max(wait.min(self.manners.patience.longest)));
                    }
                    return Ok(Reply::Page(page));
                }
                Tried::Done(reply) => return Ok(reply),
                Tried::Later(why, wanted) => {
                    tries += 1;
                    let Some(wait) = self.manners.patience.wait(tries, wanted) else {
                        let wanted = wanted.filter(|wait| *wait > self.manners.patience.longest);
                        turn.closed = wanted.and_then(|wait| Instant::now().checked_add(wait));
                        return Err(Error::Remote(gave_up(host, &why, tries, wanted)));
                    };
                    let why = ask.scrubbed(why);
                    tracing::info!("{host}: {why}; asked again in {:.0} s", wait.as_secs_f64());
                    pause(wait)?;
                }
            }
        }
    }

    /// Asks once, and wherever that leads.
    fn once(&self, ask: &Ask, host: &str) -> Result<Tried> {
        let agent = if ask.given_by == GivenBy::User { &self.guarded } else { &self.open };
        let until = Instant::now() + self.manners.timeout;
        let (mut url, mut own) = (ask.url.clone(), true);
        for _ in 0..=REDIRECTS {
            let left = until.saturating_duration_since(Instant::now());
            let answer = match send(agent, ask, &url, own, left) {
                Ok(answer) => answer,
                Err(e) => return self.failed(&e, ask, &host_of(&url)?),
            };
            let Some(next) = leads_to(&answer, &url).map_err(|why| Error::Remote(format!("{host}: {why}")))? else {
                return self.read(answer, ask, url);
            };
            if ask.body.is_some() {
                return Err(Error::Remote(format!("{host}: it leads to {}; write that address", host_of(&next)?)));
            }
            if !same_service(&url, &next) {
                own = false;
                // The service itself hands it on; whoever is behind it has no right to it.
                if ask.tells_secret(&next) {
                    let other = host_of(&next)?;
                    return Err(Error::Remote(format!("{host}: it leads to {other}, and the key is not for that")));
                }
            }
            url = next;
        }
        Err(Error::Remote(format!("{host}: it leads on more than {REDIRECTS} times")))
    }

    /// What an answer came to.
    fn read(&self, answer: Response<ureq::Body>, ask: &Ask, url: String) -> Result<Tried> {
        let host = host_of(&url)?;
        let (parts, mut body) = answer.into_parts();
        let status = parts.status.as_u16();
        if status == 304 {
            return Ok(Tried::Done(Reply::Unchanged));
        }
        let refused = ask.refusal == Some(status);
        let taken = refused || parts.status.is_success();
        let limit = if taken { ask.most } else { 4 << 10 };
        let bytes = match body.with_config().limit(limit).read_to_vec() {
            Ok(bytes) => bytes,
            Err(_) if !taken => Vec::new(),
            Err(e) => return self.failed(&e, ask, &host),
        };
        if taken {
            return Ok(Tried::Done(Reply::Page(Page { body: bytes, url, refused, headers: parts.headers })));
        }
        let said = words_of(&bytes);
        let why = format!("it answered {} {}{said}", status, parts.status.canonical_reason().unwrap_or_default());
        let wanted = retry_after(&parts.headers);
        match status {
            408 | 425 | 429 | 500 | 502 | 503 | 504 => Ok(Tried::Later(why, wanted)),
            // Some say it so when somebody is too fast.
            403 if wanted.is_some() => Ok(Tried::Later(why, wanted)),
            401 | 403 => Err(Error::Remote(format!("{host}: {why}; is the key right, and may it do this?"))),
            404 | 410 => Err(Error::Remote(format!("{host}: {why}; is the address right?"))),
            _ => Err(Error::Remote(format!("{host}: {why}"))),
        }
    }

    /// What became of a request without an answer.
    fn failed(&self, e: &ureq::Error, ask: &Ask, host: &str) -> Result<Tried> {
        match failure(e, ask.most, self.manners.timeout) {
            Failure::Passes(why) => Ok(Tried::Later(why, None)),
            Failure::Stays(why) | Failure::Barred(why) => Err(Error::Remote(format!("{host}: {why}"))),
        }
    }
}

fn send(agent: &Agent, ask: &Ask, url: &str, own: bool, left: Duration) -> Result<Response<ureq::Body>, ureq::Error> {
    let mut headers: Vec<(HeaderName, HeaderValue)> =
        ask.headers.iter().filter(|(_, value)| own || !value.is_sensitive()).cloned().collect();
    for (name, value) in [(header::IF_NONE_MATCH, &ask.known.etag), (header::IF_MODIFIED_SINCE, &ask.known.modified)] {
        if let Some(value) = value.as_deref().and_then(|v| HeaderValue::from_str(v).ok()) {
            headers.push((name, value));
        }
    }
    match &ask.body {
        None => {
            let request = agent.get(url).config().timeout_global(Some(left)).build();
            headers.into_iter().fold(request, |r, (name, value)| r.header(name, value)).call()
        }
        Some(body) => {
            let request = agent.post(url).config().timeout_global(Some(left)).build();
            headers.into_iter().fold(request, |r, (name, value)| r.header(name, value)).send(&body[..])
        }
    }
}

/// Where an answer leads, where it is a redirect; else nothing.
fn leads_to(answer: &Response<ureq::Body>, url: &str) -> Result<Option<String>, String> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or("it leads on, and does not say where")?;
    let next = join(url, location).ok_or("it leads to what is no address of http or https")?;
    if url.starts_with("https:") && !next.starts_with("https:") {
        return Err(
            "it leads from https to http, where anybody could change what comes; write an address with https".into()
        );
    }
    Ok(Some(next))
}

fn gave_up(host: &str, why: &str, tries: u32, wanted: Option<Duration>) -> String {
    match (wanted, tries) {
        (Some(wait), _) => format!("{host}: {why}; it wants to be left alone for {} s", wait.as_secs()),
        (None, 1) => format!("{host}: {why}"),
        (None, _) => format!("{host}: {why}, {tries} times"),
    }
}
