//! What of a text may be shown where characters can do more than be seen: on terminals, in logs, in feeds.

mod json;

use std::borrow::Cow;
use std::fmt::Write;

pub use json::EscapedJson;

/// A text as it is shown to people beside others: on one line, and without the characters that steer a terminal (controls, ESC,
/// DEL, C1), turn the direction of what stands around it (U+202A to U+202E, U+2066 to U+2069, U+200E, U+200F, U+061C) or hide
/// (zero width, tags). Those that join letters of Indic and Persian scripts and emoji stay between such letters.
pub fn shown(text: &str) -> String {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() && (c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) => out.push(' '),
            '\u{200C}' | '\u{200D}' => {
                let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !hides(c));
                if joins(out.chars().next_back()) && joins(rest.peek().copied()) {
                    out.push(c);
                }
            }
            c if hides(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// A text for a log: on one line, and what [`shown`] leaves out is written as `\u{1b}`, so that it is seen that it was there.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            '\n' => out.write_str("\\n"),
            c if hides(c) => write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.write_char(c),
        };
    }
    Cow::Owned(out)
}

/// Whether a character is not to be seen and does something all the same.
pub fn hides(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'
                ..='\u{180E}'
        )
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}')
        || matches!(c, '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a character takes no room and says nothing, so that a text is read as if it were not there: what [`hides`] but for
/// controls and the ends of lines, which part words.
pub fn is_invisible(c: char) -> bool {
    !c.is_ascii() && hides(c) && !c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_turns_or_hides_is_not_shown() {
        assert_eq!(shown("a\u{1b}]0;owned\u{7}b\u{9b}2J \u{7f}c\u{0}"), "a]0;ownedb2J c");
        assert_eq!(shown("  two  spaces\tand\nlines\r "), "  two  spaces and lines  ");
        assert_eq!(shown("Größe ≤ 5 µm, 東京, 👩‍🔬, می‌خواهم"), "Größe ≤ 5 µm, 東京, 👩‍🔬, می‌خواهم");
        assert_eq!(
            shown("gnp.\u{202E}exe \u{2066}a\u{2069} pay\u{200D}pal\u{200B}\u{FEFF}\u{E0041}"),
            "gnp.exe a paypal"
        );
        assert_eq!(shown("a\u{2028}b\u{85}c"), "a b c");
    }

    #[test]
    fn what_is_escaped_is_seen() {
        assert_eq!(escaped("a\n\u{1b}[2J\u{2028}\u{202e}é"), "a\\n\\u{1b}[2J\\u{2028}\\u{202e}é");
        assert!(matches!(escaped("as it is, 東京"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_invisible_parts_no_word() {
        for c in ['\u{ad}', '\u{200b}', '\u{200d}', '\u{feff}', '\u{2066}', '\u{e0041}'] {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in ['a', ' ', '\n', '\u{7}', '\u{85}', '\u{2028}', '\u{a0}', 'é', '東'] {
            assert!(!is_invisible(c), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_it_is_left_in_any_text(text in any::<String>()) {
            let out = shown(&text);
            prop_assert!(out.chars().all(|c| !hides(c) || matches!(c, '\u{200C}' | '\u{200D}')), "{out:?}");
            prop_assert_eq!(shown(&out), out.clone());
        }

        #[test]
        fn what_is_escaped_is_on_one_line_and_nothing_of_it_is_lost(text in any::<String>()) {
            let out = escaped(&text);
            prop_assert!(!out.chars().any(hides), "{out:?}");
            let kept: String = text.chars().filter(|c| !hides(*c)).collect();
            let mut rest = out.chars();
            prop_assert!(kept.chars().all(|c| rest.any(|other| other == c)), "{out:?}");
        }
    }
}
