//! How many there may be of everything, by the machine and its limit on open files.

use crate::config::{Server, Tuning};

/// Files that the store, the index, the model and the runtime have open, or open for a moment, whatever is asked: measured at
/// 17 on a service at rest and up to 30 while an index is written.
const BASE: usize = 32;

/// Files that one piece of work may have open: a reader of the store has the database and its log.
const EACH: usize = 2;

/// Never more connections than this unless a setting says so.
const MOST_CONNECTIONS: usize = 16_384;

/// How many there may be of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Connections at a time.
    pub connections: usize,
    /// Threads that work for requests.
    pub threads: usize,
    /// Streams of papers, and as many reading lists.
    pub uploads: usize,
}

impl Capacity {
    /// Of this machine under these settings.
    pub fn of(server: &Server, tuning: &Tuning) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self::under(descriptor_limit(), cores, server, tuning)
    }

    /// `limit` files may be open.
    fn under(limit: usize, cores: usize, server: &Server, tuning: &Tuning) -> Self {
        // Half of what is left beside the base may go to work, at most; the rest is for connections.
        let spare = limit.saturating_sub(BASE);
        let wanted = if server.work_threads == 0 { (4 * cores).max(16) } else { server.work_threads };
        let threads = wanted.min(tuning.max_waiting).min((spare / 8).max(2));
        let uploads = server.max_uploads.min((spare / 16).max(1));
        // Two kinds of them; and the thread that tells the state, and the one that puts the index in order.
        let reserve = BASE + EACH * (threads + 2 * uploads + 2);
        let most = if server.max_connections == 0 { MOST_CONNECTIONS } else { server.max_connections };
        Capacity { connections: limit.saturating_sub(reserve).clamp(4, most.max(4)), threads, uploads }
    }
}

/// Raises the limit on open files of this process to what it may be raised to.
pub fn raise_descriptor_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        if limit.current.is_some() && limit.current != limit.maximum {
            let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
            // Some systems allow less than they say.
            let enough = Rlimit { current: Some(10_240), maximum: limit.maximum };
            if raised.is_err() && limit.current.is_some_and(|now| now < 10_240) {
                let _ = setrlimit(Resource::Nofile, enough);
            }
        }
    }
}

/// How many files this process may have open.
fn descriptor_limit() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        // None: as many as one likes.
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
    #[cfg(not(unix))]
    {
        MOST_CONNECTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_reserve_is_kept_whatever_the_limit(limit in 80usize..2_000_000, cores in 1usize..256, asked in 0usize..100_000) {
            let server = Server { max_connections: asked, ..Server::default() };
            let c = Capacity::under(limit, cores, &server, &Tuning::default());
            prop_assert!(c.connections >= 4 && c.threads >= 2 && c.uploads >= 1);
            prop_assert!(c.connections + BASE + EACH * (c.threads + 2 * c.uploads + 2) <= limit);
            prop_assert!(asked < 4 || c.connections <= asked);
        }
    }

    #[test]
    fn a_low_limit_takes_threads_before_it_takes_the_service() {
        let of = |limit| Capacity::under(limit, 2, &Server::default(), &Tuning::default());
        assert_eq!(of(1024).threads, 16);
        assert!(of(1024).connections > 900);
        let low = of(64);
        assert!(low.threads == 4 && low.uploads == 2 && low.connections >= 10, "{low:?}");
        let one = Capacity::under(1 << 20, 2, &Server::default(), &Tuning { max_waiting: 1, ..Tuning::default() });
        assert_eq!((one.threads, one.connections), (1, MOST_CONNECTIONS));
    }
}
