//! Crossref: what publishers have registered, journals and preprints.
//!
//! Checked on 2026-11-26 against the documentation of the REST API (api.crossref.org). Titles are lists and may be empty,
//! abstracts are JATS, dates are lists of numbers that may be null. Several requests at once are refused. The service remembers
//! where a cursor stands, so that a page that was lost on its way may not come again: what came is counted.

use std::time::Duration;

use serde_json::Value;

use super::super::web::Ask;
use super::paged::{Days, Entries, Service, at, list, listed, number, text};
use super::record::{Record, rejected};
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::percent::encoded;

/// Records of a page.
const ROWS: usize = 500;

/// What is asked of Crossref.
pub struct Crossref {
    /// `https://api.crossref.org`
    pub base: String,
    /// Filters in Crossref's own words: `type:posted-content`, `issn:2041-1723`, `member:78`.
    pub filters: Vec<String>,
    /// Words that titles and abstracts are searched for.
    pub query: Option<String>,
    /// An address of mail: who gives one is served in the polite pool.
    pub mailto: Option<String>,
}

impl Service for Crossref {
    fn request(&self, days: &Days) -> Ask {
        let mut filters = vec![format!("from-index-date:{}", days.from), format!("until-index-date:{}", days.to)];
        filters.extend(self.filters.iter().cloned());
        let cursor = days.cursor.as_deref().unwrap_or("*");
        let mut url = format!(
            "{}/works?filter={}&rows={ROWS}&cursor={}",
            self.base,
            encoded(&filters.join(",")),
            encoded(cursor)
        );
        for (name, value) in [("query", &self.query), ("mailto", &self.mailto)] {
            if let Some(value) = value {
                url.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        // What is wrong with a filter stands in an answer of this status.
        Ask::get(url).paced(None, Duration::from_millis(500)).or_refusal(400)
    }

    fn read(&mut self, _: &Days, answer: &Value, entry: usize) -> Result<Entries> {
        if text(answer, "status") == "failed" {
            let why = text(answer, "message.0.message");
            return Err(Error::Remote(format!("Crossref refuses the request: {}", crate::paper::head(why, 200))));
        }
        let items = listed("Crossref", answer, "message.items")?;
        let papers = items.iter().enumerate().map(|(k, item)| paper(entry + k, item)).collect();
        // A cursor comes with the last page as well.
        let next = (!items.is_empty()).then(|| text(answer, "message.next-cursor").to_string());
        Ok(Entries {
            papers,
            next: next.filter(|next| !next.is_empty()),
            total: number(answer, "message.total-results"),
        })
    }

    fn cursors_repeat(&self) -> bool {
        true
    }

    fn overlap(&self) -> i32 {
        1
    }
}

/// The paper of a record.
pub(in crate::sources) fn paper(entry: usize, item: &Value) -> Incoming {
    let doi = text(item, "DOI");
    if doi.is_empty() {
        return rejected(entry, None, "the record has no DOI");
    }
    let name = |author: &Value| match text(author, "name") {
        "" => format!("{} {}", text(author, "given"), text(author, "family")).trim().to_string(),
        name => name.to_string(),
    };
    let subtitle = text(item, "subtitle.0").trim();
    let title = match (text(item, "title.0").trim(), subtitle) {
        (title, "") => title.to_string(),
        (title, subtitle) if title.to_lowercase().contains(&subtitle.to_lowercase()) => title.to_string(),
        (title, subtitle) => format!("{title}: {subtitle}"),
    };
    let mut record = Record::new(format!("doi:{}", doi.to_lowercase()));
    record
        .text("title", &title)
        .text("abstract", without_heading(text(item, "abstract")))
        .list("authors", list(item, "author").iter().map(name))
        .text("date", &date(item).unwrap_or_default())
        .list("keywords", list(item, "subject").iter().filter_map(Value::as_str).map(str::to_string))
        .text("venue", text(item, "container-title.0"))
        .text("organization", text(item, "publisher"))
        .text("url", text(item, "URL"))
        .text("doi", doi)
        .text("type", text(item, "type"))
        .text("status", status(item, doi));
    record.finish(entry)
}

/// An abstract without the heading that says what it is.
fn without_heading(jats: &str) -> &str {
    let begun = jats.trim_start();
    let heading = ["Abstract", "ABSTRACT", "Summary"].map(|word| format!("<jats:title>{word}</jats:title>"));
    heading.iter().find_map(|heading| begun.strip_prefix(heading.as_str())).unwrap_or(begun)
}

/// What became of the work: `updated-by` names the notices on it. `update-to` is the notice's own word for another work, unless
/// a publisher wrote the notice over the work itself.
fn status<'a>(item: &'a Value, doi: &str) -> &'a str {
    let own = |update: &&Value| text(update, "DOI").eq_ignore_ascii_case(doi);
    let updates = list(item, "updated-by").iter().chain(list(item, "update-to").iter().filter(own));
    let kinds: Vec<&str> = updates.map(|update| text(update, "type")).collect();
    match () {
        () if kinds.iter().any(|kind| kind.contains("retraction")) => "retracted",
        () if kinds.iter().any(|kind| matches!(*kind, "withdrawal" | "removal")) => "withdrawn",
        () => "",
    }
}

/// The first date that is one: when it was published, issued, registered.
fn date(item: &Value) -> Option<String> {
    ["published", "issued", "posted", "created"].iter().find_map(|of| {
        let parts = at(item, &format!("{of}.date-parts.0"))?.as_array()?;
        let numbers: Vec<i64> = parts.iter().map_while(Value::as_i64).collect();
        match numbers[..] {
            [year, month, day, ..] => Some(format!("{year:04}-{month:02}-{day:02}")),
            [year, month] => Some(format!("{year:04}-{month:02}")),
            [year] => Some(format!("{year:04}")),
            [] => None,
        }
    })
}
