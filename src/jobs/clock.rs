//! What time it is: the machine's, or one that a test sets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::user::Moment;

/// The longest that a runner sleeps: a clock may be set, and a machine may be put to sleep.
const LONGEST: Duration = Duration::from_secs(20);

/// How often a runner looks at a clock that is set by hand.
const SOON: Duration = Duration::from_millis(2);

/// What time it is. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Mutex<Timestamp>>>);

impl Clock {
    /// The machine's.
    pub fn system() -> Self {
        Clock(None)
    }

    /// One that stands still until it is moved.
    pub fn at(time: Timestamp) -> Self {
        Clock(Some(Arc::new(Mutex::new(time))))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(set) => *set.lock().unwrap_or_else(PoisonError::into_inner),
            None => Timestamp::now(),
        }
    }

    /// The same, as the store has it.
    pub fn moment(&self) -> Moment {
        Moment(self.now().as_microsecond())
    }

    /// Moves a clock that was set; the machine's stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Some(set) = &self.0 {
            let mut time = set.lock().unwrap_or_else(PoisonError::into_inner);
            *time = later(*time, by);
        }
    }

    /// How long to sleep, at most, so as not to miss a time.
    pub fn until(&self, time: Timestamp) -> Duration {
        match &self.0 {
            Some(_) => SOON,
            None => Duration::try_from(time.duration_since(self.now())).unwrap_or_default().min(LONGEST),
        }
    }
}

/// So much later, or the end of time.
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
