//! What a key looks like: `pk_<id>_<secret>`, both parts in hexadecimal.

use crate::error::{Error, Result};

/// What every key begins with.
pub const PREFIX: &str = "pk_";

/// Random bytes of the part by which it is found.
const ID: usize = 6;

/// Random bytes of the secret.
const SECRET: usize = 32;

/// Digits of a secret by which a text is taken for a key.
const TOLD: usize = 8;

/// A new key: its id, and the whole text.
pub fn fresh() -> Result<(String, String)> {
    let (id, secret) = (random::<ID>()?, random::<SECRET>()?);
    let text = format!("{PREFIX}{id}_{secret}");
    Ok((id, text))
}

fn random<const N: usize>() -> Result<String> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::Internal(format!("the system gave no randomness: {e}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether something in a text is, or was meant to be, a key: its beginning, an id, and some of a secret.
pub fn holds_key(text: &str) -> bool {
    let hex = |text: &str, n: usize| text.len() >= n && text.bytes().take(n).all(|b| b.is_ascii_hexdigit());
    text.match_indices(PREFIX).any(|(at, _)| {
        let rest = &text[at + PREFIX.len()..];
        rest.split_once('_').is_some_and(|(id, secret)| id.len() == 2 * ID && hex(id, 2 * ID) && hex(secret, TOLD))
    })
}

/// The id in a key; none where it cannot be one.
pub fn id(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)?.split_once('_').map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_seen_wherever_it_stands_and_a_word_like_its_beginning_is_none() {
        let (_, key) = fresh().expect("made");
        for text in [key.clone(), format!("the key {key}!"), format!("pk_pk_{key}"), key[..30].to_string()] {
            assert!(holds_key(&text), "{text}");
        }
        for text in
            ["", "pk_", "pk_1", "pk_sim", "pk_0a1b2c3d4e5f", "pk_0a1b2c3d4e5f_", "pk_0a1b2c3d4e5f_zz", "pk_\u{e9}_a"]
        {
            assert!(!holds_key(text), "{text}");
        }
    }

    #[test]
    fn no_two_keys_are_the_same_and_each_holds_its_id() {
        let (first, second) = (fresh().expect("made"), fresh().expect("made"));
        assert_ne!(first, second);
        assert_eq!(id(&first.1), Some(first.0.as_str()));
        assert_eq!((first.0.len(), first.1.len()), (2 * ID, PREFIX.len() + 2 * ID + 1 + 2 * SECRET));
        for text in ["", "pk_", "pk_x", "sk_a_b", "PK_a_b"] {
            assert_eq!(id(text), None, "{text}");
        }
    }
}
