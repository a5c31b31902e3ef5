//! One request's work: where it runs, until when, and that it ends when nobody waits for it any more.
//!
//! A request has a [`Call`] from the door on. Whatever a handler has done through [`App::blocking`], [`App::answer`] and
//! [`App::aside`] runs under its [`Cancel`], which is cancelled when the answer was 408, when the client has hung up and when the
//! service stops past its patience: each drops the handler. What a handler hands to a task of its own has no call, and goes
//! on (a reading list that is taken in, a run of the themes).

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use serde::Serialize;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::App;
use super::answer::{Full, Written};
use super::door::{Deliver, LanePermit, Lease, Refused, Weight, Work};
use super::error::ApiError;
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::{Error, Result};

tokio::task_local! {
    static CALL: Arc<Call>;
}

/// How long work may wait that no request waits for.
const NOBODY_WAITS: Duration = Duration::from_secs(3600);

/// A request, as its work sees it.
pub struct Call {
    cancel: Cancel,
    deadline: Instant,
    weight: Weight,
    gzip: bool,
    // What it holds of the memory for bodies.
    held: Mutex<Vec<Lease>>,
}

/// Cancels what was begun when nobody waits for it any more.
struct Waiting(Cancel);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Call {
    /// Of a request that is answered until then.
    pub fn new(request: &Request, time: Duration) -> Self {
        Call {
            cancel: Cancel::new(),
            deadline: Instant::now() + time,
            weight: weight(request.method(), request.uri().path()),
            gzip: takes_gzip(request.headers()),
            held: Mutex::default(),
        }
    }

    /// Runs what answers the request. When this is dropped, or done, what it has begun ends.
    pub async fn scope<T>(self, answer: impl Future<Output = T>) -> T {
        let _waiting = Waiting(self.cancel.clone());
        CALL.scope(Arc::new(self), answer).await
    }

    /// Keeps a part of the memory for bodies until the request is over. Outside a request it is given back.
    pub fn hold(lease: Lease) {
        let _ = CALL.try_with(|call| call.held.lock().unwrap_or_else(PoisonError::into_inner).push(lease));
    }

    /// Whether the client takes gzip.
    pub fn gzip() -> bool {
        CALL.try_with(|call| call.gzip).unwrap_or(false)
    }

    fn cancel() -> Cancel {
        CALL.try_with(|call| call.cancel.clone()).unwrap_or_default()
    }

    /// The call of this request, for a task of its own that answers it; none outside a request.
    pub fn hand_on() -> Option<Handed> {
        CALL.try_with(|call| Handed(Arc::clone(call), tracing::Span::current())).ok()
    }
}

/// A request's call in a task that is not the request's own: what the task does ends with the request all the same.
#[derive(Clone)]
pub struct Handed(Arc<Call>, tracing::Span);

impl Handed {
    /// Runs what the task does for the request.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CALL.scope(self.0, work).instrument(self.1).await
    }
}

/// How much work a request asks for, by its route.
pub fn weight(method: &Method, path: &str) -> Weight {
    let heavy = ["/v1/embed", "/v1/papers", "/v1/similar/batch", "/v1/themes/of", "/v1/events"].contains(&path)
        || ["/v1/embeddings", "/embed", "/similarity", "/"].contains(&path)
        || ["/rank", "/events", "/feed/preview", "/questions"].iter().any(|end| path.ends_with(end));
    // Taking a paper away waits for those that are being put in.
    let waits = method == Method::DELETE && path.starts_with("/v1/papers/");
    if waits || heavy && method != Method::GET { Weight::Heavy } else { Weight::Light }
}

/// Whether `Accept-Encoding` allows gzip, and does not like the plain text better (RFC 9110, 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut plain, mut any) = (None, None, None);
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        for coding in value.to_str().unwrap_or_default().split(',') {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0f32));
            match name.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => gzip = Some(weight),
                "identity" => plain = Some(weight),
                "*" => any = Some(weight),
                _ => {}
            }
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= plain.unwrap_or(0.0)
}

/// The error of work that was not taken.
pub fn refused(why: Refused) -> ApiError {
    ApiError::overloaded(match why {
        Refused::Full => "too many requests are waiting",
        Refused::Slow => "the requests that are waiting take too long",
        Refused::Closed => "the service is stopping",
    })
}

impl App {
    /// Does synchronous work on a thread where it may take its time, in turn. Refused when too much waits already: the
    /// queue is what has to be bounded.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let (weight, deadline) = CALL
            .try_with(|call| (call.weight, call.deadline))
            .unwrap_or_else(|_| (Weight::Light, Instant::now() + NOBODY_WAITS));
        let cancel = Call::cancel();
        let (run, done) = promise(cancel.clone(), work);
        self.pool.put(Work { weight, cancel, deadline, run: Box::new(run) }).map_err(refused)?;
        done.await
    }

    /// The same with the engine.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let engine = self.engine()?;
        self.work(move || work(&engine)).await?.map_err(ApiError::from)
    }

    /// The same, and what comes of it is written down as JSON there as well, within the memory for answers.
    pub async fn answer<T: Serialize>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let (lease, gzip) = (self.answers.lease(), Call::gzip());
        let written = self.blocking(move |engine| Ok(Written::json(&work(engine)?, gzip, lease))).await?;
        Ok(written.map_err(|full| self.no_room(full))?.respond("application/json"))
    }

    /// The error of an answer for which there is no memory. Whoever reads none of theirs makes room for the next.
    pub fn no_room(&self, full: Full) -> ApiError {
        match full {
            Full::NoRoom => {
                super::door::count_refusal("answer_memory");
                self.connections.cut_slowest_reader();
                ApiError::overloaded("too many answers wait to be read")
            }
            Full::Unwritable(why) => Error::Internal(format!("an answer could not be written: {why}")).into(),
        }
    }

    /// Does work that waits for others on a thread of its own, on a place that was taken before.
    pub async fn aside<T: Send + 'static>(
        &self,
        place: LanePermit,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let engine = self.engine()?;
        let (run, done) = promise(Call::cancel(), move || work(&engine));
        place.run(run).map_err(|e| {
            tracing::error!("there is no thread to be had: {e}");
            ApiError::overloaded("the machine has no room for more work")
        })?;
        done.await?.map_err(ApiError::from)
    }
}

/// Work, and what waits for it.
fn promise<T: Send + 'static>(
    cancel: Cancel,
    work: impl FnOnce() -> T + Send + 'static,
) -> (impl FnOnce() -> Deliver + Send + 'static, impl Future<Output = Result<T, ApiError>>) {
    let (send, receive) = oneshot::channel();
    // What is logged while it is done belongs to the request.
    let span = tracing::Span::current();
    let run = move || {
        let done = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| cancel.scope(work))));
        Box::new(move || drop(send.send(done))) as Deliver
    };
    let done = async {
        match receive.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panic)) => {
                let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied());
                tracing::error!("a request panicked: {}", text.unwrap_or("no message"));
                Err(ApiError::internal())
            }
            Err(_) => Err(ApiError::overloaded("the request waited too long, or the service is stopping")),
        }
    };
    (run, done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::HeaderValue;

    /// The cancel of a request's work, and of a task of its own that it started.
    async fn cancels(answer_in_time: bool) -> (Cancel, Cancel) {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let call = Call::new(&Request::new(Body::empty()), Duration::from_secs(60));
        let answer = call.scope(async move {
            tell.send(Call::cancel()).expect("heard");
            tokio::spawn(async move { tell.send(Call::cancel()) });
            if !answer_in_time {
                std::future::pending::<()>().await;
            }
        });
        let answered = tokio::time::timeout(Duration::from_millis(50), answer).await.is_ok();
        assert_eq!(answered, answer_in_time);
        (told.recv().await.expect("told"), told.recv().await.expect("told"))
    }

    #[tokio::test]
    async fn work_ends_with_its_request_and_what_was_handed_on_does_not() {
        for answer_in_time in [false, true] {
            let (own, handed) = cancels(answer_in_time).await;
            assert!(own.is_cancelled() && !handed.is_cancelled());
        }
    }

    #[tokio::test]
    async fn a_call_that_was_handed_on_ends_with_its_request() {
        let call = Call::new(&Request::new(Body::empty()), Duration::from_secs(60));
        let handed = call.scope(async {
            let handed = Call::hand_on().expect("in a request");
            let task = tokio::spawn(handed.scope(async { Call::cancel() }));
            let cancel = task.await.expect("done");
            assert!(!cancel.is_cancelled());
            cancel
        });
        assert!(handed.await.is_cancelled() && Call::hand_on().is_none());
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for (accept, wanted) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8, *;q=0.1", true),
            ("*", true),
            ("gzip;q=0", false),
            ("*, gzip;q=0", false),
            ("identity, gzip;q=0.5", false),
            ("br", false),
            ("gzip;q=many", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
            assert_eq!(takes_gzip(&headers), wanted, "{accept:?}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
