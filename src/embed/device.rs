//! Where a model runs.

use candle_core::Device;

use super::DeviceChoice;
use crate::error::{Error, Result};

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
