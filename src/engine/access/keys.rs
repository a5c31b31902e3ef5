//! Keys: made, listed, taken back, and looked at in every request that brings one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};

use serde::Serialize;
use utoipa::ToSchema;

use super::{Access, key_text};
use crate::access::{Caller, Identity, Scope, Scopes};
use crate::bounds;
use crate::error::{Error, Result};
use crate::paper::shown;
use crate::store::StoredKey;
use crate::user::{Moment, UserId};

/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 200;

/// A key that is to be made.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What it is called: 1 to 200 characters.
    pub name: String,
    /// What it lets its holder do; none stands for `read`.
    pub scopes: Vec<Scope>,
    /// The one reader for whom it acts.
    pub user: Option<String>,
    /// From when on it opens nothing any more.
    pub expires: Option<Moment>,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct KeyView {
    /// Its id: the part of the key between `pk_` and the secret.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it lets its holder do. Every scope includes `read`; `admin` includes all.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Scopes,
    /// The one reader for whom it acts; null for a key of no reader.
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// From when on it opens nothing any more; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Moment>,
    /// When it was used last; null while it never was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Moment>,
}

/// A key that was just made: the only time that it is shown.
#[derive(Clone, Serialize, ToSchema)]
pub struct KeyMade {
    /// Its id, by which it is listed and taken back.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it lets its holder do.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Scopes,
    /// The one reader for whom it acts; null for a key of no reader.
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// From when on it opens nothing any more; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Moment>,
    /// The key itself, to be sent as `Authorization: Bearer pk_...`. Nobody can show it again.
    pub key: String,
}

/// Why a key opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRefused {
    /// There is no such key, or no more, or its secret is another.
    Wrong,
    /// It was right until then.
    Expired(Moment),
}

/// A key that is there.
pub(super) struct KnownKey {
    id: String,
    name: String,
    scopes: Scopes,
    user: Option<UserId>,
    hash: blake3::Hash,
    created: Moment,
    expires: Option<Moment>,
    /// When it was used last, and how much of that is written down; [`NEVER`] while it was not.
    used: AtomicI64,
    noted: AtomicI64,
}

const NEVER: i64 = i64::MIN;

/// What a key of an unknown id is compared with: no text has this hash.
const OF_NONE: blake3::Hash = blake3::Hash::from_bytes([0; 32]);

impl KnownKey {
    pub(super) fn of(key: StoredKey) -> Self {
        let StoredKey { id, name, scopes, user, hash, created, expires, last_used } = key;
        let used = last_used.map_or(NEVER, |at| at.0);
        let hash = blake3::Hash::from_bytes(hash);
        KnownKey { id, name, scopes, user, hash, created, expires, used: used.into(), noted: used.into() }
    }

    pub(super) fn is_of(&self, reader: &str) -> bool {
        self.user.as_ref().is_some_and(|user| user.as_str() == reader)
    }

    fn is_over(&self, now: Moment) -> bool {
        self.expires.is_some_and(|until| until <= now)
    }

    fn view(&self) -> KeyView {
        let used = self.used.load(Ordering::Relaxed);
        KeyView {
            id: self.id.clone(),
            name: self.name.clone(),
            scopes: self.scopes,
            user: self.user.clone(),
            created: self.created,
            expires: self.expires,
            last_used: (used != NEVER).then_some(Moment(used)),
        }
    }
}

impl Access {
    /// Who it is that brings a key. Costs a look into memory, whatever the text is.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn caller_of_key(&self, text: &str, now: Moment) -> Result<Caller, KeyRefused> {
        let hash = blake3::hash(text.as_bytes());
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let key = key_text::id(text).and_then(|id| known.get(id));
        // Hashes are compared in a time that says nothing of where they differ, and also where the id is unknown.
        let right = hash == key.map_or(OF_NONE, |key| key.hash);
        let Some(key) = key.filter(|_| right) else { return Err(KeyRefused::Wrong) };
        match key.expires {
            Some(until) if key.is_over(now) => return Err(KeyRefused::Expired(until)),
            _ => {}
        }
        key.used.fetch_max(now.0, Ordering::Relaxed);
        Ok(Caller { identity: Identity::Key(key.id.clone()), scopes: key.scopes, reader: key.user.clone() })
    }

    /// What whoever holds a key may do, while it opens something.
    pub(super) fn rights_of_key(&self, id: &str, now: Moment) -> Option<Caller> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let key = known.get(id).filter(|key| !key.is_over(now))?;
        Some(Caller { identity: Identity::Key(key.id.clone()), scopes: key.scopes, reader: key.user.clone() })
    }

    /// Makes a key. It is on disk when this returns, and opens something from then on.
    pub fn add_key(&self, new: &NewKey) -> Result<KeyMade> {
        let now = Moment::now();
        let _changing = self.changing();
        self.add(new, now)
    }

    /// Makes a key with the scope `admin`, where there is none that opens anything; else none.
    pub fn first_admin_key(&self) -> Result<Option<KeyMade>> {
        let now = Moment::now();
        let _changing = self.changing();
        let is_there = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.values().any(|key| key.scopes.include(Scope::Admin) && !key.is_over(now))
        };
        if is_there {
            return Ok(None);
        }
        let first = NewKey { name: "first admin key".into(), scopes: vec![Scope::Admin], ..NewKey::default() };
        self.add(&first, now).map(Some)
    }

    fn add(&self, new: &NewKey, now: Moment) -> Result<KeyMade> {
        let name = checked_name(&new.name)?;
        let user = new.user.as_deref().map(UserId::new).transpose()?;
        let scopes = checked_scopes(&new.scopes, user.as_ref())?;
        if let Some(at) = new.expires.filter(|at| *at <= now) {
            return Err(Error::Invalid(format!("expires is {at}, which is over already")));
        }
        if self.known.read().unwrap_or_else(PoisonError::into_inner).len() >= bounds::KEYS {
            return Err(Error::Invalid(format!(
                "there are {} keys, as many as there may be: revoke some",
                bounds::KEYS
            )));
        }
        let (id, text) = key_text::fresh()?;
        let stored = StoredKey {
            id,
            name,
            scopes,
            user,
            hash: *blake3::hash(text.as_bytes()).as_bytes(),
            created: now,
            expires: new.expires,
            last_used: None,
        };
        self.store.add_key(&stored)?;
        let StoredKey { id, name, user, .. } = stored.clone();
        let known = Arc::new(KnownKey::of(stored));
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), known);
        Ok(KeyMade { id, name, scopes, user, created: now, expires: new.expires, key: text })
    }

    /// All keys without their secrets, in the order in which they were made.
    pub fn keys(&self) -> Vec<KeyView> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut views: Vec<KeyView> = known.values().map(|key| key.view()).collect();
        views.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        views
    }

    /// Takes a key back with the sessions that were begun with it: they open nothing from this moment on, also where that cannot
    /// be written down.
    pub fn revoke_key(&self, id: &str) -> Result<()> {
        // At once, whatever else changes at that moment.
        let was_there = self.known.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some();
        let _changing = self.changing();
        self.sessions.forget_key(id);
        match self.store.delete_key(id) {
            Ok(()) => Ok(()),
            // Said by the log alone: whoever asked hears the error.
            Err(e) => {
                if was_there {
                    tracing::error!(
                        "key {id} opens nothing any more until the service is started again; revoke it once more, as this could \
                         not be written down: {e}"
                    );
                }
                Err(e)
            }
        }
    }

    /// Writes down when keys were used last, of those that were since this was called before.
    pub fn note_key_uses(&self) -> Result<()> {
        let known: Vec<Arc<KnownKey>> =
            self.known.read().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect();
        let used: Vec<(&Arc<KnownKey>, i64)> = known
            .iter()
            .map(|key| (key, key.used.load(Ordering::Relaxed)))
            .filter(|(key, used)| *used != key.noted.load(Ordering::Relaxed))
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        let uses: Vec<(String, Moment)> = used.iter().map(|(key, at)| (key.id.clone(), Moment(*at))).collect();
        self.store.note_key_uses(&uses)?;
        used.iter().for_each(|(key, at)| key.noted.store(*at, Ordering::Relaxed));
        Ok(())
    }
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME {
        return Err(Error::Invalid(format!("name has {length} characters; 1 to {LONGEST_NAME} are allowed")));
    }
    if shown(name) != name {
        return Err(Error::Invalid("name holds characters that cannot be seen".into()));
    }
    Ok(name.to_string())
}

/// Every key has a scope. `users` in a key of one reader reaches that reader alone ([`Caller::has`]); `admin` would reach all.
fn checked_scopes(given: &[Scope], user: Option<&UserId>) -> Result<Scopes> {
    let scopes = if given.is_empty() { Scopes::of([Scope::Read]) } else { Scopes::of(given.iter().copied()) };
    match user {
        Some(user) if scopes.given().any(|scope| scope == Scope::Admin) => Err(Error::Invalid(format!(
            "a key that acts for the reader {:?} alone cannot have the scope `admin`: leave one of the two away",
            user.as_str()
        ))),
        _ => Ok(scopes),
    }
}
