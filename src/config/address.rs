//! The addresses among the settings, parsed once and normalised.

use crate::error::{Error, Result};

/// The public address of the service, without a slash at its end.
///
/// # Errors
/// [`Error::Invalid`] for anything but `http://` or `https://`, a host and perhaps a path.
pub fn public_url(text: &str) -> Result<String> {
    let wrong = |why: &str| {
        Err(Error::Invalid(format!(
            "the setting public_url is {text:?}; {why}. Write it like https://papers.example/lab"
        )))
    };
    let Some((scheme, host, path)) = parts(text) else {
        return wrong("it begins with http:// or https:// and names a host");
    };
    if path.contains(['?', '#', '"', '<', '>', '\\']) || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return wrong("its path holds no spaces, quotes, `?` or `#`");
    }
    Ok(format!("{scheme}://{host}{}", path.trim_end_matches('/')))
}

/// An origin as browsers write it: scheme, host and, where it is not the scheme's own, port.
///
/// # Errors
/// [`Error::Invalid`] for anything else, also for `*` and `null`, which would let every page on the web read users'
/// data.
pub fn origin(text: &str) -> Result<String> {
    let wrong = |why: &str| {
        Err(Error::Invalid(format!("the setting cors_origins holds {text:?}; {why}, like https://portal.example")))
    };
    if matches!(text.trim(), "*" | "null") {
        return wrong("with it any page could read what the readers read: name each origin");
    }
    let Some((scheme, host, path)) = parts(text) else {
        return wrong("an origin is http:// or https:// and a host");
    };
    if !path.trim_end_matches('/').is_empty() {
        return wrong("an origin has no path");
    }
    let own = if scheme == "https" { ":443" } else { ":80" };
    Ok(format!("{scheme}://{}", host.strip_suffix(own).unwrap_or(&host)))
}

/// Scheme and host (with a port, if there is one) in lower case, and the path.
fn parts(text: &str) -> Option<(&'static str, String, &str)> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://")?;
    let scheme = ["https", "http"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    is_host(host).then(|| (scheme, host.to_ascii_lowercase(), path))
}

/// Whether a text can be a host with or without a port: a name, an IPv4 address or an IPv6 address in brackets.
pub fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (text, None),
    };
    let known = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let named = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => !inside.is_empty() && inside.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.')),
        None => !name.is_empty() && name.chars().all(known),
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_to_one_form() {
        for (given, wanted) in [
            ("https://papers.example", "https://papers.example"),
            (" HTTPS://Papers.Example/lab/ ", "https://papers.example/lab"),
            ("http://10.0.0.1:7878/", "http://10.0.0.1:7878"),
            ("http://[::1]:7878/a/b", "http://[::1]:7878/a/b"),
        ] {
            assert_eq!(public_url(given).ok().as_deref(), Some(wanted), "{given}");
        }
        for given in
            ["", "papers.example", "ftp://x", "https://", "https://x/?a", "https://x/#a", "https://a b", "http://x:y"]
        {
            let told = public_url(given).expect_err(given).to_string();
            assert!(told.contains("public_url"), "{told}");
        }
        for (given, wanted) in [
            ("https://portal.example", "https://portal.example"),
            ("https://Portal.example:443/", "https://portal.example"),
            ("http://localhost:3000", "http://localhost:3000"),
        ] {
            assert_eq!(origin(given).ok().as_deref(), Some(wanted), "{given}");
        }
        for given in ["*", "null", "portal.example", "https://portal.example/app", ""] {
            let told = origin(given).expect_err(given).to_string();
            assert!(told.contains("cors_origins"), "{told}");
        }
    }
}
