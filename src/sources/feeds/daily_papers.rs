//! Hugging Face's Daily Papers, and any service with the same interface (paperkin's own among them).
//!
//! Checked on 2026-11-26 against the client `huggingface_hub` 2.4 and recorded answers: a list of wrappers, some fields of a paper
//! in `paper`, some beside it. A day without papers is an empty list. Upvotes grow for days, so the last seven are asked for again.

use std::time::Duration;

use jiff::civil::Date;
use serde_json::Value;

use super::super::web::{Ask, header};
use super::paged::{Days, Entries, Service, at, list, number, text};
use super::record::{Record, rejected};
use crate::engine::Incoming;
use crate::error::{Error, Result};

/// Papers of a page.
const ROWS: usize = 100;

/// What a full page has at least.
const FEWEST: usize = 50;

/// The daily list.
pub struct DailyPapers {
    /// `https://huggingface.co`
    pub base: String,
    /// A key, where the service wants one.
    pub key: Option<String>,
    /// The ids of the page before, and its day: a service that knows no pages gives the whole day each time.
    pub before: Option<(Date, Vec<String>)>,
}

/// The day and the page that a cursor names.
fn day_and_page(days: &Days) -> (Date, usize) {
    let parts = days.cursor.as_deref().and_then(|cursor| cursor.split_once('p'));
    let parts = parts.and_then(|(day, page)| Some((day.parse().ok()?, page.parse().ok()?)));
    parts.unwrap_or((days.from, 0))
}

impl Service for DailyPapers {
    fn request(&self, days: &Days) -> Ask {
        let (day, page) = day_and_page(days);
        let ask = Ask::get(format!("{}/api/daily_papers?date={day}&p={page}&limit={ROWS}", self.base))
            .paced(None, Duration::from_millis(500));
        match &self.key {
            Some(key) => ask.secret_header(header::AUTHORIZATION, "Bearer ", key),
            None => ask,
        }
    }

    fn read(&mut self, days: &Days, answer: &Value, entry: usize) -> Result<Entries> {
        let Some(wrappers) = answer.as_array() else {
            let said = text(answer, "error");
            let said = if said.is_empty() { answer.to_string() } else { said.to_string() };
            return Err(Error::Remote(format!("the daily list is no list: {}", crate::paper::head(&said, 200))));
        };
        let (day, page) = day_and_page(days);
        let ids: Vec<String> = wrappers.iter().map(|of| text(of, "paper.id").to_string()).collect();
        let again = self.before.as_ref().is_some_and(|(of, before)| *of == day && *before == ids);
        self.before = Some((day, ids));
        let wrappers = if again { &[][..] } else { wrappers.as_slice() };
        let papers = wrappers.iter().enumerate().map(|(k, of)| paper(entry + k, of, day)).collect();
        let next = match wrappers.len() {
            // A page that is full, be it that the service gives fewer than it was asked for.
            n if n > 0 && n % FEWEST == 0 => Some((day, page + 1)),
            _ => day.tomorrow().ok().filter(|next| *next <= days.to).map(|next| (next, 0)),
        };
        Ok(Entries { papers, next: next.map(|(day, page)| format!("{day}p{page}")), total: None })
    }

    fn overlap(&self) -> i32 {
        7
    }

    fn may_be_empty(&self) -> bool {
        true
    }
}

fn paper(entry: usize, of: &Value, day: Date) -> Incoming {
    let id = text(of, "paper.id");
    if id.is_empty() {
        return rejected(entry, None, "the entry has no paper with an id");
    }
    // What stands in both places is the same; older answers have it in one.
    let either = |name: &str| match text(of, &format!("paper.{name}")) {
        "" => text(of, name),
        found => found,
    };
    let by = |whose: &str| ["fullname", "name", "user"].map(|name| text(of, &format!("{whose}.{name}")));
    let submitter = by("submittedBy").into_iter().chain(by("paper.submittedOnDailyBy")).find(|name| !name.is_empty());
    let organization = ["organization.fullname", "organization.name", "paper.organization.fullname"];
    let keywords = match list(of, "paper.ai_keywords") {
        [] => list(of, "ai_keywords"),
        found => found,
    };
    let visible = |author: &&Value| at(author, "hidden").and_then(Value::as_bool) != Some(true);
    let mut record = Record::new(format!("arxiv:{id}"));
    record
        .text("title", either("title"))
        .text("abstract", either("summary"))
        .list("authors", list(of, "paper.authors").iter().filter(visible).map(|a| text(a, "name").to_string()))
        .text("date", either("publishedAt").get(..10).unwrap_or_default())
        .text("listed", &day.to_string())
        .list("keywords", keywords.iter().filter_map(Value::as_str).map(str::to_string))
        .text(
            "organization",
            organization.iter().map(|path| text(of, path)).find(|n| !n.is_empty()).unwrap_or_default(),
        )
        .text("url", &format!("https://arxiv.org/abs/{id}"))
        .number("upvotes", number(of, "paper.upvotes"))
        .number("comments", number(of, "numComments"))
        .text("submitted_by", submitter.unwrap_or_default())
        .text("github", text(of, "paper.githubRepo"))
        .text("project_page", text(of, "paper.projectPage"));
    record.finish(entry)
}
