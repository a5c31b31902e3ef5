//! The one thread that owns the model, and the queue in front of it.
//!
//! Callers split their texts into tokens themselves and leave the sequences in [`Pending`]. The thread takes a batch
//! whenever it is free, so what arrived meanwhile, from however many callers, goes through the model together.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rayon::prelude::*;

use super::forward::Model;
use super::tokens::Tokens;
use super::{Embedder, Identity, Kind, ModelFiles, Options, unit};
use crate::error::{Error, Result};

/// A transformer behind a queue.
pub struct Encoder {
    identity: Identity,
    tokens: Tokens,
    queue: Arc<Queue>,
    max_waiting: usize,
    runs_on: String,
    separator: &'static str,
    thread: Option<JoinHandle<()>>,
}

/// One text on its way through the model.
struct Item {
    ids: Vec<u32>,
    /// Which of the caller's texts it is.
    slot: usize,
    reply: Sender<(usize, Result<Vec<f32>>)>,
}

#[derive(Default)]
struct Queue {
    // A mutex and not a channel: the thread picks by kind and length, not by age alone.
    pending: Mutex<Pending>,
    arrived: Condvar,
}

#[derive(Default)]
struct Pending {
    /// First come, first served.
    queries: VecDeque<Item>,
    /// By length (and age), so that a batch has little padding.
    documents: BTreeMap<(usize, u64), Item>,
    arrivals: u64,
    closed: bool,
}

impl Pending {
    fn push(&mut self, item: Item, kind: Kind) {
        self.arrivals += 1;
        match kind {
            Kind::Query => self.queries.push_back(item),
            Kind::Document => {
                self.documents.insert((item.ids.len(), self.arrivals), item);
            }
        }
    }

    /// The next batch with `longest * n <= budget`, or a single text: queries first, then the longest documents.
    fn take(&mut self, budget: usize) -> Vec<Item> {
        let mut batch: Vec<Item> = Vec::new();
        let mut longest = 0;
        while let Some(item) = self.queries.front() {
            longest = longest.max(item.ids.len());
            if !batch.is_empty() && longest * (batch.len() + 1) > budget {
                return batch;
            }
            batch.extend(self.queries.pop_front());
        }
        if !batch.is_empty() {
            return batch;
        }
        while let Some((&(length, _), _)) = self.documents.last_key_value() {
            longest = longest.max(length);
            if !batch.is_empty() && longest * (batch.len() + 1) > budget {
                break;
            }
            batch.extend(self.documents.pop_last().map(|(_, item)| item));
        }
        batch
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing here can leave the queue half changed, so a poisoned lock is as good as another.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work; none when the encoder is dropped.
    fn next(&self, budget: usize) -> Option<Vec<Item>> {
        let mut pending = self.lock();
        loop {
            let batch = pending.take(budget);
            if !batch.is_empty() {
                return Some(batch);
            }
            if pending.closed {
                return None;
            }
            pending = self.arrived.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Encoder {
    /// Builds the model on its own thread and sends one text through it.
    ///
    /// # Errors
    /// [`Error::Model`] when the weights do not fit or the first text does not come out as a vector.
    pub fn start(files: &ModelFiles, options: &Options) -> Result<Self> {
        let identity = files.identity_in(options)?;
        let tokens = Tokens::new(files)?;
        let queue = Arc::new(Queue::default());
        let model = Model::load(files, options)?;
        let first = tokens.encode("a first text", Kind::Document)?;
        let vector = model.forward(&[&first])?.concat();
        let full = files.identity().dimension;
        if vector.len() != full {
            let name = &identity.name;
            return Err(Error::Model(format!("{name} gives {} numbers, its config.json says {full}", vector.len())));
        }
        let dimension = identity.dimension;
        shorten(vector, dimension)?;
        let runs_on = model.runs_on();
        let (own, budget) = (Arc::clone(&queue), options.token_budget);
        let thread = std::thread::Builder::new()
            .name("encoder".into())
            .spawn(move || run(&model, &own, budget, dimension))
            .map_err(|e| Error::Internal(format!("cannot start the encoder's thread: {e}")))?;
        let (max_waiting, separator) = (options.max_waiting, files.separator());
        Ok(Encoder { identity, tokens, queue, max_waiting, runs_on, separator, thread: Some(thread) })
    }
}

/// The first numbers of a vector, of unit length.
fn shorten(mut vector: Vec<f32>, dimension: usize) -> Result<Vec<f32>> {
    vector.truncate(dimension);
    unit(vector)
}

fn run(model: &Model, queue: &Queue, budget: usize, dimension: usize) {
    while let Some(batch) = queue.next(budget) {
        let ids: Vec<&[u32]> = batch.iter().map(|item| item.ids.as_slice()).collect();
        let began = Instant::now();
        // A panic inside a library must not take the thread, and with it every later text, along.
        let vectors = catch_unwind(AssertUnwindSafe(|| model.forward(&ids)))
            .unwrap_or_else(|_| Err(Error::Internal(format!("the model panicked on a batch of {}", ids.len()))));
        metrics::histogram!("paperkin_encoder_batch_seconds").record(began.elapsed());
        metrics::histogram!("paperkin_encoder_batch_texts").record(ids.len() as f64);
        metrics::counter!("paperkin_encoder_tokens_total").increment(ids.iter().map(|s| s.len() as u64).sum());
        match vectors {
            // A caller that went away does not mind that nobody listens.
            Ok(vectors) => {
                for (item, v) in batch.into_iter().zip(vectors) {
                    let _ = item.reply.send((item.slot, shorten(v, dimension)));
                }
            }
            Err(e) => {
                let message = e.to_string();
                for item in batch {
                    let _ = item.reply.send((item.slot, Err(Error::Model(message.clone()))));
                }
            }
        }
    }
}

impl Embedder for Encoder {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn embed(&self, texts: &[&str], kind: Kind) -> Result<Vec<Vec<f32>>> {
        let sequences: Vec<Vec<u32>> =
            texts.par_iter().map(|text| self.tokens.encode(text, kind)).collect::<Result<_>>()?;
        let (reply, answers) = channel();
        {
            let mut pending = self.queue.lock();
            if kind == Kind::Query && pending.queries.len() + texts.len() > self.max_waiting.max(texts.len()) {
                return Err(Error::Overloaded(format!("{} texts wait for the encoder already", pending.queries.len())));
            }
            for (slot, ids) in sequences.into_iter().enumerate() {
                pending.push(Item { ids, slot, reply: reply.clone() }, kind);
            }
        }
        drop(reply);
        self.queue.arrived.notify_one();
        collect(&answers, texts.len())
    }

    fn separator(&self) -> &str {
        self.separator
    }

    fn runs_on(&self) -> String {
        self.runs_on.clone()
    }
}

fn collect(answers: &Receiver<(usize, Result<Vec<f32>>)>, n: usize) -> Result<Vec<Vec<f32>>> {
    let mut vectors = vec![Vec::new(); n];
    for _ in 0..n {
        let (slot, vector) = answers.recv().map_err(|_| Error::Internal("the encoder's thread has stopped".into()))?;
        vectors[slot] = vector?;
    }
    Ok(vectors)
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.arrived.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_keep_the_budget_and_lose_nobody(
            texts in prop::collection::vec((1usize..300, any::<bool>()), 0..60),
            budget in 1usize..2000,
        ) {
            let mut pending = Pending::default();
            let (reply, _answers) = channel();
            for (slot, (length, query)) in texts.iter().enumerate() {
                let kind = if *query { Kind::Query } else { Kind::Document };
                pending.push(Item { ids: vec![0; *length], slot, reply: reply.clone() }, kind);
            }
            let mut seen = Vec::new();
            loop {
                let batch = pending.take(budget);
                if batch.is_empty() { break; }
                let longest = batch.iter().map(|i| i.ids.len()).max().unwrap_or(0);
                prop_assert!(batch.len() == 1 || longest * batch.len() <= budget);
                seen.extend(batch.iter().map(|i| i.slot));
            }
            // Queries leave before documents.
            let queries = texts.iter().filter(|t| t.1).count();
            prop_assert!(seen[..queries].iter().all(|&s| texts[s].1));
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..texts.len()).collect::<Vec<_>>());
        }
    }
}
