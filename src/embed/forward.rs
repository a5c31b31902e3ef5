//! A model that is ready to run.

use super::architecture::Architecture;
use super::bert_family::{BertFamily, BertShape};
use super::candle::{self, Bert, CandleModel, TensorReader, Threads};
use super::cpu::{CpuBert, Isa};
use super::placement::{Kernels, Placement};
use super::{ModelFiles, Options, Pace, Precision};
use crate::error::{Error, Result};

/// A model that is ready to run. One thread owns it: two forward passes at once are slower than one after the other.
pub enum Model {
    /// BERT and its family on our own kernels, with the number of threads they may use.
    Own(Box<CpuBert>, usize),
    /// BERT and its family on candle's tensors, with the precision that its vectors count as.
    Bert(Box<Bert>, Threads, Precision),
    /// The other architectures, through candle's implementations, in f32.
    Other(Box<CandleModel>, Threads),
}

impl Model {
    /// Builds the model where the options and the model itself want it.
    ///
    /// # Errors
    /// [`Error::Model`] when it does not run there ([`Placement::of`]) or its weights do not fit its `config.json`.
    pub fn load(files: &ModelFiles, options: &Options) -> Result<Self> {
        let Placement { device, kernels, precision } = Placement::of(files, options)?;
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        match (&files.architecture, kernels) {
            (Architecture::Bert(family), Kernels::Own) => {
                Ok(Model::Own(Box::new(load_own(files, family, precision, Isa::detect())?), threads))
            }
            (Architecture::Bert(family), Kernels::Candle) => {
                let threads = Threads::start(&device, threads)?;
                // On the processor nothing is faster in candle than f32.
                let computed_in = if device.is_cpu() { Precision::F32 } else { precision };
                let bert = threads.run(|| Bert::load(files, family, device, computed_in))?;
                Ok(Model::Bert(Box::new(bert), threads, precision))
            }
            (Architecture::Other(_), _) => {
                let threads = Threads::start(&device, threads)?;
                let model = threads.run(|| CandleModel::load(files, device))?;
                Ok(Model::Other(Box::new(model), threads))
            }
        }
    }

    /// The pooled vector of each sequence, of the full dimension and not yet of unit length, in the order given.
    ///
    /// `batch` holds token ids with the special ones; none may be empty or longer than the model's positions.
    ///
    /// # Errors
    /// [`Error::Model`] when a product fails (a card without memory) or a sequence does not fit.
    pub fn forward(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        match self {
            Model::Own(model, threads) => model
                .forward(batch, *threads)
                .map_err(|e| Error::Model(format!("the model failed on {} texts: {e}", batch.len()))),
            Model::Bert(model, threads, _) => threads.run(|| model.forward(batch)),
            Model::Other(model, threads) => threads.run(|| model.forward(batch)),
        }
    }

    /// Where and how it runs, for people ([`super::Embedder::runs_on`]).
    pub fn runs_on(&self) -> String {
        match self {
            Model::Own(model, threads) => {
                format!("cpu, {}, own kernels ({}), {threads} threads", model.precision(), model.isa())
            }
            Model::Bert(model, threads, counts_as) => {
                let precision = match model.precision() {
                    same if same == *counts_as => same.to_string(),
                    other => format!("{other} (its vectors count as {counts_as})"),
                };
                through_candle(model.device(), &precision, threads)
            }
            Model::Other(model, threads) => through_candle(model.device(), "f32", threads),
        }
    }

    /// The precision that its vectors count as.
    pub fn precision(&self) -> Precision {
        match self {
            Model::Own(model, _) => model.precision(),
            Model::Bert(_, _, precision) => *precision,
            Model::Other(..) => Precision::F32,
        }
    }

    /// The card that it runs on; none on the processor.
    fn card(&self) -> Option<&candle::Device> {
        let device = match self {
            Model::Own(..) => return None,
            Model::Bert(model, ..) => model.device(),
            Model::Other(model, _) => model.device(),
        };
        Some(device).filter(|device| !device.is_cpu())
    }

    /// The tokens of a batch, padding included, where the settings do not say.
    pub fn token_budget(&self) -> usize {
        match (self.card(), self) {
            // More keeps no core busier and leaves the caches.
            (None, _) | (_, Model::Own(..)) => 2048,
            (Some(_), Model::Bert(model, ..)) => model.token_budget(),
            // Their scores are held in f32, some of them more than once: how many tokens fill half a card is not known.
            (Some(_), Model::Other(..)) => 8192,
        }
    }

    /// Models to run side by side. On a card two, each with its own stream: while one waits for its vectors, the
    /// other's batch is on the card already. (Two batches in one stream would not do: the first one's vectors would be
    /// read behind the second one's arithmetic.) Costs the weights' memory twice.
    pub fn lanes(&self) -> usize {
        match self {
            Model::Bert(model, ..) if model.device().is_cuda() => 2,
            _ => 1,
        }
    }

    /// How to hand texts over.
    pub fn pace(&self) -> Pace {
        match self.card() {
            None => Pace::default(),
            // Enough for some batches of the budget above, with the next ones read and split while these run.
            Some(_) => Pace { window: 1024, ahead: 1 },
        }
    }
}

fn through_candle(device: &candle::Device, precision: &str, threads: &Threads) -> String {
    let threads = threads.count().map_or_else(String::new, |n| format!(", {n} threads"));
    format!("{}, {precision}, candle{threads}", candle::name(device))
}

/// Reads the tensors, whatever format and precision they are kept in, and packs them for our own kernels.
///
/// # Errors
/// [`Error::Model`] when a tensor is missing or does not fit.
pub fn load_own(files: &ModelFiles, family: &BertFamily, precision: Precision, isa: Isa) -> Result<CpuBert> {
    let refuse = |why: String| Error::Model(format!("the weights of {} do not fit: {why}", files.identity().name));
    let tensors = TensorReader::open(files, family).map_err(refuse)?;
    let mut source = |name: &str| match &files.adapter {
        Some(adapter) if name.contains(".adapter.") => adapter.numbers(name),
        _ => tensors.numbers(name),
    };
    let shape = BertShape { adapter: files.adapter.as_ref().map(|a| a.bottleneck), ..family.shape };
    CpuBert::load(shape, &mut source, files.pooling, precision, isa).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{BUNDLED, DeviceChoice, KernelChoice, Kind, unit};

    /// Every precision on every instruction set of this machine against candle's own BERT, on real texts.
    #[test]
    #[cfg(feature = "bundled-model")]
    fn our_kernels_agree_with_candle() {
        let files = ModelFiles::find(BUNDLED).expect("bundled");
        let Architecture::Bert(family) = &files.architecture else { panic!("a BERT") };
        let candle = CandleModel::load(&files, candle::Device::Cpu).expect("loads");
        let tokens = crate::embed::tokens::Tokens::new(&files).expect("a tokenizer");
        let long = "Ice sheets lose mass at their grounding lines. ".repeat(40);
        let texts = ["protein folding", "a", "Gravitational waves from neutron stars, observed twice.", &long];
        let ids: Vec<Vec<u32>> = texts.iter().map(|t| tokens.encode(t, Kind::Document).expect("tokens")).collect();
        let ids: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
        let directions = |vs: Vec<Vec<f32>>| vs.into_iter().map(|v| unit(v).expect("a direction")).collect::<Vec<_>>();
        let truth = directions(candle.forward(&ids).expect("runs"));
        for isa in Isa::known().into_iter().filter(|isa| isa.usable()) {
            // int8 is good to .995 on abstracts; texts of a word or two, as here, have less to average over.
            for (precision, least) in [(Precision::F32, 0.99999), (Precision::Bf16, 0.9999), (Precision::Int8, 0.99)] {
                let model = load_own(&files, family, precision, isa).expect("loads");
                for (k, v) in directions(model.forward(&ids, 2).expect("runs")).iter().enumerate() {
                    let cosine: f32 = v.iter().zip(&truth[k]).map(|(a, b)| a * b).sum();
                    assert!(cosine > least, "{isa}, {precision}, {:?}: {cosine}", texts[k].get(..20));
                }
            }
        }
    }

    /// What a folder of one of them holds, the other goes on with: vectors within 0.9999. (That their identity is the same
    /// is a test of `contract`.)
    #[test]
    #[cfg(feature = "bundled-model")]
    fn both_kernels_give_the_same_vectors() {
        let options = |kernels, precision| Options {
            device: DeviceChoice::Cpu,
            kernels,
            precision,
            threads: 2,
            ..Options::new(BUNDLED)
        };
        let corpus = include_str!("../sources/invented.jsonl").lines().step_by(40).map(str::to_string);
        let mut texts: Vec<String> = corpus.collect();
        texts.extend(["a".into(), "protein folding".into(), "Ice sheets lose mass at their edges. ".repeat(60)]);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for precision in [Precision::F32, Precision::Bf16] {
            let open = |kernels| crate::embed::open(&options(kernels, Some(precision))).expect("opens");
            let (own, candle) = (open(KernelChoice::Own), open(KernelChoice::Candle));
            let of = |e: &dyn crate::embed::Embedder| e.embed(&texts, Kind::Document).expect("embeds");
            for (k, (a, b)) in of(&*own).iter().zip(of(&*candle)).enumerate() {
                let cosine: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
                assert!(cosine > 0.9999, "{precision}, text {k}: {cosine}");
            }
        }
    }

    #[test]
    #[cfg(feature = "bundled-model")]
    fn concurrent_calls_get_their_own_vectors() {
        let options = Options { device: DeviceChoice::Cpu, ..Options::new(BUNDLED) };
        let encoder = crate::embed::open(&options).expect("opens");
        let texts: Vec<String> = (0..24).map(|k| format!("text number {k} about subject {}", k * 7 % 5)).collect();
        let one = |t: &str| encoder.embed(&[t], Kind::Query).expect("embeds").concat();
        let alone: Vec<Vec<f32>> = texts.iter().map(|t| one(t)).collect();
        std::thread::scope(|scope| {
            let calls: Vec<_> = texts.iter().map(|t| scope.spawn(|| one(t))).collect();
            for (call, expected) in calls.into_iter().zip(&alone) {
                assert_eq!(&call.join().expect("no panic"), expected);
            }
        });
    }
}
