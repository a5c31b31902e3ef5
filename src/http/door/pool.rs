//! The threads that work, and what waits for them.
//!
//! Work is refused at the door, before anything of it was read, where too much of it waits or what waits would wait too long:
//! a queue that is longer than its patience only makes everybody late. Work that takes its time (a batch, a long list to
//! embed) may have half of the threads, so that the rest stays quick. Whoever does not wait any more is taken out of the queue
//! unasked.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::count_refusal;
use crate::cancel::Cancel;

/// How far work stands behind the threads that read and answer, in the steps of `nice`.
#[cfg(target_os = "linux")]
const BEHIND: i32 = 5;

/// Who asks for much may be kept waiting so many times longer.
const LONGER: u32 = 10;

/// The longest that one piece of work counts where it is foreseen how long the next has to wait: now and then one takes long.
const LONGEST: Duration = Duration::from_secs(1);

/// Work that has to be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Some milliseconds.
    Light,
    /// Longer, or much at a time.
    Heavy,
}

/// A piece of work.
pub struct Work {
    /// What it is.
    pub weight: Weight,
    /// Nobody waits for it once this is cancelled.
    pub cancel: Cancel,
    /// Nor after this.
    pub deadline: Instant,
    /// Does it. Dropped without being called where nobody waits any more.
    pub run: Box<dyn FnOnce() -> Deliver + Send>,
}

/// Hands over what came of some work. Called once its place is free again: whoever hears of the end may come back at once.
pub type Deliver = Box<dyn FnOnce() + Send>;

/// Why work was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is as much as there may be.
    Full,
    /// It would have to wait too long.
    Slow,
    /// The service ends.
    Closed,
}

impl Refused {
    /// One word, for the figures.
    fn reason(self) -> &'static str {
        match self {
            Refused::Full => "queue",
            Refused::Slow => "wait",
            Refused::Closed => "closed",
        }
    }
}

/// Threads that work, and a queue.
pub struct Pool(Arc<Shared>);

struct Shared {
    threads: usize,
    most: usize,
    patience: Duration,
    // Only for an exchange, never while work is done.
    state: Mutex<State>,
    // Somebody waits for a thread.
    more: Condvar,
}

#[derive(Default)]
struct State {
    light: Queue,
    heavy: Queue,
    closed: bool,
}

/// Work of one weight.
#[derive(Default)]
struct Queue {
    /// What waits, and since when.
    waiting: VecDeque<(Instant, Work)>,
    running: usize,
    /// How long a piece of work takes of a thread, in seconds: a running mean.
    mean: f64,
}

impl Pool {
    /// So many threads; no more than `most` pieces of work at a time, waiting or not, and none that would have to wait longer
    /// than `patience`.
    ///
    /// # Errors
    /// The system's, when there is no thread to be had.
    pub fn new(threads: usize, most: usize, patience: Duration) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { threads, most, patience, state: Mutex::default(), more: Condvar::new() });
        let pool = Pool(Arc::clone(&shared));
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("work {number}")).spawn(move || {
                behind();
                shared.work();
            })?;
        }
        Ok(pool)
    }

    /// Whether work would be refused now.
    pub fn refuses(&self, weight: Weight) -> Option<Refused> {
        let refused = self.0.refuses(&self.0.state(), weight, Instant::now());
        if let Some(refused) = refused {
            count_refusal(refused.reason());
        }
        refused
    }

    /// Puts work into the queue.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn put(&self, job: Work) -> Result<(), Refused> {
        let now = Instant::now();
        let mut state = self.0.state();
        if let Some(refused) = self.0.refuses(&state, job.weight, now) {
            drop(state);
            count_refusal(refused.reason());
            return Err(refused);
        }
        state.queue(job.weight).waiting.push_back((now, job));
        drop(state);
        self.0.more.notify_one();
        Ok(())
    }

    /// Pieces of work that run, and that wait.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.0.state();
        (state.light.running + state.heavy.running, state.light.waiting.len() + state.heavy.waiting.len())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.more.notify_all();
    }
}

impl State {
    fn queue(&mut self, weight: Weight) -> &mut Queue {
        match weight {
            Weight::Light => &mut self.light,
            Weight::Heavy => &mut self.heavy,
        }
    }
}

impl Queue {
    fn all(&self) -> usize {
        self.running + self.waiting.len()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Threads that heavy work may have.
    fn heavy(&self) -> usize {
        self.threads.div_ceil(2)
    }

    fn refuses(&self, state: &State, weight: Weight, now: Instant) -> Option<Refused> {
        if state.closed {
            return Some(Refused::Closed);
        }
        let left = self.threads - state.heavy.running.min(self.threads - 1);
        let (queue, threads, most, patience) = match weight {
            Weight::Light => (&state.light, left, self.most, self.patience),
            Weight::Heavy => (&state.heavy, self.heavy(), self.most.div_ceil(2), self.patience * LONGER),
        };
        if state.light.all() + state.heavy.all() >= self.most || queue.all() >= most {
            return Some(Refused::Full);
        }
        // Where a thread is free nobody waits.
        let oldest = queue.waiting.front()?.0;
        let foreseen = queue.waiting.len() as f64 * queue.mean / threads as f64;
        let late = now.saturating_duration_since(oldest) > patience || foreseen > patience.as_secs_f64();
        late.then_some(Refused::Slow)
    }

    /// What one thread does.
    fn work(&self) {
        let mut state = self.state();
        loop {
            if state.closed {
                // Whoever still waits hears that nobody does it.
                let waiting = (std::mem::take(&mut state.light.waiting), std::mem::take(&mut state.heavy.waiting));
                drop(state);
                drop(waiting);
                return;
            }
            let Some((since, job)) = self.next(&mut state) else {
                state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let weight = job.weight;
            state.queue(weight).running += 1;
            drop(state);
            let began = Instant::now();
            metrics::histogram!("paperkin_queue_wait_seconds").record(began.saturating_duration_since(since));
            let gone = if job.cancel.is_cancelled() {
                Some("gone")
            } else if began >= job.deadline {
                Some("deadline")
            } else {
                None
            };
            let deliver = match gone {
                Some(reason) => {
                    metrics::counter!("paperkin_dropped_total", "reason" => reason).increment(1);
                    drop(job);
                    None
                }
                // A panic is told by whoever made the job.
                None => catch_unwind(AssertUnwindSafe(job.run)).ok(),
            };
            let took = began.elapsed().min(LONGEST).as_secs_f64();
            state = self.state();
            let queue = state.queue(weight);
            queue.running -= 1;
            if gone.is_none() {
                queue.mean += (took - queue.mean) / 16.0;
            }
            if weight == Weight::Heavy && !queue.waiting.is_empty() {
                // Another thread may have passed it over.
                self.more.notify_one();
            }
            if let Some(deliver) = deliver {
                drop(state);
                deliver();
                state = self.state();
            }
        }
    }

    /// The work that has waited longest, of that which may be done now.
    fn next(&self, state: &mut State) -> Option<(Instant, Work)> {
        let heavy = state.heavy.waiting.front().filter(|_| state.heavy.running < self.heavy());
        let first = match (state.light.waiting.front(), heavy) {
            (Some((light, _)), Some((heavy, _))) if heavy < light => Weight::Heavy,
            (None, Some(_)) => Weight::Heavy,
            _ => Weight::Light,
        };
        state.queue(first).waiting.pop_front()
    }
}

/// Work that waits for others (the bytes of a long stream) on threads of its own, so many at a time.
#[derive(Clone)]
pub struct Lane {
    name: &'static str,
    places: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
}

/// A place on a lane; dropped, it is free again.
pub struct LanePermit {
    name: &'static str,
    inside: Arc<AtomicUsize>,
    _permit: OwnedSemaphorePermit,
}

impl Lane {
    /// So many at a time.
    pub fn new(name: &'static str, most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Lane { name, places, inside: Arc::default() }
    }

    /// A place, if one is free.
    pub fn enter(&self) -> Option<LanePermit> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => {
                self.inside.fetch_add(1, Ordering::Relaxed);
                Some(LanePermit { name: self.name, inside: Arc::clone(&self.inside), _permit: permit })
            }
            Err(_) => {
                count_refusal(self.name);
                None
            }
        }
    }

    /// How many are on it.
    pub fn count(&self) -> usize {
        self.inside.load(Ordering::Relaxed)
    }
}

impl LanePermit {
    /// Does the work on a thread of its own, and keeps the place until it is done.
    ///
    /// # Errors
    /// The system's, when there is no thread to be had.
    pub fn run(self, work: impl FnOnce() -> Deliver + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(self.name.into());
        thread.spawn(move || {
            behind();
            let deliver = catch_unwind(AssertUnwindSafe(work));
            drop(self);
            if let Ok(deliver) = deliver {
                deliver();
            }
        })?;
        Ok(())
    }
}

impl Drop for LanePermit {
    fn drop(&mut self) {
        self.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets the threads that read and answer go before this one.
pub fn behind() {
    // Elsewhere than on Linux the call would concern the whole process.
    #[cfg(target_os = "linux")]
    if let Err(e) = rustix::process::setpriority_process(None, BEHIND) {
        tracing::debug!("a thread has the priority of all others: {e}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    fn job(weight: Weight, run: impl FnOnce() + Send + 'static) -> Work {
        let run = move || {
            run();
            Box::new(|| ()) as Deliver
        };
        Work { weight, cancel: Cancel::new(), deadline: Instant::now() + Duration::from_secs(60), run: Box::new(run) }
    }

    /// Work that lasts until it is told to end, and says when it begins.
    fn blocker(weight: Weight, began: &Sender<Weight>) -> (Work, Sender<()>) {
        let (end, wait): (Sender<()>, Receiver<()>) = channel();
        let began = began.clone();
        let run = move || {
            let _ = began.send(weight);
            let _ = wait.recv();
        };
        (job(weight, run), end)
    }

    #[test]
    fn heavy_work_leaves_half_of_the_threads_to_the_rest() {
        let pool = Pool::new(4, 100, Duration::from_secs(60)).expect("threads");
        let (began, heard) = channel();
        let mut ends = Vec::new();
        for _ in 0..5 {
            let (job, end) = blocker(Weight::Heavy, &began);
            ends.push(end);
            pool.put(job).expect("taken");
        }
        let hear = || heard.recv_timeout(Duration::from_secs(10));
        assert_eq!((hear(), hear()), (Ok(Weight::Heavy), Ok(Weight::Heavy)));
        let (quick, end) = blocker(Weight::Light, &began);
        pool.put(quick).expect("taken");
        assert_eq!(hear(), Ok(Weight::Light), "it passes the three that wait");
        assert_eq!(pool.counts(), (3, 3));
        drop((end, ends));
        assert_eq!((hear(), hear(), hear()), (Ok(Weight::Heavy), Ok(Weight::Heavy), Ok(Weight::Heavy)));
    }

    #[test]
    fn what_would_wait_too_long_is_refused_and_a_panic_costs_no_thread() {
        let pool = Pool::new(1, 3, Duration::from_millis(50)).expect("threads");
        pool.put(job(Weight::Light, || panic!("in the work"))).expect("taken");
        let (began, heard) = channel();
        let (first, end) = blocker(Weight::Light, &began);
        pool.put(first).expect("taken");
        heard.recv_timeout(Duration::from_secs(10)).expect("the thread is still there");
        let (second, other_end) = blocker(Weight::Light, &began);
        pool.put(second).expect("a place is free");
        assert_eq!(pool.refuses(Weight::Light), None);
        std::thread::sleep(Duration::from_millis(80));
        assert_eq!(pool.refuses(Weight::Light), Some(Refused::Slow));
        let (third, _) = blocker(Weight::Light, &began);
        assert_eq!(pool.put(third), Err(Refused::Slow));
        drop((end, other_end));
        heard.recv_timeout(Duration::from_secs(10)).expect("the second has its turn");
    }

    #[test]
    fn no_more_is_taken_than_there_may_be() {
        let pool = Pool::new(1, 2, Duration::from_secs(60)).expect("threads");
        let (began, _heard) = channel();
        let mut ends = Vec::new();
        for _ in 0..2 {
            let (job, end) = blocker(Weight::Light, &began);
            ends.push(end);
            pool.put(job).expect("taken");
        }
        assert_eq!(pool.refuses(Weight::Light), Some(Refused::Full));
    }

    #[test]
    fn work_that_nobody_waits_for_is_not_begun() {
        let pool = Pool::new(1, 100, Duration::from_secs(60)).expect("threads");
        let (began, heard) = channel();
        let (first, end) = blocker(Weight::Light, &began);
        pool.put(first).expect("taken");
        heard.recv_timeout(Duration::from_secs(10)).expect("begun");
        let (done, told) = channel();
        for (name, gone, late) in [("gone", true, false), ("late", false, true), ("waiting", false, false)] {
            let done = done.clone();
            let mut job = job(Weight::Light, move || assert!(done.send(name).is_ok()));
            if gone {
                job.cancel.cancel();
            }
            if late {
                job.deadline = Instant::now();
            }
            pool.put(job).expect("taken");
        }
        drop((done, end));
        assert_eq!(told.iter().collect::<Vec<_>>(), ["waiting"]);
    }

    #[test]
    fn a_lane_has_its_places_and_gives_them_back() {
        let lane = Lane::new("uploads", 2);
        let (first, second) = (lane.enter().expect("free"), lane.enter().expect("free"));
        assert!(lane.enter().is_none() && lane.count() == 2);
        drop(first);
        let (done, told) = channel::<()>();
        second
            .run(move || {
                let _done = done;
                panic!("in the work");
            })
            .expect("a thread");
        assert!(told.recv().is_err());
        let free = (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            lane.count() == 0
        });
        assert!(free && lane.enter().is_some());
    }
}
