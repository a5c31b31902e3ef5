//! What opens something without being a key: 256 random bits, shown to whoever holds them and kept as a hash.

use crate::error::{Error, Result};
use crate::store::SecretHash;

/// A secret. It has no `Debug`, so that no log holds one by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no randomness.
    pub fn fresh() -> Result<Self> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|e| Error::Internal(format!("the system gave no randomness: {e}")))?;
        Ok(Secret(bytes))
    }

    /// Reads what [`Secret::text`] wrote; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |d: u8| match d {
                b'0'..=b'9' => Some(d - b'0'),
                b'a'..=b'f' => Some(d - b'a' + 10),
                _ => None,
            };
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Secret(bytes))
    }

    /// As 64 hexadecimal digits.
    pub fn text(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What is kept of it. To find it by its hash tells whoever measures the time nothing of use: hashes cannot be aimed.
    pub fn hash(&self) -> SecretHash {
        *blake3::hash(&self.0).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_written_and_nothing_else_is_one() {
        let secret = Secret::fresh().expect("random");
        let text = secret.text();
        assert!(Secret::parse(&text).is_some_and(|read| read == secret && read.hash() == secret.hash()));
        assert!(Secret::fresh().expect("random") != secret);
        for wrong in
            ["", "00", &text[1..], &text.to_uppercase().replace(|c: char| c.is_numeric(), "A"), &"ü".repeat(32)]
        {
            assert!(Secret::parse(wrong).is_none(), "{wrong}");
        }
    }
}
