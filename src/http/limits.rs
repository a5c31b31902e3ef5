//! What surrounds every request: whether there is a place for it, how often it may come, its time, its panic. Who may call what
//! is decided in `access`; what is told of it in `record`.

use std::any::Any;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::body::linger_of;
use super::call::{Call, refused, weight};
use super::clients::Dialect;
use super::door::{Weight, Who, count_refusal};
use super::error::ApiError;
use super::extract::media_type;
use super::{App, stopping};
use crate::access::{Caller, Identity};

/// Lets a request in, unless it asks for work of which too much waits: then nothing of it is read. Answers 408 when it takes
/// too long. A stream of papers may take as long as it likes, if only it does not stand still: `papers` sees to that. A
/// reading list is answered in time by `history`, be it that it goes on: an error for something that then succeeds would be a
/// lie.
pub async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let papers = path == "/v1/papers" && media_type(request.headers()).as_deref() == Some("application/x-ndjson");
    let list = path.starts_with("/v1/users/") && path.ends_with("/history");
    // What it takes to make one is known to nobody, and one is made at a time.
    let backup = path == "/v1/backup" && request.method() == Method::GET;
    let time = Duration::from_secs(app.tuning.timeout_s);
    let call = Call::new(&request, time);
    if backup || request.method() == Method::POST && (papers || list) {
        // They have places of their own.
        return call.scope(next.run(request)).await;
    }
    if (path.starts_with("/v1/") || Dialect::of(request.method(), path).is_some())
        && request.method() != Method::OPTIONS
        && let Some(why) = app.pool.refuses(weight(request.method(), path))
    {
        let (parts, body) = request.into_parts();
        linger_of(&parts.headers, body);
        return refused(why).into_response();
    }
    let writes = ![Method::GET, Method::HEAD].contains(request.method());
    let answer = tokio::time::timeout(time, call.scope(next.run(request)));
    tokio::select! {
        answered = answer => answered.unwrap_or_else(|_| {
            let done = if writes { "; what it was to write may be there, as a whole or in part" } else { "" };
            let message = format!("the request took longer than {} s{done}", app.tuning.timeout_s);
            ApiError::new(StatusCode::REQUEST_TIMEOUT, message).into_response()
        }),
        () = app.stopping.over(stopping::PATIENCE) => stopping::given_up().into_response(),
    }
}

/// Counts a request against what whoever makes it (`None`: somebody who is not who they say) may ask, before anything of its body is read. How the service is may always be
/// asked.
///
/// # Errors
/// 429.
pub fn rate(app: &App, caller: Option<&Caller>, parts: &Parts) -> Result<(), ApiError> {
    if app.rates.are_off() || ["/healthz", "/readyz"].contains(&parts.uri.path()) {
        return Ok(());
    }
    let Some(address) = app.rules.clients.address(&parts.extensions, &parts.headers) else { return Ok(()) };
    let who = match caller.map(|caller| (&caller.identity, &caller.reader)) {
        // Of one key there may be many sessions: they ask as one.
        Some((Identity::Key(id) | Identity::Session { key: Some(id), .. }, _)) => Who::Key(id),
        Some((Identity::Session { .. } | Identity::Proxy, Some(reader))) => Who::Reader(reader.as_str()),
        Some((Identity::Session { .. } | Identity::Proxy | Identity::Anyone, _)) => Who::Anyone(address),
        Some((Identity::Nobody, _)) | None => Who::Stranger(address),
    };
    let heavy = matches!(weight(&parts.method, parts.uri.path()), Weight::Heavy);
    app.rates.take(who, heavy).map_err(|wait| {
        count_refusal("rate");
        let what = if matches!(who, Who::Key(_) | Who::Reader(_)) { "you ask" } else { "this address asks" };
        ApiError::rate_limited(format!("{what} more often than the service allows"), wait)
    })
}

/// Gives errors that are not ours (of the pages under `/docs`) the one shape of all errors.
pub async fn one_shape(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_string();
    let response = next.run(request).await;
    let status = response.status();
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| {
        // A page is for a person.
        [&b"application/json"[..], b"text/html"].iter().any(|own| t.as_bytes().starts_with(own))
    });
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let reason = status.canonical_reason().unwrap_or("an error").to_lowercase();
    ApiError::new(status, format!("{reason}: {path}")).into_response()
}

/// The answer to a panic in a handler.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!("a handler panicked: {}", text.unwrap_or("no message"));
    ApiError::internal().into_response()
}
