//! Liveness and readiness.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::App;
use super::error::{ApiError, ErrorBody};

/// The process is alive
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Object)))]
pub async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// Model and index are up
///
/// `status` is `ready` while all is well, `degraded` while reading works and something is wrong (`troubles` says what, since when,
/// and by how many changes: `disk_full`, `words_behind`, `index_behind`, `store_older`). 503 while the data folder is being opened,
/// and while answers cannot be relied on or nothing that is written would last (`folder_gone`, `damaged`): then `error.detail`
/// has the `troubles`. From the signal to stop on it is 503 as well, with `error.detail.status` `stopping`, while requests are still
/// answered. `tls`, where the service speaks it: when the certificate `expires`, and whether it is `stale`: its files could not be
/// read again, and the one of before is served. `index.kind` is what the setting `[index] kind` chose: `segments`, `exact` or `hnsw_rs`.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Object), (status = 503, body = ErrorBody)))]
pub async fn readyz(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    if app.stopping.has_begun() {
        let detail = Some(json!({ "status": "stopping" }));
        return Err(ApiError { detail, ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping") });
    }
    // Without standing in the queue: a service that is busy is ready all the same.
    let troubles = app.engine()?.troubles();
    if let Some(grave) = troubles.iter().find(|t| t.code.is_grave()) {
        let detail = Some(json!({ "status": "unavailable", "troubles": troubles }));
        return Err(ApiError { detail, ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, &grave.message) });
    }
    let look = app.status.look().await?;
    let info = &look.info;
    let status = if troubles.is_empty() { "ready" } else { "degraded" };
    let mut told = json!({
        "status": status, "papers": info.papers, "model": &info.model, "index": &info.index, "troubles": troubles,
    });
    if let Some(tls) = &app.tls {
        told["tls"] = json!({ "expires": tls.expires(), "stale": tls.is_stale() });
    }
    Ok(Json(told))
}
