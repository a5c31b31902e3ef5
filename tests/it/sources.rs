//! Every kind of source against its service on loopback: what comes on good days and bad ones, that a run which ends anywhere
//! goes on without a loss, and that the next one asks only for what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::ToSpan;
use jiff::civil::Date;
use paperkin::config::{SourceKind, SourceSettings};
use paperkin::paper::{Paper, plain};
use paperkin::sources::{Asked, Batch, Manners, Patience, Place, Source, Web, open_source};
use paperkin::{Error, Result};

use crate::services::zotero::key_of;
use crate::services::{self, BEGIN, Fault, Plays, Request, Service, TODAY, papers};
use crate::support::{Folder, Ran};

/// A client in a hurry: these services are our own.
pub fn hurried() -> Manners {
    Manners {
        contact: Some("mailto:someone@lab.example".into()),
        timeout: Duration::from_secs(5),
        patience: Patience { first: Duration::from_millis(5), longest: Duration::from_secs(2), tries: 3 },
        pace: 0.0,
        ..Manners::default()
    }
}

/// A source of a kind at an address.
pub fn at(kind: SourceKind, url: String) -> SourceSettings {
    SourceSettings { url: Some(url), ..SourceSettings::new("s", kind) }
}

/// Asked at a day for what came since another.
fn asked(from: Date, place: Option<&Place>) -> Asked {
    Asked {
        today: TODAY,
        place: place.cloned(),
        from: Some(from),
        to: None,
        contact: Some("someone@lab.example".into()),
        key: None,
    }
}

/// A run, and what it gave.
#[derive(Default)]
struct Run {
    papers: Vec<Paper>,
    rejected: Vec<String>,
    deleted: Vec<String>,
    /// The place behind each batch, and how many papers had come by then.
    places: Vec<(Place, usize)>,
    batches: usize,
}

impl Run {
    fn take(&mut self, batch: Batch) {
        self.batches += 1;
        for incoming in batch.papers {
            assert_eq!(incoming.warnings, Vec::new());
            match incoming.paper {
                Ok(paper) => self.papers.push(paper),
                Err(rejection) => self.rejected.push(rejection.reason),
            }
        }
        self.deleted.extend(batch.deleted);
        self.places.extend(batch.place.map(|place| (place, self.papers.len())));
    }

    fn place(&self) -> Place {
        self.places.last().expect("a place").0.clone()
    }

    /// By id; of several the last, as in the store.
    fn by_id(&self) -> BTreeMap<String, Paper> {
        self.papers.iter().map(|p| (p.id.as_str().to_string(), p.clone())).collect()
    }

    fn ids(&self) -> BTreeSet<String> {
        self.by_id().into_keys().collect()
    }
}

fn drain(source: &mut dyn Source, web: &Web) -> Result<Run> {
    let mut run = Run::default();
    while let Some(batch) = source.next(web)? {
        run.take(batch);
        assert!(run.batches < 10_000, "it never ends");
    }
    Ok(run)
}

fn run(settings: &SourceSettings, asked: &Asked) -> Result<Run> {
    drain(&mut *open_source(settings, asked)?, &Web::new(hurried()))
}

fn words(result: Result<Run>) -> String {
    match result.err().expect("an error") {
        Error::Remote(text) | Error::Invalid(text) => text,
        other => panic!("{other:?}"),
    }
}

/// What a kind is tested by.
struct Case<'a, S> {
    service: &'a Service<S>,
    settings: SourceSettings,
    /// The id of a paper with this kind.
    id: fn(&services::Paper) -> String,
    has_authors: bool,
}

impl<S: Plays> Case<'_, S> {
    fn wanted(&self) -> BTreeSet<String> {
        self.service.edit(|state| state.papers().iter().filter(|p| !p.deleted).map(self.id).collect())
    }

    fn asked(&self, place: Option<&Place>) -> Asked {
        let days = !matches!(self.settings.kind, SourceKind::ArxivRss | SourceKind::Feed | SourceKind::Zotero);
        Asked { from: days.then_some(BEGIN), ..asked(BEGIN, place) }
    }

    fn run(&self, place: Option<&Place>) -> Result<Run> {
        // Days are named the first time alone.
        let asked = self.asked(place);
        run(&self.settings, &Asked { from: asked.from.filter(|_| place.is_none()), ..asked })
    }

    /// What holds for every kind with pages: all papers come as they are; every fault that passes costs nothing; a run that
    /// goes on from any place loses nothing; what does not pass is told.
    fn holds(&self) {
        let whole = self.run(None).expect("a good day");
        assert_eq!(whole.rejected, Vec::<String>::new());
        assert_eq!(whole.ids(), self.wanted());
        let papers = self.service.edit(|state| state.papers().clone());
        let by_id = whole.by_id();
        for paper in &papers {
            let found = &by_id[&(self.id)(paper)];
            assert_eq!(found.title, paper.title);
            assert_eq!(plain(&found.summary), plain(&paper.summary), "{}", found.id);
            if self.has_authors {
                assert_eq!(found.authors, paper.names());
            }
            assert_eq!(found.date.as_ref().map(|d| d.as_str().to_string()), Some(paper.date.to_string()));
        }
        // From every place on, what is missing still comes.
        for (place, so_far) in &whole.places {
            let mut ids: BTreeSet<String> = whole.papers[..*so_far].iter().map(|p| p.id.as_str().to_string()).collect();
            ids.extend(self.run(Some(place)).expect("goes on").ids());
            assert_eq!(ids, self.wanted(), "from {place:?}");
        }
        let again = |faults: Vec<Option<Fault>>| {
            self.service.suffers(faults);
            let run = self.run(None);
            self.service.suffers([]);
            run
        };
        // Each of the first two answers fails once.
        for fault in [
            Fault::Status(429, "slow down", Some("0")),
            Fault::Status(503, "busy", Some("Thu, 01 Jan 1970 00:00:00 GMT")),
            Fault::Status(502, "", None),
            Fault::BreaksOff,
            Fault::Cut,
        ] {
            let run = again(vec![Some(fault.clone()), None, Some(fault.clone())])
                .unwrap_or_else(|e| panic!("{fault:?}: {e}"));
            assert_eq!((run.ids(), run.rejected.len()), (self.wanted(), 0), "{fault:?}");
        }
        self.service.server.packs(true);
        assert_eq!(self.run(None).expect("packed").ids(), self.wanted());
        self.service.server.packs(false);
        // What stays is told, with the host and a word of the service.
        let told = words(again(vec![Some(Fault::Status(503, "closed for today", Some("7200")))]));
        assert!(told.contains("127.0.0.1") && told.contains("closed for today") && told.contains("7200 s"), "{told}");
        let told = words(again(vec![Some(Fault::Status(500, "oh", None)); 9]));
        assert!(told.contains("500 Internal Server Error (oh), 3 times"), "{told}");
        let told = words(again(vec![Some(Fault::Html)]));
        assert!(told.to_lowercase().contains("html"), "{told}");
        let told = words(again(vec![Some(Fault::Says(b"{\"hello\": 1}".to_vec()))]));
        assert!(told.contains("hello") || told.contains("no XML") || told.contains("jsonfeed.org"), "{told}");
        let told = words(again(vec![Some(Fault::Status(404, "", None))]));
        assert!(told.contains("is the address right?"), "{told}");
    }

    /// A paper that changed comes with its change in the next run, from the place on where the last one ended.
    fn follows(&self, changed: usize) -> Vec<Request> {
        let place = self.run(None).expect("a good day").place();
        self.service.edit_paper(changed, |paper| paper.change(TODAY));
        self.service.taken();
        let next = self.run(Some(&place)).expect("the next day");
        let id = self.service.edit(|state| (self.id)(&state.papers()[changed]));
        assert!(plain(&next.by_id()[&id].summary).ends_with("Revised."), "{id}");
        self.service.taken()
    }
}

fn by_arxiv(paper: &services::Paper) -> String {
    format!("arxiv:{}", paper.arxiv)
}

fn by_doi(paper: &services::Paper) -> String {
    format!("doi:{}", paper.doi)
}

#[test]
fn arxiv_by_oai() {
    let service = services::Oai::start(papers(250));
    let case =
        Case { service: &service, settings: at(SourceKind::Arxiv, service.url()), id: by_arxiv, has_authors: true };
    case.holds();
    service.taken();
    let run = case.run(None).expect("a good day");
    let first = &run.by_id()["arxiv:2611.00001"];
    assert_eq!(
        (first.categories.join(" ").as_str(), first.listed.as_ref().map(|d| d.as_str())),
        ("cs.LG stat.ML", Some("2026-11-16"))
    );
    // The last day of the papers is where to go on, and no token outlives a run.
    assert_eq!(run.place(), Place("2026-11-25".into()));
    let requests = service.taken();
    assert_eq!(requests[0].arg("from"), "2026-11-16");
    assert_eq!(
        requests[0].header("user-agent"),
        format!("paperkin/{} (mailto:someone@lab.example)", env!("CARGO_PKG_VERSION"))
    );
    assert!(requests[1].arg("resumptionToken").starts_with("verb=ListRecords&a/b+c=="));
    // A paper that changed moves to the end; the next run asks for no day before the last one.
    let asked = case.follows(0);
    assert_eq!((asked.len(), asked[0].arg("from")), (1, "2026-11-25"));
    service.edit_paper(1, |p| (p.deleted, p.changed) = (true, TODAY));
    service.edit_paper(2, |p| (p.retracted, p.changed) = (true, TODAY));
    let next = case.run(Some(&Place("2026-11-26".into()))).expect("the next day");
    assert_eq!(next.deleted, ["arxiv:2611.00002"]);
    assert!(next.by_id()["arxiv:2611.00003"].extra.as_json().contains("\"status\":\"withdrawn\""));
    assert_eq!(next.by_id()["arxiv:2611.00001"].listed, None, "a new version is no announcement");
    // A week-end: nothing, and no error.
    let none = case.run(Some(&Place("2026-11-27".into()))).expect("nothing new");
    assert_eq!((none.papers.len(), none.place()), (0, Place("2026-11-27".into())));
}

#[test]
fn oai_bears_what_repositories_do() {
    let service = services::Oai::start(papers(250));
    let case =
        Case { service: &service, settings: at(SourceKind::Arxiv, service.url()), id: by_arxiv, has_authors: true };
    // A token that expires twice in the middle: the day is asked for again.
    service.edit(|s| s.expired = 2);
    let run = case.run(None).expect("goes on");
    assert_eq!(run.ids(), case.wanted());
    assert_eq!(service.taken().iter().filter(|r| r.arg("resumptionToken").is_empty()).count(), 3);
    // One that is never taken ends the run with a word.
    service.edit(|s| (s.expired, s.page) = (99, 10));
    assert!(words(case.run(None)).contains("badResumptionToken"));
    service.edit(|s| (s.expired, s.page) = (0, 100));
    // Broken XML in the middle of a page costs its records and no other.
    service.edit(|s| s.broken = vec![7, 120]);
    let run = case.run(None).expect("goes on");
    assert_eq!((run.papers.len(), run.rejected.len()), (248, 2));
    assert!(run.rejected[0].contains("no XML"), "{:?}", run.rejected);
    service.edit(|s| s.broken.clear());
    // Days before the first one.
    let early = asked("1990-01-01".parse().expect("a day"), None);
    let told = words(self::run(&case.settings, &early));
    assert!(told.contains("nothing before 2005-09-16") && told.contains("from = \"2005-09-16\""), "{told}");
    // Categories are looked at, sets are asked for.
    let some = SourceSettings { set: Some("cs".into()), categories: vec!["math".into()], ..case.settings.clone() };
    service.taken();
    let run = self::run(&some, &asked(BEGIN, None)).expect("a good day");
    assert_eq!((run.papers.len(), service.taken()[0].arg("set")), (0, "cs"));
    // A page of a proxy.
    service.suffers([None, Some(Fault::Html)]);
    assert!(words(case.run(None)).contains("<html> in place of OAI-PMH"));
    let told = words(case.run(Some(&Place("no day".into()))));
    assert!(told.contains("no place of this source"), "{told}");
}

#[test]
fn arxiv_raw_tells_versions() {
    let service = services::Oai::start(papers(30));
    let settings = SourceSettings { format: Some("arXivRaw".into()), ..at(SourceKind::Arxiv, service.url()) };
    let case = Case { service: &service, settings, id: by_arxiv, has_authors: true };
    case.holds();
    case.follows(3);
    let run = case.run(None).expect("a good day");
    assert!(run.by_id()["arxiv:2611.00004"].extra.as_json().contains("\"versions\":2"));
}

#[test]
fn any_repository_by_oai() {
    let service = services::Oai::start(papers(250));
    fn own(p: &services::Paper) -> String {
        format!("oai:repository.example:{}", p.number)
    }
    let case = Case { service: &service, settings: at(SourceKind::OaiPmh, service.url()), id: own, has_authors: true };
    case.holds();
    let run = case.run(None).expect("a good day");
    let first = &run.by_id()["oai:repository.example:1"];
    assert!(first.extra.as_json().contains("\"doi\":\"10.99999/paper.1\""));
    assert_eq!(first.url.as_deref(), Some("http://repository.example/1"));
    // Its records have an order of their own: in the middle the place stays at the beginning.
    assert_eq!(run.places[0].0, Place(BEGIN.to_string()));
    assert_eq!(run.place(), Place("2026-11-25".into()));
    // One that counts seconds is asked in seconds; long spans are asked for a month at a time.
    service.edit(|s| s.seconds = true);
    service.taken();
    let early = self::run(&case.settings, &asked("2026-09-01".parse().expect("a day"), None)).expect("a good day");
    assert_eq!(early.ids(), case.wanted());
    let spans: Vec<(String, String)> = service
        .taken()
        .iter()
        .filter(|r| r.arg("verb") == "ListRecords" && r.arg("resumptionToken").is_empty())
        .map(|r| (r.arg("from").to_string(), r.arg("until").to_string()))
        .collect();
    let spans: Vec<(&str, &str)> = spans.iter().map(|(from, until)| (from.as_str(), until.as_str())).collect();
    assert_eq!(
        spans,
        [
            ("2026-09-01T00:00:00Z", "2026-10-02T23:59:59Z"),
            ("2026-10-02T00:00:00Z", "2026-11-02T23:59:59Z"),
            ("2026-11-02T00:00:00Z", ""),
        ]
    );
    service.edit_paper(4, |p| (p.deleted, p.changed) = (true, TODAY));
    assert_eq!(case.run(Some(&run.place())).expect("the next day").deleted, ["oai:repository.example:5"]);
}

#[test]
fn arxiv_announcements() {
    let service = services::ArxivRss::start(papers(100));
    service.server.validates(true);
    let settings = SourceSettings {
        categories: vec!["cs.LG".into(), "stat.ML".into()],
        ..at(SourceKind::ArxivRss, service.url())
    };
    let ask = |place: Option<&Place>| Asked { from: None, ..asked(BEGIN, place) };
    let of = |place: Option<&Place>| run(&settings, &ask(place));
    let monday = of(None).expect("a good day");
    assert_eq!((monday.papers.len(), service.taken()[0].target.as_str()), (10, "/rss/cs.LG+stat.ML"));
    let second = &monday.by_id()["arxiv:2611.00002"];
    let source = &papers(100)[1];
    assert_eq!((&second.title, &second.summary, &second.authors), (&source.title, &source.summary, &source.names()));
    assert_eq!((second.listed.as_ref().map(|d| d.as_str()), second.date.is_none()), (Some("2026-11-16"), true));
    assert!(
        second.extra.as_json().contains("\"announced\":\"new\"") && second.extra.as_json().contains("\"versions\":1")
    );
    assert_eq!(
        monday.papers[0].listed.as_ref().map(|d| d.as_str()),
        Some("2026-11-16"),
        "a cross-list is announced as well"
    );
    // The same feed once more: the service says so, and nothing is to be done.
    let same = of(Some(&monday.place())).expect("unchanged");
    assert_eq!((same.batches, service.taken()[0].header("if-none-match").len()), (0, 10));
    // Replaced papers are as old as they are.
    service.edit(|s| s.day = "2026-11-17".parse().expect("a day"));
    service.edit_paper(0, |p| p.change("2026-11-17".parse().expect("a day")));
    let tuesday = of(Some(&monday.place())).expect("a good day");
    let replaced = &tuesday.by_id()["arxiv:2611.00001"];
    assert_eq!((replaced.listed.is_none(), replaced.date.as_ref().map(|d| d.as_str())), (true, Some("2026-11")));
    assert_eq!(tuesday.papers.len(), 11);
    // Other categories are another feed, of which nothing is known.
    let fewer = SourceSettings { categories: vec!["cs.LG".into()], ..settings.clone() };
    service.taken();
    run(&fewer, &ask(Some(&tuesday.place()))).expect("a good day");
    assert_eq!(service.taken()[0].header("if-none-match"), "");
    // An empty week-end is no error.
    service.edit(|s| s.day = "2026-11-29".parse().expect("a day"));
    let sunday = of(Some(&tuesday.place())).expect("an empty day");
    assert_eq!((sunday.papers.len(), sunday.places.len()), (0, 1));
    // A category that there is not is named; a feed that breaks off is asked for again.
    let bad = SourceSettings { categories: vec!["cs.XX".into()], ..settings.clone() };
    let told = words(run(&bad, &ask(None)));
    assert!(told.contains("Bad archive 'cs.XX'"), "{told}");
    service.edit(|s| s.day = BEGIN);
    service.suffers([Some(Fault::Cut), Some(Fault::BreaksOff)]);
    assert_eq!(of(None).expect("whole in the end").papers.len(), 10);
    service.suffers(vec![Some(Fault::Cut); 9]);
    assert!(words(of(None)).contains("ends in the middle"));
    service.suffers([Some(Fault::Html)]);
    assert!(words(of(None)).contains("no RSS"));
    assert!(words(run(&settings, &asked(BEGIN, None))).contains("the kind arxiv goes back"));
}

#[test]
fn feeds_of_journals() {
    let service = services::Feed::start(papers(40));
    for format in ["rss", "rdf", "atom", "json"] {
        let settings = at(SourceKind::Feed, format!("{}/{format}", service.server.url()));
        let case = Case { service: &service, settings, id: by_doi, has_authors: true };
        case.holds();
        let run = case.run(None).expect("a good day");
        let url = run.by_id()["doi:10.99999/paper.1"].url.clone();
        let wanted = match format {
            "atom" => "https://journal.example/list/papers/1".to_string(),
            // Nothing but its own address says where a feed of JSON stands.
            "json" => format!("{}/papers/1", service.server.url()),
            _ => "https://journal.example/papers/1".to_string(),
        };
        assert_eq!(url, Some(wanted), "{format}");
        // Unchanged is no work, whether the server knows conditional requests or not.
        for validates in [false, true] {
            service.server.validates(validates);
            let place = case.run(None).expect("a good day").place();
            service.taken();
            assert_eq!(case.run(Some(&place)).expect("unchanged").batches, 0);
            assert_eq!(!service.taken()[0].header("if-none-match").is_empty(), validates);
        }
        service.server.validates(false);
        case.follows(5);
        service.edit(|s| s.papers = papers(40));
    }
}

#[test]
fn biorxiv_in_pages_of_any_length() {
    let service = services::Biorxiv::start(papers(130));
    for kind in [SourceKind::Biorxiv, SourceKind::Medrxiv] {
        let case = Case { service: &service, settings: at(kind, service.url()), id: by_doi, has_authors: true };
        case.holds();
    }
    let case =
        Case { service: &service, settings: at(SourceKind::Biorxiv, service.url()), id: by_doi, has_authors: true };
    // More is promised than comes.
    service.edit(|s| (s.page, s.promised) = (100, 50));
    assert_eq!(case.run(None).expect("a good day").ids(), case.wanted());
    let asked = case.follows(2);
    assert!(asked[0].path.starts_with("/details/biorxiv/2026-11-24/2026-11-26/0/json"), "{}", asked[0].path);
    service.edit_paper(3, |p| p.retracted = true);
    let run = case.run(None).expect("a good day");
    assert!(run.by_id()["doi:10.99999/paper.4"].extra.as_json().contains("\"status\":\"withdrawn\""));
    // A day without papers.
    let none = self::run(&case.settings, &asked_for("2026-11-01", "2026-11-02")).expect("an empty day");
    assert_eq!((none.papers.len(), none.place()), (0, Place("2026-11-02".into())));
}

fn asked_for(from: &str, to: &str) -> Asked {
    let day = |text: &str| text.parse::<Date>().expect("a day");
    Asked { to: Some(day(to)), ..asked(day(from), None) }
}

#[test]
fn openalex_with_its_key() {
    let service = services::OpenAlex::start(papers(250));
    let case =
        Case { service: &service, settings: at(SourceKind::Openalex, service.url()), id: by_doi, has_authors: true };
    case.holds();
    service.edit(|s| s.key = Some("a-secret/key".into()));
    let with = |key: &str| Asked { key: Some(key.into()), ..asked(BEGIN, None) };
    service.edit_paper(1, |p| p.retracted = true);
    let run = self::run(&case.settings, &with("a-secret/key")).expect("with its key");
    assert!(run.by_id()["doi:10.99999/paper.2"].extra.as_json().contains("\"status\":\"retracted\""));
    // The service quotes the key, and nobody else does.
    let told = words(self::run(&case.settings, &with("another-key")));
    assert!(told.contains("is the key right") && told.contains("(the key)") && !told.contains("another-key"), "{told}");
    service.edit(|s| s.key = None);
    let none = self::run(&case.settings, &asked_for("2026-11-01", "2026-11-02")).expect("an empty day");
    assert_eq!((none.papers.len(), none.batches), (0, 1));
}

#[test]
fn crossref_in_its_own_words() {
    let service = services::Crossref::start(papers(1200));
    let case =
        Case { service: &service, settings: at(SourceKind::Crossref, service.url()), id: by_doi, has_authors: true };
    case.holds();
    service.taken();
    case.run(None).expect("a good day");
    assert_eq!(service.taken()[0].arg("mailto"), "someone@lab.example");
    service.edit_paper(7, |p| p.retracted = true);
    let run = case.run(None).expect("a good day");
    assert!(run.by_id()["doi:10.99999/paper.8"].extra.as_json().contains("\"status\":\"retracted\""));
    let asked = case.follows(1);
    assert!(
        asked[0].arg("filter").starts_with("from-index-date:2026-11-25,until-index-date:2026-11-26"),
        "{}",
        asked[0].target
    );
    let wrong = SourceSettings { filters: vec!["no-such-filter:1".into()], ..case.settings.clone() };
    let told = words(self::run(&wrong, &self::asked(BEGIN, None)));
    assert!(told.contains("there is no such filter"), "{told}");
    // Where the cursor of another run stands the service alone knows: its days are asked for from their beginning.
    let lost = Place("2026-11-16/2026-11-26/AoJ/500".into());
    service.taken();
    assert_eq!(case.run(Some(&lost)).expect("goes on").ids(), case.wanted());
    assert_eq!(service.taken()[0].arg("cursor"), "*");
    // A service that gives less than it says it has, time and again.
    let half = br#"{"status":"ok","message":{"total-results":5,"next-cursor":"","items":[]}}"#;
    service.suffers([Some(Fault::Says(half.to_vec())), Some(Fault::Says(half.to_vec()))]);
    let told = words(case.run(None));
    assert!(told.contains("5 entries") && told.contains("gave 0"), "{told}");
    // A page that got lost between the service and here.
    let empty = br#"{"status":"ok","message":{"total-results":1200,"next-cursor":"AoJ/500","items":[]}}"#;
    service.suffers([Some(Fault::Says(empty.to_vec()))]);
    assert_eq!(case.run(None).expect("asked again").ids(), case.wanted());
}

#[test]
fn semantic_scholar_with_tokens() {
    let service = services::SemanticScholar::start(papers(250));
    service.edit(|s| s.page = 100);
    let settings = at(SourceKind::SemanticScholar, service.url());
    let case = Case { service: &service, settings, id: by_arxiv, has_authors: true };
    case.holds();
    service.edit(|s| s.key = Some("secret-key".into()));
    assert!(words(case.run(None)).contains("is the key right"));
    let with = Asked { key: Some("secret-key".into()), ..asked(BEGIN, None) };
    assert_eq!(run(&case.settings, &with).expect("with its key").ids(), case.wanted());
}

#[test]
fn europe_pmc_by_marks() {
    let service = services::EuropePmc::start(papers(250));
    service.edit(|s| s.page = 100);
    let settings = at(SourceKind::EuropePmc, service.url());
    let case = Case { service: &service, settings, id: by_doi, has_authors: true };
    case.holds();
    service.edit_paper(1, |p| p.retracted = true);
    let run = case.run(None).expect("a good day");
    let second = &run.by_id()["doi:10.99999/paper.2"];
    assert!(second.extra.as_json().contains("\"status\":\"retracted\""));
    service.suffers([Some(Fault::Says(br#"{"errCode": 404, "errMsg": "the query is too long"}"#.to_vec()))]);
    assert!(words(case.run(None)).contains("the query is too long"));
}

#[test]
fn daily_papers_with_votes_that_grow() {
    let service = services::DailyPapers::start(papers(1200));
    let settings = at(SourceKind::DailyPapers, service.url());
    let case = Case { service: &service, settings, id: by_arxiv, has_authors: true };
    case.holds();
    let run = case.run(None).expect("a good day");
    let first = &run.by_id()["arxiv:2611.00002"];
    assert_eq!((first.upvotes, first.listed.as_ref().map(|d| d.as_str())), (Some(1), Some("2026-11-16")));
    service.taken();
    // The next run asks for the last seven days again.
    service.edit_paper(600, |p| p.upvotes = 99);
    let next = case.run(Some(&run.place())).expect("the next day");
    assert_eq!(next.by_id()["arxiv:2611.00601"].upvotes, Some(99));
    let days: BTreeSet<String> = service.taken().iter().map(|r| r.arg("date").to_string()).collect();
    assert_eq!((days.len(), days.first().cloned()), (8, Some(TODAY.saturating_sub(7.days()).to_string())));
    service.suffers([Some(Fault::Says(br#"{"error": "Invalid date"}"#.to_vec()))]);
    assert!(words(case.run(None)).contains("Invalid date"));
}

#[test]
fn a_library_of_zotero() {
    let service = services::Zotero::start(papers(230));
    service.edit(|s| s.key = Some("zotero-key".into()));
    let settings = SourceSettings {
        library: Some("users/12".into()),
        user: Some("ada".into()),
        ..at(SourceKind::Zotero, service.url())
    };
    let ask = |place: Option<&Place>| Asked { from: None, key: Some("zotero-key".into()), ..asked(BEGIN, place) };
    let of = |place: Option<&Place>| run(&settings, &ask(place));
    let wanted = || service.edit(|s| s.papers.iter().map(|p| format!("zotero:{}", key_of(p))).collect::<BTreeSet<_>>());
    let first = of(None).expect("a library");
    assert_eq!((first.ids(), first.place(), first.rejected.len()), (wanted(), Place("users/12@10".into()), 0));
    let source = &papers(230)[0];
    let found = &first.by_id()["zotero:KEY00001"];
    assert_eq!((&found.title, &found.summary, &found.authors), (&source.title, &source.summary, &source.names()));
    assert!(found.extra.as_json().contains("\"doi\":\"10.99999/paper.1\""));
    assert!(first.by_id()["zotero:KEY00003"].extra.as_json().contains("\"arxiv_id\":\"arxiv:2611.00003\""));
    // As a history it has the same items, with when they were added.
    let mut source = open_source(&settings, &ask(None)).expect("opens");
    let batch = source.next(&Web::new(hurried())).expect("a library").expect("all of it");
    let history = batch.library.expect("a history");
    assert_eq!((history.references.len(), history.references[0].added.is_some()), (230, true));
    // Nobody's history where none is named.
    let plain = SourceSettings { user: None, ..settings.clone() };
    let batch =
        open_source(&plain, &ask(None)).expect("opens").next(&Web::new(hurried())).expect("a library").expect("all");
    assert!(batch.library.is_none());
    // Only what changed, and what was thrown away.
    service.edit(|s| {
        s.version = 12;
        s.versions[3] = 12;
        s.papers[3].summary.push_str(" Revised.");
        s.papers[4].deleted = true;
        s.deleted.push(("KEY00005".into(), 12));
    });
    service.taken();
    let next = of(Some(&first.place())).expect("what changed");
    assert_eq!(
        (next.papers.len(), next.deleted.join(" ").as_str(), next.place()),
        (1, "zotero:KEY00005", Place("users/12@12".into()))
    );
    assert!(service.taken().iter().all(|r| r.arg("since") == "10"));
    // Nothing changed.
    assert_eq!(of(Some(&next.place())).expect("unchanged").batches, 0);
    // Somebody adds a paper between two pages: all are asked for again, and none is missed.
    service.edit(|s| s.moves_after = Some(1));
    let moved = of(None).expect("consistent");
    assert_eq!((moved.papers.len(), moved.place()), (230, Place("users/12@13".into())));
    // Another library under the same name is read from its beginning.
    let moved = Place("users/13@10".into());
    assert_eq!(of(Some(&moved)).expect("a library").papers.len(), 230);
    // Faults and words.
    service.suffers([Some(Fault::BreaksOff), Some(Fault::Status(429, "slow down", Some("0")))]);
    assert_eq!(of(None).expect("in the end").papers.len(), 230);
    assert!(words(run(&settings, &Asked { key: Some("wrong".into()), ..ask(None) })).contains("is the key right"));
    service.suffers([Some(Fault::Html)]);
    assert!(words(of(None)).contains("is the address that of Zotero's API?"));
    let other = SourceSettings { library: Some("my library".into()), ..settings.clone() };
    assert!(words(run(&other, &ask(None))).contains("users/12345"));
    service.edit(|s| s.backoff = Some(1));
    let begun = Instant::now();
    of(None).expect("slowly");
    assert!(begun.elapsed() >= Duration::from_secs(2), "between three pages twice a second");
}

#[test]
fn no_level_of_the_log_holds_a_key() {
    let service = services::OpenAlex::start(papers(3));
    service.edit(|s| s.key = Some("open-sesame-1234".into()));
    let folder = Folder::new();
    let source =
        format!("[[source]]\nname = \"oa\"\nkind = \"openalex\"\nurl = \"{}\"\nkey_env = \"OA_KEY\"\n", service.url());
    let config = folder.file("paperkin.toml", source);
    let days = ["--from", "2026-11-16", "--to", "2026-11-26"];
    let mut command = folder.command(&[&["fetch", "--config", &config], &days[..]].concat());
    command.env("OA_KEY", "open-sesame-1234").env("PAPERKIN_LOG", "trace");
    let ran = Ran::from(command.output().expect("runs"));
    assert_eq!((ran.status, folder.papers()), (Some(0), 3), "{}", ran.err);
    assert!(ran.err.contains("DEBUG") && !ran.err.contains("open-sesame"), "{}", ran.err);
    assert!(service.requests().iter().all(|request| request.arg("api_key") == "open-sesame-1234"));
}
