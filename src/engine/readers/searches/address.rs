//! Addresses that papers are sent to, as somebody writes them: what can never be called is refused at once.

use std::net::Ipv6Addr;

use crate::error::{Error, Result};
use crate::paper::head;

/// The longest address, in bytes.
const LONGEST: usize = 2_000;

/// The longest name of a host, in bytes (RFC 1035).
const LONGEST_HOST: usize = 253;

/// Checks the form of an address (RFC 3986); where it leads is looked at when it is called.
///
/// # Errors
/// [`Error::Invalid`] for one that nobody could call, or that holds a password.
pub fn check_url(url: &str) -> Result<()> {
    let wrong = |why: &str| Err(Error::Invalid(format!("the address {:?} {why}", head(url, 80))));
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return wrong("begins with neither https:// nor http://");
    };
    if url.len() > LONGEST {
        return wrong(&format!("has {} bytes; {LONGEST} are allowed", url.len()));
    }
    let stands = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    if let Some(c) = url.chars().find(|c| !stands(*c)) {
        return wrong(&format!("holds {c:?}, which must be percent-encoded"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return wrong("holds a name or a password, which would stand in lists");
    }
    if rest[authority.len()..].contains(['[', ']']) {
        return wrong("holds square brackets behind its host, which must be percent-encoded");
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, port)) if inner.parse::<Ipv6Addr>().is_ok() => (None, port),
        Some(_) => return wrong("names no host: there is no IPv6 address between its brackets"),
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            (Some(&authority[..end]), &authority[end..])
        }
    };
    if host.is_some_and(str::is_empty) {
        return wrong("names no host");
    }
    if host.is_some_and(|host| !is_host(host)) {
        return wrong("names a host that there cannot be");
    }
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0);
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return wrong("names a port that there cannot be; ports are 1 to 65535");
    }
    Ok(())
}

/// Whether a name may be one of a host, or an IPv4 address.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(known)
    };
    host.len() <= LONGEST_HOST && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_called_is_an_address_and_nothing_else() {
        for url in [
            "https://example.org",
            "http://a_b.example.org.:8080/x/%20?q=1&r=2",
            "http://127.0.0.1:1/hook",
            "https://[2001:db8::1]/x",
            "https://[::1]:65535",
            "https://example.org/a;b=(c)*!$'~#d",
        ] {
            check_url(url).unwrap_or_else(|e| panic!("{url}: {e}"));
        }
        for (url, word) in [
            ("ftp://x/", "neither"),
            ("https://a:b@x.org/", "password"),
            ("https://x.org/a b", "percent"),
            ("https://x.org/ä", "percent"),
            ("https:///x", "no host"),
            ("https://:80/x", "no host"),
            ("http://[::zz/x", "cannot be"),
            ("http://[::zz]/x", "IPv6"),
            ("http://[::1]x/", "port"),
            ("http://h:99999/x", "65535"),
            ("http://h:0/", "65535"),
            ("http://h:/", "65535"),
            ("http://h:+80/", "65535"),
            ("http://a\\b/x", "percent"),
            ("http://x.org/{a}", "percent"),
            ("http://x.org/[a]", "brackets"),
            ("http://a..b/x", "cannot be"),
            ("http://a%20b/x", "cannot be"),
            (&format!("http://x/{}", "a".repeat(LONGEST)), "2000"),
        ] {
            let why = check_url(url).expect_err(url).to_string();
            assert!(why.contains(word), "{url}: {why}");
        }
    }
}
