//! How long to wait before asking again.

use std::time::{Duration, Instant, SystemTime};

use ureq::http::{HeaderMap, header};

use crate::cancel;
use crate::error::Result;

/// How often whoever waits looks whether they may stop.
const LOOK: Duration = Duration::from_millis(50);

/// How patient the client is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first wait; each is twice the one before, and up to a half longer by chance, so that many do not come at once.
    pub first: Duration,
    /// No wait is longer. A service that wants more is left to the next run.
    pub longest: Duration,
    /// Requests at most.
    pub tries: u32,
}

impl Patience {
    /// How long to wait after so many tries, of which the last was answered with that wish; none to give up.
    pub fn wait(&self, tries: u32, wanted: Option<Duration>) -> Option<Duration> {
        if tries >= self.tries || wanted.is_some_and(|wait| wait > self.longest) {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << (tries - 1).min(16));
        let own = doubled.mul_f64(1.0 + 0.5 * fastrand::f64()).min(self.longest);
        // What is asked for is the least; a clock that runs ahead is to do no harm.
        Some(wanted.map_or(own, |wait| wait.max(own.min(self.first)) + Duration::from_millis(100)))
    }
}

/// What `Retry-After` wishes: seconds, or a date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(wait) = seconds_of(text) {
        return Some(wait);
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

/// A number of seconds.
pub fn seconds_of(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Waits, unless the work is given up.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn pause(wait: Duration) -> Result<()> {
    let until = Instant::now() + wait;
    loop {
        cancel::check()?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(LOOK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_grow_are_bounded_and_never_shorter_than_asked(tries in 1u32..10, wanted in proptest::option::of(0u64..2000)) {
            let patience = Patience { first: Duration::from_secs(2), longest: Duration::from_secs(600), tries: 5 };
            let wanted = wanted.map(Duration::from_secs);
            match patience.wait(tries, wanted) {
                None => prop_assert!(tries >= 5 || wanted.is_some_and(|w| w > patience.longest)),
                Some(wait) => {
                    prop_assert!(wait >= wanted.unwrap_or(patience.first) && wait <= patience.longest + Duration::from_secs(1));
                    prop_assert!(wanted.is_some() || wait >= patience.first * (1 << (tries - 1)));
                }
            }
        }
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().expect("a value"));
            retry_after(&headers)
        };
        assert_eq!(of(" 120 "), Some(Duration::from_secs(120)));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        assert!(of(&soon).is_some_and(|w| (80..=90).contains(&w.as_secs())), "{soon}");
        assert_eq!(of("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!((of("soon"), of("-3")), (None, None));
    }

    #[test]
    fn a_wait_ends_when_the_work_is_given_up() {
        let cancel = cancel::Cancel::new();
        let begun = Instant::now();
        let waited = std::thread::scope(|s| {
            let waiting = s.spawn(|| cancel.scope(|| pause(Duration::from_secs(60))));
            std::thread::sleep(Duration::from_millis(100));
            cancel.cancel();
            waiting.join().expect("no panic")
        });
        assert!(waited.is_err() && begun.elapsed() < Duration::from_secs(5));
    }
}
