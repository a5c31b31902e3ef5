//! Titles and abstracts as safe HTML.

use crate::paper::{head, plain, shown};

/// A text as it was sent as the inside of an element.
pub fn html(text: &str) -> String {
    escape(&plain(text))
}

/// The same as plain text on one line.
pub fn text(text: &str) -> String {
    shown(&plain(text)).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How a text begins, at most so many characters, as the inside of an element.
pub fn lead(text: &str, characters: usize) -> String {
    escape(&head(&plain(text), characters))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
