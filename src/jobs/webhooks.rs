//! Telling the receivers of webhooks of new papers, soon after these came.
//!
//! What is to be told is written down before it is told, and that it is about to be told before that: whatever comes between, it
//! is told again under the same id. Some threads tell different receivers side by side; one receiver is told one thing at a time.
//! What a receiver does not take is told again for a day, later each time; then it is a dead letter.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
        let made = engine.make_webhook_calls(Moment::now())?;
        let round = Round { engine, web: &self.web, under_way: Mutex::default(), did: Mutex::default() };
        let cancel = cancel::current();
        let threads = SIDE_BY_SIDE.min(engine.due_webhook_calls(Moment::now(), SIDE_BY_SIDE)?.len());
        std::thread::scope(|scope| {
            let work = || cancel.scope(|| round.go_on());
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let inside = || Err(Error::Internal("telling a receiver failed inside".into()));
            let ended = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| inside()));
            // All of them end before any failure is told.
            ended.collect::<Vec<Result<()>>>().into_iter().collect::<Result<()>>()
        })?;
        let [done, failed, dead] = *round.did.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(vec![("made", made as u64), ("delivered", done), ("failed", failed), ("dead", dead)])
    }
}

/// A run: deliveries that are due are told until there is none.
struct Round<'a> {
    engine: &'a Engine,
    web: &'a Web,
    /// Webhooks whose receivers are being told something.
    under_way: Mutex<HashSet<i64>>,
    /// Deliveries that were taken, that were not, and that were given up.
    did: Mutex<[u64; 3]>,
}

impl Round<'_> {
    fn go_on(&self) -> Result<()> {
        loop {
            cancel::check()?;
            let Some((call, webhook)) = self.next()? else { return Ok(()) };
            let told = self.tell(call);
            self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&webhook);
            told?;
        }
    }

    /// The next delivery that is due, of a receiver that nobody tells anything.
    fn next(&self) -> Result<Option<(i64, i64)>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.engine.due_webhook_calls(Moment::now(), SIDE_BY_SIDE + under_way.len())?;
        let next = due.into_iter().find(|(_, webhook)| !under_way.contains(webhook));
        under_way.extend(next.map(|(_, webhook)| webhook));
        Ok(next)
    }

    fn tell(&self, number: i64) -> Result<()> {
        let now = Moment::now();
        // By then it was told, or whoever tells it is gone.
        let Some(call) = self.engine.begin_webhook_call(number, now, later(now, FIRST))? else { return Ok(()) };
        let told = match &call.body {
            Some(body) => self.send(&call, body)?,
            // The papers are gone: there is nothing to tell.
            None => Ok(Receipt { status: 204, refused: None }),
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
    fn send(&self, call: &OutgoingCall, body: &[u8]) -> Result<std::result::Result<Receipt, String>> {
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
            Err(Error::Remote(why) | Error::Invalid(why)) => Ok(Err(why)),
            Err(e) => Err(e),
        }
    }
}

/// The status by which a receiver says that it wants no more.
const GONE: u16 = 410;

/// How a delivery stands after a try.
fn became(call: &OutgoingCall, told: std::result::Result<Receipt, String>, now: Moment) -> CallTried {
    let (status, error) = match told {
        Ok(Receipt { status, refused }) => (Some(status), refused),
        Err(why) => (None, Some(why)),
    };
    let error = error.map(|why| head(&why, TOLD));
    let due = later(now, wait(call.tries));
    let state = match &error {
        None => CallState::Done,
        Some(_) if status == Some(GONE) || due > later(call.since, TRIED) => CallState::Dead,
        Some(_) => CallState::Waiting,
    };
    CallTried { status, error, state, due: (state == CallState::Waiting).then_some(due) }
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        // Test case 2, with its data cut where the time ends.
        let signed = signature("Jefe", 7, b"x");
        assert!(signed.starts_with("t=7,v1=") && signed.len() == "t=7,v1=".len() + 64);
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").expect("a key");
        mac.update(b"what do ya want for nothing?");
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_ne!(signature("Jefe", 7, b"x"), signature("Jefe", 8, b"x"));
        assert_ne!(signature("Jefe", 7, b"x"), signature("Jeff", 7, b"x"));
    }

    fn call(tries: u32) -> OutgoingCall {
        let (id, webhook_id, url) = ("d1".into(), "w1".into(), String::new());
        OutgoingCall { number: 1, webhook: 1, id, webhook_id, url, body: None, since: Moment(0), tries }
    }

    #[test]
    fn what_is_never_taken_is_tried_for_a_day() {
        let (mut now, mut tries) = (Moment(0), 0);
        loop {
            tries += 1;
            let tried = became(&call(tries), Err("no".into()), now);
            match tried.due {
                Some(due) => now = due,
                None => break assert_eq!(tried.state, CallState::Dead),
            }
        }
        let hours = now.0 as f64 / 3.6e9;
        assert!((22.0..=24.0).contains(&hours) && (15..=25).contains(&tries), "{tries} tries in {hours} hours");
        assert_eq!(became(&call(3), Ok(Receipt { status: 204, refused: None }), now).state, CallState::Done);
        let gone = Ok(Receipt { status: GONE, refused: Some("gone".into()) });
        assert_eq!(became(&call(1), gone, Moment(0)).state, CallState::Dead);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_the_one_before(tries in 0u32..10_000) {
            prop_assert!(wait(tries) <= wait(tries + 1) && wait(tries) >= FIRST && wait(tries) <= LONGEST);
        }
    }
}
