//! Reading lists from elsewhere: looked at, taken in, listed and taken back; and the papers that came with them.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;
use utoipa::ToSchema;

use super::App;
use super::access::{Behind, Reader};
use super::body::{grown, linger_of, whole};
use super::door::Lease;
use super::error::{ApiError, ErrorBody};
use super::extract::{NoParams, Params, body_type, unsupported};
use super::papers::PageMeta;
use super::request_fields::RequestFields;
use crate::engine::{Import, ImportProgress, ImportView, Imported, Outside};
use crate::paper::head;
use crate::paper::percent::encoded;
use crate::sources::{Format, ListInJson, list_in_json, references_from_bytes, to_utf8};
use crate::user::EventKind;

/// Between two lines of progress.
const EVERY: Duration = Duration::from_millis(200);

/// What to do with a list that is longer than a body may be.
const TOO_LONG: &str = "nothing of it was taken. Send the list in parts (nothing counts twice), raise the setting max_body, or \
    use `paperkin history import` on the machine of the service";

/// A reference list in JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
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
    /// Whether to say only what would become of the list.
    #[serde(default)]
    dry_run: bool,
    /// Whether to answer with lines of progress, and last the answer; as does `Accept: application/x-ndjson`.
    #[serde(default)]
    stream: bool,
    /// What the list is called where imports are listed: the name of its file.
    name: Option<String>,
}

/// A list that takes longer than a request may: it goes on in the background.
#[derive(Serialize, ToSchema)]
pub struct HistoryJob {
    job: Job,
}

/// Work that goes on: `GET /v1/users/{user}/imports/{id}` says how far it is.
#[derive(Serialize, ToSchema)]
pub struct Job {
    /// The import.
    id: String,
    /// `running`.
    status: &'static str,
    /// Entries that are dealt with.
    done: usize,
    /// Entries in all.
    total: usize,
}

/// The reading lists that a user brought.
#[derive(Serialize, ToSchema)]
pub struct ImportList {
    /// The newest first.
    imports: Vec<ImportView>,
}

/// A page of papers that are not in the corpus.
#[derive(Serialize, ToSchema)]
pub struct OutsideList {
    /// The papers of this page, by title.
    pub papers: Vec<Outside>,
    meta: PageMeta,
}

/// A request to take a list in, understood.
struct ImportRequest {
    list: Vec<u8>,
    // What the list holds of the memory for bodies.
    held: Lease,
    format: Format,
    import: Import,
    dry_run: bool,
    stream: bool,
}

/// Take a reference list into a user's history
///
/// The list is the body itself, in whatever characters and under whatever type (`application/octet-stream`, `text/plain`,
/// `application/x-bibtex`, `text/csv` and so on; the parameters stand in the address), or
/// the field `text` of a JSON object, which may hold the parameters as well. A CSL-JSON list may be sent as it is.
///
/// References are matched to the corpus by id, DOI, arXiv id and the like, and by title where nothing speaks against it;
/// what is not found is listed. The same list may be imported again: nothing counts twice. An entry that cannot be read is
/// listed under `rejected` and the rest goes in; so are entries beyond 100,000. What of an entry is longer than a paper has room
/// for (see `POST /v1/papers`) is left out and told under `warnings`. `dry_run` says what would be understood, entry by entry,
/// and writes nothing; it ends with 408 after `timeout_s`.
///
/// At most `max_uploads` (8 where the service was not set otherwise) lists are taken in at a time; more are 503. A list that takes
/// longer than a request may (`timeout_s`) is answered 202 and goes on; so it does when the client goes
/// away. With `stream`, or `Accept: application/x-ndjson`, lines `{"import", "done", "total", "embedded"}` come while it is
/// taken in, and the answer (or `{"error"}`) on the last.
#[utoipa::path(post, operation_id = "import_history", path = "/v1/users/{user}/history", tag = "users",
    request_body(content((HistoryBody = "application/json"), (String = "application/octet-stream"))),
    params(("user" = String, Path, description = "the user's name; made if new"),
        ("dry_run" = Option<bool>, Query, description = "say only what would become of the list"),
        ("kind" = Option<EventKind>, Query, description = "what each reference counts as; `save` where nothing is said"),
        ("embed_missing" = Option<bool>, Query,
            description = "whether references that are not in the corpus are embedded, so that they teach all the same"),
        ("format" = Option<Format>, Query, description = "how the list is written; told from the text; `titles` has to be said"),
        ("stream" = Option<bool>, Query, description = "answer with lines of progress, and last the answer"),
        ("name" = Option<String>, Query, description = "what the list is called where imports are listed")),
    responses((status = 200, body = Imported), (status = 202, body = HistoryJob)))]
pub async fn import(State(app): State<App>, reader: Reader, request: Request) -> Result<Response, ApiError> {
    let Some(place) = app.imports.enter() else {
        let (parts, body) = request.into_parts();
        linger_of(&parts.headers, body);
        return Err(ApiError::overloaded("as many reading lists are taken in as may be"));
    };
    // The limit on requests does not hold here: see `limits`.
    let patience = Duration::from_secs(app.tuning.timeout_s);
    let asked = match tokio::time::timeout(patience, understand(request, &app)).await {
        Ok(asked) => asked?,
        Err(_) => {
            let message = format!("the body did not come within {} s; nothing of it was taken", patience.as_secs());
            return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, message));
        }
    };
    let ImportRequest { list, held, format, import, dry_run, stream } = asked;
    if dry_run {
        let preview = move |engine: &crate::engine::Engine| {
            let _held = held;
            engine.preview_history(reader.name(), &references_from_bytes(&list, format)?, &import)
        };
        // Nobody has anything of a preview that comes too late.
        return match tokio::time::timeout(patience, app.aside(place, preview)).await {
            Ok(done) => Ok(Json(done?).into_response()),
            Err(_) => {
                let message = format!("the preview took longer than {} s; nothing was written", patience.as_secs());
                Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, message))
            }
        };
    }
    let until = Instant::now() + patience;
    let (tell, mut told) = watch::channel(None);
    let user = reader.clone();
    // A task of its own: it goes on when nobody waits for it any more.
    let mut work = tokio::spawn({
        let app = app.clone();
        async move {
            app.aside(place, move |engine| {
                let _held = held;
                let list = references_from_bytes(&list, format)?;
                let tell = |progress: &ImportProgress| drop(tell.send_replace(Some(progress.clone())));
                engine.import_history(user.name(), &list, &import, &tell)
            })
            .await
        }
        .in_current_span()
    });
    // What is wrong with the list as a whole, or the name, shows before anything is written.
    let begun = told.wait_for(Option::is_some).await.ok().and_then(|progress| progress.clone());
    if begun.is_none() {
        return Ok(Json(outcome(work.await, None)?).into_response());
    }
    if stream {
        return Ok(lines(work, told));
    }
    match tokio::time::timeout_at(until, &mut work).await {
        Ok(done) => Ok(Json(outcome(done, told.borrow().as_ref())?).into_response()),
        Err(_) => {
            let Some(so_far) = told.borrow().clone() else { return Err(ApiError::internal()) };
            Ok(accepted(reader.name(), so_far))
        }
    }
}

fn accepted(user: &str, so_far: ImportProgress) -> Response {
    let ImportProgress { import, done, total, .. } = so_far;
    let place = HeaderValue::from_str(&format!("/v1/users/{}/imports/{import}", encoded(user)));
    let body = HistoryJob { job: Job { id: import, status: "running", done, total } };
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    if let Ok(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// What the work came to; an error says what of the list is in all the same.
fn outcome(
    done: Result<Result<Imported, ApiError>, tokio::task::JoinError>,
    so_far: Option<&ImportProgress>,
) -> Result<Imported, ApiError> {
    let done = done.unwrap_or_else(|e| {
        tracing::error!("taking in a reading list panicked: {e}");
        Err(ApiError::internal())
    });
    done.map_err(|e| match so_far {
        None => e,
        Some(ImportProgress { import, done, total, .. }) => ApiError {
            message: format!(
                "{}. Of the list {done} of {total} entries are in, as import {import}: take it back with DELETE, or send \
                 the list again",
                e.message
            ),
            detail: Some(json!({ "import": import, "done": done, "total": total })),
            ..e
        },
    })
}

/// Lines of progress while the work goes on, and what it came to on the last.
fn lines(
    mut work: JoinHandle<Result<Imported, ApiError>>,
    mut told: watch::Receiver<Option<ImportProgress>>,
) -> Response {
    let (send, receive) = mpsc::channel::<String>(1);
    // When nobody reads the lines any more, sending fails and this ends; the work does not.
    tokio::spawn(async move {
        let last = loop {
            let so_far = told.borrow_and_update().clone();
            if let Some(ImportProgress { import, done, total, embedded }) = so_far {
                let line = json!({ "import": import, "done": done, "total": total, "embedded": embedded });
                if send.send(format!("{line}\n")).await.is_err() {
                    return;
                }
            }
            let news = async {
                tokio::time::sleep(EVERY).await;
                told.changed().await
            };
            tokio::select! {
                done = &mut work => break done,
                // An error: no more comes, the work is over, or as good as.
                news = news => if news.is_err() {
                    break (&mut work).await;
                },
            }
        };
        let so_far = told.borrow().clone();
        let last = match outcome(last, so_far.as_ref()) {
            Ok(answer) => serde_json::to_value(&answer).unwrap_or_default(),
            Err(e) => e.body(),
        };
        let _ = send.send(format!("{last}\n")).await;
    });
    let lines = futures_util::stream::unfold(receive, |mut receive| async move {
        Some((Ok::<_, Infallible>(receive.recv().await?), receive))
    });
    let mut response = Body::from_stream(lines).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    // Compressed, lines would wait until there are enough of them.
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    response
}

/// Reads what is asked for: parameters and list.
async fn understand(request: Request, app: &App) -> Result<ImportRequest, ApiError> {
    let (mut parts, body) = request.into_parts();
    let headers = &parts.headers;
    let media = body_type(headers)?;
    let streamed = headers.get_all(header::ACCEPT).iter().any(|accept| {
        accept.to_str().is_ok_and(|a| a.split(',').any(|a| a.trim().starts_with("application/x-ndjson")))
    });
    if matches!(media.as_deref(), Some("multipart/form-data" | "application/x-www-form-urlencoded")) {
        let wanted = "the file itself as the body, as text/plain (curl: --data-binary @library.bib -H 'content-type: \
            text/plain'), or {\"text\": ...} as application/json";
        return Err(unsupported(headers, wanted));
    }
    let most = app.tuning.max_body;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<u64>().ok());
    if headers.contains_key(header::EXPECT) && announced.is_some_and(|n| n > most as u64) {
        // It asks before it sends, so it hears the answer without having sent everything.
        let message = format!("the body is longer than {most} bytes; {TOO_LONG}");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let charset = charset(headers);
    let Params(RequestFields(parameters)) = Params::from_request_parts(&mut parts, app).await?;
    let (bytes, mut held) = whole(app, body, most, TOO_LONG).await?;
    let (mut given, list) = match media.as_deref() {
        Some("application/json") => {
            // A list that is a field is taken out of the body, and stands beside it for a moment.
            held = grown(held, bytes.len())?;
            let look = move || (list_in_json(&bytes), bytes);
            let (found, bytes) = app.work(look).await?;
            match found? {
                ListInJson::Itself => (RequestFields(parameters), Some(bytes)),
                ListInJson::Fields(mut fields) => {
                    for (name, value) in parameters {
                        fields.entry(name).or_insert(value);
                    }
                    (RequestFields(fields), None)
                }
            }
        }
        _ => (RequestFields(parameters), Some(in_utf8(bytes, charset.as_deref())?)),
    };
    let list = match list {
        Some(list) => list,
        None => match given.take("text").value {
            Some(Value::String(text)) => text.into_bytes(),
            None => return Err(ApiError::bad_request("the field `text` is missing; it holds the list")),
            Some(_) => return Err(ApiError::bad_request("text: it must be a text that holds the list")),
        },
    };
    let mut take = |name| given.take(name);
    let import = Import {
        kind: take("kind").word()?.unwrap_or(EventKind::Save),
        embed_missing: take("embed_missing").truth()?.unwrap_or(false),
        name: take("name").word()?,
    };
    let (dry_run, stream) = (take("dry_run").truth()?.unwrap_or(false), take("stream").truth()?.unwrap_or(streamed));
    let format = take("format").word()?.unwrap_or_default();
    given.nothing_else()?;
    Ok(ImportRequest { list, held, format, import, dry_run, stream })
}

/// The character set that the sender names.
fn charset(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_string())
    })
}

/// A list in the characters that its sender names, in UTF-8. Where nobody names any, or UTF-8, they are told from the bytes
/// later: what is called UTF-8 often is not.
fn in_utf8(bytes: Vec<u8>, charset: Option<&str>) -> Result<Vec<u8>, ApiError> {
    match charset {
        None => Ok(bytes),
        Some(name) if ["utf-8", "utf8", "us-ascii"].iter().any(|n| name.eq_ignore_ascii_case(n)) => Ok(bytes),
        Some(name) => match to_utf8(&bytes, name) {
            Some(text) => Ok(text.into_bytes()),
            None => Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("nobody knows the charset {:?}; leave it away, and it is told from the bytes", head(name, 40)),
            )),
        },
    }
}

/// The reading lists that a user brought
///
/// The newest first: how each stands, and what came of it in numbers. One that broke off, or was interrupted by the end of
/// the program, says how far it came: what it had added by then is in, and can be taken back, or the list sent again.
#[utoipa::path(get, operation_id = "list_imports", path = "/v1/users/{user}/imports", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = ImportList), (status = 404, body = ErrorBody)))]
pub async fn imports(State(app): State<App>, reader: Reader, _: NoParams) -> Result<Json<ImportList>, ApiError> {
    let imports = app.blocking(move |engine| engine.imports(reader.name())).await?;
    Ok(Json(ImportList { imports }))
}

/// One reading list
///
/// How far it is while it is taken in; once it is done, `answer` holds what came of it entry by entry.
#[utoipa::path(get, operation_id = "get_import", path = "/v1/users/{user}/imports/{import}", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("import" = String, Path, description = "the import")),
    responses((status = 200, body = ImportView), (status = 404, body = ErrorBody)))]
pub async fn get_import(
    State(app): State<App>,
    reader: Reader,
    Behind(import): Behind,
    _: NoParams,
) -> Result<Response, ApiError> {
    app.answer(move |engine| engine.import(reader.name(), &import)).await
}

/// Take a reading list back
///
/// Exactly the events and the papers from outside the corpus go that this import added and that nothing else has added:
/// neither another import nor the user by hand. One that is running ends.
#[utoipa::path(delete, operation_id = "undo_import", path = "/v1/users/{user}/imports/{import}", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("import" = String, Path, description = "the import")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn undo_import(
    State(app): State<App>,
    reader: Reader,
    Behind(import): Behind,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.undo_import(reader.name(), &import)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Papers from outside the corpus that a user's history has learned from
///
/// By title, each with the imports that brought it.
#[utoipa::path(get, operation_id = "list_outside_papers", path = "/v1/users/{user}/outside", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers a page, default 50"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before")),
    responses((status = 200, body = OutsideList), (status = 404, body = ErrorBody)))]
pub async fn outside(State(app): State<App>, reader: Reader, Params(mut given): Params) -> Result<Response, ApiError> {
    let limit = given.take("limit").whole()?.unwrap_or(50);
    let cursor: Option<String> = given.take("cursor").word()?;
    given.nothing_else()?;
    app.papers(move |engine| {
        let page = engine.outside(reader.name(), limit, cursor.as_deref())?;
        Ok(OutsideList { papers: page.items, meta: PageMeta { total: page.total, next: page.next } })
    })
    .await
}

/// Forget a paper from outside the corpus
///
/// It goes with what the user did with it. Where the corpus has a paper of this id by now, only the copy goes.
#[utoipa::path(delete, operation_id = "remove_outside_paper", path = "/v1/users/{user}/outside/{id}", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn remove_outside(
    State(app): State<App>,
    reader: Reader,
    Behind(id): Behind,
    _: NoParams,
) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.remove_outside(reader.name(), &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
