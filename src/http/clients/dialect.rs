//! Our errors in the words of other services: their shape, and the status by which their clients know what to do.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::http::error::ApiError;

/// Whose client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Semantic Scholar's graph and recommendations.
    SemanticScholar,
    /// Hugging Face's papers.
    HuggingFace,
    /// OpenAI's embeddings.
    OpenAi,
    /// text-embeddings-inference.
    Tei,
}

/// The header in which clients of Hugging Face look for what went wrong.
const ERROR_MESSAGE: &str = "x-error-message";

/// The name of the detail that says a kind of error which the status does not tell.
pub const KIND: &str = "kind";

/// The name of the detail that says which parameter is wrong.
pub const PARAM: &str = "param";

/// The kind of the error for no text at all, of text-embeddings-inference; it has a status of its own.
pub const EMPTY: &str = "Empty";

impl Dialect {
    /// Whose call a path is; none for our own, and for the pages.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let below = |start: &str| path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match path {
            "/" => (method == Method::POST).then_some(Dialect::Tei),
            "/embed" | "/similarity" | "/info" => Some(Dialect::Tei),
            _ if below("/graph") || below("/recommendations") => Some(Dialect::SemanticScholar),
            _ if below("/api") || path.starts_with("/papers/") => Some(Dialect::HuggingFace),
            _ if below("/v1/embeddings") || below("/v1/models") => Some(Dialect::OpenAi),
            _ => None,
        }
    }

    /// Status and body of an error.
    fn error(self, e: &ApiError) -> (StatusCode, Value) {
        let kind = e.detail.as_ref().and_then(|detail| detail[KIND].as_str());
        let status = match kind {
            Some(EMPTY) => e.status,
            _ => self.status(e.status),
        };
        let message = self.message(e);
        let body = match self {
            // Its clients read the one at these statuses, and the other at those.
            Dialect::SemanticScholar => match status.as_u16() {
                400 | 404 | 405 => json!({ "error": message }),
                _ => json!({ "message": message }),
            },
            Dialect::HuggingFace => json!({ "error": message }),
            Dialect::OpenAi => {
                let (of_status, code) = openai_kind(e);
                let param = e.detail.as_ref().map_or(Value::Null, |detail| detail[PARAM].clone());
                json!({ "error": { "message": message, "type": of_status, "param": param, "code": kind.or(code) } })
            }
            Dialect::Tei => json!({ "error": message, "error_type": kind.unwrap_or_else(|| tei_kind(status)) }),
        };
        (status, body)
    }

    /// The status under which the service whose client asks would say it.
    fn status(self, status: StatusCode) -> StatusCode {
        let said = match (self, status.as_u16()) {
            // Its clients take any other status for an empty answer: 429 has them ask again, and 504 says that it took too long.
            (Dialect::SemanticScholar, 401 | 403) => 403,
            (Dialect::SemanticScholar, 413 | 415 | 421 | 422) => 400,
            (Dialect::SemanticScholar, 408) => 504,
            (Dialect::SemanticScholar, 503) => 429,
            (Dialect::SemanticScholar, 507) => 500,
            (Dialect::HuggingFace | Dialect::OpenAi, 422) => 400,
            // What cannot be read is not valid; work for which there is no place is overload, and what fails inside is the backend.
            (Dialect::Tei, 400 | 415) => 422,
            (Dialect::Tei, 503) => 429,
            (Dialect::Tei, 500 | 507) => 424,
            (_, same) => same,
        };
        StatusCode::from_u16(said).unwrap_or(status)
    }

    fn message(self, e: &ApiError) -> String {
        let missing = e.detail.as_ref().filter(|detail| detail["what"] == "paper").and_then(|d| d["id"].as_str());
        match (self, missing) {
            (Dialect::SemanticScholar, Some(id)) => format!("Paper with id {id} not found"),
            _ => e.message.clone(),
        }
    }

    /// What the document says of an error.
    pub fn error_schema(self) -> Object {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let object = || ObjectBuilder::new().schema_type(Type::Object);
        match self {
            Dialect::SemanticScholar => object().property("error", text()).property("message", text()).build(),
            Dialect::HuggingFace => object().property("error", text()).required("error").build(),
            Dialect::OpenAi => {
                let error = object().property("message", text()).property("type", text()).required("message");
                object().property("error", error).required("error").build()
            }
            Dialect::Tei => object().property("error", text()).property("error_type", text()).required("error").build(),
        }
    }
}

/// Type and code of an error, as OpenAI has them.
fn openai_kind(e: &ApiError) -> (&'static str, Option<&'static str>) {
    match e.status.as_u16() {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        403 => ("permission_error", Some("insufficient_permissions")),
        429 => ("rate_limit_error", Some("rate_limit_exceeded")),
        408 | 500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    }
}

/// The kind of an error, as text-embeddings-inference has them.
fn tei_kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        429 => "Overloaded",
        408 | 424 => "Backend",
        _ => "Validation",
    }
}

/// Says an error of any layer in the words of whose client asked; everything else goes by as it is.
pub async fn speak(request: Request, next: Next) -> Response {
    let dialect = Dialect::of(request.method(), request.uri().path());
    let response = next.run(request).await;
    match (dialect, response.extensions().get::<ApiError>()) {
        (Some(dialect), Some(e)) => {
            let said = dialect.error(e);
            in_words_of(dialect, said, response)
        }
        _ => response,
    }
}

fn in_words_of(dialect: Dialect, (status, body): (StatusCode, Value), response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = status;
    let headers = &mut parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_ENCODING);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if dialect == Dialect::HuggingFace
        && let Some(message) = body["error"].as_str()
    {
        // A header holds no letters beyond ASCII, and no end of a line.
        let plain: String = message.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        if let Ok(value) = HeaderValue::from_str(&plain) {
            headers.insert(ERROR_MESSAGE, value);
        }
    }
    Response::from_parts(parts, Body::from(body.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_whose_client_asks() {
        use Dialect::*;
        for (method, path, dialect) in [
            (Method::GET, "/graph/v1/paper/ARXIV:2401.00001", Some(SemanticScholar)),
            (Method::GET, "/graph", Some(SemanticScholar)),
            (Method::GET, "/graphs", None),
            (Method::POST, "/recommendations/v1/papers/", Some(SemanticScholar)),
            (Method::GET, "/api/daily_papers", Some(HuggingFace)),
            (Method::GET, "/papers/2401.00001.md", Some(HuggingFace)),
            (Method::GET, "/paper/2401.00001", None),
            (Method::POST, "/v1/embeddings", Some(OpenAi)),
            (Method::GET, "/v1/models/a/b", Some(OpenAi)),
            (Method::POST, "/v1/embed", None),
            (Method::POST, "/embed", Some(Tei)),
            (Method::POST, "/", Some(Tei)),
            (Method::GET, "/", None),
            (Method::GET, "/v1/papers/x", None),
        ] {
            assert_eq!(Dialect::of(&method, path), dialect, "{method} {path}");
        }
    }

    #[test]
    fn each_error_has_the_shape_and_the_status_that_its_clients_read() {
        let missing = ApiError::from(crate::error::Error::no_paper("x"));
        let said = |dialect: Dialect, e: &ApiError| {
            let (status, body) = dialect.error(e);
            format!("{} {body}", status.as_u16())
        };
        let error = |status: u16| ApiError::new(StatusCode::from_u16(status).expect("a status"), "why");
        for (dialect, e, wanted) in [
            (Dialect::SemanticScholar, &missing, r#"404 {"error":"Paper with id x not found"}"#),
            (Dialect::SemanticScholar, &error(422), r#"400 {"error":"why"}"#),
            (Dialect::SemanticScholar, &error(401), r#"403 {"message":"why"}"#),
            (Dialect::SemanticScholar, &error(503), r#"429 {"message":"why"}"#),
            (Dialect::SemanticScholar, &error(408), r#"504 {"message":"why"}"#),
            (Dialect::SemanticScholar, &error(500), r#"500 {"message":"why"}"#),
            (Dialect::HuggingFace, &missing, r#"404 {"error":"no paper has the id \"x\""}"#),
            (Dialect::HuggingFace, &error(422), r#"400 {"error":"why"}"#),
            (
                Dialect::OpenAi,
                &error(401),
                r#"401 {"error":{"message":"why","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            ),
            (
                Dialect::OpenAi,
                &error(503),
                r#"503 {"error":{"message":"why","type":"server_error","param":null,"code":null}}"#,
            ),
            (Dialect::Tei, &error(400), r#"422 {"error":"why","error_type":"Validation"}"#),
            (Dialect::Tei, &error(503), r#"429 {"error":"why","error_type":"Overloaded"}"#),
            (Dialect::Tei, &error(500), r#"424 {"error":"why","error_type":"Backend"}"#),
        ] {
            assert_eq!(said(dialect, e), wanted);
        }
    }
}
