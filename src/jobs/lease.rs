//! A job that is run under a lease: held while the work goes on, and given up when it is lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clock::{Clock, later};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::store::JobRecords;
use crate::user::Moment;

/// How long a lease lasts, and how often it is renewed. A runner that died is followed after the first.
pub const LEASE: Duration = Duration::from_secs(30);
const RENEWED: Duration = Duration::from_secs(10);

/// How often it is looked whether a lease is to be renewed; a set clock may run faster than ours.
const LOOK: Duration = Duration::from_millis(200);

/// A job that this runner has.
pub struct Held<'a> {
    pub records: &'a dyn JobRecords,
    pub clock: &'a Clock,
    pub name: &'a str,
    pub holder: &'a str,
    pub until: Moment,
    /// The time of the schedule that it is run for.
    pub due: Option<Moment>,
}

/// What became of work under a lease.
pub struct Done<T> {
    /// What it gave; a panic is an error.
    pub result: Result<T>,
    /// Whether the lease was lost meanwhile.
    pub lost: bool,
}

/// When a lease ends that begins or is renewed now.
pub fn until(clock: &Clock) -> Moment {
    Moment(later(clock.now(), LEASE).as_microsecond())
}

impl Held<'_> {
    /// Does the work under `cancel`, and renews the lease meanwhile. Where it is lost the work is cancelled.
    pub fn run<T>(&self, cancel: &Cancel, work: impl FnOnce() -> Result<T>) -> Done<T> {
        let (over, bell, lost) = (Mutex::new(false), Condvar::new(), AtomicBool::new(false));
        let result = std::thread::scope(|scope| {
            let keeper = std::thread::Builder::new().name(format!("lease {}", self.name)).spawn_scoped(scope, || {
                if !self.keep(&over, &bell) {
                    lost.store(true, Ordering::Release);
                    cancel.cancel();
                }
            });
            if let Err(e) = keeper {
                return Err(Error::Overloaded(format!("cannot start a thread: {e}")));
            }
            let result = catch_unwind(AssertUnwindSafe(|| cancel.scope(work)));
            *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            bell.notify_all();
            result.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied());
                Err(Error::Internal(format!("the job {:?} panicked: {}", self.name, text.unwrap_or("no message"))))
            })
        });
        Done { result, lost: lost.load(Ordering::Acquire) }
    }

    /// Renews the lease until the work is over. `false` when another has the job.
    fn keep(&self, over: &Mutex<bool>, bell: &Condvar) -> bool {
        let (mut until, mut renewed, mut at) = (self.until, self.clock.now(), Instant::now());
        let mut over = over.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            over = bell.wait_timeout_while(over, LOOK, |over| !*over).unwrap_or_else(PoisonError::into_inner).0;
            if *over {
                return true;
            }
            if self.clock.now() < later(renewed, RENEWED) && at.elapsed() < RENEWED {
                continue;
            }
            let wanted = self::until(self.clock);
            match self.records.renew_job(self.name, self.holder, wanted) {
                Ok(true) => (until, renewed) = (wanted, self.clock.now()),
                Ok(false) => {
                    tracing::warn!("the job {:?} is run by another by now; here it ends", self.name);
                    return false;
                }
                // As long as the lease lasts nobody else begins.
                Err(e) if self.clock.moment() < until => tracing::warn!("the job {:?}: {e}", self.name),
                Err(e) => {
                    tracing::warn!("the job {:?} ends, since its lease could not be renewed: {e}", self.name);
                    return false;
                }
            }
            at = Instant::now();
        }
    }
}
