//! Where a model runs and in what precision: asked for, or found out.

use candle_core::{DType, Device, Tensor};

use super::cpu::Isa;
use super::{DeviceChoice, KernelChoice, Options, Precision};
use crate::error::{Error, Result};

/// Opens the device that the options lead to. Every call opens a stream of its own, so that what two models do on one
/// card is ordered only within each.
///
/// # Errors
/// [`Error::Model`] when a device was named and cannot be used, or cannot do the precision that was asked for.
pub fn open(options: &Options) -> Result<Device> {
    // Left to us, int8 goes where it runs.
    let choice = match (options.device, options.precision) {
        (DeviceChoice::Auto, Some(Precision::Int8)) => DeviceChoice::Cpu,
        (choice, _) => choice,
    };
    let device = match choice {
        DeviceChoice::Cpu => Device::Cpu,
        DeviceChoice::Cuda => cuda()?,
        DeviceChoice::Metal => metal()?,
        DeviceChoice::Auto => first(),
    };
    match options.precision {
        Some(Precision::Int8) if device.is_cpu() && options.kernels == KernelChoice::Candle => {
            Err(Error::Model("int8 runs on our own kernels only: say --kernels own, or --precision f32".into()))
        }
        Some(Precision::Int8) if !device.is_cpu() => Err(Error::Model(
            "int8 runs on the processor only: say --device cpu, or --precision bf16 (f16 on cards older than 2020)"
                .into(),
        )),
        Some(Precision::Bf16) if !device.is_cpu() && !multiplies(&device, DType::BF16) => Err(Error::Model(format!(
            "this {} device, or this build for it, has no bf16: say --precision f16 or f32",
            name(&device)
        ))),
        _ => Ok(device),
    }
}

/// Whether a BERT goes through our own kernels on the processor.
pub fn takes_own_kernels(options: &Options) -> bool {
    match options.kernels {
        KernelChoice::Own => true,
        KernelChoice::Candle => false,
        // candle has no int8.
        KernelChoice::Auto => options.precision == Some(Precision::Int8) || Isa::detect().has_kernels(),
    }
}

/// The precision when nobody asks for one: the fastest that is as good as f32 for finding papers.
pub fn own_precision(device: &Device, options: &Options) -> Precision {
    match device {
        Device::Cpu if takes_own_kernels(options) => Precision::of_this_machine(),
        // candle multiplies in f32 fastest there.
        Device::Cpu => Precision::F32,
        Device::Cuda(_) if multiplies(device, DType::BF16) => Precision::Bf16,
        // Metal's bf16 was never tried by us.
        Device::Cuda(_) | Device::Metal(_) => Precision::F32,
    }
}

/// The precision that the options lead to. For a device that cannot be opened any will do: opening the model says why.
pub fn precision_of(options: &Options) -> Precision {
    options.precision.unwrap_or_else(|| open(options).map_or(Precision::F32, |device| own_precision(&device, options)))
}

/// The device's name, for people.
pub fn name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

/// Bytes of the device's memory that nobody uses now; a guess for devices that do not tell.
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

/// Whether products and sums in this type come out right. Found by trying: it depends on the card, and on the
/// architecture that candle's kernels were built for.
fn multiplies(device: &Device, dtype: DType) -> bool {
    let tried = || -> candle_core::Result<f32> {
        let ones = Tensor::ones((16, 16), dtype, device)?;
        (ones.matmul(&ones)? + &ones)?.to_dtype(DType::F32)?.max_all()?.to_scalar()
    };
    tried().is_ok_and(|most| most == 17.0)
}

/// A device that is compiled in is not there on every machine, so this one does not fail.
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
    Device::new_cuda_with_stream(0)
        .map_err(|e| Error::Model(format!("no CUDA device can be used: {}", super::candle_model::plain(&e))))
}

fn metal() -> Result<Device> {
    if !cfg!(feature = "metal") {
        return Err(Error::Model(
            "this binary was built without Metal: build it with --features metal, or say --device cpu".into(),
        ));
    }
    Device::new_metal(0)
        .map_err(|e| Error::Model(format!("no Metal device can be used: {}", super::candle_model::plain(&e))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(device: DeviceChoice, precision: Option<Precision>) -> Options {
        Options { device, precision, ..Options::new("x") }
    }

    #[test]
    fn precisions_follow_the_device() {
        assert!(open(&options(DeviceChoice::Auto, Some(Precision::Int8))).expect("opens").is_cpu());
        assert_eq!(precision_of(&options(DeviceChoice::Cpu, None)), Precision::of_this_machine());
        assert_eq!(precision_of(&options(DeviceChoice::Cpu, Some(Precision::Int8))), Precision::Int8);
        let through_candle = Options { kernels: KernelChoice::Candle, ..options(DeviceChoice::Cpu, None) };
        assert_eq!(precision_of(&through_candle), Precision::F32);
        for dtype in [DType::F32, DType::BF16, DType::F16] {
            assert!(multiplies(&Device::Cpu, dtype), "{dtype:?}");
        }
        assert!(!multiplies(&Device::Cpu, DType::I64), "what candle does not multiply is found out");
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    fn a_device_that_is_not_compiled_in_is_refused_with_the_way_out() {
        for device in [DeviceChoice::Cuda, DeviceChoice::Metal] {
            let error = open(&options(device, None)).expect_err("not there").to_string();
            assert!(error.contains("--features") && error.contains("--device cpu"), "{error}");
        }
    }
}
