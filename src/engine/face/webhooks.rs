//! What can be asked of webhooks, and what the job that tells their receivers asks.

use crate::engine::Engine;
use crate::engine::access::Purpose;
use crate::engine::readers::{DeliveryOfWebhook, NewHook, OutgoingCall, WebhookMade, WebhookView};
use crate::error::Result;
use crate::store::{CallCounts, CallTried};
use crate::user::Moment;

impl Engine {
    /// Makes a webhook: new papers of a saved search, or of something to follow, go to an address. Where that leads is looked at
    /// when it is called.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for an address that is none, for nothing to follow, and when there are
    /// [`bounds::WEBHOOKS`](crate::bounds::WEBHOOKS) of this user or of nobody; [`Error::NotFound`](crate::Error::NotFound) for a
    /// user, a saved search or a theme that is not there.
    pub fn add_webhook(&self, new: &NewHook) -> Result<WebhookMade> {
        let webhook = self.readers.add_webhook(new)?;
        Ok(WebhookMade { secret: self.webhook_secret(&webhook.id)?, webhook })
    }

    /// What the deliveries of a webhook are signed with. Nothing of it is stored.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn webhook_secret(&self, id: &str) -> Result<String> {
        self.access.signature(Purpose::Webhook, &[id])
    }

    /// All webhooks, or those of one user, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such user.
    pub fn webhooks(&self, user: Option<&str>) -> Result<Vec<WebhookView>> {
        self.readers.webhooks(user)
    }

    /// The user whose one of them is; none where it is nobody's.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this id.
    pub fn webhook_owner(&self, id: &str) -> Result<Option<String>> {
        self.readers.webhook_owner(id)
    }

    /// Takes one away, with its deliveries.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this id.
    pub fn delete_webhook(&self, id: &str) -> Result<()> {
        self.readers.delete_webhook(id)
    }

    /// The deliveries of one that wait or are kept, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this id.
    pub fn webhook_deliveries(&self, id: &str) -> Result<Vec<DeliveryOfWebhook>> {
        self.readers.webhook_deliveries(id)
    }

    /// Lets what was not taken be delivered now: one delivery of a webhook, or all, dead letters included. An ended webhook begins
    /// anew. Gives how many.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such webhook, or no such delivery
    /// that was not taken.
    pub fn redeliver(&self, id: &str, delivery: Option<&str>) -> Result<usize> {
        self.readers.redeliver(id, delivery)
    }

    /// How many deliveries stand how.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count_webhook_deliveries(&self) -> Result<CallCounts> {
        self.readers.count_webhook_deliveries()
    }

    /// Whether something is to be told, or to be looked for.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn webhooks_have_work(&self, now: Moment) -> Result<bool> {
        self.readers.webhooks_have_work(now)
    }

    /// Makes deliveries of what came since each webhook was told of something; gives how many.
    ///
    /// # Errors
    /// When the model, an index or the store cannot be used; what was made stays.
    pub fn make_webhook_calls(&self, now: Moment) -> Result<usize> {
        self.readers.make_webhook_calls(now)
    }

    /// Of each webhook the first delivery that is due: its number, and that of the webhook; of up to `n` webhooks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn due_webhook_calls(&self, now: Moment, n: usize) -> Result<Vec<(i64, i64)>> {
        self.readers.due_webhook_calls(now, n)
    }

    /// Notes that a delivery is about to be tried, and when to try again should nothing be heard of it; gives it. None where it does
    /// not wait any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin_webhook_call(&self, number: i64, now: Moment, again: Moment) -> Result<Option<OutgoingCall>> {
        self.readers.begin_webhook_call(number, now, again)
    }

    /// Notes what became of a try.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn end_webhook_call(&self, number: i64, tried: &CallTried) -> Result<()> {
        self.readers.end_webhook_call(number, tried)
    }

    /// Ends a webhook by the word of its receiver: what waits is dead.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn end_webhook(&self, number: i64, at: Moment) -> Result<()> {
        self.readers.end_webhook(number, at)
    }
}
