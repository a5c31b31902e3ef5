//! Papers as a news reader takes them: Atom (RFC 4287) and JSON Feed 1.1.

use serde_json::{Value, json};

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
    pub fn write(&self, form: Form, papers: &[Paper]) -> String {
        match form {
            Form::Atom => self.atom(papers),
            Form::Json => self.json(papers).to_string(),
        }
    }

    /// Where a paper can be read: at its own address, else on the page of this service.
    fn link(&self, paper: &Paper) -> String {
        paper.link().unwrap_or_else(|| format!("{}/#/similar/{}", self.base, encoded(paper.id.as_str())))
    }

    fn atom(&self, papers: &[Paper]) -> String {
        // A feed has not changed in the future, whatever its papers are dated.
        let now = Moment::now().to_string();
        let newest = papers.iter().map(updated).filter(|at| *at <= now).max();
        let newest = newest.unwrap_or_else(|| Moment::of_day(0).to_string());
        let mut out =
            String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
        out += &format!(
            "<id>{}</id><title>{}</title><updated>{newest}</updated><generator>paperkin</generator>\
             <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>\
             <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n",
            escaped(&self.id),
            escaped(&self.title),
            escaped(&format!("{}{}", self.base, self.own)),
            escaped(&format!("{}{}", self.base, self.page)),
        );
        for paper in papers {
            out += &format!(
                "<entry><id>urn:paperkin:paper:{}</id><title>{}</title><updated>{}</updated>",
                encoded(paper.id.as_str()),
                escaped(&plain(&paper.title)),
                updated(paper)
            );
            match &paper.authors[..] {
                [] => out += "<author><name>unknown</name></author>",
                names => names.iter().for_each(|n| out += &format!("<author><name>{}</name></author>", escaped(n))),
            }
            out += &format!("<link rel=\"alternate\" href=\"{}\"/>", escaped(&self.link(paper)));
            for category in &paper.categories {
                out += &format!("<category term=\"{}\"/>", escaped(category));
            }
            out += &format!("<content type=\"text\">{}</content></entry>\n", escaped(&plain(&paper.summary)));
        }
        out + "</feed>\n"
    }

    fn json(&self, papers: &[Paper]) -> Value {
        let item = |paper: &Paper| {
            let mut item = json!({
                "id": paper.id, "url": self.link(paper), "title": plain(&paper.title),
                "content_text": plain(&paper.summary), "date_published": updated(paper),
            });
            // JSON Feed wants lists that are there to hold something.
            if !paper.authors.is_empty() {
                item["authors"] = paper.authors.iter().map(|name| json!({ "name": name })).collect();
            }
            if !paper.categories.is_empty() {
                item["tags"] = json!(paper.categories);
            }
            item
        };
        json!({
            "version": "https://jsonfeed.org/version/1.1", "title": self.title,
            "home_page_url": format!("{}{}", self.base, self.page), "feed_url": format!("{}{}", self.base, self.own),
            "items": papers.iter().map(item).collect::<Vec<_>>(),
        })
    }
}

/// When an entry was new: the day it was listed, else dated. Papers without a day have an old one, so that they do not look
/// new at every visit.
fn updated(paper: &Paper) -> String {
    Moment::of_day(paper.list_day().unwrap_or(0)).to_string()
}

/// A name inside a URN, path or query: everything but letters, digits and `-._~` percent-encoded.
pub fn encoded(name: &str) -> String {
    name.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

/// For XML: what has a meaning there, and without what it cannot hold or what [hides](shown) beside other entries.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\u{FFFE}' | '\u{FFFF}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_of_a_text_is_markup(text in "\\PC{0,40}|[<>&\"'\u{0}-\u{1f}]{0,20}") {
            let out = escaped(&text);
            prop_assert!(!out.contains(['<', '>', '"', '\'']) && !out.chars().any(char::is_control));
            let back = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            let kept: String = shown(&text).chars().filter(|c| !matches!(c, '\u{FFFE}' | '\u{FFFF}')).collect();
            prop_assert_eq!(back, kept);
        }
    }
}
