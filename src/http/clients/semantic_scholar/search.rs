//! Searching, and what a title that is being typed may be.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::fields::{WHY, Wanted};
use super::shape::{self, ScholarPaper};
use super::{beyond, limit, listed, nothing_else};
use crate::bounds;
use crate::engine::{SearchRequest, SuggestionKind};
use crate::error::Error;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::http::request_fields::{Field, RequestFields};
use crate::paper::{Filter, PaperDate};

/// Papers in one page of a search, and in all its pages together.
const PAGE: usize = 100;
const REACH: usize = 1_000;

/// Titles that a text may go on as.
const SUGGESTED: usize = 10;

/// A page of papers that were found.
#[derive(Serialize, ToSchema)]
pub struct ScholarPage {
    /// How many match on all pages.
    total: usize,
    /// How many were passed over.
    offset: usize,
    /// The offset of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
    /// The best first.
    #[schema(value_type = Vec<ScholarPaper>)]
    data: Vec<Map<String, Value>>,
}

/// The paper whose title is meant.
#[derive(Serialize, ToSchema)]
pub struct ScholarMatch {
    /// One.
    #[schema(value_type = Vec<ScholarPaper>)]
    data: Vec<Map<String, Value>>,
}

/// Titles that begin like what is being typed.
#[derive(Serialize, ToSchema)]
pub struct ScholarSuggestions {
    /// The likeliest first.
    matches: Vec<ScholarSuggestion>,
}

/// A title.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScholarSuggestion {
    /// The paper's id.
    id: String,
    /// Its title.
    title: String,
    /// Its first author and its year.
    authors_year: String,
}

/// Papers for words, as Semantic Scholar finds them
///
/// What `GET /v1/search?matching=true` gives. `year` is `2019`, `2016-2020`, `2010-` or `-2015`; `publicationDateOrYear` a date or
/// `from:to` with either end missing; `fieldsOfStudy` names fields, or categories as papers here have them. `offset` and `limit`
/// together reach to 1,000. Filters for what is not held here (`venue`, `publicationTypes`, `openAccessPdf`, `minCitationCount`) are 400.
/// Every parameter of our own search may stand behind a `_`, `_score` and `_why` among the fields.
#[utoipa::path(get, operation_id = "scholar_search", path = "/graph/v1/paper/search", tag = "semantic scholar",
    params(("query" = String, Query, description = "what is looked for"),
           ("fields" = Option<String>, Query, description = "what is wanted of each paper, with commas"),
           ("offset" = Option<u32>, Query, description = "papers to pass over first"),
           ("limit" = Option<u32>, Query, description = "papers wanted, 1 to 100, default 100"),
           ("year" = Option<String>, Query, description = "years"),
           ("publicationDateOrYear" = Option<String>, Query, description = "dates"),
           ("fieldsOfStudy" = Option<String>, Query, description = "papers in any of these fields, with commas")),
    responses((status = 200, body = ScholarPage)))]
pub async fn search(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let asked = asked(&mut given)?;
    let offset = given.take("offset").whole()?.unwrap_or(0);
    let limit = limit(&given.take("limit"), PAGE)?;
    nothing_else(&given)?;
    if offset.saturating_add(limit) > REACH {
        let message = format!("Requested data for this limit and/or offset is not available: together at most {REACH}");
        return Err(ApiError::bad_request(message));
    }
    let Asked { query, wanted, mut request } = asked;
    (request.ask.limit, request.ask.offset) = (limit, offset);
    app.answer(move |engine| {
        let answer = engine.search_with(&query, &request)?;
        let total = answer.meta.total;
        let next = offset + answer.papers.len();
        let data = answer.papers.iter().map(|hit| shape::paper(&wanted, &hit.paper, Some(hit))).collect();
        Ok(ScholarPage { total, offset, next: (next < total.min(REACH) && next > offset).then_some(next), data })
    })
    .await
}

/// The paper whose title is meant, as Semantic Scholar finds it
///
/// The best of what a search finds; 404 where nothing matches.
#[utoipa::path(get, operation_id = "scholar_match", path = "/graph/v1/paper/search/match", tag = "semantic scholar",
    params(("query" = String, Query, description = "the title"),
           ("fields" = Option<String>, Query, description = "what is wanted of the paper, with commas"),
           ("year" = Option<String>, Query, description = "years"),
           ("publicationDateOrYear" = Option<String>, Query, description = "dates"),
           ("fieldsOfStudy" = Option<String>, Query, description = "papers in any of these fields, with commas")),
    responses((status = 200, body = ScholarMatch)))]
pub async fn title_match(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let Asked { query, wanted, mut request } = asked(&mut given)?;
    // The client sends them with whatever it asks.
    drop((given.take("offset"), given.take("limit")));
    nothing_else(&given)?;
    request.ask.limit = 1;
    let found = app
        .blocking(move |engine| {
            let answer = engine.search_with(&query, &request)?;
            Ok(answer.papers.first().map(|hit| shape::paper(&wanted, &hit.paper, Some(hit))))
        })
        .await?;
    match found {
        Some(paper) => app.answer(move |_| Ok(ScholarMatch { data: vec![paper] })).await,
        None => Err(ApiError::new(StatusCode::NOT_FOUND, "Title match not found")),
    }
}

/// What a title that is being typed may be, as Semantic Scholar suggests it
#[utoipa::path(get, operation_id = "scholar_autocomplete", path = "/graph/v1/paper/autocomplete", tag = "semantic scholar",
    params(("query" = String, Query, description = "what was typed so far; its first 100 characters count")),
    responses((status = 200, body = ScholarSuggestions)))]
pub async fn autocomplete(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let typed: String = query(&given.take("query"))?.chars().take(100).collect();
    nothing_else(&given)?;
    app.answer(move |engine| {
        let mut matches = Vec::new();
        for suggestion in engine.suggest(&typed, bounds::SUGGESTIONS)? {
            let (SuggestionKind::Title, Some(id)) = (suggestion.kind, suggestion.id) else { continue };
            let authors_year = match engine.paper(&id) {
                Ok(paper) => shape::authors_and_year(&paper),
                // Taken away meanwhile.
                Err(Error::NotFound { .. }) => continue,
                Err(e) => return Err(e),
            };
            matches.push(ScholarSuggestion { id, title: suggestion.value, authors_year });
            if matches.len() == SUGGESTED {
                break;
            }
        }
        Ok(ScholarSuggestions { matches })
    })
    .await
}

/// A search as it was asked for.
struct Asked {
    query: String,
    wanted: Wanted,
    request: SearchRequest,
}

fn query(field: &Field) -> Result<String, ApiError> {
    let query: Option<String> = field.word()?;
    query.ok_or_else(|| ApiError::bad_request("Missing required parameter: query"))
}

fn asked(given: &mut RequestFields) -> Result<Asked, ApiError> {
    let mut own = beyond(given);
    let not_held = ["venue", "publicationTypes", "openAccessPdf", "minCitationCount"];
    if let Some(name) = not_held.into_iter().find(|name| given.0.contains_key(*name)) {
        return Err(ApiError::bad_request(format!("papers cannot be filtered by {name} here: leave it away")));
    }
    let query = query(&given.take("query"))?;
    let wanted = Wanted::read(&given.take("fields"))?;
    let mut ask = own.ask()?;
    own.nothing_else()?;
    ask.explain |= wanted.has(WHY);
    years(&given.take("year"), '-', &mut ask.filter)?;
    years(&given.take("publicationDateOrYear"), ':', &mut ask.filter)?;
    let fields = listed(&given.take("fieldsOfStudy"))?;
    ask.filter.categories.extend(fields.iter().flat_map(|field| shape::categories_of(field)));
    ask.filter.check()?;
    Ok(Asked { query, wanted, request: SearchRequest { matching: true, ..ask.into() } })
}

/// Narrows a filter to dates, which are one or two with a sign between them; either of two may be missing.
fn years(field: &Field, between: char, filter: &mut Filter) -> Result<(), ApiError> {
    let Some(text) = field.word::<String>()? else { return Ok(()) };
    let (from, to) = text.split_once(between).unwrap_or((&text, &text));
    let date = |text: &str| match text.trim() {
        "" => Ok(None),
        date => PaperDate::parse(date).map(Some).map_err(|e| ApiError::bad_request(format!("{}: {e}", field.name))),
    };
    let (from, to) = (date(from)?, date(to)?);
    // Of two conditions the narrower counts.
    if let Some(from) = from
        && filter.from.as_ref().is_none_or(|known| known.first_day() < from.first_day())
    {
        filter.from = Some(from);
    }
    if let Some(to) = to
        && filter.to.as_ref().is_none_or(|known| known.last_day() > to.last_day())
    {
        filter.to = Some(to);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn years_and_dates_are_read_as_semantic_scholar_writes_them() {
        for (text, between, from, to) in [
            ("2019", '-', Some("2019"), Some("2019")),
            ("2016-2020", '-', Some("2016"), Some("2020")),
            ("2010-", '-', Some("2010"), None),
            ("-2015", '-', None, Some("2015")),
            ("2019-03-05", ':', Some("2019-03-05"), Some("2019-03-05")),
            ("2019-03", ':', Some("2019-03"), Some("2019-03")),
            ("2016-03-05:2020-06-06", ':', Some("2016-03-05"), Some("2020-06-06")),
            ("1981-08-25:", ':', Some("1981-08-25"), None),
            (":2015-01", ':', None, Some("2015-01")),
            (":", ':', None, None),
        ] {
            let mut filter = Filter::default();
            years(&Field { name: "year", value: Some(json!(text)) }, between, &mut filter).expect(text);
            let read = |date: &Option<PaperDate>| date.as_ref().map(|date| date.as_str().to_string());
            assert_eq!((read(&filter.from).as_deref(), read(&filter.to).as_deref()), (from, to), "{text}");
        }
        for text in ["soon", "2019-2020-2021", "19"] {
            let field = Field { name: "year", value: Some(json!(text)) };
            assert_eq!(years(&field, '-', &mut Filter::default()).expect_err(text).status, StatusCode::BAD_REQUEST);
        }
    }
}
