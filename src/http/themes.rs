//! What the corpus is about: themes, their papers, the map, themes of a selection.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::Instrument;
use utoipa::ToSchema;

use super::App;
use super::answer::Written;
use super::call::Call;
use super::error::{ApiError, ErrorBody, NotYet};
use super::extract::{Fields, Id, Params};
use super::fresh::Has;
use super::request_fields::{RequestFields, ids};
use crate::engine::{
    Engine, MapColumns, MapOptions, MapPapers, MapPoints, OneTheme, PaperOrder, Selection, SelectionThemes,
    ThemeEvents, ThemeList, ThemeMap, ThemeOptions, ThemeOrder, ThemesOptions, ThemesRun,
};
use crate::error::Result;
use crate::jobs::{THEMES, themes_numbers};
use crate::paper::{Filter, Row};

/// Hits grouped for a query when nothing is said.
const HITS: usize = 300;

/// Themes
///
/// What the corpus is about, at three levels that nest: 0 is the coarsest, 2 the finest. Without `level` all themes are
/// given. They are found in the papers (communities of the nearest-neighbour graph), not set by anybody. The job `themes`
/// lets new papers join within seconds and makes the themes anew in the background when a tenth of the papers is new; ids
/// and names carry on where enough papers stay together. Of the versions of one work only the newest counts.
///
/// Nobody's question makes anything: it waits up to two seconds for papers that are just joining, and then is answered from
/// the last themes (`meta` says from which run, when that was, and how many papers came or went since). Before the first run
/// is done the answer is 202: ask again after `Retry-After` seconds.
///
/// With `about` as many themes as wanted, or nearly so, each paper in exactly one of them: of all cuts through the tree
/// with so many themes the one whose themes are most even in size, so that a large field may be shown by its parts and
/// a small one whole. Below the number of the coarsest themes these are put together, those that are closest first;
/// such a theme has the ids of its parts (`t1-t4`), which are its `children`, and can be asked for by it like any
/// other. There are at most as many as on level 2. `size` counts the papers that belong to a theme, `nearby` those that
/// belong to none and are nearest to it.
#[utoipa::path(get, operation_id = "list_themes", path = "/v1/themes", tag = "themes",
    params(("level" = Option<u32>, Query, minimum = 0, maximum = 2, description = "only this level; 0 is the coarsest"),
           ("about" = Option<u32>, Query, minimum = 1, maximum = 10_000, description = "about so many themes, each paper in one of them; not with `level`"),
           ("sort" = Option<String>, Query, description = "`size` (default) or `trend`: within a level the surest to rise first"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "themes wanted; all without it"),
           ("offset" = Option<u64>, Query, description = "themes to pass over first")),
    responses((status = 200, body = ThemeList),
              (status = 202, body = NotYet, description = "the themes are being made for the first time"),
              (status = 409, body = ErrorBody, description = "there are none yet, and the job `themes` is off")))]
pub async fn list(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    let ask = ThemesOptions {
        level: take("level").whole()?,
        about: take("about").whole()?,
        order: take("sort").word::<ThemeOrder>()?.unwrap_or_default(),
        limit: take("limit").whole()?,
        offset: take("offset").whole()?.unwrap_or(0),
    };
    given.nothing_else()?;
    app.themes_settled().await;
    app.answer(move |engine| engine.themes(&ask)).await.map_err(|e| app.themes_missing(e))
}

/// One theme
///
/// With a page of its papers: `central` (closest to its middle), `newest` or `most_read`, or with `q` those closest to
/// a phrase. With its subthemes, the themes like it, and what happened to it.
#[utoipa::path(get, operation_id = "get_theme", path = "/v1/themes/{id}", tag = "themes",
    params(("id" = String, Path, description = "the theme's id, for example `t12`, or of themes put together (`about`) `t1-t4`"),
           ("sort" = Option<String>, Query, description = "`central` (default), `newest` or `most_read`"),
           ("q" = Option<String>, Query, description = "search for this within the theme"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers wanted, 1 to 500, default 10"),
           ("offset" = Option<u64>, Query, description = "papers to pass over first"),
           ("from" = Option<String>, Query, description = "papers of this date or later"),
           ("to" = Option<String>, Query, description = "papers of this date or earlier"),
           ("category" = Option<Vec<String>>, Query, max_items = 1_000, description = "papers in any of these categories (repeat the parameter)"),
           ("author" = Option<Vec<String>>, Query, max_items = 1_000, description = "papers by any of these authors, by full name (repeat the parameter)"),
           ("source" = Option<Vec<String>>, Query, max_items = 1_000, description = "papers that any of these sources told of (repeat the parameter)"),
           ("theme" = Option<Vec<String>>, Query, max_items = 50, description = "papers that belong to any of these themes as well (repeat the parameter)"),
           ("exclude" = Option<Vec<String>>, Query, max_items = 10_000, description = "none of these papers, by id (repeat the parameter)")),
    responses((status = 200, body = OneTheme),
              (status = 202, body = NotYet, description = "the themes are being made for the first time"),
              (status = 404, body = ErrorBody),
              (status = 409, body = ErrorBody, description = "there are none yet, and the job `themes` is off")))]
pub async fn get(State(app): State<App>, Id(id): Id, Params(mut given): Params) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    let default = ThemeOptions::default();
    let ask = ThemeOptions {
        order: take("sort").word::<PaperOrder>()?.unwrap_or_default(),
        q: take("q").word()?,
        limit: take("limit").whole()?.unwrap_or(default.limit),
        offset: take("offset").whole()?.unwrap_or(0),
        filter: given.filter()?,
    };
    given.nothing_else()?;
    app.themes_settled().await;
    app.papers(move |engine| engine.theme(&id, &ask)).await.map_err(|e| app.themes_missing(e))
}

/// What happened to the themes
///
/// From run to run themes are born, grow, shrink, split, are merged and die. Newest first.
#[utoipa::path(get, operation_id = "theme_events", path = "/v1/themes/events", tag = "themes",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "events wanted, 1 to 500, default 100")),
    responses((status = 200, body = ThemeEvents)))]
pub async fn events(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let limit = given.take("limit").whole()?.unwrap_or(100);
    given.nothing_else()?;
    app.answer(move |engine| engine.theme_events(limit)).await
}

/// The map
///
/// Every paper has a place on a plane, near its neighbours; the same place from day to day. `points` holds arrays of
/// one length, `themes` all themes with their outlines, `labels` names that do not cover each other at this zoom. With
/// `zoom` only an even sample of the papers that suits it is given (all from zoom 6 on, and without it).
///
/// With `format=binary`, or `Accept: application/octet-stream`, all of it comes in one piece, as columns of numbers behind a JSON
/// object with themes and categories: 4 MB for 176,730 papers. Nothing else may be asked for with it. It has an `ETag`. The layout is in
/// `docs/themes.md`; `GET /v1/themes/map/papers` tells which papers its points are.
#[utoipa::path(get, operation_id = "theme_map", path = "/v1/themes/map", tag = "themes",
    params(("zoom" = Option<u32>, Query, minimum = 0, maximum = 6, description = "a sample for this zoom; at each one more the map is twice as wide"),
           ("left" = Option<f32>, Query, description = "only papers right of this; give all four sides or none"),
           ("bottom" = Option<f32>, Query, description = "only papers above this"),
           ("right" = Option<f32>, Query, description = "only papers left of this"),
           ("top" = Option<f32>, Query, description = "only papers below this"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 50_000, description = "papers a page, 1 to 50,000, default 10,000"),
           ("offset" = Option<u64>, Query, description = "`meta.next` of the page before"),
           ("titles" = Option<bool>, Query, description = "titles with the papers"),
           ("format" = Option<String>, Query, description = "`json` (default) or `binary`")),
    responses((status = 200, content((ThemeMap = "application/json"), (String = "application/octet-stream"))),
              (status = 304, description = "the client has it, by `If-None-Match`"),
              (status = 202, body = NotYet, description = "the themes are being made for the first time"),
              (status = 409, body = ErrorBody, description = "there are none yet, and the job `themes` is off")))]
pub async fn map(State(app): State<App>, headers: HeaderMap, given: Params) -> Response {
    let mut response = either_map(&app, &headers, given).await.unwrap_or_else(IntoResponse::into_response);
    // Also of what is no map: it was one for another that asked.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}

async fn either_map(app: &App, headers: &HeaderMap, Params(mut given): Params) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    if is_binary(take("format").word()?, headers) {
        given.nothing_else()?;
        return whole_map(app, headers).await;
    }
    let sides = [take("left").number()?, take("bottom").number()?, take("right").number()?, take("top").number()?];
    let region = match sides {
        [Some(left), Some(bottom), Some(right), Some(top)] => Some([left, bottom, right, top]),
        [None, None, None, None] => None,
        _ => return Err(ApiError::bad_request("give all of left, bottom, right and top, or none of them")),
    };
    let default = MapOptions::default();
    let ask = MapOptions {
        region,
        zoom: take("zoom").whole()?,
        limit: take("limit").whole()?.unwrap_or(default.limit),
        offset: take("offset").whole()?.unwrap_or(0),
        titles: take("titles").truth()?.unwrap_or(false),
    };
    given.nothing_else()?;
    app.themes_settled().await;
    app.answer(move |engine| engine.themes_map(&ask)).await.map_err(|e| app.themes_missing(e))
}

/// How the map comes.
#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MapForm {
    Json,
    Binary,
}

/// Whether the map is wanted as columns of numbers: by `format`, else where `Accept` names these and no JSON.
fn is_binary(form: Option<MapForm>, headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT);
    let named = |kind: &str| accepted.iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(kind));
    form.map_or_else(|| named("application/octet-stream") && !named("json"), |form| form == MapForm::Binary)
}

/// The bytes of a map, without a copy of them.
struct OfMap(Arc<MapColumns>, fn(&MapColumns) -> &[u8]);

impl AsRef<[u8]> for OfMap {
    fn as_ref(&self) -> &[u8] {
        (self.1)(&self.0)
    }
}

async fn whole_map(app: &App, headers: &HeaderMap) -> Result<Response, ApiError> {
    app.themes_settled().await;
    let (has, lease, gzip) = (Has::of(headers), app.answers.lease(), Call::gzip());
    let made = app.blocking(move |engine| {
        let columns = engine.map_columns()?;
        let tag = columns.tag().to_string();
        let written = (!has.tagged(&tag)).then(|| match gzip {
            true => Written::packed_bytes(Bytes::from_owner(OfMap(columns, MapColumns::packed)), lease),
            false => Written::bytes(Bytes::from_owner(OfMap(columns, MapColumns::bytes)), false, lease),
        });
        Ok((tag, written))
    });
    let (tag, written) = made.await.map_err(|e| app.themes_missing(e))?;
    let mut response = match written {
        Some(written) => written.map_err(|full| app.no_room(full))?.respond("application/octet-stream"),
        None => (StatusCode::NOT_MODIFIED, [(header::VARY, "accept-encoding")]).into_response(),
    };
    let answered = response.headers_mut();
    // Weak: packed and unpacked it is the same.
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{tag}\"")) {
        answered.insert(header::ETAG, tag);
    }
    answered.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// Papers of the map
///
/// Which papers points of the map are: by their numbers (`row`, repeated, at most 1,000 of them), by their ids (`id`,
/// likewise), or those closest to a phrase (`q`). Titles are without LaTeX and markup. Papers that are gone, or that have no
/// place on the map yet, are left out.
#[utoipa::path(get, operation_id = "theme_map_papers", path = "/v1/themes/map/papers", tag = "themes",
    params(("row" = Option<Vec<u32>>, Query, max_items = 1_000, description = "papers by their numbers in the binary map (repeat the parameter)"),
           ("id" = Option<Vec<String>>, Query, max_items = 1_000, description = "papers by their ids (repeat the parameter); not with `row`"),
           ("q" = Option<String>, Query, description = "papers closest to this; not with `row` or `id`"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 5_000, description = "papers wanted with `q`, 1 to 5,000, default 300")),
    responses((status = 200, body = MapPapers),
              (status = 202, body = NotYet, description = "the themes are being made for the first time"),
              (status = 409, body = ErrorBody, description = "there are none yet, and the job `themes` is off")))]
pub async fn map_papers(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let rows = given.take("row").texts()?;
    let named = given.take("id").texts()?;
    let q: Option<String> = given.take("q").word()?;
    let limit = given.take("limit").whole()?;
    given.nothing_else()?;
    let points = match q {
        Some(q) if rows.is_empty() && named.is_empty() => MapPoints::Found(q, limit.unwrap_or(HITS)),
        None if limit.is_none() && rows.is_empty() && !named.is_empty() => MapPoints::Ids(ids(named)?),
        None if limit.is_none() && !rows.is_empty() && named.is_empty() => {
            let row = |text: &String| text.trim().parse().map(Row);
            let wrong = |_| ApiError::bad_request("row must be the number of a paper on the map");
            MapPoints::Rows(rows.iter().map(row).collect::<Result<_, _>>().map_err(wrong)?)
        }
        _ => return Err(ApiError::bad_request("give `row`, `id`, or `q` and, if you like, `limit`")),
    };
    app.themes_settled().await;
    app.answer(move |engine| engine.map_papers(&points)).await.map_err(|e| app.themes_missing(e))
}

/// Which papers to group: a list, a user's history, a query, a filter, or all of these.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfBody {
    /// These papers, by id.
    #[schema(max_items = 5_000)]
    papers: Option<Vec<String>>,
    /// What this user viewed, opened, kept or liked, and did not turn down later.
    user: Option<String>,
    /// The best hits for this phrase.
    q: Option<String>,
    /// How many hits for the phrase: 1 to 5,000, default 300.
    #[schema(minimum = 1, maximum = 5000)]
    limit: Option<usize>,
    /// The papers that this allows: `from`, `to`, `category`, `author`, `source`, `theme`, `exclude`. With a phrase: among which to
    /// search.
    #[schema(value_type = Option<Object>)]
    filter: Option<Map<String, Value>>,
}

/// Themes of a selection
///
/// Groups just these papers, at most 5,000: a list of ids, a user's history, the papers a filter allows, or the best
/// hits for a phrase. Ids of the themes hold within the answer only.
#[utoipa::path(post, operation_id = "themes_of_selection", path = "/v1/themes/of", tag = "themes", request_body = OfBody,
    responses((status = 200, body = SelectionThemes), (status = 404, body = ErrorBody)))]
pub async fn of(State(app): State<App>, Fields(given): Fields) -> Result<Response, ApiError> {
    let body: OfBody = given.rest()?;
    let selection = Selection {
        papers: ids(body.papers.unwrap_or_default())?,
        user: body.user,
        q: body.q,
        hits: body.limit.unwrap_or(HITS),
        filter: body.filter.map(filter).transpose()?,
    };
    app.answer(move |engine| engine.themes_of(&selection)).await
}

fn filter(fields: Map<String, Value>) -> Result<Filter, ApiError> {
    let mut given = RequestFields(fields);
    let filter = given.filter()?;
    given.nothing_else()?;
    Ok(filter)
}

/// A run that goes on in the background.
#[derive(Serialize, ToSchema)]
pub struct Running {
    /// True.
    running: bool,
    /// The job under whose lock it goes on; `GET /v1/jobs/{job}` tells how it stands.
    job: &'static str,
}

/// Make the themes anew
///
/// Groups, names and lays out all papers now; the service does so by itself when enough is new. Ids and names carry on.
/// Answers 202 when it takes longer than a request may; it goes on then, and a second call meanwhile is 409. The body is an empty JSON object, so that no page of another site can ask for it.
#[utoipa::path(post, operation_id = "rebuild_themes", path = "/v1/themes/rebuild", tag = "themes",
    params(("afresh" = Option<bool>, Query, description = "forget the themes that were there, with their ids and places")),
    request_body(content = Object, description = "`{}`, or with `afresh`"),
    responses((status = 200, body = ThemesRun), (status = 202, body = Running),
              (status = 409, body = ErrorBody)))]
pub async fn rebuild(State(app): State<App>, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let afresh = given.take("afresh").truth()?.unwrap_or(false);
    given.nothing_else()?;
    let under_way = || ApiError::new(StatusCode::CONFLICT, "the themes are being made anew already");
    let (place, runner) = (app.rebuilding.enter().ok_or_else(under_way)?, app.runner()?);
    let patience = Duration::from_secs(app.tuning.timeout_s) / 2;
    // A task of its own: the run is for all, and goes on. Where papers are just joining it waits for that.
    let work = move |engine: &Engine| {
        runner.run_here(THEMES, patience, || {
            let kept = engine.rebuild_themes(afresh)?;
            let numbers = themes_numbers(&kept);
            Ok((kept.run, numbers))
        })
    };
    let run = tokio::spawn(async move { app.aside(place, work).await }.in_current_span());
    match tokio::time::timeout(patience, run).await {
        Ok(Ok(done)) => Ok(Json(done?.flatten().ok_or_else(under_way)?).into_response()),
        Ok(Err(_)) => Err(ApiError::internal()),
        Err(_) => Ok((StatusCode::ACCEPTED, Json(Running { running: true, job: THEMES })).into_response()),
    }
}
