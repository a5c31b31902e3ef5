//! `GET` and `POST /reader`: who reads, and what is kept under that name.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::form::Form;
use super::pages::{Page, sentence};
use super::sign_in::{go_to, way_back};
use super::texts::text_of;
use super::visitor::{Visitor, known};
use crate::engine::Engine;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::paper::percent::encoded;
use crate::user::{Settings, UserId};

/// `GET /reader`
pub async fn reader(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let to: Option<String> = given.take("to").word()?;
        let change = given.take("change").truth()?.unwrap_or(false);
        given.nothing_else()?;
        page(engine, visitor, to.as_deref(), change)
    })
    .await
}

fn page(engine: &Engine, visitor: &Visitor, to: Option<&str>, change: bool) -> Result<Page, ApiError> {
    let Some(name) = visitor.name().filter(|_| !change) else {
        let shows = context! { to => way_back(to.or(Some("/for-you"))), asks => true };
        return Ok(Page::new("reader.html", text_of("reader", "who_title"), shows).at("reader"));
    };
    let user = known(engine.user(name))?;
    let settings = user.as_ref().map(|user| user.settings.clone()).unwrap_or_default();
    let shows = context! {
        asks => false, name, encoded_name => encoded(name), known => user.is_some(),
        events => user.as_ref().map_or(0, |user| user.events),
        since => user.as_ref().map(|user| super::dates::short(user.created.day())),
        // What the service does where nothing is set.
        exploration => settings.exploration.unwrap_or(Settings::EXPLORATION),
        diversity => settings.diversity.unwrap_or(Settings::DIVERSITY),
        per_author => settings.per_author.unwrap_or(Settings::PER_AUTHOR),
        half_life_days => settings.half_life_days.unwrap_or(Settings::HALF_LIFE_DAYS),
    };
    Ok(Page::new("reader.html", text_of("reader", "title"), shows).at("reader"))
}

/// `POST /reader`: as whom this browser reads. Empty: as nobody.
pub async fn choose(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, &app).await;
    let form = match Form::read(&app, Request::from_parts(parts, body)).await {
        Ok(form) => form,
        Err(e) => return Page::of_error(&e, 0).seen_by(&visitor).into_response(),
    };
    let (name, to) = (form.field("name").trim().to_string(), form.field("to").to_string());
    let wrong = if !visitor.may_choose_reader() {
        Some(text_of("reader", "cannot_choose"))
    } else if name == "." || name == ".." {
        // These two are steps in an address, and the service could not be asked for them.
        Some(text_of("reader", "no_name"))
    } else if name.is_empty() {
        None
    } else {
        UserId::new(name.as_str()).err().map(|e| sentence(&e.to_string()))
    };
    if wrong.is_some() {
        let shows = context! { to => way_back(Some(&to)), asks => true };
        let page = Page { wrong, ..Page::new("reader.html", text_of("reader", "who_title"), shows).at("reader") };
        return page.seen_by(&visitor).into_response();
    }
    let mut choices = visitor.choices.clone();
    choices.reader = name;
    let mut response = go_to(&format!(".{}", way_back(Some(&to))));
    response.headers_mut().insert(header::SET_COOKIE, choices.keep(visitor.jar));
    response
}
