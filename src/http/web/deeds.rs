//! What a press of a button on a page does: opinions on papers, and choices. Each is a form that works without scripts, which
//! comes back to the page; a script of ours gets what has become of it.

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::form::Form;
use super::opinions::Said;
use super::pages::Page;
use super::sign_in::{go_to, way_back};
use super::texts::text_of;
use super::visitor::Visitor;
use crate::http::App;
use crate::http::error::ApiError;
use crate::paper::PaperId;
use crate::user::Press;

/// What a button beside a paper is called: the name of its field, which holds the id.
const BUTTONS: [(&str, Press); 8] = [
    ("like", Press::Like),
    ("unlike", Press::Unlike),
    ("save", Press::Save),
    ("unsave", Press::Unsave),
    ("dislike", Press::Dislike),
    ("dismiss", Press::Dismiss),
    ("clear", Press::Undo),
    ("open", Press::Open),
];

/// `POST /opinion`: one of [`BUTTONS`] with the id of a paper, and `to`, the way back.
pub async fn opinion(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, &app).await;
    let form = Form::read(&app, Request::from_parts(parts, body)).await;
    let done = async {
        let form = form?;
        let found = BUTTONS.iter().find(|(name, _)| !form.field(name).is_empty());
        let (name, press) = *found.ok_or_else(|| ApiError::bad_request("the form says nothing of a paper"))?;
        let Some(reader) = visitor.reader.clone() else { return Ok((form, None)) };
        let paper = PaperId::new(form.field(name))?;
        let opinion = app.blocking(move |engine| engine.press(reader.name(), &paper, press)).await?;
        Ok::<_, ApiError>((form, Some(Said::from(&opinion))))
    };
    match done.await {
        Ok((_, Some(said))) if visitor.scripted => {
            ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(said)).into_response()
        }
        Ok((form, Some(_))) => back(&visitor, form.field("to")),
        // Nothing was kept, and no script is to think so.
        Ok((_, None)) if visitor.scripted => {
            let e = ApiError::new(StatusCode::UNAUTHORIZED, text_of("reader", "who_first"));
            ApiError { detail: Some(json!({ "needs": "reader" })), ..e }.into_response()
        }
        // Who reads is asked first; the way back leads to the same page.
        Ok((form, None)) => go_to(&format!("reader?{}", to(form.field("to")))),
        Err(e) if visitor.scripted => e.into_response(),
        Err(e) => Page::of_error(&e, 0).seen_by(&visitor).into_response(),
    }
}

fn to(way: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("to", &way_back(Some(way))).finish()
}

/// `POST /choices`: what was chosen for this browser, each by its name, and `to`, the way back.
pub async fn choices(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, &app).await;
    match Form::read(&app, Request::from_parts(parts, body)).await {
        Err(e) if visitor.scripted => e.into_response(),
        Err(e) => Page::of_error(&e, 0).seen_by(&visitor).into_response(),
        Ok(form) => {
            let mut choices = visitor.choices.clone();
            // As whom somebody reads is said on a page of its own.
            let mut given = ["theme", "look", "by", "sort"].into_iter().filter(|name| form.has(name));
            if let Err(e) = given.try_for_each(|name| choices.set(name, form.field(name))) {
                let e = ApiError::from(e);
                return if visitor.scripted {
                    e.into_response()
                } else {
                    Page::of_error(&e, 0).seen_by(&visitor).into_response()
                };
            }
            let mut response = back(&visitor, form.field("to"));
            response.headers_mut().insert(header::SET_COOKIE, choices.keep(visitor.jar));
            response
        }
    }
}

/// Back to the page; a script is there already.
pub fn back(visitor: &Visitor, to: &str) -> Response {
    if visitor.scripted {
        let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return (StatusCode::NO_CONTENT, headers).into_response();
    }
    go_to(&format!(".{}", way_back(Some(to))))
}
