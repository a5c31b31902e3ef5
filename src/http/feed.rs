//! What is ranked for a user: the feed, candidates, questions; and what everybody reads.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::access::Reader;
use super::error::{ApiError, ErrorBody, NotYet};
use super::extract::{Fields, Params};
use super::request_fields::{Ranking, RequestFields, ids};
use super::users::{EventBody, events};
use crate::engine::{Answer, Feed, QuestionsOptions, Since};
use crate::error::Error;
use crate::user::Moment;

/// Takes what a feed is asked by out of the fields of a request.
pub fn take_feed(given: &mut RequestFields) -> Result<Feed, ApiError> {
    let said = given.0.get("diversity").is_some_and(|v| !v.is_null());
    let mut take = |name| given.take(name);
    let date = take("date").date()?;
    let since: Option<String> = take("since").word()?;
    let (per_author, exploration) = (take("per_author").whole()?, take("exploration").number()?);
    let since = match (date, since) {
        (Some(_), Some(_)) => return Err(Error::Invalid("give `date` or `since`, not both".into()).into()),
        (Some(date), None) => Since::Date(date),
        (None, Some(text)) => Since::Moment(Moment::parse(&text)?),
        (None, None) => Since::Ever,
    };
    let ask = given.ask()?;
    let diversity = said.then_some(ask.diversity);
    Ok(Feed { ask, diversity, since, per_author, exploration, ..Feed::default() })
}

/// What a feed takes besides the parameters of a ranking call; in a body, fields of the same names.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`take_feed`] reads them.
pub struct FeedParameters {
    /// Only papers listed (else dated) on this day, or in this month or year.
    date: Option<String>,
    /// Only papers listed (else dated) on the day of this moment or later: RFC 3339 or a date. Not with `date`.
    since: Option<String>,
    /// At most so many papers of one author; 3 where the user did not set it.
    #[param(minimum = 1)]
    #[schema(minimum = 1)]
    per_author: Option<u64>,
    /// The share outside the interests, of places that interests fill; 0.05 where the user did not set it.
    #[param(minimum = 0, maximum = 0.5)]
    #[schema(minimum = 0, maximum = 0.5)]
    exploration: Option<f32>,
}

/// The personal feed
///
/// Papers for this user: candidates from each of their interests, which get their shares of the list; nothing they have
/// done anything with, nor another version of it, and nothing of what they muted. `score` is in standard deviations above a
/// paper at large (for somebody without a history, attention a day).
///
/// Hits with `for_you` are for this user, and come first, best first; interests get their shares of these places. With `date`
/// the line between them and the others is a score of 0.5, so that the day comes in the order of its scores; without, what is
/// squarely of a small interest and no worse than a paper at large stands above the line as well. Hits with `explore` lie
/// outside the interests on purpose; they have a score of 0.5 or more, and are no more than the share for exploration of the
/// places before them (one in twenty where nothing was set). When nothing more is for this user, the list is filled up with
/// the other papers, best first: `for_you` is false there. What may be of a muted interest is not among these either. Without
/// `date` and `since` the whole corpus is looked at, newer papers first, softly.
#[utoipa::path(get, operation_id = "get_feed", path = "/v1/users/{user}/feed", tag = "users",
    params(("user" = String, Path, description = "the user's name"), FeedParameters, Ranking),
    responses((status = 200, body = Answer), (status = 404, body = ErrorBody)))]
pub async fn get(State(app): State<App>, reader: Reader, Params(mut given): Params) -> Result<Response, ApiError> {
    let feed = take_feed(&mut given)?;
    given.nothing_else()?;
    app.papers(move |engine| engine.feed(reader.name(), &feed)).await
}

/// Events for a look ahead. Takes every parameter of the feed besides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    /// Taken as if they had happened, and not stored; at most 100,000.
    #[schema(max_items = 100_000)]
    #[serde(default)]
    events: Vec<EventBody>,
}

/// The feed as it would be
///
/// With some events more, which are not stored. The user need not exist.
#[utoipa::path(post, operation_id = "preview_feed", path = "/v1/users/{user}/feed/preview", tag = "users", request_body = PreviewBody,
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = Answer), (status = 404, body = ErrorBody)))]
pub async fn preview(State(app): State<App>, reader: Reader, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let mut feed = take_feed(&mut given)?;
    let body: PreviewBody = given.rest()?;
    feed.hypothetical_events = events(body.events)?;
    app.papers(move |engine| engine.feed(reader.name(), &feed)).await
}

/// Candidates to rank.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RankBody {
    /// 1 to 20,000 ids.
    #[schema(min_items = 1, max_items = 20_000)]
    candidates: Vec<String>,
    /// Whether each hit says why.
    #[serde(default)]
    explain: bool,
}

/// Rank papers for a user
///
/// All candidates come back, best first, those that the user has seen included; an answer may be 128 MB long.
#[utoipa::path(post, operation_id = "rank_for_user", path = "/v1/users/{user}/rank", tag = "users", request_body = RankBody,
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = Answer), (status = 404, body = ErrorBody)))]
pub async fn rank(State(app): State<App>, reader: Reader, Fields(given): Fields) -> Result<Response, ApiError> {
    let body: RankBody = given.rest()?;
    let candidates = ids(body.candidates)?;
    app.papers(move |engine| engine.rank_for(reader.name(), &candidates, &[], body.explain)).await
}

/// Papers to ask a user about
///
/// The paper whose answer tells most comes first (`score` is the information it is expected to give, in bits): answer
/// with `like` or `dislike` events, or pass over it with `passed`, and ask again. The next questions follow from the
/// answers; those behind the first in one list follow as if the ones before had not been liked. While nothing is known
/// they cover the corpus, where most papers and most attention are first; starting points (`topic`, `theme`, `author`,
/// `query`) bring them near what is meant, any of several (50 at most, of all kinds together). Nearly the same is never asked twice, nor anything the user
/// has said something of. The user need not exist: nothing is stored.
#[utoipa::path(get, operation_id = "list_questions", path = "/v1/users/{user}/questions", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("topic" = Option<Vec<String>>, Query, max_items = 50, description = "a topic in one's own words (repeat the parameter)"),
           ("theme" = Option<Vec<String>>, Query, max_items = 50, description = "a theme by id (repeat the parameter)"),
           ("author" = Option<Vec<String>>, Query, max_items = 50, description = "an author by full name (repeat the parameter)"),
           ("query" = Option<Vec<String>>, Query, max_items = 50, description = "a search that was saved, as it was typed (repeat the parameter)"),
           ("passed" = Option<Vec<String>>, Query, max_items = 1_000, description = "a paper that was passed over, by id (repeat the parameter)"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "papers wanted, default 10")),
    responses((status = 200, body = Answer),
              (status = 202, body = NotYet, description = "a theme is asked for, and the themes are being made for the first time"),
              (status = 404, body = ErrorBody, description = "a theme, author or paper that is not there"),
              (status = 409, body = ErrorBody, description = "a theme is asked for, there are none yet, and the job `themes` is off")))]
pub async fn questions(
    State(app): State<App>,
    reader: Reader,
    Params(mut given): Params,
) -> Result<Response, ApiError> {
    let mut take = |name| given.take(name);
    let mut topics = take("topic").texts()?;
    topics.extend(take("query").texts()?);
    let ask = QuestionsOptions {
        limit: take("limit").whole()?.unwrap_or(10),
        topics,
        themes: take("theme").texts()?,
        authors: take("author").texts()?,
        passed: ids(take("passed").texts()?)?,
    };
    given.nothing_else()?;
    if !ask.themes.is_empty() {
        app.themes_settled().await;
    }
    app.papers(move |engine| engine.questions(reader.name(), &ask)).await.map_err(|e| app.themes_missing(e))
}

/// Papers by recent attention
///
/// Votes, comments and what users did, halving every half window and drawn towards the mean by three days of it, so that one
/// early vote does not win. Days are counted back from the newest of the corpus that is not ahead of the clock; papers dated
/// ahead of it come when their day does.
///
/// Of users those count who have a history: ten events that came on five different days. What they did is told in batches of
/// twenty users and more, not before the day ends, and sampled: of the papers that each liked, saved or opened one in sixteen
/// counts, sixteenfold, and fewer than three such on a paper count as none. So nobody can be read from the list.
#[utoipa::path(get, operation_id = "trending_papers", path = "/v1/trending", tag = "papers",
    params(("window" = Option<String>, Query, pattern = "^[0-9]+[dhw]$", description = "`7d` (default), `24h`, `2w`; 1 hour to 3650 days"), Ranking),
    responses((status = 200, body = Answer)))]
pub async fn trending(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let window = match given.take("window").value {
        None => 7.0,
        Some(Value::String(text)) => read_window(&text)?,
        Some(_) => return Err(ApiError::bad_request("window is given more than once")),
    };
    let ask = given.ask()?;
    given.nothing_else()?;
    app.papers(move |engine| engine.trending(window, &ask)).await
}

/// `7d`, `24h` or `2w` in days.
fn read_window(text: &str) -> Result<f32, ApiError> {
    let wrong = || ApiError::bad_request(format!("window is {text:?}; write 7d, 24h or 2w"));
    let (number, days) = match text.strip_suffix('d') {
        Some(number) => (number, 1.0),
        None => match text.strip_suffix('h') {
            Some(number) => (number, 1.0 / 24.0),
            None => (text.strip_suffix('w').ok_or_else(wrong)?, 7.0),
        },
    };
    let n: u32 = number.parse().map_err(|_| wrong())?;
    Ok(n as f32 * days)
}
