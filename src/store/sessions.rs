//! Who is signed in with a browser, and the links by which readers sign in. No secret stands here: what opens something is
//! kept as its hash.

use crate::error::Result;
use crate::user::{Moment, UserId};

/// The blake3 hash of a secret.
pub type SecretHash = [u8; 32];

/// What somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedInWith {
    /// A one-time link.
    Link,
    /// The key of this id: the session has its rights, and ends with it.
    Key(String),
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Its name outside, which opens nothing; used once.
    pub id: String,
    /// Of the secret in the cookie.
    pub hash: SecretHash,
    /// What it was begun with.
    pub with: SignedInWith,
    /// The one reader for whom it acts; none where the key decides.
    pub reader: Option<UserId>,
    /// When it was begun.
    pub created: Moment,
    /// When it was last used, to within an hour.
    pub seen: Moment,
    /// When it ends, unless it is used before.
    pub until: Moment,
    /// What the browser calls itself, in short.
    pub browser: String,
}

/// A one-time link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLink {
    /// Of the secret in its address.
    pub hash: SecretHash,
    /// Who signs in by it.
    pub reader: UserId,
    /// When it was made.
    pub created: Moment,
    /// Until when it is good.
    pub until: Moment,
    /// When somebody signed in by it.
    pub used: Option<Moment>,
}

/// Sessions that are to end.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// The one of this id.
    One(&'a str),
    /// Those that act for a reader.
    OfReader(&'a str),
    /// Those that were begun with a key.
    OfKey(&'a str),
    /// Those that have ended by themselves by then.
    Lapsed(Moment),
}

/// What became of a link that somebody followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The session is there, for this reader.
    Yes(UserId),
    /// It was used before; nothing was written.
    Used,
    /// It is too old; nothing was written.
    Expired,
    /// There is none; nothing was written.
    Unknown,
}

/// Sessions and one-time links. Readers that they name are made if new, and with a reader they go
/// ([`Users::delete_user`](super::Users::delete_user)).
pub trait Sessions {
    /// Writes a session down.
    fn add_session(&self, session: &StoredSession) -> Result<()>;

    /// All sessions in the order of their ids, those that have ended by themselves included.
    fn sessions(&self) -> Result<Vec<StoredSession>>;

    /// Notes that a session was used, and until when it is good now. `false` when there is none of this id.
    fn see_session(&self, id: &str, seen: Moment, until: Moment) -> Result<bool>;

    /// Ends sessions; gives how many there were.
    fn end_sessions(&self, which: Ending<'_>) -> Result<usize>;

    /// Writes a link down. Links that were good until `forget` or less go: until then their use is told from a link that never
    /// was.
    fn add_link(&self, link: &StoredLink, forget: Moment) -> Result<()>;

    /// The link with this hash.
    fn link(&self, hash: &SecretHash) -> Result<Option<StoredLink>>;

    /// Uses a link, and begins the session that comes of it, which acts for the reader of the link: of any number who follow
    /// it at once one gets `Yes`. `session` makes the session for that reader.
    fn redeem_link(
        &self,
        hash: &SecretHash,
        now: Moment,
        session: &dyn Fn(&UserId) -> StoredSession,
    ) -> Result<Redeemed>;

    /// Forgets the links of a reader, used or not; gives how many there were.
    fn forget_links(&self, reader: &str) -> Result<usize>;
}
