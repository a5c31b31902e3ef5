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
    /// Of those that somebody else wrote down: whether they are so, or why they could not be written down.
    noted: HashMap<u64, Result<bool, String>>,
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
        let taken = {
            let mut waiting = lock(&self.waiting);
            // Whoever wrote before took it along.
            if let Some(noted) = waiting.noted.remove(&ticket) {
                return noted
                    .map_err(|why| Error::Internal(format!("what became of a mail could not be written down: {why}")));
            }
            std::mem::take(&mut waiting.notes)
        };
        let (tickets, notes): (Vec<u64>, Vec<(i64, DeliveryNote)>) =
            taken.into_iter().map(|(ticket, number, note)| (ticket, (number, note))).unzip();
        let written = engine.note_deliveries(Moment::now(), &notes);
        let mut waiting = lock(&self.waiting);
        for (k, of) in tickets.into_iter().enumerate() {
            let noted = match &written {
                Ok(noted) => Ok(noted[k]),
                Err(e) => Err(e.to_string()),
            };
            waiting.noted.insert(of, noted);
        }
        let own = waiting.noted.remove(&ticket);
        drop(waiting);
        written.map(|_| own == Some(Ok(true)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
