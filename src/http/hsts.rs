//! The promise to browsers that the service is reached by https alone.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::door::Scheme;

/// A year, as is usual. Not for the names below it, of which this service knows nothing.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds `Strict-Transport-Security` to answers that go out by TLS, be it ours or (where `public_url` begins with `https://`) that of a
/// proxy. Not for `localhost`: a browser keeps the promise for every port of a name, also for what somebody else serves there.
pub async fn promise(State(app): State<App>, request: Request, next: Next) -> Response {
    let outside = app.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let promised = (outside || Scheme::of(request.extensions()) == Scheme::Https) && has_a_name(request.headers());
    let mut response = next.run(request).await;
    if promised {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
    response
}

/// Whether the host that was asked is a name of its own.
fn has_a_name(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    !name.is_empty() && !address && !name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_this_machine_are_no_names() {
        for (host, named) in [
            ("papers.example", true),
            ("papers.example:7878", true),
            ("localhost", false),
            ("LOCALHOST:7878", false),
            ("127.0.0.1:7878", false),
            ("[::1]:7878", false),
            ("[::1]", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            assert_eq!(has_a_name(&headers), named, "{host}");
        }
        assert!(!has_a_name(&HeaderMap::new()));
    }
}
