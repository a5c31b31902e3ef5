//! Bytes in a character set that their sender has named.

use encoding_rs::Encoding;

/// Text in UTF-8, without a byte order mark; `None` where nobody knows a character set of this name. A byte order mark
/// counts more than the name.
pub fn to_utf8(bytes: &[u8], charset: &str) -> Option<String> {
    let encoding = Encoding::for_label(charset.trim().as_bytes())?;
    Some(encoding.decode(bytes).0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_character_set_is_read() {
        assert_eq!(to_utf8(b"caf\xe9", "ISO-8859-1").as_deref(), Some("café"));
        assert_eq!(to_utf8(b"c\0a\0f\0\xe9\0", "utf-16le").as_deref(), Some("café"));
        assert_eq!(to_utf8("\u{feff}café".as_bytes(), "latin1").as_deref(), Some("café"));
        assert_eq!(to_utf8(b"x", "klingon"), None);
    }
}
