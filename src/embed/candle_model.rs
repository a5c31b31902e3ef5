//! The architectures that we have no kernels for, through candle's own implementations, in f32 on any device. In tests also
//! candle's BERT, which ours are checked against.

use candle_core::{DType, Device, Module, Tensor};
use candle_nn::VarBuilder;
#[cfg(test)]
use candle_transformers::models::bert::BertModel;
use candle_transformers::models::jina_bert::BertModel as JinaModel;
use candle_transformers::models::modernbert::{self, ModernBert};
use candle_transformers::models::nomic_bert::NomicBertModel;

use super::architecture::Architecture;
use super::model::Weights;
use super::{ModelFiles, Pooling};
use crate::error::{Error, Result};

/// A model ready to run. Not shared between threads: two forward passes at once are slower than one after the other.
pub struct CandleModel {
    net: Net,
    device: Device,
    pooling: Pooling,
    pad: u32,
}

enum Net {
    #[cfg(test)]
    Bert(BertModel),
    ModernBert(ModernBert),
    Nomic(NomicBertModel),
    /// Knows no mask, so it must never see padding.
    Jina(JinaModel),
}

impl CandleModel {
    /// Builds the model in f32 on a device.
    pub fn load(files: &ModelFiles, device: Device) -> Result<Self> {
        let name = &files.identity().name;
        let refuse = |e| Error::Model(format!("the weights of {name} do not fit: {}", plain(&e)));
        let vars = weights(files, &device).map_err(refuse)?;
        let (net, pad) = net(files, vars).map_err(refuse)?;
        Ok(CandleModel { net, device, pooling: files.pooling, pad })
    }

    /// The pooled vector of each sequence, not yet of unit length, in the order given.
    ///
    /// `batch` holds token ids with the special ones; none may be empty or longer than the model's positions.
    pub fn forward(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let vectors = if matches!(self.net, Net::Jina(_)) { self.by_length(batch) } else { self.run(batch) };
        vectors.map_err(|e| Error::Model(format!("the model failed on {} texts: {}", batch.len(), plain(&e))))
    }

    /// Sequences of one length at a time: nothing is padded.
    fn by_length(&self, batch: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by_key(|&k| batch[k].len());
        let mut vectors = vec![Vec::new(); batch.len()];
        for alike in order.chunk_by(|&a, &b| batch[a].len() == batch[b].len()) {
            let sequences: Vec<&[u32]> = alike.iter().map(|&k| batch[k]).collect();
            for (&k, vector) in alike.iter().zip(self.run(&sequences)?) {
                vectors[k] = vector;
            }
        }
        Ok(vectors)
    }

    fn run(&self, batch: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let (n, longest) = (batch.len(), batch.iter().map(|s| s.len()).max().unwrap_or(0));
        let (mut ids, mut mask) = (Vec::with_capacity(n * longest), Vec::with_capacity(n * longest));
        for sequence in batch {
            let padding = longest - sequence.len();
            ids.extend_from_slice(sequence);
            ids.extend(std::iter::repeat_n(self.pad, padding));
            mask.extend(std::iter::repeat_n(1u32, sequence.len()));
            mask.extend(std::iter::repeat_n(0u32, padding));
        }
        let ids = Tensor::from_vec(ids, (n, longest), &self.device)?;
        let chosen = Tensor::from_vec(mask, (n, longest), &self.device)?;
        let mask = chosen.to_dtype(DType::F32)?;
        let hidden = match &self.net {
            #[cfg(test)]
            Net::Bert(model) => model.forward(&ids, &ids.zeros_like()?, Some(&mask)),
            Net::ModernBert(model) => model.forward(&ids, &mask),
            // This one chooses by the mask instead of adding it, which takes whole numbers.
            Net::Nomic(model) => model.forward(&ids, None, Some(&chosen)),
            Net::Jina(model) => model.forward(&ids),
        }?;
        let pooled = match self.pooling {
            Pooling::Cls => hidden.narrow(1, 0, 1)?.squeeze(1)?,
            // The mask counts twice: once in the attention, once here.
            Pooling::Mean => {
                let sum = hidden.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
                sum.broadcast_div(&mask.sum_keepdim(1)?)?
            }
        };
        pooled.to_dtype(DType::F32)?.to_vec2()
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

/// Builds the model, and says which token fills a batch up. Which one does not matter where the mask counts.
fn net(files: &ModelFiles, vars: VarBuilder) -> candle_core::Result<(Net, u32)> {
    Ok(match &files.architecture {
        #[cfg(test)]
        Architecture::Bert(family) => {
            (Net::Bert(BertModel::load(family.as_bert(&vars)?, &family.config())?), family.pad)
        }
        #[cfg(not(test))]
        Architecture::Bert(_) => candle_core::bail!("a BERT runs on kernels of our own"),
        Architecture::ModernBert(config) => (Net::ModernBert(modern(vars, config)?), config.pad_token_id),
        Architecture::Nomic(config) => (Net::Nomic(NomicBertModel::load(vars, config)?), 0),
        Architecture::Jina(config) => {
            // It lays its position biases out at once, as a square of the longest text for each head.
            let mut config = config.clone();
            config.max_position_embeddings = files.max_tokens;
            let bare = vars.contains_tensor("embeddings.word_embeddings.weight");
            (Net::Jina(JinaModel::new(if bare { vars } else { vars.pp("bert") }, &config)?), 0)
        }
    })
}

fn modern(vars: VarBuilder, config: &modernbert::Config) -> candle_core::Result<ModernBert> {
    // Candle wants every name to begin with `model.`; sentence-transformers saves them without.
    let vars = if vars.contains_tensor("embeddings.tok_embeddings.weight") {
        vars.rename_f(|name: &str| name.strip_prefix("model.").unwrap_or(name).to_string())
    } else {
        vars
    };
    // All layers but the first have this norm; candle takes its absence in silence.
    for i in 1..config.num_hidden_layers {
        let name = format!("model.layers.{i}.attn_norm.weight");
        if !vars.contains_tensor(&name) {
            candle_core::bail!("{name} is missing");
        }
    }
    ModernBert::load(vars, config)
}

/// The tensors of a model, brought to f32 when they are asked for.
pub fn weights<'a>(files: &'a ModelFiles, device: &Device) -> candle_core::Result<VarBuilder<'a>> {
    match &files.weights {
        Weights::Safetensors(bytes) => VarBuilder::from_slice_safetensors(bytes, DType::F32, device),
        Weights::Pickle(path) => VarBuilder::from_pth(path, DType::F32, device),
    }
}

/// What candle says, without the backtrace that it puts behind.
pub fn plain(e: &candle_core::Error) -> String {
    e.to_string().lines().next().unwrap_or_default().to_string()
}
