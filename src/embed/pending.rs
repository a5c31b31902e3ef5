//! Texts that were handed to a model and whose vectors are not there yet.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::cancel;
use crate::error::{Error, Result};

/// How often somebody who waits looks whether anybody waits for them.
const LOOK: Duration = Duration::from_millis(20);

/// One text's vector, with its place in the call.
pub type Answer = (usize, Result<Vec<f32>>);

/// The second half of a call: [`PendingEmbeddings::collect`] waits for the vectors. Dropping it leaves them to nobody.
#[must_use = "the vectors come from collect()"]
pub struct PendingEmbeddings(State);

enum State {
    Done(Vec<Vec<f32>>),
    Waiting(Receiver<Answer>, usize),
}

impl PendingEmbeddings {
    /// Vectors that are there already.
    pub fn done(vectors: Vec<Vec<f32>>) -> Self {
        PendingEmbeddings(State::Done(vectors))
    }

    /// A call of `n` texts, and where to send their vectors, in any order.
    pub(super) fn of(n: usize) -> (Sender<Answer>, Self) {
        let (reply, answers) = channel();
        (reply, PendingEmbeddings(State::Waiting(answers, n)))
    }

    /// Waits for the vectors: one a text, in the order of the texts.
    ///
    /// # Errors
    /// [`Error::Model`] when the model failed on a text or gave a vector without direction; [`Error::Cancelled`] when nobody
    /// waits for the vectors any more.
    pub fn collect(self) -> Result<Vec<Vec<f32>>> {
        let (answers, n) = match self.0 {
            State::Done(vectors) => return Ok(vectors),
            State::Waiting(answers, n) => (answers, n),
        };
        let mut vectors = vec![Vec::new(); n];
        for _ in 0..n {
            let (slot, vector) = loop {
                match answers.recv_timeout(LOOK) {
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
