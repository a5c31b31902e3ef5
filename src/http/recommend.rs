//! Papers for a set of examples.

use axum::extract::{Extension, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::access::Reader;
use super::error::{ApiError, ErrorBody};
use super::extract::Fields;
use super::request_fields::{RequestFields, ids, paper_id};
use crate::access::Caller;
use crate::engine::{Answer, Example, Recommend};
use crate::rank::Strategy;

/// What to recommend from. Takes every parameter of a ranking call besides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecommendBody {
    /// Papers to be close to: an id, or an id with a weight. At most 10,000 together with those to be far from.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    like: Vec<ExampleBody>,
    /// Papers to be far from.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    dislike: Vec<ExampleBody>,
    /// Phrases or abstracts to be close to; at most 1024 of at most 262,144 bytes.
    #[serde(default)]
    #[schema(max_items = 1_024)]
    text: Vec<String>,
    /// Phrases or abstracts to be far from; at most 1024 of at most 262,144 bytes.
    #[serde(default)]
    #[schema(max_items = 1_024)]
    dislike_text: Vec<String>,
    /// A stored user to recommend for, as their feed does (with a key of theirs, or one with the scope `users`); likes and dislikes are then taken as if they had given them now.
    user: Option<String>,
    /// A vector of the model to be close to.
    #[schema(max_items = 16_384)]
    vector: Option<Vec<f32>>,
    /// How examples become a score: `auto` (default) is the whole preference model, the same that ranks for stored users;
    /// `mean`, `nearest`, `rocchio` and `logistic` are parts of it. Scores are similarities; for a stored user standard
    /// deviations above a paper at large, in the same order.
    #[schema(value_type = Option<String>)]
    strategy: Option<Strategy>,
    /// Only these papers, all of them, whatever `limit` says, liked ones included. At most 20,000, and an answer of 128 MB.
    #[schema(min_items = 1, max_items = 20_000)]
    candidates: Option<Vec<String>>,
    /// Whether liked papers are left out; true by default.
    exclude_liked: Option<bool>,
}

/// What bounds a recommendation besides.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`post`] reads them.
pub struct Bounds {
    /// At most so many papers of one author.
    #[schema(minimum = 1)]
    per_author: Option<u64>,
    /// Days after which a paper counts half, from the newest paper on that is not dated ahead of the clock; above 0.
    #[schema(exclusive_minimum = 0)]
    half_life_days: Option<f32>,
}

/// An example: `"id"` or `{"id": "id", "weight": 2.0}`.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "an example must be an id or {\"id\": ..., \"weight\": ...}")]
pub enum ExampleBody {
    /// The id alone; weight 1.
    Id(String),
    /// With a weight.
    Weighted(WeightedExample),
}

/// An example with a weight.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedExample {
    /// Which paper.
    id: String,
    /// How much it counts beside the others; above 0, 1 by default.
    #[schema(minimum = 0.000_001, maximum = 1_000_000)]
    weight: Option<f32>,
}

fn examples(bodies: Vec<ExampleBody>) -> Result<Vec<Example>, ApiError> {
    let of = |id, weight| Ok(Example { id: paper_id(id)?, weight });
    bodies
        .into_iter()
        .map(|body| match body {
            ExampleBody::Id(id) => of(id, 1.0),
            ExampleBody::Weighted(WeightedExample { id, weight }) => of(id, weight.unwrap_or(1.0)),
        })
        .collect()
}

/// Papers for a set of examples
///
/// At least one positive example: a paper, a text or a vector. A paper is named by its id, or by any form of its arXiv id, DOI
/// and the like; the answer has the id that it was given. An unknown id is 404 and named.
#[utoipa::path(post, operation_id = "recommend", path = "/v1/recommend", tag = "recommend", request_body = RecommendBody,
    responses((status = 200, body = Answer), (status = 404, body = ErrorBody)))]
pub async fn post(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Fields(given): Fields,
) -> Result<Response, ApiError> {
    let request = request(given, &caller)?;
    app.papers(move |engine| engine.recommend(&request)).await
}

/// What the fields of a request ask for. A reader whom they name is one for whom the caller may act.
pub fn request(mut given: RequestFields, caller: &Caller) -> Result<Recommend, ApiError> {
    let ask = given.ask()?;
    let per_author = given.take("per_author").whole()?;
    let half_life_days = given.take("half_life_days").number()?;
    let body: RecommendBody = given.rest()?;
    let reader = body.user.map(|name| Reader::of(caller, name)).transpose()?;
    Ok(Recommend {
        like: examples(body.like)?,
        dislike: examples(body.dislike)?,
        text: body.text,
        dislike_text: body.dislike_text,
        user: reader.map(|reader| reader.name().to_string()),
        vector: body.vector,
        strategy: body.strategy.unwrap_or_default(),
        candidates: body.candidates.map(ids).transpose()?,
        half_life_days,
        per_author,
        exclude_liked: body.exclude_liked.unwrap_or(true),
        ask,
    })
}
