//! How often somebody may ask.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::guesses::network;
use crate::config::Rate;

/// Who are told apart, some forty bytes each. Beyond that newcomers share places.
const APART: usize = 100_000;

/// The places that they share.
const SHARED: u64 = 4096;

/// Between two looks at how many there are.
const LOOK: u64 = 1024;

/// What heavy work counts for.
const HEAVY: u32 = 5;

/// How many who were not recognised have of what the others have.
const STRANGERS: u32 = 5;

/// Who asks, as far as it matters how often they do.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// By a key, or by a session that was begun with it: its id.
    Key(&'a str),
    /// By a link, or by the name that a proxy gave: the reader.
    Reader(&'a str),
    /// Anybody, where nobody has to say who they are: by the address.
    Anyone(IpAddr),
    /// Somebody who was not recognised: by the address.
    Stranger(IpAddr),
}

/// What everybody may ask, and who has asked how much. Every method may be called from any thread.
pub struct Rates(Option<Limits>);

struct Limits {
    known: Places,
    strangers: Places,
    hash: RandomState,
    clock: DefaultClock,
}

/// Who has asked how much, by a number for each of them.
struct Places {
    limiter: DefaultKeyedRateLimiter<u64>,
    burst: NonZeroU32,
    asked: AtomicU64,
    crowded: std::sync::atomic::AtomicBool,
}

impl Rates {
    /// `None` leaves everybody alone.
    pub fn new(rate: Option<Rate>) -> Self {
        Rates(rate.map(|rate| Limits {
            known: Places::new(rate, 1),
            strangers: Places::new(rate, STRANGERS),
            hash: RandomState::new(),
            clock: DefaultClock::default(),
        }))
    }

    /// Whether everybody is left alone.
    pub fn are_off(&self) -> bool {
        self.0.is_none()
    }

    /// Takes what a request counts for, or says how long to wait for it.
    pub fn take(&self, who: Who<'_>, heavy: bool) -> Result<(), Duration> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let (places, number) = match who {
            Who::Key(id) => (&limits.known, limits.hash.hash_one((0, id))),
            Who::Reader(name) => (&limits.known, limits.hash.hash_one((2, name))),
            Who::Anyone(address) => (&limits.known, limits.hash.hash_one((1, network(address)))),
            Who::Stranger(address) => (&limits.strangers, limits.hash.hash_one((1, network(address)))),
        };
        // Whoever is not recognised gets nothing done.
        let cells = if heavy && !matches!(who, Who::Stranger(_)) { HEAVY } else { 1 };
        places.take(number, cells, &limits.clock)
    }
}

impl Places {
    fn new(rate: Rate, part: u32) -> Self {
        let of = |all: NonZeroU32| NonZeroU32::new(all.get() / part).unwrap_or(NonZeroU32::MIN);
        let burst = of(rate.burst);
        Places {
            limiter: RateLimiter::keyed(Quota::per_second(of(rate.a_second)).allow_burst(burst)),
            burst,
            asked: AtomicU64::new(0),
            crowded: false.into(),
        }
    }

    fn take(&self, number: u64, cells: u32, clock: &DefaultClock) -> Result<(), Duration> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % LOOK == LOOK - 1 && self.limiter.len() >= APART {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
            let crowded = self.limiter.len() >= APART;
            if crowded && !self.crowded.swap(crowded, Ordering::Relaxed) {
                tracing::warn!("more addresses ask than can be told apart; those that are new share their rate");
            }
            self.crowded.store(crowded, Ordering::Relaxed);
        }
        // A crowd shares: it must neither fill the memory nor wash away what is known of those who asked before.
        let number = if self.crowded.load(Ordering::Relaxed) { number % SHARED } else { number };
        let cells = NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN).min(self.burst);
        match self.limiter.check_key_n(&number, cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(clock.now())),
            // Never: no more than a burst was asked for.
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(a_second: u32, burst: u32) -> Rates {
        let some = |n| NonZeroU32::new(n).expect("not 0");
        Rates::new(Some(Rate { a_second: some(a_second), burst: some(burst) }))
    }

    fn taken(rates: &Rates, who: Who<'_>, heavy: bool) -> usize {
        (0..10_000).take_while(|_| rates.take(who, heavy).is_ok()).count()
    }

    #[test]
    fn each_has_a_burst_of_their_own_and_waits_for_the_rest() {
        let rates = rates(1, 100);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(taken(&rates, Who::Key("a"), false), 100);
        assert_eq!(taken(&rates, Who::Key("b"), true), 20, "heavy work counts for five");
        let wait = rates.take(Who::Key("b"), true).expect_err("too many");
        assert!(wait > Duration::from_secs(3) && wait <= Duration::from_secs(5), "{wait:?}");
        assert_eq!(taken(&rates, Who::Stranger(address("10.0.0.1")), true), 20, "a fifth, and each counts for one");
        assert_eq!(taken(&rates, Who::Anyone(address("10.0.0.1")), false), 100);
        assert_eq!(taken(&rates, Who::Anyone(address("10.0.0.2")), false), 100);
        assert_eq!(taken(&rates, Who::Anyone(address("2001:db8:1:2::1")), false), 100);
        assert_eq!(taken(&rates, Who::Anyone(address("2001:db8:1:2:ffff::9")), false), 0, "one network");
        assert_eq!(taken(&rates, Who::Anyone(address("2001:db8:1:3::1")), false), 100);
        assert_eq!(taken(&Rates::new(None), Who::Key("a"), true), 10_000);
    }

    #[test]
    fn what_was_taken_comes_back_with_time() {
        let rates = rates(1000, 10);
        assert!(taken(&rates, Who::Key("a"), false) >= 10);
        std::thread::sleep(Duration::from_millis(30));
        assert!((10..1000).contains(&taken(&rates, Who::Key("a"), false)));
    }

    #[test]
    fn a_crowd_takes_no_memory_and_hides_nobody() {
        let rates = rates(1, 5);
        let worst = Who::Key("worst");
        assert_eq!(taken(&rates, worst, true), 1);
        let limits = rates.0.as_ref().expect("limits");
        for n in 0..150_000u32 {
            let _ = rates.take(Who::Anyone(IpAddr::from((n + (11 << 24)).to_be_bytes())), true);
        }
        let most = APART + LOOK as usize + SHARED as usize;
        assert!(limits.known.limiter.len() <= most, "{}", limits.known.limiter.len());
        let shared = (0..100_000u32)
            .filter(|n| rates.take(Who::Anyone(IpAddr::from((n + (13 << 24)).to_be_bytes())), true).is_err());
        assert!(shared.count() > 50_000, "newcomers share what there is");
        assert!(rates.take(worst, true).is_err());
    }
}
