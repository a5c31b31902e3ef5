//! Who gets what by mail, what was sent to them, and which papers they have had.

use std::collections::HashSet;

use crate::error::Result;
use crate::user::{MailPlan, Moment, UserId};

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionState {
    /// The mail that asks has not been answered: nothing else is sent.
    Pending,
    /// Mails go out.
    Active,
    /// None goes out, for a while or until somebody resumes it.
    Paused,
    /// It was ended by whoever gets the mails.
    Ended,
}

/// How far a subscription has looked for papers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// The last day whose list was looked at; none before the first mail.
    pub day: Option<i32>,
    /// The change number of the store by then: what arrives later is new, whatever its day is.
    pub change: u64,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSubscription {
    /// Its name: 20 hexadecimal digits, used once.
    pub id: String,
    /// Where mails go to.
    pub email: String,
    /// The reader whose history orders the papers, and who learns from what is answered.
    pub reader: Option<UserId>,
    /// What is sent, and when.
    pub plan: MailPlan,
    /// How it stands.
    pub state: SubscriptionState,
    /// Why it is paused, for a person.
    pub reason: Option<String>,
    /// When a pause ends by itself; none where it does not.
    pub until: Option<Moment>,
    /// When it was asked for.
    pub created: Moment,
    /// When it was confirmed.
    pub confirmed: Option<Moment>,
    /// When it came to stand as it does.
    pub since: Moment,
    /// Attempts to send that failed in a row.
    pub failures: u32,
    /// When the next mail is due; none while nothing is.
    pub next: Option<Moment>,
    /// The day of the last mail, or of the last for which there was nothing to send.
    pub issue: Option<i32>,
    /// How far it has looked.
    pub looked: Looked,
}

/// What a mail is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issue {
    /// The mail of a day.
    Day(i32),
    /// The so-and-so-manyth that asks whether the subscription is wanted.
    Confirmation(u32),
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent.
    Waiting,
    /// It was given to the server, as far as is known: a process that ends here leaves it in doubt.
    Sending,
    /// The server has it.
    Sent,
    /// It was given up.
    Failed,
}

/// A mail that is to be sent, or was.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDelivery {
    /// Its number; used once, in the order in which they were begun.
    pub number: i64,
    /// The subscription.
    pub subscription: String,
    /// What it is of.
    pub issue: Issue,
    /// Its Message-ID, without brackets: the same whenever it is sent.
    pub message_id: String,
    /// How it stands.
    pub state: DeliveryState,
    /// Attempts that were made.
    pub attempts: u32,
    /// When it came to stand as it does.
    pub since: Moment,
    /// Not to be sent before.
    pub retry: Option<Moment>,
    /// What the server said last.
    pub error: Option<String>,
    /// What it holds, as whoever sends it wrote it.
    pub content: String,
}

/// A mail that is begun.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDelivery {
    /// The subscription.
    pub subscription: String,
    /// What it is of.
    pub issue: Issue,
    /// Its Message-ID.
    pub message_id: String,
    /// What it holds.
    pub content: String,
    /// The ids of the papers in it. None at all: there was nothing to send, and no delivery is made of it.
    pub papers: Vec<String>,
    /// The first day that it looked at.
    pub first_day: i32,
    /// How far it has looked. The subscription takes it over, unless it has looked further: the mail of an older day makes nothing
    /// known that came since.
    pub looked: Looked,
    /// When the next one is due.
    pub next: Option<Moment>,
}

/// What became of an attempt to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// The server has it.
    Sent,
    /// It is to be tried again at that time.
    Later(String, Moment),
    /// The server could not be reached, or takes nothing from us: it stands as before the attempt, which does not count, and is
    /// tried again at that time.
    NotTaken(String, Moment),
    /// It is given up: the papers that it held may be in a later mail, and the subscription is paused.
    Failed(String),
}

/// What happened to a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryNote {
    /// It is about to be given to the server: where its subscription is active, or its pause over; a mail that asks while nobody has
    /// answered.
    Sending,
    /// What became of that.
    Became(Attempt),
}

/// Subscriptions and deliveries. With the reader of a subscription ([`Users::delete_user`](super::Users::delete_user)) it goes, and
/// all that is known of who got its mails.
pub trait Subscriptions {
    /// Writes a subscription down under an id that no other has; its reader is made if new.
    fn add_subscription(&self, subscription: &StoredSubscription) -> Result<()>;

    /// The one of this id.
    fn subscription(&self, id: &str) -> Result<Option<StoredSubscription>>;

    /// Up to `n` in the order of their ids, behind `after`.
    fn subscriptions(&self, after: Option<&str>, n: usize) -> Result<Vec<StoredSubscription>>;

    /// How many there are in all.
    fn count_subscriptions(&self) -> Result<usize>;

    /// Those of an address, in whatever case its letters are.
    fn subscriptions_of(&self, email: &str) -> Result<Vec<StoredSubscription>>;

    /// Lets `change` change a subscription, as one with what is written of it meanwhile; its id stays. Gives it as it is then; none
    /// when there is none of this id.
    fn change_subscription(
        &self,
        id: &str,
        change: &dyn Fn(&mut StoredSubscription),
    ) -> Result<Option<StoredSubscription>>;

    /// Up to `n` subscriptions whose next mail is due: those that are active, and those whose pause has ended. In the order in
    /// which they are due, and of one moment in that of their ids; those behind `after` alone.
    fn due_subscriptions(
        &self,
        now: Moment,
        after: Option<&StoredSubscription>,
        n: usize,
    ) -> Result<Vec<StoredSubscription>>;

    /// Begins deliveries in one transaction: each is there as [`DeliveryState::Waiting`], its papers are noted as had by whoever gets it,
    /// and its subscription is active, has looked that far and is due when it says. Passed over are those whose subscription is not
    /// active by now (nor its pause over), and those whose issue is there already. Gives the numbers, none for what was passed over
    /// or held nothing.
    fn begin_deliveries(&self, now: Moment, new: &[NewDelivery]) -> Result<Vec<Option<i64>>>;

    /// Takes back what waits of a subscription, mails that ask apart: it has looked no further than before them, and their papers
    /// count as not had. What is in doubt stays; what a server has put off is taken back with `tried` alone. Gives the subscription
    /// as it is then.
    fn take_back_waiting(&self, subscription: &str, tried: bool) -> Result<Option<StoredSubscription>>;

    /// Up to `n` deliveries that are to be sent by now, in the order of their numbers behind `after`; those in doubt (sending) are
    /// among them. Mails of days are of subscriptions that are active, mails that ask of those that nobody has answered.
    fn waiting_deliveries(&self, now: Moment, after: i64, n: usize) -> Result<Vec<StoredDelivery>>;

    /// The delivery of this number.
    fn delivery(&self, number: i64) -> Result<Option<StoredDelivery>>;

    /// Notes what happened to some deliveries, in one transaction. Gives for each whether it was so: `false` where one that is about to
    /// be sent is not to be sent any more, or is gone. With what became of an attempt, the subscription has failed once more, or not
    /// any more; where the delivery is given up it is paused, and where it was not confirmed yet it stays as it is.
    fn note_deliveries(&self, now: Moment, notes: &[(i64, DeliveryNote)]) -> Result<Vec<bool>>;

    /// Up to `n` deliveries, the newest first, before a number (none for the newest of all): of a subscription, or of all.
    fn deliveries(&self, subscription: Option<&str>, before: Option<i64>, n: usize) -> Result<Vec<StoredDelivery>>;

    /// The ids of the papers that were in mails to an address, in whatever case its letters are.
    fn had_papers(&self, email: &str) -> Result<HashSet<String>>;

    /// Forgets what is no longer needed: subscriptions that have waited for an answer since before `pending`, those that ended before
    /// `ended` with all that is known of their address where no other has it, and deliveries that were done with before `deliveries`
    /// (their papers stay had). Gives how many subscriptions these were.
    fn forget_subscriptions(&self, pending: Moment, ended: Moment, deliveries: Moment) -> Result<usize>;
}
