//! Who may come in: by keys, by sessions of browsers, and by links to begin one. Every question of a request is answered from memory; the store is what is true, and memory is
//! brought up from it at opening.

mod expiry;
mod key_text;
mod keys;
mod links;
mod secret;
mod sessions;
mod signing;
#[cfg(test)]
mod tests;

pub use self::expiry::read_expiry;
pub use self::key_text::{PREFIX as KEY_PREFIX, holds_key};
pub use self::keys::{KeyMade, KeyRefused, KeyView, NewKey};
pub use self::links::{LINK_VALID, LinkState, SignInLink};
pub use self::secret::Secret;
pub use self::sessions::{SESSION_IDLE, SESSION_LONGEST, SessionView, SessionsOf};
pub use self::signing::Purpose;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use self::keys::KnownKey;
use self::sessions::SessionTable;
use crate::error::Result;
use crate::store::Store;

/// What opens the service.
pub struct Access {
    store: Arc<dyn Store>,
    // By their ids. Read by every request, written when a key is made or taken back.
    known: RwLock<HashMap<String, Arc<KnownKey>>>,
    // By the hashes of their secrets.
    sessions: SessionTable,
    // Held while what opens the service changes, in the store and here: the two come to the same.
    changing: Mutex<()>,
}

impl Access {
    /// What opens the service of a store.
    pub fn open(store: Arc<dyn Store>) -> Result<Self> {
        let known = store.keys()?.into_iter().map(|key| (key.id.clone(), Arc::new(KnownKey::of(key)))).collect();
        let sessions = SessionTable::read(&*store)?;
        Ok(Access { store, known: RwLock::new(known), sessions, changing: Mutex::default() })
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `forget` forget a reader in the store. What opened the service for them opens nothing from then on.
    pub fn forgetting(&self, reader: &str, forget: impl FnOnce() -> Result<()>) -> Result<()> {
        let _changing = self.changing();
        // First: who comes in by them meanwhile would be made anew.
        let keys: Vec<_> = {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.extract_if(|_, key| key.is_of(reader)).collect()
        };
        let sessions = self.sessions.take_of_reader(reader);
        forget().inspect_err(|_| {
            self.known.write().unwrap_or_else(PoisonError::into_inner).extend(keys);
            self.sessions.put_back(sessions);
        })
    }
}
