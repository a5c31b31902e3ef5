//! What a run has come to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Attempts in a row at which the server takes nothing from us that end a run.
const IN_A_ROW: u64 = 3;

/// What a run has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Mails that the server took.
    pub sent: u64,
    /// Subscriptions that had nothing to be sent.
    pub nothing: u64,
    /// Mails that are to be tried again.
    pub later: u64,
    /// Mails that were given up; their subscriptions are paused.
    pub failed: u64,
}

/// What is counted while several threads send.
#[derive(Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    nothing: AtomicU64,
    later: AtomicU64,
    failed: AtomicU64,
    /// Attempts in a row at which the server took nothing from us, and what it said last.
    in_a_row: AtomicU64,
    said: Mutex<Option<String>>,
}

impl Counts {
    pub fn sent(&self) {
        one(&self.sent, "sent");
    }

    pub fn later(&self) {
        one(&self.later, "later");
    }

    pub fn failed(&self) {
        one(&self.failed, "failed");
    }

    /// No mail, and so no figure of mails.
    pub fn nothing(&self) {
        self.nothing.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the server has answered for one recipient.
    pub fn answered(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// Notes that the server takes nothing from us, and gives what it said when that is enough to end a run.
    pub fn unreachable(&self, why: String) -> Option<String> {
        let row = 1 + self.in_a_row.fetch_add(1, Ordering::Relaxed);
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        (row >= IN_A_ROW).then_some(why)
    }

    /// What it said, where nothing was sent because of it.
    pub fn nothing_but_unreachable(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).take();
        said.filter(|_| self.sent.load(Ordering::Relaxed) == 0)
    }

    pub fn so_far(&self) -> Sent {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Sent { sent: of(&self.sent), nothing: of(&self.nothing), later: of(&self.later), failed: of(&self.failed) }
    }
}

fn one(count: &AtomicU64, result: &'static str) {
    count.fetch_add(1, Ordering::Relaxed);
    metrics::counter!("paperkin_mails_total", "result" => result).increment(1);
}
