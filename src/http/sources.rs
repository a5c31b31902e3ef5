//! Where papers come from: how each source stands, and reading it now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, Id, NoParams};
use crate::error::Error;
use crate::jobs::{SourceView, job_of, source_views};

/// Sources.
#[derive(Serialize, ToSchema)]
pub struct SourceList {
    /// In the order of the settings.
    sources: Vec<SourceView>,
}

/// Where papers come from
///
/// The sources of the settings (`[[source]]`), with the next and the last run of each. Each is a job as well, called
/// `source:NAME`.
#[utoipa::path(get, operation_id = "list_sources", path = "/v1/sources", tag = "operation",
    responses((status = 200, body = SourceList)))]
pub async fn list(State(app): State<App>, _: NoParams) -> Result<Response, ApiError> {
    app.answer(|engine| Ok(SourceList { sources: source_views(engine, engine.config())? })).await
}

/// Read a source now
///
/// It goes on where the last run ended, also where its schedule is `off`; where it is being read already, once more behind that. How
/// it stands is told by `GET /v1/sources`. The body is an empty JSON object, so that no page of another site can ask for it.
#[utoipa::path(post, operation_id = "run_source", path = "/v1/sources/{name}/run", tag = "operation",
    params(("name" = String, Path, description = "its name in the settings")),
    request_body(content = Object, description = "`{}`"),
    responses((status = 202, body = SourceView), (status = 404, body = ErrorBody)))]
pub async fn run(
    State(app): State<App>,
    Id(name): Id,
    Fields(given): Fields,
) -> Result<(StatusCode, Json<SourceView>), ApiError> {
    given.nothing_else()?;
    let runner = app.runner()?;
    let source = app
        .blocking(move |engine| {
            let missing = || Error::NotFound { what: "source", id: crate::paper::head(&name, 80) };
            if !engine.config().sources.iter().any(|source| source.name == name) {
                return Err(missing());
            }
            runner.run_soon(&job_of(&name))?;
            source_views(engine, engine.config())?.into_iter().find(|source| source.name == name).ok_or_else(missing)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(source)))
}
