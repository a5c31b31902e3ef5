//! What is derived from the store follows it. What could not (a full disk, no descriptors left) is remembered, said as long
//! as it lasts, and tried again until it has caught up: no restart is needed.
//!
//! A write that the store has taken is a success, whatever becomes of an index: nothing of it is lost, and a paper that was
//! taken away is in no answer, since that needs no file. Until the index of words has caught up, what it lacks is not found
//! by its words alone; by likeness, by id and in lists it is there.

use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::versions::Versions;
use crate::engine::corpus::words::catch_up;
use crate::error::{Error, Result};
use crate::index::{Haste, Lexical};
use crate::paper::Row;
use crate::store::{Store, Trouble, TroubleCode};

/// How often it is looked whether all is well.
const TICK: Duration = Duration::from_millis(500);

/// The longest time between two tries to catch up, in seconds.
const LONGEST: u64 = 30;

/// Vectors read at a time when the index follows.
const PAGE: usize = 4096;

/// The store, and what follows it.
pub struct Follow {
    pub store: Arc<Store>,
    pub space: Arc<RwLock<Arc<EmbeddingSpace>>>,
    pub lexical: Arc<Lexical>,
    pub versions: Arc<RwLock<Versions>>,
    pub committing: Arc<Mutex<()>>,
    pub late: Mutex<Late>,
    pub healer: Mutex<Option<JoinHandle<()>>>,
}

/// What has not followed.
#[derive(Default)]
pub struct Late {
    words: bool,
    index: bool,
    tries: u32,
    not_before: Option<Instant>,
}

impl Late {
    fn again(&mut self) {
        let wait = (1u64 << self.tries.min(10)).min(LONGEST);
        (self.tries, self.not_before) = (self.tries + 1, Some(Instant::now() + Duration::from_secs(wait)));
    }
}

impl Follow {
    /// The index of words could not follow.
    pub fn words_missed(&self, e: &Error) {
        self.missed(|late| &mut late.words, e);
        self.say_words(None);
    }

    /// The index of vectors, or what is known of versions, could not follow.
    pub fn index_missed(&self, e: &Error) {
        self.missed(|late| &mut late.index, e);
        self.say_index();
    }

    fn missed(&self, which: impl Fn(&mut Late) -> &mut bool, e: &Error) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(which(&mut late), true) {
            // The operator finds paths in the log; whoever asks for troubles learns none.
            tracing::error!("an index could not follow the store: {e}");
            (late.tries, late.not_before) = (0, None);
            late.again();
        }
    }

    fn say_words(&self, behind: Option<u64>) {
        let by = behind.map_or(String::new(), |n| match n {
            1 => " by 1 change".to_string(),
            n => format!(" by {n} changes"),
        });
        let message = format!(
            "the index of words is behind the store{by}: papers that came since are not found by their words yet. It \
             catches up by itself when there is room and descriptors are left"
        );
        self.store.troubles().begin(TroubleCode::WordsBehind, message, behind);
    }

    fn say_index(&self) {
        let message = "the index of vectors could not follow the store or not be written: nothing is lost, and it is tried again \
                       by itself";
        self.store.troubles().begin(TroubleCode::IndexBehind, message.to_string(), None);
    }

    /// Looks whether all is well, and mends what can be mended.
    fn tick(self: &Arc<Self>) {
        self.store.watch();
        let troubles = self.store.troubles();
        let space = Arc::clone(&self.space.read().unwrap_or_else(PoisonError::into_inner));
        let unwritten = space.index.status().trouble.is_some();
        let (words, index, due) = {
            let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            (late.words, late.index, late.not_before.is_none_or(|at| at <= Instant::now()))
        };
        if unwritten || index {
            self.say_index();
        } else {
            troubles.end(TroubleCode::IndexBehind);
        }
        if words {
            if let (Some((_, written)), Ok(now)) = (self.lexical.standing(), self.store.change()) {
                self.say_words(Some(now.saturating_sub(written)).filter(|n| *n > 0));
            }
        } else {
            troubles.end(TroubleCode::WordsBehind);
        }
        if !(words || index || unwritten) || !due || troubles.has(TroubleCode::FolderGone) {
            return;
        }
        if !self.store.has_room() {
            self.late.lock().unwrap_or_else(PoisonError::into_inner).again();
            return;
        }
        if unwritten {
            let settling = self.store.change().and_then(|change| space.index.settle(change, Haste::Behind));
            settling.unwrap_or_else(|e| tracing::warn!("the index was not brought into order: {e}"));
        }
        // On a thread of its own: it may wait for those who write, and the folder is looked after meanwhile.
        let mut healer = self.healer.lock().unwrap_or_else(PoisonError::into_inner);
        if healer.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let own = Arc::clone(self);
        let heal = move || {
            let healed = own.heal(words, index);
            let mut late = own.late.lock().unwrap_or_else(PoisonError::into_inner);
            match healed {
                Ok(()) => {
                    // Somebody may have written meanwhile, and failed.
                    let words = late.words && (!words || own.lexical.standing().is_none_or(|(failed, _)| failed));
                    let healed = Late { words, index: late.index && !index, ..Late::default() };
                    // What is only not written yet is tried again later and later.
                    *late = if unwritten { Late { tries: late.tries, ..healed } } else { healed };
                    if unwritten {
                        late.again();
                    }
                }
                Err(e) => {
                    tracing::warn!("an index could not catch up yet: {e}");
                    late.again();
                }
            }
        };
        match std::thread::Builder::new().name("catch-up".into()).spawn(heal) {
            Ok(thread) => *healer = Some(thread),
            Err(e) => tracing::warn!("an index could not catch up yet: no thread ({e})"),
        }
    }

    /// Brings what did not follow up to the store.
    fn heal(&self, words: bool, index: bool) -> Result<()> {
        let _committing = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let space = Arc::clone(&self.space.read().unwrap_or_else(PoisonError::into_inner));
        if index {
            let versions = Versions::read(&self.store)?;
            *self.versions.write().unwrap_or_else(PoisonError::into_inner) = versions;
            follow(&self.store, &space)?;
        }
        if words {
            let report = self.lexical.recover(&self.store.rows_of_all()?, self.store.change()?)?;
            if let Some(doubt) = report.doubt {
                tracing::warn!("the index of words could not be used ({doubt}); it is built again from the store");
            }
            catch_up(&self.store, &self.lexical, report.change)?;
            tracing::warn!("the index of words has caught up with the store");
        }
        Ok(())
    }
}

/// Brings an index up to the store: rows that came are added, rows that went are taken away.
pub fn follow(store: &Store, space: &EmbeddingSpace) -> Result<()> {
    // First: rows may be frozen as soon as they are in.
    space.index.seen(store.change()?);
    let (there, have) = (store.rows_of_all()?, space.index.rows());
    let came: Vec<u32> = (&there - &have).iter().collect();
    for some in came.chunks(PAGE) {
        let mut vectors: Vec<(Row, Vec<f32>)> = Vec::with_capacity(some.len());
        store.vectors_of(&space.model, &some.iter().collect(), &mut |row, v| {
            vectors.push((row, v.to_vec()));
            Ok(())
        })?;
        space.index.insert(&vectors.iter().map(|(row, v)| (*row, v.as_slice())).collect::<Vec<_>>())?;
    }
    let gone: Vec<Row> = (have - there).iter().map(Row).collect();
    space.index.remove(&gone)
}

/// The thread that looks whether all is well, until this is dropped.
pub struct Watcher {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
    follow: Arc<Follow>,
}

impl Watcher {
    /// Begins to watch.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when no thread can be started.
    pub fn start(follow: &Arc<Follow>) -> Result<Self> {
        let (stop, own): (Arc<(Mutex<bool>, Condvar)>, _) = (Arc::default(), Arc::clone(follow));
        let stopped = Arc::clone(&stop);
        let watch = move || {
            let (flag, changed) = &*stopped;
            loop {
                let flag = flag.lock().unwrap_or_else(PoisonError::into_inner);
                let (flag, _) =
                    changed.wait_timeout_while(flag, TICK, |stop| !*stop).unwrap_or_else(PoisonError::into_inner);
                if *flag {
                    return;
                }
                drop(flag);
                // A panic here must not end the watch.
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| own.tick())).is_err() {
                    tracing::error!("looking after the data folder failed inside; it goes on");
                }
            }
        };
        let thread = std::thread::Builder::new().name("watch".into()).spawn(watch);
        let thread = thread.map_err(|e| Error::Overloaded(format!("cannot start a thread: {e}")))?;
        Ok(Watcher { stop, thread: Some(thread), follow: Arc::clone(follow) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let healer = self.follow.healer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(healer) = healer {
            let _ = healer.join();
        }
    }
}

impl Corpus {
    /// What is wrong for now, the gravest first; empty while all is well. It waits for nothing.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.store.troubles().all()
    }
}
