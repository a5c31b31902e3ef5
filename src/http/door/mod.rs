//! What stands between the network and the work.
//!
//! A connection is let in as long as there are descriptors ([`Capacity`]), and watched: who stands still longer than agreed, in
//! whatever they do, a handshake included ([`Tls`]), is closed ([`Connections`]). What they send and what they do not read counts against bounds of memory
//! ([`Budget`]). Work waits in one queue for one set of threads ([`Pool`]), and is refused before anything of it was read
//! where it would wait too long; work that waits for bytes has threads and a number of its own ([`Lane`]). Whoever guesses is
//! slowed down ([`Guesses`]), and whoever asks more often than agreed waits ([`Rates`]).

mod budget;
mod capacity;
mod connections;
mod guesses;
mod listen;
mod pool;
mod rates;
mod tls;
mod validity;

pub use budget::{Budget, Lease};
pub use capacity::{Capacity, raise_descriptor_limit};
pub use connections::{Connections, Limits, Peer, Scheme};
pub use guesses::Guesses;
pub use listen::{Served, bind, listen};
pub use pool::{Deliver, Lane, LanePermit, Pool, Refused, Weight, Work, behind};
pub use rates::{Rates, Who};
pub use tls::{Certificate, Tls};

/// Counts a refusal by its reason.
pub fn count_refusal(reason: &'static str) {
    metrics::counter!("paperkin_refused_total", "reason" => reason).increment(1);
}
