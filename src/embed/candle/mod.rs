//! Models on candle, on any device. The crates of candle stand in this folder only.
//!
//! [`Bert`] runs BERT and its family, in f32 or narrower; [`CandleModel`] runs the other architectures through candle's
//! own implementations, in f32. `config` reads the sizes of these, `weights` the tensors, `device` opens a processor or
//! a card.

mod bert;
mod candle_model;
mod config;
mod device;
#[cfg(test)]
mod reference;
mod threads;
mod weights;

pub use bert::Bert;
pub use candle_core::Device;
pub use candle_model::CandleModel;
pub use config::NetworkConfig;
pub use device::{has_bf16, name, open};
pub use threads::Threads;
pub use weights::{TensorReader, read_all};

/// What candle says, without the backtrace that it puts behind.
fn message(e: &candle_core::Error) -> String {
    e.to_string().lines().next().unwrap_or_default().to_string()
}
