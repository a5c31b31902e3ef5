//! OAI-PMH 2.0, the protocol of repositories: arXiv's in its own formats, any other's in Dublin Core.
//!
//! Checked on 2026-11-26 against the protocol (openarchives.org/OAI/openarchivesprotocol.html), arXiv's help on OAI-PMH and the
//! source of its server (arXiv/arxiv-oaipmh). What is not as the protocol has it there: granularity is the day, errors come
//! with status 200, the last page has no token, a token's end is `expires`.
//!
//! The place is a day. Records come in the order of their days, so that day is asked for once more, and what of it is in
//! already is unchanged. A token lives within one run: one that is refused is no reason to stop, the day is asked for again.

use std::time::Duration;

use super::super::references::xml::{Element, elements, parse, root};
use super::super::web::{Ask, Web};
use super::record::{Record, rejected};
use super::{Batch, Place, Source};
use crate::cancel;
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::percent::encoded;

/// Tokens in a row that may be refused.
const REFUSED: u32 = 3;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// arXiv's own, with names taken apart.
    Arxiv,
    /// arXiv's own, with every version.
    ArxivRaw,
    /// Dublin Core, which every repository has.
    DublinCore,
}

impl Format {
    fn prefix(self) -> &'static str {
        match self {
            Format::Arxiv => "arXiv",
            Format::ArxivRaw => "arXivRaw",
            Format::DublinCore => "oai_dc",
        }
    }
}

/// What is asked of a repository.
#[derive(Debug, Clone)]
pub struct Harvest {
    /// The address that requests go to.
    pub base: String,
    /// How records are to be written.
    pub format: Format,
    /// The set; none for all.
    pub set: Option<String>,
    /// The first day, `YYYY-MM-DD`; none for all there is.
    pub from: Option<String>,
    /// The last day; none for what comes.
    pub until: Option<String>,
    /// Categories of which a record has to have one (arXiv's are crossed over sets); empty for all.
    pub categories: Vec<String>,
    /// Whose pace counts where a service has several hosts, and what it is.
    pub pace: (Option<&'static str>, Duration),
}

/// A repository, from a day on.
pub struct Repository {
    harvest: Harvest,
    next: Next,
    refused: u32,
    /// The day of the last record, which is where to go on.
    day: Option<String>,
    entries: usize,
}

enum Next {
    First,
    Token(String),
    End,
}

impl Repository {
    /// From a place on, or from the first day of the harvest.
    pub fn new(harvest: Harvest, place: Option<&Place>) -> Self {
        let day = place.map(|place| place.0.clone()).or_else(|| harvest.from.clone());
        Repository { harvest, next: Next::First, refused: 0, day, entries: 0 }
    }

    /// The papers of an answer by itself, in a format.
    ///
    /// # Errors
    /// [`Error::Remote`] where it is no page, or says an error.
    pub fn answer(format: Format, body: &[u8]) -> Result<Vec<Incoming>> {
        let pace = (None, Duration::from_secs(1));
        let (set, from, until, categories) = (None, None, None, Vec::new());
        let harvest = Harvest { base: "the answer".into(), format, set, from, until, categories, pace };
        match Repository::new(harvest, None).read(&String::from_utf8_lossy(body))? {
            Read::Page(batch, _) => Ok(batch.papers),
            Read::Error(code, why) => Err(Error::Remote(format!("the answer says {code}: {why}"))),
        }
    }

    fn address(&self) -> Option<String> {
        let base = &self.harvest.base;
        Some(match &self.next {
            Next::End => return None,
            Next::Token(token) => format!("{base}?verb=ListRecords&resumptionToken={}", encoded(token)),
            Next::First => {
                let mut address = format!("{base}?verb=ListRecords&metadataPrefix={}", self.harvest.format.prefix());
                let until = self.harvest.until.as_ref();
                for (name, value) in [("from", self.day.as_ref()), ("until", until), ("set", self.harvest.set.as_ref())]
                {
                    if let Some(value) = value {
                        address.push_str(&format!("&{name}={}", encoded(value)));
                    }
                }
                address
            }
        })
    }

    /// What a page says.
    fn read(&mut self, text: &str) -> Result<Read> {
        let host = self.harvest.base.clone();
        match root(text).as_deref() {
            Some("OAI-PMH") => {}
            // A page of a proxy, or of a service that is down, with status 200.
            Some(other) => {
                return Err(Error::Remote(format!("{host}: it answered with <{other}> in place of OAI-PMH")));
            }
            None => return Err(Error::Remote(format!("{host}: its answer is no XML"))),
        }
        let records = elements(text, &["record"]);
        if records.is_empty()
            && let Some((_, error)) = elements(text, &["error"]).first()
        {
            let error = parse(error).unwrap_or_default();
            return Ok(Read::Error(error.attribute("code").to_string(), error.text()));
        }
        let mut batch = Batch::default();
        for (_, record) in records {
            cancel::check()?;
            self.entries += 1;
            let entry = self.entries;
            match parse(record) {
                Err(why) => batch.papers.push(rejected(entry, None, why)),
                Ok(record) => self.take(entry, &record, &mut batch),
            }
        }
        let token = elements(text, &["resumptionToken"]).last().and_then(|(_, token)| parse(token).ok());
        // Without white space, which some write around it; the text of an element is not changed otherwise.
        let token = token.map(|token| token.text()).filter(|token| !token.is_empty());
        batch.place = self.day.clone().map(Place);
        Ok(Read::Page(batch, token))
    }

    fn take(&mut self, entry: usize, record: &Element, batch: &mut Batch) {
        let id = record.text_at("header/identifier");
        let day = record.text_at("header/datestamp");
        if let Some(day) = day.get(..10) {
            self.day = Some(day.to_string());
        }
        let deleted = record.at("header").is_some_and(|header| header.attribute("status") == "deleted");
        if deleted {
            batch.deleted.push(paper_id(&id));
            return;
        }
        let read = match self.harvest.format {
            Format::Arxiv => record.at("metadata/arXiv").map(|paper| arxiv(entry, paper)),
            Format::ArxivRaw => record.at("metadata/arXivRaw").map(|paper| arxiv_raw(entry, paper)),
            Format::DublinCore => record.at("metadata/dc").map(|paper| dublin_core(entry, &id, record, paper)),
        };
        let paper = read.unwrap_or_else(|| {
            rejected(entry, Some(&id), "the record has no metadata in the format that was asked for")
        });
        if self.wanted(&paper) {
            batch.papers.push(paper);
        }
    }

    fn wanted(&self, paper: &Incoming) -> bool {
        let wanted = &self.harvest.categories;
        let of = |category: &str, wanted: &str| {
            category == wanted || category.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
        };
        wanted.is_empty()
            || match &paper.paper {
                Ok(paper) => paper.categories.iter().any(|c| wanted.iter().any(|w| of(c, w))),
                // What cannot be read is told, whichever category it has.
                Err(_) => true,
            }
    }
}

enum Read {
    Page(Batch, Option<String>),
    Error(String, String),
}

impl Source for Repository {
    fn next(&mut self, web: &Web) -> Result<Option<Batch>> {
        loop {
            let Some(address) = self.address() else { return Ok(None) };
            let (service, pace) = self.harvest.pace;
            let page = web.page(&Ask::get(address).paced(service, pace))?;
            let text = String::from_utf8_lossy(&page.body);
            match self.read(&text)? {
                Read::Page(batch, token) => {
                    // A token that leads to itself would lead there for ever.
                    let same = matches!((&self.next, &token), (Next::Token(old), Some(new)) if old == new);
                    self.next = match token {
                        Some(token) if !same => Next::Token(token),
                        _ => Next::End,
                    };
                    return Ok(Some(batch));
                }
                Read::Error(code, _) if code == "noRecordsMatch" => {
                    self.next = Next::End;
                    return Ok(None);
                }
                Read::Error(code, _) if code == "badResumptionToken" && self.refused < REFUSED => {
                    self.refused += 1;
                    self.next = Next::First;
                }
                Read::Error(code, why) => {
                    let base = &self.harvest.base;
                    return Err(Error::Remote(format!("{base}: it refuses the request with {code}: {why}")));
                }
            }
        }
    }
}

/// The id of the paper of a record: that of arXiv where it is one, else the record's own.
fn paper_id(record: &str) -> String {
    match record.strip_prefix("oai:arXiv.org:") {
        Some(id) => format!("arxiv:{id}"),
        None => record.to_string(),
    }
}

fn arxiv(entry: usize, paper: &Element) -> Incoming {
    let id = paper.text_at("id");
    let author = |a: &Element| {
        let parts = ["forenames", "keyname", "suffix"].map(|part| a.text_at(part));
        parts.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let authors: Vec<String> = paper.at("authors").iter().flat_map(|a| a.children("author")).map(author).collect();
    let mut record = common(paper, &id);
    record.list("authors", authors).text("date", &paper.text_at("created")).text("updated", &paper.text_at("updated"));
    record.finish(entry)
}

fn arxiv_raw(entry: usize, paper: &Element) -> Incoming {
    let id = paper.text_at("id");
    let mut record = common(paper, &id);
    let dates: Vec<String> = paper.children("version").map(|v| v.text_at("date")).collect();
    record.list("authors", names(&paper.text_at("authors")));
    record.text("date", dates.first().map_or("", |d| d)).text("updated", dates.last().map_or("", |d| d));
    let versions = paper.children("version").count();
    record.number("versions", (versions > 0).then_some(versions as u64));
    record.finish(entry)
}

fn common(paper: &Element, id: &str) -> Record {
    let mut record = Record::new(format!("arxiv:{id}"));
    record
        .text("title", &paper.text_at("title"))
        .text("abstract", &paper.text_at("abstract"))
        .list("categories", paper.text_at("categories").split_whitespace().map(str::to_string))
        .text("url", &format!("https://arxiv.org/abs/{id}"))
        // Several may stand there, one behind the other; the first is the article's.
        .text("doi", paper.text_at("doi").split_whitespace().next().unwrap_or_default())
        .text("venue", &paper.text_at("journal-ref"))
        .text("comment", &paper.text_at("comments"))
        .text("license", &paper.text_at("license"));
    record
}

/// Authors in one text: `A. One, B. Two (Inst A, Inst B) and C. Three`. What stands in brackets is where they work.
pub(in crate::sources) fn names(text: &str) -> Vec<String> {
    let (mut out, mut depth) = (String::new(), 0u32);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    let parts = out.replace(" and ", ",");
    parts
        .split(',')
        .map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|n| !n.is_empty())
        .collect()
}

fn dublin_core(entry: usize, id: &str, whole: &Element, paper: &Element) -> Incoming {
    let texts = |name: &str| paper.children(name).map(Element::text).filter(|t| !t.is_empty()).collect::<Vec<_>>();
    let identifiers = texts("identifier");
    let key_of = |text: &String| crate::paper::Identifier::parse(text).map(|found| found.key().to_string());
    let doi = identifiers.iter().filter_map(key_of).find_map(|key| key.strip_prefix("doi:").map(str::to_string));
    let url = identifiers.iter().find(|text| text.starts_with("http://") || text.starts_with("https://"));
    let mut record = Record::new(paper_id(id));
    // The longest description is the abstract: others tell of pages and funding.
    let summary = texts("description").into_iter().max_by_key(String::len).unwrap_or_default();
    record
        .text("title", texts("title").first().map_or("", |t| t))
        .text("abstract", &summary)
        .list("authors", texts("creator").into_iter().map(|name| natural(&name)))
        .text("date", texts("date").iter().filter(|d| d.len() >= 4).min().map_or("", |d| d))
        .list("keywords", texts("subject"))
        .list("categories", whole.at("header").iter().flat_map(|h| h.children("setSpec")).map(Element::text))
        .text("venue", texts("source").first().map_or("", |t| t))
        .text("organization", texts("publisher").first().map_or("", |t| t))
        .text("url", url.map_or("", |u| u))
        .text("doi", doi.as_deref().unwrap_or_default())
        .text("license", texts("rights").first().map_or("", |t| t));
    record.finish(entry)
}

/// `Family, Given` the way round that names are written here.
fn natural(name: &str) -> String {
    match name.split_once(',') {
        Some((family, given)) if !given.contains(',') => {
            format!("{} {}", given.trim(), family.trim()).trim().to_string()
        }
        _ => name.trim().to_string(),
    }
}
