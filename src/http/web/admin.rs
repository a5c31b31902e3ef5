//! `GET /admin`: how the service stands, for whoever looks after it, also at 3 a.m.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::dates::minute;
use super::pages::Page;
use super::texts::text_of;
use super::visitor::Visitor;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::jobs::source_views;
use crate::paper::percent::encoded;
use crate::paper::shown;
use crate::user::Moment;

/// Subscriptions that are shown.
const SUBSCRIPTIONS: usize = 50;

/// Subscriptions that want somebody's look and are shown above all; more are counted.
const UNDELIVERED: usize = 20;

/// A job as it is shown.
#[derive(Serialize)]
struct JobShown {
    name: String,
    encoded: String,
    about: String,
    schedule: String,
    next: Option<String>,
    running: Option<String>,
    failures: u64,
    last: Option<String>,
    took: Option<String>,
    ok: bool,
    error: Option<String>,
    did: String,
}

/// A source as it is shown.
#[derive(Serialize)]
struct SourceShown {
    name: String,
    encoded: String,
    kind: String,
    schedule: String,
    next: Option<String>,
    running: bool,
    papers: u64,
    succeeded: Option<String>,
    error: Option<String>,
    failures: u64,
}

/// `GET /admin`
pub async fn admin(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    let runner = app.runner();
    app.page(visitor, 0, move |engine, _| {
        given?.0.nothing_else()?;
        let info = engine.info()?;
        let jobs: Vec<JobShown> = runner?
            .jobs()?
            .into_iter()
            .map(|job| JobShown {
                encoded: encoded(&job.name),
                next: job.next.map(minute),
                running: job.since.filter(|_| job.running).map(minute),
                failures: job.failures,
                last: job.last.as_ref().map(|last| minute(last.began)),
                took: job.last.as_ref().map(|last| seconds(last.took_s)),
                ok: job.last.as_ref().is_none_or(|last| last.ok),
                error: job.last.as_ref().and_then(|last| last.error.as_deref().map(shown)),
                did: job.last.map(|last| last.did.iter().map(|(what, n)| format!("{n} {what}")).collect::<Vec<_>>().join(", ")).unwrap_or_default(),
                name: job.name,
                about: job.about,
                schedule: job.schedule,
            })
            .collect();
        let sources: Vec<SourceShown> = source_views(engine, engine.config())?
            .into_iter()
            .map(|source| SourceShown {
                encoded: encoded(&source.name),
                next: source.next.map(minute),
                running: source.running,
                papers: source.papers,
                succeeded: source.succeeded.map(minute),
                error: source.error.as_deref().map(shown),
                failures: source.failures,
                name: source.name,
                kind: source.kind,
                schedule: source.schedule,
            })
            .collect();
        let subscriptions = engine.subscriptions(SUBSCRIPTIONS, None)?;
        let (undelivered, undelivered_total) = engine.undelivered_subscriptions(UNDELIVERED)?;
        let troubles: Vec<(String, String)> =
            info.troubles.iter().map(|trouble| (trouble.message.clone(), minute(trouble.since))).collect();
        let shows = context! {
            info => Serde(&info), jobs => Serde(jobs), sources => Serde(sources), troubles => Serde(troubles),
            sizes => context! { store => bytes(info.disk.store), index => bytes(info.disk.index), words => bytes(info.disk.words) },
            recall => info.index.state.recall.map(|recall| format!("{:.1}%", 100.0 * recall)),
            keys => Serde(engine.keys()), subscriptions => Serde(&subscriptions.items), subscriptions_total => subscriptions.total,
            undelivered => Serde(undelivered), undelivered_total,
            readers => info.users, now => minute(Moment::now()),
        };
        Ok(Page::new("admin.html", text_of("admin", "title"), shows).at("admin"))
    })
    .await
}

fn seconds(s: f64) -> String {
    if s < 60.0 { format!("{s:.1} s") } else { format!("{:.0} min", s / 60.0) }
}

fn bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{} kB", n / 1_000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}
