//! Who asks, and whether they may: before any handler runs.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::credentials::{self, Brought};
use super::proxy::{self, Named};
use super::table::{self, Entry};
use super::{guessed, origin, reader};
use crate::access::{Caller, Identity, Needs, Scope};
use crate::config::AuthMode;
use crate::engine::KeyRefused;
use crate::http::base::Seen;
use crate::http::body::linger_of;
use crate::http::error::ApiError;
use crate::http::{App, limits, record, web};
use crate::user::Moment;

/// Recognises who asks, puts the [`Caller`] beside the request, and refuses what the table of routes does not allow them: then
/// nothing of the body is read. The caller stands beside the answer as well, for the headers of what is of one reader.
pub async fn authorize(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admitted(&app, &mut parts).await {
        Ok(caller) => {
            let known = !matches!(caller.identity, Identity::Anyone | Identity::Nobody);
            let beside = known.then(|| caller.clone());
            parts.extensions.insert(caller);
            let mut response = next.run(Request::from_parts(parts, body)).await;
            if let Some(caller) = beside {
                response.extensions_mut().insert(caller);
            }
            response
        }
        Err(refused) => {
            linger_of(&parts.headers, body);
            let page = app.asks_who().then(|| web::in_place_of(&parts, &refused)).flatten();
            page.unwrap_or_else(|| refused.into_response())
        }
    }
}

/// Who asks, if they may.
async fn admitted(app: &App, parts: &mut Parts) -> Result<Caller, ApiError> {
    origin::check(app, parts)?;
    credentials::check_address(&parts.uri)?;
    let found = recognise(app, parts);
    found.iter().for_each(record::asked_by);
    limits::rate(app, found.as_ref().ok(), parts)?;
    match needs(parts)? {
        // Who they are does not matter, and nothing is said of a wrong key.
        Needs::Nothing | Needs::OwnSecret => Ok(found.unwrap_or_else(|_| Caller::nobody())),
        Needs::Scope(scope) => {
            let caller = recognised(app, parts, found)?;
            if caller.has(scope) { Ok(caller) } else { Err(without_scope(&caller, scope)) }
        }
        Needs::Reader => {
            let caller = recognised(app, parts, found)?;
            match reader::named(parts).await {
                Some(name) if caller.may_act_for(&name) => Ok(caller),
                _ => Err(not_this_reader(&caller)),
            }
        }
    }
}

/// What a call needs, by the table.
fn needs(parts: &Parts) -> Result<Needs, ApiError> {
    // What matches no route is told that there is nothing, whoever asks.
    let Some(route) = parts.extensions.get::<MatchedPath>() else { return Ok(Needs::Nothing) };
    if parts.method == Method::OPTIONS {
        return Ok(Needs::Nothing);
    }
    match table::entry(&parts.method, route.as_str()) {
        Entry::Call(needs) => Ok(needs),
        // Its own answer says so.
        Entry::OtherMethods => Ok(Needs::Nothing),
        Entry::Missing => {
            tracing::error!("{} is not in the table of who may call what", route.as_str());
            Err(ApiError::internal())
        }
    }
}

/// Why somebody is not who they say.
enum Unrecognised {
    /// Two keys, none that can be looked at yet, or a proxy that names nobody.
    Unreadable(ApiError),
    /// No such key.
    Wrong,
    /// A key that was right until then.
    Expired(Moment),
}

/// Who asks. Costs a look into memory.
fn recognise(app: &App, parts: &Parts) -> Result<Caller, Unrecognised> {
    let brought = credentials::key(&parts.headers).map_err(Unrecognised::Unreadable)?;
    if let Brought::Key(key) = brought {
        let opened = app.opened().map_err(Unrecognised::Unreadable)?;
        return opened.engine.caller_of_key(key, Moment::now()).map_err(|refused| match refused {
            KeyRefused::Wrong => Unrecognised::Wrong,
            KeyRefused::Expired(until) => Unrecognised::Expired(until),
        });
    }
    if app.rules.auth.mode == AuthMode::Open {
        return Ok(Caller::anyone());
    }
    let caller = match named_by_proxy(app, parts).map_err(Unrecognised::Unreadable)? {
        Named::Caller(caller) => caller,
        Named::Nothing | Named::Untrusted => by_session(app, parts).map_err(Unrecognised::Unreadable)?,
    };
    // A proxy that signs people in may pass its own token on: it is a wrong key only where nothing else says who asks.
    match (brought, &caller.identity) {
        (Brought::Other, Identity::Nobody) => Err(Unrecognised::Wrong),
        _ => Ok(caller),
    }
}

/// Who a proxy says that it is.
fn named_by_proxy(app: &App, parts: &Parts) -> Result<Named, ApiError> {
    let rules = &app.rules;
    match &rules.auth.trusted_user_header {
        Some(header) => proxy::named(&parts.headers, header, rules.clients.trust_peer(&parts.extensions)),
        None => Ok(Named::Nothing),
    }
}

/// Who is signed in with the browser that asks.
fn by_session(app: &App, parts: &Parts) -> Result<Caller, ApiError> {
    let jar = Seen::of(app, &parts.uri, &parts.headers, &parts.extensions).jar(app);
    let brought = jar.secrets(&parts.headers);
    if brought.is_empty() {
        return Ok(Caller::nobody());
    }
    let engine = &app.opened()?.engine;
    Ok(brought.iter().find_map(|secret| engine.caller_of_session(secret)).unwrap_or_else(Caller::nobody))
}

/// Whether it was told that somebody who is no trusted proxy says who somebody is.
static TOLD: AtomicBool = AtomicBool::new(false);

/// The same, with what is said to somebody who is not who they say.
fn recognised(app: &App, parts: &Parts, found: Result<Caller, Unrecognised>) -> Result<Caller, ApiError> {
    let caller = found.map_err(|why| match why {
        Unrecognised::Unreadable(e) => e,
        Unrecognised::Wrong => guessed(app, parts, || {
            ApiError::new(
                StatusCode::UNAUTHORIZED,
                "the key opens nothing: it is not one of this service, or was revoked",
            )
        }),
        // Said to the holder of the key alone.
        Unrecognised::Expired(until) => {
            ApiError::new(StatusCode::UNAUTHORIZED, format!("the key expired at {until}; ask for another"))
        }
    })?;
    if caller.identity == Identity::Nobody && matches!(named_by_proxy(app, parts), Ok(Named::Untrusted)) {
        let address = app.rules.clients.address(&parts.extensions, &parts.headers);
        let address = address.map_or("an unknown address".into(), |address| address.to_string());
        // Anybody can send such a header as often as they like: said once, for whoever sets a proxy up.
        if !TOLD.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "{address} says who somebody is and is no trusted proxy, which was ignored: name it in `trusted_proxies` if it is \
                 one (said once; the next ones are told with -vv)"
            );
        }
        tracing::debug!("{address} says who somebody is and is no trusted proxy");
    }
    Ok(caller)
}

/// The error for somebody whose scopes do not include one.
fn without_scope(caller: &Caller, scope: Scope) -> ApiError {
    refused(caller, &format!("needs a key with the scope `{scope}`"), scope.name())
}

/// The error for somebody who may not act for the reader that a call names: the same whether there is one.
pub fn not_this_reader(caller: &Caller) -> ApiError {
    refused(caller, "needs a key of this reader, or one with the scope `users`", Scope::Users.name())
}

/// 401 for who has not said who they are, else 403.
fn refused(caller: &Caller, needs: &str, scope: &str) -> ApiError {
    let (status, message) = match caller.identity {
        Identity::Nobody => (
            StatusCode::UNAUTHORIZED,
            format!("this call {needs}: send `Authorization: Bearer pk_...` (`paperkin keys add` makes one)"),
        ),
        _ => (StatusCode::FORBIDDEN, format!("this call {needs}; yours may not do that")),
    };
    ApiError { detail: Some(json!({ "needs": scope })), ..ApiError::new(status, message) }
}
