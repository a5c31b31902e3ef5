//! Whether the service may be open to everybody where it listens.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use crate::config::{AuthMode, Config};
use crate::error::{Error, Result};

/// Refuses to be open to everybody on an address that other machines reach. Asked before anything is opened or written.
///
/// # Errors
/// [`Error::Invalid`], with what to do about it.
pub fn check_reach(config: &Config) -> Result<()> {
    if may_be_reached(config) {
        return Ok(());
    }
    // A name that stands for nothing is told by whoever listens there.
    let addresses = config.addr.to_socket_addrs().into_iter().flatten();
    match addresses.map(|address| address.ip()).find(|ip| !is_own(*ip)) {
        Some(ip) => Err(refused(config, ip)),
        None => Ok(()),
    }
}

/// The same for the address that it listens at in the end: a name may stand for another by then.
///
/// # Errors
/// [`Error::Invalid`], with what to do about it.
pub fn check_listening(config: &Config, local: SocketAddr) -> Result<()> {
    if may_be_reached(config) || is_own(local.ip()) { Ok(()) } else { Err(refused(config, local.ip())) }
}

fn may_be_reached(config: &Config) -> bool {
    config.auth.mode == AuthMode::Keys || config.insecure
}

fn is_own(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn refused(config: &Config, ip: IpAddr) -> Error {
    let whom = if ip.is_unspecified() { "on every network of this machine" } else { "from other machines" };
    Error::Invalid(format!(
        "{} is reached {whom}, and whoever reaches the service could read, change and delete everything: nobody has to say who \
         they are. Ask for keys with `[auth] mode = \"keys\"` in the settings or PAPERKIN_AUTH_MODE=keys (the first start \
         prints a key), or stay on this machine with --addr 127.0.0.1:7878. To be open to everybody all the same, say --insecure",
        config.addr
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_let_in_without_a_key() {
        for (addr, own) in [
            ("127.0.0.1:0", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("localhost:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.168.1.5:80", false),
            ("[fe80::1]:80", false),
            ("[::ffff:192.168.1.5]:80", false),
            // No address: whoever listens says so.
            ("nowhere", true),
        ] {
            let config = Config { addr: addr.into(), ..Config::new("x") };
            let told = check_reach(&config).err().map(|e| e.to_string());
            assert_eq!(told.is_none(), own, "{addr}: {told:?}");
            let words = ["mode = \"keys\"", "--insecure", addr];
            assert!(told.is_none_or(|told| words.iter().all(|word| told.contains(word))), "{addr}");
            let mut keys = config.clone();
            keys.auth.mode = AuthMode::Keys;
            assert!(check_reach(&keys).is_ok() && check_reach(&Config { insecure: true, ..config }).is_ok());
        }
    }
}
