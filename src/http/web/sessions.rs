//! The page of the sessions: which browsers are signed in, and ending them.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};

use super::dates::minute;
use super::form::Form;
use super::pages::Page;
use super::sign_in::{Visit, go_to, signed_out};
use crate::access::{Caller, Identity, Scope};
use crate::engine::{SessionView, SessionsOf};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::sessions::within_reach;

/// `GET /sessions`
pub async fn list(State(app): State<App>, visit: Visit) -> Result<Response, ApiError> {
    let engine = app.engine()?;
    let all = engine.sessions(&within_reach(&engine, &visit.visitor.caller), &visit.visitor.caller);
    let own = engine
        .sessions_of_caller(&visit.visitor.caller)
        .map_or(0, |own| engine.sessions(&own, &visit.visitor.caller).len());
    let sessions: Vec<Value> = all.iter().map(shown_session).collect();
    let shows = context! { who => visit.who(), everybody => visit.visitor.caller.has(Scope::Admin), sessions, own };
    Ok(Page::new("sessions.html", "Where you are signed in", shows).seen_by(&visit.visitor).into_response())
}

fn shown_session(session: &SessionView) -> Value {
    context! {
        id => session.id.as_str(), browser => session.browser.as_str(), reader => session.reader.as_ref().map(|r| r.as_str()),
        key => session.key.as_deref(), current => session.current, created => minute(session.created),
        last_seen => minute(session.last_seen), expires => minute(session.expires),
    }
}

/// `POST /sessions`: ends one (`end`) or all of one's own (`everywhere`).
pub async fn end(State(app): State<App>, visit: Visit, request: Request) -> Result<Response, ApiError> {
    let form = Form::read(&app, request).await?;
    let (id, everywhere) = (form.field("end").to_string(), !form.field("everywhere").is_empty());
    let caller: Caller = visit.visitor.caller.clone();
    let current = matches!(&caller.identity, Identity::Session { id: own, .. } if everywhere || *own == id);
    let ended = app
        .blocking(move |engine| {
            if everywhere {
                let own: Option<SessionsOf> = engine.sessions_of_caller(&caller);
                return own.map_or(Ok(()), |own| engine.end_sessions(&own).map(drop));
            }
            engine.end_session(&within_reach(engine, &caller), &id)
        })
        .await;
    Ok(match ended {
        Ok(()) if current => signed_out(&visit),
        Ok(()) => go_to("sessions"),
        Err(e) => Page::of_error(&e, 0).seen_by(&visit.visitor).into_response(),
    })
}
