//! Users, what they did, and what is known of them.

use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::App;
use super::access::Reader;
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, NoParams, Params, json_body};
use super::papers::PageMeta;
use super::request_fields::{RequestFields, paper_id};
use crate::access::Caller;
use crate::engine::{EventReport, Unreadable, UserView};
use crate::error::Error;
use crate::paper::head;
use crate::user::{Event, EventKind, Moment, Settings, UserId};

/// Events of one user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsBody {
    /// 1 to 100,000 events.
    #[schema(min_items = 1, max_items = 100_000)]
    pub events: Vec<EventBody>,
}

/// The same before anybody looked at each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEventsBody {
    events: Vec<Value>,
}

/// Something a user did with a paper.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBody {
    /// The paper: its id, or any form of its arXiv id, DOI and the like.
    paper: String,
    /// What.
    kind: EventKind,
    /// When: RFC 3339 or a date; now where nothing is said. Not in the future.
    at: Option<String>,
    /// How much it counts beside others of its kind: above 0, at most 100; 1 where nothing is said.
    #[schema(exclusive_minimum = 0, maximum = 100)]
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
    bodies.into_iter().map(|body| event(body, now)).collect::<Result<_, Error>>().map_err(ApiError::from)
}

fn event(body: EventBody, now: Moment) -> Result<Event, Error> {
    Ok(Event {
        paper: paper_id(body.paper)?,
        kind: body.kind,
        at: body.at.as_deref().map_or(Ok(now), Moment::parse)?,
        weight: body.weight.unwrap_or(1.0),
    })
}

/// One by one, so that what is wrong with an event costs that event alone. `user` says whose it is, once it is proven that the
/// caller may act for them.
fn each_event(
    bodies: Vec<Value>,
    user: impl Fn(&mut Value) -> Result<UserId, Error>,
) -> Vec<Result<(UserId, Event), Unreadable>> {
    let now = Moment::now();
    let read = |mut body: Value| {
        let paper = body["paper"].as_str().map(|paper| head(paper, 80));
        let whose = user(&mut body);
        let event: Result<Event, Error> = serde_path_to_error::deserialize(body)
            .map_err(|e| {
                let (path, why) = (e.path().to_string(), e.into_inner());
                Error::BadRequest(if path == "." { why.to_string() } else { format!("{path}: {why}") })
            })
            .and_then(|body| event(body, now));
        whose.and_then(|user| Ok((user, event?))).map_err(|e| Unreadable { paper, reason: e.to_string() })
    };
    bodies.into_iter().map(read).collect()
}

/// Make a user, or give one new settings
///
/// Without a body the settings are the service's own. A user is also made by the first event.
#[utoipa::path(put, operation_id = "put_user", path = "/v1/users/{user}", tag = "users", request_body = Option<Settings>,
    params(("user" = String, Path, description = "any name of 1 to 256 bytes; `/` in it is written `%2F`")),
    responses((status = 200, body = UserView)))]
pub async fn put(
    State(app): State<App>,
    reader: Reader,
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
    let settings: Settings = RequestFields(fields).rest()?;
    app.blocking(move |engine| engine.put_user(reader.name(), &settings)).await.map(Json)
}

/// A user
#[utoipa::path(get, operation_id = "get_user", path = "/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = UserView), (status = 404, body = ErrorBody)))]
pub async fn get(State(app): State<App>, reader: Reader, _: NoParams) -> Result<Json<UserView>, ApiError> {
    app.blocking(move |engine| engine.user(reader.name())).await.map(Json)
}

/// Forget a user
///
/// Settings, events, interests, library and keys, and what others' answers had of them. A key of this user that asks for it opens
/// nothing any more afterwards.
#[utoipa::path(delete, operation_id = "delete_user", path = "/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(State(app): State<App>, reader: Reader, _: NoParams) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.delete_user(reader.name())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Write down what a user did
///
/// The user is made if new. What is taken is on disk when the call returns. An event that is there already (same user, paper,
/// kind and time) changes nothing. `like`, `save`, `dislike` and `dismiss` are verdicts, of which the last on a paper counts
/// (weights 1, 1, -1, -0.3; at one moment a dislike wins); `unsave` takes back a save and `clear` every verdict; `view` (0.1)
/// and `click` (0.3) count while there is no verdict. A paper may be named by any form of its arXiv id, DOI and the like; the
/// event has the id that the paper was given.
///
/// What is wrong with an event (a paper that is not there, a kind or time that cannot be read, a time in the future, a weight
/// out of range) costs that event alone: it is listed under `rejected` with its place in the list (from 0), the paper as it
/// was named, and the reason, and the answer is 200, also when nothing is left; a user who is new is then not made. With
/// `strict=true` all events are taken or none, and the first that is wrong is the error: 400, 404 with the paper, or 422.
#[utoipa::path(post, path = "/v1/users/{user}/events", tag = "users", request_body = EventsBody,
    params(("user" = String, Path, description = "the user's name"),
           ("strict" = Option<bool>, Query, description = "all events or none; false by default")),
    responses((status = 200, body = EventReport), (status = 404, body = ErrorBody)))]
pub async fn add_events(
    State(app): State<App>,
    reader: Reader,
    Fields(mut given): Fields,
) -> Result<Json<EventReport>, ApiError> {
    if given.take("strict").truth()?.unwrap_or(false) {
        let body: EventsBody = given.rest()?;
        let events = events(body.events)?;
        return app
            .blocking(move |engine| engine.add_events(reader.name(), &events).map(EventReport::from))
            .await
            .map(Json);
    }
    let body: RawEventsBody = given.rest()?;
    let user = UserId::new(reader.name())?;
    let events = each_event(body.events, |_| Ok(user.clone()));
    app.blocking(move |engine| engine.add_each_event(events)).await.map(Json)
}

/// Events of many users.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // This is what the OpenAPI document says; each is read on its own.
pub struct EventsOfManyBody {
    /// 1 to 100,000 events.
    #[schema(min_items = 1, max_items = 100_000)]
    events: Vec<EventOfBody>,
}

/// Something a user did with a paper.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)]
pub struct EventOfBody {
    /// The user's name; made if new.
    user: String,
    #[serde(flatten)]
    event: EventBody,
}

/// Write down what many users did
///
/// As for one user, with the name of the user in each event. All that can be written is written at once; what is wrong with
/// an event (a name that is not allowed among it) costs that event alone.
#[utoipa::path(post, path = "/v1/events", tag = "users", request_body = EventsOfManyBody,
    responses((status = 200, body = EventReport)))]
pub async fn add_events_of_many(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Fields(given): Fields,
) -> Result<Json<EventReport>, ApiError> {
    let body: RawEventsBody = given.rest()?;
    let user = |body: &mut Value| match body.as_object_mut().and_then(|fields| fields.shift_remove("user")) {
        Some(Value::String(name)) => {
            let reader = Reader::of(&caller, name).map_err(|refused| Error::Invalid(refused.message))?;
            UserId::new(reader.name())
        }
        Some(_) => Err(Error::BadRequest("user: it must be a text".into())),
        None => Err(Error::BadRequest("missing field `user`".into())),
    };
    let events = each_event(body.events, user);
    app.blocking(move |engine| engine.add_each_event(events)).await.map(Json)
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub struct UserList {
    /// The users of this page, in the order in which they came.
    users: Vec<UserView>,
    meta: PageMeta,
}

/// Users, in the order in which they came
#[utoipa::path(get, operation_id = "list_users", path = "/v1/users", tag = "users",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "users a page, default 50"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before")),
    responses((status = 200, body = UserList)))]
pub async fn list(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    let limit = take("limit").whole()?.unwrap_or(50);
    let cursor: Option<String> = take("cursor").word()?;
    given.nothing_else()?;
    app.answer(move |engine| {
        let page = engine.users(limit, cursor.as_deref())?;
        Ok(UserList { users: page.items, meta: PageMeta { total: page.total, next: page.next } })
    })
    .await
}

/// A user's history, newest first
#[utoipa::path(get, path = "/v1/users/{user}/events", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "events a page, default 50"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before")),
    responses((status = 200, body = EventList), (status = 404, body = ErrorBody)))]
pub async fn list_events(
    State(app): State<App>,
    reader: Reader,
    Params(mut given): Params,
) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    let limit = take("limit").whole()?.unwrap_or(50);
    let cursor: Option<String> = take("cursor").word()?;
    given.nothing_else()?;
    app.answer(move |engine| {
        let page = engine.events(reader.name(), limit, cursor.as_deref())?;
        Ok(EventList { events: page.items, meta: PageMeta { total: page.total, next: page.next } })
    })
    .await
}
