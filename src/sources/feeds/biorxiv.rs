//! bioRxiv and medRxiv.
//!
//! Checked on 2026-11-26 against the service's own help (api.biorxiv.org). A call gives 30 records, and gave 100 before: the
//! next one begins behind as many as came. Numbers come as numbers and as texts. Every revision is a record of its own.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::super::web::Ask;
use super::paged::{Days, Entries, Service, listed, number, text};
use super::record::{Record, given_first, rejected};
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::percent::encoded;

/// One of the two servers.
pub struct Biorxiv {
    /// `https://api.biorxiv.org`
    pub base: String,
    /// `biorxiv` or `medrxiv`.
    pub server: &'static str,
    /// One category of the service, for example `neuroscience`; none for all.
    pub category: Option<String>,
    versions: HashMap<String, u64>,
}

impl Biorxiv {
    /// A server.
    pub fn new(base: String, server: &'static str, category: Option<String>) -> Self {
        Biorxiv { base, server, category, versions: HashMap::new() }
    }

    fn paper(&mut self, entry: usize, of: &Value) -> Option<Incoming> {
        let doi = text(of, "doi").trim();
        if doi.is_empty() {
            return Some(rejected(entry, None, "the record has no DOI"));
        }
        // Of two versions in one run the newer counts, whichever comes first.
        let version = number(of, "version").unwrap_or(1);
        let known = self.versions.entry(doi.to_string()).or_default();
        if version < *known {
            return None;
        }
        *known = version;
        let host = if self.server == "medrxiv" { "www.medrxiv.org" } else { "www.biorxiv.org" };
        let mut record = Record::new(format!("doi:{doi}"));
        record
            .text("title", text(of, "title"))
            .text("abstract", text(of, "abstract"))
            .list("authors", text(of, "authors").split(';').map(given_first))
            .text("date", text(of, "date"))
            .list("categories", [text(of, "category").to_string()])
            .text("venue", if self.server == "medrxiv" { "medRxiv" } else { "bioRxiv" })
            .text("organization", text(of, "author_corresponding_institution"))
            .text("url", &format!("https://{host}/content/{doi}v{version}"))
            .text("doi", doi)
            .text("license", text(of, "license"))
            .number("version", Some(version))
            .text("status", if text(of, "type").eq_ignore_ascii_case("withdrawn") { "withdrawn" } else { "" });
        let published = text(of, "published");
        if published != "NA" {
            record.text("published_doi", published);
        }
        Some(record.finish(entry))
    }
}

impl Service for Biorxiv {
    fn request(&self, days: &Days) -> Ask {
        let Days { from, to, cursor } = days;
        let cursor = cursor.as_deref().unwrap_or("0");
        let category = self.category.as_ref().map(|c| format!("?category={}", encoded(c))).unwrap_or_default();
        Ask::get(format!("{}/details/{}/{from}/{to}/{cursor}/json{category}", self.base, self.server))
            .paced(None, Duration::from_secs(1))
    }

    fn read(&mut self, days: &Days, answer: &Value, entry: usize) -> Result<Entries> {
        let status = text(answer, "messages.0.status");
        let none = status.to_lowercase().contains("no posts");
        let refused = !status.is_empty() && status != "ok" && !none;
        let records = match listed(self.server, answer, "collection") {
            // What stands there where there is no paper of these days is no error.
            Ok([]) | Err(_) if none => &[],
            Ok([]) | Err(_) if refused => {
                return Err(Error::Remote(format!("{}: {}", self.server, crate::paper::head(status, 200))));
            }
            records => records?,
        };
        let papers = records.iter().enumerate().filter_map(|(k, of)| self.paper(entry + k, of)).collect();
        let begin: u64 = days.cursor.as_deref().and_then(|c| c.parse().ok()).unwrap_or(0);
        let end = begin + records.len() as u64;
        // More is promised than comes: an empty page is the end as well.
        let more = !records.is_empty() && number(answer, "messages.0.total").is_none_or(|total| end < total);
        Ok(Entries { papers, next: more.then(|| end.to_string()), total: None })
    }

    fn overlap(&self) -> i32 {
        2
    }
}
