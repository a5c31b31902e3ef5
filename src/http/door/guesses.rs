//! Who guesses secrets is slowed down.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures that an address may have at once.
const AT_ONCE: u32 = 20;

/// In this time one of them is forgotten.
const FORGET: Duration = Duration::from_secs(30);

/// Addresses that are remembered, some sixty bytes each.
const REMEMBERED: usize = 10_000;

/// Failures by address. What succeeds is never counted.
#[derive(Default)]
pub struct Guesses {
    // Only for a look.
    failed: Mutex<HashMap<IpAddr, Failed>>,
}

/// Failures of an address: `count` of them at `at`, one less for each [`FORGET`] since.
struct Failed {
    count: u32,
    at: Instant,
}

impl Guesses {
    /// Counts a failure. Where it was one too many, the answer is how long to wait.
    pub fn failed(&self, address: IpAddr) -> Option<Duration> {
        self.failed_at(address, Instant::now())
    }

    fn failed_at(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let mut all = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if all.len() >= REMEMBERED && !all.contains_key(&address) {
            all.retain(|_, failed| failed.now(now) > 0);
            if all.len() >= REMEMBERED {
                // Those with the fewest failures are forgotten: a crowd of addresses does not wash away the one that guesses most.
                let mut counts: Vec<u32> = all.values().map(|failed| failed.now(now)).collect();
                counts.sort_unstable();
                let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
                all.retain(|_, failed| failed.now(now) > median);
                tracing::warn!("many addresses guess secrets; some of them are forgotten");
            }
        }
        let failed = all.entry(address).or_insert(Failed { count: 0, at: now });
        let count = failed.now(now);
        if count == 0 {
            *failed = Failed { count: 0, at: now };
        } else {
            // What has gone of the running interval stays gone.
            failed.at += FORGET * (failed.count - count);
            failed.count = count;
        }
        if count < AT_ONCE {
            failed.count += 1;
            return None;
        }
        let gone = now.saturating_duration_since(failed.at);
        Some(FORGET.saturating_sub(gone).max(Duration::from_secs(1)))
    }
}

impl Failed {
    /// How many are not forgotten.
    fn now(&self, now: Instant) -> u32 {
        let forgotten = now.saturating_duration_since(self.at).as_millis() / FORGET.as_millis();
        self.count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

/// One household, or one machine, has a whole network of addresses in IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_some_failures_one_every_half_minute_is_looked_at() {
        let (guesses, begin) = (Guesses::default(), Instant::now());
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        let free = |from: Instant, seconds: u64| {
            (0..5000).filter(|_| guesses.failed_at(address(1), from + Duration::from_secs(seconds)).is_none()).count()
        };
        assert_eq!(free(begin, 0), AT_ONCE as usize);
        assert_eq!(free(begin, 29), 0);
        assert_eq!(free(begin, 31), 1);
        assert_eq!(free(begin, 59), 0);
        assert_eq!(free(begin, 61), 1);
        assert_eq!(free(begin, 61 + 20 * 30), AT_ONCE as usize);
        let wait = guesses.failed_at(address(1), begin + Duration::from_secs(662)).expect("too many");
        assert!(wait <= FORGET && wait >= Duration::from_secs(1));
        assert!(guesses.failed_at(address(2), begin).is_none(), "others are not concerned");
    }

    #[test]
    fn memory_is_bounded_and_whoever_guesses_most_is_remembered() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let worst = IpAddr::from([10, 0, 0, 1]);
        while guesses.failed_at(worst, now).is_none() {}
        for n in 0..30_000u32 {
            let _ = guesses.failed_at(IpAddr::from((n + (11 << 24)).to_be_bytes()), now);
        }
        assert!(guesses.failed.lock().expect("free").len() <= REMEMBERED);
        assert!(guesses.failed_at(worst, now).is_some());
        let inside = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(inside("2001:db8:1:2:3:4:5:6"), inside("2001:db8:1:2:ffff::"));
        assert_eq!(inside("::ffff:1.2.3.4"), inside("1.2.3.4"));
    }
}
