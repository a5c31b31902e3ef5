//! Who may do what: scopes, and who asks. No input or output; how a caller is recognised is known to `http/access`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result};

use crate::user::UserId;

/// A right that a key can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To read papers: search, similar, recommend by examples, themes, lists.
    Read,
    /// To put papers in and take them away.
    Write,
    /// To act for any reader.
    Users,
    /// Everything, keys and jobs included.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 4] = [Scope::Read, Scope::Write, Scope::Users, Scope::Admin];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Users => "users",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| {
            Error::BadRequest(format!(
                "{:?} is no scope: there are read, write, users and admin",
                crate::paper::head(text, 40)
            ))
        })
    }
}

/// Some scopes. Every one includes `read`, and `admin` includes all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// None.
    pub const NONE: Scopes = Scopes(0);

    /// These, as they were given.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Scopes(scopes.into_iter().fold(0, |all, scope| all | 1 << scope as u8))
    }

    /// Whether they let somebody do what needs this scope.
    pub fn include(self, scope: Scope) -> bool {
        let has = |scope: Scope| self.0 & 1 << scope as u8 != 0;
        has(scope) || has(Scope::Admin) || scope == Scope::Read && self != Self::NONE
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The scopes that were given, in their order.
    pub fn given(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & 1 << *scope as u8 != 0)
    }
}

/// As a list of names.
impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.given())
    }
}

/// By what somebody was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Nobody has to say who they are (`[auth] mode = "open"`).
    Anyone,
    /// They said nothing where something has to be said.
    Nobody,
    /// By the key with this id.
    Key(String),
    /// By a session: they signed in with a browser.
    Session {
        /// The id of the session.
        id: String,
        /// The id of the key that it was begun with; none where it was a link.
        key: Option<String>,
    },
    /// By the name that a trusted proxy gave.
    Proxy,
}

/// Who asks, and what they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// By what they were recognised.
    pub identity: Identity,
    /// What they may do.
    pub scopes: Scopes,
    /// The one reader for whom they may act, whatever the scopes say; `None` where `scopes` decides.
    pub reader: Option<UserId>,
}

/// What a call needs of who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A scope.
    Scope(Scope),
    /// To be the reader that the call names, or to act for any (`users`).
    Reader,
    /// A secret of its own in the address (the token of a feed): the handler looks at it.
    OwnSecret,
}

impl Caller {
    /// Whoever it is, where everybody may do everything.
    pub fn anyone() -> Self {
        Caller { identity: Identity::Anyone, scopes: Scopes::of([Scope::Admin]), reader: None }
    }

    /// Somebody who said nothing where something has to be said.
    pub fn nobody() -> Self {
        Caller { identity: Identity::Nobody, scopes: Scopes::NONE, reader: None }
    }

    /// Whether they may do what needs a scope. Who acts for one reader may read papers, and no more than that.
    pub fn has(&self, scope: Scope) -> bool {
        match (&self.reader, scope) {
            (Some(_), Scope::Users | Scope::Admin) => false,
            (Some(_), Scope::Read) => true,
            _ => self.scopes.include(scope),
        }
    }

    /// Whether they may act for a reader.
    pub fn may_act_for(&self, reader: &str) -> bool {
        match &self.reader {
            Some(own) => own.as_str() == reader,
            None => self.scopes.include(Scope::Users),
        }
    }

    /// Who it is, in a log: the id of a key or session, never a secret.
    pub fn label(&self) -> String {
        match &self.identity {
            Identity::Anyone | Identity::Nobody => "-".into(),
            Identity::Key(id) => format!("key:{id}"),
            Identity::Session { id, .. } => format!("session:{id}"),
            Identity::Proxy => "proxy".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_of_one_reader_reaches_that_reader_alone() {
        let ada = |scopes: &[Scope]| Caller {
            identity: Identity::Key("k".into()),
            scopes: Scopes::of(scopes.iter().copied()),
            reader: UserId::new("ada").ok(),
        };
        for caller in [ada(&[]), ada(&Scope::ALL)] {
            assert!(caller.may_act_for("ada") && caller.has(Scope::Read));
            assert!(!caller.may_act_for("bob") && !caller.may_act_for("Ada"));
            assert!(!caller.has(Scope::Users) && !caller.has(Scope::Admin));
        }
        assert!(!ada(&[]).has(Scope::Write) && ada(&[Scope::Write]).has(Scope::Write));
    }

    #[test]
    fn scopes_include_what_they_say() {
        for (given, wanted) in [
            (vec![], vec![]),
            (vec![Scope::Read], vec![Scope::Read]),
            (vec![Scope::Write], vec![Scope::Read, Scope::Write]),
            (vec![Scope::Users], vec![Scope::Read, Scope::Users]),
            (vec![Scope::Admin], Scope::ALL.to_vec()),
        ] {
            let scopes = Scopes::of(given.iter().copied());
            let may: Vec<Scope> = Scope::ALL.into_iter().filter(|s| scopes.include(*s)).collect();
            assert_eq!((may, scopes.given().collect::<Vec<_>>()), (wanted, given));
        }
        assert!(Caller::anyone().may_act_for("ada") && !Caller::nobody().may_act_for("ada"));
    }
}
