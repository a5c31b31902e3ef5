//! Who is signed in with a browser, and the links by which readers sign in.

use crate::access::Caller;
use crate::engine::Engine;
use crate::engine::access::{LinkState, Secret, SessionView, SessionsOf, SignInLink};
use crate::error::Result;
use crate::user::Moment;

impl Engine {
    /// Who it is that brings the secret of a session; none where it is none, or has ended. Costs a look into memory.
    pub fn caller_of_session(&self, secret: &Secret) -> Option<Caller> {
        self.access.caller_of_session(secret, Moment::now())
    }

    /// Begins a session with a key that was just found to be right (`key` is who brings it), and ends the one that the
    /// browser had (`instead`). Gives the secret of the new one.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) where the key was taken back meanwhile; when it cannot be written down.
    pub fn begin_session(&self, key: &Caller, browser: &str, instead: Option<&Secret>) -> Result<Secret> {
        self.access.begin_session(key, browser, instead)
    }

    /// The sessions that are not over, the last used first; the one of `caller` is marked.
    pub fn sessions(&self, of: &SessionsOf, caller: &Caller) -> Vec<SessionView> {
        self.access.sessions(of, caller)
    }

    /// The sessions that belong to who asks: of their reader, else of the key by which they came. None where they came by
    /// neither.
    pub fn sessions_of_caller(&self, caller: &Caller) -> Option<SessionsOf> {
        self.access.sessions_of_caller(caller)
    }

    /// Ends one of these sessions, at once.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) where none of them has this id.
    pub fn end_session(&self, of: &SessionsOf, id: &str) -> Result<()> {
        self.access.end_session(of, id)
    }

    /// Ends all of these sessions, at once; gives how many there were.
    ///
    /// # Errors
    /// When it cannot be written down; they open nothing all the same, until the folder is opened again.
    pub fn end_sessions(&self, of: &SessionsOf) -> Result<usize> {
        self.access.end_sessions(of)
    }

    /// Ends the session whose secret this is, if it is one.
    ///
    /// # Errors
    /// As for [`Engine::end_sessions`].
    pub fn sign_out(&self, secret: &Secret) -> Result<()> {
        self.access.sign_out(secret)
    }

    /// Makes a link by which a reader, who need not be known yet, signs in once, within
    /// [`LINK_VALID`](crate::engine::LINK_VALID).
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name that is not allowed; when it cannot be written down.
    pub fn make_sign_in_link(&self, reader: &str) -> Result<SignInLink> {
        self.access.make_sign_in_link(reader)
    }

    /// How a link stands. Nothing changes by it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn look_at_link(&self, link: &Secret) -> Result<LinkState> {
        self.access.look_at_link(link)
    }

    /// Signs in by a link, which is used up by it, and ends the session that the browser had (`instead`). Gives the secret of the
    /// new session, or how the link stands.
    ///
    /// # Errors
    /// When it cannot be written down: then the link is as it was.
    pub fn sign_in_by_link(
        &self,
        link: &Secret,
        browser: &str,
        instead: Option<&Secret>,
    ) -> Result<std::result::Result<Secret, LinkState>> {
        self.access.sign_in_by_link(link, browser, instead)
    }
}
