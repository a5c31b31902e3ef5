//! What could not follow the store (a full disk, no descriptors left) is remembered, said as long as it lasts, and tried again
//! until it has caught up: no restart is needed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Derived, Handed, Outcome, Reached};
use crate::error::{Error, Result};
use crate::index::Haste;
use crate::store::TroubleCode;

/// How often it is looked whether all is well.
const TICK: Duration = Duration::from_millis(500);

/// The longest time between two tries to catch up, in seconds.
const LONGEST: u64 = 30;

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

impl Derived {
    /// The index of words could not follow.
    pub(in crate::engine::corpus) fn words_missed(&self, e: &Error) {
        self.missed(|late| &mut late.words, e);
        self.say_words(None);
    }

    /// The index of vectors, or what is known of versions, could not follow.
    pub(in crate::engine::corpus) fn index_missed(&self, e: &Error) {
        self.missed(|late| &mut late.index, e);
        self.say_index();
    }

    /// Whether the words take nothing until they are opened anew.
    pub(super) fn words_are_late(&self) -> bool {
        self.late().words
    }

    fn late(&self) -> MutexGuard<'_, Late> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missed(&self, which: impl Fn(&mut Late) -> &mut bool, e: &Error) {
        let mut late = self.late();
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
        let space = self.space();
        let unwritten = space.index.status().trouble.is_some();
        let (words, index, due) = {
            let late = self.late();
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
        // Somebody may have written and not come to follow (a panic), or been another than this process.
        let behind = self.store.change().is_ok_and(|now| now > self.followed().papers);
        if !(words || index || unwritten || behind) || !due || troubles.has(TroubleCode::FolderGone) {
            return;
        }
        if !self.store.has_room() {
            self.late().again();
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
        match std::thread::Builder::new().name("catch-up".into()).spawn(move || own.heal(unwritten)) {
            Ok(thread) => *healer = Some(thread),
            Err(e) => tracing::warn!("an index could not catch up yet: no thread ({e})"),
        }
    }

    /// Brings what did not follow up to the store. `unwritten`: the index has rows that it could not write down.
    fn heal(&self, unwritten: bool) {
        let mut reached = self.reached();
        let words_were_late = self.words_are_late();
        let opened = if words_were_late { self.open_words_anew(&mut reached) } else { Ok(()) };
        let Outcome { index, words } = self.bring(&mut reached, &Handed::default(), opened.is_err());
        let words = opened.and(words).and_then(|()| match words_were_late {
            true => self.lexical.commit(reached.words),
            false => Ok(()),
        });
        self.publish(&reached);
        if words_were_late && words.is_ok() {
            tracing::warn!("the index of words has caught up with the store");
        }
        for e in [index.as_ref().err(), words.as_ref().err()].into_iter().flatten() {
            tracing::warn!("an index could not catch up yet: {e}");
        }
        let mut late = self.late();
        // Somebody may have written words meanwhile, and failed.
        let failed_again = late.words && self.lexical.standing().is_none_or(|(failed, _)| failed || !words_were_late);
        let tries = late.tries;
        *late = Late { words: words.is_err() || failed_again, index: index.is_err(), ..Late::default() };
        // What is only not written yet is tried again later and later.
        if late.words || late.index || unwritten {
            late.tries = tries;
            late.again();
        }
    }

    /// Opens the words anew after a failure; they lack what came since they were written last.
    fn open_words_anew(&self, reached: &mut Reached) -> Result<()> {
        let report = self.lexical.recover(&self.store.rows_of_all()?, self.store.change()?)?;
        if let Some(doubt) = report.doubt {
            tracing::warn!("the index of words could not be used ({doubt}); it is built again from the store");
        }
        reached.words = report.change;
        Ok(())
    }
}

/// The thread that looks whether all is well, until this is dropped.
pub struct Watcher {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
    derived: Arc<Derived>,
}

impl Watcher {
    /// Begins to watch.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when no thread can be started.
    pub fn start(derived: &Arc<Derived>) -> Result<Self> {
        let (stop, own): (Arc<(Mutex<bool>, Condvar)>, _) = (Arc::default(), Arc::clone(derived));
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
        Ok(Watcher { stop, thread: Some(thread), derived: Arc::clone(derived) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let healer = self.derived.healer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(healer) = healer {
            let _ = healer.join();
        }
    }
}
