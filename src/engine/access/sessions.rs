//! Sessions: who is signed in with a browser. Looked at in every request that brings a cookie, so they are all in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Access, Secret};
use crate::access::{Caller, Identity};
use crate::bounds;
use crate::error::{Error, Result};
use crate::paper::{head, shown};
use crate::store::{Ending, SecretHash, SignedInWith, Store, StoredSession};
use crate::user::{Moment, UserId};

/// How long a session is good after it was used last.
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 86_400);

/// How long a session is good at all.
pub const SESSION_LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// How much later a session has to be used, before that is written down.
const NOTED_EVERY: i64 = 3_600_000_000;

/// How far what is written down of a session may be behind, and no less.
const BEHIND: i64 = 2 * NOTED_EVERY;

/// The longest that is kept of what a browser calls itself, in bytes.
const LONGEST_BROWSER: usize = 80;

/// A session, as whoever may end it sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SessionView {
    /// Its id, by which it is ended. It opens nothing.
    pub id: String,
    /// The reader for whom it acts; null where it has the rights of a key of no reader.
    #[schema(value_type = Option<String>)]
    pub reader: Option<UserId>,
    /// The id of the key that it was begun with, and with which it ends; null where that was a one-time link.
    pub key: Option<String>,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// When it was last used.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Moment,
    /// When it ends, unless it is used before: 30 days after the last use, a year after its beginning at the latest.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Moment,
    /// The browser, in short.
    pub browser: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Whose sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionsOf {
    /// Everybody's.
    All,
    /// Those that act for a reader.
    Reader(String),
    /// Those that were begun with a key.
    Key(String),
}

impl SessionsOf {
    fn has(&self, session: &Known) -> bool {
        match self {
            SessionsOf::All => true,
            SessionsOf::Reader(name) => session.reader.as_ref().is_some_and(|own| own.as_str() == name),
            SessionsOf::Key(id) => matches!(&session.with, SignedInWith::Key(own) if own == id),
        }
    }
}

/// A session that has not been ended.
pub(super) struct Known {
    id: String,
    with: SignedInWith,
    reader: Option<UserId>,
    created: Moment,
    browser: String,
    /// When it was used last, and what of that is written down.
    seen: AtomicI64,
    noted: AtomicI64,
}

impl Known {
    fn of(session: StoredSession) -> Self {
        let StoredSession { id, with, reader, created, seen, browser, .. } = session;
        Known { id, with, reader, created, browser, seen: seen.0.into(), noted: seen.0.into() }
    }

    fn seen(&self) -> Moment {
        Moment(self.seen.load(Ordering::Relaxed))
    }

    fn until(&self) -> Moment {
        until(self.created, self.seen())
    }

    fn view(&self) -> SessionView {
        SessionView {
            id: self.id.clone(),
            reader: self.reader.clone(),
            key: match &self.with {
                SignedInWith::Link => None,
                SignedInWith::Key(id) => Some(id.clone()),
            },
            created: self.created,
            last_seen: self.seen(),
            expires: self.until(),
            browser: self.browser.clone(),
            current: false,
        }
    }
}

/// Until when a session is good that was begun and used last then.
fn until(created: Moment, seen: Moment) -> Moment {
    after(seen, SESSION_IDLE).min(after(created, SESSION_LONGEST))
}

/// A moment so much later.
pub(super) fn after(moment: Moment, time: Duration) -> Moment {
    Moment(moment.0.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)))
}

/// All sessions, by the hashes of their secrets.
pub(super) struct SessionTable(RwLock<HashMap<SecretHash, Arc<Known>>>);

impl SessionTable {
    pub(super) fn read(store: &dyn Store) -> Result<Self> {
        let all = store.sessions()?.into_iter().map(|session| (session.hash, Arc::new(Known::of(session)))).collect();
        Ok(SessionTable(RwLock::new(all)))
    }

    fn get(&self, hash: &SecretHash) -> Option<Arc<Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(hash).map(Arc::clone)
    }

    fn all(&self) -> Vec<Arc<Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    pub(super) fn put(&self, session: StoredSession) {
        let hash = session.hash;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(hash, Arc::new(Known::of(session)));
    }

    /// Takes out what a rule says; gives how many there were.
    fn take(&self, gone: impl Fn(&Known) -> bool) -> usize {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|_, session| !gone(session));
        before - all.len()
    }

    /// Takes out the sessions of a reader, whom the store is about to forget.
    pub(super) fn take_of_reader(&self, reader: &str) -> Vec<(SecretHash, Arc<Known>)> {
        let of = SessionsOf::Reader(reader.into());
        self.0.write().unwrap_or_else(PoisonError::into_inner).extract_if(|_, session| of.has(session)).collect()
    }

    /// Puts back what was taken out.
    pub(super) fn put_back(&self, sessions: Vec<(SecretHash, Arc<Known>)>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(sessions);
    }

    /// The sessions of a key end, which the store has forgotten.
    pub(super) fn forget_key(&self, key: &str) {
        let of = SessionsOf::Key(key.into());
        self.take(|session| of.has(session));
    }
}

impl Access {
    /// Who it is that brings the secret of a session; none where it is none, or has ended. Costs a look into memory.
    pub fn caller_of_session(&self, secret: &Secret, now: Moment) -> Option<Caller> {
        let session = self.sessions.get(&secret.hash())?;
        let caller = self.live(&session, now)?;
        session.seen.fetch_max(now.0, Ordering::Relaxed);
        Some(caller)
    }

    /// Who acts by a session: nobody where it has ended, or the key that it was begun with opens nothing any more.
    fn live(&self, session: &Known, now: Moment) -> Option<Caller> {
        if session.until() <= now {
            return None;
        }
        let key = match &session.with {
            SignedInWith::Link => None,
            SignedInWith::Key(id) => Some(id.clone()),
        };
        let identity = Identity::Session { id: session.id.clone(), key };
        match &session.with {
            SignedInWith::Link => {
                Some(Caller { identity, scopes: crate::access::Scopes::NONE, reader: session.reader.clone() })
            }
            SignedInWith::Key(id) => {
                let key = self.rights_of_key(id, now)?;
                Some(Caller { identity, ..key })
            }
        }
    }

    /// Begins a session with a key that was just found to be right (`key` is who brings it), and ends the one that the
    /// browser had.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the key was taken back meanwhile; when it cannot be written down.
    pub fn begin_session(&self, key: &Caller, browser: &str, instead: Option<&Secret>) -> Result<Secret> {
        let Identity::Key(id) = &key.identity else {
            return Err(Error::Internal("a session is begun with a key or a link".into()));
        };
        let _changing = self.changing();
        let now = Moment::now();
        let gone = || Error::NotFound { what: "key", id: id.clone() };
        let rights = self.rights_of_key(id, now).ok_or_else(gone)?;
        let (secret, session) = fresh(SignedInWith::Key(id.clone()), rights.reader, browser, now)?;
        self.store.add_session(&session)?;
        self.sessions.put(session);
        self.make_room(&SessionsOf::Key(id.clone()), instead, now);
        Ok(secret)
    }

    /// Ends what is over, the session that another takes the place of, and of more sessions than anybody needs those that were
    /// used longest ago.
    ///
    /// The new session is there by then: what is tidied up beside it must not cost the one who was let in.
    pub(super) fn make_room(&self, of: &SessionsOf, instead: Option<&Secret>, now: Moment) {
        if let Err(e) = self.tidy_up(of, instead, now) {
            tracing::warn!("sessions that are over could not be taken away: {e}");
        }
    }

    fn tidy_up(&self, of: &SessionsOf, instead: Option<&Secret>, now: Moment) -> Result<()> {
        if let Some(old) = instead.and_then(|secret| self.sessions.get(&secret.hash())) {
            self.end(&old.id)?;
        }
        if self.sessions.take(|session| session.until() <= now) > 0 {
            // What is written down of a session is a while behind.
            self.store.end_sessions(Ending::Lapsed(Moment(now.0.saturating_sub(BEHIND))))?;
        }
        let mut own: Vec<Arc<Known>> = self.sessions.all().into_iter().filter(|session| of.has(session)).collect();
        own.sort_by_key(|session| std::cmp::Reverse((session.seen(), session.created)));
        own.iter().skip(bounds::SESSIONS).try_for_each(|session| self.end(&session.id))
    }

    /// Ends a session, also where that cannot be written down.
    fn end(&self, id: &str) -> Result<()> {
        self.sessions.take(|session| session.id == id);
        self.store.end_sessions(Ending::One(id)).map(drop).inspect_err(|_| {
            tracing::error!(
                "session {id} opens nothing until the service is started again; it is to be ended once more then"
            );
        })
    }

    /// The sessions that are not over, the last used first; the one of `caller` is marked.
    pub fn sessions(&self, of: &SessionsOf, caller: &Caller) -> Vec<SessionView> {
        let now = Moment::now();
        let mut all: Vec<Arc<Known>> = self.sessions.all();
        all.retain(|session| of.has(session) && self.live(session, now).is_some());
        all.sort_by_key(|session| std::cmp::Reverse((session.seen(), session.created)));
        let is_current =
            |session: &Known| matches!(&caller.identity, Identity::Session { id, .. } if *id == session.id);
        all.iter().map(|session| SessionView { current: is_current(session), ..session.view() }).collect()
    }

    /// The sessions that belong to who asks: of their reader, else of the key by which they came. None where they came by
    /// neither.
    pub fn sessions_of_caller(&self, caller: &Caller) -> Option<SessionsOf> {
        if let Some(reader) = &caller.reader {
            return Some(SessionsOf::Reader(reader.to_string()));
        }
        match &caller.identity {
            Identity::Key(id) => Some(SessionsOf::Key(id.clone())),
            Identity::Session { key, .. } => key.clone().map(SessionsOf::Key),
            _ => None,
        }
    }

    /// Ends one of these sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] where none of them has this id.
    pub fn end_session(&self, of: &SessionsOf, id: &str) -> Result<()> {
        let _changing = self.changing();
        if !self.sessions.all().iter().any(|session| session.id == id && of.has(session)) {
            return Err(Error::NotFound { what: "session", id: head(id, 80) });
        }
        self.end(id)
    }

    /// Ends all of these sessions; gives how many there were.
    ///
    /// # Errors
    /// When it cannot be written down; they open nothing all the same.
    pub fn end_sessions(&self, of: &SessionsOf) -> Result<usize> {
        let _changing = self.changing();
        let ids: Vec<String> =
            self.sessions.all().iter().filter(|session| of.has(session)).map(|session| session.id.clone()).collect();
        self.sessions.take(|session| of.has(session));
        match of {
            SessionsOf::Reader(name) => {
                self.store.end_sessions(Ending::OfReader(name))?;
                // Whoever signs out everywhere may have lost a link.
                self.store.forget_links(name)?;
            }
            SessionsOf::Key(id) => self.store.end_sessions(Ending::OfKey(id)).map(drop)?,
            SessionsOf::All => ids.iter().try_for_each(|id| self.store.end_sessions(Ending::One(id)).map(drop))?,
        }
        Ok(ids.len())
    }

    /// Ends the session whose secret this is, if it is one.
    ///
    /// # Errors
    /// When it cannot be written down; it opens nothing all the same.
    pub fn sign_out(&self, secret: &Secret) -> Result<()> {
        let _changing = self.changing();
        match self.sessions.get(&secret.hash()) {
            Some(session) => self.end(&session.id),
            None => Ok(()),
        }
    }

    /// Writes down when sessions were used last, to within an hour.
    ///
    /// # Errors
    /// When it cannot be written down; it is tried again when this is called again.
    pub fn note_session_uses(&self) -> Result<()> {
        for session in self.sessions.all() {
            let seen = session.seen();
            if seen.0.saturating_sub(session.noted.load(Ordering::Relaxed)) >= NOTED_EVERY {
                self.store.see_session(&session.id, seen, until(session.created, seen))?;
                session.noted.store(seen.0, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// A new session with its secret.
pub(super) fn fresh(
    with: SignedInWith,
    reader: Option<UserId>,
    browser: &str,
    now: Moment,
) -> Result<(Secret, StoredSession)> {
    let secret = Secret::fresh()?;
    // Eight random bytes, of another secret than the one that opens it.
    let id = Secret::fresh()?.text()[..16].to_string();
    let browser = head(&shown(browser), LONGEST_BROWSER);
    let session = StoredSession {
        id,
        hash: secret.hash(),
        with,
        reader,
        created: now,
        seen: now,
        until: until(now, now),
        browser,
    };
    Ok((secret, session))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Scope;
    use crate::engine::access::{LINK_VALID, LinkState, NewKey};
    use crate::store;

    fn opened(folder: &tempfile::TempDir) -> Access {
        Access::open(store::open(folder.path()).expect("opens")).expect("opens")
    }

    fn key(access: &Access, scope: Scope, user: Option<&str>) -> (String, Caller) {
        let new = NewKey { name: "k".into(), scopes: vec![scope], user: user.map(Into::into), expires: None };
        let made = access.add_key(&new).expect("made");
        let caller = access.caller_of_key(&made.key, Moment::now()).expect("opens");
        (made.id, caller)
    }

    fn caller(access: &Access, secret: &Secret) -> Option<Caller> {
        access.caller_of_session(secret, Moment::now())
    }

    #[test]
    fn a_session_has_the_rights_of_its_key_and_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let access = opened(&folder);
        let (id, admin) = key(&access, Scope::Admin, None);
        let (of_ada, adas) = key(&access, Scope::Read, Some("ada"));
        let (first, second) =
            ["Firefox", "Chrome"].map(|b| access.begin_session(&admin, b, None).expect("begun")).into();
        let third = access.begin_session(&adas, "Safari", None).expect("begun");
        let asks = caller(&access, &first).expect("signed in");
        assert!(asks.has(Scope::Admin) && asks.reader.is_none() && matches!(asks.identity, Identity::Session { .. }));
        let ada = caller(&access, &third).expect("signed in");
        assert!(ada.may_act_for("ada") && !ada.may_act_for("bob") && !ada.has(Scope::Write));
        // Each sees their own, and may end no other.
        let own = access.sessions_of_caller(&ada).expect("hers");
        assert_eq!(own, SessionsOf::Reader("ada".into()));
        let seen = access.sessions(&own, &ada);
        assert_eq!((seen.len(), seen[0].current, seen[0].key.as_ref()), (1, true, Some(&of_ada)));
        let others = access.sessions(&SessionsOf::Key(id.clone()), &ada);
        assert_eq!((others.len(), others.iter().any(|s| s.current)), (2, false));
        assert!(matches!(access.end_session(&own, &others[0].id), Err(Error::NotFound { .. })));
        // Signing in again in one browser takes the place of what it had.
        let again = access.begin_session(&admin, "Firefox", Some(&first)).expect("begun");
        assert!(
            caller(&access, &first).is_none()
                && caller(&access, &again).is_some()
                && caller(&access, &second).is_some()
        );
        drop(access);
        let access = opened(&folder);
        assert!(caller(&access, &first).is_none() && caller(&access, &again).is_some());
        access.revoke_key(&id).expect("taken back");
        assert!(caller(&access, &again).is_none() && caller(&access, &second).is_none());
        assert!(access.begin_session(&admin, "x", None).is_err());
        assert_eq!(access.sessions(&SessionsOf::All, &ada).len(), 1);
        access.sign_out(&third).expect("ended");
        drop(access);
        let access = opened(&folder);
        assert!([&first, &second, &third, &again].iter().all(|secret| caller(&access, secret).is_none()));
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_or_old() {
        let folder = tempfile::tempdir().expect("a folder");
        let access = opened(&folder);
        let (_, reads) = key(&access, Scope::Read, None);
        let secret = access.begin_session(&reads, "x", None).expect("begun");
        let began = access.sessions(&SessionsOf::All, &reads)[0].created;
        let day = |n: u64| after(began, Duration::from_secs(n * 86_400));
        assert!(access.caller_of_session(&secret, day(29)).is_some());
        access.note_session_uses().expect("noted");
        drop(access);
        let access = opened(&folder);
        // Each use makes it good for thirty days more, up to a year.
        for n in (58..=348).step_by(29) {
            assert!(access.caller_of_session(&secret, day(n)).is_some(), "day {n}");
        }
        assert!(access.caller_of_session(&secret, day(364)).is_some());
        assert!(access.caller_of_session(&secret, day(365)).is_none());
        let other = access.begin_session(&reads, "x", None).expect("begun");
        assert!(access.caller_of_session(&other, day(31)).is_none());
    }

    #[test]
    fn sessions_of_one_key_are_bounded_and_those_of_a_reader_who_is_forgotten_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let access = opened(&folder);
        let (_, reads) = key(&access, Scope::Read, None);
        let all: Vec<Secret> =
            (0..bounds::SESSIONS + 5).map(|_| access.begin_session(&reads, "x", None).expect("begun")).collect();
        let live = all.iter().filter(|secret| caller(&access, secret).is_some()).count();
        assert_eq!((live, caller(&access, &all[0]).is_some()), (bounds::SESSIONS, false));
        let link = access.make_sign_in_link("ada").expect("made");
        let signed_in = access.sign_in_by_link(&link.secret, "x", None).expect("asked").expect("good");
        let other = access.make_sign_in_link("ada").expect("made");
        let store = Arc::clone(&access.store);
        access.forgetting("ada", || store.delete_user("ada").map(drop)).expect("forgotten");
        assert!(caller(&access, &signed_in).is_none());
        assert_eq!(access.look_at_link(&other.secret).expect("asked"), LinkState::Unknown);
    }

    #[test]
    fn a_link_opens_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let access = opened(&folder);
        let link = access.make_sign_in_link("<ada>").expect("made");
        assert!(link.until <= after(Moment::now(), LINK_VALID));
        assert_eq!(link.address("https://a/lab"), format!("https://a/lab/sign-in/{}", link.secret.text()));
        for _ in 0..3 {
            let state = access.look_at_link(&link.secret).expect("asked");
            assert_eq!(state, LinkState::Good(UserId::new("<ada>").expect("a name")), "looking changes nothing");
        }
        let secret = access.sign_in_by_link(&link.secret, "x\u{1b}[31m", None).expect("asked").expect("good");
        let ada = caller(&access, &secret).expect("signed in");
        assert!(ada.may_act_for("<ada>") && !ada.has(Scope::Users) && ada.has(Scope::Read));
        assert!(!access.sessions(&SessionsOf::All, &ada)[0].browser.contains('\u{1b}'));
        assert!(matches!(access.sign_in_by_link(&link.secret, "x", None).expect("asked"), Err(LinkState::Used)));
        let forged = Secret::fresh().expect("random");
        assert!(matches!(access.sign_in_by_link(&forged, "x", None).expect("asked"), Err(LinkState::Unknown)));
        // The secret of the link is not that of the session, nor the other way round.
        assert!(caller(&access, &link.secret).is_none());
        assert_eq!(access.look_at_link(&secret).expect("asked"), LinkState::Unknown);
    }
}
