//! What a key looks like: `pk_<id>_<secret>`, both parts in hexadecimal.

use crate::error::{Error, Result};

/// What every key begins with.
pub const PREFIX: &str = "pk_";

/// Random bytes of the part by which it is found.
const ID: usize = 6;

/// Random bytes of the secret.
const SECRET: usize = 32;

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

/// The id in a key; none where it cannot be one.
pub fn id(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)?.split_once('_').map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

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
