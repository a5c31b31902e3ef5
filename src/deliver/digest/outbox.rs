//! Choosing and sending what is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rayon::prelude::*;

use super::compose::{self, Content};
use super::links::Links;
use super::notes::Notes;
use crate::cancel;
use crate::config::Config;
use crate::deliver::mail::{Envelope, Mailer, Rendered, SendError};
use crate::engine::{Chosen, Engine, Windows};
use crate::error::{Error, Result};
use crate::paper::head;
use crate::store::{Attempt, DeliveryNote, Issue, NewDelivery, StoredDelivery, StoredSubscription, SubscriptionState};
use crate::user::Moment;

/// Subscriptions whose mails are chosen and written down at once.
const PIECE: usize = 64;

/// Mails that wait between choosing and sending.
const AHEAD: usize = 128;

/// Failures in a row that pause a subscription.
const FAILURES: u32 = 5;

/// How long a mail that was put off is left alone at first; twice as long each further time.
const FIRST: i64 = 5 * 60 * 1_000_000;

/// Which mails are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Those whose hour has come by then.
    By(Moment),
    /// Those of a day (since 1970-01-01), whatever the hour: of every active subscription that has had none for it.
    Day(i32),
}

impl When {
    /// Those whose hour has come.
    pub fn now() -> Self {
        When::By(Moment::now())
    }

    /// The time by which it is asked.
    fn moment(self) -> Moment {
        match self {
            When::By(moment) => moment,
            When::Day(_) => Moment::now(),
        }
    }
}

/// What a run has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Mails that the server took.
    pub sent: u64,
    /// Subscriptions that had nothing to be sent.
    pub nothing: u64,
    /// Mails that are to be tried again.
    pub later: u64,
    /// Mails that were given up; their subscriptions are paused.
    pub failed: u64,
}

/// What is counted while several threads send.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    nothing: AtomicU64,
    later: AtomicU64,
    failed: AtomicU64,
}

/// The mails of a service.
pub struct Outbox<'a> {
    engine: &'a Engine,
    mailer: &'a Mailer,
    /// The address of the service, without a slash at its end.
    base: &'a str,
}

impl<'a> Outbox<'a> {
    /// The mails of an engine, sent by `mailer`, with addresses below `base`.
    pub fn new(engine: &'a Engine, mailer: &'a Mailer, base: &'a str) -> Self {
        Outbox { engine, mailer, base }
    }

    /// The mailer and the address of the service of some settings.
    ///
    /// # Errors
    /// [`Error::Invalid`] where no mail is set up, naming the setting that is missing.
    pub fn of_settings(config: &Config) -> Result<(Mailer, String)> {
        let mail = config.mail.as_ref().ok_or_else(|| {
            Error::Invalid("this service sends no mail: set `smtp` and `from` under [mail] in the settings".into())
        })?;
        let base = config.public_url.clone().ok_or_else(|| {
            Error::Invalid("mails hold addresses of this service: set `public_url` in the settings".into())
        })?;
        Ok((Mailer::open(mail)?, base))
    }

    /// Sends what waits, then chooses and sends what is due. `progress` hears now and then what it has come to.
    ///
    /// What is under way when it is cancelled is finished; the rest waits for the next run.
    ///
    /// # Errors
    /// [`Error::Remote`] when the server cannot be reached: what was chosen waits. When the store fails; [`Error::Cancelled`].
    pub fn send(&self, when: When, progress: &(dyn Fn(Sent) + Sync)) -> Result<Sent> {
        let (counts, notes) = (Counts::default(), Notes::default());
        // The first thing that ends a run.
        let broken: Mutex<Option<Error>> = Mutex::default();
        let end = |e: Error| {
            broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
        };
        let goes_on = || broken.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        let (sender, receiver) = sync_channel::<StoredDelivery>(AHEAD);
        let receiver = Mutex::new(receiver);
        let (cancel, now) = (cancel::current(), when.moment());
        std::thread::scope(|scope| {
            for _ in 0..self.mailer.senders() {
                scope.spawn(|| {
                    cancel.scope(|| {
                        while let Some(delivery) = next(&receiver) {
                            // Taken from the queue all the same, so that nobody waits to put something into it.
                            if !goes_on() || cancel::check().is_err() {
                                continue;
                            }
                            match self.deliver(&delivery, now, &notes, &counts) {
                                Ok(()) => progress(counts.so_far()),
                                Err(e) => end(e),
                            }
                        }
                    });
                });
            }
            let queue = |delivery: StoredDelivery| {
                // The receivers live as long as this scope.
                let _ = sender.send(delivery);
            };
            if let Err(e) = self.queue_all(when, now, &goes_on, &queue, &counts) {
                end(e);
            }
            drop(sender);
        });
        match broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(e) => Err(e),
            None => Ok(counts.so_far()),
        }
    }

    fn queue_all(
        &self,
        when: When,
        now: Moment,
        goes_on: &dyn Fn() -> bool,
        queue: &dyn Fn(StoredDelivery),
        counts: &Counts,
    ) -> Result<()> {
        let mut after = 0;
        while goes_on() {
            cancel::check()?;
            let waiting = self.engine.waiting_deliveries(now, after, PIECE)?;
            let Some(last) = waiting.last() else { break };
            after = last.number;
            waiting.into_iter().for_each(queue);
        }
        let windows = Windows::default();
        let mut due = Due::new(self.engine, when, now);
        while goes_on() {
            cancel::check()?;
            let piece = due.next()?;
            if piece.is_empty() {
                break;
            }
            for (s, _) in &piece {
                self.fold(&s.id)?;
            }
            let chosen: Vec<Result<NewDelivery>> =
                piece.par_iter().map(|(s, issue)| self.new_delivery(s, *issue, &windows, now)).collect();
            let new: Vec<NewDelivery> = chosen.into_iter().collect::<Result<_>>()?;
            let begun = self.engine.begin_deliveries(now, &new)?;
            for (number, new) in begun.into_iter().zip(&new) {
                match number.map(|number| self.engine.delivery(number)).transpose()?.flatten() {
                    Some(delivery) => queue(delivery),
                    None if new.papers.is_empty() => drop(counts.nothing.fetch_add(1, Ordering::Relaxed)),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// What still waits of a subscription, and no server has seen, is chosen again together with what came since: nobody gets the
    /// lists of all days on which the server was down.
    fn fold(&self, id: &str) -> Result<()> {
        let waits = |s: &str| matches!(s, "waiting");
        let last = self.engine.deliveries(Some(id), 3, None)?;
        if last.items.iter().any(|d| waits(d.state) && d.attempts == 0 && d.date.is_some()) {
            self.engine.take_back_waiting(id)?;
        }
        Ok(())
    }

    fn new_delivery(&self, s: &StoredSubscription, issue: i32, windows: &Windows, now: Moment) -> Result<NewDelivery> {
        // What was taken back a moment ago counts.
        let s = &self.engine.stored_subscription(&s.id)?;
        let chosen = self.engine.choose(s, issue, windows)?;
        let content = Content::of(&chosen);
        let last = s.issue.max(Some(issue));
        Ok(NewDelivery {
            subscription: s.id.clone(),
            issue: Issue::Day(issue),
            message_id: compose::message_id(&s.id, Issue::Day(issue), self.mailer.domain()),
            content: content.text()?,
            papers: content.ids(),
            looked: chosen.looked,
            next: Some(s.plan.next(now, last)?),
        })
    }

    /// Sends one mail, and notes before and behind it.
    fn deliver(&self, delivery: &StoredDelivery, now: Moment, notes: &Notes, counts: &Counts) -> Result<()> {
        let engine = self.engine;
        let s = match engine.stored_subscription(&delivery.subscription) {
            Ok(s) => s,
            // Whoever got it is forgotten.
            Err(Error::NotFound { .. }) => return Ok(()),
            Err(e) => return Err(e),
        };
        let rendered = match delivery.issue {
            Issue::Confirmation(_) => Some(compose::confirmation(engine, self.base, &s)?),
            Issue::Day(day) => compose::digest(engine, self.base, &s, day, &Content::read(&delivery.content)?)?,
        };
        let Some(rendered) = rendered else {
            counts.nothing.fetch_add(1, Ordering::Relaxed);
            let sent = DeliveryNote::Became(Attempt::Sent);
            return notes.note(engine, delivery.number, sent).map(drop);
        };
        let message = self.message(&s, delivery.issue, &delivery.message_id, delivery.since, &rendered)?;
        if !notes.note(engine, delivery.number, DeliveryNote::Sending)? {
            return Ok(());
        }
        let (attempt, counted, unreachable) = match self.mailer.send(&s.email, &message) {
            Ok(()) => (Attempt::Sent, &counts.sent, None),
            Err(SendError::Bounced(why)) => (Attempt::Failed(told(&why)), &counts.failed, None),
            Err(SendError::Unreachable(why)) => (Attempt::NotTaken(told(&why)), &counts.later, Some(why)),
            Err(SendError::Later(why) | SendError::InDoubt(why)) => {
                let failures = s.failures + 1;
                match failures {
                    FAILURES.. => {
                        let why = format!("{failures} attempts in a row failed; the last: {why}");
                        (Attempt::Failed(told(&why)), &counts.failed, None)
                    }
                    _ => {
                        let again = Moment(now.0 + FIRST * (1 << (failures - 1)));
                        (Attempt::Later(told(&why), again), &counts.later, None)
                    }
                }
            }
        };
        counted.fetch_add(1, Ordering::Relaxed);
        let result = match attempt {
            Attempt::Sent => "sent",
            Attempt::Failed(_) => "failed",
            Attempt::Later(..) | Attempt::NotTaken(_) => "later",
        };
        metrics::counter!("paperkin_mails_total", "result" => result).increment(1);
        notes.note(engine, delivery.number, DeliveryNote::Became(attempt))?;
        match unreachable {
            Some(why) => Err(Error::Remote(why)),
            None => Ok(()),
        }
    }

    fn message(
        &self,
        s: &StoredSubscription,
        issue: Issue,
        message_id: &str,
        date: Moment,
        rendered: &Rendered,
    ) -> Result<Vec<u8>> {
        let links = Links::new(self.engine, self.base, &s.id);
        let list_id = format!("papers.{}", self.mailer.domain());
        let unsubscribe = match issue {
            Issue::Day(_) => Some(links.unsubscribe()?),
            Issue::Confirmation(_) => None,
        };
        let date = Timestamp::from_microsecond(date.0).map_err(|e| Error::Internal(e.to_string()))?;
        let envelope = Envelope {
            to: &s.email,
            message_id,
            date,
            list_id: unsubscribe.is_some().then_some(&list_id),
            unsubscribe: unsubscribe.as_deref(),
        };
        self.mailer.message(&envelope, rendered)
    }

    /// Makes the mails that are due without sending or noting anything; `take` gets each with its subscription. Gives how many
    /// subscriptions had nothing to be sent.
    ///
    /// # Errors
    /// Whatever `take` returns; when the store fails.
    pub fn preview(&self, when: When, take: &mut TakeMail<'_>) -> Result<u64> {
        let (windows, now, mut nothing) = (Windows::default(), when.moment(), 0);
        let mut due = Due::new(self.engine, when, now);
        loop {
            cancel::check()?;
            let piece = due.next()?;
            if piece.is_empty() {
                return Ok(nothing);
            }
            let made: Vec<Result<Option<Preview>>> =
                piece.par_iter().map(|(s, issue)| self.one_preview(s, *issue, &windows)).collect();
            for made in made {
                match made? {
                    Some(preview) => take(preview)?,
                    None => nothing += 1,
                }
            }
        }
    }

    /// The mail of a subscription for a day, as it would be sent; none where there is nothing to be sent.
    ///
    /// # Errors
    /// When the store fails.
    pub fn one_preview(&self, s: &StoredSubscription, issue: i32, windows: &Windows) -> Result<Option<Preview>> {
        let chosen: Chosen = self.engine.choose(s, issue, windows)?;
        let content = Content::of(&chosen);
        if content.ids().is_empty() {
            return Ok(None);
        }
        let Some(rendered) = compose::digest(self.engine, self.base, s, issue, &content)? else { return Ok(None) };
        let of = Issue::Day(issue);
        let message_id = compose::message_id(&s.id, of, self.mailer.domain());
        let message = self.message(s, of, &message_id, Moment::now(), &rendered)?;
        Ok(Some(Preview {
            subscription: s.id.clone(),
            email: s.email.clone(),
            date: compose::iso(issue),
            subject: rendered.subject,
            message_id,
            papers: content.ids(),
            message,
        }))
    }
}

/// A mail as it would be sent.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The subscription.
    pub subscription: String,
    /// Where it would go.
    pub email: String,
    /// Its day.
    pub date: String,
    /// Its subject.
    pub subject: String,
    /// Its Message-ID.
    pub message_id: String,
    /// The papers in it.
    pub papers: Vec<String>,
    /// The whole of it (RFC 5322).
    pub message: Vec<u8>,
}

/// What gets each mail.
pub type TakeMail<'a> = dyn FnMut(Preview) -> Result<()> + 'a;

/// The subscriptions whose mails are due, with the day of each, piece by piece.
struct Due<'a> {
    engine: &'a Engine,
    when: When,
    now: Moment,
    /// Those that were given, or passed over: they are due no longer once they are written down.
    seen: std::collections::HashSet<String>,
    cursor: Option<Option<String>>,
}

impl<'a> Due<'a> {
    fn new(engine: &'a Engine, when: When, now: Moment) -> Self {
        Due { engine, when, now, seen: Default::default(), cursor: Some(None) }
    }

    /// The next of them; empty at the end.
    fn next(&mut self) -> Result<Vec<(StoredSubscription, i32)>> {
        loop {
            let found: Vec<(StoredSubscription, i32)> = match self.when {
                When::By(_) => {
                    // What could not be written down stays due, and is passed over until the next run.
                    let due = self.engine.due_subscriptions(self.now, PIECE + self.seen.len())?;
                    let due: Vec<_> = due.into_iter().filter(|s| !self.seen.contains(&s.id)).take(PIECE).collect();
                    if due.is_empty() {
                        return Ok(Vec::new());
                    }
                    self.seen.extend(due.iter().map(|s| s.id.clone()));
                    let with_day = |s: StoredSubscription| s.plan.day_at(self.now).map(|day| (s, day));
                    due.into_iter().map(with_day).collect::<Result<_>>()?
                }
                When::Day(day) => {
                    let Some(cursor) = self.cursor.take() else { return Ok(Vec::new()) };
                    let page = self.engine.subscriptions(PIECE, cursor.as_deref())?;
                    self.cursor = page.next.map(Some);
                    let mut found = Vec::new();
                    for view in page.items {
                        let s = self.engine.stored_subscription(&view.id)?;
                        let runs = s.state == SubscriptionState::Active
                            || (s.state == SubscriptionState::Paused && s.until.is_some_and(|until| until <= self.now));
                        if runs && s.plan.is_on(day, s.issue.filter(|last| *last < day)) && !self.has(&s, day)? {
                            found.push((s, day));
                        }
                    }
                    found
                }
            };
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }

    /// Whether a mail of this day was sent, or is on its way.
    fn has(&self, s: &StoredSubscription, day: i32) -> Result<bool> {
        if s.issue == Some(day) {
            return Ok(true);
        }
        let date = compose::iso(day);
        let last = self.engine.deliveries(Some(&s.id), 100, None)?;
        Ok(last.items.iter().any(|d| d.date.as_deref() == Some(&date) && d.state != "failed"))
    }
}

impl Counts {
    fn so_far(&self) -> Sent {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Sent { sent: of(&self.sent), nothing: of(&self.nothing), later: of(&self.later), failed: of(&self.failed) }
    }
}

fn next(receiver: &Mutex<Receiver<StoredDelivery>>) -> Option<StoredDelivery> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// What a server said, as it is kept.
fn told(why: &str) -> String {
    head(why, 500)
}
