//! The pages behind the addresses in mails. Each asks before it acts: following a link changes nothing, so that no program that
//! looks at mail confirms, ends or likes anything. What a mail client sends with one click (RFC 8058) is the deed itself.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::form::Form;
use super::pages::Page;
use crate::deliver::digest::{Links, Opened, cadence, title};
use crate::engine::{Deed, Engine, Purpose};
use crate::error::{Error, Result};
use crate::http::App;
use crate::http::access::guessed_by;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Params};
use crate::paper::{PaperId, head, plain, shown};
use crate::store::{StoredSubscription, SubscriptionState};
use crate::user::{Event, EventKind, Moment};

/// How many steps below the root these pages lie.
const DEPTH: usize = 3;

/// Days of a pause, at most.
const LONGEST_PAUSE: i64 = 366;
const DAY: i64 = 86_400_000_000;

/// Who sends a request.
pub struct Client(Option<IpAddr>);

impl FromRequestParts<App> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Ok(Client(app.rules.clients.address(&parts.extensions, &parts.headers)))
    }
}

fn page(template: &'static str, title: &'static str, shows: minijinja::Value) -> Response {
    Page { depth: DEPTH, ..Page::new(template, title, shows) }.into_response()
}

fn told(status: StatusCode, title: &'static str, text: String) -> Response {
    Page { depth: DEPTH, ..Page::told(status, title, text, ("../../../", "To the papers")) }.into_response()
}

/// What stands behind a link that opens nothing.
fn opens_nothing(app: &App, client: &Client) -> Response {
    let wrong = || ApiError::new(StatusCode::UNAUTHORIZED, "this address opens nothing. Is the whole of it there?");
    let e = guessed_by(app, client.0, wrong);
    let mut letters = e.message.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    told(e.status, "This link opens nothing", format!("{first}{}", letters.as_str()))
}

/// A subscription that is gone.
fn is_over() -> Response {
    told(
        StatusCode::GONE,
        "This subscription is over",
        "It was ended, and is forgotten: no mail comes of it any more.".into(),
    )
}

/// The subscription that a link opens.
enum Behind {
    Subscription(Box<Shows>),
    Over,
    Closed,
}

/// A subscription, and what a page says of it.
struct Shows {
    s: StoredSubscription,
    what: String,
    cadence: String,
}

async fn behind(app: &App, id: &str, token: &str, purpose: Purpose) -> Result<Behind, ApiError> {
    let (id, token) = (id.to_string(), token.to_string());
    app.blocking(move |engine| {
        if !engine.is_signature(&token, purpose, &[&id])? {
            return Ok(Behind::Closed);
        }
        match engine.stored_subscription(&id) {
            Ok(s) => Ok(Behind::Subscription(Box::new(shows(engine, s)))),
            Err(Error::NotFound { .. }) => Ok(Behind::Over),
            Err(e) => Err(e),
        }
    })
    .await
}

fn shows(engine: &Engine, s: StoredSubscription) -> Shows {
    Shows { what: title(engine, &s.plan.what), cadence: cadence(&s.plan), s }
}

/// The token of an address, and nothing else in it.
fn token(Params(mut given): Params) -> Result<String, ApiError> {
    let token: Option<String> = given.take("token").word()?;
    given.nothing_else()?;
    Ok(token.unwrap_or_default())
}

async fn settle(app: &App, id: String, deed: Deed) -> Result<(), ApiError> {
    app.blocking(move |engine| engine.settle_subscription(&id, deed, Moment::now())).await.map(drop)
}

/// Ask whether a subscription is wanted
///
/// A page of HTML with a button; nothing changes by it.
#[utoipa::path(get, operation_id = "confirm_page", path = "/v1/subscriptions/{id}/confirm", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("token" = String, Query, description = "what the mail has in its link")),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn ask_to_confirm(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
) -> Result<Response, ApiError> {
    Ok(match behind(&app, &id, &token(given)?, Purpose::Confirm).await? {
        Behind::Closed => opens_nothing(&app, &client),
        Behind::Over => is_over(),
        Behind::Subscription(shows) => {
            let Shows { s, what, cadence } = &*shows;
            match s.state {
                SubscriptionState::Pending => page(
                    "confirm.html",
                    "Shall these mails come?",
                    context! { what, cadence, email => s.email.as_str() },
                ),
                SubscriptionState::Active | SubscriptionState::Paused => is_confirmed(&shows),
                SubscriptionState::Ended => is_ended(&shows),
            }
        }
    })
}

fn is_confirmed(shows: &Shows) -> Response {
    let Shows { s, what, cadence } = shows;
    told(
        StatusCode::OK,
        "It is settled",
        format!("{what} go to {}, {cadence}. Every mail has a link by which they end.", s.email),
    )
}

fn is_ended(shows: &Shows) -> Response {
    let Shows { s, what, .. } = shows;
    told(StatusCode::OK, "It has ended", format!("{what}: no more mails of it go to {}.", s.email))
}

/// Confirm a subscription
///
/// Mails go out from then on. The body may be empty.
#[utoipa::path(post, operation_id = "confirm", path = "/v1/subscriptions/{id}/confirm", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("token" = String, Query, description = "what the mail has in its link")),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn confirm(State(app): State<App>, Id(id): Id, client: Client, given: Params) -> Result<Response, ApiError> {
    Ok(match behind(&app, &id, &token(given)?, Purpose::Confirm).await? {
        Behind::Closed => opens_nothing(&app, &client),
        Behind::Over => is_over(),
        Behind::Subscription(shows) if shows.s.state == SubscriptionState::Ended => is_ended(&shows),
        Behind::Subscription(shows) => {
            settle(&app, id, Deed::Confirm).await?;
            is_confirmed(&shows)
        }
    })
}

/// Ask whether a subscription is to end
///
/// A page of HTML with a button; nothing changes by it.
#[utoipa::path(get, operation_id = "unsubscribe_page", path = "/v1/subscriptions/{id}/unsubscribe", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("token" = String, Query, description = "what the mail has in its link")),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn ask_to_unsubscribe(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
) -> Result<Response, ApiError> {
    Ok(match behind(&app, &id, &token(given)?, Purpose::Subscription).await? {
        Behind::Closed => opens_nothing(&app, &client),
        Behind::Over => is_over(),
        Behind::Subscription(shows) if shows.s.state == SubscriptionState::Ended => is_ended(&shows),
        Behind::Subscription(shows) => {
            let Shows { s, what, cadence } = &*shows;
            page("unsubscribe.html", "No more of these mails?", context! { what, cadence, email => s.email.as_str() })
        }
    })
}

/// End a subscription
///
/// The one click of RFC 8058: whatever the body holds, no more mails go out. Called again it says the same.
#[utoipa::path(post, operation_id = "unsubscribe", path = "/v1/subscriptions/{id}/unsubscribe", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("token" = String, Query, description = "what the mail has in its link")),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn unsubscribe(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
) -> Result<Response, ApiError> {
    Ok(match behind(&app, &id, &token(given)?, Purpose::Subscription).await? {
        Behind::Closed => opens_nothing(&app, &client),
        Behind::Over => is_over(),
        Behind::Subscription(shows) => {
            settle(&app, id, Deed::End).await?;
            is_ended(&shows)
        }
    })
}

/// Look at a subscription
///
/// A page of HTML that says how it stands, with buttons to pause, resume and end it.
#[utoipa::path(get, operation_id = "manage_page", path = "/v1/subscriptions/{id}/manage", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("token" = String, Query, description = "what the mail has in its link")),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn look(State(app): State<App>, Id(id): Id, client: Client, given: Params) -> Result<Response, ApiError> {
    let token = token(given)?;
    Ok(match behind(&app, &id, &token, Purpose::Subscription).await? {
        Behind::Closed => opens_nothing(&app, &client),
        Behind::Over => is_over(),
        Behind::Subscription(shows) => manage_page(&shows, &token),
    })
}

fn manage_page(shows: &Shows, token: &str) -> Response {
    let Shows { s, what, cadence } = shows;
    let day = |at: Option<Moment>| at.map(|at| at.to_string().chars().take(10).collect::<String>());
    let state = match s.state {
        SubscriptionState::Pending => "It waits to be confirmed by the link in the first mail.".to_string(),
        SubscriptionState::Ended => "It has ended: no more mails come.".into(),
        SubscriptionState::Active => "Mails come.".into(),
        SubscriptionState::Paused => match (day(s.until), &s.reason) {
            (Some(until), _) => {
                format!("It is paused until {until}. What is missed comes in the mail behind that, the best of it.")
            }
            (None, Some(reason)) => format!("It is paused: {}.", head(&shown(reason), 300)),
            (None, None) => "It is paused.".into(),
        },
    };
    let runs = s.state == SubscriptionState::Active;
    let paused = s.state == SubscriptionState::Paused;
    let budget = s.plan.budget;
    let shows = context! { what, cadence, email => s.email.as_str(), state, runs, paused, budget, token };
    page("manage.html", "Your mails", shows)
}

/// Pause or resume a subscription
///
/// A form: `deed` is `pause` with `days` (1 to 366), `resume` or `end`.
#[utoipa::path(post, operation_id = "manage", path = "/v1/subscriptions/{id}/manage", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("token" = String, Query, description = "what the mail has in its link")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`deed=pause&days=14`"),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn manage(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
    request: Request,
) -> Result<Response, ApiError> {
    let token = token(given)?;
    let form = Form::read(&app, request).await?;
    let now = Moment::now();
    match behind(&app, &id, &token, Purpose::Subscription).await? {
        Behind::Closed => return Ok(opens_nothing(&app, &client)),
        Behind::Over => return Ok(is_over()),
        Behind::Subscription(_) => {}
    }
    let deed = match form.field("deed") {
        "resume" => Deed::Resume,
        "end" => Deed::End,
        "pause" => {
            let days: i64 = form.field("days").trim().parse().unwrap_or(0);
            if !(1..=LONGEST_PAUSE).contains(&days) {
                return Err(Error::Invalid(format!("days is {days}; 1 to {LONGEST_PAUSE} are allowed")).into());
            }
            Deed::Pause(Some(Moment(now.0 + days * DAY)))
        }
        other => {
            let message = format!("deed is {:?}; it is pause, resume or end", head(other, 40));
            return Err(ApiError::bad_request(message));
        }
    };
    let of = id.clone();
    let shows = app
        .blocking(move |engine| {
            engine.settle_subscription(&of, deed, now)?;
            Ok(shows(engine, engine.stored_subscription(&of)?))
        })
        .await?;
    Ok(manage_page(&shows, &token))
}

/// What a link of a mail says of a paper.
struct Act {
    opened: Opened,
    s: StoredSubscription,
    paper: String,
    /// Its title, for a person; none where it is gone.
    title: Option<String>,
}

/// What an address of a mail says of which paper; none where it is not one of ours, and of a subscription that is gone.
async fn act(app: &App, id: String, Params(mut given): Params) -> Result<std::result::Result<Act, Behind>, ApiError> {
    let mut text = |name| -> Result<String, ApiError> { Ok(given.take(name).word()?.unwrap_or_default()) };
    let (kind, paper, date, token) = (text("kind")?, text("paper")?, text("date")?, text("token")?);
    given.nothing_else()?;
    app.blocking(move |engine| {
        let Some(opened) = Links::opened(engine, &id, &kind, &paper, &date, &token)? else {
            return Ok(Err(Behind::Closed));
        };
        let s = match engine.stored_subscription(&id) {
            // What was ended hears of nothing any more.
            Ok(s) if s.state == SubscriptionState::Ended => return Ok(Err(Behind::Over)),
            Ok(s) => s,
            Err(Error::NotFound { .. }) => return Ok(Err(Behind::Over)),
            Err(e) => return Err(e),
        };
        let title = match engine.paper(&paper) {
            Ok(paper) => Some(head(&shown(&plain(&paper.title)), 300)),
            Err(Error::NotFound { .. }) => None,
            Err(e) => return Err(e),
        };
        Ok(Ok(Act { opened, s, paper, title }))
    })
    .await
}

/// What a button says, and what it has done.
fn words(word: &str) -> (&'static str, &'static str, &'static str) {
    match word {
        "like" => ("Like", "Like this paper?", "You like this paper: more like it will come."),
        "save" => ("Save", "Save this paper?", "It is saved: it stands in your library, and more like it will come."),
        _ => ("Hide", "Hide this paper?", "It is hidden: less like it will come."),
    }
}

fn no_act(app: &App, client: &Client, behind: &Behind) -> Response {
    match behind {
        Behind::Over => is_over(),
        _ => opens_nothing(app, client),
    }
}

fn paper_is_gone() -> Response {
    told(StatusCode::GONE, "This paper is gone", "It was taken away since the mail was sent.".into())
}

/// Ask about a paper of a mail
///
/// A page of HTML with a button that likes, saves or hides the paper; nothing changes by it.
#[utoipa::path(get, operation_id = "act_page", path = "/v1/subscriptions/{id}/act", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("kind" = String, Query, description = "`like`, `save` or `hide`"),
           ("paper" = String, Query, description = "the id of the paper"), ("date" = String, Query, description = "the day of the mail"),
           ("token" = String, Query, description = "what the mail has in its link")),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn ask_to_act(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
) -> Result<Response, ApiError> {
    Ok(match act(&app, id, given).await? {
        Err(behind) => no_act(&app, &client, &behind),
        Ok(Act { title: None, .. }) => paper_is_gone(),
        Ok(Act { opened, title, .. }) => {
            let (button, question, _) = words(opened.word);
            page("act.html", question, context! { title, button, done => "" })
        }
    })
}

/// Say something of a paper out of a mail
///
/// Likes, saves or hides it for the reader of the subscription, so that later mails know. With `undo=yes` in the form it is taken back.
#[utoipa::path(post, operation_id = "act_by_mail", path = "/v1/subscriptions/{id}/act", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ("kind" = String, Query, description = "`like`, `save` or `hide`"),
           ("paper" = String, Query, description = "the id of the paper"), ("date" = String, Query, description = "the day of the mail"),
           ("token" = String, Query, description = "what the mail has in its link")),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn act_on(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
    request: Request,
) -> Result<Response, ApiError> {
    let Act { opened, s, paper, title } = match act(&app, id, given).await? {
        Err(behind) => return Ok(no_act(&app, &client, &behind)),
        Ok(act) => act,
    };
    if title.is_none() {
        return Ok(paper_is_gone());
    }
    // Whatever else is sent, the address says what to do.
    let undo = match crate::http::extract::media_type(request.headers()).as_deref() {
        Some("application/x-www-form-urlencoded") => Form::read(&app, request).await?.field("undo") == "yes",
        _ => false,
    };
    let kind = if undo { EventKind::Clear } else { opened.kind };
    app.blocking(move |engine| {
        engine.act_by_mail(&s, Event { paper: PaperId::new(paper)?, kind, at: Moment::now(), weight: 1.0 })
    })
    .await?;
    let (button, question, done) = words(opened.word);
    if undo {
        return Ok(page("act.html", question, context! { title, button, done => "" }));
    }
    Ok(page("act.html", "Noted", context! { title, button, done }))
}
