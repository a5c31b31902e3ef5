//! What the service does without being asked: how it stands, and doing it now.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::extract::{Fields, Id, NoParams};
use crate::jobs::{JobView, THEMES};

/// How long a question about themes waits for papers to join them.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a job is asked to hurry, at most.
const HURRY: Duration = Duration::from_millis(200);

/// Jobs.
#[derive(Serialize, ToSchema)]
pub struct JobList {
    /// By name.
    jobs: Vec<JobView>,
}

/// What the service does without being asked
///
/// Each job has a schedule (`[jobs]` in the settings) and follows besides soon after what makes work for it. One runner at a
/// time has a job, over all processes that share a store. Where a job finds nothing to do it writes nothing down: `last` is
/// the last run that did something.
#[utoipa::path(get, operation_id = "list_jobs", path = "/v1/jobs", tag = "operation", responses((status = 200, body = JobList)))]
pub async fn list(State(app): State<App>, _: NoParams) -> Result<Response, ApiError> {
    let runner = app.runner()?;
    app.answer(move |_| Ok(JobList { jobs: runner.jobs()? })).await
}

/// One job
#[utoipa::path(get, operation_id = "get_job", path = "/v1/jobs/{name}", tag = "operation",
    params(("name" = String, Path, description = "its name, for example `themes`")),
    responses((status = 200, body = JobView), (status = 404, body = ErrorBody)))]
pub async fn get(State(app): State<App>, Id(name): Id, _: NoParams) -> Result<Response, ApiError> {
    let runner = app.runner()?;
    app.answer(move |_| runner.job(&name)).await
}

/// Run a job now
///
/// It is run on the service's own thread, also where its schedule is `off`; where it runs already, once more behind that. How
/// it stands is told by `GET /v1/jobs/{name}`. The body is an empty JSON object, so that no page of another site can ask for
/// it.
#[utoipa::path(post, operation_id = "run_job", path = "/v1/jobs/{name}/run", tag = "operation",
    params(("name" = String, Path, description = "its name, for example `themes`")),
    request_body(content = Object, description = "`{}`"),
    responses((status = 202, body = JobView), (status = 404, body = ErrorBody)))]
pub async fn run(
    State(app): State<App>,
    Id(name): Id,
    Fields(given): Fields,
) -> Result<(StatusCode, Json<JobView>), ApiError> {
    given.nothing_else()?;
    let runner = app.runner()?;
    let job = app
        .blocking(move |_| {
            runner.run_soon(&name)?;
            runner.job(&name)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(job)))
}

impl App {
    /// Waits until the themes are up to date, but not long: whoever asks makes nothing, and gets what there is by then.
    pub async fn themes_settled(&self) {
        let (Ok(engine), Ok(runner)) = (self.engine(), self.runner()) else { return };
        if engine.themes_are_settled() || !runner.runs_by_itself(THEMES) {
            return;
        }
        let mut looked = self.looked.subscribe();
        let settled = async {
            let mut asked = None;
            while !engine.themes_are_settled() {
                if asked.is_none_or(|at: Instant| at.elapsed() >= HURRY) {
                    asked = Some(Instant::now());
                    runner.hurry(THEMES);
                }
                let _ = tokio::time::timeout(HURRY, looked.changed()).await;
            }
        };
        let patience = PATIENCE.min(Duration::from_secs(self.tuning.timeout_s) / 2);
        let _ = tokio::time::timeout(patience, settled).await;
    }

    /// What is said where there are no themes yet and nobody makes them.
    pub fn themes_missing(&self, e: ApiError) -> ApiError {
        match self.runner() {
            Ok(runner) if e.status == StatusCode::ACCEPTED && !runner.runs_by_itself(THEMES) => ApiError::new(
                StatusCode::CONFLICT,
                "no themes were made yet, and the job `themes` is off: `POST /v1/themes/rebuild` makes them",
            ),
            _ => e,
        }
    }
}
