//! Networks among the settings.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Addresses that have so many first bits in common; one address where these are all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `192.168.1.5`, `fd00::/8` or `::1`. Bits behind the first do not matter.
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::Invalid(format!("{text:?} is no address and no network: write 192.168.1.5, 10.0.0.0/8 or fd00::/8"))
        };
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => all,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= all).ok_or_else(wrong)?,
        };
        Ok(Network { address, bits })
    }

    /// Whether an address is one of it. An IPv4 address that is written as IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits(), other.to_bits(), self.bits, u32::checked_shr),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), self.bits, u128::checked_shr),
            _ => false,
        }
    }
}

/// Whether two numbers have their first bits in common.
fn same<T: std::ops::BitXor<Output = T> + Default + PartialEq>(
    a: T,
    b: T,
    bits: u8,
    shifted: fn(T, u32) -> Option<T>,
) -> bool {
    let rest = 8 * size_of::<T>() as u32 - u32::from(bits);
    // A shift by all bits leaves none to compare.
    shifted(a ^ b, rest).is_none_or(|differing| differing == T::default())
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Network::parse(&text)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn networks_hold_their_addresses() {
        for (network, address, wanted) in [
            ("192.168.1.5", "192.168.1.5", true),
            ("192.168.1.5", "192.168.1.4", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.9.9.9/8", "10.0.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe80::1", false),
            ("2001:db8::1/127", "2001:db8::", true),
            ("2001:db8::1", "2001:db8::", false),
        ] {
            let held = Network::parse(network).expect(network).contains(address.parse().expect("an address"));
            assert_eq!(held, wanted, "{network} {address}");
        }
        for text in ["", "proxy.example", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0/8", "10.0.0.0/", "/8"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_holds_what_has_its_first_bits(own in any::<u32>(), bits in 0u8..=32, flip in 0u32..32) {
            let network = Network { address: IpAddr::V4(own.into()), bits };
            prop_assert!(network.contains(IpAddr::V4(own.into())));
            let other = own ^ (1 << (31 - flip));
            prop_assert_eq!(network.contains(IpAddr::V4(other.into())), flip >= u32::from(bits));
            prop_assert_eq!(Network::parse(&network.to_string()).ok(), Some(network));
        }
    }
}
