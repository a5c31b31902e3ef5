//! The key that a request brings, and the places where none may stand.

use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::engine::{self, KEY_PREFIX};
use crate::http::error::ApiError;
use crate::paper::head;

/// Names of parameters under which other services take keys in an address.
const NAMES: [&str; 5] = ["key", "api_key", "apikey", "api-key", "access_token"];

/// What a request brings to say who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought<'a> {
    Nothing,
    /// What looks like a key of ours.
    Key(&'a str),
    /// Something else in a place for keys: of a proxy that signs people in, of a client that was made for another service, or a
    /// key that was copied wrongly.
    Other,
}

/// What stands in the headers for keys: `Authorization: Bearer pk_...`, or `X-Api-Key: pk_...`.
///
/// # Errors
/// 400 where there are two.
pub fn key(headers: &HeaderMap) -> Result<Brought<'_>, ApiError> {
    let bearer = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, text) = value.to_str().unwrap_or_default().trim().split_once(' ')?;
        // Other schemes are for whoever stands in front.
        scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
    });
    let named = headers.get_all("x-api-key").iter().map(|value| value.to_str().unwrap_or_default().trim());
    let mut brought = Brought::Nothing;
    for text in bearer.chain(named) {
        brought = match brought {
            Brought::Key(other) if text.starts_with(KEY_PREFIX) && other != text => {
                return Err(ApiError::bad_request("the request brings two keys; send one"));
            }
            Brought::Key(other) => Brought::Key(other),
            _ if text.starts_with(KEY_PREFIX) => Brought::Key(text),
            _ => Brought::Other,
        };
    }
    Ok(brought)
}

/// Whether a path has a key in it.
pub fn holds_key(path: &str) -> bool {
    engine::holds_key(&percent_encoding::percent_decode_str(path).decode_utf8_lossy())
}

/// Refuses an address that holds a key: addresses are written into logs and histories, and sent on as referrers.
///
/// # Errors
/// 400.
pub fn check_address(uri: &Uri) -> Result<(), ApiError> {
    let Some(query) = uri.query() else { return Ok(()) };
    let found = form_urlencoded::parse(query.as_bytes())
        .find(|(name, value)| engine::holds_key(value) || NAMES.iter().any(|n| name.eq_ignore_ascii_case(n)));
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
        let found = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            key(&map).map(|brought| format!("{brought:?}")).map_err(|e| e.status.as_u16())
        };
        let own = || Ok("Key(\"pk_a_b\")".to_string());
        let (nothing, other) = (|| Ok("Nothing".to_string()), || Ok("Other".to_string()));
        for (headers, wanted) in [
            (&[][..], nothing()),
            (&[("authorization", "Bearer pk_a_b")][..], own()),
            (&[("authorization", "bEARER   pk_a_b ")][..], own()),
            (&[("x-api-key", "pk_a_b")][..], own()),
            (&[("authorization", "Bearer hf_x"), ("x-api-key", "pk_a_b")][..], own()),
            (&[("authorization", "Bearer pk_a_b"), ("x-api-key", "hf_x")][..], own()),
            (&[("authorization", "Bearer hf_x")][..], other()),
            (&[("authorization", "Bearer ")][..], nothing()),
            (&[("authorization", "Basic cGtfYV9i")][..], nothing()),
            (&[("authorization", "pk_a_b")][..], nothing()),
            (&[("authorization", "Bearer pk_a_b"), ("x-api-key", "pk_a_b")][..], own()),
            (&[("authorization", "Bearer pk_a_b"), ("x-api-key", "pk_c_d")][..], Err(400)),
            (&[("authorization", "Bearer pk_a_b"), ("authorization", "Bearer pk_c_d")][..], Err(400)),
        ] {
            assert_eq!(found(headers), wanted, "{headers:?}");
        }
    }

    #[test]
    fn a_key_in_an_address_is_refused() {
        let status = |uri: &str| check_address(&uri.parse().expect("a uri")).map_err(|e| e.status.as_u16());
        for uri in [
            "/x?key=a",
            "/x?limit=3&API_KEY=",
            "/x?access_token=abc",
            "/x?q=pk_0a1b2c3d4e5f_0011223344",
            "/x?token=%70k_0a1b2c3d4e5f_0011223344",
            "/x?%6bey=1",
            "/x?q=the+key+pk_0a1b2c3d4e5f_0011223344",
        ] {
            assert_eq!(status(uri), Err(400), "{uri}");
        }
        for uri in
            ["/x", "/x?", "/x?q=the+key+to+pk_", "/x?token=abc", "/x?keys=1", "/x?pk_=1", "/x?id=pk_1", "/x?q=pk_sim"]
        {
            assert_eq!(status(uri), Ok(()), "{uri}");
        }
    }
}
