//! The days that reference managers write: `2021 Mar 5`, `2021/03/05/`, `March 2021`, `2021 Nov-Dec`.

use crate::paper::{MONTHS, PaperDate};

/// The day, month or year that a text names, as `YYYY-MM-DD`, `YYYY-MM` or `YYYY`: as much of it as is certain. Of a range
/// its beginning. `None` where it names no year.
pub fn day(text: &str) -> Option<String> {
    let parts = parts(super::draft::head(text, 200));
    // Eight digits are a day without signs.
    if let Some(Part::Number(8, n)) = parts.first() {
        return [format!("{:04}-{:02}-{:02}", n / 10_000, n / 100 % 100, n % 100), format!("{:04}", n / 10_000)]
            .into_iter()
            .find(|day| PaperDate::parse(day).is_ok());
    }
    let at = parts.iter().position(|part| matches!(part, Part::Number(4, 1000..=2999)))?;
    let Part::Number(_, year) = parts[at] else { return None };
    let number = |k: Option<usize>| match k.and_then(|k| parts.get(k)) {
        Some(Part::Number(1..=2, n)) if *n >= 1 => Some(*n),
        _ => None,
    };
    let named = parts.iter().position(|part| matches!(part, Part::Month(_)));
    let (month, day) = match named.map(|k| (k, &parts[k])) {
        // `2021 Mar 5`, `5 March 2021`, `March 5, 2021`.
        Some((k, Part::Month(month))) => (Some(*month), number(Some(k + 1)).or_else(|| number(k.checked_sub(1)))),
        // `2021-03-05`, `2021/3`.
        _ if number(Some(at + 1)).is_some() => (number(Some(at + 1)), number(Some(at + 2))),
        // `05.03.2021`; `13/05/2021` and `05/13/2021`, where only one reading is a day.
        _ => match (at.checked_sub(2).and_then(|k| number(Some(k))), at.checked_sub(1).and_then(|k| number(Some(k)))) {
            (Some(day), Some(month)) if text.contains('.') || day > 12 || day == month => (Some(month), Some(day)),
            (Some(month), Some(day)) if day > 12 => (Some(month), Some(day)),
            (None, Some(month)) => (Some(month), None),
            _ => (None, None),
        },
    };
    let mut all = Vec::new();
    if let (Some(month), Some(day)) = (month, day) {
        all.push(format!("{year:04}-{month:02}-{day:02}"));
    }
    all.extend(month.map(|month| format!("{year:04}-{month:02}")));
    all.push(format!("{year:04}"));
    all.into_iter().find(|day| PaperDate::parse(day).is_ok())
}

enum Part {
    /// So many digits, and their number.
    Number(usize, u32),
    Month(u32),
    Other,
}

/// Runs of digits and of letters.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let of = |test: fn(char) -> bool| rest.find(|c: char| !test(c)).unwrap_or(rest.len());
        let end = if c.is_ascii_digit() {
            let end = of(|c| c.is_ascii_digit());
            parts.push(rest[..end].parse().map_or(Part::Other, |n| Part::Number(end, n)));
            end
        } else if c.is_alphabetic() {
            let end = of(char::is_alphabetic);
            let word = rest[..end].to_lowercase();
            let month = MONTHS.iter().position(|month| word.len() >= 3 && month.starts_with(&word));
            parts.push(month.map_or(Part::Other, |k| Part::Month(k as u32 + 1)));
            end
        } else {
            c.len_utf8()
        };
        rest = &rest[end..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_are_read_as_programs_write_them() {
        for (text, expected) in [
            ("2021", "2021"),
            ("2021/03/15/", "2021-03-15"),
            ("2021/03//", "2021-03"),
            ("2021///Spring", "2021"),
            ("2021-03-15T10:00:00Z", "2021-03-15"),
            ("2021 Mar", "2021-03"),
            ("2021 Mar 5", "2021-03-05"),
            ("2021 Nov-Dec", "2021-11"),
            ("2021 Sept 5-12", "2021-09-05"),
            ("5 March 2021", "2021-03-05"),
            ("March 5, 2021", "2021-03-05"),
            ("MAR 2021", "2021-03"),
            ("15.03.2021", "2021-03-15"),
            ("03/15/2021", "2021-03-15"),
            ("03/05/2021", "2021"),
            ("03/2021", "2021-03"),
            ("20210315", "2021-03-15"),
            ("2021-2022", "2021"),
            ("2020-05/2020-07", "2020-05"),
            ("c. 2021a", "2021"),
            ("2021-02-30", "2021-02"),
            ("2021-13", "2021"),
        ] {
            assert_eq!(day(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "in press", "99", "21 May", "12345"] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_date(text in "([0-9]{1,4}|[/. -]|Mar|may|\\PC){0,12}") {
            if let Some(day) = day(&text) {
                prop_assert!(PaperDate::parse(&day).is_ok(), "{text:?}: {day}");
            }
        }
    }
}
