//! From text to unit vector.
//!
//! [`open`] finds a model by name, folder or hub name and returns an [`Embedder`]. There are two: [`Encoder`], a
//! transformer run by one thread that owns it, and [`HashEmbedder`], which only counts words and serves tests.
//!
//! What happens to a transformer: `model` reads its folder, `architecture` its config.json, `adapter` SPECTER2's;
//! `placement` decides where it runs, what runs it and in which precision; `forward` holds the model that is then ready
//! to run, either on our own kernels (`cpu`: BERT and its family, on the processor) or through candle (`candle`: every
//! architecture, on any device); `tokens` and `encoder` lead texts through it; `dimension` says how many numbers of a
//! vector are kept.

mod adapter;
mod architecture;
mod bert_family;
mod candle;
#[cfg(test)]
mod contract;
mod cpu;
mod dimension;
mod encoder;
mod forward;
mod hash;
mod model;
mod pending;
mod placement;
#[cfg(test)]
mod test_models;
mod tokens;

pub use encoder::Encoder;
pub use hash::HashEmbedder;
pub use model::{BUNDLED, ModelFiles, Pooling};
pub use pending::PendingEmbeddings;

// Settings that are a person's to choose stand with the others.
pub use crate::config::{DeviceChoice, KernelChoice, Precision};
use crate::error::{Error, Result};

/// What a text is. Some models (E5, BGE) put another prefix before each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A paper.
    Document,
    /// What a reader typed. Goes through the model before documents when both wait.
    Query,
}

/// Which model made a vector. Vectors of two identities are never compared. What runs the model is no part of it: our
/// own kernels and candle give the same vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name a person knows it by.
    pub name: String,
    /// A hash over the weights and every setting that changes a vector, in hexadecimal, the precision, and the
    /// dimension where it is not the full one.
    pub fingerprint: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// What `--model` has to say to get this model again.
    pub source: String,
    /// What `--precision` has to say.
    pub precision: Precision,
}

impl Precision {
    /// The fastest of our own kernels on this processor whose vectors have a cosine above 0.999 to those in f32.
    pub fn of_this_machine() -> Self {
        if cpu::Isa::detect().has_quick_bf16() { Precision::Bf16 } else { Precision::F32 }
    }
}

/// How to hand texts over so that the model never waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Texts to hand over at once: enough to sort by length and fill batches.
    pub window: usize,
    /// Windows to hand over before the vectors of the first are collected. On the processor none: reading and splitting
    /// texts would only take the model's cores.
    pub ahead: usize,
}

impl Default for Pace {
    fn default() -> Self {
        // Few enough that an interruption costs seconds.
        Pace { window: 128, ahead: 0 }
    }
}

/// How much of a text a model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Tokens that are read, special ones included.
    pub tokens: usize,
    /// Whether that is all of the text.
    pub whole: bool,
}

/// Turns texts into vectors of length 1.
pub trait Embedder: Send + Sync {
    /// Which model this is.
    fn identity(&self) -> &Identity;

    /// One unit vector of `identity().dimension` finite numbers for each text, in the order of the texts. A vector does
    /// not depend on which other texts were in the call, up to rounding (about 1e-6 in f32).
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many calls of queries wait already; [`Error::Model`] when the model gives a
    /// vector that is not finite or has no length.
    fn embed(&self, texts: &[&str], kind: Kind) -> Result<Vec<Vec<f32>>> {
        self.submit(texts, kind)?.collect()
    }

    /// The first half of [`Self::embed`]: hands the texts over; [`PendingEmbeddings::collect`] waits for the vectors.
    ///
    /// # Errors
    /// As [`Self::embed`].
    fn submit(&self, texts: &[&str], kind: Kind) -> Result<PendingEmbeddings>;

    /// How much of each text is read, in their order. What knows no tokens counts words, and reads all of them.
    ///
    /// # Errors
    /// [`Error::Model`] when a text cannot be split into tokens.
    fn readings(&self, texts: &[&str], _: Kind) -> Result<Vec<Reading>> {
        let words = |text: &&str| text.split_whitespace().count().max(1);
        Ok(texts.iter().map(|text| Reading { tokens: words(text), whole: true }).collect())
    }

    /// The greatest number of tokens that is read of a text; none where all of it is.
    fn max_tokens(&self) -> Option<usize> {
        None
    }

    /// Looks whether the first `dimension` numbers of a vector, scaled to length 1, are one as well (Matryoshka).
    ///
    /// # Errors
    /// [`Error::Invalid`] says which lengths are allowed.
    fn allow_dimension(&self, dimension: usize) -> Result<()> {
        let Identity { name, dimension: full, .. } = self.identity();
        if dimension == *full {
            return Ok(());
        }
        Err(Error::Invalid(format!("{name} cannot give vectors of {dimension} numbers; it gives {full}")))
    }

    /// How many texts to hand over at a time, and when.
    fn pace(&self) -> Pace {
        Pace::default()
    }

    /// What a paper's title and abstract are joined by.
    fn separator(&self) -> &str {
        ". "
    }

    /// Where and how it runs, for people: device, precision of the arithmetic, kernels, threads. For example
    /// `cpu, bf16, own kernels (AVX2 with FMA), 2 threads` or `cpu, f32, candle, 2 threads`.
    fn runs_on(&self) -> String;
}

/// The settings of [`open`].
#[derive(Debug, Clone)]
pub struct Options {
    /// `all-MiniLM-L6-v2`, a folder in Hugging Face layout, a hub name with a `/`, or `hash` for tests.
    pub model: String,
    /// Where it runs.
    pub device: DeviceChoice,
    /// What runs it: our own kernels (on the processor) or candle.
    pub kernels: KernelChoice,
    /// How products are taken. `None` takes [`Precision::of_this_machine`] for our own kernels, f32 for candle on the
    /// processor and on Metal, and bf16 on CUDA (f32 where a card has no bf16).
    pub precision: Option<Precision>,
    /// Numbers of a vector, for models whose files allow fewer than all (Matryoshka); `None` takes all.
    pub dimension: Option<usize>,
    /// Threads on the processor; 0 takes one a core.
    pub threads: usize,
    /// Tokens in a batch, padding included (`longest * n <= token_budget`); 0 is 2048 on the processor, and on an
    /// accelerator what an eighth of its free memory holds.
    pub token_budget: usize,
    /// Calls of queries that may wait for the model before another is refused. Documents are never refused.
    pub max_waiting: usize,
}

impl Options {
    /// The defaults for a model.
    pub fn new(model: impl Into<String>) -> Self {
        Options {
            model: model.into(),
            device: DeviceChoice::Auto,
            kernels: KernelChoice::Auto,
            precision: None,
            dimension: None,
            threads: 0,
            token_budget: 0,
            max_waiting: 256,
        }
    }
}

/// What would run a model by these options, for people, without looking for the model: `candle`, or `own (AVX2 with
/// FMA) for BERT and its family on the processor, candle for everything else`.
pub fn kernels(options: &Options) -> String {
    placement::outlook(options)
}

/// The instruction set of our own kernels on this machine, for people.
pub fn instruction_set() -> String {
    cpu::Isa::detect().to_string()
}

/// Finds the model and reads what identifies it, without building it yet.
///
/// # Errors
/// [`Error::Model`] when it cannot be found or does not fit, with the way out.
pub fn identify(options: &Options) -> Result<Identity> {
    match options.model.as_str() {
        HashEmbedder::NAME => Ok(HashEmbedder::with_dimension(options.dimension)?.identity().clone()),
        name => ModelFiles::find(name)?.identity_in(options),
    }
}

/// Opens a model. A transformer is tried on one text first, so that a broken one fails here.
///
/// # Errors
/// [`Error::Model`] when it cannot be found, does not fit, or does not run on the device.
pub fn open(options: &Options) -> Result<Box<dyn Embedder>> {
    match options.model.as_str() {
        HashEmbedder::NAME => Ok(Box::new(HashEmbedder::with_dimension(options.dimension)?)),
        name => {
            let files = ModelFiles::find(name)?;
            let encoder = Encoder::start(&files, options)?;
            let compiled_in = files.compiled_in();
            drop(files);
            cpu::release(compiled_in);
            Ok(Box::new(encoder))
        }
    }
}

/// Scales a vector to length 1.
///
/// # Errors
/// [`Error::Model`] when a number is not finite or all are zero, for such a vector has no direction.
pub fn unit(mut v: Vec<f32>) -> Result<Vec<f32>> {
    // In f64: the squares of large f32 overflow.
    let norm = v.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if !norm.is_finite() {
        return Err(Error::Model("the model gave a vector that is not finite (NaN or infinity)".into()));
    }
    if norm < 1e-12 {
        return Err(Error::Model("the model gave a vector of length zero".into()));
    }
    for x in &mut v {
        *x = (f64::from(*x) / norm) as f32;
    }
    Ok(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vectors_without_direction_are_refused() {
        for bad in [vec![], vec![0.0; 4], vec![1.0, f32::NAN], vec![f32::INFINITY, 0.0]] {
            assert!(unit(bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn unit_has_length_one(v in prop::collection::vec(-1e30f32..1e30, 1..50)) {
            prop_assume!(v.iter().any(|x| x.abs() > 1e-3));
            let n: f64 = unit(v)?.iter().map(|&x| f64::from(x).powi(2)).sum();
            prop_assert!((n - 1.0).abs() < 1e-5);
        }
    }
}
