//! Subscriptions by mail: asking for one, and what an operator sees and does. The pages behind the addresses in mails are in
//! `web/subscription`.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::App;
use super::access::Reader;
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, Id, NoParams, Params};
use super::request_fields::RequestFields;
use crate::access::Caller;
use crate::deliver::digest::{Outbox, When, Without, message_id};
use crate::deliver::mail::checked_address;
use crate::engine::{Deed, DeliveryView, Engine, Subscribe, SubscriptionView};
use crate::error::{Error, Result};
use crate::jobs::send_mail;
use crate::user::{Cadence, DayOfWeek, MailPlan, Moment, Subject, UserId};

/// Items of a page where nothing is said.
const PAGE: usize = 50;

/// A subscription that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscribeBody {
    /// Where the mails are to go: one address, in ASCII.
    #[schema(max_length = 254)]
    email: String,
    /// What is sent: `{"daily": true}`, `{"user": …}` (their personal feed), `{"query": …}`, `{"theme": …}`, `{"author": …}`,
    /// `{"category": …}` or `{"organization": …}`. Each of these fields may also stand beside `email`.
    #[schema(value_type = Option<Object>)]
    what: Option<Subject>,
    /// Beside `what`: the reader whose history orders the papers, and who learns from what is answered. Without `what` it is
    /// short for `{"user": …}`.
    #[schema(max_length = 256)]
    user: Option<String>,
    /// How often; `daily` where nothing is said.
    cadence: Option<Cadence>,
    /// The hour of `time_zone`, 0 to 23; 7 where nothing is said.
    #[schema(minimum = 0, maximum = 23)]
    hour: Option<i64>,
    /// With `weekly`: the day; every seventh from the first on where nothing is said.
    weekday: Option<DayOfWeek>,
    /// An IANA name, `Europe/Berlin`; that of the service where nothing is said.
    time_zone: Option<String>,
    /// Papers of one mail, at most: 1 to 100; 15 where nothing is said.
    #[schema(minimum = 1, maximum = 100)]
    budget: Option<i64>,
    /// The score below which no paper is sent: of a personal feed as in `/v1/users/{user}/feed`, of a search as in `/v1/search`, of a
    /// list attention: votes, twice the comments, and what readers did.
    min_score: Option<f32>,
}

/// What is told of a subscription that was asked for. It is the same whether there was one or not.
#[derive(Serialize, ToSchema)]
pub struct Asked {
    /// Always `pending`: nothing is sent before the link in the mail is followed.
    state: &'static str,
    /// Where the mail goes that asks.
    email: String,
    /// What is sent once it is confirmed.
    #[schema(value_type = Object)]
    what: Subject,
    cadence: Cadence,
    hour: u8,
    time_zone: String,
    budget: usize,
    /// What happens next, for a person.
    message: String,
}

/// Subscriptions.
#[derive(Serialize, ToSchema)]
pub struct SubscriptionList {
    /// In the order of their ids.
    subscriptions: Vec<SubscriptionView>,
    /// The `cursor` of the next page; null on the last.
    next: Option<String>,
    /// How many there are in all.
    total: usize,
}

/// Mails.
#[derive(Serialize, ToSchema)]
pub struct MailList {
    /// The newest first.
    mails: Vec<DeliveryView>,
    /// The `cursor` of the next page; null on the last.
    next: Option<String>,
}

/// The fields of a subject, which may stand beside the others.
const SUBJECTS: [&str; 6] = ["daily", "query", "theme", "author", "category", "organization"];

/// Subscribe to a mail
///
/// To the daily list, a personal feed, a search, a theme, an author, a category or an organization, daily or weekly at an hour of a
/// time zone: the best papers since the last mail, at most `budget`, none twice, and no mail on a day without any. A mail with a
/// link is sent to the address (for the same subscription again after ten minutes at the earliest, and six a day in all); nothing
/// else before it is followed, within seven days. Asked
/// for again with another plan, the one that is confirmed last takes the place of the others of the same `what`.
///
/// A personal feed is sent to whoever may act for its reader.
#[utoipa::path(post, operation_id = "subscribe", path = "/v1/subscriptions", tag = "mail", request_body = SubscribeBody,
    responses((status = 202, body = Asked),
              (status = 409, body = ErrorBody, description = "this service sends no mail (`[mail]` in the settings)")))]
pub async fn subscribe(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Fields(given): Fields,
) -> Result<(StatusCode, Json<Asked>), ApiError> {
    let body: SubscribeBody = with_subject(given)?.rest()?;
    let config = app.engine()?;
    let config = config.config();
    let Some(domain) = config.mail.as_ref().map(|mail| mail.from.domain().to_string()) else {
        let message = "this service sends no mail: whoever runs it sets [mail] and public_url in the settings";
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    };
    let zone = body.time_zone.unwrap_or_else(|| config.zone().iana_name().unwrap_or("UTC").to_string());
    let email = checked_address(&body.email)?;
    let what = match (body.what, &body.user) {
        (Some(what), _) => what,
        (None, Some(user)) => Subject::Reader(UserId::new(user.as_str())?),
        (None, None) => {
            let message =
                "what is missing: send {\"what\": {\"daily\": true}}, or a user, query, theme, author or category";
            return Err(ApiError::bad_request(message));
        }
    };
    let reader = match (&what, body.user) {
        (Subject::Reader(reader), Some(user)) if reader.as_str() != user => {
            return Err(Error::Invalid("user and what name two readers".into()).into());
        }
        (Subject::Reader(reader), _) => Some(reader.to_string()),
        (_, Some(user)) => Some(user),
        // Who has a key of one reader subscribes for that reader.
        (_, None) => caller.reader.as_ref().map(ToString::to_string),
    };
    let reader = reader.map(|name| Reader::of(&caller, name)).transpose()?;
    let reader = reader.map(|reader| UserId::new(reader.name())).transpose()?;
    let usual = MailPlan::of(what, zone);
    let plan = MailPlan {
        cadence: body.cadence.unwrap_or(usual.cadence),
        hour: body.hour.map_or(Ok(usual.hour), |hour| within("hour", hour, 0, 23))?,
        weekday: body.weekday,
        budget: body.budget.map_or(Ok(usual.budget), |papers| within("budget", papers, 1, 100))?,
        min_score: body.min_score,
        ..usual
    };
    let asked = Subscribe { email: email.clone(), reader, plan: plan.clone() };
    app.blocking(move |engine| {
        is_there(engine, &asked.plan.what)?;
        engine.subscribe(&asked, Moment::now(), &|id, issue| message_id(id, issue, &domain))
    })
    .await?;
    let message = format!("a mail was sent to {email}: follow the link in it, and the first one comes at its hour");
    let MailPlan { what, cadence, hour, time_zone, budget, .. } = plan;
    let asked = Asked { state: "pending", email, what, cadence, hour, time_zone, budget, message };
    Ok((StatusCode::ACCEPTED, Json(asked)))
}

/// A number within its range, ends included.
fn within<T: TryFrom<i64>>(name: &str, given: i64, least: i64, most: i64) -> Result<T> {
    let number = T::try_from(given).ok().filter(|_| (least..=most).contains(&given));
    number.ok_or_else(|| Error::Invalid(format!("{name} is {given}; it goes from {least} to {most}")))
}

/// With the fields of a subject put together, wherever they stand.
fn with_subject(mut given: RequestFields) -> Result<RequestFields, ApiError> {
    if given.0.get("what").is_some_and(|what| !what.is_null()) {
        return Ok(given);
    }
    let mut what: Map<String, Value> = Map::new();
    for name in SUBJECTS {
        if let Some(value) = given.0.shift_remove(name).filter(|value| !value.is_null()) {
            what.insert(name.into(), value);
        }
    }
    if what.len() > 1 {
        let names: Vec<String> = what.keys().cloned().collect();
        let message = format!("{} are given; one subscription is about one of them", names.join(" and "));
        return Err(Error::Invalid(message).into());
    }
    if !what.is_empty() {
        given.0.insert("what".into(), Value::Object(what));
    }
    Ok(given)
}

/// Refuses a theme that does not exist: nothing would ever come of it.
fn is_there(engine: &Engine, what: &Subject) -> Result<()> {
    match what {
        Subject::Follow(crate::user::Follow::Theme(id)) => {
            engine.theme(id, &crate::engine::ThemeOptions { limit: 1, ..Default::default() }).map(drop)
        }
        _ => Ok(()),
    }
}

/// Who gets what by mail
///
/// Every subscription with how it stands: `pending`, `active`, `paused` (with the reason: what the mail server said of a mail that
/// came back, five attempts that failed in a row, or whoever gets it) or `ended`, and its last mail.
#[utoipa::path(get, operation_id = "list_subscriptions", path = "/v1/subscriptions", tag = "mail",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "subscriptions on a page, default 50"),
           ("cursor" = Option<String>, Query, description = "the `next` of the page before")),
    responses((status = 200, body = SubscriptionList)))]
pub async fn list(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let limit = given.take("limit").whole()?.unwrap_or(PAGE);
    let cursor: Option<String> = given.take("cursor").word()?;
    given.nothing_else()?;
    app.answer(move |engine| {
        let page = engine.subscriptions(limit, cursor.as_deref())?;
        Ok(SubscriptionList { subscriptions: page.items, next: page.next, total: page.total })
    })
    .await
}

/// One subscription
#[utoipa::path(get, operation_id = "get_subscription", path = "/v1/subscriptions/{id}", tag = "mail",
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, body = SubscriptionView), (status = 404, body = ErrorBody)))]
pub async fn get(State(app): State<App>, Id(id): Id, _: NoParams) -> Result<Response, ApiError> {
    app.answer(move |engine| engine.subscription(&id)).await
}

/// What is changed of a subscription.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionPatch {
    /// `paused`, `active` (a paused one goes on) or `ended`.
    state: PatchState,
    /// With `paused`: when it goes on by itself; not before somebody says so where nothing is said.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// What a subscription is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PatchState {
    /// No mails for a while.
    Paused,
    /// Mails again.
    Active,
    /// No more mails.
    Ended,
}

/// Pause, resume or end a subscription
///
/// What was missed while it was paused comes in the next mail, as far as the budget goes. One that was not confirmed is made active
/// by nobody but whoever follows the link.
#[utoipa::path(patch, operation_id = "patch_subscription", path = "/v1/subscriptions/{id}", tag = "mail",
    params(("id" = String, Path, description = "its id")), request_body = SubscriptionPatch,
    responses((status = 200, body = SubscriptionView), (status = 404, body = ErrorBody)))]
pub async fn patch(State(app): State<App>, Id(id): Id, Fields(given): Fields) -> Result<Response, ApiError> {
    let SubscriptionPatch { state, until } = given.rest()?;
    let until = until.as_deref().map(Moment::parse).transpose()?;
    let deed = match (state, until) {
        (PatchState::Paused, until) => Deed::Pause(until),
        (PatchState::Active, None) => Deed::Resume,
        (PatchState::Ended, None) => Deed::End,
        _ => return Err(Error::Invalid("until goes with the state paused".into()).into()),
    };
    app.answer(move |engine| engine.settle_subscription(&id, deed, Moment::now())).await
}

/// An address to which mails came back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BounceBody {
    /// The address.
    email: String,
    /// What the mail that came back says.
    reason: Option<String>,
}

/// Subscriptions that were paused.
#[derive(Serialize, ToSchema)]
pub struct Bounced {
    /// How many.
    paused: usize,
}

/// Tell of a mail that came back
///
/// What a server refuses while it is sent to pauses a subscription by itself. What comes back later comes to the mailbox of the
/// sender: whatever reads that says it here, and the subscriptions of the address are paused.
#[utoipa::path(post, operation_id = "bounced", path = "/v1/subscriptions/bounces", tag = "mail", request_body = BounceBody,
    responses((status = 200, body = Bounced)))]
pub async fn bounced(State(app): State<App>, Fields(given): Fields) -> Result<Response, ApiError> {
    let BounceBody { email, reason } = given.rest()?;
    let email = checked_address(&email)?;
    let reason = format!("a mail came back: {}", reason.as_deref().unwrap_or("it could not be delivered"));
    app.answer(move |engine| Ok(Bounced { paused: engine.bounced(&email, &reason, Moment::now())? })).await
}

/// The mails that were sent, and are to be
///
/// The newest first, of the last ninety days.
#[utoipa::path(get, operation_id = "list_mails", path = "/v1/digests", tag = "mail",
    params(("subscription" = Option<String>, Query, description = "only those of this subscription"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "mails on a page, default 50"),
           ("cursor" = Option<String>, Query, description = "the `next` of the page before")),
    responses((status = 200, body = MailList), (status = 404, body = ErrorBody)))]
pub async fn mails(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let subscription: Option<String> = given.take("subscription").word()?;
    let limit = given.take("limit").whole()?.unwrap_or(PAGE);
    let cursor: Option<String> = given.take("cursor").word()?;
    given.nothing_else()?;
    app.answer(move |engine| {
        let page = engine.deliveries(subscription.as_deref(), limit, cursor.as_deref())?;
        Ok(MailList { mails: page.items, next: page.next })
    })
    .await
}

/// Mails that are to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestBody {
    /// The day, `2026-11-26`: the mails of that day, whatever their hour, of every active subscription that has had none for it. The
    /// mails whose hour has come where nothing is said.
    date: Option<String>,
    /// Whether they are sent; else they are only shown.
    #[serde(default)]
    send: bool,
}

/// A mail that would be sent.
#[derive(Serialize, ToSchema)]
pub struct MailShown {
    subscription: String,
    email: String,
    /// Its day.
    date: String,
    subject: String,
    message_id: String,
    /// The ids of its papers, the best first.
    papers: Vec<String>,
}

/// What was made.
#[derive(Serialize, ToSchema)]
pub struct Digests {
    /// Where they are only shown: the mails.
    mails: Vec<MailShown>,
    /// Mails that the server took.
    sent: u64,
    /// Subscriptions that had nothing to be sent.
    nothing: u64,
    /// Mails that are to be tried again.
    later: u64,
    /// Mails that were given up, or cannot be made; their subscriptions are paused.
    failed: u64,
}

/// Make the mails that are due
///
/// With `send` they are chosen, written down and sent, under the lock of the job `mail`; what is not sent when the time of the request
/// is over (408) is sent by the job. Without it they are only shown: nothing is written. A mail of a day is sent once, however often
/// this is called.
#[utoipa::path(post, operation_id = "make_digests", path = "/v1/digests", tag = "mail", request_body = DigestBody,
    responses((status = 200, body = Digests),
              (status = 422, body = ErrorBody, description = "this service sends no mail, or the day is in the future"),
              (status = 503, body = ErrorBody, description = "the mail server cannot be reached: what was chosen is sent later")))]
pub async fn digests(State(app): State<App>, Fields(given): Fields) -> Result<Response, ApiError> {
    let DigestBody { date, send } = given.rest()?;
    let when = match date {
        None => When::now(),
        Some(text) => When::Day(day(&text)?),
    };
    let place = app.imports.enter().ok_or_else(|| ApiError::overloaded("too many imports and mails are under way"))?;
    let made = app
        .aside(place, move |engine| {
            let config = engine.config();
            if send {
                let sent = send_mail(engine, config, when, &|_| {}, &|_| {})?;
                let (nothing, later, failed) = (sent.nothing, sent.later, sent.failed);
                return Ok(Digests { mails: Vec::new(), sent: sent.sent, nothing, later, failed });
            }
            let (mailer, base) = Outbox::of_settings(config)?;
            let mut mails = Vec::new();
            let without = Outbox::new(engine, &mailer, &base).preview(when, &mut |mail| {
                let (subscription, email, date) = (mail.subscription, mail.email, mail.date);
                let (subject, message_id, papers) = (mail.subject, mail.message_id, mail.papers);
                mails.push(MailShown { subscription, email, date, subject, message_id, papers });
                Ok(())
            })?;
            let Without { nothing, failed } = without;
            Ok(Digests { mails, sent: 0, nothing, later: 0, failed })
        })
        .await?;
    app.answer(move |_| Ok(made)).await
}

/// A day that is not in the future, by the clock that is furthest ahead.
fn day(text: &str) -> Result<i32, ApiError> {
    let day = Moment::parse(text)
        .ok()
        .filter(|_| text.len() == 10)
        .ok_or_else(|| {
            ApiError::bad_request(format!("date is {:?}; write it as 2026-11-26", crate::paper::head(text, 60)))
        })?
        .day();
    if day > Moment::now().day() + 1 {
        return Err(Error::Invalid(format!("date is {text}, which is in the future")).into());
    }
    Ok(day)
}
