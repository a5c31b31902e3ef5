//! Keys over HTTP: made, listed, taken back.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, Id, NoParams};
use crate::access::Scope;
use crate::engine::{KeyMade, KeyView, NewKey, read_expiry};
use crate::user::Moment;

/// How often it is written down when keys were used last.
const EVERY: Duration = Duration::from_secs(60);

/// A key that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyBody {
    /// What it is called: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it lets its holder do: `read` (papers; every scope includes it), `write` (papers in and out), `users` (act for any
    /// reader), `admin` (everything). `read` where nothing is said.
    #[serde(default)]
    #[schema(max_items = 4)]
    scopes: Vec<Scope>,
    /// The one reader for whom it acts, and whose data it reaches; made if new. Not with `admin`; `users` adds nothing to it.
    #[schema(max_length = 256)]
    user: Option<String>,
    /// From when on it opens nothing: a span (`12h`, `30d`, `8w`), a date (with its end, UTC) or a time. Never where nothing is
    /// said.
    expires: Option<String>,
}

/// Keys.
#[derive(Serialize, ToSchema)]
pub struct KeyList {
    /// In the order in which they were made.
    keys: Vec<KeyView>,
}

/// Make a key
///
/// The answer holds the key itself, which nobody can show again: of its secret only a hash is kept. It is sent as
/// `Authorization: Bearer pk_...` (or `X-Api-Key: pk_...`), never in an address. There may be 10,000.
#[utoipa::path(post, operation_id = "make_key", path = "/v1/keys", tag = "operation", request_body = KeyBody,
    responses((status = 200, body = KeyMade)))]
pub async fn make(State(app): State<App>, Fields(given): Fields) -> Result<Response, ApiError> {
    let KeyBody { name, scopes, user, expires } = given.rest()?;
    let expires = expires.map(|text| read_expiry(&text, Moment::now())).transpose()?;
    let made = app.blocking(move |engine| engine.add_key(&NewKey { name, scopes, user, expires })).await?;
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, Json(made)).into_response())
}

/// The keys that there are
///
/// Without their secrets, in the order in which they were made; one that has expired stays until it is revoked. When a key was
/// used last is written down within a minute.
#[utoipa::path(get, operation_id = "list_keys", path = "/v1/keys", tag = "operation", responses((status = 200, body = KeyList)))]
pub async fn list(State(app): State<App>, _: NoParams) -> Result<Response, ApiError> {
    app.answer(|engine| Ok(KeyList { keys: engine.keys() })).await
}

/// Revoke a key
///
/// It opens nothing from this moment on.
#[utoipa::path(delete, operation_id = "revoke_key", path = "/v1/keys/{id}", tag = "operation",
    params(("id" = String, Path, description = "the id of the key")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn revoke(State(app): State<App>, Id(id): Id, _: NoParams) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.revoke_key(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes down when keys were used last, from time to time: no request waits for it.
pub async fn note_uses(app: App) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Ok(engine) = app.engine() else { continue };
        match tokio::task::spawn_blocking(move || engine.note_key_uses()).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::warn!("when keys were used last was not written down: {e}"),
            Err(e) => tracing::error!("writing down when keys were used last: {e}"),
        }
    }
}
