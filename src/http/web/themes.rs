//! `GET /themes`: the tree of themes; `GET /theme/{id}`: one of them; `GET /map`: all papers on a plane.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::cards::plain_cards;
use super::pages::Page;
use super::rich;
use super::texts::text_of;
use super::visitor::{Visitor, followed};
use crate::engine::{Engine, PaperOrder, Theme, ThemeOptions, ThemesOptions};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Params};
use crate::paper::percent::encoded;
use crate::paper::{head, shown};
use crate::user::Follow;

/// Papers a page.
const PAGE: usize = 20;

/// Events that are told beside the tree.
const EVENTS: usize = 12;

/// Width and height of a sparkline.
const LINE: (f32, f32) = (72.0, 18.0);

/// A theme as it is shown.
#[derive(Serialize)]
struct ThemeShown {
    id: String,
    path: String,
    name: String,
    terms: String,
    size: usize,
    /// `rising`, `falling` or `steady`.
    direction: String,
    per_week: f64,
    /// The points of a line through the papers of each week.
    line: String,
    examples: Vec<String>,
    children: Vec<ThemeShown>,
}

/// Something that happened.
#[derive(Serialize)]
struct EventShown {
    kind: String,
    text: String,
    on: String,
    path: String,
}

/// `GET /themes`
pub async fn themes(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.themes_settled().await;
    app.page(visitor, 0, move |engine, _| {
        given?.0.nothing_else()?;
        let list = engine.themes(&ThemesOptions::default())?;
        let tree: Vec<ThemeShown> =
            list.themes.iter().filter(|theme| theme.parent.is_none()).map(|theme| tree_of(theme, &list.themes)).collect();
        let events = engine.theme_events(EVENTS)?.events;
        let events: Vec<EventShown> = events
            .into_iter()
            .map(|e| EventShown {
                path: format!("theme/{}", encoded(&e.theme)),
                kind: e.kind,
                text: shown(&e.text),
                on: e.at.get(..10).unwrap_or_default().to_string(),
            })
            .collect();
        let shows = context! {
            tree => Serde(tree), events => Serde(events), papers => list.meta.papers, sizes => list.meta.sizes.clone(),
            unassigned => list.meta.unassigned, run_at => list.meta.run_at.as_ref().and_then(|at| at.get(..10).map(str::to_string)),
        };
        Ok(Page::new("themes.html", text_of("themes", "title"), shows).at("themes"))
    })
    .await
}

fn tree_of(theme: &Theme, all: &[Theme]) -> ThemeShown {
    let children = theme.children.iter().filter_map(|id| all.iter().find(|t| t.id == *id)).map(|t| tree_of(t, all));
    ThemeShown { children: children.collect(), ..theme_shown(theme) }
}

fn theme_shown(theme: &Theme) -> ThemeShown {
    let direction = serde_json::to_value(theme.trend.direction).ok();
    ThemeShown {
        path: format!("theme/{}", encoded(&theme.id)),
        name: shown(&theme.name),
        terms: theme.terms.iter().take(6).map(|term| shown(term)).collect::<Vec<_>>().join(", "),
        size: theme.size,
        direction: direction.and_then(|d| d.as_str().map(str::to_string)).unwrap_or_default(),
        per_week: theme.trend.per_week,
        line: sparkline(&theme.trend.weeks),
        examples: theme.examples.iter().take(3).map(|example| rich::text(&example.title)).collect(),
        children: Vec::new(),
        id: theme.id.clone(),
    }
}

/// The points of a line through some counts, oldest first; nothing for less than two.
fn sparkline(weeks: &[u32]) -> String {
    let most = weeks.iter().copied().max().unwrap_or(0).max(1) as f32;
    let step = LINE.0 / (weeks.len().max(2) - 1) as f32;
    let point = |(k, n): (usize, &u32)| {
        format!("{:.1},{:.1}", k as f32 * step, LINE.1 - 1.0 - (LINE.1 - 2.0) * *n as f32 / most)
    };
    if weeks.len() < 2 { String::new() } else { weeks.iter().enumerate().map(point).collect::<Vec<_>>().join(" ") }
}

/// `GET /theme/{id}`
pub async fn theme(
    State(app): State<App>,
    visitor: Visitor,
    id: Result<Id, ApiError>,
    given: Result<Params, ApiError>,
) -> Response {
    app.page(visitor, 1, move |engine, visitor| {
        let (Id(id), Params(mut given)) = (id?, given?);
        let mut take = |name| given.take(name);
        let sort: Option<PaperOrder> = take("sort").word()?;
        let q: Option<String> = take("q").word()?;
        let page_number: usize = take("page").whole()?.unwrap_or(1);
        given.nothing_else()?;
        let ask = ThemeOptions {
            order: sort.unwrap_or_default(),
            limit: PAGE,
            offset: page_number.saturating_sub(1).saturating_mul(PAGE),
            q: q.map(|q| q.trim().to_string()).filter(|q| !q.is_empty()),
            ..ThemeOptions::default()
        };
        theme_page(engine, visitor, &id, &ask, page_number)
    })
    .await
}

fn theme_page(
    engine: &Engine,
    visitor: &Visitor,
    id: &str,
    ask: &ThemeOptions,
    page_number: usize,
) -> Result<Page, ApiError> {
    let one = engine.theme(id, ask)?;
    let papers = one.papers.into_iter().map(|paper| paper.paper).collect::<Vec<_>>();
    let seen = ask.offset + papers.len();
    let cards = plain_cards(engine, visitor.name(), papers)?;
    let followed = followed(engine, visitor.name(), &Follow::Theme(id.to_string()))?;
    let named = |id: &str, name: &str| context! { name => shown(name), path => format!("theme/{}", encoded(id)) };
    let history: Vec<EventShown> = one
        .history
        .into_iter()
        .take(EVENTS)
        .map(|e| EventShown {
            path: String::new(),
            kind: e.kind,
            text: shown(&e.text),
            on: e.at.get(..10).unwrap_or_default().to_string(),
        })
        .collect();
    let shows = context! {
        theme => Serde(theme_shown(&one.theme)), cards => Serde(cards), total => one.meta.total,
        path => one.path.iter().map(|t| named(&t.id, &t.name)).collect::<Vec<_>>(),
        subthemes => Serde(one.subthemes.iter().map(theme_shown).collect::<Vec<_>>()),
        related => one.related.iter().map(|t| named(&t.id, &t.name)).collect::<Vec<_>>(),
        history => Serde(history), sort => Serde(ask.order), q => ask.q.as_deref(), since => one.theme.since.as_str(),
        next => (seen < one.meta.total).then_some(page_number + 1), page => page_number,
        encoded_id => encoded(id), id, followed, encoded_reader => visitor.name().map(encoded),
    };
    Ok(Page::new("theme.html", head(&shown(&one.theme.name), 120), shows).at("themes"))
}

/// `GET /map`
pub async fn map(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |_, _| {
        given?.0.nothing_else()?;
        Ok(Page::new("map.html", text_of("themes", "map_title"), context! {}).at("themes"))
    })
    .await
}
