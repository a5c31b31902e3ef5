//! Days as people write them. A date is the day that is written, in any time zone.

use crate::paper::PaperDate;
use crate::user::Moment;

/// A day since 1970-01-01 as a date of the calendar.
fn date_of(day: i32) -> jiff::civil::Date {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day))
}

/// `2026-08-21`
pub fn iso(day: i32) -> String {
    date_of(day).to_string()
}

/// `Friday, 21 August 2026`
pub fn long(day: i32) -> String {
    date_of(day).strftime("%A, %-d %B %Y").to_string()
}

/// `21 Aug 2026`
pub fn short(day: i32) -> String {
    date_of(day).strftime("%-d %b %Y").to_string()
}

/// `August 2026`
pub fn month(day: i32) -> String {
    date_of(day).strftime("%B %Y").to_string()
}

/// `2026-08-21 07:00 UTC`
pub fn minute(at: Moment) -> String {
    let text = at.to_string();
    text.get(..16).map_or(text.clone(), |minute| format!("{} UTC", minute.replace('T', " ")))
}

/// A date that is written as in a paper, or the day of a moment; another text as it is.
pub fn of_text(text: &str) -> String {
    let day = text.get(..10).unwrap_or(text);
    PaperDate::parse(day).map_or_else(|_| text.to_string(), |date| of_paper(&date))
}

/// A date of a paper, as far as it is known: `21 Aug 2026`, `Aug 2026`, `2026`.
pub fn of_paper(date: &PaperDate) -> String {
    match date.as_str().len() {
        4 => date.as_str().to_string(),
        7 => date_of(date.first_day()).strftime("%b %Y").to_string(),
        _ => short(date.first_day()),
    }
}

/// The first and the last day of the year of a day.
pub fn year_of(day: i32) -> (i32, i32) {
    let date = date_of(day);
    let first = day - i32::from(date.day_of_year()) + 1;
    (first, first + i32::from(date.days_in_year()) - 1)
}

/// The first and the last day of the month of a day.
pub fn month_of(day: i32) -> (i32, i32) {
    let date = date_of(day);
    let first = day - i32::from(date.day()) + 1;
    (first, first + i32::from(date.days_in_month()) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_people_do() {
        let date = PaperDate::read("2026-08-21").expect("a date");
        let day = date.first_day();
        assert_eq!((long(day).as_str(), short(day).as_str()), ("Friday, 21 August 2026", "21 Aug 2026"));
        assert_eq!((month(day).as_str(), iso(day).as_str()), ("August 2026", "2026-08-21"));
        let (first, last) = month_of(day);
        assert_eq!((iso(first).as_str(), iso(last).as_str()), ("2026-08-01", "2026-08-31"));
        let (first, last) = year_of(day);
        assert_eq!((iso(first).as_str(), iso(last).as_str()), ("2026-01-01", "2026-12-31"));
        for (text, wanted) in [("2026", "2026"), ("2026-08", "Aug 2026"), ("2026-08-02", "2 Aug 2026")] {
            assert_eq!(of_paper(&PaperDate::read(text).expect("a date")), wanted);
        }
    }
}
