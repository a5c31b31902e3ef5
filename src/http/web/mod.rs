//! The pages: read and used without scripts, made quick by them. Each has a file here that asks the engine, a template in `pages`,
//! and its texts in `texts`; `style` and `scripts` are compiled in and served as they stand.

mod browser;
mod cards;
mod choices;
mod dates;
mod deeds;
mod files;
mod form;
mod links;
mod opinions;
mod pages;
mod paper;
mod rich;
mod sessions;
mod sign_in;
pub mod subscription;
mod texts;
mod today;
mod visitor;
mod why;

use axum::Router;
use axum::routing::{get, post};

use super::App;

pub use files::{MAP, MAP_STYLE};
pub use sign_in::in_place_of;


/// The pages and their parts.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(today::today))
        .route("/paper/{id}", get(paper::paper))
        .route("/opinion", post(deeds::opinion))
        .route("/choices", post(deeds::choices))
        .route("/sign-in", get(sign_in::form).post(sign_in::with_key))
        .route("/sign-in/{token}", get(sign_in::link).post(sign_in::with_link))
        .route("/sign-out", get(sign_in::ask_to_sign_out).post(sign_in::sign_out))
        .route("/sessions", get(sessions::list).post(sessions::end))
        .route("/web/{version}/{name}", get(files::get))
}
