//! The source of a kind: the one place that knows all of them, with the addresses of the real services.

use std::time::Duration;

use jiff::civil::Date;

use super::super::files::Watched;
use super::arxiv_rss::ArxivRss;
use super::arxiv_sets::set_of;
use super::biorxiv::Biorxiv;
use super::crossref::Crossref;
use super::daily_papers::DailyPapers;
use super::europe_pmc::EuropePmc;
use super::feed::{self, Feed};
use super::oai::{Format, Harvest, Repository};
use super::openalex::OpenAlex;
use super::paged::{self, Paged, Service};
use super::semantic_scholar::SemanticScholar;
use super::zotero::Zotero;
use super::{Place, Source};
use crate::config::{SourceKind, SourceSettings};
use crate::engine::Incoming;
use crate::error::{Error, Result};

/// What a run asks a source for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The day it is, where the services are asked by days: UTC.
    pub today: Date,
    /// Where the run before it came to; none the first time, and where days are named.
    pub place: Option<Place>,
    /// The first day, where one is named.
    pub from: Option<Date>,
    /// The last day, where one is named.
    pub to: Option<Date>,
    /// Whom a service can write to.
    pub contact: Option<String>,
    /// The key of the service.
    pub key: Option<String>,
}

/// The source of some settings, at the place where a run begins.
///
/// # Errors
/// [`Error::Invalid`] for a place or days that are none of this source.
pub fn open(settings: &SourceSettings, asked: &Asked) -> Result<Box<dyn Source>> {
    let base = |public: &str| settings.url.as_deref().unwrap_or(public).trim_end_matches('/').to_string();
    let from = asked.from.map_or_else(|| settings.first_day(asked.today), Ok)?;
    let to = asked.to.or(settings.to).unwrap_or(asked.today);
    let days = Days { place: asked.place.as_ref(), from, to };
    let place = asked.place.as_ref();
    if asked.from.or(asked.to).is_some()
        && let Some(has) = without_days(settings.kind)
    {
        let (name, kind) = (&settings.name, settings.kind.name());
        return Err(Error::Invalid(format!("the source {name}: days cannot be asked for, as the kind {kind} {has}")));
    }
    let query = settings.query.clone();
    let mailto = asked.contact.clone().filter(|contact| contact.contains('@'));
    let harvest = |base: String, format: Format, pace: (Option<&'static str>, Duration)| Harvest {
        base,
        format,
        set: settings.set.clone(),
        from,
        // A day that is not over yet is no last day: some refuse it.
        until: asked.to.or(settings.to),
        today: asked.today,
        categories: settings.categories.clone(),
        pace,
    };
    Ok(match settings.kind {
        SourceKind::Arxiv => {
            let format = if settings.format.as_deref() == Some("arXivRaw") { Format::ArxivRaw } else { Format::Arxiv };
            let base = base("https://oaipmh.arxiv.org/oai");
            let harvest = harvest(base, format, (settings.url.is_none().then_some("arxiv"), Duration::from_secs(3)));
            let set = harvest.set.clone().or_else(|| set_of(&settings.categories));
            Box::new(Repository::new(Harvest { set, ..harvest }, place)?)
        }
        SourceKind::OaiPmh => {
            let pace = (None, Duration::from_secs(1));
            Box::new(Repository::new(harvest(base(""), Format::DublinCore, pace), place)?)
        }
        kind @ (SourceKind::Biorxiv | SourceKind::Medrxiv) => {
            let category = settings.categories.first().cloned();
            days.paged(Biorxiv::new(base("https://api.biorxiv.org"), kind.name(), category))?
        }
        SourceKind::Openalex => days.paged(OpenAlex {
            base: base("https://api.openalex.org"),
            filters: settings.filters.clone(),
            query,
            key: asked.key.clone(),
        })?,
        SourceKind::Crossref => {
            let base = base("https://api.crossref.org");
            days.paged(Crossref { base, filters: settings.filters.clone(), query, mailto })?
        }
        SourceKind::SemanticScholar => days.paged(SemanticScholar {
            base: base("https://api.semanticscholar.org"),
            query,
            fields: settings.categories.clone(),
            key: asked.key.clone(),
        })?,
        SourceKind::EuropePmc => {
            days.paged(EuropePmc { base: base("https://www.ebi.ac.uk/europepmc/webservices/rest"), query })?
        }
        SourceKind::DailyPapers => {
            days.paged(DailyPapers { base: base("https://huggingface.co"), key: asked.key.clone(), before: None })?
        }
        SourceKind::ArxivRss => Box::new(ArxivRss::new(&base("https://rss.arxiv.org"), &settings.categories, place)?),
        SourceKind::Feed => Box::new(Feed::new(settings.url.clone().unwrap_or_default(), place)?),
        SourceKind::Zotero => {
            let library = settings.library.as_deref().unwrap_or_default();
            let base = base("https://api.zotero.org");
            Box::new(Zotero::new(base, library, asked.key.clone(), settings.user.is_some(), place)?)
        }
        SourceKind::Files => Box::new(Watched::new(settings, asked.place.as_ref())?),
    })
}

/// The papers of an answer that a service has given, read as a run reads it: for whoever has kept some.
///
/// # Errors
/// [`Error::Remote`] where it says no papers, in its own words; [`Error::Invalid`] for a kind whose answers are not read by
/// themselves.
pub fn read_answer(kind: SourceKind, body: &[u8]) -> Result<Vec<Incoming>> {
    let (base, query, key, mailto) = (String::new(), None, None, None);
    let (filters, fields) = (Vec::new(), Vec::new());
    match kind {
        SourceKind::Arxiv => Repository::answer(Format::Arxiv, body),
        SourceKind::OaiPmh => Repository::answer(Format::DublinCore, body),
        SourceKind::Biorxiv | SourceKind::Medrxiv => paged::answer(Biorxiv::new(base, kind.name(), None), body),
        SourceKind::Openalex => paged::answer(OpenAlex { base, filters, query, key }, body),
        SourceKind::Crossref => paged::answer(Crossref { base, filters, query, mailto }, body),
        SourceKind::SemanticScholar => paged::answer(SemanticScholar { base, query, fields, key }, body),
        SourceKind::EuropePmc => paged::answer(EuropePmc { base, query }, body),
        SourceKind::DailyPapers => paged::answer(DailyPapers { base, key, before: None }, body),
        SourceKind::ArxivRss | SourceKind::Feed => feed::answer(body),
        SourceKind::Zotero | SourceKind::Files => {
            Err(Error::Invalid(format!("answers of the kind {} are not read by themselves", kind.name())))
        }
    }
}

/// What a kind has in place of days that could be asked for.
fn without_days(kind: SourceKind) -> Option<&'static str> {
    match kind {
        SourceKind::ArxivRss => Some("has the announcements of today alone; the kind arxiv goes back"),
        SourceKind::Feed => Some("has what stands in the feed now"),
        SourceKind::Zotero => Some("has what changed in the library since the last run"),
        _ => None,
    }
}

/// The days that a run asks for.
struct Days<'a> {
    place: Option<&'a Place>,
    from: Date,
    to: Date,
}

impl Days<'_> {
    fn paged(&self, service: impl Service + 'static) -> Result<Box<dyn Source>> {
        Ok(Box::new(Paged::new(service, self.place, self.from, self.to)?))
    }
}
