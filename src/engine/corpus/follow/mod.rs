//! The one road by which what is derived from the store follows it: the index of vectors, the words, the versions of works, and
//! whoever hears of changes.
//!
//! A write goes to the store alone. Then whoever wrote calls [`Derived::follow`], which brings everything from the change it had
//! reached to the one that the store has, and returns when that is done. It is the same call after a write, when a folder is
//! opened, when somebody else has written, and when a full disk has let something fall behind ([`watch`]): each derived thing
//! remembers how far it has come, and what it is given twice changes nothing.
//!
//! A write that the store has taken is a success, whatever becomes of an index: nothing of it is lost, and a paper that was
//! taken away is in no answer, since that needs no file. Until the index of words has caught up, what it lacks is not found
//! by its words alone; by likeness, by id and in lists it is there.

mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

use roaring::RoaringBitmap;

use self::watch::Late;
pub use self::watch::Watcher;
use crate::cancel::Cancel;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::followers::{Changes, Followers};
use crate::engine::corpus::versions::Versions;
use crate::engine::corpus::words::document;
use crate::error::Result;
use crate::index::{Document, Lexical};
use crate::paper::{Paper, Row};
use crate::store::{ChangedRows, Store};

/// Vectors read at a time.
const VECTORS: usize = 4096;

/// Papers read at a time for their words.
const PAPERS: usize = 1024;

/// Papers from which on what was caught up with is joined at once, so that searches have few pieces to look through.
const MANY: u64 = 20_000;

/// What is derived from the store.
pub struct Derived {
    store: Arc<dyn Store>,
    // A lock only around the pointer: whoever asks takes a copy of it and works in one space to the end.
    space: RwLock<Arc<EmbeddingSpace>>,
    // The words of the papers, which no model changes.
    lexical: Lexical,
    // Which rows are versions of one work.
    versions: RwLock<Versions>,
    followers: Followers,
    // How far each of them has come. Held while they follow: rows reach them in the order of the commits.
    reached: Mutex<Reached>,
    // What can be read of `reached` without waiting.
    papers: AtomicU64,
    words: AtomicU64,
    // What could not follow the store, and is tried again.
    late: Mutex<Late>,
    healer: Mutex<Option<JoinHandle<()>>>,
}

/// The changes of the store up to which each has followed.
#[derive(Debug, Clone, Copy)]
struct Reached {
    vectors: u64,
    versions: u64,
    words: u64,
}

/// What somebody who wrote has in memory, so that it need not be read again. It is a help alone: what it lacks is read from
/// the store.
#[derive(Default)]
pub struct Handed<'a> {
    /// The number of the change, where it is known.
    pub change: Option<u64>,
    /// The papers that came or changed and are there still.
    pub papers: HashMap<Row, &'a Paper>,
    /// The vectors of those that are new; of the present space.
    pub vectors: Vec<(Row, &'a [f32])>,
    /// The rows that are gone.
    pub gone: Vec<Row>,
}

/// The changes of the store up to which what answers are made of has followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// Vectors and versions.
    pub papers: u64,
    /// Words.
    pub words: u64,
}

/// What became of following.
struct Outcome {
    /// The index of vectors, and the versions.
    index: Result<()>,
    words: Result<()>,
}

impl Derived {
    /// What is derived from a store, as it was opened: a space with everything up to a change, and words up to another. What
    /// they lack, they are given now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(store: Arc<dyn Store>, space: (EmbeddingSpace, u64), words: (Lexical, u64)) -> Result<Arc<Self>> {
        // Read first: what changes meanwhile is then read again, never missed.
        let change = store.change()?;
        let reached = Reached { vectors: space.1, versions: change, words: words.1 };
        let derived = Arc::new(Derived {
            versions: RwLock::new(Versions::read(&*store)?),
            store,
            space: RwLock::new(Arc::new(space.0)),
            lexical: words.0,
            followers: Followers::default(),
            reached: Mutex::new(reached),
            papers: AtomicU64::new(reached.vectors.min(reached.versions)),
            words: AtomicU64::new(reached.words),
            late: Mutex::default(),
            healer: Mutex::default(),
        });
        derived.follow(&Handed::default());
        // With a full disk the rest works all the same.
        if !derived.words_are_late() {
            derived.commit_words().unwrap_or_else(|e| derived.words_missed(&e));
        }
        Ok(derived)
    }

    /// Brings everything up to the store. What cannot follow now is told ([`Store::troubles`]) and tried again: it fails no
    /// write. When it returns, what was committed before the call is in every answer, and what was taken away in none.
    pub fn follow(&self, handed: &Handed<'_>) {
        // Whoever wrote may have given up meanwhile; what is written is followed all the same.
        Cancel::new().scope(|| {
            let mut reached = self.reached();
            let Outcome { index, words } = self.bring(&mut reached, handed, self.words_are_late());
            index.unwrap_or_else(|e| self.index_missed(&e));
            words.unwrap_or_else(|e| self.words_missed(&e));
        });
    }

    /// How far everything has come; it waits for nothing.
    pub fn followed(&self) -> Followed {
        Followed { papers: self.papers.load(Ordering::Acquire), words: self.words.load(Ordering::Acquire) }
    }

    fn publish(&self, reached: &Reached) {
        self.papers.store(reached.vectors.min(reached.versions), Ordering::Release);
        self.words.store(reached.words, Ordering::Release);
    }

    /// The present space.
    pub fn space(&self) -> Arc<EmbeddingSpace> {
        Arc::clone(&self.space.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The words of the papers.
    pub fn lexical(&self) -> &Lexical {
        &self.lexical
    }

    /// Which rows are versions of one work.
    pub fn versions(&self) -> RwLockReadGuard<'_, Versions> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who hear of changes.
    pub fn followers(&self) -> &Followers {
        &self.followers
    }

    /// Puts another space, which holds what came up to a change, in the place of the present one, at once. `ready` is called when it
    /// holds everything and nobody follows: what it fails with leaves everything as it is.
    ///
    /// # Errors
    /// When the store cannot be read; what `ready` returns.
    pub fn move_to(&self, space: EmbeddingSpace, has: u64, ready: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut reached = self.reached();
        let changes = self.store.changes_since(has)?;
        bring_vectors(&*self.store, &space, &changes, &Handed::default())?;
        ready()?;
        let from = reached.vectors;
        *self.space.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(space);
        reached.vectors = changes.to;
        self.publish(&reached);
        self.followers.tell(&Changes { from, to: changes.to, other_space: true });
        Ok(())
    }

    /// Makes what came in be found by its words. A commit on the way may add some of later changes: those are only read once
    /// more when the folder is next opened.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn commit_words(&self) -> Result<()> {
        let change = self.reached().words;
        self.lexical.commit(change)
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `words_wait`: the words take nothing until they are opened anew.
    fn bring(&self, reached: &mut Reached, handed: &Handed<'_>, words_wait: bool) -> Outcome {
        let space = self.space();
        // First, whatever can be read or written after that: what was taken away is in no answer from now on.
        let taken = space.index.remove(&handed.gone);
        let removed = self.lexical.remove(&handed.gone);
        let least = reached.vectors.min(reached.versions).min(if words_wait { u64::MAX } else { reached.words });
        // What was handed over is the newest there is only where nobody wrote in between; vectors are of rows, which never change.
        let older = Handed { vectors: handed.vectors.clone(), ..Handed::default() };
        let alone = handed.change == least.checked_add(1);
        let changes = match handed.change {
            // Whoever held the lock before has followed this as well.
            Some(change) if change <= least => return Outcome { index: taken, words: removed },
            // Nobody wrote in between, so what was handed over is all there is.
            Some(change) if alone => ChangedRows {
                to: change,
                came: handed.papers.keys().map(|row| row.0).collect(),
                gone: handed.gone.iter().map(|row| row.0).collect(),
            },
            _ => match self.store.changes_since(least) {
                Ok(changes) if changes.to <= least => return Outcome { index: taken, words: removed },
                Ok(changes) => changes,
                Err(e) => return Outcome { index: taken.and(Err(e)), words: removed },
            },
        };
        let handed = if alone { handed } else { &older };
        let gone: Vec<Row> = changes.gone.iter().map(Row).collect();
        // One that has come further than the others has nothing to do.
        let (vectors_lack, versions_lack) = (reached.vectors < changes.to, reached.versions < changes.to);
        let vectors = taken.and_then(|()| match vectors_lack {
            true => bring_vectors(&*self.store, &space, &changes, handed),
            false => Ok(()),
        });
        let versions = match versions_lack {
            true => Versions::follow(&self.versions, &*self.store, &changes.came, &changes.gone),
            false => Ok(()),
        };
        if vectors.is_ok() {
            reached.vectors = reached.vectors.max(changes.to);
        }
        if versions.is_ok() {
            reached.versions = reached.versions.max(changes.to);
        }
        self.publish(reached);
        // Behind the versions, which say what counts.
        self.followers.tell(&Changes { from: least, to: changes.to, other_space: false });
        let removed = removed.and(self.lexical.remove(&gone));
        // What cannot be written takes nothing until it is opened anew; the healer gives it all it lacks then.
        let words = if words_wait || reached.words >= changes.to {
            removed
        } else {
            removed.and(self.bring_words(reached, &changes, handed))
        };
        self.publish(reached);
        Outcome { index: vectors.and(versions), words }
    }

    fn bring_words(&self, reached: &mut Reached, changes: &ChangedRows, handed: &Handed<'_>) -> Result<()> {
        let rows: Vec<Row> = changes.came.iter().map(Row).collect();
        if rows.len() <= PAPERS || rows.iter().all(|row| handed.papers.contains_key(row)) {
            let lacking: Vec<Row> = rows.iter().copied().filter(|row| !handed.papers.contains_key(row)).collect();
            let read = self.store.papers(&lacking)?;
            let read: HashMap<Row, &Paper> = read.iter().map(|(row, paper)| (*row, paper)).collect();
            let paper = |row: &Row| Some((*row, *handed.papers.get(row).or_else(|| read.get(row))?));
            let papers = rows.iter().filter_map(paper);
            let documents: Vec<Document<'_>> = papers.map(|(row, paper)| document(row, paper)).collect();
            self.lexical.insert(&documents, changes.to)?;
            reached.words = changes.to;
            return Ok(());
        }
        for rows in rows.chunks(PAPERS) {
            let page = self.store.papers(rows)?;
            let documents: Vec<Document<'_>> = page.iter().map(|(row, paper)| document(*row, paper)).collect();
            // Pages come by row, not by change: a crash on the way has to begin where this began.
            self.lexical.insert(&documents, reached.words)?;
        }
        reached.words = changes.to;
        self.lexical.commit(changes.to)?;
        if changes.came.len() < MANY { Ok(()) } else { self.lexical.join() }
    }
}

/// Gives a space the vectors of the rows that came, and takes away those that went.
fn bring_vectors(store: &dyn Store, space: &EmbeddingSpace, changes: &ChangedRows, handed: &Handed<'_>) -> Result<()> {
    // First: rows may be frozen as soon as they are in, and the files say how far the store had come.
    space.index.seen(changes.to);
    let still: Vec<(Row, &[f32])> =
        handed.vectors.iter().filter(|(row, _)| changes.came.contains(row.0)).copied().collect();
    space.index.insert(&still)?;
    let others: Vec<Row> = changes.came.iter().map(Row).filter(|row| !handed.papers.contains_key(row)).collect();
    for some in others.chunks(VECTORS) {
        // A row names one text: one that is there has its vector.
        let known = space.index.vectors(some)?;
        let lacking: RoaringBitmap =
            some.iter().zip(known).filter(|(_, known)| known.is_none()).map(|(row, _)| row.0).collect();
        if lacking.is_empty() {
            continue;
        }
        let mut vectors: Vec<(Row, Vec<f32>)> = Vec::new();
        store.vectors_of(&space.model, &lacking, &mut |row, vector| {
            vectors.push((row, vector.to_vec()));
            Ok(())
        })?;
        space.index.insert(&vectors.iter().map(|(row, v)| (*row, v.as_slice())).collect::<Vec<_>>())?;
    }
    space.index.remove(&changes.gone.iter().map(Row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
