//! Telling the receivers of webhooks of new papers, soon after these came.
//!
//! What is to be told is written down before it is told, and that it is about to be told before that: whatever comes between, it
//! is told again under the same id. Some threads tell different receivers side by side; one receiver is told one thing at a time, and
//! while any is told something it is looked for what came meanwhile. What a receiver does not take is told again for a day, later each
//! time; then it is a dead letter. A receiver that is down is told nothing else meanwhile.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use metrics::counter;
use sha2::Sha256;

use super::{Job, Numbers, Trigger};
use crate::cancel;
use crate::config::Config;
use crate::engine::{Engine, Happened, OutgoingCall};
use crate::error::{Error, Result};
use crate::paper::head;
use crate::sources::{Ask, GivenBy, HeaderName, Manners, Receipt, Web, header};
use crate::store::{CallState, CallTried};
use crate::user::Moment;

/// The name of the job.
const WEBHOOKS: &str = "webhooks";

/// What comes together is told together.
const SETTLES: Duration = Duration::from_secs(2);

/// How long a receiver has for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long whoever waits for a receiver waits until it looks for what is due besides.
const LOOK: Duration = Duration::from_millis(250);

/// Receivers that are told side by side.
const SIDE_BY_SIDE: usize = 8;

/// How long is waited after the first failure, twice as long after each one more, and how long at most; and how long it is tried.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(2 * 3600);
const TRIED: Duration = Duration::from_secs(24 * 3600);

/// Characters that are kept of why a try failed.
const TOLD: usize = 300;

/// The headers of a delivery.
static SIGNATURE: HeaderName = HeaderName::from_static("x-paperkin-signature");
static DELIVERY: HeaderName = HeaderName::from_static("x-paperkin-delivery");

/// The job `webhooks`.
pub struct Webhooks {
    web: Web,
}

impl Webhooks {
    /// The job with these settings.
    pub fn new(config: &Config) -> Self {
        let manners = Manners {
            contact: config.fetch.contact.clone(),
            private: config.fetch.private_addresses,
            timeout: PATIENCE,
            ..Manners::default()
        };
        Webhooks { web: Web::new(manners) }
    }
}

impl Job for Webhooks {
    fn name(&self) -> &str {
        WEBHOOKS
    }

    fn about(&self) -> &str {
        "tells the receivers of webhooks of new papers"
    }

    fn hears_of(&self, happened: Happened) -> bool {
        happened == Happened::Papers
    }

    fn settles(&self) -> Duration {
        SETTLES
    }

    fn has_work(&self, engine: &Engine, _: Trigger) -> Result<bool> {
        engine.webhooks_have_work(Moment::now())
    }

    fn run(&self, engine: &Engine, _: Trigger) -> Result<Numbers> {
        let round = Round { engine, web: &self.web, did: Mutex::default() };
        let made = round.go_on()?;
        let [done, failed, dead] = *round.did.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(vec![("made", made as u64), ("delivered", done), ("failed", failed), ("dead", dead)])
    }
}

/// A run: deliveries are made and told until none is due and nobody is told anything.
struct Round<'a> {
    engine: &'a Engine,
    web: &'a Web,
    /// Deliveries that were taken, that were not, and that were given up.
    did: Mutex<[u64; 3]>,
}

/// Where a run stands.
#[derive(Default)]
struct Progress {
    /// Webhooks whose receivers are being told something.
    under_way: HashSet<i64>,
    /// When it was looked for new papers last.
    looked: Option<Instant>,
    /// Deliveries that were made.
    made: usize,
}

impl Round<'_> {
    /// Gives how many deliveries it made.
    fn go_on(&self) -> Result<usize> {
        let cancel = &cancel::current();
        let (ended, ends) = mpsc::channel();
        std::thread::scope(|scope| {
            let begin = |call: i64, webhook: i64| {
                let ended = ended.clone();
                scope.spawn(move || {
                    let told = catch_unwind(AssertUnwindSafe(|| cancel.scope(|| self.tell(call))));
                    let inside = |_| Err(Error::Internal("telling a receiver failed inside".into()));
                    // Whoever hears this is there until it is heard.
                    let _ = ended.send((webhook, told.unwrap_or_else(inside)));
                });
            };
            let mut progress = Progress::default();
            let mut all = Ok(());
            loop {
                if all.is_ok() {
                    all = self.begin_what_is_due(&mut progress, &begin);
                }
                // All that was begun ends before any failure is told.
                if progress.under_way.is_empty() {
                    return all.map(|()| progress.made);
                }
                if let Ok((webhook, told)) = ends.recv_timeout(LOOK) {
                    progress.under_way.remove(&webhook);
                    all = all.and(told);
                }
            }
        })
    }

    /// Makes deliveries of what came, and begins those that are due, of receivers that nobody tells anything.
    fn begin_what_is_due(&self, progress: &mut Progress, begin: &impl Fn(i64, i64)) -> Result<()> {
        cancel::check()?;
        if progress.looked.is_none_or(|at| at.elapsed() >= SETTLES) {
            progress.made += self.engine.make_webhook_calls(Moment::now())?;
            progress.looked = Some(Instant::now());
        }
        if progress.under_way.len() >= SIDE_BY_SIDE {
            return Ok(());
        }
        // Those under way may be among them.
        for (call, webhook) in self.engine.due_webhook_calls(Moment::now(), SIDE_BY_SIDE + progress.under_way.len())? {
            if progress.under_way.len() < SIDE_BY_SIDE && progress.under_way.insert(webhook) {
                begin(call, webhook);
            }
        }
        Ok(())
    }

    fn tell(&self, number: i64) -> Result<()> {
        let now = Moment::now();
        // By then it was told, or whoever tells it is gone.
        let Some(call) = self.engine.begin_webhook_call(number, now, later(now, FIRST))? else { return Ok(()) };
        let told = match &call.body {
            Some(body) => self.send(&call, body)?,
            // The papers are gone: there is nothing to tell.
            None => Ok(Receipt { status: 204, refused: None, wanted: None }),
        };
        let now = Moment::now();
        let tried = became(&call, told, now);
        let (slot, outcome) = match tried.state {
            CallState::Done => (0, "delivered"),
            CallState::Waiting => (1, "failed"),
            CallState::Dead => (2, "dead"),
        };
        counter!("paperkin_webhook_deliveries_total", "outcome" => outcome).increment(1);
        self.did.lock().unwrap_or_else(PoisonError::into_inner)[slot] += 1;
        if let Some(why) = &tried.error {
            tracing::info!("the delivery {} of the webhook {}: {why}", call.id, call.webhook_id);
        }
        self.engine.end_webhook_call(number, &tried)?;
        if tried.status == Some(GONE) {
            tracing::warn!("the receiver of the webhook {} wants no more: it has ended", call.webhook_id);
            self.engine.end_webhook(call.webhook, now)?;
        }
        Ok(())
    }

    /// What the receiver said; else why it said nothing.
    fn send(&self, call: &OutgoingCall, body: &[u8]) -> Result<std::result::Result<Receipt, Unheard>> {
        let secret = self.engine.webhook_secret(&call.webhook_id)?;
        let at = Moment::now().0.div_euclid(1_000_000);
        let ask = Ask::get(&call.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(SIGNATURE.clone(), &signature(&secret, at, body))
            .header(DELIVERY.clone(), &call.id)
            .given_by(GivenBy::User)
            .post(body.to_vec());
        match self.web.tell(&ask) {
            Ok(receipt) => Ok(Ok(receipt)),
            Err(Error::Remote(why)) => Ok(Err(Unheard::Now(why))),
            Err(Error::Invalid(why)) => Ok(Err(Unheard::Ever(why))),
            Err(e) => Err(e),
        }
    }
}

/// Why a receiver said nothing.
enum Unheard {
    /// It may another time.
    Now(String),
    /// Its address is none that may be called.
    Ever(String),
}

/// The status by which a receiver says that it wants no more.
const GONE: u16 = 410;

/// How a delivery stands after a try.
fn became(call: &OutgoingCall, told: std::result::Result<Receipt, Unheard>, now: Moment) -> CallTried {
    let (mut wanted, mut hopeless) = (Duration::ZERO, false);
    let (status, error) = match told {
        Ok(receipt) => {
            wanted = receipt.wanted.unwrap_or_default().min(LONGEST);
            (Some(receipt.status), receipt.refused)
        }
        Err(Unheard::Now(why)) => (None, Some(why)),
        Err(Unheard::Ever(why)) => {
            hopeless = true;
            (None, Some(why))
        }
    };
    let error = error.map(|why| head(&why, TOLD));
    let due = later(now, wait(call.tries).max(wanted));
    let over = hopeless || status == Some(GONE) || due > later(call.since, TRIED);
    let state = match &error {
        None => CallState::Done,
        Some(_) if over => CallState::Dead,
        Some(_) => CallState::Waiting,
    };
    // What it says of one delivery else is of that one alone.
    let is_down = error.is_some() && status.is_none_or(|status| matches!(status, 408 | 429 | 500..));
    CallTried { status, error, state, due: (state == CallState::Waiting).then_some(due), is_down }
}

/// How long is waited after so many tries that failed.
fn wait(tries: u32) -> Duration {
    FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST)
}

fn later(at: Moment, by: Duration) -> Moment {
    Moment(at.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

/// The signature of a body at a time, in seconds since 1970: `t=...,v1=...`.
fn signature(secret: &str, at: i64, body: &[u8]) -> String {
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

#[cfg(test)]
mod tests;
