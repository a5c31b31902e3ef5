//! Addresses that are told of new papers, and what they are told.

use crate::error::Result;
use crate::paper::PaperId;
use crate::user::{Follow, Moment};

/// A webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredWebhook {
    /// Its number; used once.
    pub number: i64,
    /// The reader whose it is; none of one that is nobody's.
    pub user: Option<i64>,
    /// The name of that reader.
    pub owner: Option<String>,
    /// The saved search that it is of, with which it goes; none where it is of none.
    pub search: Option<i64>,
    /// What is followed.
    pub what: Follow,
    /// Where the papers go.
    pub url: String,
    /// When it was made.
    pub created: Moment,
    /// The change of the papers up to which deliveries were made.
    pub told: u64,
    /// When its receiver ended it.
    pub ended: Option<Moment>,
}

/// A webhook that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewWebhook<'a> {
    /// The reader whose it is.
    pub user: Option<i64>,
    /// The saved search that it is of.
    pub search: Option<i64>,
    /// What is followed.
    pub what: &'a Follow,
    /// Where the papers go.
    pub url: &'a str,
    /// When.
    pub created: Moment,
    /// The change of the papers up to which nothing is new.
    pub told: u64,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// It is to be tried, for the first time or again.
    Waiting,
    /// Its receiver took it.
    Done,
    /// It was given up: a dead letter.
    Dead,
}

impl CallState {
    /// All, by the words in a store.
    pub(in crate::store) const ALL: [(&'static str, CallState); 3] =
        [("waiting", CallState::Waiting), ("done", CallState::Done), ("dead", CallState::Dead)];

    pub(in crate::store) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("waiting", |(word, _)| word)
    }
}

/// Papers on their way to the receiver of a webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCall {
    /// Its number; used once.
    pub number: i64,
    /// The webhook.
    pub webhook: i64,
    /// What is told, by id.
    pub papers: Vec<PaperId>,
    /// How many papers more there were than are told.
    pub left_out: u64,
    /// When it was made.
    pub made: Moment,
    /// Since when it is tried: later where it was given up, and taken up again.
    pub since: Moment,
    /// How it stands.
    pub state: CallState,
    /// How often it was tried.
    pub tries: u32,
    /// When it was tried last.
    pub tried: Option<Moment>,
    /// When it is tried next; none where it is not.
    pub due: Option<Moment>,
    /// What the receiver answered last; none where it did not.
    pub status: Option<u16>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// Papers that are to be told: some at once, and how many more there were.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCall {
    /// By id.
    pub papers: Vec<PaperId>,
    /// How many more there were.
    pub left_out: u64,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq)]
pub struct CallTried {
    /// The receiver's answer; none where it gave none.
    pub status: Option<u16>,
    /// Why it failed; none where it did not.
    pub error: Option<String>,
    /// How the delivery stands now.
    pub state: CallState,
    /// When it is tried next, where it waits.
    pub due: Option<Moment>,
    /// Whether the receiver took nothing at all, so that what else waits for it waits as long where this is tried again.
    pub is_down: bool,
}

/// How many deliveries stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Those that wait.
    pub waiting: u64,
    /// Dead letters that are kept.
    pub dead: u64,
}

/// Webhooks and their deliveries. A webhook goes with its reader and with its saved search, and its deliveries go with it; then
/// nothing of them can be found any more.
pub trait Webhooks {
    /// Makes one where there are fewer than `most` in all (of the reader whose it is, else of nobody); none where there are as
    /// many. None as well where the reader or the saved search is gone.
    fn add_webhook(&self, webhook: NewWebhook<'_>, most: usize) -> Result<Option<StoredWebhook>>;

    /// All webhooks, or those of one reader, in the order in which they were made.
    fn webhooks(&self, user: Option<i64>) -> Result<Vec<StoredWebhook>>;

    /// One of them.
    fn webhook(&self, number: i64) -> Result<Option<StoredWebhook>>;

    /// Takes one away, with its deliveries.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this number.
    fn delete_webhook(&self, number: i64) -> Result<()>;

    /// Makes deliveries of what came behind the change `from` up to the change `to`, all at once, due now. Whether it did: not where
    /// the webhook was told up to another change than `from` meanwhile, has ended, or is gone.
    fn make_calls(&self, webhook: i64, from: u64, to: u64, calls: &[NewCall], now: Moment) -> Result<bool>;

    /// Of each webhook the first delivery that is due, of up to `n` webhooks: those that were never tried first, then those that
    /// wait longest.
    fn due_calls(&self, now: Moment, n: usize) -> Result<Vec<StoredCall>>;

    /// When the next one is due; none where none waits.
    fn next_call(&self) -> Result<Option<Moment>>;

    /// Notes that a delivery is about to be tried, and when it is to be tried again should nothing be heard of that. Gives it as it
    /// stands then; none where it does not wait (any more).
    fn begin_call(&self, number: i64, now: Moment, again: Moment) -> Result<Option<StoredCall>>;

    /// Notes what became of a try. Where it is to be tried again because its receiver is down, what else waits for that waits as long.
    /// Of a webhook's deliveries that do not wait the newest `keep` are kept.
    fn end_call(&self, number: i64, tried: &CallTried, keep: usize) -> Result<()>;

    /// Ends a webhook by the word of its receiver: nothing of it is tried any more, and what waits is dead.
    fn end_webhook(&self, number: i64, at: Moment) -> Result<()>;

    /// Up to `n` deliveries of a webhook, the newest first.
    fn calls(&self, webhook: i64, n: usize) -> Result<Vec<StoredCall>>;

    /// Why the last try of any delivery of a webhook failed; none where it did not, and where none was made.
    fn last_error(&self, webhook: i64) -> Result<Option<String>>;

    /// How many deliveries stand how: of one webhook, or of all.
    fn count_calls(&self, webhook: Option<i64>) -> Result<CallCounts>;

    /// Lets what a receiver did not take be tried now: one delivery of a webhook, or all. Dead letters wait again as if never tried,
    /// and an ended webhook begins anew. Gives how many.
    fn revive_calls(&self, webhook: i64, call: Option<i64>, now: Moment) -> Result<usize>;
}
