//! The reader that a call is about, with the proof that its caller may act for them.

use axum::extract::{FromRequestParts, Path, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::access::Caller;
use crate::engine::Engine;
use crate::error::Result;
use crate::http::error::ApiError;

/// The parameter of a path that names a reader.
pub const USER: &str = "user";

/// A reader for whom whoever asks may act. There is no other way to one than the proofs here: a handler that takes a reader
/// takes this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader(String);

impl Reader {
    /// The reader of this name, for a caller who may act for them.
    ///
    /// # Errors
    /// 403, or 401 for somebody who has not said who they are; the same whether there is such a reader or not.
    pub fn of(caller: &Caller, name: String) -> Result<Self, ApiError> {
        if caller.may_act_for(&name) { Ok(Reader(name)) } else { Err(super::not_this_reader(caller)) }
    }

    /// The reader of this name, for whoever has the secret of their feed; none where it is another.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such reader.
    pub fn of_feed(engine: &Engine, name: &str, token: &str) -> Result<Option<Self>> {
        Ok(engine.opens_feed(name, token)?.then(|| Reader(name.to_string())))
    }

    /// Their name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// From the path. Where nobody has looked at who asks it is nobody's call, and refused.
impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let name = in_path(parts, |name| name == USER).await?;
        match parts.extensions.get::<Caller>() {
            Some(caller) => Reader::of(caller, name),
            None => {
                tracing::error!("a call for a reader came past the check of who asks");
                Err(ApiError::internal())
            }
        }
    }
}

/// What a path names behind its reader: an interest, an import, a paper.
pub struct Behind(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Behind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        in_path(parts, |name| name != USER).await.map(Behind)
    }
}

/// What a path names behind its reader, where that is two: a folder and a paper.
pub struct BothBehind(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for BothBehind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let first = in_path(parts, |name| name != USER).await?;
        let mut behind = 0;
        let second = in_path(parts, |name| {
            behind += usize::from(name != USER);
            behind == 2
        });
        Ok(BothBehind(first, second.await?))
    }
}

/// The parameter of the path that is wanted.
async fn in_path(parts: &mut Parts, mut is_wanted: impl FnMut(&str) -> bool) -> Result<String, ApiError> {
    // It says what is wrong with a path better than the raw parameters do.
    let unreadable = |e| ApiError::bad_request(format!("the ids in the path cannot be read: {e}"));
    let Path(all) =
        Path::<Vec<(String, String)>>::from_request_parts(parts, &()).await.map_err(|e| unreadable(e.to_string()))?;
    let found = all.into_iter().find(|(name, _)| is_wanted(name));
    found.map(|(_, value)| value).ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "the path names no reader"))
}

/// The reader that a path names, before anybody has looked at who asks.
pub async fn named(parts: &mut Parts) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    params.iter().find(|(name, _)| *name == USER).map(|(_, value)| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Identity, Scopes};
    use crate::user::UserId;
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    #[tokio::test]
    async fn no_handler_gets_a_reader_without_the_proof() {
        let routes = Router::new().route(
            "/{user}/x/{id}",
            get(|reader: Reader, Behind(id): Behind| async move { format!("{} {id}", reader.name()) }),
        );
        let ask = |caller: Option<Caller>, path: &'static str| {
            let mut request = Request::builder().uri(path).body(Body::empty()).expect("a request");
            caller.into_iter().for_each(|caller| drop(request.extensions_mut().insert(caller)));
            let service = TowerToHyperService::new(routes.clone());
            async move {
                let Ok(answer) = service.call(request).await;
                let status = answer.status().as_u16();
                let body = axum::body::to_bytes(answer.into_body(), 1000).await.expect("a body");
                (status, String::from_utf8_lossy(&body).into_owned())
            }
        };
        let of_ada =
            Caller { identity: Identity::Key("k".into()), scopes: Scopes::NONE, reader: UserId::new("ada/b").ok() };
        assert_eq!(ask(Some(of_ada.clone()), "/ada%2Fb/x/i%2F1").await, (200, "ada/b i/1".into()));
        assert_eq!(ask(Some(of_ada), "/ada/x/i1").await.0, 403);
        assert_eq!(ask(Some(Caller::nobody()), "/ada/x/i1").await.0, 401);
        assert_eq!(ask(Some(Caller::anyone()), "/ada/x/i1").await.0, 200);
        assert_eq!(ask(None, "/ada/x/i1").await.0, 500);
    }
}
