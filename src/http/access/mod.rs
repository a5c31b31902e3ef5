//! Who may call what.
//!
//! Whoever reaches the address may call everything: there is no authentication, and the address is the machine's own unless
//! `addr` says otherwise. What is decided here: the pages of which origins may ask from a browser (`cors_origins`); that a page
//! of another site may not send what browsers send without asking for leave; and what becomes of a wrong token of a news feed (whose right one is known to `Engine::opens_feed`; `door/guesses` counts). How
//! much anybody may ask for is another matter: `limits`, `door` and [`crate::bounds`].

mod caller;
mod table;

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::App;
use super::door::{Peer, count_refusal};
use super::error::ApiError;
use super::record;

pub use caller::authorize;

/// How long a browser may remember what it was allowed.
const ALLOWED_FOR: Duration = Duration::from_secs(3600);

/// What lets the pages of some origins ask from a browser, and those of no other; nothing where there are none.
pub fn origins(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let shown = [header::ETAG, header::LAST_MODIFIED, header::RETRY_AFTER, header::ALLOW, record::REQUEST_ID];
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods(methods)
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(shown)
            .max_age(ALLOWED_FOR)
    })
}

/// The error for whoever guesses: as it is, and after some failures of an address that it should wait. Who has the right token
/// is never counted, and never told to wait.
pub fn guessed(app: &App, peer: Option<Peer>, wrong: impl FnOnce() -> ApiError) -> ApiError {
    match peer.and_then(|Peer(address)| app.guesses.failed(address.ip())) {
        None => wrong(),
        Some(wait) => {
            count_refusal("guesses");
            ApiError::rate_limited("too many wrong tokens came from this address; try again later", wait)
        }
    }
}

/// Refuses a body that a page of another site sends in a way for which browsers ask for no leave.
///
/// # Errors
/// 403.
pub fn check_origin(headers: &HeaderMap, media: Option<&str>) -> Result<(), ApiError> {
    if matches!(media, None | Some("text/plain")) && is_elsewhere(headers) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "a page of another site may not send a list as text/plain; send it as application/octet-stream",
        ));
    }
    Ok(())
}

/// Whether a page of another origin sends this.
fn is_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        None => false,
        Some(origin) => {
            let own = text(header::HOST).unwrap_or_default();
            origin.split_once("://").is_none_or(|(_, host)| !host.eq_ignore_ascii_case(own))
        }
    }
}
