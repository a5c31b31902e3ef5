//! Who the client is: the one at the other end of the connection, or where that is a proxy that is trusted, whom it names.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap};

use crate::config::{Network, Server};
use crate::http::door::Peer;

/// Who the client is.
#[derive(Debug)]
pub struct Clients {
    proxies: Vec<Network>,
}

impl Clients {
    /// By the setting `trusted_proxies`.
    pub fn of(server: &Server) -> Self {
        Clients { proxies: server.trusted_proxies.clone() }
    }

    /// Whether what an address says of others is believed: one of this machine, or a proxy that is named.
    pub fn trust(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.proxies.iter().any(|network| network.contains(address))
    }

    /// Whether the other end of the connection of a request is one whose headers are believed.
    pub fn trust_peer(&self, extensions: &Extensions) -> bool {
        extensions.get::<Peer>().is_some_and(|Peer(address)| self.trust(address.ip()))
    }

    /// The address of the client. Of the entries of `X-Forwarded-For` each was written by the one behind it: they are believed
    /// from the last on, as long as whoever wrote them is trusted.
    pub fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let Peer(peer) = extensions.get::<Peer>()?;
        let mut client = peer.ip().to_canonical();
        let lines = headers.get_all("x-forwarded-for").iter().rev().map(|line| line.to_str().unwrap_or_default());
        for entry in lines.flat_map(|line| line.rsplit(',')) {
            if !self.trust(client) {
                break;
            }
            // What cannot be read was written by nobody who is trusted to write it.
            let Some(before) = entry_address(entry.trim()) else { break };
            client = before;
        }
        Some(client)
    }
}

/// `1.2.3.4`, `1.2.3.4:56`, `::1`, `[::1]` or `[::1]:56`.
fn entry_address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|a| a.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    address.or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn entries_count_from_the_last_as_far_as_they_are_written_by_trusted_ones() {
        let proxies = vec![Network::parse("10.0.0.0/8").expect("a network")];
        let clients = Clients::of(&Server { trusted_proxies: proxies, ..Server::default() });
        for (peer, lines, wanted) in [
            ("127.0.0.1:1", &[][..], "127.0.0.1"),
            ("127.0.0.1:1", &["203.0.113.7"][..], "203.0.113.7"),
            ("[::ffff:127.0.0.1]:1", &["203.0.113.7:55"][..], "203.0.113.7"),
            // Whoever is not trusted is the client, whatever they say.
            ("203.0.113.9:1", &["127.0.0.1"][..], "203.0.113.9"),
            // What the client wrote itself stands before what the proxy wrote.
            ("127.0.0.1:1", &["1.1.1.1, 203.0.113.7"][..], "203.0.113.7"),
            ("127.0.0.1:1", &["1.1.1.1", "203.0.113.7"][..], "203.0.113.7"),
            ("127.0.0.1:1", &["1.1.1.1, 203.0.113.7, 10.2.3.4"][..], "203.0.113.7"),
            ("10.2.3.4:1", &["[2001:db8::5]:4711"][..], "2001:db8::5"),
            ("10.2.3.4:1", &["[2001:db8::5]"][..], "2001:db8::5"),
            ("127.0.0.1:1", &["unknown"][..], "127.0.0.1"),
            ("127.0.0.1:1", &["1.1.1.1, <script>"][..], "127.0.0.1"),
            ("127.0.0.1:1", &[""][..], "127.0.0.1"),
        ] {
            let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
            extensions.insert(Peer(peer.parse().expect("an address")));
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            let found = clients.address(&extensions, &headers).map(|a| a.to_string());
            assert_eq!(found.as_deref(), Some(wanted), "{peer} {lines:?}");
        }
    }
}
