//! How often somebody may ask.

use std::num::NonZeroU32;

/// Requests of one key, session or address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many a second, for as long as one likes.
    pub a_second: NonZeroU32,
    /// And so many at once.
    pub burst: NonZeroU32,
}

/// What is taken where nothing is set and others reach the service.
const A_SECOND: u64 = 100;

/// Seconds of it that may come at once where nothing else is set.
const SECONDS: u64 = 10;

impl Rate {
    /// As the settings say. Where they do not, there is none if `private` (nobody but this machine reaches the service).
    pub fn of(limit: Option<u64>, burst: Option<u64>, private: bool) -> Option<Self> {
        let limit = limit.unwrap_or(if private { 0 } else { A_SECOND });
        let whole = |n: u64| NonZeroU32::new(u32::try_from(n).unwrap_or(u32::MAX));
        let a_second = whole(limit)?;
        Some(Rate { a_second, burst: burst.and_then(whole).or(whole(limit.saturating_mul(SECONDS)))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_suits_who_is_served() {
        let of =
            |limit, burst, private| Rate::of(limit, burst, private).map(|rate| (rate.a_second.get(), rate.burst.get()));
        assert_eq!(of(None, None, true), None);
        assert_eq!(of(None, Some(5), true), None);
        assert_eq!(of(None, None, false), Some((100, 1000)));
        assert_eq!(of(Some(0), None, false), None);
        assert_eq!(of(Some(7), None, true), Some((7, 70)));
        assert_eq!(of(Some(7), Some(3), true), Some((7, 3)));
    }
}
