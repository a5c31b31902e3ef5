//! The index of words beside the store: what it takes of a paper, how it catches up, when it is written.

use std::collections::HashMap;
use std::sync::PoisonError;

use crate::engine::corpus::Corpus;
use crate::error::Result;
use crate::index::{Document, Lexical};
use crate::paper::bounds::MAX_ABSTRACT;
use crate::paper::{Paper, Row};
use crate::store::Store;

/// The folder of the index of words, inside the data folder.
pub const WORDS: &str = "words";

/// Papers from which on what was caught up with is joined at once, so that searches have few pieces to look through.
const MANY: usize = 20_000;

/// Papers a page while catching up.
const PAGE: usize = 1024;

/// What the index of words takes of a paper.
pub fn document(row: Row, paper: &Paper) -> Document<'_> {
    Document {
        row: row.0,
        title: bounded(&paper.title),
        summary: bounded(&paper.summary),
        authors: &paper.authors,
        keywords: &paper.keywords,
        categories: &paper.categories,
        day: paper.day(),
    }
}

/// What of a text is looked for by its words: papers of earlier versions may have longer ones than are let in today.
fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_ABSTRACT)]
}

/// Gives the index what the store has seen since a change number. What was removed, opening has taken away already.
pub fn catch_up(store: &dyn Store, lexical: &Lexical, since: u64) -> Result<()> {
    let now = store.change()?;
    let changed: Vec<Row> =
        if since < now { store.changed_since(since)?.iter().map(Row).collect() } else { Vec::new() };
    for rows in changed.chunks(PAGE) {
        let page = store.papers(rows)?;
        let documents: Vec<Document<'_>> = page.iter().map(|(row, paper)| document(*row, paper)).collect();
        // Pages come by row, not by change: a crash on the way has to begin where this began.
        lexical.insert(&documents, since)?;
    }
    lexical.commit(now)?;
    if changed.len() < MANY { Ok(()) } else { lexical.join() }
}

impl Corpus {
    /// Gives the index of words what a commit has changed: rows that are new or have other fields now, and rows that are
    /// gone.
    pub(super) fn follow_words(&self, changed: &HashMap<Row, &Paper>, gone: &[Row], change: u64) -> Result<()> {
        let mut rows: Vec<Row> = changed.keys().copied().filter(|row| !gone.contains(row)).collect();
        rows.sort_unstable();
        let documents: Vec<Document<'_>> = rows.iter().map(|row| document(*row, changed[row])).collect();
        // First what is gone: that is in no answer from now on, whatever can be written.
        let removed = self.lexical.remove(gone);
        self.lexical.insert(&documents, change)?;
        removed
    }

    /// Makes what came in be found by its words.
    pub(super) fn commit_words(&self) -> Result<()> {
        // Under the lock, so that the words of every change up to this number have been given. A commit on the way may add
        // some of later ones: those are only read once more when the folder is next opened.
        let change = {
            let _committing = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
            self.store.change()?
        };
        self.lexical.commit(change)
    }

    pub(super) fn maintain_words(&self) -> Result<()> {
        self.commit_words()?;
        self.lexical.join()
    }
}
