//! A model ready to run: our own kernels for BERT and its kin on the processor, candle for all else.

use candle_core::Device;

use super::architecture::Architecture;
use super::cpu::{BertShape, CpuBert, Isa};
use super::device::open_device;
use super::kin::BertKin;
use super::stock::{Stock, plain, weights};
use super::{DeviceChoice, ModelFiles, Options, Precision};
use crate::error::{Error, Result};

/// A model ready to run. One thread owns it: two forward passes at once are slower than one after the other.
pub enum Model {
    /// Our kernels, with the threads they may use.
    Cpu(Box<CpuBert>, usize),
    /// Candle, in f32.
    Candle(Box<Stock>),
}

impl Model {
    /// Builds the model on the device that is asked for.
    pub fn load(files: &ModelFiles, options: &Options) -> Result<Self> {
        // The precision that the identity says, whatever device is found.
        let precision = files.identity_in(options)?.precision;
        let device = match (options.device, &files.adapter) {
            (DeviceChoice::Auto, Some(_)) => Device::Cpu,
            _ => open_device(options.device)?,
        };
        match (&files.architecture, device) {
            (Architecture::Bert(kin), Device::Cpu) => {
                let threads = match options.threads {
                    0 => std::thread::available_parallelism().map_or(1, usize::from),
                    n => n,
                };
                Ok(Model::Cpu(Box::new(load_cpu(files, kin, precision, Isa::detect())?), threads))
            }
            _ if files.adapter.is_some() => {
                Err(Error::Model("a model with an adapter runs on the processor only: say --device cpu".into()))
            }
            (_, device) if precision == Precision::F32 => Ok(Model::Candle(Box::new(Stock::load(files, device)?))),
            _ => Err(Error::Model("on an accelerator the model runs in f32: say --precision f32".into())),
        }
    }

    /// The pooled vector of each sequence, not yet of unit length, in the order given.
    ///
    /// `batch` holds token ids with the special ones; none may be empty or longer than the model's positions.
    pub fn forward(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        match self {
            Model::Cpu(model, threads) => model
                .forward(batch, *threads)
                .map_err(|e| Error::Model(format!("the model failed on {} texts: {e}", batch.len()))),
            Model::Candle(model) => model.forward(batch),
        }
    }

    /// Where and how it runs, for people.
    pub fn runs_on(&self) -> String {
        match self {
            Model::Cpu(model, threads) => format!("cpu, {}, {}, {threads} threads", model.precision(), model.isa()),
            Model::Candle(model) => format!("{}, f32", model.device()),
        }
    }
}

/// Reads the tensors through candle, whatever format and precision they are kept in, and packs them.
pub fn load_cpu(files: &ModelFiles, kin: &BertKin, precision: Precision, isa: Isa) -> Result<CpuBert> {
    let refuse = |why: String| Error::Model(format!("the weights of {} do not fit: {why}", files.identity().name));
    let vars = weights(files, &Device::Cpu).map_err(|e| refuse(plain(&e)))?;
    let mut source = |name: &str| match &files.adapter {
        Some(adapter) if name.contains(".adapter.") => adapter.numbers(name),
        _ => kin.numbers(&vars, name).map_err(|e| plain(&e)),
    };
    let shape = BertShape { adapter: files.adapter.as_ref().map(|a| a.bottleneck), ..kin.shape };
    CpuBert::load(shape, &mut source, files.pooling, precision, isa).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{BUNDLED, DeviceChoice, Kind, unit};

    /// Every precision on every instruction set of this machine against stock candle, on real texts.
    #[test]
    #[cfg(feature = "bundled-model")]
    fn our_kernels_agree_with_candle() {
        let files = ModelFiles::find(BUNDLED).expect("bundled");
        let Architecture::Bert(kin) = &files.architecture else { panic!("a BERT") };
        let candle = Stock::load(&files, Device::Cpu).expect("loads");
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
                let model = load_cpu(&files, kin, precision, isa).expect("loads");
                for (k, v) in directions(model.forward(&ids, 2).expect("runs")).iter().enumerate() {
                    let cosine: f32 = v.iter().zip(&truth[k]).map(|(a, b)| a * b).sum();
                    assert!(cosine > least, "{isa}, {precision}, {:?}: {cosine}", texts[k].get(..20));
                }
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
