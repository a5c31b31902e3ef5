//! Choosing and sending what is due.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rayon::prelude::*;

use super::compose::{self, Content};
use super::counts::{Counts, Sent};
use super::due::{Due, DueMail, PIECE, When};
use super::links::Links;
use super::notes::Notes;
use crate::cancel;
use crate::config::Config;
use crate::deliver::mail::{Envelope, Mailer, Rendered, SendError};
use crate::engine::{Engine, Windows};
use crate::error::{Error, Result};
use crate::paper::head;
use crate::store::{Attempt, DeliveryNote, Issue, NewDelivery, StoredDelivery, StoredSubscription};
use crate::user::Moment;

/// Mails that wait between choosing and sending.
const AHEAD: usize = 128;

/// Failures in a row that pause a subscription.
const FAILURES: u32 = 5;

/// How long a mail that was put off is left alone at first; twice as long each further time.
const FIRST: i64 = 5 * 60 * 1_000_000;

/// The mails of a service.
pub struct Outbox<'a> {
    pub(super) engine: &'a Engine,
    pub(super) mailer: &'a Mailer,
    /// The address of the service, without a slash at its end.
    pub(super) base: &'a str,
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
            let parts = due.next()?;
            if parts.is_empty() {
                break;
            }
            for part in parts {
                let chosen: Vec<(String, Result<NewDelivery>)> = part
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
                        None if new.papers.is_empty() => counts.nothing(),
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
        if !is_of_one(&e) {
            return Err(e);
        }
        tracing::warn!("no mail can be made of the subscription {id}: {e}");
        counts.failed();
        self.engine.pause_subscription(id, &format!("no mail can be made of it: {e}"), now)
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
        let chosen = self.engine.choose(&s, issue, windows, &HashSet::new())?;
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
                counts.failed();
                let failed = DeliveryNote::Became(Attempt::Failed(told(&format!("this mail could not be made: {e}"))));
                return notes.note(engine, delivery.number, failed).map(drop);
            }
            rendered => rendered?,
        };
        let Some(rendered) = rendered else {
            counts.nothing();
            let sent = DeliveryNote::Became(Attempt::Sent);
            return notes.note(engine, delivery.number, sent).map(drop);
        };
        let message = self.message(&s, delivery.issue, &delivery.message_id, delivery.since, &rendered)?;
        if !notes.note(engine, delivery.number, DeliveryNote::Sending)? {
            return Ok(());
        }
        let (attempt, unreachable) = match self.mailer.send(&s.email, &message) {
            Ok(()) => (Attempt::Sent, None),
            Err(SendError::Bounced(why)) => (Attempt::Failed(told(&why)), None),
            Err(SendError::Unreachable(why)) => (Attempt::NotTaken(told(&why), Moment(now.0 + FIRST)), Some(why)),
            Err(SendError::Later(why) | SendError::InDoubt(why)) => {
                let failures = s.failures + 1;
                match failures {
                    FAILURES.. => {
                        let why = format!("{failures} attempts in a row failed; the last: {why}");
                        (Attempt::Failed(told(&why)), None)
                    }
                    _ => {
                        let again = Moment(now.0 + FIRST * (1 << (failures - 1)));
                        (Attempt::Later(told(&why), again), None)
                    }
                }
            }
        };
        match attempt {
            Attempt::Sent => counts.sent(),
            Attempt::Failed(_) => counts.failed(),
            Attempt::Later(..) | Attempt::NotTaken(..) => counts.later(),
        }
        notes.note(engine, delivery.number, DeliveryNote::Became(attempt))?;
        match unreachable {
            // One that is refused in our name may be the word of one receiver; several in a row are the server's.
            Some(why) => match counts.unreachable(why) {
                Some(why) => Err(Error::Remote(why)),
                None => Ok(()),
            },
            None => {
                counts.answered();
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

    pub(super) fn message(
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
}

/// Whether it is one subscription that no mail can be made of, and not the service that fails.
pub(super) fn is_of_one(e: &Error) -> bool {
    matches!(e, Error::Invalid(_) | Error::BadRequest(_) | Error::NotFound { .. } | Error::Damaged(_))
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
