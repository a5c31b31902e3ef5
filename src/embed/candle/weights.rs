//! The tensors of a model's files.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use super::message;
use crate::embed::ModelFiles;
use crate::embed::bert_family::{BertFamily, BertShape, Naming};
use crate::embed::model::Weights;

/// The tensors of a model, brought to f32 when they are asked for.
pub fn weights<'a>(files: &'a ModelFiles, device: &Device) -> candle_core::Result<VarBuilder<'a>> {
    match &files.weights {
        Weights::Safetensors(bytes) => VarBuilder::from_slice_safetensors(bytes, DType::F32, device),
        Weights::Pickle(path) => VarBuilder::from_pth(path, DType::F32, device),
    }
}

/// The tensor of a member of BERT's family that a BERT calls `name`.
///
/// # Errors
/// When there is none, or the position table has another number of rows than config.json says.
pub fn tensor(family: &BertFamily, vars: &VarBuilder, name: &str) -> candle_core::Result<Tensor> {
    let BertShape { hidden, positions, .. } = family.shape;
    if family.naming == Naming::DistilBert && name == "embeddings.token_type_embeddings.weight" {
        return Tensor::zeros((1, hidden), DType::F32, vars.device());
    }
    let tensor = match family.names(name).iter().find(|n| vars.contains_tensor(n)) {
        Some(n) => vars.get_unchecked(n)?,
        None => candle_core::bail!("{name} is missing"),
    };
    if name == "embeddings.position_embeddings.weight" && family.skipped > 0 {
        let rows = family.skipped + positions;
        if tensor.dim(0)? != rows {
            candle_core::bail!("{name} has {} rows, config.json says {rows}", tensor.dim(0)?);
        }
        return tensor.narrow(0, family.skipped, positions)?.contiguous();
    }
    Ok(tensor)
}

/// Reads the tensors of a member of BERT's family one at a time, as row-major f32, for code that does not use candle.
pub struct TensorReader<'a> {
    vars: VarBuilder<'a>,
    family: &'a BertFamily,
}

impl<'a> TensorReader<'a> {
    /// Opens the weights.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn open(files: &'a ModelFiles, family: &'a BertFamily) -> Result<Self, String> {
        let vars = weights(files, &Device::Cpu).map_err(|e| message(&e))?;
        Ok(TensorReader { vars, family })
    }

    /// The tensor that a BERT calls `name`.
    ///
    /// # Errors
    /// When it is missing or is not made of numbers.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        let read = || tensor(self.family, &self.vars, name)?.flatten_all()?.to_vec1();
        read().map_err(|e| message(&e))
    }
}

/// Every tensor of a small file (a pickle, or safetensors) by its name, as row-major f32.
///
/// # Errors
/// What is wrong with the file.
pub fn read_all(path: &Path, pickle: bool) -> Result<HashMap<String, Vec<f32>>, String> {
    let tensors: candle_core::Result<HashMap<String, Tensor>> = match pickle {
        true => candle_core::pickle::read_all(path).map(|list| list.into_iter().collect()),
        false => candle_core::safetensors::load(path, &Device::Cpu),
    };
    let numbers =
        |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?));
    let read = tensors.and_then(|tensors| tensors.into_iter().map(numbers).collect::<candle_core::Result<_>>());
    read.map_err(|e| message(&e))
}
