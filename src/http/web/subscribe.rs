//! `GET /subscribe`: papers by mail, in a news reader, and by saved searches, in one place.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::pages::Page;
use super::texts::text_of;
use super::visitor::{Visitor, known};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::paper::percent::encoded;
use crate::paper::shown;
use crate::user::Follow;

/// What can be subscribed to beside the day and the feed.
#[derive(Serialize)]
struct Followed {
    /// The field of the service that names it.
    field: String,
    value: String,
    name: String,
    path: String,
}

/// `GET /subscribe`
pub async fn subscribe(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let mut take = |name| given.take(name);
        let asked = ["query", "theme", "author", "category", "organization"]
            .into_iter()
            .map(|name| Ok::<_, ApiError>((name, take(name).word::<String>()?)))
            .collect::<Result<Vec<_>, _>>()?;
        given.nothing_else()?;
        let asked = asked.into_iter().find_map(|(name, value)| Some((name, value.filter(|v| !v.trim().is_empty())?)));
        let config = engine.config();
        let searches = match visitor.name() {
            Some(reader) => known(engine.searches(reader))?.unwrap_or_default(),
            None => Vec::new(),
        };
        let followed: Vec<Followed> = searches
            .into_iter()
            .map(|search| Followed {
                path: format!("library/searches/{}", encoded(&search.id)),
                name: shown(&search.name),
                field: match &search.what {
                    Follow::Query(_) => "query".into(),
                    other => other.kind().into(),
                },
                value: search.what.text().to_string(),
            })
            .collect();
        let shows = context! {
            sends_mail => config.mail.is_some(), zone => config.zone().iana_name().unwrap_or("UTC"),
            asked_field => asked.as_ref().map(|(name, _)| *name), asked_value => asked.as_ref().map(|(_, value)| value.as_str()),
            asked_name => asked.as_ref().map(|(_, value)| shown(value)),
            followed => Serde(followed), encoded_reader => visitor.name().map(encoded),
        };
        Ok(Page::new("subscribe.html", text_of("subscribe", "title"), shows).at("subscribe"))
    })
    .await
}
