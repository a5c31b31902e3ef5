//! The cookie that holds the secret of a session.
//!
//! No script reads it (`HttpOnly`), and no other site sends it along (`SameSite=Lax`). By https it is sent by https alone and
//! its name begins with `__Host-`: then browsers take it from this very host and nobody else. By plain http it has another name,
//! with the port, as browsers know of no ports: two services on one machine do not sign each other's readers out.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};

use crate::engine::{SESSION_LONGEST, Secret};

/// Cookies of one name that are looked at.
const MOST: usize = 4;

/// Where the cookie goes: by which way the request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jar {
    /// By https.
    Secure,
    /// By plain http, to this port of ours.
    Plain(u16),
}

impl Jar {
    fn name(self) -> String {
        match self {
            Jar::Secure => "__Host-paperkin".into(),
            Jar::Plain(port) => format!("paperkin-{port}"),
        }
    }

    /// The secrets that a browser brings, at most a few: by plain http others on this machine can set a cookie of this name as
    /// well, and theirs may come first.
    pub fn secrets(self, headers: &HeaderMap) -> Vec<Secret> {
        let name = self.name();
        let given = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let of_name = given.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == name);
        of_name.filter_map(|cookie| Secret::parse(cookie.value())).take(MOST).collect()
    }

    /// Has a browser keep a secret. How long it is good is decided here: this is no more than how long it may be tried.
    pub fn keep(self, secret: &Secret) -> HeaderValue {
        let days = i64::try_from(SESSION_LONGEST.as_secs()).unwrap_or(i64::MAX);
        self.value(secret.text(), days)
    }

    /// Has a browser forget it.
    pub fn forget(self) -> HeaderValue {
        self.value(String::new(), 0)
    }

    fn value(self, text: String, seconds: i64) -> HeaderValue {
        let cookie = Cookie::build((self.name(), text))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self == Jar::Secure)
            .max_age(cookie::time::Duration::seconds(seconds));
        // Of letters, digits and signs that a header may hold: making it cannot fail.
        HeaderValue::from_str(&cookie.build().to_string()).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_out_and_comes_back_under_the_name_of_its_way() {
        let secret = Secret::fresh().expect("random");
        for (jar, name) in [(Jar::Secure, "__Host-paperkin"), (Jar::Plain(7878), "paperkin-7878")] {
            let sent = jar.keep(&secret);
            let sent = sent.to_str().expect("text");
            assert!(sent.starts_with(&format!("{name}={}; ", secret.text())), "{sent}");
            for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"] {
                assert!(sent.split("; ").any(|part| part == attribute), "{sent} has no {attribute}");
            }
            assert_eq!(sent.split("; ").any(|part| part == "Secure"), jar == Jar::Secure, "{sent}");
            assert!(!sent.contains("Domain"));
            assert!(jar.forget().to_str().expect("text").contains("Max-Age=0"));
            let mut headers = HeaderMap::new();
            let another = Secret::fresh().expect("random");
            let brought = format!("other=1; {name}=bad; {name}={}; {name}={}; x", another.text(), secret.text());
            headers.insert(header::COOKIE, HeaderValue::from_str(&brought).expect("a header"));
            assert!(jar.secrets(&headers) == [another, secret.clone()]);
            assert!(Jar::Plain(7879).secrets(&headers).is_empty());
        }
        assert!(Jar::Secure.secrets(&HeaderMap::new()).is_empty());
    }
}
