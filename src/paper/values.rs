//! JSON values as the texts, counts and lists that they stand for.

use serde_json::Value;

use super::head;
use crate::error::Error;

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

pub(super) fn no_text(name: &str, value: &Value) -> Error {
    Error::BadRequest(format!("the field `{name}` must be a text, not {}", kind_of(value)))
}

/// A number as text: a whole one that went through a table of floats without its `.0`.
pub(super) fn number_text(n: &serde_json::Number) -> String {
    match n.as_f64() {
        Some(x) if n.is_f64() && x.fract() == 0.0 && x.abs() < 9e15 => format!("{}", x as i64),
        _ => n.to_string(),
    }
}

pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(number_text(n)),
        _ => None,
    }
}

/// What objects call the text that stands for them.
pub(super) const NAMES: &[&str] = &[
    "name",
    "display_name",
    "displayName",
    "full_name",
    "fullName",
    "fullname",
    "literal",
    "title",
    "label",
    "term",
    "tag",
    "keyword",
    "category",
    "user",
    "username",
    "URL",
    "url",
    "href",
    "value",
    "text",
];

/// The text that a value is or that stands for it; of a list the first.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(number_text(n)),
        Value::Array(items) => items.iter().find_map(text_of),
        Value::Object(fields) => NAMES.iter().find_map(|name| text_of(fields.get(*name)?)),
        Value::Null | Value::Bool(_) => None,
    }
}

/// An abstract: a text, or its parts in a list or under their headings.
pub(super) fn prose_of(value: &Value) -> std::result::Result<String, String> {
    let wrong = || format!("it is {}, not a text", kind_of(value));
    match value {
        Value::Array(items) => {
            let parts: std::result::Result<Vec<String>, String> =
                items.iter().filter(|v| !v.is_null()).map(prose_of).collect();
            Ok(parts?.join("\n"))
        }
        Value::Object(fields) => {
            let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
            match (text(&["label", "Label", "heading"]), text(&["text", "value", "content", "abstract", "p"])) {
                (Some(label), Some(text)) => Ok(format!("{label}: {text}")),
                (None, Some(text)) => Ok(text.to_string()),
                (_, None) => {
                    let part = |(name, v): (&String, &Value)| Some(format!("{name}: {}", v.as_str()?));
                    let parts: Option<Vec<String>> = fields.iter().map(part).collect();
                    parts.filter(|p| !p.is_empty()).map(|p| p.join("\n")).ok_or_else(wrong)
                }
            }
        }
        value => text_of(value).ok_or_else(wrong),
    }
}

/// A count: `5`, `5.0`, `"5"`.
pub(super) fn count(value: &Value) -> std::result::Result<Option<u32>, String> {
    let number = match value {
        Value::String(s) if s.trim().is_empty() => return Ok(None),
        Value::String(s) => s.trim().parse::<f64>().ok(),
        value => value.as_f64(),
    };
    match number.filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n)) {
        Some(n) => Ok(Some(n as u32)),
        None => Err(format!("{} is no whole number from 0 to {}", head(&value.to_string(), 40), u32::MAX)),
    }
}

pub(super) fn trimmed<'a>(pieces: impl Iterator<Item = &'a str>) -> Vec<String> {
    pieces.map(str::trim).filter(|p| !p.is_empty()).map(str::to_string).collect()
}

/// The subject classes of one text: parted by commas or semicolons, or by blanks as arXiv does (`cs.LG stat.ML`).
pub(super) fn classes(text: &str) -> Vec<String> {
    if text.contains([',', ';', '|']) {
        return trimmed(text.split([',', ';', '|']));
    }
    let class = |word: &str| {
        word.contains(['.', '-']) && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    if text.split_whitespace().all(class) { trimmed(text.split_whitespace()) } else { trimmed(std::iter::once(text)) }
}

/// The keywords of one text, parted by semicolons, else by commas.
pub(super) fn phrases(text: &str) -> Vec<String> {
    let sign = if text.contains(';') { ';' } else { ',' };
    trimmed(text.split([sign, '\n']))
}

/// A list that is being read.
#[derive(Default)]
pub(super) struct List {
    pub texts: Vec<String>,
    /// How many there are that can be read and are not too long.
    pub all: usize,
    /// The first that is nothing, and how many are.
    pub bad: Option<String>,
    pub bad_total: usize,
    /// How many are too long.
    pub long: usize,
}

impl List {
    pub fn add(&mut self, text: String, (most, longest): (usize, usize)) {
        if text.len() > longest {
            self.long += 1;
            return;
        }
        self.all += 1;
        if self.texts.len() < most {
            self.texts.push(text);
        }
    }

    pub fn miss(&mut self, item: &str) {
        self.bad_total += 1;
        self.bad.get_or_insert_with(|| head(item, 40));
    }
}
