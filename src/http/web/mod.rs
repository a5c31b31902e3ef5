//! The pages: read and used without scripts, made quick by them. Each has a file here that asks the engine, a template in `pages`,
//! and its texts in `texts`; `style` and `scripts` are compiled in and served as they stand.

mod admin;
mod browser;
mod cards;
mod choices;
mod dates;
mod deeds;
mod files;
mod for_you;
mod form;
mod groups;
mod library;
mod links;
mod opinions;
mod pages;
mod paper;
mod reader;
mod rich;
mod search;
mod sessions;
mod sign_in;
mod subscribe;
pub mod subscription;
mod texts;
mod themes;
mod today;
mod trending;
mod visitor;
mod why;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::pages::Page;
use self::visitor::Visitor;
use super::App;
use super::error::ApiError;

pub use files::{MAP, MAP_STYLE};
pub use sign_in::in_place_of;

/// The pages and their parts.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(today::today))
        .route("/paper/{id}", get(paper::paper))
        .route("/trending", get(trending::trending))
        .route("/search", get(search::search))
        .route("/for-you", get(for_you::for_you))
        .route("/begin", get(for_you::begin))
        .route("/questions", get(for_you::questions))
        .route("/turned-down", get(for_you::turned_down))
        .route("/library", get(library::library))
        .route("/library/searches/{id}", get(library::search))
        .route("/themes", get(themes::themes))
        .route("/theme/{id}", get(themes::theme))
        .route("/map", get(themes::map))
        .route("/subscribe", get(subscribe::subscribe))
        .route("/admin", get(admin::admin))
        .route("/reader", get(reader::reader).post(reader::choose))
        .route("/opinion", post(deeds::opinion))
        .route("/choices", post(deeds::choices))
        .route("/sign-in", get(sign_in::form).post(sign_in::with_key))
        .route("/sign-in/{token}", get(sign_in::link).post(sign_in::with_link))
        .route("/sign-out", get(sign_in::ask_to_sign_out).post(sign_in::sign_out))
        .route("/sessions", get(sessions::list).post(sessions::end))
        .route("/web/{version}/{name}", get(files::get))
}

/// What there is at an address at which there is nothing: a page for a browser, the error of the API for a program.
pub async fn nothing_there(State(_): State<App>, visitor: Visitor, request: Request) -> Response {
    let path = request.uri().path();
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if request.method() == Method::GET && accepts.contains("text/html") && !path.starts_with("/v1/") {
        let depth = path.matches('/').count().saturating_sub(1);
        let e = ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", crate::paper::head(path, 200)));
        return Page::of_error(&e, depth).seen_by(&visitor).into_response();
    }
    let named = ["/v1/papers/", "/v1/users/", "/v1/themes/"].iter().any(|start| path.starts_with(start));
    let hint = if named { " (a `/` in an id is written %2F)" } else { "" };
    ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}; /docs lists what there is{hint}"))
        .into_response()
}
