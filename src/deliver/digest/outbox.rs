//! Choosing and sending what is due.

use std::collections::HashSet;
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

/// Attempts in a row at which the server takes nothing from us that end a run.
const IN_A_ROW: u64 = 3;

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
    /// Attempts in a row at which the server took nothing from us, and what it said last.
    in_a_row: AtomicU64,
    said: Mutex<Option<String>>,
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

    /// Chooses and sends what is due, then sends what waits. `progress` hears now and then what it has come to.
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
                        while let Some(delivery) = next_of(&receiver) {
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
            None => match counts.nothing_but_unreachable() {
                Some(why) => Err(Error::Remote(why)),
                None => Ok(counts.so_far()),
            },
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
        let windows = Windows::default();
        let mut due = Due::new(self.engine, when, now);
        // What is begun here is not what waits from before.
        let mut queued: HashSet<i64> = HashSet::new();
        while goes_on() {
            cancel::check()?;
            let mut piece = due.next()?;
            if piece.is_empty() {
                break;
            }
            // What is in one mail to an address is in no other, so those of one address are chosen one behind the other.
            while !piece.is_empty() {
                let mut addresses: HashSet<String> = HashSet::new();
                let (now_due, later): (Vec<_>, Vec<_>) =
                    piece.into_iter().partition(|due: &DueMail| addresses.insert(due.s.email.to_ascii_lowercase()));
                piece = later;
                let chosen: Vec<(String, Result<NewDelivery>)> = now_due
                    .into_par_iter()
                    .map(|due| (due.s.id.clone(), self.new_delivery(&due, &windows, now)))
                    .collect();
                let mut new = Vec::with_capacity(chosen.len());
                for (id, chosen) in chosen {
                    match chosen {
                        Ok(chosen) => new.push(chosen),
                        Err(e) => self.set_aside(&id, e, now, counts)?,
                    }
                }
                let begun = self.engine.begin_deliveries(now, &new)?;
                for (number, new) in begun.into_iter().zip(&new) {
                    match number.map(|number| self.engine.delivery(number)).transpose()?.flatten() {
                        Some(delivery) => {
                            queued.insert(delivery.number);
                            queue(delivery);
                        }
                        None if new.papers.is_empty() => drop(counts.nothing.fetch_add(1, Ordering::Relaxed)),
                        None => {}
                    }
                }
            }
        }
        let mut after = 0;
        while goes_on() {
            cancel::check()?;
            let waiting = self.engine.waiting_deliveries(now, after, PIECE)?;
            let Some(last) = waiting.last() else { break };
            after = last.number;
            waiting.into_iter().filter(|delivery| !queued.contains(&delivery.number)).for_each(queue);
        }
        Ok(())
    }

    /// Pauses a subscription of which no mail can be made: nobody else waits for that. What is wrong with the service itself ends the
    /// run.
    fn set_aside(&self, id: &str, e: Error, now: Moment, counts: &Counts) -> Result<()> {
        match e {
            Error::Invalid(_) | Error::BadRequest(_) | Error::NotFound { .. } | Error::Damaged(_) => {
                tracing::warn!("no mail can be made of the subscription {id}: {e}");
                counts.failed.fetch_add(1, Ordering::Relaxed);
                self.engine.pause_subscription(id, &format!("no mail can be made of it: {e}"), now)
            }
            e => Err(e),
        }
    }

    fn new_delivery(&self, due: &DueMail, windows: &Windows, now: Moment) -> Result<NewDelivery> {
        let issue = match due.day {
            Some(day) => day,
            None => due.s.plan.day_at(now)?,
        };
        // What still waits of it, and no server has seen, is chosen again together with what came since: nobody gets the lists of
        // all days on which the server was down.
        let s = match self.waits(&due.s.id)? {
            true => self.engine.take_back_waiting(&due.s.id)?,
            false => Some(self.engine.stored_subscription(&due.s.id)?),
        };
        let s = s.ok_or_else(|| Error::NotFound { what: "subscription", id: due.s.id.clone() })?;
        let chosen = self.engine.choose(&s, issue, windows)?;
        let content = Content::of(&chosen);
        let last = s.issue.max(Some(issue));
        Ok(NewDelivery {
            subscription: s.id.clone(),
            issue: Issue::Day(issue),
            message_id: compose::message_id(&s.id, Issue::Day(issue), self.mailer.domain()),
            content: content.text()?,
            papers: content.ids(),
            first_day: chosen.days.0,
            looked: chosen.looked,
            next: Some(next(&s, now, last)?),
        })
    }

    /// Whether a mail of a day waits of a subscription that was never given to a server.
    fn waits(&self, id: &str) -> Result<bool> {
        let last = self.engine.deliveries(Some(id), 3, None)?;
        Ok(last.items.iter().any(|d| d.state == "waiting" && d.attempts == 0 && d.date.is_some()))
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
        let rendered = match self.rendered(&s, delivery) {
            // It says the same tomorrow: this one is given up, and the others go on.
            Err(e @ (Error::Data(_) | Error::Invalid(_) | Error::NotFound { .. })) => {
                tracing::error!("the mail {}: {e}", delivery.message_id);
                counts.failed.fetch_add(1, Ordering::Relaxed);
                let failed = DeliveryNote::Became(Attempt::Failed("this mail could not be made".into()));
                return notes.note(engine, delivery.number, failed).map(drop);
            }
            rendered => rendered?,
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
            Err(SendError::Unreachable(why)) => {
                (Attempt::NotTaken(told(&why), Moment(now.0 + FIRST)), &counts.later, Some(why))
            }
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
            Attempt::Later(..) | Attempt::NotTaken(..) => "later",
        };
        metrics::counter!("paperkin_mails_total", "result" => result).increment(1);
        notes.note(engine, delivery.number, DeliveryNote::Became(attempt))?;
        match unreachable {
            // One that is refused in our name may be the word of one receiver; several in a row are the server's.
            Some(why) => match counts.unreachable(why) {
                Some(why) => Err(Error::Remote(why)),
                None => Ok(()),
            },
            None => {
                counts.in_a_row.store(0, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    fn rendered(&self, s: &StoredSubscription, delivery: &StoredDelivery) -> Result<Option<Rendered>> {
        match delivery.issue {
            Issue::Confirmation(_) => compose::confirmation(self.engine, self.base, s).map(Some),
            Issue::Day(day) => compose::digest(self.engine, self.base, s, day, &Content::read(&delivery.content)?),
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
                piece.par_iter().map(|due| self.preview_of(due, now, &windows)).collect();
            for made in made {
                match made? {
                    Some(preview) => take(preview)?,
                    None => nothing += 1,
                }
            }
        }
    }

    /// One of which no mail can be made has none.
    fn preview_of(&self, due: &DueMail, now: Moment, windows: &Windows) -> Result<Option<Preview>> {
        let day = due.day.map_or_else(|| due.s.plan.day_at(now), Ok);
        match day.and_then(|day| self.one_preview(&due.s, day, windows)) {
            Err(e @ (Error::Invalid(_) | Error::NotFound { .. })) => {
                tracing::warn!("no mail can be made of the subscription {}: {e}", due.s.id);
                Ok(None)
            }
            preview => preview,
        }
    }

    /// The mail of a subscription for a day, as it would be sent; none where there is nothing to be sent.
    fn one_preview(&self, s: &StoredSubscription, issue: i32, windows: &Windows) -> Result<Option<Preview>> {
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

/// A subscription whose mail is due.
struct DueMail {
    s: StoredSubscription,
    /// The day; none for that whose hour has come.
    day: Option<i32>,
}

/// The subscriptions whose mails are due, piece by piece.
struct Due<'a> {
    engine: &'a Engine,
    when: When,
    now: Moment,
    /// Those that were given, or passed over: they are due no longer once they are written down.
    seen: HashSet<String>,
    cursor: Option<Option<String>>,
}

impl<'a> Due<'a> {
    fn new(engine: &'a Engine, when: When, now: Moment) -> Self {
        Due { engine, when, now, seen: Default::default(), cursor: Some(None) }
    }

    /// The next of them; empty at the end.
    fn next(&mut self) -> Result<Vec<DueMail>> {
        loop {
            let found: Vec<DueMail> = match self.when {
                When::By(_) => {
                    // What could not be written down stays due, and is passed over until the next run.
                    let due = self.engine.due_subscriptions(self.now, PIECE + self.seen.len())?;
                    let due: Vec<_> = due.into_iter().filter(|s| !self.seen.contains(&s.id)).take(PIECE).collect();
                    if due.is_empty() {
                        return Ok(Vec::new());
                    }
                    self.seen.extend(due.iter().map(|s| s.id.clone()));
                    due.into_iter().map(|s| DueMail { s, day: None }).collect()
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
                            found.push(DueMail { s, day: Some(day) });
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
    /// Notes that the server takes nothing from us, and gives what it said when that is enough to end a run.
    fn unreachable(&self, why: String) -> Option<String> {
        let row = 1 + self.in_a_row.fetch_add(1, Ordering::Relaxed);
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        (row >= IN_A_ROW).then_some(why)
    }

    /// What it said, where nothing was sent because of it.
    fn nothing_but_unreachable(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).take();
        said.filter(|_| self.sent.load(Ordering::Relaxed) == 0)
    }

    fn so_far(&self) -> Sent {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Sent { sent: of(&self.sent), nothing: of(&self.nothing), later: of(&self.later), failed: of(&self.failed) }
    }
}

/// When the mail behind one is due: as before where that was of another day, which may have come already.
fn next(s: &StoredSubscription, now: Moment, last: Option<i32>) -> Result<Moment> {
    match s.next {
        Some(known) if s.plan.is_on(s.plan.day_at(known.max(now))?, last) => Ok(known),
        _ => s.plan.next(now, last),
    }
}

fn next_of(receiver: &Mutex<Receiver<StoredDelivery>>) -> Option<StoredDelivery> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// What a server said, as it is kept.
fn told(why: &str) -> String {
    head(why, 500)
}
