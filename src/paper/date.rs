//! Dates as papers carry them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::head;
use crate::error::{Error, Result};

/// A date of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. What is left out counts as the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaperDate {
    text: String,
    day: i32,
}

impl PaperDate {
    /// Reads a date.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the text has another form or names a day that the calendar does not have.
    pub fn parse(text: &str) -> Result<Self> {
        let no_date = |why: &str| {
            Error::BadRequest(format!("{:?} is no date{why}; write YYYY, YYYY-MM or YYYY-MM-DD", head(text, 40)))
        };
        let parts: Vec<&str> = text.split('-').collect();
        let widths = [4, 2, 2];
        let shaped = parts.len() <= 3
            && parts.iter().zip(widths).all(|(p, w)| p.len() == w && p.bytes().all(|b| b.is_ascii_digit()));
        if !shaped {
            return Err(no_date(""));
        }
        let number = |k: usize| parts.get(k).map_or(Ok(1), |p| p.parse::<i16>()).map_err(|_| no_date(""));
        let (year, month, day) = (number(0)?, number(1)?, number(2)?);
        let month = i8::try_from(month).map_err(|_| no_date(""))?;
        let day = i8::try_from(day).map_err(|_| no_date(""))?;
        let date = jiff::civil::Date::new(year, month, day).map_err(|_| no_date(" of the calendar"))?;
        Ok(PaperDate { text: text.to_string(), day: days_since_epoch(date) })
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first day it covers, in days since 1970-01-01.
    pub fn first_day(&self) -> i32 {
        self.day
    }

    /// The last day it covers: `2026-02` reaches to 2026-02-28.
    pub fn last_day(&self) -> i32 {
        let date = date_of(self.day);
        let last = match self.text.len() {
            4 => date.last_of_year(),
            7 => date.last_of_month(),
            _ => date,
        };
        days_since_epoch(last)
    }
}

fn days_since_epoch(date: jiff::civil::Date) -> i32 {
    // A span between two civil dates in days always fits: the calendar ends with the year 9999.
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

fn date_of(day: i32) -> jiff::civil::Date {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day))
}

impl fmt::Display for PaperDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for PaperDate {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        PaperDate::parse(&text)
    }
}

impl From<PaperDate> for String {
    fn from(date: PaperDate) -> String {
        date.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_cover_what_they_say() {
        let d = |s: &str| PaperDate::parse(s).map(|d| (d.first_day(), d.last_day()));
        assert_eq!(d("1970-01-01").ok(), Some((0, 0)));
        assert_eq!(d("1970").ok(), Some((0, 364)));
        assert_eq!(d("2024-02").ok().map(|(a, b)| b - a), Some(28));
        for bad in ["", "24", "2024-13", "2024-02-30", "2024-2-3", "yesterday", "2024-01-01T00:00", "-2024", "２０２４"]
        {
            assert!(d(bad).is_err(), "{bad:?} was taken for a date");
        }
    }

    proptest! {
        #[test]
        fn any_day_of_the_calendar_survives_text(day in -200_000i32..200_000) {
            let text = date_of(day).to_string();
            let parsed = PaperDate::parse(&text);
            prop_assert_eq!(parsed.map(|d| (d.first_day(), d.last_day())).ok(), Some((day, day)));
        }
    }
}
