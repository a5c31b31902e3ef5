//! The page for visitors, and those by which they sign in and out. The files of the first are compiled in; the others are made
//! from templates.

mod browser;
mod form;
mod pages;
mod sessions;
mod sign_in;
pub mod subscription;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::App;

pub use sign_in::in_place_of;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What draws the map, also in a page that stands alone (`paperkin themes --map`): the modules, those first that others use, and the
/// look.
pub const MAP: [(&str, &str); 6] = [
    ("/web/map_base.js", include_str!("map_base.js")),
    ("/web/map_data.js", include_str!("map_data.js")),
    ("/web/map_draw.js", include_str!("map_draw.js")),
    ("/web/map_hands.js", include_str!("map_hands.js")),
    ("/web/map_list.js", include_str!("map_list.js")),
    ("/web/map.js", include_str!("map.js")),
];
pub const MAP_STYLE: &str = include_str!("map.css");

/// The pages and their parts.
pub fn routes() -> Router<App> {
    let map = MAP.iter().fold(Router::new(), |routes, (path, text)| routes.route(path, get(|| file(SCRIPT, text))));
    map.route("/", get(|| file("text/html; charset=utf-8", include_str!("index.html"))))
        .route("/sign-in", get(sign_in::form).post(sign_in::with_key))
        .route("/sign-in/{token}", get(sign_in::link).post(sign_in::with_link))
        .route("/sign-out", get(sign_in::ask_to_sign_out).post(sign_in::sign_out))
        .route("/sessions", get(sessions::list).post(sessions::end))
        .route("/web/page.js", get(|| file(SCRIPT, include_str!("page.js"))))
        .route("/web/base.js", get(|| file(SCRIPT, include_str!("base.js"))))
        .route("/web/dialog.js", get(|| file(SCRIPT, include_str!("dialog.js"))))
        .route("/web/lists.js", get(|| file(SCRIPT, include_str!("lists.js"))))
        .route("/web/reader.js", get(|| file(SCRIPT, include_str!("reader.js"))))
        .route("/web/paper.js", get(|| file(SCRIPT, include_str!("paper.js"))))
        .route("/web/foryou.js", get(|| file(SCRIPT, include_str!("foryou.js"))))
        .route("/web/interests.js", get(|| file(SCRIPT, include_str!("interests.js"))))
        .route("/web/welcome.js", get(|| file(SCRIPT, include_str!("welcome.js"))))
        .route("/web/you.js", get(|| file(SCRIPT, include_str!("you.js"))))
        .route("/web/themes.js", get(|| file(SCRIPT, include_str!("themes.js"))))
        .route("/web/map.css", get(|| file("text/css; charset=utf-8", MAP_STYLE)))
        .route("/web/icon.svg", get(|| file("image/svg+xml", include_str!("icon.svg"))))
        .route("/web/page.css", get(|| file("text/css; charset=utf-8", include_str!("page.css"))))
}

/// What a browser may do with it is said in `headers`.
async fn file(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")], text)
}
