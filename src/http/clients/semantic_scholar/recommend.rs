//! Recommendations.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::fields::{WHY, Wanted};
use super::shape::{self, ScholarPaper};
use super::{IDS, beyond, id_of, limit, nothing_else};
use crate::engine::{Answer, Example, Recommend};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Fields, Id, Params};
use crate::http::request_fields::paper_id;

/// Papers that are recommended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScholarRecommendations {
    /// The best first.
    #[schema(value_type = Vec<ScholarPaper>)]
    recommended_papers: Vec<Map<String, Value>>,
}

/// Examples.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // This is what the OpenAPI document says; [`for_lists`] reads it.
pub struct ScholarExamples {
    /// Papers to be close to, by ids of any form; 1 to 500.
    #[schema(min_items = 1, max_items = 500)]
    positive_paper_ids: Vec<String>,
    /// Papers to be far from.
    #[schema(max_items = 500)]
    negative_paper_ids: Option<Vec<String>>,
    /// How much an example counts beside the others, by its id as it stands in a list; 1 for those that are not here.
    #[serde(rename = "_weights")]
    weights: Option<Map<String, Value>>,
}

fn recommended(wanted: &Wanted, answer: &Answer) -> ScholarRecommendations {
    let papers = answer.papers.iter().map(|hit| shape::paper(wanted, &hit.paper, Some(hit)));
    ScholarRecommendations { recommended_papers: papers.collect() }
}

/// Papers like one, as Semantic Scholar recommends them
///
/// What `GET /v1/papers/{id}/similar` gives: never the paper itself nor another version of it, and old papers as well as new ones:
/// `from` is read and bounds nothing. `_from` and `_to` do, and every other parameter of a ranking call behind a `_`; `_score` and
/// `_why` may stand among the `fields`.
#[utoipa::path(get, operation_id = "scholar_recommend_for_paper", path = "/recommendations/v1/papers/forpaper/{*id}",
    tag = "semantic scholar",
    params(("id" = String, Path, description = "the paper's id, in any form; a `/` may stand in it as it is"),
           ("fields" = Option<String>, Query, description = "what is wanted of each paper, with commas"),
           ("limit" = Option<u32>, Query, description = "papers wanted, 1 to 500, default 100"),
           ("from" = Option<String>, Query, description = "`recent` or `all-cs`: both stand for the whole corpus"),
           ("_from" = Option<String>, Query, description = "papers of this date or later"),
           ("_to" = Option<String>, Query, description = "papers of this date or earlier")),
    responses((status = 200, body = ScholarRecommendations)))]
pub async fn for_paper(State(app): State<App>, Id(id): Id, Params(mut given): Params) -> Result<Response, ApiError> {
    let mut own = beyond(&mut given);
    let wanted = Wanted::read(&given.take("fields"))?;
    let limit = limit(&given.take("limit"), IDS)?;
    match given.take("from").word::<String>()?.as_deref() {
        None | Some("recent" | "all-cs") => {}
        Some(_) => return Err(ApiError::bad_request("from is one of recent, all-cs")),
    }
    nothing_else(&given)?;
    let mut ask = own.ask()?;
    own.nothing_else()?;
    ask.limit = limit;
    ask.explain |= wanted.has(WHY);
    app.answer(move |engine| Ok(recommended(&wanted, &engine.similar(id_of(&id), &ask)?))).await
}

/// Papers for examples, as Semantic Scholar recommends them
///
/// What `POST /v1/recommend` gives for `like` and `dislike`. `negativePaperIds` may be missing. Beyond Semantic Scholar: `_weights`, and
/// every parameter of that call behind a `_`, in the body or the address: `_from`, `_to`, `_category`, `_text`, `_half_life_days`,
/// `_per_author`, `_strategy`. The path without its last `/` is the same call.
#[utoipa::path(post, operation_id = "scholar_recommend", path = "/recommendations/v1/papers/", tag = "semantic scholar",
    params(("fields" = Option<String>, Query, description = "what is wanted of each paper, with commas"),
           ("limit" = Option<u32>, Query, description = "papers wanted, 1 to 500, default 100")),
    request_body = ScholarExamples, responses((status = 200, body = ScholarRecommendations)))]
pub async fn for_lists(State(app): State<App>, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let mut own = beyond(&mut given);
    let wanted = Wanted::read(&given.take("fields"))?;
    let limit = limit(&given.take("limit"), IDS)?;
    let (positive, negative) = (given.take("positivePaperIds").texts()?, given.take("negativePaperIds").texts()?);
    nothing_else(&given)?;
    let mut weights: Map<String, Value> = own.take("weights").word()?.unwrap_or_default();
    let mut ask = own.ask()?;
    let mut take = |name| own.take(name);
    let request = Recommend {
        like: examples(&positive, &mut weights)?,
        dislike: examples(&negative, &mut weights)?,
        text: take("text").texts()?,
        dislike_text: take("dislike_text").texts()?,
        strategy: take("strategy").word()?.unwrap_or_default(),
        half_life_days: take("half_life_days").number()?,
        per_author: take("per_author").whole()?,
        ..Recommend::default()
    };
    own.nothing_else()?;
    if let Some(id) = weights.keys().next() {
        let id = crate::paper::head(id, 300);
        return Err(ApiError::bad_request(format!("_weights names {id:?}, which is no example of this request")));
    }
    ask.limit = limit;
    ask.explain |= wanted.has(WHY);
    let request = Recommend { ask, ..request };
    app.answer(move |engine| Ok(recommended(&wanted, &engine.recommend(&request)?))).await
}

/// Papers as examples, each with its weight, which is taken.
fn examples(ids: &[String], weights: &mut Map<String, Value>) -> Result<Vec<Example>, ApiError> {
    if ids.len() > IDS {
        return Err(ApiError::bad_request(format!("{} paper ids; at most {IDS} are allowed", ids.len())));
    }
    let mut example = |id: &String| {
        let weight = match weights.shift_remove(id) {
            None => 1.0,
            Some(weight) => weight.as_f64().ok_or_else(|| {
                ApiError::bad_request(format!("the weight of {id:?} is {weight}; it must be a number"))
            })?,
        };
        Ok(Example { id: paper_id(id_of(id).to_string())?, weight: weight as f32 })
    };
    ids.iter().map(&mut example).collect()
}
