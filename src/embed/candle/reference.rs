//! What candle's own BERT needs of a member of the family. Only tests run that one: it is the reference for ours.

use std::collections::HashMap;

use candle_core::{DType, Result};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{Config, HiddenAct};

use super::weights::tensor;
use crate::embed::bert_family::{Activation, BertFamily, DISTILBERT};

/// All tensors under BERT's names.
pub fn as_bert(family: &BertFamily, vars: &VarBuilder) -> Result<VarBuilder<'static>> {
    let mut names = vec!["embeddings.LayerNorm".to_string()];
    for i in 0..family.shape.layers {
        names.extend(DISTILBERT.map(|(bert, _)| format!("encoder.layer.{i}.{bert}")));
    }
    let tables = ["word", "position", "token_type"].map(|t| format!("embeddings.{t}_embeddings.weight"));
    let mut tensors = HashMap::new();
    for name in names.iter().flat_map(|n| [format!("{n}.weight"), format!("{n}.bias")]).chain(tables) {
        tensors.insert(name.clone(), tensor(family, vars, &name)?);
    }
    Ok(VarBuilder::from_tensors(tensors, DType::F32, vars.device()))
}

/// The sizes.
pub fn config(family: &BertFamily) -> Config {
    let shape = &family.shape;
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
