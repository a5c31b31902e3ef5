//! BERT and the architectures that are BERT under other names: RoBERTa, XLM-R, DistilBERT.
//!
//! Their tensors are handed out under the names that Hugging Face gives them in a BERT, so that what runs a BERT, our
//! kernels or candle's, runs them all.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;

use super::cpu::BertShape;

/// What the tensors are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As in BERT.
    Bert,
    /// As in BERT, with another name before it; the first rows of the position table belong to no position.
    Roberta,
    /// Other names, and no types.
    DistilBert,
}

/// An encoder of BERT's shape.
#[derive(Debug, Clone, Copy)]
pub struct BertFamily {
    /// What its tensors are called.
    pub naming: Naming,
    /// Its sizes.
    pub shape: BertShape,
    /// The token that fills a batch up.
    pub pad: u32,
    /// Rows at the top of the position table that no token of a text uses.
    pub skipped: usize,
}

/// BERT's names on the left, DistilBERT's on the right; the first that fits counts.
const DISTILBERT: [(&str, &str); 8] = [
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
];

impl BertFamily {
    /// The tensor that a BERT calls `name`.
    pub fn tensor(&self, vars: &VarBuilder, name: &str) -> Result<Tensor> {
        let BertShape { hidden, positions, .. } = self.shape;
        if self.naming == Naming::DistilBert && name == "embeddings.token_type_embeddings.weight" {
            return Tensor::zeros((1, hidden), DType::F32, vars.device());
        }
        let tensor = find(vars, &self.name(name), self.prefix())?;
        if name == "embeddings.position_embeddings.weight" && self.skipped > 0 {
            if tensor.dim(0)? != self.skipped + positions {
                candle_core::bail!("{name} has {} rows, config.json says {}", tensor.dim(0)?, self.skipped + positions);
            }
            return tensor.narrow(0, self.skipped, positions)?.contiguous();
        }
        Ok(tensor)
    }

    /// The tensor that a BERT calls `name`, as row-major numbers.
    pub fn numbers(&self, vars: &VarBuilder, name: &str) -> Result<Vec<f32>> {
        self.tensor(vars, name)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()
    }

    fn prefix(&self) -> &'static str {
        match self.naming {
            Naming::Bert => "bert",
            Naming::Roberta => "roberta",
            Naming::DistilBert => "distilbert",
        }
    }

    fn name(&self, bert: &str) -> String {
        if self.naming != Naming::DistilBert {
            return bert.to_string();
        }
        let name = bert.replace("encoder.layer", "transformer.layer");
        match DISTILBERT.iter().find(|(from, _)| name.contains(from)) {
            Some((from, to)) => name.replace(from, to),
            None => name,
        }
    }
}

/// A tensor under any of the names that exports give it: with the architecture before it, and in files of older versions
/// `gamma` and `beta` for a norm's weight and bias.
fn find(vars: &VarBuilder, name: &str, prefix: &str) -> Result<Tensor> {
    let old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
    let names = [name.to_string(), format!("{prefix}.{name}"), old.clone(), format!("{prefix}.{old}")];
    match names.iter().find(|n| vars.contains_tensor(n)) {
        Some(n) => vars.get_unchecked(n),
        None => candle_core::bail!("{name} is missing"),
    }
}

/// What candle's own BERT wants of it: only our tests run that one.
#[cfg(test)]
mod candle {
    use std::collections::HashMap;

    use candle_transformers::models::bert::{Config, HiddenAct};

    use super::super::cpu::Activation;
    use super::*;

    impl BertFamily {
        /// All tensors under BERT's names.
        pub fn as_bert(&self, vars: &VarBuilder) -> Result<VarBuilder<'static>> {
            let mut names = vec!["embeddings.LayerNorm".to_string()];
            for i in 0..self.shape.layers {
                names.extend(DISTILBERT.map(|(bert, _)| format!("encoder.layer.{i}.{bert}")));
            }
            let tables = ["word", "position", "token_type"].map(|t| format!("embeddings.{t}_embeddings.weight"));
            let mut tensors = HashMap::new();
            for name in names.iter().flat_map(|n| [format!("{n}.weight"), format!("{n}.bias")]).chain(tables) {
                tensors.insert(name.clone(), self.tensor(vars, &name)?);
            }
            Ok(VarBuilder::from_tensors(tensors, DType::F32, vars.device()))
        }

        /// The sizes.
        pub fn config(&self) -> Config {
            let shape = &self.shape;
            Config {
                vocab_size: shape.vocab,
                hidden_size: shape.hidden,
                num_hidden_layers: shape.layers,
                num_attention_heads: shape.heads,
                intermediate_size: shape.intermediate,
                hidden_act: match shape.activation {
                    Activation::Gelu => HiddenAct::Gelu,
                    Activation::GeluTanh => HiddenAct::GeluApproximate,
                    Activation::Relu => HiddenAct::Relu,
                },
                max_position_embeddings: shape.positions,
                type_vocab_size: shape.types,
                layer_norm_eps: shape.eps.into(),
                model_type: None,
                ..Config::default()
            }
        }
    }
}
