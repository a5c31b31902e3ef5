//! `GET /search`: papers for words, with what they have in common counted beside them.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::cards::{Told, marked_cards};
use super::pages::Page;
use super::texts::text_of;
use super::visitor::{Visitor, followed};
use crate::engine::{Engine, Facet, FacetValue, Listing, Mode, SearchOptions, SearchRequest, SearchSort};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::paper::{Filter, PaperDate, head, shown};
use crate::user::Follow;

/// Papers a page.
const PAGE: usize = 20;

/// Values of a facet that are shown at once.
const SHOWN: usize = 6;

/// What was asked for.
struct Asked {
    q: String,
    sort: SearchSort,
    mode: Mode,
    exact: bool,
    years: Vec<String>,
    filter: Filter,
    page: usize,
}

/// A facet as it is shown.
#[derive(Serialize)]
struct FacetShown {
    /// The name of its text, and of the parameter that chooses a value.
    kind: &'static str,
    /// Its values.
    values: Vec<ValueShown>,
    /// Whether one is chosen.
    chosen: bool,
    /// How many are shown at once.
    shown: usize,
}

/// A value of a facet.
#[derive(Serialize)]
struct ValueShown {
    name: String,
    count: usize,
    chosen: bool,
    /// The same search with this value, or without it where it is chosen.
    path: String,
}

/// `GET /search`
pub async fn search(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let mut take = |name| given.take(name);
        let years: Vec<String> = take("year").texts()?;
        let mut asked = Asked {
            q: take("q").word()?.unwrap_or_default(),
            sort: take("sort").word()?.unwrap_or_default(),
            mode: take("mode").word()?.unwrap_or_default(),
            exact: take("exact").truth()?.unwrap_or(false),
            page: take("page").whole()?.unwrap_or(1),
            filter: Filter {
                from: take("from").date()?,
                to: take("to").date()?,
                categories: take("category").texts()?,
                authors: take("author").texts()?,
                organizations: take("organization").texts()?,
                sources: take("source").texts()?,
                themes: take("theme").texts()?,
                ..Filter::default()
            },
            years,
        };
        given.nothing_else()?;
        if let Some(year) = asked.years.first() {
            let year = PaperDate::parse(year).map_err(ApiError::from)?;
            (asked.filter.from, asked.filter.to) = (Some(year.clone()), Some(year));
        }
        page(engine, visitor, &asked)
    })
    .await
}

fn page(engine: &Engine, visitor: &Visitor, asked: &Asked) -> Result<Page, ApiError> {
    let q = asked.q.trim();
    let no_query = q.is_empty() && asked.filter.is_empty();
    if no_query {
        let shows = context! { blank => true };
        return Ok(Page::new("search.html", text_of("search", "title"), shows).at("search"));
    }
    let offset = asked.page.saturating_sub(1).saturating_mul(PAGE);
    let request = SearchRequest {
        ask: SearchOptions {
            limit: PAGE,
            offset,
            filter: asked.filter.clone(),
            mode: asked.mode,
            explain: true,
            ..SearchOptions::default()
        },
        facets: vec![Facet::Year, Facet::Category, Facet::Author, Facet::Theme, Facet::Source],
        sort: asked.sort,
        matching: false,
        correct: !asked.exact,
    };
    let answer = engine.search_with(q, &request)?;
    let words = if q.is_empty() { None } else { Some(engine.matched_words(q, &answer.meta.corrected)?) };
    let find = |text: &str| words.as_ref().map(|words| words.ranges(text)).unwrap_or_default();
    let cards = marked_cards(engine, visitor.name(), &answer.papers, Told::Likeness, Some(&find))?;
    let matched = answer.meta.matched;
    let total = matched.map_or(answer.meta.total, |matched| matched.papers);
    // Behind those that match the order goes on: whoever looks on finds what is near.
    let seen = offset + cards.len();
    let beyond = asked.sort == SearchSort::Relevance && cards.len() == PAGE && seen < answer.meta.total;
    let next = (seen < total && cards.len() == PAGE || beyond).then_some(asked.page + 1);
    let nearest = offset.max(total) - offset;
    let facets = answer.meta.facets.map(|facets| shown_facets(asked, facets)).unwrap_or_default();
    let corrected: Vec<(String, String)> =
        answer.meta.corrected.iter().map(|c| (shown(&c.from), shown(&c.to))).collect();
    let saved = followed(engine, visitor.name(), &Follow::Query(q.to_string()))?;
    let empty = total == 0 && engine.list(&Listing { limit: 1, ..Listing::default() })?.total == 0;
    let shows = context! {
        blank => false, empty, q, long => q.chars().count() > 160, brief => head(q, 160),
        total, all => matched.is_none_or(|matched| matched.all),
        cards => Serde(cards), facets => Serde(facets), corrected => Serde(corrected), nearest,
        sort => Serde(asked.sort), mode => Serde(asked.mode),
        sorts => Serde(choices(asked, "sort", &["relevance", "newest", "votes"])),
        modes => Serde(choices(asked, "mode", &["hybrid", "dense", "lexical"])),
        exact_path => path(asked, &[("exact", "true")], &[]),
        next => next.map(|n| path(asked, &[("page", &n.to_string())], &["page"])),
        before => (asked.page > 1).then(|| path(asked, &[("page", &(asked.page - 1).to_string())], &["page"])),
        page => asked.page, saved, can_save => visitor.reader.is_some() && !q.is_empty() && q.len() <= 2_000,
        filtered => !asked.filter.is_empty(), bare_path => format!("search?{}", pair("q", q)), api_query => api_query(asked),
    };
    let title = if q.is_empty() { text_of("search", "title") } else { head(q, 80) };
    let mut page = Page::new("search.html", title, shows).at("search");
    page.query = q.to_string();
    Ok(page)
}

fn shown_facets(asked: &Asked, facets: crate::engine::Facets) -> Vec<FacetShown> {
    let kinds: [(&'static str, Option<Vec<FacetValue>>); 5] = [
        ("year", facets.year),
        ("theme", facets.theme),
        ("category", facets.category),
        ("author", facets.author),
        ("source", facets.source),
    ];
    let facet = |(kind, values): (&'static str, Option<Vec<FacetValue>>)| {
        let values: Vec<ValueShown> = values?
            .into_iter()
            .map(|v| ValueShown {
                path: if v.chosen { without(asked, kind, &v.value) } else { with(asked, kind, &v.value) },
                name: shown(v.name.as_deref().unwrap_or(&v.value)),
                count: v.count,
                chosen: v.chosen,
            })
            .collect();
        // A facet of one value tells nothing that the total does not.
        let chosen = values.iter().any(|v| v.chosen);
        (values.len() > 1 || chosen).then_some(FacetShown { kind, values, chosen, shown: SHOWN })
    };
    kinds.into_iter().filter_map(facet).collect()
}

/// A choice with the search that makes it.
#[derive(Serialize)]
struct Choice {
    name: &'static str,
    path: String,
}

fn choices(asked: &Asked, parameter: &str, words: &[&'static str]) -> Vec<Choice> {
    let choice =
        |word: &&'static str| Choice { name: word, path: path(asked, &[(parameter, word)], &[parameter, "page"]) };
    words.iter().map(choice).collect()
}

/// The parameters of a search, in one order, so that the same search has one address.
fn parameters(asked: &Asked) -> Vec<(&'static str, String)> {
    let mut all = vec![("q", asked.q.trim().to_string())];
    if asked.sort != SearchSort::default() {
        all.push(("sort", word(&asked.sort)));
    }
    if asked.mode != Mode::default() {
        all.push(("mode", word(&asked.mode)));
    }
    if asked.exact {
        all.push(("exact", "true".into()));
    }
    let filter = &asked.filter;
    if asked.years.is_empty() {
        let dates = [("from", &filter.from), ("to", &filter.to)];
        all.extend(dates.into_iter().filter_map(|(name, date)| Some((name, date.as_ref()?.to_string()))));
    }
    let lists: [(&'static str, &[String]); 6] = [
        ("year", &asked.years),
        ("category", &filter.categories),
        ("author", &filter.authors),
        ("organization", &filter.organizations),
        ("source", &filter.sources),
        ("theme", &filter.themes),
    ];
    for (name, values) in lists {
        all.extend(values.iter().map(|value| (name, value.clone())));
    }
    if asked.page > 1 {
        all.push(("page", asked.page.to_string()));
    }
    all
}

/// A choice as the word that stands in an address.
fn word(choice: &impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default()
}

/// The search without the parameters of some names, and with others.
fn path(asked: &Asked, add: &[(&str, &str)], drop: &[&str]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters(asked).iter().filter(|(name, _)| !drop.contains(name)) {
        query.append_pair(name, value);
    }
    add.iter().for_each(|(name, value)| {
        query.append_pair(name, value);
    });
    format!("search?{}", query.finish())
}

/// With a value chosen; of years there is one at a time.
fn with(asked: &Asked, kind: &str, value: &str) -> String {
    let drop: &[&str] = if kind == "year" { &["year", "from", "to", "page"] } else { &["page"] };
    path(asked, &[(kind, value)], drop)
}

fn without(asked: &Asked, kind: &str, value: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let is_kept = |name: &str, own: &str| {
        let is_it = name == kind && own.eq_ignore_ascii_case(value) || kind == "year" && ["from", "to"].contains(&name);
        !is_it && name != "page"
    };
    for (name, own) in parameters(asked).iter().filter(|(name, own)| is_kept(name, own)) {
        query.append_pair(name, own);
    }
    format!("search?{}", query.finish())
}

/// The same search in the parameters of `v1/search`, from its beginning.
fn api_query(asked: &Asked) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters(asked) {
        // The days of a year stand in the filter.
        if !["year", "from", "to", "exact", "page"].contains(&name) && !value.is_empty() {
            query.append_pair(name, &value);
        }
    }
    for (name, date) in [("from", &asked.filter.from), ("to", &asked.filter.to)] {
        if let Some(date) = date {
            query.append_pair(name, &date.to_string());
        }
    }
    if asked.exact {
        query.append_pair("correct", "false");
    }
    query.finish()
}

fn pair(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}
