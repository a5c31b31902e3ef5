//! Webhooks: new papers of a saved search, sent to an address.

use axum::Extension;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::App;
use super::access::Reader;
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, Id, NoParams};
use super::searches::follow;
use crate::access::{Caller, Scope};
use crate::engine::{DeliveryOfWebhook, Engine, NewHook, WebhookMade, WebhookView};
use crate::error::{Error, Result};
use crate::user::Follow;

/// A webhook that is to be made: of a saved search, or of something to follow.
#[derive(ToSchema)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`make`] reads it.
pub struct WebhookBody {
    /// Where the papers go: http or https, at most 2,000 bytes of ASCII, without a password in it. It must lead to a public address,
    /// unless `[fetch] private_addresses` is set.
    #[schema(max_length = 2_000)]
    url: String,
    /// Whose it is. One that is nobody's is made with `admin` alone.
    #[schema(max_length = 256)]
    user: Option<String>,
    /// A saved search of the user, `s7`; the webhook goes with it.
    search: Option<String>,
    /// What to follow, where it is of no saved search. Its one field may stand at the top as well: `{"query": "..."}`.
    what: Option<Follow>,
}

/// Webhooks.
#[derive(Serialize, ToSchema)]
pub struct WebhookList {
    /// In the order in which they were made.
    webhooks: Vec<WebhookView>,
}

/// The deliveries of a webhook.
#[derive(Serialize, ToSchema)]
pub struct DeliveryList {
    /// Those that wait, and the last hundred that do not; the newest first.
    deliveries: Vec<DeliveryOfWebhook>,
}

/// Deliveries that wait again.
#[derive(Serialize, ToSchema)]
pub struct Redelivered {
    /// How many.
    redelivered: usize,
}

/// The webhooks there are
///
/// Those within reach: with `admin` all, with `users` those of all users; a key or session of one user sees their own. `error` is why
/// the last try failed, `problem` why there is nothing to tell for now (its theme is gone, or there are none yet).
#[utoipa::path(get, operation_id = "list_webhooks", path = "/v1/webhooks", tag = "operation",
    responses((status = 200, body = WebhookList)))]
pub async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    _: NoParams,
) -> Result<Response, ApiError> {
    app.answer(move |engine| {
        let own = caller.reader.as_ref().map(|reader| reader.as_str());
        let mut webhooks = match engine.webhooks(own) {
            // Nobody knows them yet.
            Err(Error::NotFound { .. }) => Vec::new(),
            found => found?,
        };
        webhooks.retain(|hook| is_within_reach(&caller, hook.user.as_deref()));
        Ok(WebhookList { webhooks })
    })
    .await
}

/// Send new papers to an address
///
/// Papers that come from now on and match the saved search (`user` and `search`), or what is to be followed (`what`), go there soon
/// after they came, as JSON: `{"webhook", "delivery", "search", "what", "made", "papers": [...], "left_out"}`; 50 papers at once, and
/// of one look the best 1,000 (`left_out` counts the others). A key or session of one user makes webhooks of that user, one with
/// `users` those of any, and one with `admin` also those of nobody; 100 of each user, and 100 of nobody.
///
/// **Signature.** The answer holds `secret`, this once. A delivery has the header `X-Paperkin-Signature: t=UNIX,v1=HEX`, where HEX is
/// the HMAC-SHA256 of `t`, a full stop and the body under the secret (as it is written, not as the bytes of its digits), and
/// `X-Paperkin-Delivery`, the same in every try: take each once, and refuse what is older than some minutes.
///
/// **Delivery.** A status of 200 to 299 within 10 s says that it was taken. All else is tried again after a minute, then twice as
/// long each time up to two hours (later where 429 or 503 comes with `Retry-After`, up to two hours), for a day; then it is a dead
/// letter. While there is no answer, 408, 429 or a status of 500 and above, what else waits for the receiver waits as long; any other
/// status is of that delivery alone. 410 ends the webhook. Redirects are not followed, and addresses of private networks are not
/// called: what was to go there is a dead letter at once.
#[utoipa::path(post, operation_id = "make_webhook", path = "/v1/webhooks", tag = "operation", request_body = WebhookBody,
    responses((status = 201, body = WebhookMade), (status = 404, body = ErrorBody)))]
pub async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Fields(mut given): Fields,
) -> Result<Response, ApiError> {
    let what = follow(&mut given)?;
    let url: Option<String> = given.take("url").word()?;
    let (user, search): (Option<String>, Option<String>) = (given.take("user").word()?, given.take("search").word()?);
    given.nothing_else()?;
    let url = url.ok_or_else(|| ApiError::bad_request("say where the papers are to go: `url`"))?;
    // Who acts for one user makes theirs.
    let user = user.or_else(|| caller.reader.as_ref().map(ToString::to_string));
    match &user {
        Some(name) => drop(Reader::of(&caller, name.clone())?),
        None if caller.has(Scope::Admin) => {}
        None => return Err(needs(Scope::Admin)),
    }
    let new = NewHook { user, search, what, url };
    let made = app.blocking(move |engine| engine.add_webhook(&new)).await?;
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// Send nothing there any more
///
/// What waits is not delivered. Who may make a webhook may delete it.
#[utoipa::path(delete, operation_id = "delete_webhook", path = "/v1/webhooks/{id}", tag = "operation",
    params(("id" = String, Path, description = "the webhook")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| within_reach(engine, &caller, &id).and_then(|()| engine.delete_webhook(&id))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was delivered, what waits, and what was given up
#[utoipa::path(get, operation_id = "list_webhook_deliveries", path = "/v1/webhooks/{id}/deliveries", tag = "operation",
    params(("id" = String, Path, description = "the webhook")),
    responses((status = 200, body = DeliveryList), (status = 404, body = ErrorBody)))]
pub async fn deliveries(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: NoParams,
) -> Result<Response, ApiError> {
    app.answer(move |engine| {
        within_reach(engine, &caller, &id)?;
        Ok(DeliveryList { deliveries: engine.webhook_deliveries(&id)? })
    })
    .await
}

/// Deliver now what was not taken
///
/// One delivery, or with `all` in its place all of the webhook: those that wait are tried now, and dead letters for another day. A
/// webhook that its receiver ended begins anew.
#[utoipa::path(post, operation_id = "redeliver", path = "/v1/webhooks/{id}/deliveries/{delivery}/redeliver", tag = "operation",
    params(("id" = String, Path, description = "the webhook"), ("delivery" = String, Path, description = "the delivery, or `all`")),
    responses((status = 202, body = Redelivered), (status = 404, body = ErrorBody)))]
pub async fn redeliver(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, delivery)): Path<(String, String)>,
    _: NoParams,
) -> Result<Response, ApiError> {
    let runner = app.runner()?;
    let redelivered = app
        .blocking(move |engine| {
            within_reach(engine, &caller, &id)?;
            engine.redeliver(&id, Some(delivery.as_str()).filter(|delivery| *delivery != "all"))
        })
        .await?;
    runner.hurry("webhooks");
    Ok((StatusCode::ACCEPTED, Json(Redelivered { redelivered })).into_response())
}

/// Whether somebody may see and change a webhook; else it is not there for them.
fn within_reach(engine: &Engine, caller: &Caller, id: &str) -> Result<()> {
    if is_within_reach(caller, engine.webhook_owner(id)?.as_deref()) {
        Ok(())
    } else {
        Err(Error::NotFound { what: "webhook", id: crate::paper::head(id, 80) })
    }
}

fn is_within_reach(caller: &Caller, owner: Option<&str>) -> bool {
    owner.map_or(caller.has(Scope::Admin), |user| caller.may_act_for(user))
}

fn needs(scope: Scope) -> ApiError {
    let message = format!("this call needs a key with the scope `{scope}`, or one of a user; yours may not do that");
    ApiError { detail: Some(json!({ "needs": scope.name() })), ..ApiError::new(StatusCode::FORBIDDEN, message) }
}
