//! Who asks, who is signed in with a browser, and links to sign in.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::access::Reader;
use super::base::Base;
use super::error::{ApiError, ErrorBody};
use super::extract::{Id, NoParams, Params};
use crate::access::{Caller, Identity, Scope};
use crate::config::AuthMode;
use crate::engine::{Engine, LINK_VALID, SessionView, SessionsOf};
use crate::user::{Moment, UserId};

/// Who asks.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// `open` where nobody has to say who they are, `keys` where everybody has to.
    #[schema(value_type = AuthModeName)]
    mode: AuthMode,
    /// By what they were recognised.
    identity: IdentityName,
    /// The one reader for whom they may act; null where `scopes` decides.
    #[schema(value_type = Option<String>)]
    reader: Option<UserId>,
    /// What they may do, beside what the reader may.
    scopes: Vec<Scope>,
    /// Their session; null where they came otherwise.
    session: Option<SessionView>,
}

/// Whether somebody has to say who they are.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // What the document says of `AuthMode`.
pub enum AuthModeName {
    /// Nobody has to.
    Open,
    /// Everybody has to.
    Keys,
}

/// By what somebody was recognised.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdentityName {
    /// By nothing, which is enough.
    Anyone,
    /// By a key.
    Key,
    /// By the cookie of a session.
    Session,
    /// By the name that a trusted proxy gave.
    Proxy,
}

/// Who I am
///
/// What the service takes the caller for, and what they may do.
#[utoipa::path(get, operation_id = "get_me", path = "/v1/me", tag = "operation", responses((status = 200, body = Me)))]
pub async fn me(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    _: NoParams,
) -> Result<Json<Me>, ApiError> {
    let engine = app.engine()?;
    let own = engine.sessions_of_caller(&caller);
    let session = own.and_then(|own| engine.sessions(&own, &caller).into_iter().find(|session| session.current));
    Ok(Json(Me {
        mode: app.rules.auth.mode,
        identity: match caller.identity {
            // Nobody does not come as far as here.
            Identity::Anyone | Identity::Nobody => IdentityName::Anyone,
            Identity::Key(_) => IdentityName::Key,
            Identity::Session { .. } => IdentityName::Session,
            Identity::Proxy => IdentityName::Proxy,
        },
        scopes: Scope::ALL.into_iter().filter(|scope| caller.has(*scope)).collect(),
        reader: caller.reader,
        session,
    }))
}

/// Sessions.
#[derive(Serialize, ToSchema)]
pub struct SessionList {
    /// The last used first.
    sessions: Vec<SessionView>,
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
pub struct SessionsEnded {
    /// How many.
    ended: usize,
}

/// The sessions that somebody may see and end: all with `admin`, else their own.
pub fn within_reach(engine: &Engine, caller: &Caller) -> SessionsOf {
    if caller.has(Scope::Admin) {
        return SessionsOf::All;
    }
    // Of those who come by neither there are none.
    engine.sessions_of_caller(caller).unwrap_or(SessionsOf::Key(String::new()))
}

/// The sessions of a reader, for whoever may act for them.
fn of_reader(caller: &Caller, user: String) -> Result<SessionsOf, ApiError> {
    Reader::of(caller, user).map(|reader| SessionsOf::Reader(reader.name().to_string()))
}

/// Who is signed in with a browser
///
/// With the scope `admin` all sessions, else those of the caller's reader, or of the caller's key. A session is good for 30 days
/// after it was last used, and for a year at most; one that was begun with a key ends with it. `last_seen` is written down to
/// within an hour.
#[utoipa::path(get, operation_id = "list_sessions", path = "/v1/sessions", tag = "operation",
    params(("user" = Option<String>, Query, description = "only those that act for this reader")),
    responses((status = 200, body = SessionList), (status = 403, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Params(mut given): Params,
) -> Result<Json<SessionList>, ApiError> {
    let user: Option<String> = given.take("user").word()?;
    given.nothing_else()?;
    let engine = app.engine()?;
    let of = match user {
        Some(user) => of_reader(&caller, user)?,
        None => within_reach(&engine, &caller),
    };
    Ok(Json(SessionList { sessions: engine.sessions(&of, &caller) }))
}

/// Sign out everywhere
///
/// Ends all sessions of the caller's reader, or of the caller's key; with `user` those of that reader. They open nothing from this
/// moment on.
#[utoipa::path(delete, operation_id = "end_sessions", path = "/v1/sessions", tag = "operation",
    params(("user" = Option<String>, Query, description = "the reader whose sessions end")),
    responses((status = 200, body = SessionsEnded), (status = 403, body = ErrorBody)))]
pub async fn end_all(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Params(mut given): Params,
) -> Result<Json<SessionsEnded>, ApiError> {
    let user: Option<String> = given.take("user").word()?;
    given.nothing_else()?;
    let of = match user {
        Some(user) => Some(of_reader(&caller, user)?),
        None => app.engine()?.sessions_of_caller(&caller),
    };
    let Some(of) = of else { return Ok(Json(SessionsEnded { ended: 0 })) };
    let ended = app.blocking(move |engine| engine.end_sessions(&of)).await?;
    Ok(Json(SessionsEnded { ended }))
}

/// End a session
///
/// It opens nothing from this moment on. With the scope `admin` any, else one of one's own.
#[utoipa::path(delete, operation_id = "end_session", path = "/v1/sessions/{id}", tag = "operation",
    params(("id" = String, Path, description = "its id, as `GET /v1/sessions` tells it")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.end_session(&within_reach(engine, &caller), &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link to sign in.
#[derive(Serialize, ToSchema)]
pub struct Link {
    /// Who signs in by it.
    #[schema(value_type = String)]
    user: UserId,
    /// Its whole address: by the setting `public_url`, else as this request was sent. Nobody can show it again.
    #[schema(format = "uri")]
    url: String,
    /// Until when it is good.
    #[schema(value_type = String, format = DateTime)]
    expires: Moment,
    /// How long that is, in seconds.
    valid_for_s: u64,
}

/// A link by which a reader signs in
///
/// It works once, for 15 minutes, and signs in whoever has it: it goes to that reader and to nobody else. To open it shows a page
/// with a button, and nothing is used up before that is pressed. A reader who is not there yet is made.
#[utoipa::path(post, operation_id = "make_sign_in_link", path = "/v1/users/{user}/sign-in-link", tag = "operation",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = Link), (status = 409, body = ErrorBody, description = "nobody signs in here (`[auth] mode` is `open`)"),
              (status = 422, body = ErrorBody)))]
pub async fn make_link(
    State(app): State<App>,
    reader: Reader,
    Base(base): Base,
    _: NoParams,
) -> Result<Json<Link>, ApiError> {
    if app.rules.auth.mode == AuthMode::Open {
        let message =
            "nobody signs in here: whoever reaches this service may use it. `[auth] mode = \"keys\"` changes that";
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    let link = app.blocking(move |engine| engine.make_sign_in_link(reader.name())).await?;
    let url = link.address(&base);
    Ok(Json(Link { user: link.reader, url, expires: link.until, valid_for_s: LINK_VALID.as_secs() }))
}
