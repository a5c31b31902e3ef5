//! Hugging Face's papers, as the client `huggingface_hub` reads them.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::{Engine, Listing, SearchOptions, Sort};
use crate::error::{Error, Result};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Id, NoParams, Params};
use crate::http::request_fields::RequestFields;
use crate::paper::{Identifier, Paper, PaperDate, plain};

/// Papers on a page of a list, and in the answer to a search.
const PAGE: usize = 100;
const FOUND: usize = 120;

/// Papers that are read at once to pass them over.
const STEP: usize = 500;

/// Papers that are looked at for those of one who submits, the newest first.
const LOOKED_AT: usize = 20_000;

/// A paper.
#[derive(Serialize, ToSchema, Clone)]
#[serde(rename_all = "camelCase")]
pub struct HubPaper {
    /// Its id at arXiv, with its version where the paper is one version; else its id here.
    id: String,
    /// Its authors.
    authors: Vec<HubAuthor>,
    /// When it appeared.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
    /// The title.
    title: String,
    /// The abstract.
    summary: String,
    /// Votes.
    upvotes: u32,
    #[serde(flatten)]
    told: HubTold,
}

/// What is told of a paper itself and beside it alike, as clients look for it in either place.
#[derive(Serialize, ToSchema, Clone)]
#[serde(rename_all = "camelCase")]
pub struct HubTold {
    /// The day it was put on the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_on_daily_at: Option<String>,
    /// Who put it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_by: Option<HubUser>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_on_daily_by: Option<HubUser>,
    /// Comments.
    num_comments: u32,
    /// Where it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<HubOrganization>,
    /// Its keywords.
    #[serde(rename = "ai_keywords", skip_serializing_if = "Vec::is_empty")]
    ai_keywords: Vec<String>,
    /// A summary of a sentence, where the paper was given one.
    #[serde(rename = "ai_summary", skip_serializing_if = "Option::is_none")]
    ai_summary: Option<String>,
    /// The page of its project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_page: Option<String>,
    /// Its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    github_repo: Option<String>,
    /// Stars of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    github_stars: Option<u64>,
}

/// A paper of a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubListed {
    /// The paper.
    paper: HubPaper,
    /// When it appeared.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
    /// The title.
    title: String,
    /// The abstract.
    summary: String,
    #[serde(flatten)]
    told: HubTold,
    /// Beyond Hugging Face: its id here.
    #[serde(rename = "_id")]
    own_id: String,
    /// Beyond Hugging Face: in a search, how close it is.
    #[serde(rename = "_score", skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
}

/// An author.
#[derive(Serialize, ToSchema, Clone)]
pub struct HubAuthor {
    /// The name.
    name: String,
    /// Never.
    hidden: bool,
}

/// Who put a paper on the list.
#[derive(Serialize, ToSchema, Clone)]
pub struct HubUser {
    /// The handle.
    user: String,
    /// The same.
    name: String,
    /// The same.
    fullname: String,
    /// `user`.
    r#type: &'static str,
}

/// Where a paper was made.
#[derive(Serialize, ToSchema, Clone)]
pub struct HubOrganization {
    /// What it is called.
    name: String,
    /// The same.
    fullname: String,
}

impl HubPaper {
    fn of(paper: &Paper) -> Self {
        HubPaper {
            id: hub_id(paper),
            authors: paper.authors.iter().map(|name| HubAuthor { name: text(name), hidden: false }).collect(),
            published_at: paper.date.as_ref().map(moment),
            title: text(&paper.title),
            summary: text(&paper.summary),
            upvotes: paper.upvotes.unwrap_or(0),
            told: HubTold::of(paper),
        }
    }
}

impl HubTold {
    fn of(paper: &Paper) -> Self {
        let given = |names: &[&str]| {
            let (_, json) = paper.extra.fields().find(|(name, _)| names.contains(&&**name))?;
            serde_json::from_str::<serde_json::Value>(json).ok()
        };
        let given_text = |names: &[&str]| given(names)?.as_str().map(str::to_string);
        let user =
            |name: &String| HubUser { user: name.clone(), name: name.clone(), fullname: name.clone(), r#type: "user" };
        let submitted_by = paper.submitted_by.as_ref().map(user);
        let organization = paper.organization.as_deref().map(text);
        HubTold {
            submitted_on_daily_at: paper.listed.as_ref().map(moment),
            submitted_on_daily_by: submitted_by.clone(),
            submitted_by,
            num_comments: paper.comments.unwrap_or(0),
            organization: organization.map(|name| HubOrganization { fullname: name.clone(), name }),
            ai_keywords: paper.keywords.clone(),
            ai_summary: given_text(&["ai_summary"]),
            project_page: given_text(&["projectPage", "project_page"]),
            github_repo: given_text(&["githubRepo", "github"]),
            github_stars: given(&["githubStars", "github_stars"]).and_then(|stars| stars.as_u64()),
        }
    }
}

impl HubListed {
    fn of(paper: &Paper, score: Option<f32>) -> Self {
        let shown = HubPaper::of(paper);
        HubListed {
            published_at: shown.published_at.clone(),
            title: shown.title.clone(),
            summary: shown.summary.clone(),
            told: shown.told.clone(),
            paper: shown,
            own_id: paper.id.to_string(),
            score,
        }
    }
}

/// The id that clients know a paper by: bare, where it is one of arXiv's.
fn hub_id(paper: &Paper) -> String {
    let own = Identifier::parse(paper.id.as_str());
    let bare = own.as_ref().and_then(|own| Some((own.key().strip_prefix("arxiv:")?, own.version())));
    match bare {
        Some((id, Some(version))) => format!("{id}v{version}"),
        Some((id, None)) => id.to_string(),
        None => paper.id.to_string(),
    }
}

fn text(source: &str) -> String {
    plain(source).into_owned()
}

/// The beginning of a day, as Hugging Face writes moments.
fn moment(date: &PaperDate) -> String {
    let whole = match date.as_str().len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_string(),
    };
    format!("{whole}T00:00:00.000Z")
}

/// A page of a list, as it was asked for.
struct Asked {
    listing: Listing,
    page: usize,
    submitter: Option<String>,
}

impl Asked {
    fn read(given: &mut RequestFields) -> Result<Self, ApiError> {
        let mut days = None;
        for (name, read) in [("date", day as fn(&str) -> _), ("week", week), ("month", month)] {
            let Some(text) = given.take(name).word::<String>()? else { continue };
            let wrong =
                |why: &str| ApiError::bad_request(format!("{name} is {:?}: {why}", crate::paper::head(&text, 40)));
            if days.is_some() {
                return Err(wrong("give one of date, week and month"));
            }
            days = Some(read(&text).map_err(wrong)?);
        }
        let sort = match given.take("sort").word::<String>()?.as_deref() {
            None | Some("publishedAt") => Sort::Date,
            Some("trending") => Sort::Trending,
            Some(_) => return Err(ApiError::bad_request("sort is one of publishedAt, trending")),
        };
        let limit = limit(given, 50, PAGE)?;
        let page = given.take("p").whole()?.unwrap_or(0);
        let submitter = given.take("submitter").word()?;
        Ok(Asked { listing: Listing { days, sort, limit, cursor: None }, page, submitter })
    }

    /// The papers of the page; none behind the last.
    fn papers(self, engine: &Engine) -> Result<Vec<Paper>> {
        let Asked { mut listing, page, submitter } = self;
        let wanted = listing.limit;
        let mut skip = page.saturating_mul(wanted);
        let (mut papers, mut looked_at) = (Vec::new(), 0);
        loop {
            listing.limit =
                if submitter.is_some() { STEP } else { skip.saturating_add(wanted - papers.len()).min(STEP) };
            let found = engine.list(&listing)?;
            looked_at += found.items.len();
            // Behind the last there is nothing, and it need not be looked for.
            if submitter.is_none() && page.saturating_mul(wanted) >= found.total {
                return Ok(papers);
            }
            let by = |paper: &Paper| submitter.is_none() || paper.submitted_by == submitter;
            for paper in found.items.into_iter().filter(by) {
                match skip {
                    0 => papers.push(paper),
                    _ => skip -= 1,
                }
            }
            if papers.len() >= wanted || found.next.is_none() || submitter.is_some() && looked_at >= LOOKED_AT {
                papers.truncate(wanted);
                return Ok(papers);
            }
            listing.cursor = found.next;
        }
    }
}

fn limit(given: &mut RequestFields, default: usize, most: usize) -> Result<usize, ApiError> {
    match given.take("limit").whole()?.unwrap_or(default) {
        n if (1..=most).contains(&n) => Ok(n),
        n => Err(ApiError::bad_request(format!("limit is {n}; it goes from 1 to {most}"))),
    }
}

fn day(text: &str) -> Result<(i32, i32), &'static str> {
    span(text, 10).ok_or("write a day as 2025-02-27")
}

fn month(text: &str) -> Result<(i32, i32), &'static str> {
    span(text, 7).ok_or("write a month as 2025-02")
}

fn span(text: &str, length: usize) -> Option<(i32, i32)> {
    PaperDate::parse(text).ok().filter(|_| text.len() == length).map(|date| (date.first_day(), date.last_day()))
}

/// A week of ISO 8601: it begins on a Monday.
fn week(text: &str) -> Result<(i32, i32), &'static str> {
    let read = || {
        let (year, number) = text.split_once("-W")?;
        let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        let (year, number) = (digits(year, 4) && digits(number, 2)).then_some((year, number))?;
        let week =
            jiff::civil::ISOWeekDate::new(year.parse().ok()?, number.parse().ok()?, jiff::civil::Weekday::Monday)
                .ok()?;
        let first = PaperDate::parse(&week.date().to_string()).ok()?.first_day();
        Some((first, first + 6))
    };
    read().ok_or("write a week of ISO 8601 as 2025-W09")
}

/// The daily list, as Hugging Face has it
///
/// Of a day, a week or a month, or all of them, the newest first. A page behind the last is an empty list. With `submitter` the
/// newest 20,000 papers are looked through.
#[utoipa::path(get, operation_id = "hub_daily_papers", path = "/api/daily_papers", tag = "hugging face",
    params(("date" = Option<String>, Query, description = "a day: `2025-02-27`"),
           ("week" = Option<String>, Query, description = "a week of ISO 8601: `2025-W09`"),
           ("month" = Option<String>, Query, description = "a month: `2025-02`"),
           ("submitter" = Option<String>, Query, description = "only papers that this one put on the list"),
           ("sort" = Option<String>, Query, description = "`publishedAt` (default) or `trending`"),
           ("p" = Option<u32>, Query, description = "which page, from 0 on"),
           ("limit" = Option<u32>, Query, description = "papers a page, 1 to 100, default 50")),
    responses((status = 200, body = Vec<HubListed>)))]
pub async fn daily_papers(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let asked = Asked::read(&mut given)?;
    given.nothing_else()?;
    app.answer(move |engine| {
        Ok(asked.papers(engine)?.iter().map(|paper| HubListed::of(paper, None)).collect::<Vec<_>>())
    })
    .await
}

/// All papers by date, as Hugging Face has them
///
/// The newest first, each as `/api/papers/{id}` has it.
#[utoipa::path(get, operation_id = "hub_papers", path = "/api/papers", tag = "hugging face",
    params(("p" = Option<u32>, Query, description = "which page, from 0 on"),
           ("limit" = Option<u32>, Query, description = "papers a page, 1 to 100, default 50")),
    responses((status = 200, body = Vec<HubPaper>)))]
pub async fn list(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let asked = Asked::read(&mut given)?;
    given.nothing_else()?;
    app.answer(move |engine| Ok(asked.papers(engine)?.iter().map(HubPaper::of).collect::<Vec<_>>())).await
}

/// Papers for words, as Hugging Face finds them
///
/// What `GET /v1/search` gives; a query may be as long as there.
#[utoipa::path(get, operation_id = "hub_search", path = "/api/papers/search", tag = "hugging face",
    params(("q" = String, Query, description = "what is looked for"),
           ("limit" = Option<u32>, Query, description = "papers wanted, 1 to 120, default 20")),
    responses((status = 200, body = Vec<HubListed>)))]
pub async fn search(State(app): State<App>, Params(mut given): Params) -> Result<Response, ApiError> {
    let query: Option<String> = given.take("q").word()?;
    let query = query.ok_or_else(|| ApiError::bad_request("q is missing: say what is looked for"))?;
    let ask = SearchOptions { limit: limit(&mut given, 20, FOUND)?, ..SearchOptions::default() };
    given.nothing_else()?;
    app.answer(move |engine| {
        let answer = engine.search(&query, &ask)?;
        Ok(answer.papers.iter().map(|hit| HubListed::of(&hit.paper, Some(hit.score))).collect::<Vec<_>>())
    })
    .await
}

/// One paper, as Hugging Face has it
///
/// It is named by its arXiv id, or by whatever names it in our own calls; a `/` may stand in that as it is.
#[utoipa::path(get, operation_id = "hub_paper", path = "/api/papers/{*id}", tag = "hugging face",
    params(("id" = String, Path, description = "the paper's id")), responses((status = 200, body = HubPaper)))]
pub async fn get(State(app): State<App>, Id(id): Id, _: NoParams) -> Result<Response, ApiError> {
    app.answer(move |engine| Ok(HubPaper::of(&engine.paper(&id)?))).await
}

/// A paper to read, as Hugging Face gives it
///
/// Its title, authors, abstract and address as Markdown, where `.md` stands behind the id. Without it the way to the paper's page.
#[utoipa::path(get, operation_id = "hub_read_paper", path = "/papers/{*id}", tag = "hugging face",
    params(("id" = String, Path, description = "the paper's id, and `.md`")),
    responses((status = 200, body = String, content_type = "text/markdown"),
              (status = 307, description = "to the paper's page")))]
pub async fn read(State(app): State<App>, uri: Uri, Id(id): Id, _: NoParams) -> Result<Response, ApiError> {
    let Some(named) = id.strip_suffix(".md").map(str::to_string) else {
        // Relative, so that it stays below a prefix that a proxy takes off.
        let up = "../".repeat(uri.path().matches('/').count().saturating_sub(1));
        let to =
            format!("{up}paper/{}", percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC));
        let to = HeaderValue::from_str(&to).map_err(|_| ApiError::internal())?;
        return Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response());
    };
    let markdown = app
        .blocking(move |engine| match engine.paper(&named) {
            // An id may end so.
            Err(Error::NotFound { .. }) => Ok(markdown(&engine.paper(&id)?)),
            paper => Ok(markdown(&paper?)),
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], markdown).into_response())
}

fn markdown(paper: &Paper) -> String {
    let mut out = format!("# {}\n", marked(&paper.title));
    let mut add = |text: String| out.push_str(&format!("\n{text}\n"));
    if !paper.authors.is_empty() {
        add(paper.authors.iter().map(|name| marked(name)).collect::<Vec<_>>().join(", "));
    }
    if let Some(date) = &paper.date {
        add(format!("Published on {date}"));
    }
    if let Some(url) = paper.link() {
        add(format!("<{}>", url.replace(['<', '>', '\n', ' '], "")));
    }
    if !paper.summary.trim().is_empty() {
        add(format!("## Abstract\n\n{}", marked(&paper.summary)));
    }
    out
}

/// A text in Markdown: what would be read as marks is text.
fn marked(source: &str) -> String {
    let mut out = String::new();
    for c in plain(source).trim().chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_weeks_and_months_are_read_and_nothing_else_is() {
        assert_eq!(day("1970-01-02"), Ok((1, 1)));
        assert_eq!(month("1970-01"), Ok((0, 30)));
        // Monday of the first week of 1970 was in December.
        assert_eq!(week("1970-W01"), Ok((-3, 3)));
        assert_eq!(week("2020-W53").map(|(first, last)| last - first), Ok(6));
        for wrong in ["1970", "1970-13", "soon", "", "1970-1-2"] {
            assert!(day(wrong).is_err() && month(wrong).is_err() && week(wrong).is_err(), "{wrong}");
        }
        assert!(week("2021-W53").is_err() && week("1970-01").is_err() && week("1970-W1").is_err());
        assert!(day("1970-01").is_err() && month("1970-01-01").is_err());
    }

    #[test]
    fn a_paper_of_arxiv_is_known_by_its_bare_id() {
        let id = |id: &str| hub_id(&Paper::from_json(serde_json::json!({ "id": id, "title": "t" })).expect("a paper"));
        assert_eq!(
            ["arxiv:2401.00001", "2401.00001v2", "https://arxiv.org/abs/hep-th/9901001", "invented:x/1"].map(id),
            ["2401.00001", "2401.00001v2", "hep-th/9901001", "invented:x/1"]
        );
    }

    #[test]
    fn what_stands_in_a_title_is_no_mark() {
        let paper =
            serde_json::json!({ "id": "x", "title": "A [link](javascript:x) & *stars*", "abstract": "# no head" });
        assert_eq!(
            markdown(&Paper::from_json(paper).expect("a paper")),
            "# A \\[link\\](javascript:x) & \\*stars\\*\n\n## Abstract\n\n\\# no head\n"
        );
    }
}
