//! An embedder without a model, for tests and for trying the plumbing: `--model hash`.

use super::{Embedder, Identity, Kind, PendingEmbeddings, unit};
use crate::error::{Error, Result};

/// Sums one fixed pseudo-random direction for each word, so that texts that share words are similar. Deterministic on
/// every machine, needs no file, and takes microseconds a text. Vectors have 64 numbers.
pub struct HashEmbedder {
    identity: Identity,
}

impl HashEmbedder {
    /// Its name in `--model`.
    pub const NAME: &'static str = "hash";
    const DIMENSION: usize = 64;

    /// The only one: it has no settings.
    pub fn new() -> Self {
        let identity = Identity {
            name: Self::NAME.into(),
            fingerprint: "hash-64-1".into(),
            dimension: Self::DIMENSION,
            source: Self::NAME.into(),
            precision: super::Precision::F32,
        };
        HashEmbedder { identity }
    }

    /// [`HashEmbedder::new`], if `dimension` allows it.
    ///
    /// # Errors
    /// [`Error::Model`] for another dimension than 64.
    pub(super) fn with_dimension(dimension: Option<usize>) -> Result<Self> {
        match dimension {
            None | Some(Self::DIMENSION) => Ok(Self::new()),
            Some(n) => {
                Err(Error::Model(format!("hash cannot give vectors of {n} numbers; it gives {}", Self::DIMENSION)))
            }
        }
    }
}

impl Default for HashEmbedder {
    fn default() -> Self {
        Self::new()
    }
}

impl Embedder for HashEmbedder {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn submit(&self, texts: &[&str], _: Kind) -> Result<PendingEmbeddings> {
        let vector = |text: &&str| crate::cancel::check().and_then(|()| unit(direction(text)));
        Ok(PendingEmbeddings::done(texts.iter().map(vector).collect::<Result<_>>()?))
    }

    fn runs_on(&self) -> String {
        "cpu, no model".into()
    }
}

fn direction(text: &str) -> Vec<f32> {
    let mut sum = vec![0.0; HashEmbedder::DIMENSION];
    // A constant word gives texts without any word a direction.
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).chain(["\u{0}"]) {
        let mut stream = blake3::Hasher::new().update(word.to_lowercase().as_bytes()).finalize_xof();
        let mut bytes = [0; HashEmbedder::DIMENSION];
        stream.fill(&mut bytes);
        let weight = if word == "\u{0}" { 0.1 } else { 1.0 };
        for (s, b) in sum.iter_mut().zip(bytes) {
            *s += weight * (f32::from(b) - 127.5) / 127.5;
        }
    }
    sum
}
