//! What can be asked of who may come in.

use crate::access::Caller;
use crate::engine::Engine;
use crate::engine::access::{KeyMade, KeyRefused, KeyView, NewKey, Purpose};
use crate::error::Result;
use crate::user::Moment;

impl Engine {
    /// Who it is that brings a key, at this moment. Costs a look into memory, whatever the text is; the use of a key is
    /// remembered, and written down by [`Engine::note_key_uses`].
    ///
    /// # Errors
    /// Why the key opens nothing.
    pub fn caller_of_key(&self, text: &str, now: Moment) -> Result<Caller, KeyRefused> {
        self.access.caller_of_key(text, now)
    }

    /// Makes a key, which is shown by this answer alone. It is on disk when this returns, and opens something from then on.
    /// A reader for whom it acts is made if new.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name, a user or an expiry that is not allowed, for a key of one reader
    /// with a scope that reaches others, and for more keys than there may be.
    pub fn add_key(&self, new: &NewKey) -> Result<KeyMade> {
        self.access.add_key(new)
    }

    /// Makes a key with the scope `admin`, where there is none that opens anything; else none.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn first_admin_key(&self) -> Result<Option<KeyMade>> {
        self.access.first_admin_key()
    }

    /// All keys without their secrets, in the order in which they were made.
    pub fn keys(&self) -> Vec<KeyView> {
        self.access.keys()
    }

    /// Takes a key back: it opens nothing from this moment on.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of this id. Where it cannot be written down the key opens
    /// nothing all the same, until the folder is opened again.
    pub fn revoke_key(&self, id: &str) -> Result<()> {
        self.access.revoke_key(id)
    }

    /// Writes down when keys and sessions were used last, of those that were since this was called before.
    ///
    /// # Errors
    /// When it cannot be written down; it is tried again by the next call.
    pub fn note_key_uses(&self) -> Result<()> {
        self.access.note_key_uses()?;
        self.access.note_session_uses()
    }

    /// The signature of some texts for a purpose, as 32 hexadecimal digits: the same for ever, and nobody else can make it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn signature(&self, purpose: Purpose, texts: &[&str]) -> Result<String> {
        self.access.signature(purpose, texts)
    }

    /// Whether this is the signature of some texts for a purpose.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_signature(&self, given: &str, purpose: Purpose, texts: &[&str]) -> Result<bool> {
        self.access.is_signature(given, purpose, texts)
    }
}
