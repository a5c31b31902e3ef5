//! Whoever looks at a page.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::choices::Choices;
use crate::access::{Caller, Identity, Scope};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::http::App;
use crate::http::access::{Jar, Reader};
use crate::http::base::Seen;
use crate::user::Follow;

/// Somebody with a browser, and as whom they read.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who asks.
    pub caller: Caller,
    /// The reader whose pages these are; none while nobody said who reads.
    pub reader: Option<Reader>,
    /// What they chose.
    pub choices: Choices,
    /// Where their cookies go.
    pub jar: Jar,
    /// Whether it is a script of ours that asks, in place of the browser itself.
    pub scripted: bool,
    /// The address that was asked for, from the root of the service.
    pub address: String,
}

impl Visitor {
    /// The name of the reader.
    pub fn name(&self) -> Option<&str> {
        self.reader.as_ref().map(Reader::name)
    }

    /// Whether they may say as whom they read: where nobody signs in, and with a key for all readers.
    pub fn may_choose_reader(&self) -> bool {
        self.caller.reader.is_none() && self.caller.has(Scope::Users)
    }

    /// Whether they signed in.
    pub fn has_session(&self) -> bool {
        matches!(self.caller.identity, Identity::Session { .. })
    }

    /// Whether they may look after the service.
    pub fn is_admin(&self) -> bool {
        self.caller.has(Scope::Admin)
    }
}

/// Nothing in place of an error that says that there is no such thing: of whom nothing is known keeps and follows nothing.
///
/// # Errors
/// Any other.
pub fn known<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(Error::NotFound { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// The id of the saved search of this, where the reader follows it.
///
/// # Errors
/// When the store cannot be read.
pub fn followed(engine: &Engine, reader: Option<&str>, what: &Follow) -> Result<Option<String>> {
    let Some(reader) = reader else { return Ok(None) };
    let all = known(engine.searches(reader))?.unwrap_or_default();
    Ok(all.into_iter().find(|search| search.what == *what).map(|search| search.id))
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, Infallible> {
        let jar = Seen::of(app, &parts.uri, &parts.headers, &parts.extensions).jar(app);
        let choices = Choices::of(&parts.headers, jar);
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::nobody);
        let own = caller.reader.as_ref().map(ToString::to_string);
        let named = own.or_else(|| Some(choices.reader.clone()).filter(|name| !name.is_empty()));
        let reader = named.and_then(|name| Reader::of(&caller, name).ok());
        let scripted = parts.headers.get("x-paperkin-page").is_some();
        let address = parts.uri.path_and_query().map_or("/", |address| address.as_str()).to_string();
        Ok(Visitor { caller, reader, choices, jar, scripted, address })
    }
}
