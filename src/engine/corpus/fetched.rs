//! Papers in from a source: each becomes one with what others say of it ([`merge`](super::merge)), then goes the way of all papers.
//!
//! A window is embedded while the one before it is written, so that the model never waits.

use std::collections::HashMap;
use std::sync::PoisonError;

use crate::cancel::{self, Cancel};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::ingest::{Incoming, MAX_WINDOW, Merge, Report, Window, warned};
use crate::engine::corpus::merge::{Gathered, Gathering, Origin};
use crate::error::Result;
use crate::paper::Paper;
use crate::store::{Fingerprints, SourceState};
use crate::user::Moment;

/// How often a paper that somebody else changes at the same moment is gathered anew.
const TRIES: usize = 5;

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
        let mut deleted = deleted.to_vec();
        for last in (0..TRIES).rev() {
            // One source at a time: what it looks at stands still until it is written.
            let _merging = self.merging.lock().unwrap_or_else(PoisonError::into_inner);
            // To be gathered once more where somebody else was quicker.
            let mut again: HashMap<usize, Paper> = papers.iter().map(|(line, paper)| (*line, paper.clone())).collect();
            let gathering = self.gather(origin, papers, &deleted, Moment::now())?;
            report.unchanged += gathering.unchanged;
            let missed = self.take(gathering, last == 0, &mut report, progress)?;
            papers = missed.into_iter().filter_map(|line| Some((line, again.remove(&line)?))).collect();
            deleted.clear();
            if papers.is_empty() {
                break;
            }
        }
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
        let Gathering { papers, unchanged } = self.gather(origin, papers, deleted, Moment::now())?;
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

    /// Embeds and writes what was gathered. Gives the entries of papers that somebody else changed meanwhile, unless these are to
    /// be told as rejected.
    fn take(
        &self,
        gathering: Gathering,
        last: bool,
        report: &mut Report,
        progress: &dyn Fn(&Report),
    ) -> Result<Vec<usize>> {
        let mut missed = Vec::new();
        let mut before: Option<Window> = None;
        let mut papers = gathering.papers.into_iter().peekable();
        let mut finish = |mut window: Window, report: &mut Report| -> Result<()> {
            window.wait()?;
            window.missed = (!last).then(Vec::new);
            self.commit(&mut window, report)?;
            report.embedded += window.embedded();
            missed.extend(window.missed.iter().flatten().map(|place| window.lines[*place]));
            progress(report);
            Ok(())
        };
        while papers.peek().is_some() {
            cancel::check()?;
            let space = self.space();
            let most = space.pace().window;
            let mut window = Window::new(space);
            let (mut bytes, mut places) = (0, Vec::new());
            while window.papers.len() < most && bytes < MAX_WINDOW {
                let Some(Gathered { line, paper, keeps_text, records, absorbs, seen }) = papers.next() else { break };
                bytes += paper.weight();
                let place = window.papers.len();
                if !keeps_text {
                    places.push(place);
                }
                window.papers.push(paper);
                window.lines.push(line);
                window.merges.insert(place, Merge { records, absorbs, seen });
            }
            self.submit_places(places, &mut window)?;
            if let Some(before) = before.replace(window) {
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
