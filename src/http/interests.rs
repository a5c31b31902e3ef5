//! The interests of a user, and what they make of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::App;
use super::access::{Behind, Reader};
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, NoParams};
use super::request_fields::Field;
use crate::engine::{InterestPatch, InterestView};

/// The interests found in a history.
#[derive(Serialize, ToSchema)]
pub struct InterestList {
    /// The greatest first.
    interests: Vec<InterestView>,
}

/// What is to be changed about an interest; what is absent stays.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct InterestBody {
    /// A name of one's own; `null` gives back the one made of its terms.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Nothing of it is shown.
    muted: Option<bool>,
    /// It gets a tenth of the feed at least, and stays when its papers would fall to others.
    pinned: Option<bool>,
    /// Its part of the feed is multiplied by this, 0 to 10; `null` sets it back to 1.
    #[schema(minimum = 0, maximum = 10)]
    weight: Option<f32>,
    /// The id of another interest, of which it is a part from now on.
    merge_into: Option<String>,
}

/// The interests of a user
///
/// Found in what they like, as many as there are; each keeps its id while the history grows. What was said of one (name,
/// muting, pin, weight, merge) holds for the papers that were in it then, whatever is read later: they stay in it, and it
/// stays apart from the others. Names are short phrases of its papers, as those of themes; no two are the same.
#[utoipa::path(get, operation_id = "list_interests", path = "/v1/users/{user}/interests", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = InterestList), (status = 404, body = ErrorBody)))]
pub async fn list(State(app): State<App>, reader: Reader, _: NoParams) -> Result<Json<InterestList>, ApiError> {
    let interests = app.blocking(move |engine| engine.interests(reader.name())).await?;
    Ok(Json(InterestList { interests }))
}

/// Rename, mute, pin, weigh or merge an interest
///
/// It shows in the next answer, and holds for the papers that are in the interest now. What is liked later joins it when it
/// is close to these. Of a muted interest, and of what is closest to it, nothing is shown, and its papers speak for no other.
/// Answers with the interest as it is now; after a merge, with the one it went into.
#[utoipa::path(patch, operation_id = "patch_interest", path = "/v1/users/{user}/interests/{id}", tag = "users", request_body = InterestBody,
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the interest")),
    responses((status = 200, body = InterestView), (status = 404, body = ErrorBody)))]
pub async fn patch(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    Fields(mut given): Fields,
) -> Result<Json<InterestView>, ApiError> {
    // `null` says something else than nothing for a name and a weight.
    let mut raw = |name: &'static str| given.0.shift_remove(name).map(|value| Field { name, value: Some(value) });
    let unless_null = |field: Field| field.value.as_ref().is_some_and(|v| !v.is_null()).then_some(field);
    let patch = InterestPatch {
        name: raw("name").map(|f| unless_null(f).map(|f| text(&f)).transpose()).transpose()?,
        muted: raw("muted").and_then(unless_null).map(|f| f.truth()).transpose()?.flatten(),
        pinned: raw("pinned").and_then(unless_null).map(|f| f.truth()).transpose()?.flatten(),
        weight: raw("weight").map(|f| unless_null(f).map_or(Ok(None), |f| f.number())).transpose()?,
        merge_into: raw("merge_into").and_then(unless_null).map(|f| text(&f)).transpose()?,
    };
    given.nothing_else()?;
    app.blocking(move |engine| engine.patch_interest(reader.name(), &id, &patch)).await.map(Json)
}

fn text(field: &Field) -> Result<String, ApiError> {
    match &field.value {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(ApiError::bad_request(format!("{} must be a text", field.name))),
    }
}

/// Take back what was made of an interest
///
/// Its name, muting, pin, weight and merges.
#[utoipa::path(delete, operation_id = "reset_interest", path = "/v1/users/{user}/interests/{id}", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the interest")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn reset(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.reset_interests(reader.name(), Some(&id))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take back what was made of all interests
#[utoipa::path(delete, operation_id = "reset_interests", path = "/v1/users/{user}/interests", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn reset_all(State(app): State<App>, reader: Reader, _: NoParams) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.reset_interests(reader.name(), None)).await?;
    Ok(StatusCode::NO_CONTENT)
}
