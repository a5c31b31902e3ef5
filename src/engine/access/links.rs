//! One-time links: how readers sign in who have no key.

use std::time::Duration;

use super::sessions::{SessionsOf, after, fresh};
use super::{Access, Secret};
use crate::error::Result;
use crate::store::{Redeemed, SignedInWith, StoredLink};
use crate::user::{Moment, UserId};

/// How long a link is good.
pub const LINK_VALID: Duration = Duration::from_secs(15 * 60);

/// How long a link that was used, or is too old, is told from one that never was.
const REMEMBERED: i64 = 86_400_000_000;

/// A link that was just made: the only time that its secret is shown.
pub struct SignInLink {
    /// Who signs in by it.
    pub reader: UserId,
    /// What stands in its address.
    pub secret: Secret,
    /// Until when it is good.
    pub until: Moment,
}

impl SignInLink {
    /// Its address, below that of the service (without a slash at its end).
    pub fn address(&self, base: &str) -> String {
        format!("{base}/sign-in/{}", self.secret.text())
    }
}

/// How a link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// This reader can sign in by it.
    Good(UserId),
    /// Somebody signed in by it.
    Used,
    /// It is too old.
    Expired,
    /// There is none.
    Unknown,
}

impl Access {
    /// Makes a link by which a reader, who need not be known yet, signs in once, within [`LINK_VALID`].
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name that is not allowed; when it cannot be written down.
    pub fn make_sign_in_link(&self, reader: &str) -> Result<SignInLink> {
        let reader = UserId::new(reader)?;
        let (secret, now) = (Secret::fresh()?, Moment::now());
        let until = after(now, LINK_VALID);
        let link = StoredLink { hash: secret.hash(), reader: reader.clone(), created: now, until, used: None };
        let _changing = self.changing();
        self.store.add_link(&link, Moment(now.0.saturating_sub(REMEMBERED)))?;
        Ok(SignInLink { reader, secret, until })
    }

    /// How a link stands. Nothing changes by it: programs that look at mail follow links.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn look_at_link(&self, secret: &Secret) -> Result<LinkState> {
        Ok(match self.store.link(&secret.hash())? {
            None => LinkState::Unknown,
            Some(link) if link.used.is_some() => LinkState::Used,
            Some(link) if link.until <= Moment::now() => LinkState::Expired,
            Some(link) => LinkState::Good(link.reader),
        })
    }

    /// Signs in by a link, which is used up by it, and ends the session that the browser had. Gives the secret of the session, or
    /// how the link stands.
    ///
    /// # Errors
    /// When it cannot be written down: then the link is as it was.
    pub fn sign_in_by_link(
        &self,
        link: &Secret,
        browser: &str,
        instead: Option<&Secret>,
    ) -> Result<std::result::Result<Secret, LinkState>> {
        let _changing = self.changing();
        let now = Moment::now();
        let (secret, session) = fresh(SignedInWith::Link, None, browser, now)?;
        let of = |reader: &UserId| crate::store::StoredSession { reader: Some(reader.clone()), ..session.clone() };
        match self.store.redeem_link(&link.hash(), now, &of)? {
            Redeemed::Used => Ok(Err(LinkState::Used)),
            Redeemed::Expired => Ok(Err(LinkState::Expired)),
            Redeemed::Unknown => Ok(Err(LinkState::Unknown)),
            Redeemed::Yes(reader) => {
                self.sessions.put(of(&reader));
                self.make_room(&SessionsOf::Reader(reader.to_string()), instead, now);
                Ok(Ok(secret))
            }
        }
    }
}
