//! OAI-PMH 2.0, the protocol of repositories: arXiv's in its own formats, any other's in Dublin Core ([`records`]).
//!
//! Checked on 2026-11-26 against the protocol (openarchives.org/OAI/openarchivesprotocol.html), arXiv's help on OAI-PMH and the
//! source of its server (arXiv/arxiv-oaipmh). What is not as the protocol has it there: granularity is the day, errors come
//! with status 200, the last page has no token, a token's end is `expires`, withdrawn papers are records with a comment.
//!
//! The place is a day, and no token has to outlive a run. arXiv's records come in the order of their days: the place is the day
//! of the last one, which is asked for once more, and what of it is in already is unchanged. Other repositories have an order of
//! their own: a run takes the days a month at a time ([`SLICE`]), the place is where the month begins, and behind the last one
//! the day before the repository's own today. A token that is refused is no reason to stop: the place is asked for again.

mod records;

pub(in crate::sources) use records::names;

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;

use super::super::references::xml::{Element, elements, parse, root};
use super::super::web::{Ask, Page, Web};
use super::record::{decoded, rejected};
use super::{Batch, Place, Source};
use crate::cancel;
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::head;
use crate::paper::percent::encoded;

/// Tokens in a row that may be refused.
const REFUSED: u32 = 3;

/// Pages in a row that may end in the middle.
const CUT: u32 = 3;

/// Days that a repository without an order is asked for at a time.
const SLICE: i32 = 31;

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
    /// The first day.
    pub from: Date,
    /// The last day; none for what comes.
    pub until: Option<Date>,
    /// The day it is.
    pub today: Date,
    /// Categories of which a record has to have one (arXiv's are crossed over sets); empty for all.
    pub categories: Vec<String>,
    /// Whose pace counts where a service has several hosts, and what it is.
    pub pace: (Option<&'static str>, Duration),
}

/// A repository, from a day on.
pub struct Repository {
    harvest: Harvest,
    next: Next,
    /// The day to ask from, and to go on from: that of the last record, or where the slice begins.
    day: Date,
    /// Whether the repository counts seconds; none until it was asked.
    seconds: Option<bool>,
    /// What the repository called today when the slice was begun.
    response: Option<Date>,
    refused: u32,
    cut: u32,
    entries: usize,
}

enum Next {
    First,
    Token(String),
    End,
}

/// What an answer says.
pub(super) enum Read {
    Page(Batch, Option<String>),
    Error(String, String),
    /// It ends in the middle.
    Cut,
}

impl Repository {
    /// From a place on, or from the first day of the harvest.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a place that is no day.
    pub fn new(harvest: Harvest, place: Option<&Place>) -> Result<Self> {
        let wrong = |text: &str| Error::Invalid(format!("{:?} is no place of this source", head(text, 80)));
        let day = place.map(|place| place.0.parse::<Date>().map_err(|_| wrong(&place.0))).transpose()?;
        let day = day.unwrap_or(harvest.from);
        // arXiv's is known.
        let seconds = (harvest.format != Format::DublinCore).then_some(false);
        Ok(Repository { harvest, next: Next::First, day, seconds, response: None, refused: 0, cut: 0, entries: 0 })
    }

    /// The papers of an answer by itself, in a format.
    ///
    /// # Errors
    /// [`Error::Remote`] where it is no page, breaks off, or says an error.
    pub fn answer(format: Format, body: &[u8]) -> Result<Vec<Incoming>> {
        let (day, pace) = (Date::constant(2000, 1, 1), (None, Duration::from_secs(1)));
        let (base, set, until, categories) = ("the answer".into(), None, None, Vec::new());
        let harvest = Harvest { base, format, set, from: day, until, today: day, categories, pace };
        match Repository::new(harvest, None)?.read(&String::from_utf8_lossy(body))? {
            Read::Page(batch, _) => Ok(batch.papers),
            Read::Error(code, why) => Err(Error::Remote(format!("the answer says {code}: {why}"))),
            Read::Cut => Err(Error::Remote("the answer ends in the middle".into())),
        }
    }

    /// Whether records come in the order of their days.
    fn is_ordered(&self) -> bool {
        self.harvest.format != Format::DublinCore
    }

    /// The last day of the slice, and whether another one follows.
    fn slice(&self) -> (Option<Date>, bool) {
        let end = self.day.saturating_add(SLICE.days());
        let last = self.harvest.until.unwrap_or(self.harvest.today);
        match self.is_ordered() || end >= last {
            true => (self.harvest.until, false),
            false => (Some(end), true),
        }
    }

    fn address(&self) -> Option<String> {
        let base = &self.harvest.base;
        let sign = if base.contains('?') { '&' } else { '?' };
        Some(match &self.next {
            Next::End => return None,
            Next::Token(token) => format!("{base}{sign}verb=ListRecords&resumptionToken={}", encoded(token)),
            Next::First => {
                let prefix = self.harvest.format.prefix();
                let mut address = format!("{base}{sign}verb=ListRecords&metadataPrefix={prefix}");
                let time = |day: Date, time: &str| match self.seconds {
                    Some(true) => format!("{day}T{time}Z"),
                    _ => day.to_string(),
                };
                let until = self.slice().0.map(|day| time(day, "23:59:59"));
                let from = Some(time(self.day, "00:00:00"));
                for (name, value) in [("from", &from), ("until", &until), ("set", &self.harvest.set)] {
                    if let Some(value) = value {
                        address.push_str(&format!("&{name}={}", encoded(value)));
                    }
                }
                address
            }
        })
    }

    fn ask(&self, web: &Web, address: String) -> Result<Page> {
        let (service, pace) = self.harvest.pace;
        web.page(&Ask::get(address).paced(service, pace))
    }

    /// What the repository says of itself: the first day it has, and whether it counts seconds.
    fn identify(&self, web: &Web) -> Result<(Option<Date>, bool)> {
        let sign = if self.harvest.base.contains('?') { '&' } else { '?' };
        let page = self.ask(web, format!("{}{sign}verb=Identify", self.harvest.base))?;
        let text = decoded(&page);
        self.is_oai(&text)?;
        let found = elements(&text, &["Identify", "oai:Identify"]).first().and_then(|(_, part)| parse(part).ok());
        let identify = found.unwrap_or_default();
        let earliest = identify.text_at("earliestDatestamp").get(..10).and_then(|day| day.parse().ok());
        Ok((earliest, identify.text_at("granularity").len() > "YYYY-MM-DD".len()))
    }

    /// Refuses what is no answer of a repository: a page of a proxy, or of a service that is down, with status 200.
    fn is_oai(&self, text: &str) -> Result<()> {
        let host = self.host();
        match root(text).as_deref() {
            Some("OAI-PMH") => Ok(()),
            Some(other) => {
                let other = head(&crate::paper::shown(other), 40);
                Err(Error::Remote(format!(
                    "{host}: it answered with <{other}> in place of OAI-PMH; is the address that of its OAI interface, and is it up?"
                )))
            }
            None => {
                Err(Error::Remote(format!("{host}: its answer is no XML; is the address that of its OAI interface?")))
            }
        }
    }

    /// Whom errors name: the host.
    fn host(&self) -> &str {
        let rest = self.harvest.base.split_once("://").map_or(self.harvest.base.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default()
    }

    /// What an answer says.
    pub(super) fn read(&mut self, text: &str) -> Result<Read> {
        self.is_oai(text)?;
        // Behind it may stand remarks; in front of its name a prefix.
        if !["</OAI-PMH>", ":OAI-PMH>"].iter().any(|end| text.contains(end)) {
            return Ok(Read::Cut);
        }
        let records = elements(text, &["record", "oai:record"]);
        if records.is_empty() {
            if let Some((_, error)) = elements(text, &["error", "oai:error"]).first() {
                let error = parse(error).unwrap_or_default();
                return Ok(Read::Error(error.attribute("code").to_string(), error.text()));
            }
            if elements(text, &["ListRecords", "oai:ListRecords"]).is_empty() {
                let host = self.host();
                return Err(Error::Remote(format!("{host}: its answer has neither records nor an error")));
            }
        }
        if let Next::First = self.next {
            let said = elements(text, &["responseDate", "oai:responseDate"]);
            let said = said.first().and_then(|(_, part)| parse(part).ok()).map(|date| date.text());
            self.response = said.and_then(|date| date.get(..10)?.parse().ok());
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
        let token = elements(text, &["resumptionToken", "oai:resumptionToken"]);
        let token = token.last().and_then(|(_, token)| parse(token).ok());
        // Without white space, which some write around it; the text of an element is not changed otherwise.
        Ok(Read::Page(batch, token.map(|token| token.text()).filter(|token| !token.is_empty())))
    }

    fn take(&mut self, entry: usize, record: &Element, batch: &mut Batch) {
        let id = record.text_at("header/identifier");
        let stamp = record.text_at("header/datestamp").get(..10).and_then(|day| day.parse::<Date>().ok());
        if let (Some(stamp), true) = (stamp, self.is_ordered()) {
            self.day = stamp.max(self.day);
        }
        if record.at("header").is_some_and(|header| header.attribute("status") == "deleted") {
            batch.deleted.push(records::paper_id(&id));
            return;
        }
        let read = match self.harvest.format {
            Format::Arxiv => record.at("metadata/arXiv").map(|paper| records::arxiv(entry, paper, stamp)),
            Format::ArxivRaw => record.at("metadata/arXivRaw").map(|paper| records::arxiv_raw(entry, paper, stamp)),
            Format::DublinCore => record.at("metadata/dc").map(|paper| records::dublin_core(entry, &id, record, paper)),
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

    /// Behind the last page of a slice: the next one, or the end; and the place.
    fn slice_done(&mut self) -> Place {
        let (end, more) = self.slice();
        match end.filter(|_| more) {
            Some(end) => {
                self.day = end;
                self.next = Next::First;
            }
            None => {
                self.next = Next::End;
                if !self.is_ordered() {
                    // The repository's day may not be over, and ours may be another.
                    let today = self.response.unwrap_or(self.harvest.today);
                    let done = self.harvest.until.map_or(today, |until| until.min(today));
                    self.day = done.saturating_sub(1.days()).max(self.day);
                }
            }
        }
        Place(self.day.to_string())
    }

    /// Why a request is refused, in words that name the way out.
    fn refusal(&self, web: &Web, code: &str, why: &str) -> Error {
        let host = self.host();
        if code == "badArgument"
            && let Ok((Some(earliest), _)) = self.identify(web)
            && self.day < earliest
        {
            let day = self.day;
            return Error::Remote(format!(
                "{host}: it has nothing before {earliest}, and was asked from {day} on; write from = \"{earliest}\""
            ));
        }
        Error::Remote(format!("{host}: it refuses the request with {}: {}", head(code, 40), head(why, 200)))
    }
}

impl Source for Repository {
    fn next(&mut self, web: &Web) -> Result<Option<Batch>> {
        if self.seconds.is_none() {
            self.seconds = Some(self.identify(web)?.1);
        }
        loop {
            let Some(address) = self.address() else { return Ok(None) };
            let page = self.ask(web, address)?;
            let text = decoded(&page);
            match self.read(&text)? {
                Read::Page(mut batch, token) => {
                    self.cut = 0;
                    match (&self.next, &token) {
                        (Next::Token(old), Some(new)) if old == new => {
                            let host = self.host();
                            return Err(Error::Remote(format!("{host}: its resumption token leads to itself")));
                        }
                        (Next::Token(_), _) => self.refused = 0,
                        _ => {}
                    }
                    batch.place = Some(match token {
                        Some(token) => {
                            self.next = Next::Token(token);
                            Place(self.day.to_string())
                        }
                        None => self.slice_done(),
                    });
                    return Ok(Some(batch));
                }
                Read::Cut if self.cut < CUT => self.cut += 1,
                Read::Cut => {
                    let host = self.host();
                    return Err(Error::Remote(format!("{host}: its answer ends in the middle, {CUT} times")));
                }
                Read::Error(code, _) if code == "noRecordsMatch" => {
                    let place = self.slice_done();
                    return Ok(Some(Batch { place: Some(place), ..Batch::default() }));
                }
                Read::Error(code, _) if code == "badResumptionToken" && self.refused < REFUSED => {
                    self.refused += 1;
                    self.next = Next::First;
                }
                Read::Error(code, why) => return Err(self.refusal(web, &code, &why)),
            }
        }
    }
}
