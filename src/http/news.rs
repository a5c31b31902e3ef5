//! Feeds for news readers: a user's own, opened by a secret in the address, the daily list, a search and a theme. An answer
//! that the reader has already is 304.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::App;
use super::access::{self, Reader};
use super::base::Base;
use super::channel::{Channel, Form};
use super::error::{ApiError, ErrorBody};
use super::extract::{Id, NoParams, Params};
use super::feed::{FeedParameters, take_feed};
use super::fresh::{Answered, Has};
use super::request_fields::{Ranking, RequestFields};
use crate::config::AuthMode;
use crate::engine::Listing;
use crate::engine::{Engine, Mark, PaperOrder, Since, ThemeOptions};
use crate::error::Result;
use crate::paper::percent::encoded;
use crate::paper::{Paper, head};
use crate::user::Follow;

/// Days up to today (the newest of the corpus that is not ahead of the clock) that a news reader is shown: its address stays the same, so it cannot name one.
const DAYS: i32 = 14;

/// Papers in a feed where nothing is said.
const PAPERS: usize = 30;

/// What opens a user's feed to a news reader.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// The secret.
    token: String,
    /// Where the Atom feed is, from the root of the service.
    atom: String,
    /// Where the JSON feed is.
    json: String,
    /// The whole address of the Atom feed: by the setting `public_url`, else as this request was sent.
    #[schema(format = "uri")]
    atom_url: String,
    /// The whole address of the JSON feed.
    #[schema(format = "uri")]
    json_url: String,
}

/// The secret of a user's feed
///
/// Made by the first call, the same afterwards. Whoever has one of the addresses can read the feed.
#[utoipa::path(post, operation_id = "feed_token", path = "/v1/users/{user}/token", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = Token), (status = 404, body = ErrorBody)))]
pub async fn token(
    State(app): State<App>,
    reader: Reader,
    Base(base): Base,
    _: NoParams,
) -> Result<Json<Token>, ApiError> {
    let user = reader.name().to_string();
    let token = app.blocking(move |engine| engine.feed_token(reader.name())).await?;
    let at = |form: &str| format!("/v1/users/{}/feed.{form}?token={token}", encoded(&user));
    let (atom, json) = (at("atom"), at("json"));
    let (atom_url, json_url) = (format!("{base}{atom}"), format!("{base}{json}"));
    Ok(Json(Token { token, atom, json, atom_url, json_url }))
}

/// Take the secret of a user's feed back
///
/// The addresses with it stop at once. The next `POST` makes another; until then no address opens the feed.
#[utoipa::path(delete, operation_id = "revoke_feed_token", path = "/v1/users/{user}/token", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn revoke_token(State(app): State<App>, reader: Reader, _: NoParams) -> Result<StatusCode, ApiError> {
    app.blocking(move |engine| engine.revoke_feed_token(reader.name())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What every feed needs to know of its request.
pub struct FeedRequest {
    base: Base,
    uri: Uri,
    has: Has,
    /// Who sends it.
    client: Option<IpAddr>,
}

impl FromRequestParts<App> for FeedRequest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let base = Base::from_request_parts(parts, app).await?;
        let headers: &HeaderMap = &parts.headers;
        let client = app.rules.clients.address(&parts.extensions, headers);
        Ok(FeedRequest { base, uri: parts.uri.clone(), has: Has::of(headers), client })
    }
}

impl FeedRequest {
    /// The feed of this request.
    fn channel(&self, id: String, title: String, page: String) -> Channel {
        let own = self.uri.path_and_query().map_or_else(|| self.uri.path().to_string(), ToString::to_string);
        Channel { id, title, base: self.base.0.clone(), own, page }
    }

    /// The same request is the same question, at the address that it came to.
    fn question(&self) -> String {
        format!("{} {}", self.base.0, self.uri)
    }
}

/// Answers with a feed: `mark` says what it depends on, and that it may be read at all (else it is none); `papers` finds what
/// is in it.
async fn feed<R>(
    app: &App,
    form: Form,
    asked: FeedRequest,
    channel: Channel,
    mark: impl FnOnce(&Engine) -> Result<Depends<R>> + Send + 'static,
    papers: impl FnOnce(&Engine, R) -> Result<Vec<Paper>> + Send + 'static,
) -> Result<Response, ApiError> {
    let fresh = std::sync::Arc::clone(&app.fresh);
    let client = asked.client;
    let answered: Result<Option<Answered>, ApiError> = app
        .blocking(move |engine| {
            let (mark, reader) = match mark(engine)? {
                Depends::On(mark, reader) => (Some(mark), reader),
                Depends::OnMore(reader) => (None, reader),
                Depends::Closed => return Ok(None),
            };
            let make = || {
                let papers = papers(engine, reader)?;
                channel.write(form, &papers)
            };
            fresh.answer(&asked.question(), mark, &asked.has, make).map(Some)
        })
        .await;
    match answered {
        Ok(Some(answered)) => Ok(answered.respond(form.media_type())),
        Ok(None) => Err(access::guessed_by(app, client, wrong_token)),
        Err(e) => Err(e),
    }
}

fn wrong_token() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "the token is not the one of this feed")
}

/// What a feed depends on, and whose it is.
enum Depends<R> {
    /// On what this says.
    On(Mark, R),
    /// On more than can be told: it has to be made.
    OnMore(R),
    /// It is not for whoever asks.
    Closed,
}

/// The feed as Atom
///
/// Papers of the newest fourteen days where none of `date`, `since`, `from` and `to` is given, 30 unless `limit` says
/// otherwise. With `ETag` and `Last-Modified`: asked again with `If-None-Match` or `If-Modified-Since` it is 304 while
/// nothing has changed. After twenty wrong tokens an address has one more every half minute; what is beyond is 429.
#[utoipa::path(get, operation_id = "feed_atom", path = "/v1/users/{user}/feed.atom", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("token" = String, Query, description = "the secret of the feed"), FeedParameters, Ranking),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304),
              (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn user_atom(
    State(app): State<App>,
    Id(name): Id,
    asked: FeedRequest,
    Params(given): Params,
) -> Result<Response, ApiError> {
    of_user(&app, Form::Atom, name, asked, given).await
}

/// The feed as JSON Feed
///
/// Papers of the newest fourteen days where none of `date`, `since`, `from` and `to` is given, 30 unless `limit` says
/// otherwise. With `ETag` and `Last-Modified`: asked again with `If-None-Match` or `If-Modified-Since` it is 304 while
/// nothing has changed. After twenty wrong tokens an address has one more every half minute; what is beyond is 429.
#[utoipa::path(get, operation_id = "feed_json", path = "/v1/users/{user}/feed.json", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("token" = String, Query, description = "the secret of the feed"), FeedParameters, Ranking),
    responses((status = 200, content_type = "application/feed+json", body = Object), (status = 304),
              (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn user_json(
    State(app): State<App>,
    Id(name): Id,
    asked: FeedRequest,
    Params(given): Params,
) -> Result<Response, ApiError> {
    of_user(&app, Form::Json, name, asked, given).await
}

/// The feed of a user, if the secret is theirs.
async fn of_user(
    app: &App,
    form: Form,
    name: String,
    asked: FeedRequest,
    mut given: RequestFields,
) -> Result<Response, ApiError> {
    let token = token_of(&mut given)?;
    given.0.entry("limit").or_insert_with(|| PAPERS.into());
    let mut feed_ask = take_feed(&mut given)?;
    given.nothing_else()?;
    let (id, title) = (format!("urn:paperkin:feed:{}", encoded(&name)), format!("Papers for {name}"));
    let channel = asked.channel(id, title, "/for-you".into());
    let mark = move |engine: &Engine| match Reader::of_feed(engine, &name, &token)? {
        Some(reader) => Ok(Depends::On(engine.feed_mark(reader.name())?, reader)),
        None => Ok(Depends::Closed),
    };
    let client = asked.client;
    let answered = feed(app, form, asked, channel, mark, move |engine, reader| {
        let filter = &feed_ask.ask.filter;
        let whole = feed_ask.since == Since::Ever && filter.from.is_none() && filter.to.is_none();
        if whole {
            feed_ask.since = engine.newest_days(DAYS)?;
        }
        Ok(engine.feed(reader.name(), &feed_ask)?.papers.into_iter().map(|hit| hit.paper).collect())
    })
    .await;
    unless_guessed(app, client, answered)
}

/// Names are guessed as tokens are. Where readers are for themselves nobody hears who there is.
fn unless_guessed(
    app: &App,
    client: Option<IpAddr>,
    answered: Result<Response, ApiError>,
) -> Result<Response, ApiError> {
    match answered {
        Err(e) if e.status == StatusCode::NOT_FOUND => {
            Err(access::guessed_by(app, client, || match app.rules.auth.mode {
                AuthMode::Open => e,
                AuthMode::Keys => wrong_token(),
            }))
        }
        answered => answered,
    }
}

/// A saved search as Atom
///
/// The newest papers of what a user follows, 30 unless `limit` says otherwise: of a search those of its 500 best matches, of a name
/// (author, category, organization, theme) of all that have it. It is opened by the token of the user's own feed. Conditional
/// requests are answered as those for that. With the right token, a saved search that is gone is 404.
#[utoipa::path(get, operation_id = "search_feed_atom", path = "/v1/users/{user}/searches/{id}/feed.atom", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the saved search"),
           ("token" = String, Query, description = "the secret of the user's feed"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers, 1 to 500, default 30")),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304),
              (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn search_atom_of_user(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    asked: FeedRequest,
    Params(given): Params,
) -> Result<Response, ApiError> {
    of_search(&app, Form::Atom, (name, id), asked, given).await
}

/// A saved search as JSON Feed
///
/// The newest papers of what a user follows, 30 unless `limit` says otherwise: of a search those of its 500 best matches, of a name
/// (author, category, organization, theme) of all that have it. It is opened by the token of the user's own feed. Conditional
/// requests are answered as those for that. With the right token, a saved search that is gone is 404.
#[utoipa::path(get, operation_id = "search_feed_json", path = "/v1/users/{user}/searches/{id}/feed.json", tag = "users",
    params(("user" = String, Path, description = "the user's name"), ("id" = String, Path, description = "the saved search"),
           ("token" = String, Query, description = "the secret of the user's feed"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers, 1 to 500, default 30")),
    responses((status = 200, content_type = "application/feed+json", body = Object), (status = 304),
              (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn search_json_of_user(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    asked: FeedRequest,
    Params(given): Params,
) -> Result<Response, ApiError> {
    of_search(&app, Form::Json, (name, id), asked, given).await
}

/// The newest papers of what a user follows, if the secret is theirs.
async fn of_search(
    app: &App,
    form: Form,
    (name, id): (String, String),
    asked: FeedRequest,
    mut given: RequestFields,
) -> Result<Response, ApiError> {
    let token = token_of(&mut given)?;
    let limit = given.take("limit").whole()?.unwrap_or(PAPERS);
    given.nothing_else()?;
    let client = asked.client;
    // Its name is part of the feed.
    let (user, search) = (name.clone(), id.clone());
    let known = app
        .blocking(move |engine| {
            let opened = Reader::of_feed(engine, &user, &token)?;
            // Whoever has the token guesses nothing: what is not there is not there.
            Ok(opened.map(|reader| (engine.saved_search(reader.name(), &search), reader)))
        })
        .await;
    let (search, reader) = match known {
        Ok(Some((search, reader))) => (search?, reader),
        Ok(None) => return Err(access::guessed_by(app, client, wrong_token)),
        Err(e) => return unless_guessed(app, client, Err(e)),
    };
    let urn = format!("urn:paperkin:search:{}:{}", encoded(&name), search.id);
    let channel = asked.channel(urn, search.name.clone(), "/for-you".into());
    // A theme takes papers in when nothing else changes.
    let changes = matches!(search.what, Follow::Theme(_));
    let mark = move |engine: &Engine| match changes {
        true => Ok(Depends::OnMore(reader)),
        false => Ok(Depends::On(engine.feed_mark(reader.name())?, reader)),
    };
    feed(app, form, asked, channel, mark, move |engine, reader| engine.search_news(reader.name(), &search.id, limit))
        .await
}

/// The token in an address.
fn token_of(given: &mut RequestFields) -> Result<String, ApiError> {
    match given.take("token").value {
        Some(Value::String(token)) => Ok(token),
        _ => Err(ApiError::new(StatusCode::UNAUTHORIZED, "the address lacks the token of the feed")),
    }
}

/// The daily list as Atom
///
/// Papers by the day they were listed (else dated), newest first, 30 unless `limit` says otherwise. Conditional requests
/// are answered as those for a user's feed.
#[utoipa::path(get, path = "/v1/feed.atom", tag = "papers",
    params(("date" = Option<String>, Query, description = "only this day (or month, or year)"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers, 1 to 500, default 30")),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304)))]
pub async fn daily_atom(
    State(app): State<App>,
    asked: FeedRequest,
    Params(given): Params,
) -> Result<Response, ApiError> {
    daily(&app, Form::Atom, asked, given).await
}

/// The daily list as JSON Feed
///
/// Papers by the day they were listed (else dated), newest first, 30 unless `limit` says otherwise. Conditional requests
/// are answered as those for a user's feed.
#[utoipa::path(get, path = "/v1/feed.json", tag = "papers",
    params(("date" = Option<String>, Query, description = "only this day (or month, or year)"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers, 1 to 500, default 30")),
    responses((status = 200, content_type = "application/feed+json", body = Object), (status = 304)))]
pub async fn daily_json(
    State(app): State<App>,
    asked: FeedRequest,
    Params(given): Params,
) -> Result<Response, ApiError> {
    daily(&app, Form::Json, asked, given).await
}

async fn daily(app: &App, form: Form, asked: FeedRequest, mut given: RequestFields) -> Result<Response, ApiError> {
    let date = given.take("date").date()?;
    let limit = given.take("limit").whole()?.unwrap_or(PAPERS);
    given.nothing_else()?;
    let of_day = date.as_ref().map_or_else(String::new, |date| format!(" of {date}"));
    let page = date.as_ref().map_or_else(|| "/".to_string(), |date| format!("/?date={date}"));
    let id = format!("urn:paperkin:daily{}", date.as_ref().map_or_else(String::new, |date| format!(":{date}")));
    let channel = asked.channel(id, format!("Papers{of_day}"), page);
    let listing = Listing { days: date.map(|date| date.days()), limit, ..Listing::default() };
    feed(app, form, asked, channel, corpus, move |engine, ()| Ok(engine.list(&listing)?.items)).await
}

/// A search as Atom
///
/// The hits of `/v1/search`, best first; 30 unless `limit` says otherwise. Conditional requests are answered as those for a
/// user's feed.
#[utoipa::path(get, path = "/v1/search.atom", tag = "search",
    params(("q" = String, Query, min_length = 1, description = "a phrase or a pasted abstract"), Ranking),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304)))]
pub async fn search_atom(
    State(app): State<App>,
    asked: FeedRequest,
    Params(mut given): Params,
) -> Result<Response, ApiError> {
    let query: String = given.take("q").word()?.unwrap_or_default();
    given.0.entry("limit").or_insert_with(|| PAPERS.into());
    let ask = given.ask()?;
    given.nothing_else()?;
    let page = format!("/search?q={}", encoded(&query));
    let id = format!("urn:paperkin:search:{}", encoded(&query));
    let channel = asked.channel(id, format!("Papers for “{}”", head(&query, 80)), page);
    feed(&app, Form::Atom, asked, channel, corpus, move |engine, ()| {
        Ok(engine.search(&query, &ask)?.papers.into_iter().map(|hit| hit.paper).collect())
    })
    .await
}

/// A theme as Atom
///
/// The newest papers of a theme, 30 unless `limit` says otherwise. Conditional requests are answered as those for a user's
/// feed.
#[utoipa::path(get, path = "/v1/themes/{id}/feed.atom", tag = "themes",
    params(("id" = String, Path, description = "the theme's id, for example `t12`"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers, 1 to 500, default 30")),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304),
              (status = 404, body = ErrorBody),
              (status = 409, body = ErrorBody, description = "there are none yet, and the job `themes` is off"),
              (status = 503, body = ErrorBody, description = "the themes are being made for the first time, or too much is waiting")))]
pub async fn theme_atom(
    State(app): State<App>,
    Id(id): Id,
    asked: FeedRequest,
    Params(mut given): Params,
) -> Result<Response, ApiError> {
    let limit = given.take("limit").whole()?.unwrap_or(PAPERS);
    given.nothing_else()?;
    let ask = ThemeOptions { order: PaperOrder::Newest, limit, ..ThemeOptions::default() };
    let theme = id.clone();
    // The name is part of the feed, and a run may change it.
    app.themes_settled().await;
    let known = app.blocking(move |engine| engine.theme(&theme, &ThemeOptions::default())).await;
    // What reads feeds knows what 503 is, and takes whatever comes with 202 for the feed.
    let later = |e: ApiError| match app.themes_missing(e) {
        e if e.status == StatusCode::ACCEPTED => ApiError::overloaded(&e.message),
        e => e,
    };
    let name = known.map_err(later)?.theme.name;
    let channel =
        asked.channel(format!("urn:paperkin:theme:{}", encoded(&id)), name, format!("/theme/{}", encoded(&id)));
    let mark = |_: &Engine| Ok(Depends::OnMore(()));
    feed(&app, Form::Atom, asked, channel, mark, move |engine, ()| {
        Ok(engine.theme(&id, &ask)?.papers.into_iter().map(|hit| hit.paper).collect())
    })
    .await
}

fn corpus(engine: &Engine) -> Result<Depends<()>> {
    Ok(Depends::On(engine.corpus_mark()?, ()))
}
