//! Keys: what opens the service to programs.

use crate::access::Scopes;
use crate::error::Result;
use crate::user::{Moment, UserId};

/// A key as the store knows it: everything but the secret.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredKey {
    /// Its name inside the service, a part of the key itself; used once.
    pub id: String,
    /// What it was called by whoever made it.
    pub name: String,
    /// What it lets its holder do.
    pub scopes: Scopes,
    /// The one reader for whom it acts; none where the scopes decide.
    pub user: Option<UserId>,
    /// BLAKE3 of the whole key.
    pub hash: [u8; 32],
    /// When it was made.
    pub created: Moment,
    /// From when on it opens nothing any more; none for never.
    pub expires: Option<Moment>,
    /// When it opened something the last time, as far as that was written down.
    pub last_used: Option<Moment>,
}

/// The keys that were made and not taken back. The keys of a reader go with the reader
/// ([`Users::delete_user`](super::Users::delete_user)), and nothing of them can be found any more.
pub trait Keys {
    /// Adds a key under an id that no other has. The reader for whom it acts is made if new.
    fn add_key(&self, key: &StoredKey) -> Result<()>;

    /// All keys, in the order in which they were added.
    fn keys(&self) -> Result<Vec<StoredKey>>;

    /// Takes a key back, and ends the sessions that were begun with it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this id.
    fn delete_key(&self, id: &str) -> Result<()>;

    /// What the addresses in mails and the calls of webhooks are signed with: random, made with the store, the same ever after,
    /// and in its copies. It is the one secret that is kept as it is.
    fn signing_key(&self) -> Result<[u8; 32]>;

    /// Notes when some keys were used last: what is known of a later use stays, and keys that are gone are passed over.
    fn note_key_uses(&self, uses: &[(String, Moment)]) -> Result<()>;
}
