//! The ACL Anthology's XML.
//!
//! Checked on 2026-11-26 against the schema and the files of acl-org/acl-anthology (`data/xml`, `schema.rnc`). A paper stands in
//! a volume, whose `meta` has the book's title, month and year; its id is made of those of collection and volume.

use super::super::feeds::record::{Record, rejected};
use super::super::references::date;
use super::super::references::xml::{Element, parse};
use crate::engine::Incoming;
use crate::paper::Identifier;

/// Where in the Anthology the papers that come next stand.
#[derive(Debug, Default)]
pub struct Anthology {
    collection: String,
    volume: String,
    venue: String,
    date: String,
    publisher: String,
}

/// What stands around text of some elements, so that it is read as what it is.
const MARKS: &[(&str, &str)] = &[("tex-math", "$")];

impl Anthology {
    /// The elements that are looked at one by one.
    pub const ELEMENTS: &'static [&'static str] = &["collection", "volume", "meta", "paper", "frontmatter", "event"];

    /// Takes an element that begins on a line: a paper comes out, and from anything else what is said of the next ones is kept.
    pub fn take(&mut self, line: usize, text: &str) -> Option<Incoming> {
        let name = text.trim_start_matches('<').split([' ', '>', '/', '\t', '\n']).next().unwrap_or_default();
        match name {
            "collection" => *self = Anthology { collection: attribute(text, "id"), ..Anthology::default() },
            "volume" => {
                let collection = std::mem::take(&mut self.collection);
                *self = Anthology { collection, volume: attribute(text, "id"), ..Anthology::default() };
            }
            "meta" => {
                if let Ok(meta) = parse(text) {
                    self.venue = meta.text_at("booktitle");
                    if self.venue.is_empty() {
                        self.venue = meta.text_at("journal-title");
                    }
                    self.publisher = meta.text_at("publisher");
                    let (year, month) = (meta.text_at("year"), meta.text_at("month"));
                    let day = date::day(&format!("{year} {month}")).or_else(|| date::day(&year));
                    self.date = day.unwrap_or_default();
                }
            }
            // The events at the end have a `meta` of their own, and no paper comes behind them.
            "paper" => {
                return Some(match parse(text) {
                    Ok(paper) => self.paper(line, &paper),
                    Err(why) => rejected(line, Some(&self.id(&attribute(text, "id"))), why),
                });
            }
            _ => {}
        }
        None
    }

    /// The id in the Anthology: `2020.acl-main.1`, and of before 2020 `P19-1001`.
    fn id(&self, paper: &str) -> String {
        let (collection, volume) = (&self.collection, &self.volume);
        let number = |text: &str| text.parse::<u32>().ok();
        let old = collection.starts_with(|c: char| c.is_ascii_alphabetic());
        match (number(volume), number(paper)) {
            // Older files have the volume in it.
            _ if old && paper.len() == 4 => format!("{collection}-{paper}"),
            (Some(volume), Some(paper)) if old => {
                let wide = collection.starts_with('W') || collection == "C69" || (collection == "D19" && volume >= 5);
                if wide {
                    format!("{collection}-{volume:02}{paper:02}")
                } else {
                    format!("{collection}-{volume}{paper:03}")
                }
            }
            _ => format!("{collection}-{volume}.{paper}"),
        }
    }

    fn paper(&self, line: usize, paper: &Element) -> Incoming {
        // Older files give papers an id of their own in the address.
        let address = paper.text_at("url");
        let own = if self.collection.is_empty() || self.volume.is_empty() || paper.attribute("id").is_empty() {
            address.rsplit('/').next().unwrap_or_default().trim_end_matches(".pdf").to_string()
        } else {
            self.id(paper.attribute("id"))
        };
        if own.is_empty() {
            return rejected(line, None, "the paper has no id, and stands in no volume");
        }
        let id = Identifier::parse(&own).filter(|id| id.key().starts_with("acl:"));
        let mut record =
            Record::new(id.map_or_else(|| format!("acl:{}", own.to_lowercase()), |id| id.key().to_string()));
        let author =
            |author: &Element| format!("{} {}", author.text_at("first"), author.text_at("last")).trim().to_string();
        let marked = |name: &str| paper.at(name).map_or_else(String::new, |element| element.marked(MARKS));
        let status = match (paper.at("retracted"), paper.at("removed")) {
            (Some(_), _) => "retracted",
            (None, Some(_)) => "withdrawn",
            _ => "",
        };
        let (year, month) = (paper.text_at("year"), paper.text_at("month"));
        let day = date::day(&format!("{year} {month}")).unwrap_or_else(|| self.date.clone());
        let address = match address.as_str() {
            whole if whole.starts_with("http") => whole.to_string(),
            _ => format!("https://aclanthology.org/{own}/"),
        };
        record
            .text("title", &marked("title"))
            .text("abstract", &marked("abstract"))
            .list("authors", paper.children("author").map(author))
            .text("date", &day)
            .text("venue", &self.venue)
            .text("organization", &self.publisher)
            .text("url", &address)
            .text("doi", &paper.text_at("doi"))
            .text("pages", &paper.text_at("pages"))
            .text("status", status);
        record.finish(line)
    }
}

/// An attribute of the tag that a text begins with.
fn attribute(text: &str, name: &str) -> String {
    let tag = text.split('>').next().unwrap_or_default().trim_end_matches('/');
    parse(&format!("{tag}/>")).map(|element| element.attribute(name).to_string()).unwrap_or_default()
}
