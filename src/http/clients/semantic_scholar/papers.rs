//! One paper, and many.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::fields::Wanted;
use super::shape::{self, ScholarPaper};
use super::{IDS, id_of, limit, nothing_else};
use crate::error::Error;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Fields, Id, Params};
use crate::http::request_fields::RequestFields;

/// Papers wanted.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`batch`] reads it.
pub struct ScholarBatchBody {
    /// Ids of any form; 1 to 500.
    #[schema(min_items = 1, max_items = 500)]
    ids: Vec<String>,
}

/// One paper, as Semantic Scholar has it
///
/// It is named by its id here, or as Semantic Scholar names papers: `ARXIV:`, `DOI:`, `CorpusId:`, `PMID:`, `PMCID:`, `ACL:`, `URL:`, in
/// any case. A `/` may stand in it as it is. `fields` are those of Semantic Scholar; what is not known of a paper is null. Behind
/// `/authors` stand the authors of a paper, by page.
#[utoipa::path(get, operation_id = "scholar_paper", path = "/graph/v1/paper/{*id}", tag = "semantic scholar",
    params(("id" = String, Path, description = "the paper's id"),
           ("fields" = Option<String>, Query, description = "what is wanted of it, with commas: `title,year,authors.name`")),
    responses((status = 200, body = ScholarPaper)))]
pub async fn get(State(app): State<App>, Id(id): Id, Params(mut given): Params) -> Result<Response, ApiError> {
    if let Some(id) = id.strip_suffix("/authors") {
        return authors(app, id.to_string(), given).await;
    }
    if let Some((id, what)) = ["citations", "references"].iter().find_map(|w| Some((id.strip_suffix(w)?, w)))
        && id.ends_with('/')
    {
        let message = format!("{what} are not held here");
        return Err(ApiError::new(axum::http::StatusCode::NOT_FOUND, message));
    }
    let wanted = Wanted::read(&given.take("fields"))?;
    nothing_else(&given)?;
    app.answer(move |engine| Ok(shape::paper(&wanted, &engine.paper(id_of(&id))?, None))).await
}

/// The authors of a paper, by page.
async fn authors(app: App, id: String, mut given: RequestFields) -> Result<Response, ApiError> {
    let offset = given.take("offset").whole()?.unwrap_or(0);
    let limit = limit(&given.take("limit"), 1_000)?;
    // Each of these names a field of authors, and what is not known is null.
    let mut fields = given.take("fields");
    let within = super::listed(&fields)?.into_iter().filter(|name| !name.starts_with("papers"));
    fields.value = Some(Value::from(within.map(|name| format!("authors.{name}")).collect::<Vec<_>>().join(",")));
    let wanted = Wanted::read(&fields)?;
    nothing_else(&given)?;
    app.answer(move |engine| {
        let all = shape::authors(&wanted, &engine.paper(id_of(&id))?);
        let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
        let page: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
        let next = offset + page.len();
        let mut told = json!({ "offset": offset, "data": page });
        if next < all.len() {
            told["next"] = next.into();
        }
        Ok(told)
    })
    .await
}

/// Many papers, as Semantic Scholar has them
///
/// In the order of the ids; null for one that there is not. If there is none of them it is 400.
#[utoipa::path(post, operation_id = "scholar_papers", path = "/graph/v1/paper/batch", tag = "semantic scholar",
    params(("fields" = Option<String>, Query, description = "what is wanted of each, with commas")),
    request_body = ScholarBatchBody, responses((status = 200, body = Vec<Option<ScholarPaper>>)))]
pub async fn batch(State(app): State<App>, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let wanted = Wanted::read(&given.take("fields"))?;
    let ids = given.take("ids").texts()?;
    nothing_else(&given)?;
    if ids.is_empty() || ids.len() > IDS {
        return Err(ApiError::bad_request(format!("{} paper ids; 1 to {IDS} are allowed", ids.len())));
    }
    app.answer(move |engine| {
        let of = |id: &String| match engine.paper(id_of(id)) {
            Ok(paper) => Ok(Some(shape::paper(&wanted, &paper, None))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        };
        let papers: Vec<Option<Map<String, Value>>> = ids.iter().map(of).collect::<crate::Result<_>>()?;
        if papers.iter().all(Option::is_none) {
            return Err(Error::BadRequest("No valid paper ids given".into()));
        }
        Ok(papers)
    })
    .await
}
