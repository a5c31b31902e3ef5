//! Every error of the service, in its one shape: `{"error": {"code", "message", "detail"}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::record::request_id;
use crate::error::Error;
use crate::paper::head;

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub struct ApiError {
    pub status: StatusCode,
    pub message: String,
    pub detail: Option<Value>,
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    error: ErrorInner,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub struct ErrorInner {
    /// One word for programs.
    code: ErrorCode,
    /// A sentence for people.
    message: String,
    /// More for programs, by kind of error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

/// What went wrong, as one word.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ErrorCode {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    PayloadTooLarge,
    UnsupportedMediaType,
    Misdirected,
    Invalid,
    RateLimited,
    Internal,
    Overloaded,
    InsufficientStorage,
}

/// The body of 202: what was asked for is being made. Ask again, or look how the job stands (`GET /v1/jobs/{job}`).
#[derive(Serialize, ToSchema)]
pub struct NotYet {
    /// The job that makes it.
    job: String,
    /// What is being made.
    message: String,
    /// Seconds after which to ask again, as in `Retry-After`.
    retry_after: u64,
}

/// Seconds after which to ask again for what is being made.
const AGAIN: u64 = 1;

impl From<ApiError> for NotYet {
    fn from(e: ApiError) -> Self {
        let job = e.detail.as_ref().and_then(|detail| detail["job"].as_str()).unwrap_or_default().to_string();
        NotYet { job, message: e.message, retry_after: AGAIN }
    }
}

impl IntoResponse for NotYet {
    fn into_response(self) -> Response {
        let headers = [(header::RETRY_AFTER, HeaderValue::from(self.retry_after))];
        (StatusCode::ACCEPTED, headers, Json(self)).into_response()
    }
}

impl ApiError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        ApiError { status, message: cut(message.into()), detail: None }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn overloaded(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{message}; try again in a moment"))
    }

    /// Too many requests or attempts: the next is looked at after so long, in whole seconds and never none. What is told in `detail` is the header `Retry-After` as well.
    pub fn rate_limited(message: impl Into<String>, wait: std::time::Duration) -> Self {
        let detail = Some(json!({ "retry_after": (wait.as_secs_f64().ceil() as u64).max(1) }));
        ApiError { detail, ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong inside; the log of the service says more")
    }

    /// The body of the error, where it does not stand in a response of its own.
    pub fn body(self) -> Value {
        let body = ErrorBody { error: ErrorInner { code: self.code(), message: self.message, detail: self.detail } };
        serde_json::to_value(body).unwrap_or_default()
    }

    fn code(&self) -> ErrorCode {
        match self.status.as_u16() {
            400 => ErrorCode::BadRequest,
            401 => ErrorCode::Unauthorized,
            403 => ErrorCode::Forbidden,
            404 => ErrorCode::NotFound,
            405 => ErrorCode::MethodNotAllowed,
            408 => ErrorCode::Timeout,
            409 => ErrorCode::Conflict,
            413 => ErrorCode::PayloadTooLarge,
            415 => ErrorCode::UnsupportedMediaType,
            421 => ErrorCode::Misdirected,
            422 => ErrorCode::Invalid,
            429 => ErrorCode::RateLimited,
            503 => ErrorCode::Overloaded,
            507 => ErrorCode::InsufficientStorage,
            _ => ErrorCode::Internal,
        }
    }
}

/// How to say who one is.
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"paperkin\"");

/// A message may quote what was sent, and that may be long.
const LONGEST: usize = 1_000;

fn cut(message: String) -> String {
    if message.len() <= LONGEST { message } else { head(&message, LONGEST) }
}

impl From<Error> for ApiError {
    fn from(e: Error) -> Self {
        let status = match &e {
            Error::BadRequest(_) => StatusCode::BAD_REQUEST,
            Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::Overloaded(_) | Error::Remote(_) => StatusCode::SERVICE_UNAVAILABLE,
            // No error, and no answer yet.
            Error::BeingMade { .. } => StatusCode::ACCEPTED,
            // Names no path.
            Error::StorageFull(_) => {
                tracing::error!("{}", cut(e.to_string()));
                StatusCode::INSUFFICIENT_STORAGE
            }
            // The operator finds the paths in the log; a client learns none.
            Error::Unavailable(_) => {
                tracing::error!("{e}");
                return ApiError::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the data folder cannot be used for now; nothing was written. /readyz says more",
                );
            }
            // It names the paper and no path.
            Error::Damaged(_) => StatusCode::INTERNAL_SERVER_ERROR,
            // Its client was answered already.
            Error::Cancelled => StatusCode::REQUEST_TIMEOUT,
            // Nothing the client did; the operator finds it in the log, the client learns no paths.
            Error::Model(_) | Error::Data(_) | Error::InUse { .. } | Error::Io { .. } | Error::Internal(_) => {
                tracing::error!("{}", cut(e.to_string()));
                return ApiError::internal();
            }
        };
        let detail = match &e {
            Error::NotFound { what, id } => Some(json!({ "what": what, "id": head(id, 300) })),
            Error::BeingMade { job, .. } => Some(json!({ "job": job })),
            _ => None,
        };
        ApiError { status, message: cut(e.to_string()), detail }
    }
}

fn with_request_id(detail: Option<Value>) -> Option<Value> {
    let Some(id) = request_id() else { return detail };
    let mut detail = detail.unwrap_or_else(|| json!({}));
    if let Value::Object(fields) = &mut detail {
        fields.insert("request_id".into(), id.into());
    }
    Some(detail)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status == StatusCode::ACCEPTED {
            return NotYet::from(self).into_response();
        }
        // Stands beside the answer, for those that say it in other words (`clients`).
        let told = self.clone();
        let wait = self.detail.as_ref().and_then(|detail| detail["retry_after"].as_u64());
        let code = self.code();
        let detail = match self.status {
            // By it the lines of the log are found that say what went wrong.
            StatusCode::INTERNAL_SERVER_ERROR => with_request_id(self.detail),
            _ => self.detail,
        };
        let body = ErrorBody { error: ErrorInner { code, message: self.message, detail } };
        let mut response = (self.status, Json(body)).into_response();
        response.extensions_mut().insert(told);
        match self.status.as_u16() {
            401 => drop(response.headers_mut().insert(header::WWW_AUTHENTICATE, BEARER)),
            429 => drop(response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.unwrap_or(1)))),
            503 => drop(response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
            // The rest of the body was not read, so the connection cannot carry another request: say so, or a client
            // that keeps connections would send its next one into the void.
            408 | 413 | 415 => {
                drop(response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close")))
            }
            _ => {}
        }
        response
    }
}
