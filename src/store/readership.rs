//! What is kept so that no answer tells what one reader did: a secret, and how far the acts of readers were released.

use crate::error::Result;

/// How far the acts of readers were released into what others are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadershipRelease {
    /// The first day whose acts are not released yet; none while nothing is.
    pub before: Option<i32>,
    /// Batches that were released so far.
    pub batches: usize,
}

/// What decides which acts of readers others may learn of. What users are forgotten moves nothing here.
pub trait Readership {
    /// What nobody outside this store knows: 32 random bytes, made with it and never changed. They go into no export.
    fn secret(&self) -> Result<[u8; 32]>;

    /// Sets the secret, so that a test says the same every time.
    #[cfg(test)]
    fn set_secret(&self, secret: &[u8; 32]) -> Result<()>;

    /// How far acts were released.
    fn release(&self) -> Result<ReadershipRelease>;

    /// Notes how far acts are released from now on.
    fn put_release(&self, release: ReadershipRelease) -> Result<()>;
}
