//! OpenAlex.
//!
//! Checked on 2026-11-26 against its documentation (developers.openalex.org). A page has 100 works at most, a key is needed for
//! more than a few calls a day, and abstracts come as the places of their words. Works cannot be asked for by when they were
//! written down without paying, so days are those of publication.

use std::time::Duration;

use serde_json::Value;

use super::super::web::Ask;
use super::paged::{Days, Entries, Service, at, list, listed, text};
use super::record::{Record, rejected};
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::percent::encoded;

/// Works of a page.
const ROWS: usize = 100;

/// Words of an abstract at most: a place of a thousand million is a mistake, not a text.
const WORDS: usize = 20_000;

/// What is asked for: the fields that a paper is made of.
const FIELDS: &str = "id,doi,title,publication_date,authorships,abstract_inverted_index,primary_location,primary_topic,\
                      keywords,is_retracted,is_paratext,language,type";

/// What is asked of OpenAlex.
pub struct OpenAlex {
    /// `https://api.openalex.org`
    pub base: String,
    /// Filters in OpenAlex's own words: `primary_topic.field.id:17`, `type:preprint`.
    pub filters: Vec<String>,
    /// Words that are searched for.
    pub query: Option<String>,
    /// The key.
    pub key: Option<String>,
}

impl Service for OpenAlex {
    fn request(&self, days: &Days) -> Ask {
        let mut filters =
            vec![format!("from_publication_date:{}", days.from), format!("to_publication_date:{}", days.to)];
        filters.extend(self.filters.iter().cloned());
        let cursor = days.cursor.as_deref().unwrap_or("*");
        let mut url = format!(
            "{}/works?filter={}&per_page={ROWS}&cursor={}&select={FIELDS}",
            self.base,
            encoded(&filters.join(",")),
            encoded(cursor)
        );
        if let Some(query) = &self.query {
            url.push_str(&format!("&search={}", encoded(query)));
        }
        let ask = Ask::get(url).paced(None, Duration::from_millis(200));
        match &self.key {
            Some(key) => ask.secret_in_address("api_key", key),
            None => ask,
        }
    }

    fn read(&mut self, _: &Days, answer: &Value, entry: usize) -> Result<Entries> {
        if let Some(error) = at(answer, "error") {
            let why = format!("{}: {}", error.as_str().unwrap_or("an error"), text(answer, "message"));
            return Err(Error::Remote(format!("OpenAlex refuses the request: {}", crate::paper::head(&why, 200))));
        }
        let works = listed("OpenAlex", answer, "results")?;
        let is_paper = |work: &&Value| at(work, "is_paratext").and_then(Value::as_bool) != Some(true);
        let papers = works.iter().filter(is_paper).enumerate().map(|(k, work)| paper(entry + k, work)).collect();
        let next = text(answer, "meta.next_cursor");
        Ok(Entries { papers, next: (!works.is_empty() && !next.is_empty()).then(|| next.to_string()), total: None })
    }

    fn overlap(&self) -> i32 {
        // Works are written down days after they were published.
        7
    }
}

/// The paper of a record.
pub(in crate::sources) fn paper(entry: usize, work: &Value) -> Incoming {
    let own = text(work, "id").rsplit('/').next().unwrap_or_default();
    let doi = text(work, "doi").trim_start_matches("https://doi.org/");
    if own.is_empty() {
        return rejected(entry, None, "the work has no id");
    }
    let id = if doi.is_empty() { format!("openalex:{own}") } else { format!("doi:{}", doi.to_lowercase()) };
    let authors = list(work, "authorships").iter().map(|a| text(a, "author.display_name").to_string());
    let keywords = list(work, "keywords").iter().map(|k| text(k, "display_name").to_string());
    let retracted = at(work, "is_retracted").and_then(Value::as_bool) == Some(true);
    let mut record = Record::new(id);
    record
        .text("title", text(work, "title"))
        .text("abstract", &at(work, "abstract_inverted_index").map(words).unwrap_or_default())
        .list("authors", authors)
        .text("date", text(work, "publication_date"))
        .list("keywords", keywords)
        .list("categories", [text(work, "primary_topic.field.display_name").to_string()])
        .text("venue", text(work, "primary_location.source.display_name"))
        .text("url", text(work, "primary_location.landing_page_url"))
        .text("doi", doi)
        .text("openalex", own)
        .text("status", if retracted { "retracted" } else { "" });
    record.finish(entry)
}

/// A text from the places of its words. Places without a word are skipped.
fn words(index: &Value) -> String {
    let Some(index) = index.as_object() else { return String::new() };
    let mut placed: Vec<(u64, &str)> = index
        .iter()
        .flat_map(|(word, places)| places.as_array().into_iter().flatten().map(move |at| (at.as_u64(), word.as_str())))
        .filter_map(|(at, word)| Some((at?, word)))
        .take(WORDS)
        .collect();
    placed.sort_unstable();
    placed.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}
