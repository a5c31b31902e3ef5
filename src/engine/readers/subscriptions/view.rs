//! Subscriptions and deliveries as they are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{DeliveryState, Issue, StoredDelivery, StoredSubscription, SubscriptionState};
use crate::user::{Cadence, DayOfWeek, Moment, Subject, UserId};

/// A subscription.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SubscriptionView {
    /// Its id.
    pub id: String,
    /// Where the mails go.
    pub email: String,
    /// The reader for whom papers are ordered, and who learns from what is answered; null where it is for none.
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
    /// What is sent: `{"daily": true}`, `{"user": …}`, `{"query": …}`, `{"theme": …}`, `{"author": …}`, `{"category": …}` or
    /// `{"organization": …}`.
    #[schema(value_type = Object)]
    pub what: Subject,
    /// How often.
    pub cadence: Cadence,
    /// The hour of `time_zone`.
    pub hour: u8,
    /// The day of the week; null for every seventh day, or every day.
    pub weekday: Option<DayOfWeek>,
    /// The zone.
    pub time_zone: String,
    /// Papers of one mail, at most.
    pub budget: usize,
    /// The score below which no paper is sent; null for none.
    pub min_score: Option<f32>,
    /// `pending` until it is confirmed, `active`, `paused` or `ended`.
    pub state: &'static str,
    /// Why it is paused: what the mail server said, or that whoever gets it did so; null where it is not.
    pub reason: Option<String>,
    /// Whether it is paused because mails could not be delivered, which wants somebody's look. A pause that whoever gets the mails
    /// wanted does not.
    pub undelivered: bool,
    /// When the pause ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Moment>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// When it was confirmed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub confirmed: Option<Moment>,
    /// Attempts to send that failed in a row; five pause it.
    pub failures: u32,
    /// When the next mail is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Moment>,
    /// The last mail; null before the first, and where it was not looked for.
    pub last: Option<DeliveryView>,
}

impl SubscriptionView {
    pub(super) fn of(s: &StoredSubscription) -> Self {
        let plan = s.plan.clone();
        SubscriptionView {
            id: s.id.clone(),
            email: s.email.clone(),
            user: s.reader.clone(),
            what: plan.what,
            cadence: plan.cadence,
            hour: plan.hour,
            weekday: plan.weekday,
            time_zone: plan.time_zone,
            budget: plan.budget,
            min_score: plan.min_score,
            state: match s.state {
                SubscriptionState::Pending => "pending",
                SubscriptionState::Active => "active",
                SubscriptionState::Paused => "paused",
                SubscriptionState::Ended => "ended",
            },
            reason: s.reason.clone(),
            undelivered: s.is_undelivered(),
            until: s.until,
            created: s.created,
            confirmed: s.confirmed,
            failures: s.failures,
            next: s.next,
            last: None,
        }
    }
}

/// A mail that was sent, or is to be.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeliveryView {
    /// The subscription it is of.
    pub subscription: String,
    /// Its day; null of a mail that asks whether it is wanted.
    pub date: Option<String>,
    /// Its Message-ID, the same however often it is sent.
    pub message_id: String,
    /// `waiting`, `sending` (given to the server as far as is known), `sent` or `failed`.
    pub state: &'static str,
    /// Attempts that were made.
    pub attempts: u32,
    /// Since when it is so.
    #[schema(value_type = String, format = DateTime)]
    pub since: Moment,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry: Option<Moment>,
    /// What the server said last; null where it took it.
    pub error: Option<String>,
}

impl DeliveryView {
    pub(super) fn of(d: &StoredDelivery) -> Self {
        let day = |day: i32| Moment(i64::from(day) * 86_400_000_000).to_string().chars().take(10).collect();
        DeliveryView {
            subscription: d.subscription.clone(),
            date: match d.issue {
                Issue::Day(of) => Some(day(of)),
                Issue::Confirmation(_) => None,
            },
            message_id: d.message_id.clone(),
            state: match d.state {
                DeliveryState::Waiting => "waiting",
                DeliveryState::Sending => "sending",
                DeliveryState::Sent => "sent",
                DeliveryState::Failed => "failed",
            },
            attempts: d.attempts,
            since: d.since,
            retry: d.retry,
            error: d.error.clone(),
        }
    }
}
