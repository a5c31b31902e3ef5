//! What can be asked of subscriptions by mail.

use std::collections::HashSet;

use crate::engine::Engine;
use crate::engine::page::Page;
use crate::engine::readers::{Chosen, Deed, DeliveryView, Subscribe, SubscriptionView, Windows};
use crate::error::Result;
use crate::store::{DeliveryNote, Issue, NewDelivery, StoredDelivery, StoredSubscription};
use crate::user::{Event, Moment};

impl Engine {
    /// Writes a subscription down that waits for its answer. The same one asked for again is the same. Gives it, and whether a
    /// mail that asks is to be sent: the same one at most every ten minutes, and six a day to an address. `message_id` makes the Message-ID of
    /// that mail, of the id of the subscription and what the mail is of.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a plan that is not allowed, or an address that has too many.
    pub fn subscribe(
        &self,
        asked: &Subscribe,
        now: Moment,
        message_id: &dyn Fn(&str, Issue) -> String,
    ) -> Result<(SubscriptionView, bool)> {
        self.readers.subscribe(asked, now, message_id)
    }

    /// How many subscriptions there are in all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count_subscriptions(&self) -> Result<usize> {
        self.readers.count_subscriptions()
    }

    /// The subscription of this id.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none.
    pub fn subscription(&self, id: &str) -> Result<SubscriptionView> {
        self.readers.subscription(id)
    }

    /// The same as it is stored, for whoever makes its mails.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none.
    pub fn stored_subscription(&self, id: &str) -> Result<StoredSubscription> {
        self.readers.stored_subscription(id)
    }

    /// The first `most` subscriptions that are paused because mails could not be delivered, and how many there are. Reads all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn undelivered_subscriptions(&self, most: usize) -> Result<(Vec<SubscriptionView>, usize)> {
        self.readers.undelivered(most)
    }

    /// A page of subscriptions in the order of their ids, each with its last mail.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range,
    /// [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn subscriptions(&self, limit: usize, cursor: Option<&str>) -> Result<Page<SubscriptionView>> {
        self.readers.subscriptions(limit, cursor)
    }

    /// A page of mails, the newest first: of a subscription, or of all. Its `total` counts the page alone.
    ///
    /// # Errors
    /// As [`Engine::subscriptions`], and [`Error::NotFound`](crate::Error::NotFound) when there is no such subscription.
    pub fn deliveries(
        &self,
        subscription: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<DeliveryView>> {
        self.readers.deliveries(subscription, limit, cursor)
    }

    /// Does with a subscription what whoever gets its mails asks for. Doing it twice is doing it once. Who confirms a subscription
    /// to what they get already ends the one before.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this id;
    /// [`Error::Invalid`](crate::Error::Invalid) for a pause that is over.
    pub fn settle_subscription(&self, id: &str, deed: Deed, now: Moment) -> Result<SubscriptionView> {
        self.readers.settle_subscription(id, deed, now)
    }

    /// Pauses all subscriptions of an address to which mails came back. Gives how many there were.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn bounced(&self, email: &str, reason: &str, now: Moment) -> Result<usize> {
        self.readers.bounced(email, reason, now)
    }

    /// Writes down what whoever gets the mails of a subscription says of a paper in one. A subscription without a reader has one of its own
    /// from then on, who goes with it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the paper is gone.
    pub fn act_by_mail(&self, subscription: &StoredSubscription, event: Event) -> Result<()> {
        self.readers.act_by_mail(subscription, event)
    }

    /// Pauses a subscription of which no mail can be made, with the reason, until somebody resumes it.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn pause_subscription(&self, id: &str, reason: &str, now: Moment) -> Result<()> {
        self.readers.pause_subscription(id, reason, now)
    }

    /// Subscriptions as they are stored, up to `n` in the order of their ids, behind one of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stored_subscriptions(&self, after: Option<&str>, n: usize) -> Result<Vec<StoredSubscription>> {
        self.readers.stored_subscriptions(after, n)
    }

    /// Subscriptions whose mail is due, up to `n`, in the order in which they are, behind one of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn due_subscriptions(
        &self,
        now: Moment,
        after: Option<&StoredSubscription>,
        n: usize,
    ) -> Result<Vec<StoredSubscription>> {
        self.readers.due_subscriptions(now, after, n)
    }

    /// Whether a mail is to be chosen or sent by now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn mail_has_work(&self, now: Moment) -> Result<bool> {
        self.readers.mail_has_work(now)
    }

    /// Chooses the papers of the mail of a day (since 1970-01-01): the best of those listed since the last mail, within the
    /// budget, none of a work that was in a mail to this address, or that is among `also_had`. Of a personal feed every interest
    /// that has something gets a place. Nothing is written.
    ///
    /// # Errors
    /// When store, model or index fail.
    pub fn choose(
        &self,
        subscription: &StoredSubscription,
        issue: i32,
        windows: &Windows,
        also_had: &HashSet<String>,
    ) -> Result<Chosen> {
        self.readers.choose(subscription, issue, windows, also_had)
    }

    /// Begins deliveries, and notes what is in them as had: [`crate::store::Subscriptions::begin_deliveries`].
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn begin_deliveries(&self, now: Moment, new: &[NewDelivery]) -> Result<Vec<Option<i64>>> {
        self.readers.begin_deliveries(now, new)
    }

    /// Takes back what waits of a subscription and was never given to a server, so that it is chosen anew together with what
    /// came since.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn take_back_waiting(&self, id: &str) -> Result<Option<StoredSubscription>> {
        self.readers.take_back_waiting(id)
    }

    /// Deliveries that are to be sent by now, up to `n`, behind a number; what a process that ended had given to the server is
    /// among them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn waiting_deliveries(&self, now: Moment, after: i64, n: usize) -> Result<Vec<StoredDelivery>> {
        self.readers.waiting_deliveries(now, after, n)
    }

    /// The delivery of this number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn delivery(&self, number: i64) -> Result<Option<StoredDelivery>> {
        self.readers.delivery(number)
    }

    /// Notes what happened to deliveries, all in one commit. Gives for each whether it was so: `false` where one that is about to be
    /// sent is not to be sent any more.
    ///
    /// # Errors
    /// When it cannot be written down: then what is about to be sent must not be, and what was sent is sent once more, under the same
    /// Message-ID.
    pub fn note_deliveries(&self, now: Moment, notes: &[(i64, DeliveryNote)]) -> Result<Vec<bool>> {
        self.readers.note_deliveries(now, notes)
    }

    /// Forgets what nobody needs any more: subscriptions that were not confirmed within seven days, those that ended thirty days
    /// ago, and deliveries older than ninety. Gives how many subscriptions these were.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn forget_old_mail(&self, now: Moment) -> Result<usize> {
        self.readers.forget_old_mail(now)
    }

    /// Changes a plan past all checks.
    #[cfg(test)]
    pub fn change_plan_for_tests(&self, id: &str, change: &dyn Fn(&mut crate::user::MailPlan)) {
        self.readers.change_plan_for_tests(id, change);
    }
}
