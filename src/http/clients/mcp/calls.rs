//! What each tool does: arguments as the API takes them, the work of the API, and what came of it told twice.

use rmcp::model::JsonObject;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::place::{Asking, Place};
use super::told::{self, Detail, Told, counted, line};
use super::tools::Call;
use crate::engine::{
    Engine, Feed, Listing, PaperOrder, SearchOptions, Since, Sort, ThemeOptions, ThemeOrder, ThemesOptions,
};
use crate::error::{Error, Result};
use crate::http::error::ApiError;
use crate::http::feed::take_feed;
use crate::http::request_fields::RequestFields;
use crate::http::{recommend, search};
use crate::paper::{Filter, Paper, PaperDate, category, unaccented};
use crate::user::Moment;

/// Papers of a day where nothing is said.
const DAY: usize = 20;

/// Themes that are listed where nothing is said.
const THEMES: usize = 20;

/// Papers of a day that are read at a time, when some of them are wanted.
const PAGE: usize = 500;

/// Characters of a query that a heading repeats.
const REPEATED: usize = 80;

/// Does what a tool does.
///
/// # Errors
/// Those of the API for the same call.
pub async fn call(place: &Place, asking: &Asking, call: Call, arguments: Option<JsonObject>) -> Result<Told, ApiError> {
    let mut given = call.arguments(arguments)?;
    match call {
        Call::Search => papers_for_query(place, asking, given).await,
        Call::Similar => {
            let id: Option<String> = given.take("id").word()?;
            let id = id.ok_or_else(|| ApiError::bad_request("give one id"))?;
            let detail = detail(&mut given)?;
            let ask = explained(given.ask()?);
            given.nothing_else()?;
            let work = move |engine: &Engine| {
                let (paper, answer) = (engine.paper(&id)?, engine.similar(&id, &ask)?);
                let heading = format!("Papers like “{}”:", line(&paper.title));
                told::hits(&heading, &answer.papers, &answer.meta, ask.offset, detail)
            };
            place.work(asking, work).await
        }
        Call::Recommend => {
            let detail = detail(&mut given)?;
            let mut request = recommend::request(given, &asking.caller)?;
            request.ask = explained(request.ask);
            let work = move |engine: &Engine| {
                let answer = engine.recommend(&request)?;
                told::hits("Recommended papers:", &answer.papers, &answer.meta, request.ask.offset, detail)
            };
            place.work(asking, work).await
        }
        Call::Daily => daily(place, asking, given).await,
        Call::Get => {
            let id: Option<String> = given.take("id").word()?;
            let id = id.ok_or_else(|| ApiError::bad_request("give one id"))?;
            place.work(asking, move |engine| told::paper(&engine.paper_in_full(&id)?)).await
        }
        Call::Themes => themes(place, asking, given).await,
    }
}

fn detail(given: &mut RequestFields) -> Result<Detail, ApiError> {
    let abstracts = given.take("abstracts").truth()?.unwrap_or(false);
    Ok(Detail { abstracts, explain: given.take("explain").truth()?.unwrap_or(false) })
}

/// The same with the reasons, of which a sentence is always told.
fn explained(ask: SearchOptions) -> SearchOptions {
    SearchOptions { explain: true, ..ask }
}

async fn papers_for_query(place: &Place, asking: &Asking, mut given: RequestFields) -> Result<Told, ApiError> {
    let query: Option<String> = given.take("query").word()?;
    let query = query.unwrap_or_default();
    let detail = detail(&mut given)?;
    let mut request = search::request(&mut given)?;
    request.ask = explained(request.ask);
    given.nothing_else()?;
    let themed = !request.ask.filter.themes.is_empty();
    if themed {
        place.themes_settled(asking).await?;
    }
    let work = move |engine: &Engine| {
        let answer = engine.search_with(&query, &request)?;
        let asked = told::cut(&line(&query), REPEATED);
        let mut heading = match (answer.papers.is_empty(), asked.is_empty()) {
            (true, _) => "No paper was found.".to_string(),
            (false, true) => format!("Papers (of {}):", answer.meta.total),
            (false, false) => format!("Papers for “{asked}” (of {} that were looked at):", answer.meta.total),
        };
        for correction in &answer.meta.corrected {
            heading.push_str(&format!(
                "\nNo paper holds “{}”; “{}” was looked for.",
                line(&correction.from),
                line(&correction.to)
            ));
        }
        told::hits(&heading, &answer.papers, &answer.meta, request.ask.offset, detail)
    };
    place.work(asking, work).await.map_err(|e| if themed { place.themes_missing(e) } else { e })
}

async fn daily(place: &Place, asking: &Asking, mut given: RequestFields) -> Result<Told, ApiError> {
    let named: Option<String> = given.take("user").word()?;
    let is_named = named.is_some();
    let reader = asking.reader(named)?.map(|reader| reader.name().to_string());
    let detail = detail(&mut given)?;
    given.0.entry("limit").or_insert(DAY.into());
    let feed = take_feed(&mut given)?;
    given.nothing_else()?;
    place.work(asking, move |engine| of_day(engine, reader, is_named, feed, detail)).await
}

/// The feed of a reader, or the list of everybody.
///
/// # Errors
/// [`Error::NotFound`] for a reader who was named and is not there.
pub fn of_day(engine: &Engine, reader: Option<String>, is_named: bool, mut feed: Feed, detail: Detail) -> Result<Told> {
    if matches!(feed.since, Since::Ever)
        && let Some(today) = engine.today()?
    {
        feed.since = Since::Date(PaperDate::parse(&iso(today))?);
    }
    let days = match &feed.since {
        Since::Date(date) => Some(date.days()),
        Since::Moment(moment) => Some((moment.day(), Moment::now().day())),
        _ => None,
    };
    let when = match &feed.since {
        Since::Date(date) => format!(" of {date}"),
        Since::Moment(moment) => format!(" since {}", iso(moment.day())),
        _ => String::new(),
    };
    let mut about = Map::new();
    if let Some((first, _)) = days {
        about.insert("from".into(), iso(first).into());
    }
    let is_known = match &reader {
        Some(name) if !is_named => match engine.user(name) {
            Ok(_) => true,
            Err(Error::NotFound { .. }) => false,
            Err(e) => return Err(e),
        },
        _ => true,
    };
    match reader {
        // Of somebody who never did anything nothing is known: they read what everybody reads.
        Some(name) if is_known => {
            feed.ask = explained(feed.ask);
            let answer = engine.feed(&name, &feed)?;
            about.insert("user".into(), name.as_str().into());
            let own = answer.papers.iter().filter(|hit| hit.for_you == Some(true)).count();
            let heading = match answer.papers.iter().any(|hit| hit.for_you.is_some()) {
                true => format!("Papers{when} for {}: {own} for them, then others:", line(&name)),
                false => format!("Papers{when} for {}:", line(&name)),
            };
            told::hits(&heading, &answer.papers, &with(&answer.meta, about)?, 0, detail)
        }
        _ => {
            let (papers, total) = listed(engine, days, &feed.ask)?;
            about.insert("total".into(), total.into());
            let heading = format!("{} of {}{when}, most votes first:", papers.len(), counted(total, "paper"));
            told::papers(&heading, &papers, &about, detail)
        }
    }
}

/// The papers of some days, most votes first, and how many there are.
fn listed(engine: &Engine, days: Option<(i32, i32)>, ask: &SearchOptions) -> Result<(Vec<Paper>, usize)> {
    let filter = &ask.filter;
    let whole = filter.categories.is_empty() && filter.authors.is_empty();
    let mut listing = Listing { days, sort: Sort::Upvotes, limit: if whole { ask.limit } else { PAGE }, cursor: None };
    let (mut papers, mut total) = (Vec::new(), 0);
    loop {
        crate::cancel::check()?;
        let page = engine.list(&listing)?;
        if whole {
            return Ok((page.items, page.total));
        }
        for paper in page.items.into_iter().filter(|paper| passes(paper, filter)) {
            total += 1;
            if papers.len() < ask.limit {
                papers.push(paper);
            }
        }
        listing.cursor = page.next;
        if listing.cursor.is_none() {
            return Ok((papers, total));
        }
    }
}

/// Whether a paper is in one of the categories and by one of the authors that are wanted.
fn passes(paper: &Paper, filter: &Filter) -> bool {
    let in_category = |wanted: &String| {
        let wanted = category::folded(wanted);
        let classes = category::classes(&wanted);
        paper.categories.iter().map(|own| category::folded(own)).any(|own| own == wanted || classes.contains(&own))
    };
    let by_author = |wanted: &String| {
        let wanted = unaccented(wanted);
        paper.authors.iter().any(|own| unaccented(own) == wanted)
    };
    (filter.categories.is_empty() || filter.categories.iter().any(in_category))
        && (filter.authors.is_empty() || filter.authors.iter().any(by_author))
}

async fn themes(place: &Place, asking: &Asking, mut given: RequestFields) -> Result<Told, ApiError> {
    let id: Option<String> = given.take("id").word()?;
    match id {
        Some(id) => {
            let detail = Detail { abstracts: given.take("abstracts").truth()?.unwrap_or(false), explain: false };
            let default = ThemeOptions::default();
            let ask = ThemeOptions {
                order: given.take("sort").word::<PaperOrder>()?.unwrap_or_default(),
                q: given.take("query").word()?,
                limit: given.take("limit").whole()?.unwrap_or(default.limit),
                offset: given.take("offset").whole()?.unwrap_or(0),
                filter: given.filter()?,
            };
            given.nothing_else()?;
            place.themes_settled(asking).await?;
            let work = move |engine: &Engine| told::theme(&engine.theme(&id, &ask)?, detail, ask.offset);
            place.work(asking, work).await
        }
        None => {
            let level = given.take("level").whole()?;
            let about = given.take("about").whole()?.or(level.is_none().then_some(THEMES));
            let ask = ThemesOptions {
                level,
                about,
                order: given.take("sort").word::<ThemeOrder>()?.unwrap_or_default(),
                limit: given.take("limit").whole()?,
                offset: given.take("offset").whole()?.unwrap_or(0),
            };
            given.nothing_else()?;
            place.themes_settled(asking).await?;
            place.work(asking, move |engine| told::themes(&engine.themes(&ask)?)).await
        }
    }
    .map_err(|e| place.themes_missing(e))
}

/// `2026-03-04`.
fn iso(day: i32) -> String {
    Moment::of_day(day).to_string().chars().take(10).collect()
}

/// Something as JSON with further fields.
fn with(what: &impl Serialize, more: Map<String, Value>) -> Result<Value> {
    let failed = |e: serde_json::Error| Error::Internal(format!("an answer could not be written: {e}"));
    let mut all = match serde_json::to_value(what).map_err(failed)? {
        Value::Object(fields) => fields,
        other => return Ok(json!({ "meta": other })),
    };
    all.extend(more);
    Ok(Value::Object(all))
}
