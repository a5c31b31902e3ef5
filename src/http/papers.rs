//! Papers in, out and gone; the daily list.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use tokio_util::io::{StreamReader, SyncIoBridge};
use utoipa::ToSchema;

use super::App;
use super::body::{linger_of, steady};
use super::docs::PapersBody;
use super::error::{ApiError, ErrorBody};
use super::extract::{Id, NoParams, Params, body_type, json_bytes, unsupported};
use super::stopping;
use crate::engine::{Engine, Incoming, Listing, PaperInFull, Report};
use crate::error::{Error, Result};
use crate::paper::Paper;
use crate::sources;

/// A page of the daily list.
#[derive(Serialize, ToSchema)]
pub struct PaperList {
    /// The papers of this page.
    pub papers: Vec<Paper>,
    meta: PageMeta,
}

/// Where the page stands.
#[derive(Serialize, ToSchema)]
pub struct PageMeta {
    /// Papers, or whatever is listed, on all pages.
    pub total: usize,
    /// Give it as `cursor` to get the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Put papers in
///
/// One paper, or `{"papers": [...]}`, as `application/json`; a stream of any length as `application/x-ndjson`, one paper a
/// line. What is not a paper (it has no id or no title) is listed under `rejected` and the rest goes in. Any other field that
/// cannot be read is left out of its paper and listed under `warnings`; with `strict=true` such a paper is rejected. Papers can
/// be found when the call returns. A paper sent again replaces the old one; an identical one costs nothing.
///
/// Bounds, in bytes of UTF-8: a line, or a paper in a list, 4 MiB and a title 4,096 (longer ones are rejected); an abstract
/// 102,400 (the beginning is kept); 10,000 authors, 1,000 categories, 1,000 keywords (the first are kept), each of 1,024; `venue`,
/// `organization` and `submitted_by` 1,024, `url` 4,096, unknown fields together 65,536 of JSON, nested 100 deep (what is longer
/// is left out). All but the first two are told under `warnings`.
///
/// Titles and abstracts may hold JATS, HTML, MathML or LaTeX: their text is what is searched; what was sent is given back. Dates
/// are read as people write them (`2024`, `2024/05/22`, `22 May 2024`, RFC 3339) and given back as `YYYY`, `YYYY-MM` or
/// `YYYY-MM-DD`; authors may be texts, or objects with `name` or `given` and `family`; an id may be a number.
///
/// A stream has to go on: when nothing of it comes for `timeout_s` (30 s where the service was not set otherwise), or over as
/// much waiting less than `min_upload_rate` (1,000 bytes a second), the answer is 408, whose `detail` is the report of what
/// was written. At most `max_uploads` (8) are read at a time; more are 503. A service that stops reads a stream for a moment
/// longer. What it then does not take is told with 503, whose `detail` is the same report.
#[utoipa::path(post, operation_id = "put_papers", path = "/v1/papers", tag = "papers",
    params(("strict" = Option<bool>, Query, description = "reject papers with a field that cannot be read (default: false)")),
    request_body(content((PapersBody = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, body = Report)))]
pub async fn put(
    State(app): State<App>,
    Params(mut given): Params,
    request: Request,
) -> Result<Json<Report>, ApiError> {
    let strict = given.take("strict").truth()?.unwrap_or(false);
    given.nothing_else()?;
    let report = match body_type(request.headers())?.as_deref() {
        Some("application/x-ndjson") => {
            let (parts, body) = request.into_parts();
            stream(&app, body, &parts.headers, strict).await?
        }
        Some("application/json") => {
            let body = json_bytes(request, &app).await?;
            let (written, hear) = hearing();
            let put = move |engine: &Engine| {
                let papers = sources::InJson::new(body)?;
                let mut lines = papers.papers().map(|line| if strict { line.map(Incoming::strict) } else { line });
                engine.ingest(&mut lines, &hear)
            };
            app.blocking(put).await.map_err(|e| with_what_is_in(e, &written()))?
        }
        _ => return Err(unsupported(request.headers(), "application/json or application/x-ndjson")),
    };
    Ok(Json(report))
}

/// Lines are read as they arrive, so a stream may be longer than memory. It waits for its bytes on a thread of its own.
async fn stream(app: &App, body: Body, headers: &HeaderMap, strict: bool) -> Result<Report, ApiError> {
    let Some(place) = app.uploads.enter() else {
        linger_of(headers, body);
        return Err(ApiError::overloaded("as many streams of papers are taken in as may be"));
    };
    let reader = SyncIoBridge::new(StreamReader::new(Box::pin(steady(app, body))));
    let (so_far, hear) = hearing();
    let work = app.aside(place, move |engine| {
        let lines = sources::read(BODY, reader);
        let mut lines = lines.map(|line| if strict { line.map(Incoming::strict) } else { line });
        match engine.ingest(&mut lines, &hear) {
            // What the client did is no trouble of ours; what had come whole is in.
            Err(Error::Io { path, source, .. }) if path == Path::new(BODY) => Ok(Err(source)),
            done => done.map(Ok),
        }
    });
    let done = tokio::select! {
        done = work => done.map_err(|e| with_what_is_in(e, &so_far()))?,
        () = app.stopping.over(stopping::PATIENCE) => return Err(stopping::so_far(&so_far())),
    };
    match done {
        Ok(report) => Ok(report),
        Err(e) if e.kind() == ErrorKind::ConnectionAborted => Err(stopping::so_far(&so_far())),
        Err(e) if e.kind() == ErrorKind::TimedOut => {
            let report = so_far();
            let detail = serde_json::to_value(&report).ok();
            let message = format!("{e}; {}. Send the rest, or all of them again", stopping::written(&report));
            Err(ApiError { detail, ..ApiError::new(StatusCode::REQUEST_TIMEOUT, message) })
        }
        Err(e) => Err(ApiError::bad_request(format!("the body broke off: {e}; {}", stopping::written(&so_far())))),
    }
}

/// What becomes of papers while they are taken in: what tells how far it is, and what hears it.
fn hearing() -> (impl Fn() -> Report, impl Fn(&Report) + Sync + Send + 'static) {
    let written: Arc<Mutex<Report>> = Arc::default();
    let heard = Arc::clone(&written);
    let so_far = move || written.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let hear = move |report: &Report| *heard.lock().unwrap_or_else(PoisonError::into_inner) = report.clone();
    (so_far, hear)
}

/// An error that ended papers on their way in, with what of them is in all the same.
fn with_what_is_in(e: ApiError, report: &Report) -> ApiError {
    if report.lines() == 0 {
        return e;
    }
    let message = format!("{}. That is of the rest: {}", e.message.trim_end_matches('.'), stopping::written(report));
    ApiError { message, detail: serde_json::to_value(report).ok(), ..e }
}

/// What the body is called where lines are told.
const BODY: &str = "the body";

/// One paper
///
/// It is named by its id, or by any form of an identifier: `2405.13729v2`, `arXiv:2405.13729 [cs.CL]`, a DOI in any case, an
/// address at arXiv, doi.org, a publisher, PubMed, Semantic Scholar, the ACL Anthology or OpenReview, `PMID:1`, `PMC1`,
/// `CorpusId:1`. An id as it was given always wins; a version that is named is taken where it is there, else the newest. The
/// answer has the id that the paper was given. It is the same wherever a call takes the id of a paper.
///
/// `versions` lists the other versions of the same work (same arXiv id or DOI, or same title and first author, unless they are
/// articles of different DOIs and years), the newest first; answers show only the newest of all.
#[utoipa::path(get, operation_id = "get_paper", path = "/v1/papers/{id}", tag = "papers",
    params(("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 200, body = PaperInFull), (status = 404, body = ErrorBody)))]
pub async fn get(State(app): State<App>, Id(id): Id, _: NoParams) -> Result<Response, ApiError> {
    app.answer(move |engine| engine.paper_in_full(&id)).await
}

/// Take a paper away
///
/// It is in no later answer. It is named by its id, or by an identifier that no second paper has (naming a version means that
/// version alone); an identifier of several papers is 422 and lists them.
#[utoipa::path(delete, operation_id = "delete_paper", path = "/v1/papers/{id}", tag = "papers",
    params(("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(State(app): State<App>, Id(id): Id, _: NoParams) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.delete(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The daily list
///
/// Papers by the day they were listed (else dated), newest first unless `sort` says otherwise.
#[utoipa::path(get, operation_id = "list_papers", path = "/v1/papers", tag = "papers",
    params(("date" = Option<String>, Query, description = "only this day (or month, or year)"),
           ("sort" = Option<String>, Query, description = "`date` (default), `upvotes` or `trending`"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers a page, 1 to 500, default 50"),
           ("cursor" = Option<String>, Query, description = "`meta.next` of the page before")),
    responses((status = 200, body = PaperList)))]
pub async fn list(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    let listing = Listing {
        days: take("date").date()?.map(|date| date.days()),
        sort: take("sort").word()?.unwrap_or_default(),
        limit: take("limit").whole()?.unwrap_or(50),
        cursor: take("cursor").word()?,
    };
    given.nothing_else()?;
    app.papers(move |engine| {
        let page = engine.list(&listing)?;
        Ok(PaperList { papers: page.items, meta: PageMeta { total: page.total, next: page.next } })
    })
    .await
}
