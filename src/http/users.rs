//! Users, what they did, and what is known of them.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::App;
use super::ask::Given;
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, Id, NoParams, Params, json_body};
use super::papers::PageMeta;
use crate::engine::{Import, Imported, UserView};
use crate::error::Error;
use crate::paper::PaperId;
use crate::sources::{Format, references};
use crate::store::Added;
use crate::user::{Event, EventKind, Moment, Settings};

/// Events of one user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsBody {
    /// 1 to 100,000 events; all are taken or none.
    pub events: Vec<EventBody>,
}

/// Something a user did with a paper.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBody {
    /// The paper's id.
    paper: String,
    /// What.
    kind: EventKind,
    /// When: RFC 3339 or a date; now where nothing is said. Not in the future.
    at: Option<String>,
    /// How much it counts beside others of its kind: above 0, at most 100; 1 where nothing is said.
    weight: Option<f32>,
}

/// A page of a history.
#[derive(Serialize, ToSchema)]
pub struct EventList {
    /// The events of this page, newest first.
    events: Vec<Event>,
    meta: PageMeta,
}

/// The events of a body, with this moment for those that name none.
pub fn events(bodies: Vec<EventBody>) -> Result<Vec<Event>, ApiError> {
    let now = Moment::now();
    let of = |e: EventBody| {
        Ok(Event {
            paper: PaperId::new(e.paper)?,
            kind: e.kind,
            at: e.at.as_deref().map_or(Ok(now), Moment::parse)?,
            weight: e.weight.unwrap_or(1.0),
        })
    };
    bodies.into_iter().map(of).collect::<Result<_, Error>>().map_err(ApiError::from)
}

/// Make a user, or give one new settings
///
/// Without a body the settings are the service's own. A user is also made by the first event.
#[utoipa::path(put, path = "/v1/users/{user}", tag = "users", request_body = Option<Settings>,
    params(("user" = String, Path, description = "any name of 1 to 256 bytes; `/` in it is written `%2F`")),
    responses((status = 200, body = UserView)))]
pub async fn put(
    State(app): State<App>,
    Id(name): Id,
    _: NoParams,
    request: Request,
) -> Result<Json<UserView>, ApiError> {
    let empty = request.headers().get(header::CONTENT_TYPE).is_none()
        && request.headers().get(header::CONTENT_LENGTH).is_none_or(|n| n.as_bytes() == b"0");
    let fields = if empty {
        Map::new()
    } else {
        match json_body(request, &app).await? {
            Value::Object(fields) => fields,
            _ => return Err(ApiError::bad_request("the body must be a JSON object")),
        }
    };
    let settings: Settings = Given(fields).rest()?;
    app.blocking(move |engine| engine.put_user(&name, &settings)).await.map(Json)
}

/// A user
#[utoipa::path(get, path = "/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = UserView), (status = 404, body = ErrorBody)))]
pub async fn get(State(app): State<App>, Id(name): Id, _: NoParams) -> Result<Json<UserView>, ApiError> {
    app.blocking(move |engine| engine.user(&name)).await.map(Json)
}

/// Forget a user
///
/// Settings, events, interests and library, and what others' answers had of them.
#[utoipa::path(delete, path = "/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(State(app): State<App>, Id(name): Id, _: NoParams) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.delete_user(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Write down what a user did
///
/// The user is made if new. All events are taken or none; they are on disk when the call returns. An event that is there
/// already (same user, paper, kind and time) changes nothing. `like`, `save`, `dislike` and `dismiss` are verdicts, of which
/// the last on a paper counts (weights 1, 1, -1, -0.3; at one moment a dislike wins); `unsave` takes back a save and `clear`
/// every verdict; `view` (0.1) and `click` (0.3) count while there is no verdict. A paper that is not there is 404 and
/// named.
#[utoipa::path(post, path = "/v1/users/{user}/events", tag = "users", request_body = EventsBody,
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = Added), (status = 404, body = ErrorBody)))]
pub async fn add_events(State(app): State<App>, Id(name): Id, Fields(given): Fields) -> Result<Json<Added>, ApiError> {
    let body: EventsBody = given.rest()?;
    let events = events(body.events)?;
    app.blocking(move |engine| engine.add_events(&name, &events)).await.map(Json)
}

/// A user's history, newest first
#[utoipa::path(get, path = "/v1/users/{user}/events", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "events a page, default 50"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before")),
    responses((status = 200, body = EventList), (status = 404, body = ErrorBody)))]
pub async fn list_events(
    State(app): State<App>,
    Id(name): Id,
    Params(mut given): Params,
) -> Result<Json<EventList>, ApiError> {
    let mut take = |name| given.take(name);
    let limit = take("limit").whole()?.unwrap_or(50);
    let cursor: Option<String> = take("cursor").word()?;
    given.nothing_else()?;
    let page = app.blocking(move |engine| engine.events(&name, limit, cursor.as_deref())).await?;
    Ok(Json(EventList { events: page.items, meta: PageMeta { total: page.total, next: page.next } }))
}

/// A reference list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryBody {
    /// The text of the list: BibTeX, RIS, CSL-JSON, Zotero's JSON or CSV, PubMed (MEDLINE text or XML), EndNote (tagged or
    /// XML), Web of Science (tagged or tab-delimited), a table with a column `title` or `DOI`, or an id, DOI or address a
    /// line.
    text: String,
    /// How it is written; told from the text where nothing is said. A list of titles has to be called `titles`; a text in
    /// none of the formats is refused with 400, which says what it looks like.
    #[serde(default)]
    format: Format,
    /// What each reference counts as; `save` where nothing is said.
    kind: Option<EventKind>,
    /// Whether references that are not in the corpus are embedded, so that they teach all the same.
    #[serde(default)]
    embed_missing: bool,
}

/// Take a reference list into a user's history
///
/// References are matched to the corpus by id, DOI, arXiv id and title; what is not found is listed. The same list may be
/// imported again: nothing counts twice. An entry that cannot be read is listed under `rejected` and the rest goes in.
#[utoipa::path(post, path = "/v1/users/{user}/history", tag = "users", request_body = HistoryBody,
    params(("user" = String, Path, description = "the user's name; made if new")),
    responses((status = 200, body = Imported)))]
pub async fn import_history(
    State(app): State<App>,
    Id(name): Id,
    Fields(given): Fields,
) -> Result<Json<Imported>, ApiError> {
    let body: HistoryBody = given.rest()?;
    let import = Import { kind: body.kind.unwrap_or(EventKind::Save), embed_missing: body.embed_missing };
    app.blocking(move |engine| {
        let list = references(&body.text, body.format)?;
        engine.import_history(&name, &list, import)
    })
    .await
    .map(Json)
}
