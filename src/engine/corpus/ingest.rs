//! Papers in: what is unchanged costs nothing, the rest is embedded, written and indexed a window at a time.
//!
//! Two stages run side by side: this thread reads and embeds a window while another commits the one before and lets the
//! index follow. Where the model does not run on the processor, the next window is read and handed over while the model
//! works on the one before ([`embed::Pace`](crate::embed::Pace)). Whatever happens, the store holds whole windows, in the
//! order of the source, and the index catches up when next opened.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};

use crate::cancel::{self, Cancel};
use crate::embed::{Kind, PendingEmbeddings, unit};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::follow::Handed;
use crate::engine::corpus::report::{Incoming, Rejection, Report, Warnings};
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId, Row};
use crate::store::{Fingerprints, MergedPaper, MergedWritten, PaperWritten, PapersWritten, SourceRecord};
use crate::user::Moment;

/// Bytes of papers in a window, beyond which it is full: a few windows are in memory at a time.
pub const MAX_WINDOW: usize = 16 << 20;

/// Where papers come from: an error ends the ingest (what was committed stays), a rejected line does not.
pub type Source<'a> = &'a mut dyn Iterator<Item = Result<Incoming>>;

/// What makes a paper of a window, where it is more than one source that speaks of it.
#[derive(Default)]
pub struct Merge {
    pub records: Vec<SourceRecord>,
    pub absorbs: Vec<PaperId>,
    pub seen: Vec<(PaperId, Option<[u8; 16]>)>,
}

/// A window on its way to the store.
pub struct Window {
    /// What the vectors are of.
    space: Arc<EmbeddingSpace>,
    pub papers: Vec<Paper>,
    /// The line of each paper.
    pub lines: Vec<usize>,
    vectors: HashMap<usize, Vec<f32>>,
    /// What papers are made of, by their places.
    pub merges: HashMap<usize, Merge>,
    /// Papers that somebody else changed meanwhile are not told as rejected, but found here.
    pub missed: Option<Vec<usize>>,
    rejected: Vec<(usize, Rejection)>,
    warnings: Warnings,
    unchanged: usize,
    embedded: usize,
    /// The papers whose vectors are with the encoder, and these.
    under_way: Option<(Vec<usize>, PendingEmbeddings)>,
}

impl Window {
    /// An empty one.
    pub fn new(space: Arc<EmbeddingSpace>) -> Self {
        Window {
            space,
            papers: Vec::new(),
            lines: Vec::new(),
            vectors: HashMap::new(),
            merges: HashMap::new(),
            missed: None,
            rejected: Vec::new(),
            warnings: Warnings::default(),
            unchanged: 0,
            embedded: 0,
            under_way: None,
        }
    }

    /// Texts that went through the model for it.
    pub fn embedded(&self) -> usize {
        self.embedded
    }

    /// Waits for the vectors.
    pub fn wait(&mut self) -> Result<()> {
        if let Some((places, submitted)) = self.under_way.take() {
            self.vectors.extend(places.into_iter().zip(submitted.collect()?));
        }
        Ok(())
    }
}

/// The papers of windows that may still be on their way to the store: what they hold counts more than what is there.
#[derive(Default)]
struct WindowHashes {
    /// The window that is being filled, from 1.
    window: usize,
    /// The hashes of each paper, and the window it came in last.
    papers: HashMap<PaperId, (Fingerprints, usize)>,
}

impl WindowHashes {
    /// Begins a window, and forgets the papers of the first `committed` ones: the store knows them, and a stream may be
    /// longer than memory.
    fn next_window(&mut self, committed: usize) {
        self.window += 1;
        self.papers.retain(|_, (_, window)| *window > committed);
    }

    fn get(&self, id: &PaperId) -> Option<&Fingerprints> {
        self.papers.get(id).map(|(prints, _)| prints)
    }

    fn insert(&mut self, id: PaperId, prints: Fingerprints) {
        self.papers.insert(id, (prints, self.window));
    }
}

impl Corpus {
    /// Takes papers in. `progress` hears the report so far after each committed window.
    pub fn ingest(&self, source: Source<'_>, progress: &(dyn Fn(&Report) + Sync)) -> Result<Report> {
        let committed = &AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(1);
            let asked = cancel::current();
            // Windows go in whole: whoever gives the ingest up ends it between two of them.
            let committer = scope.spawn(move || self.commit_all(&receive, progress, committed, &asked));
            let read = self.embed_all(source, &send, committed);
            drop(send);
            let report = committer.join().map_err(|_| Error::Internal("the committing thread panicked".into()))?;
            let words = Cancel::new().scope(|| self.derived.commit_words());
            words.unwrap_or_else(|e| self.derived.words_missed(&e));
            // A failed commit closes the channel, so its cause is the one to tell.
            let report = report?;
            read.map(|()| report)
        })
    }

    fn embed_all(&self, source: Source<'_>, send: &SyncSender<Window>, committed: &AtomicUsize) -> Result<()> {
        let mut seen = WindowHashes::default();
        let mut under_way: VecDeque<Window> = VecDeque::new();
        let mut lines = source.peekable();
        while lines.peek().is_some() {
            cancel::check()?;
            seen.next_window(committed.load(Ordering::Acquire));
            let mut window = Window::new(self.space());
            // Nothing opens the model before a text needs it, so the first window goes at the pace of a processor.
            let pace = window.space.pace();
            let mut incoming: Vec<(usize, Paper, Option<Vec<f32>>)> = Vec::new();
            let (mut failed, mut bytes) = (None, 0);
            while incoming.len() < pace.window && window.rejected.len() < pace.window && bytes < MAX_WINDOW {
                match lines.next() {
                    None => break,
                    Some(Ok(Incoming { line, paper: Ok(paper), vector, warnings })) => {
                        window.warnings.add(line, &paper, warnings);
                        bytes += paper.weight();
                        incoming.push((line, paper, vector));
                    }
                    Some(Ok(Incoming { line, paper: Err(rejection), .. })) => window.rejected.push((line, rejection)),
                    Some(Err(e)) => {
                        failed = Some(e);
                        break;
                    }
                }
            }
            self.submit_window(incoming, &mut seen, &mut window)?;
            under_way.push_back(window);
            let ahead = if failed.is_some() { 0 } else { pace.ahead };
            if !hand_over(&mut under_way, ahead, send)? {
                return Ok(());
            }
            if let Some(e) = failed {
                return Err(e);
            }
        }
        hand_over(&mut under_way, 0, send).map(|_| ())
    }

    fn submit_window(
        &self,
        incoming: Vec<(usize, Paper, Option<Vec<f32>>)>,
        seen: &mut WindowHashes,
        window: &mut Window,
    ) -> Result<()> {
        let unseen: Vec<&PaperId> =
            incoming.iter().map(|(_, p, _)| &p.id).filter(|id| seen.get(id).is_none()).collect();
        let stored = self.store.fingerprints(&unseen)?;
        let ids: Vec<&PaperId> = incoming.iter().map(|(_, p, _)| &p.id).collect();
        let mut told = self.store.records_of(&ids)?;
        let now = Moment::now();
        let mut places: Vec<usize> = Vec::new();
        let mut seen_here: HashSet<PaperId> = HashSet::new();
        for (line, mut paper, mut given) in incoming {
            cancel::check()?;
            if let Some(records) = told.get(&paper.id) {
                let id = paper.id.clone();
                match self.gather_by_hand(&paper, records.clone(), now) {
                    None => {
                        window.unchanged += 1;
                        continue;
                    }
                    Some((merged, records)) => {
                        // One that is on its way already is another by now.
                        let seen = stored.get(&id).map(|prints| (id.clone(), Some(prints.all)));
                        let seen: Vec<_> = seen.filter(|_| seen_here.insert(id.clone())).into_iter().collect();
                        told.insert(id, records.clone());
                        window.merges.insert(window.papers.len(), Merge { records, seen, ..Merge::default() });
                        // A vector that came with it is one of its own text.
                        given = given.filter(|_| merged.text() == paper.text());
                        paper = merged;
                    }
                }
            }
            let prints = Fingerprints::of(&paper);
            let known = seen.get(&paper.id).or_else(|| stored.get(&paper.id)).copied();
            seen.insert(paper.id.clone(), prints);
            match known {
                // With records to write it goes to the store all the same.
                Some(k) if k.all == prints.all && !window.merges.contains_key(&window.papers.len()) => {
                    window.unchanged += 1;
                }
                known => {
                    if known.is_none_or(|k| k.text != prints.text) {
                        let place = window.papers.len();
                        match given {
                            Some(vector) => {
                                window.vectors.insert(place, check_given(&window.space, &paper, vector)?);
                            }
                            None => places.push(place),
                        }
                    }
                    window.papers.push(paper);
                    window.lines.push(line);
                }
            }
        }
        self.submit_places(places, window)
    }

    /// Has the papers at these places of the window embedded, but for those whose text has a vector already.
    pub(super) fn submit_places(&self, places: Vec<usize>, window: &mut Window) -> Result<()> {
        let papers: Vec<&Paper> = places.iter().map(|&k| &window.papers[k]).collect();
        let known = self.store.known_vectors(&window.space.model, &papers)?;
        let mut unknown = Vec::new();
        for (place, vector) in places.into_iter().zip(known) {
            match vector {
                Some(vector) => drop(window.vectors.insert(place, vector)),
                None => unknown.push(place),
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let embedder = window.space.embedder()?;
        let texts: Vec<String> = unknown.iter().map(|&k| window.papers[k].text_joined(embedder.separator())).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let submitted = embedder.submit(&texts, Kind::Document)?;
        window.embedded += texts.len();
        window.under_way = Some((unknown, submitted));
        Ok(())
    }

    fn commit_all(
        &self,
        receive: &Receiver<Window>,
        progress: &dyn Fn(&Report),
        committed: &AtomicUsize,
        asked: &Cancel,
    ) -> Result<Report> {
        let mut report = Report::default();
        for mut window in receive {
            asked.check()?;
            self.commit(&mut window, &mut report)?;
            committed.fetch_add(1, Ordering::AcqRel);
            for (line, rejection) in window.rejected {
                report.reject(line, rejection);
            }
            window.warnings.report(&mut report);
            report.unchanged += window.unchanged;
            report.embedded += window.embedded;
            progress(&report);
        }
        Ok(report)
    }

    /// Writes a window, and lets what is derived follow.
    pub(super) fn commit(&self, window: &mut Window, report: &mut Report) -> Result<()> {
        if window.papers.is_empty() {
            return Ok(());
        }
        let _moving = self.moving.read().unwrap_or_else(PoisonError::into_inner);
        let space = self.space();
        if !Arc::ptr_eq(&space, &window.space) {
            // The corpus moved to another model while this window was on its way.
            window.space = Arc::clone(&space);
            let places = std::mem::take(&mut window.vectors).into_keys().collect();
            self.submit_places(places, window)?;
            window.wait()?;
        }
        let papers: Vec<(&Paper, Option<&[f32]>)> =
            window.papers.iter().enumerate().map(|(k, p)| (p, window.vectors.get(&k).map(Vec::as_slice))).collect();
        let written = self.put(&papers, &window.merges, &space.model.fingerprint)?;
        let (mut added, mut gone): (Vec<(Row, &[f32])>, Vec<Row>) = (Vec::new(), written.gone);
        // Of a paper that comes twice in a window the last counts.
        let mut changed: HashMap<Row, &Paper> = HashMap::new();
        for (place, (((paper, vector), line), outcome)) in
            papers.iter().zip(&window.lines).zip(&written.papers).enumerate()
        {
            match outcome {
                PaperWritten::New(row) => {
                    report.accepted += 1;
                    changed.insert(*row, *paper);
                    added.extend(vector.map(|v| (*row, v)));
                }
                PaperWritten::Replaced { old, new } => {
                    report.updated += 1;
                    changed.insert(*new, *paper);
                    gone.push(*old);
                    added.extend(vector.map(|v| (*new, v)));
                }
                PaperWritten::Updated(row) => {
                    report.updated += 1;
                    changed.insert(*row, *paper);
                }
                PaperWritten::Unchanged(_) => report.unchanged += 1,
                // Only when somebody else changed the same paper between our look and our commit.
                PaperWritten::NeedsVector if window.missed.is_some() => {
                    window.missed.get_or_insert_default().push(place);
                }
                PaperWritten::NeedsVector => report.reject(
                    *line,
                    Rejection {
                        id: Some(paper.id.to_string()),
                        reason: "it was changed by another request at the same moment; send it again".into(),
                    },
                ),
            }
        }
        // A row that was replaced within the window is added and gone at once.
        added.retain(|(row, _)| !gone.contains(row));
        changed.retain(|row, _| !gone.contains(row));
        // Where nothing was written the number is that of somebody else's change.
        let change = (!changed.is_empty() || !gone.is_empty()).then_some(written.change);
        self.derived.follow(&Handed { change, papers: changed, vectors: added, gone });
        Ok(())
    }
}

impl Corpus {
    fn put(
        &self,
        papers: &[(&Paper, Option<&[f32]>)],
        merges: &HashMap<usize, Merge>,
        fingerprint: &str,
    ) -> Result<MergedWritten> {
        if merges.is_empty() {
            let PapersWritten { papers, change } = self.store.put_papers(papers, fingerprint)?;
            return Ok(MergedWritten { papers, gone: Vec::new(), change });
        }
        let none = Merge::default();
        let merged: Vec<MergedPaper<'_>> = papers
            .iter()
            .enumerate()
            .map(|(place, (paper, vector))| {
                let Merge { records, absorbs, seen } = merges.get(&place).unwrap_or(&none);
                MergedPaper { paper, vector: *vector, records, absorbs, seen }
            })
            .collect();
        self.store.put_merged(&merged, fingerprint)
    }
}

/// Sends windows to the store, the oldest first and each with its vectors, until so many are left. `false` when the store
/// takes no more.
fn hand_over(under_way: &mut VecDeque<Window>, left: usize, send: &SyncSender<Window>) -> Result<bool> {
    while under_way.len() > left {
        let Some(mut window) = under_way.pop_front() else { break };
        window.wait()?;
        if send.send(window).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A vector that came with a paper: of the right dimension, and of length 1.
fn check_given(space: &EmbeddingSpace, paper: &Paper, vector: Vec<f32>) -> Result<Vec<f32>> {
    let bad = |why: String| Error::Data(format!("the vector given for {:?} cannot be used: {why}", paper.id.as_str()));
    if vector.len() != space.model.dimension {
        return Err(bad(format!("it has {} numbers, not {}", vector.len(), space.model.dimension)));
    }
    // One of length 1 stays as it is, to the last bit.
    let length = vector.iter().map(|x| x * x).sum::<f32>();
    if (length - 1.0).abs() < 1e-4 { Ok(vector) } else { unit(vector).map_err(|e| bad(e.to_string())) }
}
