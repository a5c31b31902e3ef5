//! Where the work of an MCP call is done: by the service as any other request's, or over a folder that is open here.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::access::Caller;
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::http::App;
use crate::http::access::Reader;
use crate::http::call::Handed;
use crate::http::error::ApiError;
use crate::jobs::{self, THEMES, themes_numbers};

/// Where the work is done.
#[derive(Clone)]
pub enum Place {
    /// In the queue of the service, under the deadline of the request.
    Service(App),
    /// On a thread of its own, over a folder that this process has open.
    Folder(Arc<Engine>),
}

/// Who makes a call, and what ends it.
#[derive(Clone)]
pub struct Asking {
    /// Who asks.
    pub caller: Caller,
    /// For whom `paperkin mcp` was started.
    pub default_reader: Option<String>,
    /// The request that the call came with.
    pub handed: Option<Handed>,
    /// Cancelled when the client gives the call up.
    pub given_up: CancellationToken,
}

impl Asking {
    /// The reader that a call is for: whom it names, else whose key it came with, else for whom `paperkin mcp` was
    /// started.
    ///
    /// # Errors
    /// 403, or 401, for a reader for whom the caller may not act.
    pub fn reader(&self, named: Option<String>) -> Result<Option<Reader>, ApiError> {
        let own = || self.caller.reader.as_ref().map(|reader| reader.as_str().to_string());
        let name = named.or_else(own).or_else(|| self.default_reader.clone());
        name.map(|name| Reader::of(&self.caller, name)).transpose()
    }
}

impl Place {
    /// Does some work with the engine.
    ///
    /// # Errors
    /// Those of the work; 503 where too much waits already.
    pub async fn work<T: Send + 'static>(
        &self,
        asking: &Asking,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let engine = match self {
            Place::Service(app) => {
                let work = app.blocking(work);
                return match asking.handed.clone() {
                    Some(request) => request.scope(work).await,
                    None => work.await,
                };
            }
            Place::Folder(engine) => Arc::clone(engine),
        };
        let cancel = Cancel::new();
        let own = cancel.clone();
        let mut done = tokio::task::spawn_blocking(move || own.scope(|| work(&engine)));
        tokio::select! {
            done = &mut done => done.map_err(|_| ApiError::internal())?.map_err(ApiError::from),
            () = asking.given_up.cancelled() => {
                cancel.cancel();
                Err(Error::Cancelled.into())
            }
        }
    }

    /// Has the themes brought up to date: the job of the service does, and is waited for a moment; over a folder of
    /// one's own whoever asks waits, as on the command line.
    ///
    /// # Errors
    /// When the themes of a folder cannot be made.
    pub async fn themes_settled(&self, asking: &Asking) -> Result<(), ApiError> {
        if let Place::Service(app) = self {
            app.themes_settled().await;
            return Ok(());
        }
        let keep = |engine: &Engine| {
            if !engine.themes_have_work(true)? {
                return Ok(());
            }
            jobs::once(engine, THEMES, &|_| {}, || {
                let kept = engine.keep_themes(true)?;
                let numbers = themes_numbers(&kept);
                Ok(((), numbers))
            })
        };
        self.work(asking, keep).await
    }

    /// What is said where there are no themes yet.
    pub fn themes_missing(&self, e: ApiError) -> ApiError {
        match self {
            Place::Service(app) => app.themes_missing(e),
            Place::Folder(_) => e,
        }
    }
}
