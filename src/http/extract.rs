//! Reading requests, with our errors in place of axum's plain texts.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::App;
use super::body::{parsed, whole};
use super::call::Call;
use super::door::Lease;
use super::error::ApiError;
use super::request_fields::{RequestFields, bounded};
use crate::bounds;
use crate::paper::head;

/// The parameters of a query string as JSON fields: a text, or a list of texts where a name is repeated. Empty ones
/// (HTML forms send them) are null, which says as much as nothing.
pub struct Params(pub RequestFields);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut fields = Map::new();
        let query = parts.uri.query().unwrap_or_default();
        let mut parameters = 0;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            parameters += 1;
            let value = if value.is_empty() { Value::Null } else { Value::String(value.into_owned()) };
            match fields.get_mut(name.as_ref()) {
                None | Some(Value::Null) => {
                    fields.insert(name.into_owned(), value);
                }
                Some(_) if value.is_null() => {}
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        fields.iter().try_for_each(|(name, value)| bounded(name, value))?;
        if parameters > bounds::PARAMETERS {
            let message = format!(
                "the query string has {parameters} parameters; at most {} are read: send long lists with POST, as JSON",
                bounds::PARAMETERS
            );
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
        }
        Ok(Params(RequestFields(fields)))
    }
}

/// No parameters at all: whoever sends one hears that it does nothing.
pub struct NoParams;

impl<S: Sync> FromRequestParts<S> for NoParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Params::from_request_parts(parts, state).await?.0.nothing_else()?;
        Ok(NoParams)
    }
}

/// A JSON object in the body. Parameters in the address count as fields; where both say something, the body does.
pub struct Fields(pub RequestFields);

impl FromRequest<App> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let Params(parameters) = Params::from_request_parts(&mut parts, app).await?;
        match json_body(Request::from_parts(parts, body), app).await? {
            Value::Object(mut fields) => {
                for (name, value) in parameters.0 {
                    fields.entry(name).or_insert(value);
                }
                Ok(Fields(RequestFields(fields)))
            }
            _ => Err(ApiError::bad_request("the body must be a JSON object")),
        }
    }
}

/// The body as JSON, whatever it holds.
pub async fn json_body(request: Request, app: &App) -> Result<Value, ApiError> {
    let (bytes, lease) = leased(request, app).await?;
    let (value, lease) = parsed(app, bytes, lease).await?;
    Call::hold(lease);
    Ok(value)
}

/// The body that is to be JSON, as it came.
pub async fn json_bytes(request: Request, app: &App) -> Result<Vec<u8>, ApiError> {
    let (bytes, lease) = leased(request, app).await?;
    Call::hold(lease);
    Ok(bytes)
}

async fn leased(request: Request, app: &App) -> Result<(Vec<u8>, Lease), ApiError> {
    let (parts, body) = request.into_parts();
    if body_type(&parts.headers)?.as_deref() != Some("application/json") {
        return Err(unsupported(&parts.headers, "application/json"));
    }
    whole(app, body, app.tuning.max_body, "send papers as application/x-ndjson").await
}

/// The media type of a body, without its parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The media type of a body that is about to be read. One that is compressed is refused: it would be read as it is.
pub fn body_type(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let encodings: Vec<String> = values.map(|v| String::from_utf8_lossy(v.as_bytes()).trim().to_string()).collect();
    match encodings.iter().find(|e| !e.is_empty() && !e.eq_ignore_ascii_case("identity")) {
        None => Ok(media_type(headers)),
        Some(encoding) => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "the content encoding is {:?}; send the body as it is, unpacked and without Content-Encoding",
                head(encoding, 60)
            ),
        )),
    }
}

/// The error for a body of another type.
pub fn unsupported(headers: &HeaderMap, wanted: &str) -> ApiError {
    let got = media_type(headers).map_or_else(|| "none".to_string(), |t| format!("{t:?}"));
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the content type is {got}; send {wanted}"))
}

/// The id in a path, of anything but a reader (see `access`); `/` in it is written `%2F`.
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|e| ApiError::bad_request(format!("the id in the path cannot be read: {e}")))?;
        Ok(Id(id))
    }
}
