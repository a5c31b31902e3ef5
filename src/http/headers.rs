//! What every answer tells a browser beside its content: what the page may load and who may show it, that a type is what it says,
//! and what may be kept.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::clients::Dialect;
use crate::access::{Caller, Identity};

/// Of a page: scripts, styles and pictures of our own, and none that stands in the page itself, so that no text that it shows can
/// become one. No script makes elements from texts (Trusted Types).
const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Of the page that tries the API, which is not ours (Swagger UI): it makes elements from texts, and writes one style into the
/// page, which is named here by what it holds. Its scripts are files of this service.
const DOCS: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Of what is no page, should a browser show it as one.
const NONE: &str = "default-src 'none'; frame-ancestors 'none'";

/// Adds them, where the answer does not say otherwise.
pub async fn guard(request: Request, next: Next) -> Response {
    let place = Place::of(request.method(), request.uri());
    let mut response = next.run(request).await;
    let own = response
        .extensions()
        .get::<Caller>()
        .is_some_and(|caller| !matches!(caller.identity, Identity::Anyone | Identity::Nobody));
    let headers = response.headers_mut();
    put(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let html = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    put(
        headers,
        header::CONTENT_SECURITY_POLICY,
        match place {
            Place::Docs => DOCS,
            _ if html => PAGE,
            _ => NONE,
        },
    );
    if html {
        // Not `no-referrer`: with it browsers send forms with `Origin: null`, which could not be told from another site's.
        put(headers, header::REFERRER_POLICY, "same-origin");
        put(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        put(headers, header::X_FRAME_OPTIONS, "DENY");
    }
    // Another origin does not even get it into its process, but where it was let in (which asks by CORS).
    put(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    // What is of a reader, or was told to somebody alone, stays in no cache.
    if place == Place::Reader || own && place == Place::Api {
        put(headers, header::CACHE_CONTROL, "private, no-store");
    }
    response
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// What lies at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Docs,
    Api,
    /// What is of a reader, or says who may come in.
    Reader,
    Other,
}

impl Place {
    fn of(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        let of_reader = ["/v1/users", "/v1/me", "/v1/sessions", "/v1/keys"];
        if path.starts_with("/docs") {
            Place::Docs
        } else if of_reader
            .iter()
            .any(|start| path.strip_prefix(start).is_some_and(|r| r.is_empty() || r.starts_with('/')))
        {
            Place::Reader
        } else if path.starts_with("/v1/") || path == "/metrics" || Dialect::of(method, path).is_some() {
            Place::Api
        } else {
            Place::Other
        }
    }
}
