//! A reading list becomes a history: looked at first, taken in a window at a time, and taken back as a whole.
//!
//! What is in the corpus is matched before anything is written. Then each window is embedded and committed with what the
//! import has come to, so that whatever happens the store holds whole windows, and knows what they belong to.

mod told;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

pub use self::told::{
    Entry, EntryStatus, Import, ImportAbout, ImportProgress, ImportView, Imported, Matched, Outside, Undone,
};
use crate::cancel;
use crate::engine::answer::check_limit;
use crate::engine::corpus::MAX_WINDOW;
use crate::engine::page::{Cursor, Page};
use crate::engine::readers::Readers;
use crate::engine::readers::format::Format;
use crate::engine::readers::history::{Reference, ReferenceList};
use crate::error::{Error, Result};
use crate::paper::{Identifier, Paper, PaperId, head};
use crate::store::{EventsWritten, ImportStatus, ImportUndone, ImportWindow, StoredImport};
use crate::user::{Event, Moment, UserId};

/// References a commit where nothing has to be embedded.
const MANY: usize = 2048;

/// Papers that are embedded first.
const FIRST: usize = 32;

/// Characters of the name of a list.
const NAME: usize = 200;

/// The imports that this process works on: what the store calls running and does not stand here will not go on.
#[derive(Default)]
pub struct Running(Mutex<HashSet<(i64, i64)>>);

/// A place among them, until it is dropped.
struct RunningImport<'a>(&'a Running, (i64, i64));

impl Running {
    fn enter(&self, import: (i64, i64)) -> RunningImport<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(import);
        RunningImport(self, import)
    }

    fn holds(&self, import: (i64, i64)) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&import)
    }
}

impl Drop for RunningImport<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// What a reference comes to.
enum ReferenceMatch {
    /// A paper of the corpus.
    Here(PaperId),
    /// One that is embedded, so that it teaches all the same.
    Teaches,
    /// Nothing that could be learned from.
    Missing,
}

impl ReferenceMatch {
    /// The paper that an event is of.
    fn paper<'a>(&'a self, reference: &'a Paper) -> Option<&'a PaperId> {
        match self {
            ReferenceMatch::Here(id) => Some(id),
            ReferenceMatch::Teaches => Some(&reference.id),
            ReferenceMatch::Missing => None,
        }
    }
}

/// A list that was looked at: what becomes of each reference, and the answer as far as it is known by then.
struct Plan {
    found: Vec<ReferenceMatch>,
    answer: Imported,
}

impl Readers {
    /// Says what [`Readers::import_history`] would make of a list, entry by entry. Nothing is written, and no user made.
    pub fn preview_history(&self, name: &str, list: &ReferenceList, import: &Import) -> Result<Imported> {
        let user = UserId::new(name)?;
        let Plan { found, mut answer } = self.plan(list, import)?;
        let mut known: HashSet<PaperId> = match self.store.user(user.as_str()) {
            Ok(user) => {
                let history = self.store.history(user.number)?;
                history.into_iter().filter(|e| e.kind == import.kind).map(|e| e.paper).collect()
            }
            Err(Error::NotFound { .. }) => HashSet::new(),
            Err(e) => return Err(e),
        };
        let (mut matched, mut outside) = (answer.matched.iter(), HashSet::new());
        for (reference, found) in list.references.iter().zip(&found) {
            cancel::check()?;
            let here = if let ReferenceMatch::Here(_) = found { matched.next() } else { None };
            let teaches = matches!(found, ReferenceMatch::Teaches);
            if teaches {
                outside.insert(&reference.paper.id);
            }
            if let Some(paper) = found.paper(&reference.paper) {
                let new = known.insert(paper.clone());
                answer.accepted += usize::from(new);
                answer.unchanged += usize::from(!new);
            }
            answer.entries.push(Entry {
                line: reference.line,
                key: reference.key.clone(),
                title: Some(shown(reference)),
                authors: reference.paper.authors.clone(),
                date: reference.paper.date.as_ref().map(ToString::to_string),
                status: if here.is_some() { EntryStatus::Matched } else { EntryStatus::Missing },
                paper: here.map(|m| m.paper.clone()),
                by: here.map(|m| m.by),
                teaches,
                reason: None,
            });
        }
        answer.embedded = outside.len();
        answer.entries.extend(list.rejected.iter().map(|r| Entry {
            line: r.line,
            key: r.id.clone(),
            title: None,
            authors: Vec::new(),
            date: None,
            status: EntryStatus::Rejected,
            paper: None,
            by: None,
            teaches: false,
            reason: Some(r.reason.clone()),
        }));
        answer.entries.sort_by_key(|e| e.line);
        answer.dry_run = true;
        Ok(answer)
    }

    /// Takes references into a user's history; the user is made if new. A paper that has an event of this kind already gets
    /// no second one, so the same list may be imported again. `progress` hears of the import before the first window and
    /// after each that is on disk.
    pub fn import_history(
        &self,
        name: &str,
        list: &ReferenceList,
        import: &Import,
        progress: &(dyn Fn(&ImportProgress) + Sync),
    ) -> Result<Imported> {
        let user = UserId::new(name)?;
        let Plan { found, mut answer } = self.plan(list, import)?;
        let mut about = ImportAbout {
            name: import.name.as_deref().map(str::trim).filter(|n| !n.is_empty()).map(|n| head(n, NAME)),
            format: word(answer.format),
            kind: Some(import.kind),
            embed_missing: import.embed_missing,
            matched_total: answer.matched.len(),
            missing_total: answer.missing.len(),
            rejected_total: answer.rejected_total,
            ..ImportAbout::default()
        };
        let total = answer.total;
        let place = self.store.begin_import(&user, total, &about.text())?;
        let _running = self.imports.enter(place);
        answer.import = Some(place.1.to_string());
        let done = self.take_in_windows(place, list, import, &found, &mut about, total, progress);
        let ended = match done {
            Ok(()) => {
                (answer.embedded, answer.accepted, answer.unchanged) =
                    (about.embedded, about.accepted, about.unchanged);
                about.ended = Some(Moment::now());
                // Texts and numbers: writing them cannot fail.
                let text = serde_json::to_string(&answer).unwrap_or_default();
                self.store.end_import(place.0, place.1, ImportStatus::Done, &about.text(), Some(&text)).map(|()| answer)
            }
            Err(e) => {
                about.ended = Some(Moment::now());
                about.error = Some(e.to_string());
                // With a full disk this cannot be written either; then it counts as interrupted.
                if let Err(second) = self.store.end_import(place.0, place.1, ImportStatus::Failed, &about.text(), None)
                    && !matches!(second, Error::NotFound { .. })
                {
                    tracing::warn!("that an import failed could not be written down: {second}");
                }
                Err(e)
            }
        };
        if ended.is_ok() {
            progress(&ImportProgress { import: place.1.to_string(), done: total, total, embedded: about.embedded });
        }
        ended
    }

    /// Finds in the corpus what a list names.
    fn plan(&self, list: &ReferenceList, import: &Import) -> Result<Plan> {
        let mut answer = Imported {
            format: list.format,
            total: list.references.len() + list.rejected_total,
            rejected: list.rejected.clone(),
            rejected_total: list.rejected_total,
            rejected_unit: list.rejected_unit,
            warnings: list.warnings.clone(),
            warnings_total: list.warnings_total,
            ..Imported::default()
        };
        let mut found = Vec::with_capacity(list.references.len());
        for reference in &list.references {
            cancel::check()?;
            found.push(match self.find_reference(reference)? {
                Some((id, by)) => {
                    answer.matched.push(Matched { reference: shown(reference), paper: id.to_string(), by });
                    ReferenceMatch::Here(id)
                }
                None => {
                    answer.missing.push(shown(reference));
                    // An id alone says nothing of what the paper is about.
                    let prose = reference.titled && reference.paper.title.split_whitespace().count() > 1;
                    if import.embed_missing && prose { ReferenceMatch::Teaches } else { ReferenceMatch::Missing }
                }
            });
        }
        Ok(Plan { found, answer })
    }

    #[allow(clippy::too_many_arguments)]
    fn take_in_windows(
        &self,
        place: (i64, i64),
        list: &ReferenceList,
        import: &Import,
        found: &[ReferenceMatch],
        about: &mut ImportAbout,
        total: usize,
        progress: &(dyn Fn(&ImportProgress) + Sync),
    ) -> Result<()> {
        let tell = |done: usize, embedded: usize| {
            progress(&ImportProgress { import: place.1.to_string(), done, total, embedded });
        };
        tell(0, 0);
        let mut outside_so_far: HashSet<&PaperId> = HashSet::new();
        let mut k = 0;
        while k < found.len() {
            cancel::check()?;
            let space = self.corpus.space();
            // Enough texts to fill the encoder's batches, and few enough that an interruption costs seconds; at first fewer, so
            // that whoever waits soon hears of a rate.
            let most = if outside_so_far.is_empty() { FIRST } else { space.pace().window };
            // Later for each, and in the order of the table: what is added at its end leaves no copies behind.
            let now = Moment::now();
            let (mut events, mut outside): (Vec<Event>, Vec<&Paper>) = (Vec::new(), Vec::new());
            let mut bytes = 0;
            while k < found.len() && outside.len() < most && events.len() < MANY && bytes < MAX_WINDOW {
                let reference = &list.references[k];
                if matches!(found[k], ReferenceMatch::Teaches) && outside_so_far.insert(&reference.paper.id) {
                    bytes += reference.paper.weight();
                    outside.push(&reference.paper);
                }
                if let Some(paper) = found[k].paper(&reference.paper) {
                    let at = reference.added.filter(|at| *at <= now).unwrap_or(now);
                    events.push(Event { paper: paper.clone(), kind: import.kind, at, weight: 1.0 });
                }
                k += 1;
            }
            events.sort_by(|a, b| (a.at, &a.paper).cmp(&(b.at, &b.paper)));
            let vectors = if outside.is_empty() { Vec::new() } else { self.vectors_of(&space, &outside)? };
            about.embedded = outside_so_far.len();
            // The rejected ones are dealt with when the last of the others is.
            let done = if k == found.len() { total } else { k };
            let window = ImportWindow {
                papers: outside.iter().copied().zip(vectors.iter().map(Vec::as_slice)).collect(),
                fingerprint: &space.model().fingerprint,
                events: &events,
                done,
            };
            let with = |added: &EventsWritten| ImportAbout {
                accepted: about.accepted + added.accepted,
                unchanged: about.unchanged + added.unchanged,
                ..about.clone()
            };
            self.keep_found(place.0)?;
            let added = self.store.add_to_import(place.0, place.1, &window, &|added| with(added).text())?;
            self.wrote();
            *about = with(&added);
            tell(done, about.embedded);
        }
        Ok(())
    }

    /// The reading lists that a user brought, the newest first.
    pub fn imports(&self, name: &str) -> Result<Vec<ImportView>> {
        let user = self.store.user(name)?.number;
        Ok(self.store.imports(user)?.into_iter().map(|stored| self.import_view(user, stored)).collect())
    }

    /// A reading list that a user brought, with what came of it entry by entry.
    pub fn import(&self, name: &str, id: &str) -> Result<ImportView> {
        let user = self.store.user(name)?.number;
        Ok(self.import_view(user, self.store.import(user, number(id)?)?))
    }

    /// Takes an import back: exactly the events and the papers from outside the corpus that it added and that nothing else
    /// has added. One that is running ends.
    pub fn undo_import(&self, name: &str, id: &str) -> Result<Undone> {
        let user = self.store.user(name)?.number;
        self.keep_found(user)?;
        let ImportUndone { events, papers } = self.store.undo_import(user, number(id)?)?;
        self.forget(user);
        self.wrote();
        Ok(Undone { events, papers })
    }

    /// A page of the papers that a user's history has learned from and that are not in the corpus, by title.
    pub fn outside(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Outside>> {
        check_limit(limit)?;
        let skip = Cursor::given(cursor)?.unwrap_or(0);
        let page = Page::of(self.store.library_slice(self.store.user(name)?.number, skip, limit)?);
        let of = |o: crate::store::LibraryPaper| Outside {
            paper: o.paper,
            imports: o.imports.iter().map(ToString::to_string).collect(),
        };
        Ok(Page { items: page.items.into_iter().map(of).collect(), next: page.next, total: page.total })
    }

    /// Forgets a paper that is not in the corpus, with what the user did with it; it may be named by another form of its
    /// identifier.
    pub fn remove_outside(&self, name: &str, id: &str) -> Result<()> {
        let user = self.store.user(name)?.number;
        self.keep_found(user)?;
        match (self.store.remove_library_paper(user, id), Identifier::parse(id)) {
            (Err(Error::NotFound { .. }), Some(known)) if known.key() != id => {
                self.store.remove_library_paper(user, known.key())?
            }
            (done, _) => done?,
        }
        self.forget(user);
        self.wrote();
        Ok(())
    }

    fn import_view(&self, user: i64, stored: StoredImport) -> ImportView {
        let StoredImport { number, begun, status, done, total, about, answer } = stored;
        let gone = status == ImportStatus::Running && !self.imports.holds((user, number));
        ImportView {
            id: number.to_string(),
            status: if gone { ImportStatus::Interrupted } else { status },
            done,
            total,
            begun,
            about: serde_json::from_str(&about).unwrap_or_default(),
            answer: answer.map(|text| serde_json::from_str(&text).unwrap_or_else(|_| json!({}))),
        }
    }
}

/// What a person calls a reference: its title, else what names it.
fn shown(reference: &Reference) -> String {
    if reference.titled { reference.paper.title.clone() } else { reference.names.join(" ") }
}

fn word(format: Format) -> String {
    serde_json::to_value(format).ok().and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default()
}

/// The number of an import that is named so; ids that are none name nothing.
fn number(id: &str) -> Result<i64> {
    id.parse().map_err(|_| Error::NotFound { what: "import", id: head(id, 80) })
}
