//! Signing in by a proxy that stands in front: it writes into a header who somebody is (`[auth] trusted_user_header`).
//!
//! The header is believed where the other end of the connection is a proxy that is trusted, and ignored everywhere else: anybody
//! can send one. Such a proxy has to write the header itself, or take it off, in every request that it passes on.

use axum::http::HeaderMap;

use crate::access::{Caller, Identity, Scopes};
use crate::http::error::ApiError;
use crate::paper::head;
use crate::user::UserId;

/// What a request says of somebody who was signed in elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub enum Named {
    /// Nothing.
    Nothing,
    /// This is who, says a proxy that is trusted.
    Caller(Caller),
    /// Somebody says so who is not trusted.
    Untrusted,
}

/// Who somebody is by this header; `trusted` says whether whoever sent it is believed. They act for that reader and nobody else.
///
/// # Errors
/// 400 where a trusted proxy sends two of them, or what is no name.
pub fn named(headers: &HeaderMap, header: &str, trusted: bool) -> Result<Named, ApiError> {
    let mut values = headers.get_all(header).iter();
    let Some(value) = values.next() else { return Ok(Named::Nothing) };
    if !trusted {
        return Ok(Named::Untrusted);
    }
    let wrong = |why: String| Err(ApiError::bad_request(format!("the header {header} of the proxy {why}")));
    if values.next().is_some() {
        return wrong("stands twice; it has to name one reader".into());
    }
    let Ok(name) = std::str::from_utf8(value.as_bytes()) else { return wrong("is not UTF-8".into()) };
    match UserId::new(name.trim()) {
        Ok(reader) => {
            Ok(Named::Caller(Caller { identity: Identity::Proxy, scopes: Scopes::NONE, reader: Some(reader) }))
        }
        Err(e) => wrong(format!("names no reader: {}", head(&e.to_string(), 200))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_trusted_proxy_names_one_reader_and_nobody_else_does() {
        let ask = |values: &[&'static [u8]], trusted| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-user", HeaderValue::from_bytes(value).expect("a value"));
            }
            named(&headers, "X-User", trusted).map_err(|e| e.status.as_u16())
        };
        let Ok(Named::Caller(ada)) = ask(&[b"ada"], true) else { panic!("she is named") };
        assert!(ada.may_act_for("ada") && !ada.may_act_for("bob") && !ada.has(crate::access::Scope::Write));
        assert!(matches!(ask(&["ü <ada>".as_bytes()], true), Ok(Named::Caller(_))));
        assert_eq!(ask(&[b"ada"], false), Ok(Named::Untrusted));
        assert_eq!(ask(&[], true), Ok(Named::Nothing));
        for wrong in [&[&b""[..]][..], &[b" "], &[b"\xff"], &[b"ada", b"bob"], &[b"ada", b"ada"], &[&[b'a'; 300]]] {
            assert_eq!(ask(wrong, true), Err(400), "{wrong:?}");
        }
    }
}
