//! The key that a request brings, and the places where none may stand.

use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::config::AuthMode;
use crate::http::error::ApiError;
use crate::paper::head;

/// What every key begins with.
const PREFIX: &str = "pk_";

/// Names of parameters under which other services take keys in an address.
const NAMES: [&str; 5] = ["key", "api_key", "apikey", "api-key", "access_token"];

/// The key in the headers: `Authorization: Bearer pk_...`, or `X-Api-Key: pk_...`. Where nobody has to bring one, what does not
/// look like a key of ours is none: clients of other services send something whatever they are told.
///
/// # Errors
/// 400 where there are two.
pub fn key(headers: &HeaderMap, mode: AuthMode) -> Result<Option<&str>, ApiError> {
    let bearer = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, text) = value.to_str().unwrap_or_default().trim().split_once(' ')?;
        // Other schemes are for whoever stands in front.
        scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
    });
    let named = headers.get_all("x-api-key").iter().map(|value| value.to_str().unwrap_or_default().trim());
    let (mut first, mut own): (Option<&str>, Option<&str>) = (None, None);
    for text in bearer.chain(named) {
        first = first.or(Some(text));
        if text.starts_with(PREFIX) {
            match own {
                Some(other) if other != text => {
                    return Err(ApiError::bad_request("the request brings two keys; send one"));
                }
                _ => own = Some(text),
            }
        }
    }
    Ok(match mode {
        AuthMode::Open => own,
        AuthMode::Keys => own.or(first),
    })
}

/// Whether a path has something in it that begins like a key.
pub fn holds_key(path: &str) -> bool {
    path.contains(PREFIX) || percent_encoding::percent_decode_str(path).decode_utf8_lossy().contains(PREFIX)
}

/// Refuses an address that holds a key: addresses are written into logs and histories, and sent on as referrers.
///
/// # Errors
/// 400.
pub fn check_address(uri: &Uri) -> Result<(), ApiError> {
    let Some(query) = uri.query() else { return Ok(()) };
    let found = form_urlencoded::parse(query.as_bytes())
        .find(|(name, value)| value.starts_with(PREFIX) || NAMES.iter().any(|n| name.eq_ignore_ascii_case(n)));
    match found {
        None => Ok(()),
        Some((name, _)) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            format!(
                "a key does not belong into an address (the parameter {:?}): send it in a header, `Authorization: Bearer pk_...`. \
                 Addresses end up in logs, so a key that stood in one should be revoked (`paperkin keys revoke ID`)",
                head(&name, 40)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn a_key_is_found_wherever_clients_send_it() {
        let found = |headers: &[(&'static str, &'static str)], mode| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            key(&map, mode).map(|key| key.map(str::to_string)).map_err(|e| e.status.as_u16())
        };
        let some = |text: &str| Ok(Some(text.to_string()));
        for (headers, open, keys) in [
            (&[][..], Ok(None), Ok(None)),
            (&[("authorization", "Bearer pk_a_b")][..], some("pk_a_b"), some("pk_a_b")),
            (&[("authorization", "bEARER   pk_a_b ")][..], some("pk_a_b"), some("pk_a_b")),
            (&[("x-api-key", "pk_a_b")][..], some("pk_a_b"), some("pk_a_b")),
            (&[("authorization", "Bearer hf_x"), ("x-api-key", "pk_a_b")][..], some("pk_a_b"), some("pk_a_b")),
            (&[("authorization", "Bearer hf_x")][..], Ok(None), some("hf_x")),
            (&[("authorization", "Bearer ")][..], Ok(None), Ok(None)),
            (&[("authorization", "Basic cGtfYV9i")][..], Ok(None), Ok(None)),
            (&[("authorization", "pk_a_b")][..], Ok(None), Ok(None)),
            (&[("authorization", "Bearer pk_a_b"), ("x-api-key", "pk_a_b")][..], some("pk_a_b"), some("pk_a_b")),
            (&[("authorization", "Bearer pk_a_b"), ("x-api-key", "pk_c_d")][..], Err(400), Err(400)),
            (&[("authorization", "Bearer pk_a_b"), ("authorization", "Bearer pk_c_d")][..], Err(400), Err(400)),
        ] {
            assert_eq!(found(headers, AuthMode::Open), open, "{headers:?}");
            assert_eq!(found(headers, AuthMode::Keys), keys, "{headers:?}");
        }
    }

    #[test]
    fn a_key_in_an_address_is_refused() {
        let status = |uri: &str| check_address(&uri.parse().expect("a uri")).map_err(|e| e.status.as_u16());
        for uri in [
            "/x?key=a",
            "/x?limit=3&API_KEY=",
            "/x?access_token=abc",
            "/x?q=pk_1_2",
            "/x?token=%70k_1_2",
            "/x?%6bey=1",
            "/x?pk=1&a=pk_",
        ] {
            assert_eq!(status(uri), Err(400), "{uri}");
        }
        for uri in ["/x", "/x?", "/x?q=the+key+to+pk_", "/x?token=abc", "/x?keys=1", "/x?pk_=1"] {
            assert_eq!(status(uri), Ok(()), "{uri}");
        }
    }
}
