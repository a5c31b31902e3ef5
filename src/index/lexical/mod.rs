//! Words: which papers hold them (tantivy), and which terms each paper holds.
//!
//! The folder has tantivy's own files in `words/` and beside them the blocks of [`forward`], named by the text that
//! tantivy's commit carries: so one atomic rename makes both count. It remembers the store's change number; what came
//! later is added when it is opened, and it can be thrown away and built again.
//!
//! Scores must not depend on how the papers came in, so BM25 takes its statistics (papers, frequencies, lengths) from the
//! live rows here and not from tantivy's segments, where deleted papers count until they are merged away.

mod analyzer;
mod beginning;
mod conditions;
mod dictionary;
mod forward;
mod inverted;
mod live_terms;
mod matched;
mod names;
mod query;
mod recovery;
mod segmenter;
mod share;
mod spelling;
mod syntax;
mod typos;
mod vector;

#[cfg(test)]
mod contract;

pub use conditions::{Atom, Condition};
pub use inverted::QUIET;
pub use matched::MatchedWords;
pub use query::QueryWords;
pub use syntax::{Query, is_prose, visible};
pub use typos::Correction;
pub use vector::TermVector;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use self::analyzer::{Analyzer, Form, Purpose};
use self::forward::FileBlock;
use self::inverted::{Fields, Indexed, Inverted};
use self::live_terms::{Counts, LiveTerms};
use self::spelling::american;
use super::files::{Sum, sync_folder};
use crate::error::{Error, Result};
use crate::paper::person::PersonName;
use crate::paper::{Row, category};

/// The second has surnames, names with signs, words as they are written, and one spelling for British and American; the third
/// reads names as `paper` does, and holds no identifiers, which nobody looked for here.
const FORMAT: u32 = 3;

/// Why an index is made again that is whole, but of another format.
const EARLIER: &str = "another version of paperkin made it, which read words in another way";

/// How often a word of the title counts in a paper's terms.
const TITLE: usize = 2;

/// Papers that may wait for a commit. A commit costs some tens of milliseconds; what waits is added again after a
/// crash.
const WAITING: usize = 4096;

/// Segments that may stand before [`Lexical::join`] joins them.
const SEGMENTS: usize = 4;

/// What the index takes of a paper.
#[derive(Debug, Clone, Default)]
pub struct Document<'a> {
    /// Its number.
    pub row: u32,
    /// The title.
    pub title: &'a str,
    /// The abstract.
    pub summary: &'a str,
    /// Full names.
    pub authors: &'a [String],
    /// Free terms.
    pub keywords: &'a [String],
    /// Categories, compared in lower case.
    pub categories: &'a [String],
    /// Days since 1970-01-01.
    pub day: Option<i32>,
}

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LexicalReport {
    /// Why the files on disk were not used; `None` when they were, or when there were none.
    pub doubt: Option<String>,
    /// The store's change number up to which it has read; all that came later is to be inserted again.
    pub change: u64,
}

/// The words of all papers. Shared between threads; writing and reading may overlap.
pub struct Lexical {
    folder: PathBuf,
    fields: Fields,
    // A lock only around the pointer: after a failure the files are opened anew.
    inverted: RwLock<Arc<Inverted>>,
    // Held for reading while terms are read, for writing while papers come or go; never while anything is written to disk.
    state: RwLock<LiveTerms>,
    // Held from a look at what waits until the commit that takes it; the analyzer keeps the stems it has met until then.
    writing: Mutex<Writing>,
}

struct Writing {
    analyzer: Analyzer,
    /// The number of the next block file.
    next_file: u64,
    /// Files of the written blocks, in their order.
    files: Vec<Sum>,
    /// Whether something came or was taken away since the last commit.
    dirty: bool,
    /// Whether something could not be written: then nothing more can, until [`Lexical::recover`].
    failed: bool,
    /// The store's change number that the files speak of.
    change: u64,
}

/// What tantivy's commit carries for us.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    change: u64,
    papers: u64,
    next_file: u64,
    blocks: Vec<Sum>,
}

impl Lexical {
    /// Opens the index in a folder, making it if it is not there. What cannot be trusted (damaged, of another format, or
    /// newer than the store at `change`) is thrown away and said. `rows` are the store's: what the index has beyond them is
    /// taken away.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Data`] when the folder cannot be written.
    pub fn open(folder: &Path, rows: &RoaringBitmap, change: u64) -> Result<(Self, LexicalReport)> {
        let begin = |folder: &Path| {
            fs::create_dir_all(folder.join("words")).map_err(|e| Error::io(folder, "cannot make the folder", e))
        };
        begin(folder)?;
        let (lexical, report) = match Self::read(folder, change) {
            Ok((lexical, change)) => (lexical, LexicalReport { doubt: None, change }),
            Err(doubt) => {
                fs::remove_dir_all(folder).map_err(|e| Error::io(folder, "cannot clear the folder", e))?;
                begin(folder)?;
                let (lexical, change) = Self::read(folder, change).map_err(Error::Data)?;
                (lexical, LexicalReport { doubt: Some(doubt), change })
            }
        };
        let beyond: Vec<Row> = (lexical.rows() - rows).iter().map(Row).collect();
        // They are in no answer whether or not that can be written down now: the next open takes them away again.
        if let Err(e) = lexical.remove(&beyond) {
            tracing::warn!("{e}");
        }
        Ok((lexical, report))
    }

    fn inverted(&self) -> Arc<Inverted> {
        Arc::clone(&self.inverted.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn read(folder: &Path, change: u64) -> std::result::Result<(Self, u64), String> {
        let (inverted, payload) = Inverted::open(&folder.join("words"))?;
        let manifest = match payload {
            Some(text) => serde_json::from_str(&text).map_err(|e| format!("what its commit says: {e}"))?,
            None => Manifest { format: FORMAT, change: 0, papers: 0, next_file: 0, blocks: Vec::new() },
        };
        if manifest.format != FORMAT {
            return Err(EARLIER.into());
        }
        if manifest.change > change {
            return Err("it is newer than the store (an older copy of the store was put back)".into());
        }
        if inverted.view().searcher.num_docs() != manifest.papers {
            return Err("it holds another number of papers than its commit says".into());
        }
        let mut state = LiveTerms::default();
        for file in &manifest.blocks {
            file.has_length(folder)?;
            file.is_whole(folder, &AtomicBool::new(false))?;
            state.append(FileBlock::open(&folder.join(&file.name)).map_err(|e| e.to_string())?)?;
        }
        sweep(folder, &manifest.blocks);
        let writing = Writing {
            analyzer: Analyzer::default(),
            next_file: manifest.next_file,
            files: manifest.blocks,
            dirty: false,
            failed: false,
            change: manifest.change,
        };
        let lexical = Lexical {
            folder: folder.to_path_buf(),
            fields: inverted.fields,
            inverted: RwLock::new(Arc::new(inverted)),
            state: RwLock::new(state),
            writing: Mutex::new(writing),
        };
        Ok((lexical, manifest.change))
    }

    fn state(&self) -> RwLockReadGuard<'_, LiveTerms> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, LiveTerms> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows that can be found, those that wait for a commit included.
    pub fn rows(&self) -> RoaringBitmap {
        self.state().live.clone()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.state().live.len() as usize
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes papers in. Their terms are there when the call returns; a search finds them after the next
    /// [`Lexical::commit`], which this call makes itself when many wait. A row that is there is replaced. `change` is the
    /// store's number after these papers.
    ///
    /// # Errors
    /// [`Error::Data`] when the index cannot be written.
    pub fn insert(&self, documents: &[Document<'_>], change: u64) -> Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.usable()?;
        let known = self.rows();
        let mut indexed = Vec::with_capacity(documents.len());
        let mut counted = Vec::with_capacity(documents.len());
        for document in documents {
            let paper = read_document(&mut writing.analyzer, document);
            counted.push((document.row, count(&paper)));
            indexed.push(paper);
        }
        let added = self.inverted().add(indexed, &known);
        writing.unless_failed(added)?;
        self.state_mut().extend(counted);
        writing.dirty = true;
        if self.state().waiting() >= WAITING { self.write(&mut writing, change) } else { Ok(()) }
    }

    /// Takes rows away; they are in no later answer. Unknown rows are passed over.
    ///
    /// # Errors
    /// [`Error::Data`] when the index cannot be written.
    pub fn remove(&self, rows: &[Row]) -> Result<()> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<Row> = self.state_mut().remove(rows);
        if gone.is_empty() {
            return Ok(());
        }
        writing.usable()?;
        writing.dirty = true;
        let removed = self.inverted().remove(&gone);
        writing.unless_failed(removed)
    }

    /// Makes everything so far durable and found; `change` is the store's number up to which everything was given.
    ///
    /// # Errors
    /// [`Error::Data`] or [`Error::Io`] when the files cannot be written; what they lack is added when next opened.
    pub fn commit(&self, change: u64) -> Result<()> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.analyzer.forget();
        if !writing.dirty {
            writing.change = writing.change.max(change);
            return writing.usable();
        }
        self.write(&mut writing, change)
    }

    /// Joins what was committed in many pieces. Searches go on meanwhile; it may take some seconds.
    ///
    /// # Errors
    /// [`Error::Data`] when the files cannot be written; the old ones still count then.
    pub fn join(&self) -> Result<()> {
        self.inverted().join(SEGMENTS)
    }

    fn write(&self, writing: &mut Writing, change: u64) -> Result<()> {
        writing.usable()?;
        let out = self.try_write(writing, change);
        writing.unless_failed(out)
    }

    fn try_write(&self, writing: &mut Writing, change: u64) -> Result<()> {
        let mut files = writing.files.clone();
        let mut block = None;
        let joined = {
            let state = self.state();
            state.next_block().map(|next| (next.keep, next.rows.encode(&state.dictionary, next.new)))
        };
        if let Some((keep, bytes)) = joined {
            let name = format!("terms-{}", writing.next_file);
            writing.next_file += 1;
            let path = self.folder.join(&name);
            let write = || -> std::io::Result<()> {
                let mut file = File::create(&path)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                // Its name as well, before the commit that says it.
                sync_folder(&self.folder)
            };
            write().map_err(|e| Error::io(&path, "cannot write (is the disk full?)", e))?;
            files.truncate(keep);
            files.push(Sum::of(name, &bytes));
            block = Some((keep, FileBlock::open(&path)?));
        }
        let papers = self.state().live.len();
        let manifest = Manifest { format: FORMAT, change, papers, next_file: writing.next_file, blocks: files };
        let payload = serde_json::to_string(&manifest).map_err(|e| Error::Internal(e.to_string()))?;
        self.inverted().commit(&payload)?;
        if let Some((keep, block)) = block {
            self.state_mut().written(keep, block);
        }
        writing.files = manifest.blocks;
        (writing.dirty, writing.change) = (false, change);
        sweep(&self.folder, &writing.files);
        Ok(())
    }

    /// The terms of some rows, in their order; `None` where a row is not there.
    pub fn terms(&self, rows: &[Row]) -> Vec<Option<TermVector>> {
        let state = self.state();
        rows.iter().map(|row| state.vector(row.0)).collect()
    }

    /// How often some rows hold each of their telling terms, in their order, by rising number of the term; empty where
    /// a row is not there. A word of the title counts more than once.
    pub fn counts(&self, rows: &[Row]) -> Vec<Vec<(u32, u8)>> {
        let state = self.state();
        rows.iter().map(|row| state.counts(row.0)).collect()
    }

    /// The same of a text.
    pub fn counts_of(&self, text: &str) -> Vec<(u32, u8)> {
        let words = Analyzer::default().read(text, Purpose::Query);
        self.state().counts_of(words.iter().filter(|w| w.counts()).map(|w| w.term.as_str()))
    }

    /// The terms of a text that papers share.
    pub fn terms_of(&self, text: &str) -> TermVector {
        let words = Analyzer::default().read(text, Purpose::Query);
        self.state().vector_of(words.iter().filter(|w| w.counts()).map(|w| w.term.as_str()))
    }

    /// The cosine of some terms with those of each row, from 0 to 1; 0 where a row is not there.
    pub fn cosines(&self, terms: &TermVector, rows: &[Row]) -> Vec<f32> {
        self.state().cosines(terms, rows)
    }

    /// What a person reads for a term.
    pub fn term(&self, id: u32) -> Option<String> {
        self.state().dictionary.surface(id).map(str::to_string)
    }

    /// Reads a query against the papers, which say what may be an operator: see [`Query::read`].
    ///
    /// # Errors
    /// [`Error::Internal`] when the index cannot be read.
    pub fn read_query(&self, text: &str) -> Result<Query> {
        let live = self.rows();
        Query::read(text, &|atom| Ok(self.met(atom)?.is_some_and(|rows| !rows.is_disjoint(&live))))
    }

    /// How many terms there are; their numbers lie below.
    pub fn vocabulary(&self) -> usize {
        self.state().dictionary.len()
    }
}

impl Writing {
    /// After any failure tantivy has dropped all that was not committed, papers of earlier calls too. A later commit would
    /// say that they are there, so only a new start from the store is right again.
    fn unless_failed(&mut self, out: Result<()>) -> Result<()> {
        self.failed |= out.is_err();
        out
    }

    fn usable(&self) -> Result<()> {
        if !self.failed {
            return Ok(());
        }
        Err(Error::Data(
            "the index of words could not be written before, so it takes nothing for now. The papers are safe; what it lacks \
             is added by itself as soon as there is room"
                .into(),
        ))
    }
}

/// Removes blocks that no commit names. What cannot be removed is left: it does no harm.
fn sweep(folder: &Path, keep: &[Sum]) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("terms-") && keep.iter().all(|n| n.name != name) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn read_document(analyzer: &mut Analyzer, document: &Document<'_>) -> Indexed {
    let title = analyzer.read(document.title, Purpose::Text);
    let mut text = vec![title.clone(); TITLE];
    text.push(analyzer.read(document.summary, Purpose::Text));
    text.extend(document.keywords.iter().map(|k| analyzer.read(k, Purpose::Text)));
    let words = text.iter().skip(TITLE - 1).flatten().filter(|w| !w.whole.is_empty());
    let mut whole: Vec<String> = words.map(|w| american(&w.whole).into_owned()).collect();
    whole.sort_unstable();
    whole.dedup();
    Indexed {
        row: Row(document.row),
        text,
        title,
        whole,
        authors: document.authors.iter().map(|a| analyzer.read_name(&PersonName::read(a).given_first())).collect(),
        categories: document.categories.iter().map(|c| category::folded(c)).collect(),
        day: document.day,
    }
}

/// A paper's length in words, and how often it holds each.
fn count(paper: &Indexed) -> (u32, Counts) {
    let mut counts = Counts::new();
    let mut length = 0;
    for word in paper.text.iter().flatten().filter(|w| w.counts()) {
        // A sign makes a name of a word that is there already, and the text no longer.
        length += u32::from(word.form != Form::Sign);
        match counts.get_mut(&word.term) {
            Some((n, surface)) => {
                *n += 1;
                if reads_better(&word.surface, surface) {
                    surface.clone_from(&word.surface);
                }
            }
            None => drop(counts.insert(word.term.clone(), (1, word.surface.clone()))),
        }
    }
    (length, counts)
}

/// Of `Networks`, `networks` and `network` the last: short, and without capitals that only begin a sentence.
fn reads_better(new: &str, old: &str) -> bool {
    let key = |s: &str| (s.chars().count(), s.chars().filter(|c| c.is_uppercase()).count(), s.to_string());
    key(new) < key(old)
}
