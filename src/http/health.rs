//! Liveness, readiness, metrics.

use std::sync::OnceLock;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use super::App;
use super::error::{ApiError, ErrorBody};
use crate::engine::Info;
use crate::jobs::JobView;
use crate::store::{Trouble, TroubleCode};

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

/// Prometheus metrics
///
/// Besides the counts and times of requests and the state of the index: `paperkin_connections` that are open,
/// `paperkin_connections_total` that came, `paperkin_connections_closed_total` by reason (`header`: it did not
/// come whole in time; `handshake`: neither was it; `idle`; `unread`: an answer that nobody took; `room`, `memory`: to make room), `paperkin_accept_errors_total`;
/// `paperkin_requests_waiting` (worked on or waiting), `paperkin_queue_length`, `paperkin_queue_wait_seconds`;
/// `paperkin_uploads` and `paperkin_imports` under way; `paperkin_body_bytes` and `paperkin_answer_bytes` in memory;
/// `paperkin_refused_total` by reason (`queue`, `wait`, `uploads`, `imports`, `body_memory`, `answer_memory`, `guesses`, `rate`), and
/// `paperkin_dropped_total`: what had waited in vain, as its client was `gone` or its time over (`deadline`). Where the service
/// speaks TLS: `paperkin_tls_handshakes_total` by result (`done`, `failed`, `plain`: HTTP without TLS), `paperkin_tls_reloads_total` by
/// result (`done`, `failed`) and `paperkin_tls_certificate_expiry_seconds` (since 1970). Of each job
/// (`GET /v1/jobs`): `paperkin_job_running`, `paperkin_job_runs_total` and `paperkin_job_failures_total` ever, and of its last
/// run `paperkin_job_last_ok`, `paperkin_job_last_start_seconds` (since 1970) and `paperkin_job_last_duration_seconds`.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn metrics(State(app): State<App>) -> String {
    // Read when asked for, so that no writer has to remember to count.
    if let Ok(look) = app.status.look().await {
        gauges(&look.info);
        job_figures(&look.jobs);
    }
    if let Ok(engine) = app.engine() {
        troubles(&engine.troubles());
    }
    app.gauges();
    app.metrics.run_upkeep();
    app.metrics.render()
}

fn gauges(info: &Info) {
    metrics::gauge!("paperkin_papers").set(info.papers as f64);
    let index = &info.index.state;
    metrics::gauge!("paperkin_index_rows").set(index.rows as f64);
    metrics::gauge!("paperkin_index_segments").set(index.segments as f64);
    metrics::gauge!("paperkin_index_points").set(index.points as f64);
    metrics::gauge!("paperkin_index_dead_points").set(index.dead as f64);
    metrics::gauge!("paperkin_index_live_rows").set(index.live as f64);
    metrics::gauge!("paperkin_index_unreachable_rows").set(index.unreachable as f64);
    metrics::gauge!("paperkin_index_trouble").set(f64::from(u8::from(index.trouble.is_some())));
    if let Some(recall) = index.recall {
        metrics::gauge!("paperkin_index_recall_at_10").set(f64::from(recall));
    }
    metrics::gauge!("paperkin_store_bytes").set(info.disk.store as f64);
    metrics::gauge!("paperkin_index_bytes").set(info.disk.index as f64);
}

/// How the jobs stand.
fn job_figures(jobs: &[JobView]) {
    for job in jobs {
        let name = || job.name.clone();
        metrics::gauge!("paperkin_job_running", "job" => name()).set(f64::from(u8::from(job.running)));
        metrics::counter!("paperkin_job_runs_total", "job" => name()).absolute(job.runs);
        metrics::counter!("paperkin_job_failures_total", "job" => name()).absolute(job.failures);
        if let Some(last) = &job.last {
            metrics::gauge!("paperkin_job_last_ok", "job" => name()).set(f64::from(u8::from(last.ok)));
            metrics::gauge!("paperkin_job_last_start_seconds", "job" => name()).set(last.began.0 as f64 / 1e6);
            metrics::gauge!("paperkin_job_last_duration_seconds", "job" => name()).set(last.took_s);
        }
    }
}

/// What is wrong for now: 1 by its code, 0 for what is not; and by how many changes.
fn troubles(troubles: &[Trouble]) {
    for code in TroubleCode::ALL {
        let found = troubles.iter().find(|t| t.code == code);
        metrics::gauge!("paperkin_trouble", "code" => code.name()).set(f64::from(u8::from(found.is_some())));
        let behind = found.and_then(|t| t.behind).unwrap_or(0);
        metrics::gauge!("paperkin_changes_behind", "code" => code.name()).set(behind as f64);
    }
}

/// The process's one recorder. Installed at the first call; a process has room for only one.
pub fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let make = || {
        let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
        let builder = PrometheusBuilder::new();
        let recorder = match builder.set_buckets(&buckets) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let handle = recorder.handle();
        // Fails only when a program that uses the crate has its own recorder, which then gets the figures.
        let _ = metrics::set_global_recorder(recorder);
        handle
    };
    HANDLE.get_or_init(make).clone()
}
