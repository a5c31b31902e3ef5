//! When something is done without being asked: a cron expression, or never.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::errors::CronError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::paper::head;

/// What stands where nothing is to be done by itself.
const OFF: &str = "off";

/// A cron expression of five fields (minute, hour, day of the month, month, day of the week; `30 2 * * *`), of six with
/// seconds before them, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`; or `off`.
///
/// It is read in the time zone of the settings. Where the clock is put forward, a time that does not exist that day comes
/// with the first one that does; where it is put back, one that exists twice comes once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    cron: Option<Box<Cron>>,
}

impl Schedule {
    /// Nothing is done by itself.
    pub fn off() -> Self {
        Schedule { text: OFF.into(), cron: None }
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that cannot be read, or that no day ever meets (`0 0 31 2 *`).
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case(OFF) {
            return Ok(Self::off());
        }
        let wrong = |why: String| {
            Error::Invalid(format!(
                "{:?} is no schedule: {why}. Write a cron expression (`30 2 * * *` is half past two every night), or `off`",
                head(text, 80)
            ))
        };
        let cron = Cron::from_str(text).map_err(|e| wrong(e.to_string().trim_end_matches('.').to_string()))?;
        let schedule = Schedule { text: text.to_string(), cron: Some(Box::new(cron)) };
        // In any zone: a day that never comes never comes anywhere.
        match schedule.found(Timestamp::now(), &TimeZone::UTC) {
            None | Some(Ok(_)) => Ok(schedule),
            Some(Err(CronError::TimeSearchLimitExceeded)) => Err(wrong("no day ever meets it".into())),
            Some(Err(e)) => Err(wrong(e.to_string().trim_end_matches('.').to_string())),
        }
    }

    /// The first time behind a moment; none where it is off. Where a time cannot be found (at the end of the calendar), that
    /// is logged, and there is none.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self.found(after, zone)? {
            Ok(next) => Some(next),
            Err(e) => {
                tracing::warn!("the schedule {self} has no next time after {after}: {e}");
                None
            }
        }
    }

    fn found(&self, after: Timestamp, zone: &TimeZone) -> Option<Result<Timestamp, CronError>> {
        let next = self.cron.as_ref()?.find_next_occurrence(&after.to_zoned(zone.clone()), false);
        Some(next.map(|at| at.timestamp()))
    }

    /// Whether nothing is done by itself.
    pub fn is_off(&self) -> bool {
        self.cron.is_none()
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Schedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Schedule::parse(&text)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, after: &str) -> String {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let schedule = Schedule::parse(schedule).expect(schedule);
        let next = schedule.next(after.parse().expect("a time"), &zone).expect("a next time");
        next.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    #[test]
    fn it_is_read_in_its_time_zone_and_knows_of_clocks_put_forward_and_back() {
        assert_eq!(next("30 2 * * *", "2026-07-01T00:00:00Z"), "2026-07-01 02:30:00 CEST");
        assert_eq!(next("*/30 * * * * *", "2026-07-01T00:00:10Z"), "2026-07-01 02:00:30 CEST");
        assert_eq!(next("@daily", "2026-07-01T00:00:00Z"), "2026-07-02 00:00:00 CEST");
        // On 29 March there is no half past two; on 25 October there are two, and it comes once.
        assert_eq!(next("30 2 * * *", "2026-03-28T02:00:00Z"), "2026-03-29 03:00:00 CEST");
        assert_eq!(next("30 2 * * *", "2026-10-24T20:00:00Z"), "2026-10-25 02:30:00 CEST");
        assert_eq!(next("30 2 * * *", "2026-10-25T00:30:00Z"), "2026-10-26 02:30:00 CET");
    }

    #[test]
    fn behind_the_last_time_there_is_none() {
        assert_eq!(Schedule::off().next(Timestamp::now(), &TimeZone::UTC), None);
        assert_eq!(Schedule::parse("@yearly").expect("a schedule").next(Timestamp::MAX, &TimeZone::UTC), None);
    }

    #[test]
    fn what_never_comes_is_refused() {
        assert!(Schedule::parse(" OFF ").expect("off").is_off());
        for text in ["", "never", "0 0 31 2 *", "61 * * * *", "* * * *"] {
            let e = Schedule::parse(text).expect_err(text).to_string();
            assert!(e.contains("is no schedule") && e.contains("cron"), "{e}");
        }
    }
}
