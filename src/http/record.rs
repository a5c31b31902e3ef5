//! What is told of every request: its id, its line in the log, its place in the figures.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tracing::Instrument;

use super::{App, access};
use crate::access::Caller;
use crate::logs::REQUESTS;

/// The header with the id of a request, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of an id that a client may give.
const LONGEST_ID: usize = 128;

/// What the path of a link to sign in begins with; its token stands behind that.
const SIGN_IN_LINK: &str = "/sign-in/";

/// The status of a request whose client went before there was an answer, in the log and the figures.
const GONE: u16 = 499;

tokio::task_local! {
    static ASKED: Arc<Asked>;
}

/// What is known of a request while it is answered.
struct Asked {
    id: String,
    who: OnceLock<String>,
}

/// The id of the request that is answered here; none outside of one.
pub fn request_id() -> Option<String> {
    ASKED.try_with(|asked| asked.id.clone()).ok()
}

/// Notes who makes the request that is answered here.
pub fn asked_by(caller: &Caller) {
    let _ = ASKED.try_with(|asked| asked.who.set(caller.label()));
}

/// Gives a request its id, and tells of it once its answer is handed over: in the log a line with the route (never the path,
/// which names readers and papers, and never what was searched), in the figures a count and a time by route.
pub async fn record(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = given_id(request.headers()).unwrap_or_else(|| format!("{:032x}", fastrand::u128(..)));
    let value = HeaderValue::from_str(&id).ok();
    let span = tracing::error_span!(target: REQUESTS, "request", request_id = id);
    let asked = Arc::new(Asked { id, who: OnceLock::new() });
    let mut told = Told {
        began,
        asked: Arc::clone(&asked),
        method: method(request.method()),
        route: request.extensions().get::<MatchedPath>().cloned(),
        path: tracing::enabled!(target: REQUESTS, tracing::Level::DEBUG)
            .then(|| told_path(request.uri().path()))
            .flatten(),
        client: app.rules.clients.address(request.extensions(), request.headers()),
        span: span.clone(),
        status: None,
        bytes: 0,
    };
    let mut response = ASKED.scope(asked, next.run(request)).instrument(span).await;
    told.answered(response.status().as_u16());
    if let Some(value) = value {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.map(|body| Body::new(Answered { body, told }))
}

/// A path, unless it holds a secret: the token of a link to sign in, or a key that does not belong there.
fn told_path(path: &str) -> Option<String> {
    (!path.starts_with(SIGN_IN_LINK) && !access::holds_key(path)).then(|| path.to_string())
}

/// The id that a client gave: 1 to 128 ASCII letters, digits, `-`, `_`, `.` and `:`.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    ((1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(fits)).then(|| id.to_string())
}

/// A client may send any word as a method; it is not to be one for the log and the figures.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// What is told of a request in the end, whatever became of it.
struct Told {
    began: Instant,
    asked: Arc<Asked>,
    method: &'static str,
    route: Option<MatchedPath>,
    // Only where paths are told.
    path: Option<String>,
    client: Option<IpAddr>,
    span: tracing::Span,
    /// The status of the answer, and how long it took to make.
    status: Option<(u16, f64)>,
    bytes: u64,
}

impl Told {
    /// By the pattern, never by the path that was asked for: ids would make endless series.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn answered(&mut self, status: u16) {
        let took = self.began.elapsed();
        self.status = Some((status, took.as_secs_f64()));
        self.count(status);
        metrics::histogram!("paperkin_http_request_seconds", "route" => self.route().to_string()).record(took);
    }

    fn count(&self, status: u16) {
        let labels =
            [("method", self.method.to_string()), ("route", self.route().to_string()), ("status", status.to_string())];
        metrics::counter!("paperkin_http_requests_total", &labels).increment(1);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let (status, seconds) = self.status.unwrap_or_else(|| {
            self.count(GONE);
            (GONE, self.began.elapsed().as_secs_f64())
        });
        static BYTES: OnceLock<metrics::Counter> = OnceLock::new();
        BYTES.get_or_init(|| metrics::counter!("paperkin_http_response_bytes_total")).increment(self.bytes);
        let _inside = self.span.enter();
        tracing::info!(
            target: REQUESTS,
            method = self.method,
            route = self.route(),
            path = self.path.as_deref(),
            status,
            // To a hundredth.
            duration_ms = (seconds * 1e5).round() / 1e2,
            bytes = self.bytes,
            who = self.asked.who.get().map_or("-", String::as_str),
            client = self.client.map(tracing::field::display),
            "request"
        );
    }
}

/// The body of an answer, which is told of when it is handed over.
struct Answered {
    body: Body,
    told: Told,
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.told.bytes += data.len() as u64;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_with_a_secret_is_told() {
        for path in ["/sign-in/0af7", "/v1/keys/pk_0a1b2c3d4e5f_0011223344", "/v1/papers/%70k%5F0a1b2c3d4e5f_00112233"]
        {
            assert_eq!(told_path(path), None, "{path}");
        }
        for path in ["/", "/sign-in", "/v1/papers/arxiv:2405.13729", "/v1/users/pk/feed"] {
            assert_eq!(told_path(path).as_deref(), Some(path));
        }
    }

    #[test]
    fn an_id_is_taken_where_it_can_stand_anywhere() {
        let given = |id: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(id).expect("a value"));
            given_id(&headers)
        };
        let longest = "a".repeat(LONGEST_ID);
        for id in ["a", "0af7651916cd43dd8448eb211c80319c", "a-b_c.d:E9", &longest] {
            assert_eq!(given(id.as_bytes()).as_deref(), Some(id));
        }
        let longer = "a".repeat(LONGEST_ID + 1);
        for id in ["", "a b", "a\tb", "a\"b", "a=b", "ä", "\u{202e}", "<script>", &longer] {
            assert_eq!(given(id.as_bytes()), None, "{id:?}");
        }
        assert_eq!(given(b"\xff"), None);
        assert_eq!(given_id(&HeaderMap::new()), None);
    }

    #[test]
    fn a_method_that_nobody_knows_is_another() {
        assert_eq!(method(&Method::GET), "GET");
        assert_eq!(method(&Method::from_bytes(b"GETX").expect("a word")), "other");
    }
}
