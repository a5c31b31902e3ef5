//! Addresses: whom they name, and where one leads that stands on the page of another (RFC 3986, section 5).

use ureq::http::Uri;

use crate::error::{Error, Result};
use crate::paper::head;

/// Characters of an address that are told.
const TOLD: usize = 120;

/// The host of an address that can be asked, in lower case, with its port where it names one.
///
/// # Errors
/// [`Error::Invalid`] for what is no address of http or https.
pub fn host_of(url: &str) -> Result<String> {
    // What stands in front of the host, and behind the path, may be secret.
    let told = url.split(['?', '#']).next().unwrap_or_default();
    let told = told.rsplit('@').next().unwrap_or_default();
    let wrong = |why: &str| Error::Invalid(format!("{:?} is no address to fetch from: {why}", head(told, TOLD)));
    let uri: Uri = url.parse().map_err(|_| wrong("write it like https://papers.example/feed.xml"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("it begins with http:// or https://"));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{}{port}", host.to_ascii_lowercase()))
}

/// Whether two addresses are of one service, so that a key of the one may be shown to the other: one host and port, and nothing
/// less safe than before.
pub fn same_service(from: &str, to: &str) -> bool {
    let place = |url: &str| {
        let uri: Uri = url.parse().ok()?;
        let safe = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if safe { 443 } else { 80 });
        Some((uri.host()?.to_ascii_lowercase(), port, safe))
    };
    match (place(from), place(to)) {
        (Some(from), Some(to)) if from.0 == to.0 => match (from.2, to.2) {
            (true, false) => false,
            (false, true) => (from.1, to.1) == (80, 443) || from.1 == to.1,
            _ => from.1 == to.1,
        },
        _ => false,
    }
}

/// Where a reference leads that stands on a page: absolute as it is, else made so by the page's own address. Without its
/// fragment. `None` where it leads to nothing that http or https reaches.
pub fn join(base: &str, reference: &str) -> Option<String> {
    let reference = reference.trim().split('#').next().unwrap_or_default();
    let base = base.split('#').next().unwrap_or_default();
    let joined = match scheme_of(reference) {
        Some(_) => reference.to_string(),
        None => {
            let (scheme, rest) = base.split_once("://")?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let path = path.split('?').next().unwrap_or_default();
            match reference {
                "" => base.to_string(),
                r if r.starts_with("//") => format!("{scheme}:{r}"),
                r if r.starts_with('?') => format!("{scheme}://{authority}{path}{r}"),
                r if r.starts_with('/') => format!("{scheme}://{authority}{}", without_dots(r)),
                r => {
                    let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
                    format!("{scheme}://{authority}{}", without_dots(&format!("{folder}{r}")))
                }
            }
        }
    };
    // Blanks stand in addresses that people write; they are no part of one.
    let joined = joined.replace(' ', "%20");
    host_of(&joined).is_ok().then_some(joined)
}

fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(known)).then_some(scheme)
}

/// A path without `.` and `..` (RFC 3986, 5.2.4); what is behind `?` stays.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        parts.push("");
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("/{}{query}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_resolved_as_the_standard_does() {
        // RFC 3986, 5.4, as far as it is http.
        for (reference, wanted) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../../../g", "http://a/g"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("https://h.example/x y", "https://h.example/x%20y"),
        ] {
            assert_eq!(join("http://a/b/c/d;p?q", reference).as_deref(), Some(wanted), "{reference}");
        }
        assert_eq!(join("http://a", "g").as_deref(), Some("http://a/g"));
        for reference in ["file:///x", "javascript:alert(1)", "mailto:a@b"] {
            assert_eq!(join("http://a/b", reference), None, "{reference}");
        }
    }

    #[test]
    fn a_key_stays_with_its_host() {
        for (from, to, wanted) in [
            ("https://a.example/x", "https://A.example/y?z", true),
            ("http://a.example/x", "https://a.example/x", true),
            ("https://a.example/x", "http://a.example/x", false),
            ("https://a.example", "https://b.example", false),
            ("http://127.0.0.1:81/", "http://127.0.0.1:82/", false),
            ("https://a.example", "https://a.example:444", false),
        ] {
            assert_eq!(same_service(from, to), wanted, "{from} {to}");
        }
    }

    #[test]
    fn no_secret_of_an_address_is_told() {
        let told = host_of("ftp://me:word@h.example/a?api_key=abcdef").expect_err("no http").to_string();
        assert!(told.contains("h.example/a") && !told.contains("word") && !told.contains("abcdef"), "{told}");
    }

    proptest! {
        #[test]
        fn what_is_joined_can_be_asked(base in "https?://[a-z]{1,5}(/[a-z.]{0,4}){0,4}", reference in "\\PC{0,30}") {
            if let Some(joined) = join(&base, &reference) {
                prop_assert!(host_of(&joined).is_ok());
            }
        }
    }
}
