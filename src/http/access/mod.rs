//! Who may call what.
//!
//! A request passes four doors, each before anything of its body is read. `hosts`: it asks for a host that is served. `origin`:
//! no page of another site changes anything. `caller`: who asks is recognised (by a key, by the cookie of a session, by the word
//! of a trusted `proxy`), and the one `table` of routes says whether they may; what is not in the table is closed. `reader`: a
//! handler gets the reader that a call is about with the proof that its caller may act for them, and in no other way. Where the
//! service listens, and whether it may be open to everybody there, is looked at before that (`reach`).
//!
//! Besides: who the client is where a proxy stands between (`client`); the pages of which origins may ask from a browser
//! (`cors_origins`), never with a cookie; and what becomes of whoever guesses (`door/guesses` counts). How much anybody may ask for is another matter: `limits`, `door` and
//! [`crate::bounds`].

mod caller;
mod client;
mod cookie;
mod credentials;
mod hosts;
mod origin;
mod proxy;
mod reach;
mod reader;
mod table;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use self::client::Clients;
use self::hosts::Hosts;
use super::App;
use super::door::count_refusal;
use super::error::ApiError;
use super::record;
use crate::config::{Auth, Config};

pub use self::caller::{authorize, not_this_reader};
pub use self::cookie::Jar;
pub use self::credentials::holds_key;
pub use self::hosts::answer_for_own_hosts;
pub use self::reach::{check_listening, check_reach};
pub use self::reader::{Behind, BothBehind, Reader};
#[cfg(test)]
pub use self::table::all as all_of_table;
pub use self::table::{Entry, as_in_router, entry};

/// What is decided by the settings.
#[derive(Debug)]
pub struct Rules {
    /// Whether a request has to say who asks.
    pub auth: Auth,
    /// Under which names the service answers.
    pub hosts: Hosts,
    /// Who the client of a request is.
    pub clients: Clients,
}

impl Rules {
    /// By the settings, for a service that listens there.
    pub fn of(config: &Config, local: SocketAddr) -> Self {
        Rules { auth: config.auth.clone(), hosts: Hosts::of(config, local), clients: Clients::of(&config.server) }
    }
}

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

/// The error for whoever guesses: as it is, and after some failures of an address that it should wait. Who has the right secret
/// is never counted, and never told to wait.
pub fn guessed(app: &App, parts: &Parts, wrong: impl FnOnce() -> ApiError) -> ApiError {
    let client = app.rules.clients.address(&parts.extensions, &parts.headers);
    guessed_by(app, client, wrong)
}

/// The same for a client of this address.
pub fn guessed_by(app: &App, client: Option<IpAddr>, wrong: impl FnOnce() -> ApiError) -> ApiError {
    match client.and_then(|address| app.guesses.failed(address)) {
        None => wrong(),
        Some(wait) => {
            count_refusal("guesses");
            ApiError::rate_limited("too many wrong keys or tokens came from this address; try again later", wait)
        }
    }
}
