//! What readers follow: saved searches and names, and the papers of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::App;
use super::access::{Behind, Reader};
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, NoParams, Params};
use super::request_fields::{Field, RequestFields};
use crate::engine::{SearchPapers, SearchPapersOptions, SearchPatch, SearchView};
use crate::user::Follow;

/// What a reader follows.
#[derive(Serialize, ToSchema)]
pub struct SearchList {
    /// In the order in which it was saved.
    searches: Vec<SearchView>,
}

/// What is to be followed. `what`, or its one field at the top: `{"query": "graph networks"}`.
#[derive(ToSchema)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`follow`] reads it.
pub struct SavedSearchBody {
    /// What is followed.
    what: Option<Follow>,
    /// A search, as it is typed; at most 2,000 bytes.
    #[schema(max_length = 2_000)]
    query: Option<String>,
    /// An author by full name; at most 256 bytes.
    #[schema(max_length = 256)]
    author: Option<String>,
    /// A category, or an archive; at most 256 bytes.
    #[schema(max_length = 256)]
    category: Option<String>,
    /// An organization by its whole name; at most 256 bytes.
    #[schema(max_length = 256)]
    organization: Option<String>,
    /// A theme by its id.
    #[schema(max_length = 256)]
    theme: Option<String>,
    /// What to call it; 1 to 200 bytes. What is followed where nothing is said.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// What is to be changed about a saved search; what is absent stays.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct SearchPatchBody {
    /// A name of one's own, 1 to 200 bytes; `null` gives back the one made of what is followed.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Nothing of it is put into the feed, or sent by mail.
    muted: Option<bool>,
}

/// Takes what is followed out of the fields of a request; none where nothing is said of it.
pub fn follow(given: &mut RequestFields) -> Result<Option<Follow>, ApiError> {
    let mut what: Option<Value> = given.0.shift_remove("what").filter(|value| !value.is_null());
    for kind in ["query", "author", "category", "organization", "theme"] {
        if let Some(text) = given.0.shift_remove(kind).filter(|value| !value.is_null()) {
            if what.is_some() {
                return Err(ApiError::bad_request("say one thing to follow; several are several saved searches"));
            }
            what = Some(serde_json::json!({ kind: text }));
        }
    }
    let unreadable = |e: serde_json::Error| {
        ApiError::bad_request(format!(
            "what to follow cannot be read: {e}; write {{\"query\": \"...\"}}, or author, category, organization or theme"
        ))
    };
    what.map(|value| serde_json::from_value(value).map_err(unreadable)).transpose()
}

/// What a user follows
///
/// Saved searches, authors, categories, organizations and themes, in the order in which they were saved. `new` counts the papers
/// that match and came since the user last looked (`POST .../{id}/seen`); works of which another version was there before are not
/// new.
#[utoipa::path(get, operation_id = "list_searches", path = "/v1/users/{user}/searches", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = SearchList), (status = 404, body = ErrorBody)))]
pub async fn list(State(app): State<App>, reader: Reader, _: NoParams) -> Result<Response, ApiError> {
    app.answer(move |engine| Ok(SearchList { searches: engine.searches(reader.name())? })).await
}

/// Follow a search or a name
///
/// `{"query": "graph networks"}`, or `author`, `category`, `organization` or `theme`; also as `{"what": {...}, "name": "Mine"}`.
/// The user is made if new. What is followed already stays as it is, and comes back with 200; what is new with 201. A user can
/// follow 100 things.
///
/// A paper **matches** a search when it is really about it: its score (that of `/v1/search`, without what the best results add to
/// each other) is at least 0.25, and at least 0.7 of the way from a paper at large to the best five of the corpus. Conditions in
/// the search (quotes, minus, `author:`, `category:`, `date:`) hold; a search of conditions alone matches what meets them. A name
/// matches what it is of, compared as filters do.
#[utoipa::path(post, operation_id = "save_search", path = "/v1/users/{user}/searches", tag = "users", request_body = SavedSearchBody,
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = SearchView, description = "it was followed already"), (status = 201, body = SearchView),
              (status = 404, body = ErrorBody, description = "there is no such theme")))]
pub async fn save(State(app): State<App>, reader: Reader, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let what = follow(&mut given)?;
    let name: Option<String> = given.take("name").word()?;
    given.nothing_else()?;
    let what = what.ok_or_else(|| {
        ApiError::bad_request("say what to follow: `query`, `author`, `category`, `organization` or `theme`")
    })?;
    let (search, made) = app.blocking(move |engine| engine.save_search(reader.name(), &what, name.as_deref())).await?;
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(search)).into_response())
}

/// Rename or mute what is followed
#[utoipa::path(patch, operation_id = "change_search", path = "/v1/users/{user}/searches/{id}", tag = "users",
    request_body = SearchPatchBody,
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the saved search")),
    responses((status = 200, body = SearchView), (status = 404, body = ErrorBody)))]
pub async fn change(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    Fields(mut given): Fields,
) -> Result<Json<SearchView>, ApiError> {
    // `null` gives a name back.
    let name = match given.0.shift_remove("name") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text)),
        Some(_) => return Err(ApiError::bad_request("name must be a text")),
    };
    let muted = given.0.shift_remove("muted").filter(|value| !value.is_null());
    let muted = muted.map(|value| Field { name: "muted", value: Some(value) }.truth()).transpose()?.flatten();
    given.nothing_else()?;
    let patch = SearchPatch { name, muted };
    app.blocking(move |engine| engine.change_search(reader.name(), &id, &patch)).await.map(Json)
}

/// Follow something no longer
///
/// The webhooks of it go with it. Its id is not used again.
#[utoipa::path(delete, operation_id = "delete_search", path = "/v1/users/{user}/searches/{id}", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the saved search")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.delete_search(reader.name(), &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Note that its papers were looked at
///
/// Nothing that is there now is new from then on. No GET does this.
#[utoipa::path(post, operation_id = "see_search", path = "/v1/users/{user}/searches/{id}/seen", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the saved search")),
    responses((status = 200, body = SearchView), (status = 404, body = ErrorBody)))]
pub async fn seen(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<Json<SearchView>, ApiError> {
    app.blocking(move |engine| engine.see_search(reader.name(), &id)).await.map(Json)
}

/// The papers of what is followed
///
/// All that match, best first; `meta.total` says how many. Those that came since the user last looked have `new`. The papers of a
/// name are ordered by attention (their score is the natural logarithm of one and their votes and twice their comments), then by
/// day; of more than 2,000 the newest 2,000 are given.
#[utoipa::path(get, operation_id = "search_papers", path = "/v1/users/{user}/searches/{id}/papers", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the saved search"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers, 1 to 500, default 10"),
           ("offset" = Option<u64>, Query, minimum = 0, description = "papers to pass over first"),
           ("new" = Option<bool>, Query, description = "only those that came since the user last looked"),
           ("explain" = Option<bool>, Query, description = "whether each says where its score comes from")),
    responses((status = 200, body = SearchPapers),
              (status = 404, body = ErrorBody, description = "no such user or saved search, or its theme is gone"),
              (status = 409, body = ErrorBody, description = "a theme is followed, there are none yet, and the job `themes` is off")))]
pub async fn papers(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    Params(mut given): Params,
) -> Result<Response, ApiError> {
    let ask = SearchPapersOptions {
        limit: given.take("limit").whole()?.unwrap_or(10),
        offset: given.take("offset").whole()?.unwrap_or(0),
        new: given.take("new").truth()?.unwrap_or(false),
        explain: given.take("explain").truth()?.unwrap_or(false),
    };
    given.nothing_else()?;
    app.papers(move |engine| engine.search_papers(reader.name(), &id, &ask)).await.map_err(|e| app.themes_missing(e))
}
