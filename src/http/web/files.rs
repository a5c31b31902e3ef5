//! The files of the pages: styles, scripts, pictures. They are compiled in, and their address holds what they hold
//! (`web/VERSION/page.js`), so that a browser keeps them for good and never shows an old one.

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::error::ApiError;
use crate::paper::head;
use crate::templates::{Text, text};

/// What draws the map, also in a page that stands alone (`paperkin themes --map`): the modules, those first that others use, and the
/// look.
pub const MAP: [Text; 6] = [
    text!("map_base.js", "src/http/web", "scripts/map_base.js"),
    text!("map_data.js", "src/http/web", "scripts/map_data.js"),
    text!("map_draw.js", "src/http/web", "scripts/map_draw.js"),
    text!("map_hands.js", "src/http/web", "scripts/map_hands.js"),
    text!("map_list.js", "src/http/web", "scripts/map_list.js"),
    text!("map.js", "src/http/web", "scripts/map.js"),
];
pub const MAP_STYLE: &str = include_str!("style/map.css");

/// The look, in this order one file for a browser.
const STYLES: &[Text] = &[
    text!("page", "src/http/web", "style/page.css"),
    text!("papers", "src/http/web", "style/papers.css"),
    text!("search", "src/http/web", "style/search.css"),
    text!("feed", "src/http/web", "style/feed.css"),
    text!("library", "src/http/web", "style/library.css"),
    text!("themes", "src/http/web", "style/themes.css"),
    text!("map", "src/http/web", "style/map.css"),
    text!("admin", "src/http/web", "style/admin.css"),
];

/// What [`STYLES`] are called.
const STYLE: &str = "page.css";

const FILES: &[Text] = &[
    text!("page.js", "src/http/web", "scripts/page.js"),
    text!("api.js", "src/http/web", "scripts/api.js"),
    text!("feeds.js", "src/http/web", "scripts/feeds.js"),
    text!("folders.js", "src/http/web", "scripts/folders.js"),
    text!("forms.js", "src/http/web", "scripts/forms.js"),
    text!("import.js", "src/http/web", "scripts/import.js"),
    text!("keys.js", "src/http/web", "scripts/keys.js"),
    text!("navigation.js", "src/http/web", "scripts/navigation.js"),
    text!("opinions.js", "src/http/web", "scripts/opinions.js"),
    text!("said.js", "src/http/web", "scripts/said.js"),
    text!("suggest.js", "src/http/web", "scripts/suggest.js"),
    text!("themes.js", "src/http/web", "scripts/themes.js"),
    text!("icon.svg", "src/http/web", "icon.svg"),
];

/// Scripts that every page needs, beside the one that it names: a browser fetches them at once.
pub const SCRIPTS: &[&str] = &["api.js", "keys.js", "navigation.js", "opinions.js", "said.js", "suggest.js"];

/// Letters of the hash of all files that stand in their addresses.
const VERSION: usize = 10;

/// What stands in the addresses of the files: another for every set of files.
pub fn version() -> &'static str {
    static VERSION_OF_ALL: OnceLock<String> = OnceLock::new();
    VERSION_OF_ALL.get_or_init(|| {
        let mut hash = blake3::Hasher::new();
        FILES.iter().chain(&MAP).chain(STYLES).for_each(|file| {
            hash.update(file.name.as_bytes()).update(file.text.as_bytes());
        });
        hash.finalize().to_hex()[..VERSION].to_string()
    })
}

/// `GET /web/{version}/{name}`
pub async fn get(Path((asked, name)): Path<(String, String)>) -> Response {
    let text = match FILES.iter().chain(&MAP).find(|file| file.name == name) {
        Some(file) => file.now(),
        None if name == STYLE => Cow::Owned(STYLES.iter().map(|style| style.now().into_owned()).collect()),
        None => {
            let message = format!("the pages have no file {}", head(&name, 60));
            return ApiError::new(StatusCode::NOT_FOUND, message).into_response();
        }
    };
    let media_type = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/svg+xml",
    };
    // A page of another version that is still open somewhere gets what there is, and asks again the next time.
    let fresh = asked == version() && cfg!(not(feature = "live-pages"));
    let kept = if fresh { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, kept)], text).into_response()
}
