//! Dates as papers carry them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{head, written};
use crate::error::{Error, Result};

/// What a person is told to write.
const FORMS: &str = "write YYYY, YYYY-MM or YYYY-MM-DD";

/// A date of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. What is left out counts as the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaperDate {
    text: String,
    day: i32,
}

impl PaperDate {
    /// Reads a date as people and programs write it: `2024-05-22`, `2024/5/22`, `22 May 2024`, `May 2024`, `2024.0`, RFC 3339 and
    /// `2024-05-22 10:00:00` (the day in UTC), the date line of a mail, `2024-05-00` (the month). What it holds from then on is
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. Which of `05/06/2024` is the month nobody can know, so that is no date.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the text cannot be read, or names a day that the calendar does not have.
    pub fn read(text: &str) -> Result<Self> {
        match PaperDate::parse(text) {
            // What lies before is zeros or a defect.
            Ok(date) if written::is_year(date.as_str()) => return Ok(date),
            _ => {}
        }
        let no_date = |why: String| Error::BadRequest(format!("{:?} {why}; {FORMS}", head(text, 40)));
        let parts = written::text(text).map_err(|why| no_date(why.to_string()))?;
        PaperDate::parse(&parts).map_err(|_| no_date("is no date of the calendar".into()))
    }

    /// The same of a JSON value: a text, a year, `20240522`, seconds or milliseconds since 1970, `{"year": 2024}`,
    /// `{"date-parts": [[2024, 5]]}`.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it cannot be read as a date.
    pub fn of_value(value: &Value) -> Result<Self> {
        if let Value::String(text) = value {
            return PaperDate::read(text);
        }
        let no_date = || Error::BadRequest(format!("{} is no date; {FORMS}", head(&value.to_string(), 40)));
        PaperDate::parse(&written::value(value).ok_or_else(no_date)?).map_err(|_| no_date())
    }

    /// Reads a date of `YYYY`, `YYYY-MM` or `YYYY-MM-DD` and nothing else.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the text has another form or names a day that the calendar does not have.
    pub fn parse(text: &str) -> Result<Self> {
        let no_date = |why: &str| Error::BadRequest(format!("{:?} is no date{why}; {FORMS}", head(text, 40)));
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

    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
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

    /// The first and the last day it covers.
    pub fn days(&self) -> (i32, i32) {
        (self.first_day(), self.last_day())
    }
}

fn days_since_epoch(date: jiff::civil::Date) -> i32 {
    // A span between two civil dates in days always fits: the calendar ends with the year 9999.
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

fn date_of(day: i32) -> jiff::civil::Date {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day))
}

/// The year of a day (days since 1970-01-01), in four digits.
pub fn year_of(day: i32) -> String {
    format!("{:04}", date_of(day).year())
}

impl fmt::Display for PaperDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for PaperDate {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        PaperDate::read(&text)
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

    #[test]
    fn dates_are_read_as_people_write_them() {
        let read = |s: &str| PaperDate::read(s).map(|d| d.to_string()).unwrap_or_else(|_| "none".into());
        for (text, day) in [
            (" 2024-05-22 ", "2024-05-22"),
            ("2024.0", "2024"),
            ("2024/05/22", "2024-05-22"),
            ("2024-5-2", "2024-05-02"),
            ("2024.05.22", "2024-05-22"),
            ("20240522", "2024-05-22"),
            ("05/2024", "2024-05"),
            ("22/05/2024", "2024-05-22"),
            ("05/22/2024", "2024-05-22"),
            ("05/05/2024", "2024-05-05"),
            ("05/06/2024", "none"),
            ("05.06.2024", "none"),
            ("2024-05-22T17:59:59Z", "2024-05-22"),
            ("2024-05-22T23:30:00-05:00", "2024-05-23"),
            ("2024-05-22T00:30:00.123+0200", "2024-05-21"),
            ("2024-05-22 10:00:00", "2024-05-22"),
            ("2024-05-22 10:00:00 UTC", "2024-05-22"),
            ("2024-05-22 00:00:00+00:00", "2024-05-22"),
            ("2024-05-22T10", "2024-05-22"),
            ("22 May 2024", "2024-05-22"),
            ("22-May-2024", "2024-05-22"),
            ("May 22nd, 2024", "2024-05-22"),
            ("22nd of May 2024", "2024-05-22"),
            ("Sept. 2024", "2024-09"),
            ("May 2024", "2024-05"),
            ("2024 May", "2024-05"),
            ("2024 Nov-Dec", "2024-11"),
            ("May 22-24, 2024", "2024-05-22"),
            ("Summer 2024", "2024"),
            ("Q3 2024", "2024"),
            ("[2024]", "2024"),
            ("Wed, 22 May 2024 00:00:00 GMT", "2024-05-22"),
            ("Wed, 22 May 2024 22:00:00 -0500", "2024-05-23"),
            ("Wed May 22 10:00:00 2024", "2024-05-22"),
            ("May 22, 2024 11:30 PM PDT", "2024-05-23"),
            ("2024-05-00", "2024-05"),
            ("2024-00-00", "2024"),
            ("0000-00-00", "none"),
            ("0000", "none"),
            ("0001-01-01", "none"),
            ("0001-01-01T00:00:00Z", "none"),
            ("801", "none"),
            ("n.d.", "none"),
            ("in press", "none"),
            ("2024-02-30", "none"),
            ("2024-13", "none"),
            ("2024.05", "none"),
            ("2024/2025", "none"),
            ("31 June 2024", "none"),
            ("22 May 24", "none"),
            ("nan", "none"),
            ("", "none"),
            ("2024 or 2025", "none"),
        ] {
            assert_eq!(read(text), day, "{text:?}");
        }
    }

    #[test]
    fn dates_are_read_from_values() {
        let read = |v: Value| PaperDate::of_value(&v).map(|d| d.to_string()).unwrap_or_else(|_| "none".into());
        for (value, day) in [
            (serde_json::json!(2024), "2024"),
            (serde_json::json!(2024.0), "2024"),
            (serde_json::json!(20240522), "2024-05-22"),
            (serde_json::json!(1716336000000i64), "2024-05-22"),
            (serde_json::json!(1716336000), "2024-05-22"),
            (serde_json::json!({"date-parts": [[2024, 5]]}), "2024-05"),
            (serde_json::json!({"year": "2024", "month": 5, "day": 22}), "2024-05-22"),
            (serde_json::json!({"year": 2024, "month": "May"}), "2024-05"),
            (serde_json::json!([2024, 5, 22]), "2024-05-22"),
            (serde_json::json!(["2024-05-22"]), "2024-05-22"),
            (serde_json::json!({"$date": "2024-05-22T00:00:00Z"}), "2024-05-22"),
            (serde_json::json!(2024.5), "none"),
            (serde_json::json!(801), "none"),
            (serde_json::json!(true), "none"),
            (serde_json::json!({"date-parts": [[null]]}), "none"),
        ] {
            assert_eq!(read(value.clone()), day, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_is_read_again(text in "\\PC{0,30}", like in "[0-9]{1,4}[-/. ]([0-9]{1,2}|[A-Z][a-z]{2,8})[-/. ,]{1,2}[0-9]{1,4}( [0-9:+-]{0,14})?") {
            for text in [text, like] {
                if let Ok(date) = PaperDate::read(&text) {
                    prop_assert_eq!(PaperDate::parse(date.as_str()).ok(), Some(date));
                }
            }
        }

        #[test]
        fn any_day_of_the_calendar_survives_text(day in -200_000i32..200_000) {
            let text = date_of(day).to_string();
            let parsed = PaperDate::parse(&text);
            prop_assert_eq!(parsed.map(|d| (d.first_day(), d.last_day())).ok(), Some((day, day)));
        }
    }
}
