//! `GET /library`: what a reader keeps, in folders and with notes; what they follow; what they brought.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::cards::{Card, Told, cards, plain_cards};
use super::dates;
use super::for_you::stranger;
use super::pages::Page;
use super::texts::text_of;
use super::visitor::{Visitor, known};
use crate::engine::{Engine, FolderList, Hit, InFolder, LibraryOptions, LibrarySort, SearchPapersOptions};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Params};
use crate::paper::percent::encoded;
use crate::paper::shown;
use crate::user::{EventKind, Follow};

/// Papers a page.
const PAGE: usize = 30;

/// The folder that stands for what is in none.
const NOWHERE: &str = "none";

/// A paper that is kept.
#[derive(Serialize)]
struct KeptShown {
    card: Card,
    /// Whether it is saved; else it is liked, or came with a list.
    saved: bool,
    liked: bool,
    on: Option<String>,
    in_corpus: bool,
    folders: Vec<String>,
    note: Option<String>,
    encoded_id: String,
}

/// What a reader follows.
#[derive(Serialize)]
struct SearchShown {
    id: String,
    name: String,
    kind: String,
    text: String,
    new: Option<usize>,
    muted: bool,
    problem: Option<String>,
    path: String,
}

/// A list that a reader brought.
#[derive(Serialize)]
struct ImportShown {
    id: String,
    name: String,
    status: String,
    on: String,
    done: usize,
    total: usize,
    /// What it added; of that, papers from outside the corpus; entries that were not read.
    accepted: usize,
    embedded: usize,
    rejected: usize,
    error: Option<String>,
}

/// `GET /library`
pub async fn library(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let mut take = |name| given.take(name);
        let folder: Option<String> = take("folder").word()?;
        let q: Option<String> = take("q").word()?;
        let sort: Option<LibrarySort> = take("sort").word()?;
        let kind: Option<EventKind> = take("kind").word()?;
        let page_number: usize = take("page").whole()?.unwrap_or(1);
        given.nothing_else()?;
        let Some(reader) = visitor.name() else { return Ok(stranger("library")) };
        let q = q.map(|q| q.trim().to_string()).filter(|q| !q.is_empty());
        let ask = LibraryOptions {
            query: q.clone(),
            folder: folder.as_ref().map(|id| if id == NOWHERE { InFolder::Nowhere } else { InFolder::Of(id.clone()) }),
            kind,
            sort: sort.or(q.is_none().then_some(LibrarySort::Newest)),
            limit: PAGE,
            offset: page_number.saturating_sub(1).saturating_mul(PAGE),
            ..LibraryOptions::default()
        };
        page(engine, reader, &ask, folder.as_deref(), page_number)
    })
    .await
}

fn page(
    engine: &Engine,
    reader: &str,
    ask: &LibraryOptions,
    folder: Option<&str>,
    page_number: usize,
) -> Result<Page, ApiError> {
    let folders = known(engine.folders(reader))?;
    // A folder that is not there is an error; of whom nothing is known keeps nothing.
    let found = match folders {
        Some(_) => engine.library(reader, ask)?,
        None => crate::engine::Page { items: Vec::new(), next: None, total: 0 },
    };
    let folders = folders.unwrap_or(FolderList { folders: Vec::new(), papers: 0, unfiled: 0 });
    let papers = found.items.iter().map(|kept| kept.paper.clone()).collect();
    let shown_cards = plain_cards(engine, Some(reader), papers)?;
    let kept: Vec<KeptShown> = shown_cards
        .into_iter()
        .zip(&found.items)
        .map(|(card, kept)| KeptShown {
            encoded_id: encoded(&card.id),
            card,
            saved: kept.kind == Some(EventKind::Save),
            liked: kept.kind == Some(EventKind::Like),
            on: kept.at.map(|at| dates::short(at.day())),
            in_corpus: kept.in_corpus,
            folders: kept.folders.clone(),
            note: kept.note.as_ref().map(|note| note.text.clone()),
        })
        .collect();
    let named = folder.and_then(|id| folders.folders.iter().find(|f| f.id == id)).map(|f| shown(&f.name));
    let sort = ask.sort.unwrap_or(LibrarySort::Best);
    let shows = context! {
        kept => Serde(kept), total => found.total, folders => Serde(&folders.folders), all => folders.papers,
        unfiled => folders.unfiled, folder, folder_name => named, q => ask.query.as_deref(),
        sort => Serde(sort), kind => Serde(ask.kind), page => page_number,
        pages => found.total.div_ceil(PAGE), next => found.next.is_some().then_some(page_number + 1),
        searches => Serde(followed(engine, reader)?), imports => Serde(imports(engine, reader)?),
        encoded_reader => encoded(reader),
    };
    Ok(Page::new("library.html", text_of("library", "title"), shows).at("library"))
}

fn followed(engine: &Engine, reader: &str) -> Result<Vec<SearchShown>, ApiError> {
    let all = known(engine.searches(reader))?.unwrap_or_default();
    let one = |search: crate::engine::SearchView| SearchShown {
        path: format!("library/searches/{}", encoded(&search.id)),
        name: shown(&search.name),
        text: shown(search.what.text()),
        kind: search.kind,
        new: search.new,
        muted: search.muted,
        problem: search.problem,
        id: search.id,
    };
    Ok(all.into_iter().map(one).collect())
}

fn imports(engine: &Engine, reader: &str) -> Result<Vec<ImportShown>, ApiError> {
    let all = known(engine.imports(reader))?.unwrap_or_default();
    let one = |import: crate::engine::ImportView| ImportShown {
        status: serde_json::to_value(import.status)
            .ok()
            .and_then(|s| s.as_str().map(str::to_string))
            .unwrap_or_default(),
        on: dates::short(import.begun.day()),
        name: import.about.name.as_deref().map_or_else(|| import.id.clone(), shown),
        done: import.done,
        total: import.total,
        accepted: import.about.accepted,
        embedded: import.about.embedded,
        rejected: import.about.rejected_total,
        error: import.about.error.as_deref().map(shown),
        id: import.id,
    };
    Ok(all.into_iter().map(one).collect())
}

/// `GET /library/searches/{id}`
pub async fn search(
    State(app): State<App>,
    visitor: Visitor,
    id: Result<Id, ApiError>,
    given: Result<Params, ApiError>,
) -> Response {
    app.page(visitor, 2, move |engine, visitor| {
        let (Id(id), Params(mut given)) = (id?, given?);
        let new = given.take("new").truth()?.unwrap_or(false);
        let page_number: usize = given.take("page").whole()?.unwrap_or(1);
        given.nothing_else()?;
        let Some(reader) = visitor.name() else { return Ok(stranger("library")) };
        let search = engine.saved_search(reader, &id)?;
        let view = engine.searches(reader)?.into_iter().find(|view| view.id == id);
        let offset = page_number.saturating_sub(1).saturating_mul(PAGE);
        let ask = SearchPapersOptions { limit: PAGE, offset, new, explain: true };
        let found = engine.search_papers(reader, &id, &ask)?;
        let fresh: Vec<bool> = found.papers.iter().map(|hit| hit.new).collect();
        let hits: Vec<Hit> = found.papers.into_iter().map(|hit| hit.hit).collect();
        let seen = offset + hits.len();
        let shown_cards = cards(engine, Some(reader), &hits, Told::Likeness)?;
        let shows = context! {
            name => shown(&search.name), cards => Serde(shown_cards), fresh, total => found.meta.total,
            new, new_count => view.as_ref().and_then(|view| view.new),
            problem => view.as_ref().and_then(|view| view.problem.clone()), muted => view.is_some_and(|view| view.muted),
            kind => search.what.kind(), text => shown(search.what.text()),
            query => matches!(search.what, Follow::Query(_)).then(|| encoded(search.what.text())),
            next => (seen < found.meta.total).then_some(page_number + 1), page => page_number,
            id => search.id.as_str(), encoded_reader => encoded(reader), encoded_id => encoded(&search.id),
        };
        Ok(Page::new("saved_search.html", shown(&search.name), shows).at("library"))
    })
    .await
}
