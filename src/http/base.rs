//! The address by which the service is reached from outside, for links that leave it.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HOST};
use axum::http::request::Parts;

use super::App;
use super::error::ApiError;
use crate::config::is_host;

/// The public address, without a slash at its end: the setting `public_url`, else what the request says of the way it came
/// (`Forwarded`, or `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix`), else its `Host`. Whoever is no proxy that is trusted
/// names no host but one that is served.
///
/// What a client writes into these headers comes back to that client alone: answers that hold such an address are `private`.
pub struct Base(pub String);

impl FromRequestParts<App> for Base {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(url) = &app.public_url {
            return Ok(Base(url.to_string()));
        }
        let own =
            parts.uri.authority().map(|authority| authority.as_str()).or_else(|| text(&parts.headers, HOST.as_str()));
        let local = app.local.to_string();
        let mut way = Way::of(&parts.headers);
        let rules = &app.rules;
        if !rules.clients.trust_peer(&parts.extensions) {
            way.host = way.host.filter(|host| rules.hosts.serve(host));
        }
        Ok(Base(way.address(own.filter(|host| is_host(host)).unwrap_or(&local))))
    }
}

/// What the headers of a proxy say.
#[derive(Debug, Default, PartialEq)]
struct Way<'a> {
    proto: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<&'a str>,
    prefix: Option<&'a str>,
}

impl<'a> Way<'a> {
    /// Of several proxies the first counts: it is the one that the client sees. What cannot be part of an address is left out.
    fn of(headers: &'a HeaderMap) -> Self {
        let first = |name: &str| Some(text(headers, name)?.split(',').next().unwrap_or_default().trim());
        let mut way = Way {
            proto: first("x-forwarded-proto"),
            host: first("x-forwarded-host"),
            port: first("x-forwarded-port"),
            prefix: first("x-forwarded-prefix"),
        };
        for pair in first(FORWARDED.as_str()).unwrap_or_default().split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = Some(value.trim().trim_matches('"'));
            match name.trim().to_ascii_lowercase().as_str() {
                "proto" => way.proto = value,
                "host" => way.host = value,
                _ => {}
            }
        }
        let part = |c: char| c.is_ascii_alphanumeric() || "-._~%/".contains(c);
        way.proto = way.proto.filter(|p| p.eq_ignore_ascii_case("http") || p.eq_ignore_ascii_case("https"));
        way.host = way.host.filter(|host| is_host(host));
        way.port = way.port.filter(|port| port.parse::<u16>().is_ok());
        way.prefix = way.prefix.filter(|p| p.starts_with('/') && !p.starts_with("//") && p.chars().all(part));
        way
    }

    /// `own` is the host that the request names itself.
    fn address(&self, own: &str) -> String {
        let proto = self.proto.unwrap_or("http").to_ascii_lowercase();
        let (host, prefix) = (self.host.unwrap_or(own), self.prefix.unwrap_or_default().trim_end_matches('/'));
        let usual = if proto == "https" { "443" } else { "80" };
        // A port says something only of the host that came with it, and nothing where that host has one.
        let ported = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        match self.port.filter(|port| self.host.is_some() && !ported && *port != usual) {
            Some(port) => format!("{proto}://{host}:{port}{prefix}"),
            None => format!("{proto}://{host}{prefix}"),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn the_way_a_request_came_says_how_the_service_is_reached() {
        for (headers, wanted) in [
            (&[][..], "http://own:7878"),
            (&[("x-forwarded-proto", "https")][..], "https://own:7878"),
            (&[("x-forwarded-proto", "https"), ("x-forwarded-host", "papers.example")][..], "https://papers.example"),
            (
                &[("x-forwarded-host", "a.example, b.example"), ("x-forwarded-prefix", "/lab/")][..],
                "http://a.example/lab",
            ),
            (
                &[("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example"), ("x-forwarded-port", "8443")][..],
                "https://a.example:8443",
            ),
            (&[("x-forwarded-host", "a.example"), ("x-forwarded-port", "80")][..], "http://a.example"),
            (
                &[("forwarded", "for=1.2.3.4; Proto=https;host=\"a.example:8443\", for=x;host=b")][..],
                "https://a.example:8443",
            ),
            (&[("x-forwarded-host", "a.example\"><b>"), ("x-forwarded-proto", "javascript")][..], "http://own:7878"),
            (&[("x-forwarded-prefix", "//evil.example")][..], "http://own:7878"),
            (&[("x-forwarded-host", "[::1]"), ("x-forwarded-port", "81")][..], "http://[::1]:81"),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(Way::of(&map).address("own:7878"), wanted, "{headers:?}");
        }
    }
}
