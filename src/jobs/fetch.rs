//! Fetching papers from a source: pages are asked for ahead of the model, which takes in what has come meanwhile.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Numbers;
use crate::cancel::{self, Cancel};
use crate::config::{Config, SourceSettings};
use crate::engine::{Engine, Import, Origin, Preview, Report};
use crate::error::{Error, Result};
use crate::paper::head;
use crate::sources::{Asked, Batch, Manners, Patience, Place, Source, Web, open_source};
use crate::user::EventKind;

/// Papers that are taken in at a time, where so many have come.
const TOGETHER: usize = 1000;

/// Papers that wait to be taken in, beyond which no page is asked for.
const AHEAD: usize = 4000;

/// Rejected entries that the log names.
const TOLD: usize = 5;

/// How often whoever waits looks whether the work was given up.
const LOOK: Duration = Duration::from_millis(50);

/// The days that are asked for. Where one is named, the run does not begin where the last one ended, and the next one does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: Option<Date>,
    /// The last.
    pub to: Option<Date>,
}

/// What a run has come to.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// What became of the papers.
    pub report: Report,
    /// Papers that the source has taken away.
    pub deleted: usize,
    /// Papers of a library that went into a reader's history.
    pub kept: usize,
}

impl Fetched {
    /// The same in numbers by name.
    pub fn numbers(&self) -> Numbers {
        let report = &self.report;
        let mut numbers: Numbers = vec![
            ("new", report.accepted as u64),
            ("changed", report.updated as u64),
            ("unchanged", report.unchanged as u64),
            ("rejected", report.rejected_total as u64),
        ];
        numbers.extend((self.deleted > 0).then_some(("deleted", self.deleted as u64)));
        numbers.extend((self.kept > 0).then_some(("kept", self.kept as u64)));
        numbers
    }
}

/// Clients by the settings that they were made with.
type Clients = Vec<(String, Arc<Web>)>;

/// The client of this process: a service is asked by one at a time, whoever wants something of it.
pub fn web(config: &Config) -> Arc<Web> {
    static WEB: OnceLock<Mutex<Clients>> = OnceLock::new();
    let of = format!("{:?}", config.fetch);
    let mut known = WEB.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, web)) = known.iter().find(|(settings, _)| *settings == of) {
        return Arc::clone(web);
    }
    let manners = Manners {
        contact: config.fetch.contact.clone(),
        private: config.fetch.private_addresses,
        timeout: Duration::from_secs(config.fetch.timeout_s),
        pace: config.fetch.pace,
        patience: Patience { tries: config.fetch.tries, ..Manners::default().patience },
    };
    let web = Arc::new(Web::new(manners));
    known.push((of, Arc::clone(&web)));
    web
}

/// Takes in what a source has that is new. `progress` hears what it has come to so far.
///
/// A run that ends in the middle goes on where it stopped; what comes twice changes nothing.
///
/// # Errors
/// [`Error::Remote`] when the source does not give it, and whatever taking in fails with: what came before is in.
pub fn fetch(
    engine: &Engine,
    config: &Config,
    settings: &SourceSettings,
    span: Span,
    progress: &dyn Fn(&Fetched),
) -> Result<Fetched> {
    let named = span != Span::default() || settings.to.is_some();
    let asks = what_it_asks(settings);
    let place = if named { None } else { place_of(engine, &settings.name, &asks)? };
    let source = opened(config, settings, span, place)?;
    let run = Run { origin: &origin(settings), asks: &asks, named, reader: settings.user.as_deref() };
    run.take_in(engine, config, source, progress)
}

/// The same from a source of one's own, which is opened at the place where the last run under this name ended.
///
/// # Errors
/// As for [`fetch`], and whatever `open` gives.
pub fn fetch_from(
    engine: &Engine,
    config: &Config,
    origin: &Origin,
    open: &dyn Fn(Option<Place>) -> Result<Box<dyn Source>>,
    progress: &dyn Fn(&Fetched),
) -> Result<Fetched> {
    let source = open(place_of(engine, &origin.source, OWN)?)?;
    Run { origin, asks: OWN, named: false, reader: None }.take_in(engine, config, source, progress)
}

/// What a place of a source of one's own is one of.
const OWN: &str = "own";

/// A run of a source.
struct Run<'a> {
    origin: &'a Origin,
    asks: &'a str,
    /// Whether it is of days that were named.
    named: bool,
    /// The reader whose list the source is.
    reader: Option<&'a str>,
}

impl Run<'_> {
    fn take_in(
        &self,
        engine: &Engine,
        config: &Config,
        source: Box<dyn Source>,
        progress: &dyn Fn(&Fetched),
    ) -> Result<Fetched> {
        let Run { origin, asks, named, reader } = *self;
        let name = &origin.source;
        let mut fetched = Fetched::default();
        let mut take = |batch: Batch| {
            let before = fetched.clone();
            let with = |report: &Report| Fetched { report: joined(&before.report, report), ..before.clone() };
            let report = engine.ingest_from(origin, batch.papers, &batch.deleted, &|report| progress(&with(report)))?;
            fetched = with(&report);
            fetched.deleted += batch.deleted.len();
            if let (Some(user), Some(library)) = (reader, &batch.library) {
                let import =
                    Import { kind: EventKind::Save, embed_missing: true, name: Some(format!("the source {name}")) };
                fetched.kept += engine.import_history(user, library, &import, &|_| {})?.accepted;
            }
            progress(&fetched);
            match batch.place {
                Some(place) if !named => engine.set_source_place(name, &format!("{asks} {}", place.0)),
                _ => Ok(()),
            }
        };
        each_batch(config, name, source, &mut take)?;
        let Report { accepted, updated, unchanged, rejected, rejected_total, .. } = &fetched.report;
        for entry in rejected.iter().take(TOLD) {
            let id = entry.id.as_deref().unwrap_or_default();
            tracing::warn!("the source {name}: entry {} {id} was rejected: {}", entry.line, entry.reason);
        }
        if let (Some(first), 0) = (rejected.first(), accepted + updated + unchanged + fetched.deleted) {
            return Err(Error::Remote(format!(
                "it gave {rejected_total} entries, and none of them holds a paper; the first: {}",
                head(&first.reason, 300)
            )));
        }
        if !named {
            engine.source_succeeded(name)?;
        }
        Ok(fetched)
    }
}

/// What [`fetch`] would take in. Nothing is written, and the next run begins where this one did. `tell` hears each page.
///
/// # Errors
/// [`Error::Remote`] when the source does not give it.
pub fn preview(
    engine: &Engine,
    config: &Config,
    settings: &SourceSettings,
    span: Span,
    tell: &mut dyn FnMut(Preview, usize) -> Result<()>,
) -> Result<()> {
    let origin = origin(settings);
    let named = span != Span::default() || settings.to.is_some();
    let place = if named { None } else { place_of(engine, &settings.name, &what_it_asks(settings))? };
    let source = opened(config, settings, span, place)?;
    each_batch(config, &settings.name, source, &mut |batch| {
        let deleted = batch.deleted.len();
        tell(engine.preview_from(&origin, batch.papers, &batch.deleted)?, deleted)
    })
}

/// What a place of a source is one of, as a short hash: at another address, say, it begins anew.
fn what_it_asks(settings: &SourceSettings) -> String {
    let SourceSettings { kind, url, library, user, path, format, map, .. } = settings;
    let of = format!("{kind:?} {url:?} {library:?} {user:?} {path:?} {format:?} {map:?}");
    blake3::hash(of.as_bytes()).to_hex().as_str()[..12].to_string()
}

/// Where the last run ended, if it asked for the same.
fn place_of(engine: &Engine, name: &str, asks: &str) -> Result<Option<Place>> {
    let known = engine.source_state(name)?.place;
    let of_these = |place: String| place.strip_prefix(asks)?.strip_prefix(' ').map(str::to_string);
    Ok(known.and_then(of_these).map(Place))
}

fn origin(settings: &SourceSettings) -> Origin {
    Origin { source: settings.name.clone(), kind: settings.kind.name().into() }
}

/// A source of the settings, from a place on.
fn opened(config: &Config, settings: &SourceSettings, span: Span, place: Option<Place>) -> Result<Box<dyn Source>> {
    let key = settings.key(&|name| std::env::var(name).ok())?;
    let asked = Asked {
        today: Timestamp::now().to_zoned(TimeZone::UTC).date(),
        place,
        from: span.from,
        to: span.to,
        contact: config.fetch.contact.clone(),
        key,
    };
    open_source(settings, &asked).map_err(of_source)
}

/// Gives what a source has to `take`, several pages at once where they come faster than they are taken.
fn each_batch(
    config: &Config,
    name: &str,
    mut source: Box<dyn Source>,
    take: &mut dyn FnMut(Batch) -> Result<()>,
) -> Result<()> {
    let (web, queue, cancel) = (web(config), Queue::default(), Cancel::new());
    std::thread::scope(|scope| {
        let asking = || {
            cancel.scope(|| {
                loop {
                    let next = catch_unwind(AssertUnwindSafe(|| source.next(&web)));
                    let broke = |_| Err(Error::Internal("reading a source broke down".into()));
                    let next = next.unwrap_or_else(broke).transpose();
                    let over = !matches!(next, Some(Ok(_)));
                    queue.push(next);
                    if over || !queue.wait_for_room(&cancel) {
                        return;
                    }
                }
            });
        };
        let asking = std::thread::Builder::new().name(format!("source {name}")).spawn_scoped(scope, asking);
        asking.map_err(|e| Error::Overloaded(format!("cannot start a thread: {e}")))?;
        let taken = loop {
            match queue.next() {
                Ok(Some(batch)) => {
                    if let Err(e) = take(batch) {
                        break Err(e);
                    }
                }
                Ok(None) => break Ok(()),
                Err(e) => break Err(of_source(e)),
            }
        };
        cancel.cancel();
        taken
    })
}

/// A file that cannot be read, say, is told to whoever looks after the source.
fn of_source(e: Error) -> Error {
    match e {
        Error::Io { .. } => Error::Remote(e.to_string()),
        e => e,
    }
}

/// Pages on their way from whoever asks for them to whoever takes them.
#[derive(Default)]
struct Queue {
    state: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    papers: usize,
    /// Whether nothing more comes, and why, where that is no good end.
    over: Option<Result<()>>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, next: Option<Result<Batch>>) {
        let mut waiting = self.lock();
        match next {
            Some(Ok(batch)) => {
                waiting.papers += weight(&batch);
                waiting.batches.push_back(batch);
            }
            Some(Err(e)) => waiting.over = Some(Err(e)),
            None => waiting.over = Some(Ok(())),
        }
        self.bell.notify_all();
    }

    /// `false` when it was given up.
    fn wait_for_room(&self, cancel: &Cancel) -> bool {
        let mut waiting = self.lock();
        while waiting.papers >= AHEAD && !cancel.is_cancelled() {
            waiting = self.bell.wait_timeout(waiting, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        !cancel.is_cancelled()
    }

    /// What has come, in one: none at the end.
    fn next(&self) -> Result<Option<Batch>> {
        let mut waiting = self.lock();
        loop {
            cancel::check()?;
            if let Some(first) = waiting.batches.pop_front() {
                let mut all = first;
                while all.papers.len() < TOGETHER
                    // A reader's list is one import, and what was taken away may come again.
                    && all.library.is_none()
                    && all.deleted.is_empty()
                    && waiting.batches.front().is_some_and(|next| next.library.is_none())
                    && let Some(next) = waiting.batches.pop_front()
                {
                    all.papers.extend(next.papers);
                    all.deleted.extend(next.deleted);
                    all.place = next.place.or(all.place);
                }
                waiting.papers = waiting.batches.iter().map(weight).sum();
                self.bell.notify_all();
                return Ok(Some(all));
            }
            match waiting.over.take() {
                Some(Ok(())) => return Ok(None),
                Some(Err(e)) => return Err(e),
                None => waiting = self.bell.wait_timeout(waiting, LOOK).unwrap_or_else(PoisonError::into_inner).0,
            }
        }
    }
}

/// What a page counts among those that wait; one without papers counts as well.
fn weight(batch: &Batch) -> usize {
    batch.papers.len() + batch.deleted.len() + 1
}

/// Two reports as one.
fn joined(a: &Report, b: &Report) -> Report {
    let mut all = a.clone();
    all.accepted += b.accepted;
    all.updated += b.updated;
    all.unchanged += b.unchanged;
    all.rejected_total += b.rejected_total;
    all.warnings_total += b.warnings_total;
    all.embedded += b.embedded;
    let room = |n: usize| crate::engine::MAX_LISTED.saturating_sub(n);
    all.rejected.extend(b.rejected.iter().take(room(a.rejected.len())).cloned());
    all.warnings.extend(b.warnings.iter().take(room(a.warnings.len())).cloned());
    all
}
