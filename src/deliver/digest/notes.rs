//! Notes of many senders, written down together: whoever waits for a commit gets all that were made meanwhile into the next. So what
//! a server has taken is noted one commit later, and not behind those of all others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::DeliveryNote;
use crate::user::Moment;

/// The notes of one run.
#[derive(Default)]
pub struct Notes {
    waiting: Mutex<Waiting>,
    // Held by whoever writes down what waits.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    notes: Vec<(u64, i64, DeliveryNote)>,
    /// Of those that were written down and not asked for yet; none where that failed.
    noted: HashMap<u64, Option<bool>>,
}

impl Notes {
    /// Writes a note down, with those that others made meanwhile. `false` where one that is about to be sent is not to be sent any
    /// more.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn note(&self, engine: &Engine, number: i64, note: DeliveryNote) -> Result<bool> {
        let ticket = {
            let mut waiting = lock(&self.waiting);
            waiting.next += 1;
            let ticket = waiting.next;
            waiting.notes.push((ticket, number, note));
            ticket
        };
        let _writing = lock(&self.writing);
        let own = || lock(&self.waiting).noted.remove(&ticket);
        let failed = || Error::Internal("what became of a mail could not be written down".into());
        // Whoever wrote before took it along.
        if let Some(noted) = own() {
            return noted.ok_or_else(failed);
        }
        let taken = std::mem::take(&mut lock(&self.waiting).notes);
        let (tickets, notes): (Vec<u64>, Vec<(i64, DeliveryNote)>) =
            taken.into_iter().map(|(ticket, number, note)| (ticket, (number, note))).unzip();
        let written = engine.note_deliveries(Moment::now(), &notes);
        let mut waiting = lock(&self.waiting);
        match &written {
            Ok(noted) => waiting.noted.extend(tickets.into_iter().zip(noted.iter().map(|noted| Some(*noted)))),
            Err(_) => waiting.noted.extend(tickets.into_iter().map(|ticket| (ticket, None))),
        }
        let own = waiting.noted.remove(&ticket).flatten();
        written.and_then(|_| own.ok_or_else(failed))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
