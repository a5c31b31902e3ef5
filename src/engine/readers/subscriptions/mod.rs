//! Subscriptions by mail: who gets what, from being asked for to being ended, and what is in each mail.
//!
//! Nothing is sent here: `deliver/digest` sends what [`Readers::choose`] chooses, and notes before and behind each mail what
//! became of it.

mod choose;
mod view;

pub use self::choose::{Chosen, Windows};
pub use self::view::{DeliveryView, SubscriptionView};

use crate::engine::page::{Cursor, Page};
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::store::{
    DeliveryNote, Issue, Looked, NewDelivery, Slice, StoredDelivery, StoredSubscription, SubscriptionState,
};
use crate::user::{Event, MailPlan, Moment, UserId};

/// Subscriptions of one address, and in all.
const OF_AN_ADDRESS: usize = 50;
const IN_ALL: usize = 1_000_000;

/// Microseconds.
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// How long a mail that asks is left alone, and how many of them there are within a day: nobody is to be pestered in another's name.
const ASK_AGAIN: i64 = 10 * MINUTE;
const ASKED_A_DAY: usize = 6;

/// How long an answer is waited for; how long what was ended, and what was sent, is remembered.
const ANSWERED_WITHIN: i64 = 7 * DAY;
const ENDED_FOR: i64 = 30 * DAY;
const SENT_FOR: i64 = 90 * DAY;

/// The reason of a pause that no mail server brought about.
const WANTED_PAUSE: &str = "paused by whoever gets it";

/// Subscriptions that are read at a time where all are looked at.
const LOOKED_AT_ONCE: usize = 500;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// Where mails are to go, as [`crate::deliver::mail::checked_address`] wrote it.
    pub email: String,
    /// The reader it is for, where it is for one.
    pub reader: Option<UserId>,
    /// What is to be sent, and when.
    pub plan: MailPlan,
}

/// What a reader may do with their subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// They want it.
    Confirm,
    /// No more mails.
    End,
    /// None until then, or until it is resumed.
    Pause(Option<Moment>),
    /// Go on; what was missed comes in the next mail.
    Resume,
}

impl Readers {
    /// Writes a subscription down that waits for its answer. The same one asked for again is the same. Gives it, and whether a mail
    /// that asks is to be sent (`message_id` makes its Message-ID of the id and the how-manyth it is).
    pub fn subscribe(
        &self,
        asked: &Subscribe,
        now: Moment,
        message_id: &dyn Fn(&str, Issue) -> String,
    ) -> Result<(SubscriptionView, bool)> {
        asked.plan.check()?;
        // What was asked is counted, and asked again, by one at a time.
        let _asking = self.asking.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = self.store.subscriptions_of(&asked.email)?;
        let reader = |s: &StoredSubscription| s.reader.clone().filter(|_| !has_own_reader(s));
        let same =
            |s: &&StoredSubscription| s.email == asked.email && s.plan == asked.plan && reader(s) == asked.reader;
        let running = |s: &&StoredSubscription| same(s) && s.state == SubscriptionState::Active;
        if let Some(there) = known.iter().find(running) {
            return Ok((SubscriptionView::of(there), false));
        }
        let pending = known.iter().find(|s| same(s) && s.state == SubscriptionState::Pending);
        let subscription = match pending {
            // The new mail holds as long as a first one.
            Some(pending) => self
                .store
                .change_subscription(&pending.id, &|s| {
                    s.since = now;
                    s.failures = 0;
                })?
                .ok_or_else(|| no_subscription(&pending.id))?,
            None => {
                let open = known.iter().filter(|s| s.state != SubscriptionState::Ended).count();
                if open >= OF_AN_ADDRESS {
                    return Err(Error::Invalid(format!(
                        "this address has {open} subscriptions already; end one first"
                    )));
                }
                if self.store.count_subscriptions()? >= IN_ALL {
                    return Err(Error::Overloaded("there are more subscriptions than this service takes".into()));
                }
                let subscription = StoredSubscription {
                    id: fresh_id()?,
                    email: asked.email.clone(),
                    reader: asked.reader.clone(),
                    plan: asked.plan.clone(),
                    state: SubscriptionState::Pending,
                    reason: None,
                    until: None,
                    created: now,
                    confirmed: None,
                    since: now,
                    failures: 0,
                    next: None,
                    issue: None,
                    looked: Looked::default(),
                };
                self.store.add_subscription(&subscription)?;
                subscription
            }
        };
        let asks = self.ask(&known, &subscription, now, message_id)?;
        Ok((SubscriptionView::of(&subscription), asks))
    }

    /// Begins a mail that asks, unless the address has been asked enough.
    fn ask(
        &self,
        of_address: &[StoredSubscription],
        subscription: &StoredSubscription,
        now: Moment,
        message_id: &dyn Fn(&str, Issue) -> String,
    ) -> Result<bool> {
        let mut asked: Vec<Moment> = Vec::new();
        let mut own = 0;
        for other in of_address.iter().filter(|s| s.confirmed.is_none()) {
            for delivery in self.store.deliveries(Some(&other.id), None, 100)? {
                if matches!(delivery.issue, Issue::Confirmation(_)) {
                    own += u32::from(other.id == subscription.id);
                    asked.push(delivery.since);
                    if other.id == subscription.id && now.0 - delivery.since.0 < ASK_AGAIN {
                        return Ok(false);
                    }
                }
            }
        }
        if asked.iter().filter(|at| now.0 - at.0 < DAY).count() >= ASKED_A_DAY {
            return Ok(false);
        }
        let issue = Issue::Confirmation(own);
        let new = NewDelivery {
            subscription: subscription.id.clone(),
            issue,
            message_id: message_id(&subscription.id, issue),
            content: String::new(),
            papers: Vec::new(),
            first_day: 0,
            looked: Looked::default(),
            next: None,
        };
        let begun = self.store.begin_deliveries(now, &[new])?;
        self.listeners.tell(crate::engine::Happened::Mail);
        Ok(begun[0].is_some())
    }

    /// How many there are in all.
    pub fn count_subscriptions(&self) -> Result<usize> {
        self.store.count_subscriptions()
    }

    /// The subscription of this id.
    pub fn subscription(&self, id: &str) -> Result<SubscriptionView> {
        Ok(SubscriptionView::of(&self.stored_subscription(id)?))
    }

    /// The same as it is stored.
    pub fn stored_subscription(&self, id: &str) -> Result<StoredSubscription> {
        self.store.subscription(id)?.ok_or_else(|| no_subscription(id))
    }

    /// Up to `n` of them as they are stored, behind an id.
    pub fn stored_subscriptions(&self, after: Option<&str>, n: usize) -> Result<Vec<StoredSubscription>> {
        self.store.subscriptions(after, n)
    }

    /// A page of subscriptions, each with its last mail.
    pub fn subscriptions(&self, limit: usize, cursor: Option<&str>) -> Result<Page<SubscriptionView>> {
        crate::engine::answer::check_limit(limit)?;
        let after: Option<String> = Cursor::given(cursor)?;
        let mut found = self.store.subscriptions(after.as_deref(), limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|s| s.id.clone());
        let items = found.iter().map(|s| self.with_last(s)).collect::<Result<_>>()?;
        Ok(Page::of(Slice { items, next, total: self.store.count_subscriptions()? }))
    }

    /// The first `most` subscriptions that are paused because mails could not be delivered, and how many there are.
    pub fn undelivered(&self, most: usize) -> Result<(Vec<SubscriptionView>, usize)> {
        let (mut shown, mut total, mut after) = (Vec::new(), 0, None::<String>);
        loop {
            let found = self.store.subscriptions(after.as_deref(), LOOKED_AT_ONCE)?;
            for s in found.iter().filter(|s| s.is_undelivered()) {
                total += 1;
                if shown.len() < most {
                    shown.push(SubscriptionView::of(s));
                }
            }
            if found.len() < LOOKED_AT_ONCE {
                return Ok((shown, total));
            }
            after = found.last().map(|s| s.id.clone());
        }
    }

    fn with_last(&self, s: &StoredSubscription) -> Result<SubscriptionView> {
        let last = self.store.deliveries(Some(&s.id), None, 1)?.pop();
        Ok(SubscriptionView { last: last.map(|d| DeliveryView::of(&d)), ..SubscriptionView::of(s) })
    }

    /// A page of deliveries, the newest first: of a subscription, or of all.
    pub fn deliveries(
        &self,
        subscription: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<DeliveryView>> {
        crate::engine::answer::check_limit(limit)?;
        if let Some(id) = subscription {
            self.stored_subscription(id)?;
        }
        let before: Option<i64> = Cursor::given(cursor)?;
        let mut found = self.store.deliveries(subscription, before, limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|d| d.number);
        let total = found.len();
        Ok(Page::of(Slice { items: found.iter().map(DeliveryView::of).collect(), next, total }))
    }

    /// Does what whoever gets the mails asks for. Doing it twice is doing it once.
    pub fn settle_subscription(&self, id: &str, deed: Deed, now: Moment) -> Result<SubscriptionView> {
        if let Deed::Pause(Some(until)) = deed
            && until <= now
        {
            return Err(Error::Invalid(format!("the pause would end at {until}, which is over")));
        }
        let changed = match deed {
            Deed::End => self.end(id, now)?,
            _ => self.store.change_subscription(id, &|s| s.settle(deed, now))?,
        };
        let changed = changed.ok_or_else(|| no_subscription(id))?;
        if deed == Deed::Confirm && changed.state == SubscriptionState::Active {
            self.replace(&changed, now)?;
        }
        self.listeners.tell(crate::engine::Happened::Mail);
        Ok(SubscriptionView::of(&changed))
    }

    /// Ends a subscription. What no server has taken of it was not had: other subscriptions of the address may bring it. Gives it as
    /// it is then; none where there is none.
    fn end(&self, id: &str, now: Moment) -> Result<Option<StoredSubscription>> {
        self.store.change_subscription(id, &|s| s.settle(Deed::End, now))?;
        self.store.take_back_waiting(id, true)
    }

    /// Who confirms a subscription to what they get already has changed their plan: the one before ends, and what it has looked at
    /// was looked at.
    fn replace(&self, confirmed: &StoredSubscription, now: Moment) -> Result<()> {
        let of_address = self.store.subscriptions_of(&confirmed.email)?;
        let replaced = of_address.iter().filter(|s| {
            let open = matches!(s.state, SubscriptionState::Active | SubscriptionState::Paused);
            s.id != confirmed.id
                && open
                && s.email == confirmed.email
                && s.plan.what == confirmed.plan.what
                && s.confirmed < confirmed.confirmed
        });
        for before in replaced {
            let Some(before) = self.end(&before.id, now)? else { continue };
            self.store.change_subscription(&confirmed.id, &|s| {
                s.looked = before.looked;
                s.issue = before.issue;
            })?;
        }
        Ok(())
    }

    /// Pauses all subscriptions of an address to which mails came back. Gives how many there were.
    pub fn bounced(&self, email: &str, reason: &str, now: Moment) -> Result<usize> {
        let mut paused = 0;
        for s in self.store.subscriptions_of(email)? {
            if matches!(s.state, SubscriptionState::Active | SubscriptionState::Paused) {
                self.pause_subscription(&s.id, reason, now)?;
                paused += 1;
            }
        }
        Ok(paused)
    }

    /// The reader for whom papers are ordered and who learns: that of the subscription, else one of its own, who is made when
    /// somebody answers a mail.
    fn reader_of_mail(&self, s: &StoredSubscription) -> Result<UserId> {
        match (&s.reader, &s.plan.what) {
            (Some(reader), _) | (None, crate::user::Subject::Reader(reader)) => Ok(reader.clone()),
            _ => own_reader(&s.id),
        }
    }

    /// Writes down what whoever gets the mails says of a paper. The reader of its own that a subscription has none before is its reader
    /// from then on: the two go together.
    pub fn act_by_mail(&self, s: &StoredSubscription, event: Event) -> Result<()> {
        let reader = self.reader_of_mail(s)?;
        self.add_events(reader.as_str(), &[event])?;
        if s.reader.is_none() {
            self.store.change_subscription(&s.id, &|s| s.reader = Some(reader.clone()))?;
        }
        Ok(())
    }

    /// Pauses one for a reason, until somebody resumes it.
    pub fn pause_subscription(&self, id: &str, reason: &str, now: Moment) -> Result<()> {
        let pause = |s: &mut StoredSubscription| {
            s.settle(Deed::Pause(None), now);
            s.reason = Some(crate::paper::head(reason, 500));
        };
        self.store.change_subscription(id, &pause).map(drop)
    }

    /// Subscriptions whose mail is due, up to `n`, behind one of them.
    pub fn due_subscriptions(
        &self,
        now: Moment,
        after: Option<&StoredSubscription>,
        n: usize,
    ) -> Result<Vec<StoredSubscription>> {
        self.store.due_subscriptions(now, after, n)
    }

    /// Whether a mail is to be sent by now.
    pub fn mail_has_work(&self, now: Moment) -> Result<bool> {
        Ok(!self.store.due_subscriptions(now, None, 1)?.is_empty()
            || !self.store.waiting_deliveries(now, 0, 1)?.is_empty())
    }

    /// Begins deliveries; they are sent by [`Readers::waiting_deliveries`].
    pub fn begin_deliveries(&self, now: Moment, new: &[NewDelivery]) -> Result<Vec<Option<i64>>> {
        self.store.begin_deliveries(now, new)
    }

    /// Takes back what waits of a subscription, so that it is chosen anew together with what came since.
    pub fn take_back_waiting(&self, id: &str) -> Result<Option<StoredSubscription>> {
        self.store.take_back_waiting(id, false)
    }

    /// What is to be sent by now, behind a number.
    pub fn waiting_deliveries(&self, now: Moment, after: i64, n: usize) -> Result<Vec<StoredDelivery>> {
        self.store.waiting_deliveries(now, after, n)
    }

    /// The delivery of this number.
    pub fn delivery(&self, number: i64) -> Result<Option<StoredDelivery>> {
        self.store.delivery(number)
    }

    /// Notes what happened to deliveries.
    pub fn note_deliveries(&self, now: Moment, notes: &[(i64, DeliveryNote)]) -> Result<Vec<bool>> {
        self.store.note_deliveries(now, notes)
    }

    #[cfg(test)]
    pub fn change_plan_for_tests(&self, id: &str, change: &dyn Fn(&mut MailPlan)) {
        let changed = self.store.change_subscription(id, &|s| change(&mut s.plan));
        assert!(matches!(changed, Ok(Some(_))));
    }

    /// Forgets what nobody needs any more: unanswered and ended subscriptions, and old deliveries.
    pub fn forget_old_mail(&self, now: Moment) -> Result<usize> {
        let before = |span: i64| Moment(now.0.saturating_sub(span));
        // A reader that is of one subscription alone goes with it.
        let mut after = None::<String>;
        loop {
            let page = self.store.subscriptions(after.as_deref(), 500)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for s in page {
                if let Some(own) = s.reader.as_ref().filter(|_| has_own_reader(&s))
                    && s.state == SubscriptionState::Ended
                    && s.since < before(ENDED_FOR)
                {
                    match self.delete_user(own.as_str()) {
                        // Somebody else deleted them.
                        Ok(()) | Err(Error::NotFound { .. }) => {}
                        Err(e) => return Err(e),
                    }
                }
            }
        }
        self.store.forget_subscriptions(before(ANSWERED_WITHIN), before(ENDED_FOR), before(SENT_FOR))
    }
}

impl StoredSubscription {
    /// Whether it is paused by what mail servers said, and by nobody's wish.
    fn is_undelivered(&self) -> bool {
        self.state == SubscriptionState::Paused && self.reason.as_deref() != Some(WANTED_PAUSE)
    }

    /// Does what whoever gets the mails asks for.
    fn settle(&mut self, deed: Deed, now: Moment) {
        use SubscriptionState::{Active, Ended, Paused, Pending};
        let (state, until, reason) = match (deed, self.state) {
            (Deed::Confirm, Pending) => {
                self.confirmed = Some(now);
                (Active, None, None)
            }
            (Deed::End, Pending | Active | Paused) => (Ended, None, None),
            (Deed::Pause(until), Active | Paused) => (Paused, until, Some(WANTED_PAUSE.to_string())),
            (Deed::Resume, Paused) => (Active, None, None),
            _ => return,
        };
        (self.state, self.until, self.reason, self.since) = (state, until, reason, now);
        self.next = match state {
            // A zone that is not known here any more is told where the mail is made.
            Active => {
                self.failures = 0;
                self.plan.next(now, self.issue).ok().or(Some(now))
            }
            Paused => until.and_then(|until| self.plan.next(until, self.issue).ok()),
            Pending | Ended => None,
        };
    }
}

/// The reader that a subscription has of its own.
fn own_reader(id: &str) -> Result<UserId> {
    UserId::new(format!("mail:{id}"))
}

/// Whether a subscription's reader is of its own.
fn has_own_reader(s: &StoredSubscription) -> bool {
    s.reader.as_ref().is_some_and(|reader| reader.as_str().strip_prefix("mail:") == Some(&s.id))
}

/// Ten random bytes.
fn fresh_id() -> Result<String> {
    let mut bytes = [0u8; 10];
    getrandom::fill(&mut bytes).map_err(|e| Error::Internal(format!("the system gave no randomness: {e}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn no_subscription(id: &str) -> Error {
    Error::NotFound { what: "subscription", id: crate::paper::head(id, 80) }
}
