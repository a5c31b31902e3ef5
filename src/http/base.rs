//! The address by which the service is reached from outside, for links that leave it.

use axum::extract::FromRequestParts;
use axum::http::header::{FORWARDED, HOST};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Uri};

use super::App;
use super::access::Jar;
use super::door::Scheme;
use super::error::ApiError;
use crate::config::is_host;

/// The public address, without a slash at its end: the setting `public_url`, else what the request says of the way it came
/// (`Forwarded`, or `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix`), else its `Host` and whether it came by TLS. Whoever is
/// no proxy that is trusted names no host but one that is served.
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
        Ok(Base(way.address(Scheme::of(&parts.extensions), own.filter(|host| is_host(host)).unwrap_or(&local))))
    }
}

/// By which way a request came, as its browser sees it. What a proxy says of it is believed of one that is trusted.
#[derive(Debug, PartialEq)]
pub struct Seen {
    /// The host that was asked for, with its port where one is named.
    pub host: Option<String>,
    /// Whether it came by https; none where a proxy may have taken that off without saying so.
    pub https: Option<bool>,
}

impl Seen {
    /// By the parts of a request.
    pub fn of(app: &App, uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let own = uri.authority().map(|authority| authority.as_str()).or_else(|| text(headers, HOST.as_str()));
        let own = own.filter(|host| is_host(host));
        Seen::by(own, app.rules.clients.trust_peer(extensions).then(|| Way::of(headers)), Scheme::of(extensions))
    }

    /// `own` is the host that the request names itself, `way` what a proxy says that is trusted, `scheme` how it came to us.
    fn by(own: Option<&str>, way: Option<Way<'_>>, scheme: Scheme) -> Self {
        let https = match (way.as_ref().and_then(|way| way.proto), scheme) {
            (Some(proto), _) => Some(proto.eq_ignore_ascii_case("https")),
            (None, Scheme::Https) => Some(true),
            // A proxy that says nothing may have come by either.
            (None, Scheme::Http) => way.is_none().then_some(false),
        };
        let way = way.unwrap_or_default();
        let host = way.host.or(own).map(|host| {
            let address = Way { prefix: None, ..way }.address(scheme, host);
            address.split_once("://").map_or(address.clone(), |(_, host)| host.to_string())
        });
        Seen { host, https }
    }

    /// Where the cookie of a session goes. Behind a proxy that does not say by which way a request came, that of a host which the
    /// setting `public_url` calls https came by it.
    pub fn jar(&self, app: &App) -> Jar {
        let public = || {
            let (own, host) = (app.public_url.as_deref()?.strip_prefix("https://")?, self.host.as_deref()?);
            Some(own.split('/').next().unwrap_or_default().eq_ignore_ascii_case(host))
        };
        match self.https.or_else(public) {
            Some(true) => Jar::Secure,
            _ => Jar::Plain(app.local.port()),
        }
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

    /// `scheme` is how the request came to us, `own` the host that it names itself.
    fn address(&self, scheme: Scheme, own: &str) -> String {
        let proto = self.proto.unwrap_or(scheme.name()).to_ascii_lowercase();
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
            assert_eq!(Way::of(&map).address(Scheme::Http, "own:7878"), wanted, "{headers:?}");
        }
        let seen = |way: Option<&'static str>, trusted: bool, scheme| {
            let mut headers = HeaderMap::new();
            way.into_iter().for_each(|way| drop(headers.insert("forwarded", HeaderValue::from_static(way))));
            let Seen { host, https } = Seen::by(Some("own:7878"), trusted.then(|| Way::of(&headers)), scheme);
            (host.unwrap_or_default(), https)
        };
        let told = Some("proto=https;host=a.example");
        assert_eq!(seen(told, true, Scheme::Http), ("a.example".into(), Some(true)));
        assert_eq!(seen(told, false, Scheme::Http), ("own:7878".into(), Some(false)));
        assert_eq!(seen(None, true, Scheme::Http), ("own:7878".into(), None));
        assert_eq!(seen(None, false, Scheme::Https), ("own:7878".into(), Some(true)));
        assert_eq!(seen(Some("proto=http"), true, Scheme::Https), ("own:7878".into(), Some(false)));
        let proxied = Way { proto: Some("http"), ..Way::default() };
        assert_eq!(Way::default().address(Scheme::Https, "own:7878"), "https://own:7878");
        assert_eq!(proxied.address(Scheme::Https, "own:7878"), "http://own:7878");
    }
}
