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

/// A name or address under which the service is reached, as the setting `hosts` has it: in lower case, without a port.
///
/// # Errors
/// [`Error::Invalid`] for anything else.
pub fn host(text: &str) -> Result<String> {
    let wrong = |why: &str| {
        Err(Error::Invalid(format!("the setting hosts holds {text:?}; {why}. Write it like papers.example")))
    };
    let name = text.trim();
    if name == "*" || name.starts_with("*.") {
        return wrong(
            "every name is named for itself, or a page of any site could reach the service by a name of its own",
        );
    }
    if !name.is_ascii() {
        return wrong("a name with other letters is written as browsers send it (xn--...)");
    }
    if name.contains("://") || !is_host(name) {
        return wrong("it is a name or an address, without https:// and without a path");
    }
    if host_name(name).len() != name.trim_end_matches('.').len() {
        return wrong("leave the port away: any is answered");
    }
    Ok(host_name(name).to_ascii_lowercase())
}

/// The name in a host with or without a port, and without the dot that a full name may end with.
pub fn host_name(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
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
        for (given, wanted) in [
            ("Papers.Example", "papers.example"),
            (" lab.local. ", "lab.local"),
            ("192.168.1.5", "192.168.1.5"),
            ("[FD00::5]", "[fd00::5]"),
        ] {
            assert_eq!(host(given).ok().as_deref(), Some(wanted), "{given}");
        }
        for given in [
            "",
            "*",
            "*.example",
            "https://a.example",
            "a.example/lab",
            "a.example:80",
            "bücher.example",
            "a b",
            "fd00::5",
        ] {
            let told = host(given).expect_err(given).to_string();
            assert!(told.contains("hosts"), "{told}");
        }
        for (host, name) in
            [("a.example:80", "a.example"), ("a.example.", "a.example"), ("[::1]:1", "[::1]"), ("[::1]", "[::1]")]
        {
            assert_eq!(host_name(host), name);
        }
        for given in ["*", "null", "portal.example", "https://portal.example/app", ""] {
            let told = origin(given).expect_err(given).to_string();
            assert!(told.contains("cors_origins"), "{told}");
        }
    }
}
