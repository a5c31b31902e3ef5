//! Papers as a news reader takes them: Atom (RFC 4287) and JSON Feed 1.1.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::paper::percent::encoded;
use crate::paper::{Paper, plain, shown};
use crate::user::Moment;

/// How a feed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Atom,
    Json,
}

impl Form {
    /// The media type of the answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Form::Atom => "application/atom+xml; charset=utf-8",
            Form::Json => "application/feed+json; charset=utf-8",
        }
    }
}

/// The name of an author where nobody is named.
const UNKNOWN: &str = "unknown";

/// What a feed says of itself.
pub struct Channel {
    /// Its name for ever, whatever address it is read at.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The address of the service, without a slash at its end.
    pub base: String,
    /// Its own address as it was asked for, from the root of the service. With the secret, where there is one: who reads the
    /// feed has it, and an address that does not open is none (RFC 4287, 4.2.7.2; JSON Feed: `feed_url`).
    pub own: String,
    /// The page that shows the same, from the root of the service.
    pub page: String,
}

impl Channel {
    /// The feed with these papers.
    ///
    /// # Errors
    /// [`Error::Internal`] when it cannot be written, which no paper can cause.
    pub fn write(&self, form: Form, papers: &[Paper]) -> Result<String> {
        let failed = |e: &dyn std::fmt::Display| Error::Internal(format!("cannot write the feed: {e}"));
        match form {
            Form::Atom => self.atom(papers).map_err(|e| failed(&e)),
            Form::Json => serde_json::to_string(&self.json(papers)).map_err(|e| failed(&e)),
        }
    }

    /// Where a paper can be read: at its own address, else on the page of this service.
    fn link(&self, paper: &Paper) -> String {
        paper.link().unwrap_or_else(|| format!("{}/paper/{}", self.base, encoded(paper.id.as_str())))
    }

    fn atom(&self, papers: &[Paper]) -> std::io::Result<String> {
        // A feed has not changed in the future, whatever its papers are dated.
        let now = Moment::now().to_string();
        let newest = papers.iter().map(updated).filter(|at| *at <= now).max();
        let newest = newest.unwrap_or_else(|| Moment::of_day(0).to_string());
        let mut xml = Writer::new(Vec::new());
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        let feed = xml.create_element("feed").with_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
        feed.write_inner_content(|xml| {
            element(xml, "id", &self.id)?;
            element(xml, "title", &self.title)?;
            element(xml, "updated", &newest)?;
            element(xml, "generator", "paperkin")?;
            let own = format!("{}{}", self.base, self.own);
            empty(xml, "link", &[("rel", "self"), ("type", "application/atom+xml"), ("href", &own)])?;
            let page = format!("{}{}", self.base, self.page);
            empty(xml, "link", &[("rel", "alternate"), ("type", "text/html"), ("href", &page)])?;
            papers.iter().try_for_each(|paper| self.entry(xml, paper))
        })?;
        String::from_utf8(xml.into_inner()).map_err(std::io::Error::other)
    }

    fn entry(&self, xml: &mut Xml, paper: &Paper) -> std::io::Result<()> {
        xml.create_element("entry").write_inner_content(|xml| {
            element(xml, "id", &format!("urn:paperkin:paper:{}", encoded(paper.id.as_str())))?;
            element(xml, "title", &plain(&paper.title))?;
            element(xml, "updated", &updated(paper))?;
            let unknown = [UNKNOWN.to_string()];
            // Every entry has an author (RFC 4287, 4.1.2).
            let names = if paper.authors.is_empty() { &unknown[..] } else { &paper.authors[..] };
            for name in names {
                xml.create_element("author").write_inner_content(|xml| element(xml, "name", name))?;
            }
            empty(xml, "link", &[("rel", "alternate"), ("href", &self.link(paper))])?;
            for category in &paper.categories {
                empty(xml, "category", &[("term", category)])?;
            }
            let content = xml.create_element("content").with_attribute(("type", "text"));
            content.write_text_content(BytesText::new(&shown_in_xml(&plain(&paper.summary)))).map(drop)
        })?;
        // A line an entry, for people.
        xml.write_event(Event::Text(BytesText::new("\n")))
    }

    fn json<'a>(&'a self, papers: &'a [Paper]) -> JsonFeed<'a> {
        let item = |paper: &'a Paper| JsonItem {
            id: paper.id.as_str(),
            url: self.link(paper),
            title: plain(&paper.title),
            content_text: plain(&paper.summary),
            date_published: updated(paper),
            authors: paper.authors.iter().map(|name| JsonAuthor { name }).collect(),
            tags: &paper.categories,
        };
        JsonFeed {
            version: "https://jsonfeed.org/version/1.1",
            title: &self.title,
            home_page_url: format!("{}{}", self.base, self.page),
            feed_url: format!("{}{}", self.base, self.own),
            items: papers.iter().map(item).collect(),
        }
    }
}

type Xml = Writer<Vec<u8>>;

/// An element that holds a text.
fn element(xml: &mut Xml, name: &str, text: &str) -> std::io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&shown_in_xml(text))).map(drop)
}

/// An element that holds nothing.
fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> std::io::Result<()> {
    let attributes: Vec<(&str, String)> = attributes.iter().map(|(key, value)| (*key, shown_in_xml(value))).collect();
    let attributes = attributes.iter().map(|(key, value)| (*key, value.as_str()));
    xml.create_element(name).with_attributes(attributes).write_empty().map(drop)
}

/// A text without what XML cannot hold, nor what [hides](shown) beside other entries.
fn shown_in_xml(text: &str) -> String {
    let mut text = shown(text);
    text.retain(|c| !matches!(c, '\u{FFFE}' | '\u{FFFF}'));
    text
}

/// A feed as JSON Feed has it (<https://jsonfeed.org/version/1.1>).
#[derive(Serialize)]
struct JsonFeed<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: String,
    feed_url: String,
    items: Vec<JsonItem<'a>>,
}

#[derive(Serialize)]
struct JsonItem<'a> {
    id: &'a str,
    url: String,
    title: Cow<'a, str>,
    content_text: Cow<'a, str>,
    date_published: String,
    // Lists that are there hold something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<JsonAuthor<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

#[derive(Serialize)]
struct JsonAuthor<'a> {
    name: &'a str,
}

/// When an entry was new: the day it was listed, else dated. Papers without a day have an old one, so that they do not look
/// new at every visit.
fn updated(paper: &Paper) -> String {
    Moment::of_day(paper.list_day().unwrap_or(0)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quick_xml::escape::unescape;

    fn channel(title: &str) -> Channel {
        let [id, base, own, page] =
            ["urn:x", "http://127.0.0.1:1", "/v1/feed.atom?a=1&b=2", "/"].map(ToString::to_string);
        Channel { id, title: title.into(), base, own, page }
    }

    fn paper(text: &str) -> Paper {
        let json = serde_json::json!({
            "id": "x", "title": format!("t {text}"), "abstract": text, "authors": [format!("n\u{1b}[2J {text}")], "categories": ["a<b"]
        });
        Paper::from_json(json).expect("a paper")
    }

    #[test]
    fn a_feed_is_written_in_both_forms() {
        let papers =
            [paper("5 < 6 & 7"), Paper::from_json(serde_json::json!({"id": "y/1", "title": "T"})).expect("a paper")];
        let atom = channel("Papers").write(Form::Atom, &papers).expect("written");
        for piece in [
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\">",
            "<link rel=\"self\" type=\"application/atom+xml\" href=\"http://127.0.0.1:1/v1/feed.atom?a=1&amp;b=2\"/>",
            "<title>t 5 &lt; 6 &amp; 7</title>",
            "<author><name>n[2J 5 &lt; 6 &amp; 7</name></author>",
            "<category term=\"a&lt;b\"/>",
            "<id>urn:paperkin:paper:y%2F1</id>",
            "<author><name>unknown</name></author>",
            "<content type=\"text\"></content></entry>",
        ] {
            assert!(atom.contains(piece), "{piece} is not in {atom}");
        }
        let json = channel("Papers").write(Form::Json, &papers).expect("written");
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["feed_url"], "http://127.0.0.1:1/v1/feed.atom?a=1&b=2");
        assert_eq!(json["items"][0]["tags"], serde_json::json!(["a<b"]));
        assert!(json["items"][1].get("authors").is_none() && json["items"][1].get("tags").is_none());
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_markup(text in "\\PC{0,40}|[<>&\"'\u{0}-\u{1f}]{0,20}") {
            let atom = channel(&text).write(Form::Atom, &[]).expect("written");
            let (_, behind) = atom.split_once("<title>").expect("a title");
            let (title, rest) = behind.split_once("</title>").expect("its end");
            prop_assert!(!title.contains(['<', '>']) && !title.chars().any(char::is_control));
            prop_assert_eq!(rest.matches('<').count(), 7, "{}", rest);
            let kept: String = shown(&text).chars().filter(|c| !matches!(c, '\u{FFFE}' | '\u{FFFF}')).collect();
            prop_assert_eq!(unescape(title).expect("escaped well"), kept);
        }
    }
}
