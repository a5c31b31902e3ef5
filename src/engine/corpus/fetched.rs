//! Papers in from a source: each becomes one with what others say of it ([`merge`](super::merge)), then goes the way of all papers.
//!
//! A window is embedded while the one before it is written, so that the model never waits.

use std::collections::HashMap;
use std::sync::{MutexGuard, TryLockError};
use std::time::Duration;

use crate::cancel::{self, Cancel};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::ingest::{MAX_WINDOW, Merge, Window};
use crate::engine::corpus::merge::{Gathered, Gathering, Origin};
use crate::engine::corpus::report::{Incoming, Report, warned};
use crate::error::Result;
use crate::paper::Paper;
use crate::store::{Fingerprints, SourceState};
use crate::user::Moment;

/// How often a paper that somebody else changes at the same moment is gathered anew.
const TRIES: usize = 5;

/// Papers that are made one with others at a time; then another source has its turn.
const TOGETHER: usize = 512;

/// How often whoever waits for that looks whether it was given up.
const LOOK: Duration = Duration::from_millis(5);

/// Entries and keys of each paper of a window.
type Touched = Vec<(Vec<usize>, Vec<String>)>;

/// Entries and keys of papers that somebody else has changed, and how many papers.
type Missed = (Vec<usize>, Vec<String>, usize);

/// What a source would bring.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// What would become of the papers; `embedded` counts nothing.
    pub report: Report,
    /// Those that would be new or changed, in their order.
    pub papers: Vec<(bool, Paper)>,
}

impl Corpus {
    /// Takes in what a source says, and what it has taken away. `progress` hears the report so far after each window.
    ///
    /// # Errors
    /// When the model or the store fails: what was reported is in, and the same again costs nothing.
    pub fn ingest_from(
        &self,
        origin: &Origin,
        incoming: Vec<Incoming>,
        deleted: &[String],
        progress: &dyn Fn(&Report),
    ) -> Result<Report> {
        let mut report = Report::default();
        let mut papers = told(incoming, &mut report);
        // Of a record that comes twice the last counts, however far it is behind the first.
        let last: HashMap<String, usize> =
            papers.iter().enumerate().map(|(k, (_, paper))| (paper.id.to_string(), k)).collect();
        let mut k = 0..;
        papers.retain(|(_, paper)| last.get(paper.id.as_str()).copied() == k.next());
        report.unchanged += k.start - papers.len();
        let mut pieces: Vec<&[(usize, Paper)]> = papers.chunks(TOGETHER).collect();
        // What is taken away is so behind all that came.
        let last = pieces.pop().unwrap_or_default();
        for piece in pieces {
            self.take_piece(origin, piece, &[], &mut report, progress)?;
        }
        self.take_piece(origin, last, deleted, &mut report, progress)?;
        let words = Cancel::new().scope(|| self.derived.commit_words());
        words.unwrap_or_else(|e| self.derived.words_missed(&e));
        Ok(report)
    }

    /// What would come of it. Nothing is written.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn preview_from(&self, origin: &Origin, incoming: Vec<Incoming>, deleted: &[String]) -> Result<Preview> {
        let mut preview = Preview::default();
        let papers = told(incoming, &mut preview.report);
        let papers: Vec<&Paper> = papers.iter().map(|(_, paper)| paper).collect();
        let Gathering { papers, unchanged } = self.gather(origin, &papers, deleted, Moment::now())?;
        preview.report.unchanged += unchanged;
        for gathered in papers {
            let is_new = gathered.seen.iter().all(|(_, seen)| seen.is_none());
            let stored = gathered.seen.iter().find(|(id, _)| *id == gathered.paper.id).and_then(|(_, seen)| *seen);
            if stored == Some(Fingerprints::of(&gathered.paper).all) {
                preview.report.unchanged += 1;
                continue;
            }
            match is_new {
                true => preview.report.accepted += 1,
                false => preview.report.updated += 1,
            }
            preview.papers.push((is_new, gathered.paper));
        }
        Ok(preview)
    }

    /// What is known of a source.
    pub fn source_state(&self, name: &str) -> Result<SourceState> {
        self.store.source_state(name)
    }

    /// Where to go on with a source.
    pub fn set_source_place(&self, name: &str, place: &str) -> Result<()> {
        self.store.set_source_place(name, place)
    }

    /// A source was read to its end.
    pub fn source_succeeded(&self, name: &str, at: Moment) -> Result<()> {
        self.store.set_source_succeeded(name, at)
    }

    /// Takes in some papers and what was taken away, and once more what somebody else has changed meanwhile.
    fn take_piece(
        &self,
        origin: &Origin,
        papers: &[(usize, Paper)],
        deleted: &[String],
        report: &mut Report,
        progress: &dyn Fn(&Report),
    ) -> Result<()> {
        let (mut wanted, mut deleted): (Vec<usize>, Vec<String>) = ((0..papers.len()).collect(), deleted.to_vec());
        for last in (0..TRIES).rev() {
            if wanted.is_empty() && deleted.is_empty() {
                break;
            }
            // One source at a time: what it looks at stands still until it is written.
            let _merging = self.merging()?;
            let some: Vec<&Paper> = wanted.iter().map(|k| &papers[*k].1).collect();
            let gathering = self.gather(origin, &some, &deleted, Moment::now())?;
            report.unchanged += gathering.unchanged;
            let line = |entry: usize| papers[wanted[entry]].0;
            let missed = self.take(gathering, &line, last == 0, report, progress)?;
            // Those that were one paper with others are counted again.
            let again = missed.0.len().saturating_sub(missed.2);
            report.unchanged -= again.min(report.unchanged);
            wanted = missed.0.into_iter().map(|entry| wanted[entry]).collect();
            deleted = missed.1;
        }
        Ok(())
    }

    /// The lock of those who make papers one; whoever gives up waits no longer.
    fn merging(&self) -> Result<MutexGuard<'_, ()>> {
        loop {
            cancel::check()?;
            match self.merging.try_lock() {
                Ok(held) => return Ok(held),
                Err(TryLockError::Poisoned(held)) => return Ok(held.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            }
        }
    }

    /// Embeds and writes what was gathered. Gives the entries and the keys of what was taken away, of papers that somebody else
    /// changed meanwhile, and how many these are; none where they are to be told as rejected.
    fn take(
        &self,
        gathering: Gathering,
        line: &dyn Fn(usize) -> usize,
        last: bool,
        report: &mut Report,
        progress: &dyn Fn(&Report),
    ) -> Result<Missed> {
        let mut missed: Missed = Default::default();
        let mut before: Option<(Window, Touched)> = None;
        let mut papers = gathering.papers.into_iter().peekable();
        let mut finish = |(mut window, mut touched): (Window, Touched), report: &mut Report| -> Result<()> {
            window.wait()?;
            window.missed = (!last).then(Vec::new);
            self.commit(&mut window, report)?;
            report.embedded += window.embedded();
            for place in window.missed.iter().flatten() {
                let (entries, deleted) = std::mem::take(&mut touched[*place]);
                missed.0.extend(entries);
                missed.1.extend(deleted);
                missed.2 += 1;
            }
            progress(report);
            Ok(())
        };
        while papers.peek().is_some() {
            cancel::check()?;
            let space = self.space();
            let most = space.pace().window;
            let mut window = Window::new(space);
            let (mut bytes, mut places, mut touched) = (0, Vec::new(), Touched::new());
            while window.papers.len() < most && bytes < MAX_WINDOW {
                let Some(gathered) = papers.next() else { break };
                let Gathered { entries, deleted, paper, keeps_text, records, absorbs, seen } = gathered;
                bytes += paper.weight();
                let place = window.papers.len();
                if !keeps_text {
                    places.push(place);
                }
                window.papers.push(paper);
                window.lines.push(entries.last().map_or(0, |entry| line(*entry)));
                touched.push((entries, deleted));
                window.merges.insert(place, Merge { records, absorbs, seen });
            }
            self.submit_places(places, &mut window)?;
            if let Some(before) = before.replace((window, touched)) {
                finish(before, report)?;
            }
        }
        if let Some(window) = before {
            finish(window, report)?;
        }
        Ok(missed)
    }
}

/// The papers among what came in, with the number of their entries; what holds none is told.
fn told(incoming: Vec<Incoming>, report: &mut Report) -> Vec<(usize, Paper)> {
    let mut papers = Vec::with_capacity(incoming.len());
    for Incoming { line, paper, warnings, .. } in incoming {
        match paper {
            Ok(paper) => {
                warned(report, line, &paper, warnings);
                papers.push((line, paper));
            }
            Err(rejection) => report.reject(line, rejection),
        }
    }
    papers
}
