//! Under which names the service answers. A page of another site can give the service a name of its own (DNS rebinding), and
//! would then be of its origin for the browser: so no name is answered that nobody gave it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::{Config, host_name, is_host};
use crate::http::App;
use crate::http::body::linger_of;
use crate::http::door::count_refusal;
use crate::http::error::ApiError;
use crate::paper::head;

/// The names and addresses that are answered.
#[derive(Debug)]
pub struct Hosts {
    names: Vec<String>,
    local: IpAddr,
}

impl Hosts {
    /// By the settings, for a service that listens there.
    pub fn of(config: &Config, local: SocketAddr) -> Self {
        let public = config.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
        let public = public.and_then(|rest| rest.split('/').next());
        // What it was told to listen on may be a name.
        let mut names: Vec<String> = std::iter::once("localhost")
            .chain([config.addr.as_str()])
            .chain(public)
            .filter(|host| is_host(host))
            .map(|host| host_name(host).to_ascii_lowercase())
            .collect();
        names.extend(config.server.hosts.iter().cloned());
        Hosts { names, local: local.ip().to_canonical() }
    }

    /// Whether a host, with or without a port, is one of them.
    pub fn serve(&self, host: &str) -> bool {
        if !is_host(host) {
            return false;
        }
        let name = host_name(host);
        if self.names.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return true;
        }
        let v6 = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address = match v6 {
            Some(inside) => inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => name.parse::<IpAddr>().ok(),
        };
        address.map(|address| address.to_canonical()).is_some_and(|address| {
            // A literal address is nobody's name: where all addresses of the machine are listened on, each may be asked for.
            self.local.is_unspecified() || address == self.local || is_this_machine(address)
        })
    }

    /// Whether a request asks for one of them.
    ///
    /// # Errors
    /// 421 when it asks for another, 400 when it says in no readable way for which.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap, version: Version) -> Result<(), ApiError> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some() {
            return Err(ApiError::bad_request("the request has several Host headers; send one"));
        }
        let unreadable = || ApiError::bad_request("the Host header cannot be read; send the name that is asked for");
        let host = match host {
            Some(host) => Some(host.to_str().ok().filter(|host| is_host(host)).ok_or_else(unreadable)?),
            None => None,
        };
        // In the request line it counts for more than in the header. Whatever looks at either finds a host that is served.
        let authority = uri.authority().map(|authority| authority.as_str());
        match host.into_iter().chain(authority).find(|host| !self.serve(host)) {
            Some(other) => Err(misdirected(other)),
            // Browsers always name one, and HTTP/1.0 knew none.
            None if host.is_none() && authority.is_none() && version == Version::HTTP_11 => {
                Err(ApiError::bad_request("the request has no Host header; send the name that is asked for"))
            }
            None => Ok(()),
        }
    }
}

fn is_this_machine(address: IpAddr) -> bool {
    address == IpAddr::from([127, 0, 0, 1]) || address == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

fn misdirected(host: &str) -> ApiError {
    let host = head(host, 100);
    ApiError::new(
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "this service does not answer for the host {host:?}. If it is its own, name it in the setting `hosts` under \
             [server] (or PAPERKIN_HOSTS={})",
            host_name(&host)
        ),
    )
}

/// Answers what asks for a host that is served, before anything else looks at it.
pub async fn answer_for_own_hosts(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.rules.hosts.check(request.uri(), request.headers(), request.version()) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            count_refusal("host");
            let (parts, body) = request.into_parts();
            linger_of(&parts.headers, body);
            refused.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn hosts(addr: &str, local: &str, public_url: Option<&str>, own: &[&str]) -> Hosts {
        let mut config = Config::new("x");
        config.addr = addr.into();
        config.public_url = public_url.map(Into::into);
        config.server.hosts = own.iter().map(|host| host.to_string()).collect();
        Hosts::of(&config, local.parse().expect("an address"))
    }

    #[test]
    fn own_names_are_served_and_no_others() {
        let loopback = hosts("127.0.0.1:0", "127.0.0.1:7878", Some("https://papers.example:8443/lab"), &["lab.local"]);
        let lan = hosts("box.lan:80", "192.168.1.5:80", None, &[]);
        let (all, all6) = (hosts("0.0.0.0:80", "0.0.0.0:80", None, &[]), hosts("[::]:80", "[::]:80", None, &[]));
        for host in [
            "localhost",
            "LocalHost:7878",
            "localhost.",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:7878",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            for hosts in [&loopback, &lan, &all, &all6] {
                assert!(hosts.serve(host), "{host}");
            }
        }
        for host in ["papers.example", "PAPERS.example:443", "lab.local:7878", "lab.local."] {
            assert!(loopback.serve(host) && !lan.serve(host) && !all.serve(host), "{host}");
        }
        for host in ["192.168.1.5", "192.168.1.5:80"] {
            assert!(!loopback.serve(host) && lan.serve(host) && all.serve(host) && all6.serve(host), "{host}");
        }
        for host in ["8.8.8.8", "[2001:db8::1]:80"] {
            assert!(!loopback.serve(host) && !lan.serve(host) && all.serve(host) && all6.serve(host), "{host}");
        }
        assert!(lan.serve("box.lan") && !loopback.serve("box.lan"));
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil.example.localhost",
            "127.0.0.1.evil.example",
            "127.0.0.2.nip.io",
            "2130706433",
            "0x7f.1",
            "",
            ".",
            "localhost:",
            "localhost:x",
            "localhost:80@evil.example",
            "::1",
            "[::1",
            "local host",
            "localhost\u{0}",
        ] {
            for hosts in [&loopback, &lan, &all, &all6] {
                assert!(!hosts.serve(host), "{host}");
            }
        }
        assert!(!loopback.serve("0.0.0.0") && !loopback.serve("127.0.0.2"));
    }

    #[test]
    fn what_a_request_asks_for_is_looked_at_wherever_it_says_so() {
        let own = hosts("127.0.0.1:0", "127.0.0.1:7878", None, &[]);
        let check = |uri: &str, host: &[&'static str], version| {
            let mut headers = HeaderMap::new();
            for host in host {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            let checked = own.check(&uri.parse().expect("a uri"), &headers, version);
            checked.map_or_else(|e| e.status.as_u16(), |()| 200)
        };
        use Version as V;
        for (uri, host, version, wanted) in [
            ("/x", &["localhost"][..], V::HTTP_11, 200),
            ("/x", &["evil.example"][..], V::HTTP_11, 421),
            ("/x", &["evil.example"][..], V::HTTP_10, 421),
            ("/x", &[][..], V::HTTP_10, 200),
            ("/x", &[][..], V::HTTP_11, 400),
            ("/x", &[""][..], V::HTTP_11, 400),
            ("/x", &["localhost, evil.example"][..], V::HTTP_11, 400),
            ("/x", &["localhost", "localhost"][..], V::HTTP_11, 400),
            ("http://localhost/x", &["localhost"][..], V::HTTP_11, 200),
            ("http://localhost/x", &[][..], V::HTTP_11, 200),
            ("http://evil.example/x", &["localhost"][..], V::HTTP_11, 421),
            ("http://localhost/x", &["evil.example"][..], V::HTTP_11, 421),
            ("http://localhost@evil.example/x", &["localhost"][..], V::HTTP_11, 421),
            ("https://localhost/x", &[][..], V::HTTP_2, 200),
            ("https://evil.example/x", &[][..], V::HTTP_2, 421),
        ] {
            assert_eq!(check(uri, host, version), wanted, "{uri} {host:?} {version:?}");
        }
    }
}
