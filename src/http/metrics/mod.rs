//! Figures for Prometheus. What each is stands in `table`; what changes with every event is counted where it happens, and
//! everything else is read here when somebody asks, so that no writer has to remember to count.

mod process;
mod table;

use std::fmt::Write;
use std::sync::OnceLock;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::App;
use crate::engine::Info;
use crate::jobs::{JobView, SourceView};
use crate::store::{Trouble, TroubleCode};
use table::{FIGURES, Kind};

/// The media type of the text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Prometheus metrics
///
/// Requests by route, their times and sizes; connections, the queue, what was refused; the encoder; what the folder and the
/// index hold; jobs; troubles; the process and the disk. Every figure says what it is in its HELP; `docs/serving.md` lists them all
/// and has a Grafana dashboard and alerts. No label names a reader, a paper or a search.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let engine = app.engine().ok();
    let folder = engine.as_ref().map(|engine| engine.config().data.clone());
    // These are files to read.
    let system = tokio::task::spawn_blocking(move || {
        let mut told = process::process();
        told.extend(folder.iter().flat_map(|folder| process::disk(folder)));
        told
    });
    let look = app.status.look().await.ok();
    if let Some(look) = &look {
        holds(&look.info);
        jobs(&look.jobs);
        sources(&look.sources);
        gauge!("paperkin_webhook_deliveries_waiting").set(look.deliveries.waiting as f64);
        gauge!("paperkin_webhook_dead_letters").set(look.deliveries.dead as f64);
    }
    let mut ready = false;
    if let Some(engine) = &engine {
        let all = engine.troubles();
        ready = !all.iter().any(|trouble| trouble.code.is_grave());
        troubles(&all);
    }
    gauge!("paperkin_ready").set(f64::from(u8::from(ready)));
    door(&app);
    app.metrics.run_upkeep();
    let mut text = app.metrics.render();
    for (name, value) in system.await.unwrap_or_default() {
        series(&mut text, name, &[], value);
    }
    if let Some(look) = &look {
        build(&mut text, &look.info);
    }
    ([(header::CONTENT_TYPE, TEXT)], text)
}

/// What the door knows.
fn door(app: &App) {
    let (running, waiting) = app.pool.counts();
    gauge!("paperkin_requests_waiting").set((running + waiting) as f64);
    gauge!("paperkin_queue_length").set(waiting as f64);
    gauge!("paperkin_connections").set(app.connections.count() as f64);
    gauge!("paperkin_uploads").set(app.uploads.count() as f64);
    gauge!("paperkin_imports").set(app.imports.count() as f64);
    gauge!("paperkin_body_bytes").set(app.bodies.used() as f64);
    gauge!("paperkin_answer_bytes").set(app.answers.used() as f64);
    if let Some(tls) = &app.tls {
        gauge!("paperkin_tls_certificate_expiry_seconds").set(tls.expires().0 as f64 / 1e6);
    }
}

/// What the folder holds.
fn holds(info: &Info) {
    gauge!("paperkin_papers").set(info.papers as f64);
    gauge!("paperkin_vectors").set(info.vectors as f64);
    gauge!("paperkin_readers").set(info.users as f64);
    gauge!("paperkin_store_change").set(info.change as f64);
    let index = &info.index.state;
    gauge!("paperkin_index_rows").set(index.rows as f64);
    gauge!("paperkin_index_segments").set(index.segments as f64);
    gauge!("paperkin_index_points").set(index.points as f64);
    gauge!("paperkin_index_dead_points").set(index.dead as f64);
    gauge!("paperkin_index_live_rows").set(index.live as f64);
    gauge!("paperkin_index_unreachable_rows").set(index.unreachable as f64);
    gauge!("paperkin_index_freezing").set(f64::from(u8::from(index.freezing)));
    gauge!("paperkin_index_trouble").set(f64::from(u8::from(index.trouble.is_some())));
    if let Some(recall) = index.recall {
        gauge!("paperkin_index_recall_at_10").set(f64::from(recall));
    }
    gauge!("paperkin_store_bytes").set(info.disk.store as f64);
    gauge!("paperkin_index_bytes").set(info.disk.index as f64);
    gauge!("paperkin_words_bytes").set(info.disk.words as f64);
    gauge!("paperkin_words_rows").set(info.words.rows as f64);
}

/// How the sources stand.
fn sources(sources: &[SourceView]) {
    for source in sources {
        let name = || source.name.clone();
        gauge!("paperkin_source_papers", "source" => name()).set(source.papers as f64);
        if let Some(lag) = source.lag_s {
            gauge!("paperkin_source_lag_seconds", "source" => name()).set(lag as f64);
        }
        gauge!("paperkin_source_ok", "source" => name()).set(f64::from(u8::from(source.error.is_none())));
        if let Some(next) = source.next {
            gauge!("paperkin_source_next_seconds", "source" => name()).set(next.0 as f64 / 1e6);
        }
        let did = source.last.as_ref().map(|last| &last.did);
        for kind in ["new", "changed"] {
            let n = did.and_then(|did| did.get(kind)).copied().unwrap_or(0);
            gauge!("paperkin_source_last_papers", "source" => name(), "kind" => kind).set(n as f64);
        }
    }
}

/// How the jobs stand.
fn jobs(jobs: &[JobView]) {
    for job in jobs {
        let name = || job.name.clone();
        gauge!("paperkin_job_running", "job" => name()).set(f64::from(u8::from(job.running)));
        counter!("paperkin_job_runs_total", "job" => name()).absolute(job.runs);
        counter!("paperkin_job_failures_total", "job" => name()).absolute(job.failures);
        if let Some(last) = &job.last {
            gauge!("paperkin_job_last_ok", "job" => name()).set(f64::from(u8::from(last.ok)));
            gauge!("paperkin_job_last_start_seconds", "job" => name()).set(last.began.0 as f64 / 1e6);
            gauge!("paperkin_job_last_duration_seconds", "job" => name()).set(last.took_s);
        }
    }
}

/// What is wrong for now: 1 by its code, 0 for what is not; and by how many changes.
fn troubles(troubles: &[Trouble]) {
    for code in TroubleCode::ALL {
        let found = troubles.iter().find(|t| t.code == code);
        gauge!("paperkin_trouble", "code" => code.name()).set(f64::from(u8::from(found.is_some())));
        let behind = found.and_then(|t| t.behind).unwrap_or(0);
        gauge!("paperkin_changes_behind", "code" => code.name()).set(behind as f64);
    }
}

/// What runs. Written by hand: a model that was replaced leaves no series behind.
fn build(text: &mut String, info: &Info) {
    let labels = [
        ("version", info.version),
        ("model", &info.model),
        ("precision", &info.precision),
        ("device", info.device.as_deref().unwrap_or_default()),
        ("kernels", &info.kernels),
    ];
    series(text, "paperkin_build_info", &labels, 1.0);
}

/// Writes one figure of the table with one value.
fn series(text: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let Some(figure) = FIGURES.iter().find(|figure| figure.name == name) else { return };
    let kind = if figure.kind == Kind::Counter { "counter" } else { "gauge" };
    let quoted = |(name, value): &(&str, &str)| {
        let value = crate::paper::shown(value).replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{value}\"")
    };
    let labels: Vec<String> = labels.iter().map(quoted).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    // Writing to a string cannot fail.
    let _ = write!(text, "# HELP {name} {}\n# TYPE {name} {kind}\n{name}{labels} {value}\n\n", figure.help);
}

/// The process's one recorder, which knows what each figure is. Installed at the first call; a process has room for only one.
pub fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let make = || {
        let mut builder = PrometheusBuilder::new();
        for figure in FIGURES {
            if let Kind::Histogram(bounds) = figure.kind {
                // Fails only where there are no bounds.
                let matcher = Matcher::Full(figure.name.into());
                builder = builder.set_buckets_for_metric(matcher, bounds).unwrap_or_else(|_| PrometheusBuilder::new());
            }
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Fails only when a program that uses the crate has its own recorder, which then gets the figures.
        let _ = metrics::set_global_recorder(recorder);
        table::describe();
        handle
    };
    HANDLE.get_or_init(make).clone()
}
