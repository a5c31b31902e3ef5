//! Bounds of memory that many share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What counts as small: it may have the last quarter, which the large leave free.
const SMALL: usize = 256 << 10;

/// So many bytes for many at a time.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    used: AtomicUsize,
    all: usize,
}

/// A part of a budget; dropped, it is given back.
#[derive(Debug)]
pub struct Lease {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        Budget(Arc::new(Inner { used: AtomicUsize::new(0), all: bytes }))
    }

    /// Nothing of it, to grow.
    pub fn lease(&self) -> Lease {
        Lease { budget: self.clone(), bytes: 0 }
    }

    /// Bytes that are taken.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// What one lease can come to at most.
    pub fn most(&self) -> usize {
        self.0.all / 4 * 3
    }
}

impl Lease {
    /// Takes so many bytes more; false, and nothing taken, where there are not so many.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let inner = &self.budget.0;
        let own = self.bytes.saturating_add(bytes);
        let limit = if own <= SMALL { inner.all } else { self.budget.most() };
        let room = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        let taken = inner.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if taken {
            self.bytes = own;
        }
        taken
    }

    /// A lease of its own for so many of its bytes.
    pub fn part(&mut self, bytes: usize) -> Lease {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Lease { budget: self.budget.clone(), bytes }
    }

    /// Gives so many of its bytes back.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_more_is_taken_than_there_is_and_all_comes_back(steps in proptest::collection::vec((0usize..8, 0usize..3 << 20), 1..200)) {
            let budget = Budget::new(8 << 20);
            let mut leases: Vec<Lease> = (0..8).map(|_| budget.lease()).collect();
            for (which, bytes) in steps {
                if bytes % 5 == 0 {
                    leases[which] = budget.lease();
                } else if bytes % 7 == 0 {
                    leases[which].shrink(bytes);
                } else {
                    let _ = leases[which].grow(bytes);
                }
                prop_assert_eq!(budget.used(), leases.iter().map(|l| l.bytes).sum::<usize>());
                prop_assert!(budget.used() <= 8 << 20);
            }
            drop(leases);
            prop_assert_eq!(budget.used(), 0);
        }
    }

    #[test]
    fn the_large_leave_room_for_the_small() {
        let budget = Budget::new(4 << 20);
        let mut large = budget.lease();
        assert!(large.grow(3 << 20) && !large.grow(1));
        let mut small: Vec<Lease> = (0..4).map(|_| budget.lease()).collect();
        assert!(small.iter_mut().all(|lease| lease.grow(SMALL)), "four of them have room in a quarter");
        assert!(!budget.lease().grow(1));
        drop(large);
        assert!(budget.lease().grow(1));
    }
}
