//! Which mails are due.

use std::collections::HashSet;

use super::compose;
use crate::engine::Engine;
use crate::error::Result;
use crate::store::{StoredSubscription, SubscriptionState};
use crate::user::Moment;

/// Subscriptions whose mails are chosen and written down at once.
pub(super) const PIECE: usize = 64;

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
    pub(super) fn moment(self) -> Moment {
        match self {
            When::By(moment) => moment,
            When::Day(_) => Moment::now(),
        }
    }
}

/// A subscription whose mail is due.
pub(super) struct DueMail {
    pub s: StoredSubscription,
    /// The day; none for that whose hour has come.
    pub day: Option<i32>,
}

/// The subscriptions whose mails are due, piece by piece: each once, also where nothing is written of it.
pub(super) struct Due<'a> {
    engine: &'a Engine,
    when: When,
    now: Moment,
    /// The last one that was looked at.
    last: Option<StoredSubscription>,
}

impl<'a> Due<'a> {
    pub fn new(engine: &'a Engine, when: When, now: Moment) -> Self {
        Due { engine, when, now, last: None }
    }

    /// The next of them, in parts in which no address stands twice; nothing at the end.
    ///
    /// What is in one mail to an address is in no other, so those of one address are chosen one behind the other.
    pub fn next(&mut self) -> Result<Vec<Vec<DueMail>>> {
        loop {
            let looked_at = match self.when {
                When::By(_) => self.engine.due_subscriptions(self.now, self.last.as_ref(), PIECE)?,
                When::Day(_) => {
                    self.engine.stored_subscriptions(self.last.as_ref().map(|last| last.id.as_str()), PIECE)?
                }
            };
            let Some(last) = looked_at.last() else { return Ok(Vec::new()) };
            self.last = Some(last.clone());
            let mut due = Vec::new();
            for s in looked_at {
                match self.when {
                    When::By(_) => due.push(DueMail { s, day: None }),
                    When::Day(day) if self.is_due(&s, day)? => due.push(DueMail { s, day: Some(day) }),
                    When::Day(_) => {}
                }
            }
            if !due.is_empty() {
                return Ok(apart(due));
            }
        }
    }

    fn is_due(&self, s: &StoredSubscription, day: i32) -> Result<bool> {
        let runs = match s.state {
            SubscriptionState::Active => true,
            SubscriptionState::Paused => s.until.is_some_and(|until| until <= self.now),
            SubscriptionState::Pending | SubscriptionState::Ended => false,
        };
        Ok(runs && s.plan.is_on(day, s.issue.filter(|last| *last < day)) && !self.has(s, day)?)
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

/// In parts in which no address stands twice.
fn apart(mut due: Vec<DueMail>) -> Vec<Vec<DueMail>> {
    let mut parts = Vec::new();
    while !due.is_empty() {
        let mut addresses: HashSet<String> = HashSet::new();
        let (part, rest) =
            due.into_iter().partition(|due: &DueMail| addresses.insert(due.s.email.to_ascii_lowercase()));
        parts.push(part);
        due = rest;
    }
    parts
}
