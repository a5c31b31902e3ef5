//! Any feed of papers: RSS of every version, RDF, Atom, JSON Feed, as journals, publishers, preprint servers and search engines
//! write them.
//!
//! Checked on 2026-11-26 against RSS 2.0 (rssboard.org/rss-specification), RSS 1.0 (web.resource.org/rss/1.0), Atom (RFC 4287),
//! JSON Feed 1.1 (jsonfeed.org), PRISM 2.0 and Dublin Core in feeds, and against the crate `feed-rs` 3.0, which is the oracle of the
//! tests. It cannot be the reader: it drops authors, DOIs and dates of the extensions, one broken entry costs it all, and a
//! feed of RSS that breaks off is one without entries to it.
//!
//! The place is what makes the next request a conditional one, and the hash of the feed: one that did not change is no work.

mod body;
mod entry;

use std::time::Duration;

use serde_json::Value;

use super::super::references::xml::{Element, elements, parse, root};
use super::super::web::{Ask, Page, Reply, Web, join};
use super::known::Known;
use super::paged::{list, listed, text as text_at};
use super::record::{decoded, rejected};
use super::{Batch, Place, Source};
use crate::cancel;
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::{head, shown};
use entry::Entry;

/// Answers in a row that may end in the middle.
const CUT: u32 = 3;

/// A feed.
pub struct Feed {
    url: String,
    known: Known,
    done: bool,
}

/// What there is to say of a page.
enum Read {
    Papers(Vec<Incoming>),
    /// It ends in the middle.
    Cut,
}

impl Feed {
    /// The feed at an address.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a place of another source.
    pub fn new(url: String, place: Option<&Place>) -> Result<Self> {
        let known = Known::of(place, &url)?;
        Ok(Feed { url, known, done: false })
    }
}

impl Source for Feed {
    fn next(&mut self, web: &Web) -> Result<Option<Batch>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let ask = Ask::get(self.url.as_str()).paced(None, Duration::from_secs(1)).unless(self.known.validators());
        for _ in 0..CUT {
            let Reply::Page(page) = web.ask(&ask)? else { return Ok(None) };
            let known = self.known.after(&page);
            if known.is_same(&self.known) {
                return Ok(None);
            }
            if let Read::Papers(papers) = read(&page)? {
                return Ok(Some(Batch { papers, place: Some(known.place()), ..Batch::default() }));
            }
        }
        Err(Error::Remote(format!("the feed ends in the middle, {CUT} times")))
    }
}

/// The papers of an answer by itself.
///
/// # Errors
/// [`Error::Remote`] where it is no feed, or breaks off.
pub fn answer(body: &[u8]) -> Result<Vec<Incoming>> {
    match read(&Page::of("", body.to_vec(), &[]))? {
        Read::Papers(papers) => Ok(papers),
        Read::Cut => Err(Error::Remote("the feed ends in the middle".into())),
    }
}

/// The papers of a feed.
fn read(page: &Page) -> Result<Read> {
    let text = decoded(page);
    let text = text.trim_start();
    if text.starts_with(['{', '[']) {
        return json(text, &page.url);
    }
    let names: (&[&str], &[&str]) = match root(text).as_deref() {
        Some("rss") => (&["item"], &["</rss>"]),
        Some("RDF") => (&["item", "rss:item"], &["</rdf:RDF>", "</RDF>"]),
        Some("feed") => (&["entry", "atom:entry"], &["</feed>", "</atom:feed>"]),
        found => return Err(Error::Remote(no_feed(found, text))),
    };
    // Some append a remark of their server's.
    if !names.1.iter().any(|end| text.contains(end)) {
        return Ok(Read::Cut);
    }
    let entries = elements(text, names.0);
    let above = entries.first().map_or(text, |(_, first)| &text[..first.as_ptr() as usize - text.as_ptr() as usize]);
    let channel = Channel::of(above, &page.url);
    let mut papers = Vec::new();
    for (k, (_, part)) in entries.iter().enumerate() {
        cancel::check()?;
        papers.push(match parse(part) {
            Ok(element) => Entry::of_xml(&element, &channel).paper(k + 1, &channel),
            Err(why) => rejected(k + 1, None, why),
        });
    }
    Ok(Read::Papers(papers))
}

/// What a feed says of itself.
pub struct Channel {
    /// Its title, for papers that name no journal.
    title: String,
    /// What its references are relative to.
    base: String,
}

impl Channel {
    /// From what stands in front of the first entry.
    fn of(above: &str, url: &str) -> Self {
        let first = |name: &str| elements(above, &[name]).iter().find_map(|(_, part)| parse(part).ok());
        let title = first("title").map(|title| title.text()).unwrap_or_default();
        let site = first("link").map(|link| link.text()).filter(|link| link.starts_with("http"));
        // Atom says it of the whole feed.
        let declared = opening(above).map(|root| root.attribute("base").to_string()).filter(|base| !base.is_empty());
        let base = declared.or(site).and_then(|base| join(url, &base)).unwrap_or_else(|| url.to_string());
        Channel { title, base }
    }
}

/// The root of a text that is not closed.
fn opening(above: &str) -> Option<Element> {
    let begin = above.match_indices('<').map(|(at, _)| at).find(|at| !above[at + 1..].starts_with(['?', '!']))?;
    let end = begin + above[begin..].find('>')?;
    parse(&format!("{}/>", above[begin..end].trim_end_matches('/'))).ok()
}

fn json(text: &str, url: &str) -> Result<Read> {
    let feed: Value = match serde_json::from_str(text) {
        Ok(feed) => feed,
        Err(e) if e.is_eof() => return Ok(Read::Cut),
        Err(e) => return Err(Error::Remote(format!("the feed is no JSON: {e}"))),
    };
    if !text_at(&feed, "version").contains("jsonfeed.org") {
        return Err(Error::Remote("it is JSON, and no JSON Feed: its `version` is not of jsonfeed.org".into()));
    }
    let site = join(url, text_at(&feed, "home_page_url")).filter(|_| !text_at(&feed, "home_page_url").is_empty());
    let channel = Channel { title: text_at(&feed, "title").into(), base: site.unwrap_or_else(|| url.to_string()) };
    let items = listed("the feed", &feed, "items")?;
    let papers = items.iter().enumerate().map(|(k, item)| {
        let name = |author: &Value| text_at(author, "name").to_string();
        let authors = match list(item, "authors") {
            [] => item.get("author").into_iter().map(name).collect(),
            authors => authors.iter().map(name).collect(),
        };
        let field = |name: &str| text_at(item, name).to_string();
        let id = item.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_string));
        let entry = Entry {
            guid: id.unwrap_or_default(),
            title: field("title"),
            link: join(&channel.base, text_at(item, "url")).filter(|_| !text_at(item, "url").is_empty()),
            identifiers: vec![field("doi"), field("_doi"), field("external_url")],
            authors,
            dates: vec![field("date_published"), field("date_modified")],
            bodies: vec![field("content_html"), field("content_text"), field("summary")],
            venue: String::new(),
            terms: list(item, "tags").iter().filter_map(Value::as_str).map(str::to_string).collect(),
            license: String::new(),
        };
        entry.paper(k + 1, &channel)
    });
    Ok(Read::Papers(papers.collect()))
}

/// What came in place of a feed.
fn no_feed(root: Option<&str>, text: &str) -> String {
    match root {
        Some(name) if name.eq_ignore_ascii_case("html") => {
            "it is HTML, a page for people and no feed; look on it for a link to RSS or Atom, and write that address"
                .into()
        }
        Some(name) => format!("it is no feed: it begins with <{}>", head(&shown(name), 40)),
        None => {
            let begins = head(&shown(&text.split_whitespace().collect::<Vec<_>>().join(" ")), 60);
            format!("it is no feed; it begins with {begins:?}")
        }
    }
}

#[cfg(test)]
mod tests;
