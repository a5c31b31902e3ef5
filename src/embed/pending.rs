//! Texts that were submitted to a model and whose vectors are not ready yet.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::cancel;
use crate::error::{Error, Result};

/// How often a waiting call checks whether it was cancelled.
const POLL: Duration = Duration::from_millis(20);

/// The vector of one text, with its index in the call.
pub type Answer = (usize, Result<Vec<f32>>);

/// The second half of a call: [`PendingEmbeddings::collect`] waits for the vectors. Dropping it discards them.
#[must_use = "the vectors come from collect()"]
pub struct PendingEmbeddings(State);

enum State {
    Done(Vec<Vec<f32>>),
    Waiting(Receiver<Answer>, usize),
}

impl PendingEmbeddings {
    /// Vectors that are ready already.
    pub fn done(vectors: Vec<Vec<f32>>) -> Self {
        PendingEmbeddings(State::Done(vectors))
    }

    /// A call of `n` texts, and the sender for their vectors, in any order.
    pub(super) fn of(n: usize) -> (Sender<Answer>, Self) {
        let (reply, answers) = channel();
        (reply, PendingEmbeddings(State::Waiting(answers, n)))
    }

    /// Waits for the vectors: one for each text, in the order of the texts.
    ///
    /// # Errors
    /// [`Error::Model`] when the model failed on a text or gave a vector without direction; [`Error::Cancelled`] when
    /// the call was cancelled.
    pub fn collect(self) -> Result<Vec<Vec<f32>>> {
        let (answers, n) = match self.0 {
            State::Done(vectors) => return Ok(vectors),
            State::Waiting(answers, n) => (answers, n),
        };
        let mut vectors = vec![Vec::new(); n];
        for _ in 0..n {
            let (slot, vector) = loop {
                match answers.recv_timeout(POLL) {
                    Ok(answer) => break answer,
                    Err(RecvTimeoutError::Timeout) => cancel::check()?,
                    Err(RecvTimeoutError::Disconnected) => {
                        cancel::check()?;
                        return Err(Error::Internal("the encoder's thread has stopped".into()));
                    }
                }
            };
            vectors[slot] = vector?;
        }
        Ok(vectors)
    }
}
