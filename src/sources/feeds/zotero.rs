//! Zotero: a library or a group, by the Web API with a key or by the local one without.
//!
//! Checked on 2026-11-26 against the documentation of the Web API, version 3 (www.zotero.org/support/dev/web_api/v3) and the client
//! pyzotero 1.16. Items are read by the code that reads lists of references. Attachments, notes and annotations are no papers.
//!
//! The place is the library and its version. All pages have to be of one version: when somebody changes the library meanwhile,
//! they are asked for again. What was thrown away comes by its key, so that a paper has that for an id, and its DOI beside it.

use std::time::Duration;

use serde_json::Value;

use super::super::references::json::json;
use super::super::web::header::AUTHORIZATION;
use super::super::web::{Ask, HeaderName, Page, Reply, Web};
use super::paged::list;
use super::record::{Record, rejected};
use super::{Batch, Place, Source};
use crate::engine::{Incoming, Reference, ReferenceList, RejectedUnit, Warning};
use crate::error::{Error, Result};
use crate::paper::head;

/// Items of a page.
const ROWS: usize = 100;

/// How often the library may change while its pages are asked for.
const MOVES: u32 = 5;

/// Warnings that are listed one by one; more are only counted.
const MAX_LISTED: usize = 1000;

/// A library.
pub struct Zotero {
    /// `https://api.zotero.org`, or `http://127.0.0.1:23119/api`.
    base: String,
    library: String,
    key: Option<String>,
    /// Whether the items are somebody's history as well.
    is_history: bool,
    since: u64,
    done: bool,
}

/// An answer of the API, with the version of the library that it tells of.
struct Versioned {
    page: Page,
    version: u64,
}

/// All that changed.
#[derive(Default)]
struct Changes {
    papers: Vec<Incoming>,
    history: ReferenceList,
    deleted: Vec<String>,
    version: u64,
}

impl Zotero {
    /// The library `users/123` or `groups/45`, from a place on.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a library of another form, and for a place of another source.
    pub fn new(base: String, library: &str, key: Option<String>, history: bool, place: Option<&Place>) -> Result<Self> {
        let number = library.strip_prefix("users/").or_else(|| library.strip_prefix("groups/"));
        if !number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            let said = head(library, 40);
            return Err(Error::Invalid(format!("library is {said:?}; write users/12345 or groups/678")));
        }
        let wrong = |text: &str| Error::Invalid(format!("{:?} is no place of this source", head(text, 80)));
        let since = match place.map(|Place(text)| (text, text.split_once('@'))) {
            None => 0,
            Some((text, Some((of, version)))) => {
                let version = version.parse().map_err(|_| wrong(text))?;
                // A version says nothing of another library.
                if of == library { version } else { 0 }
            }
            Some((text, None)) => return Err(wrong(text)),
        };
        Ok(Zotero { base, library: library.into(), key, is_history: history, since, done: false })
    }

    /// Asks for a part of the library; nothing where it is as it was.
    fn ask(&self, web: &Web, what: &str, unless_same: bool) -> Result<Option<Versioned>> {
        let ask = Ask::get(format!("{}/{}/{what}", self.base, self.library))
            .paced(None, Duration::from_millis(500))
            .header(HeaderName::from_static("zotero-api-version"), "3");
        let ask = match &self.key {
            Some(key) => ask.secret_header(AUTHORIZATION, "Bearer ", key),
            None => ask,
        };
        let ask = match unless_same && self.since > 0 {
            true => ask.header(HeaderName::from_static("if-modified-since-version"), &self.since.to_string()),
            false => ask,
        };
        let Reply::Page(page) = web.ask(&ask)? else { return Ok(None) };
        let version = page.header("last-modified-version").and_then(|version| version.trim().parse().ok());
        let version = version.ok_or_else(|| {
            Error::Remote("the answer names no version of a library; is the address that of Zotero's API?".into())
        })?;
        Ok(Some(Versioned { page, version }))
    }

    /// What changed since the place, all of one version; nothing where the library is as it was, and `Err(None)` where it
    /// changed meanwhile.
    fn changes(&self, web: &Web) -> Result<Option<Changes>, Option<Error>> {
        let mut changes = Changes::default();
        changes.history.rejected_unit = RejectedUnit::Entry;
        let mut start = 0;
        loop {
            let what = format!(
                "items/top?format=json&limit={ROWS}&start={start}&since={}&sort=dateAdded&direction=asc",
                self.since
            );
            let Some(Versioned { page, version }) = self.ask(web, &what, start == 0)? else {
                return Ok(None);
            };
            match start {
                0 => changes.version = version,
                _ if version != changes.version => return Err(None),
                _ => {}
            }
            let got = self.take(&mut changes, &page, start)?;
            let total = page.header("total-results").and_then(|total| total.trim().parse::<usize>().ok());
            start += got;
            match total {
                Some(total) if start >= total => break,
                None if got < ROWS => break,
                _ if got == 0 => {
                    let total = total.unwrap_or_default();
                    let why = format!("Zotero has {total} items, and gave {start}; the next run asks for them again");
                    return Err(Some(Error::Remote(why)));
                }
                _ => {}
            }
        }
        if self.since > 0
            && let Some(Versioned { page, version }) = self.ask(web, &format!("deleted?since={}", self.since), false)?
        {
            if version != changes.version {
                return Err(None);
            }
            let answer: Value = serde_json::from_slice(&page.body)
                .map_err(|e| Error::Remote(format!("what Zotero says of deleted items is not JSON: {e}")))?;
            let keys = list(&answer, "items").iter().filter_map(Value::as_str);
            changes.deleted = keys.map(|key| format!("zotero:{key}")).collect();
        }
        Ok(Some(changes))
    }

    /// Takes the items of a page; how many those are.
    fn take(&self, changes: &mut Changes, page: &Page, start: usize) -> Result<usize> {
        let text = String::from_utf8_lossy(&page.body);
        let count = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(&text)
            .map_err(|e| Error::Remote(format!("what Zotero answers is no list of items: {e}")))?
            .len();
        let items = json(&text).map_err(|e| Error::Remote(format!("what Zotero answers cannot be read: {e}")))?;
        changes.history.format = items.format;
        changes.history.warnings_total += items.warnings_total;
        let room = MAX_LISTED.saturating_sub(changes.history.warnings.len());
        let warnings = items.warnings.into_iter().take(room);
        changes.history.warnings.extend(warnings.map(|told| Warning { line: start + told.line, ..told }));
        for refused in items.rejected {
            let line = start + refused.line;
            changes.papers.push(rejected(line, refused.id.as_deref(), &*refused.reason));
            changes.history.reject(line, refused.id.as_deref(), refused.reason);
        }
        for reference in items.references {
            let line = start + reference.line;
            changes.papers.push(paper(line, &reference));
            let key = reference.key.clone();
            changes.history.add(line, key.as_deref(), Some(reference));
        }
        Ok(count)
    }
}

/// A reference as a paper. It is called by its key, by which Zotero tells what was thrown away; its identifiers stand beside.
fn paper(entry: usize, reference: &Reference) -> Incoming {
    let key = reference.key.as_deref().unwrap_or_default();
    if !reference.titled {
        return rejected(entry, Some(key), "it has no title");
    }
    let Ok(Value::Object(mut fields)) = serde_json::to_value(&reference.paper) else {
        return rejected(entry, Some(key), "it cannot be read");
    };
    // What is not known stands beside the known fields, as it comes in.
    if let Some(Value::Object(extra)) = fields.remove("extra") {
        fields.extend(extra);
    }
    let id = reference.paper.id.as_str();
    let named = match id.split_once(':') {
        Some(("doi", doi)) => Some(("doi", doi)),
        Some(("arxiv", _)) => Some(("arxiv_id", id)),
        Some((kind @ ("pmid" | "pmcid" | "acl" | "openreview"), rest)) => Some((kind, rest)),
        _ => None,
    };
    fields.extend(named.map(|(field, value)| (field.to_string(), value.into())));
    if !key.is_empty() {
        fields.insert("id".into(), format!("zotero:{key}").into());
    }
    Record::of(fields).finish(entry)
}

impl Source for Zotero {
    fn next(&mut self, web: &Web) -> Result<Option<Batch>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        for _ in 0..=MOVES {
            match self.changes(web) {
                Ok(None) => return Ok(None),
                Ok(Some(changes)) => {
                    return Ok(Some(Batch {
                        papers: changes.papers,
                        library: self.is_history.then_some(changes.history),
                        deleted: changes.deleted,
                        place: Some(Place(format!("{}@{}", self.library, changes.version))),
                    }));
                }
                Err(Some(e)) => return Err(e),
                Err(None) => tracing::info!("the library {} changed meanwhile; it is asked for again", self.library),
            }
        }
        Err(Error::Remote(format!("the library {} changes all the time; the next run asks again", self.library)))
    }
}
