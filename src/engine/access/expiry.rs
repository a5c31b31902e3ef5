//! Until when a key opens something, as people say it.

use crate::error::{Error, Result};
use crate::paper::head;
use crate::user::Moment;

/// The longest that can be said as a span.
const MOST_DAYS: i64 = 36_500;

/// Reads when a key expires: a span from now on (`12h`, `30d`, `8w`), a date (`2027-03-31`: with the end of that day, UTC) or a
/// time (`2027-03-31T12:00:00Z`).
///
/// # Errors
/// [`Error::BadRequest`] when it is none of these, [`Error::Invalid`] when it is over already.
pub fn read_expiry(text: &str, now: Moment) -> Result<Moment> {
    let text = text.trim();
    let at = match span(text) {
        Some(hours) if (1..=MOST_DAYS * 24).contains(&hours) => Moment(now.0.saturating_add(hours * 3_600_000_000)),
        Some(_) => {
            return Err(Error::Invalid(format!("expires is {text:?}; a span goes from 1h to {MOST_DAYS}d")));
        }
        None => {
            let at = Moment::parse(text).map_err(|_| {
                let said = head(text, 40);
                Error::BadRequest(format!("expires is {said:?}; write 30d, 2027-03-31 or 2027-03-31T12:00:00Z"))
            })?;
            // A day alone is meant as a whole.
            if text.contains([':', 'T', 't']) { at } else { Moment::of_day(at.day().saturating_add(1)) }
        }
    };
    if at <= now {
        return Err(Error::Invalid(format!("expires is {text:?}, which is over already")));
    }
    Ok(at)
}

/// Hours of `12h`, `30d` or `8w`.
fn span(text: &str) -> Option<i64> {
    let (number, hours) = match text.chars().last()? {
        'h' => (&text[..text.len() - 1], 1),
        'd' => (&text[..text.len() - 1], 24),
        'w' => (&text[..text.len() - 1], 24 * 7),
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(hours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_days_and_times_are_read() {
        let now = Moment::parse("2026-11-26T08:00:00Z").expect("a time");
        for (text, wanted) in [
            ("12h", "2026-11-26T20:00:00Z"),
            (" 30d ", "2026-12-26T08:00:00Z"),
            ("2w", "2026-12-10T08:00:00Z"),
            ("2026-11-26", "2026-11-27T00:00:00Z"),
            ("2027-03-31T12:00:00+02:00", "2027-03-31T10:00:00Z"),
        ] {
            assert_eq!(read_expiry(text, now).expect(text).to_string(), wanted, "{text}");
        }
        for text in ["", "d", "soon", "-3d", "3.5d", "30", "30m", "2026-13-01"] {
            assert!(matches!(read_expiry(text, now), Err(Error::BadRequest(_))), "{text}");
        }
        for text in ["0d", "36501d", "99999999999999999999d", "2026-11-25", "2026-11-26T07:59:59Z"] {
            assert!(matches!(read_expiry(text, now), Err(Error::Invalid(_))), "{text}");
        }
    }
}
