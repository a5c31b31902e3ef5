//! Dates in the forms in which people and programs write them, brought to `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.

use std::fmt;

use jiff::civil::{DateTime, date, time};
use jiff::{SignedDuration, Timestamp, tz};
use serde_json::Value;

/// The months in English, in lower case.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const SEASONS: [&str; 5] = ["spring", "summer", "autumn", "fall", "winter"];

/// Hours ahead of UTC of the zones that date lines name (RFC 2822, 4.3, and their neighbours).
const ZONES: &[(&str, i8)] = &[
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("cet", 1),
    ("cest", 2),
    ("bst", 1),
    ("jst", 9),
];

/// The first year that is taken for one: what lies before is zeros or a defect, and no paper is that old.
const FIRST_YEAR: u32 = 1000;

/// Whether a date begins with a year that is one.
pub fn is_year(date: &str) -> bool {
    date.get(..4).and_then(|year| year.parse::<u32>().ok()).is_some_and(|year| year >= FIRST_YEAR)
}

/// Why a text is no date, to go on with behind it.
#[derive(Debug)]
pub enum No {
    /// It has no form that is known.
    Date,
    /// Day and month may be either way round.
    Order,
}

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            No::Date => "is no date",
            No::Order => "does not say which number is the month",
        })
    }
}

/// A year, perhaps with a month, perhaps with a day.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Parts {
    year: u32,
    month: Option<u32>,
    day: Option<u32>,
}

impl Parts {
    /// Zeros are what databases put where nothing is known.
    fn new(year: u32, month: u32, day: u32) -> Self {
        let month = (month > 0).then_some(month);
        Parts { year, month, day: month.and((day > 0).then_some(day)) }
    }

    fn written(self) -> Option<String> {
        let year = (FIRST_YEAR..=9999).contains(&self.year).then_some(self.year)?;
        Some(match (self.month, self.day) {
            (None, _) => format!("{year:04}"),
            (Some(month), None) => format!("{year:04}-{month:02}"),
            (Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
        })
    }

    /// The day in UTC, where a time and its zone say that it is another.
    fn in_utc(self, clock: &Clock) -> Option<Self> {
        let (Some(month), Some(day), Some(ahead)) = (self.month, self.day, clock.ahead) else { return Some(self) };
        let day =
            jiff::civil::Date::new(self.year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
        let local: DateTime = day.to_datetime(time(clock.hour.min(23), clock.minute.min(59), 0, 0));
        let utc = local.checked_sub(SignedDuration::from_mins(ahead.into())).ok()?.date();
        Some(Parts::new(
            utc.year().try_into().ok()?,
            utc.month().unsigned_abs().into(),
            utc.day().unsigned_abs().into(),
        ))
    }
}

/// A time of day, as far as it moves the day.
#[derive(Debug, Default)]
struct Clock {
    seen: bool,
    hour: i8,
    minute: i8,
    /// Minutes ahead of UTC, where the text says.
    ahead: Option<i32>,
}

/// Reads a text.
pub fn text(text: &str) -> Result<String, No> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "[]()\"',.;".contains(c));
    let parts = match numeric(text)? {
        Some((parts, "")) => parts,
        Some((parts, rest)) if parts.day.is_some() => {
            let clock = clock(rest).ok_or(No::Date)?;
            parts.in_utc(&clock).ok_or(No::Date)?
        }
        _ => words(text).ok_or(No::Date)?,
    };
    parts.written().ok_or(No::Date)
}

/// Reads a JSON value that is no text.
pub fn value(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => text(s).ok(),
        Value::Number(n) => {
            let whole = n.as_f64().filter(|x| x.fract() == 0.0 && x.abs() < 9e18)?;
            number(whole as i64)
        }
        Value::Array(items) => match &items[..] {
            [one @ (Value::Array(_) | Value::String(_) | Value::Object(_))] => self::value(one),
            [year, rest @ ..] if rest.len() < 6 => {
                let part = |k: usize| rest.get(k).map_or(Some(0), whole);
                Parts::new(whole(year)?, part(0)?, part(1)?).written()
            }
            _ => None,
        },
        Value::Object(fields) => {
            for name in ["date-parts", "date_parts", "$date", "raw", "literal", "date", "value"] {
                if let Some(inner) = fields.get(name) {
                    return self::value(inner);
                }
            }
            let part = |name: &str| fields.get(name).filter(|v| !v.is_null()).map_or(Some(0), whole);
            Parts::new(whole(fields.get("year")?)?, part("month")?, part("day")?).written()
        }
        Value::Null | Value::Bool(_) => None,
    }
}

/// A year, `20240522`, or a count since 1970 in seconds, milliseconds, micro- or nanoseconds: by their size they are told
/// apart for every day from 1973 on.
fn number(n: i64) -> Option<String> {
    match n.unsigned_abs() {
        1000..=9999 if n > 0 => Parts::new(n.try_into().ok()?, 0, 0).written(),
        10_000_000..100_000_000 if n > 0 => text(&n.to_string()).ok(),
        100_000_000.. => {
            let mut seconds = n;
            while seconds.unsigned_abs() >= 10_000_000_000 {
                seconds = seconds.div_euclid(1000);
            }
            let day = Timestamp::from_second(seconds).ok()?.to_zoned(tz::TimeZone::UTC).date();
            (day >= date(1900, 1, 1)).then(|| day.to_string())
        }
        _ => None,
    }
}

/// A part of a date in JSON: a number, a number in quotes, the name of a month.
fn whole(value: &Value) -> Option<u32> {
    match value {
        Value::Number(n) => n.as_f64().filter(|x| x.fract() == 0.0 && (0.0..10_000.0).contains(x)).map(|x| x as u32),
        Value::String(s) => s.trim().parse().ok().or_else(|| month(&s.trim().to_lowercase())),
        _ => None,
    }
}

/// A date of digits at the head of a text, and what comes behind it.
fn numeric(text: &str) -> Result<Option<(Parts, &str)>, No> {
    let (first, rest) = digits(text);
    let number = |digits: &str| digits.parse::<u32>().unwrap_or_default();
    let sign = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'));
    let second = sign.map(|_| digits(&rest[1..])).filter(|(d, _)| !d.is_empty());
    let third = second.and_then(|(_, rest)| Some(digits(rest.strip_prefix(sign?)?))).filter(|(d, _)| !d.is_empty());
    Ok(match (first.len(), second, third) {
        (4, Some((m, _)), Some((d, rest))) if m.len() <= 2 && d.len() <= 2 => {
            Some((Parts::new(number(first), number(m), number(d)), rest))
        }
        // A year that went through a table of numbers.
        (4, Some((zeros, "")), None) if sign == Some('.') && zeros.bytes().all(|b| b == b'0') => {
            Some((Parts::new(number(first), 0, 0), ""))
        }
        (4, Some((m, "")), None) if sign != Some('.') && m.len() <= 2 => {
            Some((Parts::new(number(first), number(m), 0), ""))
        }
        (4, None, None) if rest.is_empty() => Some((Parts::new(number(first), 0, 0), "")),
        (8, None, None) => {
            let (year, month, day) = (number(&first[..4]), number(&first[4..6]), number(&first[6..]));
            Some((Parts::new(year, month, day), rest))
        }
        (1..=2, Some((y, "")), None) if y.len() == 4 => Some((Parts::new(number(y), number(first), 0), "")),
        (1..=2, Some((b, _)), Some((y, rest))) if b.len() <= 2 && y.len() == 4 => {
            let (a, b) = (number(first), number(b));
            let (day, month) = match (a, b) {
                _ if a > 12 && b <= 12 => (a, b),
                _ if b > 12 && a <= 12 || a == b => (b, a),
                _ if a > 12 => return Err(No::Date),
                _ => return Err(No::Order),
            };
            Some((Parts::new(number(y), month, day), rest))
        }
        _ => None,
    })
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// The time behind a date of digits: `T17:59:59Z`, ` 10:00`, `T10`.
fn clock(rest: &str) -> Option<Clock> {
    let rest = rest.trim_start_matches(['T', 't', ' ', ',']);
    let mut clock = Clock::default();
    let mut tokens = Tokens { rest, last: ' ' };
    while let Some(token) = tokens.next(clock.seen) {
        match token {
            // An hour alone.
            Token::Number(hour) if !clock.seen && hour < 24 => {
                (clock.seen, clock.hour) = (true, hour as i8);
            }
            Token::Number(_) | Token::Other => return None,
            token => clock.take(token)?,
        }
    }
    clock.seen.then_some(clock)
}

impl Clock {
    fn take(&mut self, token: Token<'_>) -> Option<()> {
        match token {
            Token::Time(hour, minute) => (self.seen, self.hour, self.minute) = (true, hour, minute),
            Token::Offset(minutes) => self.ahead = Some(minutes),
            Token::Word(word) => match word.to_lowercase().as_str() {
                "am" if self.seen => self.hour %= 12,
                "pm" if self.seen => self.hour = self.hour % 12 + 12,
                zone => {
                    let (_, hours) = ZONES.iter().find(|(name, _)| *name == zone)?;
                    self.ahead = Some(i32::from(*hours) * 60);
                }
            },
            Token::Number(_) | Token::Other => return None,
        }
        Some(())
    }
}

/// A date with the name of a month, a season or a quarter in it.
fn words(text: &str) -> Option<Parts> {
    let (mut year, mut day, mut named, mut season) = (None, None, None, false);
    let mut clock = Clock::default();
    let mut tokens = Tokens { rest: text, last: ' ' };
    while let Some(token) = tokens.next(clock.seen) {
        match token {
            Token::Number(n) if n >= FIRST_YEAR && year.is_none() => year = Some(n),
            Token::Number(n) if (1..=31).contains(&n) && day.is_none() && !clock.seen => {
                day = Some(n);
                let end = tokens.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                if ["st", "nd", "rd", "th"].contains(&tokens.rest[..end].to_ascii_lowercase().as_str()) {
                    tokens.rest = &tokens.rest[end..];
                }
            }
            // The last day of some.
            Token::Number(n) if (1..=31).contains(&n) && matches!(tokens.last, '-' | '–') => {}
            Token::Number(_) | Token::Other => return None,
            Token::Word(word) => {
                let word = word.to_lowercase();
                let begins = |names: &[&str]| names.iter().any(|name| name.starts_with(&word) && word.len() >= 3);
                if let Some(month) = month(&word) {
                    // Of some months the first.
                    named = named.or(Some(month));
                } else if SEASONS.contains(&word.as_str()) {
                    season = true;
                } else if word == "q" && tokens.rest.starts_with(['1', '2', '3', '4']) {
                    (season, tokens.rest) = (true, &tokens.rest[1..]);
                } else if !begins(&WEEKDAYS) && !["of", "the", "on", "at"].contains(&word.as_str()) {
                    clock.take(Token::Word(&word))?;
                }
            }
            token => clock.take(token)?,
        }
    }
    if named.is_none() && !(season && day.is_none()) {
        return None;
    }
    Parts::new(year?, named.unwrap_or(0), day.unwrap_or(0)).in_utc(&clock)
}

fn month(lower: &str) -> Option<u32> {
    let place = MONTHS.iter().position(|name| name.starts_with(lower) && lower.len() >= 3)?;
    Some(place as u32 + 1)
}

enum Token<'a> {
    Number(u32),
    Word(&'a str),
    /// Hour and minute.
    Time(i8, i8),
    /// Minutes ahead of UTC.
    Offset(i32),
    Other,
}

/// Numbers, words and times of a text; what stands between them is passed over.
struct Tokens<'a> {
    rest: &'a str,
    /// The last sign that was passed over.
    last: char,
}

impl<'a> Tokens<'a> {
    /// The next one; behind a time a sign and digits are how far its zone is ahead.
    fn next(&mut self, timed: bool) -> Option<Token<'a>> {
        loop {
            let c = self.rest.chars().next()?;
            if c.is_ascii_digit() {
                return Some(self.number());
            }
            if c.is_alphabetic() {
                let end = self.rest.find(|c: char| !c.is_alphabetic()).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Some(Token::Word(word));
            }
            self.rest = &self.rest[c.len_utf8()..];
            self.last = c;
            if timed && matches!(c, '+' | '-' | '−') && self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                return Some(self.offset(if c == '+' { 1 } else { -1 }));
            }
            if !(c.is_whitespace() || matches!(c, ',' | '.' | '-' | '/' | '–' | '(' | ')')) {
                self.rest = "";
                return Some(Token::Other);
            }
        }
    }

    fn number(&mut self) -> Token<'a> {
        let (first, rest) = digits(self.rest);
        self.rest = rest;
        let Ok(number) = first.parse::<u32>() else { return Token::Other };
        if first.len() > 4 || first.len() == 3 {
            return Token::Other;
        }
        let Some((minute, rest)) = rest.strip_prefix(':').map(digits).filter(|(d, _)| d.len() == 2) else {
            return Token::Number(number);
        };
        self.rest = rest;
        // Seconds and their fractions move no day.
        for sign in [':', '.', ','] {
            if let Some((d, rest)) = self.rest.strip_prefix(sign).map(digits).filter(|(d, _)| !d.is_empty()) {
                self.rest = rest;
                if d.len() > 2 && sign == ':' {
                    return Token::Other;
                }
            }
        }
        match (i8::try_from(number), minute.parse()) {
            (Ok(hour), Ok(minute)) if hour <= 24 && minute < 60 => Token::Time(hour, minute),
            _ => Token::Other,
        }
    }

    fn offset(&mut self, sign: i32) -> Token<'a> {
        let (first, rest) = digits(self.rest);
        self.rest = rest;
        let (hours, minutes) = match first.len() {
            4 => first.split_at(2),
            1 | 2 => match rest.strip_prefix(':').map(digits).filter(|(d, _)| d.len() == 2) {
                Some((minutes, rest)) => {
                    self.rest = rest;
                    (first, minutes)
                }
                None => (first, "0"),
            },
            _ => return Token::Other,
        };
        match (hours.parse::<i32>(), minutes.parse::<i32>()) {
            (Ok(hours), Ok(minutes)) if hours < 24 && minutes < 60 => Token::Offset(sign * (hours * 60 + minutes)),
            _ => Token::Other,
        }
    }
}
