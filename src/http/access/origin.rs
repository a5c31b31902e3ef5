//! Changes that the page of another site sends are refused, in every mode: a browser brings along what it is signed in with,
//! and what reaches a service on loopback, whichever page asks it to.
//!
//! Browsers say of every request from where it comes: in `Sec-Fetch-Site`, which no page can set, and of changes in `Origin`.
//! Programs send neither. So a change is refused when
//!
//! - its `Origin` is not one that `cors_origins` lets in, and
//! - its `Sec-Fetch-Site` is there and neither `same-origin` nor `none` (typed, or from a bookmark), or
//! - there is no `Sec-Fetch-Site` (an older browser, or a plain address that is not loopback), and its `Origin` is there and not
//!   this service's own. `null` (a sandboxed frame, a file, a page that hides where it is) is nobody's own.
//!
//! No token stands in a form, then, and forms work without scripts. Reading needs no such rule: no GET changes anything, a
//! page of another origin cannot read the answer, and the cookie of a session (`SameSite=Lax`) is not sent along.

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};

use crate::http::App;
use crate::http::base::Seen;
use crate::http::door::count_refusal;
use crate::http::error::ApiError;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Lets through what the pages of other origins may send: nothing but questions.
///
/// # Errors
/// 403.
pub fn check(app: &App, parts: &Parts) -> Result<(), ApiError> {
    if !changes(&parts.method) || is_own(app, parts) {
        return Ok(());
    }
    count_refusal("origin");
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "a page of another site may not change anything here; whoever runs the service lets it in by `cors_origins`",
    ))
}

fn changes(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

fn is_own(app: &App, parts: &Parts) -> bool {
    let own = || {
        let Seen { host, https } = Seen::of(app, &parts.uri, &parts.headers, &parts.extensions);
        Own { public: app.public_url.as_deref(), host, https }
    };
    allows(&parts.headers, &app.settings.cors_origins, own)
}

/// What this service is called by the request.
struct Own<'a> {
    /// The setting `public_url`.
    public: Option<&'a str>,
    /// The host that the request was sent to, with its port where one is named.
    host: Option<String>,
    /// Whether it came by https; none where a proxy may have taken that off without saying so.
    https: Option<bool>,
}

/// Whether the headers of a change are those of a program, of a page of our own, or of one that is let in.
fn allows<'a>(headers: &HeaderMap, let_in: &[String], own: impl FnOnce() -> Own<'a>) -> bool {
    let origin = match one(headers, header::ORIGIN.as_str()) {
        Said::Nothing => None,
        Said::One(origin) => Some(origin),
        Said::Unclear => return false,
    };
    if origin.is_some_and(|origin| let_in.iter().any(|other| other == origin)) {
        return true;
    }
    match one(headers, SEC_FETCH_SITE) {
        Said::One(site) => matches!(site, "same-origin" | "none"),
        Said::Unclear => false,
        Said::Nothing => origin.is_none_or(|origin| own().is(origin)),
    }
}

impl Own<'_> {
    fn is(&self, origin: &str) -> bool {
        let Some((scheme, host)) = split(origin) else { return false };
        let public = self.public.and_then(split).is_some_and(|(own, own_host)| {
            own == scheme && bare(own_host.split('/').next().unwrap_or_default(), own) == bare(host, scheme)
        });
        let asked = self.host.as_deref().is_some_and(|own| {
            self.https.is_none_or(|https| https == (scheme == "https")) && bare(own, scheme) == bare(host, scheme)
        });
        public || asked
    }
}

/// Scheme, and what follows it.
fn split(address: &str) -> Option<(&str, &str)> {
    address.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
}

/// A host in lower case, without a port that says nothing.
fn bare(host: &str, scheme: &str) -> String {
    let usual = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(usual).unwrap_or(host).to_ascii_lowercase()
}

/// What a header that stands once says.
enum Said<'a> {
    Nothing,
    One(&'a str),
    /// It stands several times, or cannot be read.
    Unclear,
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Said<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Said::Nothing,
        (Some(value), None) => value.to_str().map_or(Said::Unclear, |text| Said::One(text.trim())),
        _ => Said::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn changes_come_from_programs_own_pages_and_those_that_are_let_in() {
        const SITE: &str = "sec-fetch-site";
        let let_in = ["https://portal.example".to_string()];
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[], true),
            (&[(SITE, "same-origin")], true),
            (&[(SITE, "none")], true),
            (&[(SITE, "same-site")], false),
            (&[(SITE, "cross-site")], false),
            (&[(SITE, "")], false),
            (&[(SITE, "Same-Origin")], false),
            (&[(SITE, "same-origin"), (SITE, "cross-site")], false),
            // What a browser hides from other pages is said by it all the same.
            (&[(SITE, "same-origin"), ("origin", "null")], true),
            (&[(SITE, "cross-site"), ("origin", "https://papers.example")], false),
            (&[("origin", "https://papers.example")], true),
            (&[("origin", "https://papers.example:443")], true),
            (&[("origin", "https://Papers.Example")], true),
            (&[("origin", "http://papers.example")], false),
            (&[("origin", "https://papers.example:8443")], false),
            (&[("origin", "https://papers.example.evil.example")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "")], false),
            (&[("origin", "file://")], false),
            (&[("origin", "https://papers.example"), ("origin", "https://evil.example")], false),
            (&[("origin", "https://portal.example")], true),
            (&[("origin", "https://portal.example"), (SITE, "cross-site")], true),
            (&[("origin", "https://portal.example.evil"), (SITE, "cross-site")], false),
            (&[("origin", "http://portal.example")], false),
        ];
        for (given, wanted) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in *given {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let own = || Own { public: None, host: Some("papers.example".into()), https: Some(true) };
            assert_eq!(allows(&headers, &let_in, own), *wanted, "{given:?}");
        }
    }

    #[test]
    fn the_own_origin_is_that_of_the_request_or_the_one_that_was_set() {
        let own = |public, host: &str, https| Own { public, host: Some(host.into()), https };
        let local = own(None, "127.0.0.1:7878", Some(false));
        assert!(local.is("http://127.0.0.1:7878") && !local.is("http://127.0.0.1:7879"));
        assert!(!local.is("http://localhost:7878") && !local.is("https://127.0.0.1:7878"));
        // A proxy that says nothing of the way may have come by either.
        let unsaid = own(None, "papers.example", None);
        assert!(unsaid.is("https://papers.example") && unsaid.is("http://papers.example"));
        let set = own(Some("https://papers.example/lab"), "10.0.0.5:7878", Some(false));
        assert!(set.is("https://papers.example") && set.is("http://10.0.0.5:7878"));
        assert!(!set.is("http://papers.example") && !set.is("https://papers.example/lab"));
        assert!(!Own { public: None, host: None, https: None }.is("http://x"));
        assert!(own(None, "[::1]:80", Some(false)).is("http://[::1]"));
    }
}
