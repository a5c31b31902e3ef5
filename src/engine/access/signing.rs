//! Signatures of this service: what an address in a mail may do stands in it, and nobody else can write one.

use super::Access;
use crate::error::Result;

/// Bytes of a signature: 128 bits cannot be guessed, and addresses stay short.
const BYTES: usize = 16;

/// What a signature is for. One of another purpose opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Confirming a subscription.
    Confirm,
    /// Looking at a subscription, pausing and ending it.
    Subscription,
    /// Saying something of a paper, out of a mail.
    Act,
    /// The secret of a webhook.
    Webhook,
}

impl Purpose {
    fn context(self) -> &'static str {
        match self {
            Purpose::Confirm => "paperkin 2026 confirm a subscription",
            Purpose::Subscription => "paperkin 2026 manage a subscription",
            Purpose::Act => "paperkin 2026 act on a paper",
            Purpose::Webhook => "paperkin 2026 webhook",
        }
    }
}

impl Access {
    /// The signature of some texts for a purpose, as hexadecimal digits. The same texts have the same one for ever; texts that are
    /// divided otherwise have another (keyed BLAKE3, the key derived for the purpose).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn signature(&self, purpose: Purpose, texts: &[&str]) -> Result<String> {
        let key = blake3::derive_key(purpose.context(), &self.store.signing_key()?);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        for text in texts {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Ok(hasher.finalize().as_bytes()[..BYTES].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether this is the signature of some texts for a purpose.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_signature(&self, given: &str, purpose: Purpose, texts: &[&str]) -> Result<bool> {
        // Compared by hash, so that the time it takes tells nothing of where the two differ.
        Ok(blake3::hash(given.as_bytes()) == blake3::hash(self.signature(purpose, texts)?.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    #[test]
    fn a_signature_is_of_its_texts_purpose_and_store_alone() {
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let [one, other] =
            folders.each_ref().map(|f| Access::open(store::open(f.path()).expect("opens")).expect("opens"));
        let sign = |access: &Access, purpose, texts: &[&str]| access.signature(purpose, texts).expect("read");
        let signed = sign(&one, Purpose::Act, &["ab", "c"]);
        assert_eq!(signed.len(), 2 * BYTES);
        assert!(one.is_signature(&signed, Purpose::Act, &["ab", "c"]).expect("read"));
        for given in ["", &signed[1..], &signed.to_uppercase(), &format!("{signed}0")] {
            assert!(!one.is_signature(given, Purpose::Act, &["ab", "c"]).expect("read"), "{given}");
        }
        for (access, purpose, texts) in [
            (&one, Purpose::Act, ["a", "bc"].as_slice()),
            (&one, Purpose::Act, &["ab", "c", ""]),
            (&one, Purpose::Act, &["abc"]),
            (&one, Purpose::Confirm, &["ab", "c"]),
            (&one, Purpose::Subscription, &["ab", "c"]),
            (&one, Purpose::Webhook, &["ab", "c"]),
            (&other, Purpose::Act, &["ab", "c"]),
        ] {
            assert!(!access.is_signature(&signed, purpose, texts).expect("read"), "{purpose:?} {texts:?}");
        }
    }
}
