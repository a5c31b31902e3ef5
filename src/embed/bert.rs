//! BERT and its kin with the same tensors, through candle.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, DTYPE};

use super::model::Weights;
use super::{DeviceChoice, ModelFiles, Pooling};
use crate::error::{Error, Result};

/// A model ready to run. Not shared between threads: two forward passes at once are slower than one after the other.
pub struct Bert {
    model: BertModel,
    device: Device,
    pooling: Pooling,
    pad: u32,
}

impl Bert {
    /// Builds the model in f32 on a device.
    pub fn load(files: &ModelFiles, device: Device) -> Result<Self> {
        let name = &files.identity().name;
        let refuse = |e| Error::Model(format!("the weights of {name} do not fit: {}", plain(&e)));
        let vars = weights(files, &device).map_err(refuse)?;
        let model = BertModel::load(vars, &files.config).map_err(refuse)?;
        let pad = u32::try_from(files.config.pad_token_id).unwrap_or(0);
        Ok(Bert { model, device, pooling: files.pooling, pad })
    }

    /// The pooled vector of each sequence, not yet of unit length, in the order given.
    ///
    /// `batch` holds token ids with the special ones; none may be empty or longer than the model's positions.
    pub fn forward(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        self.run(batch).map_err(|e| Error::Model(format!("the model failed on {} texts: {}", batch.len(), plain(&e))))
    }

    fn run(&self, batch: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let (n, longest) = (batch.len(), batch.iter().map(|s| s.len()).max().unwrap_or(0));
        let (mut ids, mut mask) = (Vec::with_capacity(n * longest), Vec::with_capacity(n * longest));
        for sequence in batch {
            let padding = longest - sequence.len();
            ids.extend_from_slice(sequence);
            ids.extend(std::iter::repeat_n(self.pad, padding));
            mask.extend(std::iter::repeat_n(1f32, sequence.len()));
            mask.extend(std::iter::repeat_n(0f32, padding));
        }
        let ids = Tensor::from_vec(ids, (n, longest), &self.device)?;
        let mask = Tensor::from_vec(mask, (n, longest), &self.device)?;
        let hidden = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
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

    /// The device's name, for people.
    pub fn device(&self) -> &'static str {
        match self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        }
    }
}

/// The tensors of a model, brought to f32 when they are asked for.
pub fn weights<'a>(files: &'a ModelFiles, device: &Device) -> candle_core::Result<VarBuilder<'a>> {
    match &files.weights {
        Weights::Safetensors(bytes) => VarBuilder::from_slice_safetensors(bytes, DTYPE, device),
        Weights::Pickle(path) => VarBuilder::from_pth(path, DTYPE, device),
    }
}

/// What candle says, without the backtrace that it puts behind.
pub fn plain(e: &candle_core::Error) -> String {
    e.to_string().lines().next().unwrap_or_default().to_string()
}

/// Opens the device that is asked for.
pub fn open_device(choice: DeviceChoice) -> Result<Device> {
    let cuda = || -> Result<Device> {
        if !cfg!(feature = "cuda") {
            return Err(Error::Model(
                "this binary was built without CUDA: build it with --features cuda, or say --device cpu".into(),
            ));
        }
        Device::new_cuda(0).map_err(|e| Error::Model(format!("no CUDA device can be used: {e}")))
    };
    let metal = || -> Result<Device> {
        if !cfg!(feature = "metal") {
            return Err(Error::Model(
                "this binary was built without Metal: build it with --features metal, or say --device cpu".into(),
            ));
        }
        Device::new_metal(0).map_err(|e| Error::Model(format!("no Metal device can be used: {e}")))
    };
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda => cuda(),
        DeviceChoice::Metal => metal(),
        DeviceChoice::Auto => {
            if cfg!(feature = "cuda") && candle_core::utils::cuda_is_available() {
                cuda()
            } else if cfg!(feature = "metal") && candle_core::utils::metal_is_available() {
                metal()
            } else {
                Ok(Device::Cpu)
            }
        }
    }
}
