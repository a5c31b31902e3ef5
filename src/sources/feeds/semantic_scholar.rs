//! Semantic Scholar, by its bulk search.
//!
//! Checked on 2026-11-26 against the description of the Academic Graph API (api.semanticscholar.org/api-docs). Without a key
//! calls share one pool, and most are refused; with one there is a request a second. Abstracts of many publishers are missing.

use std::time::Duration;

use serde_json::Value;

use super::super::web::{Ask, HeaderName};
use super::paged::{Days, Entries, Service, list, listed, number, text};
use super::record::{Record, rejected};
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::percent::encoded;

const FIELDS: &str = "title,abstract,authors,externalIds,publicationDate,year,venue,url,fieldsOfStudy";

/// What is asked of Semantic Scholar.
pub struct SemanticScholar {
    /// `https://api.semanticscholar.org`
    pub base: String,
    /// Words, in its own syntax (`"graph neural" | transformer`); none for everything.
    pub query: Option<String>,
    /// Fields of study (`Computer Science`).
    pub fields: Vec<String>,
    /// The key.
    pub key: Option<String>,
}

impl Service for SemanticScholar {
    fn request(&self, days: &Days) -> Ask {
        let mut url = format!(
            "{}/graph/v1/paper/search/bulk?query={}&fields={FIELDS}&publicationDateOrYear={}:{}&sort=publicationDate",
            self.base,
            encoded(self.query.as_deref().unwrap_or_default()),
            days.from,
            days.to
        );
        if !self.fields.is_empty() {
            url.push_str(&format!("&fieldsOfStudy={}", encoded(&self.fields.join(","))));
        }
        if let Some(token) = &days.cursor {
            url.push_str(&format!("&token={}", encoded(token)));
        }
        let ask = Ask::get(url).paced(None, Duration::from_millis(1100));
        match &self.key {
            Some(key) => ask.secret_header(HeaderName::from_static("x-api-key"), "", key),
            None => ask,
        }
    }

    fn read(&mut self, _: &Days, answer: &Value, entry: usize) -> Result<Entries> {
        let said = [text(answer, "error"), text(answer, "message")].concat();
        if !said.is_empty() {
            return Err(Error::Remote(format!(
                "Semantic Scholar refuses the request: {}",
                crate::paper::head(&said, 200)
            )));
        }
        let data = match number(answer, "total") {
            // Of nothing there may be no list.
            Some(0) => list(answer, "data"),
            _ => listed("Semantic Scholar", answer, "data")?,
        };
        let papers = data.iter().enumerate().map(|(k, of)| paper(entry + k, of)).collect();
        let token = text(answer, "token");
        Ok(Entries { papers, next: (!token.is_empty()).then(|| token.to_string()), total: None })
    }

    fn overlap(&self) -> i32 {
        7
    }
}

/// The paper of a record.
pub(in crate::sources) fn paper(entry: usize, of: &Value) -> Incoming {
    let own = text(of, "paperId");
    let corpus = number(of, "externalIds.CorpusId");
    let (arxiv, doi) = (text(of, "externalIds.ArXiv"), text(of, "externalIds.DOI"));
    let id = match (arxiv, doi, corpus) {
        ("", "", None) if own.is_empty() => return rejected(entry, None, "the paper has no id"),
        ("", "", None) => format!("s2:{own}"),
        ("", "", Some(corpus)) => format!("CorpusId:{corpus}"),
        ("", doi, _) => format!("doi:{}", doi.to_lowercase()),
        (arxiv, ..) => format!("arxiv:{arxiv}"),
    };
    let date = match (text(of, "publicationDate"), number(of, "year")) {
        ("", Some(year)) => year.to_string(),
        (date, _) => date.to_string(),
    };
    let names = |path: &str| list(of, path).iter().filter_map(Value::as_str).map(str::to_string).collect::<Vec<_>>();
    let mut record = Record::new(id);
    record
        .text("title", text(of, "title"))
        .text("abstract", text(of, "abstract"))
        .list("authors", list(of, "authors").iter().map(|a| text(a, "name").to_string()))
        .text("date", &date)
        .list("categories", names("fieldsOfStudy"))
        .text("venue", text(of, "venue"))
        .text("url", text(of, "url"))
        .text("doi", doi)
        .text("pmid", text(of, "externalIds.PubMed"))
        .number("corpus_id", corpus);
    record.finish(entry)
}
