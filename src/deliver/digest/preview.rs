//! Mails as they would be sent: those that are due, and those that wait from before.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::compose::{self, Content};
use super::due::{Due, DueMail, PIECE, When};
use super::outbox::{Outbox, is_of_one};
use crate::cancel;
use crate::engine::Windows;
use crate::error::{Error, Result};
use crate::store::{DeliveryState, Issue, StoredDelivery, StoredSubscription};
use crate::user::Moment;

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

/// Mails of days that are not sent yet, by subscription, in the order in which they were begun: number, and whether the mail of
/// another day takes them back (no server was ever given them).
type Waiting = HashMap<String, Vec<(i64, bool)>>;

/// Subscriptions of which there is no preview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without {
    /// They have nothing to be sent.
    pub nothing: u64,
    /// No mail can be made of them; when mails are sent, they are paused.
    pub failed: u64,
}

impl Outbox<'_> {
    /// Makes the mails of days that a run would send now, without sending or noting anything: those that are due, each with
    /// what waits of its subscription and no server has seen, and behind them the others that wait and are to be tried by now.
    /// `take` gets each with its subscription. Gives those that have none.
    ///
    /// # Errors
    /// Whatever `take` returns; when the store fails.
    pub fn preview(&self, when: When, take: &mut TakeMail<'_>) -> Result<Without> {
        let (windows, now, mut without) = (Windows::default(), when.moment(), Without::default());
        let mut due = Due::new(self.engine, when, now);
        let waiting = self.all_waiting()?;
        // What would be in one mail to an address is in no other.
        let mut shown: HashMap<String, HashSet<String>> = HashMap::new();
        // Mails that would be taken back: what they hold is in those that are due.
        let mut returned: HashSet<i64> = HashSet::new();
        loop {
            cancel::check()?;
            let parts = due.next()?;
            if parts.is_empty() {
                break;
            }
            for mut part in parts {
                for due in &mut part {
                    self.take_back(&mut due.s, &waiting, &windows, &mut returned)?;
                }
                let made: Vec<(String, Result<Option<Preview>>)> = part
                    .par_iter()
                    .map(|due| {
                        let had = shown.get(&due.s.email.to_ascii_lowercase());
                        (due.s.id.clone(), self.preview_of(due, now, &windows, had.unwrap_or(&HashSet::new())))
                    })
                    .collect();
                for (id, made) in made {
                    if let Some(preview) = without.of(&id, made)? {
                        let shown = shown.entry(preview.email.to_ascii_lowercase()).or_default();
                        shown.extend(preview.papers.iter().cloned());
                        take(preview)?;
                    }
                }
            }
        }
        let mut after = 0;
        loop {
            cancel::check()?;
            let page = self.engine.waiting_deliveries(now, after, PIECE)?;
            let Some(last) = page.last() else { return Ok(without) };
            after = last.number;
            for delivery in page.iter().filter(|delivery| !returned.contains(&delivery.number)) {
                let Issue::Day(day) = delivery.issue else { continue };
                if let Some(preview) = without.of(&delivery.subscription, self.preview_again(delivery, day))? {
                    take(preview)?;
                }
            }
        }
    }

    /// What waits of every subscription, whenever it is to be tried.
    fn all_waiting(&self) -> Result<Waiting> {
        let (mut waiting, mut after) = (Waiting::new(), 0);
        loop {
            cancel::check()?;
            let page = self.engine.waiting_deliveries(Moment(i64::MAX), after, PIECE)?;
            let Some(last) = page.last() else { return Ok(waiting) };
            after = last.number;
            for delivery in page.into_iter().filter(|delivery| matches!(delivery.issue, Issue::Day(_))) {
                let untried = delivery.state == DeliveryState::Waiting && delivery.attempts == 0;
                waiting.entry(delivery.subscription).or_default().push((delivery.number, untried));
            }
        }
    }

    /// Has what waits of a subscription that is due, and no server has seen, taken back in thought, as a run takes it back.
    fn take_back(
        &self,
        s: &mut StoredSubscription,
        waiting: &Waiting,
        windows: &Windows,
        returned: &mut HashSet<i64>,
    ) -> Result<()> {
        let untried = waiting.get(&s.id).into_iter().flatten().filter(|(_, untried)| *untried);
        for (number, _) in untried.rev() {
            let Some(delivery) = self.engine.delivery(*number)? else { continue };
            let Issue::Day(day) = delivery.issue else { continue };
            // One that cannot be read holds nothing that could be shown.
            if let Ok(content) = Content::read(&delivery.content) {
                windows.take_back(s, &content.ids());
                // The mail of an older day has looked no further than was known.
                if s.looked.day.is_none_or(|looked| looked <= day) {
                    s.looked.day = Some(content.first_day().saturating_sub(1));
                }
            }
            returned.insert(*number);
        }
        Ok(())
    }

    /// The mail of a subscription, as it would be sent; none where there is nothing to be sent.
    fn preview_of(
        &self,
        due: &DueMail,
        now: Moment,
        windows: &Windows,
        had: &HashSet<String>,
    ) -> Result<Option<Preview>> {
        let s = &due.s;
        let issue = due.day.map_or_else(|| s.plan.day_at(now), Ok)?;
        let chosen = self.engine.choose(s, issue, windows, had)?;
        let content = Content::of(&chosen);
        if content.ids().is_empty() {
            return Ok(None);
        }
        let message_id = compose::message_id(&s.id, Issue::Day(issue), self.mailer.domain());
        self.shown(s, issue, &content, message_id, Moment::now())
    }

    /// A mail that waits, as it would be sent. What a run gives up is an error of this one.
    fn preview_again(&self, delivery: &StoredDelivery, day: i32) -> Result<Option<Preview>> {
        let s = self.engine.stored_subscription(&delivery.subscription)?;
        let content = Content::read(&delivery.content).map_err(|e| Error::Invalid(e.to_string()))?;
        self.shown(&s, day, &content, delivery.message_id.clone(), delivery.since)
    }

    fn shown(
        &self,
        s: &StoredSubscription,
        issue: i32,
        content: &Content,
        message_id: String,
        at: Moment,
    ) -> Result<Option<Preview>> {
        let Some(rendered) = compose::digest(self.engine, self.base, s, issue, content)? else { return Ok(None) };
        let message = self.message(s, Issue::Day(issue), &message_id, at, &rendered)?;
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

impl Without {
    /// The mail of a subscription; none is counted, and so is one that cannot be made.
    fn of(&mut self, id: &str, made: Result<Option<Preview>>) -> Result<Option<Preview>> {
        match made {
            Ok(made) => {
                self.nothing += u64::from(made.is_none());
                Ok(made)
            }
            Err(e) if is_of_one(&e) => {
                tracing::warn!("no mail can be made of the subscription {id}: {e}");
                self.failed += 1;
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }
}
