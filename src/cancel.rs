//! Giving work up when nobody waits for it any more.
//!
//! Work that has begun on a thread cannot be called back from outside: it has to look. Whoever starts work for somebody gives
//! it a [`Cancel`] with [`Cancel::scope`]; work that may take long calls [`check`] in its loops, at least every few
//! milliseconds, and returns its error. A thread that hands work to others takes [`current`] and gives it to them.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// A flag shared by the one who waits for some work and those who do it. Clones are the same flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

thread_local! {
    static CURRENT: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

impl Cancel {
    /// One that was not cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to end. It cannot be taken back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked it to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The error of work that was cancelled.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once it was.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Runs `work` with this as the [`current`] one of the thread; the one before is put back, also after a panic.
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Before(Option<Cancel>);
        impl Drop for Before {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _before = Before(CURRENT.replace(Some(self.clone())));
        work()
    }
}

/// The one under which this thread works; outside every [`Cancel::scope`] one that nobody cancels.
pub fn current() -> Cancel {
    CURRENT.with_borrow(|current| current.clone()).unwrap_or_default()
}

/// The error of work on this thread that was cancelled. It costs some nanoseconds.
///
/// # Errors
/// [`Error::Cancelled`] once it was.
pub fn check() -> Result<()> {
    CURRENT.with_borrow(|current| current.as_ref().map_or(Ok(()), Cancel::check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_hears_of_it_in_its_scope_alone() {
        let outer = Cancel::new();
        assert!(check().is_ok(), "outside nobody cancels");
        outer.scope(|| {
            let inner = Cancel::new();
            inner.cancel();
            assert!(matches!(inner.scope(check), Err(Error::Cancelled)));
            let panicked = std::panic::catch_unwind(|| inner.scope(|| panic!("in the work")));
            assert!(panicked.is_err());
            assert!(check().is_ok(), "the scope around it is back");
            let handed = current();
            outer.cancel();
            assert!(std::thread::spawn(move || handed.scope(check)).join().is_ok_and(|r| r.is_err()));
        });
        assert!(check().is_ok());
    }
}
