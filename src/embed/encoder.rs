//! The thread that owns the model, and the queue in front of it.
//!
//! Callers tokenise their texts on their own threads and put the sequences into [`Pending`]. The number of query calls
//! that may wait is bounded; one too many is refused before any work is done for it. Document calls are never refused:
//! their callers keep them few. Whenever the model's thread is free it takes a batch, so texts of many callers go
//! through the model together. On a card there are two such threads, each with a model and a stream of its own
//! ([`Model::lanes`]): while one's batch runs, the other's is put together or read back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rayon::prelude::*;

use super::dimension::Dimensions;
use super::forward::Model;
use super::pending::Answer;
use super::tokens::Tokens;
use super::{Embedder, Identity, Kind, ModelFiles, Options, Pace, PendingEmbeddings, Reading, unit};
use crate::cancel::{self, Cancel};
use crate::error::{Error, Result};

/// A generation closes after so many documents: enough that small calls share a batch.
const GENERATION: usize = 512;

/// A query call of up to so many texts goes before larger ones.
const FEW: usize = 16;

/// A transformer behind a queue.
pub struct Encoder {
    identity: Identity,
    tokens: Tokens,
    queue: Arc<Queue>,
    /// Query calls that wait or are being tokenised.
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
    runs_on: String,
    separator: &'static str,
    dimensions: Dimensions,
    pace: Pace,
    threads: Vec<JoinHandle<()>>,
}

/// One text on its way through the model.
struct Item {
    ids: Vec<u32>,
    /// Its index among the caller's texts.
    slot: usize,
    reply: Sender<Answer>,
    /// The permit of a query call, held until the last of its texts leaves the queue.
    permit: Option<Arc<Permit>>,
    /// Set when nobody waits for it any more: it is then dropped from the queue.
    cancel: Cancel,
}

/// Counts a query call among those that wait, until it is dropped.
struct Permit(Arc<AtomicUsize>);

impl Permit {
    /// `None` when `most` calls wait already.
    fn acquire(waiting: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let one_more = |n: usize| (n < most).then_some(n + 1);
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Permit(Arc::clone(waiting)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Queue {
    // A mutex and not a channel: the thread picks by kind and length, not by age alone.
    pending: Mutex<Pending>,
    arrived: Condvar,
}

#[derive(Default)]
struct Pending {
    /// Of small query calls, for which a person waits. First come, first served.
    queries: VecDeque<Item>,
    /// Of large query calls: when no small one waits.
    bulk: VecDeque<Item>,
    /// By generation, then by length and age, so that a batch has little padding.
    documents: BTreeMap<(Reverse<u64>, usize, u64), Item>,
    arrivals: u64,
    /// The documents of one generation leave by length; those of an older generation leave first. Otherwise the short
    /// texts of a call would wait for the long texts of every later call.
    generation: u64,
    /// Documents in this generation so far.
    in_generation: usize,
    closed: bool,
}

impl Pending {
    /// Begins a call with so many documents.
    fn call(&mut self, documents: usize) {
        if self.in_generation >= GENERATION {
            (self.generation, self.in_generation) = (self.generation + 1, 0);
        }
        self.in_generation += documents;
    }

    /// Adds one text of a call of `texts` texts.
    fn push(&mut self, item: Item, kind: Kind, texts: usize) {
        self.arrivals += 1;
        match kind {
            Kind::Query if texts <= FEW => self.queries.push_back(item),
            Kind::Query => self.bulk.push_back(item),
            Kind::Document => {
                self.documents.insert((Reverse(self.generation), item.ids.len(), self.arrivals), item);
            }
        }
    }

    /// The next batch with `longest * n <= budget`, or a single text: queries first, those of small calls before
    /// others, then the longest documents.
    fn take(&mut self, budget: usize) -> Vec<Item> {
        let mut batch: Vec<Item> = Vec::new();
        let mut longest = 0;
        // A batch is not filled with texts of another kind: the queries would wait for them.
        let queries = if self.queries.is_empty() { &mut self.bulk } else { &mut self.queries };
        while let Some(item) = queries.front() {
            longest = longest.max(item.ids.len());
            if !batch.is_empty() && longest * (batch.len() + 1) > budget {
                return batch;
            }
            batch.extend(queries.pop_front());
        }
        if !batch.is_empty() {
            return batch;
        }
        let oldest = self.documents.last_key_value().map(|(&(generation, ..), _)| generation);
        while let Some((&(generation, length, _), _)) = self.documents.last_key_value() {
            longest = longest.max(length);
            if Some(generation) != oldest || !batch.is_empty() && longest * (batch.len() + 1) > budget {
                break;
            }
            batch.extend(self.documents.pop_last().map(|(_, item)| item));
        }
        batch
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // No panic can leave the queue half changed, so a poisoned lock can be used.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next batch; `None` when the encoder is dropped.
    fn next(&self, budget: usize) -> Option<Vec<Item>> {
        let mut pending = self.lock();
        loop {
            let mut batch = pending.take(budget);
            let taken = batch.len();
            batch.retain(|item| !item.cancel.is_cancelled());
            if batch.is_empty() && taken > 0 {
                continue;
            }
            if !batch.is_empty() {
                batch.iter_mut().for_each(|item| item.permit = None);
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
    /// Builds the model, sends one text through it and gives it a thread of its own.
    ///
    /// # Errors
    /// [`Error::Model`] when the weights do not fit or the first text does not come out as a vector.
    pub fn start(files: &ModelFiles, options: &Options) -> Result<Self> {
        let model = Model::load(files, options)?;
        let others = (1..model.lanes()).map(|_| Model::load(files, options));
        let lanes = std::iter::once(Ok(model)).chain(others).collect::<Result<_>>()?;
        Self::run(files, options, lanes)
    }

    fn run(files: &ModelFiles, options: &Options, lanes: Vec<Model>) -> Result<Self> {
        let tokens = Tokens::new(files)?;
        let model = lanes.first().ok_or_else(|| Error::Internal("an encoder without a model".into()))?;
        let first = tokens.encode("a first text", Kind::Document)?;
        let vector = model.forward(&[&first])?.concat();
        // The precision in use, which may differ from the options.
        let identity = files.identity_in(&Options { precision: Some(model.precision()), ..options.clone() })?;
        let full = files.identity().dimension;
        if vector.len() != full {
            let name = &identity.name;
            return Err(Error::Model(format!("{name} gives {} numbers, its config.json says {full}", vector.len())));
        }
        let dimension = identity.dimension;
        shorten(vector, dimension)?;
        let budget = match options.token_budget {
            0 => model.token_budget(),
            n => n,
        };
        let mut encoder = Encoder {
            identity,
            tokens,
            queue: Arc::default(),
            waiting: Arc::default(),
            max_waiting: options.max_waiting.max(1),
            runs_on: model.runs_on(),
            separator: files.separator(),
            dimensions: files.dimensions().clone(),
            pace: model.pace(),
            threads: Vec::new(),
        };
        for model in lanes {
            let queue = Arc::clone(&encoder.queue);
            let thread = std::thread::Builder::new()
                .name("encoder".into())
                .spawn(move || run(&model, &queue, budget, dimension))
                .map_err(|e| Error::Internal(format!("cannot start the encoder's thread: {e}")))?;
            encoder.threads.push(thread);
        }
        Ok(encoder)
    }

    /// Lets the threads finish the queue, and joins them.
    fn close(&mut self) {
        self.queue.lock().closed = true;
        self.queue.arrived.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The first `dimension` numbers of a vector, scaled to unit length.
fn shorten(mut vector: Vec<f32>, dimension: usize) -> Result<Vec<f32>> {
    vector.truncate(dimension);
    unit(vector)
}

fn run(model: &Model, queue: &Queue, budget: usize, dimension: usize) {
    while let Some(batch) = queue.next(budget) {
        let ids: Vec<&[u32]> = batch.iter().map(|item| item.ids.as_slice()).collect();
        let began = Instant::now();
        // A panic inside a library must not end the thread, which every later text needs.
        let vectors = catch_unwind(AssertUnwindSafe(|| model.forward(&ids)))
            .unwrap_or_else(|_| Err(Error::Internal(format!("the model panicked on a batch of {}", ids.len()))));
        metrics::histogram!("paperkin_encoder_batch_seconds").record(began.elapsed());
        metrics::histogram!("paperkin_encoder_batch_texts").record(ids.len() as f64);
        metrics::counter!("paperkin_encoder_texts_total").increment(ids.len() as u64);
        metrics::counter!("paperkin_encoder_tokens_total").increment(ids.iter().map(|s| s.len() as u64).sum());
        match vectors {
            // Sending fails when the caller has gone, which is fine.
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

    fn submit(&self, texts: &[&str], kind: Kind) -> Result<PendingEmbeddings> {
        let permit = match kind {
            Kind::Document => None,
            Kind::Query => Some(Arc::new(Permit::acquire(&self.waiting, self.max_waiting).ok_or_else(|| {
                Error::Overloaded(format!("{} requests are waiting for the encoder already", self.max_waiting))
            })?)),
        };
        let cancel = cancel::current();
        let split = |text: &&str| cancel.check().and_then(|()| self.tokens.encode(text, kind));
        let sequences: Vec<Vec<u32>> = texts.par_iter().map(split).collect::<Result<_>>()?;
        let (reply, submitted) = PendingEmbeddings::of(texts.len());
        {
            let mut pending = self.queue.lock();
            if kind == Kind::Document {
                pending.call(sequences.len());
            }
            for (slot, ids) in sequences.into_iter().enumerate() {
                let (reply, permit, cancel) = (reply.clone(), permit.clone(), cancel.clone());
                pending.push(Item { ids, slot, reply, permit, cancel }, kind, texts.len());
            }
        }
        self.queue.arrived.notify_all();
        Ok(submitted)
    }

    fn readings(&self, texts: &[&str], kind: Kind) -> Result<Vec<Reading>> {
        let cancel = cancel::current();
        texts.par_iter().map(|text| cancel.check().and_then(|()| self.tokens.reading(text, kind))).collect()
    }

    fn max_tokens(&self) -> Option<usize> {
        Some(self.tokens.max_tokens())
    }

    fn allow_dimension(&self, dimension: usize) -> Result<()> {
        let Identity { name, dimension: full, .. } = &self.identity;
        let refuse = |why: String| Error::Invalid(format!("{name} {why}"));
        if dimension > *full {
            return Err(refuse(format!("gives vectors of {full} numbers here; {dimension} are more")));
        }
        self.dimensions.choose(Some(dimension)).map(drop).map_err(refuse)
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn separator(&self) -> &str {
        self.separator
    }

    fn runs_on(&self) -> String {
        self.runs_on.clone()
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::mpsc::channel;

    /// The setup of a card (two models, several calls in flight), on the processor.
    #[test]
    #[cfg(feature = "bundled-model")]
    fn two_lanes_and_calls_under_way_lose_and_mix_nothing() {
        let files = ModelFiles::find(crate::embed::BUNDLED).expect("bundled");
        let options = Options {
            device: crate::embed::DeviceChoice::Cpu,
            threads: 1,
            token_budget: 64,
            ..Options::new(crate::embed::BUNDLED)
        };
        let lanes = || Model::load(&files, &options).expect("loads");
        let encoder = Encoder::run(&files, &options, vec![lanes(), lanes()]).expect("starts");
        let texts: Vec<String> =
            (0..60).map(|k| "a text that grows ".repeat(1 + k * 7 % 11) + &k.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let alone: Vec<_> = texts.iter().map(|t| encoder.embed(&[t], Kind::Query).expect("embeds").concat()).collect();
        let calls: Vec<PendingEmbeddings> =
            texts.chunks(20).map(|window| encoder.submit(window, Kind::Document).expect("accepted")).collect();
        let together: Vec<_> = calls.into_iter().flat_map(|call| call.collect().expect("embeds")).collect();
        for (k, (a, b)) in alone.iter().zip(&together).enumerate() {
            let cosine: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.9999, "text {k}: {cosine}");
        }
        // A call that nobody collects blocks no other.
        drop(encoder.submit(&texts, Kind::Document).expect("accepted"));
        assert_eq!(encoder.embed(&texts[..1], Kind::Query).expect("embeds").len(), 1);
    }

    fn item(length: usize, slot: usize, reply: &Sender<Answer>) -> Item {
        Item { ids: vec![0; length], slot, reply: reply.clone(), permit: None, cancel: Cancel::new() }
    }

    /// A call counts once, however many texts it has; one too many is refused.
    #[test]
    #[cfg(feature = "bundled-model")]
    fn calls_are_counted_and_not_texts() {
        let files = ModelFiles::find(crate::embed::BUNDLED).expect("bundled");
        let options = Options {
            device: crate::embed::DeviceChoice::Cpu,
            threads: 1,
            max_waiting: 2,
            ..Options::new(crate::embed::BUNDLED)
        };
        let model = || Model::load(&files, &options).expect("loads");
        let mut encoder = Encoder::run(&files, &options, vec![model()]).expect("starts");
        // Nobody takes from the queue meanwhile.
        encoder.close();
        encoder.queue.lock().closed = false;
        let large = encoder.submit(&["a text"; 300], Kind::Query).expect("one call");
        let small = encoder.submit(&["a query"], Kind::Query).expect("another");
        assert!(matches!(encoder.submit(&["a third"], Kind::Query), Err(Error::Overloaded(_))));
        let documents = encoder.submit(&["a paper"], Kind::Document).expect("is never refused");
        let first = encoder.queue.next(2048).expect("work");
        assert_eq!(first.len(), 1, "the small call goes first, and alone");
        let third = encoder.submit(&["a third"], Kind::Query).expect("there is room again");
        assert!(encoder.submit(&["a fourth"], Kind::Query).is_err());
        // What was taken is lost; the others are answered.
        drop((first, small));
        encoder.queue.lock().closed = true;
        run(&model(), &encoder.queue, 2048, encoder.identity.dimension);
        for (call, n) in [(third, 1), (large, 300), (documents, 1)] {
            assert_eq!(call.collect().expect("vectors").len(), n);
        }
        assert_eq!(encoder.waiting.load(Ordering::Relaxed), 0);
    }

    /// A call that nobody waits for any more does not go through the model.
    #[test]
    #[cfg(feature = "bundled-model")]
    fn a_call_that_was_given_up_leaves_the_queue() {
        let files = ModelFiles::find(crate::embed::BUNDLED).expect("bundled");
        let options =
            Options { device: crate::embed::DeviceChoice::Cpu, threads: 1, ..Options::new(crate::embed::BUNDLED) };
        let model = || Model::load(&files, &options).expect("loads");
        let mut encoder = Encoder::run(&files, &options, vec![model()]).expect("starts");
        encoder.close();
        encoder.queue.lock().closed = false;
        let asked = Cancel::new();
        let given_up = asked.scope(|| encoder.submit(&["a text"; 50], Kind::Query).expect("one call"));
        let other = encoder.submit(&["another"], Kind::Document).expect("another");
        asked.cancel();
        assert!(matches!(asked.scope(|| given_up.collect()), Err(Error::Cancelled)));
        assert!(matches!(asked.scope(|| encoder.submit(&["late"], Kind::Query)), Err(Error::Cancelled)));
        let batch = encoder.queue.next(2048).expect("work");
        assert_eq!(batch.len(), 1, "only the other call is left");
        assert_eq!(encoder.waiting.load(Ordering::Relaxed), 0);
        drop((batch, other));
    }

    #[test]
    fn a_large_call_does_not_wait_for_later_ones() {
        let (mut pending, (reply, _answers)) = (Pending::default(), channel());
        for call in 0..3 {
            pending.call(600);
            for k in 0..600 {
                pending.push(item(1 + k % 50, call, &reply), Kind::Document, 600);
            }
        }
        let batches = std::iter::from_fn(|| Some(pending.take(1000)).filter(|b| !b.is_empty()));
        let calls: Vec<Vec<usize>> = batches.map(|b| b.iter().map(|i| i.slot).collect()).collect();
        assert!(calls.concat().is_sorted(), "the calls leave one after the other");
        assert!(
            calls.iter().all(|b| b.iter().all(|&call| call == b[0])),
            "and not in one batch, which would be padding"
        );
    }

    proptest! {
        #[test]
        fn batches_keep_the_budget_and_lose_nobody(
            texts in prop::collection::vec((1usize..300, any::<bool>(), 1usize..40), 0..60),
            budget in 1usize..2000,
        ) {
            let mut pending = Pending::default();
            let (reply, _answers) = channel();
            for (slot, (length, query, call)) in texts.iter().enumerate() {
                let kind = if *query { Kind::Query } else { Kind::Document };
                pending.push(item(*length, slot, &reply), kind, *call);
            }
            let mut seen = Vec::new();
            loop {
                let batch = pending.take(budget);
                if batch.is_empty() { break; }
                let longest = batch.iter().map(|i| i.ids.len()).max().unwrap_or(0);
                prop_assert!(batch.len() == 1 || longest * batch.len() <= budget);
                seen.extend(batch.iter().map(|i| i.slot));
            }
            // Queries leave before documents, those of small calls first.
            let queries = texts.iter().filter(|t| t.1).count();
            prop_assert!(seen[..queries].iter().all(|&s| texts[s].1));
            prop_assert!(seen[..queries].is_sorted_by_key(|&s| (texts[s].2 > FEW, s)));
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..texts.len()).collect::<Vec<_>>());
        }
    }
}
