//! The runner: a thread for each job that waits for its next time or for a bell, and runs the job when nobody else has it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clock::{Clock, later};
use super::lease::{self, Held};
use super::view::JobView;
use super::{AGAIN, Job, Numbers, Trigger, told};
use crate::cancel::Cancel;
use crate::config::Schedule;
use crate::engine::{Engine, Happened};
use crate::error::{Error, Result};
use crate::store::{Claim, Claimed, JobResult, StoredJob};
use crate::user::Moment;

/// How long a job is left alone that another runner has.
const HELD: Duration = Duration::from_millis(500);

/// How long threads have to end when the runner stops.
const STOPPING: Duration = Duration::from_millis(1500);

/// How a runner works.
pub struct Terms {
    /// The zone that schedules are read in.
    pub zone: TimeZone,
    /// What time it is.
    pub clock: Clock,
    /// Told after every look at a job, whether it was run or not.
    pub looked: Box<dyn Fn() + Send + Sync>,
}

/// The runners of this process, for those who have an engine alone.
static RUNNING: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// How a job stands with the runner of this process that runs it over an engine; none where there is none.
pub fn live(engine: &Engine, name: &str) -> Option<JobView> {
    let shared = {
        let mut running = lock(&RUNNING);
        running.retain(|shared| shared.strong_count() > 0);
        running.iter().filter_map(Weak::upgrade).find(|shared| std::ptr::eq(&*shared.engine, engine))?
    };
    let slot = shared.slot(name).ok()?;
    Some(shared.view(slot, &engine.job_records().jobs().ok()?))
}

/// Runs jobs until it is stopped. Every method may be called from any thread.
pub struct Runner {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Whether everything ended when the runner was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All of it.
    InTime,
    /// Something goes on that did not look whether it was cancelled.
    StillRunning,
}

struct Shared {
    engine: Arc<Engine>,
    terms: Terms,
    /// The name of this runner in the store.
    holder: String,
    slots: Vec<Slot>,
}

/// A job, and how it stands here.
struct Slot {
    job: Arc<dyn Job>,
    schedule: Schedule,
    /// How much later than its schedule says it begins here.
    later: Duration,
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    /// The bell that rings for it besides its schedule.
    rung: Option<Bell>,
    /// The last time of the schedule that was looked at.
    after: Option<Timestamp>,
    /// What cancels the run under way.
    running: Option<Cancel>,
    /// Failures in a row.
    failed: u32,
    /// Whether it was looked at since the runner started.
    looked: bool,
}

/// Why a job is to be run, and not before when.
#[derive(Clone, Copy)]
struct Bell {
    trigger: Trigger,
    at: Timestamp,
    /// The time of the schedule that is not served yet.
    due: Option<Timestamp>,
}

/// What became of claiming a job.
enum Claiming {
    /// It is this runner's until then.
    Mine(Moment),
    /// Another runner has it, or a thread of this one.
    Held,
    /// The time of the schedule was served by another.
    Served,
}

/// A name that no other runner has.
pub fn new_holder() -> String {
    format!("{}-{:016x}", std::process::id(), fastrand::u64(..))
}

/// Runs what a claimed job does, notes what became of it and lets go of the job.
pub fn run_held<T>(
    held: &Held<'_>,
    cancel: &Cancel,
    why: Trigger,
    work: impl FnOnce() -> Result<(T, Numbers)>,
) -> Result<T> {
    let (began, start) = (held.clock.moment(), Instant::now());
    let done = held.run(cancel, work);
    let note = |error: Option<String>, did: &Numbers| JobResult {
        began,
        took_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        why: why.word().into(),
        error,
        did: did.iter().map(|(name, n)| ((*name).to_string(), *n)).collect(),
    };
    let result = match &done.result {
        Ok((_, did)) => Some(note(None, did)),
        // Given up, not failed: as if it had not begun.
        Err(Error::Cancelled) => None,
        Err(e) => Some(note(Some(told(held.name, e)), &Vec::new())),
    };
    if !done.lost {
        // Whoever gave the work up lets go of the job all the same.
        let end = || held.records.end_job(held.name, held.holder, result.as_ref(), held.due);
        match Cancel::new().scope(end) {
            Ok(true) => {}
            Ok(false) => tracing::warn!("the job {:?} was taken over before it ended", held.name),
            Err(e) => tracing::warn!("what became of the job {:?} could not be noted: {e}", held.name),
        }
    }
    done.result.map(|(out, _)| out)
}

impl Runner {
    /// Starts the jobs. Each looks at once whether there is work.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when no thread can be started; when the store cannot be read.
    pub fn start(engine: &Arc<Engine>, jobs: Vec<(Arc<dyn Job>, Schedule)>, terms: Terms) -> Result<Self> {
        let stored = engine.job_records().jobs()?;
        let now = terms.clock.now();
        let slot = |(job, schedule): (Arc<dyn Job>, Schedule)| {
            let served = stored.iter().find(|s| s.name == job.name()).and_then(|s| s.scheduled);
            let served = served.and_then(|at| Timestamp::from_microsecond(at.0).ok());
            let state = State {
                // Times that passed while nobody served are made up for, once.
                after: Some(served.unwrap_or(now).min(now)),
                rung: (!schedule.is_off()).then_some(Bell { trigger: Trigger::Start, at: now, due: None }),
                ..State::default()
            };
            let later = job.jitter().mul_f64(fastrand::f64());
            Slot { job, schedule, later, state: Mutex::new(state), bell: Condvar::new() }
        };
        let slots = jobs.into_iter().map(slot).collect();
        let shared = Arc::new(Shared { engine: Arc::clone(engine), terms, holder: new_holder(), slots });
        let runner = Runner { shared: Arc::clone(&shared), threads: Mutex::default() };
        for k in 0..shared.slots.len() {
            let own = Arc::clone(&shared);
            let name = format!("job {}", shared.slots[k].job.name());
            let thread = std::thread::Builder::new().name(name).spawn(move || own.go_on(&own.slots[k]));
            let thread = thread.map_err(|e| Error::Overloaded(format!("cannot start a thread: {e}")))?;
            lock(&runner.threads).push(thread);
        }
        lock(&RUNNING).push(Arc::downgrade(&shared));
        let listening = Arc::downgrade(&shared);
        engine.listen(Box::new(move |happened| {
            if let Some(shared) = listening.upgrade() {
                shared.heard(happened);
            }
        }));
        Ok(runner)
    }

    /// How the jobs stand, in the order in which they were given.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn jobs(&self) -> Result<Vec<JobView>> {
        let stored = self.shared.engine.job_records().jobs()?;
        Ok(self.shared.slots.iter().map(|slot| self.shared.view(slot, &stored)).collect())
    }

    /// How a job stands.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of this name; when the store cannot be read.
    pub fn job(&self, name: &str) -> Result<JobView> {
        let slot = self.shared.slot(name)?;
        Ok(self.shared.view(slot, &self.shared.engine.job_records().jobs()?))
    }

    /// Lets a job be run at once on its own thread, off or not; where it runs already, once more behind that.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of this name.
    pub fn run_soon(&self, name: &str) -> Result<()> {
        let slot = self.shared.slot(name)?;
        slot.ring(Trigger::Hand, None, self.shared.terms.clock.now());
        Ok(())
    }

    /// Lets a job look at once whether there is work, since somebody waits for it. Nothing where it is off.
    pub fn hurry(&self, name: &str) {
        if let Ok(slot) = self.shared.slot(name)
            && !slot.schedule.is_off()
            // One that fails tries again by itself, and not as often as somebody asks.
            && lock(&slot.state).failed == 0
        {
            slot.ring(Trigger::Reader, None, self.shared.terms.clock.now());
        }
    }

    /// Whether a job runs by itself.
    pub fn runs_by_itself(&self, name: &str) -> bool {
        self.shared.slot(name).is_ok_and(|slot| !slot.schedule.is_off())
    }

    /// Waits until a job was looked at for the first time, and run if there was work, at most so long. Nothing where it is off.
    pub fn wait_for_first_look(&self, name: &str, time: Duration) {
        let Ok(slot) = self.shared.slot(name) else { return };
        if !slot.schedule.is_off() {
            let wait = |state: &mut State| !state.looked && !state.stopping;
            drop(slot.bell.wait_timeout_while(lock(&slot.state), time, wait));
        }
    }

    /// Does the work of a job on this thread, under its lock; where it is under way somewhere, as soon as that has ended. None
    /// where that takes longer than `patience`.
    ///
    /// # Errors
    /// Those of the work; [`Error::NotFound`] when there is no job of this name.
    pub fn run_here<T>(
        &self,
        name: &str,
        patience: Duration,
        work: impl FnOnce() -> Result<(T, Numbers)>,
    ) -> Result<Option<T>> {
        let (shared, slot, began) = (&*self.shared, self.shared.slot(name)?, Instant::now());
        let cancel = crate::cancel::current();
        let until = loop {
            match shared.claim(slot, None, &cancel)? {
                Claiming::Mine(until) => break until,
                Claiming::Held | Claiming::Served if began.elapsed() >= patience => return Ok(None),
                Claiming::Held | Claiming::Served => std::thread::sleep(AGAIN),
            }
        };
        let result = run_held(&shared.held(slot, until, None), &cancel, Trigger::Hand, work);
        lock(&slot.state).running = None;
        (shared.terms.looked)();
        result.map(Some)
    }

    /// Cancels what runs, begins nothing more, and waits a second or two for it.
    pub fn stop(&self) -> Stopped {
        for slot in &self.shared.slots {
            let mut state = lock(&slot.state);
            state.stopping = true;
            if let Some(cancel) = &state.running {
                cancel.cancel();
            }
            slot.bell.notify_all();
        }
        let deadline = Instant::now() + STOPPING;
        let mut threads = lock(&self.threads);
        while threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let still = threads.iter().any(|thread| !thread.is_finished());
        for thread in threads.drain(..).filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
        if still { Stopped::StillRunning } else { Stopped::InTime }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Slot {
    fn ring(&self, trigger: Trigger, due: Option<Timestamp>, at: Timestamp) {
        let mut state = lock(&self.state);
        let mut bell = Bell { trigger, at, due };
        // The first bell counts, unless the next one means at once. That somebody asked for it by hand, and that its time has
        // come, is not forgotten.
        if let Some(before) = state.rung {
            let first = match (before.trigger, trigger) {
                (Trigger::Hand, _) => true,
                (_, Trigger::Hand) => false,
                (Trigger::Schedule, _) => true,
                _ => before.at <= at,
            };
            bell.trigger = if first { before.trigger } else { trigger };
            (bell.at, bell.due) = (before.at.min(at), before.due.or(due));
        }
        state.rung = Some(bell);
        self.bell.notify_all();
    }

    /// Waits until it is to be run: why, and for which time of the schedule. None when the runner stops.
    fn wait(&self, terms: &Terms) -> Option<(Trigger, Option<Timestamp>)> {
        let mut state = lock(&self.state);
        loop {
            if state.stopping {
                return None;
            }
            let now = terms.clock.now();
            if let Some(bell) = state.rung
                && bell.at <= now
            {
                state.rung = None;
                return Some((bell.trigger, bell.due));
            }
            // A clock that ran ahead for a while has no part in it.
            state.after = state.after.map(|after| after.min(now));
            let due = state.after.and_then(|after| self.schedule.next(after, &terms.zone));
            let begin = due.map(|due| later(due, self.later));
            if let Some(due) = due.filter(|_| begin.is_some_and(|begin| begin <= now)) {
                state.after = Some(now);
                return Some((Trigger::Schedule, Some(due)));
            }
            let next = [begin, state.rung.map(|bell| bell.at)].into_iter().flatten().min();
            let sleep = terms.clock.until(next.unwrap_or(Timestamp::MAX));
            state = self.bell.wait_timeout(state, sleep).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn slot(&self, name: &str) -> Result<&Slot> {
        let missing = || Error::NotFound { what: "job", id: crate::paper::head(name, 80) };
        self.slots.iter().find(|slot| slot.job.name() == name).ok_or_else(missing)
    }

    fn heard(&self, happened: Happened) {
        for slot in self.slots.iter().filter(|slot| !slot.schedule.is_off() && slot.job.hears_of(happened)) {
            slot.ring(Trigger::Change, None, later(self.terms.clock.now(), slot.job.settles()));
        }
    }

    fn go_on(&self, slot: &Slot) {
        while let Some((trigger, due)) = slot.wait(&self.terms) {
            // What fails outside of the job itself, too, must not end the thread.
            let look = std::panic::AssertUnwindSafe(|| self.look(slot, trigger, due));
            if std::panic::catch_unwind(look).is_err() {
                tracing::error!("looking after the job {:?} failed inside; it goes on", slot.job.name());
                lock(&slot.state).running = None;
            }
            lock(&slot.state).looked = true;
            slot.bell.notify_all();
            (self.terms.looked)();
        }
    }

    /// Runs a job if there is work and nobody else has it; else looks again later.
    fn look(&self, slot: &Slot, trigger: Trigger, due: Option<Timestamp>) {
        let again = |wait: Duration| slot.ring(trigger, due, later(self.terms.clock.now(), wait));
        let cancel = Cancel::new();
        let by_hand = trigger == Trigger::Hand;
        let has_work = if by_hand { Ok(true) } else { slot.job.has_work(&self.engine, trigger) };
        let claimed = match has_work {
            Ok(false) => return,
            // What was asked for by hand is done whether its time was served or not.
            Ok(true) => self.claim(slot, due.filter(|_| !by_hand), &cancel),
            Err(e) => Err(e),
        };
        let failed = match claimed {
            Ok(Claiming::Mine(until)) => {
                let work = || slot.job.run(&self.engine, trigger).map(|did| ((), did));
                let result = run_held(&self.held(slot, until, due), &cancel, trigger, work);
                lock(&slot.state).running = None;
                !matches!(result, Ok(()) | Err(Error::Cancelled))
            }
            Ok(Claiming::Served) => false,
            Ok(Claiming::Held) => return again(HELD),
            Err(Error::Cancelled) => return,
            Err(e) => {
                tracing::warn!("the job {:?} could not be begun: {e}", slot.job.name());
                true
            }
        };
        let tries = {
            let mut state = lock(&slot.state);
            state.failed = if failed { state.failed.saturating_add(1) } else { 0 };
            state.failed
        };
        // One that runs by itself tries again by itself; what was asked for by hand has its answer.
        if failed && !by_hand {
            again(slot.job.again(tries));
        }
    }

    /// Takes the job, if nobody has it.
    fn claim(&self, slot: &Slot, due: Option<Timestamp>, cancel: &Cancel) -> Result<Claiming> {
        {
            // Looked at and set together, so that whoever stops the runner misses none.
            let mut state = lock(&slot.state);
            if state.stopping {
                return Err(Error::Cancelled);
            }
            if state.running.is_some() {
                return Ok(Claiming::Held);
            }
            state.running = Some(cancel.clone());
        }
        let (now, until) = (self.terms.clock.moment(), lease::until(&self.terms.clock));
        let claim = Claim { name: slot.job.name(), holder: &self.holder, now, until, due: due.map(moment) };
        let claimed = self.engine.job_records().claim_job(&claim);
        if !matches!(claimed, Ok(Claimed::Yes)) {
            lock(&slot.state).running = None;
        }
        Ok(match claimed? {
            Claimed::Yes => Claiming::Mine(until),
            Claimed::Served => Claiming::Served,
            Claimed::Held(_) => Claiming::Held,
        })
    }

    fn held<'a>(&'a self, slot: &'a Slot, until: Moment, due: Option<Timestamp>) -> Held<'a> {
        Held {
            records: self.engine.job_records(),
            clock: &self.terms.clock,
            name: slot.job.name(),
            holder: &self.holder,
            until,
            due: due.map(moment),
        }
    }

    fn view(&self, slot: &Slot, stored: &[StoredJob]) -> JobView {
        let (name, now) = (slot.job.name(), self.terms.clock.now());
        let stored = stored.iter().find(|s| s.name == name);
        let view = JobView::new(name, slot.job.about(), slot.schedule.to_string(), stored, self.terms.clock.moment());
        let (after, rung) = {
            let state = lock(&slot.state);
            (state.after, state.rung)
        };
        let by_schedule = after.and_then(|after| slot.schedule.next(after, &self.terms.zone));
        let by_schedule = by_schedule.map(|due| later(due, slot.later));
        let next = [by_schedule, rung.map(|bell| bell.at)].into_iter().flatten().min();
        JobView { next: next.map(|at| Moment(at.max(now).as_microsecond())), ..view }
    }
}

fn moment(at: Timestamp) -> Moment {
    Moment(at.as_microsecond())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
