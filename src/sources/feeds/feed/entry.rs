//! An entry of a feed as a paper.

use super::super::super::references::xml::Element;
use super::super::super::web::join;
use super::super::record::{Record, given_first, rejected};
use super::Channel;
use super::body;
use crate::engine::Incoming;
use crate::paper::{Identifier, PaperDate, plain};

/// The longest id that is taken as it stands, in bytes.
const LONGEST_ID: usize = 200;

/// What an entry says, in whatever format.
#[derive(Debug, Default)]
pub struct Entry {
    /// What the feed calls it.
    pub guid: String,
    pub title: String,
    /// Where it leads, absolute.
    pub link: Option<String>,
    /// Where an identifier may stand, the likeliest first.
    pub identifiers: Vec<String>,
    pub authors: Vec<String>,
    /// When it appeared, the most certain first.
    pub dates: Vec<String>,
    /// Where an abstract may stand.
    pub bodies: Vec<String>,
    pub venue: String,
    pub terms: Vec<String>,
    pub license: String,
}

impl Entry {
    /// An item of RSS or RDF, or an entry of Atom. The names of the extensions are their own, so that all can be looked for.
    pub fn of_xml(element: &Element, channel: &Channel) -> Self {
        let texts = |names: &[&str]| -> Vec<String> {
            let found = names.iter().flat_map(|name| element.children(name).map(Element::text));
            found.filter(|text| !text.is_empty()).collect()
        };
        let first = |names: &[&str]| texts(names).into_iter().next().unwrap_or_default();
        let own = Some(element.attribute("base")).filter(|base| !base.is_empty());
        let base = own.and_then(|own| join(&channel.base, own)).unwrap_or_else(|| channel.base.clone());
        let links: Vec<&Element> = element.children("link").collect();
        let href = |rel: &[&str]| {
            let of = |link: &&&Element| !link.attribute("href").is_empty() && rel.contains(&link.attribute("rel"));
            links.iter().find(of).map(|link| link.attribute("href").to_string())
        };
        let link = href(&["alternate", ""]).or_else(|| href(&["via", "related"]));
        let link = link.unwrap_or_else(|| first(&["link"]));
        let guid = first(&["guid", "id"]);
        let about = element.attribute("about");
        let link = match (link.as_str(), about) {
            // A guid is an address unless it says otherwise.
            ("", "") if guid.starts_with("http") => guid.clone(),
            ("", about) => about.to_string(),
            _ => link,
        };
        let authors = match texts(&["creator"]) {
            found if !found.is_empty() => found,
            _ => {
                let found: Vec<String> =
                    element.children("author").chain(element.children("citation_author")).map(person).collect();
                found
            }
        };
        let term = |category: &Element| match (category.attribute("label"), category.attribute("term")) {
            ("", "") => category.text(),
            ("", term) => term.to_string(),
            (label, _) => label.to_string(),
        };
        Entry {
            title: first(&["title", "citation_title"]),
            link: join(&base, &link).filter(|_| !link.trim().is_empty()),
            identifiers: texts(&["doi", "DOI", "citation_doi", "identifier", "pmid", "source_id"]),
            authors,
            dates: texts(&[
                "publicationDate",
                "citation_publication_date",
                "date",
                "published",
                "issued",
                "pubDate",
                "coverDate",
                "updated",
                "modified",
            ]),
            bodies: texts(&["encoded", "abstract", "description", "summary", "content"]),
            // In Atom it is a whole feed that the entry was taken from.
            venue: match element.text_at("source/title") {
                title if !title.is_empty() => title,
                _ => first(&["publicationName", "citation_journal_title", "source"]),
            },
            terms: element.children("category").map(term).chain(texts(&["subject", "keyword"])).collect(),
            license: first(&["rights", "license"]),
            guid: if guid.is_empty() { about.to_string() } else { guid },
        }
    }

    /// The paper.
    pub fn paper(self, entry: usize, channel: &Channel) -> Incoming {
        let link = self.link.clone().unwrap_or_default();
        let named = self.identifiers.iter().chain([&self.guid, &link]);
        let mut keys: Vec<String> = named.filter_map(|text| key_of(text)).collect();
        // Some name their DOI nowhere but in what stands in place of an abstract.
        keys.extend(self.bodies.iter().find_map(|text| body::named_doi(text)));
        let key = |kind: &str| keys.iter().find_map(|key| key.strip_prefix(kind)).unwrap_or_default();
        let id = match (key("arxiv:"), key("doi:"), keys.first()) {
            ("", "", None) => own_id(&self.guid, &link),
            ("", "", Some(other)) => other.clone(),
            // arXiv's own DOIs name the same work.
            (arxiv, "", _) => format!("arxiv:{arxiv}"),
            (arxiv, doi, _) if !arxiv.is_empty() && doi.starts_with("10.48550/") => format!("arxiv:{arxiv}"),
            (_, doi, _) => format!("doi:{doi}"),
        };
        if id.is_empty() {
            return rejected(entry, None, "the entry has no identifier, no guid and no link");
        }
        // A title is HTML as often as not, whatever the feed says of it.
        let title = if self.title.contains(['<', '&']) { plain(&self.title).into_owned() } else { self.title.clone() };
        let authors = authors(&self.authors, &self.bodies);
        let summary = body::summary(&self.bodies, &self.title, &authors);
        let date = self.dates.iter().find_map(|date| PaperDate::read(date).ok());
        let venue = if self.venue.is_empty() { journal_of(&channel.title) } else { self.venue };
        let mut record = Record::new(id);
        record
            .text("title", &title)
            .text("abstract", &summary)
            .list("authors", authors)
            .text("date", date.as_ref().map_or("", PaperDate::as_str))
            .list("keywords", self.terms)
            .text("venue", &venue)
            .text("url", &link)
            .text("doi", key("doi:"))
            .text("arxiv_id", key("arxiv:"))
            .text("pmid", key("pmid:"))
            .text("license", &self.license);
        record.finish(entry)
    }
}

fn key_of(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("urn:").unwrap_or(text);
    // An ISSN or a number of the journal's own names no paper.
    if text.is_empty() || text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return None;
    }
    let text = text.strip_prefix("oai:arXiv.org:").unwrap_or(text);
    Some(Identifier::parse(text)?.key().to_string())
}

/// What an entry without an identifier is called: as the feed calls it, where that is the same everywhere.
fn own_id(guid: &str, link: &str) -> String {
    let guid = guid.trim();
    let name = match (guid, link) {
        ("", link) => link.to_string(),
        (guid, _) if guid.contains("://") || guid.starts_with("urn:") || guid.starts_with("tag:") => guid.to_string(),
        // A number, which another feed has as well.
        (guid, link) => {
            let rest = link.split_once("://").map_or("", |(_, rest)| rest);
            format!("{}:{guid}", rest.split('/').next().unwrap_or_default())
        }
    };
    let fits = name.len() <= LONGEST_ID && !name.chars().any(char::is_control);
    if fits { name } else { format!("feed:{}", &blake3::hash(name.as_bytes()).to_hex().as_str()[..24]) }
}

/// A person of Atom or RSS: `<name>`, `mail@x.example (Jane Doe)`, or a name.
fn person(author: &Element) -> String {
    let name = author.text_at("name");
    if !name.is_empty() {
        return name;
    }
    let text = author.text();
    match text.split_once('(') {
        Some((mail, name)) if mail.contains('@') => name.trim_end_matches(')').trim().to_string(),
        _ => text,
    }
}

/// The authors of an entry: one a field, or all in one.
fn authors(fields: &[String], bodies: &[String]) -> Vec<String> {
    let fields: Vec<String> =
        fields.iter().map(|name| plain(name).trim().to_string()).filter(|n| !n.is_empty()).collect();
    match &fields[..] {
        [] => bodies.iter().find_map(|text| body::named_authors(text)).map_or_else(Vec::new, |all| split(&all)),
        [one] => split(one),
        // One of several may be a mail address alone.
        several => several.iter().filter(|name| !name.contains('@')).map(|name| given_first(name)).collect(),
    }
}

/// Names in one text: `A. One, B. Two and C. Three`, `One, A.; Two, B.`, or one `Family, Given`.
fn split(text: &str) -> Vec<String> {
    let names = |parts: Vec<&str>| {
        let parts = parts.into_iter().map(|name| name.trim().trim_end_matches('.').trim_end_matches(" et al").trim());
        parts.filter(|name| !name.is_empty()).map(given_first).collect::<Vec<_>>()
    };
    let text = text.trim();
    if text.contains('@') && !text.contains(' ') {
        return Vec::new();
    }
    if text.contains(';') {
        return text.split(';').map(|name| given_first(name.trim())).filter(|name| !name.is_empty()).collect();
    }
    let joined = text.replace(" and ", ", ").replace(" & ", ", ").replace(",,", ",");
    let parts: Vec<&str> = joined.split(", ").collect();
    match parts[..] {
        // A family and given names: neither part is a whole name.
        [family, given] if !text.contains(" and ") && (!family.contains(' ') || is_initials(given)) => {
            vec![format!("{given} {family}")]
        }
        _ => names(parts),
    }
}

/// `J. M.`, `JM`, `J.-M.`
fn is_initials(text: &str) -> bool {
    text.len() <= 12 && text.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase) && !text.is_empty()
}

/// The journal that a feed is of: its title without what is said of the list.
fn journal_of(title: &str) -> String {
    const BEFORE: [&str; 5] = ["ScienceDirect Publication: ", "Wiley: ", "tandf: ", "SAGE Publications: ", "IEEE - "];
    const BEHIND: [&str; 9] = [
        ": Table of Contents",
        ": Latest Articles",
        ": Latest Results",
        " - Latest Articles",
        " Current Issue",
        " Advance Access",
        " - current issue",
        " RSS Feed",
        " - new TOC",
    ];
    const LISTS: [&str; 6] = ["arxiv", "search", "results", "pubmed", "updates on", "collection"];
    let title = plain(title);
    let title = BEFORE.iter().find_map(|before| title.strip_prefix(before)).unwrap_or(&title);
    let title = BEHIND.iter().find_map(|behind| title.strip_suffix(behind)).unwrap_or(title).trim();
    let lower = title.to_lowercase();
    let is_list = title.len() > 120 || LISTS.iter().any(|word| lower.contains(word));
    if is_list { String::new() } else { title.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_one_text_are_taken_apart() {
        for (text, wanted) in [
            ("A. One, B. Two and C. Three", vec!["A. One", "B. Two", "C. Three"]),
            ("Doe, Jane", vec!["Jane Doe"]),
            ("van den Berg, J.-M.", vec!["J.-M. van den Berg"]),
            ("Jane Doe, Max Roe", vec!["Jane Doe", "Max Roe"]),
            ("One, A.; Two, B. C.", vec!["A. One", "B. C. Two"]),
            ("Jane Doe", vec!["Jane Doe"]),
            ("editor@journal.example", vec![]),
        ] {
            assert_eq!(split(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_entry_without_an_identifier_is_called_as_the_feed_calls_it() {
        for (guid, link, wanted) in [
            ("https://j.example/a/17", "https://j.example/a/17?rss", "https://j.example/a/17"),
            ("17", "https://j.example/a/17", "j.example:17"),
            ("", "https://j.example/a/17", "https://j.example/a/17"),
            ("tag:j.example,2026:17", "", "tag:j.example,2026:17"),
            ("", "", ""),
        ] {
            assert_eq!(own_id(guid, link), wanted);
        }
        assert!(own_id(&"x".repeat(5000), "https://j.example/").starts_with("feed:"));
    }

    #[test]
    fn the_title_of_a_feed_names_its_journal() {
        for (title, wanted) in [
            ("ScienceDirect Publication: Things", "Things"),
            ("Wiley: Things: Table of Contents", "Things"),
            ("Things", "Things"),
            ("cs.LG updates on arXiv.org", ""),
        ] {
            assert_eq!(journal_of(title), wanted);
        }
    }
}
