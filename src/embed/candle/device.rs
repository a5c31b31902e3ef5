//! The processor and the cards that candle runs on.

use candle_core::{DType, Device, Tensor};

use super::message;
use crate::embed::DeviceChoice;
use crate::error::{Error, Result};

/// Opens a device. Every call opens a stream of its own, so that what two models do on one card is ordered only within
/// each.
///
/// # Errors
/// [`Error::Model`] when a device was named and cannot be used, with the way out.
pub fn open(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda => cuda(),
        DeviceChoice::Metal => metal(),
        DeviceChoice::Auto => Ok(first()),
    }
}

/// The device's name, for people.
pub fn name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

/// Whether products and sums in bf16 come out right. Found by trying: it depends on the card, and on the architecture
/// that candle's kernels were built for.
pub fn has_bf16(device: &Device) -> bool {
    multiplies(device, DType::BF16)
}

/// Bytes of the device's memory that nobody uses now; 4 GiB for devices that do not report it.
pub fn free_memory(device: &Device) -> usize {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(_) = device
        && let Ok((free, _)) = candle_core::cuda_backend::cudarc::driver::result::mem_get_info()
    {
        return free;
    }
    let _ = device;
    4 << 30
}

fn multiplies(device: &Device, dtype: DType) -> bool {
    let tried = || -> candle_core::Result<f32> {
        let ones = Tensor::ones((16, 16), dtype, device)?;
        (ones.matmul(&ones)? + &ones)?.to_dtype(DType::F32)?.max_all()?.to_scalar()
    };
    tried().is_ok_and(|most| most == 17.0)
}

/// The first card, else the processor. A machine may lack the card that the binary was built for, so this does not
/// fail.
fn first() -> Device {
    let found = if cfg!(feature = "cuda") {
        cuda()
    } else if cfg!(feature = "metal") {
        metal()
    } else {
        return Device::Cpu;
    };
    found.unwrap_or_else(|e| {
        tracing::warn!("{e}: the model runs on the processor");
        Device::Cpu
    })
}

fn cuda() -> Result<Device> {
    if !cfg!(feature = "cuda") {
        return Err(Error::Model(
            "this binary was built without CUDA: build it with --features cuda, or say --device cpu".into(),
        ));
    }
    // Not `new_cuda`: its stream is another one in every thread, and a model is built in one thread and run in another.
    Device::new_cuda_with_stream(0).map_err(|e| Error::Model(format!("no CUDA device can be used: {}", message(&e))))
}

fn metal() -> Result<Device> {
    if !cfg!(feature = "metal") {
        return Err(Error::Model(
            "this binary was built without Metal: build it with --features metal, or say --device cpu".into(),
        ));
    }
    Device::new_metal(0).map_err(|e| Error::Model(format!("no Metal device can be used: {}", message(&e))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_multiplies_is_found_out() {
        for dtype in [DType::F32, DType::BF16, DType::F16] {
            assert!(multiplies(&Device::Cpu, dtype), "{dtype:?}");
        }
        assert!(!multiplies(&Device::Cpu, DType::I64), "candle does not multiply whole numbers");
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    fn a_device_that_is_not_compiled_in_is_refused_with_the_way_out() {
        for device in [DeviceChoice::Cuda, DeviceChoice::Metal] {
            let error = open(device).expect_err("not there").to_string();
            assert!(error.contains("--features") && error.contains("--device cpu"), "{error}");
        }
    }
}
