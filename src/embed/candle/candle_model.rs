//! The architectures outside BERT's family, through candle's own implementations, in f32 on any device. In tests also
//! candle's BERT, the reference for ours.

use candle_core::{DType, Device, Module, Tensor};
use candle_nn::VarBuilder;
#[cfg(test)]
use candle_transformers::models::bert::BertModel;
use candle_transformers::models::jina_bert::BertModel as JinaModel;
use candle_transformers::models::modernbert::{self, ModernBert};
use candle_transformers::models::nomic_bert::NomicBertModel;

use super::config::NetworkConfig;
use super::message;
use super::weights::weights;
use crate::embed::architecture::Architecture;
use crate::embed::{ModelFiles, Pooling};
use crate::error::{Error, Result};

/// A model ready to run. Not shared between threads: two forward passes at once are slower than one after the other.
pub struct CandleModel {
    network: Network,
    device: Device,
    pooling: Pooling,
    pad: u32,
}

enum Network {
    #[cfg(test)]
    Bert(BertModel),
    ModernBert(ModernBert),
    Nomic(NomicBertModel),
    /// Takes no mask, so it must never see padding.
    Jina(JinaModel),
}

impl CandleModel {
    /// Builds the model in f32 on a device.
    ///
    /// # Errors
    /// [`Error::Model`] when a tensor is missing or has another shape than `config.json` says.
    pub fn load(files: &ModelFiles, device: Device) -> Result<Self> {
        let name = &files.identity().name;
        let refuse = |e| Error::Model(format!("the weights of {name} do not fit: {}", message(&e)));
        let vars = weights(files, &device).map_err(refuse)?;
        let (network, pad) = build(files, vars).map_err(refuse)?;
        Ok(CandleModel { network, device, pooling: files.pooling, pad })
    }

    /// The pooled vector of each sequence, not yet of unit length, in the order given.
    ///
    /// `batch` holds token ids with the special ones; none may be empty or longer than the model's positions.
    pub fn forward(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let vectors = if matches!(self.network, Network::Jina(_)) { self.by_length(batch) } else { self.run(batch) };
        vectors.map_err(|e| Error::Model(format!("the model failed on {} texts: {}", batch.len(), message(&e))))
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
        let hidden = match &self.network {
            #[cfg(test)]
            Network::Bert(model) => model.forward(&ids, &ids.zeros_like()?, Some(&mask)),
            Network::ModernBert(model) => model.forward(&ids, &mask),
            // This one chooses by the mask instead of adding it, which takes whole numbers.
            Network::Nomic(model) => model.forward(&ids, None, Some(&chosen)),
            Network::Jina(model) => model.forward(&ids),
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

/// Builds the model, and says which token id pads a batch. Where the mask counts, any will do.
fn build(files: &ModelFiles, vars: VarBuilder) -> candle_core::Result<(Network, u32)> {
    let network = match &files.architecture {
        #[cfg(test)]
        Architecture::Bert(family) => {
            let vars = super::reference::as_bert(family, &vars)?;
            return Ok((Network::Bert(BertModel::load(vars, &super::reference::config(family))?), family.pad));
        }
        #[cfg(not(test))]
        Architecture::Bert(_) => candle_core::bail!("BERT and its family have an implementation of their own"),
        Architecture::Other(network) => network,
    };
    Ok(match network {
        NetworkConfig::ModernBert(config) => (Network::ModernBert(modern_bert(vars, config)?), config.pad_token_id),
        NetworkConfig::Nomic(config) => (Network::Nomic(NomicBertModel::load(vars, config)?), 0),
        NetworkConfig::Jina(config) => {
            // It computes its position biases when it is built, as a square of the longest text for each head.
            let mut config = config.clone();
            config.max_position_embeddings = files.max_tokens;
            let bare = vars.contains_tensor("embeddings.word_embeddings.weight");
            (Network::Jina(JinaModel::new(if bare { vars } else { vars.pp("bert") }, &config)?), 0)
        }
    })
}

fn modern_bert(vars: VarBuilder, config: &modernbert::Config) -> candle_core::Result<ModernBert> {
    // Candle wants every name to begin with `model.`; sentence-transformers saves them without.
    let vars = if vars.contains_tensor("embeddings.tok_embeddings.weight") {
        vars.rename_f(|name: &str| name.strip_prefix("model.").unwrap_or(name).to_string())
    } else {
        vars
    };
    // Every layer but the first has this norm; candle does not complain when one is missing.
    for i in 1..config.num_hidden_layers {
        let name = format!("model.layers.{i}.attn_norm.weight");
        if !vars.contains_tensor(&name) {
            candle_core::bail!("{name} is missing");
        }
    }
    ModernBert::load(vars, config)
}
