//! Papers for a phrase, and papers like one.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{ApiError, ErrorBody, NotYet};
use super::extract::{Fields, Id, Params};
use super::request_fields::{Field, Ranking, RequestFields, ids};
use crate::engine::{Answer, Facet, Hit, Meta, SearchRequest, SearchSort, Suggestion};
use crate::paper::PaperId;

/// A search in a body, for long texts. Takes every parameter of a search besides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchBody {
    /// A phrase or a pasted abstract; at most 256 kB.
    #[schema(min_length = 1, max_length = 262_144)]
    q: Option<String>,
    /// Every parameter of a search may stand here; those beside it count where both say something.
    #[serde(default)]
    filter: Map<String, Value>,
}

/// Papers for a query
///
/// Words are looked for by meaning and by letter, in titles, abstracts, keywords and the names of authors. What
/// insists: `"a phrase"` (quotes of any kind; an author's name as well), `title:word`, `author:"Ada Lovelace"` (also
/// `Lovelace, A.`, `Lovelace A`, `Lovelace et al.`, `Mueller` for Müller), `category:cs.LG` (`category:math` is all of
/// `math.*`), `date:2025..2026-03` (also `2020-2024`, `2024..`, `>2023`), `-word` leaves out, `a OR b` wants one of
/// both. Conditions alone list what meets them, the newest first. An arXiv id, DOI, address or whole title finds its
/// paper first. A text of more than 32 words, or of several lines, is a query by example.
///
/// No text is an error but an empty one (422) and one of more than 256 KiB: what cannot be an operator (an unknown
/// field, a date that is none, a quote that is never closed, anything inside a whole title) is words, and a text
/// without any letter or digit finds nothing. British and American spelling are one. Signs belong to names: `C++`,
/// `C#`, `A*`, `.NET`. A word of five letters or more that no paper holds is looked for as the commonest word one
/// letter away, if the query has few words besides; `meta.corrected` says so, and `correct=false` searches for what was typed.
///
/// Every paper has some score, so that an order by relevance ends with the last paper there is. Which papers *match* is what a saved
/// search would tell of: `meta.matched` counts them, `matching=true` gives only them, `sort` orders them, and `facets` says what they
/// have in common. With a filter (`from`, `to`, `category`, `author`, `source`, `theme`) the text may be missing: then all that it
/// allows match, the newest first.
#[utoipa::path(get, operation_id = "search", path = "/v1/search", tag = "search",
    params(("q" = Option<String>, Query, description = "a phrase or a pasted abstract; may be missing where a filter says which papers are wanted"), Ranking, Searching),
    responses((status = 200, body = Answer),
              (status = 202, body = NotYet, description = "a theme is asked for, and the themes are being made for the first time"),
              (status = 404, body = ErrorBody, description = "there is no such theme"),
              (status = 409, body = ErrorBody, description = "a theme is asked for, there are none yet, and the job `themes` is off")))]
pub async fn get(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let query = match given.take("q").value {
        Some(Value::Array(_)) => return Err(ApiError::bad_request("q is given more than once")),
        q => q.and_then(|q| q.as_str().map(str::to_string)),
    };
    search(app, query, given).await
}

/// Papers for a long text
///
/// The parameters of a search are fields of the body, or of its `filter`.
#[utoipa::path(post, operation_id = "search_long", path = "/v1/search", tag = "search", request_body = SearchBody,
    responses((status = 200, body = Answer),
              (status = 202, body = NotYet, description = "a theme is asked for, and the themes are being made for the first time"),
              (status = 404, body = ErrorBody, description = "there is no such theme"),
              (status = 409, body = ErrorBody, description = "a theme is asked for, there are none yet, and the job `themes` is off")))]
pub async fn post(State(app): State<App>, Fields(given): Fields) -> Result<Response, ApiError> {
    let (own, mut ranking): (Map<_, _>, Map<_, _>) =
        given.0.into_iter().partition(|(name, _)| matches!(name.as_str(), "q" | "filter"));
    let body: SearchBody = RequestFields(own).rest()?;
    for (name, value) in body.filter {
        ranking.entry(name).or_insert(value);
    }
    search(app, body.q, RequestFields(ranking)).await
}

/// What a search takes besides the parameters of a ranking call; in a body, fields of the same names.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`request`] reads them.
pub struct Searching {
    /// What the papers that match are counted by, for `meta.facets`: `year`, `category`, `author`, `source`, `theme`; separated by
    /// commas, or repeat the parameter.
    #[param(max_items = 5, value_type = Option<Vec<String>>)]
    #[schema(max_items = 5, value_type = Option<Vec<String>>)]
    facets: Option<Vec<Facet>>,
    /// `relevance` (default), `newest` or `votes`. The latter two order the papers that match, and give no others.
    #[param(inline)]
    sort: Option<SearchSort>,
    /// Whether only papers that match come (`meta.matched` says how many). Without, the order by relevance goes on to the last paper
    /// that the filter allows.
    #[param(default = false)]
    matching: Option<bool>,
    /// Whether a word that no paper holds is looked for as the nearest that one does; `false` searches for what was typed.
    #[param(default = true)]
    correct: Option<bool>,
}

/// Takes what a search is asked by out of the fields of a request.
pub fn request(given: &mut RequestFields) -> Result<SearchRequest, ApiError> {
    let mut take = |name| given.take(name);
    let mut facets: Vec<Facet> = Vec::new();
    for name in take("facets").texts()?.iter().flat_map(|names| names.split(',')) {
        let facet = Field { name: "facets", value: Some(Value::String(name.trim().to_string())) };
        facets.extend(facet.word::<Facet>()?);
    }
    facets.sort_unstable();
    facets.dedup();
    let sort = take("sort").word()?.unwrap_or_default();
    let (matching, correct) = (take("matching").truth()?.unwrap_or(false), take("correct").truth()?.unwrap_or(true));
    let request = SearchRequest { ask: given.ask()?, facets, sort, matching, correct };
    request.check()?;
    Ok(request)
}

async fn search(app: App, query: Option<String>, mut given: RequestFields) -> Result<Response, ApiError> {
    let request = request(&mut given)?;
    given.nothing_else()?;
    let query = query.unwrap_or_default();
    let themed = !request.ask.filter.themes.is_empty();
    if themed || request.facets.contains(&Facet::Theme) {
        app.themes_settled().await;
    }
    let answer = app.papers(move |engine| engine.search_with(&query, &request)).await;
    if themed { answer.map_err(|e| app.themes_missing(e)) } else { answer }
}

/// Suggestions for a text that is being typed.
#[derive(Serialize, ToSchema)]
pub struct Suggestions {
    /// Authors, categories, themes and titles, in this order.
    suggestions: Vec<Suggestion>,
}

/// Suggestions while typing
///
/// Authors, categories, themes and titles of papers whose words begin with those that were typed; of each of the first three kinds at
/// most a quarter. A title comes first where it begins so, then by votes. Nothing for an empty text, and for one of more than 200
/// characters, which was not typed.
#[utoipa::path(get, operation_id = "suggest", path = "/v1/suggest", tag = "search",
    params(("q" = String, Query, max_length = 262_144, description = "what was typed so far"),
           ("limit" = Option<u32>, Query, minimum = 1, maximum = 50, description = "suggestions wanted, default 8")),
    responses((status = 200, body = Suggestions)))]
pub async fn suggest(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let text: Option<String> = given.take("q").word()?;
    let limit = given.take("limit").whole()?.unwrap_or(8);
    given.nothing_else()?;
    let text = text.unwrap_or_default();
    app.answer(move |engine| Ok(Suggestions { suggestions: engine.suggest(&text, limit)? })).await
}

/// Papers like this one
///
/// Never the paper itself, nor another version of it. The paper is named by its id, or by any form of its arXiv id, DOI and
/// the like.
#[utoipa::path(get, operation_id = "similar_papers", path = "/v1/papers/{id}/similar", tag = "search",
    params(("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`"), Ranking),
    responses((status = 200, body = Answer), (status = 404, body = ErrorBody)))]
pub async fn similar(State(app): State<App>, Id(id): Id, Params(given): Params) -> Result<Response, ApiError> {
    similar_to(app, id, given).await
}

/// Papers like the one with this id
///
/// The same as `/v1/papers/{id}/similar`, for clients behind a proxy that decodes `%2F`.
#[utoipa::path(get, operation_id = "similar_papers_by_id", path = "/v1/similar", tag = "search",
    params(("id" = String, Query, description = "the paper's id, arXiv id, DOI or address"), Ranking),
    responses((status = 200, body = Answer), (status = 404, body = ErrorBody)))]
pub async fn similar_by_id(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    match given.take("id").value {
        Some(Value::String(id)) => similar_to(app, id, given).await,
        _ => Err(ApiError::bad_request("give one id")),
    }
}

/// Papers to compare with, each on its own. Takes every parameter of a ranking call besides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchBody {
    /// Ids, or forms of an arXiv id, DOI and the like; 1 to 1000.
    #[schema(min_items = 1, max_items = 1000)]
    ids: Vec<String>,
}

/// What is like one paper of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer {
    /// The paper it was asked for, by the id that it was given.
    id: String,
    /// The hits, best first.
    papers: Vec<Hit>,
}

/// What is like each paper of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswers {
    /// One for each id, in their order.
    results: Vec<BatchAnswer>,
    /// How they were made; `total` is that of the first.
    meta: Meta,
}

/// Papers like each of several
///
/// The parameters of a ranking call are fields of the body. An unknown id is 404 and named. The number of ids times `limit` is at
/// most 20,000 hits, and the answer at most 128 MB long; beyond that it is 422: send fewer ids in one call.
#[utoipa::path(post, operation_id = "similar_papers_of_each", path = "/v1/similar/batch", tag = "search", request_body = BatchBody,
    responses((status = 200, body = BatchAnswers), (status = 404, body = ErrorBody)))]
pub async fn batch(State(app): State<App>, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let ask = given.ask()?;
    let body: BatchBody = given.rest()?;
    let ids = ids(body.ids)?;
    app.answer(move |engine| {
        let answers = engine.similar_to_each(&ids, &ask)?;
        let took_ms = answers.iter().map(|(_, a)| a.meta.took_ms).sum();
        let meta = answers.first().map(|(_, a)| Meta { took_ms, ..a.meta.clone() });
        let meta = meta.ok_or_else(|| crate::Error::Internal("a batch of nothing".into()))?;
        let result = |(id, a): (PaperId, Answer)| BatchAnswer { id: id.to_string(), papers: a.papers };
        let results = answers.into_iter().map(result).collect();
        Ok(BatchAnswers { results, meta })
    })
    .await
}

async fn similar_to(app: App, id: String, mut given: RequestFields) -> Result<Response, ApiError> {
    let ask = given.ask()?;
    given.nothing_else()?;
    app.papers(move |engine| engine.similar(&id, &ask)).await
}
