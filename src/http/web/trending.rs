//! `GET /trending`: what is noticed most of late.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;

use super::cards::plain_cards;
use super::pages::Page;
use super::texts::text_of;
use super::visitor::Visitor;
use crate::engine::SearchOptions;
use crate::error::Error;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;

/// Papers a page.
const PAGE: usize = 30;

/// The windows that can be chosen, with their days; the second is taken where none is.
const WINDOWS: [(&str, f32); 4] = [("day", 1.0), ("week", 7.0), ("month", 30.0), ("year", 365.0)];

/// `GET /trending`
pub async fn trending(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let window: Option<String> = given.take("window").word()?;
        let page_number: usize = given.take("page").whole()?.unwrap_or(1);
        given.nothing_else()?;
        let asked = window.as_deref().unwrap_or(WINDOWS[1].0);
        let unknown = || Error::Invalid(format!("window is {asked:?}; it is day, week, month or year"));
        let (name, days) = WINDOWS.into_iter().find(|(name, _)| *name == asked).ok_or_else(unknown)?;
        let offset = page_number.saturating_sub(1).saturating_mul(PAGE);
        let ask = SearchOptions { limit: PAGE, offset, ..SearchOptions::default() };
        let hits = engine.trending(days, &ask)?.papers;
        let full = hits.len() == PAGE;
        let cards = plain_cards(engine, visitor.name(), hits.into_iter().map(|hit| hit.paper).collect())?;
        let shows = context! {
            window => name, windows => WINDOWS.map(|(name, _)| name).to_vec(), cards => Serde(cards),
            lines => visitor.choices.look == "lines", next => full.then_some(page_number + 1), page => page_number,
        };
        Ok(Page::new("trending.html", text_of("today", "trending_title"), shows).at("today"))
    })
    .await
}
