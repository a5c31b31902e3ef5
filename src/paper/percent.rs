//! Percent signs in addresses: RFC 3986, sections 2.1 and 2.3.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode_byte, utf8_percent_encode};

/// All but the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one piece of a URN, path or query: all but the unreserved characters (letters, digits, `-._~`) escaped.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A text with the characters escaped that `escapes` says so of; letters of all scripts may stay, which no set of the crate's
/// leaves.
pub fn encoded_where(text: &str, escapes: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut bytes = [0; 4];
    for c in text.chars() {
        if escapes(c) {
            out.extend(c.encode_utf8(&mut bytes).bytes().map(percent_encode_byte));
        } else {
            out.push(c);
        }
    }
    out
}

/// A text with `%2F` as the characters that it stands for; `None` when nothing is escaped, or what comes out is no text. A
/// percent sign before anything else stays.
pub fn decoded(text: &str) -> Option<String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(Cow::Owned(text)) => Some(text),
        Ok(Cow::Borrowed(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_reserved_is_escaped() {
        assert_eq!(encoded("a/b c?é~1"), "a%2Fb%20c%3F%C3%A9~1");
        assert_eq!(encoded_where("10.1/a<b>", |c| matches!(c, '<' | '>')), "10.1/a%3Cb%3E");
        assert_eq!(decoded("10.1%2fa%3Cb"), Some("10.1/a<b".into()));
        assert_eq!((decoded("100% of it"), decoded("%ff"), decoded("%2")), (None, None, None));
    }

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(text in any::<String>()) {
            let escaped = encoded(&text);
            prop_assert!(escaped.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            prop_assert_eq!(decoded(&escaped).unwrap_or(escaped), text);
        }
    }
}
