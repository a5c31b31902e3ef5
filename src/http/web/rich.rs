//! Titles and abstracts for pages: safe HTML ([`crate::typeset`]), and plain text on one line.

use minijinja::Value;

use crate::paper::{plain, shown};
use crate::typeset::{self, Matched};

/// A title as the inside of an element.
pub fn title(text: &str, matched: Option<&Matched<'_>>) -> Value {
    Value::from_safe_string(typeset::title(text, matched))
}

/// An abstract as the inside of an element.
pub fn summary(text: &str, matched: Option<&Matched<'_>>) -> Value {
    Value::from_safe_string(typeset::summary(text, matched))
}

/// A passage of an abstract as the inside of an element: its beginning, or what was looked for.
pub fn lead(text: &str, characters: usize, matched: Option<&Matched<'_>>) -> Value {
    Value::from_safe_string(typeset::lead(text, characters, matched))
}

/// A text as plain text on one line.
pub fn text(text: &str) -> String {
    shown(&plain(text)).split_whitespace().collect::<Vec<_>>().join(" ")
}
