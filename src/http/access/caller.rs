//! Who asks, and whether they may: before any handler runs.

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::table::{self, Entry};
use crate::access::{Caller, Identity, Needs};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::record;

/// Recognises who asks, puts the [`Caller`] beside the request, and refuses what the table of routes does not allow them.
pub async fn authorize(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = recognise(&app, &parts);
    record::asked_by(&caller);
    match check(&caller, &mut parts).await {
        Ok(()) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refused) => refused.into_response(),
    }
}

/// Who asks.
fn recognise(_app: &App, _parts: &Parts) -> Caller {
    Caller::anyone()
}

async fn check(caller: &Caller, parts: &mut Parts) -> Result<(), ApiError> {
    // What matches no route is told that there is nothing, whoever asks.
    let Some(route) = parts.extensions.get::<MatchedPath>().cloned() else { return Ok(()) };
    if parts.method == Method::OPTIONS {
        return Ok(());
    }
    let needs = match table::entry(&parts.method, route.as_str()) {
        Entry::Call(needs) => needs,
        // Its own answer says so.
        Entry::OtherMethods => return Ok(()),
        Entry::Missing => {
            tracing::error!("{} is not in the table of who may call what", route.as_str());
            return Err(ApiError::internal());
        }
    };
    match needs {
        Needs::Nothing | Needs::OwnSecret => Ok(()),
        Needs::Scope(scope) if caller.has(scope) => Ok(()),
        Needs::Scope(scope) => Err(refused(caller, &format!("needs a key with the scope `{scope}`"))),
        Needs::Reader => match reader(parts).await {
            Some(name) if caller.may_act_for(&name) => Ok(()),
            _ => Err(refused(caller, "needs a key of this reader, or one with the scope `users`")),
        },
    }
}

/// The reader that a path names.
async fn reader(parts: &mut Parts) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    params.iter().find(|(name, _)| *name == "user").map(|(_, value)| value.to_string())
}

/// The error for somebody who may not: 401 for who has not said who they are, else 403.
fn refused(caller: &Caller, needs: &str) -> ApiError {
    match caller.identity {
        Identity::Nobody => ApiError::new(StatusCode::UNAUTHORIZED, format!("this call {needs}")),
        _ => ApiError::new(StatusCode::FORBIDDEN, format!("this call {needs}; yours may not do that")),
    }
}
