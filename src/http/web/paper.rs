//! `GET /paper/{id}`: one paper, with what is like it.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::cards::{Card, Named, Told, author, cards, path_of, plain_cards, search_for};
use super::dates;
use super::pages::Page;
use super::rich;
use super::visitor::{Visitor, known};
use crate::engine::{Engine, FolderView, SearchOptions};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Params};
use crate::paper::percent::encoded;
use crate::paper::{PaperDate, PaperId, shown};

/// Neighbours that stand beside a paper.
const NEIGHBOURS: usize = 10;

/// Neighbours that are shown when more are asked for.
const MORE: usize = 50;

/// Another version of the paper.
#[derive(Serialize)]
struct Version {
    id: String,
    path: String,
    date: Option<String>,
}

/// What a reader made of a paper for themselves.
#[derive(Serialize)]
struct Own {
    /// Their note on it; empty where they wrote none.
    note: String,
    /// Their folders, and whether it is in each.
    folders: Vec<FolderMark>,
}

/// A folder of the reader.
#[derive(Serialize)]
struct FolderMark {
    id: String,
    name: String,
    holds: bool,
}

/// `GET /paper/{id}`
pub async fn paper(
    State(app): State<App>,
    visitor: Visitor,
    id: Result<Id, ApiError>,
    given: Result<Params, ApiError>,
) -> Response {
    app.page(visitor, 1, move |engine, visitor| {
        let (Id(id), Params(mut given)) = (id?, given?);
        let more = given.take("more").truth()?.unwrap_or(false);
        given.nothing_else()?;
        page(engine, visitor, &id, more)
    })
    .await
}

fn page(engine: &Engine, visitor: &Visitor, id: &str, more: bool) -> Result<Page, ApiError> {
    let full = engine.paper_in_full(id)?;
    let paper = full.paper;
    let limit = if more { MORE } else { NEIGHBOURS };
    let ask = SearchOptions { limit, explain: true, ..SearchOptions::default() };
    let near = engine.similar(paper.id.as_str(), &ask)?;
    let neighbours = cards(engine, visitor.name(), &near.papers, Told::Likeness)?;
    let versions: Vec<Version> = full
        .versions
        .into_iter()
        .map(|version| Version {
            path: PaperId::new(&*version.id).map(|id| path_of(&id)).unwrap_or_default(),
            date: version.date.and_then(|date| PaperDate::read(&date).ok()).map(|date| dates::of_paper(&date)),
            id: version.id,
        })
        .collect();
    let card: Option<Card> = plain_cards(engine, visitor.name(), vec![paper.clone()])?.into_iter().next();
    let own = visitor.name().map(|reader| own_of(engine, reader, &paper.id)).transpose()?;
    let shows = context! {
        own => Serde(own), encoded_reader => visitor.name().map(encoded),
        card => Serde(card), versions => Serde(versions), neighbours => Serde(neighbours), more,
        authors => Serde(paper.authors.iter().map(|name| author(name)).collect::<Vec<Named>>()),
        abstract => rich::summary(&paper.summary, None), has_abstract => !paper.summary.trim().is_empty(),
        keywords => Serde(paper.keywords.iter().map(|word| Named { name: shown(word), path: format!("search?q={}", encoded(word)) }).collect::<Vec<_>>()),
        categories => Serde(paper.categories.iter().map(|name| search_for("category", name)).collect::<Vec<_>>()),
        date => paper.date.as_ref().map(dates::of_paper), listed => paper.listed.as_ref().map(dates::of_paper),
        listed_path => paper.listed.as_ref().map(|day| format!("?date={day}")),
        submitted_by => paper.submitted_by.as_deref().map(shown),
        retirement => paper.retirement().map(|what| what.word()),
        id => paper.id.as_str(), encoded_id => encoded(paper.id.as_str()),
    };
    Ok(Page { depth: 1, ..Page::new("paper.html", rich::text(&paper.title), shows) }.at("paper"))
}

fn own_of(engine: &Engine, reader: &str, id: &PaperId) -> Result<Own, ApiError> {
    let note = known(engine.note(reader, id))?.flatten();
    let folders = known(engine.folders(reader))?;
    let held =
        engine.opinions(reader, std::slice::from_ref(id))?.pop().map(|opinion| opinion.folders).unwrap_or_default();
    let mark =
        |folder: FolderView| FolderMark { name: shown(&folder.name), holds: held.contains(&folder.id), id: folder.id };
    let folders = folders.map(|list| list.folders.into_iter().map(mark).collect()).unwrap_or_default();
    Ok(Own { note: note.map(|note| note.text).unwrap_or_default(), folders })
}
