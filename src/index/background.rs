//! Work that has time: on threads that let every other go first, one piece of it after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Result};

/// The thread of an index for what is done behind the searches. Dropped, it tells the work to stop and waits for it.
pub struct Worker {
    name: &'static str,
    state: Arc<WorkerState>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a worker, its work and whoever asks how it stands have in common.
#[derive(Debug, Default)]
pub struct WorkerState {
    busy: AtomicBool,
    stop: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl WorkerState {
    /// Whether work that only one may do at a time is being done ([`Worker::start_unless_busy`]).
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Whether the work should come to its end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The same, for what looks at it by itself.
    pub fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// What went wrong last, if it still matters.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    /// Says what went wrong, or that nothing is wrong any more.
    pub fn complain(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }
}

/// Says that work is being done, until it goes.
struct Busy(Arc<WorkerState>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

impl Worker {
    /// One that does nothing yet; its thread is called by this name.
    pub fn new(name: &'static str, state: Arc<WorkerState>) -> Self {
        Worker { name, state, thread: Mutex::default() }
    }

    /// Begins work as soon as what was begun before has ended, and does not wait. Where it fails, or panics, or no thread can
    /// be had, that is logged and told as [`WorkerState::trouble`].
    pub fn start(&self, work: impl FnOnce() -> Result<()> + Send + 'static) {
        let mut thread = lock(&self.thread);
        // Taken by the new thread; it comes back where there is none.
        let before = Arc::new(Mutex::new(thread.take()));
        let (theirs, state) = (Arc::clone(&before), Arc::clone(&self.state));
        let run = move || {
            join(lock(&theirs).take());
            if let Err(e) = caught("work behind the searches", work) {
                tracing::warn!("the index was not brought into order: {e}");
                state.complain(Some(e.to_string()));
            }
        };
        match std::thread::Builder::new().name(self.name.into()).spawn(run) {
            Ok(new) => *thread = Some(new),
            Err(e) => {
                *thread = lock(&before).take();
                tracing::warn!("the index was not brought into order: cannot start a thread: {e}");
                self.state.complain(Some(format!("cannot start a thread: {e}")));
            }
        }
    }

    /// The same, unless such work is being done or waits to be: then nothing is begun.
    pub fn start_unless_busy(&self, work: impl FnOnce() -> Result<()> + Send + 'static) {
        if self.state.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        // It goes by whichever road: done, failed, panicked, or never begun.
        let busy = Busy(Arc::clone(&self.state));
        self.start(move || {
            let _busy = busy;
            work()
        });
    }

    /// Waits until all is done that was begun.
    pub fn wait(&self) {
        let thread = lock(&self.thread).take();
        join(thread);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        self.wait();
    }
}

fn join(thread: Option<JoinHandle<()>>) {
    // It catches what its work does: nothing is lost here.
    let _ = thread.map(JoinHandle::join);
}

/// Does some work, and makes an error of a panic; the log has what it said.
///
/// # Errors
/// Whatever the work returns; [`Error::Internal`] where it panicked.
pub fn caught<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(Error::Internal(format!("{what} failed inside (the log says where)"))))
}

/// A lock that a panic elsewhere does not take away.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs work that has time on so many threads of its own, which let all others go first; also what it does in parallel
/// stays on them.
///
/// # Errors
/// [`Error::Internal`] when the threads cannot be started.
pub fn behind_requests<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).start_handler(|_| give_way()).build();
    let pool = pool.map_err(|e| Error::Internal(format!("cannot start a thread: {e}")))?;
    Ok(pool.install(work))
}

/// Lets every other thread go first from now on: what is done behind the searches has time.
fn give_way() {
    // Sound: on Linux the call concerns the calling thread alone, and it touches no memory of ours. Elsewhere it would
    // concern the whole process, so it is not made.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 15);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn work_that_panics_is_told_and_what_follows_goes_on() {
        let worker = Worker::new("tested", Arc::default());
        worker.start_unless_busy(|| panic!("as it should in this test"));
        worker.wait();
        assert!(!worker.state.is_busy());
        assert!(worker.state.trouble().is_some_and(|t| t.contains("failed inside")), "{:?}", worker.state);
        worker.start_unless_busy(|| Err(Error::Internal("no room".into())));
        worker.wait();
        assert!(worker.state.trouble().is_some_and(|t| t.contains("no room")));
        let state = Arc::clone(&worker.state);
        worker.start_unless_busy(move || {
            state.complain(None);
            Ok(())
        });
        worker.wait();
        assert_eq!((worker.state.trouble(), worker.state.is_busy()), (None, false));
    }

    #[test]
    fn work_is_done_in_its_order_once_at_a_time_and_ends_with_the_worker() {
        let worker = Worker::new("tested", Arc::default());
        let (gate, opened) = mpsc::channel::<()>();
        let done = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let done = Arc::clone(&done);
            move || {
                lock(&done).push(what);
                Ok(())
            }
        };
        worker.start(move || {
            let _ = opened.recv();
            Ok(())
        });
        worker.start(note("first"));
        worker.start_unless_busy(note("second"));
        worker.start_unless_busy(note("not while the second waits"));
        assert!(worker.state.is_busy() && lock(&done).is_empty());
        gate.send(()).expect("somebody waits");
        worker.wait();
        assert_eq!(*lock(&done), ["first", "second"]);
        let (state, noted) = (Arc::clone(&worker.state), note("stopped"));
        worker.start(move || {
            while !state.is_stopped() {
                std::thread::yield_now();
            }
            noted()
        });
        drop(worker);
        assert_eq!(*lock(&done), ["first", "second", "stopped"]);
    }
}
