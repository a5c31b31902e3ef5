//! The pages behind the addresses in mails. Each asks before it acts: following a link changes nothing, so that no program that
//! looks at mail confirms, ends or likes anything. What a mail client sends with one click (RFC 8058) is the deed itself.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use minijinja::context;
use utoipa::IntoParams;

use super::form::Form;
use super::pages::{Page, sentence};
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

/// What an address in a mail has behind its path, as the OpenAPI document says it; [`token`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct LinkParameters {
    /// What the mail has in its link.
    token: String,
}

/// The same of a button beside a paper; [`act`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct ActParameters {
    /// `like`, `save` or `hide`.
    kind: String,
    /// The id of the paper.
    paper: String,
    /// The day of the mail.
    date: String,
    /// What the mail has in its link.
    token: String,
}

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

/// Why there is no page of what a link is for.
pub enum NoPage {
    /// The link opens nothing.
    Closed(ApiError),
    /// The subscription was ended, and is forgotten.
    Over,
    /// The paper was taken away.
    PaperGone,
    /// Something else went wrong.
    Failed(ApiError),
}

impl NoPage {
    /// Who tries many links is slowed down.
    fn closed(app: &App, client: &Client) -> Self {
        let wrong = || ApiError::new(StatusCode::UNAUTHORIZED, "this address opens nothing. Is the whole of it there?");
        NoPage::Closed(guessed_by(app, client.0, wrong))
    }
}

impl From<ApiError> for NoPage {
    fn from(e: ApiError) -> Self {
        NoPage::Failed(e)
    }
}

impl IntoResponse for NoPage {
    fn into_response(self) -> Response {
        match self {
            NoPage::Closed(e) => told(e.status, "This link opens nothing", sentence(&e.message)),
            NoPage::Over => told(
                StatusCode::GONE,
                "This subscription is over",
                "It was ended, and is forgotten: no mail comes of it any more.".into(),
            ),
            NoPage::PaperGone => {
                told(StatusCode::GONE, "This paper is gone", "It was taken away since the mail was sent.".into())
            }
            NoPage::Failed(e) => e.into_response(),
        }
    }
}

/// A subscription, and what a page says of it.
struct Shows {
    s: StoredSubscription,
    what: String,
    cadence: String,
}

/// The subscription that a link opens.
async fn behind(app: &App, client: &Client, id: &str, token: &str, purpose: Purpose) -> Result<Shows, NoPage> {
    let (id, token) = (id.to_string(), token.to_string());
    let opened = app
        .blocking(move |engine| {
            if !engine.is_signature(&token, purpose, &[&id])? {
                return Ok(None);
            }
            match engine.stored_subscription(&id) {
                Ok(s) => Ok(Some(Some(shows(engine, s)))),
                Err(Error::NotFound { .. }) => Ok(Some(None)),
                Err(e) => Err(e),
            }
        })
        .await?;
    opened.ok_or_else(|| NoPage::closed(app, client))?.ok_or(NoPage::Over)
}

fn shows(engine: &Engine, s: StoredSubscription) -> Shows {
    Shows { what: title(engine, &s.plan.what), cadence: cadence(&s.plan), s }
}

/// The token of an address. What programs that pass mails on add to addresses (`utm_source` and the like) is passed over.
fn token(Params(mut given): Params) -> Result<String, ApiError> {
    let token: Option<String> = given.take("token").word()?;
    Ok(token.unwrap_or_default())
}

async fn settle(app: &App, id: String, deed: Deed) -> Result<(), ApiError> {
    app.blocking(move |engine| engine.settle_subscription(&id, deed, Moment::now())).await.map(drop)
}

/// Ask whether a subscription is wanted
///
/// A page of HTML with a button; nothing changes by it.
#[utoipa::path(get, operation_id = "confirm_page", path = "/v1/subscriptions/{id}/confirm", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), LinkParameters),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn ask_to_confirm(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
) -> Result<Response, NoPage> {
    let shows = behind(&app, &client, &id, &token(given)?, Purpose::Confirm).await?;
    let Shows { s, what, cadence } = &shows;
    Ok(match s.state {
        SubscriptionState::Pending => {
            page("confirm.html", "Shall these mails come?", context! { what, cadence, email => s.email.as_str() })
        }
        SubscriptionState::Active | SubscriptionState::Paused => is_confirmed(&shows),
        SubscriptionState::Ended => is_ended(&shows),
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
    params(("id" = String, Path, description = "the subscription"), LinkParameters),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn confirm(State(app): State<App>, Id(id): Id, client: Client, given: Params) -> Result<Response, NoPage> {
    let shows = behind(&app, &client, &id, &token(given)?, Purpose::Confirm).await?;
    if shows.s.state == SubscriptionState::Ended {
        return Ok(is_ended(&shows));
    }
    settle(&app, id, Deed::Confirm).await?;
    Ok(is_confirmed(&shows))
}

/// Ask whether a subscription is to end
///
/// A page of HTML with a button; nothing changes by it.
#[utoipa::path(get, operation_id = "unsubscribe_page", path = "/v1/subscriptions/{id}/unsubscribe", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), LinkParameters),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn ask_to_unsubscribe(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
) -> Result<Response, NoPage> {
    let shows = behind(&app, &client, &id, &token(given)?, Purpose::Subscription).await?;
    let Shows { s, what, cadence } = &shows;
    Ok(match s.state {
        SubscriptionState::Ended => is_ended(&shows),
        _ => page("unsubscribe.html", "No more of these mails?", context! { what, cadence, email => s.email.as_str() }),
    })
}

/// End a subscription
///
/// The one click of RFC 8058: whatever the body holds, no more mails go out. Called again it says the same.
#[utoipa::path(post, operation_id = "unsubscribe", path = "/v1/subscriptions/{id}/unsubscribe", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), LinkParameters),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn unsubscribe(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
) -> Result<Response, NoPage> {
    let shows = behind(&app, &client, &id, &token(given)?, Purpose::Subscription).await?;
    settle(&app, id, Deed::End).await?;
    Ok(is_ended(&shows))
}

/// Look at a subscription
///
/// A page of HTML that says how it stands, with buttons to pause, resume and end it.
#[utoipa::path(get, operation_id = "manage_page", path = "/v1/subscriptions/{id}/manage", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), LinkParameters),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn look(State(app): State<App>, Id(id): Id, client: Client, given: Params) -> Result<Response, NoPage> {
    let token = token(given)?;
    let shows = behind(&app, &client, &id, &token, Purpose::Subscription).await?;
    Ok(manage_page(&shows, &token))
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
    params(("id" = String, Path, description = "the subscription"), LinkParameters),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`deed=pause&days=14`"),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn manage(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
    request: Request,
) -> Result<Response, NoPage> {
    let token = token(given)?;
    let form = Form::read(&app, request).await?;
    let now = Moment::now();
    behind(&app, &client, &id, &token, Purpose::Subscription).await?;
    let deed = match form.field("deed") {
        "resume" => Deed::Resume,
        "end" => Deed::End,
        "pause" => {
            let days: i64 = form.field("days").trim().parse().unwrap_or(0);
            if !(1..=LONGEST_PAUSE).contains(&days) {
                let message = format!("days is {days}; 1 to {LONGEST_PAUSE} are allowed");
                return Err(ApiError::from(Error::Invalid(message)).into());
            }
            Deed::Pause(Some(Moment(now.0 + days * DAY)))
        }
        other => {
            let message = format!("deed is {:?}; it is pause, resume or end", head(other, 40));
            return Err(ApiError::bad_request(message).into());
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
    /// Its title, for a person.
    title: String,
}

/// What an address of a mail says of which paper.
async fn act(app: &App, client: &Client, id: String, Params(mut given): Params) -> Result<Act, NoPage> {
    let mut text = |name| -> Result<String, ApiError> { Ok(given.take(name).word()?.unwrap_or_default()) };
    let (kind, paper, date, token) = (text("kind")?, text("paper")?, text("date")?, text("token")?);
    let opened = app
        .blocking(move |engine| {
            let Some(opened) = Links::opened(engine, &id, &kind, &paper, &date, &token)? else { return Ok(None) };
            let s = match engine.stored_subscription(&id) {
                // What was ended hears of nothing any more.
                Ok(s) if s.state == SubscriptionState::Ended => return Ok(Some(Err(NoPage::Over))),
                Ok(s) => s,
                Err(Error::NotFound { .. }) => return Ok(Some(Err(NoPage::Over))),
                Err(e) => return Err(e),
            };
            match engine.paper(&paper) {
                Ok(known) => {
                    let title = head(&shown(&plain(&known.title)), 300);
                    Ok(Some(Ok(Act { opened, s, paper, title })))
                }
                Err(Error::NotFound { .. }) => Ok(Some(Err(NoPage::PaperGone))),
                Err(e) => Err(e),
            }
        })
        .await?;
    opened.unwrap_or_else(|| Err(NoPage::closed(app, client)))
}

/// What a button says, and what it has done.
fn words(word: &str) -> (&'static str, &'static str, &'static str) {
    match word {
        "like" => ("Like", "Like this paper?", "You like this paper: more like it will come."),
        "save" => ("Save", "Save this paper?", "It is saved: it stands in your library, and more like it will come."),
        _ => ("Hide", "Hide this paper?", "It is hidden: less like it will come."),
    }
}

/// Ask about a paper of a mail
///
/// A page of HTML with a button that likes, saves or hides the paper; nothing changes by it.
#[utoipa::path(get, operation_id = "act_page", path = "/v1/subscriptions/{id}/act", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ActParameters),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn ask_to_act(State(app): State<App>, Id(id): Id, client: Client, given: Params) -> Result<Response, NoPage> {
    let Act { opened, title, .. } = act(&app, &client, id, given).await?;
    let (button, question, _) = words(opened.word);
    Ok(page("act.html", question, context! { title, button, done => "" }))
}

/// Say something of a paper out of a mail
///
/// Likes, saves or hides it for the reader of the subscription, so that later mails know. With `undo=yes` in the form it is taken back.
#[utoipa::path(post, operation_id = "act_by_mail", path = "/v1/subscriptions/{id}/act", tag = "mail",
    params(("id" = String, Path, description = "the subscription"), ActParameters),
    responses((status = 200, content_type = "text/html", body = String), (status = 401), (status = 410)))]
pub async fn act_on(
    State(app): State<App>,
    Id(id): Id,
    client: Client,
    given: Params,
    request: Request,
) -> Result<Response, NoPage> {
    let Act { opened, s, paper, title } = act(&app, &client, id, given).await?;
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
